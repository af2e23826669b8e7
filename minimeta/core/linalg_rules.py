"""Gradient rules of products and linear algebra, in the manner of `minimeta.core.rules`.

Batch axes come first; `solve` wants them equal in both arguments where the device does (CuPy).

Sources: Giles 2008, "Collected matrix derivative results" (inv, solve); Murray 2016,
arXiv:1602.07527 (cholesky).
"""

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, defvjp_argnum
from autograd.numpy.numpy_vjps import (
    dot_vjp_0,
    dot_vjp_1,
    grad_einsum,
    match_complex,
    matmul_vjp_0,
    matmul_vjp_1,
)
from autograd.tracer import getval

from minimeta.core.rules import gatherer, spread


def T(a):
    return np.swapaxes(a, -1, -2)


def product(f, left, right):
    """Give f(x, y), a matrix product, its gradients; vectors and scalars are left to autograd."""

    def of_x(ans, x, y):
        if np.ndim(x) < 2 or np.ndim(y) < 2:
            return left(ans, x, y)
        gather = gatherer(x)
        return lambda g: gather(g @ T(y))

    def of_y(ans, x, y):
        if np.ndim(x) < 2 or np.ndim(y) < 2:
            return right(ans, x, y)
        gather = gatherer(y)
        return lambda g: gather(T(x) @ g)

    defvjp(f, of_x, of_y)


product(np.matmul, matmul_vjp_0, matmul_vjp_1)


# Solving.


def solve_a(ans, a, b):
    gather, vector = gatherer(a), np.ndim(b) == 1

    def vjp(g):
        g, x = (g[..., None], ans[..., None]) if vector else (g, ans)
        return gather(-np.linalg.solve(T(a), g) @ T(x))

    return vjp


def solve_b(ans, a, b):
    gather, vector = gatherer(b), np.ndim(b) == 1

    def vjp(g):
        if vector:
            return gather(np.linalg.solve(T(a), g[..., None])[..., 0])
        return gather(np.linalg.solve(T(a), g))

    return vjp


def lower(a):
    """The lower triangle with half the diagonal."""
    return 0.5 * (np.tril(a) + np.tril(a, -1))


def of_cholesky(L, a):
    def vjp(g):
        half = np.linalg.solve(T(L), lower(T(L) @ g))
        S = np.linalg.solve(T(L), T(half))
        return 0.5 * (S + T(S))

    return vjp


defvjp(np.linalg.solve, solve_a, solve_b)
defvjp(np.linalg.cholesky, of_cholesky)
defvjp(np.linalg.inv, lambda ans, a: lambda g: -(T(ans) @ g @ T(ans)))


# Diagonals.


def identity(rows, columns, g):
    return numpy.eye(rows, columns, dtype=np.result_type(g), like=getval(g))


def of_diagonal(ans, a, offset=0, axis1=0, axis2=1):
    shape = np.shape(a)
    last = {axis1 % len(shape), axis2 % len(shape)} == {len(shape) - 2, len(shape) - 1}
    if offset or not last or shape[-1] != shape[-2]:
        raise NotImplementedError("diagonal: only the main one of square matrices in the last axes")
    return lambda g: np.expand_dims(g, -1) * identity(*shape[-2:], g)


def of_trace(ans, a, offset=0):
    rows, columns, *rest = np.shape(a)

    def vjp(g):
        ones = numpy.eye(rows, columns, offset, dtype=np.result_type(g), like=getval(g))
        return np.reshape(ones, (rows, columns) + (1,) * len(rest)) * g

    return vjp


defvjp(np.diagonal, of_diagonal)
defvjp(np.trace, of_trace)


# Einstein sums.


def of_einsum(argnum, ans, args, kwargs):
    """Swap the output with the operand; letters found nowhere else were summed, so spread them."""
    if not isinstance(args[0], str):
        return grad_einsum(argnum, ans, args, kwargs)
    operands, k = args[1:], argnum - 1
    shapes = [numpy.broadcast_to(0.0, np.shape(a)) for a in operands]
    letters, out, _ = np.parse_einsum_input(args[0], *shapes)
    letters = letters.split(",")
    mine, rest = letters.pop(k), operands[:k] + operands[k + 1 :]
    return einsum_back(operands[k], mine, [out, *letters], rest)


def einsum_back(operand, mine, others, rest):
    gather, shape = gatherer(operand), np.shape(operand)
    seen = set("".join(others))
    spec = ",".join(others) + "->" + "".join(c for c in mine if c in seen)
    alone = tuple(i for i, c in enumerate(mine) if c not in seen)

    def vjp(g):
        back = np.einsum(spec, g, *rest)
        if alone:
            sizes = iter(np.shape(back))
            full = [shape[i] if i in alone else next(sizes) for i in range(len(mine))]
            back = spread(back, tuple(full), alone)
        return match_complex(operand, gather(back))

    return vjp


defvjp_argnum(np.einsum, of_einsum)
