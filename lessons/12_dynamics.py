# %% [markdown]
# # 12. Dynamics: learners in stages, meta-learners all at once
#
# **The promise.** Two learners meet one new task. Descent picks up its structure in
# stages: strong modes before weak, slow waves before fast. A meta-trained LSTM picks
# up all of it together, as Bayes does. You derive the rate, and see what it costs.
#
# **You need** lessons 00 to 11. **Takes** half an hour to read, a minute to run.
# **Before:** a learner is judged by its error. **After:** by *what* it knows, *when*:
# $$\mathbb E\hat W_t=m_tW,\ m_t=\mathbb E\operatorname{tr}X^\top X(X^\top X+\sigma^2I)^{-1}/D$$
# The finding is Rabinowitz's (2019); notes by others tell his measures, and that he
# had five dimensions (`--full`: minutes; called again, it goes on). **Our three
# dimensions and waves, priors, noise, networks and training are not his.**

# %%
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two are slower here
import numpy

from minimeta import plots, probing
from minimeta.core.backend import np, to_device, use
from minimeta.core.optim import adam, sgd
from minimeta.core.trees import tree_map
from minimeta.exact import fourier_gp, matrix_normal
from minimeta.memories import recurrent
from minimeta.meta import learning_curve
from minimeta.nets import mlp
from minimeta.tasks import Data, Task, fourier, linear_maps
from minimeta.tasks.regression import from_weights, linear
from minimeta.training import sequence_train

QUICK, FULL = os.environ.get("MINIMETA_QUICK") == "1", "--full" in sys.argv
OUT, rng = os.environ.get("MINIMETA_OUT", "out"), numpy.random.default_rng(0)

# %% [markdown]
# ## Ask the frozen learner
# What does an LSTM know after three examples? Freeze it, ask it probes, and fit a map
# to its answers: its *effective weights* $\hat W$. Along the modes of the true
# $W=USV^\top$ its progress is $(U^\top\hat WV)_{kk}/s_k$; with waves,
# $\operatorname{Re}\langle\hat f_k,f_k\rangle/|f_k|^2$. 0: nothing known; 1: all.


# %%
def map_progress(answer, W):
    """The share known of every mode of the maps W (M, D, D): (M, D)."""
    probes = numpy.random.default_rng(1).normal(size=(50, W.shape[1]))
    fit = np.linalg.pinv(numpy.c_[probes, numpy.ones(50)])  # a map and an offset
    W_hat = (fit @ answer(probes))[:, :-1]
    U, s, Vt = np.linalg.svd(W)
    return np.einsum("mdk,mdc,mkc->mk", U, W_hat, Vt) / s


wave_progress = lambda answer, w: probing.fourier_progress(
    probing.fourier_weights(answer, len(w[0]) // 2), w
)
W, W_hat = rng.normal(size=(2, 4, 3, 3))
mine, library = map_progress(lambda x: x @ W_hat + 1, W), probing.effective_spectrum
assert np.allclose(mine, library(W_hat, W)), "the library sees the same"

# %% [markdown]
# ## By hand: why Bayes sees all modes at one rate
# With $W_{ij}\sim\mathcal N(0,1)$ the posterior mean is $PW$ and noise, where
# $P=X^\top X(X^\top X+\sigma^2I)^{-1}$. Inputs $x\sim\mathcal N(0,I)$ favour no
# direction, so $\mathbb EP$ favours none: it is $m_tI$, for strong modes and weak.
# **Predict, then run.** Without noise $P$ projects on the inputs seen. $m_2$ for $D=3$?

# %%
D, T, HIDDEN, NOISE = (5, 20, 128, 0.25) if FULL else (3, 12, 48, 0.25)
X = rng.normal(size=(20_000, 2, D))
P, m_2 = np.linalg.pinv(X) @ X, matrix_normal.expected_progress(D, 2, 0.0)
print(f"m_2 = {m_2:.4f}; the mean projection is\n{P.mean(axis=0).round(3)}")
assert abs(m_2 - 2 / D) < 1e-12, "without noise m_t is min(t, D) / D"
off = abs(P.mean(axis=0) - m_2 * np.eye(D)) / P.std(axis=0) * 20_000**0.5
assert np.all(off < 4), "the mean projection is m_2 times the identity"

# %% [markdown]
# ## Two meta-learners
# One LSTM (lesson 11) for $D\times D$ maps, one for waves 1 to 3; $T$ examples each.


# %%
def train(learner, sample, steps, name):
    """The LSTM's weights after 1/20, 1/10, 1/5 and all of the meta-training."""
    file, metas, steps = f"{OUT}/12_{name}_{D}d.npz", [], 20 if QUICK else steps
    resume = file if FULL and os.path.exists(file) else None
    fading = adam(lambda t: 0.02 * (1 - t / steps), decay_square=0.99)
    use(dtype="float32")
    for end in [steps] if FULL else [steps // 20, steps // 10, steps // 5, steps]:
        args = learner, sample, numpy.random.default_rng(0), end
        how = {"optimizer": fading, "checkpoint": file, "resume": resume}
        meta, _ = sequence_train(*args, **how)
        metas, resume = [*metas, meta], file
    use(dtype="float64")
    return to_device(metas)


LOW, circle = fourier.band(1, 3, 3), lambda x: fourier.features(x, 1)
seen = lambda data: Data(circle(data.x), data.y)  # points in place of angles
draw_maps = lambda rng: linear(rng, 64, T - 1, 1, np.eye(D), 0.0, NOISE, D)
draw_waves = lambda rng: map(seen, fourier.fourier(rng, 64, T - 1, 1, LOW, 0.1))
mapper, waver = recurrent.learner(D, D, HIDDEN), recurrent.learner(2, 1, 48)
map_metas = train(mapper, draw_maps, 30_000 if FULL else 4500, "maps")
wave_metas = train(waver, lambda rng: Task(*draw_waves(rng)), 6500, "waves")

# %% [markdown]
# ## Experiment 1: maps
# Descent: two linear layers, SGD, 16 new examples a step, tasks with the prior's
# median singular values; LSTM and Bayes on such tasks, and on *odd* ones, four times
# as large. **Predict, then run.** Mode $s$ takes descent about $\ln(s/u_0)/2s$: how
# much longer is the way to half of the weakest than of the strongest?


# %%
def experiment(row, measure, path, few, tasks, lstm, metas, bayes, names, what):
    """Check and draw descent, then LSTM and Bayes on usual tasks and odd ones."""
    curves = [probing.curve(measure, path, few)]  # (T, K) each
    for truth, data in tasks:
        for rival in ((lstm, metas[-1]), (bayes, {})):
            answers = probing.answers(*rival, data, range(T + 1))
            curves.append(probing.curve(measure, answers, truth))
    claims = ("descent", 3, 99), ("LSTM", 1, 1.3), ("Bayes", 1, 1.3)
    for known, (who, least, most) in zip(curves, claims):
        half = probing.half_time(np.arange(1.0 * len(known)), known)
        print(f"{who:8s} knows half of each after", half.round(1))
        assert QUICK or least <= half.max() / half.min() < most, f"{who}: stages?"
    row[0].plot(curves[0], label=names[: curves[0].shape[1]])
    plots.labels(row[0], "steps", "share known", f"descent on {what}")
    for ax, pair, odd in zip(row[1:], (curves[1:3], curves[3:]), ("", "odd ")):
        plots.against(ax, range(T + 1), *pair, names, "Bayes")
        plots.labels(ax, "examples", "share known", f"LSTM on {odd}{what}")
    late = [probing.answers(lstm, meta, tasks[0][1], [T])[0] for meta in metas]
    late = probing.curve(measure, late, tasks[0][0])  # (metas, K)
    print("LSTM, from early to late in meta-training", *late.round(2), sep="\n")
    return *curves[1:], late


fig, axes = plots.figure(columns=3, rows=2)
fig.set_size_inches(9.5, 6)
M, few, steps = (40, 2, 20) if QUICK else (600, 50, 100 * D)
sampled = linear_maps.draw_matrix_normal(rng, 4000, np.eye(D), np.eye(D))
S = np.median(np.linalg.svd(sampled, compute_uv=False), axis=0)
W = linear_maps.draw_spectrum(rng, M, S, D, D)
fresh = lambda: from_weights(rng, W[:few], 16, 1, NOISE).support
start = [0.02 * rng.normal(size=(few, *size)) for size in ((D, 16), (16, D))]
path = probing.descent(lambda p, x: x @ p[0] @ p[1], start, sgd(0.06), fresh, steps)
tasks = [(v, from_weights(rng, v, T, 1, NOISE).support) for v in (W, 4 * W)]
bayes = matrix_normal.learner(0.0, np.eye(D), np.eye(D), NOISE)
args = path, W[:few], tasks, mapper, map_metas, bayes, [f"s = {s:.1f}" for s in S]
usual, right, large, same, early = experiment(axes[:3], map_progress, *args, "maps")
m = np.array([matrix_normal.expected_progress(D, t, NOISE) for t in range(T + 1)])
off = abs(np.stack([right, same])[..., 0] - m)  # tasks scatter by less than 0.6
assert np.all(off < 4 * 0.6 / M**0.5), "Bayes: m_t, however large the map"
assert QUICK or large[-1, 0] < 0.7 < 0.9 < usual[-1, 0], "the LSTM saturates"
assert QUICK or FULL or early[0][0] < early[0][-1], "early on: weak modes first"
new = (linear(rng, M, T - 1, 9, np.eye(D), 0.0, NOISE, D), range(T))
error = np.mean(learning_curve(mapper, map_metas[-1], *new))
floor = np.mean(learning_curve(bayes, {}, *new))
print(f"{D}-d maps: the LSTM's error is {error / floor - 1:.0%} above Bayes")

# %% [markdown]
# The prior does not excuse large maps: Bayes believes the same, and is as quick with
# them. A posterior mean is linear in the labels; a memory fed through tanh is not.
# Early in *meta*-training, the outer loop has stages too, and here weak modes lead.
#
# ## Experiment 2: waves
# Descent is an MLP under Adam. The odd tasks have a wave 4, never met in training.
# **Predict, then run.** Bayes's prior gives it no power: what is known in the end?

# %%
net, w = mlp([2, 64, 64, 1]), fourier.draw_phases(rng, M, LOW)
wide = fourier.band(1, 4, 4, power=4 / 3)  # each wave as strong as before
odd = fourier.draw_phases(rng, M, wide)
fresh = lambda: fourier.from_weights(rng, w[:few], 32, 1, 0.1).support
start = tree_map(lambda *p: np.stack(p), *(net.init(rng) for _ in range(few)))
on_circle = lambda params, x: net.apply(params, circle(x))
path = probing.descent(on_circle, start, adam(5e-4), fresh, steps)
tasks = [(v, fourier.from_weights(rng, v, T, 1, 0.1).support) for v in (w, odd)]
blind, wise = (fourier_gp.learner(band, 0.1) for band in (LOW, wide))
names, args = [f"wave {k}" for k in (1, 2, 3, 4)], (path, w[:few], tasks)
args = *args, probing.through(circle, waver), wave_metas, blind, names, "waves"
*_, lstm, wrong, early = experiment(axes[3:], wave_progress, *args)
known = wave_progress(probing.answers(wise, {}, tasks[1][1], [T])[0], odd)
last = lstm[-1, 3], wrong[-1, 3], known[:, 3].mean()
print("wave 4: LSTM {:.2f}, Bayes {:.2f}, with a prior for it {:.2f}".format(*last))
assert abs(last[1]) < 1e-12, "without prior power, a wave is never seen"
assert QUICK or abs(last[0]) < 0.1 < 0.8 < last[2], "nor by the LSTM: it could be"
assert QUICK or FULL or early[0][0] > early[0][-1], "early on: slow waves first"
print("figure:", plots.save(fig, "12_dynamics"))

# %% [markdown]
# Here the LSTM fails *as the wrong prior does*: it learned what cannot be. Its outer
# loop, being descent, meets slow waves first.
#
# ## Exercises
# 1. Correlate the outputs (`draw_matrix_normal`). *Check:* what does Bayes see first?
# 2. Meta-train on waves 2 and 3 only. *Check:* is wave 1, the easiest, suppressed?
#
# **What changed since 11:** we ask what is known, mode by mode. Stages come of descent:
# what it found in the outer loop has none, and is blind to what its tasks lacked.
