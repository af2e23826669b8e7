"""A prototypical-network episode (Snell et al. 2017): 20 classes, one support image each, 28x28.

Four blocks of 3x3 convolution with 64 filters, normalisation over the batch, relu and 2x2 pooling
embed all images; a query is classified by its squared distance to the classes' prototypes. The
small one has 14x14 pixels and three blocks of few filters, as experiments/few_shot.py has them."""

import numpy

SIZES = {
    "conv_episode": {
        "classes": 20,
        "queries": 5,  # per class: 120 images in all
        "side": 28,
        "filters": (64, 64, 64, 64),
        "training_steps": 50,
    },
    "conv_episode_small": {
        "classes": 20,
        "queries": 5,
        "side": 14,
        "filters": (16, 32, 64),
        "training_steps": 500,
    },
}
STABLE = 1e-5  # added to the variance


def init(rng, sizes):
    """Filters (3, 3, inputs, outputs) N(0, 2 / inputs of a filter), and a scale and shift each."""
    depths = (1, *sizes["filters"])
    return [
        {
            "W": rng.normal(scale=(2 / (9 * D)) ** 0.5, size=(3, 3, D, C)).astype("float32"),
            "b": numpy.zeros(C, "float32"),
        }
        for D, C in zip(depths[:-1], depths[1:])
    ]


def sample(rng, sizes):
    """Noisy copies of one random image per class: (N, side, side, 1), the supports first."""
    C, Q, side = sizes["classes"], sizes["queries"], sizes["side"]
    classes = rng.random((C, 1, side, side, 1), dtype="float32") - 0.5
    images = classes + rng.random((C, 1 + Q, side, side, 1), dtype="float32") - 0.5
    return images[:, 0], images[:, 1:].reshape(C * Q, side, side, 1)


def in_minimeta(sizes):
    """The blocks of nets.conv, and the loss as the paper has it."""
    from minimeta.core.backend import np
    from minimeta.core.gradients import value_and_grad
    from minimeta.core.losses import cross_entropy
    from minimeta.nets.conv import block_output

    labels = numpy.repeat(numpy.arange(sizes["classes"]), sizes["queries"])

    def embedded(blocks, x):
        for p in blocks:
            x = block_output(x, **p)
        return np.reshape(x, (len(x), -1))

    def loss(blocks, data):
        z = embedded(blocks, np.concatenate(data))
        prototypes, queries = z[: sizes["classes"]], z[sizes["classes"] :]
        distances = np.sum((queries[:, None] - prototypes) ** 2, axis=-1)  # (queries, classes)
        return cross_entropy(-distances, labels)

    return value_and_grad(loss)


def in_jax(sizes):
    """lax.conv_general_dilated and reduce_window, channels last."""
    import jax
    from jax import lax
    from jax import numpy as np

    labels = numpy.repeat(numpy.arange(sizes["classes"]), sizes["queries"])

    def block(x, p):
        layout = ("NHWC", "HWIO", "NHWC")
        x = lax.conv_general_dilated(x, p["W"], (1, 1), "SAME", dimension_numbers=layout)
        mean, variance = np.mean(x, axis=(0, 1, 2)), np.var(x, axis=(0, 1, 2))
        x = jax.nn.relu((x - mean) / np.sqrt(variance + STABLE) + p["b"])
        return lax.reduce_window(x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss(blocks, data):
        z = np.concatenate(data)
        for p in blocks:
            z = block(z, p)
        z = z.reshape(len(z), -1)
        prototypes, queries = z[: sizes["classes"]], z[sizes["classes"] :]
        distances = np.sum((queries[:, None] - prototypes) ** 2, axis=-1)
        return -np.mean(jax.nn.log_softmax(-distances)[np.arange(len(labels)), labels])

    return jax.jit(jax.value_and_grad(loss))


def in_torch(sizes):
    """conv2d, batch_norm with the batch's statistics, max_pool2d; channels first."""
    import torch
    from torch.nn import functional as F

    labels = torch.arange(sizes["classes"]).repeat_interleave(sizes["queries"])

    def block(x, p):
        x = F.batch_norm(F.conv2d(x, p["W"], padding=1), None, None, None, p["b"], True, eps=STABLE)
        return F.max_pool2d(F.relu(x), 2)

    def step(blocks, data):
        weights = [p[key].detach().requires_grad_() for p in blocks for key in ("W", "b")]
        z = torch.cat(data).permute(0, 3, 1, 2)
        for W, b in zip(weights[::2], weights[1::2]):
            z = block(z, {"W": W, "b": b})
        z = z.flatten(1)
        prototypes, queries = z[: sizes["classes"]], z[sizes["classes"] :]
        distances = ((queries[:, None] - prototypes) ** 2).sum(-1)
        value = F.cross_entropy(-distances, labels)
        slopes = torch.autograd.grad(value, weights)
        return value.detach(), [{"W": W, "b": b} for W, b in zip(slopes[::2], slopes[1::2])]

    return step


def load_torch(blocks):
    """PyTorch's filters are (outputs, inputs, 3, 3)."""
    import torch

    return [
        {"W": torch.from_numpy(p["W"].transpose(3, 2, 0, 1).copy()), "b": torch.from_numpy(p["b"])}
        for p in blocks
    ]


def unload_torch(gradient):
    """And back."""
    return [{"W": p["W"].numpy().transpose(2, 3, 1, 0), "b": p["b"].numpy()} for p in gradient]
