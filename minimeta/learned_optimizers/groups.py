"""Several optimizers for one parameter tree, each for a group of leaves.

    combine({"weights": adam(1e-3), "biases": sgd(0.1)}, lambda name: ...)

Any optimizers can be combined, learned ones as well. For images, Andrychowicz et al. 2016 train one
LSTM for the kernels of convolutions and another for all other parameters; in their code the biases
of the convolutions are among the others.

Source: their experiments on CIFAR-10.  Lesson learned_optimizers.
"""

from minimeta.core.optim import Optimizer
from minimeta.core.trees import leaves, names, unflatten


def combine(optimizers, group):
    """One Optimizer from {key: Optimizer}; group(name) is the key for the leaf called "[0]['W']".

    Raises ValueError for a leaf of no known group and for a group without leaves.
    """

    def init(theta):
        return {key: optimizers[key].init(part) for key, part in parts(theta, optimizers, group)}

    def update(g, state, theta):
        gradients, new_theta, new_state = dict(parts(g, optimizers, group)), {}, {}
        for key, part in parts(theta, optimizers, group):
            step = optimizers[key].update(gradients[key], state[key], part)
            new_theta[key], new_state[key] = step
        return unflatten(theta, [new_theta[group(name)][name] for name in names(theta)]), new_state

    return Optimizer(init, update)


def parts(tree, optimizers, group):
    """(key, {name: leaf}) for every group: a list."""
    groups = {key: {} for key in optimizers}
    for name, leaf in zip(names(tree), leaves(tree)):
        if group(name) not in groups:
            raise ValueError(
                f"The leaf {name} is in group {group(name)!r}; there are optimizers for "
                f"{', '.join(map(repr, groups))}."
            )
        groups[group(name)][name] = leaf
    for key, part in groups.items():
        if not part:
            raise ValueError(f"The group {key!r} has no leaf; the leaves are {names(tree)}.")
    return list(groups.items())
