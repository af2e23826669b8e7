"""Hundreds of malformed environments, problems, policies and noises: one sentence for each.

Every world is played with one argument spoiled at a time. The sentence names this argument and
comes from the package, never from NumPy.
"""

import math

import numpy
import pytest
from helpers import is_single, rng, single_precision
from malformed_calls import is_sentence

from minimeta.agents import acting, rl2
from minimeta.agents.acting import play
from minimeta.core.trees import leaves, tree_map
from minimeta.exact import corridor as exact_corridor
from minimeta.initializations import maml
from minimeta.nets import mlp
from minimeta.tasks import (
    Environment,
    bandits,
    contextual,
    corridor,
    informative,
    navigation,
    restless,
    returns,
    rollout,
    two_step,
)
from minimeta.tasks.environment import alive

M, N, T = 2, 3, 4
WORLDS = {
    "bernoulli": (bandits.BERNOULLI, bandits.draw, 2),
    "informative": (informative.INFORMATIVE, informative.draw, 11),
    "contextual": (contextual.CONTEXTUAL, contextual.draw, 5),
    "two step": (two_step.TWO_STEP, two_step.draw, 2),
    "corridor": (corridor.CORRIDOR, corridor.draw, 2),
    "restless": (restless.RESTLESS, restless.draw, 2),
    "navigation": (navigation.NAVIGATION, navigation.draw, 2),
}
FREE = {"contextual", "navigation"}  # whose problems may be any numbers
ONE_HOT = set(WORLDS) - {"navigation"}
UNIFORM = {"bernoulli", "two step", "corridor", "restless"}  # which read their noise as chances


def drawn(name):
    """(problem, noise) of this world."""
    problem, noise = WORLDS[name][1](rng(), M, N, T)
    return problem, noise[0] if isinstance(noise, list) else noise


def pull(columns):
    """An agent that always takes the first action."""
    row = numpy.eye(columns)[0]
    return lambda memory, seen, now: (memory, numpy.broadcast_to(row, (M, N, columns)))


def first_rows(tree):
    """The noise of the first step."""
    return tree_map(lambda leaf: leaf[0], tree)


def live(name, problem=None, noise=None, action=None, answer=None):
    """A rollout in which one of the arguments is not the good one; a list holds what is given."""
    good, chance = drawn(name)
    act = pull(WORLDS[name][2])
    if action is not None:
        act = lambda memory, seen, now: (memory, action[0])
    if answer is not None:
        act = lambda memory, seen, now: answer[0]
    problem, noise = good if problem is None else problem[0], chance if noise is None else noise[0]
    return rollout(WORLDS[name][0], act, problem, noise)


def no_floats(good):
    """What stands in the place of an array, and is none of floats."""
    values = {"None": None, "a string": "x", "a number": 0.5, "a dict": {}, "an object": object()}
    values |= {"a list": good.tolist(), "integers": numpy.ones_like(good, dtype=int)}
    values |= {"truth values": good > 0.5, "objects": good.astype(object)}
    return values | {"complex": good.astype(complex), "strings": good.astype(str)}


def other_floats(good):
    """Arrays of floats that are not finite, empty, or of another shape."""
    nan, infinite = good.copy(), good.copy()
    nan.flat[0], infinite.flat[-1] = math.nan, -math.inf
    return {
        "a NaN": nan,
        "minus infinity": infinite,
        "empty": good[..., :0],
        "no task": good[:0],
        "one axis more": good[None],
        "one axis less": good[0],
        "a scalar": numpy.array(0.5),
    }


CASES = {}  # name: (call, the word that the sentence has to have)


def case(name, call, word):
    """One malformed call more."""
    assert name not in CASES
    CASES[name] = call, word


for world, (environment, draw, columns) in WORLDS.items():
    problem, noise = drawn(world)
    # Problems
    wrong = no_floats(problem) | other_floats(problem)
    wrong |= {"more tasks": numpy.concatenate([problem, problem])}
    if world not in FREE:
        wrong |= {"above 1": problem + 1.5, "below 0": problem - 2.0}
    for what, bad in wrong.items():
        call = lambda world=world, bad=bad: live(world, problem=[bad])
        case(f"{world}: a problem that is {what}", call, "problem|noise")

    # Noise
    spoil = lambda change, noise=noise: tree_map(change, noise)
    zero = spoil(numpy.zeros_like)
    wrong = {
        "None": None,
        "a string": "noise",
        "a number": 3,
        "an array": noise["agent"],
        "a list": [noise],
        "empty": {},
        "without agent": {"world": noise["world"]},
        "without world": {"agent": noise["agent"]},
        "of another part": {**noise, "seed": noise["agent"]},
        "nothing": {"world": (), "agent": ()},
        "of no steps": spoil(lambda a: a[:0]),
        "of no tasks": spoil(lambda a: a[:, :0]),
        "of no episodes": spoil(lambda a: a[:, :, :0]),
        "of one step": spoil(lambda a: a[0]),
        "of one task": spoil(lambda a: a[:, :1]),
        "of integers": spoil(lambda a: a.astype(int)),
        "of truth values": spoil(lambda a: a > 0.5),
        "of strings": spoil(lambda a: a.astype(str)),
        "a tree of strings": spoil(lambda a: "uniform"),
        "a tree of None": spoil(lambda a: None),
        "NaN": spoil(lambda a: a * math.nan),
        "infinite": spoil(lambda a: a + math.inf),
        "longer for the agent": {**noise, "agent": numpy.concatenate([noise["agent"]] * 2)},
        "of other episodes": {**noise, "agent": noise["agent"][:, :, :1]},
        "one axis too many": {**noise, "world": tree_map(lambda a: a[..., None], noise["world"])},
        "another tree": {**noise, "world": {"other": noise["agent"]}},
    }
    if world in UNIFORM:
        wrong |= {"above 1": {**zero, "world": tree_map(lambda a: a + 2.0, noise["world"])}}
        wrong |= {"below 0": {**zero, "world": tree_map(lambda a: a - 2.0, noise["world"])}}
    for what, bad in wrong.items():
        call = lambda world=world, bad=bad: live(world, noise=[bad])
        case(f"{world}: noise that is {what}", call, "noise")

    # Actions
    good = pull(columns)(None, None, None)[1].copy()
    wrong = no_floats(good) | other_floats(good)
    wrong |= {"of other tasks": good[:1], "of another column": good[..., :-1]}
    wrong |= {"of one column more": numpy.concatenate([good, good[..., :1]], axis=-1)}
    if world in ONE_HOT:
        wrong |= {"two at once": numpy.ones_like(good), "a half": good / 2.0, "none": 0.0 * good}
        wrong |= {"negative": -good, "twice": 2.0 * good}
    for what, bad in wrong.items():
        call = lambda world=world, bad=bad: live(world, action=[bad])
        case(f"{world}: an action that is {what}", call, "action")
    for what, bad in {"None": None, "an action": good, "three": (1, good, 2), "a dict": {}}.items():
        call = lambda world=world, bad=bad: live(world, answer=[bad])
        case(f"{world}: an agent that returns {what}", call, "act")

    # Draws
    sizes = {"tasks": 2, "episodes": 2, "steps": 2}
    for part in sizes:
        for bad in (0, -1, 1.5, "3", None, True, math.nan, [2]):
            call = lambda draw=draw, bad={**sizes, part: bad}: draw(rng(), **bad)
            case(f"{world}: a draw of {part} {bad}", call, part)
    for bad in (None, 0, "seed", numpy.random):
        call = lambda draw=draw, bad=bad: draw(bad, 2, 2, 2)
        case(f"{world}: a draw with rng {bad!r:.20}", call, "rng")

    # Single calls
    place, now = environment.begin(problem, first_rows(noise["world"])), first_rows(noise["world"])
    for what, bad in (no_floats(numpy.array(place)) | other_floats(numpy.array(place))).items():
        call = lambda e=environment, args=(problem, bad, good, now): e.step(*args)
        case(f"{world}: a place that is {what}", call, "place")
    for what, bad in (no_floats(problem) | other_floats(problem)).items():
        call = lambda e=environment, args=(bad, place, good, now): e.step(*args)
        case(f"{world}: a step in a problem that is {what}", call, "problem|place")


# ---- Worlds of one's own ----

ZERO, ONE = numpy.zeros((M, N)), numpy.ones((M, N, 1))
SAMPLE = {"world": numpy.full((T, M, N), 0.5), "agent": numpy.full((T, M, N), 0.5)}


def strange(reward=ZERO, done=ZERO, observation=ONE, begin=ONE, place=ONE, outcome=None):
    """A rollout in a world that gives this back, whatever is done."""
    world = Environment(
        lambda problem, noise: begin,
        lambda problem, before, action, noise: outcome[0] if outcome else (place, reward, done),
        lambda problem, before: observation,
    )
    return rollout(world, pull(2), (), SAMPLE)


for part in ("reward", "done", "observation"):
    good = ONE if part == "observation" else ZERO
    wrong = no_floats(good) | other_floats(good)
    if part != "observation":
        wrong |= {"(M, N, 1)": ONE, "turned": ZERO.T}
    if part == "done":
        wrong |= {"a half": ZERO + 0.5, "two": ZERO + 2.0, "negative": ZERO - 1.0}
    for what, bad in wrong.items():
        if part == "observation" and what == "empty":
            continue  # a world in which there is nothing to see
        case(f"{part} {what}", lambda part=part, bad=bad: strange(**{part: bad}), part)
for what, bad in {"turned": numpy.ones((N, M, 1)), "one for all": 0.0, "None": None}.items():
    case(f"a beginning {what}", lambda bad=bad: strange(begin=bad), "place")
    case(f"a place {what}", lambda bad=bad: strange(place=bad), "place")
for what, bad in {"None": None, "a pair": (ONE, ZERO), "a reward": ZERO, "text": "over"}.items():
    case(f"an outcome {what}", lambda bad=bad: strange(outcome=[bad]), "step")
for what, bad in {
    "None": None,
    "a string": "bandit",
    "functions": (bandits.begin, bandits.step, bandits.observe),
    "of None": Environment(None, None, None),
    "without observe": Environment(bandits.begin, bandits.step, None),
    "its class": Environment,
    "a number": 3,
    "a module of another kind": math,
}.items():
    call = lambda bad=bad: rollout(bad, pull(2), *drawn("bernoulli"))
    case(f"an environment that is {what}", call, "environment")
for bad in (None, "act", 3, ZERO):
    call = lambda bad=bad: rollout(bandits.BERNOULLI, bad, *drawn("bernoulli"))
    case(f"an agent that is {bad!r:.20}", call, "act")
for bad in ("learn", 3, ZERO):
    call = lambda bad=bad: rollout(bandits.BERNOULLI, pull(2), *drawn("bernoulli"), learn=bad)
    case(f"an agent that learns by {bad!r:.20}", call, "learn")

# ---- Learners that act ----

AGENT = rl2.learner(1, 2, hidden=2)
META = AGENT.init(rng())


def plays(learner, meta=META):
    """Episodes of a learner in a Bernoulli bandit."""
    return play(learner, meta, bandits.BERNOULLI, *drawn("bernoulli"))


for what, bad in {
    "None": None,
    "a string": "rl2",
    "a number": 3,
    "not sequential": maml.learner(mlp([1, 2])),
    "without start": AGENT._replace(start=None),
    "without predict": AGENT._replace(predict=None),
    "with a named start": AGENT._replace(start="zeros"),
    "with a named observe": AGENT._replace(observe="reward"),
}.items():
    case(f"a learner that is {what}", lambda bad=bad: plays(bad), "learner")
for what, bad in {
    "None": None,
    "a list": [[0.0, 1.0]],
    "integers": numpy.ones((M * N, 1, 2), int),
    "one row": numpy.ones((1, 1, 2)),
    "two axes": numpy.ones((M * N, 2)),
    "no columns": numpy.ones((M * N, 1, 0)),
    "NaN": numpy.full((M * N, 1, 2), math.nan),
    "infinite": numpy.full((M * N, 1, 2), math.inf),
    "three arms": numpy.ones((M * N, 1, 3)),
}.items():
    learner = AGENT._replace(predict=lambda meta, state, x, bad=bad: bad)
    case(f"logits that are {what}", lambda learner=learner: plays(learner), "predict|logits|action")
for what, bad in {
    "None": None,
    "a list": [0.5],
    "of other shape": numpy.full((2, 2), 0.5),
    "negative": numpy.full(3, -0.5),
    "above 1": numpy.full(3, 1.5),
    "NaN": numpy.full(3, math.nan),
    "integers": numpy.zeros(3, int),
    "strings": numpy.full(3, "a"),
}.items():
    call = lambda bad=bad: acting.pick(numpy.zeros((3, 2)), bad)
    case(f"noise to pick by that is {what}", call, "noise")
for what, bad in (no_floats(numpy.ones((M, N, T))) | {"(N, T)": ZERO}).items():
    case(f"rewards to sum that are {what}", lambda bad=bad: returns(bad), "reward")
    if what != "(N, T)":
        case(f"an end that is {what}", lambda bad=bad: alive(bad), "done")
for bad in (-0.1, 1.1, math.nan, "0.9", None, [0.9]):
    case(f"a discount of {bad}", lambda bad=bad: returns(numpy.ones((M, N, T)), bad), "discount")
for bad in (None, 3, "episodes", (), {}):
    case(f"histories of {bad!r}", lambda bad=bad: acting.histories(bad), "episodes")

# ---- Worlds with parameters ----

for name, function, parameters in (
    ("a two-step task", two_step.environment, {"common": (0.5, 0.2, 1.5, "often", None, math.nan)}),
    (
        "a corridor",
        corridor.environment,
        {"length": (1, 0, 2.5, "long", None), "slip": (0.5, -0.1)},
    ),
    ("restless arms", restless.environment, {"turn": (-0.1, 1.5, None), "high": (0.05, 1.5, "x")}),
    ("a plane", navigation.environment, {"unit": (0.0, -1.0, None), "cost": (None, 3)}),
    ("a walker", exact_corridor.learner, {"steps": (0, -1, 1.5, None), "slip": (0.7, "no")}),
):
    for word, values in parameters.items():
        for bad in values:
            given = {"steps": 3, word: bad} if name == "a walker" else {word: bad}
            case(f"{name} with {word} {bad}", lambda f=function, g=given: f(**g), word)


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_call_gets_one_sentence(name):
    call, word = CASES[name]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert is_sentence(caught.value, word), repr(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_well_formed_is_played(name):
    """The good calls, of which the others differ in one argument, do run."""
    episodes = live(name)
    assert all(numpy.isfinite(leaf).all() for leaf in leaves(episodes))
    assert numpy.shape(episodes.reward) == (M, N, T)


@pytest.mark.parametrize("name", WORLDS)
def test_single_precision_stays_single(name):
    with single_precision():
        problem, noise = drawn(name)
        act = pull(WORLDS[name][2])
        single = lambda *args: (None, act(*args)[1].astype("float32"))
        assert is_single(problem, noise, rollout(WORLDS[name][0], single, problem, noise))


def test_there_are_hundreds():
    assert len(CASES) > 800
