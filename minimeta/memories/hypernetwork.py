"""A hypernetwork: one network reads the support and writes the weights of another.

    meta:     read, write            two networks
    adapt:    z = mean_i read([x_i, y_i])          a code of the whole support
              phi = write(z)                       all weights of `net`, one copy for each task
    predict:  net(phi, x)
    learn:    min  E_task  loss of the queries

There is no gradient in the inner loop, and no step after another: learning a task is one forward
pass. A mean does not depend on the order of the examples, so neither do the weights.

Where everything after the code is linear, y = sum_k z_k A_k x, the best A is least squares on the
products z_k x_d; `fit_linear` solves for it.

Source: Ha, Dai & Le 2016, arXiv:1609.09106, who generate the weights of layers; the code of the
support is this project's, as in conditional neural processes (Garnelo et al. 2018).
Lesson fast_weights.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import tree_map
from minimeta.nets import mlp
from minimeta.tasks.task import check_data


def learner(net, inputs, outputs=1, code=32, hidden=64, loss=mse) -> Learner:
    """A hypernetwork that writes the weights of `net`, a map from D inputs to C outputs.

    The reader is a perceptron of two hidden layers of `hidden` units; the code has `code` numbers.
    """
    checks.functions("net", net, "init", "apply")
    checks.function("loss", loss)
    for name, size in (("inputs", inputs), ("outputs", outputs), ("code", code)):
        checks.integer(name, size, at_least=1)
    checks.integer("hidden", hidden, at_least=1)
    reader = mlp([inputs + outputs, hidden, hidden, code])
    return Learner(
        partial(init, net=net, reader=reader, code=code),
        partial(adapt, reader=reader),
        partial(predict, net=net),
        loss,
    )


def init(rng, net, reader, code):
    """The reader, fresh weights of `net` as bias, and what each number of the code adds to them.

    So before training every task gets nearly the same fresh network.
    """
    checks.generator("rng", rng)
    bias = net.init(rng)
    draw = lambda leaf: 0.3 * code**-0.5 * rng.normal(size=(code, *leaf.shape))
    return {"read": reader.init(rng), "bias": bias, "write": to_device(tree_map(draw, bias))}


def encode(meta, support, reader):
    """The code (M, K) of a support x (M, S, D), y (M, S, C); zeros if it has no examples."""
    check_data("support", support)
    pairs = np.concatenate([support.x, support.y], axis=-1)
    return np.sum(reader.apply(meta["read"], pairs), axis=1) / max(1, np.shape(pairs)[1])


def adapt(meta, support, reader):
    """The weights of `net` for each task, a tree whose leaves are (M, ...)."""
    return write(meta, encode(meta, support, reader))


def write(meta, code):
    """The weights bias + sum_k z_k write_k of codes z (M, K): leaves (M, ...)."""
    M, K = np.shape(code)

    def one(bias, directions):
        moves = code @ np.reshape(directions, (K, -1))
        return bias + np.reshape(moves, (M, *np.shape(bias)))

    return tree_map(one, meta["bias"], meta["write"])


def predict(meta, state, x, net):
    """Answers (M, Q, C) of each task's own network to queries x (M, Q, D)."""
    return net.apply(state, x)


def fit_linear(codes, x, y):
    """The A (K, D, C) whose y = sum_k z_k x A_k is nearest to y (N, C), of codes z (N, K).

    The least squares of y on the K D products of a number of the code and an input x (N, D).
    """
    for name, part in (("codes", codes), ("x", x), ("y", y)):
        checks.array(name, part, "N K")
        checks.one_length("codes", codes, name, part)
    products = np.reshape(codes[:, :, None] * x[:, None, :], (len(x), -1))  # (N, K D)
    A, *_ = np.linalg.lstsq(products, y)
    return np.reshape(A, (codes.shape[1], x.shape[1], y.shape[1]))
