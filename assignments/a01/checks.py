"""How a01.py is judged: by training linear networks step by step, and by integrals."""

import numpy

from minimeta.course.assignments import Case


def modes(full):
    """Inputs of shallow_modes: strengths, and with `full` curvatures and starts of their own."""

    def draw(rng):
        given = {"strength": rng.uniform(0.5, 3.0, size=3), "step_size": rng.uniform(0.05, 0.2)}
        given["steps"] = 6
        if full:
            given |= {"curvature": rng.uniform(0.5, 2.0, size=3), "start": rng.normal(size=3)}
        return given

    return draw


def descend(z, sign=1.0, curvature=None, first=0, factor=1.0):
    """w <- w + eta lambda (s - w), one step at a time."""
    lam = z.get("curvature", 1.0) if curvature is None else curvature
    w = z["strength"] * 0 + z.get("start", 0.0)
    rows = [w]
    for _ in range(z["steps"] + first):
        w = w + factor * sign * z["step_size"] * lam * (z["strength"] - w)
        rows.append(w)
    return numpy.stack(rows[first:])


def layer(rng):
    """Inputs of shallow_weights: second moments, and the first weights."""
    x = rng.normal(size=(8, 3))
    y = x @ rng.normal(size=(3, 2))
    return {
        "input_covariance": x.T @ x / 8,
        "correlation": x.T @ y / 8,
        "start": rng.normal(size=(3, 2)),
        "step_size": rng.uniform(0.05, 0.15),
        "steps": 10,
    }


def train(z, sign=1.0, start=1.0, white=False, first=0):
    """Gradient descent on the matrices."""
    W = start * z["start"]
    rows = [W]
    C = numpy.eye(3) if white else z["input_covariance"]
    for _ in range(z["steps"] + first):
        W = W + sign * z["step_size"] * (z["correlation"] - C @ W)
        rows.append(W)
    return numpy.stack(rows[first:])


def deep(layers):
    """Inputs of deep_modes."""

    def draw(rng):
        return {
            "strength": rng.uniform(0.8, 2.0, size=3),
            "start": rng.uniform(0.1, 0.3),
            "step_size": rng.uniform(0.02, 0.08),
            "steps": 8,
            "layers": layers,
        }

    return draw


def train_deep(z, power=lambda L: L - 1, start=None):
    """L numbers for each mode, each trained by its own gradient: the product of the others."""
    L = z["layers"]
    share = numpy.full(3, z["start"] if start else z["start"] ** (1 / L))
    layers = numpy.tile(share, (L, 1))
    rows = [layers.prod(axis=0)]
    for _ in range(z["steps"]):
        gap = z["strength"] - layers.prod(axis=0)
        others = layers[0] ** power(L)
        layers = layers + z["step_size"] * others * gap
        rows.append(layers.prod(axis=0))
    return numpy.stack(rows)


def in_one_layer(z):
    """u itself as the share: u <- u + eta u^(L-1) (s - u)."""
    u = numpy.full(3, z["start"])
    rows = [u]
    for _ in range(z["steps"]):
        u = u + z["step_size"] * u ** (z["layers"] - 1) * (z["strength"] - u)
        rows.append(u)
    return numpy.stack(rows)


def place(rng):
    """Inputs of mode_velocity."""
    strength = rng.uniform(1.0, 2.0, size=4)
    return {"mode": strength * rng.uniform(0.1, 0.9, size=4), "strength": strength, "layers": 3}


def velocity(z, layers=1.0, power=0.0, sign=1.0):
    """d(m^L)/dt by the derivative of the polynomial m^L, with dm/dt = m^(L-1) (s - u)."""
    L = z["layers"]
    m = z["mode"] ** (1 / L)
    slope = numpy.polyval(numpy.polyder([1.0, *[0.0] * L]), m)  # d(m^L)/dm
    return sign * slope * m ** (L - 1 + power) * (z["strength"] - z["mode"]) / layers


def curve(rng):
    """Inputs of two_layer_flow: strengths, a start, and times in a column."""
    return {
        "strength": rng.uniform(0.8, 2.0, size=3),
        "start": rng.uniform(0.05, 0.2),
        "time": numpy.sort(rng.uniform(0.2, 2.0, size=4))[:, None],
    }


def integrate(z, rate=2.0, deep=True, pieces=400):
    """du/dt = 2 u (s - u) by Runge and Kutta's method."""
    s = z["strength"]
    u, h = numpy.full((len(z["time"]), 3), z["start"]), z["time"] / pieces

    def flow(u):
        return rate * (u if deep else 1.0) * (s - u)

    for _ in range(pieces):
        a = flow(u)
        b = flow(u + h / 2 * a)
        c = flow(u + h / 2 * b)
        d = flow(u + h * c)
        u = u + h / 6 * (a + 2 * b + 2 * c + d)
    return u


def waiting(rng):
    """Inputs of half_time."""
    return {"strength": rng.uniform(0.8, 3.0, size=3), "start": rng.uniform(0.01, 0.1)}


def time_to_half(z, rate=2.0, shift=0.0):
    """The integral of du / (2 u (s - u)) from the start to s / 2, in steps of log u (Gauss)."""
    s = z["strength"]
    nodes, weights = numpy.polynomial.legendre.leggauss(60)
    low, high = numpy.log(z["start"]), numpy.log(s / 2)
    log_u = (low + high) / 2 + (high - low) / 2 * nodes[:, None]
    return (weights @ (1 / (rate * (s - numpy.exp(log_u) + shift)))) * (high - low) / 2


def correlations(rng):
    """Inputs of balanced_layers."""
    return {"correlation": rng.normal(size=(4, 3)), "start": rng.uniform(0.1, 0.4), "layers": 3}


def product(z, share=None, strength=False):
    """Product of the layers, W'W of the first, and their number: through E x'y's polar factor."""
    values, V = numpy.linalg.eigh(z["correlation"].T @ z["correlation"])
    polar = z["correlation"] @ (V / numpy.sqrt(values)) @ V.T  # U V'
    m = z["start"] ** (1 / z["layers"]) if share is None else share
    whole = m ** z["layers"] * (z["correlation"] if strength else polar)
    first = m**2 * (numpy.diag(values[::-1]) if strength else numpy.eye(3))
    return numpy.concatenate([whole.ravel(), first.ravel(), [z["layers"]]])


MODES = {
    "It moves away from s: the sign of the step is wrong.": lambda z: descend(z, sign=-1.0),
    "The row of the start is missing: the first row is before any step.": (
        lambda z: descend(z, first=1)
    ),
    "The step is twice as long: the loss here has the factor 1/2.": (
        lambda z: descend(z, factor=2.0)
    ),
}
DEEP = {
    "The factor m^(L-1) is missing: the other layers stand between this one and the loss.": (
        lambda z: train_deep(z, power=lambda L: 0)
    ),
    "The factor is m^L; a layer's gradient has the other L - 1 only.": (
        lambda z: train_deep(z, power=lambda L: L)
    ),
    "Every layer starts at u itself; its share is u^(1/L).": lambda z: train_deep(z, start=True),
    "It follows u as if it were the share of one layer.": in_one_layer,
}

CASES = [
    Case("shallow_modes", "white inputs", modes(False), "call", descend, MODES),
    Case(
        "shallow_modes",
        "other inputs and a start",
        modes(True),
        "call",
        descend,
        {
            **MODES,
            "It leaves out the curvature.": lambda z: descend(z, curvature=1.0),
            "It leaves out the start.": lambda z: descend({**z, "start": 0.0}),
        },
    ),
    Case(
        "shallow_weights",
        "ten steps",
        layer,
        "call",
        train,
        {
            "It goes up the gradient: the sign of the step is wrong.": lambda z: train(
                z, sign=-1.0
            ),
            "It leaves out the start.": lambda z: train(z, start=0.0),
            "It takes the inputs for white: E x'x is left out.": lambda z: train(z, white=True),
            "The row of the start is missing: the first row is before any step.": (
                lambda z: train(z, first=1)
            ),
        },
    ),
    Case("deep_modes", "two layers", deep(2), "call", train_deep, DEEP),
    Case("deep_modes", "four layers", deep(4), "call", train_deep, DEEP),
    Case(
        "mode_velocity",
        "three layers",
        place,
        "call",
        velocity,
        {
            "The factor L is missing: all layers move at once.": lambda z: velocity(z, layers=3.0),
            "The power of u is wrong: it is 2 - 2/L.": lambda z: velocity(z, power=-1.0),
            "The sign is wrong: a mode below its strength grows.": lambda z: velocity(z, sign=-1.0),
        },
    ),
    Case(
        "two_layer_flow",
        "a curve",
        curve,
        "call",
        integrate,
        {
            "It is half as fast: both layers learn, which gives the factor 2.": (
                lambda z: integrate(z, rate=1.0)
            ),
            "It is the exponential of one layer; with two layers the speed grows with u.": (
                lambda z: integrate(z, rate=1.0, deep=False)
            ),
        },
    ),
    Case(
        "half_time",
        "three modes",
        waiting,
        "call",
        time_to_half,
        {
            "It is twice as long: the factor 2 of the two layers is missing.": (
                lambda z: time_to_half(z, rate=1.0)
            ),
            "It is the time of ln(s / u_0): the mode slows down before s / 2.": (
                lambda z: numpy.log(z["strength"] / z["start"]) / (2 * z["strength"])
            ),
        },
    ),
    Case(
        "balanced_layers",
        "three layers",
        correlations,
        "layers",
        product,
        {
            "Every layer has `start` itself; the product then has its power L.": (
                lambda z: product(z, share=z["start"])
            ),
        },
    ),
]
