"""SymLA on bandits: every arm has the same small memory, so no arm is known by its place.

    memory of arm i    (h, c)_i <- LSTM((h, c)_i; [a_i, a_i (2 r - 1), mean_j h_j])     (M, A, H)
    act                logit_i = h_i . v

a is the action, one-hot, and r its reward from 0 to 1. All arms share the LSTM and v, so that
permuting the arms permutes the answers, and one *meta* plays a bandit of any number of arms: it has
4 H (2 H + 3) + H numbers, and learns in 2 H A. The mean over arms is how they hear of each other.

A policy network with an output of its own for each arm (agents/rl2.py) can learn that the first arm
tends to be best. This one cannot. Where it is so, that is a loss; where it only was so in training,
a gain.

Source: Kirsch, Flennerhag, van Hasselt, Friesen, Oh & Chen 2022, arXiv:2109.10781, reduced to
problems without observations; the LSTM reads what they compute with messages in both directions.
Lesson learning_rules.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy
from minimeta.nets import lstm


def learner(arms, hidden=16) -> Learner:
    """The symmetric learner of bandits with A arms; labels are [action, reward, done] (A + 2)."""
    checks.integer("arms", arms, at_least=2)
    checks.integer("hidden", hidden, at_least=1)
    begin = lambda meta, x: start(meta, x, arms)
    return Learner(
        lambda rng: init(rng, hidden), fold(begin, observe), predict, cross_entropy, begin, observe
    )


def init(rng, hidden=16):
    """A fresh LSTM of H units that reads H + 2 numbers, and v (H,) of zeros: any arm, at first."""
    checks.integer("hidden", hidden, at_least=1)
    return {"cell": lstm.init(rng, hidden + 2, hidden), "v": to_device(numpy.zeros(hidden))}


def start(meta, x, arms):
    """Empty memories: h and c are zero, (M, A, H) each."""
    checks.array("x", x, "M N D")
    zeros = np.zeros((len(x), arms, len(meta["v"])), dtype=x.dtype)
    return {"h": zeros, "c": zeros}


def observe(meta, state, x, y):
    """The memories after one more action and what came back of it, y (M, A + 2)."""
    checks.array("y", y, "M C")
    arms = np.shape(state["h"])[1]
    if np.shape(y)[1] != arms + 2:
        raise ValueError(
            f"y must be [action, reward, done] of {arms} arms, (M, {arms + 2}); "
            f"its shape is {np.shape(y)}."
        )
    action, reward = y[:, :arms], y[:, arms : arms + 1]
    own = np.stack([action, action * (2.0 * reward - 1.0)], axis=-1)  # (M, A, 2)
    shared = np.mean(state["h"], axis=1, keepdims=True)  # (M, 1, H)
    heard = np.concatenate([own, np.broadcast_to(shared, np.shape(state["h"]))], axis=-1)
    h, c = lstm.cell(meta["cell"], (state["h"], state["c"]), heard)
    return {"h": h, "c": c}


def predict(meta, state, x):
    """The logit of each arm, the same for every query: (M, Q, A)."""
    logits = state["h"] @ meta["v"]
    return np.repeat(np.expand_dims(logits, 1), np.shape(x)[1], axis=1)
