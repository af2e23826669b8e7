'''Theorems: claims about the code, each with an exact answer derived by another route.

    @theorem(lesson="bayes", source="Bishop 2006, eq. 3.53")
    def posterior_is_ridge():
        """The posterior mean is ridge regression."""
        return Claim(computed=..., exact=..., tolerance=1e-12)

The docstring up to its first blank line is the claim; what follows explains the proof. A claim is
deterministic (with a `tolerance` on the largest absolute difference) or statistical (with a
`standard_error` and how many `sigmas` of it are allowed, under a fixed seed). The tests and
`python -m minimeta verify` run the same registry.
'''

import importlib
import inspect
import pkgutil
from typing import Any, Callable, NamedTuple

import numpy

from minimeta.core.backend import to_host

LESSONS = (  # the syllabus: every lesson that a theorem may belong to, in the order of the course
    *("gradients", "supervised", "networks", "transfer", "bayes"),
    *("maml", "first_order", "inner_loop", "few_shot", "prototypes"),
    *("recurrent", "dynamics", "waves", "fast_weights", "memory", "in_context", "task_diversity"),
    *("schedules", "learned_optimizers", "meta_lstm", "learning_rules"),
    *("bandits", "rl2", "maml_rl", "objectives", "forgetting", "spectrum"),
)
REGISTRY = []  # every theorem, topic by topic; filled by the imports at the end of this file


class Claim(NamedTuple):
    """What the code computed and what it must be: numbers or arrays of one shape."""

    computed: Any
    exact: Any
    tolerance: float | None = None
    standard_error: Any = None
    sigmas: float = 4.0  # a correct statistical claim fails by chance once in 16,000 draws


class Theorem(NamedTuple):
    """A registered claim: call `prove()` to compute it."""

    statement: str
    topic: str
    name: str
    lesson: str
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


def theorem(*, lesson, source):
    """Register a function without arguments that returns a Claim, and whose docstring states it.

    Raises ValueError for a lesson that is not in LESSONS and for a function without a docstring.
    """
    if lesson not in LESSONS:
        raise ValueError(f"lesson is {lesson!r}, but must be one of {', '.join(LESSONS)}.")

    def register(prove):
        paragraphs = inspect.cleandoc(prove.__doc__ or "").split("\n\n")
        statement = " ".join(paragraphs[0].split())
        if not statement:
            raise ValueError(f"The theorem {prove.__name__} must state its claim as a docstring.")
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
