"""Two factorisations in plain arithmetic, so that they run batched, traced and on any device.

    orthonormal_basis    columns = Q R       Gram-Schmidt: keeps digits that normal equations lose
    covariance_root      covariance = L L'   Cholesky with pivoting: the covariance may be singular

Source: Golub & Van Loan 2013, Matrix Computations, sections 5.2 and 4.2.
"""

from minimeta.core import checks
from minimeta.core.backend import np


def orthonormal_basis(columns):
    """Q (..., N, D) with Q'Q = I, whose columns span the same space as the given ones.

    The columns must be linearly independent. Gram-Schmidt runs twice, because the second pass
    removes the rounding errors that the first has left.
    """
    checks.array("columns", columns, "... N D")
    return _gram_schmidt(_gram_schmidt(columns))


def covariance_root(covariance):
    """L (..., D, D) with L L' = covariance (..., D, D), which may be singular; not triangular.

    Each step eliminates the variable with the largest remaining variance. Directions without
    variance get columns of zeros. All variables are first scaled to variance one, so that a
    remaining variance counts as zero below one and the same rounding error for all of them.
    """
    checks.array("covariance", covariance, "... D D")
    size = np.shape(covariance)[-1]
    rounding = 10.0 * size * float(np.finfo(covariance.dtype).eps)
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)[..., None]  # (..., D, 1)
    scale = np.sqrt(np.where(variances > 0.0, variances, 1.0))
    rest, columns = covariance / (scale * np.swapaxes(scale, -1, -2)), []
    for _ in range(size):
        left = np.diagonal(rest, axis1=-2, axis2=-1)  # (..., D)
        largest = np.arange(size) == np.argmax(left, axis=-1)[..., None]  # (..., D)
        column = np.sum(np.where(largest[..., None, :], rest, 0.0), axis=-1, keepdims=True)
        pivot = np.sum(np.where(largest[..., None], column, 0.0), axis=-2, keepdims=True)
        varies = pivot > rounding
        column = np.where(varies, column / np.sqrt(np.where(varies, pivot, 1.0)), 0.0)
        rest = rest - column @ np.swapaxes(column, -1, -2)
        columns.append(column)
    return scale * np.concatenate(columns, axis=-1)


def _gram_schmidt(columns):
    basis = []
    for _ in range(np.shape(columns)[-1]):
        first, rest = columns[..., :1], columns[..., 1:]
        first = first / np.sqrt(np.sum(first**2, axis=-2, keepdims=True))
        columns = rest - first @ (np.swapaxes(first, -1, -2) @ rest)
        basis.append(first)
    return np.concatenate(basis, axis=-1)
