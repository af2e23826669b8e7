"""Theorems on step sizes chosen beforehand: the best ones are the roots of a polynomial."""

import numpy

from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.optim import adam, momentum, sgd
from minimeta.exact import schedules as exact
from minimeta.learned_optimizers import lstm_optimizer, schedule, training
from minimeta.learned_optimizers.training import identity, losses_along
from minimeta.tasks.optimizees import diagonal, gaussian_quadratics
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import HESTENES, POLYAK, hessian
from minimeta.training import train

GOLUB = "Golub & Welsch 1969"


def spectrum(seed=0, size=8):
    """Eigenvalues in (0.2, 2) and weights in (0.1, 1)."""
    rng = numpy.random.default_rng(seed)
    return rng.uniform(0.2, 2.0, size), rng.uniform(0.1, 1.0, size)


def by_least_squares(eigenvalues, weights, degree):
    """The coefficients c_1 .. c_k of the best p(lam) = 1 + sum c_j lam^j, from monomials."""
    powers, root = eigenvalues[:, None] ** numpy.arange(1, degree + 1), numpy.sqrt(weights)
    return numpy.linalg.lstsq(powers * root[:, None], -root)[0]


def along(optimizer, task, steps):
    """Losses of quadratics under an optimizer, before and after each step: (steps + 1, M)."""
    family = gaussian_quadratics(*task.support.x.shape[:2])
    theta, f = family.start(task), lambda theta, t: family.loss(theta, task.support)
    return numpy.stack([f(theta, 0), *losses_along(optimizer, theta, f, steps)])


@theorem(lesson="schedules", source=GOLUB)
def best_schedule_has_the_roots_of_the_best_polynomial():
    """The best k step sizes are the inverse roots of the least-squares polynomial, for k = 1..5."""
    lam, weights = spectrum()
    computed, roots = [], []
    for k in range(1, 6):
        computed.extend(exact.best_schedule(lam, weights, k))
        c = by_least_squares(lam, weights, k)
        roots.extend(sorted(1.0 / numpy.roots([*c[::-1], 1.0]).real, reverse=True))
    return Claim(computed, roots, tolerance=1e-8)


@theorem(lesson="schedules", source=GOLUB)
def learned_schedule_arrives_at_the_roots():
    """A schedule learned by gradients converges to the inverse roots of the best polynomial."""
    lam, weights = spectrum(seed=1)
    computed = learn_schedule(lam, weights, steps=4)
    return Claim(computed, exact.best_schedule(lam, weights, 4), tolerance=1e-8)


def learn_schedule(lam, weights, steps):
    """Step sizes that Adam, then Newton's method find on the last loss, longest first."""
    task, last = diagonal(lam, weights), [0.0] * (steps - 1) + [1.0]
    family = gaussian_quadratics(1, len(lam))
    loss = training.outer_loss(family, schedule.optimizer, steps, None, identity, last)
    meta = {"step_sizes": exact.chebyshev(min(lam), max(lam), steps)}
    rng, fading = numpy.random.default_rng(0), adam(lambda t: 0.03 * 0.997**t)
    follow = value_and_grad(loss)
    meta, _ = train(lambda rng: meta, follow, lambda rng: task, rng, 1500, optimizer=fading)
    a, final = meta["step_sizes"], lambda a: loss({"step_sizes": a}, task)
    for _ in range(12):
        a = a - numpy.linalg.solve(hessian(final, a), grad(final)(a))
    return numpy.sort(a)[::-1]


@theorem(lesson="schedules", source=HESTENES)
def first_order_rests_at_the_best_schedule():
    """The first-order meta-gradient is zero at the best schedule too, because the last gradient is
    orthogonal to all before it.
    """
    lam, weights = spectrum(seed=2)
    meta = {"step_sizes": exact.best_schedule(lam, weights, 4)}
    last, family = [0.0, 0.0, 0.0, 1.0], gaussian_quadratics(1, len(lam))
    follow = training.meta_gradient(family, schedule.optimizer, 4, None, constant, last)
    gradient = follow(meta, diagonal(lam, weights))[1]["step_sizes"]
    return Claim(gradient, numpy.zeros(4), tolerance=1e-12)


@theorem(lesson="schedules", source="one derivative")
def best_step_has_no_slope():
    """The meta-gradient of a single step size is zero at sum w lam / sum w lam^2."""
    lam, weights = spectrum()
    family = gaussian_quadratics(1, len(lam))
    follow = training.meta_gradient(family, schedule.optimizer, 1, None)
    gradient = lambda a: follow({"step_sizes": numpy.array([a])}, diagonal(lam, weights))[1]
    at = [gradient(a)["step_sizes"][0] for a in (0.0, 1.0)]  # the loss is a parabola in a
    return Claim(at[0] / (at[0] - at[1]), exact.best_step(lam, weights), tolerance=1e-12)


@theorem(lesson="schedules", source=HESTENES)
def krylov_bound_is_least_squares():
    """The Krylov bound is the least-squares value over polynomials with p(0) = 1, for k = 0..5."""
    lam, weights = spectrum()
    values = []
    for k in range(6):
        p = 1.0 + lam[:, None] ** numpy.arange(1, k + 1) @ by_least_squares(lam, weights, k)
        values.append(weights @ p**2)
    return Claim(exact.krylov_bound(lam, weights, 5), values, tolerance=1e-12)


@theorem(lesson="schedules", source=HESTENES)
def conjugate_gradients_reach_the_bound():
    """On each problem conjugate gradients reach the Krylov bound, and zero after D steps."""
    task = gaussian_quadratics(4, 5).sample(numpy.random.default_rng(0))
    theta, computed = numpy.swapaxes(task.query.x, 1, 2), []
    for x, y, start in zip(*task.support, theta):
        computed.append([numpy.sum((x @ t - y) ** 2) for t in conjugate_gradients(x, y, start)])
    bound = exact.krylov_bound(*modes_of(task), 5)  # (6, M)
    return Claim(numpy.transpose(computed), bound, tolerance=1e-9)


def conjugate_gradients(x, y, theta):
    """theta and what D textbook steps on |x theta - y|^2 make of it."""
    left = x.T @ (y - x @ theta)
    direction, path = left, [theta]
    for _ in range(x.shape[1]):
        curved = x.T @ (x @ direction)
        theta = theta + direction * numpy.sum(left**2) / numpy.sum(direction * curved)
        after = x.T @ (y - x @ theta)
        direction = after + direction * numpy.sum(after**2) / numpy.sum(left**2)
        left = after
        path.append(theta)
    return path


@theorem(lesson="schedules", source=HESTENES)
def the_best_schedule_reaches_the_common_bound():
    """SGD with the best schedule for many problems reaches their common Krylov bound."""
    task = gaussian_quadratics(30, 6).sample(numpy.random.default_rng(0))
    lam, weights = (v.ravel() for v in modes_of(task))
    computed, bound = [], exact.krylov_bound(lam, weights, 6) / 30
    for k in range(1, 7):
        optimizer = schedule.optimizer({"step_sizes": exact.best_schedule(lam, weights, k)[::-1]})
        computed.append(along(optimizer, task, k)[-1].mean())
    return Claim(computed, bound[1:], tolerance=1e-9)


def modes_of(task):
    """The spectra (M, D) of these problems, and how much loss is in each mode at the start."""
    theta = numpy.swapaxes(task.query.x, 1, 2)
    return exact.modes(task.support.x, task.support.x @ theta - task.support.y)


@theorem(lesson="schedules", source=HESTENES)
def no_linear_optimizer_is_below_the_bound():
    """No linear optimizer, whatever its memory, is below the Krylov bound at any step.

    200 linear recurrent optimizers with random weights, momentum and SGD, on ten problems.
    """
    rng = numpy.random.default_rng(0)
    task = gaussian_quadratics(10, 5).sample(rng)
    drawn = [draw_recurrent(rng) for _ in range(200)]
    losses = [along(o, task, 8) for o in (*drawn, momentum(0.03), sgd(0.05))]
    single = exact.krylov_bound(*modes_of(task), 8)  # (9, 10)
    common = exact.krylov_bound(*(v.ravel() for v in modes_of(task)), 8) / 10  # (9,)
    below = [single - numpy.array(losses), common - numpy.mean(losses, axis=-1)]
    assert numpy.min(numpy.array(losses)[:, 1:].mean(-1) / common[1:]) < 2.0, "some come close"
    return Claim([numpy.maximum(0.0, b).max() for b in below], [0.0, 0.0], tolerance=1e-9)


def draw_recurrent(rng):
    """A linear recurrent optimizer of three units that takes short steps."""
    draw = lambda *size: 0.4 * rng.normal(size=size)
    layer = {"W_x": draw(1, 3), "W_h": draw(3, 3)}
    meta = {"layers": [layer], "W": 0.3 * draw(3, 1)}
    return lstm_optimizer.optimizer(meta, lambda g: g, 1.0, lstm_optimizer.linear_cell)


@theorem(lesson="schedules", source="Young 1953")
def chebyshev_equioscillates():
    """Chebyshev's steps leave +-1/T_k, alternating, at k + 1 points, so no steps do better."""
    low, high, k = 0.3, 4.0, 6
    points = 0.5 * (high + low) + 0.5 * (high - low) * numpy.cos(numpy.pi * numpy.arange(k + 1) / k)
    left = exact.residual(exact.chebyshev(low, high, k), points)
    signs = (-1.0) ** (k + numpy.arange(k + 1))
    return Claim(left, signs * exact.chebyshev_bound(low, high, k), tolerance=1e-12)


@theorem(lesson="schedules", source=POLYAK)
def heavy_ball_rate():
    """The fastest heavy ball shrinks every mode in [low, high] by exactly its rate."""
    low, high = 0.2, 5.0
    a, mass, rate = exact.heavy_ball(low, high)
    radius = [spectral_radius(lam, a, mass) for lam in numpy.linspace(low, high, 52)[1:-1]]
    return Claim(radius, numpy.full(50, rate), tolerance=1e-12)


def spectral_radius(lam, a, mass):
    """The spectral radius of v <- mass v + lam theta, theta <- theta - a v."""
    return max(abs(numpy.linalg.eigvals([[1 - a * lam, -a * mass], [lam, mass]])))


@theorem(lesson="schedules", source=POLYAK)
def gradient_descent_rate():
    """The best constant step size shrinks both ends of the spectrum by (kappa-1) / (kappa+1)."""
    a, rate = exact.gradient_descent(0.2, 5.0)
    return Claim([1.0 - 0.2 * a, 5.0 * a - 1.0], [rate, rate], tolerance=1e-14)


@theorem(lesson="schedules", source=POLYAK)
def chebyshev_becomes_heavy_ball():
    """Chebyshev's bound 1/T_k is 2 r^k / (1 + r^2k), where r is the rate of the heavy ball.

    So its k-th root tends to r: momentum is as fast as Chebyshev in the long run.
    """
    r, k = exact.heavy_ball(0.5, 3.0)[2], numpy.arange(1, 30)
    computed = [exact.chebyshev_bound(0.5, 3.0, int(j)) for j in k]
    return Claim(computed, 2.0 * r**k / (1.0 + r ** (2 * k)), tolerance=1e-14)
