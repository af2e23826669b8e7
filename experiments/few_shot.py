"""Few-shot classification of letters of alphabets never seen, by every learned metric.

    python experiments/few_shot.py                          the whole table
    python experiments/few_shot.py sphere --seeds 0         one learner, one seed: half a minute
    python experiments/few_shot.py siamese --tune           trained and tested for choosing settings

Networks are trained on episodes of letters of 14 by 14 pixels, whose quarter turns count as letters
of their own, by Adam with a step size that falls to 0. A row of the table is a learner on one test:
its accuracy in percent at 5 ways 1 shot, 5 ways 5 shots, 20 ways 1 shot and 20 ways 5 shots. All
learners and seeds answer the same episodes. Accuracies are means over seeds and episodes, and what
follows the sign +- is the standard error over episodes of the mean over seeds. `seconds` is the CPU
time of one training, `loss` the training loss over its last tenth.

With --tune, a learner is trained on six of the scripts and tested on the seventh, Cyrillic. The
step size of siamese networks and the tasks of relation networks were chosen so, after 1,000 steps.
Without it, a learner is trained on all seven and tested on the eight others and on Omniglot, and
the other way round. Omniglot's rows need its files (MINIMETA_DATA, or the network).

"sphere" and "plain" are prototypical networks; "conv" is "sphere" on a convolution that normalises
over all images of a support or query. "-1" is matching at temperature 1. Relation networks follow
the cross-entropy with both answers equally likely, or the published squared error, "-squared",
which on tasks of 20 ways, "-20", goes on saying 1/20.
"""

import argparse
import time
from typing import NamedTuple

import numpy

from minimeta.core.backend import using
from minimeta.core.losses import accuracy
from minimeta.core.optim import adam, linear_decay
from minimeta.embeddings import matching, prototypical, relation, siamese
from minimeta.embeddings.prototypical import on_sphere, pixels
from minimeta.meta import evaluate
from minimeta.nets import conv, mlp, relu
from minimeta.nets.normalisation import standardise
from minimeta.tasks import datasets, episodes, glyphs
from minimeta.tasks.episodes import quarter_turns
from minimeta.training import meta_train

DATA = ["glyphs", "omniglot"]
SIDE = 14
TESTS = [(5, 1), (5, 5), (20, 1), (20, 5)]  # ways, shots
QUERIES = 5  # of each class, in training and in tests
BATCH = 50  # episodes that are tested at once


class Recipe(NamedTuple):
    """A learner and how it is trained: on tasks of so many ways and one shot."""

    learner: object
    steps: int = 8000
    step_size: float = 0.004
    ways: int = 60
    tasks: int = 1
    shape: tuple = (SIDE * SIDE,)  # of an image, as the network takes it


def after_layer_norm(h):
    """The activation of networks whose layers are normalised."""
    return relu(standardise(h))


NET = mlp([SIDE * SIDE, 256, 64])
NORMAL_NET = mlp([SIDE * SIDE, 256, 64], after_layer_norm)
CONV = conv((SIDE, SIDE, 1), (16, 32, 64), 64)
COMPARE = mlp([128, 128, 1])
PAIRS = dict(ways=5, tasks=12)  # relation networks learn faster from many small tasks
RECIPES = {
    "sphere": Recipe(prototypical.learner(on_sphere(NET))),
    "matching": Recipe(matching.learner(NET)),
    "plain": Recipe(prototypical.learner(NET)),
    "siamese": Recipe(siamese.learner(NORMAL_NET, 64), steps=7000, step_size=0.012),
    "relation": Recipe(
        relation.learner(NET, COMPARE, siamese.balanced_cross_entropy), steps=5500, **PAIRS
    ),
    "relation-squared": Recipe(
        relation.learner(NET, COMPARE, relation.squared_error), 5500, **PAIRS
    ),
    "relation-squared-20": Recipe(
        relation.learner(NET, COMPARE, relation.squared_error), steps=3000, ways=20
    ),
    "matching-1": Recipe(matching.learner(NET, temperature=1.0), steps=3000),
    "conv": Recipe(
        prototypical.learner(on_sphere(CONV)), steps=1800, ways=20, shape=(SIDE, SIDE, 1)
    ),
}
BASELINES = {
    "nearest-pixels": matching.nearest_neighbour(),
    "mean-pixels": prototypical.learner(pixels),
}


def letters(name, part):
    """The images and labels of a data set's "train" or "test" part, or of the parts to tune on."""
    if name == "omniglot":
        return datasets.omniglot({"train": "background", "test": "evaluation"}[part], SIDE)[:2]
    parts = {"train": ("train", "validation"), "tune": ("train",), "tune on": ("validation",)}
    return glyphs.load(*parts.get(part, (part,)), side=SIDE)[:2]


def training_letters(x, y):
    """The letters and their quarter turns, sorted by class, as `episodes` finds them fastest."""
    x, y = quarter_turns(x, y)
    order = numpy.argsort(y, kind="stable")
    return x[order], y[order]


def train(recipe, x, y, seed, steps=None):
    """The trained parameters, the mean loss over the last tenth of the steps, and CPU seconds."""
    steps = recipe.steps if steps is None else steps
    x = x.reshape(len(x), *recipe.shape)
    sample = lambda rng: episodes(rng, x, y, recipe.tasks, recipe.ways, 1, QUERIES)
    rng, optimizer = numpy.random.default_rng(seed), adam(linear_decay(recipe.step_size, steps))
    start = time.process_time()
    meta, history = meta_train(recipe.learner, sample, rng, steps, optimizer=optimizer, label=None)
    return meta, history[-max(1, steps // 10) :].mean(), time.process_time() - start


def test(learner, meta, x, y, count, shape=(SIDE * SIDE,)):
    """The accuracies (4, count) of a learner on so many episodes of each of TESTS."""
    x, right = x.reshape(len(x), *shape), []
    for ways, shots in TESTS:
        rng = numpy.random.default_rng(ways * 100 + shots)  # the same episodes for all learners
        sizes = [min(BATCH, count - first) for first in range(0, count, BATCH)]
        tasks = (episodes(rng, x, y, size, ways, shots, QUERIES) for size in sizes)
        right.append(numpy.concatenate([evaluate(learner, meta, t, accuracy) for t in tasks]))
    return 100.0 * numpy.array(right)


def show(where, name, right, seconds="", loss=""):
    """Print a row for the accuracies (seeds, 4, episodes)."""
    mean = numpy.mean(right, axis=0)  # over seeds: (4, episodes)
    error = mean.std(axis=-1) / mean.shape[-1] ** 0.5
    cells = [f"{m:5.1f} +- {e:.1f}" for m, e in zip(mean.mean(axis=-1), error)]
    print(f"{where:22}{name:20}{seconds:>8}{loss:>8}   " + "   ".join(cells), flush=True)


def one_shot_runs(learner, metas):
    """Lake's 20 official runs: the accuracies (seeds, 1, 20) in percent."""
    runs = datasets.omniglot_runs(SIDE)
    flat = lambda data: data._replace(x=data.x.reshape(*data.x.shape[:2], -1))
    task = runs._replace(support=flat(runs.support), query=flat(runs.query))
    return [100.0 * evaluate(learner, meta, task, accuracy)[None] for meta in metas]


def available(names, part):
    """{name: its letters} for the data sets of these names whose files can be had."""
    sets = {}
    for name in names:
        try:
            sets[name] = letters(name, part)
        except datasets.DatasetError as error:
            print(f"{name} is left out: {error}")
    return sets


def compare(name, trained_on, tests, options):
    """Train a learner on every data set and print its row for every test."""
    recipe = RECIPES[name]
    for origin, examples in trained_on.items():
        data = training_letters(*examples)
        metas, losses, seconds = zip(
            *[train(recipe, *data, s, options.steps) for s in options.seeds]
        )
        costs = f"{numpy.mean(seconds):.1f}", f"{numpy.mean(losses):.3f}"
        for place, letters in tests.items():
            right = [
                test(recipe.learner, m, *letters, options.episodes, recipe.shape) for m in metas
            ]
            show(f"{origin} -> {place}", name, right, *costs)
        if name == "sphere" and "omniglot" in tests:
            show_runs(origin, recipe.learner, metas)


def show_runs(origin, learner, metas):
    """Print the row of Lake's one-shot runs, where their file can be had."""
    try:
        show(f"{origin} -> Lake's runs", "sphere", one_shot_runs(learner, metas))
    except datasets.DatasetError as error:
        print(f"Lake's one-shot runs are left out: {error}")


def parse(arguments):
    """The options of the command line."""
    names = [*BASELINES, *RECIPES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("learners", nargs="*", help=f"of {', '.join(names)}; all unless named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--episodes", type=int, default=600, help="tested at each ways and shots")
    parser.add_argument("--steps", type=int, help="of training, in place of the learner's own")
    parser.add_argument("--tune", action="store_true", help="test on the validation script alone")
    options = parser.parse_args(arguments)
    options.learners = options.learners or names
    if unknown := set(options.learners) - set(names):
        parser.error(f"learners must be of {', '.join(names)}; {unknown.pop()} is none of them.")
    return options


def main(arguments=None):
    """Print the table for the learners, seeds and data sets named on the command line."""
    options = parse(arguments)
    heads = "   ".join(f"{f'{ways} ways {shots} shot':12}" for ways, shots in TESTS)
    print(f"{'trained -> tested':22}{'learner':20}{'seconds':>8}{'loss':>8}   {heads}")
    with using(dtype="float32"):
        if options.tune:
            trained_on = {"six scripts": letters("glyphs", "tune")}
            tests = {"Cyrillic": letters("glyphs", "tune on")}
        else:
            trained_on, tests = (available(options.data, part) for part in ("train", "test"))
        for name in options.learners:
            if name in RECIPES:
                compare(name, trained_on, tests, options)
                continue
            for place, (x, y) in tests.items():
                show(place, name, [test(BASELINES[name], {}, x, y, options.episodes)])


if __name__ == "__main__":
    main()
