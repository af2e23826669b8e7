"""Gradients with respect to parameter trees, of any order.

    value_and_grad(f)(theta) = f(theta), df/dtheta            the gradient is a tree like theta

Every leaf of the tree gets a root of its own on autograd's tape. autograd's own `grad` would put
the whole container on the tape instead and rebuild it for every use of every leaf; this is the same
derivative without that work. Calls nest: the gradient of a function that takes a gradient is exact.
"""

from autograd.core import VJPNode, add_outgrads
from autograd.extend import vspace
from autograd.tracer import isbox, new_box, register_notrace, trace_stack
from autograd.util import toposort

from minimeta.core.backend import np, primitive
from minimeta.core.trees import check_parameters, dot, leaves, tree_map, unflatten


def value_and_grad(f, argnum=0):
    """A function of the same arguments that returns f's scalar value and its gradient.

    The gradient, with respect to argument `argnum`, is a tree of the argument's structure. Raises
    TypeError for a leaf that is no float array, ValueError if f does not return a scalar.
    """

    def evaluate(*args):
        tree = args[argnum]
        check_parameters(f"argument {argnum}", tree)
        inputs = leaves(tree)
        roots = [VJPNode.new_root() for _ in inputs]
        with trace_stack.new_trace() as trace:
            boxes = [new_box(leaf, trace, root) for leaf, root in zip(inputs, roots)]
            output = f(*args[:argnum], unflatten(tree, boxes), *args[argnum + 1 :])
        if output is None:
            raise TypeError("A gradient needs a scalar; f returned None, as without a `return`.")
        if np.shape(output) != ():
            raise ValueError(f"A gradient needs a scalar; f returned shape {np.shape(output)}.")
        if not (isbox(output) and output._trace == trace):  # f does not depend on the tree
            return output, unflatten(tree, [vspace(leaf).zeros() for leaf in inputs])
        return output._value, unflatten(tree, _gradients(output, roots, inputs))

    return evaluate


def grad(f, argnum=0):
    """A function of the same arguments that returns the gradient of the scalar f: a tree."""
    both = value_and_grad(f, argnum)
    return lambda *args: both(*args)[1]


def hvp(f, argnum=0):
    """A function (*args, vector) that returns the Hessian of f times `vector`: a tree."""

    def product(*args):
        *args, vector = args
        along = lambda *inner: dot(grad(f, argnum)(*inner), vector)
        return grad(along, argnum)(*args)

    return product


def constant(tree):
    """The same values, which every gradient takes for constants."""
    return tree_map(_constant, tree)


@primitive
def _constant(leaf):
    return leaf


register_notrace(VJPNode, _constant)  # no gradient follows it, so none is computed to be dropped


def _gradients(output, roots, inputs):
    """d output / d input for every root, walking the tape backwards once."""
    sums = {output._node: (vspace(output._value).ones(), False)}
    for node in toposort(output._node):
        if node.parents:  # the roots keep what has gathered in them
            gradient = sums.pop(node)[0]
            for parent, part in zip(node.parents, node.vjp(gradient)):
                sums[parent] = add_outgrads(sums.get(parent), part)
    return [sums[r][0] if r in sums else vspace(x).zeros() for r, x in zip(roots, inputs)]
