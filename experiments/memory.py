"""Memories on sequences of Gaussian classes, beside the Bayes classifier of a sequence.

    python experiments/memory.py                                 the whole table
    python experiments/memory.py binding --seeds 0               one learner, one seed
    python experiments/memory.py binding --data glyphs           letters of scripts never seen

A sequence has 50 examples of five classes (or 30 of three), ten of each, in random order. A class
is a cloud in 8 dimensions, with centres from N(0, I) and standard deviation .5 around them. A row
is a learner: its percent of right answers at the 1st, 2nd, 3rd, 5th and 10th presentation of a
class, and at all of them with the standard error over seeds, then the CPU seconds of one training.
Below the learners of each number of classes stands Bayes on the same 1,000 held-out sequences; no
learner may be above it by more than chance. With --data glyphs the examples are letters of 14 by 14
pixels, seen through a fixed random projection to 32 numbers, and there is no Bayes.

    binding        a MANN that writes key and label together, 16 slots
    transformer    attention to all examples so far, each with its label
    interleaved    an LSTM that reads each example without and then with its label
    recurrent-3    an LSTM with labels one step late, three classes
    mann-3         the published MANN, labels one step late, three classes

One training took 20 to 45 CPU seconds, and that of `interleaved` 68, on two busy cores that ten
programs shared; an idle core is faster. The whole table is fifteen trainings.
"""

import argparse
import importlib
import time
from typing import NamedTuple

import numpy

from minimeta.core.backend import to_device, using
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam, linear_decay
from minimeta.exact import sequential_classes
from minimeta.meta import along
from minimeta.tasks import episodes, glyphs
from minimeta.tasks.presentations import by_presentation, shuffle
from minimeta.training import sequence_train

EACH = 10  # presentations of each class
SHOWN = [0, 1, 2, 4, 9]  # the 1st, 2nd, 3rd, 5th and 10th
INPUTS, PIXELS = {"gaussian": 8, "glyphs": 32}, 14 * 14
COVARIANCES = dict(between=numpy.eye(8), within=0.5**2 * numpy.eye(8))
HELD_OUT = 12345  # the seed of the test sequences


class Recipe(NamedTuple):
    """A module of minimeta.memories, the sizes of its learner, and how it is trained."""

    module: str
    sizes: dict
    steps: int
    step_size: float
    ways: int = 5
    tasks: int = 16


RECIPES = {
    "binding": Recipe("binding", dict(hidden=32, slots=16), 1500, 0.01),
    "transformer": Recipe("transformer", dict(width=48, heads=4, blocks=2), 800, 0.004),
    "interleaved": Recipe("interleaved", dict(hidden=64), 3500, 0.01),
    "recurrent-3": Recipe("recurrent", dict(hidden=64), 3000, 0.01, ways=3),
    "mann-3": Recipe("mann", dict(hidden=64, slots=16, width=16), 1600, 0.01, ways=3),
}


def gaussian(rng, tasks, ways):
    """Sequences of Gaussian classes, all of them queries."""
    return sequential_classes.sample(rng, tasks, 0, EACH, ways, **COVARIANCES)


def letters(*parts):
    """A function like `gaussian` for the letters of these parts of the glyphs."""
    x, y = glyphs.load(*parts, side=14)[:2]
    project = numpy.random.default_rng(0).normal(size=(PIXELS, INPUTS["glyphs"]))
    x = x.reshape(len(x), PIXELS) - x.mean()
    x = x @ project / (x.std() * PIXELS**0.5)
    order = numpy.argsort(y, kind="stable")
    return lambda rng, tasks, ways: shuffle(
        rng, episodes(rng, x[order], y[order], tasks, ways, 1, EACH - 1)
    )


def sources(data):
    """Where sequences to train on and to test on come from: disjoint alphabets for letters."""
    if data == "gaussian":
        return gaussian, gaussian
    return letters("train", "validation"), letters("test")


def train(recipe, learner, sample, seed, steps):
    """The trained parameters and CPU seconds."""
    rng = numpy.random.default_rng(seed)
    draw = lambda rng: sample(rng, recipe.tasks, recipe.ways)
    optimizer = adam(linear_decay(recipe.step_size, steps), decay_square=0.99)
    start = time.process_time()
    with using(dtype="float32"):
        meta, _ = sequence_train(learner, draw, rng, steps, optimizer=optimizer, label=None)
    return to_device(meta), time.process_time() - start


def percent(learner, meta, task):
    """Percent right at each presentation, for each sequence: (M, 10)."""
    x, y = (numpy.concatenate(parts, axis=1) for parts in zip(task.support, task.query))
    answers = along(learner, meta, type(task.query)(x, y))
    right = answers.argmax(axis=-1) == y.argmax(axis=-1)
    return 100.0 * by_presentation(right.astype(float), y)


def show(name, scores, seconds):
    """Print a row for the scores (seeds, 10) of a learner."""
    cells = "  ".join(f"{value:5.1f}" for value in scores.mean(axis=0)[SHOWN])
    over = scores.mean(axis=1)
    error = over.std(ddof=1) / len(over) ** 0.5 if len(over) > 1 else 0.0
    print(f"{name:14}{cells}   all {over.mean():.1f} +- {error:.1f}   {seconds}", flush=True)


def compare(name, options, training, testing):
    """Train a learner with every seed and print its row."""
    recipe = RECIPES[name]
    module = importlib.import_module(f"minimeta.memories.{recipe.module}")
    inputs, steps = INPUTS[options.data], options.steps or recipe.steps
    learner = module.learner(inputs, recipe.ways, loss=cross_entropy, **recipe.sizes)
    task = testing(numpy.random.default_rng(HELD_OUT), options.sequences, recipe.ways)
    runs = [train(recipe, learner, training, seed, steps) for seed in options.seeds]
    scores = numpy.stack([percent(learner, meta, task).mean(axis=0) for meta, _ in runs])
    show(name, scores, f"{numpy.mean([seconds for _, seconds in runs]):.1f} s")


def floor(ways, options):
    """Print the row of Bayes on the sequences on which learners of `ways` classes were tested."""
    task = gaussian(numpy.random.default_rng(HELD_OUT), options.sequences, ways)
    bayes = sequential_classes.learner(ways, each=EACH, **COVARIANCES)
    show(f"Bayes-{ways}", percent(bayes, {}, task).mean(axis=0)[None], "")


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("learners", nargs="*", help=f"of {', '.join(RECIPES)}; all unless named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", choices=list(INPUTS), default="gaussian")
    parser.add_argument("--sequences", type=int, default=1000, help="held out, to test on")
    parser.add_argument("--steps", type=int, help="of training, in place of the learner's own")
    options = parser.parse_args(arguments)
    options.learners = options.learners or list(RECIPES)
    if unknown := set(options.learners) - set(RECIPES):
        parser.error(f"learners must be of {', '.join(RECIPES)}; {unknown.pop()} is none of them.")
    return options


def main(arguments=None):
    """Print the table for the learners, seeds and data named on the command line."""
    options = parse(arguments)
    training, testing = sources(options.data)
    print(f"{'':14}" + "  ".join(f"{n + 1:>5}" for n in SHOWN))
    for name in options.learners:
        compare(name, options, training, testing)
    if options.data == "gaussian":
        for ways in sorted({RECIPES[name].ways for name in options.learners}):
            floor(ways, options)


if __name__ == "__main__":
    main()
