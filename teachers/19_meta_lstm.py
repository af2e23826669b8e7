"""Answers to the exercises of the lesson meta_lstm."""


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
