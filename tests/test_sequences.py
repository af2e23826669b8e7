"""Sequences of tasks: the same images in other orders and angles, other classes, other inputs."""

import numpy
import pytest
from helpers import close, is_single, refused, rng, single_precision
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.meta import check_task
from minimeta.tasks import sequences
from minimeta.tasks.datasets import digits

FAMILIES = {
    "permuted_images": sequences.permuted_images,
    "rotated_images": sequences.rotated_images,
    "split_classes": sequences.split_classes,
    "linear": lambda *sizes: sequences.linear(*sizes, dimension=3),
}
every = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


@every
def test_shots_are_to_learn_from_and_queries_to_be_judged_on(family):
    task = family(rng(), 5, 20, 10)
    check_task(task)
    assert task.support.x.shape[:2] == task.support.y.shape[:2] == (5, 20)
    assert task.query.x.shape[:2] == task.query.y.shape[:2] == (5, 10)


@every
def test_one_seed_one_sequence(family):
    close(family(rng(), 5, 6, 4), family(rng(), 5, 6, 4))
    assert numpy.any(family(rng(1), 5, 6, 4).support.x != family(rng(), 5, 6, 4).support.x)


@every
def test_the_current_float_type_is_kept(family):
    with single_precision():
        assert is_single(family(rng(), 5, 6, 4).support.x)


def test_no_picture_is_both_learned_from_and_judged_on():
    """All 1,797 digits are drawn, each once, so their sum is that of the data set."""
    task = sequences.permuted_images(rng(), 2, 1437, 360)
    both = numpy.concatenate([task.support.x[0], task.query.x[0]])
    assert_array_equal(both.sum(axis=0), digits()[0].reshape(1797, 64).sum(axis=0))
    different = lambda x: len(numpy.unique(x, axis=0))
    assert different(both) == different(digits()[0].reshape(1797, 64))


def test_permuted_pictures_differ_in_the_order_of_their_pixels_alone():
    task = sequences.permuted_images(rng(), 4, 30, 5)
    ordered = numpy.sort(task.support.x, axis=-1)
    for t in range(1, 4):
        assert_array_equal(ordered[t], ordered[0])
        assert_array_equal(task.support.y[t], task.support.y[0])
        assert numpy.any(task.support.x[t] != task.support.x[t - 1])


def test_one_order_serves_support_and_query():
    """With one picture that shows its pixel numbers, the order can be read off."""
    numbers = numpy.arange(16.0).reshape(1, 4, 4, 1).repeat(9, axis=0)
    task = sequences.permuted_images(rng(), 3, 5, 4, (numbers, numpy.zeros(9, dtype=int)))
    assert_array_equal(task.support.x[0, 0], numpy.arange(16.0))
    for t in range(3):
        assert (task.support.x[t] == task.support.x[t, 0]).all()
        assert (task.query.x[t] == task.support.x[t, 0]).all()


def test_quarter_turns_are_exact():
    images = digits()[0][:7]
    assert_allclose(sequences.turn(images, 0.0), images, atol=1e-12)
    for quarters in (1, 2, 3):
        exact = numpy.rot90(images, quarters, axes=(1, 2))
        assert_allclose(sequences.turn(images, quarters * numpy.pi / 2), exact, atol=1e-12)


def test_an_oblong_picture_turns_by_half_exactly():
    images = rng().random((2, 4, 6, 1))
    assert_allclose(sequences.turn(images, numpy.pi), images[:, ::-1, ::-1], atol=1e-12)


def test_turning_interpolates_a_plane_exactly():
    """Bilinear interpolation of a linear picture is that picture in turned coordinates."""
    down, right = numpy.mgrid[:9, :9] - 4.0
    turned = sequences.turn((2 * down - right)[None, ..., None], 0.3)[0, ..., 0]
    exact = 2 * (down * numpy.cos(0.3) + right * numpy.sin(0.3))
    exact -= right * numpy.cos(0.3) - down * numpy.sin(0.3)
    assert_allclose(turned[2:7, 2:7], exact[2:7, 2:7], atol=1e-12)


def test_rotated_pictures_start_upright_and_stay_the_same_pictures():
    task = sequences.rotated_images(rng(), 2, 12, 3, largest=2 * numpy.pi)
    upright, over = (x.reshape(12, 8, 8) for x in task.support.x)
    assert_allclose(over, upright[:, ::-1, ::-1], atol=1e-12)
    assert_array_equal(task.support.y[0], task.support.y[1])


def test_each_task_of_a_split_has_its_classes():
    task = sequences.split_classes(rng(), 5, 40, 10)
    for t in range(5):
        assert set(task.support.y[t]) == set(task.query.y[t]) == {2 * t, 2 * t + 1}


@pytest.mark.parametrize("noise_variance", [0.0, 0.25])
def test_one_map_underlies_all_linear_tasks(noise_variance):
    data = sequences.linear(rng(), 4, 500, 1, 3, noise_variance).support
    fits = [numpy.linalg.lstsq(x, y)[0] for x, y in zip(*data)]
    pooled, *_ = numpy.linalg.lstsq(data.x.reshape(-1, 3), data.y.reshape(-1, 1))
    residuals = data.y - data.x @ pooled
    assert abs(residuals.var() - noise_variance) <= 5 * noise_variance * (2 / 2000) ** 0.5 + 1e-20
    for x, fit in zip(data.x, fits):
        error = numpy.diag(numpy.linalg.inv(x.T @ x))[:, None] * noise_variance
        assert (abs(fit - pooled) <= 5 * error**0.5 + 1e-12).all()


def test_linear_tasks_look_along_other_directions():
    def moments(spread):
        x = sequences.linear(rng(), 3, 2000, 1, 2, spread=spread).support.x
        return numpy.swapaxes(x, 1, 2) @ x / 2000

    assert_allclose(moments((0.5, 0.5)), 3 * [0.25 * numpy.eye(2)], atol=0.04)
    narrow = moments((0.0, 2.0))
    assert abs(narrow[0] - narrow[1]).max() > 0.2


def test_halving_takes_the_mean_of_four():
    images = numpy.arange(16.0).reshape(1, 4, 4, 1)
    assert_array_equal(sequences.halve(images)[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])


def source(count=4, side=4, classes=2):
    return numpy.zeros((count, side, side, 1)), numpy.arange(count) % classes


permuted, rotated = sequences.permuted_images, sequences.rotated_images


@pytest.mark.parametrize(
    "mistake, sentence",
    [
        (
            lambda: permuted(rng(), 2, 1700, 100),
            "shots . queries is 1800, but .* 1797",
        ),
        (lambda: permuted(rng(), 0, 5, 5), "tasks must be at least 1"),
        (
            lambda: rotated(rng(), 2, 5, 5, largest=numpy.inf),
            "largest must be finite",
        ),
        (lambda: sequences.split_classes(rng(), 3, 5, 5), "tasks must divide the 10 classes"),
        (lambda: sequences.split_classes(rng(), 2, 3, 1, source()), "is 4, but there are 2"),
        (
            lambda: permuted(rng(), 2, 1, 1, (source()[0][..., 0], source()[1])),
            "N, H, W, C",
        ),
        (
            lambda: permuted(rng(), 2, 1, 1, (source()[0], [0])),
            "4 images and 1 labels",
        ),
        (lambda: permuted(0, 2, 1, 1), "rng must be a numpy.random.Generator"),
        (lambda: sequences.linear(rng(), 2, 5, 5, 0), "dimension must be at least 1"),
        (lambda: sequences.linear(rng(), 2, 5, 5, 3, -1.0), "noise_variance must be at least 0"),
        (lambda: sequences.linear(rng(), 2, 5, 5, 3, spread=(2.0, 1.0)), "low <= high"),
        (lambda: sequences.halve(numpy.zeros((1, 3, 4, 1))), "even height and width"),
    ],
)
def test_mistakes_are_named(mistake, sentence):
    refused(mistake, sentence)
