"""Answers to the exercises of the lesson bayes."""

import numpy

from minimeta.exact import linear_gaussian

ONE = numpy.ones((1, 1))


def exercise_1():
    """With n examples at x = 1 the mean is sum(y) / (n + noise / variance) = 6 / 3."""
    x, y = numpy.ones((2, 1)), numpy.array([[2.0], [4.0]])
    return linear_gaussian.posterior(x, y, 0.0, ONE, 1.0)[0].item()


def exercise_2():
    """Precisions add: 1 + 1 + 1 = 3, so the variance is 1/3, whichever way one updates."""
    mean, variance = linear_gaussian.posterior(ONE, 2 * ONE, 0.0, ONE, 1.0)
    _, variance = linear_gaussian.posterior(ONE, 4 * ONE, mean, variance, 1.0)
    return variance.item()


def exercise_3():
    """The variance of a uniform number in [-1, 1] is 2^2 / 12 = 1/3."""
    return 2.0**2 / 12.0


def exercise_4():
    """G = 1/2, J = 1/2: the wrong mean adds J^2 (m - m')^2 = 1/4."""
    x = numpy.ones((1, 1, 1))
    true, believed = (numpy.ones((1, 1)), ONE, 1.0), (numpy.zeros((1, 1)), ONE, 1.0)
    risk = linear_gaussian.wrong_prior_risk
    return (risk(x, believed, true) - risk(x, true, true)).item()


MISTAKES = {
    1: [3.0, 1.5],  # the mean of the examples; half of it
    2: [0.5, 0.25, 1.0],
    3: [1.0, 0.5, 0.577],  # the standard deviation in place of the variance
    4: [1.0, 0.5],
}
