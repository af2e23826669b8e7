"""The learner whose state is one network for each task, as gradient-based learners have it."""

from minimeta.core import checks
from minimeta.core.learner import Learner
from minimeta.core.losses import mse


def network_learner(net, adapt, loss=mse, init=None):
    """The Learner whose adapt(meta, support) -> phi is the network of every task, leaves (M, ...).

    A query x is answered by net.apply(phi, x). `init` is that of the network unless it is given.
    """
    checks.functions("net", net, "apply")
    checks.function("adapt", adapt)
    checks.function("loss", loss)
    return Learner(init or net.init, adapt, lambda meta, phi, x: net.apply(phi, x), loss)
