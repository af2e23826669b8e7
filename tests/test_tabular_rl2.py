"""A policy with a logit for every state: known numbers, malformed calls, planted bugs."""

import numpy
import pytest
from helpers import given, instead, is_single, refused, rng, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.agents import policy_gradient
from minimeta.core.gradients import grad
from minimeta.core.optim import adam
from minimeta.exact import bandit_dp
from minimeta.exact import tabular_rl2 as exact
from minimeta.tasks import bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import REGISTRY
from minimeta.theorems import tabular_rl2 as theorems
from minimeta.training import train


def test_ten_pulls_of_two_arms_have_715_states():
    assert len(exact.states(2, 10)) == 715


@pytest.mark.parametrize("arms, steps", [(1, 4), (2, 5), (3, 3)])
def test_the_uniform_policy_earns_a_half_at_each_pull(arms, steps):
    theta = numpy.zeros((len(exact.states(arms, steps)), arms))
    assert_allclose(exact.value(theta, steps), steps / 2, rtol=1e-14)


def test_ascent_on_ten_pulls_comes_near_the_optimum():
    """Of 6.0218 the uniform policy earns 5, and an ascent of 60 updates all but 0.01."""
    assert 6.0118 < theorems.climb(2, 10, updates=60) < 6.0219


def test_sampled_gradients_train_a_table():
    """REINFORCE on two pulls: the uniform policy earns 1 and the best one 13/12."""
    learner = exact.learner(2, 2)
    sample = lambda rng: bandits.draw(rng, 40, 10, 2)
    follow = policy_gradient.meta_gradient(learner, BERNOULLI)
    theta, _ = train(learner.init, follow, sample, rng(), 150, optimizer=adam(0.1), label=None)
    assert 1.07 < exact.value(theta, 2) < 13 / 12


def test_single_precision_stays_single():
    with single_precision():
        theta = exact.learner(2, 3).init(rng())
        assert is_single(theta, exact.values(theta, 3), grad(exact.value)(theta, 3))


TABLE = theorems.draw_table(2, 3)
MALFORMED = {
    "no arm": (lambda: exact.states(0, 3), "arms must be at least 1"),
    "no pull": (lambda: exact.states(2, 0), "steps must be at least 1"),
    "half a pull": (lambda: exact.values(TABLE, 2.5), "steps must be an integer"),
    "a table of other pulls": (lambda: exact.value(TABLE, 4), "theta must have 35 rows.* has 15"),
    "a row alone": (lambda: exact.value(TABLE[0], 3), r"theta must have shape \(S, A\)"),
    "a broken table": (lambda: exact.value(numpy.nan * TABLE, 3), "theta must be finite"),
    "a player without arms": (lambda: exact.learner(0, 3), "arms must be at least 1"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


def opposite(f):
    """The agent prefers the arms that its table does not."""
    return lambda arms, steps: (lambda l: l._replace(predict=scaled(-1.0)(l.predict)))(
        f(arms, steps)
    )


halved = given(0, lambda theta: theta / 2)
BUGS = {
    "the_value_of_a_table_is_the_mean_over_all_trials": (exact, "softmax", halved),
    "an_agent_earns_the_value_of_its_table": (exact, "learner", opposite),
    "the_gradient_of_a_table_weighs_its_states_by_how_often_they_come_up": (
        exact,
        "softmax",
        halved,
    ),
    "no_table_earns_more_than_the_optimum": (exact, "value", scaled(1.1)),
    "the_table_of_the_best_pulls_earns_the_optimum": (
        bandit_dp,
        "action_values",
        lambda f: lambda plan, counts: f(plan, counts) - 0.2 * counts.sum(axis=-1),
    ),
    "gradient_ascent_finds_the_bayes_adaptive_optimum": (
        theorems,
        "adam",
        instead(lambda step_size: adam(0.01 * step_size)),
    ),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "tabular_rl2"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
