"""What a network owes to code that gives each task, or each example, its own copy of parameters.

    copies      apply(copies, x)[m] = apply(copies[m], x[m])         leaves (M, ...), x (M, N, ...)
    examples    apply(params, x)[n] = apply(params, x[n : n + 1])    x (N, ...)

NumPy adds a bias b (M, C) to x W (M, N, C) without complaint where M = N, and then every example
has the bias of another task. A network that normalises over its batch has no answer to one example
alone. So both equations are tried, once for each network and its shapes, on a few rows and on
parameters near the given ones. The trial takes the plain arrays out of whatever is traced, so that
no gradient and no recording sees it.
"""

import numpy
from autograd.tracer import isbox

from minimeta.core import checks
from minimeta.core.backend import np, to_device, to_host
from minimeta.core.trees import check_parameters, check_trainable, copies, leaves, tree_map

FEW = 3  # rows that are tried
MOST = 256  # networks that are remembered
PASSED = {}  # (question, apply, shapes) of what has been tried and is in order


def task_copies(net, params, data, name="theta", of="support"):
    """`copies` of the parameters for the M tasks of data, x (M, N, ...), one for each.

    Raises ValueError if net.apply(copies, x) does not keep the copies apart, and TypeError or
    ValueError for other arguments that do not fit. `name` and `of` are what an error calls
    parameters and data.
    """
    try:
        apply, x, y = net.apply, data.x, data.y
    except AttributeError:
        checks.functions("net", net, "apply")
        raise TypeError(f"{of} must be Data(x, y); it is {checks.describe(data)}.") from None
    checks.floats(f"{of}.x", x)
    checks.numeric(f"{of}.y", y)
    if x.ndim < 3 or x.shape[:2] != y.shape[:2]:
        raise ValueError(
            f"{of}.x and {of}.y must agree on tasks and examples, (M, N, ...); "
            f"their shapes are {x.shape} and {y.shape}."
        )
    _ask_once(_keeps_copies_apart, apply, params, x, len(x) > 1, name)
    return copies(params, len(x))


def check_examples(apply, params, x):
    """Raise ValueError if the answers of apply(params, x) to x (N, ...) depend on each other."""
    _ask_once(_keeps_examples_apart, apply, params, x, True, "params")


def _ask_once(question, apply, params, x, several, name):
    """question(apply, params, x) raises, or tells whether its answer holds from now on."""
    try:
        key = (question, apply, several, x.shape[2:], *_kinds(params))
        if key in PASSED:
            return
    except AttributeError:  # a leaf that is no array
        check_trainable(name, params)
        raise
    except TypeError:  # a function without a hash is asked every time
        key = None
    check_parameters(name, params)
    checks.function("net.apply", apply)
    checks.integer(f"the number of arrays in {name}", len(leaves(params)), at_least=1)
    if 0 in np.shape(x):
        return
    with numpy.errstate(all="ignore"):
        settled = question(apply, tree_map(_plain, params), _plain(x))
    if settled and key:
        if len(PASSED) >= MOST:
            PASSED.clear()
        PASSED[key] = True


def _kinds(tree):
    """Type, shape and dtype of every leaf: at every call, so plain containers take a short way."""
    if type(tree) in (list, tuple, dict):
        branches = tree.values() if type(tree) is dict else tree
        return [kind for branch in branches for kind in _kinds(branch)]
    own = [tree] if hasattr(tree, "shape") else leaves(tree)
    return [(type(leaf), leaf.shape, leaf.dtype) for leaf in own]


def _keeps_copies_apart(apply, params, x):
    tasks = min(2, len(x))
    rows = np.concatenate([x[:1, :FEW], x[-1:, :FEW]])[:tasks]
    rng = numpy.random.default_rng(0)
    near = tree_map(lambda leaf: np.stack([_near(rng, leaf) for _ in range(tasks)]), params)
    alone = np.concatenate([_answer_alone(apply, near, rows, m) for m in range(tasks)])
    wrong = (
        "net.apply must give each task its own copy of the parameters, leaves (M, ...), for x "
        "(M, N, ...), but it {}; add a bias b as np.expand_dims(b, -2), or use nets.linear."
    )
    try:
        together = apply(near, rows)
    except Exception as error:
        raise ValueError(wrong.format(f"raises {type(error).__name__}")) from error
    return _compare(together, alone, wrong.format("mixes them"))


def _answer_alone(apply, near, rows, m):
    """The answer to task m by its own copy, (1, N, ...)."""
    try:
        return apply(tree_map(lambda leaf: leaf[m], near), rows[m])[None]
    except Exception:  # some networks always expect a task axis; what is really wrong raises again
        return apply(tree_map(lambda leaf: leaf[m : m + 1], near), rows[m : m + 1])


def _keeps_examples_apart(apply, params, x):
    rng = numpy.random.default_rng(0)
    near = tree_map(lambda leaf: _near(rng, leaf), params)
    rows = np.concatenate([x[n : n + 1] for n in (0, len(x) // 2, len(x) - 1)])
    rows = _near(rng, rows)  # so that no two are equal
    alone = np.concatenate([apply(near, rows[n : n + 1]) for n in range(len(rows))])
    return _compare(
        apply(near, rows),
        alone,
        "net mixes its examples, as a normalisation over the batch does, so that no example has a "
        "gradient of its own; it must answer each example by that example alone.",
    )


def _plain(leaf):
    """The array in a box, or the leaf itself as an array."""
    while isbox(leaf):
        leaf = leaf._value
    return leaf if hasattr(leaf, "dtype") else np.asarray(leaf)


def _near(rng, leaf):
    """The leaf plus noise of about its own size."""
    noise = to_device(rng.normal(size=np.shape(leaf))).astype(leaf.dtype)
    return leaf + (0.1 + np.mean(abs(leaf))) * noise


def _compare(together, alone, wrong):
    """Raise unless the answers are equal; False if NaNs leave the question open."""
    together, alone = to_host((together, alone))
    rounding = numpy.sqrt(numpy.finfo(alone.dtype).eps)
    equal = together.shape == alone.shape and numpy.allclose(
        together, alone, rounding, rounding * numpy.nanmax(abs(alone), initial=0), equal_nan=True
    )
    if not equal:
        raise ValueError(wrong)
    return bool(numpy.all(numpy.isfinite(alone)))
