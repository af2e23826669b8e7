"""Theorems on the Bayes-adaptive optimum of bandits, and on the gradients that lead to it."""

from fractions import Fraction
from functools import lru_cache

import numpy

from minimeta.agents import policy_gradient, rl2
from minimeta.agents.acting import play
from minimeta.core.gradients import grad
from minimeta.core.trees import flatten
from minimeta.exact import bandit_dp as exact
from minimeta.learning_rules import symla
from minimeta.tasks import Data, bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, DEFINITION, has_mean

BELLMAN = "Bellman 1956, Sankhya 16"
WILLIAMS = "Williams 1992"


def best(arms, steps, prior=(1, 1)):
    """The Bayes-adaptive value as a fraction, by recursion over all histories of counts."""

    @lru_cache(None)
    def value(counts, left):
        return max(pull(counts, left, arm) for arm in range(arms)) if left else Fraction(0)

    def pull(counts, left, arm):
        s, f = counts[arm]
        chance = Fraction(prior[0] + s, sum(prior) + s + f)
        after = lambda new: value(counts[:arm] + (new,) + counts[arm + 1 :], left - 1)
        return chance * (1 + after((s + 1, f))) + (1 - chance) * after((s, f + 1))

    return float(value(((0, 0),) * arms, steps))


@theorem(lesson="bandits", source=BELLMAN)
def the_optimum_is_that_of_all_histories():
    """Sorted states give the value that a recursion over all histories gives, in fractions."""
    cases = [(1, 5, (1, 1)), (2, 6, (1, 1)), (2, 5, (2, 3)), (3, 4, (1, 1)), (4, 3, (1, 2))]
    values = [exact.value(exact.solve(*case)) for case in cases]
    return Claim(values, [best(*case) for case in cases], tolerance=1e-12)


@theorem(lesson="bandits", source=ALGEBRA)
def two_pulls_of_two_arms_are_worth_thirteen_twelfths():
    """Two pulls are worth 13/12: stay with the arm if it paid (2/3), change if not (1/2)."""
    return Claim(exact.value(exact.solve(2, 2)), 0.5 + 0.5 * 2 / 3 + 0.5 * 0.5, tolerance=1e-15)


@theorem(lesson="bandits", source=BELLMAN)
def more_arms_than_pulls_are_worth_no_more():
    """Arms that there is no time to try are worth nothing: 4, 5 and 6 arms with four pulls."""
    values = [exact.value(exact.solve(arms, 4)) for arms in (4, 5, 6)]
    return Claim(values, numpy.full(3, values[0]), tolerance=1e-14)


@theorem(lesson="bandits", source=BELLMAN)
def the_optimal_learner_has_no_regret():
    """Along its own episodes the Bayes-adaptive learner always pulls an arm of the largest Q."""
    problem, noise = bandits.draw(numpy.random.default_rng(0), 40, 5, 8, arms=3)
    episodes = play(exact.learner(3, 8), {}, BERNOULLI, problem, noise)
    regrets = exact.regrets(exact.solve(3, 8), episodes.action, episodes.reward)
    lost = numpy.sum(regrets * episodes.action, axis=-1)
    return Claim(lost, numpy.zeros_like(lost), tolerance=1e-12)


@theorem(lesson="bandits", source=BELLMAN)
def the_optimal_learner_earns_the_optimum():
    """What the Bayes-adaptive learner earns in ten pulls of two arms is 6.0218 on average."""
    problem, noise = bandits.draw(numpy.random.default_rng(1), 20_000, 1, 10)
    episodes = play(exact.learner(2, 10), {}, BERNOULLI, problem, noise)
    return has_mean(episodes.reward.sum(axis=(1, 2)), exact.value(exact.solve(2, 10)))


def an_agent():
    """A symmetric learner of two arms that nobody has trained, with large random parameters."""
    learner = symla.learner(2, hidden=3)
    meta = learner.init(numpy.random.default_rng(0))
    return learner, {**meta, "v": numpy.array([3.0, -2.0, 4.0])}


@theorem(lesson="bandits", source=BELLMAN)
def what_is_earned_and_what_is_lost_make_the_optimum():
    """For any policy, the rewards and the regrets of its actions add up to V on average."""
    problem, noise = bandits.draw(numpy.random.default_rng(2), 20_000, 1, 6)
    episodes = play(*an_agent(), BERNOULLI, problem, noise)
    plan = exact.solve(2, 6)
    lost = exact.regrets(plan, episodes.action, episodes.reward) * episodes.action
    total = episodes.reward.sum(axis=(1, 2)) + lost.sum(axis=(1, 2, 3))
    return has_mean(total, exact.value(plan))


# ---- Gradients in the mean, over all outcomes ----

FOURTHS = (numpy.arange(4) + 0.5) / 4
ARMS = numpy.array([[1.0, 3.0]]) / 4


def uniform_policy_gradient(follow, steps=2):
    """The mean of follow's gradients for one bandit, over all outcomes of pairs of episodes.

    The agent pulls both arms with the same chance, so that two numbers stand for its noise.
    """
    learner = symla.learner(2, hidden=2)
    meta = learner.init(numpy.random.default_rng(0))  # v = 0: no preference
    pulls = numpy.array(numpy.meshgrid(*[[0.25, 0.75]] * 2 * steps)).reshape(2, steps, -1)
    worlds = numpy.array(numpy.meshgrid(*[FOURTHS] * 2 * steps)).reshape(2, steps, -1)
    agent = numpy.repeat(pulls, worlds.shape[-1], axis=-1)
    world = numpy.tile(worlds, pulls.shape[-1])
    noise = {"world": world.transpose(1, 2, 0), "agent": agent.transpose(1, 2, 0)}
    problem = numpy.repeat(ARMS, world.shape[-1], axis=0)
    _, gradient = follow(learner)(meta, (problem, noise))
    return flatten(gradient)


@theorem(lesson="bandits", source=WILLIAMS)
def rewards_may_be_replaced_by_their_means():
    """The gradient with mean rewards is, over all outcomes, the gradient with sampled ones."""
    sampled = lambda learner: policy_gradient.meta_gradient(learner, BERNOULLI)
    return Claim(
        uniform_policy_gradient(policy_gradient.bandit_gradient),
        uniform_policy_gradient(sampled),
        tolerance=1e-14,
    )


@theorem(lesson="bandits", source=WILLIAMS)
def mean_rewards_leave_less_to_chance():
    """Mean rewards leave less than half of the variance of REINFORCE's gradient in ten pulls."""
    learner, meta = an_agent()
    draws = []
    for follow in (policy_gradient.bandit_gradient(learner), sampled_gradient(learner)):
        rng = numpy.random.default_rng(0)
        rows = [flatten(follow(meta, bandits.draw(rng, 4, 4, 10))[1]) for _ in range(30)]
        draws.append(numpy.var(rows, axis=0).sum())
    return Claim(draws[0] < 0.5 * draws[1], True, tolerance=0)


def sampled_gradient(learner):
    """REINFORCE with the mean of the other episodes as its baseline."""
    return policy_gradient.meta_gradient(learner, BERNOULLI)


@theorem(lesson="rl2", source=DEFINITION)
def a_recurrent_policy_reads_only_what_came_before():
    """The logits of a step do not depend on its own action and reward, nor on later ones."""
    learner = rl2.learner(1, 2, hidden=3)
    meta = learner.init(numpy.random.default_rng(0))
    x, y = numpy.ones((1, 5, 1)), numpy.random.default_rng(1).normal(size=(1, 5, 4))
    at = lambda t: lambda y: learner.along(meta, Data(x, y))[0, t].sum()
    later = [numpy.abs(grad(at(t))(y)[0, t:]).max() for t in range(5)]
    return Claim(later, numpy.zeros(5), tolerance=0)
