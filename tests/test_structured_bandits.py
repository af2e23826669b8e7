"""An arm that tells, and choices that lead somewhere: values, malformed calls, planted bugs."""

import numpy
import pytest
from helpers import given, instead, refused, rng, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.exact import dependent_arms
from minimeta.exact import informative as exact_informative
from minimeta.exact import two_step as exact_two_step
from minimeta.tasks import informative, rollout, two_step
from minimeta.tasks.informative import INFORMATIVE
from minimeta.tasks.two_step import TWO_STEP
from minimeta.theorems import REGISTRY
from minimeta.theorems import structured_bandits as theorems


def test_known_values():
    assert_allclose(exact_informative.value(), 20.55)
    assert_allclose(exact_informative.value_without_asking(), 11.0)
    assert_allclose(exact_two_step.best_trial(), 0.7)
    assert_allclose(exact_two_step.regret_in_the_long_run(), 0.3125)


def test_the_arms_pay_what_the_task_says():
    target = numpy.eye(10)[[2, 9]]
    assert_allclose(informative.payments(target)[0], [1, 1, 5, 1, 1, 1, 1, 1, 1, 1, 0.3])
    assert_allclose(informative.payments(target)[1, -1], 1.0)
    means = informative.mean_rewards(target, numpy.ones((2, 3, 4, 1)))
    assert means.shape == (2, 3, 4, 11)


def test_two_steps_lead_where_they_are_said_to():
    """Action 1 leads to place 1, which pays with .9, with the chance .75; action 2 with .25."""
    problem, noise = numpy.tile([0.9, 0.1], (2000, 1)), two_step.draw(rng(), 2000, 4, 2)[1]
    for action, led in ((0, 0.75), (1, 0.25)):
        act = lambda memory, seen, now, a=action: (memory, numpy.eye(2)[numpy.full((2000, 4), a)])
        episodes = rollout(TWO_STEP, act, problem, noise)
        assert_array_equal(episodes.observation[:, :, 0], numpy.tile([1.0, 0.0, 0.0], (2000, 4, 1)))
        assert_allclose(
            episodes.observation[:, :, 1].mean(axis=(0, 1)), [0, led, 1 - led], atol=0.02
        )
        assert_array_equal(episodes.reward[..., 0], numpy.zeros((2000, 4)))
        paid = led * 0.9 + (1 - led) * 0.1
        assert_allclose(episodes.reward[..., 1].mean(), paid, atol=0.02)


PROBLEM, NOISE = informative.draw(rng(), 2, 3, 4, arms=3)
PLACE, ACTION = numpy.ones((2, 3, 1)), numpy.eye(4)[numpy.zeros((2, 3), int)]
FIRST = TWO_STEP.begin(*(lambda p, n: (p, n["world"][0]))(*two_step.draw(rng(), 2, 3, 4)))
MALFORMED = {
    "one arm": (lambda: informative.draw(rng(), 2, 3, 4, arms=1), "arms must be at least 2"),
    "two targets": (
        lambda: INFORMATIVE.begin(PROBLEM + 1.0, NOISE["world"][0]),
        "problem must be one-hot rows",
    ),
    "no arm that tells": (
        lambda: INFORMATIVE.step(PROBLEM, PLACE, ACTION[..., :3], ()),
        "action must have 4 columns",
    ),
    "no pulls": (lambda: exact_informative.value(10, 0), "steps must be at least 1"),
    "a bandit of one arm": (lambda: exact_informative.learner(1, 5), "arms must be at least 2"),
    "no way is common": (lambda: two_step.environment(0.5), "common must be above 0.5"),
    "three places": (
        lambda: TWO_STEP.begin(numpy.full((2, 3), 0.5), NOISE["world"][0]),
        "problem must be of two places",
    ),
    "an action for three": (
        lambda: TWO_STEP.step(numpy.full((2, 2), 0.5), FIRST, ACTION, NOISE["world"][0]),
        "action must have 2 columns",
    ),
    "places that are alike": (lambda: exact_two_step.value(3, 0.5), "high must be above 0.5"),
    "no trial": (lambda: exact_two_step.regret(0), "trials must be at least 1"),
    "other observations": (
        lambda: two_step.mean_rewards(numpy.full((2, 2), 0.5), numpy.ones((2, 3, 4, 1))),
        "observation must have 3 columns",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


late = lambda f: lambda left, steps, arms=None: f(left, max(steps - 1, 1), arms)
unsure = lambda f: instead(lambda may, pulled, asked, reward: may)(f)
BUGS = {
    "asking_or_trying_is_that_of_all_histories": (exact_informative, "values", late),
    "asking_at_once_is_worth_twenty": (exact_informative, "narrow", unsure),
    "the_informed_learner_earns_its_value_everywhere": (exact_informative, "narrow", unsure),
    "who_never_asks_earns_eleven": (exact_informative, "OTHER", lambda one: 0.0),
    "the_two_step_optimum_is_that_of_all_histories": (dependent_arms, "regret", scaled(1.1)),
    "the_best_two_step_learner_earns_the_value": (exact_two_step, "SURE", lambda sure: 0.1),
    "not_to_know_the_better_place_costs_a_third_of_a_reward": (
        dependent_arms,
        "regret",
        given(1, lambda steps: steps // 300),
    ),
    "it_stays_where_the_model_says": (exact_two_step, "SURE", lambda sure: -sure),
    "who_counts_actions_plays_arms_of_seven_tenths": (
        theorems,
        "counts_actions",
        lambda f: exact_two_step.learner,
    ),
    "rewards_of_a_trial_may_be_counted_where_it_is_decided": (
        two_step,
        "mean_rewards",
        scaled(0.8),
    ),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "structured_bandits"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
