"""The LSTM meta-learner: slow weights hold a learning algorithm that runs in fast activations.

    meta:     cell, W, b                        an LSTM, and a linear map from its output to answers
    adapt:    h, c <- LSTM(h, c; [x_t, y_t-1])  one step for each example, no gradient
    predict:  h_t W + b, the answer to x_t, computed before the LSTM reads y_t
    learn:    min  E_task  mean_t |h_t W + b - y_t|^2    every example is a query first

The cell reads each input together with the label of the input *before* it. So after S examples it
has not read the last label yet, which is therefore part of the state:

    call                  the cell reads            answers               state afterwards
    start(meta, x)        nothing                   none                  h = c = 0, label 0
    observe(.. x_t, y_t)  [x_t, label]              none                  h_t, c_t, label y_t
    predict(.. x)         [x, label], each x alone  h W + b               the same as before
    predict_along(data)   [x_1, 0], [x_2, y_1] ...  h_t W + b, every t    none

So `predict` after S examples gives what `predict_along` gives at position S + 1, and no query
influences another. Train it with `sequence_train`, which trains for every number of examples in one
pass over a sequence.

Source: Hochreiter, Younger & Conwell 2001, Learning to Learn Using Gradient Descent. Their sizes
are not reproduced here: the 32 hidden units are this project's.  Lesson `recurrent`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.nets import linear, lstm


def learner(inputs, outputs=1, hidden=32, loss=mse) -> Learner:
    """The LSTM meta-learner of maps from D inputs to C outputs, with H hidden units.

    Its `along` reads a whole sequence in one call.
    """
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("outputs", outputs, at_least=1)
    checks.integer("hidden", hidden, at_least=1)
    checks.function("loss", loss)
    fresh = lambda rng: init(rng, inputs, outputs, hidden)
    return Learner(fresh, adapt, predict, loss, start, observe, predict_along)


def init(rng, inputs, outputs, hidden):
    """A fresh LSTM of D + C inputs, and for its output W (H, C) ~ N(0, 1 / H) and b = 0."""
    for name, size in (("inputs", inputs), ("outputs", outputs), ("hidden", hidden)):
        checks.integer(name, size, at_least=1)
    cell = lstm.init(rng, inputs + outputs, hidden)
    W = rng.normal(scale=hidden**-0.5, size=(hidden, outputs))
    return {"cell": cell, "read": to_device({"W": W, "b": numpy.zeros(outputs)})}


def start(meta, x):
    """The state before any example of the M tasks that x (M, ...) belongs to: zeros."""
    hidden, outputs = np.shape(meta["read"]["W"])
    zeros = lambda size: np.zeros((len(x), size), dtype=x.dtype)
    return {"h": zeros(hidden), "c": zeros(hidden), "label": zeros(outputs)}


def observe(meta, state, x, y):
    """The state after one more example of each task, x (M, D) and y (M, C)."""
    input = cell_input(meta, x, state["label"])
    h, c = lstm.cell(meta["cell"], (state["h"], state["c"]), input)
    return {"h": h, "c": c, "label": y}


def adapt(meta, support):
    """The state after a support x (M, S, D), y (M, S, C): the fold of `observe`, in one call."""
    if np.shape(support.x)[1] == 0:
        return start(meta, support.x)
    _, (h, c) = lstm.lstm(meta["cell"], cell_inputs(meta, support))
    return {"h": h, "c": c, "label": support.y[:, -1]}


def predict(meta, state, x):
    """Answers (M, Q, C) to queries x (M, Q, D), each from the state as it is."""
    h, c, label = (np.expand_dims(state[part], 1) for part in ("h", "c", "label"))
    label = np.broadcast_to(label, (*np.shape(x)[:-1], np.shape(label)[-1]))
    h, _ = lstm.cell(meta["cell"], (h, c), cell_input(meta, x, label))
    return read(meta, h)


def predict_along(meta, data):
    """The answer to each x_t (M, T, D) from the examples before it: (M, T, C)."""
    h, _ = lstm.lstm(meta["cell"], cell_inputs(meta, data))
    return read(meta, h)


def cell_inputs(meta, data):
    """What the cell reads along a sequence, (M, T, D + C): each x_t with the label before it."""
    none = np.zeros_like(data.y[:, :1])
    return cell_input(meta, data.x, np.concatenate([none, data.y[:, :-1]], axis=1))


def cell_input(meta, x, label):
    """Inputs (..., D) and labels (..., C) side by side; raise ValueError if they do not fit."""
    (size, _), (_, C) = np.shape(meta["cell"]["W_x"]), np.shape(meta["read"]["W"])
    if (np.shape(x)[-1], *np.shape(label)) != (size - C, *np.shape(x)[:-1], C):
        raise ValueError(
            f"x and y must be (..., {size - C}) and (..., {C}), as this LSTM was made for, with "
            f"the same axes in front; they are {np.shape(x)} and {np.shape(label)}."
        )
    return np.concatenate([x, label], axis=-1)


def read(meta, h):
    """The answers from the outputs h of the LSTM: (..., H) -> (..., C)."""
    return linear(h, **meta["read"])
