"""Losses: means over the examples of a task, never over tasks, so (M, N, C) gives (M,).

    mse            sum (prediction - target)^2 / (N C)        no factor 1/2
    cross_entropy  -sum labels log softmax(logits) / N        labels are one-hot rows
    accuracy       the fraction of examples whose largest logit is the label's

Sum or mean decides the inner step of every gradient-based learner: with a mean, the step does not
grow with the number of shots.

Each loss is a primitive, and the gradient of each primitive is written in the others, so that it
can be differentiated to any order:

    mean_square(e)                       gradient in e: scale(g, e, 2 / (N C))
    negative_log_likelihood(logits, y)   in logits: scale(g, residual(logits, y), 1 / N)
    scale(g, e, c) = c g e               its adjoint in g: inner(q, e, c)    in e: scale(g, q, c)
    inner(q, e, c) = c sum q e           its adjoint in q: scale(h, e, c)    in e: scale(h, q, c)
    softmax(x) = y                       softmax_gradient(g, y) = y (g - sum g y), adjoint to itself
"""

import math

import numpy
from autograd.extend import defvjp

from minimeta.core import checks
from minimeta.core.backend import np, primitive


@primitive
def mean_square(e):
    """sum e^2 / (N C): (..., N, C) -> (...)."""
    N, C = e.shape[-2:]
    return numpy.einsum("...nc,...nc->...", e, e) / (N * C)


def mse(prediction, target):
    """Mean squared error per task, sum (prediction - target)^2 / (N C): (..., N, C) -> (...)."""
    checks.floats("prediction", prediction)
    checks.floats("target", target)
    if prediction.shape != target.shape or prediction.ndim < 2 or not prediction.size:
        checks.axes("prediction", prediction, "... N C")
        checks.same_shape("prediction", prediction, "target", target)
        _check_examples(prediction)
    return mean_square(prediction - target)


def _are_tame(x):
    """Whether all numbers are so far from the largest float that no difference overflows.

    Of minus infinity and NaN they are not. A GPU is not stopped to ask: there the answer is no.
    """
    return isinstance(x, numpy.ndarray) and math.isfinite(numpy.vdot(x, x))


def _shift(x, tame):
    """x less its largest number, so that exp does not overflow; what is too far below is -inf."""
    if tame:
        return x - x.max(axis=-1, keepdims=True)
    with numpy.errstate(over="ignore"):
        return x - x.max(axis=-1, keepdims=True)


def _log_softmax(x, tame):
    y = _shift(x, tame)
    total = _sum_classes(numpy.exp(y))
    y -= numpy.log(total, out=total)
    return y


@primitive
def negative_log_likelihood(logits, labels):
    """-sum labels log softmax(logits) / N, for one-hot rows: (..., N, C) twice -> (...)."""
    N, tame = logits.shape[-2], _are_tame(logits)
    log_p = _log_softmax(logits, tame)
    if not tame:  # a class without probability adds 0 where it is not the label
        log_p = numpy.where(labels == 0, 0, log_p)
    return numpy.einsum("...nc,...nc->...", labels, log_p) * (-1 / N)


def cross_entropy(logits, labels):
    """Negative log-likelihood per task, -sum labels log softmax(logits) / N: (..., N, C) -> (...).

    Labels are one-hot rows (..., N, C), or integers (..., N) in 0..C-1 that stand for them. Exact
    for logits of any size. A logit of minus infinity rules its class out: it then adds nothing,
    unless it is the label, whose loss is infinite.
    """
    if _are_integers(logits, labels):
        labels = one_hot(labels, logits.shape[-1], logits.dtype)
    return negative_log_likelihood(logits, labels)


def accuracy(logits, labels):
    """Fraction right per task: logits (..., N, C), labels as for cross_entropy -> (...).

    It is NaN for a task that has a NaN among its logits: no class is the largest then.
    """
    if _are_integers(logits, labels):
        _check_range(labels, np.shape(logits)[-1])
    else:
        labels = np.argmax(labels, axis=-1)
    right = (np.argmax(logits, axis=-1) == labels).astype(logits.dtype)  # (..., N)
    unknown = np.any(np.isnan(logits), axis=-1)
    return np.mean(np.where(unknown, np.nan, right), axis=-1)


# The gradients of the losses.


@primitive
def scale(g, e, factor):
    """factor g e, one g for each task: (...), (..., N, C) -> (..., N, C)."""
    return (g * factor)[..., None, None] * e


@primitive
def inner(q, e, factor):
    """factor sum(q e) for each task: (..., N, C), (..., N, C) -> (...)."""
    return numpy.einsum("...nc,...nc->...", q, e) * factor


@primitive
def residual(logits, labels):
    """softmax(logits) sum(labels) - labels, with sums over classes: (..., N, C) -> (..., N, C)."""
    r = _softmax(logits)
    r *= _sum_classes(labels)
    r -= labels
    return r


def _softmax(x):
    y = _shift(x, _are_tame(x))
    numpy.exp(y, out=y)
    y /= _sum_classes(y)
    return y


def _sum_classes(x):
    return numpy.einsum("...c->...", x)[..., None]  # on few classes four times as fast as x.sum


@primitive
def softmax(x):
    """exp(x) / sum(exp(x)) over the last axis, of values of any size."""
    return _softmax(x)


@primitive
def log_softmax(x):
    """log(exp(x) / sum(exp(x))) over the last axis, of values of any size."""
    return _log_softmax(x, _are_tame(x))


@primitive
def softmax_gradient(g, y):
    """y (g - sum(g y)) over the last axis: the gradient of sum(g softmax) where softmax is y."""
    gradient = g - numpy.einsum("...c,...c->...", g, y)[..., None]
    gradient *= y
    return gradient


def _softmax_curvature(q, g, y):
    """The gradient of sum(q softmax_gradient(g, y)) in y."""
    return q * (g - _total(g * y)) - g * _total(q * y)


def _total(x):
    return np.sum(x, axis=-1, keepdims=True)  # _sum_classes, but differentiable


defvjp(mean_square, lambda ans, e: lambda g: scale(g, e, 2 / (e.shape[-2] * e.shape[-1])))
defvjp(
    negative_log_likelihood,
    lambda ans, l, y: lambda g: scale(g, residual(l, y), 1 / l.shape[-2]),
    lambda ans, l, y: lambda g: scale(g, log_softmax(l), -1 / l.shape[-2]),
)
defvjp(
    scale,
    lambda ans, g, e, factor: lambda q: inner(q, e, factor),
    lambda ans, g, e, factor: lambda q: scale(g, q, factor),
)
defvjp(
    inner,
    lambda ans, q, e, factor: lambda h: scale(h, e, factor),
    lambda ans, q, e, factor: lambda h: scale(h, q, factor),
)
defvjp(
    residual,
    lambda ans, l, y: lambda q: softmax_gradient(q * _total(y), softmax(l)),
    lambda ans, l, y: lambda q: _total(q * softmax(l)) - q,
)
defvjp(softmax, lambda ans, x: lambda g: softmax_gradient(g, ans))
defvjp(
    softmax_gradient,
    lambda ans, g, y: lambda q: softmax_gradient(q, y),
    lambda ans, g, y: lambda q: _softmax_curvature(q, g, y),
)
defvjp(log_softmax, lambda ans, x: lambda g: g - np.exp(ans) * _total(g))


@primitive
def one_hot(labels, classes, dtype=None):
    """Integer labels (...) -> rows (..., classes) of the current float type, without a gradient."""
    _check_range(labels, classes)  # here, in a primitive, a replayed loss refuses them too
    return np.eye(classes, dtype=dtype)[labels]


defvjp(one_hot, None)


def _are_integers(logits, labels):
    """Whether the labels are integers (True) or one-hot rows (False); raise if they are neither."""
    checks.floats("logits", logits)
    checks.numeric("labels", labels)
    if logits.ndim < 2 or not logits.size:
        checks.axes("logits", logits, "... N C")
        _check_examples(logits)
    if labels.shape == logits.shape and labels.dtype.kind == "f":
        return False
    if labels.shape != logits.shape[:-1] or labels.dtype.kind not in "iu":
        raise ValueError(
            "labels must be integers of shape (..., N) or float one-hot rows of shape (..., N, C) "
            f"for logits of shape {np.shape(logits)}; "
            f"they are {labels.dtype} of shape {np.shape(labels)}."
        )
    return True


def _check_range(labels, classes):
    """Host labels only: looking at values on a GPU would stop it."""
    if isinstance(labels, numpy.ndarray) and not (0 <= labels.min() and labels.max() < classes):
        raise ValueError(
            f"labels must lie in 0..{classes - 1}; "
            f"they reach from {labels.min()} to {labels.max()}."
        )


def _check_examples(values):
    if 0 in np.shape(values):
        raise ValueError(f"A loss needs at least one example; the shape is {np.shape(values)}.")
