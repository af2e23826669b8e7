"""Hand-outs: a lesson, and a file of functions whose bodies a student writes.

a05.py             the tasks: signatures and docstrings from the package, without bodies
05_maml.py         the lesson, without the bodies that task.json names under "in_lesson"
README.md          how to begin
package/minimeta   what the checks let a05.py import
"""

import ast
import json
import shutil
import textwrap
from functools import cache

from minimeta.course import lessons
from minimeta.course.assignments import function, source_of, tree_of
from minimeta.course.blanking import blank, copy_package

HEAD = '''"""Assignment {number}: {title}

Write the body of each function; its docstring says what it returns. The lesson {lesson} explains
all of it. See how far you are with:

    python -m minimeta check {name}.py

{table}
"""
'''
README = """# Assignment {number}: {title}

1. Read the lesson `{lesson}`, and write down your predictions in `{name}.py` before you run it.
2. Open `{name}.py` and write the first function.
3. Run `python -m minimeta check {name}.py`. It shows the first task that is not solved, with
   a hint, and says which mistake it is where that is known.
4. Hand in `{name}.py`, or a notebook with the same functions.

The folder `package` is the library as the checks see it: the functions that you are to write are
left out of it, and so are the closed forms. Importing them is no answer. When your work is graded,
your functions run alone: they cannot read or write files, use a network or start other programs.
"""
UNSOLVED = "Task {number}, {name}, is not solved yet."


def write(assignment, folder):
    """Make the hand-out in a new folder; return the path of the student's file in it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assignment.name}.py"
    if path.exists():
        raise ValueError(f"{path} exists already; a hand-out never overwrites a student's work.")
    path.write_text(student_file(assignment), encoding="utf-8")
    lesson = lessons.find(assignment.lesson)
    text = lesson.path.read_text(encoding="utf-8")
    (folder / lesson.path.name).write_text(blank_lesson(assignment, text), encoding="utf-8")
    words = {**assignment._asdict(), "lesson": lesson.path.name, "name": assignment.name}
    (folder / "README.md").write_text(README.format(**words), encoding="utf-8")
    shutil.rmtree(folder / "package", ignore_errors=True)
    copy_package(assignment, folder / "package")
    return path


def student_file(assignment, solved=False):
    """The text of the file of tasks; with `solved`, with the bodies of the package."""
    parts = [_head(assignment), _imports(assignment, solved), _predictions(assignment.lesson)]
    parts += [_task(task, solved) for task in assignment.tasks]
    return "\n\n".join(part for part in parts if part).rstrip() + "\n"


def reference(assignment, name):
    """{name: text} of a task with its body from the package, and of the tasks that it uses."""
    task = next(task for task in assignment.tasks if task.name == name)
    texts = {}
    for other in task.uses:
        texts.update(reference(assignment, other))
    lines = _imports(assignment._replace(tasks=[task]), solved=True, own=set(task.uses))
    return {**texts, name: f"{lines}\n{_task(task, solved=True)}\n"}


def blank_lesson(assignment, text):
    """The lesson's text without the bodies that are tasks of the assignment."""
    data = json.loads((assignment.folder / "task.json").read_text(encoding="utf-8"))
    chosen = set(data.get("in_lesson", ()))
    return blank(text, chosen.__contains__, "{name} is part of the assignment.") if chosen else text


def questions(text):
    """What a lesson asks its reader to predict, a text for each question, in order."""
    paragraphs = text.replace("\r", "").split("\n#\n" if "\n\n" not in text else "\n\n")
    pieces = [piece for paragraph in paragraphs for piece in paragraph.split("\n#\n")]
    found = []
    for piece in pieces:
        start = piece.find("**Predict, then run.**")
        if start >= 0:
            lines = [line.lstrip("# ").rstrip() for line in piece[start:].splitlines()]
            found.append(" ".join(lines).replace("**Predict, then run.** ", ""))
    return found


def _head(assignment):
    rows = [
        f"task {task.number:2}  {sum(task.points.values()):3} points  {task.name}"
        for task in assignment.tasks
    ]
    return HEAD.format(**assignment._asdict(), name=assignment.name, table="\n".join(rows)).rstrip()


@cache
def _predictions(lesson):
    """The lesson's questions as comments, each with a name to assign the answer to."""
    asked = questions(lessons.find(lesson).path.read_text(encoding="utf-8"))
    parts = []
    for number, question in enumerate(asked, start=1):
        lines = textwrap.wrap(f"Predict, before you run the lesson: {question}", 96)
        parts.append("\n".join([*(f"# {line}" for line in lines), f"prediction_{number} = None"]))
    return "\n\n".join(parts)


def _task(task, solved):
    """One task: its points and hint as a comment, and the function."""
    node = function(task.module, task.origin)
    first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
    text = "\n".join(source_of(task.module).splitlines()[first - 1 : node.end_lineno])
    if not solved:
        sentence = UNSOLVED.format(number=task.number, name=task.name)
        text = blank(text, lambda _: True, sentence).rstrip()
    text = text.replace(f"def {task.origin}(", f"def {task.name}(", 1)
    worth = ", ".join(f"{points} for {case}" for case, points in task.points.items())
    comment = f"---- Task {task.number}. Points: {worth}. Hint: {task.hint}"
    lines = textwrap.wrap(comment, 96)
    return "\n" + "\n".join(f"# {line}" for line in lines) + "\n" + text


def _imports(assignment, solved, own=()):
    """The import lines that the functions need, from the modules that they come from.

    A body's checks of its arguments are left to the package, and so are its private helpers: an
    unsolved file has no use for them.
    """
    own = {task.name for task in assignment.tasks} | set(own)
    lines = {}
    for task in assignment.tasks:
        for name, line in _sources(task.module).items():
            checks = name.startswith(("check", "_")) and not solved
            if name in _names(task) and name not in own and not checks:
                if lines.setdefault(name, line) != line:
                    raise ValueError(f"Two tasks of {assignment.name} mean different {name!r}.")
    return "\n".join(sorted(set(lines.values()), key=_order))


def _names(task):
    """Every name in a task's function, also as the start of a dotted one."""
    node = function(task.module, task.origin)
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


@cache
def _sources(module):
    """{name: the line that imports it} for every name at the top of a module."""
    lines = {}
    for node in tree_of(module).body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                lines[alias.asname or alias.name.split(".")[0]] = f"import {_spelled(alias)}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                line = f"from {node.module} import {_spelled(alias)}"
                lines[alias.asname or alias.name] = line
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            lines[node.name] = f"from {module} import {node.name}"
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        lines[part.id] = f"from {module} import {part.id}"
    return lines


def _spelled(alias):
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _order(line):
    """The standard library, then others, then ours, as ruff sorts them."""
    module = line.split()[1].split(".")[0]
    rank = 2 if module == "minimeta" else 1 if module in ("numpy", "autograd") else 0
    return rank, not line.startswith("import"), line
