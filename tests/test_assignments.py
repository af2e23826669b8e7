"""Assignments: right work gets all points, wrong work loses its own, and nothing else gets any."""

import json

import pytest
from planted_mistakes import PLANTED

from minimeta.course import assignments, handout
from minimeta.course.assignments import all_assignments
from minimeta.course.grading.grade import grade
from minimeta.course.grading.verdicts import RIGHT
from minimeta.course.lessons import ROOT

pytestmark = pytest.mark.skipif(
    not hasattr(__import__("socket"), "send_fds"), reason="grading needs Unix"
)
EVERY = all_assignments()
NAMES = [assignment.name for assignment in EVERY]
ZEROS = """
import numpy
def {name}(*given, **named):
    return numpy.zeros(numpy.shape(given[0]) if given else ())
"""
ARGUMENT = """
def {name}(*given, **named):
    return given[0]
"""


def plant(text, task, old, new):
    """The solution with one more change, in the body of a task."""
    start = text.index(f"\ndef {task}(")
    end = text.find("\n# ---- Task", start) % (len(text) + 1)
    body = text[start:end]
    assert body.count(old) == 1, f"{old!r} stands {body.count(old)} times in {task}"
    return text[:start] + body.replace(old, new) + text[end:]


def planted(assignment):
    """{name: (text, {(task, case): part of a sentence})}: wrong solutions, and what each loses.

    In a05 each has one mistake. To save time, elsewhere each has one in every task that has one.
    """
    changes = PLANTED[assignment.name]
    rank = [sum(task == other for other, *_ in changes[:i]) for i, (task, *_) in enumerate(changes)]
    if assignment.name == "a05":
        rank = range(len(changes))
    texts = {}
    for number, (task, old, new, cases) in zip(rank, changes):
        text, lost = texts.get(f"planted{number}", (handout.student_file(assignment, True), {}))
        lost = {**lost, **{(task, case): part for case, part in cases.items()}}
        texts[f"planted{number}"] = plant(text, task, old, new), lost
    return texts


def as_notebook(text):
    """A program as a notebook, with a heading, a shell line and a cell that fails."""
    pieces = ["%matplotlib inline\n!ls", "1 / 0", *text.split("\n\n\n")]
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# My answers"]}]
    cells += [{**code, "source": piece.splitlines(keepends=True)} for piece in pieces]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module", params=NAMES)
def graded(request, tmp_path_factory):
    """(assignment, {name of a submission: its result}), from one run of the grader."""
    assignment = EVERY[NAMES.index(request.param)]
    folder = tmp_path_factory.mktemp(assignment.name)
    work = folder / "work"
    work.mkdir()
    texts = {"solution": handout.student_file(assignment, solved=True)}
    texts["blank"] = handout.student_file(assignment)
    for name, text in (("zeros", ZEROS), ("argument", ARGUMENT)):
        texts[name] = "".join(text.format(name=task.name) for task in assignment.tasks)
    texts |= {name: text for name, (text, _) in planted(assignment).items()}
    for name, text in texts.items():
        (work / f"{name}.py").write_text(text)
    if assignment.name == "a05":
        for path in (ROOT / "tests" / "honest").glob("*.py"):
            (work / path.name).write_text(path.read_text())
        (work / "notebook.ipynb").write_text(as_notebook(texts["solution"]))
    results = grade(assignment.name, work, folder / "results", seed=7, tell=lambda _: None)
    return assignment, {one["extra_data"]["submission"]: one for one in results}


def lost(result):
    """{(task, case): sentence} of the cases without points."""
    return {
        tuple(test["name"].split(": ", 1)): test["output"]
        for test in result["tests"]
        if not test["score"]
    }


def test_points_add_up_to_100_and_every_case_is_judged():
    for assignment in EVERY:
        assert 4 <= len(assignment.tasks) <= 8
        assert sum(sum(task.points.values()) for task in assignment.tasks) == 100
        for task, judged in assignments.cases(assignment).items():
            (points,) = [one.points for one in assignment.tasks if one.name == task]
            assert [case.name for case in judged] == list(points)


def test_the_real_bodies_get_every_point(graded):
    _, results = graded
    assert {test["output"] for test in results["solution"]["tests"]} == {RIGHT}
    assert results["solution"]["score"] == 100


@pytest.mark.parametrize("name", ["blank", "zeros", "argument"])
def test_no_work_gets_no_points(graded, name):
    _, results = graded
    assert results[name]["score"] == 0, lost(results["solution"])


def test_every_planted_mistake_loses_its_own_points_and_is_named(graded):
    assignment, results = graded
    for name, (_, expected) in planted(assignment).items():
        away = lost(results[name])
        assert set(away) == set(expected), (name, away)
        for place, part in expected.items():
            assert part in away[place], (name, place, away[place])


def test_honest_work_in_five_styles_gets_every_point(graded):
    assignment, results = graded
    if assignment.name == "a05":
        for style in ("in_place", "functional", "recursive", "other_names", "notebook"):
            assert results[style]["score"] == 100, (style, lost(results[style]))


def test_forty_mistakes_are_planted_and_thirty_have_a_name():
    cases = [cases for planted in PLANTED.values() for *_, cases in planted]
    assert len(cases) >= 40
    assert sum(all(parts.values()) for parts in cases) >= 30
