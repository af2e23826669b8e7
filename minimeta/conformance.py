"""What every learner owes its users, asked of any learner: yours or ours.

    for answer in conform(my_learner, family): print(answer)

`family` is a Family(sample, bayes): sample(rng, tasks, shots, queries) -> Task, and the learner
that no other is below on average, or None where nobody knows it. Each question has an answer in
numbers. `tests/test_conformance.py` asks every learner of the package.
"""

from typing import NamedTuple

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.learner import fold
from minimeta.core.trees import dot, flatten, leaves, like, tree_map
from minimeta.meta import along, evaluate, meta_loss
from minimeta.tasks import Data, Task

ROUNDING = 1e-9  # relative: what a sum in another order may change
STEP = 1e-5  # of the central differences, whose own error is then near 1e-9
SLACK = 1e-5  # relative: how far a gradient may be from differences
SIGMAS = 4.0  # a true statement about a mean fails by chance once in 30,000
TASKS, MANY = 6, 2000  # for exact questions, and for the one about a mean


class Answer(NamedTuple):
    """One question, whether the learner passed, and the number that decided it."""

    question: str
    holds: bool
    value: float
    allowed: float

    def __str__(self):
        mark = "ok  " if self.holds else "FAIL"
        return f"{mark}  {self.question} ({self.value:.2g}, at most {self.allowed:.2g})"


def conform(learner, family, shots=4, queries=5, seed=0, first_order=False):
    """The Answers of a learner on a family, a list: the questions below, those that apply.

    first_order=True leaves out the question about the meta-gradient, for learners whose gradient
    is not that of the meta-loss and is not meant to be.
    """
    rng = numpy.random.default_rng(seed)
    meta = learner.init(numpy.random.default_rng(seed + 1))
    task = family.sample(rng, TASKS, shots, queries)
    asked = [tasks_equal_the_loop, nothing_is_changed, one_seed_one_answer, order_of_tasks]
    asked += [one_answer_a_label]
    if leaves(meta) and not first_order:
        asked.append(meta_gradient_is_right)
    if learner.observe:
        asked += [adapt_is_the_fold, along_is_the_fold, no_label_is_seen_early]
    answers = [ask(learner, meta, task) for ask in asked]
    if family.bayes is not None and one_answer_a_label(learner, meta, task).holds:
        many = family.sample(rng, MANY, shots, queries)
        answers.append(nobody_beats_bayes(learner, meta, many, family.bayes))
    return answers


def tasks_equal_the_loop(learner, meta, task):
    """Many tasks at once are answered as each task alone."""
    together = evaluate(learner, meta, task)
    alone = [evaluate(learner, meta, one(task, m))[0] for m in range(len(together))]
    return equal("Many tasks at once equal the loop over tasks.", together, alone)


def nothing_is_changed(learner, meta, task):
    """The parameters and the data are as they were, bit for bit."""
    before = [np.array(leaf) for leaf in leaves((meta, task))]
    evaluate(learner, meta, task)
    changed = sum(bool(np.any(a != b)) for a, b in zip(before, leaves((meta, task))))
    return Answer("Nothing that the learner is given is changed.", changed == 0, changed, 0)


def one_seed_one_answer(learner, meta, task):
    """The same call gives the same bits again, and so does the same seed."""
    again = learner.init(numpy.random.default_rng(1)), learner.init(numpy.random.default_rng(1))
    calls = [evaluate(learner, meta, task) for _ in range(2)]
    same = all(np.all(a == b) for a, b in zip(*map(leaves, again))) and np.all(calls[0] == calls[1])
    return Answer("One seed and one call give one answer.", bool(same), float(not same), 0)


def order_of_tasks(learner, meta, task):
    """Turning the batch round turns the losses round and does nothing else."""
    turned = tree_map(lambda leaf: leaf[::-1], task)
    there, back = evaluate(learner, meta, task), evaluate(learner, meta, turned)
    return equal("The order of the tasks does not matter.", there, back[::-1])


def one_answer_a_label(learner, meta, task):
    """As many answers as labels, and one loss for each task."""
    answer = learner.predict(meta, learner.adapt(meta, task.support), task.query.x)
    axes = np.shape(answer)[:2] == np.shape(task.query.y)[:2]
    wrong = float(not axes or np.shape(learner.loss(answer, task.query.y)) != (TASKS,))
    return Answer(
        "There is an answer for each label and a loss for each task.", not wrong, wrong, 0
    )


def meta_gradient_is_right(learner, meta, task):
    """Along five random directions the gradient of the meta-loss equals central differences."""
    rng, f = numpy.random.default_rng(2), lambda meta: meta_loss(learner, meta, task)
    _, gradient = value_and_grad(f)(meta)
    worst = 0.0
    for _ in range(5):
        way = like(meta, np.asarray(rng.normal(size=np.shape(flatten(meta)))))
        moved = [tree_map(lambda p, w, s=s: p + s * STEP * w, meta, way) for s in (1.0, -1.0)]
        difference = (f(moved[0]) - f(moved[1])) / (2 * STEP)
        gap = abs(float(dot(gradient, way)) - float(difference))
        worst = max(worst, gap / max(1.0, abs(float(difference))))
    return Answer("The meta-gradient equals differences.", worst <= SLACK, worst, SLACK)


def adapt_is_the_fold(learner, meta, task):
    """Seeing the support at once leaves the state that seeing its examples in turn leaves."""
    slow = learner._replace(adapt=fold(learner.start, learner.observe))
    one_way, other = evaluate(learner, meta, task), evaluate(slow, meta, task)
    return equal("adapt is the fold of observe.", one_way, other)


def along_is_the_fold(learner, meta, task):
    """A whole sequence in one call gives what one example after another gives."""
    slow = along(learner._replace(along=None), meta, task.support)
    return equal("along is the fold of observe.", along(learner, meta, task.support), slow)


def no_label_is_seen_early(learner, meta, task):
    """Another label changes no answer up to its own."""
    x, y = task.support
    middle = y.shape[1] // 2
    other = np.concatenate([y[:, :middle], y[:, middle:] + 1.0], axis=1)
    answers = [along(learner, meta, Data(x, labels))[:, : middle + 1] for labels in (y, other)]
    return equal("No label is seen before its answer.", *answers)


def nobody_beats_bayes(learner, meta, task, bayes):
    """On paired tasks the mean loss is not below the floor, except by chance.

    The loss is that of `bayes`, because it is best at no other one.
    """
    floor = evaluate(bayes, {}, task)
    excess = evaluate(learner, meta, task, bayes.loss) - floor
    below = -float(excess.mean())
    allowed = SIGMAS * float(excess.std()) / len(excess) ** 0.5
    return Answer("Nobody beats Bayes.", below <= allowed, below, allowed)


def one(task, m):
    """Task m alone, as a batch of one."""
    return Task(*(Data(data.x[m : m + 1], data.y[m : m + 1]) for data in task))


def equal(question, computed, expected):
    """The Answer to whether two arrays are equal up to rounding."""
    computed, expected = numpy.asarray(computed), numpy.asarray(expected)
    if computed.shape != expected.shape:
        return Answer(question, False, numpy.inf, ROUNDING)
    gap = numpy.max(numpy.abs(computed - expected)) / max(1.0, numpy.max(numpy.abs(expected)))
    return Answer(question, bool(gap <= ROUNDING), float(gap), ROUNDING)
