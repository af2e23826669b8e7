# %% [markdown]
# # 14. Memory: bind a label to an example seen once
#
# **The promise.** You build a memory that is not made of weights. A network writes each
# example and its label into it, and finds the label again when something similar comes
# up. After one look at a class it is right about nine times out of ten, without a single
# gradient step. The figure shows how often it is right at the first, second, ... tenth
# time it sees a class, between a learner that knows nothing and the best learner there
# can be. A second panel shows what is lost when the memory is too small.
#
# **You need** the lessons *few_shot* (classes, one-hot labels, nearest neighbours),
# *prototypes* (Gaussian classes), *recurrent* (the LSTM as a learner) and *bayes*
# (posterior mean and variance).
#
# **Takes** about 70 minutes to read with the exercises, and about a minute to run.
#
# **Before:** an LSTM keeps what it has seen in one vector, where everything shares the
# same numbers. **After:** every example has a slot of its own, and slots are found by
# what they hold.
#
# Let $k_i$ be the key of the example in slot $i$, a vector that says what the example
# looks like, and $y_i$ its label. A new input with the key $k$ reads
#
# $$r=\sum_i w_i\,y_i,\qquad
# w_i=\frac{e^{\beta\cos(k,k_i)}}{\sum_j e^{\beta\cos(k,k_j)}},\qquad
# \cos(k,k_i)=\frac{k\cdot k_i}{|k|\,|k_i|}.$$
#
# The *cosine* of two vectors is 1 if they point the same way and 0 if they are at right
# angles. The number $\beta$ is the *sharpness*. The idea of a network with such a memory
# that learns to use it on new classes is from Santoro and others (2016), who call it a
# memory-augmented neural network, in short a MANN.

# %%
import itertools

import numpy

from minimeta import plots
from minimeta.core.backend import np, to_device, using
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam, linear_decay
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import sequential_classes
from minimeta.memories import binding, interleaved, mann, slots
from minimeta.meta import along
from minimeta.nets import lstm
from minimeta.tasks.presentations import by_presentation, numbers
from minimeta.training import sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## The protocol
#
# In the lesson *few_shot* a learner was given all its examples first and was questioned
# afterwards. Here there is no such border. Examples of $C=5$ classes come one after
# another in random order, each class ten times, so $T=50$ in all. At every step the
# learner must name the class of $x_t$, and only then is it told the label $y_t$.
#
# The classes are new in every sequence: a class is a cloud of points around a centre in
# $D=8$ dimensions. Centres are drawn from $\mathcal N(0,I)$ and examples from
# $\mathcal N(\text{centre},\sigma^2I)$ with $\sigma=0.5$. Which cloud is called "class
# 3" is chance. So no weight can know it, and the learner must remember it.
#
# The *presentation* of an example counts how often its class has come up: 1 for the first
# example of a class, 2 for the second, and so on.

# %%
C, D, EACH = 5, 8, 10
between, within = numpy.eye(D), 0.5**2 * numpy.eye(D)


def draw(rng, tasks, ways=C):
    """Sequences of `ways` classes, ten examples of each, in random order."""
    return sequential_classes.sample(rng, tasks, 0, EACH, ways, between, within)


example = draw(rng, 1).query
print("classes       ", example.y[0, :16].argmax(axis=-1))
print("presentations ", numbers(example.y)[0, :16])

# %%
claim_equal(
    example.y.sum(axis=1),
    numpy.full((1, C), 10.0),
    0.0,
    "Every class comes up ten times.",
)

# %% [markdown]
# ## The best at the first presentation
#
# At the first presentation of a class nobody can know its label. But a clever learner can
# do better than to guess among all classes. If it notices that the example is unlike all
# others, the class must be a new one, and its label is one that has not been used yet.
#
# Suppose that a learner always notices. For the first class it guesses among $C$ labels,
# for the second among $C-1$, and for the last one it knows the answer. Each of the $C$
# classes has one first presentation, so the share of right answers is
#
# $$\frac1C\left(\frac1C+\frac1{C-1}+\dots+\frac12+1\right).$$
#
# **Predict, then run.** Work the share out for two classes. How many percent is it?


# %%
def first_bound(ways):
    return sum(1 / left for left in range(1, ways + 1)) / ways


print(f"two classes: {first_bound(2):.2%}   five: {first_bound(C):.2%}")


# %%
def always_the_first_left(order):
    """Whether it is right to name the first label that was not used yet."""
    guesses = [min(set(order) - set(order[:j])) for j in range(len(order))]
    return [guess == label for guess, label in zip(guesses, order)]


every_order = itertools.permutations(range(C))
right_guesses = [always_the_first_left(order) for order in every_order]
claim_equal(
    first_bound(C),
    numpy.mean(right_guesses),
    1e-12,
    "The bound is what guessing gives over all orders of the classes.",
)
claim_equal(first_bound(2), 0.75, 1e-12, "With two classes it is three quarters.")

# %% [markdown]
# ## The best at every presentation
#
# For Gaussian classes the best possible answer is known at every step. The labels of all
# earlier examples are known, so each class can be treated on its own. After $n$ examples
# of a class with the sum $s$, Bayes' rule says that its next example is Gaussian with the
# mean $s/(n+\sigma^2)$ and, in every direction, the variance
# $\sigma^2+\sigma^2/(n+\sigma^2)$. This is the posterior of the lesson *bayes* for a
# centre with variance 1 before any example. A class that has not come up yet has $n=0$.
#
# The probability of a class is proportional to the density of $x_t$ under it, times how
# many examples of the class are still to come, which is $10-n$. The function below returns
# the logarithm of this product, step by step.


# %%
def bayes_along(data, variance=0.5**2):
    """log P(class | x_t, all before), up to a constant: (M, T, C)."""
    M, T, _ = data.x.shape
    n, total, answers = numpy.zeros((M, C)), numpy.zeros((M, C, D)), []
    for t in range(T):
        x, y = data.x[:, t], data.y[:, t]
        mean = total / (n + variance)[..., None]  # (M, C, D)
        spread = variance + variance / (n + variance)  # (M, C)
        distance = numpy.sum((x[:, None] - mean) ** 2, axis=-1)
        density = -distance / (2 * spread) - D / 2 * numpy.log(spread)
        with numpy.errstate(divide="ignore"):  # log 0: this class is over
            answers.append(density + numpy.log(EACH - n))
        n, total = n + y, total + y[..., None] * x[:, None]
    return numpy.stack(answers, axis=1)


# %%
def percent(answers, data):
    """Percent right at the 1st, ..., 10th presentation, for each task: (M, 10)."""
    right = answers.argmax(axis=-1) == data.y.argmax(axis=-1)
    return 100 * by_presentation(right.astype(float), data.y)


TASKS = 100 if QUICK else 1500
new = draw(numpy.random.default_rng([SEED, 1]), TASKS).query
best = percent(bayes_along(new), new)
print("Bayes, percent right at presentation 1 to 10:")
print(best.mean(axis=0).round(1), " all:", best.mean().round(1))

# %%
library_bayes = sequential_classes.learner(C, between, within, EACH)
claim_equal(
    numpy.exp(bayes_along(new) - bayes_along(new).max(axis=-1, keepdims=True)),
    numpy.exp(
        along(library_bayes, {}, new)
        - along(library_bayes, {}, new).max(axis=-1, keepdims=True)
    ),
    1e-8,
    "The library's Bayes classifier gives the same probabilities.",
)
slack = 2 * best[:, 0].std() / TASKS**0.5
claim(
    best[:, 0].mean() - slack < 100 * first_bound(C),
    "At the first presentation Bayes is not above the bound.",
    f"{best[:, 0].mean():.1f} +- {slack:.1f}",
    f"< {100 * first_bound(C):.1f}",
)

# %% [markdown]
# Bayes lies a little below the bound at the first presentation, because two clouds may
# overlap, and then a new class can be taken for an old one. From the second presentation
# on Bayes is nearly always right. One example of a class is almost enough here, *if* a
# learner can keep it and find it again.
#
# ## Reading
#
# Here is the equation at the top of the page. The slots have keys and labels, and
# `slots.unit` of the library divides a vector by its length.


# %%
def read(key, keys, labels, sharpness):
    """Labels (I, C) of slots with keys (I, K), mixed by likeness to a key (K,)."""
    cosines = slots.unit(keys) @ slots.unit(key)
    weights = numpy.exp(sharpness * (cosines - cosines.max()))  # no overflow
    return weights / weights.sum() @ labels


# %% [markdown]
# Take two slots whose keys are at right angles, one for each class. The new key points
# the way of the first one, but it is twice as long. The cosines are 1 and 0.
#
# **Predict, then run.** The sharpness is $\beta=\log3$. How much of the first label is
# read?

# %%
two_keys, two_labels = numpy.eye(2), numpy.eye(2)
half_sharp = read(numpy.array([2.0, 0.0]), two_keys, two_labels, numpy.log(3))
very_sharp = read(numpy.array([2.0, 0.5]), two_keys, two_labels, 1000.0)
print("sharpness log 3:", half_sharp.round(4), " sharpness 1000:", very_sharp)

# %%
claim_equal(
    half_sharp,
    numpy.array([0.75, 0.25]),
    1e-5,
    "The weights are 3 to 1, since exp(log 3) = 3 and exp(0) = 1.",
)
claim_equal(
    very_sharp,
    numpy.array([1.0, 0.0]),
    1e-12,
    "At great sharpness only the nearest slot is read.",
)

# %% [markdown]
# The length of the key does not matter, only its direction. At great sharpness the memory
# returns the label of the nearest key: it is a *nearest neighbour* classifier. At
# sharpness 0 it returns the mean of all labels. In between, several slots vote. The outer
# loop will choose the sharpness.
#
# ## Writing
#
# A memory has a limited number of slots. When all are full, something must go. Santoro and
# others overwrite the slot that was *least recently used*. Every slot has a number $u_i$,
# its *usage*. At each step the usage falls by a factor, here 0.95. Then the weight with
# which the slot was just read is added. An example goes into the slot whose usage is
# least, and this slot's usage grows by 1.
#
# **Predict, then run.** A memory has two slots, both empty. Three examples come, and all
# reading is sharp. The third example is like the first one. Which slot is overwritten by
# the third example: 0 or 1?


# %%
def write(usage, weights):
    """The slot for the next example, and all usage (I,) afterwards."""
    usage = 0.95 * usage + weights
    slot = int(numpy.argmin(usage))
    return slot, usage + numpy.eye(len(usage))[slot]


nothing, reads_first = numpy.zeros(2), numpy.array([1.0, 0.0])
first, usage = write(numpy.zeros(2), nothing)  # the memory is empty
second, usage = write(usage, reads_first)  # only slot 0 holds something
third, usage = write(usage, reads_first)  # like the example in slot 0
print("slots written:", first, second, third, " usage:", usage.round(3))

# %% [markdown]
# The second example is put into slot 1, because that slot was never used. The third
# example reads slot 0 and so protects it. It goes into slot 1, in the place of the second
# example, which nobody has asked for. The library follows the slots of a whole sequence
# in `binding.held_examples`.

# %%
alike = numpy.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
alike = numpy.stack([alike[0], alike[1], alike[0], alike[0]])[
    None
]  # cosines (1, 4, 4)
held = binding.held_examples(alike, 1000.0, 2)[0]
claim(
    (first, second, third) == (0, 1, 1),
    "The third example takes the slot of the second.",
)
claim(
    held[3].tolist() == [1.0, 0.0, 1.0, 0.0],
    "In the library's memory the first and the third example are left, too.",
)

# %% [markdown]
# ## A memory without training
#
# How far does a memory get by itself? We let the key be the input and read sharply, with a
# slot for every example. Nothing is trained.


# %%
def nearest(data):
    """The label of the nearest earlier example by cosine: (M, T, C)."""
    directions = slots.unit(data.x)
    cosines = directions @ directions.swapaxes(1, 2)  # (M, T, T)
    T = cosines.shape[-1]
    earlier = numpy.where(numpy.tri(T, k=-1) > 0, cosines, -2.0)
    labels = data.y[numpy.arange(len(data.y))[:, None], earlier.argmax(axis=-1)]
    labels[:, 0] = 0.0  # there is nothing to read yet
    return labels


neighbour = percent(nearest(new), new)
print("nearest neighbour:", neighbour.mean(axis=0).round(1))

# %%
for place, limit in ((0, 20), (4, 1)):
    behind = (best - neighbour)[:, place]
    surely = behind.mean() - 2 * behind.std() / TASKS**0.5
    text = f"Presentation {place + 1}: the nearest neighbour is behind Bayes."
    # Quick mode draws few tasks, so the claim is left to the full run.
    claim(surely > limit, text, f"at least {surely:.1f}", f"> {limit} points", True)
claim(
    neighbour[:, 1].mean() > 85,
    "One look at a class is enough for it to be right this often.",
    neighbour[:, 1].mean(),
    "> 85 percent",
)

# %% [markdown]
# One look at a class is worth a great deal, and no training was needed for it. But at the
# first presentation of a class this memory always answers with an old label, and so it is
# always wrong, save for the very first example of a sequence. It has no notion of a match
# that is too poor to be one. It also asks one neighbour only, however many there are, and
# it takes the cosine of the inputs, which throws their lengths away.
#
# ## What is learned
#
# So three things are left to the outer loop. The *key* of an input becomes a linear
# function of it, $k=xW_k+b_k$, whose matrix, offset and sharpness are learned. How well
# the memory *matches* is given to the network as a number, $m=\sum_iw_i\cos(k,k_i)$. And a
# *controller* decides what to make of it. The controller is an LSTM that reads $x_t$, the
# label before, the label $r$ that was read, and $m$. The answer is a linear function of
# its output $h_t$ and of $r$.
#
# What is read at step $t$ does not depend on the controller. So we can compute all reads of
# a sequence by one matrix product, and then run the LSTM over them. The version below has
# a slot for each example.


# %%
def answers_along(meta, data):
    """The answers (M, T, C) of the MANN with a slot for every example."""
    keys = slots.unit(data.x @ meta["key"]["W"] + meta["key"]["b"])  # (M, T, K)
    cosines = keys @ np.swapaxes(keys, 1, 2)  # (M, T, T)
    earlier = numpy.tri(data.x.shape[1], k=-1)
    weights = np.exp(np.exp(meta["log_sharpness"]) * cosines) * earlier
    weights = weights / np.maximum(np.sum(weights, axis=-1, keepdims=True), 1e-30)
    labels = weights @ data.y
    match = np.sum(weights * cosines, axis=-1, keepdims=True)
    before = np.concatenate([0 * data.y[:, :1], data.y[:, :-1]], axis=1)
    seen = np.concatenate([data.x, before, labels, match], axis=-1)
    h, _ = lstm.lstm(meta["cell"], seen)
    joined = np.concatenate([h, labels], axis=-1)
    return joined @ meta["read"]["W"] + meta["read"]["b"]


# %%
roomy = binding.learner(D, C, slots=50, loss=cross_entropy)
fresh = roomy.init(rng)
claim_equal(
    along(roomy, fresh, example),
    answers_along(fresh, example),
    1e-10,
    "The library's memory with 50 slots gives this page's answers.",
)

# %% [markdown]
# ## Train it
#
# We train the memory with 16 slots, and beside it an LSTM without a memory, as in the
# lesson *recurrent*. There the LSTM was shown each label together with the *next* input.
# To make its task easier it is now shown every example twice, first as $[x_t,0]$, the
# question, and then as $[x_t,y_t]$, the example with its label. The loss is the
# cross-entropy of all fifty answers. Each update draws 16 new sequences, and the outer
# step size falls linearly to zero. The sizes are ours and smaller than in the paper.


# %%
def train(learner, updates, size, ways=C):
    """Trained parameters, and the loss before every update."""
    generator = numpy.random.default_rng([SEED, 2])
    outer = adam(linear_decay(size, updates), decay_square=0.99)
    with using(dtype="float32"):
        meta, losses = sequence_train(
            learner, lambda rng: draw(rng, 16, ways), generator, updates,
            optimizer=outer,
        )  # fmt: skip
    return to_device(meta), losses


memory = binding.learner(D, C, slots=16, loss=cross_entropy)
plain = interleaved.learner(D, C, hidden=48, loss=cross_entropy)
weights_of = {"untrained": memory.init(rng)}
weights_of["memory"], _ = train(memory, 20 if QUICK else 1200, 0.01)
weights_of["LSTM"], _ = train(plain, 20 if QUICK else 1000, 0.02)

# %% [markdown]
# All learners now answer the same new sequences. No weight changes any more.

# %%
learner_of = {"untrained": memory, "LSTM": plain, "memory": memory}
score = {
    name: percent(along(learner_of[name], weights_of[name], new), new)
    for name in learner_of
}
score |= {"nearest neighbour": neighbour, "Bayes": best}
for name, value in score.items():
    row = value.mean(axis=0)[[0, 1, 2, 4, 9]].round(1)
    print(f"{name:18} at 1, 2, 3, 5, 10: {row}   all: {value.mean():.1f}")


# %%
def ahead(one, other, place=None):
    """How far `one` is ahead on paired tasks: the mean less two standard errors."""
    gap = (score[one] - score[other])[:, place] if place is not None else 0
    gap = (score[one] - score[other]).mean(axis=1) if place is None else gap
    return gap.mean() - 2 * gap.std() / TASKS**0.5


for name in ("untrained", "LSTM", "memory", "nearest neighbour"):
    text = f"{name}: not above Bayes."
    claim(ahead("Bayes", name) > -0.5, text, ahead("Bayes", name), "> -0.5 points")
for one, other, limit in (
    ("memory", "nearest neighbour", 0.5),
    ("memory", "LSTM", 2),
    ("memory", "untrained", 40),
):
    text = f"The memory is ahead of the {other}."
    claim(ahead(one, other) > limit, text, ahead(one, other), f"> {limit}", True)
text = "After one look at a class the memory is right this often."
claim(
    score["memory"][:, 1].mean() > 85,
    text,
    score["memory"][:, 1].mean(),
    "> 85",
    True,
)

# %%
sizes = (1, 2, 4, 8, 16, 32, 50)
kept = [binding.learner(D, C, slots=size, loss=cross_entropy) for size in sizes]
by_size = numpy.stack(
    [percent(along(one, weights_of["memory"], new), new) for one in kept]
)
for size, value in zip(sizes, by_size):
    print(f"{size:3} slots: {value.mean():.1f} percent right")
lost = (by_size[4] - by_size[1]).mean(axis=1)
least = lost.mean() - 2 * lost.std() / TASKS**0.5
text = "With two slots in the place of sixteen much is lost."
claim(least > 10, text, f"at least {least:.1f} points", "> 10", trained=True)

# %%
figure, (left, right) = plots.figure(2)
colours = {"untrained": plots.BEFORE, "nearest neighbour": plots.COLOURS[4]}
colours |= {"LSTM": plots.COLOURS[1], "memory": plots.AFTER}
steps = numpy.arange(1, EACH + 1)
for name, colour in colours.items():
    half = 2 * score[name].std(axis=0) / TASKS**0.5
    plots.band(left, steps, score[name].mean(axis=0), half, name, color=colour)
plots.floor(left, steps, best.mean(axis=0))
left.plot(1, 100 * first_bound(C), "k_", ms=14, mew=2, label="bound at the first")
left.set_xticks(steps)
names = "presentation of the class", "percent right", "new classes"
plots.labels(left, *names, legend=False)
left.legend(ncols=2, loc=(0.1, 0.28), frameon=False, fontsize=8.5)
half = 2 * by_size.mean(axis=2).std(axis=1) / TASKS**0.5
plots.band(
    right, sizes, by_size.mean(axis=(1, 2)), half, "memory", color=plots.AFTER
)
plots.floor(right, sizes, numpy.full(len(sizes), best.mean()))
right.set_xscale("log", base=2)
right.set_xticks(sizes, [str(size) for size in sizes])
plots.labels(right, "slots", "percent right, all presentations", "a smaller memory")
plots.save(figure, "14_memory")

# %% [markdown]
# **Left:** percent right on new classes, against how often the class has come up. Each
# band is the mean over the new sequences and two standard errors above and below it. Grey
# is the memory before training. Yellow is the nearest neighbour with a slot for every
# example. Orange is the LSTM without an external memory, blue the trained memory with 16
# slots, and the dashed line is Bayes. The short black line is the bound for whoever tells
# new classes from old ones without fault. Look at the first presentation: the trained
# memory has learned there what the nearest neighbour cannot know, namely that a poor match
# means a new class. The LSTM has to keep fifty examples in one vector, and it must learn
# how to do that, so it needs many more updates. It comes closer when it is trained for
# longer, as `python experiments/memory.py interleaved` shows.
#
# **Right:** the same trained weights with memories of other sizes, over all presentations.
# No weight belongs to a slot, so a memory can be made larger or smaller after training.
# With fewer slots than classes it must forget a class to keep another one. The learner
# then does worse, but it still works.
#
# ## The published memory
#
# In the memory above, a label is written together with its example, because we built it
# so. The MANN of Santoro and others has to find this out. It is shown the label $y_t$ one
# step late, together with $x_{t+1}$. What it writes is also the key by which it reads: a
# vector made from the controller's output. So the controller must keep $x_t$ for one step,
# join it to $y_t$ when that comes, write both, and make keys that are found by an input
# alone. Nothing but the gradient tells it to do any of this. The library has this version
# as `memories.mann`.
#
# We make the task easier, with three classes, and give both the same 150 updates.

# %%
few = draw(numpy.random.default_rng([SEED, 3]), TASKS, ways=3).query
late = mann.learner(D, 3, loss=cross_entropy)
together = binding.learner(D, 3, slots=16, loss=cross_entropy)
UPDATES = 3 if QUICK else 150
after_few = {}
for name, one in (("label one step late", late), ("written together", together)):
    meta, losses = train(one, UPDATES, 0.01, ways=3)
    after_few[name] = percent(along(one, meta, few), few)
    row = after_few[name].mean(axis=0)[[0, 1, 4, 9]].round(1)
    print(f"{name:20} at 1, 2, 5, 10: {row}   loss {losses[-10:].mean():.2f}")

# %%
gap = (after_few["written together"] - after_few["label one step late"])[:, 1]
surely = gap.mean() - 2 * gap.std() / TASKS**0.5
text = "After 150 updates the memory that binds is far ahead at presentation 2."
claim(surely > 20, text, f"at least {surely:.1f} points", "> 20", trained=True)

# %% [markdown]
# After so few updates the published form cannot yet find a label again, while the other
# one nearly always can. The published form can be trained much further. How far it comes
# in half a minute, beside a plain LSTM, is printed by
# `python experiments/memory.py mann-3 recurrent-3`. The authors trained theirs on a
# hundred thousand episodes. What a learner does not have to discover, it does not have to
# be trained for.
#
# ## Exercises
#
# **Exercise 1.** What is the best share of right answers at the first presentation of a
# class with ten classes, if new classes are always noticed? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "f8d72d4a")

# %% [markdown]
# **Exercise 2.** A memory has three slots. The key of a new input has the cosines 0.9, 0.5
# and 0.5 with them. How large must the sharpness be so that 90 percent is read from the
# first slot? Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "dbf4e57b")

# %% [markdown]
# **Exercise 3.** A memory of four slots is empty. Seven examples come, and nothing is ever
# read, so all weights of reading are zero. The function `write` is used as above. Which
# slots are written, one after another? Give a list of seven slots, which are numbered 0 to
# 3.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "43e800fe")

# %% [markdown]
# **Exercise 4.** Two classes, in one dimension, with $\sigma^2=0.25$ as above. One example
# of class A has come, $x=1$, and none of class B. The next example is $x=0.8$, and both
# classes are equally likely before it. What is the probability of class A by Bayes' rule?
# Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "13ecfc00")

# %% [markdown]
# **What changed since the last lesson.** What a learner has seen is no longer pressed into
# one vector. It lies in slots outside of the weights and is found by its likeness. The
# next lesson keeps every example and lets a network look at all of them.
# `python -m minimeta verify memory` prints the theorems behind this page.

# %%
finish()
