"""What a21.py is asked; most functions are called with their arguments (the probe `call`)."""

import numpy

from minimeta.tasks import Episodes


def advantages(student, given):
    """The advantages of episodes that end at times of their own, with a given baseline."""
    episodes = Episodes(None, None, given["reward"], given["done"])
    baseline = given["baseline"]
    return student.advantages(episodes, lambda gain: baseline + 0.0 * gain, given["discount"])


def covariance(student, given):
    """The covariance with a baseline, and what all of its entries are for another one."""
    keep = [given[name] for name in ("policy", "rewards", "baseline", "variances")]
    return numpy.asarray(student.covariance(*keep))
