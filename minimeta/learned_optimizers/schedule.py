"""A learned schedule: gradient descent whose step sizes are learned, one for every step.

    meta:     a_1 ... a_k
    update:   theta <- theta - a_t g       at the t-th step
    learn:    min  E_problem  f(theta_k)   second derivatives included: see training.py

On quadratics its best is a polynomial's roots (exact/schedules.py).  Lesson 09.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.optim import Optimizer
from minimeta.core.trees import tree_map


def init(rng, steps, step_size=0.01):
    """k equal step sizes."""
    checks.integer("steps", steps, at_least=1)
    return {"step_sizes": step_size * np.ones(steps)}


def optimizer(meta):
    """SGD with the step sizes of meta, one after the other."""

    def update(g, state, theta):
        now, later = state[:1], state[1:]
        return tree_map(lambda p, g: p - now * g, theta, g), later

    return Optimizer(lambda theta: meta["step_sizes"], update)
