"""ANIL: MAML that adapts one part of the network and shares the rest.

    meta:    theta = (body, head)
    adapt:   head_i <- head_i - a dL(body, head_i; support)     `steps` times; the body stays
    learn:   min_theta  E_task L(body, head_i; query)           second derivatives included

With a linear network whose head is solved to the end this is principal component analysis of the
tasks: the body learns the directions in which they differ most.

Source: Raghu, Raghu, Bengio & Vinyals 2020.  Lesson 06.
"""

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map
from minimeta.initializations.maml import check_inner


def learner(net, part=-1, loss=mse, step_size=0.01, steps=1):
    """ANIL on a network: only theta[part] adapts, the last layer of an mlp by default.

    `part` is a position or key of the network's parameters: -1, 0, "last". Raises ValueError at the
    first use if the network has no such part.
    """
    check_inner(step_size, steps)

    def adapt_to(theta, support):
        return adapt(theta, support, net, part, loss, step_size, steps)

    def predict(theta, head, x):
        return net.apply(with_part(copies(theta, len(x)), part, head), x)

    return Learner(net.init, adapt_to, predict, loss)


def adapt(theta, support, net, part=-1, loss=mse, step_size=0.01, steps=1):
    """The adapted part of every task: a tree of leaves (M, ...)."""
    body, head = copies(theta, len(support.x)), copies(part_of(theta, part), len(support.x))

    def total_loss(head):
        return np.sum(loss(net.apply(with_part(body, part, head), support.x), support.y))

    for _ in range(steps):
        head = tree_map(lambda p, g: p - step_size * g, head, grad(total_loss)(head))
    return head


def part_of(theta, part):
    """theta[part]; raises ValueError if there is none."""
    known = list(theta) if isinstance(theta, dict) else range(-len(theta), len(theta))
    if part not in known:
        raise ValueError(f"part is {part!r}; the network's parameters have {list(known)}.")
    return theta[part]


def with_part(theta, part, new):
    """theta with theta[part] replaced: a new tree."""
    if isinstance(theta, dict):
        return {**theta, part: new}
    part = part % len(theta)
    return [*theta[:part], new, *theta[part + 1 :]]
