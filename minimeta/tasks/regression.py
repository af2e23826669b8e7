"""Regression tasks with a known distribution, so that the best possible answer can be computed.

    linear    y = x w + noise       w ~ N(mean, covariance), x ~ N(0, I)
    uniform   y = x w + noise       w ~ N(0, I), x uniform
    sines     y = A sin(x - phi)    A, phi and x uniform

Data are drawn on the CPU in float64 and returned on the current device in the current float type.
If you need the truth of a task, draw it first (`draw_weights`, `draw_sines`) and then its examples
(`from_weights`, `from_sines`); the results are the same.
Source of the sines: Finn, Abbeel & Levine 2017, arXiv:1703.03400, as in github.com/cbfinn/maml.
"""

import math
import numbers

import numpy

from minimeta.core import checks
from minimeta.tasks.drawing import count, generator, limits, split

AMPLITUDE, PHASE, X_RANGE = (0.1, 5.0), (0.0, math.pi), (-5.0, 5.0)  # the sines of MAML


def linear(rng, tasks, shots, queries, covariance, mean=0.0, noise_variance=0.01, outputs=1):
    """M noisy linear maps, weights ~ N(mean, covariance): x (M, N, D) and y (M, N, C).

    All outputs have the same `covariance` (D, D), which may be singular: v * eye(D) is isotropic,
    and random_covariance(rng, spectrum) has given eigenvalues. `mean` is a number, (D,) or (D, C).
    """
    weights = draw_weights(rng, tasks, covariance, mean, outputs)
    return from_weights(rng, weights, shots, queries, noise_variance)


def draw_weights(rng, tasks, covariance, mean=0.0, outputs=1):
    """Weights (M, D, C), every column ~ N(mean, covariance), as a NumPy array."""
    checks.integer("tasks", tasks, at_least=1)
    checks.integer("outputs", outputs, at_least=1)
    checks.covariance("covariance", covariance)
    checks.axes("covariance", covariance, "D D")
    size = len(covariance)
    variances, directions = numpy.linalg.eigh(covariance)
    root = directions * numpy.sqrt(numpy.maximum(variances, 0.0))  # (D, D)
    unit = generator(rng).normal(size=(tasks, size, outputs))
    return _column(mean, size, outputs) + root @ unit


def from_weights(rng, weights, shots, queries, noise_variance=0.01):
    """A Task of the maps `weights` (M, D, C): x (M, N, D) ~ N(0, I), y = x w + noise (M, N, C)."""
    checks.array("weights", weights, "M D C")
    checks.number("noise_variance", noise_variance, at_least=0.0)
    tasks, inputs, outputs = weights.shape
    x = generator(rng).normal(size=(tasks, count(shots, queries), inputs))
    noise = rng.normal(size=(*x.shape[:2], outputs))
    return split(x, x @ weights + math.sqrt(noise_variance) * noise, shots)


def uniform(rng, tasks, shots, queries, inputs, half_width=0.5, noise_variance=0.0):
    """M linear maps w ~ N(0, I) of D inputs, each uniform in (-half_width, half_width).

    The default is what the code of von Oswald et al. 2022 draws; its text says half_width = 1.
    """
    checks.integer("tasks", tasks, at_least=1)
    checks.integer("inputs", inputs, at_least=1)
    checks.number("half_width", half_width, above=0.0)
    checks.number("noise_variance", noise_variance, at_least=0.0)
    weights = generator(rng).normal(size=(tasks, inputs, 1))
    x = rng.uniform(-half_width, half_width, size=(tasks, count(shots, queries), inputs))
    noise = math.sqrt(noise_variance) * rng.normal(size=(*x.shape[:2], 1))
    return split(x, x @ weights + noise, shots)


def random_covariance(rng, spectrum):
    """A covariance (D, D) with eigenvalues `spectrum` (D,), at least 0, in random directions."""
    checks.array("spectrum", spectrum, "D")
    size = len(spectrum)
    directions, _ = numpy.linalg.qr(generator(rng).normal(size=(size, size)))
    covariance = (directions * spectrum) @ directions.T
    covariance = 0.5 * (covariance + covariance.T)  # symmetric to the last digit
    checks.covariance("The covariance of this spectrum", covariance)
    return covariance


def sines(rng, tasks, shots, queries, amplitude=AMPLITUDE, phase=PHASE, x_range=X_RANGE):
    """M waves A sin(x - phi), without noise: x and y (M, N, 1). The ranges are (low, high)."""
    amplitudes, phases = draw_sines(rng, tasks, amplitude, phase)
    return from_sines(rng, amplitudes, phases, shots, queries, x_range)


def draw_sines(rng, tasks, amplitude=AMPLITUDE, phase=PHASE):
    """Amplitudes (M,) and phases (M,), uniform in their ranges, as NumPy arrays."""
    checks.integer("tasks", tasks, at_least=1)
    amplitudes = generator(rng).uniform(*limits("amplitude", amplitude), size=tasks)
    return amplitudes, rng.uniform(*limits("phase", phase), size=tasks)


def from_sines(rng, amplitudes, phases, shots, queries, x_range=X_RANGE):
    """A Task of the waves A sin(x - phi), A and phi (M,), at x (M, N, 1) uniform in `x_range`."""
    checks.array("amplitudes", amplitudes, "M")
    checks.array("phases", phases, "M")
    checks.same_shape("amplitudes", amplitudes, "phases", phases)
    size = (len(amplitudes), count(shots, queries), 1)
    x = generator(rng).uniform(*limits("x_range", x_range), size=size)
    return split(x, amplitudes[:, None, None] * numpy.sin(x - phases[:, None, None]), shots)


def _column(mean, size, outputs):
    """The mean as (D, C) or (D, 1); it is a number, (D,) or (D, C)."""
    if isinstance(mean, numbers.Real):
        checks.number("mean", mean)
        return mean
    checks.array("mean", mean, "... D")
    if mean.shape not in ((size,), (size, 1), (size, outputs)):
        raise ValueError(
            f"mean must be a number or have shape ({size},) or ({size}, {outputs}); "
            f"its shape is {mean.shape}."
        )
    return mean[:, None] if mean.ndim == 1 else mean
