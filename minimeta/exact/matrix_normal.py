"""The Bayes-optimal learner of linear maps with a matrix-normal prior, and how fast it sees modes.

    tasks:    y = x W + noise    W (D, C): mean M, cov(W_dc, W_ef) = R_de K_cf    noise ~ N(0, s^2)
    adapt:    K = O diag(k) O'; the columns of W O are independent, each ~ N(., k_c R)
    progress: R = v I, K = I, x ~ N(0, I):   E[W_hat | W] = m_t W    after t examples, for every W

A prior without preferred directions therefore learns all singular modes of W at one rate, strong or
weak. The reason: the posterior mean is X'X (X'X + s^2/v I)^-1 W plus noise. Rotating the inputs
only changes the basis, so the mean of the matrix in front of W must be a multiple of the identity,

    m_t = 1/D E sum_i a_i / (a_i + s^2/v)        a_i the eigenvalues of X'X,  X (t, D) normal

To compute that mean, let n = min(t, D) and m = max(t, D). The singular values z_1 < ... < z_n of X
have the density  prod z_i^(m-n) exp(-z_i^2/2) prod (z_j^2 - z_i^2).  De Bruijn shows that the
integral of prod g(z_i) under it is the Pfaffian of A_jk = <g p_j, g p_k>. Here the p_j are
polynomials in z^2 times the weight, and <p, q> is the double integral of sign(z' - z) p(z) q(z').
Because d log Pf A = tr(A^-1 dA) / 2, the derivative at g = 1 in the direction of f is

    E sum_i f(z_i) = tr(A^-1 B)    A_jk = <p_j, p_k>    B_jk = <f p_j, p_k>

For odd n a point at infinity, where f is zero, is added to the p_j.  Lesson `dynamics`.
Sources: de Bruijn 1955, On some multiple integrals involving determinants; Rabinowitz 2019,
arXiv:1905.01320, for the question.
"""

import numpy
from numpy.polynomial import legendre

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.exact import linear_gaussian
from minimeta.exact.gaussian_checks import check_prior, check_problem

NODES, MORE_NODES = 250, 8  # of the quadrature, and for each mode: enough for twelve digits
TAIL = 9.0  # singular values beyond sqrt(m) + sqrt(n) + TAIL have a chance of exp(-TAIL^2 / 2)


def posterior(x, y, mean, row_covariance, column_covariance, noise_variance):
    """Mean (..., D, C) and covariance (..., D, C, D, C) of the weights after the examples (x, y).

    `row_covariance` R is (..., D, D), `column_covariance` K (C, C), `mean` a number, (D,) or
    (..., D, C).
    """
    checks.array("y", y, "... N C")
    checks.covariance("row_covariance", row_covariance)
    mean, R, noise = check_problem(x, y, mean, row_covariance, noise_variance)
    _check_columns(column_covariance, np.shape(y)[-1])
    k, O = np.linalg.eigh(np.asarray(column_covariance))
    by_column = lambda a: np.swapaxes(a @ O, -1, -2)[..., None]  # (..., N, C) -> (..., C, N, 1)
    prior = by_column(mean), np.maximum(k, 0.0)[:, None, None] * R[..., None, :, :], noise
    means, covariances = linear_gaussian.posterior(x[..., None, :, :], by_column(y), *prior)
    covariance = np.einsum("ck,...kde,fk->...dcef", O, covariances, O)
    return np.swapaxes(means[..., 0], -1, -2) @ O.T, covariance


def learner(mean, row_covariance, column_covariance, noise_variance) -> Learner:
    """The Bayes-optimal Learner for such maps; meta is {} and its state is the posterior."""
    prior = mean, row_covariance, column_covariance, noise_variance
    checks.covariance("row_covariance", row_covariance)
    check_prior(mean, row_covariance, noise_variance)
    checks.covariance("column_covariance", column_covariance)
    checks.axes("column_covariance", column_covariance, "C C")
    return Learner(
        init=lambda rng: {},
        adapt=lambda meta, support: posterior(*support, *prior),
        predict=lambda meta, state, x: x @ state[0],
    )


def expected_progress(inputs, examples, noise_variance, prior_variance=1.0):
    """m_t: the mean share, 0 to 1, of every mode of W (D, C) in the posterior mean; a number.

    `inputs` is D and `examples` is t. Every entry of W is N(0, v), v the `prior_variance`, and
    x ~ N(0, I). Without noise m_t is min(t, D) / D.
    """
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("examples", examples, at_least=0)
    checks.number("noise_variance", noise_variance, at_least=0.0)
    checks.number("prior_variance", prior_variance, above=0.0)
    if examples == 0:
        return 0.0
    n, m = sorted((inputs, examples))
    u, weights = _gauss(NODES + MORE_NODES * n)
    z, p = _weighted_polynomials(n, m, u, weights)
    f = z**2 / (z**2 + noise_variance / prior_variance)
    A, B = _skew(p, p, u, weights), _skew(f[:, None] * p, p, u, weights)
    if n % 2:
        at_infinity = lambda p: (weights @ p)[:, None]
        last = numpy.zeros((1, 1))
        A = numpy.block([[A, at_infinity(p)], [-at_infinity(p).T, last]])
        B = numpy.block([[B, at_infinity(f[:, None] * p)], [0 * at_infinity(p).T, last]])
    return float(numpy.trace(numpy.linalg.solve(A, B)) / inputs)


def _gauss(nodes):
    """Nodes and weights of Gauss-Legendre quadrature on [0, 1]."""
    t, weights = legendre.leggauss(nodes)
    return (t + 1) / 2, weights / 2


def _weighted_polynomials(n, m, u, weights):
    """z (nodes,) and p (nodes, n): z^(m-n) exp(-z^2/2) times polynomials in z^2, and dz/du.

    z covers the values that singular values of an n x m normal matrix take. u^4 puts many nodes
    near the lower end, where z^2 / (z^2 + noise) may bend sharply. Any polynomials would do in
    theory; they are made orthonormal here, twice over, because then no digits are lost.
    """
    low, high = max(0.0, m**0.5 - n**0.5 - TAIL), m**0.5 + n**0.5 + TAIL
    z = low + (high - low) * u**4
    log_weight = (m - n) * numpy.log(z) - z**2 / 2
    weight = numpy.exp(log_weight - log_weight.max()) * u**3
    p = numpy.zeros((len(u), 0))
    for _ in range(n):
        new = z**2 * p[:, -1] if p.size else weight
        for _ in range(2):
            new = new - p @ (p.T @ (weights * new))
        p = numpy.column_stack([p, new / (weights @ new**2) ** 0.5])
    return z, p


def _skew(p, q, u, weights):
    """The double integrals of sign(u' - u) p_j(u) q_k(u'): (J, K).

    The inner one is Q(1) - 2 Q(u), Q the integral of q from 0, by a Legendre series.
    """
    t, orders = 2 * u - 1, numpy.arange(len(u))
    series = legendre.legvander(t, len(u) - 1).T @ (weights[:, None] * q)
    Q = legendre.legint(series * (2 * orders + 1)[:, None], lbnd=-1, scl=1) / 2
    after = legendre.legval(1.0, Q)[:, None] - 2 * legendre.legval(t, Q)  # (K, nodes)
    return (after @ (weights[:, None] * p)).T


def _check_columns(column_covariance, outputs):
    checks.covariance("column_covariance", column_covariance)
    if np.shape(column_covariance) != (outputs, outputs):
        raise ValueError(
            f"column_covariance must be {outputs} by {outputs} for y with {outputs} outputs; "
            f"its shape is {np.shape(column_covariance)}."
        )
