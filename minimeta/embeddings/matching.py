"""Matching networks: every example of the support gives its label, weighted by its nearness.

    adapt:    keep f(x_i) and y_i of all examples
    predict:  y = sum_i a_i y_i,    a = softmax over i of t cos(f(x), f(x_i))
    learn:    min_{theta, t}  E_task  cross-entropy of the queries

Against `prototypical`, examples are averaged after they were compared, not before. The paper has no
t, that is t = 1. But a cosine is at most 1, so the weights then stay nearly equal, and the loss of
N classes with one example each cannot go below `cosine_bound(N)`, however good the embedding. Here
1/t is called the temperature, and it is learned: t = r^2 is the squared radius of a sphere.

    learned temperature   learner(net)
    of the paper          learner(net, temperature=1.0)
    any other nearness    kernel_learner(net, similarity)
    nearest neighbour     nearest_neighbour()          the baseline: the nearest example decides

The logit of a class is log sum_{i of the class} exp(similarity_i), whose softmax is the y above.

Source: Vinyals et al. 2016, arXiv:1606.04080; its full-context embeddings are in `full_context`.
Lesson few_shot.
"""

import math
from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy
from minimeta.embeddings.prototypical import embed_support, inner_products, on_sphere, pixels


def learner(net, temperature=None) -> Learner:
    """Matching networks by cosine; the temperature is learned unless one is given."""
    if temperature is not None:
        checks.number("temperature", temperature, above=0.0)
    radius = None if temperature is None else temperature**-0.5
    return kernel_learner(on_sphere(net, radius), inner_products)


def kernel_learner(net, similarity):
    """Matching by any similarity(h, keys), (M, Q, H), (M, S, H) -> (M, Q, S)."""
    checks.functions("net", net, "init", "apply")
    checks.function("similarity", similarity)
    ask = partial(predict, net=net, similarity=similarity)
    return Learner(net.init, partial(adapt, net=net), ask, cross_entropy)


def nearest_neighbour(net=pixels):
    """The class of the example with the largest cosine, by default between the images as such."""
    net = on_sphere(net, radius=1.0)
    ask = partial(predict, net=net, similarity=inner_products, pool=largest)
    return Learner(net.init, partial(adapt, net=net), ask, cross_entropy)


def adapt(meta, support, net):
    """The embeddings (M, S, H) and labels (M, S, C) of all examples."""
    return {"keys": embed_support(meta, support, net), "labels": support.y}


def log_sum_exp(scores):
    """log sum exp over the last axis, of values of any size, some of them minus infinity."""
    most = np.max(scores, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(scores - most), axis=-1)) + most[..., 0]


def largest(scores):
    """The largest over the last axis."""
    return np.max(scores, axis=-1)


def predict(meta, state, x, net, similarity, pool=log_sum_exp):
    """The logits (M, Q, C) of queries x (M, Q, D...)."""
    return by_class(similarity(net.apply(meta, x), state["keys"]), state["labels"], pool)


def by_class(scores, labels, pool):
    """The scores (M, Q, S) of examples, pooled over those of each class: (M, Q, C)."""
    S, C = np.shape(labels)[-2:]
    if S == C:  # a single example of each class: there is nothing to pool
        return scores @ labels
    rows = np.swapaxes(labels, -1, -2) > 0.0  # (M, C, S)
    return np.stack(
        [pool(np.where(rows[:, k, None], scores, -math.inf)) for k in range(C)], axis=-1
    )


def cosine_bound(ways, temperature=1.0):
    """The least cross-entropy of N classes with one example each: ln(1 + (N-1) e^(-N/(N-1)/T)).

    A class can have the cosine 1 with its own example, and then at best -1/(N-1) with the others:
    the corners of a regular simplex, which needs N - 1 dimensions. N = 5 gives 0.7636, N = 20 gives
    2.0323, where guessing gives ln 20 = 2.996.
    """
    checks.integer("ways", ways, at_least=2)
    checks.number("temperature", temperature, above=0.0)
    gap = 1.0 + 1.0 / (ways - 1)  # between the cosines
    return math.log1p((ways - 1) * math.exp(-gap / temperature))
