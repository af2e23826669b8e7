"""Gaussian classes: SciPy's special functions as another route, malformed calls, planted bugs."""

import numpy
import pytest
from helpers import given, instead, refused, rng, second, single_precision, times, turns_red
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import betainc
from scipy.stats import chi2, ncx2

from minimeta.core.losses import accuracy
from minimeta.embeddings import prototypical
from minimeta.exact import class_gaussians as exact
from minimeta.exact.families import gaussian_classes
from minimeta.meta import evaluate
from minimeta.theorems import REGISTRY
from minimeta.theorems import class_gaussians as theorems

PIXELS = prototypical.learner(prototypical.pixels)
EYE = numpy.eye(2)


@pytest.mark.parametrize("inputs", [1, 2, 3, 9, 16, 101])
def test_the_recursion_is_the_incomplete_beta_function(inputs):
    for p in (0.5, 0.6, 0.9, 0.999):
        assert_allclose(exact.symmetric_beta(p, inputs), betainc(inputs / 2, inputs / 2, p), 1e-13)


def test_the_published_numbers():
    """d = 16, t = s = 1, one shot: .92497, and .93900 when shrunk by one half."""
    assert_allclose(exact.accuracy(16, 1, 1.0, 1.0), 0.924966, atol=1e-6)
    assert exact.shrinkage(1, 1.0, 1.0) == 0.5
    assert_allclose(exact.accuracy(16, 1, 1.0, 1.0, 0.5), 0.939004, atol=1e-6)


def test_no_other_factor_is_more_often_right_than_that_of_bayes():
    best = exact.shrinkage(3, 0.7, 1.4)
    at = lambda factor: exact.accuracy(8, 3, 0.7, 1.4, factor)
    assert at(best) > max(at(0.99 * best), at(1.01 * best), at(1.0))


def accuracy_of_many_ways(inputs, ways, factor):
    """One shot, t = s = 1: E over |x|^2 and the distance of x to its own prototype times factor.

    Given x ~ N(0, 2 I), the prototypes of other classes are N(0, 2 I) and its own is N(x/2, 3/2 I).
    """
    step = (numpy.arange(200) + 0.5) / 200  # quantiles of |x|^2
    own, total = (numpy.arange(200) + 0.5) / 200, 0.0
    for squared in 2.0 * chi2.ppf(step, inputs):
        variance = 1.5 * factor**2
        mine = variance * ncx2.ppf(own, inputs, (1.0 - factor / 2.0) ** 2 * squared / variance)
        others = ncx2.sf(mine / (2.0 * factor**2), inputs, squared / (2.0 * factor**2))
        total += numpy.mean(others ** (ways - 1)) / 200
    return total


@pytest.mark.parametrize("ways, plain, shrunk", [(2, 0.925, 0.939), (20, 0.544, 0.602)])
def test_shrinking_beats_prototypes(ways, plain, shrunk):
    """Measured on paired episodes, and by integrals over noncentral chi-squared distances."""
    family = gaussian_classes(ways, numpy.eye(16), numpy.eye(16))
    task = family.sample(rng(), tasks=2000, shots=1, queries=2)
    right = [evaluate(learner, {}, task, accuracy) for learner in (PIXELS, family.bayes)]
    integrals = [accuracy_of_many_ways(16, ways, factor) for factor in (1.0, 0.5)]
    for measured, integral, rounded in zip(right, integrals, (plain, shrunk)):
        assert abs(measured.mean() - integral) < 4 * measured.std() / 2000**0.5
        assert_allclose(integral, rounded, atol=1e-3)
    gain = right[1] - right[0]
    assert gain.mean() > 4 * gain.std() / 2000**0.5


def test_no_examples_leave_the_prior():
    family = gaussian_classes(4, EYE, EYE)
    task = family.sample(rng(), tasks=3, shots=0, queries=2)
    assert_allclose(evaluate(family.bayes, {}, task), numpy.log(4.0), rtol=1e-14)


def test_the_best_metric_has_the_least_loss():
    """Any other scale of a linear embedding costs more, on the same tasks."""
    covariances = EYE, numpy.diag([0.3, 3.0])
    task = exact.sample(rng(), 5000, 1, 4, 2, *covariances)
    metric = numpy.diag(exact.metric(1, *covariances))

    def cost(weights):
        scaled = [part._replace(x=part.x * weights**0.5) for part in task]
        return evaluate(PIXELS, {}, type(task)(*scaled))

    whitened = 1.0 / numpy.diag(covariances[1])
    for other in (0.5 * metric, 2.0 * metric, whitened / 2.0, whitened / 4.0, metric[::-1]):
        excess = cost(other) - cost(metric)
        assert excess.mean() > 4 * excess.std() / 5000**0.5


def test_single_precision_stays_single():
    with single_precision():
        family = gaussian_classes(3, EYE, EYE)
        task = family.sample(rng(), tasks=2, shots=1, queries=2)
        assert task.support.x.dtype == evaluate(family.bayes, {}, task).dtype == numpy.float32


def test_the_posterior_of_a_pair_sums_to_its_prior():
    """Averaged over all distances, P(same | D^2) is 1/N."""
    of = lambda s: exact.same_class(s, 5, 4, 2, 1.5, 0.7)
    v, w = 0.7 * 1.5, 0.7 * 1.5 + 3.0
    density = lambda s: chi2.pdf(s / v, 4) / v / 5 + chi2.pdf(s / w, 4) / w * 4 / 5
    assert_allclose(quad(lambda s: of(s) * density(s), 0, 200)[0], 0.2, atol=1e-6)


MALFORMED = {
    "ways": (lambda: gaussian_classes(1, EYE, EYE).sample(rng(), 2, 1, 1), "ways must be at least"),
    "between": (lambda: gaussian_classes(2, -EYE, EYE), "between must not have negative"),
    "within": (lambda: gaussian_classes(2, EYE, 0.0 * EYE), "within must be positive definite"),
    "sizes": (lambda: gaussian_classes(2, EYE, numpy.eye(3)), "between and within must have the"),
    "number": (lambda: exact.learner(1.0, EYE), "between must be an array of floats"),
    "rng": (lambda: gaussian_classes(2, EYE, EYE).sample(0, 2, 1, 1), "rng must be a numpy"),
    "queries": (lambda: gaussian_classes(2, EYE, EYE).sample(rng(), 2, 1, 0), "queries must be at"),
    "shots": (lambda: exact.metric(0, EYE, EYE), "shots must be at least 1"),
    "inputs": (lambda: exact.accuracy(0, 1, 1.0, 1.0), "inputs must be at least 1"),
    "variance": (lambda: exact.log_ratio(2, 1, 0.0, 1.0), "between must be above 0"),
    "factor": (lambda: exact.accuracy(2, 1, 1.0, 1.0, -1.0), "factor must be above 0"),
    "x": (
        lambda: evaluate(exact.learner(numpy.eye(3), numpy.eye(3)), {}, theorems.task_of()),
        "x must have 3 inputs",
    ),
}


@pytest.mark.parametrize("call, sentence", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_call_gets_one_sentence(call, sentence):
    refused(call, sentence)


# ---- Planted bugs ----

plus = lambda constant: lambda f: lambda *a, **k: constant + f(*a, **k)
unsquared = lambda f: lambda h, others: numpy.maximum(f(h, others), 0.0) ** 0.5
timid = lambda f: lambda *a: (lambda l: l._replace(predict=times(0.5)(l.predict)))(f(*a))
never_shrunk = second(lambda b: 1e6 * b)
BUGS = {
    "prototypes_are_a_linear_classifier": (prototypical, "squared_distances", unsquared),
    "one_shot_accuracy_is_an_incomplete_beta_function": (exact, "symmetric_beta", plus(0.02)),
    "five_shot_accuracy_is_an_incomplete_beta_function": (
        exact,
        "symmetric_beta",
        given(1, lambda inputs: inputs - 1),
    ),
    "bayes_accuracy_is_an_incomplete_beta_function": (exact, "shrinkage", instead(lambda *a: 1.0)),
    "accuracy_is_a_majority_of_tosses": (exact, "symmetric_beta", given(1, lambda D: D + 2)),
    "accuracy_is_an_integral": (exact, "symmetric_beta", given(1, lambda D: D + 2)),
    "many_shots_know_the_centres": (exact, "symmetric_beta", plus(0.01)),
    "bayes_is_a_ratio_of_joint_densities": (exact, "coordinates", never_shrunk),
    "shrinking_is_the_posterior_mean": (exact, "shrinkage", instead(lambda *a: 1.0)),
    "nobody_beats_bayes_on_gaussian_classes": (exact, "learner", timid),
    "the_best_metric_is_conditioning": (exact, "coordinates", never_shrunk),
    "training_learns_the_best_scale": (exact, "metric", times(1.2)),
    "training_learns_the_best_linear_embedding": (exact, "coordinates", never_shrunk),
    "whitening_is_the_limit_of_many_shots": (exact, "metric", given(0, lambda n: 1)),
    "whitening_is_the_limit_of_wide_classes": (exact, "metric", given(0, lambda n: n + 1)),
    "one_shot_is_not_whitening": (exact, "coordinates", never_shrunk),
    "the_posterior_of_a_pair_is_bayes_rule": (exact, "same_class", given(1, lambda N: N + 1)),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "class_gaussians"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
