"""Answers to the exercises of the lesson maml_rl."""

import numpy

from minimeta.exact import gaussian_bandit
from minimeta.exact.navigation import best_return

D, S, EPISODES = numpy.array([0.5, 0.5]), 0.5, 5


def exercise_1():
    """Maximise -(1 - 2 a)^2 r - a^2 v: the derivative 4 (1 - 2 a) r - 2 a v is zero at the answer.

    With r = |d|^2 and v the variance, a = 2 r / (4 r + v).
    """
    r, v = D @ D, gaussian_bandit.spread(D, 0 * D, S, EPISODES)
    return 2 * r / (4 * r + v)


def exercise_2():
    """With N without bound only means are left: (1 - a R / s^2) (1 - 2 a) beside (1 - 2 a)^2.

    The mean reward is R = -1, so the factor is (1 + 0.1 / 0.25) / 0.8.
    """
    many = (D, 0 * D, S, 0.1, 10**9)
    factors = gaussian_bandit.pathwise_gradient(*many) / gaussian_bandit.meta_gradient(*many)
    return float(factors[0])


def exercise_3():
    """After one step (0.15, 0) is left, after two (0.05, 0), then nothing: -0.15 - 0.05."""
    return float(best_return(numpy.array([0.25, -0.05]), 20))


def exercise_4():
    """One for every step of every episode: all of them made the adapted policy."""
    episodes, steps = 20, 20
    return episodes * steps


MISTAKES = {
    1: [0.5, 0.25, 0.263],  # the exact step; half of it; a factor of two lost in the derivative
    2: [1.0, 1.53, 0.571],  # as if it went away; the factor at N = 5; upside down
    3: [
        0.2,
        -0.15,
        -0.45,
    ],  # without its sign; one step too few; counted from before the first step
    4: [20, 1, 8000],  # the episodes or the steps alone; a mean; all tasks
}
