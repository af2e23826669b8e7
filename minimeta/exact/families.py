"""Families of tasks with their floor: prior and noise are given once, for tasks and learner.

    family = gaussian_maps(mean, covariance, noise_variance)
    task = family.sample(rng, tasks=1000, shots=6, queries=20)
    floor = evaluate(family.bayes, {}, task)

If a learner is below this floor by more than chance, it has seen data that it should not see, or
it is evaluated wrongly.
"""

from functools import partial

from minimeta.core import checks
from minimeta.exact import (
    class_gaussians,
    finite_tasks,
    fourier_gp,
    linear_gaussian,
    sequential_classes,
)
from minimeta.tasks import Family
from minimeta.tasks.drawing import generator
from minimeta.tasks.fourier import fourier
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
