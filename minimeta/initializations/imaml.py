"""iMAML: solve a regularised inner problem to its end, and differentiate the solution itself.

    meta:    theta
    adapt:   phi = argmin_phi  L(phi; support) + (lam/2) |phi - theta|^2
    learn:   min_theta  E_task L(phi; query), with the implicit gradient
             (I + H/lam)^-1 dL(phi; query),   H = d2L(phi; support)

The gradient depends on where the inner problem ends, not on the path there, so nothing of the path
is kept. The inverse is applied by conjugate gradients, which need only Hessian-vector products.
All this holds where the inner problem is solved, that is, with step_size < 2 / (curvature + lam)
and enough steps; nothing is raised where it is not, but `unsolved` says how far away it is.

Source: Rajeswaran, Finn, Kakade & Levine 2019 (the text, with lam = 2 as for Omniglot; the released
code solves a differently damped system).  Lesson 06.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp, value_and_grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.initializations.maml import check_inner, total_loss


def learner(net, loss=mse, strength=2.0, step_size=0.1, steps=100):
    """iMAML's inner solver on a network: `steps` gradient steps on the regularised loss.

    `strength` is lam. Train on imaml.meta_gradient(...) of the same arguments: the
    gradient of the common meta-loss would go back along the whole path.
    """
    check_inner(step_size, steps)
    checks.number("strength", strength, above=0.0)

    def adapt_to(theta, support):
        return adapt(theta, support, net, loss, strength, step_size, steps)

    return Learner(net.init, adapt_to, lambda theta, phi, x: net.apply(phi, x), loss)


def adapt(theta, support, net, loss=mse, strength=2.0, step_size=0.1, steps=100):
    """phi: the solution of every task's regularised problem, a tree of leaves (M, ...)."""
    start = copies(theta, len(support.x))
    phi = start
    for _ in range(steps):
        slopes = regularised_slope(phi, start, support, net, loss, strength)
        phi = tree_map(lambda p, g: p - step_size * g, phi, slopes)
    return phi


def regularised_slope(phi, start, support, net, loss, strength):
    """d/dphi of  L(phi; support) + (lam/2) |phi - start|^2:  trees of leaves (M, ...)."""
    slopes = grad(total_loss)(phi, support, net, loss)
    return tree_map(lambda g, p, t: g + strength * (p - t), slopes, phi, start)


def unsolved(theta, phi, support, net, loss=mse, strength=2.0):
    """How long the slope of every task's inner problem is at phi, (M,): 0 where it is solved."""
    start = copies(theta, len(support.x))
    slopes = regularised_slope(phi, start, support, net, loss, strength)
    return np.sqrt(dot_per_task(slopes, slopes))


def meta_gradient(net, loss=mse, strength=2.0, step_size=0.1, steps=100, cg_steps=5):
    """For train: (theta, task) -> the query loss and its implicit gradient."""
    solver = learner(net, loss, strength, step_size, steps)
    checks.integer("cg_steps", cg_steps, at_least=1)

    def slope(theta, task):
        phi = solver.adapt(theta, task.support)
        value, outer = value_and_grad(total_loss)(phi, task.query, net, loss)
        curved = lambda v: hvp(total_loss)(phi, task.support, net, loss, v)
        system = lambda v: tree_map(lambda v, h: v + h / strength, v, curved(v))
        solved = conjugate_gradients(system, outer, cg_steps)
        return value / len(task.query.x), tree_map(lambda s: np.mean(s, axis=0), solved)

    return slope


def conjugate_gradients(system, b, steps):
    """The x of system(x) = b for every task, trees of leaves (M, ...); exact after d steps.

    Source: Hestenes & Stiefel 1952.
    """
    x, r = tree_map(np.zeros_like, b), b
    p, rr = r, dot_per_task(r, r)
    for _ in range(steps):
        q = system(p)
        rate = safe_ratio(rr, dot_per_task(p, q))
        x, r = axpy(rate, p, x), axpy(-rate, q, r)
        rr, old = dot_per_task(r, r), rr
        p = axpy(safe_ratio(rr, old), p, r)
    return x


def dot_per_task(a, b):
    """The inner product of every task's tree with another's: (M,)."""
    product = lambda u, v: np.sum(np.reshape(u * v, (len(u), -1)), axis=1)
    return sum(product(u, v) for u, v in zip(leaves(a), leaves(b)))


def axpy(rate, x, y):
    """rate x + y, with one rate (M,) per task."""
    along = lambda u: np.reshape(rate, (-1,) + (1,) * (np.ndim(u) - 1))
    return tree_map(lambda u, v: along(u) * u + v, x, y)


def safe_ratio(numerator, denominator):
    """numerator / denominator, and 0 for a task whose residual is already 0."""
    return numerator / np.where(denominator == 0, 1.0, denominator)
