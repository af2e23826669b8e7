"""Restless bandits whose arms are good or bad in turn: the exact filter, and the best learner.

What is known of an arm is the probability b that it is good. A pull and then the chance to turn
change it, as Bayes' rule and the chain say:

    b <- b high / (b high + (1 - b) low)                      the arm paid
    b <- b (1 - high) / (b (1 - high) + (1 - b) (1 - low))    it did not
    b <- b (1 - turn) + (1 - b) turn                          after that, for every arm

With n pulls left, m = low + (high - low) b the chance that an arm pays, and b' the beliefs after,

    Q_n(b, arm) = m (1 + V_n-1(b' paid)) + (1 - m) V_n-1(b' failed)
    V_n(b)      = max over arms of Q_n(b, arm),      V_0 = 0

From the first belief only finitely many can be reached, one for each history of pulls and payments,
(2 A)^t after t pulls. So this is exact, and feasible for short episodes. A history has a number:
the next one is 2 A times it, plus 2 arm, plus 1 if the arm paid.

Sources: Bellman 1956, Sankhya 16; Smallwood & Sondik 1973, Operations Research 21 (beliefs as
states).  Lesson rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy
from minimeta.tasks.restless import HIGH, LOW, TURN, check_process

MOST = 2_000_000  # histories of one length that are still worth the memory
SURE = 1e6  # the logit of an arm for each unit by which it is better
FIRST = 0.5  # the chance that an arm is good at first


def after_pull(b, reward, high=HIGH, low=LOW):
    """The probability that an arm is good, once it has paid this reward, 1 or 0: Bayes' rule.

    A reward that has no chance changes nothing.
    """
    good = reward * high + (1.0 - reward) * (1.0 - high)  # the chance of the reward of a good arm
    bad = reward * low + (1.0 - reward) * (1.0 - low)
    chance = b * good + (1.0 - b) * bad
    return np.where(chance > 0.0, b * good / np.where(chance > 0.0, chance, 1.0), b)


def after_turn(b, turn=TURN):
    """The probability that an arm is good, once it may have turned."""
    return b * (1.0 - turn) + (1.0 - b) * turn


def solve(arms, steps, high=HIGH, low=LOW, turn=TURN):
    """Q after every history of t = 0 ... n - 1 pulls, a list of arrays ((2 A)^t, A)."""
    check_sizes(arms, steps)
    check_process(high, low, turn)
    beliefs = [numpy.full((1, arms), FIRST)]
    for _ in range(steps - 1):
        beliefs.append(followers(beliefs[-1], high, low, turn))
    tables, V = [], numpy.zeros(len(beliefs[-1]) * 2 * arms)
    for b in reversed(beliefs):
        failed, paid = numpy.moveaxis(V.reshape(len(b), arms, 2), -1, 0)
        m = low + (high - low) * b
        tables.append(m * (1.0 + paid) + (1.0 - m) * failed)
        V = tables[-1].max(axis=-1)
    return tables[::-1]


def value(arms, steps, high=HIGH, low=LOW, turn=TURN):
    """What the best learner earns on average in so many pulls."""
    return float(solve(arms, steps, high, low, turn)[0].max())


def followers(b, high, low, turn):
    """The beliefs (B, A) after a pull of each arm that failed or paid: (B 2 A, A)."""
    arms = b.shape[-1]
    after = numpy.repeat(b[:, None], 2 * arms, axis=1)  # (B, 2 A, A)
    for arm in range(arms):
        for reward in (0, 1):
            after[:, 2 * arm + reward, arm] = after_pull(b[:, arm], float(reward), high, low)
    return after_turn(after, turn).reshape(-1, arms)


def learner(arms, steps, high=HIGH, low=LOW, turn=TURN) -> Learner:
    """The best Learner for so many pulls; its labels are [action, reward, done].

    The state is the number of pulls and that of the history, (M, 2). Arms that are equally good are
    pulled equally often.
    """
    tables = solve(arms, steps, high, low, turn)

    def start(meta, x):
        return np.zeros((len(x), 2))

    def observe(meta, state, x, y):
        arm = np.sum(y[:, :arms] * np.arange(arms), axis=-1)
        number = 2 * arms * state[:, 1] + 2.0 * arm + y[:, arms]
        return np.stack([state[:, 0] + 1.0, number], axis=-1)

    def predict(meta, state, x):
        t, number = int(state[0, 0]), state[:, 1].astype(int)
        Q = np.asarray(tables[t], dtype=x.dtype)[number]  # (M, A)
        best = SURE * (Q - np.max(Q, axis=-1, keepdims=True))
        return np.repeat(best[:, None], np.shape(x)[1], axis=1)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)


def greedy(arms, high=HIGH, low=LOW, turn=TURN):
    """The Learner that always pulls the arm most probably good; its state is the filter's b (M, A).

    It need not know how long the episode is.
    """
    check_sizes(arms, 1)
    check_process(high, low, turn)

    def start(meta, x):
        return np.full((len(x), arms), FIRST, dtype=x.dtype)

    def observe(meta, state, x, y):
        action, reward = y[:, :arms], y[:, arms : arms + 1]
        pulled = after_pull(state, reward, high, low)
        return after_turn(np.where(action == 1.0, pulled, state), turn)

    def predict(meta, state, x):
        return np.repeat(SURE * state[:, None], np.shape(x)[1], axis=1)

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)


def check_sizes(arms, steps):
    """Raise unless there are arms and pulls, and few enough histories."""
    checks.integer("arms", arms, at_least=2)
    checks.integer("steps", steps, at_least=1)
    if (steps - 1) * numpy.log(2 * arms) > numpy.log(MOST):
        raise ValueError(f"{arms} arms and {steps} steps have too many histories to count.")
