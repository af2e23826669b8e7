"""Tabular problems: S states and A actions, whose chances and rewards are tables.

    state_0     ~ start                                        (M, S)
    state_t+1   ~ transition[state_t, action_t]                (M, S, A, S)
    reward_t    = reward[state_t, action_t]                    (M, S, A)

Here S counts states. The agent sees its state as a one-hot row. A state that no action leaves and
that pays nothing is an *end*: the step that leads there is `done`. Without one, an episode goes on
for as long as there is noise. All that can be asked of such a problem is linear algebra
(exact/tabular.py).

    random_mdps    transitions ~ Dirichlet(1, ..., 1), rewards N(0, 1), the start in state 0
    chains         one of two actions leads on, the other back; a reward at the far end alone
    grids          four moves on a square, a reward for the goal, which is where episodes end
    bandits        one state: the rewards of its arms are U(0, 1), and arms pay them surely

The world has two uniform numbers for each step, one of them for the start.  Lesson objectives.
"""

from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks.drawing import generator
from minimeta.tasks.environment import Environment, check_axes


class Tabular(NamedTuple):
    """A batch of problems: transition (M, S, A, S), reward (M, S, A), start (M, S)."""

    transition: object
    reward: object
    start: object


# ---- Families ----


def random_mdps(rng, tasks, states=5, actions=3):
    """Problems in which every state may follow every other: Tabular."""
    check_counts(tasks=tasks, states=states, actions=actions)
    transition = generator(rng).dirichlet(numpy.ones(states), size=(tasks, states, actions))
    reward = rng.normal(size=(tasks, states, actions))
    return to_device(Tabular(transition, reward, start_in(0, tasks, states)))


def chains(rng, tasks, states=4):
    """Chains with an end: an action leads one state on or one back, and the last step pays 1.

    Which of the two actions leads on is a coin toss for each state. The last state is the end.
    """
    check_counts(tasks=tasks)
    checks.integer("states", states, at_least=2)
    onward = generator(rng).integers(2, size=(tasks, states))  # the action that leads on
    here, last = numpy.arange(states), states - 1
    transition, reward = numpy.zeros((tasks, states, 2, states)), numpy.zeros((tasks, states, 2))
    task = numpy.arange(tasks)[:, None]
    transition[task, here, onward, numpy.minimum(here + 1, last)] = 1.0
    transition[task, here, 1 - onward, numpy.maximum(here - 1, 0)] = 1.0
    transition[:, last] = numpy.eye(states)[last]
    reward[task[:, 0], last - 1, onward[:, last - 1]] = 1.0
    return to_device(Tabular(transition, reward, start_in(0, tasks, states)))


def grids(rng, tasks, side=3):
    """Squares of side^2 cells; reaching the goal, a random cell, pays 1 and ends the episode.

    Episodes begin in any other cell. A move against the edge leads nowhere.
    """
    check_counts(tasks=tasks)
    checks.integer("side", side, at_least=2)
    states, task = side**2, numpy.arange(tasks)
    goal = generator(rng).integers(states, size=tasks)
    row, column = numpy.divmod(numpy.arange(states), side)
    moves = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    inside = lambda index: numpy.clip(index, 0, side - 1)
    after = [side * inside(row + down) + inside(column + right) for down, right in moves]
    transition = numpy.tile(numpy.eye(states)[numpy.stack(after, axis=1)], (tasks, 1, 1, 1))
    transition[task, goal] = numpy.eye(states)[goal][:, None]
    reward = transition[task, :, :, goal]  # (M, S, A)
    reward[task, goal] = 0.0
    start = (1.0 - numpy.eye(states)[goal]) / (states - 1)
    return to_device(Tabular(transition, reward, start))


def bandits(rng, tasks, arms=3):
    """Bandits as problems of one state, which every arm leads back to."""
    check_counts(tasks=tasks, arms=arms)
    reward = generator(rng).uniform(size=(tasks, 1, arms))
    return to_device(Tabular(numpy.ones((tasks, 1, arms, 1)), reward, numpy.ones((tasks, 1))))


def start_in(state, tasks, states):
    """The start that is always in this state: (M, S)."""
    return numpy.tile(numpy.eye(states)[state], (tasks, 1))


# ---- What an agent is trained on ----


def draw(rng, tasks, episodes, steps, batches=1, family=random_mdps):
    """Problems, and noise for so many batches of episodes: (Tabular, [noise, ...]).

    family(rng, tasks) draws the problems: one of the above, with sizes by functools.partial.
    """
    checks.integer("batches", batches, at_least=1)
    checks.function("family", family)
    problem = family(rng, tasks)
    return problem, [draw_noise(rng, tasks, episodes, steps) for _ in range(batches)]


def draw_noise(rng, tasks, episodes, steps):
    """{"world": {"start", "next"}, "agent"}, all uniform in [0, 1): (T, M, N)."""
    check_counts(tasks=tasks, episodes=episodes, steps=steps)
    start, follow, agent = to_device(generator(rng).uniform(size=(3, steps, tasks, episodes)))
    return {"world": {"start": start, "next": follow}, "agent": agent}


# ---- The environment ----


def begin(problem, noise):
    """The states in which the episodes begin, as one-hot rows: (M, N, S)."""
    check_problem(problem)
    checks.floats('noise["start"]', noise["start"])
    if np.ndim(noise["start"]) != 2 or len(noise["start"]) != len(problem.start):
        raise ValueError(
            f"{len(problem.start)} problems need noise of ({len(problem.start)}, N) a step; "
            f"its shape is {np.shape(noise['start'])}."
        )
    return choose(np.expand_dims(problem.start, 1), noise["start"])


def step(problem, place, action, noise):
    """Move by chance from the state and the action to the next state; pay the table's reward."""
    M, S, A = np.shape(problem.reward)
    check_axes("action", action, np.shape(place)[:2], more="A")
    if np.shape(action)[-1] != A:
        raise ValueError(f"action must have {A} columns; its shape is {np.shape(action)}.")
    pair = np.expand_dims(place, -1) * np.expand_dims(action, -2)  # one-hot (M, N, S, A)
    pair = np.reshape(pair, (M, -1, S * A))
    chances = np.matmul(pair, np.reshape(problem.transition, (M, S * A, S)))
    reward = np.matmul(pair, np.reshape(problem.reward, (M, S * A, 1)))[..., 0]
    place = choose(chances, noise["next"])
    return place, reward, np.sum(place * np.expand_dims(ends(problem), 1), axis=-1)


def observe(problem, place):
    """The state as a one-hot row: (M, N, S)."""
    return place


TABULAR = Environment(begin, step, observe)


def ends(problem):
    """1 for the states that no action leaves and that pay nothing, 0 for the others: (M, S)."""
    own = np.eye(np.shape(problem.start)[-1], dtype=problem.start.dtype)[:, None]  # (S, 1, S)
    left = np.sum(problem.transition * (1.0 - own), axis=(-2, -1))
    paid = np.sum(abs(problem.reward), axis=-1)
    return ((left == 0.0) & (paid == 0.0)).astype(problem.start.dtype)


def choose(chances, noise):
    """One-hot rows drawn from chances (..., S) by noise (...), uniform in [0, 1).

    The first outcome is taken up to which the chances add up to more than the noise. What has no
    chance is never taken, however the sums are rounded.
    """
    bounds = np.cumsum(chances, axis=-1)
    total = bounds[..., -1:]
    beyond = (np.expand_dims(noise, -1) * total >= bounds) & (bounds < total)
    beyond = beyond.astype(chances.dtype)  # ones, then zeros, of which the last is one
    ones = np.ones_like(beyond[..., :1])
    return np.concatenate([ones, beyond[..., :-1]], axis=-1) - beyond


# ---- Checks ----


def check_counts(**counts):
    """Raise unless every one of the named counts is an integer of at least 1."""
    for name, count in counts.items():
        checks.integer(name, count, at_least=1)


def check_problem(problem):
    """Raise unless problem is Tabular, its axes agree and, where readable, its chances add to 1."""
    if not isinstance(problem, Tabular):
        raise TypeError(f"problem must be Tabular; it is {checks.describe(problem)}.")
    for name, letters in (("transition", "M S A S"), ("reward", "M S A"), ("start", "M S")):
        checks.array(f"problem.{name}", getattr(problem, name), letters)
    M, S, A, following = np.shape(problem.transition)
    if (M, S, A, S) != (*np.shape(problem.reward), following) or (M, S) != np.shape(problem.start):
        raise ValueError(
            "transition, reward and start of problem must be (M, S, A, S), (M, S, A) and (M, S); "
            f"their shapes are {', '.join(str(np.shape(part)) for part in problem)}."
        )
    for name in ("transition", "start"):
        check_distributions(f"problem.{name}", getattr(problem, name))


def check_distributions(name, value):
    """Raise unless, where readable, no number is negative and each row adds to 1."""
    checks.not_negative(name, value)
    if checks.readable(value):
        total = numpy.sum(value, axis=-1)
        wrong = abs(total - 1.0) > numpy.finfo(value.dtype).eps ** 0.5
        if numpy.any(wrong):
            raise ValueError(f"{name} must add up to 1 in each row; one adds to {total[wrong][0]}.")
