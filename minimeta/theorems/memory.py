"""Theorems on external memories: what they read, overwrite and forget, and the floor below them."""

import itertools
import math

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import accuracy, cross_entropy, log_softmax
from minimeta.core.trees import flatten
from minimeta.exact import class_gaussians
from minimeta.exact import sequential_classes as exact
from minimeta.memories import binding, interleaved, mann, recurrent, slots
from minimeta.meta import along
from minimeta.tasks import Data
from minimeta.tasks.presentations import by_presentation
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import BISHOP, DEFINITION, none_below_zero

GRAVES = "Graves, Wayne & Danihelka 2014, arXiv:1410.5401"
SANTORO = "Santoro et al. 2016, arXiv:1605.06065"
T, D, C, SLOTS = 12, 2, 3, 4
BETWEEN, WITHIN = numpy.array([[2.0, -0.4], [-0.4, 0.8]]), numpy.array([[1.0, 0.5], [0.5, 0.6]])
SHARP = 1e9  # as good as infinite: reading is of the nearest slot alone


def sequences(seed=0, tasks=3, ways=C, each=4, between=BETWEEN, within=WITHIN):
    """Sequences of Gaussian classes: Data of ways * each examples."""
    rng = numpy.random.default_rng(seed)
    return exact.sample(rng, tasks, 0, each, ways, between, within).query


def binder(seed=1, slots=SLOTS):
    """An untrained memory that binds, and parameters for it."""
    learner = binding.learner(D, C, hidden=5, slots=slots, width=6)
    return learner, learner.init(numpy.random.default_rng(seed))


# ---- Reading ----


@theorem(lesson="memory", source=GRAVES)
def at_great_sharpness_one_slot_is_read():
    """At great sharpness the memory returns the slot in the direction of the key, and it alone."""
    memory = numpy.random.default_rng(0).normal(size=(5, SLOTS, 3))
    which = [0, 3, 1, 1, 2]
    keys = numpy.stack([2.5 * rows[i] for rows, i in zip(memory, which)])
    computed = slots.read(slots.read_weights(keys, memory, SHARP), memory)
    return Claim(computed, keys / 2.5, tolerance=1e-12)


@theorem(lesson="memory", source=GRAVES)
def at_sharpness_zero_the_mean_is_read():
    """At sharpness zero the memory returns the mean of its slots, whatever the key."""
    memory, keys = numpy.random.default_rng(0).normal(size=(2, 5, SLOTS, 3))
    computed = slots.read(slots.read_weights(keys[:, 0], memory, 0.0), memory)
    return Claim(computed, memory.mean(axis=1), tolerance=1e-14)


@theorem(lesson="memory", source="Cover & Hart 1967")
def a_sharp_memory_is_nearest_neighbour():
    """A memory with a slot for each example, read sharply, gives the label of the nearest key."""
    _, meta = binder(slots=T)
    x, y = sequences()
    learner, meta = pass_labels_on(meta, slots=T)
    computed, keys = along(learner, meta, Data(x, y)), x @ meta["key"]["W"] + meta["key"]["b"]
    expected = numpy.zeros_like(y)
    for m, t in itertools.product(range(len(x)), range(1, T)):
        cosine = [k @ keys[m, t] / math.sqrt(k @ k) for k in keys[m, :t]]
        expected[m, t] = y[m, numpy.argmax(cosine)]
    return Claim(computed, expected, tolerance=1e-9)


def pass_labels_on(meta, slots):
    """The memory with sharp reading, whose answer is the label read: learner and parameters."""
    H = len(meta["read"]["W"]) - C
    read = {"W": numpy.concatenate([numpy.zeros((H, C)), numpy.eye(C)]), "b": numpy.zeros(C)}
    learner = binding.learner(D, C, hidden=H, slots=slots, width=len(meta["key"]["b"]))
    return learner, {**meta, "read": read, "log_sharpness": numpy.array(math.log(SHARP))}


# ---- Writing ----


@theorem(lesson="memory", source=SANTORO)
def the_least_used_slot_is_overwritten():
    """The memory holds what remains if each example takes the slot that was used least and longest
    ago.
    """
    match = numpy.random.default_rng(0).uniform(-1.0, 1.0, size=(1, T, T))
    computed = binding.held_examples(match, 3.0, SLOTS)[0]
    expected, usage, holds = numpy.zeros((T, T)), [0.0] * SLOTS, [None] * SLOTS
    for t in range(T):
        share = [0.0 if j is None else math.exp(3.0 * match[0, t, j]) for j in holds]
        usage = [0.95 * u + e / max(sum(share), 1e-300) for u, e in zip(usage, share)]
        expected[t, [j for j in holds if j is not None]] = 1.0
        oldest = usage.index(min(usage))
        holds[oldest], usage[oldest] = t, usage[oldest] + 1.0
    return Claim(computed, expected, tolerance=0.0)


@theorem(lesson="memory", source=SANTORO)
def nothing_is_overwritten_before_the_memory_is_full():
    """As long as there are empty slots, every example so far is in the memory."""
    match = numpy.random.default_rng(0).uniform(-1.0, 1.0, size=(2, T, T))
    computed = binding.held_examples(match, 3.0, SLOTS)[:, : SLOTS + 1]
    expected = numpy.tri(SLOTS + 1, T, k=-1)
    return Claim(computed, numpy.stack([expected, expected]), tolerance=0.0)


@theorem(lesson="memory", source=DEFINITION)
def reading_at_once_is_reading_in_turn():
    """All reads of a sequence in one product are those of a memory that is written one example
    after another.
    """
    learner, meta = binder()
    data = sequences()
    computed = along(learner, meta, data)
    return Claim(computed, along(learner._replace(along=None), meta, data), tolerance=1e-12)


@theorem(lesson="memory", source=SANTORO)
def the_published_memory_is_its_equations():
    """The answers of the published MANN are its equations applied one after the other."""
    learner = mann.learner(D, C, hidden=5, slots=SLOTS, width=6)
    meta, (x, y) = learner.init(numpy.random.default_rng(1)), sequences(tasks=1)
    expected = numpy.stack(list(published_answers(meta, x[0], y[0])))
    return Claim(along(learner, meta, Data(x, y))[0], expected, tolerance=1e-12)


def published_answers(meta, x, y):
    """Cell, key, reading and writing for one task, slot by slot."""
    sigmoid, W, keep = lambda z: 1 / (1 + numpy.exp(-z)), meta["cell"], sigmoid_of(meta["a"])
    h, c, r, label = numpy.zeros(5), numpy.zeros(5), numpy.zeros(6), numpy.zeros(C)
    M, usage, w = numpy.zeros((SLOTS, 6)), numpy.zeros(SLOTS), numpy.zeros(SLOTS)
    for x_t, y_t in zip(x, y):
        z = numpy.concatenate([x_t, label, r]) @ W["W_x"] + h @ W["W_h"] + W["b"]
        c = sigmoid(z[5:10]) * c + sigmoid(z[:5]) * numpy.tanh(z[10:15])
        h, label = sigmoid(z[15:]) * numpy.tanh(c), y_t
        key = numpy.tanh(h @ meta["key"]["W"] + meta["key"]["b"])
        oldest = int(numpy.argmin(usage))
        write = keep * w + (1 - keep) * numpy.eye(SLOTS)[oldest]
        lengths = [math.sqrt(a @ a + slots.TINY) for a in (key, *M)]
        cosine = numpy.array([key @ row / lengths[0] / n for row, n in zip(M, lengths[1:])])
        e = numpy.exp(math.exp(meta["log_sharpness"]) * cosine)
        w = e / e.sum()
        r = w @ M
        usage = 0.95 * usage + w + write
        M[oldest] = 0.0
        M = M + numpy.outer(write, key)
        yield numpy.concatenate([h, r]) @ meta["read"]["W"] + meta["read"]["b"]


def sigmoid_of(a):
    """1 / (1 + exp(-a)) of a number."""
    return 1.0 / (1.0 + math.exp(-float(a)))


# ---- What is seen when ----


def seen(learner, meta):
    """Whether the answer at t (first axis) depends on x and on y (second axis) at each place."""
    data = sequences(tasks=1, each=2)
    answer = lambda data, t: np.sum(along(learner, meta, data)[0, t] ** 2)
    gradients = [grad(answer)(data, t) for t in range(2 * C)]
    return numpy.array([[abs(part[0]).sum(axis=-1) > 0 for part in pair] for pair in gradients])


@theorem(lesson="memory", source="Causality")
def no_label_is_bound_before_its_answer():
    """With a memory that binds, the answer to x_t depends on x_1 .. x_t and on y_1 .. y_t-1."""
    exact_answer = numpy.stack([numpy.tri(2 * C), numpy.tri(2 * C, k=-1)], axis=1)
    return Claim(seen(*binder()), exact_answer, tolerance=0.0)


@theorem(lesson="memory", source="Causality")
def a_label_with_its_input_is_shown_after_the_answer():
    """So it does for an LSTM that reads each input twice, first without its label."""
    learner = interleaved.learner(D, C, hidden=4)
    meta = learner.init(numpy.random.default_rng(1))
    exact_answer = numpy.stack([numpy.tri(2 * C), numpy.tri(2 * C, k=-1)], axis=1)
    return Claim(seen(learner, meta), exact_answer, tolerance=0.0)


@theorem(lesson="memory", source=DEFINITION)
def interleaving_is_a_longer_sequence():
    """An LSTM that reads each input twice is the LSTM with late labels on a sequence twice as
    long, in which every second label is 0.
    """
    meta, (x, y) = recurrent.init(numpy.random.default_rng(1), D, C, 4), sequences()
    doubled = numpy.repeat(x, 2, axis=1)
    labels = numpy.stack([y, numpy.zeros_like(y)], axis=2).reshape(len(y), 2 * T, C)
    expected = recurrent.predict_along(meta, Data(doubled, labels))[:, ::2]
    return Claim(interleaved.predict_along(meta, Data(x, y)), expected, tolerance=1e-13)


@theorem(lesson="memory", source="Symmetry")
def other_names_of_the_classes_change_the_names_read():
    """Exchanging the labels of two classes exchanges what the memory reads, and nothing else."""
    learner, meta = pass_labels_on(binder()[1], SLOTS)
    meta["log_sharpness"] = numpy.array(1.0)
    x, y = sequences()
    order = [1, 0, 2]
    computed = along(learner, meta, Data(x, y[..., order]))
    return Claim(computed, along(learner, meta, Data(x, y))[..., order], tolerance=1e-13)


# ---- Bayes ----


def log_joint(x, labels):
    """log density of x (t, D) under given labels, the centres of all classes integrated out."""
    together = numpy.equal.outer(labels, labels).astype(float)
    covariance = numpy.kron(together, BETWEEN) + numpy.kron(numpy.eye(len(x)), WITHIN)
    flat = x.reshape(-1)
    half = numpy.linalg.slogdet(2.0 * math.pi * covariance)[1] / 2.0
    return -flat @ numpy.linalg.solve(covariance, flat) / 2.0 - half


def by_enumeration(x, y, orders):
    """P(class | x up to t, y before t), by a sum over all orders of classes that are possible."""
    labels, answers = numpy.argmax(y, axis=-1), []
    for t in range(len(x)):
        weight = numpy.zeros(y.shape[-1])
        for order in orders:
            if list(order[:t]) == list(labels[:t]):
                weight[order[t]] += math.exp(log_joint(x[: t + 1], numpy.array(order[: t + 1])))
        answers.append(weight / weight.sum())
    return numpy.stack(answers)


@theorem(lesson="memory", source=BISHOP)
def bayes_is_a_sum_over_all_orders():
    """The Bayes classifier of a shuffled set gives the share of each label among all orders of the
    labels, each weighed by its joint density.
    """
    x, y = (part[0] for part in sequences(tasks=1, each=2))
    orders = set(itertools.permutations([0, 0, 1, 1, 2, 2]))
    computed = along(exact.learner(C, BETWEEN, WITHIN, each=2), {}, Data(x[None], y[None]))[0]
    return Claim(numpy.exp(log_softmax(computed)), by_enumeration(x, y, orders), tolerance=1e-12)


@theorem(lesson="memory", source=BISHOP)
def bayes_of_independent_labels_is_a_sum_over_all_labels():
    """Where labels are drawn independently, all sequences of labels take the place of the orders.

    They may then come up more or less often than each other.
    """
    x, y = (part[0, :5] for part in sequences(tasks=1, each=2))
    labels = list(itertools.product(range(C), repeat=5))
    computed = along(exact.learner(C, BETWEEN, WITHIN), {}, Data(x[None], y[None]))[0]
    return Claim(numpy.exp(log_softmax(computed)), by_enumeration(x, y, labels), tolerance=1e-12)


@theorem(lesson="memory", source=BISHOP)
def the_next_answer_of_a_sequence_is_few_shot_bayes():
    """After any sequence, Bayes answers as the few-shot Bayes classifier with it as support."""
    data = sequences(each=3)
    fast = along(exact.learner(C, BETWEEN, WITHIN), {}, data)
    slow = along(class_gaussians.learner(BETWEEN, WITHIN), {}, data)
    return Claim(log_softmax(fast), log_softmax(slow), tolerance=1e-12)


@theorem(lesson="memory", source=DEFINITION)
def the_state_of_bayes_is_counts_and_sums():
    """Observing the examples one by one gives the counts and sums that adapting gives."""
    learner, data = exact.learner(C, BETWEEN, WITHIN, each=4), sequences()
    state = learner.start({}, data.x)
    for t in range(T):
        state = learner.observe({}, state, data.x[:, t], data.y[:, t])
    return Claim(flatten(learner.adapt({}, data)), flatten(state), tolerance=1e-12)


@theorem(lesson="memory", source=SANTORO)
def the_first_bound_is_a_guess_among_those_left():
    """Who knows that a class is new, and names the first label not yet used, is right as often as
    the bound says.
    """
    right = []
    for order in itertools.permutations(range(5)):  # in which the five classes come up first
        guesses = [min(set(range(5)) - set(order[:j])) for j in range(5)]
        right += [guess == label for guess, label in zip(guesses, order)]
    return Claim(exact.first_presentation_bound(5), numpy.mean(right), tolerance=1e-12)


@theorem(lesson="memory", source=SANTORO)
def nobody_is_above_the_first_bound():
    """At the first presentation of a class even Bayes is not right more often than the bound."""
    data = sequences(tasks=2000, each=3)
    answers = along(exact.learner(C, BETWEEN, WITHIN, each=3), {}, data)
    first = by_presentation(is_right(answers, data.y), data.y)[:, :1]
    return none_below_zero(exact.first_presentation_bound(C) - first)


def is_right(answers, y):
    """Whether each answer (M, T, C) names the class of its label: (M, T)."""
    return (numpy.argmax(answers, axis=-1) == numpy.argmax(y, axis=-1)).astype(float)


@theorem(lesson="memory", source=DEFINITION)
def nobody_beats_bayes():
    """No memory, untrained or reading sharply, has less loss or more answers right than Bayes."""
    data = sequences(tasks=2000)
    published, lstm = mann.learner(D, C, hidden=5, slots=SLOTS), interleaved.learner(D, C, hidden=4)
    rows = [binder(), pass_labels_on(binder()[1], slots=T)]
    rows += [(one, one.init(numpy.random.default_rng(1))) for one in (published, lstm)]
    best = along(exact.learner(C, BETWEEN, WITHIN, each=4), {}, data)
    answers = [along(learner, meta, data) for learner, meta in rows]
    losses = [cross_entropy(answer, data.y) - cross_entropy(best, data.y) for answer in answers]
    right = [accuracy(best, data.y) - accuracy(answer, data.y) for answer in answers]
    return none_below_zero(numpy.stack([*losses, *right], axis=1))
