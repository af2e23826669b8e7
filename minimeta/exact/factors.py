"""Two factorisations in plain arithmetic: batched, differentiable, at home on any device.

    orthonormal    columns = Q R       Gram-Schmidt: keeps the digits that normal equations lose
    root_of        covariance = L L'   Cholesky with pivoting: the covariance may be singular

Source: Golub & Van Loan 2013, Matrix Computations, sections 5.2 and 4.2.
"""

from minimeta.core.backend import np


def orthonormal(columns):
    """Q (..., N, D): columns of length one at right angles that span what the given ones span.

    The columns must be independent. Every pass is a Gram-Schmidt; the second one removes what the
    rounding errors of the first have left.
    """
    return _gram_schmidt(_gram_schmidt(columns))


def root_of(covariance):
    """L (..., D, D) with L L' = covariance (..., D, D), positive semi-definite; not triangular.

    The largest remaining variance goes first; directions without variance get columns of zeros.
    Variables are scaled to variance one before, so that "without" means the same for all of them:
    less than the rounding error of one.
    """
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
    done = []
    for _ in range(np.shape(columns)[-1]):
        first, rest = columns[..., :1], columns[..., 1:]
        first = first / np.sqrt(np.sum(first**2, axis=-2, keepdims=True))
        columns = rest - first @ (np.swapaxes(first, -1, -2) @ rest)
        done.append(first)
    return np.concatenate(done, axis=-1)
