# %% [markdown]
# # 03. Transfer: pre-train on every task, then fine-tune
#
# **The promise.** Tasks come in families. The oldest way to profit from it: train
# one network on all tasks, then go on with a new one. You will compute what such a
# network can know, reach exactly that, and see what it misses.
#
# **You need** lessons 00 to 02. **Takes** twenty minutes to read, seconds to run.
# **Before**: every network started from nothing. **After**: you know from what a
# pre-trained one starts, the mean over the tasks.
# $$\theta_{\text{joint}}=\arg\min_\theta\sum_i L_i(\theta),\qquad
#   f_{\text{joint}}(x)=\mathbb E\,[\,y\mid x\,]$$

# %%
import os

import numpy

from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.trees import copies, tree_map
from minimeta.exact import quadratics
from minimeta.exact import sines as exact_sines
from minimeta.nets import mlp
from minimeta.tasks import Data
from minimeta.tasks.regression import sines

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
rng = numpy.random.default_rng(0)

# %% [markdown]
# ## A case to check by hand
# Task $i$ has the loss $\frac12(t-c_i)^\top A_i(t-c_i)$. The sum has slope 0 where
# $\sum_iA_i\,t=\sum_iA_ic_i$: at the mean of the minima *weighted by curvature*.
# **Predict, then run.** Two tasks have their minima at 0 and 4; the second is three
# times as curved. Where is the joint optimum?


# %%
def joint_optimum(A, c):
    """The minimum of all quadratics together: A (M, D, D), c (M, D) -> (D,)."""
    pulls = np.sum(A @ c[..., None], axis=0)
    return np.linalg.solve(np.sum(A, axis=0), pulls)[:, 0]


A, c = numpy.array([[[1.0]], [[3.0]]]), numpy.array([[0.0], [4.0]])
summed = lambda t: np.sum(quadratics.loss(t, A, c))
t = joint_optimum(A, c)
print("joint optimum", t, "mean of the minima", c.mean(axis=0))
assert t == 3.0 == quadratics.joint_optimum(A, c), "(1 * 0 + 3 * 4) / (1 + 3)"
assert summed(t) < summed(c.mean(axis=0)), "the mean of the minima is worse"

# %% [markdown]
# ## A family of tasks
# A task is a sine $y=A\sin(x-\varphi)$: $A\sim U[0.1,5]$, $\varphi\sim U[0,\pi]$,
# $x\sim U[-5,5]$ (Finn et al. 2017). Trained on all tasks, a network sees many $y$
# for one $x$. Squared error asks for their mean; the scatter around it remains:
# $$\mathbb E[y|x]=\mathbb EA\;\mathbb E\sin(x-\varphi)=-\tfrac2\pi\mathbb EA\cos x,
#   \;\;\text{MSE}=\tfrac12\mathbb EA^2-(\tfrac2\pi\mathbb EA)^2\mathbb E\cos^2x$$
# Any other $f$ pays $\mathbb E\,(f(x)-\mathbb E[y|x])^2$ more. **Predict, then
# run.** Answering 0 costs $\frac12\mathbb EA^2$. How much of it can $f$ save?

# %%
MEAN, SQUARE = (5 + 0.1) / 2, (5**3 - 0.1**3) / (3 * (5 - 0.1))  # E A and E A^2
HEIGHT, COS2 = -2 / numpy.pi * MEAN, 1 / 2 + numpy.sin(10) / 20  # E cos^2 x
best = lambda x: HEIGHT * np.cos(x)
FLOOR = SQUARE / 2 - HEIGHT**2 * COS2
many = sines(rng, 10_000, 10, 20).query
error = mse(best(many.x), many.y)  # (10000,)
bar = lambda e: e.std() / len(e) ** 0.5  # standard error of a mean over tasks
print(f"answering 0: {SQUARE / 2:.4f}, {HEIGHT:.4f} cos x: {FLOOR:.4f};", end=" ")
print(f"measured {error.mean():.3f} +- {bar(error):.3f}")
assert abs(error.mean() - FLOOR) < 4 * bar(error), "the measured MSE agrees"
assert abs(FLOOR - exact_sines.joint_risk()) < 1e-14, "the library's floor agrees"

# %% [markdown]
# ## Joint training reaches it, and no lower
# Lesson 02 with one change: every example comes from another task.


# %%
def train(theta, batch, steps, step_size=5e-3):
    """Adam on batch(0), batch(1), ...; its steps, and so the noise, fade to 0."""
    optimizer = adam(lambda t: step_size * (1 - t / steps))
    slope = grad(lambda theta, data: np.sum(mse(net.apply(theta, data.x), data.y)))
    state = optimizer.init(theta)
    for step in range(steps):
        theta, state = optimizer.update(slope(theta, batch(step)), state, theta)
    return theta


net, grid = mlp([1, 40, 40, 1]), numpy.linspace(-5, 5, 1001)[:, None]
cost = lambda f: FLOOR + np.mean((f - best(grid)) ** 2)  # MSE of answers f
pooled = lambda step: Data(*(a[:, 0] for a in sines(rng, 500, 1, 1).support))
start = net.init(rng)
joint = train(start, pooled, 50 if QUICK else 6000)
before, after = cost(net.apply(start, grid)), cost(net.apply(joint, grid))
print(f"MSE {before:.2f} -> {after:.4f}; the least possible is {FLOOR:.4f}")
above = mse(net.apply(joint, many.x), many.y) - error - (after - FLOOR)
assert abs(above.mean()) < 4 * bar(above), "MSE = floor + squared distance"
assert QUICK or after < 1.005 * FLOOR, "joint training reaches the floor"

# %% [markdown]
# ## Why the average model is useless
# Why not train a network for each task and average the *parameters*? A network has
# many names for one function: reorder its hidden units. Half way between two names
# lies something else. **Predict, then run.** Forty networks, each good at its sine:
# do their mean parameters beat answering 0? Does the mean of their *answers*?

# %%
first, second, last = joint
backwards = tree_map(lambda p: p[..., ::-1], first)
twin = [backwards, {**second, "W": second["W"][::-1]}, last]
half_way = tree_map(lambda p, q: (p + q) / 2, joint, twin)
own = sines(rng, 40, 256, 1).support
turn = lambda step: Data(*(a[:, step % 8 :: 8] for a in own))  # 32 examples each
alone = tree_map(lambda *p: np.stack(p), *(net.init(rng) for _ in range(40)))
alone = train(alone, turn, 20 if QUICK else 1500)
averaged = tree_map(lambda p: np.mean(p, axis=0), alone)
answers = np.mean(net.apply(alone, grid[None]), axis=0)
on_grid = lambda theta: net.apply(theta, grid)
costs = [cost(f) for f in (on_grid(half_way), on_grid(averaged), answers)]
print("half way {:.2f}, mean parameters {:.2f}, mean answers {:.2f}".format(*costs))
assert np.allclose(on_grid(twin), on_grid(joint)), "renamed, the same function"
fit = np.mean(mse(net.apply(alone, own.x), own.y))
assert QUICK or fit < 0.1, "the networks are good at their own tasks"
assert QUICK or costs[0] > 1.1 * FLOOR, "half way between two names it is worse"
assert QUICK or costs[1] > 0.9 * SQUARE / 2, "mean parameters do not beat 0 by much"
assert QUICK or costs[2] < 1.15 * FLOOR, "mean answers approach the joint optimum"

# %% [markdown]
# ## Fine-tuning
# A new task: ten examples, ten steps. A step must stay below $2/\lambda$, with
# $\lambda$ the largest curvature (lesson 01); pre-training does not keep it small.
# Yet a task is $a\sin x+b\cos x$: who knows the *family* needs two exact examples.


# %%
def fine_tune(theta, support, step_size, steps=10):
    """The parameters after 0, 1, ..., steps gradient steps, a copy per task."""
    # Tasks share no parameter: the slope of the sum is every task's own slope.
    slope = grad(lambda theta: np.sum(mse(net.apply(theta, support.x), support.y)))
    path = [copies(theta, len(support.x))]
    for _ in range(steps):
        move = lambda p, g: p - step_size * g
        path.append(tree_map(move, path[-1], slope(path[-1])))
    return path


new, sizes = sines(rng, 100 if QUICK else 1000, 10, 50), (0.001, 0.003, 0.01)
judge = lambda theta: np.mean(mse(net.apply(theta, new.query.x), new.query.y))
starts, tuned = {"random": start, "averaged": averaged, "joint": joint}, {}
print("MSE on new tasks after         0       1       5      10 steps")
for name, size in [(name, size) for name in starts for size in sizes]:
    with numpy.errstate(all="ignore"):  # to diverge is a result too
        errors = [judge(p) for p in fine_tune(starts[name], new.support, size)]
    tuned[name, size] = numpy.nan_to_num(errors, nan=numpy.inf)
    shown = [f"{errors[step]:7.3g}" for step in (0, 1, 5, 10)]
    print(f"{name:9s} step size {size:5} ", *shown)
finest = lambda name: min((tuned[name, a] for a in sizes), key=lambda e: e[-1])
features = lambda x: np.concatenate([np.sin(x), np.cos(x)], axis=-1)
weights = np.linalg.solve(features(new.support.x[:, :2]), new.support.y[:, :2])
known = mse(features(new.query.x) @ weights, new.query.y)  # (M,)
print(f"from two examples, knowing the family: at most {known.max():.0e}")
assert known.max() < 1e-12, "the Bayes-optimal error after two examples is 0"
assert np.allclose(exact_sines.fit(*new.support), weights), "the library agrees"
too_long, end = tuned["joint", 0.01], {name: finest(name)[-1] for name in starts}
assert QUICK or too_long[1] > too_long[0], "the first step of 0.01 does harm"
assert QUICK or end["joint"] < 0.8 * FLOOR, "fine-tuning gets below the joint floor"
assert QUICK or end["joint"] < end["random"], "... and further than from random"
assert QUICK or end["averaged"] > FLOOR, "the average model stays above the floor"

# %%
fig, (left, right) = plots.figure(columns=2, height=3.8)
left.plot(many.x[:600, 0], many.y[:600, 0], ".", color="0.87", ms=3)
left.plot(grid, on_grid(start), color=plots.BEFORE, label="before training")
left.plot(grid, on_grid(averaged), color=plots.COLOURS[1], label="mean parameters")
left.plot(grid, on_grid(joint), color=plots.AFTER, lw=4, label="joint training")
plots.floor(left, grid, best(grid), label=f"exact: {HEIGHT:.2f} cos x")
plots.labels(left, "x", "y", "One network for all sines")
for name, colour in zip(starts, (plots.BEFORE, plots.COLOURS[1], plots.AFTER)):
    right.plot(finest(name), "o-", ms=4, color=colour, label=f"from {name}")
right.axhline(FLOOR, color=plots.AFTER, ls=":", label="least joint error")
plots.floor(right, [0, 10], [0, 0], label="Bayes-optimal, from 2 examples")
right.set_ylim(-0.2, 9)
plots.labels(right, "gradient steps, 10 examples", "MSE", "Fine-tuning, new tasks")
print("figure:", plots.save(fig, "03_transfer"))

# %% [markdown]
# ## Exercises
# 1. Let $\varphi\sim U[0,2\pi]$. Which joint predictor is best now? *Check* with
#    `exact_sines.joint_risk(phase=(0, 2 * numpy.pi))`, and train.
# 2. Find $\lambda$ at `joint`: power iteration with `hvp`. *Check:* it exceeds 200.
# 3. Start all forty networks from `start`. *Check:* does their average beat 0 now?
#
# **What changed since 02:** the examples come from many tasks, so a network learns
# the mean of them. How they *differ* is what a new task needs: lesson 04.
