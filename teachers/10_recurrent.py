"""Answers to the exercises of the lesson recurrent."""

import numpy

from minimeta.core.trees import leaves
from minimeta.exact import linear_gaussian
from minimeta.memories import by_hand, recurrent
from minimeta.tasks import Data
from minimeta.tasks.regression import linear


def exercise_1():
    """Bayes divides by n + noise / prior variance: (6 + 3 + 7) / (3 + 1/2).

    The cell gets there if it is fed log(n - 1/2) with the n-th label: the gates then have the ratio
    n - 1 + 1/2. The library makes these inputs.
    """
    labels = numpy.array([6.0, 3.0, 7.0, 0.0]).reshape(1, 4, 1)
    clock = by_hand.log_odds(4, prior=0.5)[None]
    answers = recurrent.predict_along(by_hand.running_mean(), Data(clock, labels))
    assert abs(answers[0, 3, 0] - 16 / 3.5) < 1e-6
    return 16 / 3.5


def exercise_2():
    """A step multiplies the memory by f = sigmoid(1), and f^n = 1/2 for n = log(1/2) / log f."""
    f = 1 / (1 + numpy.exp(-1.0))
    return float(numpy.log(0.5) / numpy.log(f))


def exercise_3():
    """W_x has 3 rows, as the label is fed too, W_h has 64, b is one more; each has 4 x 64 numbers.

    The read layer has 64 weights and an offset.
    """
    count = (3 + 64 + 1) * 4 * 64 + 64 + 1
    meta = recurrent.init(numpy.random.default_rng(0), inputs=2, outputs=1, hidden=64)
    assert count == sum(leaf.size for leaf in leaves(meta))
    return count


def exercise_4():
    """Bayes' posterior does not depend on the order of the examples; the state of an LSTM does.

    SGD ends elsewhere because each of its steps begins where the last one ended.
    """
    rng = numpy.random.default_rng(0)
    data = linear(rng, 5, 20, 1, numpy.eye(1)).support
    order = [*range(18, -1, -1), 19]
    turned = Data(data.x[:, order], data.y[:, order])

    def bayes(data):
        mean, _ = linear_gaussian.sequential(*data, 0.0, numpy.eye(1), 0.01)
        return data.x[:, -1] * mean[:, -2, :, 0]

    untrained = recurrent.init(rng, inputs=1, outputs=1, hidden=8)
    networks = by_hand.gradient_descent(0.3), untrained
    learners = [bayes, *(lambda d, m=m: recurrent.predict_along(m, d)[:, -1] for m in networks)]
    changes = [abs(learner(data) - learner(turned)).max() > 1e-6 for learner in learners]
    return ["yes" if change else "no" for change in changes]


MISTAKES = {
    1: [16 / 3, 16 / 5, 16 / 2.5],  # no prior; the cell of the page; half an example taken away
    2: [1.0, 2.0, 0.693],  # the offset taken for the gate; the log of 2 alone
    3: [17153, 17217, 17472, 17409],  # no label fed; no b; no offset of the read layer; no read
    4: [["no", "no", "yes"], ["yes", "yes", "yes"], ["no", "no", "no"]],
}


def prediction_1():
    """f = 3/4, i = 1/2, g = 1: 0.75 * 4 + 0.5 = 3.5, and 0.75 more for each 1 of old memory."""
    forget, write = 1 / (1 + numpy.exp(-numpy.log(3.0))), 1 / (1 + numpy.exp(0.0))
    new, more = (forget * old + write * numpy.tanh(40.0) for old in (4.0, 5.0))
    assert abs(new - 3.5) < 1e-14 and abs(more - new - 0.75) < 1e-14
    return [float(new), float(more - new)]


def prediction_2():
    """The sum of the labels so far, divided by two more than there are: 0, 6/3, 9/4, 16/5."""
    memory, answers = 0.0, [0.0]
    for t, label in enumerate([6.0, 3.0, 7.0], 2):
        memory = (t * memory + label) / (t + 1)  # forget t / (t + 1), write 1 / (t + 1)
        answers.append(memory)
    assert numpy.allclose(answers, [0, 6 / 3, 9 / 4, 16 / 5], atol=1e-14)
    return answers


def prediction_3():
    """More than half of it. The first error is 1.01, the variance of y, and then it falls fast.

    After one example Bayes knows the only weight but for the noise of that example, so most later
    errors are little more than the noise variance of 0.01.
    """
    T, noise = 20, 0.01
    x = numpy.random.default_rng(0).normal(size=(2000, T, 1))
    risks = [linear_gaussian.risk(x[:, :n], numpy.eye(1), noise).mean() for n in range(T)]
    known = numpy.sum(x[:, :, 0] ** 2, axis=1) / noise  # by hand: precisions add up
    assert abs(risks[0] - 1.01) < 1e-12 and 0.5 < risks[0] / sum(risks) < 0.8
    last = numpy.mean(1 / (1 + known - x[:, -1, 0] ** 2 / noise)) + noise
    assert abs(risks[-1] - last) < 1e-9
    return float(risks[0] / sum(risks))
