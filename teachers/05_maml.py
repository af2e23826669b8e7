"""Answers to the exercises of the lesson maml."""

from minimeta.core.gradients import grad
from minimeta.exact import quadratics


def exercise_1():
    """A mean over M tasks divides every task's gradient by M, so the steps are 25 times shorter."""
    tasks = 25
    return tasks


def exercise_2():
    """Every step multiplies t - c by 1 - alpha a, and the loss squares the distance: n = 2 k.

    The check with grad compares the derivative of the loss after k steps with the formula.
    """
    a, c, alpha, t, k = 2.0, 1.0, 0.3, 3.0, 5

    def loss(t):
        return a * (t - c) ** 2 / 2

    def after_steps(t):
        for _ in range(k):
            t = t - alpha * grad(loss)(t)
        return loss(t)

    n = 2 * k
    assert abs(grad(after_steps)(t) - a * (1 - alpha * a) ** n * (t - c)) < 1e-12
    return n


def exercise_3():
    """|1 - alpha a| > 1 means alpha a > 2, so a > 2 / alpha = 200."""
    return 2 / 0.01


def exercise_4():
    """The weights are 4 (1 - 0.8)^2 = 0.16 and 1 (1 - 0.2)^2 = 0.64: (0.64 - 0.16) / 0.8 = 0.6."""
    import numpy

    A, c = numpy.array([[[4.0]], [[1.0]]]), numpy.array([[-1.0], [1.0]])
    return quadratics.fixed_point(quadratics.maml_weights(A, 0.2, 1), c).item()


MISTAKES = {
    1: [1, 5, 1 / 25],
    2: [5, 6, 11],  # one factor a step; one factor more than steps; one too many
    3: [100, 50, 0.02],  # 1 / alpha is where descent begins to overshoot, not where it diverges
    4: [-0.6, 0.0],  # the joint optimum, and the mean of the minima
}


def prediction_1():
    """The shallow one: 0.2 (1 - 0.16)^2 = 0.141 beside 1 (1 - 0.8)^2 = 0.04, 3.5 times as much.

    A task of curvature 1 / alpha = 1.25 has no say, because the step solves it.
    """
    steep, shallow, solved = (a * (1 - 0.8 * a) ** 2 for a in (1.0, 0.2, 1.25))
    assert abs(shallow / steep - 3.528) < 1e-12 and abs(solved) < 1e-15
    return [shallow / steep, 1.25]


def prediction_2():
    """Not smaller: without a step MAML's start is one function for all tasks.

    The least error of one function is 3.0057. Any other errs more, by its squared distance to the
    best one: answering 0, for example. By how much MAML's start errs more, training decides.
    """
    from minimeta.exact import sines

    least = sines.joint_risk()
    grid = [(i + 0.5) / 100 - 5 for i in range(1000)]
    distance = sum(float(sines.joint_predictor(x)) ** 2 for x in grid) / len(grid)
    assert abs(least - 3.0057) < 1e-4 and abs(least + distance - sines.zero_risk()) < 1e-3
    return least
