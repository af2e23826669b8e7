"""Theorems on Gaussian classes: accuracy in closed form, shrinking, and which metric is learned."""

import math

import numpy

from minimeta.core.losses import accuracy, log_softmax
from minimeta.embeddings import matching, prototypical
from minimeta.exact import class_gaussians as exact
from minimeta.exact import linear_gaussian
from minimeta.exact.families import gaussian_classes
from minimeta.meta import evaluate
from minimeta.nets import Net
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, BISHOP, LINE, has_mean, minima, none_below_zero

SNELL = "Snell, Swersky & Zemel 2017, arXiv:1703.05175"
BETA = "Abramowitz & Stegun 1964, chapter 26"
WITHIN = numpy.array([[1.0, 0.5], [0.5, 0.6]])  # covariances in two dimensions
BETWEEN = numpy.array([[2.0, -0.4], [-0.4, 0.8]])
PIXELS = prototypical.learner(prototypical.pixels)  # prototypes of the examples as they are
SCALE = Net(lambda rng: {"r": numpy.array(0.5)}, lambda meta, x: meta["r"] * x)


def task_of(seed=0, tasks=3, ways=2, shots=1, queries=4, covariances=(BETWEEN, WITHIN)):
    """Tasks of Gaussian classes, by default in two dimensions."""
    rng = numpy.random.default_rng(seed)
    return exact.sample(rng, tasks, shots, queries, ways, *covariances)


def round_classes(inputs, between=1.0, within=1.0):
    """Covariances t^2 I and s^2 I."""
    return between * numpy.eye(inputs), within * numpy.eye(inputs)


def accuracies(learner, shots, inputs=16, ways=2):
    """The accuracy of a learner on each of 3000 tasks of round classes: (3000,)."""
    family = gaussian_classes(ways, *round_classes(inputs))
    task = family.sample(numpy.random.default_rng(shots), 3000, shots, 10)
    return evaluate(learner, {}, task, accuracy)


# ---- Prototypes ----


@theorem(lesson="prototypes", source=SNELL)
def prototypes_are_a_linear_classifier():
    """Prototypes c_k answer as the linear classifier with weights 2 c_k and biases -|c_k|^2."""
    task = task_of(ways=3, shots=2)
    linear = []
    for x, y, queries in zip(*task.support, task.query.x):
        c = numpy.stack([x[y[:, k] == 1.0].mean(axis=0) for k in range(3)])
        linear.append(2.0 * queries @ c.T - numpy.sum(c * c, axis=-1))
    computed = PIXELS.predict({}, PIXELS.adapt({}, task.support), task.query.x)
    return Claim(log_softmax(computed), log_softmax(numpy.stack(linear)), tolerance=1e-13)


@theorem(lesson="prototypes", source=SNELL)
def one_shot_accuracy_is_an_incomplete_beta_function():
    """With one shot, two-way prototypes are right as often as the incomplete beta function says."""
    return has_mean(accuracies(PIXELS, shots=1), exact.accuracy(16, 1, 1.0, 1.0))


@theorem(lesson="prototypes", source=SNELL)
def five_shot_accuracy_is_an_incomplete_beta_function():
    """So are they with five shots, and in an odd number of dimensions."""
    return has_mean(accuracies(PIXELS, shots=5, inputs=3), exact.accuracy(3, 5, 1.0, 1.0))


@theorem(lesson="prototypes", source=BISHOP)
def bayes_accuracy_is_an_incomplete_beta_function():
    """Bayes, which shrinks the prototypes, is right as often as that function says for its rho."""
    bayes = exact.learner(*round_classes(16))
    shrunk = exact.accuracy(16, 1, 1.0, 1.0, exact.shrinkage(1, 1.0, 1.0))
    return has_mean(accuracies(bayes, shots=1), shrunk)


@theorem(lesson="prototypes", source=BETA)
def accuracy_is_a_majority_of_tosses():
    """I_p(D/2, D/2) is, for even D, the chance of most of D - 1 tosses of a coin of p."""
    computed, tosses = [], []
    for inputs, p in [(2, 0.8), (8, 0.6), (16, 0.75)]:
        n = inputs - 1
        heads = range(inputs // 2, inputs)
        tosses.append(sum(math.comb(n, k) * p**k * (1.0 - p) ** (n - k) for k in heads))
        computed.append(exact.symmetric_beta(p, inputs))
    return Claim(computed, tosses, tolerance=1e-14)


@theorem(lesson="prototypes", source=BETA)
def accuracy_is_an_integral():
    """I_p(D/2, D/2) is the integral of (u - u^2)^(D/2 - 1) up to p, over that up to 1."""
    u, weight = numpy.polynomial.legendre.leggauss(60)
    angle = lambda end: (u + 1.0) / 2.0 * end  # u = sin^2 angle removes the corners of odd D
    part = lambda end, D: end / 2.0 * weight @ numpy.sin(2.0 * angle(end)) ** (D - 1)
    cases = [(1, 0.7), (3, 0.6), (6, 0.9), (7, 0.75)]
    integrals = [part(math.asin(p**0.5), D) / part(math.pi / 2.0, D) for D, p in cases]
    return Claim([exact.symmetric_beta(p, D) for D, p in cases], integrals, tolerance=1e-13)


@theorem(lesson="prototypes", source="Fisher 1936")
def many_shots_know_the_centres():
    """With endless shots the accuracy is Phi(|m_1 - m_2| / 2 s), averaged over the centres."""
    between, within = 1.5, 0.7
    u, weight = numpy.polynomial.laguerre.laggauss(60)  # |m_1 - m_2|^2 = 4 t^2 u, D = 2
    phi = [(1.0 + math.erf(math.sqrt(4.0 * between * v / within / 8.0))) / 2.0 for v in u]
    return Claim(exact.accuracy(2, 10**9, between, within), weight @ phi, tolerance=1e-3)


# ---- Bayes ----


def joint_log_density(rows):
    """log density of examples (N, 2) of one class, whose centre is integrated out."""
    N = len(rows)
    covariance = numpy.kron(numpy.ones((N, N)), BETWEEN) + numpy.kron(numpy.eye(N), WITHIN)
    x = rows.reshape(-1)
    half = numpy.linalg.slogdet(2.0 * math.pi * covariance)[1] / 2.0
    return -x @ numpy.linalg.solve(covariance, x) / 2.0 - half


@theorem(lesson="prototypes", source=BISHOP)
def bayes_is_a_ratio_of_joint_densities():
    """Bayes says p(x, support of class k) / p(support of class k), even from unequal shots."""
    bayes, task = exact.learner(BETWEEN, WITHIN), task_of(tasks=1, ways=3, shots=3)
    support = type(task.support)(*(part[:, :5] for part in task.support))  # 2, 2 and 1 shots
    x, y = support.x[0], support.y[0]
    joint = lambda k, more: joint_log_density(numpy.concatenate([x[y[:, k] == 1.0], more]))
    expected = [
        [joint(k, q[None]) - joint(k, q[:0].reshape(0, 2)) for k in range(3)]
        for q in task.query.x[0]
    ]
    computed = bayes.predict({}, bayes.adapt({}, support), task.query.x)[0]
    return Claim(log_softmax(computed), log_softmax(numpy.array(expected)), tolerance=1e-13)


@theorem(lesson="prototypes", source=BISHOP)
def shrinking_is_the_posterior_mean():
    """The shrunk prototype n t^2 / (n t^2 + s^2) c is the posterior mean of a constant map."""
    between, within, examples = 1.5, 0.7, numpy.random.default_rng(0).normal(size=(4, 3))
    ones = numpy.ones((4, 1))  # the examples are a map of 1, with noise
    mean, _ = linear_gaussian.posterior(ones, examples, 0.0, between * numpy.eye(1), within)
    shrunk = exact.shrinkage(4, between, within) * examples.mean(axis=0)
    return Claim(shrunk, mean[0], tolerance=1e-13)


@theorem(lesson="prototypes", source="By definition")
def nobody_beats_bayes_on_gaussian_classes():
    """Neither prototypes in the best metric nor matching have less cross-entropy than Bayes."""
    covariances = round_classes(4)
    task = task_of(tasks=2000, ways=5, covariances=covariances)
    root = exact.metric(1, *covariances)[0, 0] ** 0.5
    scaled = Net(lambda rng: {}, lambda meta, x: root * x)
    rivals = [prototypical.learner(scaled), matching.learner(prototypical.pixels, 0.3), PIXELS]
    floor = evaluate(exact.learner(*covariances), {}, task)
    excess = [evaluate(rival, {}, task) - floor for rival in rivals]
    return none_below_zero(numpy.stack(excess, axis=-1))


# ---- The metric that is learned ----


@theorem(lesson="prototypes", source="Bayes rule")
def the_best_metric_is_conditioning():
    """The best metric G makes 2 w G z the log-odds of a query z, between prototypes w apart."""
    matrices = []
    for n in (1, 3):
        of_w = 2.0 * BETWEEN + 2.0 / n * WITHIN
        of_z = BETWEEN / 2.0 + (1.0 + 0.5 / n) * WITHIN
        gain = BETWEEN @ numpy.linalg.inv(of_w)  # z has the mean +-gain w
        rest = of_z - gain @ BETWEEN  # and this covariance
        matrices.append(numpy.linalg.inv(rest) @ gain)
    computed = [exact.metric(n, BETWEEN, WITHIN) for n in (1, 3)]
    return Claim(numpy.stack(computed), numpy.stack(matrices), tolerance=1e-13)


@theorem(lesson="prototypes", source=SNELL)
def training_learns_the_best_scale():
    """A learned scale r of prototypes reaches r^2 = G, the best metric of two-way tasks."""
    covariances = round_classes(3)
    draw = lambda seed: task_of(seed, tasks=400, covariances=covariances)
    scales = minima(prototypical.learner(SCALE), draw)
    return has_mean(scales[:, 0] ** 2, exact.metric(1, *covariances)[0, 0])


@theorem(lesson="prototypes", source=SNELL)
def training_learns_the_best_linear_embedding():
    """A learned linear embedding A reaches A' A = G, the best metric of two-way tasks."""
    learner = prototypical.learner(LINE._replace(init=lambda rng: {"w": 0.5 * numpy.eye(2)}))
    ends = minima(learner, lambda seed: task_of(seed, tasks=400)).reshape(-1, 2, 2)
    return has_mean(ends @ numpy.swapaxes(ends, 1, 2), exact.metric(1, BETWEEN, WITHIN))


@theorem(lesson="prototypes", source="Fisher 1936")
def whitening_is_the_limit_of_many_shots():
    """With endless shots the best metric is whitening, W^-1 / 2."""
    computed = exact.metric(10**7, BETWEEN, WITHIN)
    return Claim(computed, numpy.linalg.inv(WITHIN) / 2.0, tolerance=1e-5)


@theorem(lesson="prototypes", source=ALGEBRA)
def whitening_is_the_limit_of_wide_classes():
    """With classes far apart the best metric is W^-1 / (2 + 2 / n): whitening, for any shots."""
    computed = [exact.metric(n, 1e7 * BETWEEN, WITHIN) for n in (1, 4)]
    whitened = [numpy.linalg.inv(WITHIN) / (2.0 + 2.0 / n) for n in (1, 4)]
    return Claim(numpy.stack(computed), numpy.stack(whitened), tolerance=1e-5)


@theorem(lesson="prototypes", source=ALGEBRA)
def one_shot_is_not_whitening():
    """With one shot a direction of within-class variance s^2 weighs 1 / (4 s^2 + 3 s^4 / t^2)."""
    noise = numpy.array([0.2, 1.0, 5.0])
    computed = exact.metric(1, 2.0 * numpy.eye(3), numpy.diag(noise))
    expected = numpy.diag(1.0 / (4.0 * noise + 3.0 * noise**2 / 2.0))
    return Claim(computed, expected, tolerance=1e-13)


@theorem(lesson="prototypes", source="Bayes rule")
def the_posterior_of_a_pair_is_bayes_rule():
    """P(same class | D^2) weighs two chi-squared densities by 1/N and (N-1)/N."""
    inputs, shots, between, within, ways = 4, 2, 1.5, 0.7, 5
    squares = numpy.array([0.5, 3.0, 9.0])
    variance = within * (1.0 + 1.0 / shots)
    density = lambda v: v ** (-inputs / 2.0) * numpy.exp(-squares / (2.0 * v))
    same, another = density(variance), (ways - 1) * density(variance + 2.0 * between)
    computed = exact.same_class(squares, ways, inputs, shots, between, within)
    return Claim(computed, same / (same + another), tolerance=1e-14)
