"""Answers to the exercises of the lesson transfer."""

import math

from minimeta.exact import sines


def exercise_1():
    """Over a whole period the mean of sin(x - phase) is 0 for every x."""
    return round(float(sines.joint_predictor(0.0, phase=(0.0, 2 * math.pi))), 12)


def exercise_2():
    """Nothing can be saved, so the error is that of answering 0: E[A^2] / 2."""
    return sines.joint_risk(phase=(0.0, 2 * math.pi))


def exercise_3():
    """3! = 6 orders."""
    return math.factorial(3)


def exercise_4():
    """(1 * 1 + 9 * (-1)) / 10 = -0.8."""
    return (1 * 1 + 9 * -1) / 10


MISTAKES = {
    1: [-1.62, 1.0],  # the height for half a period
    2: [3.0057, 8.5],  # half a period; E[A^2] without the half
    3: [3, 8],
    4: [0.0, 0.8],
}
