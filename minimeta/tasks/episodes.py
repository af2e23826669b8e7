"""N-way K-shot tasks from labelled data: a few classes, a few examples of each.

    one episode    N classes at random, then K + Q different examples of each
    targets        one-hot rows (N): the class is column i of its episode, i at random
    order          example number i is of the column i % N

A class has another column in each episode, so that nothing about the columns can be learned but
from the support. As the classes take turns, the first N k examples of a support are the k-shot
task: take(support, ways * k). Classes to test on are set apart before, by `split_classes`.

Source: Vinyals et al. 2016, Matching Networks for One Shot Learning, arXiv:1606.04080.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import current
from minimeta.tasks.drawing import generator, split

LARGEST = 2**60  # so that four times a label still is a 64-bit integer


def episodes(rng, x, y, tasks, ways, shots, queries):
    """M tasks from examples x (N, D...) of the classes y (N,), as a Task of one-hot targets.

    Shots and queries count examples per class: support has ways * shots of them. Labels may be any
    integers. Only the examples that are drawn are looked at for NaN.
    """
    checks.integer("tasks", tasks, at_least=1)
    checks.integer("ways", ways, at_least=2)
    checks.integer("shots", shots, at_least=1)
    checks.integer("queries", queries, at_least=1)
    check_examples(x, y)
    order, first, sizes = rows_by_class(y)
    check_enough(y[order[first]], sizes, ways, shots + queries)
    classes = draw_different(generator(rng), ways, numpy.full(tasks, len(sizes)))  # (M, ways)
    places = draw_different(rng, shots + queries, sizes[classes])  # (M, ways, K + Q)
    rows = order[first[classes][..., None] + places]
    rows = numpy.swapaxes(rows, 1, 2).reshape(tasks, -1)  # the classes take turns
    drawn = numpy.take(x, rows, axis=0).astype(current()[1], copy=False)  # (M, (K + Q) ways, D...)
    check_finite(drawn)
    targets = numpy.tile(numpy.eye(ways, dtype=drawn.dtype), (tasks, shots + queries, 1))
    return split(drawn, targets, ways * shots)


def split_classes(rng, y, counts, groups=None):
    """Disjoint sets of the classes in y (N,): one array of labels for each of `counts`, at random.

    With groups (N,), such as the alphabet of each example, whole groups are drawn and `counts`
    counts these. Groups or classes beyond the sum of `counts` are in no set.
    """
    check_labels(y)
    if not isinstance(counts, (list, tuple)) or not counts:
        raise TypeError(
            f"counts must be a list of how many go into each set; it is {counts!r:.60}."
        )
    for i, count in enumerate(counts):
        checks.integer(f"counts[{i}]", count, at_least=1)
    groups = y if groups is None else numpy.asarray(groups)
    checks.same_shape("y", y, "groups", groups)
    classes, first, which = numpy.unique(y, return_index=True, return_inverse=True)
    group = groups[first]  # of each class
    mixed = y[groups != group[which]]
    if len(mixed):
        raise ValueError(f"Each class must lie in one group; class {mixed[0]} lies in several.")
    names = generator(rng).permutation(numpy.unique(groups))
    if sum(counts) > len(names):
        raise ValueError(f"counts sums to {sum(counts)}, but there are only {len(names)} to split.")
    parts = numpy.split(names, numpy.cumsum(counts))[: len(counts)]
    return [classes[numpy.isin(group, part)] for part in parts]


def select(x, y, classes):
    """The examples (x, y) of these classes alone, in their order."""
    check_examples(x, y)
    classes = numpy.asarray(classes) if isinstance(classes, (list, tuple)) else classes
    checks.integers("classes", classes)
    missing = numpy.setdiff1d(classes, y)
    if len(missing):
        raise ValueError(f"classes must be labels in y; {missing[0]} is none of them.")
    rows = numpy.isin(y, classes)
    return x[rows], y[rows]


def quarter_turns(x, y):
    """Images x (N, side, side, ...) turned by 0, 90, 180 and 270 degrees, as classes of their own.

    Class c turned k times has the label 4 c + k. The 4 N examples are first all the unturned ones,
    then all those turned once counter-clockwise, and so on.
    """
    check_examples(x, y)
    if x.ndim < 3 or x.shape[1] != x.shape[2]:
        raise ValueError(f"x must be square images (N, side, side, ...); its shape is {x.shape}.")
    if not -LARGEST < int(y.min()) <= int(y.max()) < LARGEST:
        raise ValueError(f"y must lie within 2**60 of 0; it reaches from {y.min()} to {y.max()}.")
    turned = [numpy.rot90(x, k, axes=(1, 2)) for k in range(4)]
    labels = [4 * y.astype("int64") + k for k in range(4)]
    return numpy.concatenate(turned), numpy.concatenate(labels)


def rows_by_class(y):
    """The rows of y sorted by class, and where each class starts among them and how many it has."""
    order = numpy.argsort(y, kind="stable")
    grouped = numpy.take(y, order)
    first = numpy.concatenate([[0], 1 + numpy.flatnonzero(grouped[1:] != grouped[:-1])])
    return order, first, numpy.diff(first, append=len(y))


def draw_different(rng, count, sizes):
    """For each n in sizes (...), `count` different numbers below n in random order: (..., count).

    A few long rows are drawn one by one. Otherwise all rows are drawn together by Floyd's method:
    draw j, from 0, is of the first n - count + j + 1 numbers. If the drawn number is taken already,
    the last of those is chosen, which no earlier draw can have reached.
    """
    if sizes.size < count:
        rows = [rng.choice(n, count, replace=False) for n in sizes.flat]
        return numpy.reshape(rows, (*sizes.shape, count))
    last = sizes[..., None] - count + numpy.arange(count)
    chosen = rng.integers(last + 1)
    for j in range(1, count):
        taken = (chosen[..., :j] == chosen[..., j : j + 1]).any(axis=-1)
        chosen[..., j] = numpy.where(taken, last[..., j], chosen[..., j])
    return rng.permuted(chosen, axis=-1)


def check_examples(x, y):
    """Raise unless x (N, D...) is an array of floats in main memory and y has a label for each."""
    checks.floats("x", x)
    if not checks.readable(x):
        raise TypeError(f"x must be a NumPy array; it is a {type(x).__name__}.")
    checks.axes("x", x, "... N D")
    check_labels(y)
    if len(x) != len(y):
        raise ValueError(f"x and y must have one length; they have {len(x)} and {len(y)}.")


def check_labels(y):
    """Raise unless y (N,) is a NumPy array of integers, at least one."""
    if isinstance(y, numpy.ndarray) and y.dtype.kind not in "iu":
        raise TypeError(f"y must be an array of integer labels; it is an array of {y.dtype}.")
    if not checks.is_array(y) or not checks.readable(y):
        raise TypeError(f"y must be a NumPy array of labels; it is a {type(y).__name__}.")
    if y.ndim != 1 or len(y) == 0:
        raise ValueError(f"y must have shape (N,) with N at least 1; its shape is {y.shape}.")


def check_finite(drawn):
    """Raise if any number of the drawn examples is NaN or infinite.

    Such a number makes the sum NaN or infinite too, and a sum is faster than a look at each.
    """
    with numpy.errstate(over="ignore", invalid="ignore"):
        total = numpy.sum(drawn)
    if not numpy.isfinite(total):
        checks.finite("x", drawn)


def check_enough(classes, sizes, ways, needed):
    """Raise unless there are `ways` classes and each has as many examples as are needed."""
    if ways > len(classes):
        raise ValueError(f"ways is {ways}, but y has only {len(classes)} classes.")
    if needed > sizes.min():
        raise ValueError(
            f"shots + queries is {needed}, but class {classes[sizes.argmin()]} has only "
            f"{sizes.min()} examples."
        )
