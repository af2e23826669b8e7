"""Convolution: primitives whose gradients are written in each other.

Images are channels-last, x (..., N, height, width, D); filters are W (..., odd, odd, D, C). Leading
axes are tasks, and either may lack them. As in `layers`, few families are enough:

    conv2d(x, W)           gradient in x: conv2d(g, turn(W))   in W: correlate(x, g, ...)
    correlate(x, g, ...)   gradient in x: conv2d(g, turn(q))   in g: conv2d(x, q)
    turn(W)                by 180 degrees, inputs and outputs exchanged: its own adjoint

A convolution is one matrix product. A row of its left factor is the window round a pixel: the
pixels under the filter when it lies there. The windows of a few images at a time are made and used
while they are in the processor's cache, see `pieces`.
"""

import math

import numpy
from autograd.extend import defvjp

from minimeta.core import checks
from minimeta.core.backend import primitive
from minimeta.core.backend.rules import gather
from minimeta.nets.layers import is_shared, sum_to
from minimeta.nets.pieces import add_up, as_tasks, fill, pieces


def conv2d(x, W):
    """x * W, zeros outside: (..., N, h, w, D), (..., k, k, D, C) -> (..., N, h, w, C)."""
    checks.floats("x", x)
    checks.floats("W", W)
    return convolve(x, W)  # autograd does not look into keyword arguments


@primitive
def convolve(x, W):
    """What `conv2d` computes: the windows of x times W."""
    _check_filters(x, W)
    tasks = numpy.broadcast_shapes(x.shape[:-4], W.shape[:-4])
    shape = (*tasks, *x.shape[-4:-1], W.shape[-1])  # (..., N, h, w, C)
    if is_shared(W, x.shape[:-4], ndim=4):  # then the images of all tasks are one list
        x, filters = x.reshape(1, -1, *x.shape[-3:]), as_tasks(W[(0,) * (W.ndim - 4)])
    else:
        x, filters = as_tasks(x, tasks), as_tasks(W, tasks)
    size, filters = W.shape[-4:-2], filters.reshape(len(filters), -1, W.shape[-1])  # (T, k k D, C)
    y = numpy.empty((*x.shape[:-1], W.shape[-1]), numpy.result_type(x, W), like=x)

    def multiply(tasks, images):
        rows = y[tasks, images].reshape(*y[tasks].shape[:1], -1, y.shape[-1])  # (T, n h w, C)
        numpy.matmul(_windows(x[tasks, images], size), filters[tasks], out=rows)

    fill(multiply, pieces(x, _numbers(x, W.shape)))
    return y.reshape(shape)


@primitive
def correlate(x, g, shape):
    """The windows of x, transposed, times g (..., N, h, w, C): the gradient in W of this shape."""
    tasks = numpy.broadcast_shapes(x.shape[:-4], g.shape[:-4])
    if len(shape) > 4:
        x, g = as_tasks(x, tasks), as_tasks(g, tasks)
    else:  # one W takes the images of all tasks as one list
        x, g = (a.reshape(1, -1, *a.shape[-3:]) for a in (x, g))
    size, row = shape[-4:-2], math.prod(shape[-4:-1])
    gradient = numpy.zeros((len(x), row, g.shape[-1]), numpy.result_type(x, g), like=x)

    def multiply(tasks, images):
        some = g[tasks, images]
        windows = _windows(x[tasks, images], size)
        return numpy.matmul(windows.swapaxes(-1, -2), some.reshape(len(some), -1, some.shape[-1]))

    add_up(multiply, pieces(x, _numbers(x, shape)), gradient)
    lead = tasks if len(shape) > 4 else ()
    return sum_to(gradient.reshape(*lead, *shape[-4:]), shape)


@primitive
def turn(W):
    """The filters of the adjoint: (..., k, k, D, C) -> (..., k, k, C, D), both k backwards."""
    return W[..., ::-1, ::-1, :, :].swapaxes(-1, -2)


defvjp(
    convolve,
    lambda ans, x, W: lambda g: gather(conv2d(g, turn(W)), x),
    lambda ans, x, W: lambda g: correlate(x, g, W.shape),
)
defvjp(
    correlate,
    lambda ans, x, g, shape: lambda q: gather(conv2d(g, turn(q)), x),
    lambda ans, x, g, shape: lambda q: conv2d(x, q),
)
defvjp(turn, lambda ans, W: lambda g: turn(g))


def _windows(x, size):
    """The windows of x (T, N, h, w, D), one in a row: (T, N h w, k k D)."""
    tasks, count, height, width, depth = x.shape
    padded = _pad(x, size)
    if isinstance(x, numpy.ndarray):  # as below, without NumPy's checks
        task, image, line, pixel, number = padded.strides
        shape = (tasks, count, height, width, size[0], size[1] * depth)
        strides = (task, image, line, pixel, line, number)
        view = numpy.ndarray(shape, x.dtype, padded, 0, strides)
    else:
        lines = padded.reshape(*padded.shape[:3], -1)
        across = (size[0], size[1] * depth)  # a window's pixels lie side by side on each line
        view = numpy.lib.stride_tricks.sliding_window_view(lines, across, axis=(2, 3))
        view = view[:, :, :, ::depth]
    return view.reshape(tasks, -1, math.prod(size) * depth)


def _pad(x, size):
    """x with so many zeros round its images that every pixel has a window."""
    tasks, count, height, width, depth = x.shape
    up, left = (n // 2 for n in size)
    shape = (tasks, count, height + 2 * up, width + 2 * left, depth)
    padded = numpy.zeros(shape, x.dtype, like=x)
    padded[:, :, up : up + height, left : left + width] = x
    return padded


def _numbers(x, W_shape):
    """How many numbers a convolution has at hand for each image: windows and outputs."""
    rows, columns, depth, filters = W_shape[-4:]
    return math.prod(x.shape[-3:-1]) * (rows * columns * depth + filters)


def _check_filters(x, W):
    fits = x.ndim > 3 and W.ndim > 3 and x.shape[-1] == W.shape[-2]
    if not fits or W.shape[-4] % 2 == 0 or W.shape[-3] % 2 == 0:
        raise ValueError(
            "conv2d needs images x (..., N, height, width, D) and filters W (..., odd, odd, D, C); "
            f"it was given {x.shape} and {W.shape}."
        )
