"""Theorems on the usual ways to play a bandit, beside the Bayes-adaptive optimum."""

from fractions import Fraction
from math import comb, factorial

import numpy

from minimeta.agents import baselines
from minimeta.agents.acting import play
from minimeta.core.losses import softmax
from minimeta.exact import bandit_dp
from minimeta.tasks import bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, CALCULUS, DEFINITION, has_mean

THOMPSON = "Thompson 1933, Biometrika 25"
AUER = "Auer, Cesa-Bianchi & Fischer 2002"
ALL = {
    "greedy": lambda arms, steps: baselines.greedy(arms),
    "epsilon-greedy": lambda arms, steps: baselines.epsilon_greedy(arms, 0.2),
    "Thompson": lambda arms, steps: baselines.thompson(arms, steps),
    "UCB": lambda arms, steps: baselines.ucb(arms, 0.5),
    "uniform": lambda arms, steps: baselines.uniform(arms),
}
COUNTS = numpy.random.default_rng(0).integers(0, 5, size=(40, 3, 2)).astype(float)


def policy(learner, counts):
    """The chances of the arms after these counts: (M, A, 2) -> (M, A)."""
    return softmax(learner.predict({}, counts, numpy.ones((len(counts), 1, 1)))[:, 0])


def states_along(learner, arms, steps):
    """For each step the counts that can have been seen, and their chances, over all histories."""
    now = {((0, 0),) * arms: 1.0}
    for _ in range(steps):
        counts, chance = numpy.array(list(now), dtype=float), numpy.array(list(now.values()))
        yield counts, chance
        following = {}
        for state, weight, pi in zip(now, chance, policy(learner, counts)):
            for arm, (s, f) in enumerate(state):
                m = (1 + s) / (2 + s + f)
                for new, outcome in (((s + 1, f), m), ((s, f + 1), 1 - m)):
                    after = state[:arm] + (new,) + state[arm + 1 :]
                    following[after] = following.get(after, 0.0) + weight * pi[arm] * outcome
        now = following


def earned(learner, arms, steps):
    """What a learner earns on average, by the sum over everything that can happen."""
    parts = states_along(learner, arms, steps)
    return sum(w @ (policy(learner, c) * baselines.means(c)).sum(axis=-1) for c, w in parts)


def lost(learner, arms, steps):
    """The mean sum of V - Q over all steps, by the same sum."""
    plan, total = bandit_dp.solve(arms, steps), 0.0
    for counts, weight in states_along(learner, arms, steps):
        Q = bandit_dp.action_values(plan, counts)
        total += weight @ (policy(learner, counts) * (Q.max(axis=-1, keepdims=True) - Q)).sum(-1)
    return total


@theorem(lesson="rl2", source="Bellman 1956, Sankhya 16")
def each_is_below_the_optimum_by_its_regrets():
    """What each of five players earns and its regrets V - Q add up to the Bayes-adaptive value."""
    cases = [(2, 6), (3, 4)]
    players = [(make(*case), *case) for make in ALL.values() for case in cases]
    sums = [earned(*player) + lost(*player) for player in players]
    optima = [bandit_dp.value(bandit_dp.solve(*case)) for case in cases] * len(ALL)
    return Claim(sums, optima, tolerance=1e-12)


@theorem(lesson="rl2", source="Bellman 1956, Sankhya 16")
def none_of_them_is_the_optimum():
    """In six pulls of two arms each of five players loses more than a thousandth of a reward."""
    regrets = [lost(make(2, 6), 2, 6) for make in ALL.values()]
    return Claim(numpy.array(regrets) > 1e-3, numpy.ones(len(ALL), dtype=bool), tolerance=0)


@theorem(lesson="rl2", source=DEFINITION)
def episodes_earn_what_the_sum_says():
    """Episodes of Thompson sampling earn on average what the sum over all histories says."""
    learner = baselines.thompson(2, 5)
    problem, noise = bandits.draw(numpy.random.default_rng(0), 20_000, 1, 5)
    episodes = play(learner, {}, BERNOULLI, problem, noise)
    return has_mean(episodes.reward.sum(axis=(1, 2)), earned(learner, 2, 5))


# ---- Each of them ----


def chance_first_is_better(first, second):
    """P(p > p') for two Beta posteriors with these counts, as a finite sum of fractions."""
    (s, f), (u, v) = first, second
    beta = lambda a, b: Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))
    # p' < p with p' ~ Beta(u + 1, v + 1) means: at least u + 1 of u + v + 1 uniform draws below p.
    n = u + v + 1
    rest = range(u + 1, n + 1)
    total = sum(comb(n, k) * beta(s + k + 1, f + n - k + 1) for k in rest)
    return float(total / beta(s + 1, f + 1))


@theorem(lesson="rl2", source=THOMPSON)
def thompson_pulls_with_the_chance_to_be_best():
    """On two arms Thompson's policy is P(p > p'), a finite sum of binomials and beta functions."""
    pairs = COUNTS[:, :2].astype(int).tolist()
    exact = [chance_first_is_better(*pair) for pair in pairs]
    return Claim(policy(baselines.thompson(2, 16), COUNTS[:, :2])[:, 0], exact, tolerance=1e-13)


@theorem(lesson="rl2", source=THOMPSON)
def thompson_matches_draws_from_the_posterior():
    """On three arms Thompson's policy is how often each arm has the largest draw."""
    s, f = numpy.moveaxis(COUNTS[:1], -1, 0)
    draws = numpy.random.default_rng(0).beta(1 + s, 1 + f, size=(100_000, 3))
    largest = numpy.eye(3)[draws.argmax(axis=-1)]
    return has_mean(largest, policy(baselines.thompson(3, 24), COUNTS[:1])[0])


@theorem(lesson="rl2", source=CALCULUS)
def an_arm_never_pulled_is_beaten_with_the_posterior_mean():
    """Beside an arm never pulled, Thompson pulls an arm with the chance of its posterior mean."""
    counts = COUNTS[:, :2] * numpy.array([1.0, 0.0])[:, None]
    chance = policy(baselines.thompson(2, 8), counts)[:, 0]
    return Claim(chance, (1 + counts[:, 0, 0]) / (2 + counts[:, 0].sum(-1)), tolerance=1e-14)


@theorem(lesson="rl2", source=AUER)
def a_bound_without_width_is_greedy():
    """UCB of width 0, and epsilon-greedy with epsilon 0, are greedy on the posterior mean."""
    greedy = policy(baselines.greedy(3), COUNTS)
    others = [policy(p, COUNTS) for p in (baselines.ucb(3, 0.0), baselines.epsilon_greedy(3, 0.0))]
    return Claim(others, [greedy, greedy], tolerance=1e-14)


@theorem(lesson="rl2", source=DEFINITION)
def epsilon_mixes_greedy_and_uniform():
    """Epsilon-greedy is 1 - epsilon of greedy and epsilon of the uniform player."""
    mixed = policy(baselines.epsilon_greedy(3, 0.3), COUNTS)
    parts = [policy(p, COUNTS) for p in (baselines.greedy(3), baselines.uniform(3))]
    return Claim(mixed, 0.7 * parts[0] + 0.3 * parts[1], tolerance=1e-14)


@theorem(lesson="rl2", source=AUER)
def a_wide_bound_takes_turns():
    """UCB with a very wide bound pulls the arms in turns: after 9 pulls of 3 arms, 3 each."""
    problem, noise = bandits.draw(numpy.random.default_rng(0), 20, 5, 9, arms=3)
    episodes = play(baselines.ucb(3, 1e3), {}, BERNOULLI, problem, noise)
    pulls = episodes.action.sum(axis=2)
    return Claim(pulls, numpy.full_like(pulls, 3.0), tolerance=0)


@theorem(lesson="rl2", source=ALGEBRA)
def no_arm_has_a_name():
    """Permuting the arms permutes the chances of all five players."""
    order, gaps = [2, 0, 1], []
    for make in ALL.values():
        learner = make(3, 24)
        gaps.append(policy(learner, COUNTS[:, order]) - policy(learner, COUNTS)[:, order])
    return Claim(gaps, numpy.zeros_like(gaps), tolerance=1e-12)
