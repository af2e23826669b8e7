"""Theorems on joint training and fine-tuning: what one start for all tasks can know."""

import math

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.exact import quadratics
from minimeta.exact import sines as exact
from minimeta.meta import evaluate
from minimeta.tasks.quadratics import from_quadratics
from minimeta.tasks.regression import draw_sines, from_sines, sines
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, FINN, NICHOL, draw_family, has_mean

MAML, REPTILE = f"{FINN}, for the family", f"{NICHOL}, for the family"

WHOLE_TURN = (0.0, 2.0 * math.pi)


def pooled_fits(phase, tasks=20_000):
    """Per task, the contributions to the pooled least-squares weights of (sin x, cos x): (M, 2)."""
    x, y = sines(numpy.random.default_rng(0), tasks, 0, 20, phase=phase).query
    features = numpy.concatenate([numpy.sin(x), numpy.cos(x)], axis=-1)  # (M, 20, 2)
    gram = numpy.mean(numpy.swapaxes(features, 1, 2) @ features, axis=0)
    return numpy.linalg.solve(gram, numpy.swapaxes(features, 1, 2) @ y)[..., 0]


@theorem(lesson="transfer", source=MAML)
def joint_predictor_of_sines():
    """The best joint predictor of the sines is E[y|x], computed by quadrature."""
    nodes, weights = numpy.polynomial.legendre.leggauss(40)
    x, phi = numpy.linspace(-5.0, 5.0, 11), math.pi / 2 * (nodes + 1.0)
    mean = 2.55 * (weights / 2) @ numpy.sin(x - phi[:, None])  # 2.55 is the mean of U[0.1, 5]
    return Claim(exact.joint_predictor(x), mean, tolerance=1e-12)


@theorem(lesson="transfer", source=MAML)
def joint_risk_of_sines():
    """The mean error of the best joint predictor on sampled sines is 3.0057."""
    x, y = sines(numpy.random.default_rng(0), 20_000, 0, 20).query
    losses = mse(exact.joint_predictor(x), y)  # (M,)
    return has_mean(losses, exact.joint_risk())


@theorem(lesson="transfer", source=MAML)
def pooled_sines():
    """Least squares on pooled sines gives 0 sin x - 1.6234 cos x."""
    fits = pooled_fits((0.0, math.pi))
    height = exact.joint_predictor(0.0)
    return has_mean(fits, [0.0, height])


@theorem(lesson="transfer", source=REPTILE)
def pooled_whole_turns():
    """If phases cover a whole turn, least squares on pooled sines gives zero."""
    fits = pooled_fits(WHOLE_TURN)
    height = exact.joint_predictor(0.0, phase=WHOLE_TURN)
    return has_mean(fits, [0.0, height])


@theorem(lesson="transfer", source=REPTILE)
def nothing_to_learn_jointly():
    """If phases cover a whole turn, the zero predictor's error on samples is the joint risk."""
    y = sines(numpy.random.default_rng(1), 20_000, 0, 20, phase=WHOLE_TURN).query.y
    losses = numpy.mean(y**2, axis=(1, 2))
    risk = exact.joint_risk(phase=WHOLE_TURN)
    return has_mean(losses, risk)


@theorem(lesson="transfer", source="Bias-variance")
def price_of_another_predictor():
    """A predictor that differs from E[y|x] by d has an error that is larger by E d^2."""
    x, y = sines(numpy.random.default_rng(2), 20_000, 0, 20).query
    away = 0.7 * numpy.sin(x) + 0.2
    excess = numpy.mean((exact.joint_predictor(x) + away - y) ** 2 - away**2, axis=(1, 2))
    return has_mean(excess, exact.joint_risk())


@theorem(lesson="transfer", source=ALGEBRA)
def two_examples_are_enough():
    """Two examples without noise determine a sine: its weights A cos phi and -A sin phi."""
    rng = numpy.random.default_rng(0)
    amplitudes, phases = draw_sines(rng, 50)
    task = from_sines(rng, amplitudes, phases, 2, 3)
    truth = numpy.stack([amplitudes * numpy.cos(phases), -amplitudes * numpy.sin(phases)], axis=1)
    return Claim(exact.fit(*task.support)[..., 0], truth, tolerance=1e-11)


@theorem(lesson="transfer", source=ALGEBRA)
def knowing_the_family():
    """A learner that knows the family of sines has no error after ten shots."""
    task = sines(numpy.random.default_rng(3), 100, 10, 10)
    return Claim(evaluate(exact.learner(), {}, task), numpy.zeros(100), tolerance=1e-24)


@theorem(lesson="transfer", source=ALGEBRA)
def joint_optimum_is_pooled_least_squares():
    """The joint optimum of quadratics is least squares on the pooled data."""
    A, c, _, _ = draw_family(tasks=6)
    x, y = from_quadratics(A, c).support
    pooled = numpy.linalg.lstsq(x.reshape(-1, 3), y.reshape(-1), rcond=None)[0]
    return Claim(quadratics.joint_optimum(A, c), pooled, tolerance=1e-12)


@theorem(lesson="transfer", source=ALGEBRA)
def averaging_minimisers_is_worse():
    """The mean of the minima, d away from the joint optimum, loses d'(sum A)d / 2 to it."""
    A, c, _, _ = draw_family(tasks=6)
    joint, mean = quadratics.joint_optimum(A, c), c.mean(axis=0)
    excess = numpy.sum(quadratics.loss(mean, A, c) - quadratics.loss(joint, A, c))
    apart = mean - joint
    return Claim(excess, apart @ A.sum(axis=0) @ apart / 2, tolerance=1e-13)


@theorem(lesson="transfer", source=ALGEBRA)
def averaging_is_right_for_equal_curvature():
    """If all tasks have one curvature, the joint optimum is the mean of the minima."""
    A, c, _, _ = draw_family(tasks=6)
    same = numpy.broadcast_to(A[0], A.shape)
    return Claim(quadratics.joint_optimum(same, c), c.mean(axis=0), tolerance=1e-13)


@theorem(lesson="transfer", source=ALGEBRA)
def fine_tuning_in_closed_form():
    """Fine-tuning a linear map by k steps ends at c + (I-aA)^k (theta-c)."""
    A, c, theta, _ = draw_family(tasks=6)
    x, y = from_quadratics(A, c).support
    walked = numpy.repeat(theta[None, :, None], len(A), axis=0)  # (M, D, 1), a copy per task
    for _ in range(5):
        walked = walked - 0.8 * grad(lambda w: np.sum(mse(x @ w, y)))(walked)
    ends = quadratics.gradient_descent(theta, A, c, 0.8, 5)
    return Claim(ends, walked[..., 0], tolerance=1e-13)


@theorem(lesson="transfer", source=ALGEBRA)
def loss_after_fine_tuning():
    """After k steps of fine-tuning the loss is (theta-c)'P'A P(theta-c) / 2 with P = (I-aA)^k."""
    A, c, theta, _ = draw_family(tasks=6)
    losses = []
    for curvature, minimum in zip(A, c):
        values, vectors = numpy.linalg.eigh(curvature)
        along = vectors.T @ (theta - minimum)
        losses.append(numpy.sum(values * (1.0 - 0.8 * values) ** 10 * along**2) / 2)
    return Claim(quadratics.loss_after(theta, A, c, 0.8, 5), losses, tolerance=1e-14)


@theorem(lesson="transfer", source=ALGEBRA)
def stability_limit_flips():
    """At the stability limit, each step flips the steepest direction and keeps its length."""
    A, c, _, _ = draw_family(tasks=6)
    steepest = numpy.linalg.eigh(A)[1][..., -1]  # (M, D)
    limits = quadratics.stability_limit(A)
    ends = [
        quadratics.gradient_descent(c[m] + steepest[m], A[m : m + 1], c[m : m + 1], limits[m], 3)
        for m in range(len(A))
    ]
    return Claim(numpy.concatenate(ends), c - steepest, tolerance=1e-13)
