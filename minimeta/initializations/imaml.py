"""iMAML: minimise a regularised inner loss, and differentiate the minimum instead of the way to it.

    meta:    theta
    adapt:   phi = argmin_phi  L(phi; support) + (lam/2) |phi - theta|^2
    learn:   min_theta  E_task L(phi; query), with the implicit gradient
             (I + H/lam)^-1 dL(phi; query),   H = d2L(phi; support)

The inner loop ends at a minimum. If the start moves by d, the minimum moves by (I + H/lam)^-1 d,
whatever path led there, so nothing of the path has to be stored. Conjugate gradients multiply by
that inverse without forming it: they need only products of the Hessian H with vectors.

The gradient is right only where the inner problem is solved, which takes enough steps of
step_size < 2 / (curvature + lam). Otherwise it is wrong and nothing is raised; ask
`inner_gradient_norm` how far from solved the problem is.

Source: the text of Rajeswaran, Finn, Kakade & Levine 2019, with their lam = 2 for Omniglot. Their
released code damps the linear system in another way.  Lesson inner_loop.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.contract import task_copies
from minimeta.core.gradients import grad, hvp, value_and_grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import check_alike, check_parameters, leaves, tree_map
from minimeta.initializations.maml import check_inner, total_loss
from minimeta.nets.learner import network_learner


def learner(net, loss=mse, strength=2.0, step_size=0.1, steps=100) -> Learner:
    """iMAML's inner solver on a network: `steps` gradient steps on the regularised loss.

    `strength` is lam. Train it with imaml.meta_gradient of the same arguments: the gradient of the
    common meta-loss would go back through the whole path.
    """
    check_inner(step_size, steps)
    checks.number("strength", strength, above=0.0)
    options = dict(strength=strength, step_size=step_size, steps=steps)
    return network_learner(net, partial(adapt, net=net, loss=loss, **options), loss)


def adapt(theta, support, net, loss=mse, strength=2.0, step_size=0.1, steps=100):
    """phi: the solution of every task's regularised problem, a tree of leaves (M, ...)."""
    check_inner(step_size, steps)
    checks.number("strength", strength, above=0.0)
    checks.function("loss", loss)
    start = task_copies(net, theta, support)
    phi = start
    for _ in range(steps):
        gradient = regularised_gradient(phi, start, support, net, loss, strength)
        phi = tree_map(lambda p, g: p - step_size * g, phi, gradient)
    return phi


def regularised_gradient(phi, start, support, net, loss, strength):
    """d/dphi of  L(phi; support) + (lam/2) |phi - start|^2:  trees of leaves (M, ...)."""
    gradient = grad(total_loss)(phi, support, net, loss)
    return tree_map(lambda g, p, t: g + strength * (p - t), gradient, phi, start)


def inner_gradient_norm(theta, phi, support, net, loss=mse, strength=2.0):
    """The norm of every task's inner gradient at phi, (M,): 0 where the problem is solved."""
    checks.number("strength", strength, above=0.0)
    checks.function("loss", loss)
    start = task_copies(net, theta, support)
    check_alike("phi", phi, "the copies of theta", start)
    check_parameters("phi", phi)
    gradient = regularised_gradient(phi, start, support, net, loss, strength)
    return np.sqrt(dot_per_task(gradient, gradient))


def meta_gradient(net, loss=mse, strength=2.0, step_size=0.1, steps=100, cg_steps=5):
    """For train: (theta, task) -> the query loss and its implicit gradient."""
    solver = learner(net, loss, strength, step_size, steps)
    checks.integer("cg_steps", cg_steps, at_least=1)

    def value_and_gradient(theta, task):
        phi = solver.adapt(theta, task.support)
        value, outer = value_and_grad(total_loss)(phi, task.query, net, loss)
        times_hessian = lambda v: hvp(total_loss)(phi, task.support, net, loss, v)
        system = lambda v: tree_map(lambda v, h: v + h / strength, v, times_hessian(v))
        implicit = conjugate_gradients(system, outer, cg_steps)
        return value / len(task.query.x), tree_map(lambda g: np.mean(g, axis=0), implicit)

    return value_and_gradient


def conjugate_gradients(system, b, steps):
    """The x that solves system(x) = b for every task: a tree of leaves (M, ...).

    In exact arithmetic the answer is exact after as many steps as a task has parameters.

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
    per_task = lambda u: np.reshape(rate, (-1,) + (1,) * (np.ndim(u) - 1))  # (M, 1, ...)
    return tree_map(lambda u, v: per_task(u) * u + v, x, y)


def safe_ratio(numerator, denominator):
    """numerator / denominator, and 0 for a task whose residual is already 0."""
    return numerator / np.where(denominator == 0, 1.0, denominator)
