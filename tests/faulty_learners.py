"""Learners with one planted fault each, and honest learners that look unusual.

`FAULTY` has rows (learner, words that name its fault, options of `conform`); `HONEST` has rows
(learner, options). They are of linear maps from two inputs unless a row names another family.
"""

from functools import partial
from typing import NamedTuple

import numpy
from autograd.tracer import isbox

from minimeta.conformance import batches, calls, gradients, labels
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.exact.families import gaussian_maps, named
from minimeta.foreign import from_numpy
from minimeta.initializations import fomaml, maml
from minimeta.memories import recurrent
from minimeta.meta import Learner, fold, meta_loss
from minimeta.nets import mlp
from minimeta.tasks import Data, Family

FAMILY = gaussian_maps(0.0, numpy.eye(2), 0.25)
CLASSES = named("classes")
NET = mlp([2, 8, 1], activation=np.tanh, gain=1.0)
INNER = dict(step_size=0.1, steps=2)
GOOD, SEQUENTIAL = maml.learner(NET, **INNER), recurrent.learner(2, hidden=4)


class Row(NamedTuple):
    """A learner, the name of its fault (if it has one), its family and what conform is told."""

    learner: Learner
    fault: str = ""
    options: dict = {}
    family: Family = FAMILY


def ridge(x, y, penalty=0.25):
    """w (..., D, C), the weights of ridge regression."""
    across = np.swapaxes(x, -1, -2)
    return np.linalg.solve(across @ x + penalty * np.eye(x.shape[-1]), across @ y)


def adapt_ridge(meta, support):
    return ridge(*support)


def predict_linear(meta, w, x):
    return x @ w


RIDGE = Learner(lambda rng: {}, adapt_ridge, predict_linear)


def class_means(meta, support):
    one_hot = np.swapaxes(support.y, 1, 2)  # (M, C, S)
    return one_hot @ support.x / np.sum(one_hot, axis=-1, keepdims=True)


def minus_distances(meta, means, x):
    return -np.sum((np.expand_dims(x, 2) - np.expand_dims(means, 1)) ** 2, axis=-1)


MEANS = Learner(lambda rng: {}, class_means, minus_distances, cross_entropy)


# ---- Leaks between tasks ----


def adapt_to_mean_support(meta, support):
    return GOOD.adapt(meta, tree_map(lambda a: 0.0 * a + np.mean(a, axis=0), support))


def adapt_normalised(meta, support):
    """Inputs are normalised by the statistics of the whole batch of tasks."""
    x = (support.x - np.mean(support.x, axis=(0, 1))) / np.std(support.x, axis=(0, 1))
    return GOOD.adapt(meta, Data(x, support.y))


def predict_centred(meta, w, x):
    """Queries are centred by the mean over the whole batch of tasks."""
    return (x - np.mean(x, axis=(0, 1))) @ w


def adapt_one_start(meta, support):
    """One network for all tasks: its gradient is that of all supports together."""
    joint = Data(*(np.reshape(part, (1, -1, part.shape[-1])) for part in support))
    phi = GOOD.adapt(meta, joint)
    return tree_map(lambda leaf: np.concatenate([leaf] * len(support.x)), phi)


def adapt_in_turn(meta, support):
    """A loop over tasks that forgets to start afresh: task m starts from where m - 1 ended."""
    phi, ends = meta, []
    for m in range(len(support.x)):
        end = GOOD.adapt(phi, Data(support.x[m : m + 1], support.y[m : m + 1]))
        ends.append(end)
        phi = tree_map(lambda leaf: leaf[0], end)
    return tree_map(lambda *parts: np.concatenate(parts), *ends)


def adapt_to_first(meta, support):
    return GOOD.adapt(meta, tree_map(lambda a: np.broadcast_to(a[:1], a.shape), support))


def adapt_to_next(meta, support):
    return GOOD.adapt(meta, tree_map(lambda a: np.roll(a, 1, axis=0), support))


# ---- Means for sums, and places ----


def adapt_by_mean(meta, support):
    """Inner steps on the mean over tasks of the losses: M times too short."""
    phi = copies(meta, len(support.x))
    loss = lambda phi: np.mean(mse(NET.apply(phi, support.x), support.y))
    for _ in range(2):
        phi = tree_map(lambda p, g: p - 0.1 * g, phi, grad(loss)(phi))
    return phi


def adapt_over_examples(meta, support, factor):
    """One inner step on `factor` times the mean over examples."""
    phi = copies(meta, len(support.x))
    loss = lambda phi: factor * np.sum(mse(NET.apply(phi, support.x), support.y))
    return tree_map(lambda p, g: p - 0.01 * g, phi, grad(loss)(phi))


def predict_times_tasks(meta, state, x):
    return GOOD.predict(meta, state, x) * len(x)


def predict_with_place(meta, state, x):
    return GOOD.predict(meta, state, x) + 0.1 * np.reshape(np.arange(float(len(x))), (-1, 1, 1))


def mean_loss_for_all(prediction, target):
    return 0.0 * mse(prediction, target) + np.mean(mse(prediction, target))


def scalar_loss(prediction, target):
    return np.mean(mse(prediction, target))


# ---- Leaks between queries, and answers of the wrong shape ----


def predict_normalised(meta, w, x):
    """Batch normalisation over the queries of a task."""
    return ((x - np.mean(x, axis=1, keepdims=True)) / np.std(x, axis=1, keepdims=True)) @ w


def predict_and_look_back(meta, w, x):
    """A query's answer takes in the answers to those before it."""
    return np.cumsum(x @ w, axis=1)


def predict_on_support(meta, state, x):
    w, support_x = state
    return support_x @ w


# ---- In-place changes ----


def adapt_writing_meta(meta, support):
    first = leaves(meta)[0]
    if isinstance(first, numpy.ndarray):  # a traced array refuses by itself
        first[:] += 1e-6
    return GOOD.adapt(meta, support)


def adapt_centring(meta, support):
    support.x[:] -= support.x.mean(axis=1, keepdims=True)
    return adapt_ridge(meta, support)


def predict_scaling(meta, w, x):
    x[:] *= 0.5
    return x @ w


def predict_learning(meta, w, x):
    """The state learns from each query that it is asked."""
    answers = x @ w
    w *= 0.9
    return answers


# ---- Hidden state and chance ----


def drifting():
    calls = []

    def predict(meta, state, x):
        calls.append(1)
        return GOOD.predict(meta, state, x) + 1e-3 * len(calls)

    return predict


def running_mean():
    """Inputs are centred by a running mean over all calls, as batch normalisation keeps one."""
    kept = {"mean": 0.0}

    def adapt(meta, support):
        kept["mean"] = 0.9 * kept["mean"] + 0.1 * float(np.mean(support.y))
        return ridge(support.x, support.y - kept["mean"])

    return adapt


def remembering_supports():
    """It adapts to the supports of this call and of the one before, if that was of other tasks."""
    kept = []

    def adapt(meta, support):
        if not kept or not numpy.array_equal(kept[-1].x, support.x):
            kept.append(tree_map(numpy.array, support))
        same = [s for s in kept[-2:] if s.x.shape == support.x.shape]
        return ridge(*(np.concatenate(parts, axis=1) for parts in zip(*same)))

    return adapt


def caching_by_shape():
    """The state is computed once for each shape of the support."""
    cache = {}

    def adapt(meta, support):
        if support.x.shape not in cache:
            cache[support.x.shape] = adapt_ridge(meta, support)
        return cache[support.x.shape]

    return adapt


def adapt_with_noise(meta, support):
    noise = numpy.random.default_rng().normal(size=support.y.shape)
    return ridge(support.x, support.y + 0.1 * noise)


def adapt_with_global_noise(meta, support):
    noise = numpy.random.normal(size=support.y.shape)  # noqa: NPY002  (which is the fault)
    return ridge(support.x, support.y + 0.1 * noise)


def dropping_out():
    """Dropout from a generator that goes on from call to call."""
    rng = numpy.random.default_rng(0)

    def predict(meta, w, x):
        return x * rng.integers(2, size=x.shape) @ w

    return predict


def answering_rarely():
    rng = numpy.random.default_rng(0)
    return lambda meta, w, x: (x @ w) * (rng.uniform() > 0.3)


def init_by_itself(rng):
    return NET.init(numpy.random.default_rng())


# ---- Gradients ----


def adapt_first_order(meta, support):
    phi = copies(meta, len(support.x))
    loss = lambda phi: np.sum(mse(NET.apply(phi, support.x), support.y))
    for _ in range(2):
        phi = tree_map(lambda p, g: p - 0.1 * g, phi, constant(grad(loss)(phi)))
    return phi


def adapt_cut(meta, support):
    return constant(GOOD.adapt(meta, support))


def summed_gradient(meta, task):
    value, gradient = value_and_grad(lambda meta: meta_loss(GOOD, meta, task))(meta)
    return value, tree_map(lambda g: len(task.query.x) * g, gradient)


def ascending_gradient(meta, task):
    value, gradient = value_and_grad(lambda meta: meta_loss(GOOD, meta, task))(meta)
    return value, tree_map(lambda g: -g, gradient)


def support_gradient(meta, task):
    """The gradient of the loss on the support, which is what was adapted to."""
    own = task._replace(query=task.support)
    return value_and_grad(lambda meta: meta_loss(GOOD, meta, own))(meta)


def start_and_sizes(rng):
    """The meta-parameters of Meta-SGD: a start, and a step size for each number of it."""
    theta = NET.init(rng)
    return {"theta": theta, "alpha": tree_map(lambda leaf: 0.0 * leaf + 0.1, theta)}


def adapt_meta_sgd(meta, support, theta=lambda g: g, alpha=lambda a: a):
    """Meta-SGD in two steps; `theta` and `alpha` may cut the gradient of a part."""
    phi = copies(meta["theta"], len(support.x))
    loss = lambda phi: np.sum(mse(NET.apply(phi, support.x), support.y))
    for _ in range(2):
        step = lambda p, a, g: p - alpha(a) * theta(g)
        phi = tree_map(step, phi, meta["alpha"], grad(loss)(phi))
    return phi


META_SGD = Learner(start_and_sizes, adapt_meta_sgd, lambda meta, phi, x: NET.apply(phi, x))


def keeping_its_own_meta():
    """What is learned across tasks is where the learner keeps it, not what it is given."""
    kept = []

    def init(rng):
        kept.append(NET.init(rng))
        return kept[-1]

    return GOOD._replace(init=init, adapt=lambda meta, support: GOOD.adapt(kept[0], support))


# ---- Digits ----


def adapt_in_single(meta, support):
    x, y = (part.astype("float32") for part in support)
    return ridge(x, y, numpy.float32(0.25))


def predict_in_half(meta, w, x):
    return (x @ w).astype("float16").astype(float)


def loss_in_single(prediction, target):
    return mse(prediction.astype("float32"), target.astype("float32"))


def predict_rounded(meta, w, x):
    return np.round(x @ w, 6)


# ---- Labels ----


def along_early(meta, data):
    return recurrent.predict_along(meta, data) + 0.1 * data.y


def along_looking_ahead(meta, data):
    return recurrent.predict_along(meta, data) + 0.1 * np.mean(data.x, axis=(1, 2), keepdims=True)


def adapt_forgetting(meta, support):
    return SEQUENTIAL.start(meta, support.x)


def along_one_late(meta, data):
    """The answer to x_t from the examples up to t itself."""
    answers = recurrent.predict_along(meta, data)
    return np.concatenate([answers[:, 1:], answers[:, -1:]], axis=1)


def along_mixing_tasks(meta, data):
    return recurrent.predict_along(meta, data) + 0.1 * np.mean(data.x[:, :1])


def along_knowing_one(meta, data):
    """It knows the label of a single position."""
    known = np.reshape(np.arange(data.y.shape[1]) == 3, (1, -1, 1))
    return recurrent.predict_along(meta, data) + known * data.y


def going_on():
    """A recurrent learner that starts a sequence where the last one has ended."""
    kept = {}

    def start(meta, x):
        return kept.get(len(x)) or SEQUENTIAL.start(meta, x)

    def observe(meta, state, x, y):
        state = SEQUENTIAL.observe(meta, state, x, y)
        if not any(isbox(leaf) for leaf in leaves(state)):
            kept[len(x)] = state
        return state

    return SEQUENTIAL._replace(adapt=fold(start, observe), start=start, observe=observe, along=None)


def observe_writing(meta, state, x, y):
    for leaf in leaves(state):
        if isinstance(leaf, numpy.ndarray) and leaf.flags.writeable:
            leaf[...] += 0.01
    return SEQUENTIAL.observe(meta, state, x, y)


def peeking(kept, bayes=FAMILY.bayes):
    """A learner that finds the labels of queries in what its family has drawn: kept(task)."""
    drawn = []

    def sample(rng, *counts):
        task = FAMILY.sample(rng, *counts)
        drawn.append(kept(task))
        return task

    def predict(meta, w, x):
        for task in drawn[::-1]:
            if task.query.x.shape == x.shape and numpy.array_equal(task.query.x, x):
                return 1.0 * task.query.y
        return x @ w

    return Row(RIDGE._replace(predict=predict), labels.QUERY_LABELS, family=Family(sample, bayes))


def learning_from_the_loss():
    """The loss keeps the labels that it has seen, and the answer to the same queries gives them."""
    kept = []

    def predict(meta, w, x):
        return kept[-1] if kept and kept[-1].shape[:2] == x.shape[:2] else x @ w

    def loss(prediction, target):
        kept.append(numpy.array(target))
        return mse(prediction, target)

    return RIDGE._replace(predict=predict, loss=loss)


def adapt_through_base(meta, support):
    """Support and query are views of one array, whose remainder are the labels of the queries."""
    base, S = support.y.base, support.y.shape[1]
    if base is not None and base.shape[1] > S:
        return ("labels", 1.0 * base[:, S:])
    return ("weights", adapt_ridge(meta, support))


def predict_through_base(meta, state, x):
    kind, value = state
    return value if kind == "labels" and value.shape[1] == x.shape[1] else 0.0 * x[..., :1]


def ignoring_order(meta, support):
    """Later examples count more."""
    weight = np.reshape(np.arange(1.0, 1.0 + support.x.shape[1]), (1, -1, 1))
    return ridge(weight * support.x, weight * support.y)


def predict_diverging(meta, w, x):
    return x @ w + np.nan


FAULTY = {
    "adapts to the mean of all supports": Row(
        GOOD._replace(adapt=adapt_to_mean_support), batches.LEAK
    ),
    "normalises over the batch of tasks": Row(GOOD._replace(adapt=adapt_normalised), batches.LEAK),
    "centres queries over the batch": Row(RIDGE._replace(predict=predict_centred), batches.LEAK),
    "one network for all tasks": Row(GOOD._replace(adapt=adapt_one_start), batches.LEAK),
    "starts where the last task ended": Row(  # the question of the floor has 2000 tasks in turn
        GOOD._replace(adapt=adapt_in_turn), batches.LEAK, family=FAMILY._replace(bayes=None)
    ),
    "the first task's support for all": Row(GOOD._replace(adapt=adapt_to_first), batches.ANOTHER),
    "the next task's support": Row(GOOD._replace(adapt=adapt_to_next), batches.ANOTHER),
    "mean over tasks in the inner loss": Row(GOOD._replace(adapt=adapt_by_mean), batches.MEAN),
    "answers times the number of tasks": Row(
        GOOD._replace(predict=predict_times_tasks), batches.SUM
    ),
    "the place of a task in the batch": Row(
        GOOD._replace(predict=predict_with_place), batches.PLACE
    ),
    "sum over examples in the inner loss": Row(
        GOOD._replace(adapt=partial(adapt_over_examples, factor=4.0)),
        "a sum over the examples where a mean belongs",
        dict(reference=GOOD._replace(adapt=partial(adapt_over_examples, factor=1.0))),
    ),
    "half of the squared error": Row(
        GOOD._replace(adapt=partial(adapt_over_examples, factor=0.5)),
        "a factor 1/2 in the loss",
        dict(reference=GOOD._replace(adapt=partial(adapt_over_examples, factor=1.0))),
    ),
    "loss over all tasks, for each": Row(GOOD._replace(loss=mean_loss_for_all), batches.LOSS),
    "loss over all tasks, one number": Row(
        GOOD._replace(loss=scalar_loss), "a loss that is not one number for each task"
    ),
    "normalises over the queries": Row(RIDGE._replace(predict=predict_normalised), batches.QUERIES),
    "adds earlier answers": Row(RIDGE._replace(predict=predict_and_look_back), batches.QUERIES),
    "answers the support": Row(
        RIDGE._replace(
            adapt=lambda meta, support: (ridge(*support), support.x), predict=predict_on_support
        ),
        "an answer for each support example",
    ),
    "writes into meta": Row(GOOD._replace(adapt=adapt_writing_meta), "meta changed in place"),
    "writes into the support": Row(
        RIDGE._replace(adapt=adapt_centring), "support changed in place"
    ),
    "writes into the queries": Row(
        RIDGE._replace(predict=predict_scaling), "query changed in place"
    ),
    "writes into the state": Row(
        RIDGE._replace(predict=predict_learning), "state changed in place"
    ),
    "counts its calls": Row(GOOD._replace(predict=drifting()), calls.HIDDEN),
    "keeps a running mean": Row(RIDGE._replace(adapt=running_mean()), calls.HIDDEN),
    "remembers earlier supports": Row(RIDGE._replace(adapt=remembering_supports()), calls.HIDDEN),
    "caches by shape": Row(RIDGE._replace(adapt=caching_by_shape()), "hidden state"),
    "noise of its own": Row(RIDGE._replace(adapt=adapt_with_noise), calls.RANDOM),
    "noise of the global generator": Row(
        RIDGE._replace(adapt=adapt_with_global_noise), calls.RANDOM
    ),
    "dropout that goes on": Row(RIDGE._replace(predict=dropping_out()), calls.RANDOM),
    "now and then no answer": Row(RIDGE._replace(predict=answering_rarely()), calls.RANDOM),
    "init that ignores its generator": Row(GOOD._replace(init=init_by_itself), calls.RANDOM),
    "first order declared second": Row(fomaml.learner(NET, **INNER), gradients.FIRST_ORDER),
    "inner gradients that are constants": Row(
        GOOD._replace(adapt=adapt_first_order), gradients.FIRST_ORDER
    ),
    "a state cut off from the gradient": Row(GOOD._replace(adapt=adapt_cut), gradients.CUT),
    "a gradient summed over tasks": Row(
        GOOD, "a sum over tasks where a mean belongs", dict(gradient=summed_gradient)
    ),
    "a gradient of the wrong sign": Row(GOOD, "its sign", dict(gradient=ascending_gradient)),
    "the gradient of the support's loss": Row(
        GOOD, "something else than the meta-loss", dict(gradient=support_gradient)
    ),
    "float32 inside": Row(RIDGE._replace(adapt=adapt_in_single), "float32 inside"),
    "rounded answers": Row(RIDGE._replace(predict=predict_rounded), "float32 inside"),
    "an adapt that is no fold": Row(
        SEQUENTIAL._replace(adapt=adapt_forgetting), "not the fold of observe"
    ),
    "a label seen early": Row(SEQUENTIAL._replace(along=along_early), labels.EARLY),
    "an input seen early": Row(
        SEQUENTIAL._replace(along=along_looking_ahead), "an input is seen early"
    ),
    "peeks at what the family has drawn": peeking(lambda task: task),
    "peeks at copies of it": peeking(lambda task: tree_map(numpy.array, task)),
    "peeks at copies where there is no floor": peeking(lambda t: tree_map(numpy.array, t), None),
    "first order in one branch of meta": Row(
        META_SGD._replace(adapt=partial(adapt_meta_sgd, theta=constant)), gradients.FIRST_ORDER
    ),
    "no gradient for the step sizes": Row(
        META_SGD._replace(adapt=partial(adapt_meta_sgd, alpha=constant)),
        "no gradient reaches meta['alpha']",
    ),
    "meta that it keeps for itself": Row(keeping_its_own_meta(), "are not used"),
    "float16 inside": Row(RIDGE._replace(predict=predict_in_half), calls.SINGLE),
    "a loss of float32": Row(RIDGE._replace(loss=loss_in_single), calls.SINGLE),
    "an along that is one late": Row(SEQUENTIAL._replace(along=along_one_late), labels.EARLY),
    "a label of one position seen early": Row(
        SEQUENTIAL._replace(along=along_knowing_one), labels.EARLY
    ),
    "a sequence that goes on from the last": Row(going_on(), calls.HIDDEN),
    "an along that mixes tasks": Row(SEQUENTIAL._replace(along=along_mixing_tasks), batches.LEAK),
    "an observe that writes into the state": Row(
        SEQUENTIAL._replace(observe=observe_writing), "first state changed in place"
    ),
    "a bias for one class": Row(
        MEANS._replace(predict=lambda meta, c, x: MEANS.predict(meta, c, x) + np.arange(3.0)),
        "the order of the classes matters",
        dict(order_of_classes=True),
        CLASSES,
    ),
    "keeps the labels that its loss sees": Row(learning_from_the_loss(), labels.QUERY_LABELS),
    "reads the base of a view": Row(
        RIDGE._replace(adapt=adapt_through_base, predict=predict_through_base),
        labels.QUERY_LABELS,
    ),
    "later examples count more": Row(
        RIDGE._replace(adapt=ignoring_order),
        "the order of the examples matters",
        dict(order_of_examples=True),
    ),
    "divides by zero": Row(RIDGE._replace(predict=predict_diverging), "not finite"),
}


# ---- Honest learners that look unusual ----


def nearest(meta, support, x, k=3):
    """The mean label of the k nearest examples: not differentiable."""
    far = np.sum((np.expand_dims(x, 2) - np.expand_dims(support.x, 1)) ** 2, axis=-1)  # (M, Q, S)
    chosen = np.argsort(far, axis=-1)[..., :k]
    labels = np.expand_dims(support.y, 1) + np.zeros((1, x.shape[1], 1, 1))
    return np.mean(np.take_along_axis(labels, chosen[..., None], axis=2), axis=2)


NEAREST = Learner(lambda rng: {}, lambda meta, support: support, nearest)


def random_features(x):
    """Waves of directions that are drawn afresh in every call, and always the same."""
    directions = numpy.random.default_rng(7).normal(size=(x.shape[-1], 30))
    return np.cos(x @ directions)


def sample_posterior(x, y):
    """The mean of samples of the posterior, drawn with a seed: near to Bayes, for one task."""
    precision = x.T @ x / 0.25 + numpy.eye(x.shape[1])
    mean = numpy.linalg.solve(precision, x.T @ y / 0.25)
    noise = numpy.random.default_rng(0).normal(size=(x.shape[1], 50))
    return mean + numpy.linalg.solve(numpy.linalg.cholesky(precision).T, noise).mean(1)[:, None]


class Stump:
    """One threshold in one input: a state that is an object of its own."""

    def __init__(self, x, y):
        splits = [(self.error(x, y, d, t), d, t) for d in range(x.shape[1]) for t in x[:, d]]
        _, self.d, self.t = min(splits)
        self.values = [y[part].mean(0) if part.any() else y.mean(0) for part in self.parts(x)]

    def parts(self, x):
        return x[:, self.d] <= self.t, x[:, self.d] > self.t

    def error(self, x, y, d, t):
        self.d, self.t = d, t
        return sum(((y[part] - y[part].mean(0)) ** 2).sum() for part in self.parts(x) if part.any())

    def predict(self, x):
        return numpy.where(self.parts(x)[0][:, None], *self.values)


def remembering_by_content():
    """A cache that keeps what it has computed for equal data, which changes no answer."""
    cache = {}

    def adapt(meta, support):
        key = support.x.tobytes() + support.y.tobytes()
        if key not in cache:
            cache[key] = adapt_ridge(meta, support)
        return cache[key]

    return adapt


def adapt_shared_penalty(meta, support):
    """meta is a list with one number, and adapt solves one task after another."""
    each = [ridge(x, y, np.exp(meta[0][0])) for x, y in zip(*support)]
    return np.stack(each)


def predict_transductive(meta, w, x):
    """Inputs are shrunk by how far the queries spread, by design."""
    return x / (1.0 + np.std(x, axis=1, keepdims=True)) @ w


def observe_mean(meta, state, x, y):
    total, count = state
    return total + y, count + 1.0


def start_mean(meta, x):
    return np.zeros((len(x), 1)), np.zeros((len(x), 1))


def predict_mean(meta, state, x):
    total, count = state
    return np.expand_dims(total / np.maximum(count, 1.0), 1) + 0.0 * x[..., :1]


def vote(x, y):
    """The k-nearest-neighbour rule of classes, as a function: logits are log-votes of one task."""

    def answer(queries):
        far = ((queries[:, None] - x) ** 2).sum(-1)
        votes = y[numpy.argsort(far, axis=1)[:, :3]].mean(1)
        return numpy.log(0.9 * votes + 0.1 / y.shape[1])

    return answer


HONEST = {
    "closed form": Row(RIDGE, options=dict(order_of_examples=True)),
    "nearest neighbours": Row(NEAREST, options=dict(order_of_examples=True)),
    "nearest neighbours, often equally near": Row(NEAREST, family=named("patterns")),
    "shares of right answers as the loss": Row(
        RIDGE._replace(loss=lambda p, y: np.mean(1.0 * (p * y < 0.0), axis=(-2, -1))),
        family=FAMILY._replace(bayes=None),
    ),
    "signs": Row(RIDGE._replace(predict=lambda meta, w, x: np.sign(x @ w))),
    "Meta-SGD": Row(META_SGD),
    "class means": Row(MEANS, options=dict(order_of_classes=True), family=CLASSES),
    "seeded random features": Row(
        Learner(
            lambda rng: {},
            lambda meta, support: ridge(random_features(support.x), support.y),
            lambda meta, w, x: random_features(x) @ w,
        )
    ),
    "samples with a seed": Row(from_numpy(sample_posterior, lambda w, x: x @ w)),
    "a state that is an object": Row(from_numpy(Stump, Stump.predict)),
    "one that learns nothing": Row(
        Learner(lambda rng: {}, lambda meta, support: (), lambda meta, state, x: 0.0 * x[..., :1])
    ),
    "a cache by content": Row(RIDGE._replace(adapt=remembering_by_content())),
    "a loop over tasks": Row(
        Learner(lambda rng: [np.zeros(1)], adapt_shared_penalty, predict_linear)
    ),
    "transductive by design": Row(
        RIDGE._replace(predict=predict_transductive), options=dict(transductive=True)
    ),
    "a running mean of labels": Row(
        Learner(
            lambda rng: {},
            fold(start_mean, observe_mean),
            predict_mean,
            start=start_mean,
            observe=observe_mean,
        ),
        options=dict(order_of_examples=True),
    ),
    "first order, and says so": Row(fomaml.learner(NET, **INNER), options=dict(first_order=True)),
    "MAML, its reference MAML": Row(GOOD, options=dict(reference=GOOD)),
    "votes of classes": Row(
        from_numpy(vote, lambda answer, x: answer(x), loss=cross_entropy),
        options=dict(order_of_classes=True),
        family=CLASSES,
    ),
}
