"""The best step sizes on quadratics: planted bugs, limits, and calls that are refused.

The equations themselves are theorems (theorems/schedules.py).
"""

import numpy
import pytest
from helpers import given, instead, refused, rng, times, turns_red
from numpy.testing import assert_allclose

from minimeta.exact import schedules
from minimeta.learned_optimizers import schedule
from minimeta.theorems import schedules as theorems

LAM, WEIGHTS = theorems.spectrum()


# ---- Planted bugs: each makes a named theorem fail ----


def of_another_measure(best_schedule):
    return lambda spectrum, weights, steps: best_schedule(spectrum, weights * spectrum, steps)


def never_down(bound):
    return lambda lam, weights, steps: numpy.repeat(bound(lam, weights, 0), steps + 1, axis=0)


def of_residual(krylov):
    return lambda spectrum, start, steps: krylov(spectrum, start / spectrum, steps)


def first(change):
    """The first of several results is changed."""
    return lambda f: lambda *a: (change(f(*a)[0], *a), *f(*a)[1:])


wrong_weights = instead(lambda lam, weights: numpy.sum(weights) / (weights @ lam))
evenly_spaced = instead(lambda low, high, steps: 1.0 / numpy.linspace(low, high, steps))
half_the_curvature = first(lambda spectrum, *_: 0.5 * spectrum)
no_root = first(lambda step_size, low, high: 4.0 / (high + low) ** 2)
to_the_top = first(lambda step_size, low, high: 1.0 / high)
BUGS = [
    ("best_schedule", times(1.001), theorems.best_schedule_has_the_roots_of_the_best_polynomial),
    ("best_schedule", of_another_measure, theorems.learned_schedule_arrives_at_the_roots),
    ("best_schedule", of_another_measure, theorems.the_best_schedule_reaches_the_common_bound),
    ("best_step", wrong_weights, theorems.best_step_has_no_slope),
    ("krylov_bound", never_down, theorems.krylov_bound_is_least_squares),
    ("krylov", of_residual, theorems.krylov_bound_is_least_squares),
    ("modes", half_the_curvature, theorems.the_best_schedule_reaches_the_common_bound),
    ("krylov", of_residual, theorems.conjugate_gradients_reach_the_bound),
    ("krylov_bound", never_down, theorems.no_linear_optimizer_is_below_the_bound),
    ("chebyshev", evenly_spaced, theorems.chebyshev_equioscillates),
    ("heavy_ball", no_root, theorems.heavy_ball_rate),
    ("gradient_descent", to_the_top, theorems.gradient_descent_rate),
    (
        "chebyshev_bound",
        instead(lambda low, high, k: 0.9**k),
        theorems.chebyshev_becomes_heavy_ball,
    ),
]


@pytest.mark.parametrize("name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, name, bug, theorem):
    turns_red(monkeypatch, theorem, schedules, name, bug)


@pytest.mark.parametrize(
    "theorem",
    [
        theorems.the_best_schedule_reaches_the_common_bound,
        theorems.first_order_rests_at_the_best_schedule,
    ],
)
def test_a_schedule_without_its_last_step_turns_theorems_red(monkeypatch, theorem):
    but_last = lambda a: a * (numpy.arange(len(a)) < len(a) - 1)
    early = given(0, lambda meta: {"step_sizes": but_last(meta["step_sizes"])})
    turns_red(monkeypatch, theorem, schedule, "optimizer", early)


# ---- Limits ----


def test_learned_schedules_are_the_roots_on_held_out_spectra():
    for seed in (31, 32):
        lam, weights = theorems.spectrum(seed, size=5 + seed % 4)
        steps = theorems.learn_schedule(lam, weights, steps=3)
        assert_allclose(steps, schedules.best_schedule(lam, weights, 3), atol=1e-6)


def test_as_many_steps_as_eigenvalues_solve_everything():
    steps = schedules.best_schedule(LAM, WEIGHTS, len(LAM))
    assert_allclose(numpy.sort(1.0 / steps), numpy.sort(LAM), rtol=1e-10)
    assert schedules.expected_loss(steps, LAM, WEIGHTS) < 1e-20


def test_more_steps_than_eigenvalues_have_a_bound_but_no_schedule():
    bound = schedules.krylov_bound(LAM, WEIGHTS, 12)
    assert bound.shape == (13,) and bound[8:].max() < 1e-20
    sentence = "steps must be at most 8, which leave no loss; it is 9"
    refused(lambda: schedules.best_schedule(LAM, WEIGHTS, 9), sentence, ValueError)


def test_equal_eigenvalues_and_those_without_weight_count_once_or_not_at_all():
    lam, weights = numpy.array([1.0, 1.0, 2.0, 5.0]), numpy.array([0.3, 0.7, 1.0, 0.0])
    assert_allclose(schedules.best_schedule(lam, weights, 2), [1.0, 0.5], rtol=1e-12)
    refused(lambda: schedules.best_schedule(lam, weights, 3), "at most 2", ValueError)


def test_a_flat_direction_keeps_its_loss():
    bound = schedules.krylov_bound(numpy.array([0.0, 1.0]), numpy.array([0.25, 1.0]), 3)
    assert_allclose(bound, [1.25, 0.25, 0.25, 0.25], atol=1e-15)


def test_the_bound_of_many_problems_is_the_bound_of_each():
    lam, weights = rng().uniform(0.1, 2.0, size=(2, 3, 4, 5))
    together = schedules.krylov_bound(lam, weights, 6)
    alone = [schedules.krylov_bound(lam[i], weights[i], 6) for i in numpy.ndindex(3, 4)]
    assert_allclose(together.reshape(7, 12).T, alone, atol=1e-14)


def test_the_best_schedule_on_average_beats_chebyshev_on_average_and_loses_at_worst():
    best, cheb = schedules.best_schedule(LAM, WEIGHTS, 4), schedules.chebyshev(0.2, 2.0, 4)
    on_average = [schedules.expected_loss(a, LAM, WEIGHTS) for a in (best, cheb)]
    grid = numpy.linspace(0.2, 2.0, 400)
    at_worst = [numpy.abs(schedules.residual(a, grid)).max() for a in (best, cheb)]
    assert on_average[0] < on_average[1] and at_worst[0] > at_worst[1]


def test_a_neighbour_of_the_fastest_heavy_ball_is_slower():
    a, mass, rate = schedules.heavy_ball(0.2, 5.0)
    worst = lambda a, mass: max(theorems.spectral_radius(lam, a, mass) for lam in (0.2, 5.0))
    near = [(a * 1.01, mass), (a * 0.99, mass), (a, mass * 1.01), (a, mass * 0.99)]
    assert min(worst(*pair) for pair in near) > rate + 1e-4


X = numpy.ones((3, 2))
REFUSED = [
    (schedules.best_schedule, ([1.0], WEIGHTS, 2), "spectrum must be an array of floats"),
    (schedules.best_schedule, (LAM, WEIGHTS[:3], 2), "must have the same shape"),
    (schedules.best_schedule, (-LAM, WEIGHTS, 2), "spectrum must not be negative"),
    (schedules.best_schedule, (LAM, -WEIGHTS, 2), "weights must not be negative"),
    (schedules.best_schedule, (LAM, WEIGHTS, 0), "steps must be at least 1"),
    (schedules.krylov_bound, (LAM, numpy.full(8, numpy.nan), 2), "weights must be finite"),
    (schedules.krylov_bound, (LAM, WEIGHTS, -1), "steps must be at least 0"),
    (schedules.best_step, (LAM, WEIGHTS[:3]), "must have the same shape"),
    (schedules.chebyshev, (0.0, 1.0, 2), "low must be above 0"),
    (schedules.chebyshev, (2.0, 1.0, 2), "high must be above 2"),
    (schedules.chebyshev, (1.0, 2.0, 1.5), "steps must be an integer"),
    (schedules.chebyshev_bound, (1.0, 2.0, 0), "steps must be at least 1"),
    (schedules.heavy_ball, (1.0, "2"), "high must be a number"),
    (schedules.gradient_descent, (None, 2.0), "low must be a number"),
    (schedules.modes, (X, numpy.ones((2, 1))), "x and residual must agree"),
    (schedules.modes, (X[0], X), "x must have shape"),
    (schedules.residual, ([0.1], LAM), "step_sizes must be an array of floats"),
    (schedule.init, (rng(), 0), "steps must be at least 1"),
]


@pytest.mark.parametrize("call, arguments, sentence", REFUSED)
def test_malformed_calls_get_one_sentence(call, arguments, sentence):
    refused(lambda: call(*arguments), sentence)
