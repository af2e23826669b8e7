"""How a08.py is judged: by loops over pairs, and by building the best embedding there is."""

import math

import numpy

from minimeta.course.assignments import Case


def vectors(rng):
    """Inputs of directions."""
    return {"h": rng.normal(size=(2, 3, 4))}


def unit(z, f=numpy.linalg.norm):
    """Every vector over its length."""
    return numpy.array([[h / f(h) for h in task] for task in z["h"]])


def scores(scale):
    """Inputs of log_sum_exp."""
    return lambda rng: {"scores": scale * (1.0 + rng.uniform(size=(3, 4)))}


def log_sum(z, pool=numpy.sum):
    """The log of a sum of powers, in numbers with as many digits as it takes."""
    from decimal import Decimal

    rows = [sum(Decimal(float(s)).exp() for s in row) for row in z["scores"]]
    return numpy.array([float(total.ln()) for total in rows])


def examples(rng):
    """Inputs of by_class: two queries, six examples of three classes, in a mixed order."""
    labels = numpy.eye(3)[[2, 0, 1, 1, 0, 2]]
    return {"scores": rng.normal(size=(2, 2, 6)), "labels": numpy.stack([labels, labels[::-1]])}


def pool(z, largest=max, total=sum):
    """For each query and class, the largest score of its examples, and the sum of their powers."""
    result = numpy.zeros((2, 2, 2, 3))
    for m, q, k in numpy.ndindex(2, 2, 3):
        mine = [s for s, y in zip(z["scores"][m, q], z["labels"][m]) if y[k]]
        result[:, m, q, k] = largest(mine), total([math.exp(s) for s in mine])
    return result


def simplex(rng):
    """Inputs of cosine_bound."""
    return {"ways": 5, "temperature": rng.uniform(0.3, 1.0)}


def best_loss(z, ways=None, temperature=None):
    """The cross-entropy of a query at a corner of a regular simplex, with an example at each."""
    N = ways or z["ways"]
    corners = numpy.eye(N) - 1 / N
    corners /= numpy.linalg.norm(corners, axis=1, keepdims=True)
    logits = corners @ corners[0] / (temperature or z["temperature"])
    return numpy.asarray(numpy.log(numpy.exp(logits - logits[0]).sum()))


def independent(z):
    """The loss with cosines 1 and 0."""
    return numpy.asarray(math.log1p((z["ways"] - 1) * math.exp(-1 / z["temperature"])))


def pairs(rng):
    """Inputs of squared_difference."""
    weights = rng.uniform(0.5, 2.0, size=3)
    return {"h": rng.normal(size=(2, 4, 3)), "keys": rng.normal(size=(2, 5, 3)), "weights": weights}


def differences(z, power=2, weight_power=1):
    """Weighted powers of the differences of every pair."""
    gaps = numpy.abs(z["h"][:, :, None] - z["keys"][:, None])
    return (gaps**power) @ z["weights"] ** weight_power


def answers(rng):
    """Inputs of surprise and balanced_cross_entropy: scores of three queries in four ways."""
    right = numpy.eye(4)[rng.integers(4, size=(2, 3))]
    return {"scores": 2 * rng.normal(size=(2, 3, 4)), "labels": right}


def surprise(z, flip=False):
    """-log of the chance that the sigmoid gives to the label."""
    p = 1 / (1 + numpy.exp(-z["scores"]))
    right = z["labels"] == (0 if flip else 1)
    return -numpy.log(numpy.where(right, p, 1 - p))


def balanced(z, same=0.5, other=0.5, scale=1.0):
    """For each query a share of its own pair's surprise and one of the others' mean."""
    losses = surprise(z)
    result = []
    for task, labels in zip(losses, z["labels"]):
        each = [same * s[y == 1].mean() + other * s[y == 0].mean() for s, y in zip(task, labels)]
        result.append(numpy.mean(each))
    return scale * numpy.array(result)


LOGS = {
    "It is the largest score: the smaller ones count too.": lambda z: z["scores"].max(axis=-1),
    "It is the log of the mean; the sum is asked.": lambda z: log_sum(z) - math.log(4),
    "The largest score that was taken out is not added again.": (
        lambda z: log_sum(z) - z["scores"].max(axis=-1)
    ),
}

CASES = [
    Case(
        "directions",
        "three examples",
        vectors,
        "call",
        unit,
        {
            "It divides by the squared length.": lambda z: unit(z, lambda h: h @ h),
            "It divides by the sum of the absolute values.": (
                lambda z: unit(z, lambda h: numpy.abs(h).sum())
            ),
            "It divides by the largest absolute value.": (
                lambda z: unit(z, lambda h: numpy.abs(h).max())
            ),
        },
    ),
    Case("log_sum_exp", "small scores", scores(1.0), "call", log_sum, LOGS),
    Case("log_sum_exp", "large scores", scores(900.0), "call", log_sum, LOGS, 1e-12),
    Case(
        "by_class",
        "two examples of each class",
        examples,
        "pooled",
        pool,
        {
            "The scores of other classes count as zero; they must not count at all.": (
                lambda z: pool(
                    z,
                    lambda mine: max([*mine, 0.0]),
                    lambda powers: sum(powers) + len(z["scores"][0, 0]) - len(powers),
                )
            ),
            "The scores are added up whatever the pool: it is a function that you are given.": (
                lambda z: numpy.stack([z["scores"] @ z["labels"]] * 2)
            ),
        },
    ),
    Case(
        "cosine_bound",
        "five ways",
        simplex,
        "call",
        best_loss,
        {
            "The other cosines are 0; in N - 1 dimensions they can be -1 / (N - 1).": independent,
            "The temperature is left out.": lambda z: best_loss(z, temperature=1.0),
            "The temperature multiplies; it divides the cosines.": (
                lambda z: best_loss(z, temperature=1 / z["temperature"])
            ),
        },
    ),
    Case(
        "squared_difference",
        "four queries",
        pairs,
        "call",
        differences,
        {
            "It is the absolute difference.": lambda z: differences(z, power=1),
            "The weights are left out.": lambda z: differences(z, weight_power=0),
            "The weights are squared: they stand inside the square.": (
                lambda z: differences(z, weight_power=2)
            ),
        },
    ),
    Case(
        "surprise",
        "both labels",
        answers,
        "call",
        surprise,
        {
            "The labels are the wrong way round.": lambda z: surprise(z, flip=True),
            "The sign is wrong: a surprise is never negative.": lambda z: -surprise(z),
        },
    ),
    Case(
        "balanced_cross_entropy",
        "four ways",
        answers,
        "call",
        balanced,
        {
            "All pairs count alike; same and other must weigh a half each.": (
                lambda z: balanced(z, 0.25, 0.75)
            ),
            "It is the sum of both halves, not their mean.": lambda z: balanced(z, scale=2.0),
            "Every other pair counts as much as the one that is the same.": (
                lambda z: balanced(z, 0.5, 1.5)
            ),
            "It is the sum over the queries; their mean is asked.": (
                lambda z: balanced(z, scale=3.0)
            ),
            "Only the pairs of one class count.": lambda z: balanced(z, 1.0, 0.0),
        },
    ),
]
