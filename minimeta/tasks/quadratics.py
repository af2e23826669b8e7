"""Quadratic tasks, given by curvature and minimum, and as data for any learner.

    loss    L_i(theta) = 1/2 (theta - c_i)' A_i (theta - c_i)
    data    D examples with X'X = D/2 A and y = X c, so that mse(X theta, y) = L_i(theta)

The loss of a linear map on these data is exactly the quadratic, if it is `core.losses.mse`. Support
and query are the same D examples: a learner is evaluated on the loss that it adapts to.
"""

import math

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_device
from minimeta.tasks.drawing import generator, limits
from minimeta.tasks.task import Data, Task

CURVATURE = (0.1, 1.0)


def quadratics(rng, tasks, dimension, curvature=CURVATURE):
    """M quadratics, as `draw_quadratics` draws them: a Task with x (M, D, D) and y (M, D, 1)."""
    return from_quadratics(*draw_quadratics(rng, tasks, dimension, curvature))


def draw_quadratics(rng, tasks, dimension, curvature=CURVATURE):
    """Curvatures A (M, D, D) and minima c (M, D), as NumPy arrays.

    The eigenvalues of A are uniform in `curvature`, their directions random, and c ~ N(0, I).
    """
    checks.integer("tasks", tasks, at_least=1)
    checks.integer("dimension", dimension, at_least=1)
    checks.number("the lower end of curvature", limits("curvature", curvature)[0], at_least=0.0)
    directions, _ = numpy.linalg.qr(generator(rng).normal(size=(tasks, dimension, dimension)))
    spectrum = rng.uniform(*curvature, size=(tasks, 1, dimension))
    A = (directions * spectrum) @ numpy.swapaxes(directions, -1, -2)
    A = 0.5 * (A + numpy.swapaxes(A, -1, -2))  # symmetric to the last digit
    return A, rng.normal(size=(tasks, dimension))


def from_quadratics(A, c):
    """The Task of these quadratics, on the current device: A (M, D, D) symmetric, c (M, D)."""
    checks.covariance("A", A)
    checks.array("c", c, "M D")
    checks.axes("A", A, "M D D")
    checks.same_shape("c", c, "A[:, 0]", A[:, 0])
    curvature, directions = numpy.linalg.eigh(A)
    curvature = numpy.maximum(curvature, 0.0)[..., None]  # (M, D, 1)
    dimension = A.shape[-1]
    x = math.sqrt(dimension / 2.0) * numpy.sqrt(curvature) * numpy.swapaxes(directions, -1, -2)
    data = Data(x, x @ c[..., None])
    return to_device(Task(data, data))
