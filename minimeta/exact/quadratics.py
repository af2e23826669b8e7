"""Families of quadratic tasks, on which gradient descent is linear and everything has a formula.

    task loss    L_i(theta) = 1/2 (theta - c_i)' A_i (theta - c_i)     slope A_i (theta - c_i)
    k steps      theta_k - c = (I - alpha A)^k (theta - c)             stable for alpha < 2 / lambda
    joint        argmin of the sum = (sum A_i)^-1 sum A_i c_i          not the mean of the c_i

Shapes: A (M, D, D) symmetric, c (M, D), theta (D,) or one per task (M, D).
Taught in lessons 03 and 05.
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


def _check(theta, A, c):
    checks.array("A", A, "M D D")
    checks.array("c", c, "M D")
    checks.array("theta", theta, "... D")
    if np.shape(A) != (*np.shape(c), np.shape(c)[-1]):
        raise ValueError(
            f"A must be (M, D, D) and c (M, D); their shapes are {np.shape(A)} and {np.shape(c)}."
        )
    if np.shape(theta) not in (np.shape(c), np.shape(c)[-1:]):
        raise ValueError(
            f"theta must be (D,) or (M, D) for c of shape {np.shape(c)}; it is {np.shape(theta)}."
        )
