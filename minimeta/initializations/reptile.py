"""Reptile: walk towards where a few steps lead.

    meta:    theta
    adapt:   phi <- phi - a dL(phi; next `batch` examples)     `steps` times, by SGD or Adam
    learn:   theta <- theta + epsilon mean_task (phi - theta)

The outer step is no gradient of any loss, so `meta_gradient` hands `train` the direction
theta - phi, and `sgd(epsilon)` takes the step. No query and no second derivative is used; that
successive steps see different examples is what makes it more than joint training.

Source: Nichol, Achiam & Schulman 2018, Algorithm 2 (batched); the sine run of the paper takes 32
inner steps and an outer step that falls to zero.  Lesson 06.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.core.trees import copies, tree_map
from minimeta.initializations.maml import total_loss
from minimeta.tasks import Data


def learner(net, loss=mse, inner=None, steps=5, batch=None):
    """Reptile on a network. inner is the inner optimizer, sgd(0.02) by default.

    Every inner step sees the next `batch` support examples, beginning anew after the last; all of
    them if batch is None. At test time it adapts in the same way.
    """
    check_steps(steps, batch)
    inner = inner or sgd(0.02)

    def adapt_to(theta, support):
        return adapt(theta, support, net, loss, inner, steps, batch)

    return Learner(net.init, adapt_to, lambda theta, phi, x: net.apply(phi, x), loss)


def adapt(theta, support, net, loss, inner, steps, batch=None):
    """phi: the network of every task after its inner steps, a tree of leaves (M, ...)."""
    phi = copies(theta, len(support.x))
    state = inner.init(phi)
    for step in range(steps):
        seen = minibatch(support, step, batch)
        phi, state = inner.update(grad(total_loss)(phi, seen, net, loss), state, phi)
    return phi


def meta_gradient(net, loss=mse, inner=None, steps=5, batch=None):
    """For train: (theta, task) -> the query loss after adapting, mean_task (theta - phi)."""
    trained = learner(net, loss, inner, steps, batch)

    def slope(theta, task):
        phi = trained.adapt(theta, task.support)
        value = np.mean(loss(net.apply(phi, task.query.x), task.query.y))
        return value, tree_map(lambda t, p: t - np.mean(p, axis=0), theta, phi)

    return slope


def minibatch(data, step, batch):
    """The examples that inner step number `step` sees: all, or the next `batch` of them."""
    if batch is None:
        return data
    shots = data.x.shape[1]
    if shots % batch:
        raise ValueError(f"batch must divide the {shots} support examples; it is {batch}.")
    start = step * batch % shots
    return Data(data.x[:, start : start + batch], data.y[:, start : start + batch])


def check_steps(steps, batch):
    """Raise unless both are whole numbers that make sense."""
    checks.integer("steps", steps, at_least=1)
    if batch is not None:
        checks.integer("batch", batch, at_least=1)
