"""Theorems on how linear networks learn: closed forms against gradient descent on matrices."""

import functools
import math

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.exact import linear_networks as networks
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import SAXE

STRENGTH = numpy.array([3.0, 1.0, 0.25])
START = 0.01 * STRENGTH


def descend(loss, theta, step_size, steps):
    """The parameters after 0, 1, ..., steps steps of gradient descent on the loss."""
    path = [theta]
    for _ in range(steps):
        theta = tree_map(lambda t, g: t - step_size * g, theta, grad(loss)(theta))
        path.append(theta)
    return path


def target():
    """U (4, 3), V (5, 3) and the map U diag(STRENGTH) V' (4, 5) that a network is to learn."""
    rng = numpy.random.default_rng(0)
    U, V = (numpy.linalg.qr(rng.normal(size=(size, 3)))[0] for size in (4, 5))
    return U, V, (U * STRENGTH) @ V.T


def chain(layers):
    """The product of all layers, one linear map."""
    return functools.reduce(np.matmul, layers)


def deep_loss(layers):
    """1/2 |Y - W_1 ... W_L|^2, the loss of a deep linear network on white inputs."""
    return np.sum((target()[2] - chain(layers)) ** 2) / 2


def measured_modes(layers, step_size, steps):
    """The modes (steps + 1, 3) of a deep linear network of matrices, trained by autograd."""
    U, V, Y = target()
    path = descend(deep_loss, networks.balanced_layers(Y, 0.01, layers), step_size, steps)
    return numpy.stack([numpy.diagonal(U.T @ chain(weights) @ V) for weights in path])


def crossing(modes, level):
    """The step, with a fraction, at which each mode (T, K) first reaches its level."""
    after = numpy.argmax(modes >= level, axis=0)  # (K,)
    columns = numpy.arange(len(level))
    high, low = modes[after, columns], modes[after - 1, columns]
    return after - (high - level) / (high - low)


def measured_velocity(layers, mode):
    """d mode / d eta of one gradient step on the matrices, all modes being at `mode`: (3,)."""
    U, V, Y = target()
    weights = networks.balanced_layers(Y, mode, layers)
    gradients = grad(deep_loss)(weights)
    step = lambda eta: chain(tree_map(lambda w, g: w - eta * g, weights, gradients))
    return [grad(lambda eta, k: U[:, k] @ step(eta) @ V[:, k])(0.0, k) for k in range(3)]


@theorem(lesson="supervised", source=SAXE)
def one_layer_on_any_inputs():
    """A linear layer trained by gradient descent follows its closed form on any inputs."""
    rng = numpy.random.default_rng(1)
    x, y = rng.normal(size=(30, 4)) * [2.0, 1.0, 0.5, 0.0], rng.normal(size=(30, 2))
    start = rng.normal(size=(4, 2))
    path = descend(lambda W: mse(x @ W, y), start, 0.1, 25)  # with 2 outputs, eta = 2 * 0.1 / 2
    computed = networks.shallow_weights(x.T @ x / 30, x.T @ y / 30, start, 0.1, 25)
    return Claim(computed, numpy.stack(path), tolerance=1e-12)


@theorem(lesson="supervised", source=SAXE)
def one_layer_modes():
    """In one layer, each step reduces the gap of every mode by the factor 1 - eta."""
    measured = measured_modes(layers=1, step_size=0.1, steps=40)
    computed = networks.shallow_modes(STRENGTH, 0.1, 40, start=0.01)
    return Claim(computed, measured, tolerance=1e-13)


@theorem(lesson="supervised", source=SAXE)
def two_layer_modes():
    """In two layers, m <- m + eta m (s - m^2), where the mode is m^2."""
    measured = measured_modes(layers=2, step_size=0.05, steps=80)
    computed = networks.deep_modes(STRENGTH, 0.01, 0.05, 80)
    return Claim(computed, measured, tolerance=1e-12)


@theorem(lesson="supervised", source=SAXE)
def four_layer_modes():
    """In four layers, m <- m + eta m^3 (s - m^4), where the mode is m^4."""
    measured = measured_modes(layers=4, step_size=0.05, steps=80)
    computed = networks.deep_modes(STRENGTH, 0.01, 0.05, 80, layers=4)
    return Claim(computed, measured, tolerance=1e-12)


@theorem(lesson="supervised", source=SAXE)
def velocity_of_modes():
    """Gradient descent makes a mode u of L layers grow by L u^(2-2/L) (s - u), for L = 1..5."""
    measured = [measured_velocity(layers, 0.3) for layers in range(1, 6)]
    computed = [networks.mode_velocity(0.3, STRENGTH, layers) for layers in range(1, 6)]
    return Claim(computed, measured, tolerance=1e-12)


@theorem(lesson="supervised", source=SAXE)
def flow_solves_its_equation():
    """The sigmoid in which a mode of two layers grows solves du/dt = 2 u (s - u)."""
    u, h = START, 1e-3
    velocity = lambda u: 2.0 * u * (STRENGTH - u)
    for _ in range(2000):  # Runge and Kutta's fourth-order rule, to t = 2
        a = velocity(u)
        b = velocity(u + h / 2 * a)
        c = velocity(u + h / 2 * b)
        u = u + h / 6 * (a + 2 * b + 2 * c + velocity(u + h * c))
    return Claim(networks.two_layer_flow(STRENGTH, START, 2.0), u, tolerance=1e-10)


@theorem(lesson="supervised", source=SAXE)
def flow_is_the_limit_of_small_steps():
    """Halving the step size halves the gap between gradient descent and gradient flow."""
    flow = networks.two_layer_flow(STRENGTH, START, 1.0)
    gaps = [networks.deep_modes(STRENGTH, START, 1.0 / n, n)[-1] - flow for n in (2000, 4000)]
    return Claim(gaps[0] / gaps[1], numpy.full(3, 2.0), tolerance=0.01)  # 2 + O(eta), eta < 1e-3


@theorem(lesson="supervised", source=SAXE)
def half_time_as_an_integral():
    """The half-time of a mode is the integral of du / (2 u (s - u)) up to half its strength."""
    nodes, weights = numpy.polynomial.legendre.leggauss(60)
    half = numpy.log(STRENGTH / 2 / START) / 2  # the integral over log u, half its range
    u = START * numpy.exp(half * (nodes[:, None] + 1.0))
    integral = half * (weights @ (1.0 / (2.0 * (STRENGTH - u))))
    return Claim(networks.half_time(STRENGTH, START), integral, tolerance=1e-12)


@theorem(lesson="supervised", source=SAXE)
def strong_modes_first():
    """Two layers learn one mode after another, with half-times in proportion to 1/s."""
    modes = networks.deep_modes(STRENGTH, START, 1e-3, 12000)
    steps = crossing(modes, STRENGTH / 2)
    return Claim(steps / steps[0], STRENGTH[0] / STRENGTH, tolerance=0.02)  # O(eta s)


@theorem(lesson="supervised", source=SAXE)
def all_modes_at_once():
    """One layer learns all modes at once: each is half learned at step ln 2 / eta."""
    steps = crossing(networks.shallow_modes(STRENGTH, 1e-3, 1000), STRENGTH / 2)
    rate = -math.log1p(-1e-3)  # (1 - eta)^t = exp(-rate t)
    return Claim(steps, numpy.full(3, math.log(2.0) / rate), tolerance=1e-3)


@theorem(
    lesson="networks",
    source="Rahaman et al. 2018, arXiv:1806.08734, for the effect; the formula is linear algebra",
)
def low_frequencies_first():
    """With features (1/k) cos kx, frequency k is learned to the share 1 - (1 - eta/k^2)^t."""
    x, k = numpy.arange(32) * numpy.pi / 16, numpy.arange(1, 6)
    waves, amplitude = 2**0.5 * numpy.cos(x[:, None] * k), numpy.array([1.0, 0.5, 1.0, 2.0, 1.0])
    features, y = waves / k, (waves @ amplitude)[:, None]
    path = descend(lambda w: mse(features @ w, y), numpy.zeros((5, 1)), 0.2, 60)  # eta = 0.4
    measured = [waves.T @ (features @ w)[:, 0] / 32 for w in path]
    computed = networks.shallow_modes(amplitude, 0.4, 60, curvature=1.0 / k**2)
    return Claim(computed, measured, tolerance=1e-12)
