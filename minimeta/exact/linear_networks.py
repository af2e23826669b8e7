"""How shallow and deep linear networks learn: every mode in closed form.

    loss      1/2 E |y - x W|^2    outputs summed;  W = W_1 W_2 ... W_L, each W_l (inputs, outputs)
    shallow   w <- w + eta lambda (s - w)              lambda the input variance along the mode
    deep      m <- m + eta m^(L-1) (s - m^L)           u = m^L the mode, m its share in every layer
    flow      du/dt = L u^(2 - 2/L) (s - u)            eta -> 0 with t = eta * steps

A mode is a singular direction of E x'y, and its strength s is the value that the network must learn
there. In a shallow network with white inputs all modes close the same fraction of their gap at
every step; a deep network learns strong modes first. `core.losses.mse` is a mean over outputs
without the factor 1/2, so with it eta = 2 * step_size / C.

The deep recursion is exact for white inputs (E x'x = I) and the layers of `balanced_layers`. The
flow follows from it with d(m^L) = L m^(L-1) dm and dm = eta m^(L-1) (s - u).

Source: Saxe, McClelland & Ganguli 2013, arXiv:1312.6120.  Taught in lesson supervised.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np


def shallow_modes(strength, step_size, steps, curvature=1.0, start=0.0):
    """Modes (steps + 1, K) of one linear layer after 0, 1, ..., steps steps of gradient descent.

    w_t = s + (w_0 - s) (1 - eta lambda)^t, with `strength` s (K,); `curvature` lambda and `start`
    w_0 are numbers or (K,). On fixed features of size c_k, lambda is c_k^2.
    """
    _check_steps(step_size, steps)
    curvature = _per_mode("curvature", curvature, strength)
    start = _per_mode("start", start, strength)
    return strength + (start - strength) * _powers(1.0 - step_size * curvature, step_size, steps)


def shallow_weights(input_covariance, correlation, start, step_size, steps):
    """Weights (steps + 1, D, C) of one linear layer after 0, ..., steps steps of gradient descent.

    W <- W + eta (E x'y - E x'x W), solved along the eigenvectors of E x'x (D, D), which may be
    singular. `correlation` is E x'y (D, C), `start` the first weights (D, C).
    """
    _check_steps(step_size, steps)
    checks.covariance("input_covariance", input_covariance)
    checks.array("correlation", correlation, "D C")
    checks.array("start", start, "D C")
    checks.same_shape("start", start, "correlation", correlation)
    if np.shape(input_covariance) != (len(correlation), len(correlation)):
        raise ValueError(
            f"input_covariance must be (D, D) for a correlation of shape {np.shape(correlation)}; "
            f"its shape is {np.shape(input_covariance)}."
        )
    curvature, directions = np.linalg.eigh(input_covariance)
    powers = _powers(1.0 - step_size * curvature, step_size, steps)[..., None]  # (T, D, 1)
    sums = step_size * (np.cumsum(powers, axis=0) - powers)  # eta * (1 + q + ... + q^(t-1))
    return directions @ (powers * (directions.T @ start) + sums * (directions.T @ correlation))


def deep_modes(strength, start, step_size, steps, layers=2):
    """Modes u (steps + 1, K) of a deep linear network after 0, 1, ..., steps steps, exactly.

    `strength` is (K,); `start` is the first u, (K,) or a number, at least 0. With two layers or
    more a mode that starts at zero stays at zero.
    """
    _check_steps(step_size, steps)
    checks.integer("layers", layers, at_least=1)
    share = _per_mode("start", start, strength, at_least=0.0) ** (1.0 / layers)
    shares = [share]
    for _ in range(steps):
        share = share + step_size * share ** (layers - 1) * (strength - share**layers)
        shares.append(share)
    return np.stack(shares) ** layers


def mode_velocity(mode, strength, layers=2):
    """du/dt = L u^(2 - 2/L) (s - u): the gradient flow of modes u (K,) >= 0 of strengths s (K,)."""
    checks.integer("layers", layers, at_least=1)
    mode = _per_mode("mode", mode, strength, at_least=0.0)
    return layers * mode ** (2.0 - 2.0 / layers) * (strength - mode)


def two_layer_flow(strength, start, time):
    """u(t) = s / (1 + (s / u_0 - 1) exp(-2 s t)): the sigmoids of the modes of two layers, (K,).

    `strength` is (K,) and positive, `start` u_0 a number or (K,) between 0 and s, `time` a number
    or (K,); for a curve, (T, 1) gives (T, K).
    """
    start = _per_mode("start", start, strength, above=0.0, below=strength)
    checks.quantity("time", time)
    return strength / (1.0 + (strength / start - 1.0) * np.exp(-2.0 * strength * time))


def two_layer_time(level, strength, start):
    """When the flow of two layers reaches `level`: ln[ u (s - u_0) / (u_0 (s - u)) ] / (2 s), (K,).

    `level` u and `start` u_0 are numbers or (K,) strictly between 0 and `strength` s (K,).
    """
    level = _per_mode("level", level, strength, above=0.0, below=strength)
    start = _per_mode("start", start, strength, above=0.0, below=strength)
    return np.log(level * (strength - start) / (start * (strength - level))) / (2.0 * strength)


def half_time(strength, start):
    """When the flow of two layers reaches half its strength: ln(s / u_0 - 1) / (2 s), (K,)."""
    start = _per_mode("start", start, strength, above=0.0, below=strength)
    return np.log(strength / start - 1.0) / (2.0 * strength)


def balanced_layers(correlation, start, layers=2):
    """Weights of L layers, a list, whose product has every mode of `correlation` (D, C) at `start`.

    With E x'y = U S V': W_1 = U m, W_l = m I, W_L = m V' and m = start^(1/L). Every layer then has
    an equal share of each mode, and no mode influences another.
    """
    checks.array("correlation", correlation, "D C")
    checks.number("start", start, at_least=0.0)
    checks.integer("layers", layers, at_least=1)
    left, _, right = np.linalg.svd(correlation, full_matrices=False)
    if layers == 1:
        return [start * left @ right]
    share = start ** (1.0 / layers)
    middle = [share * np.eye(np.shape(left)[1]) for _ in range(layers - 2)]
    return [share * left, *middle, share * right]


def _powers(factor, step_size, steps):
    """factor^0, ..., factor^steps: (steps + 1, K)."""
    _check_steps(step_size, steps)
    return factor ** np.arange(steps + 1)[:, None]


def _check_steps(step_size, steps):
    checks.number("step_size", step_size, above=0.0)
    checks.integer("steps", steps, at_least=0)


def _per_mode(name, value, strength, **bounds):
    """The value for every mode, (K,); raise unless it is a number or (K,), inside the bounds."""
    checks.array("strength", strength, "K")
    if np.shape(value) not in ((), np.shape(strength)):
        raise ValueError(
            f"{name} must be a number or have the shape {np.shape(strength)} of strength; "
            f"its shape is {np.shape(value)}."
        )
    checks.quantity(name, value)
    value = value * np.ones_like(strength)
    if checks.readable(value):
        for k, one in enumerate(value):
            limits = {key: numpy.broadcast_to(b, value.shape)[k] for key, b in bounds.items()}
            checks.number(name, one, **limits)
    return value
