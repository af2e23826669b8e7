"""What all families share: checks of their arguments, and the split into support and query."""

from minimeta.core import checks
from minimeta.core.backend import to_device
from minimeta.tasks.task import Data, Task


def generator(rng):
    """rng itself; raise TypeError unless it is a numpy.random.Generator."""
    checks.generator("rng", rng)
    return rng


def count(shots, queries):
    """How many examples a task needs; raise unless shots >= 0 and queries >= 1."""
    checks.integer("shots", shots, at_least=0)
    checks.integer("queries", queries, at_least=1)
    return shots + queries


def limits(name, pair):
    """The range (low, high); raise unless it is two finite numbers in this order."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"{name} must be a pair (low, high); it is {checks.describe(pair)}.")
    for end in pair:
        checks.number(f"each end of {name}", end)
    if pair[0] > pair[1]:
        raise ValueError(f"{name} must be a pair (low, high) with low <= high; it is {pair}.")
    return tuple(pair)


def split(x, y, shots):
    """A Task on the current device: the first `shots` examples are support, the others query."""
    return to_device(Task(Data(x[:, :shots], y[:, :shots]), Data(x[:, shots:], y[:, shots:])))
