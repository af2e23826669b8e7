"""LPG, a learned rule for agents that are tables, beside the rules that people wrote.

    python experiments/objectives.py                    everything, 3 seeds: about 8 minutes
    python experiments/objectives.py lpg --seeds 0      some of tune, rivals, lpg, score

tune    the settings of REINFORCE and actor-critic (A2C): one is chosen after the other from its
        grid, twice, on other problems of the tested family, as many as --tasks says
rivals  the two with the settings that this found
lpg     the rule trained without the part of the gradient that is due to who plays the episodes
score   ... and with it

A rule is trained on random MDPs of 5 states and 3 actions, 10 steps, 2 episodes an update, lives of
15 updates of which 5 at a time are differentiated through. It is tested on lives of 30 updates in
new MDPs, in MDPs of 15 states, and in chains of 4 states, which it has never seen. Rows are areas
under the curve of the exact return, from 0 for the uniform policy to 1 for the best, and what is
gained over each rival on the same problems and noise. What follows +- is the standard error over
problems; CPU seconds are those of one training.
"""

import itertools
import time
from functools import cache, partial

import numpy
from rules import run_asked, show_mean

from minimeta.agents import lpg
from minimeta.agents import tabular as agents
from minimeta.core.optim import adam, linear_decay
from minimeta.tasks import tabular
from minimeta.training import train

STEPS, EPISODES, UPDATES, STEP_SIZE = 10, 2, 30, 1.0
FAMILIES = {
    "5 states": tabular.random_mdps,
    "15 states": partial(tabular.random_mdps, states=15),
    "chain of 4": tabular.chains,
}
GRIDS = {
    "REINFORCE": (agents.reinforce, {"step_size": (0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0)}),
    "A2C": (
        agents.actor_critic,
        {
            "step_size": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
            "value_step": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
            "decay": (0.0, 0.3, 0.6),  # 0 is the least there is, and no edge
        },
    ),
}

SETTINGS = {  # what `tune` finds with 100 problems, in chains for A2C with 60
    ("5 states", "REINFORCE"): (1.0,),
    ("5 states", "A2C"): (4.0, 0.1, 0.0),
    ("15 states", "REINFORCE"): (0.7,),
    ("15 states", "A2C"): (4.0, 0.05, 0.0),
    ("chain of 4", "REINFORCE"): (1.4,),
    ("chain of 4", "A2C"): (64.0, 0.02, 0.3),  # the larger the step, the better
}


def draw(rng, tasks, family):
    """Problems of the family of this name, and the noise of whole lives."""
    return tabular.draw(rng, tasks, EPISODES, STEPS, UPDATES, FAMILIES[family])


def areas(update, agent, problem, noises):
    """The area under the curve of each problem: (M,)."""
    life = agents.live(update, agent, problem, noises)
    return agents.area(agents.curve(life, problem, STEPS))


def tune(rival, family, tasks):
    """The settings of a rival: one chosen after the other from its grid, twice."""
    rule, grid = GRIDS[rival]
    tuning = draw(numpy.random.default_rng(1000), tasks, family)
    best = dict(zip(grid, SETTINGS[family, rival]))
    for name in 2 * list(grid):
        settings = [{**best, name: value} for value in grid[name]]
        best = agents.best_setting(rule, settings, *tuning)
    return best


@cache
def rival_areas(rival, family, tasks):
    """The areas of the tuned rival on the problems of the test: (M,)."""
    problem, noises = draw(numpy.random.default_rng(2000), tasks, family)
    rule, grid = GRIDS[rival]
    rule = partial(rule, **dict(zip(grid, SETTINGS[family, rival])))
    return areas(rule, agents.start(problem), problem, noises)


def train_rule(seed, updates, score):
    """A trained eta, and the CPU seconds of its training."""
    begun, follow = time.process_time(), lpg.meta_gradient(STEP_SIZE, score=score)
    sample = lambda rng: tabular.draw(rng, 16, EPISODES, STEPS, UPDATES // 2)
    optimizer, rng = adam(linear_decay(0.01, updates)), numpy.random.default_rng(seed)
    eta, _ = train(lpg.init, follow, sample, rng, updates, optimizer=optimizer, label=None)
    return eta, f"{time.process_time() - begun:.0f} s"


def run_tune(seeds, updates, tasks):
    """Print the best settings of each grid; nothing is trained."""
    for family, rival in itertools.product(FAMILIES, GRIDS):
        for name, value in tune(rival, family, tasks).items():
            values = GRIDS[rival][1][name]
            edge = value == max(values) or value == min(values) != 0.0
            print(f"tune, {family}: {rival}, {name} {value:g}{' AT AN EDGE' * edge}", flush=True)


def run_rivals(seeds, updates, tasks):
    """The areas of REINFORCE and A2C; nothing is trained."""
    for family, rival in itertools.product(FAMILIES, GRIDS):
        show_mean(f"{family}: {rival}", rival_areas(rival, family, tasks))


def run_rule(word, score, seeds, updates, tasks):
    """Train the rule; print its areas, and what it gains over the rivals."""
    for seed in seeds:
        eta, seconds = train_rule(seed, updates, score)
        for family in FAMILIES:
            problem, noises = draw(numpy.random.default_rng(2000), tasks, family)
            rule = partial(lpg.update, eta, step_size=STEP_SIZE)
            own = areas(rule, lpg.start(eta, problem), problem, noises)
            show_mean(f"{family}: {word}, seed {seed}", own, seconds)
            for rival in GRIDS:
                show_mean(f"    more than {rival}", own - rival_areas(rival, family, tasks))


RUNS = {
    "tune": (run_tune, 1),
    "rivals": (run_rivals, 1),
    "lpg": (partial(run_rule, "lpg", 0.0), 300),
    "score": (partial(run_rule, "score", 1.0), 300),
}


def main(arguments=None):
    """Run what is asked for on the command line."""
    run_asked(__doc__, RUNS, arguments)


if __name__ == "__main__":
    main()
