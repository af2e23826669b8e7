"""The Bayes-optimal learner of stored patterns: the mean of the patterns that fit what is shown.

    tasks:    S patterns of +-1 are stored; a query shows some bits of one of them, 0 for the others
    adapt:    keep the patterns p_s
    predict:  mean of the p_s that agree with the cue q on every bit shown:  q p_s' = sum |q|

A query asks for each stored pattern equally often and for each choice of bits equally often, so
the patterns that fit are equally likely, and the others are excluded. Their mean has the least
squared error. A pattern stored twice counts twice.

Source: Bayes' rule; the tasks are those of Miconi, Clune & Stanley 2018, arXiv:1804.02464.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner


def learner() -> Learner:
    """The Bayes-optimal Learner of tasks.recall.patterns; there is nothing to train, meta is {}."""
    return Learner(
        init=lambda rng: {},
        adapt=lambda meta, support: support.y,
        predict=lambda meta, stored, cue: complete(stored, cue),
    )


def complete(stored, cue):
    """The mean of the stored patterns (M, S, bits) that fit each cue (M, Q, bits); 0 if none."""
    checks.array("cue", cue, "M Q C")
    checks.array("stored", stored, "M S C")
    agreement = cue @ np.swapaxes(stored, -1, -2)  # (M, Q, S)
    shown = np.sum(np.abs(cue), axis=-1, keepdims=True)
    fits = (agreement > shown - 1.0).astype(cue.dtype)  # one wrong bit would take 2 away
    return fits @ stored / np.maximum(np.sum(fits, axis=-1, keepdims=True), 1.0)
