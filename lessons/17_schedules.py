# %% [markdown]
# # 17. Schedules: the best step sizes are the roots of a polynomial
#
# **The promise.** The next lesson trains a network that writes the steps of an optimizer.
# Before that, this lesson asks what such a network can hope for. You will learn step
# sizes by gradient descent *through* the steps, find that they arrive at the roots of a
# polynomial, and derive a bound below which no linear method can be: no schedule of step
# sizes, no momentum, no linear memory.
#
# **You need** the lessons *supervised* (each direction of a quadratic at its own rate),
# *maml* (a gradient that runs through a gradient step), and from linear algebra the
# eigenvalues of a symmetric matrix.
#
# **Takes** about 75 minutes to read with the exercises, and a few seconds to run.
#
# **Before:** step sizes are tuned by trying. **After:** you can compute the best ones,
# and you know what is left for a learned optimizer to gain.
#
# A quadratic loss has curvatures $\lambda_i$, the eigenvalues of its Hessian. In the
# direction of $\lambda$ a gradient step of size $\alpha$ multiplies the error by
# $1-\alpha\lambda$. After $k$ steps the error is multiplied by
#
# $$p(\lambda)=\prod_{t=1}^k(1-\alpha_t\lambda),\qquad p(0)=1 .$$
#
# So $k$ step sizes are a polynomial of degree $k$, and its roots are $1/\alpha_t$.

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad
from minimeta.core.optim import adam
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import schedules as exact
from minimeta.learned_optimizers import schedule as library

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## By hand: two directions
#
# A loss with two directions of curvatures $1$ and $4$ starts with the same loss in both.
# The loss after the steps is $\sum_iw_i\,p(\lambda_i)^2$, where $w_i$ is the share of the
# loss that direction $i$ holds at the start.
#
# With a single step we need $p(\lambda)=1-\alpha\lambda$ to be small at $1$ and at $4$ at
# once. The derivative of $(1-\alpha)^2+(1-4\alpha)^2$ vanishes at
# $\alpha=\frac{1+4}{1+16}=\frac5{17}$. With two steps the polynomial can have a root at
# each curvature, $\alpha=1$ and $\alpha=\frac14$, and nothing is left.
#
# **Predict, then run.** What share of the loss is left after the best single step? After
# the two best steps it is zero. Does the order of the two steps matter?

# %%
curvatures, shares = np.array([1.0, 4.0]), np.array([0.5, 0.5])


def loss_after(step_sizes, spectrum, weights):
    """The loss after these steps: sum of w p(lambda)^2."""
    p = np.ones_like(spectrum)
    for alpha in step_sizes:
        p = p * (1 - alpha * spectrum)
    return np.sum(weights * p**2)


one_step = loss_after([5 / 17], curvatures, shares)
two_steps = loss_after([1.0, 0.25], curvatures, shares)
other_order = loss_after([0.25, 1.0], curvatures, shares)
print(f"one step leaves {one_step:.4f}")
print(f"two leave {two_steps:.1e}, in the other order {other_order:.1e}")

# %%
best = exact.best_step(curvatures, shares)
claim_equal(best, 5 / 17, 1e-12, "The best single step is 5/17.")
claim(
    two_steps == 0.0,
    "Two steps with a root at each curvature leave nothing.",
    two_steps,
    0,
)
roots = exact.best_schedule(curvatures, shares, 2)
claim_equal(
    roots, np.array([1.0, 0.25]), 1e-12, "The two best steps are 1 and 1/4."
)

# %% [markdown]
# ## More directions than steps
#
# Usually there are more directions than steps, and no polynomial of degree $k$ is zero at
# all of them. Then the best polynomial is the one with $p(0)=1$ whose values at the
# $\lambda_i$ have the least weighted sum of squares: a least-squares problem, with a
# unique solution. Its roots are known in another field as the nodes of *Gauss's
# quadrature*, and a linear system gives them. We do not need the details; we need to know
# that there is an exact answer to compare with.
#
# **Learning them.** Forget the polynomial. Run $k$ steps with unknown step sizes, take
# the loss at the end, and differentiate it with respect to the step sizes. The gradient
# runs back through all steps. This is meta-learning in its smallest form: the outer loop
# learns how the inner loop moves.
#
# **Predict, then run.** Will descent from a rough guess find the roots, or will it get
# stuck?

# %%
spectrum = np.array([0.3, 0.5, 1.0, 1.4, 1.7, 2.0])
weights = np.array([3.0, 1.0, 2.0, 1.0, 2.0, 1.0]) / 10
start = np.sqrt(
    2 * weights / spectrum
)  # the distance in each direction at the start


def quadratic(theta):
    return 0.5 * np.sum(spectrum * theta**2)


def loss_at_end(step_sizes):
    """The loss after gradient steps of these sizes, one after the other."""
    theta = start
    for t in range(len(step_sizes)):
        theta = theta - step_sizes[t] * grad(quadratic)(theta)
    return quadratic(theta)


# %%
optimizer = adam(lambda update: 0.05 * 0.997**update)
learned = np.array([1.5, 0.8, 0.5])
state, history = optimizer.init(learned), []
for _ in range(200 if QUICK else 3000):
    history.append(learned)
    learned, state = optimizer.update(grad(loss_at_end)(learned), state, learned)
roots = exact.best_schedule(spectrum, weights, 3)
print("learned step sizes", learned, "  one over the roots", roots)

# %%
claim_equal(
    loss_at_end(learned),
    loss_after(learned, spectrum, weights),
    1e-12,
    "The loss of the run is the formula with p.",
)
sentence = "Descent through the steps finds the roots."
claim_equal(numpy.sort(learned)[::-1], roots, 1e-5, sentence, trained=True)

# %% [markdown]
# ## What is lost without second derivatives
#
# The gradient above needs second derivatives, because the gradient at step $t$ depends on
# all earlier step sizes. Learned optimizers are often trained without them: the gradients
# of the inner problem count as constants.
#
# **Predict, then run.** One direction with the loss $\frac12\theta^2$, the start
# $\theta=1$, two steps of $\alpha=\frac12$. Compute both derivatives of the last loss
# with respect to a common step size by hand: with the inner gradients as functions of
# $\theta$, and with the inner gradients as constants.


# %%
def two_equal_steps(alpha, treat):
    theta = 1.0
    for _ in range(2):
        theta = theta - alpha * treat(grad(lambda u: u**2 / 2)(theta))
    return theta**2 / 2


full = grad(lambda alpha: two_equal_steps(alpha, lambda g: g))(0.5)
first_order = grad(lambda alpha: two_equal_steps(alpha, constant))(0.5)
print(f"full derivative {full}, first order {first_order}")

# %%
claim_equal(
    full, -1 / 4, 1e-14, "The loss is (1 - alpha)^4 / 2; its derivative is -1/4."
)
sentence = "With constant gradients the derivative is -3/8."
claim_equal(first_order, -3 / 8, 1e-14, sentence)

# %% [markdown]
# First order makes this derivative half as large again. It does not see that a longer
# first step makes the second gradient smaller.
#
# ## A bound for everything linear
#
# Momentum adds a memory: $v\leftarrow\beta v+\nabla f$, $\theta\leftarrow\theta-\alpha v$.
# More generally, let a method move by *any* fixed linear combination of all gradients it
# has seen. Each gradient is $A$ times an error, so after $k$ steps the error is again a
# polynomial $p(A)$ of degree $k$ with $p(0)=1$, applied to the first error. The vectors
# $g,Ag,A^2g,\dots$ that such a method can reach span what is called a *Krylov space*.
# Therefore no linear method is below
#
# $$\min_{p(0)=1}\;\sum_iw_i\,p(\lambda_i)^2\qquad\text{over degree }k,$$
#
# and this minimum is the *Krylov bound*. On one single problem there is a famous method
# that reaches it: *conjugate gradients*, which chooses its coefficients anew for every
# problem. With $D$ directions it is done after $D$ steps.
#
# **Predict, then run.** Our spectrum has six directions. How large is the bound after six
# steps? And how close does momentum come, with the best constants for it?

# %%
KAPPA_LOW, KAPPA_HIGH = float(spectrum.min()), float(spectrum.max())
alpha, beta, rate = exact.heavy_ball(KAPPA_LOW, KAPPA_HIGH)
STEPS = 12


def losses_of(move, memory):
    """The loss after each step of move(gradient, memory, t) -> step, memory."""
    theta, losses = start, [quadratic(start)]
    for t in range(STEPS):
        step, memory = move(grad(quadratic)(theta), memory, t)
        theta = theta + step
        losses.append(quadratic(theta))
    return numpy.array(losses)


def momentum(gradient, v, t):
    v = beta * v + gradient
    return -alpha * v, v


def constant_step(gradient, memory, t):
    return -exact.gradient_descent(KAPPA_LOW, KAPPA_HIGH)[0] * gradient, memory


# %%
curves = {
    "best constant step": losses_of(constant_step, None),
    "momentum": losses_of(momentum, 0.0 * start),
}
bound = exact.krylov_bound(spectrum, weights, STEPS)  # (STEPS + 1,)
for k in (1, 2, 3, 4, 5):
    schedule = exact.best_schedule(spectrum, weights, k)
    rest = loss_after(schedule, spectrum, weights)
    print(f"{k} best steps leave {rest:.2e}, the bound is {bound[k]:.2e}")

# %% [markdown]
# ## Conjugate gradients, built here
#
# The method keeps a search direction $d$. It walks along $d$ to the minimum on that line,
# and then bends the new gradient so that it does not undo what was gained in earlier
# directions.

# %%
theta, conjugate = start, [quadratic(start)]
direction = -grad(quadratic)(theta)
for _ in range(6):
    gradient = grad(quadratic)(theta)
    length = -(gradient @ direction) / (direction @ (spectrum * direction))
    theta = theta + length * direction
    after = grad(quadratic)(theta)
    bend = (after @ after) / (gradient @ gradient)
    direction = -after + bend * direction
    conjugate.append(quadratic(theta))
print("conjugate gradients leave", [f"{value:.1e}" for value in conjugate])

# %%
claim_equal(
    numpy.array(conjugate), bound[:7], 1e-12, "Conjugate gradients reach the bound."
)
claim(
    bound[6] < 1e-20,
    "Six directions are done after six steps.",
    bound[6],
    "< 1e-20",
)
for name, curve in curves.items():
    lowest = (curve - bound).min()
    claim(lowest > -1e-12, f"{name}: never below the bound.", lowest, ">= 0")
left = [
    loss_after(exact.best_schedule(spectrum, weights, k), spectrum, weights)
    for k in range(1, 6)
]
sentence = "At its last step the best schedule of k steps reaches the bound."
claim_equal(numpy.array(left), bound[1:6], 1e-12, sentence)

# %% [markdown]
# ## The worst case: Chebyshev
#
# If nothing is known but that all curvatures lie between a lowest and a highest value,
# one asks for the polynomial whose largest value on this interval is smallest. Its roots
# are those of *Chebyshev's polynomial*, cosines of equally spaced angles. In the long run
# momentum with the best constants is as good: its rate is
# $(\sqrt\kappa-1)/(\sqrt\kappa+1)$ with $\kappa=\lambda_{\max}/\lambda_{\min}$.

# %%
figure, (left_ax, right_ax) = plots.figure(2)
lam = numpy.linspace(0, 2.2, 300)
best_three = exact.best_schedule(spectrum, weights, 3)
worst_case = exact.chebyshev(KAPPA_LOW, KAPPA_HIGH, 3)
for name, sizes, colour in (
    ("best for these curvatures", best_three, plots.AFTER),
    ("Chebyshev, worst case", worst_case, plots.COLOURS[1]),
):
    left_ax.plot(lam, exact.residual(sizes, lam), color=colour, label=name)
left_ax.plot(spectrum, 0 * spectrum, "k|", ms=14, label="the curvatures")
plots.labels(
    left_ax, "curvature", "p, what is left of the error", "three step sizes"
)
for (name, curve), colour in zip(curves.items(), (plots.BEFORE, plots.COLOURS[2])):
    right_ax.semilogy(curve, "o-", ms=4, color=colour, label=name)
right_ax.plot(
    range(1, 6), left, "s", color=plots.AFTER, label="best schedule of k steps"
)
plots.floor(right_ax, range(6), bound[:6], "no linear method is below")
right_ax.set_ylim(1e-7, 2)
plots.labels(right_ax, "steps", "loss", "what steps can reach")
plots.save(figure, "17_schedules")

# %% [markdown]
# **Left:** the polynomials of two schedules of three steps. Both are 1 at curvature 0 and
# cross zero three times, at one over their step sizes. The blue one puts its roots where
# the loss is, at the black marks. The orange one knows only the ends of the interval and
# swings evenly between them.
#
# **Right:** the loss after each number of steps, on a logarithmic scale. Each square is a
# schedule of its own, made for exactly that number of steps; it lies on the dashed bound.
# Momentum and the constant step stay above. After six steps the bound is zero and leaves
# the picture.
#
# ## The same as the library
#
# In the library a schedule is an *optimizer*, like Adam, whose step sizes are its
# meta-parameters. The next lesson uses the same interface for a network.

# %%
theta, steps = start, library.optimizer({"step_sizes": learned})
state = steps.init(theta)
for _ in range(3):
    theta, state = steps.update(grad(quadratic)(theta), state, theta)
sentence = "The library's schedule takes the steps of this page."
claim_equal(quadratic(theta), loss_at_end(learned), 1e-15, sentence)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** Curvatures $1$ and $2$ with equal shares of the loss. What is the best
# single step size? Give three digits.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "1162c9b1")

# %% [markdown]
# **Exercise 2.** Curvatures $1$, $2$ and $4$, each with a positive share. After how many
# steps does conjugate gradients leave no loss?

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "a8645ed1")

# %% [markdown]
# **Exercise 3.** All curvatures lie between $1$ and $9$. By which factor does momentum
# with the best constants shrink the error per step in the long run?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "92dd471c")

# %% [markdown]
# **Exercise 4.** And by which factor does the best constant step size without momentum
# shrink it? (The error at both ends of the interval limits it.)

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "89519953")

# %% [markdown]
# **What changed since the last lessons.** There the outer loop learned where to start or
# what to remember. Here it learns how far to step. What is linear has a floor; the next
# lesson's network is not linear. `python -m minimeta verify schedules` has the theorems.

# %%
finish()
