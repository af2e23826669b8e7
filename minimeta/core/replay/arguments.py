"""Find what a function has changed in its arguments, and put it right.

The check of a replay compares two results. Where both are the argument itself, changed in place,
they are one object and tell nothing; therefore the arguments are compared with copies.
"""

import numpy

from minimeta.core.backend import to_host
from minimeta.core.replay.recording import is_array


def copy_parts(tree, name):
    """(name, x, copy) for every array, list and dict in the tree that can be changed in place."""
    if isinstance(tree, (list, tuple, dict)):
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        parts = [part for key, x in pairs for part in copy_parts(x, f"{name}[{key!r}]")]
        own = dict if isinstance(tree, dict) else list
        return parts + [(name, tree, own(tree))] * (not isinstance(tree, tuple))
    is_fixed = isinstance(tree, numpy.generic) or not getattr(
        getattr(tree, "flags", None), "writeable", True
    )
    return [(name, tree, tree.copy())] if is_array(tree) and not is_fixed else []


def restore(parts):
    """Put the copies back where anything has changed; return the names of what had."""
    changed = [part for part in parts if not is_as_before(*part[1:])]
    for _, x, copy in changed:
        if isinstance(x, dict):
            x.clear()
            x.update(copy)
        else:
            x[... if is_array(x) else slice(None)] = copy
    return [name for name, _, _ in changed]


def is_as_before(x, copy):
    """Whether an array has the numbers, and a list or a dict the objects, that it had."""
    if is_array(x):
        return to_host(x).tobytes() == to_host(copy).tobytes()
    if isinstance(x, dict):
        x, copy = [*x, *x.values()], [*copy, *copy.values()]
    return len(x) == len(copy) and all(a is b for a, b in zip(x, copy))
