# %% [markdown]
# # 11. Recurrent: an LSTM that learns in its activations
#
# **The promise.** Train an LSTM on many small regression tasks, then freeze it. On a
# new task it learns all the same, from the examples it reads, nearly as well as the
# best learner there can be. You will find the posterior mean in its memory.
#
# **You need** lessons 00 to 10. **Takes** half an hour to read, under a minute to run.
# **Before:** adapting is descent, or algebra. **After:** adapting is *running* a net:
# $$h_t=\mathrm{LSTM}(h_{t-1},[x_t,y_{t-1}]),\quad\hat y_t=h_tW+b,\quad
#   \min\;\mathbb E_{\rm task}\,\tfrac1T\textstyle\sum_t|\hat y_t-y_t|^2$$
# Each $x_t$ asks; its $y_t$ comes with the next. Weights learn across tasks, slowly;
# $h$ and $c$ within one, fast (Hochreiter, Younger & Conwell 2001). **Prior, noise,
# network sizes and training are ours**, not those of Rabinowitz 2019 on such tasks.

# %%
import os

import numpy

from minimeta import plots
from minimeta.core.backend import np, to_device, use
from minimeta.core.gradients import grad
from minimeta.core.optim import adam
from minimeta.exact import linear_gaussian
from minimeta.memories import by_hand, recurrent
from minimeta.tasks import Data
from minimeta.tasks.regression import linear
from minimeta.training import sequence_train

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
rng = numpy.random.default_rng(0)

# %% [markdown]
# ## The cell, and a learner made of it
# A memory $c$ and three gates between 0 and 1: what to write, to keep, to read. One
# step answers $x_t$ and takes in $y_{t-1}$; $y_t$ waits in the state for the next. To
# `adapt` is to run over the support, a query one more step, from a copy of the state.


# %%
def cell(params, h, c, x):
    """One step: x (M, D), h and c (M, H)."""
    z = x @ params["W_x"] + h @ params["W_h"] + params["b"]  # (M, 4H)
    i, f, g, o = np.split(z, 4, axis=-1)
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def run(meta, data):
    """For each t, the answer to x_t before y_t is seen, and h and c after it."""
    h = c = np.zeros((len(data.x), len(meta["read"]["W"])))
    label, answers, states = 0.0 * data.y[:, 0], [], []
    for t in range(data.x.shape[1]):
        fed = np.concatenate([data.x[:, t], label], axis=-1)  # (M, D + C)
        h, c = cell(meta["cell"], h, c, fed)
        answers.append(h @ meta["read"]["W"] + meta["read"]["b"])
        states.append(np.concatenate([h, c], axis=-1))
        label = data.y[:, t]
    return np.stack(answers, axis=1), np.stack(states, axis=1)


meta = recurrent.init(rng, inputs=2, outputs=1, hidden=8)
data = linear(rng, 5, 6, 1, numpy.eye(2)).support
same = np.allclose(run(meta, data)[0], recurrent.predict_along(meta, data))
assert same, "the library's LSTM, a whole sequence in one call, agrees"
slope = grad(lambda y: np.sum(run(meta, Data(data.x, y))[0][:, 3]))(data.y)
seen = np.any(slope != 0, axis=(0, 2))
assert list(seen) == [True] * 3 + [False] * 3, "answer 4 has seen labels 1, 2 and 3"

# %% [markdown]
# ## By hand: one cell is enough for a mean
# Feed $\log t$, with weight 1 to the gate that keeps and $-1$ to the one that writes:
# they open by $\frac t{t+1}$ and $\frac1{t+1}$, so $c$ holds the sum of $t-1$ labels
# over $t+1$, a mean with two zeros more. **Predict, then run.** The labels are 6, 3, 7:
# what is answered before and after each? For which noise and prior is that optimal?

# %%
tiny = 1e-5  # tanh(z) is z for small z: labels are made tiny, answers large again
W_x = numpy.array([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, tiny, 0.0]])  # from log t, y
params = {"W_x": W_x, "W_h": 0 * W_x[:1], "b": numpy.array([0.0, 0.0, 0.0, 40.0])}
averager = {"cell": params, "read": {"W": numpy.array([[1 / tiny]]), "b": 0.0}}
ones, y = numpy.ones((1, 4, 1)), numpy.array([6.0, 3.0, 7.0, 0.0]).reshape(1, 4, 1)
found = run(averager, Data(np.log(np.cumsum(ones, axis=1)), y))[0]
print("answers", found[0, :, 0].round(6))
assert np.allclose(found[0, :, 0], [0, 6 / 3, 9 / 4, 16 / 5]), "the sum over n + 2"
means, _ = linear_gaussian.sequential(ones, y, 0.0, np.eye(1), 2.0)
assert np.allclose(found, means[:, :-1, 0]), "Bayes, if noise = 2 x prior variance"

# %% [markdown]
# ## Train it
# Lines $y=xw+$ noise: $w\sim\mathcal N(0,I/D)$, $x\sim\mathcal N(0,I)$, noise of
# standard deviation 0.1, $T=20$ examples; first $D=1$, then 2. Every step takes 64
# new tasks. `meta_gradient` is the gradient of the loss above, over all $t$ at once.


# %%
def train(D, steps):
    """The LSTM before and after training; it has 32 D hidden units."""
    use(dtype="float32")
    learner = recurrent.learner(D, hidden=32 * D)
    sample = lambda rng: linear(rng, 64, T - 1, 1, numpy.eye(D) / D, 0.0, NOISE)
    fading = adam(lambda t: 0.02 * (1 - t / steps), decay_square=0.99)
    before = learner.init(rng)
    after, _ = sequence_train(learner, sample, rng, steps, optimizer=fading)
    metas = before, after
    use(dtype="float64")
    return dict(zip(("untrained", "LSTM"), to_device(metas)))


T, NOISE, LIMIT = 20, 0.1**2, {1: 0.10, 2: 0.25}  # noise: the variance
trained = {D: train(D, 30 if QUICK else 3000) for D in (1, 2)}

# %% [markdown]
# ## Beside Bayes, on new tasks
# *SGD* with one step per example is an LSTM too: `by_hand.gradient_descent` sets five
# cells per input so that the difference of two gates is a product. It has the best of
# four step sizes in hindsight. *Ridge* has $\lambda=1$; with $\sigma^2D$ it is Bayes.
# *Least squares* has no finite expected error before $D+2$ examples. **Predict, then
# run.** For $D=1$, which share of Bayes's error over 20 answers is the first's?


# %%
def bayes(data, covariance, noise):
    """Its squared errors (M, T), and the posterior mean and variance by then."""
    mean, variance = linear_gaussian.sequential(*data, 0.0, covariance, noise)
    answers = np.sum(data.x * mean[:, :-1, :, 0], axis=-1, keepdims=True)
    return square(answers, data), mean[:, :-1], variance[:, :-1]


square = lambda answers, data: (answers - data.y)[..., 0] ** 2  # (M, T)
miss = lambda meta, data: square(run(meta, data)[0], data)
shown, sizes = [0, 1, 2, 3, 5, 10, 19], (0.1, 0.2, 0.3, 0.4)
fig, axes = plots.figure(columns=2, rows=2)
colours = plots.BEFORE, plots.AFTER, *plots.COLOURS[1:4]
for D, ax in zip((1, 2), axes):
    S, M = numpy.eye(D) / D, 300 if QUICK else 5000
    data = linear(rng, M, T, 1, S, 0.0, NOISE).support
    errors = {name: miss(meta, data) for name, meta in trained[D].items()}
    errors["SGD"] = min(
        (miss(by_hand.gradient_descent(s, D), data) for s in sizes), key=np.mean
    )
    errors["ridge"], *_ = bayes(data, numpy.eye(D), 1.0)
    errors["least squares"], *_ = bayes(data, 1e8 * numpy.eye(D), NOISE)
    errors["least squares"][:, : D + 2] = numpy.nan
    best, *_ = bayes(data, S, NOISE)
    risks = [linear_gaussian.risk(data.x[:, :n], S, NOISE) for n in range(T)]
    floor = np.mean(np.stack(risks), axis=1)  # what Bayes expects: (T,)
    print(f"mean\t{D}-d, examples:", *shown, sep="\t")
    for (name, error), colour in zip(errors.items(), colours):
        curve = floor + np.mean(error - best, axis=0)  # paired: the same tasks
        print(f"{curve.mean():.4f}\t{name:15s}", *curve[shown].round(4), sep="\t")
        ax.semilogy(curve, color=colour, label=name)
    print(f"{floor.mean():.4f}\tBayes          ", *floor[shown].round(4), sep="\t")
    plots.floor(ax, range(T), floor)
    plots.labels(ax, "examples seen", "squared error", f"{D}-d", legend=D == 1)
    above = errors["LSTM"] - best
    excess, share = above.mean() / best.mean(), floor[0] / floor.sum()
    print(f"LSTM {excess:.1%} above Bayes; the first answer's share {share:.0%}")
    assert np.all(above.mean(0) > -4 * above.std(0) / M**0.5), "nowhere below Bayes"
    assert abs(floor[0] - 1 - NOISE) < 1e-12, "at first: the variance of y"
    assert QUICK or excess < LIMIT[D], "the LSTM is close to Bayes"
    assert QUICK or errors["LSTM"].mean() < errors["ridge"].mean(), "ahead of ridge"

# %% [markdown]
# ## What the state stores
# Bayes keeps of a line's examples two numbers: posterior mean and variance. Are they
# in $h$ and $c$? Fit one *linear* map to both, the same for all $t$, on half of the
# tasks, and judge it on the others. (It has seen $y_t$ once it is fed $x_{t+1}$.)

# %%
data = linear(rng, 300 if QUICK else 2000, T, 1, np.eye(1), 0.0, NOISE).support
_, mean, variance = bayes(data, np.eye(1), NOISE)
truth = np.concatenate([mean, np.log(variance)], axis=-1)[:, 1:, 0].reshape(-1, 2)
half, read, R2 = len(truth) // 2, {}, {}
for name, meta in trained[1].items():
    states = run(meta, data)[1][:, 1:].reshape(len(truth), -1)
    states = numpy.insert(
        states, 0, 1.0, axis=-1
    )  # 1, for an intercept, and h and c
    fit, *_ = np.linalg.lstsq(states[:half], truth[:half], rcond=None)
    read[name], exact = states[half:] @ fit, truth[half:]
    R2[name] = 1 - np.mean((read[name] - exact) ** 2, axis=0) / exact.var(axis=0)
    print(f"{name:10s} R^2 of mean and log variance: {R2[name].round(3)}")
assert QUICK or np.all(R2["LSTM"] > [0.95, 0.85]), "the posterior is in the state"
assert QUICK or np.all(1 - R2["LSTM"] < (1 - R2["untrained"]) / 2), "by training"
for k, (name, ax) in enumerate(zip(("posterior mean", "log variance"), axes[2:])):
    for found, colour in zip(read.values(), colours):
        ax.plot(exact[::7, k], found[::7, k], ".", ms=2, color=colour)
    plots.floor(ax, np.sort(exact[:, k]), np.sort(exact[:, k]), label="exact")
    plots.labels(ax, name, "read from h and c", f"R² = {R2['LSTM'][k]:.2f}")
print("figure:", plots.save(fig, "11_recurrent"))

# %% [markdown]
# ## Exercises
# 1. Feed $y_t$ beside $x_t$ in `run`. *Check:* which assert notices?
# 2. Run the trained LSTM for 60 examples. *Check:* does its excess go on falling?
# 3. Turn the first 19 examples round. *Check:* Bayes's last answer stays; the LSTM's?
#
# **What changed since 10:** there a cell state was a network's parameters, its gates
# a descent step. Here no one says what the state is; it came to hold the posterior.
