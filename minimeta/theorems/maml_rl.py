"""Theorems on MAML from rewards: the Gaussian bandit in closed form, and navigation.

Averages over the actions of the bandit are taken by Gauss-Hermite quadrature. The integrands are
polynomials in the noise of at most the ninth degree, which five nodes integrate exactly.
"""

import itertools
import math

import numpy

from minimeta.agents import dice, maml_rl
from minimeta.agents.policy_gradient import leave_one_out, no_baseline
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.replay import replay
from minimeta.core.trees import copies, flatten, tree_map
from minimeta.exact import gaussian_bandit
from minimeta.exact import navigation as exact
from minimeta.nets import Net, mlp
from minimeta.tasks import navigation, rollout
from minimeta.tasks.navigation import NAVIGATION
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, FINN, has_mean, hessian

FOERSTER = "Foerster et al. 2018, arXiv:1802.05098"
SHEDIVAT = "Al-Shedivat et al. 2018, arXiv:1710.03641"
DEVIATION, ALPHA, EPISODES = 0.5, 0.1, 5
THETA, GOAL = numpy.array([0.7, -0.1]), numpy.array([0.2, -0.6])
BANDIT = navigation.environment(unit=1.0, limit=math.inf, cost=navigation.squared_distance)
FREE = navigation.environment(limit=math.inf, cost=navigation.squared_distance)

# The mean action is a vector, whatever is observed; and it is linear in what is observed.
CONSTANT = Net(
    lambda rng: {"mean": THETA},
    lambda params, x: np.expand_dims(params["mean"], -2) + np.zeros_like(x),
)
LINEAR = mlp([2, 2])
WEIGHTS = [{"W": numpy.array([[-2.0, 1.0], [-0.5, -1.0]]), "b": numpy.array([0.3, -0.2])}]


# ---- The Gaussian bandit ----


def every_noise(actions, nodes=5):
    """Noise (N, actions, 2) and weights (N,) whose weighted sum is the mean over normal noise."""
    points, weights = numpy.polynomial.hermite_e.hermegauss(nodes)
    index = numpy.array(list(itertools.product(range(nodes), repeat=2 * actions)))
    weight = (weights / weights.sum())[index].prod(axis=-1)
    return points[index].reshape(-1, actions, 2), weight


def sampled_step(theta, actions):
    """theta' and g, for actions (N, actions, 2): (N, 2) each."""
    reward = -np.sum((actions - GOAL) ** 2, axis=-1, keepdims=True)
    g = np.mean(reward * (actions - theta), axis=1) / DEVIATION**2
    return theta + ALPHA * g, g


def average_after_step(theta, episodes, given=False):
    """E J(theta') by quadrature; with `given` the actions are constants to every gradient."""
    noise, weight = every_noise(episodes)
    actions = theta + DEVIATION * noise
    after, _ = sampled_step(theta, constant(actions) if given else actions)
    earned = -np.sum((after - GOAL) ** 2, axis=-1) - 2 * DEVIATION**2
    return np.sum(weight * earned)


def setting(episodes):
    """The arguments of the closed forms."""
    return THETA, GOAL, DEVIATION, ALPHA, episodes


@theorem(lesson="maml_rl", source=FINN)
def half_a_step_size_reaches_any_goal():
    """On the Gaussian bandit one exact step with alpha = 1/2 leads from any start to any goal."""
    theta, goal = numpy.random.default_rng(0).normal(size=(2, 50, 3))
    gradient = grad(lambda theta: np.sum(gaussian_bandit.value(theta, goal, DEVIATION)))(theta)
    computed = [gaussian_bandit.exact_step(theta, goal, 0.5), theta + 0.5 * gradient]
    return Claim(computed, [goal, goal], tolerance=1e-14)


@theorem(lesson="maml_rl", source=FINN)
def the_value_is_the_mean_reward():
    """The mean reward of a normal action is -|theta - goal|^2 - D s^2, by quadrature."""
    noise, weight = every_noise(1)
    reward = -numpy.sum((THETA + DEVIATION * noise[:, 0] - GOAL) ** 2, axis=-1)
    return Claim(gaussian_bandit.value(THETA, GOAL, DEVIATION), weight @ reward, tolerance=1e-13)


@theorem(lesson="maml_rl", source=SHEDIVAT)
def the_spread_of_the_sampled_gradient():
    """The sampled inner gradient has the variance of the closed form, for one action and two."""
    computed, exactly = [], []
    for episodes in (1, 2):
        noise, weight = every_noise(episodes)
        _, g = sampled_step(THETA, THETA + DEVIATION * noise)
        exactly.append(weight @ numpy.sum((g - weight @ g) ** 2, axis=-1))
        computed.append(gaussian_bandit.spread(THETA, GOAL, DEVIATION, episodes))
    return Claim(computed, exactly, tolerance=1e-11)


@theorem(lesson="maml_rl", source=SHEDIVAT)
def the_value_after_a_sampled_step():
    """A sampled step earns what an exact one does, less alpha^2 times the gradient's variance."""
    computed = [gaussian_bandit.value_after_step(*setting(n)) for n in (1, 2)]
    return Claim(computed, [average_after_step(THETA, n) for n in (1, 2)], tolerance=1e-12)


@theorem(lesson="maml_rl", source=SHEDIVAT)
def the_meta_gradient_of_the_bandit():
    """The exact meta-gradient is that of the quadrature, whose actions move with the start."""
    exactly = [grad(lambda theta, n=n: average_after_step(theta, n))(THETA) for n in (1, 2)]
    computed = [gaussian_bandit.meta_gradient(*setting(n)) for n in (1, 2)]
    return Claim(computed, exactly, tolerance=1e-12)


@theorem(lesson="maml_rl", source=SHEDIVAT)
def the_part_with_the_actions_given():
    """With the actions of the inner step as constants the quadrature has the pathwise gradient.

    The noise's distribution then stands still, so only theta' = theta + alpha g moves.
    """
    exactly = [grad(lambda theta, n=n: average_after_step(theta, n, True))(THETA) for n in (1, 2)]
    computed = [gaussian_bandit.pathwise_gradient(*setting(n)) for n in (1, 2)]
    return Claim(computed, exactly, tolerance=1e-12)


def sampled(surrogate, inner=maml_rl.reinforce, batches=40, tasks=1500):
    """Ascent directions of the library from independent batches of the one bandit: (batches, 2)."""
    policy, rng = maml_rl.gaussian(CONSTANT, DEVIATION), numpy.random.default_rng(1)
    follow = maml_rl.meta_gradient(policy, BANDIT, (ALPHA,), surrogate, no_baseline, inner)
    drawn = []
    for _ in range(batches):
        _, noises = navigation.draw(rng, tasks, EPISODES, 1, batches=2)
        data = numpy.tile(GOAL, (tasks, 1)), noises
        drawn.append(-follow({"mean": THETA}, data)[1]["mean"])
    return numpy.stack(drawn)


@theorem(lesson="maml_rl", source=SHEDIVAT)
def the_score_term_makes_the_meta_gradient_right():
    """With the score term sampled meta-gradients of the bandit have the exact one as mean."""
    return has_mean(sampled(maml_rl.with_score), gaussian_bandit.meta_gradient(*setting(EPISODES)))


@theorem(lesson="maml_rl", source=SHEDIVAT)
def the_first_surrogate_follows_the_pathwise_gradient():
    """Without the score term their mean is the pathwise gradient, here half as long again."""
    exactly = gaussian_bandit.pathwise_gradient(*setting(EPISODES))
    return has_mean(sampled(maml_rl.given_episodes), exactly)


@theorem(lesson="maml_rl", source=FOERSTER)
def the_gradient_with_dice_inside():
    """DiCE in the inner step alone gives the closed form, for one action and two, by quadrature."""
    computed, exactly = [], []
    for episodes in (1, 2):
        noise, weight = every_noise(episodes)
        after, _ = sampled_step(THETA, THETA + DEVIATION * noise)
        reward = -numpy.sum((THETA + DEVIATION * noise - GOAL) ** 2, axis=-1)
        squares = (noise[..., None] * noise[..., None, :] - numpy.eye(2)) / DEVIATION**2
        H = numpy.mean(reward[..., None, None] * squares, axis=1)
        uphill = -2.0 * (after - GOAL)
        exactly.append(weight @ (uphill + ALPHA * numpy.einsum("nij,nj->ni", H, uphill)))
        computed.append(gaussian_bandit.dice_gradient(*setting(episodes)))
    return Claim(computed, exactly, tolerance=1e-11)


@theorem(lesson="maml_rl", source=FOERSTER)
def sampled_meta_gradients_with_dice_inside():
    """With DiCE inside and no score term sampled meta-gradients have the closed form as mean.

    This is nearer to the exact meta-gradient than without both, and not there.
    """
    exactly = gaussian_bandit.dice_gradient(*setting(EPISODES))
    return has_mean(sampled(maml_rl.given_episodes, dice.objective), exactly)


@theorem(lesson="maml_rl", source=FOERSTER)
def dice_inside_needs_many_episodes():
    """With ever more episodes the gradient of DiCE inside tends to the exact meta-gradient.

    Without DiCE the gradient stays away from it, by -2 alpha (1 - 2 alpha) (2 - J / s^2) d.
    """
    many = setting(10**9)
    limit = gaussian_bandit.meta_gradient(*many)
    reward = gaussian_bandit.value(THETA, GOAL, DEVIATION)
    error = -2 * ALPHA * (1 - 2 * ALPHA) * (2 - reward / DEVIATION**2) * (THETA - GOAL)
    computed = [gaussian_bandit.dice_gradient(*many), gaussian_bandit.pathwise_gradient(*many)]
    return Claim(computed, [limit, limit + error], tolerance=1e-7)


@theorem(lesson="maml_rl", source=FINN)
def exact_steps_start_from_the_mean_goal():
    """If inner gradients are exact, the best start of the bandit is the mean of the goals.

    The value is a parabola of the start, so one Newton step from anywhere finds its top.
    """
    goals, alpha = numpy.random.default_rng(2).normal(size=(7, 2)), 0.2
    after = lambda theta: gaussian_bandit.exact_step(theta + np.zeros_like(goals), goals, alpha)
    total = lambda theta: np.mean(gaussian_bandit.value(after(theta), goals, DEVIATION))
    gradient, curvature = grad(total)(THETA), grad(lambda t: np.sum(grad(total)(t)))(THETA)
    return Claim(THETA - gradient / curvature, goals.mean(axis=0), tolerance=1e-13)


# ---- Navigation ----


@theorem(lesson="maml_rl", source=DEFINITION)
def a_walk_is_a_loop_over_steps():
    """Rewards of a rollout are those of a loop that moves one point at a time, clipped.

    So a rollout is a function of the policy and the noise alone.
    """
    goals, (noise,) = navigation.draw(numpy.random.default_rng(3), 3, 4, 6)
    policy = maml_rl.gaussian(LINEAR, DEVIATION)
    episodes = maml_rl.play(policy, copies(WEIGHTS, 3), NAVIGATION, goals, noise)
    W, b, rewards = WEIGHTS[0]["W"], WEIGHTS[0]["b"], numpy.zeros((3, 4, 6))
    for m, n in itertools.product(range(3), range(4)):
        x = numpy.zeros(2)
        for t in range(6):
            action = (x / 0.5) @ W + b + DEVIATION * noise["agent"][t, m, n]
            x = x + 0.1 * numpy.minimum(1.0, numpy.maximum(-1.0, action))
            rewards[m, n, t] = -math.hypot(*(x - goals[m]))
    return Claim(episodes.reward, rewards, tolerance=1e-14)


@theorem(lesson="maml_rl", source="Causality")
def only_a_step_tells_a_policy_of_its_goal():
    """With another goal no action before the inner step changes, and all actions after it do."""
    policy, rng = maml_rl.gaussian(mlp([2, 4, 2], np.tanh)), numpy.random.default_rng(4)
    theta = policy.init(rng)
    goals, noises = navigation.draw(rng, 3, 4, 5, batches=2)
    live = lambda goals: maml_rl.live(policy, theta, NAVIGATION, goals, noises, (0.5,))
    changed = [a.action != b.action for a, b in zip(live(goals), live(-goals))]
    return Claim([changed[0].any(), changed[1].all()], [False, True], tolerance=0.0)


@theorem(lesson="maml_rl", source="Causality")
def an_inner_step_judges_actions_by_later_rewards():
    """Other rewards in the first three steps change the advantages of their actions and no later.

    The inner step knows of the rewards through the advantages alone.
    """
    policy, rng = maml_rl.gaussian(LINEAR), numpy.random.default_rng(5)
    goals, (noise,) = navigation.draw(rng, 2, 3, 5)
    episodes = maml_rl.play(policy, copies(WEIGHTS, 2), NAVIGATION, goals, noise)
    other = episodes.reward + rng.normal(size=(2, 3, 5)) * (numpy.arange(5) < 3)
    weights = [
        maml_rl.advantages(episodes._replace(reward=reward)) for reward in (episodes.reward, other)
    ]
    same = numpy.isclose(*weights, rtol=0, atol=1e-13).all(axis=(0, 1))
    return Claim(same, numpy.arange(5) >= 3, tolerance=0.0)


def linear_return(params, goal, steps=6):
    """The exact return of a linear policy."""
    return exact.linear_return(params[0]["W"], params[0]["b"], goal, DEVIATION, steps)


@theorem(lesson="maml_rl", source="Kalman 1960")
def a_linear_policy_has_an_exact_return():
    """Without clipping the mean return of a linear policy is that by mean and covariance."""
    goals = numpy.array([[0.3, -0.4], [-0.1, 0.2]])
    _, (noise,) = navigation.draw(numpy.random.default_rng(6), 2, 20_000, 6)
    policy = maml_rl.gaussian(LINEAR, DEVIATION)
    episodes = maml_rl.play(policy, copies(WEIGHTS, 2), FREE, goals, noise)
    exactly = [linear_return(WEIGHTS, goal) for goal in goals]
    return has_mean(episodes.reward.sum(axis=-1).T, exactly)


@theorem(lesson="maml_rl", source="Williams 1992")
def an_inner_step_climbs_the_exact_return():
    """On average the inner step of a linear policy is alpha / T times the gradient of its return.

    Every task has the one goal, so each makes an independent step.
    """
    goal, tasks, steps = numpy.array([0.3, -0.4]), 4000, 6
    _, (noise,) = navigation.draw(numpy.random.default_rng(7), tasks, 8, steps)
    policy, start = maml_rl.gaussian(LINEAR, DEVIATION), copies(WEIGHTS, tasks)
    episodes = maml_rl.play(policy, start, FREE, numpy.tile(goal, (tasks, 1)), noise)
    after = maml_rl.adapt(policy, start, episodes, 2.0)
    (change,) = tree_map(lambda new, old: (new - old).reshape(tasks, -1), after, start)
    gradient = grad(lambda params: linear_return(params, goal))(WEIGHTS)[0]
    exactly = [2.0 / steps * gradient[name].ravel() for name in ("W", "b")]
    both = numpy.concatenate([change["W"], change["b"]], axis=-1)
    return has_mean(both, numpy.concatenate(exactly))


@theorem(lesson="maml_rl", source=FOERSTER)
def second_derivatives_of_dice_are_those_of_the_return():
    """The mean of DiCE's second derivatives is that of the exact return, whatever the baseline.

    Two steps of a linear policy without clipping; all noise by quadrature, each node a task.
    """
    noise, weight = every_noise(2)
    noise, goal, tasks = noise.swapaxes(0, 1)[:, :, None], numpy.array([0.3, -0.4]), len(weight)
    noises = {"world": numpy.zeros_like(noise), "agent": noise}
    policy, goals = maml_rl.gaussian(LINEAR, DEVIATION), numpy.tile(goal, (tasks, 1))
    episodes = maml_rl.play(policy, copies(WEIGHTS, tasks), FREE, goals, noises)
    low = lambda gain: 0.0 * gain - 0.7
    objective = lambda params: np.sum(
        weight * dice.objective(policy, copies(params, tasks), episodes, low)
    )
    exactly = hessian(lambda params: linear_return(params, goal, steps=2) / 2, WEIGHTS)
    return Claim(hessian(objective, WEIGHTS), exactly, tolerance=1e-12)


@theorem(lesson="maml_rl", source=FOERSTER)
def dice_takes_the_inner_step_of_reinforce():
    """An inner step along DiCE's objective is the step along that of REINFORCE."""
    policy, rng = maml_rl.gaussian(LINEAR), numpy.random.default_rng(11)
    goals, (noise,) = navigation.draw(rng, 3, 4, 5)
    phi = copies(WEIGHTS, 3)
    episodes = maml_rl.play(policy, phi, NAVIGATION, goals, noise)
    done = numpy.tile([0.0, 0.0, 0.0, 1.0, 1.0], (3, 4, 1))  # as if they had ended before the last
    episodes = episodes._replace(done=done, reward=episodes.reward * numpy.array([1, 1, 1, 1, 0.0]))
    step = lambda *inner: flatten(maml_rl.adapt(policy, phi, episodes, 0.4, leave_one_out, *inner))
    return Claim(step(dice.objective), step(), tolerance=1e-13)


@theorem(lesson="maml_rl", source=DEFINITION)
def no_path_is_better_than_the_straight_one():
    """No sequence of three moves of half or whole units earns more than the best path.

    All 15,625 sequences are tried; the goals are such that the best path is among them.
    """
    moves = numpy.array(list(itertools.product((-1.0, -0.5, 0.0, 0.5, 1.0), repeat=2)))
    index = numpy.array(list(itertools.product(range(25), repeat=3)))  # (N, T)
    goals = numpy.array([[0.25, -0.05], [0.1, 0.4], [0.0, -0.15]])
    noise = {
        "world": np.zeros((3, 1, len(index), 2)),
        "agent": moves[index].swapaxes(0, 1)[:, None],
    }
    walk = lambda memory, seen, now: (memory, now)
    best = [
        rollout(NAVIGATION, walk, goal[None], noise).reward.sum(axis=-1).max() for goal in goals
    ]
    return Claim(exact.best_return(goals, 3), best, tolerance=1e-13)


@theorem(lesson="maml_rl", source=DEFINITION)
def one_gradient_for_all_tasks_is_that_of_each():
    """Without the score term the meta-gradient of a batch is the mean of those of its tasks."""
    policy, rng = maml_rl.gaussian(mlp([2, 4, 2], np.tanh)), numpy.random.default_rng(8)
    follow = maml_rl.meta_gradient(policy, NAVIGATION, (0.4, 0.2), maml_rl.given_episodes)
    theta, (goals, noises) = policy.init(rng), navigation.draw(rng, 3, 4, 5, batches=3)
    each = []
    for m in range(3):
        own = tree_map(lambda leaf: leaf[:, m : m + 1], noises)  # noqa: B023  (used at once)
        each.append(flatten(follow(theta, (goals[m : m + 1], own))[1]))
    computed = flatten(follow(theta, (goals, noises))[1])
    return Claim(computed, numpy.mean(each, axis=0), tolerance=1e-12)


@theorem(lesson="maml_rl", source=FINN)
def without_an_inner_step_it_is_the_policy_gradient():
    """With alpha = 0 and no score term MAML follows REINFORCE on all goals at once."""
    policy, rng = maml_rl.gaussian(LINEAR), numpy.random.default_rng(9)
    goals, noises = navigation.draw(rng, 3, 4, 5, batches=2)
    follow = maml_rl.meta_gradient(policy, NAVIGATION, (0.0,), maml_rl.given_episodes)
    episodes = maml_rl.play(policy, copies(WEIGHTS, 3), NAVIGATION, goals, noises[1])
    ahead = episodes.reward[..., ::-1].cumsum(axis=-1)[..., ::-1]
    advantage = (ahead - ahead.mean(axis=1, keepdims=True)) * 4 / 3  # N / (N - 1): the others' mean
    mean = episodes.observation @ WEIGHTS[0]["W"] + WEIGHTS[0]["b"]
    score = (episodes.action - mean) / 0.5**2 * advantage[..., None] / 12  # over M N episodes
    by_hand = {"W": numpy.einsum("mnti,mnta->ia", episodes.observation, score)}
    by_hand["b"] = score.sum(axis=(0, 1, 2))
    return Claim(-flatten(follow(WEIGHTS, (goals, noises))[1]), flatten([by_hand]), tolerance=1e-12)


@theorem(lesson="maml_rl", source=DEFINITION)
def a_recorded_meta_gradient_is_the_meta_gradient():
    """A step of MAML that was recorded on some goals and noise is exact when replayed on others."""
    policy, rng = maml_rl.gaussian(mlp([2, 3, 2], np.tanh)), numpy.random.default_rng(10)
    follow, theta = maml_rl.meta_gradient(policy, NAVIGATION, (0.4, 0.2)), policy.init(rng)
    fast, draws = replay(follow), [navigation.draw(rng, 3, 4, 5, batches=3) for _ in range(3)]
    numbers = lambda step: [np.append(flatten(v[1]), v[0]) for v in (step(theta, d) for d in draws)]
    return Claim(numbers(fast), numbers(follow), tolerance=1e-13)
