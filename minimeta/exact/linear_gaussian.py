"""The Bayes-optimal learner of noisy linear maps: the floor under every learner of such tasks.

    tasks:    w ~ N(m, S)    y = X w + noise    noise ~ N(0, s^2)      the same S for every output
    adapt:    m_N = m + G (y - X m)    S_N = S - G X S    G = S X' (X S X' + s^2 I)^-1
    predict:  x m_N    with variance    x S_N x' + s^2

The prior counts like D more examples: with S = L L' and w = m + L u, the posterior mean is the
least-squares solution of [X L / s; I] u = [(y - X m) / s; 0]. The code solves that by Gram-Schmidt,
which loses half as many digits as the formulas above and allows a singular S. `noise_variance` must
be positive; for data without noise take a small one, such as 1e-8.

Shapes: x (..., N, D), y (..., N, C), mean a number, (D,) or (..., D, C), covariance (..., D, D);
leading axes broadcast.  Taught in lesson bayes.
Sources: Bishop 2006, Pattern Recognition and Machine Learning, sections 3.3 and 3.5; Bierman 1977,
Factorization Methods for Discrete Sequential Estimation (Potter's filter, here `sequential`).
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.exact.factors import covariance_root, orthonormal_basis
from minimeta.exact.gaussian_checks import check_prior, check_problem, leading_axes


def posterior(x, y, mean, covariance, noise_variance):
    """Mean (..., D, C) and covariance (..., D, D) of the weights after the examples (x, y).

    Without examples (N = 0) it is the prior, bit for bit. Raises ValueError or TypeError for
    arguments that do not fit.
    """
    checks.array("y", y, "... N C")
    mean, covariance, noise = check_problem(x, y, mean, covariance, noise_variance)
    if np.shape(x)[-2] == 0:
        return _spread_over_tasks(mean, x, y), _spread_over_tasks(covariance, x)
    basis, inverse, root = _factors(x, covariance, noise)
    residual = (y - x @ mean) / noise**0.5  # (..., N, C)
    spread = root @ inverse  # (..., D, D), a root of the posterior covariance
    return mean + spread @ (_t(basis) @ residual), spread @ _t(spread)


def predictive(x, mean, covariance, noise_variance):
    """Mean (..., N, C) and variance (..., N, 1) of a new y at x, for weights ~ N(mean, covariance).

    The variance includes the noise and is the same for every output. The weights may be those of a
    prior or of a posterior, as in `predictive(x, *state, noise_variance)` with a learner's state.
    """
    mean, covariance, noise = check_problem(x, None, mean, covariance, noise_variance)
    return x @ mean, np.sum(x @ covariance * x, axis=-1, keepdims=True) + noise


def sequential(x, y, mean, covariance, noise_variance):
    """Means (..., N+1, D, C) and covariances (..., N+1, D, D) after 0, 1, ..., N examples.

    This is the Kalman filter of constant weights, one example at a time. It stores a root L of the
    covariance, so that L L' stays symmetric and positive. With a = L' x' and v = a' a + s^2:
    m <- m + L a (y - x m) / v,   L <- L - L a a' / (v + s sqrt(v)).
    """
    checks.array("y", y, "... N C")
    mean, covariance, noise = check_problem(x, y, mean, covariance, noise_variance)
    batch = leading_axes(x, y, mean, covariance)
    mean = np.broadcast_to(mean, (*batch, *np.shape(mean)[-2:]))
    root = np.broadcast_to(covariance_root(covariance), (*batch, *np.shape(covariance)[-2:]))
    means, roots = [mean], [root]
    for n in range(np.shape(x)[-2]):
        row, target = x[..., n : n + 1, :], y[..., n : n + 1, :]  # (..., 1, D), (..., 1, C)
        a = _t(row @ root)  # (..., D, 1)
        variance = _t(a) @ a + noise  # (..., 1, 1)
        mean = mean + root @ a @ (target - row @ mean) / variance
        root = root - root @ a @ _t(a) / (variance + (noise * variance) ** 0.5)
        means.append(mean)
        roots.append(root)
    roots = np.stack(roots, axis=-3)
    return np.stack(means, axis=-3), roots @ _t(roots)


def evidence(x, y, mean, covariance, noise_variance):
    """log p(y | x), with the weights integrated out and summed over the outputs: (...).

    -1/2 [ r' K^-1 r + log det K + N log 2 pi ] per output, with r = y - X m and K = X S X' + s^2 I.
    """
    checks.array("y", y, "... N C")
    mean, covariance, noise = check_problem(x, y, mean, covariance, noise_variance)
    basis, inverse, _ = _factors(x, covariance, noise)
    residual = (y - x @ mean) / noise**0.5
    fit = _t(basis) @ residual  # (..., D, C)
    misfit = _total((residual - basis @ fit) ** 2) + _total((inverse @ fit) ** 2)  # r' K^-1 r
    log_det = -2.0 * np.sum(np.log(np.diagonal(inverse, axis1=-2, axis2=-1)), axis=-1)
    count, outputs = np.shape(y)[-2:]
    return -0.5 * (misfit + outputs * (log_det + count * np.log(2.0 * np.pi * noise)))


def risk(x, covariance, noise_variance, query_covariance=None):
    """Expected squared error per output of the posterior mean at a new query: (...).

    s^2 + tr(S_N Q): exact for the given support inputs x, and averaged over weights, noise and
    queries. Q (D, D) is the second moment E x'x of the queries, the identity if None. No learner
    has a smaller risk.
    """
    _, covariance, noise = check_problem(x, None, 0.0, covariance, noise_variance)
    _, inverse, root = _factors(x, covariance, noise)
    spread = root @ inverse
    return noise + _total(_queries(query_covariance, x) @ spread * spread)


def wrong_prior_risk(x, believed, true, query_covariance=None):
    """Expected squared error per output of a Bayesian learner that assumes a wrong prior: (...).

    s^2 + tr[ (J (S + d d') J' + s^2 G G') Q ]. The gain G and J = I - G X follow from the assumed
    prior; S and s^2 are the true ones, and d is the difference of the two means. `believed` and
    `true` are each (mean, covariance, noise_variance). Exact for the given x, as `risk` is.
    """
    for name, prior in (("believed", believed), ("true", true)):
        if not isinstance(prior, (tuple, list)) or len(prior) != 3:
            raise ValueError(
                f"{name} must be (mean, covariance, noise_variance); "
                f"it is {checks.describe(prior)}."
            )
    believed_mean, believed_covariance, believed_noise = check_problem(x, None, *believed)
    mean, covariance, noise = check_problem(x, None, *true)
    basis, inverse, root = _factors(x, believed_covariance, believed_noise)
    G = root @ inverse @ _t(basis) / believed_noise**0.5  # (..., D, N)
    J = np.eye(np.shape(x)[-1]) - G @ x
    bias = J @ (mean - believed_mean)  # (..., D, C)
    errors = J @ covariance @ _t(J) + noise * G @ _t(G) + bias @ _t(bias) / np.shape(bias)[-1]
    return noise + _total(errors * _queries(query_covariance, x))


def learner(mean, covariance, noise_variance) -> Learner:
    """The Bayes-optimal Learner for weights ~ N(mean, covariance).

    There is nothing to train: meta is {}. Its state is the posterior, (mean (M, D, C), covariance
    (M, D, D)), and it predicts with the mean.
    """
    prior = check_prior(mean, covariance, noise_variance)
    return Learner(
        init=lambda rng: {},
        adapt=lambda meta, support: posterior(*support, *prior),
        predict=lambda meta, state, x: x @ state[0],
    )


def _factors(x, covariance, noise):
    """Q (..., N, D), R^-1 (..., D, D) and L, where S = L L' and [X L / s; I] = [Q; R^-1] R."""
    root = covariance_root(covariance)
    examples = x @ root / noise**0.5
    prior = _spread_over_tasks(np.eye(np.shape(x)[-1]), examples)
    basis = orthonormal_basis(np.concatenate([examples, prior], axis=-2))  # (..., N + D, D)
    count = np.shape(x)[-2]
    return basis[..., :count, :], basis[..., count:, :], root


def _queries(query_covariance, x):
    if query_covariance is None:
        return np.eye(np.shape(x)[-1])
    checks.covariance("query_covariance", query_covariance)
    if np.shape(query_covariance)[-1] != np.shape(x)[-1]:
        raise ValueError(
            f"query_covariance must be {np.shape(x)[-1]} by {np.shape(x)[-1]}; "
            f"its shape is {np.shape(query_covariance)}."
        )
    return np.asarray(query_covariance)


def _spread_over_tasks(matrix, *data):
    """The matrix for every task of the data: (..., A, B) with the leading axes of x."""
    return np.broadcast_to(matrix, (*leading_axes(matrix, *data), *np.shape(matrix)[-2:]))


def _total(matrix):
    return np.sum(matrix, axis=(-2, -1))


def _t(matrix):
    return np.swapaxes(matrix, -1, -2)
