"""The best learner of a corridor with an unknown goal, by dynamic programming over what it knows.

It knows that the goal is left, that it is right, or neither. With the belief, the cell and the
number n of steps left, and the cell that a move (or a slip) comes to,

    Q_n(belief, cell, move) = (1 - slip) after(moved) + slip after(moved the other way)
    after(end)   = p (1 + V_n-1(goal here, middle)) + (1 - p) V_n-1(goal at the other end, end)
    after(cell)  = V_n-1(belief, cell)                          for all other cells
    V_n          = max over moves of Q_n,      V_0 = 0

p is 1, 0 or 1/2, the chance of the belief that the goal is this end. Without slips the optimum is
to walk to one end, and then to the goal as often as there is time for. With k = T // length walks
in T steps that earns k - 1 for k > 1, and 1/2 for k = 1: not to know costs one reward.

Source: Bellman 1957, Dynamic Programming; by definition (the task).  Lesson rl2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy
from minimeta.tasks.corridor import LENGTH

SURE = 1e6  # the logit of a move for each unit by which it is better
LEFT, RIGHT, UNKNOWN = 0, 1, 2  # what may be known of the goal
CHANCES = numpy.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])  # that each end is the goal


def solve(steps, length=LENGTH, slip=0.0):
    """Q for T ... 1 steps left, (T, 3, P, 2): by belief, cell and move."""
    checks.integer("steps", steps, at_least=1)
    checks.integer("length", length, at_least=2)
    checks.number("slip", slip, at_least=0.0, below=0.5)
    V, tables = numpy.zeros((3, 2 * length + 1)), []
    for _ in range(steps):
        tables.append(backup(V, length, slip))
        V = tables[-1].max(axis=-1)
    return numpy.stack(tables[::-1])


def value(steps, length=LENGTH, slip=0.0):
    """What the best learner earns on average in so many steps from the middle."""
    return float(solve(steps, length, slip)[0, UNKNOWN, length].max())


def value_without_slips(steps, length=LENGTH):
    """The same in closed form, for a corridor in which no move slips."""
    checks.integer("steps", steps, at_least=1)
    checks.integer("length", length, at_least=2)
    walks = steps // length
    return float(walks - 1) if walks > 1 else walks / 2.0


def backup(V, length, slip):
    """Q (3, P, 2) from the values V (3, P) of one step less."""
    after = V.copy()  # of having come to each cell
    for end, cell in ((LEFT, 0), (RIGHT, 2 * length)):
        p = CHANCES[:, end]
        after[:, cell] = p * (1.0 + V[end, length]) + (1.0 - p) * V[1 - end, cell]
    moved = numpy.stack([left_of(after, V), left_of(after[:, ::-1], V[:, ::-1])[:, ::-1]], axis=-1)
    return (1.0 - slip) * moved + slip * moved[..., ::-1]


def left_of(after, V):
    """What a move to the left is worth in each cell: at the left end one stays, (3, P)."""
    return numpy.concatenate([V[:, :1], after[:, :-1]], axis=-1)


def learner(steps, length=LENGTH, slip=0.0) -> Learner:
    """The best Learner; its labels are [action, reward, done].

    The state is the belief, one-hot (M, 3), and the number of steps so far (M,). Moves that are
    equally good are made equally often.
    """
    Q = solve(steps, length, slip)

    def start(meta, x):
        row = np.asarray([0.0, 0.0, 1.0], dtype=x.dtype)
        return {"belief": np.repeat(row[None], len(x), axis=0), "steps": np.zeros(len(x))}

    def observe(meta, state, x, y):
        belief = paid(seen(state["belief"], x), x, y[:, 2:3])
        return {"belief": belief, "steps": state["steps"] + 1.0}

    def predict(meta, state, x):
        t = np.minimum(state["steps"], steps - 1).astype(int)
        belief = seen(np.expand_dims(state["belief"], 1), x)
        table = np.asarray(Q, dtype=x.dtype)[t]  # (M, 3, P, 2)
        worth = np.einsum("mnb,mnp,mbpa->mna", belief, x, table)
        return SURE * (worth - np.max(worth, axis=-1, keepdims=True))

    return Learner(lambda rng: {}, fold(start, observe), predict, cross_entropy, start, observe)


def seen(belief, x):
    """The belief after the cell x was seen: to be at an end means that it is not the goal."""
    at_left, at_right = x[..., :1], x[..., -1:]
    known = np.concatenate([at_right, at_left, np.zeros_like(at_left)], axis=-1)
    return np.where(at_left + at_right > 0.0, known, belief)


def paid(belief, x, reward):
    """The belief after a reward (M, 1) in the step from x: the end beside x is the goal."""
    known = np.concatenate([x[:, 1:2], x[:, -2:-1], np.zeros_like(reward)], axis=-1)
    return np.where(reward > 0.0, known, belief)
