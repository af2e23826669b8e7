"""The diagonal of the empirical Fisher information of a 784-256-10 perceptron over 1,000 examples:

    F = sum over examples of (d log p(y | x) / d theta)^2        labels y are the data's

The value is the mean of -log p(y | x)."""

import numpy

from benchmarks.lstm import weights

SIZES = {"fisher": {"examples": 1000, "widths": (784, 256, 10), "training_steps": 50}}


def init(rng, sizes):
    """Two linear layers."""
    pairs = zip(sizes["widths"][:-1], sizes["widths"][1:])
    return [{"W": weights(rng, D, C), "b": numpy.zeros(C, "float32")} for D, C in pairs]


def sample(rng, sizes):
    """Pixels in 0..1 (N, 784) and labels (N,)."""
    N, D, C = sizes["examples"], sizes["widths"][0], sizes["widths"][-1]
    return rng.random((N, D), dtype="float32"), rng.integers(C, size=N)


def in_minimeta(sizes):
    """continual.fisher, which makes no gradient of a single example."""
    from minimeta.continual.fisher import empirical, scale
    from minimeta.core.backend import np
    from minimeta.core.losses import cross_entropy
    from minimeta.nets import mlp, tanh
    from minimeta.tasks import Data

    net = mlp(sizes["widths"], activation=tanh)

    def step(params, data):
        value = np.mean(cross_entropy(net.apply(params, data[0]), data[1]))
        return value, scale(empirical(params, Data(*data), net), len(data[0]))

    return step


def in_jax(sizes):
    """vmap of grad, squared and summed."""
    import jax
    from jax import numpy as np

    def step(params, data):
        values, slopes = jax.vmap(jax.value_and_grad(jax_loss), (None, 0, 0))(params, *data)
        return np.mean(values), jax.tree.map(lambda g: np.sum(g**2, axis=0), slopes)

    return jax.jit(step)


def in_jax_sums(sizes):
    """The same sums as in minimeta: from the slopes of every example's biases."""
    import jax
    from jax import numpy as np

    def losses(biases, params, x, y):
        hidden = np.tanh(x @ params[0]["W"] + biases[0])
        logits = hidden @ params[1]["W"] + biases[1]
        return -np.sum(jax.nn.log_softmax(logits)[np.arange(len(y)), y]), (x, hidden)

    def step(params, data):
        biases = [np.broadcast_to(p["b"], (len(data[0]), len(p["b"]))) for p in params]
        total = jax.value_and_grad(losses, has_aux=True)
        (value, inputs), slopes = total(biases, params, *data)
        squares = [
            {"W": (x**2).T @ d**2, "b": np.sum(d**2, axis=0)} for x, d in zip(inputs, slopes)
        ]
        return value / len(data[0]), squares

    return jax.jit(step)


def jax_loss(params, x, y):
    """-log p(y | x) of one example."""
    import jax
    from jax import numpy as np

    hidden = np.tanh(x @ params[0]["W"] + params[0]["b"])
    return -jax.nn.log_softmax(hidden @ params[1]["W"] + params[1]["b"])[y]


def in_torch_func(sizes):
    """torch.func.vmap of grad, squared and summed."""
    from torch.func import grad_and_value, vmap
    from torch.utils._pytree import tree_map

    def step(params, data):
        slopes, values = vmap(grad_and_value(torch_loss), (None, 0, 0))(params, *data)
        return values.mean(), tree_map(lambda g: (g * g).sum(0), slopes)

    return step


def in_torch_loop(sizes):
    """One backward pass for every example."""
    import torch
    from torch.utils._pytree import tree_flatten, tree_unflatten

    def step(params, data):
        weights, spec = tree_flatten(params)
        weights = [w.detach().requires_grad_() for w in weights]
        squares, total = [torch.zeros_like(w) for w in weights], 0.0
        for x, y in zip(*data):
            value = torch_loss(tree_unflatten(weights, spec), x, y)
            total += value.detach() / len(data[0])
            for square, slope in zip(squares, torch.autograd.grad(value, weights)):
                square.addcmul_(slope, slope)
        return total, tree_unflatten(squares, spec)

    return step


def torch_loss(params, x, y):
    """-log p(y | x) of one example."""
    import torch

    hidden = torch.tanh(x @ params[0]["W"] + params[0]["b"])
    logits = hidden @ params[1]["W"] + params[1]["b"]
    return torch.nn.functional.cross_entropy(logits[None], y[None])
