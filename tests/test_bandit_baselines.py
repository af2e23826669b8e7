"""The usual ways to play a bandit: known values, malformed calls, and planted bugs."""

import numpy
import pytest
from helpers import given, instead, refused, rng, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.agents import baselines
from minimeta.agents.acting import play
from minimeta.core.trees import tree_map
from minimeta.exact import bandit_dp
from minimeta.tasks import bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import REGISTRY
from minimeta.theorems import bandit_baselines as theorems


@pytest.mark.parametrize(
    "learner, value",
    [
        (baselines.thompson(2, 10), 5.70454),
        (baselines.greedy(2), 6.00581),
        (baselines.ucb(2, 0.2), 6.01619),
        (baselines.uniform(2), 5.0),
    ],
)
def test_known_values_of_ten_pulls(learner, value):
    """Simulations of others have 5.706 for Thompson and 6.011 for greedy, to about .01."""
    assert_allclose(theorems.earned(learner, 2, 10), value, atol=1e-5)


@pytest.mark.parametrize("name", theorems.ALL)
def test_one_noise_makes_one_history(name):
    problem, noise = bandits.draw(rng(), 4, 3, 6, arms=3)
    first, second = (
        play(theorems.ALL[name](3, 6), {}, BERNOULLI, problem, noise) for _ in range(2)
    )
    assert_array_equal(first.action, second.action)
    assert (first.action.sum(axis=-1) == 1.0).all()


def test_a_hundred_pulls_in_single_precision():
    """Powers of chances as small as 1e-30 are no zeros yet."""
    counts = numpy.array([[[30.0, 20.0], [28.0, 22.0]]])
    exact = theorems.policy(baselines.thompson(2, 100), counts)
    with single_precision():
        small = baselines.chances_to_be_best(counts.astype(numpy.float32), 52)
    assert_allclose(small, exact, rtol=1e-4)
    assert small.dtype == numpy.float32


def test_an_agent_in_single_precision_acts():
    with single_precision():
        pair = tree_map(lambda leaf: leaf.astype(numpy.float32), bandits.draw(rng(), 3, 2, 30))
        for make in theorems.ALL.values():
            assert numpy.isfinite(play(make(2, 30), {}, BERNOULLI, *pair).reward).all()


MALFORMED = {
    "no arm": (lambda: baselines.greedy(0), "arms must be at least 1"),
    "half an arm": (lambda: baselines.uniform(0.5), "arms must be an integer"),
    "no steps": (lambda: baselines.thompson(2, 0), "steps must be at least 1"),
    "epsilon above 1": (lambda: baselines.epsilon_greedy(2, 1.5), "epsilon must be .*at most 1"),
    "a negative width": (lambda: baselines.ucb(2, -1.0), "width must be at least 0"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


shifted = lambda f: lambda *a: f(*a) + 0.01 * numpy.arange(a[0].shape[1])  # the last arm looks best
flatter = lambda f: lambda *a: f(*a) ** 0.5
BUGS = {
    "each_is_below_the_optimum_by_its_regrets": (bandit_dp, "value", scaled(1.01)),
    "none_of_them_is_the_optimum": (
        baselines,
        "greedy",
        lambda f: lambda A: bandit_dp.learner(A, 6),
    ),
    "episodes_earn_what_the_sum_says": (bandits, "draw", given(3, lambda steps: steps - 1)),
    "thompson_pulls_with_the_chance_to_be_best": (baselines, "powers", flatter),
    "thompson_matches_draws_from_the_posterior": (baselines, "powers", flatter),
    "an_arm_never_pulled_is_beaten_with_the_posterior_mean": (baselines, "powers", flatter),
    "a_bound_without_width_is_greedy": (
        baselines,
        "greedy",
        instead(lambda arms: baselines.ucb(arms, 0.5)),
    ),
    "epsilon_mixes_greedy_and_uniform": (
        baselines,
        "uniform",
        instead(lambda arms: baselines.greedy(arms)),
    ),
    "a_wide_bound_takes_turns": (baselines, "ucb", given(1, lambda width: 0.0)),
    "no_arm_has_a_name": (baselines, "means", shifted),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "bandit_baselines"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
