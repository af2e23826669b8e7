"""Omniglot is read as it was published, and never from damaged files."""

import hashlib
import io
import os
import struct
import zipfile
import zlib
from functools import cache
from pathlib import Path

import numpy
import pytest
from helpers import refused, rng
from test_glyphs import NEAR, pixel_accuracy

from minimeta.core.backend import using
from minimeta.tasks import datasets, downloads, episodes, omniglot
from minimeta.tasks.datasets import DatasetError
from minimeta.tasks.letters import pack
from minimeta.tasks.png import read_png

COPIES = [os.environ.get("MINIMETA_DATA"), Path(__file__).parents[2] / "shared" / "data"]
FOLDERS = [Path(copy) / "omniglot" for copy in COPIES if copy]
OFFLINE = next((f for f in FOLDERS if (f / "images_background_small1.zip").is_file()), None)
ALL = next((f for f in FOLDERS if (f / omniglot.ALL).is_file()), None)
needs_small = pytest.mark.skipif(OFFLINE is None, reason="needs Omniglot's small sets")
needs_all = pytest.mark.skipif(ALL is None, reason="needs all of Omniglot, packed")


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """No mirror, no cache and no offline copies but those of the test."""
    monkeypatch.setenv("MINIMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIMETA_DATA", raising=False)
    monkeypatch.setattr(omniglot, "MIRRORS", [])


# ---- PNG


def chunk(kind, data):
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def difference(kind, line, above):
    """The bytes that the filter of this number stores for a line, by the PNG specification."""
    stored = []
    for i, byte in enumerate(line):
        a, b, c = (line[i - 1] if i else 0), above[i], (above[i - 1] if i else 0)
        p = a + b - c
        distances = abs(p - a), abs(p - b), abs(p - c)
        paeth = (a, b, c)[distances.index(min(distances))]
        stored.append((byte - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
    return bytes(stored)


def write_png(white, kinds=(0,), header=None, cuts=1):
    """A PNG file of one bit a pixel, whose lines have these filters in turn."""
    height, width = white.shape
    lines = [bytes(line) for line in numpy.packbits(white, axis=1)]
    above = [bytes(len(lines[0])), *lines]
    rows = [
        bytes([kinds[i % len(kinds)]]) + difference(kinds[i % len(kinds)], line, above[i])
        for i, line in enumerate(lines)
    ]
    data = zlib.compress(b"".join(rows))
    pieces = [data[i * len(data) // cuts : (i + 1) * len(data) // cuts] for i in range(cuts)]
    header = header or struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"tIME", bytes(7))
    body += b"".join(chunk(b"IDAT", piece) for piece in pieces) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kinds", [(0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4), (4, 3, 2, 1)])
@pytest.mark.parametrize("width", [1, 8, 105])
def test_an_image_is_read_back_whatever_its_filters(kinds, width):
    white = rng().random((11, width)) < 0.7
    for cuts in (1, 3):
        numpy.testing.assert_array_equal(read_png(write_png(white, kinds, cuts=cuts), "a"), white)


def test_matplotlib_reads_the_same_image():
    """Matplotlib's own reader agrees with ours and with the writer of these tests."""
    from matplotlib.image import imread

    white = rng().random((9, 21)) < 0.5
    numpy.testing.assert_array_equal(imread(io.BytesIO(write_png(white, (4, 1)))) == 1, white)


BLANK = numpy.ones((4, 4), dtype=bool)
WITH_FILTER_7 = b"\x89PNG\r\n\x1a\n" + b"".join(
    [
        chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 1, 0, 0, 0, 0)),
        chunk(b"IDAT", zlib.compress(bytes([7, 0]))),
        chunk(b"IEND", b""),
    ]
)


@pytest.mark.parametrize(
    "data, sentence",
    [
        (b"", "does not begin as one"),
        (b"GIF89a", "does not begin as one"),
        (write_png(BLANK)[:-20], "a checksum is wrong"),
        (write_png(BLANK)[:8], "a checksum is wrong"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "its first chunk is no header"),
        (WITH_FILTER_7, "no filter 7"),
        (write_png(BLANK, header=struct.pack(">IIBBBBB", 4, 9, 1, 0, 0, 0, 0)), "say"),
        (write_png(BLANK, header=struct.pack(">IIBBBBB", 4, 2, 1, 0, 0, 0, 0)), "say"),
        (
            write_png(BLANK, header=struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)),
            "of 8",
        ),
        (
            write_png(BLANK, header=struct.pack(">IIBBBBB", 0, 4, 1, 0, 0, 0, 0)),
            "0 by",
        ),
        (write_png(BLANK, header=struct.pack(">II", 4, 4)), "no header"),
    ],
)
def test_what_is_no_png_of_one_bit_is_refused(data, sentence):
    refused(lambda: read_png(data, "a.png"), rf"^a\.png .*{sentence}.*\.$", DatasetError)


def test_any_flipped_bit_of_an_image_is_a_sentence_or_changes_no_pixel():
    white = rng().random((12, 17)) < 0.5
    good = write_png(white, (0, 2, 4))
    for place in range(8 * len(good)):
        damaged = bytearray(good)
        damaged[place // 8] ^= 1 << place % 8
        try:
            found = read_png(bytes(damaged), "a.png")
        except DatasetError as error:
            assert str(error).startswith("a.png ") and "\n" not in str(error)
        else:
            numpy.testing.assert_array_equal(found, white)


# ---- from 105 pixels to 28


def test_a_small_pixel_is_ink_if_more_than_a_part_of_its_area_is():
    """The area by another route: every pixel cut into 4 by 4, then means of 15 by 15."""
    white = rng().random((105, 105)) < 0.85
    fine = numpy.kron(~white, numpy.ones((4, 4)))
    area = fine.reshape(28, 15, 28, 15).mean(axis=(1, 3))
    numpy.testing.assert_array_equal(omniglot.reduce(white, "a"), area > 0.15)
    assert 0.2 < (area > 0.15).mean() < 0.8


# ---- the real files


@needs_small
@pytest.mark.parametrize("part, letters", [("small1", 136), ("small2", 156)])
def test_the_small_sets_are_those_published(part, letters):
    x, y, alphabet = datasets.omniglot(part, folder=OFFLINE)
    assert x.shape == (20 * letters, 28, 28) and x.dtype == numpy.float32
    assert list(dict.fromkeys(alphabet)) == omniglot.PARTS[part]
    numpy.testing.assert_array_equal(numpy.unique(y, return_counts=True)[1], 20)
    assert alphabet[0] == omniglot.ALPHABETS[y[0]] and 0.05 < x.mean() < 0.2


@needs_small
def test_alphabets_letters_and_people_are_in_their_places(monkeypatch):
    """Letter 3 of Latin, drawn by person 7: in the archive it has a name, here a row."""
    (path,) = downloads.fetch("omniglot", omniglot.ARCHIVES["small1"], [], OFFLINE)
    wanted = [
        (name, data)
        for name, data in downloads.members(path)
        if "/Latin/character03/" in name and name.endswith("_07.png")
    ]
    (name, data), *_ = wanted
    ink = omniglot.reduce(read_png(data, name), name)
    x, y, alphabet = datasets.omniglot("small1", folder=OFFLINE)
    first = numpy.flatnonzero(alphabet == "Latin")[0]
    numpy.testing.assert_array_equal(x[first + 2 * 20 + 6], ink)
    assert y[first + 2 * 20 + 6] == y[first] + 2


@needs_small
@needs_all
def test_the_archives_and_the_packed_file_hold_the_same(monkeypatch, tmp_path):
    for part in ("small1", "small2"):
        (name,) = omniglot.ARCHIVES[part]
        (tmp_path / name).symlink_to((OFFLINE / name).resolve())
        for side in (28, 14):
            archive = datasets.omniglot(part, side=side, folder=tmp_path)
            packed = datasets.omniglot(part, side=side, folder=ALL)
            for a, b in zip(archive, packed):
                numpy.testing.assert_array_equal(a, b)


@needs_all
def test_background_and_evaluation_are_all_of_omniglot(monkeypatch):
    monkeypatch.setenv("MINIMETA_DATA", str(ALL.parent))
    background, evaluation = datasets.omniglot(), datasets.omniglot("evaluation", side=14)
    assert background.x.shape == (964 * 20, 28, 28) and evaluation.x.shape == (659 * 20, 14, 14)
    assert len(set(background.alphabet)) == 30 and len(set(evaluation.alphabet)) == 20
    assert not set(background.alphabet) & set(evaluation.alphabet)
    numpy.testing.assert_array_equal(
        numpy.concatenate([background.y, evaluation.y]), numpy.arange(1623 * 20) // 20
    )


@needs_all
@pytest.mark.parametrize("ways, shots", NEAR)
def test_raw_pixels_reach_the_accuracy_that_glyphs_are_held_to(ways, shots):
    """The letters of all 50 alphabets, at 14 by 14 pixels."""
    parts = [datasets.omniglot(part, 14, ALL) for part in ("background", "evaluation")]
    x, y = (numpy.concatenate([part[i] for part in parts]) for i in (0, 1))
    accuracy, error = pixel_accuracy(x, y, ways, shots)
    assert abs(100 * accuracy - NEAR[ways, shots]) < 3 and error < 0.01


@needs_all
def test_omniglot_fits_episodes():
    x, y, alphabet = datasets.omniglot("evaluation", 14, ALL)
    task = episodes(rng(), x, y, tasks=2, ways=20, shots=1, queries=3)
    assert task.support.x.shape == (2, 20, 14, 14) and task.query.y.shape == (2, 60, 20)


@needs_all
def test_a_packed_file_with_a_changed_bit_is_refused(tmp_path):
    with numpy.load(ALL / omniglot.ALL) as file:
        bits = file["x"]
    bits[700, 3, 50] ^= 4
    numpy.savez_compressed(tmp_path / omniglot.ALL, x=bits)
    refused(
        lambda: datasets.omniglot("small1", folder=tmp_path),
        r"omniglot28_bits\.npz is damaged or another file: x has the shape .* move it away.*\.$",
        DatasetError,
    )


# ---- small ones made here


def zipped(path, files):
    """A zip archive of these files, {name: bytes}; its sha256."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def small_set(monkeypatch, folder, change=dict):
    """An archive like the published ones with one alphabet of two letters; its pictures."""
    monkeypatch.setattr(omniglot, "ALPHABETS", numpy.array(["A", "A", "B"]))
    monkeypatch.setattr(omniglot, "PARTS", {"small1": ["A"]})
    white = rng().random((2, 20, 105, 105)) < 0.85
    files = {
        f"small/A/character{c + 1:02}/{9 - c:04}_{p + 1:02}.png": write_png(white[c, p])
        for c in (1, 0)
        for p in range(20)
    }
    folder.mkdir(exist_ok=True)
    sha256 = zipped(folder / "a.zip", change({"__MACOSX/._x.png": b"junk", **files}))
    monkeypatch.setattr(omniglot, "ARCHIVES", {"small1": {"a.zip": sha256}})
    return numpy.array([[omniglot.reduce(w, "a") for w in letter] for letter in white])


def test_letters_are_ordered_by_name_and_person_whatever_the_archive_s_order(monkeypatch, tmp_path):
    ink = small_set(monkeypatch, tmp_path)
    x, y, alphabet = datasets.omniglot("small1", folder=tmp_path)
    numpy.testing.assert_array_equal(x, ink.reshape(40, 28, 28))
    assert list(y) == [0] * 20 + [1] * 20 and set(alphabet) == {"A"}
    half = datasets.omniglot("small1", 14, tmp_path).x
    numpy.testing.assert_array_equal(half, x.reshape(40, 14, 2, 14, 2).mean(axis=(2, 4)))


def test_an_archive_is_found_in_the_offline_folder_and_its_sub_folder(monkeypatch, tmp_path):
    for folder, named in ((tmp_path / "a", ""), (tmp_path / "omniglot", "..")):
        small_set(monkeypatch, folder)
        monkeypatch.setenv("MINIMETA_DATA", str((folder / named).resolve()))
        assert len(datasets.omniglot("small1").x) == 40


def without_one(files):
    """The files but for the last."""
    return dict([*files.items()][:-1])


def one_twice(files):
    """The files, and one of them in another folder too."""
    return {
        **files,
        "more/A/character01/0007_01.png": write_png(numpy.ones((105, 105), dtype=bool)),
    }


def of_another_size(files):
    """The files, the last of which has other pixels."""
    return {**files, [*files][-1]: write_png(numpy.ones((28, 28), dtype=bool))}


def no_image(files):
    """The files, the last of which is text."""
    return {**files, [*files][-1]: b"text"}


@pytest.mark.parametrize(
    "change, sentence",
    [
        (without_one, "must have 20 drawings of each of its letters"),
        (one_twice, "must have 20 drawings of each of its letters"),
        (of_another_size, "must have 105 by 105 pixels"),
        (no_image, "is no PNG image"),
    ],
)
def test_an_archive_with_other_files_is_refused(monkeypatch, tmp_path, change, sentence):
    small_set(monkeypatch, tmp_path, change)
    call = lambda: datasets.omniglot("small1", folder=tmp_path)
    refused(call, rf"{sentence}.*\.$", DatasetError)


def test_a_changed_archive_is_refused_by_its_sha256(monkeypatch, tmp_path):
    small_set(monkeypatch, tmp_path)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    call = lambda: datasets.omniglot("small1", folder=tmp_path)
    refused(call, r"a\.zip is damaged or another file: its sha256 is \w{64} in place", DatasetError)


def test_without_a_copy_or_a_mirror_the_error_names_file_and_sha256(tmp_path):
    sentence = r"Cannot download images_evaluation\.zip .*sha256 1f61a8f3.*MINIMETA_DATA\.$"
    refused(lambda: datasets.omniglot("evaluation", folder=tmp_path), sentence, DatasetError)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"])
def test_a_packed_file_that_is_none_is_refused(tmp_path, content):
    (tmp_path / omniglot.ALL).write_bytes(content)
    call = lambda: datasets.omniglot(folder=tmp_path)
    refused(call, r"omniglot28_bits\.npz is no undamaged npz file \(\w+\)\.$", DatasetError)


@pytest.mark.parametrize(
    "part, side, sentence",
    [
        ("test", 28, r"part must be one of 'background', .*; it is 'test'\.$"),
        (None, 28, r"part must be one of .*; it is None\.$"),
        ("background", 105, r"side must be 28 or 14; it is 105\.$"),
        ("background", True, r"side must be 28 or 14; it is True\.$"),
    ],
)
def test_unknown_parts_and_sides_are_refused(part, side, sentence):
    refused(lambda: datasets.omniglot(part, side), sentence, ValueError)


def test_the_alphabets_are_in_order_and_fill_both_parts():
    for part, letters in ((omniglot.BACKGROUND, 964), (omniglot.EVALUATION, 659)):
        assert [*part] == sorted(part) and sum(part.values()) == letters
    assert set(omniglot.PARTS["small1"]) | set(omniglot.PARTS["small2"]) <= {*omniglot.BACKGROUND}


# ---- one-shot runs


@cache
def draw_runs():
    """Twenty runs like Lake's: item i is of class 7 i + run (mod 20); files and inks, drawn once.

    ({name: bytes or text}, the inks of the examples (runs, classes), those of the items).
    """
    shown, asked = rng().random((2, 20, 20, 105, 105)) < 0.85
    files = {}
    for r in range(20):
        lines = []
        for i in range(20):
            c = (7 * i + r) % 20
            item, known = f"run{r + 1:02}/test/item{i + 1:02}", f"run{r + 1:02}/training/class"
            files[f"{item}.png"] = write_png(asked[r, i])
            files[f"{known}{i + 1:02}.png"] = write_png(shown[r, i])
            lines.append(f"{item}.png {known}{c + 1:02}.png")
        files[f"run{r + 1:02}/class_labels.txt"] = "\n".join(lines[::-1]) + "\n\n"
    ink = lambda images: [[omniglot.reduce(white, "a") for white in run] for run in images]
    return files, numpy.array(ink(shown)), numpy.array(ink(asked))


def small_runs(monkeypatch, folder, top="", change=lambda files: files):
    """An archive of twenty small runs below the folder `top`; the inks (runs, classes)."""
    files, shown, asked = draw_runs()
    changed = {f"{top}{name}": data for name, data in change(files).items()}
    monkeypatch.setattr(omniglot, "RUNS", {"runs.zip": zipped(folder / "runs.zip", changed)})
    return shown, asked


@pytest.mark.parametrize("top", ["", "all_runs/"])
def test_a_run_asks_for_the_classes_that_its_list_names(monkeypatch, tmp_path, top):
    shown, asked = small_runs(monkeypatch, tmp_path, top)
    with using(dtype="float32"):
        support, query = datasets.omniglot_runs(folder=tmp_path)
    assert {a.dtype for a in (*support, *query)} == {numpy.dtype("float32")}
    numpy.testing.assert_array_equal(support.x, shown)
    numpy.testing.assert_array_equal(query.x, asked)
    numpy.testing.assert_array_equal(support.y, numpy.tile(numpy.eye(20), (20, 1, 1)))
    classes = (7 * numpy.arange(20) + numpy.arange(20)[:, None]) % 20
    numpy.testing.assert_array_equal(query.y, numpy.eye(20)[classes])
    small = datasets.omniglot_runs(14, tmp_path).query.x
    assert small.shape == (20, 20, 14, 14) and small.dtype == float


def list_too_short(files):
    """The files, one of whose lists has lost its first line."""
    name = "run05/class_labels.txt"
    return {**files, name: files[name].split("\n", 1)[1]}


def list_of_missing_images(files):
    """The files, one of whose lists names an image that is not there."""
    name = "run05/class_labels.txt"
    return {**files, name: files[name].replace("item03", "item33")}


def list_of_one_class(files):
    """The files, one of whose lists has one class twice."""
    name = "run05/class_labels.txt"
    return {**files, name: files[name].replace("class03", "class04")}


def list_of_words(files):
    """The files, one of whose lists is another text."""
    return {**files, "run05/class_labels.txt": "\xff\n one two three\n"}


@pytest.mark.parametrize(
    "change", [list_too_short, list_of_missing_images, list_of_one_class, list_of_words]
)
def test_runs_whose_lists_do_not_fit_are_refused(monkeypatch, tmp_path, change):
    small_runs(monkeypatch, tmp_path, change=change)
    sentence = r"runs\.zip must have 20 pairs of images in run05/class_labels\.txt\.$"
    refused(lambda: datasets.omniglot_runs(folder=tmp_path), sentence, DatasetError)
    refused(lambda: datasets.omniglot_runs(20, tmp_path), "side must be 28 or 14", ValueError)


def test_pictures_are_packed_as_numpy_packs_bits():
    ink = rng().random((3, 28, 28)) < 0.5
    numpy.testing.assert_array_equal(numpy.unpackbits(pack(ink), axis=-1).reshape(3, 28, 28), ink)
