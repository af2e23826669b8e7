"""Theorems on the number of tasks: to know M tasks, to learn new ones, and what lies between."""

import itertools
import math
from statistics import NormalDist

import numpy

from minimeta.core.gradients import grad
from minimeta.exact import finite_tasks as exact
from minimeta.exact import linear_gaussian
from minimeta.exact.families import finite_maps, gaussian_maps
from minimeta.meta import evaluate
from minimeta.tasks import Data, projections
from minimeta.tasks.regression import from_weights
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, CALCULUS, DEFINITION, has_mean, none_below_zero

RAVENTOS = "Raventos et al. 2023, arXiv:2306.15063"
OSWALD = "von Oswald et al. 2022, arXiv:2212.07677"
KIRSCH = "Kirsch et al. 2022, arXiv:2212.04458"
D, NOISE, EXAMPLES = 3, 0.5, 4  # inputs, noise variance and examples of the linear tasks below
RIDGE = linear_gaussian.learner(0.0, numpy.eye(D), NOISE)


def draw_pool(tasks, seed=0, inputs=D):
    """The weights (M, D, 1) of M tasks, N(0, I)."""
    return numpy.random.default_rng(seed).normal(size=(tasks, inputs, 1))


def draw_task(weights, shots=EXAMPLES, seed=1):
    """One support and five queries from each task of `weights`."""
    return from_weights(numpy.random.default_rng(seed), weights, shots, 5, NOISE)


def answers(learner, task):
    """The answers of a learner that has nothing to train."""
    return learner.predict({}, learner.adapt({}, task.support), task.query.x)


def attention(weights, examples=EXAMPLES):
    """The best G for these tasks."""
    return exact.best_attention(exact.second_moment(weights), examples, NOISE)


# ---- Bayes for M tasks ----


@theorem(lesson="task_diversity", source=DEFINITION)
def a_single_task_is_known_before_any_example():
    """If there is one task in training, dMMSE answers as this task, whatever it is shown."""
    known, others = draw_pool(1), draw_pool(6, seed=2)
    computed, expected = [], []
    for shots in (0, EXAMPLES):
        task = draw_task(others, shots)
        computed.append(answers(exact.learner(known, NOISE), task))
        expected.append(task.query.x @ known[0])
    return Claim(numpy.stack(computed), numpy.stack(expected), tolerance=1e-14)


@theorem(lesson="task_diversity", source=RAVENTOS)
def dmmse_is_bayes_rule_task_by_task():
    """DMMSE is the mean of all tasks, each weighed by the density of the examples under it."""
    weights = numpy.random.default_rng(0).normal(size=(5, D, 2))
    task, expected = draw_task(weights), []
    for x, y, queries in zip(*task.support, task.query.x):
        densities = [
            math.prod(
                NormalDist(float(x_n @ w[:, c]), NOISE**0.5).pdf(y_n[c])
                for x_n, y_n in zip(x, y)
                for c in range(2)
            )
            for w in weights
        ]
        mean = sum(p * w for p, w in zip(densities, weights)) / sum(densities)
        expected.append(queries @ mean)
    computed = answers(exact.learner(weights, NOISE), task)
    return Claim(computed, numpy.stack(expected), tolerance=1e-13)


@theorem(lesson="task_diversity", source=RAVENTOS)
def many_tasks_make_ridge_regression():
    """Tasks as dense as a normal distribution make dMMSE the ridge regression of that prior."""
    count = 4000
    quantiles = [NormalDist().inv_cdf((m + 0.5) / count) for m in range(count)]
    dense, task = numpy.array(quantiles)[:, None, None], draw_task(draw_pool(20, inputs=1))
    ridge = linear_gaussian.learner(0.0, numpy.eye(1), NOISE)
    return Claim(answers(exact.learner(dense, NOISE), task), answers(ridge, task), tolerance=1e-4)


@theorem(lesson="task_diversity", source=DEFINITION)
def without_noise_dmmse_finds_the_task():
    """With little noise dMMSE answers as the one task that explains the examples."""
    weights = draw_pool(40)
    task = from_weights(numpy.random.default_rng(1), weights, 2, 5, 0.0)  # 2 < D examples
    computed = answers(exact.learner(weights, 1e-6), task)
    return Claim(computed, task.query.y, tolerance=1e-12)


@theorem(lesson="task_diversity", source=DEFINITION)
def with_much_noise_dmmse_answers_as_the_mean_task():
    """With so much noise that examples say nothing, dMMSE answers as the mean of its tasks."""
    weights = draw_pool(7)
    task = draw_task(weights)
    computed = answers(exact.learner(weights, 1e12), task)
    return Claim(computed, task.query.x @ weights.mean(axis=0), tolerance=1e-9)


@theorem(lesson="task_diversity", source=DEFINITION)
def nobody_beats_dmmse_on_its_tasks():
    """On the M tasks of training neither ridge, linear attention nor a wrong noise beats dMMSE."""
    excess = []
    for tasks in (1, 4, 16):
        family = finite_maps(draw_pool(tasks), NOISE)
        task = family.sample(numpy.random.default_rng(tasks), 3000, EXAMPLES, 2)
        rivals = [RIDGE, exact.attention_learner(attention(draw_pool(tasks)))]
        rivals.append(exact.learner(draw_pool(tasks), 3.0 * NOISE))
        floor = evaluate(family.bayes, {}, task)
        excess += [evaluate(rival, {}, task) - floor for rival in rivals]
    return none_below_zero(numpy.stack(excess, axis=-1))


@theorem(lesson="task_diversity", source=DEFINITION)
def nobody_beats_ridge_on_new_tasks():
    """On new tasks neither dMMSE nor linear attention for any M tasks beats ridge regression."""
    family = gaussian_maps(0.0, numpy.eye(D), NOISE)
    task = family.sample(numpy.random.default_rng(0), 3000, EXAMPLES, 2)
    pools = [draw_pool(tasks) for tasks in (1, 4, 16, 256)]
    rivals = [exact.learner(pool, NOISE) for pool in pools]
    rivals += [exact.attention_learner(attention(pool)) for pool in pools]
    floor = evaluate(family.bayes, {}, task)
    excess = [evaluate(rival, {}, task) - floor for rival in rivals]
    return none_below_zero(numpy.stack(excess, axis=-1))


# ---- Linear attention for M tasks ----


def every_case(weights, examples):
    """Cases that integrate polynomials of low degree over all data exactly: z, x, y, probability.

    Gauss-Hermite quadrature with three points for each number of X and of the noise, where z has
    the power 4 at most, and two for each number of the query, whose power is 2.
    """
    inputs = weights.shape[1]
    nodes, mass = numpy.polynomial.hermite_e.hermegauss(3)
    of_query, query_mass = numpy.polynomial.hermite_e.hermegauss(2)
    grid = lambda values, size: numpy.array([*itertools.product(values, repeat=size)])
    size = examples * (inputs + 1)
    numbers, chance = grid(nodes, size), numpy.prod(grid(mass, size), axis=1)
    queries, query_chance = grid(of_query, inputs), numpy.prod(grid(query_mass, inputs), axis=1)
    X = numbers[:, : examples * inputs].reshape(-1, examples, inputs)
    noise = NOISE**0.5 * numbers[:, examples * inputs :, None]
    cases = []
    for w in weights:
        z = (numpy.swapaxes(X, 1, 2) @ (X @ w + noise))[..., 0] / examples
        cases.append(pair(z, queries, queries @ w[:, 0], numpy.outer(chance, query_chance)))
    z, x, y, probability = (numpy.concatenate(part) for part in zip(*cases))
    return z, x, y, probability / probability.sum()


def pair(z, x, y, chance):
    """Every z (K, D) with every query x (J, D) and its answer y (J,): K J rows of each."""
    K, J = chance.shape
    return numpy.repeat(z, J, axis=0), numpy.tile(x, (K, 1)), numpy.tile(y, K), chance.reshape(-1)


@theorem(lesson="task_diversity", source=OSWALD)
def the_best_attention_is_least_squares_on_kron_features():
    """The best G is the least-squares solution for y from all products of z = X'y/N and x."""
    weights = draw_pool(3, inputs=2)
    z, x, y, probability = every_case(weights, examples=2)
    root = probability**0.5
    features = (z[:, None, :] * x[:, :, None]).reshape(len(z), -1)  # x_i z_j, as in x G z
    G, *_ = numpy.linalg.lstsq(root[:, None] * features, root * y, rcond=None)
    return Claim(attention(weights, 2), G.reshape(2, 2), tolerance=1e-12)


@theorem(lesson="task_diversity", source=OSWALD)
def the_risk_of_attention_is_the_mean_over_all_data():
    """The risk of any G, on any tasks, is its squared error averaged over inputs and noise."""
    G = numpy.random.default_rng(5).normal(size=(2, 2))  # not symmetric
    computed, expected = [], []
    for tasks in (1, 3):
        weights = draw_pool(tasks, seed=tasks, inputs=2)
        z, x, y, probability = every_case(weights, examples=2)
        expected.append(NOISE + probability @ (numpy.sum(x * (z @ G.T), axis=1) - y) ** 2)
        computed.append(exact.attention_risk(G, exact.second_moment(weights), 2, NOISE))
    return Claim(computed, expected, tolerance=1e-12)


@theorem(lesson="task_diversity", source=OSWALD)
def linear_attention_makes_one_gradient_step():
    """Linear attention answers as one gradient step from zero whose step size is the matrix G."""
    weights, G = draw_pool(3), numpy.random.default_rng(5).normal(size=(D, D))
    task, expected = draw_task(weights), []
    for x, y, queries in zip(*task.support, task.query.x):
        loss = lambda w, x=x, y=y: ((x @ w - y) ** 2).sum() / (2.0 * EXAMPLES)
        expected.append(queries @ (-G @ grad(loss)(numpy.zeros((D, 1)))))
    computed = answers(exact.attention_learner(G), task)
    return Claim(computed, numpy.stack(expected), tolerance=1e-13)


@theorem(lesson="task_diversity", source=CALCULUS)
def attention_with_one_task_is_a_projection():
    """With one task G projects on it and shrinks; its risks, seen and new, follow from a number."""
    weights = draw_pool(1)
    w, S = weights[0], exact.second_moment(weights)
    size, N = float(numpy.sum(w**2)), EXAMPLES
    g = size / (size + (2.0 * size + NOISE) / N)
    risk_seen = NOISE + size * (1.0 - g)
    risk_new = NOISE + D - 2.0 * g + g * g * (1.0 + (1.0 + D + NOISE) / N)
    G = attention(weights)
    risks = [exact.attention_risk(G, moment, N, NOISE) for moment in (S, numpy.eye(D))]
    computed = [*risks, *G.ravel()]
    return Claim(computed, [risk_seen, risk_new, *(g / size * w @ w.T).ravel()], tolerance=1e-13)


@theorem(lesson="task_diversity", source=OSWALD)
def attention_with_all_tasks_is_one_step_size():
    """With tasks alike in all directions G is 1 / (1 + (D + 1 + s^2) / N) times the identity."""
    step = 1.0 / (1.0 + (D + 1.0 + NOISE) / EXAMPLES)
    axes = D**0.5 * numpy.eye(D)[..., None]  # so that the mean of w w' is that of N(0, I)
    G = attention(numpy.concatenate([axes, -axes]))
    return Claim(G, step * numpy.eye(D), tolerance=1e-14)


@theorem(lesson="task_diversity", source=ALGEBRA)
def the_best_step_lies_between_the_two_curves():
    """In the mean over pools of M tasks the best step is above G on its tasks, below it on new."""
    eye, gaps = numpy.eye(D), []
    limit = NOISE + D * (1.0 - 1.0 / (1.0 + (D + 1.0 + NOISE) / EXAMPLES))
    for seed in range(200):
        pools = [draw_pool(tasks, seed) for tasks in (1, 4, 16)]
        risk = lambda pool, S: exact.attention_risk(attention(pool), S, EXAMPLES, NOISE)
        seen = [limit - risk(pool, exact.second_moment(pool)) for pool in pools]
        gaps.append([*seen, *(risk(pool, eye) - limit for pool in pools)])
    return none_below_zero(numpy.array(gaps))


@theorem(lesson="task_diversity", source=ALGEBRA)
def turned_tasks_are_answered_alike():
    """If inputs and tasks are turned, dMMSE and the best linear attention answer as before."""
    turn, _ = numpy.linalg.qr(numpy.random.default_rng(7).normal(size=(D, D)))
    weights = draw_pool(6)
    task, turned_weights = draw_task(weights), turn.T @ weights
    turned = type(task)(*(Data(part.x @ turn, part.y) for part in task))
    kinds = lambda w: (exact.learner(w, NOISE), exact.attention_learner(attention(w)))
    computed = [answers(learner, turned) for learner in kinds(turned_weights)]
    expected = [answers(learner, task) for learner in kinds(weights)]
    return Claim(numpy.stack(computed), numpy.stack(expected), tolerance=1e-13)


@theorem(lesson="task_diversity", source=KIRSCH)
def permuted_outputs_are_permuted_answers():
    """If the outputs of all tasks change places, so do the answers of dMMSE, and nothing else."""
    weights, order = numpy.random.default_rng(0).normal(size=(6, D, 3)), [2, 0, 1]
    task = draw_task(weights)
    permuted = type(task)(*(Data(part.x, part.y[..., order]) for part in task))
    computed = answers(exact.learner(weights[..., order], NOISE), permuted)
    return Claim(computed, answers(exact.learner(weights, NOISE), task)[..., order], 1e-13)


# ---- Random projections with permuted labels ----


def images(count=60, pixels=5, classes=6):
    """A small data set, standardised: x (N, P) and y (N,)."""
    x = numpy.random.default_rng(3).normal(size=(count, pixels))
    return projections.standardise(x), numpy.arange(count) % classes


@theorem(lesson="task_diversity", source="Johnson & Lindenstrauss 1984")
def projections_keep_inner_products_in_the_mean():
    """After a random projection u'v has the mean u'v D/P, variance (u'u v'v + (u'v)^2) D/P^2."""
    x, y = images()
    maps = projections.draw_maps(numpy.random.default_rng(0), x, y, 20_000, ways=2, inputs=D)
    u, v = x[0], x[1]
    products = numpy.sum((u @ maps.matrices) * (v @ maps.matrices), axis=-1)
    mean, variance = (u @ v) * D / 5, ((u @ u) * (v @ v) + (u @ v) ** 2) * D / 25
    moments = numpy.stack([products, (products - mean) ** 2], axis=-1)
    return has_mean(moments, numpy.array([mean, variance]))


@theorem(lesson="task_diversity", source=KIRSCH)
def without_examples_every_label_is_as_likely():
    """On new tasks any fixed answer to an image is right once in C, so that nothing is known."""
    x, y = images()
    rng, ways = numpy.random.default_rng(0), 3
    maps = projections.draw_maps(rng, x, y, 30_000, ways, inputs=1)
    of_class_0 = (maps.classes == 0)[numpy.any(maps.classes == 0, axis=1)]
    return has_mean(of_class_0.astype(float), numpy.full(ways, 1.0 / ways))


@theorem(lesson="task_diversity", source="Floyd 1987")
def no_image_is_twice_in_a_sequence():
    """Every example of a sequence is another image, and of the class that its label says."""
    x = numpy.arange(60.0)[:, None]  # an image is its own number
    y = numpy.arange(60) % 6
    rng = numpy.random.default_rng(0)
    maps = projections.draw_maps(rng, x, y, 200, ways=4, inputs=1)
    task = projections.from_maps(rng, x, y, maps, 8, 2)
    number = numpy.concatenate([part.x for part in task], axis=1) / maps.matrices
    number = numpy.rint(number[..., 0]).astype(int)  # (M, N)
    label = numpy.concatenate([part.y for part in task], axis=1).argmax(axis=-1)
    own = numpy.take_along_axis(maps.classes, label, axis=1)
    different = [len(set(row)) for row in number]
    return Claim([*different, *y[number].ravel()], [*(200 * [10]), *own.ravel()], tolerance=0.0)


@theorem(lesson="task_diversity", source=KIRSCH)
def labels_bound_the_accuracy():
    """Nobody is right more often than `label_bound`: the count over all sequences of classes."""
    computed, expected = [], []
    for ways, examples in ((2, 3), (3, 4), (4, 3)):
        right = 0.0
        for *shown, asked in itertools.product(range(ways), repeat=examples + 1):
            without = ways - len(set(shown))
            right += 1.0 if asked in shown else 1.0 / without
        expected.append(right / ways ** (examples + 1))
        computed.append(exact.label_bound(ways, examples))
    return Claim(computed, expected, tolerance=1e-14)
