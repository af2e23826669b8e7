"""Watch what a function reads besides its arguments, to know whether it is still what it was.

The numbers that a function reads from closures and globals are built into its recording. They are
watched here: variables by identity, arrays by a checksum of their contents. Attributes of modules
and objects, and the globals of installed packages, are not watched. An array on a GPU is watched by
identity.
"""

import dis
import os
import types
import zlib
from functools import partial
from operator import getitem
from pathlib import Path
from typing import NamedTuple

import numpy

HERE = str(Path(__file__).parents[2])  # the package itself
PACKAGES = [os.path.dirname(module.__file__) for module in (os, numpy)]
INSTALLED = (HERE, *PACKAGES, os.path.dirname(PACKAGES[-1]), "<frozen ")  # and beside NumPy


class Surroundings(NamedTuple):
    """(read, value) pairs: variables should read as the same object, contents as an equal one."""

    contents: list
    variables: list


def find_surroundings(functions):
    """All that the functions, and the functions they can reach, read besides their arguments."""
    contents, variables, queue, seen = [], [], list(functions), {}
    while queue:
        x = queue.pop()
        if id(x) not in seen:
            seen[id(x)] = x
            contents += [(read, read()) for read in _contents(x)]
            own = [(read, read()) for read in _variables(x)]
            variables += own
            queue += [value for _, value in own] + _parts(x)
    return Surroundings(contents, variables)


def is_unchanged(surroundings):
    """Whether everything reads as it did when the surroundings were found."""
    equal = (read() == value for read, value in surroundings.contents)
    identical = (read() is value for read, value in surroundings.variables)
    return all(equal) and all(identical)


def checksum(x):
    """A number that changes with the contents of an array."""
    return zlib.crc32(numpy.ascontiguousarray(x))


def _contents(x):
    if isinstance(x, numpy.ndarray):
        return [partial(checksum, x)]
    return [partial(list, x)] if type(x) is dict else [partial(len, x)] if type(x) is list else []


def _variables(x):
    if type(x) is list:
        return [partial(getitem, x, i) for i in range(len(x))]
    if type(x) is dict:
        return [partial(x.get, key) for key in x]
    if not isinstance(x, types.FunctionType):
        return []
    installed = x.__code__.co_filename.startswith(INSTALLED)
    names = () if installed else _global_names(x.__code__) & x.__globals__.keys()
    full = filter(_is_full, x.__closure__ or ())
    cells = [partial(getattr, cell, "cell_contents") for cell in full]
    return cells + [partial(x.__globals__.get, name) for name in names]


def _parts(x):
    if isinstance(x, types.FunctionType):
        return [x.__defaults__, x.__kwdefaults__]
    if isinstance(x, types.MethodType):
        return [x.__func__]
    if isinstance(x, partial):
        return [x.func, x.args, x.keywords]
    return list(x) if isinstance(x, tuple) else []


def _global_names(code):
    """The globals that a function reads, and those that the functions inside it read."""
    read = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return read.union(*map(_global_names, inner))


def _is_full(cell):
    try:
        return bool([cell.cell_contents])
    except ValueError:
        return False
