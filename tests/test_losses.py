"""Losses against their formulas, to third order, and at the edges of floating point."""

import numpy
import pytest
from derivatives import agrees, checked, draws
from helpers import refused
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core import losses
from minimeta.core.backend import np
from minimeta.core.gradients import grad

M, N, C = 3, 4, 5


def rows_of_probabilities():
    (t,) = draws((M, N, C), seed=1)
    return numpy.exp(t) / numpy.exp(t).sum(axis=-1, keepdims=True)


def plain_mse(prediction, target):
    return np.mean((prediction - target) ** 2, axis=(-2, -1))


def plain_log_softmax(logits):
    return logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))


def plain_cross_entropy(logits, targets):
    return -np.mean(np.sum(targets * plain_log_softmax(logits), axis=-1), axis=-1)


@pytest.mark.parametrize("lead", [(), (M,), (2, M)], ids=str)
def test_mse_has_the_derivatives_of_its_formula(lead):
    args = draws((*lead, N, C), (*lead, N, C))
    agrees(losses.mse, plain_mse, args)
    checked(losses.mse, *args)


def test_mse_is_a_mean_over_examples_and_outputs():
    prediction, target = draws((M, N, C), (M, N, C))
    by_hand = [sum((prediction[m] - target[m]).ravel() ** 2) / (N * C) for m in range(M)]
    assert_allclose(losses.mse(prediction, target), by_hand, rtol=1e-14)


@pytest.mark.parametrize("lead", [(), (M,), (2, M)], ids=str)
def test_cross_entropy_has_the_derivatives_of_its_formula(lead):
    args = draws((*lead, N, C), (*lead, N, C))
    agrees(losses.cross_entropy, plain_cross_entropy, args)
    checked(losses.cross_entropy, *args)


def test_integer_labels_are_their_one_hot_rows():
    (logits,) = draws((M, N, C))
    labels = numpy.arange(M * N).reshape(M, N) % C
    rows = numpy.eye(C)[labels]
    f = lambda labels: lambda logits: np.sum(losses.cross_entropy(logits, labels) ** 2)
    assert_array_equal(f(labels)(logits), f(rows)(logits))
    assert_array_equal(grad(f(labels))(logits), grad(f(rows))(logits))


def test_the_gradient_of_cross_entropy_is_softmax_minus_target():
    (logits,), targets = draws((N, C)), rows_of_probabilities()[0]
    softmax = numpy.exp(logits) / numpy.exp(logits).sum(axis=-1, keepdims=True)
    gradient = grad(lambda l: losses.cross_entropy(l, targets))(logits)
    assert_allclose(gradient, (softmax - targets) / N, rtol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_has_the_derivatives_of_its_formula(name):
    plain = {"softmax": lambda x: np.exp(plain_log_softmax(x)), "log_softmax": plain_log_softmax}
    agrees(getattr(losses, name), plain[name], draws((M, N, C)))
    checked(getattr(losses, name), *draws((N, C)))


def test_cross_entropy_is_exact_for_logits_of_any_size():
    logits = numpy.array([[1e4, 0.0], [0.0, 1e4]])
    f = lambda l: losses.cross_entropy(l, numpy.array([0, 0]))
    assert f(logits) == 0.5e4
    assert_array_equal(grad(f)(logits), [[0.0, 0.0], [-0.5, 0.5]])


def test_losses_of_integer_labels_stay_in_the_float_type_of_the_logits():
    logits, labels = draws((M, N, C))[0].astype("float32"), numpy.zeros((M, N), dtype=int)
    for loss in (losses.cross_entropy, losses.accuracy):
        assert loss(logits, labels).dtype == numpy.float32
    gradient = grad(lambda l: np.sum(losses.cross_entropy(l, labels)))(logits)
    assert gradient.dtype == numpy.float32


def test_accuracy_counts_the_largest_logits():
    logits = numpy.array([[[2.0, 1.0], [0.0, 3.0]], [[1.0, 5.0], [1.0, 2.0]]])
    labels = numpy.array([[0, 0], [1, 1]])
    assert_array_equal(losses.accuracy(logits, labels), [0.5, 1.0])
    assert_array_equal(losses.accuracy(logits, numpy.eye(2)[labels]), [0.5, 1.0])


@pytest.mark.parametrize(
    "labels, what",
    [
        (numpy.zeros(N), "labels must be integers"),
        (numpy.zeros((N, C), dtype=int), "labels must be integers"),
        (numpy.full(N, C), "0..4; they reach from 5 to 5"),
        (numpy.full(N, -1), "0..4; they reach from -1 to -1"),
    ],
)
def test_labels_that_are_none_are_refused(labels, what):
    with pytest.raises(ValueError, match=what):
        losses.cross_entropy(numpy.zeros((N, C)), labels)


def test_losses_refuse_shapes_that_would_broadcast_and_no_examples():
    with pytest.raises(ValueError, match="same shape"):
        losses.mse(numpy.zeros((N, 1)), numpy.zeros((N, C)))
    with pytest.raises(ValueError, match="at least one example"):
        losses.mse(numpy.zeros((0, C)), numpy.zeros((0, C)))


# ---- Logits of any size, and classes that are ruled out ----


def masked(logits, classes):
    logits = logits.copy()
    logits[..., classes] = -numpy.inf
    return logits


@pytest.mark.parametrize("float_type", ["float64", "float32"])
def test_a_class_ruled_out_counts_as_if_it_were_not_there(float_type):
    """Value, gradient and Hessian are those of the loss without the column, and 0 in it."""
    (logits,) = draws((M, N, C))
    logits, kept = logits.astype(float_type), numpy.array([0, 1, 3])
    labels = kept[numpy.arange(M * N).reshape(M, N) % 3]
    rows = numpy.eye(C, dtype=float_type)[labels]
    f = lambda y: lambda l: np.sum(losses.cross_entropy(l, y) ** 2)
    g = lambda y, w: lambda l: np.sum(w * grad(f(y))(l))
    w = draws((M, N, C), seed=2)[0].astype(float_type)
    for y in (labels, rows):
        there, here = masked(logits, [2, 4]), logits[..., kept]
        assert_allclose(f(y)(there), f(rows[..., kept])(here), rtol=1e-6)
        for one, other in [(f(y), f(rows[..., kept])), (g(y, w), g(rows[..., kept], w[..., kept]))]:
            gradient = grad(one)(there)
            assert_allclose(gradient[..., kept], grad(other)(here), rtol=1e-4, atol=1e-7)
            assert not gradient[..., [2, 4]].any()


@pytest.mark.parametrize("float_type", ["float64", "float32"])
def test_logits_may_be_as_large_as_floats_are(float_type):
    most = numpy.finfo(float_type).max
    logits = numpy.array([[most, -most], [-most, most], [0.0, most]], float_type)
    one_by_one = lambda labels: losses.cross_entropy(logits[:, None], labels)
    assert_array_equal(one_by_one(numpy.array([[0], [1], [1]])), [0.0, 0.0, 0.0])
    assert_array_equal(one_by_one(numpy.array([[1], [0], [0]])), [numpy.inf, numpy.inf, most])
    gradient = grad(lambda l: np.sum(losses.cross_entropy(l, numpy.array([0, 0, 0]))))(logits)
    assert_allclose(gradient * 3, [[0, 0], [-1, 1], [-1, 1]], rtol=1e-6)


def test_the_label_that_is_ruled_out_has_an_infinite_loss():
    logits = masked(numpy.zeros((1, 2, 3)), [1])
    assert losses.cross_entropy(logits, numpy.array([[0, 1]]))[0] == numpy.inf


# ---- What is no array of floats ----

INTEGERS = ["uint8", "int8", "int32", "int64", "bool", "object", "complex128"]


@pytest.mark.parametrize("kind", INTEGERS)
def test_predictions_and_targets_are_floats(kind):
    """mse of 0 and 255 in uint8 would be 1."""
    a, b = numpy.array([[[0]]]).astype(kind), numpy.array([[[255]]]).astype(kind)
    refused(lambda: losses.mse(a, b), "prediction must be an array of floats", TypeError)
    refused(lambda: losses.mse(0.0 * numpy.ones((1, 1, 1)), b), "target must be an array of floats")
    logits, labels = numpy.zeros((1, 1, 2)).astype(kind), numpy.zeros((1, 1), int)
    for loss in (losses.cross_entropy, losses.accuracy):
        refused(lambda loss=loss: loss(logits, labels), "logits must be an array of floats")
