"""Gradient rules of diagonals and traces, in the manner of `rules`."""

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from minimeta.core.backend.rules import install, refuse_integers


def identity(a, shape, offset=0):
    """An identity matrix where a lives, of the dtype of a."""
    return numpy.eye(*shape, offset, dtype=np.result_type(a), like=getval(a))


def on_diagonal(g, a, offset, axis1, axis2):
    """Zeros of the shape of a, with g, whose last axis is the diagonal, on the diagonal of two."""
    shape = np.shape(a)[axis1], np.shape(a)[axis2]
    above = min(max(0, -offset), shape[0])  # rows without an element of the diagonal
    below = shape[0] - above - np.shape(g)[-1]
    if above or below:
        g = np.pad(g, [(0, 0)] * (np.ndim(g) - 1) + [(above, below)], "constant")
    matrices = np.expand_dims(g, -1) * identity(a, shape, offset)
    places = axis1 % np.ndim(a), axis2 % np.ndim(a)
    last = np.ndim(a) - 2, np.ndim(a) - 1
    return matrices if places == last else np.moveaxis(matrices, last, places)


def of_diagonal(ans, a, offset=0, axis1=0, axis2=1):
    """The gradient of the diagonal: g on the diagonal of zeros."""
    return lambda g: on_diagonal(g, a, offset, axis1, axis2)


def of_diag(ans, v, k=0):
    """The diagonal of a matrix with v on it, or v on the diagonal of zeros."""
    if np.ndim(v) == 1:
        return lambda g: np.diagonal(g, k)
    return lambda g: on_diagonal(g, v, k, 0, 1)


def of_trace(ans, a, offset=0, axis1=0, axis2=1, dtype=None):
    """The gradient of the sum of the diagonal: g all along it."""
    refuse_integers(np.trace, ans)
    shape = np.shape(a)[axis1], np.shape(a)[axis2]
    places = axis1 % np.ndim(a), axis2 % np.ndim(a)
    one = identity(a, shape, offset)
    return lambda g: np.moveaxis(np.expand_dims(g, (-2, -1)) * one, (-2, -1), places)


install(np.diagonal, of_diagonal, forward=False)
install(np.diag, of_diag, forward=False)
install(np.trace, of_trace, forward=False)
