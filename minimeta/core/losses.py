"""Losses: means over the examples of a task, never over tasks, so (M, N, C) gives (M,).

    mse            mean over examples and outputs of (prediction - target)^2        no factor 1/2
    cross_entropy  mean over examples of -log softmax(logits)[label]
    accuracy       the fraction of examples whose largest logit is the label's

Sum or mean decides the inner step of every gradient-based learner: with a mean, the step does not
grow with the number of shots.
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
    return np.mean((prediction - target) ** 2, axis=(-2, -1))


def cross_entropy(logits, labels):
    """Mean negative log-likelihood per task: logits (..., N, C) -> (...).

    Labels are integers (..., N) in 0..C-1 or one-hot rows (..., N, C). Exact for logits of any size.
    """
    targets = one_hot(labels, np.shape(logits)[-1]) if _are_integers(logits, labels) else labels
    return -np.mean(np.sum(targets * log_softmax(logits), axis=-1), axis=-1)


def accuracy(logits, labels):
    """Fraction right per task: logits (..., N, C), labels as for cross_entropy -> (...)."""
    if not _are_integers(logits, labels):
        labels = np.argmax(labels, axis=-1)
    return np.mean(1.0 * (np.argmax(logits, axis=-1) == labels), axis=-1)


def log_softmax(logits):
    """log(exp(l) / sum(exp(l))) over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


@primitive
def one_hot(labels, classes):
    """Integer labels (...) -> rows (..., classes) of the current float type. Its slope is zero."""
    return 1.0 * (labels[..., None] == np.arange(classes))


defvjp(one_hot, None)


def _are_integers(logits, labels):
    """Whether the labels are integers (True) or one-hot rows (False); raise if they are neither."""
    checks.axes("logits", logits, "... N C")
    _some_examples(logits)
    if np.shape(labels) == np.shape(logits) and labels.dtype.kind == "f":
        return False
    if np.shape(labels) != np.shape(logits)[:-1] or labels.dtype.kind not in "iu":
        raise ValueError(
            "labels must be integers of shape (..., N) or float one-hot rows of shape (..., N, C) for "
            f"logits of shape {np.shape(logits)}; they are {labels.dtype} of shape {np.shape(labels)}."
        )
    _in_range(labels, np.shape(logits)[-1])
    return True


def _in_range(labels, classes):
    """Host labels only: looking at values on a GPU would stop it."""
    if isinstance(labels, numpy.ndarray) and not (0 <= labels.min() and labels.max() < classes):
        raise ValueError(
            f"labels must lie in 0..{classes - 1}; they reach from {labels.min()} to {labels.max()}."
        )


def _some_examples(values):
    if 0 in np.shape(values):
        raise ValueError(f"A loss needs at least one example; the shape is {np.shape(values)}.")
