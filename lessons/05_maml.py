# %% [markdown]
# # 05. MAML: learn where to start
#
# **The promise.** Train a start from which ten examples and a few gradient steps fit
# a new sine, and see that *before* those steps it is no better than the joint
# optimum of lesson 03. What is learned is not an answer: it is a place to learn from.
#
# **You need** lessons 00 to 04. **Takes** half an hour to read, under a minute to
# run. **Before:** fine-tuning from a pre-trained net. **After:** a start made for it:
#
# $$\min_\theta\;\mathbb{E}_{\rm task}\,L\big(\theta-\alpha\nabla L(\theta;
# {\rm support});\;{\rm query}\big)$$
#
# The gradient of this goes through a gradient: that is all that is new.

# %%
import os

import numpy

from minimeta import plots
from minimeta.core.backend import np, use
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.exact import quadratics, sines
from minimeta.initializations import fine_tuning, maml
from minimeta.meta import Learner, meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks import regression
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.training import meta_train, train

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
rng = numpy.random.default_rng(0)

# %% [markdown]
# ## By hand: one quadratic, one step
# A task $L(t)=\frac a2(t-c)^2$. One step shrinks the error $t-c$ by $1-\alpha a$, so
# the loss after it has the slope $a(1-\alpha a)^2(t-c)$ in the *start* $t$. One of
# the two factors is the step's own derivative, $1-\alpha L''$. An implementation that
# treats the inner gradient as a constant loses it. **Is it really second order?**
# Differences know the answer without any calculus.

# %%
a, c, alpha, t = 2.0, 1.0, 0.3, 3.0
L = lambda t: a * (t - c) ** 2 / 2
after_step = lambda t: L(t - alpha * grad(L)(t))
first_order = lambda t: L(t - alpha * constant(grad(L)(t)))
differences = (after_step(t + 1e-5) - after_step(t - 1e-5)) / 2e-5
print(f"differences {differences:.6f}   second order {grad(after_step)(t):.6f}")
print(f"first order {grad(first_order)(t):.6f}")
exact = a * (1 - alpha * a) ** 2 * (t - c)
assert abs(grad(after_step)(t) - exact) < 1e-14, (
    "both factors 1 - alpha a are there"
)
assert abs(grad(after_step)(t) - differences) < 1e-8, "the gradient is second order"
lost = grad(first_order)(t) * (1 - alpha * a) - differences
assert abs(lost) < 1e-8, "first order is too long by the factor 1 / (1 - alpha a)"

# %% [markdown]
# ## MAML in ten lines
# Every task gets its own copy of the start on a leading axis. The losses of all tasks
# are *summed* and differentiated once: no copy is shared, so each task gets its own
# gradient. `predict` is the network with the adapted parameters `phi`.


# %%
def total_loss(phi, data, net):
    return np.sum(mse(net.apply(phi, data.x), data.y))


def adapt(theta, support, net, step_size, steps):
    phi = copies(theta, len(support.x))  # leaves (M, ...)
    for _ in range(steps):
        slopes = grad(total_loss)(phi, support, net)
        phi = tree_map(lambda p, g: p - step_size * g, phi, slopes)
    return phi


def my_maml(net, step_size=0.01, steps=1):
    adapt_to = lambda theta, support: adapt(theta, support, net, step_size, steps)
    return Learner(net.init, adapt_to, lambda theta, phi, x: net.apply(phi, x))


# %% [markdown]
# ## The optimum in closed form
# Five quadratics in the plane. Each is the loss of a linear map on some data, so our
# learner takes them unchanged. Joint training weighs task $i$ by its curvature $A_i$.
# MAML weighs it by $(I-\alpha A_i)A_i(I-\alpha A_i)$: what the step leaves of it.
#
# **Predict, then run.** Which tasks have *less* say in MAML's optimum, the steep or
# the shallow ones? With $\alpha=1/a$, how much say has a task of curvature $a$?

# %%
line = Net(lambda rng: np.zeros((2, 1)), lambda theta, x: x @ theta)
A, c = draw_quadratics(rng, tasks=5, dimension=2)
task, learner = from_quadratics(A, c), my_maml(line, step_size=0.8)
theta = np.zeros((2, 1))
for _ in range(3000):
    theta = theta - 2.0 * grad(lambda theta: meta_loss(learner, theta, task))(theta)
exact = quadratics.fixed_point(quadratics.maml_weights(A, 0.8, 1), c)
joint = quadratics.joint_optimum(A, c)
print("trained", theta[:, 0], " closed form", exact, " joint", joint)
assert numpy.abs(theta[:, 0] - exact).max() < 1e-8, "training finds the closed form"
solved = quadratics.maml_weights(numpy.array([[[1.25]]]), 0.8, 1)
assert abs(solved.item()) < 1e-15, "a task that one step solves has no say"
steep, shallow = quadratics.maml_weights(numpy.array([[[1.0]], [[0.2]]]), 0.8, 1)
assert steep.item() < shallow.item(), "five times the curvature, and yet less say"

# %% [markdown]
# ## Sines
# The family of lesson 03, $y=A\sin(x-\phi)$: ten support and ten query points, 25 tasks
# a step, one inner step of $0.01$, a 1-40-40-1 relu network, Adam (Finn et al. 2017).
# Beside it: the same network trained on all tasks jointly, and one never trained.
#
# **Predict, then run.** Before any inner step, is MAML's start better, equal or worse
# on a new task than the joint optimum, whose error is 3.0057 in closed form?

# %%
use(dtype="float32")
net = mlp([1, 40, 40, 1])
mine, joint = my_maml(net), fine_tuning.joint_gradient(net)
sample = lambda rng: regression.sines(rng, tasks=25, shots=10, queries=10)
long, short = (500, 100) if QUICK else (20_000, 6_000)
start = {"random": net.init(rng)}
start["joint"], _ = train(net.init, joint, sample, rng, short)
start["MAML"], history = meta_train(mine, sample, rng, long)
assert history[-50:].mean() < history[:50].mean(), "MAML has learned"

# %%
test = regression.sines(numpy.random.default_rng(1), 600, shots=10, queries=100)
size = {"random": 0.001, "joint": 0.001, "MAML": 0.01}  # 0.01: the others diverge
error = lambda phi: mse(net.apply(phi, test.query.x), test.query.y)  # (M,)


@numpy.errstate(over="ignore", invalid="ignore")  # what is not trained may diverge
def errors_by_step(theta, step_size):
    path = maml.trajectory(theta, test.support, net, mse, step_size, steps=10)
    return np.stack([error(phi) for phi in path])  # (11, M)


errors = {name: errors_by_step(start[name], size[name]) for name in start}
middle = {name: e.mean(axis=1) for name, e in errors.items()}
half = {name: 2 * e.std(axis=1) / 600**0.5 for name, e in errors.items()}
print("10 shots, 600 new tasks  0 steps        1 step       5 steps      10 steps")
for name in errors:
    row = [f"{middle[name][k]:7.2f} +-{half[name][k]:.2f}" for k in (0, 1, 5, 10)]
    print(f"{name:20}", *row)
print("Finn et al. 2017 (5 shots)                0.67          0.38          0.35")
bayes = sines.learner()
best = lambda support, x: bayes.predict({}, bayes.adapt({}, support), x)
floor = np.mean(mse(best(test.support, test.query.x), test.query.y))
assert floor < 1e-6, "ten exact points leave the Bayes-optimal learner no error"
if not QUICK:
    before, one, five, ten = middle["MAML"][[0, 1, 5, 10]]
    assert before > 0.95 * sines.joint_risk(), "no start beats the joint optimum"
    assert one < 0.85 and five < 0.45 and ten < 0.4, "few steps fit a new sine"
    assert ten < 0.3 * middle["joint"].min(), "fine-tuning stays far behind"

# %% [markdown]
# Left: one new task. Right: the mean over new tasks, with two standard errors.

# %%
fig, (left, right) = plots.figure(2)
x = np.linspace(-5, 5, 201)[None, :, None]
one = tree_map(lambda leaf: leaf[3:4], test.support)  # a batch of one task
path = maml.trajectory(start["MAML"], one, net, mse, 0.01, steps=10)
for k, colour in {0: plots.BEFORE, 1: plots.COLOURS[5], 10: plots.AFTER}.items():
    y = net.apply(path[k], x)
    left.plot(x[0], y[0], color=colour, linewidth=2.5, label=f"{k} steps")
plots.floor(left, x[0], best(one, x)[0])
left.plot(one.x[0], one.y[0], "k.", markersize=9, label="support")
left.set_ylim(-6, 11)
plots.labels(left, "x", "y", "one new task")
k, colours = numpy.arange(11), [plots.BEFORE, plots.COLOURS[1], plots.AFTER]
for name, colour in zip(errors, colours):
    plots.band(right, k, middle[name], half[name], f"{name} start", color=colour)
right.axhline(sines.joint_risk(), color=plots.COLOURS[1], linestyle=":")
plots.floor(right, k, numpy.full(11, floor))
right.set_ylim(-0.2, 6)
plots.labels(right, "inner steps on 10 shots", "query error", "600 new tasks")
plots.save(fig, "05_maml")

# %%
by_hand = adapt(start["MAML"], test.support, net, 0.01, 3)
library = maml.adapt(start["MAML"], test.support, net, mse, 0.01, 3)
same = all((p == q).all() for p, q in zip(leaves(by_hand), leaves(library)))
assert same, "this page's MAML is the library's, bit for bit"
use(dtype="float64")

# %% [markdown]
# ## Exercises
# 1. Write the mean over tasks in place of the sum in `total_loss`. By what factor do the
#    inner steps shrink? Which assert above notices first?
# 2. For one quadratic and $k$ steps, which power of $1-\alpha a$ takes the place of the
#    square? Check with `grad`, then with `quadratics.maml_weights(A, alpha, k)`.
# 3. Adapt the joint start with step size 0.01. Why does it diverge, when MAML's does not?
#
# **What changed since lesson 04.** There the prior was given and adapting was algebra.
# Here the "prior" is a start, learned from tasks, and adapting is gradient descent.
