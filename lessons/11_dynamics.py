# %% [markdown]
# # 11. Dynamics: learners in stages, a meta-learner all at once
#
# **The promise.** Two learners meet the same new task, a linear map. One is a network
# that descends on the examples. The other is an LSTM that was meta-trained on such tasks
# and is now frozen. The first figure shows *what* each of them knows of the map, and
# *when*. Descent learns the map in stages: the strong part is finished before the weak
# part has begun. The LSTM learns all parts together, as Bayes' rule does. You will derive
# both. The second figure shows what the LSTM pays for it on maps that are larger than
# those it was trained on.
#
# **You need** the lessons *supervised* (a network of two linear layers learns its modes one
# after another), *bayes* (the posterior mean) and *recurrent* (the LSTM learner). From
# linear algebra you need the singular value decomposition, which is recalled below.
#
# **Takes** about 80 minutes to read with the exercises, and under a minute to run.
#
# **Before:** you judge a learner by its error. **After:** you ask what it knows, part by
# part.
#
# Write $\hat W_t$ for what a learner believes of the map $W$ after $t$ examples. For the
# Bayes-optimal learner we will find that, on average over the examples,
#
# $$\mathbb E\,\hat W_t=m_t\,W,\qquad
# m_t=\tfrac1D\;\mathbb E\operatorname{tr}\big[X^\top X\,(X^\top X+\sigma^2I)^{-1}\big].$$
#
# The share $m_t$ of the map is one number. It does not depend on $W$, so every part of
# the map, strong or weak, is known to the same share at every time.
#
# That learners and meta-learners differ in this way was found by Rabinowitz (2019). We know
# his measures, and that he used maps of five dimensions, only from other people's notes on
# the paper. Ours have three dimensions, and their noise, the network and its training are
# our own choice.

# %%
import tempfile

import numpy

from minimeta import plots, probing
from minimeta.core.backend import np, to_device, using
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import linear_networks, matrix_normal
from minimeta.memories import recurrent
from minimeta.tasks import Data, linear_maps
from minimeta.tasks.regression import from_weights, linear
from minimeta.training import sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## The parts of a map
#
# Every matrix can be written as $W=USV^\top$, its singular value decomposition. The columns
# of $U$ are perpendicular directions of the input, those of $V$ perpendicular directions
# of the output, and $S$ is diagonal with the *singular values*
# $s_1\ge s_2\ge\dots\ge0$. We write examples as rows, $y=xW$. If the input points along
# the $k$-th column of $U$, the output points along the $k$-th column of $V$ and is $s_k$
# times as long. The three together are called a *mode* of the map, and $s_k$ its strength.
#
# A learner that believes $\hat W$ may know one mode and not another. Look at what its map
# does between the two directions of mode $k$ and compare it with the truth:
#
# $$\text{progress of mode }k=\frac{(U^\top\hat W\,V)_{kk}}{s_k}.$$
#
# It is 0 if nothing of the mode is known and 1 if all of it is.


# %%
def progress(W_hat, W):
    """The progress of every mode of maps W (M, D, D), strongest first: (M, D)."""
    U, s, Vt = np.linalg.svd(W)
    between = np.swapaxes(U, -1, -2) @ W_hat @ np.swapaxes(Vt, -1, -2)
    return np.diagonal(between, axis1=-2, axis2=-1) / s


# %% [markdown]
# **Predict, then run.** The true map is $\operatorname{diag}(4,1)$. A learner believes
# $\operatorname{diag}(2,1)$. What is its progress in the strong and in the weak mode?

# %%
small_map, belief = numpy.diag([4.0, 1.0])[None], numpy.diag([2.0, 1.0])[None]
small_progress = progress(belief, small_map)[0]
print("strong mode, weak mode:", small_progress)

# %%
claim_equal(
    small_progress,
    numpy.array([0.5, 1.0]),
    1e-12,
    "Half of one mode, all of the other.",
)

# %% [markdown]
# ## Asking a learner that has no matrix
#
# Bayes' rule has a posterior mean for $\hat W$. An LSTM has no such matrix, only a state.
# But we can freeze it after any number of examples and ask it questions. These questions
# are called *probes*. The linear map, with an offset, that fits its answers to twenty probes
# best is what it believes: its *effective weights*.


# %%
D = 3
PROBES = numpy.random.default_rng([SEED, 1]).normal(size=(20, D))


def frozen(learner, meta, support, n):
    """What the learner answers, for all M tasks, after n examples of each."""
    state = learner.adapt(meta, Data(support.x[:, :n], support.y[:, :n]))

    def answer(x):
        for_all = np.broadcast_to(x, (len(support.x), *x.shape))
        return learner.predict(meta, state, for_all)

    return answer


def effective_weights(answer):
    """The map (M, D, D) that fits the answers to the probes best."""
    design = numpy.column_stack([PROBES, numpy.ones(len(PROBES))])
    return (np.linalg.pinv(design) @ answer(PROBES))[:, :D]


# %% [markdown]
# The library's module `probing` does the same. We compare the two on a learner that is a
# map with an offset, whose effective weights must be that map.

# %%
some_maps, believed = rng.normal(size=(2, 4, D, D))
by_this_page = effective_weights(lambda x: x @ believed + 0.7)
claim_equal(
    by_this_page, believed, 1e-12, "The effective weights of a map are that map."
)
claim_equal(
    progress(by_this_page, some_maps),
    probing.effective_spectrum(believed, some_maps),
    1e-12,
    "The library's effective spectrum is this page's progress.",
)

# %% [markdown]
# ## Why descent goes in stages
#
# The learner by descent is a network of two linear layers, $\hat W=W_1W_2$, that starts
# with small random weights. The lesson *supervised* solved it. In small steps the part $u$
# of $\hat W$ along a mode of strength $s$ follows
#
# $$\frac{du}{dt}=2u\,(s-u).$$
#
# As long as $u$ is small it grows like $e^{2st}$. A strong mode grows quickly, and a weak one
# hardly moves, because its growth is slow *and* proportional to the little that is there.
# Starting from $u_0$, the mode is half known at the time
#
# $$t_{1/2}=\frac{\ln(s/u_0-1)}{2s}.$$
#
# Our maps have independent entries from $\mathcal N(0,1)$. For the comparison we take maps
# with typical singular values, the medians of those of 4000 such maps, in directions
# chosen at random.

# %%
prior_maps = linear_maps.draw_matrix_normal(rng, 4000, numpy.eye(D), numpy.eye(D))
STRENGTHS = numpy.median(numpy.linalg.svd(prior_maps, compute_uv=False), axis=0)
print("typical singular values:", STRENGTHS.round(2))

# %% [markdown]
# **Predict, then run.** The network below has 16 hidden units and starts with random weights
# of size $0.02$. Each entry of the product $W_1W_2$ is then about
# $0.02\cdot0.02\cdot\sqrt{16}=0.0016$. Let all modes start at $u_0=0.0016$. How many times
# longer does the weakest mode take to be half known than the strongest? Use $t_{1/2}$.

# %%
half_times = linear_networks.half_time(STRENGTHS, 0.0016)
predicted_ratio = half_times[-1] / half_times[0]
print(f"{predicted_ratio:.1f} times longer")

# %% [markdown]
# The real network differs from the formula in three ways. Its start is random, its steps
# are not small, and every step sees sixteen new noisy examples instead of the whole
# distribution. So it will only roughly agree. We train fifty networks, each on its own map.

# %%
NOISE = 0.25  # a variance
TASKS, NETWORKS, STEPS = (40, 3, 300) if QUICK else (1000, 50, 300)
W = linear_maps.draw_spectrum(rng, TASKS, STRENGTHS, D, D)  # (M, D, D)


def fit(layers, data):
    return np.sum(mse(data.x @ layers[0] @ layers[1], data.y))  # over networks


def descend(maps, alpha=0.06):
    """The progress of two linear layers after each step: (STEPS + 1, M, D)."""
    sizes = (len(maps), D, 16), (len(maps), 16, D)
    layers = [0.02 * rng.normal(size=size) for size in sizes]
    path = [progress(layers[0] @ layers[1], maps)]
    for _ in range(STEPS):
        gradient = grad(fit)(layers, from_weights(rng, maps, 16, 1, NOISE).support)
        layers = [layer - alpha * g for layer, g in zip(layers, gradient)]
        path.append(progress(layers[0] @ layers[1], maps))
    return np.stack(path)


# %%
descent = descend(W[:NETWORKS])
when = probing.half_time(np.arange(STEPS + 1.0), descent.mean(axis=1))
print("descent knows half of each mode after this many steps:", when.round(0))

# %% [markdown]
# The function `half_time` finds when a curve first reaches one half. To speak of stages we
# also want to see one mode nearly finished while another has not begun. So we look for the
# step at which the strongest mode is furthest ahead of the weakest. The difference is taken
# network by network and given with two standard errors.


# %%
def mean_and_half(values):
    """The mean over the first axis, and two standard errors."""
    return values.mean(axis=0), 2 * values.std(axis=0) / len(values) ** 0.5


ahead = descent[..., 0] - descent[..., -1]  # (STEPS + 1, M)
widest = int(np.argmax(ahead.mean(axis=1)))
lead, lead_half = mean_and_half(ahead[widest])
claim(
    lead - lead_half > 0.7,
    "Descent nearly finishes the strongest mode before the weakest has begun.",
    f"at step {widest} it is {lead:.2f} +- {lead_half:.2f} ahead",
    "> 0.7",
    trained=True,
)
claim(
    0.5 < when[-1] / when[0] / predicted_ratio < 2,
    "The ratio of the half-times is roughly that of the formula.",
    f"{when[-1] / when[0]:.1f} by descent, {predicted_ratio:.1f} by the formula",
    "within a factor of 2",
    trained=True,
)

# %% [markdown]
# ## Why Bayes goes all at once
#
# Take the prior of our maps: all entries independent, from $\mathcal N(0,1)$. Each column of
# $W$ is then a vector of weights with the prior $\mathcal N(0,I)$, as in the lesson *bayes*.
# With the examples $X$ (one row each) and the noise variance $\sigma^2$, the posterior mean
# is ridge regression for each column:
#
# $$\hat W=(X^\top X+\sigma^2I)^{-1}X^\top Y.$$
#
# Put in $Y=XW+\text{noise}$. The noise has mean zero, so on average over the noise
#
# $$\mathbb E\,\hat W=P\,W,\qquad P=(X^\top X+\sigma^2I)^{-1}X^\top X.$$
#
# The matrix $P$ says how much is known in each direction of the *input*. For one set of
# examples it favours the directions that these happen to show. But the inputs are drawn
# from $\mathcal N(0,I)$, which looks the same from every direction. Rotate all inputs, and
# the average of $P$ over all sets of examples must stay as it was. The only matrices that no
# rotation changes are multiples of the identity. Hence $\mathbb EP=m_tI$, and
# $\mathbb E\,\hat W=m_tW$. The trace of both sides gives the formula for $m_t$ at the top.
#
# **Predict, then run.** Without noise, $P$ is the projection on the inputs seen so far.
# There are $D=3$ dimensions and two examples. What is $m_2$?

# %%
many_inputs = rng.normal(size=(20_000, 2, D))  # two examples, many times
projections = np.linalg.pinv(many_inputs) @ many_inputs  # (20000, D, D)
m_2 = matrix_normal.expected_progress(D, 2, noise_variance=0.0)
print(f"m_2 = {m_2:.4f}, and the mean projection is")
print(projections.mean(axis=0).round(3))

# %%
claim_equal(m_2, 2 / D, 1e-12, "Two of three directions are seen: m_2 is 2/3.")
off = abs(projections.mean(axis=0) - m_2 * np.eye(D)) * 20_000**0.5
in_errors = (off / projections.std(axis=0)).max()
claim(
    in_errors < 4,
    "The mean projection is m_2 times the identity.",
    in_errors,
    "< 4 standard errors",
)

# %% [markdown]
# ## Meta-train the LSTM
#
# The LSTM of the lesson *recurrent*, with 64 cells, reads sequences of $T=12$ examples of
# random maps. A step of meta-training draws 64 new maps. We also want to see how it came to
# be what it is. So we keep it at seven times of the meta-training, most of them early (`KEPT`,
# in updates). For this the run is saved to a file each time and resumed from it.

# %%
T, HIDDEN = 12, 64
KEPT = [1, 2, 3, 4, 5, 6, 20] if QUICK else [25, 50, 100, 250, 500, 1000, 5000]
UPDATES = KEPT[-1]
lstm = recurrent.learner(D, D, HIDDEN)
bayes = matrix_normal.learner(0.0, numpy.eye(D), numpy.eye(D), NOISE)


def draw_maps(rng):
    return linear(rng, 64, T - 1, 1, numpy.eye(D), 0.0, NOISE, outputs=D)


def train_and_keep(learner, sample):
    """The LSTM after each number of updates in KEPT; one run, resumed each time."""
    eta = adam(lambda updates: 0.02 * (1 - updates / UPDATES), decay_square=0.99)
    kept = []
    with tempfile.TemporaryDirectory() as folder, using(dtype="float32"):
        save = {"optimizer": eta, "checkpoint": f"{folder}/run.npz"}
        for end in KEPT:
            generator = numpy.random.default_rng([SEED, 2])
            meta, _ = sequence_train(learner, sample, generator, end, **save)
            save["resume"] = save["checkpoint"]
            kept.append(meta)
    return to_device(kept)


# %%
metas = train_and_keep(lstm, draw_maps)

# %% [markdown]
# ## The same tasks for all
#
# Now the LSTM and Bayes read examples of the maps $W$, and after each example both are
# frozen and probed.
#
# **Predict, then run.** For descent, the largest lead of the strongest mode over the
# weakest was printed above. How large will the largest difference between two modes be for
# the LSTM? Remember that Bayes has none on average.


# %%
def follow(learner, meta, support, maps):
    """The progress after 0, 1, ..., T examples: (T + 1, M, D)."""
    answers = [frozen(learner, meta, support, n) for n in range(T + 1)]
    return np.stack([progress(effective_weights(a), maps) for a in answers])


support = from_weights(rng, W, T, 1, NOISE).support
known = {
    "LSTM": follow(lstm, metas[-1], support, W),
    "Bayes": follow(bayes, {}, support, W),
}
m = np.array([matrix_normal.expected_progress(D, n, NOISE) for n in range(T + 1)])
print("examples   m_t    LSTM: strong, middle, weak    Bayes: strong, middle, weak")
for n in (1, 2, 4, 8, T):
    rows = [known[name][n].mean(axis=0).round(2) for name in known]
    print(f"{n:8}  {m[n]:.2f}          {rows[0]}          {rows[1]}")

# %% [markdown]
# Even Bayes' three columns are not quite equal here. The average over *all* examples is
# equal, and we have drawn only some. The weak mode scatters most, since the same noise is
# a larger share of it. So we ask whether Bayes' columns differ from $m_t$ by more than
# chance, and we compare the LSTM with Bayes on the same examples.

# %%
deviation = known["Bayes"][1:] - m[1:, None, None]  # (T, M, D)
scatter = deviation.std(axis=1) / TASKS**0.5
in_errors = (abs(deviation.mean(axis=1)) / scatter).max()
claim(
    in_errors < 4.5,
    "Bayes knows the share m_t of every mode, strong or weak.",
    in_errors,
    "< 4.5 standard errors, the largest of 36",
)

# %%
gaps = {name: rows[..., :1] - rows for name, rows in known.items()}  # (T + 1, M, D)
of_tasks = np.swapaxes(gaps["LSTM"] - gaps["Bayes"], 0, 1)  # (M, T + 1, D)
difference, difference_half = mean_and_half(of_tasks)
largest = (abs(difference) + difference_half).max()
claim(
    largest < 0.25,
    "The LSTM has no stages: its modes are as close together as those of Bayes.",
    f"the gaps differ by at most {largest:.2f}",
    "< 0.25",
    trained=True,
)
least = known["LSTM"][-1].mean(axis=0).min()
text = "After T examples the LSTM knows most of every mode."
claim(least > 0.85, text, least, "> 0.85", trained=True)

# %% [markdown]
# How good is this LSTM as a learner? Here is its error on new maps from the prior, beside
# that of Bayes on the same tasks, after two, five and eleven examples.


# %%
def last_error(learner, meta, data, n):
    """The error of each task on its last example, from the first n: (M,)."""
    state = learner.adapt(meta, Data(data.x[:, :n], data.y[:, :n]))
    return mse(learner.predict(meta, state, data.x[:, -1:]), data.y[:, -1:])


MANY = 40 if QUICK else 4000
new = linear(rng, MANY, T, 1, numpy.eye(D), 0.0, NOISE, outputs=D).support
for n in (2, 5, T - 1):
    bayes_error = last_error(bayes, {}, new, n)
    more, more_half = mean_and_half(
        last_error(lstm, metas[-1], new, n) - bayes_error
    )
    print(f"{n:2} examples: Bayes {bayes_error.mean():.3f}, ", end="")
    print(f"the LSTM {more:.3f} +- {more_half:.3f} more")
text = (
    "After eleven examples the LSTM is above Bayes, by less than half of its error."
)
claim(
    0 < more - more_half and more + more_half < 0.5 * bayes_error.mean(),
    text,
    f"{more:.3f} +- {more_half:.3f}",
    f"< {0.5 * bayes_error.mean():.3f}",
    trained=True,
)

# %%
NAMES = [f"s = {s:.2f}" for s in STRENGTHS]


def draw_modes(ax, x, values):
    """The mean progress (T, M, K) of every mode; bands: two standard errors."""
    for k, name in enumerate(NAMES):
        middle, half = mean_and_half(np.swapaxes(values[..., k], 0, 1))
        plots.band(ax, x, middle, half, name, color=plots.COLOURS[k], lw=2)
    ax.set_ylim(-0.1, 1.15)


figure, (left, right) = plots.figure(2)
draw_modes(left, range(STEPS + 1), descent)
plots.labels(
    left, "steps of descent", "progress of each mode", "descent: in stages"
)
draw_modes(right, range(T + 1), known["LSTM"])
plots.floor(right, range(T + 1), m, "Bayes: $m_t$")
plots.labels(right, "examples read", "progress of each mode", "LSTM: all at once")
plots.save(figure, "11_dynamics")

# %% [markdown]
# **Left:** the progress of networks that descend, against the number of steps. Each colour
# is a mode, named by its singular value. Blue, the strongest, is learned first, then orange,
# then green, which leaves zero when the others are finished.
#
# **Right:** the progress of the trained LSTM, against the number of examples that it has
# read. The dashed line is $m_t$, the progress of Bayes in every mode. The three modes rise
# together, a little below it for most of the way. In both panels the bands are two standard
# errors of the mean over tasks. They are widest for the weakest mode, which the noise blurs most.
#
# ## And the outer loop?
#
# The LSTM goes in no stages. But it was made by gradient descent, in the outer loop. Did
# *that* go in stages? We probe the seven networks that we have kept, each after it has read
# all $T$ examples.
#
# **Predict, then run.** After 100 updates of 5000, how much of the strongest and how much of
# the weakest mode does the LSTM know at the end of a sequence?

# %%
early = np.stack(
    [
        progress(effective_weights(frozen(lstm, meta, support, T)), W)
        for meta in metas
    ]
)  # (7, M, D)
for updates, row in zip(KEPT, early):
    behind, behind_half = mean_and_half(row[:, -1] - row[:, 0])
    print(f"{updates:5} updates: known {row.mean(axis=0).round(2)}, ", end="")
    print(f"weakest less strongest {behind:+.2f} +- {behind_half:.2f}")

# %% [markdown]
# All three rise together: none waits for another to finish, as it did in descent on one
# task. They are not equal, though. Early in the meta-training the *strongest* mode is
# somewhat behind, the opposite of what descent does. The notes on Rabinowitz's paper report
# the same direction. A likely reason is that a strong mode asks for large answers, and a
# network that has not been trained for long gives small ones.

# %%
behind, behind_half = mean_and_half((early[..., -1] - early[..., 0]).T)  # (7,)
claim(
    (abs(behind) + behind_half).max() < 0.5 * lead,
    "In the outer loop the modes stay closer together than in descent on a task.",
    f"at most {(abs(behind) + behind_half).max():.2f}",
    f"< half of {lead:.2f}",
    trained=True,
)
claim(
    behind[3] - behind_half[3] > 0,
    "After 250 updates the strongest mode is a little behind the weakest.",
    f"by {behind[3]:.2f} +- {behind_half[3]:.2f}",
    "> 0",
    trained=True,
)

# %% [markdown]
# ## Larger maps than ever before
#
# What happens on maps that do not come from the prior? We multiply all maps by four. Their
# strongest mode is then larger than that of any of the 4000 maps from the prior that we drew
# at the beginning.
#
# For Bayes nothing changes. The posterior mean is a *linear* function of the labels, so with
# labels four times as large it answers four times as much, and its progress, a ratio, is the
# same. The LSTM is not linear. Each label enters its memory through a $\tanh$, which stays
# below 1 however large the label is.
#
# **Predict, then run.** After $T$ examples of a map four times as large, will the LSTM know
# more or less of the strongest mode than it did before? Write down a share.

# %%
large_support = from_weights(rng, 4 * W, T, 1, NOISE).support
large = {
    "LSTM": follow(lstm, metas[-1], large_support, 4 * W),
    "Bayes": follow(bayes, {}, large_support, 4 * W),
}
for name, rows in large.items():
    usual = known[name][-1].mean(axis=0).round(2)
    print(f"{name:5} knows {usual} of usual maps, ", end="")
    print(f"{rows[-1].mean(axis=0).round(2)} of large ones")

# %%
strongest_drawn = np.linalg.svd(prior_maps, compute_uv=False).max()
text = "No map drawn from the prior is as strong as the large ones."
claim(strongest_drawn < 4 * STRENGTHS[0], text, strongest_drawn, 4 * STRENGTHS[0])
four_times = Data(support.x, 4 * support.y)
claim_equal(
    frozen(bayes, {}, four_times, T)(PROBES),
    4 * frozen(bayes, {}, support, T)(PROBES),
    1e-10,
    "Bayes answers four times as much if the labels are four times as large.",
)
lost, lost_half = mean_and_half(known["LSTM"][-1, :, 0] - large["LSTM"][-1, :, 0])
claim(
    lost - lost_half > 0.2,
    "On large maps the LSTM knows much less of the strongest mode.",
    f"{lost:.2f} +- {lost_half:.2f} less",
    "> 0.2",
    trained=True,
)

# %%
large_deviation = (
    large["Bayes"][1:, :, 0] - m[1:, None]
)  # (T, M), the strongest mode
large_scatter = large_deviation.std(axis=1) / TASKS**0.5
in_errors = (abs(large_deviation.mean(axis=1)) / large_scatter).max()
claim(
    in_errors < 4.5,
    "On large maps Bayes still knows the share m_t of the strongest mode.",
    in_errors,
    "< 4.5 standard errors, the largest of 12",
)

# %%
outer_figure, (left, right) = plots.figure(2)
draw_modes(left, KEPT, early)
plots.floor(left, KEPT, np.full(len(KEPT), m[-1]), "Bayes: $m_T$")
left.set_xscale("log")
plots.labels(
    left, "updates of meta-training", "progress of each mode", "the outer loop"
)
draw_modes(right, range(T + 1), large["LSTM"])
plots.floor(right, range(T + 1), m, "Bayes: $m_t$")
plots.labels(
    right, "examples read", "progress of each mode", "maps four times as large"
)
plots.save(outer_figure, "11_outer_loop")

# %% [markdown]
# **Left:** the outer loop. Each point of a line is an LSTM after so many updates of
# meta-training (a logarithmic axis), frozen after $T$ examples. The modes rise together, the
# strongest a little behind. The dashed line is the share that Bayes knows after $T$
# examples.
#
# **Right:** the trained LSTM on maps four times as large. Compare it with the right panel of
# the first figure. Bayes (dashed) is where it was. The LSTM is far below, and furthest for
# the strongest mode. Bands are two standard errors in both panels.
#
# The LSTM has learned what Bayes' rule does *on the tasks of its training*. It has not
# learned Bayes' rule.
#
# ## Exercises
#
# **Exercise 1.** There is no noise, and the maps have $D=5$ dimensions. What share of every
# mode does Bayes know, on average, after three examples?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "1162c9b1")

# %% [markdown]
# **Exercise 2.** Two modes of a network of two linear layers have the strengths 4 and 1,
# and both start at $u_0=0.01$. How many times longer does the weak one take to be half
# known? Use $t_{1/2}$ and give three digits.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "8b3659c5")

# %% [markdown]
# **Exercise 3.** A prior *with* preferred directions: there is one input ($D=1$) and two
# outputs. The first output's weight has the prior $\mathcal N(0,4)$, the second one's
# $\mathcal N(0,1)$, independent of the first. The noise variance is 1. After one example at
# $x=1$, what shares of the two weights does Bayes know, on average over the noise? Give a
# list of two numbers, first output first.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "0dcabbe0")

# %% [markdown]
# **Exercise 4.** The true map is $\operatorname{diag}(3,1)$. The learner believes the matrix
# with the rows $(1,1)$ and $(1,1)$. What is its progress in the strong and in the weak
# mode? Give a list of two numbers with three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "6955720d")

# %% [markdown]
# **What changed since the last lesson.** We no longer ask how wrong a learner is, but what
# it knows. Descent on one task goes in stages. A learner found by meta-training need not,
# and it fails where its tasks end. `python -m minimeta verify dynamics` prints the theorems.

# %%
finish()
