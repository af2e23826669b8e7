"""Gradient rules that keep the device and the float type of what they differentiate.

autograd differentiates NumPy, and some of its rules make NumPy arrays or NumPy scalars on the way.
On NumPy that turns float32 gradients into float64; on another array type it is an error.  Others of
its rules overlook an argument and return a wrong number.  Here is the mathematics in nothing but
the arguments and Python numbers.  Most rules are one of three pairs of adjoint maps, and all are
written in functions that have rules, so they hold to any order:

    sum         <->  spread     repeat along the axes that were summed
    broadcast   <->  gather     sum over the axes that were repeated
    x[index]    <->  untake     add into zeros at the index

This module has these pairs, indexing and joining; its neighbours have the rest of NumPy.  Importing
them installs the rules through autograd's extension interface, for the whole process; autograd's
own test-suite passes with them (`make autograd-suite`).
"""

import inspect

import autograd.numpy as np
import numpy
from autograd.core import make_vjp, primitive_vjps
from autograd.extend import (
    SparseObject,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    vspace,
)
from autograd.numpy import numpy_wrapper
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_jvps import fwd_grad_concatenate_args
from autograd.tracer import getval, isbox

from minimeta.core.backend.primitives import primitive

# ---- Adjoint pairs ----


def spread(g, shape, axis=None):
    """g, left by a sum over `axis`, repeated (as a view) to the `shape` it was summed from."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    summed = {a % len(shape) for a in axes if shape}
    kept = tuple(1 if i in summed else n for i, n in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)


def gather(g, x):
    """g, of something that x was broadcast to, summed to the shape of x; real where x is real."""
    shape = np.shape(x)
    if np.shape(g) != shape:
        extra = np.ndim(g) - len(shape)
        repeated = (i for i, n in enumerate(np.shape(g)) if i < extra or shape[i - extra] != n)
        g = np.reshape(np.sum(g, axis=tuple(repeated)), shape)
    return np.real(g) if np.iscomplexobj(g) and not np.iscomplexobj(x) else g


# ---- Installing rules, and refusing what they do not cover ----


def name_of(f):
    """'np.linalg.norm' for the primitive of numpy.linalg.norm."""
    module = getattr(f.fun, "__module__", None) or ""
    room = next((f"{room}." for room in ("linalg", "fft") if room in module), "")
    return f"np.{room}{f.__name__}"


def refuse(f, options):
    """Raise NotImplementedError: f has no gradient with these options, given by their names."""
    raise NotImplementedError(f"{name_of(f)} has no gradient with {', '.join(options)}.")


def refuse_integers(f, ans):
    """Refuse a result whose dtype was asked to be no float: numbers were cut off."""
    if np.result_type(ans).kind not in "fc":
        refuse(f, ["a dtype that is no float"])


def unknown_arguments(maker, args, kwargs):
    """What of a call the maker of a rule does not take: names with '=', or a count."""
    parameters = inspect.signature(maker).parameters
    names = [f"{name}=" for name in kwargs if name not in parameters]
    most = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters.values())
    return names or [f"{len(args)} arguments by position (at most {most - 1})"]


def install(f, *makers, forward=True):
    """Give f the gradient makers[i](ans, *args, **kwargs)(g) in its argument i.

    None stands for an argument that has none.  A gradient in such an argument, or through a call
    that the maker does not take, is refused.  The forward rule is the adjoint of the gradient; with
    forward=False it is what autograd has, if anything: the function itself where that is linear.
    """

    def pull(argnum, ans, args, kwargs):
        if any(type(a) in (list, tuple) and any(map(isbox, a)) for a in args):
            refuse(f, ["a list of traced numbers; write np.array(the list)"])
        maker = makers[argnum] if argnum < len(makers) else None
        if maker is None:
            refuse(f, [f"a gradient in its argument number {argnum}"])
        try:
            return maker(ans, *args, **kwargs)
        except TypeError:
            try:
                inspect.signature(maker).bind(ans, *args, **kwargs)
            except TypeError:
                refuse(f, unknown_arguments(maker, args, kwargs))
            raise

    def pulls(argnums, ans, args, kwargs):
        each = [pull(argnum, ans, args, kwargs) for argnum in argnums]
        return lambda g: tuple(back(g) for back in each)

    defvjp_argnums(f, pulls)
    if forward:
        defjvp_argnums(f, adjoint(f))


def adjoint(f):
    """The forward rule J v of f: the gradient in u of <J'u, v>, which is linear in u."""

    def push(argnums, directions, ans, args, kwargs):
        def paired(u):
            parts = primitive_vjps[f](argnums, ans, args, kwargs)(u)
            return sum(np.real(np.sum(part * v)) for part, v in zip(parts, directions))

        pull, value = make_vjp(paired, vspace(ans).ones())
        return pull(vspace(value).ones())

    return push


def order_of_reading(x, order):
    """'C' or 'F' for an order that depends on how x lies in memory; refused if x is neither."""
    flags = getattr(getval(x), "flags", None)
    if flags is None or flags.c_contiguous or order is None:
        return "C"
    if flags.f_contiguous or order == "A":
        return "F" if flags.f_contiguous else "C"
    raise NotImplementedError(
        f"An array of strides {getval(x).strides} has a gradient in the order 'C' or 'F'; order "
        f"is {order!r}."
    )


def of_reshape(ans, x, shape, order="C", copy=None):
    """The elements in the order in which they were read."""
    order = order if order in ("C", "F") else order_of_reading(x, order)
    return lambda g: np.reshape(g, np.shape(x), order)


defvjp(np.broadcast_to, lambda ans, x, shape: lambda g: gather(g, x))
defvjp(np.reshape, of_reshape)


# ---- Indexing ----


def is_basic(index):
    """Whether the index takes a view, so that no element can occur in it twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(i is None or i is Ellipsis or isinstance(i, (int, slice)) for i in parts)


@primitive
def untake(g, index, space):
    """g added at the index into zeros of `space`, as an increment to what is there already."""
    if isinstance(index, list):
        index = numpy.asarray(index, dtype=None if index else int)

    def add_into(total):
        if is_basic(index):
            total[index] += g  # a scatter-add takes longer
        else:
            getattr(space, "device", numpy).add.at(total, index, g)
        return total

    return SparseObject(space, add_into)


take = vars(ArrayBox)["__getitem__"]
defvjp(take, lambda ans, x, index: lambda g: untake(g, index, vspace(x)))
defvjp(untake, lambda ans, g, index, space: lambda h: h[index])
defjvp(untake, "same")


# ---- Joining ----


@primitive
def concatenate_args(axis, *arrays):
    """What np.concatenate calls: autograd's own casts the result to numpy.ndarray."""
    return numpy.concatenate(arrays, axis)


def part_of_joined(argnum, ans, args, kwargs):
    """The gradient in one array is the piece of g that came from it."""
    axis, arrays = args[0], args[1:]
    x = arrays[argnum - 1]
    length = np.size if axis is None else lambda a: np.shape(a)[axis]
    start = sum(length(a) for a in arrays[: argnum - 1])
    piece = slice(start, start + length(x))
    if axis is None:
        return lambda g: np.reshape(g[piece], np.shape(x))
    index = (slice(None),) * (axis % np.ndim(ans)) + (piece,)
    return lambda g: gather(g[index], x)


def concatenate(arrays, axis=0):
    """np.concatenate: autograd's own has a lambda's name in its errors."""
    return concatenate_args(axis, *arrays)


def stack(arrays, axis=0):
    """What np.stack calls: autograd's own makes NumPy arrays of its arguments first."""
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis)


def select(condlist, choicelist, default=0):
    """np.select by np.where: autograd's own makes an array of boxes first."""
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"np.select: condlist and choicelist must be equally long; they are {len(condlist)} "
            f"and {len(choicelist)} long."
        )
    if any(np.result_type(condition) != "bool" for condition in condlist):
        raise TypeError("np.select: condlist must hold arrays of booleans, such as x > 0.")
    chosen = default
    for condition, choice in reversed([*zip(condlist, choicelist)]):
        chosen = np.where(condition, choice, chosen)
    return chosen


defvjp_argnum(concatenate_args, part_of_joined)
defjvp_argnum(concatenate_args, fwd_grad_concatenate_args)
for _f in (concatenate_args, concatenate, stack, select):
    setattr(numpy_wrapper, _f.__name__, _f)
    setattr(np, _f.__name__, _f)
np.concat = numpy_wrapper.concat = concatenate
