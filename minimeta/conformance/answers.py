"""Questions and answers: a question is a function whose docstring asks it.

    question(learner, meta, task, other) -> Finding(value, allowed, fault)

It is asked on the batch `task`; `other` is another batch of the same family and shapes. It holds if
value <= allowed. `fault` names the likely mistake where it does not: a part of a sentence, or a
function that finds the name, which is called only then.
"""

from typing import NamedTuple

import numpy

from minimeta.core.backend import np, to_host
from minimeta.core.trees import leaves, tree_map
from minimeta.foreign import NoGradient
from minimeta.tasks import Data, Task

ROUNDING = 1e-9  # relative: what a sum in another order may change


class Answer(NamedTuple):
    """One question, whether the learner passed, the number that decided it, the likely fault."""

    question: str
    holds: bool
    value: float
    allowed: float
    fault: str = ""

    def __str__(self):
        numbers = f"({self.value:.2g}, at most {self.allowed:.2g})"
        if self.holds:
            return f"ok    {self.question} {numbers}"
        return f"FAIL  {self.question} {numbers} Likely fault: {self.fault}."


class Finding(NamedTuple):
    """What a question found: a number, what is allowed, and the fault, or a function to name it."""

    value: float
    allowed: float = 0.0
    fault: object = ""


def ask(question, learner, meta, task, other):
    """The Answer to one question. If the learner raises, that is the answer: it does not hold."""
    text = sentence(question)
    try:
        value, allowed, fault = question(learner, meta, task, other)
        holds = bool(value <= allowed)
        fault = "" if holds else fault() if callable(fault) else fault
    except NoGradient:  # a question that cannot be asked of this learner
        raise
    except Exception as error:
        value, allowed, holds, fault = numpy.inf, 0.0, False, name_error(error)
    return Answer(text, holds, float(value), float(allowed), fault)


def sentence(question):
    """The question itself: the first line of its docstring."""
    function = getattr(question, "func", question)  # of a partial
    return function.__doc__.splitlines()[0]


def name_error(error):
    """What went wrong, from what the learner raised."""
    if "read-only" in str(error):
        return "data or meta-parameters are changed in place"
    text = " ".join(str(error).split())
    return f"it raises {type(error).__name__}: {text:.160}".rstrip(".")


def answers_of(learner, meta, task):
    """The answers to the queries, as a NumPy array; the learner gets copies of all that it sees."""
    meta, task = copy((meta, task))
    state = learner.adapt(meta, task.support)
    return numpy.array(to_host(learner.predict(meta, state, task.query.x)))


def losses_of(learner, meta, task):
    """The loss of each task, (M,), as a NumPy array."""
    answers = np.asarray(answers_of(learner, meta, task))
    return numpy.array(to_host(learner.loss(answers, copy(task.query.y))))


def copy(tree):
    """The tree with leaves of its own, which are wherever the others are."""
    return tree_map(lambda leaf: np.array(leaf), tree)


def apart(computed, expected):
    """How far two arrays are apart, relative to the largest expected number, but at least to 1."""
    computed, expected = numpy.asarray(computed), numpy.asarray(expected)
    if computed.shape != expected.shape:
        return numpy.inf
    if not expected.size:
        return 0.0
    with numpy.errstate(invalid="ignore"):
        gaps = numpy.where(computed == expected, 0.0, numpy.abs(computed - expected))
    largest = numpy.max(numpy.abs(expected[numpy.isfinite(expected)]), initial=1.0)
    return float(numpy.max(numpy.where(numpy.isnan(gaps), numpy.inf, gaps)) / largest)


def one(task, m):
    """Task m alone, as a batch of one."""
    return Task(*(Data(data.x[m : m + 1], data.y[m : m + 1]) for data in task))


def rows(task, chosen):
    """The batch of the tasks with these numbers, in this order; a number may come twice."""
    return tree_map(lambda leaf: leaf[numpy.asarray(chosen)], task)


def other_labels(y):
    """Other labels of the same kind: another class for one-hot rows, one more for numbers."""
    if is_one_hot(y):
        return np.roll(y, 1, axis=-1)
    return y[:, ::-1] if y.dtype.kind in "iu" else y + 1.0


def is_one_hot(y):
    """Whether every row of y (M, N, C) has a single 1 and otherwise 0, with C above 1."""
    y = to_host(y)
    two = y.ndim == 3 and y.shape[-1] > 1
    return bool(two and numpy.all((y == 0) | (y == 1)) and numpy.all(y.sum(axis=-1) == 1))


def exchange(task, m, **parts):
    """The task batch with row m of `support` or `query` exchanged for that of the given Data."""

    def put(old, new):
        return np.concatenate([old[:m], new[m : m + 1], old[m + 1 :]])

    return task._replace(
        **{name: tree_map(put, getattr(task, name), new) for name, new in parts.items()}
    )


def is_tree_of_arrays(tree):
    """Whether every leaf is a NumPy array, so that changes of it can be seen."""
    return all(isinstance(leaf, numpy.ndarray) for leaf in leaves(tree))
