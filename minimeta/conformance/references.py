"""The question about a reference: another learner that should be the same on equal meta-parameters.

Means and sums over examples are both legitimate, so only a reference can say which one was meant.
Where the states are of the form of meta, the ratio of both steps, state - meta, names the mistake.
"""

import numpy

from minimeta.conformance.answers import ROUNDING, Finding, answers_of, apart, copy
from minimeta.core.backend import to_host
from minimeta.core.trees import leaves, names, tree_map

NEAR = 1e-6  # relative: how constant the ratio of the steps is, and how near to a known one


def equals_the_reference(learner, meta, task, other, reference):
    """The answers are those of the reference on equal meta-parameters."""
    gap = apart(answers_of(learner, meta, task), answers_of(reference, meta, task))
    return Finding(gap, ROUNDING, lambda: name_difference(learner, reference, meta, task))


def name_difference(learner, reference, meta, task):
    """How the steps of both differ, if the states show it."""
    try:
        mine, theirs = (moves(each, meta, task.support) for each in (learner, reference))
    except Exception:  # a state of another form
        return "another learner than its reference"
    if not numpy.any(mine - theirs):
        return "the same inner loop as its reference, but another answer"
    ratio = float(numpy.sum(mine * theirs) / numpy.sum(theirs**2))
    if not numpy.max(abs(mine - ratio * theirs)) <= NEAR * abs(ratio) * numpy.max(abs(theirs)):
        return "another inner loop than its reference"
    return name_ratio(ratio, *task.support.y.shape[:2], task.support.y.shape[-1])


def name_ratio(ratio, tasks, examples, outputs):
    """What makes the steps `ratio` times as long as they should be."""
    known = {
        examples * outputs: "a sum over examples and outputs where a mean belongs",
        examples: "a sum over the examples where a mean belongs",
        1 / (examples * outputs): "a mean over examples and outputs where a sum belongs",
        1 / examples: "a mean over the examples where a sum belongs",
        tasks: "a sum over tasks where a mean belongs",
        1 / tasks: "a mean over tasks where a sum belongs",
        0.5: "a factor 1/2 in the loss",
        -1: "steps against the right direction",
    }
    for factor, name in known.items():
        if abs(ratio / factor - 1.0) < NEAR:
            return f"{name}: the inner step is {ratio:.3g} times that of the reference"
    return f"another step size: the inner step is {ratio:.3g} times that of the reference"


def moves(learner, meta, support):
    """state - meta of every task, (M, P); the state is a tree like meta, or a list of them."""
    state = learner.adapt(*copy((meta, support)))
    if sorted(names(state)) != sorted(names(meta)):  # one for each task
        plain = [tree_map(lambda leaf: numpy.asarray(to_host(leaf)), each) for each in state]
        state = tree_map(lambda *parts: numpy.stack(parts), *plain)
    step = leaves(tree_map(lambda before, after: to_host(after) - before, copy(meta), state))
    return numpy.concatenate([part.reshape(len(support.x), -1) for part in step], axis=1)
