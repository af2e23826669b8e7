"""Answers to the exercises of the lesson fast_weights."""

import math

import numpy

from minimeta.exact import associative
from minimeta.memories import fast_weights
from minimeta.tasks import Data, recall


def exercise_1():
    """1 - d / 40 <= 0.1 means d >= 36."""
    return next(d for d in range(1, 41) if associative.sum_floor(40, d) <= 0.1 + 1e-12)


def exercise_2():
    """From 0 half of the way to 8 is 4. From 4 half of the way to 4 is no way at all: 4."""
    answer = 0.0
    for value in (8.0, 4.0):
        answer = answer + 0.5 * (value - answer)
    return answer


def exercise_3():
    """The oldest of 16 pairs is the last of the list; a simulation agrees within its noise."""
    exact = associative.delta_error_by_age(16, 16)[-1]
    task = recall.unit_keys(numpy.random.default_rng(0), 4000, 16, 1, 16, values=4)
    x, y = task.support
    meta = {"key": numpy.eye(16), "rate": {"W": numpy.zeros((16, 1)), "b": numpy.full(1, 40.0)}}
    rule = {"rule": fast_weights.DELTA, "features": fast_weights.identity}
    W = fast_weights.adapt(meta, Data(x, y), **rule)["W"]
    errors = numpy.mean((x[:, :1] @ W - y[:, :1]) ** 2, axis=(1, 2))
    assert abs(errors.mean() - exact) < 4 * errors.std() / 4000**0.5
    return exact


def exercise_4():
    """After m steps the trace is 1 - 0.8^m; 0.8^10 = 0.107 and 0.8^11 = 0.086."""
    trace, steps = 0.0, 0
    while trace <= 0.9:
        trace, steps = trace + 0.2 * (1.0 - trace), steps + 1
    return steps


MISTAKES = {
    1: [4, 44, 35, 37],  # the share that is lost; one too few; one too many
    2: [6, 2, 8, 12],  # the mean; half of the last; the first; the sum
    3: [0.59, 0.94, 0.0],  # the mean over ages; the sum rule's; the newest
    4: [9, 10, 12],
}


def prediction_1():
    """11 and 13: each answer has 0.6 of the other value in it, which orthogonal keys would not."""
    keys, values = numpy.array([[1.0, 0.0], [0.6, 0.8]]), numpy.array([5.0, 10.0])
    answers = keys @ (keys.T @ values)
    assert numpy.allclose(answers, [11.0, 13.0], atol=1e-14)
    turned = numpy.eye(2)
    assert numpy.allclose(turned @ (turned.T @ values), values, atol=1e-14)
    return [*answers]


def prediction_2():
    """8/16 with 9 pairs, and 32/16 with 33: worse than the answer 0, whose error is 1."""
    errors = [associative.random_keys_error(pairs, 16) for pairs in (9, 33)]
    assert numpy.allclose(errors, [0.5, 2.0], atol=1e-12)
    return [float(error) for error in errors]


def prediction_3():
    """15/23 = 0.652. The softmax is better: it knows which pairs belong to the symbol asked for.

    The error of both is the same in kind, old values in the answer. The sum holds them all with the
    weight of the last one, and can only make all of them smaller; softmax divides by how many there
    are in this task. It is still far from zero, as it cannot tell old from new.
    """
    others, n = 15 / 8, numpy.arange(1, 17)
    chances = [math.comb(15, k - 1) * (1 / 8) ** (k - 1) * (7 / 8) ** (16 - k) for k in n]
    of_sum, of_softmax = others / (1 + others), float(chances @ (1 - 1 / n))
    assert abs(of_sum - 15 / 23) < 1e-15
    assert abs(of_sum - associative.rewritten_sum_error(8, 16)) < 1e-12
    assert 0.3 < of_softmax < of_sum
    return [of_sum, of_softmax]


def prediction_4():
    """2.5 standard deviations, beyond which lies 0.6 of a hundred. So 1 bit in 166 is wrong.

    A bit is wrong if fewer than 38 of the 100 random signs are right ones, as 2 k - 100 < -25. The
    sum is even and 25 is odd, so there are no ties.
    """
    wrong = sum(math.comb(100, k) for k in range(101) if 2 * k - 100 < -25) / 2**100
    normal = math.erfc(2.5 / 2**0.5) / 2
    assert abs(wrong - associative.pattern_error(25, 5)) < 1e-12
    assert abs(wrong - normal) < 1e-3
    return [2.5, wrong]
