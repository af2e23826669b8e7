"""RL2 on bandits (Duan et al. 2016): the policy gradient of an LSTM that sees what it did and got.

Value and gradient of the surrogate, sum_t log pi(a_t | what came before) (G_t - b_t), on episodes
that have been played; b_t is the mean return of the other episodes of the same bandit."""

import numpy

from benchmarks.lstm import answers_in_jax, load_torch_lstm, unload_torch_lstm, weights

SIZES = {
    "rl2": {
        "tasks": 32,
        "episodes": 4,
        "time": 40,
        "arms": 5,
        "hidden": 48,
        "training_steps": 500,
    }
}
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """An LSTM that reads [1, action, reward, done], and its answers: a logit for each arm, and two
    more, which a policy without a critic does not use."""
    H, A = sizes["hidden"], sizes["arms"]
    bias = numpy.repeat([0.0, 1.0, 0.0, 0.0], H).astype("float32")
    W_x = rng.normal(size=(A + 3, 4 * H)).astype("float32")
    last = {"W": weights(rng, H, A + 2), "b": numpy.zeros(A + 2, "float32")}
    return {"lstm": {"W_x": W_x, "W_h": weights(rng, H, 4 * H), "b": bias}, "last": last}


def sample(rng, sizes):
    """Actions at random, one-hot (M, N, T, A), and the rewards (M, N, T) that the bandits pay."""
    M, N, T, A = (sizes[name] for name in ("tasks", "episodes", "time", "arms"))
    action, chances = rng.integers(A, size=(M, N, T)), rng.random((M, A))
    paid = rng.random((M, N, T)) < chances[numpy.arange(M)[:, None, None], action]
    return numpy.eye(A, dtype="float32")[action], paid.astype("float32")


def in_minimeta(sizes):
    """agents.policy_gradient with the learner of agents.rl2."""
    from minimeta.agents import policy_gradient, rl2
    from minimeta.core.backend import np
    from minimeta.core.gradients import value_and_grad
    from minimeta.tasks.environment import Episodes

    learner = rl2.learner(1, sizes["arms"], sizes["hidden"])

    def loss(params, data):
        action, reward = data
        episodes = Episodes(np.ones_like(reward[..., None]), action, reward, 0.0 * reward)
        advantage = policy_gradient.advantages(episodes)
        meta = {"cell": params["lstm"], "read": params["last"]}
        return -policy_gradient.surrogate(learner, meta, episodes, advantage)

    return value_and_grad(loss)


def in_jax(sizes):
    """cumsum for the returns, scan for the LSTM, jit around all of it."""
    import jax
    from jax import numpy as np

    def loss(params, data):
        action, reward = data
        gain = np.cumsum(reward[..., ::-1], axis=-1)[..., ::-1]
        others = (np.sum(gain, axis=1, keepdims=True) - gain) / (sizes["episodes"] - 1)
        seen = np.concatenate([action, reward[..., None], 0 * reward[..., None]], axis=-1)
        before = np.pad(seen, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]
        x = np.concatenate([np.ones_like(reward[..., None]), before], axis=-1)
        x = np.moveaxis(x, 2, 0).reshape(sizes["time"], -1, x.shape[-1])  # (T, M N, D)
        logits = answers_in_jax(params, x)[..., : sizes["arms"]]
        logits = np.moveaxis(logits.reshape(sizes["time"], *action.shape[:2], -1), 0, 2)
        chosen = np.sum(jax.nn.log_softmax(logits) * action, axis=-1)
        return -np.mean(np.sum(chosen * (gain - others), axis=-1))

    return jax.jit(jax.value_and_grad(loss))


def in_torch_lstm(sizes):
    """flip and cumsum, nn.LSTM and nn.Linear."""
    import torch
    from torch.nn import functional as F

    def step(net, data):
        action, reward = data
        gain = reward.flip(-1).cumsum(-1).flip(-1)
        others = (gain.sum(1, keepdim=True) - gain) / (sizes["episodes"] - 1)
        seen = torch.cat([action, reward[..., None], 0 * reward[..., None]], -1)
        before = F.pad(seen, (0, 0, 1, 0))[:, :, :-1]
        x = torch.cat([torch.ones_like(reward[..., None]), before], -1)
        h, _ = net["lstm"](x.flatten(0, 1))
        logits = net["last"](h)[..., : sizes["arms"]].view(action.shape)
        chosen = (F.log_softmax(logits, -1) * action).sum(-1)
        value = -(chosen * (gain - others)).sum(-1).mean()
        return value.detach(), torch.autograd.grad(value, list(net.parameters()))

    return step


__all__ = ["load_torch_lstm", "unload_torch_lstm"]
