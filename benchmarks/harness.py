"""Runs a workload's programs beside each other: first the same numbers, then the times.

Every program lives in a process of its own and all of them take turns, so whatever else the
machine does falls on all alike; what is compared are the times of one round. minimeta runs on one
core, with a BLAS thread for every core, and with a thread of its own for every core, and the table
says which was fastest; JAX and PyTorch use all cores as they choose.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy

from benchmarks import OURS, programs

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
TOLERANCE = 1e-6  # |difference| / |gradient| in float64, for the value and every leaf; not smaller,
# because JAX's attention takes its softmax in float32 even then

STOP = 60.0  # seconds after which a fresh process is stopped, whatever is left of its training


class Plan(NamedTuple):
    """How long to measure."""

    rounds: int
    seconds: float  # of every program in every round
    fresh: int  # processes that train
    patience: float  # seconds after which a program gets no further one
    share: float  # of the workload's training steps


FULL = Plan(rounds=9, seconds=0.2, fresh=3, patience=10.0, share=1.0)
QUICK = Plan(rounds=3, seconds=0.1, fresh=1, patience=0.0, share=0.1)


class Result(NamedTuple):
    """One program: step times by round, fresh times, peak bytes, distance to minimeta, threads."""

    program: str
    threads: int
    steps: list  # seconds per step, one entry for each round
    fresh: list  # seconds from start to exit of a process that trains; empty if not run
    peak: int
    error: float


def measure(workload, module, plan):
    """A Result for every program of a workload: minimeta's with the better thread count first."""
    ours = [("minimeta", 1), ("minimeta", os.cpu_count()), ("minimeta_threads", 1)]
    candidates = [*ours, ("eager", 1), *((name, os.cpu_count()) for name in programs(module)[1:])]
    checked(workload, [*OURS, *programs(module)[1:]])
    workers = [start(workload, *candidate) for candidate in candidates]
    try:
        errors = differences(workers)
        steps = in_turn(workers, plan)
        peaks = [ask(worker, "memory") for worker in workers]
    finally:
        for worker in workers:
            worker.stdin.close()
            worker.wait()
    found = [Result(*c, s, [], p, e) for c, s, p, e in zip(candidates, steps, peaks, errors)]
    best = min(found[: len(ours)], key=lambda result: numpy.median(result.steps))
    kept = [best, *found[len(ours) :]]
    return fresh(workload, kept, round(plan.share * module.SIZES[workload]["training_steps"]), plan)


def start(workload, program, threads):
    """A process that holds one program and obeys lines."""
    command = [sys.executable, "-m", "benchmarks.worker", workload, program, "serve"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment(program, threads), **pipes)


def environment(program, threads):
    """The number of BLAS threads for minimeta; none for the peers, which then use all cores."""
    env = {name: value for name, value in os.environ.items() if name not in THREADS}
    return {**env, **dict.fromkeys(THREADS, str(threads))} if program in OURS else env


def ask(worker, line):
    """What the worker answers. Raises RuntimeError if it has died."""
    try:
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())
    except (BrokenPipeError, json.JSONDecodeError) as error:
        raise RuntimeError(f"A program died: {' '.join(worker.args[3:5])}.") from error


def checked(workload, candidates):
    """Raise unless all programs compute minimeta's value and gradient in float64, on new data."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{i}.npz") for i in range(len(candidates))]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # these are not timed
            ours, *theirs = pool.map(saved, repeat(workload), candidates, paths)
    for name, other in zip(candidates[1:], theirs):
        if not (error := distance(ours, other)) < TOLERANCE:
            raise RuntimeError(f"{workload} in {name} differs from minimeta by {error:.1e}.")


def saved(workload, program, path):
    """What a program's check writes."""
    command = [sys.executable, "-m", "benchmarks.worker", workload, program, "check", path]
    subprocess.run(command, cwd=ROOT, env=environment(program, 1), check=True)
    return dict(numpy.load(path))


def differences(workers):
    """How far each program's float32 value and gradient are from the first's."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{i}.npz") for i in range(len(workers))]
        for worker, path in zip(workers, paths):
            ask(worker, f"check {path}")
        ours, *theirs = [dict(numpy.load(path)) for path in paths]
    return [0.0, *(distance(ours, other) for other in theirs)]


def distance(ours, theirs):
    """The largest |a - b| / |a| over the value and the leaves of the gradient."""
    if ours.keys() != theirs.keys():
        raise RuntimeError(f"minimeta returns {len(ours)} arrays, the other {len(theirs)}.")
    norm = numpy.linalg.norm
    errors = [norm(ours[key] - theirs[key]) / norm(ours[key]) for key in ours]
    return float(numpy.max(errors))  # Python's own max would pass over a NaN


def in_turn(workers, plan):
    """Seconds per step of every worker, one for each round; a first round is thrown away."""
    rounds = [
        [ask(worker, f"time {plan.seconds}") for worker in workers] for _ in range(1 + plan.rounds)
    ]
    return [list(times) for times in zip(*rounds[1:])]


def fresh(workload, results, steps, plan):
    """The results with the seconds of whole training runs, for the best program of each library."""
    best = {}
    for result in sorted(results, key=lambda r: numpy.median(r.steps)):
        if result.program != "eager":
            best.setdefault(result.program.split("_")[0], result.program)
    times = {program: [] for program in best.values()}
    for _ in range(plan.fresh):
        for result in results:
            spent = times.get(result.program)
            if spent is not None and (not spent or sum(spent) < plan.patience):
                spent.append(trained(workload, result, steps))
    return [result._replace(fresh=times.get(result.program, [])) for result in results]


def trained(workload, result, steps):
    """Seconds from the start of a process to its end: import, compile, train; inf if stopped."""
    command = [sys.executable, "-m", "benchmarks.worker", workload, result.program]
    env, begin = environment(result.program, result.threads), time.perf_counter()
    options = {"cwd": ROOT, "env": env, "check": True, "stdout": subprocess.DEVNULL}
    try:
        subprocess.run([*command, "train", str(steps)], timeout=STOP, **options)
    except subprocess.TimeoutExpired:
        return math.inf
    return time.perf_counter() - begin
