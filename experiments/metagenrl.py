"""MetaGenRL on linear systems, beside the losses that it could have found.

    python experiments/metagenrl.py                     everything, 3 seeds: about 8 minutes
    python experiments/metagenrl.py lstm --seeds 0      one of lstm, transition, reinforce, ddpg,
                                                        reinforce-short, ddpg-short, greedy
    python experiments/metagenrl.py --states 4 --actions 2      tested on larger systems

lstm        the learned loss with a backward LSTM
transition  the learned loss that judges each transition alone
reinforce   the loss of REINFORCE with a critic of states
ddpg        minus the critic of actions
...-short   the same, but gradients are shortened to a length that is tuned as well
greedy      no loss: each step takes the gain that is greedy for the exact critic

The learned losses are trained on systems of 2 states and 1 action, whatever the test has. A run is
20 inner steps, each on 4 fresh episodes of 10 steps. Its area is the mean of the relative regret
after each step: 0 is the best policy, and 1 the first, which does nothing. A run that comes to an
unstable policy has an infinite area and counts as diverging. So rows have the median over systems;
what follows +- is its standard error, from 200 resamples. Every loss meets the same normalised
rewards and critics, and gradients shortened to the same length, 1, but for the two above. The step
size of a loss that is not learned, "by", is that of a grid with the best median on as many other
systems, as is the length that gradients are shortened "to"; "edge" says that one of them is at an
end of the grid. Learned losses keep the step size of their training. With "learned critic" values
are those of least squares on the very episodes of the step, at test time alone. The columns "better
than" are shares of systems, against the tuned fixed losses with the exact critic. CPU seconds are
those of one training.
"""

import argparse
import time

import numpy

from minimeta.agents import linear_control, metagenrl, objectives
from minimeta.core.backend import using
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import tree_map
from minimeta.exact import lqr
from minimeta.learned_optimizers.training import clip_gradient
from minimeta.tasks.linear_systems import LINEAR_SYSTEMS
from minimeta.training import train

EPISODES, STEPS = 4, 11  # of an inner step; the last of the steps shows where the others lead
LIFE = 10  # inner steps in training
POPULATION, RATE = 32, 0.03
GRID = [[(size, 1.0) for size in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.1, 1.5)]]
SHORT = [  # pairs of a step size and a length, by rows of the length of their longest steps
    [(reach / longest, longest) for longest in (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)]
    for reach in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
]
LEARNED = {
    "lstm": (objectives.init, objectives.neural),
    "transition": (objectives.init_transition, objectives.neural_transition),
}
FIXED = {
    "reinforce": (objectives.reinforce(), GRID),
    "ddpg": (objectives.minus_q, GRID),
    "reinforce-short": (objectives.reinforce(), SHORT),
    "ddpg-short": (objectives.minus_q, SHORT),
}
OPPONENTS = ("reinforce", "reinforce-short", "ddpg")
CRITICS = {
    "exact critic": linear_control.exact_critic(),
    "learned critic": linear_control.least_squares_critic(),
}


def agents_of(states=2, actions=1, critic="exact critic", step_size=0.3, longest=1.0):
    """Agents of systems of this size."""
    policy, critic = linear_control.policy(states, actions), CRITICS[critic]
    return metagenrl.Agents(policy, LINEAR_SYSTEMS, critic, step_size=step_size, longest=longest)


def learn(name, seed, updates):
    """The trained loss of this name, and the CPU seconds of its training."""
    begun, (init, objective) = time.process_time(), LEARNED[name]
    follow = metagenrl.meta_gradient(objective, agents_of())
    sample = lambda rng: linear_control.draw(rng, POPULATION, EPISODES, STEPS, LIFE)
    optimizer = clip_gradient(adam(linear_decay(RATE, updates)), longest=1.0)
    rng = numpy.random.default_rng(seed)
    meta, _ = train(init, follow, sample, rng, updates, optimizer=optimizer, label=None)
    return meta, f"{time.process_time() - begun:.0f} s"


# ---- The test ----


def draw_test(seed, asked):
    """Systems of the size that is asked for, with policies and noise for a run."""
    rng, size = numpy.random.default_rng(seed), (asked.states, asked.actions)
    return linear_control.draw(rng, asked.systems, EPISODES, STEPS, asked.life, *size)


def regrets(path):
    """The relative regret after each step along a path of gains, in double precision: (K, M).

    It is infinite, too, for a policy that is no number any more.
    """
    system, gains = tree_map(lambda leaf: leaf.astype(float), path)
    rows = []
    for gain in gains[1:]:
        lost = ~numpy.isfinite(gain).all(axis=(1, 2))
        gain = numpy.where(lost[:, None, None], 0.0, gain)
        rows.append(numpy.where(lost, numpy.inf, lqr.relative_regret(system, gain, gains[0])))
    return numpy.array(rows)


def areas(objective, meta, agents, data):
    """The area of the relative regret on each system: (M,)."""
    path = metagenrl.lifetime(objective, meta, agents, *data)
    return regrets((data[0], [phi["K"] for phi in path])).mean(axis=0)


def greedy_areas(data):
    """The same for policy iteration with the exact critic."""
    system, phi, noises = data
    gains = [phi["K"]]
    for _ in noises:
        gains.append(lqr.greedy_gain(system, lqr.state_cost(system, gains[-1])))
    return regrets((system, gains)).mean(axis=0)


def tune(name, critic, asked):
    """Areas of a fixed loss on the test systems with its best setting, and that one in words."""
    (objective, grid), validation = FIXED[name], draw_test(1000, asked)
    run = lambda setting, data: areas(
        objective, {}, agents_of(asked.states, asked.actions, critic, *setting), data
    )
    medians = numpy.array([[numpy.median(run(pair, validation)) for pair in row] for row in grid])
    best = numpy.unravel_index(numpy.argmin(medians), medians.shape)
    ends = [n > 1 and i in (0, n - 1) for i, n in zip(best, medians.shape)]
    size, longest = setting = grid[best[0]][best[1]]
    words = f"by {size:.3g}" + (f" to {longest:g}" if len(grid) > 1 else "")
    return run(setting, draw_test(2000, asked)), words + (", edge" if any(ends) else "")


def show(name, area, opponents, seconds=""):
    """Print a row; opponents are the areas that this one is compared with."""
    draws = numpy.random.default_rng(0).integers(len(area), size=(200, len(area)))
    error, median = numpy.median(area[draws], axis=1).std(), numpy.median(area)
    shares = "  ".join(f"{numpy.mean(area < other):9.1%}" for other in opponents)
    diverging = numpy.mean(~numpy.isfinite(area))
    print(
        f"{name:50}{median:6.3f} +- {error:.3f}  {diverging:7.1%}  {shares}  {seconds}", flush=True
    )


def run(asked):
    """Print the rows that are asked for."""
    fixed = {name: tune(name, "exact critic", asked) for name in OPPONENTS}
    opponents = [area for area, _ in fixed.values()]
    print(f"{'':50}median area     diverge  better than {', '.join(OPPONENTS)}", flush=True)
    for name in asked.names:
        if name == "greedy":
            show("greedy, exact critic", greedy_areas(draw_test(2000, asked)), opponents)
        for critic in CRITICS if name in FIXED else ():
            have = name in fixed and critic == "exact critic"
            area, setting = fixed[name] if have else tune(name, critic, asked)
            show(f"{name}, {critic}, {setting}", area, opponents)
        for seed in asked.seeds if name in LEARNED else ():
            meta, seconds = learn(name, seed, asked.updates)
            for critic in CRITICS:
                agents = agents_of(asked.states, asked.actions, critic)
                area = areas(LEARNED[name][1], meta, agents, draw_test(2000, asked))
                show(f"{name}, {critic}, seed {seed}", area, opponents, seconds)


def main(arguments=None):
    """Run what is asked for on the command line."""
    known = [*LEARNED, *FIXED, "greedy"]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=400, help="updates of each training")
    parser.add_argument("--systems", type=int, default=400, help="systems of the test")
    parser.add_argument("--life", type=int, default=20, help="inner steps of the test")
    parser.add_argument("--states", type=int, default=2, help="states of the test's systems")
    parser.add_argument("--actions", type=int, default=1, help="actions of the test's systems")
    asked = parser.parse_args(arguments)
    asked.names = asked.names or known
    for name in asked.names:
        if name not in known:
            parser.error(f"{name} is none of {', '.join(known)}")
    with using(dtype="float32"), numpy.errstate(all="ignore"):  # some policies run away
        run(asked)


if __name__ == "__main__":
    main()
