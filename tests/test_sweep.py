"""Sweeps give the same results on every executor, and lose nothing that was finished."""

import errno
import importlib.util
import multiprocessing
import os
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy
import pytest
import sweep_jobs
from numpy.testing import assert_allclose, assert_array_equal

from minimeta import plots
from minimeta.core.backend import using
from minimeta.core.runs import checkpoint
from minimeta.core.trees import leaves
from minimeta.sweep import Result, grid, sweep, table

TESTS = Path(__file__).parent
SETTINGS = grid(seed=range(8), step_size=[0.05])


def seeds(count, **more):
    return [{"seed": seed, **more} for seed in range(count)]


def files(folder):
    return list(folder.rglob("*.npz"))


@pytest.fixture(scope="module")
def serial():
    return sweep(sweep_jobs.train_maml, SETTINGS)


def assert_same_bits(one, other):
    for ours, theirs in zip(one, other, strict=True):
        assert ours.setting == theirs.setting and ours.error is theirs.error is None
        for a, b in zip(leaves(ours.value), leaves(theirs.value), strict=True):
            assert a.dtype == b.dtype
            assert_array_equal(a, b)


# ---- Every executor ----


def processes(method):
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "spawn": lambda: processes("spawn"),
    "forkserver": lambda: processes("forkserver"),
    "fork": lambda: processes("fork"),
}


@pytest.mark.parametrize("name", EXECUTORS)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_eight_seeds_of_maml_have_the_same_bits_on(name, serial, tmp_path):
    if name in ("fork", "forkserver") and name not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {name} on this system")
    folder = tmp_path if name == "threads" else None
    with EXECUTORS[name]() as executor:
        assert_same_bits(sweep(sweep_jobs.train_maml, SETTINGS, executor, folder), serial)


def test_eight_seeds_of_maml_have_the_same_bits_on_loky(serial):
    loky = pytest.importorskip("loky")
    with loky.ProcessPoolExecutor(2) as executor:
        assert_same_bits(sweep(sweep_jobs.train_maml, SETTINGS, executor), serial)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_eight_seeds_of_maml_have_the_same_bits_on_dask_though_a_worker_is_killed(serial, tmp_path):
    distributed = pytest.importorskip("distributed")
    settings = [{"seed": seed, "mark": str(tmp_path / "mark")} for seed in range(8)]
    options = dict(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        assert_same_bits(sweep(sweep_jobs.train_maml, SETTINGS, executor), serial)
        results = sweep(sweep_jobs.die_at_three, settings, executor)
    assert (tmp_path / "mark").exists() and [result.value for result in results] == list(range(8))


BESIDE = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
MPIRUN = shutil.which("mpirun", path=BESIDE)


@pytest.mark.skipif(
    not MPIRUN or not importlib.util.find_spec("mpi4py"),
    reason="MPI is not installed; `make sweep-check` installs it",
)
def test_eight_seeds_of_maml_have_the_same_bits_under_mpi(serial, tmp_path):
    command = [MPIRUN, "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    path = os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [*command, str(TESTS / "sweep_under_mpi.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stdout.endswith("8 results, 0 failures\n"), run.stderr
    assert_same_bits(sweep(sweep_jobs.train_maml, SETTINGS, folder=tmp_path), serial)


def test_the_float_type_of_the_caller_holds_in_the_workers():
    with using(dtype="float32"), processes("spawn") as executor:
        results = sweep(sweep_jobs.square, seeds(2), executor)
    assert {result.value["made"].dtype.name for result in results} == {"float32"}


# ---- What is lost, and what is not ----


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(2)], ids=["serial", "threads"])
def test_a_job_that_fails_is_reported_with_its_setting_and_stops_no_other(executor, tmp_path):
    message = r"1 of 6 settings failed; the first was \{'seed': 3\}: ValueError: three is too many"
    for _ in range(2):  # a failure is no result: it is tried again
        with pytest.warns(UserWarning, match=message):
            results = sweep(sweep_jobs.fail_at_three, seeds(6), executor, folder=tmp_path)
    assert [result.value for result in results] == [0, 1, 2, None, 4, 5]
    assert "Traceback" in results[3].error and results.failures == [results[3]]
    assert len(files(tmp_path)) == 5


def test_a_worker_that_dies_costs_its_own_setting_and_what_was_not_finished(tmp_path):
    settings = [{"seed": seed, "mark": str(tmp_path / "mark")} for seed in range(8)]
    with processes("spawn") as executor, pytest.warns(UserWarning, match="settings failed"):
        first = sweep(sweep_jobs.die_at_three, settings, executor, folder=tmp_path / "runs")
    assert len(first.failures) >= 1 and "Broken" in first.failures[0].error
    kept = len(files(tmp_path / "runs"))
    assert kept == 8 - len(first.failures)
    with processes("spawn") as executor:
        second = sweep(sweep_jobs.die_at_three, settings, executor, folder=tmp_path / "runs")
    assert [result.value for result in second] == list(range(8))


def test_a_sweep_that_was_killed_goes_on_where_it_stopped(tmp_path):
    (tmp_path / "calls").mkdir()
    script = (
        "from sweep_jobs import kill_the_sweep; from minimeta.sweep import sweep;"
        f"sweep(kill_the_sweep, [dict(seed=s, folder={str(tmp_path / 'calls')!r}) "
        f"for s in range(6)], folder={str(tmp_path / 'runs')!r})"
    )
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    for survives, status in (("", 9), ("1", 0), ("1", 0)):
        env = {**os.environ, "PYTHONPATH": path, "SWEEP_SURVIVES": survives}
        assert subprocess.run([sys.executable, "-c", script], env=env).returncode == status
    calls = sorted(file.name.split("-")[0] for file in (tmp_path / "calls").iterdir())
    assert calls == list("012345")  # each once: the last sweep was finished and cost nothing


def test_a_full_disk_leaves_the_results_in_memory(tmp_path, monkeypatch):
    save = checkpoint.save

    def full(path, tree, **more):
        if len(files(tmp_path)) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(path, tree, **more)

    monkeypatch.setattr(checkpoint, "save", full)
    with pytest.warns(UserWarning, match="held in memory alone.*No space left"):
        results = sweep(sweep_jobs.fail_at_three, seeds(3) + [{"seed": 9}], folder=tmp_path)
    assert [result.value for result in results] == [0, 1, 2, 9]
    assert len(files(tmp_path)) == 2


def test_a_damaged_file_is_made_again(tmp_path):
    sweep(sweep_jobs.square, seeds(2), folder=tmp_path)
    for file in files(tmp_path):
        file.write_bytes(b"damaged")
    assert sweep(sweep_jobs.square, seeds(2), folder=tmp_path)[1].value["square"] == 1.0


def test_files_of_another_job_setting_or_float_type_are_not_taken_for_these(tmp_path):
    one = sweep(partial(power, exponent=2), seeds(3), folder=tmp_path)
    other = sweep(partial(power, exponent=3), seeds(3), folder=tmp_path)
    assert [r.value for r in one] == [0, 1, 4] and [r.value for r in other] == [0, 1, 8]
    sweep(sweep_jobs.square, seeds(1), folder=tmp_path)
    with using(dtype="float32"):
        (result,) = sweep(sweep_jobs.square, seeds(1), folder=tmp_path)
    assert result.value["made"].dtype == "float32"


def power(setting, exponent):
    return float(setting["seed"] ** exponent)


def test_finished_results_stay_on_disk_and_not_in_memory(tmp_path):
    results = sweep(sweep_jobs.square, seeds(5), folder=tmp_path)
    assert not results.values
    assert [result.value["square"] for result in results[1:3]] == [1.0, 4.0]
    assert results[-1].setting == {"seed": 4}
    with pytest.raises(IndexError):
        results[5]


# ---- Calls ----


class Recorder(ThreadPoolExecutor):
    """Threads that note how many settings each call brings."""

    def __init__(self):
        super().__init__(2)
        self.sizes = []

    def submit(self, run, settings):
        self.sizes.append(len(settings))
        return super().submit(run, settings)


def test_short_settings_share_a_call_and_few_settings_do_not():
    with Recorder() as executor:
        results = sweep(sweep_jobs.fail_at_three, [{"seed": s} for s in range(4, 3004)], executor)
    assert [result.value for result in results] == list(range(4, 3004))
    assert sum(executor.sizes) == 3000 and len(executor.sizes) < 1500
    with Recorder() as executor:
        sweep(sweep_jobs.square, seeds(8), executor)
    assert executor.sizes == [1] * 8


def test_what_cannot_be_sent_is_said_in_a_sentence():
    with processes("spawn") as executor, pytest.warns(UserWarning, match="top level of a module"):
        results = sweep(lambda setting: 0.0, seeds(1), executor)
    assert results[0].value is None


class Shut(ThreadPoolExecutor):
    def submit(self, *_):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_calls_that_the_executor_cancels_are_failures_not_hangs():
    with Shut(1) as executor, pytest.warns(UserWarning, match="CancelledError"):
        assert sweep(sweep_jobs.square, seeds(2), executor)[1].error


class Breaks(ThreadPoolExecutor):
    """Threads that are lost as soon as a call brings several settings."""

    def submit(self, run, settings):
        if len(settings) > 1:
            raise BrokenExecutor("lost")
        return super().submit(run, settings)


def test_every_setting_of_a_call_that_was_lost_has_its_error():
    with Breaks(2) as executor, pytest.warns(UserWarning, match="settings failed"):
        results = sweep(double, seeds(3000), executor)
    lost = [result.setting["seed"] for result in results if result.error]
    assert lost and all("BrokenExecutor: lost" in results[seed].error for seed in lost)
    kept = [result for result in results if not result.error]
    assert len(kept) + len(lost) == 3000
    assert all(result.value == 2.0 * result.setting["seed"] for result in kept)


def double(setting):
    return 2.0 * setting["seed"]


@pytest.mark.parametrize(
    "error, message, call",
    [
        (TypeError, "job must be a function", lambda: sweep(3, seeds(1))),
        (TypeError, "executor must be", lambda: sweep(power, seeds(1), executor=4)),
        (ValueError, "must differ; settings.1. equals settings.0.", lambda: sweep(power, [1, 1])),
        (ValueError, "must be numbers, text", lambda: sweep(power, [{"net": power}])),
        (ValueError, "seed must have at least one value", lambda: grid(seed=[])),
        (ValueError, "must be a dict with 'seed'", lambda: table([Result({"a": 1}, 1.0)])),
    ],
)
def test_bad_calls_get_one_sentence(error, message, call):
    with pytest.raises(error, match=message):
        call()


def test_a_value_that_is_no_tree_of_numbers_is_a_failure_where_it_has_to_be_kept(tmp_path):
    with pytest.warns(UserWarning, match="must be an array of numbers"):
        sweep(sweep_jobs.no_tree, seeds(1), folder=tmp_path)


# ---- Tables ----


def test_a_table_has_mean_standard_error_and_count_of_every_leaf():
    results = sweep(sweep_jobs.square, grid(lr=[0.1], seed=[0, 1, 2]))
    square, curve, _ = table(results, over="seed")
    assert (square.setting, square.leaf, square.count) == ({"lr": 0.1}, "square", 3)
    assert_allclose(square.mean, 5 / 3)
    assert_allclose(square.standard_error, numpy.std([0, 1, 4], ddof=1) / 3**0.5)
    assert_allclose(curve.mean, [1.0, 2.0, 3.0])
    assert str(square).split()[:2] == ["lr=0.1", "square"]


def test_failures_are_left_out_of_a_table():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = sweep(sweep_jobs.fail_at_three, seeds(4))
    (row,) = table(results)
    assert row.count == 3 and row.mean == 1.0


def test_curves_are_drawn_with_bands():
    results = sweep(sweep_jobs.square, grid(lr=[0.1, 0.2], seed=[0, 1, 2]))
    fig, (ax,) = plots.figure()
    plots.sweep(ax, [row for row in table(results) if row.leaf == "curve"])
    assert [line.get_label() for line in ax.lines] == ["lr=0.1", "lr=0.2"]
    assert len(ax.collections) == 2
    plt.close(fig)
