"""Forgetting: planted bugs make theorems fail, any network has its Fisher, mistakes are named.

The equations themselves are theorems (theorems/fisher.py, theorems/forgetting.py).
"""

import numpy
import pytest
from helpers import (
    close,
    given,
    instead,
    is_single,
    refused,
    rng,
    single_precision,
    times,
    turns_red,
)
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.continual import ewc, fisher, layered, strategies
from minimeta.continual.likelihoods import categorical, gaussian
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy
from minimeta.core.trees import flatten, tree_map
from minimeta.exact import pattern_memory
from minimeta.exact import sequential_bayes as bayes
from minimeta.nets import Net, mlp
from minimeta.nets.convolution import conv2d
from minimeta.nets.layers import linear, relu
from minimeta.tasks import Data, sequences
from minimeta.tasks.datasets import digits
from minimeta.theorems import REGISTRY, forgetting
from minimeta.theorems.tools import LINE, full_fisher

NET = mlp([4, 5, 3], activation=np.tanh)


def task(examples=12, inputs=4, seed=1):
    """Labels that a network can learn: which of the first three inputs is largest."""
    x = rng(seed).normal(size=(examples, inputs))
    return Data(x, numpy.argmax(x[:, :3], axis=1))


def trained(net=NET, data=None, steps=200):
    return strategies.learn(rng(), net.init(rng()), data or task(), net, steps=steps, step_size=0.3)


# ---- Planted bugs: each makes a named theorem fail ----


def example_by_example(f):
    return lambda batches, *a, **k: fisher.empirical(*a, **k)


def first_penalty_lost(f):
    return lambda *a, previous=None, **k: f(*a[:5], **k)


def mean_over_examples(f):
    return lambda *a, **k: f(*a, **k, examples=1)


def gradient_step(f):
    """What makes strong penalties diverge."""
    return lambda one, rate: lambda t: t - rate * one.fisher * (t - one.anchor)


def most_likely_label(f):
    def wrong(rng, params, data, net, *likelihood):
        outputs = net.apply(params, data.x)
        y = outputs if likelihood else numpy.argmax(outputs, axis=1)
        return fisher.empirical(params, Data(data.x, y), net, *likelihood)

    return wrong


labels_of_the_data, no_labels = instead(fisher.empirical), instead(fisher.exact)
of_the_mean = given(0, lambda g: tree_map(lambda a: numpy.mean(a, axis=0, keepdims=True), g))
one_weight_for_all = given(0, lambda tree: tree_map(numpy.ones_like, tree))
a_step_early, one_less = lambda s: numpy.append(s[1:], 0.0), given(0, lambda n: n - 1)
BUGS = {
    "two_tasks_are_bayes": (ewc, "cost", times(2.0)),
    "three_tasks_are_bayes": (ewc, "consolidate", first_penalty_lost),
    "penalty_is_the_posterior_precision": (ewc, "consolidate", mean_over_examples),
    "separate_penalties_count_twice": (ewc, "as_list", lambda f: lambda p: f(p)[-1:]),
    "what_the_diagonal_costs": (fisher, "exact", labels_of_the_data),
    "diagonal_along_the_axes": (fisher, "exact", labels_of_the_data),
    "rest_of_proximal_steps": (ewc, "proximal_step", given(1, lambda rate: 2 * rate)),
    "proximal_step_is_a_minimum": (ewc, "proximal_step", given(1, lambda rate: rate / 2)),
    "any_strength_is_stable": (ewc, "proximal_step", gradient_step),
    "consolidating_neuron": (pattern_memory, "consolidating_steps", given(0, lambda n: n + 1)),
    "memory_of_gradient_descent": (pattern_memory, "memory", given(0, lambda n: 2 * n)),
    "memory_of_consolidation": (pattern_memory, "memory", given(1, numpy.ones_like)),
    "gradient_descent_forgets_exponentially": (pattern_memory, "memory", given(1, a_step_early)),
    "consolidation_forgets_by_a_power_law": (pattern_memory, "consolidating_steps", one_less),
    "fisher_is_the_expected_hessian": (fisher, "exact", labels_of_the_data),
    "one_hidden_layer_by_brute_force": (fisher, "full", of_the_mean),
    "diagonal_in_one_pass": (layered, "layer_gradients", lambda f: lambda *a: list(f(*a))[:-1] * 2),
    "softmax_regression": (fisher, "exact", labels_of_the_data),
    "softmax_diagonal": (fisher, "exact", labels_of_the_data),
    "linear_regression": (fisher, "scale", lambda f: lambda tree, factor: tree),
    "sampled_is_right_on_average": (fisher, "monte_carlo", most_likely_label),
    "sampled_regression": (fisher, "monte_carlo", most_likely_label),
    "empirical_is_another_matrix": (fisher, "empirical", no_labels),
    "empirical_vanishes_at_a_fit": (fisher, "empirical", no_labels),
    "batches_are_biased": (fisher, "minibatch", example_by_example),
    "batches_weaken_the_penalty": (fisher, "minibatch", example_by_example),
    "divergence_is_quadratic": (fisher, "exact", labels_of_the_data),
    "overlap_is_a_frechet_distance": (fisher, "overlap", one_weight_for_all),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic in ("fisher", "forgetting")}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    try:
        turns_red(monkeypatch, THEOREMS[name], *BUGS[name])
    except KeyError:  # a layer without its gradient is no theorem either
        assert name == "diagonal_in_one_pass"


def test_every_theorem_of_these_topics_has_its_bug():
    assert set(BUGS) == set(THEOREMS)


# ---- Bayes, on sequences that no theorem has seen ----


@pytest.mark.parametrize("dimension, tasks", [(1, 2), (2, 6), (5, 3), (7, 4), (10, 6)])
def test_any_sequence_of_linear_tasks_ends_at_the_joint_posterior(dimension, tasks):
    """One penalty with the full Fisher: exact. Separate ones, and the diagonal: off as stated."""
    data = sequences.linear(rng(dimension), tasks, 6, 1, dimension, noise_variance=0.3).support
    sequence = [Data(x, y) for x, y in zip(*data)]
    mean = rng(1).normal(size=(dimension, 1))
    precision = numpy.diag(rng(2).uniform(1, 2, dimension))
    exact, _ = forgetting.joint(sequence, mean, precision)
    optimum, _ = forgetting.consolidate_all(sequence, mean, precision)
    assert_allclose(optimum, exact, rtol=0, atol=1e-11)
    A, b = forgetting.moments(sequence)
    separate = bayes.separate_optima(A, b, mean, precision)
    off = bayes.separate_error(A, precision, separate)
    assert_allclose(separate[-1], exact + off, rtol=0, atol=1e-11)
    assert (numpy.abs(off).max() > 1e-3) == (tasks > 2)
    off = bayes.diagonal_error(A, mean, precision, bayes.posteriors(A, b, mean, precision)[0])
    optimum = forgetting.consolidate_diagonals(sequence, mean, precision)
    assert_allclose(optimum, exact + off, rtol=0, atol=1e-11)
    assert (numpy.abs(off).max() > 1e-3) == (dimension > 1)


def test_the_losses_of_batches_average_to_the_loss_of_the_task():
    """The penalty is divided by the examples of the task, not of the batch."""
    data, theta = task(), trained()
    penalty = ewc.consolidate(theta, data, NET)
    moved = tree_map(lambda t: t + 0.1, theta)
    loss = lambda rows: ewc.penalised_loss(
        moved, Data(data.x[rows], data.y[rows]), NET, penalty, 5.0, examples=12
    )
    whole = ewc.penalised_loss(moved, data, NET, penalty, 5.0)
    assert_allclose(numpy.mean([loss(slice(n, n + 4)) for n in (0, 4, 8)]), whole, rtol=1e-12)
    assert whole > cross_entropy(NET.apply(moved, data.x), data.y)


def test_a_sample_of_a_task_stands_for_all_of_it():
    data, theta = task(), trained()
    twice = Data(numpy.concatenate([data.x] * 2), numpy.concatenate([data.y] * 2))
    half = ewc.consolidate(theta, data, NET, examples=24)
    close(half.fisher, ewc.consolidate(theta, twice, NET).fisher, rtol=1e-12)


# ---- Every network has its Fisher information ----


def squares_by_loop(net, theta, data):
    """The mean of squared gradients, one example at a time."""
    gradient = grad(lambda t, x, y: cross_entropy(net.apply(t, x), y))
    each = [gradient(theta, x[None], y[None]) for x, y in zip(*data)]
    return tree_map(lambda *g: numpy.mean(numpy.square(g), axis=0), *each)


def with_a_shortcut(theta, x):
    h = relu(linear(x, **theta["in"]))
    return linear(h + relu(linear(h, **theta["mid"])), **theta["out"])


def with_one_layer_twice(theta, x):
    h = relu(linear(x, **theta["in"]))
    return linear(relu(linear(relu(linear(h, **theta["mid"])), **theta["mid"])), **theta["out"])


def layers(**shapes):
    return lambda rng: {
        k: {"W": rng.normal(size=s), "b": rng.normal(size=s[1])} for k, s in shapes.items()
    }


THREE = layers(**{"in": (4, 5), "mid": (5, 5), "out": (5, 3)})
NETWORKS = {
    "deep": (mlp([4, 6, 5, 4, 3]), True),
    "one layer": (mlp([4, 3]), True),
    "a shortcut around a layer": (Net(THREE, with_a_shortcut), True),
    "one layer used twice": (Net(THREE, with_one_layer_twice), False),
    "matrices without biases": (
        Net(lambda r: [r.normal(size=(4, 5)), r.normal(size=(5, 3))],
            lambda t, x: relu(x @ t[0]) @ t[1]),
        False,
    ),
    "a parameter it does not use": (
        Net(lambda r: {**THREE(r), "idle": numpy.ones(2)}, with_a_shortcut), False,
    ),
    "a parameter made of another": (
        Net(THREE, lambda t, x: with_a_shortcut({**t, "in": tree_map(np.tanh, t["in"])}, x)), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_one_pass_equals_the_loop_over_examples(name):
    net, fast = NETWORKS[name]
    theta, data = net.init(rng()), task()
    assert layered.is_layered(theta, data.x[:1], net) == fast
    loop = squares_by_loop(net, theta, data)
    close(fisher.empirical(theta, data, net), loop, rtol=1e-10, atol=1e-15)


def test_images_have_their_fisher_too():
    init = lambda r: {"filters": r.normal(size=(3, 3, 1, 2)), **layers(last=(72, 3))(r)}
    flat = lambda h: np.reshape(h, (*np.shape(h)[:-3], 72))
    net = Net(init, lambda t, x: linear(flat(relu(conv2d(x, t["filters"]))), **t["last"]))
    theta = net.init(rng())
    data = Data(rng(1).normal(size=(5, 6, 6, 1)), rng(2).integers(3, size=5))
    loop = squares_by_loop(net, theta, data)
    close(fisher.empirical(theta, data, net), loop, rtol=1e-10, atol=1e-15)


def test_the_exact_fisher_looks_at_no_label():
    theta, data = trained(), task()
    close(fisher.exact(theta, data, NET), fisher.exact(theta, Data(data.x, None), NET))


@pytest.mark.parametrize("form", [fisher.diagonal, fisher.full])
def test_blocks_of_examples_do_not_show(monkeypatch, form):
    theta, data = trained(), task()
    whole = fisher.exact(theta, data, NET, form=form)
    monkeypatch.setattr(fisher, "MOST", 100)
    close(fisher.exact(theta, data, NET, form=form), whole, rtol=1e-12, atol=1e-16)


def test_the_diagonal_is_that_of_the_full_matrix():
    theta, data = trained(), task()
    for estimate in (fisher.exact, fisher.empirical):
        full = numpy.diag(estimate(theta, data, NET, form=fisher.full))
        assert_allclose(flatten(estimate(theta, data, NET)), full, atol=1e-15)


def test_a_float32_network_keeps_its_type():
    with single_precision():
        theta, data = tree_map(numpy.float32, trained()), task()
        data = Data(data.x.astype("float32"), data.y)
        penalty = ewc.consolidate(theta, data, NET)
        moved = ewc.proximal_step(penalty, 0.5)(theta)
    assert is_single(penalty.fisher, moved)


def test_permuted_pixels_permute_the_information():
    theta, data, order = trained(), task(), numpy.array([2, 0, 3, 1])
    turned = [{**theta[0], "W": theta[0]["W"][order]}, theta[1]]
    permuted = Data(data.x[:, order], data.y)
    F, turned_F = fisher.exact(theta, data, NET), fisher.exact(turned, permuted, NET)
    assert_allclose(turned_F[0]["W"], F[0]["W"][order], rtol=1e-12)
    assert fisher.overlap(turned_F, turned_F) == pytest.approx(1.0)
    assert fisher.overlap(turned_F, F) < 1.0


# ---- Strategies ----


def test_after_one_task_one_penalty_and_a_list_are_the_same():
    data, theta = task(), trained()
    remember = strategies.one_penalty(NET), strategies.penalties(NET)
    one, several = (r(strategies.EMPTY, theta, data).penalties for r in remember)
    close(one, several)


def test_without_strength_consolidation_is_plain_gradient_descent():
    tasks = Data(*(numpy.stack(a) for a in zip(task(seed=1), task(seed=2))))
    start = NET.init(rng())
    run = lambda *a, **k: strategies.learn_sequence(rng(), start, tasks, NET, *a, steps=60, **k)
    penalised = run(strategies.one_penalty(NET), strength=0.0, step_size=0.3)
    close(run(step_size=0.3), penalised)


def test_batches_draw_from_every_kept_task_alike():
    """Ten examples kept of one task weigh as much as the 990 of the other."""
    rows = strategies.draw(rng(), [10, 990], (200, 50))
    assert rows.min() == 0 and rows.max() == 999
    assert abs(numpy.mean(rows < 10) - 0.5) < 4 * 0.5 / 10_000**0.5
    counts = numpy.bincount(rows[rows < 10])
    assert numpy.abs(counts - counts.mean()).max() < 5 * counts.mean() ** 0.5


def test_rehearsal_keeps_the_first_examples_of_each_task():
    memory = strategies.EMPTY
    for seed in (1, 2):
        memory = strategies.rehearsal(3)(memory, None, task(seed=seed))
    assert [len(examples.x) for examples in memory.examples] == [3, 3]
    assert_array_equal(memory.examples[1].y, task(seed=2).y[:3])


def test_five_permuted_tasks_are_kept_by_consolidation_and_lost_without():
    """Real digits; the margins are those that the project promises."""
    with single_precision():
        net, task = mlp([64, 200, 10]), sequences.permuted_images(rng(), 5, 1437, 360)
        start = net.init(rng())

        def after(remember, strength=1.0):
            path = strategies.learn_sequence(
                rng(100), start, task.support, net, remember, strength=strength
            )
            return strategies.accuracies(path, task.query, net)[-1].mean()

        penalised, plain = after(strategies.one_penalty(net), 30.0), after(strategies.nothing)
        anchor = strategies.one_penalty(net, estimate=fisher.equal)
        anchored = max(after(anchor, strength) for strength in (0.01, 0.03))
    assert penalised > plain + 0.17 and penalised > anchored + 0.08


# ---- Mistakes ----


@pytest.mark.parametrize("seed", range(3))
def test_a_network_that_was_not_trained_has_nothing_to_consolidate(seed):
    images, labels = digits()
    net, data = mlp([64, 20, 10]), Data(images.reshape(-1, 64), labels)
    untrained = lambda: ewc.consolidate(net.init(rng(seed)), data, net)
    refused(untrained, r"not learned this task: .* guessing has 2\.3; cons", ValueError)


def test_a_later_task_that_the_penalty_kept_from_being_learned_is_consolidated():
    previous = ewc.consolidate(trained(), task(), NET)
    worse = tree_map(lambda p: -2.0 * p, trained())
    assert ewc.consolidate(worse, task(), NET, previous=previous).anchor is worse


def test_parameters_that_diverged_are_refused():
    lost = tree_map(lambda p: numpy.full_like(p, numpy.nan), trained())
    sentence = r"params\[0\]\['W'\] must be finite"
    refused(lambda: ewc.consolidate(lost, task(), NET), sentence, ValueError)


def test_a_tree_of_another_shape_is_named():
    penalty = ewc.consolidate(trained(), task(), NET)
    wider = mlp([4, 6, 3]).init(rng())
    for mistake in (
        lambda: ewc.penalised_loss(wider, task(), mlp([4, 6, 3]), penalty),
        lambda: ewc.proximal_step(penalty, 1.0)(wider),
        lambda: ewc.consolidate(wider, task(), mlp([4, 6, 3]), previous=penalty),
    ):
        refused(mistake, r"\(4, 6\).*\(4, 5\)", ValueError)


def test_a_diagonal_is_not_added_to_a_full_matrix():
    previous = ewc.consolidate(trained(), task(), NET)
    mixed = lambda: ewc.consolidate(trained(), task(), NET, categorical, full_fisher, previous)
    refused(mixed, "the estimate and previous.fisher must be trees", ValueError)


@pytest.mark.parametrize("strength", [-1.0, numpy.nan, "strong"])
def test_no_strength_is_negative(strength):
    penalty = ewc.consolidate(trained(), task(), NET)
    for mistake in (
        lambda: ewc.penalised_loss(trained(), task(), NET, penalty, strength),
        lambda: strategies.learn(rng(), trained(), task(), NET, strength=strength),
    ):
        refused(mistake, "strength must be")


def test_all_tasks_at_once_are_no_task():
    both = Data(*(numpy.stack([a, a]) for a in task()))
    sentence = r"data must be one task.*\(2, 12, 4\)"
    refused(lambda: ewc.consolidate(trained(), both, NET), sentence, ValueError)


def test_a_step_that_diverges_is_reported():
    with numpy.errstate(all="ignore"), pytest.raises(FloatingPointError, match="not finite"):
        strategies.learn(rng(), {"w": numpy.ones((4, 1))}, regression(), LINE,
                         likelihood=gaussian(1.0), step_size=1e3, steps=200)  # fmt: skip


def regression():
    return Data(task().x, task().x[:, :1])


@pytest.mark.parametrize("count", [0, 1.5])
def test_rehearsal_needs_examples(count):
    refused(lambda: strategies.rehearsal(count), "count must be")
