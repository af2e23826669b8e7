"""From memorising to learning to learn: a transformer trained on M tasks made of one data set.

    python experiments/task_diversity.py                     every row, three seeds, 4 minutes
    python experiments/task_diversity.py 64 --seeds 0        one row, one seed: 15 seconds
    python experiments/task_diversity.py endless --mnist     MNIST too (its test files are needed)

A task is a random projection of the 8 by 8 digits to 16 numbers, and five of the ten classes in
random order. A transformer (48 wide, 2 blocks, 4 heads) reads sequences of 20 labelled examples,
each as a token without its label and a token with it. `endless` draws new tasks at every step, and
takes three times as many steps.

A row of the table is the number of tasks in training, and the accuracy in percent at the 20th
example: on `seen` tasks, those of training, on `new` ones, both with images that were not trained
on, and on new tasks of letters (`glyphs`, the alphabets to test on) and of MNIST. `first` is the
accuracy on seen tasks before any example is shown. What follows the sign +- is the standard error
of the mean over seeds. `seconds` is the CPU time of one training.

Settings were chosen on other divisions of the same 1,797 digits, whose test images overlap with
those here, and on the validation alphabet of the glyphs; two of them were compared on rows of this
table. The numbers for digits are therefore slightly too good. MNIST guided no choice.
"""

import argparse
import time

import numpy

from minimeta.core.backend import np, using
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam
from minimeta.exact.finite_tasks import label_bound
from minimeta.memories import transformer
from minimeta.meta import along
from minimeta.tasks import Data, datasets, glyphs, projections
from minimeta.training import sequence_train

CLASSES, EXAMPLES, INPUTS, BATCH = 5, 20, 16, 32
TEST_IMAGES, CHUNK = 600, 250  # digits set apart, and sequences that are answered at once
LARGEST_STEP, RISE = 0.01, 50  # of Adam: the step size rises for 50 steps, then falls to 0
READER = transformer.learner(INPUTS, CLASSES, 48, heads=4, blocks=2, loss=cross_entropy)
COLUMNS = ("first", "seen", "new", "glyphs", "mnist")


def train(images, tasks, steps, rng):
    """The pool of `tasks` tasks (None: endless tasks) and the transformer trained on them."""
    maps = tasks and projections.draw_maps(rng, *images, tasks, CLASSES, INPUTS)
    step_size = lambda t: LARGEST_STEP * np.minimum(1.0, (t + 1) / RISE) * (1.0 - t / steps)

    def sample(rng):
        if maps is None:
            return projections.projections(rng, *images, BATCH, CLASSES, EXAMPLES - 1, 1, INPUTS)
        batch = projections.choose(rng, maps, BATCH)
        return projections.from_maps(rng, *images, batch, EXAMPLES - 1, 1)

    optimizer = adam(step_size, decay_square=0.99)
    meta, _ = sequence_train(READER, sample, rng, steps, optimizer=optimizer, label=None)
    return maps, meta


def draw(images, maps, rng):
    """A sequence for each task of the maps."""
    first, last = projections.from_maps(rng, *images, maps, EXAMPLES - 1, 1)
    return Data(*(numpy.concatenate(parts, axis=1) for parts in zip(first, last)))


def accuracy(answer, images, count, rng, maps=None):
    """Percent right at each place of `count` sequences, of the tasks in maps or of new ones."""
    right = []
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        new = lambda: projections.draw_maps(rng, *images, size, CLASSES, INPUTS)  # noqa: B023
        drawn = new() if maps is None else projections.choose(rng, maps, size)
        data = draw(images, drawn, rng)
        right.append(answer(data).argmax(axis=-1) == data.y.argmax(axis=-1))
    return 100.0 * numpy.concatenate(right).mean(axis=0)


def nearest_neighbour(data):
    """The label of the nearest example before, at each place; none at the first: (M, T, C)."""
    squares = numpy.sum((data.x[:, :, None] - data.x[:, None]) ** 2, axis=-1)  # (M, T, T)
    before = numpy.tri(data.x.shape[1], k=-1, dtype=bool)
    nearest = numpy.where(before, squares, numpy.inf).argmin(axis=-1)
    answers = numpy.take_along_axis(data.y, nearest[..., None], axis=1)
    answers[:, 0] = 0.0
    return answers


def test_sets(mnist):
    """The images and labels of each column of new tasks; digits are (to train on, to test on)."""
    digits = datasets.split(numpy.random.default_rng(0), *datasets.digits(), TEST_IMAGES)
    to_train, to_test = ((projections.standardise(x), y) for x, y in digits)
    letters = glyphs.load("test", side=14)
    sets = {"new": to_test, "glyphs": (projections.standardise(letters.x), letters.y)}
    if mnist:
        x, y = datasets.mnist("test")
        sets["mnist"] = projections.standardise(x), y
    return to_train, sets


def one_run(tasks, seed, options, to_train, sets):
    """Train and test once: {column: percent or seconds}."""
    rng = numpy.random.default_rng([seed, tasks or 0])
    steps = options.steps * (1 if tasks else 3)
    start = time.process_time()
    maps, meta = train(to_train, tasks, steps, rng)
    row = {"seconds": time.process_time() - start}
    answer, stream = lambda data: along(READER, meta, data), numpy.random.default_rng([seed, 10**6])
    if tasks:
        seen = accuracy(answer, sets["new"], options.sequences, stream, maps)
        row |= {"first": seen[0], "seen": seen[-1]}
    for name, images in sets.items():
        row[name] = accuracy(answer, images, options.sequences, stream)[-1]
    return row


def show(name, rows):
    """One line of the table: the mean over runs and, of several, its standard error."""
    cells = []
    for column in COLUMNS:
        values = numpy.array([row[column] for row in rows if column in row])
        cell = f"{values.mean():6.1f}" if len(values) else ""
        if len(values) > 1:
            cell += f" +- {values.std(ddof=1) / len(values) ** 0.5:3.1f}"
        cells.append(f"{cell:13}")
    seconds = numpy.mean([row.get("seconds", 0.0) for row in rows])
    print(f"{name:>10}", *cells, f"{seconds:8.1f}", flush=True)


def main(arguments=None):
    """Print the table for the numbers of tasks on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=["1", "16", "64", "256", "endless"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--steps", type=int, default=400, help="of training; endless: three times these"
    )
    parser.add_argument("--sequences", type=int, default=2000, help="in each test")
    parser.add_argument("--mnist", action="store_true", help="test on MNIST as well")
    options = parser.parse_args(arguments)
    with using(dtype="float32"):
        to_train, sets = test_sets(options.mnist)
        print(f"{'tasks':>10}", *(f"{column:>13}" for column in COLUMNS), f"{'seconds':>8}")
        for name in options.tasks:
            tasks = None if name == "endless" else int(name)
            rows = [one_run(tasks, seed, options, to_train, sets) for seed in options.seeds]
            if len(rows) > 1:
                print(f"{name:>10}", "by seed, new:", *(f"{row['new']:.1f}" for row in rows))
            show(name, rows)
        stream = numpy.random.default_rng(0)
        nearest = lambda images: accuracy(nearest_neighbour, images, options.sequences, stream)[-1]
        show("nearest", [{name: nearest(images) for name, images in sets.items()}])
    print(f"possible on new tasks: {100.0 * label_bound(CLASSES, EXAMPLES - 1):.2f}")


if __name__ == "__main__":
    main()
