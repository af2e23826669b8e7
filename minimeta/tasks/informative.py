"""A bandit with an informative arm: A arms of which one is the target, and one more that tells.

    reward = 5                             for the target
             1                             for every other of the A arms
             (number of the target) / A    for the last arm, with numbers from 1 to A

A problem is the target as a one-hot row (M, A), and actions are one-hot rows of A + 1. The last arm
pays least, but what it pays says which arm is the target. Nothing here is chance, and nothing is to
see: the observation is a single 1. The world's noise only says how many episodes there are.

Source: Wang et al. 2016, arXiv:1611.05763, section 3.1.3, with ten arms and five steps.  Lesson
rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import bandits, choices
from minimeta.tasks.environment import Environment

TARGET, OTHER = 5.0, 1.0  # what the target and the other arms pay


def draw(rng, tasks, episodes, steps, arms=10):
    """Targets that are uniform among A arms, and noise: (problem, noise)."""
    checks.integer("arms", arms, at_least=2)
    noise = bandits.draw_noise(rng, tasks, episodes, steps)
    target = rng.integers(arms, size=tasks)
    return to_device(numpy.eye(arms)[target]), noise


def begin(problem, noise):
    """The one place there is, as the number 1: (M, N, 1)."""
    choices.check_one_hot("problem", problem, "M A")
    choices.check_begin(problem, noise)
    return np.ones((*np.shape(noise), 1))


def step(problem, place, action, noise):
    """Pay what the arm that was pulled pays; never done."""
    pays = payments(problem)
    choices.check_move(problem, place, action, np.shape(problem)[-1] + 1)
    reward = np.sum(action * np.expand_dims(pays, 1), axis=-1)
    return place, reward, np.zeros_like(reward)


def observe(problem, place):
    """The number 1: (M, N, 1)."""
    return place


def payments(problem):
    """What each arm pays, the one that tells last: (M, A) -> (M, A + 1)."""
    choices.check_one_hot("problem", problem, "M A")
    arms = np.shape(problem)[-1]
    tells = np.sum(problem * (np.arange(arms, dtype=problem.dtype) + 1.0), axis=-1) / arms
    return np.concatenate([OTHER + (TARGET - OTHER) * problem, tells[:, None]], axis=-1)


def mean_rewards(problem, observation):
    """What each arm pays, whatever is observed (M, N, ..., O): (M, N, ..., A + 1)."""
    return bandits.mean_rewards(payments(problem), observation)


INFORMATIVE = Environment(begin, step, observe)
