"""What a memory of pairs can store: exact errors of the sum rule, the delta rule and softmax.

Each error is the mean square |answer - value|^2 of one number of a value. Values are drawn
independently with mean 0 and variance 1, so a memory that answers 0 has the error 1.

    S keys, a sum in d dimensions    1 - d / S if S > d, with the best keys that there are
    S random unit keys               (S - 1) / d with the sum rule as it is
    keys that are written again      sum m / (1 + m), softmax 1 - E[1 / n], delta rule 0
    random unit keys, delta rule     a recursion over the age of a pair, `delta_error_by_age`
    binary patterns                  a sum of independent signs, so a binomial distribution

Sources: Schlag, Irie & Schmidhuber 2021, arXiv:2102.11174 (capacity); Hopfield 1982 (patterns).
The other formulas are derived here.  Taught in lesson fast_weights.
"""

import math

import numpy

from minimeta.core import checks

LARGEST = 10**7  # sums that are listed
TIE = 1e-9  # a sum so near to 0 is 0: the weights are rounded


def sum_floor(keys, dimension):
    """The least error 1 - d / S of the sum rule with S different keys, each written once.

    The answers to all keys are G v, where G = Q K' is (S, S) and has rank d at most. Its error is
    |I - G|^2 / S, and by Eckart & Young no matrix of rank d is nearer to I than a projection.
    """
    checks.integer("keys", keys, at_least=1)
    checks.integer("dimension", dimension, at_least=1)
    return max(0.0, 1.0 - dimension / keys)


def random_keys_error(keys, dimension):
    """The error (S - 1) / d of the sum rule with S random unit keys in d dimensions.

    Each of the S - 1 other pairs adds its value times k'q, whose mean square is 1 / d.
    """
    checks.integer("keys", keys, at_least=1)
    checks.integer("dimension", dimension, at_least=1)
    return (keys - 1) / dimension


def rewritten_sum_error(keys, writes):
    """The least error m / (1 + m) of a sum when T writes draw their keys from S, orthonormal.

    The key of a query has m = (T - 1) / S other writes on average. An answer is a factor c times
    the sum of its values, with the error (1 - c)^2 + m c^2, which is least at c = 1 / (1 + m).
    """
    checks.integer("keys", keys, at_least=1)
    checks.integer("writes", writes, at_least=1)
    others = (writes - 1) / keys
    return others / (1.0 + others)


def rewritten_softmax_error(keys, writes):
    """The error 1 - E[1 / n] of sharp softmax attention when T writes draw their keys from S.

    The answer is the mean of the n values of the key. Here n - 1 is binomial with T - 1 trials of
    probability p = 1 / S, so E[1 / n] = (1 - (1 - p)^T) / (T p).
    """
    checks.integer("keys", keys, at_least=1)
    checks.integer("writes", writes, at_least=1)
    return 1.0 - keys * (1.0 - (1.0 - 1.0 / keys) ** writes) / writes


def delta_error_by_age(writes, dimension):
    """The error (N,) of the delta rule of rate 1 for pairs followed by 0, 1, ..., N - 1 others.

    Keys are random unit vectors in d dimensions. Let e = W k - v be the error at an old pair. A
    write at key k* with c = k'k* changes it to e + c (v* - W k*). The means of three numbers are
    enough: |e|^2, e'v, and |W|^2. The means of c^2 and c^4 are 1 / d and 3 / (d (d + 2)).
    """
    checks.integer("writes", writes, at_least=1)
    checks.integer("dimension", dimension, at_least=1)
    d, errors = dimension, []
    for age in range(writes):
        size = d * (1.0 - (1.0 - 1.0 / d) ** (writes - age))  # |W|^2 once the pair is written
        square = product = 0.0  # |e|^2 and e'v
        for _ in range(age):
            answer = square + 2.0 * product + 1.0  # |W k|^2
            square += (1.0 - 2.0 * (square + product)) / d + 3.0 * answer / (d * (d + 2))
            square += (size - answer) / (d * (d + 2))
            product -= (product + 1.0) / d
            size += 1.0 - size / d
        errors.append(square)
    return numpy.array(errors)


def pattern_error(known, patterns):
    """How often an erased bit is recalled wrongly from `known` bits, after P random patterns.

    The sum of outer products x x' gives the erased bit the sum of K = `known` right signs and of
    K (P - 1) independent random signs. A sum of 0 is wrong with probability 1/2.
    """
    checks.integer("known", known, at_least=0)
    checks.integer("patterns", patterns, at_least=1)
    signs = known * (patterns - 1)
    chances = _binomial(signs)  # of 0, 1, ... signs that are positive
    total = known + 2.0 * numpy.arange(signs + 1) - signs
    return float(chances[total < 0].sum() + 0.5 * chances[total == 0].sum())


def fading_error(known, patterns, rate):
    """How often an erased bit is recalled wrongly from a trace that decays, averaged over ages.

    A pattern that a others have followed has the weight g^a with g = 1 - rate. An erased bit of it
    gets K right signs times this weight, and for each other pattern K random signs times its own.
    All values of such a sum are listed, in two halves, whose sums are then counted in order.
    """
    checks.integer("known", known, at_least=0)
    checks.integer("patterns", patterns, at_least=1)
    checks.number("rate", rate, above=0.0, below=1.0)
    if (known + 1) ** (patterns // 2) > LARGEST:
        raise ValueError(
            f"known is {known} and patterns is {patterns}: more than {LARGEST} sums to list."
        )
    weights, errors = (1.0 - rate) ** numpy.arange(patterns), []
    for a in range(patterns):
        others = numpy.delete(weights, a)
        left, left_chances = _signed_sums(known, others[::2])
        right, right_chances = _signed_sums(known, others[1::2])
        below = numpy.concatenate([[0.0], numpy.cumsum(right_chances)])
        limit = -known * weights[a] - left  # what the right half must not reach
        ranks = numpy.searchsorted(right, limit - TIE), numpy.searchsorted(right, limit + TIE)
        errors.append(left_chances @ (below[ranks[0]] + below[ranks[1]]) / 2.0)
    return float(numpy.mean(errors))


def hopfield_error(known, patterns):
    """The limit of `pattern_error` for many bits: Phi(-sqrt(K / (P - 1)))."""
    checks.integer("known", known, at_least=0)
    checks.integer("patterns", patterns, at_least=2)
    return 0.5 * math.erfc(math.sqrt(known / (patterns - 1) / 2.0))


def _signed_sums(known, weights):
    """The sums, in order, of `known` random signs times each of the weights, and their chances."""
    sums, chances = numpy.zeros(1), numpy.ones(1)
    for weight in weights:
        signs = weight * (2.0 * numpy.arange(known + 1) - known)
        sums = (sums[:, None] + signs).ravel()
        chances = (chances[:, None] * _binomial(known)).ravel()
    order = numpy.argsort(sums)
    return sums[order], chances[order]


def _binomial(count):
    """The chances of 0 .. count heads of a fair coin, (count + 1,)."""
    logs = [math.lgamma(count + 1) - math.lgamma(k + 1) for k in range(count + 1)]
    logs = [log - math.lgamma(count - k + 1) for k, log in enumerate(logs)]
    return numpy.exp(numpy.array(logs) - count * math.log(2.0))
