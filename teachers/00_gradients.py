"""Answers to the exercises of the lesson gradients."""

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, hvp

MISTAKES = {
    # after_step applied to itself; one step; one factor too few; the loss after two steps
    1: [3.2088, 4.41, 3.087, 3.24135],
    2: [[2, 0.25], [1, 0.5], [0, 0.25], [1, 4.0], [1, 0.125]],
    3: [13.0, 5.0, 9.0],
    4: [1000.0, 2.0, 500.0, 0.00033],
    5: [802.0, 501.0, 0.3994, 200.0],
}


def exercise_1():
    """Every step multiplies the distance to c by 1 - alpha a, so its fourth power appears.

    Applying after_step to itself goes down the gradient of another function in its second step:
    the loss after a step, which has the curvature a (1 - alpha a)^2 and not a.
    """

    def task(theta, a=3.0, c=-1.0):
        return a * (theta - c) ** 2 / 2

    def after_two_steps(theta, alpha=0.1):
        for _ in range(2):
            theta = theta - alpha * grad(task)(theta)
        return task(theta)

    return grad(after_two_steps)(2.0)  # a (1 - alpha a)^4 (theta - c)


def exercise_2():
    """One factor is left, a (1 - alpha a) (theta - c): the other was the derivative of the step.

    The right derivative has the square and never changes its sign. With one factor the sign is
    wrong for alpha > 1/a. Here both answers are read off the derivatives that grad finds.
    """
    a, c, start = 4.0, 1.0, 3.0

    def task(theta):
        return a * (theta - c) ** 2 / 2

    def after_step(theta, alpha):
        return task(theta - alpha * constant(grad(task)(theta)))

    shrunk = grad(after_step)(start, 0.1) / (a * (start - c))
    factors = round(float(numpy.log(shrunk) / numpy.log(1 - 0.1 * a)))
    wrong = [size for size in numpy.arange(0, 501) / 1000 if grad(after_step)(start, size) < 0]
    return [factors, wrong[0] - 0.001]  # the last of the sizes, 0.001 apart, that is not beyond


def exercise_3():
    """The line changes the caller's array. The second call begins with (2, 3): 3^2 + 4^2.

    Under grad the argument is a box, and `x += 1.0` makes a new box, so nothing is changed there.
    """

    def trap(x):
        x += 1.0
        return np.sum(x**2)

    x = numpy.array([1.0, 2.0])
    trap(x)
    return trap(x)


def exercise_4():
    """One-sided differences err by h f''/2, two-sided ones by h^2 f'''/6: the ratio is 3/h."""
    h = 1e-3
    one_sided = (np.exp(h) - 1.0) / h - 1.0
    two_sided = (np.exp(h) - np.exp(-h)) / (2 * h) - 1.0
    return one_sided / two_sided


def exercise_5():
    """The Hessian at (1, 1) has the rows (802, -400) and (-400, 200)."""

    def f(theta):
        return (1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2

    columns = [hvp(f)(np.ones(2), direction) for direction in np.eye(2)]
    return numpy.linalg.eigvalsh(numpy.stack(columns, axis=1))[-1]


def prediction_1():
    """By h^2/6. With h = 1e-9 the error is larger, because rounding is divided by h."""
    coarse, fine = (abs((np.exp(h) - np.exp(-h)) / (2 * h) - 1.0) for h in (1e-3, 1e-9))
    assert abs(coarse - 1e-3**2 / 6) < 1e-12 and fine < 1e-6
    assert abs((np.exp(1e-5) - np.exp(-1e-5)) / 2e-5 - 1.0) < min(coarse, fine)
    return coarse


def prediction_2():
    """All eight return the value; only the four cures have gradients.

    Here the second of the four lines, and its cure.
    """

    def in_place(x):
        total = np.zeros(3)
        total += np.exp(x)
        return np.sum(total)

    def cured(x):
        total = np.zeros(3) + np.exp(x)
        return np.sum(total)

    x = numpy.array([0.1, 0.2, 0.3])
    assert abs(in_place(x) - cured(x)) < 1e-14
    assert numpy.allclose(grad(cured)(x), numpy.exp(x), rtol=1e-14)
    try:
        stopped = not grad(in_place)(x).shape
    except (TypeError, ValueError):
        stopped = True
    assert stopped
    return [8, 4]


def prediction_3():
    """a (1 - alpha a)^2 (theta - c): 8 times 0.6^2, and 8 times 0, as that step solves the task."""

    def task(theta):
        return 4.0 * (theta - 1.0) ** 2 / 2

    def after_step(theta, alpha):
        return task(theta - alpha * grad(task)(theta))

    answers = [grad(after_step)(3.0, alpha) for alpha in (0.1, 0.25)]
    assert numpy.allclose(answers, [2.88, 0.0], atol=1e-14)
    return answers
