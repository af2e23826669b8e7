"""Reptile: move the start towards the parameters that a few inner steps reach.

    meta:    theta
    adapt:   phi <- phi - a dL(phi; next `batch` examples)     `steps` times, by SGD or Adam
    learn:   theta <- theta + epsilon mean_task (phi - theta)

The outer step is not the gradient of any loss. So `meta_gradient` gives `train` the direction
theta - phi, and `sgd(epsilon)` takes the step. Neither queries nor second derivatives are used. It
is more than joint training only because successive inner steps see different examples.

Source: Nichol, Achiam & Schulman 2018, Algorithm 2, the version for batches. On sines the paper
takes 32 inner steps, and an outer step size that falls to zero.  Lesson first_order.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.contract import task_copies
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.core.trees import tree_map
from minimeta.initializations.maml import total_loss
from minimeta.nets.learner import network_learner
from minimeta.tasks import Data


def learner(net, loss=mse, inner=None, steps=5, batch=None) -> Learner:
    """Reptile on a network. `inner` is the inner optimizer, sgd(0.02) by default.

    Every inner step sees the next `batch` examples of the support, and starts over after the last;
    with None it sees all of them. `batch` must divide their number. It adapts in the same way when
    it is tested.
    """
    check_steps(steps, batch)
    inner = sgd(0.02) if inner is None else inner
    checks.functions("inner", inner, "init", "update")
    walk = partial(adapt, net=net, loss=loss, inner=inner, steps=steps, batch=batch)
    return network_learner(net, walk, loss)


def adapt(theta, support, net, loss, inner, steps, batch=None):
    """phi: the network of every task after its inner steps, a tree of leaves (M, ...)."""
    check_steps(steps, batch)
    checks.functions("inner", inner, "init", "update")
    checks.function("loss", loss)
    phi = task_copies(net, theta, support)
    state = inner.init(phi)
    for step in range(steps):
        gradient = grad(total_loss)(phi, minibatch(support, step, batch), net, loss)
        phi, state = inner.update(gradient, state, phi)
    return phi


def meta_gradient(net, loss=mse, inner=None, steps=5, batch=None):
    """For train: (theta, task) -> the query loss after adapting, and mean_task (theta - phi)."""
    reptile = learner(net, loss, inner, steps, batch)

    def value_and_direction(theta, task):
        phi = reptile.adapt(theta, task.support)
        value = np.mean(loss(net.apply(phi, task.query.x), task.query.y))
        return value, tree_map(lambda t, p: t - np.mean(p, axis=0), theta, phi)

    return value_and_direction


def minibatch(data, step, batch):
    """The examples that inner step number `step` sees, Data (M, batch, ...) or all of them."""
    if batch is None:
        return data
    shots = data.x.shape[1]
    if shots % batch:
        raise ValueError(f"batch must divide the {shots} support examples; it is {batch}.")
    start = step * batch % shots
    return Data(data.x[:, start : start + batch], data.y[:, start : start + batch])


def check_steps(steps, batch):
    """Raise unless steps, and batch where there is one, are integers of at least 1."""
    checks.integer("steps", steps, at_least=1)
    if batch is not None:
        checks.integer("batch", batch, at_least=1)
