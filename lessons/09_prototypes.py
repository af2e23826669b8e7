# %% [markdown]
# # 09. Prototypes: average the examples of a class, then compare
#
# **The promise.** You represent each class by one point, the mean of its embedded
# examples, and give a query to the class whose point is nearest. For classes that are
# clouds of normally distributed points you will compute how often this is right, from
# nothing but tosses of a coin, and you will see the learner that nobody can beat. Then
# prototypes read alphabets never seen, beside four rivals, on the same episodes.
#
# **You need** the lessons *few_shot* (episodes, glyphs, matching), *bayes* (prior,
# posterior, the best learner) and *maml*, and from mathematics variance, covariance and
# the binomial distribution.
#
# **Takes** about 90 minutes to read with the exercises, and under a minute to run.
#
# **Before:** every support example is kept, and its label votes. **After:** a class is
# one point, so that the noise of single examples averages out.
#
# A *prototypical network* (Snell, Swersky and Zemel, 2017) has an embedding $f$. The
# *prototype* $c_k$ of class $k$ is the mean of $f(x_i)$ over the support examples of
# that class. The chances of the classes follow from the squared distances:
#
# $$P(k\mid x)=\frac{\exp\big(-|f(x)-c_k|^2\big)}{\sum_j\exp\big(-|f(x)-c_j|^2\big)}$$

# %%
import math

import numpy

from minimeta import plots
from minimeta.core.backend import np, using
from minimeta.core.losses import accuracy, cross_entropy, softmax
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.embeddings import matching, prototypical, relation
from minimeta.exact import class_gaussians
from minimeta.initializations import maml
from minimeta.meta import Learner, evaluate
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task, datasets, episodes, glyphs
from minimeta.tasks.downloads import places
from minimeta.tasks.letters import DRAWINGS
from minimeta.training import meta_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Prototypes, built here, and what the square is good for
#
# Multiply the square out:
#
# $$-|h-c_k|^2=2\,c_k^\top h-|c_k|^2-|h|^2.$$
#
# The last term is the same for all classes, so softmax does not see it. What remains is
# linear in $h$. A prototypical network is therefore a *linear classifier* on the
# embedding, with the weights $2c_k$ and the biases $-|c_k|^2$. A linear classifier is
# usually found by many steps of training. This one is written down from the support in
# one step, and the outer loop arranges the embedding so that it fits.


# %%
def class_means(h, y):
    """The mean of the rows h (M, S, H) of each class in y (M, S, C): (M, C, H)."""
    sums = np.swapaxes(y, -1, -2) @ h
    return sums / np.sum(y, axis=-2)[..., None]


def linear_classifier(h, c):
    """The logits 2 c_k h - |c_k|^2 of rows h (M, Q, H): (M, Q, C)."""
    biases = -np.sum(c * c, axis=-1)[:, None]  # (M, 1, C)
    return 2 * h @ np.swapaxes(c, -1, -2) + biases


def my_prototypes(net):
    def adapt(meta, support):
        return class_means(net.apply(meta, support.x), support.y)

    def predict(meta, prototypes, x):
        return linear_classifier(net.apply(meta, x), prototypes)

    return Learner(net.init, adapt, predict, cross_entropy)


inputs = Net(lambda rng: {}, lambda meta, x: x)  # no network: examples as they are

# %% [markdown]
# ## A case to check by hand
#
# Examples are single numbers. Class A has the examples $0$ and $2$, class B has $5$ and
# $7$. The prototypes are $1$ and $6$.
#
# **Predict, then run.** At which query are both classes equally likely? And what is the
# chance of class A for the query $3$?

# %%
line_support = Data(
    numpy.array([[[0.0], [2.0], [5.0], [7.0]]]),
    numpy.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]]),
)
line_queries = numpy.array([[[3.0], [3.5], [4.0]]])
on_line = my_prototypes(inputs)
prototypes_on_line = on_line.adapt({}, line_support)
logits_on_line = on_line.predict({}, prototypes_on_line, line_queries)
for query, chance in zip(line_queries[0, :, 0], softmax(logits_on_line)[0]):
    print(f"query {query}: chances of A and B {chance}")

# %%
claim_equal(
    prototypes_on_line[0, :, 0],
    numpy.array([1.0, 6.0]),
    0.0,
    "The prototypes are means.",
)
claim_equal(
    softmax(logits_on_line)[0, :2, 0],
    numpy.array([1 / (1 + np.exp(-5.0)), 0.5]),
    1e-14,
    "Half way between the prototypes both classes are equally likely.",
)

# %% [markdown]
# ## Classes that are clouds
#
# How often can such a classifier be right? To answer exactly we need classes whose
# distribution we know. Let the centre $m_k$ of each class be drawn from
# $\mathcal N(0,\tau^2I)$ in $D$ dimensions, and every example of the class from
# $\mathcal N(m_k,\sigma^2I)$. So $\tau$ says how far apart classes are, and $\sigma$
# how wide each of them is. Nobody knows the centres. A learner sees $n$ examples of
# each class.
#
# Take two classes and a query $x$ of class 1. With $w=c_1-c_2$ and
# $z=x-\frac12(c_1+c_2)$, the difference of the two logits is $2\,w^\top z$. The answer
# is right if $w^\top z>0$: if the query lies on its own side of the plane half way
# between the prototypes. In each of the $D$ coordinates, $w$ and $z$ are a pair of
# normal numbers, and the coordinates are independent. Three lines of variances give
#
# $$\operatorname{var}w=2\tau^2+\frac{2\sigma^2}n,\qquad
# \operatorname{var}z=\sigma^2+\frac{\tau^2}2+\frac{\sigma^2}{2n},\qquad
# \operatorname{cov}(w,z)=\tau^2,$$
#
# and their correlation is $\rho=\tau^2/\sqrt{\operatorname{var}w\operatorname{var}z}$.
#
# ## From clouds to coins
#
# Bring $w$ and $z$ to variance 1 in each coordinate, which does not change the sign of
# $w^\top z$. Then $4\,w^\top z=|w+z|^2-|w-z|^2$. The sum $w+z$ has variance $2(1+\rho)$
# in each coordinate, the difference $w-z$ has $2(1-\rho)$, and the two are
# uncorrelated, hence independent. So the answer is right if
#
# $$(1+\rho)\,X>(1-\rho)\,Y,$$
#
# where $X$ and $Y$ are two independent sums of $D$ squared standard normal numbers.
#
# Two squared normal numbers add up to an exponentially distributed number, which is how
# long one waits for the next event if events come at a steady rate. For even $D$ we can
# therefore read $(1+\rho)X$ as the time at which a slow clock has ticked $D/2$ times,
# and $(1-\rho)Y$ as the time at which a fast clock has ticked $D/2$ times. The answer
# is right if the fast clock is first. Each tick comes from the fast clock with the
# chance $p=(1+\rho)/2$, whatever happened before, because the rates of the clocks are
# as $1/(1-\rho)$ to $1/(1+\rho)$. After $D-1$ ticks in all, exactly one of the two
# clocks has ticked at least $D/2$ times. So:
#
# *The answer is right as often as a coin, which shows heads with the chance $p$, shows
# heads in most of $D-1$ tosses.*
#
# **Predict, then run.** Let $D=16$, $\tau=\sigma=1$ and $n=1$. Compute $\rho$ and $p$
# on paper. Guess how often most of 15 tosses are heads, and with it how often a
# prototype made of a single example is right.


# %%
def most_are_heads(p, D):
    """The chance that most of D - 1 tosses of a coin of p are heads, for even D."""
    heads = range(D // 2, D)
    return sum(math.comb(D - 1, k) * p**k * (1 - p) ** (D - 1 - k) for k in heads)


def coin(shots, factor=1.0, tau=1.0, sigma=1.0):
    """p = (1 + rho) / 2 for prototypes times `factor`."""
    of_prototype = tau**2 + sigma**2 / shots
    of_query = tau**2 + sigma**2
    var_w = 2 * of_prototype
    var_z = of_query - factor * tau**2 + factor**2 * of_prototype / 2
    return (1 + tau**2 / np.sqrt(var_w * var_z)) / 2


D = 16
print(f"rho {2 * coin(1) - 1:.4f}, p {coin(1):.4f}")
print(f"prototypes of one example are right in {most_are_heads(coin(1), D):.5f}")

# %% [markdown]
# (The function `coin` already has a `factor`, which is 1 for now.) Nature does not know
# our derivation, so we ask her: thousands of episodes of such clouds, and the share of
# right answers in each.

# %%
EPISODES, QUERIES = 200 if QUICK else 3000, 4


def clouds(ways, shots, tasks=EPISODES):
    """Tasks of normal classes with tau = sigma = 1 in D dimensions."""
    each, cut = shots + QUERIES, shots * ways
    centres = rng.normal(size=(tasks, ways, D))
    noise = rng.normal(size=(tasks, each * ways, D))
    x = numpy.tile(centres, (1, each, 1)) + noise  # the classes take turns
    y = numpy.tile(numpy.eye(ways), (tasks, each, 1))
    return Task(Data(x[:, :cut], y[:, :cut]), Data(x[:, cut:], y[:, cut:]))


def mean_and_error(right):
    """The mean over episodes and its standard error."""
    return right.mean(), right.std() / len(right) ** 0.5


two_way = clouds(ways=2, shots=1)
measured, measured_error = mean_and_error(
    evaluate(my_prototypes(inputs), {}, two_way, accuracy)
)
print(f"measured {measured:.4f} +- {2 * measured_error:.4f} (two standard errors)")

# %%
claim_equal(
    most_are_heads(coin(1), D),
    0.92497,
    5e-6,
    "The coin says 0.92497, by arithmetic.",
)
claim(
    abs(measured - most_are_heads(coin(1), D)) < 4 * measured_error,
    "Episodes agree with the coin.",
    f"{measured - most_are_heads(coin(1), D):+.4f}",
    f"within 4 x {measured_error:.4f}",
)
claim_equal(
    most_are_heads(coin(3), D),
    class_gaussians.accuracy(D, 3, 1.0, 1.0),
    1e-13,
    "The library's incomplete beta function is the same number.",
)

# %% [markdown]
# For odd $D$ there is no such coin, but there is a function that fills the gaps: the
# *regularised incomplete beta function* $I_p(D/2,D/2)$. It is what the library uses.
#
# ## Bayes shrinks
#
# Is 0.92497 the best that anybody can do? In the lesson *bayes* the best learner
# computed a posterior. Here it is the posterior of the centre of each class. Before any
# example the centre has variance $\tau^2$ around zero, and the mean of $n$ examples has
# the noise variance $\sigma^2/n$. So the posterior mean of the centre is
#
# $$s\,c_k,\qquad s=\frac{n\tau^2}{n\tau^2+\sigma^2}.$$
#
# For the best learner, a new example of the class is a normal cloud around this point.
# All classes have the same number of examples, so all these clouds are equally wide,
# and the most likely class is the one whose point is nearest.
#
# The best learner *shrinks* every prototype towards zero, most so when there are few
# examples. Why does that help? An example that lies far out lies there partly because
# its class does, and partly because of its own noise. New examples of the class have
# other noise. On average they lie closer to zero than the prototype, namely at
# $s\,c_k$, and so that is the point to compare them with.
#
# The coin confirms it. With a factor $s$ in front of the prototypes, the derivation
# above stays as it is, except that
#
# $$\operatorname{var}z=\sigma^2+\tau^2-s\,\tau^2
# +\frac{s^2}2\Big(\tau^2+\frac{\sigma^2}n\Big).$$
#
# The correlation $\rho$ is largest where this variance is smallest, and setting its
# derivative with respect to $s$ to zero gives the $s$ of Bayes' rule.
#
# **Predict, then run.** With one example of each class, $s=\frac12$. By how much does
# it raise the share of right answers with two classes, and by how much with twenty?


# %%
def shrunk_prototypes(factor):
    """Prototypes times a factor, on examples as they are."""

    def adapt(meta, support):
        return factor * class_means(support.x, support.y)

    def predict(meta, prototypes, x):
        return linear_classifier(x, prototypes)

    return Learner(lambda rng: {}, adapt, predict, cross_entropy)


twenty_way = clouds(ways=20, shots=1)
gains = {}
for ways, task in ((2, two_way), (20, twenty_way)):
    plain = evaluate(my_prototypes(inputs), {}, task, accuracy)
    best = evaluate(shrunk_prototypes(1 / 2), {}, task, accuracy)
    gains[ways] = mean_and_error(best - plain)  # paired: the same episodes
    print(f"{ways:2} ways: prototypes {plain.mean():.3f}, shrunk {best.mean():.3f}")
print(f"by the coin: {most_are_heads(coin(1, factor=1 / 2), D):.5f} with two ways")

# %%
library_bayes = class_gaussians.learner(np.eye(D), np.eye(D))
claim_equal(
    evaluate(library_bayes, {}, twenty_way, accuracy),
    evaluate(shrunk_prototypes(1 / 2), {}, twenty_way, accuracy),
    1e-12,
    "The Bayes-optimal learner of the library gives the same answers.",
)
by_coin = most_are_heads(coin(1, factor=1 / 2), D) - most_are_heads(coin(1), D)
claim(
    abs(gains[2][0] - by_coin) < 4 * gains[2][1],
    "With two ways shrinking gains what the coin says.",
    gains[2][0],
    f"{by_coin:.4f} +- {4 * gains[2][1]:.4f}",
)
claim(
    gains[20][0] - 4 * gains[20][1] > 0.03,
    "With twenty ways it gains more.",
    f"{gains[20][0]:.3f} +- {4 * gains[20][1]:.3f}",
    "> 0.03",
)

# %% [markdown]
# ## Accuracy against shots
#
# Now with more examples, and with a rival: the nearest example, which keeps every
# example and lets the nearest one decide. It does not average.

# %%
SHOTS = (1, 2, 3, 5, 10)


def of_nearest(meta, support, x):
    """The label of the nearest support example: (M, Q, C)."""
    scores = linear_classifier(x, support.x)  # every example is its own prototype
    nearest = np.argmax(scores, axis=-1)
    return np.take_along_axis(support.y, nearest[..., None], axis=1)


nearest_example = Learner(lambda rng: {}, lambda meta, s: s, of_nearest)
rivals = {  # name: the learner for a number of shots
    "nearest example": lambda shots: nearest_example,
    "prototypes": lambda shots: my_prototypes(inputs),
    "Bayes": lambda shots: shrunk_prototypes(shots / (shots + 1)),
}


# %%
def measure(name, task_of_shots):
    """The share of right answers of every episode: (len(SHOTS), tasks)."""
    rows = [
        evaluate(rivals[name](shots), {}, task, accuracy)
        for shots, task in task_of_shots.items()
    ]
    return numpy.stack(rows)


curves = {}  # by name and ways
for ways, tasks in ((2, EPISODES), (20, EPISODES // 5)):
    drawn = {shots: clouds(ways, shots, tasks) for shots in SHOTS}
    for name in rivals:
        curves[name, ways] = measure(name, drawn)

# %%
formula = {  # by the coin, for two ways
    "prototypes": [most_are_heads(coin(n), D) for n in SHOTS],
    "Bayes": [most_are_heads(coin(n, factor=n / (n + 1)), D) for n in SHOTS],
}
for name, exact in formula.items():
    right = curves[name, 2]
    off = np.abs(right.mean(axis=1) - exact) / (right.std(axis=1) / EPISODES**0.5)
    claim(
        off.max() < 4,
        f"{name}: the coin is right for every number of shots.",
        off.max(),
        "< 4 standard errors",
    )
for name, ways in (("nearest example", 2), ("prototypes", 2), ("prototypes", 20)):
    below = curves["Bayes", ways] - curves[name, ways]  # paired
    errors = below.std(axis=1) / below.shape[1] ** 0.5 + 1e-12
    in_errors = below.mean(axis=1) / errors
    claim(
        in_errors.min() > -4,
        f"{name}, {ways} ways: not above Bayes by more than chance.",
        in_errors.min(),
        "> -4 standard errors",
    )


# %%
def draw_shots(ax, ways, names):
    spots = numpy.arange(len(SHOTS))
    for name, colour in zip(names, (plots.BEFORE, plots.AFTER)):
        right = curves[name, ways]
        half = 2 * right.std(axis=1) / right.shape[1] ** 0.5
        plots.band(ax, spots, right.mean(axis=1), half, name, color=colour)
    ax.set(xticks=spots, xticklabels=SHOTS)
    return spots


figure, (left, right_panel) = plots.figure(2, height=3.6)
spots = draw_shots(left, 2, ("nearest example", "prototypes"))
left.plot(
    spots,
    formula["prototypes"],
    "o",
    color=plots.COLOURS[1],
    label="prototypes, by the coin",
)
plots.floor(left, spots, formula["Bayes"], "Bayes-optimal, by the coin")
plots.labels(left, "shots", "share of right answers", "two ways")
spots = draw_shots(right_panel, 20, ("nearest example", "prototypes"))
plots.floor(right_panel, spots, curves["Bayes", 20].mean(axis=1))
plots.labels(right_panel, "shots", "share of right answers", "twenty ways")
plots.save(figure, "09_shots")

# %% [markdown]
# **Left:** two classes. The blue line with its band (two standard errors) is measured
# on episodes, and the orange dots are the coin. The dashed line is the best there is,
# again by the coin. It runs above prototypes where there are few shots, and meets them
# where there are many, because then $s$ is nearly 1. The grey line is the nearest
# example. It gains less from more examples, since the nearest one of many is still one
# noisy example.
#
# **Right:** the same with twenty classes, where chance is 0.05. Here the Bayes-optimal
# line is measured too. With one shot prototypes are the nearest example, so the two
# solid lines begin together. Shrinking gains more here than with two classes.
#
# ## What the best comparison says
#
# A prototypical network compares by a fixed rule, the squared distance. One can also
# learn the comparison. A *relation network* (Sung and others, 2018) puts a prototype
# and a query side by side into a second network, which answers with a score. The
# sigmoid of the score is the chance that the query is of this class. Every class is
# asked about on its own: yes or no.
#
# For our clouds we can say what the best second network would have to answer. For a
# query of the same class, the squared distance $d^2=|x-c_k|^2$ is $v_1$ times a sum of
# $D$ squared standard normal numbers, with $v_1=\sigma^2+\sigma^2/n$. For another class
# the factor is $v_2=v_1+2\tau^2$. Among $C$ classes the odds are one to $C-1$ before we
# look. By Bayes' rule the logarithm of the odds of "the same" is
#
# $$\frac D2\ln\frac{v_2}{v_1}-\frac{d^2}2\Big(\frac1{v_1}-\frac1{v_2}\Big)-\ln(C-1).$$
#
# This is affine in the squared distance, which is why the siamese network of the last
# lesson had squares, too. The next cell sorts pairs by $d^2$ and counts how often they
# are of the same class.

# %%
five_way = clouds(ways=5, shots=1)
c = class_means(five_way.support.x, five_way.support.y)
squares = np.sum((five_way.query.x[:, :, None] - c[:, None]) ** 2, axis=-1)
same = five_way.query.y  # (M, Q, C), like the squared distances
v1, v2 = 2.0, 4.0
log_odds = D / 2 * np.log(v2 / v1) - squares / 2 * (1 / v1 - 1 / v2) - np.log(4)
posterior = 1 / (1 + np.exp(-log_odds))
ranges = [(10, 20), (20, 30), (30, 40), (40, 60)]
for low, high in ranges:
    chosen = (squares > low) & (squares < high)
    shares = same[chosen].mean(), posterior[chosen].mean()
    print(
        f"d^2 from {low} to {high}: same {shares[0]:.3f}, formula {shares[1]:.3f}"
    )

# %%
for low, high in ranges:
    chosen = (squares > low) & (squares < high)
    per_task = np.sum((same - posterior) * chosen, axis=(1, 2))  # (M,)
    excess, excess_error = mean_and_error(per_task)
    claim(
        abs(excess) < 4 * excess_error,
        f"d^2 from {low} to {high}: the same as often as Bayes' rule says.",
        excess,
        f"within 4 x {excess_error:.4f}",
    )

# %% [markdown]
# ## Back to the glyphs
#
# The episodes are those of the lesson *few_shot*, now drawn by the library. We train
# four learners on known alphabets:
#
# * **prototypes**, as built above, on the embedding of a network,
# * **prototypes on a sphere**, whose embeddings are brought to one length $r$, which is
#   learned, as in the lesson *few_shot*. With one shot this is exactly matching with a
#   learned temperature: on a sphere $|u-v|^2=2r^2-2r^2\cos(u,v)$. With more shots it
#   averages first,
# * **relation**, with the cross-entropy of each yes-or-no question,
# * **relation as published**, with the squared error between the sigmoid of the score
#   and 1 or 0.
#
# A fifth one, **MAML** of the lesson *maml*, adapts a classifier by one gradient step
# on the support. It has five outputs, so it can only be asked five-way questions. Its
# last layer starts at zero: then all classes are alike before the inner step, and the
# step gives each class a row of weights that points towards the mean of its examples,
# as a prototype does. It learns much faster so than from a random last layer.


# %%
def my_relation(net, compare, loss):
    def init(rng):
        return {"net": net.init(rng), "compare": compare.init(rng)}

    def adapt(meta, support):
        return class_means(net.apply(meta["net"], support.x), support.y)

    def predict(meta, prototypes, x):
        h = net.apply(meta["net"], x)
        (M, Q, H), C = h.shape, prototypes.shape[1]
        h = np.broadcast_to(h[:, :, None], (M, Q, C, H))
        c = np.broadcast_to(prototypes[:, None], (M, Q, C, H))
        pairs = np.reshape(np.concatenate([c, h], axis=-1), (M, Q * C, 2 * H))
        return np.reshape(compare.apply(meta["compare"], pairs), (M, Q, C))

    return Learner(init, adapt, predict, loss)


# %%
def sigmoid(score):
    return (1 + np.tanh(score / 2)) / 2


def yes_or_no(scores, labels):
    """The mean cross-entropy of all questions "is it of this class?"."""
    return np.mean(np.logaddexp(0.0, (1 - 2 * labels) * scores), axis=(-2, -1))


def squared_error(scores, labels):
    """The published loss: the mean of (sigmoid(score) - label)^2."""
    return np.mean((sigmoid(scores) - labels) ** 2, axis=(-2, -1))


# %% [markdown]
# ## A loss that forgets to learn
#
# Before we train, a look at the two losses of the relation network. Let $p$ be the
# sigmoid of a score and $y$ the label of the question, 0 or 1. The derivatives with
# respect to the score are
#
# $$p-y\quad\text{(cross-entropy)},\qquad 2\,(p-y)\,p\,(1-p)\quad\text{(squared error)}.$$
#
# Suppose the network is quite sure that the answer is no, and the answer is yes. Then
# $p-y$ is nearly $-1$, and cross-entropy corrects the score at full strength. Squared
# error multiplies by $p(1-p)$, which is nearly zero. A network that is sure and wrong
# learns nothing from it.
#
# In an episode with twenty classes, 19 of 20 questions have the answer "no". So the
# first thing that a network learns is to say no to all of them.
#
# **Predict, then run.** A score is $-12$ and the right answer is yes. What are the two
# derivatives?

# %%
yes, score = np.ones((1, 1)), np.array([[-12.0]])
sure = sigmoid(score).item()
with_cross_entropy = sure - 1
with_squared_error = 2 * (sure - 1) * sure * (1 - sure)
print(f"cross-entropy {with_cross_entropy:.6f}")
print(f"squared error {with_squared_error:.6f}")

# %%
small = 1e-4
for loss, derivative in (
    (yes_or_no, with_cross_entropy),
    (squared_error, with_squared_error),
):
    difference = (loss(score + small, yes) - loss(score - small, yes)) / (2 * small)
    claim_equal(
        difference,
        derivative,
        1e-8,
        f"The derivative of {loss.__name__} is that of the text.",
    )

# %% [markdown]
# ## Training
#
# All learners train on one-shot episodes of known alphabets, each for a few seconds.
# All of them would gain from more. Prototypes get 60 ways in each episode. The relation
# networks get 20, because they send every pair through a network and pairs are many.
# The published one gets fewer steps than the other, because it stops moving early. MAML
# gets 16 episodes of five ways in each step, and an inner step of size 2.


# %%
def letters_of(*parts, turns=1):
    """Drawings as rows of pixels, and labels; each quarter turn is a new letter."""
    return rows_and_labels(glyphs.load(*parts, side=14).x, turns)


def rows_and_labels(x, turns=1):
    """Pictures, 20 of each letter, as rows of pixels, and their labels."""
    turned = [numpy.rot90(x, quarter, axes=(1, 2)) for quarter in range(turns)]
    rows = numpy.concatenate(turned).reshape(-1, 196)
    return rows, numpy.arange(len(rows) // DRAWINGS).repeat(DRAWINGS)


# %%
def sampler(letters, tasks, ways):
    """A function that draws one-shot episodes to train on, two queries a class."""
    return lambda rng: episodes(rng, *letters, tasks, ways, 1, 2)


def fit(learner, sample, steps, step_size=0.004):
    """Train with a falling step size; return meta and the loss at every step."""
    falling = adam(linear_decay(step_size, steps))
    fit_rng = numpy.random.default_rng([SEED, 3])
    with using(dtype="float32"):
        return meta_train(learner, sample, fit_rng, steps, optimizer=falling)


# %%
def zero_last_layer(net):
    """The same network, whose last layer starts at zero."""

    def init(rng):
        *body, last = net.init(rng)
        return [*body, tree_map(numpy.zeros_like, last)]

    return Net(init, net.apply)


# %%
known, new = letters_of("train", "validation", turns=4), letters_of("test")
net, compare = mlp([196, 256, 64]), mlp([128, 64, 1])
classifier = zero_last_layer(mlp([196, 128, 64, 5]))
sphere = prototypical.on_sphere(net)
STEPS, MAML_STEPS, FEW = (20, 20, 20) if QUICK else (1600, 1000, 400)
published = my_relation(net, compare, squared_error)
learners = {  # name: learner, tasks and ways of a step, steps
    "prototypes": (my_prototypes(net), (1, 60), STEPS),
    "on a sphere": (my_prototypes(sphere), (1, 60), STEPS),
    "relation": (my_relation(net, compare, yes_or_no), (1, 20), STEPS),
    "relation, published": (published, (1, 20), FEW),
    "MAML": (maml.learner(classifier, cross_entropy, 2.0), (16, 5), MAML_STEPS),
}
metas, losses = {}, {}
for name, (learner, size, steps) in learners.items():
    metas[name], losses[name] = fit(learner, sampler(known, *size), steps)

# %% [markdown]
# **Predict, then run.** On alphabets never seen, with five ways and one shot, matching
# was right in about nine of ten cases. Write down your guess for each of the five
# learners, and do not forget what the last section says about one of them.

# %%
KINDS = [(5, 1), (5, 5), (20, 1), (20, 5)]  # ways, shots
TESTS = 20 if QUICK else 400


def draw_tests(letters):
    test_rng = numpy.random.default_rng([SEED, 1])
    with using(dtype="float32"):
        return [episodes(test_rng, *letters, TESTS, *kind, 5) for kind in KINDS]


def rights(learner, meta, tests):
    """The share of right answers in every episode of every kind."""
    return numpy.stack([evaluate(learner, meta, task, accuracy) for task in tests])


# %%
def report(name, right):
    """Print the mean of each kind in percent, and two standard errors of it."""
    half_widths = 200 * right.std(axis=1) / TESTS**0.5
    pairs = zip(100 * right.mean(axis=1), half_widths)
    print(f"{name:22}", *(f"{mean:6.1f} +- {half:.1f}" for mean, half in pairs))


tests, results = draw_tests(new), {}
results["pixel prototypes"] = rights(my_prototypes(inputs), {}, tests)
for name, (learner, (_, ways), _) in learners.items():
    asked = [task for task, kind in zip(tests, KINDS) if ways > 5 or kind[0] == 5]
    results[name] = rights(learner, metas[name], asked)
print(f"{'ways, shots':22}", *(f"{str(kind):>13}" for kind in KINDS))
for name, right in results.items():
    report(name, right)


# %%
def claim_ahead(winner, loser, kinds, margin, sentence):
    """Paired: the mean difference, less two standard errors."""
    ahead = results[winner][kinds] - results[loser][kinds]
    least = ahead.mean(axis=1) - 2 * ahead.std(axis=1) / TESTS**0.5
    found = ", ".join(f"{100 * value:.1f}" for value in least)
    needed = f"each > {100 * margin:.0f} points"
    claim(min(least) > margin, sentence, f"{found} points", needed, trained=True)


everything, five_ways = slice(0, 4), slice(0, 2)
claim_ahead(
    "on a sphere", "prototypes", [0, 2], 0.0, "With one shot the sphere helps."
)
claim_ahead(
    "prototypes", "relation", everything, 0.0, "A fixed comparison is ahead here."
)
claim_ahead(
    "prototypes", "MAML", five_ways, 0.0, "Prototypes are ahead of MAML's one step."
)
claim_ahead(
    "MAML", "pixel prototypes", five_ways, 0.05, "MAML is far ahead of pixels."
)

# %%
collapsed = results["relation, published"]
chance = numpy.array([1 / ways for ways, _ in KINDS])
from_chance = numpy.abs(collapsed.mean(axis=1) - chance).max()
claim(
    from_chance < 0.02,
    "The published loss has learned nothing: it is right as often as chance.",
    f"{100 * from_chance:.1f} points from chance",
    "< 2 points",
    trained=True,
)
late = losses["relation, published"][FEW // 5 :]
claim(
    numpy.abs(late - 1 / 20).max() < 0.002,
    "Soon its loss is that of no to every question, 1 / 20, and stays there.",
    f"at most {numpy.abs(late - 1 / 20).max():.1e} from it",
    "< 0.002",
    trained=True,
)


# %%
def draw_kinds(ax):
    colours = [plots.BEFORE, plots.AFTER, *plots.COLOURS[2:5], plots.COLOURS[1]]
    for i, (name, right) in enumerate(results.items()):
        spots = numpy.arange(len(right)) + 0.15 * (i - 2.5)
        half = 200 * right.std(axis=1) / TESTS**0.5
        style = {"yerr": half, "color": colours[i], "label": name}
        ax.bar(spots, 100 * right.mean(axis=1), 0.15, **style)
    for spot, (ways, _) in enumerate(KINDS):
        ends = spot - 0.45, spot + 0.45
        label = "" if spot else "chance"
        ax.plot(ends, 2 * [100 / ways], "k:", label=label)
    names = [f"{ways} ways\nshots: {shots}" for ways, shots in KINDS]
    ax.set(xticks=range(4), xticklabels=names)
    ax.set(ylim=(0, 150), yticks=range(0, 101, 20))
    plots.labels(ax, "", "right answers (%)", "alphabets never seen", legend=False)
    ax.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")


# %%
def draw_corrections(ax):
    scores = numpy.linspace(min(-14, stuck - 2), 6, 301)
    p = sigmoid(scores)
    ax.plot(scores, 1 - p, color=plots.COLOURS[3], label="cross-entropy")
    ax.plot(
        scores,
        2 * (1 - p) * p * (1 - p),
        color=plots.COLOURS[4],
        label="squared error",
    )
    ax.axvline(stuck, color="k", ls=":", label="where training stopped")
    plots.labels(
        ax, "score where the answer is yes", "correction", "sure and wrong"
    )


# %% [markdown]
# Where has the published network come to? We ask it about the twenty-way test episodes
# and take the median score of the pairs that *are* of the same letter.

# %%
twenty, end = tests[2], metas["relation, published"]
prototypes = published.adapt(end, twenty.support)
scores = published.predict(end, prototypes, twenty.query.x)
stuck = float(np.median(scores[twenty.query.y == 1]))
correction = 2 * sigmoid(stuck) * (1 - sigmoid(stuck)) ** 2
print(f"median score of pairs of the same letter: {stuck:.1f}")
print(f"the derivative of the squared error there: {correction:.1e}")

# %%
figure, (left, right_panel) = plots.figure(2, height=4.0)
draw_kinds(left)
draw_corrections(right_panel)
plots.save(figure, "09_prototypes")

# %% [markdown]
# **Left:** the share of right answers on the same 400 episodes of each kind, with
# letters of alphabets that nobody has trained on. The thin black line on each bar is
# the mean with two standard errors on either side, and the dotted lines are chance.
# Prototypes lead, and with one shot they are better still on a sphere. The relation
# network has to learn a comparison that prototypes have for nothing, and after as many
# steps it is behind. MAML has bars only for five ways, because its classifier has five
# outputs. They are not the end of what MAML can do: it needs several times as many
# updates as this lesson has time for.
#
# **Right:** the size of the derivative of each loss with respect to the score of a pair
# whose right answer is "yes". Where the score is far below zero, cross-entropy (pink)
# corrects it at full strength, and squared error (yellow) hardly at all. The dotted
# line marks the scores at which the published network has ended. It says no to
# everything, its loss is $1/20$, and nothing is left that would move it. The danger
# grows with the number of classes. Put `(4, 5)` in place of its `(1, 20)`, which is
# four episodes of five ways: one answer in five is then yes, and the same loss trains.
#
# ## Omniglot
#
# *Omniglot* (Lake and others, 2015) is the data set on which the papers report: 1,623
# letters of 50 alphabets, drawn by 20 people. It is not part of this course, and a
# lesson downloads nothing. If its files are on your machine, the next cell tests the
# networks that were trained on glyphs on Omniglot's letters, trains one on Omniglot's
# own training alphabets, and prints published numbers beside them.

# %%
FILES = ("omniglot28_bits.npz", "images_background.zip", "images_evaluation.zip")
PUBLISHED = {
    "published, prototypes": "  98.8          99.7          96.0          98.9",
    "published, MAML": "  89.7          97.5     (without convolution)",
}


def omniglot_is_here():
    """Whether the files are where the library looks for them."""
    here = [
        any((place / name).is_file() for place in places("omniglot"))
        for name in FILES
    ]
    return here[0] or (here[1] and here[2])


# %%
def omniglot_rows():
    """Right answers on Omniglot's test alphabets, for three learners."""
    asked = draw_tests(rows_and_labels(datasets.omniglot("evaluation", 14).x))
    background = rows_and_labels(datasets.omniglot("background", 14).x, turns=4)
    trained, _ = fit(my_prototypes(sphere), sampler(background, 1, 60), STEPS)
    report("pixel prototypes", rights(my_prototypes(inputs), {}, asked))
    report(
        "sphere, from glyphs",
        rights(my_prototypes(sphere), metas["on a sphere"], asked),
    )
    report("sphere, from Omniglot", rights(my_prototypes(sphere), trained, asked))


# %%
if omniglot_is_here():
    omniglot_rows()
    for name, numbers in PUBLISHED.items():
        print(f"{name:22} {numbers}")
else:
    print("Omniglot is not here. To get it once, run in Python, with a network:")
    print("from minimeta.tasks import datasets")
    print("datasets.omniglot('background'), datasets.omniglot('evaluation')")

# %% [markdown]
# The published prototypes come from a network with convolutions and from a long
# training. This lesson does without both. The published row of MAML is for a network
# without convolutions.
#
# ## The same as the library
#
# The library's `prototypical` and `relation` have the same parameters as the learners
# of this page. Prototypes differ by $|h|^2$ in their logits, which softmax does not
# see.

# %%
doubles = [tree_map(lambda leaf: leaf[:20].astype(float), task) for task in tests]


def chances(learner, meta, task):
    """The chances that a learner gives to the classes of each query, in float64."""
    meta = tree_map(lambda leaf: np.asarray(leaf, dtype=float), meta)
    state = learner.adapt(meta, task.support)
    return softmax(learner.predict(meta, state, task.query.x))


from_library = {
    "on a sphere": prototypical.learner(sphere),
    "relation": relation.learner(net, compare),
}
for name, library_learner in from_library.items():
    claim_equal(
        chances(learners[name][0], metas[name], doubles[1]),
        chances(library_learner, metas[name], doubles[1]),
        1e-10,
        f"{name}: this page's learner is the library's.",
    )

# %% [markdown]
# And as promised above: with one shot, prototypes on a sphere of radius $r$ are
# matching with $2r^2$ in place of $r^2$.

# %%
on_sphere = tree_map(lambda leaf: leaf.astype(float), metas["on a sphere"])
wider = {**on_sphere, "log_radius": on_sphere["log_radius"] + np.log(2.0) / 2}
claim_equal(
    chances(my_prototypes(sphere), on_sphere, doubles[0]),
    chances(matching.learner(net), wider, doubles[0]),
    1e-10,
    "With one shot, prototypes on a sphere are matching.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** A class has the two embedded examples $(1,3)$ and $(3,1)$. Prototypes
# are a linear classifier: give the weights and the bias of this class, as a list of
# three numbers.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "de29ae45")

# %% [markdown]
# **Exercise 2.** Two classes in $D=4$ dimensions, $\tau=\sigma=1$, one example of each.
# How often are prototypes right? Give three digits of the share.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "be7fc4be")

# %% [markdown]
# **Exercise 3.** Classes lie close together: $\tau^2=1$ and $\sigma^2=4$. By which
# factor does Bayes multiply a prototype of five examples? Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "b8f54d2b")

# %% [markdown]
# **Exercise 4.** In $D=16$ dimensions with $\tau=\sigma=1$ and two ways, what is the
# best accuracy that anybody can have with endlessly many shots? Let $n$ go to infinity
# in the formula of $\rho$. Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "49d850cf")

# %% [markdown]
# **Exercise 5.** A relation network that has learned nothing but the number of classes
# says $1/C$ to every question. What is its squared error, as a mean over questions,
# with twenty classes? Give three digits. (It is smaller than $1/20$, and a network that
# is trained with small steps rests there for long.)

# %%
# Exercise 5. Put your answer in place of the dots and take the first # away.
# check(..., "169d36c5")

# %% [markdown]
# **What changed since the last lesson.** A class is one point, the mean of its
# examples, and for normal classes we know in closed form how good that is and what is
# best. `python -m minimeta verify class_gaussians` and `verify embeddings` print the
# theorems.

# %%
finish()
