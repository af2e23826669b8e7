"""Fine-tuning: pre-train one network on all tasks' examples at once, then adapt it to each.

    meta:    theta
    adapt:   phi <- phi - a dL(phi; support)                `steps` times, exactly as in MAML
    learn:   min_theta  E_task L(theta; query)              the joint loss, *before* adapting

It is the baseline that MAML is measured against: the joint loss takes no account of the steps that
will follow. Train it with `joint_gradient`, or use `learner` untrained for a random start.

Source: Finn, Abbeel & Levine 2017, section 5.1 and appendix C.1.  Lessons transfer and maml.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.contract import task_copies
from minimeta.core.gradients import value_and_grad
from minimeta.core.losses import mse
from minimeta.initializations.maml import check_network, learner  # noqa: F401  (adapting is the same)
from minimeta.tasks.task import check_task


def joint_loss(theta, task, net, loss=mse):
    """The loss of one network on the examples of all tasks, before any adaptation: a scalar."""
    check_network(net, loss)
    check_task(task)
    phi = task_copies(net, theta, task.query, of="query")
    losses = loss(net.apply(phi, task.query.x), task.query.y)
    checks.one_per_task("loss", losses, len(task.query.x))
    return np.mean(losses)


def joint_gradient(net, loss=mse):
    """For train: (theta, task) -> the joint loss and its gradient."""
    check_network(net, loss)
    return value_and_grad(lambda theta, task: joint_loss(theta, task, net, loss))
