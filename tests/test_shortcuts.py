"""The shortcuts of recorded programs are taken where they give the same bits, and only there."""

import numpy
import pytest

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.replay import replay
from minimeta.core.replay.cache import is_same
from minimeta.core.trees import leaves


@pytest.fixture
def rng():
    return numpy.random.default_rng(0)


def replayed(f, *args):
    """The program of f; raise unless it gives what f gives, bit for bit."""
    g = replay(f)
    for found in (g(*args), g(*args)):
        assert all(map(is_same, leaves(found), leaves(f(*args))))
    return str(g.program)


def test_gradients_are_added_by_numpy(rng):
    text = replayed(grad(lambda x: np.sum(x * x * x)), rng.normal(size=3))
    assert "= add(v" in text and "accumulate" not in text


def test_a_negative_moves_into_the_number(rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    x[0, :2] = [0.0, -0.0]  # x (-c) is -0.0 where (-x) c is
    assert "negative" not in replayed(lambda x: np.multiply(np.negative(x), 0.1), x)


@pytest.mark.parametrize(
    "f, x",
    [
        (lambda x: np.multiply(np.negative(x), 0.5), numpy.array([-(2**63)])),  # -x overflows
        (lambda x: np.multiply(np.negative(x), 2), numpy.array([0.0])),  # 0 has no sign
        (lambda x: np.multiply(np.negative(x), 0.5), numpy.array([0.0 + 1j])),
        (lambda x: np.multiply(np.negative(np.broadcast_to(x, (2, 3))), 0.5), numpy.ones(3)),
    ],
    ids=["integers", "times an integer", "complex", "another memory order"],
)
def test_a_negative_stays_where_that_would_not_be_the_same(f, x):
    assert "negative" in replayed(f, x)


def test_what_is_repeated_by_the_next_function_needs_no_view(rng):
    x, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 1))
    view = lambda b: np.broadcast_to(b, (2, 3, 4))
    text = replayed(lambda x, b: (view(b) - x, x * view(b)), x, b)
    assert "broadcast_to" not in text and "repeat(" not in text
    assert "repeat(v1" in replayed(lambda x, b: view(b) - x[:1], x, b)
    assert "repeat(v0" in replayed(lambda b: view(b) * view(b), b)


def test_a_view_of_memory_without_gaps_is_made_at_once(rng):
    """And like NumPy's it cannot be written to."""
    x, view = rng.normal(size=(3, 4)), lambda x: np.broadcast_to(x, (2, *np.shape(x)))
    assert "repeat(v0, (2, 3, 4), (0, 32, 8))" in replayed(view, x)
    f = replay(view)
    with pytest.raises(ValueError, match="read-only"):
        [f(x), f(x)][1][0, 0, 0] = 1.0
    for other in (x.T, x[:, :2], x[::-1], x[:0], x[0, 0]):
        assert "broadcast_to" in replayed(view, other)


def test_numpy_functions_that_arrays_have_are_their_methods(rng):
    f = lambda x: (np.sum(x, axis=(0,)), np.reshape(x, (4, 3)), np.mean(x), np.sum(x, 0))
    x = rng.normal(size=(3, 4))
    text = replayed(f, x)
    assert ".sum(axis=(0,))" in text and ".reshape((4, 3))" in text and ".mean()" in text
    assert "= sum(" in text  # only where all but the array is named
