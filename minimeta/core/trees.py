"""Parameter trees: dicts, lists and tuples of float arrays, and the few things done to them.

A tree stays a plain Python value. Sizes, names and flags are no parameters and do not belong in it.
"""

import math

import numpy
from autograd.builtins import isinstance, type  # a traced dict is no `dict` to Python's own
from autograd.tracer import getval, isbox

from minimeta.core import checks
from minimeta.core.backend import np


def tree_map(f, tree, *rest):
    """Apply f leaf by leaf to trees of one structure; return a tree of that structure."""
    if isinstance(tree, dict):
        for other in rest:
            _alike(tree, other, isinstance(other, dict) and set(other) == set(tree))
        return {key: tree_map(f, tree[key], *[other[key] for other in rest]) for key in tree}
    if isinstance(tree, (list, tuple)):
        for other in rest:
            _alike(tree, other, isinstance(other, (list, tuple)) and len(other) == len(tree))
        return _rebuilt(tree, [tree_map(f, *branches) for branches in zip(tree, *rest)])
    for other in rest:
        _alike(tree, other, not isinstance(other, (dict, list, tuple)))
    return f(tree, *rest)


def leaves(tree):
    """The leaves of a tree as a list, in the order of its keys and positions."""
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in leaves(tree[key])]
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def unflatten(tree, new_leaves):
    """A tree of the same structure whose leaves are taken, in order, from `new_leaves`."""
    remaining = iter(new_leaves)
    return tree_map(lambda _: next(remaining), tree)


def flatten(tree):
    """Every number of the tree as one vector: (P,)."""
    return np.concatenate([np.reshape(leaf, (-1,)) for leaf in leaves(tree)])


def like(tree, vector):
    """The tree of this structure and these shapes that flattens to the vector (P,).

    Axes in front of a vector (..., P) come in front of every leaf: one tree for each row.
    """
    if np.shape(vector)[-1] != size(tree):
        raise ValueError(f"vector must have {size(tree)} numbers; it has {np.shape(vector)[-1]}.")
    parts, first = [], 0
    for leaf in leaves(tree):
        last = first + math.prod(np.shape(leaf))
        parts.append(np.reshape(vector[..., first:last], (*np.shape(vector)[:-1], *np.shape(leaf))))
        first = last
    return unflatten(tree, parts)


def names(tree, name=""):
    """A printable path for every leaf, in the order of `leaves`: "[0]['W']", "[0]['b']", ..."""
    if isinstance(tree, dict):
        return [path for key in tree for path in names(tree[key], f"{name}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        return [path for i, branch in enumerate(tree) for path in names(branch, f"{name}[{i}]")]
    return [name]


def copies(tree, count):
    """Give every task its own copy: each leaf (...) becomes (count, ...).

    The copies are views. Differentiating a sum over tasks with respect to them gives every task its
    own gradient, because no leaf is shared.
    """
    return tree_map(lambda leaf: np.broadcast_to(leaf, (count, *np.shape(leaf))), tree)


def dot(tree, other):
    """The inner product of two trees of one structure and shapes, whatever the order of keys."""
    return sum(leaves(tree_map(_product, tree, other)))


def norm(tree):
    """The Euclidean length of all leaves together: a scalar."""
    return np.sqrt(dot(tree, tree))


def check_parameters(name, tree):
    """Raise unless every leaf is a float array or a Python float; say which leaf is not."""
    for path, leaf in zip(names(tree, name), leaves(tree)):
        value = getval(leaf)
        if type(value) is not float and not (checks.is_array(value) and value.dtype.kind == "f"):
            raise TypeError(
                f"{path} is {checks.describe(value)}; the leaves of a parameter tree are float "
                "arrays."
            )


def check_alike(name, tree, other_name, other):
    """Raise unless both trees have one structure and leaves of the same shapes."""
    mine, others = names(tree), names(other)
    if mine != others:
        alone = [f"{name}{path}" for path in mine if path not in others]
        alone += [f"{other_name}{path}" for path in others if path not in mine]
        only = f"only one has {alone[0]}" if alone else "their keys are in another order"
        raise ValueError(f"{name} and {other_name} must be trees of one structure; {only}.")
    for path, a, b in zip(names(tree), leaves(tree), leaves(other)):
        if np.shape(a) != np.shape(b):
            raise ValueError(
                f"{name}{path} has shape {np.shape(a)}, but {other_name}{path} has {np.shape(b)}."
            )


def check_trainable(name, tree):
    """Raise unless the tree can be trained and saved: arrays in plain dicts, lists and tuples."""
    if hasattr(tree, "_fields") or not isinstance(tree, (dict, list, tuple)):
        if not hasattr(tree, "dtype") or isinstance(tree, numpy.ma.MaskedArray):
            raise TypeError(
                f"{name} is {type(tree).__name__} {tree!r:.40}; parameters are float arrays in "
                "dicts, lists and tuples."
            )
        return check_parameters(name, tree)
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(tree, dict) and not isinstance(key, str):
            raise TypeError(f"{name} has the key {key!r}; the keys of parameters are strings.")
        check_trainable(f"{name}[{key!r}]", branch)


def size(tree):
    """How many numbers the tree holds."""
    return sum(math.prod(np.shape(leaf)) for leaf in leaves(tree))


def _product(a, b):
    if np.shape(a) != np.shape(b):
        raise ValueError(f"Leaves of one place have shapes {np.shape(a)} and {np.shape(b)}.")
    return np.sum(a * b)


def _rebuilt(tree, branches):
    """A container of the tree's kind: list, tuple, or a NamedTuple record such as Task."""
    return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)


def _alike(tree, other, same):
    if not same:
        raise ValueError(
            f"Trees differ: {_shown(tree)} stands where the other has {_shown(other)}."
        )


def _shown(tree):
    if isinstance(tree, dict):
        return f"a dict with keys {list(tree)}"
    if isinstance(tree, (list, tuple)):
        return f"a {type(tree).__name__} of length {len(tree)}"
    return (
        f"an array of shape {np.shape(tree)}"
        if isbox(tree) or hasattr(tree, "shape")
        else repr(tree)
    )
