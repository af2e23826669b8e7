"""Answers to the exercises of the lesson supervised."""

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad

STRENGTHS, START, ETA = numpy.array([4.0, 2.0, 1.0]), 1e-3, 0.02
MISTAKES = {
    1: [0.5, 4.0, 0.1, 0.2],
    2: [183, 190, 12, 37],
    3: [[3, 121], [1, 121], [1, 54], [2, 54]],
    4: [4.0, 0.001, 1.0],
    5: [[54, "yes"], [54, "no"], [44, "yes"]],
}


def descend(layers, steps):
    """The products W_1 W_2 ... after 0, 1, ..., steps steps, for white inputs and U = V = 1.

    U and V only turn the axes: the modes are the diagonal entries. With white inputs the loss is
    half the squared distance between the product and the target.
    """

    def product(layers):
        result = layers[0]
        for W in layers[1:]:
            result = result @ W
        return result

    def loss(layers):
        return np.sum((product(layers) - np.diag(STRENGTHS)) ** 2) / 2

    path = [product(layers)]
    for _ in range(steps):
        layers = [W - ETA * gradient for W, gradient in zip(layers, grad(loss)(layers))]
        path.append(product(layers))
    return numpy.stack(path)


def half_step(path):
    """The first step at which the strongest mode is beyond half of its strength."""
    return int(numpy.argmax(path[:, 0, 0] > STRENGTHS[0] / 2))


def exercise_1():
    """The distance is multiplied by 1 - eta lambda with lambda = x^2 = 4, so eta = 1/4."""
    curvature = 2.0**2
    return 1 / curvature


def exercise_2():
    """The slowest mode decides: (1 - 0.2/16)^t <= 0.1, so t >= ln 0.1 / ln 0.9875 = 183.05."""
    variances = numpy.array([4.0, 1.0, 0.25, 0.0625])
    left, steps = numpy.ones(4), 0
    while numpy.any(left > 0.1):
        left, steps = left * (1 - 0.2 * variances), steps + 1
    return steps


def exercise_3():
    """The gradient by one layer has the product of the two others as a factor: m^2.

    m <- m + eta m^2 (s - m^3). A mode near zero therefore waits longer than with two layers.
    """
    m, steps = START ** (1 / 3), 0
    while m**3 <= STRENGTHS[0] / 2:
        m, steps = m + ETA * m**2 * (STRENGTHS[0] - m**3), steps + 1
    layers = [START ** (1 / 3) * np.eye(3) for _ in range(3)]
    assert half_step(descend(layers, steps + 10)) == steps
    return [2, steps]


def exercise_4():
    """Each layer is a factor in the other's gradient, so at zero both gradients are zero.

    The gradient of a single layer has no such factor: it begins with x'y / N.
    """
    return float(numpy.abs(descend([np.zeros((3, 3)), np.zeros((3, 3))], 100)).max())


def exercise_5():
    """Unbalanced layers learn earlier: du/dt = (p^2 + q^2)(s - u) for shares p and q with u = p q.

    p^2 + q^2 is smallest, 2 u, where p = q. The recursion supposes p = q, so it does not hold.
    """
    share = START**0.5 * np.eye(3)
    step = half_step(descend([4 * share, share / 4], 400))
    balanced = half_step(descend([share, share], 400))
    return [step, "yes" if step == balanced else "no"]


def prediction_1():
    """1 - (1 - eta lambda)^10: all but 0.2^10 of it, and a good tenth of the other."""
    fractions = 1 - (1 - 0.2 * numpy.array([4.0, 1 / 16])) ** 10
    weights = numpy.zeros(2)
    for _ in range(10):
        weights = weights - 0.2 * numpy.array([4.0, 1 / 16]) * (weights - 1.0)
    assert numpy.allclose(weights, fractions, atol=1e-14)
    assert fractions[0] > 0.999999 and 0.11 < fractions[1] < 0.12
    return [*fractions]


def prediction_2():
    """1 - 4 eta: -0.96 and -1.04. Both swing from side to side, the second ever further."""
    factors = [1 - 4 * eta for eta in (0.49, 0.51)]
    assert abs(factors[0]) < 1 < abs(factors[1])
    return factors


def prediction_3():
    """One layer has learned a half of every mode. Two layers have hardly begun with the last."""
    one = descend([np.zeros((3, 3))], 60)
    two = descend([START**0.5 * np.eye(3)] * 2, 60)
    fractions = [path[half_step(path)][2, 2] / STRENGTHS[2] for path in (one, two)]
    assert abs(fractions[0] - one[half_step(one)][0, 0] / STRENGTHS[0]) < 1e-12
    assert 0.5 < fractions[0] < 0.52 and fractions[1] < 0.02
    return fractions
