"""a05 by somebody who defines each thing by the one before it."""

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map


def total_loss(phi, data, net, loss):
    return np.sum(loss(net.apply(phi, data.x), data.y))


def trajectory(theta, support, net, loss=mse, step_size=0.01, steps=1):
    if steps == 0:
        return [copies(theta, len(support.x))]
    before = trajectory(theta, support, net, loss, step_size, steps - 1)
    gradient = grad(total_loss)(before[-1], support, net, loss)
    return before + [tree_map(lambda p, g: p - step_size * g, before[-1], gradient)]


def task_losses(learner, meta, task, loss=None):
    if loss is None:
        return task_losses(learner, meta, task, learner.loss)
    state = learner.adapt(meta, task.support)
    return loss(learner.predict(meta, state, task.query.x), task.query.y)


def contraction(A, step_size, steps):
    if steps == 0:
        return np.broadcast_to(np.eye(A.shape[-1]), A.shape)
    return (np.eye(A.shape[-1]) - step_size * A) @ contraction(A, step_size, steps - 1)


def maml_weights(A, step_size, steps):
    if steps == 0:
        return A
    P = np.eye(A.shape[-1]) - step_size * A
    return P @ maml_weights(A, step_size, steps - 1) @ P


def total(arrays):
    return arrays[0] if len(arrays) == 1 else arrays[0] + total(arrays[1:])


def fixed_point(W, c):
    return np.linalg.solve(total(list(W)), total([w @ m for w, m in zip(W, c)]))


def multi_step_loss(net, weights, loss=mse, step_size=0.01):
    def part(theta, task, left):
        if left == 0:
            return 0.0
        phi = trajectory(theta, task.support, net, loss, step_size, left - 1)[-1]
        value = np.mean(loss(net.apply(phi, task.query.x), task.query.y))
        return weights[left - 1] * value + part(theta, task, left - 1)

    return lambda theta, task: part(theta, task, len(weights))
