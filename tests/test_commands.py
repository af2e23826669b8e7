"""python -m minimeta: each command does what its line says, or says in one sentence why not."""

import json
import subprocess
import sys

import pytest

from minimeta.__main__ import main
from minimeta.course import lessons


def run(*words, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "minimeta", *words], capture_output=True, text=True, cwd=cwd
    )


def test_help_lists_every_command(capsys):
    assert main(["help"]) == main([]) == 0
    shown = capsys.readouterr().out
    for command in ("list", "lessons", "lesson", "test", "verify", "certify", "gpu-check", "clean"):
        assert command in shown


def test_list_is_the_syllabus_from_any_folder(tmp_path):
    done = run("list", cwd=tmp_path)
    assert done.returncode == 0 and "00  gradients" in done.stdout


def test_an_unknown_command_is_refused():
    done = run("teach")
    assert done.returncode == 2 and "invalid choice: 'teach'" in done.stderr


@pytest.mark.parametrize("words", [["lesson", "99"], ["verify", "magic"]])
def test_what_does_not_exist_gets_one_sentence(words):
    done = run(*words)
    assert done.returncode == 1 and done.stdout in ("",) and len(done.stderr.splitlines()) == 1


def test_verify_prints_and_writes_the_sheet(tmp_path, capsys):
    path = tmp_path / "sheet.json"
    assert main(["verify", "optimizers", "--json", str(path)]) == 0
    assert "theorems, all hold" in capsys.readouterr().out
    rows = json.loads(path.read_text())
    assert all(row["holds"] and row["topic"] == "optimizers" for row in rows)


def test_an_old_python_gets_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 8))
    assert main(["list"]) == 1
    assert "needs Python 3.10 or newer; this is 3.8" in capsys.readouterr().err


def test_clean_deletes_nothing_beside_an_installed_package(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    (tmp_path / "build").mkdir()
    assert main(["clean"]) == 1 and (tmp_path / "build").exists()
    assert "it is no clone of the repository" in capsys.readouterr().err
    (tmp_path / "pyproject.toml").write_text("")
    assert main(["clean"]) == 0 and not (tmp_path / "build").exists()


MINE = """
from functools import partial
import numpy
from minimeta.exact import linear_gaussian
from minimeta.tasks import Family
from minimeta.tasks.regression import linear

learner = linear_gaussian.learner(numpy.zeros((2, 1)), numpy.eye(2), 0.25)
leaking = learner._replace(predict=lambda meta, state, x: x @ state[0] + x.mean())
number = 3
family = Family(partial(linear, covariance=numpy.eye(2), noise_variance=0.25), None)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module `mine_here` in the current folder, beside two that cannot be imported."""
    (tmp_path / "mine_here.py").write_text(MINE)
    (tmp_path / "broken_here.py").write_text("import not_installed_here")
    (tmp_path / "wrong_here.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_certify_prints_the_sheet_and_its_status_is_the_verdict(mine, capsys):
    assert main(["certify", "mine_here:learner"]) == 0
    shown = capsys.readouterr().out
    assert "all hold" in shown and "ok    Nobody beats Bayes." in shown
    assert "Not asked, because there is no reference: The answers are" in shown
    assert main(["certify", "mine_here:learner", "--family", "mine_here:family"]) == 0
    assert "because the family has no floor: Nobody beats Bayes." in capsys.readouterr().out
    assert main(["certify", "mine_here:leaking"]) == 1
    assert "Likely fault: a leak between tasks." in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["nowhere:learner"], "There is no module 'nowhere' here or among what is installed."),
        (["mine_here"], "learner must be module:name, as my_learner:learner; it is 'mine_here'."),
        (["mine_here:absent"], "mine_here has no 'absent'."),
        (["mine_here:number"], "mine_here:number must be a Learner; it is 3."),
        (["broken_here:learner"], "broken_here needs not_installed_here, which is not installed."),
        (["wrong_here:x"], "wrong_here cannot be imported: ZeroDivisionError: division by zero."),
        (
            ["mine_here:learner", "--family", "magic"],
            "There is no family 'magic'; there are linear",
        ),
        (["mine_here:learner", "--family", "mine_here:number"], "must be a Family; it is 3."),
        (["mine_here:learner", "--shots", "-1"], "shots must be at least 0; it is -1."),
        (["mine_here:learner", "--seed", "-1"], "seed must be at least 0; it is -1."),
        (["mine_here:learner", "--gradient", "mine_here:number"], "must be a function; it is 3."),
    ],
)
def test_certify_says_in_one_sentence_what_is_not_there(mine, words, sentence, capsys):
    assert main(["certify", *words]) == 1
    said = capsys.readouterr()
    assert sentence in said.err and len(said.err.splitlines()) == 1 and not said.out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no closed pipe of this kind")
def test_a_reader_that_has_seen_enough_gets_no_traceback():
    process = subprocess.Popen(
        [sys.executable, "-m", "minimeta", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()  # before the first line is written
    assert process.stderr.read() == b"" and process.wait() == 141
    process.stderr.close()
