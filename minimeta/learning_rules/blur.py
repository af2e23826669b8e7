"""BLUR: neurons and synapses of several states, and one small genome that says how they mix.

A neuron has k states a^0 ... a^{k-1}, and so has a synapse between two neurons, w^0 ... w^{k-1},
where a network has two: its own weights, k copies of one matrix at first.

    forward     z^d = sum_c (a^c nu[c, d]) w^d        a^0 <- tanh(z^0),   a^d <- 1 - tanh^2(z^d)
    feedback    in the last layer a^0 <- z^0, the logits, and a^d <- softmax(z^0) - y
    backward    a^d <- a^d * sum_c (next a^c mu[c, d]) (w^d)'             d >= 1, hidden layers
    update      w^o <- w^o - rate * mean over the batch of (a pre[:, o]) (next a post[:, o])'

Here a is (N, n) for the n neurons of a layer and N examples, rates are for each weight state. The
genome, *meta*, is nu, mu, pre and post, (k, k) each, and says nothing about a network's size.

*Backpropagation is a genome*: nu[0, :] = 1, mu[1, :] = 1, pre[0, :] = 1, post[1, :] = 1. Then z is
that of the network, a^1 begins as the derivative of tanh and becomes the gradient in z, and every
copy of a weight moves by the product of what came in and of the gradient. A genome near it is in
general no gradient: `theorems.learning_rules` finds that its Jacobian is not symmetric.

Source: Sandler et al. 2021, arXiv:2104.04657, equations 4 to 7, with the derivative as the second
state's activation, as their `multiplicative_second_state` has it, and the mean over a batch, where
their code takes the sum.  Lesson learning_rules.
"""

from functools import partial

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy, softmax

MATRICES = ("nu", "mu", "pre", "post")


def learner(sizes, weights, batch=8, states=2, rate=0.5) -> Learner:
    """A network of these sizes, trained from `weights` by a genome, which is what is learned.

    Its support is read once, in batches of `batch` examples. weights are those of `fresh`; a fresh
    genome is backpropagation with this rate.
    """
    checks.widths("sizes", sizes, at_least=2)
    checks.integer("batch", batch, at_least=1)
    check_weights(weights, sizes)
    begin = lambda rng: backpropagation(states, rate)
    return Learner(begin, partial(adapt, weights=weights, batch=batch), predict, cross_entropy)


def backpropagation(states=2, rate=0.5):
    """The genome that is gradient descent on the cross-entropy, with this step size."""
    checks.integer("states", states, at_least=2)
    checks.number("rate", rate, above=0.0)
    first, second = numpy.eye(states)[:2, :, None] * numpy.ones(states)  # rows 0 and 1 of ones
    genome = {"nu": first, "mu": second, "pre": first, "post": second}
    return to_device({**genome, "log_rate": numpy.full(states, numpy.log(rate))})


def fresh(rng, sizes, states=2, tasks=None, scale=1.0):
    """Weights N(0, scale^2 / n) of a network, k equal copies: (k, n, m) each, or (M, k, n, m)."""
    checks.generator("rng", rng)
    checks.widths("sizes", sizes, at_least=2)
    checks.integer("states", states, at_least=2)
    front = () if tasks is None else (tasks,)
    pairs = list(zip(sizes[:-1], sizes[1:]))
    once = [rng.normal(scale=scale * n**-0.5, size=(*front, 1, n, m)) for n, m in pairs]
    return to_device([numpy.repeat(w, states, axis=-3) for w in once])


def adapt(genome, support, weights, batch):
    """The weights after one pass through the support x (M, S, D), y (M, S, C), batch by batch."""
    x, y = support
    checks.array("support.x", x, "M S D")
    checks.array("support.y", y, "M S C")
    S = np.shape(x)[1]
    if S % batch:
        raise ValueError(f"The support must be whole batches of {batch}; it has {S} examples.")
    weights = [np.broadcast_to(w, (len(x), *np.shape(w)[-3:])) for w in weights]
    for t in range(0, S, batch):
        weights = step(genome, weights, x[:, t : t + batch], y[:, t : t + batch])
    return weights


def predict(genome, weights, x):
    """The logits (M, Q, C) of the network with these weights: state 0 of the last layer."""
    return forward(genome, weights, x)[-1][..., 0, :, :]


def step(genome, weights, x, y):
    """The weights after one batch x (M, N, D), y (M, N, C): forward, feedback, backward, update."""
    layers = forward(genome, weights, x)
    layers[-1] = give_feedback(layers[-1], y)
    for below in range(len(layers) - 2, 0, -1):  # the last hidden layer first
        layers[below] = backward(genome, layers[below], layers[below + 1], weights[below])
    return [update(genome, *three) for three in zip(weights, layers[:-1], layers[1:])]


def forward(genome, weights, x):
    """The states of every layer, (M, k, N, n) each: the inputs first, the logits last."""
    k = np.shape(genome["nu"])[-1]
    x = np.expand_dims(x, -3)
    layers = [np.concatenate([x] + [np.zeros_like(x)] * (k - 1), axis=-3)]
    for w in weights:
        z = np.matmul(mix(layers[-1], genome["nu"]), w)
        layers.append(z if w is weights[-1] else activate(z))
    return layers


def activate(z):
    """tanh(z^0) as the first state, and the derivative 1 - tanh(z^d)^2 as the d-th."""
    y = np.tanh(z)
    return np.concatenate([y[..., :1, :, :], 1.0 - y[..., 1:, :, :] ** 2], axis=-3)


def give_feedback(z, y):
    """The last layer's states: its logits, and their gradient softmax - y in all the others."""
    logits = z[..., :1, :, :]
    error = softmax(logits) - np.expand_dims(y, -3)
    return np.concatenate([logits] + [error] * (np.shape(z)[-3] - 1), axis=-3)


def backward(genome, a, after, w):
    """The states a of a layer after what the next layer says about them."""
    said = np.matmul(mix(after, genome["mu"]), np.swapaxes(w, -1, -2))
    return np.concatenate([a[..., :1, :, :], a[..., 1:, :, :] * said[..., 1:, :, :]], axis=-3)


def update(genome, w, a, after):
    """The weights between two layers, moved by the products of what both ends say."""
    pre, post = mix(a, genome["pre"]), mix(after, genome["post"])
    change = np.matmul(np.swapaxes(pre, -1, -2), post) / np.shape(a)[-2]
    rate = np.exp(genome["log_rate"])[..., None, None]
    return w - rate * change


def mix(a, matrix):
    """New states sum_c a^c matrix[c, d] of states (M, k, N, n) and a matrix (k, k) or (M, k, k)."""
    rows = np.reshape(a, (*np.shape(a)[:-2], -1))
    return np.reshape(np.matmul(np.swapaxes(matrix, -1, -2), rows), np.shape(a))


def check_weights(weights, sizes):
    """Raise unless these are the weights of a network of these sizes."""
    shapes = [np.shape(w)[-2:] for w in weights]
    if shapes != list(zip(sizes[:-1], sizes[1:])):
        raise ValueError(f"weights must be those of sizes {list(sizes)}; they are {shapes}.")
