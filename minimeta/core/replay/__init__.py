"""Record a function once, then run it as straight-line NumPy code: faster, with the same numbers.

cache          `replay` keeps the programs of a function and checks that they still hold
recording      notes every call of a primitive that one evaluation makes
program        writes these calls as Python source
arguments      finds what a function changes in its arguments
execution      observes which code runs, and refuses questions to clocks, files and generators
contents       how to read again what an object holds
surroundings   watches what a function reads besides its arguments, all of it

Nothing here changes a number, so a first reader can skip this folder.
"""

from minimeta.core.replay.cache import ReplayError, replay

__all__ = ["ReplayError", "replay"]
