"""An external memory: rows that are read by what they hold, and written where nothing is missed.

    similarity  K_i = k M_i / (|k| |M_i|)             the cosine of a key and each slot
    read        w = softmax(sharpness K)              how much is read of each slot
    usage       u <- decay u + (read) + (written)     how much, and how lately, each slot was used
    write       M_i <- M_i + w_i row                  once the slot whose usage is least is emptied

A memory M is (..., slots, width), and every other array has one number for each slot. Similarity
and writing are primitives, because a sequence has as many of them as steps:

    similarity_gradient(g, k, M)    of sum(g K): in k and, below it, in M, (..., 1 + slots, width)

It is differentiated as the formula that it is, to any order.

Source: Graves, Wayne & Danihelka 2014, arXiv:1410.5401 (reading); Santoro et al. 2016,
arXiv:1605.06065, equations 2 to 8 (writing).  Lesson `memory`.
"""

import numpy
from autograd.extend import defvjp, defvjp_argnums

from minimeta.core.backend import np, primitive
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.nets.layers import constant_primitive

TINY = 1e-6  # added to a squared length, so that an empty slot has the cosine 0


def unit(vectors):
    """The vectors (..., width) at length 1."""
    return vectors / np.sqrt(np.sum(vectors * vectors, axis=-1, keepdims=True) + TINY)


def plain_similarity(key, memory):
    """What `similarity` computes, in functions that each have derivatives of any order."""
    return (unit(memory) @ np.expand_dims(unit(key), -1))[..., 0]


@primitive
def similarity(key, memory):
    """The cosines of a key (..., width) and the slots (..., slots, width): (..., slots)."""
    products = (memory @ key[..., None])[..., 0]
    return products / (_length(key)[..., None] * _length(memory))


@primitive
def similarity_gradient(g, key, memory):
    """The gradient of sum(g similarity): with s = g / (|k| |M_i|) and K the cosines,

    sum_i s_i M_i - k sum(g K) / |k|^2  in the key, and  s_i k - M_i g_i K_i / |M_i|^2  in a slot.
    """
    long, lengths = _length(key)[..., None], _length(memory)
    s = g / (long * lengths)
    gK = s * (memory @ key[..., None])[..., 0]
    rows = numpy.empty((*g.shape[:-1], g.shape[-1] + 1, key.shape[-1]), g.dtype, like=g)
    rows[..., 0, :] = (s[..., None, :] @ memory)[..., 0, :]
    rows[..., 0, :] -= key * gK.sum(axis=-1, keepdims=True) / long**2
    rows[..., 1:, :] = s[..., None] * key[..., None, :] - (gK / lengths**2)[..., None] * memory
    return rows


def _length(vectors):
    return numpy.sqrt(numpy.einsum("...k,...k->...", vectors, vectors) + TINY)


def _plain_gradient(g, key, memory):
    f = lambda pair: np.sum(g * plain_similarity(*pair))
    of_key, of_memory = grad(f)((key, memory))
    return np.concatenate([np.expand_dims(of_key, -2), of_memory], axis=-2)


def _gradient_of_similarity(wanted, ans, args, _):
    def vjp(g):
        rows = similarity_gradient(g, *args)
        return [rows[..., 1:, :] if k else rows[..., 0, :] for k in wanted]

    return vjp


def _gradient_of_gradient(wanted, ans, args, _):
    f = lambda r: lambda args: np.sum(r * _plain_gradient(*args))
    return lambda r: [grad(f(r))(args)[k] for k in wanted]


defvjp_argnums(similarity, _gradient_of_similarity)
defvjp_argnums(similarity_gradient, _gradient_of_gradient)


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


@primitive
def write(memory, emptied, weights, row):
    """The memory with slots emptied, and then a row (..., width) added to each by its weight.

    emptied (..., slots) is 1 for a slot to be emptied and 0 for others, and has no gradient.
    """
    kept = memory * (1.0 - emptied)[..., None]
    kept += weights[..., None] * row[..., None, :]
    return kept


defvjp(
    write,
    lambda ans, memory, emptied, *_: lambda g: g * np.expand_dims(1.0 - emptied, -1),
    None,
    lambda ans, memory, emptied, weights, row: lambda g: (g @ np.expand_dims(row, -1))[..., 0],
    lambda ans, memory, emptied, weights, row: lambda g: read(weights, g),
)
