"""Theorems on acting: rollouts, returns, and what REINFORCE does on average in a Bernoulli bandit.

An average over chance is computed here without sampling. Noise is uniform and all probabilities are
multiples of 1/8 (the policy's) or 1/4 (the arms'), so one episode for each combination of the
midpoints of eight and four equal intervals has every outcome exactly as often as it is probable.
"""

import itertools

import numpy

from minimeta.agents import acting, policy_gradient
from minimeta.agents.policy_gradient import leave_one_out, no_baseline
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.core.replay import replay
from minimeta.core.trees import copies, flatten
from minimeta.exact import policy_gradient as exact
from minimeta.memories import recurrent
from minimeta.nets import Net
from minimeta.tasks import Environment, Episodes, bandits, environment
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION

REINFORCE = "Williams 1992"
POLICY, ARMS = numpy.array([1.0, 2.0, 5.0]) / 8, numpy.array([1.0, 3.0, 2.0]) / 4
BASELINES = (-1.0, 0.0, 0.3, 2.0)
TABLE = Net(lambda rng: {"theta": numpy.zeros((1, 3))}, lambda meta, x: np.matmul(x, meta["theta"]))
LEARNER = policy_gradient.learner(TABLE)
META = {"theta": numpy.log(POLICY)[None]}


def midpoints(count):
    """The midpoints of `count` equal parts of [0, 1]: each is the noise of an equal chance."""
    return (numpy.arange(count) + 0.5) / count


def every_history(steps, agent=8, world=4):
    """Noise (T, 1, N) with one episode for each combination of outcomes in all steps."""
    once = list(itertools.product(midpoints(agent), midpoints(world)))
    pairs = numpy.array(list(itertools.product(once, repeat=steps)))  # (N, T, 2)
    own, others = numpy.moveaxis(pairs, (0, 1, 2), (2, 1, 0))[:, :, None]
    return {"world": others, "agent": own}


def every_pair():
    """Noise (1, M, 2) of one pull: a task for every combination of what two episodes may be."""
    once = {part: noise[0, 0] for part, noise in every_history(1).items()}
    return {
        part: numpy.stack(numpy.meshgrid(one, one), axis=-1).reshape(1, -1, 2)
        for part, one in once.items()
    }


def ascent(noise, baseline, discount=1.0):
    """The mean return and REINFORCE's gradient of it, from these episodes of the one bandit."""
    follow = policy_gradient.meta_gradient(LEARNER, BERNOULLI, baseline, discount)
    problem = numpy.tile(ARMS, (noise["world"].shape[1], 1))
    value, gradient = follow(META, (problem, noise))
    return -value, -gradient["theta"][0]


def always(baseline):
    """The baseline that is this number."""
    return lambda gain: numpy.full(gain.shape, baseline)


def estimates(baseline):
    """REINFORCE's estimate from each of the 32 outcomes of one pull: (32, A).

    Each outcome is a task with one episode and its own copy of the policy.
    """
    noise = {part: numpy.swapaxes(array, 1, 2) for part, array in every_history(1).items()}
    count = noise["world"].shape[1]
    follow = policy_gradient.meta_gradient(LEARNER, BERNOULLI, always(baseline))
    _, gradient = follow(copies(META, count), (numpy.tile(ARMS, (count, 1)), noise))
    return -count * gradient["theta"][:, 0]


@theorem(lesson="bandits", source=REINFORCE)
def gradient_of_the_return():
    """The gradient of the mean reward in the logits is pi o (r - J)."""
    rng = numpy.random.default_rng(0)
    logits, rewards = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    mean_reward = lambda logits: np.sum(softmax(logits) * rewards)
    computed = exact.gradient(softmax(logits), rewards)
    return Claim(computed, grad(mean_reward)(logits), tolerance=1e-14)


@theorem(lesson="bandits", source=REINFORCE)
def reinforce_is_unbiased():
    """REINFORCE's mean over all outcomes is the gradient of the return, for every baseline."""
    computed = [ascent(every_history(1), always(b))[1] for b in BASELINES]
    return Claim(computed, [exact.gradient(POLICY, ARMS)] * len(BASELINES), tolerance=1e-14)


@theorem(lesson="bandits", source=REINFORCE)
def covariance_of_reinforce():
    """The covariance of REINFORCE over all outcomes is the closed form, for every baseline."""
    computed = [numpy.cov(estimates(b).T, bias=True) for b in BASELINES]
    exactly = [exact.covariance(POLICY, ARMS, b, ARMS * (1 - ARMS)) for b in BASELINES]
    return Claim(computed, exactly, tolerance=1e-14)


@theorem(lesson="bandits", source="Greensmith, Bartlett & Baxter 2004")
def best_baseline_weighs_by_the_score():
    """The least variance is at b = sum pi w r / sum pi w with w = |e_a - pi|^2, which is not J.

    The variance is a parabola in b, so its values at three baselines tell where it is least.
    """
    points = (-1.0, 0.0, 1.0)
    variances = [estimates(b).var(axis=0).sum() for b in points]
    square, linear, _ = numpy.polyfit(points, variances, 2)
    return Claim(exact.best_baseline(POLICY, ARMS), -linear / (2 * square), tolerance=1e-12)


@theorem(lesson="bandits", source="Kool, van Hoof & Welling 2019")
def leave_one_out_is_unbiased():
    """The mean return of the other episodes is a baseline that leaves the mean as it is."""
    _, computed = ascent(every_pair(), leave_one_out)
    return Claim(computed, exact.gradient(POLICY, ARMS), tolerance=1e-14)


@theorem(lesson="bandits", source="Kool, van Hoof & Welling 2019")
def own_return_in_the_baseline_shrinks():
    """The mean return of all N episodes as a baseline gives (1 - 1/N) of the gradient: here half.

    The return of the episode itself is in the mean, so the baseline depends on the action.
    """
    own_too = lambda gain: np.mean(gain, axis=1, keepdims=True)
    _, computed = ascent(every_pair(), own_too)
    return Claim(computed, exact.gradient(POLICY, ARMS) / 2, tolerance=1e-14)


@theorem(lesson="bandits", source="Nota & Thomas 2020")
def discounted_steps():
    """Over two pulls the return is (1 + discount) J, and REINFORCE's mean is its gradient."""
    value, gradient = ascent(every_history(2), always(0.4), discount=0.5)
    exactly = 1.5 * numpy.append(exact.gradient(POLICY, ARMS), exact.value(POLICY, ARMS))
    return Claim(numpy.append(gradient, value), exactly, tolerance=1e-13)


@theorem(lesson="bandits", source="Schaul et al. 2019")
def climbing_two_arms():
    """Following the gradient with rewards 1 and 0, J grows at the rate 2 J^2 (1 - J)^2."""
    J = numpy.array([0.05, 0.3, 0.5, 0.95])
    policy, rewards = numpy.stack([J, 1 - J], axis=-1), numpy.tile([1.0, 0.0], (4, 1))
    computed = numpy.sum(exact.gradient(policy, rewards) ** 2, axis=-1)
    return Claim(computed, 2 * J**2 * (1 - J) ** 2, tolerance=1e-15)


# ---- An agent that learns as it acts ----


def agent(arms=2):
    """An LSTM whose labels are [action, reward, done] and whose first outputs are the logits."""
    cell = recurrent.learner(1, arms + 2, hidden=4)
    meta = cell.init(numpy.random.default_rng(3))
    meta["read"]["W"] = 4.0 * meta["read"]["W"]  # a policy far from the uniform one
    first = lambda answer: answer[..., :arms]
    learner = cell._replace(
        predict=lambda meta, state, x: first(cell.predict(meta, state, x)),
        along=lambda meta, data: first(cell.along(meta, data)),
    )
    return learner, meta


def two_pulls(arms=2):
    """Every history of two pulls: Episodes (1, 16, 2), and whether and what each pull paid."""
    pulls = list(itertools.product(range(arms), (0, 1)))
    rows = numpy.array(list(itertools.product(pulls, repeat=2)))  # (16, T, [arm, reward])
    action, reward = numpy.eye(arms)[rows[None, ..., 0]], rows[None, ..., 1].astype(float)
    nothing = numpy.zeros_like(reward)
    return Episodes(numpy.ones((*reward.shape, 1)), action, reward, nothing)


def probability(learner, meta, action, reward, arms):
    """That the agent and the arms (A,) make this history, step by step: action (T, A)."""
    one, total = np.ones((1, 1, 1)), 1.0
    state = learner.start(meta, one)
    for a, r in zip(action, reward):
        policy = softmax(learner.predict(meta, state, one))[0, 0]
        pays = a @ arms
        total = total * np.sum(policy * a) * (pays if r else 1.0 - pays)
        label = numpy.concatenate([a, [r, 0.0]])[None]
        state = learner.observe(meta, state, one[:, 0], label)
    return total


@theorem(lesson="rl2", source=REINFORCE)
def gradient_of_a_learning_agent():
    """For an agent that learns as it acts, REINFORCE's mean is the gradient of the exact return.

    The exact return sums over all 16 histories of two pulls, each times its probability.
    """
    (learner, meta), histories, arms = agent(), two_pulls(), numpy.array([0.2, 0.9])
    each = list(zip(histories.action[0], histories.reward[0]))
    chance = lambda meta: [probability(learner, meta, a, r, arms) for a, r in each]
    value = lambda meta: sum(p * r.sum() for p, (_, r) in zip(chance(meta), each))
    weight = len(each) * numpy.array(chance(meta))[None, :, None]  # the surrogate is a mean
    advantage = weight * policy_gradient.advantages(histories, no_baseline)
    surrogate = lambda meta: policy_gradient.surrogate(learner, meta, histories, advantage)
    return Claim(flatten(grad(surrogate)(meta)), flatten(grad(value)(meta)), tolerance=1e-13)


@theorem(lesson="rl2", source=DEFINITION)
def logits_of_a_history_are_those_it_acted_by():
    """Along its history an agent gives the logits by which it chose its actions."""
    (learner, meta), (problem, noise) = agent(), bandits.draw(numpy.random.default_rng(4), 3, 5, 6)
    used = []

    def predict(*args):
        used.append(learner.predict(*args))
        return used[-1]

    spied = learner._replace(predict=predict)
    episodes = acting.play(spied, meta, BERNOULLI, problem, noise)
    computed = learner.along(meta, acting.histories(episodes))  # (M N, T, A)
    return Claim(computed, numpy.concatenate(used, axis=1), tolerance=1e-13)


@theorem(lesson="rl2", source="Causality")
def no_action_depends_on_later_rewards():
    """With other rewards from step t on, no action up to t changes, and some action after it does.

    The rewards are turned from step t on: an arm that paid does not, and the other way round.
    """
    (learner, meta), (problem, noise) = agent(), bandits.draw(numpy.random.default_rng(5), 4, 50, 6)
    act = lambda world: acting.play(learner, meta, BERNOULLI, problem, {**noise, "world": world})
    before, computed = act(noise["world"]), []
    turned = numpy.moveaxis(before.reward, -1, 0)  # as noise, 1 pays nobody and 0 everybody
    for t in range(5):
        after = act(numpy.concatenate([noise["world"][:t], turned[t:]]))
        changed = (before.action != after.action).any(axis=(0, 1, 3))  # (T,)
        computed.append((changed[: t + 1].any(), changed[t + 1 :].any()))
    return Claim(computed, [(False, True)] * 5, tolerance=0.0)


# ---- Rollouts ----


def by_hand(problem, noise):
    """Actions (M, N, T, A) and rewards (M, N, T) of the fixed policy, one pull at a time."""
    T, M, N = noise["world"].shape
    action, reward = numpy.zeros((M, N, T, 3)), numpy.zeros((M, N, T))
    for m, n, t in itertools.product(range(M), range(N), range(T)):
        arm, left = 0, noise["agent"][t, m, n]
        while left >= POLICY[arm]:
            left, arm = left - POLICY[arm], arm + 1
        action[m, n, t, arm] = 1.0
        reward[m, n, t] = float(noise["world"][t, m, n] < problem[m, arm])
    return action, reward


@theorem(lesson="bandits", source=DEFINITION)
def a_rollout_is_a_loop_over_pulls():
    """A rollout of all tasks and episodes is what a loop plays, one pull at a time."""
    problem, noise = bandits.draw(numpy.random.default_rng(6), 3, 4, 5, arms=3)
    episodes = acting.play(LEARNER, META, BERNOULLI, problem, noise)
    action, reward = by_hand(problem, noise)
    computed = numpy.concatenate([episodes.action, episodes.reward[..., None]], axis=-1)
    exactly = numpy.concatenate([action, reward[..., None]], axis=-1)
    return Claim(computed, exactly, tolerance=0.0)


@theorem(lesson="bandits", source="Common random numbers")
def same_noise_compares_two_arms():
    """On the same noise the rewards of two arms differ with variance d (1 - d), d = |p - p'|.

    On noise of their own it would be p (1 - p) + p' (1 - p').
    """
    noise, problem = every_history(1), ARMS[None]
    paid = []
    for arm in range(3):
        pull = lambda memory, seen, now, arm=arm: (memory, np.eye(3)[[[arm] * len(seen[0])]])
        paid.append(environment.rollout(BERNOULLI, pull, problem, noise).reward)
    computed = [numpy.var(paid[i] - paid[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    apart = abs(ARMS[[0, 0, 1]] - ARMS[[1, 2, 2]])
    return Claim(computed, apart * (1 - apart), tolerance=1e-15)


@theorem(lesson="bandits", source="Geometric series")
def returns_of_a_constant_reward():
    """A reward of 1 at every step returns (1 - discount^(T-t)) / (1 - discount), or T - t."""
    left, discounts = numpy.arange(6.0, 0.0, -1.0), (0.0, 0.5, 0.9)
    computed = [environment.returns(numpy.ones((2, 3, 6)), g)[1, 2] for g in (*discounts, 1.0)]
    exactly = [(1 - g**left) / (1 - g) for g in discounts]
    return Claim(computed, [*exactly, left], tolerance=1e-14)


def mortal(problem):
    """One reward a step, and an end of each episode with this probability; the place counts."""
    return Environment(
        lambda _, noise: np.zeros((*np.shape(noise), 1)),
        lambda _, place, action, noise: (
            place + 1.0,
            np.ones_like(noise),
            (noise < problem).astype(noise.dtype),
        ),
        lambda _, place: place,
    )


@theorem(lesson="bandits", source="Geometric series")
def nothing_counts_after_the_end():
    """If steps end an episode with probability q, t of them earn (1 - (1-q)^t) / q on average.

    The place, which counts the steps, is held from the end on, and so has the same mean.
    """
    T, q = 3, 0.25
    wait = lambda memory, seen, now: (memory, np.ones_like(seen))
    episodes = environment.rollout(mortal(q), wait, (), every_history(T, agent=1))
    earned = numpy.cumsum(episodes.reward, axis=-1).mean(axis=(0, 1))
    place = episodes.observation[..., 0].mean(axis=(0, 1))
    steps = numpy.arange(T + 1)
    exactly = (1 - (1 - q) ** steps) / q
    return Claim([earned, place], [exactly[1:], exactly[:-1]], tolerance=1e-14)


@theorem(lesson="bandits", source=DEFINITION)
def a_recorded_rollout_is_the_rollout():
    """A rollout's value and gradient, recorded on one noise, are exact when replayed on another."""
    (learner, meta), rng = agent(), numpy.random.default_rng(7)
    follow = policy_gradient.meta_gradient(learner, BERNOULLI, leave_one_out, discount=0.9)
    fast, draws = replay(follow), [bandits.draw(rng, 2, 3, 4) for _ in range(3)]
    numbers = lambda step, data: np.append(flatten(step(meta, data)[1]), step(meta, data)[0])
    return Claim(
        [numbers(fast, data) for data in draws],
        [numbers(follow, data) for data in draws],
        tolerance=0.0,
    )
