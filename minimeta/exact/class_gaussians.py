"""Few-shot classification in closed form: Gaussian classes around Gaussian centres.

    classes    m_k ~ N(0, B)        B (D, D): between-class covariance
    examples   x ~ N(m_k, W)        W (D, D): within-class covariance
    prototype  c_k, the mean of n examples: N(m_k, W / n)

*Bayes.* In coordinates z = T x in which W is I and B is diagonal, b_j, every coordinate is on its
own: the centre of a class has mean n b / (n b + 1) times its prototype and variance b / (n b + 1).
So Bayes *shrinks* the prototypes, and its temperature counts how uncertain they are.

*Prototypes.* With B = t^2 I and W = s^2 I a query x is of class 1, not 2, by its side of a plane:
by the sign of w z, w = c_1 - c_2, z = x - (c_1 + c_2) / 2, whose coordinates are D independent
pairs of Gaussians with correlation rho = t^2 / sqrt(var w var z). So the chance to be right is

    I_p(D/2, D/2),  p = (1 + rho) / 2       the regularised incomplete beta function

which, for even D, is also the chance that most of D - 1 tosses of a coin of p show heads.

*Scale.* Who sees only differences of examples answers two ways best by 2 w G z:

    G^-1 = 2 (1 + 1/n) W + (2 n + 1) / n^2  W B^-1 W

which are prototypes in the metric G. It is whitening, W^-1, in the limit of many shots (or of wide
classes), and not with one shot.

*Pairs.* With B = t^2 I and W = s^2 I, D^2 = |x - c|^2 is (s^2 + s^2/n) chi^2 where x is of the
class of c, and has 2 t^2 more where not. The log-ratio of both densities is affine in D^2.

Sources: Snell et al. 2017, section 2.3 (prototypes as densities); Fisher 1936; Bishop 2006,
section 2.3; Abramowitz & Stegun 1964, 26.5.15 and .16 (the recursion).  Lesson prototypes.
"""

import math

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy
from minimeta.tasks.drawing import count, split
from minimeta.tasks.regression import draw_weights


def sample(rng, tasks, shots, queries, ways, between, within):
    """M tasks of `ways` Gaussian classes, with one-hot targets; shots and queries are per class.

    between and within are covariances (D, D). Classes take turns, as in `tasks.episodes`.
    """
    checks.integer("ways", ways, at_least=2)
    check_covariances(between, within)
    each = count(shots, queries)
    rows = lambda covariance, N: numpy.swapaxes(draw_weights(rng, tasks, covariance, 0.0, N), 1, 2)
    centres = rows(between, ways)  # (M, C, D)
    x = numpy.tile(centres, (1, each, 1)) + rows(within, each * ways)
    y = numpy.tile(numpy.eye(ways), (tasks, each, 1))
    return split(x, y, shots * ways)


def learner(between, within) -> Learner:
    """The Bayes-optimal Learner; its logits are log p(x | support, class k), up to a constant.

    Nothing to train: meta is {}. Its state is the mean and the variance of a new example of each
    class, coordinate by coordinate: (M, C, D) each. Without examples that is the prior.
    """
    T, variances = coordinates(between, within)

    def adapt(meta, support):
        z, y = inputs_of(support.x, T), np.swapaxes(support.y, -1, -2)
        n = np.sum(y, axis=-1, keepdims=True)  # (M, C, 1), the examples of each class
        b = np.asarray(variances, dtype=z.dtype)
        return {"mean": b * (y @ z) / (n * b + 1.0), "variance": 1.0 + b / (n * b + 1.0)}

    def predict(meta, state, x):
        z, mean, v = inputs_of(x, T), state["mean"], state["variance"]
        rest = np.sum(mean**2 / v + np.log(v), axis=-1)  # (M, C)
        products = z**2 @ _t(1.0 / v) - 2.0 * z @ _t(mean / v)
        return -0.5 * (products + np.expand_dims(rest, -2))

    return Learner(lambda rng: {}, adapt, predict, cross_entropy)


def coordinates(between, within):
    """T (D, D) and b (D,): T W T' is the identity and T B T' the diagonal matrix of b."""
    check_covariances(between, within)
    variances, axes = numpy.linalg.eigh(within)
    whiten = axes.T / numpy.sqrt(variances)[:, None]
    b, turn = numpy.linalg.eigh(whiten @ between @ whiten.T)
    return turn.T @ whiten, numpy.maximum(b, 0.0)


def metric(shots, between, within):
    """G (D, D): prototypes whose squared distance is d' G d have the least two-way cross-entropy.

    So a linear embedding x -> A x of `prototypical` has A' A = G at best, and a scalar r has
    r^2 = G where both covariances are multiples of I.
    """
    checks.integer("shots", shots, at_least=1)
    T, b = coordinates(between, within)
    g = b / (2.0 * (1.0 + 1.0 / shots) * b + (2 * shots + 1) / shots**2)
    return T.T @ (g[:, None] * T)


def shrinkage(shots, between, within):
    """n t^2 / (n t^2 + s^2), by which Bayes multiplies prototypes where B = t^2 I, W = s^2 I."""
    check_variances(shots, between, within)
    return shots * between / (shots * between + within)


def accuracy(inputs, shots, between, within, factor=1.0):
    """The two-way accuracy of prototypes times `factor`, where B = t^2 I and W = s^2 I.

    factor = 1 is prototypes as they are, and factor = `shrinkage(...)` is Bayes. between and within
    are the numbers t^2 and s^2.
    """
    checks.integer("inputs", inputs, at_least=1)
    checks.number("factor", factor, above=0.0)
    check_variances(shots, between, within)
    of_prototype = between + within / shots
    of_z = between + within - factor * between + factor**2 * of_prototype / 2.0
    rho = between / math.sqrt(2.0 * of_prototype * of_z)
    return symmetric_beta((1.0 + rho) / 2.0, inputs)


def symmetric_beta(p, inputs):
    """The regularised incomplete beta function I_p(D/2, D/2), by raising D in steps of two.

    I_p(a + 1, a + 1) = I_p(a, a) + (2 p - 1) (p - p^2)^a Gamma(2 a) / (a Gamma(a)^2), from
    I_p(1/2, 1/2) = 2/pi arcsin sqrt p or I_p(1, 1) = p.
    """
    odd = inputs % 2
    total = 2.0 / math.pi * math.asin(math.sqrt(p)) if odd else p
    for twice in range(1 if odd else 2, inputs, 2):
        a = twice / 2.0
        log_term = a * math.log(p - p * p) + math.lgamma(twice) - 2.0 * math.lgamma(a)
        total += (2.0 * p - 1.0) * math.exp(log_term) / a
    return total


def log_ratio(inputs, shots, between, within):
    """(constant, factor): log p(D^2 | same class) / p(D^2 | another) = constant - factor D^2.

    D^2 = |x - c|^2 for a query x and a prototype c of n shots. With one shot it is what can be
    known of a pair by its *difference*; the pair itself says more, because its sum counts too.
    """
    checks.integer("inputs", inputs, at_least=1)
    check_variances(shots, between, within)
    same = within + within / shots
    another = same + 2.0 * between
    return inputs / 2.0 * math.log(another / same), (1.0 / same - 1.0 / another) / 2.0


def same_class(squared_distance, ways, inputs, shots, between, within):
    """P(same class | D^2) of one of N classes: sigmoid of the log-ratio less log(N - 1)."""
    checks.quantity("squared_distance", squared_distance, at_least=0.0)
    checks.integer("ways", ways, at_least=2)
    constant, factor = log_ratio(inputs, shots, between, within)
    return 1.0 / (1.0 + (ways - 1) * np.exp(factor * squared_distance - constant))


def inputs_of(x, T):
    """T x, of examples x (M, N, D); raise ValueError if they have another size."""
    checks.array("x", x, "M N D")
    if np.shape(x)[-1] != len(T):
        raise ValueError(f"x must have {len(T)} inputs; its shape is {np.shape(x)}.")
    return x @ np.asarray(T.T, dtype=x.dtype)


def check_covariances(between, within):
    """Raise unless both are covariances (D, D) of one size, and `within` can be inverted."""
    checks.covariance("between", between)
    checks.covariance("within", within)
    checks.axes("between", between, "D D")
    checks.same_shape("between", between, "within", within)
    least = numpy.linalg.eigvalsh(within)[0]
    if least <= len(within) * numpy.finfo(within.dtype).eps * numpy.max(numpy.abs(within)):
        raise ValueError(f"within must be positive definite; its least eigenvalue is {least:.3g}.")


def check_variances(shots, between, within):
    """Raise unless there are shots and both variances are positive numbers."""
    checks.integer("shots", shots, at_least=1)
    checks.number("between", between, above=0.0)
    checks.number("within", within, above=0.0)


def _t(matrix):
    return np.swapaxes(matrix, -1, -2)
