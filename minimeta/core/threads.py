"""The images of one kernel in shares: several cores work on one convolution.

    set_threads(2)               from here on, in this process
    side_by_side(f, pieces)      f(piece) for each, in as many threads

NumPy releases Python's lock in its kernels, so threads pay where the pieces are large. What a piece
holds does not depend on the number of threads: any number of them gives the same bits. There is one
thread unless a program asks for more, as a learner's tasks can be shared out instead: see `workers`
in `training.train`. Set OPENBLAS_NUM_THREADS=1, or BLAS has threads of its own inside every thread.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from minimeta.core import checks

_count, _pool = 1, None


def set_threads(count):
    """Let every kernel on images use so many threads, the caller's included, in this process.

    Raises TypeError or ValueError unless count is an integer of at least 1.
    """
    global _count, _pool
    checks.integer("count", count, at_least=1)
    _count, _pool = count, None


def threads():
    """How many threads a kernel on images uses."""
    return _count


def side_by_side(f, pieces):
    """Call f on every one of a list of pieces, in any order, and return when all are done.

    A profiler is shown everything: under one, as when `replay` observes, the pieces go in turn.
    """
    helpers = min(_count, len(pieces)) - 1
    if helpers < 1 or sys.getprofile() is not None:
        for piece in pieces:
            f(piece)
        return
    queue = iter(pieces)  # whoever is free takes the next

    def work():
        for piece in queue:
            f(piece)

    calls = [_helpers().submit(copy_context().run, work) for _ in range(helpers)]
    try:
        work()
    finally:  # on an error too, nobody is left at work on the caller's arrays
        errors = [call.exception() for call in calls]
    for error in filter(None, errors):
        raise error


def _helpers():
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(_count - 1, thread_name_prefix="minimeta")
    return _pool


def _forget_pool():
    global _pool
    _pool = None  # a forked child has none of its parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
