"""LSTM: a memory that every step writes to, erases and reads, by as much as three gates say.

    c <- f c + i g       the memory; the gates i, f, o and g follow from the input x and from h
    h <- o tanh(c)       what is read of the memory

One such step is a `cell`, see lstm_cell.py. W_x (D, 4H), W_h (H, 4H) and b (4H) hold the four gates
in the order i, f, g, o, PyTorch's. The equations add nothing to f: a fresh b has ones there, so
that a fresh LSTM remembers (Jozefowicz et al. 2015).

Sequences are x (..., T, D), a state is (h, c) of (..., H) each. `plain_lstm` is a loop over plain
cells. `lstm` computes the same for a whole sequence at once and is back-propagated by hand:

    record = forward_pass(...)           o, i, f, g, c and [h x 1] of every step
    states = select_states(..., record)  h_1 ... h_T, and c_T behind them
    backward_pass(q, ..., record)        the gradient of sum(q states) in all parameters and inputs

Each of the three returns one array (numbers,), in which several arrays are laid end to end. Inside,
the axis of sequences is the last, (M, H, N). Then one product makes all four gates of a step, and
each gate is one piece of memory, on which NumPy is fastest.

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

SHARED = 2**13  # numbers of z up to which several short steps share one product in backward_pass


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
    states, size = select_states(*args, forward_pass(*args)), math.prod(state[1].shape)
    read = np.reshape(states[:-size], (*x.shape[:-1], -1))  # (..., T, H)
    return read, (read[..., -1, :], np.reshape(states[-size:], state[1].shape))


@constant_primitive
def forward_pass(W_x, W_h, b, x, h, c):
    """[o i f g c'] and [h' x 1] of every step, laid end to end; h' and c' are those before it."""
    W = _weights(W_x, W_h, b)
    x, h, c = _by_time(W_h, x, h, c)
    M, H, N = h.shape
    W[..., : 3 * H] *= 0.5  # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh makes all four gates
    W = W.swapaxes(-1, -2)
    record = numpy.empty(_size(x, h), W.dtype, like=x)
    blocks, rows = _sections(record, x, h)
    columns = _columns(x, h, W.dtype)
    blocks[-1] = 0  # this block is behind the last step, for the c after it
    blocks[0, 4] = c

    z, p = numpy.empty((M, 4 * H, N), W.dtype, like=x), numpy.empty_like(blocks[0, 0])
    z_by_gate = _by_gate(z)
    before = zip(columns, blocks[:, :4], blocks[:, :3], _each(blocks))
    after = zip(blocks[1:, 4], columns[1:, :, :H])
    for (column, gates, sigmoids, (o, i, f, g, c)), (c_next, h_next) in zip(before, after):
        numpy.matmul(W, column, out=z)
        numpy.tanh(z_by_gate, out=gates)
        sigmoids *= 0.5
        sigmoids += 0.5
        numpy.multiply(i, g, out=p)
        numpy.multiply(f, c, out=c_next)
        c_next += p  # c <- f c + i g
        numpy.tanh(c_next, out=p)
        numpy.multiply(o, p, out=h_next)  # h <- o tanh(c)
    rows[...] = columns.swapaxes(-1, -2)
    return record


@primitive
def select_states(W_x, W_h, b, x, h, c, record):
    """h after every step, (..., T, H), and behind them c after the last, (..., H)."""
    x, h, c = _by_time(W_h, x, h, c)
    blocks, rows = _sections(record, x, h)
    states = numpy.empty(h.size * (len(x) + 1), record.dtype, like=x)
    read, last = _split(states, h)
    read[...] = rows[1:, ..., : h.shape[1]].swapaxes(-1, -2)
    last[...] = blocks[-1, 4]
    return states


@primitive
def backward_pass(wanted, q, W_x, W_h, b, x, h, c, record):
    """The gradient of sum(q states) in the wanted ones of the six, laid end to end."""
    W = _weights(W_x, W_h, b)
    x, h, c = _by_time(W_h, x, h, c)
    blocks, rows = _sections(record, x, h)
    (M, K, _), H = W.shape, h.shape[1]
    wants_weights, wants_x = min(wanted) < 3, 3 in wanted

    dW = numpy.zeros((M, 4 * H, K), W.dtype, like=x)
    dx = numpy.empty(x.shape, W.dtype, like=x)
    used = W[:, :-1] if wants_x else W[:, :H]  # the gradient in x is seldom wanted
    for steps, dz, before in _back_through_time(*_split(q, h), used, blocks):
        if wants_weights:
            dz = dz.transpose(1, 2, 0, 3).reshape(M, 4 * H, -1)  # the steps side by side
            dW += numpy.matmul(dz, rows[steps].swapaxes(0, 1).reshape(M, -1, K))
        if wants_x:
            dx[steps] = before[0][:, :, H:]

    dW = numpy.concatenate([dW[:, H:], dW[:, :H]], axis=1)  # from o, i, f, g to i, f, g, o
    dW = dW.swapaxes(-1, -2)  # (M, H + D + 1, 4H)
    dx = dx.transpose(1, 3, 0, 2)  # (M, N, T, D)
    dh, dc = before[0][0, :, :H].swapaxes(-1, -2), before[1].swapaxes(-1, -2)  # (M, N, H)
    parts = [dW[:, H:-1], dW[:, :H], dW[:, -1], dx, dh, dc]
    return numpy.concatenate([parts[k].reshape(-1) for k in wanted])


def _back_through_time(q, dc, W, blocks):
    """From the last steps to the first, a few at a time: which, the gradients in their z, those in
    the [h x] before each of them, and that in the c before the first."""
    T, M, H, N = q.shape
    shared = min(T, 1 + SHARED // (4 * M * H * N))
    dz = numpy.empty((shared, M, 4 * H, N), blocks.dtype, like=blocks)
    by_gate = dz.reshape(shared, M, 4, H, N).swapaxes(1, 2)
    before = numpy.empty((shared, M, W.shape[1], N), blocks.dtype, like=blocks)
    outs = list(zip(dz, _each(by_gate), by_gate[:, :3], before, before[:, :, :H]))
    steps = list(zip(range(T), q.copy(), _each(blocks), blocks[:, :3], blocks[1:, 4]))
    dc, (later, dh, p, tanh_c) = dc.copy(), numpy.zeros((4, M, H, N), blocks.dtype, like=blocks)
    for t, q_t, block, sigmoids, c in reversed(steps):
        dz_t, d_gates, d_sigmoids, before_t, h_before = outs[t % shared]
        numpy.add(later, q_t, out=dh)
        numpy.subtract(1, sigmoids, out=d_sigmoids)
        numpy.tanh(c, out=tanh_c)
        _back_through_step(dh, dc, p, tanh_c, block, d_gates)
        numpy.matmul(W, dz_t, out=before_t)
        later = h_before
        if t % shared == 0:
            n = min(shared, T - t)
            yield slice(t, t + n), dz[:n], (before[:n], dc)


def _back_through_step(dh, dc, p, tanh_c, block, d_gates):
    """Change d_gates, which begin as 1 - o, 1 - i, 1 - f, to the gradients in z, and dc, which is
    that in c, to that in c' before. With h = o tanh(c), c = f c' + p and p = i g, those in z are

        dh h (1 - o),  dc p (1 - i),  dc f c' (1 - f),  dc (i - p g)    for o, i, f and g.

    The arrays dh and p hold nothing of use afterwards.
    """
    o, i, f, g, c = block
    d_o, d_i, d_f, d_g = d_gates
    dh *= o
    numpy.multiply(dh, tanh_c, out=p)
    d_o *= p  # dh h (1 - o)
    p *= tanh_c
    dh -= p
    dc += dh  # as c changes h: dh o (1 - tanh(c)^2)
    numpy.multiply(dc, i, out=dh)
    numpy.multiply(dh, g, out=p)
    d_i *= p  # dc p (1 - i)
    p *= g
    numpy.subtract(dh, p, out=d_g)  # dc (i - p g)
    dc *= f  # from here on the gradient in c'
    numpy.multiply(dc, c, out=p)
    d_f *= p  # dc f c' (1 - f)


def _plain_states(W_x, W_h, b, x, h, c):
    read, (_, c) = plain_lstm({"W_x": W_x, "W_h": W_h, "b": b}, x, (h, c))
    return np.concatenate([np.reshape(read, (-1,)), np.reshape(c, (-1,))])


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
    """x as (T, M, D, N), h and c as (M, H, N): M = 1 if all share the parameters."""
    tasks, H = math.prod(W_h.shape[:-2]), h.shape[-1]
    sequences = math.prod(x.shape[:-2]) // tasks
    x = x.reshape(tasks, sequences, *x.shape[-2:]).transpose(2, 0, 3, 1)
    h, c = (state.reshape(tasks, sequences, H).swapaxes(-1, -2) for state in (h, c))
    return x, h, c


def _by_gate(z):
    """(M, 4H, N) as (4, M, H, N)."""
    M, H, N = z.shape
    return z.reshape(M, 4, H // 4, N).swapaxes(0, 1)


def _each(blocks):
    """Step by step, the parts of blocks (T, parts, ...)."""
    return zip(*blocks.swapaxes(0, 1))


def _weights(W_x, W_h, b):
    """[W_h; W_x; b] as (M, H + D + 1, 4H): gate by gate, the three sigmoids first: o, i, f, g."""
    tasks, H = math.prod(W_h.shape[:-2]), W_h.shape[-2]
    W = numpy.concatenate([W_h, W_x, b[..., None, :]], axis=-2)  # (..., H + D + 1, 4H)
    W = W.reshape(tasks, -1, 4 * H)
    return numpy.concatenate([W[..., 3 * H :], W[..., : 3 * H]], axis=-1)


def _columns(x, h, dtype):
    """[h x 1] of every step, (T + 1, M, H + D + 1, N): one product with it makes all gates.

    Only the first h is filled in: forward_pass writes the others. Behind the last step, x is 0.
    """
    (T, M, D, N), H = x.shape, h.shape[1]
    columns = numpy.empty((T + 1, M, H + D + 1, N), dtype, like=x)
    columns[0, :, :H] = h
    columns[:-1, :, H:-1] = x
    columns[-1, :, H:-1] = 0
    columns[:, :, -1] = 1
    return columns


def _size(x, h):
    """How many numbers a record holds."""
    (T, M, D, N), H = x.shape, h.shape[1]
    return (T + 1) * M * N * (5 * H + H + D + 1)


def _sections(record, x, h):
    """The blocks (T + 1, 5, M, H, N) and the rows (T + 1, M, N, H + D + 1) in it."""
    steps, (M, H, N) = len(x) + 1, h.shape
    size = steps * 5 * h.size
    return record[:size].reshape(steps, 5, M, H, N), record[size:].reshape(steps, M, N, -1)


def _split(states, h):
    """h (T, M, H, N) after every step and c (M, H, N) after the last, as states hold them."""
    M, H, N = h.shape
    read = states[: -h.size].reshape(M, N, -1, H).transpose(2, 0, 3, 1)
    return read, states[-h.size :].reshape(M, N, H).swapaxes(-1, -2)


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
