"""Questions about what a learner may know: no label before its answer, and nobody beats Bayes."""

import numpy

from minimeta.conformance.answers import (
    ROUNDING,
    Finding,
    answers_of,
    apart,
    copy,
    losses_of,
    one,
    other_labels,
)
from minimeta.conformance.batches import LEAK
from minimeta.core.backend import np, to_host
from minimeta.core.learner import fold
from minimeta.meta import along, evaluate
from minimeta.tasks import Data

SIGMAS = 4.0  # a true statement about a mean fails by chance once in 30,000
NEARBY = 1e-4  # relative: how far inputs move that should not be recognised any more
QUERY_LABELS = "labels of the queries are seen"
SEEN_AND_GIVEN = QUERY_LABELS + ", and given as answers"
EARLY = "a label is seen early"


def query_labels_are_not_seen(learner, meta, task, other):
    """The labels of the queries change no answer.

    They are exchanged in the very arrays that the family has drawn, so that a learner that keeps a
    way to these arrays is found out too, and shown to the loss before the answer is asked for.
    """
    if not all(batch.query.y.flags.writeable for batch in (task, other)):
        task, other = copy((task, other))
    labels = [batch.query.y for batch in (task, other)]
    kept = copy(labels)
    before = answers_in_place(learner, meta, task)
    try:
        for y, true in zip(labels, kept):
            y[:] = other_labels(true)
        after = answers_in_place(learner, meta, task)
    finally:
        for y, true in zip(labels, kept):
            y[:] = true
    gap = max(apart(after, before), recognised(learner, meta, task))
    given = apart(before, task.query.y) <= ROUNDING
    return Finding(gap, ROUNDING, SEEN_AND_GIVEN if given else QUERY_LABELS)


def recognised(learner, meta, task):
    """The share of queries whose answer is the label, bit by bit, and jumps if they hardly move.

    So answers a learner that has kept the labels elsewhere and finds them by their inputs. It is 0
    unless all answers are the labels, and more than half of them jump.
    """
    before = answers_of(learner, meta, task)
    if not numpy.array_equal(before, to_host(task.query.y)):
        return 0.0
    near = task._replace(query=Data(task.query.x * (1.0 + NEARBY), task.query.y))
    jumps = numpy.abs(answers_of(learner, meta, near) - before) > NEARBY**0.5
    share = numpy.mean(numpy.any(jumps, axis=-1))
    return float(share * (share > 0.5))


def answers_in_place(learner, meta, task):
    """The answers after the loss has seen the labels, without copies of any data."""
    for _ in range(2):
        own = copy(meta)
        answers = learner.predict(own, learner.adapt(own, task.support), task.query.x)
        answers = numpy.array(to_host(answers))
        learner.loss(np.asarray(answers), task.query.y)
    return answers


def adapt_is_the_fold(learner, meta, task, other):
    """adapt is the fold of observe: seeing the support at once is seeing its examples in turn."""
    slow = learner._replace(adapt=fold(learner.start, learner.observe))
    gap = apart(losses_of(learner, meta, task), losses_of(slow, meta, task))
    return Finding(gap, ROUNDING, "an adapt that is not the fold of observe")


def along_is_the_fold(learner, meta, task, other):
    """along is the fold of observe: a whole sequence at once gives the answers in turn."""
    slow = along(learner._replace(along=None), meta, copy(task.support))
    gap = apart(along(learner, meta, copy(task.support)), slow)
    return Finding(gap, ROUNDING, lambda: name_along(learner, meta, task, other))


def name_along(learner, meta, task, other):
    """Why an along is not the fold of observe."""
    together = along(learner, meta, copy(task.support))[:1]
    if apart(together, along(learner, meta, copy(one(task, 0).support))) > ROUNDING:
        return LEAK
    early = no_label_is_seen_early(learner, meta, task, other)
    return EARLY if early.value > early.allowed else "an along that is not the fold of observe"


def no_label_is_seen_early(learner, meta, task, other):
    """No label is seen before its answer."""
    x, y = task.support
    same = numpy.array_equal(*to_host((y, other.support.y)))  # as where classes take turns
    changed = other_labels(y) if same else other.support.y
    places = range(y.shape[1]) if learner.along else [y.shape[1] // 2]
    gaps = [gap_up_to(t, learner, meta, task.support, Data(x, changed)) for t in places]
    return Finding(max(gaps), ROUNDING, EARLY)


def no_input_is_seen_early(learner, meta, task, other):
    """No input is seen before its turn."""
    t, changed = task.support.y.shape[1] // 2, Data(other.support.x, task.support.y)
    gap = gap_up_to(t, learner, meta, task.support, changed, later=1)
    return Finding(gap, ROUNDING, "an input is seen early")


def gap_up_to(t, learner, meta, data, changed, later=0):
    """How far the answers up to position t move if data are changed from t + later on."""
    mix = lambda old, new: np.concatenate([old[:, : t + later], new[:, t + later :]], axis=1)
    mixed = Data(*map(mix, data, changed))
    answers = [along(learner, meta, copy(each))[:, : t + 1] for each in (data, mixed)]
    return apart(*map(to_host, answers))


def nobody_beats_bayes(learner, meta, task, other, bayes, many):
    """Nobody beats Bayes.

    On the same tasks, which many() draws, the mean loss is not below the floor, except by chance.
    The loss is that of `bayes`, because it is best at no other one.
    """
    task = many()
    floor = evaluate(bayes, {}, task)
    excess = numpy.asarray(to_host(evaluate(learner, meta, task, bayes.loss) - floor))
    below = -float(excess.mean())
    allowed = SIGMAS * float(excess.std()) / len(excess) ** 0.5 + ROUNDING
    return Finding(below, allowed, "it knows what it cannot know, such as labels of the queries")
