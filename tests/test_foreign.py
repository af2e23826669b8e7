"""Learners from functions of NumPy arrays: equal to the same learner here, and checked."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from faulty_learners import FAMILY, RIDGE, ridge
from numpy.testing import assert_allclose

from minimeta.conformance import conform
from minimeta.core.gradients import value_and_grad
from minimeta.core.optim import adam
from minimeta.core.trees import leaves
from minimeta.foreign import NoGradient, from_numpy, gradient_from_numpy
from minimeta.meta import evaluate, meta_loss
from minimeta.tasks import Data
from minimeta.training import train

RNG = numpy.random.default_rng(0)
TASK = FAMILY.sample(RNG, 6, 4, 5)


def init(rng):
    return {"log_penalty": numpy.zeros(1)}


def adapt(meta, x, y):
    return ridge(x, y, numpy.exp(meta["log_penalty"]))


def predict(w, x):
    return x @ w


def loss_and_gradient(meta, x, y, query_x, query_y):
    """dw/dp = -(X'X + e^p I)^-1 e^p w, by hand."""
    w, scale = adapt(meta, x, y), numpy.exp(meta["log_penalty"])
    dw = -scale * numpy.linalg.solve(x.T @ x + scale * numpy.eye(2), w)
    error = query_x @ w - query_y
    return numpy.mean(error**2), {
        "log_penalty": numpy.array([numpy.mean(2 * error * (query_x @ dw))])
    }


PENALISED = from_numpy(adapt, predict, init)
GRADIENT = gradient_from_numpy(loss_and_gradient)


def test_functions_of_one_task_are_the_learner_of_many():
    mine = from_numpy(lambda x, y: ridge(x, y), predict)
    assert_allclose(evaluate(mine, {}, TASK), evaluate(RIDGE, {}, TASK), rtol=1e-13)


def test_a_learner_from_numpy_with_its_gradient_conforms_and_trains():
    answers = conform(PENALISED, FAMILY, gradient=GRADIENT)
    assert all(answer.holds for answer in answers)
    assert any("meta-gradient" in answer.question for answer in answers)
    sample = lambda rng: FAMILY.sample(rng, 50, 4, 5)
    rng = numpy.random.default_rng(0)
    meta, _ = train(init, GRADIENT, sample, rng, steps=40, optimizer=adam(0.03))
    many = FAMILY.sample(rng, 200, 4, 5)
    assert meta_loss(PENALISED, meta, many) < meta_loss(PENALISED, init(None), many)


def test_without_its_gradient_the_question_is_left_out():
    answers = conform(PENALISED, FAMILY)
    assert all(answer.holds for answer in answers)
    assert not any("meta-gradient" in answer.question for answer in answers)
    with pytest.raises(NoGradient, match="gradient_from_numpy"):
        value_and_grad(lambda meta: meta_loss(PENALISED, meta, TASK))(init(None))


def test_a_wrong_gradient_is_named():
    wrong = lambda *given: (loss_and_gradient(*given)[0], {"log_penalty": numpy.ones(1)})
    failed = [
        a for a in conform(PENALISED, FAMILY, gradient=gradient_from_numpy(wrong)) if not a.holds
    ]
    assert ["meta-gradient" in answer.question for answer in failed] == [True]


def test_writing_into_what_it_gets_harms_nobody():
    def vandal(x, y):
        x[:], y[:] = 0.0, 0.0

    before = TASK.support.y.copy()
    from_numpy(vandal, lambda state, x: x[:, :1]).adapt({}, TASK.support)
    assert_allclose(TASK.support.y, before)


class Tensor:
    """What a tensor of PyTorch that needs a gradient looks like from outside."""

    requires_grad = True


@pytest.mark.parametrize(
    "answer, error, words",
    [
        (lambda x: x[:, 0], ValueError, r"one row for each of 5 queries, \(5, C\); its shape is"),
        (lambda x: x[1:], ValueError, "one row for each of 5 queries"),
        (lambda x: numpy.nan * x, FloatingPointError, "predict returned NaN for task 0"),
        (lambda x: Tensor(), TypeError, "detach"),
        (lambda x: "none", TypeError, "must return an array of floats"),
        (lambda x: None, TypeError, "must return an array of floats"),
        (lambda x: x + 1j, TypeError, "must return an array of floats"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_in_a_sentence(answer, error, words):
    learner = from_numpy(lambda x, y: None, lambda state, x: answer(x))
    with pytest.raises(error, match=words):
        learner.predict({}, learner.adapt({}, TASK.support), TASK.query.x)


def test_answers_of_two_shapes_are_refused():
    sizes = iter(range(1, 10))
    learner = from_numpy(lambda x, y: next(sizes), lambda n, x: numpy.ones((len(x), n)))
    with pytest.raises(ValueError, match=r"task 1 .* \(5, 2\), .* task 0 .* \(5, 1\)"):
        learner.predict({}, learner.adapt({}, TASK.support), TASK.query.x)


@pytest.mark.parametrize(
    "pair, error, words",
    [
        (lambda loss, g: loss, TypeError, r"must return \(loss, gradient\)"),
        (lambda loss, g: (numpy.ones(3), g), ValueError, r"a number as loss; its shape is \(3,\)"),
        (lambda loss, g: (loss, {}), ValueError, "log_penalty"),
        (lambda loss, g: (loss, {"log_penalty": numpy.ones(2)}), ValueError, r"\(2,\)"),
        (lambda loss, g: (numpy.nan, g), FloatingPointError, "NaN for task 0"),
        (lambda loss, g: (Tensor(), g), TypeError, "detach"),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused_in_a_sentence(pair, error, words):
    rule = gradient_from_numpy(lambda *given: pair(*loss_and_gradient(*given)))
    with pytest.raises(error, match=words):
        rule(init(None), TASK)


@pytest.mark.parametrize("given", [(None, predict), (adapt, 3), (adapt, predict, "init")])
def test_what_is_no_function_is_refused(given):
    with pytest.raises(TypeError, match="must be a function"):
        from_numpy(*given)


def test_integers_are_answers_too():
    learner = from_numpy(lambda x, y: None, lambda state, x: numpy.ones((len(x), 1), int))
    answers = learner.predict({}, learner.adapt({}, Data(*TASK.support)), TASK.query.x)
    assert answers.dtype == float and leaves(answers)[0].shape == (6, 5, 1)


# ---- The recipes of docs/bring_your_own.md ----

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bring_your_own.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
LIBRARIES = ["numpy", "torch", "jax"]


def sheet(library, code):
    """What a recipe prints, in a process of its own: JAX does not bear that its process forks."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("library, block", list(zip(LIBRARIES, BLOCKS, strict=True)), ids=LIBRARIES)
def test_a_recipe_runs_and_is_what_it_says(library, block):
    lines = sheet(library, block)
    assert len(lines) >= 11 and all(line.startswith("ok ") for line in lines)


@pytest.mark.parametrize(
    "library, right, wrong, fault",
    [
        ("torch", "create_graph=True", "create_graph=False", "first order declared second"),
        ("jax", '"jax_enable_x64", True', '"jax_enable_x64", False', "float32 inside"),
    ],
)
def test_the_usual_mistake_in_a_recipe_is_named(library, right, wrong, fault):
    block = BLOCKS[LIBRARIES.index(library)]
    assert right in block
    lines = sheet(library, block.replace(right, wrong).split("\nmeta = ")[0])
    assert any(line.startswith("FAIL") and fault in line for line in lines), lines
