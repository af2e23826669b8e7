"""Train an optimizer through the training that it does.

    theta_t+1 = theta_t + update(df/dtheta_t)        t = 0 .. steps - 1, with any Optimizer
    learn:      min  E_problem  sum_t w_t f(theta_t)   t = 1 .. steps, w_t = 1 / steps

Two things are left out of the gradient of this, as in the paper. Where a slope is taken counts as a
constant: no second derivatives of f (`through=constant`; `through=kept` has them). And at the end
of every stretch all that came before does: back-propagation through time is truncated there. The
paper makes an update after each stretch; here the gradients of a problem's stretches are added, so
that the meta-gradient depends on the meta-parameters and the problem alone.

Source: Andrychowicz et al. 2016, section 2.  Lesson 09.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.optim import Optimizer
from minimeta.core.trees import norm, tree_map


def trajectory(optimizer, theta, f, steps, stretch=None, through=constant):
    """[theta_0 ... theta_steps] under an optimizer that sees f(theta, t) -> (M,) at step t."""
    checks.integer("steps", steps, at_least=1)
    total = lambda theta, t: np.sum(f(theta, t))  # every problem has parameters of its own
    state, path = optimizer.init(theta), [theta]
    for t in range(steps):
        if stretch and t % stretch == 0:
            theta, state = constant((theta, state))
        theta, state = optimizer.update(grad(total)(through(theta), t), state, theta)
        path.append(theta)
    return path


def kept(tree):
    """The tree itself: in place of `constant`, what keeps the second derivatives."""
    return tree


def losses_along(optimizer, theta, f, steps, stretch=None, through=constant):
    """f(theta_t, t) for t = 1 .. steps: (steps, M)."""
    path = trajectory(optimizer, theta, f, steps, stretch, through)
    return np.stack([f(theta, t) for t, theta in enumerate(path) if t])


def outer_loss(optimizee, optimizer, steps=100, stretch=20, through=constant, weights=None):
    """(meta, task) -> the weighted losses of training the optimizee, averaged over the problems.

    optimizer(meta) -> Optimizer, whatever its meta-parameters are. The paper trains over 100 steps
    in stretches of 20; None is one stretch. `weights` are w_1 .. w_steps, equal if None.
    """
    weights = equal_weights(steps) if weights is None else checked(weights, steps)

    def weighted(meta, task):
        f = lambda theta, t: optimizee.loss(theta, task.support, t)
        begin = optimizee.start(task)
        losses = losses_along(optimizer(meta), begin, f, steps, stretch, through)
        return sum(w * np.mean(losses[t]) for t, w in enumerate(weights) if w)

    return weighted


def meta_gradient(*args, **options):
    """For train: the outer loss of these arguments, and its gradient."""
    return value_and_grad(outer_loss(*args, **options))


def equal_weights(steps):
    """1 / steps for every step."""
    checks.integer("steps", steps, at_least=1)
    return steps * [1.0 / steps]


def checked(weights, steps):
    """The weights; raise unless there is one for every step."""
    if len(weights) != steps:
        raise ValueError(f"weights must be {steps} numbers, one a step; they are {len(weights)}.")
    return weights


def clipped(optimizer, longest):
    """The optimizer, shown every gradient at most `longest` long: a longer one is shortened.

    Meta-gradients through many steps explode now and then; one of those would undo the training.
    """
    checks.number("longest", longest, above=0.0)

    def update(g, state, theta):
        short = longest / np.maximum(norm(g), longest)
        return optimizer.update(tree_map(lambda g: short * g, g), state, theta)

    return Optimizer(optimizer.init, update)
