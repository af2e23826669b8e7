# %% [markdown]
# # 00. Gradients: functions in, gradients out
#
# **The promise.** One function, `grad`, takes a function and returns its gradient. The
# gradient is again a function, so `grad` can take that one too. One figure shows
# $\tanh$ and three derivatives of it, all made by `grad`, on top of the formulas one
# finds by hand. The last figure shows what this course needs them for: the best place
# to *start* learning from is not the best place to *stay*.
#
# **You need** calculus, linear algebra and NumPy. Nothing about machine learning.
#
# **Takes** about 45 minutes with the exercises, and a few seconds to run.
#
# **Before:** you can evaluate a function. **After:** you can differentiate any function
# that you can write down in NumPy, even one that itself takes a gradient step.
#
# Here is the formula to which the lesson leads. Let $L$ be a loss, a number that says
# how bad the parameter $\theta$ is. A *gradient step* of size $\alpha$ replaces
# $\theta$ by $\theta-\alpha L'(\theta)$. The loss after that step still depends on the
# $\theta$ from which we started, and the chain rule gives its derivative:
#
# $$\frac{d}{d\theta}\,L\big(\theta-\alpha L'(\theta)\big)
# =\big(1-\alpha L''(\theta)\big)\;L'\big(\theta-\alpha L'(\theta)\big)$$
#
# A derivative of a derivative, $L''$, has appeared. For a loss of a million parameters
# nobody wants to find it by hand. `grad` does.

# %%
import numpy

from minimeta import diagrams, plots
from minimeta.core.backend import np
from minimeta.core.gradients import grad, hvp
from minimeta.course.claims import SEED, check, claim, claim_equal, finish

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# There are two NumPys in this cell. `numpy` is the ordinary library. We use it for data
# and for checks. `np` has the same functions, but `grad` can look inside them. Whatever
# is to be differentiated must be written with `np`.
#
# ## A case to check by hand
#
# The derivative of $x^2$ is $2x$, and the derivative of $2x$ is $2$. At $x=3$ we expect
# the three numbers $9$, $6$ and $2$. The inputs of a function must be floats: write
# `3.0`, because nobody can move an integer by a little.


# %%
def square(x):
    return x**2


first = grad(square)
second = grad(first)
print("at x = 3:", square(3.0), first(3.0), second(3.0))

# %%
claim(first(3.0) == 6.0, "the derivative of x^2 at 3 is 6", first(3.0), 6.0)
claim(second(3.0) == 2.0, "the second derivative of x^2 is 2", second(3.0), 2.0)

# %% [markdown]
# ## How does it know?
#
# A program that computes a number is a chain of simple calls, and the derivative of
# each simple call is known. While the function runs, `grad` writes down which calls
# were made, on a list that is called the *tape*. At the end it reads the tape from the
# last call to the first and multiplies the derivatives. This is the chain rule, and it
# is called *back-propagation*. The picture shows it for $y=\tanh(wx)^2$.

# %%
tape_figure, (paper,) = plots.figure(height=3.0)
diagrams.tape(paper)
plots.save(tape_figure, "00_tape")

# %% [markdown]
# The boxes are the calls, from left to right. Under the name of each call is its value.
# The curved arrows run back and carry the derivative of each call: $2v$ for the square,
# $1-v^2$ for the hyperbolic tangent, $x$ for the product. Their product is $dy/dw$.
#
# The same in code takes a dozen lines. A *link* is a pair: a function of one number,
# and its derivative.


# %%
def backward(links, w):
    """The value at the end of the chain, and its derivative with respect to w."""
    value, tape = w, []
    for function, derivative in links:
        tape.append(derivative(value))
        value = function(value)
    product = 1.0
    for factor in reversed(tape):
        product = product * factor
    return value, product


links = [
    (lambda w: 2.0 * w, lambda w: 2.0),  # times x, with x = 2
    (np.tanh, lambda u: 1 - np.tanh(u) ** 2),
    (square, lambda v: 2 * v),
]
chain_value, chain_derivative = backward(links, 0.3)
library_derivative = grad(lambda w: np.tanh(2.0 * w) ** 2)(0.3)
print(f"our tape {chain_derivative:.12f}    grad {library_derivative:.12f}")

# %%
claim_equal(
    chain_derivative,
    library_derivative,
    1e-14,
    "our tape and grad agree on tanh(2 w)^2",
)

# %% [markdown]
# `grad` does the same for calls with many inputs and for arrays. It also writes down
# its own multiplications, and that is why `grad(grad(f))` works.
#
# ## Why not finite differences?
#
# There is a way that needs no library at all: move the input by a small $h$ to both
# sides and look at the difference.
#
# $$f'(x)\approx\frac{f(x+h)-f(x-h)}{2h}$$
#
# Taylor's formula says that this is too large by about $\frac{h^2}{6}f'''(x)$. So the
# error seems to vanish if only $h$ is small enough.
#
# **Predict, then run.** The derivative of $e^x$ at $x=0$ is $1$. By how much does the
# formula miss it with $h=10^{-3}$? And with $h=10^{-9}$, is the error smaller still?


# %%
def difference(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


misses = {h: abs(difference(np.exp, 0.0, h) - 1.0) for h in (1e-3, 1e-5, 1e-9)}
for h, miss in misses.items():
    print(f"h = {h:.0e}    error {miss:.1e}    Taylor's h^2/6 = {h**2 / 6:.1e}")

# %%
claim_equal(misses[1e-3], 1e-3**2 / 6, 1e-12, "at h = 1e-3 the error is h^2/6")
claim(
    misses[1e-9] > 10 * misses[1e-5],
    "at h = 1e-9 the error is larger again",
    misses[1e-9],
    "more than ten times the error at h = 1e-5",
)
claim(grad(np.exp)(0.0) == 1.0, "grad of exp at 0 is 1", grad(np.exp)(0.0), 1.0)

# %% [markdown]
# With $h=10^{-9}$ the two values of $f$ agree in almost all of their sixteen digits.
# The difference keeps only the few digits that are left, and dividing by $2h$ magnifies
# their rounding error. `grad` has no $h$, so it has no such error.
#
# Finite differences have a second weakness, which matters more. They evaluate the
# function twice *for every parameter*, while `grad` runs it once, forwards and back. A
# network with a million parameters would need two million evaluations for one gradient.
#
# Finite differences stay useful as a *check*: they know nothing of calculus, so they
# cannot make the same mistake as we do.
#
# ## What `grad` differentiates is your program
#
# `grad` multiplies the derivatives of the calls that you wrote, in floating-point
# numbers. Two programs for the same function can therefore behave differently. On paper
# $\tanh x=(e^x-e^{-x})/(e^x+e^{-x})$. In the machine $e^{800}$ is too large for a float
# and becomes infinity, infinity divided by infinity is "not a number" (`nan`), and the
# derivative is `nan` as well. `np.tanh` has no exponential on its tape. Its derivative
# $1-\tanh^2x$ is finite everywhere.
#
# The other point to remember is a kink. $|x|$ has no derivative at $0$. `grad` cannot
# know that and returns some number, here $0$, without a warning.


# %%
def tanh_by_exponentials(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


with numpy.errstate(over="ignore", invalid="ignore"):
    overflow = grad(tanh_by_exponentials)(800.0)
safe, kink = grad(np.tanh)(800.0), grad(np.abs)(0.0)
print("exponentials:", overflow, "   np.tanh:", safe, "   |x| at 0:", kink)

# %%
claim(
    numpy.isnan(overflow), "exponentials overflow: no derivative", overflow, "nan"
)
claim(safe == 0.0, "the derivative of np.tanh at 800 is 0", safe, 0.0)
claim(kink == 0.0, "at the kink of |x| grad returns 0", kink, 0.0)

# %% [markdown]
# ## Derivatives of derivatives
#
# We want to plot derivatives, so we need them at many points at once. Here is a trick
# that returns all through the course. Let $f$ act on every number of an array by
# itself. Then $\sum_i f(x_i)$ depends on $x_1$ only through $f(x_1)$, so its derivative
# with respect to $x_1$ is $f'(x_1)$, and so on. One gradient of one *sum* gives the
# derivatives at all points.


# %%
def derivative(f):
    """The derivative of f, at every point of an array."""
    return grad(lambda x: np.sum(f(x)))


points = np.linspace(-4, 4, 161)
order_1 = derivative(np.tanh)
order_2 = derivative(order_1)
order_3 = derivative(order_2)
computed = np.stack(
    [f(points) for f in (np.tanh, order_1, order_2, order_3)], axis=1
)

h0 = np.tanh(points)
h1 = 1 - h0**2
by_hand = np.stack([h0, h1, -2 * h0 * h1, h1 * (6 * h0**2 - 2)], axis=1)

# %%
claim_equal(
    computed, by_hand, 1e-13, "three derivatives of tanh equal their formulas"
)

# %%
derivatives_figure, (ax,) = plots.figure()
names = ["tanh", "first derivative", "second", "third"]
plots.against(ax, points, computed, by_hand, names, "formula by hand")
plots.labels(ax, "x", "value", "grad of grad of grad of tanh")
plots.save(derivatives_figure, "00_derivatives")

# %% [markdown]
# The wide lines are what went in, $\tanh$, and what came out when `grad` was applied
# once, twice and three times. The dashed black lines are the formulas by hand. They lie
# on the wide lines everywhere, also at the third derivative.
#
# ## Many inputs, one output
#
# For a function of a vector that returns one number, `grad` returns the *gradient*: the
# vector of all partial derivatives. Our example is the quadratic
#
# $$f(\theta)=\tfrac12\,(\theta-c)^\top A\,(\theta-c)$$
#
# with a symmetric matrix $A$ and a point $c$. Its gradient is $A(\theta-c)$, which is
# zero at $c$. The matrix of second derivatives, the *Hessian*, is $A$ itself. It says
# how the gradient changes when we move.
#
# A network with a million parameters has a Hessian with a million times a million
# entries. We cannot even store it. Often it is enough to know how the gradient changes
# along *one* direction $v$, and that is the vector $Av$. There is a cheap way to it.
# The number $\nabla f(\theta)\cdot v$ is an ordinary function of $\theta$. Its gradient
# is the Hessian times $v$, and no matrix was ever formed.

# %%
root = rng.normal(size=(4, 4))
A = root + root.T
c, theta, v = rng.normal(size=(3, 4))


def quadratic(theta):
    return (theta - c) @ A @ (theta - c) / 2


def hessian_times(f, theta, v):
    """The Hessian of f at theta, times v."""
    return grad(lambda u: np.sum(grad(f)(u) * v))(theta)


gradient, product = grad(quadratic)(theta), hessian_times(quadratic, theta, v)
print("gradient      ", gradient)
print("Hessian times v", product)

# %% [markdown]
# The library has this product under the name `hvp`, for "Hessian-vector product".

# %%
claim_equal(gradient, A @ (theta - c), 1e-12, "the gradient is A (theta - c)")
claim_equal(product, A @ v, 1e-12, "the Hessian times v is A v")
claim_equal(hvp(quadratic)(theta, v), product, 1e-12, "the library's hvp is ours")

# %% [markdown]
# ## Parameters are trees
#
# A model has many arrays of parameters. We keep them in dicts, lists and tuples, one
# inside the other if need be, and call the whole a *tree*. `grad` of a function of a
# tree is a tree of the same form, so every parameter finds its own gradient under its
# own name.
#
# The model here is $xW+b$, with inputs $x$ of shape $(N,D)$, outputs $y$ of shape
# $(N,C)$, and the mean squared error for a loss. A gradient step of size $\eta$ makes a
# *new* tree. It leaves the old one as it was, so nobody who still holds the old one is
# surprised. This is how the whole course is written: values go in, values come out.

# %%
x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
model = {"W": rng.normal(size=(3, 2)), "b": np.zeros(2)}


def residual(model):
    return x @ model["W"] + model["b"] - y  # (N, C)


def loss(model):
    return np.mean(residual(model) ** 2)


eta = 0.01
gradients = grad(loss)(model)
next_model = {name: model[name] - eta * gradients[name] for name in model}
print("loss before the step:", loss(model), "   after:", loss(next_model))

# %%
claim_equal(
    gradients,
    {
        "W": 2 * x.T @ residual(model) / 10,
        "b": 2 * residual(model).sum(axis=0) / 10,
    },
    1e-13,
    "the gradient is a tree: 2 x' residual / (N C) and 2 sum(residual) / (N C)",
)
claim(
    loss(next_model) < loss(model),
    "a small step against the gradient lowers the loss",
    loss(next_model),
    f"< {loss(model):.4f}",
)

# %% [markdown]
# ## Four lines of NumPy that `grad` cannot follow
#
# While the tape runs, your function receives *boxes* instead of arrays. A box looks
# like an array, but it notes down what is done to it. A line that insists on plain
# numbers, or that writes into an existing array, breaks the record. There are four such
# lines that everybody writes sooner or later. All functions below compute
# $\sum_i e^{x_i}$, whose gradient is $e^x$.
#
# **1. Writing into an array,** `out[i] = ...`. The array `out` was made before and
# holds plain numbers. A box does not fit. *Cure:* collect the results in a list and
# stack it.
#
# **2. Adding in place,** `total += ...`. This also writes into an array of plain
# numbers. *Cure:* `total = total + ...`, which makes a new one.


# %%
def item_assignment(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = np.exp(x[i])
    return np.sum(out)


def stacked_list(x):
    return np.sum(np.stack([np.exp(number) for number in x]))


def in_place_sum(x):
    total = np.zeros(3)
    total += np.exp(x)
    return np.sum(total)


def sum_in_a_new_array(x):
    total = np.zeros(3)
    total = total + np.exp(x)
    return np.sum(total)


# %% [markdown]
# **3. Asking for a Python number,** with `float(...)`, `.item()`, or a function of the
# module `math`. A box is not a number. *Cure:* leave the box as it is, because the
# functions of `np` can work with it.
#
# **4. The wrong NumPy.** `numpy.array` packs boxes into an array of unknown objects,
# and `numpy.exp` does not know what to do with those. *Cure:* `np`. Have a look at the
# imports first whenever a gradient fails for no visible reason.


# %%
def float_demanded(x):
    return sum(np.exp(float(number)) for number in x)


def number_left_alone(x):
    return sum(np.exp(number) for number in x)


def plain_numpy(x):
    return numpy.sum(numpy.exp(numpy.array([x[0], x[1], x[2]])))


def traced_numpy(x):
    return np.sum(np.exp(np.array([x[0], x[1], x[2]])))


# %% [markdown]
# **Predict, then run.** Without `grad`, how many of the eight functions return the
# right value? And how many of the eight have a gradient?


# %%
def gradient_or_error(f, x):
    """The gradient of f, or in its place what went wrong, as a text."""
    try:
        return grad(f)(x)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {str(error)[:45]} ..."


broken = [item_assignment, in_place_sum, float_demanded, plain_numpy]
cures = [stacked_list, sum_in_a_new_array, number_left_alone, traced_numpy]
three = rng.normal(size=3)
values = numpy.array([f(three) for f in broken + cures])
right = numpy.sum(numpy.abs(values - numpy.exp(three).sum()) < 1e-13)
outcomes = {f.__name__: gradient_or_error(f, three) for f in broken + cures}
for name, outcome in outcomes.items():
    print(f"{name:18s} {outcome}")
stopped = [name for name, outcome in outcomes.items() if isinstance(outcome, str)]
print("right value:", right, "   gradient:", len(outcomes) - len(stopped))

# %%
claim(
    right == 8, "without grad, all eight functions have the right value", right, 8
)
claim(
    stopped == [f.__name__ for f in broken],
    "grad stops with an error at each of the four lines, and at no cure",
    stopped,
)
claim_equal(
    [outcomes[f.__name__] for f in cures],
    [numpy.exp(three)] * 4,
    1e-13,
    "the cures have the gradient exp(x)",
)

# %% [markdown]
# ## The gradient of a gradient step
#
# Now to the formula of the beginning, in a case that we can compute by hand. A *task*
# asks for one number $\theta$. Its loss is the parabola
#
# $$L(\theta)=\tfrac a2\,(\theta-c)^2$$
#
# The *curvature* $a$ says how steep the task is, and $c$ is its minimum. The derivative
# is $L'(\theta)=a(\theta-c)$. A step of size $\alpha$ from the start $\theta$ ends at
# $\theta-\alpha a(\theta-c)$. What is left of the distance to the minimum is
#
# $$\theta-\alpha a(\theta-c)-c=(1-\alpha a)(\theta-c)$$
#
# So the loss after the step is $\tfrac a2(1-\alpha a)^2(\theta-c)^2$, and its
# derivative with respect to the start is $a(1-\alpha a)^2(\theta-c)$. `grad` should
# find the same from a function that says nothing but "take a step, then look at the
# loss".
#
# **Predict, then run.** A task has $a=4$ and $c=1$, and we start at $\theta=3$. Without
# a step the derivative is $4\cdot2=8$. What is the derivative if a step of size $0.1$
# is taken, and what is it if the step has the size $0.25$?


# %%
def task(theta, a=4.0, c=1.0):
    return a * (theta - c) ** 2 / 2


def after_step(task_loss, theta, alpha):
    """The loss at the place where one gradient step from theta ends."""
    return task_loss(theta - alpha * grad(task_loss)(theta))


alphas = numpy.array([0.0, 0.1, 0.25])
by_start = [grad(after_step, argnum=1)(task, 3.0, alpha) for alpha in alphas]
for alpha, value in zip(alphas, by_start):
    print(f"step size {alpha:.2f}: the derivative is {value:.4f}")

# %%
claim_equal(
    numpy.stack(by_start),
    4 * (1 - 4 * alphas) ** 2 * (3 - 1),
    1e-13,
    "the derivative by the start is a (1 - alpha a)^2 (theta - c)",
)
claim(
    by_start[2] == 0.0,
    "with alpha = 1/a the derivative by the start is zero",
    by_start[2],
    0.0,
)

# %% [markdown]
# A step of size $1/a$ lands on the minimum, wherever it begins. The loss after the step
# is zero for every start, and so is its derivative.
#
# ## Where should learning start?
#
# Here is the first question of meta-learning, small enough for paper. There are two
# tasks: a steep one with $a=3$ and its minimum at $-1$, and a shallow one with $a=1$
# and its minimum at $+1$. Tomorrow we get one of the two, with equal chances, and we
# may take a single gradient step of size $\alpha=0.25$. Where should we wait for the
# task?
#
# Without any step, the mean loss of the two tasks is smallest at the weighted mean of
# the two minima, and the weights are the curvatures. The steep task pulls harder,
# because every bit of distance to its minimum costs more.
#
# With the step, $a(1-\alpha a)^2$ stands in the derivative of each task where $a$ stood
# before, as we have just found. That is the new weight of the task. The steep task
# loses most of its weight. A single step nearly solves it, so there is no need to wait
# close to it.
#
# We find both places by gradient descent on the mean loss, with 200 steps of size
# $\eta=0.5$, and compare them with the weighted means.

# %%
ALPHA = 0.25
CURVATURES, MINIMA = numpy.array([3.0, 1.0]), numpy.array([-1.0, 1.0])


def mean_loss(theta, alpha):
    """The mean over both tasks of the loss after a step of size alpha."""
    tasks = [lambda t, a=a, c=c: task(t, a, c) for a, c in zip(CURVATURES, MINIMA)]
    return sum(after_step(one, theta, alpha) for one in tasks) / 2


def best_start(alpha):
    start = 0.0
    for _ in range(200):
        start = start - 0.5 * grad(mean_loss)(start, alpha)
    return start


def weights(alpha):
    return CURVATURES * (1 - alpha * CURVATURES) ** 2


# %%
best = {alpha: best_start(alpha) for alpha in (0.0, ALPHA)}
exact = {alpha: weights(alpha) @ MINIMA / sum(weights(alpha)) for alpha in best}
for alpha in best:
    print(
        f"step size {alpha}: best {best[alpha]:+.6f}, exactly {exact[alpha]:+.6f}"
    )

# %%
claim_equal(
    best[0.0], exact[0.0], 1e-9, "without a step the best place has the weights a"
)
claim_equal(
    best[ALPHA],
    exact[ALPHA],
    1e-9,
    "with one step the best start has the weights a (1 - alpha a)^2",
)
claim(
    best[0.0] < 0 < best[ALPHA],
    "the best place changes sides when a step may be taken",
    [best[0.0], best[ALPHA]],
    "the first below 0, the second above",
)

# %%
start_figure, (ax,) = plots.figure(height=3.6)
starts = np.linspace(-1.6, 1.6, 81)
before, after = (
    (0.0, "before the step", plots.BEFORE),
    (ALPHA, "after one step", plots.AFTER),
)
for alpha, name, colour in (before, after):
    losses = [mean_loss(start, alpha) for start in starts]
    ax.plot(starts, losses, color=colour, linewidth=4, alpha=0.7, label=name)
    formula = (starts[:, None] - MINIMA) ** 2 @ weights(alpha) / 4
    plots.floor(ax, starts, formula, "formula" if alpha else "")
    ax.plot(
        best[alpha], mean_loss(best[alpha], alpha), "o", color=colour, markersize=9
    )
ax.set_ylim(0, 4)
plots.labels(ax, "start", "mean loss of the two tasks", "where to start?")
plots.save(start_figure, "00_gradients")

# %% [markdown]
# The figure shows the mean loss of the two tasks for every start. The grey line is the
# loss if we stay at the start, and the blue line is the loss after one gradient step.
# The dashed lines are the formulas, with the weights $a$ and $a(1-\alpha a)^2$. The
# dots mark the two best places, which gradient descent found. The best place to stay is
# on the left, near the steep task. The best place to start from is on the right, near
# the shallow task. To find it we took the gradient of a loss that itself contains a
# gradient step. The lesson *maml* does the same with a network.
#
# The theorems behind this lesson have a proof sheet of their own, which you can print
# with `python -m minimeta verify gradients`.
#
# ## Exercises
#
# Under each exercise is a cell that knows whether you are right. Compute the answer in
# a cell of your own, put it in the place of the dots and run the cell.
#
# **Exercise 1.** Write the loss after *two* gradient steps on `task`, as a function of
# the start. (Applying `after_step` to itself does something else: its second step would
# go down the gradient of the loss *after* a step.) What is the derivative with respect
# to the start for $a=3$, $c=-1$ and the step size $0.1$, at the start $\theta=2$? Give
# three digits. Then say which formula takes the place of $a(1-\alpha a)^2(\theta-c)$.

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "3edbbff1")

# %% [markdown]
# **Exercise 2.** The module `minimeta.core.gradients` has a function `constant`. The
# result of `constant(u)` equals `u`, but `grad` takes it for a constant. Write a second
# version of `after_step` with `constant(grad(task_loss)(theta))` inside the step, so
# that the second derivative of the loss is left out. How many factors $1-\alpha a$
# remain in the derivative by the start? And beyond which step size $\alpha$ does this
# derivative have the wrong sign if $a=4$? Answer with a list of the two numbers.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "8b5b68ce")

# %% [markdown]
# **Exercise 3.** Here is a trap that raises no error. A function of `x` begins with the
# line `x += 1.0` and ends with `return np.sum(x**2)`. Its gradient is right. You make
# the array `x = numpy.array([1.0, 2.0])` and call the function twice with it, *without*
# `grad`. What does the *second* call return?

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "43b739d1")

# %% [markdown]
# **Exercise 4.** The one-sided difference $(f(x+h)-f(x))/h$ needs only one additional
# evaluation for each parameter. Take $f(x)=e^x$ at $x=0$ with $h=10^{-3}$. Divide the
# error of the one-sided difference by the error of the two-sided difference. Give the
# ratio to two digits.

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "b53a6400", digits=2)

# %% [markdown]
# **Exercise 5.** The Hessian times the unit vector $(1,0)$ is the first column of the
# Hessian. Use `hvp` to find the whole Hessian of
# $f(\theta)=(1-\theta_1)^2+100\,(\theta_2-\theta_1^2)^2$ at its minimum $(1,1)$. What
# is its largest eigenvalue, to four digits?

# %%
# Exercise 5. Put your answer in place of the dots and take the first # away.
# check(..., "406b845e", digits=4)

# %% [markdown]
# **What changed since pencil and paper.** Derivatives of any program and of any order
# are now computed, not derived. The next lesson takes many gradient steps in a row, and
# knows in advance where each of them leads.

# %%
finish()
