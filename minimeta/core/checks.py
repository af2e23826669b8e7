"""Input checks: one sentence that names the argument, what it was, and what was expected.

Only shapes, types and plain numbers are looked at unless a name says otherwise, so that the checks
cost nothing on a GPU and may stand inside a function that is being differentiated.
"""

import math
import numbers

import numpy
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import box_type_mappings, isbox

from minimeta.core.backend import np

USUAL = {numpy.ndarray, ArrayBox}  # what nearly every array is, traced or not


def is_usual(value):
    """Whether value is a NumPy array of floats or a traced one: quick, for the innermost calls."""
    kind = type(value)
    return kind is ArrayBox or kind is numpy.ndarray and value.dtype.kind == "f"


def generator(name, value):
    """Raise unless value is a numpy.random.Generator."""
    if not isinstance(value, numpy.random.Generator):
        raise TypeError(
            f"{name} must be a numpy.random.Generator, as default_rng(0); it is {describe(value)}."
        )


def function(name, value):
    """Raise unless value can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function; it is {describe(value)}.")


def functions(name, record, *fields):
    """Raise unless the record, such as a Net or a Learner, has a function in each of the fields."""
    for field in fields:
        if not hasattr(record, field):
            raise TypeError(f"{name} must have {' and '.join(fields)}; it is {describe(record)}.")
        function(f"{name}.{field}", getattr(record, field))


def one_per_task(name, values, tasks):
    """Raise unless values, such as what a loss returns, are one number for each of the tasks."""
    shape = getattr(values, "shape", None)
    if shape != (tasks,):
        what = describe(values) if shape is None else f"of shape {shape}"
        raise ValueError(f"{name} must be one number for each task, ({tasks},); it is {what}.")


def integer(name, value, at_least):
    """Raise unless value is an integer (not a bool) of at least `at_least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer; it is {describe(value)}.")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}; it is {value}.")


def list_of_numbers(name, value):
    """Raise unless value is a list or tuple of finite numbers, or an array of floats, not empty."""
    if not isinstance(value, (list, tuple)):
        array(name, value, "T")
    integer(f"the length of {name}", len(value), at_least=1)
    for i, one in enumerate(value):
        number(f"{name}[{i}]", one)


def widths(name, value, at_least):
    """Raise unless value is a list or tuple of at least `at_least` positive integers."""
    if not isinstance(value, (list, tuple)) or len(value) < at_least:
        raise ValueError(f"{name} must list at least {at_least} widths; it is {describe(value)}.")
    for i, width in enumerate(value):
        integer(f"{name}[{i}]", width, at_least=1)


def number(name, value, above=-math.inf, at_least=-math.inf, below=math.inf, at_most=math.inf):
    """Raise unless value is a finite real number (not a bool) inside the given bounds."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number; it is {describe(value)}.")
    inside = above < value < below and at_least <= value <= at_most
    if not (math.isfinite(value) and inside):
        given = {"above": above, "at least": at_least, "below": below, "at most": at_most}
        bounds = [f"{word} {bound:g}" for word, bound in given.items() if math.isfinite(bound)]
        raise ValueError(f"{name} must be {' and '.join(bounds) or 'finite'}; it is {value}.")


def is_array(value):
    """Whether value is an array here: NumPy's own or a number of its, a device's, or a traced one.

    Arrays that NumPy can read but that compute in another way are none: masked arrays would lose
    their masks and matrices change what a product is. So are those of other libraries.
    """
    kind = type(value)
    if kind is numpy.ndarray:
        return True
    known = kind in box_type_mappings or isinstance(value, (numpy.memmap, numpy.generic))
    return (known or isbox(value)) and hasattr(value, "dtype")


def floats(name, value):
    """Raise unless value is an array of floating-point numbers."""
    if type(value) in USUAL and value.dtype.kind == "f":  # the common case first
        return
    if not is_array(value) or value.dtype.kind != "f":
        raise TypeError(f"{name} must be an array of floats; it is {describe(value)}.")


def entries(name, record, *keys):
    """Raise unless the record, such as a dict of parameters, has an array of floats at each key."""
    for key in keys:
        try:
            value = record[key]
        except (TypeError, LookupError):
            raise TypeError(
                f"{name} must have {', '.join(map(repr, keys))}; it is {describe(record)}."
            ) from None
        floats(f"{name}[{key!r}]", value)


def numeric(name, value):
    """Raise unless value is an array of floating-point numbers or of integers."""
    if type(value) in USUAL and value.dtype.kind in "fiu":
        return
    if not is_array(value) or value.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be an array of numbers; it is {describe(value)}.")


def describe(value):
    """What a value is, in a few words for the end of a sentence."""
    if is_array(value) and np.ndim(value):
        return f"an array of {value.dtype}"
    text = " ".join(repr(value).split())  # of one line
    if isinstance(value, (bool, int, float)):
        return text
    return f"{type(value).__name__} {text:.60}"


def integers(name, value, at_least=None):
    """Raise unless value is an array of integers, not below `at_least` where they can be read."""
    if not is_array(value) or value.dtype.kind not in "iu":
        raise TypeError(f"{name} must be an array of integers; it is {describe(value)}.")
    if at_least is not None and readable(value) and value.size and value.min() < at_least:
        raise ValueError(f"{name} must be at least {at_least}; the least is {value.min()}.")


def one_length(name, value, other_name, other):
    """Raise unless both have the same length: pairing them off would drop the rest."""
    if len(value) != len(other):
        raise ValueError(
            f"{name} and {other_name} must have one length; "
            f"they have {len(value)} and {len(other)}."
        )


def axes(name, value, letters):
    """Raise unless value has exactly the axes named, as in "M N D"; "..." allows more in front."""
    wanted = letters.split()
    least = len(wanted) - ("..." in wanted)
    if np.ndim(value) < least or (np.ndim(value) > least and "..." not in wanted):
        raise ValueError(
            f"{name} must have shape ({', '.join(wanted)}); its shape is {np.shape(value)}."
        )


def same_shape(name, value, other_name, other):
    """Raise unless both arrays have one shape: broadcasting here would hide a mistake."""
    if np.shape(value) != np.shape(other):
        raise ValueError(
            f"{name} and {other_name} must have the same shape; "
            f"they have {np.shape(value)} and {np.shape(other)}."
        )


def finite(name, value):
    """Raise if any element is NaN or infinite. Reads the values: not for inside a gradient."""
    if readable(value) and numpy.isfinite(value).all():  # the common case first
        return
    bad = int(np.sum(~np.isfinite(value)))
    if bad:
        raise ValueError(f"{name} must be finite; {bad} of its {np.size(value)} values are not.")


def readable(value):
    """Whether reading the values is free: a NumPy array that is not being differentiated."""
    return isinstance(value, numpy.ndarray)


def array(name, value, letters):
    """Raise unless value is a float array with these axes, finite where its values are readable."""
    floats(name, value)
    axes(name, value, letters)
    if readable(value):
        finite(name, value)


def quantity(name, value, above=-math.inf, at_least=-math.inf):
    """Raise unless value is a number or an array of floats, finite and so large where readable."""
    if is_array(value) and np.ndim(value):
        array(name, value, "...")
        if readable(value) and value.size:
            number(f"the least of {name}", value.min(), above=above, at_least=at_least)
    elif not isbox(value):
        number(name, value, above=above, at_least=at_least)


def not_negative(name, value):
    """Raise ValueError if an array has a number below zero."""
    if readable(value) and numpy.any(value < 0.0):
        raise ValueError(f"{name} must not be negative; its least is {numpy.min(value):.3g}.")


def covariance(name, value):
    """Raise unless value is (..., D, D) and, where readable, symmetric and positive semi-definite.

    Both up to rounding: half of the digits must agree.
    """
    array(name, value, "... D D")
    if np.shape(value)[-1] != np.shape(value)[-2] or 0 in np.shape(value):
        raise ValueError(f"{name} must be square and not empty; its shape is {np.shape(value)}.")
    if readable(value):
        rounding = math.sqrt(numpy.finfo(value.dtype).eps) * numpy.max(numpy.abs(value))
        if numpy.max(numpy.abs(value - numpy.swapaxes(value, -1, -2))) > rounding:
            raise ValueError(f"{name} must be symmetric; it differs from its transpose.")
        least = numpy.min(numpy.linalg.eigvalsh(value))
        if least < -rounding:
            raise ValueError(
                f"{name} must not have negative eigenvalues; its least is {least:.3g}."
            )
