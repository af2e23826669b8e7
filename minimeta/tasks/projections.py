"""Random projections with permuted labels: as many tasks as you like from one data set of classes.

    a task      a random matrix A (P, D) and a random order of C of the classes
    an example  x = u A for an example u (P,) of the data set; its label is the place of its class

Both are random, so neither the inputs nor the labels of one task say anything about those of
another. A new task can be answered only from its own examples. With `projections` every sequence
has a task of its own. With `draw_maps` the tasks are drawn once, and `choose` takes some of these.

The data set should be standardised first, so that the inputs of all tasks, and of tasks from
another data set, have mean zero and mean square one.

Source: Kirsch et al. 2022, General-Purpose In-Context Learning, arXiv:2212.04458.  Lesson
task_diversity.
"""

from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import current
from minimeta.tasks.drawing import count, generator, split
from minimeta.tasks.episodes import check_examples, check_finite, draw_different, rows_by_class


class Maps(NamedTuple):
    """M tasks: matrices (M, P, D), and the labels in the data set of their C classes: (M, C)."""

    matrices: object
    classes: object


def projections(rng, x, y, tasks, ways, shots, queries, inputs=16):
    """M new tasks from examples x (N, ...) of the classes y (N,), as a Task of one-hot targets.

    Unlike in `episodes`, shots and queries count examples, whatever their classes: every example
    is of one of the `ways` classes at random. No example is twice in a task.
    """
    maps = draw_maps(rng, x, y, tasks, ways, inputs)
    return from_maps(rng, x, y, maps, shots, queries)


def draw_maps(rng, x, y, tasks, ways, inputs=16):
    """Maps of M tasks: A_ij ~ N(0, 1 / P), and `ways` of the classes in random order."""
    for name, value in (("tasks", tasks), ("inputs", inputs)):
        checks.integer(name, value, at_least=1)
    checks.integer("ways", ways, at_least=2)
    check_examples(x, y)
    labels = numpy.unique(y)
    if ways > len(labels):
        raise ValueError(f"ways is {ways}, but y has only {len(labels)} classes.")
    pixels = x[0].size
    matrices = generator(rng).normal(scale=pixels**-0.5, size=(tasks, pixels, inputs))
    places = draw_different(rng, ways, numpy.full(tasks, len(labels)))
    return Maps(matrices.astype(current()[1], copy=False), labels[places])


def choose(rng, maps, tasks):
    """Maps of `tasks` tasks, each one of the given Maps at random; one may come several times."""
    checks.integer("tasks", tasks, at_least=1)
    check_maps(maps)
    rows = generator(rng).integers(len(maps.classes), size=tasks)
    return Maps(maps.matrices[rows], maps.classes[rows])


def from_maps(rng, x, y, maps, shots, queries):
    """A Task with one row of shots + queries examples for each of the Maps."""
    each = count(shots, queries)
    check_examples(x, y)
    check_maps(maps)
    tasks, ways = maps.classes.shape
    flat = x.reshape(len(x), -1)
    if flat.shape[1] != maps.matrices.shape[1]:
        raise ValueError(
            f"x must have {maps.matrices.shape[1]} numbers an example, as maps were made for; "
            f"its shape is {x.shape}."
        )
    columns = generator(rng).integers(ways, size=(tasks, each))  # the label of every example
    rows = draw_rows(rng, y, maps.classes, columns)  # (M, N)
    drawn = numpy.take(flat, rows, axis=0).astype(current()[1], copy=False)  # (M, N, P)
    check_finite(drawn)
    return split(drawn @ maps.matrices, numpy.eye(ways, dtype=drawn.dtype)[columns], shots)


def draw_rows(rng, y, classes, columns):
    """Rows of the data set (M, N): example n of task m is of the class classes[m, columns[m, n]].

    No row is twice in a task.
    """
    order, first, sizes = rows_by_class(y)
    labels = y[order[first]]
    which = numpy.searchsorted(labels, classes)  # (M, C), counting the classes from 0
    known = which < len(labels)
    if not known.all() or numpy.any(labels[which] != classes):
        raise ValueError("maps must have classes that are labels in y; one of them is none.")
    each = columns.shape[1]
    if each > sizes[which].min():
        raise ValueError(
            f"shots + queries is {each}, but a class has only {sizes[which].min()} examples."
        )
    places = draw_different(rng, each, sizes[which])  # (M, C, N), N different ones of every class
    own = numpy.take_along_axis(places, columns[:, None], axis=1)[:, 0]  # (M, N)
    return order[numpy.take_along_axis(first[which], columns, axis=1) + own]


def standardise(x):
    """Examples x (N, ...) as rows (N, P): every column has mean 0, all numbers mean square 1."""
    checks.array("x", x, "... N D")
    checks.integer("the size of x", x.size, at_least=1)
    rows = x.reshape(len(x), -1)
    rows = rows - rows.mean(axis=0)
    size = float(numpy.mean(rows**2)) ** 0.5
    if size == 0.0:
        raise ValueError("x must have examples that differ; all of them are equal.")
    return rows / size


def clusters(rng, classes, each, inputs=16, deviation=0.5):
    """Gaussian clusters: x (N, P) around centres ~ N(0, I), with labels y (N,), `each` of a class.

    The deviation is that of the examples around their centre.
    """
    for name, value in (("classes", classes), ("each", each), ("inputs", inputs)):
        checks.integer(name, value, at_least=1)
    checks.number("deviation", deviation, at_least=0.0)
    centres = generator(rng).normal(size=(classes, inputs))
    y = numpy.repeat(numpy.arange(classes), each)
    return centres[y] + deviation * rng.normal(size=(len(y), inputs)), y


def check_maps(maps):
    """Raise unless these are Maps of matrices (M, P, D) and classes (M, C), at least one task."""
    if not isinstance(maps, Maps):
        raise TypeError(f"maps must be Maps(matrices, classes); it is {checks.describe(maps)}.")
    checks.array("maps.matrices", maps.matrices, "M P D")
    checks.integers("maps.classes", maps.classes)
    checks.axes("maps.classes", maps.classes, "M C")
    if len(maps.matrices) != len(maps.classes) or 0 in maps.classes.shape:
        raise ValueError(
            "maps must have a matrix and classes for each of its tasks; "
            f"the shapes are {maps.matrices.shape} and {maps.classes.shape}."
        )
