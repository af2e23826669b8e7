# %% [markdown]
# # 06. First order: what each method keeps of the meta-gradient
#
# **The promise.** MAML's relatives differ from it by a line. Write that line for each,
# see in the plane where it makes the method rest, then put all on the same sines.
# **You need** lessons 00 to 05. **Takes** half an hour to read, under a minute to run.
# **Before:** one exact meta-gradient. **After:** you know what a cheaper one leaves out.
# With the tasks $\frac12(t-c_i)^\top A_i(t-c_i)$ the methods differ in one matrix alone:
# $$\textstyle\text{the outer loop follows }\sum_iW_i(\theta-c_i)\text{ and rests at }
# \big(\sum_iW_i\big)^{-1}\sum_iW_ic_i$$

# %%
import os

import numpy

from minimeta import plots
from minimeta.core.backend import np, use
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.optim import sgd
from minimeta.core.trees import copies, tree_map
from minimeta.exact import quadratics as exact
from minimeta.initializations import anil, fomaml, imaml, maml, meta_sgd, reptile
from minimeta.meta import Learner, meta_loss, task_losses
from minimeta.nets import Net, mlp
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.tasks.regression import sines
from minimeta.training import meta_train, train

QUICK = os.environ.get("MINIMETA_QUICK") == "1"

# %% [markdown]
# ## By hand
# | | differs by | follows | $W$ |
# |---|---|---|---|
# | joint | no step | the loss at the start | $A$ |
# | MAML | | the loss after $k$ steps, and their slope $P=(I-\alpha A)^k$ | $PAP$ |
# | FOMAML | the word `constant` | that loss; the slope of the steps is lost | $AP$ |
# | Reptile | no query | how far $k$ steps go | $I-P$ |
# | ANIL | steps in a part $E$ alone | as MAML, $J=(I-\alpha EA)^k$ | $J'AJ$ |
# | Meta-SGD | a learned $\alpha$ per parameter | as MAML, $J=(I-\alpha\!\circ\!A)^k$ | $J'AJ$ |
# | iMAML | a pull to the start | where it *ends*, $B=(I+A/\lambda)^{-1}$ | $BAB$ |
#
# **Predict, then run.** On a line, a task of curvature 1 has its minimum at 0, one of
# curvature $\frac12$ at 1. With $\alpha=\frac12$ and $k=1$, at which fraction does each
# rest? Which one is joint training in disguise?

# %%
A, P = numpy.array([1.0, 0.5]), numpy.array([1 / 2, 3 / 4])
W = {"joint": A, "MAML": P * A * P, "FOMAML": A * P, "Reptile": 1 - P}
by_hand = {name: (w[1] / w.sum()).item() for name, w in W.items()}
print(by_hand)
assert (by_hand["MAML"], by_hand["FOMAML"]) == (9 / 17, 3 / 7), "P twice, P once"
assert by_hand["joint"] == by_hand["Reptile"] == 1 / 3, "one Reptile step is joint"

# %% [markdown]
# ## Each method is a line
# The inner loop is lesson 05's; the methods differ in its slope. The end of iMAML's moves
# with the start by $(I+\nabla^2L/\lambda)^{-1}$; the library's conjugate gradients apply it.


# %%
def my_learner(net, slope, a, k):
    def adapt(theta, data):
        start = phi = copies(theta, len(data.x))
        for _ in range(k):
            phi = tree_map(lambda p, g: p - a * g, phi, slope(phi, start, data))
        return phi

    return Learner(net.init, adapt, lambda theta, phi, x: net.apply(phi, x))


def slopes(net, lam=2.0):
    """The inner slope of every method: (phi, start, data) -> a tree like phi."""
    full = lambda phi, start, data: grad(maml.total_loss)(phi, data, net, mse)
    last = lambda g: [*tree_map(np.zeros_like, g[:-1]), g[-1]]
    pull = lambda g, p, t: g + lam * (p - t)
    scale = lambda a, g: {**g, "theta": tree_map(np.multiply, a, g["theta"])}
    return {
        "MAML": full,
        "FOMAML": lambda phi, *at: full(constant(phi), *at),
        "ANIL": lambda *at: last(full(*at)),
        "iMAML": lambda phi, t, data: tree_map(pull, full(phi, t, data), phi, t),
        "Meta-SGD": lambda phi, *at: scale(phi["alpha"], full(phi, *at)),
    }


along = lambda learner: grad(lambda theta, task: meta_loss(learner, theta, task))
away = lambda theta, phi: tree_map(lambda t, p: t - np.mean(p, axis=0), theta, phi)
ends = lambda learner: lambda t, task: away(t, learner.adapt(t, task.support))

# %% [markdown]
# ## At rest in the plane
# Trained by its own rule, each must arrive where its $W$ says. **Predict, then run.**
# With how many steps does FOMAML rest where MAML does? Where does Reptile, with many?

# %%
A, c = draw_quadratics(numpy.random.default_rng(370), 3, 2, curvature=(0.05, 1.0))
task, path = from_quadratics(A, c), {}
plane = Net(None, lambda theta, x: x @ np.concatenate(theta, axis=-2))
by = lambda name, k=2: my_learner(plane, slopes(plane)[name], 1.0, k)
implicit = imaml.meta_gradient(plane, mse, 0.3, step_size=1.2, steps=50, cg_steps=2)
methods = {
    "joint": (along(by("MAML", 0)), A),
    "MAML": (along(by("MAML")), exact.maml_weights(A, 1.0, 2)),
    "FOMAML": (along(by("FOMAML")), exact.fomaml_weights(A, 1.0, 2)),
    "Reptile": (ends(by("MAML")), exact.reptile_weights(A, 1.0, 2)),
    "ANIL": (along(by("ANIL")), exact.anil_weights(A, 1.0, 2, np.eye(2)[1])),
    "iMAML": (lambda *at: implicit(*at)[1], exact.imaml_weights(A, 0.3)),
}
for name, (rule, W) in methods.items():
    rate = 1 / numpy.linalg.eigvals(W.mean(axis=0)).max()
    walk = [[np.ones((1, 1)), np.ones((1, 1))]]
    for _ in range(150):
        walk.append([t - rate * g for t, g in zip(walk[-1], rule(walk[-1], task))])
    path[name], rest = numpy.reshape(walk, (-1, 2)), exact.fixed_point(W, c)
    print(f"{name:8} trained {path[name][-1]}  in closed form {rest}")
    assert abs(path[name][-1] - rest).max() < 1e-7, "it rests where its W says"
twice = exact.fixed_point(exact.fomaml_weights(A, 1.0, 4), c)
assert np.allclose(twice, path["MAML"][-1]), "FOMAML with 4 steps is MAML with 2"
many = exact.fixed_point(exact.reptile_weights(A, 1.0, 2000), c)
assert np.allclose(many, c.mean(axis=0)), "Reptile's is the mean of the minima"

# %% [markdown]
# ## The same budget on sines
# One network and inner step (tanh, 64-64, 0.02, of Reptile's paper), the same tasks, as
# many meta-steps. Reptile takes five inner steps on pairs of the ten shots, the others
# one on all; iMAML, whose inner problem has to be solved each time, is left out.
# **Predict, then run.** ANIL adapts the last layer alone: how many times MAML's error?

# %%
use(dtype="float32")
STEPS, TASKS, SHOWN = 30 if QUICK else 3000, 100 if QUICK else 600, [0, 1, 2, 5, 10]
net, start, e = mlp([1, 64, 64, 1], np.tanh, gain=1.0), {}, {}
sample = lambda rng: sines(rng, tasks=20, shots=10, queries=10)
test = sines(numpy.random.default_rng(1), TASKS, shots=10, queries=100)
kinds = {"joint": maml, "MAML": maml, "FOMAML": fomaml, "Reptile": maml}
kinds |= {"ANIL": anil, "Meta-SGD": meta_sgd}
size = dict.fromkeys(kinds, 0.02) | {"joint": 0.01}  # the longer is too long for it
make = lambda name, k: kinds[name].learner(net, step_size=size[name], steps=k)
towards = reptile.meta_gradient(net, steps=5, batch=2)
outer = sgd(lambda t: 1 - t / STEPS)
print(f"10 shots, {TASKS} new tasks", *[f"{k:8} steps" for k in SHOWN])
for name in kinds:
    rng, learner = numpy.random.default_rng(0), make(name, int(name != "joint"))
    if name == "Reptile":
        start[name], _ = train(
            net.init, towards, sample, rng, STEPS, optimizer=outer
        )
    else:
        start[name], _ = meta_train(learner, sample, rng, STEPS)
    with numpy.errstate(all="ignore"):  # beyond the trained number of steps
        each = [task_losses(make(name, k), start[name], test) for k in SHOWN]
        mean, bar = np.mean(each, axis=1), np.std(each, axis=1) / TASKS**0.5
    e[name] = dict(zip(SHOWN, mean))
    print(f"{name:22}", *[f"{m:8.2f} +-{b:.2f}" for m, b in zip(mean, bar)])
reuse = np.mean(task_losses(make("ANIL", 10), start["MAML"], test))
print(f"ten steps of the last layer alone, from MAML's start: {reuse:.2f}")
if not QUICK:
    for name in ("MAML", "FOMAML", "Reptile", "ANIL"):
        assert e[name][10] < 0.4 * e["joint"][10], "fine-tuning stays far behind"
    assert e["Meta-SGD"][1] < e["MAML"][1] < e["FOMAML"][1], "one step: keep all"
    assert abs(e["MAML"][10] - e["FOMAML"][10]) < 0.2, "ten: first order is as good"
    assert e["Meta-SGD"][10] > e["Meta-SGD"][1], "step sizes learned for one step"
    assert max(e["ANIL"][10], reuse) < e["MAML"][10], "the last layer does it alone"

# %%
fig, (left, right) = plots.figure(2, height=3.8)
turn = numpy.linspace(0, 2 * numpy.pi, 100)
ring = numpy.linalg.cholesky(numpy.linalg.inv(A)) @ [np.cos(turn), np.sin(turn)]
left.plot(*(c.T[:, None] + 0.25 * ring.transpose(1, 2, 0)), c=plots.BEFORE, lw=1)
colours = dict(zip([*kinds, "iMAML"], [plots.BEFORE, *plots.COLOURS]))
for name, walk in path.items():
    left.plot(*walk.T, "o-", c=colours[name], lw=1, markevery=[-1], label=name)
left.plot(*c.mean(axis=0), "kx", label="mean minimum")
plots.labels(left, "first parameter", "second parameter", "where each method rests")
for name in e:
    right.plot(*zip(*e[name].items()), "o-", c=colours[name], ms=4, label=name)
plots.floor(right, SHOWN, numpy.zeros(5))
right.set_yscale("symlog", linthresh=0.1)
right.set_ylim(-0.01, 8)
plots.labels(right, "inner steps", "error (MSE)", "new sines", legend=False)
right.legend(ncols=2, loc=(0.1, 0.1), frameon=False, fontsize=9)
plots.save(fig, "06_first_order")

# %%
kinds["iMAML"], start["iMAML"], size["iMAML"] = imaml, start["MAML"], 0.02
scaled = Net(None, lambda meta, x: net.apply(meta["theta"], x))
for name in slopes(net):
    home, a = (scaled, 1.0) if name == "Meta-SGD" else (net, size[name])
    mine = my_learner(home, slopes(home)[name], a, 3), start[name], test, mse
    library = make(name, 3), start[name], test, mse
    assert (task_losses(*mine) == task_losses(*library)).all(), "equal, bit for bit"
use(dtype="float64")

# %% [markdown]
# ## Exercises
# 1. Take iMAML's $\lambda$ to infinity and to 0. *Check:* it rests at the joint rest, and
#    at the mean weighted by $A^{-1}$. Which tasks have most say there?
# 2. Let Reptile's inner steps see all ten shots each (`batch=None`). What gets lost?
# 3. Train MAML by `maml.multi_step_loss` (MAML++). *Check:* five steps now beat two.
#
# **What changed since lesson 05.** A meta-gradient is a choice of what to keep. What is
# left out moves the rest; whether that costs anything, the tasks decide. Sines are
# linear in two features: a body that has learned those need not adapt.
