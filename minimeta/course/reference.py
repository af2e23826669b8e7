"""Pages of the book made from the package: a page for each room, and one for each proof topic."""

import ast
import inspect
import textwrap

from minimeta.course import sheet
from minimeta.course.lessons import PACKAGE, SHIPPED
from minimeta.course.markdown import escape, fence, prose

COLUMNS = ("claim", "lesson", "computed", "exact", "error", "allowed", "")


def api() -> dict:
    """{name of the page: text} of the reference."""
    pages = {f"api/{name}.md": room(name, paths) for name, paths in rooms().items()}
    listed = fence("{toctree}", "\n".join(rooms()), ":maxdepth: 1", "")
    intro = "# Reference\n\nEvery public function, from its docstring, with its code."
    return {"api/index.md": f"{intro}\n\n{listed}\n", **pages}


def rooms():
    """{name: its modules}: a room is a folder or a file of the package."""
    made = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        first = path.relative_to(PACKAGE).with_suffix("").parts[0]
        topic = first == "theorems" and path.name != "__init__.py"
        if SHIPPED not in path.parents and path.name != "__main__.py" and not topic:
            made.setdefault("minimeta" if first == "__init__" else first, []).append(path)
    return made


def room(name, paths):
    """The page of a room: its modules in order of their names, the room's own first."""
    parts = [f"# {name}"]
    for path in sorted(paths, key=lambda path: (path.stem != "__init__", path)):
        parts += module(path)
    return "\n\n".join(parts) + "\n"


def module(path):
    """The parts of a module: its name, its docstring, its public functions and records."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    name = ".".join(["minimeta", *path.relative_to(PACKAGE).with_suffix("").parts])
    name = name.removesuffix(".__init__")
    yield f"## {escape(name)}"
    yield fence(f"{{py:module}} {name}", "")
    yield prose(ast.get_docstring(tree) or "")
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_":
            yield entry(node, ast.get_source_segment(text, node))


def entry(node, code):
    """A function or a record: its signature, its docstring, and its code for who wants it."""
    kind = "function" if isinstance(node, ast.FunctionDef) else "class"
    folded = fence("{dropdown} code", fence("python", code))
    body = "\n\n".join(["", prose(ast.get_docstring(node) or ""), folded])
    return fence(f"{{py:{kind}}} {signature(node)}", body)


def signature(node):
    """What a reader calls: names, defaults and hints; a record is called with its fields."""
    if isinstance(node, ast.FunctionDef):
        answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({ast.unparse(node.args)}){answer}"
    fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
    return f"{node.name}({', '.join(map(field_signature, fields))})" if fields else node.name


def field_signature(field):
    """ "loss=mse": a field's name, with its default."""
    default = f"={ast.unparse(field.value)}" if field.value else ""
    return f"{field.target.id}{default}"


def proofs(rows: list, theorems: list, lessons: dict) -> dict:
    """{name of the page: text} of the proof sheet and its topics, `lessons` being name -> page."""
    topics = list(dict.fromkeys(row["topic"] for row in rows))
    listed = fence("{toctree}", "\n".join(f"theorems/{topic}" for topic in topics), ":hidden:", "")
    whole = ["# Proof sheet", f"{len(rows)} theorems. Each links to the code that proves it."]
    pages = {}
    for topic in topics:
        table = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        table += [table_row(row, lessons) for row in rows if row["topic"] == topic]
        title = f"Theorems: {topic.replace('_', ' ')}"
        whole += [f"## {title}", "\n".join(table)]
        parts = [
            proof(row, theorem) for row, theorem in zip(rows, theorems) if row["topic"] == topic
        ]
        pages[f"theorems/{topic}.md"] = "\n\n".join([f"# {title}", *parts]) + "\n"
    return {"proofs.md": "\n\n".join([*whole, listed]) + "\n", **pages}


def table_row(row, lessons):
    """A line of the sheet as a line of a Markdown table."""
    claim = f"[{escape(row['statement'])}](#{label(row)})"
    page = lessons.get(row["lesson"])
    lesson = f"[{row['lesson']}]({page})" if page else row["lesson"]
    if "raised" in row:
        return f"| {claim} | {lesson} | {escape(row['raised'])} | | | | FAILS |"
    shown = [f"{row[name]:.6g}" for name in ("computed", "exact")]
    shown += [f"{row[name]:.1e}" for name in ("error", "allowed")]
    return f"| {claim} | {lesson} | {' | '.join(shown)} | {'holds' if row['holds'] else 'FAILS'} |"


def proof(row, theorem):
    """A theorem's place: its claim, its source and its code."""
    code = textwrap.dedent(inspect.getsource(theorem.prove))
    title = row["name"].replace("_", " ")
    about = f"{escape(row['statement'])}\n\n*Source: {escape(row['source'])}.*"
    return f"({label(row)})=\n## {title}\n\n{about}\n\n{fence('python', code)}"


def label(row):
    """The anchor of a theorem."""
    return f"theorem-{row['topic']}-{row['name']}".replace("_", "-")


def rows(theorems):
    """The rows of the proof sheet, each computed now."""
    return [sheet.prove(theorem) for theorem in theorems]
