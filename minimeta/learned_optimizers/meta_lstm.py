"""The meta-LSTM: a network's parameters are the cell state of an LSTM that fits them to a task.

    meta:     theta, W_f, b_f, W_i, b_i         a start c_0 = theta, and two gates
    adapt:    c <- f c - i dL(c; support)       `steps` times, L the loss on the support
              f = sigmoid(W_f [read(dL), read(L), c, the f before] + b_f)      and i likewise
    learn:    min  E_task L(c; query)           no second derivatives

An LSTM's cell goes c <- f c + i g. With the slope as g, the forget gate f shrinks the parameters
and the input gate i is a step size; both are decided at every step, for each coordinate by itself.
All coordinates share the two gates. `read` is log_and_sign; the gates before the first are 0.

With W = 0 nothing is read: f = 1 makes it SGD of step i, bit for bit, and f < 1 adds weight decay.

Slopes and losses count as constants in the gradient of this (`see=second_order` follows them too).
Source: Ravi & Larochelle 2017, sections 3.2 to 3.4. The gates here read their inputs directly; in
the paper a first LSTM layer reads slope and loss for them. The authors' code differs from their
text: it feeds back the gates from before the sigmoid, where this file follows the text, and divides
the mean slope by the batch size once more. Fresh gates are as in that code: weights within 0.01,
b_f in (4, 5), which is f of 0.98 to 0.99, b_i in (-5, -4), a step of 0.007 to 0.02.  Lesson 10.
"""

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.gradients import constant, grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map
from minimeta.learned_optimizers.coordinates import log_and_sign
from minimeta.nets.lstm import sigmoid


def first_order(phi, support, net, loss):
    """What a step sees of the networks phi: losses (M,) and slopes, constant to every gradient."""
    return constant(second_order(constant(phi), support, net, loss))


def second_order(phi, support, net, loss):
    """The same, followed by gradients: the meta-gradient then has the second derivatives."""
    each = lambda phi: loss(net.apply(phi, support.x), support.y)  # (M,)
    return each(phi), grad(lambda phi: np.sum(each(phi)))(phi)


def learner(net, loss=mse, steps=5, see=first_order):
    """The meta-LSTM that fits a network in `steps` updates."""
    checks.integer("steps", steps, at_least=0)

    def adapt_to(meta, support):
        return adapt(meta, support, net, loss, steps, see)

    return Learner(
        lambda rng: init(rng, net), adapt_to, lambda meta, phi, x: net.apply(phi, x), loss
    )


def init(rng, net):
    """A fresh network as the start, and gates that make the update SGD with a little decay."""
    return {"start": net.init(rng), "forget": gate(rng, 4.0, 5.0), "input": gate(rng, -5.0, -4.0)}


def gate(rng, low, high):
    """A fresh gate, its bias in (low, high): a weight for each of its six inputs."""
    weights = lambda size: rng.uniform(-0.01, 0.01, size=size)
    sizes = {"slope": 2, "loss": 2, "parameter": 1, "before": 1}
    params = {name: weights(size) for name, size in sizes.items()}
    return to_device({**params, "b": rng.uniform(low, high, size=1)})


def adapt(meta, support, net, loss=mse, steps=5, see=first_order):
    """phi: the network of every task after its updates, a tree of leaves (M, ...)."""
    return trajectory(meta, support, net, loss, steps, see)[-1][0]


def trajectory(meta, support, net, loss=mse, steps=5, see=first_order):
    """[(phi, f, i), ...], the networks and the gates that led to them: steps + 1 of these."""
    phi = copies(meta["start"], len(support.x))
    zeros = tree_map(np.zeros_like, constant(phi))
    path = [(phi, zeros, zeros)]
    for _ in range(steps):
        path.append(update(meta, *path[-1], *see(path[-1][0], support, net, loss)))
    return path


def update(meta, phi, forget, input, losses, slopes):
    """One step of the cell: c <- f c - i g. Trees like phi, and the losses (M,)."""
    seen = tree_map(lambda g: log_and_sign(g[..., None]), slopes)  # leaves (M, ..., 2)
    loss = log_and_sign(losses[:, None])  # (M, 2)
    opened = lambda gate, before: tree_map(
        lambda *inputs: open_gate(gate, loss, *inputs), seen, phi, before
    )
    forget, input = opened(meta["forget"], forget), opened(meta["input"], input)
    phi = tree_map(lambda c, f, i, g: f * c - i * g, phi, forget, input, slopes)
    return phi, forget, input


def open_gate(gate, loss, slope, c, before):
    """How far a gate is open, for each coordinate c (M, ...) of a leaf: (M, ...)."""
    own = np.matmul(slope, gate["slope"]) + gate["parameter"] * c + gate["before"] * before
    per_task = (-1,) + (np.ndim(c) - 1) * (1,)  # (M, 1, ...)
    return sigmoid(own + np.reshape(np.matmul(loss, gate["loss"]), per_task) + gate["b"])
