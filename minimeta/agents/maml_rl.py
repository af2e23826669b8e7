"""MAML on rewards: learn the policy from which one step of policy gradient goes furthest.

    meta:    theta                                            the shared start of all policies
    live:    N episodes of each task under phi_0 = theta
    adapt:   phi <- phi + alpha dS(phi)                       S = mean_{n,t} log pi_phi(a) A
    learn:   max_theta E J(phi), the return of fresh episodes under the adapted policy

A is the advantage, a return above a baseline, and alpha the inner step size; S is a mean over the
steps of an episode too, so alpha does not depend on how long episodes are. Actions and advantages
are constants everywhere. Two surrogates have a gradient that `learn` can follow:

    given_episodes   mean sum_t log pi_phi(a') A'             over the fresh episodes
    with_score       given_episodes + mean_m (J_m - b_m) sum_{n,t} log pi_theta(a)

The first is that of the original paper. It knows how the adapted policy depends on the start while
the N episodes stay as they are. It does not know that another start would have lived through other
episodes. The second adds this part: J_m is the return of task m after adapting, b_m the mean of
those of the other tasks, and the sum goes over *all* N episodes of the inner step (and of all inner
steps), since together they made phi what it is. It is unbiased, and much noisier. In navigation
with 20 tasks of 20 episodes (experiments/maml_rl.py) starts trained with all of the score term are
the worst by far, and those with a twentieth of it are as good as those with none.

Source: Finn, Abbeel & Levine 2017, section 4.2; Stadie et al. 2018, arXiv:1803.01118 and
Al-Shedivat et al. 2018, arXiv:1710.03641 (the score term). They take trust-region steps where this
module leaves the step to an optimizer.  Lesson maml_rl.
"""

from typing import Callable, NamedTuple

from minimeta.agents.policy_gradient import advantages, check_pair, leave_one_out
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.runs.sending import reduce_record
from minimeta.core.trees import copies, tree_map
from minimeta.tasks.environment import rollout


class Policy(NamedTuple):
    """A policy without memory; `params` has one copy for each task, leaves (M, ...).

    init(rng) -> params                                       of one policy
    act(params, observation, noise) -> action                 (M, N, O), (M, N, A) -> (M, N, A)
    log_likelihood(params, observation, action) -> numbers    (M, N, T, ...) -> (M, N, T)
    """

    init: Callable
    act: Callable
    log_likelihood: Callable

    __reduce__ = reduce_record  # so that it can be sent to another process


def gaussian(net, deviation=0.5):
    """Actions net(observation) + deviation * noise: the mean is learned, the deviation is not."""
    checks.functions("net", net, "init", "apply")
    checks.number("deviation", deviation, above=0.0)

    def act(params, observation, noise):
        mean = net.apply(params, observation)
        checks.same_shape("noise", noise, "the mean action", mean)
        return constant(mean + deviation * noise)

    def log_likelihood(params, observation, action):
        M, N, T, O = np.shape(observation)
        mean = net.apply(params, np.reshape(observation, (M, N * T, O)))
        error = (action - np.reshape(mean, np.shape(action))) / deviation
        return -np.sum(error**2, axis=-1) / 2.0  # up to a constant

    return Policy(net.init, act, log_likelihood)


def play(policy, phi, environment, problem, noise):
    """The Episodes of each task under its own copy of the policy, constants to every gradient."""
    act = lambda memory, observation, now: (memory, policy.act(phi, observation, now))
    return constant(rollout(environment, act, problem, noise))


def reinforce(policy, phi, episodes, baseline):
    """S, what the inner step of each task climbs: mean_{n,t} log pi A, (M,)."""
    weight = constant(advantages(episodes, baseline))
    chosen = policy.log_likelihood(phi, episodes.observation, episodes.action)  # (M, N, T)
    return np.mean(chosen * weight, axis=(-2, -1))


def adapt(policy, phi, episodes, step_size, baseline=leave_one_out, inner=reinforce):
    """phi + step_size dS(phi), the policies (M, ...) after a step on these episodes.

    `inner` is S: `reinforce`, or `dice.objective`, which has the same gradient.
    """
    checks.quantity("step_size", step_size, at_least=0.0)
    total = lambda phi: np.sum(inner(policy, phi, episodes, baseline))  # tasks share no leaf
    return tree_map(lambda p, g: p + step_size * g, phi, grad(total)(phi))


def live(policy, theta, environment, problem, noises, step_sizes, baseline=leave_one_out):
    """[Episodes, ...]: under the start, and under the policies after each inner step.

    There is one noise more than there are inner steps: the last episodes only say how good the
    policies have become.
    """
    check_noises(noises, step_sizes)
    phi = copies(theta, len(problem))
    histories = [play(policy, phi, environment, problem, noises[0])]
    for step_size, noise in zip(step_sizes, noises[1:]):
        phi = adapt(policy, phi, histories[-1], step_size, baseline)
        histories.append(play(policy, phi, environment, problem, noise))
    return histories


def given_episodes(policy, path, histories):
    """mean sum_t log pi_phi(a') A', for phi the last policies of the path: a scalar."""
    last = histories[-1]
    chosen = policy.log_likelihood(path[-1], last.observation, last.action)
    return np.mean(np.sum(chosen * constant(advantages(last)), axis=-1))


def with_score(policy, path, histories, weight=1.0):
    """The same and weight mean_m (J_m - b_m) sum_{n,t} log pi(a), over all inner steps: a scalar.

    A weight of 1 is unbiased. One below 1 keeps part of the bias of `given_episodes`, and most of
    its low variance: partial(with_score, weight=0.05).
    """
    earned = np.mean(np.sum(histories[-1].reward, axis=-1), axis=-1)  # J_m, (M,)
    above = constant(earned - leave_one_out(earned[None])[0])
    total = given_episodes(policy, path, histories)
    for phi, episodes in zip(path[:-1], histories[:-1]):
        chosen = policy.log_likelihood(phi, episodes.observation, episodes.action)
        total = total + weight * np.mean(above * np.sum(chosen, axis=(-2, -1)))
    return total


def meta_gradient(
    policy,
    environment,
    step_sizes=(0.1,),
    surrogate=with_score,
    baseline=leave_one_out,
    inner=reinforce,
):
    """For train: (theta, (problem, noises)) -> (value, gradient) of -J, as train descends.

    step_sizes has the size of each inner step; noises one noise more. `surrogate` is one of the two
    above, `baseline` and `inner` are those of the inner steps; fresh episodes have `leave_one_out`.
    """
    for size in checked_sizes(step_sizes):
        checks.quantity("step_sizes", size, at_least=0.0)
    checks.function("surrogate", surrogate)
    checks.function("baseline", baseline)
    checks.function("inner", inner)

    def follow(theta, data):
        problem, noises = check_pair(data)
        histories = live(policy, theta, environment, problem, noises, step_sizes, baseline)

        def loss(theta):
            path = [copies(theta, len(problem))]
            for size, episodes in zip(step_sizes, histories):
                path.append(adapt(policy, path[-1], episodes, size, baseline, inner))
            return -surrogate(policy, path, histories)

        return -np.mean(np.sum(histories[-1].reward, axis=-1)), grad(loss)(theta)

    return follow


def checked_sizes(step_sizes):
    """step_sizes, which must be a list or a tuple with a number for each inner step."""
    if not isinstance(step_sizes, (list, tuple)):
        raise TypeError(
            "step_sizes must be a list of numbers, one for each inner step; "
            f"it is {checks.describe(step_sizes)}."
        )
    return step_sizes


def check_noises(noises, step_sizes):
    """Raise unless noises is a list with one noise more than there are inner steps."""
    count = len(checked_sizes(step_sizes)) + 1
    if not isinstance(noises, (list, tuple)) or len(noises) != count:
        what = f"has {len(noises)}" if isinstance(noises, (list, tuple)) else "is no list"
        raise ValueError(
            f"noises must be a list of {count}, one more than there are inner steps; it {what}."
        )
