"""Few-shot classification of letters of alphabets never seen, by learned starts.

    python experiments/few_shot_starts.py                   the whole table: about 20 minutes
    python experiments/few_shot_starts.py maml --seeds 0    one learner, one seed
    python experiments/few_shot_starts.py maml --tune       tested on the validation script

The learners are MAML and its relatives on the letters of experiments/few_shot.py, at five ways. The
networks have layer norm before each relu, except where the name says otherwise, and a last layer
that starts at zero, which was chosen with --tune --steps 600 for MAML. A row is a learner
tested with its own number of inner steps, or with as many as the row says; accuracies are means
over seeds and episodes in percent, and what follows +- is the standard error over episodes of the
mean over seeds. `seconds` is the CPU time of one training.
"""

import argparse
import time
from typing import Callable, NamedTuple

import numpy
from few_shot import DATA, SIDE, after_layer_norm, available, letters, training_letters

from minimeta.core.backend import using
from minimeta.core.gradients import value_and_grad
from minimeta.core.losses import accuracy, cross_entropy
from minimeta.core.optim import adam, linear_decay, sgd
from minimeta.core.trees import tree_map
from minimeta.initializations import anil, fomaml, maml, meta_sgd, reptile
from minimeta.meta import evaluate, meta_loss
from minimeta.nets import Net, mlp, relu
from minimeta.tasks import episodes
from minimeta.training import train

WAYS, QUERIES, BATCH = 5, 5, 50  # classes, queries of each, episodes that are tested at once


class Recipe(NamedTuple):
    """How a learner is made, for a number of inner steps, and how it is trained."""

    make: Callable  # inner steps -> Learner
    inner: tuple = (1,)  # steps: in training, and those to test with besides
    steps: int = 6000
    optimizer: Callable = lambda steps: adam(linear_decay(0.005, steps))
    shots: int = 1
    tasks: int = 16
    follow: Callable | None = None  # the outer loop's direction, if not that of the meta-loss


def network(width, activation=after_layer_norm):
    """The classifier of five letters, with two hidden layers. Its last layer starts at zero.

    The first inner step then compares with the mean features of each class from the beginning, as
    a prototypical network does (the theorem `anil_step_from_zeros`).
    """
    net = mlp([SIDE * SIDE, width, 64, WAYS], activation)

    def init(rng):
        *body, last = net.init(rng)
        return [*body, tree_map(numpy.zeros_like, last)]

    return Net(init, net.apply)


def maker(make, net, step_size):
    """inner steps -> the learner on this network, with this inner step size and cross-entropy."""
    return lambda steps: make(net, loss=cross_entropy, step_size=step_size, steps=steps)


NET, NARROW = network(256), network(128)
PLAIN = network(128, relu)
ANIL = lambda steps: anil.learner(NET, loss=cross_entropy, step_size=2.0, steps=steps)
REPTILE = dict(loss=cross_entropy, inner=sgd(0.3))
RECIPES = {
    "maml": Recipe(maker(maml.learner, NET, 2.0), inner=(1, 2, 3)),
    "maml-narrow": Recipe(maker(maml.learner, NARROW, 2.0), steps=4500),
    "maml-1000": Recipe(maker(maml.learner, NARROW, 2.0), steps=1000),
    "maml-1000-no-norm": Recipe(maker(maml.learner, PLAIN, 2.0), steps=1000),
    "maml-5-shot": Recipe(maker(maml.learner, NARROW, 2.0), steps=4000, shots=5),
    "anil": Recipe(ANIL, steps=8000),
    "meta-sgd": Recipe(
        maker(meta_sgd.learner, NARROW, 2.0),
        steps=3000,
        optimizer=lambda steps: adam(linear_decay(0.002, steps)),
    ),
    "fomaml": Recipe(maker(fomaml.learner, NET, 0.5), inner=(5,)),
    "reptile": Recipe(
        lambda steps: reptile.learner(NET, steps=steps, **REPTILE),
        inner=(5, 10),
        steps=8000,
        optimizer=lambda steps: sgd(linear_decay(1.0, steps)),
        shots=5,
        follow=reptile.meta_gradient(NET, steps=5, **REPTILE),
    ),
}


def fit(recipe, x, y, seed, steps):
    """The trained parameters, and CPU seconds."""
    learner = recipe.make(recipe.inner[0])
    follow = recipe.follow or value_and_grad(lambda meta, task: meta_loss(learner, meta, task))
    sample = lambda rng: episodes(rng, x, y, recipe.tasks, WAYS, recipe.shots, QUERIES)
    rng, start = numpy.random.default_rng(seed), time.process_time()
    meta, _ = train(
        learner.init, follow, sample, rng, steps, optimizer=recipe.optimizer(steps), label=None
    )
    return meta, time.process_time() - start


def test(learner, meta, x, y, shots, count):
    """The accuracy in percent on each of so many episodes, the same for all learners."""
    rng = numpy.random.default_rng(shots)
    sizes = [min(BATCH, count - first) for first in range(0, count, BATCH)]
    tasks = [episodes(rng, x, y, size, WAYS, shots, QUERIES) for size in sizes]
    return 100.0 * numpy.concatenate([evaluate(learner, meta, t, accuracy) for t in tasks])


def compare(name, trained_on, tests, options):
    """Train a learner and print a row for each test and number of inner steps."""
    recipe = RECIPES[name]
    steps, flat = options.steps or recipe.steps, lambda x: x.reshape(len(x), -1)
    shots = 1 if name == "reptile" else recipe.shots
    for origin, examples in trained_on.items():
        x, y = training_letters(*examples)
        metas, seconds = zip(*[fit(recipe, flat(x), y, seed, steps) for seed in options.seeds])
        for place, (images, labels) in tests.items():
            for inner in recipe.inner:
                args = flat(images), labels, shots, options.episodes
                right = numpy.mean([test(recipe.make(inner), m, *args) for m in metas], axis=0)
                error = right.std() / len(right) ** 0.5
                row = f"{origin} -> {place}"
                print(
                    f"{row:22}{name:20}{inner:>6}{shots:>6}{numpy.mean(seconds):>9.1f}"
                    f"{right.mean():>8.1f} +- {error:.1f}",
                    flush=True,
                )


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("learners", nargs="*", help=f"of {', '.join(RECIPES)}; all unless named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", nargs="+", choices=DATA, default=["glyphs"])
    parser.add_argument("--episodes", type=int, default=600, help="tested for each row")
    parser.add_argument("--steps", type=int, help="of training, in place of the learner's own")
    parser.add_argument("--tune", action="store_true", help="test on the validation script alone")
    options = parser.parse_args(arguments)
    if unknown := set(options.learners) - set(RECIPES):
        parser.error(f"learners must be of {', '.join(RECIPES)}; {unknown.pop()} is none of them.")
    return options


def main(arguments=None):
    """Print the table for the learners, seeds and data sets named on the command line."""
    options = parse(arguments)
    print(
        f"{'trained -> tested':22}{'learner':20}{'inner':>6}{'shots':>6}{'seconds':>9}{'right':>8}"
    )
    with using(dtype="float32"):
        if options.tune:
            trained_on = {"six scripts": letters("glyphs", "tune")}
            tests = {"Cyrillic": letters("glyphs", "tune on")}
        else:
            trained_on, tests = (available(options.data, part) for part in ("train", "test"))
        for name in options.learners or RECIPES:
            compare(name, trained_on, tests, options)


if __name__ == "__main__":
    main()
