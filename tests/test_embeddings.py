"""Learned metrics: training, baselines, malformed episodes, and planted bugs for their theorems."""

import importlib

import numpy
import pytest
from helpers import given, instead, is_single, refused, rng, second, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.core.losses import accuracy, cross_entropy
from minimeta.core.optim import adam
from minimeta.core.trees import tree_map
from minimeta.embeddings import full_context, matching, prototypical, relation, siamese
from minimeta.exact import class_gaussians
from minimeta.exact.families import gaussian_classes
from minimeta.meta import evaluate, learning_curve, meta_loss
from minimeta.nets import conv, mlp
from minimeta.nets.lstm_cell import plain_cell
from minimeta.tasks import Data, episodes
from minimeta.tasks.datasets import digits
from minimeta.theorems import REGISTRY
from minimeta.theorems import embeddings as theorems
from minimeta.training import meta_train

MODULE = importlib.import_module("minimeta.tasks.episodes")  # the function has its name
NET = mlp([4, 16, 6])
COMPARE = mlp([12, 12, 1])
LEARNERS = {
    "prototypical": prototypical.learner(NET),
    "prototypical, on a sphere": prototypical.learner(prototypical.on_sphere(NET)),
    "matching": matching.learner(NET),
    "matching, temperature 1": matching.learner(NET, temperature=1.0),
    "full context": full_context.learner(NET, 6, reads=2),
    "siamese": siamese.learner(NET, 6),
    "siamese, absolute": siamese.learner(NET, 6, siamese.absolute_difference),
    "relation": relation.learner(NET, COMPARE),
    "relation, squared error": relation.learner(NET, COMPARE, relation.squared_error),
}
# Two of four inputs tell classes apart; the others are noise that a metric must learn to ignore.
FAMILY = gaussian_classes(5, numpy.diag([4.0, 4.0, 0.01, 0.01]), numpy.diag([0.1, 0.1, 4.0, 4.0]))
BASELINES = [prototypical.learner(prototypical.pixels), matching.nearest_neighbour()]


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_training_finds_what_tells_classes_apart(learner):
    """After 300 steps in single precision every learner is above both baselines on new tasks."""
    with single_precision():
        sample = lambda rng: FAMILY.sample(rng, tasks=16, shots=1, queries=4)
        meta, _ = meta_train(learner, sample, rng(1), 300, optimizer=adam(0.01), label=None)
        task = FAMILY.sample(rng(2), tasks=500, shots=1, queries=4)
        right = evaluate(learner, meta, task, accuracy)
        assert is_single(meta) and right.dtype == numpy.float32
        for baseline in BASELINES:
            gain = right - evaluate(baseline, {}, task, accuracy)
            assert gain.mean() > 8 * gain.std() / 500**0.5


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_more_shots_help_a_learner_and_none_are_refused(learner):
    task = FAMILY.sample(rng(), tasks=400, shots=8, queries=4)
    meta = learner.init(rng(1))
    curve = learning_curve(learner, meta, task, [5, 40], accuracy)
    assert curve[1].mean() > curve[0].mean()
    refused(lambda: learning_curve(learner, meta, task, [0]), "needs an example of every class")


def test_images_of_any_net_can_be_embedded():
    """Digits as images through a convolution, and as they are through no net at all."""
    task = episodes(rng(), *digits(), tasks=50, ways=5, shots=3, queries=3)
    flat = task._replace(
        support=task.support._replace(x=task.support.x.reshape(50, 15, 64)),
        query=task.query._replace(x=task.query.x.reshape(50, 15, 64)),
    )
    for baseline in BASELINES:
        as_images = evaluate(baseline, {}, task, accuracy)
        assert_allclose(as_images, evaluate(baseline, {}, flat, accuracy), rtol=0)
        assert as_images.mean() > 0.8
    learner = prototypical.learner(conv((8, 8, 1), (4,), 8))
    assert evaluate(learner, learner.init(rng()), task, accuracy).mean() > 0.5


def test_the_published_cosine_bounds():
    assert_allclose(matching.cosine_bound(5), 0.7636, atol=5e-5)
    assert_allclose(matching.cosine_bound(20), 2.0323, atol=5e-5)
    assert matching.cosine_bound(20, temperature=1 / 36) < 1e-14


def test_eight_dimensions_are_too_few_for_twenty_classes():
    """The least loss is near 2.060, which 1,000 steps would reach; the bound is 2.0323."""
    assert_allclose(theorems.least_loss(20, 8, seed=0), 2.060, atol=4e-3)


def test_training_of_matching_never_goes_below_its_bound():
    """Every value of the meta-loss is above it, for tasks that a learned temperature solves."""
    family = gaussian_classes(5, 100.0 * numpy.eye(4), 0.01 * numpy.eye(4))
    sample = lambda rng: family.sample(rng, tasks=16, shots=1, queries=1)
    options = dict(optimizer=adam(0.01), label=None)
    _, fixed = meta_train(LEARNERS["matching, temperature 1"], sample, rng(), 300, **options)
    _, learned = meta_train(LEARNERS["matching"], sample, rng(), 300, **options)
    assert fixed.min() > matching.cosine_bound(5)
    assert learned[-50:].mean() < 0.5 * matching.cosine_bound(5)


def test_scores_of_any_size_give_finite_losses():
    """Squared distances of 1e6 and no class near: no exponential overflows or is lost."""
    task = theorems.gaussian_task()
    far = task._replace(query=task.query._replace(x=task.query.x + 1e3))
    for learner in (*theorems.LEARNERS, matching.kernel_learner(NET_OF_3, theorems.minus_squares)):
        meta = learner.init(rng())
        assert numpy.isfinite(meta_loss(learner, meta, far))
        assert numpy.isfinite(evaluate(learner, meta, far, cross_entropy)).all()


NET_OF_3 = mlp([3, 4])


def test_an_image_of_zeros_has_no_direction():
    """Its cosine with everything is 0, and so are its gradients but for the learned radius."""
    x, y = numpy.zeros((1, 2, 4)), numpy.eye(2)[None]
    learner = matching.learner(prototypical.pixels)
    meta = learner.init(rng())
    assert_allclose(learner.predict(meta, learner.adapt(meta, Data(x, y)), x), 0.0, rtol=0)


# ---- Full context ----


def full_context_logits(task, change=lambda meta: meta):
    """The logits of the full-context learner, once its fresh parameters are changed."""
    learner = LEARNERS["full context"]
    meta = change(learner.init(rng(1)))
    return learner.predict(meta, learner.adapt(meta, task.support), task.query.x)


def test_without_its_lstms_full_context_is_matching():
    """All LSTM parameters zero: c = 0 and h = o tanh(c) = 0, so nothing is added anywhere."""
    zeros = lambda part: tree_map(numpy.zeros_like, part)
    silent = lambda meta: {**meta, **{k: zeros(meta[k]) for k in ("forth", "back", "read")}}
    learner, meta = LEARNERS["matching"], LEARNERS["full context"].init(rng(1))
    plain = {"net": meta["net"], "log_radius": meta["sphere"]["log_radius"]}
    matched = learner.predict(plain, learner.adapt(plain, TASK.support), TASK.query.x)
    assert_allclose(full_context_logits(TASK, silent), matched, rtol=1e-13)
    assert abs(full_context_logits(TASK) - matched).max() > 0.1


def test_full_context_reads_the_support_in_its_order():
    """Other learners answer the same when examples change places (theorem); this one does not."""
    shuffled = rng(3).permutation(X.shape[1])
    other = TASK._replace(support=Data(X[:, shuffled], Y[:, shuffled]))
    assert abs(full_context_logits(TASK) - full_context_logits(other)).max() > 1e-3


def test_queries_in_full_context_do_not_see_each_other():
    first = TASK._replace(query=Data(TASK.query.x[:, :1], TASK.query.y[:, :1]))
    assert_allclose(full_context_logits(TASK)[:, :1], full_context_logits(first), rtol=1e-12)


def test_full_context_is_the_equations_one_example_at_a_time():
    """Keys and reading by loops over plain cells, for one task: appendix A of the paper."""
    learner = LEARNERS["full context"]
    meta = learner.init(rng(1))
    f = lambda x: NET.apply(meta["net"], x[None])[0]
    size, zero = X.shape[1], numpy.zeros(6)
    forth, back, state, other = [], [], (zero, zero), (zero, zero)
    for i in range(size):
        state = plain_cell(meta["forth"], state, f(X[0, i]))
        other = plain_cell(meta["back"], other, f(X[0, size - 1 - i]))
        forth, back = [*forth, state[0]], [other[0], *back]
    keys = numpy.array([f(X[0, i]) + forth[i] + back[i] for i in range(size)])
    query = f(TASK.query.x[0, 0])
    h, c = query, zero
    for _ in range(2):
        weights = numpy.exp(keys @ h) / numpy.exp(keys @ h).sum()
        step, c = plain_cell(meta["read"], (h, c), numpy.concatenate([query, weights @ keys]))
        h = query + step
    cosines = keys @ h / numpy.linalg.norm(keys, axis=1) / numpy.linalg.norm(h)
    scores = numpy.exp(numpy.exp(2 * meta["sphere"]["log_radius"]) * cosines)
    assert_allclose(full_context_logits(TASK)[0, 0], numpy.log(scores @ Y[0]), rtol=1e-11)


# ---- Malformed episodes ----

TASK = FAMILY.sample(rng(), tasks=3, shots=2, queries=2)
X, Y = TASK.support
NOT_ONE_HOT = "support.y must be one-hot"
MALFORMED = {
    "integer labels": (Data(X, Y.argmax(axis=-1)), NOT_ONE_HOT + r" rows \(M, S, C\).*int64"),
    "integer rows": (Data(X, Y.astype(int)), NOT_ONE_HOT),
    "soft labels": (Data(X, 0.9 * Y), NOT_ONE_HOT),
    "two classes at once": (Data(X, numpy.maximum(Y, Y[:, ::-1])), NOT_ONE_HOT),
    "no label": (Data(X, Y[:, :7]), "must agree on tasks and examples"),
    "not a number": (Data(X, Y * numpy.nan), NOT_ONE_HOT),
    "one way": (Data(X, numpy.ones((3, 10, 1))), "must have two classes or more"),
    "no support": (Data(X[:, :0], Y[:, :0]), "task 0 has none of class 0"),
    "a class without example": (Data(X[:, :4], Y[:, :4]), "task 0 has none of class 4"),
    "inputs of another size": (Data(X[..., :3], Y), "x must have 4 inputs on its last axis"),
}


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
@pytest.mark.parametrize("support, sentence", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_support_gets_one_sentence(learner, support, sentence):
    meta = learner.init(rng())
    refused(lambda: meta_loss(learner, meta, TASK._replace(support=support)), sentence)


def test_queries_of_another_size_get_one_sentence():
    for baseline in BASELINES:
        smaller = TASK._replace(query=Data(TASK.query.x[..., :3], TASK.query.y))
        refused(lambda: meta_loss(baseline, {}, smaller), "A query has 3 numbers after embedding")  # noqa: B023


OPTIONS = {
    "reads": (lambda: full_context.learner(NET, 6, -1), "reads must be at least 0"),
    "width of the context": (
        lambda: evaluate_one(full_context.learner(NET, 5)),
        "width must be that of the embedding, 6; it is 5",
    ),
    "temperature": (lambda: matching.learner(NET, 0.0), "temperature must be above 0"),
    "radius": (lambda: prototypical.on_sphere(NET, -1.0), "radius must be above 0"),
    "width": (lambda: siamese.learner(NET, 0), "width must be at least 1"),
    "ways": (lambda: matching.cosine_bound(1), "ways must be at least 2"),
    "head": (
        lambda: evaluate_one(siamese.learner(NET, 5)),
        "width must be that of the embedding, 6; it is 5",
    ),
    "comparison": (lambda: evaluate_one(relation.learner(NET, NET)), "x must have 4 inputs"),
    "scores": (
        lambda: evaluate_one(relation.learner(NET, mlp([12, 2]))),
        "compare must answer each pair with one number",
    ),
    "labels": (
        lambda: relation.squared_error(numpy.zeros((2, 3, 4)), numpy.zeros((2, 3), int)),
        "labels must be an array of floats",
    ),
}


def evaluate_one(learner):
    return evaluate(learner, learner.init(rng()), TASK)


@pytest.mark.parametrize("call, sentence", OPTIONS.values(), ids=OPTIONS)
def test_a_malformed_option_gets_one_sentence(call, sentence):
    refused(call, sentence)


# ---- Planted bugs ----

reversed_rows = lambda f: lambda h, y: f(h * numpy.arange(1.0, 1.0 + h.shape[1])[:, None], y)
by_column = lambda f: lambda h, y: f(h, y) * numpy.arange(1.0, 1.0 + y.shape[-1])[:, None]
summed = lambda f: lambda h, y: numpy.swapaxes(y, -1, -2) @ h
centred = lambda f: lambda h, y: f(h, y) - f(h, y).mean(axis=1, keepdims=True)
transductive = lambda f: lambda h, others: f(h - h.mean(axis=1, keepdims=True), others)
with_replacement = instead(
    lambda rng, count, sizes: rng.integers(sizes[..., None], size=(*sizes.shape, count))
)
doubled = second(lambda factor: 2.0 * factor)
BUGS = {
    "one_shot_matching_is_prototypes": (prototypical, "class_means", scaled(1.01)),
    "matching_by_cosine_is_prototypes_on_a_sphere": (
        prototypical,
        "directions",
        instead(lambda h: h),
    ),
    "matching_is_kernel_regression": (
        matching,
        "by_class",
        given(2, lambda pool: matching.largest),
    ),
    "cold_matching_is_the_nearest_neighbour": (matching, "inner_products", scaled(-1.0)),
    "a_simplex_reaches_the_cosine_bound": (matching, "cosine_bound", scaled(1.01)),
    "training_ends_at_the_cosine_bound": (matching, "inner_products", scaled(1.1)),
    "the_cosine_bound_needs_dimensions": (matching, "inner_products", scaled(1.1)),
    "siamese_squares_are_prototypes": (siamese, "inner_products", scaled(2.0)),
    "the_log_ratio_is_affine_in_the_squared_distance": (class_gaussians, "log_ratio", doubled),
    "a_pair_is_its_difference_and_its_sum": (class_gaussians, "log_ratio", doubled),
    "the_siamese_head_learns_the_log_ratio": (siamese, "surprise", given(1, lambda y: 0.9 * y)),
    "cross_entropy_learns_the_posterior_of_a_pair": (
        class_gaussians,
        "same_class",
        given(1, lambda ways: ways + 1),
    ),
    "squared_error_learns_the_posterior_of_a_pair": (
        relation,
        "squared_error",
        lambda f: lambda scores, y: ((relation.sigmoid(scores) - y) ** 4).mean(axis=(-2, -1)),
    ),
    "saying_one_in_n_is_a_rest": (relation, "sigmoid", lambda f: lambda s: f(1.1 * s)),
    "the_squared_error_hardly_learns_from_ignorance": (
        relation,
        "sigmoid",
        lambda f: lambda s: f(1.1 * s),
    ),
    "classes_may_change_columns": (prototypical, "class_means", by_column),
    "examples_may_change_places": (prototypical, "class_means", reversed_rows),
    "another_class_changes_no_logit": (prototypical, "class_means", centred),
    "every_example_twice_is_every_example_once": (prototypical, "class_means", summed),
    "queries_are_answered_one_by_one": (prototypical, "squared_distances", transductive),
    "no_example_is_in_support_and_query": (MODULE, "draw_different", with_replacement),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "embeddings"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
