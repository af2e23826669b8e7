"""A learned optimizer (Andrychowicz et al. 2016): a two-layer LSTM(20), shared by all coordinates,
turns gradients into steps. Value and gradient of the summed losses of 20 unrolled steps on random
quadratics |W theta - y|^2; the optimizee's gradients count as constants (no second derivatives)."""

import math

import numpy

from benchmarks.lstm import weights

SIZES = {
    "learned_optimizer": {
        "problems": 128,
        "dimensions": 10,  # 1,280 coordinates
        "hidden": 20,
        "unrolled": 20,
        "training_steps": 500,
    }
}
SMALLEST = 10.0  # p in the paper's preprocessing: below exp(-p) a gradient is passed on linearly
OUTPUT = 0.1  # scale of the steps, so that an untrained optimizer does not diverge
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """Two LSTM layers (gates: input, forget, cell, output) and a linear output."""
    H = sizes["hidden"]
    layer = lambda D: {
        "W_x": weights(rng, D, 4 * H),
        "W_h": weights(rng, H, 4 * H),
        "b": numpy.zeros(4 * H, "float32"),
    }
    return {"layers": [layer(2), layer(H)], "W": weights(rng, H, 1)}


def sample(rng, sizes):
    """W (M, D, D), y (M, D, 1) and the start theta (M, D, 1), Gaussian."""
    M, D = sizes["problems"], sizes["dimensions"]
    W, y, theta = rng.normal(size=(M, D, D)), rng.normal(size=(M, D, 1)), rng.normal(size=(M, D, 1))
    return W.astype("float32"), y.astype("float32"), (0.1 * theta).astype("float32")


def in_minimeta(sizes):
    """learned_optimizers.lstm_optimizer, whose preprocessing is the paper's too."""
    from functools import partial

    from minimeta.core.backend import np
    from minimeta.core.gradients import constant, grad, value_and_grad
    from minimeta.learned_optimizers.lstm_optimizer import optimizer
    from minimeta.learned_optimizers.preprocessing import log_and_sign

    def loss(params, data):
        W, y, theta = data
        f = lambda theta: np.sum((np.matmul(W, theta) - y) ** 2)
        learned = optimizer(params, partial(log_and_sign, p=SMALLEST), OUTPUT)
        state, value = learned.init(theta), 0.0
        for _ in range(sizes["unrolled"]):
            theta, state = learned.update(constant(grad(f)(theta)), state, theta)
            value = value + f(theta) / len(theta)
        return value

    return value_and_grad(loss)


def in_jax(sizes):
    """scan over the optimizee's steps, stop_gradient around its gradients."""
    import jax
    from jax import numpy as np

    def cell(params, x, state):
        h, c = state
        z = x @ params["W_x"] + h @ params["W_h"] + params["b"]
        i, f, g, o = np.split(z, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * np.tanh(g)
        return jax.nn.sigmoid(o) * np.tanh(c), c

    def preprocessed(g):
        size = np.abs(g)
        large = size >= math.exp(-SMALLEST)
        logs = np.where(large, np.log(np.where(large, size, 1.0)) / SMALLEST, -1.0)
        return np.concatenate([logs, np.where(large, np.sign(g), math.exp(SMALLEST) * g)], axis=1)

    def loss(params, data):
        W, y, theta = data
        f = lambda theta: np.sum((W @ theta - y) ** 2)

        def step(carry, _):
            theta, states = carry
            h = preprocessed(jax.lax.stop_gradient(jax.grad(f)(theta)).reshape(-1, 1))
            new = []
            for layer, state in zip(params["layers"], states):
                new.append(cell(layer, h, state))
                h = new[-1][0]
            theta = theta + OUTPUT * (h @ params["W"]).reshape(theta.shape)
            return (theta, new), f(theta) / sizes["problems"]

        zeros = np.zeros((theta.size, sizes["hidden"]))
        carry = theta, [(zeros, zeros) for _ in params["layers"]]
        return np.sum(jax.lax.scan(step, carry, length=sizes["unrolled"])[1])

    return jax.jit(jax.value_and_grad(loss))


def in_torch_cells(sizes):
    """nn.LSTMCell in a loop, as every PyTorch port of the paper does it."""
    import torch

    def preprocessed(g):
        size = g.abs()
        large = size >= math.exp(-SMALLEST)
        logs = torch.where(large, size.clamp(min=1e-30).log() / SMALLEST, -1.0)
        return torch.cat([logs, torch.where(large, g.sign(), math.exp(SMALLEST) * g)], dim=1)

    def step(net, data):
        W, y, theta = data
        f = lambda theta: ((W @ theta - y) ** 2).sum()
        states, value = [None, None], 0.0
        for _ in range(sizes["unrolled"]):
            at = theta.detach().requires_grad_()
            h = preprocessed(torch.autograd.grad(f(at), at)[0].reshape(-1, 1))
            for k, cell in enumerate(net["cells"]):
                states[k] = cell(h, states[k])
                h = states[k][0]
            theta = theta + OUTPUT * net["last"](h).reshape(theta.shape)
            value = value + f(theta) / len(theta)
        return value.detach(), torch.autograd.grad(value, list(net.parameters()))

    return step


def load_torch_cells(params):
    """nn.LSTMCell holds its matrices transposed, and a second bias: a constant 0 here."""
    import torch

    layers = params["layers"]
    cells = [torch.nn.LSTMCell(p["W_x"].shape[0], p["W_h"].shape[0]) for p in layers]
    last = torch.nn.Linear(params["W"].shape[0], 1, bias=False)
    net = torch.nn.ModuleDict({"cells": torch.nn.ModuleList(cells), "last": last})
    held = [a for p in layers for a in (p["W_x"].T, p["W_h"].T, p["b"], 0 * p["b"])]
    for parameter, array in zip(net.parameters(), [*held, params["W"].T]):
        parameter.data = torch.from_numpy(array.copy())
    return net


def unload_torch_cells(gradient):
    """nn.LSTMCell's gradients as the tree that `init` makes; both biases have the same."""
    *cells, W = [g.numpy() for g in gradient]
    layers = [{"W_x": W_x.T, "W_h": W_h.T, "b": b} for W_x, W_h, b, _ in (cells[:4], cells[4:])]
    return {"layers": layers, "W": W.T}
