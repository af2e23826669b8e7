"""Networks as pairs of functions: init(rng) -> params, apply(params, x) -> y."""

from minimeta.nets.attention import transformer
from minimeta.nets.conv import conv
from minimeta.nets.layers import linear, relu, tanh
from minimeta.nets.mlp import mlp
from minimeta.nets.net import Net

__all__ = ["Net", "conv", "linear", "mlp", "relu", "tanh", "transformer"]
