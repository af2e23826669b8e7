"""A thousand malformed calls: each is refused in one sentence that names what was wrong.

Every public function is called with one argument spoiled at a time, in every way its kind allows.
Damaged files are in test_checkpoint.py and test_datasets.py, malformed tasks in test_meta.py.
"""

from collections import Counter

import numpy
import pytest
from helpers import refused, rng
from malformed_calls import Call, calls, fresh, judge, malformed, spoiled

from minimeta.continual import strategies
from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.losses import accuracy, cross_entropy, mse
from minimeta.core.optim import adam, momentum, rmsprop, sgd
from minimeta.exact import (
    fisher_information,
    linear_gaussian,
    linear_networks,
    quadratics,
    sequential_bayes,
)
from minimeta.initializations import anil, fine_tuning, maml
from minimeta.learned_optimizers import schedule
from minimeta.learned_optimizers.training import trajectory
from minimeta.meta import evaluate, learning_curve, meta_loss
from minimeta.nets import conv, mlp
from minimeta.tasks import Data, Task, sequences
from minimeta.tasks import quadratics as bowls
from minimeta.tasks.fourier import fourier
from minimeta.tasks.optimizees import classifier
from minimeta.tasks.regression import draw_weights, from_weights, linear, random_covariance, sines
from minimeta.training import meta_train

D, N, M = 3, 4, 2
X, Y = numpy.full((M, N, D), 0.5), numpy.full((M, N, 1), 0.25)
COVARIANCE, MEAN = numpy.diag([1.0, 2.0, 3.0]), numpy.zeros((D, 1))
RNG = rng()
NOT_NUMBERS = [None, "0.5", [1.0], {}, object(), 1j, numpy.nan, numpy.inf, -numpy.inf]
NOT_ARRAYS = [None, "x", object(), {}, [[1.0]], 3]


def arrays(good):
    """A good float array spoiled: another type, another rank, another size, NaN and infinity."""
    nan, infinite = good.copy(), good.copy()
    nan.flat[0], infinite.flat[-1] = numpy.nan, -numpy.inf
    types = [good.astype(t) for t in (int, bool, complex, object, str)]
    ranks = [good[..., 0, 0] if good.ndim > 1 else good[0], numpy.array(0.5)]
    return [*NOT_ARRAYS, *types, *ranks, nan, infinite]


SPOILED = {
    "count": [None, "3", 1.5, -1, True, [1], numpy.nan, -100],
    "positive": [*NOT_NUMBERS, True, 0.0, -1.0],
    "at least 0": [*NOT_NUMBERS, True, -1.0],
    "pair": [None, "ab", 3, (1.0,), (1.0, 2.0, 3.0), (2.0, 1.0), (numpy.nan, 1.0), (0.0, "b")],
    "rng": [None, 0, "seed", numpy.random, numpy.random.RandomState(0)],
    "x": [*arrays(X), X[..., :2], X[..., :0]],
    "y": [*arrays(Y), Y[..., :0], Y[:, :2], Y[:1, :3]],
    "covariance": [
        *arrays(COVARIANCE),
        COVARIANCE[:, :2],
        COVARIANCE[:0, :0],
        -COVARIANCE,
        COVARIANCE + numpy.eye(D, k=1),
        MEAN,
    ],
    "mean": [None, "m", object(), {}, 1j, numpy.nan, numpy.inf, numpy.zeros((D + 1, 1))],
    "spectrum": [*arrays(numpy.ones(3)), -numpy.ones(3), numpy.ones((2, 2, 2))],
    "curvature": arrays(numpy.stack([COVARIANCE, COVARIANCE])),
    "sizes": [None, 3, "ab", [], [3], [3, 0], [3, -1], [3, 1.5], [3, None], [3, True], [3, "4"]],
}
GAUSSIAN = {"mean": MEAN, "covariance": COVARIANCE, "noise_variance": 0.5}
GAUSSIAN_KINDS = {"mean": "mean", "covariance": "covariance", "noise_variance": "positive"}
PROBLEM, PROBLEM_KINDS = {"x": X, "y": Y, **GAUSSIAN}, {"x": "x", "y": "y", **GAUSSIAN_KINDS}
FAMILY = {"rng": RNG, "tasks": 2, "shots": 2, "queries": 2}
FAMILY_KINDS = {"rng": "rng", "tasks": "count", "shots": "count", "queries": "count"}
TASK = Task(Data(X, Y), Data(X, Y))
BAYES = linear_gaussian.learner(**GAUSSIAN)

CALLS = [  # (function, good arguments, the kind of each argument to be spoiled)
    (linear_gaussian.posterior, PROBLEM, PROBLEM_KINDS),
    (linear_gaussian.sequential, PROBLEM, PROBLEM_KINDS),
    (linear_gaussian.evidence, PROBLEM, PROBLEM_KINDS),
    (linear_gaussian.predictive, {"x": X, **GAUSSIAN}, {"x": "x", **GAUSSIAN_KINDS}),
    (
        linear_gaussian.risk,
        {"x": X, "covariance": COVARIANCE, "noise_variance": 0.5, "query_covariance": COVARIANCE},
        {"x": "x", "covariance": "covariance", "noise_variance": "positive"},
    ),
    (linear_gaussian.learner, GAUSSIAN, GAUSSIAN_KINDS),
    (
        linear,
        {**FAMILY, "covariance": COVARIANCE, "mean": MEAN, "noise_variance": 0.1, "outputs": 1},
        {
            **FAMILY_KINDS,
            "covariance": "covariance",
            "mean": "mean",
            "noise_variance": "at least 0",
            "outputs": "count",
        },
    ),
    (
        draw_weights,
        {"rng": RNG, "tasks": 2, "covariance": COVARIANCE},
        {"rng": "rng", "tasks": "count", "covariance": "covariance"},
    ),
    (
        from_weights,
        {"rng": RNG, "weights": X, "shots": 2, "queries": 2, "noise_variance": 0.1},
        {"rng": "rng", "shots": "count", "queries": "count", "noise_variance": "at least 0"},
    ),
    (
        random_covariance,
        {"rng": RNG, "spectrum": numpy.ones(3)},
        {"rng": "rng", "spectrum": "spectrum"},
    ),
    (
        sines,
        {**FAMILY, "amplitude": (0.1, 5.0), "phase": (0.0, 1.0), "x_range": (-1.0, 1.0)},
        {**FAMILY_KINDS, "amplitude": "pair", "phase": "pair", "x_range": "pair"},
    ),
    (
        fourier,
        {**FAMILY, "amplitudes": numpy.ones(4), "noise_variance": 0.1},
        {**FAMILY_KINDS, "amplitudes": "spectrum", "noise_variance": "at least 0"},
    ),
    (
        bowls.quadratics,
        {"rng": RNG, "tasks": 2, "dimension": 3, "curvature": (0.5, 2.0)},
        {"rng": "rng", "tasks": "count", "dimension": "count", "curvature": "pair"},
    ),
    (
        quadratics.joint_optimum,
        {"A": numpy.stack([COVARIANCE, COVARIANCE]), "c": numpy.ones((2, D))},
        {"A": "curvature"},
    ),
    (
        linear_networks.deep_modes,
        {"strength": numpy.ones(2), "start": 0.1, "step_size": 0.1, "steps": 3, "layers": 2},
        {"steps": "count", "layers": "count"},
    ),
    (mlp, {"sizes": [3, 4, 1], "gain": 1.0}, {"sizes": "sizes", "gain": "positive"}),
    (
        conv,
        {"image_shape": (8, 8, 1), "filters": (4, 4), "outputs": 3},
        {"outputs": "count", "image_shape": "sizes"},
    ),
    (mse, {"prediction": Y, "target": Y}, {}),
    (sgd, {"step_size": 0.1}, {"step_size": "positive"}),
    (momentum, {"step_size": 0.1, "mass": 0.9}, {"step_size": "positive", "mass": "at least 0"}),
    (
        rmsprop,
        {"step_size": 0.1, "decay": 0.9, "epsilon": 1e-8},
        {"step_size": "positive", "decay": "at least 0", "epsilon": "positive"},
    ),
    (
        adam,
        {"step_size": 0.1, "decay_mean": 0.9, "decay_square": 0.9, "epsilon": 1e-8},
        {"step_size": "positive", "decay_mean": "at least 0", "decay_square": "at least 0"},
    ),
    (
        meta_train,
        {"learner": BAYES, "sample": lambda rng: TASK, "rng": RNG, "steps": 0, "save_every": 5},
        {"steps": "count", "save_every": "count"},
    ),
]
MALFORMED = [
    pytest.param(call, {**good, name: bad}, name, id=f"{call.__name__}-{name}-{i}")
    for call, good, kinds in CALLS
    for name, kind in kinds.items()
    for i, bad in enumerate(SPOILED[kind])
]


@pytest.mark.parametrize(
    "call, good, kinds", CALLS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_good_call_is_good(call, good, kinds):
    if call is not meta_train:  # a Bayes-optimal learner has nothing to train
        call(**good)


@pytest.mark.parametrize("call, arguments, name", MALFORMED)
def test_a_malformed_call_gets_one_sentence(call, arguments, name):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(**arguments)
    sentence = str(caught.value)
    assert "\n" not in sentence and 10 < len(sentence) < 250
    assert name in sentence, f"{sentence!r} does not name {name}"


LOGITS, LABELS = numpy.zeros((M, N, 5)), numpy.zeros((M, N), int)
BAD_LABELS = {
    "a class too many": LABELS + 5,
    "negative": LABELS - 1,
    "floats": LABELS + 0.0,
    "one axis too few": LABELS[0],
    "other examples": LABELS[:, 1:],
    "one-hot of integers": numpy.zeros((M, N, 5), int),
    "one-hot of other width": numpy.zeros((M, N, 4)),
    "words": LABELS.astype(str),
}


@pytest.mark.parametrize("loss", [cross_entropy, accuracy])
@pytest.mark.parametrize("labels", BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_get_one_sentence(loss, labels):
    refused(lambda: loss(LOGITS, labels), "labels must")


BAD_PAIRS = {
    "broadcasting": (Y, Y[..., 0]),
    "one example of many": (Y, Y[:, :1]),
    "no example": (Y[:, :0], Y[:, :0]),
    "a vector": (Y[0, :, 0], Y[0, :, 0]),
}


@pytest.mark.parametrize("pair", BAD_PAIRS.values(), ids=BAD_PAIRS)
def test_what_numpy_would_broadcast_is_refused(pair):
    refused(lambda: mse(*pair), "prediction|example", ValueError)


WIDTHS = {"narrow": X[..., :2], "vector": X[0, 0], "wide": numpy.zeros((M, N, 4))}


@pytest.mark.parametrize("x", WIDTHS.values(), ids=WIDTHS)
def test_an_mlp_names_the_inputs_it_was_made_for(x):
    net = mlp([3, 4, 1])
    refused(lambda: net.apply(net.init(RNG), x), "x must have", ValueError)


@pytest.mark.parametrize("shots", [[N + 1], [-1], [1.0], ["1"], [None], [True]])
def test_a_learning_curve_names_its_shots(shots):
    refused(lambda: learning_curve(BAYES, {}, TASK, shots), "shots")


# ---- A thousand more, by their kind alone ----

LEGITIMATE = {  # what is no mistake, whatever it looks like
    "split(y": "targets may be any numbers",
    "episodes(y": "labels may be any integers",
    "split_classes(y": "labels may be any integers",
    "quarter_turns(y": "labels may be any integers",
    "select(x": "only what is drawn is looked at for NaN",
    "projections(x": "only what is drawn is looked at for NaN",
    "projections(y": "labels may be any integers",
    "draw_maps(x": "only its shape counts",
    "draw_maps(y": "labels may be any integers",
    "from_maps(x": "only what is drawn is looked at for NaN",
    "begin(noise": "only its shape counts",
    "squared_error(scores": "a score that is infinite is certain",
    "accuracy(logits": "a logit of minus infinity is not the largest",
    "bit_error(prediction": "an activity that is infinite has a sign",
    "bit_error(target": "a target that is infinite has a sign",
    "lstm(x": "a gate that is infinite is open",
    "plain_lstm(x": "a gate that is infinite is open",
    "cell(x": "a gate that is infinite is open",
    "block_output(b": "relu of minus infinity is 0",
    "alive(done": "the last done does not count",
    "gaussian_maps(mean": "task axes in front, of length 1",
    "learner(mean": "task axes in front",
    "learner(covariance": "task axes in front",
    "learner(row_covariance": "task axes in front",
    "risk(x": "task axes in front",
    "risk(covariance": "task axes in front",
    "wrong_prior_risk(x": "task axes in front",
}


@pytest.fixture(scope="module")
def verdicts():
    return [
        (f"{call.function.__name__}({name}", bad.value, *judge(call, name, bad))
        for _, call, name, bad in malformed()
    ]


def test_the_good_calls_of_the_table_are_good():
    for _, call in calls():
        call.function(**fresh(call.arguments))


def test_no_malformed_call_is_answered_in_silence(verdicts):
    """An answer is right or it is an error; nothing at all (no task, no mode) may be asked of."""
    silent = [
        (where, f"{value!r:.60}", said)
        for where, value, verdict, said in verdicts
        if verdict == "silent" and where not in LEGITIMATE and numpy.size(value) != 0
    ]
    assert not silent


def test_nearly_every_error_is_one_sentence_that_names_the_argument(verdicts):
    counts = Counter(verdict for _, _, verdict, _ in verdicts)
    assert counts["sentence"] + counts["trace"] > 7000
    assert counts["sentence"] > 0.99 * (counts["sentence"] + counts["trace"])


def test_the_judge_tells_a_wrong_answer_from_a_right_one():
    """Functions that take what they are given: the tables above can fail."""
    square = lambda x: x * x
    wraps = Call(square, {"x": numpy.full((2, 2), 20.0)})
    found = [judge(wraps, "x", bad)[0] for bad in spoiled(wraps.arguments["x"])]
    assert "silent" in found and "trace" in found and "sentence" not in found


# ---- Slips, one by one ----


def forgetful(prediction, target):
    mse(prediction, target)


def per_example(prediction, target):
    return numpy.mean((prediction - target) ** 2, axis=-1)


WRONG_LOSSES = {"no return": forgetful, "for each example": per_example}
WRONG_LOSSES |= {"for all tasks": lambda p, t: np.mean(mse(p, t))}


@pytest.mark.parametrize("loss", WRONG_LOSSES.values(), ids=WRONG_LOSSES)
def test_a_loss_is_one_number_for_each_task(loss):
    net = mlp([D, 1])
    meta = net.init(rng())
    for learner in (maml.learner(net, loss), anil.learner(net, loss=loss)):
        for call in (evaluate, meta_loss, lambda *args: value_and_grad(meta_loss, 1)(*args)):
            refused(lambda c=call, one=learner: c(one, meta, TASK), "loss must be one number for")
    refused(lambda: evaluate(BAYES, {}, TASK, loss), "loss must be one number for")
    refused(lambda: fine_tuning.joint_loss(meta, TASK, net, loss), "loss must be one number for")


def test_a_function_without_return_has_no_gradient():
    refused(lambda: value_and_grad(forgetful)(X, X), "f returned None", TypeError)


@pytest.mark.parametrize("labels", [[-1, 1], [0.0, 1.0], [True, False]], ids=str)
def test_classes_count_from_zero(labels):
    """-1 would stand for the last class, and -1 and +1 would be one."""
    images, labels = numpy.ones((4, D)), numpy.array(2 * labels)
    refused(lambda: classifier(images, labels, mlp([D, 2]), batch=2), "labels must be")
    source = (numpy.ones((4, 2, 2, 1)), labels)
    refused(lambda: sequences.split_classes(rng(), 1, 1, 1, source), "labels must be")


def test_images_of_bytes_are_refused_by_sequences():
    images, labels = numpy.full((4, 2, 2, 1), 200, "uint8"), numpy.zeros(4, int)
    for family in (sequences.rotated_images, sequences.permuted_images):
        refused(
            lambda f=family: f(rng(), 2, 2, 2, (images, labels)), "images must be an array of f"
        )
    refused(lambda: sequences.turn(images, 0.5), "images must be an array of floats")
    refused(lambda: sequences.halve(images), "images must be an array of floats")


def test_nothing_is_paired_off_to_the_shorter():
    A, b, mean, precision = numpy.stack(3 * [COVARIANCE]), X[:, :D].repeat(2, 0)[:3, :, :1], MEAN, 0
    precision = numpy.eye(D)
    for recursion in (sequential_bayes.posteriors, sequential_bayes.separate_optima):
        refused(lambda r=recursion: r(A, b[:2], mean, precision), "A and b must be")
    refused(
        lambda: sequential_bayes.diagonal_error(A, mean, precision, b[:2]), "A and means must be"
    )
    refused(lambda: sequential_bayes.separate_error(A, precision, b[:2]), "A and optima must be")
    refused(lambda: fisher_information.one_layer(X[0], numpy.ones((N - 1, 1, 1))), "one length")


def test_more_labels_than_images_are_refused():
    net, labels = mlp([D, 2]), numpy.zeros(N + 3, int)
    theta = net.init(rng())
    refused(lambda: strategies.learn(rng(), theta, Data(X[0], labels), net), "one length")
    queries = Data(X, numpy.zeros((M, N + 1), int))
    refused(
        lambda: strategies.accuracies([theta], queries, net), "must agree on tasks and examples"
    )
    refused(lambda: strategies.learn_sequence(rng(), theta, queries, net), "must agree on tasks")


def test_after_the_last_step_of_a_schedule_nothing_moves():
    optimizer = schedule.optimizer({"step_sizes": numpy.array([0.1, 0.2])})
    f = lambda theta, t: np.sum(theta["w"] ** 2, axis=-1)
    path = trajectory(optimizer, {"w": numpy.ones((1, 3))}, f, 4)
    numpy.testing.assert_allclose([p["w"][0, 0] for p in path], [1, 0.8, 0.48, 0.48, 0.48])


def test_the_accuracy_of_logits_that_are_nan_is_nan():
    logits = numpy.zeros((2, 3, 2))
    logits[0, 1, 1], logits[1, 0, 1] = numpy.nan, -numpy.inf
    numpy.testing.assert_array_equal(accuracy(logits, numpy.zeros((2, 3), int)), [numpy.nan, 1.0])
