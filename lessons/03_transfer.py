# %% [markdown]
# # 03. Transfer: pre-train on every task, then fine-tune
#
# **The promise.** The obvious way to use many tasks is to train one network on all of
# them together and then to fine-tune it on a new one. This lesson does that, on tasks
# where the result of the first step is known in closed form. You will see the network
# arrive exactly there, see why it cannot get lower, and see how little ten examples of a
# new task can do for it afterwards. MAML will be measured against these lines.
#
# **You need** the lessons *gradients*, *supervised* (gradient descent and its longest
# safe step) and *networks* (Adam, a multilayer perceptron), and from probability the
# mean of a random number.
#
# **Takes** about an hour to read with the exercises, and under a minute to run.
#
# **Before:** one data set, one function. **After:** many data sets, and the question
# what they have in common.
#
# A network that is trained with squared error on the examples of *all* tasks approaches
# the mean answer at every input, and nothing else:
#
# $$f^\star(x)=\mathbb E[\,y\mid x\,].$$

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import quadratics
from minimeta.exact import sines as exact_sines
from minimeta.initializations import fine_tuning, maml
from minimeta.nets import mlp
from minimeta.tasks import Data
from minimeta.tasks.regression import sines

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## A case to check by hand
#
# Let task $i$ have the loss $\frac12a_i(t-c_i)^2$ in one parameter $t$. Joint training
# minimises the sum of all losses. The derivative of the sum is
# $\sum_ia_i(t-c_i)$, and it vanishes at
#
# $$t^\star=\frac{\sum_ia_ic_i}{\sum_ia_i}.$$
#
# This is a mean of the tasks' minima, but a weighted one: a task with a sharply curved
# loss pulls harder than a flat one.
#
# **Predict, then run.** Two tasks have their minima at 0 and at 4. The second one is
# three times as curved. Where does joint training end?

# %%
curvature, minimum = numpy.array([1.0, 3.0]), numpy.array([0.0, 4.0])
by_hand = (curvature @ minimum) / curvature.sum()
t = 0.0
for _ in range(200):
    t = t - 0.1 * curvature @ (t - minimum)
print(f"descent ends at {t:.6f}, the formula says {by_hand}")
print(f"the plain mean of the minima is {minimum.mean()}")

# %%
claim_equal(
    t, by_hand, 1e-12, "Joint training ends at the mean weighted by curvature."
)
library = quadratics.joint_optimum(curvature[:, None, None], minimum[:, None])
claim_equal(
    library,
    numpy.array([by_hand]),
    1e-14,
    "The library's joint optimum is this one.",
)

# %% [markdown]
# ## A family of tasks
#
# From here to the lesson *inner_loop* a task is a sine, as in Finn, Abbeel and Levine
# (2017):
#
# $$y=A\sin(x-\varphi),\qquad A\sim U[0.1,5],\quad\varphi\sim U[0,\pi],\quad
# x\sim U[-5,5].$$
#
# The letter $U$ stands for the uniform distribution. A network that is trained on all
# tasks at once sees many different answers $y$ for one input $x$. Squared error is
# smallest at their mean. Amplitude and phase are independent, so
#
# $$\mathbb E[y\mid x]=\mathbb E[A]\;\mathbb E[\sin(x-\varphi)]
# =-\tfrac2\pi\,\mathbb E[A]\,\cos x .$$
#
# What no single function can predict is the scatter of the tasks around this mean. The
# mean squared error of the best single function is therefore
#
# $$\tfrac12\mathbb E[A^2]-\big(\tfrac2\pi\mathbb E[A]\big)^2\,\mathbb E[\cos^2x].$$
#
# Every other function $f$ has a larger error, by exactly
# $\mathbb E\,(f(x)-\mathbb E[y\mid x])^2$.
#
# **Predict, then run.** Answering 0 everywhere has the error $\frac12\mathbb E[A^2]$,
# which is about 4.25. How much of it can the best single function save?

# %%
MEAN_A, MEAN_A_SQUARED = (0.1 + 5) / 2, (5**3 - 0.1**3) / (3 * (5 - 0.1))
HEIGHT = -2 / numpy.pi * MEAN_A
MEAN_COS_SQUARED = 1 / 2 + numpy.sin(10) / 20  # of x uniform in [-5, 5]
FLOOR = MEAN_A_SQUARED / 2 - HEIGHT**2 * MEAN_COS_SQUARED


def best_function(x):
    return HEIGHT * np.cos(x)


many = sines(rng, 10_000, 10, 20).query
floor_errors = mse(best_function(many.x), many.y)  # (10000,), one for each task
half = 2 * floor_errors.std() / len(floor_errors) ** 0.5
print(f"answering 0 costs {MEAN_A_SQUARED / 2:.4f}")
print(f"answering {HEIGHT:.4f} cos x costs {FLOOR:.4f}")
print(f"measured on 10,000 tasks: {floor_errors.mean():.3f} +- {half:.3f}")

# %%
claim(
    abs(floor_errors.mean() - FLOOR) < 2 * half,
    "The measured error of the best single function agrees with the formula.",
    floor_errors.mean() - FLOOR,
    f"within {2 * half:.3f}",
)
claim_equal(
    FLOOR, exact_sines.joint_risk(), 1e-14, "The library's floor is this one."
)

# %% [markdown]
# ## Joint training reaches the floor, and no lower
#
# Now the network of the lesson *networks*, with one change: each example of a batch
# comes from another task. `distance_to_floor` measures how far the network's function is
# from the best single function, on a fine grid of inputs. The noise of a batch keeps
# Adam moving, so its step size $\eta$ falls to zero.


# %%
net, grid = mlp([1, 40, 40, 1]), numpy.linspace(-5, 5, 1001)[:, None]


def descend(theta, batch, steps, eta=5e-3):
    """Adam on batch(0), batch(1), ...; its step size falls from eta to 0."""
    optimizer = adam(lambda step: eta * (1 - step / steps))
    gradient = grad(
        lambda theta, data: np.sum(mse(net.apply(theta, data.x), data.y))
    )
    state = optimizer.init(theta)
    for step in range(steps):
        theta, state = optimizer.update(gradient(theta, batch(step)), state, theta)
    return theta


def pooled(step):
    """500 examples, each of another sine."""
    support = sines(rng, 500, 1, 1).support
    return Data(support.x[:, 0], support.y[:, 0])


def error_of(answers):
    """The mean squared error over all tasks of a function's answers on the grid."""
    return FLOOR + np.mean((answers - best_function(grid)) ** 2)


# %% [markdown]
# Training needs a fraction of a minute. Afterwards the error over *all* tasks is exact,
# not measured: the floor plus the squared distance of the network's function to the best
# single function, averaged over the grid.

# %%
fresh = net.init(rng)
joint = descend(fresh, pooled, 50 if QUICK else 6000)
before, after = (error_of(net.apply(theta, grid)) for theta in (fresh, joint))
print(f"error before {before:.2f}, after joint training {after:.4f}")
print(f"error of the best single function {FLOOR:.4f}")

# %%
measured = mse(net.apply(joint, many.x), many.y) - floor_errors - (after - FLOOR)
allowed = 4 * measured.std() / len(measured) ** 0.5
claim(
    abs(measured.mean()) < allowed,
    "A function's error is the floor plus its squared distance to the best one.",
    measured.mean(),
    f"within {allowed:.4f} of 0",
)
claim(
    after < 1.01 * FLOOR,
    "Joint training reaches the floor.",
    after / FLOOR,
    "< 1.01",
    True,
)

# %% [markdown]
# ## Why not average the parameters?
#
# Another idea would be to train one network for each task and to average their
# parameters. It fails for a simple reason. Reordering the hidden units of a network
# changes its parameters but not its function. So one function has many parameter
# vectors, and the average of two of them is, in general, a different function.
#
# The next cell tries three averages: half way between a network and the same network
# with its hidden units in reverse order; the mean parameters of forty networks, each
# trained on its own sine; and the mean of the *answers* of these forty networks.
#
# **Predict, then run.** Which of the three comes close to 3.0057, the error of the best
# single function?

# %%
first, second, last = joint
reordered = tree_map(lambda p: p[..., ::-1], first)
twin = [reordered, {**second, "W": second["W"][::-1]}, last]
half_way = tree_map(lambda p, q: (p + q) / 2, joint, twin)
own = sines(rng, 40, 256, 1).support


def own_batch(step):
    return Data(
        own.x[:, step % 8 :: 8], own.y[:, step % 8 :: 8]
    )  # 32 examples each


forty = tree_map(lambda *p: np.stack(p), *(net.init(rng) for _ in range(40)))
forty = descend(forty, own_batch, 20 if QUICK else 1500)
averaged = tree_map(lambda p: np.mean(p, axis=0), forty)
averages = {
    "half way between two orders": net.apply(half_way, grid),
    "mean parameters of forty": net.apply(averaged, grid),
    "mean answers of forty": np.mean(net.apply(forty, grid[None]), axis=0),
}
own_error = np.mean(mse(net.apply(forty, own.x), own.y))
for name, answers in averages.items():
    print(f"{name:28} error {error_of(answers):.2f}")

# %%
costs = {name: float(error_of(answers)) for name, answers in averages.items()}
same = net.apply(twin, grid), net.apply(joint, grid)
claim_equal(*same, 1e-12, "Reordered, it is the same function.")
name, limit = "The forty networks fit their own sines.", 0.1
claim(own_error < limit, name, own_error, f"< {limit}", trained=True)
orders, parameters, answers = costs.values()
sentence = "Half way between two orders of the units: clearly above the floor."
needed = 1.1 * FLOOR
claim(orders > needed, sentence, orders, f"> {needed:.2f}", trained=True)
needed = 1.2 * FLOOR
sentence = "The mean parameters of forty networks: far above the floor."
claim(parameters > needed, sentence, parameters, f"> {needed:.2f}", trained=True)
sentence = "The mean answers of forty networks: near the floor."
claim(answers < needed, sentence, answers, f"< {needed:.2f}", trained=True)

# %% [markdown]
# ## Fine-tuning
#
# Now a new task: ten examples and ten gradient steps on them. A step size must stay
# below $2/\lambda$, where $\lambda$ is the largest curvature of the loss (lesson
# *supervised*). Nothing in joint training keeps that curvature small, so each start is
# tried with three step sizes and shown with the best of them. That is a favour to
# fine-tuning, because the choice looks at the queries of the test tasks.
#
# Somebody who knows that the task is *some* sine needs only two examples, because
# $A\sin(x-\varphi)=a\sin x+b\cos x$ has two unknown numbers. That is the Bayes-optimal
# learner of this family, and its error is zero.
#
# **Predict, then run.** Joint training brought the error down to 3.0. Where will ten
# steps on ten examples of the new task bring it?

# %%
STEP_SIZES, TASKS = (0.001, 0.003, 0.01), 100 if QUICK else 1000
new = sines(rng, TASKS, 10, 50)


def fine_tune(theta, support, alpha, steps=10):
    """The parameters after 0, 1, ..., steps steps; every task has its own copy."""
    gradient = grad(lambda phi: np.sum(mse(net.apply(phi, support.x), support.y)))
    path = [copies(theta, len(support.x))]
    for _ in range(steps):
        path.append(
            tree_map(lambda p, g: p - alpha * g, path[-1], gradient(path[-1]))
        )
    return path


@numpy.errstate(all="ignore")  # too long a step diverges, which is a result too
def errors_along(theta, alpha):
    """The query error of every new task after each step: (11, M)."""
    path = fine_tune(theta, new.support, alpha)
    errors = [mse(net.apply(phi, new.query.x), new.query.y) for phi in path]
    return numpy.nan_to_num(numpy.stack(errors), nan=numpy.inf)


# %% [markdown]
# The three starts are the network before any training (*random*), the network with the
# mean parameters (*averaged*), and the network after joint training (*joint*).

# %%
starts = {"random": fresh, "averaged": averaged, "joint": joint}
errors = {}
for name, theta in starts.items():
    tried = [errors_along(theta, alpha) for alpha in STEP_SIZES]
    ends = [error[-1].mean() for error in tried]
    errors[name] = tried[int(numpy.argmin(ends))]
    shown = ", ".join(f"{alpha}: {end:.3g}" for alpha, end in zip(STEP_SIZES, ends))
    print(f"{name:9} error after ten steps, by step size {shown}")

# %%
features = np.concatenate([np.sin(new.support.x), np.cos(new.support.x)], axis=-1)
weights = np.linalg.solve(
    features[:, :2], new.support.y[:, :2]
)  # from two examples
asked = np.concatenate([np.sin(new.query.x), np.cos(new.query.x)], axis=-1)
claim(
    np.median(mse(asked @ weights, new.query.y)) < 1e-20,
    "Two exact examples determine a sine.",
    np.median(mse(asked @ weights, new.query.y)),
    "< 1e-20",
)

# %% [markdown]
# The next claims compare errors on the *same* tasks: the difference is taken task by
# task, and its mean is given with two standard errors.

# %%
gain = errors["joint"][0] - errors["joint"][10]
half = 2 * gain.std() / TASKS**0.5
found = f"{gain.mean():.2f} +- {half:.2f}"
claim(gain.mean() > half, "Fine-tuning helps the joint start.", found, "> 0", True)
claim(
    errors["joint"][10].mean() > 1.0,
    "And yet ten steps leave it far from the Bayes-optimal error 0.",
    errors["joint"][10].mean(),
    "> 1",
    True,
)
behind = errors["random"][10] - errors["joint"][10]
half = 2 * behind.std() / TASKS**0.5
found = f"{behind.mean():.2f} +- {half:.2f}"
claim(behind.mean() > half, "A random start ends higher.", found, "> 0", True)


# %%
def draw_functions(ax):
    ax.plot(
        many.x[:600, 0], many.y[:600, 0], ".", color="0.85", ms=3, label="examples"
    )
    colours = {"before training": plots.BEFORE, "mean parameters": plots.COLOURS[1]}
    for (name, colour), theta in zip(colours.items(), (fresh, averaged)):
        ax.plot(grid, net.apply(theta, grid), color=colour, label=name)
    fit = net.apply(joint, grid)
    ax.plot(grid, fit, color=plots.AFTER, lw=4, label="joint training")
    plots.floor(ax, grid, best_function(grid), label=f"{HEIGHT:.2f} cos x")
    ax.set_ylim(-6, 10)
    plots.labels(ax, "x", "y", "one network for all sines")


def draw_fine_tuning(ax):
    steps = numpy.arange(11)
    for name, colour in zip(errors, (plots.BEFORE, plots.COLOURS[1], plots.AFTER)):
        middle = errors[name].mean(axis=1)
        half = 2 * errors[name].std(axis=1) / TASKS**0.5
        plots.band(ax, steps, middle, half, f"from {name}", color=colour)
    ax.axhline(FLOOR, color=plots.COLOURS[4], ls=":", label="best single function")
    plots.floor(ax, steps, numpy.zeros(11), label="Bayes-optimal, two examples")
    ax.set_ylim(-0.2, 8)
    plots.labels(ax, "gradient steps on 10 examples", "squared error", "new tasks")


# %%
figure, (left, right) = plots.figure(2, height=3.8)
draw_functions(left)
draw_fine_tuning(right)
plots.save(figure, "03_transfer")

# %% [markdown]
# **Left:** the light grey dots are examples of many sines. One network cannot follow them
# all; joint training (blue) settles on their mean, which is the dashed line. The network
# with the mean parameters (orange) is a third function that nobody asked for.
#
# **Right:** fine-tuning on ten examples of a new task. The lines are means over the new
# tasks, the shaded bands two standard errors. The dotted line is the error of the best
# single function. The joint start begins on it, within its band, and ten steps bring it
# down a little. The dashed line is the learner that knows the family. Between the blue
# line and the dashed one lies everything that the next lessons are about.
#
# ## The same as the library

# %%
mine, theirs = (
    fine_tune(joint, new.support, 0.003, 2),
    maml.trajectory(joint, new.support, net, step_size=0.003, steps=2),
)
same = all((p == q).all() for p, q in zip(leaves(mine), leaves(theirs)))
claim(same, "This page's fine-tuning is the library's, bit for bit.")
batch = sines(numpy.random.default_rng(2), 8, 1, 10)
by_page = np.mean(mse(net.apply(copies(joint, 8), batch.query.x), batch.query.y))
by_library = fine_tuning.joint_loss(joint, batch, net)
claim_equal(
    by_page,
    by_library,
    1e-15,
    "The library's joint loss is the mean over all tasks.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Let the phase be uniform in $[0,2\pi]$ instead of $[0,\pi]$, as in the
# Reptile paper. What is the best single function then? Give its value at $x=0$.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "a37bbbb0")

# %% [markdown]
# **Exercise 2.** And what is the mean squared error of that best single function? The
# amplitude stays uniform in $[0.1,5]$. Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "2a233c6a")

# %% [markdown]
# **Exercise 3.** A network has one hidden layer of 3 units. In how many orders can the
# units stand? (So many parameter vectors, at least, give the same function.)

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "21979a55")

# %% [markdown]
# **Exercise 4.** Two tasks have the losses $\frac12(t-1)^2$ and $\frac12\cdot9\,(t+1)^2$.
# Where does joint training end?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "17219d2d")

# %% [markdown]
# **What changed since the last lesson.** The examples come from many tasks, so a network
# learns their mean. How the tasks *differ* is what a new task needs to know, and joint
# training throws it away. `python -m minimeta verify transfer` prints the theorems.

# %%
finish()
