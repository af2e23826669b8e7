# %% [markdown]
# # 01. Supervised learning: every mode at its own rate
#
# **The promise.** Gradient descent on a linear network can be predicted, every step of
# it, before it runs. A network with one layer learns along several directions at once,
# each at its own rate. A network with two layers learns one thing after another, the
# strongest first. Three figures show computed lines with the predictions on top of
# them.
#
# **You need** the lesson *gradients*, eigenvectors, and the singular value
# decomposition (we repeat what it says).
#
# **Takes** about 50 minutes with the exercises, and a few seconds to run.
#
# **Before:** you can solve a linear regression, and get its best weights at once.
# **After:** you know the way that gradient descent takes to these weights, and why some
# things are learned long before others.
#
# Let $w_k(t)$ be the weight along direction $k$ after $t$ steps of size $\eta$,
# starting from zero. Let $s_k$ be the best weight, and let $\lambda_k$ say how much the
# inputs vary along this direction. Then
#
# $$w_k(t)=s_k\,\big(1-(1-\eta\lambda_k)^t\big)$$

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.course.claims import SEED, check, claim, claim_equal, finish
from minimeta.exact import linear_networks

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Gradient descent
#
# Supervised learning means: we have inputs $x$ of shape $(N,D)$ and targets $y$ of
# shape $(N,C)$, and look for a function that turns the one into the other. Here the
# function is a *linear network*, a product of matrices. With one matrix it is linear
# regression. With several it can represent nothing more, because a product of matrices
# is a matrix. But it *learns* in another way, and that is what this lesson is about.
#
# The loss is half the squared error, summed over the outputs and averaged over the $N$
# examples. The factor $\frac12$ cancels the $2$ that comes from the square, so that the
# formulas below have no factors. (The library's own `mse` has no $\frac12$ and takes
# the mean over the $C$ outputs. With `mse`, a step size of $\frac C2\eta$ makes the
# same steps.)
#
# `descend` takes the steps, and keeps the parameters after each of them.


# %%
def network(layers, x):
    """x W_1 W_2 ... for inputs x (N, D): (N, C)."""
    for W in layers:
        x = x @ W
    return x


def loss(layers, x, y):
    return np.sum((network(layers, x) - y) ** 2) / (2 * len(y))


def descend(layers, x, y, eta, steps):
    """The layers after 0, 1, ..., `steps` steps of gradient descent."""
    path = [layers]
    for _ in range(steps):
        gradients = grad(loss)(layers, x, y)
        layers = [W - eta * gradient for W, gradient in zip(layers, gradients)]
        path.append(layers)
    return path


# %% [markdown]
# ## A case to check by hand
#
# One example, $x=2$ and $y=6$, and one weight $w$. The loss is
#
# $$\tfrac12(2w-6)^2=\tfrac42\,(w-3)^2$$
#
# This is a parabola with its minimum at the best weight $s=3$ and the curvature
# $\lambda=4$. Its derivative is $4(w-3)$. From $w=0$, a step of size $\eta=0.1$ goes to
# $0+0.1\cdot4\cdot3=1.2$, and the next one to $1.2+0.1\cdot4\cdot1.8=1.92$. Each step
# closes the same share, four tenths, of the distance that is left.

# %%
by_hand = descend([np.zeros((1, 1))], np.array([[2.0]]), np.array([[6.0]]), 0.1, 2)
hand_weights = numpy.array([W.item() for (W,) in by_hand])
print("weights:", hand_weights)

# %%
claim_equal(
    hand_weights,
    numpy.array([0.0, 1.2, 1.92]),
    1e-12,
    "the weights are 0, 1.2, 1.92",
)

# %% [markdown]
# ## Many weights: one rate for each direction
#
# With $D$ inputs the loss of a single layer is still a parabola, in $D$ dimensions. Its
# gradient is $\Sigma(w-s)$. The matrix $\Sigma$ holds the second moments of the inputs,
# and the best weights $s$ solve a linear system:
#
# $$\Sigma=\frac1N\,x^\top x,\qquad\Sigma\,s=\frac1N\,x^\top y$$
#
# The Hessian of the loss is $\Sigma$ as well.
#
# A symmetric matrix has orthogonal eigenvectors $q_1,\dots,q_D$ with eigenvalues
# $\lambda_1,\dots,\lambda_D$. Look at the weights along one of them, $w_k=q_k^\top w$.
# The other directions drop out of the gradient, and a step reads
#
# $$w_k\leftarrow w_k+\eta\lambda_k\,(s_k-w_k)$$
#
# This is the case we did by hand, once for each eigenvector. Each step closes the share
# $\eta\lambda_k$ of the distance, so after $t$ steps the distance has been multiplied
# by $(1-\eta\lambda_k)^t$. That is the formula of the promise. An eigenvector together
# with its eigenvalue is called a *mode*. The eigenvalue $\lambda_k$ is the variance of
# the inputs along the mode, if their mean is zero.
#
# We make inputs whose variances we choose, from $4$ down to $\frac1{16}$, and targets
# with noise. `orthonormal` draws columns of length $1$ that are orthogonal to each
# other.

# %%
N, eta = 64, 0.2
variances = numpy.array([4.0, 1.0, 0.25, 0.0625])


def orthonormal(rows, columns):
    return numpy.linalg.qr(rng.normal(size=(rows, columns)))[0]


eigenvectors = orthonormal(4, 4)
x = N**0.5 * orthonormal(N, 4) * variances**0.5 @ eigenvectors.T
true_weights = eigenvectors @ numpy.array([[1.0], [-2.0], [1.5], [3.0]])
y = x @ true_weights + 0.3 * rng.normal(size=(N, 1))
Sigma = x.T @ x / N
best = eigenvectors.T @ numpy.linalg.solve(Sigma, x.T @ y / N)[:, 0]  # (K,)

# %% [markdown]
# **Predict, then run.** The step size is $0.2$. After 10 steps, which fraction of its
# best weight has the mode of variance $4$ reached? And which fraction the mode of
# variance $\frac1{16}$?


# %%
def along_modes(path):
    """The weights of one layer along the eigenvectors: (T + 1, K)."""
    return numpy.stack([(eigenvectors.T @ W)[:, 0] for (W,) in path])


zero = [np.zeros((4, 1))]
one_layer_path = descend(zero, x, y, eta, 200)
weights = along_modes(one_layer_path)
steps = numpy.arange(201)[:, None]
predicted = best * (1 - (1 - eta * variances) ** steps)
print("variances              ", variances)
print("fraction after 10 steps", (weights[10] / best).round(4))

# %%
claim_equal(
    Sigma @ eigenvectors,
    eigenvectors * variances,
    1e-12,
    "the modes of the inputs are the ones we chose",
)
claim_equal(
    weights, predicted, 1e-11, "every weight after every step obeys the formula"
)

# %% [markdown]
# The mode with much variance is learned almost at once. The mode with little variance
# has hardly begun, although its weight has the longest way to go. Why not take larger
# steps, then? Because the first mode does not allow it. The distance is multiplied by
# $1-\eta\lambda_1$ in every step. If that factor is below $-1$, each step overshoots
# the minimum by more than it came from.
#
# **Predict, then run.** The largest variance is $4$. By which factor does a step
# multiply the distance of the first mode with $\eta=0.49$, and with $\eta=0.51$?

# %%
factors = {}
for size in (0.49, 0.51):
    distance = (along_modes(descend(zero, x, y, size, 100)) - best)[:, 0]
    factors[size] = distance[1:] / distance[:-1]
    print(f"eta = {size}: factor {factors[size][-1]:.3f}, end {distance[-1]:.2g}")

# %%
for size, factor in factors.items():
    claim_equal(
        factor,
        numpy.full(100, 1 - 4 * size),
        1e-9,
        f"with eta = {size} every step multiplies the distance by 1 - 4 eta",
    )
claim(
    abs(factors[0.49][-1]) < 1 < abs(factors[0.51][-1]),
    "descent becomes unstable between 0.49 and 0.51, at 2 / lambda_max",
    [factors[0.49][-1], factors[0.51][-1]],
)

# %% [markdown]
# So the mode with the *largest* variance limits the step size, and the mode with the
# *smallest* then decides how long we wait. The ratio $\lambda_{\max}/\lambda_{\min}$ is
# called the condition number. When it is large, plain gradient descent is slow.
#
# The loss follows too. Along each mode it is a parabola of curvature $\lambda_k$, so
# above its minimum it is
#
# $$\tfrac12\sum_k\lambda_k\,s_k^2\,(1-\eta\lambda_k)^{2t}$$

# %%
least = loss([eigenvectors @ best[:, None]], x, y)
excess = numpy.array([loss(layers, x, y) for layers in one_layer_path]) - least
parts = variances * best**2 * (1 - eta * variances) ** (2 * steps) / 2  # (T + 1, K)

# %%
claim_equal(excess, parts.sum(axis=1), 1e-11, "the loss is a sum over the modes")

# %%
rates_figure, (left, right) = plots.figure(2)
names = [f"variance {value:g}" for value in variances]
plots.against(left, steps, weights / best, predicted / best, names, "formula")
plots.labels(left, "step", "fraction learned", "one layer: each mode at its rate")
right.plot(steps, excess, color=plots.BEFORE, linewidth=4, label="loss")
plots.floor(right, steps, parts.sum(axis=1), "formula")
for part, colour in zip(parts.T, plots.COLOURS):
    right.plot(steps, part, linewidth=1, color=colour)
right.set(yscale="log", ylim=(1e-4, 10))
plots.labels(right, "step", "loss above its minimum", "fast first, slow later")
plots.save(rates_figure, "01_one_layer")

# %% [markdown]
# On the left is the fraction of its best weight that each mode has reached. The wide
# lines are gradient descent, the dashed lines are the formula. Before the first step
# all fractions are $0$. The three faster modes end at $1$, which is the solution of the
# linear system. The slowest mode is still on its way.
#
# On the right is the loss above its minimum, on a logarithmic scale. The wide grey line
# is what gradient descent does, and the dashed line is the formula. The thin lines are
# the four terms of its sum, in the colours of the left panel. Each term falls along a
# straight line. The steep ones are gone soon, and what remains is the term of the
# smallest variance. This is why a curve of training losses falls fast at first and
# slowly later.
#
# ## Two layers: one mode after another
#
# Now two layers, $W_1$ and $W_2$. To see the effect of depth alone, we take *white*
# inputs, for which $\Sigma$ is the identity. Every direction then has the same
# variance, and one layer learns everything at one rate.
#
# What differs is how strongly the outputs depend on the directions. Every matrix can be
# written as $U\,\mathrm{diag}(s)\,V^\top$ with orthonormal columns in $U$ and in $V$,
# and a diagonal matrix of numbers $s_k\ge0$. This is the singular value decomposition.
# Write $U_k$ and $V_k$ for the columns. The decomposition says that the component of
# the input along $U_k$ appears in the output along $V_k$, multiplied by the strength
# $s_k$. A *mode* of the network is now such a pair of directions. Learning it means
# that $U_k^\top W_1W_2V_k$ grows from a small number to $s_k$.
#
# The targets are $y=x\,U\,\mathrm{diag}(s)\,V^\top$, without noise. Write
# $R=U\,\mathrm{diag}(s)\,V^\top-W_1W_2$ for what is still missing. A step of gradient
# descent is
#
# $$W_1\leftarrow W_1+\eta\,R\,W_2^\top,\qquad W_2\leftarrow W_2+\eta\,W_1^\top R$$
#
# Each layer appears in the gradient of the other. Suppose that the layers begin as
# $W_1=U\,m$ and $W_2=m\,V^\top$ with the same diagonal matrix $m$. We call this start
# *balanced*. Then $R=U(\mathrm{diag}(s)-m^2)V^\top$, and inserting it shows that both
# layers keep this form. Each number $m_k$ moves by itself:
#
# $$m_k\leftarrow m_k+\eta\,m_k\,(s_k-m_k^2)$$
#
# The network computes $u_k=m_k^2$ along mode $k$. So we need no matrices at all to
# predict it: `recursion` is one line of arithmetic for each mode.

# %%
strengths = numpy.array([4.0, 2.0, 1.0])
T, small_eta, u0 = 400, 0.02, 1e-3
U, V = orthonormal(3, 3), orthonormal(3, 3)
white_x = 12**0.5 * orthonormal(12, 3)  # 12 examples
white_y = white_x @ (U * strengths) @ V.T


def recursion(eta, steps):
    """The strength of every mode by arithmetic alone: (steps + 1, K)."""
    m = [numpy.full(3, u0**0.5)]
    for _ in range(steps):
        m.append(m[-1] + eta * m[-1] * (strengths - m[-1] ** 2))
    return numpy.stack(m) ** 2


def learned(path):
    """U_k' W_1 W_2 ... V_k for every step and every mode k: (T + 1, ..., K)."""
    maps = numpy.stack([network(layers, numpy.eye(3)) for layers in path])
    return numpy.sum(U * (maps @ V), axis=-2)


# %% [markdown]
# The balanced start is a special choice. Networks are usually started from small random
# numbers, which are neither balanced nor aligned with $U$ and $V$. So we also run 50
# random starts. All 50 run at once: each matrix gets an axis in front, one copy for
# each start. The loss is the sum over all copies. No copy shares a number with another,
# so the gradient of the sum contains the gradient of each copy by itself, as it did for
# the points of a curve in the lesson *gradients*.

# %%
one_path = descend([np.zeros((3, 3))], white_x, white_y, small_eta, T)
balanced = [u0**0.5 * U, u0**0.5 * V.T]
two_path = descend(balanced, white_x, white_y, small_eta, T)
random = [0.03 * rng.normal(size=(50, 3, 3)) for _ in range(2)]
random_path = descend(random, white_x, white_y, small_eta, T)
single, double = learned(one_path), learned(two_path)  # (T + 1, K)
many = learned(random_path)  # (T + 1, 50, K)

# %%
claim_equal(
    single / strengths,
    (1 - (1 - small_eta) ** numpy.arange(T + 1))[:, None] * numpy.ones(3),
    1e-12,
    "one layer learns the same fraction of every mode",
)
claim_equal(
    double,
    recursion(small_eta, T),
    1e-12,
    "two layers from a balanced start obey the recursion",
)

# %% [markdown]
# What does the recursion say? The change of $m_k$ has $m_k$ itself as a factor. While a
# mode is near zero it grows in proportion to its own size, by a factor of about
# $1+\eta s_k$ in each step. All modes begin equally small. The one with the largest
# strength $s_k$ grows fastest, and reaches a visible size long before the others.
#
# For small steps we can solve the recursion. Count time as $\tau=\eta t$. Then $u=m^2$
# obeys
#
# $$\frac{du}{d\tau}=2u\,(s-u),\qquad
# u(\tau)=\frac{s}{1+(s/u_0-1)\,e^{-2s\tau}}$$
#
# This curve is called a sigmoid. It stays near zero, rises, and levels off at $s$. It
# is half-way up at the time $\tau=\ln(s/u_0-1)/(2s)$. Twice the strength means half the
# time, up to a logarithm. Saxe, McClelland & Ganguli (2013) found these curves.
#
# **Predict, then run.** The strengths are 4, 2 and 1, and $u_0=0.001$. At the step at
# which the mode of strength 4 is half learned, which fraction of the mode of strength 1
# has been learned: by one layer, and by two?


# %%
def half_steps(u):
    """The first step at which each mode is beyond half of its strength."""
    return numpy.argmax(u > strengths / 2, axis=0)


for name, u in {"one layer": single, "two layers": double}.items():
    moment = half_steps(u)[0]
    fractions = u[moment] / strengths
    print(f"{name:10s} half learned at steps {half_steps(u)};", end="  ")
    print(f"at step {moment} the fractions are {fractions.round(3)}")
half_times = numpy.log(strengths / u0 - 1) / (2 * strengths)
print("the sigmoids: half learned at steps", (half_times / small_eta).round(1))

# %%
first_half = half_steps(double)[0]
claim(
    double[first_half, 2] / strengths[2] < 0.02,
    "two layers: the first mode is half learned, the last has hardly begun",
    double[first_half, 2] / strengths[2],
    "< 0.02",
)
claim_equal(
    half_steps(double) * small_eta / half_times,
    numpy.ones(3),
    0.1,
    "the half-times are those of the sigmoids to within a tenth",
)

# %% [markdown]
# The half-times agree only roughly, because a sigmoid belongs to infinitely small
# steps. If that is the reason, then half the step size should halve the distance
# between the recursion and the sigmoid. We check it.

# %%
taus = small_eta * numpy.arange(T + 1)[:, None]
sigmoid = strengths / (1 + (strengths / u0 - 1) * numpy.exp(-2 * strengths * taus))
far = numpy.abs(double - sigmoid).max()
half_as_far = numpy.abs(recursion(small_eta / 2, 2 * T)[::2] - sigmoid).max()
print(f"distance {far:.4f}, with half the step size {half_as_far:.4f}")

# %%
claim(
    1.8 < far / half_as_far < 2.2,
    "half the step size halves the distance to the sigmoid",
    far / half_as_far,
    "between 1.8 and 2.2",
)

# %% [markdown]
# And the random starts? Our formula does not cover them, so we count. In how many of
# the 50 runs are the modes half learned in the order of their strengths? The band in
# the next figure shows how much the runs differ.

# %%
random_halves = numpy.argmax(many > strengths / 2, axis=0)  # (50, K)
in_order = numpy.sum(numpy.all(numpy.diff(random_halves, axis=1) > 0, axis=1))
low, middle, high = numpy.quantile(many / strengths, [0.1, 0.5, 0.9], axis=1)
print("in order:", in_order, "of 50;  median half-learned steps", end=" ")
print(numpy.median(random_halves, axis=0))

# %%
claim(
    in_order >= 45,
    "a small random start keeps the order of the strengths in nearly all runs",
    in_order,
    "at least 45 of 50",
)

# %%
depth_figure, (left, right) = plots.figure(2)
names = [f"strength {value:g}" for value in strengths]
exact = recursion(small_eta, T) / strengths
plots.against(left, range(T + 1), double / strengths, exact, names, "recursion")
for colour, line, below, above in zip(plots.COLOURS, middle.T, low.T, high.T):
    right.plot(line, color=colour, linewidth=2)
    right.fill_between(
        range(T + 1), below, above, color=colour, alpha=0.2, linewidth=0
    )
for ax in (left, right):
    ax.plot(single[:, 0] / strengths[0], color=plots.BEFORE, label="one layer")
plots.labels(left, "step", "fraction learned", "two layers, balanced start")
plots.labels(
    right, "step", "fraction learned", "two layers, 50 random starts", False
)
plots.save(depth_figure, "01_supervised")

# %% [markdown]
# Both panels show the fraction of each mode that a network has learned. The grey line
# is one layer, which learns every mode at the same rate, so there is one line for all.
# On the left two layers begin balanced. The wide lines are gradient descent on
# matrices, and the dashed lines are the recursion for the same start. Each mode waits,
# rises and levels off, one after another.
#
# On the right are the random starts, in the same colours. A line is the median of 50
# runs, and the band around it goes from the tenth to the ninetieth percentile: four of
# five runs lie within. There are no dashed lines, because the recursion does not hold
# for these starts. The order is the same, the moments vary from run to run.
#
# The loss shows the stages too. While a mode rises the loss falls, and while the next
# mode is still waiting nothing seems to happen. With white inputs and a balanced start
# the loss is $\frac12\sum_k(s_k-u_k)^2$, so here is another prediction.

# %%
one_losses = numpy.array([loss(layers, white_x, white_y) for layers in one_path])
two_losses = numpy.array([loss(layers, white_x, white_y) for layers in two_path])
measured = numpy.stack([one_losses, two_losses], axis=1)
shallow = linear_networks.shallow_modes(strengths, small_eta, T)
predictions = [shallow, recursion(small_eta, T)]
foretold = [numpy.sum((strengths - u) ** 2, axis=1) / 2 for u in predictions]
foretold = numpy.stack(foretold, axis=1)

# %%
claim_equal(measured, foretold, 1e-11, "the loss is half the sum of (s - u)^2")

# %%
loss_figure, (ax,) = plots.figure()
names = ["one layer", "two layers, balanced"]
plots.against(ax, range(T + 1), measured, foretold, names, "formula")
ax.set(yscale="log", xlim=(0, 300), ylim=(1e-3, 20))
plots.labels(ax, "step", "loss", "a straight line and a staircase")
plots.save(loss_figure, "01_losses")

# %% [markdown]
# The loss of one layer (blue) is a straight line on this logarithmic scale: every step
# removes the same share. The loss of two layers (orange) has a stair for each mode. On
# the first of them one could believe that nothing is being learned. The dashed lines
# are the formula. Remember this picture for the lesson *dynamics*: learners that have
# been *meta-learned* need not learn in stages.
#
# ## The library's version
#
# The module `minimeta.exact.linear_networks` holds the same formulas, for any number of
# layers. They should give what this lesson gave.

# %%
library = linear_networks
claim_equal(
    library.shallow_modes(best, eta, 200, curvature=variances),
    predicted,
    1e-12,
    "the library has our formula for one layer",
)
claim_equal(
    library.deep_modes(strengths, u0, small_eta, T),
    recursion(small_eta, T),
    1e-12,
    "the library has our recursion",
)
claim_equal(
    library.two_layer_flow(strengths, u0, taus), sigmoid, 1e-12, "and our sigmoid"
)
claim_equal(
    library.half_time(strengths, u0), half_times, 1e-12, "and our half-times"
)

# %% [markdown]
# The theorems behind this lesson, with more layers and other starts, are on the proof
# sheet `python -m minimeta verify linear_dynamics`.
#
# ## Exercises
#
# **Exercise 1.** In the case by hand ($x=2$, $y=6$), which step size $\eta$ reaches the
# best weight in a single step, from wherever it starts?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "1fbb54ef")

# %% [markdown]
# **Exercise 2.** Four modes have the variances $4$, $1$, $\frac14$ and $\frac1{16}$, as
# above, and $\eta=0.2$. What is the smallest number of steps after which *every* mode
# has reached at least 90 % of its best weight? Give the whole number.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "1e90de6f")

# %% [markdown]
# **Exercise 3.** Take three layers that start as $U$, the identity and $V^\top$, each
# multiplied by $u_0^{1/3}$. Derive the recursion for $m_k$, where now $u_k=m_k^3$.
# Which power of $m_k$ stands in front of the bracket? And at which step is the mode of
# strength 4 half learned (`half_steps`), with $u_0=0.001$ and $\eta=0.02$ as before?
# Check your recursion with `descend`. Answer with a list of the two whole numbers.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "346e74c1")

# %% [markdown]
# **Exercise 4.** Start both of two layers at exactly zero and take 100 steps. What is
# the largest absolute value among the entries of $W_1W_2$ afterwards? Why does a single
# layer not mind to start from zero?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "a37bbbb0")

# %% [markdown]
# **Exercise 5.** Begin with the balanced start of two layers. Then multiply $W_1$ by 4
# and divide $W_2$ by 4, so that the product is the same as before. At which step is the
# mode of strength 4 half learned now? And does `recursion` still predict it, "yes" or
# "no"? Answer with a list of the whole number and the word. (Hint: look at
# $W_1^\top W_1-W_2W_2^\top$ during the descent. Small steps hardly change it.)

# %%
# Exercise 5. Put your answer in place of the dots and take the first # away.
# check(..., "98c1c4e3")

# %% [markdown]
# **What changed since the last lesson.** One gradient step has become many, and a
# formula says where each of them leads. Depth has changed the order of learning, though
# not what can be learned. Next come activations between the layers: there the exact
# formulas end.

# %%
finish()
