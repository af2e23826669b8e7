"""Theorems on LPG: which fixed rules it contains, and what its meta-gradient is, exactly."""

import itertools

import numpy

from minimeta.agents import critics, lpg, policy_gradient
from minimeta.agents import tabular as agents
from minimeta.agents.lpg import NONE
from minimeta.agents.policy_gradient import leave_one_out, no_baseline
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import softmax
from minimeta.core.replay import replay
from minimeta.core.trees import flatten, tree_map
from minimeta.exact import policy_gradient as of_bandits
from minimeta.exact import tabular as exact
from minimeta.nets import Net
from minimeta.nets.lstm import plain_lstm
from minimeta.tasks import Episodes, returns, tabular
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import CALCULUS, DEFINITION, all_episodes

OH = "Oh et al. 2020, arXiv:2007.08794"
STEP = 0.7
TABLE = Net(lambda rng: {}, lambda params, x: np.matmul(x, params["logits"]))


def draw_rule(seed=0):
    """eta with targets of about one, so that steps are large."""
    eta = lpg.init(numpy.random.default_rng(seed), hidden=4, predictions=3, embedding=5)
    return {**eta, "targets": tree_map(lambda leaf: 3.0 * leaf + 0.1, eta["targets"])}


def draw_life(seed=0, tasks=2, episodes=3, steps=4, updates=1, family=tabular.random_mdps):
    """A problem, noises, agents in the midst of life, and what they live through first."""
    rng = numpy.random.default_rng(seed)
    problem, noises = tabular.draw(rng, tasks, episodes, steps, updates, family)
    agent = {
        "logits": rng.normal(size=problem.reward.shape),
        "prediction": rng.normal(size=(*problem.start.shape, 3)),
        "values": rng.normal(size=problem.start.shape),
    }
    return problem, noises, agent, agents.play(agent, problem, noises[0])


def ascend(logits, episodes, advantage):
    """logits + STEP times autograd's gradient of the surrogate of REINFORCE, task by task."""
    after = []
    for m, table in enumerate(logits):
        own = tree_map(lambda part, m=m: part[m : m + 1], episodes)
        loss = lambda params, own=own, m=m: policy_gradient.surrogate(
            policy_gradient.learner(TABLE), params, own, advantage[m : m + 1]
        )
        after.append(table + STEP * grad(loss)({"logits": table})["logits"])
    return numpy.stack(after)


def policy_values(problem, logits):
    """The logits of policies and, behind them, their exact values at four steps."""
    values = exact.state_values(problem, softmax(logits), 4)
    return numpy.concatenate([logits.ravel(), values.ravel()])


# ---- Fixed rules within LPG ----


@theorem(lesson="objectives", source=OH)
def with_the_return_as_target_it_is_reinforce():
    """Targets G_t - b_t without a prediction make LPG's step that of REINFORCE, and its values."""
    problem, _, agent, episodes = draw_life()
    computed, exactly = [], []
    for baseline in (no_baseline, leave_one_out):
        gain = returns(episodes.reward)
        target = gain - baseline(gain), np.zeros((*gain.shape, 3))
        after = lpg.step(agent, episodes, target, STEP, prediction_step=0.0)
        computed.append(policy_values(problem, after["logits"]))
        advantage = policy_gradient.advantages(episodes, baseline)
        exactly.append(policy_values(problem, ascend(agent["logits"], episodes, advantage)))
    return Claim(computed, exactly, tolerance=1e-12)


def advantages_by_hand(values, episodes, decay):
    """sum_k decay^k delta_t+k, one sum after the other: (M, N, T)."""
    T, V = episodes.reward.shape[-1], episodes.observation @ values[:, None, :, None]
    V = numpy.concatenate([V[..., 0], numpy.zeros_like(V[:, :, :1, 0])], axis=-1)
    delta = episodes.reward + V[..., 1:] - V[..., :-1]
    late = [sum(decay ** (k - t) * delta[..., k] for k in range(t, T)) for t in range(T)]
    return numpy.stack(late, axis=-1)


@theorem(lesson="objectives", source=OH)
def with_the_advantage_as_target_it_is_a2c():
    """Targets that are a critic's decayed errors make LPG's step that of the actor of A2C."""
    problem, _, agent, episodes = draw_life(seed=1)
    values = agents.look_up(agent["values"][..., None], episodes)[..., 0]
    target = critics.advantages(episodes, values, trace_decay=0.8)
    empty = np.zeros((*target.shape, 3))
    after = lpg.step(agent, episodes, (target, empty), STEP, prediction_step=0.0)["logits"]
    rule = agents.actor_critic(agent, episodes, STEP, 0.3, 0.8)["logits"]
    by_hand = advantages_by_hand(agent["values"], episodes, 0.8)
    exactly = policy_values(problem, ascend(agent["logits"], episodes, by_hand))
    computed = [policy_values(problem, after), policy_values(problem, rule)]
    return Claim(computed, [exactly, exactly], tolerance=1e-12)


@theorem(lesson="objectives", source=DEFINITION)
def a_critic_follows_its_squared_error():
    """A2C's critic descends mean_n sum_t (V - constant(V + target))^2 / 2."""
    _, _, agent, episodes = draw_life(seed=2)
    after = agents.actor_critic(agent, episodes, STEP, 0.3, 0.8)["values"]
    look = lambda values: np.matmul(episodes.observation, values[:, None, :, None])[..., 0]
    goal = look(agent["values"]) + advantages_by_hand(agent["values"], episodes, 0.8)
    loss = lambda values: np.sum((look(values) - goal) ** 2) / 2.0 / 3.0  # N = 3 episodes
    exactly = agent["values"] - 0.3 * grad(loss)(agent["values"])
    return Claim(after, exactly, tolerance=1e-12)


@theorem(lesson="objectives", source=CALCULUS)
def predictions_descend_the_divergence():
    """The step of the predictions is along the gradient of mean_n sum_t KL(y(s_t) | q_t)."""
    _, _, agent, episodes = draw_life(seed=3)
    q = numpy.random.default_rng(3).dirichlet(numpy.ones(3), size=(2, 3, 4))
    target = np.zeros((2, 3, 4)), np.log(q)
    after = lpg.step(agent, episodes, target, STEP, prediction_step=0.4)["prediction"]

    def divergence(logits):
        y = np.matmul(episodes.observation, softmax(logits)[:, None])  # (M, N, T, C)
        return np.sum(y * np.log(y / q)) / 3.0  # N = 3 episodes

    exactly = agent["prediction"] - STEP * 0.4 * grad(divergence)(agent["prediction"])
    return Claim(after, exactly, tolerance=1e-12)


@theorem(lesson="objectives", source=CALCULUS)
def a_constant_in_the_target_changes_no_mean():
    """Averaged over all histories the step of LPG is the same if every target is larger by one.

    A baseline that no action changes is such a constant.
    """
    rng = numpy.random.default_rng(4)
    problem = tabular.random_mdps(rng, 1, states=2, actions=2)
    logits = rng.normal(size=(1, 2, 2))
    episodes, chances = all_episodes(problem, softmax(logits), 3)
    agent = {"logits": logits + np.zeros((len(chances), 1, 1)), "prediction": np.zeros((1, 2, 3))}
    empty, p = np.zeros((len(chances), 1, 3, 3)), returns(episodes.reward)
    mean = lambda p: np.tensordot(
        chances, lpg.step(agent, episodes, (p, empty), STEP)["logits"], axes=1
    )
    return Claim(mean(p + 1.0), mean(p), tolerance=1e-13)


# ---- What the rule sees ----


@theorem(lesson="objectives", source="Causality")
def targets_depend_on_later_steps_alone():
    """A reward at step k changes the targets of the steps up to k and of none after it."""
    _, _, agent, episodes = draw_life(seed=5)
    before, eta, changed = lpg.targets(draw_rule(), agent, episodes), draw_rule(), []
    for k in range(4):
        reward = episodes.reward + (numpy.arange(4) == k)
        after = lpg.targets(eta, agent, episodes._replace(reward=reward))
        changed.append(
            [
                (before[0] != after[0]).all(axis=(0, 1)),
                (before[1] != after[1]).all(axis=(0, 1, 3)),
            ]
        )
    exactly = [[numpy.arange(4) <= k] * 2 for k in range(4)]
    return Claim(changed, exactly, tolerance=0.0)


@theorem(lesson="objectives", source=DEFINITION)
def what_follows_the_end_teaches_nothing():
    """An episode that has ended teaches the same however long it is held, in chains."""
    problem, _, agent, episodes = draw_life(
        seed=6, episodes=1, steps=12, family=lambda rng, tasks: tabular.chains(rng, tasks, 3)
    )
    ended = episodes.done[:, :, -2].all()  # else the last step would count as an end of its own
    length = 1 + int((episodes.done == 0.0).sum(axis=-1).max())
    short = tree_map(lambda part: part[:, :, :length], episodes)
    full, cut = (lpg.update(draw_rule(), agent, part, STEP) for part in (episodes, short))
    computed = numpy.append(flatten(full), float(ended and length < 11))
    return Claim(computed, numpy.append(flatten(cut), 1.0), tolerance=1e-13)


@theorem(lesson="objectives", source=DEFINITION)
def names_of_states_and_actions_do_not_matter():
    """With states and actions in another order, agents learn the same in that order."""
    _, _, agent, episodes = draw_life(seed=7)
    states, moves = numpy.array([3, 0, 4, 1, 2]), numpy.array([2, 0, 1])
    order = lambda tables: {
        "logits": tables["logits"][:, states][:, :, moves],
        "prediction": tables["prediction"][:, states],
    }
    other = episodes._replace(
        observation=episodes.observation[..., states], action=episodes.action[..., moves]
    )
    computed = lpg.update(draw_rule(), order(agent), other, STEP)
    exactly = order(lpg.update(draw_rule(), agent, episodes, STEP))
    return Claim(flatten(computed), flatten(exactly), tolerance=1e-13)


# ---- The meta-gradient ----


@theorem(lesson="objectives", source=OH)
def the_meta_gradient_of_one_update_of_a_bandit():
    """Of one pull's targets p_n it is -step_size/N (e_a - pi_0) . (pi_1 o (r - J_1)) / room.

    p_n = h_n w + b, so that of w it is the same times h_n, the LSTM's state by a plain cell. `room`
    is what the best policy earns more than the uniform one.
    """
    eta, (problem, noises, _, _) = draw_rule(), draw_life(seed=8, steps=1, family=tabular.bandits)
    _, gradient = lpg.meta_gradient(STEP, updates=1, regularisers=NONE)(eta, (problem, noises))
    agent = lpg.start(eta, problem)
    episodes, r = agents.play(agent, problem, noises[0]), problem.reward[:, 0]
    h, _ = plain_lstm(eta["lstm"], lpg.look(eta, agent, episodes))
    h = h[:, :, 0]  # (M, N, H)
    p = h @ eta["targets"]["W"][:, 0] + eta["targets"]["b"][0]  # (M, N)
    scores = episodes.action[:, :, 0] - 1 / 3  # e_a - pi_0: (M, N, A)
    after = softmax(STEP * numpy.mean(p[..., None] * scores, axis=1))
    worth = scores @ of_bandits.gradient(after, r)[..., None]  # (M, N, 1)
    room = (r.max(axis=-1) - r.mean(axis=-1))[:, None, None]
    weight = -STEP * worth / room / worth.size
    exactly = numpy.append(numpy.sum(weight * h, axis=(0, 1)), weight.sum())
    computed = numpy.append(gradient["targets"]["W"][:, 0], gradient["targets"]["b"][0])
    return Claim(computed, exactly, tolerance=1e-13)


@theorem(lesson="objectives", source=CALCULUS)
def the_jacobian_of_the_bandits_gradient():
    """After two exact steps of size c from logits_0 the derivative in c is g_0 + g_1 + c Dg g_0.

    g = pi o (r - J) is the gradient before each step; at the second Dg = diag(g) - g pi' - pi g'.
    """
    rng, c = numpy.random.default_rng(9), 0.8
    logits, r = rng.normal(size=3), rng.normal(size=3)
    g = lambda logits: of_bandits.gradient(softmax(logits), r)
    J = lambda c: of_bandits.value(softmax(twice(c)), r)
    twice = lambda c: logits + c * g(logits) + c * g(logits + c * g(logits))
    first, pi = logits + c * g(logits), softmax(logits + c * g(logits))
    Dg = numpy.diag(g(first)) - numpy.outer(g(first), pi) - numpy.outer(pi, g(first))
    exactly = g(twice(c)) @ (g(logits) + g(first) + c * Dg @ g(logits))
    return Claim(grad(J)(np.array(c)), exactly, tolerance=1e-13)


def bandit_of_two_updates():
    """eta, a bandit of three arms, and all nine pairs of arms that two updates may pull."""
    return draw_rule(seed=1), draw_life(seed=10, tasks=1, family=tabular.bandits)[0]


def two_updates(eta, problem, arms):
    """The agents before, between and after two updates by one pull each of these arms."""
    life = [lpg.start(eta, problem)]
    for arm in arms:
        pull = numpy.eye(3)[[[[arm]]]]  # (1, 1, 1, A)
        one, paid = numpy.ones((1, 1, 1, 1)), problem.reward[:, :, arm, None]
        life.append(lpg.update(eta, life[-1], Episodes(one, pull, paid, 0.0 * paid), STEP))
    return life


def mean_loss(eta, problem, given=False):
    """The sum over all pairs of arms of chance times loss; with `given` chances are constants."""
    r, total = problem.reward[0, 0], 0.0
    for arms in itertools.product(range(3), repeat=2):
        first, between, last = (softmax(a["logits"][0, 0]) for a in two_updates(eta, problem, arms))
        chance = first[arms[0]] * between[arms[1]]
        loss = -(np.sum(last * r) - np.mean(r)) / (np.max(r) - np.mean(r))
        total = total + (constant(chance) if given else chance) * loss
    return total


def averaged_meta_gradient(score):
    """The library's meta-gradient, averaged over the nine histories by their chances."""
    eta, problem = bandit_of_two_updates()
    follow = lpg.meta_gradient(STEP, updates=2, regularisers=NONE, score=score)
    total, zero = 0.0, numpy.zeros((1, 1, 1))
    for arms in itertools.product(range(3), repeat=2):
        policies = [softmax(agent["logits"][0, 0]) for agent in two_updates(eta, problem, arms)]
        chance, noises = 1.0, []
        for arm, pi in zip(arms, policies):
            middle = pi[:arm].sum() + pi[arm] / 2  # of the noise that pulls this arm
            noises.append({"world": {"start": zero, "next": zero}, "agent": zero + middle})
            chance = chance * pi[arm]
        total = total + chance * flatten(follow(eta, (problem, noises))[1])
    return total


@theorem(lesson="objectives", source="Al-Shedivat et al. 2018, arXiv:1710.03641")
def the_score_term_makes_the_meta_gradient_right():
    """With it the meta-gradient of two updates of a bandit is that of the mean over all pulls."""
    eta, problem = bandit_of_two_updates()
    exactly = flatten(grad(lambda eta: mean_loss(eta, problem))(eta))
    return Claim(averaged_meta_gradient(1.0), exactly, tolerance=1e-13)


@theorem(lesson="objectives", source="Al-Shedivat et al. 2018, arXiv:1710.03641")
def without_the_score_term_chances_are_constants():
    """Without it the meta-gradient takes the chances of the pulls for constants, as published."""
    eta, problem = bandit_of_two_updates()
    exactly = flatten(grad(lambda eta: mean_loss(eta, problem, given=True))(eta))
    return Claim(averaged_meta_gradient(0.0), exactly, tolerance=1e-13)


@theorem(lesson="objectives", source=DEFINITION)
def a_life_is_cut_into_stretches():
    """The meta-gradient of four updates, cut every two, is the mean of those of the two halves."""
    eta, (problem, noises, _, _) = draw_rule(), draw_life(seed=11, updates=4)
    whole = lpg.meta_gradient(STEP, updates=2, score=1.0)(eta, (problem, noises))
    middle = lpg.learn_through(eta, lpg.start(eta, problem), problem, noises[:2], STEP).agents[-1]

    def half(eta, agent, noises):
        stretch = lpg.learn_through(eta, agent, problem, noises, STEP)
        return np.mean(lpg.stretch_loss(stretch, problem, score=1.0))

    parts = [
        grad(half)(eta, agent, some)
        for agent, some in ((lpg.start(eta, problem), noises[:2]), (middle, noises[2:]))
    ]
    return Claim(flatten(whole[1]), sum(map(flatten, parts)) / 2, tolerance=1e-13)


@theorem(lesson="objectives", source=DEFINITION)
def one_gradient_for_all_tasks_is_that_of_each():
    """The meta-gradient of a batch is the mean of those of its tasks, the score term included."""
    eta, (problem, noises, _, _) = draw_rule(), draw_life(seed=12, updates=2)
    follow = lpg.meta_gradient(STEP, updates=2, score=1.0)
    each = []
    for m in range(2):
        own = tree_map(lambda table, m=m: table[m : m + 1], problem)
        noise = tree_map(lambda leaf, m=m: leaf[:, m : m + 1], noises)
        each.append(flatten(follow(eta, (own, noise))[1]))
    computed = flatten(follow(eta, (problem, noises))[1])
    return Claim(computed, numpy.mean(each, axis=0), tolerance=1e-12)


@theorem(lesson="objectives", source=OH)
def four_regularisers():
    """They are entropies over states and squares over steps, as a loop adds them up."""
    _, _, agent, _ = draw_life(seed=13, tasks=1)
    rng, sizes, exactly = numpy.random.default_rng(13), lpg.Regularisers(0.3, 0.2, 0.5, 0.7), 0.0
    target = rng.normal(size=(1, 3, 4)), rng.normal(size=(1, 3, 4, 3))
    for weight, table in ((0.3, agent["logits"]), (0.2, agent["prediction"])):
        for row in table[0]:
            chances = numpy.exp(row) / numpy.exp(row).sum()
            exactly += weight * sum(c * numpy.log(c) for c in chances) / 5  # S = 5 states
    for p, row in zip(target[0].ravel(), target[1].reshape(-1, 3)):
        chances = numpy.exp(row) / numpy.exp(row).sum()
        exactly += (0.5 * p**2 + 0.7 * chances @ chances) / 12  # N T = 12 steps
    return Claim(lpg.penalty(agent, [target], sizes), [exactly], tolerance=1e-14)


@theorem(lesson="objectives", source=DEFINITION)
def a_recorded_meta_gradient_is_the_meta_gradient():
    """A step of LPG that was recorded on some problems is exact when replayed on others."""
    eta, follow = draw_rule(), lpg.meta_gradient(STEP, updates=2, score=1.0)
    draws = [draw_life(seed, updates=2)[:2] for seed in (14, 15, 16)]
    fast = replay(follow)
    numbers = lambda step: [np.append(flatten(g), v) for v, g in (step(eta, d) for d in draws)]
    return Claim(numbers(fast), numbers(follow), tolerance=1e-13)
