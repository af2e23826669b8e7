"""Problems for optimizers: differentiable losses of a parameter tree.

    quadratics    |W theta - y|^2     W and y Gaussian, or uniform in [0, 1), or W diagonal
    logistic      cross-entropy of a linear classifier of noisy labels
    classifier    cross-entropy of a network on minibatches of given examples

A batch of M problems is a Task. `support` holds their data, and `query.x` (M, 1, P) the parameters
that each problem starts from, as one vector, because the start decides how hard a problem is.
(query.y is the same: there are no queries to answer after training.) An Optimizee reads both:

    sample(rng) -> task      start(task) -> params      loss(params, task.support, step) -> (M,)

Source: Andrychowicz et al. 2016, section 3. Their text has Gaussian quadratics and their released
code uniform ones; both start near 0 and sum the squares. The paper's networks have sigmoid units.
"""

from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device, to_host
from minimeta.core.losses import cross_entropy
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import flatten, like
from minimeta.tasks.drawing import generator
from minimeta.tasks.task import Data, Task

START = 0.01  # the standard deviation of theta_0 in the paper's code


class Optimizee(NamedTuple):
    """A family of problems, drawn M at a time."""

    sample: Callable  # rng -> Task
    start: Callable  # Task -> params, leaves (M, ...)
    loss: Callable  # params, data, step -> (M,)

    __reduce__ = reduce_record  # so that it can be sent to another process


def gaussian_quadratics(problems=8, dimension=10):
    """|W theta - y|^2 with W (D, D) and y (D, 1) of independent N(0, 1)."""
    return quadratics(problems, dimension, lambda rng, size: rng.normal(size=size))


def uniform_quadratics(problems=8, dimension=10):
    """|W theta - y|^2 with W (D, D) and y (D, 1) of independent numbers uniform in [0, 1)."""
    return quadratics(problems, dimension, lambda rng, size: rng.uniform(size=size))


def quadratics(problems, dimension, draw):
    """|W theta - y|^2, a sum of squares and not a mean, with W and y from draw(rng, size)."""
    checks.integer("problems", problems, at_least=1)
    checks.integer("dimension", dimension, at_least=1)
    checks.function("draw", draw)

    def sample(rng):
        W = draw(generator(rng), (problems, dimension, dimension))
        y = draw(rng, (problems, dimension, 1))
        return problem(W, y, START * rng.normal(size=(problems, dimension)))

    def loss(params, data, step=0):
        return np.sum((np.matmul(data.x, params["theta"]) - data.y) ** 2, axis=(-2, -1))

    return Optimizee(sample, lambda task: {"theta": np.swapaxes(task.query.x, 1, 2)}, loss)


def diagonal(spectrum, weights):
    """The Task of one quadratic with curvatures `spectrum` (D,), its losses at 0 `weights` (D,)."""
    checks.array("spectrum", spectrum, "D")
    checks.array("weights", weights, "D")
    checks.same_shape("spectrum", spectrum, "weights", weights)
    checks.not_negative("spectrum", spectrum)
    checks.not_negative("weights", weights)
    W, y = numpy.diag(numpy.sqrt(to_host(spectrum) / 2.0)), -numpy.sqrt(to_host(weights))
    return problem(W[None], y[None, :, None], numpy.zeros((1, len(y))))


def logistic(problems=8, inputs=10, examples=50):
    """Linear classifiers: x ~ N(0, I), a true w ~ N(0, I), and labels 1 with odds exp(x w)."""
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("examples", examples, at_least=1)
    init = lambda rng: {"W": START * rng.normal(size=(inputs, 2)), "b": START * rng.normal(size=2)}
    apply = lambda params, x: np.matmul(x, params["W"]) + np.expand_dims(params["b"], -2)

    def draw(rng):
        x = rng.normal(size=(problems, examples, inputs))
        chance = 1.0 / (1.0 + numpy.exp(-x @ rng.normal(size=(problems, inputs, 1))))
        return x, (rng.uniform(size=chance.shape) < chance)[..., 0].astype(int)

    return network_problems(init, apply, problems, draw, examples, classes=2)


def classifier(images, labels, net, problems=1, batch=128):
    """A network on given examples (N, D) with labels (N,), fresh parameters for every problem.

    A step sees `batch` examples. Each problem goes through all of them in an order of its own,
    again and again, and leaves out those at the end that do not fill a batch.
    """
    checks.array("images", images, "N D")
    checks.integers("labels", labels, at_least=0)  # -1 would stand for the last class
    checks.axes("labels", labels, "N")
    checks.functions("net", net, "init", "apply")
    checks.integer("problems", problems, at_least=1)
    checks.integer("batch", batch, at_least=1)
    if not len(labels) == len(images) >= batch:
        raise ValueError(
            f"images and labels must have one length of at least {batch}, the batch; "
            f"they have {len(images)} and {len(labels)}."
        )
    used = len(images) // batch * batch

    def draw(rng):
        order = numpy.stack([rng.permutation(len(images))[:used] for _ in range(problems)])
        return images[order], labels[order]

    classes = int(numpy.max(labels)) + 1
    return network_problems(net.init, net.apply, problems, draw, batch, classes)


def network_problems(init, apply, problems, draw, batch, classes):
    """Classifiers trained on draw(rng) -> x (M, N, D), integer labels (M, N), batch by batch."""
    checks.integer("problems", problems, at_least=1)
    shapes = init(numpy.random.default_rng(0))  # drawn for their shapes alone

    def sample(rng):
        x, labels = draw(generator(rng))
        start = np.stack([flatten(to_device(init(rng))) for _ in range(problems)])  # (M, P)
        return problem(x, numpy.eye(classes)[labels], start)

    def loss(params, data, step=0):
        first = step * batch % data.x.shape[1]
        rows = slice(first, first + batch)
        return cross_entropy(apply(params, data.x[:, rows]), data.y[:, rows])

    return Optimizee(sample, lambda task: like(shapes, task.query.x[:, 0]), loss)


def problem(x, y, start):
    """The Task of problems with data x (M, N, D), y (M, N, C) that start at `start` (M, P)."""
    return to_device(Task(Data(x, y), Data(start[:, None], start[:, None])))
