"""How a06.py is judged: on linear maps, whose squared error is a quadratic with Hessian H.

loss of task i   |X_i theta - y_i|^2 / N      H = 2 X'X / N,  least at c = (X'X)^-1 X'y
"""

import numpy

from minimeta.course.assignments import Case


def maps(steps, **more):
    """Inputs: M linear maps in the plane."""

    def draw(rng):
        x = rng.normal(size=(4, 6, 2))
        y = x @ rng.normal(size=(4, 2, 1)) + 0.3 * rng.normal(size=(4, 6, 1))
        theta, step_size = rng.normal(size=(2, 1)), rng.uniform(0.05, 0.15)
        return {"x": x, "y": y, "theta": theta, "step_size": step_size, "steps": steps, **more}

    return draw


def quadratic(x, y):
    """Hessian (M, 2, 2) and minimum (M, 2, 1) of each task's mean squared error."""
    X = numpy.swapaxes(x, -1, -2)
    return 2 * X @ x / x.shape[1], numpy.linalg.solve(X @ x, X @ y)


def power(A, step_size, steps):
    """(I - alpha A)^k through the eigenvalues of A."""
    values, V = numpy.linalg.eigh(A)
    return V * (1 - step_size * values[..., None, :]) ** steps @ numpy.swapaxes(V, -1, -2)


def after(z, factor=1.0, steps=None):
    """phi after the steps."""
    H, c = quadratic(z["x"], z["y"])
    P = power(H, factor * z["step_size"], z["steps"] if steps is None else steps)
    return c + P @ (z["theta"] - c)


def ends(z, **change):
    """phi and theta."""
    return numpy.append(after(z, **change), z["theta"])


def gradient(z, powers=1, steps=None):
    """Mean over tasks of H P (theta - c), and with powers = 2 of P H P (theta - c)."""
    H, c = quadratic(z["x"], z["y"])
    P = power(H, z["step_size"], powers * (z["steps"] if steps is None else steps))
    return numpy.mean(H @ P @ (z["theta"] - c), axis=0)


def go(z, batch=None, same=False, forget=False, factor=1.0):
    """Reptile's inner loop with the gradient of each minibatch written out."""
    batch = batch or z["batch"]
    phi, v = numpy.tile(z["theta"], (4, 1, 1)), 0.0
    for step in range(z["steps"]):
        first = 0 if same else step * batch % 6
        x, y = (z[name][:, first : first + batch] for name in ("x", "y"))
        slope = 2 * numpy.swapaxes(x, 1, 2) @ (x @ phi - y) / batch
        v = (0.0 if forget else z["mass"]) * v + slope
        phi = phi - factor * z["step_size"] * v
    return phi


def rounds(z, shift=0, wrap=True):
    """The examples of four steps of two examples among six."""
    parts = []
    for step in range(4):
        first = (2 * step + shift) % 6 if wrap else min(2 * step + shift, 4)
        parts += [z[name][:, first : first + 2] for name in ("x", "y")]
    return numpy.concatenate([part.ravel() for part in parts])


def one_by_one(z):
    """Two examples from number 0, 1, 2 and 3 on."""
    parts = [z[name][:, step : step + 2] for step in range(4) for name in ("x", "y")]
    return numpy.concatenate([part.ravel() for part in parts])


def for_batches(rng):
    """Inputs of minibatch."""
    given = maps(1)(rng)
    return {"x": given["x"], "y": given["y"], "batch": 2}


def curvatures(**more):
    """Inputs: curvatures of tasks in three dimensions."""

    def draw(rng):
        factor = rng.normal(size=(4, 3, 3))
        A = factor @ numpy.swapaxes(factor, 1, 2) / 3 + 0.2 * numpy.eye(3)
        return {"A": A, **({"step_size": rng.uniform(0.05, 0.15), **more} if more else {})}

    return draw


def minima(rng):
    """Inputs of joint_optimum."""
    return {**curvatures()(rng), "c": rng.normal(size=(4, 3))}


def joint(z):
    """Least squares: the theta with the least sum of (theta - c)' A (theta - c)."""
    roots = numpy.swapaxes(numpy.linalg.cholesky(z["A"]), 1, 2)  # A = R'R
    targets = (roots @ z["c"][..., None]).reshape(-1)
    return numpy.linalg.lstsq(roots.reshape(-1, 3), targets, rcond=None)[0]


def spectral(z, f):
    """f of the eigenvalues of A, in its directions."""
    values, V = numpy.linalg.eigh(z["A"])
    return V * f(values, 1 - z["step_size"] * values)[:, None, :] @ numpy.swapaxes(V, 1, 2)


def pulls(rng):
    """Inputs of meta_gradient."""
    W = rng.normal(size=(5, 3, 3))
    theta, c = rng.normal(size=3), rng.normal(size=(5, 3))
    return {"theta": theta, "W": W + numpy.swapaxes(W, 1, 2), "c": c}


def mean_pull(z, scale=0.2):
    """The sum of W (theta - c), task by task, times a scale."""
    return scale * sum(W @ (z["theta"] - c) for W, c in zip(z["W"], z["c"]))


STEPS = {
    "The step has the wrong sign: it goes up the gradient.": lambda z: ends(z, factor=-1.0),
    "The steps are M times too short: the gradient is that of a mean over tasks.": (
        lambda z: ends(z, factor=0.25)
    ),
    "It is one step too many.": lambda z: ends(z, steps=z["steps"] + 1),
}
WALK = {
    "Every step sees the whole support; it should see the next minibatch.": (
        lambda z: go(z, batch=6)
    ),
    "Every step sees the same minibatch.": lambda z: go(z, same=True),
    "The steps are M times too short: the gradient is that of a mean over tasks.": (
        lambda z: go(z, factor=0.25)
    ),
}
REPTILE = {
    "It is P, what is left of theta - c; the way that the steps go is I - P.": (
        lambda z: spectral(z, lambda a, p: p ** z["steps"])
    ),
    "It is P - I: Reptile moves the other way.": (
        lambda z: spectral(z, lambda a, p: p ** z["steps"] - 1)
    ),
    "It is FOMAML's A P.": lambda z: spectral(z, lambda a, p: a * p ** z["steps"]),
}

CASES = [
    Case("fomaml_adapt", "three steps", maps(3), "first_order_value", ends, STEPS),
    Case(
        "fomaml_adapt",
        "the gradient through the steps",
        maps(3),
        "through_steps",
        gradient,
        {
            "It is the second-order gradient of MAML: the inner gradient is not held constant.": (
                lambda z: gradient(z, powers=2)
            ),
            "phi no longer depends on theta: only the gradient is to be held constant.": (
                lambda z: 0.0 * gradient(z)
            ),
            "It is the gradient without any step.": lambda z: gradient(z, steps=0),
        },
    ),
    Case("reptile_adapt", "minibatches", maps(4, batch=2, mass=0.0), "walk", go, WALK),
    Case(
        "reptile_adapt",
        "momentum",
        maps(4, batch=3, mass=0.7),
        "walk",
        go,
        {
            **WALK,
            "The state of the inner optimizer is lost between the steps.": (
                lambda z: go(z, forget=True)
            ),
        },
    ),
    Case(
        "minibatch",
        "two rounds",
        for_batches,
        "batches",
        rounds,
        {
            "Step number `step` begins at example step, not at step * batch.": one_by_one,
            "After the last example it stays there; it should start over.": (
                lambda z: rounds(z, wrap=False)
            ),
            "It begins one minibatch too late: the first step is number 0.": (
                lambda z: rounds(z, shift=2)
            ),
        },
    ),
    Case(
        "joint_optimum",
        "four tasks",
        minima,
        "call",
        joint,
        {
            "It is the mean of the minima; their curvatures count.": (
                lambda z: z["c"].mean(axis=0)
            ),
            "It is the sum of A c; the sum of A is still to be divided by.": (
                lambda z: numpy.einsum("mij,mj->i", z["A"], z["c"])
            ),
        },
    ),
    Case(
        "fomaml_weights",
        "two steps",
        curvatures(steps=2),
        "call",
        lambda z: spectral(z, lambda a, p: a * p**2),
        {
            "It is MAML's P A P: one factor P is missing in first order.": (
                lambda z: spectral(z, lambda a, p: a * p**4)
            ),
            "It is A, the weight without any step.": lambda z: z["A"],
            "It is the weight after one step only.": (lambda z: spectral(z, lambda a, p: a * p)),
        },
    ),
    *(
        Case(
            "reptile_weights",
            name,
            curvatures(steps=steps),
            "call",
            lambda z: spectral(z, lambda a, p: 1 - p ** z["steps"]),
            REPTILE,
        )
        for name, steps in (("one step", 1), ("two steps", 2))
    ),
    Case(
        "meta_gradient",
        "five tasks",
        pulls,
        "call",
        mean_pull,
        {
            "It is the sum over the tasks; the mean is asked.": lambda z: mean_pull(z, 1.0),
            "The sign is wrong: it is the gradient, not the step.": lambda z: mean_pull(z, -0.2),
        },
    ),
]
