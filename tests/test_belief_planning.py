"""A corridor, restless bandits, the Gittins index: known values, malformed calls, planted bugs."""

import numpy
import pytest
from helpers import given, refused, rng, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.agents.acting import play
from minimeta.exact import corridor as exact_corridor
from minimeta.exact import gittins
from minimeta.exact import restless as exact_restless
from minimeta.tasks import bandits, corridor, restless, rollout
from minimeta.tasks.bandits import BERNOULLI
from minimeta.tasks.corridor import CORRIDOR
from minimeta.tasks.restless import RESTLESS
from minimeta.theorems import REGISTRY
from minimeta.theorems import belief_planning as theorems


@pytest.mark.parametrize(
    "discount, depth, index", [(0.5, 60, 0.5590), (0.9, 200, 0.7029), (0.95, 300, 0.7614)]
)
def test_known_indices_of_a_new_arm(discount, depth, index):
    """Gittins, Glazebrook & Weber 2011 have them to four digits."""
    assert_allclose(gittins.index(discount, depth), index, atol=5e-5)


def test_the_index_falls_short_by_what_is_said():
    far = gittins.index(0.8, 120)
    gaps = [far - gittins.index(0.8, depth) for depth in (2, 5, 10, 20)]
    assert all(0.0 <= gap <= 0.8**depth / 0.2 for gap, depth in zip(gaps, (2, 5, 10, 20)))
    assert gaps == sorted(gaps, reverse=True)


def test_the_index_plays_bandits():
    """It earns the discounted optimum: of pulls after the 20th there is .7^20 / .3 < .003 left."""
    player, (problem, noise) = gittins.learner(2, 0.7, 20), bandits.draw(rng(), 4000, 1, 20)
    episodes = play(player, {}, BERNOULLI, problem, noise)
    earned = episodes.reward[:, 0] @ 0.7 ** numpy.arange(20)
    best = theorems.discounted(0.7, 10, lambda pair, worth: numpy.argmax(worth))
    assert abs(earned.mean() - best) < 0.003 + 4 * earned.std() / 4000**0.5


def walk(moves, goal=(1.0, 0.0), **world):
    """Cells (T,) and rewards (T,) of a walk by these moves, -1 or 1, in one corridor."""
    steps = iter(moves)
    act = lambda memory, seen, now: (memory, numpy.eye(2)[[[int(next(steps) > 0)]]])
    noise = corridor.draw(rng(), 1, 1, len(moves))[1]
    episodes = rollout(corridor.environment(**world), act, numpy.array([goal]), noise)
    return episodes.observation[0, 0].argmax(axis=-1), episodes.reward[0, 0]


def test_a_walk_to_the_wrong_end_and_to_the_goal():
    """Right to the end, once against it, and all the way to the left; then the middle."""
    cells, rewards = walk([1, 1, 1, -1, -1, -1, -1, -1], length=2)
    assert_array_equal(cells, [2, 3, 4, 4, 3, 2, 1, 2])
    assert_array_equal(rewards, [0, 0, 0, 0, 0, 0, 1, 0])


def test_slips_go_the_other_way():
    cells, _ = walk([1] * 400, length=50, slip=0.3)
    right = numpy.diff(cells)[numpy.diff(cells) != 0]
    assert 0.6 < (right[:60] == 1).mean() < 0.8


def test_restless_arms_turn_and_pay_as_often_as_they_should():
    problem, noise = restless.draw(rng(), 500, 20, 2, arms=3)
    place = RESTLESS.begin(problem, {k: v[0] for k, v in noise["world"].items()})
    action = numpy.eye(3)[numpy.zeros((500, 20), int)]
    now = {k: v[0] for k, v in noise["world"].items()}
    after, reward, done = RESTLESS.step(problem, place, action, now)
    assert_allclose((after != place).mean(axis=(0, 1)), numpy.full(3, 0.1), atol=0.015)
    assert_allclose(reward[place[..., 0] == 1.0].mean(), 0.9, atol=0.02)
    assert_allclose(reward[place[..., 0] == 0.0].mean(), 0.1, atol=0.02)
    assert not done.any()


def test_what_has_no_chance_changes_no_belief():
    b = exact_restless.after_pull(numpy.array([0.0, 0.5, 1.0]), numpy.ones(3), 1.0, 0.0)
    assert_array_equal(b, [0.0, 1.0, 1.0])


GOAL, NOISE = corridor.draw(rng(), 2, 3, 4)
ARMS, TURNS = restless.draw(rng(), 2, 3, 4)
first = {k: v[0] for k, v in TURNS["world"].items()}
MALFORMED = {
    "two goals": (lambda: CORRIDOR.begin(GOAL + 1.0, NOISE["world"][0]), "problem must be one-hot"),
    "no corridor": (lambda: corridor.environment(1), "length must be at least 2"),
    "a coin for a move": (lambda: corridor.environment(slip=0.5), "slip must be .*below 0.5"),
    "another corridor": (
        lambda: CORRIDOR.step(GOAL, numpy.eye(5)[numpy.ones((2, 3), int)], GOAL, 0),
        "place must have 7 columns",
    ),
    "no steps": (lambda: exact_corridor.solve(0), "steps must be at least 1"),
    "half a good arm": (lambda: RESTLESS.begin(ARMS / 2.0, first), "1 for good arms and 0"),
    "no chance to turn": (
        lambda: RESTLESS.begin(ARMS, {"pay": first["pay"]}),
        "noise must be a dict with 'pay' and 'turn'",
    ),
    "turns of other arms": (
        lambda: RESTLESS.begin(ARMS, {**first, "turn": first["turn"][..., :1]}),
        r"noise\['turn'\] must have shape \(2, 3, 2\)",
    ),
    "bad arms are better": (lambda: restless.environment(0.1, 0.9), "high must be above 0.9"),
    "too many histories": (lambda: exact_restless.solve(3, 50), "too many histories"),
    "an endless sum": (lambda: gittins.index(1.0, 5), "discount must be .*below 1"),
    "too deep": (lambda: gittins.index(0.9, 5000), "depth must be at most 1000"),
    "half a prior": (lambda: gittins.index(0.9, 5, (1.0,)), "prior must be two numbers"),
    "too many pulls": (
        lambda: play(gittins.learner(2, 0.5, 1), {}, BERNOULLI, *bandits.draw(rng(), 2, 1, 5)),
        "known for 1 pulls of an arm",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


sure = lambda chances: numpy.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
shorter = lambda f: lambda discount, depth, *rest: f(discount, depth - 1, *rest)
forgets = lambda f: lambda b, *rest: b
BUGS = {
    "the_corridors_optimum_is_that_of_all_histories": (exact_corridor, "CHANCES", sure),
    "not_to_know_the_goal_costs_one_reward": (exact_corridor, "CHANCES", sure),
    "the_best_walker_earns_the_value": (exact_corridor, "seen", lambda f: lambda belief, x: belief),
    "the_restless_optimum_is_that_of_all_histories": (exact_restless, "after_turn", forgets),
    "the_arm_most_probably_good_is_the_best_of_equal_arms": (
        theorems,
        "probably_good",
        lambda f: lambda weights: [1 - f(weights)[0]],
    ),
    "the_filter_sums_over_all_paths": (exact_restless, "after_turn", forgets),
    "the_best_restless_learner_earns_the_value": (exact_restless, "SURE", lambda sure: 0.0),
    "arms_that_turn_like_coins_cannot_be_learned": (exact_restless, "after_turn", forgets),
    "the_index_is_the_best_ratio_of_rewards_and_time": (gittins, "level", shorter),
    "the_index_is_the_value_of_starting_anew": (gittins, "HALVINGS", lambda halvings: 12),
    "the_largest_index_is_the_best_choice": (
        gittins,
        "level",
        lambda f: lambda discount, *rest: f(0.0, *rest),
    ),
    "without_a_future_the_index_is_the_mean": (gittins, "means", given(0, lambda prior: (1, 1))),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "belief_planning"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
