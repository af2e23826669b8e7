"""Tabular RL2: a player of bandits with a logit of its own for everything it can have seen.

    state    counts (s, f) of all arms, how often each has paid and failed
    policy   pi(arm | state) = softmax(theta_state)                    theta is (S, A)
    chance   m = (1 + s) / (2 + s + f)                                 that the arm pays next
    value    J(state) = sum_arm pi(arm | state) (m (1 + J(arm paid)) + (1 - m) J(arm failed))

J of the first state is what the policy earns in n pulls on average, exactly, over bandits whose
chances are uniform. This is the goal of RL2, for a policy that can represent everything and that is
trained without sampling. It has no maximum in it. Gradient ascent on it leads to the
Bayes-adaptive optimum all the same, which `bandit_dp` computes by maxima.

The S states are those before one of the n pulls, level after level: S = 715 for two arms and ten
pulls.

Sources: Duan et al. 2016, arXiv:1611.02779 (the goal); Duff 2002, thesis (counts as states).
Lesson rl2.
"""

from functools import lru_cache

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy, softmax


@lru_cache(8)
def levels(arms, steps):
    """The states before each of n pulls, and where in the next level an arm leads from there.

    Lists of counts (S_t, A, 2) and of whole numbers (S_t, A, 2), for an arm that pays and fails.
    """
    one_more = numpy.eye(2 * arms)
    counts, following = [numpy.zeros((1, 2 * arms))], []
    for _ in range(steps):
        after = (counts[-1][:, None] + one_more).reshape(-1, 2 * arms)
        level, places = numpy.unique(after, axis=0, return_inverse=True)
        counts.append(level)
        following.append(places.reshape(-1, arms, 2))
    return [level.reshape(-1, arms, 2) for level in counts[:-1]], following


def states(arms, steps):
    """All counts there can be before one of n pulls: (S, A, 2)."""
    checks.integer("arms", arms, at_least=1)
    checks.integer("steps", steps, at_least=1)
    return numpy.concatenate(levels(arms, steps)[0])


def values(theta, steps):
    """J of every state, for logits theta (S, A): (S,)."""
    check_table(theta, steps)
    counts, following = levels(np.shape(theta)[1], steps)
    end, later, parts = len(theta), np.zeros(following[-1].max() + 1), []
    for seen, places in zip(reversed(counts), reversed(following)):
        policy = softmax(theta[end - len(seen) : end])
        m = to_device((1.0 + seen[..., 0]) / (2.0 + seen.sum(axis=-1)))
        paid, failed = later[places[..., 0]], later[places[..., 1]]
        later = np.sum(policy * (m * (1.0 + paid) + (1.0 - m) * failed), axis=-1)
        parts, end = [later, *parts], end - len(seen)
    return np.concatenate(parts)


def value(theta, steps):
    """J of the first state, what the policy earns in n pulls on average: a scalar."""
    return values(theta, steps)[0]


def learner(arms, steps) -> Learner:
    """The policy as a Learner that acts; meta is theta, and its labels are [action, reward, done].

    It begins at zeros, where all arms are equally likely. Further columns of theta (S, A + ...)
    are answered beside the logits, such as those of a critic.
    """
    table = to_device(states(arms, steps))

    def start(meta, x):
        return np.zeros((len(x), arms, 2), dtype=x.dtype)

    def observe(meta, counts, x, y):
        action, reward = y[:, :arms], y[:, arms : arms + 1]
        return counts + np.stack([action * reward, action * (1.0 - reward)], axis=-1)

    def predict(meta, counts, x):
        apart = np.sum(abs(np.expand_dims(counts, 1) - table), axis=(-1, -2))  # (M, S)
        row = np.matmul((apart == 0.0).astype(meta.dtype), meta)
        return np.repeat(np.expand_dims(row, 1), np.shape(x)[1], axis=1)

    init = lambda rng: np.zeros((len(table), arms))
    return Learner(init, fold(start, observe), predict, cross_entropy, start, observe)


def check_table(theta, steps):
    """Raise unless theta is (S, A) with a row for each state of n pulls."""
    checks.array("theta", theta, "S A")
    checks.integer("steps", steps, at_least=1)
    rows = len(states(np.shape(theta)[1], steps))
    if len(theta) != rows:
        raise ValueError(
            f"theta must have {rows} rows, one for each state of {np.shape(theta)[1]} arms and "
            f"{steps} pulls; it has {len(theta)}."
        )
