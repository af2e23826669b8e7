"""What memories that are written hold after training, beside what they could hold at best.

    python experiments/fast_weights.py                       the whole table: about three minutes
    python experiments/fast_weights.py capacity --seeds 0    one part, one seed

    capacity      the sum rule with keys of 16 numbers and 24, 32 or 64 symbols; exact: 1 - 16 / S
    rewritten     S symbols that are written 2 S times with new values, by three memories
    plasticity    5 or 10 patterns of 50 bits, each shown once: the wrong share of 25 erased bits,
                  by plain Hebb and by trained plasticity; exact: plain Hebb's binomial error
    hypernetwork  sines from 5, 10 and 20 points; exact: 0, since a sine has two unknown numbers

A row is the mean over seeds on held-out tasks, what follows the sign +- is the standard error of
this mean over seeds, and `seconds` is the CPU time of one training. A seed decides the start, the
tasks of training and the held-out tasks. Everything is trained in single precision by Adam, whose
step size is divided by ten for the last part.
"""

import argparse
import time

import numpy

from minimeta.core.backend import using
from minimeta.core.optim import adam
from minimeta.exact import associative as exact
from minimeta.memories import fast_weights, hypernetwork, plasticity
from minimeta.meta import evaluate
from minimeta.nets import mlp, tanh
from minimeta.tasks import recall
from minimeta.tasks.regression import sines
from minimeta.training import meta_train

VALUES, KEYS = 16, 16  # numbers in a value and in a key
BITS, KNOWN = 50, 25
HELD_OUT = 1000  # tasks


def train(learner, sample, seed, steps, step_size):
    """The parameters after training, and its CPU seconds."""
    rng, began = numpy.random.default_rng(seed), time.process_time()
    for count, size in ((steps, step_size), (steps // 5 + 1, step_size / 10)):
        meta, _ = meta_train(learner, sample, rng, count, optimizer=adam(size), label=None)
        learner = learner._replace(init=lambda rng, meta=meta: meta)
    return meta, time.process_time() - began


def held_out(seed):
    """The generator of the held-out tasks of a seed."""
    return numpy.random.default_rng(1000 + seed)


def capacity(seed, steps=600):
    """Rows of the sum rule: (name, error, seconds, exact)."""
    for S in (24, 32, 64):
        learner = fast_weights.learner(S, VALUES, KEYS)
        sample = lambda rng, tasks=16, S=S: recall.pairs(rng, tasks, S, 16, S, VALUES)
        meta, seconds = train(learner, sample, seed, steps, 0.02)
        error = evaluate(learner, meta, sample(held_out(seed), HELD_OUT)).mean()
        yield f"capacity, {S} symbols", error, seconds, exact.sum_floor(S, KEYS)


def rewritten(seed, steps=600):
    """Rows of three memories whose keys are written again."""
    for S in (8, 16):
        sample = lambda rng, tasks=16, S=S: recall.rewritten(rng, tasks, 2 * S, 16, S, VALUES)
        delta = fast_weights.learner(S, VALUES, KEYS, fast_weights.DELTA)
        memories = {
            "sum": (fast_weights.learner(S, VALUES, KEYS), exact.rewritten_sum_error(S, 2 * S)),
            "softmax": (
                fast_weights.softmax_learner(S, KEYS),
                exact.rewritten_softmax_error(S, 2 * S),
            ),
            "delta": (delta, 0.0),
        }
        for name, (learner, best) in memories.items():
            meta, seconds = train(learner, sample, seed, steps, 0.02)
            error = evaluate(learner, meta, sample(held_out(seed), HELD_OUT)).mean()
            yield f"rewritten, {S} symbols, {name}", error, seconds, best


def erased_error(learner, meta, task):
    """The wrong share of erased bits."""
    return evaluate(learner, meta, task, plasticity.bit_error).mean() * BITS / (BITS - KNOWN)


def plastic(seed, steps=300):
    """Rows of plain Hebb and of trained plasticity."""
    for patterns in (5, 10):
        sample = lambda rng, tasks=16, n=patterns: recall.patterns(rng, tasks, n, 8, BITS, KNOWN)
        task, best = sample(held_out(seed), HELD_OUT), exact.pattern_error(KNOWN, patterns)
        plain, learner = plasticity.plain_hebb(), plasticity.learner(BITS)
        yield f"plasticity, {patterns} patterns, Hebb", erased_error(plain, {}, task), 0.0, best
        meta, seconds = train(learner, sample, seed, steps, 0.02)
        error = erased_error(learner, meta, task)
        yield f"plasticity, {patterns} patterns, trained", error, seconds, best


def hyper(seed, steps=7500):
    """Rows of the hypernetwork that writes a 1-16-1 network."""
    learner = hypernetwork.learner(mlp([1, 16, 1], tanh, 1.0), 1)
    meta, seconds = train(learner, lambda rng: sines(rng, 32, 10, 10), seed, steps, 0.005)
    for shots in (5, 10, 20):
        error = evaluate(learner, meta, sines(held_out(seed), HELD_OUT, shots, 20)).mean()
        yield f"hypernetwork, {shots} shots", error, seconds, 0.0


PARTS = {
    "capacity": capacity,
    "rewritten": rewritten,
    "plasticity": plastic,
    "hypernetwork": hyper,
}


def main(arguments=None):
    """Print the table of the parts that the command line names, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them if none")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="of training, instead of each part's own")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; use {', '.join(PARTS)}")
    steps = {} if options.steps is None else {"steps": options.steps}
    for name in options.parts or PARTS:
        with using(dtype="float32"):
            print_rows([list(PARTS[name](seed, **steps)) for seed in options.seeds])


def print_rows(tables):
    """One line for each row, averaged over the tables of the seeds."""
    for rows in zip(*tables):
        errors = numpy.array([error for _, error, _, _ in rows], dtype=float)
        spread = errors.std(ddof=1) / len(errors) ** 0.5 if len(errors) > 1 else 0.0
        name, _, _, best = rows[0]
        seconds = numpy.mean([taken for _, _, taken, _ in rows])
        line = f"{name:34} {errors.mean():.4f} +- {spread:.4f}   exact {best:.4f}"
        print(f"{line}   {seconds:5.1f} seconds")


if __name__ == "__main__":
    main()
