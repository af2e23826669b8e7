"""What an object holds that may change: how to read it again, and where it leads.

`single_reads` are pairs (getter, owner) for one value each. `several_reads` are functions without
arguments that give several values. Both run at every call of a replayed function, so the frequent
ones are put together from C functions. `parts` are values that an immutable object holds.
"""

import collections
import contextvars
import datetime
import functools
import gc
import io
import logging
import operator
import re
import threading
import types
import weakref
from concurrent.futures import Executor
from decimal import Decimal
from functools import partial
from itertools import chain, repeat
from operator import attrgetter

import numpy
from autograd.tracer import isbox

from minimeta.core.backend import current
from minimeta.core.replay.execution import is_users, is_users_module

PLAIN = (bool, int, float, complex, str, bytes, type(None))
LISTS = (list, set, collections.deque)
DICTS = (collections.OrderedDict, collections.defaultdict, dict)
VIEWS = (types.MappingProxyType, type({}.keys()), type({}.values()))
WRAPPERS = {  # immutable, apart from what these attributes hold
    functools.partial: ("func", "args", "keywords"),
    types.MethodType: ("__func__", "__self__"),
    types.BuiltinFunctionType: ("__self__",),
    types.MethodWrapperType: ("__self__",),
    property: ("fget", "fset", "fdel"),
    classmethod: ("__func__",),
    staticmethod: ("__func__",),
    slice: ("start", "stop", "step"),
}
IMMUTABLE = (
    *(*PLAIN, type(...), type(NotImplemented), range, types.CodeType, re.Pattern, Decimal),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, operator.itemgetter),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType),
    *(types.GetSetDescriptorType, types.MemberDescriptorType, types.GenericAlias, type(int | str)),
    *(collections._tuplegetter, numpy.generic, numpy.dtype, numpy.ufunc, type(numpy.sum)),
)
READABLE = (tuple, frozenset, bytearray, numpy.ndarray, types.FunctionType, types.ModuleType, type)
READABLE += (
    functools._lru_cache_wrapper,
    weakref.ref,
    contextvars.ContextVar,
    threading.local,
    object,
)
KNOWN = {*IMMUTABLE, *WRAPPERS, *LISTS, *DICTS, *VIEWS, *READABLE}
LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition)
SILENT = (*LOCKS, threading.Thread, Executor, logging.Logger, logging.Handler)  # they tell nothing
POINTER = tuple.__itemsize__  # bytes

ABSENT = object()
END = (ABSENT,)  # ends the values of a container, whose length is not known
CODE, DEFAULTS, KEYWORDS = map(attrgetter, ("__code__", "__defaults__", "__kwdefaults__"))
CELL, DICT, ORDER = map(attrgetter, ("cell_contents", "__dict__", "__mro__"))


class UnwatchedError(TypeError):
    """The function reads something that may change without a sign."""


def check_readable(x):
    """Raise UnwatchedError if x has a state that Python cannot read, or not without changing it.

    Such a state takes memory besides that of the known base, of slots, and of the two pointers to
    attributes and to weak references.
    """
    if isbox(x):
        raise UnwatchedError("it keeps an array of the recording after its end")
    kind, base = type(x), base_of(type(x))
    has_dict = kind.__dictoffset__ > 0 or base.__itemsize__ and kind.__dictoffset__ < 0
    pointers = len(slot_names(kind)) + bool(has_dict) + (kind.__weakrefoffset__ > 0)
    hidden = kind.__basicsize__ > base.__basicsize__ + pointers * POINTER
    if hidden or kind.__itemsize__ > base.__itemsize__:
        raise UnwatchedError(f"it reads a {kind.__name__}, whose changes cannot be watched")


def is_silent(x):
    """Whether x is not watched: installed classes, what only writes or waits, arrays on a GPU."""
    if isinstance(x, type):
        return not is_users_class(x)
    writes = isinstance(x, io.TextIOWrapper) and not x.closed and x.writable()
    on_device = isinstance(x, current()[0].ndarray) and not isinstance(x, numpy.ndarray)
    return writes or on_device or isinstance(x, SILENT) and not is_users_class(type(x))


# What is read again.


def single_reads(x, ran):
    """(getter, owner) pairs, each for one value; functions count only if their code ran."""
    if isinstance(x, types.FunctionType):
        if id(x.__code__) in ran:
            cells = x.__closure__ or ()
            yield from ((CELL if is_full(cell) else look_into, cell) for cell in cells)
            if is_users(x.__code__):
                getters = (CODE, DEFAULTS, KEYWORDS)[: 3 if x.__code__.co_kwonlyargcount else 2]
                yield from ((getter, x) for getter in getters)
                yield from [(operator.not_, vars(x))] * (not vars(x))  # whether it has attributes
    elif isinstance(x, type):
        yield ORDER, x
    elif isinstance(x, weakref.ref):
        yield weakref.ref.__call__, x
    elif isinstance(x, contextvars.ContextVar):
        yield value_here, x
    elif not isinstance(x, types.ModuleType):
        yield from [(type, x)] * is_users_class(type(x))
        yield from [(DICT, x)] * has_attributes(x)


def several_reads(x, names):
    """Functions that give lists of values."""
    if isinstance(x, (types.ModuleType, type)):
        found = module_names(x, names) if isinstance(x, types.ModuleType) else class_names(x, names)
        yield look_up(vars(x), found)
    elif isinstance(x, types.FunctionType):
        if is_users(x.__code__) and vars(x):
            yield items(dict, vars(x)) if names.all else look_up(vars(x), names.attributes)
    else:
        yield from container_reads(x)
        if has_attributes(x):
            whole = names.all or is_read_elsewhere(type(x))
            yield items(dict, vars(x)) if whole else look_up(vars(x), names.attributes)
        slots = slot_names(type(x))
        yield from [lambda: [getattr(x, name, ABSENT) for name in slots]] * bool(slots)


def container_reads(x):
    """The reads of what a container of a known kind holds."""
    base = base_of(type(x))
    if base in LISTS:
        yield partial(chain, x, END) if type(x) is base else lambda: [*base.__iter__(x), ABSENT]
    elif base in DICTS:
        yield items(base, x)
    elif base in VIEWS:
        yield lambda: [*x, *(x.values() if base is types.MappingProxyType else ()), ABSENT]
    elif base is threading.local:
        yield lambda: [*x.__dict__, *x.__dict__.values(), ABSENT]
    elif base is bytearray:
        yield lambda: [bytes(x)]
    elif base is numpy.ndarray and x.dtype == object:
        yield lambda: x.ravel().tolist()
    if base is collections.defaultdict:
        yield lambda: [x.default_factory]


def look_up(namespace, names):
    """A function that gives the values of these names; a value that is not there is ABSENT."""
    return partial(map, namespace.get, [*names], repeat(ABSENT))


def items(kind, x):
    """A function that gives the keys and then the values of x, as this kind of dict has them."""
    return partial(chain, kind.keys(x), kind.values(x), END)


def parts(x):
    """The values in an immutable object."""
    if isinstance(x, types.FunctionType):  # a user's are read, defaults and all
        return [*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()]
    if isinstance(x, (tuple, frozenset)):
        return [*x]
    if isinstance(x, type):
        return [*x.__mro__[1:], type(x)]
    if is_memo(x):
        return [part for part in gc.get_referents(x) if not is_index(part)]
    wrapper = next((kind for kind in WRAPPERS if isinstance(x, kind)), None)
    values = [getattr(x, name, None) for name in WRAPPERS.get(wrapper, ())]
    return [value for value in values if not isinstance(value, types.ModuleType)] + [type(x)]


def look_into(cell):
    """The value of a variable that had none at first."""
    return cell.cell_contents if is_full(cell) else ABSENT


def value_here(variable):
    """The value of a context variable."""
    return variable.get(ABSENT)


# Which names.


def module_names(module, names):
    """What the user's code may read in a module; in an installed one, the data among it."""
    present = names.attributes & vars(module).keys()
    if is_users_module(module.__name__):
        whole = [name for name in vars(module) if name[:2] != "__"] if names.all else []
        return [*present.union(whole)]
    is_data = lambda x: not (callable(x) or isinstance(x, types.ModuleType))
    return [name for name in present if is_data(vars(module)[name])]


def class_names(kind, names):
    """What the user's code, and operators, may read in a class."""
    held = [item for c in kind.__mro__ if is_users_class(c) for item in vars(c).items()]
    operators = [name for name, x in held if name[:2] == "__" and hasattr(x, "__get__")]
    whole = [name for name, _ in held if name[:2] != "__"] if names.all else []
    return [*names.attributes.union(operators, whole)]


def slot_names(kind):
    """The names of the slots that a class adds to its known base."""
    added = kind.__mro__[: kind.__mro__.index(base_of(kind))]
    slots = [(name, x) for c in added for name, x in vars(c).items()]
    return [name for name, x in slots if isinstance(x, types.MemberDescriptorType)]


def has_attributes(x):
    """Whether x has a dict of attributes, the same in every thread."""
    is_bare = type(x) is partial and not vars(x)
    return hasattr(x, "__dict__") and not (is_bare or isinstance(x, threading.local))


def base_of(kind):
    """The first class above a class, or itself, whose instances are known inside out."""
    return next(c for c in kind.__mro__ if c in KNOWN)


def is_users_class(kind):
    """Whether a class is neither the package's own nor that of an installed package."""
    return is_users_module(kind.__module__)


def is_read_elsewhere(kind):
    """Whether installed methods may read what the user's code does not name."""
    installed = [c for c in kind.__mro__ if not is_users_class(c)]
    methods = [
        x for c in installed if c.__module__ not in ("abc", "typing") for x in vars(c).values()
    ]
    return any(isinstance(x, types.FunctionType) for x in methods)


def is_memo(x):
    """Whether x is a function that keeps its results (functools.lru_cache)."""
    return isinstance(x, functools._lru_cache_wrapper)


def is_index(x):
    """Whether x is the dict by which a memo finds its results, which it refers to itself too."""
    return type(x) is dict and any(type(v).__name__ == "_lru_list_elem" for v in x.values())


def is_full(cell):
    """Whether the variable of a closure has a value."""
    try:
        return bool([cell.cell_contents])
    except ValueError:
        return False
