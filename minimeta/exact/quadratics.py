"""Families of quadratic tasks, on which gradient descent is linear and everything has a formula.

    task loss    L_i(theta) = 1/2 (theta - c_i)' A_i (theta - c_i)     gradient A_i (theta - c_i)
    k steps      theta_k - c = (I - alpha A)^k (theta - c)             stable for alpha < 2 / lambda
    joint        argmin of the sum = (sum A_i)^-1 sum A_i c_i          not the mean of the c_i

The outer loop of every meta-learner here follows mean_i W_i (theta - c_i), and stops where that is
zero, at (sum W_i)^-1 sum W_i c_i. The methods differ only in W. With P = (I - alpha A)^k it is:

    joint A    MAML P A P    FOMAML A P    Reptile I - P    iMAML B A B, B = (I + A / lam)^-1

Shapes: A (M, D, D) symmetric, c (M, D), theta (D,) or one per task (M, D).
Taught in lessons transfer, maml and first_order.
Sources: Finn, Abbeel & Levine 2017; Nichol, Achiam & Schulman 2018; Rajeswaran et al. 2019; Raghu
et al. 2020. The weights follow by differentiating k linear steps.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np


def loss(theta, A, c):
    """1/2 (theta - c)' A (theta - c) of every task: (M,)."""
    _check(theta, A, c)
    away = (theta - c)[..., None]  # (M, D, 1)
    return 0.5 * np.sum(away * (A @ away), axis=(-2, -1))


def gradient(theta, A, c):
    """A (theta - c) of every task: (M, D)."""
    _check(theta, A, c)
    return (A @ (theta - c)[..., None])[..., 0]


def joint_optimum(A, c):
    """The one theta (D,) with the least loss summed over the tasks: their c weighted by their A."""
    _check(c, A, c)
    total = np.sum(A, axis=0)
    pulls = np.sum(A @ c[..., None], axis=0)  # (D, 1)
    if checks.readable(total) and numpy.linalg.matrix_rank(total) < len(total):
        raise ValueError("A must sum to an invertible matrix; some direction has no curvature.")
    return np.linalg.solve(total, pulls)[..., 0]


def contraction(A, step_size, steps):
    """(I - alpha A)^k: what k steps of gradient descent leave of theta - c, (M, D, D)."""
    checks.array("A", A, "... D D")
    checks.quantity("step_size", step_size)
    checks.integer("steps", steps, at_least=0)
    one_step = np.eye(np.shape(A)[-1]) - step_size * A
    left = np.broadcast_to(np.eye(np.shape(A)[-1]), np.shape(A))
    for _ in range(steps):
        left = one_step @ left
    return left


def gradient_descent(theta, A, c, step_size, steps):
    """Where k steps from theta end on every task, (M, D): c + (I - alpha A)^k (theta - c)."""
    _check(theta, A, c)
    return c + (contraction(A, step_size, steps) @ (theta - c)[..., None])[..., 0]


def loss_after(theta, A, c, step_size, steps):
    """The loss of every task after k steps from theta: (M,).

    1/2 (theta - c)' P' A P (theta - c) with P = (I - alpha A)^k.
    """
    return loss(gradient_descent(theta, A, c, step_size, steps), A, c)


def stability_limit(A):
    """2 / lambda_max of every task, (M,): larger steps of gradient descent diverge."""
    checks.covariance("A", A)
    return 2.0 / np.linalg.eigvalsh(A)[..., -1]


def maml_weights(A, step_size, steps):
    """P A P, (M, D, D): the more of a task the inner steps solve, the less weight it has."""
    left = contraction(A, step_size, steps)
    return left @ A @ left


def fomaml_weights(A, step_size, steps):
    """A P, (M, D, D): without the derivative of the inner steps one factor P is missing."""
    return A @ contraction(A, step_size, steps)


def reptile_weights(A, step_size, steps):
    """I - P, (M, D, D): the way that the steps go. After many steps all tasks have weight I."""
    checks.array("A", A, "... D D")
    return np.eye(np.shape(A)[-1]) - contraction(A, step_size, steps)


def imaml_weights(A, strength):
    """B A B, (M, D, D), with B = d phi / d theta = (I + A / lam)^-1."""
    checks.covariance("A", A)
    checks.number("strength", strength, above=0.0)
    B = np.linalg.inv(np.eye(np.shape(A)[-1]) + A / strength)
    return B @ A @ B


def multi_step_weights(A, step_size, weights):
    """sum_j weights[j] (I - alpha A)^j A (I - alpha A)^j, (M, D, D): those of MAML++'s loss."""
    checks.list_of_numbers("weights", weights)
    return sum(w * maml_weights(A, step_size, j) for j, w in enumerate(weights))


def anil_weights(A, step_size, steps, adapted):
    """J' A J, (M, D, D), with J = (I - alpha E A)^k and E = diag(adapted).

    `adapted` (D,) is 1.0 for a coordinate that the inner loop changes, else 0.0.
    """
    checks.array("A", A, "M D D")
    checks.array("adapted", adapted, "D")
    checks.one_length("adapted", adapted, "each A", A[0])
    left = contraction(adapted[:, None] * A, step_size, steps)
    return np.swapaxes(left, -1, -2) @ A @ left


def meta_gradient(theta, W, c):
    """mean_i W_i (theta - c_i): (D,), for any of the weights W (M, D, D)."""
    _check(theta, W, c, name="W")
    return np.mean((W @ (theta - c)[..., None])[..., 0], axis=0)


def fixed_point(W, c):
    """Where meta_gradient vanishes: the minima c weighted by W, (D,)."""
    _check(c, W, c, name="W")
    return np.linalg.solve(np.sum(W, axis=0), np.sum(W @ c[..., None], axis=0))[..., 0]


def expansion(method, step_size, steps):
    """(a, b) of the expected update a AvgGrad + b AvgGradInner, up to O(step_size^2).

    AvgGrad is E g and AvgGradInner is E H_2 g_1, over minibatches 1 and 2. method is "maml",
    "fomaml" or "reptile"; ValueError for any other. Every inner step sees a fresh minibatch, and
    the query loss of MAML and FOMAML one more. Source: Nichol et al. 2018, section 5.
    """
    checks.number("step_size", step_size)
    checks.integer("steps", steps, at_least=1)
    known = {
        "maml": (1.0, -2.0 * steps * step_size),
        "fomaml": (1.0, -1.0 * steps * step_size),
        "reptile": (1.0 * steps, -0.5 * steps * (steps - 1) * step_size),
    }
    if not isinstance(method, str) or method not in known:
        raise ValueError(
            f"method must be one of {', '.join(known)}; it is {checks.describe(method)}."
        )
    return known[method]


def best_step(dimension, shots, noise_variance, variance):
    """The inner step size of MAML with the least risk on linear maps, from few noisy examples.

    alpha = 1 / (1 + (D + 1) / K + s^2 D / (K V)) for K shots of x ~ N(0, I), noise variance s^2 and
    weights ~ N(theta, V / D I). With infinitely many shots it is 1, Newton's step.
    """
    _check_setting(dimension, shots, noise_variance, variance)
    return 1.0 / (1.0 + (dimension + 1) / shots + noise_variance * dimension / (shots * variance))


def risk_after_step(step_size, dimension, shots, noise_variance, variance):
    """1/2 E |w - phi|^2 after one step of any size alpha, in the setting of `best_step`.

    1/2 [ (1 - 2 alpha + alpha^2 (1 + (D + 1) / K)) V + alpha^2 s^2 D / K ].
    """
    checks.quantity("step_size", step_size)
    _check_setting(dimension, shots, noise_variance, variance)
    share = 1.0 - 2.0 * step_size + step_size**2 * (1.0 + (dimension + 1) / shots)
    return 0.5 * (share * variance + step_size**2 * noise_variance * dimension / shots)


def best_step_per_coordinate(curvature, variance):
    """The best step sizes of Meta-SGD, (D,), for axis-aligned tasks: E[a^2 v] / E[a^3 v].

    The curvatures a and the variances v = E (theta - c)^2 are (M, D). If all tasks have the same
    curvature a, it is 1 / a.
    """
    checks.array("curvature", curvature, "M D")
    checks.array("variance", variance, "M D")
    checks.same_shape("curvature", curvature, "variance", variance)
    return np.mean(curvature**2 * variance, axis=0) / np.mean(curvature**3 * variance, axis=0)


def shared_subspace_risk(covariance, features):
    """Half the sum of all but the `features` largest eigenvalues of the covariance: a number.

    ANIL cannot get below this risk with a linear body of that width, even if it solves the head
    exactly, because it then does principal component analysis of the tasks.
    """
    checks.covariance("covariance", covariance)
    checks.axes("covariance", covariance, "D D")
    checks.integer("features", features, at_least=0)
    return 0.5 * np.sum(np.linalg.eigvalsh(covariance)[: len(covariance) - features])


def _check_setting(dimension, shots, noise_variance, variance):
    checks.integer("dimension", dimension, at_least=1)
    checks.integer("shots", shots, at_least=1)
    checks.number("noise_variance", noise_variance, at_least=0.0)
    checks.number("variance", variance, above=0.0)


def _check(theta, A, c, name="A"):
    checks.array(name, A, "M D D")
    checks.array("c", c, "M D")
    checks.array("theta", theta, "... D")
    if np.shape(A) != (*np.shape(c), np.shape(c)[-1]):
        raise ValueError(
            f"{name} must be (M, D, D) and c (M, D); "
            f"their shapes are {np.shape(A)} and {np.shape(c)}."
        )
    if np.shape(theta) not in (np.shape(c), np.shape(c)[-1:]):
        raise ValueError(
            f"theta must be (D,) or (M, D) for c of shape {np.shape(c)}; it is {np.shape(theta)}."
        )
