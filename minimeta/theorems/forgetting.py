"""Theorems on forgetting: when a penalty is Bayes' rule, and how long a memory lasts.

Linear-Gaussian tasks have the joint posterior for an answer, random patterns a recursion.
"""

import numpy

from minimeta.continual import ewc, fisher
from minimeta.continual.likelihoods import gaussian
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.trees import flatten
from minimeta.exact import linear_gaussian, pattern_memory
from minimeta.exact import sequential_bayes as bayes
from minimeta.tasks import Data
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, KIRKPATRICK, LINE, full_fisher, has_mean, hessian

HUSZAR = "Huszar 2018"
NOISE = 0.3
LIKELIHOOD = gaussian(NOISE)


# ---- Bayes ----


def family(tasks, shots=(3, 5, 4), axes=False):
    """Tasks of several sizes for LINE, a prior mean (4, 1) and a diagonal prior precision."""
    rng, sequence = numpy.random.default_rng(0), []
    for N in shots[:tasks]:
        x = numpy.eye(4)[rng.integers(4, size=N)] if axes else rng.normal(size=(N, 4))
        sequence.append(Data(x, rng.normal(size=(N, 1))))
    return sequence, rng.normal(size=(4, 1)), numpy.diag(rng.uniform(0.5, 2.0, size=4))


def moments(sequence):
    """A (T, D, D) and b (T, D, 1) of tasks of any size."""
    pairs = [bayes.statistics(data.x[None], data.y[None], NOISE) for data in sequence]
    return [numpy.concatenate(part) for part in zip(*pairs)]


def joint(sequence, mean, precision):
    """The posterior after the examples of all tasks at once: (4, 1) and (4, 4)."""
    x, y = (numpy.concatenate(part) for part in zip(*sequence))
    return linear_gaussian.posterior(x, y, mean, numpy.linalg.inv(precision), NOISE)


def minimum(data, start, penalties, likelihood=LIKELIHOOD):
    """The minimum of the penalised loss, a quadratic, by one Newton step from the start.

    In directions in which the loss is flat, no step is made.
    """
    loss = lambda theta: ewc.penalised_loss(theta, data, LINE, penalties, 1.0, likelihood)
    step = numpy.linalg.pinv(hessian(loss, start)) @ grad(loss)(start)["w"]
    return {"w": start["w"] - step}


def consolidate_all(sequence, mean, precision, estimate=full_fisher):
    """What elastic weight consolidation ends at, and its one penalty."""
    penalty = ewc.Penalty({"w": mean}, precision)
    for data in sequence:
        theta = minimum(data, penalty.anchor, penalty)
        penalty = ewc.consolidate(theta, data, LINE, LIKELIHOOD, estimate, penalty)
    return theta["w"], penalty


@theorem(lesson="forgetting", source=HUSZAR)
def two_tasks_are_bayes():
    """With the full Fisher, EWC on two tasks ends at the mean of the joint posterior."""
    task = family(2)
    return Claim(consolidate_all(*task)[0], joint(*task)[0], tolerance=1e-12)


@theorem(lesson="forgetting", source=HUSZAR)
def three_tasks_are_bayes():
    """With one penalty, EWC on three tasks of any sizes ends at the mean of the joint posterior."""
    task = family(3)
    return Claim(consolidate_all(*task)[0], joint(*task)[0], tolerance=1e-12)


@theorem(lesson="forgetting", source=HUSZAR)
def penalty_is_the_posterior_precision():
    """The matrix of EWC's one penalty is the precision of the joint posterior."""
    task = family(3)
    precision = numpy.linalg.inv(joint(*task)[1])
    return Claim(consolidate_all(*task)[1].fisher, precision, tolerance=1e-10)


@theorem(lesson="forgetting", source=HUSZAR)
def separate_penalties_count_twice():
    """Separate penalties count early tasks twice: they are off by P^-1 sum_k Q_k (n_i - n_k)."""
    sequence, mean, precision = family(3)
    prior, penalties = ewc.Penalty({"w": mean}, precision), []
    for data in sequence:
        theta = minimum(data, {"w": mean}, penalties or prior)
        previous = None if penalties else prior
        penalties.append(ewc.consolidate(theta, data, LINE, LIKELIHOOD, full_fisher, previous))
    A, b = moments(sequence)
    exact = bayes.separate_error(A, precision, bayes.separate_optima(A, b, mean, precision))
    return Claim(theta["w"] - joint(sequence, mean, precision)[0], exact, tolerance=1e-12)


def consolidate_diagonals(sequence, mean, precision):
    """What elastic weight consolidation ends at with the diagonal of the Fisher information."""
    prior = ewc.Penalty({"w": mean}, {"w": numpy.diag(precision)[:, None]})
    for data in sequence:
        theta = minimum(data, prior.anchor, prior)
        prior = ewc.consolidate(theta, data, LINE, LIKELIHOOD, fisher.exact, prior)
    return theta["w"]


@theorem(lesson="forgetting", source=ALGEBRA)
def what_the_diagonal_costs():
    """With a diagonal penalty D the error e grows task by task as (D + A) e' = D e + (P - D) (m' -
    m).
    """
    sequence, mean, precision = family(3)
    A, b = moments(sequence)
    means, _ = bayes.posteriors(A, b, mean, precision)
    exact = bayes.diagonal_error(A, mean, precision, means)
    computed = consolidate_diagonals(sequence, mean, precision)
    return Claim(computed - joint(sequence, mean, precision)[0], exact, tolerance=1e-12)


@theorem(lesson="forgetting", source=KIRKPATRICK)
def diagonal_along_the_axes():
    """A diagonal penalty loses nothing if every example lies along a coordinate axis."""
    task = family(3, axes=True)
    return Claim(consolidate_diagonals(*task), joint(*task)[0], tolerance=1e-12)


@theorem(lesson="forgetting", source=ALGEBRA)
def rest_of_proximal_steps():
    """On quadratics, proximal steps converge to (A + lam F)^-1 (A c + lam F c_old)."""
    rng, strength, step_size = numpy.random.default_rng(1), 7.0, 0.2
    A, c, old = numpy.diag([1.0, 2.0, 0.5]) + 0.3, rng.normal(size=3), rng.normal(size=3)
    F = numpy.array([0.1, 3.0, 1.0])
    step = ewc.proximal_step(ewc.Penalty(old, F), step_size * strength)
    theta = numpy.zeros(3)
    for _ in range(400):
        theta = step(theta - step_size * A @ (theta - c))
    rest = numpy.linalg.solve(A + strength * numpy.diag(F), A @ c + strength * F * old)
    return Claim(theta, rest, tolerance=1e-12)


@theorem(lesson="forgetting", source="Parikh & Boyd 2014, Proximal Algorithms")
def proximal_step_is_a_minimum():
    """A proximal step ends where |t - theta|^2 / 2 + rate * penalties(t) has no gradient."""
    rng, rate = numpy.random.default_rng(2), 50.0
    draw = lambda: {"w": rng.normal(size=(2, 2)), "b": rng.normal(size=2)}
    root, theta = rng.normal(size=(6, 6)), draw()
    penalties = [ewc.Penalty(draw(), root @ root.T), ewc.Penalty(draw(), numpy.eye(6))]
    away = lambda t: np.sum((flatten(t) - flatten(theta)) ** 2) / 2
    total = lambda t: away(t) + rate * sum(ewc.cost(t, one) for one in penalties)
    gradient = grad(total)(ewc.proximal_step(penalties, rate)(theta))
    return Claim(flatten(gradient), numpy.zeros(6), tolerance=1e-10)


@theorem(lesson="forgetting", source=ALGEBRA)
def any_strength_is_stable():
    """A proximal step is stable however strong the penalty is: it then ends at the anchor."""
    step = ewc.proximal_step(ewc.Penalty(numpy.array([1.0, -2.0]), numpy.array([3.0, 0.1])), 1e18)
    return Claim(step(numpy.array([5.0, 5.0])), [1.0, -2.0], tolerance=1e-15)


# ---- A memory for random patterns ----


@theorem(lesson="forgetting", source=KIRKPATRICK)
def consolidating_neuron():
    """EWC on a linear neuron makes steps of size n / (n + t)."""
    n, patterns = 4, 6
    rng, likelihood = numpy.random.default_rng(10), gaussian(1.0)
    x = rng.choice([-0.5, 0.5], size=(patterns, n))
    y = rng.choice([-1.0, 1.0], size=(patterns, 1))
    penalty, w = ewc.Penalty({"w": numpy.zeros((n, 1))}, {"w": numpy.zeros((n, 1))}), 0.0
    weights, exact = [], []
    for row, answer, s in zip(x, y, pattern_memory.consolidating_steps(n, patterns)):
        data = Data(row[None], answer[None])
        theta = minimum(data, penalty.anchor, penalty, likelihood)
        penalty = ewc.consolidate(theta, data, LINE, likelihood, previous=penalty)
        w = w + s * (answer - row @ w) * row if weights else s * answer * row
        weights.append(theta["w"][:, 0])
        exact.append(w)
    return Claim(weights, exact, tolerance=1e-12)


def simulate(n, steps, runs=4000):
    """y_0 w x_0 and (w x)^2 at a new pattern x, for many memories: (2, runs)."""
    rng = numpy.random.default_rng(11)
    draw = lambda: rng.choice([-1.0, 1.0], size=(runs, n)) / n**0.5
    w, first = numpy.zeros((runs, n)), None
    for s in steps:
        x, y = draw(), rng.choice([-1.0, 1.0], size=runs)
        first = (x, y) if first is None else first
        w = w + (s * (y - numpy.sum(w * x, axis=1)))[:, None] * x
    return first[1] * numpy.sum(w * first[0], axis=1), numpy.sum(w * draw(), axis=1) ** 2


def simulation_has_mean(steps):
    """The claim that simulated signals and squared noises have the means of the formula."""
    signal, noise = pattern_memory.memory(20, steps)
    return has_mean(numpy.stack(simulate(20, steps), axis=1), [signal[-1], noise[-1] ** 2])


@theorem(lesson="forgetting", source=KIRKPATRICK)
def memory_of_gradient_descent():
    """The signal and noise of gradient descent's memory are what a simulation gives."""
    return simulation_has_mean(numpy.ones(25))


@theorem(lesson="forgetting", source=KIRKPATRICK)
def memory_of_consolidation():
    """The signal and noise of a memory with consolidating steps are what a simulation gives."""
    return simulation_has_mean(pattern_memory.consolidating_steps(20, 25))


@theorem(lesson="forgetting", source=KIRKPATRICK)
def gradient_descent_forgets_exponentially():
    """Under gradient descent the signal of a pattern decays exponentially, as (1 - 1/n)^t."""
    signal, noise = pattern_memory.memory(30, numpy.ones(200))
    exact = (1 - 1 / 30) ** numpy.arange(200.0)
    silence = numpy.sqrt(1 - (1 - 1 / 30) ** numpy.arange(1.0, 201.0))  # |w|^2 fills up to n
    return Claim([signal, noise], [exact, silence], tolerance=1e-13)


@theorem(lesson="forgetting", source=KIRKPATRICK)
def consolidation_forgets_by_a_power_law():
    """With consolidation the signal of a pattern decays by a power law, as n / (n + t)."""
    signal, _ = pattern_memory.memory(30, pattern_memory.consolidating_steps(30, 200))
    return Claim(signal, 30 / (30 + numpy.arange(200.0)), tolerance=1e-13)
