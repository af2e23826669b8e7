# %% [markdown]
# # 26. Spectrum: every learner on one line
#
# **The promise.** The figure of this lesson has a line for each learner of the course.
# A dot says how far above the Bayes-optimal loss the learner is on tasks like those
# that it was trained on. A ring says how far above it is on other tasks. The learners
# are ordered by how much of them was learned, from an update that a person wrote down
# to a network that does whatever training made it do.
#
# **You need** the lesson *bayes* (the best possible learner), *maml* and *inner_loop*
# (a learned start, learned step sizes), *prototypes*, *recurrent*, *learning_rules*
# (rules that all weights share, and the variable ratio), and of statistics the
# standard error of a mean.
#
# **Takes** about an hour with the exercises, and up to a minute to run.
#
# **Before:** each lesson showed one learner beside Bayes, on a family of tasks that
# suited the lesson. **After:** all learners are asked the same question on the same
# tasks, and then the tasks are changed.
#
# Write $L_m$ for the loss of a learner on the queries of the task $m$, and
# $L_m^{\text{Bayes}}$ for that of the Bayes-optimal learner. The *excess* of the learner
# on $M$ tasks is the mean of what it loses beyond Bayes:
#
# $$\text{excess}=\frac1M\sum_{m=1}^{M}\big(L_m-L_m^{\text{Bayes}}\big)$$
#
# Nobody has a negative excess, except by chance. The excess is zero for a learner that
# knows everything about the family of tasks that there is to know.

# %%
import numpy

from minimeta import plots
from minimeta.compare import compare, difference
from minimeta.core.backend import using
from minimeta.course import spectrum
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.course.recipes import SETTINGS
from minimeta.exact import linear_gaussian
from minimeta.learning_rules.ratio import count
from minimeta.meta import evaluate

rng = numpy.random.default_rng(2000 + SEED)

# %% [markdown]
# ## A case to check by hand
#
# The question of this lesson can be answered with pencil and paper for the smallest
# family there is. A task is one number $w$, drawn from a normal distribution with mean
# 0 and variance $p$. A learner sees one example $y=w+e$, where the noise $e$ has the
# variance $s$, and is asked for $w$. Let it answer $k\,y$ with a fixed factor $k$. Its
# mean squared error is
#
# $$(1-k)^2\,p+k^2\,s,$$
#
# because it loses the share $1-k$ of $w$ and keeps the share $k$ of the noise. The
# minimum is at $k^*=p/(p+s)$, which is the Bayes-optimal learner. Any other $k$ has the
# excess
#
# $$(k-k^*)^2\,(p+s).$$
#
# Now compare two learners. The first one *knows the family*: it was made for $p=1$ and
# $s=1$, so it takes $k=\frac12$. The second one *knows nothing* and believes what it
# sees, with $k=1$. Then the tasks change: $w$ has the variance $p=9$ instead of 1.
#
# **Predict, then run.** What is the excess of each learner inside, where $p=1$, and
# outside, where $p=9$? Write down four numbers.


# %%
def excess_by_hand(k, p, s=1.0):
    best = p / (p + s)
    return (k - best) ** 2 * (p + s)


for who, factor in {"knows the family": 0.5, "knows nothing": 1.0}.items():
    inside_1, outside_9 = excess_by_hand(factor, 1.0), excess_by_hand(factor, 9.0)
    print(f"{who:18} inside {inside_1:.2f}   outside {outside_9:.2f}")

# %% [markdown]
# The learner that knows the family is perfect inside and pays 1.6 outside. The one that
# knows nothing pays 0.5 inside and only 0.1 outside. Knowledge of a family is a
# bargain: it is worth what it saves as long as it stays true. The library computes the
# same numbers in another way, from the posterior of a Bayesian learner whose prior is
# wrong.

# %%
one_example = numpy.ones((1, 1))
believed_prior, true_prior = (
    (0.0, numpy.eye(1), 1.0),
    (0.0, 9.0 * numpy.eye(1), 1.0),
)
wrong = linear_gaussian.wrong_prior_risk(one_example, believed_prior, true_prior)
right = linear_gaussian.risk(one_example, *true_prior[1:])
claim_equal(
    wrong - right,
    excess_by_hand(0.5, 9.0),
    1e-12,
    "Outside, the old prior is 1.6 above Bayes, by the formula and by the library.",
)

# %% [markdown]
# ## How to compare: on the same tasks
#
# The two families of this lesson are larger.
#
# - **maps**: noisy linear maps $y=x\,w+e$ with four inputs and one output, six examples
#   to learn from. The weights $w$ vary much in some directions and little in others.
#   These variances are the eigenvalues of the prior, and we call them its *spectrum*.
# - **classes**: three Gaussian classes in six dimensions, two examples of each. The
#   centres of the classes also have a spectrum: they lie far apart in some directions
#   and close together in others.
#
# Each family knows its Bayes-optimal learner in closed form. Outside, the spectrum is
# turned upside down: the direction that mattered most now matters least. The
# Bayes-optimal learner outside knows of this. We also keep the old one, and call it
# "Bayes, old prior": it knows the family of the training tasks by heart, and it does
# not know that the tasks have changed.
#
# Tasks differ far more than learners do: some tasks have little noise in their few
# examples, and are easy for everybody. So we compare learners on the *same* tasks and
# average the difference. Take ridge regression, which treats all directions alike, on
# 2,000 maps.

# %%
maps = SETTINGS["maps"].shifts["inside"]
task = maps.family.sample(numpy.random.default_rng(SEED), 2000, maps.shots, 10)
ridge = SETTINGS["maps"].recipes["ridge regression"].make()
ridge_losses = evaluate(ridge, {}, task)
bayes_losses = evaluate(maps.family.bayes, {}, task)
paired = ridge_losses - bayes_losses  # (M,)
half_width = 1.96 * paired.std(ddof=1) / len(paired) ** 0.5
print(f"ridge regression: excess {paired.mean():.3f} +- {half_width:.3f}")

# %% [markdown]
# What follows $\pm$ is 1.96 standard errors of the mean: an interval of 95 %. Had the
# two learners been tested on separate tasks, the variances of both would add up.
#
# **Predict, then run.** How many times wider would the interval then be?

# %%
separate = 1.96 * numpy.sqrt(
    (ridge_losses.var() + bayes_losses.var()) / len(paired)
)
print(
    f"separate tasks: +- {separate:.3f}, which is {separate / half_width:.1f} times"
)
claim(
    separate > 1.5 * half_width,
    "The interval of paired differences is narrower by more than a third.",
    separate / half_width,
    "> 1.5",
)

# %% [markdown]
# `minimeta.compare` does this for many learners at once. It also gives the median, the
# share of tasks that each learner wins, the time to adapt, and two counts that we need
# next. Its numbers are those of this page.

# %%
record = compare(
    {"ridge": (ridge, {})}, maps.family, maps.shots, numpy.random.default_rng(SEED)
)
row = record.rows[0]
claim_equal(
    [row.mean, row.mean_interval[1]],
    [paired.mean(), paired.mean() + half_width],
    1e-5,
    "compare gives the mean of the paired differences and its interval.",
)
claim(
    row.learned == 20, "Ridge keeps 20 numbers of a task: a mean and a covariance."
)

# %% [markdown]
# ## How much of a learner is learned
#
# Every learner of the course is three functions: `init` makes what the outer loop
# learns, `adapt` is what happens within a task, and `predict` answers. So they all lie
# on one line, and what differs is who wrote `adapt`.
#
# | place | what happens within a task | examples |
# |---|---|---|
# | by hand | a written formula; at most a distance is learned | ridge, prototypes |
# | descent | gradient steps from a learned start | MAML, Meta-SGD |
# | rule | a small learned rule that all weights share | VSML, meta-LSTM |
# | network | the forward pass of a learned network | LSTM, transformer |
#
# The lesson *learning_rules* gave a number to this line. Count the numbers that the
# outer loop sets (meta-parameters) and those that one task changes (learned
# variables). A learner with many meta-parameters for each learned variable has a lot of
# room to store what its training tasks were like. One with few can hardly store
# anything but a way to learn.
#
# Now we need the learners. If `python -m minimeta compare` was run before, all of them
# are ready. If not, this cell trains a handful of them, in well under a minute.

# %%
metas = {kind: spectrum.lesson_metas(kind, SEED, QUICK) for kind in SETTINGS}
for kind, made in metas.items():
    inside = SETTINGS[kind].shifts["inside"]
    with using(dtype="float32"):
        few = inside.family.sample(rng, 2, inside.shots, 2).support
        for name, meta in made.items():
            recipe = SETTINGS[kind].recipes[name]
            counted = count(recipe.make(), meta, few)
            sizes = (
                f"{counted.meta:6d} meta-parameters, {counted.learned:5d} learned"
            )
            print(f"{kind:8} {name:27} {recipe.place:8} {sizes}")

# %% [markdown]
# ## Inside and outside
#
# Each learner now meets 2,000 new tasks inside, and 2,000 outside. All learners get the
# same tasks, and no learner was trained outside.
#
# **Predict, then run.** An LSTM has learned the maps from examples alone. Ridge
# regression was told that they are linear, how large the noise is, and how large the
# weights are on average over all directions. How many times larger is the excess of the
# LSTM outside than inside? And that of ridge regression?

# %%
SHIFTS = ["inside", spectrum.OUTSIDE]
COUNT = 60 if QUICK else 2000
records = {
    kind: spectrum.measure(kind, made, rng, COUNT, SHIFTS)
    for kind, made in metas.items()
}
excess = {}
for kind, both in records.items():
    print(f"{kind:36} inside           outside")
    for row in spectrum.by_structure(both["inside"]).rows:
        far = spectrum.only(both[spectrum.OUTSIDE], [row.name]).rows[0]
        excess[kind, row.name] = (row.mean, far.mean)
        widths = [one.mean_interval[1] - one.mean for one in (row, far)]
        cells = [
            f"{x:7.3f} +-{w:6.3f}" for x, w in zip((row.mean, far.mean), widths)
        ]
        print(f"  {row.name:28}{cells[0]}  {cells[1]}")

# %% [markdown]
# Here are nine statements about learners that are in every run of this lesson. Each is a
# paired difference of losses on the same tasks, and zero has to lie outside of its
# interval of 95 %. The tenth and the eleventh are about the factor by which a learner
# falls behind.


# %%
def first_is_better(kind, shift, names, sentence):
    mean, (low, high) = difference(records[kind][shift], *names)
    value = f"{mean:.3f}, interval {low:.3f} to {high:.3f}"
    claim(high < 0.0, sentence, value, "below 0", trained=True)


OUT = spectrum.OUTSIDE
first_is_better(
    "maps",
    "inside",
    ("Meta-SGD", "MAML"),
    "Inside, learned step sizes are nearer to Bayes than MAML's single one.",
)
first_is_better(
    "maps",
    "inside",
    ("ridge regression", "LSTM"),
    "Inside, ridge regression is nearer to Bayes than the LSTM.",
)

# %%
first_is_better(
    "maps",
    OUT,
    ("ridge regression", "MAML"),
    "Outside, ridge regression is nearer to Bayes than MAML.",
)
first_is_better(
    "maps", OUT, ("MAML", "LSTM"), "Outside, MAML is nearer to Bayes than the LSTM."
)
first_is_better(
    "maps",
    OUT,
    (spectrum.BELIEVED, "LSTM"),
    "Outside, Bayes with the old prior is nearer to Bayes than the LSTM.",
)

# %%
first_is_better(
    "classes",
    "inside",
    ("prototypical", "LSTM"),
    "Inside, prototypes on a learned embedding are nearer to Bayes than the LSTM.",
)
first_is_better(
    "classes",
    "inside",
    ("prototypical", "VSML"),
    "Inside, prototypes on a learned embedding are nearer to Bayes than VSML.",
)
first_is_better(
    "classes",
    OUT,
    ("VSML", "prototypical"),
    "Outside it is the other way round: VSML is nearer to Bayes.",
)
first_is_better(
    "classes",
    OUT,
    ("VSML", "LSTM"),
    "Outside, VSML is nearer to Bayes than the LSTM.",
)

# %%
factors = {who: pair[1] / pair[0] for who, pair in excess.items() if pair[0] > 0}
claim(
    factors["classes", "VSML"] < 1.5,
    "Outside, the excess of VSML is less than one and a half times that inside.",
    factors["classes", "VSML"],
    "< 1.5",
    trained=True,
)
claim(
    min(factors[kind, "LSTM"] for kind in SETTINGS) > 3.0,
    "Outside, the excess of the LSTM is more than three times that inside.",
    [factors[kind, "LSTM"] for kind in SETTINGS],
    "> 3",
    trained=True,
)

# %%
rows_shown = max(len(both["inside"].rows) for both in records.values())
chart, panels = plots.figure(columns=2, height=1.8 + 0.2 * rows_shown)
spectrum.fill(chart, panels, records)
plots.save(chart, "26_spectrum")

# %% [markdown]
# Each row is a learner, and the number behind its name is how many meta-parameters it
# has for each learned variable. At the top of each panel nothing is learned, and at the
# bottom there are many more meta-parameters than learned variables. The filled dot is
# the excess inside, the ring is the excess outside, and the thick bars are the 95 %
# intervals of both. The axis is logarithmic, so that the thin line between dot and ring
# shows by what *factor* a learner falls behind when the tasks change. The dotted
# vertical line is the Bayes-optimal learner with the old prior, outside: it knows the
# training tasks perfectly and nothing else. Colours tell who wrote the update.
#
# ## What the chart shows
#
# **What is built in costs nothing inside as long as it is true.** Both families are
# simple, and their structure can be written down in a line. Ridge regression on the
# maps has learned nothing at all. Prototypes on the classes have learned where to put
# an example, and not what to do with it. Inside, both are nearer to Bayes than the LSTM,
# which has to learn everything.
#
# **What was learned about the family is what is lost outside.** This is the case by
# hand again. A learned embedding, learned step sizes and a trained LSTM all contain the
# spectrum of the training tasks. Outside, that knowledge is false. Learners that have
# no place to store it lose next to nothing: ridge regression treats all directions
# alike, and VSML has one small rule for all weights, whatever input they belong to.
# Learners that have stored it fall to about the dotted line, and the LSTM falls far
# beyond. It is worse than somebody who believes firmly in the old prior. One reason may
# be that it has also learned how to read examples from those of the training tasks
# alone, and that it reads other ones wrongly.
#
# **So the answer to the question of this lesson is: it depends on which structure.** On
# the classes, the rule that generalises best pays for it inside, and the order of
# prototypes and VSML turns round. On the maps, ridge regression pays nothing, because
# linearity is true inside and outside.
#
# Does the number behind the names predict what is lost? A *rank correlation* asks
# whether two orders agree. Each value is replaced by its rank, that is, by the share of
# values below it, and then the ordinary correlation is taken. It is 1 if the orders are
# the same, $-1$ if they are opposite, and near 0 if they have nothing to do with each
# other. By chance alone it lies within $\pm1.96/\sqrt{n-1}$ for $n$ learners in 95 % of
# all cases. What is lost is the excess outside divided by the excess inside.


# %%
def ranks(values):
    below = [numpy.mean(values < v) + numpy.mean(values == v) / 2 for v in values]
    return numpy.array(below)


agreements = {}
for kind, both in records.items():
    rows = [row for row in both["inside"].rows if row.name in metas[kind]]
    ratios = numpy.array([row.meta / row.learned for row in rows])
    pairs = numpy.array([excess[kind, row.name] for row in rows])  # inside, outside
    lost = pairs[:, 1] / pairs[:, 0]
    agreements[kind] = numpy.corrcoef(ranks(ratios), ranks(lost))[0, 1]
    chance = 1.96 / (len(rows) - 1) ** 0.5
    print(f"{kind:8} rank correlation {agreements[kind]:.2f}, chance {chance:.2f}")

# %%
for kind, value in agreements.items():
    claim_equal(
        value,
        spectrum.agreement(records[kind])[0],
        1e-12,
        f"The command prints the same rank correlation for {kind}.",
    )

# %% [markdown]
# With all learners of the course, both correlations are positive and beyond chance:
# those with more meta-parameters for each learned variable lose more. With the few that
# this lesson trains by itself, chance goes too far for such a statement. Read even the
# whole chart as a description of these learners, and not as a law: they are no random
# sample, and several of them share one network. The number does not explain everything
# either. ANIL and the linear attentions have about as many
# meta-parameters for each learned variable, and lose very different shares.

# %% [markdown]
# ## What the chart does not show
#
# It does not show which learner is best. Each learner had a few seconds of training,
# with one choice of sizes and step sizes. A transformer that is trained for hours comes
# much nearer to Bayes inside, as the lesson *in_context* says, and the order of the
# dots would change.
#
# It does not show what happens on images, on language, or from rewards. There nobody
# can write down the structure, which is the reason why people learn it. On the two
# families here the written formula wins because we wrote the families.
#
# It shows one shift, and not one drawn at random. We chose the other spectrum for the
# figure after a first look at all six shifts, on tasks other than those here.
# `python -m minimeta compare` prints the same table for the rest: larger maps, more
# noise, larger inputs, more examples, more classes. Under larger maps and larger inputs
# the means of some learners explode, and the classes show no order like the one above.
# A learner that is safe against one shift can fail badly on another. Sums over the
# support, for example, as in linear attention, go wrong when there are four times as
# many examples.
#
# And a change of the family that is *seen in training* is no shift at all. Whoever
# trains on many spectra gets a learner for many spectra. Between a learner that has
# built-in symmetries and one that has seen all cases there is only the price of seeing
# them.
#
# ## Kinda everything is meta-learning
#
# At the end of the course, look once more at the line. At its upper end, a person has
# learned from experience what tasks are like, and has written that down as a formula.
# Further on, a person has written down gradient descent, and an outer loop learns where
# to start it. Then an outer loop learns the step, the rule, and at last all of it. At
# every point of the line, something has learned from many tasks how to learn the next
# one. The only question is who: we, or the outer loop.
#
# ## Exercises
#
# **Exercise 1.** In the case by hand, with $s=1$, one learner takes $k=\frac12$ and the
# other takes $k=1$. For which variance $p$ of the tasks do both have the same excess?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "a8645ed1")

# %% [markdown]
# **Exercise 2.** An LSTM of $H=48$ units reads four inputs and one label at each step,
# and a linear layer with a bias turns its output into one answer. Its four gates have a
# weight for each number read, a weight for each unit and a bias. Its state is $h$ and
# $c$. How many meta-parameters does it have for each learned variable? Give three
# digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "a6736acb")

# %% [markdown]
# **Exercise 3.** The paired differences of two learners have the standard deviation
# 0.2. On how many tasks must you compare them for an interval of $\pm0.002$ (1.96
# standard errors)? Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "55e432b6")

# %% [markdown]
# **Exercise 4.** On each task, two learners have losses of one variance, with the
# correlation 0.98 over tasks. How many times wider is the interval of the difference on
# separate tasks than on the same tasks? Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "1edc62f1")

# %% [markdown]
# **What changed since the last lesson.** Nothing new was built. All learners were asked
# one question, on tasks that they were trained for and on others, beside the best
# possible answer to both. `python -m minimeta compare` remakes the chart from nothing,
# and `python -m minimeta verify bayes` prints the theorems on priors that are wrong.

# %%
finish()
