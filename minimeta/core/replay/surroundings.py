"""Watch what a function reads besides its arguments, to know whether it is still what it was.

The numbers that a function reads from the world around it are built into its recording. From the
function itself and from the globals that its code names, `find_surroundings` goes to everything
that the code which ran can reach, and notes

    functions    code, defaults, closures, and the attributes that the code names
    modules      the attributes that the code names
    objects      the attributes that the code names, those of their classes included, and slots
    containers   what a list, a dict, a set, a deque or one of their kinds holds, in its order
    arrays       a checksum of the numbers (on a GPU, which array it is)
    environment  the variables of the system, where the code names os.environ or calls os.getenv

Where the code looks attributes up by names that it computes, all attributes count. An object whose
state lies hidden in C, such as a generator or an iterator, cannot be watched: UnwatchedError. The
package's own and installed modules are taken as they are, but not the data in them that the user's
code names.
"""

import gc
import sys
import types
import zlib
from collections import defaultdict
from functools import partial
from itertools import chain
from operator import is_
from os import environ
from typing import NamedTuple

import numpy

from minimeta.core.replay.contents import (
    DICT,
    PLAIN,
    check_readable,
    is_memo,
    is_silent,
    look_up,
    parts,
    several_reads,
    single_reads,
)
from minimeta.core.replay.execution import (
    inner_codes,
    names_read,
    users_codes,
    uses_threads,
)

TABLES = {"environ": environ, "import_module": sys.modules, "__import__": sys.modules}


class Surroundings(NamedTuple):
    """What was found, and what it read: values that should be the same objects, or equal plain."""

    reads: list  # functions that give several values each
    values: list  # all that they gave
    arrays: list  # (array, fingerprint)


def find_surroundings(roots, execution):
    """All that the code which ran can read, from the roots and from the globals that it names."""
    while True:
        surroundings, reached = explore(roots, execution)
        functions = [x for x in reached if isinstance(x, types.FunctionType)]
        lost = find_lost(execution, functions)
        hides = uses_threads(execution) or any(map(is_memo, reached))
        hidden = codes_of(functions) if hides else {}
        if not lost and hidden.keys() <= execution.codes.keys():
            return surroundings
        roots = [*roots, *lost]
        execution = execution._replace(codes={**hidden, **execution.codes})


def explore(roots, execution):
    """The Surroundings from these roots, and all objects on the way."""
    names, ran = names_read(execution), {id(code) for code, _ in execution.codes.values()}
    queue, seen = [*roots, *map(sys.modules.get, names.imports)], {}
    single, arrays = defaultdict(list), []
    reads = [look_up(scope, variables) for scope, variables in names.of_globals]
    queue += chain.from_iterable(read() for read in reads)
    queue += {id(x): x for code, _ in execution.codes.values() for x in tables_named(code)}.values()
    while queue:
        x = queue.pop()
        if id(x) in seen or type(x) in PLAIN or is_silent(x):
            continue
        check_readable(x)
        seen[id(x)] = x
        for getter, owner in single_reads(x, ran):
            single[getter].append(owner)
            if getter is not DICT:  # what it holds is read by name
                queue.append(getter(owner))
        for read in several_reads(x, names):
            reads.append(read)
            queue += read()
        if isinstance(x, numpy.ndarray):
            arrays.append((x, fingerprint(x)))
        queue += parts(x)
    reads += [partial(map, getter, owners) for getter, owners in single.items()]
    pairs = [(read, found) for read in reads if (found := [*read()])]
    values = [x for _, found in pairs for x in found]
    return Surroundings([read for read, _ in pairs], values, arrays), seen.values()


def tables_named(code):
    """The tables of the whole process that this code may read by a function of the system's."""
    return [TABLES[name] for name in TABLES.keys() & code.co_names]


def find_lost(execution, functions):
    """Functions of the user's that ran and are out of sight, in a table of autograd's for instance.

    Those that are made anew in every run do not count.
    """
    codes = [code for code, _ in users_codes(execution)]
    known = {id(f.__code__) for f in functions}
    known |= {id(inner) for code in codes for inner in inner_codes(code)}
    lost = {id(code): code for code in codes if id(code) not in known}
    owners = gc.get_referrers(*lost.values()) if lost else []
    return [x for x in owners if isinstance(x, types.FunctionType) and id(x.__code__) in lost]


def codes_of(functions):
    """All code of these functions as an Execution has it.

    Other threads may run any of it unseen, and a memo may have run it before.
    """
    pairs = [(f.__code__, f.__globals__) for f in functions]
    pairs += [(inner, scope) for code, scope in pairs for inner in inner_codes(code)]
    return {(id(code), id(scope)): (code, scope) for code, scope in pairs}


def is_unchanged(surroundings):
    """Whether everything reads as it did when the surroundings were found."""
    old = surroundings.values
    try:
        new = []
        for read in surroundings.reads:
            new += read()
        if len(new) != len(old):
            return False
        if not (all(map(is_, new, old)) or all(map(is_same_value, new, old))):
            return False
        return all(fingerprint(x) == found for x, found in surroundings.arrays)
    except Exception:  # what cannot be read any more has changed
        return False


def is_same_value(new, old):
    """Whether two values are one object, or equal and plain."""
    return new is old or type(new) is type(old) and type(new) in PLAIN and repr(new) == repr(old)


def fingerprint(x):
    """What changes with the shape or the contents of an array."""
    return checksum(x), x.shape, x.strides


def checksum(x):
    """A number that changes with the contents of an array."""
    return zlib.crc32(numpy.ascontiguousarray(x))
