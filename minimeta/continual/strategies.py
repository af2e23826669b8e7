"""Learning tasks one after another, and ways to remember each of them while learning the next.

    for every task:   theta  <- proximal gradient descent on its examples and on the memory
                      memory <- remember(memory, theta, task)

    nothing      remembers nothing: plain gradient descent, the baseline that forgets
    one_penalty  elastic weight consolidation; with fisher.equal an L2 penalty
    penalties    the same with a penalty for every task
    rehearsal    a few examples of each task; with all of them it is joint training, the upper bound

Source: Kirkpatrick et al. 2016, arXiv:1612.00796.  Lesson forgetting.
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
    """What is remembered of the tasks so far."""

    penalties: tuple = ()
    examples: tuple = ()  # Data of each task


EMPTY = Memory()


def nothing(memory, params, data):
    """Remember nothing."""
    return memory


def rehearsal(count):
    """Remember the first `count` examples of each task, which `learn` then draws again."""
    checks.integer("count", count, at_least=1)

    def remember(memory, params, data):
        first = Data(data.x[:count], data.y[:count])
        return memory._replace(examples=(*memory.examples, first))

    return remember


def one_penalty(net, likelihood=categorical, estimate=fisher.exact):
    """Remember one penalty, with the latest parameters as its anchor (see ewc.consolidate)."""
    checks.functions("net", net, "apply")

    def remember(memory, params, data):
        previous = memory.penalties[0] if memory.penalties else None
        return Memory((ewc.consolidate(params, data, net, likelihood, estimate, previous),))

    return remember


def penalties(net, likelihood=categorical, estimate=fisher.exact):
    """Remember a penalty for every task."""
    checks.functions("net", net, "apply")

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

    Each example of a batch comes from this task or from one in the memory, all equally likely.
    Raises FloatingPointError if training diverges.
    """
    fisher.check_arguments(params, data, net)
    checks.generator("rng", rng)
    checks.number("strength", strength, at_least=0.0)
    checks.integer("steps", steps, at_least=0)
    checks.integer("batch", batch, at_least=1)
    checks.number("step_size", step_size, above=0.0)
    penalise = ewc.proximal_step(memory.penalties, step_size * strength / len(data.x))
    gradient = grad(lambda theta, x, y: likelihood.loss(net.apply(theta, x), y))
    descend = lambda theta, g: tree_map(lambda p, g: p - step_size * g, theta, g)
    step = replay(lambda theta, x, y: penalise(descend(theta, gradient(theta, x, y))))
    sets = [*memory.examples, data]
    x, y = (np.concatenate(parts) for parts in zip(*sets))
    for rows in to_device(draw(rng, [len(one.x) for one in sets], (steps, batch))):
        params = step(params, x[rows], y[rows])
    if not all(np.all(np.isfinite(leaf)) for leaf in leaves(params)):
        raise FloatingPointError("The parameters are not finite; a smaller step_size may help.")
    return params


def check_tasks(name, tasks):
    """Raise unless tasks are Data whose x (T, N, D...) and y (T, N, ...) agree on T and N."""
    if not isinstance(tasks, Data):
        raise TypeError(f"{name} must be Data(x, y); it is {checks.describe(tasks)}.")
    if np.shape(tasks.x)[:2] != np.shape(tasks.y)[:2]:
        raise ValueError(
            f"{name}.x and {name}.y must agree on tasks and examples; "
            f"their shapes are {np.shape(tasks.x)} and {np.shape(tasks.y)}."
        )


def draw(rng, counts, size):
    """Rows, (size), of sets of `counts` examples that are joined end to end.

    For each row a set is drawn, all equally likely, and then one of its examples.
    """
    ends = numpy.cumsum(counts)
    which = rng.integers(len(counts), size=size)
    return ends[which] - 1 - (rng.random(size) * numpy.array(counts)[which]).astype(int)


def learn_sequence(rng, params, tasks, net, remember=nothing, **options):
    """The parameters after each task of a sequence, Data x (T, N, D...): a list of T trees.

    `options` are those of `learn`.
    """
    check_tasks("tasks", tasks)
    memory, path = EMPTY, []
    for data in (Data(x, y) for x, y in zip(*tasks)):
        params = learn(rng, params, data, net, memory, **options)
        memory = remember(memory, params, data)
        path.append(params)
    return path


def accuracies(path, queries, net):
    """The accuracy on every task after every task, (T, T): row t is after learning task t."""
    check_tasks("queries", queries)
    score = lambda theta: [accuracy(net.apply(theta, x), y) for x, y in zip(*queries)]
    return numpy.array(to_host([score(theta) for theta in path]))
