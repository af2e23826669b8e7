"""Linear networks: the closed forms against gradient descent on real weight matrices."""

import numpy
import pytest
from helpers import refused, rng
from numpy.testing import assert_allclose

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.exact import linear_networks as networks
from minimeta.tasks.regression import random_covariance

STRENGTH = numpy.array([3.0, 1.0, 0.2])


def product(layers):
    result = layers[0]
    for layer in layers[1:]:
        result = result @ layer
    return result


def descend(loss, weights, step_size, steps):
    """The weights after 0, 1, ..., steps steps of plain gradient descent."""
    path = [weights]
    for _ in range(steps):
        weights = tree_map(lambda w, g: w - step_size * g, weights, grad(loss)(weights))
        path.append(weights)
    return path


def test_shallow_weights_are_gradient_descent_even_where_inputs_never_vary():
    covariance = random_covariance(rng(), numpy.array([2.0, 0.5, 0.0]))
    correlation, start = covariance @ rng(1).normal(size=(3, 2)), rng(2).normal(size=(3, 2))
    loss = lambda W: np.sum(W * (covariance @ W)) / 2 - np.sum(W * correlation)
    path = descend(loss, start, 0.3, 20)
    computed = networks.shallow_weights(covariance, correlation, start, 0.3, 20)
    assert_allclose(computed, numpy.stack(path), atol=1e-13)


def test_shallow_modes_are_the_modes_of_shallow_weights():
    curvature, start = numpy.array([1.0, 0.3, 2.0]), numpy.array([0.0, 0.5, -1.0])
    computed = networks.shallow_modes(STRENGTH, 0.4, 15, curvature, start)
    whole = networks.shallow_weights(
        numpy.diag(curvature), numpy.diag(curvature * STRENGTH), numpy.diag(start), 0.4, 15
    )
    assert_allclose(computed, numpy.diagonal(whole, axis1=1, axis2=2), atol=1e-14)


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_deep_modes_are_gradient_descent_on_all_layers(layers):
    left, right = (numpy.linalg.qr(rng(s).normal(size=(4, 3)))[0] for s in (3, 4))
    correlation = (left * STRENGTH) @ right.T  # (4, 4)
    loss = lambda layers: np.sum((correlation - product(layers)) ** 2) / 2
    start = networks.balanced_layers(correlation, 0.01, layers)
    path = descend(loss, start, 0.05, 60)
    modes = [numpy.diagonal(left.T @ product(weights) @ right) for weights in path]
    # The fourth singular value is zero: its direction is free, and it is no mode of STRENGTH.
    assert_allclose(networks.deep_modes(STRENGTH, 0.01, 0.05, 60, layers), modes, atol=1e-12)


def test_the_defaults_are_white_inputs_a_start_at_zero_and_two_layers():
    explicit = networks.shallow_modes(STRENGTH, 0.1, 5, curvature=1.0, start=0.0)
    assert_allclose(networks.shallow_modes(STRENGTH, 0.1, 5), explicit, rtol=0)
    explicit = networks.deep_modes(STRENGTH, 0.1, 0.1, 5, layers=2)
    assert_allclose(networks.deep_modes(STRENGTH, 0.1, 0.1, 5), explicit, rtol=0)
    assert_allclose(networks.mode_velocity(0.1, STRENGTH), 2 * 0.1 * (STRENGTH - 0.1))
    assert len(networks.balanced_layers(numpy.eye(2), 0.1)) == 2


def test_with_mse_the_step_size_is_twice_over_the_outputs():
    """White inputs X'X = N I: the docstring's eta is 2 * step_size / C of core.losses.mse."""
    x = numpy.linalg.qr(rng().normal(size=(20, 3)))[0] * 20**0.5
    y = x @ rng(1).normal(size=(3, 2))
    path = descend(lambda W: mse(x @ W, y), numpy.zeros((3, 2)), 0.1, 5)
    computed = networks.shallow_weights(x.T @ x / 20, x.T @ y / 20, numpy.zeros((3, 2)), 0.1, 5)
    assert_allclose(computed, path, atol=1e-13)  # eta = 2 * 0.1 / 2
    assert not numpy.allclose(computed[1], descend(lambda W: mse(x @ W, y), path[0], 0.2, 1)[1])


def test_the_flow_solves_its_equation_and_its_times_invert_it():
    time = numpy.linspace(0.0, 3.0, 7)[:, None]
    flow = networks.two_layer_flow(STRENGTH, 0.01, time)
    ahead, behind = (networks.two_layer_flow(STRENGTH, 0.01, time + h) for h in (1e-5, -1e-5))
    velocity = numpy.stack([networks.mode_velocity(u, STRENGTH, 2) for u in flow])
    rounding = 1e-9  # three times eps over the width of the difference
    assert_allclose((ahead - behind) / 2e-5, velocity, rtol=1e-8, atol=rounding)
    assert_allclose(flow[0], 0.01, rtol=1e-14)
    assert_allclose(networks.two_layer_time(flow[3], STRENGTH, 0.01), 3 * [1.5], rtol=1e-12)
    half = networks.half_time(STRENGTH, 0.01)
    assert_allclose(networks.two_layer_flow(STRENGTH, 0.01, half), STRENGTH / 2, rtol=1e-13)


def test_a_mode_at_zero_or_at_its_strength_stays():
    for start in (0.0, STRENGTH):
        computed = networks.deep_modes(STRENGTH, start, 0.1, 10, layers=3)
        assert_allclose(computed, start * numpy.ones((11, 3)), rtol=1e-13)


EYE = numpy.eye(2)
weights = lambda *arrays: networks.shallow_weights(*arrays, step_size=0.1, steps=1)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: networks.shallow_modes(STRENGTH, 0.0, 3), "step_size must be above 0; it is 0.0"),
        (lambda: networks.shallow_modes(STRENGTH, 0.1, -1), "steps must be at least 0"),
        (lambda: networks.shallow_modes(STRENGTH, 0.1, 3, numpy.ones(2)), "curvature must be a"),
        (lambda: networks.shallow_modes([1.0], 0.1, 3), "strength must be an array of floats"),
        (lambda: networks.deep_modes(STRENGTH, -0.1, 0.1, 3), "start must be at least 0"),
        (lambda: networks.deep_modes(STRENGTH, 0.1, 0.1, 3, layers=0), "layers must be at least 1"),
        (lambda: networks.deep_modes(STRENGTH, 0.1, 0.1, 2.5), "steps must be an integer"),
        (lambda: networks.two_layer_flow(STRENGTH, 0.0, 1.0), "start must be above 0"),
        (lambda: networks.half_time(STRENGTH, 0.2), "start must be above 0 and below 0.2"),
        (lambda: networks.two_layer_time(3.5, STRENGTH, 0.1), "level must be above 0 and below 3"),
        (lambda: networks.mode_velocity(-1.0, STRENGTH), "mode must be at least 0"),
        (lambda: networks.mode_velocity(1.0, STRENGTH, 0), "layers must be at least 1"),
        (lambda: networks.balanced_layers(numpy.eye(2), -0.1), "start must be at least 0"),
        (lambda: networks.balanced_layers(numpy.eye(2), 0.1, 0), "layers must be at least 1"),
        (lambda: weights(-EYE, EYE, EYE), "input_covariance must not have negative eigenvalues"),
        (lambda: weights(EYE, EYE + numpy.nan, EYE), "correlation must be finite"),
        (lambda: networks.balanced_layers(STRENGTH, 0.1), r"correlation must have shape \(D, C\)"),
        (lambda: weights(EYE, EYE[:, :1], EYE), "start and correlation must have the same shape"),
        (lambda: weights(EYE[:1, :1], EYE, EYE), r"input_covariance must be \(D, D\)"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(call, sentence):
    refused(call, sentence)
