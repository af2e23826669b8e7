"""Theorems on learned losses: linear systems in closed form, DDPG, REINFORCE and Newton's step."""

import itertools
import math

import numpy

from minimeta.agents import linear_control, metagenrl, objectives
from minimeta.agents.metagenrl import Agents
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.replay import replay
from minimeta.core.trees import flatten, like, tree_map
from minimeta.exact import lqr
from minimeta.nets import Net
from minimeta.tasks import linear_systems, rollout
from minimeta.tasks.linear_systems import LINEAR_SYSTEMS
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, differences, has_mean, hessian

KALMAN, LYAPUNOV = "Kalman 1960", "Lyapunov 1892"
KIRSCH, SILVER = "Kirsch et al. 2019, arXiv:1910.04098", "Silver et al. 2014"
DISCOUNT, DEVIATION, ALPHA, PUSH = 0.9, 0.5, 0.3, 0.1
LONG = 400  # steps, after which the discount has made all costs smaller than rounding
POLICY = linear_control.policy(2, 2)
CRITIC = linear_control.exact_critic(DISCOUNT, PUSH)
AGENTS = Agents(POLICY, LINEAR_SYSTEMS, CRITIC, DEVIATION, ALPHA, longest=1e9)  # shortens nothing
QUIET = AGENTS._replace(
    environment=linear_systems.environment(push=0.0),
    critic=linear_control.exact_critic(DISCOUNT, push=0.0),
)


# ---- Values ----


def draw_systems(seed=0, tasks=5, radius=(0.5, 1.0)):
    """Systems of two states and two actions, whose costs are any positive definite matrices."""
    rng = numpy.random.default_rng(seed)
    root = rng.normal(size=(2, tasks, 2, 2))
    Q, R = root @ root.swapaxes(-1, -2) + 0.3 * numpy.eye(2)
    return linear_systems.draw_systems(rng, tasks, 2, 2, radius)._replace(Q=Q, R=R)


def draw_gains(system, share=0.3, seed=1):
    """Stable gains: a part of the way to the best ones, and a little beside it."""
    best = lqr.best_gain(system, DISCOUNT)
    return share * best + 0.05 * numpy.random.default_rng(seed).normal(size=best.shape)


def draw_lifetime(seed=6, tasks=3, episodes=4, steps=11, batches=1):
    """(problem, phi, [noise, ...]) of policies that are on their way."""
    system, rng = draw_systems(seed, tasks), numpy.random.default_rng(seed)
    noises = [linear_systems.draw_noise(rng, tasks, episodes, steps, 2, 2) for _ in range(batches)]
    return system, {"K": draw_gains(system)}, noises


def cost_of_rollout(system, m, K, s, a):
    """What action a costs in state s, and then a long time under the gain K, without noise."""
    A, B, Q, R = (matrix[m] for matrix in system)
    total = 0.0
    for t in range(LONG):
        total = total + DISCOUNT**t * (s @ Q @ s + a @ R @ a)
        s = A @ s + B @ a
        a = -K @ s
    return total


def cost_by_series(system, m, K):
    """P = sum_t d^t F'^t (Q + K' R K) F^t, for system m: (2, 2)."""
    A, B, Q, R = (matrix[m] for matrix in system)
    own, P = Q + K.T @ R @ K, numpy.zeros((2, 2))
    power = numpy.eye(2)
    for t in range(LONG):
        P = P + DISCOUNT**t * power.T @ own @ power
        power = (A - B @ K) @ power
    return P


@theorem(lesson="objectives", source=LYAPUNOV)
def a_value_is_the_cost_of_a_long_rollout():
    """The linear equation gives -s'Ps, what a rollout of 400 steps from s costs."""
    system, s = draw_systems(), numpy.random.default_rng(2).normal(size=(5, 2))
    gains = draw_gains(system)
    P = lqr.state_cost(system, gains, DISCOUNT)
    exactly = [cost_of_rollout(system, m, gains[m], s[m], -gains[m] @ s[m]) for m in range(5)]
    return Claim(numpy.einsum("mi,mij,mj->m", s, P, s), exactly, tolerance=1e-11)


@theorem(lesson="objectives", source=DEFINITION)
def a_critic_is_the_cost_of_one_other_action():
    """Without noise Q(s, a) is what a rollout costs whose first action is a."""
    system, (s, a) = draw_systems(), numpy.random.default_rng(3).normal(size=(2, 5, 2))
    gains = draw_gains(system)
    critic = linear_control.exact_critic(DISCOUNT, push=0.0)(system, POLICY, {"K": gains}, None)
    exactly = [-cost_of_rollout(system, m, gains[m], s[m], a[m]) for m in range(5)]
    computed = critic.action_value(s[:, None, None], a[:, None, None])[:, 0, 0]
    return Claim(computed, exactly, tolerance=1e-11)


@theorem(lesson="objectives", source=LYAPUNOV)
def noise_costs_its_constant():
    """The mean return of a linear policy under pushes is -tr P - c, for starts N(0, I)."""
    system, push, steps = draw_systems(tasks=2), 0.4, 100
    gains = draw_gains(system)
    noise = linear_systems.draw_noise(numpy.random.default_rng(4), 2, 2000, steps, 2, 2)
    act = lambda memory, state, now: (memory, -state @ np.swapaxes(gains, -1, -2))
    reward = rollout(linear_systems.environment(push), act, system, noise).reward
    earned = reward @ DISCOUNT ** numpy.arange(steps)  # (M, N); little comes later
    P = lqr.state_cost(system, gains, DISCOUNT)
    return has_mean(earned.T, lqr.score(system, gains, DISCOUNT) - lqr.constant(P, DISCOUNT, push))


@theorem(lesson="objectives", source=LYAPUNOV)
def a_policy_has_a_value_where_its_loop_is_stable():
    """P is positive definite exactly where the eigenvalues of sqrt(d) F are below 1 in length."""
    system = draw_systems(tasks=400, radius=(0.5, 2.0))
    gains = numpy.random.default_rng(5).normal(size=(400, 2, 2))
    longest = abs(numpy.linalg.eigvals(system.A - system.B @ gains)).max(axis=-1)
    computed = lqr.is_stable(lqr.state_cost(system, gains, DISCOUNT))
    return Claim(computed, DISCOUNT**0.5 * longest < 1.0, tolerance=0.0)


@theorem(lesson="objectives", source=KALMAN)
def the_best_gain_is_that_of_value_iteration():
    """Doubling gives the gain that 400 steps of dynamic programming end with."""
    system, exactly = draw_systems(radius=(0.5, 1.5)), []
    for A, B, Q, R in zip(*system):
        P = numpy.zeros((2, 2))
        for _ in range(LONG):
            K = numpy.linalg.inv(R + DISCOUNT * B.T @ P @ B) @ (DISCOUNT * B.T @ P @ A)
            F = A - B @ K
            P = Q + K.T @ R @ K + DISCOUNT * F.T @ P @ F
        exactly.append(K)
    return Claim(lqr.best_gain(system, DISCOUNT), exactly, tolerance=1e-11)


@theorem(lesson="objectives", source="Hewer 1971")
def policy_iteration_ends_at_the_best_gain():
    """Ten times greedy for the last critic, from a stable start, is the best gain."""
    system = draw_systems()
    gain = draw_gains(system)
    for _ in range(10):
        gain = lqr.greedy_gain(system, lqr.state_cost(system, gain, DISCOUNT), DISCOUNT)
    return Claim(gain, lqr.best_gain(system, DISCOUNT), tolerance=1e-11)


@theorem(lesson="objectives", source=SILVER)
def the_gradient_of_the_score_is_that_of_its_critic():
    """dJ/dK is the gradient of the critic at the states that are visited, the critic held fixed.

    The other route differentiates -tr P through the linear equation.
    """
    system = draw_systems()
    gains = draw_gains(system)
    J = lambda gains: -np.sum(np.trace(lqr.state_cost(system, gains, DISCOUNT), 0, -2, -1))
    return Claim(lqr.policy_gradient(system, gains, DISCOUNT), grad(J)(gains), tolerance=1e-10)


@theorem(lesson="objectives", source="Lagoudakis & Parr 2003")
def a_critic_can_be_learned_from_few_steps():
    """Without noise in the world, temporal differences give the exact critic from 40 steps."""
    system, phi, (noise,) = draw_lifetime()
    learn = QUIET._replace(critic=linear_control.least_squares_critic(DISCOUNT, ridge=0.0))
    learned, exact = (metagenrl.live(agents, phi, system, noise) for agents in (learn, QUIET))
    other = numpy.random.default_rng(11).normal(size=exact.action.shape)
    return Claim(learned.judge(other), exact.judge(other), tolerance=1e-8)


# ---- Losses that are not learned ----


def gradient_by_hand(system, m, K, at, experience):
    """d/dK' of the mean of Q(s, -K' s) at K' = `at`, under the critic of K, for task m: (2, 2)."""
    A, B, _, R = (matrix[m] for matrix in system)
    P, total = cost_by_series(system, m, K), numpy.zeros((2, 2))
    states = experience.state[m].reshape(-1, 2)
    for s in states:
        a = -at @ s
        climb = -2.0 * (R @ a + DISCOUNT * B.T @ P @ (A @ s + B @ a))  # dQ/da
        total += numpy.outer(climb, -s)
    return total / len(states)


def spread_by_hand(system, m, K, experience, last):
    """The standard deviation of the values of task m at all its states, the last ones included."""
    states = numpy.concatenate([experience.state[m].reshape(-1, 2), last.reshape(-1, 2)])
    return numpy.einsum("ni,ij,nj->n", states, cost_by_series(system, m, K), states).std()


def last_states(system, m, experience):
    """Where the last actions of task m lead to, for systems without pushes: (N, 2)."""
    state, action = experience.state[m, :, -1], experience.action[m, :, -1]
    return state @ system.A[m].T + action @ system.B[m].T


def quiet_experience():
    """A lifetime's first experience without pushes: (system, phi, experience, spreads (M,))."""
    system, phi, (noise,) = draw_lifetime()
    experience = metagenrl.live(QUIET, phi, system, noise)
    spreads = [
        spread_by_hand(system, m, phi["K"][m], experience, last_states(system, m, experience))
        for m in range(3)
    ]
    return system, phi, experience, numpy.array(spreads)


@theorem(lesson="objectives", source=KIRSCH)
def with_minus_q_the_inner_step_is_ddpg():
    """With L = -Q the loss is the critic's mean, and the inner step the deterministic gradient."""
    system, phi, experience, spreads = quiet_experience()
    after = metagenrl.adapt(objectives.minus_q, {}, QUIET, phi, experience)["K"]
    proposal = metagenrl.act_on(POLICY, phi, experience.state)
    loss = np.mean(objectives.minus_q({}, experience, proposal), axis=(-2, -1))
    exactly = []
    for m, K in enumerate(phi["K"]):
        s, P = experience.state[m].reshape(-1, 2), cost_by_series(system, m, K)
        step = gradient_by_hand(system, m, K, K, experience)
        value = numpy.einsum("ni,ij,nj->n", s, P, s).mean()
        exactly.append([*(K + ALPHA * step / spreads[m]).ravel(), value / spreads[m]])
    computed = numpy.concatenate([after.reshape(3, 4), loss[:, None]], axis=-1)
    return Claim(computed, exactly, tolerance=1e-12)


@theorem(lesson="objectives", source=SILVER)
def reinforce_is_ddpg_in_the_mean():
    """The mean inner step of REINFORCE is deviation^2 times that of DDPG, for a quadratic critic.

    The mean over normal noise is taken by quadrature: six points of equal weight, four of them 0,
    for each of the two parts of an action.
    """
    points = math.sqrt(3.0) * numpy.array([-1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    agent = numpy.array(list(itertools.product(points, repeat=2)))  # (36, 2)
    system, phi, (noise,) = draw_lifetime(episodes=36, steps=2)
    start = numpy.broadcast_to(noise["world"]["start"][:, :, :1], (2, 3, 36, 2))
    noise = {"world": {**noise["world"], "start": start}, "agent": noise["agent"] * 0.0 + agent}
    experience = metagenrl.live(QUIET, phi, system, noise)
    step = metagenrl.adapt(objectives.reinforce(DISCOUNT), {}, QUIET, phi, experience)["K"]
    moments, exactly = numpy.einsum("mi,mj->mij", start[0, :, 0], start[0, :, 0]), []
    climb = lqr.reinforce_gradient(system, phi["K"], moments, DEVIATION, DISCOUNT)
    for m, K in enumerate(phi["K"]):
        last = last_states(system, m, experience)
        exactly.append(ALPHA * climb[m] / spread_by_hand(system, m, K, experience, last))
    return Claim(step - phi["K"], exactly, tolerance=1e-12)


@theorem(lesson="objectives", source=DEFINITION)
def no_inner_step_knows_the_unit_of_rewards():
    """Costs that are ten times as large lead to the same policies, for every loss."""
    system, phi, (noise,) = draw_lifetime()
    meta, ends = objectives.init(numpy.random.default_rng(7), hidden=4), []
    dear = system._replace(Q=10.0 * system.Q, R=10.0 * system.R)
    for problem in (system, dear):
        experience = metagenrl.live(AGENTS, phi, problem, noise)
        for objective in (objectives.neural, objectives.minus_q, objectives.reinforce(DISCOUNT)):
            ends.append(metagenrl.adapt(objective, meta, AGENTS, phi, experience)["K"])
    return Claim(ends[3:], ends[:3], tolerance=1e-12)


# ---- Losses that are learned ----


def best_target(objective, agents, phi, experience, meta):
    """The meta with the least loss of a step, by one step of Newton's method: it is quadratic."""
    after = lambda meta: metagenrl.adapt(objective, meta, agents, phi, experience)
    total = lambda meta: np.sum(metagenrl.loss_of_step(agents.policy, after(meta), experience))
    step = numpy.linalg.solve(hessian(total, meta), flatten(grad(total)(meta)))
    return like(meta, flatten(meta) - step)


@theorem(lesson="objectives", source=KIRSCH)
def the_best_target_is_newtons():
    """For Q(a) = -a'Ca/2 + b'a the best loss |pi - u|^2 / 2 has u = pi + C^-1 (b - C pi) / alpha.

    So its step is Newton's, from anywhere to the top of Q. Policies are one action for each task.
    """
    rng = numpy.random.default_rng(8)
    root, b, a = rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    C = root @ root.swapaxes(-1, -2) + 0.5 * numpy.eye(2)
    policy = Net(None, lambda phi, x: np.expand_dims(phi["a"], -2) + 0.0 * x)
    judge = lambda a: np.sum(a * (b - (a @ C[:, None])[:, 0, 0] / 2.0)[:, None, None], axis=-1)
    zeros = numpy.zeros((4, 1, 1))
    experience = objectives.Experience(
        numpy.zeros((4, 1, 1, 2)), None, zeros, zeros, zeros, numpy.ones(4), judge
    )
    away = lambda meta, experience, proposal: (
        np.sum((proposal - np.expand_dims(meta["u"], (1, 2))) ** 2, axis=-1) / 2.0
    )
    agents = AGENTS._replace(policy=policy)
    best = best_target(away, agents, {"a": a}, experience, {"u": numpy.zeros((4, 2))})
    newton = [numpy.linalg.inv(C[m]) @ (b[m] - C[m] @ a[m]) for m in range(4)]
    return Claim(best["u"], a + numpy.array(newton) / ALPHA, tolerance=1e-10)


@theorem(lesson="objectives", source=KIRSCH)
def the_best_linear_target_is_policy_iteration():
    """The best loss |pi(s) + U s|^2 / 2 leads in one step to the gain that is greedy.

    One step leads to K' = K - alpha (K - U) S, with S = mean s s'. So U = K + (greedy - K) S^-1 /
    alpha, and no other objective does better on the same states.
    """
    system, phi, (noise,) = draw_lifetime()
    experience = metagenrl.live(AGENTS, phi, system, noise)
    away = lambda meta, experience, proposal: (
        np.sum(
            (proposal + experience.state @ np.swapaxes(meta["U"], -1, -2)[:, None]) ** 2, axis=-1
        )
        / 2.0
    )
    best = best_target(away, AGENTS, phi, experience, {"U": numpy.zeros((3, 2, 2))})["U"]
    exactly = []
    for m, K in enumerate(phi["K"]):
        A, B, _, R = (matrix[m] for matrix in system)
        P, s = cost_by_series(system, m, K), experience.state[m].reshape(-1, 2)
        greedy = numpy.linalg.inv(R + DISCOUNT * B.T @ P @ B) @ (DISCOUNT * B.T @ P @ A)
        exactly.append(K + (greedy - K) @ numpy.linalg.inv(s.T @ s / len(s)) / ALPHA)
    return Claim(best, exactly, tolerance=1e-9)


@theorem(lesson="objectives", source=KIRSCH)
def a_meta_gradient_in_closed_form():
    """For L = w times REINFORCE the meta-gradient in w is alpha dQ/dK'(K') g, by the chain rule.

    K' = K - alpha w g is where the step leads, and g the gradient of REINFORCE's loss, by hand.
    """
    system, phi, (noise,) = draw_lifetime()
    known = objectives.reinforce(DISCOUNT)
    weighted = lambda meta, experience, proposal: meta["w"] * known({}, experience, proposal)
    meta, by_hand = {"w": numpy.array(0.7)}, []
    _, gradient = metagenrl.meta_gradient(weighted, QUIET)(meta, (system, phi, [noise]))
    experience = metagenrl.live(QUIET, phi, system, noise)
    for m, K in enumerate(phi["K"]):
        s, a = (x[m].reshape(-1, 2) for x in (experience.state, experience.action))
        ahead = experience.reward + DISCOUNT * experience.next_value - experience.value
        g = numpy.einsum("n,na,no->ao", ahead[m].ravel(), a + s @ K.T, s) / len(s)
        end = K - ALPHA * 0.7 * g
        spread = spread_by_hand(system, m, K, experience, last_states(system, m, experience))
        climb = gradient_by_hand(system, m, K, end, experience) / spread
        by_hand.append(ALPHA * numpy.sum(climb * g))
    return Claim(gradient["w"], numpy.mean(by_hand), tolerance=1e-12)


def fresh_objective(hidden=3):
    """A random objective with an LSTM of a few units."""
    return objectives.init(numpy.random.default_rng(9), hidden)


@theorem(lesson="objectives", source=DEFINITION)
def the_meta_gradient_of_the_network_is_that_of_differences():
    """Meta-gradients through the LSTM and a shortened inner step are central differences."""
    (system, phi, noises), meta = draw_lifetime(steps=5), fresh_objective(hidden=2)
    agents = AGENTS._replace(longest=0.1)
    experience = metagenrl.live(agents, phi, system, noises[0])

    def loss(meta):
        after = metagenrl.adapt(objectives.neural, meta, agents, phi, experience)
        return np.mean(metagenrl.loss_of_step(POLICY, after, experience))

    _, gradient = metagenrl.meta_gradient(objectives.neural, agents)(meta, (system, phi, noises))
    return Claim(flatten(gradient), differences(loss, meta, 1e-5), tolerance=1e-8)


@theorem(lesson="objectives", source=DEFINITION)
def a_lifetime_is_a_mean_over_its_steps():
    """The meta-gradient of three inner steps is the mean of three of one step each."""
    (system, phi, noises), meta = draw_lifetime(batches=3), fresh_objective()
    follow = metagenrl.meta_gradient(objectives.neural, AGENTS)
    path = metagenrl.lifetime(objectives.neural, meta, AGENTS, system, phi, noises)
    each = [follow(meta, (system, start, [noise])) for start, noise in zip(path, noises)]
    exactly = numpy.mean([numpy.append(flatten(g), value) for value, g in each], axis=0)
    value, gradient = follow(meta, (system, phi, noises))
    return Claim(numpy.append(flatten(gradient), value), exactly, tolerance=1e-12)


@theorem(lesson="objectives", source=DEFINITION)
def the_population_has_the_mean_of_its_agents_gradients():
    """The meta-gradient of M agents is the mean of those of one agent each."""
    (system, phi, noises), meta = draw_lifetime(batches=2), fresh_objective()
    follow, each = metagenrl.meta_gradient(objectives.neural, AGENTS), []
    for m in range(3):
        own = tree_map(lambda leaf: leaf[m : m + 1], (system, phi))  # noqa: B023  (used at once)
        heard = tree_map(lambda leaf: leaf[:, m : m + 1], noises)  # noqa: B023
        each.append(flatten(follow(meta, (*own, heard))[1]))
    computed = flatten(follow(meta, (system, phi, noises))[1])
    return Claim(computed, numpy.mean(each, axis=0), tolerance=1e-12)


def dependence(objective, meta, part):
    """Whether L at t (rows) changes with this part of the experience at s (columns): (T, T)."""
    system, phi, (noise,) = draw_lifetime(episodes=1, steps=6)
    experience = metagenrl.live(AGENTS, phi, system, noise)
    proposal = metagenrl.act_on(POLICY, phi, experience.state)

    def losses(value, t):
        changed = experience._replace(**{part: value})
        return np.sum(objective(meta, changed, proposal)[:, :, t])

    rows = [grad(losses)(getattr(experience, part), t) for t in range(5)]
    return numpy.stack([(row.reshape(3, 5, -1) != 0.0).any(axis=(0, 2)) for row in rows])


@theorem(lesson="objectives", source="Causality")
def a_loss_hears_of_later_rewards_and_of_no_other_action():
    """L at t depends on the reward at s exactly if s >= t, and on the action at s only if s = t.

    Without the LSTM it depends on its own reward alone.
    """
    meta = fresh_objective()
    alone = objectives.init_transition(numpy.random.default_rng(10), 3)
    computed = [
        dependence(objectives.neural, meta, "reward"),
        dependence(objectives.neural, meta, "action"),
        dependence(objectives.neural_transition, alone, "reward"),
    ]
    own = numpy.eye(5, dtype=bool)
    later = numpy.arange(5) >= numpy.arange(5)[:, None]
    return Claim(computed, [later, own, own], tolerance=0.0)


@theorem(lesson="objectives", source=DEFINITION)
def a_recorded_meta_gradient_serves_other_systems():
    """A meta-gradient that was recorded on some systems is exact when replayed on others."""
    meta, follow = fresh_objective(), metagenrl.meta_gradient(objectives.neural, AGENTS)
    fast, draws = replay(follow), [draw_lifetime(seed, batches=2) for seed in range(3)]
    numbers = lambda step: [
        np.append(flatten(gradient), value) for value, gradient in (step(meta, d) for d in draws)
    ]
    return Claim(numbers(fast), numbers(follow), tolerance=1e-13)
