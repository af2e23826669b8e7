"""Theorems on the meta-LSTM: what its update is with closed and with open eyes, and its gradient.

With W = 0 the gates are numbers f and i, and on quadratics every step is P = f I - i A.
"""

import math

import numpy

from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import leaves, tree_map, unflatten
from minimeta.initializations import fomaml, maml
from minimeta.learned_optimizers import meta_lstm
from minimeta.learned_optimizers.meta_lstm import first_order, second_order
from minimeta.meta import meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.tasks.regression import sines
from minimeta.theorems import Claim, theorem

RAVI = "Ravi & Larochelle 2017"
LINE = Net(lambda rng: {"w": rng.normal(size=(3, 1))}, lambda theta, x: x @ theta["w"])
NET = mlp([1, 6, 1], activation=numpy.tanh)


def blind(start, b_f, b_i):
    """Meta-parameters whose gates read nothing: W = 0."""
    gates = meta_lstm.init(numpy.random.default_rng(0), Net(lambda rng: start, None))
    zero = tree_map(numpy.zeros_like, gates)
    shut = lambda name, b: {**zero[name], "b": numpy.array([b])}
    return {"start": start, "forget": shut("forget", b_f), "input": shut("input", b_i)}


def seeing(seed, start):
    """Meta-parameters whose gates read all they can."""
    rng = numpy.random.default_rng(seed)
    return tree_map(lambda w: rng.normal(size=w.shape), blind(start, 0.0, 0.0)) | {"start": start}


def logit(p):
    return math.log(p / (1.0 - p))


def flat(tree):
    return numpy.concatenate([numpy.ravel(leaf) for leaf in leaves(tree)])


@theorem(lesson="meta_lstm", source=RAVI)
def zero_weights_are_sgd():
    """With zero weights and f = 1 the meta-LSTM is MAML's inner loop, bit for bit.

    A bias of 40 makes f exactly 1 in floats; 0 makes the step exactly 1/2.
    """
    start = NET.init(numpy.random.default_rng(0))
    support = sines(numpy.random.default_rng(1), 3, 5, 1).support
    found = [meta_lstm.adapt(blind(start, 40.0, b), support, NET, steps=4) for b in (0.0, -4.6)]
    sizes = 0.5, float(meta_lstm.sigmoid(-4.6))
    exactly = [maml.adapt(start, support, NET, mse, a, 4) for a in sizes]
    return Claim(flat(found), flat(exactly), tolerance=0.0)


@theorem(lesson="meta_lstm", source=RAVI)
def zero_weights_follow_fomaml():
    """With zero weights and f = 1 the meta-gradient of the start is FOMAML's, bit for bit."""
    start, task = NET.init(numpy.random.default_rng(0)), sines(numpy.random.default_rng(1), 3, 5, 4)
    slope = lambda learner, meta: grad(lambda meta: meta_loss(learner, meta, task))(meta)
    found = slope(meta_lstm.learner(NET, steps=3), blind(start, 40.0, 0.0))["start"]
    exactly = slope(fomaml.learner(NET, step_size=0.5, steps=3), start)
    return Claim(flat(found), flat(exactly), tolerance=0.0)


def constant_gates(steps, f=0.9, i=0.3):
    """Quadratics A, c, a start, and where `steps` blind updates lead by linear algebra."""
    rng = numpy.random.default_rng(2)
    A, c = draw_quadratics(rng, 5, 3)
    theta, P = rng.normal(size=(3, 1)), f * numpy.eye(3) - i * A
    powers = [numpy.linalg.matrix_power(P, k) for k in range(steps + 1)]
    ends = powers[-1] @ theta + sum(powers[:-1]) @ (i * A) @ c[..., None]  # (M, D, 1)
    return A, c, blind({"w": theta}, logit(f), logit(i)), powers[-1], ends


@theorem(lesson="meta_lstm", source="linear algebra")
def constant_gates_decay():
    """With f < 1 it is SGD with weight decay: P^k theta + sum_j P^j i A c, P = f I - i A."""
    A, c, meta, _, ends = constant_gates(steps=4)
    found = meta_lstm.adapt(meta, from_quadratics(A, c).support, LINE, steps=4)["w"]
    return Claim(found, ends, tolerance=1e-13)


@theorem(lesson="meta_lstm", source="Hoerl & Kennard 1970")
def forgetting_is_ridge_regression():
    """With f < 1 many steps end in ridge regression of strength (1 - f) / i, from any start."""
    A, c, meta, _, _ = constant_gates(steps=1)
    found = meta_lstm.adapt(meta, from_quadratics(A, c).support, LINE, steps=300)["w"]
    ridge = numpy.linalg.solve(A + (1 - 0.9) / 0.3 * numpy.eye(3), A @ c[..., None])
    return Claim(found, ridge, tolerance=1e-12)


def slope_of_start(see):
    """The meta-gradient of the start, P^k and A (c_k - c), with constant gates."""
    A, c, meta, P_k, ends = constant_gates(steps=4)
    task, learner = from_quadratics(A, c), meta_lstm.learner(LINE, steps=4, see=see)
    found = grad(lambda meta: meta_loss(learner, meta, task))(meta)["start"]["w"]
    return found, P_k, A @ (ends - c[..., None])


@theorem(lesson="meta_lstm", source=RAVI)
def what_constant_slopes_leave_out():
    """No second derivatives: the start follows mean f^k A (c_k - c), the full one P^k for f^k."""
    found = [slope_of_start(see)[0] for see in (first_order, second_order)]
    _, P_k, pull = slope_of_start(first_order)
    exactly = [numpy.mean(0.9**4 * pull, axis=0), numpy.mean(P_k @ pull, axis=0)]
    return Claim(found, exactly, tolerance=1e-13)


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
        loss, slope = (c * x - y) ** 2, 2 * x * (c * x - y)
        inputs = [*read(slope), *read(loss), c]
        W = {k: [float(w) for leaf in leaves(meta[k]) for w in leaf] for k in ("forget", "input")}
        pre = lambda w, before, inputs=inputs: (
            sum(a * b for a, b in zip(w[:6], [*inputs, before])) + w[6]
        )
        f, i = sigmoid(pre(W["forget"], f)), sigmoid(pre(W["input"], i))
        c = f * c - i * slope
    return c


@theorem(lesson="meta_lstm", source=RAVI)
def the_equations_by_hand():
    """The update is the paper's, written out for a single number."""
    cases, found, exactly = [(0.7, 0.3), (0.5, -1.1), (1e-3, 1e-3)], [], []
    for seed, (x, y) in enumerate(cases):
        meta = seeing(seed, {"w": numpy.array([[0.4]])})
        support = Data(numpy.array([[[x]]]), numpy.array([[[y]]]))
        found.append(meta_lstm.adapt(meta, support, LINE, steps=3)["w"].item())
        exactly.append(by_hand(meta, x, y, 3))
    return Claim(found, exactly, tolerance=1e-13)


@theorem(lesson="meta_lstm", source="symmetry")
def coordinates_may_be_relabelled():
    """Coordinates share the gates: relabel those of the tasks, and the answers are relabelled."""
    rng, order = numpy.random.default_rng(3), [2, 0, 1]
    x, y = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 6, 1))
    meta = seeing(4, {"w": rng.normal(size=(3, 1))})
    found = meta_lstm.adapt(meta, Data(x, y), LINE)["w"][:, order]
    turned = {**meta, "start": {"w": meta["start"]["w"][order]}}
    exactly = meta_lstm.adapt(turned, Data(x[..., order], y), LINE)["w"]
    return Claim(found, exactly, tolerance=1e-12)


@theorem(lesson="meta_lstm", source="counting")
def tasks_do_not_see_each_other():
    """Adapting to many tasks at once is adapting to each alone."""
    meta = seeing(5, NET.init(numpy.random.default_rng(5)))
    support = sines(numpy.random.default_rng(6), 4, 5, 1).support
    alone = [Data(support.x[m : m + 1], support.y[m : m + 1]) for m in range(4)]
    fit = lambda data: leaves(meta_lstm.adapt(meta, data, NET))
    exactly = [numpy.concatenate(parts) for parts in zip(*map(fit, alone))]
    return Claim(flat(fit(support)), flat(exactly), tolerance=1e-12)


def recorded(meta, task, steps):
    """A `see` that gives back what the updates saw once, whatever the parameters are now."""
    path = meta_lstm.trajectory(meta, task.support, LINE, steps=steps)
    seen = [first_order(phi, task.support, LINE, mse) for phi, _, _ in path[:-1]]

    def fresh():
        remaining = iter(seen)
        return lambda *now: next(remaining)

    return fresh


def by_differences(f, meta, width):
    """df/dmeta by moving every number a little, up and down."""
    found, numbers = [], flat(meta)
    for k in range(len(numbers)):
        ends = []
        for sign in (width, -width):
            moved = numbers.copy()
            moved[k] += sign
            parts = numpy.split(moved, numpy.cumsum([w.size for w in leaves(meta)])[:-1])
            shaped = [p.reshape(w.shape) for p, w in zip(parts, leaves(meta))]
            ends.append(f(unflatten(meta, shaped)))
        found.append((ends[0] - ends[1]) / (2 * width))
    return numpy.array(found)


@theorem(lesson="meta_lstm", source="differences")
def slopes_and_losses_are_constants():
    """The gradient, of gates and start, is that of a run whose slopes and losses are replayed."""
    rng = numpy.random.default_rng(7)
    data = Data(rng.normal(size=(3, 5, 3)), rng.normal(size=(3, 5, 1)))
    task, meta = Task(data, data), seeing(8, {"w": rng.normal(size=(3, 1))})
    fresh = recorded(meta, task, 3)
    loss = lambda meta, see: meta_loss(meta_lstm.learner(LINE, steps=3, see=see), meta, task)
    found = grad(loss)(meta, first_order)
    return Claim(
        flat(found), by_differences(lambda m: loss(m, fresh()), meta, 1e-5), tolerance=1e-8
    )


@theorem(lesson="meta_lstm", source="differences")
def second_order_follows_all():
    """With second derivatives it is the gradient of the whole run."""
    rng = numpy.random.default_rng(7)
    data = Data(rng.normal(size=(3, 5, 3)), rng.normal(size=(3, 5, 1)))
    task, meta = Task(data, data), seeing(8, {"w": rng.normal(size=(3, 1))})
    loss = lambda m: meta_loss(meta_lstm.learner(LINE, steps=3, see=second_order), m, task)
    exactly = by_differences(loss, meta, 1e-6)
    size = numpy.abs(exactly).max()  # in the hundreds: the gates are wild here
    return Claim(flat(grad(loss)(meta)) / size, exactly / size, tolerance=1e-8)
