"""Prototypical networks (Snell et al. 2017) on many episodes at once, embedded by a perceptron.

Value and gradient of the mean cross-entropy of the queries of M episodes, each with classes of its
own. Embeddings are brought to one length: without that the last bias would cancel in all distances,
and its gradient would be rounding. conv_episode.py has one large episode of images."""

import numpy

SIZES = {
    "prototypes": {
        "tasks": 16,
        "classes": 5,
        "shots": 5,
        "queries": 15,
        "widths": (64, 128, 128, 64),
        "radius": 3.0,
        "training_steps": 500,
    }
}
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """Layers with W ~ N(0, 2 / inputs) and b = 0."""
    widths = sizes["widths"]
    return [
        {
            "W": rng.normal(scale=(2 / D) ** 0.5, size=(D, C)).astype("float32"),
            "b": numpy.zeros(C, "float32"),
        }
        for D, C in zip(widths[:-1], widths[1:])
    ]


def sample(rng, sizes):
    """Support (M, S, D) and query (M, Q, D), noise around class means, with one-hot labels."""
    M, C, D = sizes["tasks"], sizes["classes"], sizes["widths"][0]
    means = 0.3 * rng.normal(size=(M, C, 1, D))

    def examples(count):
        x = means + rng.normal(size=(M, C, count, D))
        y = numpy.repeat(numpy.eye(C, dtype="float32"), count, axis=0)
        return x.reshape(M, C * count, D).astype("float32"), numpy.stack([y] * M)

    return examples(sizes["shots"]), examples(sizes["queries"])


def in_minimeta(sizes):
    """meta_loss of embeddings.prototypical."""
    from minimeta.core.gradients import value_and_grad
    from minimeta.embeddings import prototypical
    from minimeta.meta import meta_loss
    from minimeta.nets import mlp
    from minimeta.tasks import Data, Task

    learner = prototypical.learner(prototypical.on_sphere(mlp(sizes["widths"]), sizes["radius"]))
    return value_and_grad(
        lambda meta, data: meta_loss(learner, meta, Task(*(Data(*d) for d in data)))
    )


def in_jax(sizes):
    """One episode as one writes it down, vmap over episodes, jit around all of it."""
    import jax
    from jax import numpy as np

    def embed(params, x):
        for p in params[:-1]:
            x = jax.nn.relu(x @ p["W"] + p["b"])
        h = x @ params[-1]["W"] + params[-1]["b"]
        return sizes["radius"] * h / np.linalg.norm(h, axis=-1, keepdims=True)

    def loss_of_task(params, data):
        (support, labels), (query, targets) = data
        prototypes = labels.T @ embed(params, support) / np.sum(labels, axis=0)[:, None]
        h = embed(params, query)
        distances = np.sum((h[:, None] - prototypes) ** 2, axis=-1)  # (Q, C)
        return -np.mean(np.sum(targets * jax.nn.log_softmax(-distances), axis=-1))

    def loss(params, data):
        return np.mean(jax.vmap(loss_of_task, (None, 0))(params, data))

    return jax.jit(jax.value_and_grad(loss))


def in_torch(sizes):
    """All episodes at once."""
    from torch.nn import functional as F

    from benchmarks.attention import step_in_torch

    def embed(params, x):
        for p in params[:-1]:
            x = F.relu(x @ p["W"] + p["b"])
        return sizes["radius"] * F.normalize(x @ params[-1]["W"] + params[-1]["b"], dim=-1)

    def loss(params, data):
        (support, labels), (query, targets) = data
        prototypes = labels.mT @ embed(params, support) / labels.sum(1)[..., None]
        distances = ((embed(params, query)[:, :, None] - prototypes[:, None]) ** 2).sum(-1)
        return -(targets * F.log_softmax(-distances, -1)).sum(-1).mean()

    return step_in_torch(loss)
