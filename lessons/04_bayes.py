# %% [markdown]
# # 04. Bayes: tasks have a distribution, so there is a best learner
#
# **The promise.** When tasks come from a known distribution, there is a best way to
# learn from few examples. It is a formula, it knows how wrong it is, and no learner
# of lessons 01 to 03 beats it.
#
# **You need** lessons 00 to 03. **Takes** half an hour to read, seconds to run.
# **Before**: learning is descent. **After**: it is a map from data to answers, with
# one best: for $w\sim\mathcal N(m,\Sigma)$, $y=Xw+$ noise of variance $\sigma^2$,
# $$\hat w=m+G\,(y-Xm),\qquad G=\Sigma X^\top(X\Sigma X^\top+\sigma^2I)^{-1}$$

# %%
import os
from statistics import NormalDist

import numpy

from minimeta import meta as library
from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map
from minimeta.exact import linear_gaussian
from minimeta.meta import Learner
from minimeta.nets import mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import linear, random_covariance
from minimeta.training import meta_train

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
rng = numpy.random.default_rng(0)

# %% [markdown]
# ## A case to check by hand
# Weights and noise are Gaussian, so the weights *given data* are Gaussian as well;
# squared error asks for their mean. **Predict, then run.** One weight with prior
# $\mathcal N(0,1)$, noise variance 1. An example says $y=2$ at $x=1$. What now?


# %%
def posterior(x, y, mean, covariance, noise):
    """What is known of the weights: mean (M, D, C) and covariance (M, D, D)."""
    both = covariance @ np.swapaxes(x, -1, -2)  # of weights and answers, (M, D, N)
    G = both @ np.linalg.inv(x @ both + noise * np.eye(x.shape[-2]))
    return mean + G @ (y - x @ mean), covariance - G @ x @ covariance


one = numpy.ones((1, 1, 1))
mean, variance = posterior(one, 2 * one, 0 * one, one, 1.0)
print(f"w is {mean.item()} with variance {variance.item()}")
assert mean == 1.0 and variance == 0.5, "half way from 0 to 2, half the variance"
x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
ridge = np.linalg.solve(x.T @ x + 0.1 / 0.5 * np.eye(3), x.T @ y)
ours = posterior(x, y, np.zeros((3, 1)), 0.5 * np.eye(3), 0.1)[0]
assert np.allclose(ours, ridge), "ridge is Bayes if lambda = noise / prior variance"

# %% [markdown]
# ## The words of this course
# A **task** has two data sets: learn from the **support**, be judged on the
# **query**. **Shots** count support examples. A **learner** is three functions:
# `init(rng)` makes **meta**, shared by all tasks; `adapt(meta, support)` a task's
# **state**; `predict(meta, state, x)` the answers. $M$ tasks at once: $x$ $(M,N,D)$.


# %%
def evaluate(learner, meta, task):
    """The query error of every task after adapting to its support: (M,)."""
    state = learner.adapt(meta, task.support)
    return mse(learner.predict(meta, state, task.query.x), task.query.y)


def learning_curve(learner, meta, task, shots):
    """Those errors for the first s support examples, each s: (len(shots), M)."""
    first = lambda s: Data(task.support.x[:, :s], task.support.y[:, :s])
    parts = [Task(first(s), task.query) for s in shots]
    return np.stack([evaluate(learner, meta, part) for part in parts])


def bayes(mean, covariance, noise):
    """The posterior mean as a learner. Nothing to train: meta is empty."""
    adapt = lambda meta, support: posterior(*support, mean, covariance, noise)
    return Learner(lambda rng: {}, adapt, lambda meta, state, x: x @ state[0])


# %% [markdown]
# ## It knows how wrong it is, and what a wrong prior costs
# Believe $(m',\Sigma')$ where $(m,\Sigma)$ holds. With the $G$ of what you believe
# and $J=I-GX$, the expected error on queries $x\sim\mathcal N(0,I)$ is
# $$\sigma^2+\operatorname{tr}[J(\Sigma+(m-m')(m-m')^\top)J^\top+\sigma^2GG^\top].$$
# Believe the truth, and 90 of 100 intervals that claim 90 % hold. **Predict, then
# run.** Before any example, what does it cost to believe $m'=0$ instead of $m$?

# %%
D, LEVELS = 6, numpy.array([0.5, 0.8, 0.9, 0.95])
M, STEPS = (300, 50) if QUICK else (2000, 3000)
SPECTRUM, MEAN, NOISE = 2.0 ** -numpy.arange(D), rng.normal(size=(D, 1)), 0.1
priors = {"isotropic": (0 * MEAN, np.eye(D), NOISE),
          "anisotropic": (0 * MEAN, np.diag(SPECTRUM), NOISE),
          "rotated": (MEAN, random_covariance(rng, SPECTRUM), NOISE)}  # fmt: skip
draw = lambda shots, m, S, noise: linear(rng, M, shots, 20, S, m, noise)
bar = lambda e: np.std(e, axis=-1) / e.shape[-1] ** 0.5  # standard error over tasks
risk = linear_gaussian.wrong_prior_risk  # the formula: (x, believed, true) -> (M,)
reach = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
for name, prior in priors.items():
    (support, query), learner = (task := draw(4, *prior)), bayes(*prior)
    off = evaluate(learner, {}, task) - risk(support.x, prior, prior)
    mean, covariance = learner.adapt({}, support)
    variance = np.sum(query.x @ covariance * query.x, -1, keepdims=True) + NOISE
    z = np.abs(query.y - query.x @ mean) / np.sqrt(variance)  # (M, 20, 1)
    held = np.stack([np.mean(z < r, axis=(1, 2)) for r in reach])  # (levels, M)
    rate = held.mean(axis=-1)
    print(f"{name:12s} intervals hold", *(f"{p:.1%}" for p in rate))
    assert abs(off.mean()) < 4 * bar(off), "the error is what Bayes expects"
    assert np.all(abs(rate - LEVELS) < 4 * bar(held)), "intervals hold as claimed"
true, shots = priors["rotated"], (0, 1, 2, 4, 8, 16, 32)
wrong = {"mean 0": (0 * MEAN, *true[1:]), "isotropic": (MEAN, np.eye(D), NOISE),
         "noise / 100": (*true[:2], NOISE / 100)}  # fmt: skip
task = draw(shots[-1], *true)
floor = learning_curve(bayes(*true), {}, task, shots)  # (shots, M)
at = lambda prior, s: risk(task.support.x[:, :s], prior, true)
for name, believed in wrong.items():
    cost = learning_curve(bayes(*believed), {}, task, shots) - floor
    exact = np.stack([at(believed, s) - at(true, s) for s in shots])
    print(f"{name:12s} costs", *(f"{c:6.3f}" for c in cost.mean(axis=-1)))
    off = np.abs(np.mean(cost - exact, axis=-1))
    assert np.all(off <= 4 * bar(cost - exact) + 1e-12), "it costs what it must"
    assert np.all(exact > -1e-9), "no other prior does better, whatever the inputs"

# %% [markdown]
# ## Nobody beats it
# The learners of lessons 01 to 03 on the same tasks. Descent may even choose its
# number of steps *after seeing the query errors*. `meta_train` descends on the mean
# of `evaluate` over fresh tasks: with 0 steps inside, that is joint training again.


# %%
def descent(net, steps, step_size=0.03):
    """Lesson 03's fine-tuning: meta is the start, state is where descent ends."""

    def adapt(meta, support):
        loss = lambda state: np.sum(mse(net.apply(state, support.x), support.y))
        move = lambda p, g: p - step_size * g
        state = copies(meta, len(support.x))
        for _ in range(steps if support.x.shape[1] else 0):
            state = tree_map(move, state, grad(loss)(state))
        return state

    return Learner(net.init, adapt, lambda meta, state, x: net.apply(state, x))


flat, deep, budget = mlp([D, 1]), mlp([D, 32, 1]), (0, 1, 3, 10, 30, 100)
sample = lambda rng: linear(rng, 50, 1, 10, true[1], true[0], NOISE)
joint, _ = meta_train(descent(flat, 0), sample, rng, STEPS)
network, _ = meta_train(descent(deep, 0), sample, rng, STEPS)
zero = tree_map(np.zeros_like, joint)
fit = lambda meta, support: np.linalg.pinv(support.x) @ support.y
squares = Learner(lambda rng: {}, fit, lambda meta, state, x: x @ state)
tuned = lambda net, start: [(descent(net, steps), start) for steps in budget]
joints = tuned(flat, joint)
rivals = {"least squares": [(squares, {})], "descent from 0": tuned(flat, zero),
          "joint predictor": joints[:1], "joint, tuned": joints,
          "network, tuned": tuned(deep, network)}  # fmt: skip
fig, (left, right) = plots.figure(columns=2, height=3.8)
for name, versions in rivals.items():
    tried = np.stack([learning_curve(*v, task, shots) for v in versions])
    best = numpy.nanargmin(np.mean(tried, axis=-1), axis=0)  # with hindsight
    above = tried[best, range(len(shots))] - floor  # paired: the same tasks
    left.plot(np.mean(above + floor, axis=-1), "o-", ms=4, label=name)
    print(f"{name:17s} above Bayes", *(f"{a:6.3f}" for a in above.mean(axis=-1)))
    clear = above.mean(axis=-1) / bar(above)  # in standard errors
    assert np.all(clear > -4), "nobody beats Bayes"
    assert QUICK or np.all(clear[1:4] > 4), "with 1 to 4 shots, all are far worse"
exact = library.learning_curve(linear_gaussian.learner(*true), {}, task, shots)
assert np.allclose(exact, floor), "the library's learner and learning_curve agree"
plots.floor(left, range(len(shots)), floor.mean(axis=-1))
left.set(yscale="log", xticks=range(len(shots)), xticklabels=shots, ylim=(0.08, 5))
plots.labels(left, "shots", "query MSE", "Every learner stays above Bayes")
waves = lambda x: np.concatenate([np.sin(x), np.cos(x)], axis=-1)
x, grid = rng.uniform(-5, 5, size=(8, 1)), numpy.linspace(-5, 5, 201)[:, None]
truth = lambda x: waves(x) @ numpy.array([[1.5], [-2.0]])
y = truth(x) + NOISE**0.5 * rng.normal(size=x.shape)
for n, colour in ((0, plots.BEFORE), (1, plots.COLOURS[1]), (8, plots.AFTER)):
    belief = posterior(waves(x[:n]), y[:n], np.zeros((2, 1)), 4 * np.eye(2), NOISE)
    middle, variance = linear_gaussian.predictive(waves(grid), *belief, NOISE)
    half = 2 * np.sqrt(variance[:, 0])
    plots.band(right, grid[:, 0], middle[:, 0], half, f"{n} shots", color=colour)
plots.floor(right, grid, truth(grid), label="the truth")
right.plot(x, y, "k.", ms=6)
right.set_ylim(-9, 5)
plots.labels(right, "x", "y", "What Bayes knows of a sine, and how well")
print("figure:", plots.save(fig, "04_bayes"))

# %% [markdown]
# ## Exercises
# 1. Update the posterior one example at a time. *Check:* it ends at the same place.
# 2. Draw $w$ uniform in $[-1,1]$. *Check:* no linear learner beats $\Sigma=I/3$.
#
# **What changed since 03:** a learner is a function, judged on many tasks. With a
# prior over tasks the best one is known; every later learner is drawn above it.
