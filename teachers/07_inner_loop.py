"""Answers to the exercises of the lesson inner_loop.

Prediction 4 is decided by training: expect ANIL's median to be larger than MAML's, by less than a
factor of two. That is far ahead of fine-tuning the joint start, though only the head moves.
"""

import numpy

from minimeta.exact import quadratics


def exercise_1():
    """E keeps the second row: J = [[1, 0], [-0.5, 0]]; the first parameter does not move."""
    A, E = numpy.array([[2.0, 1.0], [1.0, 2.0]]), numpy.diag([0.0, 1.0])
    return [*(numpy.eye(2) - 0.5 * E @ A).ravel()]


def exercise_2():
    """E[a^2] / E[a^3] = (1 + 4) / (1 + 8) = 5/9: nearer to what the steep task needs."""
    curvature = numpy.array([[1.0], [2.0]])
    return quadratics.best_step_per_coordinate(curvature, numpy.ones((2, 1))).item()


def exercise_3():
    """1 / (1 + a / lambda) = 1 / 3."""
    return 1 / (1 + 4.0 / 2.0)


def exercise_4():
    """B tends to lambda / a, so W tends to lambda^2 / a: weights 1 and 2, rest at 2/3."""
    weights = 1 / numpy.array([1.0, 0.5])
    return weights[1] / weights.sum()


MISTAKES = {
    1: [[0.0, -0.5, -0.5, 0.0], [1.0, 0.0, 0.0, 1.0], [1.0, -0.5, 0.0, 0.0]],
    2: [2 / 3, 0.75, 0.6],  # 1 / mean(a); mean(1 / a); E[a v] / E[a^2 v]
    3: [1 / 5, 2 / 3, 1 / 2],
    4: [1 / 3, 0.5],  # the joint rest; the mean of the minima
}


def prediction_1():
    """Half of the smallest eigenvalue, 0.1: the body keeps the two directions that matter most."""
    floor = quadratics.shared_subspace_risk(numpy.diag([3.0, 1.0, 0.2]), 2)
    assert abs(floor - 0.1) < 1e-15
    return float(floor)


def prediction_2():
    """Three numbers 1 / a leave nothing. One number cannot serve curvatures of 0.5 and of 2.

    With minima from N(0, I) the mean loss after a step is sum a (1 - alpha a)^2 / 2; its best alpha
    is sum a^2 / sum a^3.
    """
    a = numpy.array([0.5, 1.0, 2.0])
    best = numpy.sum(a**2) / numpy.sum(a**3)
    losses = [numpy.sum(a * (1 - size * a) ** 2) / 2 for size in (best - 0.01, best, best + 0.01)]
    assert losses[1] == min(losses) and losses[1] > 0.1
    assert numpy.sum(a * (1 - (1 / a) * a) ** 2) == 0
    return float(losses[1])


def prediction_3():
    """There is none: both solvers end at the same point, and only the end is in the formula."""
    a, c, start, strength = 0.7, 1.5, 1.0, 2.0
    ends = []
    for size, steps in ((0.05, 900), (0.45, 150)):
        phi = start
        for _ in range(steps):
            phi = phi - size * (a * (phi - c) + strength * (phi - start))
        ends.append(phi)
    assert abs(ends[0] - ends[1]) < 1e-12
    return 0.0
