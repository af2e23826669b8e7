"""Random waves with a prescribed spectrum: linear maps of Fourier features.

    y = sum_k sqrt(2) (a_k cos kx + b_k sin kx) + noise    a_k, b_k ~ N(0, amplitude_k^2), k = 1..K

The features have mean square one over a period, so amplitude_k^2 is the power per weight at
frequency k. Where it is zero the spectrum has a gap; `band` makes the amplitudes of low-pass and
band-pass families. For a learner trained on a family, waves in its gaps are out of distribution.
"""

import math

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.tasks.drawing import count, generator, split
from minimeta.tasks.regression import draw_weights

PERIOD = 2.0 * math.pi


def fourier(rng, tasks, shots, queries, amplitudes, noise_variance=0.0):
    """M waves with `amplitudes` (K,) >= 0, x uniform over one period: x and y (M, N, 1)."""
    weights = draw_weights(rng, tasks, prior_covariance(amplitudes))
    return from_weights(rng, weights, shots, queries, noise_variance)


def band(lowest, highest, frequencies, power=1.0):
    """Amplitudes (K,), equal for waves from `lowest` to `highest` and 0 elsewhere, E y^2 = `power`.

    K is `frequencies`. With `lowest` = 1 it is a low-pass family, otherwise a band-pass family.
    """
    checks.integer("lowest", lowest, at_least=1)
    checks.integer("highest", highest, at_least=lowest)
    checks.integer("frequencies", frequencies, at_least=highest)
    checks.number("power", power, above=0.0)
    waves = numpy.arange(1, frequencies + 1)
    inside = (lowest <= waves) & (waves <= highest)
    return numpy.sqrt(power / (2.0 * inside.sum())) * inside


def draw_phases(rng, tasks, amplitudes):
    """Weights (M, 2K, 1) with random phases and a_k^2 + b_k^2 = 2 amplitude_k^2 exactly.

    The mean powers are those of the Gaussian family, but no wave of the band is ever small.
    """
    checks.integer("tasks", tasks, at_least=1)
    prior_covariance(amplitudes)  # for its checks
    phases = generator(rng).uniform(0.0, PERIOD, size=(tasks, len(amplitudes)))
    pairs = numpy.stack([numpy.cos(phases), numpy.sin(phases)], axis=-1)  # (M, K, 2)
    weights = math.sqrt(2.0) * amplitudes[:, None] * pairs
    return weights.reshape(tasks, -1, 1)


def from_weights(rng, weights, shots, queries, noise_variance=0.0):
    """A Task of the waves with `weights` (M, 2K, 1), which are in the order of `features`."""
    checks.array("weights", weights, "M K C")
    checks.number("noise_variance", noise_variance, at_least=0.0)
    x = generator(rng).uniform(0.0, PERIOD, size=(len(weights), count(shots, queries), 1))
    y = features(x, weights.shape[1] // 2) @ weights
    return split(x, y + math.sqrt(noise_variance) * rng.normal(size=y.shape), shots)


def features(x, frequencies):
    """sqrt(2) (cos x, sin x, cos 2x, ..., sin Kx), (..., N, 2K), of x (..., N, 1).

    K is `frequencies`.
    """
    checks.floats("x", x)
    checks.axes("x", x, "... N D")
    checks.integer("frequencies", frequencies, at_least=1)
    waves = [wave(k * x) for k in range(1, frequencies + 1) for wave in (np.cos, np.sin)]
    return math.sqrt(2.0) * np.concatenate(waves, axis=-1)


def prior_covariance(amplitudes):
    """The covariance (2K, 2K) of the weights of waves with amplitudes (K,), as a NumPy array."""
    checks.array("amplitudes", amplitudes, "K")
    if not numpy.size(amplitudes) or numpy.min(amplitudes) < 0.0:
        raise ValueError(f"amplitudes must be some numbers of at least 0; they are {amplitudes}.")
    return numpy.diag(numpy.repeat(amplitudes**2, 2))
