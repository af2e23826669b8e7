"""A thousand malformed calls: each is refused in one sentence that names what was wrong.

Every public function is called with one argument spoiled at a time, in every way its kind allows.
Damaged files are in test_checkpoint.py and test_datasets.py, malformed tasks in test_meta.py.
"""

import numpy
import pytest
from helpers import refused, rng

from minimeta.core.losses import accuracy, cross_entropy, mse
from minimeta.core.optim import adam, momentum, rmsprop, sgd
from minimeta.exact import linear_gaussian, linear_networks, quadratics
from minimeta.meta import learning_curve
from minimeta.nets import conv, mlp
from minimeta.tasks import Data, Task
from minimeta.tasks import quadratics as bowls
from minimeta.tasks.fourier import fourier
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
