"""Acting: environments as pure functions, and the episodes that an agent lives through in them.

    place_0 = begin(problem, world_0)                        for t = 0 ... T-1:
    memory, action_t            = act(memory, observe(problem, place_t), agent_t)
    place_t+1, reward_t, done_t = step(problem, place_t, action_t, world_t)
    return at t:                  G_t = sum_{s >= t} discount^(s-t) reward_s

All functions work on M tasks with N episodes each at once. `problem` is what the tasks of a batch
differ in, a tree of leaves (M, ...); `place` is where an episode is, a tree of leaves (M, N, ...).
Actions (M, N, A) are one-hot rows or real vectors, rewards (M, N) any numbers.

All chance is drawn before: noise = {"world": ..., "agent": ...}, two trees of arrays (T, M, N,
...), of which every step sees its own row; a part without chance is an empty tree, (). So a rollout
is a pure function of the agent and the noise: one seed gives one history, two agents can be
compared on the same noise, and gradients and replay can follow it. `begin` and the first step see
the same row, so an environment that draws its start needs a leaf for that alone.

`done` is 1 from the step at which an episode ends, which may be never before T. That step's reward
is the last that counts: after it the place is held and rewards are 0, whatever the environment and
the agent do. Trials of several episodes, which an agent learns across, are an environment that
begins afresh inside its `step` and is done after the last.
"""

from typing import Any, Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import check_alike, leaves, names, tree_map


class Environment(NamedTuple):
    """A family of decision problems.

    begin(problem, noise) -> place                                where the episodes start
    step(problem, place, action, noise) -> place, reward, done    rewards and done are (M, N) floats
    observe(problem, place) -> observation                        what the agent sees: (M, N, ...)
    """

    begin: Callable
    step: Callable
    observe: Callable

    __reduce__ = reduce_record  # so that it can be sent to another process


class Episodes(NamedTuple):
    """What happened: observation (M, N, T, ...), action (M, N, T, A), reward, done (M, N, T)."""

    observation: Any
    action: Any
    reward: Any
    done: Any


def rollout(environment, act, problem, noise, memory=None, learn=None):
    """The Episodes that `act` lives through in the environment, under noise (T, M, N, ...).

    act(memory, observation, noise) -> memory, action; `memory` is what it is given first. An agent
    that learns as it acts also has learn(memory, observation, action, reward, done) -> memory,
    called with what came back from each step. Gradients are not cut here: an agent whose actions
    are constants says so itself, as `minimeta.agents.acting.pick` does.
    """
    check_players(environment, act, learn)
    T, M, N = check_noise(noise)
    over, history = np.zeros((M, N)), []
    place = environment.begin(problem, tree_map(lambda leaf: leaf[0], noise["world"]))
    tree_map(lambda leaf: check_axes("Each array of a place", leaf, (M, N), more="..."), place)
    for t in range(T):
        now = tree_map(lambda leaf: leaf[t], noise)  # noqa: B023  (used within this turn alone)
        observation = environment.observe(problem, place)
        check_numbers("observation", observation, over, more="...")
        answer = act(memory, observation, now["agent"])
        memory, action = parts_of("act", answer, "memory", "action")
        check_numbers("action", action, over, more="A")
        outcome = environment.step(problem, place, action, now["world"])
        following, reward, done = parts_of("environment.step", outcome, "place", "reward", "done")
        check_outcome(reward, done, over)
        place = hold(over, place, following)
        reward = np.where(over > 0.0, np.zeros_like(reward), reward)
        over = np.maximum(over, done)
        if learn:
            memory = learn(memory, observation, action, reward, over)
        history.append(Episodes(observation, action, reward, over))
    return Episodes(*(np.stack(part, axis=2) for part in zip(*history)))


def returns(reward, discount=1.0):
    """G_t, the discounted sum of the rewards from step t on: (M, N, T) -> (M, N, T).

    After the end of an episode rewards are 0, so that `done` need not be known here.
    """
    checks.floats("reward", reward)
    checks.axes("reward", reward, "M N T")
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    time = np.arange(np.shape(reward)[-1], dtype=reward.dtype)
    ahead = time[:, None] - time  # s - t, for rows s and columns t
    weight = (ahead >= 0.0) * float(discount) ** np.maximum(ahead, 0.0)
    return np.matmul(reward, weight)


def alive(done):
    """1 while an episode runs, its last step included, and 0 after: done (M, N, T) -> (M, N, T)."""
    checks.floats("done", done)
    checks.axes("done", done, "... T")
    check_ends(done)
    return np.concatenate([np.ones_like(done[..., :1]), 1.0 - done[..., :-1]], axis=-1)


def hold(over, place, following):
    """The following place where an episode goes on, the old one where it is over (M, N)."""
    check_alike("The place before a step", place, "the place after it", following)

    def either(before, after):
        check_axes("Each array of a place", after, np.shape(over), more="...")
        ended = np.reshape(over > 0.0, (*np.shape(over), *[1] * (np.ndim(after) - 2)))
        return np.where(ended, before, after)

    return tree_map(either, place, following)


# ---- Checks ----


def check_players(environment, act, learn):
    """Raise unless these are an Environment and functions; learn may be None."""
    checks.functions("environment", environment, "begin", "step", "observe")
    checks.function("act", act)
    if learn is not None:
        checks.function("learn", learn)


def parts_of(name, answer, *parts):
    """The answer of a function, a tuple of these parts; raise TypeError if it is no such tuple."""
    if not isinstance(answer, (tuple, list)) or len(answer) != len(parts):
        raise TypeError(f"{name} must return {', '.join(parts)}; it is {checks.describe(answer)}.")
    return answer


def check_noise(noise):
    """(T, M, N) of the noise; raise unless it is {"world", "agent"}, trees that agree on these."""
    if not isinstance(noise, dict) or set(noise) != {"world", "agent"}:
        what = f"has {list(noise)}" if isinstance(noise, dict) else f"is a {type(noise).__name__}"
        raise ValueError(f'noise must be a dict with "world" and "agent"; it {what}.')
    paths, arrays = names(noise, "noise"), leaves(noise)
    if not arrays:
        raise ValueError("noise must hold an array (T, M, N, ...), which says how long to act.")
    for path, leaf in zip(paths, arrays):
        checks.floats(path, leaf)
        if np.ndim(leaf) < 3:
            raise ValueError(
                f"{path} must have shape (T, M, N, ...); its shape is {np.shape(leaf)}."
            )
        if checks.readable(leaf):
            checks.finite(path, leaf)
        if np.shape(leaf)[:3] != np.shape(arrays[0])[:3]:
            raise ValueError(
                f"All noise must agree on the axes (T, M, N); {paths[0]} has shape "
                f"{np.shape(arrays[0])}, but {path} has {np.shape(leaf)}."
            )
    T, M, N = np.shape(arrays[0])[:3]
    if 0 in (T, M, N):
        raise ValueError(
            "noise must be for at least one step, task and episode; "
            f"its axes (T, M, N) are {(T, M, N)}."
        )
    return T, M, N


def check_axes(name, value, front, more):
    """Raise unless value is (M, N, A) or, if `more` is "...", begins with (M, N)."""
    shape = np.shape(value)
    if shape[:2] != front or (more == "A" and len(shape) != 3):
        raise ValueError(f"{name} must have shape {(*front, more)}; its shape is {shape}.")


def check_numbers(name, value, over, more):
    """Raise unless value is floats (M, N, more), and finite where the episode goes on."""
    checks.floats(name, value)
    check_axes(name, value, np.shape(over), more)
    check_alive(name, value, over)


def check_outcome(reward, done, over):
    """Raise unless reward and done are floats (M, N), and done, where readable, is 0 or 1."""
    for name, value in (("reward", reward), ("done", done)):
        checks.floats(name, value)
        if np.shape(value) != np.shape(over):
            raise ValueError(
                f"{name} must have shape {np.shape(over)}; its shape is {np.shape(value)}."
            )
    check_ends(done)
    check_alive("reward", reward, over)


def check_alive(name, value, over):
    """Raise unless value, where readable, is finite in all episodes that are not over (M, N)."""
    readable = checks.readable(value) and checks.readable(over)
    if readable and not numpy.isfinite(value).all():
        checks.finite(name, value[over == 0.0])


def check_ends(done):
    """Raise unless done, where readable, is 0 or 1."""
    if checks.readable(done) and not numpy.all((done == 0.0) | (done == 1.0)):
        raise ValueError(f"done must be 0 or 1; it has {done[(done != 0.0) & (done != 1.0)][0]}.")
