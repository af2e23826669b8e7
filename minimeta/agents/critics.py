"""Actor and critic: an action is judged by what a critic did not expect, in place of the return.

    critic     v_t, what is still to come by the learner's estimate     0 after the last step
    surprise   delta_t = r_t + discount v_t+1 - v_t
    advantage  A_t = sum_l (discount trace_decay)^l delta_t+l           while the episode runs
    learn      max E sum_t  discount^t log pi(a_t | ...) constant(A_t)
                            - value_weight (constant(v_t + A_t) - v_t)^2 / 2
                            + entropy_weight entropy(pi_t)

The actor and its critic are one sequential learner, whose answers have A + 1 columns: the logits of
the actions, and v_t. `actor` is the agent without its critic.

With trace_decay = 1 the advantage is G_t - v_t. Then the critic is a baseline, and whatever it says
the gradient is right on average. With less, the critic's opinion takes the place of later rewards.
This leaves less to chance, and it is right as far as the critic is.

Sources: Schulman et al. 2015, arXiv:1506.02438 (generalised advantage estimation, whose lambda is
trace_decay here); Mnih et al. 2016, arXiv:1602.01783 (advantage actor-critic, and 0.01 for the
entropy); Wang et al. 2016, arXiv:1611.05763 (0.05 for the critic).  Lesson rl2.
"""

from minimeta.agents.acting import histories, play
from minimeta.agents.policy_gradient import check_pair
from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import log_softmax
from minimeta.meta import along
from minimeta.tasks.environment import alive, returns


def actor(learner):
    """The agent of an actor-critic learner: its answers without the last column, the critic's."""
    cut = lambda f: f and (lambda *args: f(*args)[..., :-1])
    return learner._replace(predict=cut(learner.predict), along=cut(learner.along))


def advantages(episodes, values, discount=1.0, trace_decay=1.0):
    """A_t from the critic's values (M, N, T), and 0 after the end of an episode: (M, N, T)."""
    checks.same_shape("values", values, "episodes.reward", episodes.reward)
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    checks.number("trace_decay", trace_decay, at_least=0.0, at_most=1.0)
    later = np.concatenate([values[..., 1:], np.zeros_like(values[..., :1])], axis=-1)
    later = later * (1.0 - episodes.done)
    surprise = (episodes.reward + discount * later - values) * alive(episodes.done)
    return returns(surprise, discount * trace_decay)


def meta_gradient(
    learner, environment, discount=1.0, trace_decay=1.0, value_weight=0.05, entropy_weight=0.01
):
    """For train: (meta, (problem, noise)) -> (value, gradient) of -J, as train descends.

    The learner is an actor-critic one. It plays whole trials, and one episode a task will do. The
    gradient is of the three parts above, the value is -J alone.
    """
    for name, weight in (("value_weight", value_weight), ("entropy_weight", entropy_weight)):
        checks.number(name, weight, at_least=0.0)
    checks.number("discount", discount, at_least=0.0, at_most=1.0)
    checks.number("trace_decay", trace_decay, at_least=0.0, at_most=1.0)
    agent, settings = actor(learner), (discount, trace_decay, value_weight, entropy_weight)

    def follow(meta, data):
        problem, noise = check_pair(data)
        episodes = play(agent, meta, environment, problem, noise)
        loss = lambda meta: -surrogate(learner, meta, episodes, *settings)
        return -np.mean(returns(episodes.reward, discount)[..., 0]), grad(loss)(meta)

    return follow


def surrogate(learner, meta, episodes, discount, trace_decay, value_weight, entropy_weight):
    """What the gradient is taken of, the mean over episodes: a scalar."""
    answers = critic_answers(learner, meta, episodes)  # (M, N, T, A + 1)
    log_policy, values = log_softmax(answers[..., :-1]), answers[..., -1]
    advantage = constant(advantages(episodes, constant(values), discount, trace_decay))
    target, running = constant(values) + advantage, alive(episodes.done)
    weight = float(discount) ** np.arange(np.shape(values)[-1], dtype=values.dtype)
    chosen = np.sum(log_policy * episodes.action, axis=-1)
    entropy = -np.sum(np.exp(log_policy) * log_policy, axis=-1)
    bonus = entropy_weight * entropy - value_weight * (target - values) ** 2 / 2.0
    return np.mean(np.sum(weight * chosen * advantage + running * bonus, axis=-1))


def critic_answers(learner, meta, episodes):
    """The logits of all actions and the critic's value at every step: (M, N, T, A + 1)."""
    answers = along(learner, meta, histories(episodes))  # (M N, T, A + 1)
    columns = np.shape(episodes.action)[-1] + 1
    if np.shape(answers)[-1] != columns:
        raise ValueError(
            f"learner must answer with {columns} columns, a logit for each action and the critic's "
            f"value; it answers with {np.shape(answers)[-1]}."
        )
    return np.reshape(answers, (*np.shape(episodes.reward), columns))
