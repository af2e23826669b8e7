"""The loop that trains everything: draw, differentiate, update; saved, resumed, stopped in order.

    meta <- optimizer.update( gradient(meta, sample(rng)) )

`train` takes any gradient and any tree of data. `meta_train` follows the gradient of the meta-loss,
`sequence_train` that of the sequence loss.
"""

import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple

import numpy
from numpy.random import Generator

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.gradients import value_and_grad
from minimeta.core.learner import Learner
from minimeta.core.optim import adam
from minimeta.core.replay import ReplayError, replay
from minimeta.core.runs import checkpoint as checkpoints
from minimeta.core.runs.progress import track
from minimeta.core.runs.shares import share_out
from minimeta.core.runs.signals import stoppable, uninterrupted
from minimeta.core.trees import check_alike, check_trainable, leaves, names
from minimeta.meta import meta_loss, sequence_loss
from minimeta.tasks.task import Task, check_finite, check_task


class Run(NamedTuple):
    """A training run after `step` updates."""

    meta: object
    optimizer: object  # the optimizer's state
    good: object  # the last parameters whose loss was finite
    step: int
    rng_state: dict  # the generator after `step` draws


def meta_train(
    learner: Learner, sample: Callable, rng: Generator, steps: int, **options: Any
) -> tuple[Any, numpy.ndarray]:
    """Minimise the learner's meta-loss over tasks drawn by sample(rng); return (meta, history).

    `train` on the gradient of `meta_loss`; the options are those of `train`.
    """
    check_functions("learner", learner, "init", "adapt", "predict", "loss")
    follow = value_and_grad(lambda meta, task: meta_loss(learner, meta, task))
    return train(
        learner.init, follow, tasks_of(sample), rng, steps, **{"label": "meta-train", **options}
    )


def sequence_train(
    learner: Learner, sample: Callable, rng: Generator, steps: int, **options: Any
) -> tuple[Any, numpy.ndarray]:
    """Minimise the loss at every position of sequences, `sequence_loss`; return (meta, history).

    For sequential learners: one pass is a lesson at every number of shots. Options as of `train`.
    """
    check_functions("learner", learner, "init", "loss")
    follow = value_and_grad(lambda meta, task: sequence_loss(learner, meta, task))
    return train(
        learner.init, follow, tasks_of(sample), rng, steps, **{"label": "meta-train", **options}
    )


def train(
    init: Callable,
    value_and_gradient: Callable,
    sample: Callable,
    rng: Generator,
    steps: int,
    *,
    optimizer: Any = None,
    checkpoint: str | os.PathLike | None = None,
    save_every: int = 100,
    resume: str | os.PathLike | None = None,
    label: str = "train",
    workers: int = 1,
) -> tuple[Any, numpy.ndarray]:
    """Follow value_and_gradient(meta, data), with data of sample(rng); return (meta, history).

    init(rng) gives the first parameters, a tree; sample(rng) any tree of arrays, such as a Task.
    history is the value before every step, (steps,). The optimizer is adam(1e-3) unless given.
    A step is recorded once and replayed (minimeta.core.replay).

    With `workers` above 1, the tasks, axis 0 of all data, are shared out among as many threads. The
    value must be a mean over the tasks. It pays for large steps alone: `benchmarks.workers`.

    With `checkpoint`, a path, the run is saved at the start, every `save_every` steps, at the end,
    and on Ctrl-C or SIGTERM, then with or without a path of its own. `resume` continues such a
    file, bit for bit, and sets `rng` to where that run was (if `sample` spawns from rng, give it
    the seed it had). `label` names the line of progress; with None there is none.

    Raises FloatingPointError at the first value or gradient that is not finite, and RunError where
    a run cannot be saved. Both, and the KeyboardInterrupt of a stopped run, have the last good
    parameters as `meta` and the values as `history`.
    """
    checks.integer("steps", steps, at_least=0)
    checks.integer("save_every", save_every, at_least=1)
    checks.integer("workers", workers, at_least=1)
    optimizer = adam(1e-3) if optimizer is None else optimizer
    check_kinds(rng, optimizer)
    history = numpy.full(steps, numpy.nan)
    run = begin(init, optimizer, rng)
    if resume is not None:
        run = continued(resume, run, rng, history)
    try:
        with stoppable(), stepping(value_and_gradient, optimizer, workers) as update:
            steps_left = range(run.step, steps)
            for step in (progress := track(steps_left, label or "", quiet=label is None)):
                if checkpoint and step % save_every == 0:
                    save(checkpoint, run, history)
                data = draw(sample, rng)
                value, meta, state = update(run.meta, run.optimizer, data)
                history[step] = value
                check_step(value_and_gradient, run, data, meta, history)
                run = Run(meta, state, run.meta, step + 1, checkpoints.generator_state(rng))
                progress.log(history[step])
            if checkpoint:
                save(checkpoint, run, history)
    except KeyboardInterrupt:
        raise stopped(checkpoint or new_name(), run, history) from None
    return run.meta, history


def begin(init, optimizer, rng):
    """A run before its first step; raise if there is nothing to train."""
    meta = init(rng)
    check_trainable("meta", meta)
    if not leaves(meta):
        raise ValueError(
            "This learner has nothing to train: its init returns a tree without leaves."
        )
    return Run(meta, optimizer.init(meta), meta, 0, checkpoints.generator_state(rng))


@contextlib.contextmanager
def stepping(value_and_gradient, optimizer, workers):
    """The function of one step, as fast as it can be had: replayed, and in as many threads."""
    if workers == 1:
        yield replay_or_not(step_of(value_and_gradient, optimizer))
        return
    programs = [replay_or_not(value_and_gradient) for _ in range(workers)]
    optimizer = optimizer._replace(update=replay_or_not(optimizer.update))
    with ThreadPoolExecutor(workers) as executor:
        yield step_of(share_out(programs, executor), optimizer)


def step_of(value_and_gradient, optimizer):
    """One step of training as a function of trees: meta, state, data -> value, meta, state."""

    def step(meta, state, data):
        value, gradient = value_and_gradient(meta, data)
        return value, *optimizer.update(gradient, state, meta)

    return step


def replay_or_not(step):
    """step recorded once and replayed from then on, or, where that is not safe, step as it is."""
    fast = replay(step)

    def either(*trees):
        nonlocal fast
        try:
            return fast(*trees)
        except ReplayError as error:
            print(f"Training goes on without replay: {error}", file=sys.stderr)
            fast = step
            return step(*trees)

    return either


def tasks_of(sample):
    """sample, which must give a Task of fitting shapes at every call."""

    def checked(rng):
        task = sample(rng)
        check_task(task)
        return task

    return checked


def draw(sample, rng):
    """The next data, which must be a tree of arrays."""
    data = sample(rng)
    for name, leaf in zip(names(data, "sample(rng)"), leaves(data)):
        if not hasattr(leaf, "dtype"):
            raise TypeError(f"{name} is {type(leaf).__name__} {leaf!r:.40}; it must be an array.")
    return data


def check_kinds(rng, optimizer):
    """Raise unless these are a generator and an optimizer."""
    if not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, as default_rng(0); it is {rng!r:.60}."
        )
    check_functions("optimizer", optimizer, "init", "update")


def check_functions(name, record, *fields):
    """Raise unless the record has a function in each of these fields."""
    for field in fields:
        if not hasattr(record, field):
            raise TypeError(f"{name} must have {' and '.join(fields)}; it is {record!r:.60}.")
        if not callable(getattr(record, field)):
            raise TypeError(
                f"{name}.{field} must be a function; it is {getattr(record, field)!r:.60}."
            )


# ---- What is not finite ----


def check_step(value_and_gradient, run, data, new, history):
    """Raise FloatingPointError if the value of this step or the new parameters are not finite."""
    if numpy.isfinite(history[run.step]) and all_finite(new):
        return
    if isinstance(data, Task):
        check_finite(data)
    for name, leaf in zip(names(data, "sample(rng)"), leaves(data)):
        checks.finite(name, leaf)
    what, good = f"The loss is {history[run.step]}", run.good
    if numpy.isfinite(history[run.step]):
        good = run.meta
        finite = all_finite(value_and_gradient(run.meta, data)[1])
        what = "The updated parameters are not finite" if finite else "The gradient is not finite"
    error = FloatingPointError(
        f"{what} at step {run.step}; a smaller step size may help. "
        "The last good parameters are this error's `meta`."
    )
    error.meta, error.history = good, history[: run.step]
    raise error


def all_finite(tree):
    """Whether every number of the tree is finite; one product a leaf costs little."""
    return all(
        np.isfinite(np.sum(leaf * leaf)) or np.all(np.isfinite(leaf)) for leaf in leaves(tree)
    )


# ---- Saving and going on ----


class RunError(RuntimeError):
    """A run that cannot be saved; `meta` and `history` are what it had reached."""


def save(path, run, history):
    """Write the run to `path`: parameters, optimizer, values so far, and the generator."""
    tree = {"meta": run.meta, "optimizer": run.optimizer, "history": history[: run.step]}
    try:
        checkpoints.save(path, tree, step=run.step, rng=run.rng_state)
    except (OSError, TypeError, ValueError) as reason:
        error = RunError(
            f"The run cannot be saved as {str(path)!r}: {str(reason).rstrip('.')}. "
            f"The parameters after {run.step} steps are this error's `meta`."
        )
        error.meta, error.history = run.meta, history[: run.step]
        raise error from reason


def stopped(path, run, history):
    """The KeyboardInterrupt of a stopped run, which it saves: it says how to go on."""
    kept = f"To go on: train or meta_train(..., resume={str(path)!r})."
    try:
        with uninterrupted():  # a second Ctrl-C waits until the file is whole
            save(path, run, history)
    except KeyboardInterrupt:
        pass
    except RunError as error:
        kept = str(error)
    stop = KeyboardInterrupt(f"Stopped after {run.step} steps. {kept}")
    stop.meta, stop.history = run.meta, history[: run.step]
    return stop


def new_name():
    """A file for an interrupted run that named none; no other run has it."""
    return f"out/interrupted-{os.urandom(4).hex()}.npz"


def continued(path, fresh, rng, history):
    """The run saved at `path`, of the same trees as the fresh one. Sets rng and old history."""
    saved = checkpoints.load(path)
    if not isinstance(saved.tree, dict) or set(saved.tree) != {"meta", "optimizer", "history"}:
        raise checkpoints.CheckpointError(f"{path} holds no training run.")
    meta, state = to_device((saved.tree["meta"], saved.tree["optimizer"]))
    check_alike("the saved meta", meta, "meta", fresh.meta)
    check_alike("the saved optimizer state", state, "this optimizer's state", fresh.optimizer)
    if saved.step > len(history):
        raise ValueError(
            f"{path} is at step {saved.step}, beyond the {len(history)} steps asked for."
        )
    rewind(rng, saved.rng_state)
    history[: saved.step] = saved.tree["history"]
    return Run(meta, state, meta, saved.step, saved.rng_state)


def rewind(rng, state):
    """Bring a generator with the saved run's seed to where it was, spawned streams included."""
    rng.bit_generator.state = state
    seeds = rng.bit_generator.seed_seq
    seeds.spawn(max(0, state["seed_seq"]["n_children_spawned"] - seeds.n_children_spawned))
