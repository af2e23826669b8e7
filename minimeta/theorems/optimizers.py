"""Theorems on the hand-made optimizers: their published rules, unrolled on paper."""

import numpy

from minimeta.core.optim import adam, momentum, rmsprop, sgd
from minimeta.theorems import Claim, theorem

SLOPES = numpy.array([0.5, -2.0, 1.25, 3.0, -0.75])  # an arbitrary sequence of scalar gradients


def positions(optimizer, slopes=SLOPES, start=1.0):
    """Where a scalar parameter stands after each update with the given gradients."""
    theta, found = {"w": numpy.array([start])}, []
    state = optimizer.init(theta)
    for g in slopes:
        theta, state = optimizer.update({"w": numpy.array([g])}, state, theta)
        found.append(theta["w"][0])
    return numpy.array(found)


@theorem(lesson="supervised", source="Robbins & Monro 1951")
def sgd_sums_gradients():
    """SGD stands at the start minus the step size times the sum of gradients."""
    return Claim(positions(sgd(0.1)), 1.0 - 0.1 * numpy.cumsum(SLOPES), tolerance=1e-15)


@theorem(lesson="networks", source="Polyak 1964")
def momentum_weights_by_age():
    """Momentum's velocity is the gradients' sum weighted by mass^age."""
    age = numpy.subtract.outer(numpy.arange(5), numpy.arange(5))
    velocity = numpy.where(age >= 0, 0.9 ** numpy.abs(age), 0.0) @ SLOPES
    return Claim(
        positions(momentum(0.1, mass=0.9)), 1.0 - 0.1 * numpy.cumsum(velocity), tolerance=1e-14
    )


@theorem(lesson="networks", source="geometric series")
def momentum_terminal_speed():
    """Under a constant gradient momentum's step grows to step_size/(1-mass) times it."""
    found = positions(momentum(0.1, mass=0.5), slopes=numpy.ones(60))
    return Claim(found[-2] - found[-1], 0.1 / (1 - 0.5), tolerance=1e-12)


@theorem(lesson="networks", source="Tieleman & Hinton 2012")
def rmsprop_as_published():
    """RMSprop divides by the root of an exponential mean of squares, as published."""
    age = numpy.subtract.outer(numpy.arange(5), numpy.arange(5))
    square = numpy.where(age >= 0, 0.1 * 0.9 ** numpy.abs(age), 0.0) @ SLOPES**2
    exact = 1.0 - numpy.cumsum(0.01 * SLOPES / (numpy.sqrt(square) + 1e-8))
    return Claim(positions(rmsprop(0.01, decay=0.9)), exact, tolerance=1e-13)


@theorem(lesson="networks", source="Kingma & Ba 2014, section 3")
def adam_as_weighted_averages():
    """Adam's corrected means are weighted averages with weights decay^age."""
    age = numpy.subtract.outer(numpy.arange(5), numpy.arange(5))

    def average(values, decay):
        weights = numpy.where(age >= 0, decay ** numpy.abs(age), 0.0)
        return weights @ values / weights.sum(axis=1)

    steps = 0.1 * average(SLOPES, 0.9) / (numpy.sqrt(average(SLOPES**2, 0.999)) + 1e-8)
    return Claim(positions(adam(0.1)), 1.0 - numpy.cumsum(steps), tolerance=1e-12)


@theorem(lesson="networks", source="Kingma & Ba 2014, section 2.1")
def adam_first_step():
    """Adam's first step is the step size, whatever the scale of the gradient."""
    scales = [1e-3, 1.0, 1e3]
    found = [1.0 - positions(adam(0.1, epsilon=0.0), slopes=[g])[0] for g in scales]
    return Claim(found, [0.1] * 3, tolerance=1e-15)


@theorem(lesson="supervised", source="definition")
def schedules_count_updates():
    """A schedule is read at the number of updates made: step sizes a/(1+t)."""
    exact = 1.0 - numpy.cumsum(SLOPES / (1.0 + numpy.arange(5)))
    return Claim(positions(sgd(lambda t: 1.0 / (1.0 + t))), exact, tolerance=1e-15)
