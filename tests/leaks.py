"""Find the float64 values inside a float32 program, gradients on the way included.

The end of a gradient hides them: autograd adds it in place into float32 zeros.  So every node of
the tape is watched, its value and the gradients it hands on, in the backward passes too where they
are traced.

    python tests/leaks.py       names the rule cases that leak under autograd's own rules
"""

from contextlib import contextmanager

import numpy
from autograd import grad
from autograd.core import SparseObject, VJPNode
from autograd.tracer import getval


@contextmanager
def watched():
    """A list that fills with (function, dtype) of all float64 values and gradients in the block."""
    found, make = [], VJPNode.__init__

    def note(function, value):
        value = getval(value)
        value = value.vs if isinstance(value, SparseObject) else value
        if getattr(value, "dtype", None) == "float64":
            found.append(getattr(function, "__name__", str(function)))

    def watching(self, value, function, *rest):
        make(self, value, function, *rest)
        note(function, value)
        pull = self.vjp

        def vjp(g):
            for slope in pull(g):
                note(function, slope)
                yield slope

        self.vjp = vjp

    VJPNode.__init__ = watching
    try:
        yield found
    finally:
        VJPNode.__init__ = make


def float64_within(np, f, args):
    """Functions of the tape that meet float64 in first and second derivatives of f at float32."""
    args = [a.astype("float32") for a in args]
    directions = [numpy.cos(a) for a in args]

    def total(*args):
        y = f(*args)
        return np.sum(y * y)

    def along(*args):
        slopes = grad(total, tuple(range(len(args))))(*args)
        return sum(np.sum(slope * v) for slope, v in zip(slopes, directions))

    with watched() as found:
        grad(along, tuple(range(len(args))))(*args)
    return sorted(set(found))


def leaking(np):
    """The names of the rule cases inside which autograd meets float64."""
    from rule_cases import cases

    names = []
    for name, (f, args) in cases(np).items():
        try:
            names += [name] if float64_within(np, f, args) else []
        except (ValueError, AssertionError, NotImplementedError):
            names += [f"{name} (fails)"]
    return names


if __name__ == "__main__":
    import autograd.numpy

    print("\n".join(leaking(autograd.numpy)))
