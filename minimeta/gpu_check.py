"""The device check: five programs run on a GPU and on NumPy, and the answers compared.

    python -m minimeta gpu-check

In float64 the value, the gradient and the Hessian times a vector of each program must agree with
NumPy's. With float32 parameters and data all of these must be float32 too.

The tests run it on a stand-in for CuPy that refuses what CuPy refuses (tests/standin.py). It has
not run on an actual GPU yet.
"""

import time
from typing import NamedTuple

import numpy

from minimeta import nets
from minimeta.core.backend import current, np, to_device, to_host, use
from minimeta.core.gradients import grad, hvp, value_and_grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.trees import copies, leaves, tree_map

AGREE = 1e-9  # of 1 + |NumPy's|: float64 sums taken in another order differ by far less
REPEATS = 3  # the fastest is reported


class Program(NamedTuple):
    """A scalar `loss(params, *data)` with parameters and data as NumPy arrays."""

    loss: object
    params: object
    data: tuple


# ---- The programs ----


def mlp(rng):
    """The error of a perceptron after one gradient step on each of three tasks."""
    net = nets.mlp([1, 16, 16, 1], activation=np.tanh)
    inner = lambda params, x, y: np.sum(mse(net.apply(params, x), y))

    def loss(params, x, y, x_query, y_query):
        start = copies(params, 3)
        phi = tree_map(lambda p, g: p - 0.05 * g, start, grad(inner)(start, x, y))
        return inner(phi, x_query, y_query)

    return Program(loss, to_host(net.init(rng)), tuple(rng.normal(size=(4, 3, 10, 1))))


def lstm(rng, steps=20, batch=4, inputs=3, hidden=5):
    """The error of an LSTM's prediction after each step (Hochreiter & Schmidhuber 1997)."""
    shapes = {"W": (inputs + hidden, 4 * hidden), "b": (4 * hidden,), "out": (hidden, inputs)}
    params = {name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()}

    def loss(params, x, y):
        h = c = np.zeros((batch, hidden))
        predictions = []
        for t in range(steps):
            gates = np.concatenate([x[t], h], axis=-1) @ params["W"] + params["b"]
            i, f, o, u = (gates[:, k * hidden : (k + 1) * hidden] for k in range(4))
            c = sigmoid(f + 1.0) * c + sigmoid(i) * np.tanh(u)
            h = sigmoid(o) * np.tanh(c)
            predictions.append(h @ params["out"])
        return np.mean((np.stack(predictions) - y) ** 2)

    return Program(loss, params, tuple(rng.normal(size=(2, steps, batch, inputs))))


def sigmoid(x):
    """1 / (1 + exp(-x)), which does not overflow for any x."""
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def softmax(rng):
    """Cross-entropy of a linear classifier, with integer labels."""
    params = {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    loss = lambda params, x, labels: cross_entropy(x @ params["W"] + params["b"], labels)
    return Program(loss, params, (rng.normal(size=(8, 4)), rng.integers(3, size=8)))


def conv(rng):
    """Cross-entropy of a convolutional network of two blocks, on 8x8 images."""
    net = nets.conv((8, 8, 2), filters=(4, 4), outputs=3)
    loss = lambda params, x, labels: cross_entropy(net.apply(params, x), labels)
    data = rng.normal(size=(5, 8, 8, 2)), rng.integers(3, size=5)
    return Program(loss, to_host(net.init(rng)), data)


def bayes(rng):
    """Minus the log evidence of Bayesian linear regression on learned features, over three tasks.

    With features F (N, H), noise 1 and prior precision a:  A = F'F + a I = L L',  z = L^-1 F'y,
    -log p(y) = (y'y - z'z) / 2 + sum(log diag L) - (H / 2) log a,  up to a constant.
    """
    params = {"W": rng.normal(size=(2, 4)), "log_precision": numpy.array(0.3)}

    def loss(params, x, y):
        F = np.tanh(x @ params["W"])  # (M, N, H)
        F_transposed, H = np.swapaxes(F, -1, -2), np.shape(F)[-1]
        L = np.linalg.cholesky(F_transposed @ F + np.exp(params["log_precision"]) * np.eye(H))
        z = np.linalg.solve(L, F_transposed @ y)  # (M, H, 1)
        log_det = np.sum(np.log(np.diagonal(L, 0, -1, -2)), axis=-1)  # (M,)
        fit = np.sum(y**2, axis=(-2, -1)) - np.sum(z**2, axis=(-2, -1))
        return np.mean(0.5 * fit + log_det) - 0.5 * H * params["log_precision"]

    return Program(loss, params, (rng.normal(size=(3, 6, 2)), rng.normal(size=(3, 6, 1))))


PROGRAMS = {"mlp": mlp, "lstm": lstm, "softmax": softmax, "conv": conv, "bayes": bayes}


# ---- The check ----


def derivatives(program):
    """Value, gradient and Hessian times a vector, on the current device and in its float type."""
    params, data = to_device(program.params), to_device(program.data)
    value, gradient = value_and_grad(program.loss)(params, *data)
    return value, gradient, hvp(program.loss)(params, *data, tree_map(np.cos, params))


def error(tree, exact):
    """The largest difference of a tree from `exact`, relative to 1 + |exact|; NaN if it has one."""
    pairs = zip(leaves(to_host(tree)), leaves(exact))
    return float(numpy.max([numpy.max(abs(a - b) / (1 + abs(b))) for a, b in pairs]))


def seconds(program):
    """The seconds that one gradient takes, with its transfer to the host."""
    params, data = to_device(program.params), to_device(program.data)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        to_host(grad(program.loss)(params, *data))
        times.append(time.perf_counter() - start)
    return min(times)


def compare(name, device):
    """One program on NumPy and on the device: whether they agree, and a line that says how well."""
    use("numpy")
    program = PROGRAMS[name](numpy.random.default_rng(0))
    exact = derivatives(program)
    use(device, "float64")
    worst = error(derivatives(program), exact)
    use(device, "float32")
    types = "/".join(sorted({str(leaf.dtype) for leaf in leaves(derivatives(program))}))
    on_device = seconds(program)
    use("numpy", "float32")
    times = f"gradient {1e3 * on_device:7.2f} ms, on NumPy {1e3 * seconds(program):7.2f} ms"
    right = worst <= AGREE and types == "float32"
    return right, f"error {worst:7.1e}   float32 in, {types} out   {times}"


def report(name, device):
    """Compare, print the line, and return whether all was right."""
    try:
        right, line = compare(name, device)
    except Exception as failure:
        right, line = False, f"{type(failure).__name__}: {failure}"
    print(f"{'ok' if right else 'BAD':4s}{name:9s}{line}")
    return right


def main(device="cupy"):
    """Print one line for every program; return 0 if all are right, 1 if not, 2 without a GPU."""
    before = current()
    try:
        use(device)
    except RuntimeError as reason:
        print(f"gpu-check: {reason}")
        return 2
    try:
        right = [report(name, device) for name in PROGRAMS]
    finally:
        use(*before)
    return 0 if all(right) else 1
