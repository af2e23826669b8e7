"""Parameter trees as one long column, and slopes as a network can read them.

    coordinates(tree)      every number of every leaf in a row of its own: (P, 1)
    like(tree, column)     the way back
    log_and_sign(g, p)     max(log|g|, -p) / p    and    e^p g, cut off at -1 and 1

A slope may be 1e-6 or 1e3, and a network tells neither from its neighbours. Above e^-p it is passed
on as logarithm and sign, below as -1 and e^p g.

Source: Andrychowicz et al. 2016, where p is 10 in the text and 5 in the code.  Lesson 09.
"""

import math

from minimeta.core.backend import np
from minimeta.core.trees import leaves, unflatten


def coordinates(tree):
    """All numbers of a tree as a column: (P, 1)."""
    return np.concatenate([np.reshape(leaf, (-1, 1)) for leaf in leaves(tree)])


def like(tree, column):
    """The tree of this structure and these shapes whose `coordinates` are the column (P, 1)."""
    found, first = [], 0
    for shape in map(np.shape, leaves(tree)):
        last = first + math.prod(shape)
        found.append(np.reshape(column[first:last], shape))
        first = last
    return unflatten(tree, found)


def log_and_sign(g, p=10.0):
    """Two numbers for each slope: (P, 1) -> (P, 2)."""
    smallest = math.exp(-p)
    size = np.log(np.maximum(np.abs(g), smallest)) / p
    return np.concatenate([size, np.clip(g / smallest, -1.0, 1.0)], axis=-1)
