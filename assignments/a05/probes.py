"""What a05.py is asked: each probe calls one function of the student and returns its numbers."""

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.nets import Net
from minimeta.tasks.task import Data, Task

line = Net(lambda rng: numpy.zeros((2, 1)), lambda theta, x: x @ theta)


def absolute(prediction, target):
    """The mean absolute error of each task: (M,)."""
    return np.mean(np.abs(prediction - target), axis=(-2, -1))


def support(given):
    """The data of M linear maps."""
    return Data(given["x"], given["y"])


def total(student, given):
    """The total loss of M tasks, each with its own parameters, and its gradient."""

    def loss(phi):
        return student.total_loss(phi, support(given), line, mse)

    return numpy.append(grad(loss)(given["phi"]), loss(given["phi"]))


def path(student, given):
    """Every point of the inner loop, and theta after it."""
    theta = given["theta"]
    points = student.trajectory(
        theta, support(given), line, mse, given["step_size"], given["steps"]
    )
    return numpy.concatenate([numpy.stack(points).ravel(), theta.ravel()])


def gradient_through_steps(student, given):
    """The gradient in theta of the mean query loss after the steps."""
    step_size, steps = given["step_size"], given["steps"]

    def loss(theta):
        phi = student.trajectory(theta, support(given), line, mse, step_size, steps)[-1]
        return np.mean(mse(given["query_x"] @ phi, given["query_y"]))

    return grad(loss)(given["theta"])


def losses(student, given):
    """The losses of a learner whose inner loop is one simple rule: shift meta by the mean label."""
    learner = Learner(None, shift, lambda meta, state, x: x @ state + meta, mse)
    task = Task(support(given), Data(given["query_x"], given["query_y"]))
    other = absolute if given["other"] else None
    return student.task_losses(learner, given["meta"], task, other)


def shift(meta, data):
    """The state of each task: the mean label, for both weights."""
    return np.mean(data.y, axis=-2, keepdims=True) * np.ones((2, 1)) + meta


def multi_step(student, given):
    """The outer loss of MAML++."""
    loss = student.multi_step_loss(line, list(given["weights"]), mse, given["step_size"])
    query = Data(given["query_x"], given["query_y"])
    return loss(given["theta"], Task(support(given), query))
