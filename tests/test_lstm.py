"""The fused LSTM against the plain cell, and the plain cell against the equations by hand."""

import numpy
import pytest
from derivatives import EXACT, agrees, draws, same
from numpy.testing import assert_allclose

from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp
from minimeta.core.trees import copies, flatten, leaves, tree_map
from minimeta.nets.lstm import cell, init, lstm, plain_cell, plain_lstm

N, T, D, H, M = 3, 4, 2, 3, 2


def draw(lead=(N,), tasks=(), steps=T):
    """Parameters, a sequence and a state."""
    shapes = (*tasks, D, 4 * H), (*tasks, H, 4 * H), (*tasks, 4 * H), (*lead, steps, D)
    W_x, W_h, b, x, h, c = draws(*shapes, (*lead, H), (*lead, H))
    return {"W_x": W_x, "W_h": W_h, "b": b}, x, (h, c)


def objective(f):
    """Every output weighted its own way: h after each step, and both parts of the last state."""

    def total(args):
        read, (h, c) = f(*args)
        weigh = lambda a: np.sum(np.sin(a) * np.reshape(np.cos(np.arange(a.size)), a.shape))
        return weigh(read) + 2.0 * weigh(h) + 3.0 * weigh(c)

    return total


CASES = {
    "a batch": dict(),
    "one sequence": dict(lead=()),
    "tasks that share": dict(lead=(M, N)),
    "tasks with a copy each": dict(lead=(M, N), tasks=(M,)),
    "one step": dict(steps=1),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_lstm_equals_the_plain_loop_in_value_and_every_gradient(case):
    args = draw(**case)
    same(lstm(*args), plain_lstm(*args), EXACT)
    same(grad(objective(lstm))(args), grad(objective(plain_lstm))(args), EXACT)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("steps", [1, 3])
def test_however_many_steps_share_a_product_the_gradient_is_the_same(monkeypatch, case, steps):
    args = draw(**case)
    z = 4 * args[2][0].size  # numbers of z in one step
    monkeypatch.setattr("minimeta.nets.lstm.SHARED", (steps - 1) * z)
    same(grad(objective(lstm))(args), grad(objective(plain_lstm))(args), EXACT)


def test_lstm_starts_from_zeros():
    params, x, _ = draw()
    zeros = numpy.zeros((N, H)), numpy.zeros((N, H))
    gradient = lambda f, *state: grad(lambda p: np.sum(f(p, x, *state)[0] ** 2))(params)
    for f in (lstm, plain_lstm):
        same(f(params, x), f(params, x, zeros), EXACT)
        same(gradient(f), gradient(plain_lstm, zeros), EXACT)


def test_second_derivatives_of_lstm_are_those_of_the_plain_loop():
    args = draw(steps=3)
    v = tree_map(lambda a: np.cos(3 * a), args)
    same(hvp(objective(lstm))(args, v), hvp(objective(plain_lstm))(args, v), EXACT)
    params, x, _ = args
    some = lambda f: lambda p: np.sum(grad(lambda p: np.sum(f(p, x)[0] ** 2))(p)["W_h"] ** 2)
    same(grad(some(lstm))(params), grad(some(plain_lstm))(params), EXACT)


def test_a_sequence_in_two_halves_is_the_whole():
    params, x, state = draw()
    first, between = lstm(params, x[:, :2], state)
    second, last = lstm(params, x[:, 2:], between)
    same((numpy.concatenate([first, second], axis=1), last), lstm(params, x, state), EXACT)


@pytest.mark.parametrize("tasks", [(), (M,)], ids=["shared", "a copy each"])
def test_the_cell_has_the_derivatives_of_its_equations(tasks):
    shapes = (*tasks, D, 4 * H), (*tasks, H, 4 * H), (*tasks, 4 * H), (M, N, D)
    args = draws(*shapes, (M, N, H), (M, N, H))
    after = lambda f: (
        lambda W_x, W_h, b, x, h, c: np.concatenate(
            f({"W_x": W_x, "W_h": W_h, "b": b}, (h, c), x), axis=-1
        )
    )
    agrees(after(cell), after(plain_cell), args)


def test_a_cell_takes_one_input_and_a_state_that_all_inputs_share():
    params, x, (h, c) = draw()
    same(cell(params, (h[0], c[0]), x[0, 0]), plain_cell(params, (h[0], c[0]), x[0, 0]), EXACT)
    same(cell(params, (h[0], c[0]), x[:, 0]), plain_cell(params, (h[0], c[0]), x[:, 0]), EXACT)


def test_the_cell_by_hand():
    """One unit, one input: every gate written out."""
    z = numpy.array([0.3, -0.2, 0.5, 0.1])
    params = {"W_x": z[None] * 2, "W_h": z[None] * 3, "b": z}
    x, h, c = 0.7, 0.4, -0.6
    i, f, g, o = z * (2 * x + 3 * h + 1)
    s = lambda z: 1 / (1 + numpy.exp(-z))
    memory = s(f) * c + s(i) * numpy.tanh(g)
    found = cell(params, (numpy.array([h]), numpy.array([c])), numpy.array([x]))
    assert_allclose(found, [[s(o) * numpy.tanh(memory)], [memory]], rtol=1e-14)


def test_a_fresh_lstm_keeps_most_of_its_memory():
    """Without input it keeps sigmoid(1) of c each step: the keep gate's bias starts at one."""
    params = init(numpy.random.default_rng(0), D, H)
    kept = cell(params, (numpy.zeros(H), numpy.ones(H)), numpy.zeros(D))[1]
    assert_allclose(kept, 1 / (1 + numpy.exp(-1.0)), rtol=1e-14)


def test_weights_start_with_the_variance_that_keeps_z_at_unit_scale():
    params = init(numpy.random.default_rng(0), 30, 50)
    for W in (params["W_x"], params["W_h"]):
        # the variance of n normal draws has the standard deviation sqrt(2 / n); four of them
        assert_allclose(W.var() * 80, 1.0, atol=4 * (2 / W.size) ** 0.5)


def test_lstm_agrees_to_third_order_in_float32_and_on_a_device():
    as_array = lambda f: lambda *args: flatten(f(dict(zip(["W_x", "W_h", "b"], args)), *args[3:]))
    fused = as_array(lambda params, x, h, c: lstm(params, x, (h, c)))
    plain = as_array(lambda params, x, h, c: plain_lstm(params, x, (h, c)))
    params, x, state = draw(lead=(M, 2), tasks=(M,), steps=2)
    agrees(fused, plain, (*leaves(params), x, *state))


def test_shapes_that_do_not_fit_are_named():
    params, x, (h, c) = draw()
    with pytest.raises(ValueError, match=r"lstm: for x \(3, 4, 2\) and H = 3"):
        lstm(params, x, (h[:2], c))
    for tasks in (2, 3):  # neither another number of tasks, nor tasks without their sequences
        with pytest.raises(ValueError, match=r"x must be \(\*\(.,\), N, T, D\).*it is \(3, 4, 2\)"):
            lstm(copies(params, tasks), x, (h, c))
    with pytest.raises(ValueError, match=r"lstm: for x \(3, 4, 1\)"):
        lstm(params, x[..., :1], (h, c))
