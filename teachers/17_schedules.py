"""Answers to the exercises of the lesson schedules."""

import numpy

from minimeta.exact import schedules


def exercise_1():
    """(1 + 2) / (1 + 4) = 3/5."""
    return float(schedules.best_step(numpy.array([1.0, 2.0]), numpy.array([0.5, 0.5])))


def exercise_2():
    """A polynomial of degree 3 can be zero at all three curvatures."""
    return 3


def exercise_3():
    """kappa = 9: (3 - 1) / (3 + 1) = 1/2."""
    return schedules.heavy_ball(1.0, 9.0)[2]


def exercise_4():
    """alpha = 2 / (1 + 9): 1 - alpha = 0.8 at both ends."""
    return schedules.gradient_descent(1.0, 9.0)[1]


MISTAKES = {
    1: [2 / 3, 0.75, 5 / 17],  # 2 / (low + high): the worst case, not the mean
    2: [1, 2, 4],
    3: [0.8, 0.25, 1 / 3],
    4: [0.5, 8 / 9],
}


def prediction_1():
    """The best single step, 5/17, leaves 9/34 of the loss. The order of two does not matter."""
    spectrum, weights = numpy.array([1.0, 4.0]), numpy.array([0.5, 0.5])

    def left(*steps):
        p = numpy.prod([1 - size * spectrum for size in steps], axis=0)
        return float(weights @ p**2)

    around = [left(5 / 17 + move) for move in (-0.01, 0.0, 0.01)]
    assert abs(around[1] - 9 / 34) < 1e-14 and around[1] == min(around)
    assert left(1.0, 0.25) == left(0.25, 1.0) == 0.0
    return around[1]


def prediction_3():
    """In full (1 - alpha)^4 / 2 has the derivative -2 (1 - alpha)^3 = -1/4; with constants -3/8.

    As constants the gradients are 1 and 1/2, so the end moves by -1.5 for each unit of alpha.
    """
    h, end = 1e-6, 0.25
    full = ((1 - 0.5 - h) ** 4 - (1 - 0.5 + h) ** 4) / 2 / (2 * h)
    held = end * -(1.0 + 0.5)
    assert abs(full + 1 / 4) < 1e-8 and held == -3 / 8
    return [full, held]
