"""Theorems on the meta-LSTM: its update with constant and with random gates, its meta-gradient.

With W = 0 the gates are numbers f and i, and on quadratics every step is P = f I - i A.
"""

import math

import numpy

from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import flatten, leaves, tree_map
from minimeta.initializations import fomaml, maml
from minimeta.learned_optimizers import meta_lstm
from minimeta.learned_optimizers.meta_lstm import first_order, second_order
from minimeta.meta import meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.quadratics import from_quadratics
from minimeta.tasks.regression import sines
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import (
    ALGEBRA,
    LINE,
    differences,
    draw_family,
    meta_gradient,
    parameters,
)

RAVI = "Ravi & Larochelle 2017"
NET = mlp([1, 6, 1], activation=numpy.tanh)


def zero_gates(start, b_f, b_i):
    """Meta-parameters whose gates have W = 0, so that they are constants, whatever they read."""
    gates = meta_lstm.init(numpy.random.default_rng(0), Net(lambda rng: start, None))
    zero = tree_map(numpy.zeros_like, gates)
    shut = lambda name, b: {**zero[name], "b": numpy.array([b])}
    return {"start": start, "forget": shut("forget", b_f), "input": shut("input", b_i)}


def random_gates(seed, start):
    """Meta-parameters whose gates have random weights for all that they read."""
    rng = numpy.random.default_rng(seed)
    draw = lambda w: rng.normal(size=w.shape)
    return {**tree_map(draw, zero_gates(start, 0.0, 0.0)), "start": start}


def logit(p):
    """The number whose sigmoid is p."""
    return math.log(p / (1.0 - p))


@theorem(lesson="meta_lstm", source=RAVI)
def zero_weights_are_sgd():
    """With zero weights and f = 1, the meta-LSTM is MAML's inner loop, bit for bit.

    A bias of 40 makes f exactly 1 in floats; 0 makes the step exactly 1/2.
    """
    start = NET.init(numpy.random.default_rng(0))
    support = sines(numpy.random.default_rng(1), 3, 5, 1).support
    metas = [zero_gates(start, 40.0, b) for b in (0.0, -4.6)]
    computed = [meta_lstm.adapt(meta, support, NET, steps=4) for meta in metas]
    sizes = 0.5, float(meta_lstm.sigmoid(-4.6))
    expected = [maml.adapt(start, support, NET, mse, a, 4) for a in sizes]
    return Claim(flatten(computed), flatten(expected), tolerance=0.0)


@theorem(lesson="meta_lstm", source=RAVI)
def zero_weights_follow_fomaml():
    """With zero weights and f = 1, the meta-gradient of the start is FOMAML's, bit for bit."""
    start, task = NET.init(numpy.random.default_rng(0)), sines(numpy.random.default_rng(1), 3, 5, 4)
    meta = zero_gates(start, 40.0, 0.0)
    computed = meta_gradient(meta_lstm.learner(NET, steps=3), meta, task)["start"]
    expected = meta_gradient(fomaml.learner(NET, step_size=0.5, steps=3), start, task)
    return Claim(flatten(computed), flatten(expected), tolerance=0.0)


def constant_gates(steps, f=0.9, i=0.3):
    """Quadratics A, c, a start, and where `steps` updates end by linear algebra."""
    A, c, theta, _ = draw_family(seed=2)
    P = f * numpy.eye(3) - i * A
    powers = [numpy.linalg.matrix_power(P, k) for k in range(steps + 1)]
    ends = powers[-1] @ theta[:, None] + sum(powers[:-1]) @ (i * A) @ c[..., None]  # (M, D, 1)
    return A, c, zero_gates(parameters(theta), logit(f), logit(i)), powers[-1], ends


@theorem(lesson="meta_lstm", source=ALGEBRA)
def constant_gates_decay():
    """With constant gates f < 1 and i, the update is SGD with weight decay: k steps end at P^k
    theta + sum_j P^j i A c, where P = f I - i A.
    """
    A, c, meta, _, ends = constant_gates(steps=4)
    computed = meta_lstm.adapt(meta, from_quadratics(A, c).support, LINE, steps=4)["w"]
    return Claim(computed, ends, tolerance=1e-13)


@theorem(lesson="meta_lstm", source="Hoerl & Kennard 1970")
def forgetting_is_ridge_regression():
    """Constant gates f < 1 and i end in ridge regression of strength (1 - f) / i from any start."""
    A, c, meta, _, _ = constant_gates(steps=1)
    computed = meta_lstm.adapt(meta, from_quadratics(A, c).support, LINE, steps=300)["w"]
    ridge = numpy.linalg.solve(A + (1 - 0.9) / 0.3 * numpy.eye(3), A @ c[..., None])
    return Claim(computed, ridge, tolerance=1e-12)


def gradient_of_start(see):
    """The meta-gradient of the start, P^k and A (c_k - c), with constant gates."""
    A, c, meta, P_k, ends = constant_gates(steps=4)
    task, learner = from_quadratics(A, c), meta_lstm.learner(LINE, steps=4, see=see)
    return meta_gradient(learner, meta, task)["start"]["w"], P_k, A @ (ends - c[..., None])


@theorem(lesson="meta_lstm", source=RAVI)
def what_constant_gradients_leave_out():
    """With gradients held constant, the meta-gradient of the start is mean f^k A (c_k - c); with
    second derivatives, P^k stands in place of f^k.
    """
    computed = [gradient_of_start(see)[0] for see in (first_order, second_order)]
    _, P_k, pull = gradient_of_start(first_order)
    expected = [numpy.mean(0.9**4 * pull, axis=0), numpy.mean(P_k @ pull, axis=0)]
    return Claim(computed, expected, tolerance=1e-13)


def by_hand(meta, x, y, steps):
    """The paper's equations for one number, in plain Python: the cell after every step."""
    f = i = 0.0
    c = float(meta["start"]["w"][0, 0])
    sigmoid = lambda z: 1.0 / (1.0 + math.exp(-z))
    read = lambda v: (
        (math.log(abs(v)) / 10, math.copysign(1.0, v))
        if abs(v) >= math.exp(-10)
        else (-1.0, math.exp(10) * v)
    )
    for _ in range(steps):
        loss, gradient = (c * x - y) ** 2, 2 * x * (c * x - y)
        inputs = [*read(gradient), *read(loss), c]
        W = {k: [float(w) for leaf in leaves(meta[k]) for w in leaf] for k in ("forget", "input")}
        pre = lambda w, before, inputs=inputs: (
            sum(a * b for a, b in zip(w[:6], [*inputs, before])) + w[6]
        )
        f, i = sigmoid(pre(W["forget"], f)), sigmoid(pre(W["input"], i))
        c = f * c - i * gradient
    return c


@theorem(lesson="meta_lstm", source=RAVI)
def the_equations_by_hand():
    """For a single parameter, the update is the paper's equations in plain Python."""
    cases, computed, expected = [(0.7, 0.3), (0.5, -1.1), (1e-3, 1e-3)], [], []
    for seed, (x, y) in enumerate(cases):
        meta = random_gates(seed, {"w": numpy.array([[0.4]])})
        support = Data(numpy.array([[[x]]]), numpy.array([[[y]]]))
        computed.append(meta_lstm.adapt(meta, support, LINE, steps=3)["w"].item())
        expected.append(by_hand(meta, x, y, 3))
    return Claim(computed, expected, tolerance=1e-13)


@theorem(lesson="meta_lstm", source="symmetry")
def coordinates_may_be_relabelled():
    """Coordinates share the gates: permuted inputs give weights permuted in the same way."""
    rng, order = numpy.random.default_rng(3), [2, 0, 1]
    x, y = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 6, 1))
    meta = random_gates(4, {"w": rng.normal(size=(3, 1))})
    computed = meta_lstm.adapt(meta, Data(x, y), LINE)["w"][:, order]
    turned = {**meta, "start": {"w": meta["start"]["w"][order]}}
    expected = meta_lstm.adapt(turned, Data(x[..., order], y), LINE)["w"]
    return Claim(computed, expected, tolerance=1e-12)


@theorem(lesson="meta_lstm", source="counting")
def tasks_do_not_see_each_other():
    """Adapting to many tasks at once gives what adapting to each task alone gives."""
    meta = random_gates(5, NET.init(numpy.random.default_rng(5)))
    support = sines(numpy.random.default_rng(6), 4, 5, 1).support
    alone = [Data(support.x[m : m + 1], support.y[m : m + 1]) for m in range(4)]
    fit = lambda data: meta_lstm.adapt(meta, data, NET)
    expected = tree_map(lambda *parts: numpy.concatenate(parts), *map(fit, alone))
    return Claim(flatten(fit(support)), flatten(expected), tolerance=1e-12)


def random_problem():
    """Three tasks of noise, and meta-parameters whose gates have random weights."""
    rng = numpy.random.default_rng(7)
    data = Data(rng.normal(size=(3, 5, 3)), rng.normal(size=(3, 5, 1)))
    return Task(data, data), random_gates(8, {"w": rng.normal(size=(3, 1))})


def record(meta, task, steps):
    """A maker of `see` functions that return what the updates saw in one run, at any parameters."""
    path = meta_lstm.trajectory(meta, task.support, LINE, steps=steps)
    seen = [first_order(phi, task.support, LINE, mse) for phi, _, _ in path[:-1]]

    def fresh():
        remaining = iter(seen)
        return lambda *now: next(remaining)

    return fresh


@theorem(lesson="meta_lstm", source="differences")
def gradients_and_losses_are_constants():
    """The meta-gradient treats the gradients and losses that the gates read as fixed numbers."""
    task, meta = random_problem()
    fresh = record(meta, task, 3)
    loss = lambda meta, see: meta_loss(meta_lstm.learner(LINE, steps=3, see=see), meta, task)
    computed = grad(loss)(meta, first_order)
    expected = differences(lambda m: loss(m, fresh()), meta, 1e-5)
    return Claim(flatten(computed), expected, tolerance=1e-8)


@theorem(lesson="meta_lstm", source="differences")
def second_order_follows_all():
    """With second derivatives, the meta-gradient is the derivative of the whole run."""
    task, meta = random_problem()
    loss = lambda m: meta_loss(meta_lstm.learner(LINE, steps=3, see=second_order), m, task)
    expected = differences(loss, meta, 1e-6)
    size = numpy.abs(expected).max()  # in the hundreds: the gates are wild here
    return Claim(flatten(grad(loss)(meta)) / size, expected / size, tolerance=1e-8)
