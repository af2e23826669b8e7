"""How a09.py is judged: pair by pair, by conditioning Gaussians, by densities and by quadrature."""

import math

import numpy

from minimeta.course.assignments import Case


def embedded(rng):
    """Inputs: embeddings of two tasks with two, three and five examples of three classes."""
    labels = numpy.stack([rng.permutation([0, 0, 1, 1, 1, 2, 2, 2, 2, 2]) for _ in range(2)])
    return {"h": rng.normal(size=(2, 10, 4)), "y": numpy.eye(3)[labels]}


def means(z):
    """The mean over the examples of each class, which are picked one by one."""
    pick = lambda m, k: z["h"][m][z["y"][m, :, k] == 1.0]
    return numpy.array([[pick(m, k).mean(axis=0) for k in range(3)] for m in range(2)])


def sums(z, divisor):
    """The sums over the examples of each class, all divided by one number."""
    return numpy.swapaxes(z["y"], 1, 2) @ z["h"] / divisor


def queries(rng):
    """Inputs: five queries and three prototypes in four dimensions, for two tasks."""
    return {"h": rng.normal(size=(2, 5, 4)), "others": rng.normal(size=(2, 3, 4))}


def distances(z, power=2.0):
    """The length of each difference, to a power."""
    differences = z["h"][:, :, None] - z["others"][:, None]
    return numpy.linalg.norm(differences, axis=-1) ** power


def judged(rng):
    """Inputs: scores of six examples of three classes, and their labels."""
    return {
        "scores": rng.normal(size=(2, 6, 3)),
        "labels": numpy.eye(3)[rng.integers(3, size=(2, 6))],
    }


def errors(z, squash=True):
    """The mean of (p - y)^2, label by label."""
    p = 1.0 / (1.0 + numpy.exp(-z["scores"])) if squash else z["scores"]
    return numpy.array([numpy.mean((p[m] - z["labels"][m]) ** 2) for m in range(2)])


def variances(rng):
    """Inputs: variances of centres and of examples, and squared distances of queries."""
    return {
        "between": float(rng.uniform(0.5, 2.0)),
        "within": float(rng.uniform(0.5, 2.0)),
        "shots": int(rng.integers(2, 6)),
        "inputs": int(rng.integers(2, 7)),
        "ways": 4,
        "squares": rng.uniform(0.5, 12.0, size=5),
    }


def conditioned(z):
    """The share of the prototype by conditioning the centre on each of its examples."""
    n = z["shots"]
    covariance = z["between"] * numpy.ones((n, n)) + z["within"] * numpy.eye(n)
    weights = numpy.linalg.solve(covariance, z["between"] * numpy.ones(n))
    return numpy.array(weights.sum())


def covariances(rng):
    """Inputs: two covariances in three dimensions that share no axes."""
    B, W = (a @ a.T / 3.0 + 0.3 * numpy.eye(3) for a in rng.normal(size=(2, 3, 3)))
    return {"B": B, "W": W}


def simultaneous(z):
    """The identity, and the generalised eigenvalues of B v = b W v."""
    b = numpy.sort(numpy.linalg.eigvals(numpy.linalg.solve(z["W"], z["B"])).real)
    return numpy.concatenate([numpy.eye(3).ravel(), numpy.diag(b).ravel(), b])


def reversed_roles(z):
    """B whitened in place of W."""
    b = numpy.sort(numpy.linalg.eigvals(numpy.linalg.solve(z["B"], z["W"])).real)
    return numpy.concatenate([numpy.diag(b).ravel(), numpy.eye(3).ravel(), b])


def log_density(squares, variance, inputs):
    """log of the density of variance * chi^2 with D degrees of freedom."""
    half = inputs / 2.0
    x = squares / variance
    return (
        (half - 1) * numpy.log(x)
        - x / 2
        - half * math.log(2)
        - math.lgamma(half)
        - math.log(variance)
    )


def difference(z, squares, spread=1.0):
    """The log-ratio of the two densities at some squared distances."""
    same = z["within"] * (1.0 + spread / z["shots"])
    another = same + 2.0 * z["between"]
    log = lambda variance: log_density(squares, variance, z["inputs"])
    return log(same) - log(another)


def line(z, **other):
    """(constant, factor) of the line through the log-ratios at 1 and at 2."""
    one, two = difference(z, numpy.array([1.0, 2.0]), **other)
    return numpy.array([2.0 * one - two, one - two])


def posterior(z, odds=3.0):
    """Bayes' theorem with both densities."""
    ratio = numpy.exp(difference(z, z["squares"]))
    return ratio / (ratio + odds)


def chances(odd):
    """Inputs: a chance and three numbers of inputs, odd or even."""

    def draw(rng):
        inputs = numpy.array([1, 3, 7]) if odd else numpy.array([2, 4, 8])
        return {"p": float(rng.uniform(0.55, 0.9)), "inputs": inputs}

    return draw


def integrated(z, terms=lambda D: D):
    """The integral of the beta density from 0 to p, with x = sin^2(angle) and many nodes."""
    nodes, weights = numpy.polynomial.legendre.leggauss(200)
    values = []
    for D in map(terms, z["inputs"]):
        density = lambda end, D=D: end / 2.0 * weights @ (numpy.sin(end * (1.0 + nodes)) ** (D - 1))
        values.append(density(math.asin(math.sqrt(z["p"]))) / density(math.pi / 2.0))
    return numpy.array(values)


CASES = [
    Case(
        "class_means",
        "unequal classes",
        embedded,
        "class_means",
        means,
        {
            "It is the sum of the examples of a class, not their mean.": lambda z: sums(z, 1.0),
            "It divides by all examples of the task; each class has its own number.": (
                lambda z: sums(z, 10.0)
            ),
            "It divides by the number of classes, not by that of the examples.": (
                lambda z: sums(z, 3.0)
            ),
        },
    ),
    Case(
        "squared_distances",
        "some queries",
        queries,
        "squared_distances",
        distances,
        {
            "These are distances; their squares are asked for.": lambda z: distances(z, 1.0),
            "It has the wrong sign: distances are not logits.": lambda z: -distances(z),
            "The length of the queries is missing.": (
                lambda z: distances(z) - (z["h"] ** 2).sum(axis=-1, keepdims=True)
            ),
            "It is the mean over the coordinates; a squared distance is their sum.": (
                lambda z: distances(z) / 4.0
            ),
        },
    ),
    Case(
        "squared_error",
        "three classes",
        judged,
        "squared_error",
        errors,
        {
            "The scores are log-odds; sigmoid is missing.": lambda z: errors(z, squash=False),
            "It is the sum over the classes; the mean is over classes too.": (
                lambda z: 3.0 * errors(z)
            ),
        },
    ),
    Case(
        "shrinkage",
        "some shots",
        variances,
        "shrinkage",
        conditioned,
        {
            "The shots are missing: a mean of n examples varies less than one.": (
                lambda z: numpy.array(z["between"] / (z["between"] + z["within"]))
            ),
            "It is what is shrunk away, 1 less the factor.": lambda z: 1.0 - conditioned(z),
        },
    ),
    Case(
        "coordinates",
        "three inputs",
        covariances,
        "coordinates",
        simultaneous,
        {"B is whitened and W is turned; W is to become the identity.": reversed_roles},
    ),
    Case(
        "log_ratio",
        "some shots",
        variances,
        "log_ratio",
        line,
        {
            "The prototype is taken for the centre: its own variance, W / n, is missing.": (
                lambda z: line(z, spread=0.0)
            ),
            "It is the log-ratio of another class to the same class.": lambda z: -line(z),
            "The factor is twice as large: the exponent of a Gaussian has 1/2.": (
                lambda z: line(z) * numpy.array([1.0, 2.0])
            ),
        },
    ),
    Case(
        "same_class",
        "four classes",
        variances,
        "same_class",
        posterior,
        {
            "The odds before are missing: only one of N classes is the right one.": (
                lambda z: posterior(z, odds=1.0)
            ),
            "The odds before are 1 to N; there are N - 1 others.": (
                lambda z: posterior(z, odds=4.0)
            ),
            "It is the chance of another class.": lambda z: 1.0 - posterior(z),
        },
    ),
    *(
        Case(
            "symmetric_beta",
            name,
            chances(odd),
            "symmetric_beta",
            integrated,
            {
                "It is the first value whatever D: the terms are missing.": (
                    lambda z, least=least: integrated(z, lambda D: least)
                ),
                "There is one term too few.": (
                    lambda z, least=least: integrated(z, lambda D: max(least, D - 2))
                ),
                "There is one term too many.": lambda z: integrated(z, lambda D: D + 2),
            },
        )
        for name, odd, least in (("odd inputs", True, 1), ("even inputs", False, 2))
    ),
]
