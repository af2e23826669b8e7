"""Real data: the 8x8 digits that come with minimeta, and MNIST and Omniglot, which are downloaded.

Digits are channels-last, (N, height, width, 1), from 0 (paper) to 1 (ink); labels are (N,). The
letters of Omniglot are (N, side, side), as the glyphs are.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy

from minimeta.core import checks
from minimeta.tasks.downloads import DatasetError, fetch
from minimeta.tasks.omniglot import omniglot, omniglot_runs

__all__ = ["DatasetError", "digits", "mnist", "omniglot", "omniglot_runs", "read_idx", "split"]

DIGITS = Path(__file__).parent / "data" / "digits.npz"  # its README has source and licence
INKED = 16.0  # the largest pixel of the digits: each counts the inked points of a 4 by 4 block
WHITE = 255.0  # the largest pixel of MNIST, whose ink is white
LARGEST = 2**26  # bytes; MNIST's largest file unpacks to 47 million

MNIST = {  # part -> {file: md5}, images first
    "train": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    },
    "test": {
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
}
MNIST_MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]


def digits():
    """1,797 handwritten digits: images (1797, 8, 8, 1), floats; labels (1797,), integers 0 to 9.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, doi 10.24432/C50P49 (CC BY 4.0).
    """
    with numpy.load(DIGITS, allow_pickle=False) as file:
        return file["x"][..., None] / INKED, file["y"].astype(int)


def mnist(part="train", folder=None):
    """MNIST's 60,000 "train" or 10,000 "test" digits: images (N, 28, 28, 1), float32; labels (N,).

    The files (11 MB for training) are downloaded once into `folder` or the cache, unless
    MINIMETA_DATA names a folder with copies. Raises DatasetError if the files are damaged or cannot
    be downloaded.
    Source: LeCun, Cortes & Burges, The MNIST Database of Handwritten Digits (CC BY-SA 3.0).
    """
    if part not in MNIST:
        raise ValueError(f"part must be one of {', '.join(map(repr, MNIST))}; it is {part!r:.60}.")
    image_file, label_file = fetch("mnist", MNIST[part], MNIST_MIRRORS, folder)
    images, labels = read_idx(image_file, axes=3), read_idx(label_file, axes=1)
    if len(images) != len(labels):
        raise DatasetError(
            f"MNIST's {part} part has {len(images)} images, but {len(labels)} labels."
        )
    return images[..., None] / numpy.float32(WHITE), labels.astype(int)


def split(rng, x, y, test):
    """Split examples x (N, ...), y (N, ...) at random: (x, y) to train on, (x, y) to test on.

    `test` is the number of examples to test on. The same generator gives the same split.
    """
    checks.generator("rng", rng)
    checks.numeric("x", x)
    checks.numeric("y", y)
    checks.integer("test", test, at_least=1)
    if len(x) != len(y) or test >= len(x):
        raise ValueError(
            f"x and y must have one length, above test ({test}); they have {len(x)} and {len(y)}."
        )
    order = rng.permutation(len(x))
    to_test, to_train = order[:test], order[test:]
    return (x[to_train], y[to_train]), (x[to_test], y[to_test])


def read_idx(path, axes):
    """The array in a gzipped idx file of bytes with this number of axes, such as those of MNIST.

    The format: the bytes 0, 0, the type (8 for bytes) and the number of axes; the length of each
    axis as a big-endian 32-bit integer; then the values, the last axis fastest. Raises DatasetError
    for any other file.
    """
    data = _unzip(path)
    start = 4 + 4 * axes
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) < start:
        raise DatasetError(f"{path} is no idx file of bytes with {axes} axes.")
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4)]
    if 0 in shape or len(data) - start != math.prod(shape):
        raise DatasetError(f"{path} holds {len(data) - start} values for its shape {tuple(shape)}.")
    return numpy.frombuffer(data, numpy.uint8, offset=start).reshape(shape)


def _unzip(path):
    """The bytes of a gzip file; raise before more than LARGEST of them are unpacked."""
    try:
        with gzip.open(path) as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is no undamaged gzip file ({type(error).__name__}).") from None
    if len(data) > LARGEST:
        raise DatasetError(f"{path} unpacks to more than {LARGEST} bytes.")
    return data
