"""Answers to the exercises of the lesson bayes."""

import numpy

from minimeta.exact import linear_gaussian

ONE = numpy.ones((1, 1))


def exercise_1():
    """With n examples at x = 1 the mean is sum(y) / (n + noise / variance) = 6 / 3."""
    x, y = numpy.ones((2, 1)), numpy.array([[2.0], [4.0]])
    return linear_gaussian.posterior(x, y, 0.0, ONE, 1.0)[0].item()


def exercise_2():
    """Precisions add: 1 + 1 + 1 = 3, so the variance is 1/3, whichever way one updates."""
    mean, variance = linear_gaussian.posterior(ONE, 2 * ONE, 0.0, ONE, 1.0)
    _, variance = linear_gaussian.posterior(ONE, 4 * ONE, mean, variance, 1.0)
    return variance.item()


def exercise_3():
    """The variance of a uniform number in [-1, 1] is 2^2 / 12 = 1/3."""
    return 2.0**2 / 12.0


def exercise_4():
    """G = 1/2, J = 1/2: the wrong mean adds J^2 (m - m')^2 = 1/4."""
    x = numpy.ones((1, 1, 1))
    true, believed = (numpy.ones((1, 1)), ONE, 1.0), (numpy.zeros((1, 1)), ONE, 1.0)
    risk = linear_gaussian.wrong_prior_risk
    return (risk(x, believed, true) - risk(x, true, true)).item()


MISTAKES = {
    1: [3.0, 1.5],  # the mean of the examples; half of it
    2: [0.5, 0.25, 1.0],
    3: [1.0, 0.5, 0.577],  # the standard deviation in place of the variance
    4: [1.0, 0.5],
}


def prediction_1():
    """Half way between what the prior says, 0, and what the example says, 2; half the variance."""
    mean, variance = linear_gaussian.posterior(ONE, 2 * ONE, 0.0, ONE, 1.0)
    assert abs(mean.item() - 1.0) < 1e-14 and abs(variance.item() - 0.5) < 1e-14
    return [mean.item(), variance.item()]


def prediction_2():
    """Yes. The intervals are wide where the examples say little, and on average they are right."""
    rng = numpy.random.default_rng(0)
    covariance, noise, tasks = numpy.diag(2.0 ** -numpy.arange(6)), 0.1, 4000
    weights = rng.normal(size=(tasks, 6, 1)) * numpy.sqrt(numpy.diag(covariance))[:, None]
    x = rng.normal(size=(tasks, 5, 6))  # four examples and a query
    y = x @ weights + noise**0.5 * rng.normal(size=(tasks, 5, 1))
    mean, left = linear_gaussian.posterior(x[:, :4], y[:, :4], 0.0, covariance, noise)
    query = x[:, 4:]
    spread = numpy.sqrt((query @ left @ numpy.swapaxes(query, 1, 2)).ravel() + noise)
    inside = numpy.mean(numpy.abs((y[:, 4:] - query @ mean).ravel()) < 1.6449 * spread)
    assert abs(inside - 0.9) < 4 * (0.9 * 0.1 / tasks) ** 0.5
    return "yes"


def prediction_3():
    """A wrong mean, as long as there are fewer examples than weights.

    Where the examples do not reach, the learner answers with its mean. A wrong noise costs most
    where there are about as many examples as weights: then the noise can be fitted exactly.
    """
    rng, covariance = numpy.random.default_rng(0), numpy.diag(2.0 ** -numpy.arange(6))
    x = rng.normal(size=(2000, 4, 6))
    true = (numpy.ones((6, 1)), covariance, 0.1)
    wrong = {
        "mean": (numpy.zeros((6, 1)), covariance, 0.1),
        "covariance": (true[0], numpy.eye(6), 0.1),
        "noise": (true[0], covariance, 0.001),
    }
    risk = linear_gaussian.wrong_prior_risk
    costs = {name: (risk(x, w, true) - risk(x, true, true)).mean() for name, w in wrong.items()}
    assert costs["mean"] > 2 * max(costs["covariance"], costs["noise"])
    return "the mean"


def prediction_4():
    """With many more shots than the six weights: 8 are too few, 16 are enough.

    On inputs from N(0, I) least squares errs by s^2 D / (N - D - 1) beyond the noise.
    """
    rng, covariance, noise = numpy.random.default_rng(0), numpy.diag(2.0 ** -numpy.arange(6)), 0.1
    above = {}
    for shots in (8, 16):
        x = rng.normal(size=(2000, shots, 6))
        bayes = linear_gaussian.risk(x, covariance, noise).mean()
        above[shots] = noise + noise * 6 / (shots - 6 - 1) - bayes
    assert above[8] > 1.5 * noise and above[16] < 0.2 * noise
    return 16
