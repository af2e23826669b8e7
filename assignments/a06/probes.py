"""What a06.py is asked; functions of plain arrays are called with them (the probe `call`)."""

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.optim import momentum, sgd
from minimeta.nets import Net
from minimeta.tasks import Data

line = Net(lambda rng: numpy.zeros((2, 1)), lambda theta, x: x @ theta)


def first_order(student, given):
    """phi after the steps of FOMAML."""
    support = Data(given["x"], given["y"])
    step_size, steps = given["step_size"], given["steps"]
    return student.fomaml_adapt(given["theta"], support, line, mse, step_size, steps)


def through_steps(student, given):
    """The gradient in theta of the mean loss after the steps of FOMAML."""

    def loss(theta):
        phi = first_order(student, {**given, "theta": theta})
        return np.mean(mse(given["x"] @ phi, given["y"]))

    return grad(loss)(given["theta"])


def first_order_value(student, given):
    """phi and theta, which must not change."""
    return [first_order(student, given), given["theta"]]


def walk(student, given):
    """phi after the steps of Reptile, each on a minibatch."""
    support, mass = Data(given["x"], given["y"]), given["mass"]
    inner = momentum(given["step_size"], mass) if mass else sgd(given["step_size"])
    steps, batch = given["steps"], given["batch"]
    return student.reptile_adapt(given["theta"], support, line, mse, inner, steps, batch)


def batches(student, given):
    """The examples of four steps, one after another."""
    data = Data(given["x"], given["y"])
    parts = [student.minibatch(data, step, given["batch"]) for step in range(4)]
    return [array for part in parts for array in part]
