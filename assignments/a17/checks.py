"""How a17.py is judged: by polynomials written with their coefficients, and by brute force."""

import numpy

from minimeta.course.assignments import Case


def spectrum(steps, shape=(6,)):
    """Inputs: step sizes and a spectrum with some empty axes in front."""

    def draw(rng):
        sizes = rng.uniform(0.1, 0.6, size=steps)
        return {"step_sizes": sizes, "spectrum": rng.uniform(0.2, 3.0, size=shape)}

    return draw


def weighted(steps):
    """Inputs: the same with weights, of one spectrum."""

    def draw(rng):
        return {**spectrum(steps)(rng), "weights": rng.uniform(0.3, 1.0, size=6)}

    return draw


def measure(rng):
    """Inputs: a spectrum and its weights."""
    values = numpy.linspace(0.3, 3.0, 6) + rng.uniform(-0.2, 0.2, size=6)
    return {"spectrum": values, "weights": rng.uniform(0.3, 1.0, size=6)}


def fit(steps):
    """Inputs: a spectrum, its weights, and how many steps."""
    return lambda rng: {**measure(rng), "steps": steps}


def interval(steps=None):
    """Inputs: the ends of an interval, and perhaps a number of steps."""

    def draw(rng):
        ends = {"low": rng.uniform(0.2, 0.6), "high": rng.uniform(1.5, 3.0)}
        return ends if steps is None else {**ends, "steps": steps}

    return draw


def polynomial(z, sign=-1.0):
    """p(lam) from the coefficients of the product of 1 - a lam."""
    coefficients = numpy.array([1.0])
    for size in z["step_sizes"]:
        coefficients = numpy.convolve(coefficients, [1.0, sign * size])  # lowest power first
    return sum(c * z["spectrum"] ** n for n, c in enumerate(coefficients))


def loss(z, power=2):
    """Sum of weight p^2."""
    return numpy.asarray((z["weights"] * polynomial(z) ** power).sum())


def least_squares(z, weights=None, steps=None):
    """One over the roots of the p with p(0) = 1 and the least sum of weight p^2, largest first."""
    weights = z["weights"] if weights is None else weights
    powers = z["spectrum"][:, None] ** numpy.arange(1, (steps or z["steps"]) + 1)
    root = numpy.sqrt(weights)
    rest = numpy.linalg.lstsq(powers * root[:, None], -root, rcond=None)[0]
    roots = numpy.roots([*rest[::-1], 1.0])
    return numpy.sort(1.0 / numpy.real(roots))[::-1]


def equal_ripple(z):
    """One over the roots of T_k, as the eigenvalues of its recurrence, moved to the interval."""
    k = z["steps"]
    beside = numpy.full(k - 1, 0.5)
    beside[0] = 0.5**0.5
    nodes = numpy.linalg.eigvalsh(numpy.diag(beside, 1) + numpy.diag(beside, -1))
    return moved(z, nodes)


def moved(z, nodes):
    """Step sizes, largest first, from roots on [-1, 1]."""
    middle, half = (z["high"] + z["low"]) / 2, (z["high"] - z["low"]) / 2
    return numpy.sort(1.0 / (middle + half * nodes))[::-1]


def bound(z, x=None):
    """1 / T_k(x) by the recurrence T_k+1 = 2 x T_k - T_k-1."""
    x = (z["high"] + z["low"]) / (z["high"] - z["low"]) if x is None else x
    before, now = 1.0, x
    for _ in range(z["steps"] - 1):
        before, now = now, 2 * x * now - before
    return numpy.asarray(1.0 / now)


def constant_step(z):
    """The step at which 1 - a low and a high - 1 are equal, and their value."""
    a = numpy.linalg.solve([[z["low"], 1.0], [z["high"], -1.0]], [1.0, 1.0])
    return a


def momentum(z):
    """(1 + sqrt mass)^2 = a high and (1 - sqrt mass)^2 = a low, solved for sqrt a and sqrt mass."""
    root_a, rate = numpy.linalg.solve([[z["high"] ** 0.5, -1], [z["low"] ** 0.5, 1]], [1.0, 1.0])
    return numpy.array([root_a**2, rate**2, rate])


UPHILL = "It has the wrong sign: 1 + a lam goes up the gradient."
RESIDUAL = {
    UPHILL: lambda z: polynomial(z, 1.0),
    "It is one long step: a product of the steps' factors is asked, not the sum of the steps.": (
        lambda z: 1 - z["step_sizes"].sum() * z["spectrum"]
    ),
    "It is the square of p already.": lambda z: polynomial(z) ** 2,
}
SCHEDULE = {
    "The weights are those of the error; the loss is what is to be small.": (
        lambda z: least_squares(z, z["weights"] / z["spectrum"])
    ),
    "The nodes are for the weights themselves: Gauss's measure here is lam weight.": (
        lambda z: gauss(z, z["weights"])
    ),
    "The smallest step stands first; the largest is asked first.": (
        lambda z: least_squares(z)[::-1]
    ),
    "These are the roots; the step sizes are one over them.": (lambda z: 1.0 / least_squares(z)),
}


def gauss(z, weights):
    """One over the nodes of Gauss's quadrature for a measure, largest first."""
    root = numpy.sqrt(weights)
    powers = z["spectrum"][:, None] ** numpy.arange(z["steps"]) * root[:, None]
    Q, _ = numpy.linalg.qr(powers)
    return 1.0 / numpy.linalg.eigvalsh(Q.T @ (z["spectrum"][:, None] * Q))


CASES = [
    Case("residual", "one spectrum", spectrum(3), "call", polynomial, RESIDUAL),
    Case("residual", "many spectra", spectrum(2, (4, 3)), "call", polynomial, RESIDUAL),
    Case(
        "expected_loss",
        "three steps",
        weighted(3),
        "call",
        loss,
        {
            "It is the mean of the polynomial itself; the loss is its square.": (
                lambda z: loss(z, 1)
            ),
            "It is the mean over the eigenvalues; the weights say how much each counts.": (
                lambda z: loss(z) / 6
            ),
            "The weights are left out.": lambda z: numpy.asarray((polynomial(z) ** 2).sum()),
        },
    ),
    Case(
        "best_step",
        "six eigenvalues",
        measure,
        "call",
        lambda z: numpy.asarray(least_squares(z, steps=1)[0]),
        {
            "It is one over the mean eigenvalue: the large ones must count more.": (
                lambda z: numpy.asarray(z["weights"].sum() / (z["weights"] @ z["spectrum"]))
            ),
            "It is 2 / (largest + smallest), the best step for the worst case.": (
                lambda z: numpy.asarray(2 / (z["spectrum"].max() + z["spectrum"].min()))
            ),
            "The weights are left out.": (
                lambda z: numpy.asarray(z["spectrum"].sum() / (z["spectrum"] ** 2).sum())
            ),
        },
    ),
    Case("best_schedule", "two steps", fit(2), "call", least_squares, SCHEDULE, 1e-6),
    Case("best_schedule", "three steps", fit(3), "call", least_squares, SCHEDULE, 1e-6),
    Case(
        "chebyshev",
        "five steps",
        interval(5),
        "call",
        equal_ripple,
        {
            "The roots are evenly spaced; Chebyshev's crowd at the ends.": (
                lambda z: moved(z, numpy.linspace(-0.8, 0.8, 5))
            ),
            "These are the points where T_k is extreme, not its roots.": (
                lambda z: moved(z, -numpy.cos(numpy.pi * numpy.arange(5) / 5))
            ),
            "The smallest step stands first; the largest is asked first.": (
                lambda z: equal_ripple(z)[::-1]
            ),
            "These are the roots; the step sizes are one over them.": (
                lambda z: 1 / equal_ripple(z)
            ),
        },
    ),
    Case(
        "chebyshev_bound",
        "four steps",
        interval(4),
        "call",
        bound,
        {
            "It is T_k itself; the bound is one over it.": lambda z: 1 / bound(z),
            "It is the rate of one constant step to the power k.": (
                lambda z: constant_step(z)[1] ** 4
            ),
        },
    ),
    Case(
        "gradient_descent",
        "an interval",
        interval(),
        "call",
        constant_step,
        {
            "The step is one over the largest eigenvalue; a longer one is better.": (
                lambda z: numpy.array([1 / z["high"], 1 - z["low"] / z["high"]])
            ),
            "The step is 1 / (high + low), half of the best.": (
                lambda z: constant_step(z) * [0.5, 1.0]
            ),
        },
    ),
    Case(
        "heavy_ball",
        "an interval",
        interval(),
        "call",
        momentum,
        {
            "The mass is the rate; it must be its square.": lambda z: momentum(z)[[0, 2, 2]],
            "The rate is that of plain gradient descent: the roots of high and low are missing.": (
                lambda z: momentum({k: v**2 for k, v in z.items()})
            ),
        },
    ),
]
