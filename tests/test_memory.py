"""External memories and the floor below them: planted bugs, memories too small, malformed calls.

What they compute is stated by theorems (theorems/memory.py).
"""

import numpy
import pytest
from helpers import close, given, instead, is_single, refused, rng, single_precision, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.losses import accuracy, cross_entropy
from minimeta.core.optim import adam
from minimeta.core.replay import replay
from minimeta.exact import sequential_classes as exact
from minimeta.memories import binding, interleaved, mann, slots
from minimeta.meta import along, evaluate, sequence_loss
from minimeta.tasks import Data, episodes, glyphs
from minimeta.tasks.presentations import by_presentation, numbers, shuffle
from minimeta.theorems import REGISTRY
from minimeta.theorems import memory as theorems
from minimeta.training import sequence_train

EYE, EMPTIED = numpy.eye(2), numpy.array([0.0, 1.0, 0.0, 0.0, 0.0])
LEARNERS = {
    "interleaved": interleaved.learner(2, 3, hidden=5, loss=cross_entropy),
    "mann": mann.learner(2, 3, hidden=5, slots=4, width=4, loss=cross_entropy),
    "binding": binding.learner(2, 3, hidden=5, slots=4, width=4, loss=cross_entropy),
}


def task(tasks=4, shots=2, queries=2):
    return exact.sample(rng(), tasks, shots, queries, 3, EYE, 0.1 * EYE)


# ---- Planted bugs: each makes a named theorem fail ----


def dot_product(key, memory):
    """A similarity that forgets to divide by the length of the slots."""
    return (memory @ np.expand_dims(key, -1))[..., 0]


def blunt(f):
    return lambda key, memory, sharpness: f(key, memory, min(sharpness, 10.0))


def most_used(usage):
    return slots.least_used.__wrapped__(-usage)


def first_in_first_out(match, sharpness, slots):
    """The memory holds the newest examples, whatever was read."""
    T = match.shape[-1]
    newest = numpy.tri(T, k=-1) - numpy.tri(T, k=-1 - slots)
    return numpy.stack([newest] * len(match))


def one_slot_less(f):
    return lambda match, sharpness, slots: f(match, sharpness, slots - 1)


def half_the_slots(f):
    return lambda match, sharpness, slots: f(match, sharpness, slots // 2)


def with_itself(f):
    """Every example reads its own label too."""
    return lambda match, *rest: np.maximum(f(match, *rest), numpy.eye(match.shape[-1]))


def kept(f):
    """What was in a slot stays, and the new is added to it."""
    return lambda memory, emptied, weights, row: f(memory, 0.0 * emptied, weights, row)


def named(f):
    """A memory that reads one class more readily than the others."""
    favour = numpy.array([1.5, 1.0, 1.0])
    return lambda meta, h, labels: f(meta, h, labels * favour)


def shown_at_once(meta, data):
    """Each input comes with its label, twice."""
    parts = [interleaved.cell_input(meta, data.x, data.y)] * 2
    M, T, width = np.shape(parts[0])
    return np.reshape(np.stack(parts, axis=2), (M, 2 * T, width))


def swapped(f):
    """First the input with its label, then without it."""
    return lambda meta, data: (
        f(meta, data).reshape(len(data.x), -1, 2, 5)[:, :, ::-1].reshape(len(data.x), -1, 5)
    )


def uniform(counts, each):
    return numpy.zeros_like(counts)


def certain_of_centres(f):
    """The variance of a new example does not count how uncertain its centre is."""
    return lambda z, counts, sums, variances, each: f(z, counts + 1.0, sums, variances, each)


def own_label_counts(f):
    """A Bayes that has seen the label before it answers."""
    return lambda learner, meta, data: f(learner, meta, data) + 9.0 * data.y


def trained_on_the_answers(f):
    """Learners that have parameters know the labels; Bayes has none."""
    return lambda learner, meta, data: f(learner, meta, data) + 9.0 * data.y * bool(meta)


BUGS = [
    (slots, "read_weights", blunt, "at_great_sharpness_one_slot_is_read"),
    (slots, "read_weights", given(2, lambda s: s + 1.0), "at_sharpness_zero_the_mean_is_read"),
    (binding, "held_examples", half_the_slots, "a_sharp_memory_is_nearest_neighbour"),
    (binding, "held_examples", instead(first_in_first_out), "the_least_used_slot_is_overwritten"),
    (binding, "DECAY", instead(0.5), "the_least_used_slot_is_overwritten"),
    (
        binding,
        "held_examples",
        one_slot_less,
        "nothing_is_overwritten_before_the_memory_is_full",
    ),
    (slots, "write", kept, "reading_at_once_is_reading_in_turn"),
    (binding, "held_examples", one_slot_less, "reading_at_once_is_reading_in_turn"),
    (slots, "write", kept, "the_published_memory_is_its_equations"),
    (slots, "similarity", instead(dot_product), "the_published_memory_is_its_equations"),
    (binding, "held_examples", with_itself, "no_label_is_bound_before_its_answer"),
    (
        interleaved,
        "interleave",
        instead(shown_at_once),
        "a_label_with_its_input_is_shown_after_the_answer",
    ),
    (interleaved, "interleave", swapped, "interleaving_is_a_longer_sequence"),
    (binding, "answer", named, "other_names_of_the_classes_change_the_names_read"),
    (exact, "log_left", instead(uniform), "bayes_is_a_sum_over_all_orders"),
    (
        exact,
        "log_posterior",
        certain_of_centres,
        "bayes_of_independent_labels_is_a_sum_over_all_labels",
    ),
    (
        exact,
        "log_posterior",
        certain_of_centres,
        "the_next_answer_of_a_sequence_is_few_shot_bayes",
    ),
    (
        exact.class_gaussians,
        "inputs_of",
        lambda f: lambda x, T: f(x, T) * (1.0 + (x.shape[1] == 1)),
        "the_state_of_bayes_is_counts_and_sums",
    ),
    (
        exact,
        "first_presentation_bound",
        instead(lambda ways: 1.0 / ways),
        "the_first_bound_is_a_guess_among_those_left",
    ),
    (theorems, "along", own_label_counts, "nobody_is_above_the_first_bound"),
    (theorems, "along", trained_on_the_answers, "nobody_beats_bayes"),
]
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "memory"}


@pytest.mark.parametrize("module, name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    turns_red(monkeypatch, THEOREMS[theorem], module, name, bug)


def test_every_theorem_of_this_topic_has_its_bug():
    assert {theorem for *_, theorem in BUGS} == set(THEOREMS)


# ---- The floor ----


def test_the_published_bound_for_five_classes():
    assert_allclose(exact.first_presentation_bound(5), 0.4567, atol=5e-5)


def test_bayes_of_five_classes_in_eight_dimensions():
    """Gaussian classes, sigma .5, five of ten examples: at the 1st, 5th and 10th presentation."""
    between, within = numpy.eye(8), 0.25 * numpy.eye(8)
    data = exact.sample(rng(), 1500, 0, 10, 5, between, within).query
    answers = along(exact.learner(5, between, within, each=10), {}, data)
    shares = by_presentation(theorems.is_right(answers, data.y), data.y).mean(axis=0)
    assert_allclose(shares[[0, 4, 9]], [0.405, 0.985, 0.992], atol=0.015)
    assert_allclose(accuracy(answers, data.y).mean(), 0.925, atol=0.005)


def test_a_class_that_has_come_up_often_enough_is_ruled_out():
    data = exact.sample(rng(), 1, 0, 2, 2, EYE, EYE).query
    answers = along(exact.learner(2, EYE, EYE, each=2), {}, data)
    assert answers[0, 3].argmax() == data.y[0, 3].argmax()  # only one is left for the last
    assert numpy.isneginf(answers[0, 3]).sum() == 1


# ---- The protocol ----


def test_a_shuffled_task_has_the_same_examples_in_another_order():
    x, y = glyphs.load("validation", side=14)[:2]
    straight = episodes(rng(), x.reshape(len(x), -1), y, 3, 5, 1, 9)
    mixed = shuffle(rng(), straight)
    assert mixed.support.x.shape == (3, 5, 196) and mixed.query.y.shape == (3, 45, 5)
    for a, b in zip(straight, mixed):
        assert a.x.shape == b.x.shape
    rows = lambda t: numpy.concatenate(
        [
            numpy.concatenate([t.support.x, t.query.x], 1),
            numpy.concatenate([t.support.y, t.query.y], 1),
        ],
        axis=-1,
    )
    for before, after in zip(rows(straight), rows(mixed)):
        assert (before != after).any()
        assert_array_equal(numpy.unique(before, axis=0), numpy.unique(after, axis=0))


def test_presentations_are_counted_class_by_class():
    y = numpy.eye(2)[[[0, 0, 1, 0, 1]]]
    assert numbers(y).tolist() == [[1, 2, 1, 3, 2]]
    values = numpy.array([[1.0, 0.0, 0.0, 1.0, 1.0]])
    assert by_presentation(values, y).tolist() == [[0.5, 0.5]]  # class 1 comes up only twice


# ---- Memories ----


@pytest.mark.parametrize("name", LEARNERS)
def test_training_replays_and_lowers_the_loss(name):
    learner, sample = LEARNERS[name], lambda rng: exact.sample(rng, 8, 0, 4, 3, EYE, 0.1 * EYE)
    meta, history = sequence_train(learner, sample, rng(), 60, optimizer=adam(0.02), label=None)
    assert history[-10:].mean() < history[:3].mean()
    follow = value_and_grad(lambda meta, task: sequence_loss(learner, meta, task))
    fast, other = replay(follow), sample(rng(2))
    for _ in range(2):
        close(fast(meta, other), follow(meta, other), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LEARNERS)
def test_single_precision_stays_single(name):
    learner = LEARNERS[name]
    with single_precision():
        meta, data = learner.init(rng()), task()
        assert is_single(meta, along(learner, meta, data.support))
        assert is_single(learner.adapt(meta, data.support))
        gradient = value_and_grad(lambda meta: sequence_loss(learner, meta, data))(meta)[1]
        assert is_single(gradient)


def test_a_memory_of_too_few_slots_forgets_but_works():
    """Read sharply, a memory of fewer slots is right less often, and one slot hardly ever."""
    data = exact.sample(rng(), 300, 0, 8, 3, EYE, 0.02 * EYE).query
    right = []
    for count in (1, 2, 24):
        learner, meta = theorems.pass_labels_on(theorems.binder()[1], count)
        right.append(float(accuracy(along(learner, meta, data), data.y).mean()))
    assert right[0] < right[1] - 0.1 < right[2] - 0.2, right


def test_similarity_and_writing_have_derivatives_of_second_order():
    """The primitives against autograd's own derivatives of the plain formulas."""
    key, memory, q, r = (rng(k).normal(size=(3, 4)) for k in range(4))
    memory, q = memory[:, None] + rng().normal(size=(3, 5, 4)), q[:, :1] + numpy.ones((3, 5))
    second = lambda f: grad(
        lambda pair: np.sum(r * grad(lambda k: np.sum(q * f(k, pair[1]) ** 2))(pair[0]) ** 2)
    )((key, memory))
    close(second(slots.similarity), second(slots.plain_similarity), rtol=1e-9, atol=1e-9)
    plain = lambda m, w, row: m * (1.0 - EMPTIED)[:, None] + w[:, None] * row[None]
    fast = lambda m, w, row: slots.write(m, EMPTIED, w, row)
    args = memory[0], q[0], key[0]
    twice = lambda f: grad(lambda a: np.sum(grad(lambda b: np.sum(f(*b) ** 3))(a)[0] * memory[1]))(
        args
    )
    close(twice(fast), twice(plain), rtol=1e-12, atol=1e-12)


def test_more_slots_than_examples_change_nothing():
    data = task().query
    answers = [along(*theorems.pass_labels_on(theorems.binder()[1], n), data) for n in (6, 60)]
    assert_array_equal(*answers)


@pytest.mark.parametrize("name", LEARNERS)
def test_without_examples_there_are_answers_all_the_same(name):
    learner, data = LEARNERS[name], task()
    meta = learner.init(rng())
    none = Data(data.support.x[:, :0], data.support.y[:, :0])
    answers = learner.predict(meta, learner.adapt(meta, none), data.query.x)
    assert answers.shape == data.query.y.shape and numpy.isfinite(answers).all()


@pytest.mark.parametrize("name", LEARNERS)
def test_sequences_of_another_size_are_refused_in_a_sentence(name):
    learner, (x, y) = LEARNERS[name], task().support
    meta = learner.init(rng())
    for wrong in (Data(x[..., :1], y), Data(x, y[..., :2])):
        refused(lambda wrong=wrong: learner.along(meta, wrong), "x and y must be")
        refused(lambda wrong=wrong: learner.adapt(meta, wrong), "x and y must be")
    state = learner.adapt(meta, Data(x, y))
    refused(lambda: learner.predict(meta, state, x[..., :1]), "x and y must be")


def test_bayes_refuses_what_does_not_fit():
    learner, (x, y) = exact.learner(3, EYE, EYE), task().support
    refused(lambda: learner.along({}, Data(x, y[..., :2])), "y must have 3 columns")
    refused(lambda: learner.adapt({}, Data(x[..., :1], y)), "x must have 2 inputs")
    refused(lambda: exact.learner(1, EYE, EYE), "ways must be at least 2")
    refused(lambda: binding.learner(2, 3, slots=0), "slots must be at least 1")
    refused(lambda: mann.learner(2, 3, slots=0), "slots must be at least 1")
    refused(lambda: by_presentation(numpy.ones((2, 3)), numpy.eye(2)[None]), "values must have")


def test_the_family_knows_its_floor():
    family = theorems.exact.sample(rng(), 2, 1, 1, 3, EYE, EYE)
    assert evaluate(exact.learner(3, EYE, EYE, each=2), {}, family).shape == (2,)
