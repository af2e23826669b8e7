"""An external memory: rows that are read by what they hold, and written where nothing is missed.

    similarity  K_i = k M_i / (|k| |M_i|)             the cosine of a key and each slot
    read        w = softmax(sharpness K)              how much is read of each slot
    usage       u <- decay u + (read) + (written)     how much, and how lately, each slot was used
    overwrite   the slot whose usage is least

A memory M is (..., slots, width), and every other array has one number for each slot.

Source: Graves, Wayne & Danihelka 2014, arXiv:1410.5401 (reading); Santoro et al. 2016,
arXiv:1605.06065, equations 2 to 8 (writing).  Lesson `memory`.
"""

import numpy

from minimeta.core.backend import np
from minimeta.core.losses import softmax
from minimeta.nets.layers import constant_primitive

TINY = 1e-6  # added to a squared length, so that an empty slot has the cosine 0


def similarity(key, memory):
    """The cosines of a key (..., width) and the slots (..., slots, width): (..., slots)."""
    return (unit(memory) @ np.expand_dims(unit(key), -1))[..., 0]


def unit(vectors):
    """The vectors (..., width) at length 1."""
    return vectors / np.sqrt(np.sum(vectors * vectors, axis=-1, keepdims=True) + TINY)


def read_weights(key, memory, sharpness):
    """How much is read of each slot: positive, of sum 1; only the nearest at great sharpness."""
    return softmax(sharpness * similarity(key, memory))


def read(weights, memory):
    """The slots (..., slots, width) mixed by the weights (..., slots): (..., width)."""
    return (np.expand_dims(weights, -2) @ memory)[..., 0, :]


@constant_primitive
def least_used(usage):
    """1 for the slot whose usage (..., slots) is least, the first of equals, and 0 for others."""
    chosen = numpy.argmin(usage, axis=-1)[..., None] == numpy.arange(usage.shape[-1])
    return chosen.astype(usage.dtype)


def erase(memory, slots):
    """The memory with the slots emptied that are marked by 1: slots (..., slots)."""
    return memory * (1.0 - np.expand_dims(slots, -1))


def add(memory, weights, row):
    """The memory with a row (..., width) added to each slot, times its weight (..., slots)."""
    return memory + np.expand_dims(weights, -1) * np.expand_dims(row, -2)
