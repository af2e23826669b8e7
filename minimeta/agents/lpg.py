"""LPG: learn the rule by which agents learn, as a network that looks back from the end.

    meta:     eta                                  a backward LSTM and the layers around it
    live:     N episodes of each task under pi = softmax(logits)
    look:     x_t = [r_t, d_t, pi(a_t|s_t), phi(y(s_t)), (1 - d_t) phi(y(s_t+1))]
              h_t = LSTM(x_t, h_t+1)               so that h_t knows of step t and of later ones
              p_t = h_t W_p + b_p,   q_t = softmax(h_t W_q + b_q)        the two targets
    adapt:    logits[s] += step_size mean_n sum_{t: s_t = s} p_t (e_a - pi)
              y[s] follows q_t:  -step_size prediction_step  mean_n sum_t  dKL(y(s_t) | q_t)/dlogits
    learn:    min_eta  E -J(theta_K) + regularisers,   through K updates

y (M, S, C) is a prediction, C chances for every state whose meaning nobody fixes: what is worth
predicting is learned too. phi makes one number of it. p_t takes the place of the return or of the
advantage: with these as targets the rule is REINFORCE or A2C (agents/tabular.py).

J is exact here, the mean return of the policy by dynamic programming, and counts from the uniform
policy, 0, to the best, 1. Where K > 1 the later episodes depend on eta through the policies that
play them. Published code leaves this part of the gradient out; score = 1 adds it:

    sum_{0 < k < K} sum_{n,t} dlog pi_k(a|s) (loss_m - loss before the K updates)

An agent lives through more than K updates. The gradient is cut every K of them, and the parts are
averaged. S counts states. All tasks share one discount, 1, so it is no input.

Source: Oh et al. 2020, arXiv:2007.08794. There J is estimated from episodes.  Lesson objectives.
"""

from typing import NamedTuple

from minimeta.agents import tabular
from minimeta.agents.policy_gradient import check_pair
from minimeta.agents.tabular import add_by_state, climb, ending, following, look_up, play
from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.gradients import constant, value_and_grad
from minimeta.core.losses import log_softmax, softmax
from minimeta.exact.tabular import normalised
from minimeta.nets import mlp
from minimeta.nets.layers import linear
from minimeta.nets.lstm import init as init_lstm
from minimeta.nets.lstm import lstm
from minimeta.nets.mlp import layer
from minimeta.tasks.environment import alive

INPUTS = 5  # numbers in x_t


class Regularisers(NamedTuple):
    """What is added to -J, each a mean over states or steps; those of the published code.

    The entropies of the last policy and prediction are made large, the squared targets small.
    """

    policy_entropy: float = 0.05
    prediction_entropy: float = 1e-3
    policy_target: float = 5e-3
    prediction_target: float = 1e-3


PUBLISHED, NONE = Regularisers(), Regularisers(0.0, 0.0, 0.0, 0.0)


# ---- The rule ----


def init(rng, hidden=16, predictions=8, embedding=16):
    """Fresh eta: the LSTM, phi, and the layers that make the targets. The paper has 256 units."""
    checks.integer("predictions", predictions, at_least=1)
    return {
        "phi": mlp([predictions, embedding, 1]).init(rng),
        "lstm": init_lstm(rng, INPUTS, hidden),
        "targets": to_device(layer(rng, hidden, 1 + predictions, gain=1.0)),
    }


def start(eta, problem):
    """The agents before they learn: uniform policies and uniform predictions."""
    logits = tabular.start(problem)["logits"]
    C = np.shape(eta["targets"]["b"])[-1] - 1
    return {"logits": logits, "prediction": np.zeros((*np.shape(logits)[:2], C))}


def look(eta, agent, episodes):
    """x, what the rule knows of every step: (M, N, T, 5)."""
    chances, y = softmax(agent["logits"]), softmax(agent["prediction"])
    table = np.concatenate([chances, embed(eta, y)], axis=-1)  # (M, S, A + 1)
    rows, done = look_up(table, episodes), ending(episodes)
    chosen, phi = np.sum(rows[..., :-1] * episodes.action, axis=-1), rows[..., -1]
    return np.stack([episodes.reward, done, chosen, phi, following(phi, done)], axis=-1)


def embed(eta, y):
    """phi(y), one number for a prediction: (..., C) -> (..., 1)."""
    sizes = [np.shape(eta["phi"][0]["W"])[0], *(len(part["b"]) for part in eta["phi"])]
    return mlp(sizes).apply(eta["phi"], y)


def targets(eta, agent, episodes):
    """p (M, N, T) and the logits of q (M, N, T, C), from each step and those after it."""
    back = backwards(episodes)
    h, _ = lstm(eta["lstm"], np.matmul(back, look(eta, agent, episodes)))
    both = np.matmul(back, linear(h, **eta["targets"]))  # (M, N, T, 1 + C)
    return both[..., 0], both[..., 1:]


def backwards(episodes):
    """The permutations (M, N, T, T) that reverse each episode up to its end and leave the rest."""
    going = alive(episodes.done)
    length, time = np.sum(going, axis=-1)[..., None, None], np.arange(np.shape(going)[-1])
    row, column = time[:, None], time
    reverse = (row + column == length - 1.0) & (row < length)
    return (reverse | ((row == column) & (row >= length))).astype(going.dtype)


def update(eta, agent, episodes, step_size, prediction_step=0.5):
    """The agent after one step towards the targets of the rule."""
    return step(agent, episodes, targets(eta, agent, episodes), step_size, prediction_step)


def step(agent, episodes, target, step_size, prediction_step=0.5):
    """The agent after one step towards these targets, (p, logits of q)."""
    p, q = target
    going = alive(episodes.done)
    y = look_up(agent["prediction"], episodes)
    pull = divergence_gradient(y, q) * np.expand_dims(going, -1)
    rate = step_size * prediction_step
    return {
        "logits": climb(agent["logits"], episodes, p * going, step_size),
        "prediction": agent["prediction"] - rate * add_by_state(episodes, pull),
    }


def divergence_gradient(logits, target):
    """dKL(y | q)/dlogits = y (log y - log q - KL), for logits (..., C) of y and of q: (..., C)."""
    y, log_ratio = softmax(logits), log_softmax(logits) - log_softmax(target)
    return y * (log_ratio - np.sum(y * log_ratio, axis=-1, keepdims=True))


# ---- Learning the rule ----


class Stretch(NamedTuple):
    """K updates of a life: the agents before and after each, what they lived, their targets."""

    agents: list
    episodes: list
    targets: list


def learn_through(eta, agent, problem, noises, step_size, prediction_step=0.5):
    """The Stretch of as many updates as there are noises."""
    stretch = Stretch([agent], [], [])
    for noise in noises:
        agent = stretch.agents[-1]
        episodes = play(agent, problem, noise)
        target = targets(eta, agent, episodes)
        stretch.episodes.append(episodes)
        stretch.targets.append(target)
        stretch.agents.append(step(agent, episodes, target, step_size, prediction_step))
    return stretch


def stretch_loss(stretch, problem, regularisers=PUBLISHED, score=0.0):
    """-J of the last policy and the regularisers: (M,). See `meta_gradient` for score."""
    steps = np.shape(stretch.episodes[0].reward)[-1]
    earned = lambda agent: normalised(problem, softmax(agent["logits"]), steps)
    first, last = stretch.agents[0], stretch.agents[-1]
    loss = -earned(last) + penalty(last, stretch.targets, regularisers)
    if score:
        above = constant(loss + earned(first))
        chance = sum(map(log_chance, stretch.agents[1:-1], stretch.episodes[1:]), np.zeros(()))
        loss = loss + score * above * (chance - constant(chance))  # the value stays as it is
    return loss


def penalty(agent, targets, regularisers):
    """The regularisers of an agent and of the targets [(p, logits of q), ...] before: (M,)."""
    squares = [p**2 for p, _ in targets], [np.sum(softmax(q) ** 2, axis=-1) for _, q in targets]
    mean_square = [np.mean(np.stack(parts), axis=(0, -2, -1)) for parts in squares]
    return (
        -regularisers.policy_entropy * np.mean(entropy(agent["logits"]), axis=-1)
        - regularisers.prediction_entropy * np.mean(entropy(agent["prediction"]), axis=-1)
        + regularisers.policy_target * mean_square[0]
        + regularisers.prediction_target * mean_square[1]
    )


def entropy(logits):
    """-sum p log p of p = softmax(logits): (..., C) -> (...)."""
    return -np.sum(softmax(logits) * log_softmax(logits), axis=-1)


def log_chance(agent, episodes):
    """sum_{n,t} log pi(a|s) of the episodes: (M,)."""
    chosen = np.sum(look_up(log_softmax(agent["logits"]), episodes) * episodes.action, axis=-1)
    return np.sum(chosen * alive(episodes.done), axis=(-2, -1))


def meta_gradient(step_size, prediction_step=0.5, updates=5, regularisers=PUBLISHED, score=0.0):
    """For train: (eta, (problem, noises)) -> (value, gradient) of the loss of whole lives.

    There is a noise for each update of a life, and the gradient goes through `updates` of them at
    a time, the K above. `score` is the weight of the part of the gradient that is due to who plays
    the episodes: 1 is unbiased, 0 leaves it out.
    """
    check_settings(step_size, prediction_step, updates, regularisers, score)

    def loss(eta, data):
        problem, noises = check_pair(data)
        check_noises(noises, updates)
        agent, parts = start(eta, problem), []
        for first in range(0, len(noises), updates):
            chosen = noises[first : first + updates]
            stretch = learn_through(eta, agent, problem, chosen, step_size, prediction_step)
            parts.append(np.mean(stretch_loss(stretch, problem, regularisers, score)))
            agent = constant(stretch.agents[-1])
        return np.mean(np.stack(parts))

    return value_and_grad(loss)


# ---- Checks ----


def check_settings(step_size, prediction_step, updates, regularisers, score):
    """Raise unless these are what `meta_gradient` takes."""
    checks.number("step_size", step_size, at_least=0.0)
    checks.number("prediction_step", prediction_step, at_least=0.0)
    checks.integer("updates", updates, at_least=1)
    checks.number("score", score)
    if not isinstance(regularisers, Regularisers):
        raise TypeError(
            f"regularisers must be Regularisers; it is {checks.describe(regularisers)}."
        )


def check_noises(noises, updates):
    """Raise unless noises is a list of a multiple of `updates`, and not empty."""
    if not isinstance(noises, (list, tuple)) or not noises or len(noises) % updates:
        what = f"has {len(noises)}" if isinstance(noises, (list, tuple)) else "is no list"
        raise ValueError(f"noises must be a list of a multiple of {updates} updates; it {what}.")
