"""How a11.py is judged: by normal equations, by loops, by one large Gaussian."""

import numpy

from minimeta.course.assignments import Case


def learned(bend):
    """Inputs of effective_weights: an answer that is affine up to a bend, for two tasks."""

    def draw(rng):
        given = {"W": rng.normal(size=(2, 3, 2)), "b": rng.normal(size=(2, 1, 2)), "bend": bend}
        return {**given, "probes": rng.normal(size=(9, 3)) + 0.5}

    return draw


def least_squares(z, offset=True):
    """The weights of the regression, with centred variables if there is an offset."""
    x, line = z["probes"], z["probes"] @ z["W"]
    y = line + z["b"] + z["bend"] * numpy.sin(line)
    if offset:
        x, y = x - x.mean(axis=0), y - y.mean(axis=1, keepdims=True)
    return numpy.linalg.solve(x.T @ x, x.T @ y)


def maps(batch=()):
    """Inputs of effective_spectrum."""

    def draw(rng):
        return {
            "weights": rng.normal(size=(*batch, 4, 3)),
            "truth": rng.normal(size=(*batch, 4, 3)),
        }

    return draw


def spectrum(z, divide=1, reverse=False, learned=False):
    """u' W_hat v / s of each mode, from the eigenvectors of W'W."""
    weights, truth = (z[k].reshape(-1, 4, 3) for k in ("weights", "truth"))
    result = []
    for W_hat, W in zip(weights, truth):
        squares, V = numpy.linalg.eigh(W.T @ W)
        modes = []
        for k in (2, 1, 0):
            s = squares[k] ** 0.5
            u = W @ V[:, k] / s
            modes.append(u @ W_hat @ V[:, k] / s**divide)
        if learned:
            modes = numpy.linalg.svd(W_hat, compute_uv=False) / numpy.sqrt(squares[::-1])
        result.append(modes[::-1] if reverse else modes)
    return numpy.array(result).reshape(*z["truth"].shape[:-2], 3)


def curves(never):
    """Inputs of half_time: rising curves, one of which may stay below 1/2."""

    def draw(rng):
        times = numpy.cumsum(rng.uniform(0.5, 1.5, size=7))
        progress = numpy.cumsum(rng.uniform(0.05, 0.2, size=(7, 3)), axis=0)
        progress *= rng.uniform(0.95, 1.2, size=3) / progress[-1]
        if never:
            progress[:, 1] *= 0.4
        return {"times": times, "progress": progress}

    return draw


def crossing(z, level=0.5, between=True, rows=False):
    """When each curve first reaches the level, segment by segment."""
    result = []
    for curve in z["progress"].T:
        found = -1.0
        for t in range(1, len(curve)):
            if curve[t - 1] < level <= curve[t] and found < 0:
                share = (level - curve[t - 1]) / (curve[t] - curve[t - 1]) if between else 1.0
                now, before = (t, t - 1) if rows else (z["times"][t], z["times"][t - 1])
                found = before + share * (now - before)
        result.append(found)
    return numpy.array(result)


def answers(rng):
    """Inputs of curve: three answers of four tasks on two modes."""
    return {"answers": rng.normal(size=(3, 4, 2)), "truth": rng.normal(size=(4, 2))}


def means(z, scale=0.25):
    """The mean over tasks of the squares, task by task."""
    return scale * sum((z["answers"][:, m] - z["truth"][m]) ** 2 for m in range(4))


def problem(rng):
    """Inputs of matrix_posterior."""
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(2, 2))
    return {
        "x": rng.normal(size=(4, 3)),
        "y": rng.normal(size=(4, 2)),
        "mean": rng.normal(size=(3, 2)),
        "row_covariance": a @ a.T / 3 + 0.3 * numpy.eye(3),
        "column_covariance": b @ b.T / 2 + 0.3 * numpy.eye(2),
        "noise_variance": rng.uniform(0.2, 0.5),
    }


def whole(z, columns=None, rows=None, mean=1.0):
    """All D C weights as one Gaussian vector with the Kronecker product as its covariance."""
    K = z["column_covariance"] if columns is None else columns
    R = z["row_covariance"] if rows is None else rows
    S = numpy.kron(R, K)  # of the weights in rows: W[d, c] is number d C + c
    X = numpy.kron(z["x"], numpy.eye(2))
    m = mean * z["mean"].ravel()
    gain = S @ X.T @ numpy.linalg.inv(X @ S @ X.T + z["noise_variance"] * numpy.eye(8))
    return numpy.append(m + gain @ (z["y"].ravel() - X @ m), S - gain @ X @ S)


FIT = {
    "The offset is left out: an affine map has one.": lambda z: least_squares(z, offset=False),
    "It is turned round: the weights are (D, C).": (
        lambda z: numpy.swapaxes(least_squares(z), -1, -2)
    ),
}
SPECTRUM = {
    "It is what was learned of each mode; divide by its strength.": (
        lambda z: spectrum(z, divide=0)
    ),
    "The weakest mode stands first; the strongest is asked first.": (
        lambda z: spectrum(z, reverse=True)
    ),
    "The singular values of the weights know nothing of the true directions.": (
        lambda z: spectrum(z, learned=True)
    ),
    "It is divided by the squared strength.": lambda z: spectrum(z, divide=2),
}
HALF = {
    "It is the first time in the list at 1/2 or above, without interpolation.": (
        lambda z: crossing(z, between=False)
    ),
    "It is the number of the row, not its time.": lambda z: crossing(z, rows=True),
}

CASES = [
    Case("effective_weights", "an affine map", learned(0.0), "fit", least_squares, FIT),
    Case("effective_weights", "a curved one", learned(0.8), "fit", least_squares, FIT),
    Case("effective_spectrum", "one map", maps(), "call", spectrum, SPECTRUM),
    Case("effective_spectrum", "many maps", maps((2,)), "call", spectrum, SPECTRUM),
    Case("half_time", "curves that get there", curves(False), "halves", crossing, HALF),
    Case("half_time", "one that never does", curves(True), "halves", crossing, HALF),
    Case(
        "curve",
        "three answers",
        answers,
        "rows",
        means,
        {
            "It is the sum over the tasks; the mean is asked.": lambda z: means(z, 1.0),
            "Only the first task counts.": (lambda z: (z["answers"][:, 0] - z["truth"][0]) ** 2),
        },
    ),
    Case(
        "matrix_posterior",
        "two outputs",
        problem,
        "call",
        whole,
        {
            "The outputs are taken for independent with variance 1.": (
                lambda z: whole(z, columns=numpy.eye(2))
            ),
            "The inputs are taken for white: the row covariance is left out.": (
                lambda z: whole(z, rows=numpy.eye(3))
            ),
            "The prior's mean is left out.": lambda z: whole(z, mean=0.0),
        },
    ),
]
