"""Attention, layer norm and the transformer against loops and plain formulas."""

import numpy
import pytest
from derivatives import EXACT, agrees, checked, draws, same
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.nets import attention as module
from minimeta.nets.attention import attend, block, layer_norm, plain_attention, transformer
from minimeta.nets.normalisation import STABLE, standardise

M, T, D, HEADS = 2, 3, 4, 2


def by_loops(qkv, heads, causal):
    """One token, one head at a time, for qkv (T, 3 D)."""
    q, k, v = numpy.split(qkv, 3, axis=-1)
    found, size = numpy.zeros(q.shape), q.shape[-1] // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for t in range(len(q)):
            seen = range(t + 1 if causal else len(q))
            e = [numpy.exp(q[t, part] @ k[s, part] / size**0.5) for s in seen]
            found[t, part] = sum(w * v[s, part] for w, s in zip(e, seen)) / sum(e)
    return found


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_takes_the_softmax_weighted_mean_of_the_values(causal, heads):
    (qkv,) = draws((M, T, 3 * D))
    expected = [by_loops(task, heads, causal) for task in qkv]
    assert_allclose(attend(qkv, heads, causal), expected, rtol=1e-12)
    assert_allclose(plain_attention(qkv, heads, causal), expected, rtol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("lead", [(), (M,), (M, 2)], ids=str)
def test_attention_has_the_derivatives_of_its_formula(causal, lead):
    fused = lambda qkv: attend(qkv, HEADS, causal)
    agrees(fused, lambda qkv: plain_attention(qkv, HEADS, causal), draws((*lead, T, 3 * D)))


def test_attention_by_finite_differences():
    checked(lambda qkv: attend(qkv, HEADS), *draws((T, 3 * D)))
    checked(lambda qkv: plain_attention(qkv, HEADS), *draws((T, 3 * D)))


def test_a_causal_token_does_not_see_what_comes_later():
    (qkv,) = draws((T, 3 * D))
    changed = qkv.copy()
    changed[-1] += 1.0
    assert_array_equal(attend(qkv, HEADS)[:-1], attend(changed, HEADS)[:-1])
    assert not numpy.allclose(attend(qkv, HEADS, False)[:-1], attend(changed, HEADS, False)[:-1])


def test_attention_is_exact_for_scores_of_any_size():
    qkv = 1e3 * draws((T, 3 * D))[0]
    found = attend(qkv, HEADS)
    assert numpy.isfinite(found).all()
    assert numpy.isfinite(grad(lambda qkv: np.sum(attend(qkv, HEADS)))(qkv)).all()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("largest", [0.99, 1.01])
def test_on_both_sides_of_small_scores_attention_is_its_formula(largest, causal, monkeypatch):
    """Below it the largest score of a row is not taken away, above it is: nothing changes."""
    seen, are_small = [], module._are_small
    monkeypatch.setattr(module, "_are_small", lambda s: seen.append(are_small(s)) or seen[-1])
    (qkv,) = draws((M, T, 3 * D))
    q, k, _ = module._split(qkv, HEADS)
    top = numpy.abs(q @ k.swapaxes(-1, -2)).max() * q.shape[-1] ** -0.5
    qkv = qkv * (largest * module.SMALL / top) ** 0.5
    expected, single = module.plain_attention(qkv, HEADS, causal), qkv.astype("float32")
    assert_allclose(attend(qkv, HEADS, causal), expected, rtol=1e-10)
    assert_allclose(attend(single, HEADS, causal), expected, rtol=1e-3, atol=1e-4)
    assert seen == [largest < 1] * 2


def plain_layer_norm(x, gain, shift):
    d = x - np.mean(x, axis=-1, keepdims=True)
    y = d / np.sqrt(np.mean(d**2, axis=-1, keepdims=True) + STABLE)
    return np.expand_dims(gain, -2) * y + np.expand_dims(shift, -2)


def test_standardised_features_are_those_of_a_layer_norm_that_changes_nothing():
    """Mean 0, variance v / (v + STABLE), and the derivatives of the plain formula."""
    (x,) = draws((M, T, D))
    plain = lambda x: plain_layer_norm(x, numpy.ones(D), numpy.zeros(D))
    agrees(standardise, plain, (x,))
    checked(standardise, x)
    variance = x.var(axis=-1)
    assert_allclose(standardise(x).var(axis=-1), variance / (variance + STABLE), rtol=1e-12)


@pytest.mark.parametrize("lead", [(), (M,)], ids=str)
def test_layer_norm_has_the_derivatives_of_its_formula(lead):
    args = draws((M, T, D), (*lead, D), (*lead, D))
    agrees(layer_norm, plain_layer_norm, args)
    checked(layer_norm, *args)


def plain_block(p, x, heads):
    linear = lambda x, W, b: np.matmul(x, W) + np.expand_dims(b, -2)
    qkv = linear(plain_layer_norm(x, **p["norm"]), **p["qkv"])
    x = x + linear(plain_attention(qkv, heads), **p["out"])
    h = np.maximum(linear(plain_layer_norm(x, **p["norm_2"]), **p["up"]), 0.0)
    return x + linear(h, **p["down"])


@pytest.mark.parametrize("tasks", [None, M], ids=["shared", "copied"])
def test_a_block_has_the_derivatives_of_its_formula(tasks):
    params = module.block_init(numpy.random.default_rng(0), D)
    params = tree_map(lambda p: p + 0.1, params)
    params = copies(params, tasks) if tasks else params
    (x,), v = draws((M, T, D)), tree_map(np.cos, params)
    fused = lambda p: np.sum(np.sin(block(p, x, HEADS)))
    plain = lambda p: np.sum(np.sin(plain_block(p, x, HEADS)))
    same(grad(fused)(params), grad(plain)(params), EXACT)
    same(hvp(fused)(params, v), hvp(plain)(params, v), EXACT)


def test_the_transformer_is_its_formula():
    net = transformer(3, 2, width=D, heads=HEADS, blocks=2)
    params = tree_map(lambda p: p + 0.1, net.init(numpy.random.default_rng(0)))
    (x,) = draws((M, T, 3))
    by_hand = x @ params["first"]["W"] + params["first"]["b"]
    assert len(params["blocks"]) == 2
    for p in params["blocks"]:
        by_hand = plain_block(p, by_hand, HEADS)
    by_hand = plain_layer_norm(by_hand, **params["norm"])
    by_hand = by_hand @ params["last"]["W"] + params["last"]["b"]
    assert_allclose(net.apply(params, x), by_hand, rtol=1e-11)
    assert_allclose(net.apply(copies(params, M), x), by_hand, rtol=1e-11)


def test_the_transformer_predicts_every_token_from_those_so_far():
    net = transformer(3, 2, width=D, heads=HEADS, blocks=2)
    params = net.init(numpy.random.default_rng(0))
    (x,) = draws((M, T, 3))
    y = net.apply(params, x)
    assert y.shape == (M, T, 2)
    for t in range(1, T + 1):
        assert_allclose(net.apply(params, x[:, :t]), y[:, :t], rtol=1e-10)


def test_a_float32_transformer_stays_float32():
    single = lambda a: a.astype("float32")
    net = transformer(3, 2, width=D, heads=HEADS, blocks=1)
    params = tree_map(single, net.init(numpy.random.default_rng(0)))
    x = single(draws((M, T, 3))[0])
    found = [net.apply(params, x), *leaves(grad(lambda p: np.sum(net.apply(p, x) ** 2))(params))]
    assert {a.dtype.name for a in found} == {"float32"}


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width must be a multiple of heads; 10 is none of 4"):
        transformer(3, 2, width=10, heads=4)
