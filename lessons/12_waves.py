# %% [markdown]
# # 12. Waves: what the prior excludes is not seen
#
# **The promise.** Now the tasks are curves, sums of a slow, a middle and a fast wave. You
# will see a network learn the slow wave first and the fast one last, and a meta-trained
# LSTM learn all three together. Then the curves get a fourth wave that never occurred in
# training. Twelve examples are enough to find most of it. The LSTM does not see it, and
# neither does Bayes' rule, if its prior says that there is no such wave. The last figure
# shows the curve that each of them draws, beside the true one.
#
# **You need** the lessons *networks* (networks learn low frequencies first), *bayes* (linear
# models with a Gaussian prior), *recurrent* (the LSTM learner) and *dynamics* (progress,
# frozen learners). Nothing else about Fourier series than that waves add up.
#
# **Takes** about 70 minutes to read with the exercises, and under a minute to run.
#
# **Before:** a learner is good or bad on new tasks. **After:** you know which part of a
# task a learner *can* see, before it has seen an example.
#
# Let $a_k^2$ be the prior variance of the two coefficients of wave $k$, and $\sigma^2$ the
# variance of the noise. After $n$ evenly spaced examples, Bayes knows on average this share
# of the wave:
#
# $$m_n(k)=\frac{n\,a_k^2}{n\,a_k^2+\sigma^2}.$$
#
# If $a_k^2$ is small, the share grows slowly with $n$. If $a_k^2=0$, the share is zero for
# every $n$.
#
# The comparison of learners and meta-learners on waves is from Rabinowitz (2019), which we
# know only from other people's notes. The number of waves, the noise, the networks and their
# training are ours.

# %%
import tempfile

import numpy

from minimeta import plots, probing
from minimeta.core.backend import np, to_device, using
from minimeta.core.gradients import grad
from minimeta.core.losses import mse
from minimeta.core.optim import adam
from minimeta.core.trees import tree_map
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import fourier_gp, linear_gaussian
from minimeta.memories import recurrent
from minimeta.meta import Learner
from minimeta.nets import mlp
from minimeta.tasks import Data, Task, fourier
from minimeta.training import sequence_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Curves made of waves
#
# A task is a curve over one period, $0\le x<2\pi$:
#
# $$f(x)=\sum_{k=1}^{K}\sqrt2\,\big(w_{k,1}\cos kx+w_{k,2}\sin kx\big).$$
#
# Wave $k$ goes up and down $k$ times in a period. It has two weights, because it may be
# shifted: together, a cosine and a sine make a wave with any shift. The factor $\sqrt2$
# makes the mean square of each feature $\sqrt2\cos kx$ equal to one.
#
# So a curve is a linear model. Its inputs are the $2K$ *features* of $x$, and the weights
# are those of the task. Everything from the lesson *bayes* applies.


# %%
def features(x, K):
    """sqrt(2) times cos x, sin x, ..., sin Kx: (..., N, 1) -> (..., N, 2K)."""
    columns = [wave(k * x) for k in range(1, K + 1) for wave in (np.cos, np.sin)]
    return 2**0.5 * np.concatenate(columns, axis=-1)


GRID = 2 * numpy.pi / 16 * numpy.arange(16.0)[:, None]  # 16 evenly spaced places
on_grid = features(GRID, 4)  # (16, 8)
claim_equal(
    on_grid.T @ on_grid / 16,
    numpy.eye(8),
    1e-12,
    "On the grid the features are perpendicular and have mean square one.",
)
claim_equal(
    on_grid, fourier.features(GRID, 4), 1e-12, "The library has the same features."
)

# %% [markdown]
# ## What a learner knows of a wave
#
# The features are perpendicular on an even grid. This makes it easy to take any answer apart:
# the weight of a feature is the mean of the answer times the feature. Let $\hat w_k$ be
# the two weights of wave $k$ in the answer of a frozen learner, and $w_k$ those in the
# truth. As for the modes in the lesson *dynamics*, the progress compares the two:
#
# $$\text{progress of wave }k=\frac{\hat w_k\cdot w_k}{|w_k|^2}.$$
#
# It is 1 for a wave that is known, and 0 for one that is missing from the answer.


# %%
def wave_weights(answer, K):
    """The weights (..., 2K, 1) of waves 1 to K in a frozen learner's answers."""
    return np.swapaxes(features(GRID, K), -1, -2) @ answer(GRID) / len(GRID)


def progress(answer, w):
    """The progress of every wave of curves with weights w (M, 2K, 1): (M, K)."""
    K = w.shape[1] // 2
    pairs = (len(w), K, 2)
    truth = w.reshape(pairs)
    believed = np.broadcast_to(wave_weights(answer, K), w.shape).reshape(pairs)
    return np.sum(believed * truth, axis=-1) / np.sum(truth**2, axis=-1)


# %% [markdown]
# **Predict, then run.** The truth is $\cos x+\cos 2x+\cos 3x$. A learner answers
# $\cos x+\frac12\cos2x+\sin3x$. What is its progress in each of the three waves?

# %%
cosines = numpy.array([1.0, 0, 1, 0, 1, 0]).reshape(1, 6, 1) / 2**0.5


def a_belief(x):
    return np.cos(x) + np.cos(2 * x) / 2 + np.sin(3 * x)


print("progress:", progress(a_belief, cosines)[0].round(3))

# %%
claim_equal(
    progress(a_belief, cosines)[0],
    numpy.array([1.0, 0.5, 0.0]),
    1e-12,
    "A wave that is shifted by a quarter of its length counts as unknown.",
)
claim_equal(
    progress(a_belief, cosines),
    probing.fourier_progress(probing.fourier_weights(a_belief, 3)[None], cosines),
    1e-12,
    "The library's Fourier progress is this page's progress.",
)

# %% [markdown]
# ## Bayes on waves
#
# The prior says how strong each wave is likely to be: the two weights of wave $k$ are drawn
# from $\mathcal N(0,a_k^2)$. We call $a_k$ its *amplitude*. In this lesson waves 1, 2 and 3
# are equally strong, and $f$ has the mean square 1 altogether. Six weights share that one,
# so $a_k^2=\frac16$. The noise variance is $\sigma^2=0.1$.
#
# The Bayes-optimal learner is the one of the lesson *bayes*, applied to the features.


# %%
def bayes_of_waves(amplitudes, noise_variance):
    K, variances = len(amplitudes), numpy.repeat(amplitudes**2, 2)

    def adapt(meta, support):
        prior = 0.0, numpy.diag(variances), noise_variance
        return linear_gaussian.posterior(features(support.x, K), support.y, *prior)

    def predict(meta, state, x):
        return features(x, K) @ state[0]

    return Learner(lambda rng: {}, adapt, predict)


NOISE, AMPLITUDES = 0.1, numpy.full(3, (1 / 6) ** 0.5)
T = 12  # examples of a task
bayes = bayes_of_waves(AMPLITUDES, NOISE)
one_task = fourier.fourier(rng, 1, T, 5, AMPLITUDES, NOISE)
library = fourier_gp.learner(AMPLITUDES, NOISE)
claim_equal(
    bayes.predict({}, bayes.adapt({}, one_task.support), one_task.query.x),
    library.predict({}, library.adapt({}, one_task.support), one_task.query.x),
    1e-12,
    "The library's Bayes-optimal learner of waves is this page's.",
)

# %% [markdown]
# How much does it know after *one* example? One row of features $\phi$ (as a row) gives the
# gain $G=A\phi^\top/(\phi A\phi^\top+\sigma^2)$, where $A$ is the diagonal matrix of the prior
# variances. On average over the noise the learner believes $G\phi\,w$, as in the lesson
# *dynamics*. The number below the line is the same at every $x$, because
# $\cos^2+\sin^2=1$: it is $2\sum_ka_k^2+\sigma^2=1+\sigma^2$. Above the line, a weight of wave
# $k$ is multiplied by $a_k^2$ times the square of its feature, whose mean over $x$ is 1. The
# other entries have mean zero. So the share known after one example is
#
# $$m_1(k)=\frac{a_k^2}{2\sum_ja_j^2+\sigma^2}.$$
#
# **Predict, then run.** What is this share here, with three waves of $a_k^2=\frac16$ and
# $\sigma^2=0.1$?

# %%
nine_places = (
    2 * numpy.pi / 9 * numpy.arange(9.0).reshape(9, 1, 1)
)  # 9 tasks, 1 example
after_one = fourier_gp.progress(nine_places, AMPLITUDES, NOISE).mean(axis=0)
print("share of waves 1, 2 and 3 after one example:", after_one.round(4))

# %%
claim_equal(
    after_one,
    np.full(3, (1 / 6) / (1 + NOISE)),
    1e-12,
    "One example teaches Bayes the same share of every wave.",
)
for n in (9, 18):
    even = 2 * numpy.pi / n * numpy.arange(1.0 * n).reshape(1, n, 1)
    claim_equal(
        fourier_gp.progress(even, AMPLITUDES, NOISE)[0],
        np.full(3, (n / 6) / (n / 6 + NOISE)),
        1e-12,
        f"With {n} evenly spaced examples the share is the formula at the top.",
    )

# %% [markdown]
# ## A learner by descent
#
# The first learner is a network with two hidden layers of 64 units, trained by Adam on one
# curve. It is not fed the angle $x$ but the point $\sqrt2(\cos x,\sin x)$ on a circle, so
# that $0$ and $2\pi$ are one and the same place. Its last layer starts at zero, as in the
# lesson *networks*, so that it knows nothing before its first step. Every step sees 32 new
# noisy examples. To average over luck we train thirty networks, each on its own curve.
#
# In the test curves all waves have exactly the strength that the prior expects, and only
# their shifts are drawn at random. No wave is ever too small to be measured.
#
# **Predict, then run.** The lesson *networks* says in which order the waves are learned.
# How many times as long does wave 3 take to be half known as wave 1? Write down a guess.


# %%
def circle(x):
    return features(x, 1)


net = mlp([2, 64, 64, 1])
TASKS, NETWORKS, STEPS = (40, 2, 100) if QUICK else (1000, 30, 300)
usual = fourier.draw_phases(rng, TASKS, AMPLITUDES)  # test curves (M, 6, 1)


def fit(theta, data):
    return np.sum(mse(net.apply(theta, circle(data.x)), data.y))  # over networks


# %%
def start_at_zero():
    """Fresh parameters whose last layer is zero: the network answers 0."""
    *layers, last = net.init(rng)
    return [*layers, tree_map(np.zeros_like, last)]


def descend(w):
    """The progress of a network on each curve after each step."""
    theta = tree_map(lambda *parts: np.stack(parts), *(start_at_zero() for _ in w))
    eta, rows = adam(5e-4), []
    state = eta.init(theta)
    for _ in range(STEPS + 1):
        rows.append(progress(lambda x, now=theta: net.apply(now, circle(x)), w))
        data = fourier.from_weights(rng, w, 32, 1, NOISE).support
        theta, state = eta.update(grad(fit)(theta, data), state, theta)
    return np.stack(rows)


# %%
descent = descend(usual[:NETWORKS])
when = probing.half_time(np.arange(STEPS + 1.0), descent.mean(axis=1))
print("half of waves 1, 2, 3 is known after so many steps:", when.round(0))


# %%
def mean_and_half(values):
    """The mean over the first axis, and two standard errors."""
    return values.mean(axis=0), 2 * values.std(axis=0) / len(values) ** 0.5


ahead = descent[..., 0] - descent[..., 2]  # wave 1 less wave 3: (STEPS + 1, M)
widest = int(np.argmax(ahead.mean(axis=1)))
lead, lead_half = mean_and_half(ahead[widest])
claim(
    lead - lead_half > 0.6,
    "Descent knows most of wave 1 while most of wave 3 is missing.",
    f"at step {widest} by {lead:.2f} +- {lead_half:.2f}",
    "> 0.6",
    trained=True,
)
claim(
    when[2] > 2 * when[0],
    "Wave 3 takes more than twice as long as wave 1 to be half known.",
    f"{when[2] / when[0]:.1f} times as long",
    "> 2 times",
    trained=True,
)

# %% [markdown]
# ## Meta-train the LSTM
#
# The LSTM of the lesson *recurrent*, with 64 cells, reads sequences of $T=12$ examples of
# curves from the prior, again as points on the circle. As in the lesson *dynamics* we keep
# it at several times of its meta-training.

# %%
KEPT = [1, 2, 3, 4, 5, 20] if QUICK else [100, 300, 600, 1200, 2400, 4000]
UPDATES = KEPT[-1]
on_circle = recurrent.learner(2, 1, hidden=64)
lstm = probing.through(circle, on_circle)  # the learner that is fed circle(x) for x


def draw_curves(rng):
    task = fourier.fourier(rng, 64, T - 1, 1, AMPLITUDES, NOISE)
    return Task(*(Data(circle(part.x), part.y) for part in task))


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
metas = train_and_keep(on_circle, draw_curves)

# %% [markdown]
# Now the trained LSTM and Bayes read the same examples of the test curves, and are frozen
# and measured after every example. For Bayes we need not measure: its mean progress at the
# places of these examples is known exactly (`fourier_gp.progress`).


# %%
def frozen(learner, meta, support, n):
    """What the learner answers, for all M tasks, after n examples of each."""
    state = learner.adapt(meta, Data(support.x[:, :n], support.y[:, :n]))

    def answer(x):
        for_all = np.broadcast_to(x, (len(support.x), *x.shape))
        return learner.predict(meta, state, for_all)

    return answer


def follow(learner, meta, support, w):
    """The progress after 0, 1, ..., T examples: (T + 1, M, K)."""
    answers = [frozen(learner, meta, support, n) for n in range(T + 1)]
    return np.stack([progress(answer, w) for answer in answers])


# %%
support = fourier.from_weights(rng, usual, T, 1, NOISE).support
known = follow(lstm, metas[-1], support, usual)
first = [support.x[:, :n] for n in range(1, T + 1)]
shares = [fourier_gp.progress(x, AMPLITUDES, NOISE) for x in first]
exact = np.stack([0 * shares[0], *shares])  # (T + 1, M, 3)
for n in (1, 2, 4, 8, T):
    rows = known[n].mean(axis=0).round(2), exact[n].mean(axis=0).round(2)
    print(f"{n:2} examples: the LSTM knows {rows[0]}, Bayes {rows[1]}")

# %%
apart, apart_half = mean_and_half(
    np.swapaxes(known[..., :1] - known, 0, 1)
)  # (T + 1, 3)
largest = (abs(apart) + apart_half).max()
claim(
    largest < 0.15,
    "The LSTM learns all three waves together.",
    f"no two are more than {largest:.2f} apart",
    "< 0.15",
    trained=True,
)
spread = np.ptp(exact.mean(axis=1), axis=-1).max()
text = "For Bayes the three shares are nearly equal at every number of examples."
claim(spread < 0.06, text, f"at most {spread:.3f} apart", "< 0.06", trained=True)

# %%
behind, behind_half = mean_and_half((exact - known).mean(axis=-1).T)  # (T + 1,)
claim(
    (behind + behind_half).max() < 0.2,
    "It stays close behind Bayes at every number of examples.",
    f"at most {(behind + behind_half).max():.2f} less known",
    "< 0.2",
    trained=True,
)

# %%
COLOURS = plots.COLOURS


def draw_waves(ax, x, values):
    """The mean progress (T, M, K) of every wave; bands: two standard errors."""
    for k in range(values.shape[-1]):
        middle, half = mean_and_half(np.swapaxes(values[..., k], 0, 1))
        plots.band(ax, x, middle, half, f"wave {k + 1}", color=COLOURS[k], lw=2)
    ax.set_ylim(-0.1, 1.15)


figure, (left, right) = plots.figure(2)
draw_waves(left, range(STEPS + 1), descent)
plots.labels(
    left, "steps of descent", "progress of each wave", "descent: in stages"
)
draw_waves(right, range(T + 1), known)
plots.floor(right, range(T + 1), exact.mean(axis=(1, 2)))
plots.labels(right, "examples read", "progress of each wave", "LSTM: all at once")
plots.save(figure, "12_waves")

# %% [markdown]
# **Left:** networks that descend. The slow wave (blue) is learned first, the fast one (green)
# last.
#
# **Right:** the trained LSTM. Its three lines lie nearly on each other. The dashed line above
# them is Bayes: the mean over the three waves, whose shares are nearly equal. In both panels
# the bands are two standard errors of the mean over tasks.
#
# ## The outer loop goes in stages
#
# For maps, in the lesson *dynamics*, all modes rose together during meta-training as well.
#
# **Predict, then run.** The LSTM was made by descent, too. After 300 of 4000 updates, what
# share of wave 1 and what share of wave 3 does it know at the end of a sequence?

# %%
early = np.stack(
    [progress(frozen(lstm, meta, support, T), usual) for meta in metas]
)
for updates, row in zip(KEPT, early):  # early is (6, M, 3)
    gap, gap_half = mean_and_half(row[:, 0] - row[:, 2])
    print(
        f"{updates:5} updates: waves 1, 2, 3 known {row.mean(axis=0).round(2)}, ",
        end="",
    )
    print(f"wave 1 less wave 3 {gap:+.2f} +- {gap_half:.2f}")

# %%
first_gap, first_half = mean_and_half(early[1, :, 0] - early[1, :, 2])
claim(
    first_gap - first_half > 0.4,
    "After 300 updates the outer loop has found wave 1, and wave 3 not yet.",
    f"{first_gap:.2f} +- {first_half:.2f} ahead",
    "> 0.4",
    trained=True,
)

# %%
outer_figure, (ax,) = plots.figure()
draw_waves(ax, KEPT, early)
plots.floor(ax, KEPT, np.full(len(KEPT), exact[-1].mean()))
ax.set_xscale("log")
plots.labels(
    ax, "updates of meta-training", "progress of each wave", "the outer loop"
)
plots.save(outer_figure, "12_outer_loop")

# %% [markdown]
# Each point of a line is an LSTM after so many updates (a logarithmic axis), frozen after
# twelve examples of a test curve. The dashed line is what Bayes knows by then, and the bands
# are two standard errors. Wave 1 is found first, then wave 2, then wave 3.
#
# Here are the stages again, this time in the outer loop. A likely reason is this. Before the
# LSTM can learn from examples of a wave, it must be able to draw that wave, as a function
# of a point on the circle, and networks find slow functions before fast ones. With maps there
# was no such order, because all modes ask for the same kind of function. When the outer loop
# has finished, the learner that it has made shows nothing of this order.
#
# ## A wave that was never there
#
# Now the curves contain a wave 4, as strong as each of the others. It never occurred in
# meta-training. Three learners read twelve examples:
#
# * the LSTM as it is,
# * *blind* Bayes, whose prior is that of the meta-training: $a_4=0$,
# * *wise* Bayes, whose prior includes wave 4, as strong as the others.
#
# **Predict, then run.** What share of wave 4 does blind Bayes know after twelve examples?
# And what share after two thousand?

# %%
WIDE = numpy.full(4, (1 / 6) ** 0.5)
odd = fourier.draw_phases(rng, TASKS, WIDE)  # weights (M, 8, 1)
odd_support = fourier.from_weights(rng, odd, T, 1, NOISE).support
wise = bayes_of_waves(WIDE, NOISE)
learners = {
    "LSTM": (lstm, metas[-1]),
    "blind Bayes": (bayes, {}),
    "wise Bayes": (wise, {}),
}
seen = {name: follow(*pair, odd_support, odd) for name, pair in learners.items()}
for name, rows in seen.items():
    print(f"{name:11} knows of waves 1 to 4: {rows[-1].mean(axis=0).round(2)}")
long_support = fourier.from_weights(rng, odd[:2], 2000, 1, NOISE).support
after_2000 = progress(frozen(bayes, {}, long_support, 2000), odd[:2])
print("blind Bayes after 2000 examples:", after_2000.mean(axis=0).round(2))

# %%
blind_spot = max(
    abs(seen["blind Bayes"][..., 3]).max(), abs(after_2000[:, 3]).max()
)
claim(
    blind_spot < 1e-12,
    "Blind Bayes never knows anything of wave 4, however many examples it reads.",
    blind_spot,
    "< 1e-12",
)
found, found_half = mean_and_half(seen["wise Bayes"][-1, :, 3])
claim(
    found - found_half > 0.75,
    "Twelve examples are enough to find wave 4, for a prior that allows it.",
    f"{found:.2f} +- {found_half:.2f}",
    "> 0.75",
    trained=True,
)
missed, missed_half = mean_and_half(seen["LSTM"][-1, :, 3])
claim(
    abs(missed) + missed_half < 0.15,
    "The LSTM, too, is blind for wave 4.",
    f"{missed:.2f} +- {missed_half:.2f}",
    "< 0.15",
    trained=True,
)

# %% [markdown]
# The zero of blind Bayes is exact. The gain $G=A\Phi^\top(\dots)^{-1}$ begins with the matrix of
# prior variances, and a zero there makes a row of zeros: nothing that the examples say reaches
# the weights of wave 4. Nobody told the LSTM about priors. But its meta-training never
# rewarded it for seeing wave 4, and it did reward it for treating as noise whatever waves 1
# to 3 do not explain.
#
# What does the blindness cost? Here is the error on new places of the same curves.


# %%
def query_error(learner, meta, w, data, places):
    """The error of every task against noisy labels at new places: (M,)."""
    state = learner.adapt(meta, data)
    return mse(learner.predict(meta, state, places.x), places.y)


places = fourier.from_weights(rng, odd, 1, 50, NOISE).query
cost = {
    name: query_error(*pair, odd, odd_support, places)
    for name, pair in learners.items()
}
for name, error in cost.items():
    middle, half = mean_and_half(error)
    print(f"{name:11} error {middle:.3f} +- {half:.3f}")

# %%
for name in ("LSTM", "blind Bayes"):
    more, more_half = mean_and_half(cost[name] - cost["wise Bayes"])
    claim(
        more - more_half > 1 / 3,
        f"{name}: the blindness costs more than wave 4 itself is worth.",
        f"{more:.2f} +- {more_half:.2f} above wise Bayes",
        "> 1/3",
        trained=True,
    )

# %% [markdown]
# Wave 4 contributes one third to the mean square of the curve, and a learner that left it
# out and knew the rest perfectly would lose that third. Both blind learners lose more. What
# they cannot see they take for noise, and it is stronger than the noise they expect. So they
# bend the waves that they know to fit it.
#
# The dashed line of blind Bayes in the next figure is *not* a floor. Bayes' rule is optimal
# for tasks from its prior, and these tasks are not from its prior. Here even the LSTM has a
# smaller error.

# %%
less, less_half = mean_and_half(cost["blind Bayes"] - cost["LSTM"])
claim(
    less - less_half > 0,
    "On tasks that its prior excludes, blind Bayes is behind the LSTM.",
    f"by {less:.2f} +- {less_half:.2f}",
    "> 0",
    trained=True,
)

# %%
picture, (left, right) = plots.figure(2)
line = 2 * numpy.pi / 200 * numpy.arange(201.0)[:, None]
left.plot(
    line, features(line, 4) @ odd[0], color=plots.BEFORE, lw=2, label="the curve"
)
left.plot(odd_support.x[0], odd_support.y[0], "k.", ms=8, label="12 examples")
answers = {
    name: frozen(*pair, odd_support, T)(line)[0] for name, pair in learners.items()
}
left.plot(line, answers["LSTM"], color=plots.AFTER, lw=2, label="LSTM")
left.plot(line, answers["blind Bayes"], "k--", lw=1.5, label="blind Bayes")
left.plot(line, answers["wise Bayes"], color=COLOURS[1], lw=1.5, label="wise Bayes")
left.set_ylim(top=6.5)
plots.labels(left, "x", "y", "one curve with a wave 4", legend=False)
left.legend(frameon=False, fontsize=8, ncols=2, loc="upper right")
styles = {"LSTM": plots.AFTER, "wise Bayes": COLOURS[1]}
for name, colour in styles.items():
    middle, half = mean_and_half(seen[name][..., 3].T)
    plots.band(right, range(T + 1), middle, half, name, color=colour, lw=2)
right.plot(
    seen["blind Bayes"][..., 3].mean(axis=1), "k--", lw=1.5, label="blind Bayes"
)
right.set_ylim(-0.1, 1.15)
plots.labels(right, "examples read", "progress of wave 4", "the wave never met")
plots.save(picture, "12_blind")

# %% [markdown]
# **Left:** one test curve (grey) with twelve noisy examples (dots). The LSTM
# (blue) and blind Bayes (dashed) draw similar curves without the fast wiggles of wave 4. Wise
# Bayes (orange) draws the wiggles. **Right:** the progress of wave 4 against the number of
# examples, with bands of two standard errors. For wise Bayes it rises, for the two others
# it stays at zero.
#
# A meta-learner needs few examples because it considers only what its tasks contained. What
# it does not consider, it cannot learn.
#
# ## Exercises
#
# **Exercise 1.** There are five waves of equal strength, so that $a_k^2=\frac1{10}$, and the
# noise variance is $0.1$. What share of each wave does Bayes know after one example? Give
# three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "56b1ddac")

# %% [markdown]
# **Exercise 2.** A wave is improbable but not impossible: $a_k^2=0.01$, with
# $\sigma^2=0.1$. How many evenly spaced examples must Bayes read until it knows 90 % of the
# wave, on average? Give the whole number.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "b70a4e6d")

# %% [markdown]
# **Exercise 3.** Blind Bayes reads very many examples of a curve with wave 4, so that it
# knows waves 1 to 3 perfectly. What is its mean squared error against new noisy labels?
# The two weights of wave 4 have the variance $a_4^2=\frac16$ each, as in this lesson, and
# the noise variance is $0.1$. Give three digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "74491bbd")

# %% [markdown]
# **Exercise 4.** The truth is $3\cos 2x$. A learner answers $\cos2x+2\sin2x$. What is its
# progress in wave 2? Give three digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "85d4d23b")

# %% [markdown]
# **What changed since the last lesson.** The parts of a task are waves now, and the outer
# loop, which descends, went in stages as well. A prior, given or learned, is a filter: what
# it excludes is not seen. `python -m minimeta verify waves` prints the theorems.

# %%
finish()
