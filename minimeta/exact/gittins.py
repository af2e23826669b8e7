"""The Gittins index of Bernoulli arms: what an arm is worth a pull when rewards are discounted.

The index of an arm is the sure payment at which one does not mind to give the arm up for good:

    pull(s, f) = m (1 + discount V(s+1, f)) + (1 - m) discount V(s, f+1)
    V(s, f)    = max(payment / (1 - discount), pull(s, f))
    index      = the payment at which both are equal

m = (a + s) / (a + s + b + f) is the chance of an arm that paid s times and failed f times to pay,
under the prior Beta(a, b). To pull the arm of the largest index is the best there is for discounted
rewards without end and independent arms: a problem of many arms falls apart into problems of one.

An arm is taken to pay with its posterior mean for sure once it has been pulled `depth` times: what
is later learned of it counts for nothing. For such arms all this is exact. Of the true index after
t pulls it falls short by discount^(depth - t) / (1 - discount) at most. The payment is found by
halving an interval, for all states of one number of pulls at once.

Sources: Gittins 1979, J. Royal Stat. Soc. B 41; Whittle 1980, the same 42 (the payment).  Lesson
bandits.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_host
from minimeta.core.learner import Learner
from minimeta.exact.bandit_dp import check_prior, counting_learner

HALVINGS = 52  # of the interval from 0 to 1: as many as a float has binary digits
SURE = 1e6  # the logit of an arm for each unit of its index
MOST = 1000  # pulls of an arm that are looked ahead


def indices(discount, depth, prior=(1.0, 1.0)):
    """The index of every state with s + f <= depth, (depth + 1, depth + 1), NaN for the others."""
    check_problem(discount, depth, prior)
    table = numpy.full((depth + 1, depth + 1), numpy.nan)
    for t in range(depth + 1):
        s = numpy.arange(t + 1)
        table[s, t - s] = level(discount, depth, prior, t)
    return table


def index(discount, depth, prior=(1.0, 1.0)):
    """The index of an arm that was never pulled."""
    check_problem(discount, depth, prior)
    return float(level(discount, depth, prior, 0)[0])


def level(discount, depth, prior, t):
    """The indices after t pulls, by s = 0 ... t: (t + 1,)."""
    low, high = numpy.zeros(t + 1), numpy.ones(t + 1)
    for _ in range(HALVINGS):
        payment = (low + high) / 2.0
        worth = gain(payment, discount, depth, prior, t) > 0.0
        low, high = numpy.where(worth, payment, low), numpy.where(worth, high, payment)
    return (low + high) / 2.0


def gain(payment, discount, depth, prior, t):
    """By how much a pull is better than each payment (t + 1,), in all the time to come: (t + 1,).

    The rows of the arrays are the states after t pulls, which have each their own payment; the
    columns are how often the arm has paid since.
    """
    give_up = (payment / (1.0 - discount))[:, None]
    V = numpy.maximum(give_up, means(prior, t, depth - t) / (1.0 - discount))
    pull = means(prior, t, 0) / (1.0 - discount)  # of an arm that is not learned of any more
    for ahead in reversed(range(depth - t)):
        m = means(prior, t, ahead)  # (t + 1, ahead + 1)
        pull = m * (1.0 + discount * V[:, 1:]) + (1.0 - m) * discount * V[:, :-1]
        V = numpy.maximum(give_up, pull)
    return (pull - give_up)[:, 0]


def means(prior, t, ahead):
    """The posterior mean after t + ahead pulls: by s of the first t, and of the later ones."""
    s = numpy.arange(t + 1)[:, None] + numpy.arange(ahead + 1)
    return (prior[0] + s) / (prior[0] + prior[1] + t + ahead)


def learner(arms, discount, depth, prior=(1.0, 1.0)) -> Learner:
    """The Learner that pulls the arm of the largest index; its labels are [action, reward, done].

    For episodes of up to `depth` pulls.
    """
    table = indices(discount, depth, prior)

    def logits(counts):
        s, f = numpy.moveaxis(to_host(counts).astype(int), -1, 0)
        if (s + f).max() > depth:
            raise ValueError(f"The index is known for {depth} pulls of an arm; it has more.")
        return SURE * table[s, f]

    return counting_learner(arms, logits)


def check_problem(discount, depth, prior):
    """Raise unless there is a discount, a depth that can be computed, and a prior."""
    checks.number("discount", discount, at_least=0.0, below=1.0)
    checks.integer("depth", depth, at_least=1)
    if depth > MOST:
        raise ValueError(f"depth must be at most {MOST}; it is {depth}.")
    check_prior(prior)
