"""How a learner acts: its answers are the logits of actions, and what came back is the label.

    x_t    the observation                                            (M N, O)
    act    a_t ~ softmax(predict(meta, state_t, x_t))                 one action for each episode
    label  y_t = [action one-hot, reward, done]                       (M N, A + 2)
    learn  state_t+1 = observe(meta, state_t, x_t, y_t)

Any sequential `Learner` acts so. An episode of the agent is a task of the learner: each of the N
episodes of each of the M tasks has a state of its own, so both axes are one here, M N, and
observations are vectors (O). The learner's logits have A columns, while its labels have A + 2.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant
from minimeta.core.losses import log_softmax, softmax
from minimeta.meta import along
from minimeta.tasks.environment import Episodes, rollout
from minimeta.tasks.task import Data, Task, take

SURE = 1e3  # the logit of an action that is chosen before those with 0


def play(learner, meta, environment, problem, noise):
    """The Episodes of a sequential learner that begins every episode afresh and learns in it.

    noise["agent"] is uniform in [0, 1): (T, M, N).
    """
    act, learn = act_by(learner, meta)
    return rollout(environment, act, problem, noise, learn=learn)


def act_by(learner, meta):
    """The pair (act, learn) that `rollout` takes; the memory is the learner's state, None first."""
    checks.functions("learner", learner, "predict")
    if not (getattr(learner, "start", None) and getattr(learner, "observe", None)):
        raise ValueError("learner must be sequential to act: it needs `start` and `observe`.")
    checks.functions("learner", learner, "start", "observe")

    def act(state, observation, noise):
        x = join(observation, "M N O")[:, None]  # (M N, 1, O)
        state = learner.start(meta, x) if state is None else state
        logits = learner.predict(meta, state, x)  # (M N, 1, A)
        check_logits(logits, len(x))
        return state, pick(np.reshape(logits, (*np.shape(observation)[:2], -1)), noise)

    def learn(state, observation, action, reward, done):
        y = join(label(action, reward, done), "M N C")
        return learner.observe(meta, state, join(observation, "M N O"), y)

    return act, learn


def pick(logits, noise):
    """Actions drawn from softmax(logits) as one-hot rows, constants to every gradient.

    By the inverse of the distribution function: with P_a the probability of the actions up to a,
    noise (...), uniform in [0, 1), picks the first a with noise < P_a: (..., A) -> (..., A).
    """
    checks.floats("logits", logits)
    checks.axes("logits", logits, "... A")
    if checks.readable(logits) and not (logits.size and logits.max() < numpy.inf):
        raise ValueError("logits must be numbers, none NaN and none infinite, and at least one.")
    if not checks.is_array(noise) or np.shape(noise) != np.shape(logits)[:-1]:
        what = f"its shape is {np.shape(noise)}" if checks.is_array(noise) else "it is no array"
        raise ValueError(
            f"The agent's noise must have shape {np.shape(logits)[:-1]}, one number for each "
            f"action to pick; {what}."
        )
    checks.floats("The agent's noise", noise)
    if checks.readable(noise) and not (noise.min() >= 0.0 and noise.max() <= 1.0):
        raise ValueError(
            "The agent's noise must be uniform in [0, 1); "
            f"it reaches from {noise.min():.3g} to {noise.max():.3g}."
        )
    bounds = np.cumsum(softmax(constant(logits)), axis=-1)[..., :-1]  # the last P_a is 1
    beyond = (np.expand_dims(noise, -1) >= bounds).astype(logits.dtype)  # ones, then zeros
    ones, zeros = np.ones_like(logits[..., :1]), np.zeros_like(logits[..., :1])
    return np.concatenate([ones, beyond], axis=-1) - np.concatenate([beyond, zeros], axis=-1)


def decide(learner):
    """The learner that takes the action with the largest logit, where `learner` draws one.

    Where some are equally large it draws from these.
    """
    predict = lambda meta, state, x: SURE * best(learner.predict(meta, state, x))
    return learner._replace(predict=predict, along=None)


def best(logits):
    """1 for the largest of the logits (..., A) and what equals it, and 0 for the others."""
    return (logits == np.max(logits, axis=-1, keepdims=True)).astype(logits.dtype)


def label(action, reward, done):
    """What came back, as the learner's label: [action, reward, done] (..., A + 2)."""
    for name, value in (("action", action), ("reward", reward), ("done", done)):
        checks.floats(name, value)
    if not np.shape(reward) == np.shape(done) == np.shape(action)[:-1]:
        raise ValueError(
            "action, reward and done must have shapes (..., A), (...) and (...); "
            f"they are {np.shape(action)}, {np.shape(reward)} and {np.shape(done)}."
        )
    return np.concatenate([action, np.stack([reward, done], axis=-1)], axis=-1)


def histories(episodes):
    """The episodes as the learner's examples, Data of x (M N, T, O) and y (M N, T, A + 2)."""
    if not isinstance(episodes, Episodes):
        raise TypeError(f"episodes must be Episodes; it is {checks.describe(episodes)}.")
    y = label(episodes.action, episodes.reward, episodes.done)
    return constant(Data(join(episodes.observation, "M N T O"), join(y, "M N T C")))


def histories_of(learner, environment, draw):
    """A sampler (rng, tasks, shots, queries) -> Task of what a fresh learner lives through.

    draw(rng, tasks, episodes, steps) -> problem, noise. The first steps of an episode are support,
    the later ones query, so that questions for sequential learners can be asked of an agent.
    """

    def sample(rng, tasks, shots, queries):
        problem, noise = draw(rng, tasks, 1, shots + queries)
        meta = learner.init(rng)
        data = histories(play(learner, meta, environment, problem, noise))
        return Task(take(data, shots), Data(data.x[:, shots:], data.y[:, shots:]))

    return sample


def log_likelihood(learner, meta, episodes):
    """log pi(action_t | what came before), for each step: (M, N, T)."""
    logits = action_logits(learner, meta, episodes)
    return np.sum(log_softmax(logits) * episodes.action, axis=-1)


def action_logits(learner, meta, episodes):
    """The logits of all actions at every step, from what came before: (M, N, T, A)."""
    logits = along(learner, meta, histories(episodes))  # (M N, T, A)
    logits = np.reshape(logits, (*np.shape(episodes.reward), -1))
    checks.same_shape("The logits of this learner", logits, "the actions", episodes.action)
    return logits


def check_logits(logits, count):
    """Raise unless a learner answered each of so many episodes with logits: (M N, 1, A)."""
    name = "What learner.predict returns"
    checks.floats(name, logits)
    if np.ndim(logits) != 3 or np.shape(logits)[:2] != (count, 1) or 0 in np.shape(logits):
        raise ValueError(f"{name} must have shape ({count}, 1, A); it is {np.shape(logits)}.")


def join(value, letters):
    """The axes M and N as one, (M, N, ...) -> (M N, ...), of an array with these axes."""
    checks.floats("what a learner sees", value)
    checks.axes("what a learner sees", value, letters)
    M, N, *rest = np.shape(value)
    return np.reshape(value, (M * N, *rest))
