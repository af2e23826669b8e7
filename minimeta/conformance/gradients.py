"""Questions about the meta-gradient, asked with central differences of the meta-loss.

    differences    d_k = [ L(meta + h w_k) - L(meta - h w_k) ] / 2h     in random directions w_k
    right          <gradient, w_k> = d_k
    first order    <gradient, w_k> = the differences if meta *and* the adapted state move by h w_k,
                   or a branch of meta, such as the start of Meta-SGD
    cut            ... if meta moves in `predict` alone and the state stays

The last two need no gradient of the learner either, so that a gradient computed in another library
is named as well as one by autograd.
"""

from functools import partial

import numpy

from minimeta.conformance.answers import Finding, copy
from minimeta.core.backend import to_host
from minimeta.core.gradients import value_and_grad
from minimeta.core.trees import dot, flatten, leaves, like, names, tree_map, unflatten
from minimeta.meta import meta_loss

STEP = 1e-5  # of the central differences, whose own error is then near 1e-9
SLACK = 1e-5  # relative: how far a gradient may be from differences
NEAR = 1e-3  # relative: how near to another gradient a wrong one is named after it
LEAST = 1e-2  # a gradient below it is compared absolutely: differences have no more digits
DIRECTIONS = 5
FIRST_ORDER = "first order declared second: the gradient leaves out second derivatives"
CUT = "the gradient does not pass through the inner loop"


def meta_gradient_is_right(learner, meta, task, other, gradient=None):
    """The meta-gradient equals differences."""
    rule = gradient or value_and_grad(partial(meta_loss, learner))
    value, computed = rule(*copy((meta, task)))
    rng, size = numpy.random.default_rng(2), len(flatten(meta))
    ways = [like(meta, numpy.asarray(rng.normal(size=size))) for _ in range(DIRECTIONS)]
    exact = differences(learner, meta, task, ways)
    gap = worst(project(computed, ways), exact)
    off = worst(float(value), mean_loss(learner, meta, task))
    if off > SLACK >= gap:
        return Finding(off, SLACK, "the value that comes with the gradient is not the meta-loss")
    return Finding(gap, SLACK, lambda: name_gradient(learner, meta, task, computed, ways, exact))


def name_gradient(learner, meta, task, gradient, ways, exact):
    """Which wrong gradient it is, if it is one of the usual ones."""
    along = project(gradient, ways)
    near = min(NEAR, worst(along, exact) / 10)  # nearer than to the right one
    if worst(along, differences_of_state(learner, meta, task, ways)) <= near:
        return CUT
    if not numpy.any(along):
        return "the gradient is zero: the answers are constants to it"
    if is_first_order(learner, meta, task, gradient, ways, near):
        return FIRST_ORDER
    ratio = float(along @ exact / (exact @ exact))
    if numpy.isfinite(ratio) and worst(along, ratio * exact) <= near:
        return name_ratio(ratio, len(task.query.x))
    return name_leaves(learner, meta, task, gradient, ways)


def is_first_order(learner, meta, task, gradient, ways, near):
    """Whether the gradient is that with d state / d meta = I, in meta or in one branch of it."""
    branches = (
        meta if isinstance(meta, dict) else range(len(meta) * isinstance(meta, (list, tuple)))
    )
    for branch in (None, *branches):
        some = ways if branch is None else [only(way, branch) for way in ways]
        try:
            candidate = differences_of_state(learner, meta, task, some, moves=True, branch=branch)
        except Exception:  # a state of another form than meta, so that it cannot move alike
            continue
        if worst(project(gradient, some), candidate) <= near:
            return True
    return False


def only(way, branch):
    """The way in one branch of a tree, a key or a position, and 0 in the others."""
    keys = list(way) if isinstance(way, dict) else range(len(way))
    parts = {key: tree_map(lambda w, k=key: w * (k == branch), way[key]) for key in keys}
    return parts if isinstance(way, dict) else type(way)(parts.values())


def name_leaves(learner, meta, task, gradient, ways):
    """For which leaves of meta the gradient is wrong."""
    wrong, zero = [], []
    for i, path in enumerate(names(meta, "meta")):
        some = [unflatten(w, [v * (k == i) for k, v in enumerate(leaves(w))]) for w in ways[:2]]
        along = project(gradient, some)
        if worst(along, differences(learner, meta, task, some)) > SLACK:
            wrong.append(path)
            zero.append(not numpy.any(along))
    if not wrong or (len(wrong) == len(leaves(meta)) and not all(zero)):
        return "a gradient of something else than the meta-loss"
    return f"{'no' if all(zero) else 'a wrong'} gradient reaches {', '.join(wrong)}"


def project(gradient, ways):
    """The inner products of a gradient with the directions."""
    return numpy.array([float(dot(gradient, way)) for way in ways])


def name_ratio(ratio, tasks):
    """What a gradient is that points where it should and has another length."""
    known = {-1.0: "its sign", tasks: "a sum over tasks where a mean belongs"}
    known |= {1.0 / tasks: "a mean over tasks taken twice"}
    for factor, name in known.items():
        if abs(ratio / factor - 1.0) < NEAR:
            return f"{name}: the gradient is {ratio:.3g} times what it should be"
    return f"a factor: the gradient is {ratio:.3g} times what it should be"


def differences(learner, meta, task, ways):
    """The central differences of the meta-loss along each way."""
    f = lambda moved: mean_loss(learner, moved, task)
    return numpy.array(
        [(f(step(meta, w, STEP)) - f(step(meta, w, -STEP))) / (2 * STEP) for w in ways]
    )


def differences_of_state(learner, meta, task, ways, moves=False, branch=None):
    """The same if the state is adapted only once, and then moves like a branch of meta or stays."""
    state = learner.adapt(*copy((meta, task.support)))

    def f(way, size):
        own, like_state = (tree if branch is None else tree[branch] for tree in (way, meta))
        moved = step_state(state, like_state, own, size) if moves else state
        answers = learner.predict(step(meta, way, size), moved, copy(task.query.x))
        return float(numpy.mean(to_host(learner.loss(answers, task.query.y))))

    return numpy.array([(f(w, STEP) - f(w, -STEP)) / (2 * STEP) for w in ways])


def mean_loss(learner, meta, task):
    """The meta-loss, as a number."""
    return float(meta_loss(learner, *copy((meta, task))))


def step(tree, way, size):
    """The tree moved by size times way."""
    return tree_map(lambda leaf, w: leaf + size * w, tree, way)


def step_state(state, meta, way, size):
    """The state of M tasks moved by size times way, of which every task has its own copy.

    It is a tree like meta with a task axis in front, or a list of M trees like meta.
    """
    if sorted(names(state)) == sorted(names(meta)):
        return tree_map(lambda w, leaf: add(leaf, size * w, 1), way, state)
    return [tree_map(lambda w, leaf: add(leaf, size * w, 0), way, each) for each in state]


def add(leaf, change, axes):
    """leaf + change, where leaf has `axes` more in front; it may be a tensor of PyTorch."""
    if tuple(leaf.shape[axes:]) != numpy.shape(change):
        raise ValueError("A leaf of the state has another shape than that of meta.")
    return leaf + (leaf.new_tensor(change) if hasattr(leaf, "new_tensor") else change)


def worst(computed, expected):
    """The largest distance, relative to the largest that is expected."""
    computed, expected = numpy.atleast_1d(computed), numpy.atleast_1d(expected)
    gap = numpy.max(numpy.abs(computed - expected)) / max(LEAST, numpy.max(numpy.abs(expected)))
    return float(gap) if numpy.isfinite(gap) else numpy.inf
