"""Observe one evaluation of a function: which code runs in it, and what it asks of the world.

Python's profiler reports every function as it begins, so the code that ran is known exactly, down
to properties, operators, and gradient rules that wait in a table of autograd's. Code that did not
run can change no result as long as everything that the other code reads stays the same.

What a clock, the operating system, a file or a generator of random numbers answers is not known
beforehand, so an evaluation that asks one is refused.
"""

import datetime
import dis
import io
import os
import random
import sys
import types
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy

from minimeta.core.backend import current

HERE = str(Path(__file__).parents[2]) + os.sep  # the package itself
PACKAGES = [os.path.dirname(module.__file__) for module in (os, numpy)]
INSTALLED = (HERE, *PACKAGES, os.path.dirname(PACKAGES[-1]), "<frozen ")  # and beside NumPy

OUTSIDE = ("time", "posix", "nt", "io", "_io", "_socket", "select", "_winapi", "_posixsubprocess")
HARMLESS = ("sleep", "fspath", "getpid", "register_at_fork", "text_encoding")  # though in OUTSIDE
# What only these functions tell of Python, of NumPy's settings, and of a file that NumPy reads.
STATES = ("getrefcount", "getrecursionlimit", "locked", "__subclasses__")
STATES += ("_get_extobj_dict", "fromfile")
CLOCKS = ("now", "today", "utcnow")  # of dates
# Modules that ask the world for themselves; the answers do not reach the function that calls them.
SERVICES = ("warnings", "linecache", "logging", "traceback", "threading", "concurrent")
RECORDER = "minimeta.core.replay.recording"  # the module that calls the function
# What finds attributes by a name that is computed: built-in functions, other names, and modules.
BY_NAME = ("getattr", "hasattr", "vars", "dir", "globals")
LOOKING = ("__dict__", "__getattribute__", "__getstate__", "attrgetter", "methodcaller")
READING = ("dataclasses", "copy")
THREADS = ("threading", "concurrent.futures.thread")  # modules that run code out of sight
GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


class Execution(NamedTuple):
    """What ran: code with its globals, and the built-in functions BY_NAME that the user called."""

    codes: dict  # (id of the code, id of its globals) -> (code, globals)
    by_name: set


class Names(NamedTuple):
    """What the user's code reads, as far as its text tells."""

    of_globals: list  # (globals, names) pairs, one for each module
    attributes: set
    imports: set  # of modules inside functions
    all: bool  # whether names are computed besides, so that any attribute may be read


@contextmanager
def observe():
    """Within the block, collect an Execution. At its end, raise TypeError if it asked the world."""
    execution, asked = Execution({}, set()), []

    def note(frame, event, function):
        code = frame.f_code
        if event == "call":
            key = id(code), id(frame.f_globals)
            execution.codes[key] = code, frame.f_globals
        elif event == "c_call":
            if function.__module__ == "builtins" and function.__name__ in BY_NAME:
                execution.by_name.update([function.__name__] * is_users(code))
            elif asks_outside(function) and not serves(frame):
                asked.append(function)

    before, state = sys.getprofile(), _global_state()
    sys.setprofile(note)
    try:
        yield execution
    finally:
        restart = getattr(before, "enable", None)  # that of cProfile is no function
        restart() if restart else sys.setprofile(before)
    if asked:
        raise TypeError(f"it calls {asked[0].__name__}, whose answer may be another every time")
    if state != _global_state():
        raise TypeError("it draws from NumPy's global generator of random numbers")


def asks_outside(function):
    """Whether a built-in function answers from a clock, a file, the system or a generator."""
    owner, name = getattr(function, "__self__", None), function.__name__
    if name in STATES:
        return True
    if isinstance(owner, types.ModuleType):
        is_input = function.__module__ == "builtins" and name == "input"
        return is_input or function.__module__ in OUTSIDE and name not in HARMLESS
    if isinstance(owner, type):
        return issubclass(owner, datetime.date) and name in CLOCKS
    reads = isinstance(owner, io.IOBase) and name.startswith("read")
    return reads or isinstance(owner, random.Random)


def serves(frame):
    """Whether the frame serves a warning, a line of a log, or other threads."""
    while frame and _module_of(frame.f_globals) != RECORDER:
        if _module_of(frame.f_globals).partition(".")[0] in SERVICES:
            return True
        frame = frame.f_back
    return False


def is_users(code):
    """Whether the code is neither the package's own nor that of an installed package."""
    return not code.co_filename.startswith(INSTALLED)


def is_users_module(name):
    """The same for a module of that name; the module of the device's arrays is an installed one."""
    root = name.partition(".")[0]
    is_device = root == current()[0].__name__.partition(".")[0]
    if is_device or root.startswith("namedtuple_") or root in sys.stdlib_module_names:
        return False
    files = [getattr(sys.modules.get(part), "__file__", None) or "" for part in (name, root)]
    return not any(file.startswith(INSTALLED) for file in files)


def users_codes(execution):
    """The (code, globals) pairs of the user's code that ran."""
    pairs = execution.codes.values()
    return [pair for pair in pairs if is_users(pair[0]) and is_users_module(_module_of(pair[1]))]


def names_read(execution):
    """The Names in the user's code that ran."""
    of_globals, attributes, imports = {}, set(), set()
    matches = False  # a pattern may name attributes by their positions
    for code, scope in users_codes(execution):
        _, variables = of_globals.setdefault(id(scope), (scope, set()))
        for i in dis.get_instructions(code):
            matches |= i.opname == "MATCH_CLASS"
            if i.opname in GLOBALS:
                variables.add(i.argval)
            elif i.opname == "IMPORT_NAME":
                imports.update(_modules_called(i.argval, scope.get("__package__") or ""))
            elif i.opcode in dis.hasname:
                attributes.add(i.argval)
        if execution.by_name:
            attributes.update(_texts(code.co_consts))
        if "globals" in execution.by_name:
            variables.update(scope)
    words = attributes.union(*(variables for _, variables in of_globals.values()))
    modules = {_module_of(scope) for _, scope in execution.codes.values()}
    looks = execution.by_name or words & {*LOOKING} or modules & {*READING}
    return Names([*of_globals.values()], attributes, imports, bool(looks or matches))


def uses_threads(execution):
    """Whether code may have run in other threads, where the profiler does not see it."""
    return any(_module_of(scope) in THREADS for _, scope in execution.codes.values())


def inner_codes(code):
    """The code of the functions that are written inside this code, at any depth."""
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return inner + [c for part in inner for c in inner_codes(part)]


def _modules_called(name, package):
    """What a module that is imported by this name, relative or not, may be called in full."""
    parts = package.split(".")
    yield name
    yield from (".".join([*parts[: k + 1], *filter(None, [name])]) for k in range(len(parts)))


def _module_of(scope):
    return str(scope.get("__name__"))


def _texts(constants):
    for x in constants:
        if isinstance(x, str):
            yield x
        elif isinstance(x, tuple):
            yield from _texts(x)


def _global_state():
    state = numpy.random.get_state()  # noqa: NPY002
    return state[1].tobytes(), state[2:]
