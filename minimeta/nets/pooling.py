"""Pooling: the largest of each 2x2 square, alone or of images that are normalised.

    max_pool(x)           unpool(g, winners), whose adjoint is pick(q, winners); both take the
                          winners for constants
    pool_normalised(y)    z = (max_pool(y) - mean) r, mean and r = (variance + STABLE)^(-1/2) of
                          every channel of y, over the N images of a task

Images are (..., N, h, w, C). Normalising is increasing, so the largest of a square stays the
largest: `pool_normalised` is what normalising y and then pooling gives. With n = N h w pixels, G
the sum of g and H the sum of g z, all for one channel, its gradient in y is

    r unpool(g) - r G / n - (y - mean) r^2 H / n

and is made in one reading of y, piece by piece. Along q, z changes by

    r (pick(q) - mean of q) - r^3 / n comoment(q, y) (max_pool(y) - mean)

which is the adjoint of that gradient: further derivatives are those of this formula.

Source: Ioffe & Szegedy 2015, without running averages.
"""

import numpy
from autograd.extend import defvjp

from minimeta.core.backend import np, primitive
from minimeta.core.gradients import grad
from minimeta.nets.layers import constant_primitive
from minimeta.nets.normalisation import PIXELS, STABLE, comoment, inverse_deviation
from minimeta.nets.pieces import add_up, as_tasks, collect, fill, pieces


@primitive
def max_pool(x):
    """The largest of each 2x2 square: (..., h, w, C); an odd last row or column is dropped.

    Where several are largest, the gradient is divided among them equally.
    """
    return _max_pool(x)


@constant_primitive
def winners(x, y):
    """Which of each square are its largest, for y = max_pool(x): (..., h/2, 2, w/2, 2, C)."""
    return _wins(x, y)


@primitive
def unpool(g, won, shape):
    """g, handed back to the winners of its square, for an x of this shape (..., h, w, C)."""
    gradient = numpy.zeros(shape, g.dtype, like=g)
    _squares(gradient)[...] = won * _over_squares(g / _winners_in_square(won))
    return gradient


@primitive
def pick(q, won):
    """The mean of q over the winners of each square: (..., h, w, C) -> (..., h/2, w/2, C)."""
    return sum(_corners(_squares(q) * won)) / _winners_in_square(won)


defvjp(max_pool, lambda ans, x: lambda g: unpool(g, winners(x, ans), x.shape))
defvjp(unpool, lambda ans, g, won, shape: lambda q: pick(q, won))
defvjp(pick, lambda ans, q, won: lambda h: unpool(h, won, q.shape))


def pool_normalised(y):
    """max_pool of y with mean 0 and variance 1 in every channel: (..., N, h/2, w/2, C)."""
    return normalised_pool(y, survey(y))


@constant_primitive
def survey(y):
    """The largest of every square, and the mean and r of every channel, laid end to end."""
    x = as_tasks(y)
    size = len(x) * (x.shape[1] * _squares_in(x) + 2 * x.shape[-1])
    record = numpy.zeros(size, y.dtype, like=y)
    top, mean, r = _sections(record, x)

    def look(tasks, images):
        some = x[tasks, images]
        top[tasks, images] = _max_pool(some)
        return _moments(some)

    parts, n = _pieces(x), x[0].size // x.shape[-1]
    found = collect(look, parts)
    for (tasks, _), (count, middle, _) in zip(parts, found):
        mean[tasks] += middle * (count / n)
    for (tasks, _), (count, middle, squares) in zip(parts, found):
        r[tasks] += (squares + count * (middle - mean[tasks]) ** 2) / n  # the variance at first
    r[...] = (r + STABLE) ** -0.5
    return record


def _moments(x):
    """Count, mean and sum of squares about it, for every task and channel (T, 1, 1, 1, C) of x."""
    shape = (len(x), 1, 1, 1, x.shape[-1])
    rows = x.reshape(len(x), -1, x.shape[-1])  # (T, N h w, C)
    count = rows.shape[1]
    mean = (numpy.matmul(numpy.ones(count, x.dtype, like=x), rows) / count).reshape(shape)
    d = x - mean
    return count, mean, numpy.einsum("tnhwc,tnhwc->tc", d, d).reshape(shape)


def _sections(record, x):
    """The largest (T, N, h/2, w/2, C), mean and r (T, 1, 1, 1, C) in what `survey` gives of x."""
    tasks, images, height, width, C = x.shape
    tops = images * tasks * _squares_in(x)
    top = record[:tops].reshape(tasks, images, height // 2, width // 2, C)
    return top, *record[tops:].reshape(2, tasks, 1, 1, 1, C)


@primitive
def normalised_pool(y, record):
    """(max_pool(y) - mean) r, of what `survey` found in y."""
    x = as_tasks(y)
    top, mean, r = _sections(record, x)
    z = numpy.empty_like(top)

    def normalise(tasks, images):
        some = z[tasks, images]
        numpy.subtract(top[tasks, images], mean[tasks], out=some)
        some *= r[tasks]

    fill(normalise, _pieces(x))
    return z.reshape(*y.shape[:-3], *z.shape[-3:])


@primitive
def normalised_pool_gradient(g, y, record):
    """r unpool(g) - r G / n - (y - mean) r^2 H / n: the gradient of sum(g z) in y."""
    gradient = numpy.empty(y.shape, y.dtype, like=y)
    x, dx, g = (as_tasks(a) for a in (y, gradient, g))
    parts, (top, mean, r) = _pieces(x), _sections(record, x)
    slope, offset = _linear_part(g, top, mean, r, parts, x[0].size // x.shape[-1])
    slope, offset = (numpy.tile(a, x.shape[-2]) for a in (slope, offset))  # (T, 1, 1, w C)

    def back(tasks, images):
        d, won = dx[tasks, images], _wins(x[tasks, images], top[tasks, images])
        lines = d.reshape(*d.shape[:3], -1)  # a view, (t, n, h, w C)
        numpy.multiply(x[tasks, images].reshape(lines.shape), slope[tasks], out=lines)
        lines += offset[tasks]
        share = g[tasks, images] * r[tasks]
        share /= _winners_in_square(won)
        handed = _squares(d)
        handed += won * _over_squares(share)

    fill(back, parts)
    return gradient


def _linear_part(g, top, mean, r, parts, n):
    """slope y + offset = - r G / n - (y - mean) r^2 H / n: both (T, 1, 1, C)."""
    sums = numpy.zeros((len(g), 2, g.shape[-1]), g.dtype, like=g)  # G and H / r

    def add(tasks, images):
        some, d = g[tasks, images], top[tasks, images] - mean[tasks]
        part = numpy.empty_like(sums[tasks])
        part[:, 0] = numpy.einsum("tnhwc->tc", some)
        part[:, 1] = numpy.einsum("tnhwc,tnhwc->tc", some, d)
        return part

    add_up(add, parts, sums)
    total, moment = sums[:, :1, None], sums[:, 1:, None]  # (T, 1, 1, C)
    mean, r = mean[:, 0], r[:, 0]
    slope = moment * r**3 * (-1 / n)
    return slope, total * r * (-1 / n) - slope * mean


def _tangent(q, y):
    """How `pool_normalised` changes when y moves along q."""
    top = max_pool(y)
    mean = lambda a: np.mean(a, axis=PIXELS, keepdims=True)
    r, n = inverse_deviation(y, PIXELS), y.shape[-4] * y.shape[-3] * y.shape[-2]
    moved = r * (pick(q, winners(y, top)) - mean(q))
    return moved - r**3 * (1 / n) * comoment(q, y, PIXELS) * (top - mean(y))


def _second_gradient(ans, g, y, record):
    return lambda q: grad(lambda y: np.sum(g * _tangent(q, y)))(y)


defvjp(
    normalised_pool,
    lambda ans, y, record: lambda g: normalised_pool_gradient(g, y, record),
)
defvjp(
    normalised_pool_gradient,
    lambda ans, g, y, record: lambda q: _tangent(q, y),
    _second_gradient,
)


def _max_pool(x):
    a, b, c, d = _corners(_squares(x))
    top = numpy.maximum(a, b)
    numpy.maximum(top, numpy.maximum(c, d), out=top)
    return top


def _pieces(x):
    return pieces(x, x[0, 0].size)


def _squares_in(x):
    """How many numbers a pooled image of x has."""
    return (x.shape[-3] // 2) * (x.shape[-2] // 2) * x.shape[-1]


def _squares(a):
    """A view of the 2x2 squares of a (..., h, w, C): (..., h/2, 2, w/2, 2, C)."""
    height, width = (n // 2 for n in a.shape[-3:-1])
    even = a[..., : 2 * height, : 2 * width, :]
    return even.reshape(*a.shape[:-3], height, 2, width, 2, a.shape[-1])


def _over_squares(a):
    """(..., h/2, w/2, C) as (..., h/2, 1, w/2, 1, C)."""
    return a[..., :, None, :, None, :]


def _wins(x, top):
    """Which of each square of x are as large as its largest: (..., h/2, 2, w/2, 2, C)."""
    return _squares(x) == _over_squares(top)


def _corners(squares):
    """Four views: the upper left, upper right, lower left and lower right of the squares."""
    return [squares[..., i, :, j, :] for i in (0, 1) for j in (0, 1)]


def _winners_in_square(won):
    a, b, c, d = _corners(won.view("uint8"))
    return a + b + c + d
