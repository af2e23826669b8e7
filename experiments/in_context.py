"""Learning in context, trained in full: how far each learner is above what is exactly known.

    python experiments/in_context.py [layer chain pairs late unplaced lstm] [--seeds 0 1 2]

    layer        one layer of linear attention, on the tasks of von Oswald et al. 2022: % above the
                 plateau of one gradient step (3 CPU seconds a seed)
    chain        a transformer on noisy linear maps of 2 inputs, 16 examples, whose tokens are a
                 question and the example before it: % above Bayes, over all positions (30 seconds)
    pairs        the same with pairs of tokens, a question and its example (30 seconds)
    late         the same with labels one step late and learned positions (15 seconds)
    unplaced     the same with labels one step late and without positions (15 seconds)
    lstm         the LSTM, which reads labels one step late, on the same tasks (15 seconds)

Prints a table of learner, seed, per cent above, standard error of the paired difference, and CPU
seconds of training. A learner that always answers 0 is 280 % above Bayes.
"""

import argparse
import time

import numpy

from minimeta.core.backend import to_device, using
from minimeta.core.optim import adam
from minimeta.exact import in_context, linear_gaussian
from minimeta.memories import linear_attention, recurrent, tokens, transformer
from minimeta.meta import along, evaluate
from minimeta.tasks.regression import linear, uniform
from minimeta.training import meta_train, sequence_train

T, NOISE, EYE = 16, 0.25, numpy.eye(2)  # NOISE is a variance
LATE = dict(heads=2, tokens=tokens.late_labels)
SEQUENTIAL = {  # learner, tasks a step, first step size, steps
    "chain": (transformer.learner(2, heads=2, tokens=tokens.chain), 32, 0.006, 1800),
    "pairs": (transformer.learner(2, heads=2), 16, 0.006, 2200),
    "late": (transformer.learner(2, **LATE, positions=T), 32, 0.006, 1600),
    "unplaced": (transformer.learner(2, **LATE), 32, 0.006, 1600),
    "lstm": (recurrent.learner(2, hidden=64), 64, 0.02, 2000),
}
LAYER_TASKS, LAYER_SIZE, LAYER_STEPS = 256, 0.01, 1000


def main(arguments=None):
    """Train each learner with each seed and print the table."""
    names = ["layer", *SEQUENTIAL]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=names, help=", ".join(names))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="instead of each learner's own")
    parser.add_argument("--tasks", type=int, default=5000, help="new tasks to judge on")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in names:
            parser.error(f"names must be among {', '.join(names)}; one is {name}.")
    print(f"{'learner':12} {'seed':>4} {'% above':>8} {'+-':>5} {'CPU s':>6}")
    for name in options.names:
        judged = [show(name, seed, options) for seed in options.seeds]
        print(f"{name:12} mean {numpy.mean(judged):8.2f}", flush=True)


def show(name, seed, options):
    """Train and judge one learner with one seed; print its row and return the % above."""
    judge = judge_layer if name == "layer" else judge_sequential
    excess, floor, seconds = judge(name, seed, options)  # excess (M,)
    above = 100 * excess / floor
    error = above.std() / len(above) ** 0.5
    print(f"{name:12} {seed:4} {above.mean():8.2f} {error:5.2f} {seconds:6.1f}", flush=True)
    return above.mean()


def judge_layer(name, seed, options):
    """What a trained layer has above the best gradient step on each task, and the plateau."""
    sample = lambda rng, tasks=LAYER_TASKS: uniform(rng, tasks, 10, 1, inputs=10)
    learner, moments = linear_attention.learner(10), in_context.uniform_moments(0.5)
    steps = options.steps or LAYER_STEPS
    meta, seconds = fit(meta_train, learner, sample, seed, steps, LAYER_SIZE)
    new = sample(numpy.random.default_rng([seed, 1]), 10 * options.tasks)
    size = in_context.best_step_size(10, 10, *moments)
    best = evaluate(in_context.learner(size * numpy.eye(10)), {}, new)
    return evaluate(learner, meta, new) - best, in_context.plateau(10, 10, *moments), seconds


def judge_sequential(name, seed, options):
    """What a learner has above Bayes on each task, a mean over positions, and Bayes' error."""
    learner, tasks, size, steps = SEQUENTIAL[name]
    sample = lambda rng: linear(rng, tasks, T - 1, 1, EYE, noise_variance=NOISE)
    meta, seconds = fit(sequence_train, learner, sample, seed, options.steps or steps, size)
    rng = numpy.random.default_rng([seed, 1])
    data = linear(rng, options.tasks, T, 1, EYE, noise_variance=NOISE).support
    means, _ = linear_gaussian.sequential(*data, 0.0, EYE, NOISE)
    best = numpy.sum(data.x * means[:, :-1, :, 0], axis=-1, keepdims=True)
    excess = (along(learner, meta, data) - data.y) ** 2 - (best - data.y) ** 2  # (M, T, 1)
    risks = [linear_gaussian.risk(data.x[:, :n], EYE, NOISE).mean() for n in range(T)]
    return excess.mean(axis=(1, 2)), numpy.mean(risks), seconds


def fit(train, learner, sample, seed, steps, size):
    """The trained weights, in float64, and the CPU seconds that training took."""
    outer = adam(lambda t: size * (1 - t / steps), decay_square=0.99)
    begin = time.process_time()
    with using(dtype="float32"):
        rng = numpy.random.default_rng([seed, 0])
        meta, _ = train(learner, sample, rng, steps, optimizer=outer, label=None)
    return to_device(meta), time.process_time() - begin


if __name__ == "__main__":
    main()
