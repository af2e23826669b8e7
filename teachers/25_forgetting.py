"""Answers to the exercises of the lesson forgetting."""

import numpy


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
