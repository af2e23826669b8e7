"""Linear layers and activations: primitives whose gradients are written in each other.

autograd differentiates a layer written in NumPy call by call. It calls a *primitive* once, on plain
arrays, and asks for a rule for the gradient. One habit makes such rules hold to any order: the
gradient of each primitive is written in primitives of the same family. A map that is linear in an
argument has an adjoint, which is linear again, so few families are enough:

    y = product(x, W)     x W          gradient in x: rows(g, W, ...)   in W: columns(x, g, ...)
    rows(g, W, ...)       g W'         gradient in g: product(q, W)     in W: columns(q, g, ...)
    columns(x, g, ...)    x' g         gradient in x: rows(g, q, ...)   in g: product(x, q)
    affine(x, W, b)       x W + b      as product; in b: total(g, ...), the sum over rows
    relu(x)               max(x, 0)    keep(g, x > 0), its own adjoint; the mask is a constant
    tanh(x)               y            tanh_gradient(g, y) = g (1 - y^2), its own adjoint in g;
                                       in y: tanh_curvature(q, g, y) = -2 q g y, symmetric in all

Leading axes are tasks, and every argument may lack them. What all tasks share is multiplied once:
x (M, N, D) with W (D, C) is one product of M N rows, and its gradient one (D, C) matrix.
"""

import math

import numpy
from autograd.core import JVPNode, VJPNode
from autograd.extend import defvjp
from autograd.tracer import register_notrace

from minimeta.core import checks
from minimeta.core.backend import np, primitive

SMALL = 1200  # numbers in a product up to which OpenBLAS has a kernel of its own for it


def constant_primitive(f):
    """f as a primitive that every gradient takes for a constant."""
    f = primitive(f)
    for node in (VJPNode, JVPNode):
        register_notrace(node, f)
    return f


def linear(x, W, b):
    """x W + b:  x (..., N, D), W (..., D, C), b (..., C)  ->  (..., N, C)."""
    _check_linear(x, W, b)
    return affine(x, W, b)  # autograd does not look into keyword arguments, such as **params


@primitive
def affine(x, W, b):
    """What `linear` computes."""
    y, b = _product(x, W), b[..., None, :]  # (..., N, C) and (..., 1, C)
    if b.shape[:-2] not in ((), y.shape[:-2]):
        return y + b
    y += b  # in place, where the sum has the shape of y
    return y


@primitive
def product(x, W):
    """x W:  x (..., N, D), W (..., D, C)  ->  (..., N, C)."""
    return _product(x, W)


@primitive
def rows(g, W, shape):
    """g W', summed to the shape of the x it belongs to:  g (..., N, C), W (..., D, C)."""
    if _has_few_rows(g, W):
        return sum_to(numpy.matmul(W, g.swapaxes(-1, -2)).swapaxes(-1, -2).copy(), shape)
    return sum_to(_product(g, W.swapaxes(-1, -2)), shape)


@primitive
def columns(x, g, shape):
    """x' g, summed to the shape of the W it belongs to:  x (..., N, D), g (..., N, C)."""
    if len(shape) == 2 and x.shape[:-1] == g.shape[:-1]:  # all tasks' rows are one list
        x, g = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
    return sum_to(_times(x.swapaxes(-1, -2), g), shape)


@primitive
def total(g, shape):
    """The sum of g (..., N, C) over rows and over whatever tasks share the b of this shape."""
    if len(shape) == 1:  # all tasks' rows are one list
        g = g.reshape(-1, g.shape[-1])
    ones = numpy.ones(g.shape[-2], g.dtype, like=g)
    return sum_to(numpy.matmul(ones, g), shape)  # several times as fast as g.sum(-2)


defvjp(
    affine,
    lambda ans, x, W, b: lambda g: rows(g, W, x.shape),
    lambda ans, x, W, b: lambda g: columns(x, g, W.shape),
    lambda ans, x, W, b: lambda g: total(g, b.shape),
)
defvjp(
    product,
    lambda ans, x, W: lambda g: rows(g, W, x.shape),
    lambda ans, x, W: lambda g: columns(x, g, W.shape),
)
defvjp(
    rows,
    lambda ans, g, W, shape: lambda q: spread(product(q, W), g.shape),
    lambda ans, g, W, shape: lambda q: columns(q, g, W.shape),
)
defvjp(
    columns,
    lambda ans, x, g, shape: lambda q: rows(g, q, x.shape),
    lambda ans, x, g, shape: lambda q: spread(product(x, q), g.shape),
)
defvjp(
    total,
    lambda ans, g, shape: (
        lambda q: np.broadcast_to(np.reshape(q, (*shape[:-1], 1, shape[-1])), g.shape)
    ),
)


@primitive
def relu(x):
    """max(x, 0), element by element. Its gradient at 0 is 0."""
    return x.clip(0, math.inf)  # twice as fast as numpy.maximum(x, 0)


@constant_primitive
def is_positive(x):
    """1 where x > 0, 0 elsewhere."""
    return (x > 0).astype(x.dtype)  # multiplying by truth values takes twice as long


@primitive
def keep(g, mask):
    """g where the mask is 1, 0 where it is 0."""
    return g * mask


defvjp(relu, lambda ans, x: lambda g: keep(g, is_positive(ans)))
defvjp(keep, lambda ans, g, mask: lambda q: keep(q, mask))


@primitive
def tanh(x):
    """The hyperbolic tangent, element by element."""
    return numpy.tanh(x)


@primitive
def tanh_gradient(g, y):
    """g (1 - y^2)."""
    gradient = 1 - y * y
    gradient *= g
    return gradient


@primitive
def tanh_curvature(q, g, y):
    """-2 q g y."""
    curvature = -2 * y
    curvature *= g
    curvature *= q
    return curvature


defvjp(tanh, lambda ans, x: lambda g: tanh_gradient(g, ans))
defvjp(
    tanh_gradient,
    lambda ans, g, y: lambda q: tanh_gradient(q, y),
    lambda ans, g, y: lambda q: tanh_curvature(q, g, y),
)
defvjp(
    tanh_curvature,
    lambda ans, q, g, y: lambda r: tanh_curvature(r, g, y),
    lambda ans, q, g, y: lambda r: tanh_curvature(q, r, y),
    lambda ans, q, g, y: lambda r: tanh_curvature(q, g, r),
)


def _product(x, W):
    """x W on plain arrays; tasks that share W are one long list of rows."""
    if not is_shared(W, x.shape[:-2], 2):
        return _times(x, W)
    one = W[(0,) * (W.ndim - 2)]
    return _times(x.reshape(-1, x.shape[-1]), one).reshape(*x.shape[:-1], W.shape[-1])


def _has_few_rows(g, W):
    """Whether (W g')' is the faster way to g W': BLAS puts the larger factor of a product, beyond
    some size, in another order first, and is up to twice as fast at it if it need not transpose."""
    N, D = g.shape[-2], W.shape[-2]
    return N * D > SMALL and 2 * N <= D and not is_shared(W, g.shape[:-2], 2)


def is_shared(W, tasks, ndim):
    """Whether all tasks use one W of `ndim` axes: no task axes, or equal copies (stride 0)."""
    return W.ndim == ndim or W.shape[:-ndim] == tasks and not any(W.strides[:-ndim])


def _times(a, b):
    """a b; an inner axis of length 1 leaves nothing to sum, and multiplying is faster."""
    return a * b if a.shape[-1] == 1 else numpy.matmul(a, b)


def sum_to(a, shape):
    """A plain array, summed over the axes along which one of this shape was repeated."""
    if a.shape == shape:
        return a
    extra = a.ndim - len(shape)
    repeated = tuple(i for i, n in enumerate(a.shape) if i < extra or n != shape[i - extra])
    return a.sum(axis=repeated).reshape(shape)


def spread(a, shape):
    """a, repeated along leading axes to this shape: the adjoint of `sum_to`, differentiable."""
    return a if a.shape == shape else np.broadcast_to(a, shape)


def _check_linear(x, W, b):
    if not (checks.is_usual(x) and checks.is_usual(W) and checks.is_usual(b)):
        for name, value in (("x", x), ("W", W), ("b", b)):
            checks.floats(name, value)
    if x.ndim < 2 or W.ndim < 2 or x.shape[-1] != W.shape[-2] or b.shape[-1:] != W.shape[-1:]:
        raise ValueError(
            "linear needs x (..., N, D), W (..., D, C) and b (..., C); "
            f"it was given {x.shape}, {W.shape} and {b.shape}."
        )
