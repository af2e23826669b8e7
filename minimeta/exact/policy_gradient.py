"""REINFORCE on one pull of a bandit: its mean, its covariance, and the best baseline.

    policy     pi = softmax(theta), A arms with mean rewards r and variances v
    value      J = pi . r                                  dJ/dtheta = pi o (r - J)
    estimate   g = (R - b) (e_a - pi)                      a ~ pi, R the reward of arm a
    mean       E g = dJ/dtheta                             for every baseline b
    covariance sum_a pi_a ((r_a - b)^2 + v_a) (e_a - pi)(e_a - pi)' - E g E g'
    best b     sum_a pi_a w_a r_a / sum_a pi_a w_a         w_a = |e_a - pi|^2, and not J

Functions take policies and rewards (..., A). Source: Williams 1992; Greensmith, Bartlett & Baxter
2004, JMLR 5 (the best baseline).  Lesson bandits.
"""

from minimeta.core import checks
from minimeta.core.backend import np


def value(policy, rewards):
    """J, the mean reward under the policy: (..., A), (..., A) -> (...)."""
    check_policy(policy, rewards)
    return np.sum(policy * rewards, axis=-1)


def gradient(policy, rewards):
    """dJ/dtheta in the logits theta of the policy: (..., A)."""
    return policy * (rewards - np.expand_dims(value(policy, rewards), -1))


def covariance(policy, rewards, baseline=0.0, variances=0.0):
    """The covariance of REINFORCE's estimate from one pull: (..., A, A).

    variances are those of the arms' rewards, (..., A): r (1 - r) for Bernoulli arms.
    """
    checks.quantity("baseline", baseline)
    checks.quantity("variances", variances, at_least=0.0)
    mean = gradient(policy, rewards)
    weight = policy * ((rewards - baseline) ** 2 + variances)  # pi_a E (R_a - b)^2
    scores = np.eye(np.shape(policy)[-1]) - np.expand_dims(policy, -2)  # row a is e_a - pi
    second = np.matmul(np.swapaxes(scores, -1, -2), np.expand_dims(weight, -1) * scores)
    return second - np.expand_dims(mean, -1) * np.expand_dims(mean, -2)


def best_baseline(policy, rewards):
    """The number b that makes the trace of the covariance least: (...)."""
    check_policy(policy, rewards)
    squares = 1.0 - 2.0 * policy + np.sum(policy**2, axis=-1, keepdims=True)  # |e_a - pi|^2
    weight = policy * squares
    return np.sum(weight * rewards, axis=-1) / np.sum(weight, axis=-1)


def check_policy(policy, rewards):
    """Raise unless both are (..., A) and, where readable, the policy is probabilities."""
    checks.array("policy", policy, "... A")
    checks.array("rewards", rewards, "... A")
    checks.same_shape("policy", policy, "rewards", rewards)
    checks.not_negative("policy", policy)
    if checks.readable(policy):
        total = np.sum(policy, axis=-1)
        if np.any(abs(total - 1.0) > np.sqrt(np.finfo(policy.dtype).eps)):
            raise ValueError(f"policy must sum to 1 over its arms; it sums to {total}.")
