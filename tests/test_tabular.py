"""Tabular problems: degenerate ones, chances, malformed calls, planted bugs."""

import numpy
import pytest
from helpers import given, instead, is_single, refused, rng, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.agents import tabular as agents
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.exact import tabular as exact
from minimeta.tasks import tabular
from minimeta.tasks.tabular import TABULAR, Tabular
from minimeta.theorems import REGISTRY

PROBLEM, (NOISE,) = tabular.draw(rng(), 3, 4, 5)
POLICY = exact.uniform(PROBLEM)
FAMILIES = (tabular.random_mdps, tabular.chains, tabular.grids, tabular.bandits)


def play(problem, steps=5):
    """Episodes of uniform policies."""
    noise = tabular.draw_noise(rng(), len(problem.start), 4, steps)
    return agents.play(agents.start(problem), problem, noise)


# ---- Degenerate problems ----


def held(reward=0.0):
    """A problem of one state and two actions that both pay this much."""
    return Tabular(numpy.ones((1, 1, 2, 1)), numpy.full((1, 1, 2), reward), numpy.ones((1, 1)))


def test_one_state_without_reward_is_an_end():
    assert_allclose(exact.best_return(held()), [0.0])
    assert_allclose(exact.expected_return(held(), exact.uniform(held())), [0.0])
    assert play(held()).done.all()


def test_one_state_with_reward_goes_on():
    assert_allclose(exact.best_return(held(0.5), steps=5), [2.5])
    assert_allclose(exact.best_return(held(0.5), discount=0.9), [5.0])
    assert_allclose(play(held(0.5)).reward, 0.5)
    assert not play(held(0.5)).done.any()


@pytest.mark.parametrize("problem", [held(), held(0.5)])
def test_where_no_policy_is_better_nothing_is_gained(problem):
    logits = numpy.array([[[1.0, -1.0]]])
    value = lambda logits: np.sum(exact.normalised(problem, softmax(logits), 5))
    assert_allclose([value(logits), *grad(value)(logits).ravel()], 0.0, atol=1e-15)


def test_rounding_is_no_room_for_a_policy():
    with single_precision():
        problem = Tabular(*(numpy.asarray(part, "float32") for part in held(0.1)))
        policy = numpy.array([[[0.3, 0.7]]], "float32")
        assert exact.normalised(problem, policy, 50) == 0.0


def test_a_start_at_the_end_returns_nothing():
    problem = tabular.chains(rng(), 2, states=3)
    problem = problem._replace(start=numpy.tile([0.0, 0.0, 1.0], (2, 1)))
    assert_allclose(exact.expected_return(problem, exact.uniform(problem)), 0.0)
    assert_allclose(exact.occupancy(problem, exact.uniform(problem), 4), 0.0)
    episodes = play(problem)
    assert episodes.done.all() and not episodes.reward.any()


def test_endless_episodes_without_a_discount_have_no_value():
    refused(lambda: exact.state_values(PROBLEM, POLICY), "every state must lead to an end")
    refused(
        lambda: grad(lambda p: np.sum(exact.expected_return(PROBLEM, p)))(POLICY),
        "every state must lead to an end",
    )
    refused(lambda: exact.best_values(PROBLEM), "every state must lead to an end")
    assert_allclose(exact.best_values(tabular.chains(rng(), 2)), [[1.0, 1.0, 1.0, 0.0]] * 2)
    assert_allclose(exact.best_return(tabular.grids(rng(), 2)), 1.0)


def test_a_policy_that_never_ends_has_no_value_without_a_discount():
    chains = tabular.chains(rng(), 1, states=3)
    onward = chains.transition[0, [0, 1], :, [1, 2]]
    policy = numpy.concatenate([1.0 - onward, [[0.5, 0.5]]])[None]
    refused(lambda: exact.state_values(chains, policy), "every state must lead to an end")
    assert_allclose(exact.state_values(chains, policy, discount=0.9), 0.0, atol=1e-15)


# ---- Chance ----


def test_no_outcome_without_a_chance_is_chosen():
    chances = numpy.array([0.0, 0.3, 0.0, 0.7 - 1e-7, 0.0], "float32")
    noise = numpy.array([0.0, 0.4, 0.9999999, 1.0], "float32")
    chosen = tabular.choose(numpy.tile(chances, (4, 1)), noise)
    assert_allclose(chosen.argmax(axis=-1), [1, 3, 3, 3])
    assert_allclose(chosen.sum(axis=-1), 1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_mean_returns_of_many_episodes(family):
    problem, (noise,) = tabular.draw(rng(1), 2, 4000, 6, family=family)
    logits = rng(2).normal(size=problem.reward.shape)
    returned = agents.play({"logits": logits}, problem, noise).reward.sum(axis=-1)
    error = returned.std(axis=-1) / 4000**0.5
    away = abs(returned.mean(axis=-1) - exact.expected_return(problem, softmax(logits), 6))
    assert (away < 4.0 * error).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_single_precision_stays_single(family):
    with single_precision():
        problem, noises = tabular.draw(rng(), 2, 3, 4, 2, family)
        agent = agents.start(problem)
        step = lambda agent, episodes: agents.actor_critic(agent, episodes, 0.5, 0.3)
        life = agents.live(step, agent, problem, noises)
        best = exact.best_return(problem, discount=0.9)
        assert is_single(problem, noises, life, agents.curve(life, problem, 4), best)


def test_the_best_setting_is_the_best_of_the_list():
    problem, noises = tabular.draw(rng(), 50, 2, 10, 10)
    settings = [{"step_size": size} for size in (0.0, 0.5, 100.0)]
    assert agents.best_setting(agents.reinforce, settings, problem, noises) == settings[1]


def test_the_area_under_a_line_is_its_middle():
    assert_allclose(agents.area(numpy.linspace(0.0, 1.0, 7)[:, None]), [0.5])


EPISODES = play(PROBLEM)
MALFORMED = {
    "no table": (lambda: TABULAR.begin((), NOISE), "problem must be Tabular"),
    "a flat start": (
        lambda: exact.uniform(PROBLEM._replace(start=PROBLEM.start[0])),
        "problem.start must have shape",
    ),
    "a missing action": (
        lambda: exact.uniform(PROBLEM._replace(reward=PROBLEM.reward[..., 1:])),
        "transition, reward and start of problem",
    ),
    "chances of more than one": (
        lambda: exact.uniform(PROBLEM._replace(transition=2.0 * PROBLEM.transition)),
        "problem.transition must add up to 1",
    ),
    "a negative chance": (
        lambda: exact.uniform(PROBLEM._replace(start=PROBLEM.start - 0.1)),
        "problem.start must not be negative",
    ),
    "another policy": (
        lambda: exact.state_values(PROBLEM, POLICY[..., :2], 3),
        "policy and problem.reward must have the same shape",
    ),
    "no policy": (lambda: exact.state_values(PROBLEM, 2.0 * POLICY, 3), "policy must add up to 1"),
    "noise of other tasks": (
        lambda: TABULAR.begin(PROBLEM, {"start": NOISE["world"]["start"][0, :2]}),
        r"3 problems need noise of \(3, N\)",
    ),
    "an action too many": (
        lambda: TABULAR.step(PROBLEM, np.zeros((3, 4, 5)), np.zeros((3, 4, 4)), NOISE),
        "action must have 3 columns",
    ),
    "a chain of one": (lambda: tabular.chains(rng(), 2, 1), "states must be at least 2"),
    "a step back": (
        lambda: agents.reinforce(agents.start(PROBLEM), EPISODES, -1.0),
        "step_size must be at least 0",
    ),
    "a growing error": (
        lambda: agents.actor_critic(agents.start(PROBLEM), EPISODES, 1.0, 1.0, 1.5),
        "decay must be",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


def without_ends(problem):
    """No state counts as an end."""
    return np.zeros_like(problem.start)


def shorter_sight(action_values):
    """Q with nine tenths of the discount."""
    return lambda problem, values, discount: action_values(problem, values, 0.9 * discount)


BUGS = {
    "values_for_ever_are_those_of_many_steps": (exact, "solve_for_ever", given(2, lambda g: 0.89)),
    "the_return_is_the_mean_over_all_histories": (
        exact,
        "values_by_step",
        given(2, lambda T: T - 1),
    ),
    "rewards_weighted_by_visits_add_up_to_the_return": (
        exact,
        "visits_by_step",
        given(3, lambda discount: 1.01 * discount),
    ),
    "the_policy_gradient_theorem": (
        exact,
        "action_values",
        shorter_sight,
    ),
    "reinforce_on_tables_climbs_the_return": (
        agents,
        "add_by_state",
        scaled(1.01),
    ),
    "no_plan_is_better_than_the_best_values": (
        exact,
        "action_values",
        shorter_sight,
    ),
    "no_fixed_policy_is_better_for_ever": (exact, "TIE", lambda tie: 1e15),
    "a_cell_is_worth_its_distance_to_the_goal": (
        exact,
        "solve_for_ever",
        given(2, lambda discount: 0.99 * discount),
    ),
    "going_on_pays_at_the_end_of_a_chain": (exact, "solve_for_ever", scaled(1.01)),
    "a_bandit_is_a_problem_of_one_state": (exact, "visits_by_step", given(2, lambda T: T - 1)),
    "a_life_in_tables_is_a_loop_over_steps": (tabular, "ends", instead(without_ends)),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "tabular"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
