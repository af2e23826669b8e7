"""An LSTM that reads gradients and answers with steps: learning to learn by gradient descent.

    meta:     LSTM layers, and W                   shared by every coordinate of every leaf
    state:    (h, c) of each layer                 one for each coordinate
    update:   (h, c) <- LSTM(h, c; preprocess(g));   theta <- theta + scale h W
    learn:    min  E_problem  sum_t w_t f(theta_t)     see training.py and lstm_training.py

All coordinates of all leaves and tasks form one batch for the LSTM. A trained one therefore fits
parameters of any shape: `optimizer(meta)` is an init/update pair like those of core/optim.py. Two
special cases are well known, and equal bit for bit: without layers and preprocessing it is SGD, and
with one `linear_cell` of one unit it is momentum.

Source: Andrychowicz et al. 2016, with their two layers of 20 units. For networks their code scales
the steps by 0.01; for quadratics it takes scale 1 and no preprocessing. The scale of 0.1 and the
memories of a fresh LSTM are this project's choice.  Lesson learned_optimizers.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.contract import task_copies
from minimeta.core.gradients import constant
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.optim import Optimizer
from minimeta.core.trees import flatten, leaves, like, size, tree_map
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.learned_optimizers.training import trajectory
from minimeta.nets import lstm
from minimeta.nets.learner import network_learner


def init(rng, layers=2, hidden=20, inputs=2, memory=20):
    """Fresh layers, and W of zeros, so that before training every step is zero.

    `inputs` is how many numbers preprocessing makes of a gradient: 2 for log_and_sign, 1 for none.
    Each unit starts with a memory of m steps, m - 1 uniform between 1 and `memory`: its forget gate
    is at 1 - 1 / m and its input gate at 1 / m (Tallec & Ollivier 2018).
    """
    checks.generator("rng", rng)
    checks.integer("layers", layers, at_least=0)
    checks.integer("hidden", hidden, at_least=1)
    checks.integer("inputs", inputs, at_least=1)
    checks.number("memory", memory, above=1.0)
    sizes, cells = [inputs] + layers * [hidden], []
    for D, H in zip(sizes, sizes[1:]):
        odds = numpy.log(rng.uniform(1.0, memory, size=H))
        gates = numpy.concatenate([-odds, odds, 0.0 * odds, 0.0 * odds])
        cells.append({**lstm.init(rng, D, H), "b": to_device(gates)})
    return {"layers": cells, "W": np.zeros((sizes[-1], 1))}


def optimizer(meta, preprocess=log_and_sign, scale=0.1, cell=lstm.cell):
    """The LSTM of these meta-parameters as an Optimizer.

    preprocess maps gradients (P, 1) to inputs (P, inputs). cell(params, state, x) -> state is that
    of nets/lstm.py, or one with the same arguments.
    """

    checks.entries("meta", meta, "W")
    checks.quantity("scale", scale)

    def start(theta):
        zeros = lambda H: np.zeros((size(theta), H), dtype=leaves(theta)[0].dtype)
        return [2 * (zeros(np.shape(params["W_h"])[0]),) for params in meta["layers"]]

    def update(g, state, theta):
        x, new = preprocess(np.reshape(flatten(g), (-1, 1))), []  # (P, inputs)
        for params, before in zip(meta["layers"], state):
            new.append(cell(params, before, x))
            x = new[-1][0]  # (P, H)
        step = like(theta, scale * np.reshape(np.matmul(x, meta["W"]), (-1,)))
        return tree_map(np.add, theta, step), new

    return Optimizer(start, update)


def linear_cell(params, state, x):
    """h <- x W_x + h W_h: an LSTM's cell without its gates."""
    h = np.matmul(x, params["W_x"]) + np.matmul(state[0], params["W_h"])
    return h, h


def learner(
    net, loss=mse, steps=20, through=constant, preprocess=log_and_sign, scale=0.1, **sizes
) -> Learner:
    """A few-shot learner: the LSTM trains the network on the support for `steps` steps.

    The start is learned too, which the paper draws at random. `sizes` are options of `init`.
    """

    checks.integer("steps", steps, at_least=1)
    checks.number("scale", scale)

    def adapt(meta, support):
        f = lambda phi, t: loss(net.apply(phi, support.x), support.y)
        update = optimizer(meta["update"], preprocess, scale)
        begin = task_copies(net, meta["start"], support, "meta['start']")
        return trajectory(update, begin, f, steps, through=through)[-1]

    fresh = lambda rng: {"start": net.init(rng), "update": init(rng, **sizes)}
    return network_learner(net, adapt, loss, fresh)
