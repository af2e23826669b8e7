"""One program of one workload in a process of its own, so that no library disturbs another.

    python -m benchmarks.worker WORKLOAD PROGRAM check FILE  writes a float64 value and gradient
    python -m benchmarks.worker WORKLOAD PROGRAM serve       obeys lines on standard input
    python -m benchmarks.worker WORKLOAD PROGRAM train 500   draws, steps and updates 500 times

Lines: "check FILE" writes value and gradient in float32, "time SECONDS" answers with the median
seconds of a step among as many as fit in that time, and "memory" with the peak in bytes.
"""

import json
import platform
import resource
import statistics
import sys
import time

import numpy

from benchmarks import OURS, workloads
from benchmarks.libraries import library

SEED = 0
KIBIBYTE = 1 if platform.system() == "Darwin" else 1024  # the unit of ru_maxrss


def prepared(workload, program, dtype="float32"):
    """The library, the plain step, and what draws parameters and data, both in its arrays."""
    module = workloads()[workload]
    lib = library(program, dtype, getattr(module, "SHARED", False))
    sizes, rng = module.SIZES[workload], numpy.random.default_rng(SEED)
    name = "minimeta" if program in OURS else program
    step = getattr(module, f"in_{name}")(sizes)
    load = getattr(module, f"load_{name}", lib.load)
    lib = lib._replace(unload=getattr(module, f"unload_{name}", lib.unload))
    init = lambda: load(cast(module.init(rng, sizes), dtype))
    return lib, step, init, lambda: cast(module.sample(rng, sizes), dtype)


def cast(tree, dtype):
    """The tree with its float arrays in this type; integers stay as they are."""
    if isinstance(tree, dict):
        return {key: cast(branch, dtype) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(cast(branch, dtype) for branch in tree)
    return tree.astype(dtype) if tree.dtype.kind == "f" else tree


def serve(workload, program):
    """Answer each line of standard input with one line of JSON."""
    lib, step, init, sample = prepared(workload, program)
    params, data, step = init(), lib.load(sample()), lib.ready(step)
    run = lambda: lib.wait(step(params, data))
    run()
    lib.wait(step(init(), lib.load(sample())))  # in training, no two steps have the same arrays
    answers = {
        "check": lambda path: write(path, *run(), lib.unload),
        "time": lambda seconds: median_seconds(run, float(seconds)),
        "memory": lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE,
    }
    for line in sys.stdin:
        order, *arguments = line.split()
        print(json.dumps(answers[order](*arguments)), flush=True)


def median_seconds(run, limit):
    """The median time of one call, of as many as fit in `limit` seconds, at least one."""
    times, end = [], time.perf_counter() + limit
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def write(path, value, gradient, unload):
    """Save the value and the gradient's leaves, in the order of the tree, to an .npz file."""
    arrays = dict(enumerate(leaves(unload(gradient))))
    numpy.savez(path, value=float(value), **{str(i): a for i, a in arrays.items()})


def leaves(tree):
    """The arrays of a tree of dicts, lists and tuples, dicts in the order of their sorted keys."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    return (
        [a for branch in tree for a in leaves(branch)]
        if isinstance(tree, (list, tuple))
        else [tree]
    )


def check(workload, program, path):
    """Write the value and the gradient in float64, of the second of two calls."""
    lib, step, init, sample = prepared(workload, program, "float64")
    params, step = init(), lib.ready(step)
    first, second = lib.load(sample()), lib.load(sample())
    lib.wait(step(params, first))
    write(path, *lib.wait(step(params, second)), lib.unload)


def train(workload, program, steps):
    """The value after so many steps of Adam, each on data drawn for it."""
    lib, step, init, sample = prepared(workload, program)
    print(lib.train(step, init(), (sample() for _ in range(int(steps)))))


if __name__ == "__main__":
    workload, program, mode, *rest = sys.argv[1:]
    {"check": check, "serve": serve, "train": train}[mode](workload, program, *rest)
