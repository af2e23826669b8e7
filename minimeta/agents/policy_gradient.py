"""REINFORCE: make the actions that did better than expected more likely.

    goal:        J(meta) = E sum_t discount^t reward_t
    learn:       dJ/dmeta = E sum_t discount^t (G_t - b_t) dlog pi(a_t | what came before)/dmeta
    surrogate:   mean over episodes of sum_t log pi(a_t | ...) constant(discount^t (G_t - b_t))

An action is judged by the rewards from its own step on, the return G_t, above a baseline b_t. The
baseline must not depend on that action; then it changes the variance, and not the mean. Many
implementations leave out the factor discount^t; what they follow is no gradient of J, so it stays.

Sources: Williams 1992, Machine Learning 8; Nota & Thomas 2020, arXiv:1906.07073 (discount^t);
Kool, van Hoof & Welling 2019 (the baseline of the other episodes).  Lesson bandits.
"""

from minimeta.agents.acting import action_logits, log_likelihood, play
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy, log_softmax, softmax
from minimeta.tasks.bandits import BERNOULLI, mean_rewards
from minimeta.tasks.environment import alive, returns


def learner(net) -> Learner:
    """A policy that learns nothing within an episode: softmax(net(observation)) at every step."""
    return Learner(
        init=net.init,
        adapt=lambda meta, support: (),
        predict=lambda meta, state, x: net.apply(meta, x),
        loss=cross_entropy,
        start=lambda meta, x: (),
        observe=lambda meta, state, x, y: state,
        along=lambda meta, data: net.apply(meta, data.x),
    )


def no_baseline(gain):
    """b_t = 0."""
    return np.zeros_like(gain)


def leave_one_out(gain):
    """b_t = the mean of G_t over the *other* episodes of the task: (M, N, T) -> (M, N, T).

    A mean that includes the episode's own return makes the gradient 1 - 1/N of what it should be.
    """
    N = np.shape(gain)[1]
    if N < 2:
        raise ValueError(f"leave_one_out needs at least two episodes a task; there is {N}.")
    return (np.sum(gain, axis=1, keepdims=True) - gain) / (N - 1)


def meta_gradient(learner, environment, baseline=leave_one_out, discount=1.0):
    """For train: (meta, (problem, noise)) -> (value, gradient) of -J, as train descends.

    The learner is any sequential one whose predictions are logits: it plays the episodes, then its
    surrogate is differentiated. baseline(gain) takes and returns (M, N, T), such as the two above.
    """
    checks.number("discount", discount, at_least=0.0, at_most=1.0)

    def follow(meta, data):
        problem, noise = check_pair(data)
        episodes = play(learner, meta, environment, problem, noise)
        advantage = advantages(episodes, baseline, discount)
        loss = lambda meta: -surrogate(learner, meta, episodes, advantage)
        return -np.mean(returns(episodes.reward, discount)[..., 0]), grad(loss)(meta)

    return follow


def advantages(episodes, baseline=leave_one_out, discount=1.0):
    """discount^t (G_t - b_t) while the episode runs and 0 after its end: (M, N, T)."""
    gain = returns(episodes.reward, discount)
    weight = float(discount) ** np.arange(np.shape(gain)[-1], dtype=gain.dtype)
    return weight * (gain - baseline(gain)) * alive(episodes.done)


def surrogate(learner, meta, episodes, advantage):
    """What has the gradient of J in the mean: a scalar. Actions and advantages are constants."""
    checks.same_shape("advantage", advantage, "episodes.reward", episodes.reward)
    chosen = log_likelihood(learner, meta, episodes)  # (M, N, T)
    return np.mean(np.sum(chosen * constant(advantage), axis=-1))


def bandit_gradient(learner, environment=BERNOULLI, mean_rewards=mean_rewards):
    """For train: as `meta_gradient` on bandits, with less variance.

    mean_rewards(problem, observation) -> (M, N, T, A) is what each action pays in the mean, given
    the problem and what is observed. A reward is then replaced by its mean over actions and
    outcomes, pi_t . r_t, wherever the history before it is given. Only what the action changes
    later, by what it teaches or where it leads, is still judged by chance:

        dJ = E sum_t  d(pi_t . r_t) + dlog pi(a_t) (sum_{s > t} pi_s . r_s - b_t)

    with the mean of the other episodes of the same bandit as b_t. Needs two episodes a task.
    """
    checks.function("mean_rewards", mean_rewards)

    def follow(meta, data):
        problem, noise = check_pair(data)
        episodes = play(learner, meta, environment, problem, noise)
        means = mean_rewards(problem, episodes.observation)
        loss = lambda meta: -bandit_surrogate(learner, meta, episodes, means)
        return -np.mean(np.sum(episodes.reward, axis=-1)), grad(loss)(meta)

    return follow


def bandit_surrogate(learner, meta, episodes, means):
    """What has the gradient of J in the mean, for mean rewards `means` (M, N, T, A): a scalar."""
    logits = action_logits(learner, meta, episodes)  # (M, N, T, A)
    reward = np.sum(softmax(logits) * means, axis=-1)  # pi_t . r_t
    later = constant(returns(constant(reward)) - constant(reward))  # from the next step on
    chosen = np.sum(log_softmax(logits) * episodes.action, axis=-1)
    return np.mean(np.sum(reward + chosen * (later - leave_one_out(later)), axis=-1))


def check_pair(data):
    """data, which must be a pair (problem, noise), what `sample` of train has to give."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ValueError(f"data must be a pair (problem, noise); it is a {type(data).__name__}.")
    return data
