"""Answers to the exercises of the lesson schedules."""

import numpy

from minimeta.core.gradients import grad
from minimeta.core.optim import adam
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


def prediction_1():
    """The best single step, 5/17, leaves 9/34 of the loss. The order of two does not matter."""
    spectrum, weights = numpy.array([1.0, 4.0]), numpy.array([0.5, 0.5])

    def left(*steps):
        p = numpy.prod([1 - size * spectrum for size in steps], axis=0)
        return float(weights @ p**2)

    around = [left(5 / 17 + move) for move in (-0.01, 0.0, 0.01)]
    assert abs(around[1] - 9 / 34) < 1e-14 and around[1] == min(around)
    assert left(1.0, 0.25) == left(0.25, 1.0) == 0.0
    return around[1]


def prediction_3():
    """In full (1 - alpha)^4 / 2 has the derivative -2 (1 - alpha)^3 = -1/4; with constants -3/8.

    As constants the gradients are 1 and 1/2, so the end moves by -1.5 for each unit of alpha.
    """
    h, end = 1e-6, 0.25
    full = ((1 - 0.5 - h) ** 4 - (1 - 0.5 + h) ** 4) / 2 / (2 * h)
    held = end * -(1.0 + 0.5)
    assert abs(full + 1 / 4) < 1e-8 and held == -3 / 8
    return [full, held]


def prediction_2():
    """It finds them, though the loss is no convex function of the step sizes.

    The order of the steps does not matter, so there are as many equal minima as orders, and a rough
    guess is near to one of them. A larger step size than that of the lesson gets there sooner.
    """
    spectrum = numpy.array([0.3, 0.5, 1.0, 1.4, 1.7, 2.0])
    weights = numpy.array([3.0, 1.0, 2.0, 1.0, 2.0, 1.0]) / 10
    loss = grad(lambda sizes: schedules.expected_loss(sizes, spectrum, weights))
    sizes, eta = numpy.array([1.5, 0.8, 0.5]), adam(lambda update: 0.1 * 0.99**update)
    state = eta.init(sizes)
    for _ in range(900):
        sizes, state = eta.update(loss(sizes), state, sizes)
    best = schedules.best_schedule(spectrum, weights, 3)
    assert numpy.allclose(numpy.sort(sizes)[::-1], best, atol=1e-4)
    return [*sizes]


def prediction_4():
    """Zero: a polynomial of degree 6 can be zero at all six. Momentum keeps nearly a thousandth.

    That is what the bound allows after five steps or four. The two constants of momentum are best
    for the worst case over a whole interval, so it reaches zero after no number of steps.
    """
    spectrum = numpy.array([0.3, 0.5, 1.0, 1.4, 1.7, 2.0])
    weights = numpy.array([3.0, 1.0, 2.0, 1.0, 2.0, 1.0]) / 10
    bound = schedules.krylov_bound(spectrum, weights, 6)
    alpha, beta, _ = schedules.heavy_ball(0.3, 2.0)
    error, v = numpy.ones(6), numpy.zeros(6)  # as a share of the first error in each direction
    for _ in range(6):
        v = beta * v + spectrum * error
        error = error - alpha * v
    left = weights @ error**2
    assert bound[6] < 1e-20 < bound[5] < left < bound[4]
    return [float(bound[6]), float(left)]
