"""Input checks: one sentence that names the argument, what it was, and what was expected.

Only shapes, types and plain numbers are looked at unless a name says otherwise, so that the checks
cost nothing on a GPU and may stand inside a function that is being differentiated.
"""

import math
import numbers

from minimeta.core.backend import np


def integer(name, value, at_least):
    """Raise unless value is an integer (not a bool) of at least `at_least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer; it is {value!r}.")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}; it is {value}.")


def number(name, value, above=-math.inf, at_least=-math.inf, below=math.inf, at_most=math.inf):
    """Raise unless value is a finite real number (not a bool) inside the given bounds."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number; it is {value!r}.")
    inside = above < value < below and at_least <= value <= at_most
    if not (math.isfinite(value) and inside):
        given = {"above": above, "at least": at_least, "below": below, "at most": at_most}
        bounds = [f"{word} {bound:g}" for word, bound in given.items() if math.isfinite(bound)]
        raise ValueError(f"{name} must be {' and '.join(bounds) or 'finite'}; it is {value}.")


def floats(name, value):
    """Raise unless value is an array of floating-point numbers."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind != "f":
        found = f"an array of {value.dtype}" if kind else f"{type(value).__name__} {value!r:.60}"
        raise TypeError(f"{name} must be an array of floats; it is {found}.")


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
    bad = int(np.sum(~np.isfinite(value)))
    if bad:
        raise ValueError(f"{name} must be finite; {bad} of its {np.size(value)} values are not.")
