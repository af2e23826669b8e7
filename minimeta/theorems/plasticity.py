"""Theorems on plastic connections, and on networks that write the weights of networks."""

import numpy

from minimeta.exact import associative as exact
from minimeta.memories import hypernetwork, plasticity
from minimeta.meta import evaluate
from minimeta.nets import mlp, tanh
from minimeta.tasks import Data, recall
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, has_mean

HOPFIELD = "Hopfield 1982"
MICONI = "Miconi, Clune & Stanley 2018, arXiv:1804.02464"
OJA = "Oja 1982"
HA = "Ha, Dai & Le 2016, arXiv:1609.09106"
BITS, KNOWN = 50, 25
NET = mlp([2, 5, 1], tanh, 1.0)


def recall_error(patterns, tasks=2000):
    """The share of erased bits that plain Hebb recalls wrongly in each task: (M,)."""
    rng = numpy.random.default_rng(0)
    task = recall.patterns(rng, tasks, patterns, 4, bits=BITS, known=KNOWN)
    wrong = evaluate(plasticity.plain_hebb(), {}, task, plasticity.bit_error)
    return wrong * BITS / (BITS - KNOWN)  # the known bits are never wrong


@theorem(lesson="fast_weights", source=HOPFIELD)
def one_pattern_is_completed_exactly():
    """One pattern shown once is completed without an error from half of its bits."""
    return Claim(recall_error(1), numpy.zeros(2000), tolerance=0.0)


@theorem(lesson="fast_weights", source=HOPFIELD)
def five_patterns_disturb_each_other():
    """Of five patterns shown once, erased bits are wrong as often as a sum of signs is negative."""
    return has_mean(recall_error(5), exact.pattern_error(KNOWN, 5))


@theorem(lesson="fast_weights", source=HOPFIELD)
def ten_patterns_disturb_each_other_more():
    """Of ten patterns shown once, erased bits are wrong as often as the binomial formula says."""
    return has_mean(recall_error(10), exact.pattern_error(KNOWN, 10))


@theorem(lesson="fast_weights", source=MICONI)
def older_patterns_fade():
    """A trace that decays by a tenth with each of five patterns recalls as badly as computed."""
    rng, learner = numpy.random.default_rng(0), plasticity.learner(BITS)
    task = recall.patterns(rng, 2000, 5, 4, bits=BITS, known=KNOWN)
    one = numpy.ones((BITS, BITS))
    meta = {"w": 0.0 * one, "alpha": one / BITS, "rate": numpy.full(1, 0.1)}
    wrong = evaluate(learner, meta, task, plasticity.bit_error) * BITS / (BITS - KNOWN)
    return has_mean(wrong, exact.fading_error(KNOWN, 5, 0.1))


@theorem(lesson="fast_weights", source="Central limit theorem")
def many_bits_are_hopfields_limit():
    """With 500 known bits the binomial error is Phi(-sqrt(K / (P - 1))) up to 1e-5."""
    computed = [exact.pattern_error(500, patterns) for patterns in (101, 201)]
    limits = [exact.hopfield_error(500, patterns) for patterns in (101, 201)]
    return Claim(computed, limits, tolerance=1e-5)


@theorem(lesson="fast_weights", source=MICONI)
def without_plasticity_nothing_is_recalled():
    """A network with alpha = 0 answers every pattern alike, so half of the bits are wrong."""
    rng = numpy.random.default_rng(0)
    task = recall.patterns(rng, 2000, 5, 4, bits=BITS, known=KNOWN)
    learner = plasticity.learner(BITS)
    meta = learner.init(rng)
    wrong = evaluate(learner, {**meta, "alpha": 0.0 * meta["alpha"]}, task, plasticity.bit_error)
    return has_mean(wrong * BITS / (BITS - KNOWN), 0.5)


def trace(rule, patterns, rate):
    """The trace (D, D) after patterns (N, D), each shown once, with nothing but the trace."""
    learner = plasticity.learner(patterns.shape[1], rule)
    zero = numpy.zeros((patterns.shape[1],) * 2)
    meta = {"w": zero, "alpha": zero, "rate": numpy.full(1, rate)}
    return learner.adapt(meta, Data(patterns[None], patterns[None]))["hebb"][0]


@theorem(lesson="fast_weights", source=MICONI)
def the_trace_approaches_what_is_repeated():
    """After m repeats of a pattern the trace is (1 - (1 - rate)^m) x x'."""
    x = numpy.random.default_rng(0).choice([-1.0, 1.0], size=6)
    computed = trace(plasticity.decaying, numpy.tile(x, (7, 1)), 0.3)
    return Claim(computed, (1 - 0.7**7) * numpy.outer(x, x), tolerance=1e-12)


@theorem(lesson="fast_weights", source=OJA)
def on_signs_oja_is_the_decaying_trace():
    """On clamped units of +-1 Oja's rule and the decaying trace are the same rule."""
    x = numpy.random.default_rng(0).choice([-1.0, 1.0], size=(9, 6))
    rules = plasticity.oja, plasticity.decaying
    return Claim(*(trace(rule, x, 0.3) for rule in rules), tolerance=1e-12)


@theorem(lesson="fast_weights", source=OJA)
def oja_finds_the_first_principal_component():
    """On a linear unit, averaged over the inputs, Oja's rule ends at the first eigenvector of their
    covariance, with length 1.
    """
    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(40, 3)) * numpy.array([2.0, 1.0, 0.5])
    w = rng.normal(size=(3, 1))
    for _ in range(400):
        each = plasticity.oja(numpy.tile(w, (40, 1, 1)), x, x @ w, 0.05)  # (40, 3, 1)
        w = each.mean(axis=0)
    _, axes = numpy.linalg.eigh(x.T @ x / 40)
    first = axes[:, -1:] * numpy.sign(axes[:, -1] @ w)
    return Claim(w, first, tolerance=1e-10)


# ---- Hypernetworks ----


def write_three(order=slice(None)):
    """A hypernetwork with its meta-parameters, and the weights that it writes for three tasks."""
    rng = numpy.random.default_rng(0)
    learner = hypernetwork.learner(NET, 2, code=4, hidden=6)
    meta, x, y = learner.init(rng), rng.normal(size=(3, 5, 2)), rng.normal(size=(3, 5, 1))
    return learner, meta, learner.adapt(meta, Data(x[:, order], y[:, order]))


@theorem(lesson="fast_weights", source=DEFINITION)
def the_order_of_examples_does_not_matter():
    """A hypernetwork that averages over the support writes the same weights for every order."""
    learner, meta, phi = write_three()
    queries = numpy.random.default_rng(1).normal(size=(3, 4, 2))
    _, _, other = write_three(order=[3, 0, 4, 1, 2])
    answers = [learner.predict(meta, state, queries) for state in (phi, other)]
    return Claim(*answers, tolerance=1e-12)


@theorem(lesson="fast_weights", source=HA)
def weights_are_linear_in_the_code():
    """The code of a task times its directions, added to a common start, are the weights written."""
    rng = numpy.random.default_rng(1)
    _, meta, _ = write_three()
    code = rng.normal(size=(3, 4))
    computed = hypernetwork.write(meta, code)[0]["W"]
    expected = meta["bias"][0]["W"] + numpy.einsum("mk,kij->mij", code, meta["write"][0]["W"])
    return Claim(computed, expected, tolerance=1e-12)


@theorem(lesson="fast_weights", source="Least squares")
def linear_hypernetworks_are_least_squares():
    """The matrices A_k of y = sum_k z_k A_k x are recovered by least squares on the products."""
    rng = numpy.random.default_rng(0)
    codes, x, A = rng.normal(size=(40, 3)), rng.normal(size=(40, 4)), rng.normal(size=(3, 4, 2))
    y = numpy.einsum("nk,nd,kdc->nc", codes, x, A)
    return Claim(hypernetwork.fit_linear(codes, x, y), A, tolerance=1e-10)
