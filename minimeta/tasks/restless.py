"""Restless bandits: A arms, each of which is good or bad, and changes whether it is pulled or not.

    reward_t = 1 with the chance `high` if the arm that was pulled is good, else with `low`
    after it every arm turns, from good to bad or from bad to good, with the chance `turn`

So each arm is a Markov chain of two states, and what was learned of it is soon out of date. A
problem is which arms are good at first, 1 or 0 (M, A). The world's noise is uniform in [0, 1),
{"pay": (T, M, N), "turn": (T, M, N, A)}. There is nothing to see, so the observation is a single 1,
and an episode goes on for as long as there is noise.

Sources: Whittle 1988, J. Appl. Prob. 25A (restless bandits); Gilbert 1960 and Elliott 1963 (the
process); Wang et al. 2016, arXiv:1611.05763, who play arms of low and high volatility.  Lesson rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks import choices
from minimeta.tasks.environment import Environment

HIGH, LOW, TURN = 0.9, 0.1, 0.1


def draw(rng, tasks, episodes, steps, arms=2):
    """Arms that are good at first with the chance 1/2, as they are in the long run, and noise."""
    checks.integer("arms", arms, at_least=2)
    noise = draw_noise(rng, tasks, episodes, steps, arms)
    return to_device(rng.integers(2, size=(tasks, arms)).astype(float)), noise


def draw_noise(rng, tasks, episodes, steps, arms=2):
    """{"world": {"pay": (T, M, N), "turn": (T, M, N, A)}, "agent": (T, M, N)}, all uniform."""
    choices.check_sizes(tasks, episodes, steps)
    checks.integer("arms", arms, at_least=2)
    shape = (steps, tasks, episodes)
    pay, turn = choices.uniform(rng, shape), choices.uniform(rng, (*shape, arms))
    return {"world": {"pay": pay, "turn": turn}, "agent": choices.uniform(rng, shape)}


def environment(high=HIGH, low=LOW, turn=TURN):
    """The Environment of arms that pay with these chances, and turn with this one.

    A place is which arms are good now, (M, N, A).
    """
    check_process(high, low, turn)

    def step(problem, place, action, noise):
        check_good("problem", problem, "M A")
        check_good("place", place, "M N A")
        choices.check_move(problem, place, action, np.shape(problem)[-1])
        check_noise(noise, np.shape(place))
        good = np.sum(action * place, axis=-1)
        reward = (noise["pay"] < low + (high - low) * good).astype(place.dtype)
        turns = (noise["turn"] < turn).astype(place.dtype)
        return place + turns * (1.0 - 2.0 * place), reward, np.zeros_like(reward)

    return Environment(begin, step, observe)


def begin(problem, noise):
    """Which arms are good at first, in every episode of a task: (M, N, A)."""
    check_good("problem", problem, "M A")
    choices.check_parts(noise, ("pay", "turn"))
    choices.check_begin(problem, noise["pay"])
    shape = (*np.shape(noise["pay"]), np.shape(problem)[-1])
    check_noise(noise, shape)
    return np.broadcast_to(np.expand_dims(problem, 1), shape)


def observe(problem, place):
    """The number 1: (M, N, 1)."""
    return np.ones_like(place[..., :1])


def check_process(high, low, turn):
    """Raise unless these are chances, and good arms pay more often than bad ones."""
    checks.number("low", low, at_least=0.0, at_most=1.0)
    checks.number("high", high, above=low, at_most=1.0)
    checks.number("turn", turn, at_least=0.0, at_most=1.0)


def check_good(name, value, letters):
    """Raise unless value says of every arm whether it is good, by 1 or 0."""
    choices.check_filled(name, value, letters)
    if checks.readable(value) and not numpy.all((value == 0.0) | (value == 1.0)):
        wrong = value[(value != 0.0) & (value != 1.0)][0]
        raise ValueError(f"{name} must be 1 for good arms and 0 for others; it has {wrong:.3g}.")


def check_noise(noise, shape):
    """Raise unless the noise of one step is for episodes and arms of this shape, (M, N, A)."""
    choices.check_parts(noise, ("pay", "turn"))
    choices.check_uniform(noise["pay"], shape[:2], "noise['pay']")
    choices.check_uniform(noise["turn"], shape, "noise['turn']")


RESTLESS = environment()
