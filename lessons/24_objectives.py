# %% [markdown]
# # 24. Objectives: what to learn from is learned too
#
# **The promise.** So far people wrote down what an agent should climb: the return, or
# the return above a baseline. In this lesson a network writes it. At the end a figure
# shows agents in problems they have never seen, all of which learn from the same few
# episodes. With the learned rule they do better than with REINFORCE, and nearly as well
# as with the best rule that people have written for such problems. A second figure looks
# at what the network has found, and a third one repeats the idea with a network that is
# a loss function.
#
# **You need** the lesson *bandits* (REINFORCE, returns, baselines), the lesson
# *recurrent* (the LSTM), and the lesson *learned_optimizers* (differentiating through
# updates). From probability: the mean of a random variable, and the Kullback-Leibler
# divergence, which is said again below.
#
# **Takes** about an hour to read with the exercises, and about a minute to run.
#
# **Before:** the outer loop learned a start, a memory or an update, and the objective of
# the inner loop was given. **After:** the objective is what the outer loop learns.
#
# A policy $\pi$ with parameters $\theta$ acts, and what happened in its episodes is
# $\tau$. A rule with parameters $\psi$ looks at $\tau$ and says how to change $\theta$.
# The outer loop wants the return $J$ to be high after $K$ such changes:
#
# $$\max_\psi\;\;\mathbb{E}_{\text{problem}}\;J(\theta_K),\qquad
# \theta_{k+1}=\theta_k+\alpha\,\Delta_\psi(\theta_k,\tau_k)$$
#
# Nothing tells the rule what a good change is, except that it must lead to a high return
# in the end.

# %%
from functools import partial

import numpy

from minimeta import plots
from minimeta.agents import linear_control, lpg, metagenrl, objectives
from minimeta.agents import tabular as agents
from minimeta.core.backend import np, using
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.losses import log_softmax, softmax
from minimeta.core.optim import adam, linear_decay
from minimeta.core.trees import flatten
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import lqr
from minimeta.exact import tabular as exact
from minimeta.learned_optimizers.training import clip_gradient
from minimeta.nets import mlp
from minimeta.nets.layers import linear
from minimeta.nets.lstm import lstm
from minimeta.tasks import Episodes, tabular
from minimeta.tasks.linear_systems import LINEAR_SYSTEMS
from minimeta.training import train

rng = numpy.random.default_rng(SEED)
STEPS, EPISODES = 10, 2  # of an episode, and of an update

# %% [markdown]
# ## Problems that are tables
#
# A problem has 5 states and 3 actions. One table holds the chance of each next state
# after each action in each state, and another one the reward. Both are drawn at random
# for every problem: the chances uniformly, the rewards from $\mathcal N(0,1)$. An episode
# begins in the first state and has 10 steps. Such a problem is called a *Markov decision
# process*.
#
# The policy is a table as well: $\ell$ has a row of three numbers for every state, and
# the chances of the actions there are $\pi(\cdot|s)=\text{softmax}(\ell[s])$. Since
# everything is a table, the mean return $J$ of a policy is not estimated here. It is
# computed, step by step from the end of the episode to its beginning
# (`exact/tabular.py`).
#
# ## The rules that people wrote
#
# Let $e_a$ be the row with a one for action $a$. In the lesson *bandits* we saw that
# $e_a-\pi(\cdot|s)$ is the gradient of $\log\pi(a|s)$ with respect to $\ell[s]$. All
# policy gradients add it up over what happened, each time multiplied by a number $p_t$
# which says how good the action was. We call this number the *target*:
#
# $$\ell[s]\;\mathrel{+}=\;\alpha\;\frac1N\sum_{n}\sum_{t:\,s_t=s}
# p_t\,\big(e_{a_t}-\pi(\cdot|s)\big)$$
#
# REINFORCE takes $p_t=G_t-b_t$, the return from step $t$ on above a baseline. Actor-critic
# methods take the *advantage*: how much better the action turned out than a second
# table, of values, had foretold. Here is the step for any target, for `M` problems at
# once.


# %%
def at_states(table, episodes):
    """The rows of tables (M, states, C) where the episodes were: (M, N, T, C)."""
    return episodes.observation @ table[:, None]


def by_state(rows, episodes):
    """Rows (M, N, T, C) summed by their state, and averaged over episodes."""
    N = episodes.reward.shape[1]
    return np.einsum("mnts,mntc->msc", episodes.observation, rows) / N


def climb(logits, episodes, target, step_size):
    score = episodes.action - at_states(softmax(logits), episodes)
    return logits + step_size * by_state(target[..., None] * score, episodes)


# %% [markdown]
# ## A case to check by hand
#
# One state and two arms, with the sure rewards 1 and 0. The policy pulls each arm half
# of the time, so it earns $J=\frac12$. Take the reward itself as the target. A pull of
# the first arm changes $\ell$ by $1\cdot(\frac12,-\frac12)$, and a pull of the second arm by
# zero. The average of both is $(\frac14,-\frac14)$.
#
# **Predict, then run.** Now subtract the baseline $\frac12$ from both rewards. Neither
# pull gives zero any more. What is the average change of the first logit? Write down a
# number.

# %%
both_arms = Episodes(  # two episodes of one pull: one of each arm
    observation=np.ones((1, 2, 1, 1)),
    action=np.eye(2)[None, :, None],
    reward=np.array([[[1.0], [0.0]]]),
    done=np.ones((1, 2, 1)),
)
even = np.zeros((1, 1, 2))
changes = {b: climb(even, both_arms, both_arms.reward - b, 1.0) for b in (0.0, 0.5)}
for baseline, change in changes.items():
    print(f"baseline {baseline}: the average change is {change.ravel()}")

# %%
two_arms = tabular.Tabular(
    np.ones((1, 1, 2, 1)), np.array([[[1.0, 0.0]]]), np.ones((1, 1))
)
gradient_of_J = exact.policy_gradient(two_arms, softmax(even), steps=1)
claim_equal(
    list(changes.values()),
    [gradient_of_J] * 2,
    1e-15,
    "With and without a baseline the average change is the gradient of J.",
)

# %% [markdown]
# ## The rule that is learned
#
# We keep the step and let a network choose the target. What should it know? An action is
# good because of what came *after* it. So the network is an LSTM that reads the episode
# backwards, from the last step to the first. At every step it reads five numbers:
#
# $$x_t=\big[\,r_t,\;\; d_t,\;\;\pi(a_t|s_t),\;\;\varphi(y_{s_t}),\;\;
# (1-d_t)\,\varphi(y_{s_{t+1}})\,\big]$$
#
# These are the reward, a one at the end of the episode, the chance that the action had,
# and two numbers about something new, the *predictions*. The agent has a second table
# $y$, which for every state holds the chances of 8 outcomes. An actor-critic method would
# keep a value there, because people know that values are useful. Here nobody says what the
# 8 outcomes mean: the rule gives a target $q_t$ for the prediction too, and the agent
# moves its prediction towards it. A small network $\varphi$ turns a prediction into one
# number. If values are worth predicting, the outer loop has to find that out.
#
# The agent moves $y_s$ towards $q$ by descending the Kullback-Leibler divergence
# $\mathrm{KL}(y\,\|\,q)=\sum_c y_c\log(y_c/q_c)$, which is zero if both are equal and
# positive otherwise. With the logits of $y$ as parameters its gradient is
# $y_c\,\big(\log(y_c/q_c)-\mathrm{KL}\big)$.
#
# This rule is called LPG, for *learned policy gradient*.

# %%
PHI = mlp([8, 16, 1])


def look(meta, agent, episodes):
    """x_t for every step: (M, N, T, 5)."""
    pi, y = softmax(agent["logits"]), softmax(agent["prediction"])
    chosen = np.sum(at_states(pi, episodes) * episodes.action, axis=-1)
    phi = at_states(PHI.apply(meta["phi"], y), episodes)[..., 0]
    nothing = np.zeros_like(phi[..., :1])
    after = np.concatenate([phi[..., 1:], nothing], axis=-1)
    done = np.concatenate([0.0 * phi[..., 1:], nothing + 1.0], axis=-1)
    return np.stack([episodes.reward, done, chosen, phi, after], axis=-1)


def targets(meta, agent, episodes):
    """p (M, N, T) and the logits of q (M, N, T, 8)."""
    x = look(meta, agent, episodes)
    h, _ = lstm(meta["lstm"], x[:, :, ::-1])
    both = linear(h[:, :, ::-1], **meta["targets"])
    return both[..., 0], both[..., 1:]


# %%
def divergence_gradient(y_logits, q_logits):
    log_ratio = log_softmax(y_logits) - log_softmax(q_logits)
    y = softmax(y_logits)
    return y * (log_ratio - np.sum(y * log_ratio, axis=-1, keepdims=True))


def learn(meta, agent, episodes, step_size=1.0):
    """The agent after one step towards the targets of the rule."""
    p, q = targets(meta, agent, episodes)
    pull = divergence_gradient(at_states(agent["prediction"], episodes), q)
    return {
        "logits": climb(agent["logits"], episodes, p, step_size),
        "prediction": agent["prediction"]
        - 0.5 * step_size * by_state(pull, episodes),
    }


# %% [markdown]
# The predictions move with half the step size of the policy, as in the paper. Two checks
# follow. With the return above a baseline in place of $p_t$, the step is REINFORCE and
# nothing else. And what we have built is what the library has in `agents/lpg.py`.

# %%
some_problems, some_noise = tabular.draw(rng, 4, EPISODES, STEPS, batches=2)
meta = lpg.init(rng)
agent = lpg.start(meta, some_problems)
for (
    noise
) in some_noise:  # one step of the fresh rule, so that the tables are not flat
    episodes = agents.play(agent, some_problems, noise)
    agent = learn(meta, agent, episodes)

# %%
reward_to_go = numpy.cumsum(episodes.reward[..., ::-1], axis=-1)[..., ::-1]
other_episode = reward_to_go[:, ::-1]  # the mean of the others, where there are two
by_hand = climb(agent["logits"], episodes, reward_to_go - other_episode, 1.0)
reinforced = agents.reinforce(agent, episodes, step_size=1.0)["logits"]
claim_equal(
    by_hand,
    reinforced,
    1e-12,
    "With the return above the other episode as its target the step is REINFORCE.",
)
claim_equal(
    learn(meta, agent, episodes),
    lpg.update(meta, agent, episodes, step_size=1.0),
    1e-12,
    "The rule built here is the library's.",
)

# %% [markdown]
# ## How the rule is learned
#
# A *life* is a number of updates, each of them from two fresh episodes under the newest
# policy. We measure the policy after every update by its exact return, on a scale where
# the uniform policy is 0 and the best possible policy is 1. The *area* of a life is the
# mean height of this curve: it is near 1 for a rule that finds the best policy at once.
#
# The loss of the rule is $-J$ after $K=5$ updates, and its gradient goes through all
# five. The episodes themselves count as constants, as they do in all policy gradients.
# That leaves something out: a rule that changes the policy also changes which episodes
# come next. The library can add this part (`score=1` in `lpg.meta_gradient`), the
# published code does not, and `python -m minimeta verify lpg` shows the difference by
# enumerating all episodes of a small problem: a few per cent.


# %%
def loss_of_rule(meta, data):
    """-J after as many updates as there are noises, from a fresh agent."""
    problem, noises = data
    agent = lpg.start(meta, problem)
    for noise in noises:
        agent = learn(meta, agent, agents.play(agent, problem, noise))
    return -np.mean(exact.normalised(problem, softmax(agent["logits"]), STEPS))


two_updates = some_problems, some_noise
own = value_and_grad(loss_of_rule)(meta, two_updates)
same = lpg.meta_gradient(1.0, updates=2, regularisers=lpg.NONE)(meta, two_updates)
claim_equal(own[0], same[0], 1e-12, "The loss of the rule is the library's.")
claim_equal(
    flatten(own[1]), flatten(same[1]), 1e-10, "And so is its gradient in the rule."
)

# %% [markdown]
# In training, four small terms are added to this loss, as in the paper. They keep the
# policy and the predictions from becoming certain too early, and the targets from
# growing. Before we train, we look at what an untrained rule does.
#
# **Predict, then run.** The targets of an untrained rule are arbitrary numbers. On the
# scale on which the uniform policy is 0 and the best one is 1, what is its area over 30
# updates? Write down a number.

# %%
TEST = 20 if QUICK else 300  # problems
test_rng = numpy.random.default_rng([SEED, 1])
UPDATES = 3 if QUICK else 30
problem, noises = tabular.draw(test_rng, TEST, EPISODES, STEPS, UPDATES)


def live(meta):
    """The agents before, and after each update, on the test problems."""
    return agents.live(
        partial(learn, meta), lpg.start(meta, problem), problem, noises
    )


def curve(life):
    return agents.curve(life, problem, STEPS)  # (updates + 1, M)


untrained = lpg.init(numpy.random.default_rng([SEED, 2]))
before = curve(live(untrained))
print(f"area of the untrained rule: {agents.area(before).mean():.2f}")

# %%
claim(
    abs(agents.area(before).mean()) < 0.45,
    "The untrained rule leads nowhere in particular.",
    agents.area(before).mean(),
    "between -0.45 and 0.45",
)

# %% [markdown]
# Now we train: 150 updates of the rule, each on 16 fresh problems. The lives are 15
# updates of the agent long, and the gradient goes through 5 of them at a time.

# %%
META_UPDATES = 2 if QUICK else 150
through = 1 if QUICK else 5
with using(dtype="float32"):
    trained, history = train(
        lpg.init,
        lpg.meta_gradient(step_size=1.0, updates=through),
        lambda rng: tabular.draw(rng, 16, EPISODES, STEPS, batches=3 * through),
        rng,
        META_UPDATES,
        optimizer=adam(linear_decay(0.01, META_UPDATES)),
    )
after = curve(live(trained))

# %% [markdown]
# A fair comparison needs opponents at their best. REINFORCE and the actor-critic method
# (A2C) learn from the same problems and the same random numbers. Their step sizes are
# chosen on 40 other problems. The best setting is printed: it should lie inside of its
# grid, not at an edge, or else the opponent might do better still. (A decay of 0 is the
# least there is.)

# %%
tuning = tabular.draw(
    numpy.random.default_rng([SEED, 3]), 50, EPISODES, STEPS, UPDATES
)
reinforce_grid = [{"step_size": a} for a in (0.25, 0.5, 1.0, 2.0)]
actor_grid = [
    {"step_size": a, "value_step": v, "decay": 0.0}
    for a in (2.0, 4.0, 8.0)
    for v in (0.02, 0.05, 0.1, 0.2, 0.4)
]
rivals = {}
for name, rule, grid in (
    ("REINFORCE", agents.reinforce, reinforce_grid),
    ("A2C", agents.actor_critic, actor_grid),
):
    best = agents.best_setting(rule, grid, *tuning)
    print(f"{name}: {best}")
    tuned = partial(rule, **best)
    rivals[name] = agents.live(tuned, agents.start(problem), problem, noises)
curves = {name: curve(life) for name, life in rivals.items()}


# %%
def paired(one, other):
    """The mean of a difference over problems, and twice its standard error."""
    gap = one - other
    return gap.mean(), 2 * gap.std() / len(gap) ** 0.5


area = agents.area(after)
gain, doubt = paired(area, agents.area(curves["REINFORCE"]))
lag, lag_doubt = paired(agents.area(curves["A2C"]), area)
print(f"area of the learned rule {area.mean():.3f}")
print(f"above REINFORCE by {gain:.3f} +- {doubt:.3f}")
print(f"below A2C by {lag:.3f} +- {lag_doubt:.3f}")

# %%
claim(
    area.mean() > 0.74,
    "The learned rule has an area of at least 0.74 on new problems.",
    area.mean(),
    "> 0.74",
    trained=True,
)
claim(
    gain - doubt > 0.03,
    "It is better than tuned REINFORCE, by more than two standard errors.",
    gain,
    f"> {0.03 + doubt:.3f}",
    trained=True,
)
claim(
    abs(lag) < 0.12,
    "It comes near tuned A2C, which has the better baseline built in.",
    lag,
    "between -0.12 and 0.12",
    trained=True,
)


# %%
def draw_lives(ax):
    lines = {"before: untrained": before, **curves, "after: learned rule": after}
    colours = [plots.BEFORE, *plots.COLOURS[1:3], plots.AFTER]
    for (name, values), colour in zip(lines.items(), colours):
        error = 2 * values.std(axis=1) / TEST**0.5
        updates = numpy.arange(len(values))
        plots.band(ax, updates, values.mean(axis=1), error, name, color=colour)
    plots.floor(ax, [0, UPDATES], [1.0, 1.0], "the best policy, exact")
    plots.labels(ax, "updates of the agent, two episodes each", "return, 0 to 1")


life_figure, (panel,) = plots.figure(height=3.8)
draw_lives(panel)
plots.save(life_figure, "24_lives")

# %% [markdown]
# The figure shows the mean exact return over the test problems after every update. The
# dashed line is the best policy, which no rule can pass. The bands are two standard
# errors over problems. The learned rule climbs much faster than REINFORCE. A2C, the rule
# that people wrote with the knowledge that values are worth predicting, is still ahead
# at this size.
#
# ## What the rule has found
#
# Does the rule predict values? Nobody told it to. We let agents live with the trained
# rule and compare two numbers for each state of a problem: $\varphi(y_s)$, which is all
# that the rule can see of a prediction, and the true value of the state under the policy
# of the agent, by linear algebra. Only their correlation can be asked, because the rule
# is free to choose scale and sign.
#
# The second question is about the target $p_t$. REINFORCE's target, the return above a
# baseline, has the right mean and much noise. We compare both with the true advantage of
# the action that was taken, which the tables give exactly.

# %%
grown = live(trained)[-1]
policy = softmax(grown["logits"])
values = exact.state_values(problem, policy, STEPS)  # (M, states)
seen = PHI.apply(trained["phi"], softmax(grown["prediction"]))[..., 0]


def correlations(one, other):
    """The correlation in each problem; those without any spread are left out."""
    pairs = zip(one.reshape(len(one), -1), other.reshape(len(other), -1))
    pairs = [pair for pair in pairs if min(pair[0].std(), pair[1].std()) > 1e-12]
    return numpy.array([numpy.corrcoef(*pair)[0, 1] for pair in pairs])


of_values = abs(correlations(seen, values))
median = numpy.median(of_values)
print(f"prediction and value: median size of the correlation {median:.2f}")

# %%
moves = exact.action_values(problem, exact.state_values(problem, policy, STEPS - 1))
true_table = moves - values[..., None]  # the advantage of each action in each state
played = agents.play(grown, problem, noises[0])
truth = numpy.sum(at_states(true_table, played) * played.action, axis=-1)
to_go = numpy.cumsum(played.reward[..., ::-1], axis=-1)[..., ::-1]
target_of = {
    "learned": targets(trained, grown, played)[0],
    "REINFORCE": to_go - to_go[:, ::-1],
}
nearness = {}
for rule, target in target_of.items():
    nearness[rule] = numpy.median(correlations(target, truth))
    print(
        f"{rule}: median correlation with the true advantage {nearness[rule]:.2f}"
    )

# %%
claim(
    numpy.median(of_values) > 0.6,
    "In the median problem the predictions go with the true values.",
    numpy.median(of_values),
    "> 0.6",
    trained=True,
)
claim(
    nearness["learned"] > nearness["REINFORCE"],
    "The learned target is nearer to the true advantage than REINFORCE's.",
    nearness["learned"],
    f"> {nearness['REINFORCE']:.2f}",
    trained=True,
)


# %%
def spread(rows):
    """Each row with mean 0 and standard deviation 1."""
    away = rows - rows.mean(axis=-1, keepdims=True)
    return away / numpy.maximum(away.std(axis=-1, keepdims=True), 1e-12)


def draw_predictions(ax):
    x, y = spread(values), spread(numpy.asarray(seen, dtype=float))
    y = y * numpy.sign(numpy.sum(x * y, axis=-1, keepdims=True))
    ax.plot(x.ravel(), y.ravel(), ".", ms=3, alpha=0.3, color=plots.AFTER)
    plots.floor(ax, [-2, 2], [-2, 2], "equal")
    plots.labels(ax, "true value of the state", "prediction, as the rule sees it")


found_figure, (panel,) = plots.figure()
draw_predictions(panel)
plots.save(found_figure, "24_predictions")

# %% [markdown]
# Each dot is a state of a test problem, at the end of the agent's life. To the right is
# its true value, and upwards what the rule sees of the prediction; both are brought to
# mean 0 and spread 1 within each problem, and the sign is turned where a problem has it
# reversed. The dots lie along the dashed line: the rule has come to predict values,
# because they help it to say which actions were good.
#
# ## Where it was not trained
#
# A rule for reward-driven learning should work in other problems too. We ask for larger
# ones, with 15 states, and for chains: four states in a row, of which only the last one
# pays, and only if the right action is taken in each.

# %%
OTHERS = {
    "15 states": partial(tabular.random_mdps, states=15),
    "chain of 4": tabular.chains,
}
elsewhere = {}
for place, family in OTHERS.items():
    new = tabular.draw(test_rng, TEST, EPISODES, STEPS, UPDATES, family)
    lives = {
        "learned": agents.live(
            partial(lpg.update, trained, step_size=1.0),
            lpg.start(trained, new[0]),
            *new,
        ),
        "REINFORCE": agents.live(
            partial(agents.reinforce, step_size=1.0), agents.start(new[0]), *new
        ),
    }
    elsewhere[place] = {
        name: agents.area(agents.curve(life, new[0], STEPS))
        for name, life in lives.items()
    }
    for name, a in elsewhere[place].items():
        print(f"{place}, {name}: area {a.mean():.2f}")

# %%
for place, better in (("15 states", True), ("chain of 4", False)):
    gap, gap_doubt = paired(*elsewhere[place].values())
    word = "better" if better else "worse"
    claim(
        gap > gap_doubt if better else gap < -gap_doubt,
        f"In problems of {place} the learned rule is {word} than REINFORCE.",
        gap,
        f"more than {gap_doubt:.2f} from 0",
        trained=True,
    )

# %% [markdown]
# On larger problems of the kind it was trained on, the rule keeps its lead. In chains it
# falls behind, and with another seed it even unlearns what little the uniform policy
# does right. In its training problems every step has a reward, and after two
# episodes there is something to be said about most actions. In a chain most episodes earn
# nothing at all, and the rule says something about their actions anyway. What a learned
# objective is good for is decided by the problems it was learned on.
#
# ## The loss itself
#
# LPG says what to aim at, and people wrote the step. One can go further and let the
# network be the loss, which the agent descends by its own gradient. This is the idea of
# MetaGenRL. The problems are now continuous. A system has a state $s$ of two numbers
# which moves by $s'=As+Ba$ plus a little noise, and the policy is $a=-Ks$ with two
# numbers $K$ to be learned. The reward is $-s'^\top Qs'-a^\top Ra$ in short: being away
# from zero is costly, and so is acting. Later rewards are discounted by $0.9$ a step.
#
# For every step the learned loss is told the reward, the values of this state and the
# next, the action, and what the policy would do now. The last one alone depends on $K$:
#
# $$K\leftarrow K-\alpha\,\nabla_K\frac1{NT}\sum_{n,t}
# L_\psi\big(\tau_t,\;\pi_K(s_t)\big)$$
#
# Two choices of $L$ are known. With $L=-Q(s,\pi_K(s))$, where $Q$ is the value of an
# action followed by the old policy, the step is the *deterministic policy gradient*,
# DDPG. With $L=(r+0.9\,V'-V)\,|a-\pi_K(s)|^2/2$ it is REINFORCE with a critic. The
# learned loss never sees $Q$. Only the outer loop does: it asks whether the new policy
# would do better, $Q(s,\pi_{K'}(s))>Q(s,\pi_K(s))$, and follows the gradient of that.

# %%
population = metagenrl.Agents(
    linear_control.policy(), LINEAR_SYSTEMS, linear_control.exact_critic()
)
systems, phi, first_noise = linear_control.draw(rng, 3, 4, STEPS + 1)
experience = metagenrl.live(population, phi, systems, first_noise[0])


def mean_loss(objective, K):
    """The sum over tasks of the mean loss, for policies K (M, A, O)."""
    proposal = -experience.state @ np.swapaxes(K, -1, -2)[:, None]
    return np.sum(np.mean(objective({}, experience, proposal), axis=(-2, -1)))


gradient = grad(partial(mean_loss, objectives.minus_q))(phi["K"])

# %% [markdown]
# The systems are *linear*, their costs *quadratic*, and so $Q$ is a quadratic form that
# comes from solving a linear equation. The gradient of DDPG then has a closed form,
# $2\,\big((R+0.9\,B^\top PB)K-0.9\,B^\top PA\big)\,\overline{ss^\top}$ for the loss $-Q$,
# with $P$ the matrix of the value function. We hold the step of the library against it.
# All losses are in units of the spread of the values in a task, which the first lines
# compute.

# %%
P = lqr.state_cost(systems, phi["K"])
cost = np.einsum("mnto,mop,mntp->mnt", experience.state, P, experience.state)
exact_value = -cost - lqr.constant(P, push=0.1)[:, None, None]
unit = (exact_value / experience.value)[:, 0, 0]  # (M,)
moments = np.einsum("mnto,mntp->mop", experience.state, experience.state) / (
    4 * STEPS
)
closed_form = -lqr.critic_gradient(systems, phi["K"], moments)
claim_equal(
    gradient * unit[:, None, None],
    closed_form,
    1e-10,
    "With minus Q as the loss the inner step is the deterministic policy gradient.",
)
stepped = metagenrl.adapt(objectives.minus_q, {}, population, phi, experience)
length = np.maximum(np.sqrt(np.sum(gradient**2, axis=(1, 2), keepdims=True)), 1.0)
claim_equal(
    stepped["K"],
    phi["K"] - 0.3 * gradient / length,
    1e-12,
    "The library's inner step is this gradient, no longer than 1, times 0.3.",
)

# %% [markdown]
# Now the loss is learned, on random systems, each with a policy of its own that begins
# with $K=0$ and takes ten steps. Its network is again an LSTM that reads rewards and
# values backwards. For the opponents the step size is tuned on other systems.
#
# The *relative regret* of a policy is 1 for $K=0$ and 0 for the best policy, which the
# Riccati equation gives. Some runs end in a policy that is not stable, whose regret is
# infinite. Therefore we compare medians, and say how many runs diverge.

# %%
LOSS_UPDATES, LIFE = (1, 2) if QUICK else (150, 10)
with using(dtype="float32"):
    loss_meta, _ = train(
        objectives.init,
        metagenrl.meta_gradient(objectives.neural, population),
        lambda rng: linear_control.draw(rng, 32, 4, STEPS + 1, LIFE),
        rng,
        LOSS_UPDATES,
        optimizer=clip_gradient(
            adam(linear_decay(0.03, LOSS_UPDATES)), longest=1.0
        ),
    )


def regret_curves(objective, meta, step_size, data):
    """The relative regret of every system after each step: (LIFE + 1, M)."""
    tuned = population._replace(step_size=step_size)
    with numpy.errstate(all="ignore"):  # some policies run away
        path = metagenrl.lifetime(objective, meta, tuned, *data)
        K = [phi["K"] for phi in path]
        return numpy.array([lqr.relative_regret(data[0], k, K[0]) for k in K])


# %%
unseen = linear_control.draw(test_rng, TEST, 4, STEPS + 1, 2 * LIFE)
other = linear_control.draw(test_rng, TEST, 4, STEPS + 1, 2 * LIFE)
FIXED = {"REINFORCE": objectives.reinforce(), "DDPG": objectives.minus_q}
GRIDS = {"REINFORCE": (0.2, 0.4, 0.8, 1.2), "DDPG": (0.2, 0.4, 0.8)}
regrets = {"learned loss": regret_curves(objectives.neural, loss_meta, 0.3, unseen)}
for name, objective in FIXED.items():
    areas = {
        a: numpy.median(regret_curves(objective, {}, a, other)[1:].mean(axis=0))
        for a in GRIDS[name]
    }
    best_step = min(areas, key=areas.get)
    regrets[name] = regret_curves(objective, {}, best_step, unseen)
    print(f"{name}: the best step size is {best_step}")
area_of = {name: r[1:].mean(axis=0) for name, r in regrets.items()}
for name, a in area_of.items():
    diverged = 100 * numpy.mean(~numpy.isfinite(a))
    print(f"{name}: median area {numpy.median(a):.3f}, {diverged:.1f} % diverge")

# %%
ahead = numpy.mean(area_of["learned loss"] < area_of["REINFORCE"])
behind = numpy.mean(area_of["DDPG"] < area_of["learned loss"])
claim(
    numpy.median(area_of["learned loss"]) < 0.18,
    "The median area of the learned loss is at most 0.18.",
    numpy.median(area_of["learned loss"]),
    "< 0.18",
    trained=True,
)
claim(
    ahead > 0.6,
    "It is better than REINFORCE on three of five systems or more.",
    ahead,
    "> 0.6",
    trained=True,
)
claim(
    behind > 0.5,
    "DDPG, which knows Q, is better on more than half of the systems.",
    behind,
    "> 0.5",
    trained=True,
)


# %%
def draw_regrets(ax):
    colours = dict(zip(("REINFORCE", "DDPG"), plots.COLOURS[1:3]))
    for name, r in regrets.items():
        middle, low, high = numpy.percentile(
            r, [50, 25, 75], axis=1, method="lower"
        )
        colour = colours.get(name, plots.AFTER)
        steps = numpy.arange(len(middle))
        ax.plot(steps, middle, color=colour, label=name)
        ax.fill_between(
            steps, low, numpy.minimum(high, 2.0), color=colour, alpha=0.15
        )
    ax.set_ylim(-0.03, 1.05)
    plots.floor(ax, [0, 2 * LIFE], [0.0, 0.0], "the best policy, exact")
    plots.labels(ax, "inner steps", "relative regret, median")


regret_figure, (panel,) = plots.figure(height=3.6)
draw_regrets(panel)
plots.save(regret_figure, "24_regrets")

# %% [markdown]
# The figure shows the median of the relative regret over test systems after each step, and
# the band holds the middle half of the systems. The dashed line is the best policy, from
# the Riccati equation. All begin with $K=0$ and learn from the same systems and noise. The
# learned loss has no access to $Q$, and comes close to DDPG, which has. Most of its lead
# over REINFORCE is a better *length* of the steps: in the long run of
# `python experiments/metagenrl.py`, where REINFORCE's steps are shortened to a length that
# is tuned as well, its area falls by nearly half, and the lead with it.
#
# ## Exercises
#
# **Exercise 1.** A bandit with three arms has the rewards $(1,0,2)$, and the policy is
# $(0.5,0.3,0.2)$. The target is the reward. What is the average change of the first
# logit, for a step size of 1? Give two digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "f149ef13", digits=2)

# %% [markdown]
# **Exercise 2.** A prediction has two outcomes, $y=(0.5,0.5)$, and its target is
# $q=(0.25,0.75)$. What is the gradient of $\mathrm{KL}(y\,\|\,q)$ with respect to the
# first logit of $y$? Give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "c941b2d7")

# %% [markdown]
# **Exercise 3.** An episode has ten steps, $t=0,\dots,9$. One reward is changed, that of
# step 3, and nothing else. How many of the ten targets $p_0,\dots,p_9$ of a trained rule
# change?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "727a6ffa")

# %% [markdown]
# **Exercise 4.** How many numbers does the rule have in all, in $\varphi$, in the LSTM
# with its 16 units, and in the layer that makes the targets? Count them by hand;
# `minimeta.core.trees.size(trained)` tells whether you are
# right.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "ab85abbc", digits=4)

# %% [markdown]
# **What changed since the last lesson.** There a start was learned, and the objective of
# the inner loop was the return. Here the start is fixed, and what the inner loop aims at
# is learned. `python -m minimeta verify lpg`, and `metagenrl`, print the theorems.

# %%
finish()
