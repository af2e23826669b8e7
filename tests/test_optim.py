"""Optimizers on trees; their numbers are theorems (theorems/optimizers.py)."""

import numpy
import pytest

from minimeta.core.gradients import grad
from minimeta.core.optim import adam, momentum, rmsprop, sgd
from minimeta.core.trees import leaves

MAKERS = [sgd, momentum, rmsprop, adam]


@pytest.mark.parametrize("make", MAKERS)
def test_a_tree_of_leaves_is_optimised_leaf_by_leaf(make):
    together = {"a": numpy.array([1.0, -2.0]), "b": [numpy.array(3.0)]}
    alone = [numpy.array([1.0]), numpy.array([-2.0]), numpy.array([3.0])]
    optimizer = make(0.01)
    states = optimizer.init(together), [optimizer.init(x) for x in alone]
    for t in range(4):
        g = {"a": numpy.array([0.1, 0.2]) + t, "b": [numpy.array(-1.0)]}
        together, state = optimizer.update(g, states[0], together)
        pairs = [
            optimizer.update(numpy.array([v]), s, x)
            for v, s, x in zip([0.1 + t, 0.2 + t, -1.0], states[1], alone)
        ]
        alone, states = [x for x, _ in pairs], (state, [s for _, s in pairs])
    assert [*together["a"], together["b"][0]] == [x[0] for x in alone]


@pytest.mark.parametrize("make", MAKERS)
def test_every_optimizer_finds_the_bottom_of_a_bowl(make):
    theta, optimizer = {"w": numpy.array([1.0, -1.0])}, make(0.05)
    state = optimizer.init(theta)
    for _ in range(400):
        slope = grad(lambda t: ((t["w"] - 0.25) ** 2).sum())(theta)
        theta, state = optimizer.update(slope, state, theta)
    assert abs(theta["w"] - 0.25).max() < 0.03


@pytest.mark.parametrize("make", MAKERS)
def test_float32_parameters_stay_float32_and_nothing_is_changed_in_place(make):
    theta = [numpy.ones(3, "float32")]
    optimizer = make(0.1)
    state = optimizer.init(theta)
    after, next_state = optimizer.update([numpy.ones(3, "float32")], state, theta)
    assert {leaf.dtype.name for leaf in leaves([after, next_state])} == {"float32"}
    assert theta[0].tolist() == [1, 1, 1] and state["updates"] == 0


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("step_size", [0.0, -1.0, float("nan"), float("inf"), "fast", None, True])
def test_a_step_size_must_be_positive(make, step_size):
    with pytest.raises((TypeError, ValueError), match="step_size must be"):
        make(step_size)


@pytest.mark.parametrize(
    "make, name", [(momentum, "mass"), (rmsprop, "decay"), (adam, "decay_mean")]
)
@pytest.mark.parametrize("value", [1.0, -0.1, 1.5])
def test_a_decay_lies_below_one(make, name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and below 1"):
        make(0.1, **{name: value})


def test_a_gradient_of_another_tree_is_refused():
    optimizer = adam()
    theta = {"w": numpy.ones(2)}
    with pytest.raises(ValueError, match="Trees differ"):
        optimizer.update({"v": numpy.ones(2)}, optimizer.init(theta), theta)
