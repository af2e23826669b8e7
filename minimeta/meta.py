"""Supervised learning whose examples are tasks and whose model is a learning algorithm.

    meta-loss:   mean over tasks of  loss( predict(meta, adapt(meta, support), query.x), query.y )

Every learner of the project is a `Learner`; this module trains and judges them all and knows none.
*meta* changes across tasks (the outer loop), *state* within one task (the inner loop).
"""

import copy
import sys
from typing import NamedTuple

import numpy

from minimeta.core import checkpoint as checkpoints
from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.gradients import value_and_grad
from minimeta.core.learner import Learner  # noqa: F401  (its public name is minimeta.meta.Learner)
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.progress import track
from minimeta.core.replay import ReplayError, replay
from minimeta.core.trees import check_alike, check_parameters, leaves
from minimeta.tasks.task import Task, check_finite, check_task, take

INTERRUPTED = "out/interrupted.npz"  # where Ctrl-C saves a run that named no checkpoint


class Run(NamedTuple):
    """A meta-training run after `step` updates."""

    meta: object
    optimizer: object  # the optimizer's state
    good: object  # the last parameters whose meta-loss was finite
    step: int
    rng_state: dict  # the generator after `step` draws


def meta_loss(learner, meta, task, loss=mse):
    """The query loss after adapting to the support, averaged over the M tasks: a scalar."""
    return np.mean(task_losses(learner, meta, task, loss))


def evaluate(learner, meta, task, loss=mse):
    """The query loss of every task after adapting to its support: (M,).

    Raises FloatingPointError if a loss is not finite: the inner loop has diverged.
    """
    check_task(task)
    losses = task_losses(learner, meta, task, loss)  # (M,)
    bad = [i for i, value in enumerate(losses) if not np.isfinite(value)]
    if bad:
        check_finite(task)
        raise FloatingPointError(
            f"The loss is not finite on {len(bad)} of {len(losses)} tasks (first: task {bad[0]}); "
            "a smaller inner step size may help."
        )
    return losses


def learning_curve(learner, meta, task, shots, loss=mse):
    """Losses after the first s support examples, for each s in shots: (len(shots), M)."""
    check_task(task)
    first = [Task(take(task.support, s), task.query) for s in shots]
    return np.stack([evaluate(learner, meta, part, loss) for part in first])


def task_losses(learner, meta, task, loss):
    """The query loss of each task, (M,): what meta_loss averages."""
    state = learner.adapt(meta, task.support)
    return loss(learner.predict(meta, state, task.query.x), task.query.y)


def meta_train(
    learner,
    sample,
    rng,
    steps,
    *,
    optimizer=None,
    loss=mse,
    meta_gradient=None,
    checkpoint=None,
    save_every=100,
    resume=None,
    label="meta-train",
):
    """Minimise the meta-loss over tasks drawn by sample(rng); return (meta, history).

    history is the meta-loss before every step, (steps,). The optimizer is adam(1e-3) unless given.
    meta_gradient(meta, task) -> (value, gradient) replaces the gradient of the meta-loss, for
    methods that do not follow it; either is recorded once and replayed (core/replay.py).

    With `checkpoint`, a path, the run is saved at the start, every `save_every` steps, at the end
    and on Ctrl-C. `resume` continues such a file, bit for bit, and sets `rng` to where that run
    was (if `sample` spawns from rng, give it the seed it had). At the first meta-loss that is not
    finite it raises FloatingPointError, which has the last good parameters as `meta` and the losses
    as `history`. `label` names the line of progress; with None there is none.
    """
    checks.integer("steps", steps, at_least=0)
    checks.integer("save_every", save_every, at_least=1)
    optimizer = optimizer or adam(1e-3)
    slope = meta_gradient or value_and_grad(lambda meta, task: meta_loss(learner, meta, task, loss))
    update = replay_or_not(step_of(slope, optimizer))
    history = numpy.full(steps, numpy.nan)
    run = (
        begin(learner, optimizer, rng) if resume is None else resumed(resume, learner, rng, history)
    )
    try:
        for step in (progress := track(range(run.step, steps), label or "", quiet=label is None)):
            if checkpoint and step % save_every == 0:
                save(checkpoint, run, history)
            run = advance(run, update, draw(sample, rng), rng, history)
            progress.log(history[step])
    except KeyboardInterrupt:
        raise KeyboardInterrupt(stopped(checkpoint or INTERRUPTED, run, history)) from None
    if checkpoint:
        save(checkpoint, run, history)
    return run.meta, history


def begin(learner, optimizer, rng):
    """A run before its first step; raise if the learner has nothing to train."""
    meta = learner.init(rng)
    check_parameters("meta", meta)
    if not leaves(meta):
        raise ValueError(
            "This learner has nothing to train: its init returns a tree without leaves."
        )
    return Run(meta, optimizer.init(meta), meta, 0, checkpoints.generator_state(rng))


def step_of(slope, optimizer):
    """One step of training as a function of trees: meta, state, task -> value, meta, state."""

    def step(meta, state, task):
        value, gradient = slope(meta, task)
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


def draw(sample, rng):
    """The next batch of tasks, its shapes checked."""
    task = sample(rng)
    check_task(task)
    return task


def advance(run, update, task, rng, history):
    """The run after one more update; writes the meta-loss before it into history."""
    value, meta, state = update(run.meta, run.optimizer, task)
    history[run.step] = value
    if not numpy.isfinite(history[run.step]):
        diverged(run, task, history)
    return Run(meta, state, run.meta, run.step + 1, checkpoints.generator_state(rng))


def diverged(run, task, history):
    """Raise: the meta-loss of this step is not finite. Blames the data first if they are not."""
    check_finite(task)
    error = FloatingPointError(
        f"The meta-loss is {history[run.step]} at step {run.step}; a smaller step size may help. "
        "The last good parameters are this error's `meta`."
    )
    error.meta, error.history = run.good, history[: run.step]
    raise error


def save(path, run, history):
    """Write the run to `path`: parameters, optimizer, losses so far, and the generator."""
    tree = {"meta": run.meta, "optimizer": run.optimizer, "history": history[: run.step]}
    checkpoints.save(path, tree, step=run.step, rng=run.rng_state)


def resumed(path, learner, rng, history):
    """The run saved at `path`. Sets rng and the beginning of history to what they were."""
    saved = checkpoints.load(path)
    if not isinstance(saved.tree, dict) or set(saved.tree) != {"meta", "optimizer", "history"}:
        raise checkpoints.CheckpointError(f"{path} holds no meta-training run.")
    check_alike("the saved meta", saved.tree["meta"], "meta", learner.init(copy.deepcopy(rng)))
    if saved.step > len(history):
        raise ValueError(
            f"{path} is at step {saved.step}, beyond the {len(history)} steps asked for."
        )
    rewind(rng, saved.rng_state)
    history[: saved.step] = saved.tree["history"]
    meta, state = to_device((saved.tree["meta"], saved.tree["optimizer"]))
    return Run(meta, state, meta, saved.step, saved.rng_state)


def rewind(rng, state):
    """Bring a generator with the saved run's seed to where it was, spawned streams included."""
    rng.bit_generator.state = state
    seeds = rng.bit_generator.seed_seq
    seeds.spawn(max(0, state["seed_seq"]["n_children_spawned"] - seeds.n_children_spawned))


def stopped(path, run, history):
    """Save an interrupted run; return the sentence that says how to go on."""
    save(path, run, history)
    return f"Stopped after {run.step} steps. To go on: meta_train(..., resume={path!r})."
