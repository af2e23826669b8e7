"""Answers to the exercises of the lesson spectrum."""

import numpy

from minimeta.core.trees import leaves
from minimeta.course.recipes import SETTINGS
from minimeta.memories import interleaved
from minimeta.meta import evaluate


def exercise_1():
    """Both are equally far from k* = p / (p + 1) if it is their middle, 3/4. So p = 3."""
    middle = (0.5 + 1.0) / 2
    return middle / (1 - middle)


def exercise_2():
    """4 H (D + C + H + 1) numbers of the LSTM and H + 1 of the answer, for 2 H of the state."""
    H, D, C = 48, 4, 1
    meta = 4 * H * (D + C + H + 1) + (H + 1) * C
    made = interleaved.learner(D, C, hidden=H).init(numpy.random.default_rng(0))
    assert meta == sum(leaf.size for leaf in leaves(made))
    return meta / (2 * H)


def exercise_3():
    """1.96 sd / sqrt(M) = 0.002, so M = (1.96 * 0.2 / 0.002)^2 = 38,416."""
    return (1.96 * 0.2 / 0.002) ** 2


def exercise_4():
    """Separate: sqrt(2 v). Paired: sqrt(2 v (1 - rho)). The ratio is 1 / sqrt(1 - 0.98)."""
    return (1 - 0.98) ** -0.5


MISTAKES = {
    1: [0.75, 9.0, 1.0],  # k*, not p; the variance outside; where the knowing learner is best
    2: [10417.0, 217.0, 107.0],  # not divided; one of h and c only; without the linear layer
    3: [196.0, 100.0, 9604.0],  # the root; without 1.96; the half width for the whole
    4: [1.43, 50.0, 1.02],  # 1 + rho in place of 1 - rho; the ratio of variances
}


def prediction_1():
    """0 and 1.6 for k = 1/2, and 0.5 and 0.1 for k = 1.

    All follow from (k - k*)^2 (p + s) with k* = p / (p + s). The check takes the mean squared error
    itself and subtracts what the best factor leaves.
    """

    def error(k, p, s=1.0):
        return (1 - k) ** 2 * p + k**2 * s

    excess = [error(k, p) - error(p / (p + 1), p) for k in (0.5, 1.0) for p in (1.0, 9.0)]
    assert numpy.allclose(excess, [0.0, 1.6, 0.5, 0.1], atol=1e-14)
    return [*excess]


def prediction_2():
    """More than one and a half times: easy tasks are easy for both, and that part drops out.

    The variance of a difference is the sum of both variances less twice the covariance. With the
    correlation rho and like variances the factor is 1 / sqrt(1 - rho), as in exercise 4.
    """
    maps = SETTINGS["maps"].shifts["inside"]
    task = maps.family.sample(numpy.random.default_rng(0), 2000, maps.shots, 10)
    ridge = evaluate(SETTINGS["maps"].recipes["ridge regression"].make(), {}, task)
    bayes = evaluate(maps.family.bayes, {}, task)
    wider = numpy.sqrt((ridge.var() + bayes.var()) / (ridge - bayes).var())
    assert wider > 1.5
    return float(wider)


def prediction_3():
    """Ridge regression: about as large outside as inside. The LSTM: more than three times larger.

    Of the LSTM training decides; of ridge regression this snippet does. It believes that all
    directions are alike, and so it cannot notice that they have changed places.
    """
    rng, excess = numpy.random.default_rng(0), []
    ridge = SETTINGS["maps"].recipes["ridge regression"].make()
    for name in ("inside", "other spectrum"):
        shift = SETTINGS["maps"].shifts[name]
        task = shift.family.sample(rng, 4000, shift.shots, 10)
        excess.append(evaluate(ridge, {}, task) - evaluate(shift.family.bayes, {}, task))
    factor = excess[1].mean() / excess[0].mean()
    assert 0.7 < factor < 1.4
    return float(factor)
