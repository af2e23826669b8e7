"""What the README says is so: its code prints what it shows, its syllabus is the lessons'."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import hostile
import pytest
from planted_mistakes import PLANTED

from minimeta.course import assignments
from minimeta.course.lessons import all_lessons
from minimeta.exact.families import FAMILIES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shape(text):
    """The text without the numbers of answers, whose last digits depend on the machine."""
    return re.sub(r"\([-+.\w]+, at most [-+.\w]+\)", "(a number)", text)


SHOWN = re.findall(r"```python\n(.*?)```\s+```console\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code, shown", SHOWN, ids=["certificate", "floor"])
def test_the_lines_print_what_is_shown_below_them(code, shown):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert shape(printed.getvalue()) == shape(shown)


def test_the_certificate_is_the_first_code_and_has_ten_lines():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert "conform(" in code and len([line for line in code.splitlines() if line]) <= 10


def test_the_floors_are_those_of_the_families():
    table = README[README.index("| family |") : README.index("## Letters")]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert rows == [(name, family.tasks, family.floor) for name, family in FAMILIES.items()]


RECIPES = re.findall(
    r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL
)


@pytest.mark.parametrize("recipe", RECIPES, ids=["ridge", "means", "delta", "agent"])
def test_a_learner_of_contributing_is_short_and_conforms(recipe):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(recipe, {})
    answers = printed.getvalue().splitlines()
    assert len(answers) >= 6 and all(answer.startswith("ok ") for answer in answers)
    assert len([line for line in recipe.splitlines() if line.strip()]) <= 25


def test_the_syllabus_has_every_lesson_with_its_title():
    rows = re.findall(r"^\| \[(\d\d)\]\(lessons/(\w+)\.py\) \| (.+?) \|$", README, re.MULTILINE)
    assert rows == [(x.number, x.path.stem, x.title) for x in all_lessons()]


def test_every_file_and_folder_it_names_exists():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for room in re.findall(r"^\| \d \| `([\w/.]+)` \|", README, re.MULTILINE):
        assert (ROOT / "minimeta" / room).exists(), room


def test_the_course_is_counted_as_it_is():
    course = README[README.index("## A course") : README.index("## The proof sheet")]
    words = " ".join(course.split())
    wrong = [lost for each in PLANTED.values() for *_, lost in each]
    named = sum(any(lost.values()) for lost in wrong)
    harm = len(hostile.HARM) + len(hostile.TRICKS)
    assert f"{len(wrong)} wrong solutions" in words and f"({named} are told" in words
    assert f"{harm} hostile programs" in words
    every = [assignments.find(name) for name in PLANTED]
    assert ", ".join(sorted(each.number for each in every)[:-1]) in words and len(every) == 10
    assert {min(len(x.tasks) for x in every), max(len(x.tasks) for x in every)} == {5, 8}


def test_the_sweep_of_the_readme_runs_as_a_script(tmp_path):
    (code,) = re.findall(r"```python\n([^`]*minimeta\.sweep[^`]*)```", README)
    job = "def job(setting):\n    return {'loss': setting['seed'] * setting['step_size']}\n"
    (tmp_path / "my_jobs.py").write_text(job)
    (tmp_path / "script.py").write_text(code)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert [line.split()[0] for line in run.stdout.splitlines()] == [
        "step_size=0.01",
        "step_size=0.1",
    ], run.stderr
    assert len(list((tmp_path / "runs").rglob("*.npz"))) == 16
