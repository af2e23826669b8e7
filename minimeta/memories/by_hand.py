"""LSTMs whose weights are set by hand: proof that a recurrent learner can hold an algorithm.

    running_mean:      c <- f c + i y              with i = 1 / (n + prior), f = 1 - i
    gradient_descent:  w <- w + a x (y - x'w)      one step per example, the answer being x'w

Both are parameters for `memories.recurrent`, as training might find them. The gates are
i f g o: what to write, what to keep, the value written, and what to read.

Source: the constructions are this project's.  Lesson `recurrent`.
"""

import numpy

OPEN = 40.0  # a gate of sigmoid(40) is 1, and of sigmoid(-40) is 0, to the last digit of float64


def running_mean(scale=1e-5):
    """An LSTM of one cell that holds scale * (sum of the labels) / (n + prior) after n labels.

    Its input x tells the odds of the gates: i = 1 / (1 + e^x) and f = 1 - i. With the n-th label
    it must be log(n - 1 + prior), which is what `log_odds` makes. tanh is linear near zero, so the
    cell works on labels that are scaled down.
    """
    W_x = numpy.array([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, scale, 0.0]])  # x and label, into i f g o
    cell = {"W_x": W_x, "W_h": numpy.zeros((1, 4)), "b": numpy.array([0.0, 0.0, 0.0, OPEN])}
    return {"cell": cell, "read": {"W": numpy.array([[1 / scale]]), "b": numpy.zeros(1)}}


def log_odds(examples, prior):
    """The inputs of `running_mean` along a sequence: log(n - 1 + prior), or -OPEN for log 0.

    A learner is fed each label one position late: the n-th label comes at position n, from 0 on.
    The result is (T, 1), one example after another.
    """
    odds = numpy.maximum(numpy.arange(examples) - 1 + prior, numpy.exp(-OPEN))
    return numpy.log(odds)[:, None]


def gradient_descent(step_size, inputs=1, small=5e-3, scale=1e-6):
    """An LSTM of 5 D cells that runs SGD on y = x'w: w <- w + step_size x_t-1 (y_t-1 - answer).

    Near 0 a sigmoid is a line, so the difference of two gates with opposite inputs is a product:
    sigmoid(a) - sigmoid(-a) = a / 2. Each input has five cells. Cell 0 keeps x for one step. Cells
    1 and 2 add the last error, through gates that cell 0 opens by +x and by -x: the difference of
    the two cells is w. Cells 3 and 4 are copies of 1 and 2. The gates that read are opened by the
    new x, those of 1 and 2 by +x, those of 3 and 4 by -x: the difference of the differences is w x.

    A sigmoid departs from its line by a share (small x)^2 / 12. A smaller `small` would not help,
    because the differences enlarge rounding errors by its fourth power.
    """
    sign, pair = numpy.array([1.0, -1.0, -1.0, 1.0]), numpy.array([1.0, -1.0, 1.0, -1.0])
    x, last_x, error, b = numpy.zeros((4, 4, 5))  # what each adds to i f g o of the five cells
    b[0, 0], b[1, 0], b[3, 0] = OPEN, -OPEN, OPEN  # cell 0 writes, forgets at once, and is read
    b[1, 1:] = OPEN  # the others never forget
    x[2, 0] = small  # cell 0 writes x ...
    last_x[0, 1:] = pair  # ... which opens the gates that write, one step later
    error[2, 1:] = scale  # the others write the error
    x[3, 1:] = small * pair * sign  # and their gates that read are opened by + + - -

    # Cell k of input d is number k D + d. An input reaches its own five cells, an error all cells.
    own = lambda a: numpy.kron(a.reshape(1, 20), numpy.eye(inputs))
    every = lambda a: numpy.kron(a.reshape(1, -1), numpy.ones(inputs))
    read = every(4 * step_size / (small**2 * scale) * numpy.array([0.0, *sign])).T  # (5 D, 1)
    W_x, W_h = numpy.concatenate([own(x), every(error)]), -read @ every(error)  # label minus answer
    W_h[:inputs] += own(last_x)
    cell = {"W_x": W_x, "W_h": W_h, "b": every(b)[0]}
    return {"cell": cell, "read": {"W": read, "b": numpy.zeros(1)}}
