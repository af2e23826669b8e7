"""Record a function once, then run it as straight-line NumPy code: the same numbers, bit for bit.

    step = replay(lambda theta, task: value_and_grad(meta_loss)(theta, task))
    value, slope = step(theta, task)      the first call records, later ones replay
    print(step.program)                   a line for each operation, with shapes and counts

autograd spends most of its time between the primitive calls, on boxes, tapes and closures. None of
that depends on the numbers in the arrays, so it can be done once: `recording` notes the calls of
one evaluation, gradients included; `program` writes them down as Python.

When is that sound? If a shape, a dtype, a stride, the structure of a tree, an argument that is no
array, the device, or a variable that f reads changes, f is recorded again. A number that leaves an
array for Python (`if x > 0`, `float(x)`) stops the recording with an error. Whatever else f may do
(draw random numbers, change an argument in place) shows when its result and the program's are
compared bit for bit: at the recording, at the second call and each call whose number is a power of
two, and when an array argument first differs from the recorded one.
"""

import itertools
import warnings
from functools import wraps
from types import SimpleNamespace

import numpy
from autograd.tracer import trace_stack

from minimeta.core.backend import current, to_host
from minimeta.core.replay.program import compiled
from minimeta.core.replay.recording import record
from minimeta.core.replay.surroundings import checksum, surroundings, unchanged
from minimeta.core.replay.tape import is_array, kind_of
from minimeta.core.trees import leaves, names

MOST = 16  # programs kept for one function; a warning says when it is recorded that often
WATCHED = 100  # calls in which an array argument is watched for its first change
PLAIN = (int, float, complex, str, bytes, type, numpy.dtype, type(None), type(...), slice)
CLOSE = 1e-3  # on a GPU, where sums may round differently from call to call


class ReplayError(RuntimeError):
    """The function cannot be replayed: it depends on more than the arrays it is given."""


def replay(f):
    """A function that gives what f gives, faster; f is a pure function of trees.

    The trees hold arrays and plain values, and f runs more than once in the calls that check it.
    Within a gradient or another replay, f itself is called. Raises ReplayError as said above.
    """
    programs, recordings = {}, itertools.count(1)

    @wraps(f)
    def replayed(*args, **kwargs):
        if trace_stack.top >= 0:
            return f(*args, **kwargs)
        arrays, constants = [], []
        key = (signature((args, kwargs), arrays, constants), *current())
        entry = programs.get(key)
        if entry is not None and unchanged(entry.surroundings):
            return again(f, args, kwargs, arrays, entry, lambda: programs.pop(key, None))
        _warn_of_many(f, next(recordings))
        output, program = first(f, args, kwargs)
        watched = surroundings([f, *constants])
        untried = {i: mark(x) for i, x in enumerate(arrays)}
        programs.pop(key if key in programs or len(programs) < MOST else next(iter(programs)), None)
        programs[key] = SimpleNamespace(
            program=program, surroundings=watched, untried=untried, calls=1
        )
        replayed.program = program
        return output

    replayed.program = None
    return replayed


def first(f, args, kwargs):
    """What f gives, and the Program that was recorded from it."""
    expected = plainly(f, args, kwargs)
    try:
        recording = record(f, args, kwargs)
    except Exception as error:
        raise ReplayError(f"replay cannot record {name_of(f)}: {error}.") from error
    check(f, expected, recording.value)
    return expected, compiled(recording)


def again(f, args, kwargs, arrays, entry, forget):
    """What the program gives, checked against f where that is due.

    If the program fails, say because a mask selects another number of elements, f has the word.
    """
    entry.calls += 1
    try:
        output = entry.program.run(arrays)
    except Exception:
        forget()
        return plainly(f, args, kwargs)
    new = [i for i, was in entry.untried.items() if mark(arrays[i]) != was]
    if new or entry.calls & (entry.calls - 1) == 0:
        try:
            check(f, plainly(f, args, kwargs), output)
        except ReplayError:
            forget()
            raise
    for i in [*entry.untried] if entry.calls > WATCHED else new:
        del entry.untried[i]
    return output


def plainly(f, args, kwargs):
    """f(*args, **kwargs); autograd's stack of traces is put right if f raises."""
    top = trace_stack.top
    try:
        return f(*args, **kwargs)
    finally:
        trace_stack.top = top


def check(f, expected, found):
    """Raise ReplayError, naming the first leaf that differs, unless both trees are the same."""
    paired = zip(names(expected, "output"), leaves(expected), leaves(found))
    unequal = [path for path, a, b in paired if not same(a, b)]
    if unequal or signature(expected, [], []) != signature(found, [], []):
        raise ReplayError(
            f"replay of {name_of(f)} gives another {[*unequal, 'structure'][0]} than {name_of(f)} "
            "itself, which must depend on more than the numbers in its arguments, or change them."
        )


def same(a, b):
    """Whether two leaves are the same bit for bit, all NaN being one; on a GPU, whether close."""
    if kind_of(a) != kind_of(b):
        return False
    if not is_array(a):
        return repr(a) == repr(b)
    on_host = isinstance(a, (numpy.ndarray, numpy.generic))
    a, b = numpy.array(to_host(a)), numpy.array(to_host(b))
    if not on_host:
        return numpy.allclose(a, b, CLOSE, CLOSE, equal_nan=True)
    for x in (a, b) if a.dtype.kind in "fc" else ():
        x[numpy.isnan(x)] = numpy.nan
    return a.tobytes() == b.tobytes()


def signature(tree, arrays, constants):
    """What a recording depends on: a key of the tree without the numbers in its arrays.

    The arrays are appended to one list, the leaves that are functions to another. Raises
    ReplayError for a leaf that is neither an array nor plain.
    """
    if type(tree) is numpy.ndarray:  # the common case first: this runs at every call
        arrays.append(tree)
        return tree.shape, tree.dtype, tree.strides
    if isinstance(tree, (tuple, list)):
        return type(tree), *[signature(x, arrays, constants) for x in tree]
    if isinstance(tree, dict):
        return dict, *[(k, signature(x, arrays, constants)) for k, x in tree.items()]
    if is_array(tree):
        arrays.append(tree)
        return type(tree), tree.shape, tree.dtype, getattr(tree, "strides", None)
    if isinstance(tree, PLAIN):
        return type(tree), repr(tree)
    if not callable(tree):
        raise ReplayError(
            f"replay takes trees of arrays, numbers, strings and functions, not a "
            f"{type(tree).__name__}; random numbers are drawn first and passed as arrays."
        )
    constants.append(tree)
    return type(tree), tree


def mark(x):
    """What tells an array from one with other contents; on a GPU, from another array."""
    return checksum(x) if isinstance(x, (numpy.ndarray, numpy.generic)) else id(x)


def name_of(f):
    """What to call f in a sentence."""
    return getattr(f, "__name__", type(f).__name__)


def _warn_of_many(f, count):
    if count == MOST:
        warnings.warn(
            f"replay has recorded {name_of(f)} {count} times: from call to call a shape changes, "
            "or a variable, or an argument that is no array (make a changing number an array).",
            RuntimeWarning,
            stacklevel=3,
        )
