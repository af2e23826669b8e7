"""Record every primitive call of a function: the first half of `minimeta.core.replay`.

While a recording lasts, Python code sees of a traced array the type, the shape and the dtype, never
a number: the code would do the same for all arrays like these. For that, boxes must do whatever the
arrays in them would do, and must refuse to let a number out. autograd's own boxes, which stand for
arrays that are being differentiated, do less and refuse less.
"""

import operator
from contextlib import contextmanager
from typing import NamedTuple

import numpy
from autograd import builtins, core
from autograd.core import primitive_jvps, primitive_vjps
from autograd.extend import SparseObject, VSpace, primitive
from autograd.numpy import int8, int16, int32, int64
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Box, getval, isbox, new_box, trace_stack

from minimeta.core.replay.tape import KNOWN, Ref, Tape, is_array, is_traced, kind_of
from minimeta.core.trees import leaves, names, tree_map, unflatten

PLAIN = (bool, int, float, complex, str, type(None))


class Recording(NamedTuple):
    """One evaluation of a function."""

    inputs: list  # the names of the arrays it was given
    calls: list  # inputs first
    output: object  # a tree of Refs and constants
    value: object  # of the output


def record(f, args, kwargs):
    """Evaluate f(*args, **kwargs), a function of trees, with every array in its arguments traced.

    Raises TypeError, or what NumPy raises for a box, where f asks for a number in a traced array,
    catches an error, or returns what is no tree.
    """
    calls, top = [], trace_stack.top
    try:
        with _boxes_like_arrays(), trace_stack.new_trace() as trace:
            box = lambda x: new_box(x, trace, Tape.new_root(x, calls)) if is_array(x) else x
            boxed = tree_map(box, (args, kwargs))
            output = f(*boxed[0], **boxed[1])
            found = [_checked(leaf) for leaf in leaves(output)]
            KNOWN.check()
    finally:
        KNOWN.begun, trace_stack.top = None, top
    paths = names(args, "args") + names(kwargs, "kwargs")
    inputs = [path for path, x in zip(paths, leaves((args, kwargs))) if is_array(x)]
    refs = [Ref(x._node.slot) if isbox(x) else x for x in found]
    value = unflatten(output, map(getval, found))
    return Recording(inputs, calls, unflatten(value, refs), value)


def _checked(leaf):
    kind = kind_of(getval(leaf))
    if type(getattr(leaf, "_node", None)) is Tape or is_array(leaf) or kind.type in PLAIN:
        return leaf
    raise TypeError(f"it returns a {type(leaf).__name__}")


# Sums of gradients. autograd adds in place, but what was noted must stay as it was.


@primitive
def accumulated(space, total, part, room=None):
    """total + part in a copy of total, or in `room`: total itself, if nothing else refers to it."""
    same_order = lambda x: x.copy("K") if isinstance(x, numpy.ndarray) else x.copy()
    total = tree_map(same_order, total) if room is None else room
    return part.mut_add(total) if isinstance(part, SparseObject) else space._mut_add(total, part)


primitive_vjps[accumulated] = primitive_vjps[core.sparse_add]
primitive_jvps[accumulated] = primitive_jvps[core.sparse_add]


def _not_in_place(add_into):
    return lambda space, total, part: (
        add_into(space, None, part) if total is None else accumulated(space, total, part)
    )


# Boxes that do what arrays do.


def _kept_in(x):
    if is_traced(x):
        raise TypeError("it lets a number out of an array into Python (if, while, max, int, ...)")
    return getval(x)


def _integer(new):
    """autograd's np.int64(x) would take the number out of its box."""
    return lambda kind, *args: new(kind, *map(_kept_in, args))


def _item(take):
    """autograd looks for boxes among arguments, not inside a tuple such as the index of x[i, j]."""
    boxed = lambda index: isinstance(index, tuple) and any(map(isbox, index))
    return lambda box, index: take(box, builtins.tuple(index) if boxed(index) else index)


def _method(name, function, reflected=False):
    """A method of plain arrays, for boxes of a recording; other boxes keep what autograd gave them.

    This matters even for x ** 2, which rounds otherwise than np.power(x, 2).
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
    yield VSpace, "mut_add", _not_in_place(VSpace.mut_add)
    yield core, "sparse_add", _not_in_place(core.sparse_add)
    yield ArrayBox, "__bool__", lambda box: bool(_kept_in(box))
    yield ArrayBox, "__getitem__", _item(ArrayBox.__getitem__)
    for kind in (int8, int16, int32, int64):
        yield kind, "__new__", _integer(kind.__new__)
    for name, f in {"__invert__": operator.invert, "astype": astype, "copy": copy}.items():
        yield ArrayBox, name, _method(name, f)
    for name in ("pow", "floordiv", "and", "or", "xor"):
        f = getattr(operator, f"__{name}__")
        yield ArrayBox, f"__{name}__", _method(f"__{name}__", f)
        yield ArrayBox, f"__r{name}__", _method(f"__r{name}__", f, reflected=True)


CHANGES = list(_changes())
NUMBERS = {t for t in numpy.sctypeDict.values() if issubclass(t, (numpy.number, numpy.bool_))}


@contextmanager
def _boxes_like_arrays():
    before = [(owner, name, vars(owner).get(name)) for owner, name, _ in CHANGES]
    new = [kind for kind in (bool, int, *NUMBERS) if kind not in Box.type_mappings]
    try:
        for owner, name, changed in CHANGES:
            setattr(owner, name, changed)
        Box.type_mappings.update(dict.fromkeys(new, ArrayBox))
        yield
    finally:
        for owner, name, old in before:
            setattr(owner, name, old) if old else delattr(owner, name)
        for kind in new:
            del Box.type_mappings[kind]
