# %% [markdown]
# # 23. MAML-RL: learn where to start learning from rewards
#
# **The promise.** A point in the plane must reach a goal that it cannot see. At the end
# of this lesson a policy starts from a place that was *learned*: it wanders about for
# twenty short episodes, takes one step of policy gradient on the rewards it got, and
# then heads for the goal. The other figure shows what the first version of this
# algorithm leaves out of its gradient. On a problem small enough for a closed form, the
# part left out is half as large as the whole gradient, and more data do not help.
#
# **You need** the lesson *maml* (a start from which one gradient step goes far) and the
# lesson *bandits* (REINFORCE: the policy gradient, returns, baselines and the
# surrogate). From probability: the normal distribution, mean and variance.
#
# **Takes** about an hour to read with the exercises, and about a minute to run.
#
# **Before:** MAML learned from examples, and the examples were given. **After:** the
# policy makes its own examples by acting, and this changes the gradient.
#
# A policy with parameters $\theta$ acts in a task and earns the return $J(\theta)$ on
# average. The policy gradient can only be estimated from episodes; we write $\hat g$ for
# the estimate from $N$ episodes under $\theta$. MAML from rewards looks for the start
# that earns most *after* one step along this estimate:
#
# $$\max_\theta\;\;\mathbb{E}_{\text{task}}\;\mathbb{E}_{\text{episodes}}\;
# J\big(\theta+\alpha\,\hat g(\theta;\text{episodes})\big)$$
#
# There are two expectations. The second one is new: the episodes are random, and *their
# distribution depends on* $\theta$.

# %%
from functools import partial

import numpy

from minimeta import plots
from minimeta.agents import maml_rl
from minimeta.agents.policy_gradient import advantages
from minimeta.core.backend import np, using
from minimeta.core.gradients import constant, grad
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import copies, flatten, tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import gaussian_bandit
from minimeta.exact.navigation import best_return
from minimeta.nets import mlp
from minimeta.tasks import navigation, rollout
from minimeta.tasks.navigation import NAVIGATION
from minimeta.training import train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## A case to check by hand
#
# A bandit with one pull: the action $a$ is a point in the plane, and the reward is
# $R=-|a-\text{goal}|^2$. The policy is a normal distribution. Its mean $\theta$ is what
# is learned, and its standard deviation $s$ along each axis is fixed. Write
# $d=\theta-\text{goal}$ for the way the policy is off. The mean reward is
#
# $$J(\theta)=-|d|^2-2s^2,\qquad \nabla J(\theta)=-2\,d .$$
#
# Suppose for a moment that we knew this gradient exactly. One step of size $\alpha$
# turns $d$ into $(1-2\alpha)\,d$. With $\alpha=\frac12$ nothing is left of $d$: one step
# reaches any goal from any start. There is nothing for the start to be good at.
#
# REINFORCE does not know the gradient. It estimates it from $N$ actions and their
# rewards:
#
# $$\hat g=\frac1N\sum_{n}R_n\,\frac{a_n-\theta}{s^2}.$$
#
# The estimate is right on average and has a variance. A step along it lands around the
# right place, and being off by some random vector costs the mean of its squared length.
# Therefore
#
# $$\mathbb{E}\,J(\theta+\alpha\hat g)=
# -(1-2\alpha)^2|d|^2-2s^2-\alpha^2\cdot(\text{total variance of }\hat g).$$
#
# The variance has a closed form too (`exact/gaussian_bandit.py`). It grows with $|d|$,
# because rewards far from the goal are large.
#
# **Predict, then run.** Take $d=(\frac12,\frac12)$, $s=\frac12$ and $N=5$ actions. Before
# the step the policy earns $-|d|^2-2s^2=-1$. With $\alpha=\frac12$ the step leads exactly
# to the goal *on average*. What does the policy earn after it? Write down a number.

# %%
S, ALPHA, EPISODES = 0.5, 0.1, 5
start, goal = numpy.array([0.5, 0.5]), numpy.zeros(2)
before = gaussian_bandit.value(start, goal, S)
for alpha in (0.05, 0.1, 0.2, 0.5):
    earned = gaussian_bandit.value_after_step(start, goal, S, alpha, EPISODES)
    print(f"alpha {alpha:4}: before the step {before:.2f}, after it {earned:.2f}")

# %%
half = gaussian_bandit.value_after_step(start, goal, S, 0.5, EPISODES)
exact_half = gaussian_bandit.value(
    gaussian_bandit.exact_step(start, goal, 0.5), goal, S
)
claim_equal(exact_half, -2 * S**2, 1e-14, "An exact step of 1/2 reaches the goal.")
claim(
    half < before,
    "A step of 1/2 on five sampled actions makes this policy worse, not better.",
    half,
    f"< {before:.1f}",
)

# %% [markdown]
# So a sampled step has to be short, and then the start matters again. This is the
# situation of all reinforcement learning.
#
# ## Two ways in which the start matters
#
# To learn the start we need the gradient of $\mathbb{E}\,J(\theta+\alpha\hat g)$ with
# respect to $\theta$. Call $\phi=\theta+\alpha\hat g$ the adapted policy. The start has
# an influence on $\phi$ in two ways:
#
# 1. **With the same actions**, another start would take its step from elsewhere and
#    would compute another $\hat g$.
# 2. **Another start would draw other actions**, and so learn from other episodes.
#
# In supervised MAML the second way does not exist, since the examples come from outside.
# Here it does. The REINFORCE identity of the lesson *bandits* handles it: the derivative
# of a mean over random actions contains, besides the derivative inside of the mean, the
# term $J\cdot\nabla\log\pi_\theta(\text{all actions drawn})$. The function whose gradient
# we take (the *surrogate*) is then, for task $m$,
#
# $$\underbrace{\frac1N\sum_{n}\log\pi_{\phi}(a'_n)\,A'_n}_{\text{the first way}}
# \;+\;\underbrace{(J_m-b)\sum_{n}\log\pi_\theta(a_n)}_{\text{the second: the score term}}$$
#
# The gradient of a log-probability is called a *score*, which gives the second part its
# name. Here $a_n$ are the actions of the inner step, $a'_n$ fresh actions of the adapted
# policy, $A'_n$ their advantages (the reward above a baseline), $J_m$ is the mean reward
# of the fresh actions and $b$ a baseline, the mean of $J_m$ over tasks. Actions, advantages
# and $J_m$ are constants. Mind the sum in the score term: *all* $N$ actions together
# made $\phi$ what it is, so the probability of all of them counts, and a mean in its
# place would make the term $N$ times too small.
#
# The surrogate of the original paper has the first part only. Both are built here, for
# `M` tasks at once. Every task has its own copy of the start, so the gradient of the sum
# is one independent estimate for each task, and we can say how sure their mean is.


# %%
def log_pi(mean, actions):
    """Up to a constant, for each action: (M, N)."""
    errors = actions - np.expand_dims(mean, 1)
    return -np.sum(errors**2, axis=-1) / (2 * S**2)


def rewards(actions):
    return -np.sum((actions - goal) ** 2, axis=-1)


def inner_step(theta, actions):
    def gain(theta):
        chosen = log_pi(theta, actions)  # (M, N)
        return np.sum(np.mean(chosen * rewards(actions), axis=-1))

    return theta + ALPHA * grad(gain)(theta)


# %%
def two_parts(theta, noise, fresh_noise):
    actions = constant(np.expand_dims(theta, 1) + S * noise)
    phi = inner_step(theta, actions)
    fresh = constant(np.expand_dims(phi, 1) + S * fresh_noise)
    J = np.mean(rewards(fresh), axis=-1)  # (M,)
    N = fresh.shape[1]
    advantage = (rewards(fresh) - J[:, None]) * N / (N - 1)
    first = np.sum(np.mean(log_pi(phi, fresh) * advantage, axis=-1))
    score = np.sum((J - np.mean(J)) * np.sum(log_pi(theta, actions), axis=-1))
    return first, score


# %% [markdown]
# The factor $N/(N-1)$ turns the mean of all rewards into the mean of the *other*
# rewards, the baseline that does not bias the gradient.
#
# **Predict, then run.** The exact meta-gradient at this start is $-0.712$ along each
# axis, for $\alpha=0.1$. Without the score term, will the mean of many sampled gradients
# be smaller than that in size, equal, or larger? Write down a number.


# %%
def estimates(episodes):
    """One meta-gradient a task without the score term, and one with it: (M, 2)."""
    tasks = 2_000 if QUICK else 20_000
    theta = copies(start, tasks)
    noise = rng.normal(size=(tasks, episodes, 2))
    fresh_noise = rng.normal(size=(tasks, EPISODES, 2))

    def first(theta):
        return two_parts(theta, noise, fresh_noise)[0]

    def total(theta):
        return sum(two_parts(theta, noise, fresh_noise))

    return grad(first)(theta), grad(total)(theta)


# %%
def mean_and_error(sample):
    """The mean over tasks and axes, and its standard error."""
    each = sample.mean(axis=-1)
    return each.mean(), each.std() / len(each) ** 0.5


counts = (2, 5, 20)
measured = {n: [mean_and_error(part) for part in estimates(n)] for n in counts}
exact_gradient = gaussian_bandit.meta_gradient(start, goal, S, ALPHA, EPISODES)[0]
pathwise = gaussian_bandit.pathwise_gradient(start, goal, S, ALPHA, EPISODES)[0]
for name, (mean, error) in zip(("without", "with"), measured[EPISODES]):
    print(f"{name:7} the score term: {mean:.4f} +- {error:.4f}")
print(f"exact: {exact_gradient:.4f}, its first part alone: {pathwise:.4f}")

# %%
claim_equal(exact_gradient, -0.712, 1e-12, "The exact meta-gradient is -0.712.")
claim_equal(
    measured[EPISODES][1][0],
    exact_gradient,
    4 * measured[EPISODES][1][1],
    "With the score term the sampled mean is exact, within four standard errors.",
)
claim_equal(
    measured[EPISODES][0][0],
    pathwise,
    4 * measured[EPISODES][0][1],
    "Without it the sampled mean is the first part alone.",
)
claim(
    pathwise / exact_gradient > 1.5,
    "The first part alone is more than half as long again as the gradient.",
    pathwise / exact_gradient,
    "> 1.5",
)

# %% [markdown]
# One might hope that more episodes in the inner step make the difference go away, since
# $\hat g$ then hardly varies. They do not. With many episodes each of them matters less,
# but there are more of them. The figure shows both closed forms over $N$.


# %%
def draw_gradients(ax):
    n = numpy.unique(numpy.geomspace(1, 200, 40).astype(int))
    curves = {"without": gaussian_bandit.pathwise_gradient}
    curves["with"] = gaussian_bandit.meta_gradient
    for k, (name, form) in enumerate(curves.items()):
        exact = [-form(start, goal, S, ALPHA, int(i))[0] for i in n]
        colour = [plots.COLOURS[1], plots.AFTER][k]
        ax.plot(n, exact, color=colour, label=f"{name} the score term, exact")
        dots = [-measured[i][k][0] for i in counts]
        bars = [2 * measured[i][k][1] for i in counts]
        ax.errorbar(counts, dots, bars, fmt="o", color=colour, label="sampled")
    ax.set_xscale("log")
    ax.set_ylim(0, 1.8)
    plots.labels(ax, "episodes N of the inner step", "meta-gradient, sign changed")


# %%
gradient_figure, (panel,) = plots.figure()
draw_gradients(panel)
plots.save(gradient_figure, "23_score_term")

# %% [markdown]
# The figure shows the meta-gradient along one axis, with the sign changed, against the
# number of episodes of the inner step. The blue line is the exact one. The orange line
# is what the surrogate without the score term follows. The dots are means of sampled
# gradients, and their bars, mostly smaller than the dots, are two standard errors. The
# lines do not meet on the right: more data do not mend a gradient with a missing part.
#
# The missing part has a price when it is there. Its gradient is noisy, because it
# multiplies the return of a task by the score of *all* actions. Whether an algorithm is
# better off with it is a question about bias and variance, and not one this bandit can
# answer for every problem.
#
# ## Navigation
#
# Now the point in the plane. An episode begins at the origin and has 20 steps. An action
# moves the point by at most $0.1$ along each axis. The reward after each step is the
# distance to the goal, with the sign changed. The goal is drawn from the square
# $[-0.5,0.5]^2$, one for each task, and the policy never sees it: it sees its own
# position only, in units in which the corners of the square are at $\pm1$.
#
# If the goal were known, the best one could do is to go straight: along each axis as
# fast as possible, until the goal is reached there. After $t$ steps $|g_i|-0.1\,t$ is
# left along axis $i$, or nothing. The sum of these distances is the best return in
# closed form.
#
# **Predict, then run.** A policy that stays at the origin earns $-20\,|g|$, which is
# $-7.65$ on average over the square. What does the best path earn on average? Write down a
# number.

# %%
TASKS, STEPS = 20 if QUICK else 200, 20
test_rng = numpy.random.default_rng([SEED, 1])
goals, noises = navigation.draw(test_rng, TASKS, 20, STEPS, batches=4)
staying = -STEPS * navigation.distance(goals)  # (M,)
best = best_return(goals, STEPS)  # (M,)
print(f"staying {staying.mean():.2f}, the best path {best.mean():.3f}")

# %%
points, weights = numpy.polynomial.legendre.leggauss(100)
square = numpy.stack(numpy.meshgrid(points, points), axis=-1) / 2
each_weight = numpy.outer(weights, weights) / 4  # they sum to 1
mean_staying = -STEPS * numpy.sum(navigation.distance(square) * each_weight)
mean_best = numpy.sum(best_return(square, STEPS) * each_weight)
claim_equal(
    mean_staying, -7.65, 5e-3, "Averaged over the square staying earns -7.65."
)
claim_equal(
    mean_best, -0.506, 1e-3, "Averaged over the square the best path earns -0.506."
)

# %% [markdown]
# ## MAML from rewards, built here
#
# The policy is a network with 32 tanh units whose output is the mean action; the actions
# scatter around it with a standard deviation of $0.5$. The functions are those of the
# bandit, for episodes of many steps. `advantages` is from the lesson *bandits*: the
# return from a step on, less the mean of the other episodes at this step. The inner
# step takes the mean over steps too, so $\alpha$ does not depend on the horizon.

# %%
net = mlp([2, 32, 2], np.tanh, gain=1.0)


def play(phi, task_goals, noise):
    """Episodes under each task's own policy; everything in them is a constant."""

    def act(memory, seen, now):
        return memory, net.apply(phi, seen) + 0.5 * now

    return constant(rollout(NAVIGATION, act, task_goals, noise))


def log_policy(phi, episodes):
    M, N, T, O = episodes.observation.shape
    mean = net.apply(phi, np.reshape(episodes.observation, (M, N * T, O)))
    errors = episodes.action - np.reshape(mean, (M, N, T, 2))
    return -np.sum(errors**2, axis=-1) / (2 * 0.5**2)  # (M, N, T)


def adapt(phi, episodes, alpha):
    def gain(phi):
        chosen = log_policy(phi, episodes) * advantages(episodes)
        return np.sum(np.mean(chosen, axis=(1, 2)))  # a sum over tasks

    return tree_map(lambda p, g: p + alpha * g, phi, grad(gain)(phi))


# %%
def surrogate(theta, episodes, fresh, alpha):
    theta = copies(theta, len(fresh.reward))
    phi = adapt(theta, episodes, alpha)
    chosen = log_policy(phi, fresh) * advantages(fresh)
    first = np.mean(np.sum(chosen, axis=-1))
    J = np.mean(np.sum(fresh.reward, axis=-1), axis=-1)  # (M,)
    M = len(J)
    others = (np.sum(J) - J) / (M - 1)  # the mean return of the other tasks
    all_steps = np.sum(log_policy(theta, episodes), axis=(1, 2))
    return first + np.mean((J - others) * all_steps)


# %% [markdown]
# ## The same as the library
#
# The library has these functions in `minimeta.agents.maml_rl`, for several inner steps
# and other policies. On one batch of goals and noise both must give one meta-gradient.

# %%
policy = maml_rl.gaussian(net)
follow = maml_rl.meta_gradient(policy, NAVIGATION, step_sizes=(0.4,))
theta = policy.init(rng)
few_goals, (first_noise, fresh_noise) = navigation.draw(rng, 5, 6, STEPS, batches=2)
lived = play(copies(theta, 5), few_goals, first_noise)
fresh = play(adapt(copies(theta, 5), lived, 0.4), few_goals, fresh_noise)
mine = grad(surrogate)(theta, lived, fresh, 0.4)
_, theirs = follow(theta, (few_goals, [first_noise, fresh_noise]))
claim_equal(
    flatten(mine), -flatten(theirs), 1e-10, "This page's gradient is the library's."
)

# %% [markdown]
# ## Training
#
# A step of meta-training draws 20 goals and lives 20 episodes for each of them, before
# and after one inner step of $\alpha=0.4$. The *pre-trained* start is trained on the
# same goals without any inner step. The *random* start is not trained.
#
# The score term makes the gradient right on average, and noisy: it multiplies the return
# of a task by the sum of hundreds of scores. How noisy? We compute the meta-gradient at
# one start from several independent batches, with both surrogates, and compare their
# standard deviations (the root of the total variance).
#
# **Predict, then run.** How many times as noisy does the score term make the
# meta-gradient of 20 tasks with 20 episodes? Write down a number.

# %%
first_only = maml_rl.meta_gradient(
    policy, NAVIGATION, (0.4,), maml_rl.given_episodes
)


def noise_of(gradient, batches=5 if QUICK else 20):
    drawn = [
        flatten(gradient(theta, navigation.draw(rng, 20, 20, STEPS, 2))[1])
        for _ in range(batches)
    ]
    return numpy.stack(drawn).var(axis=0, ddof=1).sum() ** 0.5


noise_with, noise_without = noise_of(follow), noise_of(first_only)
print(f"with the score term {noise_with:.0f}, without it {noise_without:.0f}")

# %%
claim(
    noise_with > 1.5 * noise_without,
    "The score term makes the meta-gradient much noisier.",
    noise_with / noise_without,
    "> 1.5",
)

# %% [markdown]
# So we train with a twentieth of the score term (`weight=0.05`). The bias of this
# gradient lies between those of the two surrogates, and most of the noise is gone. Do not
# expect much of it: `python experiments/maml_rl.py` compares the three in training and
# shows, on this problem, that a twentieth is as good as none and that the whole term,
# which alone is right on average, is worst.

# %%
maml_updates, plain_updates = (3, 3) if QUICK else (800, 300)


def sample_for(batches):
    def sample(rng):
        return navigation.draw(rng, 20, 20, STEPS, batches)

    return sample


def learn(gradient, batches, updates):
    optimizer = adam(linear_decay(0.006, updates))
    sample = sample_for(batches)
    theta, _ = train(
        policy.init, gradient, sample, rng, updates, optimizer=optimizer
    )
    return theta


# %%
damped = maml_rl.meta_gradient(
    policy, NAVIGATION, (0.4,), partial(maml_rl.with_score, weight=0.05)
)
with using(dtype="float32"):
    plain = maml_rl.meta_gradient(policy, NAVIGATION, (), maml_rl.given_episodes)
    starts = {"random": policy.init(rng)}
    starts["pre-trained"] = learn(plain, 1, plain_updates)
    starts["MAML"] = learn(damped, 2, maml_updates)

# %% [markdown]
# ## New goals
#
# Every start takes three inner steps on goals it has not met. Each has its own best step
# size, chosen on *other* goals than those of the test: all sizes of a grid are tried,
# and the one with the best return after the first step is kept. The second and the
# third step are half as long as the first.

# %%
GRID = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)


def returns_by_step(theta, alpha, task_goals, all_noises):
    """The mean return of each task after 0, 1, 2 and 3 inner steps: (4, M)."""
    sizes = (alpha, alpha / 2, alpha / 2)[: len(all_noises) - 1]
    lives = maml_rl.live(policy, theta, NAVIGATION, task_goals, all_noises, sizes)
    return numpy.stack([e.reward.sum(axis=-1).mean(axis=-1) for e in lives])


choice_rng = numpy.random.default_rng([SEED, 2])
other_goals, other_noises = navigation.draw(
    choice_rng, TASKS // 5, 20, STEPS, batches=2
)
chosen_size, earned_by = {}, {}
for name, theta_0 in starts.items():
    tries = [
        returns_by_step(theta_0, size, other_goals, other_noises)[1].mean()
        for size in GRID
    ]
    chosen_size[name] = GRID[int(numpy.argmax(tries))]
    earned_by[name] = returns_by_step(theta_0, chosen_size[name], goals, noises)
    print(f"{name:12} alpha {chosen_size[name]:4}", earned_by[name].mean(axis=1))

# %%
from_maml, others = earned_by["MAML"], ("random", "pre-trained")
claim(
    from_maml[1].mean() > -4.5,
    "One step from MAML's start, on goals it has not met, earns this much.",
    from_maml[1].mean(),
    "> -4.5",
    trained=True,
)
claim(
    chosen_size["pre-trained"] > chosen_size["MAML"],
    "The pre-trained start needs a longer first step than MAML's.",
    f"{chosen_size['pre-trained']} against {chosen_size['MAML']}",
    "longer",
    trained=True,
)
for name in others:
    ahead = from_maml[1] - earned_by[name][1]  # (M,)
    error = ahead.std() / TASKS**0.5
    claim(
        ahead.mean() - 2 * error > 0.2,
        f"After one step MAML's start is ahead of the {name} start.",
        f"{ahead.mean():.2f} +- {2 * error:.2f}",
        "> 0.2 beyond the interval",
        trained=True,
    )


# %%
def draw_returns(ax):
    steps = numpy.arange(4)
    colours = [plots.BEFORE, plots.COLOURS[1], plots.AFTER]
    for (name, earned), colour in zip(earned_by.items(), colours):
        middle, half_width = (
            earned.mean(axis=1),
            2 * earned.std(axis=1) / TASKS**0.5,
        )
        label = f"{name}, $\\alpha$ = {chosen_size[name]}"
        plots.band(ax, steps, middle, half_width, label, color=colour)
    plots.floor(ax, steps, numpy.full(4, best.mean()), "best path, goal known")
    ax.set_xticks(steps)
    plots.labels(ax, "inner steps", "return of 20 time steps", "200 new goals")


# %%
def draw_walks(ax, m):
    shown = (
        goals[m : m + 1],
        [tree_map(lambda x: x[:, m : m + 1], n) for n in noises],
    )
    size = chosen_size["MAML"]
    sizes = (size, size / 2, size / 2)
    lives = maml_rl.live(policy, starts["MAML"], NAVIGATION, *shown, sizes)
    looks = {0: plots.BEFORE, 1: plots.COLOURS[5], 3: plots.AFTER}
    for step, colour in looks.items():
        paths = lives[step].observation[0, :8] * navigation.HALF  # (N, T, 2)
        for n, path in enumerate(paths):
            name = None if n else ["start", "1 step", "", "3 steps"][step]
            ax.plot(*path.T, color=colour, alpha=0.6, linewidth=1.2, label=name)
    ax.plot(*goals[m], "k*", markersize=14, label="goal, not seen")
    ax.set_aspect("equal")
    plots.labels(ax, "position, axis 1", "position, axis 2", "one new goal")


# %%
corner = int(numpy.argmax(numpy.abs(goals).min(axis=1)))  # a goal near a corner
figure, (left, right) = plots.figure(2, height=4.2)
draw_walks(left, corner)
draw_returns(right)
plots.save(figure, "23_maml_rl")

# %% [markdown]
# **Left:** walks of eight episodes of one new task, from the origin. The star is the
# goal. Grey: MAML's start, before it has had any reward of this task. Light blue: after
# one inner step on twenty such episodes. Dark blue: after three steps.
#
# **Right:** the mean return on 200 new goals before the first and after each inner step.
# The bands are two standard errors of the mean over goals. The legend gives the step
# size of the first inner step that was best for each start on other goals. The dashed
# line is the best path in closed form. It knows the goal, and its actions do not
# scatter, so no policy of this lesson can get there.
#
# The pre-trained start is a strong opponent here, if it may take longer steps than MAML's
# start: one step of policy gradient then takes it a good part of the way. But a size that
# is best for the first step may be too long for the next ones, and then its line turns
# down again.
#
# Notice where MAML's line begins. Its start is no good policy. It is one whose episodes
# tell most about the goal, and whose parameters turn what they tell into a direction.
#
# ## Exercises
#
# **Exercise 1.** In the bandit with $d=(\frac12,\frac12)$, $s=\frac12$ and $N=5$ the
# total variance of $\hat g$ is $5.6$. Which $\alpha$ earns most after a sampled step?
# Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "d0a65283")

# %% [markdown]
# **Exercise 2.** Let $N$ grow without bound, with $\alpha=0.1$ and the same $d$ and $s$.
# By what factor is the meta-gradient without the score term longer than the exact one?
# `gaussian_bandit` can compute it for a very large $N$. Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "b81ffb0f")

# %% [markdown]
# **Exercise 3.** The goal is at $(0.25,-0.05)$. What does the best path earn in 20
# steps? Do it by hand; `best_return` can tell you whether you are right. Give the number
# with its sign.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "4a48ad8c")

# %% [markdown]
# **Exercise 4.** In the score term of the navigation task, how many numbers
# $\log\pi_\theta(a)$ are added up for one task, with 20 episodes of 20 steps?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "ed0406b6")

# %% [markdown]
# **What changed since the last lesson.** In *rl2* a recurrent network kept what it had
# learned in its state. Here the parameters themselves change, by policy gradient, and
# their start is learned. `python -m minimeta verify maml_rl` prints the theorems.

# %%
finish()
