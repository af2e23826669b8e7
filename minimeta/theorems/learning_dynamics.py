"""Theorems on the order of learning: Bayes learns all modes at once, descent one after another."""

import itertools

import numpy

from minimeta import probing
from minimeta.core.optim import sgd
from minimeta.exact import fourier_gp, linear_gaussian, linear_networks, matrix_normal
from minimeta.meta import evaluate
from minimeta.tasks import Data, fourier, linear_maps
from minimeta.tasks.regression import from_weights
from minimeta.theorems import Claim, theorem
from minimeta.theorems.tools import DEFINITION, KALMAN, SAXE, has_mean, none_below_zero

RABINOWITZ = "Rabinowitz 2019, arXiv:1905.01320; the formula is derived in exact/matrix_normal"
RASMUSSEN = "Rasmussen & Williams 2006, section 2.1"
NOISE = 0.3
R, K = numpy.diag([1.0, 0.1, 2.0]), numpy.array([[1.0, 0.8], [0.8, 1.5]])  # a matrix-normal prior
AMPLITUDES = numpy.array([1.0, 0.0, 0.5, 0.2])  # a gap at wave 2


def maps(tasks, spectrum, examples, noise=0.0, seed=0):
    """Maps (M, D, D) with this spectrum, and examples of them."""
    rng, size = numpy.random.default_rng(seed), len(spectrum)
    truth = linear_maps.draw_spectrum(rng, tasks, numpy.array(spectrum), size, size)
    return truth, from_weights(rng, truth, examples, 1, noise).support


def waves(tasks, examples, noise=NOISE, seed=0):
    """Random waves with AMPLITUDES: a Task with ten queries."""
    rng = numpy.random.default_rng(seed)
    return fourier.fourier(rng, tasks, examples, 10, AMPLITUDES, noise)


def rotate_every_way(x):
    """x (N, D) under all 2^D D! permutations and changes of sign of its columns: (K, N, D)."""
    size = x.shape[1]
    orders = itertools.permutations(range(size))
    signs = [numpy.array(s) for s in itertools.product([1.0, -1.0], repeat=size)]
    return numpy.stack([x[:, order] * s for order in map(list, orders) for s in signs])


@theorem(lesson="dynamics", source="Schur's lemma")
def equal_rates():
    """Under a prior without preferred directions, all modes are learned at the same rate."""
    rng = numpy.random.default_rng(0)
    truth, x = rng.normal(size=(3, 2)), rotate_every_way(rng.normal(size=(4, 3)))
    learner = matrix_normal.learner(0.0, numpy.eye(3), numpy.eye(2), NOISE)
    answer = probing.answers(learner, {}, Data(x, x @ truth), [4])[0]
    computed = probing.effective_weights(answer, rng.normal(size=(9, 3))).mean(axis=0)
    values = numpy.linalg.eigvalsh(x[0].T @ x[0])
    return Claim(computed, numpy.mean(values / (values + NOISE)) * truth, tolerance=1e-13)


@theorem(lesson="dynamics", source=RABINOWITZ)
def progress_of_sampled_maps():
    """On sampled maps, strong and weak modes alike are learned to the share m_t on average."""
    spectrum, t = [3.0, 1.0, 0.2], 3
    truth, support = maps(4000, spectrum, t, noise=0.5)
    learner = linear_gaussian.learner(0.0, numpy.eye(3), 0.5)
    answer = probing.answers(learner, {}, support, [t])[0]
    computed = probing.effective_weights(answer, numpy.eye(4, 3))
    progress = probing.effective_spectrum(computed, truth)  # (M, 3)
    exact = numpy.full(3, matrix_normal.expected_progress(3, t, 0.5))
    return has_mean(progress, exact)


@theorem(lesson="dynamics", source="1/(S + L) as a Laplace transform; E exp(-uS) of a chi-square S")
def progress_with_one_input():
    """With one input, the progress m_t is 1 - L int exp(-Lu) (1 + 2u)^(-t/2) du."""
    ratio, counts = 2.0, numpy.array([1, 2, 5, 8])
    t, weights = numpy.polynomial.legendre.leggauss(80)
    u, weights = 10.0 * (t + 1), 10.0 * weights  # up to 20: exp(-40) is left out
    decay = numpy.exp(-ratio * u) * (1 + 2 * u) ** (-counts[:, None] / 2)
    computed = [matrix_normal.expected_progress(1, t, ratio) for t in counts.tolist()]
    return Claim(computed, 1 - ratio * decay @ weights, tolerance=1e-9)


@theorem(
    lesson="dynamics",
    source="Bartlett: S = L L', L triangular with chi and normal entries; Gauss quadrature",
)
def progress_with_two_inputs():
    """With two inputs, the progress m_t is the mean of a formula in tr S and det S."""
    ratio, t = 4.0, 3  # z^2 ~ chi^2_3 is z^2 under a normal density, w ~ chi^2_2 exponential
    z, z_weights = numpy.polynomial.hermite_e.hermegauss(60)
    w, w_weights = numpy.polynomial.laguerre.laggauss(60)
    a, b, c = numpy.meshgrid(z**2, z**2, 2 * w, indexing="ij")
    weights = numpy.einsum("i,j,k->ijk", z_weights * z**2, z_weights, w_weights)
    trace, det = a + b + c, a * c
    resolvent = (trace + 2 * ratio) / (det + ratio * trace + ratio**2)  # tr (S + L)^-1
    exact = 1 - ratio / 2 * numpy.sum(weights * resolvent) / numpy.sum(weights)
    return Claim(matrix_normal.expected_progress(2, t, ratio), exact, tolerance=1e-9)


@theorem(lesson="dynamics", source="The rank of t directions")
def progress_without_noise():
    """Without noise, the progress m_t is min(t, D) / D."""
    counts = range(8)
    computed = [matrix_normal.expected_progress(5, t, 0.0) for t in counts]
    x = numpy.random.default_rng(0).normal(size=(7, 5))
    ranks = [numpy.trace(numpy.linalg.pinv(x[:t]) @ x[:t]) for t in counts]
    return Claim(computed, numpy.array(ranks) / 5, tolerance=1e-12)


@theorem(lesson="dynamics", source="Kronecker")
def matrix_normal_is_conditioning():
    """The matrix-normal posterior is the Gaussian of vec W conditioned on the examples."""
    rng = numpy.random.default_rng(0)
    mean, x, y = rng.normal(size=(3, 2)), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    design, prior = numpy.kron(x, numpy.eye(2)), numpy.kron(R, K)
    gain = prior @ design.T @ numpy.linalg.inv(design @ prior @ design.T + NOISE * numpy.eye(8))
    exact = mean + (gain @ (y - x @ mean).ravel()).reshape(3, 2)
    computed, spread = matrix_normal.posterior(x, y, mean, R, K, NOISE)
    covariance = (prior - gain @ design @ prior).reshape(3, 2, 3, 2)
    return Claim(numpy.append(computed, spread), numpy.append(exact, covariance), tolerance=1e-13)


@theorem(lesson="dynamics", source=KALMAN)
def sequential_matrix_normal_is_batch():
    """The matrix-normal posterior is the same whether targets come number by number or at once."""
    rng = numpy.random.default_rng(1)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    design = numpy.kron(x, numpy.eye(2))  # (N C, D C): one output a row
    means, _ = linear_gaussian.sequential(design, y.reshape(8, 1), 0.0, numpy.kron(R, K), NOISE)
    computed, _ = matrix_normal.posterior(x, y, 0.0, R, K, NOISE)
    return Claim(computed, means[-1].reshape(3, 2), tolerance=1e-13)


@theorem(lesson="waves", source=RASMUSSEN)
def weight_space_is_function_space():
    """Predictions from Fourier weights equal those of the Gaussian process with their kernel."""
    (x, y), query = waves(5, 7)
    state = fourier_gp.posterior(x, y, AMPLITUDES, NOISE)
    weights = fourier_gp.predictive(query.x, *state, NOISE)
    functions = fourier_gp.function_space(query.x, x, y, AMPLITUDES, NOISE)
    return Claim(numpy.stack(weights), numpy.stack(functions), tolerance=1e-12)


@theorem(lesson="waves", source="Bayes rule")
def sequential_waves_are_batch():
    """With Fourier features, the posterior after some examples serves as the prior for the next."""
    (x, y), query = waves(1, 7)
    phi = lambda x: fourier.features(x[0], len(AMPLITUDES))
    state = fourier_gp.posterior(x[0, :3], y[0, :3], AMPLITUDES, NOISE)
    for n in range(3, 7):
        state = linear_gaussian.posterior(phi(x[:, n : n + 1]), y[0, n : n + 1], *state, NOISE)
    computed, _ = fourier_gp.function_space(query.x[0], x[0], y[0], AMPLITUDES, NOISE)
    return Claim(phi(query.x) @ state[0], computed, tolerance=1e-12)


@theorem(lesson="waves", source=RASMUSSEN)
def stop_band_is_suppressed():
    """A wave to which the prior gives no amplitude is never learned, whatever the data."""
    x = numpy.random.default_rng(0).uniform(0.0, fourier.PERIOD, size=(1, 30, 1))
    learner = fourier_gp.learner(AMPLITUDES, 1e-3)
    answer = probing.answers(learner, {}, Data(x, 5.0 * numpy.cos(2 * x)), [30])[0]
    computed = probing.fourier_weights(answer, 4)[0, 2:4]
    return Claim(computed, numpy.zeros((2, 1)), tolerance=1e-14)


@theorem(lesson="waves", source="phi phi' has mean I, and phi has the same length at every x")
def one_example_of_waves():
    """After one example, wave k is learned to the share a_k^2 / (2 sum a^2 + s^2) on average."""
    x = fourier.PERIOD / 9 * numpy.arange(9.0)[:, None, None]  # nine places for one example
    computed = fourier_gp.progress(x, AMPLITUDES, NOISE).mean(axis=0)
    power = AMPLITUDES**2
    return Claim(computed, power / (2 * power.sum() + NOISE), tolerance=1e-14)


@theorem(lesson="waves", source="Wiener's filter: on the grid the waves are orthogonal")
def even_grid_is_a_wiener_filter():
    """N examples on an even grid teach wave k to the share N a_k^2 / (N a_k^2 + s^2)."""
    x = fourier.PERIOD / 9 * numpy.arange(9.0)[:, None]
    power = 9 * AMPLITUDES**2
    computed = fourier_gp.progress(x, AMPLITUDES, NOISE)
    return Claim(computed, power / (power + NOISE), tolerance=1e-14)


@theorem(lesson="waves", source=RASMUSSEN)
def progress_of_sampled_waves():
    """On sampled tasks, each wave is learned to the share that the formula gives, on average."""
    rng, band = numpy.random.default_rng(2), fourier.band(1, 3, 3)
    truth = fourier.draw_phases(rng, 4000, band)
    support = fourier.from_weights(rng, truth, 4, 1, NOISE).support
    answer = probing.answers(fourier_gp.learner(band, NOISE), {}, support, [4])[0]
    progress = probing.fourier_progress(probing.fourier_weights(answer, 3, points=8), truth)
    excess = progress - fourier_gp.progress(support.x, band, NOISE)  # (M, 3)
    return has_mean(excess, numpy.zeros(3))


@theorem(lesson="waves", source="Parseval")
def progress_by_fft():
    """The progress Re <f_hat, f> / |f|^2 of each wave is what the fast Fourier transform gives."""
    rng = numpy.random.default_rng(0)
    truth, estimate = rng.normal(size=(2, 5, 8, 1))
    grid = fourier.PERIOD / 16 * numpy.arange(16.0)[:, None]
    at = lambda weights: numpy.fft.rfft(fourier.features(grid, 4) @ weights, axis=1)[:, 1:5, 0]
    answer = lambda x: fourier.features(x, 4) @ estimate
    progress = probing.fourier_progress(probing.fourier_weights(answer, 4), truth)
    exact = (at(estimate) * at(truth).conj()).real / abs(at(truth)) ** 2
    return Claim(progress, exact, tolerance=1e-12)


@theorem(lesson="dynamics", source="Linear regression")
def probing_recovers_weights():
    """Probing a linear learner by its answers recovers its weights."""
    _, support = maps(4, [3.0, 1.0, 0.2], 6, NOISE)
    learner = linear_gaussian.learner(0.5, numpy.eye(3), NOISE)
    answer = probing.answers(learner, {}, support, [5])[0]
    offset = lambda x: answer(x) + 0.7  # an offset is no weight
    computed = probing.effective_weights(offset, numpy.random.default_rng(1).normal(size=(20, 3)))
    exact = linear_gaussian.posterior(support.x[:, :5], support.y[:, :5], 0.5, numpy.eye(3), NOISE)
    return Claim(computed, exact[0], tolerance=1e-13)


@theorem(lesson="dynamics", source=SAXE)
def descent_follows_the_modes():
    """A deep linear network, probed while it is trained by gradient descent, shows Saxe's modes."""
    spectrum, step_size = numpy.array([3.0, 1.0, 0.4]), 0.15
    truth = linear_maps.draw_spectrum(numpy.random.default_rng(0), 1, spectrum, 3, 3)[0]
    white = numpy.concatenate([3**0.5 * numpy.eye(3), -(3**0.5) * numpy.eye(3)])  # X'X / 6 = I
    start, data = linear_networks.balanced_layers(truth, 0.01), Data(white, white @ truth)
    deep = lambda layers, x: x @ layers[0] @ layers[1]
    path = probing.descent(deep, start, sgd(step_size), lambda: data, 40)
    computed = [probing.effective_weights(answer, white) for answer in path]
    progress = probing.effective_spectrum(numpy.stack(computed), truth)
    eta = 2 * step_size / 3  # mse has the mean of 3 outputs and no 1/2
    exact = linear_networks.deep_modes(spectrum, 0.01, eta, 40) / spectrum
    return Claim(progress, exact, tolerance=1e-12)


@theorem(lesson="waves", source=DEFINITION)
def nobody_beats_bayes_on_waves():
    """No learner that assumes other amplitudes or other noise is better than Bayes on waves."""
    task = waves(4000, 6, seed=3)
    believed = [AMPLITUDES + 0.3, 2 * AMPLITUDES, 0.5 * AMPLITUDES, AMPLITUDES[:1]]
    floor = evaluate(fourier_gp.learner(AMPLITUDES, NOISE), {}, task)
    rivals = [evaluate(fourier_gp.learner(a, NOISE), {}, task) - floor for a in believed]
    rivals.append(evaluate(fourier_gp.learner(AMPLITUDES, NOISE / 9), {}, task) - floor)
    return none_below_zero(numpy.stack(rivals, axis=1))
