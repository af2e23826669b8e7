"""The GPU's check and the benchmark's larger workloads on it, in one JSON file.

    python -m benchmarks.gpu                    under ten minutes; writes out/gpu.json
    python -m benchmarks.gpu --seconds 1        shorter measurements

First `python -m minimeta gpu-check`. Then one step each of MAML (two layers of 256, 64 tasks), an
LSTM, the convolutional episode and attention: minimeta through CuPy, as autograd runs it without
replay, and beside it every JAX and PyTorch program of `make bench` that is installed and sees the
GPU. Each value and gradient must first agree in float64 with minimeta's on NumPy. The time is that
of float32, and how far its results are from those in float64 is reported, not judged. What fails is
written down with its error, and the rest goes on.

It has not run on a GPU yet; the tests run it on a stand-in for CuPy (tests/standin.py).
"""

import argparse
import importlib.metadata
import json
import os
import platform
import time
from functools import partial
from pathlib import Path

import numpy

from benchmarks import programs, workloads
from benchmarks.harness import ROOT, TOLERANCE, distance
from benchmarks.libraries import library
from benchmarks.worker import cast, leaves, median_seconds
from minimeta import gpu_check
from minimeta.core.backend import to_device, to_host, using

CHANGED = {"maml_wide": {"tasks": 64}, "lstm": {}, "conv_episode": {}, "attention": {}}
PACKAGES = ("minimeta", "numpy", "autograd", "cupy-cuda12x", "cupy-cuda13x", "jax", "torch")
CARD = "cuda"  # PyTorch's name of the first one
LIMIT = 480.0  # seconds after which no further program starts


def main(words=None, device="cupy"):
    """Check, measure and write the file; return 0 if all that ran was right, 2 without a GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of every program")
    seconds = parser.parse_args(words).seconds
    end = time.perf_counter() + LIMIT
    status = gpu_check.main(device)
    if status == 2:
        return 2
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the libraries share the card
    times = {name: measured(name, device, seconds, end) for name in CHANGED}
    report = {"checks_passed": status == 0, **surroundings(device), "steps": times}
    path = Path(os.environ.get("MINIMETA_OUT", ROOT / "out")) / "gpu.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"Written: {path}")
    rows = [row for programs in times.values() for row in programs.values()]
    failed = [row for row in rows if row.get("agrees") is False]
    failed += [row["minimeta"] for row in times.values() if "error" in row["minimeta"]]
    return 1 if status or failed else 0


def surroundings(device):
    """The card, as CuPy names it, and the versions of what is installed."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return {"device": name_of(device), "versions": versions}


def name_of(device):
    """The name of the first card; that of the module for a stand-in."""
    if device != "cupy":
        return device.__name__
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()


def measured(name, device, seconds, end):
    """For every program of a workload, how far it is from minimeta on NumPy, and its step time."""
    module = workloads()[name]
    sizes, rng = {**module.SIZES[name], **CHANGED[name]}, numpy.random.default_rng(0)
    params, data = module.init(rng, sizes), module.sample(rng, sizes)
    exact = on_numpy(module, sizes, params, data)
    rows = {}
    for program in programs(module):
        make = {"minimeta": on_cupy, "jax": on_jax}.get(program, on_torch)
        try:
            if time.perf_counter() > end:
                raise TimeoutError(f"not started: {LIMIT:.0f} seconds are over")
            ready = partial(make, module, program, sizes, params, data, device)
            rows[program] = row(ready, exact, seconds)
        except Exception as failure:
            rows[program] = {"error": f"{type(failure).__name__}: {failure}"}
        print(f"{name:13s}{program:12s}{rows[program]}", flush=True)
    return rows


def row(ready, exact, seconds):
    """The distance in float64, which is judged; that in float32, and the median time of its steps.

    The first run in a float type compiles, and is not timed.
    """
    errors = {}
    for dtype in ("float64", "float32"):
        run, unload = ready(dtype)
        value, gradient = run()
        errors[dtype] = distance(exact, arrays(value, unload(gradient)))
    return {
        "distance": errors["float64"],
        "agrees": errors["float64"] < TOLERANCE,
        "distance_in_float32": errors["float32"],
        "milliseconds": 1e3 * median_seconds(run, seconds),
    }


def on_numpy(module, sizes, params, data):
    """What all are compared with: minimeta's value and gradient on the CPU in float64."""
    with using("numpy", "float64"):
        step = module.in_minimeta(sizes)
        return arrays(*step(cast(params, "float64"), cast(data, "float64")))


def arrays(value, gradient):
    """The value and the leaves of the gradient, as `distance` takes them."""
    return {"value": numpy.asarray(value), **dict(enumerate(leaves(gradient)))}


def on_cupy(module, _, sizes, params, data, device, dtype):
    """minimeta on the device; as everywhere here, a step ends with its results on the host."""
    step = module.in_minimeta(sizes)
    with using(device, dtype):
        params, data = to_device(cast(params, dtype)), to_device(cast(data, dtype))

    def run():
        with using(device, dtype):
            return to_host(step(params, data))

    return run, lambda gradient: gradient


def on_jax(module, program, sizes, params, data, _, dtype):
    """JAX, on the GPU if it sees one; otherwise it does not run."""
    import jax

    if jax.default_backend() != "gpu":
        raise RuntimeError(f"JAX runs on {jax.default_backend()} here")
    lib, step = library("jax", dtype), getattr(module, f"in_{program}")(sizes)
    params, data = lib.load(cast(params, dtype)), lib.load(cast(data, dtype))
    return lambda: jax.device_get(step(params, data)), lib.unload


def on_torch(module, program, sizes, params, data, _, dtype):
    """PyTorch on the first card; otherwise it does not run."""
    import torch
    from torch.utils._pytree import tree_map

    if not torch.cuda.is_available():
        raise RuntimeError("PyTorch sees no GPU here")
    lib, card = library("torch", dtype), torch.device(CARD)
    move = lambda tree, place: tree_map(lambda leaf: leaf.to(place), tree)
    with card:
        step = getattr(module, f"in_{program}")(sizes)
    params = move(getattr(module, f"load_{program}", lib.load)(cast(params, dtype)), card)
    data = move(lib.load(cast(data, dtype)), card)

    def run():
        with card:
            return move(step(params, data), "cpu")

    return run, getattr(module, f"unload_{program}", lib.unload)


if __name__ == "__main__":
    raise SystemExit(main())
