"""The teachers' pack: answers that run, a plan of six weeks, a rubric.

    out/teachers/
        README.md                 what is there
        six_weeks.md, rubric.md
        answers/05_maml.md        each question of the lesson, its answer, the code that shows it
        answers/05_maml.py        that code: exercise_1(), prediction_1(), ...
        solutions/a05.md          the bodies that the hand-out of an assignment leaves out

No student's target contains any of it; tests/test_teachers.py looks into each of them.
"""

import ast
import importlib
import inspect
import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from minimeta.course import lessons
from minimeta.course.cells import cells
from minimeta.course.markdown import fence

ANSWERS = lessons.ROOT / "teachers"
PAGES = ("six_weeks.md", "rubric.md")  # of docs/
PREDICTION = "**Predict, then run.**"
CHECK = re.compile(r"# Exercise (\d+)\.")
README = """# Teachers' pack

- [A plan of six weeks](six_weeks.md) and [a rubric](rubric.md).
- `answers/`: for each lesson its exercises and predictions with their answers. The code of an
  answer is in the Python file of the same name, and runs.
- `solutions/`: for each assignment the bodies that its hand-out leaves out, from the package.

{missing}
"""


class Question(NamedTuple):
    """What a lesson asks: "exercise" or "prediction", which one, and its text."""

    kind: str
    number: int
    text: str


def questions(lesson: lessons.Lesson) -> list[Question]:
    """The predictions and exercises of a lesson, in the order of its pages.

    An exercise is what stands in the cell before its check; a prediction is one paragraph.
    """
    made, last = [], ""
    for cell in cells(lesson.path.read_text(encoding="utf-8")):
        check = CHECK.match(cell.text)
        if cell.markdown:
            last = cell.text
            asked = [part for part in paragraphs(last) if part.startswith(PREDICTION)]
            first = 1 + sum(question.kind == "prediction" for question in made)
            made += [Question("prediction", k, part) for k, part in enumerate(asked, first)]
        elif check:
            body = re.split(r"^#+ .*\n+", last, flags=re.MULTILINE)[-1]
            made.append(Question("exercise", int(check[1]), body))
    return made


def paragraphs(text):
    """The parts of a text between blank lines."""
    return re.split(r"\n\s*\n", text)


def answers(path: Path) -> dict:
    """{"exercise_1": its code, ...} of a teachers' file; the docstring explains the answer."""
    text = path.read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and re.fullmatch(r"[a-z]+_\d+", node.name)
    }


def note(path: Path) -> str:
    """What a teachers' file says of the predictions that only a run decides, below its title."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("\n\n")[2]


def page(lesson, known, expect=""):
    """The page of answers to a lesson, and how many of its questions have none."""
    parts, missing = [f"# {lesson.number}. {lesson.title}"], 0
    for question in questions(lesson):
        parts += [f"## {question.kind.capitalize()} {question.number}", question.text]
        code = known.get(f"{question.kind}_{question.number}")
        missing += code is None
        by_the_run = f"The next cell of the lesson answers it. {expect}".rstrip()
        parts.append(fence("python", code) if code else by_the_run)
    return "\n\n".join(parts) + "\n", missing


def solution(path: Path) -> str:
    """The page of an assignment, named by its task.json: each of its functions as it really is."""
    assignment = json.loads(path.read_text(encoding="utf-8"))
    parts = [f"# {path.parent.name}: {assignment['title']}"]
    for task in assignment["tasks"]:
        module, name = task["function"].split(":")
        function = getattr(importlib.import_module(module), name)
        parts += [f"`{name}` of `{module}`:", fence("python", inspect.getsource(function))]
    return "\n\n".join(parts) + "\n"


def pack(folder: Path) -> int:
    """Write the pack into a folder, which is emptied first; return 0."""
    if not ANSWERS.is_dir():
        raise ValueError(f"There are no answers in {ANSWERS}: they come with the repository.")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "answers").mkdir(parents=True)
    missing = 0
    for lesson in lessons.all_lessons():
        path = ANSWERS / lesson.path.name
        known = (answers(path), note(path)) if path.is_file() else ({},)
        text, count = page(lesson, *known)
        (folder / "answers" / f"{lesson.path.stem}.md").write_text(text, encoding="utf-8")
        if path.is_file():
            shutil.copy(path, folder / "answers")
        missing += count
    (folder / "solutions").mkdir()
    for path in sorted((lessons.ROOT / "assignments").glob("*/task.json")):
        (folder / "solutions" / f"{path.parent.name}.md").write_text(solution(path), "utf-8")
    for name in PAGES:
        shutil.copy(lessons.ROOT / "docs" / name, folder)
    sentence = f"{missing} predictions are answered by the lesson's next cell alone."
    text = README.format(missing=sentence if missing else "Every question is answered.")
    (folder / "README.md").write_text(text, encoding="utf-8")
    print(f"The teachers' pack is in {folder}.")
    return 0
