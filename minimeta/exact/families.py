"""Families of tasks that know their floor: prior and noise are said once, for tasks and learner.

    family = gaussian_maps(mean, covariance, noise_variance)
    task = family.sample(rng, tasks=1000, shots=6, queries=20)
    floor = evaluate(family.bayes, {}, task)

A learner below this floor by more than chance has seen what it should not, or is judged wrongly.
"""

from functools import partial

from minimeta.exact import fourier_gp, linear_gaussian
from minimeta.tasks import Family
from minimeta.tasks.fourier import fourier
from minimeta.tasks.regression import linear


def gaussian_maps(mean, covariance, noise_variance, outputs=1):
    """Noisy linear maps, y = x w + noise, of weights ~ N(mean, covariance); x ~ N(0, I).

    covariance is (D, D), mean a number, (D,) or (D, C); noise_variance is above 0.
    """
    options = dict(covariance=covariance, mean=mean, outputs=outputs, noise_variance=noise_variance)
    believed = mean[:, None] if getattr(mean, "ndim", 0) == 1 else mean
    bayes = linear_gaussian.learner(believed, covariance, noise_variance)
    return Family(partial(linear, **options), bayes)


def gaussian_waves(amplitudes, noise_variance):
    """Noisy random waves with these standard deviations of their weights; x uniform in a period."""
    sample = partial(fourier, amplitudes=amplitudes, noise_variance=noise_variance)
    return Family(sample, fourier_gp.learner(amplitudes, noise_variance))
