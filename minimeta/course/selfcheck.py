"""A student's own check: in this process, in seconds, up to the first task that is not solved.

The student's file sees the copy of the package in which the tasks are left out, as it will when it
is graded. It runs with all the rights of its author, and its errors are shown whole.
"""

import re
import sys
import tempfile
import traceback
import types
from contextlib import contextmanager
from pathlib import Path

import numpy

from minimeta.course import assignments
from minimeta.course.blanking import copy_package
from minimeta.course.grading import submissions
from minimeta.course.grading.asking import ask
from minimeta.course.grading.verdicts import UNSOLVED, compare


def check(path, word=None, tell=print):
    """Check a file; return whether all its tasks are solved. The process is of no use afterwards.

    The file's name says which assignment it is ("a05.py"), unless `word` does.
    """
    path = Path(path)
    named = re.match(r"a\d\d", path.stem)
    if not (word or named):
        raise ValueError(f"Which assignment is {path.name}? Say it with --assignment 05.")
    assignment = assignments.find(word or named[0])
    cases = assignments.cases(assignment)
    work = submissions.read(path, path.stem)
    if work.problem:
        raise ValueError(f"{path}: {work.problem}")
    with tempfile.TemporaryDirectory() as folder, instead_of_package(Path(folder), assignment):
        probes = assignments.load(assignment.folder / "probes.py")
        student, trouble = load(work)
        if trouble:
            tell(trouble)
        for task in assignment.tasks:
            sentence = first_fault(student, probes, cases[task.name], numpy.random.default_rng())
            if sentence:
                show(task, sentence, assignment, tell)
                return False
            tell(f"ok    task {task.number}: {task.name}")
    tell("All tasks are solved.")
    return True


def show(task, sentence, assignment, tell):
    """Say which task is next, what is wrong with it, and its hint."""
    tell(f"next  task {task.number}: {task.name}, {sum(task.points.values())} points")
    tell(f"      {sentence}")
    tell(f"      Hint: {task.hint}")
    tell(f"      Tasks solved: {task.number - 1} of {len(assignment.tasks)}.")


def first_fault(student, probes, cases, rng):
    """What is wrong with a task, in a sentence that names the case; "" if nothing is."""
    for case in cases:
        if not hasattr(student, case.task):
            return f"There is no function {case.task}."
        question = assignments.draw(case, rng)
        try:
            numbers = ask(student, probes, case.task, case.probe, question.inputs)
        except NotImplementedError as error:
            return str(error) or UNSOLVED
        except Exception as error:
            return f"{case.name}: {describe(error, student.__file__)}"
        verdict = compare(question, numbers)
        if not verdict.right:
            return f"{case.name}: {verdict.sentence}"
    return ""


def load(work):
    """The student's module, and a sentence on what went wrong while it was read."""
    student = types.ModuleType("submission")
    sys.modules["submission"] = student
    student.__file__ = work.cells[0][0] if work.cells else ""
    for name, text in work.cells:
        try:
            exec(compile(text, name, "exec"), student.__dict__)
        except SyntaxError as error:
            return student, f"{name} cannot be read as Python in line {error.lineno}: {error.msg}."
        except Exception as error:
            if not work.lenient:
                return student, describe(error, name)
    return student, ""


def describe(error, name):
    """An exception with the last line of the student's file that it came through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    place = f" (line {lines[-1]} of {name})" if lines else ""
    return f"{type(error).__name__}: {error}{place}"


@contextmanager
def instead_of_package(folder, assignment):
    """Within it, an import of minimeta gets the copy in which the tasks are left out."""
    copy_package(assignment, folder)
    mine = {name: sys.modules[name] for name in list(sys.modules) if _is_ours(name)}
    for name in mine:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if _is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(mine)


def _is_ours(name):
    return name.split(".")[0] == "minimeta"
