"""The switch: one `np` on every device and in either float type, and nothing half switched."""

import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

import numpy
import pytest
import standin
from autograd.test_util import check_grads
from numpy.testing import assert_array_equal

from minimeta.core.backend import current, np, to_device, to_host, use
from minimeta.core.gradients import grad


@pytest.fixture(autouse=True)
def as_before():
    """Every test leaves the switch as it found it."""
    before = current()
    yield
    use(*before)


# ---- use ----


def test_float64_on_numpy_is_the_start_and_float32_the_start_elsewhere():
    script = "from minimeta.core.backend import current; d, f = current(); print(d.__name__, f)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["numpy", "float64"]
    use(standin)
    assert current() == (standin, numpy.dtype("float32"))
    use("numpy")
    assert current() == (numpy, numpy.dtype("float64"))


def test_a_dtype_alone_keeps_the_device_and_current_restores_both():
    use(standin, "float64")
    here = current()
    use(dtype="float32")
    assert current() == (standin, numpy.dtype("float32"))
    use(*here)
    assert current() == here


@pytest.mark.parametrize("dtype", ["float32", numpy.float32, numpy.dtype("float32")])
def test_a_float_type_has_many_spellings(dtype):
    use("numpy", dtype)
    assert np.zeros(2).dtype == "float32"


def fake_cupy(count):
    """A CuPy whose CUDA answers `count()` when asked for its GPUs."""
    cupy = ModuleType("cupy")
    cupy.ndarray = standin.ndarray
    runtime = SimpleNamespace(getDeviceCount=count, CUDARuntimeError=ZeroDivisionError)
    cupy.cuda = SimpleNamespace(runtime=runtime)
    return cupy


WITHOUT_A_GPU = {
    "no cupy": (None, "pip install 'minimeta"),
    "no driver": (fake_cupy(lambda: 1 / 0), "NVIDIA GPU with its driver"),
    "no gpu": (fake_cupy(lambda: 0), "counts none"),
}


@pytest.mark.parametrize("missing", WITHOUT_A_GPU)
def test_what_cupy_lacks_is_said_in_one_sentence(missing, monkeypatch):
    module, message = WITHOUT_A_GPU[missing]
    monkeypatch.setitem(sys.modules, "cupy", module)
    with pytest.raises(RuntimeError, match=message) as caught:
        use("cupy")
    assert "\n" not in str(caught.value)


def test_cupy_is_used_where_it_counts_a_gpu(monkeypatch):
    cupy = fake_cupy(lambda: 1)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    use("cupy")
    assert current() == (cupy, numpy.dtype("float32"))


REFUSED = [
    (("torch",), "'torch'"),
    (("",), "''"),
    ((7,), "7"),
    ((json,), "json"),
    (("numpy", "float16"), "'float16'"),
    (("numpy", ""), "''"),
    (("numpy", "double precision"), "'double precision'"),
    (("numpy", int), "int"),
    ((standin, "complex128"), "'complex128'"),
]


@pytest.mark.parametrize("arguments, named", REFUSED)
def test_a_refused_switch_names_the_argument_and_changes_nothing(arguments, named):
    use(standin, "float64")
    with pytest.raises(ValueError, match="use: (name|dtype) must be") as caught:
        use(*arguments)
    assert named in str(caught.value)
    assert current() == (standin, numpy.dtype("float64"))
    assert type(np.zeros(1)) is standin.ndarray


def test_the_import_brings_nothing_but_autograd_and_numpy():
    """Modules loaded by the backend, less those that autograd.numpy loads: the package's own."""
    script = (
        "import sys, autograd.numpy; before = set(sys.modules)\n"
        "import minimeta.core.backend; print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = [name for name in run.stdout.split() if not name.startswith("minimeta")]
    assert loaded == []


# ---- Making arrays ----

MADE = {
    "zeros": lambda: np.zeros((2, 3)),
    "ones": lambda: np.ones(4),
    "empty": lambda: np.empty(2),
    "eye": lambda: np.eye(3),
    "identity": lambda: np.identity(2),
    "linspace": lambda: np.linspace(0.0, 1.0, 5),
    "full": lambda: np.full((2, 2), 0.5),
    "arange of floats": lambda: np.arange(0.0, 1.0, 0.25),
    "asarray of a number": lambda: np.asarray(0.5),
    "asarray of a list": lambda: np.asarray([[1.0, 2.0], [3.0, 4.0]]),
    "asarray of float64": lambda: np.asarray(numpy.ones(3)),
    "array": lambda: np.array([0.5, 1.5]),
    "array of 0-d arrays": lambda: np.array([np.asarray(0.5), 2.0]),
    "array of nested arrays": lambda: np.array([[np.asarray(0.5), 2.0], [1.0, np.asarray(3.0)]]),
    "stack with numbers": lambda: np.stack([np.asarray(0.5), 2.0]),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("device", [numpy, standin])
def test_new_arrays_are_made_here_in_the_current_float_type(device, dtype, name):
    use("numpy")
    usual = MADE[name]()
    use(device, dtype)
    made = MADE[name]()
    assert type(made) is device.ndarray and made.dtype == dtype
    if name != "empty":
        assert_array_equal(to_host(made), usual.astype(dtype))


@pytest.mark.parametrize("device", [numpy, standin])
def test_only_float64_is_narrowed(device):
    use(device, "float32")
    for values in ([1, 2], [True, False], numpy.array([1], "int8"), numpy.array([1], "float16")):
        assert np.asarray(values).dtype == numpy.asarray(values).dtype
    assert np.arange(3).dtype == np.full(2, 7).dtype == numpy.arange(3).dtype
    assert np.zeros(2, dtype=int).dtype == int
    assert (
        np.asarray([1.0], dtype="float64").dtype == np.ones(1, dtype="float64").dtype == "float64"
    )
    use(device, "float64")
    assert np.asarray(numpy.zeros(1, "float32")).dtype == "float32"


@pytest.mark.parametrize("values", [["a"], None, object(), [None, 1.0], numpy.array(["x"])])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(TypeError, match="numbers"):
        np.asarray(values)


@pytest.mark.parametrize("device", [numpy, standin])
def test_array_copies_and_asarray_does_not(device):
    use(device, "float64")
    x = np.zeros(2)
    assert np.asarray(x) is x
    copy = np.array(x)
    copy[0] = 1.0
    assert_array_equal(to_host(x), [0.0, 0.0])


@pytest.mark.parametrize("device", [numpy, standin])
def test_arrays_of_traced_numbers_have_gradients(device):
    use(device, "float64")
    f = lambda x: np.sum(np.array([[x[0], 2.0], [x[1] * x[0], x[2]]]) ** 2) + np.full((), x[0])
    check_grads(f, modes=["rev"], order=2)(np.asarray([0.3, -0.5, 0.7]))


def test_asarray_of_a_traced_array_converts_it_and_its_gradient_back():
    use(dtype="float32")
    dtypes = []

    def f(x):
        converted = np.asarray(x, dtype="float64")
        dtypes.append(converted.dtype)
        return np.sum(converted**2)

    slope = grad(f)(np.ones(2))
    assert dtypes == ["float64"] and slope.dtype == "float32"
    assert_array_equal(slope, [2.0, 2.0])


# ---- Moving arrays ----


class Pair(NamedTuple):
    x: object
    y: object


def test_a_tree_goes_to_the_device_and_comes_back_the_same():
    use(standin)
    tree = {"a": [numpy.array([0.5, 1.0]), (2.0,)], "b": Pair(numpy.arange(3), numpy.eye(2))}
    there = to_device(tree)
    assert type(there["b"]) is Pair and type(there["a"]) is list and type(there["a"][1]) is tuple
    assert there["a"][0].dtype == there["b"].y.dtype == "float32"
    assert there["b"].x.dtype == tree["b"].x.dtype
    back = to_host(there)
    assert all(type(a) is numpy.ndarray for a in (back["a"][0], back["b"].x, back["a"][1][0]))
    assert_array_equal(back["a"][0], tree["a"][0])
    assert_array_equal(back["b"].y, tree["b"].y)


def test_to_device_fetches_what_another_device_holds():
    use(standin)
    there = np.ones(3)
    use("numpy")
    assert_array_equal(to_device(there), [1.0, 1.0, 1.0])


def test_to_device_leaves_numpy_data_as_it_is():
    data = numpy.ones(3)
    assert to_device([data])[0] is data


# ---- The stand-in refuses what CuPy refuses ----


def on_device(*shape):
    return standin.asarray(numpy.arange(float(numpy.prod(shape))).reshape(shape))


REFUSALS = {
    "conversion": lambda x: numpy.asarray(x),
    "numpy operand": lambda x: x + numpy.ones(3),
    "numpy first": lambda x: numpy.ones(3) * x,
    "numpy argument": lambda x: numpy.where(x > 0, x, numpy.ones(3)),
    "numpy assigned": lambda x: x.__setitem__(0, numpy.ones(3)),
    "numpy concatenated": lambda x: numpy.concatenate([x, numpy.ones((3, 3))]),
    "list of both": lambda x: standin.asarray([x, 1.0]),
    "None as operand": lambda x: x != None,  # noqa: E711
    "unknown function": lambda x: numpy.percentile(x, 50),
    "unknown ufunc": lambda x: numpy.spacing(x),
    "NumPy's where=": lambda x: numpy.sum(x, where=x > 0),
    "NumPy's order=": lambda x: numpy.argsort(x, order=None),
    "order=None": lambda x: numpy.reshape(x, (9,), order=None),
    "numpy.add.at": lambda x: numpy.add.at(x, (slice(1), 0), x[:1, 0]),
    "view as ndarray": lambda x: x.view(numpy.ndarray),
    "bool as condition": lambda x: numpy.where(True, x, 0.0),
    "matmul of a number": lambda x: numpy.matmul(x, 2.0),
    "tensordot of 0-d": lambda x: numpy.tensordot(x[0, 0], x, [[], []]),
    "solve broadcast": lambda x: numpy.linalg.solve(on_device(2, 3, 3), x),
    "solve vectors": lambda x: numpy.linalg.solve(on_device(2, 3, 3), on_device(2, 3)),
    "float as index": lambda x: x[1.0],
    "strings": lambda x: standin.asarray(["a"]),
    "einsum out=": lambda x: numpy.einsum("ij->i", x, out=None),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_the_stand_in_refuses(what):
    x = on_device(3, 3) + 0.0
    with pytest.raises((TypeError, ValueError, IndexError, AttributeError)):
        REFUSALS[what](x)


COSTS = {
    "asarray": ("h2d", lambda x: standin.asarray(numpy.ones(3))),
    "list index": ("h2d", lambda x: x[[0, 1]]),
    "numpy index": ("h2d", lambda x: x[numpy.array([0])]),
    "numpy in einsum": ("h2d", lambda x: numpy.einsum("ij,j->i", x, numpy.ones(3))),
    "take": ("h2d", lambda x: numpy.take(x, [0, 1])),
    "float": ("d2h", lambda x: float(x[0, 0])),
    "truth": ("d2h", lambda x: bool(x[0, 0] > 0)),
    "int": ("d2h", lambda x: int(x[0, 0])),
    "get": ("d2h", lambda x: x.get()),
    "item": ("d2h", lambda x: x[0, 0].item()),
    "print": ("d2h", lambda x: str(x)),
    "mask": ("sync", lambda x: x[x > 0]),
    "where": ("sync", lambda x: numpy.where(x > 0)),
}


@pytest.mark.parametrize("what", COSTS)
def test_the_stand_in_counts(what):
    kind, act = COSTS[what]
    x = on_device(3, 3)
    with pytest.raises(AssertionError, match=kind), standin.forbid(kind):
        act(x)
    with standin.forbid(*{"h2d", "d2h", "sync"} - {kind}):
        act(x)


def test_the_stand_in_lets_pass_what_costs_nothing():
    x = on_device(3, 3)
    with standin.forbid():
        total = numpy.sum(x[:2, ::-1] @ x.T + 1.5, axis=None)
        both = standin.asarray([x, x])
        x[0] += x[1]
        standin.add.at(x, (slice(0, 2), 0), total)
    assert type(total) is standin.ndarray and total.shape == () and both.shape == (2, 3, 3)


def test_the_stand_in_does_not_look_whether_a_matrix_is_positive_definite():
    with pytest.raises(numpy.linalg.LinAlgError):
        numpy.linalg.cholesky(-numpy.eye(2))
    assert numpy.isnan(numpy.linalg.cholesky(-standin.eye(2)).get()).all()


def test_the_stand_in_has_the_signatures_of_an_installed_cupy():
    cupy = pytest.importorskip("cupy")
    import inspect

    for name, ours in standin.signatures.items():
        function = cupy
        for part in name.split("."):
            function = getattr(function, part)
        if name != "size":
            theirs = inspect.signature(function)
            bare = [p.replace(annotation=p.empty) for p in theirs.parameters.values()]
            assert theirs.replace(parameters=bare, return_annotation=theirs.empty) == ours, name
    assert all(hasattr(cupy, name) for name in standin.UFUNCS)
