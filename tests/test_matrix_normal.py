"""Linear maps with a matrix-normal prior: the posterior, and progress, by other means."""

import numpy
import pytest
from helpers import is_single, refused, rng, single_precision
from numpy.testing import assert_allclose
from scipy import integrate

from minimeta.exact import linear_gaussian, matrix_normal
from minimeta.meta import evaluate
from minimeta.tasks import Data, linear_maps
from minimeta.tasks.regression import from_weights, random_covariance
from minimeta.theorems.tools import standard_error

R = random_covariance(rng(3), numpy.array([2.0, 0.5, 0.1]))
K = numpy.array([[1.0, 0.8], [0.8, 1.5]])
NOISE = 0.3


def examples(tasks=4, count=5, seed=0):
    weights = linear_maps.draw_matrix_normal(rng(seed), tasks, R, K)
    return from_weights(rng(seed + 1), weights, count, 6, NOISE)


# ---- The posterior ----


@pytest.mark.parametrize("seed", range(4))
def test_the_posterior_solves_the_normal_equations_of_vec_w(seed):
    x, y = examples(1, seed=seed).support
    design = numpy.kron(x[0], numpy.eye(2))
    precision = numpy.linalg.inv(numpy.kron(R, K)) + design.T @ design / NOISE
    exact = numpy.linalg.solve(precision, design.T @ y[0].ravel() / NOISE)
    mean, covariance = matrix_normal.posterior(x, y, 0.0, R, K, NOISE)
    assert_allclose(mean[0].ravel(), exact, atol=1e-11)
    assert_allclose(covariance[0].reshape(6, 6), numpy.linalg.inv(precision), atol=1e-11)


def test_independent_outputs_are_the_linear_gaussian_learner():
    x, y = examples().support
    mean = rng(5).normal(size=(3, 2))
    computed, covariance = matrix_normal.posterior(x, y, mean, R, numpy.eye(2), NOISE)
    exact, spread = linear_gaussian.posterior(x, y, mean, R, NOISE)
    assert_allclose(computed, exact, atol=1e-13)
    assert_allclose(covariance[:, :, 1, :, 1], spread, atol=1e-13)
    assert_allclose(covariance[:, :, 0, :, 1], 0.0, atol=1e-13)


def test_an_output_that_copies_another_is_learned_with_it():
    """K of rank one: the second output is twice the first, and its examples count as well."""
    x, y = examples().support
    twins = numpy.array([[1.0, 2.0], [2.0, 4.0]])
    mean, _ = matrix_normal.posterior(x, y, 0.0, R, twins, NOISE)
    both = (y[..., :1] + 2 * y[..., 1:]) / 5  # the best of the two, with a fifth of the noise
    exact, _ = linear_gaussian.posterior(x, both, 0.0, R, NOISE / 5)
    assert_allclose(mean, exact * numpy.array([1.0, 2.0]), atol=1e-12)


def test_no_example_leaves_the_prior():
    mean = rng().normal(size=(3, 2))
    x, y = numpy.zeros((4, 0, 3)), numpy.zeros((4, 0, 2))
    computed, covariance = matrix_normal.posterior(x, y, mean, R, K, NOISE)
    assert_allclose(computed, numpy.broadcast_to(mean, (4, 3, 2)), atol=1e-14)
    assert_allclose(covariance[0].reshape(6, 6), numpy.kron(R, K), atol=1e-13)


def test_the_right_prior_beats_the_one_that_ignores_correlations():
    task = examples(tasks=3000, count=2)
    right = evaluate(matrix_normal.learner(0.0, R, K, NOISE), {}, task)
    wrong = evaluate(matrix_normal.learner(0.0, R, numpy.diag(numpy.diag(K)), NOISE), {}, task)
    gain = wrong - right
    assert gain.mean() > 4 * standard_error(gain)


def test_float32_stays():
    with single_precision():
        task = examples()
        learner = matrix_normal.learner(0.0, R.astype("f"), K.astype("f"), NOISE)
        state = learner.adapt({}, task.support)
        assert is_single(learner.predict({}, state, task.query.x))


# ---- Progress ----


@pytest.mark.parametrize("examples, ratio", [(2, 0.5), (3, 0.01), (6, 2.0), (9, 0.25)])
def test_progress_with_two_inputs_is_an_integral_over_two_eigenvalues(examples, ratio):
    """The density of the eigenvalues a < b of X'X is (ab)^((t-3)/2) exp(-(a+b)/2) (b-a)."""

    def integral(f):
        def inner(r, s):  # a = r^2, b = (r + s)^2: smooth, and the density in r and s
            a, b = r**2, (r + s) ** 2
            weight = (r * (r + s)) ** (examples - 2) * numpy.exp(-(a + b) / 2) * (b - a)
            return f(a, b) * weight

        return integrate.dblquad(inner, 0, 16, 0, 14, epsabs=1e-12, epsrel=1e-11)[0]

    share = integral(lambda a, b: (a / (a + ratio) + b / (b + ratio)) / 2)
    computed = matrix_normal.expected_progress(2, examples, ratio)
    assert abs(computed - share / integral(lambda a, b: 1.0)) < 1e-9


@pytest.mark.parametrize("inputs, examples", [(3, 3), (3, 5), (5, 3)])
def test_progress_with_three_modes_is_an_integral_over_three(inputs, examples):
    """Singular values r, r + s, r + s + t of X by Gauss quadrature; no Pfaffian anywhere."""
    nodes, weights = numpy.polynomial.legendre.leggauss(48)
    ends = numpy.array([7.0, 8.0, 9.0])
    r, s, t = numpy.meshgrid(*((nodes + 1) / 2 * end for end in ends), indexing="ij")
    z = numpy.stack([r, r + s, r + s + t])
    gaps = (z[1] ** 2 - z[0] ** 2) * (z[2] ** 2 - z[1] ** 2) * (z[2] ** 2 - z[0] ** 2)
    density = z.prod(axis=0) ** abs(inputs - examples) * numpy.exp(-(z**2).sum(axis=0) / 2) * gaps
    density = density * numpy.einsum("i,j,k->ijk", weights, weights, weights)
    share = (z**2 / (z**2 + 0.4)).sum(axis=0) / inputs
    exact = (share * density).sum() / density.sum()
    assert abs(matrix_normal.expected_progress(inputs, examples, 0.8, 2.0) - exact) < 1e-9


@pytest.mark.parametrize("inputs, examples", [(5, 5), (8, 20), (20, 19), (30, 31)])
def test_progress_of_large_maps_is_the_mean_over_inputs(inputs, examples):
    x = rng().normal(size=(400, examples, inputs))
    values = numpy.linalg.svd(x, compute_uv=False) ** 2
    share = (values / (values + 0.25)).sum(axis=1) / inputs
    computed = matrix_normal.expected_progress(inputs, examples, 0.25)
    assert abs(share.mean() - computed) < 4 * standard_error(share)


def test_progress_of_any_number_of_modes_is_that_of_more_nodes(monkeypatch):
    sizes = [(1, 1, 1e-8), (2, 4000, 5.0), (5, 5, 1e-8), (24, 30, 1.0)]
    computed = [matrix_normal.expected_progress(*size) for size in sizes]
    monkeypatch.setattr(matrix_normal, "NODES", 500)
    more = [matrix_normal.expected_progress(*size) for size in sizes]
    assert_allclose(computed, more, atol=1e-12)


def test_each_output_has_the_rate_of_its_own_prior_variance():
    """K = diag(4, 0.25), turned: E W_hat o_c = m_t(s^2 / k_c) W o_c for each principal output."""
    k = numpy.array([4.0, 0.25])
    truth = rng().normal(size=(3, 2))
    x = rng(1).normal(size=(20_000, 2, 3))
    computed, _ = matrix_normal.posterior(x, x @ truth, 0.0, numpy.eye(3), numpy.diag(k), NOISE)
    rates = [matrix_normal.expected_progress(3, 2, NOISE, v) for v in k]
    error = standard_error(computed)
    assert (abs(computed.mean(axis=0) - truth * rates) < 4 * error).all()
    assert rates[0] > 1.3 * rates[1]


# ---- Families ----


def test_maps_have_the_spectrum_asked_for_in_every_direction():
    spectrum = numpy.array([3.0, 0.5])
    maps = linear_maps.draw_spectrum(rng(), 4000, spectrum, 3, 2)
    values = numpy.linalg.svd(maps, compute_uv=False)
    assert_allclose(values, numpy.tile(spectrum, (4000, 1)), rtol=1e-12)
    error = standard_error(maps)
    assert (abs(maps.mean(axis=0)) < 4 * error).all()
    assert_allclose(maps.var(axis=0), (spectrum**2).sum() / 6, rtol=0.1)  # 6 entries share it


def test_matrix_normal_maps_have_the_covariance_asked_for():
    maps = linear_maps.draw_matrix_normal(rng(), 20_000, R, K).reshape(20_000, 6)
    products = maps[:, :, None] * maps[:, None, :]
    error = standard_error(products)
    assert (abs(products.mean(axis=0) - numpy.kron(R, K)) < 4 * error).all()


def test_usual_spectra_hold_the_share_asked_for():
    maps = linear_maps.draw_matrix_normal(rng(), 4000, numpy.eye(3), numpy.eye(2))
    low, high = linear_maps.usual_spectra(maps, share=0.8)
    values = numpy.linalg.svd(maps, compute_uv=False)
    assert_allclose((values < low).mean(axis=0), 0.1, atol=1e-3)
    assert_allclose((values > high).mean(axis=0), 0.1, atol=1e-3)


X, Y, EYE = numpy.ones((2, 4, 3)), numpy.ones((2, 4, 2)), numpy.eye(3)
DRAW = linear_maps.draw_spectrum


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: matrix_normal.posterior(X, Y, 0.0, EYE, EYE, 1.0), "column_covariance must be 2"),
        (lambda: matrix_normal.posterior(X, Y, 0.0, K, K, 1.0), "covariance must be 3 by 3"),
        (lambda: matrix_normal.posterior(X, Y, 0.0, EYE, -K, 1.0), "column_covariance must not"),
        (lambda: matrix_normal.posterior(X, Y, 0.0, EYE, K, 0.0), "noise_variance must be above"),
        (lambda: matrix_normal.posterior(X, Y[:, :2], 0.0, EYE, K, 1.0), "y must be"),
        (lambda: matrix_normal.posterior(X, Y[0, 0], 0.0, EYE, K, 1.0), "y must have shape"),
        (lambda: matrix_normal.posterior(X[0, 0], Y, 0.0, EYE, K, 1.0), "x must have shape"),
        (lambda: matrix_normal.posterior([1.0], Y, 0.0, EYE, K, 1.0), "x must be an array"),
        (lambda: matrix_normal.posterior(X, Y, EYE, EYE, K, 1.0), "mean must have as many"),
        (lambda: matrix_normal.learner(0.0, EYE, K[:1], 1.0), "column_covariance must be square"),
        (lambda: matrix_normal.learner(0.0, EYE, K, -1.0), "noise_variance must be above"),
        (lambda: matrix_normal.expected_progress(0, 1, 1.0), "inputs must be at least 1"),
        (lambda: matrix_normal.expected_progress(1, -1, 1.0), "examples must be at least 0"),
        (lambda: matrix_normal.expected_progress(1, 1, -1.0), "noise_variance must be at least"),
        (lambda: matrix_normal.expected_progress(1, 1, 1.0, 0.0), "prior_variance must be above"),
        (lambda: DRAW(rng(), 2, numpy.ones(3), 2, 3), "inputs must be at least 3"),
        (lambda: DRAW(rng(), 2, numpy.ones(3), 3, 2), "outputs must be at least 3"),
        (lambda: DRAW(rng(), 0, numpy.ones(3), 3, 3), "tasks must be at least 1"),
        (lambda: DRAW(rng(), 2, [1.0], 3, 3), "spectrum must be an array"),
        (lambda: DRAW(0, 2, numpy.ones(1), 3, 3), "rng must be"),
        (lambda: linear_maps.draw_matrix_normal(rng(), 2, EYE, X), "column_covariance must"),
        (lambda: linear_maps.draw_matrix_normal(rng(), 2, X[0], K), "covariance must be square"),
        (lambda: linear_maps.usual_spectra(EYE), "weights must have shape"),
        (lambda: linear_maps.usual_spectra(X, 1.0), "share must be"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(call, sentence):
    refused(call, sentence)


def test_examples_of_no_task_change_nothing_given():
    x, y = examples().support
    before = x.copy(), y.copy()
    matrix_normal.learner(0.0, R, K, NOISE).adapt({}, Data(x, y))
    assert (x == before[0]).all() and (y == before[1]).all()
