"""Linear maps W (D, C) with given singular values, or from a matrix-normal prior.

    draw_spectrum       W = U diag(s) V'    U, V: random directions, s: given
    draw_matrix_normal  cov(W_dc, W_ef) = R_de K_cf
    usual_spectra       the limits within which the singular values of such maps usually lie

Maps are weights (M, D, C), of which `tasks.regression.from_weights` makes tasks. A spectrum inside
the usual limits is in distribution, and one far above them is not.
"""

import numpy

from minimeta.core import checks
from minimeta.tasks.drawing import generator
from minimeta.tasks.regression import draw_weights


def draw_spectrum(rng, tasks, spectrum, inputs, outputs):
    """M maps with singular values `spectrum` (K,), K at most D and C, in random directions."""
    checks.integer("tasks", tasks, at_least=1)
    checks.array("spectrum", spectrum, "K")
    checks.integer("inputs", inputs, at_least=len(spectrum))
    checks.integer("outputs", outputs, at_least=len(spectrum))
    left, right = (_directions(rng, tasks, size, len(spectrum)) for size in (inputs, outputs))
    return (left * spectrum) @ numpy.swapaxes(right, 1, 2)


def draw_matrix_normal(rng, tasks, row_covariance, column_covariance):
    """M maps (M, D, C) of mean 0, with covariances R (D, D) of the rows and K (C, C) of columns."""
    checks.covariance("row_covariance", row_covariance)
    checks.axes("row_covariance", row_covariance, "D D")
    checks.covariance("column_covariance", column_covariance)
    checks.axes("column_covariance", column_covariance, "C C")
    unit = draw_weights(rng, tasks, row_covariance, outputs=len(column_covariance))
    variances, directions = numpy.linalg.eigh(column_covariance)
    return unit @ (directions * numpy.sqrt(numpy.maximum(variances, 0.0))).T


def usual_spectra(weights, share=0.95):
    """Limits (low, high), (K,) each, between which `share` of the maps have each singular value."""
    checks.array("weights", weights, "M D C")
    checks.number("share", share, above=0.0, below=1.0)
    values = numpy.linalg.svd(weights, compute_uv=False)  # (M, K)
    return tuple(numpy.quantile(values, [(1 - share) / 2, (1 + share) / 2], axis=0))


def _directions(rng, tasks, size, count):
    """Orthonormal columns (M, size, count), uniform over all directions."""
    directions, triangle = numpy.linalg.qr(generator(rng).normal(size=(tasks, size, count)))
    return directions * numpy.sign(numpy.diagonal(triangle, axis1=1, axis2=2))[:, None, :]
