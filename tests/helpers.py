"""What many test files need: generators and tasks, single precision, planted bugs, refusals."""

from contextlib import contextmanager

import numpy
import pytest
from derivatives import same

from minimeta.core.backend import use
from minimeta.core.trees import leaves, tree_map
from minimeta.tasks.regression import sines
from minimeta.theorems import REGISTRY, judge


def rng(seed=0):
    return numpy.random.default_rng(seed)


def waves(tasks=3, shots=4, queries=5):
    """The same sine tasks at every call."""
    return sines(rng(), tasks, shots, queries)


@contextmanager
def single_precision():
    """Within it the current float type is float32."""
    use(dtype="float32")
    try:
        yield
    finally:
        use("numpy", "float64")


def is_single(*trees):
    """Whether every leaf of the trees is a float32 array."""
    return {leaf.dtype.name for leaf in leaves(trees)} == {"float32"}


def one(tree, m):
    """Row m of every leaf, as a batch of one."""
    return tree_map(lambda leaf: leaf[m : m + 1], tree)


def close(tree, expected, rtol=0.0, atol=0.0):
    """Raise AssertionError unless the trees have equal leaves, to the tolerance."""
    same(tree, expected, dict(rtol=rtol, atol=atol))


def refused(call, sentence, kinds=(TypeError, ValueError)):
    """Raise AssertionError unless the call raises an error of one sentence that matches."""
    with pytest.raises(kinds, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


# ---- Planted bugs: functions from a true function to a wrong one ----

PROVEN = {theorem.prove for theorem in REGISTRY}


def turns_red(monkeypatch, prove, module, name, bug):
    """Raise AssertionError unless the theorem holds, and fails once bug(f) replaces module.name.

    That a theorem of the registry holds is for test_theorems.py to say, once for all its bugs.
    """
    assert prove in PROVEN or judge(prove()).holds
    monkeypatch.setattr(module, name, bug(getattr(module, name)))
    assert not judge(prove()).holds


def times(factor):
    """The result is `factor` times too large."""
    return lambda f: lambda *a, **k: factor * f(*a, **k)


def given(position, change):
    """The argument at this position is changed on its way in."""
    return lambda f: lambda *a, **k: f(*a[:position], change(a[position]), *a[position + 1 :], **k)


def second(change):
    """The second of two results is changed."""
    return lambda f: lambda *a, **k: (lambda r: (r[0], change(r[1])))(f(*a, **k))


def instead(function):
    """Another function in place of the true one."""
    return lambda f: function


def first_answer(step):
    """A recording that answers with the numbers of its first call."""
    answers = []

    def answer(*args):
        answers.append(answers[0] if answers else step(*args))
        return answers[0]

    return answer
