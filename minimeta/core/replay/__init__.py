"""Record a function once, then run it as straight-line NumPy code. It changes no number: skip it.

cache          `replay`: the programs kept for a function, and the checks that they still hold
recording      what is noted of a function: every call of a primitive
program        a recording written down as Python source
surroundings   what a function reads besides its arguments
"""

from minimeta.core.replay.cache import ReplayError, replay

__all__ = ["ReplayError", "replay"]
