"""Answers to the exercises of the lesson waves."""

import numpy

from minimeta.exact import fourier_gp


def exercise_1():
    """a^2 / (sum of 2 a^2 + noise) = 0.1 / 1.1, wherever the example lies."""
    shares = fourier_gp.progress(numpy.ones((1, 1)), numpy.full(5, 0.1**0.5), 0.1)
    return float(shares[0])


def exercise_2():
    """n a^2 / (n a^2 + noise) = 0.9 gives n = 9 * 0.1 / 0.01 = 90."""
    n = 90
    x = 2 * numpy.pi * numpy.arange(n)[:, None] / n
    share = fourier_gp.progress(x, numpy.array([0.1]), 0.1)
    assert abs(float(share[0]) - 0.9) < 1e-12
    return n


def exercise_3():
    """What is not seen stays as an error: 2 a_4^2 + noise = 1/3 + 0.1."""
    return 2 / 6 + 0.1


def exercise_4():
    """<answer, truth> / |truth|^2 = 1 * 3 / 9: the sine is no part of the truth."""
    answer, truth = numpy.array([[1.0], [2.0]]), numpy.array([[3.0], [0.0]])
    return float(answer.ravel() @ truth.ravel() / (truth.ravel() @ truth.ravel()))


MISTAKES = {
    1: [0.5, 0.1, 0.2],
    2: [10, 9, 100],
    3: [0.1, 1 / 3, 1 / 6 + 0.1],  # the noise alone; without it; one weight of two
    4: [1.0, 5**0.5 / 3],
}
