"""Rules that all synapses share, beside gradient descent, black boxes and the optimum.

    python experiments/rules.py                     everything, 3 seeds: about 10 minutes
    python experiments/rules.py vsml --seeds 0      one of vsml, symla, blur

vsml    trained on Gaussian classes (8 inputs, 3 classes, 20 examples); the mean accuracy over the
        examples of 1,000 tasks of other sizes and kinds, less that of Bayes, of gradient descent
        with the step size that is best on these very tasks, and of an LSTM with as many numbers
symla   trained on bandits of 3 arms and 10 pulls; the shortfall below the Bayes-adaptive optimum on
        2, 3, 5 and 6 arms, beside an RL2 policy trained with 6 outputs, three of which never pay;
        and what both earn where the best arm is always first, as in training, or always last
blur    genomes found by evolution strategies on the digits 0 to 4; the cross-entropy on 5 to 9
        after 20 batches of 8, less that of gradient descent with its best rate, and with the rates
        of its layers tuned as well, both on these very tasks; and after 100 batches

What follows +- is the standard error over tasks. CPU seconds are those of one training.
"""

import argparse
import time

import numpy

from minimeta.agents import policy_gradient, rl2
from minimeta.agents.acting import play
from minimeta.core.backend import np, using
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import tree_map
from minimeta.exact import bandit_dp, class_gaussians
from minimeta.learning_rules import blur, evolution, symla, vsml
from minimeta.memories import recurrent
from minimeta.meta import along
from minimeta.tasks import Data, Task, bandits, datasets
from minimeta.tasks.bandits import BERNOULLI
from minimeta.training import sequence_train, train


def single(tree):
    """The tree in single precision."""
    return tree_map(lambda leaf: leaf.astype(numpy.float32), tree)


def show(name, value, standard_error, seconds=""):
    """Print a row of the table."""
    print(f"{name:58}{value:10.4f} +- {standard_error:.4f}  {seconds}", flush=True)


def show_mean(name, sample, seconds=""):
    """Print a row for the mean of a sample, one number for each task."""
    show(name, sample.mean(), sample.std() / len(sample) ** 0.5, seconds)


# ---- VSML ----

T = 20
GRID = [0.01, 0.02, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2]  # step sizes of descent


def clusters(rng, tasks, inputs=8, classes=3, length=T):
    """Sequences of Gaussian classes with centres and examples of variance 1."""
    centres = rng.normal(size=(tasks, classes, inputs))
    labels = rng.integers(classes, size=(tasks, length))
    x = numpy.take_along_axis(centres, labels[..., None], axis=1)
    return single(Data(x + rng.normal(size=x.shape), numpy.eye(classes)[labels]))


def digits(rng, tasks, classes=10, projected=None):
    """Sequences of digits with other labels in each task, and projected to so many inputs.

    They are centred and have the mean square 2 of the clusters: a rule knows the scale on which it
    was trained, and at mean square 1 it is no better than gradient descent.
    """
    x, y = datasets.digits()
    x = x.reshape(len(x), -1)
    x = x - x.mean(axis=0)
    x = x * (2.0 / (x**2).mean()) ** 0.5
    rows = numpy.empty((tasks, T), dtype=int)
    labels = rng.integers(classes, size=(tasks, T))
    for m in range(tasks):
        kinds = rng.permutation(10)[:classes]
        rows[m] = [rng.choice(numpy.flatnonzero(y == kinds[k])) for k in labels[m]]
    x = x[rows]
    if projected:
        x = x @ rng.normal(scale=64**-0.5, size=(tasks, 64, projected))
    return single(Data(x, numpy.eye(classes)[labels]))


def as_task(data):
    """The sequence as the query of a task without support."""
    return Task(Data(data.x[:, :0], data.y[:, :0]), data)


def right(learner, meta, data):
    """The share of right answers of each task: (M,)."""
    return (along(learner, meta, data).argmax(-1) == data.y.argmax(-1)).mean(axis=1)


def best_descent(data):
    """What gradient descent has right, with the step size that is best on these data."""
    D, C = data.x.shape[-1], data.y.shape[-1]
    tries = [right(vsml.learner(C, synapse=vsml.delta_rule(size * D)), {}, data) for size in GRID]
    best = max(range(len(GRID)), key=lambda k: tries[k].mean())
    return tries[best]


def trained(learner, seed, steps, step_size):
    """The parameters of a learner trained on clusters, and the CPU seconds."""
    start = time.process_time()
    sample = lambda rng: as_task(clusters(rng, 16))
    optimizer, rng = adam(linear_decay(step_size, steps)), numpy.random.default_rng(seed)
    meta, _ = sequence_train(learner, sample, rng, steps, optimizer=optimizer, label=None)
    return meta, f"{time.process_time() - start:.0f} s"


def run_vsml(seeds, steps, tasks):
    """Train VSML and the LSTM of its size; print their accuracies less those of others."""
    rng = numpy.random.default_rng(100)
    tests = {
        "8 inputs, 3 classes": clusters(rng, tasks),
        "16 inputs, 5 classes": clusters(rng, tasks, 16, 5),
        "digits projected to 16, 5 classes": digits(rng, tasks, 5, 16),
        "digits, 64 inputs, 10 classes": digits(rng, tasks),
    }
    long = clusters(rng, tasks // 4, length=5 * T)
    tests["8 inputs, 3 classes, five times the horizon"] = long
    descent = {name: best_descent(data) for name, data in tests.items()}
    small = recurrent.learner(8, 3, hidden=9, loss=cross_entropy)
    for seed in seeds:
        meta, seconds = trained(vsml.learner(3), seed, steps, 0.025)
        for name, data in tests.items():
            D, C = data.x.shape[-1], data.y.shape[-1]
            hits = right(vsml.learner(C), meta, data)
            show_mean(f"vsml, seed {seed}: {name}", hits, seconds)
            show_mean("  less gradient descent at its best", hits - descent[name])
            if "digits" not in name:
                bayes = class_gaussians.learner(numpy.eye(D), numpy.eye(D))
                show_mean("  less Bayes", hits - right(bayes, {}, data))
        box, seconds = trained(small, seed, 2 * steps, 0.01)
        name = "8 inputs, 3 classes"
        hits = right(small, box, tests[name]) - right(vsml.learner(3), meta, tests[name])
        show_mean("  LSTM of 9 units (786 numbers) less vsml", hits, seconds)


# ---- SymLA ----

PULLS = 10


def sample_bandits(rng, arms, order=None, padded=0):
    """Problems and noise; with order 1 the best arm comes first, with -1 last."""
    problem, noise = bandits.draw(rng, 16, 8, PULLS, arms)
    return single((arrange(problem, order, padded), noise))


def arrange(problem, order, padded=0):
    """The chances sorted, and followed by arms that never pay."""
    if order:
        problem = numpy.sort(problem, axis=1)[:, ::-order]
    return numpy.pad(problem, ((0, 0), (0, padded)))


def train_agent(agent, seed, steps, step_size, **options):
    """The parameters of an agent trained on bandits, and the CPU seconds."""
    start = time.process_time()
    optimizer, rng = adam(linear_decay(step_size, steps)), numpy.random.default_rng(seed)
    follow = policy_gradient.bandit_gradient(agent)
    sample = lambda rng: sample_bandits(rng, **options)
    meta, _ = train(agent.init, follow, sample, rng, steps, optimizer=optimizer, label=None)
    return meta, f"{time.process_time() - start:.0f} s"


def lost(agent, meta, arms, tasks):
    """The shortfall below the Bayes-adaptive optimum on each of some bandits: (M,)."""
    problem, noise = bandits.draw(numpy.random.default_rng(99), tasks, 20, PULLS, arms)
    episodes = play(agent, meta, BERNOULLI, *single((problem, noise)))
    plan = bandit_dp.solve(arms, PULLS)
    regrets = bandit_dp.regrets(plan, episodes.action, episodes.reward) * episodes.action
    return regrets.sum(axis=(-1, -2)).mean(axis=1)


def earned(agent, meta, order, tasks):
    """What an agent earns on each of some bandits of three arms in this order: (M,)."""
    problem, noise = bandits.draw(numpy.random.default_rng(98), tasks, 20, PULLS, 3)
    episodes = play(agent, meta, BERNOULLI, *single((arrange(problem, order), noise)))
    return episodes.reward.sum(axis=-1).mean(axis=1)


def run_symla(seeds, steps, tasks):
    """Train SymLA and RL2; print their shortfalls, and what a fixed order of arms does to them."""
    for seed in seeds:
        meta, seconds = train_agent(symla.learner(3), seed, steps, 0.02, arms=3)
        for arms in (2, 3, 5, 6):
            name = f"symla, seed {seed}: shortfall on {arms} arms"
            show_mean(name, lost(symla.learner(arms), meta, arms, tasks), seconds)
        policy = rl2.learner(1, 6, hidden=20)
        meta, seconds = train_agent(policy, seed, steps, 0.01, arms=3, padded=3)
        show_mean(f"rl2, seed {seed}: shortfall on 6 arms", lost(policy, meta, 6, tasks), seconds)
        for name, agent, size in (
            ("symla", symla.learner(3), 0.02),
            ("rl2", rl2.learner(1, 3, hidden=20), 0.01),
        ):
            meta, seconds = train_agent(agent, seed, steps, size, arms=3, order=1)
            for order, word in ((1, "first"), (-1, "last")):
                text = f"{name}, seed {seed}: trained with the best arm first, earns {word}"
                show_mean(text, earned(agent, meta, order, tasks), seconds)


# ---- BLUR ----

SIZES, BATCH, BATCHES, PAIRS = [64, 32, 32, 5], 8, 20, 32
SCALE = 1.4  # of all initial weights: the best of 0.5, 0.7, 1, 1.4, 2, 2.8 for gradient descent
RATES = [0.2, 0.3, 0.5, 0.7, 1.0, 1.4]
FACTORS = [(last, first) for last in (0.12, 0.25, 0.5, 1.0) for first in (0.06, 0.12, 0.25, 0.5)]
CEILING = 1.6  # of a trial's loss, log 5: a genome that explodes counts as one that guesses


def draw_digits(rng, tasks, classes, batches=BATCHES, queries=64):
    """Raw pixels and labels of five digits for each task, one after another."""
    x, y = datasets.digits()
    rows = numpy.flatnonzero(numpy.isin(y, classes))
    rows = numpy.stack([rng.permutation(rows)[: batches * BATCH + queries] for _ in range(tasks)])
    return single(Data(x.reshape(len(x), -1)[rows], numpy.eye(5)[y[rows] - min(classes)]))


def draw_weights(rng, tasks):
    """Initial weights of as many networks."""
    return [SCALE * w for w in blur.fresh(rng, SIZES, tasks=tasks)]


def after(genome, weights, data, batches=BATCHES, factors=(1.0, 1.0)):
    """The cross-entropy of each task after so many batches; layers may move by other factors."""
    factors = [factors[1], *[1.0] * (len(weights) - 2), factors[0]]
    for t in range(0, batches * BATCH, BATCH):
        new = blur.step(genome, weights, data.x[:, t : t + BATCH], data.y[:, t : t + BATCH])
        weights = [w + k * (n - w) for w, n, k in zip(weights, new, factors)]
    answers = blur.predict(genome, weights, data.x[:, batches * BATCH :])
    return cross_entropy(answers, data.y[:, batches * BATCH :])


def best_rates(weights, data, factors):
    """The losses (M,) of gradient descent at its best rate and factors on these very tasks."""
    tries = [
        after(single(blur.backpropagation(rate=rate)), weights, data, factors=pair)
        for rate in RATES
        for pair in factors
    ]
    return min(tries, key=lambda losses: numpy.nan_to_num(losses, nan=9.0).mean())


def run_blur(seeds, steps, tasks):
    """Find genomes by evolution strategies; print their losses less those of gradient descent."""
    rng = numpy.random.default_rng(5)
    data, weights = draw_digits(rng, tasks, range(5, 10)), draw_weights(rng, tasks)
    plain = best_rates(weights, data, [(1.0, 1.0)])
    tuned = best_rates(weights, data, FACTORS)
    show_mean("gradient descent at its best rate", plain)
    show_mean("gradient descent with tuned layers", tuned)
    long = draw_digits(numpy.random.default_rng(6), min(100, tasks), range(5, 10), 100, 60)
    losses = lambda genomes, data: np.minimum(after(genomes, *data), CEILING)

    def sample(rng):
        data, weights = draw_digits(rng, PAIRS, range(5)), draw_weights(rng, PAIRS)
        twice = tree_map(lambda leaf: numpy.concatenate([leaf, leaf]), (weights, data))
        return single((evolution.draw(rng, PAIRS, 18), twice))

    for seed in seeds:
        start, rng = time.process_time(), numpy.random.default_rng(seed)
        begin = lambda rng: single(blur.backpropagation(rate=0.2))
        follow, optimizer = evolution.follow(losses), adam(linear_decay(0.03, steps))
        genome, _ = train(begin, follow, sample, rng, steps, optimizer=optimizer, label=None)
        seconds, loss = f"{time.process_time() - start:.0f} s", after(genome, weights, data)
        show_mean(f"blur, seed {seed}: loss on the digits 5 to 9", loss, seconds)
        show_mean("  less gradient descent at its best rate", loss - plain)
        show_mean("  less gradient descent with tuned layers", loss - tuned)
        begun = [w[: len(long.x)] for w in weights]
        show_mean(
            "  loss after 100 batches, five times its horizon", after(genome, begun, long, 100)
        )


RUNS = {"vsml": (run_vsml, 900), "symla": (run_symla, 800), "blur": (run_blur, 400)}


def run_asked(description, runs, arguments):
    """Run those of {name: (run, updates)} that the command line names; bandits.py does so too."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(runs))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="updates of each training")
    parser.add_argument("--tasks", type=int, default=1000, help="tasks of each test")
    asked = parser.parse_args(arguments)
    with using(dtype="float32"):
        for name in asked.names or runs:
            if name not in runs:
                parser.error(f"{name} is none of {', '.join(runs)}")
            run, steps = runs[name]
            run(asked.seeds, asked.steps or steps, asked.tasks)


def main(arguments=None):
    """Run what is asked for on the command line."""
    run_asked(__doc__, RUNS, arguments)


if __name__ == "__main__":
    main()
