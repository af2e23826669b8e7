"""A MANN that writes when it observes: key and label together, in one slot of its memory.

    k = x W_k + b_k                     the key of an input, which the outer loop learns
    w = softmax(sharpness cos(k, K))    over the slots that hold an example
    r = w Y;   m = w cos(k, K)          the labels read, and how well their keys match
    h, c <- LSTM(h, c; [x, label before, r, m])
    answer = [h, r] W + b
    write:  k and its label into the slot that was used least, u <- decay u + w, then 1 more there

`minimeta.memories.mann` must learn what to write, and when, because a label comes one step late.
Here the memory waits for the label and writes both, so the binding of a label to its input is no
longer learned. What is learned is by which key an input is found, and how far to trust a match: m
is low for an input that is like no other, and its class is then a new one.

What is written does not depend on what was read. So the keys of a whole sequence are made at once,
and all its reads are one product: each example reads those before it that are still in a slot.

    call                  the memory     the LSTM reads                     state afterwards
    observe(.. x_t, y_t)  read, written  [x_t, y_t-1, r, m]                 h_t, c_t, label y_t
    predict(.. x)         read           [x, label, r, m], each x alone     the same as before

Source: this project's variant of Santoro et al. 2016, arXiv:1605.06065; keys beside labels as in
Kaiser et al. 2017, Learning to Remember Rare Events, arXiv:1703.03129.  Lesson `memory`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import mse, softmax
from minimeta.memories import slots as external
from minimeta.nets import linear, lstm
from minimeta.nets.layers import constant_primitive

DECAY = 0.95  # of usage at each step
NEVER = -1e9  # the score of a slot that holds nothing; softmax makes it 0


def learner(inputs, outputs, hidden=32, slots=16, width=16, loss=mse) -> Learner:
    """The MANN of D inputs and C outputs whose memory binds them in `slots` slots.

    With fewer slots than it needs it forgets the examples that were read least and longest ago.
    """
    checks.integer("slots", slots, at_least=1)
    check_sizes(inputs, outputs, hidden, width)
    checks.function("loss", loss)
    fresh = lambda rng: init(rng, inputs, outputs, hidden, width)
    start = lambda meta, x: begin(meta, x, slots)
    along = lambda meta, data: predict_along(meta, data, slots)
    return Learner(fresh, fold(start, observe), predict, loss, start, observe, along)


def init(rng, inputs, outputs, hidden, width):
    """Fresh keys, controller and answers; the sharpness of reading is e^2 at first."""
    check_sizes(inputs, outputs, hidden, width)
    cell = lstm.init(rng, inputs + 2 * outputs + 1, hidden)
    normal = lambda D, C: rng.normal(scale=D**-0.5, size=(D, C))
    key = {"W": normal(inputs, width), "b": rng.normal(size=width)}
    read = {"W": normal(hidden + outputs, outputs), "b": numpy.zeros(outputs)}
    return to_device({"key": key, "log_sharpness": numpy.array(2.0), "cell": cell, "read": read})


def begin(meta, x, slots):
    """The state before any example: no slot holds anything."""
    C, H = np.shape(meta["read"]["W"])[-1], np.shape(meta["cell"]["W_h"])[0]
    zeros = lambda *shape: np.zeros((len(x), *shape), dtype=x.dtype)
    memory = {"keys": zeros(slots, len(meta["key"]["b"])), "labels": zeros(slots, C)}
    use = {"usage": zeros(slots), "full": zeros(slots)}
    return {**memory, **use, "h": zeros(H), "c": zeros(H), "label": zeros(C)}


def observe(meta, state, x, y):
    """The state after one more example of each task, x (M, D) and y (M, C)."""
    check_example(meta, x, y)
    key, weights, _, (h, c) = look_up(meta, state, x)
    usage = DECAY * state["usage"] + weights
    slot = external.least_used(usage)
    put = lambda part, row: external.write(state[part], slot, slot, row)
    memory = {"keys": put("keys", key), "labels": put("labels", y)}
    use = {"usage": usage + slot, "full": np.maximum(state["full"], slot)}
    return {**memory, **use, "h": h, "c": c, "label": y}


def predict(meta, state, x):
    """Answers (M, Q, C) to queries x (M, Q, D), each from the state as it is."""
    Q = np.shape(x)[1]
    state = {name: np.repeat(part[:, None], Q, axis=1) for name, part in state.items()}
    _, _, labels, (h, _) = look_up(meta, state, x)
    return answer(meta, h, labels)


def look_up(meta, state, x):
    """The key of x (..., D), what is read of each slot, the label read, and the LSTM's (h, c)."""
    check_example(meta, x, state["label"])
    key = external.unit(linear_of(meta["key"], x))
    match = (state["keys"] @ key[..., None])[..., 0]
    weights, strength = weigh(meta, match, state["full"])
    labels = external.read(weights, state["labels"])
    input = np.concatenate([x, state["label"], labels, strength], axis=-1)
    return key, weights, labels, lstm.cell(meta["cell"], (state["h"], state["c"]), input)


def predict_along(meta, data, slots):
    """The answer to each x_t (M, T, D) from the examples before it, all at once: (M, T, C)."""
    check_example(meta, data.x, data.y)
    keys = external.unit(linear(data.x, **meta["key"]))  # (M, T, width)
    match = keys @ np.swapaxes(keys, -1, -2)  # (M, T, T)
    held = held_examples(match, np.exp(meta["log_sharpness"]), slots)
    weights, strength = weigh(meta, match, held)
    labels = weights @ data.y
    before = np.concatenate([0.0 * data.y[:, :1], data.y[:, :-1]], axis=1)
    input = np.concatenate([data.x, before, labels, strength], axis=-1)
    return answer(meta, lstm.lstm(meta["cell"], input)[0], labels)


def weigh(meta, match, full):
    """What is read of each example (..., N) that a slot holds, and how well it matches (..., 1)."""
    scores = np.exp(meta["log_sharpness"]) * match
    weights = softmax(scores * full + NEVER * (1.0 - full)) * full  # 0 while all slots are empty
    return weights, np.sum(weights * match, axis=-1, keepdims=True)


@constant_primitive
def held_examples(match, sharpness, slots):
    """1 where example j (last axis) is in a slot when the input at t is read: (M, T, T).

    The slots are followed through the sequence one example after another, as `observe` does.
    """
    M, T, _ = match.shape
    held, task = numpy.zeros_like(match), numpy.arange(M)
    usage, holds = numpy.zeros((M, slots), match.dtype), numpy.full((M, slots), -1)
    for t in range(T):
        full = holds >= 0
        scores = numpy.where(full, sharpness * match[task[:, None], t, holds], NEVER)
        usage = DECAY * usage + full * softmax(scores)
        held[numpy.nonzero(full)[0], t, holds[full]] = 1.0
        slot = numpy.argmin(usage, axis=-1)
        holds[task, slot] = t
        usage[task, slot] += 1.0
    return held


def answer(meta, h, labels):
    """The answers (..., C) from the controller's h (..., H) and the labels read (..., C)."""
    return linear_of(meta["read"], np.concatenate([h, labels], axis=-1))


def linear_of(layer, x):
    """x W + b for x (..., D) with any number of axes in front."""
    return x @ layer["W"] + layer["b"]


def check_sizes(inputs, outputs, hidden, width):
    """Raise unless all are positive integers."""
    sizes = dict(inputs=inputs, outputs=outputs, hidden=hidden, width=width)
    for name, size in sizes.items():
        checks.integer(name, size, at_least=1)


def check_example(meta, x, y):
    """Raise ValueError unless x is (..., D) and y (..., C), as this learner was made for."""
    D, C = np.shape(meta["key"]["W"])[0], np.shape(meta["read"]["W"])[-1]
    if (np.shape(x)[-1], *np.shape(y)) != (D, *np.shape(x)[:-1], C):
        raise ValueError(
            f"x and y must be (..., {D}) and (..., {C}), as this learner was made for, with the "
            f"same axes in front; they are {np.shape(x)} and {np.shape(y)}."
        )
