"""The real data are the data published; a damaged copy of them is never used."""

import gzip
import hashlib
import os
import random
import struct
import tracemalloc
from pathlib import Path

import numpy
import pytest
from helpers import refused, rng

from minimeta.tasks import datasets
from minimeta.tasks.datasets import DatasetError, digits, mnist, read_idx, split

COPIES = [os.environ.get("MINIMETA_DATA"), Path(__file__).parents[2] / "shared" / "data"]
OFFLINE = next((Path(c) for c in COPIES if c and (Path(c) / "mnist").is_dir()), None)


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """No mirror, no cache and no offline copies but those of the test."""
    monkeypatch.setenv("MINIMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIMETA_DATA", raising=False)
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", [])


# ---- digits


def test_digits_are_the_published_ones():
    """The checksum is that of the file copied; the counts are those in UCI's description."""
    images, labels = digits()
    assert images.shape == (1797, 8, 8, 1) and images.dtype == float
    assert labels.shape == (1797,) and labels.dtype.kind == "i"
    assert hashlib.sha256(datasets.DIGITS.read_bytes()).hexdigest() == (
        "6f801551877abf69fbf3711373bb642a18dc933430a3385cd6febc235225ea6f"
    )
    assert list(numpy.bincount(labels)) == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images.min() == 0 and images.max() == 1
    assert set(numpy.unique(images * 16)) == set(range(17))


def test_the_images_of_digits_belong_to_their_labels():
    """The nearest class mean of the other half gets most of them right (by chance: a tenth)."""
    images, labels = digits()
    x = images.reshape(len(images), -1)
    means = numpy.stack([x[::2][labels[::2] == c].mean(axis=0) for c in range(10)])
    nearest = ((x[1::2, None] - means) ** 2).sum(axis=-1).argmin(axis=-1)
    assert numpy.mean(nearest == labels[1::2]) > 0.85


def test_digits_are_the_caller_s_own():
    images, labels = digits()
    images[:], labels[:] = 0, 0
    assert digits()[0].max() == 1 and digits()[1].max() == 9


def test_the_package_holds_the_attribution():
    text = (datasets.DIGITS.parent / "README.md").read_text()
    for words in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0", "1998"):
        assert words in text


# ---- split


def test_a_split_keeps_every_example_once_and_with_its_label():
    x, y = numpy.arange(20.0).reshape(10, 2), numpy.arange(10)
    (x_train, y_train), (x_test, y_test) = split(rng(), x, y, test=3)
    assert len(x_test) == len(y_test) == 3
    assert sorted([*y_train, *y_test]) == list(range(10))
    for part, labels in ((x_train, y_train), (x_test, y_test)):
        numpy.testing.assert_array_equal(part, x[labels])


def test_a_split_follows_from_the_generator_and_is_random():
    x = numpy.arange(1000)
    first, same, other = (split(rng(s), x, x, 100)[1][0] for s in (0, 0, 1))
    numpy.testing.assert_array_equal(first, same)
    assert len(set(first) & set(other)) < 30  # 10 expected, with a standard deviation below 3
    assert 400 < first.mean() < 600  # 500 expected, with a standard error of 29


@pytest.mark.parametrize("test", [0, -1, 10, 11, 0.2, True, None, "3"])
def test_a_split_without_both_parts_is_refused(test):
    refused(lambda: split(rng(), numpy.ones(10), numpy.ones(10), test), r"test.*\.$")


def test_a_split_of_unequal_lengths_is_refused():
    unequal = lambda: split(rng(), numpy.ones(10), numpy.ones(9), 3)
    refused(unequal, r"they have 10 and 9\.$", ValueError)


# ---- MNIST, the real one


@pytest.mark.skipif(OFFLINE is None, reason="needs MINIMETA_DATA with MNIST's test files")
def test_mnist_s_test_part_is_the_published_one(monkeypatch):
    monkeypatch.setenv("MINIMETA_DATA", str(OFFLINE))
    images, labels = mnist("test")
    assert images.shape == (10_000, 28, 28, 1) and images.dtype == numpy.float32
    assert list(labels[:10]) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9] and labels.dtype.kind == "i"
    assert list(numpy.bincount(labels)) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert images.min() == 0 and images.max() == 1
    assert images[labels == 1].mean() < images[labels == 0].mean() / 2  # a one takes less ink


@pytest.mark.skipif(OFFLINE is None, reason="needs MINIMETA_DATA with MNIST's test files")
def test_mnist_is_found_beside_and_inside_the_offline_folder(monkeypatch):
    for folder in (OFFLINE, OFFLINE / "mnist"):
        monkeypatch.setenv("MINIMETA_DATA", str(folder))
        assert mnist("test")[0].shape == (10_000, 28, 28, 1)
    monkeypatch.delenv("MINIMETA_DATA")
    assert mnist("test", folder=OFFLINE / "mnist")[0].shape == (10_000, 28, 28, 1)


@pytest.mark.skipif(OFFLINE is None, reason="needs MINIMETA_DATA with MNIST's test files")
def test_a_real_file_with_one_flipped_bit_is_refused(monkeypatch, tmp_path):
    chance = random.Random(0)
    names = list(datasets.MNIST["test"])
    files = {name: (OFFLINE / "mnist" / name).read_bytes() for name in names}
    for turn in range(8):
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        damaged = bytearray(files[names[turn % 2]])
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        (tmp_path / names[turn % 2]).write_bytes(damaged)
        with pytest.raises(DatasetError, match="is damaged or another file: its md5 is"):
            mnist("test", folder=tmp_path)


# ---- MNIST, small ones made here


def idx(array, kind=8):
    """An array of bytes in the idx format, not yet compressed."""
    return (
        struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()
    )


def small_mnist(monkeypatch, folder, images=None, labels=None):
    """Files like those of the test part, with three images, and with their own checksums."""
    images = rng().integers(0, 256, (3, 28, 28), numpy.uint8) if images is None else images
    labels = numpy.array([7, 0, 9], numpy.uint8) if labels is None else labels
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    for name, array in zip(datasets.MNIST["test"], (images, labels)):
        data = gzip.compress(idx(array), mtime=0)
        (folder / name).write_bytes(data)
        sums[name] = hashlib.md5(data).hexdigest()
    monkeypatch.setitem(datasets.MNIST, "test", sums)
    return images, labels


@pytest.mark.parametrize("place", ["data", "data/mnist", "cache/mnist", "given"])
def test_mnist_is_read_from_wherever_it_lies(monkeypatch, tmp_path, place):
    monkeypatch.setenv("MINIMETA_DATA", str(tmp_path / "data"))
    pixels, digit = small_mnist(monkeypatch, tmp_path / place)
    images, labels = mnist("test", folder=tmp_path / place if place == "given" else None)
    assert images.shape == (3, 28, 28, 1) and images.dtype == numpy.float32
    for example in range(3):  # byte by byte, against the definition
        for row in range(28):
            assert [round(float(v) * 255) for v in images[example, row, :, 0]] == list(
                pixels[example, row]
            )
    assert list(labels) == list(digit)


def test_images_without_their_labels_are_refused(monkeypatch, tmp_path):
    small_mnist(monkeypatch, tmp_path, labels=numpy.zeros(4, numpy.uint8))
    sentence = r"^MNIST's test part has 3 images, but 4 labels\.$"
    refused(lambda: mnist("test", folder=tmp_path), sentence, DatasetError)


@pytest.mark.parametrize("part", ["tests", "", None, 3, "Train", b"test"])
def test_an_unknown_part_is_refused(part):
    refused(lambda: mnist(part), r"^part must be one of 'train', 'test'; it is .*\.$", ValueError)


def test_the_error_without_files_says_what_to_get_and_where_to_put_it(tmp_path):
    for part, sums in datasets.MNIST.items():
        with pytest.raises(DatasetError) as caught:
            mnist(part, folder=tmp_path)
        text = str(caught.value)
        assert text.endswith(".") and "\n" not in text and "MINIMETA_DATA" in text
        assert all(name in text and md5 in text for name, md5 in sums.items())
    assert list(tmp_path.iterdir()) == []


# ---- idx


def write_gzip(path, data):
    path.write_bytes(gzip.compress(data, mtime=0))
    return path


@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (4, 3, 2), (2, 1, 2, 2)])
def test_an_idx_file_gives_back_its_array(tmp_path, shape):
    array = rng().integers(0, 256, shape, numpy.uint8)
    same = read_idx(write_gzip(tmp_path / "a.gz", idx(array)), len(shape))
    assert same.dtype == numpy.uint8
    numpy.testing.assert_array_equal(same, array)


ARRAY = numpy.arange(24, dtype=numpy.uint8).reshape(4, 3, 2)
GOOD = idx(ARRAY)
BAD_IDX = {
    "nothing": b"",
    "text": b"not an idx file at all",
    "only the magic": GOOD[:4],
    "half a header": GOOD[:9],
    "no values": GOOD[:16],
    "a value too few": GOOD[:-1],
    "a value too many": GOOD + b"\0",
    "twice": GOOD + GOOD,
    "floats": idx(ARRAY, kind=0x0D),
    "signed bytes": idx(ARRAY, kind=0x09),
    "fewer axes": idx(ARRAY.reshape(12, 2)),
    "more axes": idx(ARRAY.reshape(2, 2, 3, 2)),
    "no first zero": b"\1" + GOOD[1:],
    "no second zero": GOOD[:1] + b"\1" + GOOD[2:],
    "other byte order": GOOD[:4] + struct.pack("<3I", 4, 3, 2) + ARRAY.tobytes(),
    "no images": struct.pack(">BBBB3I", 0, 0, 8, 3, 0, 3, 2),
    "no images of any size": struct.pack(">BBBB3I", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1),
    "a huge shape": struct.pack(">BBBB3I", 0, 0, 8, 3, *[2**32 - 1] * 3),
    "a shape that overflows": struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**31, 4) + b"\0" * 24,
}


@pytest.mark.parametrize("name", BAD_IDX)
def test_a_file_that_is_no_idx_file_of_bytes_is_refused(tmp_path, name):
    path = write_gzip(tmp_path / "a.gz", BAD_IDX[name])
    sentence = r"^[^\n]*a\.gz (is no idx file|holds \d+ values)[^\n]*\.$"
    refused(lambda: read_idx(path, 3), sentence, DatasetError)


def test_an_idx_file_cut_short_anywhere_is_refused(tmp_path):
    data = gzip.compress(GOOD, mtime=0)
    for size in range(len(data)):
        (tmp_path / "a.gz").write_bytes(data[:size])
        refused(lambda: read_idx(tmp_path / "a.gz", 3), r"^[^\n]*\.$", DatasetError)


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x80, 0xFF])
def test_a_compressed_file_with_a_flipped_bit_is_refused_or_equal(tmp_path, flip):
    data = gzip.compress(GOOD, mtime=0)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= flip
        (tmp_path / "a.gz").write_bytes(damaged)
        try:
            numpy.testing.assert_array_equal(read_idx(tmp_path / "a.gz", 3), ARRAY)
        except DatasetError as error:
            assert str(error).endswith(".") and "\n" not in str(error)


@pytest.mark.parametrize(
    "data", [b"", b"text", GOOD, b"\x1f\x8b", gzip.compress(GOOD, mtime=0) + b"more"]
)
def test_a_file_that_is_no_gzip_file_is_refused(tmp_path, data):
    (tmp_path / "a.gz").write_bytes(data)
    refused(lambda: read_idx(tmp_path / "a.gz", 3), r"a\.gz is no .*\.$", DatasetError)


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_has(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "LARGEST", 1000)
    fits = numpy.zeros((1, 4, 246), numpy.uint8)  # with its header of 16 bytes: 1000
    assert read_idx(write_gzip(tmp_path / "a.gz", idx(fits)), 3).shape == fits.shape
    large = write_gzip(tmp_path / "a.gz", idx(fits) + bytes(10**7))
    tracemalloc.start()
    refused(lambda: read_idx(large, 3), r"unpacks to more than 1000 bytes\.$", DatasetError)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_mnist_fits_below_the_bound():
    assert 16 + 60_000 * 28 * 28 < datasets.LARGEST


def test_a_missing_or_odd_path_is_refused(tmp_path):
    for path in (tmp_path / "none.gz", tmp_path):
        with pytest.raises(DatasetError):
            read_idx(path, 3)
