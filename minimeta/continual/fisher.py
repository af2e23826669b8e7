"""Fisher information: how fast a model's answers change with each parameter, and its look-alikes.

    F = E_x E_{y ~ p(y | x, theta)} g g'        g = d log p(y | x, theta) / d theta

    exact       the mean over y in closed form; the labels of the data are not looked at
    sampled     one y drawn from the model for every x: right on average
    empirical   y from the data: another matrix, unless the model is true
    batched     a mini-batch's mean g in place of g: F / b + (1 - 1 / b) E[g] E[g]', F empirical
    equal       1 for every parameter: makes an L2 anchor of elastic weight consolidation

Each is a mean over examples: `diagonal` (a tree like params) or `full` (P, P), in the order of the
leaves. From the roots E_k of the outputs' information (likelihoods.py) and the Jacobian J of the
outputs, one example adds sum_k (J' E_k)(J' E_k)'. All the J' E_k are one gradient: every example
has its own copy of the parameters, so none shares a slope.

Sources: Kirkpatrick et al. 2016, arXiv:1612.00796; Martens 2014, arXiv:1412.1193.  Lesson 21.
"""

import numpy

from minimeta.continual.layered import is_layered, squared_gradients
from minimeta.continual.likelihoods import categorical
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.trees import copies, leaves, size, tree_map, unflatten
from minimeta.tasks import Data

MOST = 2**24  # numbers that the gradients of one block of examples may hold: 128 MiB in float64


def diagonal(slopes):
    """The sum of squares over the first axis of a tree of gradients: a tree."""
    return tree_map(lambda s: np.sum(s * s, axis=0), slopes)


def full(slopes):
    """The sum of outer products over the first axis of a tree of gradients: (P, P)."""
    rows = np.concatenate([np.reshape(s, (len(s), -1)) for s in leaves(slopes)], axis=1)
    return np.transpose(rows) @ rows


def exact(params, data, net, likelihood=categorical, form=diagonal):
    """The Fisher information at params, over the inputs data.x (N, D...); data.y may be None."""
    unlabelled = Data(data.x, data.x)  # whatever is cut into blocks in place of labels
    return information(params, unlabelled, net, lambda f, y: likelihood.roots(f), form)


def sampled(rng, params, data, net, likelihood=categorical, form=diagonal):
    """An unbiased estimate of `exact`, from one y for each x, drawn from the model."""
    y = likelihood.sample(rng, net.apply(params, data.x))
    return empirical(params, Data(data.x, y), net, likelihood, form)


def empirical(params, data, net, likelihood=categorical, form=diagonal):
    """The mean of g g' at the labels of the data: not the Fisher information."""
    total = lambda outputs, y: len(y) * likelihood.loss(outputs, y)
    return information(params, data, net, lambda *pair: grad(total)(*pair)[None], form)


def batched(batches, params, data, net, likelihood=categorical, form=diagonal):
    """The mean over mini-batches, index rows (B, b), of g g' with g a batch's mean gradient."""
    x, y = data.x[batches], data.y[batches]
    total = lambda phi: np.sum(likelihood.loss(net.apply(phi, x), y))
    return scaled(form(grad(total)(copies(params, len(batches)))), 1.0 / len(batches))


def equal(params, data, net, likelihood=categorical):
    """1 for every parameter, whatever the data."""
    return tree_map(np.ones_like, params)


def information(params, data, net, roots, form=diagonal):
    """1/N sum_n sum_k (J_n' E_kn)(J_n' E_kn)' in the given form, for E (K, N, C) = roots(f, y).

    Block by block, which bounds the memory. Where the parameters are those of linear layers, the
    diagonal needs no gradient for every weight and example.
    """
    if form is diagonal and is_layered(params, data.x[:1], net):
        part, held = squared_gradients, sum(sum(np.shape(leaf)) for leaf in leaves(params))
    else:
        part, held = one_by_one(form), size(params)
    block = max(1, MOST // held)
    parts = (part(params, each, net, roots) for each in cut(data, block))
    return scaled(summed(parts), 1.0 / len(data.x))


def cut(data, block):
    """The data in blocks of so many examples, the last one shorter.

    A single block is the data themselves, no slice of them: whoever computes the loss on them too
    then finds one forward pass in a replayed program, and not two.
    """
    if len(data.x) <= block:
        return [data]
    return [Data(*(a[n : n + block] for a in data)) for n in range(0, len(data.x), block)]


def one_by_one(form):
    """The sum over examples, and over k, of the form of J_n' E_kn, from a gradient for each."""

    def part(params, data, net, roots):
        errors = roots(net.apply(params, data.x), data.y)
        return summed(form(gradients(params, data.x, net, E)) for E in errors)

    return part


def gradients(params, x, net, errors):
    """J_n' E_n of every example, for E (N, C): a tree of leaves (N, ...).

    Each is seen alone: a network that normalises over its batch has a batch of one here.
    """
    total = lambda phi: np.sum(errors[:, None] * net.apply(phi, x[:, None]))
    return grad(total)(copies(params, len(x)))


def overlap(fisher, other):
    """How far two diagonals weigh the same parameters: 1 if proportional, 0 if disjoint.

    1 - d^2 = sum sqrt(f g) with f and g scaled to sum 1; d is their Frechet distance (Kirkpatrick
    et al., supplement).
    """
    total = lambda tree: sum(np.sum(leaf) for leaf in leaves(tree))
    shared = total(tree_map(lambda f, g: np.sqrt(f * g), fisher, other))
    return shared / np.sqrt(total(fisher) * total(other))


def times(fisher, tree):
    """F v for a tree v, F a diagonal or full: a tree."""
    if not is_full(fisher, tree):
        return tree_map(np.multiply, fisher, tree)
    product = fisher @ np.concatenate([np.reshape(leaf, -1) for leaf in leaves(tree)])
    parts = np.split(product, numpy.cumsum([np.size(leaf) for leaf in leaves(tree)])[:-1])
    return unflatten(tree, [np.reshape(p, np.shape(v)) for p, v in zip(parts, leaves(tree))])


def is_full(fisher, tree):
    """Whether F is a matrix over all parameters of the tree, and not a diagonal shaped like it."""
    bare = not isinstance(fisher, (dict, list, tuple))
    return bare and np.shape(fisher) == (size(tree), size(tree))


def scaled(tree, factor):
    """factor times a tree."""
    return tree_map(lambda leaf: factor * leaf, tree)


def summed(trees):
    """The sum of trees of one structure."""
    total, *rest = trees
    for tree in rest:
        total = tree_map(np.add, total, tree)
    return total
