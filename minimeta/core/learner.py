"""The contract of every learner, kept below them all so that closed forms can be learners too."""

from typing import Callable, NamedTuple


class Learner(NamedTuple):
    """A learning algorithm.

    init(rng) -> meta                   what the outer loop learns: a tree of float arrays
    adapt(meta, support) -> state       what the inner loop learns from the support sets of M tasks
    predict(meta, state, x) -> y        (M, N, D...) -> (M, N, C)
    """

    init: Callable
    adapt: Callable
    predict: Callable
