"""Convolution, pooling and the networks against loops and plain formulas."""

import numpy
import pytest
from derivatives import EXACT, agrees, checked, draws, same
from numpy.testing import assert_allclose, assert_array_equal

from minimeta import nets
from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp, value_and_grad
from minimeta.core.trees import copies, leaves, names, tree_map
from minimeta.nets import pieces
from minimeta.nets.convolution import conv2d
from minimeta.nets.normalisation import (
    FEATURES,
    PIXELS,
    STABLE,
    centre,
    comoment,
    inverse_deviation,
)
from minimeta.nets.pooling import max_pool, pool_normalised

M, N, D, C = 2, 3, 2, 4


def plain_conv2d(x, W):
    """Shift the padded images, once for each pixel of the filters, and add."""
    (rows, columns), (height, width) = np.shape(W)[-4:-2], np.shape(x)[-3:-1]
    around = [(0, 0)] * (np.ndim(x) - 3) + [(rows // 2,) * 2, (columns // 2,) * 2, (0, 0)]
    x, y = np.pad(x, around, "constant"), 0.0
    for i in range(rows):
        for j in range(columns):
            shifted = x[..., i : i + height, j : j + width, :]
            y = y + np.matmul(shifted, np.expand_dims(W[..., i, j, :, :], (-4, -3)))
    return y


def plain_max_pool(x):
    height, width = (side // 2 for side in np.shape(x)[-3:-1])
    even = x[..., : 2 * height, : 2 * width, :]
    squares = np.reshape(even, (*np.shape(x)[:-3], height, 2, width, 2, np.shape(x)[-1]))
    return np.max(squares, axis=(-4, -2))


def plain_normalised(x, axes):
    d = x - np.mean(x, axis=axes, keepdims=True)
    return d / np.sqrt(np.mean(d**2, axis=axes, keepdims=True) + STABLE)


def test_conv2d_by_hand():
    """One output pixel is the sum over its window, cut off at the edge."""
    x, W = draws((1, 4, 5, D), (3, 3, D, C))
    y = conv2d(x, W)
    inside = sum(x[0, i, j] @ W[i, j + 1 - 2] for i in range(3) for j in range(1, 4))
    corner = sum(x[0, i, j] @ W[i + 1, j + 1] for i in range(2) for j in range(2))
    assert_allclose(y[0, 1, 2], inside, rtol=1e-12)
    assert_allclose(y[0, 0, 0], corner, rtol=1e-12)


LEADS = {
    "no tasks": ((), ()),
    "a copy each": ((M,), (M,)),
    "shared filters": ((M,), ()),
    "shared images": ((), (M,)),
    "axes of length one": ((M, 1), (1, 2)),
}


@pytest.mark.parametrize("leads", LEADS.values(), ids=LEADS)
@pytest.mark.parametrize("size", [(3, 3), (1, 1), (5, 3)], ids=str)
def test_conv2d_has_the_derivatives_of_its_formula(leads, size):
    args = draws((*leads[0], N, 4, 5, D), (*leads[1], *size, D, C))
    agrees(conv2d, plain_conv2d, args)


def test_conv2d_by_finite_differences():
    checked(conv2d, *draws((2, 3, 3, D), (3, 3, D, 2)))


def test_conv2d_of_two_float_types_keeps_the_longer():
    x, W = draws((N, 4, 4, D), (3, 3, D, C))
    exact = conv2d(x.astype("float32").astype("float64"), W)
    assert_allclose(conv2d(x.astype("float32"), W), exact, rtol=1e-14)


def test_conv2d_is_the_same_in_pieces_and_with_equal_copies(monkeypatch):
    x, W = draws((M, N, 4, 5, D), (3, 3, D, C))
    results = lambda W: value_and_grad(lambda args: np.sum(conv2d(*args) ** 3))((x, W))
    whole, copied = results(W), results(copies(W, M))
    monkeypatch.setattr(pieces, "CACHE", 1)
    same(results(W), whole, dict(rtol=1e-12, atol=1e-12))
    assert_allclose(copied[0], whole[0], rtol=1e-12)
    assert_allclose(copied[1][1].sum(axis=0), whole[1][1], rtol=1e-12)
    assert_array_equal(conv2d(x[0], copies(W, M)), copies(conv2d(x[0], W), M))


def test_conv2d_names_the_shapes_that_do_not_fit():
    for W_shape in [(3, 3, D + 1, C), (2, 3, D, C), (3, D, C)]:
        with pytest.raises(ValueError, match=r"odd, odd, D, C"):
            conv2d(*draws((N, 4, 4, D), W_shape))


@pytest.mark.parametrize("sides", [(4, 6), (5, 3), (2, 2)], ids=str)
def test_max_pool_has_the_derivatives_of_its_formula(sides):
    args = draws((M, N, *sides, D))
    agrees(max_pool, plain_max_pool, args)
    checked(max_pool, *args)


def test_pixels_that_tie_share_the_gradient():
    x = numpy.array([[1.0, 2.0], [2.0, 0.0]]).reshape(1, 2, 2, 1)
    gradient = grad(lambda x: np.sum(max_pool(x)))(x)
    assert_array_equal(gradient.reshape(2, 2), [[0.0, 0.5], [0.5, 0.0]])
    v = numpy.array([[3.0, 1.0], [0.0, 0.0]]).reshape(1, 2, 2, 1)
    second = hvp(lambda x: np.sum(max_pool(x) ** 2))(x, v)  # the pooled moves by the mean of v
    assert_array_equal(second.reshape(2, 2), [[0.0, 0.5], [0.5, 0.0]])


AXES = {"pixels": PIXELS, "features": FEATURES}


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_normalisation_has_the_derivatives_of_its_formula(axes):
    fused = lambda x: centre(x, inverse_deviation(x, axes), axes)
    plain = lambda x: plain_normalised(x, axes)
    args = draws((M, N, 2, 3, D + 1))
    agrees(fused, plain, args)
    checked(fused, *args)


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_comoment_and_centring_are_adjoint_to_any_order(axes):
    q, x = draws((M, N, 2, 3, D), (M, N, 2, 3, D))
    mean = lambda x: np.mean(x, axis=axes, keepdims=True)
    plain = lambda q, x: np.sum(q * (x - mean(x)), axis=axes, keepdims=True)
    agrees(lambda q, x: comoment(q, x, axes), plain, (q, x))


@pytest.mark.parametrize("sides", [(4, 6), (5, 3), (2, 2)], ids=str)
@pytest.mark.parametrize("cache", [1, 150, 2**18])
def test_pooling_normalised_images_has_the_derivatives_of_its_formula(sides, cache, monkeypatch):
    monkeypatch.setattr(pieces, "CACHE", cache)
    plain = lambda y: plain_max_pool(plain_normalised(y, PIXELS))
    args = draws((M, N, *sides, D))
    agrees(pool_normalised, plain, args)
    checked(pool_normalised, *args)


def test_tied_pixels_share_the_gradient_of_normalised_pooling_too():
    """Pixels of few values: the parts of the formula, each a primitive that is tested by itself."""
    y = numpy.round(draws((M, N, 4, 6, D))[0])
    mean = lambda y: np.mean(y, axis=PIXELS, keepdims=True)
    apart = lambda y: (max_pool(y) - mean(y)) * inverse_deviation(y, PIXELS)
    total = lambda f: lambda y: np.sum(np.sin(f(y)))
    same(grad(total(pool_normalised))(y), grad(total(apart))(y), EXACT)


def plain_conv_net(params, x):
    """Normalise and relu every pixel, then pool: the order of the published network."""
    for p in params["blocks"]:
        y = plain_normalised(plain_conv2d(x, p["W"]), PIXELS)
        b = np.reshape(p["b"], (*np.shape(p["b"])[:-1], 1, 1, 1, -1))
        x = plain_max_pool(np.maximum(y + b, 0.0))
    x = np.reshape(x, (*np.shape(x)[:-3], -1))
    return np.matmul(x, params["last"]["W"]) + np.expand_dims(params["last"]["b"], -2)


@pytest.mark.parametrize("tasks", [None, M], ids=["shared", "copied"])
def test_the_conv_net_is_the_published_network_to_second_order(tasks):
    """Pooling before normalising and relu changes nothing: all three are increasing."""
    net = nets.conv((5, 6, D), filters=(3, 2), outputs=4)
    params = net.init(numpy.random.default_rng(0))
    params = tree_map(lambda p: p + 0.1, params)
    params = copies(params, tasks) if tasks else params
    (x,) = draws((M, N, 5, 6, D))
    v = tree_map(np.cos, params)
    for f in (value_and_grad, lambda loss: lambda p: hvp(loss)(p, v)):
        net_loss = lambda p: np.sum(np.sin(net.apply(p, x)))
        plain_loss = lambda p: np.sum(np.sin(plain_conv_net(p, x)))
        same(f(net_loss)(params), f(plain_loss)(params), EXACT)


def test_a_float32_conv_net_stays_float32():
    net = nets.conv((4, 4, 1), filters=(2, 2), outputs=3)
    single = lambda a: a.astype("float32")
    params = tree_map(single, net.init(numpy.random.default_rng(0)))
    x = single(draws((N, 4, 4, 1))[0])
    found = value_and_grad(lambda p: np.sum(net.apply(p, x) ** 2))(params)
    assert {a.dtype.name for a in leaves(found)} == {"float32"}


def test_conv_refuses_images_that_its_blocks_halve_to_nothing():
    with pytest.raises(ValueError, match="halve 7x28 pixels to nothing"):
        nets.conv((7, 28, 1), filters=(4, 4, 4))
    with pytest.raises(ValueError, match="x must be images"):
        net = nets.conv((8, 8, 1), filters=(4,))
        net.apply(net.init(numpy.random.default_rng(0)), numpy.zeros((2, 8, 9, 1)))


@pytest.mark.parametrize("activation", [nets.relu, nets.tanh, np.tanh], ids=["relu", "tanh", "np"])
def test_mlp_alternates_linear_layers_and_activations(activation):
    net = nets.mlp([D, 5, 4, C], activation)
    params = tree_map(lambda p: p + 0.1, net.init(numpy.random.default_rng(0)))
    (x,) = draws((M, N, D))
    by_hand = x
    for layer in params[:-1]:
        by_hand = activation(by_hand @ layer["W"] + layer["b"])
    assert_allclose(net.apply(params, x), by_hand @ params[-1]["W"] + params[-1]["b"], rtol=1e-12)
    assert_allclose(net.apply(copies(params, M), x), net.apply(params, x), rtol=1e-12)
    assert names(params)[:2] == ["[0]['W']", "[0]['b']"]
