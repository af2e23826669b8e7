"""Siamese networks: learn whether two examples are of one class, then ask the nearest example.

    adapt:    keep f(x_i) and y_i of all examples
    compare:  score of a pair = b + sum_h a_h |f(x) - f(x_i)|_h       log-odds of "the same class"
    predict:  score of a class = the largest score of its examples
    learn:    min_{theta, a, b}  E_task  cross-entropy of "same or not", both equally likely

Against `prototypical`, the question is about two examples, not about one among the classes of an
episode. Its pairs are taken from the episode: each query with the nearest example of each class,
which are all pairs where there is one example a class. As only one pair in N is of one class, the
loss averages over equal and over different pairs first; so chance does not enter b.

    Koch's head     learner(net, width, absolute_difference)
    squared head    learner(net, width)       known at its best: for Gaussian classes the log-odds
                                              are affine in squares (class_gaussians.log_ratio)

Source: Koch, Zemel & Salakhutdinov 2015; their penalty on the weights and their distortions of
images are left out, and the squared head is not theirs.  Lesson few_shot.
"""

from functools import partial

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.embeddings.matching import adapt, by_class, largest
from minimeta.embeddings.prototypical import inner_products


def squared_difference(h, keys, weights):
    """sum_h a_h (f_h - k_h)^2: (M, Q, H), (M, S, H), (H,) -> (M, Q, S)."""
    of_h = np.sum(weights * h * h, axis=-1, keepdims=True)
    of_keys = np.expand_dims(np.sum(weights * keys * keys, axis=-1), -2)
    return of_h - 2.0 * inner_products(weights * h, keys) + of_keys


def absolute_difference(h, keys, weights):
    """sum_h a_h |f_h - k_h|: (M, Q, H), (M, S, H), (H,) -> (M, Q, S)."""
    return np.abs(np.expand_dims(h, -2) - np.expand_dims(keys, -3)) @ weights


def learner(net, width, difference=squared_difference) -> Learner:
    """Siamese networks on the embedding `net`, whose outputs are `width` numbers."""
    checks.functions("net", net, "init", "apply")
    checks.integer("width", width, at_least=1)
    checks.function("difference", difference)
    inner = lambda meta, support: adapt(meta["net"], support, net)
    ask = partial(predict, net=net, difference=difference)
    return Learner(partial(init, net=net, width=width), inner, ask, balanced_cross_entropy)


def init(rng, net, width):
    """A fresh network, and a head whose scores begin near 0: a = -1 / H, b = 1."""
    head = {"a": numpy.full(width, -1.0 / width), "b": numpy.array(1.0)}
    return {"net": net.init(rng), "head": to_device(head)}


def predict(meta, state, x, net, difference):
    """The score (M, Q, C) of each class: the log-odds that a query is of its nearest example."""
    h, a = net.apply(meta["net"], x), meta["head"]["a"]
    if np.shape(h)[-1] != np.shape(a)[-1]:
        raise ValueError(
            f"width must be that of the embedding, {np.shape(h)[-1]}; it is {np.shape(a)[-1]}."
        )
    pairs = difference(h, state["keys"], a)
    return meta["head"]["b"] + by_class(pairs, state["labels"], largest)


def balanced_cross_entropy(scores, labels):
    """The cross-entropy of "same or not", both equally likely: (..., N, C) twice -> (...)."""
    check_scores(scores, labels)
    other = (1.0 - labels) / (np.shape(labels)[-1] - 1)
    return np.mean(np.sum((labels + other) / 2.0 * surprise(scores, labels), axis=-1), axis=-1)


def surprise(scores, labels):
    """-log sigmoid(score) where the label is 1, -log(1 - sigmoid(score)) where it is 0."""
    return np.logaddexp(0.0, (1.0 - 2.0 * labels) * scores)


def check_scores(scores, labels):
    """Raise unless there is a one-hot row of floats for each row of scores."""
    checks.floats("scores", scores)
    checks.array("labels", labels, "... N C")
    checks.same_shape("scores", scores, "labels", labels)
