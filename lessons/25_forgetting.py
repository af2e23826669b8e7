# %% [markdown]
# # 25. Forgetting: yesterday's posterior is today's prior
#
# **The promise.** A network that learns one task after another forgets the first. This
# lesson derives a cure, elastic weight consolidation (EWC), from Bayes' rule, in four
# steps. Each step but the first is an approximation, and for each you will measure what
# it costs. At the end a network learns five tasks in a row and keeps most of the first.
#
# **You need** the lesson *bayes* (prior and posterior, the mean of two Gaussians), the
# lesson *networks* (softmax, cross-entropy), and from calculus the Taylor expansion to
# second order.
#
# **Takes** about 90 minutes to read with the exercises, and under a minute to run.
#
# **Before:** the outer loop learns a start, an update or a memory. **After:** you know a
# fourth thing that can be carried from task to task: a penalty.
#
# Write $\theta$ for the parameters. What the tasks A and B say together about $\theta$
# follows from Bayes' rule:
#
# $$\log p(\theta\mid A,B)=\log p(B\mid\theta)+\log p(\theta\mid A)+\text{constant}.$$
#
# The last term is the posterior of A. It takes the place of the prior when B is learned.
# If we could keep it exactly, nothing would ever be forgotten.

# %%
import numpy

from minimeta import diagrams, plots
from minimeta.continual import ewc, fisher, strategies
from minimeta.core.backend import np, to_device, using
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy, log_softmax
from minimeta.core.trees import copies, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import linear_gaussian, sequential_bayes
from minimeta.nets import mlp
from minimeta.tasks import Data, sequences

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Step 1, exact: two Gaussians by hand
#
# Let $\theta$ be one number. Task A has measured it: the value 2, with *precision* 3 (one
# over the variance). As a function of $\theta$ its log posterior is
# $-\frac32(\theta-2)^2$ plus a constant. Task B measures the value 6 with precision 1.
# Adding the two parabolas gives a parabola again: precisions add, and they weigh the
# values, $(3\cdot2+1\cdot6)/4=3$.
#
# To learn B correctly we need none of A's data. Two numbers are enough: the precision 3
# and the place 2. Read the other way round, $\frac32(\theta-2)^2$ is a *penalty* that
# pulls $\theta$ back towards 2 while B is learned.
#
# Now a third task C measures 7 with precision 4. There are two ways to go on. Either one
# penalty stands for A and B together: precision 4, at the optimum 3. Or each task leaves
# a penalty of its own: precision 3 at 2, where A ended, and precision 1 at 3, where B
# ended.
#
# **Predict, then run.** All data together give $(3\cdot2+1\cdot6+4\cdot7)/8=5$. Which of
# the two ways arrives at 5, and where does the other one end?


# %%
def weighted(*pairs):
    """Where penalties (precision, place) and measurements balance."""
    return sum(p * place for p, place in pairs) / sum(p for p, _ in pairs)


A, B, C = (3, 2), (1, 6), (4, 7)
after_B = weighted(A, B)
one_penalty = weighted((4, after_B), C)
two_penalties = weighted(A, (1, after_B), C)
print(f"after B {after_B}")
print(f"after C: one penalty {one_penalty}, two penalties {two_penalties}")

# %%
claim(
    one_penalty == weighted(A, B, C) == 5,
    "One penalty is Bayes' rule.",
    one_penalty,
    5,
)
sentence = (
    "Two penalties count A twice, because B's optimum leans towards A already."
)
claim(two_penalties == 4.625, sentence, two_penalties, 4.625)

# %% [markdown]
# ## Step 2, the first approximation: a parabola
#
# For a network $\log p(A\mid\theta)$ is no parabola. *Laplace's approximation* replaces
# it by its Taylor expansion to second order around the optimum $\theta_A$. The gradient
# vanishes there, so what remains is $-\frac12(\theta-\theta_A)^\top H(\theta-\theta_A)$
# with the Hessian $H$ of $-\log p$. Far from $\theta_A$ the parabola is wrong.
#
# ## Step 3, the second approximation: Fisher instead of Hessian
#
# The Hessian of a network is expensive and may have negative eigenvalues, which would
# push instead of pull. It is replaced by the *Fisher information*
#
# $$F=\mathbb E_x\;\mathbb E_{y\sim p(y\mid x,\theta)}\;g\,g^\top,\qquad
# g=\nabla_\theta\log p(y\mid x,\theta).$$
#
# The label $y$ is drawn from the *model*, so labels of the data play no part. For a model
# that fits its data well, $F$ is close to $H$ per example, and it has no negative
# eigenvalue. It also has a meaning of its own: the answers of the parameters $\theta+v$
# differ from the answers of $\theta$ by $\frac12v^\top Fv$ to second order, measured by
# the *Kullback-Leibler divergence*, the mean of $\log p-\log q$ under $p$. So $F$ says
# how fast the answers change when the parameters move, and the penalty protects answers.
#
# ## Step 4, the third approximation: the diagonal
#
# With $P$ parameters $F$ has $P^2$ entries. EWC keeps the diagonal and drops the rest.
# The picture shows what that means in two dimensions.

# %%
ellipse_figure, (ax,) = plots.figure(height=3.6)
diagrams.fisher_beside_diagonal(ax, numpy.array([[2.0, 1.6], [1.6, 2.0]]))
plots.labels(ax, "first parameter", "second parameter", "what the penalty allows")
plots.save(ellipse_figure, "25_ellipse")

# %% [markdown]
# Inside the blue ellipse the old task's answers change by less than a given amount. It is
# long in one direction, in which the two parameters can move together without harm. The
# diagonal (dashed) knows nothing of this direction. It forbids harmless moves along the
# long axis and allows harmful ones along the short axis.
#
# ## The diagonal Fisher, built here
#
# Each example needs a gradient of its own, so each gets its own copy of the parameters.
# For every label the squared gradient is weighted by the model's chance of this label.


# %%
def log_chances(net, theta, x):
    return log_softmax(net.apply(theta, x[:, None]))[:, 0]  # one copy each: (N, C)


def diagonal_fisher(net, theta, x):
    """The diagonal of F: squared gradients, weighted by chances."""
    chances = np.exp(log_chances(net, copies(theta, len(x)), x)) / len(x)  # (N, C)
    F = tree_map(np.zeros_like, theta)
    for label in range(chances.shape[1]):
        total = grad(lambda t, k=label: np.sum(log_chances(net, t, x)[:, k]))
        g = total(copies(theta, len(x)))  # leaves (N, ...)
        weigh = chances[:, label]
        F = tree_map(lambda f, g, w=weigh: f + np.tensordot(w, g**2, 1), F, g)
    return F


# %% [markdown]
# **Predict, then run.** Move one offset of the last layer by $\pm0.001$ and measure the
# divergence of the answers directly. It should be $\frac12F_{ii}\cdot0.001^2$ each time.
# To how many digits will the two agree?

# %%
small = mlp([3, 4, 3], np.tanh)
inputs, theta = rng.normal(size=(50, 3)), small.init(rng)
F = diagonal_fisher(small, theta, inputs)


def log_p(move):
    """The log chances after the first offset of the last layer has moved."""
    shift = numpy.array([move, 0.0, 0.0])
    moved = [*theta[:-1], {**theta[-1], "b": theta[-1]["b"] + shift}]
    return log_softmax(small.apply(moved, inputs))


here = log_p(0.0)
divergences = [
    np.mean(np.sum(np.exp(here) * (here - log_p(v)), axis=1)) for v in (1e-3, -1e-3)
]
measured = sum(divergences) / 1e-6
print(
    f"F of one offset {F[-1]['b'][0]:.8f}, measured on the answers {measured:.8f}"
)

# %%
claim_equal(measured, F[-1]["b"][0], 1e-6, "F says how fast the answers change.")
library_F = fisher.exact(theta, Data(inputs, None), small)
claim_equal(
    F,
    library_F,
    1e-12,
    "This page's diagonal is the library's, and needs no labels.",
)

# %% [markdown]
# ## What the approximations cost, where everything is known
#
# For linear tasks seen through normal noise the log posterior *is* a parabola, and its
# Hessian is $F=X^\top X/\sigma^2$. So steps 2 and 3 cost nothing there, and EWC with the
# full matrix and one penalty is exactly Bayes' rule. What remains to be measured is a
# list of penalties in place of one, and the diagonal in place of the matrix.
#
# **Predict, then run.** Four tasks one after another. What takes us further from the
# posterior of all data: a penalty for each task, or diagonals?

# %%
NOISE = 0.3
linear_tasks = sequences.linear(rng, 4, 8, 1, dimension=5, noise_variance=NOISE)
F_tasks, b_tasks = sequential_bayes.statistics(*linear_tasks.support, NOISE)
mean, precision = numpy.zeros((5, 1)), numpy.eye(5)
prior = mean, precision
for F_task, b_task in zip(F_tasks, b_tasks):
    summed = precision + F_task
    mean, precision = numpy.linalg.solve(summed, precision @ mean + b_task), summed
x, y = (part.reshape(32, -1) for part in linear_tasks.support)
exact, _ = linear_gaussian.posterior(x, y, 0.0, numpy.eye(5), NOISE)
lists = sequential_bayes.separate_optima(F_tasks, b_tasks, *prior)
diagonals, _ = sequential_bayes.diagonal_optima(F_tasks, b_tasks, *prior)
ways = {"one penalty": mean, "a list": lists[-1], "diagonals": diagonals[-1]}
distance = {name: np.max(np.abs(end - exact)) for name, end in ways.items()}
print({name: f"{value:.1e}" for name, value in distance.items()})

# %%
claim_equal(
    mean, exact, 1e-12, "One full penalty ends at the posterior of all data."
)
by_formula = exact + sequential_bayes.separate_error(F_tasks, prior[1], lists)
claim_equal(
    lists[-1],
    by_formula,
    1e-12,
    "A list of penalties is off by exactly its formula.",
)
sentence = "The diagonal costs more than the list."
claim(
    distance["diagonals"] > distance["a list"],
    sentence,
    distance["diagonals"],
    "> the list",
)

# %% [markdown]
# ## Five tasks, one network
#
# The tasks are digits with shuffled pixels, in another order for each task. The network
# has 200 hidden units and learns the tasks one after another, 600 steps each.
#
# The penalty is steep in some directions, and a plain gradient step with it would
# overshoot. So each step first follows the gradient of the new task's loss, and then
# solves for the point where the penalty and the step length balance:
#
# $$\theta\leftarrow\frac{\theta+rF\theta_A}{1+rF},\qquad r=\eta\lambda/N,$$
#
# for every parameter on its own, with the step size $\eta$, the number of examples $N$
# and the strength $\lambda$. That is stable for any $\lambda$. Bayes' rule says
# $\lambda=1$. Because of the approximations a larger $\lambda$ works better, so the
# strength is tried.


# %%
def ewc_step(theta, batch, penalty, r, eta=0.05):
    """A gradient step on the new task, then a pull back to the old ones."""
    gradient = grad(lambda t: cross_entropy(net.apply(t, batch.x), batch.y))(theta)
    F, anchor = penalty

    def pulled(t, g, f, a):
        return (t - eta * g + r * f * a) / (1 + r * f)

    return tree_map(pulled, theta, gradient, F, anchor)


EXAMPLES, STEPS, WORLDS = (320, 20, 1) if QUICK else (1437, 600, 2)
net = mlp([64, 200, 10])
worlds = []
for world in range(WORLDS):
    world_rng = numpy.random.default_rng([SEED, world])
    worlds.append(sequences.permuted_images(world_rng, 5, EXAMPLES, 360))
start, other = net.init(rng), net.init(rng)
first_task = Data(*(part[0] for part in worlds[0].support))
F = fisher.exact(start, first_task, net)
mine = ewc_step(start, first_task, (F, other), r=50.0)
plain = ewc_step(start, first_task, (F, other), r=0.0)
theirs = ewc.proximal_step(ewc.Penalty(other, F), rate=50.0)(plain)

# %%
claim_equal(
    mine, theirs, 1e-12, "This page's step with a penalty is the library's."
)

# %% [markdown]
# Five ways to carry something from task to task. *Plain* keeps nothing. *L2* keeps a
# penalty with $F_{ii}=1$ for all parameters: it pulls back everything alike. *EWC* keeps
# the diagonal Fisher. *Empirical* uses the labels of the data in place of labels drawn
# from the model. *All tasks at hand* keeps every example of the old tasks, which is
# forbidden in this game and shows what could be reached.
#
# **Predict, then run.** What share of the first task's test digits does the plain
# network still read after the fifth task? And is L2 as good as EWC?

# %%
WAYS = {
    "plain": (strategies.nothing, [0]),
    "L2": (strategies.one_penalty(net, estimate=fisher.equal), [0.01, 0.03, 0.1]),
    "EWC": (
        strategies.one_penalty(net, estimate=fisher.exact),
        [10, 30, 100, 1000],
    ),
    "empirical": (
        strategies.one_penalty(net, estimate=fisher.empirical),
        [10, 30, 300],
    ),
    "all tasks": (strategies.rehearsal(EXAMPLES), [0]),
}


# %%
@using(dtype="float32")
def accuracies(world, way, strength):
    """The share read right of each task (columns) after each task (rows)."""
    seeded, remember = numpy.random.default_rng([SEED, 7]), WAYS[way][0]
    lesson = seeded, start32, world.support, net, remember
    walk = strategies.learn_sequence(*lesson, strength=strength, steps=STEPS)
    return strategies.accuracies(walk, world.query, net)


with using(dtype="float32"):
    start32, worlds32 = to_device((start, worlds))  # float64 becomes float32

# %%
tables = {}
for way, (_, strengths) in WAYS.items():
    for strength in strengths:
        runs = [accuracies(world, way, strength) for world in worlds32]
        tables[way, strength] = numpy.array(runs)  # (worlds, after task, on task)
        end = tables[way, strength][:, -1]
        shares = f"all tasks {end.mean():.3f}, first {end[:, 0].mean():.3f}"
        print(f"{way:10} strength {strength:6}: {shares}")
best = {}
for way, (_, strengths) in WAYS.items():
    best[way] = max(strengths, key=lambda s, way=way: tables[way, s][:, -1].mean())

# %% [markdown]
# Each way is shown with its best strength, which was chosen on these same test digits: a
# favour that all of them get. The comparisons are made in every one of the worlds, each
# with pixel orders of its own.


# %%
def ends(way):
    """The mean accuracy over the five tasks at the end, for each world."""
    return tables[way, best[way]][:, -1].mean(axis=-1)


gain = (ends("EWC") - ends("plain")).min()
sentence = "EWC forgets much less than the plain network, in every world."
claim(gain > 0.1, sentence, gain, "> 0.1", trained=True)
gain = (ends("EWC") - ends("L2")).min()
sentence = (
    "EWC is ahead of L2 in every world: it matters which parameters are held."
)
claim(gain > 0, sentence, gain, "> 0", trained=True)
gap = (ends("all tasks") - ends("EWC")).min()
claim(
    gap > 0, "Having all tasks at hand is better still.", gap, "> 0", trained=True
)
edges = [best["EWC"] not in (10, 1000), best["L2"] not in (0.01, 0.1)]
sentence = "The best strengths of EWC and L2 lie inside what was tried."
claim(all(edges), sentence, [best["EWC"], best["L2"]], "no edge", trained=True)

# %%
figure, (left, right) = plots.figure(2)
tasks = numpy.arange(1, 6)
colours = dict(zip(("plain", "L2", "EWC"), (plots.BEFORE, *plots.COLOURS[1::-1])))
for way, colour in colours.items():
    first = tables[way, best[way]][:, :, 0]  # (worlds, after task)
    left.plot(tasks, first.mean(axis=0), "o-", color=colour, label=way)
    left.fill_between(
        tasks, first.min(axis=0), first.max(axis=0), color=colour, alpha=0.2
    )
plots.floor(
    left, tasks, tables["all tasks", 0][:, :, 0].mean(axis=0), "all tasks at hand"
)
left.set(xticks=tasks, ylim=(0, 1.02))
plots.labels(left, "tasks learned", "share read right", "the first task")
for way, colour in zip(("EWC", "empirical", "L2"), plots.COLOURS):
    heights = [tables[way, s][:, -1].mean() for s in WAYS[way][1]]
    right.semilogx(WAYS[way][1], heights, "o-", color=colour, label=way)
plots.floor(
    right, [0.01, 1000], [ends("all tasks").mean()] * 2, "all tasks at hand"
)
plots.labels(
    right, "strength of the penalty", "share read right", "all five, at the end"
)
plots.save(figure, "25_forgetting")

# %% [markdown]
# **Left:** how much of the first task is left after each further task. Lines are means
# over the worlds, and the shaded bands reach from the worst to the best world. The dashed
# line keeps all examples of all tasks. **Right:** the mean over all five tasks at the
# end, against the strength of the penalty. Too weak a penalty forgets the old tasks, too
# strong a one cannot learn the new ones. The strengths of L2 and of EWC cannot be
# compared with each other, because $F$ has a scale of its own.
#
# ## Exercises
#
# **Exercise 1.** Task A measures 0 with precision 1, task B measures 1 with precision 1,
# task C measures 2 with precision 2. Where does the way with *two* penalties end after
# C? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "62400ac2")

# %% [markdown]
# **Exercise 2.** A coin shows heads with the chance $p=1/(1+e^{-\theta})$. What is the
# Fisher information of $\theta$ at $\theta=0$? (There are two labels; square the
# derivative of $\log p$ for each, and weigh them by their chances.)

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "1fbb54ef")

# %% [markdown]
# **Exercise 3.** The full Fisher is $\begin{pmatrix}2&1.6\\1.6&2\end{pmatrix}$. Move the
# parameters by $v=(1,-1)$. By which factor is the penalty of the diagonal alone larger
# than the true one $v^\top Fv$?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "a44e81d4")

# %% [markdown]
# **Exercise 4.** In the step with a penalty, let $r$ go to infinity. To which value does
# a parameter with $F_{ii}>0$ go: its old value, its anchor, or zero? Answer in one word.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "092a5612")

# %% [markdown]
# **What changed since the last lessons.** What one task hands to the next is neither a
# start nor a rule, but a penalty: an approximate posterior, whose errors can be computed
# where the truth is known. `python -m minimeta verify forgetting` has the theorems.

# %%
finish()
