"""Learning tasks one after another, and what to carry from each to the next.

    for every task:   theta  <- proximal gradient descent on its examples and what is kept
                      memory <- remember(memory, theta, task)

    nothing      plain gradient descent: the baseline that forgets
    one_penalty  elastic weight consolidation; with fisher.equal an L2 anchor
    penalties    the same with a penalty for every task
    rehearsal    examples: a few of each task, or all, which is joint training, the upper bound

Source: Kirkpatrick et al. 2016, arXiv:1612.00796.  Lesson 21.
"""

from typing import NamedTuple

import numpy

from minimeta.continual import ewc, fisher
from minimeta.continual.likelihoods import categorical
from minimeta.core import checks
from minimeta.core.backend import np, to_device, to_host
from minimeta.core.gradients import grad
from minimeta.core.losses import accuracy
from minimeta.core.replay import replay
from minimeta.core.trees import leaves, tree_map
from minimeta.tasks import Data


class Memory(NamedTuple):
    """What is kept of the tasks so far."""

    penalties: tuple = ()
    examples: tuple = ()  # Data of each task


EMPTY = Memory()


def nothing(memory, params, data):
    """Keep nothing."""
    return memory


def rehearsal(count):
    """Keep the first `count` examples of each task, to be seen as often as all of a task's."""
    checks.integer("count", count, at_least=1)

    def remember(memory, params, data):
        kept = Data(data.x[:count], data.y[:count])
        return memory._replace(examples=(*memory.examples, kept))

    return remember


def one_penalty(net, likelihood=categorical, estimate=fisher.exact):
    """Keep one penalty, anchored at the latest parameters (see ewc.consolidate)."""

    def remember(memory, params, data):
        previous = memory.penalties[0] if memory.penalties else None
        return Memory((ewc.consolidate(params, data, net, likelihood, estimate, previous),))

    return remember


def penalties(net, likelihood=categorical, estimate=fisher.exact):
    """Keep a penalty for every task."""

    def remember(memory, params, data):
        new = ewc.consolidate(params, data, net, likelihood, estimate)
        return Memory((*memory.penalties, new))

    return remember


def learn(
    rng,
    params,
    data,
    net,
    memory=EMPTY,
    strength=1.0,
    likelihood=categorical,
    steps=600,
    batch=32,
    step_size=0.05,
):
    """The parameters after `steps` proximal gradient steps on a task, Data x (N, D...), y (N, ...).

    Every batch draws its examples from this task and, as often as from this, from each whose
    examples are kept. Raises FloatingPointError if it diverges.
    """
    checks.number("strength", strength, at_least=0.0)
    penalise = ewc.proximal_step(memory.penalties, step_size * strength / len(data.x))
    slope = grad(lambda theta, x, y: likelihood.loss(net.apply(theta, x), y))
    descend = lambda theta, g: tree_map(lambda p, g: p - step_size * g, theta, g)
    step = replay(lambda theta, x, y: penalise(descend(theta, slope(theta, x, y))))
    sets = [*memory.examples, data]
    x, y = (np.concatenate(parts) for parts in zip(*sets))
    for rows in to_device(draw(rng, [len(one.x) for one in sets], (steps, batch))):
        params = step(params, x[rows], y[rows])
    if not all(np.all(np.isfinite(leaf)) for leaf in leaves(params)):
        raise FloatingPointError("The parameters are not finite; a smaller step_size may help.")
    return params


def draw(rng, counts, size):
    """Rows of joined sets of `counts` examples: a set first, all alike, then one of its rows."""
    ends = numpy.cumsum(counts)
    chosen = rng.integers(len(counts), size=size)
    return ends[chosen] - 1 - (rng.random(size) * numpy.array(counts)[chosen]).astype(int)


def learn_sequence(rng, params, tasks, net, remember=nothing, **options):
    """The parameters after each task of a sequence, Data x (T, N, D...): a list of T trees.

    `options` are those of `learn`.
    """
    memory, path = EMPTY, []
    for data in (Data(x, y) for x, y in zip(*tasks)):
        params = learn(rng, params, data, net, memory, **options)
        memory = remember(memory, params, data)
        path.append(params)
    return path


def accuracies(path, queries, net):
    """The accuracy on every task after every task: (T, T), row t after learning task t."""
    score = lambda theta: [accuracy(net.apply(theta, x), y) for x, y in zip(*queries)]
    return numpy.array(to_host([score(theta) for theta in path]))
