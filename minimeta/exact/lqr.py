"""The linear-quadratic regulator: values, gradients and the best policy of linear systems.

    policy        action = -K state                          F = A - B K is what it makes of A
    value         V(s) = -s' P s - c                         P = Q + K' R K + d F' P F
    critic        Q(s, a) = -z' H z - c,  z = [s, a]         H = [Q, 0; 0, R] + d [A B]' P [A B]
    constant      c = d / (1 - d) push^2 tr P                what the noise will cost
    score         J = E V(s) over s ~ N(0, I), less its constant = -tr P
    gradient      dJ/dK = -2 ((R + d B' P B) K - d B' P A) S,    S = I + d F S F'
    greedy        K = (R + d B' P B)^-1 d B' P A             the best action under this critic
    best          the gain that is greedy for its own P

P is found by solving the linear equation for its O^2 entries. It is a value only where the
discounted closed loop sqrt(d) F is stable, and there alone P is positive definite (Lyapunov).
Otherwise a policy costs without end: its score is -inf, and so is its relative regret, +inf:

    relative regret of K = (J* - J(K)) / (J* - J(K_0))       1 at the first policy, 0 at the best

The discount d is at most 1. All functions work on M systems at once; gains are (M, A, O).

Sources: Kalman 1960; Hewer 1971 (policy iteration); Chu, Fan & Lin 2005 (doubling); Silver et al.
2014 (the deterministic policy gradient).  Lesson objectives.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.tasks.linear_systems import check_system

DOUBLINGS = 30  # of the Riccati recursion, which then has run for 2^30 steps


def transpose(matrix):
    """The transpose of the last two axes."""
    return np.swapaxes(matrix, -1, -2)


def closed_loop(system, gain):
    """F = A - B K: (M, O, O)."""
    check_gain(system, gain)
    return system.A - system.B @ gain


def state_cost(system, gain, discount=0.9):
    """P (M, O, O) of V(s) = -s' P s - c, for policies that are stable."""
    F = closed_loop(system, gain)
    own = system.Q + transpose(gain) @ system.R @ gain
    return solve_lyapunov(F, own, discount)


def solve_lyapunov(F, own, discount):
    """X = own + d F' X F, by one linear solve for the O^2 entries of X: (M, O, O)."""
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    M, O = np.shape(F)[:2]
    both = np.reshape(np.einsum("mji,mlk->mikjl", F, F), (M, O * O, O * O))
    left = np.eye(O * O, dtype=F.dtype) - discount * both
    try:
        X = np.linalg.solve(left, np.reshape(own, (M, O * O, 1)))
    except numpy.linalg.LinAlgError:
        raise ValueError(
            "gain must not leave a closed loop at the very edge of stability, where its cost "
            "equation has no solution."
        ) from None
    return np.reshape(X, (M, O, O))


def is_stable(P):
    """Whether P (M, O, O) is positive definite, so the cost of a stable policy: (M,) of bools."""
    checks.floats("P", P)
    checks.axes("P", P, "M O O")
    return np.linalg.eigvalsh((P + transpose(P)) / 2.0)[:, 0] > 0.0


def constant(P, discount=0.9, push=0.0):
    """c = d / (1 - d) push^2 tr P, the cost of all noise to come: (M,)."""
    checks.floats("P", P)
    checks.axes("P", P, "M O O")
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    checks.number("push", push, at_least=0.0)
    if push == 0.0:
        return np.zeros_like(P[:, 0, 0])
    if discount == 1.0:
        raise ValueError("discount must be below 1 with a push, or else the noise costs no end.")
    return discount / (1.0 - discount) * push**2 * np.trace(P, axis1=-2, axis2=-1)


def action_cost(system, P, discount=0.9):
    """H (M, O + A, O + A) of the critic Q(s, a) = -z' H z - c, for z = [s, a]."""
    check_form("P", P, system)
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    M, O, A = np.shape(system.B)
    move = np.concatenate([system.A, system.B], axis=-1)  # (M, O, O + A)
    beside = np.zeros((M, O, A), dtype=P.dtype)
    above = np.concatenate([system.Q, beside], axis=-1)
    below = np.concatenate([transpose(beside), system.R], axis=-1)
    return np.concatenate([above, below], axis=-2) + discount * transpose(move) @ P @ move


def greedy_gain(system, P, discount=0.9):
    """(R + d B' P B)^-1 d B' P A, the best gain under a critic; one step of policy iteration."""
    check_form("P", P, system)
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    pull = discount * transpose(system.B) @ P
    return np.linalg.solve(system.R + pull @ system.B, pull @ system.A)


def best_gain(system, discount=0.9):
    """The gain of the best policy, (M, A, O), from the Riccati equation by doubling.

    P_j is the cost of 2^j steps and the best actions, W_j what effort can do, E_j what is left:

        E <- E (I + W P)^-1 E     W <- W + E (I + W P)^-1 W E'     P <- P + E' P (I + W P)^-1 E
    """
    check_system("system", system)
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    E, P = discount**0.5 * system.A, system.Q
    W = discount * system.B @ np.linalg.solve(system.R, transpose(system.B))
    one = np.eye(np.shape(P)[-1], dtype=P.dtype)
    for _ in range(DOUBLINGS):
        left = np.linalg.solve(one + W @ P, E)
        right = transpose(np.linalg.solve(one + P @ W, transpose(E)))  # E (I + W P)^-1
        E, W, P = E @ left, W + right @ W @ transpose(E), P + transpose(E) @ P @ left
    return greedy_gain(system, P, discount)


def score(system, gain, discount=0.9):
    """J = -tr P, the value over starts N(0, I) less the cost of noise; -inf if unstable: (M,)."""
    P = state_cost(system, gain, discount)
    total = np.trace(P, axis1=-2, axis2=-1)
    return np.where(is_stable(P), -total, -numpy.inf * np.ones_like(total))


def relative_regret(system, gain, first, discount=0.9):
    """(J* - J(gain)) / (J* - J(first)), +inf where gain is unstable; first is stable: (M,)."""
    best = score(system, best_gain(system, discount), discount)
    check_gain(system, first, "first")
    span = best - score(system, first, discount)
    if checks.readable(span) and not numpy.all((span > 0.0) & numpy.isfinite(span)):
        raise ValueError("first must be stable and worse than the best gain, for every system.")
    return (best - score(system, gain, discount)) / span


def policy_gradient(system, gain, discount=0.9):
    """dJ/dK = -2 ((R + d B' P B) K - d B' P A) S: (M, A, O)."""
    F = closed_loop(system, gain)
    one = np.broadcast_to(np.eye(np.shape(F)[-1], dtype=F.dtype), np.shape(F))
    return critic_gradient(system, gain, solve_lyapunov(transpose(F), one, discount), discount)


def critic_gradient(system, gain, moments, discount=0.9):
    """The gradient in K of the mean of Q(s, -K s) under a critic that is held fixed: (M, A, O).

    `moments` (M, O, O) is the mean of s s' over states. DDPG climbs this gradient.
    """
    check_form("moments", moments, system)
    P = state_cost(system, gain, discount)
    pull = discount * transpose(system.B) @ P
    return -2.0 * ((system.R + pull @ system.B) @ gain - pull @ system.A) @ moments


def reinforce_gradient(system, gain, moments, deviation, discount=0.9):
    """The mean gradient in K of (Q(s, a) - b(s)) |a - pi(s)|^2 / 2, changed in sign: (M, A, O).

    Actions are a = -K s + deviation * noise. The critic is quadratic, so exactly
    E noise Q(s, a) = deviation * dQ/da, and the mean is deviation^2 times `critic_gradient`,
    whatever the baseline b.
    """
    checks.number("deviation", deviation, above=0.0)
    return deviation**2 * critic_gradient(system, gain, moments, discount)


def check_gain(system, gain, name="gain"):
    """Raise unless gain is (M, A, O) for the system."""
    check_system("system", system)
    checks.array(name, gain, "M A O")
    M, O, A = np.shape(system.B)
    if np.shape(gain) != (M, A, O):
        raise ValueError(f"{name} must have shape {(M, A, O)}; its shape is {np.shape(gain)}.")


def check_form(name, value, system):
    """Raise unless value is a matrix (M, O, O) for the system."""
    check_system("system", system)
    checks.floats(name, value)
    checks.same_shape(name, value, "system.Q", system.Q)
