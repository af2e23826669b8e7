"""Hand-made optimizers as pairs of pure functions on parameter trees.

    state         = optimizer.init(params)
    params, state = optimizer.update(gradient, state, params)

Learned optimizers are the same pair, so any training loop takes either. A step size is a number or
a function of the number of updates made so far: adam(lambda t: 1e-3 * 0.99 ** t), or
adam(linear_decay(1e-3, steps)).

RMSprop and Adam divide by the root of a running mean of g^2. They keep R, the root of the decayed
sum of g^2, and not its square: then a gradient may be as large or as small as its float type
allows, under a meta-gradient too. At g = R = 0 the derivatives of an update are the limits: the
first is step_size / epsilon for Adam's first step. The second has another sign on each side of
zero, and there it is the mean of the two: zero.
"""

from typing import Callable, NamedTuple

import numpy
from autograd.extend import defjvp, defvjp

from minimeta.core import checks
from minimeta.core.backend import np, primitive
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import leaves, names, tree_map

SMALL = 500  # numbers up to which np.hypot is as fast as watched squares (measured)


class Optimizer(NamedTuple):
    """init(params) -> state;  update(gradient, state, params) -> params, state."""

    init: Callable  # params -> state
    update: Callable  # gradient, state, params -> params, state

    __reduce__ = reduce_record  # so that it can be sent to another process


def sgd(step_size):
    """theta <- theta - step_size * g."""
    check_step_size(step_size)

    def update(g, state, theta):
        rate = rate_at(step_size, state)
        return tree_map(lambda p, g: p - rate * require_shape(g, p), theta, g), advanced(state)

    return Optimizer(clock, update)


def momentum(step_size, mass=0.9):
    """v <- mass v + g;  theta <- theta - step_size v.  (Polyak 1964, heavy ball.)"""
    check_step_size(step_size)
    checks.number("mass", mass, at_least=0.0, below=1.0)

    def init(theta):
        return {**clock(theta), "velocity": tree_map(np.zeros_like, theta)}

    def update(g, state, theta):
        rate = rate_at(step_size, state)
        v = tree_map(lambda v, g: mass * v + require_shape(g, v), state["velocity"], g)
        return tree_map(lambda p, v: p - rate * v, theta, v), {**advanced(state), "velocity": v}

    return Optimizer(init, update)


def rmsprop(step_size=1e-3, decay=0.9, epsilon=1e-8):
    """R^2 <- decay R^2 + g^2;  theta <- theta - step_size g / (sqrt(1 - decay) R + epsilon).

    Source: Tieleman & Hinton 2012, lecture 6.5 of Neural Networks for Machine Learning.
    """
    check_step_size(step_size)
    checks.number("decay", decay, at_least=0.0, below=1.0)
    checks.number("epsilon", epsilon, above=0.0)

    def init(theta):
        start = clock(theta)
        check_epsilon(epsilon, theta)
        return {**start, "root": tree_map(np.zeros_like, theta)}

    def update(g, state, theta):
        rate = rate_at(step_size, state)
        R = tree_map(lambda R, g: root_of_squares(R, require_shape(g, R), decay), state["root"], g)
        step = lambda p, g, R: p - rate * g / ((1 - decay) ** 0.5 * R + epsilon)
        return tree_map(step, theta, g, R), {**advanced(state), "root": R}

    return Optimizer(init, update)


def adam(step_size=1e-3, decay_mean=0.9, decay_square=0.999, epsilon=1e-8):
    """m and (1 - decay) R^2 are running means of g and g^2;  R^2 <- decay R^2 + g^2.

    theta <- theta - step_size m_hat / (sqrt(s_hat) + epsilon): m_hat and s_hat are these means,
    divided by 1 - decay^t to remove their zero start.
    Source: Kingma & Ba 2014, Algorithm 1.
    """
    check_step_size(step_size)
    checks.number("decay_mean", decay_mean, at_least=0.0, below=1.0)
    checks.number("decay_square", decay_square, at_least=0.0, below=1.0)
    checks.number("epsilon", epsilon, above=0.0)

    def init(theta):
        start, zeros = clock(theta), tree_map(np.zeros_like, theta)
        check_epsilon(epsilon, theta)
        return {**start, "mean": zeros, "root": zeros}

    def update(g, state, theta):
        rate, t = rate_at(step_size, state), state["updates"] + 1.0
        average = lambda m, g: decay_mean * m + (1 - decay_mean) * require_shape(g, m)
        m = tree_map(average, state["mean"], g)
        R = tree_map(lambda R, g: root_of_squares(R, g, decay_square), state["root"], g)
        rate = rate / (1 - decay_mean**t)
        scale = np.sqrt((1 - decay_square) / (1 - decay_square**t))
        step = lambda p, m, R: p - rate * m / (scale * R + epsilon)
        return tree_map(step, theta, m, R), {**advanced(state), "mean": m, "root": R}

    return Optimizer(init, update)


def linear_decay(step_size, steps):
    """The schedule that falls from step_size to 0 in a straight line: step_size (1 - t / steps).

    The last of `steps` updates is made with step_size / steps; any later one changes nothing.
    """
    checks.number("step_size", step_size, above=0.0)
    checks.integer("steps", steps, at_least=1)
    return lambda updates: step_size * np.maximum(1.0 - updates / steps, 0.0)


# ---- The root of a decayed sum of squares ----


@primitive
def root_of_squares(root, g, decay):
    """sqrt(decay root^2 + g^2)."""
    if isinstance(g, numpy.ndarray) and g.size > SMALL:
        return _of_many(root, g, decay)
    return numpy.hypot(decay**0.5 * root, g)


def _of_many(root, g, decay):
    """The same for large arrays: np.hypot, which takes long, only where a square is lost."""
    flags = []
    with numpy.errstate(over="call", under="call", call=lambda *_: flags.append(True)):
        square = root * root  # in place from here on: large arrays take long to make
        square *= decay
        square += g * g
    if not flags:
        return numpy.sqrt(square, out=square)
    out = ~((square > numpy.finfo(square.dtype).tiny) & (square < numpy.inf))
    result = numpy.sqrt(square)
    result[out] = numpy.hypot(decay**0.5 * root[out], g[out])
    return result


@primitive
def hypotenuse(a, b):
    """sqrt(a^2 + b^2)."""
    return numpy.hypot(a, b)


def cosine(a, b):
    """a / sqrt(a^2 + b^2); at a = b = 0 its mean over all directions, which is zero."""
    c = hypotenuse(a, b)
    return a / np.where(c == 0.0, np.inf, c)


def in_both_modes(f, *derivatives):
    """Give f these derivatives, functions of its value and its arguments, elementwise."""
    defvjp(f, *[lambda *x, d=d: lambda up: up * d(*x) for d in derivatives])
    defjvp(f, *[lambda up, *x, d=d: up * d(*x) for d in derivatives])


in_both_modes(
    root_of_squares,
    lambda R, root, g, decay: decay**0.5 * cosine(decay**0.5 * root, g),
    lambda R, root, g, decay: cosine(g, decay**0.5 * root),
)
in_both_modes(hypotenuse, lambda c, a, b: cosine(a, b), lambda c, a, b: cosine(b, a))


# ---- What all of them do ----


def clock(theta):
    """What every optimizer's state holds: the number of updates, in the parameters' float type."""
    dtypes = [leaf.dtype for leaf in leaves(theta)]
    if "float16" in dtypes:
        raise TypeError("params must be float32 or float64; float16 rounds the decays away.")
    return {"updates": np.zeros((), dtype=dtypes[0]) + 0.0}  # a scalar from the start


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


def check_epsilon(epsilon, params):
    """Raise unless epsilon is a normal number in the float type of every leaf."""
    for path, leaf in zip(names(params, "params"), leaves(params)):
        if epsilon < (least := numpy.finfo(leaf.dtype).tiny):
            raise ValueError(
                f"epsilon must be at least {least:.3g}, as {path} is {leaf.dtype}; it is {epsilon}."
            )


def require_shape(gradient, leaf):
    """The gradient of a leaf; raise unless it has the leaf's shape: nothing is broadcast."""
    if numpy.shape(gradient) != numpy.shape(leaf):
        raise ValueError(
            "gradient must have the shapes of params; it has a leaf of shape "
            f"{numpy.shape(gradient)} where params has one of shape {numpy.shape(leaf)}."
        )
    return gradient
