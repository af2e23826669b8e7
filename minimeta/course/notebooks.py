"""Lessons as notebooks (nbformat 4.5) that have been run, with their figures inside.

Nothing but the standard library is needed to write them. A notebook that was made from the same
lesson, package and versions of NumPy, autograd, Matplotlib and Python is kept as it is.
"""

import base64
import functools
import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from minimeta.course import lessons
from minimeta.course.cells import cells
from minimeta.course.claims import SEED

ABOUT = {  # a notebook's metadata
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py"},
}
RUN = {f"course/{name}.py" for name in ("claims", "cells", "notebooks")}
AFTER = ("course/", "shipped/", "__main__.py")  # what no lesson's result depends on, apart from RUN


def write_all(folder: Path, quick: bool = False) -> int:
    """Run every lesson that has changed, as many at once as there are cores; 1 if one failed."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        every = lessons.all_lessons()
        books = pool.map(lambda one: write(one, folder, quick), every)
        for lesson, (book, kept) in zip(every, books):
            about = book["metadata"]["minimeta"]
            word = "as it was" if kept else f"{about['seconds']:5.1f} s"
            print(f"{lesson.path.stem:24} {word if about['passed'] else 'FAILED'}", flush=True)
            failed += [] if about["passed"] else [lesson.path.name]
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else f"They are in {folder}.")
    return 1 if failed else 0


def write(lesson: lessons.Lesson, folder: Path, quick: bool = False) -> tuple[dict, bool]:
    """The notebook of a lesson, and whether it was there; it is run if the one there is not its."""
    path, mark = folder / f"{lesson.path.stem}.ipynb", fingerprint(lesson, quick)
    if path.is_file():
        book = load(folder, lesson)
        if book["metadata"].get("minimeta", {}).get("fingerprint") == mark:
            return book, True
    book, outcome = run(lesson, quick)
    about = {"seconds": round(outcome.seconds, 1), "passed": outcome.passed}
    about["fingerprint"] = mark if outcome.passed else None  # what failed is run again
    book["metadata"]["minimeta"] = about
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return book, False


def load(folder, lesson):
    """The notebook that was written of a lesson."""
    return json.loads((folder / f"{lesson.path.stem}.ipynb").read_text(encoding="utf-8"))


def run(lesson, quick=False):
    """Run a lesson by cells in a fresh process; return its notebook and its Outcome."""
    with tempfile.TemporaryDirectory() as place:
        notes = Path(place, "notes.json")
        program = ["-m", "minimeta.course.cells", str(lesson.path), str(notes)]
        outcome = lessons.run(lesson, quick, place, program=program)
        shown = json.loads(notes.read_text(encoding="utf-8")) if notes.is_file() else []
        return notebook(lesson, shown), outcome


def notebook(lesson, shown):
    """The notebook as a dict: the lesson's cells with what was shown by those that ran."""
    made, notes = [], iter(shown)
    for number, cell in enumerate(cells(lesson.path.read_text(encoding="utf-8"))):
        about = {"id": f"cell-{number:03}", "metadata": {}, "source": lines(cell.text)}
        if cell.markdown:
            made.append({"cell_type": "markdown", **about})
            continue
        count = 1 + sum(other["cell_type"] == "code" for other in made)
        note = next(notes, None)
        ran = {"execution_count": count if note else None, "outputs": outputs(note) if note else []}
        made.append({"cell_type": "code", **about, **ran})
    return {"cells": made, "metadata": dict(ABOUT), "nbformat": 4, "nbformat_minor": 5}


def outputs(note):
    """What a cell showed, as a notebook's outputs: what it printed, its figures, its error."""
    texts = (("stdout", note["printed"]), ("stderr", note["complained"]))
    made = [
        {"name": name, "output_type": "stream", "text": lines(text)} for name, text in texts if text
    ]
    for path in map(Path, note["figures"]):
        data = {"image/png": base64.b64encode(path.read_bytes()).decode()}
        data["text/plain"] = [f"<the figure {path.stem}>"]
        made.append({"data": data, "metadata": {}, "output_type": "display_data"})
    if note["raised"]:
        name, value, trace = note["raised"]
        error = {"ename": name, "evalue": value, "traceback": trace.splitlines()}
        made.append({"output_type": "error", **error})
    return made


def lines(text):
    """A text as a notebook keeps it: a list of lines that keep their ends."""
    return text.splitlines(keepends=True)


def fingerprint(lesson, quick=False):
    """What the notebook of a lesson depends on, in a few letters."""
    mode = "quick" if quick else "full"
    mark = hashlib.sha256(f"{mode} {SEED} {package_fingerprint()}".encode())
    mark.update(lesson.path.read_bytes())
    return mark.hexdigest()[:16]


@functools.cache
def package_fingerprint():
    """The same for all that lessons run and theorems prove: the package, its tools, and Python."""
    tools = [version(name) for name in ("autograd", "numpy", "matplotlib")]
    mark = hashlib.sha256(" ".join([sys.version, *tools]).encode())
    for path in sorted(lessons.PACKAGE.rglob("*")):
        name = path.relative_to(lessons.PACKAGE).as_posix()
        if path.suffix in (".py", ".npz") and (name in RUN or not name.startswith(AFTER)):
            mark.update(name.encode() + path.read_bytes())
    return mark.hexdigest()
