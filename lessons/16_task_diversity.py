# %% [markdown]
# # 16. Task diversity: from knowing tasks to learning them
#
# **The promise.** Two learners with the same network and the same training can end as
# opposite things. One has learned its training tasks by heart and is lost on any other
# task. The other has learned how to learn. What decides between them is the number $M$
# of *different* tasks in training. The first figure shows this change as curves that
# are computed and not trained. The second figure shows it in a small transformer that
# reads handwritten digits.
#
# **You need** the lessons *bayes* (the posterior mean, and ridge regression as the best
# learner of linear tasks) and *in_context* (linear attention, and a transformer that
# reads examples as tokens).
#
# **Takes** about 70 minutes to read with the exercises, and under a minute to run.
#
# **Before:** every step of training drew new tasks, and we did not ask whether that was
# needed. **After:** you can tell how many tasks a learner needs before it learns to
# learn, and you measure on new tasks, not only on those of training.
#
# Let there be $M$ tasks in training, with the weights $w_1,\dots,w_M$, and let a learner
# be shown examples $(X,y)$ of one of them. The best answer to a new input $x$ is
#
# $$\hat y=x^\top\sum_{m=1}^M p_m\,w_m,\qquad
# p_m=\frac{\exp\big(-|y-Xw_m|^2/2\sigma^2\big)}
# {\sum_{k=1}^M\exp\big(-|y-Xw_k|^2/2\sigma^2\big)}.$$
#
# This is Bayes' rule for a list of tasks. For a short list it is a memory. The lesson
# asks what it becomes when the list grows.

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np, to_device, using
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import finite_tasks, linear_gaussian
from minimeta.memories import transformer
from minimeta.meta import along
from minimeta.tasks import Data, glyphs, projections
from minimeta.tasks.datasets import digits, split
from minimeta.tasks.regression import from_weights
from minimeta.training import sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Seen tasks and new tasks
#
# A task is a linear map with noise, $y=x^\top w+\text{noise}$, as in the lesson *bayes*.
# The inputs come from $\mathcal N(0,I)$ in $D$ dimensions, and the noise has the variance
# $\sigma^2$. Before training we draw a *pool* of $M$ weight vectors from
# $\mathcal N(0,I)$, once. Every training example belongs to one of these $M$ tasks.
#
# From now on there are two questions instead of one. How good is the learner on *seen*
# tasks, those of the pool, when it is shown fresh examples of them? And how good is it on
# *new* tasks, whose weights are drawn from $\mathcal N(0,I)$ for the test?
#
# For each question we know the best possible learner.
#
# * On seen tasks it is the formula at the top of the page. It knows the pool and only
#   asks which of its tasks explains the examples best. The literature calls it *dMMSE*,
#   for discrete minimum mean squared error.
# * On new tasks it is *ridge regression*, $\hat w=(X^\top X+\sigma^2I)^{-1}X^\top y$. This
#   is the posterior mean of the lesson *bayes* for the prior $\mathcal N(0,I)$.
#
# The first learner looks a task up. The second one learns it. Here are both.


# %%
def weigh_tasks(pool, x, y, noise):
    """p_m (..., M) for a pool (M, D), from x (..., N, D) and y (..., N)."""
    errors = y[..., None] - x @ pool.T  # (..., N, M)
    scores = -numpy.sum(errors**2, axis=-2) / (2 * noise)
    chances = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
    return chances / chances.sum(axis=-1, keepdims=True)


def dmmse(pool, x, y, noise):
    """The estimate of w (..., D): the tasks of the pool, weighed by p_m."""
    return weigh_tasks(pool, x, y, noise) @ pool


def ridge(x, y, noise):
    """The estimate of w (..., D) by ridge regression."""
    transposed = numpy.swapaxes(x, -1, -2)  # (..., D, N)
    curvature = transposed @ x + noise * numpy.eye(x.shape[-1])
    return numpy.linalg.solve(curvature, transposed @ y[..., None])[..., 0]


# %% [markdown]
# ## A case to check by hand
#
# Let there be one input, and let the pool hold the two tasks $w=1$ and $w=-1$. The noise
# has variance 1. One example is shown: $x=1$, $y=0.5$.
#
# **Predict, then run.** What does dMMSE answer at $x=1$? What does ridge regression
# answer? Two digits are enough.

# %%
two_tasks = numpy.array([[1.0], [-1.0]])
one_x, one_y = numpy.array([[1.0]]), numpy.array([0.5])
looked_up = dmmse(two_tasks, one_x, one_y, 1.0)[0]
learned = ridge(one_x, one_y, 1.0)[0]
print(f"dMMSE {looked_up:.4f}   ridge {learned:.4f}")

# %% [markdown]
# The two errors are $0.5-1=-0.5$ and $0.5+1=1.5$. So the odds of the two tasks are
# $e^{-0.25/2}:e^{-2.25/2}=e:1$, and the answer is $\frac{e-1}{e+1}=\tanh 0.5$. Ridge
# regression divides the sum of $xy$ by the sum of $x^2$ plus the noise: $0.5/2$.
#
# With a *single* task in the pool there is nothing to weigh. The learner then gives the
# answer of that task before it has seen any example, and no example can change its mind.

# %%
claim_equal(looked_up, numpy.tanh(0.5), 1e-12, "Two tasks are weighed e to 1.")
claim_equal(learned, 0.25, 1e-12, "Ridge regression halves the label.")
stubborn = dmmse(two_tasks[:1], one_x, one_y - 100, 1.0)[0]
claim_equal(stubborn, 1.0, 0.0, "A pool of one task is never changed by examples.")

# %% [markdown]
# The library has both learners, under the names `finite_tasks.learner` and
# `linear_gaussian.learner`. They give the answers of this page.

# %%
D, N, NOISE = 3, 4, 0.25  # inputs, examples of a task, and the noise variance
some_pool = rng.normal(size=(7, D))
task = from_weights(rng, some_pool[..., None], N, 5, NOISE)
shown = task.support.x, task.support.y[..., 0], NOISE


def library_answers(learner):
    return learner.predict({}, learner.adapt({}, task.support), task.query.x)


claim_equal(
    task.query.x @ dmmse(some_pool, *shown)[..., None],
    library_answers(finite_tasks.learner(some_pool[..., None], NOISE)),
    1e-12,
    "This page's dMMSE is the library's.",
)
claim_equal(
    task.query.x @ ridge(*shown)[..., None],
    library_answers(linear_gaussian.learner(0.0, numpy.eye(D), NOISE)),
    1e-12,
    "This page's ridge regression is the library's.",
)

# %% [markdown]
# ## The first curve: a perfect memory
#
# We now measure dMMSE for pools of 1 to 1024 tasks, on seen and on new tasks. If a learner
# estimates $\hat w$ where $w$ is true, its mean squared error at a fresh input is
# $|\hat w-w|^2+\sigma^2$, because the inputs come from $\mathcal N(0,I)$. So no query has
# to be drawn. One pool may be lucky, so we take the mean over many pools.
#
# **Predict, then run.** With $M=1$ the learner always answers with $w_1$. What is its mean
# squared error on new tasks, for $D=3$ and $\sigma^2=0.25$? For comparison: the learner
# that always answers zero has the error $D+\sigma^2=3.25$.


# %%
def draw_examples(weights):
    """N examples of each task (M, D): x (M, N, D) and y (M, N)."""
    x = rng.normal(size=(len(weights), N, weights.shape[1]))
    noise = NOISE**0.5 * rng.normal(size=x.shape[:2])
    return x, (x @ weights[..., None])[..., 0] + noise


def errors_of(estimate, weights):
    return numpy.sum((estimate - weights) ** 2, axis=-1) + NOISE


def memory_errors(tasks, pools, inputs=D):
    """Mean errors of dMMSE on seen and on new tasks, a row a pool: (pools, 2)."""
    rows = []
    for _ in range(pools):
        pool = rng.normal(size=(tasks, inputs))
        seen = pool[rng.integers(tasks, size=100)]
        new = rng.normal(size=seen.shape)
        estimates = [dmmse(pool, *draw_examples(w), NOISE) for w in (seen, new)]
        rows.append(
            [errors_of(*pair).mean() for pair in zip(estimates, (seen, new))]
        )
    return numpy.array(rows)


# %%
def mean_and_error(samples):
    """The mean over pools and its standard error."""
    return samples.mean(axis=0), samples.std(axis=0) / len(samples) ** 0.5


POOL_SIZES = 2 ** numpy.arange(11)  # M = 1, 2, 4, ..., 1024
POOLS = 30 if QUICK else 400
memory = {M: memory_errors(M, int(10 + POOLS / M**0.5)) for M in POOL_SIZES}
new_x, _ = draw_examples(numpy.zeros((2000, D)))
floor_of_new = linear_gaussian.risk(new_x, numpy.eye(D), NOISE).mean()
for M in (1, 16, 1024):
    (seen, new), _ = mean_and_error(memory[M])
    print(f"M = {M:4}   seen {seen:.3f}   new {new:.3f}   ridge {floor_of_new:.3f}")

# %% [markdown]
# Two independent weight vectors from $\mathcal N(0,I)$ have the mean squared distance
# $2D$, so the error on new tasks is $2D+\sigma^2=6.25$. To be sure of the wrong task is
# nearly twice as bad as to know nothing at all.
#
# With $M=1024$ both errors are nearly those of ridge regression. The pool is then so
# dense that near every possible weight vector there is a task of the pool, and to look
# up the nearest one is as good as to learn.

# %%
(seen, new), (seen_error, new_error) = mean_and_error(memory[1])
claim(
    abs(new - (2 * D + NOISE)) < 4 * new_error,
    "With one task the error on new tasks is 2 D + noise, up to chance.",
    new,
    f"{2 * D + NOISE} within {4 * new_error:.2f}",
)
claim_equal(
    seen, NOISE, 1e-12, "With one task only the noise is left on seen tasks."
)
(seen, new), _ = mean_and_error(memory[1024])
claim(
    abs(new / floor_of_new - 1) < 0.15 and abs(seen / floor_of_new - 1) < 0.15,
    "With 1024 tasks dMMSE is within 15 percent of ridge on seen and on new tasks.",
    f"{seen:.3f} and {new:.3f}",
    f"near {floor_of_new:.3f}",
)

# %% [markdown]
# ## The second curve: one layer of linear attention
#
# A network does not have room for a list of any length. The lesson *in_context* had the
# smallest network that learns from examples: one layer of linear attention. From the
# $N$ examples it makes one vector, and its answer is linear in this vector:
#
# $$z=\frac1N X^\top y,\qquad \hat y=x^\top G\,z.$$
#
# This is one step of gradient descent from $w=0$, with the matrix $G$ for a step size.
# What does training on $M$ tasks make of $G$? The answer is a sum of products of a number
# of $z$ with a number of $x$, each with a coefficient, so the best $G$ is a *least-squares*
# solution. Its normal equations contain two averages over tasks, inputs and noise.
# Write $V=\frac1M\sum_m w_mw_m^\top$ for the second moment of the pool. Then
#
# $$\mathbb E\,z\,w^\top=V,\qquad \mathbb E\,z\,z^\top=B=\Big(1+\frac1N\Big)V
# +\frac{\operatorname{tr}V+\sigma^2}{N}I,\qquad G=V B^{-1}.$$
#
# The first average says that $z$ is $w$ on average. The second one adds what comes from
# having only $N$ random inputs, and the noise. It uses that for Gaussian inputs
# $\mathbb E\,(X^\top X)\,V\,(X^\top X)=(N^2+N)\,V+N\operatorname{tr}V\,I$. The error of any $G$
# on tasks of *any* second moment $V'$, with its own $B'$, is
#
# $$\sigma^2+\operatorname{tr}\big(G B' G^\top-2\,G V'+V'\big).$$
#
# So we put in $V'=V$ for seen tasks and $V'=I$ for new ones. No data are needed.


# %%
def second_moment_of_z(V, examples=N):
    spread = (numpy.trace(V) + NOISE) / examples
    return (1 + 1 / examples) * V + spread * numpy.eye(len(V))


def best_attention(V, examples=N):
    return V @ numpy.linalg.inv(second_moment_of_z(V, examples))


def attention_error(G, V, examples=N):
    B = second_moment_of_z(V, examples)
    return NOISE + numpy.trace(G @ B @ G.T - 2 * G @ V + V)


# %% [markdown]
# A formula this long deserves a test by another route. We draw many sequences from a
# pool of three tasks, form all $D^2$ products of $z$ and $x$, and let `lstsq` find the
# coefficients. It knows nothing of the formula.

# %%
pool = rng.normal(size=(3, D))
drawn_w = pool[rng.integers(3, size=200_000)]
x, y = draw_examples(drawn_w)
z = numpy.einsum("mnd,mn->md", x, y) / N
query = rng.normal(size=z.shape)
target = numpy.sum(query * drawn_w, axis=-1)
products = (query[:, :, None] * z[:, None, :]).reshape(len(z), D * D)
fit, *_ = numpy.linalg.lstsq(products, target, rcond=None)
V = pool.T @ pool / 3
print("by formula", best_attention(V).round(3).tolist())
print("by lstsq  ", fit.reshape(D, D).round(3).tolist())

# %%
claim_equal(
    fit.reshape(D, D),
    best_attention(V),
    0.02,
    "Least squares on 200 000 sequences finds the G of the formula.",
)
claim_equal(
    best_attention(V),
    finite_tasks.best_attention(V, N, NOISE),
    1e-12,
    "The library's best G is this page's.",
)
claim_equal(
    attention_error(2 * V, numpy.eye(D)),
    finite_tasks.attention_risk(2 * V, numpy.eye(D), N, NOISE),
    1e-12,
    "The library's risk of a G is this page's error.",
)

# %% [markdown]
# With one task, $V=w_1w_1^\top$, and $G$ is a number times $w_1w_1^\top$: the layer looks
# at the direction of its only task and is blind in all others. With endless tasks $V=I$,
# and $G$ is the best step size times the identity: every direction counts the same.
# Between the two, $V$ has the rank of $M$ vectors as long as $M$ is below $D$. So we
# expect the change near $M=D$.

# %%


def attention_errors(tasks, pools, inputs=D):
    """Exact errors of the best G on seen and on new tasks: (pools, 2)."""
    rows = []
    for _ in range(pools):
        drawn = rng.normal(size=(tasks, inputs))
        moment = drawn.T @ drawn / tasks
        G = best_attention(moment)
        moments = moment, numpy.eye(inputs)
        rows.append([attention_error(G, V) for V in moments])
    return numpy.array(rows)


attention = {M: attention_errors(M, 50 if QUICK else 1000) for M in POOL_SIZES}
step_limit = attention_error(best_attention(numpy.eye(D)), numpy.eye(D))
for M in (1, 4, 16, 1024):
    (seen, new), _ = mean_and_error(attention[M])
    print(f"M = {M:4}   seen {seen:.3f}   new {new:.3f}   limit {step_limit:.3f}")

# %%
(seen_one, new_one), _ = mean_and_error(attention[1])
claim(
    seen_one < step_limit < new_one,
    "With one task linear attention beats the best step on this task alone.",
    f"{seen_one:.3f} and {new_one:.3f}",
    f"below and above {step_limit:.3f}",
)
gaps_at_64 = [numpy.diff(mean_and_error(e[64])[0])[0] for e in (memory, attention)]
claim(
    gaps_at_64[0] > 5 * gaps_at_64[1],
    "At 64 tasks the curves have met for linear attention alone.",
    f"gaps {gaps_at_64[0]:.3f} and {gaps_at_64[1]:.3f}",
    "five times apart",
)

# %%
curves, panels = plots.figure(2)
kinds = ("best memory (dMMSE)", memory), ("linear attention", attention)
limits = (
    (floor_of_new, "ridge: best on new tasks"),
    (step_limit, "one best step size"),
)
for ax, (title, errors), (limit, name) in zip(panels, kinds, limits):
    means, half = zip(*(mean_and_error(errors[M]) for M in POOL_SIZES))
    for k, kind in enumerate(("seen tasks", "new tasks")):
        middle, wide = numpy.array(means)[:, k], 2 * numpy.array(half)[:, k]
        plots.band(ax, POOL_SIZES, middle, wide, kind, color=plots.COLOURS[k], lw=2)
    plots.floor(ax, POOL_SIZES, numpy.full(len(POOL_SIZES), limit), name)
    ax.axhline(D + NOISE, color=plots.BEFORE, linestyle=":", label="answer zero")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_ylim(0.2, 24)
    ax.minorticks_off()
    ax.set_yticks([0.25, 0.5, 1, 2, 4, 8], ["0.25", "0.5", "1", "2", "4", "8"])
    plots.labels(ax, "tasks in training, M", "mean squared error", title)
plots.save(curves, "16_curves")

# %% [markdown]
# Both panels show the mean squared error against the number $M$ of tasks in training, on
# logarithmic scales. Blue is the error on seen tasks, orange that on new tasks. The bands
# are two standard errors over random pools. The dotted line is the error of the answer
# zero, which needs no learning.
#
# **Left:** the best memory. On seen tasks no learner at all is below the blue curve, and
# on new tasks none is below the dashed line, which is ridge regression. Follow the curves
# from left to right. More tasks make the learner *worse* on seen tasks, because there is
# more to tell apart, and better on new tasks. Where the two meet, to know the tasks and
# to learn them are the same.
#
# **Right:** linear attention, which has room for $D\times D$ numbers and no more. Its two
# curves meet far earlier. The dashed line is what one step with the best step size
# reaches, and the two curves enclose it: the average error on seen tasks is below it,
# the one on new tasks above. A small network does not generalise because it is clever. It
# generalises because it cannot keep that many tasks apart.
#
# The two kinds of learner differ even more when there are more inputs. A memory needs a
# pool that is dense in $D$ dimensions, which takes a number of tasks that grows
# exponentially with $D$. Linear attention needs a number of tasks that grows like $D$.
#
# **Predict, then run.** We double the number of inputs to $D=6$ and keep 1024 tasks. By
# how much is each of the two learners worse on new tasks than on seen ones?

# %%
wide_gaps = {}
for name, errors_with in (
    ("memory", memory_errors),
    ("attention", attention_errors),
):
    gaps = numpy.diff(errors_with(1024, 10, 2 * D), axis=1)
    wide_gaps[name] = gaps.mean()
    print(f"{name:9} new minus seen, D = 6: {wide_gaps[name]:.3f}")

# %%
claim(
    wide_gaps["memory"] > 1,
    "In six dimensions 1024 tasks are too few for the best memory.",
    wide_gaps["memory"],
    "> 1",
)
claim(
    abs(wide_gaps["attention"]) < 0.3,
    "In six dimensions 1024 tasks are enough for linear attention.",
    wide_gaps["attention"],
    "within 0.3",
)

# %% [markdown]
# ## Endless tasks from one data set
#
# Does the same happen in a network that has room for many tasks, on real data, where
# nobody knows the formula? For this we need a family of classification tasks whose number
# we can choose. Kirsch and others (2022) make one from any data set with classes.
#
# * The images $u$ of a task are multiplied by a random matrix $A$, the same for all
#   images of the task: the input is $x=uA$, here with 16 numbers. Distances between
#   images are kept on average, but no single input means anything.
# * Five of the classes are chosen and numbered in a random order. The label of an image
#   is the number of its class.
#
# So a task is a matrix and an order of classes. Who does not know the task cannot guess a
# label from an image, and must learn the labels from the examples of the sequence. The
# data are the 8 by 8 digits of the lesson *networks*. Some of the images are kept for
# testing, so that on seen tasks, too, the test images are fresh.

# %%
images, names = digits()
to_train, to_test = split(numpy.random.default_rng(SEED), images, names, test=600)
to_train, to_test = (
    (projections.standardise(u), k) for u, k in (to_train, to_test)
)
CLASSES, T = 5, 20  # and the number of examples in a sequence


def draw_sequences(data, maps, rng):
    """T examples of each task: x (M, T, D) and one-hot y (M, T, C)."""
    first, last = projections.from_maps(rng, *data, maps, T - 1, 1)
    return Data(*(numpy.concatenate(parts, axis=1) for parts in zip(first, last)))


some = draw_sequences(
    to_train, projections.draw_maps(rng, *to_train, 3, CLASSES), rng
)
print("inputs", some.x.shape, " labels of a sequence", some.y[0].argmax(axis=-1))

# %% [markdown]
# How often can anyone be right on a new task? A perfect eye would tell which images
# belong to one class, but the *number* of a class is known only once an example of it
# has been shown.
#
# **Predict, then run.** With five classes and no example, every answer is right once in
# five times. How often can a learner with a perfect eye be right after *one* example?

# %%
for examples in (0, 1, 2, 19):
    bound = finite_tasks.label_bound(CLASSES, examples)
    print(f"{examples:2} examples: right at most in {100 * bound:.2f} percent")

# %% [markdown]
# After one example, the next image is of the class that was shown with a chance of
# $\frac15$, and then the answer is right. Otherwise four numbers are left, and a guess is
# right once in four times: $\frac15+\frac45\cdot\frac14=0.4$.

# %%
bound_after_one = finite_tasks.label_bound(CLASSES, 1)
claim_equal(bound_after_one, 0.4, 1e-12, "One example makes 40 percent possible.")

# %% [markdown]
# ## Training with 1, 16, 64 and 256 tasks
#
# The learner is the transformer of the lesson *in_context*. Every example is written as
# two tokens, first its input alone and then its input with its label, and the answers
# stand at the tokens without a label. In training there are $M$ tasks. A step of training
# makes 32 sequences. For each it draws one of the $M$ tasks at random, and then fresh
# images. It follows the gradient of the cross-entropy at all 20 positions. Nothing but
# $M$ differs between the four trainings: not the network, not the number of steps, not
# the number of images.

# %%
NUMBERS, STEPS = (1, 16, 64, 256), 8 if QUICK else 400
reader = transformer.learner(16, CLASSES, width=48, blocks=2, loss=cross_entropy)


# %%
def step_size(step):
    """A rise over 50 steps, then a straight line down to zero."""
    return 0.01 * np.minimum(1, (step + 1) / 50) * (1 - step / STEPS)


def train_with(M):
    """The pool of M tasks, and the transformer trained on it."""
    generator = numpy.random.default_rng([SEED, M])
    maps = projections.draw_maps(generator, *to_train, M, CLASSES)

    def sample(rng):
        batch = projections.choose(rng, maps, 32)
        return projections.from_maps(rng, *to_train, batch, T - 1, 1)

    outer = adam(step_size, decay_square=0.99)
    with using(dtype="float32"):
        meta, _ = sequence_train(reader, sample, generator, STEPS, optimizer=outer)
    return maps, to_device(meta)


# %%
trained = {M: train_with(M) for M in NUMBERS}

# %% [markdown]
# Each learner is tested on 1000 sequences of test images, first from its own tasks and
# then from new ones. The new tasks are the same for all four. Beside them we put a
# learner that needs no training: the *nearest neighbour* takes the label of the example
# that is closest to the query. It cannot tell a seen task from a new one.

# %%
SEQUENCES = 50 if QUICK else 1000
stream = numpy.random.default_rng([SEED, 1000])
fresh_maps = projections.draw_maps(stream, *to_test, SEQUENCES, CLASSES)
new_data = draw_sequences(to_test, fresh_maps, stream)


def rights(meta, data):
    """Whether each answer along the sequences is right: (M, T)."""
    answers = along(reader, meta, data)
    return answers.argmax(axis=-1) == data.y.argmax(axis=-1)


def nearest_is_right(data):
    """The same for the last answer of the nearest neighbour: (M,)."""
    squares = numpy.sum(
        (data.x[:, :-1] - data.x[:, -1:]) ** 2, axis=-1
    )  # (M, T - 1)
    label = data.y.argmax(axis=-1)
    nearest = numpy.take_along_axis(label, squares.argmin(axis=1)[:, None], axis=1)
    return nearest[:, 0] == label[:, -1]


# %%
right = {}
for M, (maps, meta) in trained.items():
    seen_maps = projections.choose(stream, maps, SEQUENCES)
    seen_data = draw_sequences(to_test, seen_maps, stream)
    right[M] = numpy.stack([rights(meta, data) for data in (seen_data, new_data)])

# %%
neighbour = 100 * nearest_is_right(new_data).mean()
percent = {M: 100 * right[M].mean(axis=1) for M in NUMBERS}  # (2, T)
print("percent right      at the first example    at the 20th example")
for M in NUMBERS:
    (seen_first, new_first), (seen_last, new_last) = percent[M][:, [0, -1]].T
    print(f"M = {M:3}   seen {seen_first:11.1f} {seen_last:23.1f}")
    print(f"          new {new_first:12.1f} {new_last:23.1f}")
print(f"nearest neighbour {neighbour:32.1f}")

# %%
for sentence, value, low, high in (
    ("One task: known before any example.", percent[1][0, 0], 80, 100),
    ("One task: seen tasks are answered well.", percent[1][0, -1], 90, 100),
    ("One task: on new tasks the network guesses.", percent[1][1, -1], 14, 26),
    ("16 tasks: new ones stay near guessing.", percent[16][1, -1], 14, 35),
    ("256 tasks: little is known at first.", percent[256][0, 0], 15, 36),
    ("256 tasks: new tasks are learned.", percent[256][1, -1], 60, 100),
):
    needed = f"{low} to {high} percent"
    claim(low < value < high, sentence, value, needed, trained=True)
known = [percent[M][0, 0] for M in NUMBERS]
claim(
    min(-numpy.diff(known)) > 5,
    "The more tasks, the less is known of seen tasks before any example.",
    ", ".join(f"{value:.1f}" for value in known),
    "each at least 5 points lower",
    trained=True,
)

# %%
lost = percent[256][0, -1] - percent[256][1, -1]
claim(
    abs(lost) < 8,
    "With 256 tasks seen and new tasks are answered alike.",
    lost,
    "within 8 points",
    trained=True,
)
gains = right[256][1, :, -1].astype(float) - right[16][1, :, -1]
interval = 2 * gains.std() / SEQUENCES**0.5
claim(
    gains.mean() - interval > 0.2,
    "On the same new tasks 256 training tasks beat 16 by more than 20 points.",
    f"{100 * gains.mean():.1f} +- {100 * interval:.1f}",
    "> 20 points",
    trained=True,
)

# %%
numbers_figure, (left, right_panel) = plots.figure(2, height=4.2)
for k, kind in enumerate(("seen tasks", "new tasks")):
    last = numpy.array([percent[M][k, -1] for M in NUMBERS])
    spread = numpy.array([right[M][k, :, -1].std() for M in NUMBERS])
    half = 200 * spread / SEQUENCES**0.5
    plots.band(left, NUMBERS, last, half, kind, color=plots.COLOURS[k], marker="o")
possible = [100 * finite_tasks.label_bound(CLASSES, n) for n in range(T)]
plots.floor(left, NUMBERS, numpy.full(4, possible[-1]), "possible on new tasks")
left.axhline(neighbour, color=plots.COLOURS[2], label="nearest neighbour")
left.axhline(100 / CLASSES, color=plots.BEFORE, linestyle=":", label="untrained")
left.set_xscale("log")
left.minorticks_off()
left.set_xticks(NUMBERS, NUMBERS)
plots.labels(left, "tasks in training, M", "percent right", "at example 20")
for M, colour in zip((1, 64, 256), plots.COLOURS[3:]):
    for k, style in enumerate(("-", "-.")):
        look = dict(color=colour, linestyle=style)
        name = f"M = {M}, {('seen', 'new')[k]} tasks"
        right_panel.plot(range(T), percent[M][k], label=name, **look)
plots.floor(right_panel, range(T), possible, "possible on new tasks")
plots.labels(right_panel, "examples seen", "percent right", "along a sequence")
for ax in (left, right_panel):
    ax.legend(frameon=False, fontsize=9, ncols=2, bbox_to_anchor=(1, -0.18))
plots.save(numbers_figure, "16_task_diversity")

# %% [markdown]
# **Left:** the percentage of right answers after 19 examples, against the number of tasks
# in training. Blue is on seen tasks, orange on new ones; the bands are two standard
# errors over 1000 test sequences. The dotted line is a network before training, the green
# line the nearest neighbour, and the dashed line what the numbering of the classes allows
# on new tasks. These are the two curves of the first figure, turned upside down. The blue
# curve falls, because more tasks are harder to keep apart. The orange one rises late: only
# with enough tasks does what was learned carry over to tasks that were never met.
#
# **Right:** the same along a sequence, for three of the learners. Solid lines are seen
# tasks, broken ones are new. The dashed line is what is possible for a learner that must be
# shown the numbers of the classes, and a line above it knows them already. With one task
# the network is right *before the first example*, because it knows its task by heart.
# Examples are of no use to it, and on new tasks it stays where guessing is. With 256 tasks
# it begins near guessing on both kinds and then climbs: it has to read the examples, and
# reading them works for any task. With 64 tasks it does some of both.
#
# ## What was learned is not about digits
#
# If the network with 256 tasks has learned to learn, then the images need not be digits.
# We draw new tasks from the letters of the lesson *few_shot*. None of the networks has
# been trained on a letter.

# %%
letters = glyphs.load("test", side=14)
letter_set = projections.standardise(letters.x.astype(float)), letters.y
letter_maps = projections.draw_maps(stream, *letter_set, SEQUENCES, CLASSES)
letter_data = draw_sequences(letter_set, letter_maps, stream)
on_letters = {M: rights(trained[M][1], letter_data)[:, -1].mean() for M in NUMBERS}
for M in NUMBERS:
    print(f"M = {M:3}: right on letters in {100 * on_letters[M]:.1f} percent")
print(
    f"nearest neighbour: {100 * nearest_is_right(letter_data).mean():.1f} percent"
)

# %%
claim(
    100 * on_letters[1] < 26,
    "The network that knows one task of digits guesses on letters.",
    100 * on_letters[1],
    "< 26 percent",
    trained=True,
)
claim(
    100 * on_letters[256] > 38,
    "The network with 256 tasks of digits learns letters from their examples.",
    100 * on_letters[256],
    "> 38 percent",
    trained=True,
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** The pool holds three tasks with one input, $w=-1$, $w=0$ and $w=2$. The
# noise has variance $0.5$. One example is shown, $x=1$ and $y=1$. What does dMMSE answer
# at $x=1$? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "206f0c8d")

# %% [markdown]
# **Exercise 2.** Weights come from $\mathcal N(0,2I)$ in five dimensions, and the noise
# has variance $0.1$. A learner was trained on a single task and always answers as this
# task does. What is its mean squared error on new tasks, on average over the task that it
# knows? Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "afbe43ba")

# %% [markdown]
# **Exercise 3.** With endless tasks from $\mathcal N(0,I)$, the best $G$ is a number times
# the identity. Which number is it for $D=10$ inputs, $N=20$ examples and noise of variance
# 1? Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "ae9a6589")

# %% [markdown]
# **Exercise 4.** New tasks have *ten* classes, numbered in a random order, and examples
# are of random classes. What is the least number of examples after which a learner with a
# perfect eye can be right more than nine times in ten? Give the whole number.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "4be7a557")

# %% [markdown]
# **What changed since the last lesson.** Training draws from a pool of $M$ tasks instead of
# endless ones. With few tasks the best thing to do is to remember them, and with many it
# is to learn. `python -m minimeta verify task_diversity` prints the theorems of this page.

# %%
finish()
