"""The learners of lesson `spectrum`: one line each, with how it is trained on two families.

    maps       noisy linear maps, y = x w + noise, of four inputs and one output: `MAPS`
    classes    three Gaussian classes in six inputs, two examples of each: `CLASSES`

Who writes the update, that is, what happens within a task, is the learner's place:

    by hand     the update is written out; nothing or only a distance is learned
    descent     the update is a gradient step; where it starts, and how long it is, is learned
    rule        a small learned rule, the same for all weights, writes the update
    network     the update is the forward pass of a learned network

Every learner is trained by Adam in single precision with a step size that falls to zero, except
Reptile, whose outer step is no gradient. The settings were chosen by the excess inside, on fresh
tasks of a seed that no table uses. The one round that was used for it also printed the shifts.
"""

from typing import Callable, NamedTuple

import numpy

from minimeta.core.losses import cross_entropy
from minimeta.core.optim import sgd
from minimeta.embeddings import full_context, matching, prototypical, relation, siamese
from minimeta.exact import finite_tasks, linear_gaussian, shifts
from minimeta.initializations import anil, fine_tuning, fomaml, imaml, maml, meta_sgd, reptile
from minimeta.learned_optimizers import lstm_optimizer, meta_lstm
from minimeta.learning_rules import blur, vsml
from minimeta.memories import (
    binding,
    fast_recurrent,
    fast_weights,
    hypernetwork,
    interleaved,
    linear_attention,
    mann,
    recurrent,
    transformer,
)
from minimeta.nets import mlp, tanh
from minimeta.tasks.regression import draw_weights, random_covariance

PLACES = ("by hand", "descent", "rule", "network")


class Recipe(NamedTuple):
    """A learner's place, how it is made, and how it is trained."""

    place: str
    make: Callable  # () -> Learner
    steps: int = 0  # of training; 0 if there is nothing to train
    step_size: float = 0.0
    train: str = "meta"  # "meta", "sequence", or what the outer loop follows besides
    follow: Callable | None = None  # () -> the outer loop's direction, if not the meta-gradient
    lesson: bool = False  # whether the lesson trains it when there is no checkpoint


class Setting(NamedTuple):
    """A family of tasks and its shifts, the queries of a task in training, and the recipes."""

    shifts: dict  # name -> Shift; "inside" is none
    queries: int
    recipes: dict  # name -> Recipe


COVARIANCE = random_covariance(numpy.random.default_rng(7), numpy.array([2.0, 1.0, 0.4, 0.1]))
NOISE, SHOTS = 0.5, 6
NET = mlp([4, 32, 1], tanh, 1.0)
INNER = dict(step_size=0.03, steps=5)
KNOWN = draw_weights(numpy.random.default_rng(8), 64, COVARIANCE)
ISOTROPIC = numpy.trace(COVARIANCE) / 4.0 * numpy.eye(4)

MAPS = {
    "ridge regression": Recipe(
        "by hand", lambda: linear_gaussian.learner(numpy.zeros((4, 1)), ISOTROPIC, NOISE)
    ),
    "64 tasks by heart": Recipe("by hand", lambda: finite_tasks.learner(KNOWN, NOISE)),
    "joint, fine-tuned": Recipe(
        "descent",
        lambda: fine_tuning.learner(NET, **INNER),
        500,
        0.01,
        follow=lambda: fine_tuning.joint_gradient(NET),
    ),
    "Reptile": Recipe(
        "descent",
        lambda: reptile.learner(NET, inner=sgd(0.03), steps=6, batch=2),
        2000,
        1.0,
        "reptile",
        lambda: reptile.meta_gradient(NET, inner=sgd(0.03), steps=6, batch=2),
    ),
    "FOMAML": Recipe("descent", lambda: fomaml.learner(NET, **INNER), 2000, 0.01),
    "MAML": Recipe("descent", lambda: maml.learner(NET, **INNER), 2000, 0.01, lesson=True),
    "iMAML": Recipe(
        "descent",
        lambda: imaml.learner(NET, strength=0.3, step_size=0.05, steps=16),
        600,
        0.01,
        follow=lambda: imaml.meta_gradient(NET, strength=0.3, step_size=0.05, steps=16),
    ),
    "ANIL": Recipe("descent", lambda: anil.learner(NET, **INNER), 2000, 0.01),
    "Meta-SGD": Recipe("descent", lambda: meta_sgd.learner(NET, **INNER), 2000, 0.01, lesson=True),
    "meta-LSTM": Recipe("rule", lambda: meta_lstm.learner(NET, steps=5), 900, 0.01),
    "LSTM optimizer": Recipe(
        "rule", lambda: lstm_optimizer.learner(NET, steps=5, layers=1, hidden=8), 400, 0.01
    ),
    "linear attention": Recipe("network", lambda: linear_attention.learner(4), 4000, 0.01),
    "linear attention, 3 layers": Recipe(
        "network",
        lambda: linear_attention.learner(4, layers=3, scale=0.1),
        3000,
        0.003,
    ),
    "fast weights, sum rule": Recipe("network", lambda: fast_weights.learner(4), 4000, 0.01),
    "fast weights, delta rule": Recipe(
        "network", lambda: fast_weights.learner(4, rule=fast_weights.DELTA), 2000, 0.01
    ),
    "fast weights, softmax": Recipe("network", lambda: fast_weights.softmax_learner(4), 3000, 0.01),
    "fast weights, recurrent": Recipe("network", lambda: fast_recurrent.learner(4), 1000, 0.01),
    "hypernetwork": Recipe("network", lambda: hypernetwork.learner(NET, 4), 1500, 0.005),
    "LSTM, late labels": Recipe("network", lambda: recurrent.learner(4, hidden=48), 2500, 0.01),
    "LSTM": Recipe("network", lambda: interleaved.learner(4, hidden=48), 2200, 0.01, lesson=True),
    "MANN": Recipe("network", lambda: mann.learner(4, hidden=32, slots=8), 800, 0.01),
    "MANN, bound labels": Recipe(
        "network", lambda: binding.learner(4, 1, hidden=32, slots=8), 800, 0.01
    ),
    "transformer": Recipe(
        "network", lambda: transformer.learner(4, blocks=2), 900, 0.005, "sequence"
    ),
}

WAYS, PER_CLASS = 3, 2
BETWEEN = random_covariance(
    numpy.random.default_rng(9), numpy.array([6.0, 3.0, 1.0, 0.2, 0.1, 0.1])
)
WITHIN = numpy.eye(6)
EMBED = mlp([6, 32, 16])
CLASSIFIER = mlp([6, 32, 3], tanh, 1.0)
CLASS_INNER = dict(loss=cross_entropy, step_size=0.3, steps=5)
SIZES = [6, 32, 3]
START = blur.fresh(numpy.random.default_rng(10), SIZES)


def sharp(learner, factor=8.0):
    """The learner with its answers multiplied: logits from 0 to 1 would be nearly a guess."""
    return learner._replace(predict=lambda *given: factor * learner.predict(*given))


def of_classes(place, make, *args, **options):
    """The Recipe of a learner whose loss is an argument: the cross-entropy."""
    return Recipe(place, lambda: make(loss=cross_entropy), *args, **options)


CLASSES = {
    "nearest neighbour": Recipe("by hand", matching.nearest_neighbour),
    "means of inputs": Recipe("by hand", lambda: prototypical.learner(prototypical.pixels)),
    "prototypical": Recipe("by hand", lambda: prototypical.learner(EMBED), 2000, 0.01, lesson=True),
    "matching": Recipe("by hand", lambda: matching.learner(EMBED), 2000, 0.01),
    "siamese": Recipe("by hand", lambda: siamese.learner(EMBED, 16), 2000, 0.01),
    "relation": Recipe("by hand", lambda: relation.learner(EMBED, mlp([32, 32, 1])), 2000, 0.01),
    "full context": Recipe("network", lambda: full_context.learner(EMBED, 16, reads=2), 800, 0.005),
    "joint, fine-tuned": Recipe(
        "descent",
        lambda: fine_tuning.learner(CLASSIFIER, **CLASS_INNER),
        500,
        0.01,
        follow=lambda: fine_tuning.joint_gradient(CLASSIFIER, cross_entropy),
    ),
    "Reptile": Recipe(
        "descent",
        lambda: reptile.learner(CLASSIFIER, cross_entropy, sgd(0.3), 6, 3),
        2000,
        1.0,
        "reptile",
        lambda: reptile.meta_gradient(CLASSIFIER, cross_entropy, sgd(0.3), 6, 3),
    ),
    "FOMAML": Recipe("descent", lambda: fomaml.learner(CLASSIFIER, **CLASS_INNER), 2000, 0.01),
    "MAML": Recipe("descent", lambda: maml.learner(CLASSIFIER, **CLASS_INNER), 1500, 0.01),
    "iMAML": Recipe(
        "descent",
        lambda: imaml.learner(CLASSIFIER, cross_entropy, 0.1, 0.5, 16),
        500,
        0.01,
        follow=lambda: imaml.meta_gradient(CLASSIFIER, cross_entropy, 0.1, 0.5, 16),
    ),
    "ANIL": Recipe("descent", lambda: anil.learner(CLASSIFIER, **CLASS_INNER), 1500, 0.01),
    "Meta-SGD": Recipe("descent", lambda: meta_sgd.learner(CLASSIFIER, **CLASS_INNER), 1500, 0.01),
    "meta-LSTM": Recipe(
        "rule", lambda: meta_lstm.learner(CLASSIFIER, cross_entropy, steps=5), 500, 0.01
    ),
    "LSTM optimizer": Recipe(
        "rule",
        lambda: lstm_optimizer.learner(CLASSIFIER, cross_entropy, steps=5, layers=1, hidden=8),
        300,
        0.01,
    ),
    "BLUR": Recipe("rule", lambda: blur.learner(SIZES, START, batch=3), 1000, 0.01),
    "VSML": Recipe("rule", lambda: vsml.learner(3), 400, 0.02, "sequence", lesson=True),
    "linear attention": of_classes(
        "network", lambda loss: linear_attention.learner(6, 3, loss=loss), 3000, 0.01
    ),
    "linear attention, 3 layers": of_classes(
        "network", lambda loss: linear_attention.learner(6, 3, 3, loss, 0.1), 2000, 0.003
    ),
    "fast weights, sum rule": of_classes(
        "network", lambda loss: fast_weights.learner(6, 3, loss=loss), 3000, 0.01
    ),
    "fast weights, delta rule": of_classes(
        "network",
        lambda loss: sharp(fast_weights.learner(6, 3, rule=fast_weights.DELTA, loss=loss)),
        2000,
        0.01,
    ),
    "fast weights, softmax": of_classes(
        "network", lambda loss: sharp(fast_weights.softmax_learner(6, loss=loss)), 3000, 0.01
    ),
    "fast weights, recurrent": of_classes(
        "network", lambda loss: fast_recurrent.learner(6, 3, loss=loss), 800, 0.01
    ),
    "hypernetwork": of_classes(
        "network", lambda loss: hypernetwork.learner(CLASSIFIER, 6, 3, loss=loss), 1200, 0.005
    ),
    "LSTM, late labels": of_classes(
        "network", lambda loss: recurrent.learner(6, 3, 48, loss), 1500, 0.01
    ),
    "LSTM": of_classes(
        "network", lambda loss: interleaved.learner(6, 3, 48, loss), 1200, 0.01, lesson=True
    ),
    "MANN": of_classes(
        "network", lambda loss: mann.learner(6, 3, hidden=32, slots=8, loss=loss), 600, 0.01
    ),
    "MANN, bound labels": of_classes(
        "network", lambda loss: binding.learner(6, 3, hidden=32, slots=8, loss=loss), 600, 0.01
    ),
    "transformer": of_classes(
        "network",
        lambda loss: transformer.learner(6, 3, blocks=2, loss=loss),
        600,
        0.005,
        "sequence",
    ),
}

SETTINGS = {
    "maps": Setting(shifts.map_shifts(COVARIANCE, NOISE, SHOTS), 6, MAPS),
    "classes": Setting(shifts.class_shifts(WAYS, BETWEEN, WITHIN, PER_CLASS), 4, CLASSES),
}
