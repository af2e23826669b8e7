"""What a network is."""

from typing import Callable, NamedTuple

from minimeta.core.runs.sending import reduce_record


class Net(NamedTuple):
    """init(rng) -> params, a tree;  apply(params, x) -> y, over (..., N, D) or images.

    Parameters may carry leading task axes, one copy per task, that x then shares: the same `apply`
    serves one task and many.
    """

    init: Callable
    apply: Callable

    __reduce__ = reduce_record  # so that it can be sent to another process
