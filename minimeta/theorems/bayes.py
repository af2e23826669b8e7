"""Theorems on the Bayes-optimal linear learner: textbook formulas, samples and limits."""

import math

import numpy

from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import flatten
from minimeta.exact import linear_gaussian as bayes
from minimeta.meta import evaluate
from minimeta.tasks import fourier
from minimeta.tasks.regression import linear
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import BISHOP, DEFINITION, KALMAN, has_mean, none_below_zero

NOISE = 0.3
WEIGHTS = numpy.array([[1.0, 0.4, 0.0], [0.4, 0.5, 0.1], [0.0, 0.1, 2.0]])  # a prior covariance
QUERIES = numpy.diag([1.0, 2.0, 0.5])


def problem(examples=5, outputs=2, seed=0):
    """Inputs (N, 3), targets (N, C) and a prior (mean (3, C), covariance, noise variance)."""
    rng = numpy.random.default_rng(seed)
    x, y = rng.normal(size=(examples, 3)), rng.normal(size=(examples, outputs))
    return x, y, (rng.normal(size=(3, outputs)), WEIGHTS, NOISE)


def normal_log_density(y, mean, variance):
    """log N(y; mean, variance), element by element."""
    return -((y - mean) ** 2) / (2 * variance) - numpy.log(2 * math.pi * variance) / 2


@theorem(lesson="bayes", source=BISHOP)
def posterior_mean_is_conditioning():
    """The posterior mean is the conditional mean of w given y in their joint Gaussian."""
    x, y, prior = problem()
    mean, S, s2 = prior
    both = S @ x.T @ numpy.linalg.inv(x @ S @ x.T + s2 * numpy.eye(5))
    return Claim(bayes.posterior(x, y, *prior)[0], mean + both @ (y - x @ mean), tolerance=1e-13)


@theorem(lesson="bayes", source=BISHOP)
def precisions_add():
    """Precisions add: the posterior precision is S^-1 + X'X / s^2."""
    x, y, prior = problem()
    computed = numpy.linalg.inv(bayes.posterior(x, y, *prior)[1])
    return Claim(computed, numpy.linalg.inv(WEIGHTS) + x.T @ x / NOISE, tolerance=1e-11)


@theorem(lesson="bayes", source=BISHOP)
def posterior_mean_is_ridge():
    """With prior covariance v I the posterior mean is ridge regression with strength s^2 / v."""
    x, y, _ = problem()
    ridge = numpy.linalg.solve(x.T @ x + NOISE / 0.7 * numpy.eye(3), x.T @ y)
    computed = bayes.posterior(x, y, 0.0, 0.7 * numpy.eye(3), NOISE)[0]
    return Claim(computed, ridge, tolerance=1e-13)


@theorem(lesson="bayes", source=KALMAN)
def sequential_is_batch():
    """Taking in one example at a time gives the same posterior as taking in all at once."""
    x, y, prior = problem()
    path = bayes.sequential(x, y, *prior)
    last = [part[-1] for part in path]
    return Claim(flatten(last), flatten(bayes.posterior(x, y, *prior)), tolerance=1e-13)


@theorem(lesson="bayes", source=BISHOP)
def posteriors_are_priors():
    """The posterior after some examples serves as the prior for the next ones."""
    x, y, prior = problem()
    twice = bayes.posterior(x[2:], y[2:], *bayes.posterior(x[:2], y[:2], *prior), NOISE)
    once = bayes.posterior(x, y, *prior)
    return Claim(flatten(twice), flatten(once), tolerance=1e-13)


@theorem(lesson="bayes", source=BISHOP)
def evidence_is_a_chain_of_predictions():
    """The evidence is the product of the predictive densities of each next target."""
    x, y, prior = problem()
    chain = 0.0
    for n in range(len(x)):
        state = bayes.posterior(x[:n], y[:n], *prior)
        chain += normal_log_density(y[n], *bayes.predictive(x[n : n + 1], *state, NOISE)).sum()
    return Claim(bayes.evidence(x, y, *prior), chain, tolerance=1e-12)


@theorem(lesson="bayes", source=BISHOP)
def evidence_is_a_joint_density():
    """The evidence is the joint normal density of all targets."""
    x, y, prior = problem()
    K, r = x @ WEIGHTS @ x.T + NOISE * numpy.eye(5), y - x @ prior[0]
    quadratic = numpy.trace(r.T @ numpy.linalg.inv(K) @ r)
    density = -(quadratic + 2 * numpy.linalg.slogdet(2 * math.pi * K)[1]) / 2  # 2 outputs
    return Claim(bayes.evidence(x, y, *prior), density, tolerance=1e-12)


@theorem(lesson="bayes", source=DEFINITION)
def stop_band_is_exact():
    """A direction in which the prior has no variance is never learned."""
    rng, band = numpy.random.default_rng(0), numpy.array([1.0, 0.0, 0.5])
    x = rng.uniform(0.0, 2 * math.pi, size=(9, 1))
    phi, y = fourier.features(x, 3), numpy.sin(2 * x)  # all of y lies in the gap
    mean, _ = bayes.posterior(phi, y, 0.0, fourier.prior_covariance(band), 0.1)
    return Claim(mean[2:4], numpy.zeros((2, 1)), tolerance=0.0)


@theorem(lesson="bayes", source=BISHOP)
def risk_is_the_error_of_the_learner():
    """The mean error of the posterior mean on sampled tasks is the risk in closed form."""
    task = linear(numpy.random.default_rng(0), 4000, 4, 20, WEIGHTS, noise_variance=NOISE)
    losses = evaluate(bayes.learner(0.0, WEIGHTS, NOISE), {}, task)
    excess = losses - bayes.risk(task.support.x, WEIGHTS, NOISE)
    return has_mean(excess, 0.0)


@theorem(lesson="bayes", source="Bias-variance")
def wrong_prior_risk_is_the_error_of_the_learner():
    """The mean error of a learner that assumes a wrong prior is its risk in closed form."""
    believed, true = (0.5, 0.2 * numpy.eye(3), 1.0), (0.0, WEIGHTS, NOISE)
    task = linear(numpy.random.default_rng(1), 4000, 4, 20, WEIGHTS, noise_variance=NOISE)
    losses = evaluate(bayes.learner(*believed), {}, task)
    excess = losses - bayes.wrong_prior_risk(task.support.x, believed, true)
    return has_mean(excess, 0.0)


@theorem(lesson="bayes", source=DEFINITION)
def right_prior_has_the_bayes_risk():
    """A learner that assumes the true prior has exactly the Bayes risk."""
    x, _, prior = problem()
    computed = bayes.wrong_prior_risk(x, prior, prior, QUERIES)
    return Claim(computed, bayes.risk(x, WEIGHTS, NOISE, QUERIES), tolerance=1e-13)


@theorem(lesson="bayes", source="Bayes rule")
def the_truth_is_a_stationary_belief():
    """The gradient of the risk in the assumed prior is zero where that prior is the true one."""
    x, _, prior = problem()
    cost = lambda believed: bayes.wrong_prior_risk(x, believed, prior, QUERIES)
    believed = (prior[0], WEIGHTS, numpy.array(NOISE))
    return Claim(flatten(grad(cost)(believed)), numpy.zeros(16), tolerance=1e-13)


@theorem(lesson="bayes", source=BISHOP)
def best_ridge_is_bayes():
    """Of all strengths of ridge regression, s^2 / v has the least risk."""
    x, _, _ = problem()
    strengths = NOISE / 0.7 * numpy.logspace(-2, 2, 101)
    true = (0.0, 0.7 * numpy.eye(3), NOISE)
    risks = [bayes.wrong_prior_risk(x, (0.0, numpy.eye(3) / s, 1.0), true) for s in strengths]
    return Claim(strengths[numpy.argmin(risks)], NOISE / 0.7, tolerance=1e-12)


@theorem(lesson="bayes", source="Counting")
def exact_examples_remove_directions():
    """Each example without noise removes one of the D unknown directions from the risk."""
    x = numpy.random.default_rng(0).normal(size=(6, 6))
    noise = 1e-10
    left = [bayes.risk(x[:n], numpy.eye(6), noise) - noise for n in range(7)]
    return Claim(left, 6.0 - numpy.arange(7), tolerance=1e-6)


@theorem(lesson="bayes", source="The mean of an inverse Wishart matrix")
def wide_prior_is_least_squares():
    """Under a wide prior the mean excess risk is that of least squares, s^2 D / (N - D - 1)."""
    x = numpy.random.default_rng(0).normal(size=(20_000, 12, 3))
    excess = bayes.risk(x, 1e6 * numpy.eye(3), NOISE) - NOISE  # (20000,)
    return has_mean(excess, NOISE * 3 / (12 - 3 - 1))


@theorem(lesson="bayes", source=BISHOP)
def predictive_is_calibrated():
    """The 95 % intervals of the predictive distribution contain 95 % of the targets."""
    task = linear(numpy.random.default_rng(2), 20_000, 3, 1, WEIGHTS, noise_variance=NOISE)
    state = bayes.learner(0.0, WEIGHTS, NOISE).adapt({}, task.support)
    mean, variance = bayes.predictive(task.query.x, *state, NOISE)
    inside = numpy.abs(task.query.y - mean) < 1.959964 * variance**0.5  # the normal's 97.5 %
    return Claim(inside.mean(), 0.95, standard_error=(0.95 * 0.05 / inside.size) ** 0.5)


@theorem(lesson="bayes", source=BISHOP)
def nobody_beats_bayes():
    """Neither least squares nor ridge regression nor the zero predictor is better than Bayes."""
    task = linear(numpy.random.default_rng(3), 10_000, 6, 10, WEIGHTS, noise_variance=NOISE)
    bayes_losses = evaluate(bayes.learner(0.0, WEIGHTS, NOISE), {}, task)
    (x, y), query = task
    gram, pull = numpy.swapaxes(x, 1, 2) @ x, numpy.swapaxes(x, 1, 2) @ y
    fits = [numpy.linalg.solve(gram + s * numpy.eye(3), pull) for s in (0.0, 0.1, 0.3, 1.0, 1e9)]
    excess = [mse(query.x @ fit, query.y) - bayes_losses for fit in fits]
    return none_below_zero(numpy.stack(excess, axis=1))
