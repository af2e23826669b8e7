"""A lesson as cells: read them from its file, run them in order and note what each one shows.

    cells(text) -> [Cell(line=2, markdown=True, text="# 05. MAML..."), ...]
    python -m minimeta.course.cells LESSON NOTES    runs the lesson, writes the notes as JSON

Running it by cells is running the file: one namespace called __main__, the same names of files and
numbers of lines in tracebacks, the same claims.
"""

import contextlib
import io
import json
import sys
import traceback
import types
from pathlib import Path
from typing import NamedTuple

from minimeta import plots


class Cell(NamedTuple):
    """A cell: the line of its first character, whether it is Markdown, and its text."""

    line: int
    markdown: bool
    text: str


def cells(text: str) -> list[Cell]:
    """The cells of a lesson in order, without the blank lines around them."""
    made, lines = [], text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("# %%")]
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        markdown, body = lines[start].startswith("# %% [markdown]"), lines[start + 1 : end]
        if markdown:
            body = [line.removeprefix("#").removeprefix(" ") for line in body]
        blank = next((i for i, line in enumerate(body) if line.strip()), 0)
        made.append(Cell(start + 2 + blank, markdown, "\n".join(body).strip("\n")))
    return made


def run(path, notes):
    """Run the code cells of a lesson; write what each showed to the file `notes`, whatever happens.

    A note is {"printed": text, "complained": text, "figures": [path, ...], "raised": [class's name,
    message, traceback] or None}. After a cell that raises, no other runs, and its error goes on.
    """
    lesson = types.ModuleType("__main__")
    lesson.__file__ = str(path)
    sys.modules["__main__"], shown = lesson, []
    try:
        for cell in cells(path.read_text(encoding="utf-8")):
            if not cell.markdown:
                run_cell(cell, lesson, shown)
    finally:
        notes.write_text(json.dumps(shown), encoding="utf-8")


def run_cell(cell, lesson, shown):
    """Run one code cell in the lesson's namespace; add its note to `shown`."""
    printed, complained, figures, raised = io.StringIO(), io.StringIO(), [], None
    program = compile("\n" * (cell.line - 1) + cell.text, lesson.__file__, "exec")
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            with figures_saved(figures):
                exec(program, lesson.__dict__)
    except BaseException as error:
        inside = error.__traceback__.tb_next  # without the frame of this function
        trace = "".join(traceback.format_exception(type(error), error, inside))
        raised = [type(error).__name__, str(error), trace]
        raise
    finally:
        texts = {"printed": printed.getvalue(), "complained": complained.getvalue()}
        shown.append({**texts, "figures": figures, "raised": raised})


@contextlib.contextmanager
def figures_saved(paths):
    """While the block runs, the path of every figure that plots.save writes is added to `paths`."""
    save = plots.save

    def save_and_tell(fig, name):
        path = save(fig, name)
        paths.append(str(path))
        return path

    plots.save = save_and_tell
    try:
        yield
    finally:
        plots.save = save


if __name__ == "__main__":
    run(*map(Path, sys.argv[1:]))
