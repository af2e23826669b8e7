"""Theorems on learned starts: what each method's outer loop follows, and where it comes to rest.

The tasks are quadratics with a different curvature each, given as data that a linear network fits
(tasks/quadratics.py): every method runs unchanged, and linear algebra says what it owes.
"""

import functools
import itertools

import numpy

from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.exact import quadratics as exact
from minimeta.initializations import (
    anil,
    fine_tuning,
    fomaml,
    imaml,
    maml,
    meta_sgd,
    reptile,
)
from minimeta.meta import meta_loss
from minimeta.nets import Net
from minimeta.tasks import Data, Task
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.tasks.regression import linear
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


@theorem(
    "MAML's meta-gradient is mean (I-aA)^k A (I-aA)^k (theta-c), k = 1..5.", lesson=5, source=FINN
)
def maml_meta_gradient():
    return for_every_step(lambda a, k: maml.learner(LINE, mse, a, k), exact.maml_weights)


@theorem("FOMAML's meta-gradient is mean A (I-aA)^k (theta-c), k = 1..5.", lesson=6, source=FINN)
def fomaml_meta_gradient():
    return for_every_step(lambda a, k: fomaml.learner(LINE, mse, a, k), exact.fomaml_weights)


@theorem("Reptile's direction is mean (I - (I-aA)^k) (theta-c), k = 1..5.", lesson=6, source=NICHOL)
def reptile_direction():
    A, c, theta, a = family()
    task, meta = from_quadratics(A, c), {"w": theta[:, None]}
    follow = lambda k: reptile.meta_gradient(LINE, mse, sgd(a), k)(meta, task)[1]["w"][:, 0]
    exactly = [exact.meta_gradient(theta, exact.reptile_weights(A, a, k), c) for k in STEPS]
    return Claim([follow(k) for k in STEPS], exactly, tolerance=1e-12)


@theorem(
    "FOMAML and MAML differ by exactly ((I-aA)^k - I) A (I-aA)^k (theta-c).",
    lesson=6,
    source=NICHOL,
)
def what_first_order_leaves_out():
    A, c, theta, a = family(seed=1)
    task, k = from_quadratics(A, c), 2
    found = slope(maml.learner(LINE, mse, a, k), theta, task)
    found = found - slope(fomaml.learner(LINE, mse, a, k), theta, task)
    step = numpy.eye(3) - a * A
    dropped = (step @ step - numpy.eye(3)) @ A @ step @ step @ (theta - c)[..., None]
    return Claim(found, dropped.mean(axis=0)[:, 0], tolerance=1e-12)


@theorem(
    "With one curvature for all tasks, MAML, FOMAML and joint training agree where to rest.",
    lesson=6,
    source=LINEAR_ALGEBRA,
)
def equal_curvatures_make_the_methods_agree():
    A, c, _, a = family()
    same = numpy.broadcast_to(A[:1], A.shape)
    points = [
        exact.fixed_point(w(same, a, 3), c) for w in (exact.maml_weights, exact.fomaml_weights)
    ]
    return Claim([*points, exact.joint_optimum(same, c)], 3 * [c.mean(axis=0)], tolerance=1e-10)


@theorem(
    "Joint training follows mean A (theta-c): it does not know of the steps to come.",
    lesson=5,
    source=LINEAR_ALGEBRA,
)
def joint_gradient():
    A, c, theta, _ = family()
    task = from_quadratics(A, c)
    _, found = fine_tuning.joint_gradient(LINE)({"w": theta[:, None]}, task)
    return Claim(
        found["w"][:, 0], numpy.mean((A @ (theta - c)[..., None])[..., 0], 0), tolerance=1e-13
    )


@theorem(
    "MAML++'s multi-step loss weighs sum_j v_j (I-aA)^j A (I-aA)^j.",
    lesson=6,
    source="Antoniou et al. 2018",
)
def multi_step_gradient():
    A, c, theta, a = family()
    loss = maml.multi_step_loss(LINE, [0.1, 0.2, 0.3, 0.4], step_size=a)
    _, found = value_and_grad(loss)({"w": theta[:, None]}, from_quadratics(A, c))
    W = exact.multi_step_weights(A, a, [0.1, 0.2, 0.3, 0.4])
    return Claim(found["w"][:, 0], exact.meta_gradient(theta, W, c), tolerance=1e-12)


@theorem(
    "All weight on the last step makes the multi-step loss MAML's.",
    lesson=6,
    source="Antoniou et al. 2018",
)
def multi_step_ends_in_maml():
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


@theorem(
    "Trained by its own meta-gradient, MAML rests at the weighted mean of the minima.",
    lesson=5,
    source=FINN,
)
def maml_fixed_point():
    A, c, _, _ = family(seed=2)
    found = descended(maml.learner(LINE, mse, 0.5, 1), A, c, rate=2.0, steps=1500)
    return Claim(found, exact.fixed_point(exact.maml_weights(A, 0.5, 1), c), tolerance=1e-8)


@theorem("FOMAML rests elsewhere: at the mean weighted by A (I-aA)^k.", lesson=6, source=NICHOL)
def fomaml_fixed_point():
    A, c, _, _ = family(seed=2)
    found = descended(fomaml.learner(LINE, mse, 0.5, 1), A, c, rate=2.0, steps=1500)
    return Claim(found, exact.fixed_point(exact.fomaml_weights(A, 0.5, 1), c), tolerance=1e-8)


@theorem("FOMAML with 2k steps rests where MAML with k does.", lesson=6, source=LINEAR_ALGEBRA)
def fomaml_with_twice_the_steps():
    A, c, _, a = family(seed=2)
    points = exact.fomaml_weights(A, a, 6), exact.maml_weights(A, a, 3)
    return Claim(*(exact.fixed_point(W, c) for W in points), tolerance=1e-10)


@theorem("Reptile rests at the mean weighted by I - (I-aA)^k.", lesson=6, source=NICHOL)
def reptile_fixed_point():
    A, c, _, _ = family(seed=2)
    found = descended(reptile.meta_gradient(LINE, mse, sgd(0.5), 3), A, c, rate=1.0, steps=400)
    return Claim(found, exact.fixed_point(exact.reptile_weights(A, 0.5, 3), c), tolerance=1e-8)


@theorem(
    "With very many inner steps Reptile rests at the plain mean of the task minima.",
    lesson=6,
    source=NICHOL,
)
def reptile_with_many_steps():
    A, c, _, _ = family(seed=2)
    return Claim(
        exact.fixed_point(exact.reptile_weights(A, 0.5, 2000), c), c.mean(0), tolerance=1e-12
    )


@theorem(
    "A task whose curvature is 1/a is solved by one step and has no say in MAML's optimum.",
    lesson=5,
    source=LINEAR_ALGEBRA,
)
def a_solved_task_has_no_weight():
    A = numpy.stack([numpy.diag([2.0, 2.0, 2.0]), numpy.diag([0.5, 1.0, 1.5])])
    c = numpy.array([[9.0, 9.0, 9.0], [1.0, 2.0, 3.0]])
    task, meta = from_quadratics(A, c), {"w": c[1][:, None]}
    found = grad(lambda m: meta_loss(maml.learner(LINE, mse, 0.5, 1), m, task))(meta)["w"]
    return Claim(found, numpy.zeros((3, 1)), tolerance=1e-12)


@theorem(
    "ANIL's meta-gradient is J'AJ (theta-c) with J = (I-aEA)^k, E the adapted coordinates.",
    lesson=6,
    source="Raghu et al. 2020",
)
def anil_meta_gradient():
    A, c, theta, a = family()
    task, meta = from_quadratics(A, c), {"body": theta[:2, None], "head": theta[2:, None]}
    join = lambda p: numpy.array([[1.0, 0], [0, 1], [0, 0]]) @ p["body"] + _last() @ p["head"]
    split = Net(lambda rng: meta, lambda p, x: x @ join(p))
    found = []
    for k in STEPS:
        learner = anil.learner(split, "head", mse, a, k)
        slopes = grad(lambda m, learner=learner: meta_loss(learner, m, task))(meta)
        found.append(numpy.concatenate([slopes["body"], slopes["head"]])[:, 0])
    only_last = numpy.array([0.0, 0.0, 1.0])
    exactly = [exact.meta_gradient(theta, exact.anil_weights(A, a, k, only_last), c) for k in STEPS]
    return Claim(found, exactly, tolerance=1e-12)


def _last():
    return numpy.array([[0.0], [0.0], [1.0]])


@theorem(
    "A linear ANIL whose head is solved is PCA: the best body spans the leading directions.",
    lesson=6,
    source="Raghu et al. 2020; Eckart & Young 1936",
)
def anil_is_principal_components():
    rng = numpy.random.default_rng(0)
    spectrum = numpy.array([3.0, 1.0, 0.2])
    directions, _ = numpy.linalg.qr(rng.normal(size=(3, 3)))
    covariance = directions * spectrum @ directions.T
    W = directions * numpy.sqrt(3 * spectrum)  # three task weights with exactly this covariance
    risk = lambda B: 0.5 * numpy.mean(numpy.sum((W - B @ numpy.linalg.pinv(B) @ W) ** 2, axis=0))
    body, data = rng.normal(size=(3, 2)), numpy.sqrt(1.5) * numpy.eye(3)  # mse = |error|^2 / 2
    task = Task(*2 * [Data(numpy.stack(3 * [data]), numpy.stack([data @ w[:, None] for w in W.T]))])
    net = Net(None, lambda p, x: x @ p["body"] @ p["head"])
    learner = anil.learner(net, "head", mse, 0.5, 60)
    meta = {"body": numpy.linalg.qr(body)[0], "head": numpy.zeros((2, 1))}
    follow = grad(lambda m: meta_loss(learner, m, task))
    for _ in range(60):
        moved = meta["body"] - 0.3 * follow(meta)["body"]
        meta = {**meta, "body": numpy.linalg.qr(moved)[0]}
    return Claim(risk(meta["body"]), exact.shared_subspace_risk(covariance, 2), tolerance=1e-8)


@theorem(
    "Meta-SGD's slope for its step sizes is -g * A(I - diag(alpha)A)(theta-c), g = A(theta-c).",
    lesson=6,
    source="Li et al. 2017",
)
def meta_sgd_slope_of_step_sizes():
    A, c, theta, _ = family()
    alpha = numpy.array([0.2, -0.1, 0.5])
    meta = {"theta": {"w": theta[:, None]}, "alpha": {"w": alpha[:, None]}}
    found = grad(lambda m: meta_loss(meta_sgd.learner(LINE), m, from_quadratics(A, c)))(meta)
    g = A @ (theta - c)[..., None]
    J = numpy.eye(3) - alpha[:, None] * A
    exactly = [numpy.mean(-g * (A @ J @ (theta - c)[..., None]), 0), exact_theta(A, J, theta, c)]
    return Claim([found["alpha"]["w"], found["theta"]["w"]], exactly, tolerance=1e-12)


def exact_theta(A, J, theta, c):
    return numpy.mean(numpy.swapaxes(J, -1, -2) @ A @ J @ (theta - c)[..., None], axis=0)


@theorem(
    "On axis-aligned tasks of one curvature Meta-SGD's best rates are 1/a: one step solves all.",
    lesson=6,
    source="Li et al. 2017",
)
def meta_sgd_learns_newton():
    a, c = numpy.array([0.5, 1.0, 4.0]), numpy.random.default_rng(0).normal(size=(6, 3))
    A = numpy.broadcast_to(numpy.diag(a), (6, 3, 3))
    rates = exact.best_step_per_coordinate(numpy.broadcast_to(a, (6, 3)), c**2)
    meta = {"theta": {"w": numpy.zeros((3, 1))}, "alpha": {"w": rates[:, None]}}
    task = from_quadratics(A, c)
    left = meta_loss(meta_sgd.learner(LINE), meta, task)
    return Claim([left, *rates], [0.0, *1 / a], tolerance=1e-12)


@theorem(
    "With curvatures that vary, Meta-SGD's best rate per coordinate is E[a^2 v]/E[a^3 v].",
    lesson=6,
    source="Li et al. 2017; one derivative",
)
def meta_sgd_best_rates():
    rng = numpy.random.default_rng(0)
    a, c = rng.uniform(0.5, 2.0, size=(7, 3)), rng.normal(size=(7, 3))
    rates = exact.best_step_per_coordinate(a, c**2)
    meta = {"theta": {"w": numpy.zeros((3, 1))}, "alpha": {"w": rates[:, None]}}
    task = from_quadratics(numpy.stack([numpy.diag(row) for row in a]), c)
    slopes = grad(lambda m: meta_loss(meta_sgd.learner(LINE), m, task))(meta)
    return Claim(slopes["alpha"]["w"], numpy.zeros((3, 1)), tolerance=1e-13)


def implicit(A, c, theta, strength, step_size, steps, cg_steps=3):
    follow = imaml.meta_gradient(LINE, mse, strength, step_size, steps, cg_steps)
    return follow({"w": theta[:, None]}, from_quadratics(A, c))[1]["w"][:, 0]


@theorem(
    "iMAML's gradient is mean B A B (theta-c) with B = (I + A/lam)^-1.",
    lesson=6,
    source="Rajeswaran et al. 2019",
)
def imaml_meta_gradient():
    A, c, theta, _ = family()
    exactly = exact.meta_gradient(theta, exact.imaml_weights(A, 2.0), c)
    return Claim(implicit(A, c, theta, 2.0, 0.3, 200), exactly, tolerance=1e-12)


@theorem(
    "iMAML's gradient does not depend on the path: two step sizes, one answer.",
    lesson=6,
    source="Rajeswaran et al. 2019",
)
def imaml_forgets_the_path():
    A, c, theta, _ = family()
    runs = [implicit(A, c, theta, 2.0, size, steps) for size, steps in [(0.05, 900), (0.45, 150)]]
    return Claim(runs[0], runs[1], tolerance=1e-12)


@theorem(
    "MAML through ever more steps of iMAML's inner problem converges to the implicit gradient.",
    lesson=6,
    source="Rajeswaran et al. 2019",
)
def unrolling_converges_to_the_implicit_gradient():
    A, c, theta, _ = family()
    inner = lambda k: imaml.learner(LINE, mse, 2.0, 0.3, k)
    task = from_quadratics(A, c)
    exactly = exact.meta_gradient(theta, exact.imaml_weights(A, 2.0), c)
    gaps = [numpy.abs(slope(inner(k), theta, task) - exactly).max() for k in (5, 10, 40)]
    assert gaps[0] > 10 * gaps[1] > 1e-12, "the unrolled gradient must still be on its way"
    return Claim(gaps[2], 0.0, tolerance=1e-12)


@theorem(
    "Conjugate gradients solve a D-dimensional system in D steps, for every task at once.",
    lesson=6,
    source="Hestenes & Stiefel 1952",
)
def conjugate_gradients_are_exact():
    A, c, _, _ = family(tasks=4)
    found = imaml.conjugate_gradients(lambda v: {"w": A @ v["w"]}, {"w": c[..., None]}, 3)
    return Claim(found["w"], numpy.linalg.solve(A, c[..., None]), tolerance=1e-8)


@theorem(
    "MAML's best inner step on K noisy shots is 1/(1 + (D+1)/K + s^2 D/(K V)).",
    lesson=5,
    source="Wick's theorem",
)
def best_step_minimises_the_risk():
    setting = {"dimension": 4, "shots": 5, "noise_variance": 0.25, "variance": 1.7}
    best, h = exact.best_step(**setting), 1e-4
    risk = lambda a: exact.risk_after_step(a, **setting)
    parabola = best - h * (risk(best + h) - risk(best - h)) / (
        2 * (risk(best + h) - 2 * risk(best) + risk(best - h))
    )
    return Claim(parabola, best, tolerance=1e-8)


@theorem(
    "The risk after one inner step on K noisy shots is what the formula says.",
    lesson=5,
    source="Wick's theorem",
)
def risk_after_one_step_is_met():
    D, K, noise, variance, tasks = 4, 5, 0.25, 1.7, 20_000
    net = Net(None, lambda p, x: x @ p["w"])
    rng = numpy.random.default_rng(0)
    task = linear(rng, tasks, K, 64, variance / D * numpy.eye(D), noise_variance=noise)
    learner = maml.learner(net, mse, 0.15, 1)  # mse has no 1/2: its step 0.15 is 0.3 on half of it
    state = learner.adapt({"w": numpy.zeros((D, 1))}, task.support)
    errors = mse(net.apply(state, task.query.x), task.query.y) - noise
    exactly = 2 * exact.risk_after_step(0.3, D, K, noise, variance)
    return Claim(errors.mean(), exactly, standard_error=errors.std() / tasks**0.5)


def minibatches():
    """Four minibatches of one task: Hessians H (4, 2, 2), minima c (4, 2), and a start."""
    rng = numpy.random.default_rng(3)
    H, c = draw_quadratics(rng, 4, 2)
    return H, c, rng.normal(size=2)


def averaged(direction, count):
    """The mean of direction(i, j, ...) over all draws of `count` minibatches, with replacement."""
    draws = itertools.product(range(4), repeat=count)
    return numpy.mean([direction(*draw) for draw in draws], axis=0)


def walk(H, c, theta, a, draw):
    """theta after one gradient step on each drawn minibatch."""
    return functools.reduce(lambda t, i: t - a * H[i] @ (t - c[i]), draw, theta)


@theorem(
    "One FOMAML step is AvgGrad - a AvgGradInner, exactly, on quadratics.", lesson=6, source=NICHOL
)
def fomaml_expansion_is_exact_on_quadratics():
    H, c, theta = minibatches()
    follow = lambda i, j: H[j] @ (walk(H, c, theta, 0.3, [i]) - c[j])
    g = (H @ (theta - c)[..., None])[..., 0]
    a, b = exact.expansion("fomaml", 0.3, 1)
    return Claim(averaged(follow, 2), a * g.mean(0) + b * H.mean(0) @ g.mean(0), tolerance=1e-13)


@theorem(
    "Two Reptile steps are 2 AvgGrad - a AvgGradInner, exactly, on quadratics.",
    lesson=6,
    source=NICHOL,
)
def reptile_expansion_is_exact_on_quadratics():
    H, c, theta = minibatches()
    follow = lambda i, j: (theta - walk(H, c, theta, 0.3, [i, j])) / 0.3
    g = (H @ (theta - c)[..., None])[..., 0]
    a, b = exact.expansion("reptile", 0.3, 2)
    return Claim(averaged(follow, 2), a * g.mean(0) + b * H.mean(0) @ g.mean(0), tolerance=1e-13)


@theorem(
    "One MAML step is AvgGrad - 2a AvgGradInner up to a^2: halving a quarters the rest.",
    lesson=6,
    source=NICHOL,
)
def maml_expansion_is_second_order():
    H, c, theta = minibatches()
    g = (H @ (theta - c)[..., None])[..., 0]

    def rest(size):
        step = lambda i: numpy.eye(2) - size * H[i]
        follow = lambda i, j: step(i) @ H[j] @ (walk(H, c, theta, size, [i]) - c[j])
        a, b = exact.expansion("maml", size, 1)
        return averaged(follow, 2) - a * g.mean(0) - b * H.mean(0) @ g.mean(0)

    return Claim(rest(0.3), 4 * rest(0.15), tolerance=1e-13)
