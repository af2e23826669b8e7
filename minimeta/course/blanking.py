"""Takes function bodies out of source text, and makes the copy of the package without the answers.

A body is replaced by one line that raises NotImplementedError; signature and docstring stay, and so
does every other line. What is left in the copy:

rank 0, 1, meta, training, probing     all of it, but for the assignment's own functions
the modules of the tasks, and what     signatures and docstrings; of the bodies only those that
they import                            task.json opens, and the checks of arguments
everything else                        nothing: exact/ and theorems/ are not there to be asked
"""

import ast
import json
import shutil

from minimeta.course.assignments import path_of, source_of

OPEN = ("core", "nets", "tasks", "meta", "probing", "training")
LEFT_OUT = "{name} is left out of the package while you are to write it."
PACKAGE = path_of("minimeta").parent


def blank(source, chosen, sentence):
    """The source with the bodies of some functions replaced: `chosen(name)` says of which.

    The sentence, in which {name} stands for the function's, is what the new body raises. Functions
    inside functions go with them; methods of a class are chosen as Class.method.
    """
    lines = source.splitlines()
    for node, name in reversed(list(_functions(ast.parse(source)))):
        if chosen(name):
            first, last = _body(node)
            indent = " " * (node.col_offset + 4)
            text = sentence.format(name=name)
            lines[first - 1 : last] = [f"{indent}raise NotImplementedError({json.dumps(text)})"]
    return "\n".join(lines) + "\n"


def copy_package(assignment, folder):
    """Write folder/minimeta: the package without the answers to an assignment."""
    target = folder / "minimeta"
    target.mkdir(parents=True)
    shutil.copy(PACKAGE / "__init__.py", target)
    for room in OPEN:
        if (PACKAGE / room).is_dir():
            shutil.copytree(PACKAGE / room, target / room, ignore=_no_caches)
        else:
            shutil.copy(PACKAGE / f"{room}.py", target)
    for module, source in blank_modules(assignment).items():
        path = target / path_of(module).relative_to(PACKAGE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


def blank_modules(assignment):
    """{module: source} of every module of the copy that is not simply the package's own."""
    tasks = {f"{task.module}:{task.origin}" for task in assignment.tasks}
    keep, hide = set(assignment.open), tasks | set(assignment.blank)
    waiting = sorted({place.split(":")[0] for place in keep | hide})
    sources = {}
    while waiting:
        module = waiting.pop()
        if module in sources:
            continue
        sources[module] = source_of(module)
        if not _is_open(module):
            waiting += [name for name in _imports(sources[module]) if not _is_open(name)]
            waiting += [module.rpartition(".")[0]]  # the folder's __init__
    return {
        module: blank(source, _chooser(module, keep, hide), LEFT_OUT)
        for module, source in sources.items()
    }


def _chooser(module, keep, hide):
    """Whether a function of the module loses its body, as a function of its name."""

    def chosen(name):
        if f"{module}:{name}" in hide:
            return True
        checks_arguments = name.startswith(("check", "_check"))
        return not (_is_open(module) or checks_arguments or f"{module}:{name}" in keep)

    return chosen


def _is_open(module):
    return module == "minimeta" or module.split(".")[1] in OPEN


def _imports(source):
    """The modules of the package that a module imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("minimeta."))
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "minimeta":
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [name for name in inside if path_of(name).exists()]
            yield from [node.module] if node.module != "minimeta" else []


def _functions(tree, prefix=""):
    """Functions of a module and methods of its classes, with their names, in order."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node, prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{node.name}.")


def _body(node):
    """First and last line of a function's body after its docstring; all of it if it has no more."""
    rest = node.body[1:] if ast.get_docstring(node) else node.body
    if not rest:
        return node.end_lineno + 1, node.end_lineno  # nothing to take out: the line is added
    first = node.body[0].end_lineno + 1 if rest is not node.body else rest[0].lineno
    if first <= node.lineno:
        raise ValueError(f"The body of {node.name} must begin on a line of its own.")
    return first, node.end_lineno


def _no_caches(_, names):
    return [name for name in names if name == "__pycache__"]
