"""The in-context learner: a causal transformer that reads examples and answers the next question.

    meta:     the transformer's weights             see minimeta.nets.attention
    adapt:    the context is the state              no gradient, no computation
    predict:  transformer(tokens(context, query))   attention looks the examples up
    learn:    min  E_task  mean_t loss(answer_t, y_t)

Without positions a token knows only which tokens came before it, as a set: the order of the
examples in the context then changes nothing but rounding, as long as there is one block. With
positions the number of each token is one more input, which the first layer turns into a vector
that is learned for each place.

Source: Garg et al. 2022, arXiv:2208.01066, whose net is larger (12 blocks of width 256) and has
learned positions; the sizes here are this project's.  Lesson `in_context`.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.memories import tokens as examples
from minimeta.memories.tokens import pairs
from minimeta.nets import attention
from minimeta.nets.net import Net


def learner(
    inputs, outputs=1, width=32, heads=4, blocks=3, *, tokens=pairs, loss=mse, positions=0
) -> Learner:
    """The causal transformer as a learner of maps from D inputs to C outputs, or to C classes.

    tokens is `pairs`, `chain` or `late_labels` of minimeta.memories.tokens. With `positions` above
    0 the first layer learns a vector for each of so many tokens, and longer sequences are refused.
    """
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("outputs", outputs, at_least=1)
    checks.integer("positions", positions, at_least=0)
    checks.function("tokens", tokens)
    x, y = numpy.zeros((1, 1, inputs)), numpy.zeros((1, 1, outputs))
    size = tokens(x, y).shape[-1] + positions
    net = attention.transformer(size, outputs, width, heads, blocks)
    net = place(net, positions) if positions else net
    return examples.learner(net, inputs, outputs, tokens, loss)


def place(net, positions):
    """The net, given with each token (M, T, D) its number as a one-hot row of `positions`."""

    def apply(params, x):
        M, T, _ = np.shape(x)
        if T > positions:
            raise ValueError(
                f"positions must be at least {T}, the number of tokens; it is {positions}."
            )
        rows = np.eye(positions, dtype=x.dtype)[:T]
        return net.apply(params, np.concatenate([x, np.stack([rows] * M)], axis=-1))

    return Net(net.init, apply)
