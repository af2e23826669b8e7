"""LPG: training, degenerate problems, malformed calls, planted bugs."""

from functools import partial

import numpy
import pytest
from helpers import (
    close,
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

from minimeta.agents import critics, lpg
from minimeta.agents import tabular as agents
from minimeta.core.backend import np
from minimeta.core.optim import adam
from minimeta.core.trees import flatten
from minimeta.exact import policy_gradient as of_bandits
from minimeta.tasks import tabular
from minimeta.theorems import REGISTRY
from minimeta.theorems import lpg as proofs
from minimeta.training import train

ETA = proofs.draw_rule()
PROBLEM, NOISES = tabular.draw(rng(), 2, 3, 4, 4)
FOLLOW = lpg.meta_gradient(1.0, updates=2)


def areas(eta, problem, noises):
    """The areas of lives by the rule, (M,)."""
    learn = partial(lpg.update, eta, step_size=1.0)
    life = agents.live(learn, lpg.start(eta, problem), problem, noises)
    return agents.area(agents.curve(life, problem, len(noises[0]["agent"])))


def test_a_learned_rule_beats_reinforce_on_problems_it_has_not_seen():
    """A short training; paired on the same problems and noise, by four standard errors."""
    with single_precision():
        sample = lambda rng: tabular.draw(rng, 16, 2, 5, 5)
        follow = lpg.meta_gradient(1.0)
        eta, _ = train(lpg.init, follow, sample, rng(), 60, optimizer=adam(0.01), label=None)
        problem, noises = tabular.draw(rng(1), 200, 2, 5, 10)
        tuning = tabular.draw(rng(2), 200, 2, 5, 10)
        sizes = [{"step_size": size} for size in (0.25, 0.5, 1.0, 2.0, 4.0)]
        best = agents.best_setting(agents.reinforce, sizes, *tuning)
        assert best not in (sizes[0], sizes[-1])
        rule = partial(agents.reinforce, **best)
        life = agents.live(rule, agents.start(problem), problem, noises)
        ahead = areas(eta, problem, noises) - agents.area(agents.curve(life, problem, 5))
    assert ahead.mean() > 4.0 * ahead.std() / 200**0.5


def test_the_score_term_changes_the_gradient_and_not_the_value():
    whole = lpg.meta_gradient(1.0, updates=2, score=1.0)(ETA, (PROBLEM, NOISES))
    part = FOLLOW(ETA, (PROBLEM, NOISES))
    assert_allclose(whole[0], part[0], rtol=1e-14)
    assert abs(flatten(whole[1]) - flatten(part[1])).max() > 1e-3


def test_one_update_at_a_time_has_no_score_term():
    follow = partial(lpg.meta_gradient, 1.0, updates=1)
    data = PROBLEM, NOISES
    close(follow(score=1.0)(ETA, data)[1], follow()(ETA, data)[1], atol=1e-15)


def test_the_two_meta_gradients_of_the_bandit_are_apart():
    """Else a theorem could not tell them: they differ by far more than its tolerance."""
    difference = proofs.averaged_meta_gradient(1.0) - proofs.averaged_meta_gradient(0.0)
    assert abs(difference).max() > 1e-3


def test_reversed_twice_an_episode_is_itself():
    done = numpy.array([[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]])
    back = lpg.backwards(agents.play(agents.start(PROBLEM), PROBLEM, NOISES[0])._replace(done=done))
    assert_allclose(back[0] @ numpy.arange(4.0), [[2, 1, 0, 3], [3, 2, 1, 0], [0, 1, 2, 3]])
    assert_allclose(back @ back, numpy.broadcast_to(numpy.eye(4), back.shape))


@pytest.mark.parametrize("arms", [1, 3])
def test_where_no_policy_is_better_the_policy_gives_no_gradient(arms):
    problem, noises = tabular.draw(
        rng(), 2, 3, 4, 2, family=lambda rng, tasks: tabular.bandits(rng, tasks, arms)
    )
    problem = problem._replace(reward=0.5 + 0.0 * problem.reward)
    follow = lpg.meta_gradient(1.0, updates=2, regularisers=lpg.NONE)
    value, gradient = follow(ETA, (problem, noises))
    assert_allclose([value, *flatten(gradient)], 0.0, atol=1e-14)


@pytest.mark.parametrize("family", [tabular.chains, tabular.grids, tabular.bandits])
def test_one_rule_serves_problems_of_any_size(family):
    problem, noises = tabular.draw(rng(), 2, 3, 6, 2, family)
    value, gradient = FOLLOW(ETA, (problem, noises))
    assert numpy.isfinite([value, *flatten(gradient)]).all()


def test_single_precision_stays_single():
    with single_precision():
        eta, data = lpg.init(rng()), tabular.draw(rng(), 2, 3, 4, 2)
        assert is_single(eta, FOLLOW(eta, data))


MALFORMED = {
    "no update": (lambda: lpg.meta_gradient(1.0, updates=0), "updates must be at least 1"),
    "a step back": (lambda: lpg.meta_gradient(-1.0), "step_size must be at least 0"),
    "a named score": (lambda: lpg.meta_gradient(1.0, score="yes"), "score must be a number"),
    "no regularisers": (
        lambda: lpg.meta_gradient(1.0, regularisers=0.0),
        "regularisers must be Regularisers",
    ),
    "half a stretch": (lambda: FOLLOW(ETA, (PROBLEM, NOISES[:3])), "multiple of 2 updates; it has"),
    "one noise": (lambda: FOLLOW(ETA, (PROBLEM, NOISES[0])), "it is no list"),
    "no pair": (lambda: FOLLOW(ETA, PROBLEM), "problem must be|data must be a pair"),
    "no units": (lambda: lpg.init(rng(), hidden=0), "hidden must be at least 1"),
    "no predictions": (lambda: lpg.init(rng(), predictions=0), "predictions must be at least 1"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


def forwards(episodes):
    """Episodes in their own order, so that a target knows what came before it."""
    T = episodes.reward.shape[-1]
    return numpy.broadcast_to(numpy.eye(T), (*episodes.reward.shape, T))


def reversed_whole(episodes):
    """Episodes reversed with what follows their end."""
    return forwards(episodes)[..., ::-1]


def first_state_counts(look_up):
    """The state's number is in what is looked up."""
    return lambda table, episodes: (
        look_up(table, episodes) * (1.0 + episodes.observation[..., :1] / 10.0)
    )


def shared(loss):
    """The loss of each task has the mean of all in it."""
    return lambda *a, **k: (lambda each: each * np.mean(each))(loss(*a, **k))


BUGS = {
    "with_the_return_as_target_it_is_reinforce": (lpg, "climb", given(3, lambda a: 1.01 * a)),
    "with_the_advantage_as_target_it_is_a2c": (
        critics,
        "advantages",
        lambda advantages: lambda *a, trace_decay: advantages(*a, trace_decay=0.9 * trace_decay),
    ),
    "a_critic_follows_its_squared_error": (agents, "add_by_state", scaled(1.01)),
    "predictions_descend_the_divergence": (
        lpg,
        "divergence_gradient",
        instead(lambda logits, target: lpg.softmax(logits) - lpg.softmax(target)),
    ),
    "a_constant_in_the_target_changes_no_mean": (
        lpg,
        "climb",
        instead(
            lambda logits, episodes, target, size: (
                logits + size * lpg.add_by_state(episodes, target[..., None] * episodes.action)
            )
        ),
    ),
    "targets_depend_on_later_steps_alone": (lpg, "backwards", instead(forwards)),
    "what_follows_the_end_teaches_nothing": (lpg, "backwards", instead(reversed_whole)),
    "names_of_states_and_actions_do_not_matter": (lpg, "look_up", first_state_counts),
    "the_meta_gradient_of_one_update_of_a_bandit": (lpg, "normalised", scaled(1.01)),
    "the_jacobian_of_the_bandits_gradient": (of_bandits, "value", scaled(1.01)),
    "the_score_term_makes_the_meta_gradient_right": (lpg, "log_chance", scaled(0.9)),
    "without_the_score_term_chances_are_constants": (
        lpg,
        "stretch_loss",
        lambda loss: lambda *args: loss(*args[:-1], 0.1),
    ),
    "a_life_is_cut_into_stretches": (lpg, "constant", instead(lambda tree: tree)),
    "one_gradient_for_all_tasks_is_that_of_each": (lpg, "stretch_loss", shared),
    "four_regularisers": (lpg, "entropy", scaled(1.01)),
    "a_recorded_meta_gradient_is_the_meta_gradient": (proofs, "replay", instead(first_answer)),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "lpg"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
