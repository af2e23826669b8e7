"""Losses of a policy, learned and not: what MetaGenRL's inner step descends.

    h_t = LSTM(h_t+1; [r_t, V_t, V_t+1])                       from the last step to the first
    L_t = mean_i v' tanh(W' h_t + b + a_ti w + pi_i(s_t) u)    over the parts i of an action

This is `neural`. The LSTM runs backwards, so that L_t depends on all rewards from t on, but on no
other action than its own. Without the LSTM, with [r_t, V_t, V_t+1] as h_t, each transition is
judged alone: `neural_transition`. One network reads all parts of an action, so a loss that was
learned on one action serves any number of them. Two losses that are not learned, with discount d:

    reinforce   (r_t + d V_t+1 - V_t) |a_t - pi(s_t)|^2 / 2    the policy gradient theorem
    minus_q     -Q(s_t, pi(s_t))                               the deterministic one: DDPG

An objective is a function (meta, experience, proposal) -> L_t (M, N, T). The proposal is what the
policy would do now, pi_phi(s_t), (M, N, T, A): through it alone does the loss know of phi.

Source: Kirsch, van Steenkiste & Schmidhuber 2019, arXiv:1910.04098.  Lesson objectives.
"""

from typing import Callable, NamedTuple

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.runs.sending import reduce_record
from minimeta.nets import lstm


class Experience(NamedTuple):
    """T transitions of N episodes of M tasks, in units of the spread of a task's values.

    state (M, N, T, O), action (M, N, T, A); reward, value, next_value (M, N, T); sound (M,);
    judge(action) -> Q at these states, (M, N, T).
    """

    state: object
    action: object
    reward: object
    value: object
    next_value: object
    sound: object
    judge: Callable

    __reduce__ = reduce_record  # so that it can be sent to another process


def init(rng, hidden=16):
    """A fresh `neural` objective: an LSTM and what reads its h."""
    return {"cell": lstm.init(rng, 3, hidden), **init_transition(rng, hidden, hidden)}


def init_transition(rng, hidden=16, inputs=3):
    """A fresh `neural_transition` objective, or what reads the h of `neural`."""
    checks.generator("rng", rng)
    checks.integer("hidden", hidden, at_least=1)
    draw = lambda *shape: rng.normal(size=shape)
    read = {"W": draw(inputs, hidden) / inputs**0.5, "b": numpy.zeros(hidden)}
    read = {**read, "w": draw(hidden), "u": draw(hidden), "v": draw(hidden) / hidden**0.5}
    return to_device(read)


def neural(meta, experience, proposal):
    """L_t of a backward LSTM over rewards and values."""
    h, _ = lstm.lstm(meta["cell"], inputs(experience)[:, :, ::-1])
    return read(meta, h[:, :, ::-1], experience.action, proposal)


def neural_transition(meta, experience, proposal):
    """L_t of one transition alone."""
    return read(meta, inputs(experience), experience.action, proposal)


def reinforce(discount=0.9):
    """The objective of REINFORCE with a critic of states; it has no parameters."""
    checks.number("discount", discount, at_least=0.0, at_most=1.0)

    def objective(meta, experience, proposal):
        advantage = experience.reward + discount * experience.next_value - experience.value
        return advantage * np.sum((experience.action - proposal) ** 2, axis=-1) / 2.0

    return objective


def minus_q(meta, experience, proposal):
    """-Q(s_t, pi(s_t)), the objective of DDPG."""
    return -experience.judge(proposal)


def inputs(experience):
    """[r_t, V_t, V_t+1]: (M, N, T, 3)."""
    return np.stack([experience.reward, experience.value, experience.next_value], axis=-1)


def read(meta, h, action, proposal):
    """mean_i v' tanh(W' h + b + a_i w + pi_i u): (M, N, T), for any number of parts i."""
    known = np.expand_dims(h @ meta["W"] + meta["b"], -2)  # (M, N, T, 1, H)
    both = action[..., None] * meta["w"] + proposal[..., None] * meta["u"]  # (M, N, T, A, H)
    return np.mean(np.tanh(known + both) @ meta["v"], axis=-1)
