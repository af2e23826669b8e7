"""What a recording is made of: calls of primitives, and the values that stand in them.

autograd hands every primitive call on a boxed array to a `Node`. Its own nodes differentiate; a
`Tape` node only notes the call, so that a recording around a function also holds the calls that its
gradients make, of any order.
"""

from typing import Any, Callable, NamedTuple

import numpy
from autograd.builtins import container_take
from autograd.numpy import isscalar, size
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Node, isbox, notrace_primitives

from minimeta.core.backend import current

INDEXING = (ArrayBox.__getitem__, container_take)


class Kind(NamedTuple):
    """What Python may know of a value, which is not the numbers in it.

    The strides belong to it: in which order numbers are added, and so rounded, depends on them.
    """

    type: type
    shape: tuple = None
    dtype: Any = None
    strides: tuple = None
    parts: tuple = ()  # of a tuple of values

    def __str__(self):
        return self.type.__name__ if self.shape is None else f"{self.shape} {self.dtype}"


class Ref(NamedTuple):
    """Stands in a call, or in an output, for the value in a slot."""

    slot: int


class Call(NamedTuple):
    """value in `slot` = function(*args, **kwargs), where Refs stand for the values in args."""

    slot: int
    function: Callable  # None: an input
    args: tuple
    kwargs: dict
    kind: Kind


class Tape(Node):
    """A node that notes its call in the list of calls that its parents share."""

    __slots__ = ["slot", "calls"]

    def __init__(self, value, function, args, kwargs, argnums, parents):
        KNOWN.begun = None
        refs = {i: Ref(node.slot) for i, node in zip(argnums, parents)}
        args = tuple(refs.get(i, arg) for i, arg in enumerate(args))
        self._note(parents[0].calls, function.fun, args, kwargs, value)

    def initialize_root(self, value, calls):
        self._note(calls, None, (), {}, value)

    def _note(self, calls, function, args, kwargs, value):
        self.slot, self.calls = len(calls), calls
        calls.append(Call(self.slot, function, args, kwargs, kind_of(value)))


class Known(set):
    """The functions whose answers Python may know.

    As autograd asks here before it makes a call, one that was begun and is not noted yet shows. It
    raised an error, which f then caught (the IndexError that ends a `for` may be); or it is still
    at work, on a box that it was given inside a list or by keyword.
    """

    begun = None

    def __contains__(self, function):
        self.check()
        known = super().__contains__(function)
        self.begun = None if known or function in INDEXING else function
        return known

    def check(self):
        if self.begun:
            name = self.begun.__name__
            raise TypeError(
                f"it catches an error of {name} or gives it arrays in a list or by name"
            )


KNOWN = notrace_primitives[Tape] = Known((size, isscalar))


def is_array(x):
    """Whether x is data: an array or a NumPy scalar. Every other leaf is part of the program."""
    return isinstance(x, (numpy.ndarray, numpy.number, numpy.bool_, current()[0].ndarray))


def is_traced(box):
    """Whether the value in a box, however deep, is one of a recording."""
    while isbox(box):
        if type(box._node) is Tape:
            return True
        box = box._value
    return False


def kind_of(value):
    """The Kind of an array, a scalar, a tuple of them, or whatever else a primitive returns."""
    if isinstance(value, (tuple, list)):
        return Kind(type(value), parts=tuple(map(kind_of, value)))
    return Kind(type(value), *(getattr(value, name, None) for name in Kind._fields[1:4]))
