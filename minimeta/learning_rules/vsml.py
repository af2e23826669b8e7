"""VSML: every synapse is a small LSTM, and all of them share their weights.

    synapse a -> b   state s_ab, here (h, c)_ab of H numbers each                      (M, D, C, H)
    tick             s_ab <- rule(s_ab; x_a, e_b)      what comes in, and the error that comes back
    answer           z_b = mean_a  message(s_ab)       the message is h_ab . v
    error            e = softmax(z) - y                                                (M, C)

    observe(x, y):   tick(x, 0), answer z, error e, tick(x, e)
    predict(x):      tick(x, 0) on a copy of the state, answer z

*meta* is the rule alone: 4 H (H + 3) + H numbers, whatever D and C are. What one task teaches is in
the states, 2 H D C numbers. So a rule learned on small problems can be asked to learn larger ones,
and no order of the inputs or of the classes is built in: permuting either permutes the states.

A rule is a `Synapse`. Two settings are learning algorithms that everybody knows:

    delta_rule(r)    s = w;  w <- w - r e x,  message w x       gradient descent on softmax(W x)
    descent(...)     an LSTM of four units whose weights are set by hand to do the same, up to an
                     error that falls with the square of epsilon: sigmoid and tanh are lines nearby

The mean over D inputs makes the answer that of the weights W = w / D, so the delta rule with rate r
is gradient descent with step size r / D.

Source: Kirsch & Schmidhuber 2020, arXiv:2012.14905. One layer with backward messages of the error,
trained by gradients in place of evolution strategies; the sizes are this project's.
Lesson learning_rules.
"""

from functools import partial
from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy, softmax
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import tree_map
from minimeta.nets import lstm

WRITE, KEEP, READ = -1.0, 3.0, 3.0  # fresh biases of the gates i and f, and the scale of v


class Synapse(NamedTuple):
    """What every synapse does; all functions work on any axes (...) of synapses at once.

    init(rng) -> meta                        the rule's numbers, {} if it has none to learn
    begin(meta, shape, dtype) -> state       before the first example: leaves (*shape, ...)
    tick(meta, state, x, e) -> state         with the input x (...) and the error e (...)
    message(meta, state) -> (...)            what the synapse adds to the answer
    """

    init: Callable
    begin: Callable
    tick: Callable
    message: Callable

    __reduce__ = reduce_record  # so that it can be sent to another process


def learner(outputs, hidden=12, synapse=None) -> Learner:
    """A learner of C classes from any number of inputs; `synapse` is an LSTM of H units if None."""
    checks.integer("outputs", outputs, at_least=1)
    synapse = lstm_synapse(hidden) if synapse is None else synapse
    checks.functions("synapse", synapse, "init", "begin", "tick", "message")
    first = partial(start, outputs=outputs, synapse=synapse)
    learn = partial(observe, synapse=synapse)
    answer = partial(predict, outputs=outputs, synapse=synapse)
    whole = partial(along, outputs=outputs, synapse=synapse)
    return Learner(synapse.init, fold(first, learn), answer, cross_entropy, first, learn, whole)


def start(meta, x, outputs, synapse):
    """The states of D C synapses before any example of the M tasks that x (M, N, D) is of."""
    checks.array("x", x, "M N D")
    M, _, D = np.shape(x)
    return synapse.begin(meta, (M, D, outputs), x.dtype)


def observe(meta, state, x, y, synapse):
    """The states after one more example of each task, x (M, D) and y (M, C)."""
    checks.array("y", y, "M C")
    state, z = listen(meta, state, x, np.shape(y)[-1], synapse)
    return tick(meta, state, x, softmax(z) - y, synapse)


def predict(meta, state, x, outputs, synapse):
    """Answers (M, Q, C) to queries x (M, Q, D), each from a copy of the states of its task."""
    checks.array("x", x, "M N D")
    Q = np.shape(x)[1]
    copy = lambda leaf: np.repeat(np.expand_dims(leaf, 1), Q, axis=1)
    return listen(meta, tree_map(copy, state), x, outputs, synapse)[1]


def along(meta, data, outputs, synapse):
    """The answer to each x_t of data from the examples before it: (M, T, C).

    It saves a tick an example: what was ticked for the answer is not ticked again to learn from it.
    """
    state, answers = start(meta, data.x, outputs, synapse), []
    for t in range(np.shape(data.x)[1]):
        state, z = listen(meta, state, data.x[:, t], outputs, synapse)
        state = tick(meta, state, data.x[:, t], softmax(z) - data.y[:, t], synapse)
        answers.append(z)
    return np.stack(answers, axis=1)


def listen(meta, state, x, outputs, synapse):
    """The states after tick(x, 0) and the answer z that they give: x (..., D), z (..., C)."""
    nothing = np.zeros((*np.shape(x)[:-1], outputs), dtype=x.dtype)
    state = tick(meta, state, x, nothing, synapse)
    return state, np.mean(synapse.message(meta, state), axis=-2)


def tick(meta, state, x, e, synapse):
    """The states (..., D, C, ...) after the inputs x (..., D) and the errors e (..., C)."""
    shape = (*np.shape(x), np.shape(e)[-1])
    x, e = np.expand_dims(x, -1), np.expand_dims(e, -2)
    return synapse.tick(meta, state, np.broadcast_to(x, shape), np.broadcast_to(e, shape))


# ---- Synapses ----


def lstm_synapse(hidden=12):
    """An LSTM of H units, whose message is a sum over its outputs h, weighted by v (H,)."""
    checks.integer("hidden", hidden, at_least=1)
    return Synapse(partial(lstm_init, hidden=hidden), lstm_begin, lstm_tick, lstm_message)


def lstm_init(rng, hidden):
    """A fresh rule, whose gates begin nearly closed to what is new and open to what is known."""
    cell = lstm.init(rng, 2, hidden)
    b = numpy.concatenate([numpy.full(hidden, bias) for bias in (WRITE, KEEP, 0.0, 0.0)])
    W_x = rng.normal(size=(2, 4 * hidden))
    v = rng.normal(scale=READ * hidden**-0.5, size=hidden)
    return {"cell": {**cell, **to_device({"W_x": W_x, "b": b})}, "v": to_device(v)}


def lstm_begin(meta, shape, dtype):
    """h and c are zero: (*shape, H) each."""
    zeros = np.zeros((*shape, len(meta["v"])), dtype=dtype)
    return {"h": zeros, "c": zeros}


def lstm_tick(meta, state, x, e):
    """One step of the LSTM, which reads [x, e]."""
    h, c = lstm.cell(meta["cell"], (state["h"], state["c"]), np.stack([x, e], axis=-1))
    return {"h": h, "c": c}


def lstm_message(meta, state):
    """h . v, for each synapse."""
    return state["h"] @ meta["v"]


def delta_rule(rate):
    """w <- w - rate e x, with the message w x: gradient descent on the cross-entropy."""
    checks.number("rate", rate, above=0.0)

    def begin(meta, shape, dtype):
        zeros = np.zeros(shape, dtype=dtype)
        return {"w": zeros, "message": zeros}

    def step(meta, state, x, e):
        w = state["w"] - rate * e * x
        return {"w": w, "message": w * x}

    return Synapse(lambda rng: {}, begin, step, lambda meta, state: state["message"])


def descent(rate, epsilon):
    """The meta-parameters of an LSTM of four units that is nearly `delta_rule(rate)`.

    The units differ in two signs, s and s'. Their gates are i = sigmoid(s epsilon x), f = 1,
    g = tanh(-epsilon e) and o = sigmoid(s' epsilon x). Near 0, where sigmoid(u) = 1/2 + u/4 and
    tanh(u) = u, the sum over units of s s' h is epsilon^3 / 4 times -x sum_t e_t x_t.
    """
    checks.number("rate", rate, above=0.0)
    checks.number("epsilon", epsilon, above=0.0)
    write, read = numpy.array([1.0, 1.0, -1.0, -1.0]), numpy.array([1.0, -1.0, 1.0, -1.0])
    none, ones = numpy.zeros(4), numpy.ones(4)
    of_x = numpy.concatenate([epsilon * write, none, none, epsilon * read])
    of_e = numpy.concatenate([none, none, -epsilon * ones, none])
    b = numpy.concatenate([none, 1e3 * ones, none, none])  # sigmoid(1e3) is 1 exactly
    cell = {"W_x": numpy.stack([of_x, of_e]), "W_h": numpy.zeros((4, 16)), "b": b}
    return to_device({"cell": cell, "v": 4.0 * rate / epsilon**3 * write * read})
