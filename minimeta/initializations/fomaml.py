"""FOMAML: MAML that takes its inner gradients for constants.

    meta:    theta
    adapt:   phi <- phi - a dL(phi; support)       as MAML, but d phi / d theta = I
    learn:   theta moves along  dL(phi; query)     no second derivatives

The only difference from maml.py is the word `constant`. On a quadratic with Hessian A that leaves
out the factor (I - a A)^k of the meta-gradient.

Source: Finn, Abbeel & Levine 2017, section 5.2; Nichol, Achiam & Schulman 2018.  Lesson 06.
"""

from minimeta.core.gradients import constant, grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map
from minimeta.initializations.maml import check_inner, total_loss


def learner(net, loss=mse, step_size=0.01, steps=1):
    """First-order MAML on a network, with `steps` inner steps of size `step_size`."""
    check_inner(step_size, steps)

    def adapt_to(theta, support):
        return adapt(theta, support, net, loss, step_size, steps)

    return Learner(net.init, adapt_to, lambda theta, phi, x: net.apply(phi, x), loss)


def adapt(theta, support, net, loss=mse, step_size=0.01, steps=1):
    """phi: the network of every task after its inner steps, a tree of leaves (M, ...)."""
    phi = copies(theta, len(support.x))
    for _ in range(steps):
        slopes = grad(total_loss)(constant(phi), support, net, loss)
        phi = tree_map(lambda p, g: p - step_size * g, phi, slopes)
    return phi
