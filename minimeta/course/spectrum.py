"""The chart of all learners: trains those of `recipes`, keeps checkpoints, prints and draws.

    python -m minimeta compare                    everything; a second call trains nothing
    python -m minimeta compare --seed 1           another seed, with checkpoints of its own

A checkpoint is named by all that made it: the learner with its settings, the training, the family
and the seed. So whoever changes a recipe trains it again, and only it.
"""

import hashlib
import os
import pickle
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy

from minimeta.compare import Z, compare, table
from minimeta.core.backend import using
from minimeta.core.gradients import value_and_grad
from minimeta.core.optim import adam, linear_decay, sgd
from minimeta.core.runs import checkpoint
from minimeta.course.lessons import THREADS, folder
from minimeta.course.recipes import PLACES, SETTINGS
from minimeta.meta import evaluate, meta_loss, sequence_loss
from minimeta.tasks.presentations import shuffle
from minimeta.training import train

TASKS = 32  # of a training step
BELIEVED = "Bayes, old prior"
OUTSIDE = "other spectrum"  # the shift that the figure shows


def fit(kind, name, seed=0, steps=None):
    """The meta-parameters of a recipe after training, in single precision."""
    setting = SETTINGS[kind]
    recipe, inside = setting.recipes[name], setting.shifts["inside"]
    steps = recipe.steps if steps is None else min(steps, recipe.steps)
    learner, rng = recipe.make(), numpy.random.default_rng(seed)

    def sample(rng):
        task = inside.family.sample(rng, TASKS, inside.shots, setting.queries)
        return shuffle(rng, task) if recipe.train == "sequence" else task

    with using(dtype="float32"):
        if steps == 0:
            return learner.init(rng)
        follow, optimizer = direction(recipe, learner), outer(recipe, steps)
        options = dict(optimizer=optimizer, label=None)
        return train(learner.init, follow, sample, rng, steps, **options)[0]


def direction(recipe, learner):
    """What the outer loop of a recipe follows: (meta, task) -> (value, gradient)."""
    if recipe.follow:
        return recipe.follow()
    loss = sequence_loss if recipe.train == "sequence" else meta_loss
    return value_and_grad(lambda meta, task: loss(learner, meta, task))


def outer(recipe, steps):
    """The outer optimizer of a recipe; its step size falls to zero."""
    schedule = linear_decay(recipe.step_size, steps)
    return sgd(schedule) if recipe.train == "reptile" else adam(schedule, decay_square=0.99)


# ---- Checkpoints ----


def path_of(kind, name, seed):
    """The file of a trained learner, which another recipe, family or seed would not have."""
    setting = SETTINGS[kind]
    recipe, inside = setting.recipes[name], setting.shifts["inside"]
    how = (recipe.steps, recipe.step_size, recipe.train, TASKS, inside.shots, setting.queries)
    what = pickle.dumps((recipe.make(), how, inside.family.sample, seed))
    word = "".join(c if c.isalnum() else "-" for c in f"{kind}-{name}")
    return folder() / "spectrum" / f"{word}-{hashlib.sha256(what).hexdigest()[:10]}.npz"


def is_ready(kind, name, seed=0):
    """Whether there is nothing to train: no recipe for it, or a checkpoint."""
    return SETTINGS[kind].recipes[name].steps == 0 or path_of(kind, name, seed).exists()


def make_ready(job):
    """Train a learner (kind, name, seed) and save it; return its name and the CPU seconds."""
    kind, name, seed = job
    start = time.process_time()
    checkpoint.save(path_of(kind, name, seed), {"meta": fit(kind, name, seed)})
    return f"{kind}: {name}", time.process_time() - start


def meta_of(kind, name, seed=0):
    """The trained meta-parameters, from the checkpoint if there is one; it is made if not."""
    if SETTINGS[kind].recipes[name].steps == 0:
        return fit(kind, name, seed)
    if not is_ready(kind, name, seed):
        make_ready((kind, name, seed))
    return checkpoint.load(path_of(kind, name, seed)).tree["meta"]


def lesson_metas(kind, seed=0, quick=False):
    """{name: meta} for the lesson: its own learners, trained if need be, and all that are ready.

    With quick, its own learners after two steps of training, whatever there is.
    """
    recipes = SETTINGS[kind].recipes
    if quick:
        own = [name for name, one in recipes.items() if one.lesson or one.steps == 0]
        return {name: fit(kind, name, seed, steps=2) for name in own}
    shown = [name for name, one in recipes.items() if one.lesson or is_ready(kind, name, seed)]
    return {name: meta_of(kind, name, seed) for name in shown}


# ---- Measuring ----


def measure(kind, metas, rng, tasks=2000, wanted=None):
    """{shift: Comparison} of {name: meta} on the tasks of the shifts `wanted`, all if None.

    The row BELIEVED is the Bayes-optimal learner before the shift. A learner that cannot answer
    there, because its outputs are fixed, or that overflows, has no row.
    """
    setting, records = SETTINGS[kind], {}
    learners = {name: (setting.recipes[name].make(), meta) for name, meta in metas.items()}
    with using(dtype="float32"), numpy.errstate(over="ignore", invalid="ignore"):
        for name in wanted or setting.shifts:
            shift = setting.shifts[name]
            able = {BELIEVED: (shift.believed, {}), **learners}
            trial = shift.family.sample(numpy.random.default_rng(0), 200, shift.shots, 4)
            able = {n: pair for n, pair in able.items() if answers(*pair, trial)}
            records[name] = compare(able, shift.family, shift.shots, rng, tasks, setting.queries)
    return records


def answers(learner, meta, task):
    """Whether a learner has finite answers to the tasks, as many as there are labels."""
    try:
        shape = numpy.shape(learner.predict(meta, learner.adapt(meta, task.support), task.query.x))
        return shape == task.query.y.shape and evaluate(learner, meta, task) is not None
    except (ValueError, FloatingPointError):
        return False


def by_structure(record):
    """The record with its rows in order of meta-parameters for each learned variable."""
    rows = sorted(record.rows, key=lambda row: row.meta / row.learned)
    return record._replace(rows=rows)


def only(record, wanted):
    """The record with the rows of these names, in this order."""
    rows = {row.name: row for row in record.rows}
    return record._replace(rows=[rows[name] for name in wanted])


def agreement(records, outside=OUTSIDE):
    """The rank correlation of how much is learned with what is lost, and how far chance goes.

    What is learned is meta-parameters for each learned variable, and what is lost is the excess
    outside divided by the excess inside. Were the orders independent, 95 % of correlations would
    be within 1.96 / sqrt(learners - 1).
    """
    rows = [row for row in records["inside"].rows if row.name != BELIEVED]
    far = only(records[outside], [row.name for row in rows]).rows
    learned = ranks(numpy.array([row.meta / row.learned for row in rows]))
    lost = ranks(numpy.array([b.mean / a.mean for a, b in zip(rows, far)]))
    return float(numpy.corrcoef(learned, lost)[0, 1]), Z / (len(rows) - 1) ** 0.5


def ranks(values):
    """The share of the values below each of them; equals count half."""
    return numpy.array([numpy.mean(values < v) + numpy.mean(values == v) / 2 for v in values])


# ---- The figure ----


def place_colours():
    """{place: colour}, which the colour-blind tell apart."""
    from minimeta.plots import COLOURS

    return dict(zip(PLACES, (COLOURS[i] for i in (2, 0, 3, 1))))


def panel(ax, kind, records, outside=OUTSIDE):
    """Draw the learners of one family: inside and outside, ordered by how much is learned."""
    from minimeta import plots

    inside = by_structure(records["inside"])
    there = {row.name for row in records[outside].rows}
    shown = [row.name for row in inside.rows if row.name in there and row.name != BELIEVED]
    inside, far = only(inside, shown), only(records[outside], shown)
    recipes, of_place = SETTINGS[kind].recipes, place_colours()
    colours = {name: of_place[recipes[name].place] for name in shown}
    plots.compare(ax, inside, far, colours, ("inside", f"outside: {outside}"))
    ratios = [f"{row.name}  {short(row.meta / row.learned)}" for row in inside.rows]
    ax.set_yticks(range(len(ratios)), ratios, fontsize=8)
    (believed,) = only(records[outside], [BELIEVED]).rows
    ax.axvline(believed.mean, color=plots.BAYES, linestyle=":", label=f"{BELIEVED}, outside")
    return plots.labels(ax, "excess over the Bayes-optimal loss", "", legend=False)


def short(ratio):
    """A ratio with two digits, or more before the point."""
    return f"{ratio:.0f}" if ratio >= 10.0 else f"{ratio:.2g}"


def fill(fig, axes, records):
    """Draw {family: {shift: Comparison}}, one family on each of the axes, and one legend."""
    titles = {"maps": "Linear maps, four inputs", "classes": "Three Gaussian classes"}
    for ax, (kind, parts) in zip(axes, records.items()):
        panel(ax, kind, parts)
        ax.set_title(titles[kind], fontsize=11)
    words = "behind each name: meta-parameters for each learned variable"
    fig.suptitle(words, fontsize=9, color="#555555")
    for place, colour in place_colours().items():
        axes[0].plot([], [], color=colour, linewidth=4, label=place)
    handles, texts = axes[0].get_legend_handles_labels()
    fig.legend(handles, texts, loc="outside lower center", ncols=4, fontsize=8, frameon=False)


# ---- The command ----


def main(seed=0, workers=None, figure=None, tasks=2000):
    """Train what has no checkpoint, print a table for each family and shift, draw; return 0."""
    start = time.perf_counter()
    jobs = [(kind, name, seed) for kind in SETTINGS for name in SETTINGS[kind].recipes]
    prepare([job for job in jobs if not is_ready(*job)], workers or os.cpu_count() or 1)
    records = {}
    for kind, setting in SETTINGS.items():
        metas = {name: meta_of(kind, name, seed) for name in setting.recipes}
        records[kind] = measure(kind, metas, numpy.random.default_rng(1000 + seed), tasks)
        for shift, record in records[kind].items():
            print(f"\n{kind}, {shift}: {table(by_structure(record))}", flush=True)
            print_missing(record, metas)
        found, chance = agreement(records[kind])
        print(f"\n{kind}: rank correlation of learned and lost {found:.2f}, by chance {chance:.2f}")
    path = Path(figure) if figure else folder() / "spectrum.png"
    save_figure(records, path)
    print(f"\n{path} drawn after {time.perf_counter() - start:.0f} s.")
    return 0


def save_figure(records, path):
    """Write the chart of all learners as a PNG file, small enough for a page."""
    from minimeta import plots

    longest = max(len(one["inside"].rows) for one in records.values())
    fig, axes = plots.figure(columns=len(records), height=1.5 + 0.2 * longest)
    fill(fig, axes, records)
    fig.savefig(path, dpi=100)
    plots.plt.close(fig)


def print_missing(record, metas):
    """Name the learners that could not answer."""
    missing = set(metas) - {row.name for row in record.rows}
    if missing:
        print(f"no finite answer, or another number of classes: {', '.join(sorted(missing))}")


def prepare(jobs, workers):
    """Train all jobs, in as many processes as there are workers, with a line for each."""
    if not jobs:
        return
    for name in THREADS:
        os.environ.setdefault(name, "1")  # for the workers, which import NumPy afresh
    report = partial(print, flush=True)
    if workers == 1:
        for job in jobs:
            report("{:42} {:5.1f} s".format(*make_ready(job)))
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for outcome in pool.map(make_ready, jobs):
            report("{:42} {:5.1f} s".format(*outcome))
