"""Elastic weight consolidation: Bayes' rule in which the last posterior is a quadratic penalty.

    consolidate:  anchor = theta,  F <- F + N F(theta)        the Fisher information of N examples
    learn:        min  -log p(data | theta) + strength / 2 (theta - anchor)' F (theta - anchor)

With the full F and strength 1 this is the posterior where log p is quadratic, and Laplace's
approximation elsewhere; the paper keeps the diagonal. After a second task there are two ways on:
add its F to the old one and anchor at the latest optimum (`previous`; Huszar, and Bayes), or keep
a list of penalties (Kirkpatrick et al.). An optimum was pulled by the tasks before it, so the list
counts these again.

Losses are means over the examples of a task, so penalties are divided by their number.

Sources: Kirkpatrick et al. 2016, arXiv:1612.00796; Huszar 2018, arXiv:1712.03847.  Lesson 21.
"""

from typing import NamedTuple

from minimeta.continual import fisher
from minimeta.continual.likelihoods import categorical
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.trees import check_alike, check_parameters, dot, leaves, names, tree_map


class Penalty(NamedTuple):
    """1/2 (theta - anchor)' F (theta - anchor): F as the tree of its diagonal, or full (P, P)."""

    anchor: object
    fisher: object


def consolidate(
    params, data, net, likelihood=categorical, estimate=fisher.exact, previous=None, examples=None
):
    """The Penalty that stands for a task once it is learned: Data x (N, D...), y (N, ...).

    estimate(params, data, net, likelihood) comes from continual.fisher. With `previous`, the new
    penalty stands for the earlier tasks too. `examples` is N unless data are a sample of the task.
    Raises ValueError for parameters that know nothing of the task, or are not those of `previous`.
    """
    check_learned(params, data, net, likelihood, previous)
    count = len(data.x) if examples is None else examples
    added = fisher.scaled(estimate(params, data, net, likelihood), count)
    if previous is None:
        return Penalty(params, added)
    check_alike("params", params, "previous.anchor", previous.anchor)
    check_alike("the estimate", added, "previous.fisher", previous.fisher)
    return Penalty(params, fisher.summed([previous.fisher, added]))


def penalised_loss(
    params, data, net, penalties, strength=1.0, likelihood=categorical, examples=None
):
    """The mean of -log p(y | x) plus strength / examples times one Penalty or the sum of a list.

    `examples` is N unless data are a batch of the task. Returns a scalar.
    """
    checks.number("strength", strength, at_least=0.0)
    count = len(data.x) if examples is None else examples
    loss = likelihood.loss(net.apply(params, data.x), data.y)
    return loss + (strength / count) * sum(cost(params, each) for each in listed(penalties))


def cost(params, penalty):
    """1/2 (params - anchor)' F (params - anchor): a scalar."""
    check_alike("params", params, "the penalty's anchor", penalty.anchor)
    away = tree_map(np.subtract, params, penalty.anchor)
    return 0.5 * dot(away, fisher.times(penalty.fisher, away))


def proximal_step(penalties, rate):
    """The map theta -> argmin_t 1/2 |t - theta|^2 + rate * penalties(t), for any rate >= 0.

    (I + rate sum F)^-1 (theta + rate sum F anchor). It never overshoots, where a gradient step on
    the penalties diverges as soon as rate exceeds 2 / max F.
    """
    checks.number("rate", rate, at_least=0.0)
    penalties = listed(penalties)
    if not penalties:
        return lambda theta: theta
    F = fisher.summed([each.fisher for each in penalties])
    pulls = fisher.summed([fisher.times(each.fisher, each.anchor) for each in penalties])
    if fisher.is_full(F, pulls):
        kept = np.linalg.inv(np.eye(len(F)) + rate * F)
    else:
        kept = tree_map(lambda f: 1.0 / (1.0 + rate * f), F)
    moved = fisher.times(kept, fisher.scaled(pulls, rate))

    def step(theta):
        check_alike("theta", theta, "the penalty's anchor", moved)
        return tree_map(np.add, fisher.times(kept, theta), moved)

    return step


def listed(penalties):
    """A list of penalties, given one or several."""
    return [penalties] if isinstance(penalties, Penalty) else list(penalties)


def check_learned(params, data, net, likelihood, previous):
    """Raise if params are not finite or, on a first task, still no better than guessing."""
    check_parameters("params", params)
    for path, leaf in zip(names(params, "params"), leaves(params)):
        checks.finite(path, leaf)
    outputs = net.apply(params, data.x)
    loss, guess = likelihood.loss(outputs, data.y), likelihood.guess(outputs)
    if np.ndim(loss):
        raise ValueError(
            f"data must be one task, x (N, D...); the shape of data.x is {np.shape(data.x)}."
        )
    # Later tasks may be held back by the penalty of the first, so there it is no mistake.
    if previous is None and loss >= guess:
        raise ValueError(
            f"params have not learned this task: their loss is {loss:.3g}, and guessing has "
            f"{guess:.3g}; consolidate after training."
        )
