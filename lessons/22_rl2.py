# %% [markdown]
# # 22. RL2: a recurrent network that learns to explore
#
# **The promise.** You will train an LSTM on many bandits, and then freeze it. On a new
# bandit it plays well all the same: it tries both arms, notices which one pays, and stays
# with it. Nobody told it to explore. You will also compute the best that *any* player can
# earn, by working backwards from the last pull. The figure shows how far the LSTM and
# some well-known players are below that optimum. The LSTM loses less than a tenth of what
# Thompson sampling loses.
#
# **You need** the lessons *bandits* (policies and their gradients), *recurrent* (an LSTM
# that is fed the last label) and *bayes* (prior and posterior).
#
# **Takes** about 70 minutes to read with the exercises, and half a minute to run.
#
# **Before:** learning from rewards means to climb a gradient, pull after pull. **After:**
# learning from rewards is what a frozen network does while it plays.
#
# The player is an LSTM. At each step it is fed what it sees, what it did last, and what
# came of that, and it answers with the logits of the next action:
#
# $$h_t,c_t=\mathrm{LSTM}\big([x_t,a_{t-1},r_{t-1},d_{t-1}],\,h_{t-1},c_{t-1}\big),\qquad
# a_t\sim\mathrm{softmax}(h_tW+b).$$
#
# Here $a_{t-1}$ is the last action, $r_{t-1}$ its reward, and $d_{t-1}$ is 1 if an episode
# has just ended. The weights are trained to maximise the mean of *all* rewards of an
# episode, $\mathbb E\sum_{t=1}^nr_t$, over new problems. An early pull that only teaches
# something may pay later, so a player trained for the whole sum learns to explore. Two
# groups had this idea in 2016: Duan et al. called it RL2, and Wang et al. called it
# learning to reinforcement-learn.

# %%
from functools import lru_cache

import numpy

from minimeta import plots
from minimeta.agents import baselines, policy_gradient, rl2
from minimeta.agents.acting import play
from minimeta.core.backend import using
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import bandit_dp, dependent_arms
from minimeta.tasks import bandits
from minimeta.tasks.bandits import BERNOULLI
from minimeta.training import train

# %% [markdown]
# ## The best player there can be
#
# The problem is a bandit with two arms. Each arm pays 1 with a chance of its own, and
# these chances are drawn uniformly between 0 and 1. The player has $n$ pulls.
#
# What does a player know after some pulls? For each arm only two numbers matter: how
# often it paid, $s$, and how often it failed, $f$. If all chances are equally likely
# beforehand, then the arm pays at the next pull with the posterior chance
#
# $$m=\frac{1+s}{2+s+f}.$$
#
# This is Laplace's rule. An arm that nobody has pulled has $m=\frac12$.
#
# The best player looks ahead. Let $V$ be the most it can still earn on average, given
# the counts of both arms and the number of pulls left. If it pulls an arm, then with the
# chance $m$ it gets 1 and goes on with one success more, and with the chance $1-m$ it
# gets 0 and goes on with one failure more:
#
# $$Q(\text{counts},\text{arm})=m\,(1+V(\text{arm paid}))+(1-m)\,V(\text{arm failed}),
# \qquad V=\max_{\text{arm}}Q.$$
#
# After the last pull $V=0$. From there we can work backwards to the first pull. This is
# *dynamic programming*, and the result is called the Bayes-adaptive optimum. No learner
# that has ever been or will be invented earns more on average.
#
# By hand for $n=2$: the first pull pays $\frac12$, whatever we do. If it paid, the arm has
# $m=\frac23$, and we stay. If it failed, it has $m=\frac13$, and we take the other arm,
# which has $\frac12$.
#
# **Predict, then run.** What is the sum of both pulls, $V$ of the start for $n=2$? Give a
# fraction.


# %%
def posterior_mean(s, f):
    return (1 + s) / (2 + s + f)


@lru_cache(None)
def V(counts, left):
    """The most that can be earned, for counts ((s, f), (s, f)) and pulls left."""
    return max(Q(counts, arm, left) for arm in (0, 1)) if left else 0.0


def Q(counts, arm, left):
    s, f = counts[arm]
    m = posterior_mean(s, f)
    paid, failed = (
        replace(counts, arm, (s + 1, f)),
        replace(counts, arm, (s, f + 1)),
    )
    return m * (1 + V(paid, left - 1)) + (1 - m) * V(failed, left - 1)


def replace(counts, arm, pair):
    return (pair, counts[1]) if arm == 0 else (counts[0], pair)


# %%
NOTHING = ((0, 0), (0, 0))
for n in (1, 2, 5, 10):
    print(f"{n:2} pulls: {V(NOTHING, n):.4f}, a pull {V(NOTHING, n) / n:.4f}")

# %%
claim_equal(V(NOTHING, 2), 13 / 12, 1e-15, "Two pulls are worth 13/12.")
claim_equal(
    V(NOTHING, 10),
    bandit_dp.value(bandit_dp.solve(2, 10)),
    1e-12,
    "This page's recursion is the library's optimum for ten pulls, 6.0218.",
)

# %% [markdown]
# ## When it pays to explore
#
# The *greedy* player pulls the arm with the larger posterior mean $m$. The best player
# mostly does the same, but not always. Let us look for the situations in which greed is
# wrong, and take the one where it costs most.


# %%
def all_counts(pulls):
    """Everything that can have been seen of two arms after so many pulls."""
    for first in range(pulls + 1):
        for s in range(first + 1):
            for u in range(pulls - first + 1):
                yield (s, first - s), (u, pulls - first - u)


def cost_of_greed(counts, left):
    means = [posterior_mean(*pair) for pair in counts]
    greedy_arms = [arm for arm in (0, 1) if means[arm] == max(means)]
    return V(counts, left) - min(Q(counts, arm, left) for arm in greedy_arms)


# %%
PULLS = 10
costs = {
    c: cost_of_greed(c, PULLS - t) for t in range(PULLS) for c in all_counts(t)
}
worst = max(costs, key=costs.get)
wrong = sum(cost > 1e-9 for cost in costs.values())
print("situations:", len(costs), " greed is wrong in", wrong)
print("it costs most at", worst, ":", round(costs[worst], 4))
print("posterior means", [round(posterior_mean(*pair), 3) for pair in worst])

# %%
claim(
    0 < wrong < len(costs) / 2,
    "Greed is wrong in some situations, and right in most.",
    wrong,
    f"between 0 and {len(costs) // 2}",
)

# %% [markdown]
# Two arms can have equal means while one of them was pulled less often. Then the lesser
# known arm is worth more: if it turns out to be good, there is time to make use of it.
# Where means are equal, the greedy player tosses a coin.
#
# ## How to measure a player
#
# Play many bandits and take the mean of the rewards: that works, but slowly. The sum of
# ten rewards varies so much from bandit to bandit that thousands of them leave an error
# as large as what we want to see.
#
# There is a better measure. In every situation we know $V$, and we know $Q$ of the arm
# that the player pulled. The difference $V-Q$ is what this pull has lost. It is never
# negative, and zero if the pull was right. Added over the episode, its mean is exactly
# what the player earns below the optimum:
#
# $$V^*-J=\mathbb E\sum_{t=1}^n\big(V(\text{counts}_t)-Q(\text{counts}_t,a_t)\big).$$
#
# This mean is called the *shortfall*. It is a mean of small numbers, and luck does not
# enter: a right pull that happens to fail costs nothing.
#
# Three players of old are in `agents.baselines`. *Greedy* you know. *Thompson sampling*
# pulls each arm with the posterior probability that it is the better one. *UCB* adds to
# the posterior mean of an arm a bonus for how little is known of it.

# %%
PROBLEMS = 200 if QUICK else 2000
test_problems, test_noise = bandits.draw(
    numpy.random.default_rng([SEED, 1]), PROBLEMS, 5, PULLS
)


def play_test(learner, meta):
    return play(learner, meta, BERNOULLI, test_problems, test_noise)


def losses(episodes):
    """V - Q of each pull, the mean over the episodes of each problem: (M, T)."""
    M, N, T = episodes.reward.shape
    pulled = episodes.action.argmax(axis=-1)
    lost = numpy.zeros((M, N, T))
    for row in numpy.ndindex(M, N):
        counts = NOTHING
        for t in range(T):
            arm, (s, f) = pulled[row][t], counts[pulled[row][t]]
            lost[row][t] = V(counts, T - t) - Q(counts, arm, T - t)
            pair = (s + 1, f) if episodes.reward[row][t] else (s, f + 1)
            counts = replace(counts, arm, pair)
    return lost.mean(axis=1)


# %%
players = {
    "uniform": baselines.uniform(2),
    "Thompson": baselines.thompson(2, PULLS),
    "UCB": baselines.ucb(2, 0.5),
    "greedy": baselines.greedy(2),
    "optimum": bandit_dp.learner(2, PULLS),
}
episodes = {name: play_test(player, {}) for name, player in players.items()}
lost = {name: losses(played) for name, played in episodes.items()}  # (M, T) each


def mean_and_error(sample):
    """The mean over problems and two standard errors."""
    return sample.mean(), 2 * sample.std() / len(sample) ** 0.5


for name in players:
    earned = mean_and_error(episodes[name].reward.sum(axis=-1).mean(axis=1))
    missed = mean_and_error(lost[name].sum(axis=1))
    print(f"{name:9} earns {earned[0]:.3f} +- {earned[1]:.3f}", end="   ")
    print(f"shortfall {missed[0]:.4f} +- {missed[1]:.4f}")

# %%
plan = bandit_dp.solve(2, PULLS)
library = bandit_dp.regrets(
    plan, episodes["Thompson"].action, episodes["Thompson"].reward
)
library = (library * episodes["Thompson"].action).sum(axis=-1).mean(axis=1)
claim_equal(
    lost["Thompson"],
    library,
    1e-12,
    "This page's V - Q is the library's, for every pull of Thompson sampling.",
)
claim_equal(
    lost["optimum"], 0 * lost["optimum"], 1e-12, "The optimum never loses anything."
)
gap = lost["Thompson"].sum(axis=1) - lost["greedy"].sum(axis=1)
center, error = mean_and_error(gap)
claim(
    center - error > 0.2,
    "In ten pulls Thompson sampling loses far more than the greedy player.",
    center,
    "> 0.2",
)

# %% [markdown]
# Look at the two error columns: the shortfall is known many times better than what was
# earned, from the same episodes.
#
# The order may surprise you. Thompson sampling is often called nearly optimal. It is so
# in the long run, when there is time to make up for exploring. In ten pulls there is not,
# and the greedy player, which explores only by accident, is much better. So it does not
# say much if a learned player beats Thompson sampling. The optimum is the judge.
#
# ## Train the LSTM
#
# The LSTM has 24 units. A step of training plays 16 bandits with 8 episodes each, and
# follows a policy gradient as in the lesson *bandits*, with one change that makes it much
# less noisy. While we train, we know the chances $p$ of the arms. So the reward of a pull
# is replaced by its mean over actions and outcomes, $\pi_t\cdot p$. Only what the pull
# changes *later* is judged by chance: whether it taught something. So
#
# $$\nabla J=\mathbb E\sum_t\Big[\nabla(\pi_t\cdot p)
# +\Big(\sum_{u>t}\pi_u\cdot p-\text{baseline}\Big)\nabla\log\pi_t(a_t)\Big].$$
#
# The baseline is the mean over the other seven episodes of the same bandit. The player
# itself never sees $p$. It is used for training as the labels were in earlier lessons.
#
# **Predict, then run.** The greedy player loses 0.016 of a reward in ten pulls. How much
# does the trained LSTM lose, and how much did it lose before it was trained?

# %%
STEPS = 5 if QUICK else 800
agent = rl2.learner(1, 2, hidden=24)


def to_single(tree):
    return tree_map(lambda leaf: leaf.astype(numpy.float32), tree)


def sample(rng):
    return to_single(bandits.draw(rng, 16, 8, PULLS))


with using(dtype="float32"):
    before = agent.init(numpy.random.default_rng(SEED))
    trained, earnings = train(
        agent.init,
        policy_gradient.bandit_gradient(agent),
        sample,
        numpy.random.default_rng(SEED),
        STEPS,
        optimizer=adam(linear_decay(0.01, STEPS)),
        label=None,
    )

# %%
in_double = {"LSTM before": before, "LSTM": trained}
for name, meta in in_double.items():
    meta = tree_map(lambda leaf: numpy.asarray(leaf, dtype=float), meta)
    episodes[name] = play_test(agent, meta)
    lost[name] = losses(episodes[name])
    print(
        name, "shortfall", "%.4f +- %.4f" % mean_and_error(lost[name].sum(axis=1))
    )

# %%
center, error = mean_and_error(lost["LSTM"].sum(axis=1))
claim(
    center + error < 0.04,
    "The trained LSTM is within 0.04 of the optimum.",
    center,
    "< 0.04",
    trained=True,
)
ratio = center / lost["Thompson"].sum(axis=1).mean()
claim(
    ratio < 0.1,
    "It loses less than a tenth of what Thompson sampling loses.",
    ratio,
    "< 0.1",
    trained=True,
)
claim(
    min(sample.min() for sample in lost.values()) > -1e-12,
    "No player ever gains on the optimum.",
)

# %%
figure, axes = plots.figure(columns=2)
pulls = numpy.arange(1, PULLS + 1)
shown = ["LSTM before", "Thompson", "UCB", "greedy", "LSTM"]
colours = dict(zip(shown, [plots.BEFORE, *plots.COLOURS[1:4], plots.AFTER]))
for place, name in enumerate(shown):
    center, error = mean_and_error(lost[name].sum(axis=1))
    style = dict(color=colours[name], ms=9)
    axes[0].errorbar(center, place, xerr=error, fmt="o", **style)
axes[0].set_yticks(range(len(shown)), shown)
axes[0].set(xscale="log", xlim=(5e-3, 2))
plots.labels(axes[0], "shortfall V* - J, in rewards", "")
for name in shown:
    style = dict(color=colours[name], lw=1.6)
    error = 2 * lost[name].std(axis=0) / len(lost[name]) ** 0.5
    plots.band(axes[1], pulls, lost[name].mean(axis=0), error, None, **style)
plots.floor(axes[1], pulls, 0.0 * pulls, None)
axes[1].set_yscale("symlog", linthresh=1e-3)
plots.labels(axes[1], "pull", "lost at this pull, V - Q")
plots.save(figure, "22_rl2")

# %% [markdown]
# On the left is the whole shortfall of each player in ten pulls, on a logarithmic scale,
# with two standard errors, which are mostly smaller than the dots. On the right, in the
# same colours, is what is lost at each pull, with bands of two standard errors. Below
# $10^{-3}$ that scale is linear, so that zero, the dashed line of the optimum, is on it.
#
# The first pull cannot be wrong, because both arms are equally good for all one knows.
# Thompson sampling (orange) loses at every pull, because it keeps pulling the arm that it
# believes to be the worse one. UCB (green) explores too late: its bonus makes it try the
# worse arm even when there is no time left to use what it learns. The greedy player
# (pink) loses where it tosses a coin and should explore, and nothing at the last pull,
# when greed is right. The LSTM (blue) was told none of these rules, and what it loses is
# small at all pulls.
#
# ## Arms that depend on each other
#
# A learned player fits the problems that it was trained on, and this can be an advantage.
# Wang et al. (2016) trained on two arms with the chances $p$ and $1-p$, say 0.9 and 0.1,
# where only the order is unknown. Now a failure of one arm says as much as a success of
# the other, so there is nothing to explore. The best player counts the evidence $e$ for
# the first arm and follows its sign. With $\Delta=2p-1$, it loses at a pull $\Delta$ times
# the chance that $e$ points to the wrong arm. Over all pulls to come this adds up to
#
# $$\text{regret}\to\frac1{2\Delta}.$$
#
# Note the word: *regret* is what is lost against somebody who knows the arms, while the
# shortfall is against the best player who does not.
#
# **Predict, then run.** For $p=0.9$, what is the regret of the best player in the long run?
# And what is it for $p=0.6$, where the wrong arm costs much less at each pull?

# %%
for high in (0.9, 0.75, 0.6):
    short = dependent_arms.regret(high, 20)
    print(
        f"p = {high}: 20 pulls {short:.4f}, for ever {1 / (2 * (2 * high - 1)):.4f}"
    )

pair, pair_noise = bandits.draw_dependent(
    numpy.random.default_rng([SEED, 2]), PROBLEMS, 5, 20
)


def regret_on_pair(player):
    """What is lost in 20 pulls against one who knows the arms: (M,)."""
    played = play(player, {}, BERNOULLI, pair, pair_noise)
    pays = (played.action * pair[:, None, None]).sum(axis=-1)
    return (0.9 - pays).sum(axis=-1).mean(axis=1)


regrets = {
    "follows the evidence": regret_on_pair(dependent_arms.learner()),
    "Thompson sampling": regret_on_pair(baselines.thompson(2, 20)),
}
for name, regret in regrets.items():
    print(name, "%.3f +- %.3f" % mean_and_error(regret))

# %%
center, error = mean_and_error(regrets["follows the evidence"])
claim(
    abs(center - dependent_arms.regret(0.9, 20)) < 2 * error,
    "Played out, the best player loses what the formula says.",
    center,
    f"within four standard errors, {2 * error:.3f}",
)

# %%
center, error = mean_and_error(
    regrets["Thompson sampling"] - regrets["follows the evidence"]
)
claim(
    center - error > 0.5,
    "Thompson sampling, which takes the arms for independent, loses much more.",
    center,
    "> 0.5",
)

# %% [markdown]
# Easy problems, with arms far apart, have the *smaller* regret. Arms that are close cost
# little at each pull, but it takes very long to tell them apart.
# `python experiments/bandits.py dependent` trains an LSTM on these arms.
#
# ## A number that cannot be
#
# Duan et al. report that RL2 earns 6.8 in ten pulls of fifty arms, as a mean over a
# thousand bandits. Can that be? Fifty arms are too many for our recursion. But with ten
# pulls nobody can try more than ten arms, and all arms are alike beforehand. So fifty
# arms are worth exactly as much as ten.

# %%
ARMS = 4 if QUICK else 10
worth = {arms: bandit_dp.value(bandit_dp.solve(arms, ARMS)) for arms in (2, ARMS)}
print(f"{ARMS} pulls are worth", {arms: round(v, 4) for arms, v in worth.items()})
fifty, fifty_noise = bandits.draw(
    numpy.random.default_rng([SEED, 3]), 1000, 1, 10, arms=50
)
greedy_of_fifty = play(baselines.greedy(50), {}, BERNOULLI, fifty, fifty_noise)
sums = greedy_of_fifty.reward.sum(axis=(1, 2))
standard_error = sums.std() / 1000**0.5
print(f"greedy on 50 arms {sums.mean():.2f}, standard error {standard_error:.3f}")

# %%
claim_equal(
    bandit_dp.value(bandit_dp.solve(6, 4)),
    bandit_dp.value(bandit_dp.solve(4, 4)),
    1e-14,
    "With four pulls six arms are worth as much as four.",
)
claim(
    QUICK or 6.71 < worth[ARMS] < 6.72,
    "Ten pulls of ten arms, and so of fifty, are worth less than 6.72.",
    worth[ARMS],
    "6.714",
)
claim(
    0.05 < standard_error < 0.08,
    "The mean over a thousand bandits has a standard error of about 0.06.",
    standard_error,
    "0.05 to 0.08",
)

# %% [markdown]
# The published number is above the optimum. This is no fraud. A mean over a thousand
# bandits has a standard error of about 0.06, so 6.8 lies less than two standard errors
# above 6.71. Our greedy player, too, can come out above the optimum on a thousand bandits:
# look at what was printed. But the published table has no errors, and whoever reads it
# learns that RL2 is better there than all others. With the optimum at hand we know that
# some of this was luck.
#
# ## Exercises
#
# **Exercise 1.** What are three pulls of two arms worth to the best player? Give three
# digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "8c222d43")

# %% [markdown]
# **Exercise 2.** The first arm paid twice and failed once. The second arm was never pulled.
# With what probability does Thompson sampling pull the first one? The second arm's chance
# is uniform, so for a given $p$ of the first arm the second is worse with probability $p$.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "1162c9b1")

# %% [markdown]
# **Exercise 3.** Two dependent arms pay with the chances 0.8 and 0.2. What is the regret of
# the best player in the long run? Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "8382fb42")

# %% [markdown]
# **Exercise 4.** The LSTM of this lesson has 24 units and reads 5 numbers: $x$, two for
# the action, the reward and $d$. Its four gates have weights for all inputs and for all
# units, and an offset. Its read-out has 4 outputs with an offset each: two logits, a value
# that a critic could use, and one that is not used. How many numbers does the outer loop
# learn? Give the whole number.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "e0ce073e", digits=5)

# %% [markdown]
# **What changed since the last lesson.** There a policy climbed a gradient on one problem.
# Here the gradient is climbed across problems, and what it finds is a player that learns
# within ten pulls. `python -m minimeta verify bandit_dp` has the theorems on the optimum,
# and `python -m minimeta verify bandit_baselines` those on the other players.

# %%
finish()
