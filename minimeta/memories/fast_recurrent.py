"""A recurrent network with fast weights: its hidden state is drawn to those that it had before.

    meta:     W_h, W_x, b, layer norm, read     the slow weights
    step:     z = h W_h + [x, y, 1] W_x + b,  h_0 = relu(norm(z))
              h_s+1 = relu(norm(z + A h_s))     `inner` times, the inner loop
    write:    A <- decay A + rate h h'          after every example
    predict:  h W + b, after a step with the input [x, 0, 0] that writes nothing
    learn:    min  E_task  loss at the queries, or at every position

A h is a sum over the past, rate sum_t decay^(T - t) h_t (h_t'h): attention to the earlier states,
without a softmax, and more to recent ones. The label stands with its example here, and the last
input says whether there is a label.

Source: Ba, Hinton, Mnih, Leibo & Ionescu 2016, arXiv:1610.06258: decay .95, rate .5, one inner
step, and W_h that starts as .05 I. Their task is a string of characters, ours are examples.
Lesson fast_weights.
"""

from functools import partial

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import mse
from minimeta.nets import linear, relu
from minimeta.nets.attention import layer_norm


def learner(inputs, outputs=1, hidden=32, loss=mse, inner=1, decay=0.95, rate=0.5) -> Learner:
    """Ba's network as a learner of maps from D inputs to C outputs, with H hidden units."""
    check_sizes(inputs, outputs, hidden)
    checks.function("loss", loss)
    checks.integer("inner", inner, at_least=0)
    checks.number("decay", decay, at_least=0.0, at_most=1.0)
    checks.number("rate", rate, at_least=0.0)
    fresh = lambda rng: init(rng, inputs, outputs, hidden)
    see = partial(observe, inner=inner, decay=decay, rate=rate)
    return Learner(fresh, fold(start, see), partial(predict, inner=inner), loss, start, see)


def init(rng, inputs, outputs, hidden):
    """Fresh slow weights: W_h = .05 I, the others N(0, 1 / inputs of the layer), biases 0."""
    checks.generator("rng", rng)
    check_sizes(inputs, outputs, hidden)
    draw = lambda D, C: rng.normal(scale=D**-0.5, size=(D, C))
    return to_device(
        {
            "recurrent": 0.05 * numpy.eye(hidden),
            "input": {"W": draw(inputs + outputs + 1, hidden), "b": numpy.zeros(hidden)},
            "norm": {"gain": numpy.ones(hidden), "shift": numpy.zeros(hidden)},
            "read": {"W": draw(hidden, outputs), "b": numpy.zeros(outputs)},
        }
    )


def check_sizes(inputs, outputs, hidden):
    """Raise unless the sizes of the network are positive integers."""
    for name, size in (("inputs", inputs), ("outputs", outputs), ("hidden", hidden)):
        checks.integer(name, size, at_least=1)


def start(meta, x):
    """The state before any example of the M tasks that x (M, ...) belongs to: zeros."""
    H = len(meta["recurrent"])
    zeros = lambda *shape: np.zeros((len(x), *shape), dtype=x.dtype)
    return {"h": zeros(H), "A": zeros(H, H)}


def observe(meta, state, x, y, inner, decay, rate):
    """The state after one more example of each task, x (M, D) and y (M, C)."""
    token = np.concatenate([x, y, np.ones_like(y[:, :1])], axis=-1)
    h = step(meta, state, token[:, None], inner)  # (M, 1, H)
    A = decay * state["A"] + rate * np.swapaxes(h, -1, -2) @ h
    return {"h": h[:, 0], "A": A}


def predict(meta, state, x, inner):
    """Answers (M, Q, C) to queries x (M, Q, D), each from the state as it is."""
    none = np.zeros((*np.shape(x)[:-1], len(meta["read"]["b"]) + 1), dtype=x.dtype)
    return linear(step(meta, state, np.concatenate([x, none], axis=-1), inner), **meta["read"])


def step(meta, state, tokens, inner):
    """The hidden states (M, N, H) after one of the tokens (M, N, D + C + 1) each."""
    D = len(meta["input"]["W"])
    if np.shape(tokens)[-1] != D:
        C = len(meta["read"]["b"])
        raise ValueError(
            f"x and y must have {D - C - 1} and {C} numbers on their last axes, as this network "
            f"was made for; together they have {np.shape(tokens)[-1] - 1}."
        )
    z = linear(tokens, **meta["input"]) + (state["h"] @ meta["recurrent"])[:, None]
    h = relu(layer_norm(z, **meta["norm"]))
    for _ in range(inner):
        h = relu(layer_norm(z + h @ state["A"], **meta["norm"]))  # A is symmetric
    return h
