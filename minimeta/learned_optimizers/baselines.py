"""Trials of optimizers on the same problems, and the best settings of the hand-made ones.

    trial(family, optimizer, task)         the losses over `steps` steps, and as many steps again
    tune(family, task, {"Adam": 0.1})      the best trials with step sizes around this, all SHAPES

A learned optimizer is trained for one family of problems. A fair rival is therefore tuned for that
family too, masses and decays included. Here it is tuned on the very problems of the comparison,
which favours the rival.

Source: Choi et al. 2019, who show that the tuning decides such comparisons.
Lesson learned_optimizers.
"""

from itertools import product
from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import to_host
from minimeta.core.optim import adam, momentum, rmsprop, sgd
from minimeta.learned_optimizers.training import losses_along


class Shapes(NamedTuple):
    """An optimizer, and the values to try of what it has besides a step size."""

    make: Callable
    values: dict


SHAPES = {
    "SGD": Shapes(sgd, {}),
    "momentum": Shapes(momentum, {"mass": (0.8, 0.9, 0.95)}),
    "RMSprop": Shapes(rmsprop, {"decay": (0.9, 0.99)}),
    "Adam": Shapes(adam, {"decay_mean": (0.8, 0.9), "decay_square": (0.9, 0.999)}),
}
RATIOS = tuple(1.25**power for power in range(-5, 6))  # a third to three times the middle


class Trial(NamedTuple):
    """What an optimizer reached on a family's problems."""

    mean: float  # the loss averaged over `steps` steps
    end: float  # the loss averaged over the last of them; after `tune` the least of all settings
    losses: numpy.ndarray  # (2 steps, M), the loss of each problem after every step
    setting: dict  # after `tune` the setting with the least `mean`, else empty
    inside: bool = True  # whether neither best step size, for mean or end, is an end of the grid


def loss_curves(family, optimizer, task, steps=100):
    """The loss of each of a family's problems after every step: (steps, M), on the host."""
    f = lambda theta, t: family.loss(theta, task.support, t)
    with numpy.errstate(all="ignore"):  # steps that are too long overflow, and inf says so
        return to_host(losses_along(optimizer, family.start(task), f, steps))


def trial(family, optimizer, task, steps=100, last=1):
    """The Trial of an optimizer; its `end` is the mean over the `last` steps up to `steps`."""
    checks.integer("last", last, at_least=1)
    losses = loss_curves(family, optimizer, task, 2 * steps)
    mean, end = scores(losses[:steps], last)
    return Trial(mean, end, losses, {})


def tune(family, task, middles, steps=100, last=1, ratios=RATIOS):
    """{name: the Trial with the least mean} for the optimizers in `middles`, {name: a step size}.

    Every step size `middle * ratio` is tried with every setting that SHAPES lists for the
    optimizer. Raises ValueError for a name that SHAPES lacks, and if an optimizer diverges in every
    setting.
    """
    if not len(ratios):
        raise ValueError("ratios must not be empty.")
    return {
        name: best_of(name, settings(name, middle, ratios), family, task, steps, last)
        for name, middle in middles.items()
    }


def settings(name, middle, ratios=RATIOS):
    """All settings of an optimizer to try: a list of dicts."""
    if name not in SHAPES:
        raise ValueError(f"There is no grid for {name!r}; there are grids for {', '.join(SHAPES)}.")
    values = SHAPES[name].values
    return [
        {"step_size": middle * ratio, **dict(zip(values, choice))}
        for choice in product(*values.values())
        for ratio in ratios
    ]


def best_of(name, grid, family, task, steps, last):
    """The Trial of the setting of the grid, a list of dicts, with the least mean loss."""
    make, sizes = SHAPES[name].make, [setting["step_size"] for setting in grid]
    curves = (loss_curves(family, make(**setting), task, steps) for setting in grid)
    means, ends = numpy.transpose([scores(losses, last) for losses in curves])
    best = int(means.argmin())
    if not numpy.isfinite(means[best]):
        raise ValueError(f"{name} diverges with all {len(grid)} settings; try smaller step sizes.")
    inside = all(min(sizes) < sizes[i] < max(sizes) for i in (best, ends.argmin()))
    longer = trial(family, make(**grid[best]), task, steps, last)
    return longer._replace(end=float(ends.min()), setting=grid[best], inside=inside)


def scores(losses, last):
    """The mean of losses (T, M) and the mean of their last rows; inf if any is not finite."""
    if not numpy.isfinite(losses).all():
        return numpy.inf, numpy.inf
    return float(losses.mean()), float(losses[-last:].mean())


def report(trials, steps=100):
    """Print a line for each of {name: Trial}: its mean, the standard error of that, and its end."""
    for name, one in trials.items():
        each = one.losses[:steps].mean(axis=0)  # (M,)
        error = each.std() / len(each) ** 0.5
        setting = ", ".join(f"{key} {value:.3g}" for key, value in one.setting.items())
        print(f"{name:18} mean {one.mean:.3f} +-{error:.3f}   end {one.end:.3f}   {setting}")
