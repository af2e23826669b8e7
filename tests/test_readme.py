"""What the README says is so: its code prints what it shows, its syllabus is the lessons'."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from minimeta.course.lessons import all_lessons

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_print_what_is_shown_below_them():
    code, shown = re.search(
        r"```python\n(.*?)```\s+```console\n(.*?)```", README, re.DOTALL
    ).groups()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == shown


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
