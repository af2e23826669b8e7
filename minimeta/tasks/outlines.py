"""The outlines of letters, from the DejaVu fonts that come with Matplotlib.

A TrueType outline is made of closed contours, each a chain of lines and quadratic Bezier curves

    p(t) = (1 - t)^2 start + 2 t (1 - t) control + t^2 end,    t from 0 to 1

Coordinates are in units of the font, y upwards. They are sixty-fourths, and t is a multiple of a
quarter, so that the points below are exact: every version of Matplotlib gives the same ones.
"""

import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy

LETTERS = ("Lu", "Ll", "Lo")  # Unicode's categories: upper case, lower case, no case
CUTS = numpy.arange(4) / 4  # t, where a line or a curve is cut
BERNSTEIN = numpy.stack([(1 - CUTS) ** 2, 2 * CUTS * (1 - CUTS), CUTS**2], axis=1)  # (4, 3)
MOVE, LINE, CURVE = 1, 2, 3  # the codes of Matplotlib's paths; the code left out closes a contour


class Outline(NamedTuple):
    """Points (x, y) of closed polygons, and which points are their neighbours on the contour."""

    x: numpy.ndarray  # (points,)
    y: numpy.ndarray  # (points,)
    after: numpy.ndarray  # (points,) the index of the next point
    before: numpy.ndarray  # (points,) the index of the previous one


def open_font(face):
    """Matplotlib's font of this name, such as "DejaVuSans"."""
    # Matplotlib is loaded here and not above, because only drawing the letters anew needs it.
    import matplotlib
    from matplotlib.ft2font import FT2Font

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    squeezed = matplotlib.__version_info__[:2] < (3, 11)
    # Before Matplotlib 3.11, unscaled outlines are an eighth as wide unless this factor is 1.
    return FT2Font(str(path), hinting_factor=1) if squeezed else FT2Font(str(path))


def letters(font, script):
    """The letters whose Unicode name begins with the script's, in order; accented ones excepted.

    A letter with a decomposition is another letter with a mark on it, or another form of it.
    """
    return [
        letter
        for letter in map(chr, sorted(font.get_charmap()))
        if unicodedata.category(letter) in LETTERS
        and not unicodedata.decomposition(letter)
        and unicodedata.name(letter, "").startswith(script.upper() + " ")
    ]


def outline(font, letter):
    """The letter's contours as polygons: each line and each curve is cut into four."""
    from matplotlib import ft2font

    flags = getattr(ft2font, "LoadFlags", None)  # Matplotlib has it from 3.10 on
    unscaled = ft2font.LOAD_NO_SCALE if flags is None else flags.NO_SCALE
    font.load_char(ord(letter), flags=unscaled)
    parts = [numpy.array(contour) for contour in contours(*font.get_path())]  # (K, 3, 2) each
    points = numpy.concatenate([(BERNSTEIN @ part).reshape(-1, 2) for part in parts])
    ends = numpy.cumsum([len(CUTS) * len(part) for part in parts])
    places = numpy.split(numpy.arange(len(points)), ends[:-1])
    after = numpy.concatenate([numpy.roll(place, -1) for place in places])
    before = numpy.concatenate([numpy.roll(place, 1) for place in places])
    return Outline(points[:, 0], points[:, 1], after, before)


def contours(points, codes):
    """The contours of a path: lists of (start, control, end); the control of a line is half way."""
    chains = []
    steps = iter(zip(numpy.asarray(points, float), numpy.asarray(codes)))
    for point, code in steps:
        if code == MOVE:
            chains.append([])
            end = point
        elif code == LINE:
            start, end = end, point
            chains[-1].append((start, (start + end) / 2, end))
        elif code == CURVE:  # the control point; the end comes next
            start, end = end, next(steps)[0]
            chains[-1].append((start, point, end))
    return [chain for chain in chains if chain]
