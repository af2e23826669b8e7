"""Pairs of submissions that share code: copies are found, honest work and the hand-out are not."""

import csv
import json
import re
import sys

import pytest

from minimeta.__main__ import main
from minimeta.course import assignments, handout
from minimeta.course.grading import similarity, submissions
from minimeta.course.lessons import ROOT

A05 = assignments.find("maml")
HONEST = ROOT / "tests" / "honest"


def disguise(text):
    """The text with other names, other comments and other spaces."""
    text = re.sub(r"\b(phi|theta|losses|support)\b", r"my_\1_too", text)
    return text.replace("    return", "    # the end\n    return").replace(" = ", "  =  ")


def notebook(text):
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [{**cell, "source": ["%matplotlib inline\n", text]}]})


@pytest.fixture
def folder(tmp_path):
    """The honest solutions, one of them also in disguise as a notebook, and two blank files."""
    place = tmp_path / "submissions"
    place.mkdir()
    for path in HONEST.glob("*.py"):
        (place / path.name).write_text(path.read_text())
    (place / "copy.ipynb").write_text(notebook(disguise((HONEST / "recursive.py").read_text())))
    for name in ("blank.py", "blank_too.py"):
        (place / name).write_text(handout.student_file(A05))
    return place


def test_a_copy_in_disguise_is_the_only_pair(folder):
    """Honest solutions share code and the blank files all of theirs, which is the hand-out's."""
    pytest.importorskip("copydetect")
    (pair,) = similarity.pairs(A05, submissions.find(folder, A05))
    assert {pair.first, pair.second} == {"copy", "recursive"} and min(pair[2:]) > 0.9


def test_what_is_handed_out_would_count_if_it_were_not_left_out(folder, monkeypatch):
    pytest.importorskip("copydetect")
    monkeypatch.setattr(similarity, "handed_out", lambda assignment: "")
    names = [pair[:2] for pair in similarity.pairs(A05, submissions.find(folder, A05))]
    assert ("blank", "blank_too") in names


def test_the_pairs_are_written_and_told(folder, tmp_path):
    pytest.importorskip("copydetect")
    told = []
    similarity.report("05", folder, tmp_path, told.append)
    with open(tmp_path / "similarity.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["first"] for row in rows] == ["copy"] and float(rows[0]["of_first"]) > 0.9
    assert len(told) == 2 and "recursive" in told[0]


def test_without_copydetect_there_is_one_sentence_and_no_grading(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "copydetect", None)
    words = ["grade", "05", str(HONEST), "--to", str(tmp_path / "results"), "--similarity"]
    assert main(words) == 1 and not (tmp_path / "results").exists()
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "pip install copydetect" in sentence
