"""FOMAML: MAML that treats its inner gradients as constants.

    meta:    theta
    adapt:   phi <- phi - a dL(phi; support)       as in MAML, but with d phi / d theta = I
    learn:   theta follows  dL(phi; query)         no second derivatives

The only difference from maml.py is the word `constant`. On a quadratic with Hessian A it removes
the factor (I - a A)^k from the meta-gradient.

Source: Finn, Abbeel & Levine 2017, section 5.2; Nichol, Achiam & Schulman 2018.
Lesson first_order.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.contract import task_copies
from minimeta.core.gradients import constant, grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.initializations.maml import check_inner, total_loss
from minimeta.nets.learner import network_learner


def learner(net, loss=mse, step_size=0.01, steps=1) -> Learner:
    """First-order MAML on a network, with `steps` inner steps of size `step_size`."""
    check_inner(step_size, steps)
    inner = partial(adapt, net=net, loss=loss, step_size=step_size, steps=steps)
    return network_learner(net, inner, loss)


def adapt(theta, support, net, loss=mse, step_size=0.01, steps=1):
    """phi: the network of every task after its inner steps, a tree of leaves (M, ...)."""
    check_inner(step_size, steps)
    checks.function("loss", loss)
    phi = task_copies(net, theta, support)
    for _ in range(steps):
        gradient = grad(total_loss)(constant(phi), support, net, loss)
        phi = tree_map(lambda p, g: p - step_size * g, phi, gradient)
    return phi
