"""Gradient rules of matrix products and linear algebra, in the manner of `rules`.

    y = a b               a: g b'                               b: a' g
    x = solve(a, b)       b: s = solve(a', g)                   a: -s x'
    L = cholesky(a)       a: (s + s') / 2  with  s = L'^-1 lower(L' g) L^-1

Batch axes come first.  CuPy's `solve` does not broadcast them, so there a: (..., N, N) and
b: (..., N, K) must agree in them; the rules then call `solve` with the same batch axes again.

Sources: Giles 2008, "Collected matrix derivative results for forward and reverse mode AD" (solve,
inv); Murray 2016, arXiv:1602.07527 (cholesky).
"""

import math

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, defvjp_argnum
from autograd.numpy.numpy_vjps import (
    dot_vjp_0,
    dot_vjp_1,
    grad_einsum,
    matmul_vjp_0,
    matmul_vjp_1,
)
from autograd.tracer import getval

from minimeta.core.backend.rules import gather, spread


def T(a):
    """The transpose of the last two axes."""
    return np.swapaxes(a, -1, -2)


# ---- Products ----


def rows(a):
    """(..., N, D) as (N', D), so that one product does what a batch of them and a sum would."""
    return np.reshape(a, (math.prod(np.shape(a)[:-1]), np.shape(a)[-1]))


def solid(g):
    """g, copied if it is a view that shows one number many times, as the gradient of a sum is.

    NumPy before 2.3 has no fast product for such a matrix.
    """
    value = getval(g)
    return g + 0 if isinstance(value, numpy.ndarray) and 0 in value.strides[-2:] else g


def left_factor(ans, a, b):
    """The gradient of a b in a: g b', gathered to the batch axes of a."""
    return lambda g: gather(solid(g) @ T(b), a)


def right_factor(ans, a, b):
    """The gradient of a b in b: a' g, gathered to the batch axes of b."""
    if np.ndim(a) > np.ndim(b) == 2:
        return lambda g: gather(T(rows(a)) @ rows(solid(g)), b)
    return lambda g: gather(T(a) @ solid(g), b)


def of_matmul(matrices, vectors):
    """The rule for matrices or the rule for a vector among the factors, by their axes."""
    return lambda ans, a, b: (vectors if min(np.ndim(a), np.ndim(b)) < 2 else matrices)(ans, a, b)


def of_dot(matrices, vectors, tensors):
    """np.dot is np.matmul except for scalars and for more than two axes."""
    rules = {1: vectors, 2: matrices}

    def vjp(ans, a, b):
        dimensions = np.ndim(a), np.ndim(b)
        plain = max(dimensions) <= 2 and min(dimensions) > 0
        return (rules[min(dimensions)] if plain else tensors)(ans, a, b)

    return vjp


defvjp(np.matmul, of_matmul(left_factor, matmul_vjp_0), of_matmul(right_factor, matmul_vjp_1))
defvjp(
    np.dot,
    of_dot(left_factor, matmul_vjp_0, dot_vjp_0),
    of_dot(right_factor, matmul_vjp_1, dot_vjp_1),
)


def of_einsum(argnum, ans, args, kwargs):
    """The operand and the output change places."""
    if not isinstance(args[0], str):  # np.einsum(a, [0, 1], ...): left to autograd
        return grad_einsum(argnum, ans, args, kwargs)
    operands, k = args[1:], argnum - 1
    shapes = [numpy.broadcast_to(0.0, np.shape(a)) for a in operands]
    letters, out, _ = np.parse_einsum_input(args[0], *shapes)
    letters = letters.split(",")
    mine = letters.pop(k)
    back = einsum_back(mine, [out, *letters], np.shape(operands[k]))
    return lambda g: gather(back(g, *operands[:k], *operands[k + 1 :]), operands[k])


def einsum_back(mine, others, shape):
    """The product that collects the letters `mine`; letters found nowhere else were summed."""
    seen = set("".join(others))
    spec = ",".join(others) + "->" + "".join(c for c in mine if c in seen)
    alone = tuple(i for i, c in enumerate(mine) if c not in seen)

    def back(*arrays):
        g = np.einsum(spec, *arrays)
        if not alone:
            return g
        sizes = iter(np.shape(g))
        return spread(
            g, tuple(shape[i] if i in alone else next(sizes) for i in range(len(mine))), alone
        )

    return back


defvjp_argnum(np.einsum, of_einsum)


# ---- Solving ----


def of_matrix(ans, a, b):
    """The gradient of x = solve(a, b) in a: -s x', where s = solve(a', g)."""
    if np.ndim(b) == 1:  # one vector, whatever the batch axes of a, so the answer is (..., N)
        return lambda g: gather(-solved(a, g)[..., None] * ans[..., None, :], a)
    return lambda g: gather(-np.linalg.solve(T(a), g) @ T(ans), a)


def of_right_side(ans, a, b):
    """The gradient of x = solve(a, b) in b: solve(a', g)."""
    if np.ndim(b) == 1:
        return lambda g: gather(solved(a, g), b)
    return lambda g: gather(np.linalg.solve(T(a), g), b)


def solved(a, g):
    """a'^-1 g for vectors g (..., N)."""
    return np.linalg.solve(T(a), g[..., None])[..., 0]


def lower(a):
    """The lower triangle of a, with half its diagonal."""
    return 0.5 * (np.tril(a) + np.tril(a, -1))


def of_cholesky(L, a):
    """The gradient of L, a = L L', in a: symmetric, because a is taken to be."""

    def vjp(g):
        half = np.linalg.solve(T(L), lower(T(L) @ g))
        s = np.linalg.solve(T(L), T(half))
        return 0.5 * (s + T(s))

    return vjp


defvjp(np.linalg.solve, of_matrix, of_right_side)
defvjp(np.linalg.cholesky, of_cholesky)
defvjp(np.linalg.inv, lambda ans, a: lambda g: -(T(ans) @ g @ T(ans)))


# ---- Diagonals ----


def identity(a, shape, offset=0):
    """An identity matrix where a lives, of the dtype of a."""
    return numpy.eye(*shape, offset, dtype=np.result_type(a), like=getval(a))


def of_diagonal(ans, a, offset=0, axis1=0, axis2=1):
    """The gradient of the diagonal: g on the diagonal of zeros."""
    last = {axis1 % np.ndim(a), axis2 % np.ndim(a)} == {np.ndim(a) - 2, np.ndim(a) - 1}
    shape = np.shape(a)[-2:]
    if offset or not last or shape[0] != shape[1]:
        raise NotImplementedError(
            "np.diagonal has a gradient for the main diagonal of square "
            "matrices in the last two axes."
        )
    return lambda g: np.expand_dims(g, -1) * identity(a, shape)


def of_trace(ans, a, offset=0):
    """The gradient of the sum of the diagonal of the first two axes: g all along it."""
    shape = np.shape(a)[:2]
    axes = shape + (1,) * (np.ndim(a) - 2)
    return lambda g: np.reshape(identity(a, shape, offset), axes) * g


defvjp(np.diagonal, of_diagonal)
defvjp(np.trace, of_trace)
