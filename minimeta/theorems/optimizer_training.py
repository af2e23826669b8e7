"""Theorems on the training of optimizers: what the meta-gradient is, and what is left out of it."""

import numpy

from minimeta.core.gradients import constant, value_and_grad
from minimeta.core.optim import Optimizer
from minimeta.core.trees import flatten, tree_map
from minimeta.learned_optimizers import lstm_optimizer, lstm_training, schedule, training
from minimeta.learned_optimizers.training import identity, trajectory
from minimeta.tasks.optimizees import Optimizee, gaussian_quadratics, logistic
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ANDRYCHOWICZ, differences, draw_optimizer

LINEAR = Optimizee(  # f(theta) = c' theta: the gradient is c everywhere
    sample=None,
    start=lambda task: {"theta": task.query.x[:, 0]},
    loss=lambda params, data, step: numpy.sum(data.x[:, 0] * params["theta"], axis=-1),
)


def gradient_of(follow, meta, task):
    """The meta-gradient in one vector: (P,)."""
    return flatten(follow(meta, task)[1])


@theorem(lesson="learned_optimizers", source="definition of the derivative")
def the_full_meta_gradient_is_right():
    """The full meta-gradient is what finite differences of the outer loss give."""
    family, meta = logistic(2, 3, 10), draw_optimizer(hidden=2)
    task = family.sample(numpy.random.default_rng(0))
    loss = training.outer_loss(family, lstm_optimizer.optimizer, 5, None, identity)
    expected = differences(lambda meta: loss(meta, task), meta, 1e-5)
    return Claim(gradient_of(value_and_grad(loss), meta, task), expected, tolerance=1e-8)


@theorem(lesson="learned_optimizers", source=ANDRYCHOWICZ)
def first_order_is_exact_on_linear_optimizees():
    """Leaving out second derivatives changes nothing where the optimizee is linear."""
    task = gaussian_quadratics(4, 3).sample(numpy.random.default_rng(0))
    follow = lambda through: training.meta_gradient(
        LINEAR, lstm_optimizer.optimizer, 8, None, through
    )
    first, full = (gradient_of(follow(t), draw_optimizer(), task) for t in (constant, identity))
    return Claim(first, full, tolerance=1e-13)


@theorem(lesson="learned_optimizers", source="one derivative")
def what_first_order_loses_on_quadratics():
    """On a quadratic with Hessian A, first order leaves out a g_2'A g_0 of the derivative in the
    step size a after two steps.
    """
    family, a = gaussian_quadratics(5, 3), 0.02
    task, meta = family.sample(numpy.random.default_rng(0)), {"step_sizes": numpy.array([a, a])}
    follow = lambda through: training.meta_gradient(
        family, schedule.optimizer, 2, None, through, [0.0, 1.0]
    )
    dropped = gradient_of(follow(identity), meta, task) - gradient_of(follow(constant), meta, task)
    x, y = task.support
    A = 2.0 * numpy.swapaxes(x, 1, 2) @ x
    gradient = lambda theta: A @ theta - 2.0 * numpy.swapaxes(x, 1, 2) @ y
    theta = family.start(task)["theta"]
    first = gradient(theta)
    last = gradient(theta - a * first - a * gradient(theta - a * first))
    return Claim(dropped.sum(), a * numpy.sum(last * (A @ first)) / 5, tolerance=1e-10)


@theorem(lesson="learned_optimizers", source=ANDRYCHOWICZ)
def what_truncation_forgets():
    """With truncation after U steps, the meta-gradient counts (t-1) mod U + 1 of the t steps before
    time t.

    On f = c'theta, theta_t - theta_0 is -a t c. The meta-gradient in one step size a is then
    -mean_t ((t-1) mod U + 1) |c|^2.
    """
    task = gaussian_quadratics(4, 3).sample(numpy.random.default_rng(0))
    one_step_size = lambda meta: traced_sgd(meta["a"])
    computed, expected = [], []
    for stretch in (1, 2, 3, 6, 12):
        follow = training.meta_gradient(LINEAR, one_step_size, 12, stretch)
        computed.extend(gradient_of(follow, {"a": numpy.array(0.1)}, task))
        counted = numpy.mean(numpy.arange(12) % stretch + 1.0)
        expected.append(-counted * numpy.mean(numpy.sum(task.support.x[:, 0] ** 2, axis=-1)))
    return Claim(computed, expected, tolerance=1e-12)


def traced_sgd(a):
    """SGD whose step size may be traced."""
    move = lambda g, state, theta: (tree_map(lambda p, g: p - a * g, theta, g), state)
    return Optimizer(lambda theta: [], move)


@theorem(lesson="learned_optimizers", source="chain rule")
def steps_are_judged_by_the_gradients_to_come():
    """The first-order meta-gradient is the derivative of the sum over steps of <step, the gradients
    still to come in its stretch>.
    """
    family, meta = logistic(3, 4, 20), draw_optimizer(layers=2)
    task, weights = family.sample(numpy.random.default_rng(0)), [float(t) for t in range(1, 7)]
    plain = training.meta_gradient(family, lstm_optimizer.optimizer, 6, 3, constant, weights)
    fast = lstm_training.meta_gradient(family, 6, 3, weights)
    values = [follow(meta, task)[0] for follow in (fast, plain)]
    both = [[v, *gradient_of(follow, meta, task)] for v, follow in zip(values, (fast, plain))]
    return Claim(*both, tolerance=1e-11)


@theorem(lesson="learned_optimizers", source="chain rule")
def first_order_schedule():
    """For the last loss of k steps, the first-order derivative in step size t is -<g_t, g_k>.

    Each step size is judged by the gradient where it was used and the gradient at the end.
    """
    family, rates = gaussian_quadratics(5, 3), numpy.array([0.02, 0.01, 0.03])
    task = family.sample(numpy.random.default_rng(0))
    follow = training.meta_gradient(family, schedule.optimizer, 3, None, constant, [0.0, 0.0, 1.0])
    f = lambda theta, t: family.loss(theta, task.support)
    path = trajectory(schedule.optimizer({"step_sizes": rates}), family.start(task), f, 3)
    x, y = task.support
    g = [2.0 * numpy.swapaxes(x, 1, 2) @ (x @ theta["theta"] - y) for theta in path]
    expected = [-numpy.sum(g[t] * g[3]) / 5 for t in range(3)]
    return Claim(gradient_of(follow, {"step_sizes": rates}, task), expected, tolerance=1e-10)
