# %% [markdown]
# # 07. The inner loop: what has to move
#
# **The promise.** MAML moves every parameter, by the same step size, along a path that
# the outer loop remembers. None of the three is necessary. You will freeze most of the
# network (ANIL), learn a step size for every parameter (Meta-SGD), and forget the path
# and keep only its end (iMAML). For each change you will compute by hand what it can
# reach, and see it reached.
#
# **You need** the lessons *maml* and *first_order* (the weights $W_i$ of a method on
# quadratics) and from linear algebra the eigenvectors of a symmetric matrix.
#
# **Takes** about 75 minutes to read with the exercises, and under a minute to run.
#
# **Before:** the inner loop is gradient descent on everything. **After:** the inner
# loop is a choice, and you can say what each choice costs.
#
# On quadratic tasks $\frac12(\theta-c)^\top A(\theta-c)$ every inner loop of this lesson
# ends at a distance $J\,(\theta-c)$ from the minimum, with a matrix $J$ that belongs to
# the method. The outer loop then follows
#
# $$\sum_i W_i\,(\theta-c_i),\qquad W_i=J_i^\top A_i\,J_i .$$

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np, using
from minimeta.core.gradients import grad, hvp
from minimeta.core.losses import mse
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import quadratics as exact
from minimeta.initializations import anil, fine_tuning, imaml, maml, meta_sgd
from minimeta.meta import Learner, meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.tasks.regression import sines
from minimeta.training import meta_train, train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## First choice: which parameters move
#
# ANIL ("almost no inner loop", Raghu et al. 2020) adapts only the last layer, the
# *head*. The layers below, the *body*, are shared by all tasks and change in the outer
# loop alone. If $E$ is the diagonal matrix with ones at the parameters that adapt, a
# step multiplies the distance by $I-\alpha EA$, so $J=(I-\alpha EA)^k$.
#
# What can such a learner reach? Take the simplest case that has a body and a head. A
# task is a vector of weights $w$ in three dimensions, drawn around zero with the
# covariance $\Sigma$. The body is a matrix $B$ with two columns, and the head combines
# the two columns: the answer is $B\,h$. If the head is solved to its end, the error that
# remains is the part of $w$ outside the plane of the two columns. On average that part
# is smallest if the plane is spanned by the two eigenvectors of $\Sigma$ with the
# largest eigenvalues. This is *principal component analysis* of the tasks: the body
# learns the directions in which tasks differ most.
#
# **Predict, then run.** The eigenvalues of $\Sigma$ are $3$, $1$ and $0.2$. With a body
# of two features and the loss $\frac12|w-Bh|^2$, what is the least mean loss?

# %%
spectrum = numpy.array([3.0, 1.0, 0.2])
directions, _ = numpy.linalg.qr(rng.normal(size=(3, 3)))
W = directions * numpy.sqrt(
    3 * spectrum
)  # three tasks, one a column, with covariance Sigma
body, _ = numpy.linalg.qr(rng.normal(size=(3, 2)))


def loss_with_solved_heads(B):
    heads = np.linalg.solve(B.T @ B, B.T @ W)  # (2, 3): the best head of each task
    return 0.5 * np.mean(np.sum((W - B @ heads) ** 2, axis=0))


for _ in range(200):
    body = body - 0.3 * grad(loss_with_solved_heads)(body)
    body, _ = numpy.linalg.qr(body)  # keep the two columns at right angles
pca_floor = 0.5 * spectrum[2]
print(
    f"after meta-training {loss_with_solved_heads(body):.6f}, PCA {pca_floor:.6f}"
)

# %%
claim_equal(
    loss_with_solved_heads(body),
    exact.shared_subspace_risk(directions * spectrum @ directions.T, 2),
    1e-8,
    "A linear ANIL with solved heads is principal component analysis of the tasks.",
)
claim_equal(
    np.abs(body.T @ directions[:, 2]),
    np.zeros(2),
    1e-4,
    "The body has turned away from the direction in which tasks differ least.",
)

# %% [markdown]
# ## Second choice: how far each parameter moves
#
# One step size for all directions is a compromise. In a direction of curvature $a$ the
# step multiplies the distance by $1-\alpha a$; it cannot be zero for two curvatures at
# once. Meta-SGD (Li et al. 2017) makes the step size a *parameter of the outer loop*:
# one number $\alpha_j$ for each parameter $\theta_j$, of any sign,
#
# $$\phi=\theta-\alpha\circ\nabla L(\theta;\text{support}),$$
#
# where $\circ$ multiplies element by element. If all tasks have the same curvatures
# $a_j$ along the axes, the best choice is $\alpha_j=1/a_j$, and one step solves every
# task. That is Newton's method, found by meta-learning.
#
# If the curvatures differ from task to task, the best $\alpha_j$ minimises the mean of
# $\frac12a(1-\alpha a)^2v$ with $v=(\theta_j-c_j)^2$. Setting the derivative to zero
# gives $\alpha_j=\mathbb E[a^2v]\,/\,\mathbb E[a^3v]$.
#
# **Predict, then run.** The curvatures are $0.5$, $1$ and $2$ in every task. MAML with a
# single step size has to choose one number. Which loss is left with the best single
# number, and which with three?

# %%
a = numpy.array([0.5, 1.0, 2.0])
minima = rng.normal(size=(40, 3))
axis_tasks = from_quadratics(numpy.broadcast_to(numpy.diag(a), (40, 3, 3)), minima)
line = Net(lambda rng: np.zeros((3, 1)), lambda theta, x: x @ theta)


def loss_of(step_sizes):
    """The loss after one step from zero, with one step size for each parameter."""
    left = (1 - step_sizes * a) * minima
    return 0.5 * np.mean(np.sum(a * left**2, axis=1))


singles = numpy.linspace(0.0, 1.0, 1001)
best_single = min(singles, key=lambda alpha: loss_of(numpy.full(3, alpha)))
meta = {"theta": np.zeros((3, 1)), "alpha": np.full((3, 1), 0.1)}
sgd_learner = meta_sgd.learner(line)
for _ in range(2000):
    gradient = grad(lambda m: meta_loss(sgd_learner, m, axis_tasks))(meta)
    meta = {**meta, "alpha": meta["alpha"] - 0.1 * gradient["alpha"]}
single_loss = loss_of(numpy.full(3, best_single))
print(f"best single step size {best_single:.3f} leaves {single_loss:.4f}")
learned_sizes = meta["alpha"][:, 0]
print(f"learned step sizes {learned_sizes} leave {loss_of(learned_sizes):.1e}")

# %%
claim_equal(
    meta["alpha"][:, 0],
    1 / a,
    1e-3,
    "The learned step sizes are inverse curvatures.",
)
claim(
    loss_of(numpy.full(3, best_single)) > 0.1,
    "One step size for all directions leaves a loss.",
    loss_of(numpy.full(3, best_single)),
    "> 0.1",
)

# %% [markdown]
# ## Third choice: the path, or only its end
#
# MAML differentiates through every inner step, so it must remember all of them. iMAML
# (Rajeswaran et al. 2019) makes the end of the inner loop independent of the path. It
# adds a pull towards the start and solves the inner problem completely:
#
# $$\phi=\arg\min_\phi\;L(\phi;\text{support})+\tfrac\lambda2\,|\phi-\theta|^2 .$$
#
# At the minimum the gradient vanishes: $\nabla L(\phi)+\lambda(\phi-\theta)=0$. Let the
# start move by a small $d\theta$. Then the minimum moves by a $d\phi$ that keeps this
# equation true: $H\,d\phi+\lambda(d\phi-d\theta)=0$, where $H$ is the Hessian of $L$ at
# $\phi$. Solved for $d\phi$,
#
# $$d\phi=\Big(I+\tfrac1\lambda H\Big)^{-1}d\theta .$$
#
# So the meta-gradient is $(I+H/\lambda)^{-1}$ times the gradient of the query loss at
# $\phi$. No step of the path appears in it.
#
# The matrix is never formed. *Conjugate gradients* is a method that solves $Mz=b$ for a
# symmetric positive definite $M$ from products $Mv$ alone, and in $D$ dimensions it is
# done after $D$ products. The product $Hv$ costs about two gradients (lesson
# *gradients*), so a few products are cheap even for a network.
#
# **Predict, then run.** Two solvers go to the same end: 900 steps of $0.05$, or 150
# steps of $0.45$. How large is the difference between their two meta-gradients?

# %%
A, c = draw_quadratics(numpy.random.default_rng(370), 3, 3, curvature=(0.05, 1.0))
plane_tasks, start, strength = from_quadratics(A, c), np.ones((3, 1)), 2.0


def my_implicit_gradient(theta, task, step_size, steps):
    phi = imaml.adapt(theta, task.support, line, mse, strength, step_size, steps)
    outer = grad(maml.total_loss)(phi, task.query, line, mse)

    def system(v):
        return v + hvp(maml.total_loss)(phi, task.support, line, mse, v) / strength

    solved = imaml.conjugate_gradients(system, outer, steps=3)
    return np.mean(solved, axis=0)


slow = my_implicit_gradient(start, plane_tasks, 0.05, 900)
fast = my_implicit_gradient(start, plane_tasks, 0.45, 150)
by_formula = exact.meta_gradient(start[:, 0], exact.imaml_weights(A, strength), c)
print("two paths, one gradient:", slow[:, 0], fast[:, 0])

# %%
claim_equal(slow, fast, 1e-10, "The implicit gradient does not depend on the path.")
claim_equal(
    fast[:, 0],
    by_formula,
    1e-10,
    "On quadratics it is B A B (theta - c), B = (I + A/lambda)^-1.",
)
_, theirs = imaml.meta_gradient(line, mse, strength, 0.45, 150, cg_steps=3)(
    start, plane_tasks
)
claim_equal(fast, theirs, 1e-12, "This page's iMAML is the library's.")

# %% [markdown]
# ## ANIL and Meta-SGD, built here
#
# Both are small changes of MAML's inner loop. ANIL replaces the gradients of all layers
# but the last by zero. Meta-SGD multiplies the gradient by its learned step sizes.


# %%
def anil_step(theta, phi, gradient, alpha):
    still = tree_map(np.zeros_like, gradient[:-1])
    return tree_map(lambda p, g: p - alpha * g, phi, [*still, gradient[-1]])


def my_anil(net, alpha, steps):
    def adapt(theta, support):
        phi = copies(theta, len(support.x))
        for _ in range(steps):
            gradient = grad(maml.total_loss)(phi, support, net, mse)
            phi = anil_step(theta, phi, gradient, alpha)
        return phi

    return Learner(net.init, adapt, lambda theta, phi, x: net.apply(phi, x))


def my_meta_sgd_step(theta, alpha, support, net):
    """One step of Meta-SGD for every task; theta and alpha are alike."""
    phi = copies(theta, len(support.x))
    gradient = grad(maml.total_loss)(phi, support, net, mse)
    return tree_map(lambda p, a, g: p - a * g, phi, alpha, gradient)


# %% [markdown]
# ## Sines
#
# The sine tasks of the last lesson, the same network (two hidden layers of 64 tanh
# units), ten support points, the same number of updates on the same tasks. MAML, ANIL
# and Meta-SGD take one inner step in training. All of Meta-SGD's step sizes start at
# $0.02$, the value that MAML and ANIL keep. Joint training stands beside them.
#
# **Predict, then run.** ANIL may move 65 of the 4,353 parameters. After ten inner steps,
# how many times as large as MAML's do you expect its median error to be?

# %%
net = mlp([1, 64, 64, 1], np.tanh, gain=1.0)
UPDATES, TASKS, SHOWN = (
    (30, 100, [0, 1, 2, 5, 10]) if QUICK else (2500, 1000, [0, 1, 2, 5, 10])
)
learners = {
    "MAML": maml.learner(net, step_size=0.02),
    "ANIL": anil.learner(net, step_size=0.02),
    "Meta-SGD": meta_sgd.learner(net, step_size=0.02),
}


def sample(rng):
    return sines(rng, tasks=20, shots=10, queries=10)


# %%
metas = {}
with using(dtype="float32"):
    joint_gradient = fine_tuning.joint_gradient(net)
    seeded = numpy.random.default_rng(SEED)
    metas["joint"], _ = train(net.init, joint_gradient, sample, seeded, UPDATES)
    for name, learner in learners.items():
        seeded = numpy.random.default_rng(SEED)  # the same tasks for every method
        metas[name], _ = meta_train(learner, sample, seeded, UPDATES)

# %%
test = sines(numpy.random.default_rng([SEED, 1]), TASKS, shots=10, queries=100)
at_test = {
    "joint": lambda k: (maml.learner(net, step_size=0.01, steps=k), metas["joint"]),
    "MAML": lambda k: (maml.learner(net, step_size=0.02, steps=k), metas["MAML"]),
    "ANIL": lambda k: (anil.learner(net, step_size=0.02, steps=k), metas["ANIL"]),
    "Meta-SGD": lambda k: (meta_sgd.learner(net, steps=k), metas["Meta-SGD"]),
    "MAML, head only": lambda k: (
        anil.learner(net, step_size=0.02, steps=k),
        metas["MAML"],
    ),
}


# %% [markdown]
# Some learners diverge when they take more steps than they were trained for. That is a
# result and no accident, so the warnings of NumPy are silenced for this function.


# %%
@numpy.errstate(
    all="ignore"
)  # beyond the number of steps it was trained for, one may diverge
def errors_of(name):
    """The query error of every test task after the steps shown: (len(SHOWN), M)."""
    rows = []
    for k in SHOWN:
        learner, meta = at_test[name](k)
        state = learner.adapt(meta, test.support)
        rows.append(mse(learner.predict(meta, state, test.query.x), test.query.y))
    return np.stack(rows)


errors = {name: errors_of(name) for name in at_test}
print(
    f"mean, and in brackets the median, of {TASKS} new tasks after inner steps",
    SHOWN,
)
for name, error in errors.items():
    print(f"{name:16}", *[f"{e.mean():7.3f} ({np.median(e):.3f})" for e in error])

# %% [markdown]
# The last row adapts only the head, from the start that MAML has learned by moving
# everything. The comparisons are paired and state two standard errors, with the medians
# beside them, as in the last lesson.


# %%
def compare(worse, better, step):
    """Paired differences: the mean, two standard errors, and both medians."""
    rows = [errors[name][SHOWN.index(step)] for name in (worse, better)]
    half = 2 * np.std(rows[0] - rows[1]) / TASKS**0.5
    return np.mean(rows[0] - rows[1]), half, np.median(rows[0]), np.median(rows[1])


for worse, better, step, sentence in (
    ("MAML", "Meta-SGD", 1, "With one step Meta-SGD is ahead of MAML."),
    ("joint", "ANIL", 10, "Moving the head alone is far ahead of fine-tuning."),
    ("joint", "MAML, head only", 10, "MAML's body is useful to a moving head."),
):
    mean, half, *medians = compare(worse, better, step)
    by = f"{mean:.3f} +- {half:.3f}, medians {medians[0]:.3f} and {medians[1]:.3f}"
    holds = mean - half > 0 and medians[0] > medians[1]
    claim(holds, f"{sentence} (mean and median)", by, "> 0", trained=True)

# %% [markdown]
# One step is what Meta-SGD was trained for. Does it profit from more steps? For every
# task compare its own error after ten steps with its own error after five.

# %%
coin = 0.5 + 2 / TASKS**0.5  # a fair coin's share of heads, four standard errors up
for name, sentence in (
    ("Meta-SGD", "From five to ten steps Meta-SGD gets worse on most tasks."),
    ("MAML", "MAML does not: on most tasks it gets better."),
):
    five, ten = (errors[name][SHOWN.index(k)] for k in (5, 10))
    share = np.mean(ten > five if name == "Meta-SGD" else ten < five)
    claim(share > coin, sentence, share, f"> {coin:.3f} of tasks", trained=True)

# %%
figure, (left, right) = plots.figure(2)
colours = [plots.BEFORE, *plots.COLOURS[:4]]
for ax, summary, word in ((left, np.mean, "mean"), (right, np.median, "median")):
    for name, colour in zip(errors, colours):
        style = "o--" if "head" in name else "o-"
        ax.plot(
            SHOWN,
            summary(errors[name], axis=1),
            style,
            ms=4,
            color=colour,
            label=name,
        )
    plots.floor(ax, SHOWN, numpy.full(len(SHOWN), 1e-2), "Bayes-optimal (0)")
    ax.set_yscale("log")
    ax.set_ylim(8e-3, 20)
    title = f"new sines: {word}"
    plots.labels(
        ax, "inner steps on 10 shots", f"{word} squared error", title, ax is right
    )
plots.save(figure, "07_inner_loop")

# %% [markdown]
# The query error on new sines against the number of inner steps, on a logarithmic scale;
# the mean over tasks on the left and the median on the right. Grey is the joint start.
# The broken line adapts the head alone from MAML's start. The dashed line at the bottom
# edge stands for the Bayes-optimal learner, whose error is zero. Meta-SGD falls fastest
# in its first step, the only one it was trained for. With more steps it diverges on some
# tasks, and its mean leaves the picture on the left: its step sizes are right for one
# step and too long for ten.
#
# ## The same as the library

# %%
mine = my_anil(net, 0.02, 3).adapt(metas["ANIL"], test.support)
theirs = anil.adapt(metas["ANIL"], test.support, net, step_size=0.02, steps=3)
same = all((p == q).all() for p, q in zip(leaves(mine[-1]), leaves(theirs)))
claim(same, "This page's ANIL is the library's, bit for bit.")
meta_sgd_start = metas["Meta-SGD"]["theta"], metas["Meta-SGD"]["alpha"]
mine = my_meta_sgd_step(*meta_sgd_start, test.support, net)
theirs = meta_sgd.adapt(metas["Meta-SGD"], test.support, net)
same = all((p == q).all() for p, q in zip(leaves(mine), leaves(theirs)))
claim(same, "This page's Meta-SGD is the library's, bit for bit.")

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** ANIL on a quadratic in two dimensions adapts only the second parameter.
# The Hessian is $A=\begin{pmatrix}2&1\\1&2\end{pmatrix}$, the step size $\alpha=0.5$,
# one step. Give the two by two matrix $J=I-\alpha EA$ as a list of its four entries, row
# by row.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "a80c4c96")

# %% [markdown]
# **Exercise 2.** In one direction the tasks have the curvature $1$ or $2$, equally
# often, and $v=1$ in both. Which learned step size is best? Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "b8f54d2b")

# %% [markdown]
# **Exercise 3.** A task on a line has the curvature $a=4$. iMAML pulls with
# $\lambda=2$. If the start moves by 1, by how much does the end of the inner loop move?
# Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "85d4d23b")

# %% [markdown]
# **Exercise 4.** Let $\lambda$ go to zero in iMAML's weights $W=BAB$ with
# $B=(I+A/\lambda)^{-1}$. Two tasks on a line, curvature $1$ with minimum $0$ and
# curvature $\frac12$ with minimum $1$: where does iMAML come to rest in that limit?
# (Which power of $a$ is $W$ proportional to?) Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "5f0e707f")

# %% [markdown]
# **What changed since the last lesson.** There the inner loop stayed and its gradient
# was cut. Here the gradient is whole and the inner loop changes: what moves, how far,
# and whether the path counts. `python -m minimeta verify relatives` has the theorems.

# %%
finish()
