"""Several optimizers at work on one parameter tree, each on its group of leaves.

    grouped({"weights": adam(1e-3), "biases": sgd(0.1)}, lambda name: ...)

Learned ones as well: for images, Andrychowicz et al. 2016 train one LSTM for the kernels of
convolutions and one for all the rest (in their code that includes the convolutions' biases).

Source: their experiments on CIFAR-10.  Lesson 09.
"""

from minimeta.core.optim import Optimizer
from minimeta.core.trees import leaves, names, unflatten


def grouped(optimizers, group):
    """One Optimizer of several; group(name) -> key of the leaf of that name, like "[0]['W']".

    Raises ValueError for a leaf of no known group and for a group without leaves.
    """

    def init(theta):
        return {key: optimizers[key].init(part) for key, part in parts(theta, optimizers, group)}

    def update(g, state, theta):
        slopes, moved, new = dict(parts(g, optimizers, group)), {}, {}
        for key, part in parts(theta, optimizers, group):
            moved[key], new[key] = optimizers[key].update(slopes[key], state[key], part)
        return unflatten(theta, [moved[group(name)][name] for name in names(theta)]), new

    return Optimizer(init, update)


def parts(tree, optimizers, group):
    """(key, {name: leaf}) for every group."""
    found = {key: {} for key in optimizers}
    for name, leaf in zip(names(tree), leaves(tree)):
        if group(name) not in found:
            raise ValueError(
                f"The leaf {name} is in group {group(name)!r}; there are optimizers for "
                f"{', '.join(map(repr, found))}."
            )
        found[group(name)][name] = leaf
    for key, part in found.items():
        if not part:
            raise ValueError(f"The group {key!r} has no leaf; the leaves are {names(tree)}.")
    return list(found.items())
