"""A network that mixes the tasks' parameters, or its examples, gets a sentence and no number."""

import numpy
import pytest
from helpers import refused, rng, single_precision
from numpy.testing import assert_allclose

from minimeta.continual import ewc, fisher, likelihoods
from minimeta.core import contract
from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.replay import replay
from minimeta.core.trees import leaves
from minimeta.initializations import anil, fine_tuning, fomaml, imaml, maml, meta_sgd, reptile
from minimeta.learned_optimizers import lstm_optimizer, meta_lstm
from minimeta.meta import evaluate, meta_loss
from minimeta.nets import Net, conv, mlp, transformer
from minimeta.tasks import Data
from minimeta.tasks.regression import linear

D, C = 3, 2


def init(rng):
    first = {"W": rng.normal(size=(D, 4)), "b": rng.normal(size=4)}
    return [first, {"W": rng.normal(size=(4, C)), "b": rng.normal(size=C)}]


def network(add_bias, hidden=np.tanh):
    """Two layers whose biases are added in this way."""

    def apply(params, x):
        h = hidden(add_bias(np.matmul(x, params[0]["W"]), params[0]["b"]))
        return add_bias(np.matmul(h, params[1]["W"]), params[1]["b"])

    return Net(init, apply)


def centred(axis):
    return network(right, lambda h: np.tanh(h - np.mean(h, axis=axis, keepdims=True)))


right = lambda h, b: h + np.expand_dims(b, -2)
RIGHT = network(right)
MIXES_COPIES = {
    "a bias on the last axis": network(lambda h, b: h + b),
    "a bias by tile": network(lambda h, b: h + np.tile(b, 1)),
    "the first bias for all": network(lambda h, b: h + (b if b.ndim == 1 else b[0])),
    "the mean bias for all": network(lambda h, b: h + np.mean(np.reshape(b, (-1, b.shape[-1])), 0)),
    "dot": Net(init, lambda p, x: np.dot(x, p[0]["W"])[..., :C]),
    "one list of rows": Net(
        init,
        lambda p, x: np.reshape(np.matmul(np.reshape(x, (-1, D)), p[0]["W"]), (*x.shape[:-1], -1)),
    ),
}
MIXES_TASKS = {"centred over tasks": centred(0), "centred over all": centred(None)}
LEARNERS = {
    "maml": maml.learner,
    "fomaml": fomaml.learner,
    "reptile": reptile.learner,
    "anil": anil.learner,
    "meta_sgd": meta_sgd.learner,
    "imaml": lambda net: imaml.learner(net, steps=2),
    "meta_lstm": lambda net: meta_lstm.learner(net, steps=2),
    "lstm_optimizer": lambda net: lstm_optimizer.learner(net, steps=2, layers=1),
}


def task(tasks=4, shots=4, queries=4):
    return linear(rng(), tasks, shots, queries, numpy.eye(D), outputs=C)


def wrong_nets():
    return {**MIXES_COPIES, **MIXES_TASKS}


@pytest.mark.parametrize("net", wrong_nets().values(), ids=wrong_nets())
@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_every_learner_refuses_a_network_that_mixes_the_tasks(learner, net):
    """Tasks, shots and queries are equally many, so that NumPy has nothing to complain about."""
    one = learner(net)
    meta = one.init(rng(1))
    refused(lambda: evaluate(one, meta, task()), "np.expand_dims|linear", ValueError)
    traced = value_and_grad(lambda meta: meta_loss(one, meta, task()))
    refused(lambda: traced(meta), "np.expand_dims|linear", ValueError)


@pytest.mark.parametrize("net", wrong_nets().values(), ids=wrong_nets())
def test_so_do_joint_training_and_the_fisher_information(net):
    theta, data = net.init(rng(1)), task()
    refused(lambda: fine_tuning.joint_loss(theta, data, net), "np.expand_dims", ValueError)
    x, y = data.support.x[0], numpy.array([0, 1, 0, 1])
    for estimate in (fisher.exact, fisher.empirical):
        refused(lambda e=estimate: e(theta, Data(x, y), net), "np.expand_dims|mixes", ValueError)
    batches = numpy.arange(4).reshape(2, 2)
    refused(lambda: fisher.minibatch(batches, theta, Data(x, y), net), "np.expand_dims", ValueError)


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_same_network_with_its_bias_in_the_right_place_is_taken(learner):
    one = learner(RIGHT)
    meta = one.init(rng(1))
    assert numpy.isfinite(evaluate(one, meta, task())).all()
    by_task = [evaluate(one, meta, alone(task(), m))[0] for m in range(4)]
    assert_allclose(evaluate(one, meta, task()), by_task, rtol=1e-9)


def alone(whole, m):
    return type(whole)(*(Data(part.x[m : m + 1], part.y[m : m + 1]) for part in whole))


def test_one_task_alone_has_no_copies_to_mix():
    wrong, good = (maml.learner(net) for net in (MIXES_COPIES["a bias on the last axis"], RIGHT))
    meta, one = init(rng(1)), alone(task(), 0)
    assert_allclose(evaluate(wrong, meta, one), evaluate(good, meta, one), rtol=1e-12)
    refused(lambda: evaluate(wrong, meta, task()), "np.expand_dims", ValueError)


def test_a_network_that_always_has_a_task_axis_is_taken():
    apply = lambda p, x: np.einsum("mnd,mdc->mnc", x, p["W"])
    net = Net(lambda rng: {"W": rng.normal(size=(D, C))}, apply)
    assert numpy.isfinite(evaluate(maml.learner(net), net.init(rng()), task())).all()


def test_what_the_network_itself_complains_of_comes_through():
    net = mlp([D + 1, C])
    refused(lambda: evaluate(maml.learner(net), net.init(rng()), task()), "x must have 4 inputs")


IN_ORDER = {
    "mlp": (mlp([D, 4, C]), (5, 2, D)),
    "conv": (conv((4, 4, 1), (2,), C), (5, 2, 4, 4, 1)),
    "transformer": (transformer(D, C, width=4, heads=2, blocks=1), (5, 2, D)),
}


@pytest.mark.parametrize("net, shape", IN_ORDER.values(), ids=IN_ORDER)
def test_the_networks_of_the_package_keep_copies_apart(net, shape):
    x = rng().normal(size=shape)
    contract.task_copies(net, net.init(rng()), Data(x, x))
    with single_precision():
        contract.task_copies(net, net.init(rng()), Data(*2 * [x.astype("float32")]))


# ---- Once, and unseen ----


def count_calls(net):
    calls = []
    return Net(net.init, lambda params, x: calls.append(1) or net.apply(params, x)), calls


def test_a_network_is_tried_once_for_each_of_its_shapes():
    net, calls = count_calls(RIGHT)
    theta, x = init(rng()), task().support.x
    for _ in range(3):
        contract.task_copies(net, theta, Data(x, x))
        contract.task_copies(net, theta, Data(x[:, :2], x[:, :2]))
    assert len(calls) == 3  # two tasks alone, and both together
    narrow = [theta[0], {**theta[1], "W": theta[1]["W"][:, :1]}]
    contract.task_copies(net, narrow, Data(x, x))
    assert len(calls) == 6


def test_numbers_that_are_not_finite_prove_nothing():
    net, calls = count_calls(MIXES_COPIES["a bias on the last axis"])
    x = task(shots=2).support.x
    contract.task_copies(net, init(rng()), Data(numpy.nan * x, x))
    refused(
        lambda: contract.task_copies(net, init(rng()), Data(x, x)), "np.expand_dims", ValueError
    )


def test_a_recording_does_not_see_the_trial():
    net, calls = count_calls(RIGHT)
    one, data = maml.learner(net), task()
    plain = value_and_grad(lambda meta, data: meta_loss(one, meta, data))
    fast = replay(lambda meta, data: plain(meta, data))
    theta = init(rng())
    value, gradient = fast(theta, data)
    direct, expected = value_and_grad(lambda m: meta_loss(maml.learner(RIGHT), m, data))(theta)
    assert value == direct
    for a, b in zip(leaves(gradient), leaves(expected)):
        numpy.testing.assert_array_equal(a, b)
    assert str(fast.program).count("affine") == 0  # the program holds this network's own calls only


# ---- Examples ----

X, LABELS = rng(3).normal(size=(7, D)), numpy.array([0, 1, 0, 1, 1, 0, 1])
ATTENDS = transformer(D, C, width=4, heads=2, blocks=1)
MIXES_EXAMPLES = {
    "centring": centred(-2),
    "batch normalisation": network(
        right, lambda h: (h - np.mean(h, -2, keepdims=True)) / (np.std(h, -2, keepdims=True) + 0.1)
    ),
    "attention over examples": ATTENDS,
    "softmax over examples": network(
        right, lambda h: np.exp(h) / np.sum(np.exp(h), -2, keepdims=True)
    ),
    "the example before": network(right, lambda h: h + np.roll(h, 1, axis=-2)),
    "the largest example": network(right, lambda h: h - np.max(h, -2, keepdims=True)),
}


@pytest.mark.parametrize("net", MIXES_EXAMPLES.values(), ids=MIXES_EXAMPLES)
@pytest.mark.parametrize("form", [fisher.diagonal, fisher.full])
@pytest.mark.parametrize("estimate", [fisher.exact, fisher.empirical])
def test_the_fisher_information_of_mixed_examples_is_refused(net, form, estimate):
    call = lambda: estimate(net.init(rng(1)), Data(X, LABELS), net, form=form)
    refused(call, "net mixes its examples", ValueError)


def test_normalised_images_are_mixed_even_if_all_are_equal():
    net, images = conv((4, 4, 1), (2,), C), numpy.zeros((7, 4, 4, 1))
    call = lambda: fisher.exact(net.init(rng(1)), Data(images, LABELS), net)
    refused(call, "net mixes its examples", ValueError)


@pytest.mark.parametrize("form", [fisher.diagonal, fisher.full])
@pytest.mark.parametrize("net", [RIGHT, mlp([D, 4, C])], ids=["by hand", "mlp"])
def test_the_fisher_information_is_a_mean_over_examples_in_blocks_of_any_size(
    monkeypatch, net, form
):
    theta = net.init(rng(1))
    whole = leaves(fisher.exact(theta, Data(X, LABELS), net, form=form))
    each = [leaves(fisher.exact(theta, Data(x[None], None), net, form=form)) for x in X]
    monkeypatch.setattr(fisher, "MOST", 60)
    blocks = leaves(fisher.exact(theta, Data(X, LABELS), net, form=form))
    for a, b, *parts in zip(whole, blocks, *each):
        assert_allclose(a, b, rtol=1e-12, atol=1e-15)
        assert_allclose(a, sum(parts) / len(X), rtol=1e-12, atol=1e-15)


def test_images_of_bytes_are_refused_where_their_squares_would_wrap():
    net = mlp([D, C])
    theta, data = net.init(rng(1)), Data(numpy.full((7, D), 200, "uint8"), LABELS)
    for call in (fisher.exact, fisher.empirical, ewc.consolidate):
        refused(lambda c=call: c(theta, data, net), "x must be an array of floats", TypeError)
    refused(
        lambda: ewc.penalised_loss(theta, data, net, [], likelihood=likelihoods.categorical),
        "x must be an array of floats",
        TypeError,
    )
