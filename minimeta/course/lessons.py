"""Finds lessons, reads their titles, and runs each in a fresh process with its figures in out/."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = PACKAGE / "shipped"  # a wheel brings the lessons there; in a clone they stand beside it
ROOT = SHIPPED if SHIPPED.is_dir() else PACKAGE.parent
TITLE = re.compile(r"^# #+ (?:Lesson )?\d+[.:]? *(.*)$", re.MULTILINE)
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
CLAIMS = ("claim", "claim_equal")


class Lesson(NamedTuple):
    """A file of lessons/: number ("05"), name ("maml"), title, path, and lines that make claims."""

    number: str
    name: str
    title: str
    path: Path
    claims: int


class Outcome(NamedTuple):
    """A lesson that was run: how long it took, whether all is well, what it printed and claimed."""

    seconds: float
    passed: bool
    output: str
    claims: dict  # how many "holds", "fails", "skipped", lines that "ran"; empty without finish()


class LessonError(ValueError):
    """A lesson that does not exist, or a place without lessons."""


def all_lessons(root=ROOT):
    """Every lesson in order. Raises LessonError where there are none."""
    paths = sorted((root / "lessons").glob("[0-9][0-9]_*.py"))
    if not paths:
        raise LessonError(
            f"There are no lessons in {root / 'lessons'}: they come with the repository."
        )
    return [read(path) for path in paths]


def read(path):
    """What a lesson's file says of itself."""
    text = path.read_text(encoding="utf-8")
    title = TITLE.search(text)
    if not title:
        raise LessonError(f"{path.name} must begin with a Markdown title: # # 05. Title")
    number, name = path.stem.split("_", 1)
    return Lesson(number, name, title[1].strip(), path, count_claims(text))


@functools.cache
def count_claims(text):
    """How many lines of a lesson make claims. To parse all lessons takes most of a second."""
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return len({f.lineno for f in calls if isinstance(f, ast.Name) and f.id in CLAIMS})


def find(word, root=ROOT):
    """The lesson named by "5", "05", "maml" or "05_maml"; LessonError lists them all."""
    wanted = word.strip().removesuffix(".py").lower()
    lessons = all_lessons(root)
    for lesson in lessons:
        known = {lesson.number, str(int(lesson.number)), lesson.name, lesson.path.stem}
        if wanted in known:
            return lesson
    have = ", ".join(lesson.path.stem for lesson in lessons)
    raise LessonError(f"There is no lesson {word!r}; there are {have}.")


def run(lesson, quick=False, out=None, echo=False, seed=None, program=None):
    """Run a lesson in a fresh process; return its Outcome.

    Figures go to `out`, by default `folder(quick)`; `seed` becomes the lesson's MINIMETA_SEED. With
    echo, the lesson prints as it runs and the output is empty. A lesson that ends before its last
    cell, which counts its claims, or that leaves out a claim written in it, has failed. `program`
    are the words for Python that run the lesson, where they are more than its path.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "claims.json"
        env = environment(quick, out or folder(quick, lesson.path.parents[1]))
        if seed is not None:
            env["MINIMETA_SEED"] = str(seed)
        done = subprocess.run(
            [sys.executable, *(program or [str(lesson.path)])],
            cwd=lesson.path.parents[1],
            env={**env, "MINIMETA_CLAIMS": str(report)},
            stdout=None if echo else subprocess.PIPE,
            stderr=None if echo else subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        claims = json.loads(report.read_text()) if report.exists() else {}
    passed = done.returncode == 0 and claims.get("ran", 0) >= lesson.claims
    return Outcome(time.perf_counter() - start, passed, done.stdout or "", claims)


def folder(quick=False, root=ROOT):
    """Where figures go: `MINIMETA_OUT`, or out/, or out/quick/ in quick mode; the folder is made.

    out/ is that of the clone, and in the folder one is in where the package came as a wheel. Raises
    LessonError if it cannot be written to: better before hours of computing than after.
    """
    usual = (Path() if root == SHIPPED else root) / "out"
    usual = usual / "quick" if quick else usual
    path = Path(os.environ.get("MINIMETA_OUT") or usual).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise LessonError(f"Figures cannot be written to {path}: {error.strerror}.") from None
    return path


def environment(quick, out):
    """The environment of a lesson: one BLAS thread unless told otherwise, no window."""
    env = {**dict.fromkeys(THREADS, "1"), **os.environ, "MINIMETA_OUT": str(out)}
    env.update(MPLBACKEND="Agg", PYTHONIOENCODING="utf-8", MINIMETA_QUICK="1" if quick else "0")
    return env
