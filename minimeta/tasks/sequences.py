"""Sequences of tasks that one set of parameters must learn one after another.

    permuted_images   the same images, with the pixels in another order in every task
    rotated_images    the same images, turned by another angle in every task
    split_classes     other classes in every task
    linear            noisy maps y = x w with one w, but other directions of x in every task

The first three take `source`, images (N, height, width, 1) and labels (N,), such as those of
datasets.mnist("test"); without it they take the 8x8 digits. All return a Task whose first axis is
the order of the tasks: x (T, N, D), and y (T, N) or (T, N, C). Support is to learn from, and query
to be tested on.

Sources: Goodfellow et al. 2013, arXiv:1312.6211 (permuted); Lopez-Paz & Ranzato 2017,
arXiv:1706.08840 (rotated); Zenke, Poole & Ganguli 2017, arXiv:1703.04200 (split).
"""

import math

import numpy

from minimeta.core import checks
from minimeta.tasks import datasets
from minimeta.tasks.drawing import count, generator, limits, split


def permuted_images(rng, tasks, shots, queries, source=None):
    """The same images with T orders of their pixels, the first as it is: x (T, N, D), y (T, N)."""
    checks.integer("tasks", tasks, at_least=1)
    images, labels = draw_images(rng, shots, queries, source)
    x = images.reshape(len(images), -1)
    orders = [numpy.arange(x.shape[1])] + [rng.permutation(x.shape[1]) for _ in range(tasks - 1)]
    x, y = [x[:, order] for order in orders], tasks * [labels]
    return split(numpy.stack(x), numpy.stack(y), shots)


def rotated_images(rng, tasks, shots, queries, source=None, largest=math.pi):
    """The same images turned by T angles from 0 to below `largest` radians, at even distances."""
    checks.integer("tasks", tasks, at_least=1)
    checks.number("largest", largest)
    images, labels = draw_images(rng, shots, queries, source)
    angles = [largest * t / tasks for t in range(tasks)]
    x, y = [turn(images, angle).reshape(len(images), -1) for angle in angles], tasks * [labels]
    return split(numpy.stack(x), numpy.stack(y), shots)


def split_classes(rng, tasks, shots, queries, source=None):
    """The classes in their order, an equal number in every task: x (T, N, D), y (T, N).

    Labels stay those of the source: with k classes in a task, y % k is the label within the task.
    """
    images, labels = check_source(source)
    classes = int(labels.max()) + 1
    checks.integer("tasks", tasks, at_least=1)
    if classes % tasks:
        raise ValueError(f"tasks must divide the {classes} classes; it is {tasks}.")
    each = classes // tasks
    sets = [labels // each == t for t in range(tasks)]
    parts = [draw_images(rng, shots, queries, (images[rows], labels[rows])) for rows in sets]
    x, y = (numpy.stack(part) for part in zip(*parts))
    return split(x.reshape(*y.shape, -1), y, shots)


def linear(rng, tasks, shots, queries, dimension, noise_variance=0.01, spread=(0.1, 2.0)):
    """One w ~ N(0, I) seen through T kinds of inputs: x (T, N, D), y = x w + noise (T, N, 1).

    The inputs of each task have standard deviations uniform in `spread` along directions of their
    own, so every task gives information about other directions of w.
    """
    checks.integer("tasks", tasks, at_least=1)
    checks.integer("dimension", dimension, at_least=1)
    checks.number("noise_variance", noise_variance, at_least=0.0)
    checks.number("the lower end of spread", limits("spread", spread)[0], at_least=0.0)
    w = generator(rng).normal(size=(dimension, 1))
    sizes = rng.uniform(*spread, size=(tasks, 1, dimension))
    directions, _ = numpy.linalg.qr(rng.normal(size=(tasks, dimension, dimension)))
    unit = rng.normal(size=(tasks, count(shots, queries), dimension))
    x = (unit * sizes) @ directions
    noise = rng.normal(scale=math.sqrt(noise_variance), size=(*x.shape[:2], 1))
    return split(x, x @ w + noise, shots)


def halve(images):
    """Images (N, 2 H, 2 W, 1) at half the size, (N, H, W, 1): every pixel is the mean of four."""
    check_images("images", images)
    N, height, width, channels = images.shape
    if height % 2 or width % 2:
        raise ValueError(f"images must have even height and width; their shape is {images.shape}.")
    return images.reshape(N, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def turn(images, angle):
    """Images (N, H, W, 1) turned counter-clockwise by `angle` radians about their middle.

    A pixel is interpolated from the four around the point that it comes from. Outside is paper, 0.
    """
    check_images("images", images)
    checks.number("angle", angle)
    _, height, width, _ = images.shape
    top, left = (height - 1) / 2, (width - 1) / 2  # the middle
    down, right = numpy.mgrid[:height, :width].astype(float)
    down, right, cos, sin = down - top, right - left, math.cos(angle), math.sin(angle)
    rows, columns = top + cos * down + sin * right, left - sin * down + cos * right  # (H, W)
    result = numpy.zeros_like(images)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row, column = numpy.floor(rows).astype(int) + i, numpy.floor(columns).astype(int) + j
        share = (1 - abs(rows - row)) * (1 - abs(columns - column))
        inside = (0 <= row) & (row < height) & (0 <= column) & (column < width)
        there = images[:, row.clip(0, height - 1), column.clip(0, width - 1)]  # (N, H, W, 1)
        result += there * (share * inside)[..., None].astype(images.dtype)
    return result


def draw_images(rng, shots, queries, source):
    """shots + queries different images (N, H, W, 1) of the source with their labels (N,)."""
    images, labels = check_source(source)
    needed = count(shots, queries)
    if needed > len(images):
        raise ValueError(f"shots + queries is {needed}, but there are {len(images)} images.")
    rows = generator(rng).permutation(len(images))[:needed]
    return images[rows], labels[rows]


def check_images(name, images):
    """Raise unless images are floats (N, H, W, C): bytes would wrap round, or lose fractions."""
    checks.array(name, images, "N H W C")


def check_source(source):
    """The images (N, H, W, 1) and labels (N,) of the source, the 8x8 digits if it is None."""
    if source is None:
        return datasets.digits()
    if not isinstance(source, (tuple, list)) or len(source) != 2:
        raise TypeError(f"source must be (images, labels); it is {checks.describe(source)}.")
    images, labels = source
    check_images("source's images", images)
    if len(images) != len(labels):
        raise ValueError(f"source has {len(images)} images and {len(labels)} labels.")
    checks.integers("source's labels", labels, at_least=0)
    return images, labels
