"""The benchmark compares like with like: statistics, sizes, data, and who gets which threads."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import pytest
import standin

import minimeta

ROOT = Path(minimeta.__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import gpu, harness, programs, table, worker, workers, workloads  # noqa: E402
from benchmarks.worker import leaves  # noqa: E402
from minimeta.core.backend import current, use  # noqa: E402
from minimeta.core.gradients import grad  # noqa: E402
from minimeta.core.replay import replay  # noqa: E402
from minimeta.core.runs.shares import share_out  # noqa: E402

KNOWN = workloads()


@pytest.fixture
def float64():
    before = current()
    use(dtype="float64")
    yield
    use(*before)


def wide(tree):
    """The tree in float64, integers as they are."""
    if isinstance(tree, dict):
        return {key: wide(branch) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(wide(branch) for branch in tree)
    return tree.astype("float64") if tree.dtype.kind == "f" else tree


def result(program, steps, fresh=()):
    return harness.Result(program, 1, steps, list(fresh), 2**20, 0.0)


def test_importing_every_workload_needs_neither_peer_nor_minimeta():
    block = "import sys; sys.modules.update(dict.fromkeys(('jax', 'torch', 'autograd')))"
    code = f"{block}; import benchmarks; assert benchmarks.workloads()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("name", KNOWN)
def test_every_workload_states_its_sizes_and_three_implementations(name):
    module = KNOWN[name]
    found = programs(module)
    assert found[0] == "minimeta"
    assert {program.split("_")[0] for program in found} == {"minimeta", "jax", "torch"}
    assert module.SIZES[name]["training_steps"] in (50, 500)
    assert all(getattr(module, f"in_{program}").__doc__ for program in found)


@pytest.mark.parametrize("name", KNOWN)
def test_parameters_and_data_are_float32_and_follow_from_the_seed(name):
    module, sizes = KNOWN[name], KNOWN[name].SIZES[name]
    draw = lambda make: leaves(make(numpy.random.default_rng(0), sizes))
    for make in (module.init, module.sample):
        for a, b in zip(draw(make), draw(make)):
            assert a.dtype == "float32" or a.dtype.kind == "i"
            assert numpy.array_equal(a, b)


def test_the_sizes_are_what_the_names_promise():
    sizes = {name: module.SIZES[name] for name, module in KNOWN.items()}
    assert [sizes[name]["steps"] for name in ("maml", "maml_5_steps", "maml_wide")] == [1, 5, 1]
    coordinates = sizes["learned_optimizer"]["problems"] * sizes["learned_optimizer"]["dimensions"]
    assert coordinates == 1280
    for name in ("conv_episode", "conv_episode_small"):
        assert sizes[name]["classes"] * (1 + sizes[name]["queries"]) == 120


def test_a_fisher_diagonal_is_the_sum_of_squared_gradients(float64):
    """The workload's (x^2)' d^2 against one gradient per example."""
    fisher = KNOWN["fisher"]
    sizes, rng = {"examples": 7, "widths": (5, 4, 3)}, numpy.random.default_rng(0)
    params, (x, y) = wide(fisher.init(rng, sizes)), wide(fisher.sample(rng, sizes))
    _, found = fisher.in_minimeta(sizes)(params, (x, y))

    def surprise(params, x, label):
        from minimeta.core.backend import np

        hidden = np.tanh(np.dot(x, params[0]["W"]) + params[0]["b"])
        logits = np.dot(hidden, params[1]["W"]) + params[1]["b"]
        return np.log(np.sum(np.exp(logits))) - logits[label]

    each = [leaves(grad(surprise)(params, *pair)) for pair in zip(x, y)]
    for i, total in enumerate(leaves(found)):
        assert numpy.allclose(total, sum(slopes[i] ** 2 for slopes in each), rtol=1e-12)


def test_the_fisher_diagonal_and_the_loss_share_their_forward_pass():
    """Replayed, the two layers are computed once each, not once for the value and once more."""
    fisher, rng = KNOWN["fisher"], numpy.random.default_rng(0)
    sizes = {"examples": 7, "widths": (5, 4, 3)}
    step = replay(fisher.in_minimeta(sizes))
    step(fisher.init(rng, sizes), fisher.sample(rng, sizes))
    assert str(step.program).count("= affine(") == 2


def test_the_second_derivative_is_in_the_maml_gradient(float64):
    """Central differences of the meta-loss along one direction."""
    maml = KNOWN["maml"]
    sizes = {**maml.SIZES["maml"], "tasks": 3, "widths": (1, 8, 1), "steps": 2, "step_size": 0.05}
    rng = numpy.random.default_rng(0)
    theta, task = wide(maml.init(rng, sizes)), wide(maml.sample(rng, sizes))
    step, h = maml.in_minimeta(sizes), 1e-6
    _, gradient = step(theta, task)
    moved = lambda sign: [{**theta[0], "W": theta[0]["W"] + sign * h}, *theta[1:]]
    slope = (step(moved(1), task)[0] - step(moved(-1), task)[0]) / (2 * h)
    assert numpy.sum(gradient[0]["W"]) == pytest.approx(slope, rel=1e-6)


def test_ratios_are_taken_within_a_round():
    """A machine half as fast in one round changes no ratio, though it changes the medians."""
    assert table.ratios([1.0, 2.0, 1.0], [2.0, 4.0, 2.0]) == [0.5, 0.5, 0.5]
    assert table.spread([1, 2, 3, 4, 5]) == (2, 3, 4)
    assert table.shown([0.0012345, 0.0012345], 1e3) == "1.23 (1.23-1.23)"
    assert table.shown([]) == "-"


def test_the_table_compares_every_program_with_the_first():
    ours, jax = result("minimeta", [0.001, 0.001], [1.0]), result("jax", [0.002, 0.002], [4.0])
    first, second = table.rows("maml", [ours, jax])
    assert first[:3] == ["maml", "minimeta", "1 (1-1)"] and first[3] == first[5] == ""
    assert second[3] == "0.5 (0.5-0.5)" and second[5] == "0.25 (0.25-0.25)"
    assert len(first) == len(second) == len(table.HEAD)


def test_a_different_gradient_is_found():
    ours = {"value": numpy.array(2.0), "0": numpy.array([3.0, 4.0])}
    assert harness.distance(ours, ours) == 0
    assert harness.distance(ours, {**ours, "0": numpy.array([3.0, 4.5])}) == pytest.approx(0.1)
    assert not harness.distance(ours, {**ours, "0": numpy.array([3.0, numpy.nan])}) < 1
    with pytest.raises(RuntimeError, match="minimeta returns 2 arrays, the other 1"):
        harness.distance(ours, {"value": ours["value"]})


def test_our_thread_settings_do_not_slow_the_peers(monkeypatch):
    """`make` sets one BLAS thread for everything; PyTorch would obey OMP_NUM_THREADS."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "OMP_NUM_THREADS" not in harness.environment("torch_loop", 2)
    assert harness.environment("minimeta", 2)["OPENBLAS_NUM_THREADS"] == "2"


def test_an_unknown_workload_and_a_missing_peer_get_one_sentence(monkeypatch, capsys):
    assert command.main(["magic"]) == 1
    assert capsys.readouterr().err.startswith("There is no workload 'magic'; there are maml, ")
    monkeypatch.setattr(command, "PEERS", ("no_such_library",))
    assert command.main(["maml"]) == 1
    assert "no_such_library is not installed: pip install" in capsys.readouterr().err


def test_a_row_of_the_workers_has_a_time_for_every_number_of_them(capsys, monkeypatch):
    sizes = {"tasks": 4, "widths": (1, 8, 1)}
    monkeypatch.setattr(workers, "SIZES", {"maml_wide": sizes})
    before = current()
    workers.main(["maml_wide", "--workers", "1", "2", "--steps", "2", "--turns", "1"])
    head, row = capsys.readouterr().out.splitlines()
    assert row.startswith("maml_wide") and row.count("(") == head.count("workers") == 2
    assert current() == before


def test_the_data_of_every_workload_of_the_workers_can_be_shared_out():
    """Their axis 0 is the tasks, and the value is a mean over them: two shares have the same."""
    for name, changed in workers.SIZES.items():
        module, rng = KNOWN[name], numpy.random.default_rng(0)
        sizes = {**module.SIZES[name], **changed, "tasks": 4, "batch": 4, "time": 3}
        sizes = sizes | {"hidden": 5, "width": 8}
        params, data = wide(module.init(rng, sizes)), wide(module.sample(rng, sizes))
        step = module.in_minimeta(sizes)
        with ThreadPoolExecutor(2) as executor:
            value, gradient = share_out([step, step], executor)(params, data)
        whole, expected = step(params, data)
        assert value == pytest.approx(whole, rel=1e-9), name
        for a, b in zip(leaves(gradient), leaves(expected)):
            assert numpy.allclose(a, b, rtol=1e-9, atol=1e-12), name


def test_the_gpu_script_writes_one_file_on_the_stand_in(tmp_path, monkeypatch):
    small = {"tasks": 3, "classes": 4, "side": 8, "batch": 4, "time": 3, "hidden": 5, "width": 8}
    small |= {"filters": (4, 4)}
    monkeypatch.setattr(gpu, "CHANGED", dict.fromkeys(gpu.CHANGED, small))
    monkeypatch.setenv("MINIMETA_OUT", str(tmp_path))
    before = current()
    assert gpu.main(["--seconds", "0"], standin) == 0
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["checks_passed"] and report["device"] == "standin" and report["versions"]
    assert list(report["steps"]) == ["maml_wide", "lstm", "conv_episode", "attention"]
    for rows in report["steps"].values():
        assert rows["minimeta"]["agrees"] and rows["minimeta"]["milliseconds"] > 0
        assert rows["minimeta"]["distance"] < 1e-12 < rows["minimeta"]["distance_in_float32"] < 0.1
        assert all("agrees" in row or "error" in row for row in rows.values())
    assert current() == before


def test_the_gpu_script_sees_a_wrong_gradient(tmp_path, monkeypatch):
    right = gpu.on_cupy

    def wrong(*arguments):
        run, _ = right(*arguments)
        return run, lambda gradient: [{**p, "W": 1.05 * p["W"]} for p in gradient]

    monkeypatch.setattr(gpu, "on_cupy", wrong)
    monkeypatch.setattr(gpu, "CHANGED", {"maml_wide": {"tasks": 2, "widths": (1, 4, 1)}})
    monkeypatch.setenv("MINIMETA_OUT", str(tmp_path))
    assert gpu.main(["--seconds", "0"], standin) == 1
    row = json.loads((tmp_path / "gpu.json").read_text())["steps"]["maml_wide"]["minimeta"]
    assert row["distance"] == pytest.approx(0.05, rel=1e-6) and not row["agrees"]


def test_without_a_gpu_the_gpu_script_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setenv("MINIMETA_OUT", str(tmp_path))
    assert gpu.main([]) == 2 and not list(tmp_path.iterdir())
    assert "pip install 'minimeta[gpu]'" in capsys.readouterr().out


def test_training_replays_the_step_and_its_update_as_one_program(float64, capsys):
    """`libraries.py` records both together, so it must be given the plain step."""
    worker.train("lstm_small", "minimeta", 2)
    assert 0 < float(capsys.readouterr().out) < 10


def test_training_that_takes_too_long_is_stopped_and_the_table_says_so(monkeypatch):
    monkeypatch.setattr(harness, "STOP", 0.01)
    assert harness.trained("maml", result("minimeta", [0.001]), 10**6) == float("inf")
    ours, torch = result("minimeta", [0.001], [1.0]), result("torch", [0.002], [float("inf")])
    assert list(table.rows("maml", [ours, torch]))[1][4:6] == ["stopped at 60", "-"]


def test_the_roofline_counts_the_products_of_a_step(float64):
    """The Fisher's five products of known sizes, two of them made by the program itself."""
    from benchmarks import roofline

    fisher, rng = KNOWN["fisher"], numpy.random.default_rng(0)
    N, D, H, C = 7, 5, 4, 3
    sizes = {"examples": N, "widths": (D, H, C)}
    step, args = (
        replay(fisher.in_minimeta(sizes)),
        (fisher.init(rng, sizes), fisher.sample(rng, sizes)),
    )
    for _ in range(2):
        step(*args)
    before = numpy.matmul
    seconds, flops = roofline.products(step.program, leaves(args))
    assert flops == 2 * N * (2 * D * H + 3 * H * C) and seconds > 0  # forward, back, squares
    assert numpy.matmul is before
    memory, calls = roofline.touched(step.program, leaves(args))
    assert memory > args[1][0].nbytes and calls > 10
