"""Theorems on learned starts: what each method's outer loop follows, and where it comes to rest.

The tasks are quadratics with a different curvature each, given as data that a linear network fits
(tasks/quadratics.py): every method runs unchanged, and linear algebra says what it owes.
"""

import numpy

from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.exact import quadratics as exact
from minimeta.initializations import (
    fine_tuning,
    fomaml,
    maml,
    reptile,
)
from minimeta.meta import meta_loss
from minimeta.nets import Net
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.theorems import Claim, theorem

FINN = "Finn, Abbeel & Levine 2017"
NICHOL = "Nichol, Achiam & Schulman 2018"
LINEAR_ALGEBRA = "linear algebra"
STEPS = range(1, 6)
LINE = Net(lambda rng: {"w": rng.normal(size=(3, 1))}, lambda theta, x: x @ theta["w"])


def family(seed=0, tasks=5, dimension=3, stiffness=0.9):
    """Quadratics A, c, a start theta, an inner step at `stiffness` times the stability limit."""
    rng = numpy.random.default_rng(seed)
    A, c = draw_quadratics(rng, tasks, dimension)
    step_size = stiffness * exact.stability_limit(A).min()
    return A, c, rng.normal(size=dimension), step_size


def slope(learner, theta, task):
    """The meta-gradient that the code computes: (D,)."""
    meta = {"w": theta[:, None]}
    return grad(lambda meta: meta_loss(learner, meta, task))(meta)["w"][:, 0]


def for_every_step(make, weights):
    """The code's and the exact meta-gradients for 1 to 5 inner steps, as one claim."""
    A, c, theta, a = family()
    task = from_quadratics(A, c)
    found = [slope(make(a, k), theta, task) for k in STEPS]
    exactly = [exact.meta_gradient(theta, weights(A, a, k), c) for k in STEPS]
    return Claim(found, exactly, tolerance=1e-12)


@theorem(lesson="maml", source=FINN)
def maml_meta_gradient():
    """MAML's meta-gradient is mean (I-aA)^k A (I-aA)^k (theta-c), k = 1..5."""
    return for_every_step(lambda a, k: maml.learner(LINE, mse, a, k), exact.maml_weights)


@theorem(lesson="first_order", source=FINN)
def fomaml_meta_gradient():
    """FOMAML's meta-gradient is mean A (I-aA)^k (theta-c), k = 1..5."""
    return for_every_step(lambda a, k: fomaml.learner(LINE, mse, a, k), exact.fomaml_weights)


@theorem(lesson="first_order", source=NICHOL)
def reptile_direction():
    """Reptile's direction is mean (I - (I-aA)^k) (theta-c), k = 1..5."""
    A, c, theta, a = family()
    task, meta = from_quadratics(A, c), {"w": theta[:, None]}
    follow = lambda k: reptile.meta_gradient(LINE, mse, sgd(a), k)(meta, task)[1]["w"][:, 0]
    exactly = [exact.meta_gradient(theta, exact.reptile_weights(A, a, k), c) for k in STEPS]
    return Claim([follow(k) for k in STEPS], exactly, tolerance=1e-12)


@theorem(lesson="first_order", source=NICHOL)
def what_first_order_leaves_out():
    """FOMAML and MAML differ by exactly ((I-aA)^k - I) A (I-aA)^k (theta-c)."""
    A, c, theta, a = family(seed=1)
    task, k = from_quadratics(A, c), 2
    found = slope(maml.learner(LINE, mse, a, k), theta, task)
    found = found - slope(fomaml.learner(LINE, mse, a, k), theta, task)
    step = numpy.eye(3) - a * A
    dropped = (step @ step - numpy.eye(3)) @ A @ step @ step @ (theta - c)[..., None]
    return Claim(found, dropped.mean(axis=0)[:, 0], tolerance=1e-12)


@theorem(lesson="first_order", source=LINEAR_ALGEBRA)
def equal_curvatures_make_the_methods_agree():
    """With one curvature for all tasks, MAML, FOMAML and joint training agree where to rest."""
    A, c, _, a = family()
    same = numpy.broadcast_to(A[:1], A.shape)
    points = [
        exact.fixed_point(w(same, a, 3), c) for w in (exact.maml_weights, exact.fomaml_weights)
    ]
    return Claim([*points, exact.joint_optimum(same, c)], 3 * [c.mean(axis=0)], tolerance=1e-10)


@theorem(lesson="maml", source=LINEAR_ALGEBRA)
def joint_gradient():
    """Joint training follows mean A (theta-c): it does not know of the steps to come."""
    A, c, theta, _ = family()
    task = from_quadratics(A, c)
    _, found = fine_tuning.joint_gradient(LINE)({"w": theta[:, None]}, task)
    return Claim(
        found["w"][:, 0], numpy.mean((A @ (theta - c)[..., None])[..., 0], 0), tolerance=1e-13
    )


@theorem(lesson="first_order", source="Antoniou et al. 2018")
def multi_step_gradient():
    """MAML++'s multi-step loss weighs sum_j v_j (I-aA)^j A (I-aA)^j."""
    A, c, theta, a = family()
    loss = maml.multi_step_loss(LINE, [0.1, 0.2, 0.3, 0.4], step_size=a)
    _, found = value_and_grad(loss)({"w": theta[:, None]}, from_quadratics(A, c))
    W = exact.multi_step_weights(A, a, [0.1, 0.2, 0.3, 0.4])
    return Claim(found["w"][:, 0], exact.meta_gradient(theta, W, c), tolerance=1e-12)


@theorem(lesson="first_order", source="Antoniou et al. 2018")
def multi_step_ends_in_maml():
    """All weight on the last step makes the multi-step loss MAML's."""
    A, c, theta, a = family()
    task, meta = from_quadratics(A, c), {"w": theta[:, None]}
    last = maml.multi_step_loss(LINE, [0.0, 0.0, 1.0], step_size=a)
    return Claim(
        last(meta, task), meta_loss(maml.learner(LINE, mse, a, 2), meta, task), tolerance=1e-14
    )


def descended(learner_or_slope, A, c, rate, steps=4000):
    """Where plain gradient descent on the outer loop comes to rest."""
    task, meta = from_quadratics(A, c), {"w": numpy.zeros((3, 1))}
    follow = learner_or_slope
    if not callable(follow):
        follow = value_and_grad(lambda meta, task: meta_loss(learner_or_slope, meta, task))
    for _ in range(steps):
        meta = {"w": meta["w"] - rate * follow(meta, task)[1]["w"]}
    return meta["w"][:, 0]


@theorem(lesson="maml", source=FINN)
def maml_fixed_point():
    """Trained by its own meta-gradient, MAML rests at the weighted mean of the minima."""
    A, c, _, _ = family(seed=2)
    found = descended(maml.learner(LINE, mse, 0.5, 1), A, c, rate=2.0, steps=1500)
    return Claim(found, exact.fixed_point(exact.maml_weights(A, 0.5, 1), c), tolerance=1e-8)


@theorem(lesson="first_order", source=NICHOL)
def fomaml_fixed_point():
    """FOMAML rests elsewhere: at the mean weighted by A (I-aA)^k."""
    A, c, _, _ = family(seed=2)
    found = descended(fomaml.learner(LINE, mse, 0.5, 1), A, c, rate=2.0, steps=1500)
    return Claim(found, exact.fixed_point(exact.fomaml_weights(A, 0.5, 1), c), tolerance=1e-8)


@theorem(lesson="first_order", source=LINEAR_ALGEBRA)
def fomaml_with_twice_the_steps():
    """FOMAML with 2k steps rests where MAML with k does."""
    A, c, _, a = family(seed=2)
    points = exact.fomaml_weights(A, a, 6), exact.maml_weights(A, a, 3)
    return Claim(*(exact.fixed_point(W, c) for W in points), tolerance=1e-10)


@theorem(lesson="first_order", source=NICHOL)
def reptile_fixed_point():
    """Reptile rests at the mean weighted by I - (I-aA)^k."""
    A, c, _, _ = family(seed=2)
    found = descended(reptile.meta_gradient(LINE, mse, sgd(0.5), 3), A, c, rate=1.0, steps=400)
    return Claim(found, exact.fixed_point(exact.reptile_weights(A, 0.5, 3), c), tolerance=1e-8)


@theorem(lesson="first_order", source=NICHOL)
def reptile_with_many_steps():
    """With very many inner steps Reptile rests at the plain mean of the task minima."""
    A, c, _, _ = family(seed=2)
    return Claim(
        exact.fixed_point(exact.reptile_weights(A, 0.5, 2000), c), c.mean(0), tolerance=1e-12
    )


@theorem(lesson="maml", source=LINEAR_ALGEBRA)
def a_solved_task_has_no_weight():
    """A task whose curvature is 1/a is solved by one step and has no say in MAML's optimum."""
    A = numpy.stack([numpy.diag([2.0, 2.0, 2.0]), numpy.diag([0.5, 1.0, 1.5])])
    c = numpy.array([[9.0, 9.0, 9.0], [1.0, 2.0, 3.0]])
    task, meta = from_quadratics(A, c), {"w": c[1][:, None]}
    found = grad(lambda m: meta_loss(maml.learner(LINE, mse, 0.5, 1), m, task))(meta)["w"]
    return Claim(found, numpy.zeros((3, 1)), tolerance=1e-12)
