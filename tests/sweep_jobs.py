"""Jobs for test_sweep.py, in a module of their own so that workers can import them."""

import os
import time
from pathlib import Path

import numpy

from minimeta.core.backend import np
from minimeta.initializations import maml
from minimeta.meta import meta_train
from minimeta.nets import mlp
from minimeta.tasks.regression import sines


def train_maml(setting):
    """A few steps of MAML on sines: what the course would sweep over seeds."""
    rng = numpy.random.default_rng(setting["seed"])
    learner = maml.learner(mlp([1, 16, 1]), step_size=setting["step_size"])
    sample = lambda rng: sines(rng, tasks=4, shots=5, queries=5)
    meta, history = meta_train(learner, sample, rng, steps=5, label=None)
    return {"meta": meta, "history": history}


def square(setting):
    """A number, a curve and the float type of the worker."""
    seed = setting["seed"]
    return {"square": float(seed**2), "curve": numpy.arange(3.0) + seed, "made": np.zeros(1)}


def fail_at_three(setting):
    if setting["seed"] == 3:
        raise ValueError("three is too many")
    return float(setting["seed"])


def die_at_three(setting):
    """Kill the worker at seed 3, the first time only."""
    mark = Path(setting["mark"])
    if setting["seed"] == 3 and not mark.exists():
        mark.touch()
        os._exit(1)
    time.sleep(0.02)
    return float(setting["seed"])


def count_calls(setting):
    """Leave a file for every call, to be counted."""
    Path(setting["folder"], f"{setting['seed']}-{os.urandom(4).hex()}").touch()
    return float(setting["seed"])


def kill_the_sweep(setting):
    """End the whole process at seed 3, as a power failure would, unless it is told not to."""
    if setting["seed"] == 3 and not os.environ.get("SWEEP_SURVIVES"):
        os._exit(9)
    return count_calls(setting)


def no_tree(setting):
    return "a text"
