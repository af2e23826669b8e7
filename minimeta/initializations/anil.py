"""ANIL: MAML that adapts one part of the network and shares the rest.

    meta:    theta = (body, head)
    adapt:   head_i <- head_i - a dL(body, head_i; support)     `steps` times, the body fixed
    learn:   min_theta  E_task L(body, head_i; query)           second derivatives included

With a linear network whose head is solved exactly this is principal component analysis of the
tasks: the body learns the directions in which they differ most.

Source: Raghu, Raghu, Bengio & Vinyals 2020.  Lesson inner_loop.
"""

from functools import partial

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.contract import task_copies
from minimeta.core.gradients import grad
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.core.trees import copies, tree_map
from minimeta.initializations.maml import check_inner, check_network


def learner(net, part=-1, loss=mse, step_size=0.01, steps=1) -> Learner:
    """ANIL on a network: the inner loop changes theta[part] only, by default an mlp's last layer.

    `part` is a position or a key in the network's parameters, such as -1, 0 or "last". `adapt`
    raises ValueError if the network has no such part.
    """
    check_inner(step_size, steps)
    check_network(net, loss)
    inner = partial(adapt, net=net, part=part, loss=loss, step_size=step_size, steps=steps)

    def predict(theta, head, x):
        return net.apply(replace_part(copies(theta, len(x)), part, head), x)

    return Learner(net.init, inner, predict, loss)


def adapt(theta, support, net, part=-1, loss=mse, step_size=0.01, steps=1):
    """The adapted part of every task: a tree of leaves (M, ...)."""
    check_inner(step_size, steps)
    checks.function("loss", loss)
    body = task_copies(net, theta, support)
    head = part_of(body, part)

    def total_loss(head):
        losses = loss(net.apply(replace_part(body, part, head), support.x), support.y)
        checks.one_per_task("loss", losses, len(support.x))
        return np.sum(losses)

    for _ in range(steps):
        gradient = grad(total_loss)(head)
        head = tree_map(lambda p, g: p - step_size * g, head, gradient)
    return head


def part_of(theta, part):
    """theta[part]; raise ValueError if there is none."""
    known = list(theta) if isinstance(theta, dict) else range(-len(theta), len(theta))
    if part not in known:
        raise ValueError(f"part is {part!r}; the network's parameters have {list(known)}.")
    return theta[part]


def replace_part(theta, part, new):
    """theta with theta[part] replaced: a new tree."""
    if isinstance(theta, dict):
        return {**theta, part: new}
    part = part % len(theta)
    return [*theta[:part], new, *theta[part + 1 :]]
