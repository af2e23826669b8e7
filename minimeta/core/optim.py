"""Hand-made optimizers as pairs of pure functions on parameter trees.

    state         = optimizer.init(params)
    params, state = optimizer.update(gradient, state, params)

Learned optimizers are the same pair, so any training loop takes either. A step size is a number or
a function of the number of updates made so far: adam(lambda t: 1e-3 * 0.99 ** t).
"""

from typing import Callable, NamedTuple

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.trees import leaves, tree_map


class Optimizer(NamedTuple):
    init: Callable  # params -> state
    update: Callable  # gradient, state, params -> params, state


def sgd(step_size):
    """theta <- theta - step_size * g."""
    check_step_size(step_size)

    def update(g, state, theta):
        rate = rate_at(step_size, state)
        return tree_map(lambda p, g: p - rate * g, theta, g), advanced(state)

    return Optimizer(clock, update)


def momentum(step_size, mass=0.9):
    """v <- mass v + g;  theta <- theta - step_size v.  (Polyak 1964, heavy ball.)"""
    check_step_size(step_size)
    checks.number("mass", mass, at_least=0.0, below=1.0)

    def init(theta):
        return {**clock(theta), "velocity": tree_map(np.zeros_like, theta)}

    def update(g, state, theta):
        rate = rate_at(step_size, state)
        v = tree_map(lambda v, g: mass * v + g, state["velocity"], g)
        return tree_map(lambda p, v: p - rate * v, theta, v), {**advanced(state), "velocity": v}

    return Optimizer(init, update)


def rmsprop(step_size=1e-3, decay=0.9, epsilon=1e-8):
    """s <- decay s + (1 - decay) g^2;  theta <- theta - step_size g / (sqrt(s) + epsilon).

    Source: Tieleman & Hinton 2012, lecture 6.5 of Neural Networks for Machine Learning.
    """
    check_step_size(step_size)
    checks.number("decay", decay, at_least=0.0, below=1.0)
    checks.number("epsilon", epsilon, at_least=0.0)

    def init(theta):
        return {**clock(theta), "square": tree_map(np.zeros_like, theta)}

    def update(g, state, theta):
        rate = rate_at(step_size, state)
        s = tree_map(lambda s, g: decay * s + (1 - decay) * g * g, state["square"], g)
        step = lambda p, g, s: p - rate * g / (np.sqrt(s) + epsilon)
        return tree_map(step, theta, g, s), {**advanced(state), "square": s}

    return Optimizer(init, update)


def adam(step_size=1e-3, decay_mean=0.9, decay_square=0.999, epsilon=1e-8):
    """m and s are running means of g and g^2, each divided by 1 - decay^t to remove its zero start.

    theta <- theta - step_size m_hat / (sqrt(s_hat) + epsilon).
    Source: Kingma & Ba 2014, Algorithm 1.
    """
    check_step_size(step_size)
    checks.number("decay_mean", decay_mean, at_least=0.0, below=1.0)
    checks.number("decay_square", decay_square, at_least=0.0, below=1.0)
    checks.number("epsilon", epsilon, at_least=0.0)

    def init(theta):
        zeros = tree_map(np.zeros_like, theta)
        return {**clock(theta), "mean": zeros, "square": zeros}

    def update(g, state, theta):
        rate, t = rate_at(step_size, state), state["updates"] + 1.0
        m = tree_map(lambda m, g: decay_mean * m + (1 - decay_mean) * g, state["mean"], g)
        s = tree_map(lambda s, g: decay_square * s + (1 - decay_square) * g * g, state["square"], g)
        rate, root = rate / (1 - decay_mean**t), np.sqrt(1 - decay_square**t)
        step = lambda p, m, s: p - rate * m / (np.sqrt(s) / root + epsilon)
        return tree_map(step, theta, m, s), {**advanced(state), "mean": m, "square": s}

    return Optimizer(init, update)


def clock(theta):
    """What every optimizer's state holds: the number of updates, in the parameters' float type."""
    return {"updates": np.zeros((), dtype=leaves(theta)[0].dtype) + 0.0}  # a scalar from the start


def advanced(state):
    """The state with one more update on its clock."""
    return {**state, "updates": state["updates"] + 1.0}


def rate_at(step_size, state):
    """The step size now: the number, or the schedule at the number of updates made."""
    return step_size(state["updates"]) if callable(step_size) else step_size


def check_step_size(step_size):
    """A number above zero or a schedule; raise for anything else."""
    if not callable(step_size):
        checks.number("step_size", step_size, above=0.0)
