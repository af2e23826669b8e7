"""Tasks for memories: pairs to be stored and asked for, and patterns to be completed.

    pairs        keys of an alphabet with random values; each key is written once
    rewritten    keys drawn with replacement, so that a later value replaces an earlier one
    unit_keys    random directions as keys instead of an alphabet
    patterns     random +-1 patterns; a query shows some of the bits, and 0 for the others

A key of an alphabet is a one-hot row, as a word would be. Values are N(0, 1). The first three
return as support the pairs in the order in which they are written, and as query keys that were
written with the last value of each.

Sources: Schlag, Irie & Schmidhuber 2021, arXiv:2102.11174; Miconi, Clune & Stanley 2018,
arXiv:1804.02464 (patterns).
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_device
from minimeta.tasks.drawing import count, generator
from minimeta.tasks.task import Data, Task


def pairs(rng, tasks, shots, queries, keys, values=1):
    """`shots` different keys of an alphabet of `keys`, in random order: x (M, S, keys)."""
    _check(tasks, shots, queries, values)
    checks.integer("keys", keys, at_least=1)
    if shots > keys:
        raise ValueError(f"shots is {shots}, but there are only {keys} keys to write once each.")
    order = numpy.argsort(generator(rng).uniform(size=(tasks, keys)), axis=1)[:, :shots]
    return _ask(rng, numpy.eye(keys)[order], order, queries, values)


def rewritten(rng, tasks, shots, queries, keys, values=1):
    """`shots` keys drawn with replacement from an alphabet of `keys`: x (M, S, keys)."""
    _check(tasks, shots, queries, values)
    checks.integer("keys", keys, at_least=1)
    names = generator(rng).integers(keys, size=(tasks, shots))
    return _ask(rng, numpy.eye(keys)[names], names, queries, values)


def unit_keys(rng, tasks, shots, queries, dimension, values=1):
    """`shots` random keys of length 1: x (M, S, dimension)."""
    _check(tasks, shots, queries, values)
    checks.integer("dimension", dimension, at_least=1)
    x = generator(rng).normal(size=(tasks, shots, dimension))
    x = x / numpy.linalg.norm(x, axis=-1, keepdims=True)
    return _ask(rng, x, numpy.tile(numpy.arange(shots), (tasks, 1)), queries, values)


def patterns(rng, tasks, shots, queries, bits, known):
    """`shots` patterns of `bits` signs, x and y alike: (M, S, bits).

    A query is a stored pattern of which only `known` bits are shown; its y is the whole pattern.
    """
    _check(tasks, shots, queries, 1)
    checks.integer("bits", bits, at_least=1)
    checks.integer("known", known, at_least=0)
    if known > bits:
        raise ValueError(f"known is {known}, but a pattern has only {bits} bits.")
    x = generator(rng).choice([-1.0, 1.0], size=(tasks, shots, bits))
    chosen = rng.integers(shots, size=(tasks, queries))
    whole = numpy.take_along_axis(x, chosen[..., None], axis=1)  # (M, Q, bits)
    ranks = numpy.argsort(numpy.argsort(rng.uniform(size=whole.shape), axis=-1), axis=-1)
    cue = numpy.where(ranks < known, whole, 0.0)
    return to_device(Task(Data(x, x), Data(cue, whole)))


def _check(tasks, shots, queries, values):
    """Raise unless there are tasks, pairs to write, queries and numbers in a value."""
    count(shots, queries)
    checks.integer("tasks", tasks, at_least=1)
    checks.integer("shots", shots, at_least=1)  # a query asks for something that was written
    checks.integer("values", values, at_least=1)


def _ask(rng, x, names, queries, values):
    """A Task of keys x (M, S, D) called `names` (M, S), which asks for the last value of a key."""
    y = rng.normal(size=(*x.shape[:2], values))
    shots = x.shape[1]
    chosen = rng.integers(shots, size=(len(x), queries))
    key = numpy.take_along_axis(names, chosen, axis=1)  # (M, Q)
    same = key[:, :, None] == names[:, None, :]  # (M, Q, S)
    last = numpy.where(same, numpy.arange(shots), -1).max(axis=-1)  # (M, Q)
    query = Data(*(numpy.take_along_axis(part, last[..., None], axis=1) for part in (x, y)))
    return to_device(Task(Data(x, y), query))
