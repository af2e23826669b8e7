"""Probing measures every learner in the same way, and its theorems fail under planted bugs."""

import numpy
import pytest
from helpers import given, is_single, refused, rng, second, single_precision, times, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta import probing
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.core.trees import tree_map
from minimeta.exact import fourier_gp, linear_gaussian, linear_networks, matrix_normal
from minimeta.initializations import fine_tuning
from minimeta.memories import recurrent
from minimeta.nets import mlp
from minimeta.tasks import Data, fourier, linear_maps
from minimeta.tasks.regression import from_weights
from minimeta.theorems import REGISTRY


def examples(tasks=3, count=5, spectrum=(2.0, 0.5)):
    size = len(spectrum)
    truth = linear_maps.draw_spectrum(rng(), tasks, numpy.array(spectrum), size, size)
    return truth, from_weights(rng(1), truth, count, 1, 0.1).support


PROBES = rng(7).normal(size=(30, 2))


# ---- Any learner, at any time ----


def test_an_lstm_is_frozen_in_the_state_that_its_examples_left():
    """The answers are those of `predict` from the state, once for each task, in any order."""
    learner = recurrent.learner(2, 2, hidden=4)
    meta, (_, support) = learner.init(rng()), examples()
    empty, answer = probing.answers(learner, meta, support, [0, 3])
    state = recurrent.start(meta, support.x)
    for t in range(3):
        state = recurrent.observe(meta, state, support.x[:, t], support.y[:, t])
    asked = numpy.broadcast_to(PROBES, (3, 30, 2))
    assert_allclose(answer(PROBES), recurrent.predict(meta, state, asked), atol=1e-14)
    assert_allclose(answer(PROBES)[:, ::-1], answer(PROBES[::-1]), atol=1e-14)
    assert abs(answer(PROBES) - empty(PROBES)).max() > 1e-3
    assert_array_equal(empty(PROBES)[0], empty(PROBES)[1])  # no example: all tasks are alike


def test_a_network_that_descends_is_measured_as_a_learner_and_as_a_sequence_of_states():
    """After each step: the weights of a linear network, by hand, by probing, through a Learner."""
    net, (_, support) = mlp([2, 2]), examples()
    start = net.init(rng())
    loss = lambda params: np.sum(mse(net.apply(params, support.x), support.y))
    params = tree_map(lambda p: np.stack([p] * 3), start)
    path = probing.descent(net.apply, params, sgd(0.1), lambda: support, 3)
    for steps, answer in enumerate(path):
        weights = probing.effective_weights(answer, PROBES)
        assert_allclose(weights, params[0]["W"], atol=1e-13)
        learner = fine_tuning.learner(net, step_size=0.1, steps=steps)
        (same,) = probing.answers(learner, start, support, [5])
        assert_allclose(probing.effective_weights(same, PROBES), weights, atol=1e-13)
        params = tree_map(lambda p, g: p - 0.1 * g, params, grad(loss)(params))
    assert steps == 3


def test_descent_takes_new_examples_every_step_and_keeps_every_answer():
    """One weight w, loss (w x - y)^2: w <- w - 0.5 * 2 x (w x - y), a new (x, y) each time."""
    pairs = iter([(1.0, 2.0), (2.0, 0.0), (0.5, 1.0)])
    batch = lambda: Data(*(numpy.full((1, 1), v) for v in next(pairs)))
    apply = lambda w, x: x * w
    answers = list(probing.descent(apply, numpy.array([0.0]), sgd(0.5), batch, 3))
    curve = probing.curve(lambda a, w: a(numpy.ones((1, 1))) - w, answers, 1.0)
    assert_allclose(curve[:, 0], [-1.0, 1.0, -7.0, -5.0])


def test_a_learner_through_a_view_is_the_learner_of_what_is_seen():
    view, learner = (lambda x: numpy.concatenate([x, x**2], axis=-1)), recurrent.learner(2)
    x, meta = rng().normal(size=(3, 5, 1)), learner.init(rng())
    indirect = probing.through(view, learner)
    state = indirect.adapt(indirect.init(rng()), Data(x, x))
    exact = learner.predict(meta, learner.adapt(meta, Data(view(x), x)), view(x))
    assert_array_equal(indirect.predict(meta, state, x), exact)


def test_a_curve_is_the_mean_over_tasks():
    measure = lambda answer, truth: answer(truth) * numpy.array([[1.0, 2.0], [3.0, 6.0]])
    computed = probing.curve(measure, [lambda x: x, lambda x: 2 * x], 5.0)
    assert_allclose(computed, [[10.0, 20.0], [20.0, 40.0]])


def test_effective_weights_are_the_regression_of_the_answers():
    answer = lambda x: numpy.stack([numpy.sin(x[:, :1]) + 1.0, x[:, 1:] ** 3])  # two "tasks"
    design = numpy.column_stack([PROBES, numpy.ones(30)])
    exact = [numpy.linalg.lstsq(design, a, rcond=None)[0][:2] for a in answer(PROBES)]
    assert_allclose(probing.effective_weights(answer, PROBES), exact, atol=1e-13)


def test_the_spectrum_reads_the_diagonal_in_the_order_of_strength():
    truth, _ = examples(tasks=2, spectrum=(3.0, 1.0, 0.2))
    left, strength, right = numpy.linalg.svd(truth)
    shares = numpy.array([[0.1, 0.5, 0.9], [1.0, -0.2, 0.3]])
    mixed = rng().normal(size=(3, 3)) * (1 - numpy.eye(3))  # off the diagonal: ignored
    inner = numpy.stack([numpy.diag(row) for row in shares * strength]) + mixed
    computed = probing.effective_spectrum(left @ inner @ right, truth)
    assert_allclose(computed, shares, atol=1e-13)


def test_a_wide_map_has_as_many_modes_as_outputs():
    truth = linear_maps.draw_spectrum(rng(), 2, numpy.array([2.0, 1.0]), 5, 2)
    assert_allclose(probing.effective_spectrum(0.3 * truth, truth), 0.3, rtol=1e-12)


def test_a_late_wave_has_made_the_progress_of_its_cosine():
    """f shifted by d: Re <f_hat_k, f_k> / |f_k|^2 = cos(k d), with every other wave ignored."""
    truth, shift = fourier.draw_phases(rng(), 4, numpy.ones(3)), 0.4
    answer = lambda x: fourier.features(x - shift, 3) @ truth + 5.0 + numpy.cos(9 * x)
    computed = probing.fourier_progress(probing.fourier_weights(answer, 3), truth)
    assert_allclose(computed, numpy.tile(numpy.cos(shift * numpy.arange(1, 4)), (4, 1)), atol=1e-13)


def test_half_times_are_interpolated_and_infinite_where_half_is_never_reached():
    times = numpy.array([0.0, 1.0, 3.0, 4.0])
    curves = numpy.array([[0.0, 0.6, 0.1], [0.25, 0.9, 0.2], [0.75, 0.4, 0.3], [0.4, 1.0, 0.49]])
    assert_allclose(probing.half_time(times, curves), [2.0, 0.0, numpy.inf])


def test_float32_stays():
    with single_precision():
        _, support = examples()
        learner = recurrent.learner(2, 2, hidden=4)
        (answer,) = probing.answers(learner, learner.init(rng()), support, [3])
        weights = probing.effective_weights(answer, PROBES.astype("f"))
        wave = lambda x: answer(np.concatenate([x, x], axis=-1))
        assert is_single(weights, probing.fourier_weights(wave, 2))


IDENTITY = lambda x: x
SUPPORT = Data(numpy.ones((2, 3, 1)), numpy.ones((2, 3, 1)))
BAYES = linear_gaussian.learner(0.0, numpy.eye(1), 1.0)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: probing.answers(BAYES, {}, SUPPORT, [4]), "shots is 4, but a task has 3"),
        (lambda: probing.answers(BAYES, {}, SUPPORT.x, [1]), "support must be Data"),
        (lambda: probing.effective_weights(IDENTITY, numpy.eye(3)), "probes must be more than 3"),
        (lambda: probing.effective_weights(IDENTITY, numpy.ones((9, 2))), "different directions"),
        (lambda: probing.effective_weights(IDENTITY, numpy.ones(9)), "probes must have shape"),
        (lambda: probing.effective_weights(IDENTITY, [[1.0]]), "probes must be an array"),
        (lambda: probing.effective_spectrum(numpy.eye(2), numpy.diag([1.0, 0.0])), "full rank"),
        (lambda: probing.effective_spectrum(numpy.eye(2), numpy.eye(3)), "weights and truth must"),
        (lambda: probing.effective_spectrum(numpy.eye(2), [1.0]), "truth must be an array"),
        (lambda: probing.fourier_weights(numpy.cos, 0), "frequencies must be at least 1"),
        (lambda: probing.fourier_weights(numpy.cos, 4, points=8), "points must be at least 9"),
        (lambda: probing.fourier_progress(SUPPORT.x[:, :2], 0 * SUPPORT.x[:, :2]), "every wave"),
        (lambda: probing.fourier_progress(SUPPORT.x, SUPPORT.x), "truth must have .* 2K"),
        (lambda: probing.fourier_progress(SUPPORT.x[:, :2], numpy.eye(4)), "weights and truth"),
        (lambda: list(probing.descent(None, [], sgd(1.0), None, -1)), "steps must be at least 0"),
        (lambda: probing.half_time(numpy.arange(2.0), numpy.ones((3, 1))), "times and progress"),
        (lambda: probing.half_time([0.0], numpy.ones((1, 1))), "times must be an array"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(call, sentence):
    refused(call, sentence)


# ---- Planted bugs: each turns one theorem red ----


double = lambda value: 2.0 * value
half = lambda value: 0.5 * value
without_offset = lambda f: lambda answer, probes: numpy.linalg.pinv(probes) @ answer(probes)
uncorrelated = given(4, lambda K: numpy.diag(numpy.diag(K)))
per_z = lambda f: lambda n, m, u, w: (f(n, m, u, w)[0], f(n, m, u, w)[1] / u[:, None] ** 3)
no_gaps = lambda f: lambda amplitudes: f(amplitudes) + 1e-3 * numpy.eye(2 * len(amplitudes))
root = lambda f: lambda amplitudes: numpy.sqrt(f(amplitudes))  # in place of their squares
by_size = lambda f: lambda weights, truth: abs(f(weights, truth))  # |.| for the real part

BUGS = {
    "equal_rates": (matrix_normal, "posterior", given(3, lambda R: R + numpy.diag([1.0, 0, 0]))),
    "progress_of_sampled_maps": (matrix_normal, "expected_progress", given(1, lambda t: t + 1)),
    "progress_with_one_input": (matrix_normal, "_weighted_polynomials", given(1, lambda m: m + 1)),
    "progress_with_two_inputs": (matrix_normal, "_weighted_polynomials", per_z),
    "progress_without_noise": (matrix_normal, "expected_progress", given(2, lambda s: s + 1e-3)),
    "matrix_normal_is_conditioning": (matrix_normal, "posterior", second(double)),
    "sequential_matrix_normal_is_batch": (matrix_normal, "posterior", uncorrelated),
    "weight_space_is_function_space": (fourier_gp, "kernel", times(0.5)),
    "sequential_waves_are_batch": (linear_gaussian, "posterior", second(double)),
    "stop_band_is_suppressed": (fourier_gp, "prior_covariance", no_gaps),
    "one_example_of_waves": (fourier_gp, "features", times(0.5**0.5)),
    "even_grid_is_a_wiener_filter": (fourier_gp, "prior_covariance", root),
    "progress_of_sampled_waves": (fourier_gp, "progress", times(1.1)),
    "progress_by_fft": (probing, "fourier_progress", by_size),
    "probing_recovers_weights": (probing, "effective_weights", without_offset),
    "descent_follows_the_modes": (linear_networks, "deep_modes", given(2, half)),
    "nobody_beats_bayes_on_waves": (fourier_gp, "prior_covariance", times(4.0)),
}
THEOREMS = {t.name: t for t in REGISTRY if t.topic == "learning_dynamics"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name].prove, *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
