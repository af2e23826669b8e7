"""The autograder as Gradescope wants it: a zip with setup.sh and an executable run_autograder.

Gradescope unpacks the zip in /autograder/source, runs setup.sh there once, and then, for each
student, /autograder/run_autograder. The work is in /autograder/submission, and the result is
expected in /autograder/results/results.json.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

from minimeta.course import assignments
from minimeta.course.blanking import PACKAGE
from minimeta.course.grading import results
from minimeta.course.grading.grade import grade
from minimeta.course.lessons import LessonError

SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the image.
set -e
apt-get update && apt-get install -y python3 python3-venv bubblewrap || true
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install --quiet 'autograd>=1.9' 'numpy>=2.0' matplotlib
chmod -R go= /autograder/source
"""
RUN = """#!/usr/bin/env bash
# Runs for each student; the folder of this file is /autograder.
cd "$(dirname "$0")"
PYTHON=venv/bin/python
[ -x "$PYTHON" ] || PYTHON=${{MINIMETA_PYTHON:-python3}}
export PYTHONPATH=source OPENBLAS_NUM_THREADS=1 MPLBACKEND=Agg
exec "$PYTHON" -m minimeta.course.grading.gradescope {name} "$PWD" {option}
"""


def build(assignment, path, unconfined=False):
    """Write the zip for an assignment; return its path."""
    root = PACKAGE.parent
    option = "--unconfined" if unconfined else ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        _add(file, "setup.sh", SETUP, executable=True)
        _add(file, "run_autograder", RUN.format(name=assignment.name, option=option), True)
        for source in sorted({*PACKAGE.rglob("*"), *assignment.folder.glob("*")}):
            if source.is_file() and "__pycache__" not in source.parts:
                inside = source.relative_to(root if PACKAGE in source.parents else assignments.ROOT)
                file.write(source, inside)
        for lesson in (assignments.ROOT / "lessons").glob("*.py"):
            file.write(lesson, lesson.relative_to(assignments.ROOT))
    return path


def run(name, root, unconfined=False):
    """Grade root/submission and write root/results/results.json, whatever happens."""
    answer = {"score": 0, "output": "The grader failed; please tell your teacher.", "tests": []}
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = pick_place(root / "submission", name)
            (answer,) = grade(name, place, folder, unconfined=unconfined, tell=lambda _: None)
    except LessonError as error:
        answer["output"] = str(error)
    finally:
        (root / "results").mkdir(exist_ok=True)
        results.write_json(root / "results" / "results.json", answer)


def pick_place(folder, name):
    """A folder that holds the submission as its only entry, so that it is graded as one."""
    files = [folder / f"{name}{suffix}" for suffix in (".py", ".ipynb")]
    return next((file for file in files if file.is_file()), folder)


def _add(file, name, text, executable):
    entry = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    file.writestr(entry, text)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), "--unconfined" in sys.argv)
