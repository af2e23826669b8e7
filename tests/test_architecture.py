"""The map of ranks: imports go strictly down, and reach nothing but the three dependencies."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANKS = {
    "core": 0,
    "nets": 1,
    "tasks": 1,
    "exact": 2,
    "foreign": 2,
    "meta": 2,
    "probing": 2,
    "training": 2.5,  # of rank 2 too; it trains what meta.py defines
    "initializations": 3,
    "embeddings": 3,
    "learned_optimizers": 3,
    "memories": 3,
    "learning_rules": 3,
    "continual": 3,
    "agents": 4,
    "theorems": 5,
    "compare": 5,
    "conformance": 5,
    "plots": 5,
    "sweep": 5,
    "diagrams": 5,
    "gpu_check": 5,
    "course": 6,
    "__main__": 7,
}
RUNTIME = {"autograd", "numpy", "matplotlib", "minimeta"}
LAZY = {  # modules that may import parts of Matplotlib, but only inside their functions
    "minimeta.tasks.outlines": {"matplotlib", "matplotlib.ft2font"},  # its fonts have the letters
}
HANDED_ON = {("meta", "training")}  # meta.meta_train, by its first name
LONGEST = 30  # lines of a function's body


def room(module):
    """'minimeta.core.trees' -> 'core'; 'minimeta.meta' -> 'meta'; the package itself -> ''."""
    return (module.split(".") + [""])[1]


def imported(tree):
    """Every module that a file imports, at any depth of nesting."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names if node.module == "minimeta" else [node.module]


def faults(source, here, lazy=()):
    """What a module of room `here` may not import, and imports all the same."""
    tree = ast.parse(source)
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    at_once = {module for node in outside for module in imported(node)}
    for module in imported(tree):
        top, there = module.split(".")[0], room(module)
        if top not in RUNTIME and top not in sys.stdlib_module_names:
            yield f"{module} is no runtime dependency"
        late = module in lazy and module not in at_once
        if top == "matplotlib" and here != "plots" and not late:
            yield "only plots imports Matplotlib"
        near = there in ("", here) or (here, there) in HANDED_ON
        if top == "minimeta" and not near and RANKS[there] >= RANKS[here]:
            yield f"{here} (rank {RANKS[here]}) imports {there} (rank {RANKS[there]})"


FILES = sorted((ROOT / "minimeta").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_the_ranks(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    if room(module) != "__init__":
        lazy = LAZY.get(module, ())
        assert not list(faults(path.read_text(encoding="utf-8"), room(module), lazy))


@pytest.mark.parametrize(
    "line, here",
    [
        ("from minimeta.meta import Learner", "core"),
        ("import minimeta.meta", "exact"),
        ("from minimeta.training import train", "probing"),
        ("from minimeta import plots", "initializations"),
        ("def f():\n    import matplotlib.pyplot", "meta"),
        ("import scipy.linalg", "exact"),
    ],
)
def test_a_forbidden_import_is_found(line, here):
    assert list(faults(line, here))


@pytest.mark.parametrize(
    "line, lazy",
    [
        ("import matplotlib", {"matplotlib"}),  # at once
        ("class A:\n    import matplotlib", {"matplotlib"}),
        ("def f():\n    import matplotlib.pyplot", {"matplotlib"}),  # another part
        ("import matplotlib\ndef f():\n    import matplotlib", {"matplotlib"}),
    ],
)
def test_a_lazy_import_is_of_the_parts_named_and_inside_a_function(line, lazy):
    assert list(faults(line, "tasks", lazy))
    assert not list(faults("def f():\n    import matplotlib", "tasks", {"matplotlib"}))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_and_public_function_says_what_it_is_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if path.name != "__main__.py":
        for node in tree.body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"
            if public and len(node.body) > 2:
                assert ast.get_docstring(node), f"{node.name} has no docstring"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_is_longer_than_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node.body[0]
            assert node.end_lineno - first.lineno < LONGEST, node.name


def test_no_import_cycle_inside_a_room():
    graph = {}
    for path in FILES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[module] = {
            name
            for name in imported(ast.parse(path.read_text(encoding="utf-8")))
            if name.startswith("minimeta.") and room(name) == room(module)
        }
    done = set()

    def visit(module, above):
        assert module not in above, f"cycle: {' -> '.join([*above, module])}"
        if module not in done:
            for other in graph.get(module, ()):
                if other != module:
                    visit(other, [*above, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def test_import_minimeta_loads_nothing_heavy():
    """`import minimeta` is free; the core costs autograd and numpy, and never loads Matplotlib."""
    code = "import sys, minimeta; assert 'numpy' not in sys.modules; import minimeta.meta; "
    code += "assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
