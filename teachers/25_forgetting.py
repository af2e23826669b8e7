"""Answers to the exercises of the lesson forgetting.

Prediction 4 is decided by training: the plain network still reads less than half of the digits of
its first task. L2 is behind EWC in every world, as it holds parameters that nobody needs as firmly
as those that matter.
"""

import numpy

from minimeta.continual import fisher
from minimeta.core.backend import np
from minimeta.core.losses import log_softmax
from minimeta.exact import sequential_bayes
from minimeta.nets import mlp
from minimeta.tasks import Data, sequences


def exercise_1():
    """B ends at (0 + 1) / 2 = 0.5. Two penalties: (1 * 0 + 1 * 0.5 + 2 * 2) / 4 = 1.125."""
    after_B = (1 * 0 + 1 * 1) / 2
    return (1 * 0 + 1 * after_B + 2 * 2) / (1 + 1 + 2)


def exercise_2():
    """d log p = 1 - p for heads and -p for tails: p (1 - p)^2 + (1 - p) p^2 = p (1 - p) = 1/4."""
    p = 0.5
    return p * (1 - p) ** 2 + (1 - p) * p**2


def exercise_3():
    """v'Fv = 2 + 2 - 3.2 = 0.8, and the diagonal says 4: five times as much."""
    F, v = numpy.array([[2.0, 1.6], [1.6, 2.0]]), numpy.array([1.0, -1.0])
    return v @ numpy.diag(numpy.diag(F)) @ v / (v @ F @ v)


def exercise_4():
    """(theta + r F a) / (1 + r F) tends to a, the anchor."""
    return "anchor"


MISTAKES = {
    1: [1.25, 1.0],  # Bayes' rule; the mean of the three
    2: [0.5, 1.0],
    3: [0.2, 1.0],
    4: ["zero", "old value"],
}


def prediction_1():
    """One penalty arrives at 5. Two count A twice, once by itself and once in the place after B."""

    def balance(*pairs):
        return sum(p * place for p, place in pairs) / sum(p for p, _ in pairs)

    after_B = balance((3, 2), (1, 6))
    one, two = balance((4, after_B), (4, 7)), balance((3, 2), (1, after_B), (4, 7))
    assert (one, two) == (5.0, 4.625)
    return [one, two]


def prediction_2():
    """To six digits or more: what is left out of the parabola is of the order of the move squared.

    The terms of third order cancel between a move up and a move down, so we take the mean of both.
    """
    rng, move = numpy.random.default_rng(0), 1e-3
    net = mlp([3, 4, 3], np.tanh)
    theta, x = net.init(rng), rng.normal(size=(50, 3))
    F = fisher.exact(theta, Data(x, None), net)[-1]["b"][0]

    def log_chances(v):
        shift = numpy.array([v, 0.0, 0.0])
        return log_softmax(net.apply([*theta[:-1], {**theta[-1], "b": theta[-1]["b"] + shift}], x))

    p, here = numpy.exp(log_chances(0.0)), log_chances(0.0)
    both = [numpy.mean(numpy.sum(p * (here - log_chances(v)), axis=1)) for v in (move, -move)]
    measured = sum(both) / move**2
    assert abs(measured / F - 1) < 1e-5
    return [float(F), float(measured)]


def prediction_3():
    """Diagonals: they forget which parameters can move together, and here inputs are correlated.

    A list counts the first tasks too often, but with the right matrices. Drawn on ten sets of tasks
    the diagonals are further away in most of them, though not by a theorem.
    """
    rng, further = numpy.random.default_rng(0), []
    for _ in range(10):
        x, y = sequences.linear(rng, 4, 8, 1, dimension=5, noise_variance=0.3).support
        tasks = sequential_bayes.statistics(x, y, 0.3)
        prior = numpy.zeros((5, 1)), numpy.eye(5)
        best = sequential_bayes.posteriors(*tasks, *prior)[0][-1]
        ends = [
            sequential_bayes.separate_optima(*tasks, *prior)[-1],
            sequential_bayes.diagonal_optima(*tasks, *prior)[0][-1],
        ]
        of_list, of_diagonals = (abs(end - best).max() for end in ends)
        further.append(of_diagonals > of_list)
    assert sum(further) > 5
    return int(sum(further))
