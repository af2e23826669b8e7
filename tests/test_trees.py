"""Trees keep their structure, and say so when two of them differ."""

import autograd
import numpy
import pytest
from numpy.testing import assert_array_equal

from minimeta.core.backend import np
from minimeta.core.trees import (
    check_alike,
    check_parameters,
    check_trainable,
    copies,
    dot,
    flatten,
    leaves,
    like,
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


def test_the_inner_product_pairs_leaves_by_their_place_not_their_order():
    turned = {key: TREE[key] for key in ("none", "a", "b")}
    assert dot(TREE, turned) == dot(TREE, TREE) == norm(TREE) ** 2 == 27.0


@pytest.mark.parametrize("other", [{"a": 1.0}, {"a": numpy.ones(2)}, {"a": numpy.ones((1, 3))}])
def test_the_inner_product_of_trees_that_differ_is_refused(other):
    with pytest.raises(ValueError, match="Trees differ|Leaves of one place"):
        dot({"a": numpy.ones(3), "b": numpy.ones(1)}, {**other, "b": numpy.ones(1)})
    with pytest.raises(ValueError, match="Trees differ"):
        dot({"a": numpy.ones(3), "b": numpy.ones(1)}, {"a": numpy.ones(3)})


def test_a_tree_is_a_vector_and_back():
    vector = flatten(TREE)
    assert_array_equal(vector, [1.0, 1.0, 0, 0, 0, 0, 0, 0, 5.0])
    same = like(TREE, vector)
    assert names(same) == names(TREE)
    assert all((a == b).all() for a, b in zip(leaves(same), leaves(TREE)))


def test_rows_of_vectors_become_one_tree_for_each():
    rows = numpy.arange(18.0).reshape(2, 9)
    trees = like(TREE, rows)
    assert [leaf.shape for leaf in leaves(trees)] == [(2, 2), (2, 2, 3), (2,)]
    assert_array_equal(flatten(tree_map(lambda leaf: leaf[1], trees)), rows[1])


@pytest.mark.parametrize("count", [8, 10, 0])
def test_a_vector_of_another_length_is_refused(count):
    with pytest.raises(ValueError, match=f"vector must have 9 numbers; it has {count}"):
        like(TREE, numpy.ones(count))


@pytest.mark.parametrize(
    "bad",
    [
        {0: numpy.ones(1)},
        Data(numpy.ones(1), numpy.ones(1)),
        [1.0],
        {"W": [None]},
        [numpy.ma.array([1.0], mask=[True])],
        {"layers": 2},
        numpy.ones(2, int),
    ],
)
def test_what_cannot_be_trained_and_saved_is_named(bad):
    with pytest.raises(TypeError, match=r"meta.* (is|has)"):
        check_trainable("meta", bad)


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
