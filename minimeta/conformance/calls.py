"""Questions about calls: what comes back, what a call leaves behind, and how it is computed."""

import random
import sys
from contextlib import contextmanager

import numpy

from minimeta.conformance.answers import (
    Finding,
    answers_of,
    apart,
    copy,
    is_tree_of_arrays,
    losses_of,
    one,
)
from minimeta.core.backend import np, to_host
from minimeta.core.trees import check_trainable, leaves, tree_map
from minimeta.meta import along
from minimeta.tasks import Task

SMALL, SMALLER = 1e-6, 1e-8  # two relative changes, both far above the rounding of float64 ...
PROPORTIONAL = 0.05  # ... under which answers move in proportion, while float32 sees no 1e-8
JUMP = 1e-4  # relative: an answer that moves further has crossed a boundary, as of two neighbours
LEAST = 1e-4  # relative: a slower change than this is compared with the answers
PARTS = 2**10  # shares of up to so many examples are exact in any float type
SINGLE = "float32 inside"
SHAPE = "answers of the wrong shape"
OF_SUPPORT = "an answer for each support example in place of each query"
CALLS = 16  # by which random numbers are told from hidden state
RANDOM, HIDDEN = "random numbers of its own", "hidden state between calls"


def answers_fit(learner, meta, task, other):
    """There is an answer for each label and a loss for each task."""
    check_trainable("meta", meta)
    answer, wanted = answers_of(learner, meta, task), np.shape(task.query.y)[:2]
    if answer.shape[:2] != wanted:
        of_support = answer.shape[:2] == np.shape(task.support.y)[:2]
        return Finding(1, 0, OF_SUPPORT if of_support else SHAPE)
    losses = losses_of(learner, meta, task)
    if losses.shape != wanted[:1]:
        return Finding(1, 0, "a loss that is not one number for each task")
    finite = numpy.all(numpy.isfinite(losses)) and not numpy.any(numpy.isnan(answer))
    return Finding(0 if finite else 1, 0, "answers or losses that are not finite")


def nothing_is_changed(learner, meta, task, other):
    """Nothing that the learner is given is changed."""
    given = dict(meta=copy(meta), support=copy(task.support), query=copy(task.query))
    kept = copy(given)
    state = learner.adapt(given["meta"], given["support"])
    if is_tree_of_arrays(state):
        given["state"], kept["state"] = state, copy(state)
    answers = learner.predict(given["meta"], state, given["query"].x)
    learner.loss(answers, given["query"].y)
    if learner.observe:
        given["first state"] = learner.start(given["meta"], given["support"].x)
        kept["first state"] = copy(given["first state"])
        x, y = given["support"].x[:, 0], given["support"].y[:, 0]
        learner.observe(given["meta"], given["first state"], x, y)
    changed = [name for name in given if not same_bits(given[name], kept[name])]
    return Finding(len(changed), 0, f"{' and '.join(changed)} changed in place")


def meta_is_used(learner, meta, task, other):
    """The answers depend on the meta-parameters."""
    before, rng = answers_of(learner, meta, task), numpy.random.default_rng(5)
    ways = tree_map(lambda leaf: rng.normal(size=np.shape(leaf)), meta)
    for size in (0.1, 1.0, 10.0):
        moved = tree_map(lambda leaf, way, size=size: leaf + size * way, meta, ways)
        if not numpy.array_equal(answers_of(learner, moved, task), before):
            return Finding(0)
    return Finding(1, 0, "the meta-parameters that it is given are not used")


def one_seed_one_answer(learner, meta, task, other):
    """One seed and one call give one answer."""
    inits = [learner.init(numpy.random.default_rng(1)) for _ in range(2)]
    if not same_bits(*inits):
        return Finding(1, 0, lambda: f"{name_unsteady(learner, meta, task)}, in init")
    calls = [everything(learner, meta, task) for _ in range(3)]
    wrong = any(not numpy.array_equal(calls[0], call) for call in calls)
    wrong = wrong or is_unsteady(learner, meta, task)
    return Finding(float(wrong), 0, lambda: name_unsteady(learner, meta, task))


def nothing_is_remembered(learner, meta, task, other):
    """What the learner has seen in other calls changes no answer."""
    before = everything(learner, meta, task)
    for seen in (other, one(other, 0)):
        everything(learner, meta, seen)
    gap, unsteady = apart(everything(learner, meta, task), before), is_unsteady(learner, meta, task)
    return Finding(gap, 0, lambda: name_unsteady(learner, meta, task) if unsteady else HIDDEN)


def all_digits_are_computed(learner, meta, task, other):
    """A change in the eighth digit of the inputs changes the answers in proportion."""
    before, losses = answers_of(learner, meta, task), losses_of(learner, meta, task)
    if is_single(before) or is_single(losses):
        return Finding(numpy.inf, PROPORTIONAL, SINGLE)
    far, near = (move(learner, meta, task, directions(meta, task), s) for s in (SMALL, SMALLER))
    largest = numpy.max(abs(before[numpy.isfinite(before)]), initial=1.0)
    with numpy.errstate(invalid="ignore"):  # logits of minus infinity
        smooth = abs(near - before) <= JUMP * largest  # the others have crossed a boundary
    coarse, fine = (far - before)[smooth] / SMALL, (near - before)[smooth] / SMALLER
    scale = max(numpy.max(abs(coarse), initial=0.0), LEAST * largest)
    return Finding(numpy.max(abs(fine - coarse), initial=0.0) / scale, PROPORTIONAL, SINGLE)


def is_single(values):
    """Whether the values are many different ones, and float32 holds all of them exactly.

    Votes and shares of a few examples are no sign: they are few, or multiples of a large fraction.
    """
    finite = values[numpy.isfinite(values)].astype(float)
    few = len(numpy.unique(finite)) <= max(2, finite.size / 2)
    shares = numpy.array_equal(numpy.round(finite * PARTS), finite * PARTS)
    with numpy.errstate(over="ignore"):
        return not few and not shares and numpy.array_equal(finite.astype("float32"), finite)


def directions(meta, task):
    """Random numbers between -1 and 1 for each of meta and for each input of the task."""
    rng = numpy.random.default_rng(4)
    return tree_map(lambda leaf: rng.uniform(-1.0, 1.0, np.shape(leaf)), (meta, *inputs(task)))


def inputs(task):
    """The inputs of support and query."""
    return task.support.x, task.query.x


def move(learner, meta, task, ways, size):
    """The answers if meta and inputs are moved by `size` times their own length along the ways."""
    stretch = lambda leaf, way: leaf * (1.0 + size * way)
    moved, *x = tree_map(stretch, (meta, *inputs(task)), ways)
    return answers_of(learner, moved, Task(*(data._replace(x=x) for data, x in zip(task, x))))


def same_bits(tree, other):
    """Whether two trees of arrays are equal, NaNs included."""
    pairs = list(zip(leaves(to_host(tree)), leaves(to_host(other))))
    alike = len(leaves(tree)) == len(leaves(other))
    return alike and all(numpy.array_equal(a, b, equal_nan=True) for a, b in pairs)


# ---- Which mistake it is ----


def is_unsteady(learner, meta, task):
    """Whether two equal calls in a row differ, or two predictions from one state."""
    calls = [answers_of(learner, meta, task) for _ in range(2)]
    meta, task = copy((meta, task))
    state = learner.adapt(meta, task.support)
    calls += [to_host(learner.predict(meta, state, task.query.x)) for _ in range(2)]
    return any(not numpy.array_equal(calls[0], call, equal_nan=True) for call in calls)


def name_unsteady(learner, meta, task):
    """Whether it is by random numbers or by what calls have left that equal calls differ.

    It is by random numbers if calls agree once all generators start alike, while most differ now;
    or if neighbouring calls are as far apart as any two: what is left behind seldom does that.
    """
    settled = []
    for _ in range(2):
        with seeded():
            settled.append(everything(learner, meta, task))
    many = numpy.array([everything(learner, meta, task) for _ in range(CALLS)])
    steps, spread = numpy.diff(many, axis=0), many - many.mean(axis=0)
    ratio = numpy.sum(steps**2) / max(2.0 * numpy.sum(spread**2), numpy.finfo(float).tiny)
    settles = numpy.array_equal(*settled) and len(numpy.unique(many, axis=0)) > CALLS / 2
    return RANDOM if settles or 0.5 < ratio < 1.5 else HIDDEN


def everything(learner, meta, task):
    """Init, answers, losses and the answers along a sequence, in one row of numbers."""
    said = [*leaves(learner.init(numpy.random.default_rng(1)))]
    said += [answers_of(learner, meta, task), losses_of(learner, meta, task)]
    if learner.observe:
        said.append(along(learner, meta, copy(task.support)))
    return numpy.nan_to_num(numpy.concatenate([numpy.ravel(part) for part in to_host(said)]))


@contextmanager
def seeded():
    """Within it, all generators that nobody has seeded start in the same way."""
    fresh, torch = numpy.random.default_rng, sys.modules.get("torch")
    legacy, python = numpy.random.get_state(), random.getstate()  # noqa: NPY002
    of_torch = torch and torch.get_rng_state()
    numpy.random.seed(0)  # noqa: NPY002  (so that a learner that uses the global state is found)
    random.seed(0)
    if torch:
        torch.manual_seed(0)
    numpy.random.default_rng = lambda seed=None: fresh(0 if seed is None else seed)
    try:
        yield
    finally:
        numpy.random.default_rng = fresh
        numpy.random.set_state(legacy)  # noqa: NPY002
        random.setstate(python)
        if torch:
            torch.set_rng_state(of_torch)
