"""One `np` for the CPU and the GPU, in one float type.

    from minimeta.core.backend import np, use
    use("cupy")                     arrays made from here on live on the GPU, in float32
    use(dtype="float32")            ... on the same device as before, in another float type
    with using(dtype="float32"):    ... until the end of the block, in this thread

The functions of `np` that make an array out of nothing make it there (see `making`). Everything
else follows its arguments: NumPy hands a call on a CuPy array to CuPy by itself (NEP 13 and NEP
18), and the gradient rules keep what they make there too, in the dtype it had.

A program stays on its device, and in float32, if its constants are Python numbers (math.sqrt(2),
not np.sqrt(2)), its index arrays are on the device (x[rows], not x[[0, 2]]), the arguments of
`solve` have equal batch axes, and no step looks at a value: float, bool and print fetch it.
"""

import importlib
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import numpy
from autograd.extend import VSpace
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vspaces import ArrayVSpace

# glibc hands the memory of every large array back to the system and takes it again, page by page,
# for the next one. Once a block of nearly 32 MiB has been freed, it keeps up to 64 MiB instead. The
# block is never touched, so this costs nothing; two layers of attention then run twice as fast.
numpy.empty(2**25 - 2**16, dtype="uint8")


# ---- The switch ----


class Setting(NamedTuple):
    """Where arrays are made, and in which float type."""

    device: Any  # the module that makes them
    floating: numpy.dtype


_of_process = Setting(numpy, numpy.dtype("float64"))
_of_block = ContextVar("the setting of the innermost `using` block", default=None)


def use(name=None, dtype=None):
    """Make arrays on another device or in another float type from now on.

    name: "numpy", "cupy" or a module that imitates it; None for the same device as before.
    dtype: "float32" or "float64"; None for float64 on NumPy and float32 elsewhere.
    Raises ValueError for any other name or dtype, and RuntimeError where CuPy or its GPU is
    missing; then nothing has changed.

    The setting is that of the whole process: every thread sees it, whenever that thread started.
    Inside a `using` block, `use` changes the setting of the block instead, until the block ends.
    Another process starts with float64 on NumPy, unless it is a fork. To hand the setting of this
    thread on to a worker, a thread or a process, send it `carry(f)` in place of f.
    """
    global _of_process
    setting = _setting(name, dtype)
    if _of_block.get() is None:
        _of_process = setting
    else:
        _of_block.set(setting)


@contextmanager
def using(name=None, dtype=None):
    """`use`, until the end of a `with` block, and in this thread only.

    Blocks nest, and however a block ends, the setting is as it was before. Threads and processes
    that start inside the block, forks apart, do not see it: they have the setting of `use`, or that
    of `carry`.
    """
    token = _of_block.set(_setting(name, dtype))
    try:
        yield
    finally:
        _of_block.reset(token)


def carry(f):
    """f, run with the setting that is current now, in whichever thread or process it is called.

    pool.map(carry(partial(evaluate, learner, meta)), tasks) works with every Executor.
    """
    device, floating = current()
    return partial(_run_with, device.__name__, floating.name, f)


def _run_with(device, floating, f, *args, **kwargs):
    with using(importlib.import_module(device), floating):
        return f(*args, **kwargs)


def current():
    """The device's module and the float type: `use(*current())` changes nothing."""
    return _of_block.get() or _of_process


def _setting(name, dtype):
    device = current().device if name is None else _module(name)
    usual = "float64" if device is numpy else "float32"
    floating = _float_type(usual if dtype is None else dtype)
    if device is not numpy:
        _register(device)
    return Setting(device, floating)


def _module(name):
    if name == "numpy":
        return numpy
    if name == "cupy":
        return _cupy()
    if isinstance(name, str) or not hasattr(name, "ndarray"):
        raise ValueError(
            f"use: name must be 'numpy', 'cupy' or a module like them; it is {name!r}."
        )
    return name


def _cupy():
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(
            f"use('cupy') needs CuPy: pip install 'minimeta[gpu]' ({error})."
        ) from error
    try:
        if cupy.cuda.runtime.getDeviceCount():
            return cupy
        why = "CUDA counts none"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        why = f"CUDA says {error}"
    raise RuntimeError(
        "use('cupy') needs an NVIDIA GPU with its driver, and CuPy from "
        f"pip install 'minimeta[gpu]'; {why}."
    )


def _float_type(dtype):
    for choice in ("float32", "float64"):
        try:
            if numpy.dtype(dtype) == choice:
                return numpy.dtype(choice)
        except TypeError:  # no dtype at all
            break
    raise ValueError(f"use: dtype must be 'float32' or 'float64'; it is {dtype!r}.")


# ---- What autograd must know of device arrays ----


class DeviceVSpace(ArrayVSpace):
    """The real arrays of one shape and dtype on one device."""

    def __init__(self, device, array):
        if array.dtype.kind == "c":
            raise TypeError("Complex arrays have gradients on NumPy only.")
        self.device, self.shape, self.dtype = device, array.shape, array.dtype

    def zeros(self):
        return self.device.zeros(self.shape, dtype=self.dtype)

    def ones(self):
        return self.device.ones(self.shape, dtype=self.dtype)

    def standard_basis(self):
        return map(self.device.asarray, super().standard_basis())

    def randn(self):
        return self.device.asarray(super().randn())


def _register(device):
    """Let autograd differentiate with respect to arrays of the device; twice is as good as once."""
    ArrayBox.register(device.ndarray)
    VSpace.register(device.ndarray, lambda array: DeviceVSpace(device, array))
