"""A corridor with a goal at one of its ends: look, remember, and then be quick.

    left end  . . . . middle . . . .  right end          `length` cells from the middle to an end

Each step moves left (action 1) or right (action 2) by a cell, or the other way with the chance
`slip`. At an end, a move outwards changes nothing. Coming to the goal pays 1, and the agent is back
in the middle at once; coming to the other end pays nothing, and it has to walk all the way back.
Which end is the goal stays the same for the whole episode, and cannot be seen.

A problem is the goal as a one-hot row (M, 2) of the ends. The observation is the cell as a one-hot
row (2 length + 1), and an episode goes on for as long as there is noise.

Source: this project's, after the T-mazes on which memories are tested, such as that of Bakker 2002.
Lesson rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import bandits, choices
from minimeta.tasks.environment import Environment

LENGTH = 3


def draw(rng, tasks, episodes, steps):
    """Goals, each end with the chance 1/2, and noise: (problem, noise)."""
    noise = bandits.draw_noise(rng, tasks, episodes, steps)
    return to_device(numpy.eye(2)[rng.integers(2, size=tasks)]), noise


def environment(length=LENGTH, slip=0.0):
    """The Environment of a corridor with so many cells on each side of its middle."""
    checks.integer("length", length, at_least=2)
    checks.number("slip", slip, at_least=0.0, below=0.5)
    cells = 2 * length + 1

    def begin(problem, noise):
        choices.check_one_hot("problem", problem, "M A", 2)
        choices.check_begin(problem, noise)
        return np.broadcast_to(cell(length, cells), (*np.shape(noise), cells))

    def step(problem, place, action, noise):
        choices.check_one_hot("problem", problem, "M A", 2)
        choices.check_one_hot("place", place, "M N P", cells)
        choices.check_move(problem, place, action, 2)
        choices.check_uniform(noise, np.shape(place)[:2])
        slips = (noise < slip).astype(noise.dtype)[..., None]
        way = slips * action[..., ::-1] + (1.0 - slips) * action  # (M, N, 2)
        following = way[..., :1] * left_of(place) + way[..., 1:] * right_of(place)
        ends = np.stack([following[..., 0], following[..., -1]], axis=-1)
        reward = np.sum(ends * problem[:, None], axis=-1)
        back = reward[..., None] * (cell(length, cells) - following)
        return following + back, reward, np.zeros_like(reward)

    return Environment(begin, step, lambda problem, place: place)


def cell(number, cells):
    """The cell of this number, as a one-hot row: (P,)."""
    return to_device(numpy.eye(cells)[number])


def left_of(place):
    """The cell to the left, or the same at the left end: (..., P) -> (..., P)."""
    first = place[..., :1] + place[..., 1:2]
    return np.concatenate([first, place[..., 2:], np.zeros_like(first)], axis=-1)


def right_of(place):
    """The cell to the right, or the same at the right end: (..., P) -> (..., P)."""
    return left_of(place[..., ::-1])[..., ::-1]


CORRIDOR = environment()
