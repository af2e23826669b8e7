"""One function over many settings: on one core, on all of them or on a cluster, same results.

    settings = grid(seed=range(8), step_size=[0.01, 0.1])          a list of 16 dicts
    results = sweep(job, settings)                                 one after another
    with ProcessPoolExecutor() as executor:
        results = sweep(job, settings, executor, folder="runs")    side by side, kept in files
    for row in table(results, over="seed"):                        mean and standard error
        print(row)

job(setting) -> tree of arrays and numbers. It draws from a generator seeded by its setting and
depends on nothing else, so that it matters neither where a setting runs nor in which order. The
float type and the device that are current when `sweep` is called hold in the workers too.

Any concurrent.futures.Executor will do: threads, processes, loky, Dask's `client.get_executor()`,
`mpi4py.futures`. Who makes it closes it. Processes of the standard library and MPI need a job that
stands at the top level of a module. Where `threadpoolctl` is installed, every worker is held to
one BLAS thread, without which the last bits can depend on the machine.
"""

import hashlib
import itertools
import json
import os
import traceback
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend.switch import carry, current
from minimeta.core.runs import checkpoint
from minimeta.core.runs.calls import hand_out, in_turn, one_thread, run_each
from minimeta.core.runs.progress import track
from minimeta.core.trees import leaves


class Result(NamedTuple):
    """What became of one setting: its value, or else the error, as Python prints it."""

    setting: object
    value: object
    error: str | None = None


class Row(NamedTuple):
    """The mean of one leaf over the settings that differ in `over` alone, such as the seed."""

    setting: dict  # without `over`
    leaf: str  # where the leaf stands in the tree, "" for the tree itself
    mean: object  # a number or an array, and so is the standard error
    standard_error: object
    count: int

    def __str__(self):
        names = ", ".join(f"{name}={value}" for name, value in self.setting.items())
        words = " ".join(filter(None, [names, self.leaf]))
        middle, error = numpy.mean(self.mean), numpy.mean(self.standard_error)
        return f"{words:40} {middle:12.5g} +- {error:.2g}  ({self.count})"


class Results(Sequence):
    """The Result of each setting, in their order. Those kept in files are read when asked for."""

    def __init__(self, settings, files):
        self.settings, self.files = settings, files
        self.values, self.errors = {}, {}

    def __len__(self):
        return len(self.settings)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]  # counts from the end, raises IndexError
        setting = self.settings[index]
        if index in self.errors:
            return Result(setting, None, self.errors[index])
        if index in self.values:
            return Result(setting, self.values[index])
        return Result(setting, checkpoint.load(self.files[index]).tree)

    @property
    def failures(self):
        """The Results that have an error in place of a value."""
        return [self[index] for index in sorted(self.errors)]


def grid(**axes):
    """Every combination of the values of the named axes, as dicts; the last axis runs fastest."""
    lists = {name: list(values) for name, values in axes.items()}
    for name, values in lists.items():
        if not values:
            raise ValueError(f"{name} must have at least one value; it has none.")
    return [dict(zip(lists, values)) for values in itertools.product(*lists.values())]


def sweep(job, settings, executor=None, folder=None, label="sweep"):
    """job(setting) for every setting: the Results, in the order of the settings.

    executor: any concurrent.futures.Executor; None runs one setting after another.
    folder: each value becomes a checkpoint file there as soon as it is known, and a setting whose
    file is there is not run again. So a sweep that was stopped goes on when it is called again. A
    file belongs to the job's name, the setting and the float type; it does not know the job's code.

    A job that raises does not stop the others: its Result has the error, and a warning says so. The
    same holds for the settings that were lost with a worker that died. Raises ValueError for
    settings that are equal or cannot be written as JSON.
    """
    checks.function("job", job)
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(
            "executor must be a concurrent.futures.Executor or None; "
            f"it is a {type(executor).__name__}."
        )
    settings = list(settings)
    names = file_names(job, settings)
    files = (
        names if folder is None else [Path(folder, name[:2], f"{name[2:]}.npz") for name in names]
    )
    results = Results(settings, files)
    todo = [i for i in range(len(settings)) if folder is None or not readable(files[i])]
    outcomes = in_turn if executor is None else partial(hand_out, executor)
    with one_thread():
        ended = outcomes(carry(partial(run_each, job, os.getpid())), settings, todo)
        for index, value, error in track(Counted(ended, len(todo)), label):
            keep(results, index, value, error, folder)
    report(results)
    return results


def table(results, over="seed"):
    """A Row for each leaf of each group of settings that differ in `over` alone; failures aside.

    The standard error is that of the mean, sd / sqrt(count), and nan for a count of 1.
    """
    groups = {}
    for result in results:
        if not isinstance(result.setting, dict) or over not in result.setting:
            raise ValueError(
                f"Every setting must be a dict with {over!r}; {result.setting} is not."
            )
        rest = {name: value for name, value in result.setting.items() if name != over}
        group = groups.setdefault(canonical(rest), (rest, []))
        if result.error is None:
            group[1].append(result.value)
    return [row for rest, trees in groups.values() if trees for row in rows(rest, trees)]


def rows(setting, trees):
    """The Rows of trees that are alike, one for each leaf."""
    names = leaves(named(trees[0]))
    for leaf, *values in zip(names, *map(leaves, trees), strict=True):
        values = numpy.array(values, dtype=float)  # (count, ...)
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else values[0] * numpy.nan
        yield Row(setting, leaf, values.mean(axis=0), spread / len(values) ** 0.5, len(values))


def named(tree, name=""):
    """The tree with each leaf's name in its place, such as "losses.0"."""
    dot = "." if name else ""
    if isinstance(tree, dict):
        return {key: named(value, f"{name}{dot}{key}") for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [named(value, f"{name}{dot}{i}") for i, value in enumerate(tree)]
    return name


class Counted(NamedTuple):
    """An iterable whose length is known, for the progress."""

    items: object
    count: int

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return self.count


# ---- Keeping ----


def keep(results, index, value, error, folder):
    """Write the value to its file; hold it in memory where there is no folder or no room."""
    if error is None and folder is not None:
        try:
            setting = json.loads(canonical(results.settings[index]))
            checkpoint.save(results.files[index], value, config=setting, durable=False)
            return
        except TypeError:  # no tree of arrays and numbers
            error, value = traceback.format_exc(), None
        except OSError as full:
            warnings.warn(f"A result is held in memory alone: {full}.", stacklevel=3)
    if error is None:
        results.values[index] = value
    else:
        results.errors[index] = error


def report(results):
    """Warn if settings failed: how many, and the last line of the first one's error."""
    if results.errors:
        first = results.failures[0]
        warnings.warn(
            f"{len(results.errors)} of {len(results)} settings failed; the first was "
            f"{first.setting}: {first.error.strip().splitlines()[-1]}",
            stacklevel=3,
        )


def readable(path):
    """Whether the checkpoint is there and whole; one that is damaged will be made again."""
    if not path.exists():
        return False
    try:
        checkpoint.load(path)
    except checkpoint.CheckpointError:
        return False
    return True


def file_names(job, settings):
    """A name for each setting: the digest of the job's name, the setting and the float type.

    Its first two letters become a folder, because writing into one of many files is slow.
    """
    name, floating, seen = job_name(job), current().floating.name, {}
    for index, setting in enumerate(settings):
        text = canonical([name, floating, setting])
        if text in seen:
            raise ValueError(
                f"Settings must differ; settings[{index}] equals settings[{seen[text]}], {setting}."
            )
        seen[text] = index
    return [hashlib.sha256(text.encode()).hexdigest()[:20] for text in seen]


def job_name(job):
    """What a job is known by in files: its module and name, and the arguments bound to it."""
    if isinstance(job, partial):
        return [job_name(job.func), list(job.args), job.keywords]
    return [job.__module__, getattr(job, "__qualname__", type(job).__qualname__)]


def canonical(value):
    """The one JSON text of a value; NumPy's numbers count as Python's."""
    try:
        return json.dumps(value, sort_keys=True, default=lambda number: number.item())
    except (TypeError, ValueError, AttributeError):
        raise ValueError(
            "A setting, and what is bound to a job, must be numbers, text, lists and dicts of "
            f"these; {value!r:.100} is not."
        ) from None
