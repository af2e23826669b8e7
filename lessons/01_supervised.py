# %% [markdown]
# # 01. Supervised learning: every mode at its own rate
#
# **The promise.** Gradient descent on linear networks can be foretold, every step.
# One layer learns all directions at once, each at its own rate; two layers learn
# one thing after another, the strongest first.
#
# **You need** lesson 00, eigenvectors, singular values. **Takes** a quarter of an
# hour to read, a second to run (`MINIMETA_QUICK=1` or not). **Before**: a linear
# system gives the best weights $s$. **After**: you know the way there. Along
# direction $k$, after $t$ steps of size $\eta$,
#
# $$w_k(t)=s_k\,\big(1-(1-\eta\lambda_k)^t\big)$$

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.exact import linear_networks

rng = numpy.random.default_rng(1)
gap = lambda x, y: numpy.max(numpy.abs(numpy.subtract(x, y)))

# %% [markdown]
# ## Gradient descent
# A linear network is a list of matrices; with one it is a linear model. The loss is
# half the squared error, summed over outputs, averaged over $N$ examples.


# %%
def network(layers, x):
    """x W_1 W_2 ... for inputs x (N, D): (N, C)."""
    for W in layers:
        x = x @ W
    return x


loss = lambda layers, x, y: np.sum((network(layers, x) - y) ** 2) / 2 / len(y)


def descend(layers, x, y, step_size, steps):
    """The layers after 0, 1, ..., `steps` steps of gradient descent."""
    path = [layers]
    for _ in range(steps):
        slopes = grad(loss)(layers, x, y)
        layers = [W - step_size * slope for W, slope in zip(layers, slopes)]
        path.append(layers)
    return path


# %% [markdown]
# ## A case to check by hand
# One example, $x=2$, $y=6$. The loss $\frac12(2w-6)^2$ has the slope $4(w-3)$: a
# curvature $\lambda=4$, the best weight $s=3$. From $w=0$, a step of $0.1$ closes
# four tenths of the distance: $0$, then $1.2$, then $1.2+0.4\cdot1.8=1.92$.

# %%
path = descend([np.array([[0.0]])], np.array([[2.0]]), np.array([[6.0]]), 0.1, 2)
by_step = [W.item() for (W,) in path]
assert gap(by_step, [0.0, 1.2, 1.92]) < 1e-12, "the three weights found by hand"

# %% [markdown]
# ## Many weights: one rate for each direction
# The loss of one layer is a quadratic with the Hessian $\Sigma=x^\top x/N$. Along
# its eigenvectors (the *modes*) nothing mixes: each is the case above with its own
# eigenvalue $\lambda_k$. We make inputs of a known spectrum, and noisy targets.

# %%
N, spectrum = 64, numpy.array([4.0, 1.0, 0.25, 0.0625])
orthonormal = lambda rows, columns: numpy.linalg.qr(
    rng.normal(size=(rows, columns))
)[0]
white, V = orthonormal(N, 4) * N**0.5, orthonormal(4, 4)
x = white * spectrum**0.5 @ V.T  # x'x / N = V diag(spectrum) V'
y = x @ rng.normal(size=(4, 1)) + 0.3 * rng.normal(size=(N, 1))
best = (V.T @ numpy.linalg.solve(x.T @ x, x.T @ y))[:, 0]  # (K,)
steps, start = numpy.arange(201)[:, None], [np.zeros((4, 1))]
exact = best * (1 - (1 - 0.2 * spectrum) ** steps)  # (T, K)
modes = lambda path: numpy.stack([network(layers, V.T)[:, 0] for layers in path])
one_layer = modes(descend(start, x, y, 0.2, 200))
print("fractions learned after 10 steps:", (one_layer[10] / best).round(3))
assert gap(one_layer, exact) < 1e-12, "w_k(t) = s_k (1 - (1 - eta lambda_k)^t)"

# %% [markdown]
# The steepest mode limits the step size; the flattest then sets the pace.
#
# **Predict, then run.** The largest $\lambda$ is 4. What happens with the step
# sizes 0.49 and 0.51? By which factor does each step change the first mode's error?

# %%
for step_size in (0.49, 0.51):
    errors = (modes(descend(start, x, y, step_size, 100)) - best)[:, 0]
    ratio = errors[1:] / errors[:-1]
    print(f"step size {step_size}: factor {ratio[-1]:.3f}, end {errors[-1]:.2g}")
    assert gap(ratio, 1 - 4 * step_size) < 1e-9, "the factor is 1 - eta lambda"
assert abs(errors[-1]) > abs(errors[0]), "above 2 / lambda_max descent climbs"

# %% [markdown]
# ## Two layers: one mode after another
# Take white inputs ($\Sigma=1$) and three outputs, $y=xUSV^\top$. *One* layer
# learns the same fraction of every mode. *Two* layers, $W_1=U\,m$ and
# $W_2=m\,V^\top$ with a diagonal $m$, keep this form, and each $m_k$ moves alone:
#
# $$m\leftarrow m+\eta\,m\,(s-m^2),\qquad u=m^2\ \text{is what they compute.}$$
#
# The factor $m$ in front says: what has not begun is learned slowly, and a strong
# mode begins sooner. For small steps this is $\dot u=2u(s-u)$, a sigmoid that is
# half-way at the time $\ln(s/u_0-1)/2s$ (Saxe, McClelland & Ganguli 2013).

# %%
T, eta, s, u0 = 400, 0.02, numpy.array([4.0, 2.0, 1.0]), 1e-3
x, U, V = orthonormal(N, 3) * N**0.5, orthonormal(3, 3), orthonormal(3, 3)
y = x @ (U * s) @ V.T
modes = lambda path: numpy.stack([numpy.diag(network(p, U.T) @ V) for p in path])


def recursion(eta, steps):
    """u (steps + 1, K) by the formula above: one number for each mode."""
    m = [numpy.full(3, u0**0.5)]
    for _ in range(steps):
        m.append(m[-1] + eta * m[-1] * (s - m[-1] ** 2))
    return numpy.stack(m) ** 2


starts = {
    "one layer": [np.zeros((3, 3))],
    "two layers": [u0**0.5 * U, u0**0.5 * V.T],
    "random start": [0.03 * rng.normal(size=(3, 3)) for _ in range(2)],
}
paths = {name: descend(layers, x, y, eta, T) for name, layers in starts.items()}
single, double, random = map(modes, paths.values())
assert gap(single / s, (single / s)[:, :1]) < 1e-12, "one layer: equal fractions"
assert gap(double, recursion(eta, T)) < 1e-12, "two layers: exactly the recursion"

# %% [markdown]
# **Predict, then run.** The strengths are 4, 2 and 1. When the first mode is half
# learned, how much of the last is: with one layer, with two, with two that start
# from small random numbers, neither aligned nor balanced?

# %%
half = lambda u: numpy.argmax(u > s / 2, axis=0)  # the first step beyond half
for name, u in zip(starts, (single, double, random)):
    learned = u[half(u)[0]] / s
    print(f"{name:12s} half learned at {half(u)}; by the first: {learned.round(3)}")
    assert u is single or learned[1:].max() < 0.1, "half the first, and others wait"
assert (numpy.diff(half(random)) > 0).all(), "a small random start keeps the order"
steps, half_time = numpy.arange(T + 1)[:, None], numpy.log(s / u0 - 1) / (2 * s)
flow = s / (1 + (s / u0 - 1) * np.exp(-2 * s * eta * steps))
print("the sigmoid:", (half_time / eta).round(1))
assert gap(half(double) * eta / half_time, 1) < 0.1, "half-time = ln(s/u0 - 1) / 2s"
ratio = gap(double, flow) / gap(recursion(eta / 2, 2 * T)[::2], flow)
assert 1.8 < ratio < 2.2, "half the step size, half the distance from the flow"

# %% [markdown]
# ## The library's version
# `minimeta.exact.linear_networks` has the same formulas, for any number of layers.

# %%
deep = linear_networks.deep_modes(s, u0, eta, T)
shallow = linear_networks.shallow_modes(best, 0.2, 200, curvature=spectrum)
assert gap(recursion(eta, T), deep) < 1e-12, "the library's recursion is this one"
assert gap(exact, shallow) < 1e-12, "and its formula for one layer"
library_flow = linear_networks.two_layer_flow(s, u0, eta * steps)
assert gap(flow, library_flow) < 1e-12, "and its sigmoid"
losses = numpy.array([[loss(p, x, y) for p in path] for path in paths.values()]).T
linear = s * (1 - (1 - eta) ** steps)
foretold = [((s - u) ** 2).sum(axis=1) / 2 for u in (linear, recursion(eta, T))]
assert gap(losses[:, :2].T, foretold) < 1e-12, "the loss is half the sum (s - u)^2"

# %%
fig, panels = plots.figure(2, 2, height=2.9)
strengths = [f"strength {value:g}" for value in s]
variances = [f"input variance {value:g}" for value in spectrum]
plots.against(panels[0], steps[:201], one_layer / best, exact / best, variances)
for ax, u, title in (panels[1], double, "balanced"), (panels[2], random, "random"):
    ax.plot(single[:, 0] / s[0], color=plots.BEFORE, label="one layer")
    plots.against(ax, steps, u / s, recursion(eta, T) / s, strengths)
    title = f"two layers, small {title} start"
    plots.labels(ax, "step", "fraction learned", title, legend=u is double)
plots.against(panels[3], steps, losses, numpy.transpose(foretold), list(starts))
panels[3].set(yscale="log", ylim=(1e-2, 20))
plots.labels(panels[0], "step", "fraction learned", "one layer")
plots.labels(panels[3], "step", "loss", "a slope and a staircase")
plots.save(fig, "01_supervised")

# %% [markdown]
# ## Exercises
# 1. Three layers: which power of $m$ stands in front? Check your recursion against
#    `descend`, started from $U$, $1$ and $V^\top$ times `u0 ** (1 / 3)`.
# 2. Start both layers at zero. What happens, and why does one layer not mind?
# 3. Double $W_1$, halve $W_2$: the product is the same. Does it still follow the
#    recursion? (Hint: watch $W_1^\top W_1-W_2W_2^\top$.)
#
# **What changed since lesson 00.** Many steps instead of one, and a closed form for
# each of them. Next come activations between the layers: the formulas end.
