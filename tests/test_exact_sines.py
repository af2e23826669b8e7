"""The sine family's closed forms against quadrature, and its learner against noiseless tasks."""

import math

import numpy
import pytest
from helpers import refused, rng
from numpy.polynomial.legendre import leggauss
from numpy.testing import assert_allclose

from minimeta.exact import sines as exact
from minimeta.meta import evaluate
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import sines

FAMILIES = [
    {},
    {"phase": (0.0, 2 * math.pi)},
    {"amplitude": (1.0, 2.0), "phase": (0.3, 1.1)},
    {"amplitude": (2.0, 2.0), "phase": (0.7, 0.7)},  # one single sine
]


def average(f, low, high):
    """The mean of f over [low, high] by Gauss-Legendre quadrature, exact to rounding here."""
    nodes, weights = leggauss(60)
    return weights @ f((high + low) / 2 + (high - low) / 2 * nodes) / 2


@pytest.mark.parametrize("family", FAMILIES)
def test_the_joint_predictor_is_the_mean_over_tasks(family):
    (a, b), (c, d) = family.get("amplitude", (0.1, 5.0)), family.get("phase", (0.0, math.pi))
    x = numpy.array([-4.0, 0.3, 2.0])
    mean = (a + b) / 2 * average(lambda phi: numpy.sin(x - phi[:, None]), c, d)
    assert_allclose(exact.joint_predictor(x, **family), mean, atol=1e-13)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("x_range", [(-5.0, 5.0), (0.0, 1.0)])
def test_the_risks_are_the_mean_squares_over_amplitudes_phases_and_inputs(family, x_range):
    (a, b), (c, d) = family.get("amplitude", (0.1, 5.0)), family.get("phase", (0.0, math.pi))
    square = average(lambda A: A**2, a, b) if b > a else a**2
    y_square = lambda x: square * average(lambda p: numpy.sin(x[:, None] - p).T ** 2, c, d)
    zero = average(y_square, *x_range)
    explained = average(lambda x: exact.joint_predictor(x, **family) ** 2, *x_range)
    assert_allclose(exact.zero_risk(**family, x_range=x_range), zero, rtol=1e-13)
    risk = exact.joint_risk(**family, x_range=x_range)
    assert_allclose(risk, zero - explained, rtol=1e-12, atol=1e-14)


def test_the_numbers_of_the_docstring():
    assert round(exact.joint_predictor(0.0), 4) == -1.6234
    assert round(exact.joint_risk(), 4) == 3.0057
    longer = (0.0, 2 * math.pi)
    assert abs(exact.joint_predictor(1.0, phase=longer)) < 1e-15
    assert_allclose(exact.joint_risk(phase=longer), exact.zero_risk(), rtol=1e-14)


@pytest.mark.parametrize("shots", [2, 3, 10])
def test_two_exact_examples_tell_the_sine(shots):
    task = sines(rng(shots), 500, shots, 5)
    assert evaluate(exact.learner(), {}, task).max() < 1e-18


def test_too_few_or_equal_points_are_refused():
    task = sines(rng(0), 3, 1, 5)
    refused(lambda: evaluate(exact.learner(), {}, task), "at least two examples", ValueError)
    nan = numpy.full((2, 3, 1), numpy.nan)
    refused(lambda: exact.fit(nan, numpy.ones((2, 3, 1))), "x must be finite", ValueError)
    x = numpy.array([[[1.0], [1.0 + math.pi], [1.0 - math.pi]]])
    same = Task(*2 * [Data(x, numpy.sin(x))])
    refused(lambda: evaluate(exact.learner(), {}, same), "whole half-waves apart", ValueError)


def test_a_range_must_be_a_range():
    sentence = "amplitude must be a pair .* low <= high"
    refused(lambda: exact.zero_risk(amplitude=(2.0, 1.0)), sentence, ValueError)
    refused(lambda: exact.joint_risk(phase=3.0), "must be a pair", ValueError)
