"""Episodes: every class and example has its turn equally often, and none is met twice."""

import importlib

import numpy
import pytest
from helpers import refused
from numpy.testing import assert_array_equal

from minimeta.conformance import conform
from minimeta.core.backend import current, use
from minimeta.core.losses import accuracy, cross_entropy
from minimeta.core.trees import leaves
from minimeta.embeddings import matching, prototypical
from minimeta.initializations import maml
from minimeta.meta import check_task, evaluate
from minimeta.nets import mlp
from minimeta.tasks import Data, Family, episodes
from minimeta.tasks.datasets import digits
from minimeta.tasks.episodes import draw_different, quarter_turns, select, split_classes
from minimeta.tasks.task import take

SEEDS = range(40)
LABELS = numpy.array([-7, 0, 3, 4, 100, 2**40])  # gaps, and one below zero
SIZES = [9, 7, 12, 8, 7, 10]  # examples of each class
MODULE = importlib.import_module("minimeta.tasks.episodes")  # the function has its name


def rng(seed=0):
    return numpy.random.default_rng(seed)


@pytest.fixture
def labelled():
    """Examples whose two inputs are their own number and their class, in shuffled order."""
    y = rng(1).permutation(numpy.repeat(LABELS, SIZES))
    return numpy.stack([numpy.arange(len(y)), y], axis=1).astype(float), y


@pytest.fixture
def restored():
    before = current()
    yield
    use(*before)


def both(task):
    """The inputs of support and query side by side: (M, N, D...)."""
    return numpy.concatenate([task.support.x, task.query.x], axis=1)


def are_different(task):
    """Whether no example is twice in an episode, be it as support or as query."""
    return all(len(set(row)) == len(row) for row in both(task)[..., 0])


@pytest.mark.parametrize("seed", SEEDS)
def test_no_example_is_met_twice_in_an_episode(labelled, seed):
    """Seven examples of each class are drawn, and two of the classes have no more than these."""
    assert are_different(episodes(rng(seed), *labelled, 30, 4, 5, 2))


def test_independent_draws_meet_an_example_twice(labelled, monkeypatch):
    """With them the theorem above is false, so it can fail."""
    independent = lambda rng, count, sizes: rng.integers(
        sizes[..., None], size=(*sizes.shape, count)
    )
    monkeypatch.setattr(MODULE, "draw_different", independent)
    assert not are_different(episodes(rng(), *labelled, 30, 4, 5, 2))


def test_classes_take_turns_and_each_has_its_own_column(labelled):
    """Row i of the targets is row i % ways of the identity, and the class is the same throughout.

    So every class has exactly its shots and its queries.
    """
    task = episodes(rng(), *labelled, 30, 4, 5, 2)
    check_task(task)
    of_column = task.support.x[:, :4, 1]  # (M, ways), the classes of the first examples
    assert all(len(set(row)) == 4 for row in of_column)
    for data, count in zip(task, (5, 2)):
        assert_array_equal(data.y, numpy.tile(numpy.eye(4), (30, count, 1)))
        assert_array_equal(data.x[..., 1], numpy.tile(of_column, count))


def test_the_first_examples_are_the_task_of_fewer_shots(labelled):
    """take(support, ways k) has k examples of every class."""
    task = episodes(rng(), *labelled, 30, 4, 5, 2)
    for shots in range(6):
        assert_array_equal(take(task.support, 4 * shots).y.sum(axis=1), numpy.full((30, 4), shots))


def test_an_example_comes_with_its_own_label(labelled):
    x, y = labelled
    drawn = both(episodes(rng(), x, y, 30, 4, 5, 2)).reshape(-1, 2)
    assert_array_equal(y[drawn[:, 0].astype(int)], drawn[:, 1])


def test_every_class_is_as_likely_in_every_column(labelled):
    """sum (count - 1000)^2 / 1000 over 6 classes and 4 columns of 6,000 episodes: 20 on average.

    No class has two columns of an episode, so this is 6/5 chi-square(15) + 2/5 chi-square(5), which
    is above 60 with a chance of 3e-5. Columns in the order of the labels are far above.
    """
    classes = episodes(rng(), *labelled, 6000, 4, 1, 1).support.x[:, :4, 1]
    assert chi_square(classes, LABELS) < 60.0
    assert chi_square(numpy.sort(classes, axis=1), LABELS) > 1000.0


def test_every_example_of_a_class_is_as_likely_in_every_place():
    """All of 7 numbers in 4,200 orders: (7/6) chi-square(36), above 100 with a chance of 6e-6."""
    places = draw_different(rng(), 7, numpy.full(4200, 7))
    assert_array_equal(numpy.sort(places, axis=1), numpy.tile(numpy.arange(7), (4200, 1)))
    assert chi_square(places, numpy.arange(7)) < 100.0


def test_so_it_is_when_rows_are_drawn_one_by_one():
    """The same of 4,200 calls for one row, which is shorter than the 7 numbers it is to hold."""
    generator = rng()
    places = numpy.concatenate(
        [draw_different(generator, 7, numpy.array([7])) for _ in range(4200)]
    )
    assert_array_equal(numpy.sort(places, axis=1), numpy.tile(numpy.arange(7), (4200, 1)))
    assert chi_square(places, numpy.arange(7)) < 100.0


def test_a_few_rows_have_numbers_up_to_their_own_sizes():
    drawn = draw_different(rng(), 5, numpy.array([[5, 9], [30, 6]]))
    assert drawn.shape == (2, 2, 5) and drawn.dtype.kind == "i"
    assert all(len(set(row)) == 5 for row in drawn.reshape(4, 5))
    assert (drawn.max(axis=-1) < [[5, 9], [30, 6]]).all() and drawn.max() > 9


def test_without_its_last_shuffle_a_draw_prefers_places():
    """The numbers that Floyd's method draws first are the smaller ones more often."""

    class Unshuffled:
        integers, permuted = rng().integers, staticmethod(lambda chosen, axis: chosen)

    assert chi_square(draw_different(Unshuffled, 7, numpy.full(4200, 7)), numpy.arange(7)) > 1000.0


def chi_square(rows, values):
    """sum (count - expected)^2 / expected over how often each value is in each column of rows."""
    counts = numpy.array([numpy.sum(rows == value, axis=0) for value in values])
    expected = len(rows) / len(values)
    return numpy.sum((counts - expected) ** 2 / expected)


def test_every_subset_is_as_likely():
    """Of 5 numbers, 2 in order: 20 pairs, each in 1/20 of 20,000 draws; 19 degrees of freedom."""
    pairs = draw_different(rng(), 2, numpy.full(20000, 5))
    counts = numpy.bincount(5 * pairs[:, 0] + pairs[:, 1], minlength=25).reshape(5, 5)
    assert_array_equal(numpy.diag(counts), 0)
    off = counts[~numpy.eye(5, dtype=bool)]
    assert numpy.sum((off - 1000.0) ** 2 / 1000.0) < 60.0  # a chance of 4e-6


def test_one_seed_one_batch(labelled):
    draw = lambda seed: leaves(episodes(rng(seed), *labelled, 3, 4, 2, 2))
    for a, b in zip(draw(0), draw(0)):
        assert_array_equal(a, b)
    assert numpy.any(draw(0)[0] != draw(1)[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_current_float_type_is_kept_whatever_the_images_have(labelled, restored, dtype):
    use(dtype=dtype)
    x, y = labelled
    for kind in ("float16", "float32", "float64"):
        task = episodes(rng(), (x % 100).astype(kind), y, 3, 4, 2, 2)
        assert {leaf.dtype.name for leaf in leaves(task)} == {dtype}


def test_small_unsigned_labels_are_labels_like_others(labelled):
    """The classes 0 .. 5 as bytes give the episodes that they give as 64-bit integers."""
    x, y = labelled
    ranks = numpy.searchsorted(LABELS, y)
    tasks = [episodes(rng(), x, ranks.astype(kind), 3, 4, 2, 2) for kind in ("uint8", "int64")]
    for a, b in zip(*map(leaves, tasks)):
        assert_array_equal(a, b)


# ---- Classes set apart ----


def test_sets_of_classes_share_none_and_have_the_sizes_asked_for(labelled):
    for seed in SEEDS:
        parts = split_classes(rng(seed), labelled[1], [3, 1, 2])
        assert [len(part) for part in parts] == [3, 1, 2]
        assert_array_equal(numpy.sort(numpy.concatenate(parts)), LABELS)


def test_a_split_by_groups_keeps_each_group_whole(labelled):
    """Three alphabets of 1, 2 and 3 letters: whichever is held out, its letters are."""
    y = labelled[1]
    alphabet = dict(zip(LABELS, ["Thai", "Greek", "Greek", "Cree", "Cree", "Cree"]))
    groups = numpy.array([alphabet[label] for label in y])
    for seed in SEEDS:
        parts = split_classes(rng(seed), y, [2, 1], groups)
        train, test = ({alphabet[label] for label in part} for part in parts)
        assert (len(train), len(test)) == (2, 1) and not train & test
        assert_array_equal(numpy.sort(numpy.concatenate(parts)), LABELS)
    held = {split_classes(rng(seed), y, [2, 1], groups)[1].tobytes() for seed in SEEDS}
    assert len(held) == 3


def test_episodes_of_one_set_share_no_class_with_another(labelled):
    train, test = split_classes(rng(), labelled[1], [3, 2])
    task = episodes(rng(), *select(*labelled, test), 50, 2, 3, 3)
    assert set(both(task)[..., 1].ravel()) == set(test) and not set(train) & set(test)


# ---- Quarter turns ----


def test_quarter_turns_are_four_classes_of_each():
    """Pixel (i, j) of an image turned once counter-clockwise is pixel (j, side - 1 - i) before."""
    images, labels = rng().random((5, 3, 3)), numpy.array([-2, 4, 4, 9, 0])
    x, y = quarter_turns(images, labels)
    assert_array_equal(y.reshape(4, 5) // 4, numpy.tile(labels, (4, 1)))
    assert_array_equal(y.reshape(4, 5) % 4, numpy.arange(4)[:, None] + numpy.zeros((1, 5), int))
    for k, turned in enumerate(x.reshape(4, 5, 3, 3)):
        for i, j in numpy.ndindex(3, 3):
            row, column = i, j
            for _ in range(k):
                row, column = column, 2 - row
            assert_array_equal(turned[:, i, j], images[:, row, column])


def test_a_channel_turns_with_its_image():
    images = rng().random((5, 4, 4, 2))
    x, _ = quarter_turns(images, numpy.arange(5))
    for channel in range(2):
        alone, _ = quarter_turns(images[..., channel], numpy.arange(5))
        assert_array_equal(x[..., channel], alone)


# ---- Learners on episodes ----


def test_maml_of_a_linear_classifier_passes_conformance(labelled):
    """On classes that are two-dimensional clouds."""
    y = labelled[1]
    centres = dict(zip(LABELS, rng(2).normal(size=(6, 2))))
    x = numpy.array([centres[label] for label in y]) + 0.3 * rng(3).normal(size=(len(y), 2))
    sample = lambda rng, tasks, shots, queries: episodes(rng, x, y, tasks, 3, shots, queries)
    learner = maml.learner(mlp([2, 3]), cross_entropy, step_size=0.5, steps=2)
    answers = conform(learner, Family(sample, None), shots=3, queries=4)
    assert all(answer.holds for answer in answers), [str(answer) for answer in answers]
    assert any(answer.question.startswith("The meta-gradient") for answer in answers)


def test_before_adaptation_a_classifier_guesses():
    """Columns are drawn afresh, so whatever is fixed is right on 1 in 5; four standard errors."""
    images, labels = digits()
    task = episodes(rng(), images.reshape(len(images), -1), labels, 500, 5, 1, 3)
    net = mlp([64, 5])
    right = lambda steps: evaluate(
        maml.learner(net, cross_entropy, step_size=0.5, steps=steps),
        net.init(rng(1)),
        task,
        accuracy,
    )
    before, after = right(0), right(5)  # (M,)
    assert abs(before.mean() - 0.2) < 4 * before.std() / 500**0.5
    assert after.mean() > 0.5


# ---- What is refused ----


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"tasks": 0}, "tasks must be at least 1; it is 0"),
        ({"ways": 1}, "ways must be at least 2; it is 1"),
        ({"ways": 7}, "ways is 7, but y has only 6 classes"),
        ({"ways": 3.0}, "ways must be an integer; it is 3.0"),
        ({"shots": 0}, "shots must be at least 1; it is 0"),
        ({"queries": 0}, "queries must be at least 1; it is 0"),
        ({"shots": 6}, "shots . queries is 8, but class 0 has only 7 examples"),
        ({"rng": numpy.random}, "rng must be a numpy.random.Generator"),
    ],
)
def test_bad_sizes_get_one_sentence(labelled, change, sentence):
    x, y = labelled
    sizes = {"rng": rng(), "x": x, "y": y, "tasks": 3, "ways": 4, "shots": 2, "queries": 2}
    with pytest.raises((TypeError, ValueError), match=sentence):
        episodes(**{**sizes, **change})


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (lambda x, y: (x, y[:-1]), "x and y must have one length; they have 53 and 52"),
        (lambda x, y: (x, y.astype(float)), "y must be an array of integer labels; .* float64"),
        (lambda x, y: (x, y > 3), "y must be an array of integer labels; .* bool"),
        (lambda x, y: (x, list(y)), "y must be a NumPy array of labels; it is a list"),
        (lambda x, y: (x, y[:, None]), r"y must have shape \(N,\) .* its shape is \(53, 1\)"),
        (lambda x, y: (x[:0], y[:0]), r"y must have shape \(N,\) with N at least 1"),
        (lambda x, y: (x.astype("uint8"), y), "x must be an array of floats; .* uint8"),
        (lambda x, y: (x[:, 0], y), r"x must have shape \(..., N, D\); its shape is \(53,\)"),
        (lambda x, y: (x * numpy.nan, y), "x must be finite"),
        (lambda x, y: (x * numpy.inf, y), "x must be finite"),
    ],
)
def test_bad_data_get_one_sentence(labelled, spoil, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        with numpy.errstate(invalid="ignore"):
            episodes(rng(), *spoil(*labelled), 3, 4, 2, 2)


def test_large_numbers_are_no_reason_to_refuse(labelled, restored):
    """Their sum overflows float32, though each of them is finite."""
    use(dtype="float32")
    x, y = labelled
    assert numpy.all(episodes(rng(), numpy.full_like(x, 3e38), y, 3, 4, 2, 2).query.x > 2e38)


@pytest.mark.parametrize(
    "counts, groups, sentence",
    [
        ([4, 3], None, "counts sums to 7, but there are only 6 to split"),
        ([4, 0], None, r"counts\[1\] must be at least 1; it is 0"),
        (4, None, "counts must be a list of how many go into each set; it is 4"),
        ([], None, "counts must be a list"),
        ([1], numpy.arange(53), "Each class must lie in one group; class .* lies in several"),
        ([1], numpy.arange(5), "y and groups must have the same shape"),
    ],
)
def test_bad_splits_get_one_sentence(labelled, counts, groups, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        split_classes(rng(), labelled[1], counts, groups)


def test_unknown_classes_and_other_images_get_one_sentence(labelled):
    with pytest.raises(ValueError, match="classes must be labels in y; 5 is none of them"):
        select(*labelled, [3, 5])
    with pytest.raises(ValueError, match=r"square images .* its shape is \(2, 3, 4\)"):
        quarter_turns(numpy.zeros((2, 3, 4)), numpy.arange(2))
    with pytest.raises(ValueError, match=r"y must lie within 2\*\*60 of 0"):
        quarter_turns(numpy.zeros((1, 2, 2)), numpy.array([2**62]))


# ---- Two hundred malformed episodes ----

IMAGES = rng(5).random((60, 4, 4)).astype("float32")
LETTERS = numpy.repeat(numpy.arange(-3, 9), 5)  # twelve classes of five images
DRAW = {"rng": rng(), "x": IMAGES, "y": LETTERS, "tasks": 2, "ways": 4, "shots": 2, "queries": 1}
SPOILT_DRAWS = {  # a change of the arguments by chance, and what the sentence must say
    "too few classes": (lambda r: {"ways": r.integers(13, 99).item()}, "ways is .* 12 classes"),
    "shots": (lambda r: {"shots": r.integers(5, 99).item()}, "shots . queries is .* has only 5"),
    "queries": (lambda r: {"queries": r.integers(4, 99).item()}, "shots . queries is .* only 5"),
    "no shots": (lambda r: {"shots": -r.integers(99).item()}, "shots must be at least 1; it is"),
    "no tasks": (lambda r: {"tasks": -r.integers(99).item()}, "tasks must be at least 1; it is"),
    "broken ways": (lambda r: {"ways": 2.0 + r.random()}, "ways must be an integer; it is 2"),
    "ints": (lambda r: {"x": r.integers(256, size=(60, 4, 4))}, "x must be an array of floats"),
    "bytes": (lambda r: {"x": r.bytes(60)}, "x must be"),
    "NaN": (
        lambda r: {"x": IMAGES * numpy.where(r.random(60) < 0.9, numpy.nan, 1.0)[:, None, None]},
        "x must be finite",
    ),
    "infinite": (lambda r: {"x": IMAGES + numpy.inf}, "x must be finite"),
    "images of many sizes": (
        lambda r: {"x": [IMAGES[0], IMAGES[1, : r.integers(1, 4)]]},
        "x must be",
    ),
    "numbers": (lambda r: {"x": IMAGES[:, 0, r.integers(4)]}, r"x must have shape .* is \(60,\)"),
    "fewer labels": (lambda r: {"y": LETTERS[: r.integers(1, 60)]}, "x and y must have one length"),
    "real labels": (lambda r: {"y": LETTERS + r.random(60)}, "y must be an array of integer lab"),
    "labels in words": (lambda r: {"y": LETTERS.astype(str)}, "y must be an array of integer lab"),
    "rows of labels": (lambda r: {"y": numpy.eye(60, dtype=int)}, r"y must have shape \(N,\)"),
    "a seed": (lambda r: {"rng": r.integers(99).item()}, "rng must be a numpy.random.Generator"),
}


@pytest.mark.parametrize("case", range(7 * len(SPOILT_DRAWS)))
def test_malformed_episodes_are_not_drawn_and_get_one_sentence(case):
    spoil, sentence = [*SPOILT_DRAWS.values()][case % len(SPOILT_DRAWS)]
    refused(lambda: episodes(**{**DRAW, **spoil(rng(case))}), sentence)


def without(data, column):
    """The data without the examples of this column, whose class then is a gap among the labels."""
    rows = numpy.flatnonzero(data.y[0, :, column] == 0.0)
    return Data(data.x[:, rows], data.y[:, rows])


def scaled_by(data, factor):
    return Data(data.x * factor, data.y)


EPISODE = episodes(**{**DRAW, "rng": rng(6)})  # float64
SUPPORT, QUERY = EPISODE
SPOILT_TASKS = {
    "a gap": (lambda r: {"support": without(SUPPORT, r.integers(4))}, "needs an example of every"),
    "sizes": (lambda r: {"query": Data(QUERY.x[:, :, : r.integers(1, 4)], QUERY.y)}, "A query has"),
    "ints": (
        lambda r: {"support": Data(r.integers(9, size=(2, 8, 4, 4)), SUPPORT.y)},
        "support.x must be an array of floats",
    ),
    "NaN": (lambda r: {"support": scaled_by(SUPPORT, numpy.nan)}, "support.x must be finite"),
    "infinite": (lambda r: {"query": scaled_by(QUERY, numpy.inf)}, "query.x must be finite"),
    "labels": (lambda r: {"support": Data(SUPPORT.x, SUPPORT.y.argmax(-1))}, "support.y must be"),
    "soft": (lambda r: {"support": Data(SUPPORT.x, SUPPORT.y * r.random())}, "support.y must be"),
    "fewer rows": (
        lambda r: {"support": Data(SUPPORT.x, SUPPORT.y[:, : r.integers(8)])},
        "support.x and support.y must agree",
    ),
    "tasks": (
        lambda r: {"query": Data(QUERY.x[:1], QUERY.y[:1])},
        "support has 2 tasks, but query",
    ),
    "no query": (lambda r: {"query": Data(QUERY.x[:, :0], QUERY.y[:, :0])}, "query needs examples"),
}


@pytest.mark.parametrize("case", range(9 * len(SPOILT_TASKS)))
def test_malformed_episodes_are_not_answered_and_get_one_sentence(case):
    """By the baselines, which are matching and prototypical networks without a network."""
    spoil, sentence = [*SPOILT_TASKS.values()][case % len(SPOILT_TASKS)]
    learner = [matching.nearest_neighbour(), prototypical.learner(prototypical.pixels)][case % 2]
    task = EPISODE._replace(**spoil(rng(case)))
    with numpy.errstate(invalid="ignore"):
        refused(
            lambda: evaluate(learner, {}, task),
            sentence,
            (TypeError, ValueError, FloatingPointError),
        )
