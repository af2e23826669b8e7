"""Answers to the exercises of the lesson memory."""

import math

import numpy

from minimeta.core.losses import log_softmax
from minimeta.exact import sequential_classes
from minimeta.memories import slots


def exercise_1():
    """(1/10 + 1/9 + ... + 1) / 10: one first presentation for each number of labels left."""
    share = sum(1 / left for left in range(1, 11)) / 10
    assert abs(share - sequential_classes.first_presentation_bound(10)) < 1e-12
    return share


def exercise_2():
    """The weights are 1 to 2 exp(-0.4 beta): 2 exp(-0.4 beta) = 1/9, so beta = log(18) / 0.4."""
    beta = math.log(18) / 0.4
    weights = numpy.exp(beta * numpy.array([0.9, 0.5, 0.5]))
    assert abs(weights[0] / weights.sum() - 0.9) < 1e-12
    return beta


def exercise_3():
    """Where nothing is read, the slot written longest ago has decayed most: they take turns."""
    usage, order = numpy.zeros(4), []
    for _ in range(7):
        usage = 0.95 * usage
        chosen = slots.least_used(usage)
        order.append(int(chosen.argmax()))
        usage = usage + chosen
    return order


def exercise_4():
    """Class A has the mean 1 / 1.25 = 0.8 and the variance 0.25 + 0.25 / 1.25 = 0.45.

    Class B has the mean 0 and the variance 1.25. The densities at 0.8 decide.
    """
    learner = sequential_classes.learner(2, numpy.eye(1), 0.25 * numpy.eye(1))
    state = learner.start({}, numpy.zeros((1, 1, 1)))
    state = learner.observe({}, state, numpy.array([[1.0]]), numpy.array([[1.0, 0.0]]))
    logits = learner.predict({}, state, numpy.array([[[0.8]]]))
    density = lambda x, mean, v: math.exp(-((x - mean) ** 2) / (2 * v)) / math.sqrt(v)
    by_hand = density(0.8, 0.8, 0.45) / (density(0.8, 0.8, 0.45) + density(0.8, 0.0, 1.25))
    answer = float(numpy.exp(log_softmax(logits))[0, 0, 0])
    assert abs(answer - by_hand) < 1e-12
    return answer


MISTAKES = {
    1: [0.1, 2.929, 0.4567],  # a guess among all; the sum, not divided; five classes
    2: [math.log(9) / 0.4, math.log(18), math.log(18) / 0.9],  # one other slot; no difference
    3: [[0, 1, 2, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 2, 1, 0]],
    4: [0.5, 0.669, 0.806],  # the prior; the centre taken as known; its variance twice
}
