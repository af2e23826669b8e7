"""What a traced array does where NumPy's arrays would do something else, or lose its gradient.

Calls of plain NumPy are handed to the traced function.  Arguments given by name are found.  What
cannot be traced raises an error of one sentence: a method that traced arrays have not, a change in
place, a number taken out, and an array of objects, which NumPy makes of a list of traced numbers.
"""

import inspect

import autograd.numpy as np
import numpy
from autograd.builtins import SequenceBox
from autograd.numpy import numpy_wrapper
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import getval, isbox, trace_primitives_map

from minimeta.core.backend.refusals import sentence
from minimeta.core.backend.rules import name_of

# ---- Calls of plain NumPy, and arguments by name ----


class Joined:
    """np.r_ and np.c_ of traced arrays, numbers and slices; autograd's make arrays of objects."""

    def __init__(self, plain, axis):
        self.plain, self.axis = plain, axis

    def __getitem__(self, parts):
        parts = parts if isinstance(parts, tuple) else (parts,)
        if not any(map(isbox, parts)):
            return self.plain[parts]
        arrays = [p if isbox(p) else np.array(self.plain[p]) for p in parts]
        columns = [self._column(a) for a in arrays] if self.axis else map(np.atleast_1d, arrays)
        return np.concatenate([*columns], axis=self.axis)

    def _column(self, a):
        return a if np.ndim(a) > 1 else np.reshape(a, (-1, 1))


np.r_ = numpy_wrapper.r_ = Joined(numpy.r_, 0)
np.c_ = numpy_wrapper.c_ = Joined(numpy.c_, -1)

_WRAPPED = "concatenate vstack hstack stack column_stack append select where mean std var".split()
OURS = {vars(numpy)[name]: vars(np)[name] for name in _WRAPPED}
OURS |= {numpy.linalg.norm: np.linalg.norm, numpy.full_like: None, numpy.linspace: None}
QUESTIONS = {numpy.ndim, numpy.shape, numpy.iscomplexobj, numpy.result_type}


def array_function(self, function, types, args, kwargs):
    """A function of plain NumPy called on traced arrays: the traced function, or a refusal.

    autograd looks for traced arrays among the arguments by position, so they are given there.
    """
    if function in QUESTIONS:
        return function(*map(getval, args), **kwargs)
    ours = OURS.get(function, trace_primitives_map.get(function))
    if ours is None:
        raise NotImplementedError(sentence(f"np.{function.__name__}"))
    if function not in OURS:
        args, kwargs = by_position(function, args, kwargs)
        if not any(map(isbox, args)):
            raise NotImplementedError(sentence(name_of(ours)))
    return ours(*args, **kwargs)


def by_position(function, args, kwargs):
    """The arguments with every traced one, and those before it, in its position."""
    named = [name for name, value in kwargs.items() if isbox(value)]
    if not named:
        return args, kwargs
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except ValueError:  # compiled, before NumPy 2.4
        parameters = []
    places = {p.name: i for i, p in enumerate(parameters) if p.kind is p.POSITIONAL_OR_KEYWORD}
    if not all(name in places for name in named):
        raise NotImplementedError(
            f"np.{function.__name__} has no gradient in an argument given by name, {named[0]}=; "
            "give it by position."
        )
    args, kwargs = list(args), dict(kwargs)
    for p in parameters[len(args) : 1 + max(places[name] for name in named)]:
        args.append(kwargs.pop(p.name, p.default))
    return args, kwargs


def array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """An elementwise function of plain NumPy, also `array * traced`: the traced function.

    Inputs of a type that is neither NumPy's nor traced get their turn, as NumPy arranges it.
    """
    wrapper = trace_primitives_map.get(ufunc)
    if method == "__call__" and "out" not in kwargs and wrapper:
        try:
            return wrapper(*inputs, called_by_autograd_dispatcher=True, **kwargs)
        except NotImplementedError:
            if all(isbox(x) or isinstance(x, KNOWN) for x in inputs):
                raise
            return NotImplemented
    if not all(isbox(x) or isinstance(x, KNOWN) for x in inputs):
        return NotImplemented
    if "out" in kwargs:
        raise TypeError(
            f"An array cannot be changed in place by a traced one (np.{ufunc.__name__} with "
            "out=, or an operator such as +=); write y = y + x."
        )
    raise NotImplementedError(
        f"np.{ufunc.__name__}.{method} has no gradient; write np.{ufunc.__name__}, np.sum, "
        "np.prod, np.cumsum or np.outer."
    )


KNOWN = (numpy.ndarray, numpy.generic, int, float, complex, list, tuple)
ArrayBox.__array_function__ = array_function
ArrayBox.__array_ufunc__ = array_ufunc


# ---- Methods of arrays ----


def no_change_in_place(x, *_):
    """Raise TypeError: x[i] = y."""
    raise TypeError(
        "A traced array cannot be changed in place (x[i] = y); build a list and np.stack it, or "
        "write np.where(mask, y, x)."
    )


def no_number(kind):
    """The refusal of float(x) and its kin."""

    def refused(x):
        raise TypeError(
            f"A traced array of shape {x.shape} cannot become a Python number ({kind}); use "
            "functions of np on it, or differentiate a function that does not look at values."
        )

    return refused


def no_array(x, dtype=None, copy=None):
    """Raise TypeError: NumPy would make an array of objects, and some of its gradients are lost."""
    raise TypeError(
        "A traced array cannot become one of plain NumPy, nor can a list of traced numbers; write "
        "np.stack([...]) or np.array([...]) with the np of minimeta.core.backend."
    )


def no_attribute(x, name):
    """Raise AttributeError for what arrays have and traced arrays have not."""
    if name[:2] == "__" or not hasattr(numpy.ndarray, name):
        raise AttributeError(f"A traced array has no attribute {name!r}.")
    raise AttributeError(
        f"A traced array has no {name!r}; use a function of np instead, or index and np.stack."
    )


ArrayBox.__setitem__ = no_change_in_place
ArrayBox.__getattr__ = no_attribute
ArrayBox.__array__ = no_array
for _kind in ("float", "int", "complex"):
    setattr(ArrayBox, f"__{_kind}__", no_number(_kind))
for _name in ("dot", "conj", "copy"):
    setattr(ArrayBox, _name, vars(np)[_name])
ArrayBox.real = property(lambda x: np.real(x))
ArrayBox.imag = property(lambda x: np.imag(x))
ArrayBox.mT = property(lambda x: np.swapaxes(x, -1, -2))
ArrayBox.__pos__ = lambda x: x
ArrayBox.__floordiv__ = lambda x, y: np.floor_divide(x, y)
ArrayBox.__rfloordiv__ = lambda x, y: np.floor_divide(y, x)


# ---- Results with names ----


def named_field(box, name):
    """result.eigenvalues and its kin: a traced result has the names of the tuple in it."""
    if name[0] == "_":
        raise AttributeError(name)
    kind = type(getval(box))
    fields = getattr(kind, "_fields", ())
    if name not in fields:
        raise AttributeError(f"A traced {kind.__name__} has no attribute {name!r}.")
    return box[fields.index(name)]


SequenceBox.__getattr__ = named_field
