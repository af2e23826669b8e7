"""MetaGenRL: learn the loss that policies descend, by what a critic says of each step.

    meta:    L, a network that gives a loss for every step of an episode
    live:    N episodes of each task,  a_t = pi_phi(s_t) + deviation * noise_t
    adapt:   phi' = phi - alpha dL/dphi,  L = mean_{n,t} L_t     L sees phi through pi_phi(s_t)
    learn:   max_L  E Q(s_t, pi_phi'(s_t)) - Q(s_t, pi_phi(s_t))

L_t is told the reward, the values of this state and the next, the action, and what the policy would
do. It is not told which task this is, nor the critic's opinion of any action: that is known to the
outer loop alone, which follows dQ/da through the inner step. So a learned L can train policies
where there is no critic of actions, only values. Its network is that of objectives.py.

Rewards, values and critics are divided by the standard deviation of the values of a task, and
gradients of one task that are longer than `longest` are shortened to it, for every loss. A policy
that is not stable has no value; then the critic is not `sound`, and the step teaches nothing.

Every meta-gradient is that of a population: M tasks with a policy each, which learn through a few
inner steps. Only one step at a time is differentiated; where policies came from is a constant.

Source: Kirsch, van Steenkiste & Schmidhuber 2019, arXiv:1910.04098, with learned critics, old
episodes and normalised rewards apart from values.  Lesson objectives.
"""

from typing import Callable, NamedTuple

from minimeta.agents.objectives import Experience
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import leaves, tree_map
from minimeta.tasks.environment import rollout


class Critic(NamedTuple):
    """action_value(state, action) -> (M, N, T);  sound (M,) is 1, or 0 where it is no value."""

    action_value: Callable
    sound: object

    __reduce__ = reduce_record  # so that it can be sent to another process


class Agents(NamedTuple):
    """How a population lives and learns; the critic is (problem, policy, phi, episodes) -> Critic.

    policy has apply(phi, observation (M, N, O)) -> (M, N, A), a Net with a copy for each task.
    """

    policy: object
    environment: object
    critic: Callable
    deviation: float = 0.5
    step_size: float = 0.3
    longest: float = 1.0

    __reduce__ = reduce_record  # so that it can be sent to another process


# ---- One policy a task ----


def act_on(policy, phi, state):
    """pi_phi at states (M, N, T, O): (M, N, T, A)."""
    M, N, T, O = np.shape(state)
    action = policy.apply(phi, np.reshape(state, (M, N * T, O)))
    return np.reshape(action, (M, N, T, np.shape(action)[-1]))


def live(agents, phi, problem, noise):
    """The Experience of each task under its own policy, and noise for T + 1 steps: constants."""
    act = lambda memory, state, now: (
        memory,
        agents.policy.apply(phi, state) + agents.deviation * now,
    )
    episodes = constant(rollout(agents.environment, act, problem, noise))
    if np.shape(episodes.reward)[-1] < 2:
        raise ValueError("noise must be for at least two steps: the last shows where they lead to.")
    critic = agents.critic(problem, agents.policy, constant(phi), episodes)
    return gather(agents.policy, phi, episodes, critic)


def gather(policy, phi, episodes, critic):
    """The Experience of the episodes, whose last step only shows where the one before leads to."""
    state = episodes.observation
    value = critic.action_value(state, act_on(policy, phi, state))  # (M, N, T + 1)
    spread = np.std(value, axis=(1, 2), keepdims=True)
    scale = constant(np.where(spread > 0.0, spread, np.ones_like(spread)))
    state, action, reward = (x[:, :, :-1] for x in (state, episodes.action, episodes.reward))
    numbers = reward / scale, value[:, :, :-1] / scale, value[:, :, 1:] / scale, critic.sound
    judge = lambda action: critic.action_value(state, action) / scale
    return Experience(*constant((state, action, *numbers)), judge)


def adapt(objective, meta, agents, phi, experience):
    """phi' = phi - alpha dL/dphi, the policies (M, ...) after one step on their experience."""

    def total(phi):
        """The sum over tasks, which share no leaf, of L = mean_{n,t} L_t."""
        proposal = act_on(agents.policy, phi, experience.state)
        return np.sum(np.mean(objective(meta, experience, proposal), axis=(-2, -1)))

    gradient = shorten(grad(total)(phi), agents.longest)
    return tree_map(lambda p, g: p - agents.step_size * g, phi, gradient)


def shorten(gradient, longest):
    """The gradients (M, ...) of M tasks, each no longer than `longest`."""
    along = lambda leaf: tuple(range(1, np.ndim(leaf)))
    squares = sum(np.sum(leaf**2, axis=along(leaf)) for leaf in leaves(gradient))  # (M,)
    part = longest / np.sqrt(np.maximum(squares, longest**2))
    spread = lambda leaf: np.reshape(part, (-1, *[1] * (np.ndim(leaf) - 1)))
    return tree_map(lambda leaf: spread(leaf) * leaf, gradient)


def lifetime(objective, meta, agents, problem, phi, noises):
    """[phi_0, phi_1, ...]: the policies before, and after a step on the episodes of each noise."""
    path = [phi]
    for noise in noises:
        experience = live(agents, path[-1], problem, noise)
        path.append(adapt(objective, meta, agents, path[-1], experience))
    return path


# ---- The outer loop ----


def loss_of_step(policy, phi, experience):
    """mean_{n,t} V(s) - Q(s, pi_phi(s)), and 0 where the critic is not sound: (M,)."""
    worse = experience.value - experience.judge(act_on(policy, phi, experience.state))
    return experience.sound * np.mean(worse, axis=(-2, -1))


def meta_gradient(objective, agents):
    """For train: (meta, (problem, phi, noises)) -> (value, gradient).

    The value is the loss of an inner step, in the mean over a lifetime from the policies phi.
    """
    check_agents(objective, agents)

    def loss(meta, data):
        problem, phi, noises = check_triple(data)
        total = 0.0
        for noise in noises:
            experience = live(agents, phi, problem, noise)
            after = adapt(objective, meta, agents, phi, experience)
            total = total + np.mean(loss_of_step(agents.policy, after, experience))
            phi = constant(after)
        return total / len(noises)

    return value_and_grad(loss)


def check_agents(objective, agents):
    """Raise unless these can live and learn."""
    checks.function("objective", objective)
    if not isinstance(agents, Agents):
        raise TypeError(f"agents must be an Agents; it is {checks.describe(agents)}.")
    checks.functions("agents", agents, "critic")
    checks.functions("agents.policy", agents.policy, "init", "apply")
    checks.functions("agents.environment", agents.environment, "begin", "step", "observe")
    checks.number("agents.deviation", agents.deviation, at_least=0.0)
    checks.number("agents.step_size", agents.step_size, at_least=0.0)
    checks.number("agents.longest", agents.longest, above=0.0)


def check_triple(data):
    """data, which must be (problem, phi, noises) with at least one noise."""
    if not isinstance(data, (tuple, list)) or len(data) != 3:
        raise ValueError(
            f"data must be a triple (problem, phi, noises); it is a {type(data).__name__}."
        )
    if not isinstance(data[2], (tuple, list)) or not len(data[2]):
        raise ValueError("noises must be a list of at least one noise, one for each inner step.")
    return data
