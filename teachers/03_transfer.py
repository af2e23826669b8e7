"""Answers to the exercises of the lesson transfer.

Prediction 4 is decided by training: fine-tuning helps, and yet the mean error after ten steps is
above 1, where the Bayes-optimal learner has no error.
"""

import math

import numpy

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


def prediction_1():
    """At the mean of the minima weighted by curvature: (1 * 0 + 3 * 4) / 4 = 3."""
    t = 0.0
    for _ in range(200):
        t = t - 0.1 * (1.0 * (t - 0.0) + 3.0 * (t - 4.0))
    assert abs(t - 3.0) < 1e-12
    return t


def prediction_2():
    """Less than a third of it: 1.25 of 4.25 is what all sines have in common."""
    saved = sines.zero_risk() - sines.joint_risk()
    assert abs(sines.joint_risk() - 3.0057) < 1e-4 and saved / sines.zero_risk() < 1 / 3
    return saved


def prediction_3():
    """The mean of the answers, since answers add up and parameters do not.

    The mean answer of many tasks tends to the best single function, which is just that mean. Half
    way between the parameters of two orders of the same units lies another function: here of three.
    """
    first, last = numpy.array([[1.0, -2.0, 0.5]]), numpy.array([[1.0], [0.7], [-2.0]])
    x = numpy.linspace(-2, 2, 9)[:, None]
    function = numpy.tanh(x @ first) @ last
    twin, middle = (first[:, ::-1], last[::-1]), (first + first[:, ::-1]) / 2
    assert numpy.allclose(numpy.tanh(x @ twin[0]) @ twin[1], function, atol=1e-14)
    half_way = numpy.tanh(x @ middle) @ ((last + twin[1]) / 2)
    assert numpy.max(numpy.abs(half_way - function)) > 0.2
    return "the mean of the answers"
