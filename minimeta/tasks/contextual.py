"""Contextual bandits: K contexts, in each of which one of A actions is right and pays 1.

    context_t  ~ uniform, seen as a one-hot row (K)
    reward_t   = problem[context_t, action_t]

A problem is a table (M, K, A) of mean rewards; `draw` makes tables with one 1 in every row. An
episode goes on for as long as there is noise, and its contexts are part of the noise.

Source: Schaul et al. 2019, arXiv:1904.11455; Rabinowitz 2019, arXiv:1905.01320.  Lesson bandits.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import choices
from minimeta.tasks.drawing import generator
from minimeta.tasks.environment import Environment


def draw(rng, tasks, episodes, steps, contexts=5, actions=5):
    """Problems whose right action is uniform in each context, and noise: (problem, noise)."""
    checks.integer("contexts", contexts, at_least=1)
    checks.integer("actions", actions, at_least=2)
    noise = draw_noise(rng, tasks, episodes, steps, contexts)
    right = rng.integers(actions, size=(tasks, contexts))
    return to_device(numpy.eye(actions)[right]), noise


def draw_noise(rng, tasks, episodes, steps, contexts):
    """The contexts as one-hot rows, and uniform numbers to act by.

    {"world": {"first": (T, M, N, K), "next": (T, M, N, K)}, "agent": (T, M, N)}, of which "first"
    is read at the first step alone.
    """
    choices.check_sizes(tasks, episodes, steps)
    checks.integer("contexts", contexts, at_least=1)
    rows = lambda: numpy.eye(contexts)[generator(rng).integers(contexts, size=shape)]
    shape = (steps, tasks, episodes)
    return to_device({"world": {"first": rows(), "next": rows()}, "agent": rng.uniform(size=shape)})


def begin(problem, noise):
    """The first context, as a one-hot row: (M, N, K)."""
    choices.check_filled("problem", problem, "M K A")
    return next_context(problem, noise, "first")


def step(problem, place, action, noise):
    """Pay what the table says, and show the next context; never done."""
    choices.check_filled("problem", problem, "M K A")
    choices.check_move(problem, place, action, np.shape(problem)[-1])
    reward = np.sum(action * mean_rewards(problem, place), axis=-1)
    return next_context(problem, noise, "next"), reward, np.zeros_like(reward)


def observe(problem, place):
    """The context as a one-hot row: (M, N, K)."""
    return place


def mean_rewards(problem, context):
    """What each action pays in these contexts, (M, ..., K) -> (M, ..., A)."""
    choices.check_one_hot("context", context, "... M K", np.shape(problem)[1])
    rows = np.reshape(context, (len(context), -1, np.shape(context)[-1]))
    means = np.matmul(rows, problem)
    return np.reshape(means, (*np.shape(context)[:-1], np.shape(problem)[-1]))


def next_context(problem, noise, part):
    """This part of a step's noise: contexts (M, N, K) that fit the problem."""
    choices.check_parts(noise, ("first", "next"))
    context = noise[part]
    choices.check_one_hot(f"noise[{part!r}]", context, "M N K")
    tasks, contexts = np.shape(problem)[:2]
    if (len(context), np.shape(context)[-1]) != (tasks, contexts):
        raise ValueError(
            f"noise[{part!r}] must be (M, N, K) = ({tasks}, N, {contexts}) for a problem "
            f"{np.shape(problem)}; its shape is {np.shape(context)}."
        )
    return context


CONTEXTUAL = Environment(begin, step, observe)
