"""MetaGenRL: known numbers, how training goes, degenerate systems, malformed calls, bugs."""

import math

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

from minimeta.agents import linear_control, metagenrl, objectives
from minimeta.agents.metagenrl import Agents
from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.optim import adam
from minimeta.core.trees import tree_map
from minimeta.exact import lqr
from minimeta.tasks import linear_systems
from minimeta.tasks.linear_systems import LINEAR_SYSTEMS, System
from minimeta.theorems import REGISTRY
from minimeta.theorems import metagenrl as proofs
from minimeta.training import train

POLICY = linear_control.policy()
AGENTS = Agents(POLICY, LINEAR_SYSTEMS, linear_control.exact_critic())
FOLLOW = metagenrl.meta_gradient(objectives.neural, AGENTS)
META = objectives.init(rng(), hidden=3)
SYSTEM, PHI, NOISES = DATA = linear_control.draw(rng(), 3, 4, 6, 2)
LINE = System(*(numpy.array([[[x]]]) for x in (1.0, 1.0, 1.0, 1.0)))  # s' = s + a, cost s^2 + a^2
EPISODES = metagenrl.rollout(LINEAR_SYSTEMS, lambda m, s, n: (m, n), SYSTEM, NOISES[0])


# ---- Systems ----


def test_the_golden_ratio_is_the_cost_of_the_simplest_system():
    """Without discount P = 1 + P - P^2 / (1 + P), so P^2 = P + 1, and K = P / (1 + P) = 1 / P."""
    golden = (1.0 + math.sqrt(5.0)) / 2.0
    gain = lqr.best_gain(LINE, discount=1.0)
    assert_allclose(gain, [[[1.0 / golden]]], atol=1e-14)
    assert_allclose(lqr.score(LINE, gain, discount=1.0), [-golden], atol=1e-14)


def test_without_a_future_the_best_is_to_do_nothing():
    assert_allclose(lqr.best_gain(SYSTEM, discount=0.0), numpy.zeros((3, 1, 2)), atol=1e-15)
    assert_allclose(lqr.score(SYSTEM, PHI["K"], discount=0.0), [-2.0] * 3, atol=1e-15)


def test_an_unstable_policy_has_an_infinite_regret():
    gain = lqr.best_gain(LINE)
    found = lqr.relative_regret(LINE, -gain - 2.0, 0.9 * gain)  # F = 3 + K, above 1 / sqrt(d)
    assert found == numpy.inf


def test_the_best_gain_stops_a_system_that_runs_away():
    """A of radius 3 has no finite cost under any discount above 1/9, but for control."""
    system = linear_systems.draw_systems(rng(), 5, 2, 2, radius=(3.0, 3.0))
    none = numpy.zeros((5, 2, 2))
    assert numpy.all(lqr.score(system, none) == -numpy.inf)
    assert numpy.all(numpy.isfinite(lqr.score(system, lqr.best_gain(system))))


def test_policies_that_are_not_stable_teach_nothing():
    system, phi, noises = linear_control.draw(rng(), 3, 4, 6, radius=(1.5, 1.5))
    value, gradient = FOLLOW(META, (system, phi, noises))
    assert value == 0.0
    assert all(numpy.all(leaf == 0.0) for leaf in metagenrl.leaves(gradient))


def test_without_costs_to_compare_nothing_is_divided_by_zero():
    """From a start at rest without pushes all values are one number; so are the losses, finite."""
    quiet = AGENTS._replace(
        environment=linear_systems.environment(0.0),
        critic=linear_control.exact_critic(push=0.0),
        deviation=0.0,
    )
    rest = tree_map(lambda leaf: 0.0 * leaf, NOISES)
    value, gradient = metagenrl.meta_gradient(objectives.neural, quiet)(META, (SYSTEM, PHI, rest))
    assert value == 0.0
    assert all(numpy.all(numpy.isfinite(leaf)) for leaf in metagenrl.leaves(gradient))


# ---- Learning ----


def test_training_finds_a_loss_whose_steps_help():
    """Three inner steps of a learned loss leave less than half of the regret, on new systems."""
    sample = lambda rng: linear_control.draw(rng, 16, 4, 8, 3)
    optimizer, init = adam(0.03), lambda rng: objectives.init(rng, 8)
    follow = metagenrl.meta_gradient(objectives.neural, AGENTS)
    meta, history = train(init, follow, sample, rng(), 60, optimizer=optimizer, label=None)
    data = linear_control.draw(rng(1), 50, 4, 8, 6)
    path = metagenrl.lifetime(objectives.neural, meta, AGENTS, *data)
    regret = lqr.relative_regret(data[0], path[-1]["K"], path[0]["K"])
    assert numpy.median(regret) < 0.5
    assert numpy.mean(history[-20:]) < -0.005


def test_a_loss_for_one_action_serves_two():
    system, phi, noises = linear_control.draw(rng(), 3, 4, 6, states=3, actions=2)
    agents = AGENTS._replace(policy=linear_control.policy(3, 2))
    path = metagenrl.lifetime(objectives.neural, META, agents, system, phi, noises)
    assert np.shape(path[-1]["K"]) == (3, 2, 3)


def test_no_step_is_longer_than_allowed():
    agents = AGENTS._replace(longest=1e-3)
    path = metagenrl.lifetime(objectives.neural, META, agents, SYSTEM, PHI, NOISES)
    length = numpy.linalg.norm(path[1]["K"] - path[0]["K"], axis=(1, 2))
    assert_allclose(length, 0.3 * 1e-3 * numpy.ones(3), rtol=1e-9)


def test_single_precision_stays_single():
    with single_precision():
        meta, data = objectives.init(rng(), 3), linear_control.draw(rng(), 3, 4, 6, 2)
        value, gradient = FOLLOW(meta, data)
        learn = AGENTS._replace(critic=linear_control.least_squares_critic())
        path = metagenrl.lifetime(objectives.neural, meta, learn, *data)
    assert is_single(meta, data, value, gradient, path)


def test_the_least_squares_critic_is_near_the_exact_one_despite_the_noise():
    """With 400 noisy steps its opinions of other actions correlate with the exact ones."""
    system, phi, (noise,) = linear_control.draw(rng(2), 5, 40, 11)
    learn = AGENTS._replace(critic=linear_control.least_squares_critic())
    learned, exact = (metagenrl.live(agents, phi, system, noise) for agents in (learn, AGENTS))
    other = rng(3).normal(size=exact.action.shape)
    for a, b in zip(learned.judge(other), exact.judge(other)):
        assert numpy.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.95


# ---- Malformed calls ----


def matrices(**other):
    """The systems with some of the matrices replaced."""
    return SYSTEM._replace(**other)


edge = System(*(numpy.array([[[x]]]) for x in (1.0, 0.0, 1.0, 1.0)))  # s' = s for ever
MALFORMED = {
    "no tasks": (lambda: linear_systems.draw(rng(), 0, 1, 1), "tasks must be at least 1"),
    "no states": (lambda: linear_systems.draw_systems(rng(), 1, 0), "states must be at least 1"),
    "no batch": (lambda: linear_systems.draw(rng(), 1, 1, 1, 0), "batches must be at least 1"),
    "no steps": (lambda: linear_systems.draw_noise(rng(), 1, 1, 0), "steps must be at least 1"),
    "a seed": (lambda: linear_systems.draw_systems(0, 1), "must be a numpy.random.Generator"),
    "radii backwards": (
        lambda: linear_systems.draw_systems(rng(), 1, radius=(1.0, 0.5)),
        "radius must be a pair",
    ),
    "a pull": (lambda: linear_systems.environment(push=-1.0), "push must be at least 0"),
    "no system": (
        lambda: LINEAR_SYSTEMS.begin(tuple(SYSTEM), NOISES[0]["world"]),
        "problem must be a System",
    ),
    "another size": (
        lambda: LINEAR_SYSTEMS.begin(matrices(Q=numpy.ones((3, 1, 1))), NOISES[0]["world"]),
        r"problem must have A \(M, O, O\)",
    ),
    "a free action": (
        lambda: lqr.best_gain(matrices(R=numpy.zeros((3, 1, 1)))),
        "system.R must be positive definite",
    ),
    "a prize": (lambda: lqr.best_gain(matrices(Q=-SYSTEM.Q)), "system.Q must not have negative"),
    "two actions": (
        lambda: LINEAR_SYSTEMS.step(SYSTEM, numpy.ones((3, 4, 2)), numpy.ones((3, 4, 2)), None),
        r"action must have shape \(3, 4, 1\)",
    ),
    "other starts": (
        lambda: LINEAR_SYSTEMS.begin(SYSTEM, {"start": numpy.ones((2, 4, 2))}),
        r"start in noise must be \(M, N, O\)",
    ),
    "another gain": (lambda: lqr.state_cost(SYSTEM, numpy.ones((3, 2, 1))), "gain must have shape"),
    "a far future": (
        lambda: lqr.state_cost(SYSTEM, PHI["K"], 1.1),
        "discount must be at least 0 and at most 1",
    ),
    "endless noise": (
        lambda: linear_control.exact_critic(discount=1.0),
        "discount must be below 1 with a push",
    ),
    "the edge of stability": (
        lambda: lqr.score(edge, numpy.zeros((1, 1, 1)), discount=1.0),
        "edge of stability",
    ),
    "the best first": (
        lambda: lqr.relative_regret(SYSTEM, PHI["K"], lqr.best_gain(SYSTEM)),
        "first must be stable and worse",
    ),
    "an unstable first": (
        lambda: lqr.relative_regret(LINE, lqr.best_gain(LINE), -2.0 * np.ones((1, 1, 1))),
        "first must be stable and worse",
    ),
    "no exploration": (
        lambda: lqr.reinforce_gradient(SYSTEM, PHI["K"], SYSTEM.Q, 0.0),
        "deviation must be above 0",
    ),
    "no action": (lambda: linear_control.policy(2, 0), "actions must be at least 1"),
    "a negative ridge": (
        lambda: linear_control.least_squares_critic(ridge=-1.0),
        "ridge must be at least 0",
    ),
    "no units": (lambda: objectives.init(rng(), 0), "hidden must be at least 1"),
    "no discount": (lambda: objectives.reinforce("0.9"), "discount must be a number"),
    "a named loss": (lambda: metagenrl.meta_gradient("ddpg", AGENTS), "objective must be a func"),
    "no agents": (
        lambda: metagenrl.meta_gradient(objectives.neural, POLICY),
        "agents must be an Agents",
    ),
    "a step back": (
        lambda: metagenrl.meta_gradient(objectives.neural, AGENTS._replace(step_size=-0.1)),
        "agents.step_size must be at least 0",
    ),
    "no critic": (
        lambda: metagenrl.meta_gradient(objectives.neural, AGENTS._replace(critic=None)),
        "agents.critic must be a function",
    ),
    "no policies": (lambda: FOLLOW(META, (SYSTEM, NOISES)), "data must be a triple"),
    "no life": (lambda: FOLLOW(META, (SYSTEM, PHI, [])), "noises must be a list of at least one"),
    "one step": (
        lambda: FOLLOW(META, linear_control.draw(rng(), 3, 4, 1)),
        "noise must be for at least two steps",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


# ---- Planted bugs ----


def forwards(meta, experience, proposal):
    """The LSTM in the order of time: L_t hears of earlier rewards."""
    h, _ = objectives.lstm.lstm(meta["cell"], objectives.inputs(experience))
    return objectives.read(meta, h, experience.action, proposal)


def mean_over_tasks(adapt):
    """An inner step along the gradient of the mean over tasks, where it should be the sum."""
    return lambda objective, meta, agents, phi, experience: adapt(
        objective,
        meta,
        agents._replace(step_size=agents.step_size / len(phi["K"])),
        phi,
        experience,
    )


def twice(adapt):
    """Two inner steps on one experience."""
    return lambda objective, meta, agents, phi, experience: adapt(
        objective, meta, agents, adapt(objective, meta, agents, phi, experience), experience
    )


def blind_to_u(loss):
    """A meta-gradient that leaves out a part of the network."""
    fixed = lambda meta, data: loss({**meta, "u": metagenrl.constant(meta["u"])}, data)
    return value_and_grad(fixed)


def raw(gather):
    """Rewards in their own unit."""

    def bug(policy, phi, episodes, critic):
        return gather(policy, phi, episodes, critic)._replace(reward=episodes.reward[:, :, :-1])

    return bug


def without_baseline_or_future(discount):
    """REINFORCE with the reward of the step alone."""
    return lambda meta, experience, proposal: (
        experience.reward * np.sum((experience.action - proposal) ** 2, axis=-1) / 2.0
    )


def at_the_start(lifetime):
    """A lifetime in which no step leads anywhere."""
    return lambda objective, meta, agents, problem, phi, noises: [phi] * (len(noises) + 1)


BUGS = {
    "a_value_is_the_cost_of_a_long_rollout": (lqr, "closed_loop", scaled(1.001)),
    "a_critic_is_the_cost_of_one_other_action": (lqr, "action_cost", scaled(1.001)),
    "noise_costs_its_constant": (lqr, "constant", scaled(0.9)),
    "a_policy_has_a_value_where_its_loop_is_stable": (
        lqr,
        "is_stable",
        given(0, lambda P: P - 2.0),
    ),
    "the_best_gain_is_that_of_value_iteration": (lqr, "DOUBLINGS", instead(3)),
    "policy_iteration_ends_at_the_best_gain": (lqr, "best_gain", scaled(1.001)),
    "the_gradient_of_the_score_is_that_of_its_critic": (
        lqr,
        "policy_gradient",
        instead(
            lambda system, gain, discount: lqr.critic_gradient(system, gain, system.Q, discount)
        ),
    ),
    "a_critic_can_be_learned_from_few_steps": (
        linear_control,
        "act_on",
        instead(lambda policy, phi, state: 0.0 * metagenrl.act_on(policy, phi, state)),
    ),
    "with_minus_q_the_inner_step_is_ddpg": (metagenrl, "adapt", mean_over_tasks),
    "reinforce_is_ddpg_in_the_mean": (objectives, "reinforce", instead(without_baseline_or_future)),
    "no_inner_step_knows_the_unit_of_rewards": (metagenrl, "gather", raw),
    "the_best_target_is_newtons": (metagenrl, "adapt", twice),
    "the_best_linear_target_is_policy_iteration": (metagenrl, "adapt", mean_over_tasks),
    "a_meta_gradient_in_closed_form": (metagenrl, "loss_of_step", scaled(1.001)),
    "the_meta_gradient_of_the_network_is_that_of_differences": (
        metagenrl,
        "value_and_grad",
        instead(blind_to_u),
    ),
    "a_lifetime_is_a_mean_over_its_steps": (metagenrl, "lifetime", at_the_start),
    "the_population_has_the_mean_of_its_agents_gradients": (metagenrl, "adapt", mean_over_tasks),
    "a_loss_hears_of_later_rewards_and_of_no_other_action": (
        objectives,
        "neural",
        instead(forwards),
    ),
    "a_recorded_meta_gradient_serves_other_systems": (proofs, "replay", instead(first_answer)),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "metagenrl"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
