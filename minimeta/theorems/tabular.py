"""Theorems on tabular problems: values by linear algebra, by induction, and history by history."""

import itertools

import numpy

from minimeta.agents import tabular as agents
from minimeta.agents.policy_gradient import no_baseline
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.core.trees import tree_map
from minimeta.exact import policy_gradient as of_bandits
from minimeta.exact import tabular as exact
from minimeta.tasks import tabular
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, CALCULUS, DEFINITION, all_episodes

BELLMAN, SUTTON = "Bellman 1957", "Sutton et al. 2000, Policy Gradient Methods"
QUESTIONS = ((None, 0.9), (4, 1.0), (4, 0.7))  # steps and discount


def draw_question(seed=0, tasks=3, **sizes):
    """Random MDPs and logits of a policy for each."""
    rng = numpy.random.default_rng(seed)
    problem = tabular.random_mdps(rng, tasks, **sizes)
    return problem, rng.normal(size=problem.reward.shape)


@theorem(lesson="objectives", source=BELLMAN)
def values_for_ever_are_those_of_many_steps():
    """(I - discount P)^-1 r is what 600 steps of induction give, but for discount^600."""
    problem, logits = draw_question()
    computed = exact.state_values(problem, softmax(logits), discount=0.9)
    return Claim(computed, exact.state_values(problem, softmax(logits), 600, 0.9), tolerance=1e-12)


@theorem(lesson="objectives", source=DEFINITION)
def the_return_is_the_mean_over_all_histories():
    """J of three steps is the sum of chance times discounted rewards over all 128 histories."""
    problem, logits = draw_question(tasks=1, states=2, actions=2)
    problem = problem._replace(start=numpy.array([[0.3, 0.7]]))
    episodes, chances = all_episodes(problem, softmax(logits), 3)
    exactly = [chances @ (episodes.reward[:, 0] @ g ** numpy.arange(3.0)) for g in (1.0, 0.7)]
    policy = softmax(logits)
    computed = [exact.expected_return(problem, policy, 3, g)[0] for g in (1.0, 0.7)]
    return Claim(computed, exactly, tolerance=1e-13)


@theorem(lesson="objectives", source=ALGEBRA)
def rewards_weighted_by_visits_add_up_to_the_return():
    """J = d . r: what is paid in each state, weighted by how often the state is visited."""
    problem, logits = draw_question(seed=1)
    policy = softmax(logits)
    r = numpy.sum(policy * problem.reward, axis=-1)
    computed = [numpy.sum(exact.occupancy(problem, policy, *q) * r, axis=-1) for q in QUESTIONS]
    exactly = [exact.expected_return(problem, policy, *q) for q in QUESTIONS]
    return Claim(computed, exactly, tolerance=1e-12)


@theorem(lesson="objectives", source=SUTTON)
def the_policy_gradient_theorem():
    """The derivative of J in the logits is visits times pi (Q - V), for ever and for four steps."""
    problem, logits = draw_question(seed=2)
    J = lambda logits, q: np.sum(exact.expected_return(problem, softmax(logits), *q))
    computed = [exact.policy_gradient(problem, softmax(logits), *q) for q in QUESTIONS]
    return Claim(computed, [grad(J)(logits, q) for q in QUESTIONS], tolerance=1e-12)


@theorem(lesson="objectives", source="Williams 1992")
def reinforce_on_tables_climbs_the_return():
    """REINFORCE's step, averaged over all 128 histories, is the step size times the gradient."""
    problem, logits = draw_question(seed=3, tasks=1, states=2, actions=2)
    episodes, chances = all_episodes(problem, softmax(logits), 3)
    agent = {"logits": numpy.repeat(logits, len(chances), axis=0)}
    steps = agents.reinforce(agent, episodes, 0.5, no_baseline)["logits"] - logits
    computed = numpy.tensordot(chances, steps, axes=1)
    exactly = 0.5 * exact.policy_gradient(problem, softmax(logits), 3)[0]
    return Claim(computed, exactly, tolerance=1e-13)


@theorem(lesson="objectives", source=BELLMAN)
def no_plan_is_better_than_the_best_values():
    """The best of all 64 plans, which choose an action for each of two states at three steps."""
    problem, _ = draw_question(seed=4, tasks=1, states=2, actions=2)
    (P,), (r,) = problem.transition, problem.reward
    rules, best = list(itertools.product(range(2), repeat=2)), numpy.full(2, -numpy.inf)
    for plan in itertools.product(rules, repeat=3):
        V = numpy.zeros(2)
        for rule in plan:
            V = numpy.array([r[s, a] + P[s, a] @ V for s, a in enumerate(rule)])
        best = numpy.maximum(best, V)
    return Claim(exact.best_values(problem, 3)[0], best, tolerance=1e-13)


@theorem(lesson="objectives", source=BELLMAN)
def no_fixed_policy_is_better_for_ever():
    """The best of all 32 deterministic policies of five states reaches the best values."""
    problem, _ = draw_question(seed=5, tasks=1, actions=2)
    policies = numpy.eye(2)[list(itertools.product(range(2), repeat=5))]  # (32, S, A)
    copies = tree_map(lambda table: numpy.repeat(table, 32, axis=0), problem)
    values = exact.state_values(copies, policies, discount=0.8).max(axis=0)
    return Claim(exact.best_values(problem, discount=0.8)[0], values, tolerance=1e-12)


@theorem(lesson="objectives", source=DEFINITION)
def a_cell_is_worth_its_distance_to_the_goal():
    """In a grid the best value is discount^(d - 1), d steps from the goal, and 0 at the goal."""
    problem = tabular.grids(numpy.random.default_rng(6), 4, side=4)
    goal = numpy.argmin(problem.start, axis=-1)
    row, column = numpy.divmod(numpy.arange(16), 4)
    d = abs(row - row[goal][:, None]) + abs(column - column[goal][:, None])
    exactly = numpy.where(d == 0, 0.0, 0.9 ** (d - 1.0))
    return Claim(exact.best_values(problem, discount=0.9), exactly, tolerance=1e-14)


@theorem(lesson="objectives", source=DEFINITION)
def going_on_pays_at_the_end_of_a_chain():
    """A policy that takes the step on with chance p leaves a chain of three states with certainty.

    V(1) = p + (1 - p) g V(0) and V(0) = g (p V(1) + (1 - p) V(0)) for a discount g, which is 1 too.
    """
    problem, p = tabular.chains(numpy.random.default_rng(7), 1, states=3), 0.3
    onward = problem.transition[0, [0, 1], :, [1, 2]]  # 1 for the action that leads on: (2, A)
    policy = numpy.concatenate([p * onward + (1 - p) * (1 - onward), [[0.5, 0.5]]])[None]
    computed, exactly = [], []
    for g in (0.8, 1.0):
        computed.append(exact.state_values(problem, policy, discount=g)[0])
        first = g * p * p / (1 - g * (1 - p) - g * g * p * (1 - p))
        exactly.append([first, p + (1 - p) * g * first, 0.0])
    return Claim(computed, exactly, tolerance=1e-14)


@theorem(lesson="objectives", source=CALCULUS)
def a_bandit_is_a_problem_of_one_state():
    """T pulls of a bandit return T pi . r, and their gradient is T pi o (r - J)."""
    rng = numpy.random.default_rng(8)
    problem = tabular.bandits(rng, 4)
    policy, r = softmax(rng.normal(size=(4, 1, 3))), problem.reward[:, 0]
    computed = exact.policy_gradient(problem, policy, 6)[:, 0]
    return Claim(computed, 6 * of_bandits.gradient(policy[:, 0], r), tolerance=1e-13)


@theorem(lesson="objectives", source=DEFINITION)
def a_life_in_tables_is_a_loop_over_steps():
    """States, actions, rewards and ends of a rollout in grids are those of a loop over steps."""
    rng = numpy.random.default_rng(9)
    problem, (noise,) = tabular.draw(rng, 2, 3, 6, family=tabular.grids)
    agent = {"logits": rng.normal(size=problem.reward.shape)}
    episodes = agents.play(agent, problem, noise)
    policy, goal = softmax(agent["logits"]), numpy.argmin(problem.start, axis=-1)
    first_above = lambda chances, u: int(numpy.argmax(numpy.cumsum(chances) > u))
    exactly = []
    for m, n in itertools.product(range(2), range(3)):
        s, over = first_above(problem.start[m], noise["world"]["start"][0, m, n]), 0.0
        for t in range(6):
            a = first_above(policy[m, s], noise["agent"][t, m, n])
            paid, before = 0.0 if over else problem.reward[m, s, a], s
            s = s if over else int(numpy.argmax(problem.transition[m, s, a]))
            over = float(s == goal[m])
            exactly.append([before, a, paid, over])
    seen, taken = (part.argmax(axis=-1) for part in (episodes.observation, episodes.action))
    computed = numpy.stack([seen, taken, episodes.reward, episodes.done], axis=-1)
    return Claim(computed.reshape(-1, 4), exactly, tolerance=0.0)
