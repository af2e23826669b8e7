"""Write a recording as a straight-line NumPy program.

    v31 = affine(v19, v23, v24)  # (25, 10, 40) float32
    v32 = relu(v31)  # (25, 10, 40) float32
    del v31

The program is Python source. It makes the recorded calls, or cheaper ones that give the same bits.
It leaves out calls whose result nothing needs, and calls that were made before with the same
arguments. A value is deleted after its last use; where it is large and nothing else refers to its
memory, the next result is written over it.

The cheaper calls are

    VSpace.add(space, a, b)         add(a, b)            autograd's sum of two gradients
    multiply(negative(a), 0.1)      multiply(a, -0.1)    the gradient of theta - 0.1 g
    add(a, broadcast_to(b, ...))    add(a, b)            where a has that shape already
    broadcast_to(a, ...)            repeat(a, ...)       without NumPy's search for the strides
    sum(a, axis=0)                  a.sum(axis=0)        without its search for the type of a
"""

import math
import sys
from collections import Counter
from typing import Callable, NamedTuple

import numpy
from autograd.core import VSpace, sparse_add
from autograd.numpy import concatenate_args
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vspaces import ArrayVSpace

from minimeta.core.replay.recording import PLAIN, Ref, accumulate, is_array, kind_of

TAKE, ADD, ACCUMULATE = ArrayBox.__getitem__.fun, VSpace.add.fun, accumulate.fun
NEW = {numpy.sum, numpy.mean, numpy.max, numpy.min, concatenate_args.fun}  # they return no views
NEW |= {ADD, ACCUMULATE, VSpace.mut_add.fun, sparse_add.fun}
VIEWS = {numpy.reshape, numpy.swapaxes, numpy.transpose, numpy.broadcast_to, numpy.expand_dims}
BROADCASTING = {numpy.add, numpy.subtract, numpy.multiply, numpy.divide}
# EXACT functions round alike whatever memory they write to.
EXACT = {*BROADCASTING, numpy.negative, numpy.sqrt, numpy.square, numpy.absolute}
METHODS = {numpy.reshape: 2, numpy.sum: 1, numpy.mean: 1}  # and how many arguments have no name
LARGE = 1 << 16  # bytes; smaller arrays are as fast to make as to reuse (measured)


class Program(NamedTuple):
    """run(arrays) -> output. Prints as the source of `run`, which reads like the NumPy it is."""

    run: Callable
    text: str

    def __str__(self):
        return self.text


def compile_program(recording):
    """The Program that computes what was recorded, for any arrays of the same kinds."""
    made = recording.calls[len(recording.inputs) :]
    needed = drop_unneeded([shorten(call, recording.calls) for call in made], recording.output)
    calls = drop_repeats(needed, recording.output)
    lines, constants = write_source(recording, calls)
    source = "\n".join(lines)
    exec(compile(source, "<replay>", "exec"), constants)
    counts = Counter(function_name(call) for call in calls).most_common()
    summary = (
        f"# {len(calls)} operations: {', '.join(f'{count} {name}' for name, count in counts)}\n"
        f"# of {len(made)} recorded, {len(made) - len(needed)} were needed by nothing "
        f"and {len(needed) - len(calls)} were repeats"
    )
    return Program(constants["program"], f"{source}\n{summary}")


# Cheaper calls that give the same array bit for bit.


def shorten(call, calls):
    """The call, or one that gives the same sooner; `calls` are all that were recorded."""
    for shortcut in (add_by_numpy, negate_number, drop_view, make_view):
        call = shortcut(call, calls)
    return call


def add_by_numpy(call, calls):
    """autograd's sum of two gradients is NumPy's where that gives the same array."""
    if call.function not in (ADD, ACCUMULATE) or not isinstance(call.args[0], ArrayVSpace):
        return call
    terms = call.args[1:]
    kinds = {argument_kind(x, calls) for x in terms}
    if call.function is ACCUMULATE and not (call.kind.shape and kinds == {call.kind}):
        return call
    return call._replace(function=numpy.add, args=terms)


def negate_number(call, calls):
    """(-x) c = x (-c) for a number c."""
    if call.function is numpy.multiply and type(call.args[1]) is float:
        x = argument_of(numpy.negative, call.args[0], calls)
        if x is not None and argument_kind(x, calls) == call.kind and call.kind.dtype.kind == "f":
            return call._replace(args=(x, -call.args[1]))
    return call


def drop_view(call, calls):
    """An elementwise function repeats a smaller argument by itself if the other has the shape."""
    if call.function not in BROADCASTING or call.kwargs:
        return call
    args = list(call.args)
    for i, other in ((0, 1), (1, 0)):
        x = argument_of(numpy.broadcast_to, args[i], calls)
        if x is not None and argument_kind(args[other], calls).shape == call.kind.shape:
            args[i] = x
    return call._replace(args=tuple(args))


def make_view(call, calls):
    """A view of contiguous memory can be made without NumPy's search for its strides."""
    x = argument_of(numpy.broadcast_to, Ref(call.slot), calls)
    if x is None or not is_contiguous(argument_kind(x, calls)):
        return call
    return call._replace(function=repeat, args=(x, call.kind.shape, call.kind.strides))


def repeat(x, shape, strides):
    """What numpy.broadcast_to(x, shape) gives, four times as fast."""
    view = numpy.ndarray(shape, x.dtype, x, 0, strides)
    view.flags.writeable = False
    return view


def is_contiguous(kind):
    """Whether a value of this kind is a NumPy array of some numbers, one after the other."""
    if kind.type is not numpy.ndarray or 0 in kind.shape:
        return False
    return kind.strides == numpy.empty(kind.shape, kind.dtype).strides


def argument_of(function, x, calls):
    """The first argument of the call that made x, if it is one of this function; else None."""
    call = calls[x.slot] if type(x) is Ref else None
    return call.args[0] if call and call.function is function and not call.kwargs else None


def argument_kind(x, calls):
    """The Kind of an argument."""
    return calls[x.slot].kind if type(x) is Ref else kind_of(x)


# Which calls to make.


def slots(tree):
    """The slots that the Refs of a tree stand for."""
    if type(tree) is Ref:
        return {tree.slot}
    parts = tree.values() if isinstance(tree, dict) else tree
    return set().union(*map(slots, parts)) if isinstance(tree, (tuple, list, dict)) else set()


def drop_unneeded(calls, output):
    """The calls that the output depends on, and those whose numbers decide the shape of the result:
    Python may have seen that shape, and the program holds for no other."""
    live, kept = slots(output), []
    for call in reversed(calls):
        if call.slot in live or not has_known_kind(call):
            live |= slots(call.args)
            kept.append(call)
    return kept[::-1]


def drop_repeats(calls, output):
    """The calls without those made before with the same arguments.

    A value whose memory may be in the output is not shared: the output is the caller's to change.
    """
    apart, first, same, kept = slots_in_output(output, calls), {}, {}, []
    for call in calls:
        args = tuple(Ref(same.get(x.slot, x.slot)) if type(x) is Ref else x for x in call.args)
        call = call._replace(args=args)
        key = call.slot if call.slot in apart else (call.function, key_of((args, call.kwargs)))
        same[call.slot] = first.setdefault(key, call.slot)
        if same[call.slot] == call.slot:
            kept.append(call)
    return kept


def slots_in_output(output, calls):
    """The slots whose memory the output may share."""
    shared = slots(output)
    for call in reversed(calls):
        if call.slot in shared and not makes_new(call):
            shared |= slots(call.args)
    return shared


def key_of(x):
    """Equal keys mean the same argument for certain; arrays are told apart by identity."""
    if isinstance(x, dict):
        x = tuple(x.items())
    if isinstance(x, slice):
        x = (slice, x.start, x.stop, x.step)
    if isinstance(x, (tuple, list)):
        return (type(x), *map(key_of, x))
    is_printed = isinstance(x, (*PLAIN, numpy.generic, numpy.dtype, ArrayVSpace))
    return type(x), repr(x) if is_printed else id(x)


def makes_new(call):
    """Whether the result surely has memory of its own."""
    return isinstance(call.function, numpy.ufunc) or call.function in NEW


def has_known_kind(call):
    """Whether the kind of the result surely follows from the kinds of the arguments alone."""
    if call.function is TAKE:
        return type(call.args[1]) is not Ref  # a mask would select as many as it likes
    module = getattr(call.function, "__module__", None) or ""
    is_trusted = module.startswith(("minimeta.", "autograd.", "_operator"))
    return is_trusted or makes_new(call) or call.function in VIEWS


def can_write_over(call, slot, kind):
    """Whether the call may write its result over the value in a slot, which is of this kind."""
    if kind != call.kind or kind.type is not numpy.ndarray or call.kwargs:
        return False
    if call.function is ACCUMULATE:
        return call.args[1] == Ref(slot)
    return call.function in EXACT and math.prod(kind.shape) * kind.dtype.itemsize >= LARGE


# The source.


def write_source(recording, calls):
    """The lines of the program, and the constants that they name."""
    reserved = dict(slice=slice, spare=None, inputs=None, program=None)
    constants = {"own_memory": own_memory, "check_kind": check_kind, **reserved}
    inputs = recording.calls[: len(recording.inputs)]
    kinds = {call.slot: call.kind for call in recording.calls}
    last_use = {slot: call.slot for call in calls for slot in slots(call.args)}
    stay = slots(recording.output) | {call.slot for call in inputs}
    lines = ["def program(inputs):"]
    for name, call in zip(recording.inputs, inputs):
        lines.append(f"    v{call.slot} = inputs[{call.slot}]  # {name}: {call.kind}")
    for call in calls:
        dead = [slot for slot in sorted(slots(call.args) - stay) if last_use[slot] == call.slot]
        lines += statements(call, dead, kinds, constants)
    lines.append(f"    return {expression(recording.output, constants, copy=True)}")
    arrays = [(name, kind_of(x)) for name, x in constants.items() if is_array(x)]
    return lines + [f"# {name} is a constant: {kind}" for name, kind in arrays], constants


def statements(call, dead, kinds, constants):
    """The lines that make one call and delete the values that are dead after it."""
    over = next((slot for slot in dead if can_write_over(call, slot, kinds[slot])), None)
    args = [expression(x, constants) for x in call.args]
    args += [f"{name}={expression(x, constants)}" for name, x in call.kwargs.items()]
    if over is not None:
        yield f"    spare = own_memory(v{over})"
        args.append("spare")
    yield f"    v{call.slot} = {right_side(call, args, constants)}  # {call.kind}"
    if not has_known_kind(call):
        kind = name_constant(call.kind, f"kind{len(constants)}", constants)
        yield f"    check_kind(v{call.slot}, {kind})"
    if dead:
        yield f"    del {', '.join([f'v{slot}' for slot in dead] + ['spare'] * (over is not None))}"


def right_side(call, args, constants):
    """The source of the call itself: f(x, y), x[i] or x.f(y)."""
    x, *rest = args
    if call.function is TAKE:
        return f"{x}[{rest[0]}]"
    if type(call.args[0]) is Ref and METHODS.get(call.function) == len(call.args):
        return f"{x}.{function_name(call)}({', '.join(rest)})"
    return f"{name_constant(call.function, function_name(call), constants)}({', '.join(args)})"


def function_name(call):
    """The name of a call's function, fit for Python source."""
    name = "getitem" if call.function is TAKE else call.function.__name__
    return name if name.isidentifier() else "function"


def expression(x, constants, copy=False):
    """Source for an argument or an output; what cannot be written down becomes a constant."""
    if type(x) is Ref:
        return f"v{x.slot}"
    if isinstance(x, dict):
        x = [(expression(k, constants), expression(v, constants, copy)) for k, v in x.items()]
        return "{" + ", ".join(f"{key}: {value}" for key, value in x) + "}"
    if isinstance(x, (tuple, list)):
        return sequence(type(x), [expression(part, constants, copy) for part in x], constants)
    if isinstance(x, slice):
        return f"slice{expression((x.start, x.stop, x.step), constants)}"
    if type(x) in (int, bool, str, type(None)) or type(x) is float and math.isfinite(x):
        return repr(x)
    name = name_constant(x, f"c{len(constants)}", constants)
    return f"{name}.copy()" if copy and is_array(x) else name


def sequence(kind, parts, constants):
    """Source for a list, a tuple, or a record such as Task."""
    inside = ", ".join(parts)
    if kind in (list, tuple):
        return f"[{inside}]" if kind is list else f"({inside}{',' * (len(parts) == 1)})"
    name = name_constant(kind, kind.__name__, constants)
    return f"{name}({inside})" if hasattr(kind, "_fields") else f"{name}([{inside}])"


def name_constant(x, name, constants):
    """The name of a constant: `name`, with a number where another constant has that name."""
    free, number = name, 1
    while constants.setdefault(free, x) is not x:
        free, number = f"{name}_{number}", number + 1
    return free


# What a program calls besides.


def own_memory(x):
    """x if its memory is referred to from nowhere but the line that asks, else None."""
    return x if x.base is None and sys.getrefcount(x) == SINGLE else None


def check_kind(x, kind):
    """Raise ValueError if x is of another kind than recorded, as the elements of a mask may be."""
    if kind_of(x) != kind:
        raise ValueError(f"the program holds for {kind}, not for {kind_of(x)}")


def _count_references():
    x = numpy.empty(())
    return (lambda x: sys.getrefcount(x))(x)


SINGLE = _count_references()  # to an array that one variable holds, as counted inside a function
