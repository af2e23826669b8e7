"""MAML on a bandit with Gaussian actions: its objective and its gradient with N sampled episodes.

    policy           a = theta + s * noise in D dimensions      reward R = -|a - goal|^2
    before a step    J(theta) = -|theta - goal|^2 - D s^2       dJ = 2 (goal - theta)
    inner step       g = mean over N actions of R (a - theta) / s^2       E g = dJ
                     theta' = theta + alpha g
    after a step     E J(theta') = -(1 - 2 alpha)^2 |d|^2 - D s^2 - alpha^2 tr Cov g
                     d = theta - goal

The sampled step is right on average, and its spread costs alpha^2 tr Cov g. With r = |d|^2,

    N tr Cov g = D r^2 / s^2 + 4 (D + 2) r + s^2 D (D + 2) (D + 4) + 2 D (D + 2) r - 4 r.

`meta_gradient` differentiates E J(theta'). Two things in E J(theta') depend on theta: where a step
leads with the same actions, and which actions are drawn. MAML's first surrogate for rewards takes
the actions as given, and so follows only the first part, `pathwise_gradient`:

    E (1 - alpha Rbar / s^2) (-2) (theta' - goal)               Rbar = mean over N actions of R

DiCE differentiates the inner step in a way that is right on average, E H = d^2 J = -2 I:

    E (I + alpha H) (-2) (theta' - goal)                        `dice_gradient`
    H = mean over N actions of R ((a - theta)(a - theta)' / s^4 - I / s^2)

Functions take theta and goal (..., D).

Source: Finn, Abbeel & Levine 2017; the part left out: Al-Shedivat et al. 2018, arXiv:1710.03641;
Foerster et al. 2018, arXiv:1802.05098 (DiCE).  Lesson maml_rl.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import grad


def value(theta, goal, deviation):
    """J(theta), the mean reward of one action: (...)."""
    check_pair(theta, goal, deviation)
    return -np.sum((theta - goal) ** 2, axis=-1) - np.shape(theta)[-1] * deviation**2


def exact_step(theta, goal, step_size):
    """theta' after a step along the exact gradient of J: (..., D)."""
    check_pair(theta, goal)
    checks.number("step_size", step_size, at_least=0.0)
    return theta + step_size * 2.0 * (goal - theta)


def spread(theta, goal, deviation, episodes):
    """tr Cov g, the total variance of the sampled gradient without a baseline: (...)."""
    check_pair(theta, goal, deviation)
    checks.integer("episodes", episodes, at_least=1)
    D, r, variance = np.shape(theta)[-1], np.sum((theta - goal) ** 2, axis=-1), deviation**2
    second = D * r**2 / variance + 4.0 * (D + 2) * r + 2.0 * D * (D + 2) * r
    second = second + variance * D * (D + 2) * (D + 4)  # E R^2 |a - theta|^2 / s^4
    return (second - 4.0 * r) / episodes


def value_after_step(theta, goal, deviation, step_size, episodes):
    """E J(theta'), what MAML maximises, with N sampled episodes in the inner step: (...)."""
    certain = value(exact_step(theta, goal, step_size), goal, deviation)
    return certain - step_size**2 * spread(theta, goal, deviation, episodes)


def meta_gradient(theta, goal, deviation, step_size, episodes):
    """The gradient of E J(theta') in theta: (..., D)."""
    check_pair(theta, goal, deviation)
    total = lambda theta: np.sum(value_after_step(theta, goal, deviation, step_size, episodes))
    return grad(total)(theta)


def pathwise_gradient(theta, goal, deviation, step_size, episodes):
    """The part of it that takes the actions of the inner step as given: (..., D).

    The mean of a product is the product of the means plus the covariance, of Rbar and g here:
    (1/N) (E R^2 (a - theta) / s^2 - E R E g), where the first is the gradient of E R^2.
    """
    check_pair(theta, goal, deviation)
    checks.number("step_size", step_size, at_least=0.0)
    checks.integer("episodes", episodes, at_least=1)
    D, d, variance = np.shape(theta)[-1], theta - goal, deviation**2
    r = np.sum(d**2, axis=-1, keepdims=True)
    reward = -r - D * variance
    covariance = ((4.0 * r + 4.0 * (D + 2) * variance) + 2.0 * reward) * d / episodes
    means = (1.0 - step_size * reward / variance) * (1.0 - 2.0 * step_size) * d
    return -2.0 * (means - step_size**2 / variance * covariance)


def dice_gradient(theta, goal, deviation, step_size, episodes):
    """What MAML follows whose inner step is differentiated by DiCE, without a score term: (..., D).

    As above, with the covariance of H and g; the third moments are those of normal numbers.
    """
    check_pair(theta, goal, deviation)
    checks.number("step_size", step_size, at_least=0.0)
    checks.integer("episodes", episodes, at_least=1)
    D, d, variance = np.shape(theta)[-1], theta - goal, deviation**2
    r = np.sum(d**2, axis=-1, keepdims=True)
    product = 4.0 * (r * (D + 1) + variance * (D + 2) * (D + 3)) / variance * d
    covariance = (product - 4.0 * d) / episodes
    return -2.0 * ((1.0 - 2.0 * step_size) ** 2 * d + step_size**2 * covariance)


def check_pair(theta, goal, deviation=1.0):
    """Raise unless theta and goal are (..., D) of one shape, and the deviation is positive."""
    checks.array("theta", theta, "... D")
    checks.array("goal", goal, "... D")
    checks.same_shape("theta", theta, "goal", goal)
    checks.number("deviation", deviation, above=0.0)
