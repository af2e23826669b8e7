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


def prediction_1():
    """75 percent: (1/2 + 1) / 2. The first class is a guess, and the second is the label left."""
    orders = [(0, 1), (1, 0)]  # of the classes; the learner guesses 0 first, then what is left
    right = [(order[0] == 0) + 1 for order in orders]  # the second guess is always right
    share = sum(right) / 4
    assert share == sequential_classes.first_presentation_bound(2) == 0.75
    return share


def prediction_2():
    """Three quarters: the weights are as exp(log 3) = 3 to exp(0) = 1, whatever the length."""
    keys, key = numpy.eye(2), numpy.array([2.0, 0.0])
    cosines = slots.unit(keys) @ slots.unit(key)
    weights = numpy.exp(math.log(3) * cosines)
    first = weights[0] / weights.sum()
    assert abs(first - 0.75) < 1e-5  # `unit` adds a tiny number to the squared length
    return float(first)


def prediction_3():
    """Slot 1. The third example reads slot 0, which it is like, and what is read is kept.

    Before its write the usage is 0.95^2 + 0.95 + 1 in slot 0, which was written once and read
    twice, and 0.95 in slot 1.
    """
    usage, written = numpy.zeros(2), []
    for read in ([0.0, 0.0], [1.0, 0.0], [1.0, 0.0]):  # 2nd: only slot 0 holds anything
        usage = 0.95 * usage + numpy.array(read)
        chosen = slots.least_used(usage)
        written.append(int(chosen.argmax()))
        usage = usage + chosen
    assert written == [0, 1, 1]
    return written[-1]
