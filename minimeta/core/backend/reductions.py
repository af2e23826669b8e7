"""Gradient rules of functions that take many elements to few, in the manner of `rules`.

y = sum(x)     g          y = mean(x)    g / n        y = prod(x)     g times all others
y = max(x)     g where x is the largest, in equal shares        y = var(x)   2 g (x - mean) / n
y = |x|_p      g (|x| / y)^(p - 1) sign(x)
"""

import math

import autograd.numpy as np
import numpy
from autograd.core import make_vjp
from autograd.extend import defjvp_argnums, defvjp
from autograd.tracer import trace_primitives_map

from minimeta.core.backend.bounds import cast
from minimeta.core.backend.elementwise import toward
from minimeta.core.backend.rules import adjoint, install, refuse, refuse_integers, spread

SIGNATURES = {  # the arguments after x and axis, by position
    **dict.fromkeys(["sum", "mean", "prod"], ("dtype", "out", "keepdims")),
    **dict.fromkeys(["max", "min", "amax", "amin"], ("out", "keepdims")),
    **dict.fromkeys(["var", "std"], ("dtype", "out", "ddof", "keepdims")),
}


def reduction(f, rule):
    """Give f the gradient rule(up, ans, x, n, axis)(g): up = spread, n elements became one."""
    f = trace_primitives_map[f]

    def vjp(ans, x, axis=None, *more, keepdims=False, ddof=0, **options):
        if more or options:
            options = {"ddof": ddof, **options, **dict(zip(SIGNATURES[f.__name__], more))}
            ddof = known_options(f, ans, options)
        shape = np.shape(x)
        n = math.prod(shape) // max(1, math.prod(np.shape(ans)))
        pull = rule(lambda a: spread(a, shape, axis), ans, x, n - ddof, axis)
        return (lambda g: cast(pull(g), np.result_type(x))) if options.get("dtype") else pull

    defvjp(f, vjp)
    defjvp_argnums(f, adjoint(f))


def known_options(f, ans, options):
    """ddof, of options that a rule understands; refuse the others."""
    others = {"dtype": None, "out": None, "keepdims": False, "correction": 0, "ddof": 0}
    refused = [f"{name}=" for name, value in options.items() if name not in others]
    refused += ["out="] if options.get("out") is not None else []
    if refused:
        refuse(f, refused)
    refuse_integers(f, ans)
    return options["correction"] if "correction" in options else options.get("ddof", 0)


def centred(x, axis):
    """The conjugate of x less its mean."""
    errors = x - np.mean(x, axis=axis, keepdims=True)
    return np.conj(errors) if np.iscomplexobj(errors) else errors


def of_std(up, ans, x, n, axis):
    """(x - mean) / (n std), and zero where all elements are equal."""
    if np.size(x) == np.size(ans):
        return lambda g: up(0.0 * g)
    return lambda g: up(g / n) * toward(centred(x, axis), up(ans))


def of_extremum(up, ans, x, n, axis):
    """Elements that tie for the extremum share its gradient equally."""
    chosen = (x == up(ans)).astype(np.result_type(ans))
    return lambda g: up(g) * (chosen / np.sum(chosen, axis=axis, keepdims=True))


def of_prod(up, ans, x, n, axis):
    """The product of all other elements: no quotient, so a zero does no harm."""
    shape = np.shape(x)
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = [a % len(shape) for a in axes if shape]
    order = [i for i in range(len(shape)) if i not in gone] + gone
    last = tuple(shape[i] for i in order)

    def vjp(g):
        kept = last[: len(last) - len(gone)] + (math.prod(last[len(last) - len(gone) :]),)
        others = product_of_others(np.reshape(np.transpose(x, order), kept))
        back = [order.index(i) for i in range(len(shape))]
        return up(g) * np.transpose(np.reshape(others, last), back)

    return vjp


def product_of_others(x):
    """For each element along the last axis the product of all others, halving the number n.

    The others of an element are its partner and all pairs but its own.
    """
    n = np.shape(x)[-1]
    if n < 2:
        return np.ones_like(x)
    left, right, rest = x[..., : n // 2], x[..., n // 2 : n // 2 * 2], x[..., n // 2 * 2 :]
    pairs = product_of_others(np.concatenate([left * right, rest], -1))
    own = pairs[..., : n // 2]
    return np.concatenate([own * right, own * left, pairs[..., n // 2 :]], -1)


reduction(numpy.sum, lambda up, ans, x, n, axis: up)
reduction(numpy.mean, lambda up, ans, x, n, axis: lambda g: up(g / n))
reduction(numpy.prod, of_prod)
reduction(numpy.var, lambda up, ans, x, n, axis: lambda g: up(2.0 * g / n) * centred(x, axis))
reduction(numpy.std, of_std)
for _extremum in {numpy.max, numpy.min, numpy.amax, numpy.amin}:
    reduction(_extremum, of_extremum)


# ---- Running sums and differences ----


def reverse(g, axis):
    """g with its elements along an axis in reverse order."""
    return g[(slice(None),) * (axis % np.ndim(g)) + (slice(None, None, -1),)]


def of_cumsum(ans, x, axis=None, dtype=None):
    """The running sum from the end."""
    refuse_integers(np.cumsum, ans)
    along = 0 if axis is None else axis

    def back(g):
        return np.reshape(reverse(np.cumsum(reverse(g, along), along), along), np.shape(x))

    return (lambda g: cast(back(g), np.result_type(x))) if dtype else back


def undiff(g, axis):
    """What np.diff along an axis hands back: g less g one place later, zero beyond the ends."""
    nothing = np.zeros_like(np.sum(g, axis=axis, keepdims=True))
    return np.concatenate([nothing, g], axis) - np.concatenate([g, nothing], axis)


def of_diff(ans, x, n=1, axis=-1):
    """One `undiff` for each difference."""

    def vjp(g):
        for length in range(n):
            short = np.shape(x)[axis] - n + length < 0  # nothing is left to take differences of
            g = g if short else undiff(g, axis)
        return g

    return vjp


def of_gradient(ans, x, *spacing, axis=None):
    """Forward differences at the ends and their means between them, handed back."""
    if spacing:
        raise NotImplementedError(
            "np.gradient has a gradient for unit spacing; divide by the spacing afterwards."
        )
    axes = range(np.ndim(x)) if axis is None else [axis] if isinstance(axis, int) else axis
    if len(axes) == 1:
        return lambda g: ungradient(g, axes[0])
    return lambda g: sum(ungradient(g[i], a) for i, a in enumerate(axes))


def ungradient(g, axis):
    """The adjoint of np.gradient along one axis."""
    cut = lambda a, i, j: a[(slice(None),) * (axis % np.ndim(g)) + (slice(i, j),)]
    parts = [cut(g, None, 1), 0.5 * cut(g, 1, -1), cut(g, -1, None)]
    halves = np.concatenate(parts, axis)
    return undiff(cut(halves, None, -1) + cut(halves, 1, None), axis)


install(np.cumsum, of_cumsum)
install(np.diff, of_diff)
install(np.gradient, of_gradient, forward=False)


# ---- Norms ----


def of_norm(ans, x, ord=None, axis=None, keepdims=False):
    """The gradient of a vector norm, or of a matrix norm from its formula."""
    axes = tuple(range(np.ndim(x))) if axis is None else axis
    axes = axes if isinstance(axes, tuple) else (axes,)
    if len(axes) == 2 and ord not in (None, "fro"):
        pull, _ = make_vjp(lambda x: matrix_norm(x, ord, axes, keepdims), x)
        return pull
    up = lambda a: spread(a, np.shape(x), axes)
    if ord in (None, "fro", 2):
        conj = np.conj(x) if np.iscomplexobj(x) else x
        return lambda g: up(g) * toward(conj, up(ans))
    sign = toward(np.conj(x), np.abs(x)) if np.iscomplexobj(x) else np.sign(x)
    if ord in (math.inf, -math.inf):
        chosen = (np.abs(x) == up(ans)).astype(np.result_type(ans))
        return lambda g: up(g) * sign * (chosen / np.sum(chosen, axis=axes, keepdims=True))
    if ord == 0:
        return lambda g: 0.0 * up(g) * sign
    return lambda g: up(g) * sign * toward(np.abs(x), up(ans)) ** (ord - 1)


def matrix_norm(x, ord, axes, keepdims):
    """The norm of matrices in two axes as a formula of functions that have rules."""
    rows, columns = (a % np.ndim(x) for a in axes)
    if ord in (1, -1, math.inf, -math.inf):
        summed = rows if abs(ord) == 1 else columns
        sums = np.sum(np.abs(x), axis=summed, keepdims=True)
        return (np.max if ord > 0 else np.min)(sums, axis=axes, keepdims=keepdims)
    values = np.linalg.svd(np.moveaxis(x, (rows, columns), (-2, -1)), compute_uv=False)
    value = {"nuc": np.sum, 2: np.max, -2: np.min}[ord](values, axis=-1)
    return np.expand_dims(value, tuple(sorted((rows, columns)))) if keepdims else value


install(np.linalg._primitive_norm, of_norm)
