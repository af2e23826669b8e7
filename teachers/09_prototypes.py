"""Answers to the exercises of the lesson prototypes.

Prediction 5 is decided by training: all learned ones are far ahead of pixels, prototypes ahead of
relation and of MAML, a sphere helps with one shot, and the published relation network, which says
no to every question, is right as often as chance.
"""

import math

import numpy

from minimeta.exact import class_gaussians


def most_are_heads(p, D):
    """The chance that most of D - 1 tosses of a coin of p are heads."""
    heads = range(D // 2, D)
    return sum(math.comb(D - 1, k) * p**k * (1 - p) ** (D - 1 - k) for k in heads)


def exercise_1():
    """The prototype is (2, 2). The weights are twice that, the bias is minus its squared length."""
    c = ((1 + 3) / 2, (3 + 1) / 2)
    return [2 * c[0], 2 * c[1], -(c[0] ** 2 + c[1] ** 2)]


def exercise_2():
    """var w = 4 and var z = 2, so rho = 1 / sqrt 8 and p = 0.677; then p^3 + 3 p^2 (1 - p)."""
    p = (1.0 + 1.0 / math.sqrt(4.0 * 2.0)) / 2.0
    assert abs(most_are_heads(p, 4) - (p**3 + 3.0 * p**2 * (1.0 - p))) < 1e-15
    return most_are_heads(p, 4)


def exercise_3():
    """n tau^2 / (n tau^2 + sigma^2) = 5 / (5 + 4)."""
    shots, between, within = 5, 1.0, 4.0
    return shots * between / (shots * between + within)


def exercise_4():
    """For n to infinity var w = 2 and var z = 3/2, so rho = 1 / sqrt 3; then most of 15 tosses.

    The factor s is 1 in this limit, so prototypes are Bayes-optimal.
    """
    rho = 1.0 / math.sqrt(2.0 * 1.5)
    return most_are_heads((1.0 + rho) / 2.0, 16)


def exercise_5():
    """One question in C has the label 1 and the error (1 - 1/C)^2, the others have (1/C)^2.

    The mean is (1/C) (1 - 1/C)^2 + (1 - 1/C) (1/C)^2 = (C - 1) / C^2.
    """
    C = 20
    mean = 1 / C * (1 - 1 / C) ** 2 + (1 - 1 / C) * (1 / C) ** 2
    assert abs(mean - (C - 1) / C**2) < 1e-15
    return mean


MISTAKES = {
    1: [[2.0, 2.0, -8.0], [4.0, 4.0, 8.0], [4.0, 4.0, -4.0]],  # c; the sign; the length of a half
    2: [0.677, 0.310, 0.925],  # one toss; all three heads; D = 16
    3: [0.2, 0.833, 0.444],  # one example; equal variances; the rest
    4: [0.925, 0.939, 0.789],  # one example; Bayes with one example; p itself
    5: [0.05, 0.0025, 0.95],  # saying no to everything; (1/C)^2; the share of no
}


def prediction_1():
    """At 3.5, half way between 1 and 6. The logits at 3 differ by (3 - 6)^2 - (3 - 1)^2 = 5."""
    a, b = (0 + 2) / 2, (5 + 7) / 2
    middle, apart = (a + b) / 2, (3 - b) ** 2 - (3 - a) ** 2
    chance = 1 / (1 + math.exp(-apart))
    assert middle == 3.5 and apart == 5 and chance > 0.99
    return [middle, chance]


def prediction_2():
    """var w = 4 and var z = 2, as in exercise 2: 1 / sqrt 8 again, now with 15 tosses."""
    rho = 1 / math.sqrt(4.0 * 2.0)
    right = most_are_heads((1 + rho) / 2, 16)
    assert abs(rho - 0.3536) < 1e-4 and 0.9 < right < 0.95
    return right


def prediction_4():
    """p - 1 with cross-entropy, nearly -1; squared error has the factor p (1 - p), nearly 0."""
    p = 1 / (1 + math.exp(12.0))
    entropy, squared = p - 1, 2 * (p - 1) * p * (1 - p)
    assert entropy < -0.9999 and -1e-4 < squared < 0
    return [entropy, squared]


def prediction_3():
    """By 1.4 points of a hundred with two classes, and by several times as much with twenty.

    With two classes it is the coin again, with the smaller variance of z. With twenty, a query must
    be nearer to its own prototype than to nineteen others. One of those that lies far out by chance
    is often nearer, and shrinking takes back more of what is chance.
    """
    n, D, coins, shares = 1, 16, [], []
    for s in (1.0, 0.5):
        var_z = 2.0 - s + s**2
        coins.append(most_are_heads((1 + 1 / math.sqrt(4.0 * var_z)) / 2, D))
    task = class_gaussians.sample(numpy.random.default_rng(0), 500, n, 4, 20, *2 * [numpy.eye(D)])
    for s in (1.0, 0.5):
        prototypes, x = s * task.support.x, task.query.x  # example k of the support is class k
        scores = 2 * x @ prototypes.swapaxes(1, 2) - numpy.sum(prototypes**2, axis=-1)[:, None]
        shares.append((scores.argmax(axis=-1) == task.query.y.argmax(axis=-1)).mean(axis=1))
    gain, paired = coins[1] - coins[0], shares[1] - shares[0]
    assert 0.01 < gain < 0.02
    assert paired.mean() - 4 * paired.std() / 500**0.5 > 2 * gain
    return [gain, float(paired.mean())]
