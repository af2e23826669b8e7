"""Random waves: the posterior against solutions by other means, bands of waves, and refusals."""

import numpy
import pytest
from helpers import is_single, one, refused, rng, single_precision
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate

from minimeta.exact import fourier_gp
from minimeta.meta import evaluate
from minimeta.tasks import fourier
from minimeta.theorems.tools import standard_error

AMPLITUDES = numpy.array([1.0, 0.0, 0.5, 0.2])
NOISE = 0.3


def examples(count=6, tasks=3, seed=0):
    return fourier.fourier(rng(seed), tasks, count, 5, AMPLITUDES, NOISE)


@pytest.mark.parametrize("seed", range(4))
def test_the_posterior_solves_the_normal_equations(seed):
    """(phi' phi / s^2 + diag(a^2)^-1) w = phi' y / s^2, over the waves that have power."""
    (x, y), _ = examples(seed=seed)
    powered = numpy.flatnonzero(numpy.repeat(AMPLITUDES, 2))
    mean, covariance = fourier_gp.posterior(x, y, AMPLITUDES, NOISE)
    for m in range(len(x)):
        waves = [f(k * x[m, :, 0]) for k in (1, 2, 3, 4) for f in (numpy.cos, numpy.sin)]
        phi = 2**0.5 * numpy.stack(waves, axis=1)[:, powered]
        prior = numpy.diag(1 / numpy.repeat(AMPLITUDES, 2)[powered] ** 2)
        precision = phi.T @ phi / NOISE + prior
        exact = numpy.linalg.solve(precision, phi.T @ y[m] / NOISE)
        assert_allclose(mean[m][powered], exact, atol=1e-11)
        block = covariance[m][numpy.ix_(powered, powered)]
        assert_allclose(block, numpy.linalg.inv(precision), atol=1e-11)
        assert_array_equal(mean[m][2:4], 0.0)


def test_the_kernel_is_the_mean_product_of_two_values():
    x, other = rng().uniform(-9, 9, size=(2, 3, 1)), rng(1).uniform(-9, 9, size=(2, 4, 1))
    phi = lambda x: fourier.features(x, 4) * numpy.repeat(AMPLITUDES, 2)
    exact = phi(x) @ numpy.swapaxes(phi(other), 1, 2)
    assert_allclose(fourier_gp.kernel(x, other, AMPLITUDES), exact, atol=1e-13)


def test_no_example_leaves_the_prior():
    none = numpy.zeros((2, 0, 1))
    prior = fourier_gp.posterior(none, none, AMPLITUDES, NOISE)
    mean, variance = fourier_gp.predictive(numpy.ones((2, 3, 1)), *prior, NOISE)
    assert_array_equal(mean, 0.0)
    assert_allclose(variance, 2 * numpy.sum(AMPLITUDES**2) + NOISE, rtol=1e-14)


def test_two_examples_show_what_an_integral_over_their_distance_says():
    """The 2 x 2 problem in function space, its share of wave k, averaged over the distance."""
    band = numpy.array([0.7, 0.4])

    def share(apart):
        k = 2 * (band**2 * numpy.cos(numpy.array([1, 2]) * apart)).sum()
        K = numpy.array([[2 * (band**2).sum() + NOISE, k], [k, 2 * (band**2).sum() + NOISE]])
        alike = numpy.array([[1, numpy.cos(2 * apart)], [numpy.cos(2 * apart), 1]])  # of wave 2
        return band[1] ** 2 * numpy.trace(numpy.linalg.solve(K, alike))

    exact = integrate.quad(share, 0, fourier.PERIOD, epsabs=1e-13)[0] / fourier.PERIOD
    grid = fourier.PERIOD / 400 * numpy.arange(400.0)
    x = numpy.stack([0 * grid, grid], axis=1)[..., None]  # (400, 2, 1)
    computed = fourier_gp.progress(x, band, NOISE).mean(axis=0)
    assert abs(computed[1] - exact) < 1e-9


def test_many_tasks_are_the_loop_over_tasks_and_float32_stays():
    task, learner = examples(), fourier_gp.learner(AMPLITUDES, NOISE)
    alone = [evaluate(learner, {}, one(task, m))[0] for m in range(3)]
    assert_allclose(evaluate(learner, {}, task), alone, rtol=1e-12)
    with single_precision():
        narrow = examples()
        state = learner.adapt({}, narrow.support)
        assert is_single(learner.predict({}, state, narrow.query.x))


def test_a_band_has_its_power_and_nothing_else():
    low, middle = fourier.band(1, 3, 5), fourier.band(3, 4, 5, power=2.0)
    assert_array_equal(low > 0, [True, True, True, False, False])
    assert_array_equal(middle > 0, [False, False, True, True, False])
    task = fourier.fourier(rng(), 4000, 0, 8, middle)
    power = (task.query.y**2).mean(axis=(1, 2))
    assert abs(power.mean() - 2.0) < 4 * standard_error(power)


def test_drawn_phases_are_uniform_and_powers_exact():
    weights = fourier.draw_phases(rng(), 4000, AMPLITUDES)
    pairs = weights.reshape(4000, 4, 2)
    assert_allclose((pairs**2).sum(axis=-1), numpy.tile(2 * AMPLITUDES**2, (4000, 1)), rtol=1e-13)
    assert (abs(pairs.mean(axis=0)) <= 4 * AMPLITUDES[:, None] / 4000**0.5).all()
    sides = pairs[:, 0] * pairs[:, 2]  # the phases of two waves have nothing to do with each other
    assert (abs(sides.mean(axis=0)) <= 4 * 0.5 / 4000**0.5).all()


X, Y = numpy.ones((2, 3, 1)), numpy.ones((2, 3, 1))


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: fourier_gp.posterior(X[..., [0, 0]], Y, AMPLITUDES, 1.0), "x must be angles"),
        (lambda: fourier_gp.posterior(X, Y[:, :2], AMPLITUDES, 1.0), "y must be"),
        (lambda: fourier_gp.posterior(X, Y, AMPLITUDES, 0.0), "noise_variance must be above 0"),
        (lambda: fourier_gp.posterior(X, Y, -AMPLITUDES, 1.0), "amplitudes must be some numbers"),
        (lambda: fourier_gp.function_space(X, X, Y, AMPLITUDES, 0.0), "noise_variance"),
        (lambda: fourier_gp.function_space(X, X, Y[:, :2], AMPLITUDES, 1.0), "y must be"),
        (lambda: fourier_gp.function_space(X, X[..., [0, 0]], Y, AMPLITUDES, 1.0), "x must be"),
        (lambda: fourier_gp.kernel(X, X[..., [0, 0]], AMPLITUDES), "other must be angles"),
        (lambda: fourier_gp.kernel([1.0], X, AMPLITUDES), "x must be an array"),
        (lambda: fourier_gp.predictive(X[..., [0, 0]], Y, Y, 1.0), "x must be"),
        (lambda: fourier_gp.progress(X[0, 0], AMPLITUDES, 1.0), "x must have shape"),
        (lambda: fourier_gp.learner([1.0], 1.0), "amplitudes must be an array of floats"),
        (lambda: fourier_gp.learner(AMPLITUDES, -1.0), "noise_variance must be above 0"),
        (lambda: fourier.band(0, 2, 3), "lowest must be at least 1"),
        (lambda: fourier.band(3, 2, 3), "highest must be at least 3"),
        (lambda: fourier.band(1, 4, 3), "frequencies must be at least 4"),
        (lambda: fourier.band(1, 2, 3, 0.0), "power must be above 0"),
        (lambda: fourier.draw_phases(rng(), 0, AMPLITUDES), "tasks must be at least 1"),
        (lambda: fourier.draw_phases(0, 1, AMPLITUDES), "rng must be"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(call, sentence):
    refused(call, sentence)
