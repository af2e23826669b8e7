"""Theorems on MAML's relatives that change the inner loop: ANIL, Meta-SGD and iMAML.

As in theorems/initializations.py, the tasks are quadratics given as data for a linear network. In
those at the end, examples are classified by a network whose last layer starts at zero.
"""

import numpy

from minimeta.core.losses import cross_entropy, log_softmax, mse
from minimeta.embeddings import prototypical
from minimeta.exact import class_gaussians
from minimeta.exact import quadratics as exact
from minimeta.initializations import anil, imaml, maml, meta_sgd
from minimeta.meta import meta_loss
from minimeta.nets import Net, linear, mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.quadratics import from_quadratics
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import ALGEBRA, HESTENES, LINE, draw_family, meta_gradient, parameters

LI, RAGHU, RAJESWARAN = "Li et al. 2017", "Raghu et al. 2020", "Rajeswaran et al. 2019"
STEPS = range(1, 6)
WAYS, SHOTS, STEP_SIZE = 4, 3, 2.0  # of the tasks of classes


@theorem(lesson="inner_loop", source=RAGHU)
def anil_meta_gradient():
    """ANIL's meta-gradient is mean J'A J (theta-c), J = (I-aEA)^k, E the adapted coordinates."""
    A, c, theta, a = draw_family()
    task, meta = from_quadratics(A, c), {"body": theta[:2, None], "head": theta[2:, None]}
    rows = numpy.eye(3)  # the body holds the first two weights, the head the last
    join = lambda p: rows[:, :2] @ p["body"] + rows[:, 2:] @ p["head"]
    split = Net(None, lambda p, x: x @ join(p))
    learners = [anil.learner(split, "head", mse, a, k) for k in STEPS]
    computed = [join(meta_gradient(learner, meta, task))[:, 0] for learner in learners]
    weights = [exact.anil_weights(A, a, k, rows[2]) for k in STEPS]
    return Claim(computed, [exact.meta_gradient(theta, W, c) for W in weights], tolerance=1e-12)


@theorem(lesson="inner_loop", source=f"{RAGHU}; Eckart & Young 1936")
def anil_is_principal_components():
    """A linear ANIL with a solved head is PCA: its best body spans the leading directions."""
    rng = numpy.random.default_rng(0)
    spectrum = numpy.array([3.0, 1.0, 0.2])
    directions, _ = numpy.linalg.qr(rng.normal(size=(3, 3)))
    covariance = directions * spectrum @ directions.T
    W = directions * numpy.sqrt(3 * spectrum)  # three task weights with exactly this covariance
    risk = lambda B: 0.5 * numpy.mean(numpy.sum((W - B @ numpy.linalg.pinv(B) @ W) ** 2, axis=0))
    body, data = rng.normal(size=(3, 2)), numpy.sqrt(1.5) * numpy.eye(3)  # mse = |error|^2 / 2
    task = Task(*2 * [Data(numpy.stack(3 * [data]), numpy.stack([data @ w[:, None] for w in W.T]))])
    net = Net(None, lambda p, x: x @ p["body"] @ p["head"])
    learner = anil.learner(net, "head", mse, 0.5, 20)
    meta = {"body": numpy.linalg.qr(body)[0], "head": numpy.zeros((2, 1))}
    for _ in range(60):
        moved = meta["body"] - 0.3 * meta_gradient(learner, meta, task)["body"]
        meta = {**meta, "body": numpy.linalg.qr(moved)[0]}
    return Claim(risk(meta["body"]), exact.shared_subspace_risk(covariance, 2), tolerance=1e-8)


@theorem(lesson="inner_loop", source=LI)
def meta_sgd_gradient_of_step_sizes():
    """Meta-SGD's gradient in alpha is mean -g * A (I - diag(alpha) A) (theta-c), g = A(theta-c)."""
    A, c, theta, _ = draw_family()
    alpha = numpy.array([0.2, -0.1, 0.5])
    meta = {"theta": parameters(theta), "alpha": parameters(alpha)}
    gradient = meta_gradient(meta_sgd.learner(LINE), meta, from_quadratics(A, c))
    g = A @ (theta - c)[..., None]  # (M, D, 1)
    J = numpy.eye(3) - alpha[:, None] * A
    after = A @ J @ (theta - c)[..., None]  # the gradient at the query, after the step
    expected = [numpy.mean(-g * after, 0), numpy.mean(numpy.swapaxes(J, -1, -2) @ after, 0)]
    return Claim([gradient["alpha"]["w"], gradient["theta"]["w"]], expected, tolerance=1e-12)


@theorem(lesson="inner_loop", source=LI)
def meta_sgd_learns_newton():
    """On axis-aligned tasks of one curvature, Meta-SGD's best step sizes 1/a solve every task."""
    a, c = numpy.array([0.5, 1.0, 4.0]), numpy.random.default_rng(0).normal(size=(6, 3))
    A = numpy.broadcast_to(numpy.diag(a), (6, 3, 3))
    rates = exact.best_step_per_coordinate(numpy.broadcast_to(a, (6, 3)), c**2)
    meta = {"theta": parameters(numpy.zeros(3)), "alpha": parameters(rates)}
    task = from_quadratics(A, c)
    left = meta_loss(meta_sgd.learner(LINE), meta, task)
    return Claim([left, *rates], [0.0, *1 / a], tolerance=1e-12)


@theorem(lesson="inner_loop", source=f"{LI}; one derivative")
def meta_sgd_best_rates():
    """If curvatures a vary, Meta-SGD's best step size of a coordinate is E[a^2 v] / E[a^3 v]."""
    rng = numpy.random.default_rng(0)
    a, c = rng.uniform(0.5, 2.0, size=(7, 3)), rng.normal(size=(7, 3))
    rates = exact.best_step_per_coordinate(a, c**2)
    meta = {"theta": parameters(numpy.zeros(3)), "alpha": parameters(rates)}
    task = from_quadratics(numpy.stack([numpy.diag(row) for row in a]), c)
    gradient = meta_gradient(meta_sgd.learner(LINE), meta, task)
    return Claim(gradient["alpha"]["w"], numpy.zeros((3, 1)), tolerance=1e-13)


def implicit_gradient(A, c, theta, strength, step_size, steps, cg_steps=3):
    """What iMAML follows, its inner problem solved by gradient descent: (D,)."""
    follow = imaml.meta_gradient(LINE, mse, strength, step_size, steps, cg_steps)
    return follow(parameters(theta), from_quadratics(A, c))[1]["w"][:, 0]


@theorem(lesson="inner_loop", source=RAJESWARAN)
def imaml_meta_gradient():
    """iMAML's meta-gradient is mean B A B (theta-c) with B = (I + A/lam)^-1."""
    A, c, theta, _ = draw_family()
    expected = exact.meta_gradient(theta, exact.imaml_weights(A, 2.0), c)
    return Claim(implicit_gradient(A, c, theta, 2.0, 0.3, 200), expected, tolerance=1e-12)


@theorem(lesson="inner_loop", source=RAJESWARAN)
def imaml_forgets_the_path():
    """iMAML's meta-gradient does not depend on the inner path: two step sizes give the same."""
    A, c, theta, _ = draw_family()
    slow = implicit_gradient(A, c, theta, 2.0, 0.05, 900)
    fast = implicit_gradient(A, c, theta, 2.0, 0.45, 150)
    return Claim(slow, fast, tolerance=1e-12)


@theorem(lesson="inner_loop", source=RAJESWARAN)
def unrolling_converges_to_the_implicit_gradient():
    """The gradient through ever more steps of iMAML's inner problem tends to the implicit one."""
    A, c, theta, _ = draw_family()
    task, meta = from_quadratics(A, c), parameters(theta)
    unrolled = lambda k: meta_gradient(imaml.learner(LINE, mse, 2.0, 0.3, k), meta, task)["w"][:, 0]
    expected = exact.meta_gradient(theta, exact.imaml_weights(A, 2.0), c)
    gaps = [numpy.abs(unrolled(k) - expected).max() for k in (5, 10, 40)]
    assert gaps[0] > 10 * gaps[1] > 1e-12, "the unrolled gradient must still be on its way"
    return Claim(gaps[2], 0.0, tolerance=1e-12)


@theorem(lesson="inner_loop", source=HESTENES)
def conjugate_gradients_are_exact():
    """Conjugate gradients solve a system of D equations in D steps, for every task at once."""
    A, c, _, _ = draw_family(tasks=4)
    solution = imaml.conjugate_gradients(lambda v: {"w": A @ v["w"]}, {"w": c[..., None]}, 3)
    return Claim(solution["w"], numpy.linalg.solve(A, c[..., None]), tolerance=1e-8)


# ---- Classes, and a last layer that starts at zero ----


def draw_classes(shots=SHOTS):
    """Five tasks of Gaussian classes in three dimensions."""
    rng = numpy.random.default_rng(0)
    return class_gaussians.sample(rng, 5, shots, 2, WAYS, numpy.eye(3), 0.5 * numpy.eye(3))


def classifier():
    """A network for these tasks, and its parameters with a last layer of zeros."""
    net = mlp([3, 6, WAYS])
    first, last = net.init(numpy.random.default_rng(1))
    return net, [first, {name: numpy.zeros_like(leaf) for name, leaf in last.items()}]


def answers(learner, meta, task):
    """The logits of the queries after adapting to the support: (M, Q, C)."""
    return learner.predict(meta, learner.adapt(meta, task.support), task.query.x)


@theorem(lesson="inner_loop", source=ALGEBRA)
def anil_step_from_zeros():
    """One ANIL step of size a from a zero head gives class c of N the logit (a/N) h.(m_c - m).

    h are a query's features, m_c is the mean of the features of class c and m that of all. The
    gradient of the mean cross-entropy at a zero head is mean h (1/N - y), for labels y.
    """
    (net, theta), task = classifier(), draw_classes()
    support, query = (numpy.maximum(d.x @ theta[0]["W"] + theta[0]["b"], 0.0) for d in task)
    means = support.reshape(5, SHOTS, WAYS, -1).mean(axis=1)  # (M, C, H), as classes take turns
    centred = means - means.mean(axis=1, keepdims=True)
    expected = STEP_SIZE / WAYS * numpy.einsum("mqh,mch->mqc", query, centred)
    computed = answers(anil.learner(net, -1, cross_entropy, STEP_SIZE), theta, task)
    return Claim(computed, expected, tolerance=1e-12)


@theorem(lesson="inner_loop", source=ALGEBRA)
def maml_step_from_zeros_is_anil():
    """MAML's first step from a zero last layer moves that layer alone: it is ANIL's step."""
    (net, theta), task = classifier(), draw_classes()
    computed = answers(maml.learner(net, cross_entropy, STEP_SIZE), theta, task)
    expected = answers(anil.learner(net, -1, cross_entropy, STEP_SIZE), theta, task)
    return Claim(computed, expected, tolerance=1e-12)


@theorem(lesson="prototypes", source=ALGEBRA)
def anil_step_is_prototypes():
    """With one shot and features of one length, an ANIL step of 2 N from zeros is prototypes.

    -|h - m_c|^2 = 2 h.m_c - |m_c|^2 - |h|^2, where the last two are the same for all classes.
    """
    body, task = prototypical.on_sphere(mlp([3, 6, 5]), radius=1.5), draw_classes(shots=1)
    theta = body.init(numpy.random.default_rng(1))
    net = Net(None, lambda p, x: linear(body.apply(p["body"], x), **p["head"]))
    meta = {"body": theta, "head": {"W": numpy.zeros((5, WAYS)), "b": numpy.zeros(WAYS)}}
    computed = answers(anil.learner(net, "head", cross_entropy, 2.0 * WAYS), meta, task)
    expected = answers(prototypical.learner(body), theta, task)
    return Claim(log_softmax(computed), log_softmax(expected), tolerance=1e-12)
