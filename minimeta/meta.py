"""Supervised learning whose examples are tasks and whose model is a learning algorithm.

    meta-loss:   mean over tasks of  loss( predict(meta, adapt(meta, support), query.x), query.y )

Every learner of the project is a `Learner`; this module judges them all and knows none, and
`minimeta.training` trains them. *meta* changes across tasks (the outer loop), *state* within one
task (the inner loop).
"""

from typing import Any, Callable, Iterable

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold  # noqa: F401  (their public names are here)
from minimeta.core.trees import tree_map
from minimeta.tasks.task import Data, Task, check_data, check_finite, check_task, take


def meta_loss(learner: Learner, meta: Any, task: Task) -> Any:
    """The query loss after adapting to the support, averaged over the M tasks: a scalar."""
    checks.functions("learner", learner, "adapt", "predict", "loss")
    check_task(task)
    return np.mean(task_losses(learner, meta, task))


def task_losses(learner: Learner, meta: Any, task: Task, loss: Callable | None = None) -> Any:
    """The query loss of each task, (M,), finite or not: what `meta_loss` averages."""
    state = learner.adapt(meta, task.support)
    loss = learner.loss if loss is None else loss
    losses = loss(learner.predict(meta, state, task.query.x), task.query.y)
    checks.one_per_task("loss", losses, len(task.query.x))
    return losses


def evaluate(learner: Learner, meta: Any, task: Task, loss: Callable | None = None) -> Any:
    """The query loss of every task after adapting to its support: (M,).

    The loss is the learner's own; another one, such as `accuracy`, asks another question. The
    learner gets the data read-only. Raises FloatingPointError if an answer is NaN or a loss is not
    finite: the inner loop has diverged.
    """
    check_task(task)
    checks.functions("learner", learner, "adapt", "predict", "loss")
    loss = learner.loss if loss is None else loss
    checks.function("loss", loss)
    task = tree_map(_read_only, task)
    state = learner.adapt(meta, task.support)
    prediction = learner.predict(meta, state, task.query.x)
    losses = loss(prediction, task.query.y)  # (M,)
    checks.one_per_task("loss", losses, len(task.query.x))
    _check_answers(task, prediction, losses)
    return losses


def learning_curve(
    learner: Learner, meta: Any, task: Task, shots: Iterable[int], loss: Callable | None = None
) -> Any:
    """Losses after the first s support examples, for each s in shots: (len(shots), M)."""
    check_task(task)
    checks.functions("learner", learner, "adapt", "predict", "loss")
    if not isinstance(shots, (list, tuple, range, numpy.ndarray)):
        raise TypeError(f"shots must be a list of integers; it is {checks.describe(shots)}.")
    first = [Task(take(task.support, s), task.query) for s in shots]
    return np.stack([evaluate(learner, meta, part, loss) for part in first])


def along(learner: Learner, meta: Any, data: Data) -> Any:
    """The answer to each x_t of `data` from the examples before it: (M, T, C).

    A learner without `observe` adapts to the examples before every position afresh.
    """
    check_data("data", data)
    if learner.along:
        return learner.along(meta, data)
    state, answers = None, []
    for t in range(data.x.shape[1]):
        if not learner.observe:
            state = learner.adapt(meta, take(data, t))
        elif t == 0:
            state = learner.start(meta, data.x)
        else:
            state = learner.observe(meta, state, data.x[:, t - 1], data.y[:, t - 1])
        answers.append(learner.predict(meta, state, data.x[:, t : t + 1]))
    return np.concatenate(answers, axis=1)


def sequence_loss(learner: Learner, meta: Any, task: Task) -> Any:
    """The mean loss over all positions of the sequences support-then-query: a scalar."""
    data = Data(*(np.concatenate(parts, axis=1) for parts in zip(task.support, task.query)))
    return np.mean(learner.loss(along(learner, meta, data), data.y))


def _read_only(array):
    """The array as a view that no learner can write into; a device array as it is."""
    if isinstance(array, numpy.ndarray):
        array = array.view()
        array.flags.writeable = False
    return array


def _check_answers(task, prediction, losses):
    wrong = np.any(np.isnan(np.reshape(prediction, (len(losses), -1))), axis=1)
    bad = [m for m, loss in enumerate(losses) if wrong[m] or not np.isfinite(loss)]
    if bad:
        check_finite(task)
        raise FloatingPointError(
            f"The loss is not finite on {len(bad)} of {len(losses)} tasks (first: task {bad[0]}); "
            "a smaller inner step size may help."
        )


def __getattr__(name):  # `meta_train` was here before it moved; an import above would be circular
    if name == "meta_train":
        from minimeta.training import meta_train

        return meta_train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
