"""What a function reads besides its arguments, and whether it is still what it was.

A recording has the numbers that the function found in closures and globals built in. Here they are
watched: variables by identity, arrays by a checksum of their contents. Not seen are attributes of
modules and objects, and globals of installed packages; an array on a GPU is watched by identity.
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


def surroundings(functions):
    """All that the functions, and the functions they can reach, read besides their arguments."""
    contents, variables, queue, seen = [], [], list(functions), {}
    while queue:
        x = queue.pop()
        if id(x) not in seen:
            seen[id(x)] = x
            found = [(read, read()) for read in _variables(x)]
            contents += [(read, read()) for read in _contents(x)]
            variables += found
            queue += [value for _, value in found] + _parts(x)
    return Surroundings(contents, variables)


def unchanged(found):
    """Whether all of it is as it was."""
    return all(read() == value for read, value in found.contents) and all(
        read() is value for read, value in found.variables
    )


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
    names = () if installed else _globals_named(x.__code__) & x.__globals__.keys()
    cells = [partial(getattr, cell, "cell_contents") for cell in x.__closure__ or () if _full(cell)]
    return cells + [partial(x.__globals__.get, name) for name in names]


def _parts(x):
    if isinstance(x, types.FunctionType):
        return [x.__defaults__, x.__kwdefaults__]
    if isinstance(x, types.MethodType):
        return [x.__func__]
    if isinstance(x, partial):
        return [x.func, x.args, x.keywords]
    return list(x) if isinstance(x, tuple) else []


def _globals_named(code):
    """The globals that a function's code reads, that of functions inside it included."""
    read = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return read.union(*map(_globals_named, inner))


def _full(cell):
    try:
        return bool([cell.cell_contents])
    except ValueError:
        return False
