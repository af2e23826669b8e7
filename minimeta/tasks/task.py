"""What a task is: a support set to learn from and a query set to be tested on.

`Task` is a *batch* of M tasks. Shots are support examples; queries are counted apart.
With classes (`episodes`), both are counted per class.
"""

from typing import Any, Callable, NamedTuple

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.runs.sending import reduce_record


class Data(NamedTuple):
    """Inputs x (M, N, D...) and targets y (M, N, C), for M tasks with N examples each."""

    x: Any
    y: Any


class Task(NamedTuple):
    """M tasks: a learner adapts to `support` and is tested on `query`; both are Data."""

    support: Data
    query: Data


class Family(NamedTuple):
    """A distribution of tasks, and the learner that is best on it because it knows prior and noise.

    sample(rng, tasks, shots, queries) -> Task
    bayes: the Bayes-optimal Learner; no learner has a smaller mean loss, except by chance
    """

    sample: Callable
    bayes: Any

    __reduce__ = reduce_record  # so that it can be sent to another process


def take(data, shots):
    """The first `shots` examples of every task."""
    checks.integer("shots", shots, at_least=0)
    check_data("data", data)
    if shots > np.shape(data.x)[1]:
        raise ValueError(
            f"shots is {shots}, but a task has {np.shape(data.x)[1]} support examples."
        )
    return Data(data.x[:, :shots], data.y[:, :shots])


def check_task(task):
    """Raise unless the task is made of arrays whose axes M and N agree, with at least one query."""
    if not isinstance(task, Task):
        raise TypeError(f"task must be a Task(support, query); it is a {type(task).__name__}.")
    for name, data in zip(Task._fields, task):
        check_data(name, data)
    support, query = task.support.x.shape, task.query.x.shape
    if support[0] != query[0]:
        raise ValueError(f"support has {support[0]} tasks, but query has {query[0]}.")
    if 0 in query:
        raise ValueError(f"query needs examples; query.x has shape {query}.")


def check_data(name, data):
    """Raise unless data is Data with x (M, N, D...) and y (M, N, C) or labels (M, N)."""
    if not isinstance(data, Data):
        raise TypeError(f"{name} must be Data(x, y); it is a {type(data).__name__}.")
    x, y = data
    checks.floats(f"{name}.x", x)
    checks.numeric(f"{name}.y", y)
    if x.ndim < 3 or y.ndim < 2:
        checks.axes(f"{name}.x", x, "... M N D")
        checks.axes(f"{name}.y", y, "... M N")
    if x.shape[:2] != y.shape[:2]:
        raise ValueError(
            f"{name}.x and {name}.y must agree on tasks and examples; "
            f"their shapes are {x.shape} and {y.shape}."
        )


def check_finite(task):
    """Raise if any number of the task is NaN or infinite, and say where."""
    for name, data in zip(Task._fields, task):
        checks.finite(f"{name}.x", data.x)
        checks.finite(f"{name}.y", data.y)
