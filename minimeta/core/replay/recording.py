"""Record a function: note every call of a primitive that one evaluation of it makes.

autograd hands every primitive call on a boxed array to a `Node`. Its own nodes differentiate. A
`Tape` node only notes the call, so a recording around a function also holds the calls that its
gradients make, of any order.

During a recording, Python code sees the type, the shape and the dtype of a traced array, and never
a number in it. The code would therefore do the same for all arrays like these. This needs boxes
that do whatever the arrays in them would do, and that refuse to give a number away. autograd's own
boxes do less and refuse less, so `record` changes them for as long as it runs.
"""

import operator
import threading
from contextlib import contextmanager
from typing import Any, Callable, NamedTuple

import numpy
from autograd import builtins, core
from autograd.core import primitive_jvps, primitive_vjps
from autograd.extend import SparseObject, VSpace, primitive
from autograd.numpy import int8, int16, int32, int64, isscalar, size
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Box, Node, getval, isbox, new_box, notrace_primitives, trace_stack

from minimeta.core.backend import current
from minimeta.core.trees import leaves, names, tree_map, unflatten

INDEXING = (ArrayBox.__getitem__, builtins.container_take)
PLAIN = (bool, int, float, complex, str, type(None))
LOCK = threading.Lock()  # of what the recordings of all threads share


class Kind(NamedTuple):
    """What Python may know of a value: everything but the numbers in it.

    The strides are part of it, because they decide in which order numbers are added and rounded.
    """

    type: type
    shape: tuple = None
    dtype: Any = None
    strides: tuple = None
    parts: tuple = ()  # the kinds inside a tuple of values

    def __str__(self):
        return self.type.__name__ if self.shape is None else f"{self.shape} {self.dtype}"


class Ref(NamedTuple):
    """Stands for the value in a slot, inside a call or an output."""

    slot: int


class Call(NamedTuple):
    """value in `slot` = function(*args, **kwargs), where Refs stand for the values in args."""

    slot: int
    function: Callable  # None for an input
    args: tuple
    kwargs: dict
    kind: Kind


class Recording(NamedTuple):
    """One evaluation of a function."""

    inputs: list  # the names of the arrays it was given
    calls: list  # the inputs first
    output: object  # a tree of Refs and constants
    value: object  # the output of this evaluation


def record(f, args, kwargs):
    """Evaluate f(*args, **kwargs), a function of trees, with every array in its arguments traced.

    Raises TypeError, or what NumPy raises for a box, where f asks for a number in a traced array,
    catches an error, or returns what is no tree.
    """
    calls = []
    try:
        with _array_like_boxes(), trace_stack.new_trace() as trace:
            box = lambda x: new_box(x, trace, Tape.new_root(x, calls)) if is_array(x) else x
            boxed_args, boxed_kwargs = tree_map(box, (args, kwargs))
            output = f(*boxed_args, **boxed_kwargs)
            results = leaves(output)
            _check_results(results)
            KNOWN.check()
    finally:
        KNOWN.begun = None
    paths = names(args, "args") + names(kwargs, "kwargs")
    inputs = [path for path, x in zip(paths, leaves((args, kwargs))) if is_array(x)]
    value = unflatten(output, map(getval, results))
    refs = [Ref(x._node.slot) if isbox(x) else x for x in results]
    return Recording(inputs, calls, unflatten(value, refs), value)


def _check_results(results):
    for x in results:
        traced = type(getattr(x, "_node", None)) is Tape
        if not (traced or is_array(x) or type(getval(x)) in PLAIN):
            raise TypeError(f"it returns a {type(x).__name__}")


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
        kind = kind_of(value)
        with LOCK:  # what is recorded may hand its work to several threads
            self.slot, self.calls = len(calls), calls
            calls.append(Call(self.slot, function, args, kwargs, kind))


class Begun(threading.local):
    """The call that was begun in this thread and is not noted yet."""

    function = None


class Known(set):
    """The functions whose answers Python may know.

    autograd asks this set before every call, so a call that began and was not noted is seen at the
    next question. Either it raised an error that f caught (the IndexError that ends a `for` loop
    may be caught), or it is still at work on a box that it was given in a list or by keyword.
    """

    begun = property(lambda self: BEGUN.function, lambda self, f: setattr(BEGUN, "function", f))

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


BEGUN = Begun()
KNOWN = notrace_primitives[Tape] = Known((size, isscalar))


def is_array(x):
    """Whether x is data: an array or a NumPy scalar. Every other leaf is part of the program."""
    return isinstance(x, (numpy.ndarray, numpy.number, numpy.bool_, current()[0].ndarray))


def kind_of(value):
    """The Kind of an array, a scalar, a tuple of them, or whatever else a primitive returns."""
    if isinstance(value, (tuple, list)):
        return Kind(type(value), parts=tuple(map(kind_of, value)))
    return Kind(type(value), *(getattr(value, name, None) for name in Kind._fields[1:4]))


# Sums of gradients. autograd adds in place, but a value that was noted must stay as it was.


@primitive
def accumulate(space, total, part, room=None):
    """total + part in a copy of total, or in `room`: total itself, if nothing else refers to it."""
    copy_in_order = lambda x: x.copy("K") if isinstance(x, numpy.ndarray) else x.copy()
    total = tree_map(copy_in_order, total) if room is None else room
    return part.mut_add(total) if isinstance(part, SparseObject) else space._mut_add(total, part)


primitive_vjps[accumulate] = primitive_vjps[core.sparse_add]
primitive_jvps[accumulate] = primitive_jvps[core.sparse_add]


def _add_to_copy(add_into):
    return lambda space, total, part: (
        add_into(space, None, part) if total is None else accumulate(space, total, part)
    )


# Boxes that do what arrays do.


def _value_outside(x):
    """The value of x for Python to use; raise TypeError if it is one of the recording's."""
    box = x
    while isbox(box):
        if type(box._node) is Tape:
            raise TypeError(
                "it lets a number out of an array into Python (if, while, max, int, ...)"
            )
        box = box._value
    return box


def _guard_integer(new):
    """autograd's np.int64(x) would take the number out of its box."""
    return lambda kind, *args: new(kind, *map(_value_outside, args))


def _guard_index(take):
    """autograd looks for boxes among arguments, not inside a tuple such as the index of x[i, j]."""
    is_boxed = lambda index: isinstance(index, tuple) and any(map(isbox, index))
    return lambda box, index: take(box, builtins.tuple(index) if is_boxed(index) else index)


def _method(name, function, reflected=False):
    """A method of plain arrays, for boxes of a recording; other boxes keep what autograd gave them.

    Even x ** 2 needs it, which rounds otherwise than np.power(x, 2).
    """
    ours, theirs = primitive(function), getattr(ArrayBox, name, None)

    def method(*args, **kwargs):
        if all(type(x._node) is Tape for x in args if isbox(x)):
            return ours(*(args[::-1] if reflected else args), **kwargs)
        return theirs(*args, **kwargs) if theirs else NotImplemented

    return method


def astype(x, *args, **kwargs):
    """x.astype(...); np.astype, which autograd calls, takes no scalars in NumPy 2.0."""
    return x.astype(*args, **kwargs)


def copy(x):
    """x.copy(), which autograd does not have."""
    return x.copy()


def _changes():
    """What a recording changes in autograd: (owner, name, what takes its place)."""
    yield VSpace, "mut_add", _add_to_copy(VSpace.mut_add)
    yield core, "sparse_add", _add_to_copy(core.sparse_add)
    yield ArrayBox, "__bool__", lambda box: bool(_value_outside(box))
    yield ArrayBox, "__getitem__", _guard_index(ArrayBox.__getitem__)
    for kind in (int8, int16, int32, int64):
        yield kind, "__new__", _guard_integer(kind.__new__)
    for name, f in {"__invert__": operator.invert, "astype": astype, "copy": copy}.items():
        yield ArrayBox, name, _method(name, f)
    for name in ("pow", "floordiv", "and", "or", "xor"):
        f = getattr(operator, f"__{name}__")
        yield ArrayBox, f"__{name}__", _method(f"__{name}__", f)
        yield ArrayBox, f"__r{name}__", _method(f"__r{name}__", f, reflected=True)


CHANGES = list(_changes())
NUMBERS = {t for t in numpy.sctypeDict.values() if issubclass(t, (numpy.number, numpy.bool_))}


BEFORE = [(owner, name, vars(owner).get(name)) for owner, name, _ in CHANGES]
NEW = [kind for kind in (bool, int, *NUMBERS) if kind not in Box.type_mappings]
UNDER_WAY = []  # an entry for every recording, in whichever thread


@contextmanager
def _array_like_boxes():
    """The changes stay while any thread records; the boxes of other threads do as before."""
    with LOCK:
        UNDER_WAY.append(True)
        _install(CHANGES)
        Box.type_mappings.update(dict.fromkeys(NEW, ArrayBox))
    try:
        yield
    finally:
        with LOCK:
            UNDER_WAY.pop()
            if not UNDER_WAY:
                _install(BEFORE)
                for kind in NEW:
                    del Box.type_mappings[kind]


def _install(methods):
    for owner, name, method in methods:
        setattr(owner, name, method) if method else delattr(owner, name)
