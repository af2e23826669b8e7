"""The LSTM meta-learner: each planted bug makes a theorem fail; unusual calls work or are refused.

What it computes is stated by theorems (theorems/recurrent.py).
"""

from functools import partial

import numpy
import pytest
from derivatives import EXACT, on_device, same
from helpers import close, instead, is_single, refused, rng, single_precision, times, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.replay import replay
from minimeta.core.trees import leaves, tree_map
from minimeta.exact import linear_gaussian
from minimeta.memories import recurrent
from minimeta.meta import evaluate, learning_curve, meta_loss, sequence_loss
from minimeta.nets import lstm
from minimeta.tasks import Data
from minimeta.tasks.regression import linear
from minimeta.theorems import REGISTRY
from minimeta.theorems import recurrent as theorems
from minimeta.training import sequence_train


def tasks(count=4, shots=5, queries=3, inputs=1):
    return linear(rng(), count, shots, queries, numpy.eye(inputs), noise_variance=0.01)


# ---- Planted bugs: each makes a named theorem fail ----


def leaking(meta, data):
    """x_t with its own label: the label is not shifted."""
    return recurrent.cell_input(meta, data.x, data.y)


def shifted_twice(meta, data):
    none = np.zeros_like(data.y[:, :2])
    return recurrent.cell_input(meta, data.x, np.concatenate([none, data.y[:, :-2]], axis=1))


def eager(meta, state, x, y):
    """observe, but the cell reads the label together with its own input."""
    h, c = lstm.cell(meta["cell"], (state["h"], state["c"]), recurrent.cell_input(meta, x, y))
    return {"h": h, "c": c, "label": y}


def last_label_lost(f):
    zeroed = lambda state: {**state, "label": 0.0 * state["label"]}
    return lambda meta, support: zeroed(f(meta, support))


def moving(meta, state, x):
    """predict, but each query moves the state for the next."""
    answers = []
    for q in range(x.shape[1]):
        state = recurrent.observe(meta, state, x[:, q], state["label"])
        answers.append(recurrent.read(meta, state["h"]))
    return np.stack(answers, axis=1)


def tasks_mixed(f):
    return lambda meta, h: f(meta, h) + 0.1 * np.mean(f(meta, h), axis=0)


def gates_swapped(f):
    """An LSTM whose input gate and forget gate are swapped."""
    swap = lambda W: np.concatenate([np.split(W, 4, axis=-1)[k] for k in (1, 0, 2, 3)], axis=-1)
    return lambda params, *rest: f(tree_map(swap, params), *rest)


def queries_only(learner, meta, task):
    """A loss that trains at one length only."""
    return meta_loss(learner, meta, task)


def clairvoyant(meta, data):
    """The answers are the labels: below Bayes, since a label has noise."""
    return data.y


def a_step_late(f):
    return lambda x, *rest: f(np.concatenate([x[:, 1:], x[:, :1]], axis=1), *rest)


leak, twice = instead(leaking), instead(shifted_twice)
BUGS = [
    (recurrent, "cell_inputs", leak, "no_label_is_seen_before_its_answer"),
    (recurrent, "cell_inputs", twice, "no_label_is_seen_before_its_answer"),
    (recurrent, "observe", instead(eager), "adapt_is_the_fold_of_observe"),
    (recurrent, "adapt", last_label_lost, "shots_are_positions"),
    (recurrent, "cell_inputs", leak, "shots_are_positions"),
    (lstm, "lstm", gates_swapped, "the_sequence_is_its_equations"),
    (recurrent, "cell_inputs", leak, "the_sequence_is_its_equations"),
    (theorems, "sequence_loss", instead(queries_only), "the_sequence_loss_is_a_mean_over_shots"),
    (theorems, "sequence_loss", times(2.0), "the_gradient_is_that_of_the_fold"),
    (recurrent, "predict", instead(moving), "queries_do_not_see_each_other"),
    (recurrent, "read", tasks_mixed, "tasks_do_not_see_each_other"),
    (lstm, "lstm", gates_swapped, "a_cell_can_average"),
    (recurrent, "cell_inputs", leak, "a_cell_can_average"),
    (lstm, "lstm", gates_swapped, "a_cell_can_be_bayes"),
    (recurrent, "cell_inputs", twice, "a_cell_can_be_bayes"),
    (lstm, "lstm", gates_swapped, "five_cells_can_descend"),
    (recurrent, "cell_inputs", leak, "five_cells_can_descend"),
    (linear_gaussian, "sequential", a_step_late, "the_floor_is_the_risk"),
    (recurrent, "predict_along", instead(clairvoyant), "nobody_beats_bayes"),
]
THEOREMS = {t.name: t for t in REGISTRY if t.topic == "recurrent"}


@pytest.mark.parametrize("module, name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    turns_red(monkeypatch, THEOREMS[theorem].prove, module, name, bug)


def test_every_theorem_of_this_topic_has_its_bug():
    assert {theorem for *_, theorem in BUGS} == set(THEOREMS)


# ---- What it sees when ----


def test_a_label_changes_no_answer_up_to_its_own_and_every_one_after():
    """Changes, where the theorem has derivatives: not a bit before, something after."""
    (x, y), _ = tasks(shots=6)
    meta = recurrent.init(rng(), 1, 1, 8)
    before = recurrent.predict_along(meta, Data(x, y))
    for t in range(6):
        other = y.copy()
        other[:, t] += 1.0
        after = recurrent.predict_along(meta, Data(x, other))
        assert_array_equal(after[:, : t + 1], before[:, : t + 1])
        assert (after[:, t + 1 :] != before[:, t + 1 :]).all()


def test_without_examples_the_state_is_zero_and_the_answer_knows_only_x():
    learner, task = recurrent.learner(1, hidden=4), tasks()
    meta = learner.init(rng())
    state = learner.adapt(meta, Data(task.support.x[:, :0], task.support.y[:, :0]))
    assert all((part == 0).all() for part in leaves(state))
    assert [state[name].shape for name in ("h", "c", "label")] == [(4, 4), (4, 4), (4, 1)]
    same_x = numpy.broadcast_to(task.query.x[:1], task.query.x.shape)
    answers = learner.predict(meta, state, same_x)
    assert_array_equal(answers, numpy.broadcast_to(answers[:1], answers.shape))


def test_predict_leaves_the_state_as_it_was():
    learner, task = recurrent.learner(1, hidden=4), tasks()
    meta = learner.init(rng())
    state = learner.adapt(meta, task.support)
    before = tree_map(numpy.copy, state)
    learner.predict(meta, state, task.query.x)
    close(state, before)


def test_a_learning_curve_is_a_curve_along_the_sequence():
    """One query, the next example: shots 0 to 5 are positions 1 to 6."""
    learner, task = recurrent.learner(1, hidden=4), tasks(shots=6)
    meta = learner.init(rng())
    errors = (recurrent.predict_along(meta, task.support) - task.support.y) ** 2  # (M, 6, 1)
    for s in range(6):
        next_one = task._replace(query=Data(*(part[:, s : s + 1] for part in task.support)))
        curve = learning_curve(learner, meta, next_one, [s])
        assert_allclose(curve[0], errors[:, s, 0], rtol=1e-12)


# ---- Training ----


def test_training_lowers_the_error_and_is_the_same_when_replayed():
    sample = lambda rng: linear(rng, 32, 7, 1, numpy.eye(1), noise_variance=0.01)
    learner = recurrent.learner(1, hidden=8)
    follow = value_and_grad(lambda meta, task: sequence_loss(learner, meta, task))
    meta, _ = sequence_train(learner, sample, rng(), 200, optimizer=adam(0.02))
    new = linear(rng(1), 1000, 7, 1, numpy.eye(1), noise_variance=0.01)
    before, after = (sequence_loss(learner, m, new) for m in (learner.init(rng()), meta))
    assert after < 0.6 * before
    task, fast = sample(rng(2)), replay(follow)
    for _ in range(2):
        close(fast(meta, task), follow(meta, task))


def test_on_a_device_nothing_moves_and_the_numbers_are_the_same():
    loss = lambda meta, task: sequence_loss(recurrent.learner(2), meta, task)

    def everything(meta, task):
        state = recurrent.adapt(meta, task.support)
        none = recurrent.adapt(meta, Data(*(part[:, :0] for part in task.support)))
        answers = [recurrent.predict(meta, state, task.query.x) for state in (state, none)]
        return value_and_grad(loss)(meta, task), state, answers

    args = recurrent.init(rng(), 2, 1, 4), tasks(inputs=2)
    same(on_device(everything, *args), everything(*args), EXACT)


def test_a_float32_program_stays_float32():
    with single_precision():
        learner, task = recurrent.learner(2, 1, hidden=4), tasks(inputs=2)
        meta = learner.init(rng())
        value, gradient = value_and_grad(lambda m: sequence_loss(learner, m, task))(meta)
        state = learner.adapt(meta, task.support)
        answer = learner.predict(meta, state, task.query.x)
        none = learner.adapt(meta, Data(task.support.x[:, :0], task.support.y[:, :0]))
    assert is_single(meta, value, gradient, state, answer, none)


def test_fresh_answers_are_of_the_size_of_the_labels():
    """W ~ N(0, 1 / H) and b = 0: the scale of h does not grow or shrink with H on its way out."""
    read = recurrent.init(rng(), 1, 100, 100)["read"]
    assert abs(100 * (read["W"] ** 2).mean() - 1.0) < 4 * (2 / 100**2) ** 0.5
    assert_array_equal(read["b"], numpy.zeros(100))
    assert recurrent.learner(3, 2).init(rng())["read"]["W"].shape == (32, 2)


def test_another_loss_is_what_training_follows():
    meta, task = recurrent.init(rng(), 1, 1, 4), tasks()
    triple = lambda prediction, target: 3.0 * mse(prediction, target)
    gradient = grad(lambda meta, loss: sequence_loss(recurrent.learner(1, loss=loss), meta, task))
    three_times = tree_map(lambda g: 3.0 * g, gradient(meta, mse))
    close(gradient(meta, triple), three_times, rtol=1e-12)


# ---- What is refused ----


@pytest.mark.parametrize("bad", [{"inputs": 0}, {"outputs": 1.5}, {"hidden": "many"}])
def test_sizes_are_whole_numbers(bad):
    refused(lambda: recurrent.learner(**{"inputs": 1, **bad}), f"{next(iter(bad))} must be")


def test_examples_of_another_size_are_refused_in_a_sentence():
    learner = recurrent.learner(1, hidden=4)
    meta, wide = learner.init(rng()), tasks(inputs=2)
    sentence = r"x and y must be \(..., 1\) and \(..., 1\)"
    refused(lambda: evaluate(learner, meta, wide), sentence, ValueError)
    state, sentence = recurrent.start(meta, wide.query.x), r"they are \(4, 3, 2\) and \(4, 3, 1\)"
    refused(lambda: learner.predict(meta, state, wide.query.x), sentence, ValueError)


def test_labels_of_another_size_or_length_are_refused_in_a_sentence():
    learner, (x, y) = recurrent.learner(1, hidden=4), tasks().support
    meta = learner.init(rng())
    for wrong in (numpy.concatenate([y, y], axis=-1), y[:, :-1], y[:-1]):
        refused(partial(learner.adapt, meta, Data(x, wrong)), "x and y must be", ValueError)
