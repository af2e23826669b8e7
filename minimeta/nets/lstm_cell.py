"""One step of an LSTM: a memory that gates write to, erase and read.

    i, f, o = sigmoid(x W_x + h W_h + b)     how much to write, to keep and to read
    g       = tanh(x W_x + h W_h + b)        what might be written
    c <- f c + i g                           the memory
    h <- o tanh(c)                           what is read of it

W_x (D, 4H), W_h (H, 4H) and b (4H) hold the four in the order i, f, g, o, PyTorch's. `plain_cell`
is these equations. `cell` computes the same faster, with two primitives and their gradients:

    gates = activate(z)         (..., 4H) -> (4, ..., H)   activation_gradient(g, gates), (..., 4H)
    states = update(gates, c)   h and c, (2, ..., H)       update_gradient(q, gates, c), (5, ..., H)

Both gradients are differentiated as the formulas that they are, to any order.

Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

import numpy
from autograd.extend import defvjp, defvjp_argnums

from minimeta.core import checks
from minimeta.core.backend import np, primitive
from minimeta.core.gradients import grad
from minimeta.nets.layers import linear

SIGMOIDS, TANH = (slice(0, 2), slice(3, 4)), 2  # where they are in the order i, f, g, o


def plain_cell(params, state, x):
    """The state (h, c) after one more input x (..., D)."""
    h, c = state
    b = params["b"] if np.ndim(params["b"]) == 1 else np.expand_dims(params["b"], -2)
    z = np.matmul(x, params["W_x"]) + np.matmul(h, params["W_h"]) + b  # (..., 4H)
    i, f, g, o = np.split(z, 4, axis=-1)
    return step(sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o), c)


def check_state(state):
    """state, which must be a pair (h, c) of arrays of floats."""
    if not isinstance(state, (tuple, list)) or len(state) != 2:
        raise TypeError(f"state must be a pair (h, c); it is {checks.describe(state)}.")
    checks.floats("state[0]", state[0])
    checks.floats("state[1]", state[1])
    return state


def check_cell(params, x):
    """Raise unless params hold the arrays of a cell and x is an array of floats."""
    checks.entries("params", params, "W_x", "W_h", "b")
    checks.floats("x", x)


def step(i, f, g, o, c):
    """h and c after a step with these gates."""
    c = f * c + i * g
    return o * np.tanh(c), c


def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * np.tanh(0.5 * z) + 0.5


def cell(params, state, x):
    """What `plain_cell` computes: the state (h, c) after one more input x (..., D)."""
    check_cell(params, x)
    h, c = check_state(state)
    if np.ndim(x) < 2 or np.shape(x)[:-1] != np.shape(h)[:-1]:
        return plain_cell(params, state, x)
    W = np.concatenate([params["W_x"], params["W_h"]], axis=-2)
    z = linear(np.concatenate([x, h], axis=-1), W, params["b"])
    states = update(activate(z), c)
    return states[0], states[1]


@primitive
def activate(z):
    """The gates: sigmoid of i, f and o, tanh of g."""
    H = z.shape[-1] // 4
    y = z.reshape(-1, 4, H).swapaxes(0, 1).copy()  # (4, rows, H)
    for part in SIGMOIDS:
        y[part] *= 0.5  # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh for all four
    numpy.tanh(y, out=y)
    for part in SIGMOIDS:
        y[part] *= 0.5
        y[part] += 0.5
    return y.reshape(4, *z.shape[:-1], H)


@primitive
def activation_gradient(g, gates):
    """g y (1 - y) for the sigmoids, g (1 + y) (1 - y) for the tanh, as (..., 4H) again."""
    gradient = 1 - gates
    for part in SIGMOIDS:
        gradient[part] *= gates[part]
    gradient[TANH] *= 1 + gates[TANH]
    gradient *= g
    H = g.shape[-1]
    return gradient.reshape(4, -1, H).swapaxes(0, 1).reshape(*g.shape[1:-1], 4 * H)


def _derivative(gates):
    """y (1 - y) and (1 + y) (1 - y), in functions that have derivatives of any order."""
    return np.stack([((k == TANH) + gates[k]) * (1.0 - gates[k]) for k in range(4)])


def _curvature(gates):
    """The derivative of these in y: 1 - 2 y and -2 y."""
    return np.stack([(0.0 if k == TANH else 1.0) - 2.0 * gates[k] for k in range(4)])


defvjp(activate, lambda gates, z: lambda g: activation_gradient(g, gates))
defvjp(
    activation_gradient,
    lambda ans, g, gates: lambda q: by_gate(q) * _derivative(gates),
    lambda ans, g, gates: lambda q: by_gate(q) * g * _curvature(gates),
)


@primitive
def update(gates, c):
    """h and c after a step, of the gates (4, ..., H) and the c before: (2, ..., H)."""
    states = numpy.empty((2, *c.shape), gates.dtype, like=gates)
    i, f, g, o = gates
    h_next, c_next = states
    numpy.multiply(f, c, out=c_next)
    c_next += i * g  # c <- f c + i g
    numpy.multiply(o, numpy.tanh(c_next), out=h_next)  # h <- o tanh(c)
    return states


@primitive
def update_gradient(q, gates, c):
    """The gradient of sum(q update(gates, c)): in the gates and, behind them, in c."""
    gradient = numpy.empty((5, *c.shape), gates.dtype, like=gates)
    d_i, d_f, d_g, d_o, d_c = gradient
    i, f, g, o = gates
    dh, dc = q
    tanh_c = numpy.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - tanh_c * tanh_c)  # through h as well
    numpy.multiply(dc, g, out=d_i)
    numpy.multiply(dc, c, out=d_f)
    numpy.multiply(dc, i, out=d_g)
    numpy.multiply(dc, f, out=d_c)
    numpy.multiply(dh, tanh_c, out=d_o)
    return gradient


def _plain_gradient(q, gates, c):
    def total(args):
        gates, c = args
        h, c = step(*[gates[k] for k in range(4)], c)
        return np.sum(q[0] * h + q[1] * c)

    of_gates, of_c = grad(total)((gates, c))
    return np.concatenate([of_gates, np.expand_dims(of_c, 0)])


def _gradient_of_update(wanted, states, args, _):
    def vjp(q):
        gradient = update_gradient(q, *args)
        return [gradient[4] if k else gradient[:4] for k in wanted]

    return vjp


def _gradient_of_gradient(wanted, gradient, args, _):
    f = lambda r: lambda args: np.sum(r * _plain_gradient(*args))
    return lambda r: [grad(f(r))(args)[k] for k in wanted]


defvjp_argnums(update, _gradient_of_update)
defvjp_argnums(update_gradient, _gradient_of_gradient)


def by_gate(a):
    """(..., 4H) as (4, ..., H)."""
    return np.moveaxis(np.reshape(a, (*np.shape(a)[:-1], 4, np.shape(a)[-1] // 4)), -2, 0)
