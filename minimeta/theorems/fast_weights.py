"""Theorems on fast weights: one matrix, written in outer products, and what it can hold."""

import numpy

from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import flatten
from minimeta.exact import associative as exact
from minimeta.memories import fast_recurrent
from minimeta.memories import fast_weights as memory
from minimeta.meta import along, evaluate
from minimeta.tasks import Data, recall
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, DEFINITION, has_mean

SCHLAG = "Schlag, Irie & Schmidhuber 2021, arXiv:2102.11174"
BA = "Ba et al. 2016, arXiv:1610.06258"
KACZMARZ = "Kaczmarz 1937"
T, D, C = 6, 4, 2
OPEN = 40.0  # a write rate of sigmoid(40) is 1 to the last digit of float64
SUM = memory.learner(D, C, keys=5)
DELTA = memory.learner(D, C, keys=5, rule=memory.DELTA)


def pairs(tasks=3, seed=0):
    """Slow weights whose write rate depends on the input, and sequences of T random pairs."""
    rng = numpy.random.default_rng(seed)
    meta = memory.init(rng, D, 5)
    meta["rate"] = {"W": rng.normal(size=(D, 1)), "b": rng.normal(size=1)}
    return meta, Data(rng.normal(size=(tasks, T, D)), rng.normal(size=(tasks, T, C)))


def plain(dimension):
    """Slow weights that take keys as they are, with write rate 1."""
    one = numpy.eye(dimension)
    rate = {"W": numpy.zeros((dimension, 1)), "b": numpy.full(1, OPEN)}
    return {"key": one, "query": one, "rate": rate}


def write(rule, x, y):
    """The memory (M, H, C) after pairs whose keys are taken as they are, with write rate 1."""
    rest = {"rule": rule, "features": memory.identity}
    return memory.adapt(plain(x.shape[-1]), Data(x, y), **rest)["W"]


def orthonormal(rng, dimension):
    """A random matrix whose rows are orthonormal."""
    return numpy.linalg.qr(rng.normal(size=(dimension, dimension)))[0]


# ---- The two rules ----


@theorem(lesson="fast_weights", source=SCHLAG)
def the_sum_rule_is_linear_attention():
    """What the sum rule answers at x_t is sum_{s<t} v_s (k_s'q_t): attention without a softmax."""
    meta, (x, y) = pairs()
    keys, queries = x @ meta["key"], x @ meta["query"]
    answers = numpy.zeros_like(y)
    for t in range(T):
        for s in range(t):
            scores = numpy.sum(keys[:, s] * queries[:, t], axis=-1, keepdims=True)
            answers[:, t] += scores * y[:, s]
    slow = SUM._replace(along=None)  # a matrix that is written once for each pair
    computed = numpy.stack([along(learner, meta, Data(x, y)) for learner in (SUM, slow)])
    return Claim(computed, numpy.stack([answers, answers]), tolerance=1e-12)


@theorem(lesson="fast_weights", source=KACZMARZ)
def the_delta_rule_is_kaczmarz():
    """With rate 1 and a unit key, a write is the least change of the memory that stores the pair.

    The least |dW|^2 with (W + dW)'k = v solves the Karush-Kuhn-Tucker equations of this problem.
    """
    rng = numpy.random.default_rng(0)
    x, y = memory.unit(rng.normal(size=(1, 5, D))), rng.normal(size=(1, 5, C))
    W, k = write(memory.DELTA, x[:, :4], y[:, :4])[0], x[0, 4]
    system = numpy.block([[numpy.eye(D), k[:, None]], [k[None], numpy.zeros((1, 1))]])
    sides = numpy.concatenate([numpy.zeros((D, C)), y[0, 4:] - k[None] @ W])
    change = numpy.linalg.solve(system, sides)[:D]
    return Claim(write(memory.DELTA, x, y)[0], W + change, tolerance=1e-10)


@theorem(lesson="fast_weights", source=SCHLAG)
def the_delta_rule_is_gradient_descent():
    """The delta rule is one pass of gradient descent on |v - W'k|^2 / 2 with its rates as steps."""
    meta, (x, y) = pairs(tasks=1)
    rates = 1 / (1 + numpy.exp(-x @ meta["rate"]["W"] - meta["rate"]["b"]))
    W = numpy.zeros((5, C))
    for t in range(T):
        k = memory.unit(x[0, t] @ meta["key"])
        loss = lambda W, k=k, t=t: numpy.sum((y[0, t] - k @ W) ** 2) / 2
        W = W - rates[0, t] * grad(loss)(W)
    return Claim(DELTA.adapt(meta, Data(x, y))["W"][0], W, tolerance=1e-12)


@theorem(lesson="fast_weights", source=ALGEBRA)
def one_triangular_system_writes_a_sequence():
    """The delta rule in one call, a triangular system, leaves what its steps one by one leave."""
    meta, data = pairs()
    state = DELTA.start(meta, data.x)
    for t in range(T):
        state = DELTA.observe(meta, state, data.x[:, t], data.y[:, t])
    return Claim(DELTA.adapt(meta, data)["W"], state["W"], tolerance=1e-12)


@theorem(lesson="fast_weights", source="Causality")
def no_label_is_seen_before_its_answer():
    """The answer to x_t depends on x_1 .. x_t and y_1 .. y_t-1 and nothing else, in both rules."""
    meta, data = pairs(tasks=1)
    seen = []
    for learner in (SUM, DELTA):
        answer = lambda data, t, learner=learner: learner.along(meta, data)[0, t].sum()
        gradients = [grad(answer)(data, t) for t in range(1, T)]
        seen.append([[abs(part[0]).sum(axis=-1) > 0 for part in pair] for pair in gradients])
    expected = numpy.stack([numpy.tri(T), numpy.tri(T, k=-1)], axis=1)[1:]
    return Claim(numpy.array(seen), numpy.stack([expected, expected]), tolerance=0.0)


@theorem(lesson="fast_weights", source=DEFINITION)
def values_may_be_turned():
    """If all values are multiplied by a matrix, so are the answers, in both rules."""
    meta, data = pairs()
    R = numpy.random.default_rng(1).normal(size=(C, C))
    both = lambda y: numpy.stack([f.along(meta, Data(data.x, y)) for f in (SUM, DELTA)])
    return Claim(both(data.y @ R), both(data.y) @ R, tolerance=1e-12)


@theorem(lesson="fast_weights", source=DEFINITION)
def keys_may_be_turned():
    """A rotation of all keys and queries changes no answer, in both rules."""
    meta, data = pairs()
    R = orthonormal(numpy.random.default_rng(1), 5)
    other = {**meta, "key": meta["key"] @ R, "query": meta["query"] @ R}
    both = lambda meta: numpy.stack([f.along(meta, data) for f in (SUM, DELTA)])
    return Claim(both(other), both(meta), tolerance=1e-12)


@theorem(lesson="fast_weights", source=ALGEBRA)
def the_order_matters_to_the_delta_rule_alone():
    """The sum rule forgets the order of the pairs, and of a key that is written twice with rate 1
    the delta rule keeps the last value.
    """
    rng = numpy.random.default_rng(0)
    keys, y = orthonormal(rng, D)[[0, 1, 2, 0]], rng.normal(size=(1, 4, C))
    there, back = (
        write(memory.SUM, keys[None, way], y[:, way]) for way in (range(4), [3, 2, 1, 0])
    )
    last = keys[None, :1] @ write(memory.DELTA, keys[None], y)
    computed = numpy.concatenate([there - back, last], axis=1)
    expected = numpy.concatenate([0.0 * there, y[:, 3:]], axis=1)
    return Claim(computed, expected, tolerance=1e-12)


# ---- Capacity ----


@theorem(lesson="fast_weights", source=ALGEBRA)
def orthonormal_keys_are_stored_exactly():
    """A matrix holds as many pairs as its keys have dimensions, if the keys are orthonormal."""
    rng = numpy.random.default_rng(0)
    x, y = orthonormal(rng, 8)[None], rng.normal(size=(1, 8, C))
    computed = [x @ write(rule, x, y) for rule in (memory.SUM, memory.DELTA)]
    return Claim(numpy.stack(computed), numpy.stack([y, y]), tolerance=1e-12)


@theorem(lesson="fast_weights", source=SCHLAG)
def random_keys_disturb_each_other():
    """With S random unit keys in d dimensions the sum rule has the error (S - 1) / d."""
    task = recall.unit_keys(numpy.random.default_rng(0), 4000, 12, 4, 8, values=16)
    learner = memory.learner(8, 16, keys=8)
    losses = evaluate(learner, plain(8), task)
    return has_mean(losses, exact.random_keys_error(12, 8))


@theorem(lesson="fast_weights", source="Eckart & Young 1936")
def the_best_slow_weights_reach_the_floor():
    """With keys and queries in the rows of a projection of rank d, S keys have the error 1 - d / S.

    The values are the S unit vectors, so the answers are the whole matrix G of the memory.
    """
    S, d = 12, 5
    axes = orthonormal(numpy.random.default_rng(0), S)[:, :d]
    meta = {**plain(S), "key": axes, "query": axes}
    x = numpy.eye(S)[None]
    learner = memory.learner(S, S, keys=d)
    G = learner.predict(meta, learner.adapt(meta, Data(x, x)), x)
    return Claim(numpy.sum((G - x) ** 2) / S, exact.sum_floor(S, d), tolerance=1e-12)


@theorem(lesson="fast_weights", source="Eckart & Young 1936")
def descent_ends_at_the_floor():
    """Gradient descent on the slow weights from a random start ends at the floor 1 - d / S."""
    S, d, x = 6, 2, numpy.eye(6)[None]
    learner = memory.learner(S, S, keys=d)
    meta = learner.init(numpy.random.default_rng(0))
    loss = lambda meta: mse(learner.predict(meta, learner.adapt(meta, Data(x, x)), x), x)[0] * S
    for _ in range(500):
        gradient = grad(loss)(meta)
        meta = {**meta, **{part: meta[part] - gradient[part] for part in ("key", "query")}}
    return Claim(loss(meta), exact.sum_floor(S, d), tolerance=1e-9)


def rewritten(learner, **changes):
    """The losses of 4,000 tasks whose 12 writes draw from 6 orthonormal keys."""
    task = recall.rewritten(numpy.random.default_rng(0), 4000, 12, 4, keys=6, values=16)
    return evaluate(learner, {**plain(6), **changes}, task)


@theorem(lesson="fast_weights", source="Least squares")
def a_sum_mixes_old_and_new_values():
    """With keys that are written again the best sum has the error m / (1 + m), m = (T - 1) / S."""
    factor = 1.0 / (1.0 + 11 / 6)  # what the sum of the values is best multiplied by
    losses = rewritten(memory.learner(6, 16, keys=6), query=factor * numpy.eye(6))
    return has_mean(losses, exact.rewritten_sum_error(6, 12))


@theorem(lesson="fast_weights", source="Binomial distribution")
def sharp_attention_averages_old_and_new_values():
    """With keys that are written again sharp softmax attention has the error 1 - E[1 / n]."""
    losses = rewritten(memory.softmax_learner(6, keys=6), query=OPEN * numpy.eye(6))
    return has_mean(losses, exact.rewritten_softmax_error(6, 12))


@theorem(lesson="fast_weights", source=SCHLAG)
def the_delta_rule_replaces_old_values():
    """With orthonormal keys that are written again the delta rule of rate 1 has no error."""
    losses = rewritten(memory.learner(6, 16, keys=6, rule=memory.DELTA))
    return Claim(losses, numpy.zeros(4000), tolerance=1e-20)


@theorem(lesson="fast_weights", source="Derived in exact/associative.py")
def old_pairs_fade_as_computed():
    """With random unit keys the delta rule's error by age is the recursion of three numbers."""
    N, d, tasks = 10, 8, 4000
    task = recall.unit_keys(numpy.random.default_rng(0), tasks, N, 1, d, values=16)
    x, y = task.support
    errors = numpy.mean((x @ write(memory.DELTA, x, y) - y)[:, ::-1] ** 2, axis=-1)  # newest first
    off = errors - exact.delta_error_by_age(N, d)
    return has_mean(off[:, 1:], numpy.zeros(N - 1))  # the newest has no error at all


@theorem(lesson="fast_weights", source=KACZMARZ)
def replay_solves_the_equations():
    """Pairs that are shown again and again bring the delta rule to the least-norm interpolant."""
    rng = numpy.random.default_rng(0)
    x, y = memory.unit(rng.normal(size=(1, 3, D))), rng.normal(size=(1, 3, C))
    W = write(memory.DELTA, numpy.tile(x, (1, 400, 1)), numpy.tile(y, (1, 400, 1)))
    return Claim(W[0], numpy.linalg.pinv(x[0]) @ y[0], tolerance=1e-10)


@theorem(lesson="fast_weights", source=SCHLAG)
def features_have_more_dimensions():
    """DPFP features are the products relu([k, -k])_i relu([k, -k])_i+j, of rank 2 d times j's."""
    k, d = numpy.random.default_rng(0).normal(size=(200, 4)), 4
    phi = numpy.zeros((200, 2, 2 * d))
    for n in range(200):
        both = [max(number, 0.0) for number in (*k[n], *-k[n])]
        for i in range(2 * d):
            for j in (1, 2):
                phi[n, j - 1, i] = both[i] * both[(i + j) % (2 * d)]
    phi = phi.reshape(200, -1)
    phi = phi / numpy.linalg.norm(phi, axis=1, keepdims=True)
    computed = memory.dpfp(shifts=2)(k)
    ranks = numpy.linalg.matrix_rank(computed) - 4.0 * d
    return Claim([*(computed - phi).ravel(), ranks], numpy.zeros(phi.size + 1), tolerance=1e-9)


# ---- Ba's recurrent network ----


def ba_states(meta, data, inner, decay, rate):
    """The hidden states along a sequence with attention in place of a matrix, and the sum."""
    norm = lambda z: (z - z.mean(-1, keepdims=True)) / numpy.sqrt(z.var(-1, keepdims=True) + 1e-5)
    past, h = [], numpy.zeros((len(data.x), len(meta["recurrent"])))
    for t in range(T):
        token = numpy.concatenate([data.x[:, t], data.y[:, t], numpy.ones((len(h), 1))], axis=1)
        z = h @ meta["recurrent"] + token @ meta["input"]["W"] + meta["input"]["b"]
        h = numpy.maximum(norm(z), 0.0)
        for _ in range(inner):
            drawn = 0.0 * h
            for tau, old in enumerate(past):
                attention = numpy.sum(old * h, axis=-1, keepdims=True)
                drawn = drawn + rate * decay ** (t - 1 - tau) * attention * old
            h = numpy.maximum(norm(z + drawn), 0.0)
        past.append(h)
    return h


@theorem(lesson="fast_weights", source=BA)
def the_fast_matrix_is_attention_to_the_past():
    """The hidden state under the fast matrix is that under attention to all earlier states."""
    rng, options = numpy.random.default_rng(0), dict(inner=2, decay=0.9, rate=0.5)
    learner = fast_recurrent.learner(D, C, hidden=7, **options)
    meta, (_, data) = learner.init(rng), pairs()
    state = learner.adapt(meta, data)
    return Claim(state["h"], ba_states(meta, data, **options), tolerance=1e-10)


@theorem(lesson="fast_weights", source=BA)
def without_an_inner_loop_the_matrix_is_not_read():
    """With no inner step the hidden states do not depend on the rate of the fast matrix."""
    meta, (_, data) = fast_recurrent.init(numpy.random.default_rng(0), D, C, 7), pairs()
    states = [
        fast_recurrent.learner(D, C, hidden=7, inner=0, rate=rate).adapt(meta, data)["h"]
        for rate in (0.0, 0.5)
    ]
    return Claim(flatten(states[0]), flatten(states[1]), tolerance=1e-15)
