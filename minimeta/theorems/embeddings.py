"""Theorems on comparing examples: kernels, the cosine bound, pairs, symmetries of an episode."""

import math

import numpy

from minimeta.core.gradients import grad
from minimeta.core.losses import log_softmax
from minimeta.core.optim import adam
from minimeta.embeddings import matching, prototypical, relation, siamese
from minimeta.exact import class_gaussians as exact
from minimeta.meta import meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task, episodes
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, CALCULUS, DEFINITION, LINE, has_mean, minima
from minimeta.training import meta_train

VINYALS = "Vinyals et al. 2016, arXiv:1606.04080"
KOCH = "Koch, Zemel & Salakhutdinov 2015"
SUNG = "Sung et al. 2018, arXiv:1711.06025"
D, WITHIN, BETWEEN = 3, 0.5, 1.5  # inputs and variances of the Gaussian classes below
NET = mlp([D, 6, 4])
INPUTS = Net(lambda rng: {}, lambda meta, x: x)  # examples as they are
LEARNERS = [
    prototypical.learner(NET),
    prototypical.learner(prototypical.on_sphere(NET)),
    matching.learner(NET),
    matching.nearest_neighbour(NET),
    siamese.learner(NET, 4),
    siamese.learner(NET, 4, siamese.absolute_difference),
    relation.learner(NET, mlp([8, 5, 1])),
]


def gaussian_task(seed=0, tasks=3, ways=4, shots=2, queries=2):
    """A few tasks of Gaussian classes in three dimensions."""
    rng = numpy.random.default_rng(seed)
    covariances = BETWEEN * numpy.eye(D), WITHIN * numpy.eye(D)
    return exact.sample(rng, tasks, shots, queries, ways, *covariances)


def logits(learner, task):
    """The answers (M, Q, C) of a learner before training."""
    meta = learner.init(numpy.random.default_rng(1))
    return learner.predict(meta, learner.adapt(meta, task.support), task.query.x)


def log_probabilities(task):
    """A function from learners to log softmax of their logits."""
    return lambda learner: log_softmax(logits(learner, task))


def all_logits(task):
    """The logits of every learner: (K, M, Q, C)."""
    return numpy.stack([logits(learner, task) for learner in LEARNERS])


def all_probabilities(task):
    """The probabilities that every learner gives to the classes: (K, M, Q, C)."""
    return numpy.exp(log_softmax(all_logits(task)))


def minus_squares(h, keys):
    """-|h - k|^2: (M, Q, H), (M, S, H) -> (M, Q, S)."""
    return -prototypical.squared_distances(h, keys)


# ---- Matching ----


@theorem(lesson="few_shot", source=VINYALS)
def one_shot_matching_is_prototypes():
    """With one example a class, matching by squared distance is prototypical networks."""
    answer = log_probabilities(gaussian_task(shots=1))
    matched = answer(matching.kernel_learner(NET, minus_squares))
    return Claim(matched, answer(prototypical.learner(NET)), tolerance=1e-14)


@theorem(lesson="few_shot", source=ALGEBRA)
def matching_by_cosine_is_prototypes_on_a_sphere():
    """With one example a class, matching at temperature T is prototypes of radius sqrt(1 / 2T)."""
    answer, temperature = log_probabilities(gaussian_task(shots=1)), 0.1
    sphere = prototypical.on_sphere(NET, radius=(2.0 * temperature) ** -0.5)
    matched = answer(matching.learner(NET, temperature))
    return Claim(matched, answer(prototypical.learner(sphere)), tolerance=1e-13)


@theorem(lesson="few_shot", source="Nadaraya 1964; Watson 1964")
def matching_is_kernel_regression():
    """Matching by -|x - x_i|^2 is the kernel regression of the labels with a Gaussian kernel."""
    task = gaussian_task(tasks=1)
    computed = log_probabilities(task)(matching.kernel_learner(INPUTS, minus_squares))
    x, y = task.support.x[0], task.support.y[0]
    estimates = []
    for query in task.query.x[0]:
        kernel = numpy.array([math.exp(-sum((query - x_i) ** 2)) for x_i in x])
        estimates.append(kernel @ y / kernel.sum())
    return Claim(numpy.exp(computed[0]), numpy.array(estimates), tolerance=1e-13)


@theorem(lesson="few_shot", source=DEFINITION)
def cold_matching_is_the_nearest_neighbour():
    """Near temperature 0, matching answers with the label of the example of the largest cosine."""
    task, nearest = gaussian_task(ways=3, queries=4), []
    unit = lambda v: v / numpy.linalg.norm(v)
    for (x, y), queries in zip(zip(*task.support), task.query.x):
        best = [max(range(len(x)), key=lambda i, q=q: unit(x[i]) @ unit(q)) for q in queries]
        nearest.append(y[best])
    cold = matching.learner(INPUTS, temperature=1e-5)
    answers = [logits(learner, task) for learner in (cold, matching.nearest_neighbour())]
    computed = [numpy.eye(3)[numpy.argmax(answer, axis=-1)] for answer in answers]
    return Claim(numpy.stack(computed), numpy.stack([nearest, nearest]), tolerance=0.0)


# ---- The cosine bound ----


def free_task(ways):
    """A task whose 2 N inputs are unit vectors: LINE puts each example wherever it likes."""
    rows, y = numpy.eye(2 * ways)[None], numpy.eye(ways)[None]
    return Task(Data(rows[:, :ways], y), Data(rows[:, ways:], y))


def least_loss(ways, dimensions, seed):
    """The least loss of matching at temperature 1 that training meets, all examples free to move.

    It is the least of all steps, so that a loss below the bound would not go unseen.
    """
    start = lambda rng: {"w": rng.normal(size=(2 * ways, dimensions))}
    learner = matching.learner(LINE._replace(init=start), temperature=1.0)
    rng, task = numpy.random.default_rng(seed), free_task(ways)
    options = dict(optimizer=adam(0.1), label=None)
    return meta_train(learner, lambda rng: task, rng, 200, **options)[1].min()


@theorem(lesson="few_shot", source="Rankin 1955, the simplex")
def a_simplex_reaches_the_cosine_bound():
    """At the corners of a regular simplex, matching has the loss that `cosine_bound` says."""
    losses, cases = [], [(2, 1.0), (5, 1.0), (20, 1.0), (5, 0.1)]
    for ways, temperature in cases:
        corners = numpy.eye(ways) - 1.0 / ways  # around their mean
        places = {"w": numpy.tile(corners, (2, 1))}
        net = LINE._replace(init=lambda rng, places=places: places)
        losses.append(meta_loss(matching.learner(net, temperature), places, free_task(ways)))
    return Claim(losses, [matching.cosine_bound(*case) for case in cases], tolerance=1e-13)


@theorem(lesson="few_shot", source=CALCULUS)
def training_ends_at_the_cosine_bound():
    """At temperature 1, examples that are free to move reach the cosine bound and no less."""
    losses = [least_loss(5, 4, seed) for seed in range(3)]
    return Claim(losses, numpy.full(3, math.log1p(4.0 * math.exp(-1.25))), tolerance=1e-4)


@theorem(lesson="few_shot", source=CALCULUS)
def the_cosine_bound_needs_dimensions():
    """Four classes in a plane reach the loss of a square, which is above the cosine bound."""
    square = math.log(math.e + 2.0 + 1.0 / math.e) - 1.0  # cosines 1, 0, 0, -1
    return Claim([least_loss(4, 2, seed) for seed in range(3)], numpy.full(3, square), 1e-4)


# ---- Pairs ----


@theorem(lesson="few_shot", source=ALGEBRA)
def siamese_squares_are_prototypes():
    """With one example a class and equal weights -a, siamese networks answer as prototypes do."""
    task, learner = gaussian_task(shots=1), siamese.learner(NET, 4)
    meta = learner.init(numpy.random.default_rng(1))  # weights -1/4
    scores = learner.predict(meta, learner.adapt(meta, task.support), task.query.x)
    scaled = Net(NET.init, lambda meta, x: NET.apply(meta, x) / 2.0)
    exact_answer = log_probabilities(task)(prototypical.learner(scaled))
    return Claim(log_softmax(scores), exact_answer, tolerance=1e-13)


def normal_log_density(x, covariance):
    """log N(x; 0, covariance) of x (D,)."""
    quadratic = x @ numpy.linalg.solve(covariance, x)
    return -(quadratic + numpy.linalg.slogdet(2.0 * math.pi * covariance)[1]) / 2.0


@theorem(lesson="few_shot", source="Bayes rule")
def the_log_ratio_is_affine_in_the_squared_distance():
    """The log-ratio of two densities of x - c, same class or another, is affine in |x - c|^2."""
    rng, shots, eye = numpy.random.default_rng(0), 3, numpy.eye(D)
    same = WITHIN * (1.0 + 1.0 / shots)
    ratios = []
    differences = rng.normal(size=(6, D))
    for d in differences:
        another = normal_log_density(d, (same + 2.0 * BETWEEN) * eye)
        ratios.append(normal_log_density(d, same * eye) - another)
    constant, factor = exact.log_ratio(D, shots, BETWEEN, WITHIN)
    computed = constant - factor * numpy.sum(differences**2, axis=-1)
    return Claim(computed, ratios, tolerance=1e-13)


@theorem(lesson="few_shot", source="Bayes rule")
def a_pair_is_its_difference_and_its_sum():
    """The log-ratio of a pair is that of its difference plus that of its sum, which counts too."""
    x = numpy.random.default_rng(0).normal(size=(6, 2, D))
    shared = numpy.array([[1.0, 1.0], [1.0, 1.0]])
    same = numpy.kron(BETWEEN * shared + WITHIN * numpy.eye(2), numpy.eye(D))
    another = (BETWEEN + WITHIN) * numpy.eye(2 * D)
    pairs = x.reshape(6, 2 * D)
    whole = [normal_log_density(p, same) - normal_log_density(p, another) for p in pairs]
    constant, factor = exact.log_ratio(D, 1, BETWEEN, WITHIN)
    of_difference = constant - factor * numpy.sum((x[:, 0] - x[:, 1]) ** 2, axis=-1)
    wide = (2.0 * (WITHIN + 2.0 * BETWEEN), 2.0 * (WITHIN + BETWEEN))  # variances of the sum
    squares = numpy.sum((x[:, 0] + x[:, 1]) ** 2, axis=-1)
    of_sum = D / 2.0 * math.log(wide[1] / wide[0]) - squares / 2.0 * (1 / wide[0] - 1 / wide[1])
    return Claim(of_difference + of_sum, whole, tolerance=1e-13)


@theorem(lesson="few_shot", source=KOCH)
def the_siamese_head_learns_the_log_ratio():
    """A siamese head of squares, trained on episodes, learns the log-ratio of Gaussian classes."""
    learner = siamese.learner(INPUTS, D)
    heads = minima(learner, lambda seed: gaussian_task(seed, tasks=300, shots=1))
    constant, factor = exact.log_ratio(D, 1, BETWEEN, WITHIN)
    return has_mean(heads, numpy.array([*D * [-factor], constant]))


def affine_head(params, x):
    """b - a |c - h|^2 for rows [c, h]: (..., N, 2 D) -> (..., N, 1)."""
    squares = ((x[..., :D] - x[..., D:]) ** 2).sum(axis=-1, keepdims=True)
    return params["b"] - params["a"] * squares


HEAD = Net(lambda rng: {"a": numpy.array(0.5), "b": numpy.array(1.0)}, affine_head)
SQUARES = numpy.array([0.5, 2.0, 6.0])  # squared distances at which scores are compared


def relation_claim(loss):
    """The claim that a relation head, trained on this loss, learns P(same class | D^2)."""
    learner = relation.learner(INPUTS, HEAD, loss)
    heads = minima(learner, lambda seed: gaussian_task(seed, tasks=300))
    computed = relation.sigmoid(heads[:, 1:] - heads[:, :1] * SQUARES)
    return has_mean(computed, exact.same_class(SQUARES, 4, D, 2, BETWEEN, WITHIN))


@theorem(lesson="prototypes", source=SUNG)
def cross_entropy_learns_the_posterior_of_a_pair():
    """A relation head trained by cross-entropy learns P(same class | distance), prior 1/N."""
    return relation_claim(relation.binary_cross_entropy)


@theorem(lesson="prototypes", source=SUNG)
def squared_error_learns_the_posterior_of_a_pair():
    """A relation head trained by the paper's squared error learns the same posterior."""
    return relation_claim(relation.squared_error)


def ignorant_scores(ways):
    """Labels (N, N), and the scores of one who says 1/N to every class."""
    return numpy.full((ways, ways), -math.log(ways - 1)), numpy.eye(ways)


@theorem(lesson="prototypes", source=CALCULUS)
def saying_one_in_n_is_a_rest():
    """Saying 1/N to every class costs (N-1) / N^2 in squared error, and no other constant less."""
    computed, expected = [], []
    for ways in (2, 5, 20):
        scores, labels = ignorant_scores(ways)
        cost = lambda shift, s=scores, y=labels: relation.squared_error(s + shift, y)
        computed += [cost(0.0), grad(cost)(0.0)]
        expected += [(ways - 1) / ways**2, 0.0]
    return Claim(computed, expected, tolerance=1e-14)


@theorem(lesson="prototypes", source=CALCULUS)
def the_squared_error_hardly_learns_from_ignorance():
    """At 1/N for every class, squared error has 2 (N-1) / N^2 of the gradient of cross-entropy."""
    ratios = []
    for ways in (5, 20, 60):
        scores, y = ignorant_scores(ways)
        of_square = grad(lambda s, y=y: relation.squared_error(s, y))(scores)
        ratios.append(of_square / grad(lambda s, y=y: relation.binary_cross_entropy(s, y))(scores))
    computed = [(ratio.min(), ratio.max()) for ratio in ratios]
    expected = [2 * (2 * [2.0 * (ways - 1) / ways**2])[:1] for ways in (5, 20, 60)]
    return Claim(computed, expected, tolerance=1e-13)


# ---- Symmetries of an episode, for every learner of the room ----


@theorem(lesson="few_shot", source=DEFINITION)
def classes_may_change_columns():
    """Whichever column a class has in an episode, its logit is the same."""
    task, turn = gaussian_task(), numpy.array([2, 0, 3, 1])
    turned = task._replace(support=task.support._replace(y=task.support.y[..., turn]))
    return Claim(all_logits(turned), all_logits(task)[..., turn], tolerance=1e-12)


@theorem(lesson="few_shot", source=DEFINITION)
def examples_may_change_places():
    """The order of the examples in a support does not matter."""
    task, order = gaussian_task(), numpy.random.default_rng(2).permutation(8)
    mixed = task._replace(support=Data(*(part[:, order] for part in task.support)))
    return Claim(all_logits(mixed), all_logits(task), tolerance=1e-12)


@theorem(lesson="few_shot", source=DEFINITION)
def another_class_changes_no_logit():
    """The logit of a class does not depend on the others, so any number of ways can be asked."""
    task = gaussian_task()
    of_three = numpy.arange(8) % 4 < 3
    fewer = Data(task.support.x[:, of_three], task.support.y[:, of_three, :3])
    computed = all_logits(task._replace(support=fewer))
    return Claim(computed, all_logits(task)[..., :3], tolerance=1e-12)


@theorem(lesson="few_shot", source=DEFINITION)
def every_example_twice_is_every_example_once():
    """A support with every example twice gives the same probabilities: any shots can be asked."""
    task = gaussian_task()
    twice = Data(*(numpy.concatenate([part, part], axis=1) for part in task.support))
    computed = all_probabilities(task._replace(support=twice))
    return Claim(computed, all_probabilities(task), tolerance=1e-12)


@theorem(lesson="few_shot", source=DEFINITION)
def queries_are_answered_one_by_one():
    """A query is answered the same whatever other queries are asked with it."""
    task = gaussian_task()
    first = task._replace(query=Data(*(part[:, :1] for part in task.query)))
    return Claim(all_logits(first), all_logits(task)[:, :, :1], tolerance=1e-12)


@theorem(lesson="few_shot", source="Floyd 1987")
def no_example_is_in_support_and_query():
    """In an episode no example is met twice, neither in the support nor in the query."""
    y = numpy.repeat(numpy.arange(6), 5)
    x = numpy.arange(30.0)[:, None]  # an example is its own number
    task = episodes(numpy.random.default_rng(0), x, y, tasks=200, ways=4, shots=2, queries=3)
    met = numpy.concatenate([task.support.x, task.query.x], axis=1)[..., 0]
    return Claim([len(set(row)) for row in met], numpy.full(200, 20), tolerance=0.0)
