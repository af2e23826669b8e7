"""Elastic weight consolidation: Bayes' rule, with the last posterior as a quadratic penalty.

    consolidate:  anchor = theta,  F <- F + N F(theta)        the Fisher information of N examples
    learn:        min  -log p(data | theta) + strength / 2 (theta - anchor)' F (theta - anchor)

With the full F and strength 1 this is the exact posterior if log p is quadratic, and Laplace's
approximation of it otherwise. The paper uses only the diagonal of F. After a second task there are
two ways to go on. One adds the new F to the old one and takes the latest optimum as the anchor:
that is Bayes' rule, and Huszar's advice (`previous`). The other makes a list of penalties
(Kirkpatrick et al.). Every optimum was already influenced by the tasks before it, so the list
counts these again.

Losses are means over the N examples of a task, so penalties are divided by N.

Sources: Kirkpatrick et al. 2016, arXiv:1612.00796; Huszar 2018, arXiv:1712.03847.
Lesson forgetting.
"""

from typing import NamedTuple

from minimeta.continual import fisher
from minimeta.continual.likelihoods import categorical
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.trees import check_alike, dot, leaves, names, tree_map


class Penalty(NamedTuple):
    """1/2 (theta - anchor)' F (theta - anchor): F as the tree of its diagonal, or full (P, P)."""

    anchor: object
    fisher: object


def consolidate(
    params, data, net, likelihood=categorical, estimate=fisher.exact, previous=None, examples=None
):
    """The Penalty that replaces a task once it is learned: Data x (N, D...), y (N, ...).

    estimate(params, data, net, likelihood) comes from continual.fisher. With `previous`, a Penalty,
    the new one replaces the earlier tasks too. `examples` is N unless the data are a sample of the
    task. Raises ValueError if the parameters are no better than guessing on the task, or their
    shapes are not those of `previous`.
    """
    check_learned(params, data, net, likelihood, previous)
    count = len(data.x) if examples is None else examples
    F = fisher.scale(estimate(params, data, net, likelihood), count)
    if previous is None:
        return Penalty(params, F)
    check_alike("params", params, "previous.anchor", previous.anchor)
    check_alike("the estimate", F, "previous.fisher", previous.fisher)
    return Penalty(params, fisher.add([previous.fisher, F]))


def penalised_loss(
    params, data, net, penalties, strength=1.0, likelihood=categorical, examples=None
):
    """The mean of -log p(y | x) plus strength / examples times the penalties: a scalar.

    `penalties` is one Penalty or a list, and `examples` is N unless the data are a batch of the
    task.
    """
    checks.number("strength", strength, at_least=0.0)
    fisher.check_arguments(params, data, net)
    count = len(data.x) if examples is None else examples
    loss = likelihood.loss(net.apply(params, data.x), data.y)
    return loss + (strength / count) * sum(cost(params, each) for each in as_list(penalties))


def cost(params, penalty):
    """1/2 (params - anchor)' F (params - anchor): a scalar."""
    check_alike("params", params, "the penalty's anchor", penalty.anchor)
    away = tree_map(np.subtract, params, penalty.anchor)
    return 0.5 * dot(away, fisher.multiply(penalty.fisher, away))


def proximal_step(penalties, rate):
    """The map theta -> argmin_t 1/2 |t - theta|^2 + rate * penalties(t), for any rate >= 0.

    It is (I + rate sum F)^-1 (theta + rate sum F anchor), which is stable for any rate. A gradient
    step on the penalties would diverge as soon as the rate exceeds 2 / max F.
    """
    checks.number("rate", rate, at_least=0.0)
    penalties = as_list(penalties)
    if not penalties:
        return lambda theta: theta
    F = fisher.add([each.fisher for each in penalties])
    pulls = fisher.add([fisher.multiply(each.fisher, each.anchor) for each in penalties])
    if fisher.is_full(F, pulls):
        inverse = np.linalg.inv(np.eye(len(F)) + rate * F)
    else:
        inverse = tree_map(lambda f: 1.0 / (1.0 + rate * f), F)
    shift = fisher.multiply(inverse, fisher.scale(pulls, rate))

    def step(theta):
        check_alike("theta", theta, "the penalty's anchor", shift)
        return tree_map(np.add, fisher.multiply(inverse, theta), shift)

    return step


def as_list(penalties):
    """A list of penalties, from one Penalty or a sequence of them."""
    if isinstance(penalties, Penalty):
        return [penalties]
    if not isinstance(penalties, (list, tuple)):
        raise TypeError(
            f"penalties must be a Penalty or a list of them; it is {checks.describe(penalties)}."
        )
    for i, each in enumerate(penalties):
        if not isinstance(each, Penalty):
            raise TypeError(f"penalties[{i}] must be a Penalty; it is {checks.describe(each)}.")
    return list(penalties)


def check_learned(params, data, net, likelihood, previous):
    """Raise if params are not finite or, on a first task, still no better than guessing."""
    fisher.check_arguments(params, data, net)
    for path, leaf in zip(names(params, "params"), leaves(params)):
        checks.finite(path, leaf)
    outputs = net.apply(params, data.x)
    loss, guess = likelihood.loss(outputs, data.y), likelihood.guess(outputs)
    if np.ndim(loss):
        raise ValueError(
            f"data must be one task, x (N, D...); the shape of data.x is {np.shape(data.x)}."
        )
    # The penalty of the first task may keep later ones from being learned: that is no mistake.
    if previous is None and loss >= guess:
        raise ValueError(
            f"params have not learned this task: their loss is {loss:.3g}, and guessing has "
            f"{guess:.3g}; consolidate after training."
        )
