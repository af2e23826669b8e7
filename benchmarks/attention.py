"""A causal transformer (Vaswani et al. 2017) that learns in its activations: value and gradient of
the mean squared error of a prediction at every token."""

import numpy

from benchmarks.lstm import weights

SIZES = {
    "attention": {
        "batch": 64,
        "time": 40,
        "inputs": 16,
        "outputs": 1,
        "width": 64,
        "heads": 4,
        "layers": 2,
        "training_steps": 500,
    }
}
STABLE = 1e-5  # added to the variance
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """A linear layer; per block attention and a perceptron four times as wide, each behind a layer
    norm; a layer norm and a linear layer."""
    D = sizes["width"]
    norm = lambda: {"gain": numpy.ones(D, "float32"), "shift": numpy.zeros(D, "float32")}
    linear = lambda D, C: {"W": weights(rng, D, C), "b": numpy.zeros(C, "float32")}
    block = lambda: {
        "norm": norm(),
        "qkv": linear(D, 3 * D),
        "out": linear(D, D),
        "norm_2": norm(),
        "up": linear(D, 4 * D),
        "down": linear(4 * D, D),
    }
    blocks = [block() for _ in range(sizes["layers"])]
    first, last = linear(sizes["inputs"], D), linear(D, sizes["outputs"])
    return {"first": first, "blocks": blocks, "norm": norm(), "last": last}


def sample(rng, sizes):
    """Tokens (M, T, D) and targets (M, T, 1): the mean of the first coordinate so far."""
    x = rng.normal(size=(sizes["batch"], sizes["time"], sizes["inputs"])).astype("float32")
    count = numpy.arange(1, sizes["time"] + 1, dtype="float32")[:, None]
    return x, numpy.cumsum(x[..., :1], axis=1) / count


def in_minimeta(sizes):
    """nets.attention."""
    from minimeta.core.backend import np
    from minimeta.core.gradients import value_and_grad
    from minimeta.core.losses import mse
    from minimeta.nets.attention import transformer

    net = transformer(sizes["inputs"], 1, sizes["width"], sizes["heads"], sizes["layers"])
    return value_and_grad(lambda params, data: np.mean(mse(net.apply(params, data[0]), data[1])))


def in_jax(sizes):
    """jax.nn.dot_product_attention and jit."""
    import jax
    from jax import numpy as np

    def loss(params, data):
        return np.mean((answers_in_jax(params, data[0], sizes["heads"]) - data[1]) ** 2)

    return jax.jit(jax.value_and_grad(loss))


def answers_in_jax(params, x, heads):
    """The transformer: (M, T, D) -> (M, T, C)."""
    import jax
    from jax import numpy as np

    linear = lambda x, W, b: x @ W + b

    def layer_norm(x, gain, shift):
        return gain * jax.nn.standardize(x, epsilon=STABLE) + shift

    def attend(p, x):
        M, T, D = x.shape
        q, k, v = np.moveaxis(linear(x, **p["qkv"]).reshape(M, T, 3, heads, D // heads), 2, 0)
        mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        return linear(mixed.reshape(M, T, D), **p["out"])

    x = linear(x, **params["first"])
    for p in params["blocks"]:
        x = x + attend(p, layer_norm(x, **p["norm"]))
        x = x + linear(jax.nn.relu(linear(layer_norm(x, **p["norm_2"]), **p["up"])), **p["down"])
    return linear(layer_norm(x, **params["norm"]), **params["last"])


def in_torch(sizes):
    """scaled_dot_product_attention and layer_norm."""
    from torch.nn import functional as F

    def loss(params, data):
        return F.mse_loss(answers_in_torch(params, data[0], sizes["heads"]), data[1])

    return step_in_torch(loss)


def answers_in_torch(params, x, heads):
    """The transformer: (M, T, D) -> (M, T, C)."""
    from torch.nn import functional as F

    linear = lambda x, W, b: F.linear(x, W.T, b)

    def attend(p, x):
        M, T, D = x.shape
        q, k, v = linear(x, **p["qkv"]).view(M, T, 3, heads, D // heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(mixed.transpose(1, 2).reshape(M, T, D), **p["out"])

    def norm(x, p):
        return F.layer_norm(x, x.shape[-1:], p["gain"], p["shift"], STABLE)

    x = linear(x, **params["first"])
    for p in params["blocks"]:
        x = x + attend(p, norm(x, p["norm"]))
        x = x + linear(F.relu(linear(norm(x, p["norm_2"]), **p["up"])), **p["down"])
    return linear(norm(x, params["norm"]), **params["last"])


def step_in_torch(loss):
    """Value and gradient of loss(params, data), whose parameters are a tree."""
    import torch
    from torch.utils._pytree import tree_flatten, tree_unflatten

    def step(params, data):
        weights, spec = tree_flatten(params)
        weights = [w.detach().requires_grad_() for w in weights]
        value = loss(tree_unflatten(weights, spec), data)
        return value.detach(), tree_unflatten(list(torch.autograd.grad(value, weights)), spec)

    return step
