"""Assignments: which functions a student writes, what each is worth, and how it is judged.

A folder assignments/aNN holds three files; docs/assignments.md describes them.

task.json     the functions to write, with points and a hint for each: data, read here
probes.py     calls a student's function on given inputs and returns numbers; decides nothing
checks.py     CASES: fresh inputs, the right numbers by another route, and the known mistakes
"""

import ast
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Callable, NamedTuple

import numpy

from minimeta.course.lessons import ROOT, LessonError

FOLDER = ROOT / "assignments"


class Exercise(NamedTuple):
    """One function to write, and its points by the names of the cases that judge it."""

    number: int
    name: str  # of the function in the student's file
    module: str  # "minimeta.initializations.maml"
    origin: str  # of the function in its module
    hint: str
    points: dict  # {"several tasks": 10}
    uses: tuple  # the names of other tasks that its real body calls


class Assignment(NamedTuple):
    """A hand-out: tasks worth 100 points together, taken from the package."""

    number: str  # "05"
    title: str
    lesson: str
    folder: Path
    tasks: list
    open: list  # "module:function": bodies above rank 1 that a student may still import
    blank: list  # "module:function": bodies of rank 1 or below that give an answer away

    @property
    def name(self):
        """ "a05": the name of the folder and of the student's file."""
        return f"a{self.number}"


class Case(NamedTuple):
    """One question to a student's function, worth the points that task.json gives it.

    inputs(rng) -> {name: number or array}     fresh and secret; the probe gets the same dict
    probe                                      a function (student, inputs) -> array of probes.py;
                                               "call" calls the function with the inputs, in order
    exact(inputs) -> array                     what a right function makes the probe return
    mistakes {sentence: inputs -> array}       what known wrong ones make it return
    """

    task: str
    name: str
    inputs: Callable
    probe: str
    exact: Callable
    mistakes: dict = {}
    tolerance: float = 1e-8  # largest error, as a share of the largest exact number


class Question(NamedTuple):
    """A case with inputs drawn: what is asked, and what right and wrong answers give."""

    case: Case
    inputs: dict
    exact: numpy.ndarray
    mistakes: dict


def draw(case, rng):
    """A Question from a case and a generator."""
    inputs = case.inputs(rng)
    numbers = {sentence: _array(wrong(inputs)) for sentence, wrong in case.mistakes.items()}
    return Question(case, inputs, _array(case.exact(inputs)), numbers)


def _array(numbers):
    return numpy.asarray(numbers, dtype=float)


def all_assignments():
    """Every assignment in order; LessonError where there are none."""
    folders = sorted(FOLDER.glob("a[0-9][0-9]"))
    if not folders:
        raise LessonError(f"There are no assignments in {FOLDER}.")
    return [read(folder) for folder in folders]


def find(word):
    """The assignment called "5", "05", "a05", or by its lesson's name; LessonError lists all."""
    known = all_assignments()
    for assignment in known:
        number = assignment.number
        if word.lower() in (number, str(int(number)), assignment.name, assignment.lesson):
            return assignment
    names = ", ".join(f"{assignment.name} ({assignment.lesson})" for assignment in known)
    raise LessonError(f"There is no assignment {word!r}; there are {names}.")


def read(folder):
    """The assignment that a folder's task.json describes."""
    data = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    names = [task["function"].split(":")[1] for task in data["tasks"]]
    tasks = []
    for number, (task, origin) in enumerate(zip(data["tasks"], names), start=1):
        module, name = task["function"].split(":")[0], task.get("as", origin)
        uses = tuple(n for n in names if n in calls(module, origin) and n != origin)
        tasks.append(Exercise(number, name, module, origin, task["hint"], task["points"], uses))
    others = [list(data.get(key, [])) for key in ("open", "blank")]
    return Assignment(folder.name[1:], data["title"], data["lesson"], folder, tasks, *others)


def cases(assignment):
    """The cases of an assignment, in the order of its tasks: {task name: [Case, ...]}."""
    judged = load(assignment.folder / "checks.py").CASES
    return {
        task.name: [case for case in judged if case.task == task.name] for task in assignment.tasks
    }


def load(path, name=None):
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(name or f"assignment_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def source_of(module):
    """The text of a module of the package, without importing it."""
    return path_of(module).read_text(encoding="utf-8")


@cache
def tree_of(module):
    """The syntax tree of a module of the package."""
    return ast.parse(source_of(module))


def path_of(module):
    """The file of a module of the package: "minimeta.nets" -> minimeta/nets/__init__.py."""
    place = Path(__file__).resolve().parents[1].joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def function(module, name):
    """The syntax tree of a module's function; LessonError if it has none of this name."""
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise LessonError(f"{module} has no function {name!r}.")


def calls(module, name):
    """Every name that a module's function mentions."""
    tree = function(module, name)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
