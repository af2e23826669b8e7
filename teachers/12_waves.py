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


def prediction_1():
    """1, 1/2 and 0: a wave that is shifted by a quarter of its length has nothing in common."""
    x = 2 * numpy.pi * numpy.arange(64) / 64
    answer = numpy.cos(x) + numpy.cos(2 * x) / 2 + numpy.sin(3 * x)
    shares = [2 * numpy.mean(answer * numpy.cos(k * x)) for k in (1, 2, 3)]
    assert numpy.allclose(shares, [1.0, 0.5, 0.0], atol=1e-14)
    return shares


def prediction_2():
    """(1/6) / (1 + 0.1) = 0.1515, the same for all three."""
    places = 2 * numpy.pi / 9 * numpy.arange(9.0).reshape(9, 1, 1)
    known = fourier_gp.progress(places, numpy.full(3, (1 / 6) ** 0.5), 0.1).mean(axis=0)
    assert numpy.allclose(known, (1 / 6) / 1.1, atol=1e-12)
    return [*known]
