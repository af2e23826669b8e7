"""What each library needs around a step: its own arrays, a compiler if it has one, and Adam."""

import os
from functools import partial
from typing import Callable, NamedTuple

RATE, MEAN, SQUARE, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # Adam as published, in every library


class Library(NamedTuple):
    """How to work with one library.

    load(tree) -> tree of its arrays         unload(tree) -> tree of NumPy arrays
    ready(step) -> step                      what one does to a step before a loop calls it
    wait(result) -> result                   once it has been computed
    train(step, params, batches) -> value    Adam over the batches; the value before the last update
    """

    load: Callable
    unload: Callable
    ready: Callable
    wait: Callable
    train: Callable


def library(program, dtype, shared=False):
    """The library of a program: "torch_loop" -> PyTorch. Imports it.

    shared: whether the program "minimeta_threads" may share out axis 0 of all data.
    """
    makers = {"minimeta": minimeta, "eager": eager, "jax": jax, "torch": torch}
    makers["minimeta_threads"] = shared_tasks if shared else threaded_kernels
    return makers.get(program, makers[program.split("_")[0]])(dtype)


def minimeta(dtype):
    """minimeta as meta_train uses it: a step, update included, is recorded once and replayed."""
    from minimeta.core.replay import replay
    from minimeta.training import step_of

    return on_autograd(dtype, replay, lambda *step: replay(step_of(*step)))


def eager(dtype):
    """minimeta with autograd's tape in every step: what replay is measured against."""
    from minimeta.training import step_of

    return on_autograd(dtype, lambda step: step, step_of)


def threaded_kernels(dtype):
    """minimeta with every kernel on images in as many threads as there are cores."""
    from minimeta.core.threads import set_threads

    set_threads(os.cpu_count())
    return minimeta(dtype)


def shared_tasks(dtype):
    """minimeta as train(..., workers=n) uses it: each share of the tasks in a thread of its own."""
    from concurrent.futures import ThreadPoolExecutor

    from minimeta.core.replay import replay
    from minimeta.core.runs.shares import share_out
    from minimeta.training import step_of

    executor = ThreadPoolExecutor(os.cpu_count())
    ready = lambda step: share_out([replay(step) for _ in range(os.cpu_count())], executor)

    def updating(step, optimizer):
        return step_of(ready(step), optimizer._replace(update=replay(optimizer.update)))

    return on_autograd(dtype, ready, updating)


def on_autograd(dtype, ready, updating):
    """All of these; updating(step, optimizer) -> (params, state, data -> value, params, state)."""
    from minimeta.core import backend
    from minimeta.core.optim import adam

    backend.use(dtype=dtype)
    optimizer = adam(RATE, MEAN, SQUARE, EPSILON)

    def train(step, params, batches):
        update, state = updating(step, optimizer), optimizer.init(params)
        for data in batches:
            value, params, state = update(params, state, data)
        return float(value)

    same = lambda x: x
    return Library(same, same, ready, same, train)


def jax(dtype):
    """JAX: the workload's file jits the step; gradient and update become one program here."""
    import jax
    import numpy
    from jax import numpy as np

    jax.config.update("jax_enable_x64", dtype == "float64")

    def update(step, params, moments, time, data):
        value, gradient = step(params, data)
        mean = jax.tree.map(lambda m, g: MEAN * m + (1 - MEAN) * g, moments[0], gradient)
        square = jax.tree.map(lambda s, g: SQUARE * s + (1 - SQUARE) * g * g, moments[1], gradient)
        rate, root = RATE / (1 - MEAN**time), np.sqrt(1 - SQUARE**time)
        move = lambda p, m, s: p - rate * m / (np.sqrt(s) / root + EPSILON)
        return value, jax.tree.map(move, params, mean, square), (mean, square)

    def train(step, params, batches):
        update_once = jax.jit(partial(update, step), donate_argnums=(0, 1))
        moments = tuple(jax.tree.map(np.zeros_like, params) for _ in range(2))
        for time, data in enumerate(batches, 1):
            value, params, moments = update_once(params, moments, float(time), data)
        return float(value)

    load = partial(jax.tree.map, np.asarray)
    unload = partial(jax.tree.map, numpy.asarray)
    return Library(load, unload, lambda step: step, jax.block_until_ready, train)


def torch(dtype):
    """PyTorch: eager, its own Adam in the fused form."""
    import numpy
    import torch
    from torch.utils import _pytree as tree

    torch.set_default_dtype(getattr(torch, dtype))

    def load(arrays):
        return tree.tree_map(lambda a: torch.from_numpy(numpy.ascontiguousarray(a)), arrays)

    def train(step, params, batches):
        weights = list(params.parameters()) if hasattr(params, "parameters") else None
        weights = weights or [leaf.requires_grad_() for leaf in tree.tree_leaves(params)]
        optimizer = torch.optim.Adam(weights, RATE, (MEAN, SQUARE), EPSILON, fused=True)
        for data in batches:
            value, gradient = step(params, load(data))
            for weight, slope in zip(weights, tree.tree_leaves(gradient)):
                weight.grad = slope
            optimizer.step()
        return float(value.detach())

    unload = partial(tree.tree_map, lambda a: a.detach().numpy())
    return Library(load, unload, lambda step: step, lambda result: result, train)
