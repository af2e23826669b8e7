"""Why policies learn in stages: what is learned decides what is seen, and contexts interfere.

One context with two actions, J = the chance of the right one, under gradient flow of its logits:

    policy gradient      dJ/dt = 2 J^2 (1 - J)^2       the gradient of J
    supervised           dJ/dt = 2 J (1 - J)^2         the gradient of log J

so the time from J_0 to J_1 is F(J_1) - F(J_0) with

    policy gradient      F(J) = (2 ln(J / (1 - J)) - 1/J + 1/(1 - J)) / 2
    supervised           F(J) = (ln(J / (1 - J)) + 1/(1 - J)) / 2

For small J_0 the first grows like 1 / (2 J_0), the second like the logarithm of 1 / J_0.

Two contexts whose right actions differ, with logits w_ka + b_a that share the bias b, and with
g_k = J_k (1 - J_k):

    dJ_1/dt = 2 g_1 (2 g_1 - g_2)          dJ_2/dt = 2 g_2 (2 g_2 - g_1)

While g_2 > 2 g_1 the first one gets *worse*: the winner takes all, and the other waits. At the
uniform policy over A actions the gradients of two contexts have the cosine -1 / (2 (A - 1)).

Source: Schaul, Borsa, Modayil & Pascanu 2019, arXiv:1904.11455.  Lesson bandits.
"""

import math

from minimeta.core import checks
from minimeta.core.backend import np


def escape_time(first, last, supervised=False):
    """The time of gradient flow from one chance to another, both between 0 and 1."""
    checks.number("first", first, above=0.0, below=1.0)
    checks.number("last", last, above=0.0, below=1.0)
    return _clock(last, supervised) - _clock(first, supervised)


def _clock(J, supervised):
    log_odds = math.log(J / (1.0 - J))
    rest = 1.0 / (1.0 - J)
    return (log_odds + rest) / 2.0 if supervised else (2.0 * log_odds - 1.0 / J + rest) / 2.0


def flow(J):
    """dJ/dt of two contexts with two actions and a shared bias: (..., 2) -> (..., 2)."""
    checks.array("J", J, "... K")
    if np.shape(J)[-1] != 2:
        raise ValueError(f"J must be two chances, (..., 2); its shape is {np.shape(J)}.")
    g = J * (1.0 - J)
    other = g[..., ::-1]
    return 2.0 * g * (2.0 * g - other)


def cosine(actions):
    """The cosine of the gradients of two contexts at the uniform policy over A actions."""
    checks.integer("actions", actions, at_least=2)
    return -1.0 / (2.0 * (actions - 1))
