"""Theorems on the inner step: which is best for noisy shots, and what small steps amount to."""

import functools
import itertools

import numpy

from minimeta.core.losses import mse
from minimeta.exact import quadratics as exact
from minimeta.initializations import maml
from minimeta.tasks.regression import linear
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import LINE, NICHOL, draw_family, has_mean, parameters

WICK = "Wick's theorem"


@theorem(lesson="maml", source=WICK)
def best_step_minimises_the_risk():
    """The inner step size of least risk after K noisy shots is 1 / (1 + (D+1)/K + s^2 D/(K V))."""
    setting = {"dimension": 4, "shots": 5, "noise_variance": 0.25, "variance": 1.7}
    best, h = exact.best_step(**setting), 1e-4
    risk = lambda a: exact.risk_after_step(a, **setting)
    parabola = best - h * (risk(best + h) - risk(best - h)) / (
        2 * (risk(best + h) - 2 * risk(best) + risk(best - h))
    )
    return Claim(parabola, best, tolerance=1e-8)


@theorem(lesson="maml", source=WICK)
def risk_after_one_step_is_met():
    """The mean error after one inner step on K noisy shots is the risk in closed form."""
    D, K, noise, variance, tasks = 4, 5, 0.25, 1.7, 20_000
    rng = numpy.random.default_rng(0)
    task = linear(rng, tasks, K, 64, variance / D * numpy.eye(D), noise_variance=noise)
    learner = maml.learner(LINE, mse, 0.15, 1)  # mse has no 1/2: its step 0.15 is 0.3 on half of it
    state = learner.adapt(parameters(numpy.zeros(D)), task.support)
    errors = mse(LINE.apply(state, task.query.x), task.query.y) - noise
    return has_mean(errors, 2 * exact.risk_after_step(0.3, D, K, noise, variance))


def minibatches():
    """Four minibatches of one task: Hessians H (4, 2, 2), minima c (4, 2), and a start."""
    return draw_family(seed=3, tasks=4, dimension=2)[:3]


def average(direction, count):
    """The mean of direction(i, j, ...) over all draws of `count` minibatches, with replacement."""
    draws = itertools.product(range(4), repeat=count)
    return numpy.mean([direction(*draw) for draw in draws], axis=0)


def walk(H, c, theta, a, draw):
    """theta after one gradient step on each drawn minibatch."""
    return functools.reduce(lambda t, i: t - a * H[i] @ (t - c[i]), draw, theta)


@theorem(lesson="first_order", source=NICHOL)
def fomaml_expansion_is_exact_on_quadratics():
    """On quadratics, one step of FOMAML follows exactly AvgGrad - a AvgGradInner."""
    H, c, theta = minibatches()
    follow = lambda i, j: H[j] @ (walk(H, c, theta, 0.3, [i]) - c[j])
    g = (H @ (theta - c)[..., None])[..., 0]
    a, b = exact.expansion("fomaml", 0.3, 1)
    return Claim(average(follow, 2), a * g.mean(0) + b * H.mean(0) @ g.mean(0), tolerance=1e-13)


@theorem(lesson="first_order", source=NICHOL)
def reptile_expansion_is_exact_on_quadratics():
    """On quadratics, two steps of Reptile follow exactly 2 AvgGrad - a AvgGradInner."""
    H, c, theta = minibatches()
    follow = lambda i, j: (theta - walk(H, c, theta, 0.3, [i, j])) / 0.3
    g = (H @ (theta - c)[..., None])[..., 0]
    a, b = exact.expansion("reptile", 0.3, 2)
    return Claim(average(follow, 2), a * g.mean(0) + b * H.mean(0) @ g.mean(0), tolerance=1e-13)


@theorem(lesson="first_order", source=NICHOL)
def maml_expansion_is_second_order():
    """One step of MAML follows AvgGrad - 2a AvgGradInner up to a term in a^2.

    Halving a divides the rest by four.
    """
    H, c, theta = minibatches()
    g = (H @ (theta - c)[..., None])[..., 0]

    def rest(size):
        step = lambda i: numpy.eye(2) - size * H[i]
        follow = lambda i, j: step(i) @ H[j] @ (walk(H, c, theta, size, [i]) - c[j])
        a, b = exact.expansion("maml", size, 1)
        return average(follow, 2) - a * g.mean(0) - b * H.mean(0) @ g.mean(0)

    return Claim(rest(0.3), 4 * rest(0.15), tolerance=1e-13)
