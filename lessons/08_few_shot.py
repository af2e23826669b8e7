# %% [markdown]
# # 08. Few-shot: learn to compare, and read alphabets never seen
#
# **The promise.** You train a network on some of the world's alphabets. Then it reads
# letters of other alphabets, which it has never met, from a single example of each. At
# test nothing is trained any more: the network compares a new drawing with the
# examples, and that is all. The last figure shows what was learned, against chance and
# against comparing raw pixels. It also shows a bound that stops one well-known version
# of the method, whatever network it has.
#
# **You need** the lessons *networks* (a multi-layer perceptron, Adam), *bayes* (a
# learner is three functions) and *maml* (support, query and the outer loop), and from
# mathematics the inner product, the cosine and softmax.
#
# **Takes** about an hour to read with the exercises, and under a minute to run.
#
# **Before:** the inner loop is gradient descent. **After:** the inner loop only stores
# the examples, and the outer loop learns *where to put them*, so that comparing is
# enough.
#
# A network $f$ turns a picture into a list of numbers, its *embedding*. A query $x$ is
# compared with every support example $x_i$, and the comparisons become weights that add
# up to one. The weights then mix the labels $y_i$, which are one-hot rows:
#
# $$P(\text{class}\mid x)=\sum_i a_i\,y_i,\qquad
# a_i=\frac{\exp\big(r^2\cos(f(x),f(x_i))\big)}
# {\sum_j\exp\big(r^2\cos(f(x),f(x_j))\big)}$$
#
# This is a *matching network* (Vinyals and others, 2016). The number $1/r^2$ is called
# the *temperature*. In the paper it is 1, and you will see why that is not good enough.
# (The paper also lets the embedding of an example depend on the rest of the support. We
# leave that out.)

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np, using
from minimeta.core.losses import accuracy, cross_entropy, softmax
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.embeddings import matching, siamese
from minimeta.meta import Learner, evaluate
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task, episodes, glyphs
from minimeta.tasks.letters import DRAWINGS
from minimeta.training import meta_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Glyphs
#
# The course comes with about a thousand letters of fifteen alphabets, called *glyphs*.
# Each letter is there in 20 drawings, which differ in typeface, slant, size and stroke,
# as if 20 people had drawn it. They were made from the free DejaVu fonts.
#
# The alphabets are split, once and for all. Six are there to train on. Cyrillic is
# there to choose settings, such as step sizes; after that it is trained on as well.
# Eight others are there for the test, and nothing is ever chosen on them.

# %%
ROWS = {"to train on": ("train", "validation"), "to test on": ("test",)}


def contact_sheet(parts, drawings=9):
    """One letter of each alphabet of these parts, and the alphabets' names."""
    letters = glyphs.load(*parts)
    names, first = numpy.unique(letters.alphabet, return_index=True)
    starts = first + 10 * DRAWINGS  # letter number 10 of each alphabet
    rows = [numpy.hstack(letters.x[start : start + drawings]) for start in starts]
    return numpy.vstack(rows), names


# %%
sheet_figure, panels = plots.figure(2, height=3.3)
for ax, title in zip(panels, ROWS):
    sheet, names = contact_sheet(ROWS[title])
    ax.imshow(sheet, cmap="gray_r")
    ax.grid(False)
    ax.set(xticks=[], yticks=14 + 28 * numpy.arange(len(names)), yticklabels=names)
    ax.set_title(f"alphabets {title}", fontsize=11)
plots.save(sheet_figure, "08_glyphs")

# %% [markdown]
# Every row is one letter of the alphabet named beside it, in nine of its twenty
# drawings. The drawings of a row differ, and yet you see at once that they are one
# letter, even where you cannot read the alphabet. This is the skill that we want to
# teach.
#
# ## An episode is a task
#
# A task is now a small classification problem, which is called an *episode*. It is
# *five-way one-shot* if it has five classes, the *ways*, and one support example of
# each class, the *shots*. (Papers say N-way K-shot. In this course $C$ is the number of
# classes.) To draw an episode, we choose $C$ letters at random, and for each letter a
# few different drawings. The first drawings of each letter are the support. The others
# are queries.
#
# Which letter becomes class 0, and which becomes class 1, is decided anew in each
# episode. So there is nothing to remember from earlier episodes. What a label means can
# be learned from the support only.
#
# In training we also turn each letter by 90, 180 and 270 degrees and count each result
# as a letter of its own, which gives four times as many classes.


# %%
def pictures(*parts):
    """Drawings of letters at 14 by 14 pixels: letters x 20 x 14 x 14."""
    return glyphs.load(*parts, side=14).x.reshape(-1, DRAWINGS, 14, 14)


def rows_of_pixels(x):
    """Pictures as rows of 196 pixels: letters x 20 x 196."""
    return x.reshape(*x.shape[:2], -1)


known = pictures("train", "validation")
turned = [numpy.rot90(known, quarter, axes=(2, 3)) for quarter in range(4)]
known_letters = rows_of_pixels(numpy.concatenate(turned))
new_letters = rows_of_pixels(pictures("test"))
print(f"{len(known)} letters to train on, with turns {len(known_letters)}")
print(f"{len(new_letters)} letters to test on")


# %%
def episode(rng, letters, ways, shots, queries):
    """One episode, as a batch of one task; queries are counted per class."""
    each = shots + queries
    classes = rng.permutation(len(letters))[:ways]
    every = numpy.tile(numpy.arange(DRAWINGS), (ways, 1))
    drawings = rng.permuted(every, axis=1)[:, :each]  # all different
    x = letters[classes[:, None], drawings]  # ways x each x 196
    # The classes take turns: one drawing of each, then the next of each.
    x = numpy.swapaxes(x, 0, 1).reshape(1, each * ways, -1)
    y = numpy.tile(numpy.eye(ways, dtype=x.dtype), (1, each, 1))
    cut = shots * ways
    return Task(Data(x[:, :cut], y[:, :cut]), Data(x[:, cut:], y[:, cut:]))


def batch(tasks):
    """Several episodes of one size as one batch."""
    return tree_map(lambda *parts: numpy.concatenate(parts), *tasks)


one = episode(rng, new_letters, ways=5, shots=1, queries=3)
for part in ("support", "query"):
    data = getattr(one, part)
    print(f"{part:8} x {data.x.shape}, y {data.y.shape}")

# %% [markdown]
# Read the shapes aloud. The first axis counts tasks, here one. The *support* has
# $5\cdot1$ pictures of 196 pixels, and with each a one-hot row that says its class. The
# *queries* are $5\cdot3$ other pictures. The learner sees the support with its labels,
# and the queries without. Their labels are used to judge its answers, and in training
# to compute the loss.

# %%
episode_figure, (ax,) = plots.figure(height=3.4)
shown = numpy.concatenate([one.support.x[0], one.query.x[0]])  # 20 rows of pixels
grid = shown.reshape(4, 5, 14, 14).swapaxes(1, 2).reshape(4 * 14, 5 * 14)
ax.imshow(grid, cmap="gray_r")
ax.grid(False)
ax.axhline(13.5, color=plots.COLOURS[1], linewidth=2)
ax.set(xticks=7 + 14 * numpy.arange(5), xticklabels=range(5))
ax.set(yticks=7 + 14 * numpy.arange(4), yticklabels=["support"] + 3 * ["query"])
plots.labels(ax, "class", "", "an episode: five ways, one shot")
plots.save(episode_figure, "08_episode")

# %%
pictures_of_one = numpy.concatenate([one.support.x[0], one.query.x[0]])
different = len(numpy.unique(pictures_of_one, axis=0))
claim(different == 20, "No picture is in an episode twice.", different, 20)
labels = numpy.arange(len(new_letters)).repeat(DRAWINGS)
sizes = {"tasks": 1, "ways": 5, "shots": 1, "queries": 3}
library_episode = episodes(rng, new_letters.reshape(-1, 196), labels, **sizes)
claim_equal(
    [numpy.array(data.x.shape) for data in library_episode]
    + [data.y for data in library_episode],
    [numpy.array(data.x.shape) for data in one] + [data.y for data in one],
    0.0,
    "The library's episodes have the same shapes and the same order of classes.",
)

# %% [markdown]
# The orange line separates what is told from what is asked. Above it stand the five
# support examples. Below it every query stands under its own class, which the learner
# does not know. Cover the labels of the columns in your mind: could you find the class
# of each query by comparing it with the top row?
#
# ## The simplest learner: look for the nearest example
#
# A learner that compares needs no training. It keeps the support, and gives a query the
# label of the most similar example. We measure similarity by the cosine of the angle
# between two pictures, each taken as a list of 196 numbers. (The tiny number in
# `directions` only saves an empty picture from a division by zero.)


# %%
def directions(h):
    """Each row of h, brought to length 1."""
    return h / np.sqrt(np.sum(h * h, axis=-1, keepdims=True) + 1e-30)


def cosines(h, keys):
    """Of every query with every example: (M, Q, H), (M, S, H) -> (M, Q, S)."""
    return directions(h) @ np.swapaxes(directions(keys), -1, -2)


def of_nearest(meta, support, x):
    """The label of the example that is most similar to each query: (M, Q, C)."""
    nearest = np.argmax(cosines(x, support.x), axis=-1)  # (M, Q)
    return np.take_along_axis(support.y, nearest[..., None], axis=1)


nearest_neighbour = Learner(
    lambda rng: {}, lambda meta, support: support, of_nearest
)

# %% [markdown]
# We test on 400 episodes of four kinds, always of letters from the eight alphabets that
# nobody has trained on. A kind is a pair: ways and shots. All learners of this lesson
# get the same episodes.
#
# **Predict, then run.** With five ways, guessing is right in 20 of 100 cases. In how
# many of 100 cases is the nearest neighbour right, on raw pixels, with one shot? And
# with twenty ways, where guessing is right in 5 of 100?

# %%
KINDS = [(5, 1), (5, 5), (20, 1), (20, 5)]  # ways, shots
TESTS = 20 if QUICK else 400
test_rng = numpy.random.default_rng([SEED, 1])
tests = {
    kind: batch(
        [episode(test_rng, new_letters, *kind, queries=5) for _ in range(TESTS)]
    )
    for kind in KINDS
}


# %%
def rights(learner, meta):
    """The share of right answers in each episode of each kind: (4, TESTS)."""
    rows = [evaluate(learner, meta, tests[kind], accuracy) for kind in KINDS]
    return numpy.stack(rows)


def report(name, right):
    """Print the mean of each kind in percent, and two standard errors of it."""
    half_widths = 2 * right.std(axis=1) / TESTS**0.5
    pairs = zip(100 * right.mean(axis=1), 100 * half_widths)
    print(f"{name:24}", *(f"{mean:6.1f} +- {half:.1f}" for mean, half in pairs))


results = {"nearest neighbour": rights(nearest_neighbour, {})}
print(f"{'ways, shots':24}", *(f"{str(kind):>13}" for kind in KINDS))
report("nearest neighbour", results["nearest neighbour"])

# %%
found = results["nearest neighbour"].mean(axis=1)
needed = numpy.array([0.3, 0.5, 0.15, 0.3])
claim(
    (found > needed).all(),
    "Pixels alone are far better than guessing.",
    found,
    "> 0.3, 0.5, 0.15, 0.3",
)

# %% [markdown]
# Pixels are better than guessing, and far from good. The reason is easy to see. Move a
# drawing by two pixels to the right: it is still the same letter, in the same hand.
#
# **Predict, then run.** What is the cosine, on average, of a drawing with itself moved
# by two pixels? And what is it with a drawing of another letter, which has not been
# moved?

# %%
drawings = new_letters[:, 0].reshape(-1, 14, 14)  # one drawing of each letter
moved = numpy.roll(drawings, 2, axis=-1)
flat, flat_moved = (x.reshape(1, -1, 196) for x in (drawings, moved))
itself = numpy.diag(cosines(flat, flat_moved)[0])
all_pairs = cosines(flat, flat)[0]
another = all_pairs[~numpy.eye(len(drawings), dtype=bool)]
print(f"with itself, moved by two pixels:  {itself.mean():.2f}")
print(f"with another letter, not moved:    {another.mean():.2f}")

# %%
claim(
    itself.mean() < another.mean(),
    "A letter moved by two pixels is less like itself than another letter is.",
    itself.mean(),
    f"< {another.mean():.3f}",
)

# %% [markdown]
# What is needed is an embedding that does not care where on the paper the letter
# stands, and does care about how its strokes meet. We do not know how to write such a
# function down. We can learn it.
#
# ## Matching: a nearest neighbour with a gradient
#
# The nearest neighbour cannot be trained by gradient descent, because its answer jumps
# from one label to another, and its gradient is zero in between. So we soften it.
# Instead of taking the label of the nearest example we take a mean of *all* labels, in
# which near examples have large weights. Statisticians know this estimate under the
# name of Nadaraya and Watson (1964), and the weights as a *kernel*. Here the weights
# are the softmax of $r^2$ times the cosines. For large $r$ the largest cosine takes all
# the weight, and we are back at the nearest neighbour.
#
# ## A case to check by hand
#
# Three support examples have the cosines $1.0$, $0.9$ and $0.9$ with a query. The first
# is of class A, the two others are of class B. With $r^2=1$ the chance of class A is
#
# $$\frac{e^{1.0}}{e^{1.0}+2e^{0.9}}=\frac{1}{1+2e^{-0.1}}=0.356.$$
#
# The nearest example is of class A, and yet class B wins, because two votes add up.
#
# **Predict, then run.** What is the chance of class A with $r^2=10$? Does class A win
# now?

# %%
by_hand_cosines = numpy.array([1.0, 0.9, 0.9])
by_hand_labels = numpy.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
chances_at_1 = softmax(1.0 * by_hand_cosines) @ by_hand_labels
chances_at_10 = softmax(10.0 * by_hand_cosines) @ by_hand_labels
print("r^2 = 1  chances of A and B", chances_at_1)
print("r^2 = 10 chances of A and B", chances_at_10)

# %%
claim_equal(
    [chances_at_1[0], chances_at_10[0]],
    [1 / (1 + 2 * np.exp(-0.1)), 1 / (1 + 2 * np.exp(-1.0))],
    1e-15,
    "The chances of class A are those by hand.",
)
claim(
    chances_at_1[0] < 0.5 < chances_at_10[0],
    "At a high temperature votes count, at a low one nearness does.",
)

# %% [markdown]
# ## Matching, built here
#
# The learner fits the contract of the lesson *bayes*. What all tasks share, *meta*, is
# the network and the number $r$. To adapt is to embed the support and to keep it. There
# is no gradient and no step in it, so a new task costs one pass through the network.
#
# We learn $\log r$, so that $r$ stays positive. The answer is the logarithm of the
# chances, because cross-entropy takes logarithms of chances, up to a constant. The tiny
# number in it keeps the logarithm finite where a chance is too small for the computer's
# numbers.


# %%
def my_matching(net, fixed_radius=None):
    """Matching networks; r is learned, unless a fixed one is given."""

    def init(rng):
        return {"net": net.init(rng), "log_radius": np.log(np.array(10.0)) / 2}

    def adapt(meta, support):
        keys = net.apply(meta["net"], support.x)  # (M, S, H)
        return {"keys": keys, "labels": support.y}

    def predict(meta, state, x):
        learned = np.exp(meta["log_radius"])
        radius = learned if fixed_radius is None else fixed_radius
        scores = radius**2 * cosines(net.apply(meta["net"], x), state["keys"])
        return np.log(softmax(scores) @ state["labels"] + 1e-30)  # (M, Q, C)

    return Learner(init, adapt, predict, cross_entropy)


# %% [markdown]
# ## Why a temperature of 1 is not enough
#
# A cosine lies between $-1$ and $1$. With $r=1$ the largest score is therefore $1$ and
# the smallest is $-1$, and the weights can never differ much. Let us compute how well a
# *perfect* embedding can do in an episode with $C$ classes and one shot.
#
# A perfect embedding puts every query exactly on its own example, so their cosine is
# $1$. It should put different classes as far apart as possible. Let $u_1,\dots,u_C$ be
# the embeddings of the classes, all of length 1. The square of the length of their sum
# is not negative:
#
# $$0\le\Big|\sum_k u_k\Big|^2=C+\sum_{k}\sum_{j\ne k}\cos(u_k,u_j).$$
#
# The double sum has $C(C-1)$ terms, so their mean is at least $-1/(C-1)$. Two vectors
# can point in opposite directions. Five vectors cannot all do so, and the best they can
# do is $-1/4$ each. The loss of a query of class $k$ is
# $\ln\big(1+\sum_{j\ne k}e^{\cos(u_k,u_j)-1}\big)$. This function of the cosines is
# convex, so its mean over the classes is at least its value at their mean:
#
# $$\text{loss}\;\ge\;\ln\Big(1+(C-1)\,e^{-\frac1{C-1}-1}\Big).$$
#
# It is reached where all these cosines are equal, which is at the corners of a regular
# simplex: a triangle for three classes, a tetrahedron for four. We assumed that a query
# lies on its own example. If it lies elsewhere, the bound is still the same; the proof
# has one step more, and the experiment below does not assume anything.
#
# **Predict, then run.** For five classes, what chance does a perfect embedding give to
# the right class, on average and at best, with $r=1$? Guessing gives 0.2.


# %%
def bound(ways):
    """The least loss at temperature 1 with so many classes and one shot."""
    return np.log(1 + (ways - 1) * np.exp(-1 / (ways - 1) - 1))


for ways in (5, 20, 60):
    print(
        f"{ways:2} classes: guessing costs {np.log(ways):.4f}, "
        f"the bound is {bound(ways):.4f}, "
        f"the chance of the right class {np.exp(-bound(ways)):.3f}"
    )

# %% [markdown]
# To check the bound without trusting the algebra, we remove the network. The ten
# embeddings of a five-way episode, five examples and five queries, become ten free
# vectors in four dimensions, and gradient descent may put them wherever it likes. Their
# input is the number of the vector as a one-hot row, so the "network" is a table.

# %%
table = Net(
    lambda rng: {"rows": rng.normal(size=(10, 4))}, lambda p, x: x @ p["rows"]
)
numbers, five_labels = numpy.eye(10)[None], numpy.eye(5)[None]
free_task = Task(
    Data(numbers[:, :5], five_labels), Data(numbers[:, 5:], five_labels)
)
free_steps = 20 if QUICK else 300
_, free_losses = meta_train(
    my_matching(table, fixed_radius=1.0),
    lambda rng: free_task,
    numpy.random.default_rng([SEED, 2]),
    free_steps,
    optimizer=adam(0.1),
)
print(f"free vectors: loss {free_losses[-1]:.5f}, bound {bound(5):.5f}")

# %%
claim_equal(
    bound(5), 0.7636, 5e-5, "For five classes the bound is 0.7636, not zero."
)
claim_equal(bound(5), matching.cosine_bound(5), 1e-14, "It is the library's bound.")
claim(
    free_losses.min() > bound(5) - 1e-9,
    "Ten free vectors are never below the bound.",
    free_losses.min(),
    f">= {bound(5):.5f}",
)
claim_equal(
    free_losses[-1],
    bound(5),
    1e-4,
    "At the end of training they have reached it.",
    trained=True,
)

# %% [markdown]
# So even a perfect embedding gives less than half of the chance to the right class. It
# would still *answer* correctly, because the right class has the largest chance. Why
# then is a high temperature harmful? Look at how training pushes. The derivative of the
# loss with respect to the cosine of a query with a wrong example is $r^2$ times the
# weight $a_i$ of that example. With $r=1$ the largest weight is at most $e^2\approx7.4$
# times the smallest. In an episode with 60 classes, the one wrong letter that is nearly
# the same as the query is therefore pushed away hardly more than each of the many that
# look quite different, and these are many. With a large $r$ the weights concentrate on
# what is really confused. A learned $r$ also removes the bound: with a perfect
# embedding the loss goes to zero as $r$ grows.
#
# ## Training on known alphabets
#
# An episode for training has 60 classes, one shot, and two queries for each class. Many
# classes make a hard question, from which much can be learned at once. The network has
# one hidden layer of 256 units and embeds a picture as 64 numbers. The step size of
# Adam falls linearly to zero.

# %%
WAYS = 60
net = mlp([196, 256, 64])


def sample(rng):
    return episode(rng, known_letters, WAYS, shots=1, queries=2)


def fit(learner, steps, step_size=0.004):
    """Train on known letters; return meta and the loss at every step."""
    falling = adam(linear_decay(step_size, steps))
    fit_rng = numpy.random.default_rng([SEED, 3])
    with using(dtype="float32"):
        return meta_train(learner, sample, fit_rng, steps, optimizer=falling)


# %% [markdown]
# **Predict, then run.** The nearest neighbour on pixels was right in about half of all
# five-way one-shot questions. How often is matching right, with $r=1$ and with a
# learned $r$?

# %%
STEPS = 50 if QUICK else 2500
learners = {
    "matching, r = 1": my_matching(net, fixed_radius=1.0),
    "matching, learned r": my_matching(net),
}
metas, losses = {}, {}
for name, learner in learners.items():
    metas[name], losses[name] = fit(learner, STEPS)
    results[name] = rights(learner, metas[name])
print(f"{'ways, shots':24}", *(f"{str(kind):>13}" for kind in KINDS))
for name, right in results.items():
    report(name, right)
learned_r = float(np.exp(metas["matching, learned r"]["log_radius"]))
print(
    f"the learned r^2 is {learned_r**2:.1f}, a temperature of {learned_r**-2:.3f}"
)

# %%
claim(
    losses["matching, r = 1"].min() > bound(WAYS),
    "With r = 1 no step of training was below the bound.",
    losses["matching, r = 1"].min(),
    f"> {bound(WAYS):.4f}",
)
claim(
    losses["matching, learned r"][-100:].mean() < bound(WAYS) / 3,
    "With a learned r the loss is far below it.",
    losses["matching, learned r"][-100:].mean(),
    f"< {bound(WAYS) / 3:.3f}",
    trained=True,
)
claim(
    learned_r**2 > 15,
    "The learned temperature is far below 1.",
    learned_r**-2,
    "< 1 / 15",
    trained=True,
)


# %%
def claim_ahead(winner, loser, margin, sentence):
    """Paired: the same episodes. The mean difference, less two standard errors."""
    ahead = results[winner] - results[loser]  # (4, TESTS)
    least = ahead.mean(axis=1) - 2 * ahead.std(axis=1) / TESTS**0.5
    found = ", ".join(f"{100 * value:.1f}" for value in least)
    needed = f"each > {100 * margin:.0f} points"
    claim(min(least) > margin, sentence, f"{found} points", needed, trained=True)


claim_ahead(
    "matching, r = 1",
    "nearest neighbour",
    0.05,
    "Any learned embedding is ahead of pixels.",
)
claim_ahead(
    "matching, learned r",
    "matching, r = 1",
    0.02,
    "With a learned temperature matching is clearly ahead of temperature 1.",
)

# %% [markdown]
# ## Siamese networks: the same, asked in pairs
#
# A *siamese network* (Koch and others, 2015) is older and asks a simpler question. It
# sees two pictures and says whether they show the same letter. Both go through the same
# network, which is why it is called siamese. The answer is a score,
#
# $$b+\sum_h a_h\,\big(f(x)_h-f(x_i)_h\big)^2,$$
#
# whose sigmoid is the chance of "the same". The numbers $a_h$ and $b$ are learned with
# the network. To classify a query, we ask about each support example in turn, and take
# the class of the example with the highest score. (Koch's network takes the absolute
# value of the differences in place of the square. The square has a known best answer,
# to which the next lesson comes back.)
#
# Only one pair in 60 shows the same letter. If all pairs counted alike, "never the
# same" would be a good answer. So the loss is the mean of two means: that over the
# pairs of the same letter, and that over the pairs of different letters.


# %%
def weighted_squares(h, keys, a):
    """sum_h a_h (f_h - k_h)^2, multiplied out: (M, Q, S)."""
    of_queries = np.sum(a * h * h, axis=-1)[:, :, None]
    of_keys = np.sum(a * keys * keys, axis=-1)[:, None]
    return of_queries - 2 * (a * h) @ np.swapaxes(keys, -1, -2) + of_keys


def my_siamese(net, width):
    def init(rng):
        head = {"a": np.full(width, -1.0 / width), "b": np.array(1.0)}
        return {"net": net.init(rng), "head": head}

    def adapt(meta, support):
        return {"keys": net.apply(meta["net"], support.x), "labels": support.y}

    def predict(meta, state, x):
        h, a = net.apply(meta["net"], x), meta["head"]["a"]
        scores = weighted_squares(h, state["keys"], a)  # (M, Q, S)
        return meta["head"]["b"] + best_of_class(scores, state["labels"])

    return Learner(init, adapt, predict, pair_loss)


# %%
def best_of_class(scores, labels):
    """The highest score among the examples of each class: (M, Q, C)."""
    if labels.shape[-2] == labels.shape[-1]:  # one example of each class
        return scores @ labels
    masks = np.swapaxes(labels, -1, -2)[:, None] > 0  # (M, 1, C, S)
    return np.max(np.where(masks, scores[:, :, None], -np.inf), axis=-1)


def pair_loss(scores, labels):
    """Cross-entropy of "the same?": equal and different pairs count half each."""
    surprise = np.logaddexp(0.0, (1 - 2 * labels) * scores)  # (M, Q, C)
    different = (1 - labels) / (labels.shape[-1] - 1)
    return np.mean(np.sum((labels + different) / 2 * surprise, axis=-1), axis=-1)


# %%
siamese_learner = my_siamese(net, 64)
metas["siamese"], _ = fit(siamese_learner, STEPS)
results["siamese"] = rights(siamese_learner, metas["siamese"])
for name, right in results.items():
    report(name, right)

# %%
claim_ahead(
    "siamese", "nearest neighbour", 0.0, "The siamese network is ahead of pixels."
)
claim_ahead(
    "matching, learned r",
    "siamese",
    0.01,
    "In as many steps, asking about all classes at once teaches more than pairs.",
)


# %%
def draw_accuracies(ax):
    places = numpy.arange(len(KINDS))
    colours = [plots.BEFORE, plots.COLOURS[1], plots.AFTER, plots.COLOURS[2]]
    for i, (name, right) in enumerate(results.items()):
        means = 100 * right.mean(axis=1)
        half = 200 * right.std(axis=1) / TESTS**0.5
        style = {"yerr": half, "color": colours[i], "label": name}
        ax.bar(places + 0.2 * (i - 1.5), means, 0.2, **style)
    for place, (ways, _) in zip(places, KINDS):
        ends = place - 0.4, place + 0.4
        label = "" if place else "chance"
        ax.plot(ends, 2 * [100 / ways], "k:", label=label)
    names = [f"{ways} ways\nshots: {shots}" for ways, shots in KINDS]
    ax.set(xticks=places, xticklabels=names)
    ax.set(ylim=(0, 135), yticks=range(0, 101, 20))
    plots.labels(ax, "", "right answers (%)", "alphabets never seen")


# %%
def draw_losses(ax):
    for name, colour in zip(losses, [plots.COLOURS[1], plots.AFTER]):
        groups = losses[name].reshape(-1, STEPS // 50 or 1)
        steps = numpy.linspace(0, STEPS, len(groups))
        ax.plot(steps, groups.mean(axis=1), color=colour, label=name)
    ax.axhline(np.log(WAYS), color="k", ls=":", label="guessing, ln 60")
    plots.floor(ax, [0, STEPS], 2 * [bound(WAYS)], "bound for r = 1")
    ax.set_ylim(0, 5.6)
    plots.labels(ax, "step of training", "loss, 60 ways", "the bound holds")


# %%
figure, (accuracy_ax, loss_ax) = plots.figure(2, height=3.8)
draw_accuracies(accuracy_ax)
draw_losses(loss_ax)
plots.save(figure, "08_few_shot")

# %% [markdown]
# **Left:** the share of right answers on the same 400 episodes of each kind, with
# letters of alphabets that no learner was trained on. The thin black line on each bar
# is the mean with two standard errors on either side, and the dotted lines are chance.
# Comparing raw pixels is the grey bar. A learned embedding is better everywhere, and
# with a learned temperature (blue) it is clearly better than at temperature 1 (orange).
#
# **Right:** the loss in training, each point a mean over neighbouring steps. The dotted
# line is the loss of guessing among 60 classes. The dashed line is the bound that we
# computed for $r=1$: the orange curve comes down towards it and stays above. The blue curve,
# with the learned $r$, passes through the line as if it were not there, because for it
# there is no such line.
#
# ## The same as the library
#
# The library's `matching.learner` and `siamese.learner` have the parameters of this
# page, so the trained ones can be handed over. The comparison is made in double
# precision on the five-way five-shot episodes.

# %%
exact_task = tree_map(lambda leaf: leaf[:20].astype(float), tests[5, 5])


def chances(learner, meta):
    """The chances that a learner gives to the classes of each query, in float64."""
    meta = tree_map(lambda leaf: np.asarray(leaf, dtype=float), meta)
    state = learner.adapt(meta, exact_task.support)
    return softmax(learner.predict(meta, state, exact_task.query.x))


meta = metas["matching, learned r"]
mine, theirs = chances(my_matching(net), meta), chances(matching.learner(net), meta)
claim_equal(mine, theirs, 1e-12, "This page's matching network is the library's.")
mine = chances(siamese_learner, metas["siamese"])
theirs = chances(siamese.learner(net, 64), metas["siamese"])
claim_equal(mine, theirs, 1e-12, "This page's siamese network is the library's.")
mine = of_nearest({}, exact_task.support, exact_task.query.x)
theirs = chances(matching.nearest_neighbour(), {})
claim_equal(
    np.sum(mine * theirs, axis=-1),
    np.max(theirs, axis=-1),
    1e-12,
    "This page's nearest neighbour takes a class that is the library's best.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** An episode has twenty ways, five shots, and 15 queries for each class.
# How many support examples and how many queries does it have? Give the list of the two
# numbers.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "90c158c6")

# %% [markdown]
# **Exercise 2.** In the case by hand, the cosines are $1.0$ for class A, and $0.9$ and
# $0.9$ for class B. For which $r^2$ do both classes get the same chance? Give three
# digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "9bfd8682")

# %% [markdown]
# **Exercise 3.** What is the least loss of an episode with ten ways and one shot at
# temperature 1? Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "19f52efe")

# %% [markdown]
# **Exercise 4.** A perfect embedding puts five classes on the corners of a simplex: the
# cosine is $1$ with the right example and $-1/4$ with each of the four others. How
# small must the temperature $1/r^2$ be, so that the right class gets a chance of
# $0.99$? Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "2eb5d5e5")

# %% [markdown]
# **What changed since the last lesson.** The outer loop no longer learns a start for
# gradient descent. It learns a metric, and the inner loop only stores examples.
# `python -m minimeta verify embeddings` prints the theorems behind this page.

# %%
finish()
