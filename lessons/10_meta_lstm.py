# %% [markdown]
# # 10. Meta-LSTM: the parameter vector is a cell state
# **The promise.** Write a network's parameters where an LSTM has its cell: out comes
# descent whose step size and decay are decided anew for each parameter at each step. With
# its eyes closed it *is* SGD, bit for bit. Train it, start and all, beside MAML on sines.
# **You need** lessons 05 and 09. **Takes** half an hour to read, under a minute to run.
# **Before:** a start was learned, or an update. **After:** both (Ravi & Larochelle 2017):
# $$c_t=f_t\circ c_{t-1}-i_t\circ\nabla L(c_{t-1}),\qquad
# f_t=\sigma(W_f[\nabla L,\,L,\,c_{t-1},\,f_{t-1}]+b_f),\quad i_t\text{ likewise}$$

# %%
import os

import numpy

from minimeta import plots
from minimeta.core.backend import np, use
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.exact import sines
from minimeta.initializations import maml
from minimeta.learned_optimizers import meta_lstm
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.meta import Learner, meta_loss
from minimeta.nets import Net, mlp
from minimeta.nets.lstm import sigmoid
from minimeta.tasks import regression
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.training import meta_train

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
rng = numpy.random.default_rng(0)
same = lambda t, u: all((p == q).all() for p, q in zip(leaves(t), leaves(u)))

# %% [markdown]
# ## By hand: one number
# An LSTM's cell goes $c\leftarrow fc+ig$. With $g=-L'(c)$, the input gate $i$ is a step
# size; the forget gate $f$ pulls to zero at every step: weight decay.
# **Predict, then run.** With $L=\frac12(c-1)^2$, $i=0.1$, $f=0.9$: where does $c$ rest?

# %%
f, i, c = 0.9, 0.1, 5.0
for _ in range(200):
    c = f * c - i * (c - 1.0)
print(f"at rest {c:.6f}")
assert abs(c - i / (1 - f + i)) < 1e-12, "a tenth less of f costs half of the way"

# %% [markdown]
# ## The meta-LSTM in thirty lines
# A gate reads slope and loss through lesson 09's logarithm and sign, the parameter as it
# is, and its own last value (the authors' code: from before the sigmoid). All parameters
# share the two gates: 14 numbers for any network. What a step sees is `constant`, *no
# second derivatives*. In the paper an LSTM layer reads slope and loss for the gates.


# %%
def my_gate(w, loss, g, c, before):
    own = np.matmul(g, w["gradient"]) + w["parameter"] * c + w["before"] * before
    per_task = (-1,) + (np.ndim(c) - 1) * (1,)  # (M, 1, ...)
    return sigmoid(own + np.reshape(np.matmul(loss, w["loss"]), per_task) + w["b"])


def my_step(meta, phi, f, i, support, net):
    losses = lambda phi: mse(net.apply(phi, support.x), support.y)  # (M,)
    slopes = constant(grad(lambda phi: np.sum(losses(phi)))(constant(phi)))
    loss = log_and_sign(losses(constant(phi))[:, None])  # (M, 2)
    read = tree_map(lambda g: log_and_sign(g[..., None]), slopes)  # (M, ..., 2)
    gate = lambda w: lambda *inputs: my_gate(w, loss, *inputs)
    f = tree_map(gate(meta["forget"]), read, phi, f)
    i = tree_map(gate(meta["input"]), read, phi, i)
    cell = lambda c, f, i, g: f * c - i * g  # the one equation of this lesson
    return tree_map(cell, phi, f, i, slopes), f, i


def my_path(meta, support, net, steps):
    phi = copies(meta["start"], len(support.x))
    zeros = tree_map(np.zeros_like, constant(phi))
    path = [(phi, zeros, zeros)]
    for _ in range(steps):
        path.append(my_step(meta, *path[-1], support, net))
    return path


def my_meta_lstm(net, steps):
    init = lambda rng: meta_lstm.init(rng, net)  # f near 0.99, i near 0.01
    adapt = lambda meta, support: my_path(meta, support, net, steps)[-1][0]
    return Learner(init, adapt, lambda meta, phi, x: net.apply(phi, x))


# %% [markdown]
# ## With closed eyes it is SGD
# All weights zero: the gates are $\sigma(b)$. A bias of 40 makes $f$ exactly 1 in
# floating point. **Predict, then run.** Which bias makes $i$ exactly one half?


# %%
def blind(start, b_f, b_i):
    sizes = {"gradient": 2, "loss": 2, "parameter": 1, "before": 1}
    shut = {name: np.zeros(size) for name, size in sizes.items()}
    gate = lambda b: {**shut, "b": np.array([b])}
    return {"start": start, "forget": gate(b_f), "input": gate(b_i)}


small = mlp([1, 5, 1])
start, waves = small.init(rng), regression.sines(rng, tasks=3, shots=10, queries=10)
for b, size in ((0.0, 0.5), (-4.6, sigmoid(-4.6).item())):
    ours = my_path(blind(start, 40.0, b), waves.support, small, 3)[-1][0]
    sgd = maml.adapt(start, waves.support, small, mse, size, 3)
    assert same(ours, sgd), "closed eyes and f = 1: MAML's inner loop, bit for bit"

# %% [markdown]
# ## With $f<1$: decay, and what constant slopes leave out
# On a quadratic a step is $P=fI-iA$; $k$ of them lead to $P^k\theta+\sum_{j<k}P^jiAc$
# and move with the start by $P^k$. With constant slopes the gradient believes in $f^k$.

# %%
A, c = draw_quadratics(rng, tasks=5, dimension=2)
task, theta, f, i, k = from_quadratics(A, c), rng.normal(size=(2, 1)), 0.9, 0.5, 4
line = Net(None, lambda theta, x: x @ theta)
meta = blind(theta, numpy.log(f / (1 - f)), numpy.log(i / (1 - i)))
P = [numpy.linalg.matrix_power(f * numpy.eye(2) - i * A, j) for j in range(k + 1)]
exact = P[k] @ theta + sum(P[:k]) @ (i * A) @ c[..., None]
ends = my_path(meta, task.support, line, k)[-1][0]
near = lambda p, q: numpy.abs(p - q).max() < 1e-13
assert near(ends, exact), "SGD with weight decay, in closed form"
by = lambda learner: grad(lambda m: meta_loss(learner, m, task))(meta)["start"]
kept = by(my_meta_lstm(line, k))
full = by(meta_lstm.learner(line, steps=k, see=meta_lstm.second_order))
pull = A @ (exact - c[..., None])
print("constant slopes", kept[:, 0], "  all followed", full[:, 0])
assert near(kept, np.mean(f**k * pull, axis=0)), "f^k: with f = 1 it is FOMAML"
assert near(full, np.mean(P[k] @ pull, axis=0)), "P^k is the whole"

# %% [markdown]
# ## Sines, beside MAML
# Lesson 05's sines, ten shots, five updates for both, the same tasks and the same Adam.
# The net is tanh (a fresh relu one diverges in five updates); no gradient is clipped.
# **Predict, then run.** Who is ahead after one update, who after five, after ten?

# %%
use(dtype="float32")
net, SHOWN = mlp([1, 40, 40, 1], np.tanh, gain=1.0), [0, 1, 2, 5, 10]
STEPS, TASKS = (20, 100) if QUICK else (1500, 600)
sample = lambda rng: regression.sines(rng, tasks=25, shots=10, queries=10)
fall = adam(lambda t: 0.008 * (1 - t / STEPS))
found, mean, bar = {}, {}, {}
for name, learner in [("ours", my_meta_lstm), ("MAML", maml.learner)]:
    learner, seeded = learner(net, steps=5), numpy.random.default_rng(0)
    found[name], _ = meta_train(learner, sample, seeded, STEPS, optimizer=fall)
test = regression.sines(numpy.random.default_rng(1), TASKS, shots=10, queries=100)
gated = my_path(found["ours"], test.support, net, 10)
paths = {"meta-LSTM": [phi for phi, _, _ in gated]}
paths["MAML"] = maml.trajectory(found["MAML"], test.support, net, mse, 0.01, 10)
print(f"{TASKS} new tasks", *[f"{k:7} updates  " for k in SHOWN])
for name, path in paths.items():
    e = np.stack([mse(net.apply(phi, test.query.x), test.query.y) for phi in path])
    mean[name], bar[name] = e.mean(axis=1), e.std(axis=1) / TASKS**0.5
    row = [f"{mean[name][k]:8.3f} +-{bar[name][k]:.3f} " for k in SHOWN]
    print(f"{name:13}", *row)
i = np.concatenate([leaf.ravel() for leaf in leaves(gated[5][2])])
print("step sizes of update 5, nine in ten within", np.quantile(i, [0.05, 0.95]))
best = lambda x: sines.learner().predict({}, sines.fit(*test.support), x)
floor = np.mean(mse(best(test.query.x), test.query.y))
assert floor < 1e-6, "ten exact points leave the Bayes-optimal learner no error"
if not QUICK:
    assert mean["meta-LSTM"][2] < mean["MAML"][2], "longer first steps"
    assert max(mean[name][5] for name in mean) < 0.35, "five updates fit a new sine"
    assert mean["meta-LSTM"][10] > mean["MAML"][10], "it was made for five updates"

# %%
fig, (left, right) = plots.figure(2)
x = np.broadcast_to(np.linspace(-5, 5, 201)[:, None], (TASKS, 201, 1))
for k, colour in {0: plots.BEFORE, 5: plots.AFTER}.items():
    y = net.apply(gated[k][0], x)
    left.plot(x[3], y[3], color=colour, lw=2.5, label=f"{k} updates")
plots.floor(left, x[3], best(x)[3])
left.plot(test.support.x[3], test.support.y[3], "k.", markersize=9, label="support")
left.set_ylim(-6, 11)
plots.labels(left, "x", "y", "meta-LSTM on one new task")
for name, colour in {"MAML": plots.COLOURS[1], "meta-LSTM": plots.AFTER}.items():
    plots.band(right, range(11), mean[name], 2 * bar[name], name, color=colour)
plots.floor(right, range(11), numpy.full(11, floor))
right.set_yscale("symlog", linthresh=0.1)
plots.labels(right, "updates (trained for 5)", "query error", "new tasks, 10 shots")
plots.save(fig, "10_meta_lstm")

# %%
library = meta_lstm.adapt(found["ours"], test.support, net, steps=10)
assert same(gated[10][0], library), "this page's is the library's, bit for bit"
use(dtype="float64")

# %% [markdown]
# ## Exercises
# 1. Close the trained eyes: all weights 0, both $b$ kept. *Check:* the error rises.
# 2. Make 200 blind updates of the quadratics. *Check:* they end in ridge regression,
#    $(A+\frac{1-f}iI)^{-1}Ac$, from any start. Which prior is this the Bayes answer to?
# 3. Train with seed 1. *Check:* MAML is ahead now; what has become of the start itself?
# **What changed since lesson 09.** There a network read slopes and wrote steps, from any
# start. Here it sets two gates, which keeps it close to SGD, and learns the start too.
