"""Answers to the exercises of the lesson bandits."""

import math

import numpy


def exercise_1():
    """J is the mean of the rewards, 1/2, and the gradient is pi (r - J): 1/6, 0, -1/6."""
    pi, r = numpy.full(3, 1 / 3), numpy.array([1.0, 0.5, 0.0])
    return (pi * (r - pi @ r)).tolist()


def exercise_2():
    """|e_a - pi|^2 is 2 (0.1)^2 and 2 (0.9)^2, so b* = .9 .01 / (.9 .01 + .1 .81) = 1/10.

    With two arms the weights turn the policy round: b* is the chance of the *other* arm.
    """
    pi, r = numpy.array([0.9, 0.1]), numpy.array([1.0, 0.0])
    w = numpy.array([sum((e - pi) ** 2) for e in numpy.eye(2)])
    return (pi * w * r).sum() / (pi * w).sum()


def exercise_3():
    """g_1 = 1/4, so J_2 (1 - J_2) = 1/8, and the smaller root is (1 - sqrt(1/2)) / 2."""
    return (1 - math.sqrt(1 - 4 / 8)) / 2


def exercise_4():
    """c is 0, 1, 2 with the chances 1/4, 1/2, 1/4, so (1 + 2 + 2 + 3) / 4 / 3 = 2/3."""
    chances = numpy.array([1, 2, 1]) / 4
    return chances @ numpy.minimum(1 + numpy.arange(3), 3) / 3


MISTAKES = {
    1: [[0.5, 0.0, -0.5], [1 / 3, 1 / 6, 0.0]],  # without pi; without J
    2: [0.9, 0.5, 0.0],  # J; the hand case of the page; the other arm's reward
    3: [0.125, 0.25, 0.854],  # g_2 itself; g_1; the other root
    4: [1 / 3, 5 / 9, 1.0],  # the first step; only two visits counted; all tried
}


def prediction_1():
    """With 1/2, half way between the two rewards: (1 - b) and -(0 - b) are then equal."""
    pi, r = numpy.full(2, 0.5), numpy.array([1.0, 0.0])
    first, second = (r - 0.5)[:, None] * (numpy.eye(2) - pi)
    assert numpy.allclose(first, second, atol=1e-15)
    return 0.5


def prediction_2():
    """Twice as many: the rates differ by the factor J, and the climb is slow where J is small."""
    J = numpy.linspace(0.05, 0.95, 200_001)
    middle, width = (J[1:] + J[:-1]) / 2, J[1] - J[0]
    told = numpy.sum(width / (2 * middle * (1 - middle) ** 2))
    rewarded = numpy.sum(width / (2 * middle**2 * (1 - middle) ** 2))
    assert abs(told - 12.419) < 1e-2 and abs(rewarded / told - 2) < 1e-3
    return rewarded


def prediction_4():
    """1/5 at step 1, and 96 in 100 at step 30, by when six visits of a context are expected."""
    chances = {
        t: sum(
            math.comb(t - 1, c) * 0.2**c * 0.8 ** (t - 1 - c) * min(1 + c, 5) / 5 for c in range(t)
        )
        for t in (1, 30)
    }
    assert abs(chances[1] - 0.2) < 1e-15 and abs(chances[30] - 0.959) < 1e-3
    return [*chances.values()]


def prediction_3():
    """More than three times as long. Context 1 is ahead, and pulls the shared bias its own way.

    At first 2 g_2 is less than g_1, so J_2 falls, below a fifth of what it was. There its gradient
    is tiny, and it begins to climb only after context 1 has learned.
    """
    times = []
    for shared in (1.0, 0.0):
        J, t, least, step = numpy.array([0.2, 0.05]), 0.0, 1.0, 0.05

        def rate(J, shared=shared):
            g = J * (1 - J)
            return 2 * g * (g + shared * (g - g[::-1]))

        while J[1] < 0.95:
            J, t = J + step * rate(J + step / 2 * rate(J)), t + step
            least = min(least, J[1])
        times.append(t)
        assert least < 0.01 if shared else least >= 0.05
    assert abs(times[1] - 24.8) < 0.1 and times[0] > 3 * times[1]
    return times
