"""Optimizers on trees; their numbers are theorems (theorems/optimizers.py)."""

import re
from decimal import Context, Decimal, localcontext

import numpy
import pytest
from numpy.testing import assert_allclose

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.optim import adam, linear_decay, momentum, rmsprop, sgd
from minimeta.core.trees import leaves

MAKERS = [sgd, momentum, rmsprop, adam]


@pytest.mark.parametrize("make", MAKERS)
def test_a_tree_of_leaves_is_optimised_leaf_by_leaf(make):
    together = {"a": numpy.array([1.0, -2.0]), "b": [numpy.array(3.0)]}
    alone = [numpy.array([1.0]), numpy.array([-2.0]), numpy.array([3.0])]
    optimizer = make(0.01)
    states = optimizer.init(together), [optimizer.init(x) for x in alone]
    for t in range(4):
        g = {"a": numpy.array([0.1, 0.2]) + t, "b": [numpy.array(-1.0)]}
        together, state = optimizer.update(g, states[0], together)
        pairs = [
            optimizer.update(numpy.array([v]), s, x)
            for v, s, x in zip([0.1 + t, 0.2 + t, -1.0], states[1], alone)
        ]
        alone, states = [x for x, _ in pairs], (state, [s for _, s in pairs])
    assert [*together["a"], together["b"][0]] == [x[0] for x in alone]


@pytest.mark.parametrize("make", MAKERS)
def test_every_optimizer_finds_the_bottom_of_a_bowl(make):
    theta, optimizer = {"w": numpy.array([1.0, -1.0])}, make(0.05)
    state = optimizer.init(theta)
    for _ in range(400):
        slope = grad(lambda t: ((t["w"] - 0.25) ** 2).sum())(theta)
        theta, state = optimizer.update(slope, state, theta)
    assert abs(theta["w"] - 0.25).max() < 0.03


@pytest.mark.parametrize("make", MAKERS)
def test_float32_parameters_stay_float32_and_nothing_is_changed_in_place(make):
    theta = [numpy.ones(3, "float32")]
    optimizer = make(0.1)
    state = optimizer.init(theta)
    after, next_state = optimizer.update([numpy.ones(3, "float32")], state, theta)
    assert {leaf.dtype.name for leaf in leaves([after, next_state])} == {"float32"}
    assert theta[0].tolist() == [1, 1, 1] and state["updates"] == 0


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("step_size", [0.0, -1.0, float("nan"), float("inf"), "fast", None, True])
def test_a_step_size_must_be_positive(make, step_size):
    with pytest.raises((TypeError, ValueError), match="step_size must be"):
        make(step_size)


@pytest.mark.parametrize(
    "make, name", [(momentum, "mass"), (rmsprop, "decay"), (adam, "decay_mean")]
)
@pytest.mark.parametrize("value", [1.0, -0.1, 1.5])
def test_a_decay_lies_below_one(make, name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and below 1"):
        make(0.1, **{name: value})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_linear_decay_ends_at_zero_and_stays_there(dtype):
    """Of 4 steps and gradients of 1, the step sizes are 4/4, 3/4, 2/4 and 1/4 of 0.8: 2 in all."""
    theta, optimizer = [numpy.zeros(1, dtype)], sgd(linear_decay(0.8, 4))
    state, path = optimizer.init(theta), []
    for _ in range(6):
        theta, state = optimizer.update([numpy.ones(1, dtype)], state, theta)
        path.append(-theta[0][0])
    assert theta[0].dtype == dtype
    assert_allclose(path, [0.8, 1.4, 1.8, 2.0, 2.0, 2.0], rtol=4 * numpy.finfo(dtype).eps)


@pytest.mark.parametrize(
    "options, sentence",
    [((0.0, 10), "step_size must be above 0"), ((0.1, 0), "steps must be at least 1; it is 0")],
)
def test_a_linear_decay_needs_a_step_size_and_steps(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        linear_decay(*options)


# ---- Under a gradient ----

SIZES = [1e-310, 1e-300, 1e-160, 1e-30, 1e-9, 1e-8, 1.0, 1e30, 1e154, 1e200, 1e300]
GRADIENTS = [0.0, *SIZES, *[-size for size in SIZES]]


def by_hand(make, gradients):
    """Where the optimizer takes 0 with these gradients, in as many digits as there are."""
    rate, mean, square, epsilon = map(Decimal, ("0.1", "0.9", "0.999", "1e-8"))
    end = m = s = Decimal(0)
    for t, g in enumerate(gradients, 1):
        if make is sgd:
            end -= rate * g
        elif make is momentum:
            m = mean * m + g
            end -= rate * m
        elif make is rmsprop:
            s = mean * s + (1 - mean) * g * g
            end -= rate * g / (s.sqrt() + epsilon)
        else:
            m, s = mean * m + (1 - mean) * g, square * s + (1 - square) * g * g
            m_hat, s_hat = m / (1 - mean**t), s / (1 - square**t)
            end -= rate * m_hat / (s_hat.sqrt() + epsilon)
    return end


def limits(make, before, g, after):
    """(value, first, second derivative) in a gradient g between others: differences in decimals."""
    at = lambda g: by_hand(make, [*map(Decimal, before), g, *map(Decimal, after)])
    with localcontext(Context(prec=1000, Emin=-(10**6), Emax=10**6)):
        h = Decimal(max(map(abs, [g, *before, *after])) or 1e-300) * Decimal("1e-40")
        low, middle, high = at(Decimal(g) - h), at(Decimal(g)), at(Decimal(g) + h)
        change, bend = (high - low) / (2 * h), (high - 2 * middle + low) / h**2
        return float(middle), float(change), float(bend)


def derivatives(make, before, g, after, dtype="float64", copies=1):
    """The same three numbers by `grad`, through a leaf that holds so many copies."""
    optimizer = make(0.1)

    def end(g):
        theta = [np.zeros(copies, dtype=dtype)]
        state = optimizer.init(theta)
        for one in (*before, g, *after):
            theta, state = optimizer.update([one * np.ones(copies, dtype=dtype)], state, theta)
        return np.sum(theta[0]) / copies

    g = numpy.array(g, dtype)
    return end(g), grad(end)(g), grad(grad(end))(g)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("before, after", [([], []), ([0.0], [0.0]), ([], [0.0]), ([0.5], [-2.0])])
@pytest.mark.parametrize("copies", [1, 1000])
def test_value_and_derivatives_are_the_limits_for_gradients_of_every_size(
    make, before, after, copies
):
    """Zero, denormal, tiny, huge: what cancels may leave rounding, relative to step / g^order.

    At zero, where the second derivative of a first step jumps, the mean of both sides is right.
    """
    for g in GRADIENTS:
        exact = limits(make, before, g, after)
        results = derivatives(make, before, g, after, copies=copies)
        scale = max(map(abs, [g, *before, *after]))
        for order, (ours, right) in enumerate(zip(results, exact)):
            rounding = 1e-14 * max(abs(exact[0]), 0.1) * (1 / max(scale, 1e-8)) ** order
            assert_allclose(ours, right, rtol=1e-8, atol=rounding + 1e-300)


@pytest.mark.parametrize("make", [rmsprop, adam])
def test_the_smallest_number_that_there_is_has_both_derivatives(make):
    exact = limits(make, [], 5e-324, [])
    assert_allclose(derivatives(make, [], 5e-324, [])[1:], exact[1:], rtol=1e-9)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("g", [0.0, 1e-44, -1e-30, 1e-12, -1.0, 1e19, -1e30])
def test_float32_has_them_too(make, g):
    exact = limits(make, [], float(numpy.float32(g)), [])
    for copies in (1, 1000):
        results = derivatives(make, [], g, [], "float32", copies)
        assert {numpy.asarray(x).dtype.name for x in results} == {"float32"}
        for order, (ours, right) in enumerate(zip(results, exact)):
            rounding = 1e-5 * abs(exact[0]) / max(abs(g), 1e-8) ** order
            assert_allclose(ours, right, rtol=2e-5, atol=rounding + 1e-37)


def test_elements_of_every_size_share_an_array():
    """A large leaf takes squares where they fit and np.hypot elsewhere, element by element."""
    g = numpy.array((GRADIENTS * 30)[:600])
    for make in (rmsprop, adam):
        optimizer, theta = make(0.1), [numpy.zeros(600)]
        after, _ = optimizer.update([g], optimizer.init(theta), theta)
        exact = [limits(make, [], x, [])[0] for x in g[: len(GRADIENTS)]]
        assert_allclose(after[0][: len(GRADIENTS)], exact, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("make", [rmsprop, adam])
def test_a_meta_gradient_through_a_dead_unit_is_finite_and_right(make):
    """d/dw of w after one step on w^2 * [1, 0]: the second weight never moves."""
    optimizer, dead = make(0.1), numpy.array([1.0, 0.0])

    def end(theta):
        gradient = grad(lambda t: np.sum(t["w"] ** 2 * dead))(theta)
        return np.sum(optimizer.update(gradient, optimizer.init(theta), theta)[0]["w"])

    assert_allclose(grad(end)({"w": numpy.array([1.0, 2.0])})["w"], [1.0, 1.0], rtol=1e-7)


# ---- What is refused ----


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("shape", [(), (1,), (3, 1), (1, 3), (2,)])
def test_a_gradient_of_another_shape_is_not_broadcast(make, shape):
    optimizer, theta = make(0.1), {"w": numpy.ones(3)}
    sentence = rf"gradient must have the shapes of params.*{re.escape(str(shape))}.*\(3,\)"
    with pytest.raises(ValueError, match=sentence):
        optimizer.update({"w": numpy.ones(shape)}, optimizer.init(theta), theta)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("gradient", [[numpy.ones(3)], {"v": numpy.ones(3)}, {}, numpy.ones(3)])
def test_a_gradient_of_another_structure_is_refused(make, gradient):
    optimizer, theta = make(0.1), {"w": numpy.ones(3)}
    with pytest.raises(ValueError, match="Trees differ"):
        optimizer.update(gradient, optimizer.init(theta), theta)


@pytest.mark.parametrize("make", MAKERS)
def test_float16_parameters_are_refused(make):
    with pytest.raises(TypeError, match="params must be float32 or float64; float16"):
        make(0.1).init([numpy.ones(3), numpy.ones(3, "float16")])


@pytest.mark.parametrize("make", [rmsprop, adam])
def test_an_epsilon_that_is_lost_is_refused(make):
    for epsilon in (0.0, -1e-8):
        with pytest.raises(ValueError, match="epsilon must be above 0"):
            make(0.1, epsilon=epsilon)
    make(0.1, epsilon=1e-40).init([numpy.ones(3)])
    with pytest.raises(
        ValueError, match=r"epsilon must be at least .*\[0\] is float32; it is 1e-40"
    ):
        make(0.1, epsilon=1e-40).init([numpy.ones(3, "float32")])
