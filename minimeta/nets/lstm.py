"""LSTM: a memory that every step writes to, erases and reads, by as much as three gates say.

    c <- f c + i g       the memory; the gates i, f, o and g follow from the input x and from h
    h <- o tanh(c)       what is read of the memory

One such step is a `cell`, see lstm_cell.py. W_x (D, 4H), W_h (H, 4H) and b (4H) hold the four gates
in the order i, f, g, o, PyTorch's. The equations add nothing to f: a fresh b has ones there, so
that a fresh LSTM remembers (Jozefowicz et al. 2015).

Sequences are x (..., T, D), a state is (h, c) of (..., H) each. `plain_lstm` is a loop over plain
cells. `lstm` computes the same for a whole sequence at once and is back-propagated by hand:

    record = forward_pass(...)           gates, c and [h x 1] of every step, kept for the way back
    states = select_states(..., record)  h_1 ... h_T, and c_T behind them
    backward_pass(q, ..., record)        the gradient of sum(q states) in all parameters and inputs

Its second derivatives are right, but slow: they differentiate `plain_lstm`.
"""

import math

import numpy
from autograd.extend import defvjp_argnums

from minimeta.core import checks
from minimeta.core.backend import np, primitive, to_device
from minimeta.core.gradients import grad
from minimeta.nets.layers import constant_primitive
from minimeta.nets.lstm_cell import cell, check_cell, plain_cell, sigmoid  # noqa: F401  (public here)


def init(rng, inputs, hidden):
    """Fresh parameters: weights N(0, 1 / (D + H)); biases 0, but 1 for the gate that keeps."""
    checks.generator("rng", rng)
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("hidden", hidden, at_least=1)
    scale = (inputs + hidden) ** -0.5
    W_x = rng.normal(scale=scale, size=(inputs, 4 * hidden))
    W_h = rng.normal(scale=scale, size=(hidden, 4 * hidden))
    return to_device({"W_x": W_x, "W_h": W_h, "b": numpy.repeat([0.0, 1.0, 0.0, 0.0], hidden)})


def start(params, x):
    """The state (h, c) before a sequence x (..., T, D): zeros."""
    shape = (*np.shape(x)[:-2], np.shape(params["W_h"])[-2])
    return np.zeros(shape, dtype=x.dtype), np.zeros(shape, dtype=x.dtype)


def plain_lstm(params, x, state=None):
    """What `lstm` computes, one cell after the other."""
    check_cell(params, x)
    checks.axes("x", x, "... T D")
    state, read = start(params, x) if state is None else state, []
    for t in range(np.shape(x)[-2]):
        state = plain_cell(params, state, x[..., t, :])
        read.append(state[0])
    return np.stack(read, axis=-2), state


def lstm(params, x, state=None):
    """A sequence x (..., T, D) -> h (..., T, H) after every step, and the state (h, c) after all.

    It begins with `state`, or with zeros. Parameters may carry task axes; x then begins with the
    same and has an axis of sequences behind them: (M, N, T, D).
    """
    check_cell(params, x)
    checks.axes("x", x, "... T D")
    state = start(params, x) if state is None else state
    args = params["W_x"], params["W_h"], params["b"], x, *state
    _check(*args)
    states = select_states(*args, forward_pass(*args))  # (..., T + 1, H)
    return states[..., :-1, :], (states[..., -2, :], states[..., -1, :])


@constant_primitive
def forward_pass(W_x, W_h, b, x, h, c):
    """The gates, c, and rows [h x 1], of every step, laid end to end."""
    W = _weights(W_x, W_h, b)
    W[:3] *= 0.5  # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, so that one tanh makes all four gates
    x, h, c = _by_time(W_h, x, h, c)
    H = h.shape[-1]
    record = numpy.empty(_size(x, h), W.dtype, like=x)
    gates, cs, rows = _sections(record, x, h)

    rows[0, ..., :H] = h  # the row of step t is [h before it, x_t, 1]: one product makes all gates
    rows[:-1, ..., H:-1] = x
    rows[-1, ..., H:-1] = 0
    rows[..., -1] = 1

    for t in range(len(x)):
        z, c_next = gates[t], cs[t]  # (4, M, N, H) and (M, N, H), computed in place
        numpy.matmul(rows[t], W, out=z)
        numpy.tanh(z, out=z)
        z[:3] *= 0.5
        z[:3] += 0.5
        o, i, f, g = z
        numpy.multiply(f, c, out=c_next)
        c_next += i * g  # c <- f c + i g
        numpy.multiply(o, numpy.tanh(c_next), out=rows[t + 1, ..., :H])  # h <- o tanh(c)
        c = c_next
    return record


@primitive
def select_states(W_x, W_h, b, x, h, c, record):
    """h after every step and c after the last: (..., T + 1, H)."""
    H = h.shape[-1]
    shape = (*x.shape[:-2], x.shape[-2] + 1, H)
    x, h, c = _by_time(W_h, x, h, c)
    _, cs, rows = _sections(record, x, h)
    states = numpy.empty((*h.shape[:-1], len(x) + 1, H), record.dtype, like=x)  # (M, N, T + 1, H)
    states[:, :, :-1] = rows[1:, ..., :H].transpose(1, 2, 0, 3)
    states[:, :, -1] = cs[-1]
    return states.reshape(shape)


@primitive
def backward_pass(wanted, q, W_x, W_h, b, x, h, c, record):
    """The gradient of sum(q states) in the wanted ones of the six, laid end to end."""
    H, W = h.shape[-1], _weights(W_x, W_h, b)
    x, h, c = _by_time(W_h, x, h, c)
    gates, cs, rows = _sections(record, x, h)
    q = q.reshape(*h.shape[:-1], len(x) + 1, H)  # (M, N, T + 1, H)
    wants_weights, wants_x = min(wanted) < 3, 3 in wanted

    dW, dx = numpy.zeros_like(W), numpy.empty(x.shape, record.dtype, like=x)
    used = W[..., :-1, :] if wants_x else W[..., :H, :]  # the gradient in x is seldom wanted
    for t, dz, before in _back_through_time(q, used, c, gates, cs):
        if wants_weights:
            dW = dW + numpy.matmul(rows[t].swapaxes(-1, -2), dz)
        if wants_x:
            dx[t] = before[0][..., H:]
    dh, dc = before[0][..., :H], before[1]

    dW = numpy.roll(dW, -1, axis=0)  # from the order o, i, f, g to i, f, g, o
    dW = dW.transpose(1, 2, 0, 3).reshape(*dW.shape[1:3], -1)  # (M, H + D + 1, 4 H)
    dx = dx.transpose(1, 2, 0, 3)  # (M, N, T, D)
    parts = [dW[:, H:-1], dW[:, :H], dW[:, -1], dx, dh, dc]
    return numpy.concatenate([parts[k].reshape(-1) for k in wanted])


def _back_through_time(q, W, c, gates, cs):
    """From the last step to the first: its number, the gradient in z, and those before it in [h x]
    and c. With h = o tanh(c), c = f c' + p and p = i g, the gradients in z are

        dh h (1 - o),  dc p (1 - i),  dc f c' (1 - f),  dc (i - p g)    for o, i, f and g.
    """
    H = c.shape[-1]
    W = W.swapaxes(-1, -2).copy()  # a copy, as BLAS would make one at each step
    dz = numpy.empty_like(gates[0])  # (4, M, N, H)
    dh, dc = numpy.zeros_like(c), q[:, :, -1].copy()  # (M, N, H); dh has x behind it after a step
    for t in reversed(range(len(gates))):
        o, i, f, g = gates[t]
        d_o, d_i, d_f, d_g = dz
        tanh_c, p = numpy.tanh(cs[t]), i * g
        h = o * tanh_c
        dh = dh[..., :H] + q[:, :, t]
        dc += dh * (o - h * tanh_c)
        numpy.subtract(1, gates[t, :3], out=dz[:3])  # 1 - o, 1 - i, 1 - f
        d_o *= dh * h
        d_i *= dc * p
        numpy.multiply(dc, i - p * g, out=d_g)
        dc *= f  # from here on the gradient in c', the c before this step
        d_f *= cs[t - 1] if t else c
        d_f *= dc
        dh = numpy.matmul(dz, W).sum(axis=0)
        yield t, dz, (dh, dc)


def _plain_states(W_x, W_h, b, x, h, c):
    read, (_, c) = plain_lstm({"W_x": W_x, "W_h": W_h, "b": b}, x, (h, c))
    return np.concatenate([read, np.expand_dims(c, -2)], axis=-2)


def _plain_gradient(wanted, q, *args):
    gradients = grad(lambda args: np.sum(q * _plain_states(*args)))(args)
    return np.concatenate([np.reshape(gradients[k], (-1,)) for k in wanted])


def _gradient_of_states(wanted, states, args, _):
    def vjp(q):
        flat, parts, first = backward_pass(wanted, q, *args), [], 0
        for shape in (args[k].shape for k in wanted):
            last = first + math.prod(shape)
            parts.append(np.reshape(flat[first:last], shape))
            first = last
        return parts

    return vjp


def _gradient_of_backward(argnums, ans, args, _):
    wanted, moving = args[0], args[1:-1]  # all but the record, which follows from them
    plain = lambda r: lambda moving: np.sum(r * _plain_gradient(wanted, *moving))
    return lambda r: [grad(plain(r))(moving)[k - 1] for k in argnums]


defvjp_argnums(select_states, _gradient_of_states)
defvjp_argnums(backward_pass, _gradient_of_backward)


def _by_time(W_h, x, h, c):
    """x as (T, M, N, D), h and c as (M, N, H): M = 1 if all share the parameters."""
    tasks, H = math.prod(W_h.shape[:-2]), h.shape[-1]
    sequences = math.prod(x.shape[:-2]) // tasks
    x = x.reshape(tasks, sequences, *x.shape[-2:]).transpose(2, 0, 1, 3)
    return x, h.reshape(tasks, sequences, H), c.reshape(tasks, sequences, H)


def _weights(W_x, W_h, b):
    """[W_h; W_x; b] as (4, M, H + D + 1, H): gate by gate, the three sigmoids first: o, i, f, g."""
    tasks, H = math.prod(W_h.shape[:-2]), W_h.shape[-2]
    W = numpy.concatenate([W_h, W_x, b[..., None, :]], axis=-2)  # (..., H + D + 1, 4H)
    W = W.reshape(tasks, -1, 4, H).transpose(2, 0, 1, 3)
    return numpy.concatenate([W[3:], W[:3]])


def _size(x, h):
    """How many numbers a record holds."""
    (T, *sequences, D), H = x.shape, h.shape[-1]
    return math.prod(sequences) * (5 * T * H + (T + 1) * (H + D + 1))


def _sections(record, x, h):
    """The gates (T, 4, M, N, H), c (T, M, N, H) and the rows (T + 1, M, N, H + D + 1) in it."""
    size = len(x) * h.size
    gates = record[: 4 * size].reshape(len(x), 4, *h.shape)
    cs = record[4 * size : 5 * size].reshape(len(x), *h.shape)
    return gates, cs, record[5 * size :].reshape(len(x) + 1, *h.shape[:-1], -1)


def _check(W_x, W_h, b, x, h, c):
    H, tasks, lead = W_h.shape[-2], W_h.shape[:-2], x.shape[:-2]
    if tasks and not (lead[: len(tasks)] == tasks and len(lead) > len(tasks)):
        raise ValueError(f"lstm: x must be (*{tasks}, N, T, D), as W_h has tasks; it is {x.shape}.")
    right = [(x.shape[-1], 4 * H), (H, 4 * H), (4 * H,)]
    right = [*((*tasks, *shape) for shape in right), (*lead, H), (*lead, H)]
    given = [a.shape for a in (W_x, W_h, b, h, c)]
    if given != right or 0 in x.shape:
        raise ValueError(
            f"lstm: for x {x.shape} and H = {H}, W_x, W_h, b, h, c must have the shapes "
            f"{', '.join(map(str, right))}; they have {', '.join(map(str, given))}."
        )
