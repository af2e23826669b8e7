"""A learned schedule: gradient descent with a learned step size for every step.

    meta:     a_1 ... a_k
    update:   theta <- theta - a_t g       at step t
    learn:    min  E_problem  f(theta_k)   second derivatives included: see training.py

On quadratics the inverses of the best step sizes are the roots of a polynomial, which
exact/schedules.py computes.  Lesson schedules.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.optim import Optimizer
from minimeta.core.trees import tree_map


def init(rng, steps, step_size=0.01):
    """k equal step sizes, as {"step_sizes": (k,)}."""
    checks.generator("rng", rng)
    checks.integer("steps", steps, at_least=1)
    checks.number("step_size", step_size, above=0.0)
    return {"step_sizes": step_size * np.ones(steps)}


def optimizer(meta):
    """SGD with the step sizes of meta, one after another; after the last there is no step."""

    checks.entries("meta", meta, "step_sizes")
    checks.axes("meta['step_sizes']", meta["step_sizes"], "k")

    def update(g, state, theta):
        if len(state) == 0:
            return theta, state
        now, later = state[0], state[1:]
        return tree_map(lambda p, g: p - now * g, theta, g), later

    return Optimizer(lambda theta: meta["step_sizes"], update)
