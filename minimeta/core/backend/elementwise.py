"""Gradient rules of elementwise functions, in the manner of `rules`.

A rule of one argument is (g, ans, x) -> gradient and serves forward too; a rule of two arguments is
(ans, x, y) -> (g -> gradient), gathered to the shape of its argument afterwards.
"""

import math

import autograd.numpy as np
import numpy
from autograd.extend import defjvp, defvjp, defvjp_argnums
from autograd.numpy.numpy_vjps import match_complex
from autograd.tracer import trace_primitives_map

from minimeta.core.backend.rules import gather, install, refuse

# ---- Functions of two arguments, which broadcast ----


def refuse_options(f, options):
    """Raise NotImplementedError: an elementwise function has no gradient with these options."""
    refuse(f, [f"{name}=" for name in options] or ["an output array"])


def binary(f, left, right, forward=True):
    """Give f(x, y) the gradients left(ans, x, y)(g) and right(ans, x, y)(g), then gathered."""
    rules = left, right

    def vjps(argnums, ans, args, options):
        if options or len(args) > 2:
            refuse_options(f, options)
        x, y = args
        if len(argnums) == 1:
            target, along = args[argnums[0]], rules[argnums[0]](ans, x, y)
            return lambda g: (gather(along(g), target),)
        to_x, to_y = left(ans, x, y), right(ans, x, y)
        return lambda g: (gather(to_x(g), x), gather(to_y(g), y))

    defvjp_argnums(f, vjps)
    if forward:
        push = lambda rule: lambda g, ans, x, y: np.broadcast_to(rule(ans, x, y)(g), np.shape(ans))
        defjvp(f, push(left), push(right))


def share(x, ans, y):
    """The constant that is 1 where x was chosen over y, 1/2 where they tie and 0 elsewhere."""
    dtype = np.result_type(ans)
    return np.subtract(x == ans, np.multiply(x == y, 0.5, dtype=dtype), dtype=dtype)


def base_of_power(ans, x, y):
    """y x^(y-1), which is 0 for y = 0 even at x = 0."""
    if isinstance(y, (int, float)):
        return lambda g: g * (2 * x) if y == 2 else g * (y * x ** (y - 1 if y else 1))
    return lambda g: g * (y * np.where((x == 0) & (y == 0), 1.0, x) ** (y - 1))


def exponent_of_power(ans, x, y):
    """log(x) x^y, which is 0 at x = 0."""
    if isinstance(x, (int, float)):
        return lambda g: g * (float(numpy.log(x or 1)) * ans)
    return lambda g: g * (np.log(np.where(x == 0, 1.0, x)) * ans)


def share_of_sum(function, of_half):
    """exp(x - ans) for ans = log(exp(x) + exp(y)), also where both of them are infinite.

    of_half: the difference x - ans where x = y.
    """

    def weight(x, ans, y):
        infinite = np.isinf(ans) & (x == ans)
        both = infinite & (x == y)
        finite = np.where(both, of_half, np.where(infinite, 0.0, x))
        return function(finite - np.where(infinite, 0.0, ans))

    return weight


def toward(x, ans):
    """x / ans, the direction of a norm: zero at the origin, and so are all its derivatives."""
    here = np.where(ans == 0, 0.0, x)
    return here / np.where(ans == 0, 1.0, ans)


for _add in (np.add, np.subtract):
    _sign = -1 if _add is np.subtract else 1
    binary(
        _add,
        lambda ans, x, y: lambda g: g,
        lambda ans, x, y, sign=_sign: lambda g: g if sign == 1 else -g,
        forward=False,
    )
binary(
    np.multiply,
    lambda ans, x, y: lambda g: g * y,
    lambda ans, x, y: lambda g: g * x,
    forward=False,
)
binary(np.divide, lambda ans, x, y: lambda g: g / y, lambda ans, x, y: lambda g: -g * ans / y)
binary(np.power, base_of_power, exponent_of_power)
binary(
    np.mod,
    lambda ans, x, y: lambda g: g,
    lambda ans, x, y: lambda g: -g * np.floor_divide(x, y),
)
binary(
    np.hypot,
    lambda ans, x, y: lambda g: g * toward(x, ans),
    lambda ans, x, y: lambda g: g * toward(y, ans),
)
binary(
    np.arctan2,
    lambda ans, x, y: lambda g: g * (y / np.hypot(x, y) / np.hypot(x, y)),
    lambda ans, x, y: lambda g: -g * (x / np.hypot(x, y) / np.hypot(x, y)),
)
for _log, _weight in {
    np.logaddexp: share_of_sum(np.exp, -math.log(2)),
    np.logaddexp2: share_of_sum(np.exp2, -1.0),
}.items():
    binary(
        _log,
        lambda ans, x, y, weight=_weight: lambda g: g * weight(x, ans, y),
        lambda ans, x, y, weight=_weight: lambda g: g * weight(y, ans, x),
    )
for _choose in (np.maximum, np.minimum, np.fmax, np.fmin):
    binary(
        _choose,
        lambda ans, x, y: lambda g: g * share(x, ans, y),
        lambda ans, x, y: lambda g: g * share(y, ans, x),
    )

where = trace_primitives_map[numpy.where]  # autograd.numpy.where wraps it once more
defvjp(
    where,
    None,
    lambda ans, c, x, y: lambda g: gather(np.where(c, g, 0.0), x),
    lambda ans, c, x, y: lambda g: gather(np.where(c, 0.0, g), y),
)
defjvp(
    where,
    None,
    lambda g, ans, c, x, y: np.where(c, g, 0.0),
    lambda g, ans, c, x, y: np.where(c, 0.0, g),
)


# ---- Functions of one argument ----


def unary(f, rule):
    """Give f(x) the gradient rule(g, ans, x)."""

    def vjps(argnums, ans, args, options):
        if options or len(args) > 1:
            refuse_options(f, options)
        return lambda g: (rule(g, ans, args[0]),)

    defvjp_argnums(f, vjps)
    defjvp(f, rule)


def sinc_derivative(x):
    """(cos(pi x) - sinc(x)) / x, as its power series where that would cancel."""
    small = np.abs(x) < 0.5
    z, far = math.pi * np.where(small, x, 0.0), np.where(small, 1.0, x)
    series = 0.0
    for k in reversed(range(1, SINC_TERMS)):  # of sin(z) / z: (-1)^k z^2k / (2k + 1)!
        series = (series * z * z) + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    return np.where(small, math.pi * series * z, (np.cos(math.pi * far) - np.sinc(far)) / far)


SINC_TERMS = 14  # (pi / 2)^28 / 29! is below 1e-16, and so after a few derivatives
RULES = {
    np.negative: lambda g, ans, x: -g,
    np.positive: lambda g, ans, x: g,
    np.exp: lambda g, ans, x: g * ans,
    np.exp2: lambda g, ans, x: g * (math.log(2) * ans),
    np.expm1: lambda g, ans, x: g * (ans + 1),
    np.log: lambda g, ans, x: g / x,
    np.log2: lambda g, ans, x: g / (math.log(2) * x),
    np.log10: lambda g, ans, x: g / (math.log(10) * x),
    np.log1p: lambda g, ans, x: g / (x + 1),
    np.sqrt: lambda g, ans, x: g * (0.5 / ans),  # autograd's x**-0.5 is slow
    np.cbrt: lambda g, ans, x: g / (3 * ans * ans),
    np.square: lambda g, ans, x: g * (2 * x),
    np.reciprocal: lambda g, ans, x: -g * ans * ans,
    np.sin: lambda g, ans, x: g * np.cos(x),
    np.cos: lambda g, ans, x: -g * np.sin(x),
    np.tan: lambda g, ans, x: g * (1 + ans * ans),
    np.arcsin: lambda g, ans, x: g / np.sqrt(1 - x * x),
    np.arccos: lambda g, ans, x: -g / np.sqrt(1 - x * x),
    np.arctan: lambda g, ans, x: g / (1 + x * x),
    np.sinh: lambda g, ans, x: g * np.cosh(x),
    np.cosh: lambda g, ans, x: g * np.sinh(x),
    np.tanh: lambda g, ans, x: g * (1 - ans * ans),  # cosh(x)**2 overflows at x = 800
    np.arcsinh: lambda g, ans, x: g / np.sqrt(x * x + 1),
    np.arccosh: lambda g, ans, x: g / np.sqrt(x * x - 1),
    np.arctanh: lambda g, ans, x: g / (1 - x * x),
    np.rad2deg: lambda g, ans, x: g * (180 / math.pi),
    np.degrees: lambda g, ans, x: g * (180 / math.pi),
    np.deg2rad: lambda g, ans, x: g * (math.pi / 180),
    np.radians: lambda g, ans, x: g * (math.pi / 180),
    np.sinc: lambda g, ans, x: g * sinc_derivative(x),
    np.fabs: lambda g, ans, x: g * np.sign(x),
    np.conj: lambda g, ans, x: np.conj(g),
}
for _f, _rule in RULES.items():
    unary(_f, _rule)


def of_abs(ans, x):
    """The sign of x, and conj(x) / |x| where x is complex; zero at zero."""
    if np.iscomplexobj(x):
        return lambda g: g * toward(np.conj(x), ans)
    return lambda g: g * np.sign(x)


def of_angle(ans, x, deg=False):
    """The angle of x in the plane: the gradient is perpendicular to x, with length 1 / |x|."""
    unit = 180 / math.pi if deg else 1.0
    if not np.iscomplexobj(x):
        return lambda g: 0.0 * g
    return lambda g: unit * g * np.conj(1j * x) / np.abs(x) ** 2


install(np.abs, of_abs)
install(np.angle, of_angle)
install(np.real_if_close, lambda ans, x, tol=100: lambda g: match_complex(x, g))
