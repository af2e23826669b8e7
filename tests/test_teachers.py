"""The teachers' pack: every answer runs, and nothing of it is in what students get."""

import ast
import inspect
import json
import re

import pytest
from test_exercises import load

from minimeta.course import book, lessons, notebooks, teachers
from minimeta.initializations import maml
from minimeta.theorems import LESSONS

ALL = lessons.all_lessons()
ANSWERS = {lesson.path.stem: teachers.ANSWERS / lesson.path.name for lesson in ALL}
PREDICTIONS = [
    (stem, name)
    for stem, path in ANSWERS.items()
    for name in teachers.answers(path)
    if name.startswith("prediction_")
]
# Questions about trained networks, which only a run decides; the teachers file says what to expect.
BY_THE_RUN = {
    "02_networks": {3},
    "03_transfer": {4},
    "06_first_order": {3},
    "07_inner_loop": {4},
    "08_few_shot": {5},
    "09_prototypes": {5},
    "11_dynamics": {4, 5},
    "12_waves": {4},
    "18_learned_optimizers": {2, 3},
    "19_meta_lstm": {4},
    "20_learning_rules": {3},
    "25_forgetting": {4},
}


@pytest.mark.parametrize("stem, name", PREDICTIONS)
def test_the_answer_to_a_prediction_asserts_what_it_says(stem, name):
    path = ANSWERS[stem]
    tree = ast.parse(teachers.answers(path)[name])
    assert ast.get_docstring(tree.body[0]), "it explains nothing"
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree)), "it checks nothing"
    assert getattr(load(path), name)() is not None


@pytest.mark.parametrize("lesson", ALL, ids=sorted(ANSWERS))
def test_every_prediction_of_a_lesson_is_answered(lesson):
    stem = lesson.path.stem
    asked = {q.number for q in teachers.questions(lesson) if q.kind == "prediction"}
    have = {int(name.split("_")[1]) for of, name in PREDICTIONS if of == stem}
    assert asked - have == BY_THE_RUN.get(stem, set()) and have <= asked
    if stem in BY_THE_RUN:
        note = teachers.note(ANSWERS[stem])
        assert all(re.search(rf"^Prediction.*{k}.*training", note, re.M) for k in asked - have)


def test_every_answer_has_its_question():
    for lesson in ALL:
        asked = {f"{q.kind}_{q.number}" for q in teachers.questions(lesson)}
        assert set(teachers.answers(ANSWERS[lesson.path.stem])) <= asked
        assert lesson.path.read_text("utf-8").count(teachers.PREDICTION) == sum(
            name.startswith("prediction") for name in asked
        )


def test_the_pack_has_each_question_with_its_answer(tmp_path):
    assert teachers.pack(tmp_path / "teachers") == 0
    page = (tmp_path / "teachers" / "answers" / "05_maml.md").read_text("utf-8")
    for part in ("With $\\alpha=0.8$, compare", "3.5 times as much", "def exercise_3", "2 / alpha"):
        assert part in page
    page = (tmp_path / "teachers" / "answers" / "08_few_shot.md").read_text("utf-8")
    assert "answers it. Prediction 5 is decided by training: with r = 1" in page
    assert {path.name for path in (tmp_path / "teachers").iterdir()} >= {
        *("README.md", "six_weeks.md", "rubric.md", "answers", "solutions")
    }


def test_a_solution_has_the_real_bodies(tmp_path):
    path = tmp_path / "a05" / "task.json"
    path.parent.mkdir()
    tasks = [{"function": "minimeta.initializations.maml:total_loss"}]
    path.write_text(json.dumps({"title": "MAML", "tasks": tasks}))
    page = teachers.solution(path)
    assert page.startswith("# a05: MAML") and inspect.getsource(maml.total_loss) in page


def test_the_plan_names_lessons_that_there_are():
    rows = re.findall(r"^\| (\d) \|.*?\|(.*?)\|.*?\|(.*?)\|$", plan(), re.MULTILINE)
    assert [week for week, *_ in rows] == list("123456")
    named = {word.strip() for _, first, more in rows for word in f"{first},{more}".split(",")}
    assert named <= set(LESSONS) and len(named) > 12


def plan():
    """The text of the six-week plan."""
    return (lessons.ROOT / "docs" / "six_weeks.md").read_text("utf-8")


def test_no_notebook_and_no_page_of_a_lesson_has_a_solution(monkeypatch):
    """What students get is made of the lesson's file alone, in which no solution is written."""
    monkeypatch.setattr(teachers, "ANSWERS", None)  # so that nothing could have read it
    for lesson in ALL:
        made = notebooks.notebook(lesson, [])
        made["metadata"]["minimeta"] = {"seconds": 1.0}
        pages = book.lesson_pages(lesson, made)
        for text in (str(made), *(x for x in pages.values() if isinstance(x, str))):
            assert not re.search(r"teachers/|def exercise_\d|def prediction_\d|MISTAKES", text)
