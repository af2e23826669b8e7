"""Normalisation: mean zero and variance one, over the pixels of a channel or a token's features.

    normalised = (x - mean x) r,     r = (variance of x + STABLE)^(-1/2)

Three primitives, whose gradients are written in the three. Means and sums are over `axes`:

                                                            gradients
    centre(x, r)           (x - mean x) r, linear in both   centre(g, r) in x, comoment(g, x) in r
    comoment(q, x)         sum q (x - mean x), symmetric    centre(x, h) in q, centre(q, h) in x
    inverse_deviation(x)   r                                centre(x, -g r^3 / n)
"""

import math

import numpy
from autograd.extend import defvjp

from minimeta.core import checks
from minimeta.core.backend import primitive

PIXELS, FEATURES = (-4, -3, -2), (-1,)  # the axes of (..., N, h, w, C) and of (..., D)
LETTERS = {PIXELS: ("...nhwc", "...c"), FEATURES: ("...d", "...")}  # for einsum: fastest here
STABLE = 1e-5  # added to the variance; the value of Ioffe & Szegedy's reference code


def standardise(x):
    """Layer norm without gain and shift: mean 0, variance 1 over the features of x (..., D).

    Before an activation, as in mlp(sizes, lambda h: relu(standardise(h))), it keeps what a layer
    hands on of the same size throughout training.
    """
    checks.floats("x", x)
    checks.axes("x", x, "... D")
    return centre(x, inverse_deviation(x, FEATURES), FEATURES)


@primitive
def centre(x, r, axes):
    """(x - mean of x) r, for an r with these axes of length 1."""
    return _centre(x, r, axes)


@primitive
def comoment(q, x, axes):
    """The sum of q (x - mean of x) over these axes, which keep length 1."""
    return _comoment(q, _centre(x, 1, axes), axes)


@primitive
def inverse_deviation(x, axes):
    """(variance of x + STABLE)^(-1/2) over these axes, which keep length 1."""
    d = _centre(x, 1, axes)
    variance = _comoment(d, d, axes) / _count(x, axes)
    return (variance + STABLE) ** -0.5


defvjp(
    centre,
    lambda ans, x, r, axes: lambda g: centre(g, r, axes),
    lambda ans, x, r, axes: lambda g: comoment(g, x, axes),
)
defvjp(
    comoment,
    lambda ans, q, x, axes: lambda h: centre(x, h, axes),
    lambda ans, q, x, axes: lambda h: centre(q, h, axes),
)
defvjp(
    inverse_deviation,
    lambda r, x, axes: lambda g: centre(x, g * r**3 * (-1 / _count(x, axes)), axes),
)


def _centre(x, r, axes):
    mean = _total(x, axes) * (1 / _count(x, axes))
    d = x - _keep(mean, x, axes)
    d *= r
    return d


def _total(x, axes):
    """The sum over these axes: a product with ones is fastest, and adds block by block."""
    ones = numpy.ones(_count(x, axes), x.dtype, like=x)
    if axes == FEATURES:
        return numpy.matmul(x, ones)
    return numpy.matmul(ones, x.reshape(*x.shape[:-4], len(ones), x.shape[-1]))


def _comoment(q, d, axes):
    whole, kept = LETTERS[axes]
    return _keep(numpy.einsum(f"{whole},{whole}->{kept}", q, d), q, axes)


def _keep(total, x, axes):
    """A total over these axes of x, with the axes at length 1."""
    return total.reshape(tuple(1 if i - x.ndim in axes else n for i, n in enumerate(x.shape)))


def _count(x, axes):
    return math.prod(x.shape[axis] for axis in axes)
