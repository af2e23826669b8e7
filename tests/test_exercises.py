"""Every exercise can be done: its teachers' solution passes the check, obvious mistakes do not."""

import importlib.util
import re

import lesson_form
import pytest

from minimeta.course import lessons
from minimeta.course.claims import check

TEACHERS = lessons.ROOT / "teachers"
CHECKS = {
    lesson.path.stem: lesson_form.questions(lesson.path.read_text(encoding="utf-8"))
    for lesson in lessons.all_lessons()
}
EXERCISES = [(stem, number) for stem, checks in CHECKS.items() for number in checks]
SOLUTION = re.compile(r"exercise_(\d+)")
CELL = """# %%
# Exercise 1. Put your answer in place of the dots and take the first # away.
# check(..., "21979a55")
"""


def load(path):
    """The module of a teachers' file. Raises FileNotFoundError if there is none."""
    spec = importlib.util.spec_from_file_location(f"teachers_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def accepts(question, answer):
    """Whether a check cell takes the answer, in which the student has put it for the dots."""
    try:
        eval(question.replace("...", "answer", 1), {"check": check, "answer": answer})
    except AssertionError:
        return False
    return True


def solutions(module):
    """{number: function} of a teachers' file."""
    named = {SOLUTION.fullmatch(name): f for name, f in vars(module).items()}
    return {int(match[1]): f for match, f in named.items() if match}


def complaints(checks, module):
    """What is missing or left over in a teachers' file for these check cells."""
    for what, have in (("exercise_", solutions(module)), ("MISTAKES ", module.MISTAKES)):
        for number in sorted(set(checks) ^ set(have)):
            yield f"{what}{number} " + ("has no check" if number in have else "is missing")
    for number, wrong in module.MISTAKES.items():
        if not wrong:
            yield f"no mistake is named for exercise {number}"


@pytest.mark.parametrize("stem", [stem for stem, checks in CHECKS.items() if checks])
def test_every_check_has_its_solution_and_its_mistakes(stem):
    assert not list(complaints(CHECKS[stem], load(TEACHERS / f"{stem}.py")))


def test_every_teachers_file_belongs_to_a_lesson_with_exercises():
    have = {path.stem for path in TEACHERS.glob("*.py")}
    assert have == {stem for stem, checks in CHECKS.items() if checks}


@pytest.mark.parametrize("stem, number", EXERCISES)
def test_the_solution_passes_and_the_mistakes_do_not(stem, number):
    module, question = load(TEACHERS / f"{stem}.py"), CHECKS[stem][number]
    answer = solutions(module)[number]()
    assert accepts(question, answer), f"the solution gives {answer!r}"
    for wrong in module.MISTAKES[number]:
        assert not accepts(question, wrong), f"{wrong!r} is accepted"


def test_a_check_takes_an_answer_for_its_dots():
    assert accepts('check(..., "ab01ff00")', 3.0) is False
    right = lesson_form.questions(CELL)[1]
    assert accepts(right, 6.0) and accepts(right, 6) and not accepts(right, 7.0)


def test_what_is_missing_or_left_over_is_named(tmp_path):
    path = tmp_path / "00_small.py"
    path.write_text("MISTAKES = {1: [], 3: [2.0]}\n\n\ndef exercise_3():\n    return 1.0\n")
    assert list(complaints({1: "check(...)"}, load(path))) == [
        "exercise_1 is missing",
        "exercise_3 has no check",
        "MISTAKES 3 has no check",
        "no mistake is named for exercise 1",
    ]
