"""Theorems on bandits with structure: an arm that tells, and choices that lead somewhere."""

import itertools

import numpy

from minimeta.agents import policy_gradient
from minimeta.agents.acting import play
from minimeta.core.backend import np
from minimeta.core.learner import fold
from minimeta.core.trees import copies, leaves
from minimeta.exact import dependent_arms
from minimeta.exact import informative as exact_informative
from minimeta.exact import two_step as exact_two_step
from minimeta.tasks import informative, two_step
from minimeta.tasks.informative import INFORMATIVE
from minimeta.tasks.two_step import TWO_STEP
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, best_of_all_histories, has_mean

WANG = "Wang et al. 2016, arXiv:1611.05763"

# ---- An arm that tells ----


def best_informed(arms, steps):
    """The optimum of the informative bandit, by recursion over all histories."""
    pays = lambda target, arm: (target + 1) / arms if arm == arms else 5.0 if arm == target else 1.0
    outcomes = lambda target, arm: [(1.0, pays(target, arm), None, target)]
    weights = {target: 1.0 / arms for target in range(arms)}
    return best_of_all_histories(weights, steps, lambda _: range(arms + 1), outcomes)


def played(learner, arms, steps):
    """What a learner earns with each target once: (A,)."""
    _, noise = informative.draw(numpy.random.default_rng(0), arms, 1, steps, arms)
    episodes = play(learner, {}, INFORMATIVE, numpy.eye(arms), noise)
    return episodes.reward.sum(axis=(1, 2))


@theorem(lesson="rl2", source=WANG)
def asking_or_trying_is_that_of_all_histories():
    """The optimum of a bandit with an informative arm is that of a recursion over all histories."""
    cases = [(2, 3), (3, 3), (3, 4), (4, 2), (5, 3), (6, 1)]
    values = [exact_informative.value(*case) for case in cases]
    return Claim(values, [best_informed(*case) for case in cases], tolerance=1e-12)


@theorem(lesson="rl2", source=WANG)
def asking_at_once_is_worth_twenty():
    """With ten arms and five pulls, over all ten targets, the best learner earns 20.55 on average.

    It asks, which pays .55 on average, and then pulls the target four times.
    """
    earned = played(exact_informative.learner(10, 5), 10, 5).mean()
    return Claim([exact_informative.value(10, 5), earned], [0.55 + 4 * 5] * 2, tolerance=1e-12)


@theorem(lesson="rl2", source=WANG)
def the_informed_learner_earns_its_value_everywhere():
    """With each target once, the best learner earns its value, whether it asks or tries."""
    cases = [(2, 2), (3, 2), (3, 3), (4, 5), (10, 1), (10, 5)]
    earned = [played(exact_informative.learner(*case), *case).mean() for case in cases]
    return Claim(earned, [exact_informative.value(*case) for case in cases], tolerance=1e-12)


@theorem(lesson="rl2", source=WANG)
def who_never_asks_earns_eleven():
    """Trying one of ten arms after another earns 11 in five pulls on average."""
    earned = [5.0 * (5 - target) + target if target < 5 else 5.0 for target in range(10)]
    return Claim(exact_informative.value_without_asking(10, 5), numpy.mean(earned), tolerance=1e-12)


# ---- Two steps ----


def two_step_outcomes(hidden, action):
    """What a step of the task does in (the better place, the place where one is)."""
    better, place = hidden
    if place == 0:
        usual, other = (better, 1 + action), (better, 2 - action)
        return [(0.75, 0.0, 1 + action, usual), (0.25, 0.0, 2 - action, other)]
    pays = 0.9 if place == better else 0.1
    return [(pays, 1.0, 0, (better, 0)), (1.0 - pays, 0.0, 0, (better, 0))]


@theorem(lesson="rl2", source=WANG)
def the_two_step_optimum_is_that_of_all_histories():
    """The value of 1, 2 and 3 trials of the two-step task is that of all histories."""
    weights, either = {(1, 0): 0.5, (2, 0): 0.5}, lambda _: (0, 1)
    best = [best_of_all_histories(weights, 2 * n, either, two_step_outcomes) for n in (1, 2, 3)]
    return Claim([exact_two_step.value(n) for n in (1, 2, 3)], best, tolerance=1e-13)


def trials_of(learner, trials, tasks=20_000, seed=0):
    """What a learner earns in so many trials of each task: (M,)."""
    problem, noise = two_step.draw(numpy.random.default_rng(seed), tasks, 1, 2 * trials)
    return play(learner, {}, TWO_STEP, problem, noise).reward.sum(axis=(1, 2))


@theorem(lesson="rl2", source=WANG)
def the_best_two_step_learner_earns_the_value():
    """What the best learner earns in ten trials is 6.688 on average, of 7 for who knows all."""
    return has_mean(trials_of(exact_two_step.learner(), 10), exact_two_step.value(10))


@theorem(lesson="rl2", source="Feller 1968, vol. 1, ch. 14 (random walks)")
def not_to_know_the_better_place_costs_a_third_of_a_reward():
    """In the long run the best learner of the two-step task loses .3125; it has after 300 trials.

    An error costs .4. The evidence is a walk from 0 that goes up with .9 and down with .1, and the
    choice is wrong where it is negative, and by halves where it is 0. How often it is anywhere is
    the solution of linear equations.
    """
    where = numpy.arange(-40, 200)  # beyond these the walk is hardly ever, or does not come back
    moves = 0.9 * numpy.eye(240, k=1) + 0.1 * numpy.eye(240, k=-1)
    visits = numpy.linalg.solve((numpy.eye(240) - moves).T, (where == 0).astype(float))
    lost = 0.4 * (visits[where < 0].sum() + 0.5 * visits[where == 0][0])
    known = [exact_two_step.regret(300), exact_two_step.regret_in_the_long_run()]
    return Claim(known, [lost, lost], tolerance=1e-12)


@theorem(lesson="rl2", source="Daw et al. 2011")
def it_stays_where_the_model_says():
    """After one trial the best learner repeats its action after a common way with a reward.

    And after an uncommon way without one; in the two other cases it never does.
    """
    learner, stays = exact_two_step.learner(), []
    first = numpy.array([[1.0, 0.0, 0.0]])
    for common, reward in itertools.product((1, 0), (1, 0)):
        place = numpy.eye(3)[[1 if common else 2]]  # where action 1 led
        state = learner.start({}, first)
        labels = [numpy.array([[1.0, 0.0, r, 0.0]]) for r in (0.0, float(reward))]
        state = learner.observe({}, state, first, labels[0])
        state = learner.observe({}, state, place, labels[1])
        logits = learner.predict({}, state, first[None])[0, 0]
        stays.append(1.0 / (1.0 + numpy.exp(min(logits[1] - logits[0], 500.0))))
    return Claim(stays, [1.0, 0.0, 0.0, 1.0], tolerance=1e-12)


def counts_actions():
    """The learner of the two-step task that does not look where its actions lead.

    Its actions are dependent arms to it, which pay with .7 and .3.
    """
    arms = dependent_arms.learner()

    def start(meta, x):
        return {"evidence": arms.start(meta, x), "action": numpy.zeros((len(x), 2))}

    def observe(meta, state, x, y):
        label = numpy.concatenate([state["action"], y[:, 2:]], axis=-1)
        after = arms.observe(meta, state["evidence"], x, label)
        chose = x[:, :1] == 1.0
        return {
            "evidence": numpy.where(chose, state["evidence"], after),
            "action": numpy.where(chose, y[:, :2], state["action"]),
        }

    predict = lambda meta, state, x: arms.predict(meta, state["evidence"], x)
    return arms._replace(start=start, observe=observe, predict=predict, adapt=fold(start, observe))


@theorem(lesson="rl2", source="Daw et al. 2011")
def who_counts_actions_plays_arms_of_seven_tenths():
    """A learner that does not see where its actions lead earns what arms of .7 and .3 pay it."""
    known = 20 * 0.7 - dependent_arms.regret(0.7, 20)
    return has_mean(trials_of(counts_actions(), 20), known)


def leaning():
    """A learner that follows the evidence as far as its two parameters say; nobody trained it."""
    best = exact_two_step.learner()

    def predict(meta, state, x):
        lean = meta["follow"] * state + meta["lean"]  # (M, 1)
        return x[..., :1] * np.stack([lean, -lean], axis=-1)

    return best._replace(predict=predict)


@theorem(lesson="rl2", source=DEFINITION)
def rewards_of_a_trial_may_be_counted_where_it_is_decided():
    """Mean rewards of trials, counted at their choice, leave the mean gradient as it is.

    The difference of both gradients on the same episodes has the mean 0. Every episode has its own
    copy of the parameters, so that one gradient tells what each of them contributes.
    """
    tasks, episodes = 20_000, 2
    data = two_step.draw(numpy.random.default_rng(0), tasks, episodes, 4)
    meta = copies({"follow": numpy.array([0.4]), "lean": numpy.array([0.2])}, tasks * episodes)
    means = policy_gradient.bandit_gradient(leaning(), TWO_STEP, two_step.mean_rewards)
    plain = policy_gradient.meta_gradient(leaning(), TWO_STEP)
    each = [numpy.concatenate(leaves(follow(meta, data)[1]), axis=-1) for follow in (means, plain)]
    gap = tasks * episodes * (each[0] - each[1])  # (M N, 2)
    return has_mean(gap.reshape(tasks, episodes, 2).mean(axis=1), numpy.zeros(2))
