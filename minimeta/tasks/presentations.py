"""Sequences of labelled examples: several classes in random order, each seen many times.

    shuffle(rng, task)             the examples of an N-way task, one after another, in random order
    numbers(y)                     how often the class of each example has come up to there: 1, 2 ..
    by_presentation(values, y)     means over the classes at the 1st, 2nd, ... presentation

A learner must name the class of each example before it is shown the label. At the 1st presentation
of a class nobody can know its label, and at the 2nd one example of it has been seen. A class has
another label in each task, so that the binding of images to labels is in the sequence alone.

Gaussian classes come from `minimeta.exact.sequential_classes`; those of images, such as glyphs, are
shuffle(rng, episodes(rng, x, y, ...)).

Source: Santoro et al. 2016, arXiv:1605.06065, section 3.1, where a learner is shown each label with
the next example.  Lesson `memory`.
"""

import numpy

from minimeta.core import checks
from minimeta.tasks.drawing import generator, split
from minimeta.tasks.task import check_task


def shuffle(rng, task):
    """The support and query of each task as one sequence in random order, split where it was.

    The support is the beginning of the sequence, and its classes no longer come up equally often.
    """
    check_task(task)
    x, y = (numpy.concatenate(parts, axis=1) for parts in zip(task.support, task.query))
    places = numpy.tile(numpy.arange(x.shape[1]), (len(x), 1))
    order = generator(rng).permuted(places, axis=1)  # (M, T)
    rows = numpy.arange(len(x))[:, None]
    return split(x[rows, order], y[rows, order], task.support.x.shape[1])


def numbers(y):
    """The number of each presentation, from 1 on, of one-hot labels y (M, T, C): (M, T)."""
    checks.array("y", y, "M T C")
    return numpy.sum(numpy.cumsum(y, axis=1) * y, axis=-1).astype(int)


def by_presentation(values, y):
    """The means (M, n) of values (M, T) at the 1st, ..., n-th presentation, for each task.

    n is how often the rarest class of all tasks comes up, so that every mean is over all classes.
    """
    checks.array("values", values, "M T")
    which = numbers(y)
    if values.shape != which.shape:
        raise ValueError(
            f"values must have the shape {which.shape} of the labels; it has {values.shape}."
        )
    least = int(numpy.sum(y, axis=1).min())
    at = [which == n + 1 for n in range(least)]  # each has C places in every task
    return numpy.stack([numpy.sum(values * here, axis=1) / y.shape[-1] for here in at], axis=1)
