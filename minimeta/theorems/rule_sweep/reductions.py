"""Forms of the functions that take many elements to few, and of running ones."""

from minimeta.theorems.rule_sweep.text import read

AXES = """A | A, 0 | A, -1 | A, None | B, axis=1 | B, axis=-2 | B, axis=(0, 2) | B, axis=(-1, 0)
    | B, (0, 1, 2) | B, () | A, axis=0, keepdims=True | B, axis=(0, -1), keepdims=True
    | A, keepdims=True | u | u, axis=0 | one, axis=(0, 1) | row, axis=1 | v, axis=(0,) | a=A
    | [s, t, s * t] | [A, C] | [A, C], 0"""
AXES = [form.strip() for form in AXES.split("|")]
GENERATED = {
    name: [f"np.{name}({form})" for form in AXES]
    for name in "sum mean prod var std max min amax amin".split()
}

MORE = """
sum: np.sum(s) | np.sum(s, keepdims=True) | np.sum(A, 0, None, None, True) |
    np.sum(B, (0, 2), None, None, True) | np.sum(A, None, None, None, False) | np.sum([1.0, s]) |
    np.sum((v, v * s)) | np.sum(A, dtype=float) | np.sum(A, 0, float) | A.sum() | A.sum(0) |
    A.sum(axis=1, keepdims=True) | np.sum(E) | np.sum(E, axis=0) | np.sum(E, axis=1)
mean: np.mean(s) | np.mean(s, keepdims=True) | np.mean(A, 0, None, None, True) |
    np.mean(B, (0, 2), None, None, True) | np.mean(A, None, None, None, False) |
    np.mean([1.0, s]) | np.mean((v, v * s)) | np.mean(A, dtype=float) | np.mean(A, 0, float) |
    A.mean() | A.mean(0) | A.mean(axis=1, keepdims=True)
prod: np.prod(s) | np.prod(s, keepdims=True) | np.prod(A, 0, None, None, True) |
    np.prod(B, (0, 2), None, None, True) | np.prod(A, None, None, None, False) |
    np.prod([1.0, s]) | np.prod((v, v * s)) | np.prod(A, dtype=float) | np.prod(A, 0, float) |
    A.prod() | A.prod(0) | A.prod(axis=1, keepdims=True) | np.prod(E) | np.prod(E, axis=0) |
    np.prod(z) | np.prod(one_zero) | np.prod(two_zeros) | np.prod(zeros_in_A) |
    np.prod(zeros_in_A, 0) | np.prod(zeros_in_A, axis=1, keepdims=True) | np.prod(z, axis=0) |
    np.prod(zeros_in_A, axis=(0, 1)) | one_zero.prod() | np.prod(one_zero * v3)
var: np.var(s) | np.var(s, keepdims=True) | np.var(A, 0, None, None, 1) |
    np.var(A, 0, None, None, 1, True) | np.var(A, axis=0, ddof=1) | np.var(B, (0, 2), ddof=1) |
    np.var(A, axis=1, ddof=0.5, keepdims=True) | np.var(A, ddof=1) | np.var(A, correction=1) |
    A.var(0) | A.var(ddof=1)
std: np.std(A, 0, None, None, 1) | np.std(A, 0, None, None, 1, True) | np.std(A, axis=0, ddof=1) |
    np.std(B, (0, 2), ddof=1) | np.std(A, axis=1, ddof=0.5, keepdims=True) | np.std(A, ddof=1) |
    np.std(A, correction=1) | A.std(0) | A.std(ddof=1)
max: np.max(s) | np.max(s, keepdims=True) | np.max(A, 0, None, True) | np.max([s, t]) | A.max() |
    A.max(0) | A.max(axis=1, keepdims=True)
min: np.min(s) | np.min(s, keepdims=True) | np.min(A, 0, None, True) | np.min([s, t]) | A.min() |
    A.min(-1)
amax: np.amax(s) | np.amax(s, keepdims=True) | np.amax(A, 0, None, True) | np.amax([s, t])
amin: np.amin(s) | np.amin(s, keepdims=True) | np.amin(A, 0, None, True) | np.amin([s, t])
cumsum: np.cumsum(A) | np.cumsum(A, 0) | np.cumsum(A, axis=1) | np.cumsum(B, -1) | np.cumsum(v) |
    np.cumsum(B) | np.cumsum(B, axis=-2) | A.cumsum(0) | A.cumsum() | np.cumsum(s) |
    np.cumsum(E) | np.cumsum(A, axis=1, dtype=float) | np.cumsum(A, None) | np.cumsum(E, axis=0) |
    np.cumsum(u, 0)
diff: np.diff(A) | np.diff(A, axis=0) | np.diff(v) | np.diff(A, 2) | np.diff(A, n=3) |
    np.diff(B, 1, 1) | np.diff(A, 0) | np.diff(B, axis=-2) | np.diff(u) | np.diff(A, 2, 0) |
    np.diff(v, n=4)
gradient: np.gradient(w) | np.gradient(W, axis=0) | np.gradient(W, axis=-1) |
    np.stack(np.gradient(W)) | np.stack(np.gradient(W, axis=(1, 0))) | np.gradient(B2, axis=1) |
    np.gradient(v3) | np.gradient(u2) | np.gradient(v) | np.gradient(w, axis=(0,)) |
    np.stack(np.gradient(A)) | np.stack(np.gradient(B)) | np.gradient(A, axis=0)
"""

FORMS = dict(GENERATED)
for _name, _forms in read(MORE).items():
    FORMS[_name] = FORMS.get(_name, []) + _forms
