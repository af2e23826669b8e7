"""Losses: means over the examples of a task, never over tasks, so (M, N, C) gives (M,).

    mse            mean over examples and outputs of (prediction - target)^2        no factor 1/2
    cross_entropy  mean over examples of -log softmax(logits)[label]
    accuracy       the fraction of examples whose largest logit is the label's

Sum or mean decides the inner step of every gradient-based learner: with a mean, the step does not
grow with the number of shots.

Each loss is a primitive; the derivative of each primitive is written in the others, for any order:

    mean_square(e)               slope in e: scaled(g, e, 2/NC)
    likelihood(logits, targets)  slope in logits: scaled(g, surprise(logits, targets), 1/N)
    scaled(g, e, c) = c g e      adjoint in g: inner(q, e, c)            in e: scaled(g, q, c)
    inner(q, e, c) = c sum q e   adjoint in q: scaled(h, e, c)           in e: scaled(h, q, c)
    softmax(x) = y               slope: softmax_slope(g, y) = y (g - sum gy), its own adjoint in g
"""

import numpy
from autograd.extend import defvjp, primitive

from minimeta.core import checks
from minimeta.core.backend import np


def mse(prediction, target):
    """Mean squared error per task: (..., N, C) and (..., N, C) -> (...)."""
    checks.axes("prediction", prediction, "... N C")
    checks.same_shape("prediction", prediction, "target", target)
    _some_examples(prediction)
    return mean_square(prediction - target)


def cross_entropy(logits, labels):
    """Mean negative log-likelihood per task: logits (..., N, C) -> (...).

    Labels are integers (..., N) in 0..C-1 or one-hot rows (..., N, C). Exact for logits of any
    size.
    """
    if _are_integers(logits, labels):
        labels = one_hot(labels, logits.shape[-1], logits.dtype)
    return likelihood(logits, labels)


def accuracy(logits, labels):
    """Fraction right per task: logits (..., N, C), labels as for cross_entropy -> (...)."""
    if _are_integers(logits, labels):
        _in_range(labels, np.shape(logits)[-1])
    else:
        labels = np.argmax(labels, axis=-1)
    right = np.argmax(logits, axis=-1) == labels  # (..., N)
    return np.mean(right.astype(logits.dtype), axis=-1)


@primitive
def mean_square(e):
    """The mean of e^2 over the last two axes: (..., N, C) -> (...)."""
    return numpy.einsum("...nc,...nc->...", e, e) / (e.shape[-2] * e.shape[-1])


@primitive
def scaled(g, e, factor):
    """factor g e, one g for each task: (...), (..., N, C) -> (..., N, C)."""
    return (g * factor)[..., None, None] * e


@primitive
def inner(q, e, factor):
    """factor sum(q e) for each task: (..., N, C), (..., N, C) -> (...)."""
    return numpy.einsum("...nc,...nc->...", q, e) * factor


defvjp(mean_square, lambda ans, e: lambda g: scaled(g, e, 2 / (e.shape[-2] * e.shape[-1])))
defvjp(
    scaled,
    lambda ans, g, e, factor: lambda q: inner(q, e, factor),
    lambda ans, g, e, factor: lambda q: scaled(g, q, factor),
)
defvjp(
    inner,
    lambda ans, q, e, factor: lambda h: scaled(h, e, factor),
    lambda ans, q, e, factor: lambda h: scaled(h, q, factor),
)


@primitive
def likelihood(logits, targets):
    """The mean over examples of -sum(targets log softmax(logits)): (..., N, C) twice -> (...)."""
    total = numpy.einsum("...nc,...nc->...", targets, _log_softmax(logits))
    return total * (-1 / logits.shape[-2])


@primitive
def surprise(logits, targets):
    """softmax(logits) - targets, for targets that sum to one: (..., N, C) twice -> (..., N, C)."""
    error = _softmax(logits)
    error *= _sum_classes(targets)
    error -= targets
    return error


@primitive
def softmax(x):
    """exp(x) / sum(exp(x)) over the last axis, of values of any size."""
    return _softmax(x)


@primitive
def softmax_slope(g, y):
    """y (g - sum(g y)) over the last axis: the slope of softmax where its value is y."""
    slope = g - numpy.einsum("...c,...c->...", g, y)[..., None]
    slope *= y
    return slope


@primitive
def log_softmax(x):
    """log(exp(x) / sum(exp(x))) over the last axis, of values of any size."""
    return _log_softmax(x)


def _softmax_curve(q, g, y):
    """The slope of sum(q softmax_slope(g, y)) in y."""
    return q * (g - _over_classes(g * y)) - g * _over_classes(q * y)


def _over_classes(x):
    return np.sum(x, axis=-1, keepdims=True)


defvjp(
    likelihood,
    lambda ans, l, t: lambda g: scaled(g, surprise(l, t), 1 / l.shape[-2]),
    lambda ans, l, t: lambda g: scaled(g, log_softmax(l), -1 / l.shape[-2]),
)
defvjp(
    surprise,
    lambda ans, l, t: lambda q: softmax_slope(q * _over_classes(t), softmax(l)),
    lambda ans, l, t: lambda q: _over_classes(q * softmax(l)) - q,
)
defvjp(softmax, lambda ans, x: lambda g: softmax_slope(g, ans))
defvjp(
    softmax_slope,
    lambda ans, g, y: lambda q: softmax_slope(q, y),
    lambda ans, g, y: lambda q: _softmax_curve(q, g, y),
)
defvjp(log_softmax, lambda ans, x: lambda g: g - np.exp(ans) * _over_classes(g))


@primitive
def one_hot(labels, classes, dtype=None):
    """Integer labels (...) -> rows (..., classes), of the current float type. Its slope is zero."""
    _in_range(labels, classes)  # here, in a primitive, a replayed loss refuses them too
    return np.eye(classes, dtype=dtype)[labels]


defvjp(one_hot, None)


def _softmax(x):
    """On plain arrays. Shifted by the maximum, so that nothing overflows."""
    y = x - x.max(axis=-1, keepdims=True)
    numpy.exp(y, out=y)
    y /= _sum_classes(y)
    return y


def _log_softmax(x):
    y = x - x.max(axis=-1, keepdims=True)
    y -= numpy.log(_sum_classes(numpy.exp(y)))
    return y


def _sum_classes(x):
    return numpy.einsum("...c->...", x)[..., None]  # on few classes four times as fast as x.sum


def _are_integers(logits, labels):
    """Whether the labels are integers (True) or one-hot rows (False); raise if they are neither."""
    checks.axes("logits", logits, "... N C")
    _some_examples(logits)
    if np.shape(labels) == np.shape(logits) and labels.dtype.kind == "f":
        return False
    if np.shape(labels) != np.shape(logits)[:-1] or labels.dtype.kind not in "iu":
        raise ValueError(
            "labels must be integers of shape (..., N) or float one-hot rows of shape (..., N, C) "
            f"for logits of shape {np.shape(logits)}; "
            f"they are {labels.dtype} of shape {np.shape(labels)}."
        )
    return True


def _in_range(labels, classes):
    """Host labels only: looking at values on a GPU would stop it."""
    if isinstance(labels, numpy.ndarray) and not (0 <= labels.min() and labels.max() < classes):
        raise ValueError(
            f"labels must lie in 0..{classes - 1}; "
            f"they reach from {labels.min()} to {labels.max()}."
        )


def _some_examples(values):
    if 0 in np.shape(values):
        raise ValueError(f"A loss needs at least one example; the shape is {np.shape(values)}.")
