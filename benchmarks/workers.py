"""Seconds of a training step with its tasks shared out among threads: train(..., workers=n).

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.workers           about a minute on two cores
    OPENBLAS_NUM_THREADS=1 python -m benchmarks.workers lstm --workers 1 2 4

A row is a workload of `make bench`, MAML with 64 tasks; its columns are the milliseconds of a step,
update included, for each number of workers, and in brackets the time relative to the first number.
The numbers of workers take turns, and each has the median step of its fastest turn. Without
OPENBLAS_NUM_THREADS=1, BLAS has threads of its own inside every worker.
"""

import argparse
import statistics
import time

import numpy

from benchmarks import workloads
from minimeta.core.backend import using
from minimeta.training import train

SIZES = {"maml_wide": {"tasks": 64}, "lstm": {}, "attention": {}}  # what differs from the workload


def seconds(module, sizes, workers, steps):
    """The median time of a training step after the first two, which record the program."""
    rng, starts = numpy.random.default_rng(0), []
    data = module.sample(rng, sizes)

    def sample(_):
        starts.append(time.perf_counter())
        return data

    init = lambda rng: module.init(rng, sizes)
    train(init, module.in_minimeta(sizes), sample, rng, steps + 3, label=None, workers=workers)
    return statistics.median(b - a for a, b in zip(starts[2:-1], starts[3:]))


def row(name, workers, steps, turns):
    """The fastest turn of each number of workers."""
    module = workloads()[name]
    sizes = {**module.SIZES[name], **SIZES[name]}
    times = [[seconds(module, sizes, n, steps) for n in workers] for _ in range(turns)]
    return numpy.min(times, axis=0)


def main(words=None):
    """Print a row for each workload named, all three by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", nargs="*", help=f"of: {', '.join(SIZES)}")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args(words)
    if unknown := [name for name in given.workload if name not in SIZES]:
        parser.error(f"There is no workload {unknown[0]!r} here; there are {', '.join(SIZES)}.")
    print("ms per step      " + "".join(f"{n:>10d} workers" for n in given.workers))
    with using(dtype="float32"):
        for name in given.workload or SIZES:
            times = row(name, given.workers, given.steps, given.turns)
            cells = [f"{1e3 * t:9.1f} ({t / times[0]:5.2f})" for t in times]
            print(f"{name:17s}" + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
