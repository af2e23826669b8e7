"""Learned optimizers: each planted bug makes a theorem fail; unusual calls work or are refused.

The equations themselves are theorems (theorems/learned_optimizers.py and optimizer_training.py).
"""

import math

import numpy
import pytest
from derivatives import on_device
from helpers import (
    close,
    instead,
    is_single,
    refused,
    rng,
    single_precision,
    times,
    turns_red,
    waves,
)
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.optim import Optimizer, adam, sgd
from minimeta.core.replay import replay
from minimeta.core.trees import leaves, norm, tree_map
from minimeta.learned_optimizers import groups, lstm_optimizer, lstm_training, schedule, training
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.learned_optimizers.training import clip_gradient, losses_along
from minimeta.meta import evaluate
from minimeta.nets import lstm, mlp
from minimeta.tasks import optimizees
from minimeta.tasks.datasets import digits
from minimeta.theorems import judge, optimizer_training
from minimeta.theorems import learned_optimizers as theorems
from minimeta.training import meta_train, train

NET = mlp([1, 6, 1], activation=np.tanh)


# ---- Planted bugs: each makes a named theorem fail ----

true_losses = training.losses_along


def knows_its_place(g):
    return log_and_sign(g) * (1.0 + np.reshape(np.arange(float(np.size(g))), (-1, 1)))


def sees_the_others(g):
    return log_and_sign(g) + np.mean(g)


def leaves_swapped(like):
    return lambda tree, vector: like(tree, vector[::-1])


def linear_forgets(params, state, x):
    h = np.matmul(x, params["W_x"]) + 0.99 * np.matmul(state[0], params["W_h"])
    return h, h


def no_sign(g, p=10.0):
    return np.concatenate([log_and_sign(g, p)[:, :1], np.abs(g)], axis=-1)


def p_of_the_code(g):
    return log_and_sign(g, 5.0)


def in_a_row(by_stretch):
    return lambda rows, T: np.reshape(by_stretch(rows, T), (-1, np.shape(rows[0])[0], T))[::-1]


def never_truncated(optimizer, theta, f, steps, stretch=None, through=constant):
    return true_losses(optimizer, theta, f, steps, None, through)


def first_loss_too(optimizer, theta, f, steps, stretch=None, through=constant):
    path = training.trajectory(optimizer, theta, f, steps, stretch, through)
    return np.stack([f(theta, t) for t, theta in enumerate(path[:-1])])


def one_for_all(optimizers, group):
    return groups.combine({"all": optimizers["plain"]}, lambda name: "all")


same, early, alone = instead(lambda tree: tree), instead(first_loss_too), optimizer_training
BUGS = [
    (lstm_optimizer, "flatten", times(1.0001), "no_layer_is_sgd"),
    (lstm_optimizer, "linear_cell", instead(linear_forgets), "a_linear_unit_is_momentum"),
    (lstm_optimizer, "like", leaves_swapped, "no_layer_is_sgd"),
    (theorems, "combine", instead(one_for_all), "groups_are_independent"),
    (theorems, "log_and_sign", instead(no_sign), "preprocessing_has_two_cases"),
    (theorems, "log_and_sign", instead(p_of_the_code), "preprocessing_has_two_cases"),
    (training, "constant", same, "what_truncation_forgets"),
    (training, "losses_along", instead(never_truncated), "what_truncation_forgets"),
    (training, "losses_along", early, "what_truncation_forgets"),
    (
        training,
        "losses_along",
        instead(first_loss_too),
        "steps_are_judged_by_the_gradients_to_come",
    ),
    (lstm_training, "by_stretch", in_a_row, "steps_are_judged_by_the_gradients_to_come"),
    (alone, "identity", instead(constant), "the_full_meta_gradient_is_right"),
    (alone, "identity", instead(constant), "what_first_order_loses_on_quadratics"),
    (alone, "constant", same, "what_first_order_loses_on_quadratics"),
    (alone, "constant", same, "first_order_schedule"),
]


@pytest.mark.parametrize("module, name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    prove = getattr(theorems, theorem, None) or getattr(optimizer_training, theorem)
    turns_red(monkeypatch, prove, module, name, bug)


@pytest.mark.parametrize("bug", [knows_its_place, sees_the_others])
def test_an_optimizer_that_looks_around_is_found_out(monkeypatch, bug):
    true = lstm_optimizer.optimizer
    monkeypatch.setattr(lstm_optimizer, "optimizer", lambda meta: true(meta, bug))
    claims = theorems.permuted_gradients_give_permuted_steps(), theorems.each_coordinate_is_alone()
    assert not all(judge(claim).holds for claim in claims)


def test_a_cell_that_forgets_is_no_momentum(monkeypatch):
    """With no way back from h, the still LSTM of the theorem keeps its memory in c."""
    slow = lambda params, state, x: lstm.cell(params, (state[0], 0.99 * state[1]), x)
    true = lstm_optimizer.optimizer
    with_slow = lambda meta, pre, scale: true(meta, pre, scale, slow)
    monkeypatch.setattr(lstm_optimizer, "optimizer", with_slow)
    assert not judge(theorems.a_still_lstm_is_momentum()).holds


# ---- Drop-in: where a hand-made optimizer goes, a learned one goes ----


def trained_on(family, init, updates=150):
    follow = lstm_training.meta_gradient(family, 20, 10)
    optimizer = clip_gradient(adam(1e-2), 1.0)
    return train(init, follow, family.sample, rng(), updates, optimizer=optimizer)


def test_a_trained_optimizer_is_better_than_none_and_works_on_any_tree():
    family = optimizees.gaussian_quadratics(8, 4)
    fresh = lambda r: lstm_optimizer.init(r, 1, 8)
    meta, history = trained_on(family, fresh)
    assert history[-20:].mean() < 0.5 * history[:5].mean()
    net, data = mlp([3, 5, 2], activation=np.tanh), rng(1).normal(size=(16, 3))
    theta, optimizer = net.init(rng(2)), lstm_optimizer.optimizer(meta)
    f = lambda theta: mse(net.apply(theta, data), data[:, :2])
    state, before = optimizer.init(theta), f(theta)
    for _ in range(10):
        theta, state = optimizer.update(grad(f)(theta), state, theta)
    assert f(theta) < before
    assert [leaf.shape for leaf in leaves(theta)] == [(3, 5), (5,), (5, 2), (2,)]


def test_a_fresh_optimizer_takes_no_steps_and_remembers_between_1_and_20():
    meta = lstm_optimizer.init(rng(), layers=1, hidden=500)
    forget = lstm.sigmoid(meta["layers"][0]["b"][500:1000])
    assert not meta["W"].any()
    memory = 1.0 / (1.0 - forget)
    assert 2.0 < memory.min() < 2.5 and 19.0 < memory.max() < 21.0
    write = lstm.sigmoid(meta["layers"][0]["b"][:500])
    assert_allclose(write, 1.0 - forget, rtol=1e-12)


def test_the_replayed_meta_gradient_is_the_same_bit_for_bit():
    family = optimizees.logistic(2, 3, 8)
    follow = lstm_training.meta_gradient(family, 6, 3)
    fast, meta = replay(follow), theorems.draw_optimizer(layers=2)
    for seed in range(3):
        task = family.sample(rng(seed))
        close(fast(meta, task), follow(meta, task))


def test_as_a_few_shot_learner_it_learns_start_and_update():
    learner = lstm_optimizer.learner(NET, steps=3, layers=1, hidden=4)
    meta, history = meta_train(learner, lambda r: waves(), rng(), 60, optimizer=adam(1e-2))
    assert history[-1] < 0.9 * history[0]
    assert evaluate(learner, meta, waves()).shape == (3,)
    assert np.abs(meta["update"]["W"]).max() > 0.0


def test_two_learned_optimizers_share_the_weights_and_biases_of_a_network():
    family = optimizees.logistic(3, 4, 20)
    fresh = lambda r: {key: lstm_optimizer.init(r, 1, 3) for key in ("weights", "biases")}
    kind = lambda name: "weights" if "W" in name else "biases"
    each = lambda meta: {key: lstm_optimizer.optimizer(meta[key]) for key in meta}
    follow = training.meta_gradient(family, lambda meta: groups.combine(each(meta), kind), 4, 2)
    gradient = follow(tree_map(lambda p: p + 0.1, fresh(rng())), family.sample(rng()))[1]
    assert all(np.abs(leaf).max() > 0.0 for leaf in leaves(gradient))


@pytest.mark.parametrize(
    "keys, sentence",
    [
        (("weights",), "The leaf .*b.* is in group 'biases'"),
        (("weights", "biases", "gains"), "no leaf"),
    ],
)
def test_groups_that_do_not_fit_the_tree_are_refused(keys, sentence):
    kind = lambda name: "weights" if "W" in name else "biases"
    both = groups.combine({key: sgd(0.1) for key in keys}, kind)
    refused(lambda: both.init(NET.init(rng())), sentence, ValueError)


# ---- Meta-gradients that explode ----


def test_a_long_gradient_is_shortened_and_a_short_one_is_left_alone():
    shown = []

    def update(g, state, theta):
        shown.append(g)
        return theta, state

    probe = Optimizer(lambda theta: 0.0, update)
    theta = {"a": numpy.zeros(2), "b": numpy.zeros(1)}
    for size in (0.5, 1e30):
        g = {"a": size * numpy.ones(2), "b": -size * numpy.ones(1)}
        clip_gradient(probe, 2.0).update(g, 0.0, theta)
    assert_allclose([norm(g) for g in shown], [0.5 * math.sqrt(3), 2.0], rtol=1e-12)
    assert_allclose(shown[1]["b"], -2.0 / math.sqrt(3), rtol=1e-12)


def test_meta_training_that_diverges_says_so_and_keeps_the_last_good_parameters():
    family = optimizees.gaussian_quadratics(4, 5)
    wild = lambda r: {"step_sizes": numpy.full(300, 10.0)}
    follow = training.meta_gradient(family, schedule.optimizer, 300)
    with numpy.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="not finite|is nan|is inf") as caught:
            train(wild, follow, family.sample, rng(), 3)
    assert numpy.isfinite(caught.value.meta["step_sizes"]).all()


# ---- The problems ----


def test_gaussian_quadratics_have_the_moments_of_the_text_and_uniform_ones_of_the_code():
    for make, mean, variance in [
        (optimizees.gaussian_quadratics, 0.0, 1.0),
        (optimizees.uniform_quadratics, 0.5, 1.0 / 12.0),
    ]:
        family = make(2000, 10)
        task = family.sample(rng())
        for values in task.support:
            error = 4.0 * math.sqrt(variance / values.size)
            assert abs(values.mean() - mean) < error
            assert abs(values.var() - variance) < 8.0 * error * math.sqrt(variance)
        theta = family.start(task)["theta"]
        assert theta.shape == (2000, 10, 1) and abs(theta.std() - 0.01) < 2e-4
        residual = task.support.x @ theta - task.support.y
        assert_allclose(family.loss({"theta": theta}, task.support), (residual**2).sum((1, 2)))


def test_a_network_begins_where_its_init_says_and_sees_each_example_once_an_epoch():
    x, labels = digits()
    net = mlp([64, 4, 10], activation=lstm.sigmoid)
    family = optimizees.classifier(x.reshape(-1, 64), labels, net, problems=2, batch=128)
    task = family.sample(rng(5))
    assert task.support.x.shape == (2, 1792, 64) and task.support.y.shape == (2, 1792, 10)
    replica = rng(5)
    orders = [replica.permutation(1797)[:1792] for _ in range(2)]
    assert_array_equal(task.support.x[1], x.reshape(-1, 64)[orders[1]])
    assert_array_equal(task.support.y.argmax(-1), labels[numpy.stack(orders)])
    theta, fresh = family.start(task), [net.init(replica) for _ in range(2)]
    close(theta, tree_map(lambda *two: numpy.stack(two), *fresh))
    losses = [family.loss(theta, task.support, t) for t in range(15)]
    assert_array_equal(losses[0], losses[14])  # 14 batches, then the first again
    whole = optimizees.cross_entropy(net.apply(theta, task.support.x), task.support.y)
    assert_allclose(numpy.mean(losses[:14], axis=0), whole, rtol=1e-12)


def test_labels_of_logistic_problems_come_with_the_odds_they_should():
    """A linear classifier explains them, but not exactly: its loss ends between 0 and log 2."""
    family = optimizees.logistic(20, 3, 400)
    task = family.sample(rng())
    f = lambda theta, t: family.loss(theta, task.support)
    first = f(family.start(task), 0)
    assert_allclose(first, math.log(2.0), atol=0.03)
    last = losses_along(sgd(1.0), family.start(task), f, 100)[-1]
    assert 0.3 < last.mean() < 0.6 and (last < first).all()


def test_a_float32_program_stays_float32():
    with single_precision():
        family = optimizees.logistic(2, 3, 8)
        meta, task = lstm_optimizer.init(rng(), 2, 3), family.sample(rng())
        fast = lstm_training.meta_gradient(family, 4, 2)(meta, task)
        slow = training.meta_gradient(family, lstm_optimizer.optimizer, 4, 2)(meta, task)
    assert is_single(meta, task, fast, slow)


def test_the_meta_gradient_on_a_device_moves_nothing_and_is_the_same():
    family, meta = optimizees.logistic(2, 3, 8), theorems.draw_optimizer(layers=2)
    task = family.sample(rng())
    follow = lstm_training.meta_gradient(family, 4, 2)
    close(on_device(follow, meta, task), follow(meta, task), rtol=1e-9, atol=1e-12)


IMAGES, LABELS = numpy.zeros((20, 4)), numpy.zeros(20, int)
FAMILY = optimizees.gaussian_quadratics(2, 3)
REFUSED = [
    (lambda: optimizees.gaussian_quadratics(0), "problems must be at least 1"),
    (lambda: optimizees.uniform_quadratics(2, 1.5), "dimension must be an integer"),
    (lambda: optimizees.logistic(2, 0), "inputs must be at least 1"),
    (lambda: optimizees.logistic(0), "problems must be at least 1"),
    (lambda: FAMILY.sample(0), "rng must be a numpy.random.Generator"),
    (lambda: optimizees.classifier(IMAGES, LABELS[:5], NET), "images and labels must have one"),
    (lambda: optimizees.classifier(IMAGES, LABELS, NET, batch=21), "of at least 21, the batch"),
    (lambda: optimizees.classifier(IMAGES, LABELS, NET, batch=0), "batch must be at least 1"),
    (lambda: lstm_optimizer.init(rng(), layers=-1), "layers must be at least 0"),
    (lambda: lstm_optimizer.init(rng(), hidden=0), "hidden must be at least 1"),
    (lambda: lstm_optimizer.init(rng(), memory=1.0), "memory must be above 1"),
    (lambda: lstm_training.meta_gradient(FAMILY, 100, 30), "stretch must divide the 100 steps"),
    (lambda: lstm_training.meta_gradient(FAMILY, 4, 2, [1.0]), "weights must be 4 numbers"),
    (lambda: training.meta_gradient(FAMILY, sgd, 0), "steps must be at least 1"),
    (lambda: clip_gradient(sgd(0.1), 0.0), "longest must be above 0"),
]


@pytest.mark.parametrize("call, sentence", REFUSED)
def test_malformed_calls_get_one_sentence(call, sentence):
    refused(call, sentence)
