"""What the theorems of several topics share: sources, small problems, derivatives, statistics."""

import itertools

import numpy

from minimeta.continual import fisher
from minimeta.core.gradients import grad, hvp
from minimeta.core.trees import flatten, like
from minimeta.exact.quadratics import stability_limit
from minimeta.learned_optimizers import lstm_optimizer
from minimeta.meta import meta_loss
from minimeta.nets import Net
from minimeta.tasks import Episodes
from minimeta.tasks.quadratics import draw_quadratics
from minimeta.theorems import Claim

ALGEBRA, CALCULUS, DEFINITION = "linear algebra", "calculus", "by definition"
ANDRYCHOWICZ = "Andrychowicz et al. 2016"
BISHOP = "Bishop 2006, Pattern Recognition and Machine Learning"
FINN = "Finn, Abbeel & Levine 2017, arXiv:1703.03400"
HESTENES = "Hestenes & Stiefel 1952"
KALMAN = "Kalman 1960"
KIRKPATRICK = "Kirkpatrick et al. 2016"
NICHOL = "Nichol, Achiam & Schulman 2018, arXiv:1803.02999"
POLYAK = "Polyak 1964"
SAXE = "Saxe, McClelland & Ganguli 2013, arXiv:1312.6120"

FLAT = 1e-6  # a curvature below this part of the largest counts as none
LINE = Net(None, lambda theta, x: x @ theta["w"])  # the linear map x w of weights w (D, 1)


# ---- Problems ----


def draw_family(seed=0, tasks=5, dimension=3):
    """Quadratics A (M, D, D), their minima c (M, D), a start (D,) and a step size.

    The step size is 0.9 of the largest with which gradient descent is stable on every task.
    """
    rng = numpy.random.default_rng(seed)
    A, c = draw_quadratics(rng, tasks, dimension)
    return A, c, rng.normal(size=dimension), 0.9 * stability_limit(A).min()


def parameters(theta):
    """The parameters of LINE whose weights are theta (D,)."""
    return {"w": theta[:, None]}


def draw_optimizer(seed=0, layers=1, hidden=4, inputs=2):
    """Parameters of an LSTM optimizer whose output weights are as large as after training."""
    rng = numpy.random.default_rng(seed)
    meta = lstm_optimizer.init(rng, layers, hidden, inputs)
    return {**meta, "W": rng.normal(size=meta["W"].shape)}


# ---- Derivatives ----


def meta_gradient(learner, meta, task):
    """The gradient of the meta-loss, a tree like `meta`."""
    return grad(lambda meta: meta_loss(learner, meta, task))(meta)


def hessian(f, theta):
    """The second derivatives of f at the tree theta: (P, P)."""
    basis = numpy.eye(len(flatten(theta)))
    return numpy.stack([flatten(hvp(f)(theta, like(theta, row))) for row in basis])


def differences(f, theta, width):
    """The gradient (P,) of f at the tree theta by moving each of its numbers up and down."""
    vector = flatten(theta)
    change = lambda step: f(like(theta, vector + step)) - f(like(theta, vector - step))
    return numpy.array([change(step) / (2 * width) for step in width * numpy.eye(len(vector))])


def full_fisher(*task):
    """The full Fisher information of (theta, data, net, ...), exactly: (P, P)."""
    return fisher.exact(*task, form=fisher.full)


# ---- Decisions ----


def best_of_all_histories(weights, steps, actions, outcomes):
    """What can be earned on average in so many steps, by recursion over all that may happen.

    weights {hidden state: its probability, together with the history so far}; actions(weights) are
    those to choose from; outcomes(hidden state, action) lists (chance, reward, what is seen, the
    hidden state after). What is seen and the reward are all that the choice may depend on.
    """
    if steps == 0:
        return 0.0
    return max(_worth(weights, steps, a, actions, outcomes) for a in actions(weights))


def _worth(weights, steps, action, actions, outcomes):
    earned, histories = 0.0, {}
    for hidden, weight in weights.items():
        for chance, reward, seen, after in outcomes(hidden, action):
            earned += weight * chance * reward
            branch = histories.setdefault((reward, seen), {})
            branch[after] = branch.get(after, 0.0) + weight * chance
    later = [best_of_all_histories(w, steps - 1, actions, outcomes) for w in histories.values()]
    return earned + sum(later)


# ---- Statistics ----


def standard_error(sample):
    """The standard error of the mean of independent draws (N, ...)."""
    return sample.std(axis=0, ddof=1) / len(sample) ** 0.5


def has_mean(sample, exact):
    """The claim that independent draws (N, ...) have the mean `exact`."""
    return Claim(sample.mean(axis=0), exact, standard_error=standard_error(sample))


def none_below_zero(excess):
    """The claim that independent draws (N, K) have no negative mean: nobody beats the best."""
    shortfall = numpy.maximum(0.0, -excess.mean(axis=0))
    return Claim(shortfall, numpy.zeros_like(shortfall), standard_error=standard_error(excess))


def minima(learner, sample, samples=6, steps=4):
    """Where Newton's method finds the least meta-loss on each of some samples: (samples, P).

    sample(seed) -> Task. The start is learner.init; directions in which the loss is flat, such as
    rotations of an embedding, are left alone.
    """
    ends = []
    for seed in range(samples):
        meta, task = learner.init(numpy.random.default_rng(seed)), sample(seed)
        f = lambda meta, task=task: meta_loss(learner, meta, task)
        for _ in range(steps):
            step = numpy.linalg.lstsq(hessian(f, meta), flatten(grad(f)(meta)), rcond=FLAT)[0]
            meta = like(meta, flatten(meta) - step)
        ends.append(flatten(meta))
    return numpy.stack(ends)


def all_episodes(problem, policy, steps):
    """All histories of one problem, (Episodes, chances (M,)): each is a task with one episode."""
    transition, reward, start = (table[0] for table in problem)
    S, A = reward.shape
    states, moves = numpy.eye(S), numpy.eye(A)
    seen, done, paid, chances = [], [], [], []
    for s in itertools.product(range(S), repeat=steps + 1):
        for a in itertools.product(range(A), repeat=steps):
            ways = [policy[0][s[t], a[t]] * transition[s[t], a[t], s[t + 1]] for t in range(steps)]
            chances.append(start[s[0]] * numpy.prod(ways))
            seen.append(states[list(s[:-1])])
            done.append(moves[list(a)])
            paid.append([reward[s[t], a[t]] for t in range(steps)])
    one = lambda parts: numpy.array(parts)[:, None]
    return Episodes(one(seen), one(done), one(paid), one(paid) * 0.0), numpy.array(chances)
