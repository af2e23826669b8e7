"""Bernoulli bandits: A arms, each of which pays 1 with a probability of its own.

    reward_t = 1 if world_t < sum_a action_ta p_a, else 0        world_t uniform in [0, 1)

A problem is the probabilities p (M, A). There is nothing to see, so the observation is a single 1,
and an episode goes on for as long as there is noise. One uniform number serves all arms: under the
same noise, the arm that pays more often pays whenever the other does.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import choices
from minimeta.tasks.environment import Environment


def draw(rng, tasks, episodes, steps, arms=2):
    """Bandits with p ~ U(0, 1), and noise for them: (problem, noise), what an agent is trained on.

    The noise of the agent is one uniform number a step, enough to pick an action by.
    """
    checks.integer("arms", arms, at_least=2)
    noise = draw_noise(rng, tasks, episodes, steps)
    return to_device(rng.uniform(size=(tasks, arms))), noise


def draw_dependent(rng, tasks, episodes, steps, high=0.9):
    """Two arms that pay with the chances `high` and 1 - high, which of them is a coin toss."""
    checks.number("high", high, above=0.5, at_most=1.0)
    noise = draw_noise(rng, tasks, episodes, steps)
    first = rng.integers(2, size=tasks)
    return to_device(numpy.where(numpy.eye(2)[first] == 1.0, high, 1.0 - high)), noise


def draw_noise(rng, tasks, episodes, steps):
    """{"world": ..., "agent": ...}, both uniform in [0, 1): (T, M, N)."""
    choices.check_sizes(tasks, episodes, steps)
    shape = (steps, tasks, episodes)
    return {"world": choices.uniform(rng, shape), "agent": choices.uniform(rng, shape)}


def begin(problem, noise):
    """The one place there is, as the number 1: (M, N, 1)."""
    choices.check_chances("problem", problem, "M A")
    choices.check_begin(problem, noise)
    return np.ones((*np.shape(noise), 1))


def step(problem, place, action, noise):
    """Pay 1 if the noise is below the probability of the arm that was pulled; never done."""
    choices.check_chances("problem", problem, "M A")
    choices.check_move(problem, place, action, np.shape(problem)[-1])
    choices.check_uniform(noise, np.shape(place)[:2])
    chance = np.sum(action * np.expand_dims(problem, 1), axis=-1)  # (M, N)
    return place, (noise < chance).astype(noise.dtype), np.zeros_like(noise)


def observe(problem, place):
    """The number 1: (M, N, 1)."""
    return place


def mean_rewards(problem, observation):
    """What each arm pays in the mean, whatever is observed (M, N, ..., O): (M, N, ..., A)."""
    choices.check_filled("problem", problem, "M A")
    choices.check_filled("observation", observation, "... M N O")
    axes = (1,) * (np.ndim(observation) - 2)
    means = np.reshape(problem, (len(problem), *axes, np.shape(problem)[-1]))
    return np.broadcast_to(means, (*np.shape(observation)[:-1], np.shape(problem)[-1]))


BERNOULLI = Environment(begin, step, observe)
