"""Trees keep their structure, and say so when two of them differ."""

import autograd
import numpy
import pytest
from numpy.testing import assert_array_equal

from minimeta.core.backend import np
from minimeta.core.trees import (
    check_alike,
    check_parameters,
    copies,
    dot,
    leaves,
    names,
    norm,
    size,
    tree_map,
    unflatten,
)
from minimeta.tasks import Data, Task

TREE = {"b": [numpy.ones(2), (numpy.zeros((2, 3)),)], "a": numpy.full((), 5.0), "none": {}}


def test_unflatten_inverts_leaves():
    again = unflatten(TREE, leaves(TREE))
    assert list(again) == ["b", "a", "none"] and isinstance(again["b"][1], tuple)
    assert all(a is b for a, b in zip(leaves(again), leaves(TREE)))


def test_names_lead_to_the_leaves():
    assert names(TREE) == ["['b'][0]", "['b'][1][0]", "['a']"]
    for name, leaf in zip(names(TREE), leaves(TREE)):
        assert eval(f"TREE{name}") is leaf


def test_tree_map_keeps_records_such_as_tasks():
    data = Data(numpy.ones((1, 2, 3)), numpy.ones((1, 2, 1)))
    doubled = tree_map(lambda a: 2 * a, Task(data, data))
    assert isinstance(doubled, Task) and isinstance(doubled.query, Data)
    assert doubled.query.x.sum() == 12


def test_tree_map_reads_traced_containers():
    """autograd's own grad hands out boxed dicts, which are no dict to Python."""
    total = lambda tree: dot(tree_map(lambda a: a * a, tree), tree_map(np.ones_like, TREE))
    slopes = autograd.grad(total)(TREE)
    assert_array_equal(slopes["b"][0], [2.0, 2.0])


def test_copies_put_a_task_axis_in_front():
    tripled = copies(TREE, 3)
    assert [leaf.shape for leaf in leaves(tripled)] == [(3, 2), (3, 2, 3), (3,)]
    assert size(tripled) == 3 * size(TREE) == 27


def test_norm_is_the_length_of_all_leaves_together():
    assert norm({"a": numpy.array([3.0]), "b": [numpy.array(4.0)]}) == 5.0


@pytest.mark.parametrize(
    "other",
    [
        [numpy.ones(2)],
        {"b": TREE["b"], "none": {}},
        {**TREE, "more": numpy.ones(1)},
        {**TREE, "b": TREE["b"][:1]},
        {**TREE, "b": numpy.ones(2)},
        {**TREE, "a": [numpy.ones(1)]},
    ],
)
def test_trees_that_differ_are_refused(other):
    with pytest.raises(ValueError, match="Trees differ"):
        tree_map(lambda a, b: a + b, TREE, other)
    with pytest.raises(ValueError, match="must be trees of one structure"):
        check_alike("theta", TREE, "slopes", other)


def test_leaves_of_two_shapes_are_named():
    with pytest.raises(
        ValueError, match=r"theta\['a'\] has shape \(\), but slopes\['a'\] has \(2,\)"
    ):
        check_alike("theta", TREE, "slopes", {**TREE, "a": numpy.ones(2)})


@pytest.mark.parametrize("leaf", [3, "relu", None, True, numpy.ones(2, int), object(), 1j])
def test_only_float_arrays_are_parameters(leaf):
    with pytest.raises(TypeError, match=r"theta\['layers'\]\[1\] is .* float arrays"):
        check_parameters("theta", {"layers": [numpy.ones(2), leaf]})


def test_floats_of_every_width_are_parameters():
    check_parameters("theta", [0.5, numpy.float32(1), numpy.ones(2, "float32"), numpy.ones(())])
