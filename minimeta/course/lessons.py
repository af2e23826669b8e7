"""Finds lessons, reads their titles, and runs each in a fresh process with its figures in out/."""

import ast
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]  # the clone, when the package is installed from one
TITLE = re.compile(r"^# #+ (?:Lesson )?\d+[.:]? *(.*)$", re.MULTILINE)
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Lesson(NamedTuple):
    """A file of lessons/: number ("05"), name ("maml"), title, path, and how many claims it has."""

    number: str
    name: str
    title: str
    path: Path
    claims: int


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
    claims = sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(text)))
    number, name = path.stem.split("_", 1)
    return Lesson(number, name, title[1].strip(), path, claims)


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


def run(lesson, quick=False, out=None, echo=False):
    """Run a lesson in a fresh process; return (seconds, finished well, what it printed).

    Figures go to `out`, the folder out/ of the clone by default. With echo, the lesson prints as it
    runs and the returned text is empty.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(lesson.path)],
        cwd=lesson.path.parents[1],
        env=environment(quick, out or lesson.path.parents[1] / "out"),
        stdout=None if echo else subprocess.PIPE,
        stderr=None if echo else subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return time.perf_counter() - start, done.returncode == 0, done.stdout or ""


def environment(quick, out):
    """The environment of a lesson: one BLAS thread unless told otherwise, no window, asserts on."""
    env = {**dict.fromkeys(THREADS, "1"), **os.environ, "MINIMETA_OUT": str(out)}
    env.update(MPLBACKEND="Agg", PYTHONIOENCODING="utf-8", MINIMETA_QUICK="1" if quick else "0")
    env.pop("PYTHONOPTIMIZE", None)  # it would silence every claim
    return env
