"""Full-context embeddings: every example is placed in view of the whole support.

    adapt:    k_i = f(x_i) + forth_i + back_i             of two LSTMs that read f(x_1) ... f(x_S),
                                                          one forth, one back; they see no labels
    predict:  h <- f(x) + LSTM([f(x), r], h)              `reads` times, from h = f(x) and c = 0
              r  = sum_i softmax over i of (h k_i) k_i    what h asks of the support
              y  = sum_i a_i y_i,    a = softmax over i of t cos(h, k_i)        as in `matching`
    learn:    min over f, the three LSTMs and t  E_task  cross-entropy of the queries

Against `matching`, an example is no longer placed on its own: whether a stroke matters depends on
the letters that it must be told from. An LSTM whose numbers are all zero adds nothing, which leaves
`matching`. The support is read in the order it comes in, so its order changes the answers. This is
so in the paper too, though the order says nothing: `episodes` puts classes and examples in random
order. Queries do not see each other.

Source: Vinyals et al. 2016, arXiv:1606.04080, sections 2.1.1 and 2.1.2 and appendix A; t is not in
the paper, see `matching`.  Lesson few_shot.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import cross_entropy, softmax
from minimeta.embeddings.matching import by_class, log_sum_exp
from minimeta.embeddings.prototypical import embed_support, inner_products, on_sphere
from minimeta.nets import Net, lstm

SPHERE = on_sphere(
    Net(lambda rng: {}, lambda params, h: h)
)  # embeddings as they are, of one length


def learner(net, width, reads=5) -> Learner:
    """Matching networks on the embedding `net`, of `width` numbers, in full context."""
    checks.functions("net", net, "init", "apply")
    checks.integer("width", width, at_least=1)
    checks.integer("reads", reads, at_least=0)
    ask = partial(predict, net=net, reads=reads)
    return Learner(partial(init, net=net, width=width), partial(adapt, net=net), ask, cross_entropy)


def init(rng, net, width):
    """A fresh network, three fresh LSTMs of its width, and the radius of the sphere."""
    first = net.init(rng)
    forth, back = (lstm.init(rng, width, width) for _ in range(2))
    read = lstm.init(rng, 2 * width, width)
    return {"net": first, "forth": forth, "back": back, "read": read, "sphere": SPHERE.init(rng)}


def adapt(meta, support, net):
    """The keys (M, S, H) in view of each other, and the labels (M, S, C)."""
    h = embed_support(meta["net"], support, net)
    width = np.shape(meta["forth"]["W_h"])[-2]
    if np.shape(h)[-1] != width:
        raise ValueError(f"width must be that of the embedding, {np.shape(h)[-1]}; it is {width}.")
    forth, _ = lstm.lstm(meta["forth"], h)
    back, _ = lstm.lstm(meta["back"], h[:, ::-1])
    return {"keys": h + forth + back[:, ::-1], "labels": support.y}


def predict(meta, state, x, net, reads):
    """The logits (M, Q, C) of queries x (M, Q, D...)."""
    h = read_support(meta["read"], net.apply(meta["net"], x), state["keys"], reads)
    h, keys = (SPHERE.apply(meta["sphere"], place) for place in (h, state["keys"]))
    return by_class(inner_products(h, keys), state["labels"], log_sum_exp)


def read_support(params, query, keys, reads):
    """The queries (M, Q, H) after reading the keys (M, S, H) so many times."""
    h, c = query, np.zeros_like(query)
    for _ in range(reads):
        r = softmax(inner_products(h, keys)) @ keys  # (M, Q, H)
        step, c = lstm.cell(params, (h, c), np.concatenate([query, r], axis=-1))
        h = query + step
    return h
