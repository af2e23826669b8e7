"""Actor and critic: how training goes, malformed calls, planted bugs."""

import numpy
import pytest
import standin
from helpers import given, is_single, refused, rng, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.agents import critics, policy_gradient, rl2
from minimeta.agents.acting import histories, histories_of, play
from minimeta.conformance import conform
from minimeta.core.backend import to_device, to_host, using
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam
from minimeta.core.replay import replay
from minimeta.core.trees import flatten, tree_map
from minimeta.exact import bandit_dp
from minimeta.meta import along
from minimeta.tasks import Family, bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import REGISTRY
from minimeta.theorems import critics as theorems
from minimeta.training import train

AGENTS = {
    "Duan": lambda hidden: rl2.actor_critic(1, 2, hidden),
    "Wang": lambda hidden: rl2.with_time(rl2.actor_critic(2, 2, hidden), 5),
}
each = pytest.mark.parametrize("name", AGENTS)


@each
def test_an_agent_conforms(name):
    """As a learner that imitates its own actions, which are the first columns of its labels."""
    agent = critics.actor(AGENTS[name](4))._replace(
        loss=lambda logits, y: cross_entropy(logits, y[..., :2])
    )
    for answer in conform(agent, Family(histories_of(agent, BERNOULLI, bandits.draw), None)):
        assert answer.holds, answer


@each
def test_the_actor_is_the_learner_without_its_last_answer(name):
    learner = AGENTS[name](4)
    meta, data = learner.init(rng()), bandits.draw(rng(), 3, 4, 5)
    lived = histories(play(critics.actor(learner), meta, BERNOULLI, *data))
    whole, cut = (along(one, meta, lived) for one in (learner, critics.actor(learner)))
    assert whole.shape == (12, 5, 3)
    assert_array_equal(cut, whole[..., :2])


@each
def test_training_brings_the_actor_near_the_optimum_and_tells_the_critic(name):
    """In 200 updates the shortfall falls below a third, and the critic knows what is left."""
    learner, single = AGENTS[name](8), lambda tree: tree_map(lambda a: a.astype("float32"), tree)
    with single_precision():
        follow = critics.meta_gradient(learner, BERNOULLI, value_weight=0.5)
        sample = lambda rng: single(bandits.draw(rng, 64, 2, 5))
        meta, _ = train(learner.init, follow, sample, rng(), 200, optimizer=adam(0.02), label=None)
        fresh, test = learner.init(rng()), single(bandits.draw(rng(9), 300, 4, 5))
        lost = [shortfall(critics.actor(learner), theta, test) for theta in (meta, fresh)]
        episodes = play(critics.actor(learner), meta, BERNOULLI, *test)
        values = critics.critic_answers(learner, meta, episodes)[..., -1]
    assert lost[0] < lost[1] / 3
    left = numpy.cumsum(episodes.reward[..., ::-1], axis=-1)[..., ::-1]  # (M, N, T)
    assert abs((values - left).mean(axis=(0, 1))).max() < 0.25


def shortfall(agent, meta, data):
    """The mean of V - Q, summed over five pulls."""
    episodes = play(agent, meta, BERNOULLI, *data)
    regrets = bandit_dp.regrets(bandit_dp.solve(2, 5), episodes.action, episodes.reward)
    return (regrets * episodes.action).sum(axis=(-1, -2)).mean()


@each
def test_a_recorded_step_is_the_step(name):
    learner = AGENTS[name](4)
    follow, meta = critics.meta_gradient(learner, BERNOULLI, 0.9, 0.7), learner.init(rng())
    fast, draws = replay(follow), [bandits.draw(rng(seed), 3, 4, 5) for seed in range(3)]
    for data in draws:
        assert_allclose(flatten(fast(meta, data)), flatten(follow(meta, data)), atol=1e-14)


@each
def test_single_precision_stays_single(name):
    learner = AGENTS[name](4)
    with single_precision():
        meta, data = learner.init(rng()), bandits.draw(rng(), 3, 4, 5)
        assert is_single(meta, critics.meta_gradient(learner, BERNOULLI, 0.9, 0.7)(meta, data))


@each
def test_a_device_gives_the_same_and_moves_nothing(name):
    """On the stand-in for CuPy: what is drawn is handed over once, and nothing comes back."""
    learner, data = AGENTS[name](4), bandits.draw(rng(), 3, 4, 5)
    follow, meta = critics.meta_gradient(learner, BERNOULLI, 0.9, 0.7), learner.init(rng())
    expected = follow(meta, data)
    with using(standin, "float64"):
        meta, data = to_device((meta, data))
        with standin.forbid():
            result = follow(meta, data)
        assert_allclose(flatten(to_host(result)), flatten(expected), atol=1e-14)


def test_the_value_is_what_reinforce_reports():
    learner, data = AGENTS["Duan"](4), bandits.draw(rng(), 3, 4, 5)
    meta, agent = learner.init(rng()), critics.actor(learner)
    expected = policy_gradient.meta_gradient(agent, BERNOULLI, discount=0.9)(meta, data)[0]
    assert critics.meta_gradient(learner, BERNOULLI, discount=0.9)(meta, data)[0] == expected


def gradient_of(**settings):
    return lambda: critics.meta_gradient(AGENTS["Duan"](4), BERNOULLI, **settings)


EPISODES, VALUES = theorems.draw_episodes()
ALONE = rl2.learner(1, 2)
LIVED = play(ALONE, ALONE.init(rng()), BERNOULLI, *bandits.draw(rng(), 2, 3, 4))
MALFORMED = {
    "a discount of 2": (gradient_of(discount=2.0), "discount must be .* at most 1"),
    "a negative trace": (gradient_of(trace_decay=-0.1), "trace_decay must be at least 0"),
    "a critic pushed away": (gradient_of(value_weight=-1.0), "value_weight must be at least 0"),
    "a named bonus": (gradient_of(entropy_weight="some"), "entropy_weight must be"),
    "values of other steps": (
        lambda: critics.advantages(EPISODES, VALUES[..., :5]),
        "values and episodes.reward must have the same shape",
    ),
    "a long trace": (
        lambda: critics.advantages(EPISODES, VALUES, trace_decay=1.5),
        "trace_decay must be .* at most 1",
    ),
    "no critic": (
        lambda: critics.critic_answers(ALONE, ALONE.init(rng()), LIVED),
        "learner must answer with 3 columns.* answers with 2",
    ),
    "no pair": (lambda: gradient_of()()(None, None), "data must be a pair"),
    "no time": (lambda: rl2.with_time(rl2.learner(2, 2), 0), "steps must be at least 1"),
    "nothing to see": (lambda: rl2.actor_critic(0, 2), "observations must be at least 1"),
    "nothing to choose": (lambda: rl2.actor_critic(1, 1), "actions must be at least 2"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


# ---- The theorems can fail ----


def without_ends(f):
    """The critic is asked beyond the end of an episode."""
    return lambda episodes, *more: f(episodes._replace(done=0.0 * episodes.done), *more)


def believing(f):
    """A tenth of the later rewards is replaced by what the critic believes."""
    return lambda episodes, values, discount, decay: f(episodes, values, discount, 0.9 * decay)


def summed(f):
    """What comes later counts half as much with each step."""
    return lambda reward, discount=1.0: f(reward, 0.5 * discount)


def early(f):
    """The clock runs too slowly."""
    return lambda learner, steps: f(learner, steps + 1)


BUGS = {
    "a_full_trace_is_the_return_above_the_critic": (critics, "advantages", without_ends),
    "without_a_trace_the_advantage_is_one_surprise": (critics, "advantages", without_ends),
    "a_trace_mixes_looks_ahead": (critics, "returns", summed),
    "the_exact_critic_gives_the_policy_gradient": (critics, "log_softmax", scaled(0.99)),
    "with_a_full_trace_any_critic_will_do": (critics, "advantages", believing),
    "a_short_trace_follows_what_the_critic_believes": (critics, "advantages", believing),
    "a_critic_moves_towards_the_value": (critics, "advantages", scaled(1.1)),
    "the_bonus_climbs_the_entropy": (critics, "log_softmax", scaled(0.99)),
    "a_shorter_trace_leaves_less_to_chance": (
        critics,
        "advantages",
        given(3, lambda decay: 1.0 - decay),
    ),
    "a_clock_is_one_more_input": (rl2, "with_time", early),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "critics"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)
