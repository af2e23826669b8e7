"""How long a linear neuron remembers one of many random patterns: exponentially or by a power law.

    patterns  x (n,), entries +-1/sqrt(n) at random, with answers y = +-1
    learning  w <- w + s_t (y - w x) x      for t = 0, 1, ..., starting from w = 0

Averaged over all later patterns, the answer to pattern 0 is y times a number between 0 and 1,
called the signal. The answer to a new pattern has mean 0; its standard deviation is called the
noise:

    signal   s_0 prod_{t > 0} (1 - s_t / n)
    noise    sqrt(q / n)    with q <- q (1 - (2 s - s^2) / n) + s^2,  q = E |w|^2

Gradient descent, s = 1, forgets exponentially: its signal is (1 - 1/n)^t. Elastic weight
consolidation minimises 1/2 (y - w x)^2 + 1/2 (t / n) |w - w_old|^2, because each pattern adds
x_i^2 = 1/n to the diagonal of the Fisher information. So s_t = n / (n + t), and the signal is
n / (n + t) too: a power law.

Taught in lesson forgetting. Source: the supplement of Kirkpatrick et al. 2016, arXiv:1612.00796.
"""

from minimeta.core import checks
from minimeta.core.backend import np


def consolidating_steps(n, patterns):
    """s_t = n / (n + t) for t = 0, 1, ...: (patterns,)."""
    checks.integer("n", n, at_least=1)
    checks.integer("patterns", patterns, at_least=1)
    return n / (n + np.arange(patterns, dtype=float))


def memory(n, steps):
    """Signal (T,) and noise (T,) after 1, 2, ..., T patterns, learned with step sizes (T,)."""
    checks.integer("n", n, at_least=1)
    checks.array("steps", steps, "T")
    checks.integer("the number of steps", len(steps), at_least=1)
    factors = np.concatenate([steps[:1], 1.0 - steps[1:] / n])
    q, squares = 0.0, []
    for s in steps:
        q = q * (1.0 - (2.0 * s - s * s) / n) + s * s
        squares.append(q)
    return np.cumprod(factors), np.sqrt(np.stack(squares) / n)
