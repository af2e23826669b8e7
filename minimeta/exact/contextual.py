"""The best learner of contextual bandits in which one action of each context pays.

It tries new actions until one has paid, and takes that one ever after. Which action is right is
uniform, so after c visits of a context, c - 1 of them wrong or the last one right, it is right at
the next visit with the chance min(c + 1, A) / A. Contexts are uniform, and so

    P(right at step t) = E min(1 + B, A) / A,      B ~ Binomial(t - 1, 1/K)

Source: Rabinowitz 2019, arXiv:1905.01320, experiment 3, whose figure has it as Bayes-optimal.
Lesson bandits.
"""

import math

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy

SURE = 1e3  # the logit by which an action that pays leads, and one that does not falls behind


def chance_right(steps, contexts, actions):
    """The chance to be right at each of so many steps, for the best learner: (T,)."""
    checks.integer("steps", steps, at_least=1)
    checks.integer("contexts", contexts, at_least=1)
    checks.integer("actions", actions, at_least=2)
    return numpy.array([chance_at(t, 1.0 / contexts, actions) for t in range(steps)])


def chance_at(before, visit, actions):
    """The same after so many steps, of which each visits the context with this chance."""
    total = 0.0
    for c in range(before + 1):
        ways = math.comb(before, c) * visit**c * (1.0 - visit) ** (before - c)
        total += ways * min(c + 1, actions) / actions
    return total


def learner(contexts, actions) -> Learner:
    """The Bayes-optimal Learner; its labels are [action, reward, done], its state what it knows.

    The state is a table (M, K, A): 1 where an action has paid, -1 where it has not, 0 elsewhere.
    """
    checks.integer("contexts", contexts, at_least=1)
    checks.integer("actions", actions, at_least=2)

    def start(meta, x):
        return np.zeros((len(x), contexts, actions), dtype=x.dtype)

    def observe(meta, state, x, y):
        action, reward = y[:, :actions], y[:, actions : actions + 1]
        learned = np.expand_dims(x, -1) * np.expand_dims(action * (2.0 * reward - 1.0), 1)
        return np.where(learned == 0.0, state, learned)

    def predict(meta, state, x):
        return SURE * np.matmul(x, state)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)
