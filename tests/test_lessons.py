"""Every lesson keeps its form, is found by number and name, and fails when a claim is false."""

import ast
import re
from pathlib import Path

import lesson_form
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
    assert "Predict" in text and "Exercise" in text and "hanged since" in text
    assert "plots.save" in text


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in LESSONS if lesson.claims], ids=lambda lesson: lesson.path.stem
)
def test_a_lesson_that_makes_claims_has_the_form_of_a_lesson(lesson):
    assert not lesson_form.faults(lesson.path.read_text(encoding="utf-8"))


def test_the_package_names_lessons_by_their_names():
    """A lesson's number is only its file's: it changes when a lesson is put before it."""
    for path in Path(lessons.__file__).parents[1].rglob("*.py"):
        assert not re.findall(r"\b[Ll]essons? [0-9]+", path.read_text(encoding="utf-8")), path


@by_name
def test_every_claim_of_a_lesson_says_what_it_claims(lesson):
    for node in ast.walk(ast.parse(lesson.path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assert):
            assert node.msg is not None, f"line {node.lineno}: an assert without its sentence"


SMALL = """# %% [markdown]
# # 07. A small lesson
#
# {words}
#
# $$1+1=2$$

# %%
from minimeta import plots
from minimeta.course.claims import check, claim, finish

# %% [markdown]
# **Predict, then run.** How much is 1 + 1?

# %%
claim(1 + 1 == 2, "sums", 2, "= 2")

# %%
fig, (ax,) = plots.figure()
plots.save(fig, "07_small")
""".format(words="word " * 99)
QUESTION = "Put your answer in place of the dots and take the first # away."
for k in (1, 2, 3):
    SMALL += f'\n# %%\n# Exercise {k}. {QUESTION}\n# check(..., "21979a55")\n'
SMALL += "\n# %%\nfinish()\n"
FAULTS = {
    "no blank line around the heading": ("lesson\n#\n", "lesson\n"),
    "inside of a paragraph": ("\n#\n# $$1", "\n# $$1"),
    "begins no paragraph": ("# **Predict", "# And now:\n# **Predict"),
    "a cell of 27 lines": ("fig, (ax,)", "print()\n" * 25 + "fig, (ax,)"),
    "saved in another": ("plots.save", "\n# %%\nplots.save"),
    "in another form": ('# check(..., "21979a55")', '# check(..., "21979a55", 2)'),
    "an assert": ("claim(1", "assert 1 + 1 == 2\nclaim(1"),
    "a lambda has a name": ("claim(1", "f, b = lambda x: x, 2\nclaim(1"),
    "more than 5 arguments": ("claim(1", "def f(a, b, c, d, e, f):\n    pass\n\n\nclaim(1"),
    "the last cell is not finish()": ("\nfinish()", "\nprint()\nfinish()"),
    "use(...) outside of": ("claim(1", "use(dtype='float32')\nclaim(1"),
    "two claims with one sentence": ("claim(1", "claim(True, 'sums')\nclaim(1"),
    "exercises 1, 2, 3": ("Exercise 3", "Exercise 4"),
    "check is not imported": ("import check, ", "import "),
    "words of text for": ("word " * 50, ""),
}


def test_a_small_lesson_without_fault():
    assert lesson_form.faults(SMALL) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_form_is_named(fault):
    right, wrong = FAULTS[fault]
    found = lesson_form.faults(SMALL.replace(right, wrong, 1))
    assert right in SMALL and len(found) >= 1 and fault in found[0], found


@pytest.mark.parametrize("whole", ["# $$1$$ and\n# $$2$$", "# $$1\n# and $$2", "# so $$1$$"])
def test_a_displayed_equation_is_a_paragraph(whole):
    assert lesson_form.faults(SMALL.replace("# $$1+1=2$$", whole))


def test_an_equation_of_several_lines_is_one():
    for whole in ("# $$\n# 1+1\n# $$", "# $$1\n# +1$$"):
        assert not lesson_form.faults(SMALL.replace("# $$1+1=2$$", whole))


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


CLAIMS = "from minimeta.course.claims import claim, finish\n"


def test_a_false_claim_fails_the_lesson_at_its_end(tmp_path):
    body = CLAIMS + "claim(1 + 1 == 3, 'sums', 2, '= 3')\nprint('the figure')\nfinish()\n"
    outcome = lessons.run(write(tmp_path, body))
    assert not outcome.passed and outcome.claims == {"holds": 0, "fails": 1, "skipped": 0, "ran": 1}
    assert "FAIL  sums  [2, needed: = 3]\nthe figure\n0 claims hold, 1 FAIL" in outcome.output


@pytest.mark.parametrize("early", ["raise SystemExit(0)\n", ""])
def test_a_lesson_that_does_not_reach_its_end_has_failed(tmp_path, early):
    lesson = write(tmp_path, CLAIMS + early + "claim(True, 'sums')\n")
    outcome = lessons.run(lesson)
    assert not outcome.passed and lesson.claims == 1
    assert "ended before its last cell" in report.line(lesson, outcome)


@pytest.mark.parametrize("way", ["if not 1:\n    ", "finish()\nraise SystemExit(0)\n"])
def test_a_lesson_that_passes_by_a_claim_written_in_it_has_failed(tmp_path, way):
    body = CLAIMS + f"claim(True, 'sums')\n{way}claim(\n        True, 'never asked')\nfinish()\n"
    lesson = write(tmp_path, body)
    outcome = lessons.run(lesson)
    assert not outcome.passed and lesson.claims == 2
    assert "FAILED: 1 of 2 written claims ran, 1 claims hold" in report.line(lesson, outcome)


def test_claims_are_counted_as_they_run_and_trained_ones_left_out_of_quick_mode(tmp_path):
    body = CLAIMS + "for i in 'ab':\n    claim(True, f'loop {i}')\n"
    lesson = write(tmp_path, body + "claim(False, 'trained', trained=True)\nfinish()\n")
    quick, full = (lessons.run(lesson, quick) for quick in (True, False))
    assert quick.passed and quick.claims == {"holds": 2, "fails": 0, "skipped": 1, "ran": 2}
    assert "2 of 2 written claims ran, 2 claims hold, 1 need a full run" in report.line(
        lesson, quick
    )
    assert not full.passed and full.claims["fails"] == 1


@pytest.mark.parametrize("quick, where", [(True, "out/quick"), (False, "out")])
def test_a_lesson_knows_quick_mode_and_where_figures_go(tmp_path, monkeypatch, quick, where):
    monkeypatch.delenv("MINIMETA_OUT", raising=False)
    body = "import os; print(os.environ['MINIMETA_QUICK'], os.environ['MINIMETA_OUT'])\n"
    outcome = lessons.run(write(tmp_path, body), quick=quick)
    assert outcome.passed and outcome.output.split() == [str(int(quick)), str(tmp_path / where)]


def test_the_seed_reaches_the_lesson(tmp_path):
    body = "from minimeta.course.claims import SEED; print(SEED)\n"
    assert lessons.run(write(tmp_path, body), seed=4).output == "4\n"


def test_a_folder_that_cannot_be_written_to_is_noticed_before_computing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINIMETA_OUT", str(tmp_path / "file"))
    with pytest.raises(lessons.LessonError, match="Figures cannot be written to .*file"):
        report.lessons()


def test_the_report_names_what_failed_and_keeps_the_order(tmp_path, monkeypatch, capsys):
    slow = write(tmp_path, "import time; time.sleep(0.5); raise SystemExit(3)\n")
    fast = slow._replace(number="08", path=tmp_path / "lessons" / "08_fast.py")
    fast.path.write_text("print('well')\n")
    monkeypatch.setenv("MINIMETA_OUT", str(tmp_path))
    monkeypatch.setattr(report, "all_lessons", lambda: [slow, fast])
    assert report.lessons() == 1
    shown = capsys.readouterr().out
    assert shown.startswith("07  A small lesson") and "1 failed: 07_small.py" in shown
    assert shown.index("07 ") < shown.index("08 ")
