"""The best learners of M linear tasks: one that knows them all, and one layer of linear attention.

    tasks   y = x w_m + noise,   m one of 1..M at random,   x ~ N(0, I),   noise ~ N(0, s^2)

*Bayes* for this finite set weighs each task by how well it explains the examples:

    p_m = softmax_m( -|y - X w_m|^2 / 2 s^2 )        answer   x sum_m p_m w_m

It is the discrete minimum-mean-squared-error estimator (dMMSE). As M grows, with w_m ~ N(0, I),
it becomes ridge regression, which is `linear_gaussian.learner(0.0, I, s^2)`: the Bayes-optimal
learner of *new* tasks.

*Linear attention.* Without a softmax, one layer sums y_n x_n over the N examples, multiplies by a
matrix and asks with the query: answer  x G z,  z = X'y / N. This is one gradient step from w = 0
with the matrix G for a step size. The answer is linear in the features kron(z, x), so that the
best G is a least-squares problem. With the second moment S = mean_m w_m w_m' of the tasks,

    E z w' = S,    E z z' = B = (1 + 1/N) S + (tr S + s^2) / N  I,    G = S B^-1
    risk of any G on tasks of second moment S':   s^2 + tr(G B' G' - 2 G S' + S')

With few tasks G looks only along these tasks. With many it is the best single step size times I.
The risks of the G of M tasks, on those tasks and on new ones, are what to learn from M tasks does.

Shapes: weights (M, D, C), one row for each task; X (.., N, D), y (.., N, C); S, G (D, D).
Sources: Raventos et al. 2023, arXiv:2306.15063 (dMMSE); von Oswald et al. 2022, arXiv:2212.07677
(linear attention is a gradient step); the best G is this project's.  Lesson task_diversity.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import softmax
from minimeta.tasks.task import Data


def learner(weights, noise_variance) -> Learner:
    """The Bayes-optimal Learner if the task is one of `weights` (M, D, C), each as likely.

    Nothing to train: meta is {}. Its state is the log-likelihood of each of the M tasks, (..., M),
    up to a constant. It is sequential: every example adds to that.
    """
    check_weights(weights)
    checks.number("noise_variance", noise_variance, above=0.0)

    def start(meta, x):
        return np.zeros((len(x), len(weights)), dtype=x.dtype)

    def log_likelihoods(data):
        answers, y = answer_all(data.x, weights), np.expand_dims(data.y, 2)  # (..., N, M, C)
        if np.shape(y)[-1] != np.shape(answers)[-1]:
            raise ValueError(
                f"y must have {np.shape(answers)[-1]} outputs, as weights do; "
                f"its shape is {np.shape(data.y)}."
            )
        errors = np.sum((answers - y) ** 2, axis=-1)
        return -errors / (2.0 * noise_variance)  # (..., N, M)

    def observe(meta, state, x, y):
        one = Data(np.expand_dims(x, 1), np.expand_dims(y, 1))
        return state + log_likelihoods(one)[:, 0]

    def adapt(meta, support):
        return start(meta, support.x) + np.sum(log_likelihoods(support), axis=1)

    def predict(meta, state, x):
        p = np.expand_dims(softmax(state), (1, 3))  # (..., 1, M, 1)
        return np.sum(p * answer_all(x, weights), axis=2)

    return Learner(lambda rng: {}, adapt, predict, start=start, observe=observe)


def answer_all(x, weights):
    """What each of the tasks (M, D, C) answers to x (..., N, D): (..., N, M, C)."""
    checks.array("x", x, "M N D")
    tasks, inputs, outputs = weights.shape
    if np.shape(x)[-1] != inputs:
        raise ValueError(f"x must have {inputs} inputs, as weights do; its shape is {np.shape(x)}.")
    side_by_side = np.reshape(np.swapaxes(weights, 0, 1), (inputs, tasks * outputs))
    answers = x @ np.asarray(side_by_side, dtype=x.dtype)
    return np.reshape(answers, (*np.shape(x)[:2], tasks, outputs))


def second_moment(weights):
    """S (D, D), the mean of w w' over the tasks (M, D, C) and their outputs."""
    check_weights(weights)
    tasks, _, outputs = weights.shape
    return np.sum(weights @ np.swapaxes(weights, 1, 2), axis=0) / (tasks * outputs)


def best_attention(moment, examples, noise_variance):
    """The G (D, D) of least risk for tasks of this second moment S (D, D) and N examples."""
    B = gradient_moment(moment, examples, noise_variance)
    return np.linalg.solve(B, moment)  # S and B commute, so that B^-1 S = S B^-1


def attention_risk(G, moment, examples, noise_variance):
    """The expected squared error, per output, of x G X'y / N on tasks of second moment S."""
    checks.array("G", G, "D D")
    checks.same_shape("G", G, "moment", moment)
    B = gradient_moment(moment, examples, noise_variance)
    return noise_variance + np.trace(G @ B @ G.T - 2.0 * G @ moment + moment)


def gradient_moment(moment, examples, noise_variance):
    """B (D, D), the second moment of X'y / N, the negative gradient at w = 0 up to a factor 2."""
    checks.covariance("moment", moment)
    checks.axes("moment", moment, "D D")
    checks.integer("examples", examples, at_least=1)
    checks.number("noise_variance", noise_variance, above=0.0)
    spread = (np.trace(moment) + noise_variance) / examples
    return (1.0 + 1.0 / examples) * moment + spread * np.eye(len(moment))


def attention_learner(G):
    """The Learner of linear attention: its state is G X'y / N, and it answers x times that.

    Nothing to train: meta is {}. Without examples it answers zero.
    """
    checks.array("G", G, "D D")
    if len(G) != G.shape[1]:
        raise ValueError(f"G must be square; its shape is {G.shape}.")

    def adapt(meta, support):
        examples = max(1, np.shape(support.x)[1])
        products = np.swapaxes(support.x, 1, 2) @ support.y  # X'y, (..., D, C)
        return np.asarray(G, dtype=products.dtype) @ products / examples

    return Learner(lambda rng: {}, adapt, lambda meta, state, x: x @ state)


def label_bound(ways, examples):
    """How often anyone can be right on a new task after so many labelled examples, at most.

    The labels are permuted at random, so that a class without an example is a guess among the
    classes without. Who knows the class of every input is right with probability
    (E k + P(k < C)) / C, where k of the C classes have examples.
    """
    checks.integer("ways", ways, at_least=2)
    checks.integer("examples", examples, at_least=0)
    k = [1.0] + ways * [0.0]  # the probability of 0, 1, ..., C classes with examples
    for _ in range(examples):
        new = [(ways - i) / ways * p for i, p in enumerate(k)]
        k = [i / ways * p + before for (i, p), before in zip(enumerate(k), [0.0, *new])]
    return (sum(i * p for i, p in enumerate(k)) + 1.0 - k[ways]) / ways


def check_weights(weights):
    """Raise unless weights are (M, D, C), of at least one task, input and output."""
    checks.array("weights", weights, "M D C")
    if 0 in np.shape(weights):
        raise ValueError(
            f"weights must hold at least one task, input and output; their shape is "
            f"{np.shape(weights)}."
        )
