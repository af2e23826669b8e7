"""What a01.py is asked; most functions are called with their arguments (the probe `call`)."""

from functools import reduce


def layers(student, given):
    """The product of all layers, and W'W of the first, which no choice of signs changes."""
    weights = student.balanced_layers(given["correlation"], given["start"], given["layers"])
    return [reduce(lambda a, b: a @ b, weights), weights[0].T @ weights[0], len(weights) + 0.0]
