"""Bernoulli bandits, agents that act in them, and REINFORCE; the theorems on them can fail."""

import numpy
import pytest
import standin
from helpers import first_answer, instead, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.agents import acting, policy_gradient
from minimeta.agents.acting import pick, play
from minimeta.core.backend import current, np, to_device, to_host, use
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.core.optim import adam
from minimeta.core.trees import leaves, tree_map
from minimeta.exact import policy_gradient as exact
from minimeta.initializations import maml
from minimeta.nets import mlp
from minimeta.tasks import bandits, environment
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import REGISTRY
from minimeta.theorems import bandits as theorems
from minimeta.training import train

LEARNERS = {"fixed": lambda: (theorems.LEARNER, theorems.META), "learns": lambda: theorems.agent(3)}
both = pytest.mark.parametrize("agent", LEARNERS)


def draw(seed=0, tasks=3, episodes=4, steps=5, arms=3):
    return bandits.draw(numpy.random.default_rng(seed), tasks, episodes, steps, arms)


def history(agent, data):
    return play(*LEARNERS[agent](), BERNOULLI, *data)


@both
def test_one_seed_is_one_history(agent):
    first, second, other = (history(agent, draw(seed)) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, second))
    assert (first.action != other.action).any()


@both
def test_many_tasks_are_the_loop_over_tasks_and_episodes(agent):
    """The axes M and N are one for the learner; no state of an episode reaches another."""
    problem, noise = draw()
    whole = history(agent, (problem, noise))
    for m, n in numpy.ndindex(3, 4):
        part = tree_map(lambda a, m=m, n=n: a[:, m : m + 1, n : n + 1], noise)
        alone = history(agent, (problem[m : m + 1], part))
        assert_allclose(alone.action[0, 0], whole.action[m, n], atol=0.0)
        assert_allclose(alone.reward[0, 0], whole.reward[m, n], atol=0.0)


@both
def test_nothing_given_is_changed(agent):
    learner, meta = LEARNERS[agent]()
    data = draw()
    before = [leaf.copy() for leaf in leaves((meta, data))]
    policy_gradient.meta_gradient(learner, BERNOULLI)(meta, data)
    assert all((a == b).all() for a, b in zip(before, leaves((meta, data))))


def test_actions_are_picked_as_often_as_they_are_likely():
    """On 1000 equal parts of [0, 1), action a is picked as often as its probability says."""
    policy = numpy.array([0.1, 0.0, 0.55, 0.35])
    with numpy.errstate(divide="ignore"):
        logits = numpy.tile(numpy.log(policy), (1000, 1))
    picked = pick(logits, theorems.midpoints(1000))
    assert_allclose(picked.mean(axis=0), policy, atol=1e-15)
    assert_array_equal(picked.sum(axis=-1), numpy.ones(1000))


def test_noise_at_its_ends_picks_an_action():
    """Rounded to float32, a uniform number may be 1, and the probabilities may sum to less."""
    logits = numpy.zeros((2, 3), dtype="float32")
    picked = pick(logits, numpy.array([0.0, 1.0], dtype="float32"))
    assert_array_equal(picked, [[1, 0, 0], [0, 0, 1]])
    assert picked.dtype == "float32"


def test_actions_are_constants_to_a_gradient():
    """A number that depends on the logits through the action alone has gradient zero."""
    noise = numpy.array([0.3, 0.8])
    value = lambda logits: np.sum(pick(logits, noise) * np.array([1.0, 2.0])) + 0.0 * logits.sum()
    assert_array_equal(grad(value)(numpy.ones((2, 2))), numpy.zeros((2, 2)))


def test_what_came_back_is_the_label():
    data = acting.histories(history("learns", draw()))
    assert data.x.shape == (12, 5, 1) and data.y.shape == (12, 5, 5)
    episodes = history("learns", draw())
    assert_array_equal(data.y[4, :, :3], episodes.action[1, 0])
    assert_array_equal(data.y[4, :, 3], episodes.reward[1, 0])
    assert_array_equal(data.y[4, :, 4], episodes.done[1, 0])


def ending_step(problem, place, action, noise):
    """A bandit that ends an episode wherever the noise of the world is below 1/2."""
    place, reward, _ = BERNOULLI.step(problem, place, action, noise)
    return place, reward, (noise < 0.5).astype(float)


@pytest.mark.parametrize("masked", [True, False])
def test_what_the_agent_does_after_the_end_changes_no_gradient(masked, monkeypatch):
    """Other noise of the agent after the end is another action there, of advantage 0.

    Without the mask of `alive`, the return 0 minus the baseline of the others would count.
    """
    if not masked:
        monkeypatch.setattr(policy_gradient, "alive", np.ones_like)
    _, noise = draw(tasks=1, episodes=20)
    follow = policy_gradient.meta_gradient(theorems.LEARNER, BERNOULLI._replace(step=ending_step))
    ends = noise["world"] < 0.5
    over = numpy.cumsum(ends, axis=0) > ends  # it ended before this step
    other = numpy.random.default_rng(3).uniform(size=over.shape)
    gradients = []
    for agent in (noise["agent"], numpy.where(over, other, noise["agent"])):
        data = theorems.ARMS[None], {**noise, "agent": agent}
        gradients.append(follow(theorems.META, data)[1]["theta"])
    change = numpy.abs(gradients[0] - gradients[1]).max()
    assert change == 0.0 if masked else change > 0.01


def test_training_finds_the_better_arm():
    """One bandit of .8 and .2: the better arm's probability goes from 1/2 to above 0.9."""
    net = mlp([1, 2])._replace(init=lambda rng: [{"W": np.zeros((1, 2)), "b": np.zeros(2)}])
    learner = policy_gradient.learner(net)
    follow = policy_gradient.meta_gradient(learner, BERNOULLI)
    sample = lambda rng: (numpy.array([[0.8, 0.2]]), bandits.draw_noise(rng, 1, 10, 2))
    rng = numpy.random.default_rng(0)
    meta, values = train(learner.init, follow, sample, rng, 60, optimizer=adam(0.1), label=None)
    assert softmax(learner.predict(meta, (), np.ones((1, 1))))[0, 0] > 0.9
    assert values[:10].mean() > -1.25 and values[-10:].mean() < -1.4  # J is 1 first, 1.6 at most


@pytest.fixture
def switch():
    """use(), undone after the test."""
    before = current()
    yield use
    use(*before)


def test_a_device_gives_the_same_and_moves_nothing(switch):
    """On the stand-in for CuPy: what is drawn is handed over once, and nothing comes back."""
    learner, meta = theorems.agent(3)
    follow = policy_gradient.meta_gradient(learner, BERNOULLI, discount=0.9)
    expected = follow(meta, draw())
    switch(standin, "float64")
    meta, data = to_device(meta), draw()
    with standin.forbid():
        result = follow(meta, data)
    for a, b in zip(leaves(to_host(result)), leaves(expected)):
        assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_float32_stays_float32_and_its_training_is_replayed(switch, capsys):
    learner, meta = theorems.agent(3)
    follow = policy_gradient.meta_gradient(learner, BERNOULLI, discount=0.9)
    switch(dtype="float32")
    init = lambda rng: to_device(meta)
    sample = lambda rng: bandits.draw(rng, 3, 4, 5, arms=3)
    rng = numpy.random.default_rng(1)
    meta_5, _ = train(init, follow, sample, rng, 5, label=None)
    parts = leaves((meta_5, play(learner, meta_5, BERNOULLI, *sample(rng))))
    assert {part.dtype for part in parts} == {numpy.dtype("float32")}
    assert "without replay" not in capsys.readouterr().err


def one_of(problem=None, noise=None, action=None):
    """One rollout of a fixed policy, or of a fixed action, in a bandit of three arms."""
    given = draw()
    act, learn = acting.act_by(theorems.LEARNER, theorems.META)
    if action is not None:
        act, learn = lambda memory, seen, now: (memory, action), None
    data = given[0] if problem is None else problem, given[1] if noise is None else noise
    return environment.rollout(BERNOULLI, act, *data, learn=learn)


fair, noise = draw()
one = {part: array[:, :, :1] for part, array in noise.items()}
FOLLOW = policy_gradient.meta_gradient(theorems.LEARNER, BERNOULLI)
SLIPS = {
    "a chance above 1": (lambda: one_of(fair + 0.5), "probabilities, from 0 to 1"),
    "one bandit, many tasks": (
        lambda: one_of(fair[:1]),
        "noise must be for the 1 tasks of the problem",
    ),
    "a bandit without tasks": (lambda: one_of(fair[0]), r"problem must have shape \(M, A\)"),
    "two columns for three": (lambda: one_of(action=np.ones((3, 4, 2))), "3 columns"),
    "two arms at once": (lambda: one_of(action=np.ones((3, 4, 3))), r"one-hot rows.*\[1. 1. 1.\]"),
    "half an arm": (lambda: one_of(action=np.ones((3, 4, 3)) / 3), "one-hot rows"),
    "normal noise": (
        lambda: one_of(noise={**noise, "agent": 4 * noise["agent"] - 2}),
        r"uniform in \[0, 1\)",
    ),
    "noise for each arm": (
        lambda: one_of(noise={**noise, "agent": np.stack([noise["agent"]] * 3, -1)}),
        "one number for each action",
    ),
    "an agent without noise": (lambda: one_of(noise={**noise, "agent": ()}), "one number for each"),
    "no sequential learner": (
        lambda: acting.act_by(maml.learner(mlp([1, 3])), ()),
        "learner must be sequential",
    ),
    "one episode": (lambda: FOLLOW(theorems.META, (fair, one)), "at least two episodes"),
    "no pair": (lambda: FOLLOW(theorems.META, {"problem": fair}), "pair .problem, noise."),
    "a discount of 2": (
        lambda: policy_gradient.meta_gradient(theorems.LEARNER, BERNOULLI, discount=2.0),
        "discount must be .* at most 1",
    ),
    "an advantage a task": (
        lambda: policy_gradient.surrogate(theorems.LEARNER, theorems.META, one_of(), fair),
        "advantage and episodes.reward must have the same shape",
    ),
    "actions of other arms": (
        lambda: acting.log_likelihood(theorems.LEARNER, theorems.META, theorems.two_pulls()),
        "logits of this learner and the actions",
    ),
    "no arms to choose": (lambda: draw(arms=1), "arms must be at least 2"),
    "no steps": (lambda: draw(steps=0), "steps must be at least 1"),
    "no generator": (lambda: bandits.draw_noise(7, 1, 1, 1), "rng must be a numpy.random.Gen"),
    "a policy of weights": (lambda: exact.value(2 * fair, fair), "policy must sum to 1"),
    "a policy of logits": (lambda: exact.gradient(-fair, fair), "policy must not be negative"),
    "another policy": (lambda: exact.value(fair, fair[:, :2]), "must have the same shape"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_gets_one_sentence(slip):
    call, sentence = SLIPS[slip]
    with pytest.raises((ValueError, TypeError), match=sentence) as caught:
        call()
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


# ---- The theorems can fail ----


def times(factor):
    return lambda f: lambda *a, **k: factor * f(*a, **k)


def late(f):
    """Labels one step too early: the agent is told of the reward of the step to come."""
    return lambda action, reward, done: f(action, np.roll(reward, -1, axis=-1), done)


def own_rewards_only(f):
    """An action is judged by the reward of its own step, not by those that follow."""
    return lambda reward, discount=1.0: f(reward, 0.0)


def plain_mean(f):
    """The baseline with the episode itself in it."""
    return lambda gain: np.mean(gain, axis=1, keepdims=True)


def undiscounted_steps(f):
    """The advantage without discount^t."""
    return lambda episodes, baseline, discount: f(episodes, baseline, 1.0)


def without_baseline(f):
    """The mean of the score times the return, whatever baseline was asked for."""
    return lambda policy, rewards, b=0.0, v=0.0: f(policy, rewards, 0.0, v)


def value_as_baseline(f):
    return lambda policy, rewards: exact.value(policy, rewards)


def last_action(f):
    """Pick the actions from the other end of the distribution."""
    return lambda logits, noise: f(logits, 1.0 - noise)


def clairvoyant(f):
    """An agent that hears the rewards of tomorrow: it acts on what the noise will pay."""

    def cheating(learner, meta, world, problem, noise):
        ahead = np.concatenate([noise["world"][1:], noise["world"][:1]])
        mixed = (noise["agent"] + ahead) % 1.0
        return f(learner, meta, world, problem, {**noise, "agent": mixed})

    return cheating


def own_noise(f):
    """Every rollout draws chance of its own."""
    rng = numpy.random.default_rng(0)

    def unpaired(environment, act, problem, noise, *more):
        shuffled = rng.permutation(noise["world"], axis=2)
        return f(environment, act, problem, {**noise, "world": shuffled}, *more)

    return unpaired


BUGS = {
    "gradient_of_the_return": (exact, "gradient", times(-1.0)),
    "reinforce_is_unbiased": (policy_gradient, "surrogate", times(2.0)),
    "covariance_of_reinforce": (exact, "covariance", without_baseline),
    "best_baseline_weighs_by_the_score": (exact, "best_baseline", value_as_baseline),
    "leave_one_out_is_unbiased": (theorems, "leave_one_out", plain_mean),
    "own_return_in_the_baseline_shrinks": (policy_gradient, "surrogate", times(2.0)),
    "discounted_steps": (policy_gradient, "advantages", undiscounted_steps),
    "climbing_two_arms": (exact, "gradient", times(2.0**0.5)),
    "gradient_of_a_learning_agent": (policy_gradient, "returns", own_rewards_only),
    "logits_of_a_history_are_those_it_acted_by": (acting, "label", late),
    "no_action_depends_on_later_rewards": (acting, "play", clairvoyant),
    "a_rollout_is_a_loop_over_pulls": (acting, "pick", last_action),
    "same_noise_compares_two_arms": (environment, "rollout", own_noise),
    "returns_of_a_constant_reward": (environment, "returns", own_rewards_only),
    "nothing_counts_after_the_end": (environment, "hold", lambda f: lambda over, a, b: b),
    "a_recorded_rollout_is_the_rollout": (theorems, "replay", instead(first_answer)),
}
THEOREMS = {t.name: t for t in REGISTRY if t.topic == "bandits"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name].prove, *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
