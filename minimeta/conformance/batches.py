"""Questions about batches: a task is answered by its own data alone, and so is a query."""

import numpy

from minimeta.conformance.answers import (
    ROUNDING,
    Finding,
    answers_of,
    apart,
    exchange,
    losses_of,
    one,
    rows,
)
from minimeta.core.backend import np
from minimeta.tasks import Data

LEAK = "a leak between tasks"
ANOTHER = "the support of another task is used"
MEAN, SUM = "a mean over tasks where a sum belongs", "a sum over tasks where a mean belongs"
PLACE = "answers that depend on the place of a task in the batch"
LOSS = "a loss that mixes the tasks"
STALE = "hidden state: what an earlier call has left is used"
QUERIES = "a leak between queries"


def tasks_equal_the_loop(learner, meta, task, other):
    """Many tasks at once equal the loop over tasks."""
    gaps = []
    for f in (answers_of, losses_of):
        alone = [f(learner, meta, one(task, m)) for m in range(len(task.query.x))]
        gaps.append(apart(f(learner, meta, task), numpy.concatenate(alone)))
    fault = LOSS if gaps[0] <= ROUNDING else lambda: name_mixing(learner, meta, task, other)
    return Finding(max(gaps), ROUNDING, fault)


def other_tasks_do_not_matter(learner, meta, task, other):
    """A change of one task changes no answer to another."""
    gaps = [off(learner, meta, task, other, of) for of in (0, len(task.query.x) - 1)]
    return Finding(max(gaps), ROUNDING, lambda: name_mixing(learner, meta, task, other))


def order_of_tasks(learner, meta, task, other):
    """The order of the tasks does not matter."""
    turned = rows(task, range(len(task.query.x))[::-1])
    gap = apart(answers_of(learner, meta, turned)[::-1], answers_of(learner, meta, task))
    return Finding(gap, ROUNDING, lambda: name_mixing(learner, meta, task, other))


def queries_do_not_matter(learner, meta, task, other):
    """The answer to a query does not depend on the other queries."""
    together, half = answers_of(learner, meta, task), (task.query.x.shape[1] + 1) // 2
    ask = lambda change: answers_of(learner, meta, task._replace(query=Data(*map(change, *pairs))))
    pairs = task.query, other.query
    mixed = ask(lambda mine, others: np.concatenate([mine[:, :half], others[:, half:]], axis=1))
    fewer = ask(lambda mine, others: mine[:, :half])
    turned = ask(lambda mine, others: mine[:, ::-1])
    gaps = [apart(answers[:, :half], together[:, :half]) for answers in (mixed, fewer)]
    return Finding(max(*gaps, apart(turned[:, ::-1], together)), ROUNDING, QUERIES)


def order_of_examples(learner, meta, task, other):
    """The order of the support examples does not matter."""
    order = numpy.random.default_rng(3).permutation(task.support.x.shape[1])
    turned = task._replace(support=Data(task.support.x[:, order], task.support.y[:, order]))
    gap = apart(answers_of(learner, meta, turned), answers_of(learner, meta, task))
    return Finding(gap, ROUNDING, "the order of the examples matters")


def order_of_classes(learner, meta, task, other):
    """The order of the classes does not matter."""
    order = numpy.roll(numpy.arange(task.query.y.shape[-1]), 1)
    support, query = (Data(data.x, data.y[..., order]) for data in task)
    turned = answers_of(learner, meta, task._replace(support=support, query=query))
    gap = apart(turned, answers_of(learner, meta, task)[..., order])
    return Finding(gap, ROUNDING, "the order of the classes matters")


# ---- Which mistake it is ----


def name_mixing(learner, meta, task, other):
    """Why a task is answered otherwise in a batch than alone."""
    M = len(task.query.x)
    by_support = [influence(learner, meta, task, other, of, "support") for of in range(M)]
    own = numpy.diagonal(by_support)
    if max(off(learner, meta, task, other, of) for of in range(M)) > ROUNDING:
        others = numpy.max(by_support - numpy.diag(own), axis=0)
        return ANOTHER if numpy.any((own <= ROUNDING) & (others > ROUNDING)) else LEAK
    copies = answers_of(learner, meta, rows(task, [0] * M))
    if apart(copies, numpy.broadcast_to(copies[:1], copies.shape)) > ROUNDING:
        return STALE if max(own) <= ROUNDING else PLACE
    alone = influence(learner, meta, one(task, 0), one(other, 0), 0, "support")[0]
    return STALE if max(alone, own[0]) <= ROUNDING else MEAN if own[0] < alone else SUM


def off(learner, meta, task, other, of):
    """How far the answers to the other tasks move if task `of` gets other data."""
    moved = influence(learner, meta, task, other, of, "support", "query")
    return max(numpy.delete(moved, of), default=0.0)


def influence(learner, meta, task, other, of, *parts):
    """How far the answers to each task move, (M,), if these parts of task `of` are of `other`."""
    exchanged = exchange(task, of, **{name: getattr(other, name) for name in parts})
    pairs = answers_of(learner, meta, exchanged), answers_of(learner, meta, task)
    return numpy.array([apart(*rows) for rows in zip(*pairs)])
