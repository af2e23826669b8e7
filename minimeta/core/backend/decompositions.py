"""Gradient rules of determinants, inverses and decompositions, in the manner of `rules`.

autograd's rules of eigh, eig, svd and pinv are right, in float64: here they give float32 for
float32, and the forms of call that they do not cover are refused.
"""

import autograd.numpy as np
import numpy
from autograd.numpy import linalg
from autograd.tracer import getval

from minimeta.core.backend.bounds import cast
from minimeta.core.backend.rules import gather, install

SMALL = 5  # rows up to which a determinant's gradient is made of minors, right where it is zero


def of_det(ans, a):
    """The gradient of a determinant: its cofactors, which are det(a) a^-1' unless a is singular."""
    if np.shape(a)[-1] <= SMALL:
        return lambda g: np.reshape(g, np.shape(g) + (1, 1)) * cofactors(a)
    return lambda g: np.reshape(g * ans, np.shape(g) + (1, 1)) * transposed_inverse(a)


def cofactors(a):
    """Signed determinants of a without one row and one column, for every row and column."""
    n = np.shape(a)[-1]
    i = numpy.arange(n, like=getval(a))
    j = i[: max(n - 1, 0)]
    others = j + (j >= i[:, None])  # row i has all numbers but i
    signs = 1 - 2 * ((i + i[:, None]) % 2)
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    return signs.astype(np.result_type(a)) * np.linalg.det(minors)


def transposed_inverse(a):
    """a^-1'."""
    return np.swapaxes(np.linalg.inv(a), -1, -2)


def of_slogdet(ans, a):
    """g times a^-1' of the gradient in log |det a|; the sign is constant."""
    return lambda g: np.reshape(g[1], np.shape(g[1]) + (1, 1)) * transposed_inverse(a)


def in_type(pull, a):
    """A gradient in the float type of a."""
    return lambda g: cast(gather(pull(g), a), np.result_type(a))


def of_svd(ans, a, full_matrices=True, compute_uv=True):
    """autograd's rule, for the reduced decomposition."""
    if compute_uv and full_matrices:
        raise NotImplementedError(
            "np.linalg.svd has a gradient with full_matrices=False; write "
            "np.linalg.svd(a, full_matrices=False)."
        )
    return in_type(linalg.grad_svd(ans, a, full_matrices, compute_uv), a)


def of_eigh(ans, a, UPLO="L"):
    """autograd's rule."""
    return in_type(linalg.grad_eigh(ans, a, UPLO), a)


def of_eig(ans, a):
    """autograd's rule."""
    return in_type(linalg.grad_eig(ans, a), a)


def of_pinv(ans, a):
    """autograd's rule, for the default cut-off."""
    return in_type(linalg.grad_pinv(ans, a), a)


install(np.linalg.det, of_det)
install(np.linalg.slogdet, of_slogdet)
install(np.linalg.svd, of_svd)
install(np.linalg.eigh, of_eigh, forward=False)  # it may divide by zero on the way
install(np.linalg.eig, of_eig)
install(np.linalg.pinv, of_pinv)
