"""RL2: a recurrent policy that is told what it did and what came back, and so learns as it acts.

    h, c <- LSTM(h, c; [x_t, a_t-1, r_t-1, done_t-1])        a_t ~ softmax(h_t W + b)

Its weights, *meta*, change across problems, by any policy gradient. Within one problem only h and c
change. They are kept from episode to episode for as long as the problem stays the same, so that a
policy that earns much in the whole trial has to explore at first.

The LSTM is that of memories/recurrent.py, which answers with as many numbers as its labels have,
A + 2. The first A of them are the logits, and the last two are not used.

Sources: Duan et al. 2016, arXiv:1611.02779; Wang et al. 2016, arXiv:1611.05763, whose LSTM takes
the place of the former's GRU. The sizes are this project's.  Lesson rl2.
"""

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.losses import cross_entropy
from minimeta.memories import recurrent


def learner(observations, actions, hidden=32):
    """The policy of A actions on observations of O numbers; labels are [action, reward, done]."""
    checks.integer("observations", observations, at_least=1)
    checks.integer("actions", actions, at_least=2)
    memory = recurrent.learner(observations, actions + 2, hidden)
    return memory._replace(
        init=lambda rng: init(rng, observations, actions, hidden),
        predict=lambda meta, state, x: memory.predict(meta, state, x)[..., :actions],
        along=lambda meta, data: memory.along(meta, data)[..., :actions],
        loss=cross_entropy,
    )


def init(rng, observations, actions, hidden):
    """A fresh LSTM with input weights N(0, 1), and its read-out.

    A step gives the LSTM few ones among zeros. Input weights as small as for full inputs leave it
    nearly deaf to them: then training stays at one arm for long.
    """
    meta = recurrent.init(rng, observations, actions + 2, hidden)
    W_x = to_device(rng.normal(size=np.shape(meta["cell"]["W_x"])))
    return {**meta, "cell": {**meta["cell"], "W_x": W_x}}
