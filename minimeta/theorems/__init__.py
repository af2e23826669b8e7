"""Theorems: claims about the code, each with an exact answer derived by another route.

    @theorem("The posterior mean is ridge regression.", lesson=4, source="Bishop 2006, eq. 3.53")
    def posterior_is_ridge():
        return Claim(computed=..., exact=..., tolerance=1e-12)

A claim is deterministic (with a `tolerance` on the largest absolute difference) or statistical
(with a `standard_error` and how many `sigmas` of it are allowed, under a fixed seed). The tests and
`python -m minimeta verify` run the same registry.
"""

import importlib
import pkgutil
from typing import Callable, NamedTuple

import numpy

from minimeta.core.backend import to_host

REGISTRY = []  # every theorem, topic by topic; filled by the imports at the end of this file


class Claim(NamedTuple):
    """What the code computed and what it must be: numbers or arrays of one shape."""

    computed: object
    exact: object
    tolerance: float | None = None
    standard_error: object = None
    sigmas: float = 4.0  # a correct statistical claim fails by chance once in 16,000 draws


class Theorem(NamedTuple):
    """A registered claim: call `prove()` to compute it."""

    statement: str
    topic: str
    name: str
    lesson: int
    source: str
    prove: Callable


class Verdict(NamedTuple):
    """A claim after it was computed: the largest error beside what is allowed there."""

    computed: float
    exact: float
    error: float
    allowed: float

    @property
    def holds(self):
        return bool(self.error <= self.allowed)  # False for NaN


def theorem(statement, *, lesson, source):
    """Register a function without arguments that returns a Claim."""

    def register(prove):
        topic = prove.__module__.rsplit(".", 1)[-1]
        REGISTRY.append(Theorem(statement, topic, prove.__name__, lesson, source, prove))
        return prove

    return register


def judge(claim):
    """The verdict on a claim, at the element where error exceeds what is allowed the most.

    Raises ValueError for a claim without one kind of tolerance or with arrays of two shapes.
    """
    if (claim.tolerance is None) == (claim.standard_error is None):
        raise ValueError("A claim needs either a tolerance or a standard_error.")
    computed, exact = (
        numpy.asarray(to_host(v), dtype=float) for v in (claim.computed, claim.exact)
    )
    if computed.shape != exact.shape or not computed.size:
        raise ValueError(f"A claim compares shapes {computed.shape} and {exact.shape}.")
    allowed = claim.tolerance
    if allowed is None:
        allowed = claim.sigmas * numpy.asarray(to_host(claim.standard_error), dtype=float)
    allowed = numpy.broadcast_to(allowed, computed.shape)
    error = numpy.abs(computed - exact)
    worst = numpy.argmax(numpy.nan_to_num(error - allowed, nan=numpy.inf))
    return Verdict(*(float(v.flat[worst]) for v in (computed, exact, error, allowed)))


for _module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
    importlib.import_module(f"{__name__}.{_module.name}")
