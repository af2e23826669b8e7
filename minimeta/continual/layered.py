"""The squared gradients of all examples in one backward pass, for networks of linear layers.

Where the gradient in the output of a layer y = h W + b is d_n for example n, its gradient in W is
h_n d_n'. Summed over the examples,

    gradients       W: h' d            b: sum_n d_n
    squares         W: (h^2)' (d^2)    b: sum_n d_n^2

so the gradient of a single example is never made. autograd hands every call on a traced array to a
node of its tape. The node below also keeps the input of a layer, and passes no gradient on to the
W and b of a linear layer.

Source: Goodfellow 2015, Efficient per-example gradient computations, arXiv:1510.01799.
"""

from autograd.core import VJPNode, add_outgrads
from autograd.tracer import isbox, new_box, trace_stack
from autograd.util import toposort

from minimeta.core.backend import np
from minimeta.core.trees import leaves, unflatten
from minimeta.nets.layers import affine


class Layer(VJPNode):
    """A call on the tape; `own` has the roots of the parameters it takes, `input` what it reads."""

    __slots__ = ["own", "input"]

    def initialize_root(self):
        super().initialize_root()
        self.own, self.input = None, None

    def __init__(self, value, fun, args, kwargs, argnums, parents):
        self.own = [parent for parent in parents if parent.own is None]
        is_linear = fun is affine and len(self.own) == 2 and args[0].ndim == 2
        self.input = args[0] if is_linear else None  # (N, D)
        if is_linear:  # what is left to differentiate in is h, if that was traced
            argnums, parents = argnums[:-2], parents[:-2]
        super().__init__(value, fun, args, kwargs, argnums, parents)


def trace_layers(params, x, net):
    """The outputs (N, C), the nodes from them back to the inputs, and the roots of the leaves."""
    roots = [Layer.new_root() for _ in leaves(params)]
    with trace_stack.new_trace() as trace:
        boxes = [new_box(leaf, trace, root) for leaf, root in zip(leaves(params), roots)]
        outputs = net.apply(unflatten(params, boxes), x)
    nodes = list(toposort(outputs._node)) if isbox(outputs) else []
    return getattr(outputs, "_value", outputs), nodes, roots


def is_layered(params, x, net):
    """Whether all parameters are W and b of linear layers, used once, over rows that are examples.

    No network may mix its examples, as batch normalisation does: then none has its own gradient.
    """
    _, nodes, roots = trace_layers(params, x, net)
    owners = [node for node in nodes if node.own]
    taken = [root for node in owners for root in node.own]
    reads_rows = all(node.input is not None and len(node.input) == len(x) for node in owners)
    return bool(nodes) and reads_rows and sorted(map(id, taken)) == sorted(map(id, roots))


def squared_gradients(params, data, net, output_roots):
    """sum_n sum_k (J_n' E_kn)^2, a tree like params, for E (K, N, C) = output_roots(outputs, y)."""
    outputs, nodes, roots = trace_layers(params, data.x, net)
    squares = {}  # of d, summed over k: (N, C) for each layer
    for E in output_roots(outputs, data.y):
        for layer, d in layer_gradients(nodes, E):
            squares[layer] = squares.get(layer, 0.0) + d * d
    sums = {}
    for layer, d2 in squares.items():
        W, b = layer.own
        sums[W] = np.transpose(layer.input * layer.input) @ d2  # (h^2)' (d^2)
        sums[b] = np.sum(d2, axis=0)
    return unflatten(params, [sums[root] for root in roots])


def layer_gradients(nodes, error):
    """Every linear layer with the gradient (N, C) in its output, going back from the net's."""
    gradients = {nodes[0]: (error, False)}
    for node in nodes:
        gradient = gradients.pop(node)[0]
        if node.own:
            yield node, gradient
        for parent, part in zip(node.parents, node.vjp(gradient) if node.parents else ()):
            gradients[parent] = add_outgrads(gradients.get(parent), part)
