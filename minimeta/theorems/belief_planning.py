"""Theorems on acting by what is believed: a corridor, restless bandits, and the Gittins index."""

import itertools

import numpy

from minimeta.agents.acting import play
from minimeta.exact import corridor as exact_corridor
from minimeta.exact import gittins
from minimeta.exact import restless as exact_restless
from minimeta.tasks import corridor, restless
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, best_of_all_histories, has_mean

BELLMAN, GITTINS = "Bellman 1957", "Gittins 1979"
BOTH = (0, 1)  # two moves, or two arms


def everything(weights):
    """Both actions, whatever is believed."""
    return BOTH


# ---- A corridor ----


def corridor_outcomes(length, slip):
    """What a step does in (the goal's cell, the cell where one is), cells from -length."""

    def outcomes(hidden, action):
        goal, here = hidden
        both = []
        for chance, way in ((1.0 - slip, 2 * action - 1), (slip, 1 - 2 * action)):
            cell = min(max(here + way, -length), length)
            paid = cell == goal
            cell = 0 if paid else cell
            both.append((chance, float(paid), cell, (goal, cell)))
        return both

    return outcomes


@theorem(lesson="rl2", source=BELLMAN)
def the_corridors_optimum_is_that_of_all_histories():
    """The value of a corridor with slips is that of a recursion over all histories."""
    cases = [(6, 2, 0.0), (7, 2, 0.2), (6, 3, 0.1)]
    values = [exact_corridor.value(*case) for case in cases]
    best = [
        best_of_all_histories(
            {(-length, 0): 0.5, (length, 0): 0.5},
            steps,
            everything,
            corridor_outcomes(length, slip),
        )
        for steps, length, slip in cases
    ]
    return Claim(values, best, tolerance=1e-13)


@theorem(lesson="rl2", source=DEFINITION)
def not_to_know_the_goal_costs_one_reward():
    """Without slips, time for k walks to an end earns k - 1, where a known goal earns k.

    Time for a single walk earns 1/2.
    """
    cases = [(steps, length) for length in (2, 3, 5) for steps in range(1, 21)]
    values = [exact_corridor.value(*case) for case in cases]
    return Claim(values, [exact_corridor.value_without_slips(*c) for c in cases], tolerance=1e-12)


@theorem(lesson="rl2", source=BELLMAN)
def the_best_walker_earns_the_value():
    """What the best learner earns in a corridor with slips is its value, on average."""
    problem, noise = corridor.draw(numpy.random.default_rng(0), 20_000, 1, 12)
    world = corridor.environment(3, 0.15)
    episodes = play(exact_corridor.learner(12, 3, 0.15), {}, world, problem, noise)
    return has_mean(episodes.reward.sum(axis=(1, 2)), exact_corridor.value(12, 3, 0.15))


# ---- Restless bandits ----

PROCESSES = [(0.9, 0.1, 0.1), (0.8, 0.3, 0.4), (1.0, 0.0, 0.2), (0.7, 0.6, 0.9)]


def restless_outcomes(high, low, turn):
    """What a pull does, where `good` says which arms are good."""

    def outcomes(good, arm):
        m = high if good[arm] else low
        listed = []
        for turns in itertools.product(BOTH, repeat=len(good)):
            chance = numpy.prod([turn if t else 1.0 - turn for t in turns])
            after = tuple(g ^ t for g, t in zip(good, turns))
            listed += [(chance * m, 1.0, None, after), (chance * (1.0 - m), 0.0, None, after)]
        return listed

    return outcomes


def any_state(arms=2):
    """All combinations of good and bad arms, equally probable."""
    return {good: 0.5**arms for good in itertools.product(BOTH, repeat=arms)}


def probably_good(weights):
    """The arm that is most probably good, alone in a list."""
    return [numpy.argmax(numpy.array(list(weights.values())) @ numpy.array(list(weights)))]


@theorem(lesson="rl2", source=BELLMAN)
def the_restless_optimum_is_that_of_all_histories():
    """The value of restless bandits is that of a recursion over all histories and hidden states."""
    values = [exact_restless.value(2, 4, *process) for process in PROCESSES]
    best = lambda p: best_of_all_histories(any_state(), 4, everything, restless_outcomes(*p))
    return Claim(values, [best(process) for process in PROCESSES], tolerance=1e-13)


@theorem(lesson="rl2", source="Zhao, Krishnamachari & Liu 2008; Liu & Zhao 2010")
def the_arm_most_probably_good_is_the_best_of_equal_arms():
    """Of two arms that turn alike, to pull the one most probably good earns the optimum.

    Here five pulls of each of four processes; for other numbers of arms it is known of some.
    """
    values = [exact_restless.value(2, 5, *process) for process in PROCESSES]
    greedy = lambda p: best_of_all_histories(any_state(), 5, probably_good, restless_outcomes(*p))
    return Claim(values, [greedy(process) for process in PROCESSES], tolerance=1e-13)


@theorem(lesson="rl2", source="Smallwood & Sondik 1973")
def the_filter_sums_over_all_paths():
    """The filter's chance that an arm is good is that of Bayes' rule on all paths of its states."""
    high, low, turn = 0.8, 0.3, 0.15
    pulls = [(0, 1), (0, 0), (1, 1), (0, 1)]  # the arm, and whether it paid
    learner = exact_restless.greedy(2, high, low, turn)
    state = learner.start({}, numpy.ones((1, 1)))
    for arm, reward in pulls:
        label = numpy.array([[1.0 - arm, arm, reward, 0.0]])
        state = learner.observe({}, state, numpy.ones((1, 1)), label)
    paid = lambda good, reward: (high if good else low) if reward else 1 - (high if good else low)
    exact = []
    for arm in BOTH:
        joint = numpy.zeros(2)  # of the history and the last state
        for path in itertools.product(BOTH, repeat=len(pulls) + 1):
            chance = 0.5
            for t, (pulled, reward) in enumerate(pulls):
                chance *= paid(path[t], reward) if pulled == arm else 1.0
                chance *= 1.0 - turn if path[t + 1] == path[t] else turn
            joint[path[-1]] += chance
        exact.append(joint[1] / joint.sum())
    return Claim(state[0], exact, tolerance=1e-14)


@theorem(lesson="rl2", source=BELLMAN)
def the_best_restless_learner_earns_the_value():
    """What the best learner earns in six pulls of three restless arms is its value, on average."""
    problem, noise = restless.draw(numpy.random.default_rng(0), 20_000, 1, 6, arms=3)
    world = restless.environment(0.9, 0.2, 0.3)
    episodes = play(exact_restless.learner(3, 6, 0.9, 0.2, 0.3), {}, world, problem, noise)
    return has_mean(episodes.reward.sum(axis=(1, 2)), exact_restless.value(3, 6, 0.9, 0.2, 0.3))


@theorem(lesson="rl2", source=DEFINITION)
def arms_that_turn_like_coins_cannot_be_learned():
    """If every arm is good or bad anew at each step, n pulls are worth n (high + low) / 2."""
    values = [exact_restless.value(3, steps, 0.8, 0.1, 0.5) for steps in (1, 3, 5)]
    return Claim(values, 0.45 * numpy.array([1, 3, 5]), tolerance=1e-13)


# ---- The Gittins index ----


def mean(s, f):
    """The posterior mean of an arm that paid s times and failed f times."""
    return (1 + s) / (2 + s + f)


def best_ratio(discount, depth):
    """The index of a new arm: the best ratio of its rewards and its time, both discounted.

    A rule says in which states (s, f) to stop, and every rule is tried. It may not stop before the
    first pull. An arm that was pulled `depth` times pays its mean for sure from then on.
    """
    states = [(s, t - s) for t in range(1, depth + 1) for s in range(t + 1)]
    ratios = []
    for goes_on in itertools.product(BOTH, repeat=len(states)):
        rule = {(0, 0): 1, **dict(zip(states, goes_on))}

        def run(s, f, rule=rule):
            """Discounted rewards and time from a state on."""
            if not rule[s, f]:
                return numpy.zeros(2)
            m = mean(s, f)
            if s + f == depth:
                return numpy.array([m, 1.0]) / (1.0 - discount)
            later = m * run(s + 1, f) + (1.0 - m) * run(s, f + 1)
            return numpy.array([m, 1.0]) + discount * later

        rewards, time = run(0, 0)
        ratios.append(rewards / time)
    return max(ratios)


@theorem(lesson="bandits", source=GITTINS)
def the_index_is_the_best_ratio_of_rewards_and_time():
    """The index is the largest ratio of discounted rewards and time over all rules to stop."""
    cases = [(0.5, 2), (0.9, 2), (0.9, 3)]
    values = [gittins.index(*case) for case in cases]
    return Claim(values, [best_ratio(*case) for case in cases], tolerance=1e-12)


@theorem(lesson="bandits", source="Katehakis & Veinott 1987")
def the_index_is_the_value_of_starting_anew():
    """The index is (1 - discount) times the value of an arm that may be made new at any time."""
    discount, depth = 0.9, 40
    s, f = numpy.indices((depth + 1, depth + 1))
    m, inside = mean(s, f), s + f < depth
    V = m / (1.0 - discount)
    for _ in range(400):
        paid, failed = numpy.roll(V, -1, axis=0), numpy.roll(V, -1, axis=1)
        pull = numpy.where(inside, m * (1 + discount * paid) + (1 - m) * discount * failed, V)
        stay = numpy.where(inside, pull, m / (1.0 - discount))
        V = numpy.maximum(stay, pull[0, 0])
    return Claim(gittins.index(discount, depth), (1.0 - discount) * V[0, 0], tolerance=1e-12)


def discounted(discount, depth, choose):
    """What two new arms earn, discounted and without end, if `choose` makes the choices.

    choose(states, what each pull is worth) picks an arm, of which the state is (s, f). An arm that
    was pulled `depth` times stays as it is.
    """
    states = [(s, t - s) for t in range(depth + 1) for s in range(t + 1)]
    pairs = sorted(itertools.product(states, states), key=lambda pair: -sum(map(sum, pair)))
    V = {}
    for pair in pairs:
        worth = [pull_worth(V, pair, arm, discount, depth) for arm in BOTH]
        V[pair] = worth[choose(pair, worth)]
    return V[(0, 0), (0, 0)]


def pull_worth(V, pair, arm, discount, depth):
    """What it is worth to pull this arm now, and for good if nothing more is learned of it."""
    s, f = pair[arm]
    m = mean(s, f)
    if s + f == depth:
        return m / (1.0 - discount)
    after = lambda new: V[(new, pair[1]) if arm == 0 else (pair[0], new)]
    return m * (1.0 + discount * after((s + 1, f))) + (1.0 - m) * discount * after((s, f + 1))


@theorem(lesson="bandits", source=GITTINS)
def the_largest_index_is_the_best_choice():
    """To pull the arm with the largest index earns the discounted optimum of two arms together."""
    earned, best = [], []
    for discount, depth in ((0.6, 4), (0.9, 6), (0.97, 8)):
        index = gittins.indices(discount, depth)
        by_index = lambda pair, worth, index=index: numpy.argmax([index[state] for state in pair])
        earned.append(discounted(discount, depth, by_index))
        best.append(discounted(discount, depth, lambda pair, worth: numpy.argmax(worth)))
    return Claim(earned, best, tolerance=1e-11)


@theorem(lesson="bandits", source=GITTINS)
def without_a_future_the_index_is_the_mean():
    """With discount 0 the index of an arm is its posterior mean."""
    s, f = numpy.indices((5, 5))
    known = numpy.where(s + f <= 4, (2 + s) / (5 + s + f), 0.0)
    return Claim(numpy.nan_to_num(gittins.indices(0.0, 4, (2, 3))), known, tolerance=1e-14)
