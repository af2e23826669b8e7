"""Turn a recording into a straight-line NumPy program: the second half of `minimeta.core.replay`.

    v31 = affine(v19, v23, v24)  # (25, 10, 40) float32
    v32 = relu(v31)  # (25, 10, 40) float32
    del v31

The program is Python source: the recorded calls, or shorter ones that give the same, without those
whose result nothing needs and those made before with the same arguments. A value is deleted after
its last use; where it is large and nothing else refers to its memory, the next result is written
over it.
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

from minimeta.core.replay.recording import PLAIN
from minimeta.core.replay.shortcuts import ACCUMULATED, ADD, is_method, shorter
from minimeta.core.replay.tape import Ref, is_array, kind_of

TAKE = ArrayBox.__getitem__.fun
NEW = {numpy.sum, numpy.mean, numpy.max, numpy.min, concatenate_args.fun}  # they return no views
NEW |= {ADD, ACCUMULATED, VSpace.mut_add.fun, sparse_add.fun}
VIEWS = {numpy.reshape, numpy.swapaxes, numpy.transpose, numpy.broadcast_to, numpy.expand_dims}
EXACT = {numpy.add, numpy.subtract, numpy.multiply, numpy.divide, numpy.negative, numpy.sqrt}
EXACT |= {numpy.square, numpy.absolute}  # these round alike whatever memory they write to
LARGE = 1 << 16  # bytes; smaller arrays are as fast to make as to reuse (measured)


class Program(NamedTuple):
    """run(arrays) -> output. Prints as the source of `run`, which reads like the NumPy it is."""

    run: Callable
    text: str

    def __str__(self):
        return self.text


def compiled(recording):
    """The Program that computes what was recorded, for any arrays of the same kinds."""
    made = recording.calls[len(recording.inputs) :]
    used = needed([shorter(call, recording.calls) for call in made], recording.output)
    calls = without_repeats(used, recording.output)
    lines, constants = written(recording, calls)
    source = "\n".join(lines)
    exec(compile(source, "<replay>", "exec"), constants)
    counts = Counter(called(call) for call in calls).most_common()
    summary = (
        f"# {len(calls)} operations: {', '.join(f'{count} {name}' for name, count in counts)}\n"
        f"# of {len(made)} recorded, {len(made) - len(used)} were needed by nothing "
        f"and {len(used) - len(calls)} were repeats"
    )
    return Program(constants["program"], f"{source}\n{summary}")


# Which calls to make.


def slots(tree):
    """The slots that the Refs of a tree stand for."""
    if type(tree) is Ref:
        return {tree.slot}
    parts = tree.values() if isinstance(tree, dict) else tree
    return set().union(*map(slots, parts)) if isinstance(tree, (tuple, list, dict)) else set()


def needed(calls, output):
    """The calls that the output depends on, and those whose numbers decide the shape of the result:
    Python may have seen that shape, and the program holds for no other."""
    live, kept = slots(output), []
    for call in reversed(calls):
        if call.slot in live or not has_known_kind(call):
            live |= slots(call.args)
            kept.append(call)
    return kept[::-1]


def without_repeats(calls, output):
    """The calls without those made before with the same arguments.

    A value whose memory may be in the output is not shared: the output is the caller's to change.
    """
    apart, first, same, kept = in_memory_of(output, calls), {}, {}, []
    for call in calls:
        args = tuple(Ref(same.get(x.slot, x.slot)) if type(x) is Ref else x for x in call.args)
        call = call._replace(args=args)
        key = call.slot if call.slot in apart else (call.function, key_of((args, call.kwargs)))
        same[call.slot] = first.setdefault(key, call.slot)
        if same[call.slot] == call.slot:
            kept.append(call)
    return kept


def in_memory_of(output, calls):
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
    printed = isinstance(x, (*PLAIN, numpy.generic, numpy.dtype, ArrayVSpace))
    return type(x), repr(x) if printed else id(x)


def makes_new(call):
    """Whether the result surely has memory of its own."""
    return isinstance(call.function, numpy.ufunc) or call.function in NEW


def has_known_kind(call):
    """Whether the kind of the result surely follows from the kinds of the arguments alone."""
    if call.function is TAKE:
        return type(call.args[1]) is not Ref  # a mask would select as many as it likes
    module = getattr(call.function, "__module__", None) or ""
    trusted = module.startswith(("minimeta.", "autograd.", "_operator"))
    return trusted or makes_new(call) or call.function in VIEWS


def fits(call, slot, kind):
    """Whether the call may write its result over the value in a slot, which is of this kind."""
    if kind != call.kind or kind.type is not numpy.ndarray or call.kwargs:
        return False
    if call.function is ACCUMULATED:
        return call.args[1] == Ref(slot)
    return call.function in EXACT and math.prod(kind.shape) * kind.dtype.itemsize >= LARGE


# How they are written.


def written(recording, calls):
    """The lines of the program, and the constants that they name."""
    constants = dict(alone=alone, alike=alike, slice=slice, spare=None, inputs=None, program=None)
    inputs = recording.calls[: len(recording.inputs)]
    kinds = {call.slot: call.kind for call in recording.calls}
    last = {slot: call.slot for call in calls for slot in slots(call.args)}
    stay = slots(recording.output) | {call.slot for call in inputs}
    lines = ["def program(inputs):"]
    for name, call in zip(recording.inputs, inputs):
        lines.append(f"    v{call.slot} = inputs[{call.slot}]  # {name}: {call.kind}")
    for call in calls:
        dead = [s for s in sorted(slots(call.args) - stay) if last[s] == call.slot]
        lines += statements(call, dead, kinds, constants)
    lines.append(f"    return {expression(recording.output, constants, copied=True)}")
    arrays = [(name, kind_of(x)) for name, x in constants.items() if is_array(x)]
    return lines + [f"# {name} is a constant: {kind}" for name, kind in arrays], constants


def statements(call, dead, kinds, constants):
    """The lines that make one call and delete the values that are dead after it."""
    over = next((slot for slot in dead if fits(call, slot, kinds[slot])), None)
    args = [expression(x, constants) for x in call.args]
    args += [f"{name}={expression(x, constants)}" for name, x in call.kwargs.items()]
    if over is not None:
        yield f"    spare = alone(v{over})"
        args.append("spare")
    yield f"    v{call.slot} = {right_side(call, args, constants)}  # {call.kind}"
    if not has_known_kind(call):
        kind = named(call.kind, f"kind{len(constants)}", constants)
        yield f"    alike(v{call.slot}, {kind})"
    if dead:
        yield f"    del {', '.join([f'v{slot}' for slot in dead] + ['spare'] * (over is not None))}"


def right_side(call, args, constants):
    """The source of the call itself: f(x, y), x[i] or x.f(y)."""
    x, *rest = args
    if call.function is TAKE:
        return f"{x}[{rest[0]}]"
    if is_method(call):
        return f"{x}.{called(call)}({', '.join(rest)})"
    return f"{named(call.function, called(call), constants)}({', '.join(args)})"


def called(call):
    """The name of a call's function, fit for Python source."""
    name = "getitem" if call.function is TAKE else call.function.__name__
    return name if name.isidentifier() else "function"


def expression(x, constants, copied=False):
    """Source for an argument or an output; what cannot be written down becomes a constant."""
    if type(x) is Ref:
        return f"v{x.slot}"
    if isinstance(x, dict):
        x = [(expression(k, constants), expression(v, constants, copied)) for k, v in x.items()]
        return "{" + ", ".join(f"{key}: {value}" for key, value in x) + "}"
    if isinstance(x, (tuple, list)):
        return sequence(type(x), [expression(part, constants, copied) for part in x], constants)
    if isinstance(x, slice):
        return f"slice{expression((x.start, x.stop, x.step), constants)}"
    if type(x) in (int, bool, str, type(None)) or type(x) is float and math.isfinite(x):
        return repr(x)
    name = named(x, f"c{len(constants)}", constants)
    return f"{name}.copy()" if copied and is_array(x) else name


def sequence(kind, parts, constants):
    """Source for a list, a tuple, or a record such as Task."""
    inside = ", ".join(parts)
    if kind in (list, tuple):
        return f"[{inside}]" if kind is list else f"({inside}{',' * (len(parts) == 1)})"
    name = named(kind, kind.__name__, constants)
    return f"{name}({inside})" if hasattr(kind, "_fields") else f"{name}([{inside}])"


def named(x, name, constants):
    """The name of a constant: `name`, with a number where another constant has that name."""
    free, number = name, 1
    while constants.setdefault(free, x) is not x:
        free, number = f"{name}_{number}", number + 1
    return free


def alone(x):
    """x if its memory is referred to from nowhere but the line that asks, else None."""
    return x if x.base is None and sys.getrefcount(x) == ALONE else None


def alike(x, kind):
    """Raise ValueError if x is of another kind than recorded, as the elements of a mask may be."""
    if kind_of(x) != kind:
        raise ValueError(f"the program holds for {kind}, not for {kind_of(x)}")


def _references():
    x = numpy.empty(())
    return (lambda x: sys.getrefcount(x))(x)


ALONE = _references()  # to an array that one variable holds, as counted inside a function
