# %% [markdown]
# # 10. Recurrent: an LSTM that learns in its activations
#
# **The promise.** You build the cell of an LSTM, train it on many small regression
# tasks, and then freeze every weight. On a new task the network learns all the same.
# While it reads twenty examples, its error falls from that of a learner that knows
# nothing to little more than that of the best learner there can be. The first curves
# show by how much it misses the best, after each number of examples. The last figure
# shows where the learning happens: what Bayes' rule would compute can be read from the
# memory of the network.
#
# **You need** the lessons *gradients*, *networks* (layers, Adam) and *bayes* (the
# posterior mean and variance of a line, and the Bayes-optimal learner).
#
# **Takes** about 80 minutes to read with the exercises, and under a minute to run.
#
# **Before:** adapting to a task is gradient descent, or algebra. **After:** adapting to
# a task is *running* a network over its examples.
#
# A task is a sequence of questions $x_1,x_2,\dots,x_T$ and their answers, the labels
# $y_1,y_2,\dots,y_T$. At step $t$ the network is fed the question $x_t$ and the label
# *before* it, $y_{t-1}$. From its memory it gives the answer $\hat y_t$, and only then
# the label $y_t$ is shown. With $h_t$ for what the network puts out at step $t$ and
# $c_t$ for its memory,
#
# $$h_t,c_t=\mathrm{LSTM}\big([x_t,y_{t-1}],\,h_{t-1},c_{t-1}\big),\qquad
# \hat y_t=h_tW+b,\qquad
# \min\;\mathbb E_{\text{task}}\;\frac1T\sum_{t=1}^T|\hat y_t-y_t|^2.$$
#
# There are two speeds of learning in this line. The weights are learned slowly, by
# gradient descent across many tasks. The numbers $h$ and $c$ change at every step and
# learn one task, quickly. This idea is from Hochreiter, Younger and Conwell (2001).

# %%
import numpy

from minimeta import diagrams, plots
from minimeta.core.backend import np, to_device, using
from minimeta.core.gradients import grad
from minimeta.core.optim import adam
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import linear_gaussian
from minimeta.memories import by_hand, recurrent
from minimeta.tasks import Data
from minimeta.tasks.regression import linear
from minimeta.training import sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## A memory with gates
#
# A *recurrent* network reads a sequence one element at a time and carries a state from
# step to step. The simplest one computes its whole state anew: it multiplies the old
# state by a matrix, adds the input, and applies $\tanh$. Whatever it wants to remember
# must survive that matrix and that $\tanh$ at every step. The gradient has the same
# trouble on its way back. It is multiplied by a similar factor at every step, so after
# twenty steps it has usually shrunk to nothing or grown out of bounds.
#
# The *long short-term memory* (LSTM) of Hochreiter and Schmidhuber (1997) keeps a second
# state beside $h$: the memory $c$, also called the cell state. The memory is not computed
# anew. It is kept, and something is added to it.

# %%
drawing, (paper,) = plots.figure(height=3.8)
diagrams.lstm_cell(paper)
plots.save(drawing, "10_cell")

# %% [markdown]
# Read the picture from left to right along the top: this is the memory, from $c_{t-1}$
# to $c_t$. A *gate* is a number between 0 and 1 by which something is multiplied: with 0
# the gate is shut, with 1 it is open. Every gate is computed from the input $x_t$ and
# the last output $h_{t-1}$ by a linear layer of its own, followed by the function
# $\sigma(z)=1/(1+e^{-z})$, which maps every number into the interval from 0 to 1.
#
# * The *forget gate* $f$ multiplies the old memory. It says how much of it is kept.
# * The *candidate* $g$, a number between $-1$ and $1$, is what might be written.
# * The *input gate* $i$ multiplies the candidate. It says how much of it is written.
# * The *output gate* $o$ multiplies $\tanh c_t$. It says how much of the memory is shown.
#
# In formulas, with products taken element by element,
#
# $$c_t=f\,c_{t-1}+i\,g,\qquad h_t=o\,\tanh c_t.$$
#
# A layer of $H$ such cells has $H$ memories and $H$ outputs. Its four linear layers are
# one matrix product, whose result is cut into four parts in the order $i,f,g,o$. In the
# code, $M$ tasks are run at once, $D$ is the number of inputs, and the linear layers are
# the matrices $W_x$ (from the inputs), $W_h$ (from the last outputs) and the offset $b$.


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cell(weights, h, c, x):
    """One step of an LSTM: x (M, D), states h and c (M, H) -> new h and c."""
    z = x @ weights["W_x"] + h @ weights["W_h"] + weights["b"]  # (M, 4H)
    i, f, g, o = np.split(z, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# %% [markdown]
# ## A case to check by hand
#
# Take one cell whose weights are zero, so that the offset alone sets the gates. Before
# $\sigma$ or $\tanh$ is applied, let the four numbers be $0$ for the input gate,
# $\log 3$ for the forget gate, $40$ for the candidate and $40$ for the output gate.
#
# **Predict, then run.** The old memory is 4. What is the new memory? By how much does it
# change if the old memory grows by 1?


# %%
numbers = numpy.array([0.0, numpy.log(3.0), 40.0, 40.0])  # for i, f, g, o
fixed = {"W_x": numpy.zeros((1, 4)), "W_h": numpy.zeros((1, 4)), "b": numbers}
zero = numpy.zeros((1, 1))


def new_memory(old):
    return cell(fixed, zero, old + zero, zero)[1].item()


def memory_after(steps, old):
    c = old + zero
    for _ in range(steps):
        _, c = cell(fixed, zero, c, zero)
    return np.sum(c)


print("new memory:", new_memory(4.0), " if the old one is 5:", new_memory(5.0))

# %% [markdown]
# Since $\sigma(\log 3)=3/(1+3)$, three quarters of the old memory are kept. Since
# $\sigma(0)=\frac12$ and $\tanh 40=1$, one half is added. The derivative of the new
# memory with respect to the old one is the forget gate, and nothing else. After $n$ steps
# it is the product of $n$ forget gates. With gates near 1 that product does not vanish,
# and this is why an LSTM can learn to remember.

# %%
claim_equal(
    new_memory(4.0), 3.5, 1e-12, "Three quarters are kept, a half is added."
)
kept = grad(lambda old: memory_after(20, old))(4.0)
claim_equal(
    kept,
    0.75**20,
    1e-12,
    "After 20 steps the derivative is the product of the gates.",
)

# %% [markdown]
# ## From a cell to a learner
#
# A learner must answer $x_t$ before it is shown $y_t$. So the cell is fed $x_t$ together
# with the label before it, and at the first step a zero takes the place of that label.
# The answer is a linear function of $h_t$, the `read` layer. The function `run` returns
# the answers to all questions of a sequence and, for later, all states.


# %%
def run(meta, data):
    """Answers (M, T, C) from the examples before each, and states (M, T, 2H)."""
    h = c = np.zeros((len(data.x), len(meta["read"]["W"])))  # (M, H)
    label, answers, states = 0.0 * data.y[:, 0], [], []
    for t in range(data.x.shape[1]):
        pair = np.concatenate([data.x[:, t], label], axis=-1)  # (M, D + C)
        h, c = cell(meta["cell"], h, c, pair)
        answers.append(h @ meta["read"]["W"] + meta["read"]["b"])
        states.append(np.concatenate([h, c], axis=-1))
        label = data.y[:, t]
    return np.stack(answers, axis=1), np.stack(states, axis=1)


# %% [markdown]
# One mistake would spoil everything that follows: to let an answer see its own label.
# The gradient tells us what an answer depends on. We take an untrained network and
# differentiate its fourth answer with respect to all six labels.

# %%
fresh = recurrent.init(rng, inputs=2, outputs=1, hidden=8)
few = linear(rng, 5, 6, 1, numpy.eye(2)).support  # 5 tasks with 6 examples each


def fourth_answer(y):
    return np.sum(run(fresh, Data(few.x, y))[0][:, 3])


depends = numpy.any(grad(fourth_answer)(few.y) != 0, axis=(0, 2))
print("the fourth answer depends on labels", 1 + numpy.flatnonzero(depends))

# %%
claim(
    depends.tolist() == [True] * 3 + [False] * 3,
    "The fourth answer has seen labels 1, 2 and 3 and no other.",
)

# %% [markdown]
# ## One cell can average
#
# Can such a network hold a learning algorithm at all? Here is one that we set by hand. The
# task is to guess the next label when all labels are a constant plus noise. The best
# guess is a mean of the labels so far, so the memory must hold a running mean.
#
# At step $t$ we feed $\log t$ in the place of the question. The forget gate sees it with
# weight $1$ and opens to $\sigma(\log t)=\frac t{t+1}$. The input gate sees it with weight
# $-1$ and opens to $\sigma(-\log t)=\frac1{t+1}$. If the memory was the sum of the old
# labels divided by $t$, it now is the sum of the old and the new label, divided by $t+1$.
# At step $t$ the network has been shown $t-1$ labels. So the memory is their sum divided
# by $t+1$: their mean, as if two further labels had been zero.
#
# One detail remains. The candidate is a $\tanh$ of the label, and we want the label
# itself. For small numbers $\tanh z$ is nearly $z$, so the label is made a hundred
# thousand times smaller on its way in, and the answer larger on its way out.
#
# **Predict, then run.** The labels are 6, 3 and 7. What does the network answer before
# the first label and after each of the three?

# %%
tiny = 1e-5
from_log_t, from_label = [-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, tiny, 0.0]  # i f g o
into_gates = numpy.array([from_log_t, from_label])
averaging_cell = {
    "W_x": into_gates,
    "W_h": numpy.zeros((1, 4)),
    "b": numpy.array([0.0, 0.0, 0.0, 40.0]),  # the output gate is always open
}
read_layer = {"W": numpy.array([[1 / tiny]]), "b": numpy.zeros(1)}
averager = {"cell": averaging_cell, "read": read_layer}
log_t = numpy.log(numpy.arange(1.0, 5.0)).reshape(1, 4, 1)
labels = numpy.array([6.0, 3.0, 7.0, 0.0]).reshape(1, 4, 1)
averages, _ = run(averager, Data(log_t, labels))
print("answers", averages[0, :, 0].round(6))

# %% [markdown]
# The answers are $0$, $6/3$, $9/4$ and $16/5$. A mean with two additional zeros is what
# Bayes' rule gives, too: by the lesson *bayes*, the posterior mean of a constant is
# $\sum y/(n+\sigma^2/v)$ if the noise has the variance $\sigma^2$ and the constant has
# the prior $\mathcal N(0,v)$. So our cell is the Bayes-optimal learner for noise with
# twice the variance of the prior. The library's `by_hand.running_mean` is the same cell.

# %%
claim_equal(
    averages[0, :, 0],
    numpy.array([0, 6 / 3, 9 / 4, 16 / 5]),
    1e-8,
    "One cell holds the mean with two zeros more.",
)
constant_question = numpy.ones((1, 4, 1))
exact_means, _ = linear_gaussian.sequential(
    constant_question, labels, 0.0, numpy.eye(1), 2.0
)
claim_equal(
    averages,
    exact_means[:, :-1, 0],
    1e-8,
    "It is Bayes' rule, if the noise has twice the variance of the prior.",
)
clock = by_hand.log_odds(4, prior=2.0)[None]
claim_equal(
    recurrent.predict_along(by_hand.running_mean(), Data(clock, labels)),
    averages,
    1e-8,
    "The averaging cell of the library gives the same answers.",
)

# %% [markdown]
# ## The same as the library
#
# Now we want gates that nobody sets by hand. To train them we need the gradient through
# all steps of a sequence. Our loop is right but slow. The library's `memories.recurrent`
# computes the same for a whole sequence in one call, and its backward pass is written by
# hand. It also has the three functions of every learner (lesson *bayes*). To `adapt` is to
# run over the support. To `predict` is to run one step more, from a copy of the state
# for each query, so that no query sees another.

# %%
claim_equal(
    recurrent.predict_along(fresh, few),
    run(fresh, few)[0],
    1e-12,
    "The library's LSTM gives this page's answers.",
)
after_three = recurrent.adapt(fresh, Data(few.x[:, :3], few.y[:, :3]))
claim_equal(
    recurrent.predict(fresh, after_three, few.x[:, 3:4]),
    run(fresh, few)[0][:, 3:4],
    1e-12,
    "A query after three examples is answered as the fourth of a sequence.",
)

# %% [markdown]
# ## Train it
#
# The tasks are linear maps $y=x^\top w+\text{noise}$, first with $D=1$ input, then with
# $D=2$. The weights come from $\mathcal N(0,I/D)$, the inputs from $\mathcal N(0,I)$, and
# the noise has the standard deviation $0.1$. A sequence has $T=20$ examples. The LSTM has
# $32D$ cells. A step of training draws 64 new tasks and follows the gradient of the loss
# at the top of the page, over all twenty answers at once (`sequence_train`). The outer
# step size falls linearly to zero. These sizes are ours, not those of the paper.

# %%
T, NOISE = 20, 0.1**2  # NOISE is a variance
UPDATES = 30 if QUICK else 3000


def train_lstm(D):
    """The weights of an LSTM for maps of D inputs, before and after training."""

    def sample(rng):
        return linear(rng, 64, T - 1, 1, numpy.eye(D) / D, 0.0, NOISE)

    def step_size(updates):
        return 0.02 * (1 - updates / UPDATES)

    generator = numpy.random.default_rng([SEED, D])
    learner = recurrent.learner(D, hidden=32 * D)
    outer = adam(step_size, decay_square=0.99)
    with using(dtype="float32"):
        before = learner.init(generator)
        after, _ = sequence_train(
            learner, sample, generator, UPDATES, optimizer=outer
        )
    return {"untrained": to_device(before), "LSTM": to_device(after)}


trained = {D: train_lstm(D) for D in (1, 2)}

# %% [markdown]
# ## Beside Bayes, on new tasks
#
# Three learners see the same 5000 new tasks.
#
# *Bayes* is the floor of the lesson *bayes*. Its posterior after $n$ examples is the prior
# for the next one, so one pass over a sequence gives its answer at every position.
#
# *SGD* starts at $w=0$ and takes one gradient step after every example. This, too, is an
# LSTM: `by_hand.gradient_descent` sets the weights of five cells for each input so that
# the network descends. Its step size is the best of four on 500 tasks set aside.
#
# *LSTM* is the trained network. Its weights are frozen.


# %%
def draw_sequences(D, tasks, stream):
    generator = numpy.random.default_rng([SEED, D, stream])
    return linear(generator, tasks, T, 1, numpy.eye(D) / D, 0.0, NOISE).support


def squared_errors(meta, data):
    return (recurrent.predict_along(meta, data) - data.y)[..., 0] ** 2  # (M, T)


def bayes_along(data):
    """Squared errors (M, T) of Bayes, and the posterior before each."""
    D = data.x.shape[-1]
    mean, variance = linear_gaussian.sequential(*data, 0.0, numpy.eye(D) / D, NOISE)
    answers = np.sum(data.x * mean[:, :-1, :, 0], axis=-1)
    return (answers - data.y[..., 0]) ** 2, mean[:, :-1], variance[:, :-1]


def best_descent(D):
    """Of four step sizes, the SGD with the least error on tasks set aside."""
    aside = draw_sequences(D, 500, stream=2)
    choices = [by_hand.gradient_descent(size, D) for size in (0.1, 0.2, 0.3, 0.4)]
    return min(choices, key=lambda meta: squared_errors(meta, aside).mean())


# %% [markdown]
# The floor could be measured as the mean of Bayes' squared errors. We know it more
# exactly: the posterior variance says what error Bayes *expects* (`risk`).

# %%
TASKS = 300 if QUICK else 5000
errors, best, floor = {}, {}, {}
for D in (1, 2):
    data = draw_sequences(D, TASKS, stream=1)
    best[D], _, _ = bayes_along(data)
    errors[D] = {
        name: squared_errors(trained[D][name], data) for name in trained[D]
    }
    errors[D]["SGD"] = squared_errors(best_descent(D), data)
    seen = [data.x[:, :n] for n in range(T)]
    risks = [linear_gaussian.risk(x, numpy.eye(D) / D, NOISE) for x in seen]
    floor[D] = np.mean(np.stack(risks), axis=1)  # (T,)

# %% [markdown]
# **Predict, then run.** Add up the twenty errors that Bayes expects with one input,
# $D=1$. What share of the sum is the error of the very first answer?

# %%
for D in (1, 2):
    print(f"D = {D}: the first answer is {floor[D][0] / floor[D].sum():.0%} of it")

# %%
for D in (1, 2):
    claim_equal(
        floor[D][0],
        1 + NOISE,
        1e-12,
        f"D = {D}: the first error of Bayes is the variance of y.",
    )
share = floor[1][0] / floor[1].sum()
claim(
    share > 0.5,
    "With one input the first answer has most of the sum.",
    share,
    "> 0.5",
)

# %% [markdown]
# The first answer comes before any example, and nobody can do better there than to answer
# zero. An average over all twenty answers would therefore flatter every learner: a large
# part of it is the same for all. So we compare position by position. The comparison is
# paired. For every task and position we take the squared error of a learner less that of
# Bayes on the same task. The mean of these differences says how far the learner lies above
# Bayes. Added to what Bayes expects, it gives the curve of the learner. The chance that
# these tasks were easy or hard, which is the same for both, drops out.


# %%
def curve(error, D):
    """The mean errors of a learner (T,), measured from Bayes upwards."""
    return floor[D] + (error - best[D]).mean(axis=0)


def above_bayes(error, D):
    """How far errors (M, T) lie above Bayes, in shares; two standard errors."""
    above = (error - best[D]) / floor[D]
    return above.mean(axis=0), 2 * above.std(axis=0) / TASKS**0.5


for D in (1, 2):
    middle, half = above_bayes(errors[D]["LSTM"], D)
    print(f"D = {D}\nexamples     SGD    LSTM    Bayes    LSTM above Bayes")
    for n in (0, 1, 2, 3, 5, 10, 19):
        means = [curve(errors[D][name], D)[n] for name in ("SGD", "LSTM")]
        print(f"{n:8} {means[0]:7.4f} {means[1]:7.4f}  {floor[D][n]:7.4f}", end="")
        print(f"  {middle[n]:6.0%} +- {half[n]:.0%}")

# %% [markdown]
# The interval at two or three examples is wide. A few tasks, whose inputs happened to lie
# near zero, carry much of the mean there.

# %%
for D, always, later in ((1, 1.0, 0.5), (2, 1.6, 0.9)):
    middle, half = above_bayes(errors[D]["LSTM"], D)
    lowest = np.min(2 * middle / np.maximum(half, 1e-12))
    text = f"D = {D}: at no position is the LSTM below Bayes by more than chance."
    claim(lowest > -4, text, lowest, "> -4 standard errors")
    for first, limit in ((0, always), (5, later)):
        text = f"D = {D}: from {first} examples on the LSTM is this close to Bayes."
        highest = (middle + half)[first:].max()
        found = f"at most {highest:.0%} above"
        claim(highest < limit, text, found, f"< {limit:.0%}", trained=True)
    least = (middle - half)[3]
    text = f"D = {D}: after three examples it is still measurably above."
    claim(least > 0.05, text, f"at least {least:.0%}", "> 5%", trained=True)
    fall = curve(errors[D]["LSTM"], D)[-1] / (1 + NOISE)
    text = f"D = {D}: nineteen examples take away almost all of the first error."
    claim(fall < 0.02, text, fall, "< 0.02 of it is left", trained=True)

# %% [markdown]
# Is the LSTM ahead of SGD? The step of SGD is too large for some tasks, and their errors
# carry much of its mean. So we state a median as well: for every task, the mean of the
# errors of SGD after one to ten examples, less that of the LSTM on the same task.

# %%
for D in (1, 2):
    ahead = np.mean((errors[D]["SGD"] - errors[D]["LSTM"])[:, 1:11], axis=1)  # (M,)
    text = f"D = {D}: with one to ten examples the LSTM is ahead of SGD."
    surely = ahead.mean() - 2 * ahead.std() / TASKS**0.5
    value = f"mean at least {surely:.3f}, median {np.median(ahead):.3f}"
    claim(min(surely, np.median(ahead)) > 0.01, text, value, "> 0.01", trained=True)
gap = {D: above_bayes(errors[D]["LSTM"], D) for D in (1, 2)}
surely = (gap[2][0] - gap[2][1] - gap[1][0] - gap[1][1])[5]
text = "After five examples more is missing with two inputs than with one."
claim(surely > 0, text, f"at least {surely:.0%} more", "> 0%", trained=True)


# %%
def draw_learning(ax, D):
    names = {
        "untrained": plots.BEFORE,
        "SGD": plots.COLOURS[1],
        "LSTM": plots.AFTER,
    }
    for name, colour in names.items():
        ax.semilogy(curve(errors[D][name], D), color=colour, lw=2, label=name)
    plots.floor(ax, range(T), floor[D])
    ax.set_xticks(range(0, T, 5))
    plots.labels(ax, "examples seen", "mean squared error", f"new tasks, D = {D}")


figure, (left, right) = plots.figure(2)
draw_learning(left, 1)
for D, colour in ((1, plots.AFTER), (2, plots.COLOURS[2])):
    middle, half = above_bayes(errors[D]["LSTM"], D)
    percent = 100 * middle, 100 * half
    plots.band(right, range(T), *percent, f"LSTM, D = {D}", color=colour, lw=2)
plots.floor(right, range(T), numpy.zeros(T))
right.set_xticks(range(0, T, 5))
plots.labels(right, "examples seen", "percent above Bayes", "what is missing")
plots.save(figure, "10_recurrent")

# %% [markdown]
# **Left:** the mean squared error on new tasks with one input, on a logarithmic scale,
# against the number of examples that the learner has seen. Grey is the LSTM before
# training: it reads examples and does not learn from them. Orange is SGD, blue the trained
# LSTM, and the dashed line is Bayes. No weight of the LSTM changes along its curve.
#
# **Right:** how far the LSTM lies above Bayes, in percent of Bayes' error, for one and for
# two inputs. The bands are two standard errors of the paired differences. Before the first
# example there is nothing to miss. The largest gap comes after a few examples, where Bayes
# makes the most of each. From five examples on, more is missing with two inputs than with
# one.
#
# ## What the memory holds
#
# For a line with one input, Bayes' rule needs to remember two numbers: the posterior mean
# and the posterior variance of $w$. Nobody told the LSTM to compute them. Are they in its
# state all the same?
#
# We test it with the simplest reader there is. *One* linear function of $h$ and $c$, the
# same for all tasks and all positions, is fitted by least squares to the posterior mean and
# to the logarithm of the variance. It is fitted on one half of the tasks and judged on the
# other. The score is $R^2$: 1 if the reader is exact, 0 if it does no better than the
# average. Part of the score is cheap, because the variance falls with every example, and a
# network that merely counts would know much about it. So the score is taken at single
# positions: how well does the reader tell apart tasks with the same number of examples?
#
# The same test is made with the untrained network. Its state is a random function of the
# examples, and a random function, too, may carry something from which to read.

# %%
memory_data = draw_sequences(1, 300 if QUICK else 4000, stream=3)
_, mean, variance = bayes_along(memory_data)
truth = np.concatenate([mean, np.log(variance)], axis=-1)[:, 1:, 0]  # (M, T - 1, 2)
middle_task, readings, R2 = len(truth) // 2, {}, {}
for name, meta in trained[1].items():
    states = run(meta, memory_data)[1][:, 1:]  # (M, T - 1, 2H), from 1 label on
    states = numpy.insert(states, 0, 1.0, axis=-1)  # a constant, for the offset
    fitted, judged = states[:middle_task], states[middle_task:]
    rows = fitted.reshape(-1, states.shape[-1]), truth[:middle_task].reshape(-1, 2)
    reader, *_ = np.linalg.lstsq(*rows, rcond=None)
    readings[name], exact = judged @ reader, truth[middle_task:]
    misses = np.mean((readings[name] - exact) ** 2, axis=0)
    R2[name] = 1 - misses / exact.var(axis=0)
    for n in (1, 3, 10):
        print(f"{name:9} {n:2} examples: R^2 of mean and log variance", end=" ")
        print(R2[name][n - 1].round(3))

# %%
for n, k, what, limit in (
    (3, 0, "mean", 0.95),
    (10, 0, "mean", 0.95),
    (3, 1, "log variance", 0.6),
):
    value, before = R2["LSTM"][n - 1, k], R2["untrained"][n - 1, k]
    text = f"{n} examples: the {what} is in the state."
    claim(value > limit, text, value, f"> {limit}", trained=True)
    text = f"{n} examples: less of the {what} is missing than before training."
    left_over = (1 - value) / (1 - before)
    claim(left_over < 0.75, text, left_over, "< 0.75 of it", trained=True)

# %%
memory_figure, panels = plots.figure(2)
for k, (what, ax) in enumerate(zip(("posterior mean", "log variance"), panels)):
    for name, colour in (("untrained", plots.BEFORE), ("LSTM", plots.AFTER)):
        shown = exact[:250, 2, k], readings[name][:250, 2, k]  # after 3 examples
        ax.plot(*shown, ".", ms=4, color=colour, label=name)
    line = np.sort(exact[:250, 2, k])
    plots.floor(ax, line, line, "exact")
    plots.labels(ax, f"exact {what}", f"{what} read from h and c")
plots.save(memory_figure, "10_memory")

# %% [markdown]
# Each dot is a task after three examples. The horizontal axis is what Bayes' rule knows of
# it, the vertical axis what the linear reader finds in the state of the network: in grey
# before training, in blue after it. On the dashed line both are equal. After training the
# posterior mean (left) is nearly all there. The variance (right) is there in large part,
# and least so on the few tasks that Bayes itself knows badly.
#
# ## Exercises
#
# **Exercise 1.** The averaging cell is to be Bayes-optimal for noise with *half* the
# variance of the prior. What must it answer after the labels 6, 3 and 7? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "b722c4a5")

# %% [markdown]
# **Exercise 2.** In a fresh LSTM the offset of the forget gate is 1, so that, without any
# input, the gate is $\sigma(1)$ at every step. After how many steps has the memory fallen
# to one half? Solve for the number of steps, which need not be whole. Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "9f1a0776")

# %% [markdown]
# **Exercise 3.** How many numbers does the outer loop learn for $D=2$ inputs, one output
# and 64 cells? Count $W_x$, $W_h$, $b$ and the read layer. Give the whole number.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "c05b9c92", digits=5)

# %% [markdown]
# **Exercise 4.** Reverse the order of the first 19 examples of a sequence and keep the
# 20th. Does the 20th answer change? Answer `"yes"` or `"no"` for each of three learners, as
# a list in this order: Bayes, SGD, an untrained LSTM.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "c3c8ef00")

# %% [markdown]
# **What changed since the last lesson.** Nobody says any more how a learner adapts. The
# outer loop finds an algorithm that runs in the activations of a network, and the state of
# that network came to hold what Bayes' rule needs. `python -m minimeta verify recurrent`
# prints the theorems behind this page.

# %%
finish()
