# %% [markdown]
# # 21. Bandits: learning from rewards
#
# **The promise.** Until now somebody told the learner the right answer. From here on the
# learner acts, and is told only what came of the action. You will derive the gradient of
# the expected reward exactly, with the noise of its estimate. Then you will see why such
# learning is slow in an odd way: a policy that has to learn two things learns one of
# them first, *unlearns* the other, and comes back to it much later. The last figure
# shows a learner without this trouble. It is an LSTM whose learning was learned, and it
# stands beside the best learner there can be, which we know in closed form.
#
# **You need** the lessons *gradients*, *supervised* (how fast a linear network learns)
# and *recurrent* (the LSTM that learns in its activations), and the mean and variance of
# a random variable.
#
# **Takes** about 80 minutes to read with the exercises, and a minute to run.
#
# **Before:** the data are given, whatever the learner does. **After:** what the learner
# does decides what it sees, and so it can keep itself from learning.
#
# A *bandit* is a machine with $A$ arms. In each round the learner pulls one arm and gets
# a reward, whose mean for arm $a$ is $r_a$. It has a *policy*, the probabilities
# $\pi_a$ with which it pulls the arms. They are a softmax of $A$ numbers $\theta_a$, the
# *logits*: $\pi_a=e^{\theta_a}/\sum_j e^{\theta_j}$. The expected reward is
# $J=\sum_a\pi_ar_a$, and learning is to climb
#
# $$\frac{\partial J}{\partial\theta_a}=\pi_a\,(r_a-J).$$
#
# In words: an arm becomes more probable if it pays more than the policy does on average.
# But look at the factor in front. An arm that is rarely pulled is changed slowly, however
# good it is.

# %%
import numpy

from minimeta import plots
from minimeta.agents import contextual
from minimeta.agents.acting import decide, play
from minimeta.core.backend import np, using
from minimeta.core.gradients import grad
from minimeta.core.losses import softmax
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import contextual as exact_contextual
from minimeta.exact import policy_gradient as exact_gradient
from minimeta.exact import ray_interference
from minimeta.tasks import contextual as contextual_tasks
from minimeta.tasks.contextual import CONTEXTUAL
from minimeta.training import train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## The gradient of the expected reward
#
# The derivative of a softmax is $\partial\pi_j/\partial\theta_a=\pi_j([a=j]-\pi_a)$, where
# $[a=j]$ is 1 if $a=j$ and 0 otherwise. Therefore
# $\partial J/\partial\theta_a=\sum_j r_j\,\pi_j([a=j]-\pi_a)=\pi_ar_a-\pi_aJ$. This is the
# equation at the top of the page. We check it against automatic differentiation.

# %%
logits = rng.normal(size=4)
means = rng.uniform(size=4)  # what each of the four arms pays on average


def expected_reward(logits):
    return np.sum(softmax(logits) * means)


def exact_policy_gradient(policy, means):
    return policy * (means - np.sum(policy * means))


policy = softmax(logits)
by_formula = exact_policy_gradient(policy, means)
print("gradient of J:", by_formula.round(4))

# %%
claim_equal(
    by_formula,
    grad(expected_reward)(logits),
    1e-14,
    "The gradient of the expected reward is pi (r - J).",
)

# %% [markdown]
# ## REINFORCE: the gradient from one pull
#
# The learner does not know $r$. It pulls one arm $a$, drawn from $\pi$, and gets one
# reward $R$. Williams (1992) found an estimate of the gradient that needs no more, and
# called it REINFORCE:
#
# $$g=(R-B)\,(e_a-\pi).$$
#
# Here $e_a$ has a 1 in place $a$ and zeros elsewhere. The vector $e_a-\pi$ is the
# gradient of $\log\pi_a$: it makes arm $a$ more probable. The number $B$ is a *baseline*,
# what we expected to get. If the reward is above the baseline, the arm is made more
# probable, and otherwise less.
#
# The baseline may be any number that does not depend on $a$. The mean of $e_a-\pi$ over
# the arms is $\sum_a\pi_ae_a-\pi=0$, so $B$ drops out of the mean of $g$. It does not drop
# out of the variance.
#
# Take two arms that pay exactly 1 and 0, and the policy $\pi=(\frac12,\frac12)$. Then
# $J=\frac12$ and the gradient is $(\frac14,-\frac14)$. With $B=0$ a pull of the first arm
# gives $g=(\frac12,-\frac12)$, and a pull of the second one gives $g=0$.
#
# **Predict, then run.** With which baseline do both pulls give the same $g$, so that a
# single pull is enough to know the gradient?


# %%
def estimates(policy, rewards, baseline):
    """REINFORCE's g for a pull of each arm, as rows: (A, A)."""
    return (rewards - baseline)[:, None] * (numpy.eye(len(policy)) - policy)


def total_variance(policy, rewards, baseline):
    """The mean squared distance of g from its mean."""
    g = estimates(policy, rewards, baseline)
    mean = policy @ g
    return policy @ numpy.sum((g - mean) ** 2, axis=1)


even, pays = numpy.array([0.5, 0.5]), numpy.array([1.0, 0.0])
for level in (0.0, 0.25, 0.5, 1.0):
    variance = total_variance(even, pays, level)
    print(f"baseline {level:4}  variance {variance:.4f}")

# %%
claim_equal(
    total_variance(even, pays, 0.5),
    0.0,
    1e-15,
    "With the baseline 1/2 a single pull knows the gradient.",
)
for level in (0.0, 0.3, 7.0):
    claim_equal(
        policy @ estimates(policy, means, level),
        by_formula,
        1e-13,
        f"With the baseline {level} the mean is the gradient.",
    )

# %% [markdown]
# ## The best baseline
#
# It is tempting to say that the best baseline is $J$, the expected reward. That is wrong.
# The mean of $g$ does not depend on $B$, so it is enough to minimise the mean of
# $|g|^2=(r_a-B)^2\,d_a$, where $d_a=|e_a-\pi|^2$ is the squared distance between $e_a$ and
# the policy. Setting the derivative in $B$ to zero gives a *weighted* mean reward,
#
# $$B^*=\frac{\sum_a\pi_ad_ar_a}{\sum_a\pi_ad_a}.$$
#
# Rare arms have the largest $d_a$, so they count for more than in $J$.


# %%
def best_baseline(policy, rewards):
    weights = policy * numpy.sum((numpy.eye(len(policy)) - policy) ** 2, axis=1)
    return numpy.sum(weights * rewards) / numpy.sum(weights)


rare = numpy.array([0.9, 0.05, 0.05])  # a policy that has nearly decided
paid = numpy.array([0.2, 1.0, 0.4])
choices = {
    "0": 0.0,
    "J": rare @ paid,
    "B*": best_baseline(rare, paid),
}
for name, level in choices.items():
    variance = total_variance(rare, paid, level)
    print(f"B = {name:2} = {level:.3f}  variance {variance:.4f}")

# %%
grid = numpy.linspace(-1, 2, 3001)
on_grid = [total_variance(rare, paid, level) for level in grid]
claim_equal(
    choices["B*"],
    grid[numpy.argmin(on_grid)],
    1e-3,
    "No baseline on a grid has less variance than the formula's.",
)
claim(
    total_variance(rare, paid, choices["J"])
    > 1.05 * total_variance(rare, paid, choices["B*"]),
    "The baseline J has more variance than the best one.",
    total_variance(rare, paid, choices["J"]),
    "5 % more",
)

# %% [markdown]
# ## Why it starts so slowly
#
# Now we leave the noise aside and ask what happens if the gradient is followed exactly.
# We take very small steps, so that learning is a motion in continuous time,
# $d\theta/dt=\partial J/\partial\theta$. This is called *gradient flow*.
#
# Two arms pay 1 and 0, so $J=\pi_1$ and the gradient is $J(1-J)\cdot(1,-1)$. Along the
# flow $J$ grows by the squared length of the gradient:
#
# $$\frac{dJ}{dt}=2J^2(1-J)^2.$$
#
# Compare this with a learner who is *told* that arm 1 is right. It climbs $\log J$, whose
# gradient is larger by the factor $1/J$, so it has $dJ/dt=2J(1-J)^2$. One factor $J$
# fewer: the learner who is told need not find the arm first.
#
# Both equations can be solved for the time from $J_0$ to $J_1$. If $J_0$ is small, the
# first one takes about $1/(2J_0)$ and the second one about $\frac12\ln(1/J_0)$. A chance
# ten times smaller costs the one ten times more, and the other just a little.
#
# **Predict, then run.** From $J=0.05$ to $J=0.95$ the learner who is told takes 12.4
# units of time. How many does the learner from rewards take?


# %%
def time_to_climb(rate, step=0.001):
    """The time from 0.05 to 0.95 at this rate, in small steps."""
    J, steps = 0.05, 0
    while J < 0.95:
        half_way = J + step / 2 * rate(J)
        J, steps = J + step * rate(half_way), steps + 1
    return steps * step


from_rewards = time_to_climb(lambda J: 2 * J**2 * (1 - J) ** 2)
from_labels = time_to_climb(lambda J: 2 * J * (1 - J) ** 2)
print("from rewards:", round(from_rewards, 3), " told:", round(from_labels, 3))

# %%
claim_equal(
    from_rewards,
    ray_interference.escape_time(0.05, 0.95),
    2e-3,
    "The learner from rewards takes as long as the solved equation says, 24.836.",
)
claim_equal(
    from_labels,
    ray_interference.escape_time(0.05, 0.95, supervised=True),
    2e-3,
    "The learner who is told takes as long as the solved equation says, 12.418.",
)

# %% [markdown]
# ## Two contexts that interfere
#
# Let the learner see a *context* before it acts: one of $K$ signs, all equally often, and
# each with an action of its own that pays. The logits are linear in the context. In
# context $k$ they are
#
# $$\theta_{ka}=w_{ka}+b_a.$$
#
# The $w_{ka}$ belong to one context, and the *bias* $b_a$ is shared by all of them. Such a
# bias is in every layer of a network, and here it stands for all that contexts share.
#
# Take $K=2$ contexts and 2 actions, with another right action in each context. A step
# that is good for context 1 moves the shared bias towards *its* action, which is wrong
# in context 2. Write $g_k=J_k(1-J_k)$. The gradient of $J_1$ is $g_1(1,-1)$ in the row
# $w_1$ and again $g_1(1,-1)$ in $b$. That of $J_2$ is $g_2(-1,1)$ in $w_2$ and $g_2(-1,1)$
# in $b$. If we climb $J_1+J_2$, then $J_1$ changes by the inner product of its own
# gradient with the sum of both:
#
# $$\frac{dJ_1}{dt}=4g_1^2-2g_1g_2=2g_1(2g_1-g_2),\qquad
# \frac{dJ_2}{dt}=2g_2(2g_2-g_1).$$
#
# The bracket can be negative. While $g_1>2g_2$, context 2 gets *worse*: the context that
# learns faster takes the shared bias for itself. Getting worse makes $g_2$ smaller
# still. Schaul et al. (2019) call this *ray interference*.
#
# We start at $J_1=0.2$ and $J_2=0.05$ and follow the gradient by automatic
# differentiation, with the shared bias (coupled) and without it (decoupled). The ODE
# above must agree with the first.

# %%
START = numpy.array([0.2, 0.05])
RIGHT = numpy.eye(2)  # the right action of each context, as one-hot rows
STEP = 0.1
TIMES = numpy.arange(0, 100, STEP)


def chances(params):
    """J_k, the chance of the right action in each context: (K,)."""
    return np.sum(softmax(params["W"] + params["b"]) * RIGHT, axis=-1)


# %%
def follow_gradient(coupled):
    """J of both contexts at all times, by steps of gradient ascent: (T, K)."""
    half = (
        numpy.log(START / (1 - START)) / 2
    )  # logits +-half give the chances START
    params = {
        "W": half[:, None] * numpy.array([[1, -1], [-1, 1]]),
        "b": np.zeros(2),
    }
    climb = grad(lambda params: np.sum(chances(params)))
    history = []
    for _ in TIMES:
        history.append(chances(params))
        half_way = move(params, climb(params), STEP / 2, coupled)
        params = move(params, climb(half_way), STEP, coupled)
    return numpy.stack(history)


def move(params, g, step, coupled):
    """A step along the gradient g; the bias is moved only if it is shared."""
    b = params["b"] + step * g["b"] if coupled else params["b"]
    return {"W": params["W"] + step * g["W"], "b": b}


# %%
def solve_ode(rate):
    """J of both contexts by the midpoint rule: (T, K)."""
    J, history = START, []
    for _ in TIMES:
        history.append(J)
        J = J + STEP * rate(J + STEP / 2 * rate(J))
    return numpy.stack(history)


def coupled_rate(J):
    g = J * (1 - J)
    return 2 * g * (2 * g - g[::-1])


def decoupled_rate(J):
    return 2 * (J * (1 - J)) ** 2


runs = {"coupled": follow_gradient(True), "decoupled": follow_gradient(False)}
odes = {"coupled": solve_ode(coupled_rate), "decoupled": solve_ode(decoupled_rate)}


# %% [markdown]
# **Predict, then run.** Without the shared bias, context 2 climbs from 0.05 to 0.95 in 24.8
# units of time. How long does it take with the shared bias?


# %%
def time_to_reach(history, k):
    """When context k first has the chance 0.95."""
    return TIMES[numpy.argmax(history[:, k] > 0.95)]


for name, history in runs.items():
    slow = time_to_reach(history, 1)
    print(
        f"{name:10} context 2 at {slow:6.2f}; its least {history[:, 1].min():.4f}"
    )

# %%
for name, history in runs.items():
    claim_equal(
        history,
        odes[name],
        0.01,
        f"Steps of the gradient follow the ODE: {name}.",
    )
# %%
claim_equal(
    coupled_rate(START),
    ray_interference.flow(START),
    1e-15,
    "This page's ODE is the library's.",
)
claim(
    time_to_reach(runs["coupled"], 1) > 3 * time_to_reach(runs["decoupled"], 1),
    "With a shared bias the second context takes more than three times as long.",
    time_to_reach(runs["coupled"], 1),
    "> 3 times 24.8",
)
claim(
    runs["coupled"][:, 1].min() < 0.01 < 0.05 <= runs["decoupled"][:, 1].min(),
    "With a shared bias the second context loses most of what it had.",
    runs["coupled"][:, 1].min(),
    "< 0.01",
)
# %%
flat = runs["coupled"].mean(axis=1)[(TIMES > 15) & (TIMES < 65)]
claim(
    numpy.abs(flat - 0.5).max() < 0.02,
    "With a shared bias the mean is one half from time 15 to 65.",
    numpy.abs(flat - 0.5).max(),
    "< 0.02 from one half",
)

# %%
figure, axes = plots.figure(columns=2)
for ax, (name, history) in zip(axes, runs.items()):
    for k in range(2):
        label = f"context {k + 1}"
        ax.plot(TIMES, history[:, k], lw=4, alpha=0.7, label=label)
        plots.floor(ax, TIMES, odes[name][:, k], "" if k else "ODE")
    ax.plot(TIMES, history.mean(axis=1), color="0.5", lw=1.2, label="mean of both")
    ax.set_ylim(0, 1.03)
    plots.labels(
        ax, "time", "chance to be right", f"{name} contexts", ax is axes[1]
    )
plots.save(figure, "21_interference")

# %% [markdown]
# Wide lines are gradient ascent by automatic differentiation, dashed lines the solution of
# the differential equations. On the left the contexts share a bias. Context 1 wins, and
# meanwhile context 2 falls almost to zero. The mean of both, the thin grey line, rises to
# one half and stays there for fifty units of time and more. Such a stretch is a *plateau*.
# Somebody who watches only the mean sees learning stop, and may well give up too early.
# On the right nothing is shared. Both contexts rise at once, and no one waits for another.
#
# Two things together make the plateau. What is learned decides what is tried, and this
# gives the factor $J$. What is shared is taken by the winner.
#
# ## The best learner of contexts
#
# A learner that knows how the tasks are made does not climb at all. In each context one
# of $A$ actions pays 1, all others pay 0, and every action is equally likely to be the
# right one. The best learner tries an action that it has not tried in this context yet.
# If the action pays, it stays with it. It forgets nothing, and contexts do not disturb
# each other.
#
# How often is it right? If it has seen this context $c$ times before, it is right if the
# right action is among the first $c+1$ that it tries: with the chance $\min(c+1,A)/A$. At
# step $t$ the number $c$ is the number of earlier steps, out of $t-1$, that happened to
# have this context. Each of them had it with the chance $1/K$, so $c$ has a binomial
# distribution:
#
# $$P(\text{right at step }t)=\mathbb E\,\frac{\min(1+c,\,A)}{A},\qquad
# c\sim\mathrm{Binomial}(t-1,\,1/K).$$
#
# **Predict, then run.** With 5 contexts and 5 actions, what is this chance at step 1? Guess
# it at step 30.

# %%
K, A, T = 5, 5, 30


def chance_right(t):
    """The mean of min(1 + c, A) / A over the binomial distribution of c."""
    distribution = numpy.ones(1)  # of c after no steps
    for _ in range(t - 1):
        stays = numpy.append(distribution, 0.0) * (1 - 1 / K)
        distribution = stays + numpy.append(0.0, distribution) / K
    visits = numpy.arange(t)
    return distribution @ numpy.minimum(1 + visits, A) / A


best = numpy.array([chance_right(t) for t in range(1, T + 1)])
for t in (1, 5, 10, 20, 30):
    print(f"step {t:2}: {best[t - 1]:.3f}")

# %%
claim_equal(
    best,
    exact_contextual.chance_right(T, K, A),
    1e-14,
    "This page's chances are the library's.",
)
claim(
    numpy.all(numpy.diff(best) > 0) and numpy.all(numpy.diff(best, 2) < 1e-12),
    "The curve rises at every step, and ever less: it has no plateau.",
)

# %% [markdown]
# ## A learner without plateaus
#
# Can this way of learning be learned? We use an LSTM as in lesson *recurrent*. It reads
# the context and what came of its last action, and answers with the logits of the next
# one. Its weights are trained over many tasks, and frozen when it meets a new one.
#
# Two things make the training short. First, the LSTM is told at once which *pair* of
# context and action it tried: its input is a table of $K$ by $A$ numbers with a 1 in the
# place of the pair if the action paid, a $-1$ if not, and zeros elsewhere. It answers
# with such a table too, and the context picks the row. An LSTM that is given context and
# action side by side has to find out first that they belong together.
#
# Second, the outer loop uses what you saw above. It knows the right actions of its
# training tasks, so it need not climb the chance to be right: it can climb the logarithm
# of that chance, and so it is not slowed down by the factor $J$. The LSTM itself is
# never told the right action. It sees only its rewards, in training as well as later.

# %%
UPDATES = 3 if QUICK else 550
agent = contextual.learner(K, A, hidden=64)


def to_single(tree):
    return tree_map(lambda leaf: leaf.astype(numpy.float32), tree)


def sample_tasks(rng):
    """64 tasks, and the noise to play them."""
    return to_single(contextual_tasks.draw(rng, 64, 1, T, K, A))


with using(dtype="float32"):
    untrained = agent.init(numpy.random.default_rng(SEED))
    meta, history = train(
        agent.init,
        contextual.told_gradient(agent),
        sample_tasks,
        numpy.random.default_rng(SEED),
        UPDATES,
        optimizer=adam(linear_decay(0.015, UPDATES)),
        label=None,
    )

# %% [markdown]
# In training the LSTM draws its action from its policy. Now that it is trained we let it
# decide, and take the action with the largest logit.
#
# Beside the LSTM we let a policy of the kind above learn one task in the same 30 steps, by
# REINFORCE: the linear policy with a shared bias. It takes one step of the gradient for
# each reward it gets, with the mean of all its rewards so far as the baseline. Its step
# size is chosen in its favour, as the best of five on these very tasks.

# %%
TESTS = 100 if QUICK else 2000
problems, noise = contextual_tasks.draw(
    numpy.random.default_rng([SEED, 1]), TESTS, 2, T, K, A
)


def rewards_of(meta):
    """The rewards of an LSTM in new tasks: (M, T), means over two episodes."""
    with using(dtype="float32"):
        pair = to_single((problems, noise))
        played = play(decide(agent), meta, CONTEXTUAL, *pair)
        return played.reward.mean(axis=1)


# %%
def reinforce(step_size):
    """The rewards (M, T) of linear policies that learn these tasks by REINFORCE."""
    M, rows = len(problems), numpy.arange(len(problems))
    W, b, got, past = numpy.zeros((M, K, A)), numpy.zeros((M, A)), [], 0.0
    for t in range(T):
        sign = noise["world"]["next"][t, :, 0].argmax(axis=-1)
        pi = softmax(W[rows, sign] + b)
        action = (noise["agent"][t, :, :1] > pi.cumsum(axis=-1)[:, :-1]).sum(
            axis=-1
        )
        reward = problems[rows, sign, action]
        g = (reward - past)[:, None] * (numpy.eye(A)[action] - pi)
        W[rows, sign] += step_size * g
        b = b + step_size * g
        got.append(reward)
        past = numpy.mean(got, axis=0)
    return numpy.stack(got, axis=1)


# %%
tries = [reinforce(size) for size in (0.3, 1.0, 3.0, 10.0, 30.0)]
rewards = {
    "LSTM before": rewards_of(untrained),
    "LSTM": rewards_of(meta),
    "REINFORCE, shared bias": max(tries, key=lambda got: got.mean()),
}


def two_errors(reward):
    return 2 * reward.std(axis=0) / len(reward) ** 0.5


for name, reward in rewards.items():
    print(f"{name:24}", reward.mean(axis=0)[[0, 4, 9, 19, 29]].round(3))
print(f"{'best learner':24}", best[[0, 4, 9, 19, 29]].round(3))

# %%
behind = best - rewards["LSTM"].mean(axis=0)
claim(
    numpy.max(behind) < 0.06,
    "The LSTM is near the best learner at every step.",
    numpy.max(behind),
    "< 0.06",
    trained=True,
)
for name, reward in rewards.items():
    claim(
        numpy.all(reward.mean(axis=0) < best + 2 * two_errors(reward)),
        f"Nobody is above the best learner at any step: {name}.",
        numpy.max(reward.mean(axis=0) - best),
        "at most four standard errors",
    )

# %%
claim(
    0 < numpy.argmax([got.mean() for got in tries]) < len(tries) - 1,
    "The best step size of REINFORCE is inside the grid.",
    [got.mean() for got in tries],
    "the largest is not at an end",
)
gain = (rewards["LSTM"] - rewards["REINFORCE, shared bias"]).mean(axis=1)
claim(
    gain.mean() - 2 * gain.std() / len(gain) ** 0.5 > 0.1,
    "On the same tasks the LSTM earns more than REINFORCE at its best step size.",
    gain.mean(),
    "> 0.1",
    trained=True,
)

# %%
figure, (ax,) = plots.figure()
steps = numpy.arange(1, T + 1)
COLOURS = dict(zip(rewards, (plots.BEFORE, plots.AFTER, plots.COLOURS[1])))
for name, reward in rewards.items():
    style = dict(color=COLOURS[name])
    plots.band(ax, steps, reward.mean(axis=0), two_errors(reward), name, **style)
plots.floor(ax, steps, best)
ax.set_ylim(0, 1)
plots.labels(ax, "step of the task", "chance to be right")
plots.save(figure, "21_bandits")

# %% [markdown]
# The chance to be right at each step of a new task with 5 contexts and 5 actions. Bands are
# two standard errors over tasks. The dashed line is the best learner, from the closed
# form. Nobody can be above it, and the LSTM comes near it at all steps. It rises from the
# first step on and makes no pause, as all contexts are learned at the same time. REINFORCE
# has learned something in 30 steps, but it is far behind even with its best step size.
# Thirty steps are too few to show its plateaus: the plateau of the first figure takes much
# longer.
#
# ## The same as the library

# %%
net = contextual.coupled(K, A)
shifted = tree_map(
    lambda leaf: leaf + numpy.random.default_rng(2).normal(size=leaf.shape),
    net.init(rng),
)
one_table = problems[0]
library_gradient = grad(lambda params: contextual.value(net, params, one_table))(
    shifted
)
policies = softmax(shifted["W"] + shifted["b"])  # (K, A)
ours = numpy.stack(
    [
        exact_policy_gradient(pi, row) / K
        for pi, row in zip(policies, one_table, strict=True)
    ]
)
# %%
claim_equal(
    library_gradient["W"],
    ours,
    1e-14,
    "Each row of W has the gradient of a bandit of its own.",
)
claim_equal(
    library_gradient["b"],
    ours.sum(axis=0),
    1e-14,
    "The shared bias has the sum of all of them.",
)
claim_equal(
    total_variance(rare, paid, 0.3),
    numpy.trace(exact_gradient.covariance(rare, paid, baseline=0.3)),
    1e-14,
    "The library has this page's variance of REINFORCE.",
)
claim_equal(
    exact_gradient.best_baseline(rare, paid),
    choices["B*"],
    1e-14,
    "The library has this page's best baseline.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Three arms pay 1, 0.5 and 0 on average, and the policy pulls each with
# the chance one third. What is the gradient of $J$? Give the list of three numbers.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "befb0c32")

# %% [markdown]
# **Exercise 2.** Two arms pay exactly 1 and 0. The policy pulls the first one with the
# chance 0.9. What is the best baseline? Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "2f9c24e9")

# %% [markdown]
# **Exercise 3.** Two contexts share a bias, and $J_1=0.5$. Below which value of $J_2$ does
# context 2 get worse? The condition is $2g_2<g_1$ with $g_k=J_k(1-J_k)$. Give three
# digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "bd35fcbf")

# %% [markdown]
# **Exercise 4.** There are 2 contexts and 3 actions. With what chance is the best learner
# right at its third step? Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "5f0e707f")

# %% [markdown]
# **What changed since the last lesson.** The learner is not told what is right any more.
# It must act to see, and what it has learned so far decides what it sees.
# `python -m minimeta verify contextual` has the theorems on contexts, and
# `python -m minimeta verify bandits` those on REINFORCE.

# %%
finish()
