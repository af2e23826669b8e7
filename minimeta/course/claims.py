"""What a lesson says on its pages: claims it makes, and checks of a student's answers.

    claim(error < 0.85, "ten examples are enough", error, "< 0.85")
    claim_equal(grad(f)(t), A @ t, 1e-13, "the gradient is A t")
    check(my_answer, "5f2a90c1")

A claim is printed with the value found and the value needed. One that fails does not end the
lesson, so its figure is still drawn; `finish()`, in the last cell, counts them and fails then.
Claims on trained results (`trained=True`) are left out of quick mode, whose loops are too short.
"""

import hashlib
import json
import math
import os
import sys

import numpy

from minimeta.core.backend import to_host
from minimeta.core.trees import leaves

QUICK = os.environ.get("MINIMETA_QUICK") == "1"  # short loops: every line runs, nothing is trained
SEED = int(os.environ.get("MINIMETA_SEED", "0"))  # of the lesson's generator
GREEN, RED, GREY, PLAIN = "\033[32m", "\033[31m", "\033[90m", "\033[0m"
MADE = {}  # claim -> "holds", "fails" or "skipped"; a cell that is run again makes no second one
LINES = set()  # (file, line) of every call that made a claim, so that none written is passed by


def claim(holds, sentence, value=None, needed=None, trained=False):
    """State a sentence that the code above must have made true; return whether it holds.

    value is what was found and needed what it should be, as words ("< 0.85") or a number; both are
    printed. A trained claim is skipped in quick mode.
    """
    outcome = "skipped" if trained and QUICK else "holds" if bool(holds) else "fails"
    MADE[sentence] = outcome
    LINES.add(_place())
    numbers = [] if value is None else [show(value)]
    numbers += [] if needed is None else [f"needed: {show(needed)}"]
    numbers = f"  [{', '.join(numbers)}]" if numbers and outcome != "skipped" else ""
    print(f"{paint(outcome)}  {sentence}{numbers}")
    return outcome != "fails"


def claim_equal(computed, exact, tolerance, sentence, trained=False):
    """State that two numbers, arrays or trees are equal to within an absolute tolerance."""
    pairs = zip(leaves(to_host(computed)), leaves(to_host(exact)), strict=True)
    gap = max(float(numpy.max(numpy.abs(numpy.subtract(a, b)), initial=0.0)) for a, b in pairs)
    needed = f"at most {tolerance:.0e} apart"
    return claim(gap <= tolerance, sentence, f"{gap:.1e} apart", needed, trained)


def finish():
    """Count the claims of this run; raise AssertionError if one of them failed."""
    counts = {word: list(MADE.values()).count(word) for word in ("holds", "fails", "skipped")}
    report = os.environ.get("MINIMETA_CLAIMS")
    if report:
        with open(report, "w", encoding="utf-8") as file:
            json.dump({**counts, "ran": len(LINES)}, file)
    print(summarise(counts))
    failed = [sentence for sentence, outcome in MADE.items() if outcome == "fails"]
    if failed:
        raise AssertionError(f"{len(failed)} of {len(MADE)} claims fail: {'; '.join(failed)}.")


def summarise(counts):
    """What finish prints: "12 claims hold, 3 need a full run."."""
    text = f"{counts['holds']} claims hold"
    text += f", {counts['fails']} FAIL" if counts["fails"] else ""
    return text + (f", {counts['skipped']} need a full run" if counts["skipped"] else "")


def check(answer, digest, digits=3):
    """Compare an answer to an exercise with the right one, of which only a fingerprint is kept.

    answer is a number, a text, a bool, a shape or a list of these; numbers count to `digits`
    significant digits. Raises AssertionError where the answer is another.
    """
    if digest not in fingerprints(answer, digits):
        raise AssertionError(f"{show(answer)} is not the answer yet.")
    print(f"{paint('holds')}  your answer is right: {show(answer)}")


def fingerprint(answer, digits=3):
    """The eight characters that stand for an answer in a lesson's check cell."""
    return _hash([_round(value, digits) for value in _flat(answer)])


def fingerprints(answer, digits=3):
    """Those of the answer, and of what it rounds to if its last digit is a hair off."""
    values = _flat(answer)
    hairs = (0.0, -0.3, 0.3) if any(isinstance(value, float) for value in values) else (0.0,)
    return {_hash([_round(value, digits, hair) for value in values]) for hair in hairs}


def show(value):
    """A value as a reader wants it: four digits, or its text."""
    if isinstance(value, (str, bool, int)):
        return str(value)
    array = numpy.asarray(to_host(value))
    if array.dtype.kind not in "fiub":
        return str(value)
    numbers = [f"{number:.4g}" for number in array.ravel()[:6]]
    return ", ".join(numbers) + (", ..." if array.size > 6 else "")


def paint(outcome):
    """The mark of a claim, in colour on a terminal."""
    mark, colour = {"holds": ("ok  ", GREEN), "fails": ("FAIL", RED), "skipped": ("--  ", GREY)}[
        outcome
    ]
    return f"{colour}{mark}{PLAIN}" if sys.stdout.isatty() else mark


def _place():
    """The file and the line that called claim or claim_equal."""
    frame = sys._getframe(2)
    while frame.f_globals is globals():
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _flat(answer):
    """The answer as a list of Python values, numbers as floats."""
    if isinstance(answer, (list, tuple)):
        return [value for part in answer for value in _flat(part)]
    if isinstance(answer, (str, bool, numpy.bool_)):
        return [str(answer).strip().lower()]
    return [float(value) for value in numpy.ravel(to_host(answer))]


def _round(value, digits, hair=0.0):
    """A number to some significant digits, moved before by a share of the last one."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return str(value)
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1) if value else 0.0
    return f"{value + hair * unit:.{digits - 1}e}".replace("-0.", "0.") if value else "0"


def _hash(values):
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:8]
