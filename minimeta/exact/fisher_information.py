"""Fisher information by brute force: a sum over every label of every example, derived by hand.

    F = 1/N sum_n sum_k p_k g g'      g = d log p(k | x_n) / d theta

Parameters are in the order of the leaves of nets.mlp: of each layer W, row by row, and then b. The
code is slow on purpose, because continual/fisher.py is compared with it.  Taught in lesson 21.
Source: Fisher 1922; Amari 1998, Natural Gradient Works Efficiently in Learning.
"""

from minimeta.core.backend import np


def one_layer(x, information):
    """F (P, P) of outputs x W + b, x (N, D), whose own information is `information` (N, C, C).

    The Jacobian of the outputs is (x, 1) kron I, so F is the mean of (x, 1)(x, 1)' kron
    information.
    """
    ones = np.ones((len(x), 1))
    rows = np.concatenate([x, ones], axis=1)  # (N, D + 1)
    return sum(np.kron(np.outer(r, r), S) for r, S in zip(rows, information)) / len(x)


def softmax_information(outputs):
    """diag p - p p' for every row of outputs: (N, C, C)."""
    p = _softmax(outputs)
    return np.stack([np.diag(row) - np.outer(row, row) for row in p])


def one_hidden_layer(params, x):
    """F (P, P) for labels ~ softmax(tanh(x W_1 + b_1) W_2 + b_2), with x (N, D) and two layers."""
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
    p, q = _softmax(outputs), _softmax(moved)
    return np.mean(np.sum(p * np.log(p / q), axis=-1))


def _softmax(outputs):
    e = np.exp(outputs - np.max(outputs, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)
