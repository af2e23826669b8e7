"""Contexts that interfere, the learners that need not explore, malformed calls, planted bugs."""

import numpy
import pytest
from helpers import given, instead, refused, rng, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.agents import contextual as policies
from minimeta.agents import policy_gradient, rl2
from minimeta.agents.acting import action_logits, decide, histories, play
from minimeta.core.optim import adam, sgd
from minimeta.core.trees import flatten
from minimeta.exact import contextual, dependent_arms, ray_interference
from minimeta.meta import along
from minimeta.tasks import bandits
from minimeta.tasks import contextual as tasks
from minimeta.tasks.bandits import BERNOULLI
from minimeta.tasks.contextual import CONTEXTUAL
from minimeta.theorems import REGISTRY
from minimeta.theorems.tools import differences
from minimeta.training import train


@pytest.mark.parametrize("t, chance", [(1, 0.2), (5, 0.36), (10, 0.555), (20, 0.842), (30, 0.959)])
def test_known_chances_of_five_contexts_and_five_actions(t, chance):
    assert_allclose(contextual.chance_right(30, 5, 5)[t - 1], chance, atol=5e-4)


@pytest.mark.parametrize("high, limit", [(0.9, 0.625), (0.75, 1.0), (0.6, 2.5)])
def test_known_regrets_of_dependent_arms(high, limit):
    assert_allclose(dependent_arms.regret_in_the_long_run(high), limit)


@pytest.mark.parametrize("net, at_least", [("coupled", 0.95), ("decoupled", 0.95)])
def test_reinforce_trains_policies_of_contexts(net, at_least):
    agent = policy_gradient.learner(getattr(policies, net)(3, 3))
    problem = numpy.eye(3)[[0, 1, 2]][None]
    sample = lambda rng: (problem, tasks.draw_noise(rng, 1, 50, 10, 3))
    follow = policy_gradient.meta_gradient(agent, CONTEXTUAL)
    meta, _ = train(agent.init, follow, sample, rng(), 200, optimizer=sgd(1.0), label=None)
    assert policies.value(getattr(policies, net)(3, 3), meta, problem[0]) > at_least


def test_a_recurrent_policy_learns_to_try_what_has_not_failed():
    """After 150 updates two contexts with two actions are answered better than by chance."""
    agent = rl2.learner(2, 2, hidden=12)
    sample = lambda rng: tasks.draw(rng, 16, 8, 6, 2, 2)
    follow = policy_gradient.bandit_gradient(agent, CONTEXTUAL, tasks.mean_rewards)
    meta, _ = train(agent.init, follow, sample, rng(), 150, optimizer=adam(0.02), label=None)
    episodes = play(agent, meta, CONTEXTUAL, *tasks.draw(rng(1), 400, 2, 6, 2, 2))
    reward, best = episodes.reward.mean(axis=(0, 1)), contextual.chance_right(6, 2, 2)
    assert reward[-1] > 0.8
    assert (reward < best + 4 * 0.5 / 800**0.5).all()


def test_the_learner_of_contexts_is_told_what_is_right():
    """100 updates teach two contexts, with episodes that are never above the best learner."""
    agent = policies.learner(2, 2, hidden=12)
    sample = lambda rng: tasks.draw(rng, 16, 1, 6, 2, 2)
    follow = policies.told_gradient(agent)
    meta, _ = train(agent.init, follow, sample, rng(), 100, optimizer=adam(0.02), label=None)
    episodes = play(decide(agent), meta, CONTEXTUAL, *tasks.draw(rng(1), 800, 1, 6, 2, 2))
    reward, best = episodes.reward.mean(axis=(0, 1)), contextual.chance_right(6, 2, 2)
    assert reward[-1] > 0.85
    assert (reward < best + 4 * 0.5 / 800**0.5).all()


def test_told_gradient_is_that_of_the_log_chance():
    """Beside central differences of the loss, along the same episodes."""
    agent, data = policies.learner(2, 2, hidden=2), tasks.draw(rng(), 3, 2, 4, 2, 2)
    meta = agent.init(rng(1))
    _, gradient = policies.told_gradient(agent)(meta, data)
    episodes = play(agent, meta, CONTEXTUAL, *data)
    right = numpy.einsum("mntk,mka->mnta", episodes.observation, data[0])

    def loss(meta):
        logits = action_logits(agent, meta, episodes)
        chances = numpy.exp(logits) / numpy.exp(logits).sum(axis=-1, keepdims=True)
        return -numpy.log((chances * right).sum(axis=-1)).mean()

    assert_allclose(flatten(gradient), differences(loss, meta, 1e-5), atol=1e-8)


def test_the_learner_of_contexts_answers_along_as_it_answers_step_by_step():
    agent, data = policies.learner(2, 3, hidden=4), tasks.draw(rng(), 3, 2, 5, 2, 3)
    meta = agent.init(rng(1))
    seen = histories(play(agent, meta, CONTEXTUAL, *data))
    slow = along(agent._replace(along=None), meta, seen)
    assert_allclose(along(agent, meta, seen), slow, atol=1e-13)


def test_to_decide_is_to_take_the_largest_logit():
    agent, data = policies.learner(2, 3, hidden=4), tasks.draw(rng(), 3, 2, 5, 2, 3)
    meta = agent.init(rng(1))
    episodes = play(decide(agent), meta, CONTEXTUAL, *data)
    logits = action_logits(agent, meta, episodes)
    assert (logits.argmax(axis=-1) == episodes.action.argmax(axis=-1)).all()


def test_mean_rewards_are_those_of_the_context_seen():
    problem, noise = tasks.draw(rng(), 3, 2, 4, 5, 6)
    context = numpy.moveaxis(noise["world"]["next"], 0, 2)  # (M, N, T, K)
    means = tasks.mean_rewards(problem, context)
    exact = numpy.einsum("mntk,mka->mnta", context, problem)
    assert_allclose(means, exact, rtol=0)
    flat = bandits.mean_rewards(problem[:, 0], numpy.ones((3, 2, 4, 1)))
    assert_allclose(flat, numpy.broadcast_to(problem[:, None, None, 0], (3, 2, 4, 6)), rtol=0)


PROBLEM, NOISE = tasks.draw(rng(), 2, 3, 4)
MALFORMED = {
    "no context": (lambda: tasks.draw(rng(), 2, 3, 4, contexts=0), "contexts must be at least 1"),
    "one action": (lambda: tasks.draw(rng(), 2, 3, 4, actions=1), "actions must be at least 2"),
    "no steps": (lambda: tasks.draw(rng(), 2, 3, 0), "steps must be at least 1"),
    "other contexts": (
        lambda: CONTEXTUAL.begin(PROBLEM[:, :4], {k: v[0] for k, v in NOISE["world"].items()}),
        r"noise.*\(M, N, K\) = \(2, N, 4\) for a problem \(2, 4, 5\)",
    ),
    "half an action": (
        lambda: CONTEXTUAL.step(
            PROBLEM, NOISE["world"]["next"][0], numpy.full((2, 3, 5), 0.2), {"next": 0}
        ),
        "action must be one-hot",
    ),
    "no chance": (lambda: ray_interference.escape_time(0.0, 0.5), "first must be above 0"),
    "certainty": (lambda: ray_interference.escape_time(0.1, 1.0), "last must be .*below 1"),
    "three contexts": (lambda: ray_interference.flow(numpy.ones(3) / 2), "two chances"),
    "no choice": (lambda: ray_interference.cosine(1), "actions must be at least 2"),
    "no steps at all": (lambda: contextual.chance_right(0, 2, 2), "steps must be at least 1"),
    "arms that are alike": (lambda: dependent_arms.regret(0.5, 3), "high must be above 0.5"),
    "a chance above one": (lambda: bandits.draw_dependent(rng(), 1, 1, 1, 1.5), "high must be"),
    "a policy of one action": (lambda: policies.coupled(2, 1), "actions must be at least 2"),
    "a learner of no context": (lambda: policies.learner(0, 2), "contexts must be at least 1"),
    "a learner of no units": (lambda: policies.learner(2, 2, 0), "hidden must be at least 1"),
    "a problem without noise": (
        lambda: policies.told_gradient(policies.learner(2, 2))({}, PROBLEM),
        "data must be a pair",
    ),
    "a problem of many tasks": (
        lambda: policies.value(policies.coupled(5, 5), {}, PROBLEM),
        r"problem must have shape \(K, A\)",
    ),
    "no mean rewards": (
        lambda: policy_gradient.bandit_gradient(rl2.learner(1, 2), BERNOULLI, 3),
        "mean_rewards must be a function",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


unsure = lambda sure: 0.0  # every action is as good as another
BUGS = {
    "contexts_interfere_by_a_known_cosine": (ray_interference, "cosine", scaled(2.0)),
    "contexts_without_a_shared_parameter_do_not_interfere": (
        policies,
        "decoupled",
        instead(
            lambda K, A: policies.coupled(K, A)._replace(
                apply=lambda params, x: x @ params["W"] + params["W"].sum(axis=0)
            )
        ),
    ),
    "the_flow_of_two_contexts_is_that_of_the_gradients": (ray_interference, "flow", scaled(1.01)),
    "the_winner_takes_all": (
        ray_interference,
        "flow",
        lambda f: lambda J: f(J) + 0.01,
    ),
    "policy_gradient_takes_twenty_five_time_units": (
        ray_interference,
        "_clock",
        lambda f: lambda J, supervised: f(J, True),
    ),
    "supervised_learning_takes_half_of_that": (
        ray_interference,
        "_clock",
        lambda f: lambda J, supervised: f(J, False),
    ),
    "small_chances_are_the_plateau": (
        ray_interference,
        "_clock",
        lambda f: lambda J, supervised: f(J, True),
    ),
    "the_chance_to_be_right_is_that_of_all_sequences": (
        contextual,
        "chance_at",
        given(0, lambda before: before + 1),
    ),
    "the_best_contextual_learner_is_right_as_often_as_it_can_be": (contextual, "SURE", unsure),
    "dependent_arms_have_a_regret_in_closed_form": (dependent_arms, "chance_wrong", scaled(1.1)),
    "nothing_explores_dependent_arms_better": (dependent_arms, "chance_wrong", scaled(1.1)),
    "the_regret_of_dependent_arms_has_a_limit": (dependent_arms, "chance_wrong", scaled(1.1)),
    "the_best_contextual_learner_tries_nothing_twice": (contextual, "SURE", unsure),
    "a_learner_of_contexts_reads_only_what_came_before": (
        policies,
        "outcome",
        lambda f: lambda x, y, actions: numpy.roll(f(x, y, actions), -1, axis=-2),
    ),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "contextual"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
