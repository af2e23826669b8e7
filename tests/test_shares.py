"""train(..., workers=n): the tasks of one step in threads, with the same bits for the same n."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np, using
from minimeta.core.runs.shares import share_out, split
from minimeta.core.trees import leaves
from minimeta.initializations import maml
from minimeta.nets import mlp
from minimeta.tasks.regression import sines
from minimeta.training import meta_train, train

LEARNER = maml.learner(mlp([1, 8, 1]), step_size=0.05)


def rng(seed=0):
    return numpy.random.default_rng(seed)


def run(workers, tasks=5, steps=6, **options):
    sample = lambda rng: sines(rng, tasks=tasks, shots=4, queries=4)
    return meta_train(LEARNER, sample, rng(), steps=steps, label=None, workers=workers, **options)


@pytest.mark.parametrize("workers", [2, 3, 5, 8])
def test_shares_of_any_size_follow_the_gradient_of_all_tasks(workers):
    (one, history), (other, again) = run(1), run(workers)
    assert_allclose(again, history, rtol=1e-12)
    for ours, theirs in zip(leaves(one), leaves(other), strict=True):
        assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12)


def test_the_same_number_of_workers_gives_the_same_bits_in_single_precision():
    with using(dtype="float32"):
        runs = [run(2, steps=20) for _ in range(3)]
    assert {leaf.dtype.name for leaf in leaves(runs[0][0])} == {"float32"}
    for meta, history in runs[1:]:
        assert_array_equal(history, runs[0][1])
        for ours, theirs in zip(leaves(runs[0][0]), leaves(meta), strict=True):
            assert_array_equal(ours, theirs)


def test_a_run_in_shares_goes_on_from_its_file_with_the_same_bits(tmp_path):
    path = tmp_path / "run.npz"
    whole, history = run(2)
    run(2, steps=3, checkpoint=path)
    half, again = run(2, resume=path)
    assert_array_equal(history, again)
    for ours, theirs in zip(leaves(whole), leaves(half), strict=True):
        assert_array_equal(ours, theirs)


def test_every_worker_has_a_share_and_they_are_at_work_at_once():
    """Nobody goes on before three threads are here, each with its own tasks."""
    meet, sizes = threading.Barrier(3, timeout=30), []

    def value_and_gradient(meta, data):
        meet.wait()
        sizes.append(len(data))
        return np.mean(data), 0.0 * meta

    init = lambda rng: np.zeros(2)
    train(init, value_and_gradient, lambda rng: np.ones(7), rng(), 1, label=None, workers=3)
    assert sorted(sizes[-3:]) == [2, 2, 3]


def test_shares_are_weighted_by_their_tasks():
    data = np.arange(5.0)
    parts, weights = split(data, 2)
    assert [len(part) for part in parts] == [2, 3] and weights == [0.4, 0.6]
    mean = sum(weight * part.mean() for weight, part in zip(weights, parts))
    assert_allclose(mean, data.mean(), rtol=1e-15)
    assert abs(np.mean([part.mean() for part in parts]) - data.mean()) > 0.2  # unweighted


def test_what_goes_wrong_in_a_thread_is_raised_in_the_loop():
    def broken(meta, data):
        raise ArithmeticError("no gradient here")

    with pytest.raises(ArithmeticError, match="no gradient here"):
        train(lambda rng: np.zeros(1), broken, lambda rng: np.ones(4), rng(), 1, workers=2)


@pytest.mark.parametrize(
    "data", [{"x": np.ones((3, 2)), "y": np.ones(4)}, np.float64(1.0) * np.ones(()), np.ones((0,))]
)
def test_data_without_a_common_axis_of_tasks_are_refused(data):
    with pytest.raises(ValueError, match="axis 0 of every array of the data must be the same M"):
        split(data, 2)


def test_the_setting_of_the_caller_holds_in_the_threads():
    follow = lambda meta, data: (np.sum(np.zeros(1)), np.zeros(2))
    with using(dtype="float32"), ThreadPoolExecutor(1) as threads:
        _, gradient = share_out([follow], threads)(None, np.ones(3))
    assert gradient.dtype == "float32"
