"""What has no gradient says so in one sentence, and names what to write instead.

Importing this module imports every module of rules, and refuses the functions that they leave.
"""

import autograd.numpy as np
from autograd.core import JVPNode, VJPNode, defjvp_argnums, defvjp_argnums, primitive_vjps
from autograd.tracer import notrace_primitives, register_notrace

import minimeta.core.backend.arrangements
import minimeta.core.backend.bounds
import minimeta.core.backend.decompositions
import minimeta.core.backend.diagonals
import minimeta.core.backend.einsum
import minimeta.core.backend.fourier
import minimeta.core.backend.linalg_rules
import minimeta.core.backend.reductions  # noqa: F401  (importing them installs their rules)
from minimeta.core.backend.rules import name_of

INSTEAD = {
    "np.average": "np.sum(w * x) / np.sum(w)",
    "np.block": "np.concatenate",
    "np.broadcast_arrays": "np.broadcast_to",
    "np.choose": "np.select",
    "np.compress": "x[mask]",
    "np.convolve": "np.sum of shifted products",
    "np.copysign": "np.where(y < 0, -np.abs(x), np.abs(x))",
    "np.corrcoef": "the products of x - np.mean(x, axis=-1, keepdims=True)",
    "np.correlate": "np.sum of shifted products",
    "np.cov": "the products of x - np.mean(x, axis=-1, keepdims=True)",
    "np.cumprod": "a loop of products and np.stack",
    "np.cumulative_prod": "a loop of products and np.stack",
    "np.cumulative_sum": "np.cumsum",
    "np.delete": "x[index]",
    "np.diagflat": "np.diag(np.ravel(x))",
    "np.divmod": "x // y and x % y",
    "np.dstack": "np.stack(arrays, axis=-1)",
    "np.ediff1d": "np.diff",
    "np.extract": "x[mask]",
    "np.float_power": "x ** y",
    "np.fmod": "x - y * np.trunc(x / y)",
    "np.heaviside": "np.where(x > 0, 1.0, 0.0)",
    "np.insert": "np.concatenate",
    "np.interp": "y[i] + (x - x[i]) * (y[i + 1] - y[i]) / (x[i + 1] - x[i])",
    "np.ldexp": "x * 2.0 ** n",
    "np.matrix_transpose": "np.swapaxes(x, -1, -2)",
    "np.matvec": "np.einsum('...ij,...j->...i', a, x)",
    "np.median": "the middle of np.sort(x)",
    "np.meshgrid": "np.broadcast_to of x[None, :] and y[:, None]",
    "np.modf": "x - np.trunc(x)",
    "np.nanmax": "np.max(np.where(np.isnan(x), -np.inf, x))",
    "np.nanmean": "np.sum(np.where(mask, x, 0.0)) / np.sum(mask)",
    "np.nanmin": "np.min(np.where(np.isnan(x), np.inf, x))",
    "np.nansum": "np.sum(np.where(np.isnan(x), 0.0, x))",
    "np.percentile": "an element of np.sort(x)",
    "np.piecewise": "np.select",
    "np.polyval": "a sum of p[k] * x ** k",
    "np.ptp": "np.max(x) - np.min(x)",
    "np.quantile": "an element of np.sort(x)",
    "np.resize": "np.tile and a slice",
    "np.take": "x[index], or x[:, index] along axis 1",
    "np.take_along_axis": "x[rows, columns]",
    "np.trapezoid": "np.sum((x[1:] - x[:-1]) * (y[1:] + y[:-1])) / 2",
    "np.unstack": "x[i]",
    "np.vander": "np.stack([x ** k for k in powers], axis=-1)",
    "np.vdot": "np.sum(a * b)",
    "np.vecdot": "np.sum(a * b, axis=-1)",
    "np.vecmat": "np.einsum('...i,...ij->...j', x, a)",
    "np.linalg.cond": "the extremes of np.linalg.svd(a, compute_uv=False)",
    "np.linalg.cross": "np.cross",
    "np.linalg.diagonal": "np.diagonal(a, 0, -2, -1)",
    "np.linalg.eigvals": "np.linalg.eig(a)[0]",
    "np.linalg.eigvalsh": "np.linalg.eigh(a)[0]",
    "np.linalg.lstsq": "np.linalg.solve(a.T @ a, a.T @ b)",
    "np.linalg.matmul": "np.matmul",
    "np.linalg.matrix_norm": "np.linalg.norm(a, axis=(-2, -1))",
    "np.linalg.matrix_power": "a @ a",
    "np.linalg.matrix_transpose": "np.swapaxes(a, -1, -2)",
    "np.linalg.multi_dot": "a @ b @ c",
    "np.linalg.outer": "np.outer",
    "np.linalg.qr": "np.linalg.cholesky(a.T @ a), whose transpose is R up to signs",
    "np.linalg.svdvals": "np.linalg.svd(a, compute_uv=False)",
    "np.linalg.tensordot": "np.tensordot",
    "np.linalg.trace": "np.trace(a, 0, -2, -1)",
    "np.linalg.vecdot": "np.sum(a * b, axis=-1)",
    "np.linalg.vector_norm": "np.linalg.norm",
}
CONSTANT = """digitize iscomplex isin isnat isrealobj lexsort nanargmax nanargmin signbit
    isfortran""".split()  # answers that are no floats


def sentence(name):
    """'np.ptp has no gradient; write np.max(x) - np.min(x).'"""
    if name in INSTEAD:
        return f"{name} has no gradient; write {INSTEAD[name]}."
    return f"{name} has no gradient; write it in functions that have one."


def refuse_function(f):
    """Make the gradient of the primitive f a refusal."""

    def refused(*_):
        raise NotImplementedError(sentence(name_of(f)))

    defvjp_argnums(f, refused)
    defjvp_argnums(f, refused)
    REFUSED.add(f)


def without_rule(room):
    """The primitives of a module of autograd that have no rule and are not constant."""
    for f in [*vars(room).values()]:
        primitive = getattr(f, "_is_autograd_primitive", False)
        if primitive and f not in primitive_vjps and f not in notrace_primitives[VJPNode]:
            yield f


REFUSED = set()
for _name in CONSTANT:
    for _node in (VJPNode, JVPNode):
        register_notrace(_node, vars(np)[_name])
for _room in (np, np.linalg, np.fft):
    for _f in without_rule(_room):
        refuse_function(_f)
