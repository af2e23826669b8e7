"""Theorems on rules that all synapses share: what they can be, what they cannot tell apart."""

import numpy

from minimeta.agents.acting import histories, play
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy, softmax
from minimeta.core.trees import flatten, like
from minimeta.learning_rules import blur, evolution, ratio, symla, vsml
from minimeta.meta import along, sequence_loss
from minimeta.tasks import Data, Task, bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, CALCULUS, has_mean

VSML = "Kirsch & Schmidhuber 2020, arXiv:2012.14905"
BLUR = "Sandler et al. 2021, arXiv:2104.04657"
SYMLA = "Kirsch et al. 2022, arXiv:2109.10781"
SALIMANS = "Salimans et al. 2017, arXiv:1703.03864"
RATE, D, C = 0.4, 4, 3
NETWORKS = [[4, 3], [4, 5, 3], [4, 6, 5, 3], [4, 5, 4, 5, 3]]


def sequences(seed=0, tasks=3, T=12, inputs=D, classes=C):
    """Random inputs (M, T, D) with random one-hot labels (M, T, C)."""
    rng = numpy.random.default_rng(seed)
    labels = rng.integers(classes, size=(tasks, T))
    return Data(rng.normal(size=(tasks, T, inputs)), numpy.eye(classes)[labels])


def online_descent(data, step_size):
    """Logits before each step of gradient descent on softmax(x W), one example a step, from 0."""
    W = numpy.zeros((len(data.x), data.x.shape[-1], data.y.shape[-1]))
    logits = []
    for x, y in zip(numpy.swapaxes(data.x, 0, 1), numpy.swapaxes(data.y, 0, 1)):
        z = numpy.einsum("md,mdc->mc", x, W)
        logits.append(z)
        p = numpy.exp(z) / numpy.exp(z).sum(axis=-1, keepdims=True)
        W = W - step_size * numpy.einsum("md,mc->mdc", x, p - y)
    return numpy.stack(logits, axis=1)


def random_rule(seed=1, hidden=5):
    """A VSML learner of three classes and the parameters of a rule that nobody has trained."""
    learner = vsml.learner(C, hidden)
    return learner, learner.init(numpy.random.default_rng(seed))


def random_genome(seed=2, states=2):
    """A genome around backpropagation, none of whose entries is 0 or 1."""
    genome = blur.backpropagation(states, RATE)
    noise = numpy.random.default_rng(seed).normal(scale=0.3, size=len(flatten(genome)))
    return like(genome, flatten(genome) + noise)


def train_by(genome, weights, data, steps=3):
    """The weights after some steps of a genome on the same batch."""
    for _ in range(steps):
        weights = blur.step(genome, weights, data.x, data.y)
    return weights


# ---- VSML ----


@theorem(lesson="learning_rules", source=VSML)
def the_delta_rule_in_every_synapse_is_gradient_descent():
    """Synapses that follow the delta rule are gradient descent on the cross-entropy, online."""
    data = sequences()
    learner = vsml.learner(C, synapse=vsml.delta_rule(RATE))
    return Claim(along(learner, {}, data), online_descent(data, RATE / D), tolerance=1e-13)


@theorem(lesson="learning_rules", source=CALCULUS)
def an_lstm_in_every_synapse_can_be_gradient_descent():
    """The LSTM set by hand misses gradient descent by an error that falls with epsilon squared."""
    data = sequences()
    exact = online_descent(data, RATE / D)
    answers = [along(vsml.learner(C, 4), vsml.descent(RATE, e), data) for e in (1e-2, 1e-3)]
    large, small = (numpy.abs(answer - exact).max() for answer in answers)
    return Claim([large / small, small], [100.0, 0.0], tolerance=[1.0, 1e-5])


@theorem(lesson="learning_rules", source=VSML)
def the_order_of_inputs_does_not_matter_to_vsml():
    """Permuting the inputs of every example leaves all answers of VSML as they were."""
    learner, meta = random_rule()
    data = sequences()
    permuted = data._replace(x=data.x[..., [2, 0, 3, 1]])
    return Claim(along(learner, meta, permuted), along(learner, meta, data), tolerance=1e-14)


@theorem(lesson="learning_rules", source=VSML)
def the_order_of_classes_does_not_matter_to_vsml():
    """Permuting the classes permutes the answers of VSML."""
    learner, meta = random_rule()
    data, order = sequences(), [2, 0, 1]
    permuted = along(learner, meta, data._replace(y=data.y[..., order]))
    return Claim(permuted, along(learner, meta, data)[..., order], tolerance=1e-14)


@theorem(lesson="learning_rules", source=VSML)
def an_input_that_is_always_zero_teaches_the_delta_rule_nothing():
    """Zero inputs change no answer of the delta rule, if its rate grows with their number."""
    data = sequences()
    wider = data._replace(x=numpy.concatenate([data.x, 0.0 * data.x], axis=-1))
    answers = [
        along(vsml.learner(C, synapse=vsml.delta_rule(rate)), {}, some)
        for rate, some in ((RATE, data), (2.0 * RATE, wider))
    ]
    return Claim(*answers, tolerance=1e-14)


@theorem(lesson="learning_rules", source=VSML)
def one_rule_fits_all_sizes():
    """VSML has 4 H (H + 3) + H meta-variables and 2 H D C learned ones; H = 12 are 732 and 576."""
    numbers = []
    for inputs, classes in ((8, 3), (64, 10)):
        learner = vsml.learner(classes)
        meta = learner.init(numpy.random.default_rng(0))
        numbers += ratio.count(learner, meta, sequences(0, 2, 3, inputs, classes))
    return Claim(numbers, [732, 2 * 12 * 8 * 3, 732, 2 * 12 * 64 * 10], tolerance=0)


# ---- BLUR ----


def plain_descent(weights, data, step_size, steps=3):
    """Weights (M, n, m) of a tanh network after gradient descent with autograd's gradient."""

    def loss(weights):
        h = data.x
        for w in weights[:-1]:
            h = np.tanh(np.matmul(h, w))
        return np.sum(cross_entropy(np.matmul(h, weights[-1]), data.y))

    for _ in range(steps):
        weights = [w - step_size * g for w, g in zip(weights, grad(loss)(weights))]
    return weights


@theorem(lesson="learning_rules", source=BLUR)
def backpropagation_is_a_genome():
    """With the genome of backpropagation BLUR is gradient descent, whatever the depth."""
    errors = []
    for sizes in NETWORKS:
        for states in (2, 3):
            w = blur.fresh(numpy.random.default_rng(0), sizes, states, tasks=2)
            moved = train_by(blur.backpropagation(states, RATE), w, sequences(1, 2))
            exact = plain_descent([a[:, 0] for a in w], sequences(1, 2), RATE)
            errors += [numpy.abs(a - b[:, None]).max() for a, b in zip(moved, exact)]
    return Claim(errors, numpy.zeros(len(errors)), tolerance=1e-13)


@theorem(lesson="learning_rules", source=BLUR)
def hidden_units_have_no_order():
    """Permuting the hidden units of the first weights permutes those of the trained ones."""
    genome, data = random_genome(), sequences(1, 2)
    first, second = blur.fresh(numpy.random.default_rng(0), [4, 5, 3], tasks=2)
    order = [3, 0, 4, 1, 2]
    permuted = train_by(genome, [first[..., order], second[..., order, :]], data)
    a, b = train_by(genome, [first, second], data)
    joined = lambda pair: numpy.concatenate([part.ravel() for part in pair])
    exact = joined([a[..., order], b[..., order, :]])
    return Claim(joined(permuted), exact, tolerance=1e-13)


@theorem(lesson="learning_rules", source=BLUR)
def inputs_have_no_order():
    """Permuting the inputs, and the rows of the first weights with them, leaves all answers."""
    genome, data, order = random_genome(), sequences(1, 2), [2, 0, 3, 1]
    first, second = blur.fresh(numpy.random.default_rng(0), [4, 5, 3], tasks=2)
    permuted = data._replace(x=data.x[..., order])
    answers = [
        blur.predict(genome, train_by(genome, [w, second], some), some.x)
        for w, some in ((first[..., order, :], permuted), (first, data))
    ]
    return Claim(*answers, tolerance=1e-13)


def asymmetry(genome):
    """|J - J'| / |J| of one update as a field over the weights, their copies kept equal."""
    w, data = blur.fresh(numpy.random.default_rng(3), [4, 3, 3], tasks=1), sequences(1, 1)
    tie = lambda matrices: [np.concatenate([m, m], axis=1) for m in matrices]
    single = [a[:, :1] for a in w]

    def field(vector):
        after = blur.step(genome, tie(like(single, vector)), data.x, data.y)
        return flatten([a[:, :1] for a in after]) - vector

    point, basis = flatten(single), numpy.eye(len(flatten(single)))
    J = numpy.stack([grad(lambda v, row=row: np.sum(field(v) * row))(point) for row in basis])
    return numpy.linalg.norm(J - J.T) / numpy.linalg.norm(J)


@theorem(lesson="learning_rules", source=BLUR)
def backpropagation_has_a_symmetric_jacobian():
    """The update of the backpropagation genome is a gradient: its Jacobian is symmetric."""
    return Claim(asymmetry(blur.backpropagation(2, RATE)), 0.0, tolerance=1e-13)


@theorem(lesson="learning_rules", source=BLUR)
def most_genomes_are_no_gradient():
    """Ten genomes near backpropagation are no gradients: their Jacobians are not symmetric."""
    values = [asymmetry(random_genome(seed)) for seed in range(10)]
    return Claim(numpy.array(values) > 0.01, numpy.ones(10), tolerance=0)


@theorem(lesson="learning_rules", source=BLUR)
def a_genome_is_a_few_numbers():
    """A genome of k states has 4 k^2 + k numbers, and sets k numbers for each weight."""
    numbers = []
    for states in (2, 3):
        w = blur.fresh(numpy.random.default_rng(0), [8, 32, 32, 3], states)
        learner = blur.learner([8, 32, 32, 3], w, batch=4, states=states)
        genome = learner.init(numpy.random.default_rng(0))
        numbers += ratio.count(learner, genome, sequences(0, 2, 4, 8, 3))
    weights = 8 * 32 + 32 * 32 + 32 * 3
    return Claim(numbers, [18, 2 * weights, 39, 3 * weights], tolerance=0)


# ---- Evolution strategies ----


@theorem(lesson="learning_rules", source=SALIMANS)
def pairs_of_trials_find_the_gradient_of_a_quadratic():
    """With noise along the axes, evolution strategies find the gradient of a quadratic exactly."""
    rng = numpy.random.default_rng(0)
    A, theta = rng.normal(size=(5, 5)), rng.normal(size=5)
    losses = lambda metas, data: np.sum(np.matmul(metas["w"], data) ** 2, axis=-1)
    noise = 5.0**0.5 * numpy.eye(5)
    _, gradient = evolution.follow(losses, scale=0.7)({"w": theta}, (noise, A))
    return Claim(gradient["w"], 2.0 * A @ (A.T @ theta), tolerance=1e-12)


@theorem(lesson="learning_rules", source=SALIMANS)
def evolution_strategies_follow_the_smoothed_loss():
    """For cos(w) the mean estimate is -sin(w) exp(-s^2 / 2), the smoothed loss's gradient."""
    noise = evolution.draw(numpy.random.default_rng(0), 20_000, 1).reshape(200, 100, 1)
    follow = evolution.follow(lambda metas, data: np.cos(metas["w"][:, 0]), scale=0.8)
    w = {"w": numpy.array([0.9])}
    each = numpy.array([follow(w, (pairs, None))[1]["w"][0] for pairs in noise])
    return has_mean(each, -numpy.sin(0.9) * numpy.exp(-0.32))


# ---- SymLA ----


def arms_played(order):
    """A SymLA learner's logits (M, T, A) along histories whose three arms are permuted."""
    learner = symla.learner(3, hidden=4)
    meta = learner.init(numpy.random.default_rng(1))
    meta = like(meta, numpy.random.default_rng(2).normal(size=len(flatten(meta))))
    problem, noise = bandits.draw(numpy.random.default_rng(3), 4, 2, 6, arms=3)
    data = histories(play(learner, meta, BERNOULLI, problem, noise))
    y = numpy.concatenate([data.y[..., order], data.y[..., 3:]], axis=-1)
    return along(learner, meta, data._replace(y=y))


@theorem(lesson="learning_rules", source=SYMLA)
def the_order_of_arms_does_not_matter_to_symla():
    """Permuting the arms of a history permutes the logits of SymLA."""
    order = [2, 0, 1]
    return Claim(arms_played(order), arms_played([0, 1, 2])[..., order], tolerance=1e-14)


@theorem(lesson="learning_rules", source=SYMLA)
def symla_begins_without_a_preference():
    """Before the first pull SymLA pulls every one of A arms with the chance 1 / A."""
    first = softmax(arms_played([0, 1, 2]))[:, 0]
    return Claim(first, numpy.full_like(first, 1.0 / 3.0), tolerance=1e-15)


@theorem(lesson="learning_rules", source=SYMLA)
def symla_fits_any_number_of_arms():
    """SymLA has 4 H (2 H + 3) + H meta-variables and 2 H A learned ones; H = 16 are 2,256."""
    numbers = []
    for arms in (2, 6):
        learner = symla.learner(arms)
        meta = learner.init(numpy.random.default_rng(0))
        labels = numpy.zeros((1, 2, arms + 2))
        numbers += ratio.count(learner, meta, Data(numpy.ones((1, 2, 1)), labels))
    return Claim(numbers, [2256, 64, 2256, 192], tolerance=0)


@theorem(lesson="learning_rules", source=ALGEBRA)
def a_rule_can_be_trained_by_its_gradient():
    """The gradient of the sequence loss in VSML's rule is that of differences, in one direction."""
    learner, meta = random_rule(hidden=2)
    data = sequences(4, 2, 4)
    task = Task(Data(data.x[:, :0], data.y[:, :0]), data)
    f = lambda vector: sequence_loss(learner, like(meta, vector), task)
    at, step = flatten(meta), 1e-5 * numpy.ones(len(flatten(meta)))
    slope = (f(at + step) - f(at - step)) / 2.0
    return Claim(np.sum(grad(f)(at) * step), slope, tolerance=1e-12)
