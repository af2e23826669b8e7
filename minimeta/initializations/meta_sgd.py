"""Meta-SGD: learn a step size for every parameter together with the start.

    meta:    theta, alpha                              alpha has the shape of theta; any sign
    adapt:   phi = theta - alpha * dL(theta; support)  element by element, `steps` times
    learn:   min_{theta, alpha}  E_task L(phi; query)

On axis-aligned quadratics of equal curvature the best alpha is the inverse of that curvature: one
step then solves every task.

Source: Li, Zhou, Chen & Li 2017, Algorithm 1 (one step). The step sizes start at one common value
here, 0.01 as in MAML's sine experiment.  Lesson inner_loop.
"""

from functools import partial

from minimeta.core.backend import np
from minimeta.core.contract import task_copies
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.initializations.maml import check_inner, total_loss
from minimeta.nets.learner import network_learner


def learner(net, loss=mse, step_size=0.01, steps=1) -> Learner:
    """Meta-SGD on a network; all step sizes start at `step_size`."""
    check_inner(step_size, steps)

    def init(rng):
        theta = net.init(rng)
        alpha = tree_map(lambda p: step_size * np.ones_like(p), theta)
        return {"theta": theta, "alpha": alpha}

    return network_learner(net, partial(adapt, net=net, loss=loss, steps=steps), loss, init)


def adapt(meta, support, net, loss=mse, steps=1):
    """phi: the network of every task after its inner steps, a tree of leaves (M, ...)."""
    phi = task_copies(net, meta["theta"], support, "meta['theta']")
    for _ in range(steps):
        gradient = grad(total_loss)(phi, support, net, loss)
        phi = tree_map(lambda p, a, g: p - a * g, phi, meta["alpha"], gradient)
    return phi
