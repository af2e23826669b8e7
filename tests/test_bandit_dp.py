"""The Bayes-adaptive optimum, the gradients that lead there, malformed calls, and planted bugs."""

import numpy
import pytest
from helpers import given, refused, rng, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.agents import policy_gradient, rl2
from minimeta.agents.acting import histories, play
from minimeta.core.optim import adam
from minimeta.core.trees import tree_map
from minimeta.exact import bandit_dp
from minimeta.learning_rules import symla
from minimeta.tasks import bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import REGISTRY
from minimeta.theorems import bandit_dp as theorems
from minimeta.training import train


@pytest.mark.parametrize(
    "arms, steps, value", [(2, 10, 6.0218), (2, 20, 12.4313), (5, 10, 6.660), (10, 10, 6.714)]
)
def test_known_values(arms, steps, value):
    assert_allclose(bandit_dp.value(bandit_dp.solve(arms, steps)), value, atol=5e-4)


def test_a_hundred_pulls_of_two_arms():
    assert_allclose(bandit_dp.value(bandit_dp.solve(2, 100)), 64.9184, atol=5e-5)


def lost(learner, meta, arms, steps=5):
    """The mean shortfall of a learner on 300 bandits."""
    problem, noise = bandits.draw(rng(9), 300, 4, steps, arms)
    single = lambda tree: tree_map(lambda leaf: leaf.astype(numpy.float32), tree)
    episodes = play(learner, meta, BERNOULLI, *single((problem, noise)))
    regrets = bandit_dp.regrets(bandit_dp.solve(arms, steps), episodes.action, episodes.reward)
    return (regrets * episodes.action).sum(axis=(-1, -2)).mean()


@pytest.mark.parametrize("learner", [symla.learner(2, hidden=6), rl2.learner(1, 2, hidden=8)])
def test_mean_rewards_train_agents(learner):
    """In 150 updates the shortfall falls below a third of that of a fresh agent."""
    single = lambda tree: tree_map(lambda leaf: leaf.astype(numpy.float32), tree)
    with single_precision():
        follow = policy_gradient.bandit_gradient(learner)
        sample = lambda rng: single(bandits.draw(rng, 16, 8, 5))
        meta, _ = train(learner.init, follow, sample, rng(), 150, optimizer=adam(0.02), label=None)
        assert lost(learner, meta, 2) < lost(learner, learner.init(rng()), 2) / 3


def test_the_symmetric_agent_plays_more_arms():
    learner = symla.learner(2, hidden=3)
    assert lost(symla.learner(4, hidden=3), learner.init(rng()), 4) > 0.1


def test_a_recurrent_policy_has_a_logit_for_each_action_at_each_step():
    learner = rl2.learner(1, 3)
    problem, noise = bandits.draw(rng(), 2, 3, 4, arms=3)
    meta = learner.init(rng())
    data = histories(play(learner, meta, BERNOULLI, problem, noise))
    assert learner.along(meta, data).shape == (6, 4, 3)


MALFORMED = {
    "no arm": (lambda: bandit_dp.solve(0, 3), "arms must be at least 1"),
    "no step": (lambda: bandit_dp.solve(2, 0), "steps must be at least 1"),
    "a prior of zero": (lambda: bandit_dp.solve(2, 3, (0.0, 1.0)), r"prior\[0\] must be above 0"),
    "too many arms": (lambda: bandit_dp.solve(50, 10), "50 arms and 10 steps are too many"),
    "half a pull": (
        lambda: bandit_dp.action_values(bandit_dp.solve(2, 3), numpy.full((2, 2), 0.5)),
        r"counts must be whole numbers \(..., 2, 2\)",
    ),
    "counts of three arms": (
        lambda: bandit_dp.action_values(bandit_dp.solve(2, 3), numpy.zeros((3, 2))),
        r"counts must be whole numbers \(..., 2, 2\)",
    ),
    "after the last pull": (
        lambda: bandit_dp.action_values(bandit_dp.solve(2, 3), numpy.eye(2) + 1.0),
        "number of pulls below 3",
    ),
    "actions without episodes": (
        lambda: bandit_dp.regrets(bandit_dp.solve(2, 3), numpy.ones((3, 2)), numpy.ones((1, 1, 3))),
        "action must have",
    ),
    "no observation": (lambda: rl2.learner(0, 2), "observations must be at least 1"),
    "one action": (lambda: rl2.learner(1, 1), "actions must be at least 2"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


greedy = lambda f: lambda plan, state, codes, values: f(plan, state, codes, 0.9 * values)
peeking = lambda f: lambda meta, data: f(meta, data) + data.y.sum(axis=1, keepdims=True)
BUGS = {
    "the_optimum_is_that_of_all_histories": (bandit_dp, "outlook", greedy),
    "two_pulls_of_two_arms_are_worth_thirteen_twelfths": (bandit_dp, "outlook", greedy),
    "more_arms_than_pulls_are_worth_no_more": (
        bandit_dp,
        "value",
        lambda f: lambda plan: f(plan) + 0.1 * plan.arms,
    ),
    "the_optimal_learner_has_no_regret": (bandit_dp, "SURE", lambda sure: -sure),
    "the_optimal_learner_earns_the_optimum": (
        bandits,
        "draw",
        given(3, lambda steps: steps - 1),
    ),
    "what_is_earned_and_what_is_lost_make_the_optimum": (bandit_dp, "regrets", scaled(0.5)),
    "rewards_may_be_replaced_by_their_means": (
        policy_gradient,
        "bandit_surrogate",
        scaled(1.01),
    ),
    "mean_rewards_leave_less_to_chance": (
        policy_gradient,
        "bandit_gradient",
        lambda f: theorems.sampled_gradient,
    ),
    "a_recurrent_policy_reads_only_what_came_before": (rl2.recurrent, "predict_along", peeking),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "bandit_dp"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
