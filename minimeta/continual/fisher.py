"""Fisher information: how fast a model's answers change with its parameters, and substitutes.

    F = E_x E_{y ~ p(y | x, theta)} g g'        g = d log p(y | x, theta) / d theta

    exact        the mean over y in closed form, which does not use the labels of the data
    monte_carlo  one y drawn from the model for every x, which is right on average
    empirical    y from the data, which is another matrix unless the model is true
    minibatch    a mini-batch's mean g for g: F / b + (1 - 1 / b) E[g] E[g]', F empirical
    equal        1 for every parameter, which makes elastic weight consolidation an L2 penalty

Each is a mean over examples, as `diagonal` (a tree like params) or `full` (P, P), in the order of
the leaves. With the roots E_k of the outputs' information (likelihoods.py) and the Jacobian J of
the outputs, one example adds sum_k (J' E_k)(J' E_k)'. One gradient gives J' E_k for all examples at
once, because every example has its own copy of the parameters.

Sources: Kirkpatrick et al. 2016, arXiv:1612.00796; Martens 2014, arXiv:1412.1193.
Lesson forgetting.
"""

from minimeta.continual.layered import is_layered, squared_gradients
from minimeta.continual.likelihoods import categorical
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.contract import check_examples, task_copies
from minimeta.core.gradients import grad
from minimeta.core.trees import check_trainable, flatten, leaves, like, size, tree_map
from minimeta.tasks import Data

MOST = 2**24  # numbers that the gradients of one block of examples may hold: 128 MiB in float64


def diagonal(gradients):
    """The sum of squares over the first axis of a tree of gradients: a tree."""
    return tree_map(lambda g: np.sum(g * g, axis=0), gradients)


def full(gradients):
    """The sum of outer products over the first axis of a tree of gradients: (P, P)."""
    rows = np.concatenate([np.reshape(g, (len(g), -1)) for g in leaves(gradients)], axis=1)
    return np.transpose(rows) @ rows


def exact(params, data, net, likelihood=categorical, form=diagonal):
    """The Fisher information at params, over the inputs data.x (N, D...); data.y may be None."""
    check_arguments(params, data, net)
    unlabelled = Data(data.x, data.x)  # `information` needs some y to cut into blocks
    return information(params, unlabelled, net, lambda f, y: likelihood.roots(f), form)


def monte_carlo(rng, params, data, net, likelihood=categorical, form=diagonal):
    """An unbiased estimate of `exact`, from one y for each x, drawn from the model."""
    checks.generator("rng", rng)
    check_arguments(params, data, net)
    y = likelihood.sample(rng, net.apply(params, data.x))
    return empirical(params, Data(data.x, y), net, likelihood, form)


def empirical(params, data, net, likelihood=categorical, form=diagonal):
    """The mean of g g' at the labels of the data, which is not the Fisher information."""
    total = lambda outputs, y: len(y) * likelihood.loss(outputs, y)
    return information(params, data, net, lambda *pair: grad(total)(*pair)[None], form)


def minibatch(batches, params, data, net, likelihood=categorical, form=diagonal):
    """The mean of g g', g the mean gradient of a mini-batch, over `batches` of indices (B, b)."""
    check_arguments(params, data, net)
    checks.integers("batches", batches)
    checks.axes("batches", batches, "B b")
    x, y = data.x[batches], data.y[batches]
    total = lambda phi: np.sum(likelihood.loss(net.apply(phi, x), y))
    return scale(form(grad(total)(alone(net, params, x))), 1.0 / len(batches))


def equal(params, data, net, likelihood=categorical):
    """1 for every parameter, whatever the data."""
    return tree_map(np.ones_like, params)


def information(params, data, net, roots, form=diagonal):
    """1/N sum_n sum_k (J_n' E_kn)(J_n' E_kn)' in the given form, for E (K, N, C) = roots(f, y).

    It is computed in blocks of examples, which bounds the memory. If all parameters belong to
    linear layers, the diagonal does not need a gradient for every weight and example. Raises
    ValueError for a network that mixes its examples: none of them has a gradient of its own.
    """
    check_arguments(params, data, net)
    check_examples(net.apply, params, data.x)
    if form is diagonal and is_layered(params, data.x[:1], net):
        part, numbers = squared_gradients, sum(sum(np.shape(leaf)) for leaf in leaves(params))
    else:
        part, numbers = one_by_one(form), size(params)
    blocks = cut(data, max(1, MOST // numbers))
    return scale(add(part(params, block, net, roots) for block in blocks), 1.0 / len(data.x))


def check_arguments(params, data, net):
    """Raise unless these are parameters, Data of as many x as y, both at least one, and a net."""
    check_trainable("params", params)
    checks.functions("net", net, "apply")
    if not isinstance(data, Data):
        raise TypeError(f"data must be Data(x, y); it is {checks.describe(data)}.")
    checks.floats("data.x", data.x)
    checks.integer("the number of examples in data", len(data.x), at_least=1)
    if data.y is not None:
        checks.numeric("data.y", data.y)
        checks.one_length("data.x", data.x, "data.y", data.y)


def cut(data, most):
    """The data in blocks of `most` examples, the last of which may be shorter: a list of Data.

    A single block is the data themselves and not a slice of them. If the loss on the data is
    computed too, a replayed program then shares the forward pass of both.
    """
    if len(data.x) <= most:
        return [data]
    return [Data(*(a[n : n + most] for a in data)) for n in range(0, len(data.x), most)]


def one_by_one(form):
    """The sum over examples and k of the form of J_n' E_kn, which are computed one by one."""

    def part(params, data, net, roots):
        errors = roots(net.apply(params, data.x), data.y)
        return add(form(gradients(params, data.x, net, E)) for E in errors)

    return part


def gradients(params, x, net, errors):
    """J_n' E_n of every example, for E (N, C): a tree of leaves (N, ...).

    Each example has a copy of the parameters, and is a batch of one.
    """
    total = lambda phi: np.sum(errors[:, None] * net.apply(phi, x[:, None]))
    return grad(total)(alone(net, params, x[:, None]))


def alone(net, params, x):
    """Copies of the parameters, one for each batch x (B, b, ...)."""
    return task_copies(net, params, Data(x, x), "params", "data")


def overlap(fisher, other):
    """How similar two diagonals are, from 0 if they are disjoint to 1 if they are proportional.

    1 - d^2 = sum sqrt(f g) with f and g scaled to sum 1; d is their Frechet distance (Kirkpatrick
    et al., supplement).
    """
    total = lambda tree: sum(np.sum(leaf) for leaf in leaves(tree))
    shared = total(tree_map(lambda f, g: np.sqrt(f * g), fisher, other))
    return shared / np.sqrt(total(fisher) * total(other))


def multiply(fisher, tree):
    """F v, a tree, for a tree v and F either a diagonal or full."""
    if is_full(fisher, tree):
        return like(tree, fisher @ flatten(tree))
    return tree_map(np.multiply, fisher, tree)


def is_full(fisher, tree):
    """Whether F is a matrix (P, P) over all parameters of the tree, and not a diagonal like it."""
    bare = not isinstance(fisher, (dict, list, tuple))
    return bare and np.shape(fisher) == (size(tree), size(tree))


def scale(tree, factor):
    """factor times a tree."""
    return tree_map(lambda leaf: factor * leaf, tree)


def add(trees):
    """The sum of trees of one structure."""
    total, *rest = trees
    for tree in rest:
        total = tree_map(np.add, total, tree)
    return total
