"""The meta-LSTM: each planted bug makes a theorem fail; unusual calls work or are refused.

The equations themselves are theorems (theorems/meta_lstm.py).
"""

import numpy
import pytest
from derivatives import on_device
from helpers import close, given, instead, is_single, refused, rng, single_precision, turns_red
from helpers import waves as task
from numpy.testing import assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.trees import copies, flatten, leaves, tree_map
from minimeta.learned_optimizers import meta_lstm
from minimeta.meta import evaluate, meta_loss
from minimeta.nets import mlp
from minimeta.tasks import Data, Task
from minimeta.theorems import meta_lstm as theorems
from minimeta.training import meta_train

NET = mlp([1, 6, 1], activation=np.tanh)

# ---- Planted bugs: each makes a named theorem fail ----


def mean_for_sum(f):
    def see(*args):
        losses, gradient = f(*args)
        return losses, tree_map(lambda g: g / len(losses), gradient)

    return see


def one_loss_for_all(f):
    def see(*args):
        losses, gradient = f(*args)
        return np.mean(losses) * np.ones_like(losses), gradient

    return see


def nothing_forgotten(f):
    def update(meta, phi, *rest):
        new, forget, input = f(meta, phi, *rest)
        keep = lambda new, old, f: new + (1.0 - f) * old
        return tree_map(keep, new, phi, forget), forget, input

    return update


def gates_swapped(f):
    return lambda meta, phi, forget, input, *rest: f(meta, phi, input, forget, *rest)


def place_added(c):
    return c + np.reshape(np.arange(float(np.size(c))), np.shape(c))


zero = lambda value: 0.0 * value
uphill = given(5, lambda gradient: tree_map(lambda g: -g, gradient))
constant_start = given(1, constant)
not_constant = instead(lambda tree: tree)
blind_to_itself, by_position = given(3, zero), given(3, place_added)
no_memory, constant_memory = given(4, zero), given(4, constant)
BUGS = [
    ("second_order", mean_for_sum, theorems.zero_weights_are_sgd),
    ("update", uphill, theorems.zero_weights_are_sgd),
    ("update", constant_start, theorems.zero_weights_follow_fomaml),
    ("constant", not_constant, theorems.zero_weights_follow_fomaml),
    ("update", nothing_forgotten, theorems.constant_gates_decay),
    ("update", nothing_forgotten, theorems.forgetting_is_ridge_regression),
    ("constant", not_constant, theorems.what_constant_gradients_leave_out),
    ("update", gates_swapped, theorems.the_equations_by_hand),
    ("open_gate", no_memory, theorems.the_equations_by_hand),
    ("open_gate", blind_to_itself, theorems.the_equations_by_hand),
    ("log_and_sign", instead(lambda x: x * np.array([1.0, 1.0])), theorems.the_equations_by_hand),
    ("open_gate", by_position, theorems.coordinates_may_be_relabelled),
    ("second_order", one_loss_for_all, theorems.tasks_do_not_see_each_other),
    ("constant", not_constant, theorems.gradients_and_losses_are_constants),
    ("open_gate", constant_memory, theorems.gradients_and_losses_are_constants),
    ("open_gate", constant_memory, theorems.second_order_follows_all),
    ("update", constant_start, theorems.second_order_follows_all),
]


@pytest.mark.parametrize("name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, name, bug, theorem):
    turns_red(monkeypatch, theorem, meta_lstm, name, bug)


# ---- What users ask for at the edges ----


def test_a_fresh_one_forgets_little_and_steps_about_a_hundredth():
    """sigmoid(4) < f < sigmoid(5) and sigmoid(-5) < i < sigmoid(-4), up to weights of 0.01."""
    learner_meta, data = meta_lstm.init(rng(), NET), task().support
    _, forget, input = meta_lstm.trajectory(learner_meta, data, NET, steps=1)[1]
    f, i = flatten(forget), flatten(input)
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
    refused(lambda: meta_lstm.learner(NET, steps=steps), "steps must be")


def test_one_task_and_one_shot_are_enough():
    learner = meta_lstm.learner(NET)
    assert evaluate(learner, learner.init(rng()), task(tasks=1, shots=1)).shape == (1,)


def test_zero_shots_are_refused():
    none = task()._replace(support=Data(numpy.zeros((3, 0, 1)), numpy.zeros((3, 0, 1))))
    learner = meta_lstm.learner(NET)
    call = lambda: evaluate(learner, learner.init(rng()), none)
    refused(call, "at least one example", ValueError)


def test_a_support_that_is_fitted_already_is_left_to_the_forget_gate():
    """Loss and gradient are 0: read as (-1, 0), they are finite, and c <- f c."""
    meta = meta_lstm.init(rng(), NET)
    x = task().support.x
    fitted = Data(x, NET.apply(copies(meta["start"], 3), x))
    phi, forget, _ = meta_lstm.trajectory(meta, fitted, NET, steps=1)[1]
    close(phi, tree_map(np.multiply, forget, copies(meta["start"], 3)), rtol=1e-14)


def test_a_float32_program_stays_float32():
    with single_precision():
        learner = meta_lstm.learner(NET, steps=2)
        meta = learner.init(rng())
        phi = learner.adapt(meta, task().support)
        gradient = grad(lambda meta: meta_loss(learner, meta, task()))(meta)
    assert is_single(meta, phi, gradient)


def test_the_common_loop_trains_start_and_gates():
    learner = meta_lstm.learner(NET, steps=2)
    meta, history = meta_train(learner, lambda r: task(), rng(), 40)
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
    """Adapting on half the loss is adapting on gradients and losses of half the size."""
    half = lambda *pair: 0.5 * mse(*pair)
    meta, data = meta_lstm.init(rng(), NET), task().support
    whole = meta_lstm.second_order(copies(meta["start"], 3), data, NET, mse)
    halves = meta_lstm.first_order(copies(meta["start"], 3), data, NET, half)
    close(tree_map(lambda leaf: 2.0 * leaf, halves), whole, rtol=1e-13)


def test_the_meta_gradient_on_a_device_moves_nothing_and_is_the_same():
    learner = meta_lstm.learner(NET, steps=3)
    gradient = lambda meta, task: grad(lambda meta: meta_loss(learner, meta, task))(meta)
    meta, whole = learner.init(rng()), task()
    close(on_device(gradient, meta, whole), gradient(meta, whole), rtol=1e-9, atol=1e-12)
