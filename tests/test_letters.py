"""The letters of the README have one meaning: shapes use no others, step sizes keep theirs."""

import re
from pathlib import Path

import lesson_form
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = README[README.index("## Letters") : README.index("## Syllabus")]
LETTERS = set(re.findall(r"`([A-Z])`", TABLE))
SHAPE = re.compile(r"\((?:\.\.\.|[A-Z])(?:, (?:\.\.\.|[A-Z]|\d+|[A-Z] [*+-] [A-Z\d]))+\)")
SOURCES = sorted([*ROOT.glob("minimeta/**/*.py"), *ROOT.glob("lessons/[0-9]*.py")])
SOURCES = [path for path in SOURCES if path.parent.name != "rule_sweep"]  # shapes of any letters
LESSONS = [path for path in SOURCES if path.parent.name == "lessons"]


def strange_letters(text):
    """Shapes over tasks or examples with a letter that the README does not have."""
    shapes = [shape for shape in SHAPE.findall(text) if re.search(r"\b[MN]\b", shape)]
    return [shape for shape in shapes if set(re.findall(r"\b[A-Z]\b", shape)) - LETTERS]


def confused_steps(text):
    """Sentences of a lesson in which the inner step size is eta or the outer one alpha."""
    prose = " ".join(cell.text for cell in lesson_form.cells(text) if cell.markdown)
    for sentence in re.split(r"(?<=[.?!:])\s+", prose.replace("\n", " ")):
        for loop, other in (("inner", r"\eta"), ("outer", r"\alpha")):
            if re.search(rf"\b{loop}\b[^$]{{0,40}}step size (of )?\${re.escape(other)}", sentence):
                yield sentence


def test_the_table_has_the_letters_of_the_contract():
    assert set("MSQNDCHTKP") <= LETTERS and {"alpha", "eta"} <= set(re.findall(r"`(\w+)`", TABLE))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_shapes_use_the_letters_of_the_readme(path):
    assert not strange_letters(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_keeps_step_sizes_and_cells_apart(path):
    text = path.read_text(encoding="utf-8")
    assert not list(confused_steps(text))
    assert not ("minimum $c" in text and "cell state $c" in text), "c is two things"


def test_a_letter_that_is_not_in_the_table_is_found():
    assert strange_letters("x (M, N, D) -> (M, N, Z)") == ["(M, N, Z)"]
    wrong = "# %% [markdown]\n# The inner loop has the step size $\\eta$.\n"
    assert len(list(confused_steps(wrong))) == 1


def test_the_glossary_has_one_line_a_word_in_order():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/glossary.md").read_text(), re.M)
    words = [word.strip().lower() for word, _ in rows]
    assert len(words) > 40 and words[1:] == sorted(words[1:])
