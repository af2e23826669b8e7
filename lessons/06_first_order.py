# %% [markdown]
# # 06. First order: what a cheaper meta-gradient leaves out
#
# **The promise.** FOMAML and Reptile avoid the second derivatives of MAML. You will
# write each of them as a change of one line, compute with pencil and paper where each
# method comes to rest, see in the plane that it does rest there, and then compare all
# methods on the same sine tasks with the same budget.
#
# **You need** the lesson *maml* (the inner and the outer loop, the meta-gradient of a
# quadratic) and *transfer* (the joint start).
#
# **Takes** about an hour to read with the exercises, and under a minute to run.
#
# **Before:** there is one meta-gradient, and it is exact. **After:** you can look at a
# cheaper method, say which factor it drops, and say where it ends up because of that.
#
# All tasks of the first half are quadratics, $L_i(\theta)=\frac12(\theta-c_i)^\top
# A_i(\theta-c_i)$. For every method of this lesson the outer loop then follows
# $\sum_i W_i(\theta-c_i)$, with one matrix $W_i$ for each task, and rests at
#
# $$\theta^\star=\Big(\sum_i W_i\Big)^{-1}\sum_i W_i\,c_i .$$
#
# The methods differ in $W_i$ and in nothing else.

# %%
import numpy

from minimeta import diagrams, plots
from minimeta.core.backend import np, using
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import quadratics as exact
from minimeta.initializations import fine_tuning, fomaml, maml, reptile
from minimeta.meta import Learner, meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.tasks.regression import sines
from minimeta.training import meta_train, train

# %% [markdown]
# ## Four rules, by hand
#
# One inner step on a quadratic multiplies the distance to the minimum by $I-\alpha A$.
# After $k$ steps the distance is $P(\theta-c)$ with $P=(I-\alpha A)^k$. From this one
# matrix everything follows.
#
# **Joint training** takes no inner step. Its gradient is $A(\theta-c)$, so $W=A$.
#
# **MAML** differentiates the loss after the steps. The loss gradient there is
# $AP(\theta-c)$, and the chain rule multiplies it by the derivative of the steps, which
# is $P$ again. So $W=PAP$.
#
# **FOMAML** (first-order MAML) takes the inner gradients for constants. Then the steps
# have the derivative $I$, and only the gradient at the end remains: $W=AP$. Second
# derivatives are never computed.
#
# **Reptile** asks for no query loss at all. It moves the start a little towards the
# place where the steps have ended: the direction is $\theta-\phi=(I-P)(\theta-c)$, so
# $W=I-P$. Only first derivatives of the support loss are needed.
#
# **Predict, then run.** On a line there are two tasks: curvature $1$ with its minimum at
# $0$, and curvature $\frac12$ with its minimum at $1$. With $\alpha=\frac12$ and one
# inner step, at which point between $0$ and $1$ does each method rest? One of the three
# cheap methods rests exactly where joint training does. Which one?

# %%
curvature, minimum = numpy.array([1.0, 0.5]), numpy.array([0.0, 1.0])
P = 1 - 0.5 * curvature
weights = {
    "joint": curvature,
    "MAML": P * curvature * P,
    "FOMAML": curvature * P,
    "Reptile": 1 - P,
}
rests = {name: (W @ minimum / W.sum()).item() for name, W in weights.items()}
for name, rest in rests.items():
    print(f"{name:8} weights {weights[name]}, rests at {rest:.4f}")

# %%
claim_equal(
    rests["MAML"], 9 / 17, 1e-15, "MAML rests at 9/17: both factors P count."
)
claim_equal(
    rests["FOMAML"], 3 / 7, 1e-15, "FOMAML rests at 3/7: one factor P counts."
)
claim_equal(
    rests["Reptile"],
    rests["joint"],
    1e-15,
    "Reptile with one step is joint training.",
)

# %% [markdown]
# That last line deserves a moment. With one inner step $I-P=\alpha A$, so Reptile pulls
# exactly as joint training does. Only with two or more steps does it learn anything
# about what steps do.
#
# ## The methods, built here
#
# The inner loop is that of the lesson *maml*. For FOMAML one word changes: the gradient
# is taken at `constant(phi)`, so that no outer gradient runs through it. For Reptile the
# inner loop stays, and the outer loop follows `reptile_direction` instead of a gradient.


# %%
def plain_gradient(phi, data, net):
    return grad(maml.total_loss)(phi, data, net, mse)


def constant_gradient(phi, data, net):
    return grad(maml.total_loss)(constant(phi), data, net, mse)


def my_learner(net, inner_gradient, alpha, steps):
    def adapt(theta, support):
        phi = copies(theta, len(support.x))
        for _ in range(steps):
            gradient = inner_gradient(phi, support, net)
            phi = tree_map(lambda p, g: p - alpha * g, phi, gradient)
        return phi

    def predict(theta, phi, x):
        return net.apply(phi, x)

    return Learner(net.init, adapt, predict)


# %% [markdown]
# Two rules for the outer loop. The first is the gradient of the meta-loss, for joint
# training, MAML and FOMAML. The second is Reptile's: the mean over tasks of the way from
# the adapted parameters back to the start. A step *against* it goes towards them.


# %%
def meta_gradient(learner, theta, task):
    return grad(lambda start: meta_loss(learner, start, task))(theta)


def reptile_direction(learner, theta, task):
    phi = learner.adapt(theta, task.support)
    return tree_map(lambda t, p: t - np.mean(p, axis=0), theta, phi)


# %% [markdown]
# ## At rest in the plane
#
# Three quadratic tasks in the plane. Every method trains by its own rule from the same
# start, and must arrive where its $W$ says. The steps of the outer loop are
# $\eta=1/\lambda_{\max}$, where $\lambda_{\max}$ is the largest eigenvalue of the mean
# of the $W_i$: the longest step that cannot overshoot.
#
# **Predict, then run.** MAML with two inner steps has $W=PAP$ with $P=(I-\alpha A)^2$,
# and $P$ and $A$ commute. With how many inner steps does FOMAML rest at the same place?

# %%
A, c = draw_quadratics(numpy.random.default_rng(370), 3, 2, curvature=(0.05, 1.0))
plane_task = from_quadratics(A, c)
plane = Net(lambda rng: np.ones((2, 1)), lambda theta, x: x @ theta)
maml_2 = my_learner(plane, plain_gradient, 1.0, 2)
fomaml_2 = my_learner(plane, constant_gradient, 1.0, 2)
joint_0 = my_learner(plane, plain_gradient, 1.0, 0)

# %%
rules = {
    "joint": (meta_gradient, joint_0, A),
    "MAML": (meta_gradient, maml_2, exact.maml_weights(A, 1.0, 2)),
    "FOMAML": (meta_gradient, fomaml_2, exact.fomaml_weights(A, 1.0, 2)),
    "Reptile": (reptile_direction, maml_2, exact.reptile_weights(A, 1.0, 2)),
}
walks = {}
for name, (rule, learner, W) in rules.items():
    eta = 1 / numpy.linalg.eigvals(W.mean(axis=0)).real.max()
    theta = [np.ones((2, 1))]
    for _ in range(150):
        theta.append(theta[-1] - eta * rule(learner, theta[-1], plane_task))
    walks[name] = numpy.stack(theta)[..., 0]
    print(
        f"{name:8} trained {walks[name][-1]}  closed form {exact.fixed_point(W, c)}"
    )

# %%
for name, (_, _, W) in rules.items():
    sentence = f"{name} rests where its W says."
    claim_equal(walks[name][-1], exact.fixed_point(W, c), 1e-7, sentence)
four_steps = exact.fixed_point(exact.fomaml_weights(A, 1.0, 4), c)
claim_equal(
    four_steps,
    walks["MAML"][-1],
    1e-7,
    "FOMAML with 4 steps rests where MAML with 2 does.",
)
long_reptile = exact.fixed_point(exact.reptile_weights(A, 1.0, 2000), c)
claim_equal(
    long_reptile,
    c.mean(axis=0),
    1e-6,
    "With very many steps Reptile rests at the mean minimum.",
)

# %%
plane_figure, (ax,) = plots.figure(height=4.2)
for matrix, centre in zip(A, c):
    diagrams.ellipse(ax, matrix, centre, 0.06, color=plots.BEFORE, linewidth=1)
for name, colour in zip(walks, plots.COLOURS):
    ax.plot(*walks[name].T, "-", color=colour, linewidth=1.2)
    ax.plot(*walks[name][-1], "o", color=colour, label=f"{name} rests")
    ax.plot(
        *exact.fixed_point(rules[name][2], c), "+", color=plots.BAYES, markersize=12
    )
ax.plot(*c.mean(axis=0), "x", color=plots.BAYES, label="mean of the minima")
ax.set_aspect("equal", adjustable="datalim")
plots.labels(ax, "first parameter", "second parameter", "where each method rests")
plots.save(plane_figure, "06_plane")

# %% [markdown]
# Each grey ellipse is one task: the points around its minimum $c_i$ where its loss is
# 0.03. A long axis is a direction of low curvature. The lines are the paths of the four
# outer loops from the common start (1, 1), the dots are their last points, and the black
# crosses on the dots are the closed forms. The × marks the plain mean of the minima,
# which Reptile approaches as it takes more and more inner steps.
#
# ## The same budget on sines
#
# Now a network, on the sine tasks of the lesson *maml*: ten support points, tanh units
# in two layers of 64, inner step size $\alpha=0.02$, the setting of Nichol, Achiam and
# Schulman (2018). All methods see the same tasks in the same order and make the same
# number of updates. Joint training, MAML and FOMAML follow Adam with the step size
# $\eta=0.001$. Reptile's direction is no gradient, and its authors multiply it by a step
# size that falls linearly from 1 to 0; they take five inner steps on small batches of
# the support, and so do we, with pairs of examples. MAML and FOMAML take one step.
#
# **Predict, then run.** FOMAML drops a factor. By how much do you expect its error after
# one inner step to exceed that of MAML, in per cent?

# %%
net = mlp([1, 64, 64, 1], np.tanh, gain=1.0)
UPDATES, TASKS, SHOWN = (
    (30, 100, [0, 1, 2, 5, 10]) if QUICK else (3000, 2000, [0, 1, 2, 5, 10])
)


def sample(rng):
    return sines(rng, tasks=20, shots=10, queries=10)


def fall(updates):
    return 1 - updates / UPDATES


# %%
towards_the_end = reptile.meta_gradient(net, steps=5, batch=2)
joint_gradient = fine_tuning.joint_gradient(net)
starts = {}
with using(dtype="float32"):
    for name in ("joint", "MAML", "FOMAML", "Reptile"):
        seeded = numpy.random.default_rng(SEED)  # the same tasks for every method
        if name == "joint":
            starts[name], _ = train(
                net.init, joint_gradient, sample, seeded, UPDATES
            )
        elif name == "Reptile":
            outer = {"optimizer": sgd(fall)}
            starts[name], _ = train(
                net.init, towards_the_end, sample, seeded, UPDATES, **outer
            )
        else:
            module = {"MAML": maml, "FOMAML": fomaml}[name]
            learner = module.learner(net, step_size=0.02, steps=1)
            starts[name], _ = meta_train(learner, sample, seeded, UPDATES)

# %%
inner_step = {"joint": 0.01, "MAML": 0.02, "FOMAML": 0.02, "Reptile": 0.02}
test = sines(numpy.random.default_rng([SEED, 1]), TASKS, shots=10, queries=100)


@numpy.errstate(
    all="ignore"
)  # beyond the number of steps it was trained for, one may diverge
def errors_after(theta, alpha):
    """The query error of every test task after the steps shown: (len(SHOWN), M)."""
    path = maml.trajectory(theta, test.support, net, mse, alpha, max(SHOWN))
    return np.stack(
        [mse(net.apply(path[k], test.query.x), test.query.y) for k in SHOWN]
    )


errors = {name: errors_after(starts[name], inner_step[name]) for name in starts}
print(
    f"mean, and in brackets the median, of {TASKS} new tasks after inner steps",
    SHOWN,
)
for name, error in errors.items():
    cells = [f"{e.mean():7.3f} ({np.median(e):.3f})" for e in error]
    print(f"{name:8}", *cells)

# %% [markdown]
# A few difficult tasks carry much of a mean, so the table shows the median as well, and
# every comparison below is *paired*: the difference is taken task by task, on the same
# tasks, and its mean is given with two standard errors.


# %%
def compare(worse, better, step):
    """The mean of the paired differences of two errors, and two standard errors."""
    gap = errors[worse][SHOWN.index(step)] - errors[better][SHOWN.index(step)]
    return gap.mean(), 2 * gap.std() / TASKS**0.5


for worse, better, step in (
    ("FOMAML", "MAML", 1),
    ("Reptile", "MAML", 1),
    ("joint", "MAML", 10),
    ("joint", "FOMAML", 10),
    ("joint", "Reptile", 10),
):
    mean, half = compare(worse, better, step)
    medians = [
        np.median(errors[name][SHOWN.index(step)]) for name in (worse, better)
    ]
    claim(
        mean - half > 0 and medians[0] > medians[1],
        f"After {step} steps {worse} is worse than {better}, mean and median.",
        f"{mean:.3f} +- {half:.3f}, medians {medians[0]:.3f} and {medians[1]:.3f}",
        "> 0",
        trained=True,
    )

# %%
figure, (left, right) = plots.figure(2)
for ax, summary, name in ((left, np.mean, "mean"), (right, np.median, "median")):
    for method, colour in zip(errors, [plots.BEFORE, *plots.COLOURS[:3]]):
        ax.plot(
            SHOWN,
            summary(errors[method], axis=1),
            "o-",
            ms=4,
            color=colour,
            label=method,
        )
    plots.floor(ax, SHOWN, numpy.full(len(SHOWN), 1e-3), "Bayes-optimal (0)")
    ax.set_yscale("log")
    ax.set_ylim(8e-4, 20)
    plots.labels(
        ax, "inner steps on 10 shots", f"{name} squared error", f"new sines: {name}"
    )
plots.save(figure, "06_first_order")

# %% [markdown]
# Both panels show the query error on new sines against the number of inner steps, on a
# logarithmic scale: the mean over tasks on the left, the median on the right. Grey is
# the joint start, before meta-learning. The dashed line at the bottom edge stands for
# the Bayes-optimal learner, whose error is zero here, because ten points without noise
# determine a sine; zero itself has no place on a logarithmic scale. Where the two panels
# disagree about an order, a few hard tasks decide the mean.
#
# ## The same as the library

# %%
modules = {"MAML": (maml, plain_gradient), "FOMAML": (fomaml, constant_gradient)}
for name, (module, inner_gradient) in modules.items():
    mine = my_learner(net, inner_gradient, 0.02, 3).adapt(
        starts[name], test.support
    )
    theirs = module.adapt(starts[name], test.support, net, step_size=0.02, steps=3)
    same = all((p == q).all() for p, q in zip(leaves(mine), leaves(theirs)))
    claim(same, f"This page's {name} is the library's, bit for bit.")
_, theirs = reptile.meta_gradient(plane, inner=sgd(1.0), steps=2)(
    walks["Reptile"][9][:, None], plane_task
)
mine = reptile_direction(maml_2, walks["Reptile"][9][:, None], plane_task)
claim_equal(mine, theirs, 1e-14, "This page's Reptile is the library's.")

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** On the line above (curvatures $1$ and $\frac12$, minima $0$ and $1$,
# $\alpha=\frac12$), where does Reptile rest with *two* inner steps? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "be5f1bd7")

# %% [markdown]
# **Exercise 2.** On the same line, where does MAML rest with one inner step of
# $\alpha=1$? Explain the answer to yourself before you compute it.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "cae213e0")

# %% [markdown]
# **Exercise 3.** Expand $P=(I-\alpha A)^k$ to first order in $\alpha$. Then MAML has
# $W\approx A-m\,\alpha k A^2$ and FOMAML has $W\approx A-n\,\alpha k A^2$. Give the list
# $[m,n]$.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "0bc94af9")

# %% [markdown]
# **Exercise 4.** One task on a line has the loss $\frac a2(t-c)^2$ with $a=2$ and $c=1$.
# From the start $t=3$ take one inner step of $\alpha=0.3$. Which number does FOMAML
# follow as its meta-gradient?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "7370139b")

# %% [markdown]
# **What changed since the last lesson.** The meta-gradient became a choice of what to
# keep. What is left out moves the point of rest, by a formula you can compute. On sines
# the cheap methods still learn a start, and the table says how much they give away.

# %%
finish()
