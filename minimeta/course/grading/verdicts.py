"""Compares what came back from a child with the right numbers, and says in one sentence what is so.

Nothing that a student's program wrote is shown: a message could carry the secret inputs. Only the
kind of a built-in exception, a line number and a shape get through.
"""

import builtins
import math
from typing import NamedTuple

import numpy

from minimeta.course.grading.desk import MEGABYTES, SECONDS

RIGHT = "Right."
WRONG = "The numbers are wrong."
UNSOLVED = "It is not solved yet."
ERRORS = {
    "missing": "There is no function of this name.",
    "NotImplementedError": UNSOLVED,
    "MemoryError": f"It needs more than {MEGABYTES} MB of memory, or its answer is far too large.",
    "ImportError": (
        "It imports what is not there when work is graded: only the standard library, NumPy, "
        "autograd and the hand-out's copy of minimeta are."
    ),
    "OSError": "It tries what is closed while work is graded: files, network, other programs.",
    "SystemExit": "It ends Python instead of giving an answer.",
}
ENDINGS = {
    "time": f"It did not come to an end within {SECONDS} seconds.",
    "flood": "Its answer is far too large.",
}
ENDED = "It ended before it gave an answer."


class Verdict(NamedTuple):
    """What became of one case: whether it is right, and why not."""

    right: bool
    sentence: str
    mistake: bool = False  # the sentence is that of a known mistake
    final: bool = False  # no other case of this submission will do better: its text cannot be run


def judge(question, answer):
    """The Verdict on the Answer to a question."""
    lines = answer.lines
    if not (len(lines) > 1 and "text" in lines[0] and "read" in lines[1]):
        return Verdict(False, _why_not(answer), final=True)
    numbers = _numbers(lines[-1])
    return compare(question, numbers) if numbers is not None else Verdict(False, _why_not(answer))


def compare(question, numbers):
    """The Verdict on an array of numbers."""
    exact, tolerance = question.exact, question.case.tolerance
    if not numpy.isfinite(numbers).all():
        return Verdict(False, "The answer holds NaN or infinity.")
    if _near(numbers, exact, tolerance):
        return Verdict(True, RIGHT)
    for sentence, wrong in question.mistakes.items():
        if _near(numbers, wrong, tolerance):
            return Verdict(False, sentence, mistake=True)
    if numbers.shape != exact.shape:
        return Verdict(False, f"The answer has the shape {numbers.shape}, not {exact.shape}.")
    return Verdict(False, WRONG)


def _near(numbers, exact, tolerance):
    if exact.shape != numbers.shape:
        return False
    return bool(numpy.max(numpy.abs(numbers - exact)) <= tolerance * numpy.max(numpy.abs(exact)))


def _numbers(line):
    """The array that a line of an answer holds; None if it holds none."""
    shape, numbers = line.get("shape"), line.get("numbers")
    if not (isinstance(shape, list) and isinstance(numbers, list) and len(shape) <= 8):
        return None
    if not all(type(n) is int and 0 <= n <= 100_000 for n in shape):
        return None
    if len(numbers) != math.prod(shape) or not all(type(n) in (int, float) for n in numbers):
        return None
    return numpy.array(numbers, dtype=float).reshape(shape)


def _why_not(answer):
    """One sentence on an answer without numbers."""
    last = answer.lines[-1] if answer.lines else {}
    if answer.ending in ENDINGS:
        return ENDINGS[answer.ending]
    if "syntax" in last and len(answer.lines) == 1:
        text = "".join(c for c in str(last["syntax"])[:100] if c.isprintable())
        return f"It cannot be read as Python{_place(last)}: {text}."
    kind = last.get("error")
    known = getattr(builtins, kind, None) if isinstance(kind, str) else None
    if kind == "missing":
        return ERRORS[kind]
    if not (isinstance(known, type) and issubclass(known, BaseException)):
        return ENDED
    for parent in known.__mro__:
        if parent.__name__ in ERRORS:
            return ERRORS[parent.__name__]
    return f"It stops with {kind}{_place(last)}."


def _place(line):
    """ " in line 3", with the cell where it is a notebook."""
    number, cell = line.get("line"), line.get("cell")
    if type(number) is not int or not 0 < number < 10_000:
        return ""
    notebook = isinstance(cell, str) and cell.startswith("cell ") and cell[5:].isdigit()
    return f" in line {number}" + (f" of {cell[:9]}" if notebook else "")
