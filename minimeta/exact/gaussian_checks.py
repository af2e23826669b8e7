"""Input checks of the linear-Gaussian closed forms: one sentence for whatever does not fit."""

import numbers

import numpy

from minimeta.core import checks
from minimeta.core.backend import np


def checked(x, y, mean, covariance, noise_variance):
    """The prior as mean (..., D, C), covariance (..., D, D) and noise; raise if it misfits x and y.

    Without y, C is that of the mean.
    """
    checks.array("x", x, "... N D")
    mean, covariance, noise_variance = checked_prior(mean, covariance, noise_variance)
    inputs = np.shape(x)[-1]
    if np.shape(covariance)[-1] != inputs:
        raise ValueError(
            f"covariance must be {inputs} by {inputs} for x of shape {np.shape(x)}; "
            f"its shape is {np.shape(covariance)}."
        )
    outputs = np.shape(mean)[-1] if y is None else _outputs(x, y)
    if np.shape(mean)[-2] not in (1, inputs) or np.shape(mean)[-1] not in (1, outputs):
        raise ValueError(
            f"mean must be a number or have shape ({inputs},) or (..., {inputs}, {outputs}); "
            f"its shape is {np.shape(mean)}."
        )
    leading(x, x if y is None else y, mean, covariance)
    mean = np.broadcast_to(mean, (*np.shape(mean)[:-2], inputs, outputs))
    return mean, covariance, noise_variance


def checked_prior(mean, covariance, noise_variance):
    """The prior as arrays: mean (..., D or 1, C or 1), covariance (..., D, D), the noise ()."""
    checks.covariance("covariance", covariance)
    if isinstance(mean, numbers.Real):
        checks.number("mean", mean)
        mean = np.full((1, 1), float(mean))
    else:
        checks.array("mean", mean, "... D")
        mean = mean[:, None] if np.ndim(mean) == 1 else mean
    if not isinstance(noise_variance, numbers.Real):
        checks.array("noise_variance", noise_variance, "")
    if checks.readable(noise_variance):
        noise_variance = noise_variance.item()
    if isinstance(noise_variance, numbers.Real):
        checks.number("noise_variance", noise_variance, above=0.0)
        noise_variance = float(noise_variance)
    return np.asarray(mean), np.asarray(covariance), np.asarray(noise_variance)


def leading(*matrices):
    """The axes in front of the last two that these arrays have together; raise if they clash."""
    try:
        return numpy.broadcast_shapes(*(np.shape(matrix)[:-2] for matrix in matrices))
    except ValueError:
        raise ValueError(
            "The leading (task) axes of data and prior must be equal or absent; "
            f"the shapes are {', '.join(str(np.shape(matrix)) for matrix in matrices)}."
        ) from None


def _outputs(x, y):
    checks.array("y", y, "... N C")
    if np.shape(y)[-2] != np.shape(x)[-2]:
        raise ValueError(
            f"x and y must hold the same number of examples; "
            f"their shapes are {np.shape(x)} and {np.shape(y)}."
        )
    return np.shape(y)[-1]
