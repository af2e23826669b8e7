"""Answers to the exercises of the lesson in_context."""

import numpy

from minimeta.exact import in_context
from minimeta.memories import linear_attention, tokens
from minimeta.tasks import Data


def layers_answer(x, y, question, step_size, layers):
    """What hand-set layers answer to a question, for examples with one input."""
    context = Data(numpy.reshape(x, (1, -1, 1)), numpy.reshape(y, (1, -1, 1)))
    meta = linear_attention.gradient_descent(1, 1, step_size, len(x), layers)
    learner = linear_attention.learner(1, layers=layers)
    state = learner.adapt(meta, context)
    return learner.predict(meta, state, numpy.full((1, 1, 1), question)).item()


def exercise_1():
    """The mean of x y is (2 + 0 + 8) / 3, so w = 0.5 * 10 / 3 = 5 / 3, and the answer is 5."""
    computed = layers_answer([1.0, -1.0, 2.0], [2.0, 0.0, 4.0], 3.0, 0.5, layers=1)
    assert abs(computed - 5.0) < 1e-12
    return computed


def exercise_2():
    """B = 19/20 + (3 + 3)/20 + 1/20 = 1.3, and the best step size is 1 / B."""
    best = in_context.best_step_size(20, 4, 1.0, 3.0, noise_variance=1.0)
    assert abs(best - 1 / 1.3) < 1e-12
    return best


def exercise_3():
    """Two tokens an example; the sixth question, token 10, comes after five labels."""
    x, y = numpy.ones((1, 16, 1)), numpy.arange(1.0, 17.0).reshape(1, 16, 1)
    made = tokens.pairs(x, y)[0]
    labels = numpy.cumsum(made[:, 1] != 0)  # how many labels each token can see
    return [len(made), int(numpy.flatnonzero((labels == 5) & (made[:, 1] == 0))[0])]


def exercise_4():
    """w <- w + (2 - w) / 2 leads from 0 to 1, 1.5 and 1.75."""
    computed = layers_answer([1.0, 1.0], [2.0, 2.0], 1.0, 0.5, layers=3)
    assert abs(computed - 1.75) < 1e-12
    return computed


MISTAKES = {
    1: [15.0, 10.0, 1.667, -5.0],  # a sum for the mean; no 1/2 in the loss; w itself; the sign
    2: [1.0, 0.8, 1.3],  # endless examples; the noise left out; B itself
    3: [[32, 11], [16, 5], [32, 12], [32, 5]],  # the label's token; late labels; six labels seen
    4: [1.0, 1.5, 3.0, 2.0],  # one step; two steps; labels that stay as they were; the limit
}


def prediction_1():
    """w_1 = 0.2 (2 + 8) / 2 = 1, so the answer is 3 w_1 = 3. The layer and the step agree."""
    x, y, alpha = numpy.array([1.0, 2.0]), numpy.array([2.0, 4.0]), 0.2
    w = alpha * numpy.mean(x * y)
    by_layer = layers_answer(x, y, 3.0, alpha, layers=1)
    assert w == 1.0 and abs(by_layer - 3 * w) < 1e-14
    return [float(w), by_layer]


def prediction_2():
    """By four, too: R = v D (1 - v^2 / B), and v^2 / B is the same in every unit of the inputs.

    The best step size grows by four in return, and only the factor v D is left.
    """
    moments = [in_context.uniform_moments(half_width) for half_width in (1.0, 0.5)]
    sizes = [in_context.best_step_size(10, 10, *pair) for pair in moments]
    plateaus = [in_context.plateau(10, 10, *pair) for pair in moments]
    assert abs(sizes[1] / sizes[0] - 4) < 1e-12 and abs(plateaus[0] / plateaus[1] - 4) < 1e-12
    v, m = 1 / 12, 1 / 80  # by hand, for inputs uniform between -1/2 and 1/2
    B = 9 / 10 * v**2 + (m + 9 * v**2) / 10
    assert abs(plateaus[1] - 10 * v * (1 - v**2 / B)) < 1e-12
    return plateaus[0] / plateaus[1]


def prediction_3():
    """w_2 = 1 + 0.2 (1 + 4) / 2 = 1.5, and the answer is 4.5. The limit, w = 2, would answer 6."""
    x, y, w = numpy.array([1.0, 2.0]), numpy.array([2.0, 4.0]), 0.0
    for _ in range(2):
        w = w + 0.2 * numpy.mean(x * (y - w * x))
    by_layers = layers_answer(x, y, 3.0, 0.2, layers=2)
    assert abs(w - 1.5) < 1e-14 and abs(by_layers - 3 * w) < 1e-13
    return [float(w), by_layers]
