"""Recurrent players of bandits, beside the best player there can be.

    python experiments/bandits.py                        everything, 3 seeds: about 13 minutes
    python experiments/bandits.py short --seeds 0        one of short, forms, long, dependent,
                                                         contextual, two_step, informative

short       two arms, 10 pulls: the shortfall V* - J below the Bayes-adaptive optimum, 6.022
forms       the same, trained on rewards as they were drawn: by REINFORCE (Duan), with a critic,
            and with a critic and the time as an input (Wang)
long        two arms, 20 pulls: the same as short, below 12.431
dependent   two arms that pay with the chances 0.9 and 0.1, 20 pulls: the regret against one who
            knows which is which, beside that of the best player, 0.625
contextual  5 contexts and 5 actions, 30 steps: how far the chance to be right is below the closed
            form, at the step where it is farthest, and where it is nearest; the player takes the
            action with the largest logit
two_step    20 trials of the two-step task: what a trial earns on average, of .70 for who knows all,
            beside the best player; and how often a player repeats its first action after a trial,
            by whether the way was common and whether it paid
informative 5 pulls of ten arms and one that tells: what is earned of 20.55, where 11 is the best
            without ever asking, and how often the first pull asks; trained on the rewards alone,
            and with a bonus for the entropy of the policy that falls to zero in training

Thompson sampling, the greedy player and UCB play the same test bandits. What follows +- is the
standard error over tasks. CPU seconds are those of one training.
"""

import time

import numpy
from rules import run_asked, show_mean, single

from minimeta.agents import baselines, contextual, critics, policy_gradient, rl2
from minimeta.agents.acting import action_logits, decide, play
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import log_softmax, softmax
from minimeta.core.optim import adam, linear_decay
from minimeta.exact import bandit_dp, dependent_arms
from minimeta.exact import contextual as exact_contextual
from minimeta.exact import informative as exact_informative
from minimeta.exact import two_step as exact_two_step
from minimeta.tasks import bandits, informative, two_step
from minimeta.tasks import contextual as tasks_of_contexts
from minimeta.tasks.bandits import BERNOULLI
from minimeta.tasks.contextual import CONTEXTUAL
from minimeta.tasks.informative import INFORMATIVE
from minimeta.tasks.two_step import TWO_STEP
from minimeta.training import train

HIGH = 0.9  # of the dependent arms


def train_agent(agent, follow, draw, seed, steps, step_size=0.01):
    """The parameters of an agent, and the CPU seconds of its training."""
    start = time.process_time()
    optimizer, rng = adam(linear_decay(step_size, steps)), numpy.random.default_rng(seed)
    sample = lambda rng: single(draw(rng))
    meta, _ = train(agent.init, follow, sample, rng, steps, optimizer=optimizer, label=None)
    return meta, f"{time.process_time() - start:.0f} s"


# ---- Arms ----


def shortfall(learner, meta, pulls, tasks):
    """V - Q summed over the pulls of two independent arms: (M,)."""
    pair = single(bandits.draw(numpy.random.default_rng(99), tasks, 10, pulls))
    episodes = play(learner, meta, BERNOULLI, *pair)
    lost = bandit_dp.regrets(bandit_dp.solve(2, pulls), episodes.action, episodes.reward)
    return (lost * episodes.action).sum(axis=(-1, -2)).mean(axis=1)


def regret(learner, meta, pulls, tasks):
    """What is lost on two dependent arms against one who knows them: (M,)."""
    problem, noise = bandits.draw_dependent(numpy.random.default_rng(99), tasks, 10, pulls, HIGH)
    episodes = play(learner, meta, BERNOULLI, *single((problem, noise)))
    pays = (episodes.action * problem[:, None, None]).sum(axis=-1)
    return (HIGH - pays).sum(axis=-1).mean(axis=1)


def run_arms(name, seeds, steps, tasks, pulls, draw, measure):
    """Train RL2 on such arms; print what it and others lose."""
    others = {
        "Thompson": baselines.thompson(2, pulls),
        "UCB of width 0.2": baselines.ucb(2, 0.2),
        "greedy": baselines.greedy(2),
    }
    for word, other in others.items():
        show_mean(f"{name}: {word}", measure(other, {}, pulls, tasks))
    agent = rl2.learner(1, 2, hidden=24)
    follow = policy_gradient.bandit_gradient(agent)
    for seed in seeds:
        meta, seconds = train_agent(agent, follow, lambda rng: draw(rng, 16, 8, pulls), seed, steps)
        show_mean(f"{name}, seed {seed}: rl2", measure(agent, meta, pulls, tasks), seconds)


def run_short(seeds, steps, tasks):
    """Ten pulls of two independent arms."""
    run_arms("short", seeds, steps, tasks, 10, bandits.draw, shortfall)


def run_forms(seeds, steps, tasks):
    """Ten pulls of two independent arms, without the mean rewards that `short` is trained on."""
    alone, both = rl2.learner(1, 2, hidden=24), rl2.actor_critic(1, 2, hidden=24)
    timed = rl2.with_time(rl2.actor_critic(2, 2, hidden=24), 10)
    reinforce = policy_gradient.meta_gradient(alone, BERNOULLI)
    forms = {  # the agent, what trains it, and how many episodes each bandit has
        "REINFORCE": (alone, reinforce, 8),
        "with a critic": (critics.actor(both), critics.meta_gradient(both, BERNOULLI), 1),
        "with critic and time": (critics.actor(timed), critics.meta_gradient(timed, BERNOULLI), 1),
    }
    for name, (agent, follow, episodes) in forms.items():
        draw = lambda rng, n=episodes: bandits.draw(rng, 128 // n, n, 10)
        for seed in seeds:
            meta, seconds = train_agent(agent, follow, draw, seed, steps)
            lost = shortfall(agent, meta, 10, tasks)
            show_mean(f"forms, seed {seed}: {name}", lost, seconds)


def run_long(seeds, steps, tasks):
    """Twenty pulls of two independent arms."""
    run_arms("long", seeds, steps, tasks, 20, bandits.draw, shortfall)


def run_dependent(seeds, steps, tasks):
    """Twenty pulls of two dependent arms, beside the best player."""
    draw = lambda rng, *sizes: bandits.draw_dependent(rng, *sizes, high=HIGH)
    show_mean("dependent: best player", regret(dependent_arms.learner(), {}, 20, tasks))
    run_arms("dependent", seeds, steps, tasks, 20, draw, regret)


# ---- Contexts ----

SIZES = (30, 5, 5)  # steps, contexts, actions


def run_contextual(seeds, steps, tasks):
    """Train the LSTM on contextual bandits; print how far it is below the closed form."""
    agent, best = contextual.learner(5, 5), exact_contextual.chance_right(*SIZES)
    draw = lambda rng: tasks_of_contexts.draw(rng, 64, 1, *SIZES)
    follow = contextual.told_gradient(agent)
    test = single(tasks_of_contexts.draw(numpy.random.default_rng(99), 5 * tasks, 1, *SIZES))
    for seed in seeds:
        meta, seconds = train_agent(agent, follow, draw, seed, steps, 0.015)
        gap = best - play(decide(agent), meta, CONTEXTUAL, *test).reward[:, 0]  # (M, T)
        order = gap.mean(axis=0).argsort()
        for word, t in (("farthest", order[-1]), ("nearest", order[0])):
            show_mean(
                f"contextual, seed {seed}: below the best, {word}, step {t + 1}", gap[:, t], seconds
            )


# ---- Two steps ----

TRIALS = 20


def show_trials(name, learner, meta, tasks, seconds="", seed=99):
    """Print what a trial earns in the mean, and how often the first action is repeated."""
    problem, noise = single(two_step.draw(numpy.random.default_rng(seed), tasks, 10, 2 * TRIALS))
    episodes = play(learner, meta, TWO_STEP, problem, noise)
    means = two_step.mean_rewards(problem, episodes.observation)  # 0 at the second stage
    earned = (means * episodes.action).sum(axis=(-1, -2)) / TRIALS
    show_mean(f"two_step, {name}: a trial earns", earned.mean(axis=1), seconds)
    first = episodes.action[:, :, ::2]  # (M, N, trials, 2)
    stays = (first[:, :, 1:] * first[:, :, :-1]).sum(axis=-1)
    led = episodes.observation[:, :, 1::2, 1:]  # to place 1 or 2
    common, paid = (led * first).sum(axis=-1)[:, :, :-1], episodes.reward[:, :, 1:-1:2]
    for way, chosen in (("a common", common), ("an uncommon", 1.0 - common)):
        for word, weight in (("paid", chosen * paid), ("unpaid", chosen * (1.0 - paid))):
            rate = (stays * weight).sum() / weight.sum()
            above = ((stays - rate) * weight).sum(axis=(1, 2)) / weight.sum(axis=(1, 2)).mean()
            show_mean(f"  stays after {way} way that {word}", rate + above)


def run_two_step(seeds, steps, tasks):
    """Train RL2 on the two-step task; print what a trial earns it and the best player."""
    show_trials("best player", exact_two_step.learner(), {}, tasks)
    agent = rl2.learner(3, 2, hidden=24)
    follow = policy_gradient.bandit_gradient(agent, TWO_STEP, two_step.mean_rewards)
    draw = lambda rng: two_step.draw(rng, 16, 8, 2 * TRIALS)
    for seed in seeds:
        meta, seconds = train_agent(agent, follow, draw, seed, steps)
        show_trials(f"seed {seed}: rl2", agent, meta, tasks, seconds)


# ---- An arm that tells ----


def curious_gradient(agent):
    """As `bandit_gradient`, for data (problem, noise, weight): the entropy has this weight."""

    def follow(meta, data):
        problem, noise, weight = data
        episodes = play(agent, meta, INFORMATIVE, problem, noise)
        means = informative.mean_rewards(problem, episodes.observation)

        def loss(meta):
            logits = action_logits(agent, meta, episodes)  # (M, N, T, A)
            entropy = -np.mean(np.sum(softmax(logits) * log_softmax(logits), axis=(-1, -2)))
            earned = policy_gradient.bandit_surrogate(agent, meta, episodes, means)
            return -earned - weight * entropy

        return -np.mean(np.sum(episodes.reward, axis=-1)), grad(loss)(meta)

    return follow


def show_informed(name, learner, meta, tasks, seconds=""):
    """Print what is earned in five pulls, and how often the first one asks."""
    pair = single(informative.draw(numpy.random.default_rng(99), tasks, 10, 5))
    episodes = play(learner, meta, INFORMATIVE, *pair)
    show_mean(f"informative, {name}: earns", episodes.reward.sum(-1).mean(axis=1), seconds)
    show_mean("  asks at once", episodes.action[:, :, 0, -1].mean(axis=1))


def run_informative(seeds, steps, tasks):
    """Train RL2 on bandits with an arm that tells, without and with a bonus for entropy."""
    show_informed("best player", exact_informative.learner(), {}, tasks)
    agent = rl2.learner(1, 11, hidden=48)
    for name, first in (("rl2", 0.0), ("rl2 with entropy", 1.0)):
        for seed in seeds:
            weights = iter(first * numpy.maximum(0.0, 1.0 - numpy.arange(steps) / (0.7 * steps)))
            draw = lambda rng, w=weights: (*informative.draw(rng, 32, 8, 5), numpy.array(next(w)))
            meta, seconds = train_agent(agent, curious_gradient(agent), draw, seed, steps, 0.02)
            show_informed(f"seed {seed}: {name}", agent, meta, tasks, seconds)


RUNS = {
    "short": (run_short, 800),
    "forms": (run_forms, 2000),
    "long": (run_long, 1000),
    "dependent": (run_dependent, 400),
    "contextual": (run_contextual, 850),
    "two_step": (run_two_step, 400),
    "informative": (run_informative, 1800),
}


def main(arguments=None):
    """Run what is asked for on the command line."""
    run_asked(__doc__, RUNS, arguments)


if __name__ == "__main__":
    main()
