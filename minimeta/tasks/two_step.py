"""The two-step task: a choice leads to one of two places, and one of these places pays more often.

    stage 1   action 1 leads to place 1 with the chance `common` and to place 2 otherwise;
              action 2 leads to place 2 with the chance `common` and to place 1 otherwise
    stage 2   whatever the action, place 1 or 2 pays 1 with a chance of its own; then stage 1 again

A problem is the chances (M, 2) with which the places pay, (.9, .1) or (.1, .9) if `draw` makes it.
A trial is two steps. The observation is a one-hot row (3) for stage 1, place 1 and place 2. An
episode goes on for as long as there is noise. An agent that looks only at what its actions earned
learns less than one that also looks at where they led: a reward after an uncommon way speaks for
the *other* action.

Sources: Daw et al. 2011, Neuron 69; Wang et al. 2016, arXiv:1611.05763, with common = .75.  Lesson
rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import bandits, choices
from minimeta.tasks.environment import Environment

COMMON, HIGH = 0.75, 0.9  # how often an action leads to its place, and the better place pays


def draw(rng, tasks, episodes, steps, high=HIGH):
    """Problems in which a coin toss says which place is the better one, and noise for them.

    The better place pays with the chance `high` and the other one with 1 - high. A trial is two
    steps.
    """
    return bandits.draw_dependent(rng, tasks, episodes, steps, high)


def environment(common=COMMON):
    """The Environment in which an action leads to its own place with this chance."""
    checks.number("common", common, above=0.5, at_most=1.0)

    def step(problem, place, action, noise):
        choices.check_chances("problem", problem, "M A")
        choices.check_one_hot("place", place, "M N O", 3)
        choices.check_move(problem, place, action, 2)
        choices.check_uniform(noise, np.shape(place)[:2])
        usual = (noise < common).astype(noise.dtype)[..., None]
        led = usual * action + (1.0 - usual) * (1.0 - action)  # to place 1 or 2, (M, N, 2)
        first, second = place[..., :1], place[..., 1:]
        reward = (noise < np.sum(second * problem[:, None], axis=-1)).astype(noise.dtype)
        following = np.concatenate([1.0 - first, first * led], axis=-1)
        return following, reward, np.zeros_like(noise)

    return Environment(begin, step, observe)


def begin(problem, noise):
    """Stage 1, as a one-hot row: (M, N, 3)."""
    choices.check_chances("problem", problem, "M A")
    if np.shape(problem)[-1] != 2:
        raise ValueError(f"problem must be of two places, (M, 2); its shape is {problem.shape}.")
    choices.check_begin(problem, noise)
    first = to_device(numpy.array([1.0, 0.0, 0.0]))
    return np.broadcast_to(first, (*np.shape(noise), 3))


def observe(problem, place):
    """The place as a one-hot row: (M, N, 3)."""
    return place


def mean_rewards(problem, observation):
    """What each action earns in the mean in its trial, at stage 1: (M, N, T, 3) -> (M, N, T, 2).

    At stage 2 it is 0, as the action has no say there. So the mean reward of a trial is counted
    where it is decided, for `policy_gradient.bandit_gradient` on TWO_STEP. What is seen next may
    depend on the action here: the mean is over all that follows the choice in its trial.
    """
    choices.check_one_hot("observation", observation, "M N T O", 3)
    earned = COMMON * problem + (1.0 - COMMON) * problem[:, ::-1]  # (M, 2)
    return observation[..., :1] * earned[:, None, None]


TWO_STEP = environment()
