"""Lists pairs of submissions that share code, by copydetect (the extra [teach]).

copydetect compares fingerprints of the text, with comments left out and every name replaced, so
that other names hide nothing. What is in the hand-out does not count. A task has few right bodies,
and honest files share some of them: a pair is a reason to read two files, and proves nothing.
"""

import csv
import importlib
import io
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from minimeta.course import assignments, handout, lessons
from minimeta.course.grading import submissions
from minimeta.course.grading.results import cell, write

RUN = 25  # characters, names being one each: a shorter run of equal code is not counted
LEAST = 0.5  # the share of equal code from which on a pair is listed


class Pair(NamedTuple):
    """Two submissions and how much of the code of each is also in the other, from 0 to 1."""

    first: str
    second: str
    of_first: float
    of_second: float


def require():
    """The module copydetect; ValueError, with the sentence what to install, where it is missing."""
    try:
        return importlib.import_module("copydetect")
    except ModuleNotFoundError as error:
        raise ValueError(
            "--similarity needs copydetect, which is not installed: pip install copydetect"
        ) from error


def report(word, place, to, tell=print):
    """Write the pairs of the submissions at a place to similarity.csv, and tell the first ten."""
    assignment = assignments.find(word)
    alike = pairs(assignment, submissions.find(place, assignment))
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(Pair._fields)
    for pair in alike:
        shares = [f"{share:.2f}" for share in pair[2:]]
        table.writerow([cell(pair.first), cell(pair.second), *shares])
    write(Path(to) / "similarity.csv", file.getvalue())
    for first, second, of_first, of_second in alike[:10]:
        tell(
            f"{first} shares {of_first:.0%} of its code with {second}, which shares {of_second:.0%}"
        )
    where = Path(to) / "similarity.csv"
    tell(f"{len(alike)} pairs in which one shares {LEAST:.0%} or more of its code: {where}")


def pairs(assignment, work):
    """The Pairs with a share of LEAST or more, the largest first."""
    copydetect = require()
    common = fingerprint(handed_out(assignment), ()).hashes
    prints = [
        (one.name, fingerprint("\n".join(text for _, text in one.cells), common))
        for one in work
        if one.cells
    ]
    alike = []
    for (first, one), (second, other) in combinations(prints, 2):
        _, shares, _ = copydetect.compare_files(one, other)
        if max(shares) >= LEAST:
            alike.append(Pair(first, second, *map(float, shares)))
    return sorted(alike, key=lambda pair: (-max(pair[2:]), -min(pair[2:]), pair))


def handed_out(assignment):
    """The text that every student was given: the file of tasks and the lesson."""
    lesson = lessons.find(assignment.lesson).path.read_text(encoding="utf-8")
    return f"{handout.student_file(assignment)}\n{handout.blank_lesson(assignment, lesson)}"


def fingerprint(text, common):
    """copydetect's fingerprint of a text without the hashes in `common`."""
    options = {"k": RUN, "win_size": 1, "boilerplate": list(common), "language": "python"}
    return require().CodeFingerprint("submission.py", fp=io.StringIO(text), **options)
