"""Plasticity and hypernetworks: planted bugs for their theorems, training, malformed calls."""

import numpy
import pytest
from helpers import is_single, refused, rng, single_precision, times, turns_red

from minimeta.core.optim import adam
from minimeta.exact import associative as exact
from minimeta.memories import hypernetwork, plasticity
from minimeta.meta import evaluate
from minimeta.nets import mlp, tanh
from minimeta.tasks import Data, recall
from minimeta.tasks.regression import linear
from minimeta.theorems import REGISTRY
from minimeta.training import meta_train

# ---- Planted bugs: each makes a named theorem fail ----


def growing(hebb, pre, post, rate):
    """A trace that does not decay."""
    return hebb + rate * pre[:, :, None] * post[:, None, :]


def without_decay(f):
    """A learner whose trace never decays."""
    return lambda units: f(units, growing)


def turned(hebb, pre, post, rate):
    """Oja's rule with the activities swapped where they hold the trace in bounds."""
    return hebb + rate * (pre[:, :, None] * post[:, None, :] - pre[:, :, None] ** 2 * hebb * 2)


def one_pattern_more(f):
    return lambda known, patterns: f(known, patterns + 1)


def against_the_trace(f):
    """A step that is pushed away from what was stored."""
    return lambda meta, hebb, pre, input: f(meta, -hebb, pre, input)


def an_answer_of_its_own(f):
    """A known answer leaks into the erased bits."""
    return lambda meta, state, x: f(meta, state, x) * 0.0 + 1.0


def last_counts_more(f):
    """A code that weighs the last example twice."""

    def encode(meta, support, reader):
        last = Data(support.x[:, -1:], support.y[:, -1:])
        return f(meta, support, reader) + f(meta, last, reader)

    return encode


def better_than_it_is(f):
    return lambda *a: 0.9 * f(*a)


def scaled_codes(f):
    return lambda meta, code: f(meta, 1.1 * code)


BUGS = [
    (plasticity, "step", against_the_trace, "one_pattern_is_completed_exactly"),
    (exact, "pattern_error", one_pattern_more, "five_patterns_disturb_each_other"),
    (exact, "pattern_error", one_pattern_more, "ten_patterns_disturb_each_other_more"),
    (plasticity, "learner", without_decay, "older_patterns_fade"),
    (exact, "pattern_error", one_pattern_more, "many_bits_are_hopfields_limit"),
    (plasticity, "bit_error", better_than_it_is, "without_plasticity_nothing_is_recalled"),
    (plasticity, "decaying", lambda f: growing, "the_trace_approaches_what_is_repeated"),
    (plasticity, "oja", lambda f: turned, "on_signs_oja_is_the_decaying_trace"),
    (plasticity, "oja", lambda f: turned, "oja_finds_the_first_principal_component"),
    (hypernetwork, "encode", last_counts_more, "the_order_of_examples_does_not_matter"),
    (hypernetwork, "write", scaled_codes, "weights_are_linear_in_the_code"),
    (hypernetwork, "fit_linear", times(1.1), "linear_hypernetworks_are_least_squares"),
]
THEOREMS = {t.name: t for t in REGISTRY if t.topic == "plasticity"}


@pytest.mark.parametrize("module, name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    turns_red(monkeypatch, THEOREMS[theorem].prove, module, name, bug)


def test_every_theorem_of_this_topic_has_its_bug():
    assert {theorem for *_, theorem in BUGS} == set(THEOREMS)


# ---- Training ----

BITS, KNOWN = 20, 10


@pytest.mark.parametrize("trace", [plasticity.decaying, plasticity.oja])
def test_plasticity_is_learned_from_nearly_none(trace):
    """From alpha near 0, where half of the erased bits are wrong, to twice Hopfield's error."""
    learner = plasticity.learner(BITS, trace)
    sample = lambda rng, tasks=16: recall.patterns(rng, tasks, 2, 8, BITS, KNOWN)
    task, erased = sample(rng(9), tasks=1000), BITS / (BITS - KNOWN)
    with single_precision():
        options = dict(optimizer=adam(0.01), label=None)
        meta, _ = meta_train(learner, sample, rng(), 400, **options)
    assert is_single(meta)
    before, after = (
        erased * evaluate(learner, theta, task, plasticity.bit_error).mean()
        for theta in (learner.init(rng()), meta)
    )
    assert before > 0.25 and after < 2 * exact.pattern_error(KNOWN, 2) + 0.01


def test_a_hypernetwork_learns_linear_maps_and_gains_from_shots():
    learner = hypernetwork.learner(mlp([2, 8, 1], tanh, 1.0), 2, code=8, hidden=16)
    sample = lambda rng, shots=8, tasks=32: linear(rng, tasks, shots, 8, numpy.eye(2))
    with single_precision():
        options = dict(optimizer=adam(0.005), label=None)
        meta, _ = meta_train(learner, sample, rng(), 600, **options)
    loss = lambda shots: evaluate(learner, meta, sample(rng(1), shots, 500)).mean()
    assert loss(8) < 0.5 < loss(1) and loss(8) < loss(4)


# ---- Unusual calls ----


def test_without_a_support_every_task_gets_the_same_network():
    learner, (_, task) = (
        hypernetwork.learner(mlp([2, 3, 1]), 2),
        linear(rng(), 3, 1, 4, numpy.eye(2)),
    )
    none = Data(task.x[:, :0], task.y[:, :0])
    meta = learner.init(rng())
    phi = learner.adapt(meta, none)
    same = numpy.broadcast_to(meta["bias"][0]["W"], (3, 2, 3))
    assert (phi[0]["W"] == same).all()


def test_without_a_pattern_only_known_bits_are_answered():
    task = recall.patterns(rng(), 5, 1, 3, BITS, KNOWN)
    none = Data(task.support.x[:, :0], task.support.y[:, :0])
    learner = plasticity.plain_hebb()
    answers = learner.predict({}, learner.adapt({}, none), task.query.x)
    assert (numpy.sign(answers) == task.query.x).all()


def test_a_trace_that_hardly_decays_is_the_plain_sum():
    fading = exact.fading_error(KNOWN, 4, 1e-12)
    assert abs(fading - exact.pattern_error(KNOWN, 4)) < 1e-9
    refused(lambda: exact.fading_error(25, 12, 0.1), "known is 25 and patterns is 12")


def test_a_crowded_hopfield_network_degrades_to_chance():
    """With more and more patterns the error rises towards one half, and never above it."""
    learner, errors = plasticity.plain_hebb(), []
    for patterns in (2, 8, 18):
        task = recall.patterns(rng(), 500, patterns, 4, BITS, KNOWN)
        errors.append(2 * evaluate(learner, {}, task, plasticity.bit_error).mean())
    assert errors[0] < errors[1] < errors[2] < 0.5


def test_malformed_patterns_are_refused_in_one_sentence():
    learner, task = plasticity.learner(6), recall.patterns(rng(), 3, 2, 2, bits=5, known=2)
    refused(lambda: learner.adapt(learner.init(rng()), task.support), "patterns of 6 units")
    learner = plasticity.plain_hebb()
    uneven = Data(task.support.x, task.support.y[..., :4])
    refused(lambda: learner.adapt({}, uneven), "they have 5 and 4")


def test_a_malformed_support_of_a_hypernetwork_is_refused_in_one_sentence():
    learner, (x, y) = (
        hypernetwork.learner(mlp([2, 3, 1]), 2),
        linear(rng(), 3, 4, 1, numpy.eye(2))[0],
    )
    meta = learner.init(rng())
    refused(lambda: learner.adapt(meta, Data(x, y[:, :3])), "support.x and support.y must agree")
    refused(lambda: learner.adapt(meta, Data(x[..., :1], y)), "x must have 3 inputs")
    refused(lambda: hypernetwork.fit_linear(x[0], x[0, :3], y[0]), "codes and x must have one")
