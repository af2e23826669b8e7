"""Theorems on the hand-made optimizers: their published rules, unrolled on paper."""

import numpy

from minimeta.core.optim import adam, momentum, rmsprop, sgd
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, POLYAK

GRADIENTS = numpy.array([0.5, -2.0, 1.25, 3.0, -0.75])  # an arbitrary sequence of scalar gradients


def positions(optimizer, gradients=GRADIENTS, start=1.0):
    """Where a scalar parameter stands after each update with the given gradients."""
    theta, path = {"w": numpy.array([start])}, []
    state = optimizer.init(theta)
    for g in gradients:
        theta, state = optimizer.update({"w": numpy.array([g])}, state, theta)
        path.append(theta["w"][0])
    return numpy.array(path)


@theorem(lesson="supervised", source="Robbins & Monro 1951")
def sgd_sums_gradients():
    """SGD stands at the start minus the step size times the sum of the gradients."""
    return Claim(positions(sgd(0.1)), 1.0 - 0.1 * numpy.cumsum(GRADIENTS), tolerance=1e-15)


def exponential_sums(values, decay):
    """The sum of the values so far, each weighted by decay^age: (T,)."""
    age = numpy.subtract.outer(numpy.arange(len(values)), numpy.arange(len(values)))
    return numpy.where(age >= 0, decay ** numpy.abs(age), 0.0) @ values


@theorem(lesson="networks", source=POLYAK)
def momentum_weights_by_age():
    """Momentum's velocity is the sum of the gradients, each weighted by mass^age."""
    exact = 1.0 - 0.1 * numpy.cumsum(exponential_sums(GRADIENTS, 0.9))
    return Claim(positions(momentum(0.1, mass=0.9)), exact, tolerance=1e-14)


@theorem(lesson="networks", source="geometric series")
def momentum_terminal_speed():
    """Under a constant gradient, momentum's step grows to step_size / (1 - mass) times it."""
    path = positions(momentum(0.1, mass=0.5), gradients=numpy.ones(60))
    return Claim(path[-2] - path[-1], 0.1 / (1 - 0.5), tolerance=1e-12)


@theorem(lesson="networks", source="Tieleman & Hinton 2012")
def rmsprop_as_published():
    """RMSprop divides by the root of an exponential mean of squared gradients, as published."""
    square = 0.1 * exponential_sums(GRADIENTS**2, 0.9)
    exact = 1.0 - numpy.cumsum(0.01 * GRADIENTS / (numpy.sqrt(square) + 1e-8))
    return Claim(positions(rmsprop(0.01, decay=0.9)), exact, tolerance=1e-13)


@theorem(lesson="networks", source="Kingma & Ba 2014, section 3")
def adam_as_weighted_averages():
    """Adam's corrected means are weighted averages with weights decay^age."""
    average = lambda v, decay: exponential_sums(v, decay) / exponential_sums(numpy.ones(5), decay)
    steps = 0.1 * average(GRADIENTS, 0.9) / (numpy.sqrt(average(GRADIENTS**2, 0.999)) + 1e-8)
    return Claim(positions(adam(0.1)), 1.0 - numpy.cumsum(steps), tolerance=1e-12)


@theorem(lesson="networks", source="Kingma & Ba 2014, section 2.1")
def adam_first_step():
    """Adam's first step has the length of the step size, whatever the scale of the gradient."""
    scales = [1e-3, 1.0, 1e3]
    steps = [1.0 - positions(adam(0.1, epsilon=1e-30), gradients=[g])[0] for g in scales]
    return Claim(steps, [0.1] * 3, tolerance=1e-15)


@theorem(lesson="supervised", source=DEFINITION)
def schedules_count_updates():
    """A schedule is evaluated at the number of updates made: step sizes 1, 1/2, 1/3, ..."""
    exact = 1.0 - numpy.cumsum(GRADIENTS / (1.0 + numpy.arange(5)))
    return Claim(positions(sgd(lambda t: 1.0 / (1.0 + t))), exact, tolerance=1e-15)
