"""Which arrays: the switch between NumPy and CuPy, between float32 and float64, and one `np`.

switch         `np`, `use`, `using`, `carry`, `current`, `to_device`, `to_host`
rules          gradient rules that keep the device and the float type of what they differentiate
linalg_rules   the same for matrix products and linear algebra
primitives     `primitive`: what autograd calls once, and a worker process finds by its name
traces         gradients in several threads at once
"""

from minimeta.core.backend.primitives import primitive
from minimeta.core.backend.switch import carry, current, np, to_device, to_host, use, using

__all__ = ["carry", "current", "np", "primitive", "to_device", "to_host", "use", "using"]
