"""MANN: an LSTM with an external memory, into which it must learn to write what it will need.

    h, c <- LSTM(h, c; [x_t, y_t-1, r])           the controller also reads what was read before
    k  = tanh(h W_k + b_k)                        the key, which is also what is written
    w' <- sigmoid(a) w + (1 - sigmoid(a)) lu      write where it read last, or to the least used
    w  <- softmax(sharpness cos(k, M))            read, by likeness to the key
    r  <- w M;   u <- decay u + w + w'
    M  <- M with slot lu emptied, plus w' k
    answer = [h, r] W + b

The label comes one step late, with the next input. To bind a label to its input, the controller
must therefore write the last one's label while the present input is before it, and must find it
again by a key that holds an input without a label. Nothing but the gradient tells it to.

Reading comes before writing, since a key that was just written would find itself. There is one
head for reading; the paper has four, and a memory of 128 x 40. Sizes here are this project's.
`minimeta.memories.binding` writes input and label together, which is far easier to learn.

Source: Santoro et al. 2016, Meta-Learning with Memory-Augmented Neural Networks, arXiv:1605.06065.
Lesson `memory`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.memories import slots as external
from minimeta.nets import linear, lstm
from minimeta.nets.lstm_cell import sigmoid

DECAY = 0.95  # of usage at each step


def learner(inputs, outputs=1, hidden=64, slots=16, width=16, loss=mse) -> Learner:
    """The MANN of maps from D inputs to C outputs, with H hidden units and a memory of slots."""
    checks.function("loss", loss)
    sizes = check_sizes(inputs, outputs, hidden, slots, width)
    start = lambda meta, x: begin(meta, x, slots)
    fresh, adapt = lambda rng: init(rng, **sizes), fold(start, observe)
    along = lambda meta, data: predict_along(meta, data, slots)
    return Learner(fresh, adapt, predict, loss, start, observe, along)


def check_sizes(inputs, outputs, hidden, slots, width):
    """The sizes but the number of slots, as a dict; raise unless all are positive integers."""
    sizes = dict(inputs=inputs, outputs=outputs, hidden=hidden, width=width)
    for name, size in {**sizes, "slots": slots}.items():
        checks.integer(name, size, at_least=1)
    return sizes


def init(rng, inputs, outputs, hidden, width):
    """A fresh controller, and maps from its output to keys and, with what was read, to answers."""
    check_sizes(inputs, outputs, hidden, 1, width)
    cell = lstm.init(rng, inputs + outputs + width, hidden)
    layer = lambda D, C: {"W": rng.normal(scale=D**-0.5, size=(D, C)), "b": numpy.zeros(C)}
    maps = {"key": layer(hidden, width), "read": layer(hidden + width, outputs)}
    numbers = {"log_sharpness": numpy.array(1.0), "a": numpy.array(0.0)}
    return {"cell": cell, **to_device({**maps, **numbers})}


def begin(meta, x, slots):
    """The state before any example: an empty memory that was never used."""
    (hidden, width), C = np.shape(meta["key"]["W"]), np.shape(meta["read"]["W"])[-1]
    zeros = lambda *shape: np.zeros((len(x), *shape), dtype=x.dtype)
    state = {name: zeros(hidden) for name in ("h", "c")}
    state |= {name: zeros(slots) for name in ("usage", "weights")}
    return {**state, "r": zeros(width), "memory": zeros(slots, width), "label": zeros(C)}


def step(meta, state, x):
    """The state once inputs x (..., D) have been read, but not yet their labels."""
    check_example(meta, x, state["label"])
    input = np.concatenate([x, state["label"], state["r"]], axis=-1)
    h, c = lstm.cell(meta["cell"], (state["h"], state["c"]), input)
    key = np.tanh(linear(h, **meta["key"]))
    oldest, share = external.least_used(state["usage"]), sigmoid(meta["a"])
    write = share * state["weights"] + (1.0 - share) * oldest
    weights = external.read_weights(key, state["memory"], np.exp(meta["log_sharpness"]))
    r = external.read(weights, state["memory"])
    usage = DECAY * state["usage"] + weights + write
    memory = external.write(state["memory"], oldest, write, key)
    after = {"h": h, "c": c, "usage": usage, "weights": weights, "r": r, "memory": memory}
    return {**after, "label": state["label"]}


def answer(meta, h, r):
    """The answers (..., N, C) from the controller's h (..., N, H) and what was read."""
    return linear(np.concatenate([h, r], axis=-1), **meta["read"])


def observe(meta, state, x, y):
    """The state after one more example of each task, x (M, D) and y (M, C)."""
    check_example(meta, x, y)
    return {**step(meta, state, x), "label": y}


def predict(meta, state, x):
    """Answers (M, Q, C) to queries x (M, Q, D), each from the state as it is."""
    Q = np.shape(x)[1]
    each = lambda part: np.repeat(np.expand_dims(part, 1), Q, axis=1)
    after = step(meta, tree_map(each, state), x)
    return answer(meta, after["h"], after["r"])


def predict_along(meta, data, slots):
    """The answer to each x_t (M, T, D) from the examples before it: (M, T, C)."""
    check_example(meta, data.x, data.y)
    state, h, r = begin(meta, data.x, slots), [], []
    for t in range(np.shape(data.x)[1]):
        state = {**step(meta, state, data.x[:, t]), "label": data.y[:, t]}
        h.append(state["h"])
        r.append(state["r"])
    return answer(meta, np.stack(h, axis=1), np.stack(r, axis=1))


def check_example(meta, x, y):
    """Raise ValueError unless x is (..., D) and y (..., C), as this MANN was made for."""
    width, C = np.shape(meta["key"]["W"])[-1], np.shape(meta["read"]["W"])[-1]
    D = np.shape(meta["cell"]["W_x"])[0] - width - C
    if (np.shape(x)[-1], *np.shape(y)) != (D, *np.shape(x)[:-1], C):
        raise ValueError(
            f"x and y must be (..., {D}) and (..., {C}), as this MANN was made for, with the same "
            f"axes in front; they are {np.shape(x)} and {np.shape(y)}."
        )
