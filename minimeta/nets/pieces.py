"""Images in pieces: as many at a time as fit into a core's cache, on as many cores as are free.

x (T, N, height, width, D) has T tasks of N images. A piece (tasks, images) is a pair of slices, and
x[piece] lies in memory end to end: it is one task's images or some of them, or several tasks whole.
Pieces do not depend on the number of threads, and what they give is added up in their order.
"""

import math

import numpy

from minimeta.core.threads import side_by_side

CACHE = 2**18  # numbers that a core keeps close by: a megabyte of float32


def pieces(x, numbers):
    """The pieces of x, with `numbers` in the cache for each image. A device gets all at once."""
    tasks, images = x.shape[:2]
    if not isinstance(x, numpy.ndarray):
        return [(slice(0, tasks), slice(0, images))]
    most = max(1, CACHE // max(1, numbers))  # images in a piece
    tasks_each = max(1, most // max(1, images))
    count = 2 * math.ceil(images / (2 * most)) if images > most else 1  # two threads get as much
    each = max(1, math.ceil(images / count))
    starts = [(t, i) for t in range(0, tasks, tasks_each) for i in range(0, images, each)]
    return [(slice(t, t + tasks_each), slice(i, i + each)) for t, i in starts]


def fill(f, parts):
    """f(tasks, images) for every piece: f writes the piece's part of an array."""
    side_by_side(lambda piece: f(*piece), parts)


def collect(f, parts):
    """What f(tasks, images) gives for every piece, in the order of the pieces."""
    found = [None] * len(parts)

    def keep(k):
        found[k] = f(*parts[k])

    side_by_side(keep, range(len(parts)))
    return found


def add_up(f, parts, total):
    """total (T, ...) with f(tasks, images) of every piece added, which has an entry per task."""
    for (tasks, _), part in zip(parts, collect(f, parts)):
        total[tasks] += part
    return total


def as_tasks(a, tasks=None):
    """a (..., A, B, C, D) with one axis in front for its leading axes, or repeated for `tasks`."""
    if tasks is not None and a.shape[:-4] != tasks:
        a = numpy.broadcast_to(a, (*tasks, *a.shape[-4:]))
    return a.reshape(math.prod(a.shape[:-4]), *a.shape[-4:])
