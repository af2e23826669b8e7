# %% [markdown]
# # 04. Bayes: tasks have a distribution, so there is a best learner
#
# **The promise.** If you know how tasks are distributed, you can compute the best
# possible learner with a pencil. You will derive it, build it in five lines, and watch
# every other learner of the course so far stay above it. From here on every figure of
# the course has a dashed black line: the error below which nobody can be.
#
# **You need** the lessons *supervised* (linear regression) and *transfer* (a
# distribution of tasks), and from probability the mean, the variance and the covariance
# of random numbers, and the normal distribution.
#
# **Takes** about 90 minutes to read with the exercises, and a few seconds to run.
#
# **Before:** you compare learners with each other. **After:** you compare them with the
# best one there is.
#
# A task is a vector of weights $w$ and a few noisy examples $y=w^\top x+\text{noise}$.
# Suppose the weights come from a known distribution with mean $m$ and covariance
# $\Sigma$, and the noise has the variance $\sigma^2$. Then the best answer to a new $x$
# after the examples $X$, $Y$ is $x^\top w_N$ with
#
# $$w_N=m+G\,(Y-Xm),\qquad G=\Sigma X^\top\big(X\Sigma X^\top+\sigma^2I\big)^{-1}.$$
#
# The matrix $G$ is called the *gain*. It says how much of a surprise $Y-Xm$ is believed.

# %%
from statistics import NormalDist

import numpy

from minimeta import diagrams, plots
from minimeta.core.backend import np
from minimeta.core.losses import mse
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import linear_gaussian
from minimeta.meta import Learner
from minimeta.meta import learning_curve as library_curve
from minimeta.tasks import Data, Task
from minimeta.tasks.regression import linear, random_covariance

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## What "best" means
#
# A *learner* sees the examples of a task (the *support* set) and then answers new
# questions (the *query* set). One draw of a task and its examples may be kind to a bad
# learner. So we ask for the mean: over all tasks that the distribution can produce, over
# all examples that these tasks can show, and over all queries. The best learner is the
# one whose mean squared error, in this sense, is least.
#
# Two words. What you know about $w$ before any example is the *prior*: here a normal
# distribution with mean $m$ and covariance $\Sigma$. What you know after the examples is
# the *posterior*. The answer with the least mean squared error is the mean of the
# posterior, for the same reason that the mean of a list of numbers is the one number
# with the least mean squared distance to them.
#
# ## The posterior, from a picture
#
# Take one weight $w$ with the prior $\mathcal N(0,1)$, and one example at $x=1$ with
# noise of variance 1, so $y=w+\text{noise}$. Before you see $y$, the pair $(w,y)$ is
# random. The next cell draws the ellipse that contains about 86 % of the pairs.

# %%
joint_covariance = numpy.array([[1.0, 1.0], [1.0, 2.0]])  # of (w, y)
picture, (ax,) = plots.figure(height=3.8)
pairs = rng.multivariate_normal([0.0, 0.0], joint_covariance, size=400)
ax.plot(*pairs.T, ".", ms=3, color=plots.BEFORE, label="pairs (w, y)")
precision = numpy.linalg.inv(joint_covariance)
diagrams.ellipse(
    ax, precision, level=4.0, color=plots.COLOURS[5], label="prior of the pair"
)
ax.axhline(2.0, color=plots.COLOURS[1], label="we see y = 2")
y_line = numpy.linspace(-4, 4, 2)
ax.plot(0.5 * y_line, y_line, color=plots.AFTER, label="mean of w given y: y / 2")
ax.plot(1.0, 2.0, "o", color=plots.AFTER, ms=9)
plots.labels(ax, "weight w", "answer y", "conditioning is slicing")
plots.save(picture, "04_slice")

# %% [markdown]
# Each grey dot is one possible world: a weight and the answer it would give. When we see
# $y=2$, only the dots on the orange line remain possible. On that line the weights
# scatter around the blue dot. All blue dots, one for each $y$, lie on the blue line
# through the origin. To find its slope we need two lines of algebra.
#
# **Line 1.** Choose $G$ so that $w-Gy$ is uncorrelated with $y$:
# $\operatorname{cov}(w-Gy,\,y)=\operatorname{cov}(w,y)-G\operatorname{var}(y)=0$, hence
#
# $$G=\operatorname{cov}(w,y)\,\operatorname{var}(y)^{-1}.$$
#
# **Line 2.** For normal variables uncorrelated means independent. So seeing $y$ tells
# nothing about the rest $w-Gy$: given $y$, the weight is $Gy$ plus a rest whose variance
# is $\operatorname{var}(w)-G\operatorname{cov}(y,w)$.
#
# With a mean, replace $w$ by $w-m$ and $y$ by $y-Xm$. With many weights and many
# examples the covariances become matrices: $\operatorname{cov}(w,Y)=\Sigma X^\top$ and
# $\operatorname{var}(Y)=X\Sigma X^\top+\sigma^2I$. That is the formula at the top.
#
# **Predict, then run.** Prior $\mathcal N(0,1)$, noise variance 1, and one example says
# $y=2$ at $x=1$. What are the mean and the variance of $w$ now?


# %%
def posterior(x, y, mean, covariance, noise_variance):
    """Of the weights given examples: mean (M, D, C) and covariance (M, D, D)."""
    weights_with_answers = covariance @ np.swapaxes(x, -1, -2)  # (M, D, N)
    answers = x @ weights_with_answers + noise_variance * np.eye(
        x.shape[-2]
    )  # (M, N, N)
    gain = weights_with_answers @ np.linalg.inv(answers)  # (M, D, N)
    return mean + gain @ (y - x @ mean), covariance - gain @ x @ covariance


one = numpy.ones((1, 1, 1))
after_one, variance_after_one = posterior(one, 2 * one, 0 * one, one, 1.0)
print(f"w has mean {after_one.item()} and variance {variance_after_one.item()}")

# %%
claim(
    after_one.item() == 1.0,
    "The mean is half way from 0 to 2.",
    after_one.item(),
    1,
)
claim(
    variance_after_one.item() == 0.5, "One example halves the variance.", 0.5, 0.5
)
on_line = pairs[numpy.abs(pairs[:, 1]) < 4]
gap = (on_line[:, 0] - 0.5 * on_line[:, 1]).mean()
claim(
    abs(gap) < 0.2,
    "The dots of the picture lie evenly around the line.",
    gap,
    "|.| < 0.2",
)

# %% [markdown]
# ## An old friend
#
# You know this answer from another side. *Ridge regression* minimises
# $|Xw-Y|^2+\lambda|w|^2$: least squares with a penalty on long weights, whose strength
# $\lambda$ one usually tunes. Bayes' answer for the prior $\mathcal N(0,vI)$ is ridge
# regression with $\lambda=\sigma^2/v$. There is nothing to tune: the right penalty is
# the noise divided by the prior variance.

# %%
x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
ridge = np.linalg.solve(x.T @ x + 0.1 / 0.5 * np.eye(3), x.T @ y)
bayesian, _ = posterior(x, y, np.zeros((3, 1)), 0.5 * np.eye(3), 0.1)
claim_equal(
    bayesian, ridge, 1e-12, "Ridge is Bayes if lambda is noise over prior variance."
)

# %% [markdown]
# ## A learner is three functions
#
# To compare learners we need one form for all of them. In this course a learner is
#
# * `init(rng)`, which makes *meta*: what all tasks share,
# * `adapt(meta, support)`, which makes a task's *state* from its support examples,
# * `predict(meta, state, x)`, which answers queries.
#
# Data of $M$ tasks with $N$ examples of $D$ inputs are arrays $x$ of shape $(M,N,D)$ and
# $y$ of shape $(M,N,1)$. *Shots* are the number of support examples. The Bayes-optimal
# learner has nothing to train, so its meta is empty.


# %%
def bayes(mean, covariance, noise_variance):
    def adapt(meta, support):
        return posterior(support.x, support.y, mean, covariance, noise_variance)

    def predict(meta, state, x):
        return x @ state[0]

    return Learner(lambda rng: {}, adapt, predict)


def evaluate(learner, meta, task):
    """The query error of every task after adapting to its support: (M,)."""
    state = learner.adapt(meta, task.support)
    return mse(learner.predict(meta, state, task.query.x), task.query.y)


def learning_curve(learner, meta, task, shots):
    """Those errors for the first s examples, s in shots: (len(shots), M)."""
    rows = []
    for s in shots:
        first = Data(task.support.x[:, :s], task.support.y[:, :s])
        rows.append(evaluate(learner, meta, Task(first, task.query)))
    return np.stack(rows)


# %% [markdown]
# ## It knows how wrong it is
#
# The posterior has a covariance too, so the learner can say how sure it is. If it claims
# that an answer lies in an interval with a chance of 90 %, then 90 of 100 such intervals
# must contain the answer. That is a hard test, because nothing in it was fitted.
#
# **Predict, then run.** Four examples of a task with six weights do not determine the
# weights. Will the 90 % intervals hold 90 % of the answers all the same?

# %%
D, TASKS = 6, 300 if QUICK else 2000
SPECTRUM, NOISE = 2.0 ** -numpy.arange(D), 0.1
prior = (
    rng.normal(size=(D, 1)),
    random_covariance(rng, SPECTRUM),
    NOISE,
)  # mean, covariance, noise


def draw(shots):
    return linear(rng, TASKS, shots, 20, prior[1], prior[0], NOISE)


few = draw(4)
mean, covariance = bayes(*prior).adapt({}, few.support)
variance = (
    np.sum(few.query.x @ covariance * few.query.x, axis=-1, keepdims=True) + NOISE
)
distance = np.abs(few.query.y - few.query.x @ mean) / np.sqrt(
    variance
)  # (M, 20, 1)

# %% [markdown]
# `distance` is the error of each answer in units of the standard deviation that the
# learner claims. A normal variable is within 1.64 standard deviations with a chance of
# 90 %; the standard library of Python knows this number for every chance.

# %%
LEVELS = (0.5, 0.8, 0.9, 0.95)
inside = {}
for level in LEVELS:
    reach = NormalDist().inv_cdf(
        (1 + level) / 2
    )  # half the width, in standard deviations
    inside[level] = np.mean(distance < reach, axis=(1, 2))  # (M,)
    print(f"intervals that claim {level:.0%} hold {inside[level].mean():.1%}")

# %%
for level in LEVELS:
    error = inside[level].std() / TASKS**0.5
    gap = inside[level].mean() - level
    sentence = f"Intervals that claim {level:.0%} hold what they claim."
    claim(
        abs(gap) < 4 * error,
        sentence,
        f"off by {gap:+.4f}",
        f"within 4 x {error:.4f}",
    )
risk = linear_gaussian.risk(few.support.x, prior[1], NOISE)
gap = evaluate(bayes(*prior), {}, few) - risk
claim(
    abs(gap.mean()) < 4 * gap.std() / TASKS**0.5,
    "The mean error is the one that the posterior covariance predicts.",
    gap.mean(),
    f"within 4 x {gap.std() / TASKS**0.5:.4f}",
)

# %% [markdown]
# ## What a wrong prior costs
#
# Suppose you assume the prior $(m',\Sigma')$ while the tasks come from $(m,\Sigma)$. Your
# gain $G$ then follows from what you assume, and your error from what is true. With
# $J=I-GX$, the part of the weights that the examples have not shown you, the expected
# squared error on queries $x\sim\mathcal N(0,I)$ is
#
# $$\sigma^2+\operatorname{tr}\big[J\,(\Sigma+(m-m')(m-m')^\top)\,J^\top
# +\sigma^2\,G\,G^\top\big].$$
#
# The first term is noise that nobody can predict. The second is what you have not seen
# or have assumed wrongly, the third is noise that you have believed. The true prior
# balances the last two perfectly, so any other prior costs something.
#
# **Predict, then run.** Which mistake is the most expensive after four examples: a wrong
# mean, a round covariance in place of the true one, or believing that the noise is a
# hundred times smaller than it is?

# %%
SHOTS = (0, 1, 2, 4, 8, 16, 32)
task = draw(SHOTS[-1])
floor = learning_curve(bayes(*prior), {}, task, SHOTS)  # (len(SHOTS), M)
wrong_priors = {
    "wrong mean": (np.zeros((D, 1)), *prior[1:]),
    "round covariance": (prior[0], np.eye(D), NOISE),
    "noise / 100": (*prior[:2], NOISE / 100),
}
costs, by_formula = {}, {}
for name, believed in wrong_priors.items():
    costs[name] = learning_curve(bayes(*believed), {}, task, SHOTS) - floor
    seen = [task.support.x[:, :s] for s in SHOTS]
    wrong_risk = linear_gaussian.wrong_prior_risk
    by_formula[name] = np.stack(
        [wrong_risk(x, believed, prior) - wrong_risk(x, prior, prior) for x in seen]
    )
    print(
        f"{name:17} costs", *(f"{cost:7.3f}" for cost in costs[name].mean(axis=-1))
    )

# %%
for name in wrong_priors:
    gap = costs[name] - by_formula[name]  # (len(SHOTS), M)
    allowed = 4 * gap.std(axis=-1) / TASKS**0.5 + 1e-12
    worst = np.max(np.abs(gap.mean(axis=-1)) / allowed)
    claim(
        worst < 1,
        f"{name}: it costs what the formula says.",
        worst,
        "< 1 (in 4 errors)",
    )
    claim(
        by_formula[name].min() > -1e-9,
        f"{name}: it never pays.",
        by_formula[name].min(),
        ">= 0",
    )

# %% [markdown]
# ## Nobody beats it
#
# Now three learners that do not know the prior, on the same tasks. *Least squares* fits
# the examples and nothing else. The *joint predictor* answers with the mean weights $m$
# and never adapts, which is the best that training on all tasks together can give.
# *Descent* starts at $m$ and takes gradient steps on the support loss; it may even choose
# its number of steps after seeing the query errors, which no honest learner may.
#
# Least squares can be very wrong on a few tasks, whose examples happen to point in nearly
# the same direction, and such tasks carry much of its mean. So the second claim counts
# tasks instead: on which share of them is Bayes ahead?
#
# **Predict, then run.** With how many shots does least squares come close to Bayes?


# %%
def fit_least_squares(meta, support):
    return np.linalg.pinv(support.x) @ support.y


def descend(steps):
    def adapt(meta, support):
        w = np.broadcast_to(prior[0], (len(support.x), D, 1))
        examples = max(1, support.x.shape[1])
        for _ in range(steps):
            errors = support.x @ w - support.y
            w = w - 0.05 * np.swapaxes(support.x, 1, 2) @ errors / examples
        return w

    return Learner(lambda rng: {}, adapt, lambda meta, w, x: x @ w)


squares = Learner(lambda rng: {}, fit_least_squares, lambda meta, w, x: x @ w)
# %%
curves = {
    "least squares": learning_curve(squares, {}, task, SHOTS),
    "joint predictor": learning_curve(descend(0), {}, task, SHOTS),
}
tried = np.stack(
    [learning_curve(descend(n), {}, task, SHOTS) for n in (1, 3, 10, 30, 100, 300)]
)
best = np.argmin(
    tried.mean(axis=-1), axis=0
)  # with hindsight, for each number of shots
curves["descent, tuned"] = tried[best, np.arange(len(SHOTS))]
for name, curve in curves.items():
    print(
        f"{name:16} above Bayes",
        *(f"{c:7.3f}" for c in (curve - floor).mean(axis=-1)),
    )

# %%
for name, curve in curves.items():
    above = curve - floor  # paired: the same tasks
    in_errors = above.mean(axis=-1) / np.maximum(
        above.std(axis=-1) / TASKS**0.5, 1e-12
    )
    claim(
        in_errors.min() > -4,
        f"{name} is never below Bayes.",
        in_errors.min(),
        "> -4 errors",
    )
    share = np.mean(
        above[1:4] > 0, axis=-1
    ).min()  # of the tasks on which Bayes is ahead
    sentence = f"With one to four shots Bayes is ahead of {name} on most tasks."
    needed = 0.5 + 4 * 0.5 / TASKS**0.5  # four standard errors of a fair coin
    claim(share > needed, sentence, share, f"> {needed:.3f}", trained=True)

# %%
figure, (left, right) = plots.figure(2, height=3.8)
places = range(len(SHOTS))
for (name, curve), colour in zip(curves.items(), plots.COLOURS):
    left.plot(places, curve.mean(axis=-1), "o-", ms=4, color=colour, label=name)
plots.floor(left, places, floor.mean(axis=-1))
left.set(yscale="log", xticks=places, xticklabels=SHOTS, ylim=(0.08, 10))
plots.labels(left, "shots", "query error", "every learner stays above Bayes")
for (name, cost), colour in zip(costs.items(), plots.COLOURS[3:]):
    half = 2 * cost.std(axis=-1) / TASKS**0.5
    plots.band(right, places, cost.mean(axis=-1), half, name, color=colour)
    plots.floor(
        right, places, by_formula[name].mean(axis=-1), "" if colour else "formula"
    )
right.set(xticks=places, xticklabels=SHOTS)
right.set_ylim(bottom=-0.1)
plots.labels(right, "shots", "error above Bayes", "what a wrong prior costs")
plots.save(figure, "04_bayes")

# %% [markdown]
# **Left:** the mean query error against the number of shots, on a logarithmic scale. The
# dashed line is the Bayes-optimal learner. With no shots it equals the joint predictor,
# because nothing is known yet beyond the prior. With many shots all adapting learners
# come together, because examples speak louder than priors.
#
# **Right:** what three wrong priors cost. The solid lines with bands (two standard
# errors) are measured, the dashed lines are the formula. A wrong mean costs before the
# first example already, and is forgotten only when there are more examples than the six
# weights. Trusting the noise too much costs most when there are about as many examples
# as weights, because then the noise can be fitted exactly.
#
# ## The same as the library

# %%
library = library_curve(linear_gaussian.learner(*prior), {}, task, SHOTS)
claim_equal(
    library,
    floor,
    1e-8,
    "This page's learner and learning curve are the library's.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Prior $\mathcal N(0,1)$ for one weight, noise variance 1. Two examples
# at $x=1$ say $y=2$ and $y=4$. What is the posterior mean?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "1956ec54")

# %% [markdown]
# **Exercise 2.** Update the posterior of exercise 1 one example at a time: the posterior
# after the first example is the prior for the second. Give the variance after both.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "85d4d23b")

# %% [markdown]
# **Exercise 3.** The weights are drawn uniformly from $[-1,1]$ instead of from a normal
# distribution. Among all learners that are *linear* in $Y$, the best one uses only the
# mean and the variance of the weights. Which prior variance must you put into `bayes`?
# Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "85d4d23b")

# %% [markdown]
# **Exercise 4.** The true prior is $\mathcal N(1,1)$, the noise variance is 1, and you
# believe $\mathcal N(0,1)$. You see one example at $x=1$. By how much is your expected
# squared error (formula above, query at $x=1$) larger than that of the true prior?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "1fbb54ef")

# %% [markdown]
# **What changed since the last lesson.** A learner became a function that is judged on
# many tasks, and there is a best one. The prior was *given* here. The rest of the course
# learns it from tasks. `python -m minimeta verify bayes` prints the theorems.

# %%
finish()
