"""Gradient rule of np.einsum: the operand and the output change places.

'ij,jk->ik'     a: 'ik,jk->ij' of (g, b)
'ij->j'         a letter that nothing else has was summed: g is spread along it
'ii->i'         a letter twice took a diagonal: g is put on the diagonal of zeros
'ij,ij->ij'     an axis of length 1 was repeated: g is summed over it
"""

import autograd.numpy as np
import numpy
from autograd.extend import defvjp_argnum
from autograd.numpy.numpy_wrapper import parse_einsum_input

from minimeta.core.backend.diagonals import identity
from minimeta.core.backend.rules import gather, refuse, spread

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def of_einsum(argnum, ans, args, kwargs):
    """The gradient in one of the operands, however the subscripts are given."""
    strange = [f"{name}=" for name in kwargs if name != "optimize"]
    if strange:
        refuse(np.einsum, strange)
    subscripts, operands, k = with_letters(args, argnum)
    shapes = [numpy.broadcast_to(0.0, np.shape(a)) for a in operands]
    letters, out, _ = parse_einsum_input(subscripts, *shapes)
    letters = letters.split(",")
    mine = letters.pop(k)
    back = einsum_back(mine, [out, *letters], operands[k], kwargs)
    return lambda g: back(g, *operands[:k], *operands[k + 1 :])


def with_letters(args, argnum):
    """(subscripts, operands, which operand) of a call with a string, or with lists of numbers."""
    if isinstance(args[0], str):
        return args[0], args[1:], argnum - 1
    lists = [*args[1::2], *([args[-1]] if len(args) % 2 else [])]
    word = lambda numbers: "".join("..." if n is Ellipsis else LETTERS[n] for n in numbers)
    words = [*map(word, lists)]
    operands = args[: len(args) // 2 * 2 : 2]
    left = ",".join(words[: len(operands)])
    return left + ("->" + words[-1] if len(args) % 2 else ""), operands, argnum // 2


def einsum_back(mine, others, x, options):
    """The product that collects the letters `mine` of x from the `others`, g first."""
    unused = iter(c for c in LETTERS if c not in "".join([mine, *others]))
    places = "".join(next(unused) if c in mine[:i] else c for i, c in enumerate(mine))
    again = [(c, new) for c, new in zip(mine, places) if c != new]
    others = others + [c + new for c, new in again]
    seen = set("".join(others))
    spec = ",".join(others) + "->" + "".join(c for c in places if c in seen)
    alone = tuple(i for i, c in enumerate(places) if c not in seen)
    shape = np.shape(x)
    diagonals = [identity(x, (shape[mine.index(c)],) * 2) for c, _ in again]

    def back(*arrays):
        g = np.einsum(spec, *arrays, *diagonals, **options)
        if alone:
            sizes = iter(np.shape(g))
            full = [shape[i] if i in alone else next(sizes) for i in range(len(places))]
            g = spread(g, tuple(full), alone)
        if np.shape(g) != shape:  # an axis of length 1, here or there
            g = np.broadcast_to(g, numpy.broadcast_shapes(np.shape(g), shape))
        return gather(g, x)

    return back


defvjp_argnum(np.einsum, of_einsum)
