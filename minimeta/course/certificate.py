"""The certificate of a learner: each question that it was asked, the answer, and what follows."""

import importlib
import os
import sys

from minimeta.conformance import inquire
from minimeta.core import checks
from minimeta.core.learner import Learner
from minimeta.exact import families
from minimeta.tasks import Family


def print_certificate(learner, family, shots, queries, seed, gradient, reference, **options):
    """Print the sheet of the Learner at "module:name" on a family; return 0 if it passes.

    The family is a name of `families.FAMILIES`, or the "module:name" of another. `gradient` and
    `reference` are such names too, or None. Raises ValueError, in one sentence, for a name that
    leads to nothing.
    """
    tasks, about, floor = find_family(family, shots, queries)
    options["gradient"] = gradient and find("gradient", gradient, callable, "a function")
    options["reference"] = reference and find("reference", reference, is_learner, "a Learner")
    checks.integer("seed", seed, at_least=0)
    found = find("learner", learner, is_learner, "a Learner")
    print(f"{learner} on {family}: {about}")
    print(f"{shots} shots, {queries} queries, seed {seed}; floor: {floor}")
    sheet = inquire(found, tasks, shots, queries, seed, **options)
    for answer in sheet.answers:
        print(answer)
    for reason in dict.fromkeys(reason for _, reason in sheet.unasked):
        left_out = " ".join(question for question, why in sheet.unasked if why == reason)
        print(f"-     Not asked, because {reason}: {left_out}")
    failed = sum(not answer.holds for answer in sheet.answers)
    print(f"{len(sheet.answers)} asked, {f'{failed} fail' if failed else 'all hold'}")
    return 1 if failed else 0


def find_family(name, shots, queries):
    """The Family of this name, what its tasks are, and what its floor is."""
    if ":" not in name:
        return families.named(name, shots, queries), *families.FAMILIES[name][1:]
    family = find("family", name, lambda value: isinstance(value, Family), "a Family")
    return family, "a family of your own", "its `bayes`" if family.bayes else "none is known"


def find(argument, name, suits, wanted):
    """What "module:name" leads to; ValueError unless it is there and suits(it)."""
    module, colon, attribute = name.partition(":")
    if not (colon and module and attribute):
        raise ValueError(f"{argument} must be module:name, as my_learner:learner; it is {name!r}.")
    value = load(module)
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise ValueError(f"{module} has no {attribute!r}.")
        value = getattr(value, part)
    if not suits(value):
        raise ValueError(f"{name} must be {wanted}; it is {checks.describe(value)}.")
    return value


def load(module):
    """The module of this name, from the folder one is in or from what is installed."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise ValueError(f"{module} needs {error.name}, which is not installed.") from error
        raise ValueError(
            f"There is no module {module!r} here or among what is installed."
        ) from error
    except Exception as error:
        text = " ".join(str(error).split())
        raise ValueError(f"{module} cannot be imported: {type(error).__name__}: {text}.") from error


def is_learner(value):
    """Whether it has what a Learner has."""
    return all(callable(getattr(value, name, None)) for name in Learner._fields[:4])
