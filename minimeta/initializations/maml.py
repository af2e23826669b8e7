"""MAML: learn the parameters from which a few gradient steps on a task's support go furthest.

    meta:    theta                                             the start, shared by all tasks
    adapt:   phi_0 = theta,  phi <- phi - a dL(phi; support)   `steps` times, a = step_size
    learn:   min_theta  E_task L(phi; query)                   second derivatives included

The second derivatives need no code of their own: `adapt` is made of functions that `grad` can
follow, so the gradient of the meta-loss goes through the inner gradients. On a quadratic with
Hessian A every step multiplies the meta-gradient by (I - a A); FOMAML leaves that factor out.

Source: Finn, Abbeel & Levine 2017, Algorithm 1. Their text takes a = 0.01 for sines; the command
they released runs 0.001. For classification their code divides the cross-entropy by the number of
shots, while the losses here are means over all examples, so their a = 0.4 at five ways becomes
a = 2.0 here.  Lesson maml.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.contract import task_copies
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.nets.learner import network_learner


def learner(net, loss=mse, step_size=0.01, steps=1) -> Learner:
    """MAML on a network, with `steps` inner steps of size `step_size`."""
    check_inner(step_size, steps)
    inner = partial(adapt, net=net, loss=loss, step_size=step_size, steps=steps)
    return network_learner(net, inner, loss)


def adapt(theta, support, net, loss=mse, step_size=0.01, steps=1):
    """phi: the network of every task after its inner steps, a tree of leaves (M, ...)."""
    return trajectory(theta, support, net, loss, step_size, steps)[-1]


def trajectory(theta, support, net, loss=mse, step_size=0.01, steps=1):
    """[phi_0, phi_1, ..., phi_steps]: the network of every task before and after each step."""
    check_inner(step_size, steps)
    checks.function("loss", loss)
    path = [task_copies(net, theta, support)]
    for _ in range(steps):
        gradient = grad(total_loss)(path[-1], support, net, loss)
        path.append(tree_map(lambda p, g: p - step_size * g, path[-1], gradient))
    return path


def total_loss(phi, data, net, loss):
    """The sum of the losses of all M tasks: a scalar.

    No two tasks share a leaf, so the gradient of the sum holds the gradient of each task's own
    loss. A mean over tasks would divide them all by M and make the inner steps too short.
    """
    losses = loss(net.apply(phi, data.x), data.y)  # (M,)
    checks.one_per_task("loss", losses, len(data.x))
    return np.sum(losses)


def multi_step_loss(net, weights, loss=mse, step_size=0.01):
    """MAML++'s outer loss: a function (theta, task) -> sum_j weights[j] L(phi_j; query).

    weights[j] is the weight of the query loss after j steps, so there are len(weights) - 1 steps.
    Train with train(net.init, value_and_grad(multi_step_loss(...)), ...).
    Source: Antoniou, Edwards & Storkey 2018, section 4.
    """
    check_network(net, loss)
    checks.list_of_numbers("weights", weights)
    check_inner(step_size, len(weights) - 1)

    def outer_loss(theta, task):
        path = trajectory(theta, task.support, net, loss, step_size, len(weights) - 1)
        losses = [np.mean(loss(net.apply(phi, task.query.x), task.query.y)) for phi in path]
        return sum(weight * value for weight, value in zip(weights, losses))

    return outer_loss


def check_network(net, loss):
    """Raise unless net and loss are what a learner is made of."""
    checks.functions("net", net, "apply")
    checks.function("loss", loss)


def check_inner(step_size, steps):
    """Raise unless the inner loop has a positive step size and a whole number of steps."""
    checks.number("step_size", step_size, above=0.0)
    checks.integer("steps", steps, at_least=0)
