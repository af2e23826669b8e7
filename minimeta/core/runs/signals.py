"""Stopping in order: SIGTERM stops as Ctrl-C does, and neither interrupts a file being written.

Signals reach the main thread alone, so anywhere else both managers do nothing.
"""

import contextlib
import signal
import threading


@contextlib.contextmanager
def stoppable():
    """Inside, SIGTERM raises KeyboardInterrupt, unless the program has a handler of its own."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    free = _in_main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if free:
        signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        if free:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def uninterrupted():
    """Inside, Ctrl-C and SIGTERM wait; what came is raised as KeyboardInterrupt at the end."""
    if not _in_main_thread():
        yield
        return
    came = []
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()
