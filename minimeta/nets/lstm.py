"""LSTM: a memory that every step writes to, erases and reads, by as much as three gates say.

    i, f, o = sigmoid(x W_x + h W_h + b)     what to write, to keep and to read
    g       = tanh(x W_x + h W_h + b)        what might be written
    c <- f c + i g                           the memory
    h <- o tanh(c)                           what is read of it

W_x (D, 4H), W_h (H, 4H) and b (4H) hold the four in the order i, f, g, o, PyTorch's. The equations
add nothing to f: a fresh b has ones there, so that a fresh LSTM remembers (Jozefowicz et al. 2015).

Sequences are x (..., T, D), a state is (h, c) of (..., H) each. `cell` is the equations and
`plain_lstm` a loop over it. `lstm` is the same, a whole sequence at once, back-propagated by hand:

    record = unrolled(...)          the gates, c and h of every step, kept for the way back
    states = remembered(..., record)       h_1 ... h_T, and c_T behind them
    slopes(q, ..., record)          of sum(q states), in all parameters and inputs, laid end to end

Its second derivatives are right, but slow: they differentiate `plain_lstm`.

Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

import math

import numpy
from autograd.extend import defvjp_argnums, primitive

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.gradients import grad
from minimeta.nets.layers import slopeless


def init(rng, inputs, hidden):
    """Fresh parameters: weights N(0, 1 / (D + H)); biases 0, but 1 for the gate that keeps."""
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


def cell(params, state, x):
    """The state (h, c) after one more input x (..., D)."""
    h, c = state
    b = params["b"] if np.ndim(params["b"]) == 1 else np.expand_dims(params["b"], -2)
    z = np.matmul(x, params["W_x"]) + np.matmul(h, params["W_h"]) + b  # (..., 4H)
    i, f, g, o = np.split(z, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * np.tanh(0.5 * z) + 0.5


def plain_lstm(params, x, state=None):
    """What `lstm` computes, one cell after the other."""
    state, read = start(params, x) if state is None else state, []
    for t in range(np.shape(x)[-2]):
        state = cell(params, state, x[..., t, :])
        read.append(state[0])
    return np.stack(read, axis=-2), state


def lstm(params, x, state=None):
    """A sequence x (..., T, D) -> h (..., T, H) after every step, and the state (h, c) after all.

    It begins with `state`, or with zeros. Parameters may carry task axes; x then begins with the
    same and has an axis of sequences behind them: (M, N, T, D).
    """
    state = start(params, x) if state is None else state
    args = params["W_x"], params["W_h"], params["b"], x, *state
    states = remembered(*args, unrolled(*args))  # (..., T + 1, H)
    return states[..., :-1, :], (states[..., -2, :], states[..., -1, :])


@slopeless
def unrolled(W_x, W_h, b, x, h, c):
    """The forward pass: gates (T, M, N, 4H), c and h (T, M, N, H), laid end to end."""
    _check(W_x, W_h, b, x, h, c)
    x, h, c = _by_time(W_h, x, h, c)
    W_x, W_h, b = _by_task(W_x, W_h, b)
    scale = _sigmoid_scale(b)  # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh for all four
    size = 6 * math.prod(x.shape[:-1]) * h.shape[-1]
    record = numpy.empty(size, numpy.result_type(x, W_h), like=x)
    gates, cs, hs = _sections(record, x, h)
    W_x, W_h, b = W_x * scale, W_h * scale, b * scale
    for x_now, z, c_next, h_next in zip(x, gates, cs, hs):
        numpy.matmul(x_now, W_x, out=z)
        z += b
        z += numpy.matmul(h, W_h)
        numpy.tanh(z, out=z)
        z *= scale
        z += 1 - scale
        i, f, g, o = _split(z)
        numpy.multiply(f, c, out=c_next)
        c_next += i * g
        numpy.multiply(o, numpy.tanh(c_next), out=h_next)
        h, c = h_next, c_next
    return record


@primitive
def remembered(W_x, W_h, b, x, h, c, record):
    """h after every step and c after the last: (..., T + 1, H)."""
    shape = (*x.shape[:-2], x.shape[-2] + 1, h.shape[-1])
    x, h, c = _by_time(W_h, x, h, c)
    _, cs, hs = _sections(record, x, h)
    states = numpy.empty((*h.shape[:-1], len(x) + 1, h.shape[-1]), hs.dtype, like=x)
    states[:, :, :-1] = hs.transpose(1, 2, 0, 3)
    states[:, :, -1] = cs[-1]
    return states.reshape(shape)


@primitive
def slopes(wanted, q, W_x, W_h, b, x, h, c, record):
    """The backward pass: the slopes of sum(q states) in the wanted ones of the six, end to end."""
    x, h, c = _by_time(W_h, x, h, c)
    W_x, W_h, b = _by_task(W_x, W_h, b)
    gates, cs, hs = _sections(record, x, h)
    q = q.reshape(*h.shape[:-1], len(x) + 1, h.shape[-1])
    dz, dh, dc = _back_through_time(q, W_h, c, gates, cs)
    found = {
        0: lambda: _columns(x, dz),
        1: lambda: _columns(h[None], dz[:1]) + _columns(hs[:-1], dz[1:]),
        2: lambda: dz.sum(axis=(0, 2)),
        3: lambda: numpy.matmul(dz, W_x.swapaxes(-1, -2)).transpose(1, 2, 0, 3),
        4: lambda: dh,
        5: lambda: dc,
    }
    return numpy.concatenate([found[k]().reshape(-1) for k in wanted])


def _back_through_time(q, W_h, c, gates, cs):
    """Slopes in every z, (T, M, N, 4H), and in the first h and c."""
    dz, W_back = numpy.empty_like(gates), W_h.swapaxes(-1, -2).copy()
    dh, dc = numpy.zeros_like(c), q[:, :, -1].copy()
    for t in reversed(range(len(gates))):
        (i, f, g, o), read = _split(gates[t]), numpy.tanh(cs[t])
        dh += q[:, :, t]
        dc += dh * o * (1 - read * read)
        d = numpy.subtract(1, gates[t], out=dz[t])
        d *= gates[t]  # the slope of a sigmoid; of tanh:
        d_i, d_f, d_g, d_o = _split(d)
        numpy.subtract(1, g * g, out=d_g)
        d_i *= dc * g
        d_f *= dc * (cs[t - 1] if t else c)
        d_g *= dc * i
        d_o *= dh * read
        dc *= f
        dh = numpy.matmul(d, W_back)
    return dz, dh, dc


def _plain_states(W_x, W_h, b, x, h, c):
    read, (_, c) = plain_lstm({"W_x": W_x, "W_h": W_h, "b": b}, x, (h, c))
    return np.concatenate([read, np.expand_dims(c, -2)], axis=-2)


def _plain_slopes(wanted, q, *args):
    found = grad(lambda args: np.sum(q * _plain_states(*args)))(args)
    return np.concatenate([np.reshape(found[k], (-1,)) for k in wanted])


def _slopes_of_states(wanted, states, args, _):
    def vjp(q):
        flat, found, first = slopes(wanted, q, *args), [], 0
        for shape in (args[k].shape for k in wanted):
            last = first + math.prod(shape)
            found.append(np.reshape(flat[first:last], shape))
            first = last
        return found

    return vjp


def _slopes_of_slopes(argnums, ans, args, _):
    wanted, moving = args[0], args[1:-1]  # all but the record, which follows from them
    plain = lambda r: lambda moving: np.sum(r * _plain_slopes(wanted, *moving))
    return lambda r: [grad(plain(r))(moving)[k - 1] for k in argnums]


defvjp_argnums(remembered, _slopes_of_states)
defvjp_argnums(slopes, _slopes_of_slopes)


def _by_time(W_h, x, h, c):
    """x as (T, M, N, D) and the states as (M, N, H): M = 1 if all share the parameters."""
    tasks, steps = math.prod(W_h.shape[:-2]), x.shape[-2]
    sequences = math.prod(x.shape[:-2]) // tasks
    x = x.reshape(tasks, sequences, steps, x.shape[-1]).transpose(2, 0, 1, 3)
    return x, *(s.reshape(tasks, sequences, s.shape[-1]) for s in (h, c))


def _by_task(W_x, W_h, b):
    """The parameters as (M, D, 4H), (M, H, 4H) and (M, 1, 4H)."""
    tasks = math.prod(W_h.shape[:-2])
    as_tasks = lambda W: W.reshape(tasks, *W.shape[-2:])
    return as_tasks(W_x), as_tasks(W_h), as_tasks(b[..., None, :])


def _sections(record, x, h):
    """The gates (T, M, N, 4H), c and h (T, M, N, H) in a record."""
    size = len(x) * h.size
    c_and_h = (record[k * size : (k + 1) * size].reshape(len(x), *h.shape) for k in (4, 5))
    return record[: 4 * size].reshape(len(x), *h.shape[:-1], -1), *c_and_h


def _split(z):
    H = z.shape[-1] // 4
    return [z[..., k * H : (k + 1) * H] for k in range(4)]


def _sigmoid_scale(b):
    """1/2 for the sigmoids, 1 for the tanh."""
    scale = numpy.ones_like(b)
    scale *= 0.5
    _split(scale)[2][...] = 1.0
    return scale


def _columns(a, dz):
    """The sum over time and sequences of a' dz: (T, M, N, D), (T, M, N, 4H) -> (M, D, 4H)."""
    rows = lambda a: a.transpose(1, 0, 2, 3).reshape(a.shape[1], -1, a.shape[-1])
    return numpy.matmul(rows(a).swapaxes(-1, -2), rows(dz))


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
