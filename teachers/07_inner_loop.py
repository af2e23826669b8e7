"""Answers to the exercises of the lesson inner_loop."""

import numpy

from minimeta.exact import quadratics


def exercise_1():
    """E keeps the second row: J = [[1, 0], [-0.5, 0]]; the first parameter does not move."""
    A, E = numpy.array([[2.0, 1.0], [1.0, 2.0]]), numpy.diag([0.0, 1.0])
    return [*(numpy.eye(2) - 0.5 * E @ A).ravel()]


def exercise_2():
    """E[a^2] / E[a^3] = (1 + 4) / (1 + 8) = 5/9: nearer to what the steep task needs."""
    curvature = numpy.array([[1.0], [2.0]])
    return quadratics.best_step_per_coordinate(curvature, numpy.ones((2, 1))).item()


def exercise_3():
    """1 / (1 + a / lambda) = 1 / 3."""
    return 1 / (1 + 4.0 / 2.0)


def exercise_4():
    """B tends to lambda / a, so W tends to lambda^2 / a: weights 1 and 2, rest at 2/3."""
    weights = 1 / numpy.array([1.0, 0.5])
    return weights[1] / weights.sum()


MISTAKES = {
    1: [[0.0, -0.5, -0.5, 0.0], [1.0, 0.0, 0.0, 1.0], [1.0, -0.5, 0.0, 0.0]],
    2: [2 / 3, 0.75, 0.6],  # 1 / mean(a); mean(1 / a); E[a v] / E[a^2 v]
    3: [1 / 5, 2 / 3, 1 / 2],
    4: [1 / 3, 0.5],  # the joint rest; the mean of the minima
}
