"""The theorems on linear learners can fail: each turns red under a bug in what it guards."""

import numpy
import pytest
from helpers import turns_red

from minimeta.exact import linear_gaussian as bayes
from minimeta.exact import linear_networks as networks
from minimeta.exact import quadratics, sines
from minimeta.tasks import fourier
from minimeta.theorems import REGISTRY, transfer

TOPICS = ("linear_dynamics", "transfer", "bayes")


def times(factor):
    """A result that is `factor` times too large."""
    return lambda f: lambda *a, **k: factor * f(*a, **k)


def plus(constant):
    return lambda f: lambda *a, **k: f(*a, **k) + constant


def given(position, change):
    """An argument that is changed on its way in."""

    def bug(f):
        def wrong(*a, **k):
            return f(*a[:position], change(a[position]), *a[position + 1 :], **k)

        return wrong

    return bug


def second(change):
    """The second of two results changed."""
    return lambda f: lambda *a, **k: (lambda r: (r[0], change(r[1])))(f(*a, **k))


def option(name, change, default):
    """A keyword argument changed on its way in."""
    return lambda f: lambda *a, **k: f(*a, **{**k, name: change(k.get(name, default))})


def unchanged_prior(f):
    """The cost of a wrong prior without its bias: the believed mean is taken to be true."""
    return lambda x, believed, true, *q: f(x, (true[0], *believed[1:]), true, *q)


def noiseless_gain(f):
    """The cost of a wrong prior with the true noise in place of the believed one."""
    return lambda x, believed, true, *q: f(x, (*believed[:2], true[2]), true, *q)


double = lambda value: 2.0 * value
half = lambda value: 0.5 * value
root = lambda value: value**0.5
unshrunk = given(3, lambda covariance: 1e6 * covariance)

BUGS = {
    "one_layer_on_any_inputs": (networks, "shallow_weights", given(3, double)),
    "one_layer_modes": (networks, "shallow_modes", given(1, double)),
    "two_layer_modes": (networks, "deep_modes", given(2, half)),
    "four_layer_modes": (networks, "deep_modes", option("layers", lambda n: n - 1, 2)),
    "velocity_of_modes": (networks, "mode_velocity", lambda f: lambda u, s, n: f(u, s, n) / n),
    "flow_solves_its_equation": (networks, "two_layer_flow", given(2, half)),
    "flow_is_the_limit_of_small_steps": (networks, "deep_modes", times(1.001)),
    "half_time_as_an_integral": (networks, "half_time", times(2.0)),
    "strong_modes_first": (networks, "deep_modes", option("layers", lambda n: n + 1, 2)),
    "all_modes_at_once": (networks, "shallow_modes", given(1, half)),
    "low_frequencies_first": (networks, "shallow_modes", option("curvature", root, 1.0)),
    "joint_predictor_of_sines": (sines, "joint_predictor", times(-1.0)),
    "joint_risk_of_sines": (sines, "zero_risk", times(0.5)),
    "pooled_sines": (transfer, "sines", lambda f: lambda *a, **k: _plus_sign(f(*a, **k))),
    "pooled_whole_turns": (sines, "joint_predictor", plus(0.1)),
    "nothing_to_learn_jointly": (sines, "_sinc", lambda f: lambda h: max(f(h), 0.5)),
    "price_of_another_predictor": (sines, "joint_predictor", times(0.5)),
    "two_examples_are_enough": (sines, "fit", lambda f: lambda *a: f(*a)[..., ::-1, :]),
    "knowing_the_family": (sines, "_predict", plus(1e-6)),
    "joint_optimum_is_pooled_least_squares": (
        quadratics,
        "joint_optimum",
        lambda f: lambda A, c: c.mean(axis=0),
    ),
    "averaging_minimisers_is_worse": (quadratics, "loss", times(2.0)),
    "averaging_is_right_for_equal_curvature": (quadratics, "joint_optimum", times(5 / 6)),
    "fine_tuning_in_closed_form": (quadratics, "contraction", given(2, lambda k: k - 1)),
    "loss_after_fine_tuning": (quadratics, "contraction", lambda f: lambda A, a, k: f(A, a, 1)),
    "stability_limit_flips": (quadratics, "stability_limit", times(0.5)),
    "posterior_mean_is_conditioning": (bayes, "posterior", unshrunk),
    "precisions_add": (bayes, "posterior", given(4, root)),
    "posterior_mean_is_ridge": (bayes, "posterior", given(4, lambda noise: noise / 5)),
    "sequential_is_batch": (bayes, "sequential", lambda f: lambda x, y, *p: f(x[1:], y[1:], *p)),
    "posteriors_are_priors": (bayes, "posterior", second(double)),
    "evidence_is_a_chain_of_predictions": (bayes, "predictive", second(lambda v: v - 0.3)),
    "evidence_is_a_joint_density": (bayes, "evidence", times(0.5)),
    "stop_band_is_exact": (fourier, "prior_covariance", plus(1e-9 * numpy.eye(6))),
    "risk_is_the_error_of_the_learner": (bayes, "risk", times(0.5)),
    "wrong_prior_risk_is_the_error_of_the_learner": (bayes, "wrong_prior_risk", unchanged_prior),
    "right_prior_has_the_bayes_risk": (bayes, "risk", given(2, root)),
    "the_truth_is_a_stationary_belief": (bayes, "orthonormal_basis", times(1.01)),
    "best_ridge_is_bayes": (bayes, "wrong_prior_risk", noiseless_gain),
    "exact_examples_remove_directions": (bayes, "risk", plus(0.1)),
    "wide_prior_is_least_squares": (bayes, "risk", given(2, root)),
    "predictive_is_calibrated": (bayes, "predictive", second(lambda v: v - 0.3)),
    "nobody_beats_bayes": (bayes, "posterior", unshrunk),
}


def _plus_sign(task):
    """A sin(x + phi) in place of A sin(x - phi): the same waves, seen from the other side."""
    turned = [data._replace(x=-data.x, y=-data.y) for data in task]
    return task._replace(support=turned[0], query=turned[1])


THEOREMS = {t.name: t for t in REGISTRY if t.topic in TOPICS}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name].prove, *BUGS[name])


def test_every_theorem_of_these_topics_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
