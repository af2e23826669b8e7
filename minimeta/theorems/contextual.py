"""Theorems on contexts that interfere, on plateaus, and on the learners that need not explore."""

import itertools

import numpy

from minimeta.agents import contextual
from minimeta.agents.acting import play
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.trees import flatten
from minimeta.exact import contextual as exact
from minimeta.exact import dependent_arms, ray_interference
from minimeta.tasks import Data, bandits
from minimeta.tasks import contextual as tasks
from minimeta.tasks.bandits import BERNOULLI
from minimeta.tasks.contextual import CONTEXTUAL
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import CALCULUS, DEFINITION, has_mean

SCHAUL = "Schaul et al. 2019, arXiv:1904.11455"
RABINOWITZ = "Rabinowitz 2019, arXiv:1905.01320"
WANG = "Wang et al. 2016, arXiv:1611.05763"
CROSSED = numpy.eye(2)  # two contexts, whose right actions differ


def parameters(seed=0, contexts=2, actions=2):
    """Random parameters of the coupled policy."""
    rng = numpy.random.default_rng(seed)
    return {"W": rng.normal(size=(contexts, actions)), "b": rng.normal(size=actions)}


def gradients(net, params, problem):
    """The gradient (P,) of the chance to be right in each context."""
    chance = lambda k: lambda params: contextual.chances(net, params, problem)[k]
    return numpy.stack([flatten(grad(chance(k))(params)) for k in range(len(problem))])


def cosine_of(net, params, problem):
    """The cosine between the gradients of the first two contexts."""
    a, b = gradients(net, params, problem)[:2]
    return a @ b / numpy.linalg.norm(a) / numpy.linalg.norm(b)


@theorem(lesson="bandits", source=SCHAUL)
def contexts_interfere_by_a_known_cosine():
    """At the uniform policy two contexts pull a shared bias apart, with cosine -1 / (2 (A - 1))."""
    cosines = []
    for actions in (2, 3, 5):
        net, problem = contextual.coupled(3, actions), numpy.eye(actions)[[0, 1, 0]]
        cosines.append(cosine_of(net, net.init(numpy.random.default_rng(0)), problem))
    return Claim(cosines, [ray_interference.cosine(A) for A in (2, 3, 5)], tolerance=1e-14)


@theorem(lesson="bandits", source=SCHAUL)
def contexts_without_a_shared_parameter_do_not_interfere():
    """Without a shared bias the gradients of two contexts are at right angles."""
    net = contextual.decoupled(2, 3)
    params = {"W": parameters(0, 2, 3)["W"]}
    return Claim(cosine_of(net, params, numpy.eye(3)[[0, 1]]), 0.0, tolerance=1e-15)


@theorem(lesson="bandits", source=SCHAUL)
def the_flow_of_two_contexts_is_that_of_the_gradients():
    """dJ_k/dt is grad J_k . grad (J_1 + J_2), for the policy with a shared bias."""
    net, flows, exact_flows = contextual.coupled(2, 2), [], []
    for seed in range(5):
        params = parameters(seed)
        each = gradients(net, params, CROSSED)
        flows.append(ray_interference.flow(contextual.chances(net, params, CROSSED)))
        exact_flows.append(each @ each.sum(axis=0))
    return Claim(flows, exact_flows, tolerance=1e-14)


@theorem(lesson="bandits", source=SCHAUL)
def the_winner_takes_all():
    """A context gets worse exactly where J_2 (1 - J_2) is more than twice J_1 (1 - J_1)."""
    J = numpy.random.default_rng(0).uniform(0.01, 0.99, size=(500, 2))
    g = J * (1.0 - J)
    falls = ray_interference.flow(J)[:, 0] < 0.0
    return Claim(falls, g[:, 1] > 2.0 * g[:, 0], tolerance=0)


def integral(rate, first, last, parts=60):
    """The time from one chance to another at this rate, by Gauss-Legendre on many intervals."""
    nodes, weights = numpy.polynomial.legendre.leggauss(5)
    edges = numpy.linspace(first, last, parts + 1)
    half, middle = (edges[1] - edges[0]) / 2.0, (edges[:-1] + edges[1:]) / 2.0
    return half * numpy.sum(weights / rate(middle[:, None] + half * nodes))


def rate(climbed):
    """dJ/dt of one context with two actions, by autograd, where `climbed` follows its gradient."""
    net = contextual.decoupled(1, 2)

    def speed(J):
        params = {"W": np.array([[np.log(J / (1.0 - J)), 0.0]])}
        own = grad(lambda p: contextual.value(net, p, CROSSED[:1]))(params)
        return flatten(own) @ flatten(grad(lambda p: climbed(net, p, CROSSED[:1]))(params))

    return numpy.vectorize(speed)


@theorem(lesson="bandits", source=SCHAUL)
def policy_gradient_takes_twenty_five_time_units():
    """From 0.05 to 0.95 gradient flow of J takes 24.836, by quadrature of autograd's gradient."""
    time = integral(rate(contextual.value), 0.05, 0.95)
    return Claim(ray_interference.escape_time(0.05, 0.95), time, tolerance=1e-7)


@theorem(lesson="bandits", source=SCHAUL)
def supervised_learning_takes_half_of_that():
    """From 0.05 to 0.95 gradient flow of log J takes 12.418."""
    time = integral(rate(contextual.log_value), 0.05, 0.95)
    return Claim(ray_interference.escape_time(0.05, 0.95, supervised=True), time, tolerance=1e-7)


@theorem(lesson="bandits", source=CALCULUS)
def small_chances_are_the_plateau():
    """From small J_0 the policy gradient needs 1 / (2 J_0), supervision half the log of 1 / J_0."""
    small = 1e-6
    slow = 2.0 * small * ray_interference.escape_time(small, 0.5)
    fast = ray_interference.escape_time(small, 0.5, supervised=True) / (-0.5 * numpy.log(small))
    return Claim([slow, fast], [1.0, 1.0], tolerance=[1e-4, 0.1])


# ---- The best learners, and one that is learned ----


@theorem(lesson="bandits", source=DEFINITION)
def a_learner_of_contexts_reads_only_what_came_before():
    """The logits of a step depend on no action or reward of that step or of later ones."""
    learner = contextual.learner(2, 3, hidden=4)
    meta = learner.init(numpy.random.default_rng(0))
    x = CROSSED[numpy.random.default_rng(1).integers(2, size=(1, 5))]
    y = numpy.random.default_rng(2).normal(size=(1, 5, 5))
    at = lambda t: lambda y: learner.along(meta, Data(x, y))[0, t].sum()
    later = [numpy.abs(grad(at(t))(y)[0, t:]).max() for t in range(5)]
    return Claim(later, numpy.zeros(5), tolerance=0)


@theorem(lesson="bandits", source=RABINOWITZ)
def the_chance_to_be_right_is_that_of_all_sequences():
    """P(right at step t) is the mean over all sequences of contexts and all right actions."""
    contexts, actions, T = 2, 3, 4
    hits = numpy.zeros(T)
    for seen in itertools.product(range(contexts), repeat=T):
        for right in itertools.product(range(actions), repeat=contexts):
            visits = [0] * contexts
            for t, k in enumerate(seen):
                hits[t] += visits[k] >= right[k]  # it tries the actions in their order
                visits[k] += 1
    chance = hits / contexts**T / actions**contexts
    return Claim(exact.chance_right(T, contexts, actions), chance, tolerance=1e-14)


@theorem(lesson="bandits", source=RABINOWITZ)
def the_best_contextual_learner_is_right_as_often_as_it_can_be():
    """The learner that eliminates actions is right as often as the closed form says."""
    problem, noise = tasks.draw(numpy.random.default_rng(0), 5000, 1, 12, 3, 4)
    episodes = play(exact.learner(3, 4), {}, CONTEXTUAL, problem, noise)
    return has_mean(episodes.reward[:, 0], exact.chance_right(12, 3, 4))


@theorem(lesson="bandits", source=WANG)
def dependent_arms_have_a_regret_in_closed_form():
    """On arms with the chances p and 1 - p the greedy learner loses what the binomial sum says."""
    problem, noise = bandits.draw_dependent(numpy.random.default_rng(0), 20_000, 1, 20, 0.8)
    episodes = play(dependent_arms.learner(), {}, BERNOULLI, problem, noise)
    lost = 0.8 - numpy.sum(episodes.action[:, 0] * problem[:, None], axis=-1)
    return has_mean(lost.sum(axis=-1), dependent_arms.regret(0.8, 20))


@theorem(lesson="bandits", source=WANG)
def nothing_explores_dependent_arms_better():
    """Dynamic programming over the evidence finds no learner that loses less than the greedy."""
    cases = [(0.9, 6), (0.6, 9)]
    greedy = [dependent_arms.regret(*case) for case in cases]
    return Claim(greedy, [least_regret(*case) for case in cases], tolerance=1e-13)


def least_regret(high, steps):
    """The Bayes regret by dynamic programming over the posterior odds that the first is better."""
    ratio = high / (1.0 - high)

    def best(evidence, left):
        if not left:
            return 0.0
        first = ratio**evidence / (1.0 + ratio**evidence)  # P(the first arm is the better one)
        losses = []
        for arm in (0, 1):
            better = first if arm == 0 else 1.0 - first
            pays = better * high + (1.0 - better) * (1.0 - high)
            up = evidence + (1 if arm == 0 else -1)
            down = evidence - (1 if arm == 0 else -1)
            later = pays * best(up, left - 1) + (1.0 - pays) * best(down, left - 1)
            losses.append((1.0 - better) * (2.0 * high - 1.0) + later)
        return min(losses)

    return best(0, steps)


@theorem(lesson="bandits", source=WANG)
def the_regret_of_dependent_arms_has_a_limit():
    """In the long run the regret of dependent arms is 1 / (2 Delta): 0.625, 1 and 2.5."""
    regrets = [dependent_arms.regret(high, n) for high, n in ((0.9, 60), (0.75, 150), (0.6, 900))]
    limits = [dependent_arms.regret_in_the_long_run(high) for high in (0.9, 0.75, 0.6)]
    return Claim(regrets, limits, tolerance=1e-6)


@theorem(lesson="bandits", source=DEFINITION)
def the_best_contextual_learner_tries_nothing_twice():
    """No action that has failed in a context is tried there again, and none that paid is left."""
    problem, noise = tasks.draw(numpy.random.default_rng(1), 200, 1, 25, 3, 4)
    episodes = play(exact.learner(3, 4), {}, CONTEXTUAL, problem, noise)
    pairs = numpy.einsum("mtk,mta->mtka", episodes.observation[:, 0], episodes.action[:, 0])
    failures = numpy.einsum("mtka,mt->mka", pairs, 1.0 - episodes.reward[:, 0])
    return Claim(failures > 1.0, numpy.zeros_like(failures, dtype=bool), tolerance=0)
