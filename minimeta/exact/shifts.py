"""Shifted families: other tasks than a learner was trained on, and what is best on them.

A shift has two floors. That of the *shifted* family is the Bayes-optimal learner that knows of the
shift: nobody is below it. That of the *believed* family is Bayes-optimal for the tasks before the
shift, and keeps its prior: a learner that has learned its family by heart can do no better.

    stretch_inputs(family, A)     x -> x A, labels as before          any family
    stretch_labels(family, c)     y -> c y, noise included            any family of regression
    map_shifts(...)               larger maps, noise, inputs, shots, another spectrum
    class_shifts(...)             larger inputs, noise, shots, classes, another spectrum

Both `stretch_...` keep the floor exact without knowing the family: its Bayes-optimal learner undoes
the shift, answers, and shifts its answer. Other shifts change a parameter of the family.

Sources: `linear_gaussian.wrong_prior_risk` has the believed floor in closed form; Bishop 2006,
section 3.3.  Lesson `spectrum`.
"""

from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_device
from minimeta.exact.class_gaussians import check_covariances
from minimeta.exact.families import gaussian_classes, gaussian_maps
from minimeta.tasks import Data, Family, Task


class Shift(NamedTuple):
    """A shifted family, the shots of its tasks, and the Bayes-optimal learner before the shift."""

    family: Family
    shots: int
    believed: object  # a Learner


def stretch_inputs(family, matrix):
    """The family whose inputs are x A, for an invertible A (D, D); labels are as before."""
    check_family(family)
    checks.array("matrix", matrix, "D D")
    if numpy.linalg.cond(matrix) > 1.0 / numpy.finfo(float).eps:
        raise ValueError("matrix must be invertible; it is singular.")
    there, back = (to_device(a) for a in (matrix, numpy.linalg.inv(matrix)))
    bayes = family.bayes
    undo = lambda data: Data(data.x @ cast(back, data.x), data.y)

    def sample(rng, tasks, shots, queries):
        task = family.sample(rng, tasks, shots, queries)
        return Task(*(Data(data.x @ cast(there, data.x), data.y) for data in task))

    adapt = lambda meta, support: bayes.adapt(meta, undo(support))
    predict = lambda meta, state, x: bayes.predict(meta, state, x @ cast(back, x))
    return Family(sample, whole(bayes, adapt, predict))


def stretch_labels(family, factor):
    """The family of regression whose labels, noise included, are `factor` times as large."""
    check_family(family)
    checks.number("factor", factor, above=0.0)
    bayes = family.bayes

    def sample(rng, tasks, shots, queries):
        task = family.sample(rng, tasks, shots, queries)
        return Task(*(Data(data.x, factor * data.y) for data in task))

    adapt = lambda meta, support: bayes.adapt(meta, Data(support.x, support.y / factor))
    predict = lambda meta, state, x: factor * bayes.predict(meta, state, x)
    return Family(sample, whole(bayes, adapt, predict))


def whole(learner, adapt, predict):
    """The learner with other functions; one by one it would see examples that are still shifted."""
    return learner._replace(adapt=adapt, predict=predict, start=None, observe=None, along=None)


def cast(matrix, like):
    """The matrix in the float type of an array."""
    return matrix.astype(like.dtype)


def map_shifts(covariance, noise_variance, shots, factor=3.0):
    """{name: Shift} of noisy linear maps, `gaussian_maps(0, covariance, noise_variance)`.

    "inside" is no shift. Weights and inputs grow by `factor`, the noise variance by its square, so
    that each multiplies what it changes alike. "spectrum" exchanges large eigenvalues for small.
    """
    checks.number("factor", factor, above=0.0)
    checks.integer("shots", shots, at_least=1)
    make = lambda covariance, noise=noise_variance: gaussian_maps(0.0, covariance, noise)
    inside = make(covariance)
    larger = make(factor**2 * covariance)  # with x = c x0:  x w = x0 (c w)
    families = {
        "inside": inside,
        "larger maps": larger,
        "more noise": make(covariance, factor**2 * noise_variance),
        "larger inputs": stretch_inputs(larger, factor * numpy.eye(len(covariance))),
        "other spectrum": make(opposite(covariance)),
    }
    shifts = {name: Shift(family, shots, inside.bayes) for name, family in families.items()}
    return {**shifts, "more shots": Shift(inside, 4 * shots, inside.bayes)}


def opposite(covariance):
    """The covariance of the same directions, whose largest eigenvalue is where the least was."""
    checks.covariance("covariance", covariance)
    checks.axes("covariance", covariance, "D D")
    values, directions = numpy.linalg.eigh(covariance)
    turned = (directions * values[::-1]) @ directions.T
    return 0.5 * (turned + turned.T)  # symmetric to the last digit


def class_shifts(ways, between, within, shots, factor=3.0):
    """{name: Shift} of Gaussian classes, `gaussian_classes(ways, between, within)`.

    "larger inputs" multiplies all inputs by `factor`, "more noise" the variance within classes,
    "other spectrum" exchanges directions in which classes differ much for those where they do not.
    """
    checks.number("factor", factor, above=0.0)
    checks.integer("shots", shots, at_least=1)
    inside = gaussian_classes(ways, between, within)
    check_covariances(between, within)
    families = {
        "inside": inside,
        "larger inputs": stretch_inputs(inside, factor * numpy.eye(len(between))),
        "more noise": gaussian_classes(ways, between, factor * within),
        "other spectrum": gaussian_classes(ways, opposite(between), within),
    }
    shifts = {name: Shift(family, shots, inside.bayes) for name, family in families.items()}
    more = gaussian_classes(2 * ways, between, within)
    return {
        **shifts,
        "more shots": Shift(inside, 4 * shots, inside.bayes),
        "more classes": Shift(more, shots, more.bayes),
    }


def check_family(family):
    """Raise unless the family has a sampler, and a learner as its floor."""
    checks.functions("family", family, "sample")
    checks.functions("family.bayes", family.bayes, "adapt", "predict", "loss")
