"""Letters drawn as if by hand: an outline is bent, stretched, brought to one pen and filled.

    warp:     x + sum_ij a_ij T_i(x) T_j(y)     T: Chebyshev's polynomials; for y likewise
    stretch:  (I + A) (x, y)                    turns, slants and stretches
    frame:    the longer side fills part of the picture, near its middle
    pen:      every point is moved along the normal until strokes are as wide as the pen;
              the width of a stroke is close to 2 area / perimeter
    fill:     a pixel is ink if the contours wind around its centre

Numbers are only added, multiplied, divided and rooted, one by one, and summed as integers: what
follows is then the same on every machine, which sines, logarithms and sums of floats are not.
"""

from typing import NamedTuple

import numpy

TERMS = [(i, j) for i in range(4) for j in range(4) if 2 <= i + j <= 3]  # of the warp
CHANCES = 2 * len(TERMS) + 8  # random numbers for one drawing
GRID = 1024  # points of a pixel on which coordinates are rounded, so that sums are of integers
FULL = 28  # the side of the picture for which a pen is given


class Hand(NamedTuple):
    """How letters are drawn: two sizes, and the standard deviations of what changes by chance."""

    fill: float = 0.70  # the longer side of a letter, as a part of the picture
    pen: float = 2.0  # the width of strokes in a picture of 28 pixels
    warp: float = 0.085  # as a part of half the letter
    stretch: float = 0.12  # of the four numbers of A
    size: float = 0.12  # as a part of the size
    shift: float = 0.07  # as a part of half the picture
    pens: float = 0.15  # as a part of the pen


HAND = Hand()
STILL = Hand(fill=0.9, warp=0.0, stretch=0.0, size=0.0, shift=0.0, pens=0.0)


def draw(outline, chance, hand, side):
    """One drawing for each row of chance (N, CHANCES): pictures (N, side, side) of booleans."""
    columns = list(chance.T[..., None])  # (N, 1) each
    count = len(TERMS)
    in_x, in_y = columns[:count], columns[count : 2 * count]
    a, b, c, d, size, right, down, width = columns[2 * count :]
    x, y = frame(outline.x[None], outline.y[None])  # (1, points)
    x, y = x + hand.warp * warp(in_x, x, y), y + hand.warp * warp(in_y, x, y)  # (N, points)
    a, b, c, d = (hand.stretch * entry for entry in (a, b, c, d))
    x, y = frame((1 + a) * x + b * y, c * x + (1 + d) * y)
    half = side / 2
    length = half * hand.fill * (1 + hand.size * size)
    x = half * (1 + hand.shift * right) + length * x
    y = half * (1 + hand.shift * down) - length * y  # rows are counted downwards
    pen = hand.pen * side / FULL * (1 + hand.pens * width)
    x, y = set_pen(x, y, outline, pen)
    return fill(x, y, outline, side)


def bell(rng, shape):
    """Random numbers of mean 0 and standard deviation 1: sums of three, uniform from -1 to 1."""
    first, second, third = 2 * rng.random((3, *shape)) - 1
    return first + second + third


def warp(amounts, x, y):
    """sum_ij a_ij T_i(x) T_j(y), where amounts has a_ij (i + j) for each of TERMS."""
    across, along = chebyshev(x), chebyshev(y)
    return sum(a * across[i] * along[j] / (i + j) for a, (i, j) in zip(amounts, TERMS))


def chebyshev(x):
    """T_0 to T_3 of x, where T_n(cos t) = cos(n t)."""
    return [numpy.ones_like(x), x, 2 * x * x - 1, (4 * x * x - 3) * x]


def frame(x, y):
    """Each drawing (N, points) with the centre of its box at 0 and the longer side scaled to 2."""
    low_x, high_x = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    low_y, high_y = y.min(axis=1, keepdims=True), y.max(axis=1, keepdims=True)
    half = numpy.maximum(high_x - low_x, high_y - low_y) / 2
    return (x - (low_x + high_x) / 2) / half, (y - (low_y + high_y) / 2) / half


def set_pen(x, y, outline, pen):
    """The drawings (N, points) with strokes made about as wide as their pen (N, 1)."""
    x, y = numpy.rint(GRID * x), numpy.rint(GRID * y)
    step_x, step_y = x[:, outline.after] - x, y[:, outline.after] - y
    length = numpy.sqrt(step_x * step_x + step_y * step_y)
    perimeter = total(numpy.rint(length))
    area = numpy.abs(total(x * step_y - y * step_x)) / 2
    grow = numpy.clip((pen - 2 * area / perimeter / GRID) / 2, -0.75 * pen, 0.5 * pen)
    # A step can have the length 0, and two steps can cancel: 1 keeps the quotients finite.
    unit_x, unit_y = step_x / (length + 1), step_y / (length + 1)
    along_x, along_y = unit_x + unit_x[:, outline.before], unit_y + unit_y[:, outline.before]
    norm = numpy.sqrt(along_x * along_x + along_y * along_y) + 1 / GRID
    return x / GRID + grow * along_y / norm, y / GRID - grow * along_x / norm


def total(values):
    """The sums of whole numbers (N, points) over the points, exactly: (N, 1)."""
    return numpy.sum(values.astype(numpy.int64), axis=1, keepdims=True)


def fill(x, y, outline, side):
    """The pixels (N, side, side) around whose centres the polygons with corners (N, points) wind.

    On the way along a row of pixels, an edge that crosses the middle of the row in one direction
    adds 1 to the winding number, and one that crosses it in the other direction takes 1.
    """
    middle = numpy.arange(side) + 0.5
    below = y[..., None] > middle  # (N, points, side)
    drawing, edge, row = numpy.nonzero(below != below[:, outline.after])
    x, next_x = x[drawing, edge], x[drawing, outline.after[edge]]
    y, next_y = y[drawing, edge], y[drawing, outline.after[edge]]
    crossing = x + (next_x - x) * ((middle[row] - y) / (next_y - y))
    column = numpy.clip(numpy.ceil(crossing - 0.5), 0, side).astype(int)
    place = (drawing * side + row) * (side + 1) + column
    turns = numpy.bincount(
        place, numpy.where(y < next_y, 1, -1), minlength=len(below) * side * (side + 1)
    )
    return numpy.cumsum(turns.reshape(-1, side, side + 1)[..., :side], axis=-1) != 0


def blur(pictures, axis):
    """Every pixel becomes twice itself plus its two neighbours along the axis."""
    around = [(1, 1) if a == axis else (0, 0) for a in range(pictures.ndim)]
    padded = numpy.moveaxis(numpy.pad(pictures, around), axis, 0)
    return numpy.moveaxis(padded[:-2] + 2 * padded[1:-1] + padded[2:], 0, axis)
