"""The meta-LSTM: a network's parameters are the cell state of an LSTM that adapts them to a task.

    meta:     theta, W_f, b_f, W_i, b_i         a start c_0 = theta, and two gates
    adapt:    c <- f c - i dL(c; support)       `steps` times, L the loss on the support
              f = sigmoid(W_f [read(dL), read(L), c, previous f] + b_f),   and i in the same way
    learn:    min  E_task L(c; query)           no second derivatives

The cell of an LSTM follows c <- f c + i g. With minus the gradient as g, the forget gate f shrinks
the parameters and the input gate i is a step size. Both are computed at every step for each
coordinate on its own, and all coordinates share the weights of the two gates. `read` is
log_and_sign, and the gates before the first step count as 0.

With W = 0 the gates do not depend on their inputs: f = 1 then gives SGD with step size i, bit for
bit, and f < 1 adds weight decay.

The meta-gradient treats gradients and losses inside as constants; `see=second_order` follows them.

Source: Ravi & Larochelle 2017, sections 3.2 to 3.4. Here the gates read their inputs directly; in
the paper a first LSTM layer reads gradient and loss for them. The authors' code differs from their
text in two ways: it feeds back the gates from before the sigmoid, where this file follows the text,
and it divides the mean gradient by the batch size once more. Fresh gates are as in that code:
weights within 0.01, b_f in (4, 5), so that f is 0.98 to 0.99, and b_i in (-5, -4), so that the step
size i is 0.007 to 0.02.  Lesson meta_lstm.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.contract import task_copies
from minimeta.core.gradients import constant, grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.nets.learner import network_learner
from minimeta.nets.lstm import sigmoid


def first_order(phi, support, net, loss):
    """What a step sees of the networks phi: losses (M,) and gradients, both as constants."""
    return constant(second_order(constant(phi), support, net, loss))


def second_order(phi, support, net, loss):
    """The same, but not as constants: the meta-gradient then includes the second derivatives."""
    losses = lambda phi: loss(net.apply(phi, support.x), support.y)  # (M,)
    return losses(phi), grad(lambda phi: np.sum(losses(phi)))(phi)


def learner(net, loss=mse, steps=5, see=first_order) -> Learner:
    """The meta-LSTM that adapts a network in `steps` updates."""
    checks.integer("steps", steps, at_least=0)
    checks.functions("net", net, "apply")
    inner = partial(adapt, net=net, loss=loss, steps=steps, see=see)
    return network_learner(net, inner, loss, partial(init, net=net))


def init(rng, net):
    """A fresh network as the start, and gates that make the update nearly SGD with weight decay."""
    checks.generator("rng", rng)
    checks.functions("net", net, "init")
    return {"start": net.init(rng), "forget": gate(rng, 4.0, 5.0), "input": gate(rng, -5.0, -4.0)}


def gate(rng, low, high):
    """A fresh gate with its bias in (low, high) and a weight for each of its six inputs."""
    weights = lambda size: rng.uniform(-0.01, 0.01, size=size)
    sizes = {"gradient": 2, "loss": 2, "parameter": 1, "before": 1}
    params = {name: weights(size) for name, size in sizes.items()}
    return to_device({**params, "b": rng.uniform(low, high, size=1)})


def adapt(meta, support, net, loss=mse, steps=5, see=first_order):
    """phi: the network of every task after its updates, a tree of leaves (M, ...)."""
    return trajectory(meta, support, net, loss, steps, see)[-1][0]


def trajectory(meta, support, net, loss=mse, steps=5, see=first_order):
    """[(phi, f, i), ...], the networks and the gates that led to them: steps + 1 triples."""
    phi = task_copies(net, meta["start"], support, "meta['start']")
    zeros = tree_map(np.zeros_like, constant(phi))
    path = [(phi, zeros, zeros)]
    for _ in range(steps):
        path.append(update(meta, *path[-1], *see(path[-1][0], support, net, loss)))
    return path


def update(meta, phi, forget, input, losses, gradient):
    """One step of the cell, c <- f c - i g: (phi, f, i), all trees like phi; losses are (M,)."""
    read = tree_map(lambda g: log_and_sign(g[..., None]), gradient)  # leaves (M, ..., 2)
    loss = log_and_sign(losses[:, None])  # (M, 2)
    forget = tree_map(partial(open_gate, meta["forget"], loss), read, phi, forget)
    input = tree_map(partial(open_gate, meta["input"], loss), read, phi, input)
    phi = tree_map(lambda c, f, i, g: f * c - i * g, phi, forget, input, gradient)
    return phi, forget, input


def open_gate(gate, loss, gradient, c, before):
    """How far a gate is open, from 0 to 1, for each coordinate c (M, ...) of a leaf: (M, ...)."""
    own = np.matmul(gradient, gate["gradient"]) + gate["parameter"] * c + gate["before"] * before
    per_task = (-1,) + (np.ndim(c) - 1) * (1,)  # (M, 1, ...)
    return sigmoid(own + np.reshape(np.matmul(loss, gate["loss"]), per_task) + gate["b"])
