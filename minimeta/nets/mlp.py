"""Multi-layer perceptron: linear layers with an activation between them.

h <- activation(h W_l + b_l)  for every layer but the last, which is linear
"""

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.nets.layers import linear, relu
from minimeta.nets.net import Net


def mlp(sizes, activation=relu, gain=2.0):
    """A perceptron with layers of the given sizes, inputs first: mlp([1, 40, 40, 1]).

    Weights start as N(0, gain / inputs), biases at zero. A gain of 2 keeps the variance through
    relu (He et al. 2015), a gain of 1 through tanh (Glorot & Bengio 2010, for equal widths).
    """
    checks.widths("sizes", sizes, at_least=2)
    checks.function("activation", activation)
    checks.number("gain", gain, above=0.0)

    def init(rng):
        checks.generator("rng", rng)
        return to_device([layer(rng, D, C, gain) for D, C in zip(sizes[:-1], sizes[1:])])

    def apply(params, x):
        check_input(x, sizes[0])
        if len(params) != len(sizes) - 1:
            raise ValueError(
                f"params must be a list of {len(sizes) - 1} layers; its length is {len(params)}."
            )
        for h_params in params[:-1]:
            x = activation(linear(x, **h_params))
        return linear(x, **params[-1])  # (..., N, C)

    return Net(init, apply)


def layer(rng, inputs, outputs, gain):
    """Fresh parameters of one linear layer."""
    W = rng.normal(scale=(gain / inputs) ** 0.5, size=(inputs, outputs))
    return {"W": W, "b": np.zeros(outputs)}


def check_input(x, width):
    """Raise unless x is (..., N, width)."""
    checks.floats("x", x)
    checks.axes("x", x, "... N D")
    if np.shape(x)[-1] != width:
        raise ValueError(
            f"x must have {width} inputs on its last axis; its shape is {np.shape(x)}."
        )
