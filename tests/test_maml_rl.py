"""MAML from rewards: known numbers, how training goes, malformed calls, planted bugs."""

import math
from functools import partial

import numpy
import pytest
from helpers import (
    first_answer,
    given,
    instead,
    is_single,
    refused,
    rng,
    single_precision,
    turns_red,
)
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.agents import dice, maml_rl
from minimeta.core.backend import np
from minimeta.core.gradients import constant
from minimeta.core.optim import sgd
from minimeta.core.trees import flatten
from minimeta.exact import gaussian_bandit
from minimeta.exact import navigation as exact
from minimeta.nets import mlp
from minimeta.tasks import navigation
from minimeta.tasks.navigation import NAVIGATION
from minimeta.theorems import REGISTRY
from minimeta.theorems import maml_rl as proofs
from minimeta.training import train

NET = mlp([2, 4, 2], np.tanh)
POLICY = maml_rl.gaussian(NET)
THETA = POLICY.init(rng())
GOALS, NOISES = navigation.draw(rng(), 3, 4, 5, batches=2)
FOLLOW = maml_rl.meta_gradient(POLICY, NAVIGATION, (0.4,))


def test_known_meta_gradients_of_the_bandit():
    """The goal is half a unit away along both axes; one number for each axis."""
    assert_allclose(gaussian_bandit.meta_gradient(*proofs.setting(5)), [-0.712] * 2, atol=1e-12)
    assert_allclose(gaussian_bandit.pathwise_gradient(*proofs.setting(5)), [-1.088] * 2, atol=1e-12)
    assert_allclose(gaussian_bandit.dice_gradient(*proofs.setting(5)), [-0.84] * 2, atol=1e-12)


def test_the_mean_of_the_best_returns_over_the_square():
    points, weights = numpy.polynomial.legendre.leggauss(200)
    grid = numpy.stack(numpy.meshgrid(points, points), axis=-1) / 2
    mean = numpy.sum(exact.best_return(grid, 20) * numpy.outer(weights, weights)) / 4
    assert_allclose(mean, -0.506, atol=5e-4)


def test_a_controller_that_knows_the_goal_takes_the_best_path():
    noise = navigation.draw_noise(rng(), 3, 1, 20)
    straight = lambda memory, seen, now: (memory, (GOALS[:, None] - seen * navigation.HALF) / 0.1)
    episodes = navigation_rollout(straight, noise)
    assert_allclose(episodes.reward.sum(axis=-1)[:, 0], exact.best_return(GOALS, 20), atol=1e-13)


def navigation_rollout(act, noise):
    """Episodes of NAVIGATION with the goals above."""
    return proofs.rollout(NAVIGATION, act, GOALS, noise)


def test_training_finds_the_best_start_of_a_bandit():
    """Goals lie evenly around a point, so the start that is best for all of them is that point."""
    middle = numpy.array([0.4, -0.3])
    goals = middle + 0.3 * numpy.array([[1, 0], [-1, 0], [0, 1], [0, -1.0]])
    policy = maml_rl.gaussian(proofs.CONSTANT, 0.5)
    follow = maml_rl.meta_gradient(policy, proofs.BANDIT, (0.1,))

    def sample(rng):
        return numpy.tile(goals, (25, 1)), navigation.draw(rng, 100, 5, 1, batches=2)[1]

    optimizer = sgd(lambda t: 0.3 * 0.99**t)
    theta, _ = train(policy.init, follow, sample, rng(), 300, optimizer=optimizer, label=None)
    assert_allclose(theta["mean"], middle, atol=0.05)


def test_no_weight_leaves_no_score_term():
    none = maml_rl.meta_gradient(
        POLICY, NAVIGATION, (0.4,), partial(maml_rl.with_score, weight=0.0)
    )
    first = maml_rl.meta_gradient(POLICY, NAVIGATION, (0.4,), maml_rl.given_episodes)
    computed, expected = (flatten(f(THETA, (GOALS, NOISES))[1]) for f in (none, first))
    assert_allclose(computed, expected, rtol=1e-12)
    assert not numpy.allclose(flatten(FOLLOW(THETA, (GOALS, NOISES))[1]), expected)


def test_single_precision_stays_single():
    with single_precision():
        theta = POLICY.init(rng())
        value, gradient = FOLLOW(theta, navigation.draw(rng(), 3, 4, 5, batches=2))
    assert is_single(theta, value, gradient)


def test_a_start_away_from_the_origin():
    noise = {**NOISES[0], "world": numpy.ones((5, 3, 4, 2))}
    stay = lambda memory, seen, now: (memory, numpy.zeros_like(seen))
    rewards = navigation_rollout(stay, noise).reward
    assert_allclose(rewards[:, 0, 0], -numpy.linalg.norm(1.0 - GOALS, axis=-1), atol=1e-15)


narrow = {"world": NOISES[0]["world"], "agent": NOISES[0]["agent"][..., :1]}
EPISODES = maml_rl.play(POLICY, maml_rl.copies(THETA, 3), NAVIGATION, GOALS, NOISES[0])
MALFORMED = {
    "no goals": (lambda: navigation.draw(rng(), 0, 1, 1), "tasks must be at least 1"),
    "no steps": (lambda: navigation.draw(rng(), 1, 1, 0), "steps must be at least 1"),
    "no batch": (lambda: navigation.draw(rng(), 1, 1, 1, 0), "batches must be at least 1"),
    "a seed": (lambda: navigation.draw_noise(0, 1, 1, 1), "must be a numpy.random.Generator"),
    "no unit": (lambda: navigation.environment(unit=0.0), "unit must be above 0"),
    "no room": (lambda: navigation.environment(limit=-1.0), "limit must be above 0"),
    "no number": (lambda: navigation.environment(limit=math.nan), "limit must be above 0"),
    "a named cost": (lambda: navigation.environment(cost="length"), "cost must be a function"),
    "goals in space": (
        lambda: NAVIGATION.begin(numpy.zeros((3, 3)), NOISES[0]["world"][0]),
        r"problem and noise must be goals \(M, 2\)",
    ),
    "goals of other tasks": (
        lambda: NAVIGATION.begin(GOALS[:2], NOISES[0]["world"][0]),
        r"positions \(M, N, 2\) of as many tasks",
    ),
    "a broken goal": (
        lambda: NAVIGATION.begin(GOALS * numpy.nan, NOISES[0]["world"][0]),
        "problem must be finite",
    ),
    "an action on a line": (
        lambda: NAVIGATION.step(GOALS, numpy.zeros((3, 4, 2)), numpy.zeros((3, 4, 1)), 0),
        r"action must have shape \(3, 4, 2\)",
    ),
    "no net": (lambda: maml_rl.gaussian(3), "net must have init"),
    "no chance": (lambda: maml_rl.gaussian(NET, 0.0), "deviation must be above 0"),
    "narrow noise": (lambda: FOLLOW(THETA, (GOALS, [narrow] * 2)), "noise and the mean action"),
    "one noise": (lambda: FOLLOW(THETA, (GOALS, NOISES[:1])), "noises must be a list of 2.* has 1"),
    "no list": (lambda: FOLLOW(THETA, (GOALS, NOISES[0])), "noises must be a list of 2"),
    "no pair": (lambda: FOLLOW(THETA, GOALS), "data must be a pair"),
    "a single size": (lambda: maml_rl.meta_gradient(POLICY, NAVIGATION, 0.4), "must be a list"),
    "a step back": (
        lambda: maml_rl.meta_gradient(POLICY, NAVIGATION, (-0.4,)),
        "step_sizes must be at least 0",
    ),
    "a named surrogate": (
        lambda: maml_rl.meta_gradient(POLICY, NAVIGATION, (0.4,), "score"),
        "surrogate must be a function",
    ),
    "no baseline": (
        lambda: maml_rl.meta_gradient(POLICY, NAVIGATION, (0.4,), baseline=None),
        "baseline must be a function",
    ),
    "a named objective": (
        lambda: maml_rl.meta_gradient(POLICY, NAVIGATION, (0.4,), inner="dice"),
        "inner must be a function",
    ),
    "no episodes for dice": (
        lambda: gaussian_bandit.dice_gradient(GOALS[0], GOALS[1], 0.5, 0.1, 0),
        "episodes must be at least 1",
    ),
    "one task alone": (
        lambda: FOLLOW(
            THETA, (GOALS[:1], [maml_rl.tree_map(lambda x: x[:, :1], n) for n in NOISES])
        ),
        "at least two",
    ),
    "a step of nothing": (
        lambda: maml_rl.adapt(POLICY, maml_rl.copies(THETA, 3), EPISODES, math.nan),
        "step_size must be",
    ),
    "a flat goal": (lambda: exact.best_return(numpy.array(0.5), 3), "goal must have shape"),
    "no path": (lambda: exact.best_return(GOALS, 0), "steps must be at least 1"),
    "a policy without noise": (
        lambda: exact.linear_return(numpy.eye(2), numpy.ones(2), GOALS[0], 0.0, 3),
        "deviation must be above 0",
    ),
    "many goals": (
        lambda: exact.linear_return(numpy.eye(2), numpy.ones(2), GOALS, 0.5, 3),
        r"goal must have shape \(D\)",
    ),
    "a start of another size": (
        lambda: gaussian_bandit.value(GOALS[0], numpy.zeros(3), 0.5),
        "theta and goal must have the same shape",
    ),
    "no episodes": (
        lambda: gaussian_bandit.spread(GOALS[0], GOALS[1], 0.5, 0),
        "episodes must be at least 1",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


def judge_by_everything(episodes, baseline=None):
    """Advantages of actions that are judged by earlier rewards too."""
    total = numpy.sum(episodes.reward, axis=-1, keepdims=True) * np.ones_like(episodes.reward)
    return total - np.mean(total, axis=1, keepdims=True)


def shared_step(adapt):
    """An inner step along the gradient of the mean over tasks, where it should be the sum."""
    return lambda policy, phi, episodes, step_size, *more: adapt(
        policy, phi, episodes, step_size / len(episodes.reward), *more
    )


def first_order_box(x):
    """1 with the first derivative of exp, and no others."""
    return 1.0 + x - constant(x)


shown_goal = NAVIGATION._replace(observe=lambda goals, place: place + goals[:, None])
BUGS = {
    "half_a_step_size_reaches_any_goal": (
        gaussian_bandit,
        "exact_step",
        given(2, lambda alpha: 2.0 * alpha),
    ),
    "the_value_is_the_mean_reward": (gaussian_bandit, "value", scaled(1.01)),
    "the_spread_of_the_sampled_gradient": (gaussian_bandit, "spread", scaled(1.01)),
    "the_value_after_a_sampled_step": (gaussian_bandit, "spread", scaled(1.01)),
    "the_meta_gradient_of_the_bandit": (gaussian_bandit, "spread", scaled(1.01)),
    "the_part_with_the_actions_given": (
        gaussian_bandit,
        "pathwise_gradient",
        instead(gaussian_bandit.meta_gradient),
    ),
    "the_score_term_makes_the_meta_gradient_right": (
        maml_rl,
        "with_score",
        instead(maml_rl.given_episodes),
    ),
    "the_first_surrogate_follows_the_pathwise_gradient": (
        gaussian_bandit,
        "pathwise_gradient",
        instead(gaussian_bandit.meta_gradient),
    ),
    "the_gradient_with_dice_inside": (
        gaussian_bandit,
        "dice_gradient",
        instead(gaussian_bandit.meta_gradient),
    ),
    "sampled_meta_gradients_with_dice_inside": (dice, "box", instead(first_order_box)),
    "dice_inside_needs_many_episodes": (
        gaussian_bandit,
        "dice_gradient",
        instead(gaussian_bandit.pathwise_gradient),
    ),
    "second_derivatives_of_dice_are_those_of_the_return": (dice, "box", instead(first_order_box)),
    "dice_takes_the_inner_step_of_reinforce": (dice, "returns", scaled(0.5)),
    "exact_steps_start_from_the_mean_goal": (
        gaussian_bandit,
        "exact_step",
        given(1, lambda goal: 1.1 * goal),
    ),
    "a_walk_is_a_loop_over_steps": (proofs, "NAVIGATION", instead(proofs.FREE)),
    "only_a_step_tells_a_policy_of_its_goal": (proofs, "NAVIGATION", instead(shown_goal)),
    "an_inner_step_judges_actions_by_later_rewards": (
        maml_rl,
        "advantages",
        instead(judge_by_everything),
    ),
    "a_linear_policy_has_an_exact_return": (exact, "linear_return", scaled(1.05)),
    "an_inner_step_climbs_the_exact_return": (maml_rl, "adapt", shared_step),
    "no_path_is_better_than_the_straight_one": (exact, "best_return", scaled(0.99)),
    "one_gradient_for_all_tasks_is_that_of_each": (maml_rl, "adapt", shared_step),
    "without_an_inner_step_it_is_the_policy_gradient": (maml_rl, "given_episodes", scaled(1.1)),
    "a_recorded_meta_gradient_is_the_meta_gradient": (proofs, "replay", instead(first_answer)),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "maml_rl"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
