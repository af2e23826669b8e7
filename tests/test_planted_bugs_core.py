"""Planted bugs in gradients, losses and optimizers: each turns a named theorem red."""

import numpy
import pytest
from helpers import turns_red

from minimeta.core import gradients as core
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.optim import Optimizer, adam, momentum, rmsprop, sgd
from minimeta.core.trees import tree_map
from minimeta.theorems import gradients, optimizers


def last_use_only(gathered, part):
    """A value used twice gets the slope of one use."""
    return part, False


def halved(f):
    return lambda *args: tree_map(lambda slope: slope / 2, grad(f)(*args))


def plain_gradient(f):
    return lambda *args: grad(f)(*args[:-1])


def summed_cross_entropy(logits, labels):
    return len(labels) * cross_entropy(logits, labels)


def overflowing_cross_entropy(logits, labels):
    with numpy.errstate(all="ignore"):
        p = numpy.exp(logits) / numpy.sum(numpy.exp(logits), axis=-1, keepdims=True)
        return -numpy.log(numpy.take_along_axis(p, labels[..., None], -1))[..., 0].mean(-1)


def turned(make):
    """The optimizer walks uphill."""

    def maker(*args, **options):
        optimizer = make(*args, **options)
        minus = lambda g: tree_map(lambda leaf: -leaf, g)
        return Optimizer(optimizer.init, lambda g, s, p: optimizer.update(minus(g), s, p))

    return maker


def damped_momentum(step_size, mass=0.9):
    """v <- mass v + (1 - mass) g: another rule of the same name."""
    return momentum(step_size * (1 - mass), mass)


def adam_without_correction(step_size, epsilon=1e-8):
    return adam(step_size * 0.1 / 0.001**0.5, epsilon=epsilon)


BUGS = [
    (core, "add_outgrads", last_use_only, gradients.gradient_of_a_quadratic_form),
    (core, "add_outgrads", last_use_only, gradients.gradient_through_a_gradient_step),
    (gradients, "hvp", plain_gradient, gradients.hessian_of_a_quadratic_form),
    (gradients, "cross_entropy", summed_cross_entropy, gradients.gradient_of_cross_entropy),
    (
        gradients,
        "cross_entropy",
        overflowing_cross_entropy,
        gradients.cross_entropy_of_large_logits,
    ),
    (gradients, "mse", lambda p, y: np.sum((p - y) ** 2), gradients.gradient_of_mse),
    (gradients, "mse", lambda p, y: mse(p, y) / 2, gradients.gradient_of_mse),
    (gradients, "grad", halved, gradients.backpropagation_equals_differences),
    (gradients, "copies", lambda t, n: tree_map(lambda p: p * np.ones((n, *p.shape)) / n, t), None),
    (optimizers, "sgd", turned(sgd), optimizers.sgd_sums_gradients),
    (optimizers, "sgd", lambda rate: sgd(0.1), optimizers.schedules_count_updates),
    (optimizers, "momentum", damped_momentum, optimizers.momentum_weights_by_age),
    (optimizers, "momentum", damped_momentum, optimizers.momentum_terminal_speed),
    (
        optimizers,
        "rmsprop",
        lambda rate, decay: rmsprop(rate, 0.99),
        optimizers.rmsprop_as_published,
    ),
    (optimizers, "rmsprop", turned(rmsprop), optimizers.rmsprop_as_published),
    (optimizers, "adam", adam_without_correction, optimizers.adam_as_weighted_averages),
    (optimizers, "adam", lambda rate, epsilon: sgd(rate), optimizers.adam_first_step),
]


@pytest.mark.parametrize(
    "module, name, bug, theorem", BUGS, ids=lambda v: getattr(v, "__name__", "")
)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    theorem = theorem or gradients.copies_give_every_task_its_gradient
    turns_red(monkeypatch, theorem, module, name, lambda _: bug)
