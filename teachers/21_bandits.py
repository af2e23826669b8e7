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
