# %% [markdown]
# # 21. Forgetting: yesterday's posterior is today's prior
#
# **The promise.** A network learns five tasks one after another, none of which comes
# back, and still knows the first. Elastic weight consolidation (EWC) is Bayes' rule
# with two approximations: see what each costs, exactly, and why programs disagree.
#
# **You need** lessons 00 to 04. **Takes** half an hour to read, half a minute to run.
# **Before**: tasks came together. **After**: of a task only its optimum $\theta_A$ is
# left, and how steeply it held each parameter there, its $F_i$:
# $$\theta_B=\arg\min_\theta\;L_B(\theta)+\tfrac\lambda2\sum_iF_i\,(\theta_i-\theta_{A,i})^2$$

# %%
import os

import numpy

from minimeta import plots
from minimeta.continual import ewc, fisher, strategies
from minimeta.core.backend import np, use
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy, log_softmax
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.exact import linear_gaussian, sequential_bayes
from minimeta.nets import mlp
from minimeta.tasks import Data, sequences

QUICK = os.environ.get("MINIMETA_QUICK") == "1"
gap = lambda x, y: numpy.max(numpy.abs(numpy.subtract(x, y)))
rng = numpy.random.default_rng(0)

# %% [markdown]
# ## Two Gaussians by hand
# Task A measured a number: 2, with precision 3. Its loss is $\frac32(\theta-2)^2$.
# Task B measured 6, with precision 1. Precisions add and weigh the means:
# $(3\cdot2+1\cdot6)/4=3$. Learning B takes no data of A, just the pair $(3,2)$.
#
# Task C measures 7, with precision 4. **Predict, then run.** What shall pull at it: one
# penalty of precision 4 at 3, or two, 3 at 2 and 1 at 3, the optimum after B?

# %%
optimum = lambda *pairs: sum(F * c for F, c in pairs) / sum(F for F, c in pairs)
A, B, C = (3, 2), (1, 6), (4, 7)
after_B = optimum(A, B)
one, two = optimum((4, after_B), C), optimum(A, (1, after_B), C)
print(f"after B {after_B}; after C: one penalty {one}, two penalties {two}")
assert one == optimum(A, B, C) == 5, "one penalty is Bayes' rule"
assert two == 4.625, "B's optimum leans to A, so two penalties count A twice"

# %% [markdown]
# ## How steep? The Fisher information
# A network's loss is no parabola. What must not change are its *answers*, and those of
# $\theta+v$ diverge from those of $\theta$ by $\frac12v^\top Fv$, to second order, with
# $$F=\mathbb E_x\,\mathbb E_{y\sim p(y|x,\theta)}\,gg^\top,
#   \quad g=\nabla_\theta\log p(y\mid x,\theta).$$
# Here $y$ is drawn from the *model*: labels play no part. Each example needs a gradient
# of its own, so it gets its own copy of the parameters (lesson 03).


# %%
def diagonal(net, theta, x):
    """F_ii, a tree: the squared gradients for all x and labels, weighted by p."""
    log_p = lambda t: log_softmax(net.apply(t, x[:, None]))[:, 0]  # (N, C)
    p, F = np.exp(log_p(theta)) / len(x), tree_map(np.zeros_like, theta)
    for k in range(p.shape[1]):
        g = grad(lambda t, k=k: np.sum(log_p(t)[:, k]))(copies(theta, len(x)))
        F = tree_map(lambda f, g, w=p[:, k]: f + np.tensordot(w, g**2, 1), F, g)
    return F


net, x = mlp([3, 4, 3], np.tanh), rng.normal(size=(50, 3))
theta = first, last = net.init(rng)
F, moves = diagonal(net, theta, x), numpy.outer([0, 1e-3, -1e-3], numpy.eye(3)[0])
moved = [[first, {**last, "b": last["b"] + v}] for v in moves]
p, *q = (log_softmax(net.apply(t, x)) for t in moved)
measured = sum(np.mean(np.sum(np.exp(p) * (p - r), axis=1)) for r in q) / 1e-6  # KL
print(f"F of one bias {F[1]['b'][0]:.6f}, measured on the answers {measured:.6f}")
assert abs(measured / F[1]["b"][0] - 1) < 1e-5, "F tells how fast answers diverge"
fast = leaves(fisher.exact(theta, Data(x, None), net))
assert max(map(gap, leaves(F), fast)) < 1e-12, "the library's, without labels too"

# %% [markdown]
# ## Linear tasks: what each approximation costs
# For linear maps seen through noise, losses are parabolas with $F=X^\top X/\sigma^2$:
# EWC with the full matrix *is* Bayes' rule. **Predict, then run.** What takes us further
# from the posterior of all data: a penalty for each of four tasks, or diagonals?

# %%
noise, tasks = 0.3, sequences.linear(rng, 4, 8, 1, dimension=5, noise_variance=0.3)
F, b = sequential_bayes.statistics(*tasks.support, noise)  # X'X / s^2 and X'y / s^2
prior = m, P = numpy.zeros((5, 1)), numpy.eye(5)
for F_task, b_task in zip(F, b):
    m, P = numpy.linalg.solve(P + F_task, P @ m + b_task), P + F_task
pooled = (a.reshape(32, -1) for a in tasks.support)
exact, _ = linear_gaussian.posterior(*pooled, 0.0, numpy.eye(5), noise)
lists = sequential_bayes.separate_optima(F, b, *prior)
diagonals, _ = sequential_bayes.diagonal_optima(F, b, *prior)
off = [gap(theta, exact) for theta in (m, lists[-1], diagonals[-1])]
print("one penalty off by {:.0e}, a list {:.4f}, diagonals {:.4f}".format(*off))
assert off[0] < 1e-12, "one full penalty ends at the joint posterior"
foretold = exact + sequential_bayes.separate_error(F, prior[1], lists)
assert gap(lists[-1], foretold) < 1e-12, "the double counting, to the digit"

# %% [markdown]
# ## Five tasks, one network
# Digits with shuffled pixels, in another order for each task. A gradient step on a
# steep penalty overshoots; so each step ends where the penalty and the distance moved
# balance, at any $\lambda$: $\theta\gets(\theta+rF\theta_A)/(1+rF)$, $r=\eta\lambda/N$.


# %%
def step(theta, batch, F, anchor, r, step_size=0.05):
    """A gradient step on the new task, pulled back to the old ones."""
    g = grad(lambda theta: cross_entropy(net.apply(theta, batch.x), batch.y))(theta)
    pulled = lambda t, g, f, a: (t - step_size * g + r * f * a) / (1 + r * f)
    return tree_map(pulled, theta, g, F, anchor)


use(dtype="float32")
shots, steps, seeds = (320, 20, 1) if QUICK else (1437, 600, 2)
net, fresh = mlp([64, 200, 10]), numpy.random.default_rng
worlds = [sequences.permuted_images(fresh(i), 5, shots, 360) for i in range(seeds)]
data, start = Data(*(a[0] for a in worlds[0].support)), net.init(rng)
F, anchor = fisher.exact(start, data, net), net.init(rng)
library = ewc.proximal_step(ewc.Penalty(anchor, F), rate=50.0)
plain, pulled = (step(start, data, F, anchor, r) for r in (0.0, 50.0))
assert max(map(gap, leaves(library(plain)), leaves(pulled))) < 1e-6, "the library's"

# %% [markdown]
# **Predict, then run.** Without a penalty, what is left of the first task? Is an L2
# anchor, $F_i=1$, as good as $F$? And an $F$ taken with the data's labels
# ("empirical"), from mean gradients of batches of 32, or before training?

# %%
batches = numpy.arange(shots // 32 * 32).reshape(-1, 32)
weigh = lambda estimate: strategies.one_penalty(net, estimate=estimate)
ways = {  # what to keep of a task, with the strengths to try
    "plain": (strategies.nothing, [0]),
    "L2": (weigh(fisher.equal), [0.01, 0.03, 0.1]),
    "EWC": (weigh(fisher.exact), [10, 30, 100, 1000]),
    "empirical": (weigh(fisher.empirical), [30, 300]),
    "batches": (weigh(lambda *a: fisher.minibatch(batches, *a)), [30, 3000]),
    "untrained": (weigh(lambda theta, *a: fisher.exact(start, *a)), [30, 300]),
    "joint": (strategies.rehearsal(shots), [0]),
}


def learn(world, name, strength):
    """The parameters after each of the five tasks."""
    args = fresh(1), start, world.support, net, ways[name][0]
    return strategies.learn_sequence(*args, strength=strength, steps=steps)


tables, ends = {}, {}  # accuracies: on each task (columns) after each; at the end
for way in [(name, strength) for name in ways for strength in ways[name][1]]:
    runs = [strategies.accuracies(learn(w, *way), w.query, net) for w in worlds]
    tables[way] = numpy.mean(runs, axis=0)
    ends[way] = numpy.mean(runs, axis=2)[:, -1]  # (worlds,)
    print(f"{way}: {ends[way].mean():.3f}, on the first {tables[way][-1, 0]:.3f}")
theta = learn(worlds[0], "EWC", 30)[-1]
F, G = (fisher.exact(theta, Data(x, None), net) for x in worlds[0].support.x[:2])
first, last = (fisher.overlap(f, g) for f, g in zip(F, G))
print(f"the F of two tasks overlap: first layer {first:.2f}, last {last:.2f}")
if not QUICK:
    E, mean = ends["EWC", 30], {way: end.mean() for way, end in ends.items()}
    assert E.mean() > mean["plain", 0] + 0.17, "much less is forgotten"
    assert (E > [ends["L2", s] for s in ways["L2"][1]]).all(), "weights differ"
    assert (E < ends["joint", 0]).all(), "nothing beats having all tasks at hand"
    assert mean["batches", 30] < mean["plain", 0] + 0.1, "F / 32 protects little"
    assert mean["batches", 3000] > E.mean() - 0.05, "... until it is scaled up"
    assert mean["untrained", 30] < E.mean() - 0.02, "F belongs to an optimum"
    assert first < last, "shuffled pixels share the last layer more"

# %%
(fig, panels), count = plots.figure(2, 2, height=2.9), numpy.arange(1, 6)
for way in (("plain", 0), ("L2", 0.03), ("EWC", 30)):
    panels[0].plot(count, tables[way][:, 0], "o-", label=way[0])
plots.floor(panels[0], count, tables["joint", 0][:, 0], "all tasks at hand")
plots.labels(panels[0], "tasks learned", "accuracy", "the first task")
for ax, way in zip(panels[1:], (("plain", 0), ("EWC", 30))):
    ax.pcolormesh(count, count, tables[way], clim=(0, 1.5), cmap="Blues", zorder=2)
    for (t, k), score in numpy.ndenumerate(tables[way]):
        ax.text(k + 1, t + 1, f"{score:.2f}", ha="center", va="center")
    plots.labels(ax, "accuracy on task", "after task", way[0]).invert_yaxis()
for name in ("EWC", "empirical", "batches", "untrained", "L2"):
    heights = [ends[name, strength].mean() for strength in ways[name][1]]
    panels[3].semilogx(ways[name][1], heights, "o-", label=name)
plots.floor(panels[3], [3, 3000], 2 * [ends["joint", 0].mean()], "joint")
plots.labels(panels[3], "strength", "accuracy", "five tasks, after the last")
plots.save(fig, "21_forgetting")
use(dtype="float64")

# %% [markdown]
# ## Exercises
# 1. Bayes' rule says $\lambda=1$. Try it. What did the diagonal leave out?
# 2. Keep twenty images a task: `strategies.rehearsal(20)`. *Check:* worse than EWC?
# 3. Use `strategies.penalties`. *Check:* at which strength does counting twice show?
#
# **What changed since lesson 20.** What one task hands to the next is no start and no
# rule: a penalty. It is a posterior, and its errors can be computed.
