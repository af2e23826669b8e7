"""Which arrays: the switch between NumPy and CuPy, between float32 and float64, and one `np`.

switch          `use`, `using`, `carry`, `current`
making          `np`, `to_device`, `to_host`
rules           gradient rules that keep the device and the float type: adjoint pairs, indexing
elementwise     ... of exp, add, where and their kin
bounds          ... of clip and of changes of type
reductions      ... of sum, prod, max, cumsum, norm
arrangements    ... of transpose, repeat, pad, sort, split
diagonals       ... of diagonals and traces
linalg_rules    ... of matrix products and of solving
einsum          ... of einsum
decompositions  ... of determinants and decompositions
fourier         ... of Fourier transforms
refusals        functions that have no gradient, and what to write instead
boxes           what traced arrays do under plain NumPy, and what they cannot do
primitives      `primitive`: what autograd calls once, and a worker process finds by its name
traces          gradients in several threads at once
"""

from minimeta.core.backend.making import np, to_device, to_host
from minimeta.core.backend.primitives import primitive
from minimeta.core.backend.switch import carry, current, use, using

__all__ = ["carry", "current", "np", "primitive", "to_device", "to_host", "use", "using"]
