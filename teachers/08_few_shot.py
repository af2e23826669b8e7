"""Answers to the exercises of the lesson few_shot.

Prediction 5 is decided by training: with r = 1 matching is ahead of pixels by more than five points
of a hundred in every kind of episode, and with a learned r ahead of that by more than two.
"""

import math

import numpy

from minimeta.embeddings import matching
from minimeta.tasks import glyphs
from minimeta.tasks.episodes import episodes


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


def letters_never_seen():
    """Drawings of the test alphabets as rows of pixels, and which letter each is."""
    x = glyphs.load("test", side=14).x.reshape(-1, 196)
    return x, numpy.arange(len(x) // 20).repeat(20)  # 20 drawings of a letter


def prediction_1():
    """Far above guessing and far from good: about 50 of 100, and about 30 with twenty ways.

    Four times as many classes do not divide the share by four. Most of the wrong classes look quite
    different from the query, and are not the nearest one however many of them there are.
    """
    rng, shares = numpy.random.default_rng(0), {}
    for ways in (5, 20):
        support, query = episodes(rng, *letters_never_seen(), 100, ways, 1, 5)
        keys, asked = (
            x / numpy.linalg.norm(x, axis=-1, keepdims=True) for x, _ in (support, query)
        )
        nearest = (asked @ keys.swapaxes(1, 2)).argmax(axis=-1)  # (M, Q)
        labels = numpy.take_along_axis(support.y.argmax(axis=-1), nearest, axis=1)
        shares[ways] = numpy.mean(labels == query.y.argmax(axis=-1))
    assert 0.4 < shares[5] < 0.6 and shares[5] / 4 < shares[20] < shares[5]
    assert 0.2 < shares[20] < 0.4
    return [float(share) for share in shares.values()]


def prediction_2():
    """The cosine with itself, moved, is the smaller one: strokes are only a pixel or two wide.

    Moved by two pixels they hardly lie on themselves any more, and strokes of another letter cross
    them by chance.
    """
    drawings = letters_never_seen()[0][::20].reshape(-1, 14, 14)  # one of each letter
    moved = numpy.roll(drawings, 2, axis=-1)
    flat, shifted = (x.reshape(-1, 196) for x in (drawings, moved))
    flat, shifted = (x / numpy.linalg.norm(x, axis=1, keepdims=True) for x in (flat, shifted))
    itself = numpy.mean(numpy.sum(flat * shifted, axis=1))
    pairs = flat @ flat.T
    another = (pairs.sum() - numpy.trace(pairs)) / (pairs.size - len(pairs))
    assert itself < another
    return [float(itself), float(another)]


def prediction_3():
    """1 / (1 + 2 / e) = 0.576, and A wins: ten times the lead of 0.1 outweighs the second vote."""
    of_a, of_b = math.exp(10.0 * 1.0), 2.0 * math.exp(10.0 * 0.9)
    chance = of_a / (of_a + of_b)
    assert abs(chance - 1.0 / (1.0 + 2.0 / math.e)) < 1e-14 and chance > 0.5
    return chance


def prediction_4():
    """1 / (1 + 4 exp(-5/4)) = 0.466, as the cosines are 1 and at best -1/4 with all others.

    Less than a half, though the embedding is perfect. It is the exponential of minus the bound.
    """
    chance = 1.0 / (1.0 + 4.0 * math.exp(-1.0 / 4.0 - 1.0))
    assert abs(chance - math.exp(-matching.cosine_bound(5))) < 1e-14 and 0.46 < chance < 0.47
    return chance
