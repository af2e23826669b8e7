"""Convolution and pooling: primitives whose gradients are written in each other.

Images are channels-last, x (..., N, height, width, D); filters are W (..., odd, odd, D, C). Leading
axes are tasks, and either may lack them. As in `layers`, few families are enough:

    conv2d(x, W)           gradient in x: conv2d(g, turn(W))   in W: correlate(x, g, ...)
    correlate(x, g, ...)   gradient in x: conv2d(g, turn(q))   in g: conv2d(x, q)
    turn(W)                by 180 degrees, inputs and outputs exchanged: its own adjoint
    max_pool(x)            unpool(g, winners), whose adjoint is pick(q, winners); both take the
                           winners for constants

A convolution is one matrix product. A row of its left factor is the window round a pixel: the
pixels under the filter when it lies there. The windows of a few images at a time are made and used
while they are in the processor's cache.
"""

import math

import numpy
from autograd.extend import defvjp

from minimeta.core import checks
from minimeta.core.backend import primitive
from minimeta.core.backend.rules import gather
from minimeta.nets.layers import constant_primitive, is_shared, sum_to

CACHE = 2**18  # numbers that a core keeps close by: a megabyte of float32


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
        x, filters = _groups(x, ()), _groups(W[(0,) * (W.ndim - 4)], ())
    else:
        x, filters = _groups(x, tasks), _groups(W, tasks)
    filters = filters.reshape(len(filters), -1, W.shape[-1])  # (T, k k D, C)
    groups = max(len(x), len(filters))
    y = numpy.empty((groups, *x.shape[1:-1], W.shape[-1]), numpy.result_type(x, W), like=x)
    for some, windows in _windows(x, W.shape[-4:-2]):
        y[:, some] = numpy.matmul(windows, filters).reshape(y[:, some].shape)
    return y.reshape(shape)


@primitive
def correlate(x, g, shape):
    """The windows of x, transposed, times g (..., N, h, w, C): the gradient in W of this shape."""
    tasks = numpy.broadcast_shapes(x.shape[:-4], g.shape[:-4])
    groups = tasks if len(shape) > 4 else ()  # one W takes the images of all tasks as one list
    x, g = _groups(x, groups), _groups(g, groups)
    gradient = 0  # (T, k k D, C)
    for some, windows in _windows(x, shape[-4:-2]):
        rows = g[:, some].reshape(len(g), -1, g.shape[-1])  # (T, n h w, C)
        gradient = numpy.matmul(windows.swapaxes(-1, -2), rows) + gradient
    return sum_to(gradient.reshape(*groups, *shape[-4:]), shape)


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


@primitive
def max_pool(x):
    """The largest of each 2x2 square: (..., h, w, C); an odd last row or column is dropped.

    Where several are largest, the gradient is divided among them equally.
    """
    a, b, c, d = _corners(x)
    return numpy.maximum(numpy.maximum(a, b), numpy.maximum(c, d))


@constant_primitive
def winners(x, y):
    """Where x is the largest of its square, for y = max_pool(x)."""
    won = numpy.zeros(x.shape, bool, like=x)
    for corner, value in zip(_corners(won), _corners(x)):
        corner[...] = value == y
    return won


@primitive
def unpool(g, won):
    """g, handed back to the winners of its square: (..., h/2, w/2, C) -> (..., h, w, C)."""
    g = g / _winners_in_square(won)
    gradient = numpy.zeros(won.shape, g.dtype, like=g)
    for corner, mask in zip(_corners(gradient), _corners(won)):
        corner[...] = g * mask
    return gradient


@primitive
def pick(q, won):
    """The mean of q over the winners of each square: (..., h, w, C) -> (..., h/2, w/2, C)."""
    return sum(map(numpy.multiply, _corners(q), _corners(won))) / _winners_in_square(won)


defvjp(max_pool, lambda ans, x: lambda g: unpool(g, winners(x, ans)))
defvjp(unpool, lambda ans, g, won: lambda q: pick(q, won))
defvjp(pick, lambda ans, q, won: lambda h: unpool(h, won))


def _groups(a, tasks):
    """a (..., A, B, C, D) with one axis for these tasks in front, of length 1 if a has none.

    Without tasks, the images of all that a has become one list.
    """
    if a.ndim > 4 and a.shape[:-4] != tasks:
        if not tasks:
            return a.reshape(1, -1, *a.shape[-3:])
        a = numpy.broadcast_to(a, (*tasks, *a.shape[-4:]))
    return a.reshape(math.prod(a.shape[:-4]), *a.shape[-4:])


def _windows(x, size):
    """Pieces of x (T, N, h, w, D), each with its windows (T, n h w, k k D)."""
    tasks, count, height, width, depth = x.shape
    row = math.prod(size) * depth
    most = max(1, CACHE // (tasks * height * width * row))
    step = most if isinstance(x, numpy.ndarray) else count  # a GPU is fastest at once
    for some in (slice(i, i + step) for i in range(0, count, step)):
        lines = _pad(x[:, some], size)  # (T, n, h + k - 1, (w + k - 1) D)
        across = (size[0], size[1] * depth)  # a window's pixels lie side by side on each line
        view = numpy.lib.stride_tricks.sliding_window_view(lines, across, axis=(2, 3))
        yield some, view[:, :, :, ::depth].reshape(tasks, -1, row)


def _pad(x, size):
    """x with so many zeros round its images that every pixel has a window, line by line."""
    tasks, count, height, width, depth = x.shape
    up, left = (n // 2 for n in size)
    shape = (tasks, count, height + 2 * up, width + 2 * left, depth)  # (T, n, h + k - 1, ...)
    padded = numpy.zeros(shape, x.dtype, like=x)
    padded[:, :, up : up + height, left : left + width] = x
    return padded.reshape(*shape[:3], -1)


def _corners(a):
    """The upper left, upper right, lower left and lower right of all 2x2 squares: four views."""
    height, width = (n // 2 * 2 for n in a.shape[-3:-1])
    return [a[..., i:height:2, j:width:2, :] for i in (0, 1) for j in (0, 1)]


def _winners_in_square(won):
    a, b, c, d = _corners(won.view("uint8"))
    return a + b + c + d


def _check_filters(x, W):
    fits = x.ndim > 3 and W.ndim > 3 and x.shape[-1] == W.shape[-2]
    if not fits or W.shape[-4] % 2 == 0 or W.shape[-3] % 2 == 0:
        raise ValueError(
            "conv2d needs images x (..., N, height, width, D) and filters W (..., odd, odd, D, C); "
            f"it was given {x.shape} and {W.shape}."
        )
