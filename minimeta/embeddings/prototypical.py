"""Prototypical networks: a class is the mean of its examples, once a network has placed them.

    meta:     theta                                            a network f that embeds examples
    adapt:    c_k = mean of f(x_i) over the examples x_i of class k
    predict:  logit of class k = -|f(x) - c_k|^2
    learn:    min_theta  E_task  cross-entropy of the queries

Nothing is trained within a task, so any number of classes and examples can be asked at test. The
square matters: -|f(x) - c_k|^2 = 2 c_k f(x) - |c_k|^2 - |f(x)|^2, and the last term is the same for
all classes. So the answer is linear in f(x), with weights 2 c_k and biases -|c_k|^2.

    plain        learner(net)
    on a sphere  learner(on_sphere(net))    directions count, lengths do not; the radius is learned
    no network   learner(pixels)            the baseline: means of the images themselves

The other embeddings differ from this one in what they keep of the support and how they compare:

    matching     keeps every example, and weighs their labels by nearness
    siamese      compares with every example by a learned weighting; the nearest decides
    relation     keeps the same means, and a second network compares

Source: Snell, Swersky & Zemel 2017, arXiv:1703.05175.  Lesson prototypes.
"""

import math
from functools import partial

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy
from minimeta.core.trees import check_trainable
from minimeta.nets import Net
from minimeta.tasks import Data

RADIUS = math.sqrt(10.0)  # of a sphere before training; trained ones reach 4 to 6
NOTHING = 1e-30  # added to a squared length, so that an embedding of zeros has a direction: none


def learner(net) -> Learner:
    """Prototypical networks whose embedding is `net`, examples (..., N, D...) -> (..., N, H)."""
    checks.functions("net", net, "init", "apply")
    return Learner(net.init, partial(adapt, net=net), partial(predict, net=net), cross_entropy)


def adapt(meta, support, net):
    """The prototype of each class: (M, C, H)."""
    return class_means(embed_support(meta, support, net), support.y)


def predict(meta, prototypes, x, net):
    """The logits (M, Q, C) of queries x (M, Q, D...)."""
    return -squared_distances(net.apply(meta, x), prototypes)


def embed_support(meta, support, net):
    """The embeddings of the support, (M, S, H); raise in one sentence if something does not fit."""
    check_support(support)
    checks.functions("net", net, "apply")
    check_trainable("meta", meta)
    return net.apply(meta, support.x)


def class_means(h, y):
    """The mean of the embeddings h (M, S, H) of each class of y (M, S, C): (M, C, H)."""
    sums = np.swapaxes(y, -1, -2) @ h
    return sums / np.expand_dims(np.sum(y, axis=-2), -1)


def squared_distances(h, others):
    """|h_q - c_k|^2 = |h_q|^2 - 2 h_q c_k + |c_k|^2: (M, Q, H), (M, K, H) -> (M, Q, K)."""
    of_h = np.sum(h * h, axis=-1, keepdims=True)  # (M, Q, 1)
    of_others = np.expand_dims(np.sum(others * others, axis=-1), -2)  # (M, 1, K)
    return of_h - 2.0 * inner_products(h, others) + of_others


def inner_products(h, others):
    """h_q c_k: (M, Q, H), (M, K, H) -> (M, Q, K)."""
    if np.shape(h)[-1] != np.shape(others)[-1]:
        raise ValueError(
            f"A query has {np.shape(h)[-1]} numbers after embedding, but an example of the support "
            f"has {np.shape(others)[-1]}; both must be of one size."
        )
    return h @ np.swapaxes(others, -1, -2)


def on_sphere(net, radius=None):
    """The Net whose outputs are those of `net`, brought to one length.

    The length is learned unless a radius is given. Its parameters are {"net": those of net,
    "log_radius": ()}, the latter only where it is learned.
    """
    checks.functions("net", net, "init", "apply")
    if radius is not None:
        checks.number("radius", radius, above=0.0)
        return Net(net.init, lambda params, x: radius * directions(net.apply(params, x)))

    def init(rng):
        return {"net": net.init(rng), "log_radius": to_device(numpy.array(math.log(RADIUS)))}

    def apply(params, x):
        return np.exp(params["log_radius"]) * directions(net.apply(params["net"], x))

    return Net(init, apply)


def directions(h):
    """h / |h| over the last axis; zeros where h is zero."""
    return h / np.sqrt(np.sum(h * h, axis=-1, keepdims=True) + NOTHING)


def flat_pixels(params, x):
    """Examples x (M, N, D...) as rows (M, N, D)."""
    return np.reshape(x, (*np.shape(x)[:2], -1))


pixels = Net(lambda rng: {}, flat_pixels)  # no network: nothing to train


def check_support(support):
    """Raise unless support is Data with one-hot targets and an example of every class."""
    if not isinstance(support, Data):
        raise TypeError(f"support must be Data(x, y); it is {checks.describe(support)}.")
    x, y = support
    checks.floats("support.x", x)
    checks.numeric("support.y", y)
    if np.ndim(y) != 3 or y.dtype.kind != "f" or np.shape(y)[:2] != np.shape(x)[:2]:
        raise ValueError(
            "support.y must be one-hot rows (M, S, C) of floats, one for each example of support.x "
            f"{np.shape(x)}; it is {y.dtype} of shape {np.shape(y)}."
        )
    if np.shape(y)[-1] < 2:
        raise ValueError(f"support.y must have two classes or more; its shape is {np.shape(y)}.")
    if checks.readable(y):
        if numpy.any((y != 0.0) & (y != 1.0)) or numpy.any(y.sum(axis=-1) != 1.0):
            raise ValueError("support.y must be one-hot: a single 1 in each row, and zeros.")
        empty = numpy.argwhere(y.sum(axis=-2) == 0.0)
        if len(empty):
            raise ValueError(
                f"The support needs an example of every class; task {empty[0, 0]} has none of "
                f"class {empty[0, 1]}."
            )
