"""What a network is."""

from typing import Callable, NamedTuple


class Net(NamedTuple):
    """init(rng) -> params, a tree;  apply(params, x) -> y, over (..., N, D) or images.

    Parameters may carry leading task axes, one copy per task, that x then shares: the same `apply`
    serves one task and many.
    """

    init: Callable
    apply: Callable
