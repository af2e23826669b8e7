"""Answers to the exercises of the lesson task_diversity."""

import numpy

from minimeta.exact import finite_tasks, linear_gaussian
from minimeta.tasks import Data
from minimeta.tasks.regression import from_weights


def exercise_1():
    """The errors are 2, 1 and -1, and 2 sigma^2 = 1: the weights are e^-4, e^-1 and e^-1.

    The answer is (-e^-4 + 2 e^-1) / (e^-4 + 2 e^-1).
    """
    pool = numpy.array([-1.0, 0.0, 2.0])[:, None, None]
    learner = finite_tasks.learner(pool, noise_variance=0.5)
    one = numpy.ones((1, 1, 1))
    answer = learner.predict({}, learner.adapt({}, Data(one, one)), one).item()
    by_hand = (2 * numpy.exp(-1.0) - numpy.exp(-4.0)) / (2 * numpy.exp(-1.0) + numpy.exp(-4.0))
    assert abs(answer - by_hand) < 1e-12
    return answer


def exercise_2():
    """Each of the five numbers of w - w_1 has variance 2 + 2, and the noise comes on top."""
    return 5 * (2.0 + 2.0) + 0.1


def exercise_3():
    """V = I gives B = 1 + 1/N + (D + noise) / N times I, and G = 1 / B."""
    inputs, examples, noise = 10, 20, 1.0
    G = finite_tasks.best_attention(numpy.eye(inputs), examples, noise)
    number = 1.0 / (1.0 + (1.0 + inputs + noise) / examples)
    assert numpy.allclose(G, number * numpy.eye(inputs), atol=1e-12)
    return number


def exercise_4():
    """The class of the next image has been shown with chance 1 - 0.9^n.

    If it has not, a guess among the k classes without an example is right once in k times. All
    these guesses add one tenth, as long as some class has no example. So the bound is about
    1.1 - 0.9^n, which passes nine tenths at n = 16.
    """
    bounds = [1.1 - 0.9**n for n in (15, 16)]
    assert bounds[0] < 0.9 < bounds[1]
    n = 0
    while finite_tasks.label_bound(10, n) <= 0.9:
        n += 1
    return n


MISTAKES = {
    1: [2 / 3, 1.0, 0.5],  # equal weights of 0, 2 and 2; the nearest two; half the noise forgotten
    2: [10.1, 20.0, 2.1],  # the known task has no variance; no noise; one number of five
    3: [1.0, 1 / 1.5, 1 / 1.55],  # no shrinking; D / N alone; without the noise
    4: [22, 10, 21],  # guesses do not count; as many as classes
}


def prediction_1():
    """dMMSE answers tanh 0.5 = 0.46, and ridge regression 0.5 / 2 = 0.25.

    The odds of the two tasks are e to 1. Ridge regression shrinks the label halfway to zero, as one
    example has the noise variance that the prior has.
    """
    one = numpy.ones((1, 1, 1))
    learner = finite_tasks.learner(numpy.array([1.0, -1.0])[:, None, None], noise_variance=1.0)
    looked_up = learner.predict({}, learner.adapt({}, Data(one, 0.5 * one)), one).item()
    mean, _ = linear_gaussian.posterior(one[0], 0.5 * one[0], 0.0, one[0], 1.0)
    assert abs(looked_up - numpy.tanh(0.5)) < 1e-12 and abs(mean.item() - 0.25) < 1e-12
    return [looked_up, mean.item()]


def prediction_2():
    """2 D + sigma^2 = 6.25, as each of three numbers of w - w_1 has the variance 1 + 1.

    That is worse than to answer zero, which errs by one D less. To be sure of the wrong task is
    worse than to know nothing.
    """
    first, new = numpy.random.default_rng(0).normal(size=(2, 100_000, 3))
    errors = numpy.sum((first - new) ** 2, axis=1) + 0.25
    exact = 2 * 3 + 0.25
    assert abs(errors.mean() - exact) < 4 * errors.std() / 100_000**0.5
    return exact


def prediction_3():
    """Memory by more than 1, linear attention by next to nothing: within 0.3 in every pool here.

    In six dimensions a new task has no neighbour among 1024. The only thing that linear attention
    can keep of the pool is a matrix of 36 numbers, and 1024 tasks determine it well.
    """
    rng, D, N, noise = numpy.random.default_rng(0), 6, 4, 0.25
    gaps = []
    for _ in range(5):
        pool = rng.normal(size=(1024, D))
        seen, new = pool[:100], rng.normal(size=(100, D))
        learner = finite_tasks.learner(pool[:, :, None], noise)
        errors = []
        for w in (seen, new):
            task = from_weights(rng, w[:, :, None], N, 1, noise)
            state, units = learner.adapt({}, task.support), numpy.tile(numpy.eye(D), (100, 1, 1))
            estimate = learner.predict({}, state, units)[..., 0]  # what it answers to unit inputs
            errors.append(numpy.mean(numpy.sum((estimate - w) ** 2, axis=1)))
        S = pool.T @ pool / 1024
        G = finite_tasks.best_attention(S, N, noise)
        of_attention = [finite_tasks.attention_risk(G, V, N, noise) for V in (S, numpy.eye(D))]
        gaps.append([errors[1] - errors[0], of_attention[1] - of_attention[0]])
    gaps = numpy.array(gaps)
    assert gaps[:, 0].mean() > 1 and abs(gaps[:, 1]).max() < 0.3
    return [*gaps.mean(axis=0)]


def prediction_4():
    """2 in 5: with the chance 1/5 the class was shown; else four numbers are left: 4/5 of 1/4."""
    exact = 1 / 5 + 4 / 5 * 1 / 4
    assert abs(exact - finite_tasks.label_bound(5, 1)) < 1e-12
    drawn = numpy.random.default_rng(0).integers(5, size=(100_000, 2))
    guess = numpy.where(drawn[:, 0] == drawn[:, 1], drawn[:, 1], (drawn[:, 0] + 1) % 5)
    right = guess == drawn[:, 1]  # who has not been shown it guesses one of the four others
    assert abs(right.mean() - exact) < 0.01
    return exact
