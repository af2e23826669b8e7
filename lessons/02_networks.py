# %% [markdown]
# # 02. Networks: real digits, and slow waves first
#
# **The promise.** In this lesson you build the network and the optimizer that all later
# lessons use, and read handwritten digits better than any linear model can. Then you
# look inside the training: a network learns slow waves before fast ones. For a linear
# model with the same habit you will write down exactly when each wave is learned.
#
# **You need** the lessons *gradients* and *supervised* (gradient descent learns each
# direction at its own rate), and from calculus the chain rule and $e^x$.
#
# **Takes** about an hour to read with the exercises, and half a minute to run.
#
# **Before:** models are linear, and a formula tells how they learn. **After:** models
# bend, the formula is gone, and the order of learning is still there.
#
# One layer multiplies its input by a matrix and adds a vector. Between two layers every
# negative number is replaced by zero. With two layers,
#
# $$f(x)=\max(0,\;xW_1+b_1)\,W_2+b_2 .$$

# %%
import numpy

from minimeta import plots
from minimeta.core import losses, optim
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.trees import tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import linear_networks
from minimeta.nets import mlp
from minimeta.tasks.datasets import digits, split

# %% [markdown]
# ## The network, built here
#
# The function $\max(0,\cdot)$ is called *relu* (rectified linear unit). Without it, two
# layers would be one matrix product and the whole network would be linear. With it, the
# network is made of pieces: on one side of a line a unit is silent, on the other side it
# is linear.
#
# You can check the smallest example by hand. The first layer has the weights
# $(1,\,-1)$ and makes $x$ and $-x$. The relu keeps $\max(0,x)$ and $\max(0,-x)$, and the
# second layer adds them: the network computes $|x|$.


# %%
def network(theta, x):
    """Inputs x (N, D) through all layers: (N, C)."""
    for layer in theta[:-1]:
        x = np.maximum(x @ layer["W"] + layer["b"], 0.0)
    return x @ theta[-1]["W"] + theta[-1]["b"]


def init(rng, sizes):
    """Weights of variance 2 / inputs keep the size of signals; the last is zero."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        W = rng.normal(size=(inputs, outputs)) * (2 / inputs) ** 0.5
        layers.append({"W": W, "b": np.zeros(outputs)})
    return [*layers[:-1], tree_map(np.zeros_like, layers[-1])]


absolute = [
    {"W": np.array([[1.0, -1.0]]), "b": np.zeros(2)},
    {"W": np.array([[1.0], [1.0]]), "b": np.zeros(1)},
]
line = numpy.linspace(-2, 2, 9)[:, None]
print(network(absolute, line)[:, 0])

# %%
claim_equal(
    network(absolute, line),
    abs(line),
    0.0,
    "Two hidden units make the absolute value.",
)

# %% [markdown]
# ## Adam, built here
#
# In the lesson *supervised* the steepest direction limited the step size for all
# directions. Adam (Kingma and Ba, 2014) gives every parameter a step of its own length.
# It keeps a running mean $m$ of the gradient and a running mean $s$ of its square, and
# moves by
#
# $$-\eta\;\frac{\hat m}{\sqrt{\hat s}+\epsilon},\qquad
# \hat m=\frac{m}{1-\beta^t},\quad\hat s=\frac{s}{1-\gamma^t}.$$
#
# The step size is $\eta$, and $t$ counts the steps. Both means begin at zero, so at
# first they are too small; the division by $1-\beta^t$ and $1-\gamma^t$ makes up for it
# exactly. The tiny $\epsilon$ avoids a division by zero.
#
# **Predict, then run.** The gradient at the start is $(3,\,-0.01)$ and $\eta=0.1$. Where
# does Adam's first step lead from $(0,0)$?


# %%
BETA, GAMMA = 0.9, 0.999  # Adam's usual values


def adam_step(theta, gradient, state, eta):
    """One step: new parameters and new state (steps made, mean, mean square)."""
    t = state[0] + 1
    m = tree_map(lambda m, g: BETA * m + (1 - BETA) * g, state[1], gradient)
    s = tree_map(lambda s, g: GAMMA * s + (1 - GAMMA) * g**2, state[2], gradient)

    def move(p, m, s):
        root = np.sqrt(s / (1 - GAMMA**t)) + 1e-8
        return p - eta * m / (1 - BETA**t) / root

    return tree_map(move, theta, m, s), (t, m, s)


def train(theta, loss, batches, eta):
    """Yield the parameters before the first step and after each step."""
    state = 0, tree_map(np.zeros_like, theta), tree_map(np.zeros_like, theta)
    yield theta
    for batch in batches:
        theta, state = adam_step(theta, grad(loss)(theta, *batch), state, eta)
        yield theta


# %%
zero = np.zeros(2)
first_step, _ = adam_step(zero, np.array([3.0, -0.01]), (0, zero, zero), eta=0.1)
print("after the first step:", first_step)

# %%
sentence = "The first step sees only the signs of the gradient."
claim_equal(first_step, numpy.array([-0.1, 0.1]), 1e-6, sentence)

# %% [markdown]
# ## Handwritten digits
#
# The data are 1,797 images of 8 by 8 pixels, which come with the package. The network
# gives ten numbers for an image, the *logits*. They become chances by
# $p_k=e^{z_k}/\sum_je^{z_j}$, a function called *softmax*. The loss is the mean of
# $-\log p$ at the right label: the surprise of the network. It is called cross-entropy.
#
# We set 360 images aside, train on the others, and count how many of the 360 are read
# right. To see how much that depends on chance, we do it four times with other images
# set aside. The line to beat is a linear model: the best linear fit to the one-hot
# labels, which a linear system gives without any training.
#
# **Predict, then run.** Before training, all ten logits are zero. How large is the loss?


# %%
def cross_entropy(theta, x, labels):
    """Mean of -log softmax at the labels (N,)."""
    logits = network(theta, x)
    shifted = logits - np.max(logits, axis=1, keepdims=True)  # so nothing overflows
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_p[numpy.arange(len(labels)), labels])


# %%
images, digit = digits()
STEPS, EVERY, SPLITS = (40, 20, 1) if QUICK else (600, 20, 4)


def read_digits(seed):
    """Train on one split: path, shares read, the linear share, the test set."""
    rng = numpy.random.default_rng(seed)
    (x, y), test = split(rng, images.reshape(-1, 64), digit, test=360)
    batches = [(x[i], y[i]) for i in rng.integers(len(x), size=(STEPS, 64))]
    path = list(train(init(rng, [64, 128, 10]), cross_entropy, batches, 2e-3))[
        ::EVERY
    ]
    read = [np.argmax(network(theta, test[0]), axis=1) for theta in path]
    best, *_ = numpy.linalg.lstsq(x, numpy.eye(10)[y])
    linear = np.mean(np.argmax(test[0] @ best, axis=1) == test[1])
    return path, [np.mean(answer == test[1]) for answer in read], linear, test


# %%
runs = [read_digits(100 * SEED + split_seed) for split_seed in range(SPLITS)]
for _, right, linear, _ in runs:
    print(f"read right: network {right[-1]:.1%}, linear model {linear:.1%}")
path, _, _, (x_test, y_test) = runs[-1]
loss_before, loss_after = (
    cross_entropy(theta, x_test, y_test) for theta in (path[0], path[-1])
)
print(f"loss before {loss_before:.4f}, after {loss_after:.4f}")

# %%
claim_equal(
    loss_before, np.log(10), 1e-12, "With ten equal chances the loss is log 10."
)
logits = network(path[-1], x_test)
library_loss = losses.cross_entropy(logits, y_test)
claim_equal(loss_after, library_loss, 1e-12, "This page's loss is the library's.")
shares = numpy.array([right[-1] for _, right, _, _ in runs])
ahead = shares - numpy.array([linear for _, _, linear, _ in runs])
sentence = "Over 95 % of new digits are read right, on average over the splits."
claim(shares.mean() > 0.95, sentence, shares.mean(), "> 0.95", trained=True)
sentence = "The network beats the linear model on every split."
claim(ahead.min() > 0, sentence, ahead.min(), "> 0", trained=True)


# %%
def draw_misread(ax):
    steps = EVERY * numpy.arange(len(path))
    for number, (_, right, _, _) in enumerate(runs):
        label = "network, four splits" if number == 0 else None
        ax.semilogy(steps, 1 - numpy.array(right), color=plots.AFTER, label=label)
    misread = 1 - numpy.mean([linear for _, _, linear, _ in runs])
    plots.floor(ax, [0, STEPS], [misread] * 2, "best linear model (mean)")
    plots.labels(ax, "step of training", "share misread", "360 new digits")


# %%
def draw_worst(ax):
    answers = np.argmax(logits, axis=1)
    margin = logits[numpy.arange(360), y_test] - logits.max(axis=1)
    worst = numpy.argsort(margin)[:6]
    tiles = numpy.pad(x_test[worst].reshape(6, 8, 8), ((0, 0), (2, 0), (1, 1)))
    ax.imshow(numpy.block([[*tiles[:3]], [*tiles[3:]]]), cmap="gray_r")
    for i, n in enumerate(worst):
        name = f"{y_test[n]}, read as {answers[n]}"
        ax.text(10 * (i % 3) + 1, 10 * (i // 3) + 0.8, name, fontsize=9)
    ax.set_axis_off()
    ax.set_title("the six worst of one split", fontsize=11)


# %%
digits_figure, (left, right) = plots.figure(2)
draw_misread(left)
draw_worst(right)
plots.save(digits_figure, "02_digits")

# %% [markdown]
# **Left:** the share of the 360 new digits that is misread, against the steps of
# training, on a logarithmic scale. Each blue line is one split of the images. The dashed
# line is the best linear model, averaged over the splits. **Right:** the six images of
# one split on which the network is most wrong (or least sure). Most are hard for you too.
#
# ## Which waves are learned first?
#
# Now a task whose answer we can take apart. The input is a point on a circle, at the
# angle $x$. The target is a sum of five waves of equal size, with the frequencies 1, 2,
# 4, 6 and 8. How far the network has come with wave $k$ can be read off its Fourier
# coefficient: divide the coefficient of the network's answers by that of the target.
# The real part of this ratio is 0 at the start and 1 when the wave is learned.
#
# **Predict, then run.** All five waves are equally large. In which order will they be
# learned, and will wave 8 take about as long as wave 1, twice as long, or much longer?

# %%
WAVES, GRID = numpy.array([1, 2, 4, 6, 8]), 2 * numpy.pi * numpy.arange(128) / 128
UPDATES = 40 if QUICK else 400
rng = numpy.random.default_rng(SEED)
angles = numpy.outer(GRID, WAVES)  # (N, K)
phases = rng.uniform(0, 2 * numpy.pi, size=5)
target = 2**0.5 * numpy.cos(angles + phases).sum(axis=1)[:, None]  # (N, 1)
circle = 2**0.5 * numpy.stack([numpy.cos(GRID), numpy.sin(GRID)], axis=1)  # (N, 2)


def progress(answers):
    """How much of each wave of the target is in the answers (N, 1): (K,)."""
    ours, wanted = (numpy.fft.rfft(y[:, 0])[WAVES] for y in (answers, target))
    return (ours / wanted).real


def squared_error(theta, x, y):
    return np.mean((network(theta, x) - y) ** 2)


start = init(rng, [2, 128, 128, 1])
descent = list(train(start, squared_error, [(circle, target)] * UPDATES, 1e-3))
learned = numpy.stack([progress(network(theta, circle)) for theta in descent])
half_learned = (learned < 0.5).sum(axis=0)  # how many steps until a half is reached
print("waves", WAVES, "are half learned after", half_learned, "steps")

# %%
in_order = bool((numpy.diff(half_learned) > 0).all())
claim(
    in_order,
    "The slower wave is learned first.",
    half_learned,
    "increasing",
    trained=True,
)

# %% [markdown]
# ## The same habit, with a formula
#
# No formula is known for this network. But a *linear* model whose fast features are
# small shows the same effect and can be solved by hand. Its features are $\cos(kx)/k$
# and $\sin(kx)/k$, so it sees fast waves only faintly. The features of different waves
# are orthogonal, and the curvature of the loss in the directions of wave $k$ is
# $\lambda_k=1/k^2$. By the lesson *supervised*, after $t$ steps of size $\eta$ the model
# has learned of wave $k$ the fraction
#
# $$1-\Big(1-\frac\eta{k^2}\Big)^t .$$
#
# **Predict, then run.** How many times as long as wave 4 does wave 8 take?

# %%
faint = 2**0.5 * numpy.hstack([numpy.cos(angles), numpy.sin(angles)])
faint = faint / numpy.tile(WAVES, 2)  # (N, 2K)
ETA, w, seen = 0.5, np.zeros((10, 1)), []
for _ in range(UPDATES + 1):
    seen.append(progress(faint @ w))
    w = w - ETA * faint.T @ (faint @ w - target) / len(faint)
by_formula = linear_networks.shallow_modes(
    np.ones(5), ETA, UPDATES, curvature=1 / WAVES**2
)
half_times = numpy.log(0.5) / numpy.log(1 - ETA / WAVES**2)
print("half-times of waves", WAVES, "are", half_times.round(1))

# %%
claim_equal(
    numpy.array(seen),
    by_formula,
    1e-12,
    "Wave k follows the formula at every step.",
)
ratio = half_times[4] / half_times[2]
claim(
    abs(ratio - 4) < 0.1,
    "Twice the frequency takes four times as long.",
    ratio,
    "4 +- 0.1",
)

# %%
names = [f"wave {k}" for k in WAVES]
waves_figure, (left, right) = plots.figure(2)
for column, name, colour in zip(learned.T, names, plots.COLOURS):
    left.plot(column, linewidth=3, color=colour, label=name)
plots.floor(left, [0, UPDATES], [1, 1], "learned")
plots.labels(left, "step of training", "fraction learned", "the network")
plots.against(
    right, numpy.arange(UPDATES + 1), numpy.array(seen), by_formula, names
)
plots.labels(
    right, "step of training", "fraction learned", "linear, faint features"
)
plots.save(waves_figure, "02_networks")

# %% [markdown]
# **Left:** the fraction of each wave that the network has learned. A line that rises above
# 1 overshoots for a while. **Right:** the linear model with faint features. The wide
# coloured lines are measured, the dashed black ones are the formula. In both panels the
# slow waves come first. This habit is called *spectral bias*. A meta-learner of the
# lesson *waves* will not have it.
#
# ## The same as the library

# %%
optimizer, theta = optim.adam(1e-3), start
state = optimizer.init(theta)
for _ in range(3):
    gradient = grad(squared_error)(theta, circle, target)
    theta, state = optimizer.update(gradient, state, theta)
library = mlp([2, 128, 128, 1]).apply(theta, circle)
mine = network(descent[3], circle)
claim_equal(mine, library, 1e-12, "This page's network and Adam are the library's.")

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Leave out the division by $1-\beta^t$ and $1-\gamma^t$ in Adam, with
# $\beta=0.9$ and $\gamma=0.999$. How many times as long is the first step then as with
# the division? Give two digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "ae025b65", digits=2)

# %% [markdown]
# **Exercise 2.** How many numbers are in the parameters of a network with 64 inputs, one
# hidden layer of 128 units, and 10 outputs?

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "a003b59d", digits=5)

# %% [markdown]
# **Exercise 3.** All weights and offsets of such a network start at zero, not only those
# of the last layer. After any number of steps, how many of the 128 rows of the last
# weight matrix have changed?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "a37bbbb0")

# %% [markdown]
# **Exercise 4.** In the linear model, let the features be $\cos(kx)$ and $\sin(kx)$
# without the division by $k$. How many times as long as wave 4 does wave 8 take then?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "cae213e0")

# %% [markdown]
# **What changed since the last lesson.** The model bends between its layers, it sees
# batches, and Adam sets a step for each parameter. The order of learning stayed.
# `python -m minimeta verify optimizers` has the theorems on Adam and its relatives.

# %%
finish()
