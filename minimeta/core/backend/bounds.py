"""Gradient rules where numbers are cut off: at bounds, at what is not finite, at another type."""

import autograd.numpy as np
import numpy
from autograd.core import JVPNode, VJPNode
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import register_notrace

from minimeta.core.backend.primitives import primitive
from minimeta.core.backend.rules import gather, install, refuse

# ---- Bounds: x between a and b gets the gradient, bounds included; else the bound has it ----


def of_clip(argnum):
    """The rule of np.clip(x, low, high) in one argument: max with low first, then min with high."""

    def vjp(ans, x, a_min=None, a_max=None, **named):
        low, high = named.pop("min", a_min), named.pop("max", a_max)
        if named:
            refuse(np.clip, [f"{name}=" for name in named])
        is_high = high is not None and (x if low is None else np.maximum(x, low)) > high
        is_low = low is not None and (x < low) & np.logical_not(is_high)
        chosen = (ans == x, is_low, is_high)[argnum]
        target = (x, low, high)[argnum]
        return lambda g: gather(np.where(chosen, g, 0.0), target)

    return vjp


def of_nan_to_num(ans, x, copy=True, nan=0.0, posinf=None, neginf=None):
    """One where x is finite, and zero where a constant replaced it."""
    return lambda g: np.where(np.isfinite(x), g, 0.0)


install(np.nan_to_num, of_nan_to_num)


def clip_method(x, min=None, max=None):
    """x.clip(min) or x.clip(min, max), as NumPy's method has it."""
    return np.clip(x, min, max)


ArrayBox.clip = clip_method
install(np.clip, of_clip(0), of_clip(1), of_clip(2))


# ---- Changing the type ----


@primitive
def truncate(x, dtype):
    """x in a type that is no float: its derivative is zero wherever it has one."""
    return x.astype(dtype) if hasattr(x, "astype") else numpy.asarray(x, dtype)[()]


@primitive
def cast(x, dtype):
    """x in another float type."""
    return truncate.fun(x, dtype)


def astype(x, dtype, order="K", casting="unsafe", subok=True, copy=True):
    """x.astype(dtype): a float type hands the gradient back in the type of x, others hand none."""
    return (cast if numpy.dtype(dtype).kind in "fc" else truncate)(x, dtype)


def of_cast(ans, x, dtype, **options):
    """The gradient in the type of x; zero where numbers were cut off."""
    if numpy.dtype(dtype).kind not in "fc":
        return lambda g: np.zeros_like(x)
    return lambda g: cast(gather(g, x), np.result_type(x))


for _node in (VJPNode, JVPNode):
    register_notrace(_node, truncate)
install(cast, of_cast)
install(np.astype, of_cast)
ArrayBox.astype = astype
