"""The squared gradients of all examples in one backward pass, for networks of linear layers.

A layer y = h W + b that is handed the slope d_n of example n has the slope h_n d_n' in W, so

    a gradient      W: h' d            b: sum_n d_n
    squares         W: (h^2)' (d^2)    b: sum_n d_n^2

and no gradient of a single example is ever made. autograd hands every call on a traced array to a
node of its tape; the node below also keeps what a layer was fed, and lets no slope into W and b.

Source: Goodfellow 2015, Efficient per-example gradient computations, arXiv:1510.01799.
"""

from autograd.core import VJPNode, add_outgrads
from autograd.tracer import isbox, new_box, trace_stack
from autograd.util import toposort

from minimeta.core.backend import np
from minimeta.core.trees import leaves, unflatten
from minimeta.nets.layers import affine


class Layer(VJPNode):
    """A call on the tape; `own` has the roots of the parameters it takes, `fed` is its input."""

    __slots__ = ["own", "fed"]

    def initialize_root(self):
        super().initialize_root()
        self.own, self.fed = None, None

    def __init__(self, value, fun, args, kwargs, argnums, parents):
        self.own = [parent for parent in parents if parent.own is None]
        linear = fun is affine and len(self.own) == 2 and args[0].ndim == 2
        self.fed = args[0] if linear else None
        if linear:  # what is left to differentiate in is h, if that was traced
            argnums, parents = argnums[:-2], parents[:-2]
        super().__init__(value, fun, args, kwargs, argnums, parents)


def traced(params, x, net):
    """The outputs (N, C), the nodes from them back to the inputs, and the roots of the leaves."""
    roots, top = [Layer.new_root() for _ in leaves(params)], trace_stack.top
    try:
        with trace_stack.new_trace() as trace:
            boxes = [new_box(leaf, trace, root) for leaf, root in zip(leaves(params), roots)]
            outputs = net.apply(unflatten(params, boxes), x)
    finally:
        trace_stack.top = top
    nodes = list(toposort(outputs._node)) if isbox(outputs) else []
    return getattr(outputs, "_value", outputs), nodes, roots


def is_layered(params, x, net):
    """Whether all parameters are W and b of linear layers, used once, over rows that are examples.

    No network may mix its examples, as batch normalisation does: then none has its own gradient.
    """
    _, nodes, roots = traced(params, x, net)
    owners = [node for node in nodes if node.own]
    taken = [root for node in owners for root in node.own]
    rows = all(node.fed is not None and len(node.fed) == len(x) for node in owners)
    return bool(nodes) and rows and sorted(map(id, taken)) == sorted(map(id, roots))


def squared_gradients(params, data, net, output_roots):
    """sum_n sum_k (J_n' E_kn)^2, a tree like params, for E (K, N, C) = output_roots(outputs, y)."""
    outputs, nodes, roots = traced(params, data.x, net)
    squares = {}
    for E in output_roots(outputs, data.y):
        for layer, d in layer_slopes(nodes, E):
            squares[layer] = squares.get(layer, 0.0) + d * d
    found = {}
    for layer, d2 in squares.items():
        W, b = layer.own
        found[W], found[b] = np.transpose(layer.fed * layer.fed) @ d2, np.sum(d2, axis=0)
    return unflatten(params, [found[root] for root in roots])


def layer_slopes(nodes, error):
    """Every linear layer with the slope (N, C) that it is handed, going back from the outputs."""
    slopes = {nodes[0]: (error, False)}
    for node in nodes:
        slope = slopes.pop(node)[0]
        if node.own:
            yield node, slope
        for parent, part in zip(node.parents, node.vjp(slope) if node.parents else ()):
            slopes[parent] = add_outgrads(slopes.get(parent), part)
