"""Kernels on images in several threads: the same bits, every error, no thread left behind."""

import threading

import numpy
import pytest
from derivatives import draws
from numpy.testing import assert_array_equal

from minimeta import nets
from minimeta.core import threads as module
from minimeta.core.gradients import value_and_grad
from minimeta.core.replay import replay
from minimeta.core.threads import set_threads, side_by_side, threads
from minimeta.core.trees import leaves
from minimeta.nets import pieces


@pytest.fixture(autouse=True)
def one_thread_again():
    yield
    set_threads(1)


def loss_of(net):
    return value_and_grad(lambda params, x: numpy.sum(net.apply(params, x) ** 2))


@pytest.mark.parametrize("wrap", [lambda f: f, replay], ids=["as it is", "replayed"])
def test_any_number_of_threads_gives_the_same_bits(wrap, monkeypatch):
    monkeypatch.setattr(pieces, "CACHE", 500)  # so that there are many pieces
    net = nets.conv((9, 8, 2), filters=(3, 4), outputs=5)
    params, (x,) = net.init(numpy.random.default_rng(0)), draws((11, 9, 8, 2))
    step, results = wrap(loss_of(net)), []
    for count in (1, 2, 3, 8):
        set_threads(count)
        results.append(leaves([step(params, x) for _ in range(3)]))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


def test_all_pieces_are_done_and_by_several_threads():
    set_threads(3)
    meet, seen = threading.Barrier(3, timeout=30), set()

    def f(piece):
        if piece < 3:
            meet.wait()  # nobody passes unless three threads are here
        seen.add((piece, threading.get_ident()))

    side_by_side(f, range(50))
    assert {piece for piece, _ in seen} == set(range(50))
    assert len({thread for _, thread in seen}) == 3


@pytest.mark.parametrize("count", [1, 2, 4])
def test_an_error_in_a_piece_is_raised_after_all_threads_are_back(count):
    set_threads(count)
    busy = []

    def f(piece):
        busy.append(piece)
        try:
            if piece == 5:
                raise ZeroDivisionError("piece 5")
        finally:
            busy.remove(piece)

    with pytest.raises(ZeroDivisionError, match="piece 5"):
        side_by_side(f, range(40))
    assert not busy
    side_by_side(busy.append, range(4))
    assert sorted(busy) == [0, 1, 2, 3]


def test_threads_obey_the_error_state_of_the_caller():
    set_threads(2)
    big = numpy.full(1000, 1e300)

    def f(piece):
        return big * big

    with numpy.errstate(over="ignore"):
        side_by_side(f, range(20))
    with numpy.errstate(over="raise"), pytest.raises(FloatingPointError):
        side_by_side(f, range(20))


def test_a_fork_starts_threads_of_its_own():
    set_threads(2)
    side_by_side(lambda piece: None, range(4))
    assert module._pool is not None
    module._forget_pool()  # what os.fork calls in the child
    done = []
    side_by_side(done.append, range(4))
    assert sorted(done) == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, -1, 2.0, True, None])
def test_a_wrong_number_of_threads_is_refused_and_changes_nothing(count):
    set_threads(2)
    with pytest.raises((TypeError, ValueError), match="^count must be"):
        set_threads(count)
    assert threads() == 2
