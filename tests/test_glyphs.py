"""Glyphs are letters of fifteen scripts, about as hard to tell apart as Omniglot's."""

import hashlib
import time
import unicodedata
from pathlib import Path

import matplotlib
import numpy
import pytest
from helpers import refused, rng

from minimeta.tasks import episodes, glyphs, handwriting, outlines
from minimeta.tasks.episodes import quarter_turns, select, split_classes
from minimeta.tasks.handwriting import CHANCES, HAND, STILL, bell, draw

SHA256 = "d594fec02683d956979c71d53c8899fd9b2992ed75f9fd7c3bc15db626f95160"  # of x
NEAR = {(5, 1): 53, (5, 5): 77, (20, 1): 33, (20, 5): 58}  # (ways, shots): percent for Omniglot


def pixel_accuracy(x, y, ways, shots, tasks=400):
    """The part of queries whose nearest support image, by cosine, is of their class; its error."""
    task = episodes(rng(), x.reshape(len(x), -1), y, tasks, ways, shots, queries=5)
    unit = [data.x / numpy.linalg.norm(data.x, axis=-1, keepdims=True) for data in task]
    nearest = numpy.argmax(unit[1] @ numpy.swapaxes(unit[0], 1, 2), axis=-1)  # (M, Q)
    chosen = numpy.take_along_axis(task.support.y.argmax(axis=-1), nearest, axis=1)
    right = numpy.mean(chosen == task.query.y.argmax(axis=-1), axis=1)
    return right.mean(), right.std() / tasks**0.5


# ---- what is shipped


@pytest.mark.parametrize("side", [14, 28])
def test_the_glyphs_are_twenty_drawings_of_each_letter(side):
    x, y, alphabet = glyphs.load(side=side)
    assert x.shape == (len(y), side, side) and x.dtype == numpy.float32
    assert alphabet.shape == y.shape and y.dtype.kind == "i"
    assert set(numpy.unique(x)) == set(numpy.arange((28 // side) ** 2 + 1) / (28 // side) ** 2)
    numpy.testing.assert_array_equal(y, numpy.arange(len(y)) // 20)
    assert len(set(alphabet)) == 15 and len(y) == 20 * 1041
    for letter in (0, 500, 1040):
        assert len({*alphabet[y == letter]}) == 1


def test_a_small_pixel_is_the_mean_of_four():
    large, small = glyphs.load("test").x, glyphs.load("test", side=14).x
    means = large.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    numpy.testing.assert_array_equal(small, means)


def test_no_alphabet_is_in_two_parts_and_labels_hold_across_parts():
    everything = glyphs.load()
    parts = [glyphs.load(part) for part in glyphs.SPLIT]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not set(parts[a].alphabet) & set(parts[b].alphabet)
        assert not set(parts[a].y) & set(parts[b].y)
    assert sum(len(part.y) for part in parts) == len(everything.y)
    for part in parts:
        numpy.testing.assert_array_equal(part.x, everything.x[numpy.isin(everything.y, part.y)])
        assert len(set(part.y)) >= 60  # enough for 60 ways
    both = glyphs.load("train", "validation")
    assert {*both.y} == {*parts[0].y, *parts[1].y}


def test_letters_have_no_accents_and_belong_to_their_scripts():
    with numpy.load(glyphs.FILE) as file:
        letters, alphabets = [*map(chr, file["letter"])], file["alphabet"]
    assert len(set(letters)) == len(letters)
    for letter, alphabet in zip(letters, alphabets):
        assert unicodedata.name(letter).startswith(alphabet.upper())
        assert letter.isalpha() and unicodedata.normalize("NFKD", letter) == letter


def test_no_two_letters_look_alike_and_the_first_of_such_stays():
    """Cosines of the plain letters, convolved twice with (1, 2, 1), are below 0.9 for all pairs."""
    font = outlines.open_font("DejaVuSans")
    with numpy.load(glyphs.FILE) as file:
        letters = [*map(chr, file["letter"]), "\N{GREEK CAPITAL LETTER ALPHA}"]
    kernel = numpy.convolve([1, 2, 1], [1, 2, 1])
    smooth = lambda line: numpy.convolve(line, kernel, mode="same")
    flat = []
    for letter in letters:
        plain = draw(outlines.outline(font, letter), numpy.zeros((1, CHANCES)), STILL, 28)[0]
        blurred = numpy.apply_along_axis(smooth, 0, numpy.apply_along_axis(smooth, 1, plain))
        flat.append(blurred.ravel() / numpy.linalg.norm(blurred))
    cosines = numpy.array(flat) @ numpy.transpose(flat) - numpy.eye(len(flat))
    assert cosines[:-1, :-1].max() < 0.9
    assert cosines[-1, letters.index("A")] > 0.9


def test_the_file_is_small_and_loads_fast():
    assert glyphs.FILE.stat().st_size < 700_000
    glyphs.load()
    start = time.process_time()
    glyphs.load(side=14)
    assert time.process_time() - start < 0.3


def test_the_package_names_the_fonts_and_their_licence():
    text = (glyphs.FILE.parent / "README.md").read_text(encoding="utf-8")
    for words in ("DejaVu Sans", "Bitstream Vera", "Tavmjong Bah", "minimeta.tasks.glyphs"):
        assert words in text
    with numpy.load(glyphs.FILE) as file:
        assert f"{len(file['letter']):,} letters" in text


# ---- use


@pytest.mark.parametrize("ways, shots", NEAR)
def test_raw_pixels_tell_glyphs_apart_about_as_well_as_omniglot_s_letters(ways, shots):
    """Within four points of Omniglot's accuracy by the same rule, on the alphabets to test on."""
    x, y, _ = glyphs.load("test", side=14)
    accuracy, error = pixel_accuracy(x, y, ways, shots)
    assert abs(100 * accuracy - NEAR[ways, shots]) < 4 and error < 0.01


def test_glyphs_fit_episodes():
    x, y, alphabet = glyphs.load("train", side=14)
    task = episodes(rng(), x, y, tasks=3, ways=5, shots=2, queries=4)
    assert task.support.x.shape == (3, 10, 14, 14) and task.query.y.shape == (3, 20, 5)
    some, others = split_classes(rng(), y, [2, 3], groups=alphabet)
    first, second = select(x, y, some), select(x, y, others)
    assert not {*alphabet[numpy.isin(y, some)]} & {*alphabet[numpy.isin(y, others)]}
    turned, labels = quarter_turns(*first)
    assert len(turned) == 4 * len(first[0]) and len({*labels}) == 4 * len(some)
    assert len(second[0]) == 20 * len(others)


def test_glyphs_are_the_caller_s_own():
    glyphs.load("validation").x[:] = 7
    assert glyphs.load("validation").x.max() == 1


@pytest.mark.parametrize(
    "parts, side, sentence",
    [
        (("tests",), 28, r"part must be one of 'train', 'validation', 'test'; it is 'tests'\.$"),
        ((14,), 28, r"part must be one of .*; it is 14\.$"),
        ((["train"],), 28, r"part must be one of .*; it is \['train'\]\.$"),
        ((), 20, r"side must be 28 or 14; it is 20\.$"),
        ((), 14.0, r"side must be 28 or 14; it is 14\.0\.$"),
        ((), None, r"side must be 28 or 14; it is None\.$"),
        (("test",), numpy.ones(2), r"side must be 28 or 14; it is array.*\.$"),
    ],
)
def test_unknown_parts_and_sides_are_refused(parts, side, sentence):
    refused(lambda: glyphs.load(*parts, side=side), sentence, ValueError)


# ---- how they are made


def test_the_command_makes_the_same_bytes(monkeypatch, tmp_path, capsys):
    """Every array is the one shipped; the zip file around them depends on Python and zlib."""
    if matplotlib.__version_info__[:2] < (3, 8):
        pytest.skip("Matplotlib before 3.8 is not known to give the same outlines")
    shipped = glyphs.FILE
    monkeypatch.setattr(glyphs, "FILE", tmp_path / "glyphs.npz")
    glyphs.main()
    assert f"{glyphs.FILE.stat().st_size} bytes" in capsys.readouterr().out
    with numpy.load(shipped) as old, numpy.load(glyphs.FILE) as new:
        assert old.files == new.files
        for name in old.files:
            assert old[name].dtype == new[name].dtype and old[name].tobytes() == new[name].tobytes()


def test_the_drawings_shipped_are_those_looked_at():
    with numpy.load(glyphs.FILE) as file:
        assert hashlib.sha256(file["x"].tobytes()).hexdigest() == SHA256


def square(width, height, hole=0.0):
    """A frame of this size around the origin, its hole in the other direction."""
    outer = [(-width, -height), (-width, height), (width, height), (width, -height)]
    inner = [(x * hole, y * hole) for x, y in outer[::-1]] if hole else []
    x, y = numpy.array([*outer, *inner], dtype=float).T
    after = numpy.array([1, 2, 3, 0, *([5, 6, 7, 4] if hole else [])])
    before = numpy.array([3, 0, 1, 2, *([7, 4, 5, 6] if hole else [])])
    return outlines.Outline(x, y, after, before)


def test_a_polygon_is_filled_where_it_winds_around_the_centre_of_a_pixel():
    """A square from 2 to 6, and one from 2.6 to 5.4: the centres of pixels 3 and 4 are inside."""
    for half, ink in ((2.0, range(2, 6)), (1.4, range(3, 5))):
        shape = square(half, half)
        picture = handwriting.fill(4 + shape.x[None], 4 + shape.y[None], shape, 8)[0]
        expected = numpy.zeros((8, 8), dtype=bool)
        expected[numpy.ix_(ink, ink)] = True
        numpy.testing.assert_array_equal(picture, expected)


def test_a_hole_is_no_ink_and_an_overlap_is():
    """Contours in opposite directions cancel; those in one direction wind twice, which is ink."""
    frame, solid = square(3, 3, hole=1 / 3), square(3, 3)
    fill = lambda shape: handwriting.fill(4 + shape.x[None], 4 + shape.y[None], shape, 8)[0]
    assert fill(solid).sum() == 36 and fill(frame).sum() == 36 - 4 and not fill(frame)[4, 4]
    twice = outlines.Outline(
        *(numpy.concatenate([part, part]) for part in solid[:2]),
        numpy.array([1, 2, 3, 0, 5, 6, 7, 4]),
        numpy.array([3, 0, 1, 2, 7, 4, 5, 6]),
    )
    numpy.testing.assert_array_equal(fill(twice), fill(solid))


def test_ink_outside_of_the_picture_is_cut_off():
    """The pixels of a large square are those of its part inside."""
    shape = square(5, 2)
    picture = handwriting.fill(4 + shape.x[None], 7 + shape.y[None], shape, 8)[0]
    expected = numpy.zeros((8, 8), dtype=bool)
    expected[5:] = True
    numpy.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("wide", [1.0, 1.5, 2.0, 2.5, 3.5])
def test_the_pen_makes_strokes_as_wide_as_itself(wide):
    """A long bar of any width is as wide as the pen in its middle; its own width is 2 A / P."""
    pen, length, points = 2.0, 200.0, numpy.linspace(0, 1, 9)[:-1]
    corners = numpy.array([(0, 0), (length, 0), (length, wide), (0, wide), (0, 0)])  # y downwards
    x, y = numpy.concatenate(
        [a + points[:, None] * (b - a) for a, b in zip(corners, corners[1:])]
    ).T
    place = numpy.arange(len(x))
    bar = outlines.Outline(x, y, numpy.roll(place, -1), numpy.roll(place, 1))
    _, moved = handwriting.set_pen(x[None], y[None], bar, numpy.array([[pen]]))
    middle = moved[0, (x > length / 4) & (x < 3 * length / 4)]
    assert abs(numpy.ptp(middle) - pen) < 0.1 and abs(middle.mean() - wide / 2) < 0.01


def test_a_frame_is_centred_and_its_longer_side_is_two():
    x, y = rng().normal(3.0, 2.0, (2, 5, 9))
    x, y = handwriting.frame(x, y)
    sides = numpy.stack([numpy.ptp(x, axis=1), numpy.ptp(y, axis=1)])
    numpy.testing.assert_allclose(sides.max(axis=0), 2.0)
    for z in (x, y):
        numpy.testing.assert_allclose(z.max(axis=1), -z.min(axis=1))


def test_chebyshev_s_polynomials_are_cosines():
    """T_n(cos t) = cos(n t)."""
    t = numpy.linspace(0, 3, 50)
    for n, value in enumerate(handwriting.chebyshev(numpy.cos(t))):
        numpy.testing.assert_allclose(value, numpy.cos(n * t), atol=1e-14)


def test_the_random_numbers_have_the_first_moments_of_a_normal():
    """Mean 0, variance 1; a sum of three uniform numbers stays within 3."""
    z = bell(rng(), (200, 500))
    assert abs(z.mean()) < 5 / len(z.ravel()) ** 0.5 and abs(z.var() - 1) < 0.02
    assert abs(z).max() < 3


def test_a_drawing_depends_on_its_row_of_chance_alone():
    shape = outlines.outline(outlines.open_font("DejaVuSans"), "R")
    chance = bell(rng(), (6, CHANCES))
    together = draw(shape, chance, HAND, 28)
    numpy.testing.assert_array_equal(together[4:5], draw(shape, chance[4:5], HAND, 28))
    assert len({picture.tobytes() for picture in together}) == 6
    still = draw(shape, chance, STILL, 28)
    assert len({picture.tobytes() for picture in still}) == 1


@pytest.mark.parametrize("letter", "RSOg&")
def test_an_outline_is_the_one_that_matplotlib_draws(letter):
    """The same letter drawn by Matplotlib's renderer: a pixel is ink if more than half of it is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.textpath import TextPath

    shape = outlines.outline(outlines.open_font("DejaVuSans"), letter)
    picture = handwriting.fill(shape.x[None] + 8, shape.y[None] + 12, shape, 48)[0]
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    em = 2048 / 64  # of the font's units, in our coordinates
    path = TextPath((8, 12), letter, size=em, prop=FontProperties(fname=file))
    figure = Figure(figsize=(1, 1), dpi=48)
    figure.add_artist(PathPatch(path, color="black", linewidth=0, transform=None))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    paper = numpy.asarray(canvas.buffer_rgba())[::-1, :, 0]  # from the lowest row up
    assert numpy.mean((paper < 128) != picture) < 0.01 and picture.mean() > 0.05


def test_the_letters_of_a_script_have_no_decomposition():
    font = outlines.open_font("DejaVuSans")
    latin = outlines.letters(font, "Latin")
    assert {"A", "z", "\N{LATIN SMALL LETTER ESH}"} <= {*latin}
    assert not {"\N{LATIN SMALL LETTER E WITH ACUTE}", "1", "?"} & {*latin}
    assert latin == sorted(latin) and "\N{GREEK SMALL LETTER ALPHA}" not in latin


def test_letters_that_look_like_an_earlier_one_are_left_out():
    """Kept are the first and the one that is unlike it; a copy moved by a pixel is alike."""
    pictures = numpy.zeros((3, 28, 28), dtype=bool)
    pictures[0, 5:20, 8:15] = pictures[1, 5:20, 9:16] = pictures[2, 8:11, 3:24] = True
    assert glyphs.distinct(pictures) == [0, 2]
