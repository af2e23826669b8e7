"""Answers to the exercises of the lesson rl2."""

from fractions import Fraction
from functools import lru_cache

from minimeta.exact import dependent_arms


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


def prediction_1():
    """13/12. The first pull pays 1/2. The second pays 2/3 after a success, else 1/2 elsewhere."""
    by_hand = Fraction(1, 2) + Fraction(1, 2) * Fraction(2, 3) + Fraction(1, 2) * Fraction(1, 2)
    assert by_hand == Fraction(13, 12)
    assert abs(value(((0, 0), (0, 0)), 2) - by_hand) < 1e-15
    return float(by_hand)


@lru_cache(None)
def greedy(counts, left):
    """What is earned by pulling the arm with the higher posterior mean, at a tie either."""
    if not left:
        return 0.0
    means = [(1 + s) / (2 + s + f) for s, f in counts]
    options = []
    for arm in (0, 1):
        if means[arm] == max(means):
            (s, f), m = counts[arm], means[arm]
            paid, failed = (
                tuple(new if k == arm else counts[k] for k in (0, 1))
                for new in ((s + 1, f), (s, f + 1))
            )
            options.append(m * (1 + greedy(paid, left - 1)) + (1 - m) * greedy(failed, left - 1))
    return sum(options) / len(options)


def prediction_2():
    """About 1.02 before the training, as chance does, and less than 0.04 after it.

    Who does not look at the rewards earns 5 in ten pulls, and the optimum 6.02. How little is lost
    in the end is decided by training: less than a tenth of what Thompson sampling loses.
    """
    best = value(((0, 0), (0, 0)), 10)
    lost = [best - 10 * 0.5, best - greedy(((0, 0), (0, 0)), 10)]
    assert abs(lost[0] - 1.0218) < 1e-4 and abs(lost[1] - 0.016) < 5e-4
    return lost


def prediction_3():
    """5/8 for 0.9 and 5/2 for 0.6: four times as much, though each wrong pull costs a quarter.

    Where the arms are alike a mistake is cheap, and it takes many pulls to find out which is which:
    the number of wrong pulls grows like 1 / Delta^2.
    """
    ends = [dependent_arms.regret(high, pulls) for high, pulls in ((0.9, 60), (0.6, 300))]
    exact = [1 / (2 * (2 * high - 1)) for high in (0.9, 0.6)]
    assert all(abs(end - by_formula) < 0.01 for end, by_formula in zip(ends, exact))
    assert abs(exact[1] / exact[0] - 4) < 1e-12
    return exact
