"""Agents that are tables, and fixed rules by which they learn: REINFORCE and actor-critic (A2C).

    policy       pi(a|s) = softmax(logits[s])[a]                       logits (M, S, A)
    step         logits[s] += step_size mean_n sum_{t: s_t = s} target_t (e_a - pi(.|s))
    REINFORCE    target_t = G_t - b_t                                  G the return, b a baseline
    A2C          target_t = sum_{k >= 0} decay^k delta_t+k             delta = r + V(s') - V(s)
                 V[s] += value_step mean_n sum_{t: s_t = s} target_t

e_a - pi is the score of the action, d log pi(a|s) / dlogits[s], so a rule for tables needs no
gradient: what the target is makes the rule. `live` is a life of so many updates, each from N fresh
episodes, and `curve` says how good the policies were, exactly. S counts states.

An episode of T steps is over then, whatever the state: there is no value after the last step.

Source: Williams 1992; Mnih et al. 2016, arXiv:1602.01783 (A2C); Schulman et al. 2015,
arXiv:1506.02438 (decay, their lambda).  Lesson objectives.
"""

from functools import partial

from minimeta.agents import critics
from minimeta.agents.acting import pick
from minimeta.agents.policy_gradient import advantages, leave_one_out
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant
from minimeta.core.losses import softmax
from minimeta.exact.tabular import normalised
from minimeta.tasks.environment import rollout
from minimeta.tasks.tabular import TABULAR, check_problem


def start(problem):
    """The agents before they learn, one for each task: uniform policies, values of 0."""
    check_problem(problem)
    return {"logits": np.zeros_like(problem.reward), "values": np.zeros_like(problem.start)}


def play(agent, problem, noise):
    """The Episodes of each task under its own agent, constants to every gradient."""
    logits = constant(agent["logits"])
    act = lambda memory, observation, now: (memory, pick(np.matmul(observation, logits), now))
    return rollout(TABULAR, act, problem, noise)


def live(update, agent, problem, noises):
    """[agent, ...] before, and after each update(agent, episodes), one for every noise."""
    agents = [agent]
    for noise in noises:
        agents.append(update(agents[-1], play(agents[-1], problem, noise)))
    return agents


def curve(agents, problem, steps):
    """How good each policy is, from 0, the uniform one, to 1, the best: exactly, (U + 1, M)."""
    value = lambda agent: normalised(problem, softmax(agent["logits"]), steps)
    return np.stack([value(agent) for agent in agents])


def area(values):
    """The mean height of curves (U + 1, M) by the trapezoidal rule: (M,)."""
    return np.mean((values[1:] + values[:-1]) / 2.0, axis=0)


# ---- Rules ----


def reinforce(agent, episodes, step_size, baseline=leave_one_out):
    """The agent after a step of REINFORCE; the baseline is one of agents/policy_gradient.py."""
    target = advantages(episodes, baseline)
    return {**agent, "logits": climb(agent["logits"], episodes, target, step_size)}


def actor_critic(agent, episodes, step_size, value_step, decay=0.95):
    """The agent after a step of A2C: the critic's errors, decayed, are what both tables follow."""
    values = look_up(agent["values"][..., None], episodes)[..., 0]
    target = critics.advantages(episodes, values, trace_decay=decay)
    visits = add_by_state(episodes, np.expand_dims(target, -1))[..., 0]  # (M, S)
    return {
        "logits": climb(agent["logits"], episodes, target, step_size),
        "values": agent["values"] + value_step * visits,
    }


def climb(logits, episodes, target, step_size):
    """logits + step_size mean_n sum_t target_t (e_a - pi), for targets (M, N, T): (M, S, A)."""
    checks.quantity("step_size", step_size, at_least=0.0)
    checks.same_shape("target", target, "episodes.reward", episodes.reward)
    score = episodes.action - look_up(softmax(logits), episodes)  # (M, N, T, A)
    return logits + step_size * add_by_state(episodes, np.expand_dims(target, -1) * score)


# ---- Tables and episodes ----


def look_up(table, episodes):
    """The rows of a table (M, S, C) at the states of the episodes: (M, N, T, C)."""
    M, N, T, S = np.shape(episodes.observation)
    rows = np.matmul(np.reshape(episodes.observation, (M, N * T, S)), table)
    return np.reshape(rows, (M, N, T, -1))


def add_by_state(episodes, rows):
    """mean_n sum_{t: s_t = s} of rows (M, N, T, C): (M, S, C)."""
    M, N, T, S = np.shape(episodes.observation)
    states = np.swapaxes(np.reshape(episodes.observation, (M, N * T, S)), -1, -2)
    return np.matmul(states, np.reshape(rows, (M, N * T, -1))) / N


def ending(episodes):
    """done, and 1 at the last step too, where the episode is over in any case: (M, N, T)."""
    return np.concatenate([episodes.done[..., :-1], np.ones_like(episodes.done[..., -1:])], axis=-1)


def following(values, done):
    """The values (M, N, T) of the step after, 0 where there is none."""
    after = np.concatenate([values[..., 1:], np.zeros_like(values[..., :1])], axis=-1)
    return (1.0 - done) * after


# ---- Tuning ----


def best_setting(rule, settings, problem, noises):
    """The setting, of a list of dicts, whose life on these tasks has the largest mean area."""
    steps = len(noises[0]["agent"])

    def score(setting):
        agents = live(partial(rule, **setting), start(problem), problem, noises)
        return float(np.mean(area(curve(agents, problem, steps))))

    return max(settings, key=score)
