"""A tree, a step, a generator and a configuration <-> one .npz file, without pickle.

The file is what numpy.savez writes: the tree's arrays, in order, as "array_0", "array_1", ..., and
"head", a JSON text (as bytes) that holds everything else: the format's name and version, the tree's
structure with each array's dtype and shape, the step, the generator's state and the configuration.
An array whose axes lie in memory in an order of their own is stored with its axes in that order,
and the head names the order, because sums depend on it in their last bit.
The same content gives the same bytes. Writing is atomic: whatever interrupts it, the path holds the
old file or the new one. Reading trusts nothing: whatever is not such a file is a CheckpointError.
"""

import contextlib
import glob
import json
import os
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_host

try:
    import fcntl
except ImportError:  # on Windows, where an open file cannot be removed anyway
    fcntl = None

FORMAT, VERSION = "minimeta checkpoint", 2
PLAIN_VERSION = 1  # of a file in which no array has an order of its own
NUMBER_KINDS = "biufc"  # dtype.kind of booleans, integers, floats and complex numbers
NUMBER_TYPES = (bool, int, float)  # Python's, kept as they are
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
DEEPEST = 100  # levels of a tree: far below where Python's recursion, in reading it back, ends
ABANDONED = 60.0  # seconds without a write after which a temporary file has lost its writer


class CheckpointError(ValueError):
    """A file that is missing, damaged, foreign, or written by a newer version."""


class Checkpoint(NamedTuple):
    """What a checkpoint file holds."""

    tree: object  # dicts, lists and tuples of NumPy arrays and Python numbers
    step: int
    rng_state: dict  # for restore_rng; None if no generator was saved
    config: object  # as JSON gives it back; None if none was saved


def save(path, tree, step=0, rng=None, config=None, durable=True):
    """Write a checkpoint to exactly this path (no suffix is added), making its folder if need be.

    tree: dicts with string keys, lists and tuples, nested, of numeric arrays of any shape and dtype
    and of Python numbers; device arrays are saved as NumPy arrays, NumPy scalars as 0-d arrays.
    rng: a numpy Generator, or its generator_state. config: anything JSON can hold.
    durable=False does not wait for the disk: quicker, and a power failure can damage the file.
    Raises TypeError or ValueError for anything else, and OSError where the disk fails; the file at
    `path` is then as it was.
    """
    checks.integer("step", step, at_least=0)
    arrays = []
    structure = _describe(tree, arrays, ())
    state = None if rng is None else _json_state(rng)
    orders = [_memory_order(array) for array in arrays]
    version = VERSION if any(orders) else PLAIN_VERSION
    head = {"format": FORMAT, "version": version, "step": int(step), "tree": structure}
    _json("config", config)  # first by itself, for the error to name it
    text = _json("tree", {**head, "rng": state, "config": config})
    members = {f"array_{i}": a.transpose(orders[i] or range(a.ndim)) for i, a in enumerate(arrays)}
    _write(Path(path), {"head": numpy.frombuffer(text, numpy.uint8), **members}, durable)


def load(path):
    """Read a checkpoint; return a Checkpoint whose arrays have the dtype and memory order they had.

    The arrays are NumPy's: `to_device` brings them to the device in use. Raises CheckpointError.
    """
    path = Path(path)
    try:
        if not path.is_file():  # a folder, or a pipe, which would hang
            kind = "is not a regular file" if path.exists() else "does not exist"
            raise CheckpointError(f"it {kind}")
        with zipfile.ZipFile(path) as archive:
            return _read(archive)
    # Damage can surface as nearly any error of zipfile, json or numpy: here all mean the same.
    except Exception as error:
        known = isinstance(error, (CheckpointError, PermissionError))
        reason = error if known else f"it is damaged, or no checkpoint ({type(error).__name__})"
        raise CheckpointError(f"Cannot load the checkpoint {str(path)!r}: {reason}.") from None


def generator_state(rng):
    """All of a numpy Generator's state: its bit generator's and, for its spawn, its seeds'."""
    seeds = rng.bit_generator.seed_seq
    return {**rng.bit_generator.state, "seed_seq": getattr(seeds, "state", None)}


def restore_rng(rng_state):
    """A new generator that draws, and spawns, what the saved one would have drawn and spawned next.

    A state without "seed_seq", such as rng.bit_generator.state, spawns the children of seed 0.
    Raises TypeError or ValueError if this is no state of one of NumPy's own generators.
    """
    if not isinstance(rng_state, dict) or "bit_generator" not in rng_state:
        raise TypeError(f"rng must be a numpy Generator or its state; it is {rng_state!r:.60}.")
    name = rng_state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(f"rng must be one of {', '.join(BIT_GENERATORS)}; it is {name!r:.60}.")
    try:
        seeds = numpy.random.SeedSequence(**(rng_state.get("seed_seq") or {"entropy": 0}))
        bits = getattr(numpy.random, name)(seeds)
        bits.state = rng_state
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"rng has a damaged state ({type(error).__name__}: {error}).") from None
    return numpy.random.Generator(bits)


def _describe(node, arrays, path):
    """The structure of a tree in JSON's terms; its arrays are appended to `arrays`."""
    if len(path) > DEEPEST:
        raise ValueError(
            f"tree must be at most {DEEPEST} levels deep; it is deeper, or holds itself."
        )
    if type(node) is dict:
        for key in node:
            if not isinstance(key, str):
                raise TypeError(f"{_name(path)} has the key {key!r:.60}; keys must be strings.")
        return {"dict": {k: _describe(v, arrays, (*path, k)) for k, v in node.items()}}
    if type(node) in (list, tuple):
        branches = [_describe(v, arrays, (*path, i)) for i, v in enumerate(node)]
        return {type(node).__name__: branches}
    if type(node) in NUMBER_TYPES:
        return {"number": node}
    arrays.append(_array(node, path))
    order = _memory_order(arrays[-1])
    return {
        "array": len(arrays) - 1,
        **_signature(arrays[-1]),
        **({"order": order} if order else {}),
    }


def _memory_order(array):
    """The axes from the longest stride to the shortest, where NumPy's format does not keep that."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return None
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return order if order != list(range(array.ndim)) else None


def _array(leaf, path):
    """The leaf as a NumPy array of numbers; its memory order stays, as sums depend on it."""
    value = to_host(leaf) if hasattr(leaf, "dtype") else leaf
    value = numpy.asarray(value) if isinstance(value, numpy.generic) else value
    if type(value) is not numpy.ndarray:  # nor a subclass: a mask, for one, would be lost
        kind = type(leaf).__name__
        raise TypeError(f"{_name(path)} must be an array of numbers; its type is {kind}.")
    if value.dtype.kind not in NUMBER_KINDS:
        raise TypeError(f"{_name(path)} must be an array of numbers; its dtype is {value.dtype}.")
    return value


def _name(path):
    """How the leaf would be written in Python: tree[0]['W']."""
    return "tree" + "".join(f"[{step!r}]" for step in path)


def _json_state(rng):
    """The state of a generator with lists for its arrays, which numpy takes back as well."""
    state = generator_state(rng) if isinstance(rng, numpy.random.Generator) else rng
    restore_rng(state)  # what cannot be restored must not be saved
    return json.loads(json.dumps(state, default=lambda array: array.tolist()))


def _signature(array):
    return {"dtype": array.dtype.str, "shape": list(array.shape)}


def _json(name, value):
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{name} must hold only what JSON can hold ({error}).") from None


def _write(path, members, durable):
    """Write the whole file under another name beside `path`, then rename it, which is atomic."""
    if path.is_dir():
        raise IsADirectoryError(f"Cannot save a checkpoint as {str(path)!r}: it is a folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        with open(part, "xb") as file:
            _lock(file)
            numpy.savez(file, **members)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if fcntl:  # while the file is locked; Windows renames no open file
                os.replace(part, path)
        if not fcntl:
            os.replace(part, path)
    except BaseException:  # Ctrl-C too
        part.unlink(missing_ok=True)
        raise
    if durable:
        _sync(path.parent)


def _sweep(path):
    """Remove what earlier writers of this path could not, because they were killed.

    A writer that lives holds the lock of its file, even if it is paused for days.
    """
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError):  # it is gone, locked, or, on Windows, open
            if time.time() - part.stat().st_mtime > ABANDONED:
                with open(part, "rb") as file:
                    _lock(file)
                part.unlink()


def _lock(file):
    """Lock the file until it is closed or its process ends; raise OSError if another has it."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(folder):
    """Have the new name survive a power failure, where a folder can be opened (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(archive):
    head = json.loads(_member(archive, "head").tobytes())
    if head["format"] != FORMAT:
        raise ValueError("foreign")
    checks.integer("version", head["version"], at_least=1)
    if head["version"] > VERSION:
        raise CheckpointError(
            f"a newer minimeta wrote it (format {head['version']}; this one reads up to {VERSION})"
        )
    checks.integer("step", head["step"], at_least=0)
    if head["rng"] is not None:
        restore_rng(head["rng"])
    return Checkpoint(_rebuild(head["tree"], archive), head["step"], head["rng"], head["config"])


def _rebuild(node, archive):
    """The tree that _describe has described."""
    if "dict" in node:
        return {key: _rebuild(value, archive) for key, value in node["dict"].items()}
    if "list" in node:
        return [_rebuild(value, archive) for value in node["list"]]
    if "tuple" in node:
        return tuple([_rebuild(value, archive) for value in node["tuple"]])
    if "number" in node and type(node["number"]) in NUMBER_TYPES:
        return node["number"]
    array = _member(archive, f"array_{node['array']}")
    if "order" in node:
        if sorted(node["order"]) != list(range(array.ndim)):
            raise ValueError("no order of the axes")
        array = array.transpose(numpy.argsort(node["order"]))
    if _signature(array) != {"dtype": node["dtype"], "shape": node["shape"]}:
        raise ValueError("not the array described")
    return array


def _member(archive, name):
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED:  # else a small file could unpack to a huge one
        raise ValueError("compressed")
    with archive.open(entry) as file:  # at its end, zipfile compares the checksum
        return numpy.lib.format.read_array(file, allow_pickle=False)
