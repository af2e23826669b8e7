"""Hand-outs, the self-check, results that go on where they stopped, and the zip for Gradescope."""

import csv
import json
import os
import subprocess
import sys
import zipfile

import pytest

from minimeta.__main__ import main
from minimeta.course import assignments, blanking, handout
from minimeta.course.grading import gradescope, submissions
from minimeta.course.grading.grade import grade
from minimeta.course.lessons import ROOT

unix = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a submission")
A05 = assignments.find("maml")
SOLUTION = handout.student_file(A05, solved=True)


def run(*words, cwd, **names):
    env = {**os.environ, "PYTHONPATH": str(ROOT), **names}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env)


def test_blanking_keeps_signature_docstring_and_everything_else():
    source = (
        'import a\n\n@mark\ndef f(x, y=2):\n    """Says.\n\n    More."""\n    return x\n\nB = 3\n'
    )
    assert blanking.blank(source, lambda name: name == "f", "{name} is yours.") == (
        'import a\n\n@mark\ndef f(x, y=2):\n    """Says.\n\n    More."""\n'
        '    raise NotImplementedError("f is yours.")\n\nB = 3\n'
    )
    methods = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
    assert blanking.blank(methods, lambda name: name == "A.g", "No.").count("return") == 1
    with pytest.raises(ValueError, match="a line of its own"):
        blanking.blank("def f(): return 1", lambda name: True, "No.")


def test_a_handout_holds_no_answer(tmp_path, capsys):
    assert main(["handout", "05", "--to", str(tmp_path)]) == 0
    text = (tmp_path / "a05.py").read_text()
    assert text.count("raise NotImplementedError") == len(A05.tasks) == text.count("# ---- Task")
    assert "prediction_2 = None" in text and "first order" not in text
    lines = {line.strip() for line in handout.student_file(A05, solved=True).splitlines()}
    answers = {line for line in lines if "tree_map(lambda" in line or "np.linalg.solve" in line}
    assert len(answers) == 2
    for path in tmp_path.rglob("*.py"):
        assert not answers & {line.strip() for line in path.read_text().splitlines()}, path
    lesson = (tmp_path / "05_maml.py").read_text()
    assert "adapt is part of the assignment" in lesson and "def my_maml" in lesson
    assert not (tmp_path / "package" / "minimeta" / "theorems").exists()
    assert main(["handout", "05", "--to", str(tmp_path)]) == 1
    assert "never overwrites" in capsys.readouterr().err


def test_an_unknown_assignment_gets_one_sentence(capsys):
    assert main(["handout", "99", "--to", "nowhere"]) == 1
    assert "There is no assignment '99'; there are a0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change, sentences",
    [
        (("", ""), ["All tasks are solved."]),
        (
            ("np.sum(losses)", "np.mean(losses)"),
            ["next  task 1: total_loss, 10 points", "mean over the tasks", "Hint: net.apply"],
        ),
        (("return left\n", "return 1 / 0\n"), ["ok    task 3", "ZeroDivisionError", "(line "]),
        (("return left\n", "return quadratics.contraction(A, step_size, steps)\n"), ["left out"]),
        (("def total_loss(", "def total_loss(:"), ["cannot be read as Python in line"]),
        (("def trajectory(", "def path("), ["There is no function trajectory."]),
    ],
)
def test_the_self_check_shows_the_first_unsolved_task(tmp_path, change, sentences):
    """In a process of its own, as a student runs it: the check takes the package's place there."""
    text = "from minimeta.exact import quadratics\n" + SOLUTION.replace(*change)
    (tmp_path / "a05.py").write_text(text if change[0] else SOLUTION)
    done = run("-m", "minimeta", "check", "a05.py", cwd=tmp_path)
    assert done.returncode == (1 if change[0] else 0) and not done.stderr
    for sentence in sentences:
        assert sentence in done.stdout


def test_a_file_of_any_other_name_needs_to_say_its_assignment(tmp_path, capsys):
    (tmp_path / "work.py").write_text("")
    assert main(["check", str(tmp_path / "work.py")]) == 1
    assert "--assignment 05" in capsys.readouterr().err


@unix
def test_grading_goes_on_where_it_stopped_and_again_with_its_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    work, told = tmp_path / "work", []
    (work / "ann").mkdir(parents=True)
    (work / "ann" / "a05.py").write_text(SOLUTION.replace("np.sum(losses)", "np.mean(losses)"))
    (work / "=cmd.py").write_text(SOLUTION)
    first = grade("05", work, tmp_path / "one", tell=told.append)
    assert [one["score"] for one in first] == [100, 90] and len(told) == 3
    (work / "late.py").write_text(handout.student_file(A05))
    (work / "ann" / "a05.py").write_text(SOLUTION)
    second = grade("05", work, tmp_path / "one", tell=told.append)
    assert [one["score"] for one in second] == [100, 100, 0] and len(told) == 6
    assert second[0] == first[0]
    seed = json.loads((tmp_path / "one" / "run.json").read_text())["seed"]
    third = grade("05", work, tmp_path / "two", seed=seed, tell=lambda _: None)
    assert [one["tests"] for one in third] == [one["tests"] for one in second]
    with pytest.raises(ValueError, match="was begun with the seed"):
        grade("05", work, tmp_path / "one", seed=seed + 1)
    rows = list(csv.DictReader((tmp_path / "one" / "grades.csv").read_text().splitlines()))
    assert [row["points"] for row in rows] == ["100", "100", "0"]
    assert rows[0]["submission"] == "'=cmd"  # a spreadsheet would run it as a formula
    numbers = json.loads((tmp_path / "one" / "statistics.json").read_text())
    assert numbers["submissions"] == 3 and numbers["median"] == 100
    assert (tmp_path / "one" / "histogram.png").read_bytes()[:4] == b"\x89PNG"


@unix
def test_the_zip_runs_in_the_folders_of_gradescope(tmp_path):
    """Unpack as Gradescope does, run for a student, read results.json as its documents say."""
    assert main(["gradescope", "05", "--to", str(tmp_path / "a05.zip")]) == 0
    root = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "a05.zip") as file:
        file.extractall(root / "source")
        modes = {entry.filename: entry.external_attr >> 16 for entry in file.infolist()}
    assert modes["run_autograder"] & 0o111 and modes["setup.sh"] & 0o111
    script = (root / "source" / "run_autograder").read_text()
    (root / "run_autograder").write_text(script)
    os.chmod(root / "run_autograder", 0o755)
    (root / "submission" / "a05.py").write_text(
        SOLUTION.replace("np.sum(losses)", "np.mean(losses)")
    )
    (root / "submission" / "notes.txt").write_text("")
    env = {"PATH": os.environ["PATH"], "MINIMETA_PYTHON": sys.executable}
    subprocess.run([root / "run_autograder"], check=True, cwd=tmp_path, env=env)
    answer = json.loads((root / "results" / "results.json").read_text())
    assert answer["score"] == 90
    check_results(answer)


def check_results(answer):
    """Raise AssertionError unless the answer is what Gradescope's specification allows."""
    top = {"score": (int, float), "execution_time": (int, float), "output": str, "tests": list}
    top |= {"stdout_visibility": str, "extra_data": dict}
    one = {"score": (int, float), "max_score": (int, float), "status": str, "name": str}
    one |= {"number": str, "output": str, "visibility": str, "extra_data": dict}
    for found, allowed in [(answer, top), *((test, one) for test in answer["tests"])]:
        assert set(found) <= set(allowed)
        assert all(isinstance(value, allowed[key]) for key, value in found.items())
    for test in answer["tests"]:
        assert test["status"] in ("passed", "failed") and 0 <= test["score"] <= test["max_score"]
    assert {test["visibility"] for test in answer["tests"]} == {"visible", "after_published"}
    assert answer["stdout_visibility"] == "hidden"


def test_a_grader_that_refuses_says_so_in_the_results(tmp_path, monkeypatch):
    (tmp_path / "submission").mkdir()
    monkeypatch.setattr(gradescope, "grade", lambda *a, **k: assignments.find("99"))
    gradescope.run("a05", tmp_path)
    answer = json.loads((tmp_path / "results" / "results.json").read_text())
    assert answer["score"] == 0 and "no assignment" in answer["output"]


def test_submissions_have_names_of_their_own(tmp_path):
    for name in ("a b.py", "a_b.py", "run.py", "twin.py", "twin.ipynb", ".hidden.py", "notes.txt"):
        (tmp_path / name).write_text("{}")
    found = submissions.find(tmp_path, A05)
    assert [one.name for one in found] == ["a b", "a_b", "run", "twin.ipynb", "twin.py"]
    names = {one.file_name for one in found}
    assert len(names) == 5 and "run" not in names and "a_b" in names
    with pytest.raises(ValueError, match="no .py, no .ipynb"):
        (tmp_path / "empty").mkdir()
        submissions.find(tmp_path / "empty", A05)


def test_a_notebook_is_read_without_its_shell_lines():
    cell = {"cell_type": "code", "source": ["%matplotlib inline\n", "if x:\n", "    !ls\n"]}
    cells = [{"cell_type": "markdown", "source": "x"}, cell, {**cell, "source": "%%bash\nls"}]
    assert submissions.notebook(json.dumps({"cells": cells})) == [
        ("cell 2", "pass\nif x:\n    pass\n")
    ]
