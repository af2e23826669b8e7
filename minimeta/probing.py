"""What a learner has learned at any time, seen from outside: freeze it, ask it, compare.

    effective weights     W_hat: the linear map, with an offset, closest to the answers to probes
    effective spectrum    (U' W_hat V)_kk / s_k        W = U diag(s) V' the truth; the rest ignored
    Fourier progress      Re <f_hat_k, f_k> / |f_k|^2  f_k the part of wave k in the truth
    half-time             when a curve of progress first reaches 1/2

An `answer` is what a frozen learner says: a function of inputs x (N, D) -> (..., N, C), with task
axes in front. `answers` makes one from any Learner after s examples, `descent` from a network after
every step of its training. So learners that descend for thousands of steps and meta-learners that
look at ten examples are measured alike.

Source: Rabinowitz 2019, arXiv:1905.01320, as described in public reading notes.  Lesson 12.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.tasks.fourier import PERIOD, features
from minimeta.tasks.task import Data, check_data, take

POINTS = 128  # of the grid on which waves are measured; more than any wave here needs


def answers(learner, meta, support, shots):
    """What the learner would answer after the first s examples, for each s in shots: a list.

    Every answer is a function x (N, D) -> (M, N, C); its state is frozen, whatever it is asked.
    """
    check_data("support", support)
    states = [learner.adapt(meta, take(support, s)) for s in shots]
    return [_frozen(learner, meta, state, len(support.x)) for state in states]


def through(view, learner):
    """The Learner that is shown view(x) in place of x, such as points in place of angles."""
    return Learner(
        init=learner.init,
        adapt=lambda meta, support: learner.adapt(meta, Data(view(support.x), support.y)),
        predict=lambda meta, state, x: learner.predict(meta, state, view(x)),
    )


def descent(apply, params, optimizer, batch, steps):
    """What networks in training answer after 0, 1, ..., steps steps: yields steps + 1 answers.

    apply(params, x) -> y is the network, batch() the next examples, Data; an optimizer of
    core.optim descends on the mean squared errors, summed over the networks of all task axes.
    """
    checks.integer("steps", steps, at_least=0)
    slope = grad(lambda params, data: np.sum(mse(apply(params, data.x), data.y)))
    state = optimizer.init(params)
    yield _network(apply, params)
    for _ in range(steps):
        params, state = optimizer.update(slope(params, batch()), state, params)
        yield _network(apply, params)


def curve(measure, answers, truth):
    """measure(answer, truth), (M, K), of each of the answers, averaged over tasks: (T, K)."""
    return np.stack([np.mean(measure(answer, truth), axis=0) for answer in answers])


def effective_weights(answer, probes):
    """The weights (..., D, C) of the affine map closest to the answers to probes (N, D), N > D.

    A map that is affine is recovered; of any other this is its best linear description there.
    Raises ValueError if the probes do not tell all directions and the offset apart.
    """
    checks.array("probes", probes, "N D")
    count, inputs = np.shape(probes)
    design = np.concatenate([probes, np.ones((count, 1), dtype=probes.dtype)], axis=1)
    if count <= inputs or np.linalg.matrix_rank(design) <= inputs:
        raise ValueError(
            f"probes must be more than {inputs} inputs in different directions; "
            f"their shape is {np.shape(probes)}."
        )
    return (np.linalg.pinv(design) @ answer(probes))[..., :inputs, :]


def effective_spectrum(weights, truth):
    """The progress (..., K) of every singular mode of the true map (..., D, C), strongest first.

    `weights` (..., D, C) are what was found, the task axes those of the truth.
    """
    _check_alike(weights, truth, "... D C")
    left, strength, right = np.linalg.svd(truth, full_matrices=False)
    if not np.all(strength > 0.0):
        raise ValueError("truth must have full rank: a mode of strength 0 has no progress.")
    seen = np.swapaxes(left, -1, -2) @ weights @ np.swapaxes(right, -1, -2)  # (..., K, K)
    return np.diagonal(seen, axis1=-2, axis2=-1) / strength


def fourier_weights(answer, frequencies, points=POINTS):
    """The waves 1, ..., K in the answers to all angles: (..., 2K, C), as tasks.fourier has them.

    The answer takes angles (N, 1) and is asked at `points` of them, evenly spaced; K is
    `frequencies`, less than half as many.
    """
    checks.integer("frequencies", frequencies, at_least=1)
    checks.integer("points", points, at_least=2 * frequencies + 1)
    x = PERIOD / points * np.arange(float(points))[:, None]
    return np.swapaxes(features(x, frequencies), -1, -2) @ answer(x) / points


def fourier_progress(weights, truth):
    """Re <f_hat_k, f_k> / |f_k|^2, (..., K), of Fourier weights (..., 2K, C); 1 when learned."""
    _check_alike(weights, truth, "... 2K C")
    if np.shape(truth)[-2] % 2:
        raise ValueError(f"truth must have shape (..., 2K, C); its shape is {np.shape(truth)}.")
    by_wave = lambda a: np.reshape(a, (*np.shape(a)[:-2], -1, 2 * np.shape(a)[-1]))
    found, truth = by_wave(weights), by_wave(truth)  # (..., K, 2C)
    power = np.sum(truth**2, axis=-1)
    if not np.all(power > 0.0):
        raise ValueError("truth must contain every wave: one of power 0 has no progress.")
    return np.sum(found * truth, axis=-1) / power


def half_time(times, progress):
    """When each column of progress (T, K) first reaches 1/2: (K,), interpolated; inf if never."""
    checks.array("times", times, "T")
    checks.array("progress", progress, "T K")
    if len(times) != len(progress):
        raise ValueError(
            f"times and progress must have as many rows; they have {len(times)} and "
            f"{len(progress)}."
        )
    found = numpy.full(progress.shape[1], numpy.inf)
    for k, curve in enumerate(progress.T):
        reached = numpy.flatnonzero(curve >= 0.5)
        if reached.size:
            until = slice(max(0, reached[0] - 1), reached[0] + 1)
            found[k] = numpy.interp(0.5, curve[until], times[until])
    return found


def _check_alike(weights, truth, letters):
    checks.array("truth", truth, letters)
    checks.array("weights", weights, letters)
    if np.shape(weights)[-2:] != np.shape(truth)[-2:]:
        raise ValueError(
            "weights and truth must have the same last two axes; "
            f"their shapes are {np.shape(weights)} and {np.shape(truth)}."
        )


def _network(apply, params):
    return lambda x: apply(params, x)


def _frozen(learner, meta, state, tasks):
    spread = lambda x: np.broadcast_to(x, (tasks, *np.shape(x)))
    return lambda x: learner.predict(meta, state, spread(x))
