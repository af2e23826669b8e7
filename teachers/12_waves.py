"""Answers to the exercises of the lesson waves.

Prediction 4 is decided by training: expect most of wave 1 and hardly anything of wave 3, a
difference of more than 0.4, since the outer loop, too, finds slow functions before fast ones.
"""

import numpy

from minimeta import probing
from minimeta.core.gradients import grad
from minimeta.core.optim import adam
from minimeta.core.trees import copies, tree_map
from minimeta.exact import fourier_gp
from minimeta.nets import mlp
from minimeta.tasks import fourier


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


def prediction_3():
    """More than twice as long, here on four curves; the lesson takes thirty, in shorter steps.

    By the k^2 of the lesson networks it would be nine times. But that is the rule of plain descent
    on a model that can be solved, and this is a network of two layers that Adam trains.
    """
    rng = numpy.random.default_rng(0)
    net, amplitudes, steps = mlp([2, 64, 64, 1]), numpy.full(3, (1 / 6) ** 0.5), 150
    w = fourier.draw_phases(rng, 4, amplitudes)  # (M, 6, 1)
    *layers, last = net.init(rng)
    theta = copies([*layers, tree_map(numpy.zeros_like, last)], len(w))
    eta, half = adam(1e-3), numpy.full(3, numpy.nan)
    circle = lambda x: fourier.features(x, 1)
    fit = lambda theta, x, y: ((net.apply(theta, circle(x)) - y) ** 2).mean(axis=(1, 2)).sum()
    state, seen = eta.init(theta), lambda x: net.apply(theta, circle(x))
    for step in range(steps):
        known = probing.fourier_progress(probing.fourier_weights(seen, 3), w).mean(axis=0)
        half = numpy.where(numpy.isnan(half) & (known > 0.5), step, half)
        data = fourier.from_weights(rng, w, 32, 1, 0.1).support
        theta, state = eta.update(grad(fit)(theta, *data), state, theta)
    assert half[2] > 2 * half[0]
    return [*half]


def prediction_5():
    """Nothing after twelve, and nothing after two thousand: what the prior excludes stays excluded.

    With a_4 = 0 the prior variance of wave 4 is zero, and so is the gain of every example. Wise
    Bayes, whose prior allows it, knows most of wave 4 after twelve.
    """
    blind, wise = numpy.array([1.0, 1.0, 1.0, 0.0]), numpy.ones(4)
    rng, known = numpy.random.default_rng(0), []
    for n, amplitudes in ((12, blind), (2000, blind), (12, wise)):
        x = 2 * numpy.pi * rng.random((50 if n < 100 else 1, n, 1))
        known.append(fourier_gp.progress(x, amplitudes / 6**0.5, 0.1)[..., 3].mean())
    assert known[0] == known[1] == 0.0 and known[2] > 0.6
    return [float(share) for share in known]
