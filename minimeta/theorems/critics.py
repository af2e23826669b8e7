"""Theorems on actor and critic: advantages, and their gradient over all outcomes of two pulls.

Averages over chance are taken here without sampling. Two arms whose chances are uniform are pulled
twice, and what is not known of them is averaged over at each pull: an arm that paid s times and
failed f times pays with the chance (1 + s) / (2 + s + f), a multiple of 1/6. The policy's chances
are multiples of 1/4. So one episode for each combination of the midpoints of four and of six equal
intervals has every outcome exactly as often as it is probable. The policy and the critic are
tables (exact/tabular_rl2.py).
"""

import itertools

import numpy

from minimeta.agents import critics, policy_gradient, rl2
from minimeta.agents.acting import histories, play
from minimeta.agents.policy_gradient import no_baseline
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.exact import tabular_rl2
from minimeta.meta import along
from minimeta.tasks import Data, Environment, Episodes
from minimeta.theorems import Claim, theorem

SCHULMAN = "Schulman et al. 2015, arXiv:1506.02438"
MNIH = "Mnih et al. 2016, arXiv:1602.01783"
WANG = "Wang et al. 2016, arXiv:1611.05763"
DISCOUNT, DECAYS = 0.9, (0.0, 0.5, 1.0)
COUNTS = tabular_rl2.states(2, 2)  # what can be seen before a pull: nothing, or one of four pulls
POLICY = numpy.array([[1, 3], [2, 2], [3, 1], [1, 3], [3, 1]]) / 4
MEANS = (1.0 + COUNTS[..., 0]) / (2.0 + COUNTS.sum(axis=-1))
VALUES = tabular_rl2.values(numpy.log(POLICY), 2)
WRONG = VALUES + numpy.array([0.3, -0.5, 0.4, 0.2, 1.0])
LEARNER = tabular_rl2.learner(2, 2)


# ---- Advantages ----


def draw_episodes():
    """Episodes of random rewards and ends alone, and values of a critic: (3, 4, 6).

    Rewards after the end are 0, as in every rollout.
    """
    rng = numpy.random.default_rng(0)
    done = numpy.maximum.accumulate(rng.uniform(size=(3, 4, 6)) < 0.2, axis=-1).astype(float)
    before = numpy.concatenate([numpy.zeros((3, 4, 1)), done[..., :-1]], axis=-1)
    reward, values = rng.normal(size=(2, 3, 4, 6))
    return Episodes(None, None, reward * (1.0 - before), done), values


def looks_ahead(reward, done, value):
    """A_t^(k) of one episode, for each t before the end and k = 1 ... until the end.

    These are the rewards of k steps, and the value after them if the episode goes on, less v_t.
    """
    last = int(numpy.argmax(done)) if done.any() else len(done) - 1
    value = numpy.where(numpy.arange(len(value) + 1) > last, 0.0, numpy.append(value, 0.0))
    for t in range(last + 1):
        weights = DISCOUNT ** numpy.arange(last + 1 - t)
        ahead = numpy.cumsum(weights * reward[t : last + 1])
        yield t, ahead + DISCOUNT * weights * value[t + 1 : last + 2] - value[t]


def advantages_by_hand(choose):
    """choose(A_t^(1), A_t^(2), ...) of each step of the random episodes, 0 after their ends."""
    episodes, values = draw_episodes()
    exactly = numpy.zeros_like(values)
    for m, n in numpy.ndindex(3, 4):
        for t, looks in looks_ahead(episodes.reward[m, n], episodes.done[m, n], values[m, n]):
            exactly[m, n, t] = choose(looks)
    return exactly


@theorem(lesson="rl2", source=SCHULMAN)
def a_full_trace_is_the_return_above_the_critic():
    """With trace_decay = 1 the advantage is the discounted sum of all later rewards less v_t."""
    computed = critics.advantages(*draw_episodes(), DISCOUNT, 1.0)
    return Claim(computed, advantages_by_hand(lambda looks: looks[-1]), tolerance=1e-14)


@theorem(lesson="rl2", source=SCHULMAN)
def without_a_trace_the_advantage_is_one_surprise():
    """With trace_decay = 0 the advantage is r_t + discount v_t+1 - v_t; after the end v is 0."""
    computed = critics.advantages(*draw_episodes(), DISCOUNT, 0.0)
    return Claim(computed, advantages_by_hand(lambda looks: looks[0]), tolerance=1e-14)


@theorem(lesson="rl2", source=SCHULMAN)
def a_trace_mixes_looks_ahead():
    """The advantage is the mean of those that look k steps ahead, which weigh (1 - d) d^(k-1).

    A look beyond the end is that to the end, which so has all the weight that is left.
    """
    d = 0.6
    weigh = lambda k: numpy.append((1 - d) * d ** numpy.arange(k - 1), d ** (k - 1))
    computed = critics.advantages(*draw_episodes(), DISCOUNT, d)
    return Claim(computed, advantages_by_hand(lambda a: weigh(len(a)) @ a), tolerance=1e-14)


# ---- The gradient, over all outcomes ----


def pay(problem, place, action, noise):
    """Pay by the mean of the arm's chance after what was seen, the place (M, N, A, 2)."""
    means = (1.0 + place[..., 0]) / (2.0 + np.sum(place, axis=-1))
    reward = (noise < np.sum(means * action, axis=-1)).astype(noise.dtype)
    paid, failed = action * reward[..., None], action * (1.0 - reward[..., None])
    return place + np.stack([paid, failed], axis=-1), reward, np.zeros_like(reward)


UNKNOWN_ARMS = Environment(
    lambda _, noise: np.zeros((*np.shape(noise), 2, 2)),
    pay,
    lambda _, place: np.ones((*np.shape(place)[:2], 1)),
)


def every_outcome():
    """A problem and noise (T, 1, N) with one episode for each combination of two pulls."""
    once = [(numpy.arange(count) + 0.5) / count for count in (4, 6)]
    pulls = list(itertools.product(itertools.product(*once), repeat=2))  # (N, T, 2)
    agent, world = numpy.array(pulls).transpose(2, 1, 0)[:, :, None]
    return (), {"agent": agent, "world": world}


def ascent(values, trace_decay, **settings):
    """The mean gradient over all outcomes, with this critic: of the logits (S, 2), and values (S,).

    Only the part of the actor, unless the settings say more.
    """
    settings = {"value_weight": 0.0, "entropy_weight": 0.0, **settings}
    follow = critics.meta_gradient(LEARNER, UNKNOWN_ARMS, trace_decay=trace_decay, **settings)
    meta = numpy.concatenate([numpy.log(POLICY), values[:, None]], axis=-1)
    gradient = -follow(meta, every_outcome())[1]
    return gradient[:, :2], gradient[:, 2]


def exact_gradient():
    """The gradient of the exact value in the logits: (S, 2)."""
    return grad(tabular_rl2.value)(numpy.log(POLICY), 2)


@theorem(lesson="rl2", source=SCHULMAN)
def the_exact_critic_gives_the_policy_gradient():
    """With the exact value as critic the mean gradient is that of the return, for any trace."""
    computed = [ascent(VALUES, decay)[0] for decay in DECAYS]
    return Claim(computed, [exact_gradient()] * 3, tolerance=1e-14)


@theorem(lesson="rl2", source=SCHULMAN)
def with_a_full_trace_any_critic_will_do():
    """With trace_decay = 1 a wrong critic leaves the mean gradient right, discounted or not.

    Discounted, it is the mean of REINFORCE without a baseline.
    """
    reinforce = policy_gradient.meta_gradient(LEARNER, UNKNOWN_ARMS, no_baseline, DISCOUNT)
    discounted = -reinforce(numpy.log(POLICY), every_outcome())[1]
    computed = [ascent(WRONG, 1.0)[0], ascent(WRONG, 1.0, discount=DISCOUNT)[0]]
    return Claim(computed, [exact_gradient(), discounted], tolerance=1e-14)


@theorem(lesson="rl2", source=SCHULMAN)
def a_short_trace_follows_what_the_critic_believes():
    """With a trace below 1 the first pull is judged by (1 - d) v + d J of the second, not by J.

    The last pull has nothing after it, so its gradient is right. That of the first is off by more
    than 0.01 here.
    """
    computed, exactly = [], []
    for decay in (0.0, 0.5):
        believed = (1 - decay) * WRONG + decay * VALUES
        judged = MEANS[0] + [0.5 * sum(believed[led_to(arm)]) for arm in (0, 1)]
        first, right = POLICY[0] * (judged - POLICY[0] @ judged), exact_gradient()
        computed.append([*ascent(WRONG, decay)[0], [abs(first - right[0]).max() > 0.01] * 2])
        exactly.append([first, *right[1:], [True] * 2])
    return Claim(computed, exactly, tolerance=1e-14)


def led_to(arm):
    """The numbers of the two states to which a first pull of this arm may lead."""
    return numpy.flatnonzero(COUNTS[:, arm].sum(axis=-1) == 1.0)


def chance_of_states():
    """How probable each state is under the policy: (S,)."""
    after = [0.5 * POLICY[0, 0 if counts[0].any() else 1] for counts in COUNTS[1:]]
    return numpy.array([1.0, *after])


@theorem(lesson="rl2", source=MNIH)
def a_critic_moves_towards_the_value():
    """The mean gradient of a critic is its chance to be asked, times what J is above its answer.

    That is with a full trace. The exact critic rests with every trace.
    """
    computed = [ascent(WRONG, 1.0, value_weight=1.0)[1]]
    computed += [ascent(VALUES, decay, value_weight=1.0)[1] for decay in DECAYS]
    exactly = [chance_of_states() * (VALUES - WRONG), *[numpy.zeros(5)] * 3]
    return Claim(computed, exactly, tolerance=1e-14)


@theorem(lesson="rl2", source=MNIH)
def the_bonus_climbs_the_entropy():
    """The bonus adds the chance of a state times the gradient -pi (log pi + H) of its entropy."""
    computed = ascent(VALUES, 1.0, entropy_weight=0.3)[0] - ascent(VALUES, 1.0)[0]
    entropy = -numpy.sum(POLICY * numpy.log(POLICY), axis=-1, keepdims=True)
    climbs = -POLICY * (numpy.log(POLICY) + entropy)
    return Claim(computed, 0.3 * chance_of_states()[:, None] * climbs, tolerance=1e-14)


def spread(values, trace_decay):
    """The total variance of the actor's gradient from one episode, over all outcomes."""
    episodes = play(LEARNER, numpy.log(POLICY), UNKNOWN_ARMS, *every_outcome())
    state = along(LEARNER, numpy.eye(5), histories(episodes))  # one-hot, (N, T, S)
    advantage = critics.advantages(episodes, (state @ values)[None], 1.0, trace_decay)[0]
    score = episodes.action[0] - state @ POLICY
    gradients = numpy.einsum("nt,nts,nta->nsa", advantage, state, score)
    return gradients.var(axis=0).sum()


@theorem(lesson="rl2", source=SCHULMAN)
def a_shorter_trace_leaves_less_to_chance():
    """With the exact critic, a shorter trace gives less variance; without a critic there is most.

    A critic that answers 0 everywhere is none.
    """
    order = [spread(VALUES, decay) for decay in DECAYS] + [spread(0.0 * VALUES, 1.0)]
    return Claim(numpy.diff(order) > 0.0, [True] * 3, tolerance=0.0)


@theorem(lesson="rl2", source=WANG)
def a_clock_is_one_more_input():
    """A policy told of the time answers as one that observes t / T, at once or step by step."""
    rng = numpy.random.default_rng(1)
    learner = rl2.learner(3, 2, hidden=4)
    meta, x, y = learner.init(rng), rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 5, 4))
    time = numpy.tile(numpy.arange(5.0)[None, :, None] / 5, (2, 1, 1))
    exactly = learner.along(meta, Data(numpy.concatenate([x, time], axis=-1), y))
    timed = rl2.with_time(learner, 5)
    slow = along(timed._replace(along=None), meta, Data(x, y))
    return Claim([timed.along(meta, Data(x, y)), slow], [exactly] * 2, tolerance=1e-14)
