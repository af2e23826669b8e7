"""Answers to the exercises of the lesson task_diversity."""

import numpy

from minimeta.exact import finite_tasks
from minimeta.tasks import Data


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
