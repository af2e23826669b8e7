"""Record a function once, then run it as straight-line NumPy code: the same numbers, bit for bit.

    step = replay(lambda theta, task: value_and_grad(meta_loss)(theta, task))
    value, gradient = step(theta, task)      the first call records, later ones replay
    print(step.program)                      a line for each operation, with shapes and counts

autograd spends most of its time between the calls of primitives: on boxes, tapes and closures. None
of that work depends on the numbers in the arrays, so once is enough. `recording` notes the calls of
one evaluation, gradients included, and `program` writes them as Python.

A program holds only for what it was recorded from. The function f is recorded again if a shape, a
dtype, a stride, the structure of a tree, an argument that is no array, the device, or anything that
`replay` watches has changed. A recording stops with an error where a number leaves an array for
Python (`if x > 0`, `float(x)`), where f changes an argument, and where f reads what cannot be
watched. Whatever else f may do shows when its result and the program's are compared bit for bit.
They are compared at the recording, at the second call and every call whose number is a power of
two, and when an array argument first differs from the recorded one.

A recording costs about ten evaluations of f, and a replay saves most of one. After the first few,
another recording is therefore made only where replays have made up for it, or after a hundred
evaluations of f, in case it has settled. Where no program fits until then, f runs as it is.
"""

import itertools
import threading
import warnings
from functools import wraps
from types import BuiltinMethodType, MethodType, SimpleNamespace

import numpy
from autograd.tracer import trace_stack

from minimeta.core.backend import current, to_host
from minimeta.core.replay.arguments import copy_parts, restore
from minimeta.core.replay.execution import observe
from minimeta.core.replay.program import compile_program
from minimeta.core.replay.recording import is_array, kind_of, record
from minimeta.core.replay.surroundings import checksum, find_surroundings, is_unchanged
from minimeta.core.trees import leaves, names

MOST_PROGRAMS = 16  # kept for one function
FREE, REPLAYS, EVALUATIONS = 4, 30, 100  # free recordings; how many of these earn one more
WATCHED_CALLS = 100  # in which an array argument is watched for its first change
PLAIN_ARGUMENTS = (int, float, complex, str, bytes, numpy.dtype, type(None), type(...), slice)
LOCK = threading.Lock()  # of the programs that are kept
CLOSE = 1e-3  # on a GPU, where sums may round differently from call to call


class ReplayError(RuntimeError):
    """The function cannot be replayed: it depends on more than the arrays it is given."""


def replay(f):
    """A function that gives what f gives, faster. f is a pure function of trees.

    The trees hold arrays and plain values, and f runs more than once in the calls that check it.
    Within a gradient or another replay, f itself is called.

    Watched at every call, and a reason to record again, is whatever f's code or the user's code
    that it calls can read: globals and names in other modules, closures, defaults, the code of
    functions; attributes and slots of objects and of their classes; what lists, dicts, sets, deques
    and their kinds hold; arrays, by a checksum; environment variables. Not watched are the
    package's own and installed modules, except for data in them that the user's code names; whether
    an array on a GPU is changed in place; objects that only write, log or synchronise threads; and
    settings that lie in C code, such as the precision of decimal.

    Raises ReplayError where f reads what cannot be watched (a clock, a file, a generator of random
    numbers, an iterator, an object with a state hidden in C), where f changes what it reads, where
    it changes its arguments, which are then as they were, and where the module's docstring says so.
    """
    entries, evaluations = {}, itertools.count(1)
    counts = SimpleNamespace(recordings=0, replays=0, evaluations=0)

    @wraps(f)
    def run(*args, **kwargs):
        if trace_stack.top >= 0:
            return f(*args, **kwargs)
        arrays, constants = [], []
        key = (signature((args, kwargs), arrays, constants), *current())
        entry = entries.get(key)
        if entry is not None and is_unchanged(entry.surroundings):
            counts.replays += 1
            return run_and_check(f, args, kwargs, arrays, entry, lambda: entries.pop(key, None))
        earned = counts.replays // REPLAYS + counts.evaluations // EVALUATIONS
        if counts.recordings >= FREE + earned:
            counts.evaluations = number = next(evaluations)
            _warn_of_changes(f, counts.recordings, number)
            return f(*args, **kwargs)
        output, entry = record_and_check(f, args, kwargs, arrays, constants)
        counts.recordings += 1
        keep(entries, key, entry)
        run.program = entry.program
        return output

    run.program = None
    return run


def keep(entries, key, entry):
    """Add the newest entry; the oldest goes where there are too many. Threads share them all."""
    with LOCK:
        oldest = key if key in entries or len(entries) < MOST_PROGRAMS else next(iter(entries))
        entries.pop(oldest, None)
        entries[key] = entry


def record_and_check(f, args, kwargs, arrays, constants):
    """What f gives, and an entry: the program recorded from it, and what must stay as it is."""
    expected = run_purely(f, args, kwargs)
    before = [*map(fingerprint, filter(is_array, leaves(expected)))]
    try:
        with observe() as execution:
            recording = record(f, args, kwargs)
        surroundings = find_surroundings([f, *constants], execution)
    except Exception as error:
        raise ReplayError(f"replay cannot record {name_of(f)}: {error}.") from error
    if before != [*map(fingerprint, filter(is_array, leaves(expected)))]:
        raise ReplayError(f"replay cannot record {name_of(f)}: it changes what it has returned.")
    check_same(f, expected, recording.value)
    entry = SimpleNamespace(
        program=compile_program(recording),
        surroundings=surroundings,
        functions=constants,  # alive, as their ids are in the key
        untried={i: fingerprint(x) for i, x in enumerate(arrays)},
        calls=1,
    )
    return expected, entry


def run_purely(f, args, kwargs):
    """What f gives. Where f changes its arguments, put them right and raise ReplayError."""
    parts = copy_parts(args, "args") + copy_parts(kwargs, "kwargs")
    output = f(*args, **kwargs)
    changed = restore(parts)
    if changed:
        raise ReplayError(
            f"replay cannot stand for {name_of(f)}: it changes its argument {changed[0]} in place."
        )
    return output


def run_and_check(f, args, kwargs, arrays, entry, forget):
    """What the program gives, compared with f where a comparison is due.

    If the program fails, for instance because a mask now selects a different number of elements,
    the function itself is called instead.
    """
    calls = entry.calls = entry.calls + 1  # each thread looks at the number that it counted
    try:
        output = entry.program.run(arrays)
    except Exception:
        forget()
        return f(*args, **kwargs)
    untried = [*entry.untried.items()]
    new = [i for i, recorded in untried if fingerprint(arrays[i]) != recorded]
    is_power_of_two = calls & (calls - 1) == 0
    if new or is_power_of_two:
        try:
            check_same(f, run_purely(f, args, kwargs), output)
            if not is_unchanged(entry.surroundings):
                raise ReplayError(
                    f"replay cannot stand for {name_of(f)}: it changes what it reads."
                )
        except ReplayError:
            forget()
            raise
    for i in [*entry.untried] if calls > WATCHED_CALLS else new:
        entry.untried.pop(i, None)
    return output


def check_same(f, expected, output):
    """Raise ReplayError, naming the first leaf that differs, unless both trees are the same."""
    pairs = zip(names(expected, "output"), leaves(expected), leaves(output))
    unequal = [path for path, a, b in pairs if not is_same(a, b)]
    if unequal or signature(expected, [], []) != signature(output, [], []):
        raise ReplayError(
            f"replay of {name_of(f)} gives another {[*unequal, 'structure'][0]} than {name_of(f)} "
            "itself, which must depend on more than the numbers in its arguments, or change them."
        )


def is_same(a, b):
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

    The arrays are appended to one list, functions and classes to another. Raises ReplayError for a
    leaf that is neither an array nor plain.
    """
    if type(tree) is numpy.ndarray:  # the common case first: this runs at every call
        arrays.append(tree)
        return tree.shape, tree.dtype, tree.strides
    if isinstance(tree, (tuple, list)):
        kind = type(tree)
        if kind is not tuple and kind is not list:
            constants.append(kind)  # a class may be changed
        return kind, *[signature(x, arrays, constants) for x in tree]
    if isinstance(tree, dict):
        return dict, *tree, *[signature(x, arrays, constants) for x in tree.values()]
    if is_array(tree):
        arrays.append(tree)
        return type(tree), tree.shape, tree.dtype, getattr(tree, "strides", None)
    if isinstance(tree, PLAIN_ARGUMENTS):
        constants += [tree] * (type(tree) not in PLAIN_ARGUMENTS)
        return type(tree), repr(tree)
    if not callable(tree):
        raise ReplayError(
            f"replay takes trees of arrays, numbers, strings and functions, not a "
            f"{type(tree).__name__}; random numbers are drawn first and passed as arrays."
        )
    constants.append(tree)
    return type(tree), *identity(tree)


def identity(x):
    """What tells one function from another; every look at an object makes its methods anew."""
    if isinstance(x, MethodType):
        return id(x.__self__), id(x.__func__)
    return (id(x.__self__), x.__name__) if isinstance(x, BuiltinMethodType) else (id(x),)


def fingerprint(x):
    """What tells an array from one with other contents; on a GPU, from another array."""
    return checksum(x) if isinstance(x, (numpy.ndarray, numpy.generic)) else id(x)


def name_of(f):
    """What to call f in a sentence."""
    return getattr(f, "__name__", type(f).__name__)


def _warn_of_changes(f, recordings, evaluations):
    if evaluations == EVALUATIONS:
        warnings.warn(
            f"replay has recorded {name_of(f)} {recordings} times, and no recording fitted in "
            f"{EVALUATIONS} other calls: from call to call a shape changes, or something that it "
            "reads, or an argument that is no array (make a changing number an array).",
            RuntimeWarning,
            stacklevel=3,
        )
