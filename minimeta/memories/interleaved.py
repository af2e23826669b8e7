"""The LSTM meta-learner that is shown each label with its own input: [x, 0] first, then [x, y].

    predict:  h_t W + b  with  h_t, c_t = LSTM(h, c; [x_t, 0])      the question alone
    observe:  h, c <- LSTM(h, c; [x_t, 0]), then LSTM(h, c; [x_t, y_t])

`minimeta.memories.recurrent` is shown y_t-1 with x_t, as published. It must first learn to hold an
input until its label comes. Here both are side by side, for twice as many steps.

Sources: Hochreiter, Younger & Conwell 2001 (the learner); Garg et al. 2022, arXiv:2208.01066 (the
order of what it reads).  Lesson `memory`.
"""

from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.memories import recurrent
from minimeta.memories.recurrent import cell_input, read
from minimeta.memories.tokens import pairs
from minimeta.nets import lstm


def learner(inputs, outputs=1, hidden=32, loss=mse) -> Learner:
    """The LSTM meta-learner of D inputs, C outputs and H hidden units, labels with their inputs."""
    fresh = recurrent.learner(inputs, outputs, hidden, loss).init
    return Learner(fresh, adapt, predict, loss, start, observe, predict_along)


def start(meta, x):
    """The state before any example of the M tasks that x (M, ...) belongs to: zeros."""
    zeros = np.zeros((len(x), np.shape(meta["read"]["W"])[0]), dtype=x.dtype)
    return {"h": zeros, "c": zeros}


def observe(meta, state, x, y):
    """The state after one more example of each task, x (M, D) and y (M, C): two steps."""
    for label in (0.0 * y, y):
        h, c = lstm.cell(meta["cell"], (state["h"], state["c"]), cell_input(meta, x, label))
        state = {"h": h, "c": c}
    return state


def adapt(meta, support):
    """The state after a support x (M, S, D), y (M, S, C): the fold of `observe`, in one call."""
    if np.shape(support.x)[1] == 0:
        return start(meta, support.x)
    _, (h, c) = lstm.lstm(meta["cell"], interleave(meta, support))
    return {"h": h, "c": c}


def predict(meta, state, x):
    """Answers (M, Q, C) to queries x (M, Q, D), each from the state as it is."""
    h, c = (np.expand_dims(state[part], 1) for part in ("h", "c"))
    unknown = np.zeros((*np.shape(x)[:-1], np.shape(meta["read"]["W"])[-1]), dtype=x.dtype)
    h, _ = lstm.cell(meta["cell"], (h, c), cell_input(meta, x, unknown))
    return read(meta, h)


def predict_along(meta, data):
    """The answer to each x_t (M, T, D) from the examples before it: (M, T, C)."""
    h, _ = lstm.lstm(meta["cell"], interleave(meta, data))
    return read(meta, h[:, ::2])


def interleave(meta, data):
    """What the cell reads, (M, 2 T, D + C): each x_t without its label, then with it."""
    cell_input(meta, data.x, data.y)  # refuses what does not fit
    return pairs(*data)
