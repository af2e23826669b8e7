"""a05 by somebody who thinks in loops and arrays that are filled."""

import numpy as np

from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import copies, leaves, unflatten


def total_loss(phi, data, net, loss):
    losses = loss(net.apply(phi, data.x), data.y)
    total = 0.0
    for m in range(len(data.x)):
        total = total + losses[m]
    return total


def trajectory(theta, support, net, loss=mse, step_size=0.01, steps=1):
    path = [copies(theta, support.x.shape[0])]
    while len(path) <= steps:
        gradients = leaves(grad(total_loss)(path[-1], support, net, loss))
        new = leaves(path[-1])
        for i in range(len(new)):
            new[i] = new[i] - step_size * gradients[i]
        path.append(unflatten(theta, new))
    return path


def task_losses(learner, meta, task, loss=None):
    if loss is None:
        loss = learner.loss
    states = learner.adapt(meta, task.support)
    answers = learner.predict(meta, states, task.query.x)
    return loss(answers, task.query.y)


def contraction(A, step_size, steps):
    result = np.zeros_like(A)
    for m in range(len(A)):
        result[m] = np.eye(A.shape[-1])
        for _ in range(steps):
            result[m] -= step_size * A[m] @ result[m]
    return result


def maml_weights(A, step_size, steps):
    weights = A.copy()
    P = contraction(A, step_size, steps)
    for m in range(len(A)):
        weights[m] = P[m] @ A[m] @ P[m]
    return weights


def fixed_point(W, c):
    left, right = np.zeros(W.shape[1:]), np.zeros(c.shape[1:])
    for m in range(len(W)):
        left += W[m]
        right += W[m] @ c[m]
    return np.linalg.inv(left) @ right


def multi_step_loss(net, weights, loss=mse, step_size=0.01):
    def outer(theta, task):
        path = trajectory(theta, task.support, net, loss, step_size, len(weights) - 1)
        total = 0.0
        for w, phi in zip(weights, path):
            losses = loss(net.apply(phi, task.query.x), task.query.y)
            for m in range(len(task.query.x)):
                total = total + w * losses[m] / len(task.query.x)
        return total

    return outer
