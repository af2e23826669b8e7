"""Finds what was handed in and reads it as text: files, folders, notebooks. Nothing runs here."""

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

LARGEST = 1 << 20  # bytes of a file


class Submission(NamedTuple):
    """One student's work: pieces of text with their names, or the sentence why there is none."""

    name: str
    cells: list  # [(name, text)]: one for a file, one for each code cell of a notebook
    lenient: bool  # a notebook, in which a cell may fail
    problem: str
    digest: str  # of the text; a submission that has changed is graded again

    @property
    def file_name(self):
        """A name for its result that no other submission has, and that stays in its folder."""
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", self.name).lstrip(".")[:80]
        mark = hashlib.sha256(self.name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return safe if safe == self.name and safe != "run" else f"{safe}-{mark}"


def find(path, assignment):
    """The submissions at a path: a file is one, and in a folder every file and folder is one."""
    path = Path(path)
    if path.is_file():
        return [read(path, path.stem)]
    if not path.is_dir():
        raise ValueError(f"There are no submissions at {path}.")
    entries = [entry for entry in sorted(path.iterdir()) if _counts(entry)]
    stems = [_stem(entry) for entry in entries]
    found = []
    for entry, stem in zip(entries, stems):
        name = stem if stems.count(stem) == 1 else entry.name
        found.append(pick(entry, name, assignment) if entry.is_dir() else read(entry, name))
    if not found:
        raise ValueError(f"There are no submissions in {path}: no .py, no .ipynb, no folder.")
    return found


def pick(folder, name, assignment):
    """A folder's submission: the file with the assignment's name, or the only one there is."""
    if folder.is_symlink():
        return _problem(name, "It is a link, which is not followed.")
    files = sorted(file for file in folder.iterdir() if _counts(file) and not file.is_dir())
    for suffix in (".py", ".ipynb"):
        if folder / f"{assignment.name}{suffix}" in files:
            return read(folder / f"{assignment.name}{suffix}", name)
    if len(files) == 1:
        return read(files[0], name)
    return _problem(name, f"It holds {len(files)} files, none of which is {assignment.name}.py.")


def read(path, name):
    """A file as a Submission."""
    if path.is_symlink():
        return _problem(name, "It is a link, which is not followed.")
    if not path.is_file() or path.stat().st_size > LARGEST:
        return _problem(name, f"It is no file of at most {LARGEST >> 20} MB.")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        text = data.decode("utf-8")
        cells = notebook(text) if path.suffix == ".ipynb" else [(path.name, text)]
    except UnicodeDecodeError:
        return _problem(name, "It is no text in UTF-8.", digest)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _problem(name, "It is no Jupyter notebook.", digest)
    return Submission(name, cells, path.suffix == ".ipynb", "", digest)


def notebook(text):
    """The code cells of a notebook; lines for the notebook's shell, % and !, are taken out."""
    cells = []
    for number, cell in enumerate(json.loads(text)["cells"], start=1):
        source = cell["source"]
        source = source if isinstance(source, str) else "".join(source)
        if cell["cell_type"] == "code" and not source.startswith("%%"):
            lines = [re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in source.split("\n")]
            cells.append((f"cell {number}", "\n".join(lines)))
    return cells


def _counts(entry):
    hidden = entry.name.startswith((".", "__"))
    return not hidden and (entry.suffix in (".py", ".ipynb") or entry.is_dir())


def _stem(entry):
    return entry.name if entry.is_dir() else entry.stem


def _problem(name, sentence, digest=""):
    return Submission(name, [], False, sentence, digest or sentence)
