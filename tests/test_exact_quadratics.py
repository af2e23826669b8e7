"""Quadratic families: the closed forms against loops and derivatives."""

import numpy
import pytest
from helpers import refused, rng
from numpy.testing import assert_allclose

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.exact import quadratics
from minimeta.tasks.quadratics import draw_quadratics


def family(seed=0, tasks=5, dimension=3):
    generator = rng(seed)
    return *draw_quadratics(generator, tasks, dimension), generator.normal(size=dimension)


def test_the_gradient_is_that_of_the_loss():
    A, c, theta = family()
    gradient = grad(lambda t: np.sum(quadratics.loss(t, A, c)))(theta)
    assert_allclose(quadratics.gradient(theta, A, c).sum(axis=0), gradient, rtol=1e-13)


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
def test_gradient_descent_in_closed_form_is_the_loop(steps):
    A, c, theta = family()
    walked = numpy.broadcast_to(theta, c.shape)
    for _ in range(steps):
        walked = walked - 0.7 * quadratics.gradient(walked, A, c)
    assert_allclose(quadratics.gradient_descent(theta, A, c, 0.7, steps), walked, rtol=1e-12)
    after = quadratics.loss_after(theta, A, c, 0.7, steps)
    assert_allclose(after, quadratics.loss(walked, A, c), rtol=1e-11)


def test_the_joint_optimum_has_no_gradient_and_is_not_the_mean_of_the_minima():
    A, c, _ = family()
    joint = quadratics.joint_optimum(A, c)
    assert_allclose(quadratics.gradient(joint, A, c).sum(axis=0), 0.0, atol=1e-13)
    total = lambda theta: quadratics.loss(theta, A, c).sum()
    assert total(joint) < total(c.mean(axis=0)) - 1e-3
    same = numpy.broadcast_to(A[0], A.shape)
    assert_allclose(quadratics.joint_optimum(same, c), c.mean(axis=0), rtol=1e-12)


def test_the_stability_limit_divides_shrinking_from_growing():
    A, c, theta = family()
    limit = quadratics.stability_limit(A)
    for factor, grows in ((0.99, False), (1.01, True)):
        for m in range(len(A)):
            one = (theta, A[m : m + 1], c[m : m + 1])
            far = quadratics.loss_after(*one, factor * limit[m], 2000)[0]
            assert (far > quadratics.loss(*one)[0]) == grows


def test_the_answers_can_be_differentiated_by_start_and_step_size():
    """d/d alpha of one step's loss is -g' A (theta - alpha g - c), with g = A (theta - c)."""
    A, c, theta = family(tasks=1)
    g = quadratics.gradient(theta, A, c)[0]
    gradient = grad(lambda a: np.sum(quadratics.loss_after(theta, A, c, a, 1)))(0.3)
    assert_allclose(gradient, -g @ A[0] @ (theta - 0.3 * g - c[0]), rtol=1e-12)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"A": numpy.eye(3)}, r"A must have shape \(M, D, D\)"),
        ({"A": numpy.ones((5, 2, 2))}, r"A must be \(M, D, D\) and c \(M, D\)"),
        ({"c": numpy.ones((5, 3), int)}, "c must be an array of floats"),
        ({"c": numpy.full((5, 3), numpy.nan)}, "c must be finite"),
        ({"theta": numpy.ones(2)}, r"theta must be \(D,\) or \(M, D\)"),
        ({"theta": numpy.ones((1, 3))}, r"theta must be \(D,\) or \(M, D\)"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(change, sentence):
    A, c, theta = family()
    refused(lambda: quadratics.loss(**{"theta": theta, "A": A, "c": c, **change}), sentence)


def test_every_function_checks():
    A, c, theta = family()
    for call, sentence in [
        (lambda: quadratics.gradient(theta[:2], A, c), "theta must be"),
        (lambda: quadratics.joint_optimum(A[:2], c), "A must be"),
        (lambda: quadratics.gradient_descent(theta, A, c.astype(int), 0.1, 1), "c must be"),
        (lambda: quadratics.contraction(A, 0.1, -1), "steps must be at least 0"),
        (lambda: quadratics.contraction([1.0], 0.1, 1), "A must be an array"),
        (lambda: quadratics.stability_limit(A + numpy.eye(3, k=1)), "A must be symmetric"),
    ]:
        refused(call, sentence)


def test_a_flat_direction_has_no_joint_optimum():
    flat = numpy.diag([1.0, 0.0])[None]
    refused(
        lambda: quadratics.joint_optimum(flat, numpy.ones((1, 2))),
        "some direction has no curvature",
        ValueError,
    )
