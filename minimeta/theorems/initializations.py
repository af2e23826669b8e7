"""Theorems on learned starts: what each method's outer loop follows, and where it comes to rest.

The tasks are quadratics with a different curvature each, given as data that a linear network fits
(tasks/quadratics.py): every method runs unchanged, and linear algebra says what it owes.
"""

import numpy

from minimeta.core.gradients import value_and_grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.exact import quadratics as exact
from minimeta.initializations import fine_tuning, fomaml, maml, reptile
from minimeta.meta import meta_loss
from minimeta.tasks.quadratics import from_quadratics
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import (
    ALGEBRA,
    FINN,
    LINE,
    NICHOL,
    draw_family,
    meta_gradient,
    parameters,
)

ANTONIOU = "Antoniou et al. 2018"
STEPS = range(1, 6)


def for_every_step(make, weights):
    """The code's and the exact meta-gradients for 1 to 5 inner steps, as one claim."""
    A, c, theta, a = draw_family()
    task = from_quadratics(A, c)
    computed = [meta_gradient(make(a, k), parameters(theta), task)["w"][:, 0] for k in STEPS]
    expected = [exact.meta_gradient(theta, weights(A, a, k), c) for k in STEPS]
    return Claim(computed, expected, tolerance=1e-12)


@theorem(lesson="maml", source=FINN)
def maml_meta_gradient():
    """MAML's meta-gradient is mean (I-aA)^k A (I-aA)^k (theta-c), for k = 1..5 steps."""
    return for_every_step(lambda a, k: maml.learner(LINE, mse, a, k), exact.maml_weights)


@theorem(lesson="first_order", source=FINN)
def fomaml_meta_gradient():
    """FOMAML's meta-gradient is mean A (I-aA)^k (theta-c), for k = 1..5 steps."""
    return for_every_step(lambda a, k: fomaml.learner(LINE, mse, a, k), exact.fomaml_weights)


@theorem(lesson="first_order", source=NICHOL)
def reptile_direction():
    """Reptile's direction is mean (I - (I-aA)^k) (theta-c), for k = 1..5 steps."""
    A, c, theta, a = draw_family()
    task, meta = from_quadratics(A, c), parameters(theta)
    follow = lambda k: reptile.meta_gradient(LINE, mse, sgd(a), k)(meta, task)[1]["w"][:, 0]
    expected = [exact.meta_gradient(theta, exact.reptile_weights(A, a, k), c) for k in STEPS]
    return Claim([follow(k) for k in STEPS], expected, tolerance=1e-12)


@theorem(lesson="first_order", source=NICHOL)
def what_first_order_leaves_out():
    """The meta-gradients of MAML and FOMAML differ by mean ((I-aA)^k - I) A (I-aA)^k (theta-c)."""
    A, c, theta, a = draw_family(seed=1)
    learners = [method.learner(LINE, mse, a, 2) for method in (maml, fomaml)]
    task, meta = from_quadratics(A, c), parameters(theta)
    second, first = (meta_gradient(learner, meta, task)["w"] for learner in learners)
    step = numpy.eye(3) - a * A
    dropped = (step @ step - numpy.eye(3)) @ A @ step @ step @ (theta - c)[..., None]
    return Claim(second - first, dropped.mean(axis=0), tolerance=1e-12)


@theorem(lesson="first_order", source=ALGEBRA)
def equal_curvatures_make_the_methods_agree():
    """If all tasks have one curvature, MAML, FOMAML and joint training agree in their optimum."""
    A, c, _, a = draw_family()
    same = numpy.broadcast_to(A[:1], A.shape)
    weights = exact.maml_weights, exact.fomaml_weights
    points = [exact.fixed_point(w(same, a, 3), c) for w in weights]
    return Claim([*points, exact.joint_optimum(same, c)], 3 * [c.mean(axis=0)], tolerance=1e-10)


@theorem(lesson="maml", source=ALGEBRA)
def joint_gradient():
    """Joint training follows mean A (theta-c), because it takes no account of steps to come."""
    A, c, theta, _ = draw_family()
    task = from_quadratics(A, c)
    _, gradient = fine_tuning.joint_gradient(LINE)(parameters(theta), task)
    return Claim(gradient["w"], numpy.mean(A @ (theta - c)[..., None], axis=0), tolerance=1e-13)


@theorem(lesson="first_order", source=ANTONIOU)
def multi_step_gradient():
    """The gradient of MAML++'s multi-step loss is mean sum_j v_j (I-aA)^j A (I-aA)^j (theta-c)."""
    A, c, theta, a = draw_family()
    loss = maml.multi_step_loss(LINE, [0.1, 0.2, 0.3, 0.4], step_size=a)
    _, gradient = value_and_grad(loss)(parameters(theta), from_quadratics(A, c))
    W = exact.multi_step_weights(A, a, [0.1, 0.2, 0.3, 0.4])
    return Claim(gradient["w"][:, 0], exact.meta_gradient(theta, W, c), tolerance=1e-12)


@theorem(lesson="first_order", source=ANTONIOU)
def multi_step_ends_in_maml():
    """With all weight on the last step, MAML++'s multi-step loss is MAML's meta-loss."""
    A, c, theta, a = draw_family()
    task, meta = from_quadratics(A, c), parameters(theta)
    last = maml.multi_step_loss(LINE, [0.0, 0.0, 1.0], step_size=a)
    expected = meta_loss(maml.learner(LINE, mse, a, 2), meta, task)
    return Claim(last(meta, task), expected, tolerance=1e-14)


def meta_loss_gradient(learner):
    """What an outer loop follows for this learner: the meta-loss and its gradient."""
    return value_and_grad(lambda meta, task: meta_loss(learner, meta, task))


def resting_point(follow, A, c, rate, steps):
    """Where gradient descent on the outer loop ends, from zero: (D,)."""
    task, meta = from_quadratics(A, c), {"w": numpy.zeros((3, 1))}
    for _ in range(steps):
        meta = {"w": meta["w"] - rate * follow(meta, task)[1]["w"]}
    return meta["w"][:, 0]


@theorem(lesson="maml", source=FINN)
def maml_fixed_point():
    """Gradient descent on MAML's meta-loss ends at the minima's mean under its own weights.

    The weights are (I-aA)^k A (I-aA)^k.
    """
    A, c, _, _ = draw_family(seed=2)
    follow = meta_loss_gradient(maml.learner(LINE, mse, 0.5, 1))
    rest = resting_point(follow, A, c, rate=2.0, steps=400)
    return Claim(rest, exact.fixed_point(exact.maml_weights(A, 0.5, 1), c), tolerance=1e-8)


@theorem(lesson="first_order", source=NICHOL)
def fomaml_fixed_point():
    """FOMAML converges elsewhere than MAML, to the mean of the minima weighted by A (I-aA)^k."""
    A, c, _, _ = draw_family(seed=2)
    follow = meta_loss_gradient(fomaml.learner(LINE, mse, 0.5, 1))
    rest = resting_point(follow, A, c, rate=2.0, steps=400)
    return Claim(rest, exact.fixed_point(exact.fomaml_weights(A, 0.5, 1), c), tolerance=1e-8)


@theorem(lesson="first_order", source=ALGEBRA)
def fomaml_with_twice_the_steps():
    """FOMAML with 2k inner steps converges to the same point as MAML with k."""
    A, c, _, a = draw_family(seed=2)
    points = exact.fomaml_weights(A, a, 6), exact.maml_weights(A, a, 3)
    return Claim(*(exact.fixed_point(W, c) for W in points), tolerance=1e-10)


@theorem(lesson="first_order", source=NICHOL)
def reptile_fixed_point():
    """Reptile converges to the mean of the minima weighted by I - (I-aA)^k."""
    A, c, _, _ = draw_family(seed=2)
    follow = reptile.meta_gradient(LINE, mse, sgd(0.5), 3)
    rest = resting_point(follow, A, c, rate=1.0, steps=400)
    return Claim(rest, exact.fixed_point(exact.reptile_weights(A, 0.5, 3), c), tolerance=1e-8)


@theorem(lesson="first_order", source=NICHOL)
def reptile_with_many_steps():
    """With very many inner steps Reptile converges to the plain mean of the minima."""
    A, c, _, _ = draw_family(seed=2)
    rest = exact.fixed_point(exact.reptile_weights(A, 0.5, 2000), c)
    return Claim(rest, c.mean(axis=0), tolerance=1e-12)


@theorem(lesson="maml", source=ALGEBRA)
def a_solved_task_has_no_weight():
    """A task of curvature 1/a is solved by one step, so it has no influence on MAML's optimum."""
    A = numpy.stack([numpy.diag([2.0, 2.0, 2.0]), numpy.diag([0.5, 1.0, 1.5])])
    c = numpy.array([[9.0, 9.0, 9.0], [1.0, 2.0, 3.0]])
    learner, task = maml.learner(LINE, mse, 0.5, 1), from_quadratics(A, c)
    gradient = meta_gradient(learner, parameters(c[1]), task)["w"]
    return Claim(gradient, numpy.zeros((3, 1)), tolerance=1e-12)
