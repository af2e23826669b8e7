"""Theorems on learned optimizers: what they are in special cases, and what they cannot see."""

import math

import numpy

from minimeta.core.optim import momentum, sgd
from minimeta.core.trees import flatten, tree_map
from minimeta.learned_optimizers import lstm_optimizer
from minimeta.learned_optimizers.groups import combine
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.learned_optimizers.training import trajectory
from minimeta.tasks.optimizees import logistic
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ANDRYCHOWICZ, DEFINITION, POLYAK, draw_optimizer

UNTOUCHED = lambda g: g  # no preprocessing


def walk(optimizer, seed=0, steps=6):
    """Where an optimizer goes on logistic regressions, all parameters in one column: (steps, P)."""
    family = logistic(3, 4, 20)
    task = family.sample(numpy.random.default_rng(seed))
    f = lambda theta, t: family.loss(theta, task.support, t)
    path = trajectory(optimizer, family.start(task), f, steps)
    return numpy.stack([flatten(theta) for theta in path[1:]])


@theorem(lesson="learned_optimizers", source=ANDRYCHOWICZ)
def no_layer_is_sgd():
    """Without layers and preprocessing, the learned optimizer is SGD, bit for bit."""
    meta = {"layers": [], "W": numpy.array([[-0.3]])}
    computed = walk(lstm_optimizer.optimizer(meta, UNTOUCHED, scale=1.0))
    return Claim(computed, walk(sgd(0.3)), tolerance=0.0)


@theorem(lesson="learned_optimizers", source=POLYAK)
def a_linear_unit_is_momentum():
    """With one linear recurrent unit as its cell, the optimizer is momentum, bit for bit."""
    layer = {"W_x": numpy.array([[1.0]]), "W_h": numpy.array([[0.9]])}
    meta = {"layers": [layer], "W": numpy.array([[-0.3]])}
    cell = lstm_optimizer.linear_cell
    computed = walk(lstm_optimizer.optimizer(meta, UNTOUCHED, scale=1.0, cell=cell))
    return Claim(computed, walk(momentum(0.3, mass=0.9)), tolerance=0.0)


@theorem(lesson="learned_optimizers", source="Taylor's series of tanh")
def a_still_lstm_is_momentum():
    """An LSTM with constant gates that reads gradients times e is momentum, up to order e^2.

    Twice as faint is four times as close: one extrapolation reaches the limit.
    """
    gates = numpy.array([40.0, math.log(0.9 / 0.1), 0.0, 40.0])  # 1, mass, -, 1

    def still(small):
        W_x = numpy.array([[0.0, 0.0, small, 0.0]])
        layer = {"W_x": W_x, "W_h": numpy.zeros((1, 4)), "b": gates}
        meta = {"layers": [layer], "W": numpy.array([[-0.3 / small]])}
        return walk(lstm_optimizer.optimizer(meta, UNTOUCHED, scale=1.0))

    limit = (4.0 * still(0.01) - still(0.02)) / 3.0
    return Claim(limit, walk(momentum(0.3, mass=0.9)), tolerance=1e-8)


def total_step(optimizer, gradients):
    """The sum of the steps that an optimizer makes when it is given these gradients, from zero."""
    theta = tree_map(numpy.zeros_like, gradients[0])
    state = optimizer.init(theta)
    for g in gradients:
        theta, state = optimizer.update(g, state, theta)
    return theta


def draw_gradients(seed=0):
    """Five gradients of a tree of three leaves, from 1e-6 to 10 in size."""
    rng = numpy.random.default_rng(seed)
    shapes = {"W": (3, 2), "b": (2,), "c": (1, 4)}
    draw = lambda shape: rng.normal(size=shape) * 10.0 ** rng.uniform(-6, 1, size=shape)
    return [{name: draw(shape) for name, shape in shapes.items()} for _ in range(5)]


@theorem(lesson="learned_optimizers", source=ANDRYCHOWICZ)
def permuted_gradients_give_permuted_steps():
    """If the coordinates of all gradients are permuted, the steps are permuted in the same way."""
    optimizer, gradients = lstm_optimizer.optimizer(draw_optimizer(layers=2)), draw_gradients()
    order = numpy.random.default_rng(1).permutation(12)
    columns = [flatten(g) for g in gradients]  # (12,)
    computed = total_step(optimizer, [column[order] for column in columns])
    return Claim(computed, flatten(total_step(optimizer, gradients))[order], tolerance=1e-14)


@theorem(lesson="learned_optimizers", source=ANDRYCHOWICZ)
def each_coordinate_is_alone():
    """Each coordinate moves as if it were the only one: it sees no other coordinate's state."""
    optimizer, gradients = lstm_optimizer.optimizer(draw_optimizer(layers=2)), draw_gradients()
    columns = [flatten(g) for g in gradients]
    alone = [total_step(optimizer, [column[[p]] for column in columns]) for p in range(12)]
    together = flatten(total_step(optimizer, gradients))
    return Claim(together, numpy.concatenate(alone), tolerance=1e-14)


@theorem(lesson="learned_optimizers", source=DEFINITION)
def groups_are_independent():
    """A grouped optimizer moves each group of leaves as the group's own does, bit for bit."""
    gradients = draw_gradients()
    learned, plain = lstm_optimizer.optimizer(draw_optimizer()), momentum(0.1)
    both = combine({"learned": learned, "plain": plain}, lambda n: ["plain", "learned"]["W" in n])
    computed = total_step(both, gradients)
    rest = [{name: g[name] for name in ("b", "c")} for g in gradients]
    expected = {
        **total_step(learned, [{"W": g["W"]} for g in gradients]),
        **total_step(plain, rest),
    }
    return Claim(flatten(computed), flatten(expected), tolerance=0.0)


@theorem(lesson="learned_optimizers", source=ANDRYCHOWICZ)
def preprocessing_has_two_cases():
    """Preprocessing is (log|g|/p, sign g) where |g| >= e^-p and (-1, e^p g) below, with p = 10."""
    sizes = [0.0, 1e-9, 3e-6, math.exp(-10), 1e-4, 0.5, 1.0, 30.0, 1e8]
    gradients = [sign * size for size in sizes for sign in (-1.0, 1.0)]
    large = lambda g: abs(g) >= math.exp(-10.0)
    pair = lambda g: (math.log(abs(g)) / 10.0, math.copysign(1.0, g))
    expected = [pair(g) if large(g) else (-1.0, math.exp(10.0) * g) for g in gradients]
    return Claim(log_and_sign(numpy.array(gradients)[:, None]), expected, tolerance=1e-12)
