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
    gap = max(influence(learner, meta, task, other, m, of=-1 - m)[0] for m in (0, -1))
    return Finding(gap, ROUNDING, lambda: name_mixing(learner, meta, task, other))


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
    last = len(task.query.x) - 1
    pairs = [(0, last), (last, 0), (1, 0), (0, 1)] if last else []
    leak = max(influence(learner, meta, task, other, m, of)[0] for m, of in pairs)
    own = [influence(learner, meta, task, other, m, m)[1] for m in range(last + 1)]
    if leak > ROUNDING:
        of_support = max(influence(learner, meta, task, other, m, of)[1] for m, of in pairs)
        return ANOTHER if min(own) <= ROUNDING < of_support else LEAK
    copies = answers_of(learner, meta, rows(task, [0] * (last + 1)))
    if apart(copies, numpy.broadcast_to(copies[:1], copies.shape)) > ROUNDING:
        return STALE if max(own) <= ROUNDING else PLACE
    alone = influence(learner, meta, one(task, 0), other, 0, 0)[1]
    together = influence(learner, meta, task, other, 0, 0)[1]
    return STALE if max(alone, together) <= ROUNDING else MEAN if together < alone else SUM


def influence(learner, meta, task, other, on, of):
    """How far answers to one task move if another's data do: (all its data, its support alone)."""
    before = answers_of(learner, meta, task)[on]
    support, query = other
    of = of % len(task.query.x)
    of_support = answers_of(learner, meta, exchange(task, of, support=support))[on]
    if of == on % len(task.query.x):  # its own queries are what is answered
        return apart(of_support, before), apart(of_support, before)
    of_all = answers_of(learner, meta, exchange(task, of, support=support, query=query))[on]
    return apart(of_all, before), apart(of_support, before)
