"""Trials of optimizers: `tune` finds the best of its grid, and the table prints what it found."""

import numpy
import pytest
from helpers import refused, rng
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.optim import adam, momentum, sgd
from minimeta.exact import schedules
from minimeta.learned_optimizers import baselines
from minimeta.learned_optimizers.baselines import (
    RATIOS,
    loss_curves,
    report,
    settings,
    trial,
    tune,
)
from minimeta.tasks import optimizees

FAMILY = optimizees.gaussian_quadratics(3, 4)
TASK = FAMILY.sample(rng())
SPECTRUM, WEIGHTS = numpy.array([0.5, 1.0, 2.0]), numpy.array([1.0, 2.0, 0.5])


def test_sgd_along_a_diagonal_quadratic_is_the_closed_form():
    task, a = optimizees.diagonal(SPECTRUM, WEIGHTS), 0.3
    exact = [schedules.expected_loss(numpy.full(t, a), SPECTRUM, WEIGHTS) for t in range(1, 6)]
    assert_allclose(loss_curves(FAMILY, sgd(a), task, 5)[:, 0], exact, rtol=1e-12)


def test_tuned_sgd_is_the_nearest_of_the_grid_to_the_best_step():
    """After one step the loss is a parabola in the step size."""
    task, best = optimizees.diagonal(SPECTRUM, WEIGHTS), schedules.best_step(SPECTRUM, WEIGHTS)
    winner = tune(FAMILY, task, {"SGD": 0.5}, steps=1)["SGD"]
    nearest = min((0.5 * ratio for ratio in RATIOS), key=lambda a: abs(a - best))
    assert winner.inside and winner.setting == {"step_size": nearest}
    exact = schedules.expected_loss(numpy.array([nearest]), SPECTRUM, WEIGHTS)
    assert_allclose(winner.mean, exact, rtol=1e-12)


def test_a_trial_has_the_mean_the_end_and_as_many_steps_again():
    losses = loss_curves(FAMILY, adam(0.1), TASK, 20)
    short = trial(FAMILY, adam(0.1), TASK, 10, last=4)
    assert_array_equal(short.losses, losses)
    assert_allclose(short.mean, losses[:10].mean(), rtol=1e-12)
    assert_allclose(short.end, losses[6:10].mean(), rtol=1e-12)


def test_the_tuned_one_is_the_best_of_all_settings():
    family = optimizees.gaussian_quadratics(10, 10)
    task = family.sample(rng())
    winner = tune(family, task, {"momentum": 0.03}, steps=80, last=3)["momentum"]
    every = [loss_curves(family, momentum(**s), task, 80) for s in settings("momentum", 0.03)]
    assert len(every) == 3 * len(RATIOS)
    finite = [losses for losses in every if numpy.isfinite(losses).all()]
    assert_allclose(winner.mean, min(losses.mean() for losses in finite), rtol=1e-12)
    assert_allclose(winner.end, min(losses[-3:].mean() for losses in finite), rtol=1e-12)
    same = trial(family, momentum(**winner.setting), task, 80, last=3)
    assert same.mean == winner.mean and same.end > winner.end, "another setting ends best"


def test_the_step_size_that_ends_best_must_be_inside_the_grid_too():
    """RMSprop with the largest of these ends best, with the middle one it is best on average."""
    winner = tune(FAMILY, TASK, {"RMSprop": 0.1}, steps=20, ratios=(0.5, 1.0, 2.0))["RMSprop"]
    assert winner.setting["step_size"] == 0.1 and not winner.inside
    wider = tune(FAMILY, TASK, {"RMSprop": 0.1}, steps=20, ratios=(0.5, 1.0, 2.0, 4.0))["RMSprop"]
    assert wider.setting == winner.setting and wider.inside


@pytest.mark.parametrize("middle", [1e-4, 0.5])
def test_a_best_step_size_at_the_edge_of_its_grid_is_no_optimum(middle):
    """Far too short ones rise to the longest, far too long ones fall to the shortest."""
    task = optimizees.diagonal(SPECTRUM, WEIGHTS)
    winner = tune(FAMILY, task, {"SGD": middle * 5}, steps=3, ratios=(0.9, 1.0, 1.1))["SGD"]
    assert not winner.inside


def test_settings_that_diverge_are_passed_over():
    winner = tune(FAMILY, TASK, {"SGD": 0.02}, steps=300, ratios=(1.0, 1e3))["SGD"]
    assert winner.setting == {"step_size": 0.02} and numpy.isfinite(winner.losses).all()


def test_the_table_has_a_line_for_each(capsys):
    trials = tune(FAMILY, TASK, {"SGD": 0.02, "RMSprop": 0.03}, steps=10)
    report(trials, steps=10)
    first, second = capsys.readouterr().out.splitlines()
    mean = trials["SGD"].losses[:10].mean(axis=0)
    assert first.split()[:2] == ["SGD", "mean"]
    assert f"{mean.mean():.3f} +-{mean.std() / 3**0.5:.3f}" in first
    assert "step_size" in second and "decay" in second


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: tune(FAMILY, TASK, {"Adagrad": 0.1}), "There is no grid for 'Adagrad'"),
        (lambda: tune(FAMILY, TASK, {"SGD": 1e3}), "SGD diverges with all 11 settings"),
        (lambda: tune(FAMILY, TASK, {"SGD": 0.0}), "step_size must be"),
        (lambda: trial(FAMILY, sgd(0.1), TASK, last=0), "last must be at least 1"),
        (lambda: trial(FAMILY, sgd(0.1), TASK, steps=0), "steps must be at least 1"),
        (lambda: tune(FAMILY, TASK, {"SGD": 0.1}, ratios=()), "ratios must"),
        (lambda: optimizees.diagonal(SPECTRUM, WEIGHTS[:2]), "must have the same shape|weights"),
        (lambda: optimizees.diagonal(-SPECTRUM, WEIGHTS), "must not be negative"),
        (lambda: optimizees.diagonal(SPECTRUM[0], WEIGHTS[0]), "spectrum must"),
    ],
)
def test_malformed_calls_get_one_sentence(call, sentence):
    refused(call, sentence, ValueError)


def test_the_grid_has_the_defaults_of_the_optimizers_in_it():
    """So that tuning cannot lose against an untuned shape."""
    shapes = {(s["decay_mean"], s["decay_square"]) for s in settings("Adam", 0.1)}
    assert (0.9, 0.999) in shapes
    assert 0.9 in {s["mass"] for s in settings("momentum", 0.1)}
    assert 0.9 in {s["decay"] for s in settings("RMSprop", 0.1)}
    assert 1.0 in baselines.RATIOS
