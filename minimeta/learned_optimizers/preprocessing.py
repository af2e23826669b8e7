"""Gradients in a form that a network can read.

    log_and_sign(g, p)     max(log|g|, -p) / p    and    e^p g, cut off at -1 and 1

One gradient may be 1e-6 and the next 1e3, and a network fed with such numbers can tell neither
apart from its neighbours. So a gradient larger than e^-p is described by its logarithm and its
sign. A smaller one is described by -1 and e^p g, which keeps it finite at zero.

Source: Andrychowicz et al. 2016, where p is 10 in the text and 5 in the code.
Lesson learned_optimizers.
"""

import math

from minimeta.core import checks
from minimeta.core.backend import np


def log_and_sign(g, p=10.0):
    """Two numbers for each gradient, (..., 1) -> (..., 2): at least -1, and within -1 and 1."""
    checks.floats("g", g)
    checks.number("p", p, above=0.0)
    smallest = math.exp(-p)
    size = np.log(np.maximum(np.abs(g), smallest)) / p
    return np.concatenate([size, np.clip(g / smallest, -1.0, 1.0)], axis=-1)
