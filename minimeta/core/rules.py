"""Gradient rules that keep the device and the float type of what they differentiate.

autograd differentiates NumPy, and some of its rules make NumPy arrays or NumPy scalars on the way.
On NumPy that turns float32 gradients into float64; on another array type it is an error.  Here is
the same mathematics written in nothing but the arguments and Python numbers.  Each rule is the
adjoint of a linear map, written in functions that have rules themselves, so it holds to any order:

    sum         <->  spread     repeat along the axes that were summed
    broadcast   <->  gather     sum over the axes that were repeated
    x[index]    <->  untake     add into zeros at the index

They are installed by importing this module, through autograd's extension interface; autograd's own
test-suite passes with them (`make autograd-suite`).
"""

import math

import autograd.numpy as np
import numpy
from autograd.extend import (
    SparseObject,
    defjvp,
    defjvp_argnum,
    defvjp,
    defvjp_argnum,
    primitive,
    vspace,
)
from autograd.numpy import numpy_wrapper
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_jvps import fwd_grad_concatenate_args
from autograd.numpy.numpy_vjps import grad_concatenate_args
from autograd.tracer import trace_primitives_map


def spread(g, shape, axis=None):
    """g, of what is left after a sum over `axis`, repeated to the `shape` it was summed from."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    summed = {a % len(shape) for a in axes} if shape else ()
    kept = tuple(1 if i in summed else n for i, n in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)


def gatherer(x):
    """The function that sums a gradient over whatever broadcasting repeated of x."""
    shape, real = np.shape(x), not np.iscomplexobj(x)

    def gather(g):
        extra = np.ndim(g) - len(shape)
        repeated = tuple(i for i, n in enumerate(np.shape(g)) if i < extra or shape[i - extra] != n)
        if repeated:
            g = np.reshape(np.sum(g, axis=repeated), shape)
        return np.real(g) if real and np.iscomplexobj(g) else g

    return gather


def binary(f, left, right):
    """Give f(x, y) the gradients left(g, ans, x, y) and right(...), before gathering."""

    def rule(slope, argnum):
        def vjp(ans, *xy):
            gather = gatherer(xy[argnum])
            return lambda g: gather(slope(g, ans, *xy))

        return vjp

    defvjp(f, rule(left, 0), rule(right, 1))


defvjp(np.broadcast_to, lambda ans, x, shape: gatherer(x))
defvjp(np.reshape, lambda ans, x, shape, order="C": lambda g: np.reshape(g, np.shape(x), order))
defvjp(np.ravel, lambda ans, x, order="C": lambda g: np.reshape(g, np.shape(x), order))


# Elementwise functions.


def share(x, ans, y):
    """1 where x is the chosen one of x and y, 1/2 where they tie, 0 elsewhere: a constant."""
    dtype = np.result_type(ans)
    return np.subtract(x == ans, np.multiply(x == y, 0.5, dtype=dtype), dtype=dtype)


def power_x(g, ans, x, y):
    """y x^(y-1), which is 0 for y = 0 also at x = 0."""
    if isinstance(y, (int, float)):
        return g * (2 * x) if y == 2 else g * (y * x ** (y - 1 if y else 1))
    return g * y * x ** np.where(y == 0, 1.0, y - 1)


def power_y(g, ans, x, y):
    """log(x) x^y, which is 0 at x = 0."""
    if isinstance(x, (int, float)):
        return g * ans * float(numpy.log(x or 1))
    return g * ans * np.log(np.where(x == 0, 1.0, x))


binary(np.add, lambda g, ans, x, y: g, lambda g, ans, x, y: g)
binary(np.subtract, lambda g, ans, x, y: g, lambda g, ans, x, y: -g)
binary(np.multiply, lambda g, ans, x, y: g * y, lambda g, ans, x, y: g * x)
binary(np.divide, lambda g, ans, x, y: g / y, lambda g, ans, x, y: -g * ans / y)
binary(np.power, power_x, power_y)
for f in (np.maximum, np.minimum, np.fmax, np.fmin):
    binary(
        f,
        lambda g, ans, x, y: g * share(x, ans, y),
        lambda g, ans, x, y: g * share(y, ans, x),
    )

defvjp(np.tanh, lambda ans, x: lambda g: g * (1 - ans * ans))
defjvp(np.tanh, lambda g, ans, x: g * (1 - ans * ans))
defvjp(np.exp2, lambda ans, x: lambda g: g * (math.log(2) * ans))
defvjp(np.log2, lambda ans, x: lambda g: g / (math.log(2) * x))
defvjp(np.log10, lambda ans, x: lambda g: g / (math.log(10) * x))

where = trace_primitives_map[numpy.where]


def where_vjp(first):
    def vjp(ans, c, x, y):
        gather = gatherer(x if first else y)
        return lambda g: gather(np.where(c, g, 0.0) if first else np.where(c, 0.0, g))

    return vjp


defvjp(where, None, where_vjp(True), where_vjp(False))
defjvp(
    where,
    None,
    lambda g, ans, c, x, y: np.where(c, g, 0.0),
    lambda g, ans, c, x, y: np.where(c, 0.0, g),
)


# Reductions.


def reduction(f, rule):
    """Give f the gradient rule(up, g, ans, x, n, axis): up = spread, n elements became one."""

    def vjp(ans, x, axis=None, keepdims=False, **kwargs):
        shape = np.shape(x)
        n = math.prod(shape) // max(1, math.prod(np.shape(ans)))
        up = lambda a: spread(a, shape, axis)
        return lambda g: rule(up, g, ans, x, n, axis, **kwargs)

    defvjp(trace_primitives_map[f], vjp)


def centred(x, axis):
    d = x - np.mean(x, axis=axis, keepdims=True)
    return np.conj(d) if np.iscomplexobj(d) else d


def of_sum(up, g, ans, x, n, axis, **_):
    return up(g)


def of_mean(up, g, ans, x, n, axis, **_):
    return up(g / n)


def of_prod(up, g, ans, x, n, axis, **_):
    return up(g * ans) / x


def of_var(up, g, ans, x, n, axis, ddof=0, **_):
    return up(g * (2 / (n - ddof))) * centred(x, axis)


def of_std(up, g, ans, x, n, axis, ddof=0, **_):
    return up(g / ans / (n - ddof)) * centred(x, axis) if n > 1 else up(0.0 * g)


def of_extremum(up, g, ans, x, n, axis, **_):
    chosen = (x == up(ans)).astype(np.result_type(ans))
    return up(g) * (chosen / np.sum(chosen, axis=axis, keepdims=True))


for f, rule in (
    (numpy.sum, of_sum),
    (numpy.mean, of_mean),
    (numpy.prod, of_prod),
    (numpy.var, of_var),
    (numpy.std, of_std),
    (numpy.max, of_extremum),
    (numpy.min, of_extremum),
):
    reduction(f, rule)


# Indexing and joining.


def is_basic(index):
    """Whether the index takes a view, so that no element can occur in it twice."""
    parts = index if isinstance(index, tuple) else (index,)
    kinds = (int, numpy.integer, slice)
    return all(i is None or i is Ellipsis or isinstance(i, kinds) for i in parts)


@primitive
def untake(g, index, space):
    """Zeros of `space` with g added at the index, as an increment to a gradient already there."""
    if isinstance(index, list):
        index = numpy.asarray(index, dtype=None if index else int)

    def add_into(total):
        if is_basic(index):
            total[index] += g
        else:
            getattr(space, "device", numpy).add.at(total, index, g)
        return total

    return SparseObject(space, add_into)


getitem = ArrayBox.__dict__["__getitem__"]
defvjp(getitem, lambda ans, x, index: lambda g: untake(g, index, vspace(x)))
defvjp(untake, lambda ans, g, index, space: lambda h: h[index])
defjvp(untake, "same")


@primitive
def concatenate_args(axis, *arrays):
    """autograd's own casts the result to numpy.ndarray."""
    return numpy.concatenate(arrays, axis)


def stack(arrays, axis=0):
    """autograd's own copies every array first."""
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis)


defvjp_argnum(concatenate_args, grad_concatenate_args)
defjvp_argnum(concatenate_args, fwd_grad_concatenate_args)
numpy_wrapper.concatenate_args = np.concatenate_args = concatenate_args
numpy_wrapper.stack = np.stack = stack
