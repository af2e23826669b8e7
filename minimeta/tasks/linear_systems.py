"""Linear systems with quadratic costs: push a state towards zero with little effort.

    state_t+1 = A state_t + B action_t + push * noise_t
    reward_t  = -(state_t' Q state_t + action_t' R action_t)
    observation = state

A problem is a `System` of the four matrices, one of each for a task. Everything can be seen, so a
policy needs no memory, and the best one is linear, action = -K state, with a gain K that
exact/lqr.py computes. What makes tasks differ is which gain that is. Episodes begin at normal
states and go on for as long as there is noise.

Source: Kalman 1960, "Contributions to the theory of optimal control".  Lesson objectives.
"""

from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks.drawing import generator, limits
from minimeta.tasks.environment import Environment


class System(NamedTuple):
    """A (M, O, O) and B (M, O, A) move the state; Q (M, O, O) and R (M, A, A) are its costs."""

    A: object
    B: object
    Q: object
    R: object


def draw(rng, tasks, episodes, steps, batches=1, states=2, actions=1, radius=(0.5, 1.0)):
    """Systems, and noise for so many batches of episodes: (System, [noise, ...])."""
    checks.integer("batches", batches, at_least=1)
    system = draw_systems(rng, tasks, states, actions, radius)
    noises = [draw_noise(rng, tasks, episodes, steps, states, actions) for _ in range(batches)]
    return system, noises


def draw_systems(rng, tasks, states=2, actions=1, radius=(0.5, 1.0)):
    """A System of random matrices; the largest eigenvalue of A has a length within `radius`.

    Left alone, a system of radius below 1 comes to rest, and costs are finite under a discount d
    for every radius below 1 / sqrt(d). Q is the identity and R a tenth of it.
    """
    for name, value in (("tasks", tasks), ("states", states), ("actions", actions)):
        checks.integer(name, value, at_least=1)
    lengths = generator(rng).uniform(*limits("radius", radius), size=(tasks, 1, 1))
    A = rng.normal(size=(tasks, states, states))
    A = A * lengths / abs(numpy.linalg.eigvals(A)).max(axis=-1)[:, None, None]
    B = rng.normal(size=(tasks, states, actions))
    Q = numpy.tile(numpy.eye(states), (tasks, 1, 1))
    R = numpy.tile(0.1 * numpy.eye(actions), (tasks, 1, 1))
    return to_device(System(A, B, Q, R))


def draw_noise(rng, tasks, episodes, steps, states=2, actions=1):
    """{"world": {"start", "push"}, "agent"}, all standard normal: (T, M, N, O) or (T, M, N, A)."""
    for name, value in (("tasks", tasks), ("episodes", episodes), ("steps", steps)):
        checks.integer(name, value, at_least=1)
    checks.integer("states", states, at_least=1)
    checks.integer("actions", actions, at_least=1)
    normal = lambda width: generator(rng).normal(size=(steps, tasks, episodes, width))
    world = {"start": normal(states), "push": normal(states)}
    return to_device({"world": world, "agent": normal(actions)})


def environment(push=0.1):
    """The Environment in which noise of this standard deviation pushes the state at every step."""
    checks.number("push", push, at_least=0.0)

    def step(problem, place, action, noise):
        if np.shape(action) != (*np.shape(place)[:2], np.shape(problem.B)[-1]):
            raise ValueError(
                f"action must have shape {(*np.shape(place)[:2], np.shape(problem.B)[-1])}, as the "
                f"system has it; its shape is {np.shape(action)}."
            )
        cost = np.sum((place @ problem.Q) * place, axis=-1)
        cost = cost + np.sum((action @ problem.R) * action, axis=-1)
        turn = lambda matrix: np.swapaxes(matrix, -1, -2)  # states and actions are rows here
        place = place @ turn(problem.A) + action @ turn(problem.B) + push * noise["push"]
        return place, -cost, np.zeros_like(cost)

    return Environment(begin, step, observe)


def begin(problem, noise):
    """The states at which the episodes begin, which are the noise: (M, N, O)."""
    check_system("problem", problem)
    start = noise["start"]
    checks.array("the start in noise", start, "M N O")
    if (len(start), np.shape(start)[-1]) != np.shape(problem.A)[:2]:
        raise ValueError(
            f"The start in noise must be (M, N, O) for a problem with A {np.shape(problem.A)}; "
            f"its shape is {np.shape(start)}."
        )
    return start


def observe(problem, place):
    """The state itself: (M, N, O)."""
    return place


LINEAR_SYSTEMS = environment()


def check_system(name, system):
    """Raise unless these are the matrices of a System, of fitting shapes, with proper costs."""
    if not isinstance(system, System):
        raise TypeError(f"{name} must be a System; it is a {type(system).__name__}.")
    for field, matrix in zip(System._fields, system):
        checks.array(f"{name}.{field}", matrix, "M O O")
    M, O, A = np.shape(system.B)
    shapes, right = [np.shape(m) for m in system], [(M, O, O), (M, O, A), (M, O, O), (M, A, A)]
    if shapes != right:
        raise ValueError(
            f"{name} must have A (M, O, O), B (M, O, A), Q (M, O, O), R (M, A, A); "
            f"they are {', '.join(map(str, shapes))}."
        )
    for field in ("Q", "R"):
        check_cost(f"{name}.{field}", getattr(system, field))


def check_cost(name, matrix):
    """Raise unless the matrices are positive definite, where that can be read."""
    checks.covariance(name, matrix)
    if checks.readable(matrix) and numpy.min(numpy.linalg.eigvalsh(matrix)) <= 0.0:
        raise ValueError(f"{name} must be positive definite; some state or action costs nothing.")
