"""Evolution strategies: a gradient from losses alone, without differentiating what loses.

    gradient = mean over pairs of  noise (L(meta + s noise) - L(meta - s noise)) / (2 s)

with noise ~ N(0, I): in the mean, the gradient of the loss smoothed by that noise. All trials are
computed at once, as tasks are, each with a tree of its own on a leading axis.

Source: Salimans et al. 2017, arXiv:1703.03864, with antithetic pairs.  Lesson learning_rules.
"""

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.trees import flatten, like


def draw(rng, pairs, numbers):
    """Noise for `pairs` pairs of trials of a tree of so many numbers: (pairs, P)."""
    checks.generator("rng", rng)
    checks.integer("pairs", pairs, at_least=1)
    checks.integer("numbers", numbers, at_least=1)
    return to_device(rng.normal(size=(pairs, numbers)))


def follow(losses, scale=0.05):
    """For train: (meta, (noise, data)) -> the mean loss of all trials, and the gradient.

    losses(metas, data) -> (2 pairs,) takes trees whose leaves have the trials on their first axis.
    """
    checks.function("losses", losses)
    checks.number("scale", scale, above=0.0)

    def value_and_gradient(meta, data):
        noise, data = data
        theta = flatten(meta)
        trials = np.concatenate([theta + scale * noise, theta - scale * noise])  # (2 pairs, P)
        values = losses(like(meta, trials), data)
        up, down = values[: len(noise)], values[len(noise) :]
        gradient = np.matmul((up - down) / (2.0 * scale), noise) / len(noise)
        return np.mean(values), like(meta, gradient)

    return value_and_gradient
