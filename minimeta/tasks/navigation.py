"""Navigation in the plane: a point moves, the reward says how far it is from a goal it cannot see.

    position_t+1 = position_t + unit * clip(action_t, -limit, limit)
    reward_t     = -cost(position_t+1 - goal)                       the distance, unless said
    observation  = position / 0.5

A problem is the goals (M, 2), which `draw` takes from the square [-0.5, 0.5]^2. The observation has
the corners of this square at +-1. The goal is not in it: only rewards tell where it is. Actions are
real vectors (M, N, 2), of which each part is clipped. Nothing here is chance: the world's noise is
where episodes begin, read at the first step alone, and that is the origin in what `draw` gives. An
episode goes on for as long as there is noise.

With one step, unit = 1, limit = inf and squares as costs this is the Gaussian bandit: the reward of
an action a is -|a - goal|^2 (exact/gaussian_bandit.py).

Source: Finn, Abbeel & Levine 2017, section 5.3. Their text has the squared distance as the cost,
the code they released the distance, which is what their figures show.  Lesson maml_rl.
"""

import math

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import choices
from minimeta.tasks.drawing import generator
from minimeta.tasks.environment import Environment

HALF = 0.5  # half a side of the square


def draw(rng, tasks, episodes, steps, batches=1):
    """Goals, and noise for so many batches of episodes: (problem, [noise, ...]).

    The noise of the agent is two standard normal numbers a step.
    """
    checks.integer("batches", batches, at_least=1)
    noises = [draw_noise(rng, tasks, episodes, steps) for _ in range(batches)]
    return to_device(rng.uniform(-HALF, HALF, size=(tasks, 2))), noises


def draw_noise(rng, tasks, episodes, steps):
    """{"world": the starts at the origin, "agent": standard normal}, both (T, M, N, 2)."""
    choices.check_sizes(tasks, episodes, steps)
    agent = to_device(generator(rng).normal(size=(steps, tasks, episodes, 2)))
    return {"world": np.zeros_like(agent), "agent": agent}


def distance(offset):
    """The Euclidean length of each offset (..., 2): (...)."""
    return np.sqrt(np.sum(offset**2, axis=-1))


def squared_distance(offset):
    """The squared length of each offset (..., 2): (...)."""
    return np.sum(offset**2, axis=-1)


def environment(unit=0.1, limit=1.0, cost=distance):
    """The Environment in which an action of 1 moves the point by `unit`, and none by more than
    `limit` units along an axis; limit = inf clips nothing. cost(offset) is (..., 2) -> (...).
    """
    checks.number("unit", unit, above=0.0)
    if limit != math.inf:
        checks.number("limit", limit, above=0.0)
    checks.function("cost", cost)

    def step(problem, place, action, noise):
        check_positions(problem, place, "place")
        choices.check_filled("action", action, "M N A")
        if np.shape(action) != np.shape(place):
            raise ValueError(
                f"action must have shape {np.shape(place)}, as the positions; "
                f"its shape is {np.shape(action)}."
            )
        move = action if limit == math.inf else np.clip(action, -limit, limit)
        place = place + unit * move
        price = cost(place - np.expand_dims(problem, 1))
        checks.floats("what cost returns", price)
        return place, -price, np.zeros_like(price)

    return Environment(begin, step, observe)


def begin(problem, noise):
    """The positions at which the episodes begin, which are the noise: (M, N, 2)."""
    check_positions(problem, noise, "noise")
    return noise


def observe(problem, place):
    """The positions in halves of a side, (M, N, 2): the corners of the square are at +-1."""
    checks.floats("place", place)
    return place / HALF


def check_positions(problem, positions, name):
    """Raise unless the problem is goals (M, 2), and these positions (M, N, 2) are of its tasks."""
    choices.check_filled("problem", problem, "M D")
    choices.check_filled(name, positions, "M N D")
    fits = (len(positions), np.shape(positions)[-1]) == (len(problem), 2)
    if not fits or np.shape(problem)[-1] != 2:
        raise ValueError(
            f"problem and {name} must be goals (M, 2) and positions (M, N, 2) of as many tasks; "
            f"their shapes are {np.shape(problem)} and {np.shape(positions)}."
        )


NAVIGATION = environment()
