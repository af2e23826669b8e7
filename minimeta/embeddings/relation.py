"""Relation networks: the comparison is learned too.

    adapt:    c_k = mean of f(x_i) over the examples x_i of class k         as in `prototypical`
    predict:  score of class k = g([c_k, f(x)])                             a second network g
    learn:    min_{f, g}  E_task  sum_k (sigmoid(score_k) - 1[y = k])^2     `squared_error`

The question about each class is asked on its own: is the query of this class, yes or no? For one of
N classes the answer is yes, so the best that g can say is P(same class | c_k, f(x)) with a prior of
1/N; for Gaussian classes `class_gaussians.same_class` has it in closed form. A network that has
learned nothing says 1/N to all. There the gradient of the squared error has the factor sigmoid' =
(1/N)(1 - 1/N), so it vanishes as N grows, and training with small steps often ends there. With
larger ones all scores fall until every answer is no: the loss is 1/N, and sigmoid' is nearly 0. The
gradient of the cross-entropy of the same question lacks that factor:

    of the paper        learner(net, compare, squared_error)
    cross-entropy       learner(net, compare)                   reaches the same posterior

The paper sums the examples of a class. Here they are averaged, so that g can be asked about another
number of shots than it was trained with; with one shot both are the same.

Source: Sung et al. 2018, arXiv:1711.06025.  Lesson prototypes.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.embeddings import prototypical
from minimeta.embeddings.siamese import check_scores, surprise


def binary_cross_entropy(scores, labels):
    """The mean of -log P(label) over classes and examples: (..., N, C) twice -> (...)."""
    check_scores(scores, labels)
    return np.mean(surprise(scores, labels), axis=(-2, -1))


def squared_error(scores, labels):
    """The mean of (sigmoid(score) - label)^2 over classes and examples: (..., N, C) -> (...)."""
    check_scores(scores, labels)
    return np.mean((sigmoid(scores) - labels) ** 2, axis=(-2, -1))


def sigmoid(scores):
    """1 / (1 + exp(-score)), by the tanh of half the score, which cannot overflow."""
    return (1.0 + np.tanh(scores / 2.0)) / 2.0


def learner(net, compare, loss=binary_cross_entropy) -> Learner:
    """Relation networks on an embedding of H numbers and a Net `compare` from 2 H numbers to 1."""
    checks.functions("net", net, "init", "apply")
    checks.functions("compare", compare, "init", "apply")
    checks.function("loss", loss)
    inner = lambda meta, support: prototypical.adapt(meta["net"], support, net)
    ask = partial(predict, net=net, compare=compare)
    return Learner(partial(init, net=net, compare=compare), inner, ask, loss)


def init(rng, net, compare):
    """Fresh parameters of both networks."""
    return {"net": net.init(rng), "compare": compare.init(rng)}


def predict(meta, prototypes, x, net, compare):
    """The score (M, Q, C) of each class for each query: the log-odds that it is of that class."""
    h = net.apply(meta["net"], x)  # (M, Q, H)
    M, Q, H = np.shape(h)
    C = np.shape(prototypes)[1]
    h = np.broadcast_to(h[:, :, None], (M, Q, C, H))
    c = np.broadcast_to(prototypes[:, None], (M, Q, C, np.shape(prototypes)[-1]))
    pairs = np.reshape(np.concatenate([c, h], axis=-1), (M, Q * C, -1))
    scores = compare.apply(meta["compare"], pairs)
    if np.shape(scores) != (M, Q * C, 1):
        raise ValueError(
            f"compare must answer each pair with one number, {(M, Q * C, 1)} in all; its answers "
            f"have shape {np.shape(scores)}."
        )
    return np.reshape(scores, (M, Q, C))
