"""Every learner on the same tasks, beside the floor of their family.

    excess      loss - loss of the Bayes-optimal learner          on each of the tasks, so *paired*
    mean        of the excess, with a 95 % interval               mean +- 1.96 sd / sqrt(M)
    median      of the excess, with a 95 % interval               two order statistics
    won         the share of tasks on which no other learner has a smaller loss

Tasks differ far more than learners do: one is easy, another one is not. A difference on the same
task is free of that, so its interval is many times narrower than that of two separate means.

The loss is that of the Bayes-optimal learner, because it is best at no other one. Bring learners
trained, as {name: (learner, meta)}. A shifted family (`minimeta.exact.shifts`) asks the same
question outside the distribution that they were trained on.

    record = compare({"mine": (learner, meta)}, family, shots=6, rng=numpy.random.default_rng(0))
    print(table(record))

Taught in lesson `spectrum`.
"""

import time
from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_host
from minimeta.core.trees import tree_map
from minimeta.learning_rules.ratio import count
from minimeta.meta import evaluate
from minimeta.tasks.task import Data, Task

Z = 1.959964  # a normal variable is within +-Z with probability 0.95
AT_ONCE = 500  # tasks evaluated in one call, which bounds the memory that a learner needs


class Row(NamedTuple):
    """What became of one learner; intervals are (low, high), of 95 %."""

    name: str
    mean: float  # of the excess over Bayes
    mean_interval: tuple
    median: float
    median_interval: tuple
    won: float  # the share of tasks that it won
    seconds: float  # to adapt to one task, in the fastest batch
    meta: int  # numbers that the outer loop sets
    learned: int  # numbers that the inner loop sets, for one task


class Comparison(NamedTuple):
    """The rows of all learners, the floor, and what they come from."""

    rows: list
    floor: float  # the mean loss of the Bayes-optimal learner
    tasks: int
    shots: int
    losses: dict  # name -> the loss on each task, (M,); "Bayes" is the floor's


def compare(learners, family, shots, rng, tasks=2000, queries=10):
    """The Comparison of {name: (learner, meta)} on tasks of a family, the same ones for all.

    Raises ValueError or TypeError if something does not fit, and FloatingPointError, with the
    learner's name, where one diverges.
    """
    check_learners(learners)
    check_family(family)
    checks.generator("rng", rng)
    checks.integer("tasks", tasks, at_least=2)
    task = family.sample(rng, tasks, shots, queries)
    floor, _ = judge("Bayes", family.bayes, {}, task, family.bayes.loss)
    losses, seconds = {}, {}
    for name, (learner, meta) in learners.items():
        losses[name], seconds[name] = judge(name, learner, meta, task, family.bayes.loss)
    shares = shares_won(numpy.stack(list(losses.values())))
    one = part(task, 0, 1).support
    rows = []
    for (name, (learner, meta)), won in zip(learners.items(), shares):
        numbers = summary(losses[name] - floor)
        rows.append(Row(name, *numbers, float(won), seconds[name], *count(learner, meta, one)))
    return Comparison(rows, float(floor.mean()), tasks, shots, {"Bayes": floor, **losses})


def judge(name, learner, meta, task, loss):
    """The loss of a learner on each task, (M,) in float64, and the seconds to adapt to one task.

    The time is that of the fastest batch: other work on the machine can only lengthen it.
    """
    losses, seconds = [], numpy.inf
    for first in range(0, len(task.query.x), AT_ONCE):
        some = part(task, first, first + AT_ONCE)
        start = time.perf_counter()
        learner.adapt(meta, some.support)
        seconds = min(seconds, (time.perf_counter() - start) / len(some.query.x))
        try:
            losses.append(to_host(evaluate(learner, meta, some, loss)))
        except FloatingPointError as error:
            raise FloatingPointError(f"{name}: {error}") from None
    return numpy.concatenate(losses).astype(float), seconds


def part(task, first, last):
    """Tasks `first` to `last` of a batch, as a batch."""
    return Task(*(Data(*tree_map(lambda leaf: leaf[first:last], [*data])) for data in task))


def summary(excess):
    """Mean and its interval, median and its interval, of the excess on each task (M,)."""
    mean, half = float(excess.mean()), Z * float(excess.std(ddof=1)) / len(excess) ** 0.5
    return mean, (mean - half, mean + half), float(numpy.median(excess)), median_interval(excess)


def median_interval(values):
    """The two order statistics between which the median lies with probability 0.95.

    How many of M values are below the median is binomial, M / 2 +- sqrt(M) / 2.
    """
    M, ordered = len(values), numpy.sort(values)
    half = Z * M**0.5 / 2.0
    low, high = int(numpy.floor(M / 2 - half)), int(numpy.ceil(M / 2 + half))
    return float(ordered[max(low, 0)]), float(ordered[min(high, M - 1)])


def shares_won(losses):
    """The share of tasks that each learner won; losses has a row (M,) for each. Equals share."""
    best = losses == losses.min(axis=0)
    return (best / best.sum(axis=0)).mean(axis=1)


def difference(record, one, other):
    """Mean and interval of the loss of one learner less that of another, on the same tasks."""
    for name in (one, other):
        if name not in record.losses:
            raise ValueError(f"There is no {name!r}; there are {', '.join(record.losses)}.")
    return summary(record.losses[one] - record.losses[other])[:2]


def table(record):
    """The record as text: a line for each learner."""
    head = f"{record.tasks} tasks, {record.shots} shots, Bayes-optimal loss {record.floor:.4f}"
    names = f"{'learner':26}{'excess':>10}{'95 %':>10}{'median':>10}{'95 %':>24}{'won':>7}"
    lines = [head, f"{names}{'us/task':>9}{'meta':>8}{'learned':>9}"]
    for row in record.rows:
        low, high = row.median_interval
        half = row.mean_interval[1] - row.mean
        micro = 1e6 * row.seconds
        lines.append(
            f"{row.name:26.26}{row.mean:10.4g} +-{half:7.2g}{row.median:10.4g}"
            f"   ({low:9.4g},{high:9.4g}){row.won:7.1%}{micro:9.1f}{row.meta:8d}{row.learned:9d}"
        )
    return "\n".join(lines)


def check_learners(learners):
    """Raise unless learners is {name: (learner, meta)}, with one of them at least."""
    if not isinstance(learners, dict) or not learners:
        raise TypeError(
            "learners must be a dict {name: (learner, meta)} with at least one learner; "
            f"it is {checks.describe(learners)}."
        )
    for name, pair in learners.items():
        if name == "Bayes":
            raise ValueError("learners must not have the name 'Bayes', which is the floor's.")
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"learners[{name!r}] must be a pair (learner, meta); it is {checks.describe(pair)}."
            )
        checks.functions(f"learners[{name!r}][0]", pair[0], "init", "adapt", "predict", "loss")


def check_family(family):
    """Raise unless the family has a sampler, and a Bayes-optimal learner as its floor."""
    checks.functions("family", family, "sample")
    if family.bayes is None:
        raise ValueError(
            "family must have a Bayes-optimal learner as its floor; its bayes is None."
        )
    checks.functions("family.bayes", family.bayes, "adapt", "predict", "loss")
