"""minimeta beside JAX and PyTorch on the same work: `make bench` runs every workload.

A workload file holds

    SIZES                 name -> sizes: what the table calls the workload, and how large it is
    init(rng, sizes)      the parameters, a tree of NumPy arrays
    sample(rng, sizes)    one batch of data, a tree of NumPy arrays
    in_LIBRARY(sizes)     step(params, data) -> value, gradient, as one writes it in that library
    SHARED                True where the value is a mean over axis 0 of every array of the data
    load_..., unload_...  only where a library holds the parameters in another form

and imports nothing but NumPy until one of these is called. in_minimeta returns the plain function;
`libraries.py` puts `replay` around it, as meta_train does.
"""

import importlib

OURS = ("minimeta", "minimeta_threads", "eager")  # programs of in_minimeta, see libraries.py
FILES = ("maml", "lstm", "learned_optimizer", "conv_episode", "attention", "fisher")
FILES += ("prototypes", "gpicl", "rl2", "vsml")


def workloads():
    """Every workload's name and the module that holds it, in the order of the table."""
    modules = [importlib.import_module(f"benchmarks.{name}") for name in FILES]
    return {name: module for module in modules for name in module.SIZES}


def programs(module):
    """The programs of a workload: minimeta first, then its peers in the order of the file."""
    return [name[3:] for name in vars(module) if name.startswith("in_")]
