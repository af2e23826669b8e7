# %% [markdown]
# # 18. Learned optimizers: a network writes the steps
#
# **The promise.** An LSTM reads the gradients of a problem and writes the steps. It is
# trained *through* the steps it takes, on random problems, and then compared on new
# problems with SGD, momentum, RMSprop and Adam, each tuned for these problems. On
# quadratics it gets below the bound of all linear methods. On networks you will see where
# it wins and where it fails.
#
# **You need** the lessons *recurrent* (the LSTM cell), *schedules* (step sizes learned by
# descent through the steps, the Krylov bound) and *networks* (Adam, the digits).
#
# **Takes** about 75 minutes to read with the exercises, and a minute to run.
#
# **Before:** an optimizer is a formula that somebody found. **After:** an optimizer is a
# trained network, and you know what its training costs and how far it carries.
#
# Write $f$ for the loss of one problem and $h_t$ for the memory of the LSTM. The inner
# loop is
#
# $$\theta_{t+1}=\theta_t+u_t,\qquad (u_t,h_{t+1})=\text{LSTM}(\nabla f(\theta_t),\,h_t),$$
#
# and the outer loop minimises the mean loss along the way, $\mathbb E_f\,\frac1T
# \sum_{t=1}^Tf(\theta_t)$, over the weights of the LSTM (Andrychowicz et al., 2016).

# %%
import numpy

from minimeta import plots, training
from minimeta.core.backend import np, using
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.optim import Optimizer, adam
from minimeta.core.trees import flatten, like, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import schedules as exact
from minimeta.learned_optimizers import lstm_optimizer
from minimeta.learned_optimizers.baselines import report, trial, tune
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.learned_optimizers.training import clip_gradient
from minimeta.nets import lstm, mlp
from minimeta.tasks import optimizees as problems
from minimeta.tasks.datasets import digits, split

# %% [markdown]
# ## One small LSTM for all parameters
#
# A network of a million parameters would need an enormous LSTM if one LSTM read all
# gradients at once. The trick of this lesson is to work *coordinate by coordinate*. Every
# number of every parameter has a memory of its own, but all share the same weights, as
# if a million copies of one small optimizer were at work. So a trained optimizer fits
# parameters of any shape, and no coordinate sees another.
#
# An `Optimizer` is a pair of functions, as in the lesson *networks*: `init` makes the
# state, and `update` turns a gradient into new parameters.


# %%
def my_optimizer(meta, read=lambda g: g, scale=0.1):
    """The optimizer that the LSTM with these weights is."""

    def init(theta):
        count = len(flatten(theta))
        units = [np.shape(layer["W_h"])[0] for layer in meta["layers"]]
        return [2 * (np.zeros((count, H)),) for H in units]  # h and c, (P, H)

    def update(gradient, state, theta):
        x, memory = read(np.expand_dims(flatten(gradient), 1)), []  # (P, inputs)
        for layer, before in zip(meta["layers"], state):
            memory.append(lstm.cell(layer, before, x))
            x = memory[-1][0]  # (P, H)
        step = like(theta, scale * np.matmul(x, meta["W"])[:, 0])
        return tree_map(np.add, theta, step), memory

    return Optimizer(init, update)


# %% [markdown]
# ## A case to check by hand
#
# Take away the layers of the LSTM and let the output weight be a single number. Then the
# step is $u_t=\text{scale}\cdot w\,\nabla f$: the optimizer is SGD, and with
# $\text{scale}\cdot w=-\alpha$ it has the step size $\alpha$.
#
# **Predict, then run.** The loss is $\frac12\cdot4\,\theta^2$ and the start is
# $\theta=3$. Where does one step lead with scale $0.1$ and $w=-1$?

# %%
no_layers = {"layers": [], "W": np.array([[-1.0]])}
by_hand = my_optimizer(no_layers)
theta = np.array([3.0])
moved, _ = by_hand.update(4.0 * theta, by_hand.init(theta), theta)
print("from 3 to", moved)

# %%
claim_equal(
    moved, np.array([3.0 - 0.1 * 4.0 * 3.0]), 1e-15, "Without layers it is SGD."
)

# %% [markdown]
# ## Training it through its own steps
#
# The outer loss adds up the losses on the way. Its gradient runs back through all steps,
# with two things left out, as in the paper. *Truncation:* every 20 steps the parameters
# and the memory count as constants, so that no gradient runs further back. *First order:*
# the gradient $\nabla f(\theta_t)$ that the LSTM reads counts as a constant, so no second
# derivatives of the problem are needed. The lesson *schedules* has shown what that costs
# on two steps. Here both versions are trained.
#
# Gradients through many steps explode now and then, and one such gradient would undo the
# training. So each is shortened to a length of at most 0.3.


# %%
def my_loss(family, read, steps, through):
    """The mean loss along the steps, a function of weights and a batch."""

    def loss(meta, task):
        def f(theta, t):
            return family.loss(theta, task.support, t)  # (M,)

        gradient = grad(lambda theta, t: np.sum(f(theta, t)))
        optimizer, theta = my_optimizer(meta, read), family.start(task)
        state, total = optimizer.init(theta), 0.0
        for t in range(steps):
            if t % 20 == 0:
                theta, state = constant((theta, state))
            theta, state = optimizer.update(
                gradient(through(theta), t), state, theta
            )
            total = total + np.mean(f(theta, t + 1))
        return total / steps

    return loss


# %% [markdown]
# The outer loop is Adam on the weights of the LSTM, with a step size that falls, in
# float32. `train` of the library takes any gradient and any data; here the data are a
# batch of eight random problems at each update.


# %%
@using(dtype="float32")
def train(loss, sample, inputs, updates):
    outer = clip_gradient(adam(lambda u: 0.02 * 0.03 ** (u / updates)), 0.3)
    seeded, follow = numpy.random.default_rng(SEED), value_and_grad(loss)

    def init(rng):
        return lstm_optimizer.init(rng, 1, 20, inputs)  # one layer of 20 units

    return training.train(init, follow, sample, seeded, updates, optimizer=outer)


# %% [markdown]
# ## Quadratics, where a bound is known
#
# The problems are $|W\theta-y|^2$ with ten parameters; all entries of $W$ and $y$ are
# normal. The rivals are tuned *on the test problems*, with their masses and decay rates,
# which is a favour to them. The grid of each is printed with the setting that won.
#
# Two bounds come from the lesson *schedules*. **Best linear** is the Krylov bound for all
# test problems together: no method that combines past gradients with the same
# coefficients on every problem can get below it, be it momentum, a schedule or a linear
# memory. A method that chooses its coefficients for each problem can; the bound for that
# is what conjugate gradients reach on each problem alone.
#
# **Predict, then run.** The LSTM is trained over 100 steps. Will it be above best linear
# or below it after these 100 steps?

# %%
STEPS, UPDATES, TESTS = (10, 2, 5) if QUICK else (100, 260, 150)
quadratics = problems.gaussian_quadratics(8, 10)
test_rng = numpy.random.default_rng([SEED, 1])
test = problems.gaussian_quadratics(TESTS, 10).sample(test_rng)
around = {"SGD": 0.015, "momentum": 0.02, "RMSprop": 0.03, "Adam": 0.2}
with using(dtype="float32"):
    by_formula = tune(quadratics, test, around, STEPS)

# %% [markdown]
# Now the two LSTMs. They see the same problems in the same order.

# %%
learned, history = {}, {}
ways = {"LSTM, first order": constant, "LSTM": lambda theta: theta}
for name, through in ways.items():
    loss = my_loss(quadratics, lambda g: g, STEPS, through)
    meta, history[name] = train(loss, quadratics.sample, 1, UPDATES)
    learned[name] = trial(quadratics, my_optimizer(meta), test, STEPS)
report({**by_formula, **learned}, STEPS)

# %%
x, y = test.support
residual = x @ np.swapaxes(test.query.x, 1, 2) - y
spectra, weights = exact.modes(x, residual)
each_alone = exact.krylov_bound(spectra, weights, STEPS)[1:].mean(axis=1)
together = np.ravel(spectra), np.ravel(weights) / TESTS
best_linear = exact.krylov_bound(*together, STEPS)[1:]
print(f"best linear: mean {best_linear.mean():.3f}, end {best_linear[-1]:.3f}")
curves = {
    name: t.losses.mean(axis=1) for name, t in {**by_formula, **learned}.items()
}

# %% [markdown]
# Before the comparison, a look at the rules of the game. SGD and momentum are linear, so
# they must stay above best linear at every step. Nobody, not even the LSTM, can be below
# the bound for each problem alone.


# %%
def gap(name, bound):
    """The least value of a curve relative to a bound, less one: not below zero."""
    return float((curves[name][:STEPS] / bound - 1).min())


for name in ("SGD", "momentum"):
    sentence = f"{name} is linear, so it never gets below best linear."
    claim(gap(name, best_linear) > -1e-4, sentence, gap(name, best_linear), ">= 0")
beyond = (curves["LSTM"][: STEPS // 2] / each_alone[: STEPS // 2]).min()
sentence = "Not even the LSTM gets below the bound of each problem alone."
claim(beyond > 1, sentence, beyond, "> 1 (ratio)")

# %%
everyone = {**by_formula, **learned}
rival = min(by_formula, key=lambda name: by_formula[name].mean)
means = {name: t.losses[:STEPS].mean(axis=0) for name, t in everyone.items()}


def lead_over(name):
    """The paired lead of the LSTM over another, and two standard errors."""
    ahead = means[name] - means["LSTM"]
    return ahead.mean(), 2 * ahead.std() / TESTS**0.5


lead, half = lead_over(rival)
by = f"{lead:.3f} +- {half:.3f} less than {rival}"
sentence = "Averaged over its steps, the LSTM is ahead of the best tuned rival."
claim(lead > half, sentence, by, "> 0", trained=True)
lead, half = lead_over("LSTM, first order")
sentence = "Second derivatives in the training are worth having."
claim(lead > half, sentence, f"{lead:.3f} +- {half:.3f}", "> 0", trained=True)

# %%
end, floor = learned["LSTM"].end, best_linear[-1]
sentence = "After 100 steps the LSTM is below the bound of all linear methods."
claim(end < floor, sentence, end, f"< {floor:.3f}", trained=True)
inside = [t.inside for t in by_formula.values()]
sentence = "No rival's best step size is at an edge of its grid."
claim(all(inside), sentence, inside, "all inside", trained=True)

# %%
figure, (left, right) = plots.figure(2)
for name, colour in zip(learned, (plots.COLOURS[1], plots.AFTER)):
    smooth = history[name].reshape(-1, UPDATES // 26 or 1).mean(axis=1)
    left.plot(
        numpy.linspace(0, UPDATES, len(smooth)), smooth, color=colour, label=name
    )
    right.loglog(range(1, 2 * STEPS + 1), curves[name], color=colour, label=name)
plots.labels(left, "update of the LSTM", "mean loss of its steps", "meta-training")
right.plot(range(1, 2 * STEPS + 1), curves[rival], color=plots.BEFORE, label=rival)
plots.floor(right, range(1, STEPS + 1), best_linear, "best linear, exact")
right.axvline(STEPS, color=plots.BEFORE, lw=0.8, ls=":")
plots.labels(right, "step (trained for 100)", "loss", "new quadratics")
plots.save(figure, "18_learned_optimizers")

# %% [markdown]
# **Left:** the outer loss during meta-training, averaged over blocks of updates. **Right:**
# the mean loss on 150 new problems against the step, both axes logarithmic. Grey is the
# best tuned rival. The dashed line is best linear. The dotted vertical line marks the 100
# steps for which the LSTM was trained; what it does to the right of it nobody has asked
# for in training.
#
# ## Networks, and where it ends
#
# The gradients of a network differ in size by orders of magnitude, and an LSTM cannot
# read numbers of such different sizes. So it gets two numbers for each gradient: its
# logarithm and its sign. The optimizer is trained on networks of ten sigmoid units that
# read one half of the digits. Then it trains fresh networks on the other half: the same
# kind, one with 40 units, and one with relu units.
#
# **Predict, then run.** On how many of the three will it be ahead of a tuned Adam after
# 100 steps?


# %%
def read(gradient):
    return log_and_sign(gradient, 5.0)


images, labels = digits()
halves = split(numpy.random.default_rng(SEED), images.reshape(-1, 64), labels, 898)
trained_on = mlp([64, 10, 10], lstm.sigmoid, gain=1.0)
networks = {
    "10 sigmoid units": trained_on,
    "40 sigmoid units": mlp([64, 40, 10], lstm.sigmoid, gain=1.0),
    "10 relu units": mlp([64, 10, 10]),
}
# %%
family = problems.classifier(*halves[0], trained_on)
loss = my_loss(family, read, STEPS, lambda theta: theta)
reader, _ = train(loss, family.sample, 2, 2 if QUICK else 50)
races = {}
for name, net in networks.items():
    others = problems.classifier(*halves[1], net, problems=1 if QUICK else 3)
    fresh = others.sample(numpy.random.default_rng([SEED, 2]))
    ratios = 1.5 ** numpy.arange(-2.0, 3.0)
    with using(dtype="float32"):
        races[name] = tune(
            others, fresh, {"Adam": 0.07}, STEPS, last=20, ratios=ratios
        )
    races[name]["LSTM"] = trial(
        others, my_optimizer(reader, read), fresh, STEPS, last=20
    )
    print(name)
    report(races[name], STEPS)

# %%
for name, race in races.items():
    if "relu" in name:
        lead = race["Adam"].end - race["LSTM"].end  # the last 20 of the 100 steps
        sentence = (
            "With relu units, which it has never seen, it ends higher than Adam."
        )
        claim(lead < 0, sentence, lead, "< 0", trained=True)
    else:
        lead = race["Adam"].mean - race["LSTM"].mean
        sentence = (
            f"With {name} the LSTM is ahead of Adam, averaged over the steps."
        )
        claim(lead > 0, sentence, lead, "> 0", trained=True)

# %%
digits_figure, axes = plots.figure(2)
for ax, name in zip(axes, ("10 sigmoid units", "10 relu units")):
    for kind, colour in {"Adam": plots.BEFORE, "LSTM": plots.AFTER}.items():
        each = races[name][kind].losses  # (2 STEPS, M)
        steps = numpy.arange(1, len(each) + 1)
        plots.band(
            ax, steps, each.mean(axis=1), each.std(axis=1), kind, color=colour
        )
    ax.axvline(STEPS, color=plots.BEFORE, lw=0.8, ls=":")
    ax.set_ylim(0, 3.5)
    plots.labels(ax, "step (trained for 100)", "training loss", f"digits: {name}")
plots.save(digits_figure, "18_digits")

# %% [markdown]
# The training loss of fresh networks against the step. Lines are means over three
# networks, and the bands reach one standard deviation to both sides. On the kind of
# network that it was trained on (left) the LSTM is quick. On relu units (right) it gets
# stuck: whether its first steps are better or worse than Adam's depends on the seed, but
# it ends higher. A learned optimizer is a learner like any other: it is good on the tasks
# that it has seen, and promises nothing elsewhere.
#
# ## The same as the library

# %%
library = trial(
    others, lstm_optimizer.optimizer(reader, read), fresh, STEPS, last=20
)
same = bool((library.losses == races["10 relu units"]["LSTM"].losses).all())
claim(same, "This page's optimizer is the library's, bit for bit.")

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** An LSTM layer of 20 units reads one number. Its matrices are $W_x$ (1 by
# 80), $W_h$ (20 by 80) and the offset (80), and the output weight is 20 by 1. How many
# meta-parameters are these together?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "bee5706e", digits=4)

# %% [markdown]
# **Exercise 2.** The optimizer works on a network of 760 parameters. How many numbers are
# in its memory ($h$ and $c$ of one layer of 20 units, for every parameter)?

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "ee948c60", digits=5)

# %% [markdown]
# **Exercise 3.** `log_and_sign(g, p)` gives $\max(\log|g|,-p)/p$ and
# $\operatorname{clip}(e^pg,-1,1)$. Which two numbers does it give for $g=-e^{-2}$ and
# $p=5$? Answer with a list.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "72e08f0f")

# %% [markdown]
# **Exercise 4.** A linear cell in place of the LSTM, $h\leftarrow g+0.9\,h$ with one
# unit, and the step $-0.02\,h$: which optimizer of this page is that? Answer with one
# word.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "3d7fd886")

# %% [markdown]
# **What changed since the last lesson.** There the outer loop learned three numbers, and
# a formula knew them. Here it learns a network, and formulas give only bounds.
# `python -m minimeta verify optimizer_training` prints the theorems.

# %%
finish()
