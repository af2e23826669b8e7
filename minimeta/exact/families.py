"""Families of tasks with their floor: prior and noise are given once, for tasks and learner.

    family = gaussian_maps(mean, covariance, noise_variance)
    task = family.sample(rng, tasks=1000, shots=6, queries=20)
    floor = evaluate(family.bayes, {}, task)

If a learner is below this floor by more than chance, it has seen data that it should not see, or
it is evaluated wrongly. `FAMILIES` lists some by name and says what their floors are; `named` makes
them.
"""

from functools import partial
from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.runs.sending import reduce_record
from minimeta.exact import (
    class_gaussians,
    finite_tasks,
    fourier_gp,
    linear_gaussian,
    matrix_normal,
    sequential_classes,
    sines,
    stored_patterns,
)
from minimeta.tasks import Data, Family, Task, bandits, recall, regression, rollout
from minimeta.tasks.drawing import count, generator, split
from minimeta.tasks.fourier import band, fourier
from minimeta.tasks.linear_maps import draw_matrix_normal
from minimeta.tasks.regression import from_weights, linear


def gaussian_maps(mean, covariance, noise_variance, outputs=1):
    """The Family of noisy linear maps, y = x w + noise, with w ~ N(mean, covariance), x ~ N(0, I).

    covariance is (D, D), mean a number, (D,) or (D, C); noise_variance is above 0.
    """
    checks.integer("outputs", outputs, at_least=1)
    checks.covariance("covariance", covariance)
    checks.axes("covariance", covariance, "D D")
    options = dict(covariance=covariance, mean=mean, outputs=outputs, noise_variance=noise_variance)
    column = mean[:, None] if getattr(mean, "ndim", 0) == 1 else mean
    bayes = linear_gaussian.learner(column, covariance, noise_variance)
    return Family(partial(linear, **options), bayes)


def finite_maps(weights, noise_variance):
    """The Family of noisy linear maps whose w is one of `weights` (M, D, C), each as likely."""
    bayes = finite_tasks.learner(weights, noise_variance)

    def sample(rng, tasks, shots, queries):
        checks.integer("tasks", tasks, at_least=1)
        rows = generator(rng).integers(len(weights), size=tasks)
        return from_weights(rng, weights[rows], shots, queries, noise_variance)

    return Family(sample, bayes)


def gaussian_waves(amplitudes, noise_variance):
    """The Family of noisy random waves with `amplitudes` (K,), x uniform in a period."""
    sample = partial(fourier, amplitudes=amplitudes, noise_variance=noise_variance)
    return Family(sample, fourier_gp.learner(amplitudes, noise_variance))


def gaussian_classes(ways, between, within):
    """The Family of N-way tasks with Gaussian classes: centres ~ N(0, between), examples around.

    Both are covariances (D, D); shots and queries count examples of each class.
    """
    checks.integer("ways", ways, at_least=2)
    sample = partial(class_gaussians.sample, ways=ways, between=between, within=within)
    return Family(sample, class_gaussians.learner(between, within))


def shuffled_gaussian_classes(ways, between, within, each):
    """The Family of sequences of N Gaussian classes, `each` examples of each, in random order.

    Its sample takes shots + queries = each; the floor knows how many of each class are to come.
    """
    checks.integer("ways", ways, at_least=2)
    checks.integer("each", each, at_least=1)
    options = dict(ways=ways, between=between, within=within)
    sample = partial(sequential_classes.sample, **options)
    return Family(sample, sequential_classes.learner(**options, each=each))


def matrix_normal_maps(row_covariance, column_covariance, noise_variance):
    """The Family of noisy linear maps, cov(W_dc, W_ef) = R_de K_cf: the outputs are correlated.

    The covariances R of the rows (D, D) and K of the columns (C, C) are those of `matrix_normal`.
    """
    checks.array("row_covariance", row_covariance, "D D")
    bayes = matrix_normal.learner(0.0, row_covariance, column_covariance, noise_variance)

    def sample(rng, tasks, shots, queries):
        weights = draw_matrix_normal(rng, tasks, row_covariance, column_covariance)
        return from_weights(rng, weights, shots, queries, noise_variance)

    return Family(sample, bayes)


def gaussian_blocks(scales, covariance, noise_variance):
    """The Family of sequences of B linear tasks with one w ~ N(0, covariance), which share it.

    `shots` examples of the first task come first, then those of the second, ...; inputs of task b
    are N(0, diag(scales[b])^2), scales (B, D). Queries are of all tasks, `queries` each. The floor
    is the posterior after all of them: each task's posterior is the prior of the next.
    """
    checks.array("scales", scales, "B D")
    checks.integer("the length of scales", len(scales), at_least=1)
    bayes = linear_gaussian.learner(0.0, covariance, noise_variance)
    checks.same_shape("scales[0]", scales[0], "the diagonal of covariance", covariance[0])

    def sample(rng, tasks, shots, queries):
        count(shots, queries)
        weights = regression.draw_weights(rng, tasks, covariance)
        stretch = lambda each: numpy.repeat(scales, each, axis=0)  # (N, D)
        x = rng.normal(size=(tasks, len(scales) * (shots + queries), len(covariance)))
        x = x * numpy.concatenate([stretch(shots), stretch(queries)])
        noise = noise_variance**0.5 * rng.normal(size=(*x.shape[:2], 1))
        return split(x, x @ weights + noise, len(scales) * shots)

    return Family(sample, bayes)


def bandit_histories(arms):
    """The Family of what a player who pulls arms at random lives through.

    The labels of the support are what an agent observes, [arm one-hot, reward, done]; those of the
    queries are the arms alone, as the logits of an agent are. It has no floor as a loss, because a
    player is judged by its rewards.
    """
    checks.integer("arms", arms, at_least=2)

    def act(memory, observation, noise):
        return memory, numpy.eye(arms, dtype=noise.dtype)[
            numpy.minimum((arms * noise).astype(int), arms - 1)
        ]

    def sample(rng, tasks, shots, queries):
        problem, noise = bandits.draw(rng, tasks, 1, count(shots, queries), arms)
        past = rollout(bandits.BERNOULLI, act, problem, noise)
        came_back = [past.action, past.reward[..., None], past.done[..., None]]
        x, y = past.observation[:, 0], numpy.concatenate(came_back, axis=-1)[:, 0]
        return Task(Data(x[:, :shots], y[:, :shots]), Data(x[:, shots:], y[:, shots:, :arms]))

    return Family(sample, None)


class Listed(NamedTuple):
    """A family with settings of its own, make(shots, queries) -> Family, and what its floor is."""

    make: Callable
    tasks: str
    floor: str

    __reduce__ = reduce_record  # so that it can be sent to another process


SPREAD = numpy.array([[1.0, 0.5], [0.5, 2.0]])
BETWEEN, WITHIN = numpy.array([[2.0, 0.5], [0.5, 1.0]]), numpy.diag([0.5, 1.0])
FAMILIES = {
    "linear": Listed(
        lambda shots, queries: gaussian_maps(0.0, numpy.eye(2), 0.25),
        "y = x w + noise, two inputs, w ~ N(0, I), noise variance 1/4",
        "the posterior mean, `exact.linear_gaussian`",
    ),
    "matrix_normal": Listed(
        lambda shots, queries: matrix_normal_maps(SPREAD, SPREAD[::-1, ::-1], 0.25),
        "y = x W + noise, two inputs, two outputs that are correlated",
        "the posterior mean, `exact.matrix_normal`",
    ),
    "fourier": Listed(
        lambda shots, queries: gaussian_waves(band(1, 3, 3), 0.1),
        "random waves of frequencies 1 to 3, noise variance 1/10",
        "a Gaussian process, `exact.fourier_gp`",
    ),
    "sines": Listed(
        lambda shots, queries: Family(regression.sines, sines.learner() if shots > 1 else None),
        "A sin(x - phi) without noise, as MAML was shown on",
        "0 from two shots on, because two examples determine the sine, `exact.sines`; "
        "no closed form for one shot",
    ),
    "classes": Listed(
        lambda shots, queries: gaussian_classes(3, BETWEEN, WITHIN),
        "three Gaussian classes in two inputs; shots and queries are per class",
        "the posterior over classes, `exact.class_gaussians`",
    ),
    "sequences": Listed(
        lambda shots, queries: shuffled_gaussian_classes(3, BETWEEN, WITHIN, shots + queries),
        "the same classes in one shuffled sequence",
        "the posterior that knows how many of each class are to come, `exact.sequential_classes`",
    ),
    "patterns": Listed(
        lambda shots, queries: Family(
            partial(recall.patterns, bits=6, known=3), stored_patterns.learner()
        ),
        "six signs, of which a query shows three",
        "the mean of the stored patterns that fit, `exact.stored_patterns`",
    ),
    "blocks": Listed(
        lambda shots, queries: gaussian_blocks(
            numpy.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), SPREAD, 0.25
        ),
        "three linear tasks one after another that share w, each with inputs of its own",
        "sequential Bayes, which is the posterior after all of them, `exact.linear_gaussian`",
    ),
    "bandits": Listed(
        lambda shots, queries: bandit_histories(2),
        "what a random player of two-armed bandits lives through",
        "none as a loss, because a player is judged by rewards; the best rewards are those of "
        "`exact.bandit_dp`, by dynamic programming",
    ),
}


def named(name, shots=4, queries=5):
    """The Family of this name in `FAMILIES`; ValueError with all names if there is none."""
    if name not in FAMILIES:
        raise ValueError(f"There is no family {name!r}; there are {', '.join(FAMILIES)}.")
    count(shots, queries)
    return FAMILIES[name].make(shots, queries)
