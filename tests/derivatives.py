"""What every layer and loss must satisfy: the derivatives of its plain formula, on both devices.

`agrees` compares a function made of primitives with its plain formula, which autograd
differentiates call by call: value, gradient, Hessian times vector and one order more, in float64.
Then it does the same in float32, and on the stand-in device without a transfer.
"""

import numpy
import standin
from autograd.test_util import check_grads
from numpy.testing import assert_allclose

from minimeta.core.backend import current, np, to_device, to_host, use
from minimeta.core.gradients import grad, hvp
from minimeta.core.trees import dot, leaves, tree_map

EXACT = dict(rtol=1e-10, atol=1e-10)
SINGLE = dict(rtol=2e-3, atol=2e-4)  # float32: about 1e-7 a step, through third derivatives


def draws(*shapes, seed=0):
    """Standard normal arrays."""
    rng = numpy.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def scalar(f):
    """A scalar with derivatives of every order: a weighted sum of the elements of sin(f)."""

    def total(args):
        y = f(*args)
        weights = np.reshape(np.cos(np.arange(y.size).astype(y.dtype)), y.shape)
        return np.sum(weights * np.sin(y))

    return total


def derivatives(f, args, order):
    """Value, gradient, H v and the gradient of v'H v, as far as `order` asks: a list of arrays."""
    total, v = scalar(f), tree_map(lambda a: np.cos(3 * a), args)
    arrays = [f(*args), *grad(total)(args)]
    if order > 1:
        arrays += hvp(total)(args, v)
    if order > 2:
        arrays += grad(lambda a: dot(hvp(total)(a, v), v))(args)
    return arrays


def agrees(f, plain, args, order=3, tolerance=EXACT):
    """Raise AssertionError unless f is `plain` to this order, everywhere."""
    exact = derivatives(plain, args, order)
    same(derivatives(f, args, order), exact, tolerance)
    single = derivatives(f, tree_map(lambda a: a.astype("float32"), args), order)
    assert {a.dtype for a in leaves(single)} == {numpy.dtype("float32")}
    same(single, exact, SINGLE)
    same(on_device(lambda args: derivatives(f, args, order), args), exact, tolerance)


def on_device(f, *args):
    """f(*args) on the stand-in device, with the result on the host; nothing may move in between."""
    before = current()
    use(standin, dtype="float64")
    try:
        args = to_device(args)
        with standin.forbid():
            result = f(*args)
        return to_host(result)
    finally:
        use(*before)


def same(tree, expected, tolerance):
    """Raise AssertionError unless the leaves agree in number, shape and value."""
    for a, b in zip(leaves(tree), leaves(expected), strict=True):
        assert numpy.shape(a) == numpy.shape(b)
        assert_allclose(a, b, **tolerance)


def checked(f, *args):
    """autograd's own comparison with finite differences, to second order."""
    check_grads(f, modes=["rev"], order=2)(*args)
