"""Shifted families: their floors in closed form, and nobody below the floor of the shifted one."""

import numpy
import pytest
from helpers import refused
from numpy.testing import assert_allclose

from minimeta.compare import compare
from minimeta.core.backend import using
from minimeta.exact import linear_gaussian, shifts
from minimeta.exact.families import gaussian_maps
from minimeta.meta import evaluate

COVARIANCE, NOISE, SHOTS = numpy.diag([2.0, 0.5, 0.1]), 0.5, 4
MAPS = shifts.map_shifts(COVARIANCE, NOISE, SHOTS)
CLASSES = shifts.class_shifts(3, numpy.diag([2.0, 0.1]), 0.3 * numpy.eye(2), 2)
KNOWN = {"maps": MAPS, "classes": CLASSES}
CASES = [(kind, name) for kind in KNOWN for name in KNOWN[kind]]
SAME = ("inside", "more shots", "more classes")


def rng(seed=0):
    return numpy.random.default_rng(seed)


@pytest.mark.parametrize("kind, name", CASES)
def test_the_believed_floor_is_not_below_that_of_the_shifted_family(kind, name):
    shift = KNOWN[kind][name]
    (row,) = compare({"believed": (shift.believed, {})}, shift.family, shift.shots, rng()).rows
    if name in SAME or (kind, name) == ("maps", "larger inputs"):  # the same prior is right there
        assert abs(row.mean) < 1e-12
    else:
        assert row.mean_interval[0] > 0.0


@pytest.mark.parametrize(
    "name, covariance, noise",
    [
        ("larger maps", 9.0 * COVARIANCE, NOISE),
        ("more noise", COVARIANCE, 9.0 * NOISE),
        ("other spectrum", COVARIANCE[::-1, ::-1], NOISE),
    ],
)
def test_both_floors_of_maps_are_those_of_the_closed_form(name, covariance, noise):
    """risk, and wrong_prior_risk, given each support's inputs."""
    shift = MAPS[name]
    task = shift.family.sample(rng(), 4000, SHOTS, 20)
    true, believed = (0.0, covariance, noise), (0.0, COVARIANCE, NOISE)
    x = task.support.x
    for learner, exact in (
        (shift.family.bayes, linear_gaussian.risk(x, covariance, noise)),
        (shift.believed, linear_gaussian.wrong_prior_risk(x, believed, true)),
    ):
        off = evaluate(learner, {}, task) - exact
        assert abs(off.mean()) < 4.0 * off.std() / 4000**0.5


def test_larger_inputs_have_the_floor_of_the_same_weights():
    """y = x w with x three times as large: the prior of w is the one before the shift."""
    task = MAPS["larger inputs"].family.sample(rng(), 50, SHOTS, 6)
    assert 2.5 < task.support.x.std() < 3.5
    known = linear_gaussian.learner(numpy.zeros((3, 1)), COVARIANCE, NOISE)
    assert_allclose(
        evaluate(MAPS["larger inputs"].family.bayes, {}, task), evaluate(known, {}, task), rtol=1e-9
    )


def test_stretched_labels_have_the_floor_of_larger_maps_and_noise():
    stretched = shifts.stretch_labels(gaussian_maps(0.0, COVARIANCE, NOISE), 3.0)
    direct = gaussian_maps(0.0, 9.0 * COVARIANCE, 9.0 * NOISE)
    task = stretched.sample(rng(), 50, SHOTS, 6)
    assert_allclose(evaluate(stretched.bayes, {}, task), evaluate(direct.bayes, {}, task))


def test_a_floor_that_forgets_to_undo_the_shift_is_found():
    """Planted: the old learner on stretched labels is above the floor by far more than chance."""
    family = gaussian_maps(0.0, COVARIANCE, NOISE)
    shift = shifts.stretch_inputs(family, 3.0 * numpy.eye(3))
    (row,) = compare({"forgets": (family.bayes, {})}, shift, SHOTS, rng()).rows
    assert row.mean_interval[0] > 0.1


def test_a_shift_keeps_the_float_type():
    with using(dtype="float32"):
        task = MAPS["larger inputs"].family.sample(rng(), 2, SHOTS, 3)
        assert task.query.x.dtype == evaluate(MAPS["larger inputs"].family.bayes, {}, task).dtype
        assert task.query.x.dtype == numpy.float32


FAMILY = MAPS["inside"].family
REFUSED = {
    "singular": (lambda: shifts.stretch_inputs(FAMILY, numpy.zeros((3, 3))), "matrix must be inv"),
    "no matrix": (lambda: shifts.stretch_inputs(FAMILY, 3.0), "matrix must be"),
    "no family": (lambda: shifts.stretch_labels(None, 3.0), "family must have"),
    "no factor": (lambda: shifts.stretch_labels(FAMILY, 0.0), "factor must be"),
    "no shots": (lambda: shifts.map_shifts(COVARIANCE, NOISE, 0), "shots must be"),
    "one way": (lambda: shifts.class_shifts(1, numpy.eye(2), numpy.eye(2), 2), "ways must be"),
}


@pytest.mark.parametrize("call, sentence", REFUSED.values(), ids=REFUSED)
def test_a_malformed_call_is_refused_in_one_sentence(call, sentence):
    refused(call, sentence)
