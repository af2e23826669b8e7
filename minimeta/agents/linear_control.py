"""What agents of linear systems have: a linear policy, and critics that are quadratic forms.

    policy     pi(s) = -K s                                  phi = {"K": (M, A, O)}
    critic     Q(s, a) = -z' H z - c,  z = [s, a]            H and c for each task

`exact_critic` knows the system and solves for H and c (exact/lqr.py). `least_squares_critic` knows
the episodes alone: it takes the H and c whose temporal differences have no correlation left with
the features f(z), which are the products of the parts of z, and 1:

    w = (sum f (f - d f')')^-1 sum f r          f' = f at the next state and the policy's action

Sources: Bradtke, Ydstie & Barto 1994; Lagoudakis & Parr 2003 (LSTDQ).  Lesson objectives.
"""

import numpy

from minimeta.agents.metagenrl import Critic, act_on
from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.trees import copies
from minimeta.exact import lqr
from minimeta.nets import Net
from minimeta.tasks import linear_systems


def policy(states=2, actions=1):
    """The Net of -K s, which begins with K = 0: leaving the system alone."""
    checks.integer("states", states, at_least=1)
    checks.integer("actions", actions, at_least=1)
    return Net(
        lambda rng: {"K": np.zeros((actions, states))},
        lambda phi, x: -x @ np.swapaxes(phi["K"], -1, -2),
    )


def draw(rng, tasks, episodes, steps, batches=1, states=2, actions=1, radius=(0.5, 1.0)):
    """What a lifetime needs: (systems, policies with K = 0, [noise, ...])."""
    system, noises = linear_systems.draw(
        rng, tasks, episodes, steps, batches, states, actions, radius
    )
    return system, copies(policy(states, actions).init(rng), tasks), noises


def quadratic_critic(H, c, sound):
    """The Critic -z' H z - c of every task, for H (M, O + A, O + A), c (M,) and sound (M,)."""

    def value(state, action):
        z = np.concatenate([state, action], axis=-1)  # (M, N, T, O + A)
        return -np.sum((z @ H[:, None]) * z, axis=-1) - c[:, None, None]

    return Critic(value, sound)


def exact_critic(discount=0.9, push=0.1):
    """The critic of Lyapunov's equation; it is sound where the policy is stable.

    `push` must be that of the environment.
    """
    lqr.constant(np.ones((1, 1, 1)), discount, push)  # refuses what has no finite value

    def critic(system, policy, phi, episodes):
        P = lqr.state_cost(system, phi["K"], discount)
        sound = lqr.is_stable(P).astype(P.dtype)
        c = lqr.constant(P, discount, push)
        return quadratic_critic(lqr.action_cost(system, P, discount), c, sound)

    return critic


def least_squares_critic(discount=0.9, ridge=1e-4):
    """The critic of temporal differences; `ridge` is added to their matrix, in parts of its size.

    It sees no system: states, actions and rewards are enough.
    """
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    checks.number("ridge", ridge, at_least=0.0)

    def critic(system, policy, phi, episodes):
        state, reward = episodes.observation, episodes.reward[:, :, :-1]
        now = features(state[:, :, :-1], episodes.action[:, :, :-1])  # (M, N, T, K)
        following = features(state[:, :, 1:], act_on(policy, phi, state)[:, :, 1:])
        differences = np.einsum("mntk,mntl->mkl", now, now - discount * following)
        size = np.mean(np.sum(now**2, axis=(1, 2)), axis=-1)[:, None, None]
        own = differences + ridge * size * np.eye(np.shape(now)[-1], dtype=now.dtype)
        gathered = np.sum(now * reward[..., None], axis=(1, 2))
        w = np.linalg.solve(own, gathered[..., None])[..., 0]
        width = np.shape(state)[-1] + np.shape(episodes.action)[-1]
        return quadratic_critic(symmetric(-w[:, :-1], width), -w[:, -1], np.ones_like(w[:, 0]))

    return critic


def features(state, action):
    """The products z_i z_j with i <= j of z = [s, a], and 1: (M, N, T, K)."""
    z = np.concatenate([state, action], axis=-1)
    first, second = numpy.triu_indices(np.shape(z)[-1])
    return np.concatenate([z[..., first] * z[..., second], np.ones_like(z[..., :1])], axis=-1)


def symmetric(products, width):
    """The matrices whose quadratic forms have these weights (M, K) of the products z_i z_j."""
    first, second = numpy.triu_indices(width)
    place = numpy.zeros((len(first), width, width))
    place[range(len(first)), first, second] += 0.5
    place[range(len(first)), second, first] += 0.5
    return np.tensordot(products, to_device(place), 1)
