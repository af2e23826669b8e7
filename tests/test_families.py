"""A family's floor is a floor: the risk in closed form, and no rival below it."""

import numpy
import pytest
from numpy.testing import assert_allclose

from minimeta.core.learner import Learner
from minimeta.exact import families, linear_gaussian
from minimeta.meta import evaluate

COVARIANCE = numpy.array([[1.0, 0.5], [0.5, 2.0]])
FAMILIES = {
    "maps": families.gaussian_maps(0.0, COVARIANCE, 0.25),
    "maps, another mean": families.gaussian_maps(numpy.array([1.0, -2.0]), COVARIANCE, 0.25, 2),
    "waves": families.gaussian_waves(numpy.array([1.0, 0.0, 0.5]), 0.1),
}


def too_timid(bayes):
    """Which says only 0.8 of what the Bayes-optimal learner says."""
    return bayes._replace(predict=lambda *given: 0.8 * bayes.predict(*given))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_floor_is_below_a_timid_rival_and_above_the_noise(family):
    task = family.sample(numpy.random.default_rng(0), tasks=1000, shots=3, queries=10)
    floor = evaluate(family.bayes, {}, task)
    excess = evaluate(too_timid(family.bayes), {}, task) - floor
    assert excess.mean() > 4 * excess.std() / 1000**0.5
    assert floor.mean() > 0.1


def test_the_floor_of_maps_is_the_risk_in_closed_form():
    task = FAMILIES["maps"].sample(numpy.random.default_rng(0), tasks=4000, shots=6, queries=10)
    risk = linear_gaussian.risk(task.support.x, COVARIANCE, 0.25)
    off = evaluate(FAMILIES["maps"].bayes, {}, task) - risk
    assert abs(off.mean()) < 4 * off.std() / 4000**0.5


def test_a_learner_that_writes_into_its_data_cannot_spoil_the_floor():
    def adapt(meta, support):
        support.y[:] = 0.0
        return support.x

    vandal = Learner(lambda rng: {}, adapt, lambda meta, state, x: x[..., :1])
    task = FAMILIES["maps"].sample(numpy.random.default_rng(0), tasks=3, shots=6, queries=10)
    before = task.support.y.copy()
    with pytest.raises(ValueError, match="read-only"):
        evaluate(vandal, {}, task)
    assert_allclose(task.support.y, before)
