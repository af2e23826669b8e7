"""Checks of the arguments of the linear-Gaussian closed forms: one sentence for each mistake."""

import numbers

import numpy

from minimeta.core import checks
from minimeta.core.backend import np


def check_problem(x, y, mean, covariance, noise_variance):
    """The prior as arrays: mean (..., D, C), covariance (..., D, D), noise variance ().

    Raises ValueError or TypeError if they do not fit x and y. If y is None, C is that of the mean.
    """
    checks.array("x", x, "... N D")
    mean, covariance, noise_variance = check_prior(mean, covariance, noise_variance)
    inputs = np.shape(x)[-1]
    if np.shape(covariance)[-1] != inputs:
        raise ValueError(
            f"covariance must be {inputs} by {inputs} for x of shape {np.shape(x)}; "
            f"its shape is {np.shape(covariance)}."
        )
    outputs = np.shape(mean)[-1] if y is None else _outputs(x, y)
    if np.shape(mean)[-1] not in (1, outputs):
        raise ValueError(
            f"mean must have as many columns as y, or one, for y of shape {np.shape(y)}; "
            f"its shape is {np.shape(mean)}."
        )
    leading_axes(x, x if y is None else y, mean, covariance)
    mean = np.broadcast_to(mean, (*np.shape(mean)[:-1], outputs))
    return mean, covariance, noise_variance


def check_prior(mean, covariance, noise_variance):
    """The prior as arrays: mean (..., D, C or 1), covariance (..., D, D), noise variance ()."""
    checks.covariance("covariance", covariance)
    mean, noise_variance = _mean(mean, np.shape(covariance)[-1]), _noise(noise_variance)
    return mean, np.asarray(covariance), noise_variance


def leading_axes(*matrices):
    """The axes before the last two that these matrices broadcast to; raise if they do not."""
    try:
        return numpy.broadcast_shapes(*(np.shape(matrix)[:-2] for matrix in matrices))
    except ValueError:
        raise ValueError(
            "The leading (task) axes of x, y and the prior must be equal or absent; "
            f"the shapes are {', '.join(str(np.shape(matrix)) for matrix in matrices)}."
        ) from None


def _mean(mean, inputs):
    if isinstance(mean, numbers.Real):
        checks.number("mean", mean)
        return float(mean) * np.ones((inputs, 1))
    checks.array("mean", mean, "... D")
    matrix = mean[:, None] if np.ndim(mean) == 1 else mean
    if np.shape(matrix)[-2] != inputs or 0 in np.shape(matrix):
        raise ValueError(
            f"mean must be a number or have shape ({inputs},) or (..., {inputs}, C); "
            f"its shape is {np.shape(mean)}."
        )
    return np.asarray(matrix)


def _noise(noise_variance):
    if not isinstance(noise_variance, numbers.Real):
        checks.array("noise_variance", noise_variance, "")
        if not checks.readable(noise_variance):
            return noise_variance
        noise_variance = noise_variance.item()
    checks.number("noise_variance", noise_variance, above=0.0)
    return float(noise_variance) * np.ones(())


def _outputs(x, y):
    checks.array("y", y, "... N C")
    if np.shape(y)[-2] != np.shape(x)[-2] or np.shape(y)[-1] == 0:
        raise ValueError(
            f"y must be (..., {np.shape(x)[-2]}, C) for x of shape {np.shape(x)}, with C > 0; "
            f"its shape is {np.shape(y)}."
        )
    return np.shape(y)[-1]
