# %% [markdown]
# # 09. Learned optimizers: a network writes the steps
# **The promise.** First steps that can be derived: the best step sizes are a polynomial's
# roots. Then steps that nobody derives (Andrychowicz et al. 2016): an LSTM reads slopes,
# writes steps, is trained through them, and gets below the bound of *all* linear methods.
# **You need** lessons 00, 02, 06. **Takes** half an hour to read, a minute to run.
# **Before:** the start was learned, the update given. **After:** the update is learned:
# $$\textstyle\theta_{t+1}=\theta_t+u_t,\quad(u_t,h_{t+1})=\text{LSTM}(\nabla f(\theta_t),
# h_t;\text{meta}),\quad\min_{\text{meta}}\ \mathbb E_f\,\frac1T\sum_{t=1}^Tf(\theta_t)$$

# %%
import os

import numpy

from minimeta import plots, training
from minimeta.core.backend import np, use
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.optim import Optimizer, adam
from minimeta.core.trees import flatten, like, size, tree_map
from minimeta.exact import schedules as exact
from minimeta.learned_optimizers import lstm_optimizer, schedule
from minimeta.learned_optimizers.baselines import report, trial, tune
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.learned_optimizers.training import clip_gradient, identity
from minimeta.nets import lstm, mlp
from minimeta.tasks import optimizees as problems
from minimeta.tasks.datasets import digits, split

env, rng = os.environ.get, numpy.random.default_rng
QUICK, SEED = env("MINIMETA_QUICK") == "1", int(env("SEED", 0))

# %% [markdown]
# ## Step sizes are roots
# In a mode of curvature $\lambda$ a step of size $a$ leaves $1-a\lambda$ of the error, and
# $k$ steps $p(\lambda)=\prod_t(1-a_t\lambda)$. The loss is then $\sum_iw_ip(\lambda_i)^2$.
# **Predict, then run.** Curvatures 1 and 4, equal weights: the best single step? And two?
# With more modes than steps some loss remains. So learn: descend *through* the steps. With
# the last loss alone that must find the roots of the least-squares $p$, where $p(0)=1$.
# Two things can be left out: what came before a stretch (truncation), and how slopes move
# with $\theta$ (`through=constant`: *no second derivatives*, the paper's choice). And
# gradients through many steps explode now and then: one longer than 0.3 is shortened.
# **Predict, then run.** One mode, $f=\frac12\theta^2$, from 1, two steps of $a=\frac12$:
# what is the slope of the last loss in $a$, and what with the slopes of $f$ constant?


# %%
def my_loss(family, make, weights, stretch=None, through=identity):
    """The weighted losses on the way of make(meta), as a function of meta."""

    def loss(meta, task):
        f = lambda theta, t: family.loss(theta, task.support, t)  # (M,)
        slope = grad(lambda theta, t: np.sum(f(theta, t)))
        optimizer, theta, total = make(meta), family.start(task), 0.0
        state = optimizer.init(theta)
        for t, weight in enumerate(weights):
            if stretch and t % stretch == 0:
                theta, state = constant((theta, state))
            theta, state = optimizer.update(slope(through(theta), t), state, theta)
            total = total + weight * np.mean(f(theta, t + 1))
        return total

    return loss


def train(loss, sample, init, count):
    cut = clip_gradient(adam(lambda t: 0.02 * 0.03 ** (t / count)), 0.3)
    follow = value_and_grad(loss)
    return training.train(init, follow, sample, rng(SEED), count, optimizer=cut)


family = problems.gaussian_quadratics(8, 10)  # |W theta - y|^2, all entries N(0, 1)
steps = lambda *sizes: {"step_sizes": np.array(sizes)}
scheduled = lambda w, through: my_loss(family, schedule.optimizer, w, None, through)
lam, w = np.array([1.0, 4.0]), np.ones(2)
assert abs(exact.best_step(lam, w) - 5 / 17) < 1e-12, "a parabola's minimum"
assert np.allclose(exact.best_schedule(lam, w, 2), [1, 1 / 4]), "a root for each"
lam, w = np.array([0.3, 0.5, 1.0, 1.4, 1.7, 2.0]), np.array([3.0, 1, 2, 1, 2, 1])
roots, modes = exact.best_schedule(lam, w, 3), problems.diagonal(lam, w)
start, last = lambda rng: steps(1.5, 0.8, 0.5), scheduled([0, 0, 1], identity)
learned = train(last, lambda rng: modes, start, 1000)[0]["step_sizes"]
print("learned", learned, "  1 / roots", roots)
assert abs(learned - roots).max() < 1e-6, "descent found the roots"
mode = problems.diagonal(np.array([1.0]), np.array([0.5]))
for through, by_hand in ((identity, -1 / 4), (constant, -3 / 8)):
    slopes = grad(scheduled([0, 1], through))(steps(0.5, 0.5), mode)["step_sizes"]
    assert abs(slopes.sum() - by_hand) < 1e-12, "what a step does to later slopes"

# %% [markdown]
# ## An LSTM as an optimizer
# Each number of each parameter is a sequence of slopes of its own, and all share one LSTM:
# it fits parameters of any shape, and no coordinate sees another. Its rivals are tuned
# *on the test problems*, masses and decays as well: a favour. No momentum, schedule or
# linear memory is below **best linear**, the Krylov bound for the best coefficients fixed
# for all problems. With those chosen for each, conjugate gradients are done in 10 steps.
# **Predict, then run.** Is the LSTM below best linear? What does first order cost it?


# %%
def my_optimizer(meta, read=lambda g: g, scale=0.1):
    def init(theta):
        zeros = lambda layer: np.zeros((size(theta), len(layer["W_h"])))
        return [2 * (zeros(layer),) for layer in meta["layers"]]  # (P, hidden)

    def update(g, state, theta):
        x, new = read(flatten(g)[:, None]), []  # (P, inputs)
        for layer, before in zip(meta["layers"], state):
            new.append(lstm.cell(layer, before, x))
            x = new[-1][0]
        step = like(theta, scale * np.matmul(x, meta["W"])[:, 0])
        return tree_map(np.add, theta, step), new

    return Optimizer(init, update)


use(dtype="float32")
T, UPDATES, TESTS = (10, 2, 5) if QUICK else (100, 720, 500)
test = problems.gaussian_quadratics(TESTS, 10).sample(rng(1000))
around = {"SGD": 0.015, "momentum": 0.02, "RMSprop": 0.03, "Adam": 0.2}
hand, ours, history, race = tune(family, test, around, T), {}, {}, {}
init = lambda inputs: lambda rng: lstm_optimizer.init(rng, 1, 20, inputs)
for name, through in {"LSTM, first order": constant, "LSTM": identity}.items():
    loss = my_loss(family, my_optimizer, T * [1 / T], 20, through)
    meta, history[name] = train(loss, family.sample, init(1), UPDATES)
    ours[name] = trial(family, my_optimizer(meta), test, T)
report({**hand, **ours}, T)
path = {name: t.losses.mean(axis=1) for name, t in {**hand, **ours}.items()}
x, y = (np.array(part, dtype="float64") for part in test.support)
spectra, w = exact.modes(x, x @ np.swapaxes(test.query.x, 1, 2) - y)
alone = exact.krylov_bound(spectra, w, T)[1:].mean(axis=1)
bound = exact.krylov_bound(np.ravel(spectra), np.ravel(w) / TESTS, T)[1:]
print(f"best linear        mean {bound.mean():.3f}          end {bound[-1]:.3f}")
below = lambda name, exact: (path[name][:T] < exact * (1 - 1e-5)).any()
assert not below("SGD", bound) and not below("momentum", bound), "they are linear"
assert not below("LSTM", alone), "not even the LSTM is below this, on average"
if not QUICK:
    mean, end = map(min, zip(*(tried[:2] for tried in hand.values())))
    assert all(tried.inside for tried in hand.values()), "no step size at an edge"
    first, full = ours.values()
    assert full.mean < 0.65 * mean, "ahead of the best, all the way"
    assert full.end < min(0.8 * end, bound[-1]), "below all that is linear"
    assert path["LSTM"][-1] < full.end, "it goes on beyond what it was trained for"
    assert full.mean < first.mean, "second derivatives are worth having"

# %% [markdown]
# ## A network on digits, and where it ends
# Slopes of networks are small and unequal: the LSTM reads logarithm and sign (with the
# authors' $p=5$). It learns on one half of the digits and trains fresh networks on the
# other. **Predict, then run.** How does it do with more units? With ReLU?

# %%
images, labels = digits()
(x, y), (x_new, y_new) = split(rng(0), images.reshape(-1, 64), labels, 898)
net = lambda units: mlp([64, units, 10], lstm.sigmoid, gain=1.0)
family, read = problems.classifier(x, y, net(10)), lambda g: log_and_sign(g, 5.0)
loss = my_loss(family, lambda meta: my_optimizer(meta, read), T * [1 / T], 20)
meta, _ = train(loss, family.sample, init(2), UPDATES // 8)
nets = {"10 units": net(10), "40 units": net(40), "10 ReLU": mlp([64, 10, 10])}
for name, net in nets.items():
    others = problems.classifier(x_new, y_new, net, problems=1 if QUICK else 5)
    test, grid = others.sample(rng(1000)), 1.5 ** numpy.arange(-2.0, 3.0)
    race[name] = tune(others, test, {"Adam": 0.07}, T, last=20, ratios=grid)
    race[name]["LSTM"] = trial(others, my_optimizer(meta, read), test, T, last=20)
    best, own = race[name].values()
    print(name)
    report(race[name], T)
    ahead = own.mean < best.mean and own.end < best.end and best.inside
    assert QUICK or ahead == (name != "10 ReLU"), "ahead, but not with ReLU"
library = trial(others, lstm_optimizer.optimizer(meta, read), test, T, last=20)
assert (library.losses == own.losses).all(), "the library's is the same"

# %%
(fig, axes), t = plots.figure(2, rows=2), range(1, 2 * T + 1)
for name, colour in zip(ours, (plots.COLOURS[1], plots.AFTER)):
    smooth = history[name].reshape(-1, UPDATES // 40 or 1).mean(axis=1)
    axes[0].plot(numpy.linspace(0, UPDATES, len(smooth)), smooth, color=colour)
    axes[1].loglog(t, path[name], color=colour, label=name)
axes[1].plot(t, path["momentum"], color=plots.BEFORE, label="momentum")
plots.floor(axes[1], t[:T], bound, "best linear, exact")
plots.labels(axes[0], "meta-update", "mean loss of 100 steps", "meta-training")
plots.labels(axes[1], "step (trained for 100)", "loss", "500 new quadratics")
for ax, name in zip(axes[2:], ("10 units", "10 ReLU")):
    for kind, colour in {"Adam": plots.BEFORE, "LSTM": plots.AFTER}.items():
        each = race[name][kind].losses  # (200, M)
        plots.band(ax, t, each.mean(axis=1), each.std(axis=1), kind, color=colour)
    plots.labels(ax, "step", "training loss", f"digits: {name}")
plots.save(fig, "09_learned_optimizers")

# %% [markdown]
# ## Exercises
# 1. Give `lstm_optimizer.optimizer` the cell `linear_cell`. *Check:* no layers are SGD,
#    one unit that keeps 0.9 of its past is momentum, bit for bit. (`SEED=1` reruns all.)
# 2. Try the LSTM of the quadratics on `uniform_quadratics`, and in 20 dimensions, momentum
#    tuned there. *Check:* ahead on the first, behind on the second. What is new to it?
# 3. Meta-train with `through=constant` on digits. *Check:* the last 20 losses rise.
# **What changed since lesson 06.** There the outer loop chose where the inner loop starts.
# Here it chooses how it moves, from any start. Lesson 10 lets it choose both.
