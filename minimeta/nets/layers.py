"""The layers networks are made of, each over any leading axes."""

from minimeta.core.backend import np


def linear(x, W, b):
    """x W + b:  x (..., N, D), W (..., D, C), b (..., C)  ->  (..., N, C)."""
    return np.matmul(x, W) + b[..., None, :]


def relu(x):
    """max(x, 0), element by element."""
    return np.maximum(x, 0.0)
