# %% [markdown]
# # 20. Learning rules: one rule that all weights share
#
# **The promise.** An LSTM that learns to learn can also do something simpler: it can
# store its training tasks. You will see it happen, and you will build the cure. One
# small rule is put into every weight of a network. It has few numbers that the outer
# loop sets, so it cannot store much, and many numbers that it sets while it learns.
# Trained on two tasks only, it learns new tasks almost as well as the Bayes-optimal
# learner; the LSTM guesses.
#
# **You need** the lessons *recurrent* (the LSTM that learns in its activations),
# *supervised* (gradient descent) and *few_shot* (what a task of classes is).
#
# **Takes** about 75 minutes to read with the exercises, and a minute to run.
#
# **Before:** a learned learning algorithm has a fixed number of inputs, and every input
# has weights of its own. **After:** a learned learning algorithm is one rule for all
# weights, it fits every size, and backpropagation is one such rule.
#
# A connection from input $a$ to output $b$ has a memory $s_{ab}$, and all connections
# change their memories by one function $f$, whose parameters $\theta$ are shared:
#
# $$s_{ab}\leftarrow f_\theta(s_{ab};\,x_a,\,e_b),\qquad
# z_b=\frac1D\sum_a v_\theta(s_{ab}).$$
#
# Here $x_a$ is what comes in at the connection, and $e_b$ is the error that comes back
# from its output. $z_b$ is the output: the mean of what all $D$ connections to $b$ say.

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np, using
from minimeta.core.gradients import grad
from minimeta.core.losses import cross_entropy, softmax
from minimeta.core.optim import adam, linear_decay
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import class_gaussians
from minimeta.learning_rules import blur, ratio, vsml
from minimeta.memories import recurrent
from minimeta.meta import along
from minimeta.tasks import Data, Task
from minimeta.training import sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Tasks
#
# A task has $C$ classes. Each class has a centre, drawn from a Gaussian with variance 1
# in every direction, and its examples lie around the centre, again with variance 1. The
# learner sees $T=20$ examples one after another. It must name the class of each example
# before it is told.
#
# The classes of one task overlap, and the labels mean something else in the next task.
# So no fixed network can answer. For such tasks lesson *prototypes* has the
# Bayes-optimal learner in closed form; it is the line that nobody crosses.

# %%
T = 20


def draw_centres(rng, tasks, inputs=8, classes=3):
    """The centres of the classes: (M, C, D)."""
    return rng.normal(size=(tasks, classes, inputs))


def draw_sequences(rng, centres, length=T):
    """One sequence of each task: Data of x (M, T, D) and one-hot y (M, T, C)."""
    M, C, D = centres.shape
    labels = rng.integers(C, size=(M, length))
    x = numpy.take_along_axis(centres, labels[..., None], axis=1)
    x = x + rng.normal(size=x.shape)
    return Data(x.astype("float32"), numpy.eye(C, dtype="float32")[labels])


# %%
def as_task(data):
    """A task without support: every example is a query first, and then a lesson."""
    return Task(Data(data.x[:, :0], data.y[:, :0]), data)


def right(learner, meta, data):
    """Whether each answer is right, for every place of every sequence: (M, T)."""
    answers = along(learner, meta, data)
    return answers.argmax(axis=-1) == data.y.argmax(axis=-1)


M = 60 if QUICK else 1000
test = draw_sequences(numpy.random.default_rng(100), draw_centres(rng, M))
wide = draw_sequences(numpy.random.default_rng(101), draw_centres(rng, M, 16, 5))
print("inputs", test.x.shape, "labels", test.y.shape)

# %% [markdown]
# ## A rule that you know
#
# Before anything is learned, put a rule of your own into the connections. Let the memory
# of a connection be one number, $s_{ab}=w_{ab}$, let it say $w_{ab}x_a$, and let it
# change by the *delta rule*
#
# $$w_{ab}\leftarrow w_{ab}-r\,e_b\,x_a .$$
#
# If the error is $e=\mathrm{softmax}(z)-y$, this is gradient descent on the
# cross-entropy: the derivative of the cross-entropy in $z_b$ is $e_b$, and that of $z_b$
# in $w_{ab}$ is $x_a/D$. So the rate $r$ of the rule is the step size $r/D$ of gradient
# descent on the weights $w/D$.

# %%
RATE = 1.6


def my_delta_rule(data):
    """Answers z (M, T, C) of connections that follow the delta rule from w = 0."""
    w = np.zeros((len(data.x), data.x.shape[-1], data.y.shape[-1]))
    answers = []
    for t in range(data.x.shape[1]):
        x = data.x[:, t][:, :, None]  # (M, D, 1)
        z = np.mean(w * x, axis=1)  # (M, C)
        e = softmax(z) - data.y[:, t]
        w = w - RATE * e[:, None, :] * x
        answers.append(z)
    return np.stack(answers, axis=1)


# %%
def gradient_descent(data, step_size):
    """Answers softmax(x W) before each step of gradient descent on W, from 0."""
    W = np.zeros((len(data.x), data.x.shape[-1], data.y.shape[-1]))
    answers = []
    for t in range(data.x.shape[1]):
        x, y = data.x[:, t : t + 1], data.y[:, t : t + 1]
        answers.append(np.matmul(x, W)[:, 0])
        W = W - step_size * grad(linear_loss)(W, x, y)
    return np.stack(answers, axis=1)


def linear_loss(W, x, y):
    return np.sum(cross_entropy(np.matmul(x, W), y))


some = Data(*(part[:5].astype(float) for part in test))
by_rule, by_gradient = my_delta_rule(some), gradient_descent(some, RATE / 8)
print("largest difference", numpy.abs(by_rule - by_gradient).max())

# %%
claim_equal(
    by_rule,
    by_gradient,
    1e-12,
    "Connections that follow the delta rule are gradient descent.",
)

# %% [markdown]
# The rule has one number, $r$, and it fits every number of inputs and outputs. A learned
# rule should be like that too.
#
# ## A rule that is learned
#
# VSML (*variable shared meta learning*, Kirsch and Schmidhuber 2020) puts a small LSTM
# into every connection. Its memory $s_{ab}=(h,c)_{ab}$ has $2H$ numbers, and it reads
# two numbers: $x_a$ and $e_b$. What it says is a weighted sum $h_{ab}\cdot v$ of its
# outputs. All LSTMs have the same weights $\theta$, which only the outer loop changes.
#
# An example is read twice. First every LSTM reads $(x_a, 0)$, and the outputs $z$ follow.
# Then the label is shown, and every LSTM reads $(x_a, e_b)$ with the error of its output.
# The first reading is how the network is used, the second is how it learns.
#
# Can an LSTM be the delta rule? Nearly: for small numbers $u$ a sigmoid is the line
# $\frac12+\frac u4$, and tanh is the line $u$. Four units, whose gates read
# $\pm\epsilon x$ and whose new content is $\tanh(-\epsilon e)$, have products
# $\epsilon^3 x\,e\,x'$ in their outputs, and the signs can be chosen so that all other
# terms cancel. `vsml.descent` sets these weights by hand.
#
# **Predict, then run.** The terms that are left out are smaller by a factor
# $\epsilon^2$. If $\epsilon$ falls from $10^{-1}$ to $10^{-2}$, by which factor does the
# error fall?

# %%
four_units = vsml.learner(3, hidden=4)
errors = [
    numpy.abs(along(four_units, vsml.descent(RATE, e), some) - by_gradient).max()
    for e in (1e-1, 1e-2, 1e-3)
]
factors = [errors[0] / errors[1], errors[1] / errors[2]]
print("errors", errors)
print("they fall by the factors", factors)

# %%
claim(
    95 < factors[0] < 105 and 95 < factors[1] < 105,
    "A tenth of epsilon leaves a hundredth of the error.",
    factors[0],
    "95 to 105",
)

# %% [markdown]
# Gradient descent is therefore one point in the space of these rules, and the outer loop
# can look for a better one. It minimises the cross-entropy at every place of a sequence,
# over many tasks, as it did for the LSTM of lesson *recurrent*.
#
# That LSTM is the black box to compare with. It reads all inputs and the last label at
# once, and has 64 units. Both are trained here twice: on new tasks without end, and on
# two tasks only, from which new sequences are drawn without end.

# %%
STEPS = {"rule": 3 if QUICK else 500, "black box": 3 if QUICK else 1500}
RATES = {"rule": 0.025, "black box": 0.01}
learners = {
    "rule": vsml.learner(3, hidden=12),
    "black box": recurrent.learner(8, 3, hidden=64, loss=cross_entropy),
}
two_tasks = draw_centres(numpy.random.default_rng(SEED + 1), 2)


# %%
def train_on(name, few):
    """Meta-parameters, trained on the two tasks or on ever new ones."""

    def sample(rng):
        new = two_tasks[rng.integers(2, size=16)] if few else draw_centres(rng, 16)
        return as_task(draw_sequences(rng, new))

    steps = STEPS[name] // 2 if few else STEPS[name]
    optimizer = adam(linear_decay(RATES[name], steps))
    train_rng = numpy.random.default_rng(SEED)
    with using(dtype="float32"):
        meta, _ = sequence_train(
            learners[name],
            sample,
            train_rng,
            steps,
            optimizer=optimizer,
            label=None,
        )
    return meta


metas = {
    (name, few): train_on(name, few) for name in learners for few in (False, True)
}

# %% [markdown]
# How many numbers are learned by whom? The *meta-variables* are the numbers that the
# outer loop sets. The *learned variables* are those that one task changes: here $h$ and
# $c$.
#
# **Predict, then run.** A rule of $H=12$ units reads two numbers. How many learned
# variables does it have in a network of 8 inputs and 3 outputs, and how many in one of
# 64 inputs and 10 outputs? Its number of meta-variables is the same in both.

# %%
digits_like = Data(
    numpy.zeros((1, 1, 64), "f4"), numpy.eye(10, dtype="f4")[:1][None]
)
counts = {
    name: ratio.count(learners[name], metas[name, False], test) for name in learners
}
counts["rule, 64 by 10"] = ratio.count(
    vsml.learner(10, hidden=12), metas["rule", False], digits_like
)
for name, count in counts.items():
    print(
        f"{name:14} meta {count.meta:5} inner {count.learned:5} {count.ratio:8.4f}"
    )

# %%
claim(
    counts["rule"].learned == 2 * 12 * 8 * 3,
    "The rule has 2 H numbers in each of its D C connections.",
    counts["rule"].learned,
    "576",
)
claim(
    counts["rule"].meta == counts["rule, 64 by 10"].meta == 732,
    "Its number of meta-variables does not depend on the size of the network.",
    counts["rule"].meta,
    "732",
)
claim(
    counts["black box"].ratio < 0.01 < 0.5 < counts["rule"].ratio,
    "The black box sets a hundred numbers outside for each one inside.",
    counts["black box"].ratio,
    "< 0.01",
)

# %% [markdown]
# The black box has many meta-variables and few learned ones. Kirsch and Schmidhuber call
# this the *variable ratio problem*: where the outer loop has room for whole tasks, it
# stores tasks.
#
# ## What each of them has learned
#
# For a comparison with gradient descent, its step size must be the best one. We give it
# an advantage and choose the step size on the test tasks themselves.

# %%
GRID = [0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5]


def best_descent(data):
    """Whether gradient descent is right, with the best step size on these data."""
    classes, inputs = data.y.shape[-1], data.x.shape[-1]
    rules = [vsml.delta_rule(size * inputs) for size in GRID]
    tries = [right(vsml.learner(classes, synapse=s), {}, data) for s in rules]
    best = max(range(len(GRID)), key=lambda i: tries[i].mean())
    return tries[best], best


# %%
def compare(data):
    """Whether each learner is right on the same sequences: {name: (M, T)}."""
    classes, inputs = data.y.shape[-1], data.x.shape[-1]
    bayes = class_gaussians.learner(numpy.eye(inputs), numpy.eye(inputs))
    rule = vsml.learner(classes, hidden=12)
    return {
        "Bayes-optimal": right(bayes, {}, data),
        "rule": right(rule, metas["rule", False], data),
        "gradient descent": best_descent(data)[0],
        "rule before": right(rule, rule.init(numpy.random.default_rng(SEED)), data),
    }


results = {
    "8 inputs, 3 classes": compare(test),
    "16 inputs, 5 classes": compare(wide),
}


# %%
def gap(a, b):
    """The mean of a - b over tasks, and two standard errors; a and b are (M, T)."""
    paired = a.mean(axis=1) - b.mean(axis=1)
    return paired.mean(), 2 * paired.std() / len(paired) ** 0.5


for size, row in results.items():
    print(size, {name: round(float(hits.mean()), 4) for name, hits in row.items()})

# %%
for size, row in results.items():
    lost, error = gap(row["Bayes-optimal"], row["rule"])
    claim(
        lost + error < 0.035 and lost > -error,
        f"The learned rule is close below the Bayes-optimal learner: {size}.",
        lost,
        "< 0.035",
        trained=True,
    )
    gain, error = gap(row["rule"], row["gradient descent"])
    claim(
        gain - error > 0.025,
        f"The learned rule is better than gradient descent at its best: {size}.",
        gain,
        "> 0.025",
        trained=True,
    )
_, place = best_descent(test)
claim(
    0 < place < len(GRID) - 1,
    "The best step size of gradient descent is inside the grid.",
    GRID[place],
    "not at an end",
    trained=True,
)

# %% [markdown]
# The second row is the remarkable one. No problem with 16 inputs or 5 classes was in the
# training, and nothing was adjusted.

# %%
figure, axes = plots.figure(columns=2)
places = numpy.arange(1, T + 1)
STYLES = {"rule": 0, "gradient descent": 1, "rule before": 2}
for ax, (size, row) in zip(axes, results.items()):
    for name, colour in STYLES.items():
        hits = row[name]
        error = 2 * hits.std(axis=0) / len(hits) ** 0.5
        style = dict(color=plots.COLOURS[colour])
        plots.band(ax, places, hits.mean(axis=0), error, name, **style)
    plots.floor(ax, places, row["Bayes-optimal"].mean(axis=0))
    plots.labels(ax, "example of the sequence", "accuracy", size, ax is axes[0])
plots.save(figure, "20_learning_rules")

# %% [markdown]
# The accuracy at each place of the sequence: how often the class is named before it is
# told. Bands are two standard errors over tasks. On the left is the size that the rule
# was trained on, on the right a larger one. The dashed line is the Bayes-optimal
# learner, who knows how the tasks were made. "Rule before" is the rule with random
# weights. Chance is one third on the left and one fifth on the right, and this rule can
# be below it: it changes its connections at every error, but in the wrong direction.
#
# ## Two training tasks
#
# Now compare what both learners do after training on two tasks. "Seen" are new sequences
# of these two tasks, "new" are the test tasks.

# %%
seen = draw_sequences(
    numpy.random.default_rng(102), two_tasks[rng.integers(2, size=M)]
)
shown = {}
for name, learner in learners.items():
    for few in (True, False):
        for word, data in (("seen", seen), ("new", test)):
            shown[name, few, word] = right(learner, metas[name, few], data).mean(
                axis=1
            )
for key, hits in shown.items():
    print(key, round(float(hits.mean()), 3))

# %%
claim(
    shown["black box", True, "seen"].mean() > 0.7,
    "Trained on two tasks, the black box is good at these two.",
    shown["black box", True, "seen"].mean(),
    "> 0.7",
    trained=True,
)
claim(
    shown["black box", True, "new"].mean() < 0.45,
    "Trained on two tasks, the black box is near chance on new ones.",
    shown["black box", True, "new"].mean(),
    "< 0.45",
    trained=True,
)
claim(
    shown["rule", True, "new"].mean() > 0.7,
    "Trained on two tasks, the shared rule learns new ones.",
    shown["rule", True, "new"].mean(),
    "> 0.7",
    trained=True,
)

# %%
figure, axes = plots.figure(columns=2)
width = 0.38
for ax, few in zip(axes, (True, False)):
    for k, word in enumerate(("seen", "new")):
        means = [shown[name, few, word].mean() for name in learners]
        spread = [2 * shown[name, few, word].std() / M**0.5 for name in learners]
        at = numpy.arange(2) + (k - 0.5) * width
        colour = plots.COLOURS[k]
        ax.bar(at, means, width, yerr=spread, color=colour, label=f"{word} tasks")
    floor = results["8 inputs, 3 classes"]["Bayes-optimal"].mean()
    plots.floor(ax, [-0.5, 1.5], [floor, floor], "Bayes-optimal, new tasks")
    ax.axhline(1 / 3, color="0.5", lw=1, ls=":", label="chance")
    ax.set_xticks([0, 1], ["shared rule", "black box"])
    ax.set_ylim(0, 1.35)
    ax.set_yticks(numpy.linspace(0, 1, 6))
    title = "trained on two tasks" if few else "trained on ever new tasks"
    plots.labels(ax, "", "accuracy", title, ax is axes[0])
plots.save(figure, "20_variable_ratio")

# %% [markdown]
# The mean accuracy over twenty examples; the thin lines are two standard errors. On the
# left both learners were trained on two tasks. The black box is better on these two than
# the Bayes-optimal learner is on new tasks, because it need not learn them any more, and
# it is near chance on new ones. The shared rule does not know the two tasks better than
# others: it has no place to store them. On the right, with ever new tasks, the black box
# is above chance on new tasks too, but far from the rule: it has to learn for each input
# and each class on its own what the rule knows of all.
#
# ## Where the rule fails
#
# The outer loop saw sequences of twenty examples, and it was asked for nothing else. The
# memories of the connections go on changing after that.
#
# **Predict, then run.** Let both learners see a hundred examples. Which one is better on
# the last twenty, the learned rule or gradient descent, and by how much?

# %%
longer = draw_sequences(
    numpy.random.default_rng(103), draw_centres(rng, M // 3), length=100
)
rule_to_100 = right(learners["rule"], metas["rule", False], longer)
descent_to_100, _ = best_descent(longer)
parts = {"the first twenty": slice(0, 20), "the last twenty": slice(80, 100)}
gains = {
    words: gap(rule_to_100[:, part], descent_to_100[:, part])
    for words, part in parts.items()
}
for words, (gain, error) in gains.items():
    print(f"{words}: the rule less gradient descent {gain:.3f} +- {error:.3f}")

# %%
claim(
    gains["the last twenty"][0] + gains["the last twenty"][1] < 0,
    "After a hundred examples gradient descent is ahead of the learned rule.",
    gains["the last twenty"][0],
    "below 0 by more than two standard errors",
    trained=True,
)

# %% [markdown]
# The rule was never rewarded for what it does so late. A learned learning algorithm is
# good where it was trained to be good, in the number of examples as in everything else.
#
# ## Nothing has a place
#
# All connections follow one rule, so none of them is special. If the inputs are
# permuted, the memories are permuted with them, and the answers stay; if the classes are
# permuted, the answers are permuted. An LSTM has to learn this from examples.

# %%
order, classes = numpy.random.default_rng(5).permutation(8), [2, 0, 1]
rule_meta = vsml.lstm_synapse(12).init(numpy.random.default_rng(6))
plain = along(learners["rule"], rule_meta, some)
inputs_moved = along(learners["rule"], rule_meta, Data(some.x[..., order], some.y))
classes_moved = along(
    learners["rule"], rule_meta, Data(some.x, some.y[..., classes])
)

# %%
claim_equal(
    inputs_moved,
    plain,
    1e-13,
    "Permuting the inputs leaves the answers as they were.",
)
claim_equal(
    classes_moved,
    plain[..., classes],
    1e-13,
    "Permuting the classes permutes the answers.",
)

# %% [markdown]
# ## Backpropagation is a rule of this kind
#
# A network with hidden layers needs more than an error at its outputs. BLUR (Sandler et
# al. 2021) gives every *neuron* two numbers: $a^0$, what it says forwards, and $a^1$,
# what it says backwards. Both are mixed by small matrices that all neurons share, the
# *genome* $(\nu,\mu,p,q)$:
#
# - forwards, a neuron's input is $z^d=\sum_c (a^c\nu_{cd})\,w$, then $a^0=\tanh z^0$, and
#   $a^1$ begins as the derivative $1-\tanh^2z^1$;
# - in the last layer $a^0$ is the output $z^0$, and $a^1$ the error
#   $\mathrm{softmax}(z^0)-y$;
# - backwards, $a^1$ is multiplied by what the next layer says,
#   $\sum_c(a^c\mu_{c1})\,w^\top$;
# - a weight moves by a product of what its two ends say,
#   $w\leftarrow w-r\,\overline{(a\,p)^\top(a'q)}$, where $a'$ is the next layer and the
#   bar is the mean over examples.
#
# Set $\nu_{0d}=1$ and $\mu_{1d}=1$: forwards only $a^0$ counts, backwards only $a^1$.
# Set $p_{0d}=1$ and $q_{1d}=1$: a weight moves by what came in times what came back.
# That is backpropagation, as the chain rule has it.

# %%
sizes = [8, 6, 5, 3]
weights = blur.fresh(numpy.random.default_rng(SEED), sizes, tasks=5)
genome = blur.backpropagation(rate=0.3)


def my_backpropagation(weights, x, y):
    """One step for the weights [w1, w2, w3], (M, n, m) each, by the rules above."""
    h1 = np.tanh(np.matmul(x, weights[0]))
    h2 = np.tanh(np.matmul(h1, weights[1]))
    back3 = softmax(np.matmul(h2, weights[2])) - y
    back2 = (1 - h2**2) * np.matmul(back3, np.swapaxes(weights[2], -1, -2))
    back1 = (1 - h1**2) * np.matmul(back2, np.swapaxes(weights[1], -1, -2))
    ends = zip(weights, (x, h1, h2), (back1, back2, back3))
    return [
        w - 0.3 * np.matmul(np.swapaxes(a, -1, -2), back) / x.shape[1]
        for w, a, back in ends
    ]


# %%
def autograd_step(weights, x, y):
    """The same step by the gradient that autograd derives."""

    def loss(weights):
        h = np.tanh(np.matmul(np.tanh(np.matmul(x, weights[0])), weights[1]))
        return np.sum(cross_entropy(np.matmul(h, weights[2]), y))

    return [w - 0.3 * g for w, g in zip(weights, grad(loss)(weights))]


single = [w[:, 0] for w in weights]
by_hand = my_backpropagation(single, *some)
derived = autograd_step(single, *some)
evolved = [w[:, 0] for w in blur.step(genome, weights, *some)]

# %%
for k in range(3):
    claim_equal(
        by_hand[k],
        derived[k],
        1e-12,
        f"What the neurons say to each other is the gradient, in layer {k + 1}.",
    )
    claim_equal(
        evolved[k],
        by_hand[k],
        1e-12,
        f"The library's genome is this page's backpropagation, in layer {k + 1}.",
    )

# %% [markdown]
# Most genomes are no gradient of anything. The second derivatives of a function form a
# symmetric matrix, and so does the derivative of every gradient step. The theorems of
# this lesson compute that matrix for the update of ten genomes near backpropagation, and
# none is symmetric.
#
# A genome can be trained by gradients through the steps that it makes, or by *evolution
# strategies*, which need no derivative: try pairs of genomes, one on each side of the
# present one, and move towards the better sides. `python experiments/rules.py blur`
# trains one on the digits 0 to 4 and lets it learn 5 to 9. Its gain over well tuned
# gradient descent is real and small.
#
# ## The same as the library

# %%
ours = my_delta_rule(some)
theirs = along(vsml.learner(3, synapse=vsml.delta_rule(RATE)), {}, some)
claim_equal(ours, theirs, 1e-12, "This page's delta rule is the library's.")

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** A rule of $H=16$ units reads two numbers, and what it says is a sum over
# its $H$ outputs, weighted by $v$. An LSTM with $I$ inputs has weights of $4H(I+H)$ and
# biases of $4H$. How many meta-variables has the rule?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "e284620a")

# %% [markdown]
# **Exercise 2.** The delta rule with the rate $r=2$ has 8 inputs. You add 8 more inputs
# that are always zero. Which rate gives the same answers as before?

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "727a6ffa")

# %% [markdown]
# **Exercise 3.** A task has one input, $x=2$, and two classes. The delta rule has the
# rate $r=1$ and begins at $w=0$. It sees the example with the label of class 1. What
# does it answer for class 1 if the same example comes again: what is $z_1$?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "1956ec54")

# %% [markdown]
# **Exercise 4.** BLUR with $k=2$ states has four matrices of $k$ by $k$ numbers and $k$
# rates. A network with the sizes 64, 32, 32, 5 has $k$ numbers for each weight and no
# biases. What is the ratio of learned variables to meta-variables? Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "715e8b2a")

# %% [markdown]
# **What changed since the last lesson.** There each parameter of a network was updated
# by a shared LSTM that reads gradients. Here no gradient is given: a shared rule reads
# what comes in and what comes back, and gradient descent is only one of the rules.
# `python -m minimeta verify learning_rules` has the theorems.

# %%
finish()
