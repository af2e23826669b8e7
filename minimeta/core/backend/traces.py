"""A stack of open traces for every thread, where autograd has one for the whole process.

A gradient opens a trace, and autograd numbers it by how many are open: the inner trace has the
greater number, which says which variable a product is differentiated in. Two threads that count
together give two traces one number, and each takes the other's variables for its own. Here a trace
is numbered by when it was opened, in whichever thread. The inner one is still the greater, no two
share a number, and a function that is being differentiated may hand its work to other threads.

Importing this module installs it in autograd's own class, so that autograd's `grad` is safe in
threads too, and leaves no trace open when the function that it differentiates raises.
"""

import itertools
import threading
from contextlib import contextmanager

from autograd.tracer import TraceStack


class Innermost(threading.local):
    """The number of the innermost trace that is open in this thread; -1 where none is."""

    trace = -1


INNERMOST, NUMBERS = Innermost(), itertools.count()


@contextmanager
def new_trace(stack):
    """Open a trace in this thread, whose number is given, until the end of the block."""
    outer = INNERMOST.trace
    try:
        INNERMOST.trace = trace = next(NUMBERS)
        yield trace
    finally:
        INNERMOST.trace = outer


def top(stack):
    """What autograd calls the top of the stack: the innermost trace of this thread, or -1."""
    return INNERMOST.trace


def set_top(stack, trace):
    """Put the stack of this thread back to where it was."""
    INNERMOST.trace = trace


TraceStack.new_trace, TraceStack.top = new_trace, property(top, set_top)
TraceStack.__reduce__ = lambda stack: "trace_stack"  # a function sent to a worker finds that one's
