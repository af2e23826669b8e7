"""Two arms that pay with the chances p and 1 - p, where it is not known which is which.

A pull of either arm says the same: a success of one arm is as likely as a failure of the other. So
there is nothing to explore, and the best learner pulls the arm that the posterior prefers. Count a
piece of evidence for the better arm as 1, which happens with the chance p, and against it as -1:

    d ~ 2 Binomial(t, p) - t        after t pulls
    regret at the next pull         Delta (P(d < 0) + P(d = 0) / 2),      Delta = 2 p - 1

In the long run the sum of these is 1 / (2 Delta).

Source: Wang et al. 2016, arXiv:1611.05763 (the task); by definition (the sum).  Lesson bandits.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy

SURE = 1e3  # the logit for each piece of evidence


def regret(high, steps):
    """What the best learner loses in so many pulls against one who knows the better arm."""
    checks.number("high", high, above=0.5, at_most=1.0)
    checks.integer("steps", steps, at_least=1)
    return (2.0 * high - 1.0) * sum(chance_wrong(high, t) for t in range(steps))


def regret_in_the_long_run(high):
    """The same for pulls without end: 1 / (2 Delta)."""
    checks.number("high", high, above=0.5, at_most=1.0)
    return 1.0 / (2.0 * (2.0 * high - 1.0))


def chance_wrong(high, pulls):
    """How probable it is that the posterior prefers the worse arm after so many pulls."""
    total, ways = 0.0, 1  # `ways` to draw so many right ones: each number follows from the last
    for right in range(pulls // 2 + 1):
        chance = ways * high**right * (1.0 - high) ** (pulls - right)
        total += chance / 2.0 if 2 * right == pulls else chance
        ways = ways * (pulls - right) // (right + 1)
    return total


def learner() -> Learner:
    """The best Learner; its labels are [action, reward, done], its state the evidence d (M, 2)."""

    def start(meta, x):
        return np.zeros((len(x), 2), dtype=x.dtype)

    def observe(meta, state, x, y):
        action, reward = y[:, :2], y[:, 2:3]
        evidence = (2.0 * action - 1.0) * (2.0 * reward - 1.0)  # for the pulled arm if it paid
        return state + evidence

    def predict(meta, state, x):
        return np.repeat(np.expand_dims(SURE * state, 1), np.shape(x)[1], axis=1)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)
