"""Navigation when the goal is known: the best return, and the return of a linear policy.

    best path       |goal_i| - unit t is left along axis i after t steps, until it is 0
                    return = -sum_t |max(0, |goal| - unit t)|
    linear policy   action = x W + b + deviation * noise,  x = position / 0.5,  no clipping
                    mean:        m <- m F + unit b,                     F = I + unit W / 0.5
                    covariance:  C <- F' C F + (unit deviation)^2 I
                    return = -sum_t (|m_t - goal|^2 + tr C_t)           for squared distances

A distance grows with the length of each of its parts, and the two axes are clipped apart. So the
fastest way along both axes at once is the best at every step, and no plan can trade one step for
another.  Lesson maml_rl.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.tasks.navigation import HALF


def best_return(goal, steps, unit=0.1):
    """The largest return from the origin, moves of at most one unit an axis: (..., 2) -> (...).

    The reward is the distance after each step, with the sign changed.
    """
    checks.array("goal", goal, "... D")
    checks.integer("steps", steps, at_least=1)
    checks.number("unit", unit, above=0.0)
    time = np.arange(1, steps + 1, dtype=goal.dtype)
    left = np.maximum(0.0, abs(goal[..., None, :]) - unit * time[:, None])  # (..., T, 2)
    return -np.sum(np.sqrt(np.sum(left**2, axis=-1)), axis=-1)


def linear_return(W, b, goal, deviation, steps, unit=0.1):
    """The mean return of a linear policy, W (2, 2) and b (2,), for one goal (2,): a scalar.

    The reward is the *squared* distance after each step, with the sign changed, without clipping.
    """
    for name, value, letters in (("W", W, "D D"), ("b", b, "D"), ("goal", goal, "D")):
        checks.array(name, value, letters)
        if set(np.shape(value)) != {2}:
            raise ValueError(f"{name} must be of the plane, 2 on each axis, not {np.shape(value)}.")
    checks.number("deviation", deviation, above=0.0)
    checks.integer("steps", steps, at_least=1)
    checks.number("unit", unit, above=0.0)
    mean, covariance, total = np.zeros_like(b), np.zeros_like(W), 0.0
    F, noise = np.eye(len(b)) + unit * W / HALF, (unit * deviation) ** 2 * np.eye(len(b))
    for _ in range(steps):
        mean = mean @ F + unit * b
        covariance = F.T @ covariance @ F + noise
        total = total - np.sum((mean - goal) ** 2) - np.trace(covariance)
    return total
