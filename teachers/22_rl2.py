"""Answers to the exercises of the lesson rl2."""

from functools import lru_cache


@lru_cache(None)
def value(counts, left):
    """V of two arms by the recursion of the lesson."""
    if not left:
        return 0.0
    options = []
    for arm, (s, f) in enumerate(counts):
        other = counts[1 - arm]
        m = (1 + s) / (2 + s + f)
        paid, failed = value(((s + 1, f), other), left - 1), value(((s, f + 1), other), left - 1)
        options.append(m * (1 + paid) + (1 - m) * failed)
    return max(options)


def exercise_1():
    """By the recursion: 5/3. After the first pull, paid or failed, two pulls are left."""
    return value(((0, 0), (0, 0)), 3)


def exercise_2():
    """The chance that the second arm is worse is p, whose posterior mean is (1 + 2) / (2 + 3)."""
    return (1 + 2) / (2 + 2 + 1)


def exercise_3():
    """Delta = 2 0.8 - 1 = 0.6, and 1 / (2 Delta) = 0.833."""
    return 1 / (2 * (2 * 0.8 - 1))


def exercise_4():
    """4 H (5 + H + 1) in the four gates, and (H + 1) 4 in the read-out."""
    H = 24
    return 4 * H * (5 + H + 1) + (H + 1) * 4


MISTAKES = {
    1: [1.5, 13 / 12, 1.583],  # any arm; two pulls; two pulls and a third by chance
    2: [2 / 3, 0.5, 1.0],  # the share of successes; no knowledge; greedy
    3: [0.625, 1.667, 1.2],  # the lesson's case; without the 2; 2 Delta
    4: [2880, 2976, 2930],  # without the read-out; without its offsets; with only two outputs
}
