"""Learners from anywhere: functions of one task's plain NumPy arrays, written in any library.

    adapt(x, y) -> state            x (S, D), y (S, C): the support of one task; any state
    predict(state, x) -> y          x (Q, D) -> (Q, C): answers, or logits of classes

    learner = from_numpy(adapt, predict)

With meta-parameters, `init(rng) -> meta` gives a tree of float arrays, and it is adapt(meta, x, y).
What happens inside is nobody's business: PyTorch, JAX, scikit-learn, a program of another language.
All arrays are copies, so that writing into them does no harm. Gradients do not go through such
functions. A loss and its gradient for one task, computed in the other library, become with
`gradient_from_numpy` what `minimeta.training.train` follows and `minimeta.conformance.conform`
asks about. docs/bring_your_own.md has MAML in PyTorch and in JAX.
"""

import numpy
from autograd.tracer import isbox

from minimeta.core import checks
from minimeta.core.backend import to_device, to_host
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import check_alike, check_trainable, leaves, names, tree_map, unflatten


class NoGradient(TypeError):
    """Raised where a gradient would have to go through functions of another library."""


def from_numpy(adapt, predict, init=None, loss=mse):
    """The Learner of two functions of one task: see the module. Its state is a list, one a task.

    Raises TypeError if an answer is no array, or a tensor that needs a gradient, ValueError if it
    has not one row for each query, and FloatingPointError if it has a NaN.
    """
    checks.function("adapt", adapt)
    checks.function("predict", predict)
    checks.function("loss", loss)
    if init is not None:
        checks.function("init", init)

    def adapt_all(meta, support):
        _check_plain(meta, support)
        first = [] if init is None else [meta]
        return [adapt(*_copies((*first, x, y))) for x, y in zip(*to_host(tuple(support)))]

    def predict_all(meta, states, x):
        _check_plain(x)
        answers = []
        for m, (state, row) in enumerate(zip(states, to_host(x))):
            answers.append(_answer(predict(state, _copies(row)), len(row), m))
            if answers[m].shape != answers[0].shape:
                raise ValueError(
                    f"predict must return one shape for all tasks; for task {m} it is "
                    f"{answers[m].shape}, and for task 0 it is {answers[0].shape}."
                )
        return to_device(numpy.stack(answers))

    return Learner(init or (lambda rng: {}), adapt_all, predict_all, loss)


def gradient_from_numpy(loss_and_gradient):
    """A function (meta, task) -> (value, gradient) from one for a single task; both are means.

    loss_and_gradient(meta, support_x, support_y, query_x, query_y) -> loss, gradient: the query
    loss of one task, a number, and its gradient, a tree like meta.
    """
    checks.function("loss_and_gradient", loss_and_gradient)

    def meta_gradient(meta, task):
        check_trainable("meta", meta)
        arrays = to_host(tuple(part for data in task for part in data))
        pairs = [loss_and_gradient(*_copies((meta, *row))) for row in zip(*arrays)]
        checks.integer("the number of tasks", len(pairs), at_least=1)
        losses, gradients = zip(*[_pair(pair, meta, m) for m, pair in enumerate(pairs)])
        mean = lambda *parts: to_device(sum(parts) / len(parts))
        return sum(losses) / len(losses), tree_map(mean, *gradients)

    return meta_gradient


def _copies(tree):
    """The same tree of plain NumPy arrays that nobody else has."""
    return tree_map(numpy.array, to_host(tree))


def _check_plain(*trees):
    """Raise NoGradient if autograd is following these arrays."""
    if any(isbox(leaf) for leaf in leaves(trees)):
        raise NoGradient(
            "autograd cannot follow a learner made with from_numpy; its meta-gradient comes from "
            "its own library, as gradient_from_numpy(loss_and_gradient)."
        )


def _answer(value, queries, m):
    """What `predict` returned for task m, as an array (Q, C)."""
    array = _array("predict", value, m)
    if array.ndim != 2 or len(array) != queries:
        raise ValueError(
            f"predict must return one row for each of {queries} queries, ({queries}, C); "
            f"its shape is {array.shape}."
        )
    return array


def _pair(value, meta, m):
    """What `loss_and_gradient` returned for task m, as a float and a tree like meta."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(
            f"loss_and_gradient must return (loss, gradient); it is {checks.describe(value)}."
        )
    loss = _array("loss_and_gradient", value[0], m)
    if loss.ndim:
        raise ValueError(
            f"loss_and_gradient must return a number as loss; its shape is {loss.shape}."
        )
    gradient = tree_map(lambda leaf: _array("loss_and_gradient", leaf, m), value[1])
    if sorted(names(gradient)) == sorted(names(meta)):  # keys may come in another order
        gradient = unflatten(meta, leaves(tree_map(lambda _, g: g, meta, gradient)))
    check_alike("meta", meta, "the gradient", gradient)
    return float(loss), gradient


def _array(name, value, m):
    """What a function returned for task m, as an array of floats without NaN."""
    if getattr(value, "requires_grad", False):
        raise TypeError(
            f"{name} must return plain numbers; it returned a tensor that needs a gradient: "
            "return tensor.detach().numpy()."
        )
    try:
        array = numpy.asarray(value)
    except Exception as error:
        raise TypeError(f"{name} must return an array; it is {checks.describe(value)}.") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must return an array of floats; it is {checks.describe(value)}.")
    if numpy.any(numpy.isnan(array)):
        raise FloatingPointError(f"{name} returned NaN for task {m}.")
    return array if array.dtype.kind == "f" else array.astype(float)
