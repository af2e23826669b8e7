"""Answers to the exercises of the lesson networks.

Prediction 3 is decided by training: the slower wave is learned first. What to expect of wave 8 is
much longer: prediction 4 shows why, for a network that can be solved.
"""

import numpy

from minimeta.core.gradients import grad
from minimeta.core.trees import leaves
from minimeta.nets import mlp


def exercise_1():
    """Then m = 0.1 g and sqrt(s) = sqrt(0.001) |g|: 0.1 / sqrt(0.001) = 3.16 times as long."""
    return (1 - 0.9) / (1 - 0.999) ** 0.5


def exercise_2():
    """64 * 128 + 128 + 128 * 10 + 10 = 9610."""
    return 64 * 128 + 128 + 128 * 10 + 10


def exercise_3():
    """None. All hidden units stay at 0, so the last weights have no gradient, only its offsets."""
    net = mlp([64, 128, 10])
    theta = [{name: 0.0 * leaf for name, leaf in layer.items()} for layer in net.init(RNG)]
    x, y = RNG.normal(size=(20, 64)), RNG.normal(size=(20, 10))
    gradient = grad(lambda theta: ((net.apply(theta, x) - y) ** 2).sum())(theta)
    changed = [bool(numpy.any(leaf)) for leaf in leaves(gradient)]
    assert changed == [False, False, False, True]
    return 0


def exercise_4():
    """All curvatures are 1, so all waves are learned at the same time."""
    return 1.0


RNG = numpy.random.default_rng(0)
MISTAKES = {
    1: [0.1, 10.0, 100.0],
    2: [9472, 9600, 9482],  # without some of the offsets
    3: [128, 1, 10],
    4: [4.0, 2.0],
}


def prediction_1():
    """To (-0.1, 0.1): each parameter moves by eta against the sign of its gradient, and no more."""
    g = numpy.array([3.0, -0.01])
    m, s = (1 - 0.9) * g / (1 - 0.9), (1 - 0.999) * g**2 / (1 - 0.999)
    step = -0.1 * m / (numpy.sqrt(s) + 1e-8)
    assert numpy.allclose(step, [-0.1, 0.1], atol=1e-6)
    return [*step.round(6)]


def prediction_2():
    """ln 10: each of the ten digits gets the chance 1/10."""
    logits = numpy.zeros(10)
    loss = -numpy.log(numpy.exp(logits[3]) / numpy.exp(logits).sum())
    assert abs(loss - numpy.log(10)) < 1e-14
    return loss


def prediction_4():
    """Four times: its curvature is 1/k^2, and the half-time is about k^2 ln 2 / eta."""
    four, eight = (numpy.log(0.5) / numpy.log(1 - 0.5 / k**2) for k in (4, 8))
    assert abs(eight / four - 4) < 0.1
    return eight / four
