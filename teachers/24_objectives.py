"""Answers to the exercises of the lesson objectives."""

from functools import partial

import numpy

from minimeta.agents import lpg
from minimeta.agents import tabular as agents
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.core.trees import size
from minimeta.exact import policy_gradient
from minimeta.tasks import tabular


def exercise_1():
    """J = 0.5 + 0.4 = 0.9, and the first entry of pi o (r - J) is 0.5 (1 - 0.9) = 0.05."""
    policy, rewards = numpy.array([0.5, 0.3, 0.2]), numpy.array([1.0, 0.0, 2.0])
    return float(policy_gradient.gradient(policy, rewards)[0])


def exercise_2():
    """KL = 0.5 ln 2 + 0.5 ln(2/3) = 0.1438, so the gradient is 0.5 (ln 2 - 0.1438) = 0.275."""

    def divergence(logits):
        y = softmax(logits)
        return (y * autograd_log(y / numpy.array([0.25, 0.75]))).sum()

    from autograd.numpy import log as autograd_log

    return float(grad(divergence)(numpy.zeros(2))[0])


def exercise_3():
    """The LSTM reads backwards, so a reward is known to the targets of its step and before: 4."""
    rng = numpy.random.default_rng(0)
    problem, (noise,) = tabular.draw(rng, 1, 1, 10)
    meta = lpg.init(rng)
    agent = lpg.start(meta, problem)
    episodes = agents.play(agent, problem, noise)
    reward = episodes.reward.copy()
    reward[..., 3] += 1.0
    p, other = (
        lpg.targets(meta, agent, episodes._replace(reward=r))[0] for r in (episodes.reward, reward)
    )
    return int(numpy.sum(p != other))


def exercise_4():
    """phi: 8 16 + 16 + 16 + 1 = 161. LSTM: 4 16 (5 + 16 + 1) = 1408. Targets: 16 9 + 9 = 153."""
    numbers = size(lpg.init(numpy.random.default_rng(0)))
    assert numbers == 161 + 1408 + 153
    return numbers


MISTAKES = {
    1: [0.5, -0.05, 0.25],  # without J; the wrong sign; without pi's weight on J
    2: [0.347, 0.144, -0.275],  # without KL; KL itself; the gradient in q's direction
    3: [10, 6, 7, 3],  # all; those after it; those from it on; without its own
    4: [1721, 1561, 569],  # without phi's last bias; without phi; one gate in place of four
}


def prediction_1():
    """A baseline does not change the mean: (1/2 1/2 + (-1/2)(-1/2)) / 2 = 1/4."""
    first, second = 0.5 * 0.5, -0.5 * -0.5
    change = (first + second) / 2
    assert change == 0.25
    return change


def prediction_2():
    """Near zero: arbitrary targets push the policy somewhere, as often to worse as to better.

    On one problem it may end far from zero. The mean over problems is small, but one rule pushes in
    one way, so do not expect exactly 0. The snippet averages over two untrained rules.
    """
    rng, areas = numpy.random.default_rng(0), []
    problem, noises = tabular.draw(rng, 30, 2, 10, 30)
    for _ in range(2):
        rule = partial(lpg.update, lpg.init(rng), step_size=1.0)
        life = agents.live(rule, lpg.start(lpg.init(rng), problem), problem, noises)
        areas.append(agents.area(agents.curve(life, problem, 10)).mean())
    assert abs(numpy.mean(areas)) < 0.3
    return float(numpy.mean(areas))
