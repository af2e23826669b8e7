"""How a05.py is judged: on linear maps, whose squared error is a quadratic with Hessian H.

loss of task i   |X_i theta - y_i|^2 / N      H = 2 X'X / N,  least at c = (X'X)^-1 X'y
k steps          theta_k - c = V (1 - alpha lambda)^k V' (theta - c)      H = V lambda V'
"""

import numpy

from minimeta.course.assignments import Case


def maps(steps):
    """Inputs: M linear maps in the plane with support and query examples of their own."""

    def draw(rng):
        M, N = 4, 6
        x, query_x = rng.normal(size=(2, M, N, 2))
        c, query_c = rng.normal(size=(2, M, 2, 1))
        noise, query_noise = 0.3 * rng.normal(size=(2, M, N, 1))
        return {
            "x": x,
            "y": x @ c + noise,
            "query_x": query_x,
            "query_y": query_x @ query_c + query_noise,
            "theta": rng.normal(size=(2, 1)),
            "phi": rng.normal(size=(M, 2, 1)),
            "step_size": rng.uniform(0.05, 0.2),
            "steps": steps,
        }

    return draw


def quadratic(x, y):
    """Hessian (M, 2, 2) and minimum (M, 2, 1) of each task's mean squared error."""
    X = numpy.swapaxes(x, -1, -2)
    return 2 * X @ x / x.shape[1], numpy.linalg.solve(X @ x, X @ y)


def power(H, step_size, steps):
    """(I - alpha H)^k through the eigenvalues of H."""
    values, V = numpy.linalg.eigh(H)
    return V * (1 - step_size * values[..., None, :]) ** steps @ numpy.swapaxes(V, -1, -2)


def loss(z, phi, part=""):
    """|x phi - y|^2 / N of every task, on the support or ("query_") the queries: (M,)."""
    return numpy.mean((z[f"{part}x"] @ phi - z[f"{part}y"]) ** 2, axis=(1, 2))


def total(z, scale=1.0):
    """Gradients and value of the sum of the losses, times a scale."""
    H, c = quadratic(z["x"], z["y"])
    return scale * numpy.append(H @ (z["phi"] - c), loss(z, z["phi"]).sum())


def path(z, alpha=None, multiple=lambda k: k):
    """All points of the inner loop and theta, which stays; step j contracts `multiple(j)` times."""
    alpha = z["step_size"] if alpha is None else alpha
    H, c = quadratic(z["x"], z["y"])
    points = [c + power(H, alpha, multiple(j)) @ (z["theta"] - c) for j in range(z["steps"] + 1)]
    return numpy.append(points, z["theta"])


def old_point(z):
    """Every step takes the gradient at theta: k steps are one step of size k alpha."""
    H, c = quadratic(z["x"], z["y"])
    pull = z["step_size"] * H @ (z["theta"] - c)
    return numpy.append([z["theta"] - j * pull for j in range(z["steps"] + 1)], z["theta"])


def through_steps(z, order=2, alpha=None):
    """Mean over tasks of P G, with G the query gradient after the steps; in first order of G."""
    alpha = z["step_size"] if alpha is None else alpha
    H, c = quadratic(z["x"], z["y"])
    query_H, query_c = quadratic(z["query_x"], z["query_y"])
    P = power(H, alpha, z["steps"])
    G = query_H @ (c + P @ (z["theta"] - c) - query_c)
    return numpy.mean(P @ G if order == 2 else G, axis=0)


def learner(other):
    """Inputs for task_losses: the same maps, a number that is learned, and which loss to take."""

    def draw(rng):
        return {**maps(1)(rng), "meta": rng.normal(size=(1, 1)), "other": other}

    return draw


def judged(z, taught="", asked="query_", absolute=None):
    """The losses after adapting to one set (`taught`), asked for another."""
    state = z["meta"] + z[f"{taught}y"].mean(axis=1, keepdims=True)  # (M, 1, 1)
    errors = z[f"{asked}x"].sum(axis=-1, keepdims=True) * state + z["meta"] - z[f"{asked}y"]
    absolute = z["other"] if absolute is None else absolute
    return numpy.mean(numpy.abs(errors) if absolute else errors**2, axis=(1, 2))


def curvatures(steps):
    """Inputs: curvatures of M tasks in three dimensions."""

    def draw(rng):
        factor = rng.normal(size=(4, 3, 3))
        A = factor @ numpy.swapaxes(factor, 1, 2) / 3 + 0.2 * numpy.eye(3)
        return {"A": A, "step_size": rng.uniform(0.05, 0.15), "steps": steps}

    return draw


def remains(z, alpha=1.0, steps=None):
    """(I - alpha A)^k, with the step size times a factor and another number of steps."""
    return power(z["A"], alpha * z["step_size"], z["steps"] if steps is None else steps)


def pull(z, steps, exponent=2, alpha=1.0):
    """A (I - alpha A)^(exponent k): A and its powers share their eigenvectors."""
    values, V = numpy.linalg.eigh(z["A"])
    left = (1 - alpha * z["step_size"] * values) ** (exponent * steps)
    return V * (values * left)[:, None, :] @ numpy.swapaxes(V, 1, 2)


def balance(rng):
    """Inputs: weights of four tasks, which do not commute, and minima."""
    factor = rng.normal(size=(4, 3, 3))
    W = factor @ numpy.swapaxes(factor, 1, 2) + 0.3 * numpy.eye(3)
    return {"W": W, "c": rng.normal(size=(4, 3))}


def balanced(z):
    """Least squares: the theta with the least sum of (theta - c)' W (theta - c)."""
    roots = numpy.swapaxes(numpy.linalg.cholesky(z["W"]), 1, 2)  # W = R'R
    targets = (roots @ z["c"][..., None]).reshape(-1)
    return numpy.linalg.lstsq(roots.reshape(-1, 3), targets, rcond=None)[0]


def by_element(z):
    """Weights taken entry by entry from the diagonals."""
    diagonals = numpy.diagonal(z["W"], axis1=1, axis2=2)
    return (diagonals * z["c"]).sum(axis=0) / diagonals.sum(axis=0)


def weights(rng):
    """Inputs for MAML++: weights for the start and each of two steps."""
    return {**maps(2)(rng), "weights": rng.uniform(0.2, 1.0, size=3)}


def weighted(z, part="query_", order=(0, 1, 2), scale=1.0):
    """Sum over j of w_j times the mean loss at the point number order[j]."""
    H, c = quadratic(z["x"], z["y"])
    points = [c + power(H, z["step_size"], j) @ (z["theta"] - c) for j in order]
    values = [loss(z, phi, part).mean() for phi in points]
    return numpy.asarray(scale * z["weights"] @ values)


MEAN = "It is the mean over the tasks; the gradient of each task is then divided by their number."
SHORT = "The steps are M times too short: the gradient is that of a mean over tasks."
UPHILL = "The step has the wrong sign: it goes up the gradient."
OLD = "Every step takes the gradient at theta, not at the newest point."
FIRST = "It is the first-order gradient: the derivative of the inner steps is missing."
PATH = {
    SHORT: lambda z: path(z, z["step_size"] / 4),
    UPHILL: lambda z: path(z, -z["step_size"]),
    "The steps are half as long: the squared error has the gradient 2 X'(X theta - y) / N.": (
        lambda z: path(z, z["step_size"] / 2)
    ),
}

CASES = [
    Case(
        "total_loss",
        "several tasks",
        maps(1),
        "total",
        total,
        {
            MEAN: lambda z: total(z, 1 / 4),
            "It is half the sum: the loss is given, and has no factor 1/2.": (
                lambda z: total(z, 1 / 2)
            ),
            "It has the wrong sign.": lambda z: total(z, -1.0),
        },
    ),
    Case("trajectory", "one step", maps(1), "path", path, PATH),
    Case(
        "trajectory",
        "five steps",
        maps(5),
        "path",
        path,
        {
            **PATH,
            OLD: old_point,
            "The first step is taken twice over: the path repeats its start.": (
                lambda z: path(z, multiple=lambda j: max(j - 1, 0))
            ),
        },
    ),
    Case(
        "trajectory",
        "the gradient through the steps",
        maps(3),
        "gradient_through_steps",
        through_steps,
        {
            FIRST: lambda z: through_steps(z, order=1),
            SHORT: lambda z: through_steps(z, alpha=z["step_size"] / 4),
            UPHILL: lambda z: through_steps(z, alpha=-z["step_size"]),
        },
    ),
    *(
        Case(
            "task_losses",
            name,
            learner(other),
            "losses",
            judged,
            {
                "It is judged on the support, whose labels it has seen.": (
                    lambda z: judged(z, asked="")
                ),
                "It adapts to the queries: the labels are seen too early.": (
                    lambda z: judged(z, taught="query_")
                ),
                "It takes the learner's own loss although another one is given.": (
                    lambda z: judged(z, absolute=False)
                ),
            },
        )
        for name, other in (("the learner's own loss", False), ("another loss", True))
    ),
    *(
        Case(
            "contraction",
            name,
            curvatures(steps),
            "call",
            remains,
            {
                "It is one step whatever their number.": lambda z: remains(z, steps=1),
                "One long step is not many short ones: take the power of I - alpha A.": (
                    lambda z: remains(z, alpha=z["steps"], steps=1)
                ),
                "It has the wrong sign: a step goes down the gradient.": (
                    lambda z: remains(z, alpha=-1.0)
                ),
                "It is one step too many.": lambda z: remains(z, steps=z["steps"] + 1),
            },
        )
        for name, steps in (("one step", 1), ("five steps", 5))
    ),
    *(
        Case(
            "maml_weights",
            name,
            curvatures(steps),
            "call",
            lambda z: pull(z, z["steps"]),
            {
                "It is A P, the first-order weight: the derivative of the steps is missing.": (
                    lambda z: pull(z, z["steps"], exponent=1)
                ),
                "It is A, the weight without any step.": lambda z: pull(z, 0),
                "It is the weight after one step only.": lambda z: pull(z, 1),
                "The steps have the wrong sign.": lambda z: pull(z, z["steps"], alpha=-1.0),
            },
        )
        for name, steps in (("one step", 1), ("three steps", 3))
    ),
    Case(
        "fixed_point",
        "four tasks",
        balance,
        "call",
        balanced,
        {
            "It is the plain mean of the minima: no task has more say than another.": (
                lambda z: z["c"].mean(axis=0)
            ),
            "The weights are matrices; entry by entry the rest of them is lost.": by_element,
            "It divides one sum by four: both are sums, or both are means.": (
                lambda z: balanced(z) / 4
            ),
        },
    ),
    Case(
        "multi_step_loss",
        "three weights",
        weights,
        "multi_step",
        weighted,
        {
            "It is judged on the support, whose labels it has seen.": lambda z: weighted(z, ""),
            "The weights are in reverse: weights[0] belongs to the start.": (
                lambda z: weighted(z, order=(2, 1, 0))
            ),
            "Every weight stands at the last point.": lambda z: weighted(z, order=(2, 2, 2)),
            "It is the sum over the tasks; the outer loss is their mean.": (
                lambda z: weighted(z, scale=4.0)
            ),
        },
    ),
]
