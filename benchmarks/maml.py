"""Second-order MAML on sine tasks (Finn et al. 2017): value and gradient of the query loss after
`steps` inner gradient steps, averaged over the tasks."""

import numpy

SINES = {"tasks": 25, "shots": 10, "queries": 10, "step_size": 0.01}
SIZES = {
    "maml": {**SINES, "widths": (1, 40, 40, 1), "steps": 1, "training_steps": 500},
    "maml_5_steps": {**SINES, "widths": (1, 40, 40, 1), "steps": 5, "training_steps": 500},
    "maml_wide": {**SINES, "widths": (1, 256, 256, 1), "steps": 1, "training_steps": 50},
}
SIZES["maml_5_steps"]["step_size"] = 0.002  # with 0.01 these two diverge, in every library
SIZES["maml_wide"]["step_size"] = 0.001
SHARED = True  # the value is a mean over axis 0 of all data


def init(rng, sizes):
    """Weights N(0, 2 / inputs), biases 0."""
    pairs = zip(sizes["widths"][:-1], sizes["widths"][1:])
    return [
        {
            "W": rng.normal(scale=(2 / D) ** 0.5, size=(D, C)).astype("float32"),
            "b": numpy.zeros(C, "float32"),
        }
        for D, C in pairs
    ]


def sample(rng, sizes):
    """Sines of amplitude 0.1..5 and phase 0..pi on -5..5: support (x, y) and query (x, y)."""
    M, S, N = sizes["tasks"], sizes["shots"], sizes["shots"] + sizes["queries"]
    amplitude, phase = rng.uniform(0.1, 5, (M, 1, 1)), rng.uniform(0, numpy.pi, (M, 1, 1))
    x = rng.uniform(-5, 5, (M, N, 1)).astype("float32")
    y = (amplitude * numpy.sin(x - phase)).astype("float32")
    return (x[:, :S], y[:, :S]), (x[:, S:], y[:, S:])  # each (M, S, 1) or (M, Q, 1)


def in_minimeta(sizes):
    """initializations.maml."""
    from minimeta.core.gradients import value_and_grad
    from minimeta.initializations import maml
    from minimeta.meta import meta_loss
    from minimeta.nets import mlp
    from minimeta.tasks import Data, Task

    learner = maml.learner(mlp(sizes["widths"]), step_size=sizes["step_size"], steps=sizes["steps"])
    as_task = lambda support, query: Task(Data(*support), Data(*query))
    return value_and_grad(lambda theta, data: meta_loss(learner, theta, as_task(*data)))


def in_jax(sizes):
    """One task written down, vmap over tasks, jit around all of it."""
    import jax
    from jax import numpy as np

    def net(theta, x):
        for layer in theta[:-1]:
            x = jax.nn.relu(x @ layer["W"] + layer["b"])
        return x @ theta[-1]["W"] + theta[-1]["b"]

    def loss(theta, x, y):
        return np.mean((net(theta, x) - y) ** 2)

    def adapted(theta, support):
        for _ in range(sizes["steps"]):
            slopes = jax.grad(loss)(theta, *support)
            theta = jax.tree.map(lambda p, slope: p - sizes["step_size"] * slope, theta, slopes)
        return theta

    def meta_loss(theta, task):
        one = lambda support, query: loss(adapted(theta, support), *query)
        return np.mean(jax.vmap(one)(*task))

    return jax.jit(jax.value_and_grad(meta_loss))


def in_torch_func(sizes):
    """The same shape of program as in JAX: torch.func.vmap and grad."""
    from torch.func import grad, grad_and_value, vmap
    from torch.utils._pytree import tree_map

    def adapted(theta, support):
        for _ in range(sizes["steps"]):
            slopes = grad(torch_loss)(theta, *support)
            theta = tree_map(lambda p, slope: p - sizes["step_size"] * slope, theta, slopes)
        return theta

    def meta_loss(theta, task):
        one = lambda support, query: torch_loss(adapted(theta, support), *query)
        return vmap(one)(*task).mean()

    def step(theta, task):
        gradient, value = grad_and_value(meta_loss)(theta, task)
        return value, gradient

    return step


def in_torch_loop(sizes):
    """What PyTorch's meta-learning libraries do: a loop over tasks, create_graph in each."""
    import torch
    from torch.utils._pytree import tree_flatten, tree_unflatten

    def step(theta, task):
        weights, spec = tree_flatten(theta)
        weights = [w.detach().requires_grad_() for w in weights]
        value = 0.0
        (support_x, support_y), (query_x, query_y) = task
        for i in range(sizes["tasks"]):
            phi = weights
            for _ in range(sizes["steps"]):
                inner = torch_loss(tree_unflatten(phi, spec), support_x[i], support_y[i])
                slopes = torch.autograd.grad(inner, phi, create_graph=True)
                phi = [p - sizes["step_size"] * slope for p, slope in zip(phi, slopes)]
            outer = torch_loss(tree_unflatten(phi, spec), query_x[i], query_y[i])
            value = value + outer / sizes["tasks"]
        return value.detach(), tree_unflatten(list(torch.autograd.grad(value, weights)), spec)

    return step


def torch_loss(theta, x, y):
    """Mean squared error of the perceptron on one task, for both PyTorch programs."""
    from torch.nn.functional import linear, mse_loss, relu

    for layer in theta[:-1]:
        x = relu(linear(x, layer["W"].T, layer["b"]))
    return mse_loss(linear(x, theta[-1]["W"].T, theta[-1]["b"]), y)
