"""The book: every lesson as it ran, the proof sheet, the reference; HTML that needs no network.

    out/book/source    the pages as Markdown, written only where they changed
    out/book/html      what Sphinx makes of them; open index.html

Lessons run only if they changed since their notebook was written (course/notebooks.py), and Sphinx
reads only the pages that changed, so that a book of which nothing changed takes seconds.
"""

import base64
import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

from minimeta.course import lessons, notebooks, reference, sheet
from minimeta.course.markdown import fence

SETTINGS = lessons.ROOT / "book"
NEEDED = ("sphinx", "furo", "myst_parser", "sphinx_design")
MATHJAX = "sphinx-mathjax-offline"  # of its 24 MB the book takes one file, which needs no other


def build(out: Path, quick: bool = False) -> int:
    """Make out/notebooks and of them out/book; 1 if a lesson, a theorem or a page is wrong."""
    mathjax, folder = find_tools(), out / "book"
    failed = notebooks.write_all(out / "notebooks", quick)
    books = {lesson: notebooks.load(out / "notebooks", lesson) for lesson in lessons.all_lessons()}
    folder.mkdir(exist_ok=True)
    pages, rows = index(books), prove(folder / "proofs.json")
    for lesson, book in books.items():
        pages |= lesson_pages(lesson, book)
    names = {lesson.name: f"lessons/{lesson.path.stem}.md" for lesson in books}
    pages |= reference.api() | reference.proofs(rows, sheet.select(None), names)
    pages |= settings() | {"static/mathjax.js": mathjax.read_bytes()}
    changed = write(pages, folder / "source")
    wrong = [row["name"] for row in rows if not row["holds"]]
    if wrong:
        print(f"{len(wrong)} theorems fail: {', '.join(wrong)}")
    return 1 if failed or wrong or sphinx(folder, changed) else 0


def find_tools():
    """The path of MathJax. Raises ValueError where Sphinx or one of its kin is missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    try:
        files = importlib.metadata.files(MATHJAX) or []
    except importlib.metadata.PackageNotFoundError:
        missing, files = [*missing, MATHJAX], []
    if missing:
        raise ValueError(f"{', '.join(missing)} not installed: pip install -e '.[book]'")
    if not SETTINGS.is_dir():
        raise ValueError(f"There is no {SETTINGS}: the book's settings come with the repository.")
    return next(Path(file.locate()) for file in files if file.name == "tex-svg.js")


def prove(path):
    """The rows of the proof sheet; those in the file, if the package is the one they prove."""
    mark = notebooks.package_fingerprint()
    kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if kept.get("fingerprint") != mark:
        kept = {"fingerprint": mark, "rows": reference.rows(sheet.select(None))}
        path.write_text(json.dumps(kept, default=float), encoding="utf-8")
    return kept["rows"]


def settings():
    """{path: content} of what is the same in every book."""
    files = [path for path in SETTINGS.rglob("*") if path.is_file() and path.name != "index.md"]
    return {path.relative_to(SETTINGS).as_posix(): path.read_bytes() for path in files}


def index(books):
    """The first page: a card for each lesson, with its last figure and its time."""
    cards = []
    for lesson, book in books.items():
        seconds = book["metadata"]["minimeta"]["seconds"]
        options = [f":link: lessons/{lesson.path.stem}", ":link-type: doc"]
        if figures(book):
            options.append(f":img-top: lessons/{lesson.path.stem}-{len(figures(book))}.png")
        about = "\n".join([*options, "", f"{seconds:.0f} s"])
        cards.append(fence(f"{{grid-item-card}} {lesson.number}. {lesson.title}", about))
    grid = fence("{grid} 1 2 2 3", "\n\n".join(cards), ":gutter: 3", "")
    listed = [f"lessons/{lesson.path.stem}" for lesson in books]
    contents = [
        fence("{toctree}", "\n".join(names), ":hidden:", f":caption: {caption}", "")
        for caption, names in (("Lessons", listed), ("And also", ["proofs", "api/index"]))
    ]
    text = (SETTINGS / "index.md").read_text("utf-8")
    return {"index.md": "\n\n".join([text, grid, *contents]) + "\n"}


def figures(book):
    """The figures of a notebook in order, each as the bytes of a PNG."""
    shown = [out.get("data", {}) for cell in book["cells"] for out in cell.get("outputs", [])]
    return [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]


def lesson_pages(lesson, book):
    """{path: content} of a lesson: its page, its figures and its notebook."""
    stem, parts = lesson.path.stem, []
    made = {f"lessons/{stem}-{i}.png": png for i, png in enumerate(figures(book), 1)}
    pictures = iter(made)
    for cell in book["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else fence("python", text))
        for out in cell.get("outputs", []):
            if "text" in out:
                printed = "".join(out["text"])
                parts.append(fence("{code-block} text", printed, ":class: output", ""))
            elif "data" in out:
                parts.append(
                    f"![A figure of the lesson {lesson.name}]({Path(next(pictures)).name})"
                )
    title, _, rest = parts[0].partition("\n")
    seconds = book["metadata"]["minimeta"]["seconds"]
    about = f"*It ran in {seconds:.1f} s.* {{download}}`Take it as a notebook <{stem}.ipynb>`."
    page = "\n\n".join([title, about, rest, *parts[1:]]) + "\n"
    whole = json.dumps(book, indent=1, ensure_ascii=False)
    return {f"lessons/{stem}.md": page, f"lessons/{stem}.ipynb": whole, **made}


def write(pages, source):
    """Write the pages that changed and delete those that are no more; return what is to be built.

    That is None if nothing changed, "some" pages, or "all" if a name or a title in the list of
    contents changed, which every page shows.
    """
    pages = {source / name: x if isinstance(x, bytes) else x.encode() for name, x in pages.items()}
    old = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    for path in old.keys() - pages.keys():
        path.unlink()
    for path, content in pages.items():
        if old.get(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if old == pages:
        return None
    return "some" if titles(old) == titles(pages) else "all"


def titles(pages):
    """The names of the pages and their first lines."""
    texts = {path: content for path, content in pages.items() if path.suffix == ".md"}
    return {path: text.partition(b"\n")[0] for path, text in texts.items()}


def sphinx(folder, changed):
    """Let Sphinx read what changed, every warning being an error; return its exit status."""
    status, first = 0, folder / "html" / "index.html"
    if changed == "all":
        discard(folder)
    if changed or not first.is_file():
        words = ["-W", "--keep-going", "-q", "-j", "auto", "-b", "html"]
        words += ["-d", folder / "doctrees", folder / "source", folder / "html"]
        status = subprocess.run([sys.executable, "-m", "sphinx", *map(str, words)]).returncode
    if status:
        discard(folder)  # a page that is not read again would not complain again
    else:
        print(f"The book is {first}.")
    return status


def discard(folder):
    """Delete what Sphinx made, so that it reads every page."""
    for name in ("html", "doctrees"):
        shutil.rmtree(folder / name, ignore_errors=True)
