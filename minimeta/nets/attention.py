"""Attention: every token asks all tokens before it, and takes from each what its answer is worth.

    attention   q, k, v = x W + b;   softmax(q k' / sqrt(D / heads)) v, head by head;   then W, b
    block       x <- x + attention(layer_norm(x));   x <- x + perceptron(layer_norm(x))
    transformer linear, blocks, layer_norm, linear

Tokens are x (..., T, D). Order matters only through the causal mask: a token sees itself and what
came before. All heads together are one primitive, and its gradient is another one:

    weights = attention_weights(qkv)                (..., heads, T, T): what the softmax gives
    mix_values(qkv, weights)                        (..., T, D)
    attention_gradient(g, qkv, weights)             (..., T, 3 D): of sum(g mix_values) in qkv

The first gradient takes the weights as they are, and goes through them by its own formula. Second
derivatives are those of `plain_attention`, which is written in primitives of any order.

Source: Vaswani et al. 2017; normalised before, not after (Xiong et al. 2020).
"""

import numpy
from autograd.extend import defvjp

from minimeta.core import checks
from minimeta.core.backend import np, primitive, to_device
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax, softmax_gradient
from minimeta.nets.layers import constant_primitive, linear, product, relu, rows
from minimeta.nets.mlp import check_input, layer
from minimeta.nets.net import Net
from minimeta.nets.normalisation import standardise

SMALL = 60.0  # exp(-60) and exp(60) are 1e-26 and 1e26; float32 holds 1e-38 to 1e38
WIDER = 4  # a block's perceptron is so many times as wide as its tokens


def transformer(inputs, outputs, width=64, heads=4, blocks=2, causal=True):
    """Tokens (..., T, inputs) -> (..., T, outputs). No positions are added: x may hold them."""
    sizes = dict(inputs=inputs, outputs=outputs, width=width, heads=heads, blocks=blocks)
    for name, value in sizes.items():
        checks.integer(name, value, at_least=1)
    if width % heads:
        raise ValueError(f"width must be a multiple of heads; {width} is none of {heads}.")

    def init(rng):
        checks.generator("rng", rng)
        first = layer(rng, inputs, width, gain=1.0)
        middle = [block_init(rng, width) for _ in range(blocks)]
        last = layer(rng, width, outputs, gain=1.0)
        params = {"first": first, "blocks": middle, "norm": norm_init(width), "last": last}
        return to_device(params)

    def apply(params, x):
        check_input(x, inputs)
        x = linear(x, **params["first"])
        for p in params["blocks"]:
            x = block(p, x, heads, causal)
        return linear(layer_norm(x, **params["norm"]), **params["last"])

    return Net(init, apply)


def block_init(rng, width):
    """Fresh parameters of one block: weights N(0, 1 / inputs), 2 / inputs before relu."""
    return {
        "norm": norm_init(width),
        "qkv": layer(rng, width, 3 * width, gain=1.0),
        "out": layer(rng, width, width, gain=1.0),
        "norm_2": norm_init(width),
        "up": layer(rng, width, WIDER * width, gain=2.0),
        "down": layer(rng, WIDER * width, width, gain=1.0),
    }


def norm_init(width):
    """Parameters of a layer norm that leave what is normalised as it is."""
    return {"gain": numpy.ones(width), "shift": numpy.zeros(width)}


def block(params, x, heads, causal=True):
    """Attention and a perceptron, each added to the tokens x (..., T, D)."""
    x = x + attention(params, layer_norm(x, **params["norm"]), heads, causal)
    h = relu(linear(layer_norm(x, **params["norm_2"]), **params["up"]))
    return x + linear(h, **params["down"])


def layer_norm(x, gain, shift):
    """Mean 0 and variance 1 for every token (..., T, D), then gain and shift (..., D)."""
    checks.floats("gain", gain)
    checks.floats("shift", shift)
    return standardise(x) * np.expand_dims(gain, -2) + np.expand_dims(shift, -2)


def attention(params, x, heads, causal=True):
    """Multi-head attention of the tokens x (..., T, D) to each other."""
    return linear(attend(linear(x, **params["qkv"]), heads, causal), **params["out"])


def attend(qkv, heads, causal=True):
    """softmax(q k' / sqrt(D / heads)) v, head by head: qkv (..., T, 3 D) -> (..., T, D)."""
    check_heads(qkv, heads)
    weights = attention_weights(qkv, heads, causal)
    return mix_values(qkv, weights, heads, causal)


def check_heads(qkv, heads):
    """Raise unless qkv is (..., T, 3 D) with D a multiple of heads."""
    checks.floats("qkv", qkv)
    checks.axes("qkv", qkv, "... T 3D")
    checks.integer("heads", heads, at_least=1)
    if np.shape(qkv)[-1] % (3 * heads):
        raise ValueError(
            f"heads must divide the {np.shape(qkv)[-1]} / 3 features of qkv; it is {heads}."
        )


def plain_attention(qkv, heads, causal=True):
    """What `attend` computes, in primitives that each have derivatives of any order."""
    check_heads(qkv, heads)
    D, T = np.shape(qkv)[-1] // 3, np.shape(qkv)[-2]
    split = np.reshape(qkv, (*np.shape(qkv)[:-1], 3, heads, D // heads))
    q, k, v = (np.swapaxes(split[..., i, :, :], -3, -2) for i in range(3))  # (..., heads, T, .)
    scores = rows(q, k, (*np.shape(q)[:-1], T)) * (D // heads) ** -0.5
    if causal:
        scores = scores + causal_mask(qkv)
    mixed = np.swapaxes(product(softmax(scores), v), -3, -2)
    return np.reshape(mixed, (*np.shape(qkv)[:-1], D))


@constant_primitive
def attention_weights(qkv, heads, causal):
    """softmax(q k' / sqrt(D / heads)): how much each token takes of every token (last axis)."""
    q, k, _ = _split(qkv, heads)
    scores = numpy.matmul(q * q.shape[-1] ** -0.5, k.swapaxes(-1, -2))  # (..., heads, T, T)
    if not _are_small(scores):
        return softmax(scores + causal_mask(qkv) if causal else scores)
    numpy.exp(scores, out=scores)
    if causal:
        scores *= numpy.tri(scores.shape[-1], dtype=scores.dtype)
    scores /= numpy.einsum("...t->...", scores)[..., None]
    return scores


def _are_small(scores):
    """Whether exp of every score and a sum of them is a normal number: softmax then need not take
    the largest of each row away first. A GPU is not stopped to ask: there the answer is no."""
    return isinstance(scores, numpy.ndarray) and max(scores.max(), -scores.min()) < SMALL


@constant_primitive
def causal_mask(qkv):
    """(T, T): minus infinity where the second token comes after the first, 0 elsewhere."""
    T = qkv.shape[-2]
    return numpy.triu(numpy.full((T, T), -numpy.inf, qkv.dtype, like=qkv), 1)


@primitive
def mix_values(qkv, weights, heads, causal):
    """weights v, the heads side by side: (..., T, D)."""
    mixed = numpy.matmul(weights, _split(qkv, heads)[2])  # (..., heads, T, D / heads)
    return mixed.swapaxes(-3, -2).reshape(*qkv.shape[:-1], qkv.shape[-1] // 3)


@primitive
def attention_gradient(g, qkv, weights, heads, causal):
    """The gradient of sum(g mix_values) in qkv, through the weights too: (..., T, 3 D)."""
    gradient = numpy.empty(qkv.shape, qkv.dtype, like=qkv)
    q, k, v = _split(qkv, heads)  # (..., heads, T, D / heads) each, as is g from here on
    q_gradient, k_gradient, v_gradient = _split(gradient, heads)
    g = g.reshape(*g.shape[:-1], heads, -1).swapaxes(-3, -2)
    v_gradient[...] = numpy.matmul(weights.swapaxes(-1, -2), g)
    d = softmax_gradient(numpy.matmul(g, v.swapaxes(-1, -2)), weights)  # in the scores, (T, T)
    d *= q.shape[-1] ** -0.5
    q_gradient[...] = numpy.matmul(d, k)
    k_gradient[...] = numpy.matmul(d.swapaxes(-1, -2), q)
    return gradient


def _plain_gradient(g, qkv, heads, causal):
    return grad(lambda qkv: np.sum(g * plain_attention(qkv, heads, causal)))(qkv)


def _second_gradient(argnum):
    """Through the plain formula: the weights are no constant of a second derivative."""

    def vjp(ans, g, qkv, weights, heads, causal):
        f = lambda r: lambda g, qkv: np.sum(r * _plain_gradient(g, qkv, heads, causal))
        return lambda r: grad(f(r), argnum)(g, qkv)

    return vjp


defvjp(mix_values, lambda ans, qkv, *rest: lambda g: attention_gradient(g, qkv, *rest))
defvjp(attention_gradient, _second_gradient(0), _second_gradient(1))


def _split(qkv, heads):
    """Views of q, k and v (..., heads, T, D / heads) in qkv (..., T, 3 D)."""
    split = qkv.reshape(*qkv.shape[:-1], 3, heads, -1)
    return [split[..., i, :, :].swapaxes(-3, -2) for i in range(3)]
