"""Tabular problems when the tables are known: values, gradients and the best policy.

    chain       P_pi[s, s'] = sum_a pi(a|s) transition[s, a, s'],   r_pi[s] = sum_a pi(a|s) r[s, a]
    for ever    V = (I - gamma P_pi)^-1 r_pi
    T steps     V_t = r_pi + gamma P_pi V_t+1,  V_T = 0             t steps are behind
    actions     Q = r + gamma transition V'                         V' of the step after
    return      J = start . V
    occupancy   d = sum_t gamma^t chance(state_t)                   J = d . r_pi
    gradient    dJ/dlogits[s, a] = sum_t gamma^t chance(state_t = s) pi(a|s) (Q_t[s, a] - V_t[s])
    best        V = max_a Q, by induction from the end, or for ever by better and better policies

`steps` is the number T, or None for episodes that go on for ever. A policy is pi (M, S, A); S
counts states. All but the best is differentiable in the policy. Ends are states that no action
leaves and that pay nothing: they count for nothing here, so that with discount = 1 the values for
ever are finite where every state leads to an end.  Lesson objectives.
"""

import math

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_host
from minimeta.core.gradients import constant
from minimeta.tasks.tabular import check_distributions, check_problem, ends

TIE = 100.0  # values that differ by so many roundings count as equal


# ---- The value of a policy ----


def markov_chain(problem, policy):
    """P_pi (M, S, S), without the ways to an end, and r_pi (M, S)."""
    going = np.reshape(1.0 - ends(problem), (*np.shape(problem.start)[:1], 1, 1, -1))
    chances = np.expand_dims(policy, -1) * problem.transition * going
    return np.sum(chances, axis=-2), np.sum(policy * problem.reward, axis=-1)


def state_values(problem, policy, steps=None, discount=1.0):
    """V of the first step, of every state: (M, S)."""
    check_question(problem, policy, steps, discount)
    P, r = markov_chain(problem, policy)
    if steps is None:
        return solve_for_ever(P, r, discount)
    return values_by_step(P, r, steps, discount)[0]


def solve_for_ever(P, r, discount):
    """(I - discount P)^-1 r: (M, S, S), (M, S) -> (M, S). Raise where rewards add up for ever."""
    if discount == 1.0:
        check_endings(constant(P))
    A = np.eye(np.shape(P)[-1], dtype=r.dtype) - discount * P
    return np.linalg.solve(A, np.expand_dims(r, -1))[..., 0]


def values_by_step(P, r, steps, discount):
    """[V_0, ..., V_T], each (M, S)."""
    V = [np.zeros_like(r)]
    for _ in range(steps):
        V.append(r + discount * np.matmul(P, np.expand_dims(V[-1], -1))[..., 0])
    return V[::-1]


def action_values(problem, values, discount=1.0):
    """Q = r + discount transition V', for values V' (M, S) of the step after: (M, S, A)."""
    return (
        problem.reward
        + discount
        * np.matmul(problem.transition, np.reshape(values, (len(values), 1, -1, 1)))[..., 0]
    )


def expected_return(problem, policy, steps=None, discount=1.0):
    """J = start . V, the mean return of an episode: (M,)."""
    V = state_values(problem, policy, steps, discount)
    return np.sum(problem.start * V, axis=-1)


def occupancy(problem, policy, steps=None, discount=1.0):
    """How often each state is visited, step t counting discount^t: (M, S); ends count for none."""
    check_question(problem, policy, steps, discount)
    P, _ = markov_chain(problem, policy)
    start = problem.start * (1.0 - ends(problem))
    if steps is None:
        return solve_for_ever(np.swapaxes(P, -1, -2), start, discount)
    return sum(visits_by_step(P, start, steps, discount))


def visits_by_step(P, start, steps, discount):
    """[discount^t chance(state_t)] for t = 0 ... T-1, each (M, S)."""
    d = [start]
    for _ in range(steps - 1):
        d.append(discount * np.matmul(np.expand_dims(d[-1], -2), P)[..., 0, :])
    return d


def policy_gradient(problem, policy, steps=None, discount=1.0):
    """dJ/dlogits of a softmax policy, the mean over all chance: (M, S, A)."""
    check_question(problem, policy, steps, discount)
    P, r = markov_chain(problem, policy)
    start = problem.start * (1.0 - ends(problem))
    if steps is None:
        V = solve_for_ever(P, r, discount)
        parts = [(occupancy(problem, policy, steps, discount), V, V)]
    else:
        V = values_by_step(P, r, steps, discount)
        parts = list(zip(visits_by_step(P, start, steps, discount), V, V[1:]))
    above = lambda V, V_after: action_values(problem, V_after, discount) - np.expand_dims(V, -1)
    return policy * sum(np.expand_dims(d, -1) * above(V, V_after) for d, V, V_after in parts)


# ---- The best policy, and how far from it ----


def best_values(problem, steps=None, discount=1.0):
    """max over policies of V at the first step, which may choose by the time too: (M, S)."""
    check_problem(problem)
    check_time(steps, discount)
    if steps is None:
        return improve_for_ever(problem, discount)
    V = np.zeros_like(problem.start)
    for _ in range(steps):
        V = np.max(action_values(problem, V, discount), axis=-1)
    return V


def improve_for_ever(problem, discount):
    """V of the best policy by policy iteration: (M, S). Actions that are equally good share it."""
    policy, before = uniform(problem), -math.inf
    while True:  # each round is better than the one before, and there are finitely many policies
        V = state_values(problem, policy, None, discount)
        rounding = TIE * numpy.finfo(V.dtype).eps * (1.0 + np.max(abs(V)))
        if np.max(V - before) <= rounding:
            return V
        Q = action_values(problem, V, discount)
        best = (Q >= np.max(Q, axis=-1, keepdims=True) - rounding).astype(V.dtype)
        policy, before = best / np.sum(best, axis=-1, keepdims=True), V


def best_return(problem, steps=None, discount=1.0):
    """The largest mean return of an episode: (M,)."""
    V = best_values(problem, steps, discount)
    return np.sum(problem.start * V, axis=-1)


def uniform(problem):
    """The policy that takes all actions equally often: (M, S, A)."""
    check_problem(problem)
    return np.ones_like(problem.reward) / np.shape(problem.reward)[-1]


def normalised(problem, policy, steps=None, discount=1.0):
    """(J - J_uniform) / (J_best - J_uniform), 1 for the best policy: (M,).

    It is 0 where no policy is better than the uniform one.
    """
    worst = expected_return(problem, uniform(problem), steps, discount)
    room = best_return(problem, steps, discount) - worst
    rounding = numpy.finfo(room.dtype).eps ** 0.5 * (1.0 + abs(worst))
    is_room = room > rounding
    gain = expected_return(problem, policy, steps, discount) - worst
    return np.where(is_room, gain, 0.0) / np.where(is_room, room, 1.0)


# ---- Checks ----


def check_question(problem, policy, steps, discount):
    """Raise unless the problem, the policy (M, S, A), the steps and the discount make sense."""
    check_problem(problem)
    check_time(steps, discount)
    checks.array("policy", policy, "M S A")
    checks.same_shape("policy", policy, "problem.reward", problem.reward)
    check_distributions("policy", policy)


def check_time(steps, discount):
    """Raise unless steps is None or an integer, and the discount is from 0 to 1."""
    if steps is not None:
        checks.integer("steps", steps, at_least=1)
    checks.number("discount", discount, at_least=0.0, at_most=1.0)


def check_endings(P):
    """Raise unless every state leads to an end, where P (M, S, S), without those ways, is readable.

    Then some row of the product of S chains, none of whose ways vanish, adds to less than 1.
    """
    if not checks.readable(P):
        return
    left = numpy.ones(P.shape[:-1])
    for _ in range(P.shape[-1]):
        left = numpy.matmul(to_host(P), left[..., None])[..., 0]  # the chance to go on
    if numpy.any(left > 1.0 - numpy.finfo(P.dtype).eps ** 0.5):
        raise ValueError(
            "With discount = 1 and no number of steps, every state must lead to an end under the "
            "policy; give steps, or a discount below 1."
        )
