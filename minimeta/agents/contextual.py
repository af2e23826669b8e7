"""Policies of contextual bandits that are linear in the context, with and without what is shared.

    coupled      logits = x W + b       the bias b is shared by all contexts
    decoupled    logits = x W           each context has logits of its own

x is the context as a one-hot row, so both can represent every policy; they differ in what a step
for one context does to the others. Both are Nets, which `policy_gradient.learner` makes into
agents. `value` is the chance to be right, in closed form, so that its gradient is exact.

The meta-learner of the same problems is `rl2.learner(contexts, actions)`.

Source: Schaul et al. 2019, arXiv:1904.11455.  Lesson bandits.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.losses import log_softmax, softmax
from minimeta.nets import Net, linear


def coupled(contexts, actions):
    """The Net with a bias that all contexts share; it begins at zeros."""
    check_sizes(contexts, actions)
    zeros = lambda rng: to_device(
        {"W": numpy.zeros((contexts, actions)), "b": numpy.zeros(actions)}
    )
    return Net(zeros, lambda params, x: linear(x, params["W"], params["b"]))


def decoupled(contexts, actions):
    """The Net without one; it begins at zeros."""
    check_sizes(contexts, actions)
    zeros = lambda rng: to_device({"W": numpy.zeros((contexts, actions))})
    return Net(zeros, lambda params, x: np.matmul(x, params["W"]))


def chances(net, params, problem):
    """The chance of the right action in each context, (K,), on one problem (K, A)."""
    checks.array("problem", problem, "K A")
    return np.sum(softmax(net.apply(params, np.eye(len(problem)))) * problem, axis=-1)


def value(net, params, problem):
    """J, the mean chance to be right over the contexts, which are equally likely: a scalar."""
    return np.mean(chances(net, params, problem))


def log_value(net, params, problem):
    """What supervised learning climbs, the mean log-chance of the right action: a scalar."""
    checks.array("problem", problem, "K A")
    logits = net.apply(params, np.eye(len(problem)))
    return np.mean(np.sum(log_softmax(logits) * problem, axis=-1))


def check_sizes(contexts, actions):
    """Raise unless there is a context, and something to choose."""
    checks.integer("contexts", contexts, at_least=1)
    checks.integer("actions", actions, at_least=2)
