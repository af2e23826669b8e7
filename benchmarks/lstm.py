"""An LSTM that learns in its activations (Hochreiter et al. 2001): at every step it sees x_t and
the previous label and predicts y_t. Value and gradient of the mean squared error over all steps."""

import numpy

SIZES = {
    "lstm": {"batch": 256, "time": 40, "hidden": 128, "training_steps": 500},
    "lstm_small": {"batch": 64, "time": 20, "hidden": 48, "training_steps": 500},
}
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """Gates in the order input, forget, cell, output; the forget gate starts open, b = 1."""
    H = sizes["hidden"]
    bias = numpy.zeros(4 * H, "float32")
    bias[H : 2 * H] = 1.0
    return {
        "lstm": {"W_x": weights(rng, 2, 4 * H), "W_h": weights(rng, H, 4 * H), "b": bias},
        "last": {"W": weights(rng, H, 1), "b": numpy.zeros(1, "float32")},
    }


def weights(rng, inputs, outputs):
    """N(0, 1 / inputs)."""
    return rng.normal(scale=inputs**-0.5, size=(inputs, outputs)).astype("float32")


def sample(rng, sizes):
    """Noisy linear functions: inputs (M, T, 2) hold x_t and y_(t-1), targets (M, T, 1) y_t."""
    M, T = sizes["batch"], sizes["time"]
    x, slope = rng.normal(size=(M, T, 1)), rng.normal(size=(M, 1, 1))
    y = slope * x + 0.1 * rng.normal(size=(M, T, 1))
    previous = numpy.concatenate([numpy.zeros((M, 1, 1)), y[:, :-1]], axis=1)
    return numpy.concatenate([x, previous], axis=-1).astype("float32"), y.astype("float32")


def in_minimeta(sizes):
    """memories.recurrent, which puts the previous labels beside the inputs itself."""
    from minimeta.core.backend import np
    from minimeta.core.gradients import value_and_grad
    from minimeta.memories import recurrent
    from minimeta.meta import along
    from minimeta.tasks import Data

    learner = recurrent.learner(inputs=1, hidden=sizes["hidden"])

    def loss(params, data):
        x, y = data
        meta = {"cell": params["lstm"], "read": params["last"]}
        return np.mean(learner.loss(along(learner, meta, Data(x[..., :1], y)), y))

    return value_and_grad(loss)


def in_jax(sizes):
    """scan over time, the inputs' product outside the loop, jit around all of it."""
    import jax
    from jax import numpy as np

    def loss(params, data):
        x, y = (np.swapaxes(a, 0, 1) for a in data)  # time first
        return np.mean((answers_in_jax(params, x) - y) ** 2)

    return jax.jit(jax.value_and_grad(loss))


def answers_in_jax(params, x):
    """What the read-out makes of h after each of x (T, M, D): (T, M, C)."""
    import jax
    from jax import numpy as np

    lstm, last = params["lstm"], params["last"]

    def cell(state, z):
        h, c = state
        i, f, g, o = np.split(z + h @ lstm["W_h"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * np.tanh(g)
        h = jax.nn.sigmoid(o) * np.tanh(c)
        return (h, c), h

    zeros = np.zeros((x.shape[1], len(lstm["W_h"])))
    _, h = jax.lax.scan(cell, (zeros, zeros), x @ lstm["W_x"] + lstm["b"])  # (T, M, H)
    return h @ last["W"] + last["b"]


def in_torch_lstm(sizes):
    """nn.LSTM and nn.Linear."""
    import torch

    def step(net, data):
        x, y = data
        h, _ = net["lstm"](x)
        value = torch.nn.functional.mse_loss(net["last"](h), y)
        return value.detach(), torch.autograd.grad(value, list(net.parameters()))

    return step


def load_torch_lstm(params):
    """nn.LSTM holds its matrices transposed, and a second bias: a constant 0 here."""
    import torch

    lstm, last = params["lstm"], params["last"]
    inputs, hidden, outputs = len(lstm["W_x"]), len(lstm["W_h"]), len(last["b"])
    net = torch.nn.ModuleDict(
        {
            "lstm": torch.nn.LSTM(inputs, hidden, batch_first=True),
            "last": torch.nn.Linear(hidden, outputs),
        }
    )
    held = [lstm["W_x"].T, lstm["W_h"].T, lstm["b"], 0 * lstm["b"], last["W"].T, last["b"]]
    for parameter, array in zip(net.parameters(), held):
        parameter.data = torch.from_numpy(array.copy())
    return net


def unload_torch_lstm(gradient):
    """nn.LSTM's gradients as the tree that `init` makes; both biases have the same."""
    W_x, W_h, b, _, W, b_last = (g.numpy() for g in gradient)
    return {"lstm": {"W_x": W_x.T, "W_h": W_h.T, "b": b}, "last": {"W": W.T, "b": b_last}}
