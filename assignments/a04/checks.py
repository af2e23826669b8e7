"""How a04.py is judged: by the joint Gaussian of weights and examples, conditioned on the examples.

(w, y) ~ N( (m, X m), [[S, S X'], [X S, X S X' + s^2 I]] )
"""

import numpy

from minimeta.course.assignments import Case


def problem(tasks=None, outputs=1, examples=4, targets=True):
    """Inputs: examples of linear maps in three dimensions, and the prior of their weights."""

    def draw(rng):
        batch = () if tasks is None else (tasks,)
        factor = rng.normal(size=(3, 3))
        given = {"x": rng.normal(size=(*batch, examples, 3))}
        if targets:
            given["y"] = rng.normal(size=(*batch, examples, outputs))
            given["mean"] = rng.normal(size=3)
        given["covariance"] = factor @ factor.T / 3 + 0.3 * numpy.eye(3)
        return {**given, "noise_variance": rng.uniform(0.2, 0.6)}

    return draw


def queries(rng):
    """Inputs for predictive: queries, and the weights' mean and covariance."""
    given = problem(outputs=2, examples=3)(rng)
    return {**given, "y": None, "mean": rng.normal(size=(3, 2))}


def without_none(draw):
    """The inputs without those that are None."""
    return lambda rng: {k: v for k, v in draw(rng).items() if v is not None}


def turned(x):
    """The transpose of the last two axes."""
    return numpy.swapaxes(x, -1, -2)


def bayes(z, first=None, noise=None, mean=None):
    """Posterior mean and covariance after the first examples, or all of them."""
    x, y = (z[k][..., :first, :] for k in ("x", "y"))
    S, noise = z["covariance"], z["noise_variance"] if noise is None else noise
    m = (z["mean"] if mean is None else mean)[:, None]
    K = x @ S @ turned(x) + noise * numpy.eye(x.shape[-2])
    G = S @ turned(x) @ numpy.linalg.inv(K)
    shape = (*x.shape[:-2], 3)
    new_mean = numpy.broadcast_to(m + G @ (y - x @ m), (*shape, y.shape[-1]))
    return new_mean, numpy.broadcast_to(S - G @ x @ S, (*shape, 3))


def row(parts):
    """The arrays, flattened, in a row."""
    return numpy.concatenate([numpy.ravel(part) for part in parts])


def ridge(z):
    """The weights with the least |y - X w|^2 + |w - m|^2, and their covariance without noise."""
    x, m = z["x"], z["mean"][:, None]
    left = numpy.linalg.inv(turned(x) @ x + numpy.eye(3))
    return m + left @ turned(x) @ (z["y"] - x @ m), left


def by_precision(z):
    """Precision and precision-weighted mean, which are no covariance and no mean yet."""
    mean, covariance = bayes(z)
    precision = numpy.linalg.inv(covariance)
    return precision @ mean, precision


def at_queries(z, noise=1.0, root=False):
    """Mean and variance of y at each query, from the full covariance of all of them."""
    x = z["x"]
    full = x @ z["covariance"] @ x.T + noise * z["noise_variance"] * numpy.eye(len(x))
    variance = numpy.diag(full)
    return row([x @ z["mean"], variance**0.5 if root else variance])


def after_each(z, skip=0, stop=None):
    """All posteriors after skip, skip + 1, ... examples."""
    steps = range(skip, z["x"].shape[-2] + 1 if stop is None else stop)
    pairs = [bayes(z, n) for n in steps]
    return row([[mean for mean, _ in pairs], [covariance for _, covariance in pairs]])


def alone(z):
    """The posterior after each single example, from the prior each time."""
    pairs = [bayes(z, 0)]
    for n in range(z["x"].shape[-2]):
        one = {**z, "x": z["x"][n : n + 1], "y": z["y"][n : n + 1]}
        pairs.append(bayes(one))
    return row([[mean for mean, _ in pairs], [covariance for _, covariance in pairs]])


def log_evidence(z, noise=1.0, outputs=None, constant=1.0, determinant=1.0):
    """The log-density of y: of each output, N(y; X m, K)."""
    x, m = z["x"], z["mean"][:, None]
    K = x @ z["covariance"] @ x.T + noise * z["noise_variance"] * numpy.eye(len(x))
    r = (z["y"] - x @ m)[:, :outputs]
    values, V = numpy.linalg.eigh(K)
    squares = ((V.T @ r) ** 2 / values[:, None]).sum()
    logs = r.shape[1] * (
        determinant * numpy.log(values).sum() + constant * len(x) * numpy.log(2 * numpy.pi)
    )
    return numpy.asarray(-(squares + logs) / 2)


def white(rng):
    """Inputs for risk without queries: those of two tasks."""
    return problem(2, targets=False)(rng)


def given_queries(rng):
    """Inputs for risk with a second moment of the queries."""
    factor = rng.normal(size=(3, 3))
    return {**white(rng), "query_covariance": factor @ factor.T / 3}


def expected_error(z, noise=1.0, prior=False, Q=None):
    """s^2 + tr(S_N Q), with S_N from the precisions."""
    x, s2 = z["x"], z["noise_variance"]
    Q = z.get("query_covariance", numpy.eye(3)) if Q is None else Q
    precision = numpy.linalg.inv(z["covariance"]) + (0 if prior else turned(x) @ x / s2)
    S = numpy.broadcast_to(numpy.linalg.inv(precision), (len(x), 3, 3))
    return noise * s2 + numpy.trace(S @ Q, axis1=-2, axis2=-1)


POSTERIOR = {
    "The prior's mean is left out: it is as if it were zero.": (
        lambda z: row(bayes(z, mean=numpy.zeros(3)))
    ),
    "The noise counts twice or is squared: its variance is given.": (
        lambda z: row(bayes(z, noise=z["noise_variance"] ** 2))
    ),
    "The noise is taken for 1: X'X must be divided by the noise variance.": (
        lambda z: row(bayes(z, noise=1.0))
    ),
    "It is ridge regression with strength 1; the prior's covariance and the noise are given.": (
        lambda z: row(ridge(z))
    ),
    "It is the precision and what it multiplies: they are to be inverted.": (
        lambda z: row(by_precision(z))
    ),
}
EVIDENCE = {
    "The term N log 2 pi is missing.": lambda z: log_evidence(z, constant=0.0),
    "The log-determinant is missing.": lambda z: log_evidence(z, determinant=0.0),
    "The sign of the log-determinant is wrong.": lambda z: log_evidence(z, determinant=-1.0),
}
RISK = {
    "The noise of the query itself is missing.": lambda z: expected_error(z, noise=0.0),
    "It is the risk before the examples.": lambda z: expected_error(z, prior=True),
}

CASES = [
    Case("posterior", "one task", problem(), "call", lambda z: row(bayes(z)), POSTERIOR),
    Case(
        "posterior",
        "many tasks with two outputs",
        problem(3, 2),
        "call",
        lambda z: row(bayes(z)),
        POSTERIOR,
    ),
    Case(
        "predictive",
        "three queries",
        without_none(queries),
        "call",
        at_queries,
        {
            "The noise is missing: it is the variance of x w, not of y.": (
                lambda z: at_queries(z, noise=0.0)
            ),
            "It is the standard deviation; the variance is asked.": (
                lambda z: at_queries(z, root=True)
            ),
            "The noise variance is squared or its root taken.": (
                lambda z: at_queries(z, noise=z["noise_variance"])
            ),
        },
    ),
    Case(
        "sequential",
        "four examples",
        problem(),
        "call",
        after_each,
        {
            "Each posterior has seen one example alone: the one before is not its prior.": alone,
            "The prior is missing at the start: the labels are seen one example too early.": (
                lambda z: after_each(z, skip=1)
            ),
            "The posterior after the last example is missing.": (
                lambda z: after_each(z, stop=z["x"].shape[-2])
            ),
        },
    ),
    Case("evidence", "one output", problem(), "call", log_evidence, EVIDENCE),
    Case(
        "evidence",
        "two outputs",
        problem(outputs=2),
        "call",
        log_evidence,
        {**EVIDENCE, "Only one output counts.": lambda z: log_evidence(z, outputs=1)},
    ),
    Case("risk", "white queries", white, "call", expected_error, RISK),
    Case(
        "risk",
        "given queries",
        given_queries,
        "call",
        expected_error,
        {
            **RISK,
            "It leaves query_covariance out.": lambda z: expected_error(z, Q=numpy.eye(3)),
        },
    ),
]
