"""Forms of the elementwise functions; `stock` says what the arrays are."""

from minimeta.theorems.rule_sweep.text import read

UNARY = """negative positive abs absolute fabs exp exp2 expm1 sin cos sinh cosh tanh arctan arcsinh
    rad2deg degrees deg2rad radians square sinc conj conjugate nan_to_num real real_if_close"""
GENERATED = {name: [f"np.{name}({x})" for x in "A s u B E".split()] for name in UNARY.split()}
GENERATED |= {  # of positive numbers, and of numbers between -1 and 1
    name: [f"np.{name}({x})" for x in "P p Pb".split()]
    for name in "log log2 log10 log1p sqrt reciprocal cbrt".split()
}
GENERATED |= {
    name: [f"np.{name}({x})" for x in "F f".split()] for name in "arcsin arccos arctanh".split()
}
PAIRS = """A, C | A, v | v, A | A, s | s, A | A, col | col, v | s, t | B, 0.3 * A | E, row | A, 1.5
    | 2, A | A, A"""
PAIRS = [pair.strip() for pair in PAIRS.split("|")]
GENERATED |= {
    name: [f"np.{name}({pair})" for pair in PAIRS]
    for name in "add subtract multiply maximum minimum fmax fmin logaddexp logaddexp2".split()
}
QUOTIENTS = [f"{x}, {y}" for x in ("A", "v", "s", "1.5") for y in ("P", "p")]
GENERATED |= {
    name: [f"np.{name}({x})" for x in [*QUOTIENTS, "P, P", "col, P", "P, 2", "E, p"]]
    for name in "divide true_divide arctan2 hypot".split()
}
GENERATED |= {  # constant between their steps
    name: [f"np.{name}({x}) * {x}" for x in ("A", "s", "E")]
    for name in "floor ceil trunc rint round fix around sign".split()
}

MORE = """
negative: -A
abs: abs(A) | np.abs(A + 1j * C) | np.abs(1j * A)
exp: np.exp(A - 800)
tan: np.tan(F) | np.tan(s) | np.tan(B / 4) | np.tan(E)
tanh: np.tanh(A + 400)
sinc: np.sinc(z) | np.sinc(A / 100) | np.sinc(1e-9 * A) | np.sinc(2 * A)
conj: np.real(np.conj(A + 1j * C) * (A - 2j) * C)
real: np.real((A + 1j * C) ** 2) | np.real(np.exp(1j * A))
arccosh: np.arccosh(P + 1) | np.arccosh(p + 1)
add: A + v | v + A | A + 1 | 1 + A | A + 1j | A + integers
subtract: A - v | v - A | 1 - A | A - A
multiply: A * v | A * A | 2 * A | A * integers | A * 1j | z * A
logaddexp: np.logaddexp(A, -numpy.inf) | np.logaddexp(-numpy.inf, A) | np.logaddexp(A, A + 1000) |
    np.logaddexp(A, A - 1000)
logaddexp2: np.logaddexp2(A, -numpy.inf) | np.logaddexp2(A, A + 2000)
divide: A / P | 1 / P | A / 2 | z / P | A / (P + 1j * s)
arctan2: np.arctan2(z, P) | np.arctan2(A, -P)
hypot: np.hypot(z, P) | np.hypot(p, z)
power: np.power(P, A) | P ** v | P ** A | p ** A | P ** s | p ** s | P ** z | P ** P | A ** 0 |
    A ** 1 | A ** 2 | A ** 3 | A ** 2.0 | P ** -1 | P ** 1.5 | P ** -0.5 | 2 ** A | 2.0 ** A |
    1 ** A | z ** 1 | z ** 2 | z ** 3 | z ** 0 | A ** integers | z ** integers | E ** 2 |
    A ** numpy.float64(2.0) | P ** row
clip: np.clip(A, -0.5, 0.5) | np.clip(A, None, 0.5) | np.clip(A, -0.5, None) | A.clip(-0.5, 1) |
    A.clip(-0.5) | A.clip(max=0.5) |
    np.clip(A, a_min=-0.5, a_max=0.5) | np.clip(A, lower, 2.0) | np.clip(A, lower, lower + 1) |
    np.clip(s, -9, 9) | np.clip(s, 0.5, 1.0) | np.clip(E, 0, 1) | np.clip(A, v, 3.0) |
    np.clip(A, C, C + 1) | np.clip(A, -9.0, v) | np.clip(A, s, s + 0.5) | np.clip(0.1, s, 9.0) |
    np.clip(A, 1.0, -1.0) | np.clip(A, v + 1, v - 1)
where: np.where(A > 0, A, C) | np.where(mask, A, v) | np.where(mask, v, A) |
    np.where(mask, s, t) | np.where(mask, A, 0.0) | np.where(mask, 1.0, A) |
    np.where(mask, 0, A) | np.where(True, A, C) | np.where(False, s, t) |
    np.where(mask, col, row) | np.where(mask, x=A, y=C) |
    np.where(numpy.array([True, False]), [s, t], u2) | np.where(mask, A, A)
imag: np.imag((A + 1j * C) ** 2) | np.imag(A) | np.imag(np.exp(1j * A)) | np.imag(s)
angle: np.angle(A + 1j * C) | np.angle(P) | np.angle(P + 1j * s) |
    np.angle(A + 1j * C, deg=True) | np.angle(A + 1j * C, True) | np.angle(A)
mod: np.mod(X, Y) | np.mod(-X, Y) | np.mod(X, -Y) | np.mod(x, y) |
    np.mod(X, Y * numpy.ones((2, 3, 4))) | np.mod(X[0], Y[0]) | np.mod(E, y) | X % 1.0 | X % Y |
    numpy.array(7.5) % y
remainder: np.remainder(X, Y) | np.remainder(-X, Y) | np.remainder(X, -Y) | np.remainder(x, y) |
    np.remainder(X, Y * numpy.ones((2, 3, 4))) | np.remainder(X[0], Y[0]) | np.remainder(E, y) |
    X % 1.0 | X % Y | numpy.array(7.5) % y
floor_divide: np.floor_divide(X, Y) * X | X // Y * Y | 7.5 // y * y
zeros_like: np.zeros_like(A) * A
astype: A.astype(float) | A.astype('float64') | A.astype(numpy.float64) | A.astype(dtype=float) |
    A.astype(int) * A | A.astype('int32') * A | A.astype(bool) * A | np.real(A.astype(complex)) |
    np.astype(A, float) | np.astype(A, int) * A | A.astype(float, copy=False) |
    s.astype(int) * s | np.astype(A, bool) * A | A.astype('uint8') * A | np.asarray(A, int) * A |
    np.array(A, float)
"""

FORMS = dict(GENERATED)
for _name, _forms in read(MORE).items():
    FORMS[_name] = FORMS.get(_name, []) + _forms
