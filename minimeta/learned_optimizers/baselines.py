"""Trials of optimizers on the same problems; the hand-made ones at their best.

    trial(family, optimizer, task)         how it does, and how it goes on for as many steps again
    tuned(family, task, {"Adam": 0.1})     the best trials with step sizes around this, all SHAPES

A learned optimizer is trained for a family of problems, so a fair opponent is tuned for it, masses
and decays included. Here that is done on the very problems of the comparison: a favour to it.

Source: Choi et al. 2019, who show that the tuning decides such comparisons.  Lesson 09.
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
    """What an optimizer did on a family's problems."""

    mean: float  # the loss averaged over `steps` steps
    end: float  # over the last of them; of a tuned optimizer the least, with any setting
    losses: numpy.ndarray  # (2 steps, M), of each problem after every step
    setting: dict  # what a tuned optimizer has found best for `mean`
    inside: bool = True  # are the step sizes of both between others? Beyond an edge may be better


def along(family, optimizer, task, steps=100):
    """The loss of each of a family's problems after every step: (steps, M), on the host."""
    f = lambda theta, t: family.loss(theta, task.support, t)
    with numpy.errstate(all="ignore"):  # too long steps overflow, which is an answer too
        return to_host(losses_along(optimizer, family.start(task), f, steps))


def trial(family, optimizer, task, steps=100, last=1):
    """The Trial of an optimizer; its end is the mean of the `last` steps up to `steps`."""
    checks.integer("last", last, at_least=1)
    losses = along(family, optimizer, task, 2 * steps)
    mean, end = scores(losses[:steps], last)
    return Trial(mean, end, losses, {})


def tuned(family, task, middles, steps=100, last=1, ratios=RATIOS):
    """{name: the best Trial} of the optimizers in `middles`, {name: a step size}.

    All step sizes `middle * ratio` are tried, with all SHAPES of the optimizer. Raises ValueError
    for a name without shapes and where every setting diverges.
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
        {"step_size": middle * ratio, **dict(zip(values, chosen))}
        for chosen in product(*values.values())
        for ratio in ratios
    ]


def best_of(name, tried, family, task, steps, last):
    """The Trial of the setting with the least mean loss."""
    make, sizes = SHAPES[name].make, [setting["step_size"] for setting in tried]
    found = [scores(along(family, make(**setting), task, steps), last) for setting in tried]
    means, ends = numpy.transpose(found)
    best = int(means.argmin())
    if not numpy.isfinite(means[best]):
        raise ValueError(f"{name} diverges with all {len(tried)} settings; try smaller step sizes.")
    found = trial(family, make(**tried[best]), task, steps, last)
    inside = all(min(sizes) < sizes[i] < max(sizes) for i in (best, ends.argmin()))
    return found._replace(end=float(ends.min()), setting=tried[best], inside=inside)


def scores(losses, last):
    """The mean of losses (T, M), and that of their last rows; infinite if any is not finite."""
    if not numpy.isfinite(losses).all():
        return numpy.inf, numpy.inf
    return float(losses.mean()), float(losses[-last:].mean())


def report(trials, steps=100):
    """Print {name: Trial}, a line each: the mean with its standard error over problems, the end."""
    for name, found in trials.items():
        each = found.losses[:steps].mean(axis=0)  # (M,)
        error = each.std() / len(each) ** 0.5
        chosen = ", ".join(f"{key} {value:.3g}" for key, value in found.setting.items())
        print(f"{name:18} mean {found.mean:.3f} +-{error:.3f}   end {found.end:.3f}   {chosen}")
