"""The Bayes-optimal learner of random waves, computed from weights or from functions.

    tasks:      y = phi(x) w + noise    w ~ N(0, diag(a_k^2))    phi: tasks.fourier.features
    weights:    w given (x, y), as in exact.linear_gaussian;  predict phi(x) w_N
    functions:  y and f(x) are jointly normal with  k(x, x') = sum_k 2 a_k^2 cos k(x - x'):
                mean  k_* (K + s^2 I)^-1 y    variance  k(x, x) - k_* (K + s^2 I)^-1 k_*'

Both give the same answer: a Gaussian process with finitely many waves. A wave without prior power,
a_k = 0, stays at zero whatever the data are, so the prior acts as a filter.  Lesson `waves`.
Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, section 2.1.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.exact import linear_gaussian
from minimeta.exact.gaussian_checks import check_problem
from minimeta.tasks.fourier import features, prior_covariance


def posterior(x, y, amplitudes, noise_variance):
    """Mean (..., 2K, C) and covariance (..., 2K, 2K) of the weights; x (..., N, 1), y (..., N, C).

    `amplitudes` (K,) are at least 0, `noise_variance` is positive.
    """
    covariance = np.asarray(prior_covariance(amplitudes))
    phi = _features(x, len(amplitudes))
    checks.array("y", y, "... N C")
    return linear_gaussian.posterior(phi, y, 0.0, covariance, noise_variance)


def predictive(x, mean, covariance, noise_variance):
    """Mean (..., N, C) and variance (..., N, 1) of a new y at x (..., N, 1), in weight space.

    `mean` and `covariance` are those of the weights, as `posterior` gives them.
    """
    checks.array("covariance", covariance, "... D D")
    phi = _features(x, np.shape(covariance)[-1] // 2)
    return linear_gaussian.predictive(phi, mean, covariance, noise_variance)


def kernel(x, other, amplitudes):
    """The prior covariance of f(x) and f(other): (..., N, 1), (..., N', 1) -> (..., N, N')."""
    prior_covariance(amplitudes)  # for its checks
    _check_angles("x", x)
    _check_angles("other", other)
    apart = x - np.swapaxes(other, -1, -2)  # (..., N, N')
    return sum(2.0 * a**2 * np.cos((k + 1) * apart) for k, a in enumerate(amplitudes))


def function_space(new, x, y, amplitudes, noise_variance):
    """Mean (..., N', C) and variance (..., N', 1) of y at `new` (..., N', 1), without weights.

    Equals `predictive` after `posterior`: x (..., N, 1) and y (..., N, C) are the examples.
    """
    prior = 0.0, prior_covariance(amplitudes), noise_variance
    checks.array("y", y, "... N C")
    check_problem(_features(x, len(amplitudes)), y, *prior)
    _check_angles("new", new)
    K = kernel(x, x, amplitudes) + noise_variance * np.eye(np.shape(x)[-2])
    across = kernel(x, new, amplitudes)  # (..., N, N')
    gain = np.swapaxes(np.linalg.solve(K, across), -1, -2)  # (..., N', N)
    explained = np.sum(gain * np.swapaxes(across, -1, -2), axis=-1, keepdims=True)
    return gain @ y, 2.0 * np.sum(amplitudes**2) - explained + noise_variance


def progress(x, amplitudes, noise_variance):
    """The mean progress on every wave after examples at x (..., N, 1): (..., K), from 0 to 1.

    Progress is Re <f_hat, f> / |f|^2, averaged over phases and noise, for the learner whose prior
    has these `amplitudes`. The mean estimate is E[w_hat | w, x] = G phi(x) w, so the mean progress
    of a wave is half the trace of its 2 x 2 block of G phi(x).
    """
    covariance = np.asarray(prior_covariance(amplitudes))
    phi = _features(x, len(amplitudes))
    gain, _ = linear_gaussian.posterior(phi, phi, 0.0, covariance, noise_variance)  # G phi(x)
    shares = np.diagonal(gain, axis1=-2, axis2=-1)
    return np.mean(np.reshape(shares, (*np.shape(shares)[:-1], -1, 2)), axis=-1)


def learner(amplitudes, noise_variance) -> Learner:
    """The Bayes-optimal Learner of tasks.fourier.fourier(..., amplitudes, noise_variance).

    There is nothing to train: meta is {}. Its state is the posterior of the weights.
    """
    prior_covariance(amplitudes)
    checks.number("noise_variance", noise_variance, above=0.0)
    return Learner(
        init=lambda rng: {},
        adapt=lambda meta, support: posterior(*support, amplitudes, noise_variance),
        predict=lambda meta, state, x: _features(x, len(amplitudes)) @ state[0],
    )


def _features(x, frequencies):
    _check_angles("x", x)
    return features(x, frequencies)


def _check_angles(name, x):
    checks.array(name, x, "... N D")
    if np.shape(x)[-1] != 1:
        raise ValueError(f"{name} must be angles (..., N, 1); its shape is {np.shape(x)}.")
