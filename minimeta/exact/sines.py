"""The sine family in closed form: the best single function for all sines, and the best for each.

    tasks     y = A sin(x - phi)    A, phi and x uniform
    joint     E[y | x] = E[A] sinc(h) sin(x - p)      phi in p +- h,  sinc(h) = sin(h) / h
    per task  y = a sin x + b cos x, which two exact examples determine

With the family of MAML (A in [0.1, 5], phi in [0, pi]) the joint optimum is -1.6234 cos x and its
squared error is 3.0057. With phi in [0, 2 pi], as for Reptile, the joint optimum is zero: nothing
can be learned jointly. Both follow from E cos(2 t) = cos(2 p) sinc(2 h) for t uniform in p +- h.
Sources: the family is that of Finn, Abbeel & Levine 2017, arXiv:1703.03400, and, with the longer
range of phases, of Nichol, Achiam & Schulman 2018, arXiv:1803.02999. Taught in lesson transfer.
"""

import math

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.exact.factors import orthonormal_basis
from minimeta.tasks.drawing import limits
from minimeta.tasks.regression import AMPLITUDE, PHASE, X_RANGE


def joint_predictor(x, amplitude=AMPLITUDE, phase=PHASE):
    """E[y | x], the one function with the least squared error over all tasks; x of any shape."""
    checks.quantity("x", x)
    centre, half = _centre_and_half("phase", phase)
    return _centre_and_half("amplitude", amplitude)[0] * _sinc(half) * np.sin(x - centre)


def joint_risk(amplitude=AMPLITUDE, phase=PHASE, x_range=X_RANGE):
    """The mean squared error of `joint_predictor`: E y^2 - E E[y | x]^2, a number."""
    centre, half = _centre_and_half("phase", phase)
    height = _centre_and_half("amplitude", amplitude)[0] * _sinc(half)
    explained = height**2 * _mean_square(x_range, centre, 0.0)
    return zero_risk(amplitude, phase, x_range) - explained


def zero_risk(amplitude=AMPLITUDE, phase=PHASE, x_range=X_RANGE):
    """E y^2, the mean squared error of predicting zero: a number."""
    low, high = limits("amplitude", amplitude)
    squared_amplitude = (low**2 + low * high + high**2) / 3.0
    return squared_amplitude * _mean_square(x_range, *_centre_and_half("phase", phase))


def learner() -> Learner:
    """The learner that knows the family and takes every example as exact.

    Its state is (a, b) of a sin x + b cos x, (M, 2, 1), the least-squares fit to the support.
    Raises ValueError for fewer than two examples per task: they do not determine a sine.
    """
    return Learner(init=lambda rng: {}, adapt=lambda meta, support: fit(*support), predict=_predict)


def fit(x, y):
    """(a, b), (..., 2, 1), of the least-squares fit of a sin x + b cos x; x and y (..., N, 1)."""
    _check_determined(x)
    checks.array("y", y, "... N C")
    if np.shape(y)[:-1] != np.shape(x)[:-1]:
        raise ValueError(
            f"y must be (..., N, C) for x of shape {np.shape(x)}; its shape is {np.shape(y)}."
        )
    features = _features(x)
    to_basis = np.swapaxes(orthonormal_basis(features), -1, -2)  # Q', (..., 2, N)
    return np.linalg.solve(to_basis @ features, to_basis @ y)  # R w = Q' y


def _check_determined(x):
    checks.array("x", x, "... N D")
    if np.shape(x)[-1] != 1 or np.shape(x)[-2] < 2:
        raise ValueError(
            f"A sine needs at least two examples of one input: x of shape (..., N, 1) with N > 1; "
            f"its shape is {np.shape(x)}."
        )
    if checks.readable(x):
        apart = numpy.max(numpy.abs(numpy.sin(x - x[..., :1, :])), axis=-2)
        rounding = 2.0 * numpy.finfo(x.dtype).eps * numpy.max(numpy.abs(x))
        if numpy.min(apart) <= rounding:
            raise ValueError("The x of a task all lie whole half-waves apart: they show one point.")


def _predict(meta, state, x):
    return _features(x) @ state


def _features(x):
    return np.concatenate([np.sin(x), np.cos(x)], axis=-1)  # (..., N, 2)


def _mean_square(x_range, centre, half):
    """E sin^2(x - phi) for x uniform in x_range and phi uniform in centre +- half."""
    middle, width = _centre_and_half("x_range", x_range)
    return 0.5 - 0.5 * math.cos(2.0 * (middle - centre)) * _sinc(2.0 * width) * _sinc(2.0 * half)


def _centre_and_half(name, interval):
    low, high = limits(name, interval)
    return (low + high) / 2.0, (high - low) / 2.0


def _sinc(h):
    return math.sin(h) / h if h else 1.0
