"""Learners in worker processes: what is sent arrives as what it was."""

import builtins
import importlib
import inspect
import multiprocessing
import os
import pickle
import pkgutil
import subprocess
import sys
import types
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import get_type_hints

import numpy
import pytest
from autograd.tracer import trace_primitives_map
from numpy.testing import assert_allclose, assert_array_equal
from test_conformance import FAMILY, NET, ROWS

import minimeta
from minimeta.core import optim
from minimeta.core.backend import carry, np, using
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import leaves
from minimeta.initializations import maml
from minimeta.meta import evaluate, meta_loss
from minimeta.nets import Net, conv, mlp, transformer

TESTS = str(Path(__file__).parent)
MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(minimeta.__path__, "minimeta.")
    if not module.name.endswith("__main__")
]


def rng(seed=0):
    return numpy.random.default_rng(seed)


def send(x):
    """x after a journey by plain pickle."""
    return pickle.loads(pickle.dumps(x))


# ---- Everything has a name under which another process finds it ----


@pytest.mark.parametrize(
    "function",
    [f for f in trace_primitives_map.values() if f.fun.__module__.startswith("minimeta.")],
    ids=lambda f: f.fun.__qualname__,
)
def test_every_primitive_of_the_package_has_a_name_to_be_found_by(function):
    """`primitive` is that of minimeta.core.backend, as those of autograd have no name of their own.

    The primitives of a recording never leave it.
    """
    if function.fun.__module__ != "minimeta.core.replay.recording":
        assert send(function) is function


@pytest.mark.parametrize("space", [np, np.linalg, np.fft, np.random], ids=lambda m: m.__name__)
def test_every_function_of_np_has_a_name_to_be_found_by(space):
    functions = {k: f for k, f in vars(space).items() if isinstance(f, types.FunctionType)}
    assert len(functions) >= 8
    assert [k for k, f in functions.items() if send(f) is not f] == []
    assert importlib.import_module(space.__name__) is space


COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def codes_inside(code):
    """The code of every function inside a function, at any depth.

    A comprehension is none: it runs where it stands, and nobody sends it.
    """
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_name not in COMPREHENSIONS:
                yield constant
            yield from codes_inside(constant)


def functions_of(module):
    """The functions that a module defines, methods included."""
    for x in vars(module).values():
        parts = vars(x).values() if isinstance(x, type) else [x]
        for f in map(inspect.unwrap, filter(callable, parts)):
            f = getattr(f, "fun", f)  # of a primitive
            if isinstance(f, types.FunctionType) and f.__module__ == module.__name__:
                yield f


def travels(x):
    """Whether a copy of x in another process is as good as x, or is no copy."""
    if isinstance(x, (int, float, str, bytes, type(None), numpy.dtype, types.ModuleType)):
        return True
    if isinstance(x, (tuple, list, frozenset)):
        return all(map(travels, x))
    try:
        return send(x) is x
    except Exception:
        return False


LEFT_AT_HOME = ("replay", "theorems", "course", "gpu_check", "plots", "conformance")
LEFT_AT_HOME += ("rules", "fourier", "reductions")  # an import installs them; nobody sends them


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_what_inner_functions_read_is_there_in_another_process(module):
    """cloudpickle sends an inner function with copies of the globals that it reads.

    A copy of autograd's stack of traces, say, would give wrong gradients in silence.
    """
    if any(part in module.__name__.split(".") for part in LEFT_AT_HOME):
        return
    names = {n for f in functions_of(module) for c in codes_inside(f.__code__) for n in c.co_names}
    read = {n: vars(module)[n] for n in names & vars(module).keys() if not hasattr(builtins, n)}
    assert [name for name, value in read.items() if not travels(value)] == []


def test_the_sweep_sees_a_stack_that_would_be_copied():
    class Stack:
        top = -1

    assert not travels(Stack()) and travels(sys.modules["autograd.tracer"].trace_stack)


RECORDS = [
    record
    for module in MODULES
    for record in vars(module).values()
    if isinstance(record, type)
    and record.__module__ == module.__name__
    and not any(part in record.__module__.split(".") for part in (*LEFT_AT_HOME, "baselines"))
    and hasattr(record, "_fields")
    and any("Callable" in str(hint) for hint in get_type_hints(record).values())
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_of_functions_can_be_sent(record):
    assert record.__reduce__ is reduce_record, "__reduce__ = reduce_record lets pickle send it"


# ---- What arrives ----


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_learner_arrives_whole(row):
    learner, task = send(row.learner), FAMILY.sample(rng(), 3, 4, 5)
    meta = row.learner.init(rng(1))
    for ours, theirs in zip(leaves(meta), leaves(learner.init(rng(1)))):
        assert_array_equal(ours, theirs)
    assert_array_equal(evaluate(learner, meta, task), evaluate(row.learner, meta, task))
    assert len(pickle.dumps(row.learner)) < 5000


NETS = {
    "mlp": (mlp([2, 3, 1], np.tanh), (4, 2)),
    "conv": (conv((4, 4, 1), (2,), 3), (5, 4, 4, 1)),
    "transformer": (transformer(2, 1), (3, 2)),
}


@pytest.mark.parametrize("net, shape", NETS.values(), ids=NETS)
def test_every_network_arrives_whole(net, shape):
    params, x = net.init(rng()), rng().normal(size=shape)
    loss = lambda net: lambda params: np.sum(net.apply(params, x) ** 2)
    for ours, theirs in zip(leaves(grad(loss(net))(params)), leaves(grad(loss(send(net)))(params))):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("make", [optim.sgd, optim.momentum, optim.rmsprop, optim.adam])
def test_every_optimizer_arrives_whole(make):
    theta, optimizer = [rng().normal(size=3)], make(0.1)
    after = [o.update(theta, o.init(theta), theta) for o in (optimizer, send(optimizer))]
    for ours, theirs in zip(*map(leaves, after)):
        assert_array_equal(ours, theirs)


def test_a_family_arrives_whole():
    theirs, ours = send(FAMILY).sample(rng(), 3, 4, 5), FAMILY.sample(rng(), 3, 4, 5)
    assert_array_equal(theirs.query.y, ours.query.y)


def factory(scale, *, shift=1.0):
    """A network of inner functions of every form."""

    def deeper(x, factor=2.0, *, more=0.5):
        powers = [lambda x: x, lambda x: x * x]
        return sum(scale * factor * power(x) for power in powers) + more

    def recursive(n):
        return n and recursive(n - 1)

    deeper.note = "kept"
    return Net(partial(deeper, more=shift), deeper), recursive


def test_inner_functions_keep_their_variables_defaults_and_attributes():
    net, recursive = factory(3.0, shift=7.0)
    copy = send(net)
    assert copy.apply(2.0) == net.apply(2.0) and copy.init(2.0) == net.init(2.0)
    assert copy.apply(2.0, 5.0, more=1.0) == net.apply(2.0, 5.0, more=1.0)
    assert copy.apply.note == "kept" and copy.apply.__qualname__ == net.apply.__qualname__
    with pytest.raises((AttributeError, pickle.PicklingError)):  # as pickle itself says it
        send(Net(recursive, recursive))


def test_another_version_of_a_module_is_refused(monkeypatch):
    data = pickle.dumps(factory(1.0)[0])
    monkeypatch.setattr(sys.modules[__name__], "factory", lambda: None)
    with pytest.raises(ImportError, match="factory is not the one whose function deeper"):
        pickle.loads(data)


# ---- Workers ----

TASKS = [FAMILY.sample(rng(seed), 3, 4, 5) for seed in range(3)]


def dtype():
    return np.zeros(1).dtype.name


def pool(method):
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method))


def methods():
    """fork where the system has it, and spawn."""
    return [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()]


@pytest.mark.parametrize("method", methods())
def test_worker_processes_evaluate_and_are_told_the_float_type(method):
    learner = maml.learner(NET, step_size=0.1)
    meta = learner.init(rng())
    here = [evaluate(learner, meta, task) for task in TASKS]
    with using(dtype="float32"), pool(method) as workers:
        there = list(workers.map(carry(partial(evaluate, learner, meta)), TASKS))
        kinds = workers.submit(dtype).result(), workers.submit(carry(dtype)).result()
    assert_array_equal(here, there)
    assert kinds == ("float32" if method == "fork" else "float64", "float32")


SCRIPT = """
import sys, numpy, cloudpickle
from minimeta.core.backend import np
from minimeta.core.gradients import grad, value_and_grad
from minimeta.initializations import maml
from minimeta.nets import Net, linear, mlp, relu

def mine(width):
    own = Net(mlp([2, 1]).init, lambda params, x: np.tanh(linear(relu(x), **params[0])))
    return maml.learner(own, step_size=0.1)

def nested(x):
    return np.sum(grad(lambda y: np.sum(np.sin(x * y) * y))(x))

sys.stdout.buffer.write(cloudpickle.dumps((mine(3), value_and_grad(nested))))
"""


def python(script, *arguments):
    """The bytes that a script prints in a fresh process."""
    path = os.pathsep.join([str(Path(TESTS).parent), TESTS])
    command = [sys.executable, "-c", script, *arguments]
    run = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONPATH": path})
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def test_cloudpickle_sends_the_learners_and_the_gradients_of_a_script():
    """With h(x) = d/dy sin(x y) y at y = x:  dh/dx = 4 x cos(x^2) - 2 x^3 sin(x^2).

    If the sent gradient had a stack of traces of its own, it would take x for y.
    """
    pytest.importorskip("cloudpickle")
    learner, gradient = pickle.loads(python(SCRIPT))
    x = numpy.array([0.3, -1.0])
    exact = 4 * x * numpy.cos(x**2) - 2 * x**3 * numpy.sin(x**2)
    assert_allclose(gradient(x)[1], exact, rtol=1e-13)
    meta = learner.init(rng())
    slopes = grad(lambda meta: meta_loss(learner, meta, TASKS[0]))(meta)
    assert all(numpy.any(leaf) for leaf in leaves(slopes))


def test_the_workers_of_loky_follow_a_gradient():
    loky = pytest.importorskip("loky")
    learner = maml.learner(NET, step_size=0.1)
    follow = value_and_grad(lambda meta, task: meta_loss(learner, meta, task))
    meta = learner.init(rng())
    with loky.ProcessPoolExecutor(1) as workers:
        there = list(workers.map(lambda task: leaves(follow(meta, task)), TASKS))
    here = [leaves(follow(meta, task)) for task in TASKS]
    for ours, theirs in zip(here, there, strict=True):
        assert all(map(numpy.array_equal, ours, theirs))
