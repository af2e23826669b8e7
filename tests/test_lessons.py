"""Every lesson keeps its form, is found by number and name, and fails when a claim is false."""

import ast

import pytest

from minimeta.course import lessons, report

LESSONS = lessons.all_lessons()
by_name = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)


@by_name
def test_the_form_of_a_lesson(lesson):
    text = lesson.path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == "# %% [markdown]", "a lesson opens as a notebook"
    code = [line for line in lines if not line.startswith("#")]
    assert max(map(len, code)) <= 84
    assert lesson.claims >= 3
    assert "Predict" in text and "Exercise" in text and "hanged since" in text
    assert "MINIMETA_QUICK" in text and "plots.save" in text


@by_name
def test_every_claim_of_a_lesson_says_what_it_claims(lesson):
    for node in ast.walk(ast.parse(lesson.path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assert):
            assert node.msg is not None, f"line {node.lineno}: an assert without its sentence"


def test_the_lessons_are_numbered_without_doubles():
    numbers = [lesson.number for lesson in LESSONS]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    "word", ["0", "00", "gradients", "00_gradients", "00_gradients.py", " 00 "]
)
def test_a_lesson_is_found_by_number_and_by_name(word):
    assert lessons.find(word).path.name == "00_gradients.py"


@pytest.mark.parametrize("word", ["99", "magic", "", "../etc", "-1"])
def test_an_unknown_lesson_lists_the_known(word):
    with pytest.raises(lessons.LessonError, match="There is no lesson .*00_gradients"):
        lessons.find(word)


def test_a_folder_without_lessons_says_so(tmp_path):
    with pytest.raises(lessons.LessonError, match="come with the repository"):
        lessons.all_lessons(tmp_path)


def write(folder, body):
    path = folder / "lessons" / "07_small.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("# %% [markdown]\n# # 07. A small lesson\n# %%\n" + body, encoding="utf-8")
    return lessons.read(path)


def test_a_false_claim_fails_the_lesson_even_under_optimisation(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    lesson = write(tmp_path, "assert 1 + 1 == 3, 'sums'\n")
    _, passed, output = lessons.run(lesson)
    assert not passed and "AssertionError: sums" in output and lesson.claims == 1


def test_a_lesson_knows_quick_mode_and_where_figures_go(tmp_path):
    body = "import os; print(os.environ['MINIMETA_QUICK'], os.environ['MINIMETA_OUT'])\n"
    _, passed, output = lessons.run(write(tmp_path, body), quick=True)
    assert passed and output.split() == ["1", str(tmp_path / "out")]


def test_the_report_names_what_failed(tmp_path, monkeypatch, capsys):
    lesson = write(tmp_path, "raise SystemExit(3)\n")
    monkeypatch.setattr(report, "all_lessons", lambda: [lesson])
    assert report.lessons() == 1
    shown = capsys.readouterr().out
    assert "07  A small lesson" in shown and "1 failed: 07_small.py" in shown
