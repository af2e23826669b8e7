"""Theorems on differentiation: first, second and mixed derivatives against calculus by hand."""

import math

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp, value_and_grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.trees import copies, flatten, tree_map
from minimeta.nets import mlp
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import CALCULUS, FINN, differences


def draws(*shapes, seed=0):
    """Standard normal arrays of the given shapes."""
    rng = numpy.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


@theorem(lesson="gradients", source=CALCULUS)
def gradient_of_a_quadratic_form():
    """The gradient of x'Ax/2 is (A + A')x/2."""
    A, x = draws((4, 4), 4)
    return Claim(grad(lambda x: x @ A @ x / 2)(x), (A + A.T) @ x / 2, tolerance=1e-14)


@theorem(lesson="gradients", source=CALCULUS)
def hessian_of_a_quadratic_form():
    """The Hessian of x'Ax/2 times v is (A + A')v/2."""
    A, x, v = draws((4, 4), 4, 4)
    return Claim(hvp(lambda x: x @ A @ x / 2)(x, v), (A + A.T) @ v / 2, tolerance=1e-14)


@theorem(lesson="gradients", source=CALCULUS)
def derivatives_of_sine_to_fifth_order():
    """The n-th derivative of sin is sin shifted by n quarter turns (n = 1..5)."""
    f, computed = np.sin, []
    for _ in range(5):
        f = grad(f)
        computed.append(f(0.7))
    return Claim(computed, [math.sin(0.7 + n * math.pi / 2) for n in range(1, 6)], tolerance=1e-14)


@theorem(lesson="gradients", source=f"{FINN}, section 2.2")
def gradient_through_a_gradient_step():
    """After one step on (t-c)'A(t-c)/2 the gradient in the start is (I-aA)A(I-aA)(t-c)."""
    R, c, t = draws((3, 3), 3, 3)
    A, a = R @ R.T, 0.1
    J = np.eye(3) - a * A
    loss = lambda t: (t - c) @ A @ (t - c) / 2
    through = grad(lambda t: loss(t - a * grad(loss)(t)))
    return Claim(through(t), J @ A @ J @ (t - c), tolerance=1e-12)


@theorem(lesson="networks", source=CALCULUS)
def backpropagation_equals_differences():
    """Back-propagation through a network gives the gradient that central differences give."""
    net = mlp([3, 5, 2], activation=np.tanh)
    theta = net.init(numpy.random.default_rng(0))
    x, y = draws((7, 3), (7, 2))
    loss = lambda theta: mse(net.apply(theta, x), y)
    return Claim(flatten(grad(loss)(theta)), differences(loss, theta, 1e-6), tolerance=1e-8)


@theorem(lesson="supervised", source=CALCULUS)
def gradient_of_mse():
    """The gradient of mse is 2 (prediction - target) / (N C): a mean, without a factor 1/2."""
    prediction, target = draws((6, 4), (6, 4))
    gradient = grad(mse)(prediction, target)
    return Claim(gradient, 2 * (prediction - target) / 24, tolerance=1e-15)


@theorem(lesson="networks", source="Bishop 2006, eq. 4.109")
def gradient_of_cross_entropy():
    """The gradient of softmax cross-entropy is (softmax - onehot) / N."""
    (logits,) = draws((6, 4))
    labels = numpy.arange(6) % 4
    p = numpy.exp(logits) / numpy.exp(logits).sum(-1, keepdims=True)
    gradient = grad(lambda z: cross_entropy(z, labels))(logits)
    return Claim(gradient, (p - numpy.eye(4)[labels]) / 6, tolerance=1e-15)


@theorem(lesson="networks", source="log-sum-exp shift")
def cross_entropy_of_large_logits():
    """The cross-entropy of logits +-1e4 is exactly 0 or 2e4, so nothing overflows."""
    logits = numpy.array([[[1e4, -1e4]], [[1e4, -1e4]]])
    return Claim(cross_entropy(logits, numpy.array([[0], [1]])), [0.0, 2e4], tolerance=0.0)


@theorem(lesson="maml", source="linearity")
def copies_give_every_task_its_gradient():
    """With a copy of the parameters per task, one gradient of the sum holds every task's own."""
    net = mlp([2, 4, 1], activation=np.tanh)
    theta = net.init(numpy.random.default_rng(1))
    x, y = draws((3, 5, 2), (3, 5, 1))
    together = grad(lambda t: np.sum(mse(net.apply(t, x), y)))(copies(theta, 3))
    alone = [grad(lambda t, x, y: mse(net.apply(t, x), y))(theta, *xy) for xy in zip(x, y)]
    stacked = tree_map(lambda *leaves: numpy.stack(leaves), *alone)
    return Claim(flatten(together), flatten(stacked), tolerance=1e-15)


@theorem(lesson="gradients", source=CALCULUS)
def second_derivative_of_tanh():
    """tanh has the finite second derivative -2 tanh (1 - tanh^2), also at x = 800."""
    x = [-800.0, -0.3, 0.0, 1.2, 800.0]
    exact = [-2 * math.tanh(v) * (1 - math.tanh(v) ** 2) for v in x]
    return Claim([grad(grad(np.tanh))(v) for v in x], exact, tolerance=1e-15)


@theorem(lesson="gradients", source=CALCULUS)
def gradient_of_a_mean():
    """The gradient of a float32 mean is 1/N in every entry, and the value is exact."""
    x = numpy.ones((5, 3), dtype="float32")
    value, gradient = value_and_grad(np.mean)(x)
    return Claim([value, *gradient.ravel()], [1.0] + 15 * [numpy.float32(1 / 15)], tolerance=0.0)


@theorem(lesson="gradients", source=CALCULUS)
def gradient_of_a_norm_that_keeps_its_axis():
    """The derivative of x / |x|, the head of every cosine, is (I - u u') / |x| with u = x / |x|."""
    x, g = draws((3, 4), (3, 4))
    unit = lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)
    length = numpy.sqrt((x**2).sum(-1, keepdims=True))
    u = x / length
    exact = (g - u * (u * g).sum(-1, keepdims=True)) / length
    return Claim(grad(lambda x: np.sum(unit(x) * g))(x), exact, tolerance=1e-14)


@theorem(lesson="gradients", source=CALCULUS)
def gradient_of_a_product_with_zeros():
    """The gradient of a product is the product of all the other factors, zeros included."""
    x = numpy.array([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [-1.0, 2.0, 5.0]])
    exact = [[math.prod(numpy.delete(row, i)) for i in range(3)] for row in x]
    return Claim(grad(lambda x: np.sum(np.prod(x, axis=1)))(x), exact, tolerance=0.0)


@theorem(lesson="gradients", source=CALCULUS)
def mixed_derivative_of_a_power_at_exponent_zero():
    """The mixed derivative of x^y at y = 0 is 1 / x, in either order."""
    x, zero = numpy.array([0.5, 2.0, 23.0]), numpy.zeros(3)
    in_x = lambda y: np.sum(grad(lambda x: np.sum(x**y))(x))
    in_y = lambda x: np.sum(grad(lambda y: np.sum(x**y))(zero))
    return Claim([grad(in_x)(zero), grad(in_y)(x)], [1 / x, 1 / x], tolerance=1e-15)
