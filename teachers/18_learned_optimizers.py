"""Answers to the exercises of the lesson learned_optimizers.

Predictions 2 and 3 are decided by training. For 2: below, since a network can choose its
coefficients for each problem, and no linear method can. For 3: ahead on both networks of sigmoid
units, averaged over the steps, and behind at the end on relu units, which it has never seen.
"""

import math

import numpy

from minimeta.learned_optimizers import lstm_optimizer
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


def prediction_1():
    """To 1.8: the gradient is 4 3 = 12, and the step is 0.1 (-1) 12 = -1.2, as that of SGD."""
    curvature, start, scale, w = 4.0, 3.0, 0.1, -1.0
    by_formula = start + scale * w * curvature * start
    theta, no_layers = numpy.array([start]), {"layers": [], "W": numpy.array([[w]])}
    optimizer = lstm_optimizer.optimizer(no_layers, lambda gradient: gradient, scale)
    moved, _ = optimizer.update(curvature * theta, optimizer.init(theta), theta)
    assert abs(moved.item() - by_formula) < 1e-15 and abs(by_formula - 1.8) < 1e-14
    return by_formula
