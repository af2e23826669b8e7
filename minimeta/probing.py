"""Measures of what a learner knows at any time, from its answers alone.

    effective weights     W_hat: the linear map, with an offset, closest to the answers to probes
    effective spectrum    (U' W_hat V)_kk / s_k        W = U diag(s) V' is the truth
    Fourier progress      Re <f_hat_k, f_k> / |f_k|^2  f_k is the part of wave k in the truth
    half-time             when a curve of progress first reaches 1/2

An `answer` is a function that gives what a learner answers in a fixed state: inputs x (N, D) ->
(..., N, C), with task axes in front. `answers` makes one from any Learner after s examples, and
`descent` from a network after every step of its training. So a network that descends for thousands
of steps and a meta-learner that reads ten examples are measured in the same way.

Source: Rabinowitz 2019, arXiv:1905.01320, as public reading notes describe it.  Lesson `dynamics`.
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
    """The learner's answer after the first s examples of the support, for each s in shots: a list.

    Every answer is a function x (N, D) -> (M, N, C), and no call of it changes its state.
    """
    check_data("support", support)
    states = [learner.adapt(meta, take(support, s)) for s in shots]
    return [_freeze(learner, meta, state, len(support.x)) for state in states]


def through(view, learner):
    """The Learner that reads view(x) in place of x, such as points in place of angles."""
    return Learner(
        init=learner.init,
        adapt=lambda meta, support: learner.adapt(meta, Data(view(support.x), support.y)),
        predict=lambda meta, state, x: learner.predict(meta, state, view(x)),
    )


def descent(apply, params, optimizer, batch, steps):
    """Yield the answers of networks after 0, 1, ..., steps steps of training: steps + 1 of them.

    apply(params, x) -> y are the networks, and batch() gives the next examples, Data. An optimizer
    of core.optim minimises their mean squared errors, summed over all task axes.
    """
    checks.integer("steps", steps, at_least=0)
    gradient = grad(lambda params, data: np.sum(mse(apply(params, data.x), data.y)))
    state = optimizer.init(params)
    yield _network(apply, params)
    for _ in range(steps):
        params, state = optimizer.update(gradient(params, batch()), state, params)
        yield _network(apply, params)


def curve(measure, answers, truth):
    """The mean over tasks of measure(answer, truth), (M, K), for each of T answers: (T, K)."""
    return np.stack([np.mean(measure(answer, truth), axis=0) for answer in answers])


def effective_weights(answer, probes):
    """The weights (..., D, C) of the affine map closest to the answers to probes (N, D), N > D.

    If the answers are an affine map, these are its weights; otherwise they are the least-squares
    fit. Raises ValueError if the probes do not determine all directions and the offset.
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
    """The progress (..., K) on every singular mode of the true map (..., D, C), strongest first.

    `weights` (..., D, C) are the learner's. Only the diagonal of U' W_hat V counts. Raises
    ValueError if a singular value of the truth is 0.
    """
    _check_alike(weights, truth, "... D C")
    left, strength, right = np.linalg.svd(truth, full_matrices=False)
    if not np.all(strength > 0.0):
        raise ValueError("truth must have full rank: a mode of strength 0 has no progress.")
    modes = np.swapaxes(left, -1, -2) @ weights @ np.swapaxes(right, -1, -2)  # (..., K, K)
    return np.diagonal(modes, axis1=-2, axis2=-1) / strength


def fourier_weights(answer, frequencies, points=POINTS):
    """The weights (..., 2K, C) of waves 1, ..., K in an answer, ordered as tasks.fourier.features.

    The answer takes angles (N, 1), here `points` of them at even distances. K is `frequencies`, and
    must be less than half of `points`.
    """
    checks.integer("frequencies", frequencies, at_least=1)
    checks.integer("points", points, at_least=2 * frequencies + 1)
    x = PERIOD / points * np.arange(float(points))[:, None]
    return np.swapaxes(features(x, frequencies), -1, -2) @ answer(x) / points


def fourier_progress(weights, truth):
    """Re <f_hat_k, f_k> / |f_k|^2, (..., K), for Fourier weights (..., 2K, C); 1 if they are equal.

    Raises ValueError if the truth, (..., 2K, C) too, has a wave of power 0.
    """
    _check_alike(weights, truth, "... 2K C")
    if np.shape(truth)[-2] % 2:
        raise ValueError(f"truth must have shape (..., 2K, C); its shape is {np.shape(truth)}.")
    by_wave = lambda a: np.reshape(a, (*np.shape(a)[:-2], -1, 2 * np.shape(a)[-1]))
    weights, truth = by_wave(weights), by_wave(truth)  # (..., K, 2C)
    power = np.sum(truth**2, axis=-1)
    if not np.all(power > 0.0):
        raise ValueError("truth must contain every wave: one of power 0 has no progress.")
    return np.sum(weights * truth, axis=-1) / power


def half_time(times, progress):
    """When each column of progress (T, K) first reaches 1/2, (K,); inf if it never does.

    `times` (T,) are those of the rows, and the answer is interpolated between them.
    """
    checks.array("times", times, "T")
    checks.array("progress", progress, "T K")
    if len(times) != len(progress):
        raise ValueError(
            f"times and progress must have as many rows; they have {len(times)} and "
            f"{len(progress)}."
        )
    halves = numpy.full(progress.shape[1], numpy.inf)
    for k, curve in enumerate(progress.T):
        above = numpy.flatnonzero(curve >= 0.5)
        if above.size:
            around = slice(max(0, above[0] - 1), above[0] + 1)
            halves[k] = numpy.interp(0.5, curve[around], times[around])
    return halves


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


def _freeze(learner, meta, state, tasks):
    spread = lambda x: np.broadcast_to(x, (tasks, *np.shape(x)))
    return lambda x: learner.predict(meta, state, spread(x))
