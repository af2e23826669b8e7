"""PNG images of one bit a pixel, with nothing but the standard library and NumPy.

A PNG file is a signature and chunks: length, name, data, checksum. IHDR says the size and kind; the
data of all IDAT chunks together are a zlib stream of rows. Each row begins with the number of its
filter, which says from which neighbours the bytes were predicted: what is stored is the difference.

    0 none   1 left   2 above   3 (left + above) // 2
    4 Paeth's: the one of left, above and corner that is nearest to left + above - corner

Source: PNG Specification, third edition, W3C 2025.
"""

import struct
import zlib

import numpy

from minimeta.tasks.downloads import DatasetError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ONE_BIT = (1, 0, 0, 0, 0)  # bits of a pixel, grey, deflate, the five filters, not interlaced
LARGEST = 4096  # pixels of a side


def read_png(data, name):
    """The image (height, width) of a PNG file of one bit a pixel: True is white.

    `name` is what errors call it. Raises DatasetError for other files, and for damaged ones.
    """
    chunks = read_chunks(data, name)
    header = chunks[0][1]
    if chunks[0][0] != b"IHDR" or len(header) != 13:
        raise DatasetError(f"{name} is no PNG image: its first chunk is no header.")
    width, height, *kind = struct.unpack(">IIBBBBB", header)
    if tuple(kind) != ONE_BIT or not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise DatasetError(
            f"{name} must be a plain PNG image of one bit a pixel; it has {width} by {height} "
            f"pixels of {kind[0]} bits, colour type {kind[1]} and interlace {kind[4]}."
        )
    length = 1 + (width + 7) // 8  # bytes of a row and its filter
    stream = b"".join(part for kind, part in chunks if kind == b"IDAT")
    rows = numpy.frombuffer(inflate(stream, height * length, name), numpy.uint8)
    rows = rows.reshape(height, length)
    bits = predict_back(rows, name) if rows[:, 0].any() else rows[:, 1:]
    return numpy.unpackbits(bits, axis=1, count=width) == 1


def read_chunks(data, name):
    """The chunks (kind, data) of a PNG file, up to its end; their checksums are compared."""
    chunks, place = [], len(SIGNATURE)
    if data[:place] != SIGNATURE:
        raise DatasetError(f"{name} is no PNG image: it does not begin as one.")
    while not chunks or chunks[-1][0] != b"IEND":
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + 8 + length
        check = zlib.crc32(data[place + 4 : end]).to_bytes(4, "big")
        if data[end : end + 4] != check:
            raise DatasetError(f"{name} is a damaged PNG image: a checksum is wrong.")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : end]))
        place = end + 4
    return chunks


def inflate(stream, size, name):
    """The `size` bytes of a zlib stream; raise if it has more or fewer, or is damaged."""
    try:
        unpacked = zlib.decompressobj().decompress(stream, size + 1)
    except zlib.error:
        raise DatasetError(f"{name} is a damaged PNG image: its pixels cannot be read.") from None
    if len(unpacked) != size:
        raise DatasetError(f"{name} is a damaged PNG image: it has not as many pixels as it says.")
    return unpacked


def predict_back(rows, name):
    """The bytes (height, length) of rows with filters: prediction plus difference, modulo 256."""
    above, lines = [0] * (rows.shape[1] - 1), []
    for kind, *differences in rows.tolist():
        if kind > 4:
            raise DatasetError(f"{name} is a damaged PNG image: there is no filter {kind}.")
        left, corner, line = 0, 0, []
        for difference, up in zip(differences, above):
            left = (difference + predict(kind, left, up, corner)) % 256
            corner = up
            line.append(left)
        lines.append(line)
        above = line
    return numpy.array(lines, dtype=numpy.uint8)


def predict(kind, left, above, corner):
    """What the filter of this number predicts of a byte from its three neighbours."""
    if kind == 4:
        target = left + above - corner
        return min((left, above, corner), key=lambda byte: abs(byte - target))
    return (0, left, above, (left + above) // 2)[kind]
