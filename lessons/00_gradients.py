# %% [markdown]
# # 00. Gradients: functions in, gradients out
#
# **The promise.** One function, `grad`, turns a function into its gradient: a
# function again, which can go in again. That is all the calculus this course needs.
#
# **You need** calculus, linear algebra, NumPy. **Takes** a quarter of an hour to
# read, a second to run (`MINIMETA_QUICK=1` or not). **Before**: you evaluate
# losses. **After**: you differentiate them, even one that contains a gradient step:
#
# $$\tfrac{d}{dt}\,L(t-\alpha L'(t))=(1-\alpha L''(t))\;L'(t-\alpha L'(t))$$

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp

rng = numpy.random.default_rng(0)
gap = lambda x, y: numpy.max(numpy.abs(x - y))

# %% [markdown]
# ## A case to check by hand
# The derivative of $x^2$ is $2x$, and the derivative of that is $2$. `grad(square)`
# is a function, so `grad(grad(square))` is one too. Inputs are floats.

# %%
square = lambda x: x**2
print("x^2 at 3:", square(3.0), grad(square)(3.0), grad(grad(square))(3.0))
assert grad(square)(3.0) == 6.0, "the derivative of x^2 at 3 is 6"
assert grad(grad(square))(3.0) == 2.0, "the second derivative of x^2 is 2"

# %% [markdown]
# ## Many inputs, one output
# For a scalar function of a vector, `grad` gives the vector of slopes. With a
# symmetric $A$, $f(t)=\frac12 t^\top A\,t-b^\top t$ has the gradient $At-b$. How
# the slopes change *along a direction* $v$ is the Hessian times $v$, here $Av$. No
# Hessian is needed for it: differentiate the number $\nabla f(t)\cdot v$.

# %%
A, (b, t, v) = rng.normal(size=(4, 4)), rng.normal(size=(3, 4))
A = A + A.T
quadratic = lambda t: t @ A @ t / 2 - b @ t
hessian_times = lambda f: lambda t, v: grad(lambda u: np.sum(grad(f)(u) * v))(t)
assert gap(grad(quadratic)(t), A @ t - b) < 1e-13, "the gradient is At - b"
assert gap(hessian_times(quadratic)(t, v), A @ v) < 1e-13, "the Hessian is A"

# %% [markdown]
# ## Why not finite differences?
# $(f(t+h)-f(t-h))/2h$ needs no library. For small $h$ it errs by $h^2 f'''/6$.
#
# **Predict, then run.** By how much does it miss the slope of $e^t$ at $0$ with
# $h=10^{-3}$? Is $h=10^{-9}$ better?

# %%
differences = lambda f, t, h: (f(t + h) - f(t - h)) / (2 * h)
missed = {h: abs(differences(np.exp, 0.0, h) - 1.0) for h in (1e-3, 1e-5, 1e-9)}
for h, error in missed.items():
    print(f"h = {h:.0e}:  off by {error:.1e}    (Taylor: {h**2 / 6:.1e})")
assert abs(missed[1e-3] - 1e-3**2 / 6) < 1e-12, "the error is h^2 f'''/6"
assert missed[1e-9] > 10 * missed[1e-5], "rounding spoils an h that is too small"
assert grad(np.exp)(0.0) == 1.0, "grad has no h, hence no such error"

# %% [markdown]
# `grad` records which functions are called, then multiplies their known
# derivatives, from the output back. It fails only where a *formula* fails. At
# $800$, $\tanh$ written with exponentials overflows; $\tanh''=-2\tanh\,(1-\tanh^2)$
# holds.

# %%
exponentials = lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
with numpy.errstate(over="ignore", invalid="ignore"):
    assert numpy.isnan(grad(exponentials)(800.0)), "what overflows has no gradient"
assert grad(grad(np.tanh))(800.0) == 0.0, "tanh'' at 800 is finite, namely 0"

# %% [markdown]
# ## Parameters are trees
# A model has many arrays: its parameters are a *tree* of arrays in dicts, lists and
# tuples. The gradient is a tree of the same form. A step makes a new tree and
# leaves the old one alone: values go in, values come out.

# %%
x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
theta = {"W": rng.normal(size=(3, 2)), "b": np.zeros(2)}
residual = lambda theta: x @ theta["W"] + theta["b"] - y  # (N, C)
loss = lambda theta: np.sum(residual(theta) ** 2)
slopes = grad(loss)(theta)
moved = {name: theta[name] - 0.01 * slopes[name] for name in theta}
assert gap(slopes["W"], 2 * x.T @ residual(theta)) < 1e-13, "dL/dW = 2 x' residual"
assert gap(slopes["b"], 2 * sum(residual(theta))) < 1e-13, "dL/db = 2 sum(residual)"
assert loss(moved) < loss(theta), "a small step against the slopes lowers the loss"

# %% [markdown]
# ## Four lines of NumPy that `grad` cannot follow
# While it records, `grad` hands the function *boxes* in place of arrays. A line
# that demands plain numbers, or writes into an array, breaks the record. All four
# mean $\sum_i e^{x_i}$; the cures have its gradient, $e^{x}$.


# %%
def item_assignment(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = np.exp(x[i])  # cure: collect a list, then stack it
    return np.sum(out)


def in_place_sum(x):
    total = np.zeros(3)
    total += np.exp(x)  # cure: total = total + ...
    return np.sum(total)


float_only = lambda x: sum(np.exp(float(number)) for number in x)
plain_numpy = lambda x: numpy.exp(numpy.array([x[0], x[1], x[2]])).sum()
cures = {
    item_assignment: lambda x: np.sum(np.stack([np.exp(number) for number in x])),
    in_place_sum: lambda x: np.sum(np.zeros(3) + np.exp(x)),
    float_only: lambda x: sum(np.exp(number) for number in x),
    plain_numpy: lambda x: np.exp(np.array([x[0], x[1], x[2]])).sum(),
}
x = rng.normal(size=3)
for bad, cure in cures.items():
    assert abs(bad(x) - cure(x)) < 1e-13, "the cure has the same value"
    assert gap(grad(cure)(x), np.exp(x)) < 1e-13, "and its gradient is exp(x)"
    try:
        grad(bad)(x)
        raise AssertionError("grad followed a line that it cannot follow")
    except (TypeError, ValueError) as error:
        print(f"{type(error).__name__}: {str(error)[:70]}")

# %% [markdown]
# ## The gradient of a gradient step
# From the start $t$, a step of size $\alpha$ on the task $L(t)=\frac a2(t-c)^2$
# leaves the distance $(1-\alpha a)(t-c)$. So the loss *after* the step has the
# slope $a(1-\alpha a)^2(t-c)$ with respect to the *start*, as stated above.
#
# **Predict, then run.** What is that slope for $\alpha=1/a$, and why?

# %%
task = lambda a, c: lambda t: a * (t - c) ** 2 / 2
after_step = lambda loss, size: lambda t: loss(t - size * grad(loss)(t))
for size in (0.0, 0.1, 0.25):
    slope = grad(after_step(task(4.0, 1.0), size))(3.0)
    print(f"a = 4, step size {size:.2f}: slope {slope:5.2f}")
    exact = 4 * (1 - 4 * size) ** 2 * (3 - 1)
    assert abs(slope - exact) < 1e-13, "the slope is a (1 - size a)^2 (t - c)"
assert slope == 0.0, "a step of 1/a reaches c from everywhere: no start is better"

# %% [markdown]
# Two tasks, a steep one around $-1$, a shallow one around $+1$: where to start?
# Without a step a task counts as its $a$, with one as $a(1-\alpha a)^2$. The step
# nearly solves the steep task by itself, so the best start moves over.

# %%
SIZE, a, c = 0.2, numpy.array([4.0, 1.0]), numpy.array([-1.0, 1.0])
mean_loss = lambda seen: lambda t: sum(seen(task(*ac))(t) for ac in zip(a, c)) / 2
before, after = mean_loss(lambda f: f), mean_loss(lambda f: after_step(f, SIZE))
counts = {before: a, after: a * (1 - SIZE * a) ** 2}
best = [count @ c / sum(count) for count in counts.values()]
fig, (left, right) = plots.figure(2)
t, ink = np.linspace(-1.6, 1.6, 81), [plots.BEFORE, plots.AFTER]
for i, (f, count) in enumerate(counts.items()):
    start = 0.0
    for _ in range(100):
        start = start - 0.5 * grad(f)(start)
    name = ["before the step", "after it"][i]
    print(f"best start {name}: {start:+.4f}, exactly {best[i]:+.4f}")
    assert abs(start - best[i]) < 1e-8, "it is the weighted mean of the centres"
    right.plot(t, [f(u) for u in t], color=ink[i], linewidth=4, label=name)
    plots.floor(right, t, count @ (t - c[:, None]) ** 2 / 4, label="")
    right.plot(start, f(start), "o", color=ink[i], markersize=9)
assert best[0] < 0 < best[1], "one step changes which task decides"

x = np.linspace(-4, 4, 161)
y, curves = np.tanh(x), [np.tanh]
for _ in range(3):
    curves.append(lambda x, f=curves[-1]: grad(lambda x: np.sum(f(x)))(x))
measured = np.stack([f(x) for f in curves], axis=1)  # (T, 4)
exact = [y, 1 - y**2, -2 * y * (1 - y**2), (1 - y**2) * (6 * y**2 - 2)]
assert gap(measured.T, exact) < 1e-13, "grad of grad of grad of tanh is exact"
names = [f"order {order}" for order in range(4)]
plots.against(left, x, measured, np.transpose(exact), names, "by hand")
same = gap(hvp(quadratic)(b, v), hessian_times(quadratic)(b, v)) < 1e-13
assert same, "this page's Hessian-vector product is the library's"
plots.labels(left, "x", "tanh and its derivatives", "grad of grad of grad")
plots.labels(right, "start t", "mean loss of the two tasks", "where to start?")
plots.save(fig, "00_gradients")

# %% [markdown]
# ## Exercises
# 1. Compose `after_step` with itself: two steps. What takes the place of
#    $(1-\alpha a)^2$? Check it against `grad`, as above.
# 2. Leave the second derivative out: call $L'(t)$ a constant inside the step. Which
#    power of $1-\alpha a$ is left? For which $\alpha$ has the slope a wrong sign?
# 3. A trap without an error: begin a function of `x` with `x += 1.0`. Its gradient
#    is right. Call it twice *without* `grad`: is its value the same?
#
# **What changed since pencil and paper.** Slopes are computed. Next: many steps.
