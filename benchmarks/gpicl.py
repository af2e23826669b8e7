"""General-purpose in-context learning (Kirsch et al. 2022): a transformer reads labelled examples.

A token is an input and the label before it. Value and gradient of the mean cross-entropy of the
label at every token, with the sizes of experiments/task_diversity.py."""

import numpy

from benchmarks import attention

SIZES = {
    "gpicl": {
        "batch": 32,
        "time": 20,
        "features": 16,
        "inputs": 21,  # the features and the label before
        "outputs": 5,
        "width": 48,
        "heads": 4,
        "layers": 2,
        "training_steps": 500,
    }
}
init = attention.init
SHARED = True  # the value is a mean over axis 0 of all data


def sample(rng, sizes):
    """Inputs (M, T, D), class means and noise, and one-hot labels (M, T, C)."""
    M, T, D, C = (sizes[name] for name in ("batch", "time", "features", "outputs"))
    means, labels = rng.normal(size=(M, C, D)), rng.integers(C, size=(M, T))
    x = means[numpy.arange(M)[:, None], labels] + rng.normal(size=(M, T, D))
    return x.astype("float32"), numpy.eye(C, dtype="float32")[labels]


def in_minimeta(sizes):
    """memories.transformer with late labels."""
    from minimeta.core.backend import np
    from minimeta.core.gradients import value_and_grad
    from minimeta.core.losses import cross_entropy
    from minimeta.memories import tokens, transformer
    from minimeta.meta import along
    from minimeta.tasks import Data

    shape = (sizes[name] for name in ("features", "outputs", "width", "heads", "layers"))
    learner = transformer.learner(*shape, tokens=tokens.late_labels, loss=cross_entropy)

    def loss(meta, data):
        return np.mean(learner.loss(along(learner, meta, Data(*data)), data[1]))

    return value_and_grad(loss)


def in_jax(sizes):
    """The transformer of attention.py, jit."""
    import jax
    from jax import numpy as np

    def loss(params, data):
        x, y = data
        before = np.pad(y, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        logits = attention.answers_in_jax(params, np.concatenate([x, before], -1), sizes["heads"])
        return -np.mean(np.sum(y * jax.nn.log_softmax(logits), axis=-1))

    return jax.jit(jax.value_and_grad(loss))


def in_torch(sizes):
    """The transformer of attention.py."""
    import torch
    from torch.nn import functional as F

    def loss(params, data):
        x, y = data
        before = F.pad(y, (0, 0, 1, 0))[:, :-1]
        logits = attention.answers_in_torch(params, torch.cat([x, before], -1), sizes["heads"])
        return -(y * F.log_softmax(logits, -1)).sum(-1).mean()

    return attention.step_in_torch(loss)
