"""Glyphs: the letters of fifteen scripts, 20 drawings each, for few-shot learning offline.

They stand in for Omniglot: telling them apart by their pixels is about as hard. The scripts to test
on are fixed, and so is the one to tune settings on. The letters come from the DejaVu fonts, in six
typefaces; accented letters, and letters that look like an earlier one, are left out.

    python -m minimeta.tasks.glyphs        draws all of them again

The drawings of a letter follow from its place in Unicode alone, so that the same ones come out.
"""

from pathlib import Path

import numpy

from minimeta.tasks import outlines
from minimeta.tasks.handwriting import CHANCES, HAND, STILL, bell, blur, draw
from minimeta.tasks.letters import DRAWINGS, SIDE, check_part, check_side, pack, unpack

FILE = Path(__file__).parent / "data" / "glyphs.npz"  # its README has source and licence
SPLIT = {  # part -> alphabets, by the first words of their letters' names in Unicode
    "train": ("Latin", "Greek", "Coptic", "Canadian Syllabics", "Ogham", "Lisu"),
    "validation": ("Cyrillic",),
    "test": (
        *("Georgian", "Armenian", "Hebrew", "Tifinagh"),
        *("Old Italic", "Lao", "Nko", "Arabic"),
    ),
}
FACES = (  # drawings take turns among those that have the letter
    *("DejaVuSans", "DejaVuSerif", "DejaVuSansMono"),
    *("DejaVuSans-Bold", "DejaVuSerif-Italic", "DejaVuSansMono-Bold"),
)
ALIKE = 0.9  # the cosine of two blurred letters from which on the later one is left out


def load(*parts, side=SIDE):
    """The Letters (x, y, alphabet) of these parts, "train", "validation" or "test", or of all.

    x (N, side, side) is float32 from 0 to 1, side is 28 or 14, and y (N,) numbers the letters: a
    label means the same letter whatever the parts. No alphabet is in two parts. Settings are tuned
    on "validation"; once they are, it may be trained on as well: load("train", "validation").
    """
    check_side(side)
    for part in parts:
        check_part(part, SPLIT)
    wanted = [alphabet for part in parts or SPLIT for alphabet in SPLIT[part]]
    with numpy.load(FILE, allow_pickle=False) as file:
        bits, alphabets = file["x"], file["alphabet"]
    labels = numpy.flatnonzero(numpy.isin(alphabets, wanted))
    return unpack(bits[labels], labels, alphabets[labels], side)


def make(hand=HAND):
    """Draw everything: bits (C, 20, 98), code points (C,) and alphabets (C,) of the letters.

    Needs the fonts of Matplotlib. The file is drawn by the default hand.
    """
    fonts = [outlines.open_font(face) for face in FACES]
    every = [
        (alphabet, letter)
        for alphabets in SPLIT.values()
        for alphabet in alphabets
        for letter in outlines.letters(fonts[0], alphabet)
    ]
    shapes = [outlines.outline(fonts[0], letter) for _, letter in every]
    still = [draw(shape, numpy.zeros((1, CHANCES)), STILL, SIDE) for shape in shapes]
    every = [every[i] for i in distinct(numpy.concatenate(still))]
    tables = [(font, set(font.get_charmap())) for font in fonts]
    pictures = []
    for _, letter in every:
        have = [font for font, table in tables if ord(letter) in table]
        pictures.append(draw_letter(letter, have, hand))
    alphabets, letters = zip(*every)
    return pack(numpy.stack(pictures)), numpy.array([*map(ord, letters)]), numpy.array(alphabets)


def draw_letter(letter, fonts, hand):
    """Twenty drawings of one letter (20, 28, 28), for which the fonts take turns."""
    chance = bell(numpy.random.default_rng(ord(letter)), (DRAWINGS, CHANCES))
    pictures = numpy.empty((DRAWINGS, SIDE, SIDE), dtype=bool)
    for turn, font in enumerate(fonts):
        rows = slice(turn, DRAWINGS, len(fonts))
        pictures[rows] = draw(outlines.outline(font, letter), chance[rows], hand, SIDE)
    return pictures


def distinct(pictures):
    """The places of the pictures (N, side, side) that look like no earlier one that is kept.

    Two pictures look alike if the cosine of the angle between them, once they are blurred, is at
    least ALIKE. The products are whole numbers, and so the same on every machine.
    """
    blurred = pictures.astype(float)
    for axis in (1, 2, 1, 2):
        blurred = blur(blurred, axis)
    flat = blurred.reshape(len(blurred), -1)
    products = flat @ flat.T  # (N, N)
    squares = numpy.diag(products)
    alike = products**2 >= ALIKE**2 * numpy.outer(squares, squares)
    keep = []
    for i, row in enumerate(alike):
        if not row[keep].any():
            keep.append(i)
    return keep


def main():
    """Draw the letters again and write the file that `load` reads."""
    bits, letters, alphabets = make()
    numpy.savez_compressed(FILE, x=bits, letter=letters, alphabet=alphabets)
    print(f"{FILE}: {len(bits)} letters, {DRAWINGS} drawings each, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
