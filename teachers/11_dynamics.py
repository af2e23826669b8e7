"""Answers to the exercises of the lesson dynamics.

Predictions 4 and 5 are decided by training. For 4 expect a small difference, less than 0.25 beside
Bayes and far from the lead of descent. For 5 expect that all modes are known in part, the strongest
less than the weakest: none waits for another, and the order of descent is turned round.
"""

import numpy

from minimeta import probing
from minimeta.exact import linear_gaussian, linear_networks, matrix_normal
from minimeta.tasks import Data


def exercise_1():
    """Three examples without noise show three of five directions: 3/5 of every mode."""
    share = matrix_normal.expected_progress(5, 3, 1e-12)
    return round(float(share), 6)


def exercise_2():
    """The ratio of the two half-times, log(s/u - 1) / 2s for each strength s."""
    weak, strong = (linear_networks.half_time(numpy.array([s]), 0.01) for s in (1.0, 4.0))
    return (weak / strong).item()


def exercise_3():
    """Each output is learned by itself; the shares are v / (v + 1): 4/5 and 1/2."""
    one = numpy.ones((1, 1))
    gains = [linear_gaussian.posterior(one, one, 0.0, v * one, 1.0)[0].item() for v in (4.0, 1.0)]
    return gains


def exercise_4():
    """The diagonal of the belief in the modes of the truth, over their strengths: 1/3 and 1."""
    progress = probing.effective_spectrum(numpy.ones((2, 2)), numpy.diag([3.0, 1.0]))
    return [float(share) for share in progress]


MISTAKES = {
    1: [0.5, 0.4, 1.0],
    2: [4.0, 2.0, 0.25],  # the ratio of the strengths alone; the wrong way round
    3: [[0.5, 0.5], [0.5, 0.8], [0.667, 0.5]],
    4: [[1.0, 1.0], [0.333, 0.333]],
}


def prediction_1():
    """Half of the strong mode, 2 / 4, and all of the weak one."""
    true, believed = numpy.diag([4.0, 1.0]), numpy.diag([2.0, 1.0])
    U, s, V = numpy.linalg.svd(true)
    shares = numpy.diag(U.T @ believed @ V.T) / s
    assert numpy.allclose(shares, [0.5, 1.0], atol=1e-14)
    return [*shares]


def prediction_3():
    """n / D = 2/3: two random directions of three are known."""
    x = numpy.random.default_rng(0).normal(size=(4000, 2, 3))
    mean = (numpy.linalg.pinv(x) @ x).mean(axis=0)
    exact = matrix_normal.expected_progress(3, 2, noise_variance=0.0)
    assert abs(exact - 2 / 3) < 1e-12
    assert numpy.max(numpy.abs(mean - 2 / 3 * numpy.eye(3))) < 0.04
    return float(exact)


def prediction_2():
    """A little over five times. The strengths alone would say about seven times, by 1 / (2 s).

    A weak mode begins nearer to its end, so its logarithm is smaller, and the ratio of the times is
    less than that of the strengths.
    """
    maps = numpy.random.default_rng(0).normal(size=(4000, 3, 3))
    strong, _, weak = numpy.median(numpy.linalg.svd(maps, compute_uv=False), axis=0)
    u, steps = numpy.full(2, 0.0016), numpy.zeros(2)
    for _ in range(20_000):  # du/dt = 2 u (s - u) in small steps
        steps = steps + (u < numpy.array([strong, weak]) / 2)
        u = u + 1e-3 * 2 * u * (numpy.array([strong, weak]) - u)
    exact = linear_networks.half_time(numpy.array([strong, weak]), 0.0016)
    assert numpy.allclose(steps * 1e-3, exact, rtol=0.01)
    ratio = exact[1] / exact[0]
    assert 3 < ratio < strong / weak
    return float(ratio)


def prediction_6():
    """Less. How much less is decided by training: expect that more than 0.2 of the mode is lost.

    To keep its share the LSTM would have to answer four times as much to labels four times as
    large, as Bayes does, who is linear. But a label enters through a tanh, which grows by at most
    four times, and hardly at all where the label is large already.
    """
    rng = numpy.random.default_rng(0)
    x, y, new = rng.normal(size=(1, 12, 3)), rng.normal(size=(1, 12, 3)), rng.normal(size=(1, 5, 3))
    bayes = matrix_normal.learner(0.0, numpy.eye(3), numpy.eye(3), 0.25)
    usual, large = (bayes.predict({}, bayes.adapt({}, Data(x, k * y)), new) for k in (1, 4))
    assert numpy.allclose(large, 4 * usual, atol=1e-12)
    labels = numpy.array([0.1, 4.0])
    grown = numpy.tanh(4 * labels) / numpy.tanh(labels)
    assert 1 < grown[1] < 1.01 < grown[0] < 4
    return [*grown]
