"""Cheaper calls that give the same array bit for bit, for the programs of `minimeta.core.replay`.

VSpace.add(space, a, b)         add(a, b)            autograd's sum of two slopes
multiply(negative(a), 0.1)      multiply(a, -0.1)    the slope of theta - 0.1 g
add(a, broadcast_to(b, ...))    add(a, b)            where a has that shape already
sum(a, axis=0)                  a.sum(axis=0)        no search for the function of a's type
"""

import numpy
from autograd.core import VSpace
from autograd.numpy.numpy_vspaces import ArrayVSpace

from minimeta.core.replay.recording import accumulated
from minimeta.core.replay.tape import Ref, kind_of

ADD, ACCUMULATED = VSpace.add.fun, accumulated.fun
ELEMENTWISE = {numpy.add, numpy.subtract, numpy.multiply, numpy.divide}
METHODS = {
    numpy.reshape: 2,
    numpy.sum: 1,
    numpy.mean: 1,
}  # and how many arguments, named ones apart


def shorter(call, calls):
    """The call, or one that gives the same sooner; `calls` are all that were recorded."""
    for shortcut in (numpy_sum, without_negative, without_view, with_strides):
        call = shortcut(call, calls)
    return call


def numpy_sum(call, calls):
    """autograd's sum of two gradients is NumPy's where that gives the same array."""
    if call.function not in (ADD, ACCUMULATED) or not isinstance(call.args[0], ArrayVSpace):
        return call
    terms = call.args[1:]
    kinds = {kind(x, calls) for x in terms}
    if call.function is ACCUMULATED and not (call.kind.shape and kinds == {call.kind}):
        return call
    return call._replace(function=numpy.add, args=terms)


def without_negative(call, calls):
    """(-x) c = x (-c) for a number c."""
    if call.function is numpy.multiply and type(call.args[1]) is float:
        x = made_by(numpy.negative, call.args[0], calls)
        if x is not None and kind(x, calls) == call.kind and call.kind.dtype.kind == "f":
            return call._replace(args=(x, -call.args[1]))
    return call


def without_view(call, calls):
    """An elementwise function repeats a smaller argument by itself if the other has the shape."""
    if call.function not in ELEMENTWISE or call.kwargs:
        return call
    args = list(call.args)
    for i, other in ((0, 1), (1, 0)):
        x = made_by(numpy.broadcast_to, args[i], calls)
        if x is not None and kind(args[other], calls).shape == call.kind.shape:
            args[i] = x
    return call._replace(args=tuple(args))


def with_strides(call, calls):
    """A view of contiguous memory can be made without NumPy's search for its strides."""
    x = made_by(numpy.broadcast_to, Ref(call.slot), calls)
    if x is None or not is_contiguous(kind(x, calls)):
        return call
    return call._replace(function=repeated, args=(x, call.kind.shape, call.kind.strides))


def repeated(x, shape, strides):
    """What numpy.broadcast_to(x, shape) gives, four times as fast."""
    view = numpy.ndarray(shape, x.dtype, x, 0, strides)
    view.flags.writeable = False
    return view


def is_contiguous(kind):
    """Whether a value of this kind is a NumPy array of some numbers, one after the other."""
    if kind.type is not numpy.ndarray or 0 in kind.shape:
        return False
    return kind.strides == numpy.empty(kind.shape, kind.dtype).strides


def is_method(call):
    """Whether the call is one that can be written x.f(...)."""
    return type(call.args[0]) is Ref and METHODS.get(call.function) == len(call.args)


def made_by(function, x, calls):
    """The first argument of the call that made x, if it is one of this function; else None."""
    call = calls[x.slot] if type(x) is Ref else None
    return call.args[0] if call and call.function is function and not call.kwargs else None


def kind(x, calls):
    """The Kind of an argument."""
    return calls[x.slot].kind if type(x) is Ref else kind_of(x)
