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
    for command in ("list", "lessons", "lesson", "test", "verify", "gpu-check", "clean"):
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
