"""The number of tasks: exact learners of M tasks, random projections, planted bugs."""

import numpy
import pytest
from helpers import given, is_single, refused, rng, single_precision, times, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.exact import finite_tasks as exact
from minimeta.exact import linear_gaussian
from minimeta.exact.families import finite_maps
from minimeta.meta import evaluate
from minimeta.tasks import projections as tasks
from minimeta.tasks.datasets import digits
from minimeta.theorems import REGISTRY

EYE = numpy.eye(3)
WEIGHTS = rng(1).normal(size=(5, 3, 1))
IMAGES = rng(2).normal(size=(40, 4, 2)), numpy.arange(40) % 4 * 10 - 7  # labels -7, 3, 13, 23


def test_the_published_numbers():
    """D = 10, N = 20, no noise, as shares of the loss of the answer zero: one task, and ten."""
    seen, new = [], []
    for seed in range(400):
        pool = rng(seed).normal(size=(10, 10, 1))
        S = exact.second_moment(pool)
        G = exact.best_attention(S, 20, 1e-12)
        seen.append(exact.attention_risk(G, S, 20, 1e-12) / numpy.trace(S))
        new.append(exact.attention_risk(G, numpy.eye(10), 20, 1e-12) / 10)
    assert_allclose([numpy.mean(seen), numpy.mean(new)], [0.276, 0.520], atol=5e-3)
    S = exact.second_moment(pool[:1])
    G = exact.best_attention(S, 20, 1e-12)
    assert_allclose(exact.attention_risk(G, S, 20, 1e-12) / numpy.trace(S), 1 / 11, rtol=1e-9)


def test_the_risk_is_what_a_sample_shows():
    family = finite_maps(WEIGHTS, 0.3)
    task = family.sample(rng(), tasks=40_000, shots=4, queries=1)
    G = exact.best_attention(exact.second_moment(WEIGHTS), 4, 0.3)
    losses = evaluate(exact.attention_learner(G), {}, task)
    risk = exact.attention_risk(G, exact.second_moment(WEIGHTS), 4, 0.3)
    assert abs(losses.mean() - risk) < 4 * losses.std() / 200


def test_a_pool_of_one_output_is_one_of_many_equal_ones():
    twice = numpy.concatenate([WEIGHTS, WEIGHTS], axis=-1)
    assert_allclose(exact.second_moment(twice), exact.second_moment(WEIGHTS), rtol=1e-14)


def test_without_examples_linear_attention_answers_zero():
    task = finite_maps(WEIGHTS, 0.3).sample(rng(), 2, 0, 3)
    learner = exact.attention_learner(EYE)
    assert_array_equal(learner.predict({}, learner.adapt({}, task.support), task.query.x), 0.0)


def test_far_examples_leave_weights_that_sum_to_one():
    """Likelihoods that underflow leave the nearest task, not 0 / 0."""
    learner = exact.learner(WEIGHTS, 1e-9)
    task = finite_maps(WEIGHTS + 100.0, 1e-9).sample(rng(), 3, 5, 2)
    assert numpy.isfinite(evaluate(learner, {}, task)).all()


def test_single_precision_stays_single():
    with single_precision():
        task = tasks.projections(rng(), *IMAGES, 3, 4, 5, 2, inputs=3)
        assert is_single(task)
        family = finite_maps(WEIGHTS, 0.5)
        linear = family.sample(rng(), 3, 5, 2)
        for learner in (family.bayes, exact.attention_learner(EYE)):
            assert evaluate(learner, {}, linear).dtype == numpy.float32


def test_the_tasks_of_a_pool_are_drawn_alike():
    maps = tasks.draw_maps(rng(), *IMAGES, 3, 2, inputs=1)
    chosen = tasks.choose(rng(), maps, 3000).matrices[:, 0, 0]
    counts = [numpy.sum(chosen == value) for value in maps.matrices[:, 0, 0]]
    assert sum(counts) == 3000 and min(counts) > 900


def test_endless_tasks_are_a_pool_that_is_used_once():
    maps = tasks.draw_maps(stream := rng(), *IMAGES, 5, 3)
    by_hand = tasks.from_maps(stream, *IMAGES, maps, 4, 2)
    for ours, other in zip(by_hand, tasks.projections(rng(), *IMAGES, 5, 3, 4, 2)):
        assert_array_equal(ours.x, other.x)
        assert_array_equal(ours.y, other.y)


def test_standardised_digits():
    x = tasks.standardise(digits()[0])
    assert_allclose(x.mean(axis=0), 0.0, atol=1e-14)
    assert_allclose(numpy.mean(x**2), 1.0, rtol=1e-14)


def test_clusters_lie_around_their_centres():
    x, y = tasks.clusters(rng(), 3, 4000, inputs=2, deviation=0.5)
    assert numpy.bincount(y).tolist() == [4000] * 3
    for k in range(3):
        assert_allclose(x[y == k].std(axis=0), 0.5, atol=0.03)


MAPS = tasks.draw_maps(rng(), *IMAGES, 2, 3)
MALFORMED = {
    "ways": (lambda: tasks.draw_maps(rng(), *IMAGES, 2, 5), "ways is 5, but y has only 4"),
    "examples": (
        lambda: tasks.projections(rng(), *IMAGES, 2, 3, 10, 1),
        "queries is 11, but a class has only 10",
    ),
    "pixels": (
        lambda: tasks.from_maps(rng(), IMAGES[0][:, :2], IMAGES[1], MAPS, 2, 1),
        "x must have 8 numbers an example",
    ),
    "classes": (
        lambda: tasks.from_maps(rng(), *IMAGES, MAPS._replace(classes=MAPS.classes + 100), 2, 1),
        "maps must have classes that are labels in y",
    ),
    "maps": (lambda: tasks.choose(rng(), tuple(MAPS), 2), "maps must be Maps"),
    "tasks": (
        lambda: tasks.choose(rng(), MAPS._replace(classes=MAPS.classes[:1]), 2),
        "maps must have a matrix and classes for each",
    ),
    "equal": (lambda: tasks.standardise(numpy.ones((3, 2))), "x must have examples that differ"),
    "no task": (lambda: exact.learner(WEIGHTS[:0], 1.0), "weights must hold at least one task"),
    "noise": (lambda: exact.learner(WEIGHTS, 0.0), "noise_variance must be above 0"),
    "square": (lambda: exact.attention_learner(EYE[:2]), "G must be square"),
    "sizes": (lambda: exact.attention_risk(EYE, numpy.eye(2), 4, 1.0), "G and moment must have"),
    "N": (lambda: exact.best_attention(EYE, 0, 1.0), "examples must be at least 1"),
    "outputs": (
        lambda: evaluate(
            exact.learner(numpy.ones((2, 3, 2)), 1.0),
            {},
            finite_maps(WEIGHTS, 0.3).sample(rng(), 2, 1, 1),
        ),
        "y must have 2 outputs",
    ),
    "x": (
        lambda: evaluate(
            exact.learner(numpy.ones((2, 4, 1)), 1.0),
            {},
            finite_maps(WEIGHTS, 0.3).sample(rng(), 2, 1, 1),
        ),
        "x must have 4 inputs",
    ),
}


@pytest.mark.parametrize("call, sentence", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_call_gets_one_sentence(call, sentence):
    refused(call, sentence)


# ---- Planted bugs ----

timid = lambda f: lambda *a: (lambda l: l._replace(predict=times(0.5)(l.predict)))(f(*a))
hot = given(0, lambda state: state / 2.0)  # twice the noise
stretched = lambda f: (
    lambda *a, **k: (lambda maps: maps._replace(matrices=1.05 * maps.matrices))(f(*a, **k))
)
repeated = lambda f: lambda rng, count, sizes: numpy.zeros_like(f(rng, count, sizes))
in_order = lambda f: lambda rng, count, sizes: numpy.sort(f(rng, count, sizes))
uncentred = lambda f: lambda G, S, N, noise: f(G, S, N, noise) + 0.01 * G[0, 1]
too_long = lambda f: lambda S, N, noise: 1.5 * f(S, N, noise)
greedy = lambda f: lambda S, N, noise: f(S, N + 1, noise)
first_axis = lambda f: lambda S, N, noise: f(S, N, noise) * numpy.arange(1.0, len(S) + 1.0)
first_output = lambda f: lambda x, weights: f(x, weights) * (1.0 + numpy.arange(weights.shape[2]))
BUGS = {
    "a_single_task_is_known_before_any_example": (exact, "answer_all", times(1.1)),
    "dmmse_is_bayes_rule_task_by_task": (exact, "softmax", hot),
    "many_tasks_make_ridge_regression": (exact, "softmax", hot),
    "without_noise_dmmse_finds_the_task": (exact, "answer_all", times(1.1)),
    "with_much_noise_dmmse_answers_as_the_mean_task": (exact, "softmax", times(1.1)),
    "nobody_beats_dmmse_on_its_tasks": (exact, "learner", timid),
    "nobody_beats_ridge_on_new_tasks": (linear_gaussian, "learner", timid),
    "the_best_attention_is_least_squares_on_kron_features": (exact, "gradient_moment", greedy),
    "the_risk_of_attention_is_the_mean_over_all_data": (exact, "attention_risk", uncentred),
    "linear_attention_makes_one_gradient_step": (exact, "attention_learner", timid),
    "attention_with_one_task_is_a_projection": (exact, "best_attention", too_long),
    "attention_with_all_tasks_is_one_step_size": (exact, "gradient_moment", greedy),
    "the_best_step_lies_between_the_two_curves": (exact, "best_attention", too_long),
    "turned_tasks_are_answered_alike": (exact, "best_attention", first_axis),
    "permuted_outputs_are_permuted_answers": (exact, "answer_all", first_output),
    "projections_keep_inner_products_in_the_mean": (tasks, "draw_maps", stretched),
    "without_examples_every_label_is_as_likely": (tasks, "draw_different", in_order),
    "no_image_is_twice_in_a_sequence": (tasks, "draw_different", repeated),
    "labels_bound_the_accuracy": (exact, "label_bound", lambda f: lambda C, N: f(C, N + 1)),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "task_diversity"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
