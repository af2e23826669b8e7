"""Gradient rules of real Fourier transforms, of any length and normalisation.

    y = rfft(x, n)      the first n//2 + 1 of fft(x, n): pad g with zeros to n, then fft, real part
    y = irfft(x, n)     c conj(rfft(g)) in the opposite normalisation; c = 2, but 1 for frequencies
                        0 and n/2, which stand for themselves alone

A transform to n points cuts or pads its axis first, so a gradient is padded or cut there.  With
several axes the last is real, the others are complex transforms, whose matrices are symmetric.

A complex transform of one or several axes is its own adjoint, the padding apart.
"""

import autograd.numpy as np
import numpy
from autograd.numpy.fft import check_no_repeated_axes, truncate_pad

from minimeta.core.backend.rules import gather, install

OPPOSITE = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def resize(g, n, axis):
    """g cut or padded with zeros to length n along an axis."""
    shape = list(np.shape(g))
    shape[axis] = n
    return truncate_pad(g, tuple(shape))


def of_real(axes_of):
    """The rule of rfft, rfft2 or rfftn, which find their axes and lengths by axes_of."""

    def vjp(ans, x, *args, **kwargs):
        axes, lengths, norm = axes_of(x, np.shape, *args, **kwargs)
        check_no_repeated_axes(axes)

        def back(g):
            g = resize(g, lengths[-1], axes[-1])
            g = np.fft.fftn(g, axes=axes, norm=norm)
            return truncate_pad(np.real(g), np.shape(x))

        return back

    return vjp


def of_real_inverse(axes_of):
    """The rule of irfft, irfft2 or irfftn."""

    def vjp(ans, x, *args, **kwargs):
        axes, lengths, norm = axes_of(x, lambda _: np.shape(ans), *args, **kwargs)
        check_no_repeated_axes(axes)
        n, last = lengths[-1], axes[-1]
        count = numpy.full(n // 2 + 1, 2, np.result_type(ans))
        count[0] = 1
        count[n // 2] = 1 if n % 2 == 0 else count[n // 2]
        wide = (-1,) + (1,) * (np.ndim(ans) - 1 - last % np.ndim(ans))

        def back(g):
            g = np.conj(np.fft.rfft(g, axis=last, norm=OPPOSITE[norm])) * count.reshape(wide)
            if len(axes) > 1:
                g = np.fft.ifftn(g, axes=axes[:-1], norm=norm)
            return gather(truncate_pad(g, np.shape(x)), x)

        return back

    return vjp


def of_complex(f, axes_of):
    """The rule of fft, ifft and their kin."""

    def vjp(ans, x, *args, **kwargs):
        check_no_repeated_axes(axes_of(x, np.shape, *args, **kwargs)[0])
        back = lambda g: f(g, *args, **kwargs)
        return lambda g: gather(truncate_pad(back(g), np.shape(x)) if np.ndim(x) else g, x)

    return vjp


def one_axis(x, shape_of, n=None, axis=-1, norm=None):
    """([axis], [length], norm) of fft and its kin."""
    return [axis], [shape_of(x)[axis] if n is None else n], norm


def two_axes(x, shape_of, s=None, axes=(-2, -1), norm=None):
    """(axes, lengths, norm) of fft2 and its kin."""
    return many_axes(x, shape_of, s, axes, norm)


def many_axes(x, shape_of, s=None, axes=None, norm=None):
    """(axes, lengths, norm) of fftn and its kin."""
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(np.ndim(x))
    axes = [*axes]
    return axes, [shape_of(x)[a] for a in axes] if s is None else [*s], norm


for _end, _axes_of in {"": one_axis, "2": two_axes, "n": many_axes}.items():
    for _complex in (getattr(np.fft, f"fft{_end}"), getattr(np.fft, f"ifft{_end}")):
        install(_complex, of_complex(_complex, _axes_of))
    install(getattr(np.fft, f"rfft{_end}"), of_real(_axes_of))
    install(getattr(np.fft, f"irfft{_end}"), of_real_inverse(_axes_of))
