"""A strict stand-in for CuPy 14: `use(standin)` runs device code where there is no GPU.

NumPy does the arithmetic; what is imitated is everything that makes code fail on, or wait for, a
GPU.  An array here is never converted silently and never mixed with a NumPy array; reductions give
0-d arrays; a NumPy function is found by its name among CuPy's and called with CuPy's signature.
What CuPy allows at the price of a transfer is counted in `transfers`:

    h2d     host to device: making an array of host data, indexing with a list or a NumPy array
    d2h     device to host: get, float, bool, int, print
    sync    waiting for the device: boolean masks, nonzero, where with one argument

Written after the source of CuPy 14.2; `test_backend.py` compares the signatures with a CuPy that is
installed.
"""

import inspect
import numbers
import sys
from collections import Counter
from contextlib import contextmanager

import numpy

transfers = Counter()

SIGNATURES = """
all(a, axis=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
argsort(a, axis=-1, kind=None)
array_split(ary, indices_or_sections, axis=0)
astype(x, dtype, /, *, copy=True)
atleast_1d(*arys)
atleast_2d(*arys)
broadcast_to(array, shape)
clip(a, a_min, a_max, out=None)
concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
count_nonzero(a, axis=None)
cumsum(a, axis=None, dtype=None, out=None)
diag(v, k=0)
diagonal(a, offset=0, axis1=0, axis2=1)
diff(a, n=1, axis=-1, prepend=None, append=None)
dot(a, b, out=None)
einsum(*operands, **kwargs)
empty_like(prototype, dtype=None, order='K', subok=None, shape=None)
expand_dims(a, axis)
flip(a, axis=None)
full_like(a, fill_value, dtype=None, order='K', subok=None, shape=None)
inner(a, b)
iscomplexobj(x)
kron(a, b)
lib.stride_tricks.sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False)
linalg.cholesky(a)
linalg.det(a)
linalg.eigh(a, UPLO='L')
linalg.inv(a)
linalg.norm(x, ord=None, axis=None, keepdims=False)
linalg.slogdet(a)
linalg.solve(a, b)
linalg.svd(a, full_matrices=True, compute_uv=True)
max(a, axis=None, out=None, keepdims=False)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
min(a, axis=None, out=None, keepdims=False)
moveaxis(a, source, destination)
nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None)
ndim(a)
nonzero(a)
ones_like(a, dtype=None, order='K', subok=None, shape=None)
outer(a, b, out=None)
pad(array, pad_width, mode='constant', **kwargs)
prod(a, axis=None, dtype=None, out=None, keepdims=False)
ravel(a, order='C')
real(val)
repeat(a, repeats, axis=None)
reshape(a, newshape, order='C', *, copy=None)
result_type(*arrays_and_dtypes)
roll(a, shift, axis=None)
round(a, decimals=0, out=None)
shape(a)
sort(a, axis=-1, kind=None)
split(ary, indices_or_sections, axis=0)
squeeze(a, axis=None)
std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
sum(a, axis=None, dtype=None, out=None, keepdims=False)
swapaxes(a, axis1, axis2)
take(a, indices, axis=None, out=None)
take_along_axis(a, indices, axis)
tensordot(a, b, axes=2)
tile(A, reps)
trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None)
transpose(a, axes=None)
tril(m, k=0)
triu(m, k=0)
var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
where(condition, x=None, y=None)
zeros_like(a, dtype=None, order='K', subok=None, shape=None)
"""
UFUNCS = """
absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor
ceil conjugate cos cosh divide equal exp exp2 expm1 fabs floor floor_divide fmax fmin greater
greater_equal hypot invert isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp
logaddexp2 logical_and logical_not logical_or logical_xor matmul maximum minimum multiply negative
not_equal positive power reciprocal remainder rint sign sin sinh sqrt square subtract tan tanh trunc
""".split()


def _signature(line):
    name, arguments = line.split("(", 1)
    return name, inspect.signature(eval(f"lambda {arguments[:-1]}: None"))


signatures = dict(map(_signature, SIGNATURES.split("\n")[1:-1]))
signatures["size"] = inspect.signature(lambda a, axis=None: None)  # compiled: has no signature
SCALARS = (bool, int, float, complex, numpy.generic)


@contextmanager
def forbid(*kinds):
    """Raise AssertionError after the block if a transfer of these kinds (all) happened in it."""
    before = Counter(transfers)
    yield
    made = {kind: n for kind, n in (transfers - before).items() if kind in (kinds or transfers)}
    if made:
        raise AssertionError(f"hidden transfers: {made}")


def _host(x):
    if isinstance(x, ndarray):
        return x.host
    return type(x)(map(_host, x)) if isinstance(x, (list, tuple)) else x


def _device(x):
    if isinstance(x, (numpy.ndarray, numpy.generic)):
        return ndarray(x)
    if isinstance(x, tuple):  # CuPy returns plain tuples where NumPy has SlogdetResult and its kin
        return tuple(map(_device, x))
    return list(map(_device, x)) if isinstance(x, list) else x


def _refuse_numpy(x):
    if isinstance(x, numpy.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, (list, tuple)):
        for part in x:
            _refuse_numpy(part)


class ndarray:
    """An array on the device."""

    __slots__ = ("host",)
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, host):
        self.host = numpy.asarray(host)
        if self.host.dtype.kind not in "biufc":
            raise ValueError(f"Unsupported dtype {self.host.dtype}")

    shape = property(lambda self: self.host.shape)
    ndim = property(lambda self: self.host.ndim)
    size = property(lambda self: self.host.size)
    dtype = property(lambda self: self.host.dtype)
    strides = property(lambda self: self.host.strides)
    T = property(lambda self: ndarray(self.host.T))
    real = property(lambda self: ndarray(self.host.real))

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def get(self):
        transfers["d2h"] += 1
        return self.host.copy()

    def item(self):
        return self.get().item()

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __repr__(self):
        return f"standin.{self.get()!r}"

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        return ndarray(self.host[_index(index)])

    def __setitem__(self, index, value):
        _refuse_numpy(value)
        self.host[_index(index)] = _host(value)

    def astype(self, dtype, copy=True):
        return ndarray(self.host.astype(dtype, copy=copy))

    def copy(self):
        return ndarray(self.host.copy())

    def reshape(self, *shape, order="C"):
        return numpy.reshape(
            self, shape if isinstance(shape[0], numbers.Integral) else shape[0], order
        )

    def transpose(self, *axes):
        return ndarray(self.host.transpose(*axes))

    def view(self, dtype):
        return ndarray(self.host.view(numpy.dtype(dtype)))  # of ndarray: dtype('O'), an error

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        known = SCALARS + (ndarray, numpy.ndarray)
        if ufunc.__name__ not in UFUNCS or not all(isinstance(x, known) for x in inputs):
            return NotImplemented  # so that an ArrayBox among the inputs may try
        if method == "at":
            return _at(ufunc, *inputs)
        if method != "__call__" or set(kwargs) - {"dtype", "casting"}:
            raise TypeError(f"{ufunc.__name__}.{method} with {kwargs}")
        _refuse_numpy(inputs)
        if ufunc is numpy.matmul and not all(isinstance(x, ndarray) for x in inputs):
            raise TypeError("matmul takes device arrays only")
        return ufunc_call(ufunc, inputs, out, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        path = ".".join([*function.__module__.split(".")[1:], function.__name__])
        if path in CREATORS:  # numpy.zeros(3, like=x)
            return CREATORS[path](*args, **kwargs)
        if path not in signatures:
            return NotImplemented
        return _call(path, function, args, kwargs)


def ufunc_call(ufunc, inputs, out, kwargs):
    result = ufunc(*map(_host, inputs), out=tuple(map(_host, out)) or None, **kwargs)
    return out[0] if out else _device(result)


def _index(index):
    parts = index if isinstance(index, tuple) else (index,)
    checked = tuple(map(_index_part, parts))
    return checked if isinstance(index, tuple) else checked[0]


def _index_part(part):
    if isinstance(part, ndarray):
        transfers["sync"] += part.dtype == bool
        return part.host
    if isinstance(part, (list, tuple, numpy.ndarray)):
        transfers["h2d"] += 1
        return numpy.asarray(part)
    if not (part is None or part is Ellipsis or isinstance(part, (slice, int, numpy.integer))):
        raise IndexError(f"unsupported index {part!r}")
    return part


def _at(ufunc, total, index, values):
    _refuse_numpy(values)
    ufunc.at(total.host, _index(index), _host(values))


def _call(path, function, args, kwargs):
    bound = signatures[path].bind(*args, **kwargs)  # CuPy's signature, not NumPy's
    if path in SPECIAL:
        return SPECIAL[path](function, *bound.args, **bound.kwargs)
    _refuse_numpy([*bound.args, *bound.kwargs.values()])
    return _device(function(*_host(bound.args), **{k: _host(v) for k, v in bound.kwargs.items()}))


# ---- Functions with ways of their own ----


def _about(function, *args, **kwargs):
    """Shapes and dtypes are known on the host."""
    return function(*_host(args), **kwargs)


def _where(function, condition, x=None, y=None):
    if x is None:
        return _nonzero(function, condition)
    _refuse_numpy([condition, x, y])
    return ndarray(function(condition.astype(bool).host, _host(x), _host(y)))


def _nonzero(function, a):
    transfers["sync"] += 1
    return _device(function(_host(a)))


def _concatenate(function, arrays, axis=0):
    if not all(isinstance(a, ndarray) for a in arrays):
        raise TypeError("Only device arrays can be concatenated")
    return ndarray(function(_host(list(arrays)), axis))


def _einsum(function, *operands, **kwargs):
    transfers["h2d"] += sum(isinstance(x, numpy.ndarray) for x in operands)
    if set(kwargs) - {"dtype", "optimize"}:
        raise TypeError(f"Did not understand the following kwargs: {list(kwargs)}")
    return _device(function(*_host(operands), **kwargs))


def _take(function, a, indices, axis=None):
    return ndarray(function(a.host, _index_part(indices), axis=axis))


def _reshape(function, a, newshape, order="C"):
    return ndarray(function(a.host, newshape, order=order[:1]))  # order=None fails here, as in CuPy


def _transpose(function, a, axes=None):
    return ndarray(function(a.host, axes))  # the axes may be a NumPy array


def _tensordot(function, a, b, axes=2):
    if 0 in (a.ndim, b.ndim) and axes not in (0, ((), ())):
        raise ValueError("An input is zero-dim while axes has dimensions")
    return ndarray(function(a.host, b.host, axes))


def _solve(function, a, b):
    _refuse_numpy([a, b])
    if b.ndim > 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K)")
    return ndarray(function(a.host, b.host))


def _cholesky(function, a):
    try:
        return ndarray(function(a.host))
    except numpy.linalg.LinAlgError:  # CuPy does not look
        return ndarray(numpy.full_like(a.host, numpy.nan))


SPECIAL = dict.fromkeys(["shape", "ndim", "size", "result_type", "iscomplexobj"], _about)
SPECIAL |= {"where": _where, "nonzero": _nonzero, "concatenate": _concatenate, "einsum": _einsum}
SPECIAL |= {"take": _take, "reshape": _reshape, "tensordot": _tensordot, "transpose": _transpose}
SPECIAL |= {"linalg.solve": _solve, "linalg.cholesky": _cholesky}


# ---- Operators and methods ----


def _operator(name, ufunc):
    setattr(ndarray, f"__{name}__", lambda x, y: ufunc(x, y))
    setattr(ndarray, f"__r{name}__", lambda x, y: ufunc(y, x))
    setattr(ndarray, f"__i{name}__", lambda x, y: ufunc(x, y, out=x))


for _name, _ufunc in {
    "add": numpy.add, "sub": numpy.subtract, "mul": numpy.multiply, "truediv": numpy.divide,
    "floordiv": numpy.floor_divide, "mod": numpy.remainder, "pow": numpy.power,
    "matmul": numpy.matmul, "and": numpy.bitwise_and, "or": numpy.bitwise_or,
    "xor": numpy.bitwise_xor,
}.items():  # fmt: skip
    _operator(_name, _ufunc)

for _name in ["lt", "le", "eq", "ne", "gt", "ge"]:
    _ufunc = {"lt": numpy.less, "le": numpy.less_equal, "eq": numpy.equal, "ne": numpy.not_equal,
              "gt": numpy.greater, "ge": numpy.greater_equal}[_name]  # fmt: skip
    setattr(ndarray, f"__{_name}__", lambda x, y, ufunc=_ufunc: ufunc(x, y))
for _name, _ufunc in {"neg": numpy.negative, "abs": numpy.absolute, "invert": numpy.invert}.items():
    setattr(ndarray, f"__{_name}__", lambda x, ufunc=_ufunc: ufunc(x))
_methods = "sum mean var std max min prod all any argmax ravel swapaxes squeeze repeat clip"
for _name in _methods.split():
    _function = getattr(numpy, _name)
    setattr(ndarray, _name, lambda x, *a, function=_function, **k: function(x, *a, **k))


# ---- What a module of arrays offers: making them, and a scatter-add ----


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0):
    if not _all_device(obj):
        transfers["h2d"] += 1
    return ndarray(numpy.array(_host(obj) if _all_device(obj) else obj, dtype=dtype, ndmin=ndmin))


def _all_device(obj):
    nested = isinstance(obj, (list, tuple)) and len(obj) > 0
    return isinstance(obj, ndarray) or nested and all(map(_all_device, obj))


def asarray(obj, dtype=None):
    return obj if isinstance(obj, ndarray) and dtype in (None, obj.dtype) else array(obj, dtype)


def _creator(name):
    def create(*args, **kwargs):
        _refuse_numpy([*args, *kwargs.values()])
        return ndarray(getattr(numpy, name)(*args, **kwargs))

    return create


CREATORS = {
    name: _creator(name) for name in "zeros ones empty full eye identity arange linspace".split()
}
CREATORS |= {"array": array, "asarray": asarray}
vars(sys.modules[__name__]).update(CREATORS)


class add:
    """The ufunc, as far as it is called by name: unlike numpy.add.at it takes slices and tuples."""

    at = staticmethod(lambda total, index, values: _at(numpy.add, total, index, values))
