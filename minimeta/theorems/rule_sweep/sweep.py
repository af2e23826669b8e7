"""What a form is called with, and how its derivatives are held against differences."""

import functools
import math
from typing import NamedTuple

import numpy
from autograd.core import make_jvp

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.theorems.rule_sweep.arrangements import FORMS as ARRANGEMENTS
from minimeta.theorems.rule_sweep.elementwise import FORMS as ELEMENTWISE
from minimeta.theorems.rule_sweep.linalg import FORMS as LINALG
from minimeta.theorems.rule_sweep.products import FORMS as PRODUCTS
from minimeta.theorems.rule_sweep.reductions import FORMS as REDUCTIONS

FORMS = ELEMENTWISE | REDUCTIONS | ARRANGEMENTS | PRODUCTS | LINALG  # {function: forms of a call}
FORMS = {name: list(dict.fromkeys(forms)) for name, forms in FORMS.items()}

STEP = 2.0**-9  # differences of order six: truncation and rounding are both near 1e-12 there
WEIGHTS = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60))  # f' = sum of w (f(kh) - f(-kh)) / h + O(h^6)
TOLERANCE = 1e-9


class Row(NamedTuple):
    """One form of one function: how far its derivatives are from differences."""

    name: str
    form: str
    first: float
    second: float
    forward: float  # zero where there is no forward rule

    @property
    def holds(self):
        return all(error <= TOLERANCE for error in self[2:])  # False for NaN


# ---- What a form may use ----


@functools.cache
def stock():
    """The arrays that a form is differentiated in, by the names it uses."""
    rng = numpy.random.default_rng(0)
    shapes = dict(A=(3, 4), C=(3, 4), B=(2, 3, 4), B5=(5, 2, 3, 4), B2=(2, 7, 2), B3=(2, 3, 3))
    shapes |= dict(M=(4, 2), N=(2, 4, 3), T=(3, 2), v=4, w=5, u=1, u2=2, v3=3, u3=3, v3b=3)
    shapes |= dict(s=(), t=(), col=(3, 1), row=(1, 4), one=(1, 1), E=(0, 4), S=(3, 3), S4=(2, 4))
    shapes |= dict(Q=(2, 3, 3), A3=(3, 3), W=(6, 7), cube=(3, 3, 3), one14=(1, 2), B22=(2, 2, 3))
    shapes |= dict(B1=(1, 3, 4), N1=(1, 4, 3), two=(2, 2), G=(3, 3), Gb=(2, 3, 3), G6=(6, 6))
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    for name, shape in dict(P=(3, 4), p=(), Pb=(2, 3, 4), Y=(3, 4), y=()).items():
        arrays[name] = numpy.asarray((0.8 if name in "Yy" else 0.3) + rng.uniform(size=shape))
    arrays |= {name: rng.uniform(-0.8, 0.8, size=n) for name, n in dict(F=(3, 4), f=5).items()}
    for name in ("G", "Gb", "G6"):
        arrays[name] = arrays[name] + 3 * numpy.eye(arrays[name].shape[-1])
    half = rng.normal(size=(3, 3, 3))
    spd = half @ half.swapaxes(-1, -2) + numpy.diag([1.0, 2.0, 4.0])
    return arrays | {"H": spd[0], "Hb": spd[1:]} | special(arrays)


def special(arrays):
    """Arrays at which a formula may divide zero by zero, though the derivative exists."""
    zeros, singular = arrays["A"].copy(), arrays["G"].copy()
    zeros[0, 1] = zeros[1, 1] = zeros[2, 3] = 0.0
    singular[2] = singular[0] + singular[1]
    halves = numpy.arange(12).reshape(3, 4) % 3 + 0.5  # quotients in the middle of their steps
    return {
        "z": numpy.zeros((3, 4)),
        "z3": numpy.zeros((3, 3)),
        "one_zero": numpy.array([0.0, 2.0, 3.0]),
        "two_zeros": numpy.array([0.0, 2.0, 0.0]),
        "zeros_in_A": zeros,
        "singular": singular,
        "rank_one": numpy.outer(singular[0], singular[1]),
        "X": arrays["Y"] * halves,
        "x": arrays["y"] * 1.5,
    }


@functools.cache
def constants():
    """What a form may use beside the arrays that it is differentiated in."""
    return {
        "np": np,
        "numpy": numpy,
        "integers": numpy.arange(12).reshape(3, 4) % 4,
        "mask": numpy.arange(12).reshape(3, 4) % 3 == 1,
        "rows": numpy.array([0, 0, 1]),
        "columns": numpy.array([2, 2, 3]),
        "lower": stock()["A"] + numpy.resize([-0.5, 0.5, -1.5], (3, 4)),
        "identity": numpy.eye(3),
        "sym": lambda a: (a + np.swapaxes(a, -1, -2)) / 2,
    }


def function_of(form):
    """(f, arrays): the form as a function of the list of the stock's arrays that it names."""
    code = compile(form, form, "eval")
    names = [name for name in stock() if name in code_names(code)]
    f = lambda arrays: eval(code, constants() | dict(zip(names, arrays)))
    return f, [stock()[name] for name in names]


def code_names(code):
    """The names that compiled code uses, those inside its comprehensions too."""
    inner = [code_names(c) for c in code.co_consts if hasattr(c, "co_names")]
    return set(code.co_names).union(*inner)


# ---- The check ----


def weigh(f):
    """A scalar of f that depends on every element in a way of its own, and not linearly."""

    def total(arrays):
        y = f(arrays)
        parts = [np.real(y), np.imag(y)] if np.iscomplexobj(y) else [y]
        return sum(weighted_sum(part, 1.0 + k) for k, part in enumerate(parts))

    return total


def weighted_sum(y, phase):
    """The sum of w y + v y^2 / 2 with weights w, v that are never zero."""
    where = numpy.arange(math.prod(np.shape(y))).reshape(np.shape(y))
    w, v = 1.5 + numpy.cos(phase + where), 1.5 + numpy.sin(phase + 3 * where)
    return np.sum((w + v / 2 * y) * y)


def derivative(f, arrays, direction):
    """(d/dt) f(arrays + t direction) at t = 0 by differences of order six."""
    at = lambda t: f([a + t * d for a, d in zip(arrays, direction)])
    return sum(w * (at(k * STEP) - at(-k * STEP)) for k, w in WEIGHTS) / STEP


def row(name, form):
    """The form's row of the table; AssertionError where a gradient is not like its array."""
    f, arrays = function_of(form)
    rng, total = numpy.random.default_rng(0), weigh(f)
    draw = lambda a: rng.uniform(0.2, 1.0, a.shape) * rng.choice([-1, 1], a.shape)
    d, e = ([draw(a) for a in arrays] for _ in range(2))
    along = lambda arrays: inner(grad(total)(arrays), e)
    gradient = grad(total)(arrays)
    check_like(gradient, arrays)
    found = [inner(gradient, d), inner(grad(along)(arrays), d)]
    wanted = [derivative(total, arrays, d), derivative(along, arrays, d)]
    pushed = forward(total, arrays, d)
    if pushed is not None:
        found, wanted = [*found, pushed], [*wanted, wanted[0]]
    errors = [float(abs(x - y) / (1 + abs(y))) for x, y in zip(found, wanted)]
    return Row(name, form, *errors, *[0.0] * (3 - len(errors)))


def forward(total, arrays, direction):
    """The derivative along a direction by the forward rules; None where one is missing."""
    at = lambda t: total([a + t * d for a, d in zip(arrays, direction)])
    try:
        return make_jvp(at, 0.0)(1.0)[1]
    except NotImplementedError:
        return None


def inner(arrays, others):
    """The sum of the products of all elements."""
    return sum(np.sum(a * b) for a, b in zip(arrays, others))


def check_like(gradient, arrays):
    """Raise AssertionError where a gradient has another shape or dtype than its array."""
    for g, a in zip(gradient, arrays):
        assert numpy.shape(g) == a.shape, f"gradient of shape {numpy.shape(g)} for {a.shape}"
        assert numpy.result_type(g) == a.dtype, f"gradient of {numpy.result_type(g)} for {a.dtype}"


def kink_errors(form, x, first, second):
    """How far the gradient of the sum and its derivative along ones are from what is promised."""
    code, x = compile(form, form, "eval"), numpy.asarray(x, float)
    total = lambda x: np.sum(eval(code, constants() | {"x": x}))
    worst = [numpy.max(numpy.abs(grad(total)(x) - first))]
    if second is not None:
        worst.append(numpy.max(numpy.abs(grad(lambda x: np.sum(grad(total)(x)))(x) - second)))
    return [float(error) for error in worst]
