"""Train an optimizer by differentiating through the training that it does.

    theta_t+1 = theta_t + update(df/dtheta_t)        t = 0 .. steps - 1, with any Optimizer
    learn:      min  E_problem  sum_t w_t f(theta_t)   t = 1 .. steps, w_t = 1 / steps

As in the paper, the gradient of this leaves two things out. First, the point at which a gradient
df/dtheta_t is taken counts as a constant, so f needs no second derivatives; that is
`through=constant`, and `through=identity` includes them. Second, back-propagation through time is
truncated: steps come in stretches, and at the start of each one all that came before counts as a
constant. The paper updates the optimizer after each stretch. Here the gradients of all stretches
of a problem are added, so that the meta-gradient depends on nothing but the meta-parameters and
the problem.

Source: Andrychowicz et al. 2016, section 2.  Lesson learned_optimizers.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.optim import Optimizer
from minimeta.core.trees import check_trainable, leaves, norm, tree_map


def trajectory(optimizer, theta, f, steps, stretch=None, through=constant):
    """[theta_0, ..., theta_steps] of an optimizer that minimises f(theta, t) -> (M,) at step t."""
    checks.functions("optimizer", optimizer, "init", "update")
    check_trainable("theta", theta)
    checks.integer("the number of arrays in theta", len(leaves(theta)), at_least=1)
    checks.function("f", f)
    checks.integer("steps", steps, at_least=1)
    total = lambda theta, t: np.sum(f(theta, t))  # every problem has parameters of its own
    state, path = optimizer.init(theta), [theta]
    for t in range(steps):
        if stretch and t % stretch == 0:
            theta, state = constant((theta, state))
        theta, state = optimizer.update(grad(total)(through(theta), t), state, theta)
        path.append(theta)
    return path


def identity(tree):
    """The tree itself: used in place of `constant` it lets the second derivatives through."""
    return tree


def losses_along(optimizer, theta, f, steps, stretch=None, through=constant):
    """f(theta_t, t) for t = 1 .. steps: (steps, M)."""
    path = trajectory(optimizer, theta, f, steps, stretch, through)
    return np.stack([f(theta, t) for t, theta in enumerate(path) if t])


def outer_loss(optimizee, optimizer, steps=100, stretch=20, through=constant, weights=None):
    """(meta, task) -> sum_t w_t f(theta_t), averaged over the M problems: a scalar.

    optimizer(meta) -> Optimizer, for any tree of meta-parameters. The paper trains over 100 steps
    in stretches of 20; with None all steps are one stretch. `weights` are w_1 .. w_steps, all
    1 / steps if None.
    """
    weights = weights_of_steps(weights, steps)

    def objective(meta, task):
        f = lambda theta, t: optimizee.loss(theta, task.support, t)
        begin = optimizee.start(task)
        losses = losses_along(optimizer(meta), begin, f, steps, stretch, through)
        return sum(w * np.mean(losses[t]) for t, w in enumerate(weights) if w)

    return objective


def meta_gradient(*args, **options):
    """For train: the outer loss of these arguments, and its gradient."""
    return value_and_grad(outer_loss(*args, **options))


def weights_of_steps(weights, steps):
    """The weights, 1 / steps each if None; raise ValueError unless there is one for every step."""
    checks.integer("steps", steps, at_least=1)
    if weights is None:
        return steps * [1.0 / steps]
    if len(weights) != steps:
        raise ValueError(f"weights must be {steps} numbers, one a step; they are {len(weights)}.")
    return weights


def clip_gradient(optimizer, longest):
    """The optimizer, but gradients longer than `longest` are shortened to it.

    Meta-gradients through many steps explode now and then, and one of those would undo the
    training.
    """
    checks.functions("optimizer", optimizer, "init", "update")
    checks.number("longest", longest, above=0.0)

    def update(g, state, theta):
        scale = longest / np.maximum(norm(g), longest)
        return optimizer.update(tree_map(lambda leaf: scale * leaf, g), state, theta)

    return Optimizer(optimizer.init, update)
