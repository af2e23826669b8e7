"""Theorems on learning in context: linear attention is a gradient step; what a transformer sees."""

import itertools

import numpy

from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.learner import fold
from minimeta.core.optim import adam
from minimeta.core.trees import flatten
from minimeta.exact import in_context as exact
from minimeta.exact import linear_gaussian as bayes
from minimeta.memories import linear_attention, tokens, transformer
from minimeta.meta import along, evaluate, meta_loss
from minimeta.nets import attention
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import linear, uniform
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import CALCULUS, DEFINITION, has_mean, none_below_zero

OSWALD = "von Oswald et al. 2022, arXiv:2212.07677"
SCHLAG = "Schlag, Irie & Schmidhuber 2021, arXiv:2102.11174"
GARG = "Garg et al. 2022, arXiv:2208.01066"
D, C, S, Q = 3, 2, 6, 4
STEP_SIZE = 0.4


def problem(tasks=3):
    """Random maps of D inputs to C outputs: S examples and Q queries each."""
    return linear(numpy.random.default_rng(0), tasks, S, Q, numpy.eye(D), outputs=C)


def descend(task, steps):
    """Answers after so many gradient steps from W = 0 on half the mean squared error, by autograd.

    Squares are summed over outputs and averaged over examples.
    """
    loss = lambda W, x, y: 0.5 * ((x @ W - y) ** 2).sum() / len(x)
    answers = []
    for x, y, asked in zip(*task.support, task.query.x):
        W = numpy.zeros((D, C))
        for _ in range(steps):
            W = W - STEP_SIZE * grad(loss)(W, x, y)
        answers.append(asked @ W)
    return numpy.stack(answers)


def answers_of(learner, meta, task):
    """The answers to the queries of a task."""
    return learner.predict(meta, learner.adapt(meta, task.support), task.query.x)


def layer_of_descent(task, layers):
    """The answers of hand-set layers of linear attention."""
    meta = linear_attention.gradient_descent(D, C, STEP_SIZE, S, layers)
    return answers_of(linear_attention.learner(D, C, layers), meta, task)


@theorem(lesson="in_context", source=OSWALD)
def a_layer_is_a_gradient_step():
    """One layer of linear self-attention with hand-set weights is one gradient step from zero."""
    task = problem()
    return Claim(layer_of_descent(task, 1), descend(task, 1), tolerance=1e-13)


@theorem(lesson="in_context", source=OSWALD)
def layers_are_steps():
    """Three such layers, one after another, are three gradient steps."""
    task = problem()
    return Claim(layer_of_descent(task, 3), descend(task, 3), tolerance=1e-13)


@theorem(lesson="in_context", source=SCHLAG)
def attention_is_fast_weights():
    """Values weighted by the products of query and keys, token by token, are what the matrix of
    fast weights gives.
    """
    task, learner = problem(), linear_attention.learner(D, C)
    [layer] = meta = learner.init(numpy.random.default_rng(1))
    expected = numpy.zeros((3, Q, C))
    for m, q in itertools.product(range(3), range(Q)):
        asked = numpy.concatenate([task.query.x[m, q], numpy.zeros(C)])
        for x, y in zip(task.support.x[m], task.support.y[m]):
            token = numpy.concatenate([x, y])
            score = (asked @ layer["Q"]) @ (token @ layer["K"])
            expected[m, q] -= (score * (token @ layer["V"] @ layer["P"]))[D:]
    return Claim(answers_of(learner, meta, task), expected, tolerance=1e-13)


@theorem(lesson="in_context", source=SCHLAG)
def the_memory_is_written_one_example_at_a_time():
    """The fast weights of one layer are the same whether the context is read at once or in turn."""
    task, learner = problem(), linear_attention.learner(D, C)
    meta = learner.init(numpy.random.default_rng(1))
    slow = fold(learner.start, learner.observe)(meta, task.support)
    return Claim(flatten(learner.adapt(meta, task.support)), flatten(slow), tolerance=1e-13)


@theorem(lesson="in_context", source=CALCULUS)
def softmax_attention_is_linear_where_scores_are_small():
    """At small scores softmax attention departs from the mean of the values by linear attention to
    the centred keys, divided by the number of tokens.
    """
    rng, small = numpy.random.default_rng(2), 1e-6
    q, k, v = rng.normal(size=(3, 1, S, D))
    weights = attention.attention_weights(numpy.concatenate([small * q, k, v], -1), 1, False)
    computed = (weights[0, 0] @ v[0] - v[0].mean(axis=0)) / small
    centred = k[0] - k[0].mean(axis=0)
    return Claim(computed, q[0] @ centred.T @ v[0] / S / D**0.5, tolerance=1e-5)


# ---- What one step can reach ----


def all_contexts():
    """Every context of two examples with two inputs of -1 or 1, and every query: a Task.

    The weights are each unit vector and its negative. Averages over this Task are expectations
    over inputs with E x^2 = E x^4 = 1 and weights with E w w' = I / 2.
    """
    signs = numpy.reshape(list(itertools.product((-1.0, 1.0), repeat=6)), (-1, 3, 2))
    weights = numpy.concatenate([numpy.eye(2), -numpy.eye(2)])[:, :, None]  # (4, D, 1)
    x, w = numpy.repeat(signs, 4, axis=0), numpy.tile(weights, (len(signs), 1, 1))
    data = Data(x, x @ w)
    return Task(*(Data(*(part[:, rows] for part in data)) for rows in (slice(2), slice(2, 3))))


SIGNS = dict(examples=2, inputs=2, second=1.0, fourth=1.0)  # the moments of `all_contexts`


@theorem(lesson="in_context", source=OSWALD)
def the_risk_is_that_of_a_step():
    """On every context of signs the mean squared error of one step is the risk's parabola."""
    task, sizes = all_contexts(), [0.0, 0.3, 1.0]
    steps = [exact.learner(size * numpy.eye(2)) for size in sizes]
    computed = [evaluate(step, {}, task).mean() for step in steps]
    expected = [exact.risk(size, **SIGNS) / 2 for size in sizes]  # as E w w' is I / 2
    return Claim(numpy.array(computed), expected, tolerance=1e-13)


@theorem(lesson="in_context", source=OSWALD)
def the_plateau_of_the_authors():
    """For ten inputs and ten examples, with noise, the mean error of the best step on drawn tasks
    is the plateau, for the inputs of the authors' code and for those of their text.
    """
    rng, errors, plateaus = numpy.random.default_rng(3), [], []
    for half_width in (0.5, 1.0):
        moments = exact.uniform_moments(half_width)
        size = exact.best_step_size(10, 10, *moments, noise_variance=0.1)
        task = uniform(rng, 20000, 10, 1, 10, half_width, noise_variance=0.1)
        errors.append(evaluate(exact.learner(size * numpy.eye(10)), {}, task))
        plateaus.append(exact.plateau(10, 10, *moments, noise_variance=0.1))
    return has_mean(numpy.stack(errors, axis=1), plateaus)


@theorem(lesson="in_context", source=OSWALD)
def no_matrix_is_better_than_a_step():
    """Of all answers x G z, the least squares on kron(x, z) chooses G = step size times I."""
    expected = exact.best_step_size(**SIGNS) * numpy.eye(2)
    return Claim(exact.least_squares(all_contexts()), expected, tolerance=1e-12)


@theorem(lesson="in_context", source=OSWALD)
def training_finds_the_step():
    """A layer trained by Adam on every context ends at the least risk of one gradient step."""
    task, learner, outer = all_contexts(), linear_attention.learner(2), adam(0.03)
    meta = learner.init(numpy.random.default_rng(0))
    state, follow = outer.init(meta), value_and_grad(lambda meta: meta_loss(learner, meta, task))
    for _ in range(300):
        value, gradient = follow(meta)
        meta, state = outer.update(gradient, state, meta)
    return Claim(value, exact.plateau(**SIGNS) / 2, tolerance=1e-9)


# ---- What a transformer sees ----


def small_transformer(blocks=2, **options):
    """A transformer of D inputs and C outputs, its weights, and sequences of S examples."""
    learner = transformer.learner(D, C, width=8, heads=2, blocks=blocks, **options)
    return learner, learner.init(numpy.random.default_rng(0)), problem().support


def answer_seen(learner, meta, data):
    """Whether the answer at t has a gradient in x_s and in y_s: (T, 2, T) of 0 and 1."""
    answer = lambda data, t: along(learner, meta, data)[0, t].sum()
    gradients = [grad(answer)(data, t) for t in range(S)]
    return numpy.array([[abs(part[0]).sum(axis=-1) > 0 for part in pair] for pair in gradients])


@theorem(lesson="in_context", source="Causality")
def no_answer_sees_its_own_label():
    """The answer to x_t depends on x_1 .. x_t and on y_1 .. y_t-1, and to 0 exactly on nothing
    else, whether labels stand beside their inputs, in pairs or in a chain, or come late.
    """
    ways = tokens.pairs, tokens.chain, tokens.late_labels
    seen = [answer_seen(*small_transformer(tokens=way)) for way in ways]
    expected = numpy.stack([numpy.tri(S), numpy.tri(S, k=-1)], axis=1)
    return Claim(numpy.stack(seen), numpy.stack([expected] * 3), tolerance=0.0)


@theorem(lesson="in_context", source=GARG)
def shots_are_positions():
    """The answer to a query after t examples is the answer at position t + 1 of the sequence."""
    learner, meta, (x, y) = small_transformer()
    contexts = [Data(x[:, :t], y[:, :t]) for t in range(S)]
    each = [learner.predict(meta, context, x[:, t : t + 1]) for t, context in enumerate(contexts)]
    computed = numpy.concatenate(each, axis=1)
    return Claim(computed, learner.along(meta, Data(x, y)), tolerance=1e-13)


@theorem(lesson="in_context", source=DEFINITION)
def the_order_of_a_context_does_not_matter():
    """Linear attention of three layers, and one block of a transformer without positions, give the
    same answer to a query whatever the order of the examples.
    """
    task, order = problem(), numpy.random.default_rng(4).permutation(S)
    turned = task._replace(support=Data(*(part[:, order] for part in task.support)))
    deep = linear_attention.learner(D, C, layers=3, scale=0.1)
    shallow, meta, _ = small_transformer(blocks=1)
    pairs = [(deep, deep.init(numpy.random.default_rng(1))), (shallow, meta)]
    there, back = ([answers_of(*pair, t) for pair in pairs] for t in (task, turned))
    return Claim(numpy.stack(there), numpy.stack(back), tolerance=1e-12)


@theorem(lesson="in_context", source=DEFINITION)
def nobody_beats_bayes():
    """Neither the best gradient step nor an untrained transformer is better than Bayes."""
    task = linear(numpy.random.default_rng(5), 4000, S, 1, numpy.eye(2), noise_variance=0.25)
    size = exact.best_step_size(S, 2, 1.0, 3.0, noise_variance=0.25)  # normal inputs: E x^4 = 3
    fresh = transformer.learner(2, width=8, heads=2, blocks=1)
    learners = [(exact.learner(size * numpy.eye(2)), {})]
    learners.append((fresh, fresh.init(numpy.random.default_rng(0))))
    floor = evaluate(bayes.learner(0.0, numpy.eye(2), 0.25), {}, task)
    excess = [evaluate(*pair, task) - floor for pair in learners]
    return none_below_zero(numpy.stack(excess, axis=1))
