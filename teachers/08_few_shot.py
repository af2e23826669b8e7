"""Answers to the exercises of the lesson few_shot."""

import math


def exercise_1():
    """Shots and queries are counted per class: 20 x 5 support examples and 20 x 15 queries."""
    ways, shots, queries = 20, 5, 15
    return [ways * shots, ways * queries]


def exercise_2():
    """The chances are as exp(r^2) to 2 exp(0.9 r^2). They are equal at r^2 0.1 = ln 2."""
    sharpness = math.log(2.0) / (1.0 - 0.9)
    of_a, of_b = math.exp(1.0 * sharpness), 2.0 * math.exp(0.9 * sharpness)
    assert abs(of_a / (of_a + of_b) - 0.5) < 1e-12
    return sharpness


def exercise_3():
    """ln(1 + 9 exp(-1/9 - 1)). Guessing would cost ln 10 = 2.303."""
    others = 9
    return math.log(1.0 + others * math.exp(-1.0 / others - 1.0))


def exercise_4():
    """The chance is 1 / (1 + 4 exp(-5/4 r^2)), as the cosines are 1 and -1/4: 5/4 apart.

    It is 0.99 where exp(-5/4 r^2) = (1/0.99 - 1) / 4, and the temperature is 1 / r^2.
    """
    gap = 1.0 + 1.0 / 4.0
    temperature = gap / math.log(4.0 / (1.0 / 0.99 - 1.0))
    assert abs(1.0 / (1.0 + 4.0 * math.exp(-gap / temperature)) - 0.99) < 1e-12
    return temperature


MISTAKES = {
    1: [[5, 15], [100, 15], [300, 100]],  # per class; one of the two per class; the other order
    2: [10.0, 0.693, 20.0],  # 1 / 0.1; ln 2 without the gap of 0.1; 2 / 0.1
    3: [2.303, 0.7636, 1.493],  # guessing; five ways; ten wrong classes instead of nine
    4: [4.79, 0.272, 1.25],  # r^2 itself; one wrong class instead of four; the gap of the cosines
}
