"""Task families: their moments are the ones asked for, and shots count support examples only."""

import math

import numpy
import pytest
from helpers import close, is_single, refused, rng, single_precision
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.losses import mse
from minimeta.exact import quadratics as exact
from minimeta.meta import check_task
from minimeta.tasks import fourier, quadratics, regression
from minimeta.theorems.tools import standard_error

FAMILIES = {
    "linear": lambda rng, *sizes: regression.linear(rng, *sizes, numpy.eye(3)),
    "sines": regression.sines,
    "fourier": lambda rng, *sizes: fourier.fourier(rng, *sizes, numpy.array([1.0, 0.5])),
}
every = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def near(sample, mean):
    """Whether the mean of independent draws is within four standard errors of `mean`."""
    return abs(sample.mean(axis=0) - mean) <= 4 * standard_error(sample)


def is_normal(sample, variance):
    """Whether independent draws have the variance and the fourth moment of N(0, variance)."""
    z, count = sample.ravel() / variance**0.5, sample.size
    square = abs(numpy.mean(z**2) - 1.0) <= 4 * (2 / count) ** 0.5  # z^2 has variance 2
    fourth = abs(numpy.mean(z**4) - 3.0) <= 4 * (96 / count) ** 0.5  # z^4 has variance 96
    return square and fourth and near(z, 0.0)


@every
def test_shots_count_support_examples_and_nothing_else(family):
    for shots in (0, 1, 7):
        task = family(rng(), 4, shots, 5)
        check_task(task)
        assert task.support.x.shape[:2] == task.support.y.shape[:2] == (4, shots)
        assert task.query.x.shape[:2] == task.query.y.shape[:2] == (4, 5)


@every
def test_one_seed_one_batch(family):
    close(family(rng(), 3, 2, 2), family(rng(), 3, 2, 2))


@every
def test_the_current_float_type_is_kept(family):
    with single_precision():
        assert is_single(family(rng(), 3, 2, 2))


@every
@pytest.mark.parametrize(
    "sizes, sentence",
    [
        ((0, 1, 1), "tasks must be at least 1; it is 0"),
        ((2, -1, 1), "shots must be at least 0; it is -1"),
        ((2, 1, 0), "queries must be at least 1; it is 0"),
        ((2, 1.0, 1), "shots must be an integer; it is 1.0"),
        ((2, 1, True), "queries must be an integer; it is True"),
    ],
)
def test_bad_sizes_get_one_clear_sentence(family, sizes, sentence):
    refused(lambda: family(rng(), *sizes), sentence)


@every
def test_a_generator_is_needed(family):
    sentence = "rng must be a numpy.random.Generator"
    refused(lambda: family(0, 2, 1, 1), sentence, TypeError)


def test_weights_have_the_mean_and_covariance_asked_for():
    covariance = regression.random_covariance(rng(), numpy.array([2.0, 0.5, 0.0]))
    mean = rng(1).normal(size=(3, 2))
    weights = regression.draw_weights(rng(2), 20_000, covariance, mean, outputs=2)
    assert near(weights, mean).all()
    away = weights - mean
    assert near(away[..., 0, None] * away[..., None, :, 0], covariance).all()
    assert near(away[..., 0] * away[..., 1], 0.0).all(), "outputs are independent"


def test_one_task_keeps_its_map_from_support_to_query():
    task = regression.linear(rng(), 50, 3, 4, numpy.eye(2), noise_variance=0.0, outputs=2)
    fit = numpy.linalg.pinv(task.support.x) @ task.support.y
    assert_allclose(task.query.x @ fit, task.query.y, atol=1e-9)


def test_a_direction_without_variance_is_never_drawn():
    flat = numpy.array([1.0, 1.0]) / 2**0.5
    covariance = numpy.eye(2) - numpy.outer(flat, flat)
    weights = regression.draw_weights(rng(), 100, covariance)
    assert_allclose(weights[..., 0] @ flat, 0.0, atol=1e-7)  # the root of the rounding error


def test_linear_examples_are_the_map_plus_noise():
    weights = regression.draw_weights(rng(), 500, numpy.eye(2))
    task = regression.from_weights(rng(1), weights, 3, 50, noise_variance=0.25)
    assert is_normal(task.query.y - task.query.x @ weights, 0.25)
    assert is_normal(task.query.x, 1.0)
    exactly = regression.from_weights(rng(1), weights, 3, 50, noise_variance=0.0)
    assert_allclose(exactly.support.y, exactly.support.x @ weights, rtol=1e-14)


def test_a_random_covariance_has_the_spectrum_asked_for():
    spectrum = numpy.array([3.0, 1.0, 0.01])
    assert_allclose(
        numpy.linalg.eigvalsh(regression.random_covariance(rng(), spectrum))[::-1], spectrum
    )


def test_sines_have_a_minus_sign_and_stay_in_their_ranges():
    amplitudes, phases = regression.draw_sines(rng(), 300, (1.0, 2.0), (0.5, 0.6))
    assert 1.0 <= amplitudes.min() and amplitudes.max() <= 2.0
    assert 0.5 <= phases.min() and phases.max() <= 0.6
    task = regression.from_sines(rng(1), amplitudes, phases, 2, 3, x_range=(-1.0, 4.0))
    x, y = task.query
    assert -1.0 <= x.min() and x.max() <= 4.0
    A, phi = amplitudes[:, None, None], phases[:, None, None]
    plain = A * (numpy.sin(x) * numpy.cos(phi) - numpy.cos(x) * numpy.sin(phi))
    assert_allclose(y, plain, atol=1e-14)


def test_drawing_in_two_steps_is_drawing_at_once():
    generator = rng()
    weights = regression.draw_weights(generator, 4, numpy.eye(2))
    steps = regression.from_weights(generator, weights, 2, 3)
    at_once = regression.linear(rng(), 4, 2, 3, numpy.eye(2), noise_variance=0.01)
    generator = rng()
    waves = regression.draw_sines(generator, 4)
    pairs = [(steps, at_once), (at_once, regression.linear(rng(), 4, 2, 3, numpy.eye(2)))]
    pairs += [(regression.from_sines(generator, *waves, 2, 3), regression.sines(rng(), 4, 2, 3))]
    for a, b in pairs:
        close(a, b)


def test_fourier_features_have_mean_square_one_and_do_not_mix():
    x = numpy.linspace(0.0, 2 * math.pi, 40, endpoint=False)[:, None]
    phi = fourier.features(x, 5)  # (40, 10)
    assert_allclose(phi.T @ phi / 40, numpy.eye(10), atol=1e-14)
    assert_allclose(phi[:, 2:4], 2**0.5 * numpy.hstack([numpy.cos(2 * x), numpy.sin(2 * x)]))


def test_fourier_waves_have_the_spectrum_asked_for_and_nothing_in_its_gaps():
    amplitudes = numpy.array([1.0, 0.0, 0.3])
    task = fourier.fourier(rng(), 4000, 0, 16, amplitudes)
    fit = numpy.linalg.pinv(fourier.features(task.query.x, 3)) @ task.query.y  # (M, 6, 1)
    weights = fit[..., 0].reshape(-1, 3, 2)
    assert near(weights[:, [0, 2]] ** 2, numpy.array([[1.0], [0.09]])).all()
    assert abs(weights[:, 1]).max() < 1e-9


def test_fourier_noise_and_inputs():
    generator, weights = rng(), numpy.zeros((300, 4, 1))
    task = fourier.from_weights(generator, weights, 0, 40, noise_variance=0.25)
    assert is_normal(task.query.y, 0.25)
    assert 0.0 <= task.query.x.min() and 6.2 < task.query.x.max() < 2 * math.pi
    assert abs(fourier.from_weights(generator, weights, 0, 40).query.y).max() == 0.0


def test_quadratics_have_the_curvature_asked_for():
    A, c = quadratics.draw_quadratics(rng(), 500, 3)
    eigenvalues = numpy.linalg.eigvalsh(A)
    assert 0.1 <= eigenvalues.min() < 0.11 and 0.99 < eigenvalues.max() <= 1.0
    assert is_normal(c, 1.0)
    task = quadratics.quadratics(rng(), 500, 3)
    assert_array_equal(task.query.y, quadratics.from_quadratics(A, c).query.y)


def test_the_data_of_a_quadratic_have_its_loss():
    A, c = quadratics.draw_quadratics(rng(), 6, 4, curvature=(0.0, 2.0))
    task, theta = quadratics.from_quadratics(A, c), rng(1).normal(size=4)
    prediction = task.query.x @ theta[:, None]
    assert_allclose(mse(prediction, task.query.y), exact.loss(theta, A, c), rtol=1e-13)
    assert all((a == b).all() for a, b in zip(task.support, task.query))
    eigenvalues = numpy.linalg.eigvalsh(A)
    assert -1e-14 <= eigenvalues.min() and eigenvalues.max() <= 2.0 + 1e-14


EYE, ONES = numpy.eye(2), numpy.ones
linear = lambda *arguments, **options: regression.linear(rng(), 2, 1, 1, *arguments, **options)
sines = lambda **options: regression.sines(rng(), 2, 1, 1, **options)
from_sines = lambda amplitudes, phases: regression.from_sines(rng(), amplitudes, phases, 1, 1)
waves = lambda amplitudes: fourier.fourier(rng(), 2, 1, 1, amplitudes)
bowls = quadratics.from_quadratics


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: linear(ONES((2, 3))), "covariance must be square"),
        (lambda: linear(-EYE), "negative eigenvalues"),
        (lambda: linear(numpy.triu(ONES((2, 2)))), "symmetric"),
        (lambda: linear(numpy.eye(2, dtype=int)), "array of floats"),
        (lambda: linear(ONES((2, 2, 2))), r"shape \(D, D\)"),
        (lambda: linear(EYE, ONES(3)), "mean must be a"),
        (lambda: linear(EYE, math.nan), "mean must be finite"),
        (lambda: linear(EYE, "0"), "mean must be an array"),
        (lambda: linear(EYE, noise_variance=-1.0), "noise_variance must be at least 0; it is -1.0"),
        (lambda: linear(EYE, outputs=0), "outputs must be at"),
        (lambda: regression.random_covariance(rng(), numpy.array([1.0, -1.0])), "negative eigen"),
        (lambda: regression.random_covariance(rng(), [1.0]), "spectrum must be an array of floats"),
        (lambda: regression.from_weights(rng(), ONES((2, 2)), 1, 1), "weights must have"),
        (lambda: sines(amplitude=(2.0, 1.0)), "amplitude must be a pair"),
        (lambda: sines(phase=1.0), "phase must be a pair"),
        (lambda: sines(x_range=(0.0, math.inf)), "x_range must be finite"),
        (lambda: from_sines(ONES(3), ONES(2)), "amplitudes and phases must have the same shape"),
        (lambda: from_sines(ONES((2, 1)), ONES((2, 1))), r"amplitudes must have shape \(M\)"),
        (lambda: from_sines(ONES(2), numpy.full(2, math.inf)), "phases must be finite"),
        (lambda: waves(numpy.array([-1.0])), "amplitudes must be some"),
        (lambda: waves(numpy.zeros(0)), "amplitudes must be some"),
        (lambda: waves([1.0]), "amplitudes must be an array of floats"),
        (lambda: fourier.features(numpy.zeros((3, 1)), 0), "frequencies must be at least 1"),
        (lambda: fourier.from_weights(rng(), ONES((2, 2)), 1, 1), "weights must have shape"),
        (lambda: fourier.from_weights(rng(), ONES((2, 2, 1)), 1, 1, -1.0), "noise_variance"),
        (lambda: quadratics.quadratics(rng(), 0, 2), "tasks must be at least 1"),
        (lambda: quadratics.quadratics(rng(), 2, 0), "dimension must be at least 1"),
        (lambda: quadratics.quadratics(rng(), 2, 3, (-1.0, 1.0)), "curvature must be at least 0"),
        (lambda: bowls(EYE, ONES((2, 2))), "A must have shape"),
        (lambda: bowls(ONES((1, 2, 2)), ONES((1, 2), int)), "c must be an array of floats"),
        (lambda: bowls(-ONES((2, 1, 1)), ONES((2, 1))), "A must not have negative eigenvalues"),
        (lambda: bowls(ONES((2, 1, 1)), ONES((3, 1))), "same shape"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(call, sentence):
    refused(call, sentence)
