"""Answers to the exercises of the lesson first_order.

Prediction 3 is decided by training: expect FOMAML to be behind MAML after one step, in the mean and
in the median. Ask for the sign first; the lesson prints both errors.
"""

import numpy

CURVATURE, MINIMUM, ALPHA = numpy.array([1.0, 0.5]), numpy.array([0.0, 1.0]), 0.5


def rest(weights):
    """Where tasks on a line balance that pull with these weights."""
    return (weights @ MINIMUM / weights.sum()).item()


def exercise_1():
    """W = 1 - (1 - alpha a)^2 = 3/4 and 7/16, so the rest is (7/16) / (19/16) = 7/19."""
    return rest(1 - (1 - ALPHA * CURVATURE) ** 2)


def exercise_2():
    """1 - alpha a is 0 for the first task: its step solves it, it has no say, and 1 is left."""
    return rest(CURVATURE * (1 - 1.0 * CURVATURE) ** 2)


def exercise_3():
    """P is about I - alpha k A; MAML has P twice, A - 2 alpha k A^2, and FOMAML once."""
    return [2, 1]


def exercise_4():
    """The gradient at the point after the step: a (1 - alpha a) (t - c) = 2 * 0.4 * 2 = 1.6."""
    a, c, t, alpha = 2.0, 1.0, 3.0, 0.3
    after = t - alpha * a * (t - c)
    return a * (after - c)


MISTAKES = {
    1: [1 / 3, 9 / 17, 3 / 7],  # one step; MAML; FOMAML
    2: [0.0, 1 / 3, 9 / 17],
    3: [[1, 2], [1, 1], [2, 2]],
    4: [0.64, 4.0],  # the second-order gradient; the gradient at the start
}


def prediction_1():
    """MAML at 9/17, FOMAML at 3/7, Reptile at 1/3: that is joint training's, as I - P = alpha A."""
    P = 1 - ALPHA * CURVATURE
    rests = [rest(W) for W in (P * CURVATURE * P, CURVATURE * P, 1 - P, CURVATURE)]
    assert numpy.allclose(rests, [9 / 17, 3 / 7, 1 / 3, 1 / 3], atol=1e-15)
    return rests


def prediction_2():
    """With four: FOMAML has P once, and with twice as many steps its P is the square of MAML's."""
    P = 1 - ALPHA * CURVATURE
    assert abs(rest(P**2 * CURVATURE * P**2) - rest(CURVATURE * P**4)) < 1e-15
    return 4
