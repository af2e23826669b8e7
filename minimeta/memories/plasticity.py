"""Differentiable plasticity: how plastic each connection is, is learned; what it stores is not.

    meta:     w, alpha, rate        fixed weights, plasticity of each connection, rate of the trace
    step:     post_j = tanh( sum_i pre_i (w_ij + alpha_ij Hebb_ij) + 20 input_j )
    adapt:    Hebb <- (1 - rate) Hebb + rate pre post'    the Hebbian trace, once for each example
    predict:  a step from the query, which is also the input
    learn:    min  E_task  |post - y|^2

An input of +-1 is so strong that it decides the activity of its unit: the unit is clamped. An input
of 0 leaves a unit to the others. For an example (x, y) first x is clamped, then y; so the trace
joins x to y. A pattern is stored as its own label, and a query shows only a part of the pattern.

    decaying trace    learner(units)                 as above
    Oja's rule        learner(units, trace=oja)      Hebb += rate post_j (pre_i - post_j Hebb_ij)
    plain Hebb        plain_hebb()    w = 0, alpha = 1 / D, Hebb += pre post'; nothing to train

Source: Miconi, Clune & Stanley 2018, arXiv:1804.02464, and their inputs times 20. Their patterns
are shown for several steps with pauses; here a pattern is shown once.  Lesson fast_weights.
"""

from functools import partial

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import mse

CLAMP = 20.0  # tanh(20) is 1 to the last digit of float64


def decaying(hebb, pre, post, rate):
    """The trace (M, D, C) moved by `rate` towards the outer product of pre (M, D), post (M, C)."""
    return hebb + rate * (pre[:, :, None] * post[:, None, :] - hebb)


def oja(hebb, pre, post, rate):
    """Oja's rule: growth with pre post', held in bounds by post^2."""
    return hebb + rate * post[:, None, :] * (pre[:, :, None] - post[:, None, :] * hebb)


def learner(units, trace=decaying, loss=mse) -> Learner:
    """A plastic network of `units` units, whose patterns x, y are (M, N, units)."""
    checks.integer("units", units, at_least=1)
    checks.function("trace", trace)
    checks.function("loss", loss)
    see = partial(observe, trace=trace)
    return Learner(lambda rng: init(rng, units), fold(start, see), predict, loss, start, see)


def plain_hebb(loss=mse):
    """The sum of outer products with nothing to train: a Hopfield network that takes one step."""
    checks.function("loss", loss)
    see = lambda meta, state, x, y: observe(hopfield(x), state, x, y, add)
    ask = lambda meta, state, x: predict(hopfield(x), state, x)
    begin = lambda meta, x: start(meta, x)
    return Learner(lambda rng: {}, fold(begin, see), ask, loss, begin, see)


def add(hebb, pre, post, rate):
    """Plain Hebb: the trace grows by `rate` times the outer product and never decays."""
    return hebb + rate * pre[:, :, None] * post[:, None, :]


def hopfield(x):
    """The parameters of a Hopfield network for patterns x (..., D): w = 0, alpha = 1 / D, rate 1.

    So a stored pattern adds at most 1 to the input of a unit, and P < 20 patterns leave it clamped.
    """
    D = np.shape(x)[-1]
    one = np.ones((D, D), dtype=x.dtype)
    return {"w": 0.0 * one, "alpha": one / D, "rate": one[0, :1]}


def init(rng, units):
    """Small random w and alpha, N(0, .01^2), and a rate of 1/10."""
    checks.generator("rng", rng)
    checks.integer("units", units, at_least=1)
    draw = lambda: rng.normal(scale=0.01, size=(units, units))
    return to_device({"w": draw(), "alpha": draw(), "rate": numpy.full(1, 0.1)})


def start(meta, x):
    """The empty trace of the M tasks that x (M, ..., D) belongs to."""
    D = np.shape(x)[-1]
    return {"hebb": np.zeros((len(x), D, D), dtype=x.dtype)}


def observe(meta, state, x, y, trace):
    """The state after the patterns x, then y, (M, D) both, were clamped for one step each."""
    pre = np.tanh(CLAMP * x)
    post = step(meta, state["hebb"], pre[:, None], y[:, None])[:, 0]
    return {"hebb": trace(state["hebb"], pre, post, meta["rate"])}


def predict(meta, state, x):
    """The activity (M, Q, D) one step after the cues x (M, Q, D), which stay clamped."""
    return step(meta, state["hebb"], np.tanh(CLAMP * x), x)


def step(meta, hebb, pre, input):
    """The activity after `pre` (M, N, D) under the input (M, N, D)."""
    D = len(meta["w"])
    if np.shape(pre) != np.shape(input) or np.shape(pre)[-1] != D:
        raise ValueError(
            f"x and y must be patterns of {D} units each; they have "
            f"{np.shape(pre)[-1]} and {np.shape(input)[-1]}."
        )
    return np.tanh(pre @ (meta["w"] + meta["alpha"] * hebb) + CLAMP * input)


def bit_error(prediction, target):
    """The share of bits whose sign is wrong, a 0 counting half: (M, N, D) twice -> (M,)."""
    checks.floats("prediction", prediction)
    checks.floats("target", target)
    checks.same_shape("prediction", prediction, "target", target)
    return np.mean(0.5 - 0.5 * np.sign(prediction) * np.sign(target), axis=(-2, -1))
