"""Theorems on tabular RL2: a policy with a logit for every state, and the best there is."""

import itertools

import numpy

from minimeta.agents.acting import play
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.losses import softmax
from minimeta.core.optim import adam
from minimeta.exact import bandit_dp
from minimeta.exact import tabular_rl2 as exact
from minimeta.tasks import bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, has_mean

DUAN = "Duan et al. 2016, arXiv:1611.02779"
DUFF = "Duff 2002, thesis"
SUTTON = "Sutton et al. 2000, NIPS 12"


def draw_table(arms, steps, seed=0, scale=2.0):
    """Random logits (S, A), far from the uniform policy."""
    rng = numpy.random.default_rng(seed)
    return scale * rng.normal(size=(len(exact.states(arms, steps)), arms))


def best(arms, steps):
    """The Bayes-adaptive value."""
    return bandit_dp.value(bandit_dp.solve(arms, steps))


def every_trial(theta, arms, steps):
    """For each sequence of pulls and outcomes: its chance, its rewards, and its rows of theta.

    The chance of an outcome is told by the pulls before it, one after another.
    """
    row = {tuple(counts.ravel()): k for k, counts in enumerate(exact.states(arms, steps))}
    policy = softmax(theta)
    for trial in itertools.product(range(arms), (1, 0), repeat=steps):
        counts, chance, rows = numpy.zeros((arms, 2)), 1.0, []
        for arm, reward in zip(trial[::2], trial[1::2]):
            rows.append(row[tuple(counts.ravel())])
            pays = (1.0 + counts[arm, 0]) / (2.0 + counts[arm].sum())
            chance *= policy[rows[-1], arm] * (pays if reward else 1.0 - pays)
            counts[arm, 1 - reward] += 1.0
        yield chance, trial[1::2], rows, trial[::2]


@theorem(lesson="rl2", source=DEFINITION)
def the_value_of_a_table_is_the_mean_over_all_trials():
    """The value of a table of logits is the sum over all trials of their chance and rewards."""
    computed, exactly = [], []
    for arms, steps in ((2, 1), (2, 4), (3, 3)):
        theta = draw_table(arms, steps)
        trials = every_trial(theta, arms, steps)
        exactly.append(sum(chance * sum(rewards) for chance, rewards, _, _ in trials))
        computed.append(exact.value(theta, steps))
    return Claim(computed, exactly, tolerance=1e-13)


@theorem(lesson="rl2", source=DEFINITION)
def an_agent_earns_the_value_of_its_table():
    """An agent that plays bandits by a table earns the table's exact value on average."""
    theta, (problem, noise) = (
        draw_table(2, 5),
        bandits.draw(numpy.random.default_rng(1), 9000, 1, 5),
    )
    episodes = play(exact.learner(2, 5), theta, BERNOULLI, problem, noise)
    return has_mean(episodes.reward.sum(axis=(1, 2)), exact.value(theta, 5))


@theorem(lesson="rl2", source=SUTTON)
def the_gradient_of_a_table_weighs_its_states_by_how_often_they_come_up():
    """The gradient of the value is P(state) pi (Q - J): of REINFORCE, summed over all trials.

    Each trial adds its chance times the rewards that follow a pull to the score of that pull.
    """
    theta = draw_table(2, 4)
    gradient, policy = numpy.zeros_like(theta), softmax(theta)
    for chance, rewards, rows, arms in every_trial(theta, 2, 4):
        for t, (row, arm) in enumerate(zip(rows, arms)):
            gradient[row] += chance * sum(rewards[t:]) * (numpy.eye(2)[arm] - policy[row])
    return Claim(grad(exact.value)(theta, 4), gradient, tolerance=1e-13)


@theorem(lesson="rl2", source=DUFF)
def no_table_earns_more_than_the_optimum():
    """None of 600 random policies earns more than the Bayes-adaptive value."""
    above = []
    for steps, scale in itertools.product((3, 4, 5), (0.5, 5.0)):
        tables = (draw_table(2, steps, seed, scale) for seed in range(100))
        earned = max(exact.value(theta, steps) for theta in tables)
        above.append(max(0.0, earned - best(2, steps)))
    return Claim(above, numpy.zeros(6), tolerance=1e-13)


@theorem(lesson="rl2", source=DUFF)
def the_table_of_the_best_pulls_earns_the_optimum():
    """A table whose logits are the Q of dynamic programming, times a million, earns its V."""
    computed, cases = [], [(2, 3), (2, 10), (3, 5)]
    for arms, steps in cases:
        plan = bandit_dp.solve(arms, steps)
        Q = [bandit_dp.action_values(plan, counts) for counts in exact.levels(arms, steps)[0]]
        computed.append(exact.value(1e6 * numpy.concatenate(Q), steps))
    return Claim(computed, [best(*case) for case in cases], tolerance=1e-9)


@theorem(lesson="rl2", source=DUAN)
def gradient_ascent_finds_the_bayes_adaptive_optimum():
    """Adam on the exact value, from the uniform policy, comes within 0.001 of the optimum."""
    return Claim([climb(2, n) for n in (3, 4, 5)], [best(2, n) for n in (3, 4, 5)], tolerance=1e-3)


def climb(arms, steps, updates=150, step_size=0.3):
    """The value that gradient ascent reaches from the uniform policy."""
    theta = numpy.zeros((len(exact.states(arms, steps)), arms))
    optimizer = adam(step_size)
    state, loss = optimizer.init(theta), value_and_grad(lambda theta: -exact.value(theta, steps))
    for _ in range(updates):
        theta, state = optimizer.update(loss(theta)[1], state, theta)
    return exact.value(theta, steps)
