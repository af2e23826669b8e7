# %% [markdown]
# # 05. MAML: learn where to start
#
# **The promise.** At the end of this lesson a network starts from a place that was
# *learned*, sees ten points of a sine that it has never met, takes a few steps of
# gradient descent, and fits it. The figure also shows the surprise of this method:
# before those steps the learned start is no better than the best single function of
# the lesson *transfer*. What is learned is not an answer. It is a place from which
# answers are near.
#
# **You need** the lessons *gradients* (the gradient of a function that contains a
# gradient), *transfer* (the sine tasks, and the best single function for all of them)
# and *bayes* (the best possible learner).
#
# **Takes** about an hour to read with the exercises, and under a minute to run.
#
# **Before:** you train one network on all tasks and hope that fine-tuning does the
# rest. **After:** you train the start itself, through the fine-tuning.
#
# One task has two sets of examples. The learner adapts to the *support* set and is
# judged on the *query* set. Write $L(\theta;\mathcal D)$ for the mean squared error of
# the network with parameters $\theta$ on the data $\mathcal D$. Model-agnostic
# meta-learning (MAML) looks for the start $\theta$ that minimises
#
# $$\mathbb{E}_{\text{task}}\;L\big(\,\theta-\alpha\,\nabla L(\theta;\text{support})
# \,;\;\text{query}\,\big)$$
#
# The inner expression is one step of gradient descent with the inner step size
# $\alpha$. To minimise the whole by gradient descent we need the gradient of an
# expression that contains a gradient. That is the only new thing in this lesson.

# %%
import numpy

from minimeta import diagrams, plots
from minimeta.core.backend import np, using
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import quadratics, sines
from minimeta.initializations import fine_tuning, maml
from minimeta.meta import Learner, meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks import regression
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.training import meta_train, train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Two loops
#
# The picture shows one step of meta-training. The *inner loop* turns the start
# $\theta$ into parameters $\phi$ for one task, using the support set only. The *outer
# loop* asks how good $\phi$ is on the query set, and moves $\theta$ so that the next
# $\phi$ will be better. The inner loop learns within a task and forgets everything
# afterwards. The outer loop learns across tasks, and what it learns stays.

# %%
loops_figure, (paper,) = plots.figure(height=3.4)
diagrams.loops(paper, "one step of meta-training")
plots.save(loops_figure, "05_loops")

# %% [markdown]
# Solid arrows are computed forwards. The dashed arrow is the gradient. It starts at the
# query loss and runs back *through the inner step* to the start. An implementation that
# cuts it at the inner step is called first order; the next section measures what the
# cut costs.
#
# ## A case to check by hand
#
# Take one parameter $t$ and one task with the loss $L(t)=\frac a2(t-c)^2$. The number
# $a$ is the curvature and $c$ is the minimum. The gradient is $L'(t)=a(t-c)$, so one
# inner step of size $\alpha$ leads to
#
# $$t'=t-\alpha a(t-c),\qquad t'-c=(1-\alpha a)(t-c).$$
#
# The step multiplies the distance to the minimum by $1-\alpha a$. The loss after the
# step is therefore $\frac a2(1-\alpha a)^2(t-c)^2$, and its derivative with respect to
# the *start* $t$ is
#
# $$\frac{d}{dt}\,L(t')=a\,(1-\alpha a)^2\,(t-c).$$
#
# There are two factors $1-\alpha a$. The first comes from the outer gradient: the
# gradient $L'(t')$ is taken at the new point, which is closer to $c$. The second is the
# derivative of the step itself, $dt'/dt=1-\alpha L''(t)$. It contains the second
# derivative of the loss, which is why MAML is called a second-order method.
#
# Is an implementation really second order? A finite difference gives the right answer
# without any calculus, so we can compare. `constant` marks its argument as a constant
# for every gradient; with it we make the first-order version on purpose.


# %%
def parabola(t, a=2.0, c=1.0):
    return a * (t - c) ** 2 / 2


def after_step(t, alpha=0.3):
    return parabola(t - alpha * grad(parabola)(t))


def first_order_after_step(t, alpha=0.3):
    return parabola(t - alpha * constant(grad(parabola)(t)))


t, h = 3.0, 1e-5
differences = (after_step(t + h) - after_step(t - h)) / (2 * h)
second_order = grad(after_step)(t)
first_order = grad(first_order_after_step)(t)
print(f"finite differences {differences:.6f}")
print(f"second order       {second_order:.6f}")
print(f"first order        {first_order:.6f}")

# %%
by_formula = 2.0 * (1 - 0.3 * 2.0) ** 2 * (t - 1.0)
claim_equal(
    second_order, by_formula, 1e-14, "The gradient has both factors 1 - alpha a."
)
claim_equal(
    second_order, differences, 1e-8, "Finite differences agree: it is second order."
)
claim_equal(
    first_order * (1 - 0.3 * 2.0),
    second_order,
    1e-14,
    "The first-order gradient lacks exactly one factor 1 - alpha a.",
)

# %% [markdown]
# ## MAML, built here
#
# For many tasks at once we give every task its own copy of the start, on a leading axis
# (`copies`). Then we *sum* the losses of all tasks and differentiate once. No task
# shares a number with another, so the gradient of the sum with respect to a task's copy
# is that task's own gradient. If we took the mean over $M$ tasks instead, every inner
# step would be $M$ times too short: exercise 1 asks you to try it.
#
# `adapt` is the inner loop. Nothing in it mentions second derivatives. They appear by
# themselves as soon as somebody differentiates a function that calls `adapt`.


# %%
def total_loss(phi, data, net):
    return np.sum(mse(net.apply(phi, data.x), data.y))  # a sum over tasks


def adapt(theta, support, net, alpha, steps):
    phi = copies(theta, len(support.x))  # leaves (M, ...)
    for _ in range(steps):
        gradient = grad(total_loss)(phi, support, net)
        phi = tree_map(lambda p, g: p - alpha * g, phi, gradient)
    return phi


def my_maml(net, alpha=0.01, steps=1):
    def adapt_to(theta, support):
        return adapt(theta, support, net, alpha, steps)

    def predict(theta, phi, x):
        return net.apply(phi, x)

    return Learner(net.init, adapt_to, predict)


# %% [markdown]
# The library judges every learner by one function, `meta_loss`: adapt to the support,
# predict the queries, take the mean of the losses. Its gradient is the meta-gradient.
#
# ## An optimum in closed form
#
# Before any network we train a start where the answer is known. Five tasks in the plane
# have losses $\frac12(\theta-c_i)^\top A_i(\theta-c_i)$. Each is the mean squared error
# of a linear map on two examples, so our learner can take them as they are.
#
# If no step follows, the best start balances the gradients $A_i(\theta-c_i)$: task $i$
# pulls with the weight $A_i$. If one step follows, the calculation above holds in
# matrices, and task $i$ pulls with the weight
# $(I-\alpha A_i)\,A_i\,(I-\alpha A_i)$. A task that its own step nearly solves has
# little left to ask of the start.
#
# **Predict, then run.** With $\alpha=0.8$, compare a task of curvature $1$ with a task
# of curvature $0.2$. Which of the two has more say in MAML's optimum, and by what
# factor? For which curvature has a task no say at all?

# %%
for curvature in (1.0, 0.2, 1.25):
    pull = quadratics.maml_weights(numpy.array([[[curvature]]]), 0.8, 1).item()
    print(f"curvature {curvature:4}: weight with a step {pull:.3f}")

# %%
line = Net(lambda rng: np.zeros((2, 1)), lambda theta, x: x @ theta)
A, c = draw_quadratics(rng, tasks=5, dimension=2)
quadratic_tasks, line_learner = from_quadratics(A, c), my_maml(line, alpha=0.8)
theta = np.zeros((2, 1))
for _ in range(300):
    gradient = grad(lambda start: meta_loss(line_learner, start, quadratic_tasks))(
        theta
    )
    theta = theta - 2.0 * gradient
closed_form = quadratics.fixed_point(quadratics.maml_weights(A, 0.8, 1), c)
joint_optimum = quadratics.joint_optimum(A, c)
print("trained start      ", theta[:, 0])
print("MAML in closed form", closed_form)
print("joint optimum      ", joint_optimum)

# %%
steep, shallow, solved = (
    quadratics.maml_weights(numpy.array([[[curvature]]]), 0.8, 1).item()
    for curvature in (1.0, 0.2, 1.25)
)
claim_equal(theta[:, 0], closed_form, 1e-8, "Training arrives at the closed form.")
claim(
    steep < shallow,
    "Five times the curvature, and yet less say.",
    steep,
    f"< {shallow:.3f}",
)
claim_equal(solved, 0.0, 1e-15, "A task that one step solves has no say.")

# %% [markdown]
# ## Sines
#
# The tasks are those of the lesson *transfer*: $y=A\sin(x-\varphi)$ with an amplitude
# $A$ between $0.1$ and $5$ and a phase $\varphi$ between $0$ and $\pi$. A task shows ten
# support points and is judged on ten query points. A step of meta-training draws 25 new
# tasks. The network has two hidden layers of 40 relu units, the inner loop takes one
# step of $\alpha=0.01$, and the outer loop uses Adam: the setting of Finn, Abbeel and
# Levine (2017).
#
# Two other starts stand beside MAML's. The *random* start was never trained. The *joint*
# start was trained on all tasks at once without any inner step, which is what
# pre-training does.
#
# **Predict, then run.** The best single function for all sines has the error 3.0057 in
# closed form. Without any inner step, is the error of MAML's start on new tasks smaller
# than 3.0057, equal to it, or larger? Write down a number.

# %%
net = mlp([1, 40, 40, 1])
joint_updates, maml_updates = (20, 40) if QUICK else (6_000, 12_000)


def sample(rng):
    return regression.sines(rng, tasks=25, shots=10, queries=10)


with using(dtype="float32"):
    starts = {"random": net.init(rng)}
    joint = fine_tuning.joint_gradient(net)
    starts["joint"], _ = train(net.init, joint, sample, rng, joint_updates)
    starts["MAML"], history = meta_train(my_maml(net), sample, rng, maml_updates)

# %% [markdown]
# Now 600 new tasks, the same for all three starts. Each start takes up to ten inner
# steps. MAML was trained with one step of $0.01$; the other two starts get a step of
# $0.001$, because with $0.01$ they diverge (exercise 3).

# %%
TASKS = 600
inner_step = {"random": 0.001, "joint": 0.001, "MAML": 0.01}
test_rng = numpy.random.default_rng([SEED, 1])
test = regression.sines(test_rng, TASKS, shots=10, queries=100)


@numpy.errstate(all="ignore")  # a start that is not trained yet may diverge
def errors_by_step(theta, alpha, steps=10):
    """The query error of every test task after each step: (steps + 1, M)."""
    path = maml.trajectory(theta, test.support, net, mse, alpha, steps)
    return np.stack(
        [mse(net.apply(phi, test.query.x), test.query.y) for phi in path]
    )


@numpy.errstate(invalid="ignore")  # the spread is nan where a task has diverged
def mean_and_width(error):
    """The mean over the test tasks, and two standard errors of it."""
    return error.mean(axis=-1), 2 * error.std(axis=-1) / TASKS**0.5


# %%
errors = {name: errors_by_step(starts[name], inner_step[name]) for name in starts}
bayes = sines.learner()
bayes_state = bayes.adapt({}, test.support)
bayes_error = mse(
    bayes.predict({}, bayes_state, test.query.x), test.query.y
)  # (M,)
print("mean query error +- two standard errors, and the median, of 600 new tasks")
for name, error in errors.items():
    for step in (0, 1, 5, 10):
        mean, half = mean_and_width(error[step])
        median = np.median(error[step])
        print(f"{name:7} {step:3} steps {mean:7.3g} +-{half:.2g}  {median:.3g}")

# %%
claim(
    errors["MAML"][0].mean() > 0.95 * sines.joint_risk(),
    "Before any step, MAML's start is no better than the best single function.",
    errors["MAML"][0].mean(),
    f"> 95 % of {sines.joint_risk():.4f}",
    trained=True,
)
for step, limit in ((1, 1.2), (5, 0.9), (10, 0.7)):
    claim(
        errors["MAML"][step].mean() < limit,
        f"After {step} steps on ten points MAML's mean error is small.",
        errors["MAML"][step].mean(),
        f"< {limit}",
        trained=True,
    )

# %% [markdown]
# Is MAML ahead of fine-tuning? The comparison is paired: for every task the error of the
# joint start with its best number of steps, less the error of MAML's start. The mean of
# these differences is given with two standard errors.

# %%
ahead = errors["joint"].min(axis=0) - errors["MAML"][10]  # (M,)
gain, half = mean_and_width(ahead)
claim(
    gain - half > 1.0,
    "Fine-tuning the joint start stays behind, even with its best number of steps.",
    f"{gain:.2f} +- {half:.2f} more error than MAML",
    "> 1",
    trained=True,
)
claim(
    bayes_error.mean() < 1e-6,
    "Ten exact points leave the Bayes-optimal learner no error.",
    bayes_error.mean(),
    "< 1e-6",
)


# %%
def draw_one_task(ax):
    one_task = tree_map(lambda leaf: leaf[3:4], test.support)  # a batch of one task
    x = np.linspace(-5, 5, 201)[None, :, None]
    path = maml.trajectory(starts["MAML"], one_task, net, mse, 0.01, steps=10)
    shown = {0: plots.BEFORE, 1: plots.COLOURS[5], 10: plots.AFTER}
    for step, colour in shown.items():
        fit = net.apply(path[step], x)[0]
        ax.plot(x[0], fit, color=colour, linewidth=2.5, label=f"{step} steps")
    best = bayes.predict({}, bayes.adapt({}, one_task), x)[0]
    plots.floor(ax, x[0], best)
    ax.plot(one_task.x[0], one_task.y[0], "k.", markersize=9, label="support")
    ax.set_ylim(-6, 12)
    plots.labels(ax, "x", "y", "one new task")


# %%
def draw_errors(ax):
    steps = numpy.arange(11)
    for name, colour in zip(errors, [plots.BEFORE, plots.COLOURS[1], plots.AFTER]):
        plots.band(ax, steps, *mean_and_width(errors[name]), name, color=colour)
    ax.axhline(
        sines.joint_risk(), color=plots.COLOURS[4], ls=":", label="best function"
    )
    plots.floor(ax, steps, numpy.full(11, bayes_error.mean()))
    ax.set_ylim(-0.2, 8)
    plots.labels(
        ax, "inner steps on 10 shots", "mean squared error", "600 new tasks"
    )


# %%
figure, (left, right) = plots.figure(2)
draw_one_task(left)
draw_errors(right)
plots.save(figure, "05_maml")

# %% [markdown]
# **Left:** one new task. The grey line is the network at MAML's start, before it has
# seen anything of this task. One inner step on the ten black points (light blue) bends
# the line towards them, ten steps (dark blue) bring it close, and the dashed line is
# the Bayes-optimal answer, which knows that the task is a sine and therefore finds it
# exactly from ten points without noise.
#
# **Right:** the mean query error on 600 new tasks after each number of inner steps. The
# shaded bands are two standard errors of the mean over tasks. The dotted line is 3.0057,
# the error of the best single function, below which no start can be before it has seen
# the task. MAML begins near this line and leaves it with the first step. The joint start
# begins on the line too, but its few steps do not get it far. The dashed line at the
# bottom is the Bayes-optimal learner. MAML's start does not reach it: gradient descent
# on a network knows less about sines than Bayes' rule does.
#
# ## The same as the library
#
# The library's module `minimeta.initializations.maml` contains the functions of this
# page. On the trained start they must give the same numbers, bit for bit.

# %%
mine = adapt(starts["MAML"], test.support, net, 0.01, 3)
theirs = maml.adapt(starts["MAML"], test.support, net, mse, 0.01, 3)
same = all((p == q).all() for p, q in zip(leaves(mine), leaves(theirs)))
claim(same, "This page's MAML is the library's, bit for bit.")

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Replace `np.sum` by `np.mean` in `total_loss`, so that it takes the
# mean over the tasks of a batch. With a batch of 25 tasks, by what factor are the inner
# steps now too short? Give the whole number.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "43b739d1")

# %% [markdown]
# **Exercise 2.** For one parabola $\frac a2(t-c)^2$ and $k$ inner steps, the derivative
# of the final loss with respect to the start is $a(1-\alpha a)^n(t-c)$. Find $n$ as a
# function of $k$, check it with `grad`, and give its value for $k=5$.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "12d32078")

# %% [markdown]
# **Exercise 3.** Gradient descent on a parabola of curvature $a$ diverges when
# $|1-\alpha a|>1$. A joint start diverges with $\alpha=0.01$. What is the smallest
# curvature that the loss must have in some direction there?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "1734a48f")

# %% [markdown]
# **Exercise 4.** Two tasks on a line: curvature $a_1=4$ with the minimum $c_1=-1$, and
# curvature $a_2=1$ with the minimum $c_2=+1$. Where does MAML start, if one inner step
# of $\alpha=0.2$ follows? Give three digits. (Each task pulls with the weight
# $a(1-\alpha a)^2$.)

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "1162c9b1")

# %% [markdown]
# **What changed since the last lesson.** In *bayes* the prior was given and adapting was
# linear algebra. Here what plays the role of the prior is a start, learned from tasks,
# and adapting is gradient descent. `python -m minimeta verify initializations` prints
# the theorems behind this page.

# %%
finish()
