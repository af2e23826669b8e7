"""Gradient rules of functions that move, repeat, pad or pick elements, in the manner of `rules`."""

import autograd.numpy as np
import numpy
from autograd.extend import vspace
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import getval

from minimeta.core.backend.primitives import primitive
from minimeta.core.backend.rules import gather, install, of_reshape, untake

# ---- Axes ----


def of_ravel(ans, x, order="C"):
    """Back in the order in which the elements were read."""
    return of_reshape(ans, x, -1, order)


def of_transpose(ans, x, axes=None):
    """The inverse permutation of the axes."""
    order = axes if axes is None else [a % np.ndim(x) for a in axes]
    back = None if order is None else [order.index(i) for i in range(len(order))]
    return lambda g: np.transpose(g, back)


def of_rollaxis(ans, x, axis, start=0):
    """Axis number `axis` lies before the old `start` now; back to its place."""
    n = np.ndim(x)
    axis, start = axis % n, start + n if start < 0 else start
    return lambda g: np.moveaxis(g, start - 1 if axis < start else start, axis)


def transpose_method(x, *axes):
    """x.transpose(), x.transpose(1, 0) or x.transpose((1, 0)), as NumPy's method has it."""
    return np.transpose(x, axes[0] if len(axes) == 1 else axes or None)


def of_roll(ans, x, shift, axis=None):
    """Rolled back."""
    back = [-s for s in shift] if isinstance(shift, (tuple, list)) else -shift
    return lambda g: np.roll(g, back, axis)


install(np.ravel, of_ravel, forward=False)
install(np.transpose, of_transpose, forward=False)
install(np.rollaxis, of_rollaxis, forward=False)
install(np.roll, of_roll, forward=False)
install(np.rot90, lambda ans, x, k=1, axes=(0, 1): lambda g: np.rot90(g, -k, axes), forward=False)
ArrayBox.transpose = transpose_method


# ---- Repeating and padding ----


def of_repeat(ans, x, repeats, axis=None):
    """Each element gathers the gradients of its copies."""
    shape, n = np.shape(x), np.size(x) if axis is None else np.shape(x)[axis]
    counts = numpy.broadcast_to(numpy.asarray(getval(repeats)), (n,))
    if numpy.ndim(repeats) == 0 or numpy.size(repeats) == 1:
        each = int(numpy.ravel(repeats)[0])
        split = (n, each) if axis is None else shape_of_groups(shape, axis, each)
        at = 1 if axis is None else axis % len(shape) + 1
        return lambda g: np.reshape(np.sum(np.reshape(g, split), axis=at), shape)
    owner = numpy.repeat(numpy.arange(n), counts)
    if axis is None:
        index = numpy.unravel_index(owner, shape)
    else:
        index = (slice(None),) * (axis % len(shape)) + (owner,)
    return lambda g: untake(g, index, vspace(x))


def shape_of_groups(shape, axis, each):
    """The shape with every element along the axis made `each`, on an axis of their own."""
    axis %= len(shape)
    return (*shape[: axis + 1], each, *shape[axis + 1 :])


def of_tile(ans, x, reps):
    """The sum over the copies, which lie on axes of their own."""
    reps = tuple(int(n) for n in numpy.ravel(reps))
    axes = max(len(reps), np.ndim(x))
    reps = (1,) * (axes - len(reps)) + reps
    shape = (1,) * (axes - np.ndim(x)) + np.shape(x)
    split = tuple(n for pair in zip(reps, shape) for n in pair)
    copies = tuple(range(0, 2 * axes, 2))
    return lambda g: np.reshape(np.sum(np.reshape(g, split), axis=copies), np.shape(x))


def of_pad(ans, x, pad_width, mode="constant", constant_values=0):
    """What lies between the borders."""
    if mode != "constant":
        raise NotImplementedError(
            f"np.pad has a gradient for mode='constant'; for {mode!r} index with the positions "
            "that are repeated, x[positions]."
        )
    if isinstance(pad_width, dict):  # {axis: width}
        widths = numpy.zeros((np.ndim(x), 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
    else:
        widths = numpy.broadcast_to(numpy.asarray(pad_width, int), (np.ndim(x), 2))
    inner = tuple(slice(low, low + n) for (low, _), n in zip(widths.tolist(), np.shape(x)))
    return lambda g: g[inner]


install(np.repeat, of_repeat, forward=False)
install(np.tile, of_tile, forward=False)
install(np.pad, of_pad)


# ---- Order ----


@primitive
def permute(x, order, axis):
    """x with its elements along the axis in the given order."""
    return numpy.take_along_axis(x, order, axis)


def of_order(ans, x, axis):
    """The k-th smallest of ans was the k-th smallest of x: its gradient goes there."""
    if axis is None:
        back = of_order(ans, np.ravel(x), 0)
        return lambda g: np.reshape(back(g), np.shape(x))
    ranks = np.argsort(np.argsort(x, axis, kind="stable"), axis, kind="stable")
    by_rank = np.argsort(ans, axis, kind="stable")
    return lambda g: permute(permute(g, by_rank, axis), ranks, axis)


def of_sort(ans, x, axis=-1, kind=None, order=None, stable=None):
    """The rule of np.sort."""
    return of_order(ans, x, axis)


def of_partition(ans, x, kth, axis=-1, kind="introselect", order=None):
    """The rule of np.partition."""
    return of_order(ans, x, axis)


install(permute, lambda ans, x, order, axis: lambda g: permute(g, np.argsort(order, axis), axis))
install(np.sort, of_sort)
install(np.partition, of_partition)


# ---- Pieces and triangles ----


def of_split(ans, x, indices_or_sections, axis=0):
    """The pieces joined again."""
    if sum(np.shape(ans[i])[axis] for i in range(len(ans))) != np.shape(x)[axis]:
        raise NotImplementedError(
            f"np.split has a gradient for indices in increasing order; they are "
            f"{indices_or_sections}."
        )
    return lambda g: np.concatenate(g, axis=axis)


def of_split_along(axis):
    """The rule of vsplit, hsplit or dsplit; hsplit cuts a vector along its only axis."""
    return lambda ans, x, parts: of_split(ans, x, parts, min(axis, np.ndim(x) - 1))


for _split in (np.split, np.array_split):
    install(_split, of_split, forward=False)
for _axis, _split in enumerate((np.vsplit, np.hsplit, np.dsplit)):
    install(_split, of_split_along(_axis), forward=False)
for _atleast in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    install(_atleast, lambda ans, x: lambda g: np.reshape(g, np.shape(x)), forward=False)
for _triangle in (np.triu, np.tril):
    install(
        _triangle,
        lambda ans, x, k=0, f=_triangle: lambda g: gather(f(g, k), x),
        forward=False,
    )
install(np.flip, lambda ans, x, axis=None: lambda g: np.flip(g, axis))
install(np.copy, lambda ans, x, order="K": lambda g: g)
