"""The Bayes-optimal linear learner against conditioning of the joint Gaussian in 60 digits."""

from decimal import Decimal, localcontext

import numpy
import pytest
from autograd.test_util import check_grads
from derivatives import on_device
from helpers import close, is_single, refused, rng, single_precision
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np, to_device
from minimeta.core.gradients import grad
from minimeta.exact import linear_gaussian
from minimeta.exact.factors import covariance_root, orthonormal_basis
from minimeta.meta import evaluate, learning_curve
from minimeta.tasks.regression import linear, random_covariance
from minimeta.theorems.tools import standard_error

DIGITS = 60


def exactly(array):
    """The array with every float replaced by the decimal number it stands for."""
    return numpy.array([Decimal(float(v)) for v in array.flat], object).reshape(array.shape)


def solve_exactly(A, B):
    """A^-1 B by Gauss-Jordan elimination with row pivoting, on arrays of Decimal."""
    rows = numpy.concatenate([A, B], axis=1)
    for i in range(len(A)):
        best = i + numpy.argmax(abs(rows[i:, i]))
        rows[[i, best]] = rows[[best, i]]
        rows[i] = rows[i] / rows[i, i]
        others = numpy.arange(len(A)) != i
        rows[others] = rows[others] - rows[others, i : i + 1] * rows[i]
    return rows[:, len(A) :]


def condition_exactly(x, y, mean, covariance, noise_variance):
    """The weights given y, from the joint Gaussian of both: mean and covariance in Decimal."""
    x, y, mean, covariance = map(exactly, (x, y, mean, covariance))
    if not len(x):
        return mean, covariance
    both = covariance.dot(x.T)
    of_y = x.dot(both) + exactly(noise_variance * numpy.eye(len(x)))
    solved = solve_exactly(of_y, numpy.concatenate([y - x.dot(mean), both.T], axis=1))
    outputs = y.shape[1]
    return mean + both.dot(solved[:, :outputs]), covariance - both.dot(solved[:, outputs:])


def instance(rng):
    """A random problem of 1 to 12 inputs: well or ill conditioned, with 0 to 16 examples."""
    size, count, outputs = rng.integers(1, 13), rng.integers(0, 17), rng.integers(1, 4)
    x = rng.normal(size=(count, size)) * 10.0 ** rng.uniform(-1, 1)
    kind = rng.integers(4)
    if kind == 1:
        x = x * numpy.logspace(0, -6, size)  # inputs of very different size
    if kind == 2:
        x[1:] = x[:1] + 1e-5 * x[1:]  # examples that nearly repeat one another
    if kind == 3:
        x[count // 2 :] = x[: count - count // 2]  # examples that repeat one another
    spectra = numpy.ones(size), numpy.logspace(0, -4, size), rng.uniform(0.1, 3.0, size)
    spectrum = spectra[rng.integers(3)]
    covariance = random_covariance(rng, spectrum)
    if rng.integers(4) == 0:
        half = rng.integers(-3, 4, size=(size, (size + 1) // 2)).astype(float)
        covariance = half @ half.T  # singular, and exactly so
    mean = rng.normal(size=(size, outputs))
    y = x @ (mean + rng.normal(size=mean.shape)) + rng.normal(size=(count, outputs))
    return x, y, mean, covariance, 10.0 ** rng.uniform(-3, 1)


def relative_error(computed, exact):
    scale = max(abs(exact).max(), Decimal("1e-300"))
    return float(abs(exactly(numpy.asarray(computed)) - exact).max() / scale)


@pytest.mark.parametrize("seed", range(4))
def test_posterior_predictive_and_risk_are_exact_to_nine_digits(seed):
    generator, worst = rng(seed), 0.0
    with localcontext() as context:
        context.prec = DIGITS
        for _ in range(40):
            x, y, mean, covariance, noise = instance(generator)
            exact_mean, exact_covariance = condition_exactly(x, y, mean, covariance, noise)
            state = linear_gaussian.posterior(x, y, mean, covariance, noise)
            query = generator.normal(size=(3, x.shape[1]))
            prediction, variance = linear_gaussian.predictive(query, *state, noise)
            q, s2 = exactly(query), Decimal(float(noise))
            exact_variance = (q.dot(exact_covariance) * q).sum(axis=1, keepdims=True) + s2
            exact_risk = numpy.array([s2 + numpy.trace(exact_covariance)])
            risk = numpy.array([linear_gaussian.risk(x, covariance, noise)])
            pairs = [
                (state[0], exact_mean),
                (state[1], exact_covariance),
                (prediction, q.dot(exact_mean)),
                (variance, exact_variance),
                (risk, exact_risk),
            ]
            worst = max([worst, *(relative_error(*pair) for pair in pairs)])
    assert worst < 1e-9


def test_evidence_is_the_density_of_all_targets_together():
    generator = rng(6)
    for _ in range(40):
        x, y, mean, covariance, noise = instance(generator)
        K = x @ covariance @ x.T + noise * numpy.eye(len(x))
        r, (count, outputs) = y - x @ mean, y.shape
        quadratic = numpy.sum(r * numpy.linalg.solve(K, r))
        log_det = numpy.linalg.slogdet(K)[1] + count * numpy.log(2 * numpy.pi)
        density = -0.5 * (quadratic + outputs * log_det)
        computed = linear_gaussian.evidence(x, y, mean, covariance, noise)
        assert_allclose(computed, density, rtol=1e-7)  # here the reference loses the digits


def test_wrong_prior_risk_is_bias_variance_and_noise():
    """Errors of the believed estimate, (I - G X)(w - m) - G noise, squared and averaged by hand."""
    generator = rng(7)
    queries = random_covariance(generator, numpy.array([1.0, 0.3, 2.0]))
    x = generator.normal(size=(4, 3))
    priors = []
    for noise in (0.5, 0.2):
        covariance = random_covariance(generator, generator.uniform(0.1, 2.0, size=3))
        priors.append((generator.normal(size=(3, 2)), covariance, noise))
    (m, S, s2), (true_m, true_S, true_s2) = priors
    G = S @ x.T @ numpy.linalg.inv(x @ S @ x.T + s2 * numpy.eye(4))
    J = numpy.eye(3) - G @ x
    bias = [numpy.trace(queries @ J @ numpy.outer(d, d) @ J.T) for d in (true_m - m).T]
    spread = numpy.trace(queries @ (J @ true_S @ J.T + true_s2 * G @ G.T))
    computed = linear_gaussian.wrong_prior_risk(x, *priors, queries)
    assert_allclose(computed, true_s2 + spread + numpy.mean(bias), rtol=1e-12)
    white = linear_gaussian.wrong_prior_risk(x, *priors)
    assert_allclose(white, linear_gaussian.wrong_prior_risk(x, *priors, numpy.eye(3)), rtol=1e-14)


def test_the_textbook_formula_would_lose_what_gram_schmidt_keeps():
    """Why not S - G X S with one solve? Forty examples with small noise: it has few digits left."""
    generator, noise = rng(1), 1e-8
    x, covariance = 10.0 * generator.normal(size=(40, 3)), numpy.eye(3)
    with localcontext() as context:
        context.prec = DIGITS
        zeros = numpy.zeros((40, 1)), numpy.zeros((3, 1))
        _, exact = condition_exactly(x, *zeros, covariance, noise)
        gain = covariance @ x.T @ numpy.linalg.inv(x @ covariance @ x.T + noise * numpy.eye(40))
        textbook = relative_error(covariance - gain @ x @ covariance, exact)
        ours = linear_gaussian.posterior(x, numpy.zeros((40, 1)), 0.0, covariance, noise)[1]
        assert relative_error(ours, exact) < 1e-11 and textbook > 1e-5


def test_sequential_ends_where_the_batch_does_and_starts_at_the_prior():
    x, y, mean, covariance, noise = instance(rng(5))
    means, covariances = linear_gaussian.sequential(x, y, mean, covariance, noise)
    assert means.shape == (len(x) + 1, *mean.shape)
    assert_array_equal(means[0], mean)
    assert_allclose(covariances[0], covariance, atol=1e-14)
    for n in range(len(x) + 1):
        batch = linear_gaussian.posterior(x[:n], y[:n], mean, covariance, noise)
        assert_allclose(means[n], batch[0], rtol=1e-9, atol=1e-11)
        assert_allclose(covariances[n], batch[1], rtol=1e-9, atol=1e-11)


def test_zero_shots_give_the_prior_to_the_last_bit():
    covariance, mean = (
        random_covariance(rng(), numpy.array([1.0, 0.3, 0.0])),
        rng(1).normal(size=(3, 2)),
    )
    x, y = numpy.zeros((4, 0, 3)), numpy.zeros((4, 0, 2))
    state = linear_gaussian.posterior(x, y, mean, covariance, 0.1)
    assert_array_equal(state[0], numpy.broadcast_to(mean, (4, 3, 2)))
    assert_array_equal(state[1], numpy.broadcast_to(covariance, (4, 3, 3)))
    assert_allclose(linear_gaussian.risk(x, covariance, 0.1), 0.1 + 1.3, rtol=1e-14)
    assert_allclose(linear_gaussian.evidence(x, y, mean, covariance, 0.1), 0.0, atol=1e-15)


def test_a_prior_without_variance_learns_nothing():
    x, y = rng().normal(size=(5, 2)), rng(1).normal(size=(5, 1))
    mean, covariance = linear_gaussian.posterior(x, y, 0.5, numpy.zeros((2, 2)), 0.1)
    assert_array_equal(mean, numpy.full((2, 1), 0.5))
    assert_array_equal(covariance, numpy.zeros((2, 2)))


def test_many_tasks_and_many_priors_are_the_loop_over_them():
    generator = rng(2)
    x, y = generator.normal(size=(3, 6, 2)), generator.normal(size=(3, 6, 2))
    means = generator.normal(size=(3, 2, 2))
    covariances = numpy.stack(
        [random_covariance(generator, numpy.array([2.0, v])) for v in (0, 1e-3, 1)]
    )
    for name in ("posterior", "sequential", "evidence"):
        function = getattr(linear_gaussian, name)
        together = function(x, y, means, covariances, 0.3)
        alone = [function(x[m], y[m], means[m], covariances[m], 0.3) for m in range(3)]
        parts = zip(*alone) if isinstance(together, tuple) else [alone]
        together = together if isinstance(together, tuple) else (together,)
        for whole, loop in zip(together, parts):
            assert_allclose(whole, numpy.stack(loop), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mean", [0.5, numpy.full(3, 0.5), numpy.full((3, 1), 0.5)])
def test_a_mean_may_be_a_number_a_vector_or_a_matrix(mean):
    x, y = rng().normal(size=(4, 3)), rng(1).normal(size=(4, 2))
    whole = linear_gaussian.posterior(x, y, numpy.full((3, 2), 0.5), numpy.eye(3), 0.1)
    for a, b in zip(whole, linear_gaussian.posterior(x, y, mean, numpy.eye(3), 0.1)):
        assert_array_equal(a, b)


def test_everything_has_the_right_gradient():
    generator = rng(3)
    x, y = generator.normal(size=(4, 3)), generator.normal(size=(4, 2))
    mean, root, noise = (
        generator.normal(size=(3, 2)),
        generator.normal(size=(3, 3)),
        np.asarray(0.3),
    )
    prior = lambda mean, root, noise: (mean, root @ root.T, noise)
    total = lambda parts: sum(np.sum(part * np.cos(part)) for part in parts)
    functions = [
        lambda x, y, *p: total(linear_gaussian.posterior(x, y, *prior(*p))),
        lambda x, y, *p: total(linear_gaussian.sequential(x, y, *prior(*p))),
        lambda x, y, *p: linear_gaussian.evidence(x, y, *prior(*p)),
        lambda x, y, *p: linear_gaussian.risk(x, *prior(*p)[1:]),
        lambda x, y, *p: linear_gaussian.wrong_prior_risk(x, prior(*p), (0.0, np.eye(3), 0.1)),
    ]
    for f in functions:
        check_grads(f, modes=["rev"], order=1)(x, y, mean, root, noise)


def test_a_float32_program_stays_float32():
    with single_precision():
        task = linear(rng(), 3, 4, 5, numpy.eye(2))
        prior = (numpy.zeros((2, 1)), numpy.eye(2), 0.01)
        x, y = task.support
        results = [
            *linear_gaussian.posterior(x, y, *prior),
            *linear_gaussian.predictive(x, *to_device(prior[:2]), 0.01),
            *linear_gaussian.sequential(x, y, *prior),
            linear_gaussian.evidence(x, y, *prior),
            linear_gaussian.risk(x, *prior[1:]),
            linear_gaussian.wrong_prior_risk(x, prior, prior),
            evaluate(linear_gaussian.learner(*prior), {}, task),
        ]
    assert is_single(results)


def test_a_device_gives_the_same_gradients_without_hidden_transfers():
    def total(prior, x, y):
        state = linear_gaussian.posterior(x, y, *prior)
        path = linear_gaussian.sequential(x, y, *prior)
        rest = [linear_gaussian.evidence(x, y, *prior), linear_gaussian.risk(x, *prior[1:])]
        return sum(np.sum(part**2) for part in [*state, *path, *rest])

    prior = (numpy.zeros((2, 1)), numpy.diag([1.0, 0.0]), numpy.array(0.1))
    x, y = rng().normal(size=(3, 4, 2)), rng(1).normal(size=(3, 4, 1))
    close(on_device(grad(total), prior, x, y), grad(total)(prior, x, y), rtol=1e-12)


def test_the_learner_is_judged_like_any_other_and_agrees_with_its_risk():
    covariance = random_covariance(rng(), numpy.array([1.0, 0.2]))
    learner = linear_gaussian.learner(0.0, covariance, 0.1)
    task = linear(rng(1), 4000, 5, 20, covariance, noise_variance=0.1)
    curve = learning_curve(learner, {}, task, shots=[0, 1, 5])  # (3, M)
    for losses, shots in zip(curve, (0, 1, 5)):
        excess = losses - linear_gaussian.risk(task.support.x[:, :shots], covariance, 0.1)
        assert abs(excess.mean()) < 4 * standard_error(excess)


def test_intervals_from_the_state_hold_what_they_promise():
    covariance = random_covariance(rng(), numpy.array([1.0, 0.2]))
    task = linear(rng(1), 4000, 3, 1, covariance, noise_variance=0.1, outputs=2)
    learner = linear_gaussian.learner(0.0, covariance, 0.1)
    state = learner.adapt({}, task.support)
    mean, variance = linear_gaussian.predictive(task.query.x, *state, 0.1)
    assert mean.shape == (4000, 1, 2) and variance.shape == (4000, 1, 1)
    inside = abs(task.query.y - mean) < 1.959964 * variance**0.5  # the 95 % of a normal
    assert abs(inside.mean() - 0.95) < 4 * (0.95 * 0.05 / inside.size) ** 0.5


def test_root_of_is_a_root_of_every_covariance():
    generator = rng()
    for _ in range(100):
        size = generator.integers(1, 13)
        half = generator.normal(size=(size, generator.integers(0, size + 1)))
        scale = 10.0 ** generator.uniform(-4, 4, size=(size, 1))
        covariance = (scale * half) @ (scale * half).T
        root = covariance_root(covariance)
        allowed = 1e-13 * scale @ scale.T * numpy.max(half**2, initial=1.0) * size
        assert (abs(root @ root.T - covariance) <= allowed).all()
        assert (root != 0.0).any(axis=0).sum() == half.shape[1], "one column per direction"


def test_orthonormal_stays_so_for_columns_that_hardly_differ():
    columns = 1.0 + 1e-6 * rng().normal(size=(8, 3))
    basis = orthonormal_basis(columns)
    assert_allclose(basis.T @ basis, numpy.eye(3), atol=1e-14)
    assert_allclose(basis @ (basis.T @ columns), columns, atol=1e-14)


X, Y, PRIOR = numpy.ones((4, 2)), numpy.ones((4, 1)), (0.0, numpy.eye(2), 0.1)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"x": numpy.ones(4)}, r"x must have shape \(\.\.\., N, D\)"),
        ({"x": numpy.ones((4, 2), int)}, "x must be an array of floats"),
        ({"x": numpy.full((4, 2), numpy.nan)}, "x must be finite; 8 of its 8"),
        ({"x": numpy.ones((4, 3))}, "covariance must be 3 by 3"),
        ({"y": numpy.ones(4)}, r"y must have shape \(\.\.\., N, C\)"),
        ({"y": numpy.ones((5, 1))}, r"y must be \(\.\.\., 4, C\)"),
        ({"y": numpy.ones((4, 0))}, r"with C > 0; its shape is \(4, 0\)"),
        ({"y": numpy.full((4, 1), numpy.inf)}, "y must be finite"),
        ({"x": numpy.ones((3, 4, 2)), "y": numpy.ones((2, 4, 1))}, "leading .* axes"),
        ({"mean": numpy.zeros(3)}, "mean must be a number or have shape"),
        ({"mean": numpy.zeros((2, 2))}, "mean must have as many columns as y, or one"),
        ({"mean": float("nan")}, "mean must be finite"),
        ({"mean": "zero"}, "mean must be an array of floats; it is str 'zero'"),
        ({"covariance": numpy.ones((2, 3))}, "covariance must be square"),
        ({"covariance": numpy.ones(2)}, r"covariance must have shape \(\.\.\., D, D\)"),
        ({"covariance": 1.0}, "covariance must be an array of floats; it is 1.0"),
        ({"covariance": numpy.array([[1.0, 0.5], [0.0, 1.0]])}, "must be symmetric"),
        (
            {"covariance": numpy.diag([1.0, -0.1])},
            "not have negative eigenvalues; its least is -0.1",
        ),
        ({"covariance": numpy.full((2, 2), numpy.nan)}, "covariance must be finite"),
        ({"noise_variance": 0.0}, "noise_variance must be above 0; it is 0.0"),
        ({"noise_variance": numpy.array(-0.1)}, "noise_variance must be above 0; it is -0.1"),
        ({"noise_variance": float("inf")}, "noise_variance must be above 0"),
        ({"noise_variance": "0.1"}, "noise_variance must be an array of floats"),
        ({"noise_variance": numpy.ones(4)}, "noise_variance must have shape"),
    ],
)
@pytest.mark.parametrize("name", ["posterior", "sequential", "evidence"])
def test_what_does_not_fit_gets_one_clear_sentence(name, change, sentence):
    given = dict(zip(("mean", "covariance", "noise_variance"), PRIOR), x=X, y=Y)
    refused(lambda: getattr(linear_gaussian, name)(**{**given, **change}), sentence)


def test_the_other_functions_check_too():
    triangle, task = numpy.triu(numpy.ones((2, 2))), linear(rng(), 2, 3, 1, numpy.eye(3))
    for call, sentence in [
        (
            lambda: linear_gaussian.predictive(X, 0.0, numpy.eye(3), 0.1),
            "covariance must be 2 by 2",
        ),
        (
            lambda: linear_gaussian.risk(X, numpy.eye(2), 0.1, numpy.eye(3)),
            "query_covariance must be 2",
        ),
        (
            lambda: linear_gaussian.risk(X, numpy.eye(2), 0.1, -numpy.eye(2)),
            "query_covariance must not",
        ),
        (
            lambda: linear_gaussian.wrong_prior_risk(X, PRIOR, (0.0, triangle, 0.1)),
            "must be symmetric",
        ),
        (lambda: linear_gaussian.learner(0.0, triangle, 0.1), "must be symmetric"),
        (lambda: evaluate(linear_gaussian.learner(*PRIOR), {}, task), "covariance must be 3 by 3"),
    ]:
        refused(call, sentence, ValueError)
