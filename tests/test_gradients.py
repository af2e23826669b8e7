"""Gradients of trees: equal to autograd's own, nested to any order, with clear refusals."""

import autograd
import numpy
import pytest
from autograd.tracer import trace_stack
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, hvp, value_and_grad
from minimeta.core.trees import leaves, tree_map

RNG = numpy.random.default_rng(0)
THETA = {"W": RNG.normal(size=(3, 2)), "rest": [RNG.normal(size=2), (numpy.array(0.3),)]}
X = RNG.normal(size=(5, 3))


def loss(theta, x=X):
    b, (scale,) = theta["rest"]
    return np.sum(np.tanh(x @ theta["W"] + b) ** 2) * scale + np.sum(theta["W"][0] ** 3)


def same(tree, other, rtol=1e-13):
    for a, b in zip(leaves(tree), leaves(other)):
        assert_allclose(a, b, rtol=rtol, atol=1e-14)


def test_equals_autograd_on_containers():
    value, slopes = value_and_grad(loss)(THETA)
    assert value == loss(THETA)
    same(slopes, autograd.grad(loss)(THETA))


def test_second_order_equals_autograd():
    step = lambda g: lambda t: loss(tree_map(lambda p, s: p - 0.1 * s, t, g(loss)(t)))
    same(grad(step(grad))(THETA), autograd.grad(step(autograd.grad))(THETA), rtol=1e-11)


def test_hvp_is_the_change_of_the_gradient():
    v = tree_map(lambda p: 1.0 + 0.0 * p, THETA)
    moved = lambda h: grad(loss)(tree_map(lambda p, d: p + h * d, THETA, v))
    h = 1e-5
    change = tree_map(lambda up, down: (up - down) / (2 * h), moved(h), moved(-h))
    same(hvp(loss)(THETA, v), change, rtol=1e-7)


def test_hvp_of_another_argument_with_more_behind_it():
    f = lambda x, theta, scale: scale * np.sum(x * theta**3)
    assert_allclose(hvp(f, argnum=1)(2.0, THETA["W"], 3.0, THETA["W"]), 36.0 * THETA["W"] ** 2)


def test_argnum_picks_the_argument():
    assert_allclose(grad(loss, argnum=1)(THETA, X), autograd.grad(loss, 1)(THETA, X))


def test_leaves_that_do_not_matter_get_zeros():
    slopes = grad(lambda t: np.sum(t["a"]))({"a": numpy.ones(2), "b": numpy.ones((2, 2))})
    assert_array_equal(slopes["b"], numpy.zeros((2, 2)))
    assert grad(lambda t: 3.0)(numpy.ones(2)).tolist() == [0.0, 0.0]


def test_a_leaf_used_twice_gets_both_slopes():
    assert grad(lambda t: t[0] * t[0] + 3 * t[0])([2.0]) == [7.0]


def test_the_arguments_are_not_changed():
    before = [leaf.copy() for leaf in leaves(THETA)]
    grad(loss)(THETA)
    assert all((a == b).all() for a, b in zip(before, leaves(THETA)))


def test_a_gradient_needs_a_scalar():
    with pytest.raises(ValueError, match=r"scalar; f returned shape \(2,\)"):
        grad(lambda t: t)(numpy.ones(2))


@pytest.mark.parametrize("leaf", [2, numpy.ones(2, int), "a", None])
def test_leaves_must_be_floats(leaf):
    with pytest.raises(TypeError, match=r"argument 0\['n'\] is"):
        grad(lambda t: np.sum(t["x"]))({"x": numpy.ones(2), "n": leaf})


def test_float32_stays_float32():
    theta = tree_map(lambda p: p.astype("float32"), THETA)
    x = X.astype("float32")
    value, slopes = value_and_grad(loss)(theta, x)
    second = hvp(loss)(theta, x, theta)
    assert {a.dtype.name for a in [value, *leaves(slopes), *leaves(second)]} == {"float32"}


def test_a_constant_has_no_slope_and_first_order_loses_the_second_derivatives():
    cube = lambda t: np.sum(t["w"] ** 3)
    step = lambda t, slopes: {"w": t["w"] - 0.1 * slopes["w"]}
    after = lambda hold: grad(lambda t: cube(step(t, grad(cube)(hold(t)))))
    w = numpy.array([1.0, 2.0])
    moved = w - 0.3 * w**2
    assert_allclose(after(constant)({"w": w})["w"], 3 * moved**2)
    assert_allclose(after(lambda t: t)({"w": w})["w"], 3 * moved**2 * (1 - 0.6 * w))
    assert grad(lambda t: np.sum(constant(t) * t))(w).tolist() == [1.0, 2.0]


def test_an_exception_inside_a_gradient_leaves_no_trace():
    top = trace_stack.top
    with pytest.raises(ZeroDivisionError):
        grad(lambda t: grad(lambda u: u * (1 // 0))(t))(1.0)
    assert trace_stack.top == top
