"""Acting: what a rollout records, what an end means, and the sentence for each usual slip."""

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.replay import replay
from minimeta.tasks import Environment, environment, returns, rollout
from minimeta.tasks.environment import alive

M, N, T = 2, 3, 4
NOISE = {"world": numpy.random.default_rng(0).uniform(size=(T, M, N)), "agent": ()}
ZERO = numpy.zeros((M, N))


def line(reward=lambda place: -(place[..., 0] ** 2), done=lambda place: np.zeros((M, N))):
    """A point that moves by its action; reward and done are functions of where it comes to."""

    def step(problem, place, action, noise):
        return place + action, reward(place + action), done(place + action)

    return Environment(lambda problem, noise: problem, step, lambda problem, place: place)


def push(memory, seen, noise):
    """Always move by one."""
    return memory, np.ones_like(seen)


def start():
    return numpy.random.default_rng(1).normal(size=(M, N, 1))


def test_a_rollout_records_what_was_seen_done_and_earned():
    """With a step of 1 each time, place_t = place_0 + t."""
    episodes = rollout(line(), push, start(), NOISE)
    seen = start()[:, :, None] + numpy.arange(T)[:, None]  # (M, N, T, 1)
    assert_allclose(episodes.observation, seen, rtol=1e-14)
    assert_array_equal(episodes.action, numpy.ones((M, N, T, 1)))
    assert_allclose(episodes.reward, -((seen[..., 0] + 1) ** 2), rtol=1e-14)
    assert_array_equal(episodes.done, numpy.zeros((M, N, T)))


def test_every_step_sees_its_own_noise_and_begin_the_first():
    world = NOISE["world"]
    draws = Environment(
        lambda _, noise: noise[..., None],
        lambda _, place, action, noise: (noise[..., None], noise, ZERO),
        lambda _, place: place,
    )
    episodes = rollout(draws, push, (), NOISE)
    at_each_step = numpy.moveaxis(world, 0, -1)
    assert_array_equal(episodes.reward, at_each_step)
    assert_array_equal(episodes.observation[:, :, 0, 0], world[0])
    assert_array_equal(episodes.observation[:, :, 1:, 0], at_each_step[:, :, :-1])


def test_memory_is_handed_on_and_learns_what_came_back():
    heard = []

    def act(memory, seen, noise):
        return memory + 1, np.ones_like(seen)

    def learn(memory, seen, action, reward, done):
        heard.append((memory, seen, action, reward, done))
        return memory + 10

    episodes = rollout(line(), act, start(), NOISE, memory=0, learn=learn)
    assert [memory for memory, *_ in heard] == [1, 12, 23, 34]
    for t, (_, *parts) in enumerate(heard):
        for part, whole in zip(parts, episodes):
            assert_array_equal(part, whole[:, :, t])


def ended(reward):
    """The line from 0, over as soon as a point comes to 2, in the first task alone."""
    first = numpy.array([[1.0], [0.0]])
    done = lambda place: (place[..., 0] == 2.0) * first
    return rollout(line(reward, done), push, numpy.zeros((M, N, 1)), NOISE)


def test_after_the_end_the_place_is_held_and_nothing_is_earned():
    """The ending step earns its reward, the last; the other task goes on."""
    episodes = ended(lambda place: place[..., 0])
    assert_array_equal(episodes.done[:, 0], [[0, 1, 1, 1], [0, 0, 0, 0]])
    assert_array_equal(episodes.reward[:, 0], [[1, 2, 0, 0], [1, 2, 3, 4]])
    assert_array_equal(episodes.observation[:, 0, :, 0], [[0, 1, 2, 2], [0, 1, 2, 3]])
    assert_array_equal(alive(episodes.done)[:, 0], [[1, 1, 0, 0], [1, 1, 1, 1]])


def test_a_reward_that_is_no_number_after_the_end_does_no_harm():
    """0 times NaN is NaN, so the rewards after the end are put aside and not multiplied by 0."""
    first = numpy.array([[True], [False]])  # the task whose episodes end
    poisoned = lambda place: numpy.where((place[..., 0] > 2.0) & first, numpy.nan, place[..., 0])
    assert_array_equal(ended(poisoned).reward[0, 0], [1, 2, 0, 0])
    with pytest.raises(ValueError, match="reward must be finite; 3 of its 3 values are not"):
        ended(lambda place: poisoned(place)[::-1])


def test_a_gradient_follows_actions_that_are_not_constants():
    """With action k place, place_T = (1+k)^T place_0; the rewards are minus the squares."""
    place = start()

    def total(theta, problem):
        steer = lambda memory, seen, noise: (memory, theta["k"] * seen)
        return np.sum(rollout(line(), steer, problem, NOISE).reward)

    t, growth = numpy.arange(1, T + 1), 1.3
    squares = numpy.sum(place**2)
    exact = -squares * numpy.sum(2 * t * growth ** (2 * t - 1))
    theta = {"k": numpy.array(0.3)}
    value, gradient = value_and_grad(total)(theta, place)
    assert_allclose(value, -squares * numpy.sum(growth ** (2 * t)), rtol=1e-13)
    assert_allclose(gradient["k"], exact, rtol=1e-13)
    fast = replay(value_and_grad(total))
    fast(theta, place)
    assert fast(theta, 2 * place)[1]["k"] == value_and_grad(total)(theta, 2 * place)[1]["k"]


def test_returns_are_the_rewards_summed_backwards():
    reward = numpy.random.default_rng(2).normal(size=(M, N, 7))
    exact, after = numpy.zeros_like(reward), 0.0
    for t in reversed(range(7)):
        after = exact[..., t] = reward[..., t] + 0.7 * after
    assert_allclose(returns(reward, 0.7), exact, rtol=1e-13)
    assert_allclose(returns(reward), numpy.cumsum(reward[..., ::-1], -1)[..., ::-1], rtol=1e-13)
    assert_array_equal(returns(reward, 0), reward)
    assert returns(reward.astype("float32"), 0.9).dtype == "float32"


def fixed(action=None, reward=ZERO, done=ZERO, observation=None, place=()):
    """A rollout with these shapes, whatever they are."""
    observation = numpy.ones((M, N, 1)) if observation is None else observation
    action = numpy.ones((M, N, 2)) if action is None else action
    strange = Environment(
        lambda problem, noise: (),
        lambda problem, before, action, noise: (place, reward, done),
        lambda problem, before: observation,
    )
    return rollout(strange, lambda memory, seen, noise: (memory, action), (), NOISE)


def tick(problem, place, action, noise):
    """A place that is one number for all episodes."""
    return place + 1.0, ZERO, ZERO


CLOCK = Environment(lambda problem, noise: 0.0, tick, lambda problem, place: ZERO[..., None])


def noisy(noise):
    return rollout(line(), push, start(), noise)


w = NOISE["world"]
SLIPS = {
    "no agent": (lambda: noisy({"world": w}), 'dict with "world" and "agent"; it has'),
    "another part": (lambda: noisy({**NOISE, "seed": w}), "it has .*'seed'"),
    "an array": (lambda: noisy(w), "it is a ndarray"),
    "no noise at all": (lambda: noisy({"world": (), "agent": ()}), "how long to act"),
    "another length": (
        lambda: noisy({"world": w, "agent": w[1:]}),
        r"noise\['world'\] has shape \(4, 2, 3\), but noise\['agent'\] has \(3, 2, 3\)",
    ),
    "episodes missing": (lambda: noisy({"world": w[0], "agent": ()}), r"\(T, M, N, ...\)"),
    "a horizon of zero": (lambda: noisy({"world": w[:0], "agent": ()}), "at least one step"),
    "observation": (lambda: fixed(observation=numpy.ones((N, M, 1))), r"observation .* \(3, 2, 1"),
    "action of one task": (lambda: fixed(action=numpy.ones((N, 2))), r"action .* \(3, 2\)"),
    "action that is a number": (lambda: fixed(action=ZERO), r"action .* \(2, 3, 'A'\)"),
    "reward (M, N, 1)": (lambda: fixed(reward=ZERO[..., None]), r"reward .* \(2, 3, 1\)"),
    "a yes as reward": (lambda: fixed(reward=ZERO > 0), "reward must be an array of floats"),
    "done for all": (lambda: fixed(done=0.0), "done must be an array of floats"),
    "done (M,)": (lambda: fixed(done=ZERO[:, 0]), r"done must have shape \(2, 3\)"),
    "half done": (lambda: fixed(done=ZERO + 0.5), "done must be 0 or 1; it has 0.5"),
    "a clock for all": (
        lambda: rollout(CLOCK, push, (), NOISE),
        r"Each array of a place must have shape \(2, 3, '...'\); its shape is \(\)",
    ),
    "another place": (lambda: fixed(place=(ZERO,)), "The place before a step"),
    "returns of (N, T)": (lambda: returns(ZERO), r"reward must have shape \(M, N, T\)"),
    "returns of counts": (lambda: returns(numpy.ones((M, N, T), int)), "array of floats"),
    "discount above 1": (lambda: returns(ZERO[None], 1.1), "discount .* at most 1; it is 1.1"),
    "discount below 0": (lambda: returns(ZERO[None], -0.1), "discount .* at least 0"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_gets_one_sentence(slip):
    call, sentence = SLIPS[slip]
    with pytest.raises((ValueError, TypeError), match=sentence) as caught:
        call()
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name, bug",
    [
        ("hold", lambda over, before, after: after),
        ("hold", lambda over, before, after: before),
        ("np", None),
    ],
)
def test_the_test_of_the_end_can_fail(name, bug, monkeypatch):
    """A place that is not held or never moves, and rewards that go on, are seen."""

    class Unmasked:
        """np, whose where takes the second value everywhere: rewards after the end count."""

        where = staticmethod(lambda condition, a, b: b)
        __getattr__ = lambda self, attribute: getattr(np, attribute)

    monkeypatch.setattr(environment, name, bug or Unmasked())
    with pytest.raises(AssertionError):
        test_after_the_end_the_place_is_held_and_nothing_is_earned()
