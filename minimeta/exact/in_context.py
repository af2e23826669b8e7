"""What one layer of linear self-attention can reach: one gradient step, in closed form.

    tasks     y = x w + noise,   w ~ N(0, I),   inputs independent, E x^2 = v, E x^4 = m
    step      w_1 = step_size z,   z = 1/N sum_j x_j' y_j         one gradient step from w = 0
    risk      E (x w_1 - y)^2 = v D (1 - 2 step_size v + step_size^2 B) + s^2
              B = (N - 1)/N v^2 + (m + (D - 1) v^2)/N + v s^2/N
    best      step_size = v / B,      with the risk v D (1 - v^2 / B) + s^2

B is E tr (A^2) / D for A = X' X / N, plus what the noise adds. The gradient is that of half the
mean squared error. More generally a layer answers x G z with a matrix G. Such answers are linear in
the features kron(x, z), so that the best G for a sample of tasks is a least-squares problem.

Sources: von Oswald et al. 2022, arXiv:2212.07677 (the construction); the risk is this project's.
Lesson `in_context`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner


def bracket(examples, inputs, second, fourth, noise_variance=0.0):
    """B: by how much the squared step size makes the risk grow; N examples of D inputs."""
    checks.integer("examples", examples, at_least=1)
    checks.integer("inputs", inputs, at_least=1)
    checks.number("second", second, above=0.0)
    checks.number("fourth", fourth, at_least=second**2)  # of any distribution
    checks.number("noise_variance", noise_variance, at_least=0.0)
    others, own = (examples - 1) * second**2, fourth + (inputs - 1) * second**2
    return (others + own + second * noise_variance) / examples


def best_step_size(examples, inputs, second, fourth, noise_variance=0.0):
    """v / B: with this step size one gradient step has the least risk."""
    return second / bracket(examples, inputs, second, fourth, noise_variance)


def risk(step_size, examples, inputs, second, fourth, noise_variance=0.0):
    """The expected squared error of one gradient step at a new query, per output."""
    checks.number("step_size", step_size)
    B = bracket(examples, inputs, second, fourth, noise_variance)
    return second * inputs * (1 - 2 * step_size * second + step_size**2 * B) + noise_variance


def plateau(examples, inputs, second, fourth, noise_variance=0.0):
    """The least risk of one gradient step, which a trained layer reaches and cannot leave."""
    step_size = best_step_size(examples, inputs, second, fourth, noise_variance)
    return risk(step_size, examples, inputs, second, fourth, noise_variance)


def uniform_moments(half_width):
    """E x^2 and E x^4 of x uniform in (-half_width, half_width): a^2 / 3 and a^4 / 5."""
    checks.number("half_width", half_width, above=0.0)
    return half_width**2 / 3, half_width**4 / 5


def correlation(support):
    """z = 1/N sum_j x_j' y_j, (M, D, C): minus the gradient at w = 0, all that a layer keeps."""
    checks.axes("the inputs of support", support.x, "M N D")
    return np.swapaxes(support.x, -1, -2) @ support.y / np.shape(support.x)[-2]


def least_squares(task):
    """The matrix G (D, D) whose answers x G z have the least squared error on these tasks."""
    z = correlation(task.support)  # (M, D, C)
    D = np.shape(z)[1]
    features = np.einsum("mqd,mec->mqcde", task.query.x, z)
    rows = numpy.reshape(features, (-1, D * D))  # kron(x, z), a row for each answer
    return numpy.linalg.lstsq(rows, numpy.reshape(task.query.y, -1), rcond=None)[0].reshape(D, D)


def learner(matrix) -> Learner:
    """The Learner that answers x G z; G = step_size I is one gradient step. Nothing is trained."""
    checks.array("matrix", matrix, "D D")
    return Learner(
        init=lambda rng: {},
        adapt=lambda meta, support: matrix @ correlation(support),
        predict=lambda meta, state, x: x @ state,
    )
