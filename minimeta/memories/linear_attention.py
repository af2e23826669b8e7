"""Linear self-attention: attention without a softmax, whose memory is one matrix for each layer.

    tokens    e_j = [x_j, y_j] of the context, and [x, 0] of a query
    layer     e <- e + sum_j (e Q . e_j K) e_j V P        over the tokens j of the context
    answer    minus the last C entries of the query's token

The sum does not need the query: W = sum_j (e_j K)' (e_j V P) is a matrix of fast weights, written
by the context and read by e Q W. So attention without a softmax is a fast-weight memory:

    adapt:    W_l = sum_j (e_j K)' (e_j V P)   for each layer, which then moves the context's tokens
    predict:  e <- e + e Q W_l                 layer by layer

With the weights of `gradient_descent` each layer is one gradient step on the context, exactly.

Source: von Oswald et al. 2022, arXiv:2212.07677, Proposition 1: one head, no softmax, no layer norm
and no perceptron.  Lesson `in_context`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.memories.tokens import check_context, check_queries
from minimeta.tasks.task import Data

SCALE = 0.3  # of fresh weights; the authors' 0.002 starts on a plateau that takes long to leave


def learner(inputs, outputs=1, layers=1, loss=mse, scale=SCALE) -> Learner:
    """Layers of linear self-attention as a learner of maps from D inputs to C outputs.

    One layer is a sequential learner: each example adds to its fast weights. In deeper ones every
    example changes the tokens of all others, so that they take the whole context at once.
    """
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("outputs", outputs, at_least=1)
    checks.integer("layers", layers, at_least=1)
    checks.function("loss", loss)
    checks.number("scale", scale, above=0.0)

    def fresh(rng):
        checks.generator("rng", rng)
        return to_device([init(rng, inputs + outputs, scale) for _ in range(layers)])

    def read(meta, support):
        return adapt(meta, check_context(support, inputs, outputs))

    def add(meta, state, x, y):
        check_context(Data(x[:, None], y[:, None]), inputs, outputs)
        return observe(meta, state, x, y)

    def answer(meta, state, x):
        check_queries(x, len(state[0]), inputs)
        return predict(meta, state, x, outputs)

    one_by_one = (start, add) if layers == 1 else ()
    return Learner(fresh, read, answer, loss, *one_by_one)


def init(rng, width, scale):
    """Fresh weights Q, K, V and P of one layer, each (H, H), H = D + C, and N(0, scale^2)."""
    return {name: rng.normal(scale=scale, size=(width, width)) for name in "QKVP"}


def gradient_descent(inputs, outputs, step_size, examples, layers=1):
    """The weights with which each layer is one step of size `step_size` on N examples, from W = 0.

    The loss is half the mean squared error, so that a step is W + step_size / N sum_j x_j' r_j.
    The label entries of the context's tokens become the residuals r_j = y_j - x_j W.
    """
    width = inputs + outputs
    look = numpy.diag([1.0] * inputs + [0.0] * outputs)  # keys and queries are the inputs
    keep = numpy.eye(width) - look  # values are minus the labels
    write = step_size / examples * numpy.eye(width)
    layer = {"Q": look, "K": look, "V": -keep, "P": write}
    return to_device([dict(layer) for _ in range(layers)])


def adapt(meta, support):
    """The fast weights of each layer, a list of (M, H, H), after the whole context."""
    tokens, state = np.concatenate(support, axis=-1), []  # (M, S, H)
    for layer in meta:
        state.append(fast_weights(layer, tokens))
        tokens = step(layer, state[-1], tokens)
    return state


def fast_weights(layer, tokens):
    """sum_j (e_j K)' (e_j V P), (M, H, H), of the tokens (M, S, H)."""
    keys, values = tokens @ layer["K"], tokens @ layer["V"] @ layer["P"]
    return np.swapaxes(keys, -1, -2) @ values


def step(layer, memory, tokens):
    """e + e Q W for each of the tokens (M, N, H), with the fast weights W (M, H, H)."""
    return tokens + tokens @ layer["Q"] @ memory


def predict(meta, state, x, outputs):
    """Answers (M, N, C) to queries x (M, N, D), none of which sees another."""
    none = np.zeros((*np.shape(x)[:-1], outputs), dtype=x.dtype)
    tokens = np.concatenate([x, none], axis=-1)
    for layer, memory in zip(meta, state):
        tokens = step(layer, memory, tokens)
    return -tokens[..., np.shape(x)[-1] :]


def start(meta, x):
    """No example has been written yet: zeros (M, H, H), in a list as there is one layer."""
    width = len(meta[0]["Q"])
    return [np.zeros((len(x), width, width), dtype=x.dtype)]


def observe(meta, state, x, y):
    """The fast weights after one more example of each task, x (M, D) and y (M, C)."""
    token = np.concatenate([x, y], axis=-1)[:, None]
    return [state[0] + fast_weights(meta[0], token)]
