"""Which arrays: the switch between NumPy and CuPy, between float32 and float64, and one `np`.

switch         `np`, `use`, `current`, `to_device`, `to_host`
rules          gradient rules that keep the device and the float type of what they differentiate
linalg_rules   the same for matrix products and linear algebra
"""

from minimeta.core.backend.switch import current, np, to_device, to_host, use

__all__ = ["current", "np", "to_device", "to_host", "use"]
