"""Fisher information by brute force: a sum over every label of every example, derived by hand.

    F = 1/N sum_n sum_k p_k g g'      g = d log p(k | x_n) / d theta

Parameters are in the order of the leaves of nets.mlp: of each layer W, row by row, and then b. The
code is slow on purpose, because continual/fisher.py is compared with it.
Taught in lesson forgetting.
Source: Fisher 1922; Amari 1998, Natural Gradient Works Efficiently in Learning.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.trees import check_trainable


def one_layer(x, information):
    """F (P, P) of outputs x W + b, x (N, D), whose own information is `information` (N, C, C).

    The Jacobian of the outputs is (x, 1) kron I, so F is the mean of (x, 1)(x, 1)' kron
    information.
    """
    checks.array("x", x, "N D")
    checks.array("information", information, "N C C")
    checks.integer("the number of rows of x", len(x), at_least=1)
    checks.one_length("x", x, "information", information)
    ones = np.ones((len(x), 1))
    rows = np.concatenate([x, ones], axis=1)  # (N, D + 1)
    return sum(np.kron(np.outer(r, r), S) for r, S in zip(rows, information)) / len(x)


def softmax_information(outputs):
    """diag p - p p' for every row of outputs: (N, C, C)."""
    checks.array("outputs", outputs, "N C")
    p = _softmax(outputs)
    return np.stack([np.diag(row) - np.outer(row, row) for row in p])


def one_hidden_layer(params, x):
    """F (P, P) for labels ~ softmax(tanh(x W_1 + b_1) W_2 + b_2), with x (N, D) and two layers."""
    check_trainable("params", params)
    checks.array("x", x, "N D")
    checks.integer("the number of rows of x", len(x), at_least=1)
    checks.integer("the number of layers in params", len(params), at_least=2)
    first, second = params
    total = 0.0
    for row in x:
        h = np.tanh(row @ first["W"] + first["b"])
        p = _softmax(h @ second["W"] + second["b"])
        for k in range(len(p)):
            out = np.eye(len(p))[k] - p  # d log p_k / d outputs
            hidden = (second["W"] @ out) * (1.0 - h * h)
            g = np.concatenate([np.ravel(np.outer(row, hidden)), hidden,
                                np.ravel(np.outer(h, out)), out])  # fmt: skip
            total = total + p[k] * np.outer(g, g)
    return total / len(x)


def divergence(outputs, moved):
    """The mean over rows of KL(softmax(outputs) || softmax(moved)): a number."""
    checks.array("outputs", outputs, "N C")
    checks.array("moved", moved, "N C")
    checks.same_shape("outputs", outputs, "moved", moved)
    return np.mean(
        np.sum(_softmax(outputs) * (_log_softmax(outputs) - _log_softmax(moved)), axis=-1)
    )


def _softmax(outputs):
    return np.exp(_log_softmax(outputs))


def _log_softmax(outputs):
    shifted = outputs - np.max(outputs, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
