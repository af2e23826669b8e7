"""`np`, which makes arrays on the current device and in the current float type; and moving arrays.

`np` is `autograd.numpy`, except for the functions that make an array out of nothing: they make it
on the current device, and where NumPy would choose float64 they choose the current float type.
They and the reductions take lists of traced numbers, which NumPy does not understand.
"""

import sys
from types import ModuleType

import autograd.numpy
import numpy
from autograd.tracer import isbox

import minimeta.core.backend.boxes  # noqa: F401  (importing it installs every rule)
import minimeta.core.backend.rules as rules
import minimeta.core.backend.traces  # noqa: F401  (and this its stack of traces)
from minimeta.core.backend.bounds import astype
from minimeta.core.backend.primitives import name_all
from minimeta.core.backend.switch import current

# ---- From what is there ----


def asarray(x, dtype=None):
    """x as an array here; float64 becomes the current float type unless a dtype is given."""
    if isbox(x):
        return x if dtype is None else x.astype(dtype)
    if isinstance(x, (list, tuple)) and any(map(holds_arrays, x)):
        return stack(x, dtype=dtype_of_list(x) if dtype is None else dtype)
    device = current().device
    x = x if isinstance(x, device.ndarray) else numpy.asarray(x)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"An array of numbers was expected; {x!r:.60} is of dtype {x.dtype}.")
    return device.asarray(x, dtype=narrow(x.dtype) if dtype is None else dtype)


def array(x, dtype=None, copy=True, ndmin=0):
    """As `asarray`, but never x itself unless `copy` is false; with `ndmin` axes at least."""
    made = asarray(x, dtype)
    made = made.copy() if made is x and copy and not isbox(made) else made
    missing = ndmin - made.ndim
    return made if missing <= 0 else autograd.numpy.reshape(made, (1,) * missing + made.shape)


def stack(arrays, axis=0, dtype=None):
    """np.stack of arrays, numbers and lists of them."""
    return rules.stack([asarray(a, dtype) for a in arrays], axis)


def holds_arrays(x):
    """Whether there is a traced or device array in x: then it cannot be converted as a whole."""
    if isinstance(x, (list, tuple)):
        return any(map(holds_arrays, x))
    return isbox(x) or (current().device is not numpy and isinstance(x, current().device.ndarray))


def dtype_of_list(x):
    """The dtype of arrays and numbers in a list, where a number takes that of the arrays."""
    if any(isinstance(a, (list, tuple)) for a in x):
        return None
    return autograd.numpy.result_type(*x) if any(isinstance(a, (int, float)) for a in x) else None


def narrow(dtype):
    """The current float type in place of float64."""
    return current().floating if dtype == "float64" else dtype


def where(condition, *choices, **named):
    """autograd's `where`, with traced numbers in lists too."""
    arguments = [condition, *choices, *(named[name] for name in ("x", "y") if name in named)]
    return autograd.numpy.where(*map(list_as_array, arguments))


def list_as_array(x):
    """x, made an array if it is a list or a tuple."""
    return asarray(x) if type(x) in (list, tuple) else x


def of_lists(name):
    """autograd's function of that name, with traced numbers in a list too."""
    function = getattr(autograd.numpy, name)

    def reduce(a, *args, **options):
        return function(list_as_array(a), *args, **options)

    return reduce


# ---- From nothing ----


def full(shape, fill_value, dtype=None):
    """An array of this value, which may be traced."""
    value = asarray(fill_value, dtype)
    return current().device.zeros(shape, dtype=value.dtype) + value


def full_like(a, fill_value, dtype=None):
    """An array like a of this value, which may be traced."""
    value = asarray(fill_value, autograd.numpy.result_type(a) if dtype is None else dtype)
    return autograd.numpy.zeros_like(a, dtype=dtype) + value


def arange(*limits, dtype=None):
    """NumPy's, where the fourth argument is the dtype too."""
    if len(limits) > 3:
        *limits, dtype = limits
    if any(map(isbox, limits)):
        raise TypeError("np.arange: its limits decide how long it is, so they cannot be traced.")
    usual = narrow(numpy.result_type(*limits))
    return current().device.arange(*limits, dtype=usual if dtype is None else dtype)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """NumPy's, or start + (stop - start) t for a traced end."""
    device, floating = current()
    dtype = floating if dtype is None else dtype
    start, stop = list_as_array(start), list_as_array(stop)
    if not (isbox(start) or isbox(stop)):
        return device.linspace(start, stop, num, endpoint, retstep, dtype=dtype, axis=axis)
    if retstep:
        raise NotImplementedError("np.linspace has no gradient with retstep=; write the step.")
    span = stop - start
    t = autograd.numpy.reshape(
        device.linspace(0, 1, num, endpoint, dtype=dtype), (num,) + (1,) * span.ndim
    )
    return autograd.numpy.moveaxis(start + span * t, 0, axis)


def of_floats(name, before=1):
    """NumPy's function of that name, for the current device and float type.

    before: how many arguments stand before dtype where it is given by position.
    """

    def make(*args, dtype=None, **options):
        device, floating = current()
        if len(args) > before:
            dtype, args = args[before], args[:before] + args[before + 1 :]
        return getattr(device, name)(*args, dtype=floating if dtype is None else dtype, **options)

    return make


MADE_HERE = {f.__name__: f for f in (asarray, array, stack, where, full, full_like, arange)}
MADE_HERE |= {"linspace": linspace, "astype": astype, "eye": of_floats("eye", before=3)}
MADE_HERE |= {name: of_floats(name) for name in ("zeros", "ones", "empty", "identity")}
MADE_HERE |= {name: of_lists(name) for name in ("sum", "prod", "max", "min", "amax", "amin")}
np = ModuleType(f"{__package__}.np", "autograd.numpy, with new arrays made on the current device.")
vars(np).update({k: v for k, v in vars(autograd.numpy).items() if k[:2] != "__"} | MADE_HERE)
sys.modules[np.__name__] = np  # so that other processes can import it
name_all(np)


# ---- Moving arrays ----


def to_device(tree):
    """The tree with every array and number on the current device, float64 as `np.asarray` has it.

    A tree is a dict, list, tuple or NamedTuple of such, as a `Task` is. Integers stay integers.
    """
    device = current().device
    return each(lambda a: asarray(a if isinstance(a, device.ndarray) else fetch(a)), tree)


def to_host(tree):
    """The tree with every device array as a NumPy array of its dtype; the rest as it was."""
    return each(fetch, tree)


def fetch(a):
    """A leaf of a tree in host memory: a device array as a NumPy array, all else as it is."""
    return a.get() if hasattr(a, "get") else a


def each(f, tree):
    """f of every leaf of a dict, list, tuple or NamedTuple."""
    if isinstance(tree, dict):
        return {key: each(f, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [each(f, branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return f(tree)
