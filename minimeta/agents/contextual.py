"""Policies of contextual bandits that are linear in the context, with and without what is shared.

    coupled      logits = x W + b       the bias b is shared by all contexts
    decoupled    logits = x W           each context has logits of its own

x is the context as a one-hot row, so both can represent every policy; they differ in what a step
for one context does to the others. Both are Nets, which `policy_gradient.learner` makes into
agents. `value` is the chance to be right, in closed form, so that its gradient is exact.

The meta-learner of the same problems is `learner`, which `told_gradient` trains.

Source: Schaul et al. 2019, arXiv:1904.11455.  Lesson bandits.
"""

import numpy

from minimeta.agents.acting import action_logits, play
from minimeta.agents.policy_gradient import check_pair
from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy, log_softmax, softmax
from minimeta.memories import recurrent
from minimeta.nets import Net, linear
from minimeta.tasks import Data
from minimeta.tasks.contextual import CONTEXTUAL, mean_rewards

KEEP = 3.0  # the offset of the forget gate: after 20 steps a third of a memory is left


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


# ---- The meta-learner ----


def learner(contexts, actions, hidden=64) -> Learner:
    """An LSTM that learns contexts as it acts; its labels are [action, reward, done].

    It reads the context, and of the last step a table (K, A) that is zero but for the pair of
    context and action, 1 if it paid and -1 if not. It answers with a table of logits, of which the
    context picks a row. Fed with context, action and reward side by side, `rl2.learner` would have
    to find first that they belong together, and it stays long at one action for all contexts.
    """
    check_sizes(contexts, actions)
    memory = recurrent.learner(contexts, contexts * actions, hidden, cross_entropy)
    pick = lambda x, table: pick_row(x, np.reshape(table, (*np.shape(x), actions)))
    observe = lambda meta, state, x, y: memory.observe(meta, state, x, outcome(x, y, actions))
    return memory._replace(
        init=lambda rng: init(rng, contexts, actions, hidden),
        adapt=fold(memory.start, observe),
        predict=lambda meta, state, x: pick(x, memory.predict(meta, state, x)),
        observe=observe,
        along=lambda meta, data: pick(
            data.x, memory.along(meta, Data(data.x, outcome(data.x, data.y, actions)))
        ),
    )


def init(rng, contexts, actions, hidden):
    """A fresh LSTM that hears few ones among zeros, N(0, 1), and forgets little at first."""
    meta = recurrent.init(rng, contexts, contexts * actions, hidden)
    cell = meta["cell"]
    W_x = to_device(rng.normal(size=np.shape(cell["W_x"])))
    b = to_device(numpy.repeat([0.0, KEEP, 0.0, 0.0], hidden))  # of the gates i, f, g, o
    return {**meta, "cell": {**cell, "W_x": W_x, "b": b}}


def outcome(x, y, actions):
    """The pair of context and action as a table, 1 if it paid and -1 if not: (..., K A)."""
    signed = y[..., :actions] * (2.0 * y[..., actions : actions + 1] - 1.0)
    table = np.expand_dims(x, -1) * np.expand_dims(signed, -2)  # (..., K, A)
    return np.reshape(table, (*np.shape(x)[:-1], -1))


def pick_row(x, table):
    """The row of the table that belongs to the context: (..., K), (..., K, A) -> (..., A)."""
    return np.sum(np.expand_dims(x, -1) * table, axis=-2)


def told_gradient(learner):
    """For train: (meta, (problem, noise)) -> -(the mean reward), and the gradient of a loss.

    The loss is -log of the chance of the right action, along episodes that the learner plays. What
    has the least loss is the posterior of the right action: uniform over what has not failed, or
    certain. To act by it is to act as the best learner does. A policy gradient would climb the
    chance itself, whose gradient is smaller by the chance, as `ray_interference` has it.
    """

    def follow(meta, data):
        problem, noise = check_pair(data)
        episodes = play(learner, meta, CONTEXTUAL, problem, noise)
        right = mean_rewards(problem, episodes.observation)  # (M, N, T, A)
        chosen = lambda meta: log_softmax(action_logits(learner, meta, episodes)) * right
        loss = lambda meta: -np.mean(np.sum(chosen(meta), axis=-1))
        return -np.mean(np.sum(episodes.reward, axis=-1)), grad(loss)(meta)

    return follow
