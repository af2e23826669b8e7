"""Linear layers and activations against autograd's own derivation of the plain formula."""

import numpy
import pytest
from derivatives import EXACT, agrees, checked, draws, same
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.trees import copies
from minimeta.nets import layers

M, N, D, C = 3, 4, 2, 5


def plain_linear(x, W, b):
    return np.matmul(x, W) + np.expand_dims(b, -2)


def plain_mlp(x, W, b, V, c):
    return plain_linear(np.tanh(plain_linear(np.maximum(plain_linear(x, W, b), 0.0), V, c)), W, b)


def mlp(x, W, b, V, c):
    h = layers.relu(layers.linear(x, W, b))
    return layers.linear(layers.tanh(layers.linear(h, V, c)), W, b)


LEADS = {
    "no tasks": ((), (), ()),
    "a copy each": ((M,), (M,), (M,)),
    "shared parameters": ((M,), (), ()),
    "shared inputs": ((), (M,), (M,)),
    "shared weights": ((M,), (), (M,)),
    "shared bias": ((M,), (M,), ()),
    "bias alone has tasks": ((), (), (M,)),
    "axes of length one": ((M, 1), (1, 2), (1, 1)),
    "two task axes": ((2, M), (M,), (2, M)),
}


@pytest.mark.parametrize("leads", LEADS.values(), ids=LEADS)
@pytest.mark.parametrize("sizes", [(N, D, C), (1, 1, 1), (N, 1, C), (N, D, 1)], ids=str)
def test_linear_has_the_derivatives_of_xW_plus_b(leads, sizes):
    (x, W, b), (rows, inputs, outputs) = leads, sizes
    args = draws((*x, rows, inputs), (*W, inputs, outputs), (*b, outputs))
    agrees(layers.linear, plain_linear, args)


@pytest.mark.parametrize("lead", [(), (M,), (1,)], ids=str)
@pytest.mark.parametrize("shape", [(), (M,), (1,)], ids=str)
def test_the_gradients_of_linear_have_derivatives_of_every_order(lead, shape):
    """Of g (M, N, C), whatever x and W lack: sums over what was repeated to get there."""

    def summed(a):
        a = a if shape == (M,) else np.sum(a, axis=0, keepdims=True)
        return a if shape else a[0]

    turn = lambda a: np.swapaxes(a, -1, -2)
    x, W, g = draws((*lead, N, D), (*lead, D, C), (M, N, C))
    fused = lambda x, g: layers.columns(x, g, (*shape, D, C))
    agrees(fused, lambda x, g: summed(np.matmul(turn(x), g)), (x, g))
    fused = lambda g, W: layers.rows(g, W, (*shape, N, D))
    agrees(fused, lambda g, W: summed(np.matmul(g, turn(W))), (g, W))


def test_linear_takes_its_parameters_by_name():
    """autograd itself does not look into keyword arguments."""
    x, W, b = draws((M, N, D), (D, C), (C,))
    loss = lambda p: np.sum(layers.linear(x, **p) ** 3)
    gradients = grad(loss)({"W": W, "b": b})
    same(gradients, grad(lambda p: np.sum(plain_linear(x, **p) ** 3))({"W": W, "b": b}), EXACT)


def test_broadcast_parameters_give_every_task_its_own_gradient():
    x, W, b = draws((M, N, D), (D, C), (C,))
    views, solid = copies((W, b), M), (numpy.stack([W] * M), numpy.stack([b] * M))
    loss = lambda p: np.sum(layers.linear(x, *p) ** 3)
    same(value_and_grad(loss)(views), value_and_grad(loss)(solid), dict(rtol=1e-13, atol=1e-13))
    loss = lambda p: np.sum(layers.linear(x[0], *p) ** 3)
    same(value_and_grad(loss)(views), value_and_grad(loss)(solid), dict(rtol=1e-13, atol=1e-13))


def test_shared_parameters_have_the_summed_gradient_of_the_copies():
    x, W, b = draws((M, N, D), (D, C), (C,))
    loss = lambda p: np.sum(layers.linear(x, *p) ** 3)
    each = grad(loss)(copies((W, b), M))
    same(grad(loss)((W, b)), [g.sum(axis=0) for g in each], dict(rtol=1e-12, atol=1e-12))


def test_tasks_that_share_weights_cost_one_product(monkeypatch):
    """The 2-d product of all M N rows, forwards and for the one summed gradient."""
    x, W, b = draws((M, N, D), (D, C), (C,))
    ranks, matmul = [], numpy.matmul
    monkeypatch.setattr(numpy, "matmul", lambda a, b: ranks.append(a.ndim) or matmul(a, b))
    grad(lambda p: np.sum(layers.linear(x, *p)))((W, b))
    assert ranks == [2, 2, 1]  # the last for the summed gradient of b
    layers.linear(x, *copies((W, b), M))
    assert ranks == [2, 2, 1, 2]


@pytest.mark.parametrize("lead", [(), (M,)], ids=str)
def test_few_rows_of_a_wide_matrix_have_the_same_gradients(lead):
    """There g W' is computed as (W g')'."""
    rows, wide = 2, layers.SMALL
    x, W, b = draws((M, rows, wide), (*lead, wide, D), (D,))
    f = lambda linear: grad(lambda x: np.sum(linear(x, W, b) ** 3))(x)
    assert_allclose(f(layers.linear), f(plain_linear), rtol=1e-10)


def test_inputs_are_left_alone():
    args = draws((M, N, D), (M, D, C), (M, C))
    before = [a.copy() for a in args]
    grad(lambda p: np.sum(layers.tanh(layers.linear(*p))))(args)
    same(args, before, dict(rtol=0, atol=0))


@pytest.mark.parametrize("name, plain", [("relu", lambda x: np.maximum(x, 0.0)), ("tanh", np.tanh)])
def test_activations_have_the_derivatives_of_their_formula(name, plain):
    agrees(getattr(layers, name), plain, draws((M, N, C)))
    checked(getattr(layers, name), *draws((N, C)))


def test_relu_at_zero_is_flat():
    gradient = grad(lambda x: np.sum(layers.relu(x)))(numpy.array([-1.0, 0.0, 2.0]))
    assert_array_equal(gradient, [0.0, 0.0, 1.0])


def test_fourth_derivative_of_tanh():
    """tanh'''' = 8 y (1 - y^2) (2 - 3 y^2) with y = tanh x."""
    f = layers.tanh
    for _ in range(4):
        f = grad(f)
    y = numpy.tanh(0.3)
    assert_allclose(f(numpy.array(0.3)), 8 * y * (1 - y**2) * (2 - 3 * y**2), rtol=1e-12)


def test_a_network_of_layers_has_the_derivatives_of_its_formula():
    args = draws((M, N, D), (M, D, D), (M, D), (M, D, D), (D,))
    agrees(mlp, plain_mlp, args)
    checked(mlp, *args)


def test_linear_names_the_shapes_that_do_not_fit():
    x, W, b = draws((N, D), (C, D), (D,))
    with pytest.raises(ValueError, match=r"x \(\.\.\., N, D\).*\(4, 2\), \(5, 2\)"):
        layers.linear(x, W, b)
