"""The meta-LSTM: its theorems see planted bugs, and odd requests are met or refused.

The equations themselves are theorems (theorems/meta_lstm.py).
"""

import numpy
import pytest
import standin
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np, to_device, to_host, use
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.trees import copies, flatten, leaves, tree_map
from minimeta.learned_optimizers import meta_lstm
from minimeta.meta import evaluate, meta_loss
from minimeta.nets import mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import sines
from minimeta.theorems import judge
from minimeta.theorems import meta_lstm as theorems
from minimeta.training import meta_train

NET = mlp([1, 6, 1], activation=np.tanh)


def rng(seed=0):
    return numpy.random.default_rng(seed)


def task(tasks=3, shots=4, queries=5):
    return sines(rng(), tasks, shots, queries)


# ---- Planted bugs: each makes a named theorem fail ----

true_see, true_update, true_gate = (
    meta_lstm.second_order,
    meta_lstm.update,
    meta_lstm.open_gate,
)


def mean_for_sum(phi, support, net, loss):
    losses, slopes = true_see(phi, support, net, loss)
    return losses, tree_map(lambda g: g / len(losses), slopes)


def one_loss_for_all(phi, support, net, loss):
    losses, slopes = true_see(phi, support, net, loss)
    return np.mean(losses) * np.ones_like(losses), slopes


def uphill(meta, phi, forget, input, losses, slopes):
    return true_update(meta, phi, forget, input, losses, tree_map(lambda g: -g, slopes))


def nothing_forgotten(meta, phi, forget, input, losses, slopes):
    moved, forget, input = true_update(meta, phi, forget, input, losses, slopes)
    keep = lambda new, old, f: new + (1.0 - f) * old
    return tree_map(keep, moved, phi, forget), forget, input


def gates_swapped(meta, phi, forget, input, losses, slopes):
    return true_update(meta, phi, input, forget, losses, slopes)


def constant_start(meta, phi, forget, input, losses, slopes):
    return true_update(meta, constant(phi), forget, input, losses, slopes)


def blind_to_itself(gate, loss, slope, c, before):
    return true_gate(gate, loss, slope, 0.0 * c, before)


def no_memory(gate, loss, slope, c, before):
    return true_gate(gate, loss, slope, c, 0.0 * before)


def memory_constant(gate, loss, slope, c, before):
    return true_gate(gate, loss, slope, c, constant(before))


def gate_by_position(gate, loss, slope, c, before):
    shift = np.reshape(np.arange(float(np.size(c))), np.shape(c))
    return true_gate(gate, loss, slope, c + shift, before)


BUGS = [
    ("second_order", mean_for_sum, theorems.zero_weights_are_sgd),
    ("update", uphill, theorems.zero_weights_are_sgd),
    ("update", constant_start, theorems.zero_weights_follow_fomaml),
    ("constant", lambda tree: tree, theorems.zero_weights_follow_fomaml),
    ("update", nothing_forgotten, theorems.constant_gates_decay),
    ("update", nothing_forgotten, theorems.forgetting_is_ridge_regression),
    ("constant", lambda tree: tree, theorems.what_constant_gradients_leave_out),
    ("update", gates_swapped, theorems.the_equations_by_hand),
    ("open_gate", no_memory, theorems.the_equations_by_hand),
    ("open_gate", blind_to_itself, theorems.the_equations_by_hand),
    ("log_and_sign", lambda x: x * np.array([1.0, 1.0]), theorems.the_equations_by_hand),
    ("open_gate", gate_by_position, theorems.coordinates_may_be_relabelled),
    ("second_order", one_loss_for_all, theorems.tasks_do_not_see_each_other),
    ("constant", lambda tree: tree, theorems.gradients_and_losses_are_constants),
    ("open_gate", memory_constant, theorems.gradients_and_losses_are_constants),
    ("open_gate", memory_constant, theorems.second_order_follows_all),
    ("update", constant_start, theorems.second_order_follows_all),
]


@pytest.mark.parametrize("name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, name, bug, theorem):
    assert judge(theorem()).holds
    true = getattr(meta_lstm, name)
    monkeypatch.setattr(meta_lstm, name, bug)
    verdict = judge(theorem())
    monkeypatch.setattr(meta_lstm, name, true)
    assert not verdict.holds


# ---- What users ask for at the edges ----


def test_a_fresh_one_forgets_little_and_steps_about_a_hundredth():
    """sigmoid(4) < f < sigmoid(5) and sigmoid(-5) < i < sigmoid(-4), up to weights of 0.01."""
    learner_meta, data = meta_lstm.init(rng(), NET), task().support
    _, forget, input = meta_lstm.trajectory(learner_meta, data, NET, steps=1)[1]
    f, i = map(flatten, (forget, input))
    assert 0.981 < f.min() and f.max() < 0.994
    assert 0.006 < i.min() and i.max() < 0.019


def test_zero_updates_predict_with_the_start_itself():
    learner = meta_lstm.learner(NET, steps=0)
    meta = learner.init(rng())
    state = learner.adapt(meta, task().support)
    start = NET.apply(copies(meta["start"], 3), task().query.x)
    assert_array_equal(learner.predict(meta, state, task().query.x), start)


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_it_refuses_what_is_no_number_of_updates(steps):
    with pytest.raises((TypeError, ValueError), match="steps must be"):
        meta_lstm.learner(NET, steps=steps)


def test_one_task_and_one_shot_are_enough():
    learner = meta_lstm.learner(NET)
    assert evaluate(learner, learner.init(rng()), task(tasks=1, shots=1)).shape == (1,)


def test_zero_shots_are_refused():
    none = task()._replace(support=Data(numpy.zeros((3, 0, 1)), numpy.zeros((3, 0, 1))))
    learner = meta_lstm.learner(NET)
    with pytest.raises(ValueError, match="at least one example"):
        evaluate(learner, learner.init(rng()), none)


def test_a_support_that_is_fitted_already_is_left_to_the_forget_gate():
    """Loss and slopes are 0: read as (-1, 0), they are finite, and c <- f c."""
    meta = meta_lstm.init(rng(), NET)
    x = task().support.x
    fitted = Data(x, NET.apply(copies(meta["start"], 3), x))
    phi, forget, _ = meta_lstm.trajectory(meta, fitted, NET, steps=1)[1]
    for c, f, start in zip(leaves(phi), leaves(forget), leaves(meta["start"])):
        assert_allclose(c, f * start, rtol=1e-14)


def test_a_float32_program_stays_float32():
    use(dtype="float32")
    try:
        learner = meta_lstm.learner(NET, steps=2)
        meta = learner.init(rng())
        found = (
            learner.adapt(meta, task().support),
            grad(lambda meta: meta_loss(learner, meta, task()))(meta),
        )
    finally:
        use(dtype="float64")
    assert {leaf.dtype for leaf in leaves([meta, *found])} == {numpy.dtype("float32")}


def test_the_common_loop_trains_start_and_gates():
    learner = meta_lstm.learner(NET, steps=2)
    fixed = lambda r: task()
    meta, history = meta_train(learner, fixed, rng(), 40)
    assert history[-1] < history[0]
    moved = tree_map(lambda a, b: numpy.abs(a - b).max(), meta, learner.init(rng()))
    assert min(leaves(moved)) > 0.0


def test_it_classifies_with_integer_labels():
    """The loss is the learner's to choose; a few small steps lower it on the support."""
    x = rng(1).normal(size=(3, 8, 2))
    labels = (x[..., 0] > 0).astype(int)
    episode = Task(*2 * [Data(x, labels)])
    net = mlp([2, 8, 2], activation=np.tanh, gain=1.0)
    learner = meta_lstm.learner(net, cross_entropy, steps=20)
    meta = learner.init(rng())
    meta = {**meta, "forget": {**meta["forget"], "b": numpy.array([20.0])}}  # no decay
    before = cross_entropy(net.apply(copies(meta["start"], 3), x), labels)
    assert (evaluate(learner, meta, episode) < before).all()


def test_the_loss_adapted_on_need_not_be_the_loss_judged_by():
    """Adapting on half the loss is adapting on slopes and losses of half the size."""
    half = lambda *pair: 0.5 * mse(*pair)
    meta, data = meta_lstm.init(rng(), NET), task().support
    losses, slopes = meta_lstm.second_order(copies(meta["start"], 3), data, NET, mse)
    halves = meta_lstm.first_order(copies(meta["start"], 3), data, NET, half)
    for a, b in zip(leaves(halves), leaves((losses, slopes))):
        assert_allclose(2.0 * a, b, rtol=1e-13)


def test_the_meta_gradient_on_a_device_moves_nothing_and_is_the_same():
    learner = meta_lstm.learner(NET, steps=3)
    slope = lambda meta, task: grad(lambda meta: meta_loss(learner, meta, task))(meta)
    meta, whole = learner.init(rng()), task()
    use(standin, "float64")
    try:
        there = to_device((meta, whole))
        with standin.forbid():
            found = slope(*there)
        found = to_host(found)
    finally:
        use(numpy, "float64")
    for a, b in zip(leaves(found), leaves(slope(meta, whole))):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)
