"""Theorems on the Fisher information: what it is, how to get it, and what is taken for it.

Small networks have theirs written out label by label (exact/fisher_information.py).
"""

import itertools

import numpy

from minimeta.continual import fisher
from minimeta.continual.likelihoods import gaussian
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy
from minimeta.core.trees import flatten, like, tree_map
from minimeta.exact import fisher_information
from minimeta.nets import mlp
from minimeta.tasks import Data
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import KIRKPATRICK, LINE, full_fisher, has_mean, hessian

MARTENS = "Martens 2014"
VARIANTS = "van de Ven 2025, arXiv:2502.11756"
NOISE = 0.3


def classifier(sizes=(3, 4, 3), examples=6):
    """A small tanh network, its parameters, and examples with labels."""
    rng = numpy.random.default_rng(3)
    net = mlp(list(sizes), activation=np.tanh)
    data = Data(rng.normal(size=(examples, sizes[0])), rng.integers(sizes[-1], size=examples))
    theta = [{"W": p["W"], "b": rng.normal(size=p["b"].shape)} for p in net.init(rng)]
    return net, theta, data


def label_gradients(net, theta, x):
    """p_k and g_k of softmax regression for every x and label k: (N, C) and (N, C, P)."""
    p = numpy.stack([numpy.exp(f) / numpy.exp(f).sum() for f in net.apply(theta, x)])
    out = numpy.eye(p.shape[1]) - p[:, None, :]  # (N, C, C)
    inputs = numpy.concatenate([x, numpy.ones((len(x), 1))], axis=1)
    return p, numpy.stack([[numpy.kron(r, e) for e in rows] for r, rows in zip(inputs, out)])


@theorem(lesson="forgetting", source=MARTENS)
def fisher_is_the_expected_hessian():
    """The Fisher information is the Hessian of the loss expected under the model."""
    net, theta, data = classifier()
    f = net.apply(theta, data.x)
    p = numpy.exp(f) / numpy.exp(f).sum(axis=1, keepdims=True)
    expected = hessian(lambda t: cross_entropy(net.apply(t, data.x), p), theta)
    return Claim(full_fisher(theta, data, net), expected, tolerance=1e-12)


@theorem(lesson="forgetting", source=KIRKPATRICK)
def one_hidden_layer_by_brute_force():
    """The Fisher information of a tanh network is the one summed label by label."""
    net, theta, data = classifier()
    exact = fisher_information.one_hidden_layer(theta, data.x)
    return Claim(full_fisher(theta, data, net), exact, tolerance=1e-13)


@theorem(lesson="forgetting", source="Goodfellow 2015")
def diagonal_in_one_pass():
    """The diagonal is the mean of squared inputs times squared gradients of each layer's output.

    No gradient of a single example is needed.
    """
    net, theta, data = classifier()
    exact = numpy.diag(fisher_information.one_hidden_layer(theta, data.x))
    return Claim(flatten(fisher.exact(theta, data, net)), exact, tolerance=1e-13)


@theorem(lesson="forgetting", source=MARTENS)
def softmax_regression():
    """For softmax regression F is the mean of (diag p - p p') kron x x', whatever the labels."""
    net, theta, data = classifier((3, 4))
    information = fisher_information.softmax_information(net.apply(theta, data.x))
    exact = fisher_information.one_layer(data.x, information)
    return Claim(full_fisher(theta, data, net), exact, tolerance=1e-13)


@theorem(lesson="forgetting", source=KIRKPATRICK)
def softmax_diagonal():
    """For softmax regression the diagonal of F is the mean of p (1 - p) x^2."""
    net, theta, data = classifier((3, 4))
    p, _ = label_gradients(net, theta, data.x)
    exact = (data.x**2).T @ (p * (1 - p)) / len(p)
    return Claim(fisher.exact(theta, data, net)[0]["W"], exact, tolerance=1e-13)


@theorem(lesson="forgetting", source="Fisher 1922")
def linear_regression():
    """For least squares F is X'X / (N s^2), whatever the weights are."""
    net, theta, data = classifier((3, 2))
    information = numpy.stack(len(data.x) * [numpy.eye(2) / NOISE])
    exact = fisher_information.one_layer(data.x, information)
    return Claim(full_fisher(theta, data, net, gaussian(NOISE)), exact, tolerance=1e-12)


@theorem(lesson="forgetting", source=VARIANTS)
def sampled_is_right_on_average():
    """Labels drawn from the model give the diagonal of the Fisher information on average."""
    net, theta, data = classifier((3, 3), examples=200)
    rng = numpy.random.default_rng(4)
    draws = [flatten(fisher.monte_carlo(rng, theta, data, net)) for _ in range(100)]
    information = fisher_information.softmax_information(net.apply(theta, data.x))
    exact = numpy.diag(fisher_information.one_layer(data.x, information))
    return has_mean(numpy.stack(draws), exact)


@theorem(lesson="forgetting", source=VARIANTS)
def sampled_regression():
    """Targets drawn from the model give the diagonal of X'X / (N s^2) on average."""
    net, theta, data = classifier((3, 1), examples=200)
    rng = numpy.random.default_rng(5)
    draw = lambda: flatten(fisher.monte_carlo(rng, theta, data, net, gaussian(NOISE)))
    exact = numpy.append(numpy.mean(data.x**2, axis=0), 1.0) / NOISE
    return has_mean(numpy.stack([draw() for _ in range(100)]), exact)


@theorem(lesson="forgetting", source=MARTENS)
def empirical_is_another_matrix():
    """If labels have frequencies q, the empirical F is off by mean sum_k (q_k - p_k) g_k g_k'."""
    net, theta, data = classifier((3, 3))
    often = numpy.array([3, 1, 0])  # of every x: three times label 0, once label 1
    labelled = Data(numpy.repeat(data.x, 4, axis=0), numpy.tile([0, 0, 0, 1], len(data.x)))
    p, g = label_gradients(net, theta, data.x)
    wrong = numpy.einsum("nk,nki,nkj->ij", often / 4 - p, g, g) / len(p)
    computed = fisher.empirical(theta, labelled, net, form=fisher.full)
    return Claim(computed - full_fisher(theta, data, net), wrong, tolerance=1e-13)


@theorem(lesson="forgetting", source=MARTENS)
def empirical_vanishes_at_a_fit():
    """For least squares with residuals r the empirical Fisher is mean r^2 x x' / s^4, so it is zero
    at a perfect fit.
    """
    rng = numpy.random.default_rng(6)
    theta, x = {"w": rng.normal(size=(4, 1))}, rng.normal(size=(5, 4))
    r = numpy.array([[1.0], [-2.0], [0.5], [0.0], [0.0]])
    data, fitted = Data(x, x @ theta["w"] + r), Data(x, x @ theta["w"])
    part = lambda data: fisher.empirical(theta, data, LINE, gaussian(NOISE), fisher.full)
    exact = (r * x).T @ (r * x) / 5 / NOISE**2
    return Claim([part(data), part(fitted)], [exact, numpy.zeros((4, 4))], tolerance=1e-12)


def every_batch(examples, size):
    """All batches of `size` examples drawn with replacement: (examples^size, size)."""
    return numpy.array(list(itertools.product(range(examples), repeat=size)))


@theorem(lesson="forgetting", source=VARIANTS)
def batches_are_biased():
    """Squared gradients of batches of size b average to F / b + (1 - 1/b) g g', where F is the
    empirical Fisher and g the mean gradient.
    """
    net, theta, data = classifier((3, 4, 3), examples=5)
    batches = every_batch(5, 3)
    computed = fisher.minibatch(batches, theta, data, net, form=fisher.full)
    loss = lambda theta, x, y: cross_entropy(net.apply(theta, x), y)
    gradients = [grad(loss)(theta, x[None], y[None]) for x, y in zip(*data)]
    rows = numpy.stack([flatten(g) for g in gradients])  # (N, P): one example at a time
    g = rows.mean(axis=0)
    exact = rows.T @ rows / 5 / 3 + (1 - 1 / 3) * numpy.outer(g, g)
    return Claim(computed, exact, tolerance=1e-13)


@theorem(lesson="forgetting", source=VARIANTS)
def batches_weaken_the_penalty():
    """At an optimum, squared gradients of batches of b make the penalty b times weaker."""
    rng = numpy.random.default_rng(7)
    data = Data(rng.normal(size=(6, 4)), rng.normal(size=(6, 1)))
    theta = {"w": numpy.linalg.lstsq(data.x, data.y)[0]}
    computed = fisher.minibatch(every_batch(6, 3), theta, data, LINE, gaussian(NOISE))
    r = data.y - data.x @ theta["w"]
    exact = numpy.mean((r * data.x) ** 2, axis=0)[:, None] / NOISE**2 / 3
    return Claim(computed["w"], exact, tolerance=1e-12)


@theorem(lesson="forgetting", source="Kullback & Leibler 1951")
def divergence_is_quadratic():
    """KL(model || model moved by e v) is e^2 v'F v / 2 + O(e^3): F says how fast answers change."""
    net, theta, data = classifier()
    rng, e = numpy.random.default_rng(8), 0.01
    v = flatten(tree_map(lambda leaf: rng.normal(size=leaf.shape), theta))
    moved = lambda e: like(theta, flatten(theta) + e * v)
    f = net.apply(theta, data.x)
    apart = lambda e: fisher_information.divergence(f, net.apply(moved(e), data.x))
    curvature = lambda e: (apart(e) + apart(-e)) / e**2  # the odd orders cancel
    limit = (4 * curvature(e / 2) - curvature(e)) / 3  # and here the next even one
    return Claim(v @ full_fisher(theta, data, net) @ v, limit, tolerance=1e-5)


@theorem(lesson="forgetting", source=KIRKPATRICK)
def overlap_is_a_frechet_distance():
    """The overlap is 1 - d^2, where d is the Frechet distance of the two Fisher matrices, each
    scaled to trace 1.
    """
    rng = numpy.random.default_rng(9)
    f, g = rng.exponential(size=(2, 7))
    F, G = (numpy.diag(v / v.sum()) for v in (f, g))
    eigenvalues = numpy.linalg.eigvals(F @ G).real
    distance = numpy.trace(F + G) / 2 - numpy.sum(numpy.sqrt(eigenvalues))
    tree = lambda v: [{"W": v[:6].reshape(2, 3), "b": v[6:]}]
    return Claim(fisher.overlap(tree(f), tree(3.0 * g)), 1 - distance, tolerance=1e-12)
