"""What every learner of the package owes its users, one row a learner.

Many tasks at once equal the loop over tasks; nothing given is changed; one seed, one answer; the
meta-gradient is right; and on tasks whose Bayes-optimal answer is known, nobody is below it.
"""

from typing import NamedTuple

import numpy
import pytest
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.trees import leaves, tree_map, unflatten
from minimeta.exact import linear_gaussian
from minimeta.initializations import anil, fine_tuning, fomaml, imaml, maml, meta_sgd, reptile
from minimeta.learned_optimizers import lstm_optimizer, meta_lstm
from minimeta.memories import recurrent
from minimeta.meta import Learner, evaluate, meta_loss
from minimeta.nets import mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import linear

NOISE = 0.25
NET = mlp([2, 8, 1], activation=np.tanh, gain=1.0)


class Row(NamedTuple):
    """A learner of linear maps from two inputs to one output."""

    name: str
    learner: Learner
    first_order: bool = False  # its meta-gradient is not the meta-loss's, and is not meant to be


ROWS = [
    Row("linear_gaussian", linear_gaussian.learner(numpy.zeros((2, 1)), numpy.eye(2), NOISE)),
    Row(
        "linear_gaussian, wrong prior",
        linear_gaussian.learner(numpy.ones((2, 1)), 0.1 * numpy.eye(2), NOISE),
    ),
    Row("lstm_optimizer", lstm_optimizer.learner(NET, steps=3, layers=1), first_order=True),
    Row("meta_lstm", meta_lstm.learner(NET, steps=3), first_order=True),
    Row("recurrent", recurrent.learner(2, hidden=5)),
    Row("maml", maml.learner(NET, step_size=0.1, steps=3)),
    Row("fomaml", fomaml.learner(NET, step_size=0.1, steps=3), first_order=True),
    Row("reptile", reptile.learner(NET, steps=3, batch=2)),
    Row("anil", anil.learner(NET, step_size=0.1, steps=3)),
    Row("meta_sgd", meta_sgd.learner(NET, step_size=0.1, steps=2)),
    Row("imaml", imaml.learner(NET, step_size=0.1, steps=5)),
    Row("fine_tuning", fine_tuning.learner(NET, step_size=0.1, steps=3)),
]
every = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)

# Learners whose outer loop follows a rule of its own, and that rule.
IMAML = dict(step_size=0.1, steps=5)
RULES = {
    "fine_tuning": (maml.learner(NET, steps=0), fine_tuning.joint_gradient(NET)),
    "reptile": (
        reptile.learner(NET, steps=3, batch=2),
        reptile.meta_gradient(NET, steps=3, batch=2),
    ),
    "imaml": (imaml.learner(NET, **IMAML), imaml.meta_gradient(NET, **IMAML)),
}


def tasks(count=6, shots=4, queries=5, seed=0):
    rng = numpy.random.default_rng(seed)
    return linear(rng, count, shots, queries, covariance=numpy.eye(2), noise_variance=NOISE)


def one(task, m):
    """Task m alone, as a batch of one."""
    return Task(*(Data(data.x[m : m + 1], data.y[m : m + 1]) for data in task))


@every
def test_many_tasks_are_the_loop_over_tasks(row):
    meta, task = row.learner.init(numpy.random.default_rng(1)), tasks()
    alone = [evaluate(row.learner, meta, one(task, m))[0] for m in range(6)]
    assert_allclose(evaluate(row.learner, meta, task), alone, rtol=1e-12)


@every
def test_nothing_given_is_changed_and_the_answer_is_repeatable(row):
    meta, task = row.learner.init(numpy.random.default_rng(1)), tasks()
    before = [leaf.copy() for leaf in leaves((meta, task))]
    first = evaluate(row.learner, meta, task)
    assert_array_equal(first, evaluate(row.learner, meta, task))
    assert all((a == b).all() for a, b in zip(before, leaves((meta, task))))
    again = row.learner.init(numpy.random.default_rng(1))
    assert all((a == b).all() for a, b in zip(leaves(meta), leaves(again)))


@every
def test_the_order_of_the_tasks_does_not_matter(row):
    meta, task = row.learner.init(numpy.random.default_rng(1)), tasks()
    turned = tree_map(lambda a: a[::-1], task)
    there, back = evaluate(row.learner, meta, task), evaluate(row.learner, meta, turned)
    assert_allclose(there, back[::-1], rtol=1e-12)


@every
def test_the_answer_has_the_shape_of_the_labels(row):
    meta, task = row.learner.init(numpy.random.default_rng(1)), tasks()
    state = row.learner.adapt(meta, task.support)
    answer = row.learner.predict(meta, state, task.query.x)
    assert answer.shape == task.query.y.shape


@pytest.mark.parametrize("row", [row for row in ROWS if not row.first_order], ids=lambda r: r.name)
def test_the_meta_gradient_is_right(row):
    meta, task = row.learner.init(numpy.random.default_rng(1)), tasks(count=2)
    start = leaves(meta)
    f = lambda *flat: meta_loss(row.learner, unflatten(meta, flat), task)
    if start:
        check_grads(f, modes=["rev"], order=1)(*start)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_its_own_reports_the_meta_loss_and_averages_over_tasks(name):
    learner, rule = RULES[name]
    meta, task = learner.init(numpy.random.default_rng(1)), tasks()
    value, direction = rule(meta, task)
    assert_allclose(value, meta_loss(learner, meta, task), rtol=1e-12)
    alone = [leaves(rule(meta, one(task, m))[1]) for m in range(6)]
    for whole, *parts in zip(leaves(direction), *alone):
        assert_allclose(whole, sum(parts) / 6, rtol=1e-9, atol=1e-13)


@every
def test_nobody_beats_bayes(row):
    task = tasks(count=2000, seed=7)
    bayes = evaluate(ROWS[0].learner, {}, task)
    meta = row.learner.init(numpy.random.default_rng(1))
    excess = evaluate(row.learner, meta, task) - bayes  # paired: the same tasks
    assert excess.mean() >= -4 * excess.std() / len(excess) ** 0.5
