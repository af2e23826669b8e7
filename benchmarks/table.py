"""The statistics of the measurements, and the Markdown table made of them."""

import importlib.metadata
import math
import os
import platform
from pathlib import Path

import numpy

from benchmarks import OURS
from benchmarks.harness import STOP


def spread(values):
    """The three quartiles: lower, median, upper."""
    return tuple(float(q) for q in numpy.percentile(values, [25, 50, 75]))


def ratios(ours, theirs):
    """ours / theirs, round by round; rounds that only one side finished are left out."""
    return [a / b for a, b in zip(ours, theirs) if math.isfinite(a) and math.isfinite(b)]


def shown(values, scale=1.0, digits=3):
    """Median (lower-upper quartile) to so many digits; a dash for none."""
    if not values:
        return "-"
    if math.inf in values:
        return f"stopped at {STOP:.0f}"
    low, middle, high = (significant(scale * q, digits) for q in spread(values))
    return f"{middle} ({low}-{high})"


def significant(value, digits):
    """A number in plain notation, rounded to so many significant digits."""
    return numpy.format_float_positional(value, digits, fractional=False, trim="-")


def label(result):
    """The name of a program, and how minimeta used the cores."""
    blas = f", BLAS on {result.threads} cores" if result.threads > 1 else ""
    return result.program.replace("_", " ") + (blas if result.program in OURS else "")


def rows(workload, results):
    """One row of the long table for each program of a workload."""
    ours = results[0]
    for result in results:
        other = result is not ours
        yield [
            "" if other else workload,
            label(result),
            shown(result.steps, 1e3),
            shown(ratios(ours.steps, result.steps), digits=2) if other else "",
            shown(result.fresh),
            shown(ratios(ours.fresh, result.fresh), digits=2) if other else "",
            f"{result.peak / 2**20:.0f}",
            f"{result.error:.0e}" if other else "",
        ]


HEAD = [
    "workload", "program", "step, ms", "minimeta / it", "fresh process, s", "minimeta / it",
    "peak, MiB", "difference",
]  # fmt: skip


def markdown(measured, quick):
    """The whole page: the machine, what the columns mean, and the table."""
    lines = [row for workload, results in measured.items() for row in rows(workload, results)]
    table = [f"| {' | '.join(row)} |" for row in [HEAD, ["---"] * len(HEAD), *lines]]
    return "\n".join(
        ["# Benchmark", "", machine(), "", EXPLAINED, *([SHORT] if quick else []), "", *table, ""]
    )


EXPLAINED = """\
Medians (quartiles). *Step*: value and gradient, float32, every program in its own process, all
taking turns; ratios are taken round by round. *Fresh process*: start, import, compile and a whole
training run with Adam on new data each step, stopped after 60 s. *minimeta* shows the fastest of
one core, BLAS on all cores, and a thread on each core (*minimeta threads*: the tasks of a step
shared out as by `train(..., workers=n)`, or `set_threads(n)` where a step is one episode); the
others use all cores. *eager* is minimeta without replay.
*Difference* is the largest |difference| / |minimeta's| over the value and every array of the
gradient in float32; in float64 it was below 1e-6 for all before anything was timed."""
SHORT = "**Quick run: few rounds and short training; the numbers are rough.**"


def machine():
    """Processor, cores and the versions of everything involved, in one line."""
    packages = ("numpy", "autograd", "jax", "torch")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {blas()}, {versions}."
    )


def processor():
    """The processor's name, as well as the system tells it."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    named = [
        line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")
    ]
    return named[0] if named else platform.processor() or platform.machine()


def blas():
    """The BLAS that NumPy was built with."""
    library = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{library['name']} {library['version']}"
