"""Gaussian classes one example after another: the Bayes-optimal classifier of a sequence.

    P(class k | x, examples before) ~ P(k next) N(x; mean of k, covariance of k)

The labels of all examples before are known, so each class is on its own: its centre has the
posterior of `class_gaussians`, which is the prior as long as the class has not come up. An example
that is unlike all others therefore belongs to one of the new classes, but to which one?

P(k next) is the same for all classes where they are drawn independently. Where the sequence is a
shuffled set of `each` examples of every class, it is proportional to how many are still to come.

At the 1st presentation of a class, a learner that tells new classes from old ones without fault
still has to guess among those left, so it is right in (1/C + 1/(C - 1) + ... + 1) / C of all cases.

Sources: Santoro et al. 2016, arXiv:1605.06065 (the protocol); Bishop 2006, section 2.3 (the
posterior of a mean).  Lesson `memory`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy
from minimeta.exact import class_gaussians
from minimeta.tasks.presentations import shuffle


def sample(rng, tasks, shots, queries, ways, between, within):
    """M sequences of N Gaussian classes, shots + queries examples of each, in random order.

    The support is the first ways * shots examples of each sequence.
    """
    return shuffle(rng, class_gaussians.sample(rng, tasks, shots, queries, ways, between, within))


def learner(ways, between, within, each=None) -> Learner:
    """The Bayes-optimal sequential Learner of N classes; its logits are log-probabilities + const.

    With `each`, every class comes up that often in a sequence; without it the classes are drawn
    independently. Nothing to train: meta is {}. The state is how many examples of each class there
    were, (M, C), and their sums in the coordinates of `class_gaussians`, (M, C, D).
    """
    checks.integer("ways", ways, at_least=2)
    T, variances = class_gaussians.coordinates(between, within)
    if each is not None:
        checks.integer("each", each, at_least=1)

    def start(meta, x):
        zeros = lambda *shape: np.zeros((len(x), ways, *shape), dtype=x.dtype)
        return {"counts": zeros(), "sums": zeros(len(T))}

    def observe(meta, state, x, y):
        z = class_gaussians.inputs_of(x[:, None], T)  # (M, 1, D)
        sums = state["sums"] + np.expand_dims(y, -1) * z
        return {"counts": state["counts"] + y, "sums": sums}

    def adapt(meta, support):
        check_labels(support.y, ways)
        z, y = class_gaussians.inputs_of(support.x, T), support.y
        return {"counts": np.sum(y, axis=1), "sums": np.swapaxes(y, -1, -2) @ z}

    def predict(meta, state, x):
        counts, sums = (np.expand_dims(state[part], 1) for part in ("counts", "sums"))
        return log_posterior(class_gaussians.inputs_of(x, T), counts, sums, variances, each)

    def along(meta, data):
        check_labels(data.y, ways)
        z = class_gaussians.inputs_of(data.x, T)
        return log_posterior(z, *sums_before(z, data.y), variances, each)

    return Learner(lambda rng: {}, adapt, predict, cross_entropy, start, observe, along)


def sums_before(z, y):
    """Counts (M, T, C) and sums (M, T, C, D) of the examples z (M, T, D) before each position."""
    products = np.expand_dims(y, -1) * np.expand_dims(z, -2)
    return [np.cumsum(part, axis=1) - part for part in (y, products)]


def log_posterior(z, counts, sums, variances, each):
    """log P(class | z, examples before) + const: z (M, N, D), counts (M, N, C) -> (M, N, C).

    sums (M, N, C, D) are of the examples of each class before z; axes N may be 1.
    """
    b, n = np.asarray(variances, dtype=z.dtype), np.expand_dims(counts, -1)
    mean, variance = b * sums / (n * b + 1.0), 1.0 + b / (n * b + 1.0)  # (M, N, C, D)
    squares = (np.expand_dims(z, -2) - mean) ** 2
    log_density = -0.5 * np.sum(squares / variance + np.log(variance), axis=-1)
    return log_density + log_left(counts, each)


def log_left(counts, each):
    """log of how many examples of each class are still to come; 0 where nobody knows."""
    if each is None:
        return np.zeros_like(counts)
    left = np.maximum(each - counts, 0.0)
    return np.where(left > 0.0, np.log(np.where(left > 0.0, left, 1.0)), -np.inf)


def first_presentation_bound(ways):
    """The most that anybody is right at the 1st presentation of a class, as a share of all."""
    checks.integer("ways", ways, at_least=2)
    return float(numpy.mean(1.0 / numpy.arange(1, ways + 1)))


def check_labels(y, ways):
    """Raise unless y (M, N, C) has a column for each of the classes."""
    checks.axes("y", y, "M N C")
    if np.shape(y)[-1] != ways:
        raise ValueError(
            f"y must have {ways} columns, one for a class; its shape is {np.shape(y)}."
        )
