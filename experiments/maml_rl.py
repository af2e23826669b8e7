"""MAML from rewards on 2-D navigation, beside other starts and the best that can be done.

    python experiments/maml_rl.py                    everything, 3 seeds: about 5 minutes
    python experiments/maml_rl.py maml --seeds 0     or whole, first, dice, plain, random

maml    the surrogate with a twentieth of the score term, trained through one inner step of 0.4
whole   the unbiased surrogate, with the whole score term
first   the original surrogate, without the score term
dice    the same, with an inner step that is differentiated by DiCE
plain   trained on all goals without an inner step (pre-training)
random  not trained

Each row is the mean return of 20 steps on 400 new goals before, and after 1, 2 and 3 inner steps;
the second and third step are half as long as the first. Rows "at 0.4" have the step of the
training; the others the step of a grid that is best on a quarter as many other goals, by the return
after three steps. What follows +- is the standard error over goals of the last of the four. CPU
seconds are those of one training. The last two rows need no learning: the best path to a known goal
in closed form, and the best of the controllers that go to a known goal in proportion to what is
left, under the policy's noise.

    python experiments/maml_rl.py first --seeds 0 --horizon 100 --warm 100 --size 0.6 --rate 0.001

is the horizon of Finn et al. 2017, whose released policies earn -40.4, -11.7, -3.3 and -3.2. In 100
steps two of the three fresh networks ("random") walk off, and where all episodes of a goal do so,
no reward tells them apart. With --warm the last layer starts at zero and is trained without inner
steps first, and gradients are at most 10 long. This learns, in one minute, and does not come near
those numbers. For the last two the actions scatter too much: with 0.5 the best of the controllers
earns less, though it knows the goal.
"""

import argparse
import time
from functools import partial

import numpy

from minimeta.agents import dice, maml_rl
from minimeta.core.backend import np, using
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import norm, tree_map
from minimeta.exact.navigation import best_return
from minimeta.nets import mlp
from minimeta.tasks import navigation, rollout
from minimeta.tasks.navigation import HALF, NAVIGATION
from minimeta.training import train

DEVIATION, EPISODES = 0.5, 20
GRID = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2)
GAINS = numpy.arange(0.5, 10.0, 0.5)  # of controllers
RUNS = {  # the surrogate, the objective of inner steps, and how many there are in training
    "maml": (partial(maml_rl.with_score, weight=0.05), maml_rl.reinforce, 1),
    "whole": (maml_rl.with_score, maml_rl.reinforce, 1),
    "first": (maml_rl.given_episodes, maml_rl.reinforce, 1),
    "dice": (maml_rl.given_episodes, dice.objective, 1),
    "plain": (maml_rl.given_episodes, maml_rl.reinforce, 0),
    "random": (None, None, 0),
}
POLICY = maml_rl.gaussian(mlp([2, 32, 2], np.tanh, gain=1.0), DEVIATION)


def start(name, seed, asked):
    """The trained start of this name, and the CPU seconds of its training."""
    begun, rng, init = time.process_time(), numpy.random.default_rng(seed), POLICY.init
    if asked.warm:
        stay = lambda rng: [*POLICY.init(rng)[:-1], tree_map(np.zeros_like, POLICY.init(rng)[-1])]
        warm = learn("plain", stay, rng, asked.warm, 0.003, asked)
        init = lambda rng: warm
    if name == "random":
        return init(rng), "0 s"
    theta = learn(name, init, rng, asked.updates, asked.rate, asked)
    return theta, f"{time.process_time() - begun:.0f} s"


def learn(name, init, rng, updates, rate, asked):
    """The parameters after so many updates of the training of this name."""
    surrogate, inner, steps = RUNS[name]
    sizes = steps * (asked.size,)
    follow = maml_rl.meta_gradient(POLICY, NAVIGATION, sizes, surrogate, inner=inner)
    if asked.warm:
        follow = shorten(follow)
    sample = lambda rng: navigation.draw(rng, 20, EPISODES, asked.horizon, steps + 1)
    optimizer = adam(linear_decay(rate, updates))
    return train(init, follow, sample, rng, updates, optimizer=optimizer, label=None)[0]


def shorten(follow, longest=10.0):
    """The same with gradients that are no longer than this."""

    def short(theta, data):
        value, gradient = follow(theta, data)
        scale = np.minimum(1.0, longest / norm(gradient))
        return value, tree_map(lambda leaf: leaf * scale, gradient)

    return short


def returns_by_step(theta, size, goals, noises):
    """The mean return of each goal after 0, 1, 2 and 3 inner steps: (4, M)."""
    sizes = (size, size / 2, size / 2)
    lives = maml_rl.live(POLICY, theta, NAVIGATION, goals, noises, sizes)
    return numpy.stack([episodes.reward.sum(axis=-1).mean(axis=-1) for episodes in lives])


def best_size(theta, horizon, tasks):
    """The step size of the grid with the best return after three steps, on goals of its own."""
    goals, noises = navigation.draw(numpy.random.default_rng(1000), tasks, EPISODES, horizon, 4)
    with numpy.errstate(all="ignore"):  # the largest steps may lead nowhere
        ends = [returns_by_step(theta, size, goals, noises)[-1].mean() for size in GRID]
    return GRID[int(numpy.argmax(numpy.nan_to_num(ends, nan=-numpy.inf)))]


def controller(goals, noise):
    """The returns (M,) of the best controller, action = gain * (goal - position) / HALF + noise."""

    def earned(gain):
        act = lambda memory, seen, now: (
            memory,
            (gain * (goals[:, None] / HALF - seen) + DEVIATION * now).astype(now.dtype),
        )
        return rollout(NAVIGATION, act, goals, noise).reward.sum(axis=-1).mean(axis=-1)

    return max((earned(gain) for gain in GAINS), key=numpy.mean)


def show(name, earned, seconds=""):
    """Print a row: means over goals, the standard error of the last."""
    error = earned[-1].std() / earned.shape[1] ** 0.5
    means = "  ".join(f"{mean:7.2f}" for mean in earned.mean(axis=1))
    print(f"{name:34}{means}  +- {error:.2f}  {seconds}", flush=True)


def main(arguments=None):
    """Run what is asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RUNS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--updates", type=int, default=600, help="updates of each training")
    parser.add_argument("--horizon", type=int, default=20, help="steps of an episode")
    parser.add_argument("--rate", type=float, default=0.006, help="first step size of Adam")
    parser.add_argument("--size", type=float, default=0.4, help="inner step size of the training")
    parser.add_argument("--warm", type=int, default=0, help="updates without inner steps before")
    parser.add_argument("--goals", type=int, default=400, help="goals of the test")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if name not in RUNS:
            parser.error(f"{name} is none of {', '.join(RUNS)}")
    with using(dtype="float32"):
        rng = numpy.random.default_rng(2000)
        goals, noises = navigation.draw(rng, asked.goals, EPISODES, asked.horizon, 4)
        for name in asked.names or RUNS:
            for seed in asked.seeds:
                theta, seconds = start(name, seed, asked)
                best = best_size(theta, asked.horizon, asked.goals // 4)
                for size in dict.fromkeys((asked.size, best)):
                    row = f"{name}, seed {seed}, at {size}"
                    show(row, returns_by_step(theta, size, goals, noises), seconds)
        show("best path, goal known", best_return(goals, asked.horizon)[None])
        show("best controller, goal known", controller(goals, noises[0])[None])


if __name__ == "__main__":
    main()
