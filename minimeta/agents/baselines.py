"""The usual ways to play a bandit, as learners that act: none of them has anything to train.

    greedy          the arm with the largest posterior mean, m = (1 + s) / (2 + n)
    epsilon_greedy  the same, but any arm with the chance epsilon
    thompson        each arm with the posterior probability that it is the best one
    ucb             the arm with the largest m + width sqrt(2 ln(1 + t) / (2 + n))
    uniform         any arm

s is how often an arm paid, n how often it was pulled, and t the number of all pulls so far. The
prior of every arm is uniform, Beta(1, 1). Arms that are equally good share the chance to be pulled.

Thompson sampling draws a chance for each arm from its posterior and pulls the arm whose draw is
largest. What is used here is the probability of that,

    P(arm a is best) = integral of q_a(p) product over b != a of Q_b(p) dp,

with the posterior densities q, proportional to p^s (1 - p)^f, and their distribution functions Q.
The integrand is a polynomial, so that Gauss-Legendre quadrature with enough nodes is exact.

Sources: Thompson 1933, Biometrika 25; Auer, Cesa-Bianchi & Fischer 2002, Machine Learning 47 (UCB1
is width 1; here its counts begin with one success and one failure).  Lesson rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.exact.bandit_dp import SURE, counting_learner


def greedy(arms):
    """The arm with the largest posterior mean."""
    return counting_learner(arms, lambda counts: SURE * means(counts))


def epsilon_greedy(arms, epsilon=0.1):
    """Any arm with the chance epsilon, and otherwise the arm with the largest posterior mean."""
    checks.number("epsilon", epsilon, at_least=0.0, at_most=1.0)

    def logits(counts):
        mean = means(counts)
        best = (mean == np.max(mean, axis=-1, keepdims=True)).astype(mean.dtype)
        share = best / np.sum(best, axis=-1, keepdims=True)
        return log((1.0 - epsilon) * share + epsilon / arms)

    return counting_learner(arms, logits)


def thompson(arms, steps):
    """Each arm with the probability that it is the best, exactly, for up to so many steps."""
    checks.integer("arms", arms, at_least=1)
    checks.integer("steps", steps, at_least=1)
    nodes = (steps + arms) // 2 + 1  # exact for polynomials of degree 2 nodes - 1
    return counting_learner(arms, lambda counts: log(chances_to_be_best(counts, nodes)))


def ucb(arms, width=1.0):
    """The arm with the largest upper confidence bound."""
    checks.number("width", width, at_least=0.0)

    def logits(counts):
        pulls = np.sum(counts, axis=-1)  # (M, A)
        time = np.sum(pulls, axis=-1, keepdims=True)
        return SURE * (means(counts) + width * np.sqrt(2.0 * np.log(1.0 + time) / (2.0 + pulls)))

    return counting_learner(arms, logits)


def uniform(arms):
    """Any arm, whatever was seen."""
    return counting_learner(arms, lambda counts: 0.0 * counts[..., 0])


def means(counts):
    """The posterior mean of each arm: (M, A, 2) -> (M, A)."""
    return (1.0 + counts[..., 0]) / (2.0 + np.sum(counts, axis=-1))


def chances_to_be_best(counts, nodes):
    """The posterior probability of each arm that none pays more often: (M, A, 2) -> (M, A)."""
    x, w = numpy.polynomial.legendre.leggauss(nodes)
    p = np.asarray((1.0 + x) / 2.0, dtype=counts.dtype)  # from 0 to 1, (nodes,)
    weights = np.asarray(w / 2.0, dtype=counts.dtype)
    density = powers(counts, p)  # (M, A, nodes), not yet of integral 1
    total = np.sum(density * weights, axis=-1, keepdims=True)
    below = p * np.sum(powers(counts, np.outer(p, p)) * weights, axis=-1) / total  # Q at p
    arms = np.shape(counts)[1]
    others = [np.prod(below[:, [b for b in range(arms) if b != a]], axis=1) for a in range(arms)]
    return np.sum(density / total * np.stack(others, axis=1) * weights, axis=-1)


def powers(counts, p):
    """p^s (1 - p)^f of each arm over its value at the posterior mean: (M, A, ...).

    This is about 1 where it is largest, so that many pulls do not make it vanish.
    """
    shape = (*np.shape(counts)[:2], *[1] * np.ndim(p))
    s, f, m = (np.reshape(c, shape) for c in (counts[..., 0], counts[..., 1], means(counts)))
    return np.exp(s * np.log(p / m) + f * np.log((1.0 - p) / (1.0 - m)))


def log(chances):
    """The logarithm, also of what is zero: there it is very negative."""
    return np.log(np.maximum(chances, np.finfo(chances.dtype).tiny))
