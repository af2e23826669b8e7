"""Linear-Gaussian tasks one after another: Bayes' rule, and the errors of two shortcuts of EWC.

    task t     -log p(y | w) = 1/2 w' A_t w - b_t' w,   A_t = X' X / s^2,   b_t = X' y / s^2
    Bayes      P_t = P_{t-1} + A_t,    P_t m_t = P_{t-1} m_{t-1} + b_t        from a prior P_0, m_0

Elastic weight consolidation (continual/ewc.py) with the full Fisher information and one penalty is
this recursion. With a separate penalty for each task, or with a diagonal Fisher information, the
optimum has an error e_t, n_t = m_t + e_t:

    separate   P_t e_t = -sum_{k < i < t} Q_k (n_i - n_k),    Q_1 = P_1, then Q_k = A_k
    diagonal   (D_{t-1} + A_t) e_t = D_{t-1} e_{t-1} + (P_{t-1} - D_{t-1}) (m_t - m_{t-1})

with D the diagonal of P. Separate penalties count earlier tasks twice. The error of the diagonal
grows with the distance that a new task moves the optimum in directions that the diagonal ignores.
Both errors vanish if no task moves the optimum.

Shapes: A (T, D, D), b (T, D, C); a prior mean (D, C) and precision (D, D).
Taught in lesson forgetting.
Sources: Huszar 2018, arXiv:1712.03847; the errors follow by subtracting the equations.
"""

from minimeta.core import checks
from minimeta.core.backend import np


def statistics(x, y, noise_variance):
    """A (T, D, D) and b (T, D, C) of tasks with examples x (T, N, D), y (T, N, C)."""
    checks.array("x", x, "T N D")
    checks.array("y", y, "T N C")
    checks.number("noise_variance", noise_variance, above=0.0)
    checks.same_shape("x[..., 0]", x[..., 0], "y[..., 0]", y[..., 0])
    transposed = np.swapaxes(x, -1, -2) / noise_variance
    return transposed @ x, transposed @ y


def posteriors(A, b, mean, precision):
    """Means (T, D, C) and precisions (T, D, D) after each task, exactly."""
    return recursion(A, b, mean, precision, lambda P: P)


def diagonal_optima(A, b, mean, precision):
    """Means (T, D, C) and precisions (T, D, D) if each task hands on only the diagonal."""
    return recursion(A, b, mean, precision, lambda P: P * np.eye(len(P)))


def recursion(A, b, mean, precision, keep):
    """Means (T, D, C) and precisions (T, D, D) if the next task gets keep(P) in place of P."""
    check_tasks(A, precision, mean, b=b)
    means, precisions = [], []
    for A_t, b_t in zip(A, b):
        after = precision + A_t
        mean = np.linalg.solve(after, precision @ mean + b_t)
        precision = keep(after)
        means.append(mean)
        precisions.append(precision)
    return np.stack(means), np.stack(precisions)


def separate_optima(A, b, mean, precision):
    """Optima n (T, D, C) if every task adds its own penalty 1/2 (w - n_t)' Q_t (w - n_t)."""
    check_tasks(A, precision, mean, b=b)
    curvature = precision + A[0]  # the first penalty includes the prior
    optima = [np.linalg.solve(curvature, precision @ mean + b[0])]
    pull = curvature @ optima[0]
    for A_t, b_t in zip(A[1:], b[1:]):
        optima.append(np.linalg.solve(curvature + A_t, pull + b_t))
        curvature, pull = curvature + A_t, pull + A_t @ optima[-1]
    return np.stack(optima)


def separate_error(A, precision, optima):
    """e_T (D, C): the last of the separate optima (T, D, C) minus the joint posterior mean."""
    check_tasks(A, precision, None, optima=optima)
    Q, excess = [precision + A[0], *A[1:]], np.zeros_like(optima[0])
    for i in range(len(A) - 1):
        for k in range(i):
            excess = excess + Q[k] @ (optima[i] - optima[k])
    return -np.linalg.solve(precision + np.sum(A, axis=0), excess)


def diagonal_error(A, mean, precision, means):
    """e_T (D, C): the error of handing on only diagonals, from the exact means (T, D, C).

    The precision of the prior must be diagonal, as that of an L2 penalty is.
    """
    check_tasks(A, precision, mean, means=means)
    error, before, P, D = np.zeros_like(means[0]), mean, precision, precision
    for A_t, after in zip(A, means):
        error = np.linalg.solve(D + A_t, D @ error + (P - D) @ (after - before))
        P, before = P + A_t, after
        D = P * np.eye(len(P))
    return error


def check_tasks(A, precision, mean, **per_task):
    """Raise unless A (T, D, D), precision (D, D), mean (D, C) and arrays (T, D, C) fit together."""
    checks.array("A", A, "T D D")
    checks.array("precision", precision, "D D")
    checks.integer("the number of tasks in A", len(A), at_least=1)
    for name, value in per_task.items():
        checks.array(name, value, "T D C")
        if np.shape(value)[:2] != np.shape(A)[:2] or np.shape(A)[1] != np.shape(A)[2]:
            raise ValueError(
                f"A and {name} must be (T, D, D) and (T, D, C); "
                f"their shapes are {np.shape(A)} and {np.shape(value)}."
            )
        if name != "optima":
            checks.array("mean", mean, "D C")
            checks.same_shape("mean", mean, f"{name}[0]", value[0])
    checks.same_shape("precision", precision, "A[0]", A[0])
