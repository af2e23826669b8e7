"""Omniglot: 1,623 letters of 50 alphabets, each drawn by the same 20 people.

Learning to learn is done on the 30 alphabets of the background, and tested on the 20 of the
evaluation. Images are 105 by 105 pixels; at 28 by 28, a pixel is ink if more than 15 % of its area
is. An alphabet has the name of its folder, and letters are counted through all alphabets, those of
the background first, so that a label means the same letter whatever the part.

Source: Lake, Salakhutdinov & Tenenbaum 2015, Human-level concept learning through probabilistic
program induction, https://github.com/brendenlake/omniglot (MIT licence).
"""

import hashlib
import re

import numpy

from minimeta.core.backend import current, to_device
from minimeta.tasks.downloads import DatasetError, fetch, members, places
from minimeta.tasks.letters import (
    DRAWINGS,
    PACKED,
    SIDE,
    check_part,
    check_side,
    pack,
    shrink,
    unpack,
)
from minimeta.tasks.png import read_png
from minimeta.tasks.task import Data, Task

BACKGROUND = {  # alphabet: letters
    "Alphabet_of_the_Magi": 20,
    "Anglo-Saxon_Futhorc": 29,
    "Arcadian": 26,
    "Armenian": 41,
    "Asomtavruli_(Georgian)": 40,
    "Balinese": 24,
    "Bengali": 46,
    "Blackfoot_(Canadian_Aboriginal_Syllabics)": 14,
    "Braille": 26,
    "Burmese_(Myanmar)": 34,
    "Cyrillic": 33,
    "Early_Aramaic": 22,
    "Futurama": 26,
    "Grantha": 43,
    "Greek": 24,
    "Gujarati": 48,
    "Hebrew": 22,
    "Inuktitut_(Canadian_Aboriginal_Syllabics)": 16,
    "Japanese_(hiragana)": 52,
    "Japanese_(katakana)": 47,
    "Korean": 40,
    "Latin": 26,
    "Malay_(Jawi_-_Arabic)": 40,
    "Mkhedruli_(Georgian)": 41,
    "N_Ko": 33,
    "Ojibwe_(Canadian_Aboriginal_Syllabics)": 14,
    "Sanskrit": 42,
    "Syriac_(Estrangelo)": 23,
    "Tagalog": 17,
    "Tifinagh": 55,
}
EVALUATION = {
    "Angelic": 20,
    "Atemayar_Qelisayer": 26,
    "Atlantean": 26,
    "Aurek-Besh": 26,
    "Avesta": 26,
    "Ge_ez": 26,
    "Glagolitic": 45,
    "Gurmukhi": 45,
    "Kannada": 41,
    "Keble": 26,
    "Malayalam": 47,
    "Manipuri": 40,
    "Mongolian": 30,
    "Old_Church_Slavonic_(Cyrillic)": 45,
    "Oriya": 46,
    "Sylheti": 28,
    "Syriac_(Serto)": 23,
    "Tengwar": 25,
    "Tibetan": 42,
    "ULOG": 26,
}
ALPHABETS = numpy.repeat([*BACKGROUND, *EVALUATION], [*BACKGROUND.values(), *EVALUATION.values()])
PARTS = {  # part: alphabets; Lake's two small sets are parts of the background
    "background": [*BACKGROUND],
    "evaluation": [*EVALUATION],
    "small1": ["Balinese", "Early_Aramaic", "Greek", "Korean", "Latin"],
    "small2": ["Greek", "Japanese_(katakana)", "Latin", "Sanskrit", "Tagalog"],
}
ARCHIVES = {  # part: {file: sha256}
    "background": {
        "images_background.zip": "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640"
    },
    "evaluation": {
        "images_evaluation.zip": "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee"
    },
    "small1": {
        "images_background_small1.zip": (
            "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"
        )
    },
    "small2": {
        "images_background_small2.zip": (
            "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"
        )
    },
}
RUNS = {"all_runs.zip": "e8996daecdf12afeeb4a53a179f06b19"}  # md5
ALL = "omniglot28_bits.npz"  # all letters in the order of the labels: x (1623, 20, 98), bytes
ALL_SHA256 = "e9ebe66c1d3f3e41c27fcbd9cec1de29008dfc671fe81e066945aed86a1cdf2b"  # of x's bytes
MIRRORS = [
    "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/",
    "https://github.com/brendenlake/omniglot/raw/master/python/",
]
PUBLISHED = 105  # pixels of a side, as published
INK = 0.15  # the part of a small pixel's area above which it is ink
WAYS = 20  # classes of a one-shot run, and the number of runs


def omniglot(part="background", side=SIDE, folder=None):
    """Omniglot's Letters (x, y, alphabet): "background", "evaluation", "small1" or "small2".

    x (N, side, side) is float32 from 0 to 1, side is 28 or 14. Row i is drawn by person i % 20.
    The published archive (1 to 9 MB) is downloaded once into `folder` or the cache, unless
    MINIMETA_DATA names a folder with a copy, or with all letters at 28 by 28 pixels in the
    file omniglot28_bits.npz. Raises DatasetError if a file is damaged or cannot be downloaded.
    """
    check_part(part, PARTS)
    check_side(side)
    labels = numpy.flatnonzero(numpy.isin(ALPHABETS, PARTS[part]))
    near = [place / ALL for place in places("omniglot", folder) if (place / ALL).is_file()]
    if near:
        bits = read_all(near[0])[labels]
    else:
        (path,) = fetch("omniglot", ARCHIVES[part], MIRRORS, folder)
        bits = read_archive(path, labels)
    return unpack(bits, labels, ALPHABETS[labels], side)


def omniglot_runs(side=SIDE, folder=None):
    """Lake's 20 one-shot runs, as a Task: 20 letters of one alphabet, a drawing each; 20 questions.

    Support and query have x (20, 20, side, side), y (20, 20, 20) one-hot; letter c of a run is
    column c, in the order of the published files. They are downloaded as `omniglot` does it.
    """
    check_side(side)
    (path,) = fetch("omniglot", RUNS, [f"{m}one-shot-classification/" for m in MIRRORS], folder)
    files = {re.sub(r"^.*?(?=run\d\d/)", "", name): data for name, data in members(path)}
    support, query, answers = [], [], []
    for run in range(1, WAYS + 1):
        classes, questions, columns = read_pairs(files, f"run{run:02}/class_labels.txt", path)
        support.append([read_ink(files, name, path) for name in classes])
        query.append([read_ink(files, name, path) for name in questions])
        answers.append(columns)
    rows = numpy.eye(WAYS, dtype=current()[1])
    x = shrink(numpy.array([support, query]), side).astype(rows.dtype)  # (2, 20, 20, side, side)
    y = rows[numpy.array([[[*range(WAYS)]] * WAYS, answers])]
    return to_device(Task(Data(x[0], y[0]), Data(x[1], y[1])))


def read_pairs(files, name, path):
    """From a run's list of pairs: its classes and questions, and each question's column."""
    text = files.get(name, b"").decode("ascii", "replace")
    pairs = sorted(line.split() for line in text.splitlines() if line.strip())
    questions, classes = [pair[0] for pair in pairs], sorted({pair[-1] for pair in pairs})
    whole = all(len(pair) == 2 and set(pair) <= files.keys() for pair in pairs)
    if not whole or len({*questions}) != WAYS or len(classes) != WAYS:
        raise DatasetError(f"{path} must have {WAYS} pairs of images in {name}.")
    return classes, questions, [classes.index(pair[1]) for pair in pairs]


def read_ink(files, name, path):
    """The ink (28, 28) of an image in an archive."""
    return reduce(read_png(files[name], f"{name} in {path}"), name)


def read_archive(path, labels):
    """The bits (C, 20, 98) of the letters with these labels, from a published archive.

    Its files are named .../alphabet/character01/0001_01.png; the last number is the person's.
    """
    first = {alphabet: i for i, alphabet in reversed([*enumerate(ALPHABETS)])}
    bits = numpy.zeros((len(ALPHABETS), DRAWINGS, PACKED), dtype=numpy.uint8)
    seen = numpy.zeros((len(ALPHABETS), DRAWINGS), dtype=int)
    for name, data in members(path):
        match = re.search(r"([^/]+)/character(\d\d)/\d{4}_(\d\d)\.png$", name)
        alphabet, character, person = match.groups() if match else (None, 0, 0)
        if alphabet in first and int(character) and 0 < int(person) <= DRAWINGS:
            place = first[alphabet] + int(character) - 1, int(person) - 1
            bits[place] = pack(reduce(read_png(data, f"{name} in {path}"), name))
            seen[place] += 1
    if (seen[labels] != 1).any():
        raise DatasetError(f"{path} must have {DRAWINGS} drawings of each of its letters.")
    return bits[labels]


def reduce(white, name):
    """The ink (28, 28) of an image (105, 105) that is True where it is white.

    A small pixel is 3.75 of the large ones wide: 15 quarters, of which a large one covers 4.
    """
    if white.shape != (PUBLISHED, PUBLISHED):
        raise DatasetError(f"{name} must have 105 by 105 pixels; it has shape {white.shape}.")
    area = COVER @ ~white @ COVER.T  # in quarters by quarters
    return area > INK * 15**2


COVER = numpy.repeat(numpy.eye(PUBLISHED), 4, axis=1).reshape(PUBLISHED, SIDE, 15).sum(axis=-1).T


def read_all(path):
    """The bits (1623, 20, 98) of all letters; raise if they are not the published ones."""
    try:
        with open(path, "rb") as stream, numpy.load(stream, allow_pickle=False) as file:
            bits = file["x"]
    # Damage can surface as nearly any error of NumPy, zipfile and zlib: here all mean the same.
    except Exception as error:
        raise DatasetError(f"{path} is no undamaged npz file ({type(error).__name__}).") from None
    sha256 = hashlib.sha256(bits.tobytes()).hexdigest()
    if sha256 != ALL_SHA256 or bits.shape != (len(ALPHABETS), DRAWINGS, PACKED):
        raise DatasetError(
            f"{path} is damaged or another file: x has the shape {bits.shape} and the sha256 "
            f"{sha256} in place of {ALL_SHA256}; move it away to use the published archives."
        )
    return bits
