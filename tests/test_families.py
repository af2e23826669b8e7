"""A family's floor is a floor: the risk in closed form, and no rival below it."""

import numpy
import pytest
from numpy.testing import assert_allclose

from minimeta.core.learner import Learner
from minimeta.exact import families, linear_gaussian, sequential_bayes, stored_patterns
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


@pytest.mark.parametrize("name", families.FAMILIES)
def test_a_family_is_found_by_its_name_and_its_floor_is_a_floor(name):
    """A rival that says 0.8 of what the floor says is above it; it is 0 for sines."""
    family = families.named(name)
    task = family.sample(numpy.random.default_rng(0), 1000, 4, 5)
    assert (family.bayes is None) == families.FAMILIES[name].floor.startswith("none")
    if family.bayes is not None:
        excess = evaluate(too_timid(family.bayes), {}, task) - evaluate(family.bayes, {}, task)
        assert excess.mean() > 3 * excess.std() / 1000**0.5


def test_an_unknown_family_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="no family 'waves'; there are linear, .*, bandits"):
        families.named("waves")


def test_one_shot_of_a_sine_has_no_floor():
    assert families.named("sines", shots=1).bayes is None


def test_completed_patterns_are_the_posterior_mean_by_enumeration():
    """The chance of a stored pattern is that of its bits, counted over all choices of bits."""
    family = families.named("patterns")
    support, query = family.sample(numpy.random.default_rng(0), 20, 4, 5)
    answers = stored_patterns.complete(support.y, query.x)
    for stored, cues, given in zip(support.y, query.x, answers):
        for cue, answer in zip(cues, given):
            chances = numpy.array([numpy.all((cue == 0) | (cue == p)) for p in stored], float)
            assert_allclose(answer, chances @ stored / chances.sum(), atol=1e-12)


def test_a_pattern_that_fits_nothing_is_answered_by_zero():
    stored = numpy.array([[[1.0, 1.0], [1.0, -1.0]]])
    cues = numpy.array([[[-1.0, 0.0], [1.0, 0.0]]])
    assert_allclose(stored_patterns.complete(stored, cues), [[[0.0, 0.0], [1.0, 0.0]]])


def test_the_floor_of_blocks_is_bayes_one_task_after_another():
    """m_t, P_t from m_{t-1}, P_{t-1} for three tasks in turn, exact.sequential_bayes."""
    support, query = families.named("blocks").sample(numpy.random.default_rng(0), 1, 4, 5)
    x, y = (part[0].reshape(3, 4, -1) for part in support)
    prior = numpy.zeros((2, 1)), numpy.linalg.inv(families.SPREAD)
    means, _ = sequential_bayes.posteriors(*sequential_bayes.statistics(x, y, 0.25), *prior)
    bayes = families.named("blocks").bayes
    answers = bayes.predict({}, bayes.adapt({}, support), query.x)
    assert_allclose(answers[0], query.x[0] @ means[-1], rtol=1e-9)


def test_inputs_of_a_block_lie_where_its_scales_say():
    support, _ = families.named("blocks").sample(numpy.random.default_rng(0), 200, 4, 5)
    spread = support.x.reshape(200, 3, 4, 2).std(axis=(0, 2))
    assert_allclose(spread, [[1, 0], [0, 1], [1, 1]], atol=0.1)


def test_a_random_player_pulls_both_arms_and_is_paid_as_they_pay():
    (_, y), query = families.named("bandits").sample(numpy.random.default_rng(0), 3000, 4, 5)
    assert_allclose(query.y.mean(axis=(0, 1)), [0.5, 0.5], atol=0.03)
    assert_allclose(y.mean(axis=(0, 1)), [0.5, 0.5, 0.5, 0.0], atol=0.03)
