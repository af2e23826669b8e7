"""Drawn letters of many alphabets: what the glyphs and Omniglot have in common.

A letter is stored as 20 drawings of 28 by 28 pixels, eight pixels a byte. It is read as ink from 0
(paper) to 1 (ink); at half the side, a pixel is the mean of four.
"""

from typing import NamedTuple

import numpy

DRAWINGS = 20  # of each letter
SIDE = 28
PACKED = SIDE * SIDE // 8  # bytes of a drawing


class Letters(NamedTuple):
    """Drawings x (N, side, side), float32, of the letters y (N,) of the alphabets (N,), by name.

    The drawings of a letter follow each other, so that N is 20 times the number of letters and
    row i is drawing number i % 20. In Omniglot this is who drew it.
    """

    x: numpy.ndarray
    y: numpy.ndarray
    alphabet: numpy.ndarray


def unpack(bits, labels, alphabets, side):
    """The Letters for bits (C, 20, 98), with a label and an alphabet for each of the C letters."""
    x = shrink(numpy.unpackbits(bits, axis=-1).reshape(-1, SIDE, SIDE), side)
    return Letters(x, numpy.repeat(labels, DRAWINGS), numpy.repeat(alphabets, DRAWINGS))


def shrink(ink, side):
    """Pictures (..., 28, 28) of zeros and ones as float32 of this side, 28 or 14."""
    if side != SIDE:
        ink = ink[..., ::2, :] + ink[..., 1::2, :]
        ink = ink[..., ::2] + ink[..., 1::2]
    return ink / numpy.float32((SIDE // side) ** 2)


def pack(pictures):
    """The bits (..., 98) of pictures (..., 28, 28) of booleans."""
    return numpy.packbits(pictures.reshape(*pictures.shape[:-2], SIDE * SIDE), axis=-1)


def check_side(side):
    """Raise unless the side is 28 or 14."""
    if isinstance(side, bool) or not isinstance(side, int) or side not in (SIDE, SIDE // 2):
        raise ValueError(f"side must be 28 or 14; it is {side!r:.60}.")


def check_part(part, parts):
    """Raise unless the part is one of those that there are."""
    if not isinstance(part, str) or part not in parts:
        raise ValueError(f"part must be one of {', '.join(map(repr, parts))}; it is {part!r:.60}.")
