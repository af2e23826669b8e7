"""Meta-learning from the ground up: small stateless functions, each held against a closed form."""

__version__ = "0.1.0"
