"""Theorems on the LSTM meta-learner: what it sees when, and what hand-set gates compute."""

import numpy

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.learner import fold
from minimeta.core.trees import flatten
from minimeta.exact import linear_gaussian as bayes
from minimeta.memories import by_hand, recurrent
from minimeta.meta import along, meta_loss, sequence_loss
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import linear
from minimeta.tasks.task import take
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import BISHOP, DEFINITION, KALMAN, has_mean, none_below_zero

HOCHREITER = "Hochreiter, Younger & Conwell 2001"
LSTM = "Hochreiter & Schmidhuber 1997"
T, NOISE = 6, 0.1


def problem(tasks=3):
    """An untrained LSTM of two inputs and two outputs, and sequences of T examples."""
    rng = numpy.random.default_rng(0)
    data = Data(rng.normal(size=(tasks, T, 2)), rng.normal(size=(tasks, T, 2)))
    meta = recurrent.init(rng, 2, 2, 5)
    meta["read"]["b"] = rng.normal(size=2)  # fresh, it is 0 and would not be missed
    return meta, data


def split(data, shots):
    """The first `shots` examples of every task as support, the next one as query."""
    return Task(take(data, shots), Data(*(part[:, shots : shots + 1] for part in data)))


def fold_along(meta, data):
    """What predict_along answers, one call and one example at a time."""
    slow = recurrent.learner(2, 2, hidden=5)._replace(along=None)
    return along(slow, meta, data)


@theorem(lesson="recurrent", source="Causality")
def no_label_is_seen_before_its_answer():
    """The answer to x_t depends on x_1 .. x_t and on y_1 .. y_t-1, and on nothing else."""
    meta, data = problem(tasks=1)
    answer = lambda data, t: recurrent.predict_along(meta, data)[0, t].sum()
    gradients = [grad(answer)(data, t) for t in range(T)]  # T times x and y (1, T, 2)
    seen = numpy.array([[abs(part[0]).sum(axis=-1) > 0 for part in pair] for pair in gradients])
    return Claim(seen, numpy.stack([numpy.tri(T), numpy.tri(T, k=-1)], axis=1), tolerance=0.0)


@theorem(lesson="recurrent", source=DEFINITION)
def adapt_is_the_fold_of_observe():
    """Adapting to a support gives the state that observing its examples one by one gives."""
    meta, data = problem()
    state = fold(recurrent.start, recurrent.observe)(meta, data)
    computed = recurrent.adapt(meta, data)
    expected = {part: state[part] for part in computed}  # in the same order
    return Claim(flatten(computed), flatten(expected), tolerance=1e-14)


@theorem(lesson="recurrent", source=DEFINITION)
def shots_are_positions():
    """The answer of predict after S examples is the answer of predict_along at position S + 1."""
    meta, data = problem()
    answer = lambda task: recurrent.predict(meta, recurrent.adapt(meta, task.support), task.query.x)
    computed = numpy.concatenate([answer(split(data, shots)) for shots in range(T)], axis=1)
    return Claim(computed, recurrent.predict_along(meta, data), tolerance=1e-14)


@theorem(lesson="recurrent", source=LSTM)
def the_sequence_is_its_equations():
    """The answers along a sequence are the LSTM's equations applied one after the other."""
    meta, (x, y) = problem()
    W_x, W_h, b = (meta["cell"][name] for name in ("W_x", "W_h", "b"))
    sigmoid, label, answers = lambda z: 1 / (1 + numpy.exp(-z)), numpy.zeros_like(y[:, 0]), []
    h = c = numpy.zeros((len(x), 5))
    for t in range(T):
        z = numpy.hstack([x[:, t], label]) @ W_x + h @ W_h + b
        c = sigmoid(z[:, 5:10]) * c + sigmoid(z[:, :5]) * numpy.tanh(z[:, 10:15])
        h, label = sigmoid(z[:, 15:]) * numpy.tanh(c), y[:, t]
        answers.append(h @ meta["read"]["W"] + meta["read"]["b"])
    computed = recurrent.predict_along(meta, Data(x, y))
    return Claim(computed, numpy.stack(answers, axis=1), tolerance=1e-14)


@theorem(lesson="recurrent", source=HOCHREITER)
def the_sequence_loss_is_a_mean_over_shots():
    """The sequence loss is the mean of the meta-losses with 0, 1, ..., T - 1 shots."""
    meta, data = problem()
    learner = recurrent.learner(2, 2, hidden=5)
    losses = [meta_loss(learner, meta, split(data, shots)) for shots in range(T)]
    computed = sequence_loss(learner, meta, split(data, T - 1))
    return Claim(computed, numpy.mean(losses), tolerance=1e-14)


@theorem(lesson="recurrent", source="Chain rule")
def the_gradient_is_that_of_the_fold():
    """The gradient of the sequence loss is that of the fold, which takes one step at a time."""
    meta, data = problem()
    loss = lambda meta: np.mean((fold_along(meta, data) - data.y) ** 2)
    learner, task = recurrent.learner(2, 2, hidden=5), split(data, T - 1)
    computed = grad(lambda meta: sequence_loss(learner, meta, task))(meta)
    return Claim(flatten(computed), flatten(grad(loss)(meta)), tolerance=1e-14)


@theorem(lesson="recurrent", source=DEFINITION)
def queries_do_not_see_each_other():
    """Each query is answered as if it were the only one."""
    meta, data = problem()
    state = recurrent.adapt(meta, data)
    queries = numpy.random.default_rng(1).normal(size=(3, 4, 2))
    alone = [recurrent.predict(meta, state, queries[:, q : q + 1]) for q in range(4)]
    computed = recurrent.predict(meta, state, queries)
    return Claim(computed, numpy.concatenate(alone, axis=1), tolerance=1e-14)


@theorem(lesson="recurrent", source=DEFINITION)
def tasks_do_not_see_each_other():
    """Each task is learned as if it were the only one."""
    meta, data = problem()
    tasks = [Data(x[None], y[None]) for x, y in zip(*data)]
    alone = [recurrent.predict_along(meta, one) for one in tasks]
    return Claim(recurrent.predict_along(meta, data), numpy.concatenate(alone), tolerance=1e-14)


def answers_of_running_mean(y, prior):
    """What the cell set by hand answers along labels y (1, T, 1)."""
    clock = by_hand.log_odds(T, prior)[None]
    return recurrent.predict_along(by_hand.running_mean(), Data(clock, y))


@theorem(lesson="recurrent", source=LSTM)
def a_cell_can_average():
    """A cell whose forget and input gates have the ratio n - 1 at label n holds the running mean of
    the labels.
    """
    y = numpy.random.default_rng(0).normal(size=(1, T, 1))
    computed = answers_of_running_mean(y, prior=0.0)
    means = [y[0, :n].mean() for n in range(1, T)]
    return Claim(computed[0, :, 0], [0.0, *means], tolerance=1e-9)


@theorem(lesson="recurrent", source=KALMAN)
def a_cell_can_be_bayes():
    """A cell whose forget and input gates have the ratio n - 1 + s^2/v at label n holds the
    posterior mean.
    """
    y = numpy.random.default_rng(0).normal(size=(1, T, 1))
    computed = answers_of_running_mean(y, prior=2.5)
    means, _ = bayes.sequential(numpy.ones((1, T, 1)), y, 0.0, 0.4 * numpy.eye(1), 1.0)
    return Claim(computed[0, :, 0], means[0, :-1, 0, 0], tolerance=1e-9)


@theorem(lesson="recurrent", source="Construction")
def five_cells_can_descend():
    """Five cells per input, their gates set by hand, run SGD with one step per example."""
    x, y = problem(tasks=1)[1]
    gradient = grad(lambda w, x, y: (x @ w - y) ** 2)
    w, answers = numpy.zeros(2), []
    for t in range(T):
        answers.append(x[0, t] @ w)
        w = w - 0.1 * gradient(w, x[0, t], y[0, t, 0])
    # The gradient of a square has a factor 2, which the step size of the cells contains.
    meta = by_hand.gradient_descent(step_size=0.2, inputs=2)
    computed = recurrent.predict_along(meta, Data(x, y[..., :1]))
    return Claim(computed[0, :, 0], answers, tolerance=1e-4)  # some ten (small x)^2 / 12


def lines(noise=NOISE, tasks=4000):
    """Lines w ~ N(0, 1) with noise, and the Bayes-optimal answers along each sequence."""
    rng = numpy.random.default_rng(5)
    data = linear(rng, tasks, T - 1, 1, numpy.eye(1), noise_variance=noise)
    data = Data(*(numpy.concatenate(parts, axis=1) for parts in zip(*data)))
    means, _ = bayes.sequential(*data, 0.0, numpy.eye(1), noise)
    return data, data.x * means[:, :-1, :, 0]


@theorem(lesson="recurrent", source=BISHOP)
def the_floor_is_the_risk():
    """Along a sequence, the mean Bayes error at position t is the Bayes risk after t - 1 shots."""
    data, best = lines()
    risks = [bayes.risk(data.x[:, :n], numpy.eye(1), NOISE) for n in range(T)]
    off = (best - data.y)[..., 0] ** 2 - numpy.stack(risks, axis=1)  # (M, T)
    return has_mean(off, numpy.zeros(T))


@theorem(lesson="recurrent", source=DEFINITION)
def nobody_beats_bayes():
    """At no position is an LSTM, untrained or set by hand, better than Bayes."""
    data, best = lines()
    untrained = recurrent.init(numpy.random.default_rng(0), 1, 1, 16)
    learners = untrained, by_hand.gradient_descent(0.3)
    answers = [recurrent.predict_along(meta, data) for meta in learners]
    errors = [((answer - data.y) ** 2 - (best - data.y) ** 2)[..., 0] for answer in answers]
    return none_below_zero(numpy.concatenate(errors, axis=1))  # (M, 2T), paired: the same tasks
