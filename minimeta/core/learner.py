"""The contract of every learner, kept below them all so that closed forms can be learners too."""

from typing import Callable, NamedTuple

from minimeta.core.losses import mse
from minimeta.core.runs.sending import reduce_record


class Learner(NamedTuple):
    """A learning algorithm, and the question it is asked.

    init(rng) -> meta                   what the outer loop learns: a tree of float arrays
    adapt(meta, support) -> state       what the inner loop learns from the support sets of M tasks
    predict(meta, state, x) -> y        (M, N, D...) -> (M, N, C); logits where y are classes
    loss(prediction, target) -> (M,)    what it is trained and judged on: mse or cross_entropy

    A sequential learner, which sees its examples one after another, has two more. Its `adapt` is
    fold(start, observe), or something faster that gives the same:

    start(meta, x) -> state             before any example of the M tasks that x (M, N, D...) is of
    observe(meta, state, x, y) -> state after one more example of each: x (M, D...), y (M, C)
    along(meta, data) -> y              optional: all answers of `minimeta.meta.along` in one call
    """

    init: Callable
    adapt: Callable
    predict: Callable
    loss: Callable = mse
    start: Callable | None = None
    observe: Callable | None = None
    along: Callable | None = None

    __reduce__ = reduce_record  # so that it can be sent to another process


def fold(start, observe):
    """The `adapt` of a sequential learner: observe the examples of a support one after another."""

    def adapt(meta, support):
        state = start(meta, support.x)
        for t in range(support.x.shape[1]):
            state = observe(meta, state, support.x[:, t], support.y[:, t])
        return state

    return adapt
