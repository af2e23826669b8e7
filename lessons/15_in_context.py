# %% [markdown]
# # 15. In context: one layer of attention is one step of gradient descent
#
# **The promise.** You build a layer of attention that contains no learning rule, only
# products and sums. You set its weights by hand, and it takes exactly one step of
# gradient descent on the examples in front of it. Then you let it learn its weights from
# many tasks, and the first figure shows that it ends at the error of the best such step,
# which we know in closed form. The second figure puts a transformer, a deeper network of
# such layers, beside the Bayes-optimal learner.
#
# **You need** the lessons *gradients*, *bayes* (the Bayes-optimal learner of noisy linear
# maps), *maml* (the inner step and its step size) and *recurrent* (the LSTM learner, and
# sequences on which every example is first a question). From mathematics: the trace of
# a matrix and the expectation of a product.
#
# **Takes** about 75 minutes to read with the exercises, and under a minute to run.
#
# **Before:** a learner adapts by changing parameters, or by changing the state of a
# recurrent cell. **After:** a learner adapts by *looking at* its examples. Nothing in the
# network changes, and the examples stay as they are.
#
# Let $(x_j,y_j)$, $j=1,\dots,N$, be the examples of a task, and $x$ a question. The layer
# of this lesson answers with one number,
#
# $$\hat y=\frac{\alpha}{N}\sum_{j=1}^{N}\big(x\cdot x_j\big)\,y_j .$$
#
# Read from the inside, this is *attention*: the question is compared with every example,
# and the label of each example counts as much as the example resembles the question. Read
# from the outside, it is *gradient descent*: we will see that it is the answer of a linear
# model after one gradient step of size $\alpha$. This was shown by von Oswald and others
# (2022).

# %%
import itertools

import numpy

from minimeta import plots
from minimeta.core.backend import np, to_device, using
from minimeta.core.gradients import grad
from minimeta.core.optim import adam
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import in_context, linear_gaussian
from minimeta.memories import linear_attention, recurrent, tokens, transformer
from minimeta.meta import along, evaluate
from minimeta.tasks import Data
from minimeta.tasks.regression import linear, uniform
from minimeta.training import meta_train, sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## What attention is
#
# A network of this kind reads *tokens*. A token is a row of numbers, and here each example
# is one token: its input and its label side by side, $e_j=[x_j,y_j]$. The question is a
# token, too. We do not know its label, so a zero stands in the label's place.
#
# Attention lets one token ask the others. Three matrices, $W_Q$, $W_K$ and $W_V$, give
# every token three new rows of numbers:
#
# * The *query* $e\,W_Q$ says what the asking token is looking for.
# * The *key* $e_j W_K$ says what token $j$ has to offer.
# * The *value* $e_j W_V$ is what token $j$ hands over when it is asked.
#
# The *score* of token $j$ is the product of the query with its key. The asking token
# receives the sum of all values, each times its score, and adds it to itself. That is all.
# (The usual attention makes the scores positive and lets them sum to one, by a softmax. We
# leave the softmax out until later. Attention without it is called *linear*.)


# %%
def ask(weights, asking, context):
    """The tokens asking (M, Q, H), after they asked the context (M, N, H)."""
    queries = asking @ weights["Q"]
    keys, values = context @ weights["K"], context @ weights["V"]
    scores = queries @ np.swapaxes(keys, -1, -2)  # (M, Q, N)
    return asking + scores @ values


def answer(weights, support, x):
    """What one layer answers to questions x (M, Q, D): minus the last entry."""
    context = np.concatenate([support.x, support.y], axis=-1)
    asking = np.concatenate([x, 0.0 * x[..., :1]], axis=-1)
    return -ask(weights, asking, context)[..., -1:]


# %% [markdown]
# ## A step of gradient descent
#
# Now to something that seems quite different. A linear model predicts $x\cdot w$, and its
# loss on the examples is half the mean squared error,
#
# $$L(w)=\frac1{2N}\sum_{j=1}^N\big(x_j\cdot w-y_j\big)^2,\qquad
# \nabla L(w)=\frac1N\sum_{j=1}^N\big(x_j\cdot w-y_j\big)\,x_j .$$
#
# We start at $w=0$, where the gradient is minus the mean of $y_j x_j$. One step of size
# $\alpha$ leads to $w_1=\frac{\alpha}{N}\sum_j y_j x_j$, and the answer to a question is
# $x\cdot w_1$. Take the product with $x$ into the sum, and you have the equation at the
# top of the page.
#
# So we can write down a layer that takes this step. Its queries and keys must be the
# inputs, without the labels. Its values must be the labels times $-\alpha/N$, without the
# inputs. The minus sign is a convention of the paper, to which we return below: the label
# entry of a token then always holds what is *still wrong*, and an answer is minus that
# entry of the question's token.


# %%
def step_by_hand(D, alpha, N):
    """The weights of a layer that takes one step of size alpha on N examples."""
    inputs = numpy.diag([1.0] * D + [0.0])  # keeps the inputs of a token
    label = numpy.eye(D + 1) - inputs  # keeps its label
    return {"Q": inputs, "K": inputs, "V": -alpha / N * label}


# %% [markdown]
# ## A case to check by hand
#
# Take a task with one input and two examples, $(x,y)=(1,2)$ and $(2,4)$. The step size is
# $\alpha=0.2$.
#
# **Predict, then run.** Which $w_1$ does one gradient step from $w=0$ reach, and what does
# the layer answer to the question $x=3$?

# %%
two = Data(numpy.array([[[1.0], [2.0]]]), numpy.array([[[2.0], [4.0]]]))
by_layer = answer(step_by_hand(1, 0.2, 2), two, numpy.array([[[3.0]]]))
print("the layer answers", by_layer.item())

# %% [markdown]
# The mean of $y_jx_j$ is $(2+8)/2=5$, so $w_1=0.2\cdot5=1$ and the answer is $3$. On five
# random tasks with four inputs we compare the layer with a gradient that autograd takes.


# %%
def loss(w, support):
    return 0.5 * np.mean((support.x @ w - support.y) ** 2)


def after_one_step(support, x, alpha):
    """The answers of a linear model to x after one step on one task's support."""
    start = numpy.zeros((support.x.shape[-1], 1))
    return x @ (start - alpha * grad(loss)(start, support))


some = linear(rng, 5, 6, 3, numpy.eye(4))  # 5 tasks with 6 examples and 3 questions
by_descent = numpy.stack(
    [
        after_one_step(Data(x, y), asked, 0.7)
        for x, y, asked in zip(*some.support, some.query.x)
    ]
)

# %%
claim_equal(by_layer, 3.0, 1e-14, "By hand: the layer answers 3.")
claim_equal(
    answer(step_by_hand(4, 0.7, 6), some.support, some.query.x),
    by_descent,
    1e-13,
    "On random tasks the layer is one gradient step, to the last digits.",
)

# %% [markdown]
# ## The memory inside
#
# In the sum over the examples, the question comes first only because we wrote it there.
# The scores are products, so we may multiply keys and values first,
#
# $$\sum_j\big(q\cdot k_j\big)\,v_j=q\,F,\qquad F=\sum_j k_j^\top v_j .$$
#
# The matrix $F$ does not depend on the question. It is written by the examples, one after
# another, and read by the question. Such a matrix is called a memory of *fast weights*,
# because it changes with every example while the weights $W_Q,W_K,W_V$ stay. Attention
# without a softmax is nothing else. The library's `memories.linear_attention` works in this
# way: to `adapt` is to compute $F$, and to `observe` one example is to add one product to
# it. (It has a fourth matrix $P$, which multiplies the values, as the paper has.)

# %%
layer_of_library = linear_attention.learner(4)
hand_set = linear_attention.gradient_descent(4, 1, step_size=0.7, examples=6)
memory = layer_of_library.start(hand_set, some.support.x)
for j in range(6):
    memory = layer_of_library.observe(
        hand_set, memory, some.support.x[:, j], some.support.y[:, j]
    )

# %%
claim_equal(
    layer_of_library.predict(hand_set, memory, some.query.x),
    answer(step_by_hand(4, 0.7, 6), some.support, some.query.x),
    1e-13,
    "The library's layer, fed one example at a time, gives this page's answers.",
)

# %% [markdown]
# ## How good one step can be
#
# One step does not solve a task. How close can it come, with the best step size? Let the
# inputs be independent with mean zero, $\mathbb E\,x^2=v$ and $\mathbb E\,x^4=m$ for each
# of the $D$ inputs. Let the weights of the tasks be $w\sim\mathcal N(0,I)$, and let there
# be no noise. With $A=\frac1N\sum_jx_j^\top x_j$ a step leads to $w_1=\alpha Aw$, so that the
# expected squared error at a new question is
#
# $$R(\alpha)=v\;\mathbb E\,\mathrm{tr}\,(I-\alpha A)^2
# =vD\,\big(1-2\alpha v+\alpha^2B\big),\qquad
# B=\frac{N-1}{N}v^2+\frac{m+(D-1)v^2}{N}.$$
#
# The first term of $B$ comes from pairs of two examples and the second one from an example
# paired with itself. The parabola has its minimum at $\alpha=v/B$, and there
# $R=vD\,(1-v^2/B)$. We call this number the *plateau* of one step.
#
# The authors use $N=D=10$. Their text says that the inputs are uniform between $-1$ and
# $1$. Their code draws them between $-\frac12$ and $\frac12$. (For inputs uniform in
# $(-a,a)$, $v=a^2/3$ and $m=a^4/5$.) They report half the squared error.
#
# **Predict, then run.** Inputs that are half as large make $v$ four times smaller. By
# which factor does the plateau fall?

# %%
for half_width in (1.0, 0.5):
    moments = in_context.uniform_moments(half_width)
    best_size = in_context.best_step_size(10, 10, *moments)
    half_error = in_context.plateau(10, 10, *moments) / 2
    print(f"a = {half_width}: alpha = {best_size:.4f}, plateau {half_error:.5f}")

# %% [markdown]
# It falls by four as well. A change of units leaves $v^2/B$ as it is, because the best step
# size grows by four in return, and only the factor $vD$ is left. The curves of the paper
# end near $0.2$, as the code's inputs make them. Who takes the text at its word looks for
# a mistake that is not there. Is the formula right?
# For inputs that are $-1$ or $1$ we can go through *every* context and average.


# %%
def mean_over_all(alpha):
    """R(alpha) for D = 2, N = 2 and inputs of -1 or 1, over all 16 contexts."""
    risks = []
    for signs in itertools.product((-1.0, 1.0), repeat=4):
        X = numpy.reshape(signs, (2, 2))
        left = numpy.eye(2) - alpha * X.T @ X / 2
        risks.append(numpy.trace(left @ left))
    return numpy.mean(risks)


# %%
claim_equal(
    mean_over_all(0.5),
    in_context.risk(0.5, examples=2, inputs=2, second=1.0, fourth=1.0),
    1e-13,
    "Averaged over every context, the risk is the formula's.",
)
claim_equal(half_error, 0.20623, 5e-6, "The authors' inputs: half of R is .20623.")

# %% [markdown]
# ## Let the layer find its weights
#
# So far the weights were set by hand. Now they start at random, and meta-training (lesson
# *maml*) sees only tasks: ten examples, a question and its answer. Nobody tells the layer
# about gradients. Beside the layer stand two lines. One is the plateau of the best step.
# The other is the floor, the error of the Bayes-optimal learner. It is zero here, because
# ten examples without noise determine ten weights.

# %%
UPDATES = 40 if QUICK else 1000
TASKS = 500 if QUICK else 20000


def draw(generator, tasks=256):
    return uniform(generator, tasks, 10, 1, inputs=10)


def outer_size(updates):
    return 0.01 * (1 - updates / UPDATES)


learner = linear_attention.learner(10)
with using(dtype="float32"):
    generator = numpy.random.default_rng([SEED, 0])
    outer = adam(outer_size)
    learned, history = meta_train(
        learner, draw, generator, UPDATES, optimizer=outer
    )

# %%
learned = to_device(learned)  # the weights in float64 from here on
new = draw(numpy.random.default_rng([SEED, 1]), TASKS)
best_step = in_context.learner(best_size * numpy.eye(10))
errors_layer = evaluate(learner, learned, new)
errors_step = evaluate(best_step, {}, new)
plateau = in_context.plateau(10, 10, *moments)

# %% [markdown]
# The comparison is paired: for each of the new tasks we take the squared error of the
# layer less that of the best step on the same task. Luck with the tasks drops out.

# %%
excess = (errors_layer - errors_step) / plateau
print(f"half the error of the layer: {plateau * (1 + excess.mean()) / 2:.5f}")
claim(
    abs(excess.mean()) + 2 * excess.std() / TASKS**0.5 < 0.015,
    "The trained layer is within 1.5 % of the plateau, with two standard errors.",
    f"{100 * excess.mean():.2f} % above",
    "within 1.5 %",
    trained=True,
)

# %%
drawing, (paper,) = plots.figure(height=3.6)
width = max(1, UPDATES // 50)
smooth = history.reshape(-1, width).mean(axis=1) / 2
paper.plot(
    numpy.arange(len(smooth)) * width, smooth, label="the layer, in training"
)
paper.axhline(plateau / 2, color=plots.COLOURS[1], label="best single step, exact")
plots.floor(paper, [0, UPDATES], [0, 0])
plots.labels(paper, "meta-updates", "half the squared error", "One layer learns")
plots.save(drawing, "15_one_layer")

# %% [markdown]
# The blue line is half the squared error on the tasks of each meta-update, averaged over
# fifty stretches of the training. The orange line is the exact plateau of one gradient
# step, and the dashed black line the Bayes-optimal learner. The layer comes down to the
# orange line and stays. Notice what it cannot do: however long it trains, it does not pass
# below. All that the layer keeps of a task is the matrix $F$, and from it a single product
# with the question can do no better than one step of gradient descent.
#
# ## More layers, more steps
#
# The paper's minus sign now pays off. If the tokens of the *context* ask each other as
# well, the label entry of each becomes $y_j-x_j\cdot w_1$, what is still wrong after one
# step. That is what the next gradient step needs in place of $y_j$. A second layer of the
# same weights is a second step, and so on.
#
# **Predict, then run.** In the task with the examples $(1,2)$ and $(2,4)$, one step led to
# $w_1=1$. Where does the second step lead, and what do two layers answer to $x=3$?

# %%
twice = linear_attention.gradient_descent(1, 1, step_size=0.2, examples=2, layers=2)
two_layers = linear_attention.learner(1, layers=2)
second_answer = two_layers.predict(
    twice, two_layers.adapt(twice, two), numpy.array([[[3.0]]])
)
print("two layers answer", second_answer.item())

# %% [markdown]
# The remaining errors are $2-1=1$ and $4-2=2$, the mean of $x_j$ times them is $2.5$, and so
# $w_2=1+0.2\cdot2.5=1.5$.

# %%
claim_equal(second_answer, 4.5, 1e-13, "Two layers are two steps: 4.5.")

# %% [markdown]
# ## A transformer
#
# The *transformer* is the network that made attention famous. It differs from our layer in
# three ways. The scores go through a softmax. After each layer of attention, a small
# perceptron works on every token alone. And the tokens are normalised (mean zero, variance
# one) before each of the two. Attention and perceptron together are a *block*, and blocks
# are stacked.
#
# We want one network that answers after *any* number of examples, as the LSTM did. So
# every token may ask only those before it and itself. This is called *causal* attention.
# Each token holds a question and, beside it, the whole example before it,
#
# $$[x_1,0,0],\;[x_2,x_1,y_1],\;[x_3,x_2,y_2],\;\dots$$
#
# and the answer to a question is read at its token. The LSTM of the lesson *recurrent* was
# fed in another way: the label came one input *late*, without its own input, as
# $[x_1,0],[x_2,y_1],[x_3,y_2]$ and so on. We will train the transformer in both ways.
#
# First the question that the lesson *recurrent* asked as well: which labels does an answer
# depend on? We differentiate the third answer of an untrained transformer with respect to
# the labels.

# %%
fresh_net = transformer.learner(2, width=16, tokens=tokens.chain)
fresh = fresh_net.init(rng)
few = linear(rng, 3, 5, 1, numpy.eye(2)).support  # 3 tasks with 5 examples


def third_answer(y):
    return np.sum(along(fresh_net, fresh, Data(few.x, y))[:, 2])


depends = numpy.any(grad(third_answer)(few.y) != 0, axis=(0, 2))
print(tokens.chain(few.x, few.y)[0].round(1))
print("the third answer depends on labels", 1 + numpy.flatnonzero(depends))

# %%
claim(
    depends.tolist() == [True] * 2 + [False] * 3,
    "The third answer has seen labels 1 and 2 and no other.",
)

# %% [markdown]
# ## Train it, and an LSTM beside it
#
# The tasks are noisy lines through two inputs, $y=x\cdot w+\text{noise}$, with
# $w\sim\mathcal N(0,I)$, $x\sim\mathcal N(0,I)$ and noise of variance $0.25$. A sequence
# has $T=16$ examples, and every answer counts. For these tasks the Bayes-optimal learner
# is known (lesson *bayes*): it is ridge regression, the minimiser of the squared error plus
# $0.25\,|w|^2$.
#
# Three learners are trained: a transformer with labels beside their inputs, the same
# transformer with labels one step late, and the LSTM of the lesson *recurrent*. The late
# transformer is given learned *positions*: its tokens also say where in the sequence they
# stand. Without them it would have to find out which token comes just before another from
# how much each of them has seen. The sizes and step sizes are this project's. The script
# `experiments/in_context.py` trains all of them longer.

# %%
T, NOISE, EYE = 16, 0.25, numpy.eye(2)  # NOISE is a variance
STEPS = {"transformer": 800, "late": 800, "LSTM": 800}
LEARNERS = {
    "transformer": transformer.learner(2, heads=2, tokens=tokens.chain),
    "late": transformer.learner(2, heads=2, tokens=tokens.late_labels, positions=T),
    "LSTM": recurrent.learner(2, hidden=64),
}


def sample_of(tasks):
    return lambda rng: linear(rng, tasks, T - 1, 1, EYE, noise_variance=NOISE)


def train_one(name, tasks, size):
    """The weights of a learner, untrained and trained, in float64."""
    steps = 15 if QUICK else STEPS[name]
    generator = numpy.random.default_rng([SEED, len(name)])
    outer = adam(lambda t: size * (1 - t / steps), decay_square=0.99)
    with using(dtype="float32"):
        before = LEARNERS[name].init(generator)
        start = LEARNERS[name]._replace(init=lambda rng: before)
        after, _ = sequence_train(
            start, sample_of(tasks), generator, steps, optimizer=outer
        )
    return to_device(before), to_device(after)


# %%
untrained, trained = {}, {}
for name, tasks, size in [
    ("transformer", 32, 0.006),
    ("late", 32, 0.006),
    ("LSTM", 64, 0.02),
]:
    untrained[name], trained[name] = train_one(name, tasks, size)

# %% [markdown]
# ## Beside Bayes, on new tasks
#
# All learners answer the same new tasks. What Bayes expects at each position is computed
# (`risk`), and the mean paired difference of squared errors, learner less Bayes, is added
# to it. So the dashed line is exact, and the distance to it is measured. For the line of a
# single gradient step we need no training at all, since its plateau is known for every
# number of examples.

# %%
NEW = 200 if QUICK else 4000
both = linear(
    numpy.random.default_rng([SEED, 9]), NEW, T, 1, EYE, noise_variance=NOISE
)
data = both.support
means, _ = linear_gaussian.sequential(*data, 0.0, EYE, NOISE)
bayes = np.sum(data.x * means[:, :-1, :, 0], axis=-1, keepdims=True)
floor = numpy.array(
    [linear_gaussian.risk(data.x[:, :n], EYE, NOISE).mean() for n in range(T)]
)
one_step = [in_context.plateau(n, 2, 1.0, 3.0, NOISE) for n in range(1, T)]


def above(name, meta):
    """Squared error less that of Bayes, for each task and position: (M, T)."""
    given = along(LEARNERS[name], meta, data)
    return ((given - data.y) ** 2 - (bayes - data.y) ** 2)[..., 0]


gaps = {name: above(name, trained[name]) for name in LEARNERS}
gap_before = above("transformer", untrained["transformer"])

# %%
shares = {}
for name, gap in gaps.items():
    shares[name] = 100 * gap.mean() / floor.mean()
    error = 100 * gap.mean(axis=1).std() / NEW**0.5 / floor.mean()
    print(f"{name:12} {shares[name]:6.1f} +- {error:.1f} % above Bayes")

# %%
for name, gap in gaps.items():
    each = gap.mean(axis=1)  # (M,)
    claim(
        each.mean() > -4 * each.std() / NEW**0.5,
        f"Bayes is not beaten by this learner: {name}.",
        each.mean(),
        "not below 0 by more than four standard errors",
    )
claim(
    shares["transformer"] < 40,
    "The transformer comes within 40 % of Bayes in these few steps.",
    f"{shares['transformer']:.1f} %",
    "< 40 %",
    trained=True,
)
claim(
    shares["LSTM"] < 15,
    "The LSTM comes within 15 % of Bayes.",
    f"{shares['LSTM']:.1f} %",
    "< 15 %",
    trained=True,
)

# %%
later = (gaps["late"] - gaps["transformer"]).mean(axis=1)  # paired, (M,)
claim(
    later.mean() - 2 * later.std() / NEW**0.5 > 0.4 * floor.mean(),
    "With late labels the transformer misses Bayes by far more.",
    f"{shares['late']:.0f} % above Bayes",
    "40 % more than with labels beside their inputs",
    trained=True,
)

# %%
drawing, (paper,) = plots.figure(height=4.0)
shots = numpy.arange(T)
curves = [("untrained transformer", gap_before, plots.BEFORE)]
curves += [(f"{n} labels" if n == "late" else n, gaps[n], None) for n in gaps]
for label, gap, colour in curves:
    style = {} if colour is None else {"color": colour}
    half = 2 * gap.std(axis=0) / NEW**0.5
    plots.band(paper, shots, floor + gap.mean(axis=0), half, label, **style)
paper.plot(shots[1:], one_step, color=plots.COLOURS[4], label="best single step")
plots.floor(paper, shots, floor)
ticks = [0.3, 0.5, 1, 2, 4]
paper.set(yscale="log", ylim=(0.25, 20), yticks=ticks, yticklabels=ticks)
paper.minorticks_off()
plots.labels(paper, "examples seen", "squared error", "Learning in context")
plots.save(drawing, "15_transformer")

# %% [markdown]
# Each curve shows the mean squared error at a question, noise included, after the number
# of examples below it. The dashed black line is what the Bayes-optimal learner expects. The
# grey curve is the transformer before training, the blue one after it. The orange curve is
# the same transformer with late labels, the green one the LSTM, and the yellow line is the
# plateau of the best single gradient step for each number of examples, exactly. The bands
# are two standard errors wide on each side. The vertical axis is logarithmic.
#
# Compare the curves. The transformer lies below the line of a single step and comes
# towards Bayes: its three blocks do more than one step of gradient descent can. With late
# labels and as much training it stays far above. Nothing is missing from those tokens,
# since a label can be found one token after its input. But to bring the two together the
# network must first learn to look exactly one token back. Until it has, a label is of
# little use, and there is little gradient to guide it. Longer training helps, and helps the
# other transformer as well. This is why the label stands beside its input. The
# LSTM has no such trouble, because it reads one token after the other and carries the
# last input along. On these small tasks it is even the best of the trained learners.
#
# The same statements stand on the proof sheet: `python -m minimeta verify in_context`.
#
# ## Exercises
#
# **1.** One layer takes one step of size $\alpha=0.5$ from $w=0$. The task has one input and
# the examples $(x,y)=(1,2)$, $(-1,0)$ and $(2,4)$. What does the layer answer to the
# question $x=3$? Give the exact number.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "a44e81d4")

# %% [markdown]
# **2.** With noise of variance $\sigma^2$ on the labels, the bracket $B$ gains a further
# term $v\sigma^2/N$. Take $D=4$ inputs from $\mathcal N(0,1)$, for which $v=1$ and $m=3$,
# and $N=20$ examples with $\sigma^2=1$. What is the best step size? Give it to three
# digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "54ab23fa")

# %% [markdown]
# **3.** A third way to write examples is in pairs of tokens, $[x_1,0],[x_1,y_1],[x_2,0],
# [x_2,y_2],\dots$: first the question, then the example. The answers are read at the tokens
# with a zero. How many tokens has a sequence of 16 examples, and at which token, counted
# from 0, does the answer stand that has seen exactly five labels? Answer with a list of the
# two numbers.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "adca33c5")

# %% [markdown]
# **4.** Take the examples $(1,2)$ and $(1,2)$ and the step size $\alpha=0.5$. What do three
# layers, each with the weights of one gradient step, answer to the question $x=1$?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "b81ffb0f")

# %% [markdown]
# **What changed since the last lesson.** A memory need not be a state that is written
# step by step. The examples themselves can be the memory, and attention is the
# learning rule that reads them.

# %%
finish()
