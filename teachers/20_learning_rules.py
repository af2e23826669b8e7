"""Answers to the exercises of the lesson learning_rules.

Prediction 3 is decided by training: expect gradient descent to be ahead on the last twenty, beyond
two standard errors, because the rule was only trained for the first twenty.
"""

import numpy

from minimeta.core.losses import softmax
from minimeta.learning_rules import ratio, vsml
from minimeta.meta import along
from minimeta.tasks import Data


def exercise_1():
    """4 H (2 + H) weights, 4 H biases, and H numbers in v: 4 H (H + 3) + H."""
    H = 16
    return 4 * H * (2 + H) + 4 * H + H


def exercise_2():
    """The answer is a mean over inputs. Twice as many inputs halve it, so the rate doubles."""
    return 2.0 * 16 / 8


def exercise_3():
    """At w = 0 both classes have the chance 1/2, so e_1 = -1/2, w_1 = r x / 2 = 1, z_1 = w_1 x."""
    x, rate = 2.0, 1.0
    error = 0.5 - 1.0
    return (0.0 - rate * error * x) * x


def exercise_4():
    """2 (64 32 + 32 32 + 32 5) learned numbers for 4 2^2 + 2 = 18 in the genome."""
    sizes = numpy.array([64, 32, 32, 5])
    return 2 * (sizes[:-1] * sizes[1:]).sum() / (4 * 2**2 + 2)


MISTAKES = {
    1: [1152, 1216, 1168],  # without biases and v; without v; without biases
    2: [2.0, 1.0, 8.0],
    3: [1.0, 0.5, 4.0],  # w_1 itself; the probability; the error taken as -1
    4: [3232 / 18, 6464 / 16, 18 / 6464],  # one copy; without rates; upside down
}


def prediction_1():
    """By a hundred: the error that is left is proportional to epsilon^2, and (1/10)^2 = 1/100."""
    rng, rate, D = numpy.random.default_rng(0), 1.6, 8
    x, y = rng.normal(size=(5, 20, D)), numpy.eye(3)[rng.integers(3, size=(5, 20))]
    w, answers = numpy.zeros((5, D, 3)), []
    for t in range(20):  # gradient descent on the cross-entropy, as a rule of each connection
        z = numpy.mean(w * x[:, t, :, None], axis=1)
        answers.append(z)
        w = w - rate * (softmax(z) - y[:, t])[:, None] * x[:, t, :, None]
    learner, exact = vsml.learner(3, hidden=4), numpy.stack(answers, axis=1)
    errors = [abs(along(learner, vsml.descent(rate, e), Data(x, y)) - exact) for e in (0.1, 0.01)]
    factor = errors[0].max() / errors[1].max()
    assert 95 < factor < 105
    return float(factor)


def prediction_2():
    """2 12 8 3 = 576 and 2 12 64 10 = 15360: h and c of 12 units in each of D C connections."""
    rng, counts = numpy.random.default_rng(0), []
    for inputs, classes in ((8, 3), (64, 10)):
        learner = vsml.learner(classes, hidden=12)
        one = Data(numpy.zeros((1, 1, inputs)), numpy.eye(classes)[None, :1])
        counts.append(ratio.count(learner, learner.init(rng), one))
    assert [of.learned for of in counts] == [2 * 12 * 8 * 3, 2 * 12 * 64 * 10]
    assert counts[0].meta == counts[1].meta == 4 * 12 * (12 + 3) + 12
    return [of.learned for of in counts]
