"""a05 by somebody who writes one expression for each function."""

from functools import partial, reduce
from itertools import accumulate, repeat

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map


def total_loss(phi, data, net, loss):
    return sum(loss(net.apply(phi, data.x), data.y))


def descend(phi, _, support, net, loss, step_size):
    return tree_map(lambda p, g: p - step_size * g, phi, grad(total_loss)(phi, support, net, loss))


def trajectory(theta, support, net, loss=mse, step_size=0.01, steps=1):
    step = partial(descend, support=support, net=net, loss=loss, step_size=step_size)
    return list(accumulate(repeat(None, steps), step, initial=copies(theta, len(support.x))))


def task_losses(learner, meta, task, loss=None):
    return (loss or learner.loss)(
        learner.predict(meta, learner.adapt(meta, task.support), task.query.x), task.query.y
    )


def contraction(A, step_size, steps):
    return np.linalg.matrix_power(np.eye(A.shape[-1]) - step_size * A, steps)


def maml_weights(A, step_size, steps):
    return contraction(A, step_size, 2 * steps) @ A


def fixed_point(W, c):
    return np.linalg.solve(W.sum(0), np.einsum("mij,mj->i", W, c))


def multi_step_loss(net, weights, loss=mse, step_size=0.01):
    return lambda theta, task: (
        np.dot(
            np.stack(
                [
                    np.mean(loss(net.apply(phi, task.query.x), task.query.y))
                    for phi in trajectory(
                        theta, task.support, net, loss, step_size, len(weights) - 1
                    )
                ]
            ),
            np.array(weights),
        )
        + reduce(lambda a, b: a, [0.0])
    )
