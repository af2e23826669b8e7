"""Fast weights: a slow network writes outer products into a matrix, which is the memory.

    meta:     W_k, W_q, w                       slow weights for keys, queries and the write rate
    adapt:    k = phi(x W_k), r = sigmoid(x w + b)
              sum rule     W <- W + k v'                    the value v is the label y
              delta rule   W <- W + r k (v - W'k)'          only what the memory does not know yet
    predict:  W'q,  q = phi(x W_q)              a product with the matrix
    learn:    min  E_task  |W'q - y|^2          at the queries, or at every position

Written out, the sum rule answers sum_i v_i (k_i'q), which is attention without a softmax. So all
answers along a sequence are one masked product of matrices. The delta rule is the sum rule with
other values: u_t = r_t (v_t - sum_{s<t} u_s k_s'k_t) is a triangular system of linear equations,
and solving it writes the whole sequence at once.

    sum rule, delta rule        learner(..., rule=SUM), learner(..., rule=DELTA)
    all pairs, with a softmax   softmax_learner(...), which keeps every pair instead of a matrix

Keys of length 1 (`unit`) let the delta rule with rate 1 store a pair exactly. Schlag et al. divide
keys by their sum instead, which only suits features that are not negative, such as `dpfp`.

Sources: Schmidhuber 1992, Learning to Control Fast-Weight Memories; Schlag, Irie & Schmidhuber
2021, arXiv:2102.11174.  Taught in lesson fast_weights.
"""

from functools import partial
from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.core.losses import mse, softmax
from minimeta.core.runs.sending import reduce_record

TINY = 1e-12  # added to a squared length, so that a key of zeros has a length and a gradient


class Rule(NamedTuple):
    """What is written for a pair: after one step, and for a whole sequence at once.

    step(W, k, v, rate) -> u       W (M, H, C), k (M, H), v (M, C), rate (M, 1); W grows by k u'
    whole(K, V, rates) -> U        K (M, T, H), V (M, T, C), rates (M, T, 1)
    """

    step: Callable
    whole: Callable

    __reduce__ = reduce_record  # so that it can be sent to another process


def step_sum(W, k, v, rate):
    """The sum rule writes the value as it is."""
    return v


def whole_sum(K, V, rates):
    """All that the sum rule writes: the values."""
    return V


def step_delta(W, k, v, rate):
    """The delta rule writes what the memory does not answer yet."""
    return rate * (v - recall(W, k[:, None])[:, 0])


def whole_delta(K, V, rates):
    """All that the delta rule writes, U (M, T, C): the solution of (I + r tril(K K', -1)) U = r V.

    Row t says u_t = r_t (v_t - sum_{s<t} (k_t'k_s) u_s), and the sum is what W_{t-1} answers.
    """
    T = np.shape(K)[1]
    before = np.asarray(numpy.tri(T, k=-1), dtype=K.dtype)  # 1 where s < t
    overlap = rates * (K @ np.swapaxes(K, -1, -2)) * before
    return np.linalg.solve(np.eye(T, dtype=K.dtype) + overlap, rates * V)


SUM, DELTA = Rule(step_sum, whole_sum), Rule(step_delta, whole_delta)


def learner(inputs, outputs=1, keys=16, rule=SUM, features=None, loss=mse) -> Learner:
    """A fast-weight programmer with keys of `keys` numbers, before the features are taken.

    By default the features are the keys themselves for SUM, and keys of length 1 otherwise.
    """
    checks.functions("rule", rule, "step", "whole")
    features = features or (identity if rule is SUM else unit)
    checks.function("features", features)
    checks.function("loss", loss)
    fresh = _init_of(inputs, keys)
    checks.integer("outputs", outputs, at_least=1)
    parts = {"rule": rule, "features": features}
    return Learner(
        fresh,
        partial(adapt, **parts),
        partial(predict, features=features),
        loss,
        partial(start, features=features, outputs=outputs),
        partial(observe, **parts),
        partial(predict_along, **parts),
    )


def softmax_learner(inputs, keys=16, features=None, loss=mse):
    """Attention over all pairs, kept as they are: the answer is softmax(K q) V, or 0 of none.

    It has the slow weights of `learner`, but its memory grows with every pair.
    """
    features = features or identity
    checks.function("features", features)
    checks.function("loss", loss)
    parts = {"features": features}
    return Learner(
        _init_of(inputs, keys), partial(collect, **parts), partial(attend, **parts), loss
    )


def init(rng, inputs, keys):
    """Slow weights: W_k and W_q (D, keys) ~ N(0, 1 / keys), and a write rate that starts at 1/2."""
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("keys", keys, at_least=1)
    checks.generator("rng", rng)
    draw = lambda: rng.normal(scale=keys**-0.5, size=(inputs, keys))
    rate = {"W": numpy.zeros((inputs, 1)), "b": numpy.zeros(1)}
    return to_device({"key": draw(), "query": draw(), "rate": rate})


def start(meta, x, features, outputs):
    """The empty memory W (M, H, C)."""
    H = np.shape(features(meta["key"][:1]))[-1]
    return {"W": np.zeros((len(x), H, outputs), dtype=x.dtype)}


def observe(meta, state, x, y, rule, features):
    """The memory after one more pair of each task, x (M, D) and y (M, C)."""
    k, v, rate = address(meta, x, y, features)
    C = np.shape(state["W"])[-1]
    if np.shape(v)[-1] != C:
        raise ValueError(f"y must have {C} numbers on its last axis; its shape is {np.shape(y)}.")
    u = rule.step(state["W"], k, v, rate)  # (M, C)
    return {"W": state["W"] + k[:, :, None] * u[:, None, :]}


def adapt(meta, support, rule, features):
    """The memory W (M, H, C) after a support x (M, S, D), y (M, S, C), written in one call."""
    K, V, rates = address(meta, *support, features)
    return {"W": np.swapaxes(K, -1, -2) @ rule.whole(K, V, rates)}


def predict(meta, state, x, features):
    """Answers (M, Q, C) to queries x (M, Q, D)."""
    return recall(state["W"], features(project(meta, "query", x)))


def predict_along(meta, data, rule, features):
    """The answer to each x_t from the pairs before it, (M, T, C): masked attention."""
    K, V, rates = address(meta, *data, features)
    q = features(project(meta, "query", data.x))
    T = np.shape(q)[1]
    scores = (q @ np.swapaxes(K, -1, -2)) * np.asarray(numpy.tri(T, k=-1), dtype=q.dtype)
    return scores @ rule.whole(K, V, rates)


def address(meta, x, y, features):
    """The keys, values and write rates of pairs x (..., D), y (..., C)."""
    if np.shape(x)[:-1] != np.shape(y)[:-1]:
        raise ValueError(
            f"x and y must have a value for each key; their shapes are {np.shape(x)} and "
            f"{np.shape(y)}."
        )
    k = features(project(meta, "key", x))
    rate = x @ meta["rate"]["W"] + meta["rate"]["b"]
    return k, y, 0.5 + 0.5 * np.tanh(0.5 * rate)  # a sigmoid that cannot overflow


def project(meta, name, x):
    """Inputs x (..., D) times the slow weights of this name, which must fit."""
    D = len(meta[name])
    checks.floats("x", x)
    if np.shape(x)[-1] != D:
        raise ValueError(f"x must have {D} inputs on its last axis; its shape is {np.shape(x)}.")
    return x @ meta[name]


def recall(W, q):
    """What the memory W (M, H, C) answers to q (M, Q, H)."""
    return q @ W


def collect(meta, support, features):
    """The memory of attention: all keys (M, S, H) and values (M, S, C)."""
    K, V, _ = address(meta, *support, features)
    return {"keys": K, "values": V}


def attend(meta, state, x, features):
    """softmax(K q) V for queries x (M, Q, D): (M, Q, C)."""
    q = features(project(meta, "query", x))
    scores = q @ np.swapaxes(state["keys"], -1, -2)  # (M, Q, S)
    return (softmax(scores) if scores.shape[-1] else scores) @ state["values"]


# ---- Features of keys and queries ----


def identity(k):
    """The key itself."""
    return k


def unit(k):
    """The key brought to length 1: (..., H) -> (..., H)."""
    return k / np.sqrt(np.sum(k * k, axis=-1, keepdims=True) + TINY)


def dpfp(shifts=1):
    """Deterministic parameter-free projection, as features: 2 D `shifts` numbers of a key of D.

    phi(k)_{i + 2 D (j - 1)} = relu([k, -k])_i relu([k, -k])_{i + j}  for j = 1 .. shifts, at
    length 1. It has more dimensions than the key, so a matrix can keep more pairs apart.
    """
    checks.integer("shifts", shifts, at_least=1)

    def features(k):
        r = np.maximum(np.concatenate([k, -k], axis=-1), 0.0)  # (..., 2 D)
        turned = [np.concatenate([r[..., j:], r[..., :j]], axis=-1) for j in range(1, shifts + 1)]
        return unit(np.concatenate([r * other for other in turned], axis=-1))

    return features


def _init_of(inputs, keys):
    """The `init` of a learner of these sizes, which are checked now."""
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("keys", keys, at_least=1)
    return lambda rng: init(rng, inputs, keys)
