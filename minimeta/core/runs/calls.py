"""A job run on one setting after another, here or by the workers of an executor.

    for index, value, error in in_turn(run, settings, todo): ...               here
    for index, value, error in hand_out(executor, run, settings, todo): ...    by workers, any order

run(settings) is what one call does: `run_each` with a job bound to it. A job that raises, a worker
that dies and what cannot be sent become errors, as Python prints them, and stop no other setting.
`minimeta.sweep` keeps what comes back.
"""

import contextlib
import importlib
import os
import queue
import time
import traceback
from collections import deque
from concurrent.futures import BrokenExecutor, Future
from pickle import PicklingError

from minimeta.core.backend import to_host
from minimeta.core.trees import tree_map

PENDING = 256  # calls that are handed to the executor at once: more than it has workers
CALL = 0.1  # seconds that a call should take, so that sending it costs little beside


def run_each(job, parent, settings):
    """(value, error) for each setting, and the seconds that all took: what a worker does."""
    begin = time.perf_counter()
    with contextlib.nullcontext() if os.getpid() == parent else one_thread():
        outcomes = [run_one(job, setting) for setting in settings]
    return outcomes, time.perf_counter() - begin


def run_one(job, setting):
    """(value, None), with every array on the host, or (None, the error as Python prints it)."""
    try:
        tree = job(setting)
        return tree_map(lambda leaf: to_host(leaf) if hasattr(leaf, "dtype") else leaf, tree), None
    except Exception:
        return None, traceback.format_exc()


def in_turn(run, settings, todo):
    """Yield (index, value, error) of one setting after another."""
    for index in todo:
        (outcome,), _ = run([settings[index]])
        yield index, *outcome


def hand_out(executor, run, settings, todo):
    """Yield (index, value, error) as calls come back from the executor, in any order.

    A call takes several settings where these are short, as many as make up CALL seconds.
    """
    waiting, pending, back, share = deque(todo), {}, queue.SimpleQueue(), 1
    try:
        while waiting or pending:
            while waiting and len(pending) < PENDING:
                part = [waiting.popleft() for _ in range(min(share, len(waiting)))]
                future = submit(executor, run, [settings[index] for index in part])
                pending[future] = part
                future.add_done_callback(back.put)
            future = back.get()
            part = pending.pop(future)
            outcomes, seconds = outcomes_of(future, len(part))
            yield from ((index, *outcome) for index, outcome in zip(part, outcomes))
            if seconds is not None:
                most = -(-len(waiting) // PENDING)
                share = max(1, min(most, int(CALL * len(part) / max(seconds, 1e-9))))
    finally:
        for future in pending:
            future.cancel()


def submit(executor, run, settings):
    """The future of a call; one that has failed already where the executor is broken."""
    try:
        return executor.submit(run, settings)
    except BrokenExecutor as error:
        future = Future()
        future.set_exception(error)
        return future


def outcomes_of(future, count):
    """What `run_each` returned; if the call itself failed, that error for each and None."""
    try:
        return future.result()
    except Exception as error:  # a worker died, or something could not be sent
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, (PicklingError, TypeError, AttributeError)):
            reason = (
                "The job, its setting or its value could not be sent to a worker and back; "
                f"the job must stand at the top level of a module. {reason}"
            )
        return [(None, reason)] * count, None


def one_thread():
    """A block within which BLAS uses one thread, where `threadpoolctl` is installed."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")  # no dependency of the package
    except ImportError:
        return contextlib.nullcontext()
    return threadpoolctl.threadpool_limits(1, user_api="blas")
