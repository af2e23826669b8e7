"""Answers to the exercises of the lesson meta_lstm.

Prediction 4 is decided by training, and by its seed: both leave less than a quarter of the median
error after five updates, and which of them is ahead then is not the same for all seeds.
"""


def exercise_1():
    """i / (1 - f + i) = 0.1 / 0.11."""
    return 0.1 / (1 - 0.99 + 0.1)


def exercise_2():
    """At rest (1 - f) c + i A (c - best) = 0, so (A + (1 - f) / i) c = A best: 0.1 / 0.5."""
    return (1 - 0.9) / 0.5


def exercise_3():
    """Two gates of 2 + 2 + 1 + 1 + 1 numbers, shared by all parameters."""
    return 2 * (2 + 2 + 1 + 1 + 1)


def exercise_4():
    """f^k = 0.95^5."""
    return 0.95**5


MISTAKES = {
    1: [0.5, 0.99, 1.0],
    2: [0.1, 0.5, 1.8],  # 1 - f; i; f / i
    3: [8000, 4014, 7],
    4: [0.95, 1.0],
}


def prediction_1():
    """Further away, at 1/2: forgetting pulls to 0 as strongly as the steps pull to 1."""
    cell = 5.0
    for _ in range(200):
        cell = 0.9 * cell - 0.1 * (cell - 1.0)
    assert abs(cell - 0.5) < 1e-12
    return cell


def prediction_2():
    """Zero: the sigmoid of 0 is one half."""
    import math

    assert 1 / (1 + math.exp(-0.0)) == 0.5
    return 0.0


def prediction_3():
    """f^k = 0.9^4: with the gradients held constant only the forget gates are left."""
    start, factor = 1.0, 1e-3
    ends = []
    for moved in (start, start + factor):
        cell = moved
        for _ in range(4):
            cell = 0.9 * cell - 0.1 * 0.7  # some constant gradient
        ends.append(cell)
    share = (ends[1] - ends[0]) / factor
    assert abs(share - 0.9**4) < 1e-12
    return share
