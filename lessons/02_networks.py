# %% [markdown]
# # 02. Networks: real digits, and slow waves first
#
# **The promise.** A network and an optimizer, on one page, that read handwritten
# digits. And the order in which a network learns: low frequencies first.
#
# **You need** lessons 00 and 01. **Takes** twenty minutes to read, seconds to run.
# **Before**: linear models. **After**: layers with a bend between them, and Adam:
#
# $$h\gets\max(hW+b,0)\qquad\theta\gets\theta-\eta\,\hat m/(\sqrt{\hat s}+\epsilon)$$

# %%
import os

import numpy

from minimeta import plots
from minimeta.core import losses, optim
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.trees import tree_map
from minimeta.exact import linear_networks
from minimeta.nets import mlp
from minimeta.tasks.datasets import digits, split

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
gap = lambda x, y: numpy.max(numpy.abs(numpy.subtract(x, y)))

# %% [markdown]
# ## The network
# A layer is a matrix and an offset; between layers, what is negative becomes zero.
# By hand: weights $(1,-1)$, then $(1,1)^\top$, make $\max(x,0)+\max(-x,0)=|x|$.


# %%
def network(theta, x):
    """Inputs x (N, D) through all layers: (N, C)."""
    for layer in theta[:-1]:
        x = np.maximum(x @ layer["W"] + layer["b"], 0.0)
    return x @ theta[-1]["W"] + theta[-1]["b"]


def init(rng, sizes):
    """Weights N(0, 2 / inputs), which keep the variance; the last layer zero."""
    draw = lambda D, C: rng.normal(size=(D, C)) * (2 / D) ** 0.5
    theta = [{"W": draw(D, C), "b": np.zeros(C)} for D, C in zip(sizes, sizes[1:])]
    return [*theta[:-1], tree_map(np.zeros_like, theta[-1])]


weights = np.array([[1.0, -1.0]]), np.array([[1.0], [1.0]])
by_hand = [{"W": W, "b": np.zeros(W.shape[1])} for W in weights]
x = numpy.linspace(-2, 2, 9)[:, None]
assert gap(network(by_hand, x), abs(x)) == 0, "two hidden units make |x|"

# %% [markdown]
# ## Adam
# In lesson 01 the steepest direction limited every step. Adam divides a running
# mean $m$ of each slope by the root of a running mean $s$ of its square. Both means
# begin at zero; the hats stand for division by $1-\beta^t$, which makes up for it.
#
# **Predict, then run.** The slopes at $(0,0)$ are $3$ and $-0.01$, the step size is
# $0.1$. Where does the first step lead?


# %%
def adam(theta, slopes, state, step_size, beta=0.9, gamma=0.999, epsilon=1e-8):
    """One step: new parameters and new state (steps made, mean, mean square)."""
    t, m, s = state[0] + 1, *state[1:]
    m = tree_map(lambda m, g: beta * m + (1 - beta) * g, m, slopes)
    s = tree_map(lambda s, g: gamma * s + (1 - gamma) * g**2, s, slopes)
    root = lambda s: np.sqrt(s / (1 - gamma**t)) + epsilon
    step = lambda p, m, s: p - step_size * m / (1 - beta**t) / root(s)
    return tree_map(step, theta, m, s), (t, m, s)


def train(theta, loss, batches, step_size):
    """Yield the parameters before the first step, then after each, one a batch."""
    state = 0, tree_map(np.zeros_like, theta), tree_map(np.zeros_like, theta)
    yield theta
    for batch in batches:
        theta, state = adam(theta, grad(loss)(theta, *batch), state, step_size)
        yield theta


first, _ = adam(np.zeros(2), np.array([3.0, -0.01]), (0, 0.0, 0.0), step_size=0.1)
print("after the first step:", first)
assert gap(first, [-0.1, 0.1]) < 1e-6, "the first step sees the slopes' signs alone"

# %% [markdown]
# ## Handwritten digits
# The loss is the mean surprise $-\log p(\text{label})$, with $p$ proportional to
# $e^{\text{output}}$. **Predict** it for the start, where all ten outputs are zero.
#
# Then, four times: set 360 images aside, train on the others, read those aside. The
# line to beat is the best *linear* model, which a linear system gives (lesson 01).


# %%
def surprise(theta, x, labels):
    """Mean of -log softmax at the labels (N,)."""
    logits = network(theta, x)
    shifted = logits - np.max(logits, axis=1, keepdims=True)  # so nothing overflows
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_p[numpy.arange(len(labels)), labels])


images, labels = digits()
STEPS, EVERY, curves, linear = (40 if QUICK else 600), 20, [], []
for seed in range(1 if QUICK else 4):
    rng = numpy.random.default_rng(seed)
    (x, y), (x_test, y_test) = split(rng, images.reshape(-1, 64), labels, test=360)
    batches = [(x[i], y[i]) for i in rng.integers(len(x), size=(STEPS, 64))]
    path = train(init(rng, [64, 128, 10]), surprise, batches, 2e-3)
    path = [theta for step, theta in enumerate(path) if step % EVERY == 0]
    read = [np.argmax(network(theta, x_test), axis=1) for theta in path]
    curves.append([np.mean(answer == y_test) for answer in read])
    best, *_ = numpy.linalg.lstsq(x, numpy.eye(10)[y])
    linear.append(np.mean(np.argmax(x_test @ best, axis=1) == y_test))
    print(f"seed {seed}: right {curves[-1][-1]:.1%}, linear model {linear[-1]:.1%}")
first, last = (surprise(path[i], x_test, y_test) for i in (0, -1))
logits, final = network(path[-1], x_test), numpy.array(curves)[:, -1]
assert abs(first - np.log(10)) < 1e-12, "with ten equal outputs the loss is log 10"
assert gap(last, losses.cross_entropy(logits, y_test)) < 1e-12, "the library's loss"
assert QUICK or final.mean() > 0.96, "over 96 % of the new digits are read right"
assert QUICK or (final > linear).all(), "better than linear, in each of the four"

# %% [markdown]
# ## Which waves first?
# The target is a sum of five waves of equal size, on a circle. How far the network
# has come with wave $k$ is read off its Fourier coefficient: the real part of
# $\hat f_k/\hat y_k$, zero at first, one when learned.

# %%
waves, x = numpy.array([1, 2, 4, 6, 8]), 2 * numpy.pi * numpy.arange(128) / 128
angles, T = numpy.outer(x, waves), (40 if QUICK else 400)  # (N, K)
y = 2**0.5 * numpy.cos(angles + rng.uniform(0, 6, size=5)).sum(axis=1)[:, None]
circle = 2**0.5 * numpy.stack([numpy.cos(x), numpy.sin(x)], axis=1)  # (N, 2)
coefficients = lambda f: numpy.fft.rfft(f[:, 0])[waves]
progress = lambda f: (coefficients(f) / coefficients(y)).real
error = lambda theta, x, y: np.mean((network(theta, x) - y) ** 2)
start = init(rng, [2, 128, 128, 1])
path = list(train(start, error, [(circle, y)] * T, 1e-3))
learned = numpy.stack([progress(network(theta, circle)) for theta in path])
half = (learned < 0.5).sum(axis=0)
print("waves", waves, "are half learned after", half, "steps")
assert QUICK or (numpy.diff(half) > 0).all(), "the slower wave is learned first"

# %% [markdown]
# No formula says so for this network. One does for a model that sees fast waves
# faintly: linear in $\cos(kx)/k$ and $\sin(kx)/k$. Their curvature is
# $\lambda_k=1/k^2$, so by lesson 01 wave $k$ follows $1-(1-\eta/k^2)^t$.
#
# **Predict, then run.** How many times longer than wave 4 does wave 8 take?

# %%
faint = numpy.hstack([numpy.cos(angles), numpy.sin(angles)]) * 2**0.5
faint, w, seen = faint / numpy.tile(waves, 2), np.zeros((10, 1)), []
for _ in range(T + 1):
    seen.append(progress(faint @ w))
    w = w - 0.5 * grad(lambda w: np.mean((faint @ w - y) ** 2) / 2)(w)
exact = linear_networks.shallow_modes(np.ones(5), 0.5, T, curvature=1 / waves**2)
half = numpy.log(0.5) / numpy.log(1 - 0.5 / waves**2)
print("half-times", half.round(1), f" wave 8 to wave 4: {half[4] / half[2]:.2f}")
assert gap(seen, exact) < 1e-12, "wave k follows 1 - (1 - eta / k^2)^t exactly"
assert abs(half[4] / half[2] - 4) < 0.1, "twice the frequency: four times as long"

# %%
optimizer, theta = optim.adam(1e-3), start
state = optimizer.init(theta)
for _ in range(3):
    theta, state = optimizer.update(grad(error)(theta, circle, y), state, theta)
same = mlp([2, 128, 128, 1]).apply(theta, circle)
assert gap(same, network(path[3], circle)) < 1e-12, "the library's network and Adam"
fig, panels = plots.figure(2, 2, height=2.9)
names, misread = [f"wave {k}" for k in waves], 1 - numpy.transpose(curves)
panels[0].semilogy(EVERY * numpy.arange(len(read)), misread, color=plots.AFTER)
plots.floor(panels[0], [0, STEPS], [1 - np.mean(linear)] * 2, "best linear model")
plots.labels(panels[0], "step", "share misread", "new digits, four splits")
worst = numpy.argsort(logits[numpy.arange(360), y_test] - logits.max(axis=1))[:6]
tiles = numpy.pad(x_test[worst].reshape(6, 8, 8), ((0, 0), (2, 0), (1, 1)))
panels[1].imshow(numpy.block([[*tiles[:3]], [*tiles[3:]]]), cmap="gray_r")
for i, n in enumerate(worst):
    name = f"{y_test[n]}, read as {read[-1][n]}"
    panels[1].text(10 * (i % 3) + 1, 10 * (i // 3) + 0.8, name, fontsize=9)
panels[1].set_axis_off()
panels[2].plot(learned, linewidth=4, alpha=0.7, label=names)
plots.labels(panels[2], "step", "fraction learned", "five waves: the network")
plots.against(panels[3], numpy.arange(T + 1), numpy.array(seen), exact, names)
plots.labels(panels[3], "step", "fraction learned", "five waves: faint features")
plots.save(fig, "02_networks")

# %% [markdown]
# ## Exercises
# 1. Give the waves amplitudes that grow with $k$: does their order change? And what
#    does the formula foretell for features of size $1$ instead of $1/k$?
# 2. Leave Adam's $1-\beta^t$ out. How long is the first step? Check by hand.
# 3. Let *all* weights start at zero. What is ever learned, and why?
#
# **What changed since lesson 01.** A bend between the layers, batches, and Adam.
# The order of learning stayed; a formula is left only where the model is linear.
