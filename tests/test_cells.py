"""Notebooks of our own making: valid, run, with figures inside, and made again only when needed."""

import base64
import json

import pytest

from minimeta.course import lessons, notebooks
from minimeta.course.cells import cells

TEXT = """# %% [markdown]
# # 07. A small lesson
#
# It has $x$.

# %%
from minimeta import plots
from minimeta.core.runs.progress import track
from minimeta.course.claims import claim, finish


def two():
    return __name__, 2


# %%
for step in track(range(3), "train"):
    print(step)
figure, _ = plots.figure()
plots.save(figure, "07_small")

# %%

claim(two() == ("__main__", 2), "two")
{last}

# %%
finish()
"""


def write(folder, last=""):
    """A lesson in a folder of its own, and the place for its notebook."""
    path = folder / "lessons" / "07_small.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT.replace("{last}", last), encoding="utf-8")
    return lessons.read(path), folder


def test_a_cell_knows_the_line_of_its_first_character():
    lines = TEXT.splitlines()
    made = cells(TEXT)
    assert [cell.markdown for cell in made] == [True, False, False, False, False]
    assert all(cell.text.startswith(lines[cell.line - 1].removeprefix("# ")) for cell in made)


def test_a_notebook_is_valid_and_shows_what_its_cells_did(tmp_path):
    book, kept = notebooks.write(*write(tmp_path))
    assert not kept and book["metadata"]["minimeta"]["passed"]
    assert book == json.loads((tmp_path / "07_small.ipynb").read_text(encoding="utf-8"))
    assert book["cells"][0]["source"] == ["# 07. A small lesson\n", "\n", "It has $x$."]
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4]
    printed, figure = code[1]["outputs"]  # and no line of progress
    assert printed == {"name": "stdout", "output_type": "stream", "text": ["0\n", "1\n", "2\n"]}
    assert base64.b64decode(figure["data"]["image/png"]).startswith(b"\x89PNG")
    assert code[3]["outputs"][0]["text"] == ["1 claims hold\n"]


def test_the_format_is_nbformat_4_5(tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat, which nbclient brings")
    for last in ("", "1 / 0"):
        book, _ = notebooks.write(*write(tmp_path, last))
        assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
        nbformat.validate(nbformat.from_dict(book))


def test_it_is_made_again_only_when_the_lesson_or_the_mode_changed(tmp_path):
    small = write(tmp_path)
    assert [notebooks.write(*small)[1] for _ in range(2)] == [False, True]
    assert [notebooks.write(*small, quick=True)[1] for _ in range(2)] == [False, True]
    assert [notebooks.write(*write(tmp_path, "print(1)"), quick=True)[1] for _ in "ab"] == [0, 1]


def test_a_lesson_that_fails_shows_its_error_and_is_run_again(tmp_path, monkeypatch, capsys):
    small, folder = write(tmp_path, "two() / 0")
    monkeypatch.setattr(lessons, "all_lessons", lambda: [small])
    for _ in range(2):
        assert notebooks.write_all(folder) == 1
        assert "1 failed: 07_small.py" in capsys.readouterr().out
    book = json.loads((folder / "07_small.ipynb").read_text(encoding="utf-8"))
    error = book["cells"][3]["outputs"][1]
    line = TEXT.splitlines().index("{last}") + 1
    assert error["ename"] == "TypeError"
    assert f'07_small.py", line {line}, in <module>' in error["traceback"][1]
    assert book["cells"][4]["execution_count"] is None


def test_a_claim_that_fails_is_in_the_notebook_that_failed(tmp_path):
    book, _ = notebooks.write(*write(tmp_path, "claim(False, 'false')"))
    assert not book["metadata"]["minimeta"]["passed"]
    assert "FAIL  false" in str(book["cells"][3]["outputs"])


def test_cells_print_what_the_file_prints(tmp_path):
    lesson = lessons.find("schedules")
    book, outcome = notebooks.run(lesson, quick=True)
    texts = [out.get("text", []) for cell in book["cells"] for out in cell.get("outputs", [])]
    assert "".join(line for text in texts for line in text) == lessons.run(lesson, True).output
    assert outcome.passed and outcome.claims["ran"] == lesson.claims
