"""The best that gradient descent can do on quadratics with step sizes chosen beforehand.

    theta_k - theta* = p(A) (theta_0 - theta*)      p(lam) = prod_t (1 - a_t lam),   p(0) = 1
    E f(theta_k)     = sum_i weight_i p(lam_i)^2    lam_i: the eigenvalues of the problems' Hessians

Choosing k step sizes therefore means choosing the roots 1/a_t of a polynomial p of degree k:

    on average     the best p minimises the expected loss, a least-squares problem. Its roots are
                   the nodes of Gauss's quadrature for the measure lam weight.
    at worst       the p with the smallest maximum on all of [low, high] is Chebyshev's.
    with memory    a linear method such as momentum applies a p(A) with p(0) = 1 as well. So none
                   gets below min_p sum_i weight_i p(lam_i)^2, the Krylov bound. On a single
                   problem, conjugate gradients reach it.

A distribution of quadratics is like one problem that is the direct sum of all of them. So the best
schedule does for the distribution what conjugate gradients do for that one problem.

Shapes: spectrum and weights (..., D), the last axis over eigenvalues.
Sources: Hestenes & Stiefel 1952; Golub & Welsch 1969; Young 1953; Polyak 1964.  Lesson schedules.
"""

import math

from minimeta.core import checks
from minimeta.core.backend import np

NOTHING = 1e-24  # the square of what rounding leaves of a vector in the span of others


def modes(x, residual):
    """The eigenvalues of the Hessian of |x theta - y|^2, and the loss at theta_0 along each.

    x (..., N, D) and residual = x theta_0 - y (..., N, 1) -> spectrum and weights (..., K), with
    K = min(N, D).
    """
    checks.array("x", x, "... N D")
    checks.array("residual", residual, "... N C")
    if np.shape(x)[:-1] != np.shape(residual)[:-1]:
        raise ValueError(
            "x and residual must agree in all axes but the last; "
            f"their shapes are {np.shape(x)} and {np.shape(residual)}."
        )
    left, strength, _ = np.linalg.svd(x, full_matrices=False)
    return 2.0 * strength**2, np.sum((np.swapaxes(left, -1, -2) @ residual) ** 2, axis=-1)


def residual(step_sizes, spectrum):
    """p(lam) = prod_t (1 - a_t lam): (k,) and (..., D) -> (..., D)."""
    checks.array("step_sizes", step_sizes, "k")
    checks.array("spectrum", spectrum, "... D")
    return np.prod(1.0 - np.expand_dims(spectrum, -1) * step_sizes, axis=-1)


def expected_loss(step_sizes, spectrum, weights):
    """sum_i weight_i p(lam_i)^2 after steps of these sizes, in any order: (...)."""
    _check(spectrum, weights)
    return np.sum(weights * residual(step_sizes, spectrum) ** 2, axis=-1)


def best_step(spectrum, weights):
    """The best single step size: sum weight lam / sum weight lam^2, (...)."""
    _check(spectrum, weights)
    return np.sum(weights * spectrum, axis=-1) / np.sum(weights * spectrum**2, axis=-1)


def best_schedule(spectrum, weights, steps):
    """The k step sizes with the least expected loss for spectrum, weights (D,); largest first.

    Their inverses are the eigenvalues of the Jacobi matrix of the measure lam weight. Raises
    ValueError if fewer than k eigenvalues have weight, because fewer steps then leave no loss.
    """
    _check(spectrum, weights)
    checks.integer("steps", steps, at_least=1)
    basis = np.stack(krylov(spectrum, np.sqrt(spectrum * weights), steps))  # (k, D)
    rank = int(np.sum(np.any(basis != 0.0, axis=-1)))
    if rank < steps:
        raise ValueError(f"steps must be at most {rank}, which leave no loss; it is {steps}.")
    return 1.0 / np.linalg.eigvalsh((basis * spectrum) @ basis.T)


def krylov_bound(spectrum, weights, steps):
    """min_p sum_i weight_i p(lam_i)^2 over p(0) = 1 of degree 0, 1, ..., k: (k + 1, ...).

    From (M, D) it is the bound of each of M problems: no method whose steps are in the span of the
    gradients gets below it. From all of them in one vector it is the bound for methods whose
    coefficients are the same on every problem.
    """
    _check(spectrum, weights)
    checks.integer("steps", steps, at_least=0)
    left = np.sqrt(weights)
    bounds = [np.sum(weights, axis=-1)]
    for q in krylov(spectrum, spectrum * left, steps):
        left = left - q * np.sum(q * left, axis=-1, keepdims=True)
        bounds.append(np.sum(left**2, axis=-1))
    return np.stack(bounds)


def krylov(spectrum, first, steps):
    """An orthonormal basis of span {first, lam first, ..., lam^(k-1) first}: a list of (..., D).

    A vector that lies in the span of those before it becomes zeros.
    """
    basis, v = [], first
    for _ in range(steps):
        scale = np.sum(v**2, axis=-1, keepdims=True)
        for q in basis + basis:  # twice: the second pass removes the rounding errors of the first
            v = v - q * np.sum(q * v, axis=-1, keepdims=True)
        size = np.sum(v**2, axis=-1, keepdims=True)
        new = size > NOTHING * scale
        basis.append(np.where(new, v / np.sqrt(np.where(new, size, 1.0)), 0.0))
        v = spectrum * basis[-1]
    return basis


def chebyshev(low, high, steps):
    """The k step sizes with the best worst case over spectra in [low, high]; largest first."""
    _check_interval(low, high)
    checks.integer("steps", steps, at_least=1)
    angles = math.pi * (np.arange(float(steps)) + 0.5) / steps
    return 1.0 / (0.5 * (high + low) - 0.5 * (high - low) * np.cos(angles))


def chebyshev_bound(low, high, steps):
    """The least possible max |p| over [low, high]: 1 / T_k((high + low) / (high - low))."""
    _check_interval(low, high)
    checks.integer("steps", steps, at_least=1)
    return 1.0 / math.cosh(steps * math.acosh((high + low) / (high - low)))


def heavy_ball(low, high):
    """(step_size, mass, rate) of the fastest momentum on [low, high]; the error falls like rate^t.

    rate = (sqrt kappa - 1) / (sqrt kappa + 1), mass = rate^2, kappa = high / low.
    """
    _check_interval(low, high)
    rate = (math.sqrt(high) - math.sqrt(low)) / (math.sqrt(high) + math.sqrt(low))
    return 4.0 / (math.sqrt(high) + math.sqrt(low)) ** 2, rate**2, rate


def gradient_descent(low, high):
    """(step_size, rate) of the fastest constant step: 2 / (high + low), (kappa-1) / (kappa+1)."""
    _check_interval(low, high)
    return 2.0 / (high + low), (high - low) / (high + low)


def _check(spectrum, weights):
    checks.array("spectrum", spectrum, "... D")
    checks.same_shape("spectrum", spectrum, "weights", weights)
    checks.array("weights", weights, "... D")
    checks.not_negative("spectrum", spectrum)
    checks.not_negative("weights", weights)


def _check_interval(low, high):
    checks.number("low", low, above=0.0)
    checks.number("high", high, above=low)
