"""The best learner of a bandit with an informative arm, and what it is worth to ask.

Of A arms one pays 5 and the others 1, and one more arm pays (number of the target) / A. What is
known is which arms may still be the target. If it is one of k, with n pulls left, then

    to try one   1/k (5 n) + (1 - 1/k) (1 + V(k-1, n-1))     it may be the target
    to ask       mean number / A + 5 (n - 1)                 and the target is known
    V(k, n)      the larger of the two,                       V(1, n) = 5 n

Arms are tried in the order of their numbers, so that the k largest are left and asking pays most.
With ten arms and five pulls, to ask at once is worth .55 + 4 * 5 = 20.55, and never to ask 11.

Source: Wang et al. 2016, arXiv:1611.05763 (the task); by definition (the values).  Lesson rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy
from minimeta.tasks.informative import OTHER, TARGET

SURE = 1e3  # the logit of the arm that is pulled before those with 0


def value(arms=10, steps=5):
    """What the best learner earns on average in so many pulls."""
    return float(max(values(arms, steps)))


def value_without_asking(arms=10, steps=5):
    """What is earned by trying one arm after another: in pull t, 5 with the chance t / A."""
    check_sizes(arms, steps)
    t = numpy.arange(1, steps + 1)
    return float(numpy.sum(OTHER + (TARGET - OTHER) * numpy.minimum(t / arms, 1.0)))


def values(left, steps, arms=None):
    """(to try one, to ask), with so many arms left of A and so many pulls to come."""
    arms = left if arms is None else arms
    check_sizes(arms, steps)
    if left == 1:
        return TARGET * steps, mean_number(1, arms) + TARGET * (steps - 1)
    missed = max(values(left - 1, steps - 1, arms)) if steps > 1 else 0.0
    tried = TARGET * steps / left + (1.0 - 1.0 / left) * (OTHER + missed)
    return tried, mean_number(left, arms) + TARGET * (steps - 1)


def mean_number(left, arms):
    """What asking pays on average if the target is one of the last so many of A arms."""
    return (arms + (arms - left + 1)) / (2 * arms)


def learner(arms=10, steps=5) -> Learner:
    """The best Learner; its labels are [action, reward, done] with A + 1 columns of actions.

    The state is which arms may be the target, 1 or 0 (M, A), and the number of pulls so far (M,).
    """
    check_sizes(arms, steps)
    asks = numpy.zeros((steps + 1, arms + 1))  # by pulls made and arms left
    for t in range(steps):
        for left in range(1, arms + 1):
            tried, asked = values(left, steps - t, arms)
            asks[t, left] = asked > tried

    def start(meta, x):
        return {"may": np.ones((len(x), arms), dtype=x.dtype), "pulls": np.zeros(len(x))}

    def observe(meta, state, x, y):
        may = narrow(state["may"], y[:, :arms], y[:, arms : arms + 1], y[:, arms + 1 : arms + 2])
        return {"may": may, "pulls": state["pulls"] + 1.0}

    def predict(meta, state, x):
        may, pulls = state["may"], np.minimum(state["pulls"], steps).astype(int)
        left = np.sum(may, axis=-1).astype(int)
        asked = np.asarray(asks, dtype=x.dtype)[pulls, left][:, None]
        first = may * (np.cumsum(may, axis=-1) == 1.0)  # the first arm that may be the target
        logits = SURE * np.concatenate([first * (1.0 - asked), asked], axis=-1)
        return np.repeat(logits[:, None], np.shape(x)[1], axis=1)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)


def narrow(may, pulled, asked, reward):
    """Which arms may still be the target after a pull: may, pulled (M, A); asked, reward (M, 1)."""
    arms = np.shape(may)[-1]
    numbers = np.arange(arms, dtype=may.dtype) + 1.0
    told = (np.abs(arms * reward - numbers) < 0.5).astype(may.dtype)
    tried = np.where(reward == TARGET, pulled, may * (1.0 - pulled))
    return np.where(asked == 1.0, told, tried)


def check_sizes(arms, steps):
    """Raise unless there are two arms and a pull."""
    checks.integer("arms", arms, at_least=2)
    checks.integer("steps", steps, at_least=1)
