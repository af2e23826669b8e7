# %% [markdown]
# # 13. Fast weights: a matrix that is a memory
#
# **The promise.** You will build a memory out of one matrix and two lines of code. You
# will find out exactly how much it can hold, and see that it is the same thing as
# attention, the operation inside a transformer. The first figure shows trained memories
# beside their limits, which we compute with pencil and paper. The second figure shows
# two relatives of this memory, in which a network also changes the weights of a network.
#
# **You need** the lessons *recurrent* (a learner that reads its examples one after
# another) and *maml* (the support set, the query set, and the outer loop). From
# mathematics you need matrix products, the rank of a matrix, and a little probability.
#
# **Takes** about 70 minutes to read with the exercises, and under a minute to run.
#
# **Before:** the LSTM of lesson *recurrent* kept what it had seen in its activations, so
# a layer of $H$ cells had $H$ numbers to remember with. **After:** the memory is a
# matrix of $d\times C$ numbers. A slow network, trained by the outer loop, writes into
# it while the examples go by.
#
# The memory stores pairs of a *key* $k$ and a *value* $v$, as a dictionary does. It
# starts as the matrix $W=0$. Each pair adds the *outer product* $k\,v^\top$, the matrix
# of all products of a number of $k$ and a number of $v$. A question is another key, the
# *query* $q$, and its answer is $W^\top q$. After the pairs $1,\dots,T$ this is
#
# $$W=\sum_{t=1}^{T}k_t\,v_t^\top,\qquad W^\top q=\sum_{t=1}^{T}v_t\,(k_t^\top q).$$
#
# The right side says what the memory does. It compares the query with every key that
# was written, by an inner product, and adds up the values with these weights.

# %%
import numpy

from minimeta import plots
from minimeta.core.backend import np, using
from minimeta.core.learner import Learner
from minimeta.core.losses import softmax
from minimeta.core.optim import adam
from minimeta.core.trees import like
from minimeta.course.claims import QUICK, SEED, check, claim, claim_equal, finish
from minimeta.exact import associative
from minimeta.exact.sines import joint_risk
from minimeta.memories import fast_weights, hypernetwork, plasticity
from minimeta.meta import evaluate
from minimeta.nets import mlp, tanh
from minimeta.tasks import recall
from minimeta.tasks.regression import sines
from minimeta.training import meta_train

rng = numpy.random.default_rng(SEED)

# %% [markdown]
# ## Write and read
#
# As always, $M$ tasks are run at once. A memory of $M$ tasks is an array $(M, d, C)$,
# where $d$ is the number of entries of a key and $C$ that of a value. The rule that only
# adds is called the *sum rule*.


# %%
def write_sum(W, k, v):
    """The memory after one more pair: W (M, d, C), k (M, d), v (M, C)."""
    return W + k[:, :, None] * v[:, None, :]


def read(W, q):
    """The answers (M, Q, C) to the queries q (M, Q, d)."""
    return q @ W


def write_all(write, k, v):
    """The memory after the pairs k (M, T, d), v (M, T, C), one after the other."""
    W = np.zeros((len(k), k.shape[-1], v.shape[-1]))
    for t in range(k.shape[1]):
        W = write(W, k[:, t], v[:, t])
    return W


# %% [markdown]
# ## A case to check by hand
#
# Two keys in the plane, $(1,0)$ and $(0.6,0.8)$, both of length 1, hold the values 5 and
# 10. Their inner product is $0.6$. If we ask for the first key, we get the first value
# plus $0.6$ times the second. If we ask for the second key, we get the second value plus
# $0.6$ times the first.
#
# **Predict, then run.** Which two numbers does the memory answer, and how large would
# the errors be if the keys were orthogonal?

# %%
two_keys = numpy.array([[[1.0, 0.0], [0.6, 0.8]]])  # (1, 2, 2)
two_values = numpy.array([[[5.0], [10.0]]])  # (1, 2, 1)
two_answers = read(write_all(write_sum, two_keys, two_values), two_keys)
print("the memory answers", two_answers[0, :, 0])

# %%
claim_equal(
    two_answers[0, :, 0],
    numpy.array([5 + 0.6 * 10, 10 + 0.6 * 5]),
    1e-12,
    "Each answer is its value plus 0.6 times the other value.",
)

# %% [markdown]
# So the memory is exact if its keys are orthogonal. What one pair adds to the answer of
# another is called *interference*. In $d$ dimensions there is room for $d$ orthogonal
# keys, and this will be the limit of the memory.
#
# ## The same thing is called attention
#
# A transformer keeps all keys and values, compares a query with every key, and averages
# the values with the weights $\text{softmax}(k_t^\top q)$. Without the softmax the weights
# are the inner products themselves, and that is called *linear attention*. By the
# equation at the top, linear attention and the sum rule are two ways to compute the same
# numbers.
#
# Along a sequence, each question must be answered from the pairs *before* it. A memory
# does this by itself, because it is read before it is written. Attention computes all
# inner products of a sequence in one matrix $(T, T)$ and puts zeros where a pair does not
# lie before the question. This is called a *mask*.


# %%
def memory_along(k, v, q):
    """The answers (M, T, C), each read before its pair is written."""
    W, answers = np.zeros((len(k), k.shape[-1], v.shape[-1])), []
    for t in range(k.shape[1]):
        answers.append(read(W, q[:, t : t + 1]))
        W = write_sum(W, k[:, t], v[:, t])
    return np.concatenate(answers, axis=1)


def attention_along(k, v, q):
    """The same answers from all inner products at once, masked."""
    scores = q @ np.swapaxes(k, -1, -2)  # (M, T, T)
    return (scores * numpy.tri(k.shape[1], k=-1)) @ v


# %%
some_keys, some_queries = rng.normal(size=(2, 3, 10, 6))  # M = 3, T = 10, d = 6
some_values = rng.normal(size=(3, 10, 2))
one_by_one = memory_along(some_keys, some_values, some_queries)
all_at_once = attention_along(some_keys, some_values, some_queries)
claim_equal(
    one_by_one,
    all_at_once,
    1e-12,
    "The sum rule and linear attention answer alike.",
)

# %% [markdown]
# The two differ in cost. The memory has the same size after a thousand pairs as after
# one, while attention must keep every pair. This advantage has a price, which is
# the next question: how much does a matrix hold?
#
# ## How much does a matrix hold?
#
# We measure the mean squared error of one number of a value. Values are drawn from the
# standard normal distribution, so a memory that always answers 0 has the error 1.
#
# First, let the keys be random directions, all of length 1. The square of the inner
# product of two such directions in $d$ dimensions is $1/d$ on average. Each of the $S-1$
# other pairs adds its value times such an inner product. So the error is $(S-1)/d$.
#
# **Predict, then run.** We store 9 pairs in 16 dimensions. Which error do you expect?
# And with 33 pairs: is the memory better or worse than the answer 0?

# %%
for pairs in (9, 33):
    stored = recall.unit_keys(rng, 3000, pairs, pairs, 16, values=4)
    answers = read(write_all(write_sum, *stored.support), stored.query.x)
    off = numpy.mean((answers - stored.query.y) ** 2, axis=(1, 2))  # (M,)
    by_formula = associative.random_keys_error(pairs, 16)
    print(f"{pairs} pairs: error {off.mean():.3f}, by the formula {by_formula:.3f}")
    claim(
        abs(off.mean() - by_formula) < 5 * off.std() / 3000**0.5,
        f"With {pairs} random keys the error is (S - 1) / d.",
        off.mean(),
        f"{by_formula:.3f} within 5 standard errors",
    )

# %% [markdown]
# Random keys are a poor choice. Can training find better ones? Here the outer loop
# enters. There is an alphabet of $S$ symbols, and each is given to the network as a
# *one-hot* vector, which has one 1 and is 0 elsewhere. Two *slow* matrices translate a
# symbol $x$ into a key $k=W_k^\top x$ and a query $q=W_q^\top x$, both with $d=16$ numbers.
# In every task each symbol gets a new random value. So the values cannot be learned by
# the slow matrices; only a good system of keys and queries can.
#
# There is a limit to what training can reach. The answers to all $S$ symbols are $Gv$
# with the matrix $G=W_qW_k^\top$, which has $S$ rows and columns but only the rank $d$.
# The ideal is $G=I$, where each symbol gets its own value back and nothing else. The
# error is $\lVert I-G\rVert^2/S$, the sum of the squares of all entries of $I-G$,
# divided by $S$. A matrix of rank $d$ can copy $d$ of the $S$ dimensions and loses the
# other $S-d$, which the theorem of Eckart and Young makes precise. The least error is
#
# $$1-\frac dS\qquad\text{for }S>d.$$


# %%
def draw_slow_weights(symbols, d=16):
    def init(rng):
        W_k, W_q = rng.normal(scale=d**-0.5, size=(2, symbols, d))
        return {"key": W_k, "query": W_q, "rate": np.zeros(1)}

    return init


def sum_adapt(meta, support):
    """All pairs at once: the sum of outer products is one product of matrices."""
    return np.swapaxes(support.x @ meta["key"], -1, -2) @ support.y  # (M, d, C)


def sum_predict(meta, W, x):
    return read(W, x @ meta["query"])


def matrix_error(meta):
    """|I - G|^2 / S, the error over all values that could be drawn."""
    G = meta["query"].astype(float) @ meta["key"].astype(float).T
    return numpy.sum((numpy.eye(len(G)) - G) ** 2) / len(G)


# %% [markdown]
# Training runs in single precision and in two parts. A large outer step size goes far,
# then one tenth of it settles the noise that the random values bring into the gradient.


# %%
def train_memory(learner, sample, steps=(550, 250)):
    """The slow weights before and after training."""
    with using(dtype="float32"):
        before = meta = learner.init(numpy.random.default_rng(SEED))
        before = {name: leaf.astype("float32") for name, leaf in before.items()}
        meta = before
        for count, size in zip((3, 3) if QUICK else steps, (0.02, 0.002)):
            learner = learner._replace(init=lambda rng, meta=meta: meta)
            options = dict(optimizer=adam(size), label=None)
            meta, _ = meta_train(learner, sample, rng, count, **options)
    return before, meta


symbol_counts, untrained, trained = [8, 16, 24, 32, 64], [], []
for S in symbol_counts:
    by_sum = Learner(draw_slow_weights(S), sum_adapt, sum_predict)
    before, after = train_memory(
        by_sum, lambda rng, S=S: recall.pairs(rng, 16, S, 16, S, values=16)
    )
    untrained.append(matrix_error(before))
    trained.append(matrix_error(after))
    print(f"{S} symbols: error {untrained[-1]:.3f} before, {trained[-1]:.4f} after")

# %%
for S, error in zip(symbol_counts, trained):
    limit = associative.sum_floor(S, 16)
    claim(
        limit <= error + 1e-6 and error < max(1.02 * limit, 0.01),
        f"With {S} symbols training ends within 2 % of the limit, not below it.",
        error,
        f"from {limit:.4f} to 2 % above, or below 0.01",
        trained=True,
    )

# %% [markdown]
# ## The delta rule: write only what is not known yet
#
# The sum rule has a second weakness. If a key is written again with a new value, the
# memory holds the sum of both values. But a memory should hold the *last* value. The
# cure is to ask before writing. The memory's own answer to the key is $\bar v=W^\top k$. The
# *delta rule* writes the difference between the new value and this answer:
#
# $$W\leftarrow W+\beta\,k\,(v-\bar v)^\top .$$
#
# The number $\beta$ between 0 and 1 is the *write rate*. With $\beta=1$ and a key of
# length 1 the answer afterwards is exactly $v$. More is true: of all matrices that give
# the answer $v$, the new $W$ is the nearest to the old one. This is the method of
# Kaczmarz (1937) for linear equations. And there is a name for it that you know: the
# change is $-\beta$ times the gradient of $\frac12\lVert v-W^\top k\rVert^2$. So the
# memory takes one step of gradient descent for each example.


# %%
def write_delta(W, k, v, rate=1.0):
    """The delta rule: W (M, d, C), k (M, d) of length 1, v (M, C)."""
    known = read(W, k[:, None])[:, 0]  # (M, C)
    return write_sum(W, k, rate * (v - known))


repeated_key = numpy.tile(numpy.array([0.6, 0.8]), (1, 3, 1))
three_values = numpy.array([[[5.0], [10.0], [7.0]]])
held = {
    rule.__name__: read(write_all(rule, repeated_key, three_values), repeated_key)[
        0, 0
    ]
    for rule in (write_sum, write_delta)
}
print("one key, written with 5, then 10, then 7:", held)

# %%
claim_equal(
    numpy.concatenate([held["write_sum"], held["write_delta"]]),
    numpy.array([22.0, 7.0]),
    1e-12,
    "The sum rule holds the sum of three values, 22, the delta rule the last, 7.",
)

# %% [markdown]
# Now the same on random tasks. There are 8 symbols, and $T=16$ times a symbol is drawn
# at random and written with a new value. A query asks for the last value of a symbol.
# We train three memories: the sum rule, the delta rule with a trained write rate, and
# attention with a softmax, which keeps all pairs. The room is no problem here, since 8
# symbols fit into 16 dimensions. What remains is the question of old and new.
#
# For two of the memories the best possible error can be computed. The symbol of a
# query was also written $m=(T-1)/S=15/8$ *other* times, on average. The sum rule can only
# multiply the sum of all these values by a factor $c$. The error is $(1-c)^2$ from the last
# value and $mc^2$ from the others. The best factor is $1/(1+m)$, with the error $m/(1+m)$.
# A softmax can become so sharp that only pairs with the right symbol count. But it cannot
# tell old from new. It answers with the mean of $n$ values, which has the error $1-1/n$.
#
# **Predict, then run.** What is the best error of the sum rule, $m/(1+m)$? Do you
# expect the softmax, which keeps every pair, to be better or worse than that?


# %%
def length_one(k):
    return k / np.sqrt(np.sum(k**2, axis=-1, keepdims=True) + 1e-12)


def delta_adapt(meta, support):
    rate = 1 / (1 + np.exp(-meta["rate"]))

    def write(W, k, v):
        return write_delta(W, k, v, rate)

    return write_all(write, length_one(support.x @ meta["key"]), support.y)


def delta_predict(meta, W, x):
    return read(W, length_one(x @ meta["query"]))


def softmax_adapt(meta, support):
    return {"k": support.x @ meta["key"], "v": support.y}


def softmax_predict(meta, pairs, x):
    scores = x @ meta["query"] @ np.swapaxes(pairs["k"], -1, -2)  # (M, Q, T)
    return softmax(scores) @ pairs["v"]


# %%
def draw_rewritten(rng, tasks=16):
    return recall.rewritten(rng, tasks, 16, 16, keys=8, values=16)


memories = {
    "sum rule": Learner(draw_slow_weights(8), sum_adapt, sum_predict),
    "softmax": Learner(draw_slow_weights(8), softmax_adapt, softmax_predict),
    "delta rule": Learner(draw_slow_weights(8), delta_adapt, delta_predict),
}
held_out = draw_rewritten(rng, tasks=500)
errors_before, errors_after, slow_weights = {}, {}, {}
for name, memory in memories.items():
    before, after = train_memory(memory, draw_rewritten)
    errors_before[name] = evaluate(memory, before, held_out)
    errors_after[name] = evaluate(memory, after, held_out)
    slow_weights[name] = after
    print(f"{name:10} {errors_after[name].mean():.4f}")

# %%
limits = {
    "sum rule": associative.rewritten_sum_error(8, 16),
    "softmax": associative.rewritten_softmax_error(8, 16),
    "delta rule": 0.0,
}
for name, limit in limits.items():
    noise = errors_after[name].std() / 500**0.5
    claim(
        abs(errors_after[name].mean() - limit) < 0.02 * limit + 4 * noise + 0.005,
        f"The trained {name} is where its formula says.",
        errors_after[name].mean(),
        f"near {limit:.4f}",
        trained=True,
    )
claim(
    errors_after["delta rule"].mean() < 0.01
    and min(errors_after[name].mean() for name in ("sum rule", "softmax")) > 0.5,
    "Only the delta rule forgets what was replaced.",
    errors_after["delta rule"].mean(),
    "< 0.01, the others > 0.5",
    trained=True,
)


# %%
def draw_capacity(ax):
    ax.plot(
        symbol_counts, untrained, "o-", color=plots.BEFORE, label="before training"
    )
    ax.plot(symbol_counts, trained, "o-", color=plots.AFTER, label="after training")
    counts = numpy.arange(8, 65)
    floor = [associative.sum_floor(int(count), 16) for count in counts]
    plots.floor(ax, counts, floor, label="least possible, 1 - 16 / S")
    ax.set_ylim(-0.05, 6.5)
    plots.labels(
        ax, "symbols S, each written once", "mean squared error", "sum rule"
    )


# %%
def draw_again(ax):
    places, width = numpy.arange(len(limits)), 0.38
    for shift, errors, colour, label in (
        (-width / 2, errors_before, plots.BEFORE, "before training"),
        (width / 2, errors_after, plots.AFTER, "after training"),
    ):
        means = [errors[name].mean() for name in limits]
        ax.bar(places + shift, means, width, color=colour, label=label)
    for place, limit in zip(places, limits.values()):
        ends = [place - 0.5, place + 0.5]
        plots.floor(ax, ends, [limit] * 2, label=None if place else "exact")
    ax.set_xticks(places, list(limits))
    plots.labels(ax, "", "mean squared error", "8 symbols, written 16 times")


# %%
capacity_figure, (left, right) = plots.figure(2)
draw_capacity(left)
draw_again(right)
plots.save(capacity_figure, "13_fast_weights")

# %% [markdown]
# **Left:** the error of the sum rule with keys of 16 numbers, for alphabets of 8 to 64
# symbols. The grey line is the error with random slow matrices. The blue line is the error
# after training, and the dashed line is the least error that any slow matrices can have.
# Up to 16 symbols there is room for all. Beyond 16, training ends on the dashed line: the
# memory is full, and it is as good as a full memory can be.
#
# **Right:** symbols that are written again. The grey bars are the errors on 500 new tasks
# before training, the blue bars those after training, and the dashed lines are the exact
# errors of the text. The softmax is somewhat better than the sum, since a mean of $n$
# values does not depend on how large $n$ is. But only the delta rule comes to zero, and
# no bar can be seen there.
#
# ## Plasticity: each connection learns how fast it learns
#
# In the memories above a slow network decided what to write. There is an older idea. In
# 1949 Donald Hebb proposed that the connection between two nerve cells becomes stronger
# when both are active together. In formulas: if the unit $i$ has the activity $x_i$
# and then the unit $j$ has the activity $y_j$, the connection grows by $x_iy_j$. This
# is an outer product again.
#
# *Differentiable plasticity* (Miconi 2018) makes this trainable. Every connection has a
# fixed part $w_{ij}$ and a plastic part $\alpha_{ij}h_{ij}$. The *trace* $h_{ij}$ follows
# Hebb's rule during a task and starts at 0 in the next one. The fixed weights and the
# coefficients $\alpha_{ij}$ are learned by the outer loop. One step of the network is
#
# $$y_j=\tanh\Big(\sum_i x_i\,(w_{ij}+\alpha_{ij}h_{ij})+20\,u_j\Big),\qquad
# h_{ij}\leftarrow h_{ij}+\rho\,(x_iy_j-h_{ij}).$$
#
# The input $u_j$ is $+1$, $-1$ or $0$. If it is not 0, the factor 20 is so large that the
# input alone decides the activity. The number $\rho$ is the rate of the trace and is
# learned, too.


# %%
def step(meta, trace, x, u):
    """The activity (M, N, D) after the activity x under the input u."""
    return np.tanh(x @ (meta["w"] + meta["alpha"] * trace) + 20.0 * u)


def plastic_adapt(meta, support):
    """The trace (M, D, D) after every pattern of the support was shown once."""
    M, S, D = support.x.shape
    trace = np.zeros((M, D, D), dtype=support.x.dtype)
    for s in range(S):
        x = np.tanh(20.0 * support.x[:, s])
        y = step(meta, trace, x[:, None], support.y[:, s : s + 1])[:, 0]
        trace = trace + meta["rate"] * (x[:, :, None] * y[:, None, :] - trace)
    return trace


def plastic_predict(meta, trace, cue):
    return step(meta, trace, np.tanh(20.0 * cue), cue)


# %% [markdown]
# The task is to complete patterns. Five random patterns of 50 signs are shown once. Then
# a query shows 25 bits of one of them, and the network must answer with the other 25.
#
# First the plain rule of Hebb, where nothing is trained: $w=0$, all $\alpha_{ij}$ are
# equal, and the trace is the sum of the outer products. What does an erased bit get? The
# pattern in question adds 25 times the right sign, once for each known bit. Each of the
# four other patterns adds 25 random signs. The bit is wrong if 25 right signs are
# outvoted by 100 random ones. The number of positive signs among 100 random ones has a
# binomial distribution, so the probability is exact.
#
# **Predict, then run.** The sum of 100 random signs has the standard deviation 10. How
# many standard deviations away is $-25$? About which share of the erased bits is wrong?

# %%
erased_share = 25 / 50


def erased_errors(learner, meta, task):
    """The share of erased bits with a wrong sign, for every task."""
    return evaluate(learner, meta, task, plasticity.bit_error) / erased_share


pattern_counts = [3, 5, 7, 10]
hebb_errors = []
for patterns in pattern_counts:
    shown = recall.patterns(rng, 1000, patterns, 4, bits=50, known=25)
    hebb_errors.append(erased_errors(plasticity.plain_hebb(), {}, shown))
exact_errors = [associative.pattern_error(25, count) for count in pattern_counts]
for count, error, exact in zip(pattern_counts, hebb_errors, exact_errors):
    print(f"{count:2} patterns: {error.mean():.4f}, exact {exact:.4f}")

# %%
for count, error, exact in zip(pattern_counts, hebb_errors, exact_errors):
    allowed = 5 * error.std() / 1000**0.5 + 1e-4
    claim(
        abs(error.mean() - exact) < allowed,
        f"With {count} patterns Hebb's rule is wrong as often as the formula says.",
        error.mean(),
        f"{exact:.5f} within {allowed:.5f}",
    )

# %% [markdown]
# Can the outer loop find this rule by itself? We start with random $w$ and $\alpha$ that
# are nearly zero, so that nothing is recalled and half of the erased bits are wrong. Then
# we train on tasks with five patterns.
#
# One thing differs from the plain rule. The trace above decays: with every new pattern the
# older ones keep only the share $1-\rho$ of their weight. So the oldest pattern has the
# most to suffer. If all $\alpha_{ij}$ are equal, this error can be computed, too.


# %%
def draw_plastic(rng):
    w, alpha = rng.normal(scale=0.01, size=(2, 50, 50))
    return {"w": w, "alpha": alpha, "rate": np.full(1, 0.1)}


def draw_five(rng, tasks=16):
    return recall.patterns(rng, tasks, 5, 8, bits=50, known=25)


plastic = Learner(draw_plastic, plastic_adapt, plastic_predict)
fresh_plastic, trained_plastic = train_memory(plastic, draw_five, steps=(300, 150))
five_patterns = draw_five(rng, tasks=1000)
plastic_errors = [
    erased_errors(plastic, meta, five_patterns)
    for meta in (fresh_plastic, trained_plastic)
]
before, after = (errors.mean() for errors in plastic_errors)
print(f"wrong bits before training {before:.3f}, after {after:.4f}")
learned_rate = float(trained_plastic["rate"][0])
fading = associative.fading_error(25, 5, learned_rate)
print(f"the trained rate is {learned_rate:.3f}, whose exact error is {fading:.4f}")

# %%
claim(
    plastic_errors[0].mean() > 0.3,
    "Without plasticity the network guesses.",
    plastic_errors[0].mean(),
    "> 0.3",
)
claim(
    abs(plastic_errors[1].mean() - fading) < 0.003,
    "Trained plasticity is wrong as often as a fading trace with its rate must be.",
    plastic_errors[1].mean(),
    f"{fading:.4f} within 0.003",
    trained=True,
)

# %% [markdown]
# ## Hypernetworks: write all weights in one step
#
# The last relative goes further. A *hypernetwork* is a network whose output is the
# weights of another network. Ours reads the support, makes a *code* $z$ of it, and
# computes all weights of a small network from the code:
#
# $$z=\frac1S\sum_{i=1}^{S} r(x_i,y_i),\qquad \phi=b+B^\top z.$$
#
# The reader $r$ is a perceptron, and $b$ and $B$ are trained with it. Learning a task is
# now a single pass forward. There is no gradient in the inner loop, and no order of the
# examples, because a mean has none.
#
# If the network that is written is a linear map, everything after the code is linear, and
# the best matrices have a closed form. Let the weights be $\sum_k z_kA_k$. Then
# the answer is $\sum_k z_k\,x^\top A_k$. This is linear in the products $z_kx_d$, so
# the $A_k$ follow from ordinary least squares on these products.

# %%
codes, inputs = rng.normal(size=(60, 3)), rng.normal(size=(60, 4))
true_A = rng.normal(size=(3, 4, 2))
outputs = np.einsum("nk,nd,kdc->nc", codes, inputs, true_A)
products = (codes[:, :, None] * inputs[:, None, :]).reshape(60, 12)
fitted_A = numpy.linalg.lstsq(products, outputs)[0].reshape(3, 4, 2)
claim_equal(fitted_A, true_A, 1e-10, "Least squares on the products finds every A.")

# %% [markdown]
# For the sines of lesson *transfer* the written network is 1-16-1 with $\tanh$, and has
# 49 weights. The function `like` cuts a vector of 49 numbers into its matrices.

# %%
small_net, reader = mlp([1, 16, 1], tanh, 1.0), mlp([2, 64, 64, 32])
template = small_net.init(rng)


def draw_hyper(rng):
    B = 0.3 * 32**-0.5 * rng.normal(size=(32, 49))
    first = small_net.init(rng)
    b = numpy.concatenate(
        [part.ravel() for layer in first for part in layer.values()]
    )
    return {"reader": reader.init(rng), "b": b, "B": B}


def hyper_adapt(meta, support):
    seen = np.concatenate([support.x, support.y], axis=-1)  # (M, S, 2)
    z = np.mean(reader.apply(meta["reader"], seen), axis=1)  # (M, 32)
    return like(template, z @ meta["B"] + meta["b"])  # leaves (M, ...)


def hyper_predict(meta, phi, x):
    return small_net.apply(phi, x)


# %%
hyper = Learner(draw_hyper, hyper_adapt, hyper_predict)


def draw_sines(rng, shots=10, tasks=32):
    return sines(rng, tasks, shots, 10)


with using(dtype="float32"):
    hyper_meta = draw_hyper(rng)
    for count, size in zip((3, 3) if QUICK else (7500, 1500), (0.005, 0.0005)):
        again = hyper._replace(init=lambda rng, meta=hyper_meta: meta)
        hyper_meta, _ = meta_train(
            again, draw_sines, rng, count, optimizer=adam(size), label=None
        )
    shot_counts = [1, 2, 3, 5, 10, 20]
    hyper_errors = [
        evaluate(hyper, hyper_meta, draw_sines(rng, shots, 1000))
        for shots in shot_counts
    ]
for shots, error in zip(shot_counts, hyper_errors):
    print(f"{shots:2} shots: {error.mean():.3f}")

# %%
claim(
    hyper_errors[4].mean() < 0.07,
    "One pass forward fits a sine from ten points.",
    hyper_errors[4].mean(),
    "< 0.07",
    trained=True,
)


# %%
def draw_patterns(ax):
    means = numpy.array([errors.mean() for errors in hebb_errors])
    ax.plot(pattern_counts, means, "o", color=plots.COLOURS[1], label="Hebb's rule")
    plots.floor(ax, pattern_counts, exact_errors, label="exact, Hebb's rule")
    for errors, colour, label in (
        (plastic_errors[0], plots.BEFORE, "plasticity, before training"),
        (plastic_errors[1], plots.AFTER, "plasticity, after training"),
    ):
        ax.plot([5], [errors.mean()], "s", color=colour, label=label)
    ax.set_yscale("log")
    plots.labels(ax, "patterns shown once", "wrong share of erased bits", "50 bits")


def draw_shots(ax):
    means = numpy.array([errors.mean() for errors in hyper_errors])
    noise = numpy.array([2 * errors.std() / 1000**0.5 for errors in hyper_errors])
    plots.band(ax, shot_counts, means, noise, "hypernetwork", color=plots.AFTER)
    best = joint_risk()
    ax.axhline(best, color=plots.BEFORE, label="best single function")
    plots.floor(ax, [2, 20], [0, 0], label="Bayes-optimal from 2 shots on")
    plots.labels(ax, "points of a new sine", "mean squared error", "hypernetwork")


# %%
relatives_figure, (left, right) = plots.figure(2)
draw_patterns(left)
draw_shots(right)
plots.save(relatives_figure, "13_relatives")

# %% [markdown]
# **Left:** the share of erased bits that are recalled wrongly, on a logarithmic scale.
# The orange points are plain Hebb, measured on 1000 tasks, and lie on the dashed line,
# the binomial formula. The two squares are the plastic network with five patterns. Before
# training it guesses. Training finds a rule like Hebb's, which it was not told. What
# remains of the difference is the price of a trace that fades.
#
# **Right:** the mean squared error of the hypernetwork on 1000 new sines, after one pass
# over the points it is given. The band is two standard errors. The grey line is the best
# single function for all sines, the answer before any point is seen. A sine has two
# unknown numbers, and without noise two points determine them. So the Bayes-optimal error
# is zero from there on. The hypernetwork needs more points than that. It was trained with
# ten points and improves with twenty, a number that it never met in training.
#
# ## The same as the library
#
# The modules `memories.fast_weights`, `memories.plasticity` and `memories.hypernetwork`
# hold the learners of this page. The library writes a whole sequence of the delta rule at
# once, by solving a triangular system of linear equations. The numbers are the same.

# %%
weights = slow_weights["delta rule"]
rate_layer = {"W": numpy.zeros((8, 1)), "b": weights["rate"].astype(float)}
library_meta = {**weights, "rate": rate_layer}
library_meta = {
    **library_meta,
    "key": weights["key"].astype(float),
    "query": weights["query"].astype(float),
}
few = recall.rewritten(rng, 5, 16, 3, keys=8, values=2)
library_delta = fast_weights.learner(8, 2, keys=16, rule=fast_weights.DELTA)
theirs = library_delta.adapt(library_meta, few.support)["W"]
mine = delta_adapt({**library_meta, "rate": rate_layer["b"]}, few.support)
claim_equal(mine, theirs, 1e-10, "This page's delta rule is the library's.")

# %%
double = {name: leaf.astype(float) for name, leaf in trained_plastic.items()}
library_plastic = plasticity.learner(50)
library_hyper = hypernetwork.learner(small_net, 1)
hyper_tree = draw_hyper(rng)
as_library = {
    "read": hyper_tree["reader"],
    "bias": like(template, hyper_tree["b"]),
    "write": like(template, hyper_tree["B"]),
}
few_sines = sines(rng, 4, 6, 3)
claim_equal(
    plastic_adapt(double, five_patterns.support),
    library_plastic.adapt(double, five_patterns.support)["hebb"],
    1e-10,
    "This page's plastic network is the library's.",
)
claim_equal(
    hyper_adapt(hyper_tree, few_sines.support),
    library_hyper.adapt(as_library, few_sines.support),
    1e-12,
    "This page's hypernetwork is the library's.",
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1.** With the sum rule and the best slow matrices, 40 symbols shall have an
# error of at most 0.1. What is the smallest number $d$ of entries that a key must have?

# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "2673b854")

# %% [markdown]
# **Exercise 2.** One key of length 1 is written with the value 8 and then with the value
# 4, by the delta rule with the write rate $\beta=\frac12$. What does the memory answer to
# this key afterwards? The memory was empty before.

# %%
# Exercise 2. Put your answer in place of the dots and take the first # away.
# check(..., "727a6ffa")

# %% [markdown]
# **Exercise 3.** Store 16 pairs with random keys of length 1 in 16 dimensions, by the
# delta rule with rate 1 (`recall.unit_keys`, `write_all`). The newest pair has no error.
# What is the exact error of the *oldest* pair? `associative.delta_error_by_age` knows
# it. Check the number by simulation and give it to two digits.

# %%
# Exercise 3. Put your answer in place of the dots and take the first # away.
# check(..., "fb91d77b", digits=2)

# %% [markdown]
# **Exercise 4.** The trace of a connection starts at 0 and follows
# $h\leftarrow h+\rho(xy-h)$ with $\rho=0.2$. The product $xy$ is 1 at every step. After how
# many steps is the trace above 0.9 for the first time?

# %%
# Exercise 4. Put your answer in place of the dots and take the first # away.
# check(..., "d3edcc4c")

# %% [markdown]
# **What changed since the last lesson.** A learner's memory is now a matrix that it
# writes itself, and we know how much it holds. `python -m minimeta verify fast_weights`
# and `verify plasticity` print the theorems behind this page.

# %%
finish()
