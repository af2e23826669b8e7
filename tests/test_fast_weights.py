"""Fast weights: planted bugs for their theorems, trained memories against their capacity."""

import itertools
import math

import numpy
import pytest
from helpers import instead, is_single, refused, rng, single_precision, times, turns_red
from numpy.testing import assert_allclose

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.optim import adam
from minimeta.core.trees import flatten
from minimeta.exact import associative as exact
from minimeta.memories import fast_recurrent
from minimeta.memories import fast_weights as memory
from minimeta.meta import along, evaluate, meta_loss
from minimeta.tasks import Data, recall
from minimeta.theorems import REGISTRY
from minimeta.theorems import fast_weights as theorems
from minimeta.training import meta_train

# ---- Planted bugs: each makes a named theorem fail ----


def with_itself(T, k):
    """A mask that lets a pair answer its own query."""
    return numpy.tril(numpy.ones((T, T)))


class Leak:
    """NumPy with a mask that sees the present."""

    def __getattr__(self, name):
        return getattr(numpy, name)

    tri = staticmethod(with_itself)


def without_rate(f):
    """The delta rule whose later corrections forget the write rate."""
    return lambda K, V, rates: f(K, V, 0.0 * rates + 1.0)


def backwards(f):
    """A sequence written from its end."""
    return lambda K, V, rates: f(K[:, ::-1], V[:, ::-1], rates[:, ::-1])[:, ::-1]


def one_too_few(f):
    return lambda keys, *rest: f(keys - 1, *rest)


def without_cross_term(f):
    """The recursion without |W|^2: old pairs are disturbed by the new values alone."""
    return lambda writes, d: numpy.arange(writes) / d


def bent(f):
    """Values that are bent before they are stored."""

    def address(meta, x, y, features):
        k, v, rate = f(meta, x, y, features)
        return k, np.tanh(v), rate

    return address


def shifted(f):
    """Features whose products are with the wrong neighbour."""
    return lambda shifts=1: lambda k: f(shifts + 1)(k)[..., np.shape(k)[-1] * 2 :]


def double_rate(f):
    return lambda meta, state, x, y, inner, decay, rate: f(
        meta, state, x, y, inner, decay, 2 * rate
    )


def writes_too_early(f):
    """A matrix that is read without an inner step."""
    return lambda meta, state, tokens, inner: f(meta, state, tokens, inner + 1)


def delta(bug):
    """The bug planted in what the delta rule writes for a whole sequence."""
    return lambda rule: rule._replace(whole=bug(rule.whole))


def added(f):
    """A rotation is applied to the key only."""
    return lambda meta, name, x: f(meta, name, x) + (0.1 if name == "query" else 0.0)


SUM_AS_DELTA = lambda rule: memory.SUM
BUGS = [
    (memory, "numpy", instead(Leak()), "the_sum_rule_is_linear_attention"),
    (memory, "recall", times(2.0), "the_sum_rule_is_linear_attention"),
    (memory, "DELTA", SUM_AS_DELTA, "the_delta_rule_is_kaczmarz"),
    (memory, "DELTA", delta(backwards), "the_delta_rule_is_kaczmarz"),
    (memory, "unit", instead(memory.identity), "the_delta_rule_is_gradient_descent"),
    (memory, "recall", times(1.1), "one_triangular_system_writes_a_sequence"),
    (memory, "numpy", instead(Leak()), "no_label_is_seen_before_its_answer"),
    (memory, "address", bent, "values_may_be_turned"),
    (memory, "project", added, "keys_may_be_turned"),
    (memory, "DELTA", SUM_AS_DELTA, "the_order_matters_to_the_delta_rule_alone"),
    (memory, "DELTA", delta(backwards), "the_order_matters_to_the_delta_rule_alone"),
    (theorems, "orthonormal", times(1.1), "orthonormal_keys_are_stored_exactly"),
    (exact, "random_keys_error", one_too_few, "random_keys_disturb_each_other"),
    (theorems, "orthonormal", times(1.1), "the_best_slow_weights_reach_the_floor"),
    (exact, "sum_floor", one_too_few, "the_best_slow_weights_reach_the_floor"),
    (exact, "sum_floor", one_too_few, "descent_ends_at_the_floor"),
    (exact, "rewritten_sum_error", one_too_few, "a_sum_mixes_old_and_new_values"),
    (exact, "rewritten_softmax_error", one_too_few, "sharp_attention_averages_old_and_new_values"),
    (memory, "DELTA", SUM_AS_DELTA, "the_delta_rule_replaces_old_values"),
    (exact, "delta_error_by_age", without_cross_term, "old_pairs_fade_as_computed"),
    (memory, "DELTA", SUM_AS_DELTA, "replay_solves_the_equations"),
    (memory, "dpfp", shifted, "features_have_more_dimensions"),
    (fast_recurrent, "observe", double_rate, "the_fast_matrix_is_attention_to_the_past"),
    (fast_recurrent, "step", writes_too_early, "without_an_inner_loop_the_matrix_is_not_read"),
]
THEOREMS = {t.name: t for t in REGISTRY if t.topic == "fast_weights"}


@pytest.mark.parametrize("module, name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    turns_red(monkeypatch, THEOREMS[theorem].prove, module, name, bug)


def test_a_delta_rule_without_its_rates_is_no_gradient_descent(monkeypatch):
    """The learner holds its rule, so this bug is planted in the learner."""
    rule = memory.DELTA._replace(whole=without_rate(memory.DELTA.whole))
    monkeypatch.setattr(theorems, "DELTA", memory.learner(4, 2, 5, rule, memory.unit))
    for name in ("the_delta_rule_is_gradient_descent", "one_triangular_system_writes_a_sequence"):
        claim = THEOREMS[name].prove()
        assert abs(claim.computed - claim.exact).max() > 1e-3


def test_every_theorem_of_this_topic_has_its_bug():
    assert {theorem for *_, theorem in BUGS} == set(THEOREMS)


# ---- Trained memories against their capacity ----

VALUES = 16


def train(learner, sample, steps=(600, 250)):
    """Slow weights after training with a large and then a small step, in single precision."""
    with single_precision():
        generator = rng()
        for count, size in zip(steps, (0.02, 0.002)):
            options = dict(optimizer=adam(size), label=None)
            meta, _ = meta_train(learner, sample, generator, count, **options)
            assert is_single(meta)
            learner = learner._replace(init=lambda rng, meta=meta: meta)
    return meta


@pytest.mark.parametrize("keys", [24, 32, 64])
def test_the_trained_sum_rule_is_within_two_percent_of_its_floor_and_not_below(keys):
    """The answers to all keys are G v, so the error over all values is |I - G|^2 / S."""
    learner = memory.learner(keys, VALUES, keys=16)
    meta = train(learner, lambda rng: recall.pairs(rng, 16, keys, 16, keys, VALUES))
    G = meta["query"].astype(float) @ meta["key"].T.astype(float)
    share = numpy.sum((numpy.eye(keys) - G) ** 2) / keys / exact.sum_floor(keys, 16)
    assert 1.0 <= share < 1.02


def test_written_again_the_delta_rule_replaces_and_the_others_mix():
    learners = {
        "sum": memory.learner(8, VALUES),
        "softmax": memory.softmax_learner(8),
        "delta": memory.learner(8, VALUES, rule=memory.DELTA),
    }
    sample = lambda rng, tasks=16: recall.rewritten(rng, tasks, 16, 16, 8, VALUES)
    task = sample(rng(9), tasks=500)
    error = {
        name: evaluate(learner, train(learner, sample), task).mean()
        for name, learner in learners.items()
    }
    assert_allclose(error["sum"], exact.rewritten_sum_error(8, 16), rtol=0.03)
    assert_allclose(error["softmax"], exact.rewritten_softmax_error(8, 16), rtol=0.03)
    assert error["delta"] < 0.01


def test_a_memory_with_too_many_keys_degrades_and_does_not_break():
    """Beyond its dimensions the error grows with the number of pairs; nothing overflows."""
    learner = memory.learner(8, VALUES, keys=8, rule=memory.DELTA)
    meta = theorems.plain(8)
    errors = []
    for shots in (2, 8, 32, 128):
        task = recall.unit_keys(rng(), 500, shots, 4, 8, VALUES)
        errors.append(evaluate(learner, meta, task).mean())
    assert numpy.all(numpy.diff(errors) > 0) and errors[-1] < 3.0


def test_the_delta_errors_have_the_mean_of_sixteen_pairs_in_sixteen_dimensions():
    errors = exact.delta_error_by_age(16, 16)
    assert_allclose(errors.mean(), 0.590, atol=5e-4)
    assert errors[0] == 0.0 and (numpy.diff(errors) > 0).all()


# ---- Closed forms by another route, on random instances ----


def test_the_floor_is_what_a_truncated_identity_loses():
    for S, d in rng().integers(1, 40, size=(20, 2)):
        ranks = numpy.arange(S) < d  # the singular values of I that a matrix of rank d can keep
        lost = numpy.sum((1.0 - ranks) ** 2) / S
        assert_allclose(exact.sum_floor(int(S), int(d)), lost, atol=1e-12)


def test_errors_of_keys_written_again_are_sums_over_the_binomial_distribution():
    """With n - 1 others: the best multiple of the sum, and the mean of n values."""
    for S, T in rng().integers(2, 30, size=(20, 2)):
        n = numpy.arange(T)
        chances = [math.comb(T - 1, k) * (1 / S) ** k * (1 - 1 / S) ** (T - 1 - k) for k in n]
        others = numpy.sum(chances * n)
        c = 1.0 / (1.0 + others)
        computed = exact.rewritten_sum_error(int(S), int(T))
        assert_allclose(computed, numpy.sum(chances * ((1 - c) ** 2 + c**2 * n)), atol=1e-12)
        nearby = [numpy.sum(chances * ((1 - f) ** 2 + f**2 * n)) for f in (c - 0.01, c + 0.01)]
        assert computed < min(nearby)
        softmax = numpy.sum(chances * (n / (n + 1)))
        assert_allclose(exact.rewritten_softmax_error(int(S), int(T)), softmax, atol=1e-12)


def test_the_delta_error_in_one_dimension_is_that_of_the_newest_value():
    """Keys are +1 or -1, so that every older value is lost, and the error is 1 + 1."""
    assert_allclose(exact.delta_error_by_age(6, 1), [0.0, 2.0, 2.0, 2.0, 2.0, 2.0], atol=1e-12)


def test_pattern_errors_are_counts_of_signs():
    """All signs of the other patterns are listed one by one."""
    for known, patterns, rate in ((3, 2, 0.2), (4, 3, 0.1), (2, 4, 0.3)):
        count, weights = known * (patterns - 1), (1 - rate) ** numpy.arange(patterns)
        signs = numpy.array(list(itertools.product([-1.0, 1.0], repeat=count)))
        wrong = lambda total: numpy.mean((total < -1e-9) + 0.5 * (abs(total) <= 1e-9))
        plain = wrong(known + signs.sum(axis=1))
        assert_allclose(exact.pattern_error(known, patterns), plain, atol=1e-12)
        each = [
            wrong(known * weights[a] + signs @ numpy.repeat(numpy.delete(weights, a), known))
            for a in range(patterns)
        ]
        fading = exact.fading_error(known, patterns, rate)
        assert_allclose(fading, numpy.mean(each), atol=1e-12)


# ---- Unusual calls ----


def test_an_empty_memory_answers_zero():
    task = recall.unit_keys(rng(), 3, 4, 2, 5)
    none = Data(task.support.x[:, :0], task.support.y[:, :0])
    learners = [
        memory.learner(5),
        memory.learner(5, rule=memory.DELTA),
        memory.learner(5, features=memory.dpfp(2)),
        memory.softmax_learner(5),
    ]
    for learner in learners:
        meta = learner.init(rng())
        answers = learner.predict(meta, learner.adapt(meta, none), task.query.x)
        assert answers.shape == (3, 2, 1) and (answers == 0.0).all()


def test_a_key_of_zeros_has_no_direction_and_finite_gradients():
    x, y = numpy.zeros((2, 3, 4)), numpy.ones((2, 3, 1))
    for features in (memory.unit, memory.dpfp()):
        learner = memory.learner(4, rule=memory.DELTA, features=features)
        meta = learner.init(rng())
        loss = lambda meta, f=learner: np.sum((along(f, meta, Data(x, y)) - y) ** 2)
        assert numpy.isfinite(flatten(grad(loss)(meta))).all()


def test_malformed_sequences_are_refused_in_one_sentence():
    learner, task = memory.learner(5, 2), recall.unit_keys(rng(), 3, 4, 2, 5, values=2)
    meta, (x, y) = learner.init(rng()), task.support
    state = learner.adapt(meta, task.support)
    refused(lambda: learner.adapt(meta, Data(x[..., :4], y)), "x must have 5 inputs")
    refused(lambda: learner.adapt(meta, Data(x, y[:, :3])), "x and y must have a value for each")
    refused(lambda: learner.predict(meta, state, x[..., :2]), "x must have 5 inputs")
    refused(lambda: learner.observe(meta, state, x[:, 0], y[:, 0, :1]), "y must have 2 numbers")
    refused(lambda: recall.pairs(rng(), 3, 9, 1, keys=8), "shots is 9, but .* only 8 keys")
    refused(lambda: recall.patterns(rng(), 3, 2, 1, bits=4, known=5), "known is 5, but .* 4 bits")
    refused(lambda: recall.pairs(rng(), 3, 0, 1, keys=8), "shots must be at least 1")


def test_bas_network_refuses_inputs_of_another_size():
    learner, task = fast_recurrent.learner(5, 2), recall.unit_keys(rng(), 3, 4, 2, 5, values=2)
    meta = learner.init(rng())
    refused(lambda: learner.adapt(meta, Data(task.support.x[..., 1:], task.support.y)), "x and y")


def test_bas_network_learns_to_recall():
    """Trained on pairs with the label beside its key, it beats the answer 0 by far."""
    learner = fast_recurrent.learner(4, 1, hidden=20)
    sample = lambda rng, tasks=32: recall.pairs(rng, tasks, 4, 4, 4)
    with single_precision():
        options = dict(optimizer=adam(0.01), label=None)
        meta, _ = meta_train(learner, sample, rng(), 400, **options)
    assert evaluate(learner, meta, sample(rng(1), tasks=500)).mean() < 0.3


# ---- The tasks ----


def test_a_query_asks_for_the_last_value_of_its_key():
    task = recall.rewritten(rng(), 20, 12, 6, keys=4, values=2)
    for m in range(20):
        for q in range(6):
            same = (task.support.x[m] == task.query.x[m, q]).all(axis=-1)
            assert_allclose(task.support.y[m][same][-1], task.query.y[m, q], rtol=0)


def test_pairs_are_written_once_and_patterns_are_shown_in_part():
    task = recall.pairs(rng(), 20, 5, 3, keys=7)
    assert (task.support.x.sum(axis=1) <= 1.0).all() and (task.support.x.sum(axis=-1) == 1.0).all()
    task = recall.patterns(rng(), 20, 3, 4, bits=9, known=4)
    shown = task.query.x != 0.0
    assert (shown.sum(axis=-1) == 4).all()
    assert (task.query.x[shown] == task.query.y[shown]).all()


def test_a_task_has_a_loss_for_each():
    learner = memory.learner(7)
    task = recall.pairs(rng(), 20, 5, 3, keys=7)
    assert numpy.isfinite(meta_loss(learner, learner.init(rng()), task))
