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
