"""Answers to the exercises of the lesson learned_optimizers."""

import math

import numpy

from minimeta.learned_optimizers.preprocessing import log_and_sign


def exercise_1():
    """80 + 20 * 80 + 80 + 20 = 1780."""
    return 80 + 20 * 80 + 80 + 20


def exercise_2():
    """760 * 2 * 20 = 30400."""
    return 760 * 2 * 20


def exercise_3():
    """log|g| = -2, so -2/5 = -0.4; e^5 g = -e^3 is cut off at -1."""
    return [float(v) for v in log_and_sign(numpy.array([[-math.exp(-2.0)]]), 5.0)[0]]


def exercise_4():
    """h is the velocity, 0.9 the mass and 0.02 the step size."""
    return "momentum"


MISTAKES = {
    1: [1760, 1700, 100],  # without the output weight; without offsets; one gate only
    2: [15200, 760, 40],
    3: [[-2.0, -1.0], [0.4, -1.0], [-0.4, 1.0]],
    4: ["SGD", "Adam"],
}
