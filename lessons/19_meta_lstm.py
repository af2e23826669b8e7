# %% [markdown]
# # 19. Meta-LSTM: the parameter vector is a cell state
#
# **The promise.** One look at the equation of an LSTM's cell shows that gradient descent
# is a special case of it. In this lesson a network's parameters *are* the cell state of
# an LSTM. Two gates decide at every step how much of a parameter is kept and how far it
# moves, and the outer loop learns the gates together with the start.
#
# **You need** the lessons *maml* (start, inner and outer loop), *recurrent* (the LSTM
# cell and its gates) and *learned_optimizers* (how a network reads gradients).
#
# **Takes** about an hour to read with the exercises, and under a minute to run.
#
# **Before:** either the start is learned (MAML) or the update (the learned optimizer).
# **After:** both are, by one system, and you know in closed form what it does in its
# simplest setting.
#
# The cell of an LSTM and a step of gradient descent stand side by side:
#
# $$c\leftarrow f\,c+i\,g\qquad\text{and}\qquad\theta\leftarrow\theta-\alpha\nabla L.$$
#
# They are the same if $c=\theta$, the forget gate is $f=1$, the input gate is
# $i=\alpha$, and the candidate is $g=-\nabla L$ (Ravi and Larochelle, 2017).

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np, using
from minimeta.core.gradients import constant, grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.trees import copies, leaves, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
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

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## By hand: one number
#
# Let the cell state be one number $c$ and the loss $\frac12(c-1)^2$, so the gradient is
# $c-1$. The input gate $i$ plays the step size. The forget gate $f$ multiplies the
# parameter before the step: with $f<1$ it pulls the parameter towards zero at every step,
# which is called *weight decay*. The two pulls balance where $c=fc-i(c-1)$, hence
#
# $$c=\frac{i}{1-f+i}.$$
#
# **Predict, then run.** With $i=0.1$ and $f=0.9$, only a tenth is forgotten at every
# step. Where does $c$ come to rest: near 1, near 0.9, or further away?

# %%
forget, write, cell = 0.9, 0.1, 5.0
for _ in range(200):
    cell = forget * cell - write * (cell - 1.0)
print(f"at rest {cell:.6f}")

# %%
balance = write / (1 - forget + write)
claim_equal(
    cell, balance, 1e-12, "A tenth forgotten at every step costs half of the way."
)

# %% [markdown]
# ## The meta-LSTM, built here
#
# Each parameter has two gates of its own, but all parameters share the weights that
# compute the gates. A gate reads four things: the gradient of this parameter, the loss of
# the task, the parameter itself, and its own last value. Gradients and losses can be
# huge or tiny, so they are read as a logarithm and a sign (`log_and_sign`, lesson
# *learned_optimizers*). A gate has seven numbers, and two gates make fourteen, whatever
# the size of the network.
#
# `read` marks what a step sees as `constant`. The meta-gradient then runs through the
# gates and the cell states, but not through the gradients: no second derivatives.


# %%
def my_gate(gate, loss, gradient, c, before):
    """How far a gate is open, one number for each parameter c (M, ...)."""
    own = np.matmul(
        gradient, gate["gradient"]
    )  # gradient: two numbers for each parameter
    own = own + gate["parameter"] * c + gate["before"] * before
    for_all = np.matmul(
        loss, gate["loss"]
    )  # (M,): the same for all of a task's parameters
    return sigmoid(
        own + np.reshape(for_all, (-1,) + (np.ndim(c) - 1) * (1,)) + gate["b"]
    )


def read(phi, support, net):
    """Losses (M,) and gradients at phi, constant to every further gradient."""

    def losses(phi):
        return mse(net.apply(phi, support.x), support.y)

    phi = constant(phi)
    return constant((losses(phi), grad(lambda phi: np.sum(losses(phi)))(phi)))


# %% [markdown]
# The step itself is one line, the equation at the top of this page. Everything above it
# prepares what the gates read.


# %%
def my_step(meta, phi, f, i, seen):
    losses, gradients = seen
    loss = log_and_sign(losses[:, None])  # (M, 2)
    shown = tree_map(lambda g: log_and_sign(g[..., None]), gradients)  # (M, ..., 2)

    def open_gates(gate, before):
        return tree_map(lambda *a: my_gate(gate, loss, *a), shown, phi, before)

    f, i = open_gates(meta["forget"], f), open_gates(meta["input"], i)
    return tree_map(lambda c, f, i, g: f * c - i * g, phi, f, i, gradients), f, i


# %% [markdown]
# A path is what one step after another makes of the start. Before the first step the
# gates have no last value, so they are told zero. All tasks of a batch are on the leading
# axis of every array, as in the lesson *maml*: each has its own copy of the start, its
# own gradients and its own gates, and they share only the fourteen numbers.


# %%
def my_path(meta, support, net, steps):
    """[(phi, f, i), ...]: parameters of every task, and the gates behind them."""
    phi = copies(meta["start"], len(support.x))
    zeros = tree_map(np.zeros_like, constant(phi))
    path = [(phi, zeros, zeros)]
    for _ in range(steps):
        path.append(my_step(meta, *path[-1], read(path[-1][0], support, net)))
    return path


def my_meta_lstm(net, steps):
    def adapt(meta, support):
        return my_path(meta, support, net, steps)[-1][0]

    return Learner(
        lambda rng: meta_lstm.init(rng, net),
        adapt,
        lambda meta, phi, x: net.apply(phi, x),
    )


# %% [markdown]
# ## With its eyes closed it is SGD
#
# Set all weights of the gates to zero. Then they read nothing, and each gate is the
# sigmoid of its offset, a constant. An offset of 40 makes $f$ exactly 1 in floating-point
# numbers, because $e^{-40}$ is smaller than the rounding of 1.
#
# **Predict, then run.** Which offset makes the input gate exactly one half?


# %%
def blind(start, forget_offset, input_offset):
    """Meta-parameters whose gates read nothing."""
    sizes = {"gradient": 2, "loss": 2, "parameter": 1, "before": 1}
    closed = {name: np.zeros(size) for name, size in sizes.items()}
    gates = forget_offset, input_offset
    forget, write = ({**closed, "b": np.array([offset])} for offset in gates)
    return {"start": start, "forget": forget, "input": write}


def identical(one, other):
    return all((p == q).all() for p, q in zip(leaves(one), leaves(other)))


# %% [markdown]
# Now a small network on three sine tasks takes three blind steps. Next to it, MAML's
# inner loop takes three steps of the same size from the same start. The two results are
# compared bit for bit.

# %%
small = mlp([1, 5, 1])
small_start = small.init(rng)
waves = regression.sines(rng, tasks=3, shots=10, queries=10)
pairs = {}
for offset in (0.0, -4.6):
    alpha = float(sigmoid(np.array(offset)))
    mine = my_path(blind(small_start, 40.0, offset), waves.support, small, 3)[-1][0]
    pairs[alpha] = (
        mine,
        maml.adapt(small_start, waves.support, small, mse, alpha, 3),
    )
print("step sizes", list(pairs))

# %%
for alpha, (mine, sgd) in pairs.items():
    sentence = (
        f"Blind, with f = 1 and i = {alpha:.3f}: MAML's inner loop, bit for bit."
    )
    claim(identical(mine, sgd), sentence)

# %% [markdown]
# ## With $f<1$: decay, and what constant gradients leave out
#
# On a quadratic with the Hessian $A$ and the minimum $\theta^\star$, a blind step is
# linear: it multiplies by $P=fI-iA$ and adds $iA\theta^\star$. After $k$ steps the state
# is $P^k\theta+\sum_{j<k}P^j\,iA\theta^\star$, so it depends on the start through $P^k$.
#
# If the gradients inside count as constants, the outer gradient sees only the factor $f$
# of each step, and the meta-gradient contains $f^k$ in place of $P^k$. With $f=1$ that is
# exactly FOMAML.
#
# **Predict, then run.** With $f=0.9$ and $k=4$, by which factor does the first-order
# method think that the end depends on the start?

# %%
A, minimum = draw_quadratics(rng, tasks=5, dimension=2)
bowls, theta, f, i, k = (
    from_quadratics(A, minimum),
    rng.normal(size=(2, 1)),
    0.9,
    0.5,
    4,
)
line = Net(None, lambda theta, x: x @ theta)
meta = blind(theta, numpy.log(f / (1 - f)), numpy.log(i / (1 - i)))
P = [numpy.linalg.matrix_power(f * numpy.eye(2) - i * A, j) for j in range(k + 1)]
end = P[k] @ theta + sum(P[:k]) @ (i * A) @ minimum[..., None]
mine = my_path(meta, bowls.support, line, k)[-1][0]
pull = A @ (end - minimum[..., None])  # the gradient of the loss at the end


# %% [markdown]
# The library's module has a switch that follows the gradients too. With it we can look at
# both meta-gradients: the one with constant gradients and the one through everything.


# %%
def start_gradient(learner):
    return grad(lambda m: meta_loss(learner, m, bowls))(meta)["start"]


without = start_gradient(my_meta_lstm(line, k))
second_order = meta_lstm.learner(line, steps=k, see=meta_lstm.second_order)
whole = start_gradient(second_order)
print(
    "constant gradients",
    without[:, 0],
    "  all followed",
    whole[:, 0],
    "  f^k",
    f**k,
)

# %%
claim_equal(
    mine, end, 1e-13, "Blind steps are SGD with weight decay, in closed form."
)
by_formula = np.mean(f**k * pull, axis=0)
claim_equal(
    without, by_formula, 1e-13, "With constant gradients the factor is f^k."
)
by_formula = np.mean(P[k] @ pull, axis=0)
claim_equal(whole, by_formula, 1e-13, "Followed through everything, it is P^k.")

# %% [markdown]
# ## Sines
#
# The sine tasks of the earlier lessons with ten support points. The network has two
# layers of 40 tanh units. Both systems are trained for five updates, on the same tasks,
# with the same outer optimizer: the meta-LSTM learns its start and its fourteen numbers,
# MAML its start, with a step size of 0.01.
#
# **Predict, then run.** The gates may take long steps at first and short ones later, or
# different steps for different parameters. Which of the two will be ahead after *one*
# update, and which after five, the number they were trained for?

# %%
net = mlp([1, 40, 40, 1], np.tanh, gain=1.0)
UPDATES, TASKS, SHOWN = (
    (15, 100, (0, 1, 2, 5, 10)) if QUICK else (1200, 1000, (0, 1, 2, 5, 10))
)


def sample(rng):
    return regression.sines(rng, tasks=25, shots=10, queries=10)


learners = {"meta-LSTM": my_meta_lstm(net, 5), "MAML": maml.learner(net, steps=5)}
metas = {}
with using(dtype="float32"):
    for name, learner in learners.items():
        outer = adam(lambda update: 0.008 * (1 - update / UPDATES))
        seeded = numpy.random.default_rng(SEED)  # the same tasks for both
        metas[name], _ = meta_train(
            learner, sample, seeded, UPDATES, optimizer=outer
        )

# %%
test = regression.sines(
    numpy.random.default_rng([SEED, 1]), TASKS, shots=10, queries=100
)
gated = my_path(metas["meta-LSTM"], test.support, net, 10)
paths = {
    "meta-LSTM": [phi for phi, _, _ in gated],
    "MAML": maml.trajectory(metas["MAML"], test.support, net, mse, 0.01, 10),
}
errors = {}
for name, path in paths.items():
    predictions = [net.apply(phi, test.query.x) for phi in path]
    errors[name] = np.stack([mse(y, test.query.y) for y in predictions])  # (11, M)
    cells = [
        f"{errors[name][k].mean():7.3f} ({np.median(errors[name][k]):.3f})"
        for k in SHOWN
    ]
    print(f"{name:10} after updates {SHOWN}: mean (median)", *cells)

# %% [markdown]
# What have the gates learned? The next cell looks at the input gates, the step sizes, of
# all parameters and all test tasks. If the gates read nothing, all of them would be
# equal. The interval in which nine out of ten lie shows how far they are told apart.

# %%
for update in (1, 5):
    opened = np.concatenate([leaf.ravel() for leaf in leaves(gated[update][2])])
    print(
        f"input gates of update {update}: nine in ten in",
        np.quantile(opened, [0.05, 0.95]),
    )

# %% [markdown]
# A few difficult tasks carry much of the mean, so the claims are about medians. Which of
# the two systems is ahead after five updates, and what the meta-LSTM does beyond them,
# depends on the seed of the run (`MINIMETA_SEED=1`), so this page claims nothing about
# either. Training a learned update is less reliable than training a start alone.

# %%
for name, error in errors.items():
    share = np.median(error[5]) / np.median(error[0])
    sentence = (
        f"{name}: five updates leave less than a quarter of the median error."
    )
    claim(share < 0.25, sentence, share, "< 0.25", trained=True)
bayes = sines.learner()
state = bayes.adapt({}, test.support)
floor = np.mean(mse(bayes.predict({}, state, test.query.x), test.query.y))
claim(
    floor < 1e-6,
    "Ten exact points leave the Bayes-optimal learner no error.",
    floor,
    "< 1e-6",
)

# %%
figure, (left, right) = plots.figure(2)
x = np.broadcast_to(np.linspace(-5, 5, 201)[:, None], (TASKS, 201, 1))
for update, colour in {0: plots.BEFORE, 5: plots.AFTER}.items():
    fit = net.apply(gated[update][0], x)[3]
    left.plot(x[3], fit, color=colour, lw=2.5, label=f"{update} updates")
plots.floor(left, x[3], bayes.predict({}, state, x)[3])
left.plot(test.support.x[3], test.support.y[3], "k.", markersize=9, label="support")
left.set_ylim(-6, 12)
plots.labels(left, "x", "y", "the meta-LSTM on one new task")
for name, colour in {"MAML": plots.COLOURS[1], "meta-LSTM": plots.AFTER}.items():
    half = 2 * errors[name].std(axis=1) / TASKS**0.5
    plots.band(
        right, numpy.arange(11), errors[name].mean(axis=1), half, name, color=colour
    )
plots.floor(right, numpy.arange(11), numpy.full(11, floor))
right.set_yscale("symlog", linthresh=0.1)
plots.labels(
    right, "updates (trained for 5)", "mean squared error", "new tasks, 10 shots"
)
plots.save(figure, "19_meta_lstm")

# %% [markdown]
# **Left:** one new task before any update (grey) and after five (blue), with the
# Bayes-optimal answer dashed. **Right:** the mean error on new tasks after each number of
# updates; the bands are two standard errors. The scale is linear below 0.1 and
# logarithmic above. Both systems were trained for five updates. To the right
# of that nobody has told the gates what to do.
#
# ## The same as the library

# %%
theirs = meta_lstm.adapt(metas["meta-LSTM"], test.support, net, steps=10)
claim(
    identical(gated[10][0], theirs),
    "This page's meta-LSTM is the library's, bit for bit.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** One parameter with the loss $\frac12(c-1)^2$, an input gate of $0.1$ and
# a forget gate of $0.99$. Where does $c$ come to rest? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "04cd4e6d")

# %% [markdown]
# **Exercise 2.** Weight decay is a prior in disguise: the lesson *bayes* has shown that
# ridge regression is the Bayes answer for normal weights. Blind updates of a quadratic
# with the Hessian $A$ come to rest at $(A+\lambda I)^{-1}A\,\theta^\star$, which is
# ridge regression. What is $\lambda$ for $f=0.9$ and $i=0.5$?

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "96611cc7")

# %% [markdown]
# **Exercise 3.** How many meta-parameters has the meta-LSTM besides the start, for a
# network of 4,000 parameters?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "781f674c")

# %% [markdown]
# **Exercise 4.** With constant gradients, $f=0.95$ and five blind updates: by which
# factor does the meta-gradient believe that the end depends on the start?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "73990a4e")

# %% [markdown]
# **What changed since the last lesson.** There a network wrote the steps, from any start.
# Here it sets two gates, which keeps it close to SGD, and the start is learned too.
# `python -m minimeta verify meta_lstm` prints the theorems.

# %%
finish()
