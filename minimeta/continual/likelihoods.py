"""The distribution of y given a network's outputs, for classification and for regression.

    categorical            p(y) = softmax(outputs)[y]         information  diag p - p p'
    gaussian(variance)     y ~ N(outputs, variance I)         information  I / variance

The information of the outputs is represented by roots E_k, (K, N, C): it is the sum of E_k E_k'.
"""

from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device, to_host
from minimeta.core.losses import cross_entropy, mse, softmax
from minimeta.core.runs.sending import reduce_record


class Likelihood(NamedTuple):
    """p(y | outputs): the parts that learning and the Fisher information need."""

    loss: Callable  # outputs (..., N, C), y -> the mean of -log p(y), up to a constant: (...)
    roots: Callable  # outputs (N, C) -> E (K, N, C)
    sample: Callable  # rng, outputs (N, C) -> y
    guess: Callable  # outputs (N, C) -> the loss of uniform guessing; inf if y has no uniform law

    __reduce__ = reduce_record  # so that it can be sent to another process


def gaussian(noise_variance):
    """y (N, C) ~ N(outputs, noise_variance I)."""
    checks.number("noise_variance", noise_variance, above=0.0)
    deviation = noise_variance**0.5

    def roots(outputs):
        C = outputs.shape[-1]
        return np.broadcast_to(np.eye(C)[:, None, :] / deviation, (C, *outputs.shape))

    def sample(rng, outputs):
        return outputs + to_device(rng.normal(scale=deviation, size=outputs.shape))

    loss = lambda outputs, y: mse(outputs, y) * (outputs.shape[-1] / (2.0 * noise_variance))
    return Likelihood(loss, roots, sample, lambda outputs: numpy.inf)


def label_roots(outputs):
    """sqrt(p_k) (e_k - p), (C, N, C): label k has probability p_k and gradient p - e_k."""
    p = softmax(outputs)  # (N, C)
    gradients = np.eye(p.shape[-1])[:, None, :] - p  # (C, N, C)
    return np.sqrt(np.transpose(p))[..., None] * gradients


def draw_labels(rng, outputs):
    """One label for every row of outputs, with the probabilities of its softmax: (N,)."""
    below = numpy.cumsum(to_host(softmax(outputs)), axis=-1)  # (N, C): the chance of a label <= c
    return to_device(numpy.sum(below[:, :-1] < rng.random((len(below), 1)), axis=-1))


categorical = Likelihood(
    cross_entropy, label_roots, draw_labels, lambda outputs: numpy.log(outputs.shape[-1])
)
