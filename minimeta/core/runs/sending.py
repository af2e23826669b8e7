"""Learners, networks and optimizers on their way to another process, by plain pickle.

    ProcessPoolExecutor().map(partial(evaluate, learner, meta), tasks)

pickle sends a function as its name in a module. The functions of a learner have none: they are made
inside `learner(...)`, and hold the hyper-parameters in the variables around them. But the module is
on the other side too, and the code of an inner function is a constant of the outer function's code.
So what is sent is where the code stands, and the values of the variables.

The functions of a script itself, the module "__main__", are left to pickle as they are. The other
process may have another script, and cloudpickle, which loky and Dask use, sends their code.
"""

import sys
from functools import partial, reduce
from importlib import import_module
from inspect import unwrap
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple


def reduce_record(record):
    """`__reduce__` of a NamedTuple of functions: how pickle makes it anew."""
    return type(record), tuple(portable(field) for field in record)


class Portable(NamedTuple):
    """What pickle turns into make(*args) on the other side."""

    make: Any
    args: tuple

    def __reduce__(self):
        return self.make, self.args


def portable(x, around=()):
    """x, with every function in it that was made inside another one in a form that can be sent.

    around: what x was found inside; a function that refers to itself is left as it is.
    """
    inside = lambda part: portable(part, (*around, x))
    if any(x is outer for outer in around):
        return x
    if type(x) is partial:
        return Portable(_make_partial, (inside(x.func), inside(x.args), inside(x.keywords)))
    if type(x) in (list, tuple):
        return type(x)(map(inside, x))
    if type(x) is dict:
        return {key: inside(value) for key, value in x.items()}
    place = _place_of(x) if type(x) is FunctionType else None
    if place is None:
        return x
    state = (x.__defaults__, x.__kwdefaults__, vars(x), _values_around(x))
    return Portable(_make_function, (*place, *map(inside, state)))


def _place_of(function):
    """(module, outer function, constants, name) of an inner function; None if that is unknown."""
    outer, inner, _ = function.__qualname__.partition(".<locals>.")
    module = sys.modules.get(function.__module__)
    known = inner and module and vars(module) is function.__globals__
    if not known or function.__module__ == "__main__" or _values_around(function) is None:
        return None
    code = _code_of(module, outer)
    path = code and _path(code, function.__code__)
    return path and (function.__module__, outer, path, function.__code__.co_name)


def _values_around(function):
    """The variables that a function closes over, {name: value}; None if one has no value yet."""
    try:
        values = [cell.cell_contents for cell in function.__closure__ or ()]
        return dict(zip(function.__code__.co_freevars, values))
    except ValueError:
        return None


def _code_of(module, name):
    """The code of the function that a module has under this name, which may have dots."""
    function = reduce(lambda x, part: getattr(x, part, None), name.split("."), module)
    return getattr(unwrap(function), "__code__", None)


def _path(code, inner):
    """Which constant of which constant ... of a code object is the inner one; None if none is."""
    for i, constant in enumerate(code.co_consts):
        if constant is inner:
            return (i,)
        deeper = _path(constant, inner) if isinstance(constant, CodeType) else None
        if deeper:
            return (i, *deeper)
    return None


def _make_partial(function, args, keywords):
    return partial(function, *args, **keywords)


def _make_function(module, outer, path, name, defaults, keyword_defaults, attributes, values):
    """The inner function of a module's outer one whose surrounding variables have these values."""
    code = _code_of(import_module(module), outer)
    for i in path:
        code = code.co_consts[i] if isinstance(code, CodeType) and i < len(code.co_consts) else None
    if getattr(code, "co_name", None) != name or set(code.co_freevars) != set(values):
        raise ImportError(f"{module}.{outer} is not the one whose function {name} was pickled.")
    cells = tuple(map(CellType, [values[variable] for variable in code.co_freevars]))
    function = FunctionType(code, vars(sys.modules[module]), name, defaults, cells)
    function.__kwdefaults__ = keyword_defaults
    function.__qualname__ = f"{outer}.<locals>.{name}"
    vars(function).update(attributes)
    return function
