"""The Bayes-adaptive optimum of Bernoulli bandits, by dynamic programming over what was seen.

An arm that paid s times and failed f times pays next with probability m = (a + s) / (a + s + b + f)
under the prior Beta(a, b). What has been seen of all arms, their counts, is the state of a problem
whose chances are known. With t pulls made and n - t left,

    Q(state, arm) = m (1 + V(arm paid)) + (1 - m) V(arm failed)
    V(state)      = max_arm Q(state, arm),      V = 0 after n pulls

and no learner earns more than V of the first state on average. What a policy earns less is

    V - J = sum_t E (V(state_t) - Q(state_t, arm_t))

a mean of numbers that are never negative, so it is measured far more exactly than J itself.

Arms are alike before they are pulled, so a state is the list of its arms' counts in any order. The
states after t pulls are found from those before, coded as one integer each, and looked up by it.

Source: Bellman 1956, Sankhya 16; Duff 2002, thesis (Bayes-adaptive).  Lesson bandits.
"""

from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_host
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy

MOST = 5_000_000  # states of one level that are still worth the memory
SURE = 1e6  # the logit of an action for each unit by which it is better


class Plan(NamedTuple):
    """What `solve` found: for t = 0 ... n the codes of the states after t pulls, and their V."""

    arms: int
    steps: int
    prior: tuple
    codes: list
    values: list


def solve(arms, steps, prior=(1.0, 1.0)):
    """The Plan for n steps of a bandit of A arms, whose chances are independent Beta(a, b)."""
    checks.integer("arms", arms, at_least=1)
    checks.integer("steps", steps, at_least=1)
    check_prior(prior)
    if arms * numpy.log2(kinds(steps)) > 62:
        raise ValueError(f"{arms} arms and {steps} steps are too many to count their states.")
    plan = Plan(arms, steps, tuple(prior), [numpy.zeros(1, dtype=numpy.int64)], [])
    for _ in range(steps):
        level = numpy.unique(followers(plan, states(plan, plan.codes[-1])))
        if len(level) > MOST:
            raise ValueError(f"{arms} arms and {steps} steps have too many states to count.")
        plan.codes.append(level)
    values = [numpy.zeros(len(plan.codes[-1]))]
    for t in reversed(range(steps)):
        Q = outlook(plan, states(plan, plan.codes[t]), plan.codes[t + 1], values[-1])
        values.append(Q.max(axis=-1))
    return plan._replace(values=values[::-1])


def value(plan):
    """V of the first state: what the best learner earns on average in all n steps."""
    return float(plan.values[0][0])


def action_values(plan, counts):
    """Q of each arm, of counts (..., A, 2), how often an arm paid and failed: (..., A).

    All states must be after the same number of pulls, and that below n.
    """
    counts = check_counts(plan, counts)
    t = int(counts[(0,) * (counts.ndim - 2)].sum())
    if t >= plan.steps or numpy.any(counts.sum(axis=(-1, -2)) != t):
        raise ValueError(f"All counts must add up to one number of pulls below {plan.steps}.")
    s, f = numpy.moveaxis(counts, -1, 0)
    return outlook(plan, kind(s, f), plan.codes[t + 1], plan.values[t + 1])


def regrets(plan, action, reward):
    """V(state_t) - Q(state_t, arm) for every arm at every step of episodes: (M, N, T, A).

    Episodes have actions (M, N, T, A) and rewards (M, N, T). Summed over the arms, weighted by the
    chance of each or by the action itself, and over T, its mean is V - J.
    """
    action, reward = to_host(action), to_host(reward)
    checks.array("action", action, "M N T A")
    checks.array("reward", reward, "M N T")
    pulls = numpy.stack([action * reward[..., None], action * (1.0 - reward[..., None])], axis=-1)
    seen = numpy.cumsum(pulls, axis=2) - pulls  # (M, N, T, A, 2), before each step
    Q = numpy.stack([action_values(plan, seen[:, :, t]) for t in range(seen.shape[2])], axis=2)
    return Q.max(axis=-1, keepdims=True) - Q


def learner(arms, steps, prior=(1.0, 1.0)) -> Learner:
    """The Bayes-adaptive optimum as a Learner that acts; its labels are [action, reward, done].

    Arms that are equally good are pulled equally often.
    """
    plan = solve(arms, steps, prior)

    def logits(counts):
        Q = action_values(plan, counts)
        return SURE * (Q - Q.max(axis=-1, keepdims=True))

    return counting_learner(arms, logits)


def counting_learner(arms, logits):
    """The Learner whose state is how often each arm paid and failed, and that acts by it alone.

    logits(counts) takes (M, A, 2) to (M, A). Its labels are [action, reward, done].
    """
    checks.integer("arms", arms, at_least=1)

    def start(meta, x):
        return np.zeros((len(x), arms, 2), dtype=x.dtype)

    def observe(meta, counts, x, y):
        action, reward = y[:, :arms], y[:, arms : arms + 1]
        return counts + np.stack([action * reward, action * (1.0 - reward)], axis=-1)

    def predict(meta, counts, x):
        chosen = np.asarray(np.expand_dims(logits(counts), 1), dtype=x.dtype)
        return np.repeat(chosen, np.shape(x)[1], axis=1)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)


# ---- States as numbers ----


def kinds(steps):
    """How many pairs (s, f) there are with s + f <= n."""
    return (steps + 1) * (steps + 2) // 2


def kind(s, f):
    """The number of the pair (s, f): pairs of fewer pulls come first."""
    t = (s + f).astype(numpy.int64)
    return t * (t + 1) // 2 + s.astype(numpy.int64)


def pair(number):
    """The pair (s, f) of this number."""
    t = ((numpy.sqrt(8.0 * number + 1.0) - 1.0) / 2.0).astype(numpy.int64)
    s = number - t * (t + 1) // 2
    return s, t - s


def code(plan, state):
    """The states (..., A), kinds in any order, as one integer each."""
    weights = kinds(plan.steps) ** numpy.arange(plan.arms, dtype=numpy.int64)
    return numpy.sort(state, axis=-1) @ weights


def states(plan, codes):
    """The kinds of the arms (..., A) of coded states (...)."""
    weights = kinds(plan.steps) ** numpy.arange(plan.arms, dtype=numpy.int64)
    return codes[..., None] // weights % kinds(plan.steps)


def followers(plan, state):
    """The codes of what each arm makes of a state (..., A), when it pays and fails: (..., A, 2)."""
    s, f = pair(state)
    after = numpy.stack([kind(s + 1, f), kind(s, f + 1)], axis=-1)  # (..., A, 2)
    moved = numpy.repeat(state[..., None, None, :], 2, axis=-2).repeat(plan.arms, axis=-3)
    own = numpy.arange(plan.arms)
    moved[..., own, :, own] = numpy.moveaxis(after, -2, 0)
    return code(plan, moved)


def outlook(plan, state, codes, values):
    """Q of each arm of the states (..., A), of the coded states after the pull and their V."""
    s, f = pair(state)
    a, b = plan.prior
    m = (a + s) / (a + b + s + f)
    paid, failed = numpy.moveaxis(values[numpy.searchsorted(codes, followers(plan, state))], -1, 0)
    return m * (1.0 + paid) + (1.0 - m) * failed


def check_prior(prior):
    """Raise unless the prior of an arm is a pair of positive numbers."""
    if not isinstance(prior, (tuple, list)) or len(prior) != 2:
        raise ValueError(f"prior must be two numbers (a, b); it is {checks.describe(prior)}.")
    for name, number in zip(("prior[0]", "prior[1]"), prior):
        checks.number(name, number, above=0.0)


def check_counts(plan, counts):
    """counts as whole numbers on the host; raise unless they are (..., A, 2) and not negative."""
    counts = to_host(counts)
    checks.array("counts", counts, "... A C")
    if counts.shape[-2:] != (plan.arms, 2) or numpy.any(counts < 0) or numpy.any(counts % 1):
        raise ValueError(f"counts must be whole numbers (..., {plan.arms}, 2), none negative.")
    return counts
