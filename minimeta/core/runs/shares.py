"""The tasks of one step in shares, each in a thread of its own: several cores work on one step.

    f(meta, data) = sum_i  M_i / M  f(meta, share_i)          M_i tasks in share i, M in all

That holds for values and gradients that are means over the tasks. NumPy releases Python's lock in
its kernels, so threads pay where the arrays are large. The sum is taken in the order of the shares:
the same number of them gives the same bits.
"""

import numpy

from minimeta.core.backend import carry
from minimeta.core.trees import leaves, tree_map


def share_out(programs, executor):
    """value_and_gradient(meta, data) whose shares of the tasks the programs follow side by side.

    programs: functions (meta, data) -> (value, gradient), each for a thread of its own. Axis 0 of
    every array of the data is M. With fewer tasks than programs, some programs have nothing to do.
    """

    def follow(meta, data):
        parts, weights = split(data, len(programs))
        calls = [executor.submit(carry(f), meta, part) for f, part in zip(programs, parts)]
        outcomes = [call.result() for call in calls]
        mean = lambda *parts: sum(weight * part for weight, part in zip(weights, parts))
        return mean(*[value for value, _ in outcomes]), tree_map(
            mean, *[gradient for _, gradient in outcomes]
        )

    return follow


def split(data, count):
    """The data in at most `count` shares of tasks, and how much of all tasks each has."""
    lengths = {leaf.shape[0] if leaf.ndim else None for leaf in leaves(data)}
    if len(lengths) != 1 or None in lengths or 0 in lengths:
        raise ValueError(
            "To share out the tasks, axis 0 of every array of the data must be the same M of at "
            f"least 1; the arrays have {sorted(leaf.shape for leaf in leaves(data))}."
        )
    (M,) = lengths
    edges = numpy.linspace(0, M, min(count, M) + 1).round().astype(int)
    pieces = list(zip(edges[:-1], edges[1:]))
    parts = [tree_map(lambda leaf, a=a, b=b: leaf[a:b], data) for a, b in pieces]
    return parts, [float(b - a) / M for a, b in pieces]
