"""The best learner of the two-step task, which counts what the places paid and not the actions.

A reward at the better place is as likely as a failure at the other, so every trial says the same
wherever it led: it is a piece of evidence for the better place with the chance `high`, against it
otherwise, as a pull of dependent arms is. There is nothing to explore. With the better action a
trial earns

    best  = common high + (1 - common) (1 - high)             .70
    other = common (1 - high) + (1 - common) high             .30

and the posterior prefers the wrong place in trial t as often as that of dependent arms does in pull
t, so that the regret is theirs with another price of an error:

    regret = (2 common - 1) * (regret of dependent arms)      in the long run .5 * .625 = .3125

Sources: Wang et al. 2016, arXiv:1611.05763 (the task); by definition (the values).  Lesson rl2.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy
from minimeta.exact import dependent_arms
from minimeta.tasks.two_step import COMMON, HIGH

SURE = 1e3  # the logit for each piece of evidence


def best_trial(high=HIGH, common=COMMON):
    """What one trial earns on average for who knows the better place."""
    check_chances(high, common)
    return common * high + (1.0 - common) * (1.0 - high)


def regret(trials, high=HIGH, common=COMMON):
    """What the best learner loses in so many trials against one who knows the better place."""
    check_chances(high, common)
    checks.integer("trials", trials, at_least=1)
    return (2.0 * common - 1.0) * dependent_arms.regret(high, trials)


def regret_in_the_long_run(high=HIGH, common=COMMON):
    """The same for trials without end: (2 common - 1) / (2 (2 high - 1))."""
    check_chances(high, common)
    return (2.0 * common - 1.0) * dependent_arms.regret_in_the_long_run(high)


def value(trials, high=HIGH, common=COMMON):
    """What the best learner earns on average in so many trials."""
    lost = regret(trials, high, common)
    return trials * best_trial(high, common) - lost


def learner() -> Learner:
    """The best Learner; its labels are [action, reward, done].

    The state (M, 1) is the evidence for place 1: how many trials speak for it less how many speak
    against it. At stage 2 the actions make no difference, and both have the logit 0.
    """

    def start(meta, x):
        return np.zeros((len(x), 1), dtype=x.dtype)

    def observe(meta, state, x, y):
        reward = y[:, 2:3]
        return state + (x[:, 1:2] - x[:, 2:3]) * (2.0 * reward - 1.0)

    def predict(meta, state, x):
        return SURE * x[..., :1] * np.stack([state, -state], axis=-1)  # (M, N, 2)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)


def check_chances(high, common):
    """Raise unless one place is better, and the actions lead to different ones."""
    checks.number("high", high, above=0.5, at_most=1.0)
    checks.number("common", common, above=0.5, at_most=1.0)
