"""One `np` for the CPU and the GPU, in one float type.

    from minimeta.core.backend import np, use
    use("cupy")                arrays made from here on live on the GPU, in float32
    use(dtype="float32")       the same device in another float type

`np` is `autograd.numpy`, except for the functions that make an array out of nothing: those make
it on the current device, and where NumPy would choose float64 they choose the current float type.
Everything else follows its arguments: NumPy hands a call on a CuPy array to CuPy by itself
(NEP 13 and NEP 18), and `minimeta.core.rules` keeps the gradients there, in the dtype they had.
"""

import importlib
from types import ModuleType

import autograd.numpy
import numpy
from autograd.extend import VSpace
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vspaces import ArrayVSpace
from autograd.tracer import isbox

from minimeta.core import linalg_rules, rules  # noqa: F401

FLOATS = ("float32", "float64")
_device, _floating = numpy, numpy.dtype("float64")


def use(name=None, dtype=None):
    """Make arrays on `name` ("numpy", "cupy", or a module that imitates it; None: as before) from
    now on, in `dtype` ("float32" or "float64"; None: float64 on NumPy, float32 elsewhere).

    Raises ValueError for an unknown name or dtype and RuntimeError where CuPy or its GPU is
    missing; the choice made before then still holds.
    """
    global _device, _floating
    device = _device if name is None else _module(name)
    floating = _float(dtype or ("float64" if device is numpy else "float32"))
    if device is not numpy:
        _register(device)
    _device, _floating = device, floating


def current():
    """The device module and the float type in use: `use(*current())` changes nothing."""
    return _device, _floating


def _module(name):
    if not isinstance(name, str) and hasattr(name, "ndarray"):
        return name
    if name == "numpy":
        return numpy
    if name == "cupy":
        return _cupy()
    raise ValueError(f"use: name was {name!r}, expected 'numpy', 'cupy' or a module like them")


def _cupy():
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(
            "use('cupy'): CuPy is not installed; install it with: pip install 'minimeta[gpu]'"
        ) from error
    try:
        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        raise RuntimeError(f"use('cupy'): CuPy finds no GPU ({error})") from error
    return cupy


def _float(dtype):
    try:
        found = numpy.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.name not in FLOATS:
        raise ValueError(f"use: dtype was {dtype!r}, expected 'float32' or 'float64'")
    return found


class DeviceVSpace(ArrayVSpace):
    """What autograd must know of a device array: its shape, its dtype and where its like is made."""

    def __init__(self, device, value):
        self.device, self.shape, self.dtype = device, value.shape, value.dtype

    def zeros(self):
        return self.device.zeros(self.shape, dtype=self.dtype)

    def ones(self):
        return self.device.ones(self.shape, dtype=self.dtype)

    def standard_basis(self):
        return map(self.device.asarray, super().standard_basis())

    def randn(self):
        return self.device.asarray(super().randn())


def _register(device):
    if device.ndarray not in VSpace.mappings:
        ArrayBox.register(device.ndarray)
        VSpace.register(device.ndarray, lambda value: DeviceVSpace(device, value))


def _narrowed(dtype):
    return _floating if dtype == "float64" else dtype


def _holds_box(x):
    return isbox(x) or isinstance(x, (list, tuple)) and any(map(_holds_box, x))


def _asarray(x, dtype=None):
    if isbox(x):
        return x if dtype is None else x.astype(dtype)
    if isinstance(x, (list, tuple)) and (
        _holds_box(x) or any(isinstance(v, _device.ndarray) for v in x)
    ):
        return rules.stack([_asarray(v, dtype) for v in x])
    if dtype is None:
        dtype = _narrowed(x.dtype if hasattr(x, "dtype") else numpy.asarray(x).dtype)
    return _device.asarray(x, dtype=dtype)


def _array(x, dtype=None):
    made = _asarray(x, dtype)
    return made.copy() if made is x and not isbox(x) else made


def _stack(arrays, axis=0):
    return rules.stack([_asarray(a) for a in arrays], axis)


def _full(shape, value, dtype=None):
    value = _asarray(value, dtype)
    return np.zeros(shape, dtype=value.dtype) + value


def _arange(*limits, dtype=None):
    return _device.arange(*limits, dtype=dtype or _narrowed(numpy.result_type(*limits)))


def _floats(name):
    def make(*args, dtype=None, **kwargs):
        return getattr(_device, name)(*args, dtype=dtype or _floating, **kwargs)

    return make


np = ModuleType("np", "autograd.numpy, making new arrays on the current device.")
vars(np).update((k, v) for k, v in vars(autograd.numpy).items() if not k.startswith("__"))
vars(np).update(asarray=_asarray, array=_array, stack=_stack, full=_full, arange=_arange)
vars(np).update((name, _floats(name)) for name in ("zeros", "ones", "empty", "eye", "linspace"))


def to_device(tree):
    """The tree's arrays on the current device, float64 narrowed to the current float type."""
    return _map(_asarray, tree)


def to_host(tree):
    """The tree's arrays as NumPy arrays, each in the dtype it has."""
    return _map(lambda a: a.get() if hasattr(a, "get") else a, tree)


def _map(f, tree):
    if isinstance(tree, dict):
        return {k: _map(f, v) for k, v in tree.items()}
    if hasattr(tree, "_fields"):
        return type(tree)(*(_map(f, v) for v in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(_map(f, v) for v in tree)
    return f(tree)
