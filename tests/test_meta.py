"""The contract: one loss, one loop, one judge; interrupted, killed and diverging runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minimeta import meta as module
from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.core.runs import checkpoint as checkpoints
from minimeta.core.trees import leaves
from minimeta.meta import Learner, evaluate, learning_curve, meta_loss
from minimeta.tasks import Data, Task
from minimeta.training import meta_train, new_name, train


def offset_learner():
    """Predicts the support mean, shrunk by a learned weight towards a learned value."""

    def init(rng):
        return {"value": np.asarray(rng.normal(size=1)), "weight": np.asarray([0.0])}

    def adapt(meta, support):
        mean = np.mean(support.y, axis=1, keepdims=True)  # (M, 1, C)
        return meta["value"] + meta["weight"] * (mean - meta["value"])

    return Learner(init, adapt, lambda meta, state, x: state + 0.0 * x)


def sample(rng, tasks=4, shots=3, queries=2):
    level = 2.0 + rng.normal(size=(tasks, 1, 1))
    noise = rng.normal(size=(tasks, shots + queries, 1))
    x, y = numpy.zeros_like(noise), level + noise
    return Task(Data(x[:, :shots], y[:, :shots]), Data(x[:, shots:], y[:, shots:]))


def rng(seed=0):
    return numpy.random.default_rng(seed)


LEARNER = offset_learner()
META = {"value": numpy.array([1.0]), "weight": numpy.array([0.5])}


def test_meta_loss_is_the_query_error_after_adapting_to_the_support():
    task = sample(rng())
    state = 1.0 + 0.5 * (task.support.y.mean(1, keepdims=True) - 1.0)
    by_hand = ((state - task.query.y) ** 2).mean()
    assert_allclose(meta_loss(LEARNER, META, task), by_hand, rtol=1e-14)
    assert_allclose(evaluate(LEARNER, META, task).mean(), by_hand, rtol=1e-14)
    assert evaluate(LEARNER, META, task).shape == (4,)


def test_learning_curve_uses_the_first_shots():
    task = sample(rng(), shots=5)
    curve = learning_curve(LEARNER, META, task, [1, 5])
    first = Task(Data(task.support.x[:, :1], task.support.y[:, :1]), task.query)
    assert curve.shape == (2, 4)
    assert_array_equal(curve[0], evaluate(LEARNER, META, first))
    assert_array_equal(curve[1], evaluate(LEARNER, META, task))


def test_training_finds_the_shrinkage_of_the_normal_means_problem():
    """y = level + noise, unit variances, S = 3: the best weight is 3/(3+1), the best value is 2."""
    meta, history = meta_train(LEARNER, lambda r: sample(r, 50), rng(), 1500, optimizer=sgd(0.05))
    assert abs(meta["weight"][0] - 0.75) < 0.03 and abs(meta["value"][0] - 2.0) < 0.15
    assert history.shape == (1500,) and history[-100:].mean() < history[:10].mean()


def test_same_seed_same_answer_and_the_loss_before_each_step_is_kept():
    runs = [meta_train(LEARNER, sample, rng(3), 5) for _ in range(2)]
    assert_array_equal(runs[0][1], runs[1][1])
    r = rng(3)
    start = LEARNER.init(r)
    assert runs[0][1][0] == meta_loss(LEARNER, start, sample(r))


def test_a_gradient_of_ones_own_replaces_the_meta_gradient():
    calls = []

    def reversed_slope(meta, task):
        calls.append(1)
        value, slope = value_and_grad(lambda m: meta_loss(LEARNER, m, task))(meta)
        return value, {key: -leaf for key, leaf in slope.items()}

    start = LEARNER.init(rng(5))
    meta, _ = train(LEARNER.init, reversed_slope, sample, rng(5), 1, optimizer=sgd(0.1))
    other, _ = meta_train(LEARNER, sample, rng(5), 1, optimizer=sgd(0.1))
    for key in start:
        assert_allclose(meta[key] - start[key], start[key] - other[key], rtol=1e-12)
    assert calls


def test_resume_is_bit_identical(tmp_path):
    path = str(tmp_path / "run.npz")
    whole = meta_train(LEARNER, sample, rng(1), 20)
    meta_train(LEARNER, sample, rng(1), 7, checkpoint=path)
    rest = meta_train(LEARNER, sample, rng(99), 20, resume=path)
    assert_array_equal(whole[1], rest[1])
    assert all((a == b).all() for a, b in zip(leaves(whole[0]), leaves(rest[0])))


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []

    def interrupted(r):
        task = sample(r)
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return task

    with pytest.raises(KeyboardInterrupt, match=r"after 5 steps.*resume='out/interrupted-"):
        meta_train(LEARNER, interrupted, rng(1), 20)
    rest = meta_train(LEARNER, sample, rng(), 20, resume=next(Path("out").iterdir()))
    assert_array_equal(rest[1], meta_train(LEARNER, sample, rng(1), 20)[1])


KILLED = """
import sys
sys.path[:0] = [{tests!r}]
from test_meta import LEARNER, rng, sample
from minimeta.meta import meta_train
meta_train(LEARNER, sample, rng(2), 100000, checkpoint={path!r}, save_every=3, label="")
"""


def test_a_killed_run_leaves_a_checkpoint_that_ends_where_the_whole_run_ends(tmp_path):
    """Five kills at random moments; MINIMETA_KILLS=50 has more patience."""
    kills, delays = int(os.environ.get("MINIMETA_KILLS", 5)), rng(0).uniform(0.0, 0.25, size=1000)
    longest = 0
    for i in range(kills):
        path = str(tmp_path / f"{i}.npz")
        code = KILLED.format(tests=str(Path(__file__).parent), path=path)
        child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        while not os.path.exists(path):
            assert child.poll() is None
            time.sleep(0.002)
        time.sleep(delays[i])
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        child.wait()
        step = checkpoints.load(path).step
        rest = meta_train(LEARNER, sample, rng(), step + 5, resume=path)
        whole = meta_train(LEARNER, sample, rng(2), step + 5)
        assert_array_equal(rest[1], whole[1])
        longest = max(longest, step)
    assert longest > 0


def test_training_stops_at_the_first_loss_that_is_not_finite():
    with pytest.raises(FloatingPointError, match=r"loss is (inf|nan) at step \d+") as caught:
        with numpy.errstate(all="ignore"):
            meta_train(LEARNER, sample, rng(), 500, optimizer=sgd(1e3))
    error = caught.value
    assert all(np.isfinite(leaf).all() for leaf in leaves(error.meta))
    assert numpy.isfinite(error.history).all() and len(error.history) >= 1


def poisoned(part, which):
    task = sample(rng())
    data = getattr(task, part)._asdict()
    data[which] = data[which].copy()
    data[which][1, 0, 0] = numpy.nan
    return task._replace(**{part: Data(**data)})


@pytest.mark.parametrize("part", ["support", "query"])
@pytest.mark.parametrize("which", ["x", "y"])
def test_data_that_are_not_finite_are_blamed(part, which):
    bad = lambda r: poisoned(part, which)
    if (part, which) == ("support", "x"):  # this learner never looks there
        return
    with pytest.raises(ValueError, match=f"{part}.{which} must be finite; 1 of its"):
        meta_train(LEARNER, bad, rng(), 5)
    with pytest.raises(ValueError, match=f"{part}.{which} must be finite"):
        evaluate(LEARNER, META, bad(None))


X, Y = numpy.zeros((4, 3, 2)), numpy.zeros((4, 3, 1))
GOOD = Data(X, Y)
BAD_TASKS = {
    "no task": (X, Y),
    "no data": Task((X, Y), GOOD),
    "one axis": Task(Data(X[0, 0], Y[0, 0]), GOOD),
    "two axes": Task(Data(X[0], Y[0]), GOOD),
    "other examples": Task(Data(X, Y[:, :2]), GOOD),
    "other tasks": Task(Data(X[:2], Y[:2]), GOOD),
    "no queries": Task(GOOD, Data(X[:, :0], Y[:, :0])),
    "no tasks": Task(Data(X[:0], Y[:0]), Data(X[:0], Y[:0])),
}


@pytest.mark.parametrize("task", BAD_TASKS.values(), ids=BAD_TASKS)
def test_a_malformed_task_gets_one_sentence(task):
    for act in (
        lambda: evaluate(LEARNER, META, task),
        lambda: learning_curve(LEARNER, META, task, [1]),
        lambda: meta_train(LEARNER, lambda r: task, rng(), 1),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            act()
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("shots", [[4], [-1], [1.5], [True]])
def test_a_curve_needs_that_many_examples(shots):
    with pytest.raises((TypeError, ValueError), match="shots"):
        learning_curve(LEARNER, META, Task(GOOD, GOOD), shots)


@pytest.mark.parametrize("steps", [-1, 2.5, "many", None, True])
def test_steps_are_counted_in_integers(steps):
    with pytest.raises((TypeError, ValueError), match="steps must be"):
        meta_train(LEARNER, sample, rng(), steps)


def test_a_learner_without_parameters_cannot_be_trained():
    nothing = LEARNER._replace(init=lambda r: {})
    with pytest.raises(ValueError, match="nothing to train"):
        meta_train(nothing, sample, rng(), 1)


def test_an_integer_parameter_is_named():
    wrong = LEARNER._replace(init=lambda r: {"value": numpy.zeros(1), "layers": 2})
    with pytest.raises(TypeError, match=r"meta\['layers'\] is int 2"):
        meta_train(wrong, sample, rng(), 1)


def test_resume_refuses_what_is_no_run_of_this_learner(tmp_path):
    path = str(tmp_path / "other.npz")
    checkpoints.save(path, {"theta": numpy.ones(2)})
    with pytest.raises(checkpoints.CheckpointError, match="holds no training run"):
        meta_train(LEARNER, sample, rng(), 5, resume=path)
    meta_train(LEARNER, sample, rng(), 5, checkpoint=path)
    wider = LEARNER._replace(init=lambda r: {**META, "weight": numpy.zeros(2)})
    with pytest.raises(ValueError, match=r"\['weight'\] has shape"):
        meta_train(wider, sample, rng(), 9, resume=path)
    with pytest.raises(ValueError, match="is at step 5, beyond the 3 steps asked for"):
        meta_train(LEARNER, sample, rng(), 3, resume=path)


def test_the_learner_of_the_contract_is_one_name():
    from minimeta.core.learner import Learner as below

    assert module.Learner is below and below._field_defaults["loss"] is mse
    assert module.meta_train is meta_train


def test_a_learner_that_cannot_be_replayed_is_trained_all_the_same(capsys):
    """It branches on a value: replay would take one branch for ever."""

    def adapt(meta, support):
        return meta["value"] if meta["value"] > 0 else -meta["value"]

    branching = LEARNER._replace(
        adapt=adapt, predict=lambda meta, state, x: state + 0.0 * x[..., :1]
    )
    meta, history = meta_train(branching, sample, rng(), 30)
    assert capsys.readouterr().err.count("goes on without replay") == 1
    assert history.shape == (30,) and numpy.isfinite(history).all()


def test_a_sampler_that_spawns_resumes_as_well(tmp_path):
    path = str(tmp_path / "run.npz")
    spawning = lambda r: sample(r.spawn(1)[0])
    whole = meta_train(LEARNER, spawning, rng(1), 12)
    meta_train(LEARNER, spawning, rng(1), 7, checkpoint=path)
    assert_array_equal(whole[1], meta_train(LEARNER, spawning, rng(1), 12, resume=path)[1])


def test_a_run_without_a_label_is_silent(capsys):
    meta_train(LEARNER, sample, rng(), 3, label=None)
    assert capsys.readouterr() == ("", "")


# ---- Slips ----

SLIPS = {
    "rng=0": (dict(rng=0), "rng must be a numpy.random.Generator.*; it is 0"),
    "RandomState": (dict(rng=numpy.random.RandomState(0)), "rng must be a numpy.random.Generator"),
    "no rng": (dict(rng=None), "rng must be a numpy.random.Generator.*; it is None"),
    "a step size": (dict(optimizer=0.1), "optimizer must have init and update; it is 0.1"),
    "no step size": (dict(optimizer=0.0), "optimizer must have init and update; it is 0.0"),
    "its name": (dict(optimizer="adam"), "optimizer must have init and update; it is 'adam'"),
    "not made": (dict(optimizer=sgd), "optimizer must have init and update; it is <function sgd"),
    "loss": (dict(learner=LEARNER._replace(loss="mse")), "learner.loss must be a function; it is"),
    "adapt": (dict(learner=LEARNER._replace(adapt=None)), "learner.adapt must be a function"),
    "net": (dict(learner=lambda: LEARNER), "learner must have init and adapt"),
}


@pytest.mark.parametrize("slip, sentence", SLIPS.values(), ids=SLIPS)
def test_a_slip_in_an_argument_gets_a_sentence(slip, sentence):
    arguments = dict(learner=LEARNER, sample=sample, rng=numpy.random.default_rng(0), steps=2)
    with pytest.raises(TypeError, match=sentence) as caught:
        meta_train(**{**arguments, **slip})
    assert "\n" not in str(caught.value)


def test_two_stopped_runs_never_write_one_file():
    assert len({new_name() for _ in range(100)}) == 100
