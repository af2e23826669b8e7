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
from autograd.numpy.numpy_vjps import matmul_vjp_0, matmul_vjp_1
from autograd.tracer import getval

from minimeta.core.backend.rules import gather, install


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


def axes_of_sum(a, b, axes):
    """The axes of a and of b that np.tensordot(a, b, axes) sums over, as two lists."""
    if numpy.ndim(axes) == 0:
        n = int(axes)
        return [*range(np.ndim(a) - n, np.ndim(a))], [*range(n)]
    each = [numpy.ravel(numpy.asarray(some, int)).tolist() for some in axes]
    return [[i % np.ndim(x) for i in some] for x, some in zip((a, b), each)]


def of_tensordot(argnum):
    """The gradient in one factor: g times the other over the axes that it kept."""

    def vjp(ans, a, b, axes=2):
        sums = axes_of_sum(a, b, axes)
        free = [[i for i in range(np.ndim(x)) if i not in s] for x, s in zip((a, b), sums)]
        mine, other = sums if argnum == 0 else sums[::-1]
        rest = [mine[other.index(i)] for i in sorted(other)]
        first, n = len(free[0]), np.ndim(ans)

        def back(g):
            if argnum == 0:
                found, places = np.tensordot(g, b, ([*range(first, n)], free[1])), free[0] + rest
            else:
                found, places = np.tensordot(a, g, (free[0], [*range(first)])), rest + free[1]
            order = [places.index(i) for i in range(len(places))]
            return gather(np.transpose(found, order), (a, b)[argnum])

        return back

    return vjp


def of_dot(argnum):
    """np.dot is np.matmul except for scalars and for more than two axes."""
    plain, tensors = (of_left, of_right)[argnum], of_tensordot(argnum)

    def vjp(ans, a, b):
        dimensions = np.ndim(a), np.ndim(b)
        if max(dimensions) <= 2 and min(dimensions) > 0:
            return plain(ans, a, b)
        if min(dimensions) == 0:
            return lambda g: gather(g * (a, b)[1 - argnum], (a, b)[argnum])
        return tensors(ans, a, b, ([np.ndim(a) - 1], [max(0, np.ndim(b) - 2)]))

    return vjp


def of_inner(argnum):
    """np.inner sums over the last axes; a scalar multiplies."""
    tensors = of_tensordot(argnum)

    def vjp(ans, a, b):
        if 0 in (np.ndim(a), np.ndim(b)):
            return lambda g: gather(g * (a, b)[1 - argnum], (a, b)[argnum])
        return tensors(ans, a, b, ([np.ndim(a) - 1], [np.ndim(b) - 1]))

    return vjp


def of_kron(argnum):
    """Each axis of g is an axis of a and, faster, one of b; sum over those of the other."""

    def vjp(ans, a, b):
        axes = max(np.ndim(a), np.ndim(b))
        full = [(1,) * (axes - np.ndim(x)) + np.shape(x) for x in (a, b)]
        split = tuple(n for pair in zip(*full) for n in pair)
        other = np.reshape((a, b)[1 - argnum], full[1 - argnum])
        over = [*range(1 - argnum, 2 * axes, 2)]

        def back(g):
            found = np.tensordot(np.reshape(g, split), other, (over, [*range(axes)]))
            return gather(np.reshape(found, np.shape((a, b)[argnum])), (a, b)[argnum])

        return back

    return vjp


def of_outer(argnum):
    """np.outer takes both arguments as vectors."""

    def vjp(ans, a, b):
        x, other = (a, b)[argnum], np.ravel((a, b)[1 - argnum])
        along = (lambda g: g @ other) if argnum == 0 else (lambda g: other @ g)
        return lambda g: np.reshape(gather(along(g), np.ravel(x)), np.shape(x))

    return vjp


def of_cross(argnum):
    """The gradient of a x b is b x g in a and g x a in b."""

    def vjp(ans, a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
        axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
        if (np.shape(a)[axisa], np.shape(b)[axisb]) != (3, 3):
            raise NotImplementedError(
                f"np.cross has a gradient for vectors of length 3, not for shapes {np.shape(a)} "
                f"and {np.shape(b)}; write a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]."
            )
        u, v = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
        back = lambda g: np.cross(v, g) if argnum == 0 else np.cross(g, u)
        x, place = ((u, axisa), (v, axisb))[argnum]
        return lambda g: np.moveaxis(gather(back(np.moveaxis(g, axisc, -1)), x), -1, place)

    return vjp


of_left, of_right = of_matmul(left_factor, matmul_vjp_0), of_matmul(right_factor, matmul_vjp_1)
install(np.matmul, of_left, of_right, forward=False)
for _product, _rule in {
    np.dot: of_dot, np.inner: of_inner, np.outer: of_outer, np.kron: of_kron,
    np.tensordot: of_tensordot, np.cross: of_cross,
}.items():  # fmt: skip
    install(_product, _rule(0), _rule(1), forward=False)


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


install(np.linalg.solve, of_matrix, of_right_side)
install(np.linalg.cholesky, of_cholesky)
install(np.linalg.inv, lambda ans, a: lambda g: -(T(ans) @ g @ T(ans)))
