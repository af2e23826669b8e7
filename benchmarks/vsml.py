"""VSML (Kirsch & Schmidhuber 2020): every synapse is an LSTM of H units that share their weights.

Value and gradient of the mean cross-entropy of the answers to T examples in a row, each given from
those before it. An example takes two steps of all LSTMs, with the input and with the error."""

import numpy

from benchmarks.lstm import weights

SIZES = {
    "vsml": {
        "tasks": 16,
        "time": 20,
        "inputs": 16,
        "classes": 4,
        "hidden": 12,
        "training_steps": 50,
    }
}
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """A rule: an LSTM of two inputs, which begins open to what it knows, and its read-out v."""
    H = sizes["hidden"]
    bias = numpy.repeat([-1.0, 3.0, 0.0, 0.0], H).astype("float32")  # gates i, f, g, o
    cell = {"W_x": weights(rng, 2, 4 * H), "W_h": weights(rng, H, 4 * H), "b": bias}
    return {"cell": cell, "v": 3.0 * weights(rng, H, 1)[:, 0]}


def sample(rng, sizes):
    """Inputs (M, T, D) and one-hot labels (M, T, C): the largest of C random projections."""
    M, T, D, C = (sizes[name] for name in ("tasks", "time", "inputs", "classes"))
    x = rng.normal(size=(M, T, D)).astype("float32")
    labels = numpy.argmax(x @ rng.normal(size=(M, D, C)), axis=-1)
    return x, numpy.eye(C, dtype="float32")[labels]


def in_minimeta(sizes):
    """learning_rules.vsml."""
    from minimeta.core.backend import np
    from minimeta.core.gradients import value_and_grad
    from minimeta.learning_rules import vsml
    from minimeta.meta import along
    from minimeta.tasks import Data

    learner = vsml.learner(sizes["classes"], sizes["hidden"])

    def loss(meta, data):
        return np.mean(learner.loss(along(learner, meta, Data(*data)), data[1]))

    return value_and_grad(loss)


def in_jax(sizes):
    """One task as one writes it down, scan over its examples, vmap over tasks, jit around all."""
    import jax
    from jax import numpy as np

    D, C, H = sizes["inputs"], sizes["classes"], sizes["hidden"]

    def tick(cell, state, x, e):
        h, c = state  # (D, C, H)
        both = np.stack(np.broadcast_arrays(x[:, None], e), axis=-1)  # (D, C, 2)
        z = both @ cell["W_x"] + h @ cell["W_h"] + cell["b"]
        i, f, g, o = np.split(z, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * np.tanh(g)
        return jax.nn.sigmoid(o) * np.tanh(c), c

    def loss_of_task(meta, x, y):
        def example(state, pair):
            x, y = pair
            state = tick(meta["cell"], state, x, np.zeros(C))
            z = np.mean(state[0] @ meta["v"], axis=0)
            return tick(meta["cell"], state, x, jax.nn.softmax(z) - y), z

        zeros = np.zeros((D, C, H))
        _, z = jax.lax.scan(example, (zeros, zeros), (x, y))
        return -np.mean(np.sum(y * jax.nn.log_softmax(z), axis=-1))

    def loss(meta, data):
        return np.mean(jax.vmap(loss_of_task, (None, 0, 0))(meta, *data))

    return jax.jit(jax.value_and_grad(loss))


def in_torch(sizes):
    """All tasks at once, a loop over the examples."""
    import torch
    from torch.nn import functional as F

    D, C, H = sizes["inputs"], sizes["classes"], sizes["hidden"]

    def tick(weights, state, x, e):
        h, c = state  # (M, D, C, H)
        both = torch.stack(torch.broadcast_tensors(x[:, :, None], e[:, None]), dim=-1)
        z = both @ weights["W_x"] + h @ weights["W_h"] + weights["b"]
        i, f, g, o = z.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def step(meta, data):
        cell = {name: w.detach().requires_grad_() for name, w in meta["cell"].items()}
        v, (x, y) = meta["v"].detach().requires_grad_(), data
        state, answers = (torch.zeros(len(x), D, C, H),) * 2, []
        for t in range(x.shape[1]):
            state = tick(cell, state, x[:, t], torch.zeros(len(x), C))
            answers.append((state[0] @ v).mean(1))
            state = tick(cell, state, x[:, t], F.softmax(answers[-1], -1) - y[:, t])
        value = -(y * F.log_softmax(torch.stack(answers, 1), -1)).sum(-1).mean()
        *gradient, of_v = torch.autograd.grad(value, [*cell.values(), v])
        return value.detach(), {"cell": dict(zip(cell, gradient)), "v": of_v}

    return step
