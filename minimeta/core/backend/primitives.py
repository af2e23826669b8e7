"""Primitives that can be sent to another process.

A function is sent by its module and its name there. What autograd's `primitive` returns has the
name of a function inside autograd, so that cloudpickle sends a copy of it, and a copy has no
gradient: autograd keeps its rules for the function itself. Here every primitive is given the module
and the name under which the other process has it, the primitives of `autograd.numpy` included.
"""

import autograd.core
import autograd.extend
import autograd.numpy
import autograd.tracer

NUMPY = (autograd.numpy, autograd.numpy.linalg, autograd.numpy.fft, autograd.numpy.random)


def primitive(f):
    """autograd's `primitive`, under the name of f: for a function that is defined in a module."""
    return name(autograd.extend.primitive(f), f.__module__, f.__qualname__)


def name(function, module, qualified_name):
    """Tell the function where it can be imported from."""
    function.__module__, function.__qualname__ = module, qualified_name
    return function


def name_all(module):
    """Name the functions of the module that were made inside another function or by a lambda."""
    for key, function in vars(module).items():
        if "<" in getattr(function, "__qualname__", ""):
            name(function, module.__name__, key)


for module in (*NUMPY, autograd.tracer, autograd.core):
    name_all(module)
