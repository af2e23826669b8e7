"""Gradient rules that keep the device and the float type of what they differentiate.

autograd differentiates NumPy, and some of its rules make NumPy arrays or NumPy scalars on the way.
On NumPy that turns float32 gradients into float64; on another array type it is an error.  Here is
the same mathematics in nothing but the arguments and Python numbers.  Most rules are one of three
pairs of adjoint maps, and all are written in functions that have rules, so they hold to any order:

    sum         <->  spread     repeat along the axes that were summed
    broadcast   <->  gather     sum over the axes that were repeated
    x[index]    <->  untake     add into zeros at the index

Importing this module installs them through autograd's extension interface, for the whole process;
autograd's own test-suite passes with them (`make autograd-suite`).
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
    vspace,
)
from autograd.numpy import numpy_wrapper
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_jvps import fwd_grad_concatenate_args
from autograd.numpy.numpy_vjps import grad_concatenate_args
from autograd.tracer import trace_primitives_map

from minimeta.core.backend.primitives import primitive


def spread(g, shape, axis=None):
    """g, left by a sum over `axis`, repeated (as a view) to the `shape` it was summed from."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    summed = {a % len(shape) for a in axes if shape}
    kept = tuple(1 if i in summed else n for i, n in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)


def gather(g, x):
    """g, of something that x was broadcast to, summed to the shape of x; real where x is real."""
    shape = np.shape(x)
    if np.shape(g) != shape:
        extra = np.ndim(g) - len(shape)
        repeated = (i for i, n in enumerate(np.shape(g)) if i < extra or shape[i - extra] != n)
        g = np.reshape(np.sum(g, axis=tuple(repeated)), shape)
    return np.real(g) if np.iscomplexobj(g) and not np.iscomplexobj(x) else g


defvjp(np.broadcast_to, lambda ans, x, shape: lambda g: gather(g, x))
defvjp(np.reshape, lambda ans, x, shape, order="C": lambda g: np.reshape(g, np.shape(x), order))
defvjp(np.ravel, lambda ans, x, order="C": lambda g: np.reshape(g, np.shape(x), order))


# ---- Elementwise functions of two arguments, which broadcast ----


def binary(f, left, right):
    """Give f(x, y) the gradients left(ans, x, y)(g) and right(ans, x, y)(g), then gathered."""

    def gathered(slope, argnum):
        def vjp(ans, *args):
            x, along = args[argnum], slope(ans, *args)
            return lambda g: gather(along(g), x)

        return vjp

    defvjp(f, gathered(left, 0), gathered(right, 1))


def share(x, ans, y):
    """The constant that is 1 where x was chosen over y, 1/2 where they tie and 0 elsewhere."""
    dtype = np.result_type(ans)
    return np.subtract(x == ans, np.multiply(x == y, 0.5, dtype=dtype), dtype=dtype)


def base_of_power(ans, x, y):
    """y x^(y-1), which is 0 for y = 0 even at x = 0."""
    if isinstance(y, (int, float)):
        return lambda g: g * (2 * x) if y == 2 else g * (y * x ** (y - 1 if y else 1))
    return lambda g: g * (y * x ** np.where(y == 0, 1.0, y - 1))


def exponent_of_power(ans, x, y):
    """log(x) x^y, which is 0 at x = 0."""
    if isinstance(x, (int, float)):
        return lambda g: g * (float(numpy.log(x or 1)) * ans)
    return lambda g: g * (np.log(np.where(x == 0, 1.0, x)) * ans)


binary(np.add, lambda ans, x, y: lambda g: g, lambda ans, x, y: lambda g: g)
binary(np.subtract, lambda ans, x, y: lambda g: g, lambda ans, x, y: lambda g: -g)
binary(np.multiply, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
binary(np.divide, lambda ans, x, y: lambda g: g / y, lambda ans, x, y: lambda g: -g * ans / y)
binary(np.power, base_of_power, exponent_of_power)

for choose in (np.maximum, np.minimum, np.fmax, np.fmin):
    binary(
        choose,
        lambda ans, x, y: lambda g: g * share(x, ans, y),
        lambda ans, x, y: lambda g: g * share(y, ans, x),
    )

where = trace_primitives_map[numpy.where]  # autograd.numpy.where wraps it once more
defvjp(
    where,
    None,
    lambda ans, c, x, y: lambda g: gather(np.where(c, g, 0.0), x),
    lambda ans, c, x, y: lambda g: gather(np.where(c, 0.0, g), y),
)
defjvp(
    where,
    None,
    lambda g, ans, c, x, y: np.where(c, g, 0.0),
    lambda g, ans, c, x, y: np.where(c, 0.0, g),
)


# ---- Elementwise functions of one argument ----

defvjp(np.clip, lambda ans, x, *_, **__: lambda g: gather(g * (ans == x), x))
defvjp(np.exp2, lambda ans, x: lambda g: g * (math.log(2) * ans))
defvjp(np.log2, lambda ans, x: lambda g: g / (math.log(2) * x))
defvjp(np.log10, lambda ans, x: lambda g: g / (math.log(10) * x))
defvjp(np.sqrt, lambda ans, x: lambda g: g * (0.5 / ans))  # autograd's x**-0.5 is slow
defvjp(np.tanh, lambda ans, x: lambda g: g * (1 - ans * ans))  # cosh(x)**2 overflows at x = 800
defjvp(np.tanh, lambda g, ans, x: g * (1 - ans * ans))


# ---- Reductions ----


def reduction(f, rule):
    """Give f the gradient rule(up, ans, x, n, axis)(g): up = spread, n elements became one."""

    def vjp(ans, x, axis=None, keepdims=False, dtype=None, ddof=0, **others):
        given = [f"{name}=" for name, value in others.items() if value is not None]
        if given:
            raise NotImplementedError(f"np.{f.__name__} has no gradient with {', '.join(given)}.")
        shape = np.shape(x)
        n = math.prod(shape) // max(1, math.prod(np.shape(ans)))
        return rule(lambda a: spread(a, shape, axis), ans, x, n - ddof, axis)

    defvjp(trace_primitives_map[f], vjp)


def centred(x, axis):
    """The conjugate of x less its mean."""
    errors = x - np.mean(x, axis=axis, keepdims=True)
    return np.conj(errors) if np.iscomplexobj(errors) else errors


def of_std(up, ans, x, n, axis):
    """(x - mean) / (n std), and 0 where a single number has no deviation."""
    if np.size(x) == np.size(ans):
        return lambda g: up(0.0 * g)
    return lambda g: up(g / ans / n) * centred(x, axis)


def of_extremum(up, ans, x, n, axis):
    """Elements that tie for the extremum share its gradient equally."""
    chosen = (x == up(ans)).astype(np.result_type(ans))
    return lambda g: up(g) * (chosen / np.sum(chosen, axis=axis, keepdims=True))


reduction(numpy.sum, lambda up, ans, x, n, axis: up)
reduction(numpy.mean, lambda up, ans, x, n, axis: lambda g: up(g / n))
reduction(numpy.prod, lambda up, ans, x, n, axis: lambda g: up(g * ans) / x)
reduction(numpy.var, lambda up, ans, x, n, axis: lambda g: up(2.0 * g / n) * centred(x, axis))
reduction(numpy.std, of_std)
reduction(numpy.max, of_extremum)
reduction(numpy.min, of_extremum)


# ---- Indexing and joining ----


def is_basic(index):
    """Whether the index takes a view, so that no element can occur in it twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(i is None or i is Ellipsis or isinstance(i, (int, slice)) for i in parts)


@primitive
def untake(g, index, space):
    """g added at the index into zeros of `space`, as an increment to what is there already."""
    if isinstance(index, list):
        index = numpy.asarray(index, dtype=None if index else int)

    def add_into(total):
        if is_basic(index):
            total[index] += g  # a scatter-add takes longer
        else:
            getattr(space, "device", numpy).add.at(total, index, g)
        return total

    return SparseObject(space, add_into)


take = vars(ArrayBox)["__getitem__"]
defvjp(take, lambda ans, x, index: lambda g: untake(g, index, vspace(x)))
defvjp(untake, lambda ans, g, index, space: lambda h: h[index])
defjvp(untake, "same")


@primitive
def concatenate_args(axis, *arrays):
    """What np.concatenate calls: autograd's own casts the result to numpy.ndarray."""
    return numpy.concatenate(arrays, axis)


def stack(arrays, axis=0):
    """What np.stack calls: autograd's own makes NumPy arrays of its arguments first."""
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis)


defvjp_argnum(concatenate_args, grad_concatenate_args)
defjvp_argnum(concatenate_args, fwd_grad_concatenate_args)
numpy_wrapper.concatenate_args = np.concatenate_args = concatenate_args
numpy_wrapper.stack = np.stack = stack
