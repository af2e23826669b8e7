"""Linear-Gaussian tasks one after another: Bayes' rule, and what each shortcut of EWC costs.

    task t     -log p(y | w) = 1/2 w' A_t w - b_t' w,   A_t = X' X / s^2,   b_t = X' y / s^2
    Bayes      P_t = P_{t-1} + A_t,    P_t m_t = P_{t-1} m_{t-1} + b_t        from a prior P_0, m_0

Elastic weight consolidation (continual/ewc.py) with the full Fisher information and one penalty is
this recursion. With a penalty for each task, or a diagonal, the optimum is n_t = m_t + e_t:

    separate   P_t e_t = -sum_{k < i < t} Q_k (n_i - n_k),    Q_1 = P_1, then Q_k = A_k
    diagonal   (D_{t-1} + A_t) e_t = D_{t-1} e_{t-1} + (P_{t-1} - D_{t-1}) (m_t - m_{t-1})

with D the diagonal of P. The first is the double counting, the second grows with how far a new task
moves the optimum along what the diagonal leaves out. Both vanish if nothing has to move.

Shapes: A (T, D, D), b (T, D, C); a prior mean (D, C) and precision (D, D).  Taught in lesson 21.
Sources: Huszar 2018, arXiv:1712.03847; the errors follow by subtracting the equations.
"""

from minimeta.core import checks
from minimeta.core.backend import np


def statistics(x, y, noise_variance):
    """A (T, D, D) and b (T, D, C) of tasks with examples x (T, N, D), y (T, N, C)."""
    checks.array("x", x, "T N D")
    checks.array("y", y, "T N C")
    checks.number("noise_variance", noise_variance, above=0.0)
    transposed = np.swapaxes(x, -1, -2) / noise_variance
    return transposed @ x, transposed @ y


def posteriors(A, b, mean, precision):
    """Means (T, D, C) and precisions (T, D, D) after each task, exactly."""
    return recursion(A, b, mean, precision, lambda P: P)


def diagonal_optima(A, b, mean, precision):
    """Means and precisions if only the diagonal of the precision is handed on."""
    return recursion(A, b, mean, precision, lambda P: P * np.eye(len(P)))


def recursion(A, b, mean, precision, keep):
    """Means (T, D, C) and precisions (T, D, D): keep(P) is what the next task sees of P."""
    means, precisions = [], []
    for A_t, b_t in zip(A, b):
        after = precision + A_t
        mean = np.linalg.solve(after, precision @ mean + b_t)
        precision = keep(after)
        means.append(mean)
        precisions.append(precision)
    return np.stack(means), np.stack(precisions)


def separate_optima(A, b, mean, precision):
    """Optima n (T, D, C) with one more penalty 1/2 (w - n_t)' Q_t (w - n_t) after each task."""
    curvature = precision + A[0]  # the first penalty takes the prior in
    optima = [np.linalg.solve(curvature, precision @ mean + b[0])]
    pull = curvature @ optima[0]
    for A_t, b_t in zip(A[1:], b[1:]):
        optima.append(np.linalg.solve(curvature + A_t, pull + b_t))
        curvature, pull = curvature + A_t, pull + A_t @ optima[-1]
    return np.stack(optima)


def separate_error(A, precision, optima):
    """e_T, (D, C): how far the last of the separate optima (T, D, C) is off the joint posterior."""
    Q, counted_twice = [precision + A[0], *A[1:]], np.zeros_like(optima[0])
    for i in range(len(A) - 1):
        for k in range(i):
            counted_twice = counted_twice + Q[k] @ (optima[i] - optima[k])
    return -np.linalg.solve(precision + np.sum(A, axis=0), counted_twice)


def diagonal_error(A, mean, precision, means):
    """e_T, (D, C), from the exact means (T, D, C): what handing on diagonals alone has cost.

    The prior must be diagonal, as an anchored L2 penalty is.
    """
    error, before, P, D = np.zeros_like(means[0]), mean, precision, precision
    for A_t, after in zip(A, means):
        error = np.linalg.solve(D + A_t, D @ error + (P - D) @ (after - before))
        P, before = P + A_t, after
        D = P * np.eye(len(P))
    return error
