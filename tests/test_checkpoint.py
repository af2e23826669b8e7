"""A checkpoint gives back what was saved, bit for bit, or one sentence that says why it cannot."""

import hashlib
import itertools
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import types
import zipfile
from typing import NamedTuple

import numpy
import pytest

from minimeta.core.runs import checkpoint
from minimeta.core.runs.checkpoint import CheckpointError, generator_state, load, restore_rng, save

BIT_GENERATORS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]
DTYPES = ["?", "i1", "u1", "i2", "i4", "u8", "f2", "f4", "f8", "c8", "c16", ">f4", ">i8"]


def same(a, b):
    """Equal in structure, type, dtype, memory order and every bit."""
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(b) is type(a) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (bool, int, float)):
        return type(b) is type(a) and repr(a) == repr(b)
    flags = a.flags.f_contiguous == b.flags.f_contiguous and b.flags.writeable
    return flags and (a.dtype.str, a.shape, a.tobytes()) == (b.dtype.str, b.shape, b.tobytes())


def example_tree():
    rng = numpy.random.default_rng(3)
    return {
        "meta": [{"W": rng.normal(size=(3, 2)), "b": numpy.zeros(2, "f4")}, {}],
        "optimizer": {"updates": numpy.array(7.0), "mean": (numpy.ones(2), [])},
        "history": rng.random(5),
        "none": numpy.zeros((0, 2)),
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


# ---- what is saved comes back


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3), (2, 1, 3, 2)])
def test_an_array_of_any_dtype_and_shape_comes_back_bit_for_bit(path, dtype, shape):
    count = int(numpy.prod(shape)) * numpy.dtype(dtype).itemsize
    bits = numpy.random.default_rng(1).integers(0, 2 if dtype == "?" else 256, count, numpy.uint8)
    array = numpy.frombuffer(bits.tobytes(), dtype).reshape(shape)  # NaNs with payloads included
    save(path, array)
    assert same(array, load(path).tree)


KEYS = [
    "file",
    "head",
    "__head__",
    "array_0",
    "a/b",
    "../a",
    "",
    " ",
    ".",
    "\0",
    "ключ",
    "\ud800",
    "n\n",
]


def test_keys_of_any_kind_and_their_order_come_back(path):
    tree = {
        key: {other: numpy.full(2, i) for other in KEYS} for i, key in enumerate(reversed(KEYS))
    }
    save(path, tree)
    assert same(tree, load(path).tree)


@pytest.mark.parametrize(
    "tree", [{}, [], (), [[], (), {}], ((),), {"a": []}, [1, -0.0, True], {"n": 2**80}]
)
def test_containers_and_python_numbers_come_back_as_what_they_were(path, tree):
    save(path, tree)
    assert same(tree, load(path).tree)


@pytest.mark.parametrize("value", [numpy.inf, -numpy.inf, numpy.nan])
def test_numbers_that_are_not_finite_come_back(path, value):
    save(path, [value, numpy.array(value)])
    number, array = load(path).tree
    numpy.testing.assert_equal([number, array[()]], [value, value])


def test_memory_order_comes_back_because_sums_depend_on_it(path):
    tree = [numpy.arange(6.0).reshape(2, 3).T, numpy.broadcast_to(numpy.arange(3), (2, 3))]
    save(path, tree)
    transposed, copies = load(path).tree
    assert transposed.flags.f_contiguous and not transposed.flags.c_contiguous
    numpy.testing.assert_array_equal(transposed, tree[0])
    numpy.testing.assert_array_equal(copies, tree[1])


def layouts():
    """Arrays of three and four axes in every order of their axes, sliced and reversed."""
    for ndim in (3, 4):
        block = numpy.random.default_rng(0).normal(size=(3, 4, 5, 2)[:ndim])
        for order in itertools.permutations(range(ndim)):
            yield block.transpose(order)
            yield block.astype("f4").transpose(order)[1:, ::2]
            yield block.transpose(order)[::-1]


def order_of(array):
    """The axes of more than one number, from the longest stride to the shortest."""
    axes = [axis for axis, length in enumerate(array.shape) if length > 1]
    return sorted(axes, key=lambda axis: -abs(array.strides[axis]))


def test_axes_come_back_in_the_order_they_have_in_memory(path):
    tree = list(layouts())
    save(path, tree)
    for before, after in zip(tree, load(path).tree):
        assert before.dtype == after.dtype and numpy.array_equal(before, after)
        assert order_of(before) == order_of(after)
        assert order_of(before * 1.5) == order_of(after * 1.5)
        assert numpy.array_equal(before.copy("K").sum(axis=1), after.sum(axis=1))


def test_a_file_without_such_arrays_is_one_that_earlier_versions_read(path):
    save(path, [numpy.ones((2, 3, 4)), numpy.ones((2, 3)).T])
    assert head_of(path)["version"] == 1
    save(path, [numpy.ones((2, 3, 4)).transpose(1, 0, 2)])
    assert head_of(path)["version"] == 2


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [0, 1, 3], "abc", None, [2, 1, 0.5]])
def test_an_order_that_is_none_is_damage(path, order):
    save(path, [numpy.ones((2, 3, 4)).transpose(1, 0, 2)])
    head = head_of(path)
    head["tree"]["list"][0]["order"] = order
    rewrite(path, head)
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


def head_of(path):
    with numpy.load(path) as file:
        return json.loads(file["head"].tobytes())


def rewrite(path, head):
    with numpy.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "head"}
    text = numpy.frombuffer(json.dumps(head).encode(), numpy.uint8)
    with open(path, "wb") as file:
        numpy.savez(file, head=text, **arrays)


def test_numpy_scalars_come_back_as_arrays_of_their_dtype(path):
    save(path, [numpy.float32(0.1), numpy.int8(-3), numpy.float64(0.1)])
    assert same([numpy.array(0.1, "f4"), numpy.array(-3, "i1"), numpy.array(0.1)], load(path).tree)


def test_device_arrays_are_saved_from_the_host(path):
    device = types.SimpleNamespace(dtype=numpy.dtype("f4"), get=lambda: numpy.arange(3, dtype="f4"))
    save(path, {"W": device})
    assert same({"W": numpy.arange(3, dtype="f4")}, load(path).tree)


def test_step_and_configuration_come_back(path):
    config = {"shots": 5, "name": "sinus – é", "steps": [1, 2.5, None, True], "nested": {"": {}}}
    save(path, [], step=numpy.int64(12), config=config)
    assert load(path)[1:] == (12, None, config)
    assert type(load(path).step) is int


def test_a_saved_configuration_is_not_changed_by_saving(path):
    config = {"sizes": (1, 40, 1)}
    save(path, [], config=config)
    assert config == {"sizes": (1, 40, 1)} and load(path).config == {"sizes": [1, 40, 1]}


# ---- generators


@pytest.mark.parametrize("name", BIT_GENERATORS)
def test_a_restored_generator_goes_on_where_the_saved_one_stood(path, name):
    rng = numpy.random.Generator(getattr(numpy.random, name)(5))
    rng.random(7), rng.integers(0, 9, 3, dtype=numpy.int32)  # leaves half of a word in the buffer
    save(path, [], rng=rng)
    restored = restore_rng(load(path).rng_state)
    for _ in range(3):
        numpy.testing.assert_array_equal(
            restored.integers(0, 2**30, 5, dtype=numpy.int32),
            rng.integers(0, 2**30, 5, dtype=numpy.int32),
        )
        numpy.testing.assert_array_equal(restored.normal(size=1000), rng.normal(size=1000))


@pytest.mark.parametrize("name", BIT_GENERATORS)
@pytest.mark.parametrize("seed", [None, 2**100, [1, 2, 3]])
def test_a_restored_generator_spawns_what_the_saved_one_would_have(path, name, seed):
    rng = numpy.random.Generator(getattr(numpy.random, name)(seed)).spawn(3)[2]
    rng.spawn(2)
    save(path, [], rng=rng)
    restored = restore_rng(load(path).rng_state)
    for child, expected in zip(restored.spawn(2), rng.spawn(2)):
        numpy.testing.assert_array_equal(child.random(10), expected.random(10))


@pytest.mark.parametrize("name", BIT_GENERATORS)
def test_states_can_be_saved_in_place_of_generators(path, name):
    rng = numpy.random.Generator(getattr(numpy.random, name)(5))
    state, plain = generator_state(rng), rng.bit_generator.state
    expected = rng.random(5)
    for given in (state, plain):
        save(path, [], rng=given)
        numpy.testing.assert_array_equal(restore_rng(load(path).rng_state).random(5), expected)
        rng.bit_generator.state = load(path).rng_state  # numpy takes it back as well
        numpy.testing.assert_array_equal(rng.random(5), expected)


def test_a_generator_without_known_seeds_spawns_the_children_of_seed_0(path):
    legacy = numpy.random.Generator(numpy.random.RandomState(3)._bit_generator)  # has no seeds
    for given in (numpy.random.default_rng(3).bit_generator.state, legacy):
        save(path, [], rng=given)
        child = restore_rng(load(path).rng_state).spawn(1)[0]
        seeds = numpy.random.SeedSequence(0).spawn(1)[0]
        expected = numpy.random.Generator(type(child.bit_generator)(seeds))
        numpy.testing.assert_array_equal(child.random(5), expected.random(5))


def test_saving_and_restoring_draw_nothing(path):
    rng = numpy.random.default_rng(0)
    save(path, [], rng=rng)
    restore_rng(load(path).rng_state).random(5)
    numpy.testing.assert_array_equal(rng.random(5), numpy.random.default_rng(0).random(5))


GOOD = numpy.random.default_rng(0).bit_generator.state
BAD_STATES = {
    "none": (None, TypeError),
    "a number": (3, TypeError),
    "an old RandomState": (numpy.random.RandomState(0), TypeError),
    "an empty dict": ({}, TypeError),
    "an unknown generator": ({**GOOD, "bit_generator": "RANDU"}, ValueError),
    "a name of another kind": ({**GOOD, "bit_generator": ["PCG64"]}, ValueError),
    "a module's name": ({**GOOD, "bit_generator": "__builtins__"}, ValueError),
    "another generator's state": ({**GOOD, "bit_generator": "MT19937"}, ValueError),
    "no state": ({"bit_generator": "PCG64"}, ValueError),
    "a state that is no dict": ({**GOOD, "state": 3}, ValueError),
    "text for a number": ({**GOOD, "state": {"state": "1", "inc": 3}}, ValueError),
    "bad seeds": ({**GOOD, "seed_seq": {"entropy": -1}}, ValueError),
    "seeds of no kind": ({**GOOD, "seed_seq": 3}, ValueError),
    "unknown seeds": ({**GOOD, "seed_seq": {"nothing": 3}}, ValueError),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_a_bad_generator_state_is_refused(path, name):
    state, error = BAD_STATES[name]
    with pytest.raises(error, match=r"^rng [^\n]*\.$"):
        restore_rng(state)
    if state is not None:
        with pytest.raises(error, match="^rng "):
            save(path, [], rng=state)
        assert not path.exists()


# ---- the file


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    rng = numpy.random.default_rng(0)
    save(path, example_tree(), 3, rng, {"a": 1})
    first = path.read_bytes()
    with zipfile.ZipFile(path) as archive:  # no time of writing in it
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    save(path, *load(path))
    save(tmp_path / "other", example_tree(), 3, numpy.random.default_rng(0), {"a": 1})
    assert first == path.read_bytes() == (tmp_path / "other").read_bytes()


def test_numpy_reads_the_file_without_pickle(path):
    save(path, {"W": numpy.eye(2), "b": numpy.zeros(2)}, step=4)
    with numpy.load(path, allow_pickle=False) as file:
        assert sorted(file) == ["array_0", "array_1", "head"]
        assert json.loads(file["head"].tobytes())["step"] == 4
        numpy.testing.assert_array_equal(file["array_0"], numpy.eye(2))


def test_the_path_is_taken_as_it_is_and_its_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("run", "run.tmp", "a/b/run.npz", str(tmp_path / "c" / "ключ [1]")):
        save(name, [1])
        assert load(name).tree == [1]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == sorted(
        ["run", "run.tmp", "run.npz", "ключ [1]"]
    )


def test_a_file_has_the_permissions_of_any_new_file(path):
    save(path, [])
    (path.parent / "plain").touch()
    assert path.stat().st_mode == (path.parent / "plain").stat().st_mode


# ---- atomic


class Named(NamedTuple):
    x: object


CYCLE = []
CYCLE.append(CYCLE)
BAD_ARGUMENTS = {
    "a key that is a number": dict(tree={1: numpy.ones(2)}),
    "a key that is None": dict(tree={"a": {None: 1}}),
    "a key that is a tuple": dict(tree=[{("a", "b"): 1}]),
    "an object array": dict(tree=[numpy.array([None, 1])]),
    "an array of texts": dict(tree=numpy.array(["a"])),
    "an array of bytes": dict(tree=numpy.array([b"a"])),
    "an array of dates": dict(tree=numpy.array(["2020-01-01"], "M8[D]")),
    "an array of records": dict(tree=numpy.zeros(2, "f8,i4")),
    "a masked array": dict(tree=numpy.ma.array([1.0, 2.0], mask=[0, 1])),
    "a text": dict(tree={"a": "text"}),
    "bytes": dict(tree={"a": b"text"}),
    "None": dict(tree=None),
    "None in a list": dict(tree=[None]),
    "a set": dict(tree={1, 2}),
    "a range": dict(tree=range(3)),
    "a complex number": dict(tree=[1j]),
    "a function": dict(tree=[len]),
    "a NamedTuple": dict(tree=Named(numpy.ones(2))),
    "a NamedTuple inside": dict(tree={"a": [Named(1)]}),
    "a numpy text": dict(tree=numpy.str_("a")),
    "a tree in itself": dict(tree=CYCLE),
    "a step that is no integer": dict(step=1.0),
    "a step below zero": dict(step=-1),
    "a step that is a bool": dict(step=True),
    "a step that is an array": dict(step=numpy.array([1, 2])),
    "a generator that is a seed": dict(rng=0),
    "a function in config": dict(config={"f": len}),
    "an array in config": dict(config=[numpy.ones(2)]),
    "a set in config": dict(config={1}),
    "a tuple for a key in config": dict(config={(1, 2): 3}),
    "a config in itself": dict(config=CYCLE),
    "bytes in config": dict(config=b"a"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(path, name):
    save(path, [numpy.ones(2)])
    before = path.read_bytes()
    (argument,) = BAD_ARGUMENTS[name]
    with pytest.raises((TypeError, ValueError), match=rf"^{argument}.*\.$") as caught:
        save(path, **{"tree": [], **BAD_ARGUMENTS[name]})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_the_error_names_the_leaf():
    with pytest.raises(
        TypeError, match=r"^tree\['meta'\]\[1\]\['W'\] must be .* its type is str\.$"
    ):
        save("never", {"meta": [{}, {"W": "x"}]})


def test_every_tree_that_can_be_saved_can_be_loaded_however_deep(path):
    deep = numpy.ones(1)
    for level in range(checkpoint.DEEPEST):
        deep = {"a": deep} if level % 2 else (deep,)
    save(path, deep)
    assert same(deep, load(path).tree)
    with pytest.raises(ValueError, match="levels deep"):
        save(path, [deep])


@pytest.mark.parametrize("fails", ["savez", "fsync", "replace"])
@pytest.mark.parametrize(
    "error", [OSError("disk full"), KeyboardInterrupt()], ids=["error", "ctrl-c"]
)
def test_a_failure_while_writing_leaves_the_old_file_and_no_other(path, monkeypatch, fails, error):
    save(path, [numpy.ones(2)])
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(numpy if fails == "savez" else os, fails, fail)
    with pytest.raises(type(error)):
        save(path, [numpy.zeros(2)])
    monkeypatch.undo()
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_a_folder_is_not_written_to(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        save(tmp_path, [])
    assert os.listdir(tmp_path) == []


def test_what_a_killed_writer_left_is_removed_but_not_what_another_is_writing(path):
    old, new = (path.with_name(f".run.npz.{name}.part") for name in ("dead", "live"))
    other = path.with_name(".other.npz.dead.part")
    for file in (old, new, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (time.time() - checkpoint.ABANDONED - 1,) * 2)
    save(path, [])
    assert sorted(os.listdir(path.parent)) == sorted([new.name, other.name, path.name])


PAUSED = """
import os, signal, sys, numpy
from minimeta.core.runs import checkpoint
write = numpy.savez
def pause(file, **members):
    write(file, **members)
    print("writing", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
checkpoint.numpy.savez = pause
checkpoint.save(sys.argv[1], [numpy.ones(3)], step=7)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGSTOP is a signal of POSIX")
def test_a_writer_that_is_paused_for_long_finishes_its_file(path):
    run = subprocess.Popen([sys.executable, "-c", PAUSED, path], stdout=subprocess.PIPE)
    try:
        assert run.stdout.readline() == b"writing\n"
        (part,) = path.parent.glob(".*.part")
        os.utime(part, (time.time() - 100 * checkpoint.ABANDONED,) * 2)
        save(path, [numpy.zeros(3)], step=1)
        assert part.exists()
        run.send_signal(signal.SIGCONT)
        assert run.wait(60) == 0
    finally:
        run.kill()
        run.stdout.close()
    assert load(path).step == 7 and os.listdir(path.parent) == [path.name]


SAVER = """
import sys, numpy
from minimeta.core.runs.checkpoint import save
rng = numpy.random.default_rng(0)
for step in range(10**9):
    tree = [numpy.full(200_000, step), {"step": numpy.full((3, 70_000), float(step))}]
    save(sys.argv[1], tree, step, rng, {"step": step})
    print(step, flush=True)
    rng.random()
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of POSIX")
def test_a_process_killed_at_any_moment_leaves_a_checkpoint_that_loads(path):
    killed, waits = 10, random.Random(0)
    for start in range(0, killed, 2):  # two at a time
        files = [path.with_name(f"{start + i}.npz") for i in range(2)]
        runs = [
            subprocess.Popen([sys.executable, "-c", SAVER, f], stdout=subprocess.PIPE)
            for f in files
        ]
        for run, file in zip(runs, files):
            assert run.stdout.readline() == b"0\n"
            time.sleep(waits.uniform(0, 0.06))
            run.send_signal(signal.SIGKILL)
            told = (run.stdout.read() or b"0").split()[-1]
            run.stdout.close()
            assert run.wait() == -signal.SIGKILL
            saved = load(file)
            assert (
                int(told) <= saved.step <= int(told) + 1
            )  # never older than the last one finished
            assert saved.config == {"step": saved.step}
            assert (saved.tree[0] == saved.step).all() and (
                saved.tree[1]["step"] == saved.step
            ).all()
            expected = numpy.random.default_rng(0).random(saved.step + 1)[-1]
            assert restore_rng(saved.rng_state).random() == expected


# ---- damage


def refused(path):
    """True if load refuses the file with one sentence; the Checkpoint if it does not."""
    try:
        return load(path)
    except CheckpointError as error:
        text = str(error)
        assert text.startswith("Cannot load the checkpoint ") and text.endswith(".")
        assert "\n" not in text and len(text) < 150 + len(str(path))
        assert error.__suppress_context__
        return True


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A small checkpoint: its bytes and what it holds."""
    path = tmp_path_factory.mktemp("good") / "run.npz"
    save(path, example_tree(), 3, numpy.random.default_rng(0), {"a": 1})
    return path.read_bytes(), load(path)


def test_a_file_cut_short_anywhere_is_refused(path, good):
    data, _ = good
    for size in range(0, len(data), 3):
        path.write_bytes(data[:size])
        assert refused(path) is True, size


def test_a_flipped_byte_is_refused_or_changes_nothing(path, good):
    data, expected = good
    count = 0
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= (0x01, 0x80, 0xFF)[place % 3]
        path.write_bytes(damaged)
        found = refused(path)
        count += found is True
        assert found is True or same(expected.tree, found.tree) and expected[1:] == found[1:], place
    assert count > len(data) / 4  # the rest is dates and lengths that a zip file holds twice


@pytest.mark.parametrize("seed", range(60))
def test_scrambled_files_are_refused_or_equal(path, good, seed):
    data, expected = good
    chance = random.Random(seed)
    start, size = chance.randrange(len(data)), chance.randrange(1, 200)
    noise = [b"", chance.randbytes(size), data[:size], bytes(size)][seed % 4]
    path.write_bytes(data[:start] + noise + data[start + size * (seed % 8 < 4) :])
    found = refused(path)
    assert found is True or same(expected.tree, found.tree) and expected[1:] == found[1:]


def write_npz(path, save=numpy.savez, **members):
    with open(path, "wb") as file:
        save(file, **members)


def write_zip(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


OTHER_FILES = {
    "nothing": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("step 3"),
    "JSON": lambda path: path.write_text("{}"),
    "noise": lambda path: path.write_bytes(random.Random(0).randbytes(5000)),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "npz": lambda path: write_npz(path, x=numpy.ones(3)),
    "npz with a head": lambda path: write_npz(path, head=numpy.ones(3)),
    "npz with another head": lambda path: write_npz(path, head=numpy.frombuffer(b"{}", "u1")),
    "npz with a pickle": lambda path: write_npz(path, head=numpy.array([{"format": 1}], object)),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"step": 1})),
    "zip": lambda path: write_zip(path, a="text"),
    "empty zip": lambda path: write_zip(path),
    "zip with a head": lambda path: write_zip(path, **{"head.npy": "text"}),
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_a_file_of_another_kind_is_refused(path, kind):
    OTHER_FILES[kind](path)
    assert refused(path) is True


def test_a_missing_file_is_called_missing(path):
    with pytest.raises(CheckpointError, match=r"run\.npz': it does not exist\.$"):
        load(path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load("no\0name")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_for_a_writer(path):
    os.mkfifo(path)
    assert refused(path) is True


TREE = {"dict": {"W": {"array": 0, "dtype": "<f8", "shape": [2, 2]}, "n": {"number": 3}}}
LEAF = TREE["dict"]["W"]
HEADS = {  # what a head must not say
    "another format": dict(format="other"),
    "version 0": dict(version=0),
    "a version in words": dict(version="1"),
    "a version that is none": dict(version=None),
    "a negative step": dict(step=-1),
    "half a step": dict(step=0.5),
    "a step in words": dict(step="3"),
    "a generator that is a list": dict(rng=[1]),
    "a generator without state": dict(rng={"bit_generator": "PCG64"}),
    "no tree": dict(tree=None),
    "a tree that is a list": dict(tree=[]),
    "a tree of no kind": dict(tree={"what": 1}),
    "a dict that is a list": dict(tree={"dict": []}),
    "a dict of numbers": dict(tree={"dict": {"a": 1}}),
    "a list that is a number": dict(tree={"list": 3}),
    "a tuple that is a number": dict(tree={"tuple": 3}),
    "a number that is a text": dict(tree={"number": "3"}),
    "another shape": dict(tree={**LEAF, "shape": [4]}),
    "another type": dict(tree={**LEAF, "dtype": "<f4"}),
    "another byte order": dict(tree={**LEAF, "dtype": ">f8"}),
    "no shape": dict(tree={"array": 0, "dtype": "<f8"}),
    "a missing array": dict(tree={**LEAF, "array": 1}),
    "an array of another name": dict(tree={**LEAF, "array": "../0"}),
}


def write_checkpoint(path, drop=(), save=numpy.savez, array=None, **changes):
    """A checkpoint written by hand, with some entries of its head changed or dropped."""
    head = {"format": "minimeta checkpoint", "version": 1, "step": 3, "tree": TREE}
    head = {**head, "rng": None, "config": None, **changes}
    text = json.dumps({key: value for key, value in head.items() if key not in drop})
    head = numpy.frombuffer(text.encode(), numpy.uint8)
    write_npz(path, save, head=head, array_0=numpy.eye(2) if array is None else array)


def test_a_checkpoint_written_by_hand_is_read(path):
    write_checkpoint(path)
    assert same({"W": numpy.eye(2), "n": 3}, load(path).tree) and load(path)[1:] == (3, None, None)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_does_not_make_sense_is_refused(path, name):
    write_checkpoint(path, **HEADS[name])
    assert refused(path) is True


@pytest.mark.parametrize("key", ["format", "version", "step", "tree", "rng", "config"])
def test_a_head_that_lacks_something_is_refused(path, key):
    write_checkpoint(path, drop=[key])
    assert refused(path) is True


def test_a_head_nested_without_end_is_refused(path):
    tree = LEAF
    for _ in range(400):
        tree = {"list": [tree]}
    for deep in (b"[" * 100_000, json.dumps(tree).encode()):
        write_npz(path, head=numpy.frombuffer(deep, numpy.uint8), array_0=numpy.eye(2))
        assert refused(path) is True


@pytest.mark.parametrize("version", [3, 10**30])
def test_a_newer_version_is_named(path, version):
    write_checkpoint(path, version=version, tree="something new")
    with pytest.raises(
        CheckpointError, match=rf"newer minimeta wrote it \(format {version}; .* 2\)"
    ):
        load(path)


def test_compressed_arrays_are_refused_because_they_could_unpack_to_any_size(path):
    write_checkpoint(path, save=numpy.savez_compressed)
    assert refused(path) is True


def test_no_pickle_is_ever_opened(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    trap = numpy.array([[Trap(), Trap()]] * 2, object)
    for dtype in ("|O", "<f8"):
        leaf = {**LEAF, "dtype": dtype}
        write_checkpoint(path, array=trap, tree=leaf)
        assert refused(path) is True
    write_npz(path, head=trap)
    assert refused(path) is True and not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "shape", ["(99999999999, 99999999999), }", "(-2, -2), }", "(2, 3), }", "(2, 1), }"]
)
def test_an_array_that_does_not_have_the_shape_it_claims_is_refused(path, shape):
    write_checkpoint(path)
    with zipfile.ZipFile(path) as archive:
        head, array = archive.read("head.npy"), archive.read("array_0.npy")
    start = array.index(b"(2, 2), }")  # followed by blanks
    array = array[:start] + shape.encode() + array[start + len(shape) :]
    write_zip(path, **{"head.npy": head, "array_0.npy": array})
    assert refused(path) is True


def test_an_unreadable_file_is_called_unreadable(path, monkeypatch):
    save(path, [])

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(zipfile, "ZipFile", denied)
    with pytest.raises(CheckpointError, match="Permission denied"):
        load(path)


def test_loading_leaves_the_file_alone(path, good):
    path.write_bytes(good[0])
    load(path)
    assert hashlib.md5(path.read_bytes()).digest() == hashlib.md5(good[0]).digest()
