"""Whole programs give the same on every device, move nothing unasked, and keep float32."""

import sys

import numpy
import pytest
import standin
from autograd.core import primitive_vjps
from leaks import watched
from numpy.testing import assert_allclose

from minimeta import gpu_check
from minimeta.core import optim
from minimeta.core.backend import current, np, to_device, to_host, use
from minimeta.core.gradients import grad
from minimeta.core.trees import leaves, tree_map

PROGRAMS = {name: make(numpy.random.default_rng(0)) for name, make in gpu_check.PROGRAMS.items()}


@pytest.fixture(autouse=True)
def as_before():
    before = current()
    yield
    use(*before)


@pytest.mark.parametrize("name", PROGRAMS)
def test_value_gradient_and_curvature_agree_with_numpy_and_move_nothing(name):
    program = PROGRAMS[name]
    expected = gpu_check.derivatives(program)
    use(standin, "float64")
    params, data = to_device(program.params), to_device(program.data)
    with standin.forbid():
        found = gpu_check.derivatives(program._replace(params=params, data=data))
    assert all(type(leaf) is standin.ndarray for leaf in leaves(found))
    for a, b in zip(leaves(to_host(found)), leaves(expected)):
        assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_gradient_is_the_slope_of_the_value_and_the_curvature_that_of_the_gradient(name):
    """Central differences along v: (L(t + hv) - L(t - hv)) / 2h = <dL, v>, and the same of dL."""
    loss, params, data = PROGRAMS[name]
    step, v = 1e-6, tree_map(numpy.cos, params)
    moved = lambda h: tree_map(lambda t, d: t + h * d, params, v)
    _, slope, curvature = gpu_check.derivatives(PROGRAMS[name])
    by_value = (loss(moved(step), *data) - loss(moved(-step), *data)) / (2 * step)
    along = sum(numpy.sum(a * b) for a, b in zip(leaves(slope), leaves(v)))
    assert_allclose(along, by_value, rtol=1e-6, atol=1e-8)
    ends = [leaves(grad(loss)(moved(h), *data)) for h in (step, -step)]
    for a, up, down in zip(leaves(curvature), *ends):
        assert_allclose(a, (up - down) / (2 * step), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("device", [numpy, standin])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_float32_program_meets_no_float64(name, device):
    use(device, "float32")
    with watched() as found:
        results = gpu_check.derivatives(PROGRAMS[name])
    assert found == []
    assert {leaf.dtype for leaf in leaves(results)} == {numpy.dtype("float32")}


# ---- training ----

OPTIMIZERS = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.momentum(0.1),
    "rmsprop": optim.rmsprop(0.01),
    "adam": optim.adam(0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_agrees_with_numpy_and_moves_nothing(name):
    loss, *start = PROGRAMS["softmax"]
    expected = trained(loss, OPTIMIZERS[name], *start)
    use(standin, "float64")
    params, data = map(to_device, start)
    with standin.forbid():
        found = trained(loss, OPTIMIZERS[name], params, data)
    for a, b in zip(leaves(to_host(found)), leaves(expected)):
        assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def trained(loss, optimizer, params, data, steps=3):
    state = optimizer.init(params)
    for _ in range(steps):
        params, state = optimizer.update(grad(loss)(params, *data), state, params)
    return params


# ---- python -m minimeta gpu-check ----


@pytest.fixture
def quick(monkeypatch):
    """Time nothing more than once."""
    monkeypatch.setattr(gpu_check, "REPEATS", 1)


def test_the_check_passes_on_the_stand_in_and_restores_the_switch(capsys, quick):
    before = current()
    assert gpu_check.main(standin) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in PROGRAMS]
    assert current() == before


def test_the_check_sees_a_rule_that_is_wrong_on_the_device_alone(capsys, quick, monkeypatch):
    right = primitive_vjps[np.tanh]

    def wrong(argnums, ans, *rest):
        pull = right(argnums, ans, *rest)
        return (lambda g: pull(1.00001 * g)) if type(ans) is standin.ndarray else pull

    monkeypatch.setitem(primitive_vjps, np.tanh, wrong)
    assert gpu_check.main(standin) == 1
    wrong_ones = [line.split()[1] for line in capsys.readouterr().out.split("\n") if "BAD" in line]
    assert wrong_ones == ["mlp", "lstm", "bayes"]


def test_the_check_sees_nan_float64_and_what_does_not_run(capsys, quick, monkeypatch):
    def program(loss):
        return lambda rng: gpu_check.Program(loss, {"x": numpy.ones(3)}, ())

    factor = lambda: np.nan if current()[0] is standin else 1.0  # nan in the gradient alone
    programs = {
        "nan": lambda p: np.sum(np.where(p["x"] > 2, p["x"] * factor(), p["x"])),
        "double": lambda p: np.sum(p["x"] * np.ones(3, dtype="float64")),
        "stuck": lambda p: np.sum(p["x"] + numpy.ones(3)),
    }
    monkeypatch.setattr(gpu_check, "PROGRAMS", {k: program(v) for k, v in programs.items()})
    assert gpu_check.main(standin) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["BAD", name] for name in programs]
    assert "float64" in lines[1] and "TypeError" in lines[2]


def test_without_a_gpu_the_check_says_so_in_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    before = current()
    assert gpu_check.main() == 2
    output = capsys.readouterr().out
    assert output.count("\n") == 1 and "pip install 'minimeta[gpu]'" in output
    assert current() == before
