"""What a08.py is asked; most functions are called with their arguments (the probe `call`)."""

import numpy

from minimeta.core.backend import np


def pooled(student, given):
    """Scores pooled over the examples of each class: by their largest, and by the sum of powers."""

    def largest(scores):
        return np.max(scores, axis=-1)

    def powers(scores):
        return np.sum(np.exp(scores), axis=-1)

    scores, labels = given["scores"], given["labels"]
    pools = [student.by_class(scores, labels, pool) for pool in (largest, powers)]
    return numpy.stack([numpy.asarray(part, float) for part in pools])
